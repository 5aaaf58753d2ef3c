//! A SHA-256 digest, as registries, lock files and signatures name content.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// A SHA-256 digest; prints as `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Checks content that came under this digest: the one place where the two are compared.
    ///
    /// # Errors
    /// The content has another digest, which is the error.
    pub fn check(&self, content: &[u8]) -> Result<(), Self> {
        let found = Self::of(content);
        if found == *self { Ok(()) } else { Err(found) }
    }

    /// The 64 hexadecimal digits alone.
    pub fn hex(&self) -> String {
        use fmt::Write as _;
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl std::str::FromStr for Digest {
    type Err = Error;

    /// # Errors
    /// Not `sha256:` and 64 lower-case hexadecimal digits (exit 2).
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::usage("a digest is `sha256:` and 64 lower-case hexadecimal digits");
        let hex = text.strip_prefix("sha256:").filter(|hex| hex.len() == 64).ok_or_else(wrong)?;
        let mut digest = [0_u8; 32];
        for (byte, pair) in digest.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            let digit = |character: &u8| match character {
                b'0'..=b'9' => Some(character - b'0'),
                b'a'..=b'f' => Some(character - b'a' + 10),
                _ => None,
            };
            *byte = match pair {
                [high, low] => digit(high).zip(digit(low)).map(|(high, low)| high << 4 | low).ok_or_else(wrong)?,
                _ => return Err(wrong()),
            };
        }
        Ok(Self(digest))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}
