//! The challenges of a server that asks for a login: `WWW-Authenticate` (RFC 9110, section 11), as registries use it.
//!
//! A server may offer several ways in, in one header or in several, in any letter case. Whoever reads them takes the
//! first that they can go; one that is unknown or malformed hides none of the others. So this reader takes what RFC
//! 9110 takes, and what is often seen besides: addresses without quotes, missing commas, and credentials in place of
//! parameters (`Negotiate oRQwEq...`). It reads each character once.

/// The members of a token server's answer that hold the token, in their order; the first that is not empty counts.
pub const TOKEN_MEMBERS: [&str; 2] = ["token", "access_token"];

/// One way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// Whether it is of this scheme, such as `Bearer`; letter case does not matter.
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The value of a parameter, without quotes and escapes; the first one where it is there twice.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        parameters.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The challenges of one header, in their order.
///
/// ```
/// use windlass_abi::challenge::challenges;
///
/// let found = challenges(r#"Basic realm="a", bearer realm="https://auth.example/token",service="b""#);
/// assert!(found[0].is("Basic") && found[1].is("Bearer"));
/// assert_eq!(found[1].parameter("realm"), Some("https://auth.example/token"));
/// ```
pub fn challenges(header: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut rest = Text(header);
    // Directly behind a scheme a word without `=` is a credential, not the next scheme.
    let mut is_behind_scheme = false;
    loop {
        is_behind_scheme &= !rest.skip(|byte| byte == b',');
        let word = rest.take(is_token);
        if word.is_empty() {
            // What no word begins with ends at the next comma.
            if rest.take(|byte| byte != b',').is_empty() {
                return found;
            }
            continue;
        }
        rest.skip(|_| false);
        match rest.0.strip_prefix('=') {
            Some(value) => {
                rest = Text(value);
                rest.skip(|_| false);
                let value = rest.value();
                if let (Some(challenge), Some(value)) = (found.last_mut(), value) {
                    challenge.parameters.push((word.to_owned(), value));
                }
                is_behind_scheme = false;
            }
            None if is_behind_scheme => {
                rest.take(|byte| byte != b',');
                is_behind_scheme = false;
            }
            None => {
                found.push(Challenge { scheme: word.to_owned(), parameters: Vec::new() });
                is_behind_scheme = true;
            }
        }
    }
}

/// What is left of a header.
struct Text<'h>(&'h str);

impl<'h> Text<'h> {
    /// Takes what is wanted at the beginning. Every `is_wanted` treats all bytes beyond ASCII alike, so the cut is
    /// between two characters.
    fn take(&mut self, is_wanted: impl Fn(u8) -> bool) -> &'h str {
        let end = self.0.bytes().position(|byte| !is_wanted(byte)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at_checked(end).unwrap_or((self.0, ""));
        self.0 = rest;
        taken
    }

    /// Leaves out blanks and what else `is_left_out`; whether any of the latter was there.
    fn skip(&mut self, is_left_out: impl Fn(u8) -> bool) -> bool {
        let skipped = self.take(|byte| matches!(byte, b' ' | b'\t') || is_left_out(byte));
        skipped.bytes().any(is_left_out)
    }

    /// The value of a parameter; none where a quote does not end, or where `=` only pads a credential.
    fn value(&mut self) -> Option<String> {
        let Some(quoted) = self.0.strip_prefix('"') else {
            let value = self.take(|byte| !matches!(byte, b',' | b' ' | b'\t'));
            return (!value.trim_start_matches('=').is_empty()).then(|| value.to_owned());
        };
        let mut value = String::new();
        let mut characters = quoted.chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => {
                    self.0 = characters.as_str();
                    return Some(value);
                }
                '\\' => value.extend(characters.next()),
                other => value.push(other),
            }
        }
        self.0 = "";
        None
    }
}

/// The characters of a token (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expected`: one challenge a line, its parameters as `NAME=VALUE` behind it.
    #[track_caller]
    fn check(header: &str, expected: &str) {
        let shown: Vec<String> = challenges(header)
            .iter()
            .map(|challenge| {
                let parameters = challenge.parameters.iter().map(|(name, value)| format!(" {name}={value}"));
                format!("{}{}", challenge.scheme, parameters.collect::<String>())
            })
            .collect();
        assert_eq!(shown.join("\n"), expected, "{header}");
    }

    #[test]
    fn one_challenge() {
        check("", "");
        check("Basic", "Basic");
        check(r#"Basic realm="x""#, "Basic realm=x");
        check(
            r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
            "Bearer realm=https://auth.docker.io/token service=registry.docker.io scope=repository:a/b:pull,push",
        );
        check("bEARER realm = \"a \\\"b\\\"\" ,\tscope=\"\"", "bEARER realm=a \"b\" scope=");
        // Seen in the wild: no quotes around an address, no commas.
        check("Bearer realm=https://a.example/t?x=y,service=s", "Bearer realm=https://a.example/t?x=y service=s");
        check(r#"Bearer realm="r" service="s""#, "Bearer realm=r service=s");
    }

    #[test]
    fn several_challenges() {
        check(r#"Basic realm="x", Bearer realm="y",service="z""#, "Basic realm=x\nBearer realm=y service=z");
        check("Basic, Digest, , Bearer realm=\"y\"", "Basic\nDigest\nBearer realm=y");
        check("Negotiate, Bearer realm=r", "Negotiate\nBearer realm=r");
        check("Negotiate oRQwEq+/ab==, Bearer realm=r", "Negotiate\nBearer realm=r");
        check("Negotiate Basic, Bearer realm=r", "Negotiate\nBearer realm=r");
        check("Negotiate YWJj=, Bearer realm=r", "Negotiate\nBearer realm=r");
    }

    #[test]
    fn what_cannot_be_read_hides_nothing_else() {
        check(r#"realm="x", Bearer realm="y""#, "Bearer realm=y");
        check("()<>, Bearer realm=y", "Bearer realm=y");
        check("Bearer realm=\"y", "Bearer");
        check("Bearer realm=\"y\\", "Bearer");
        check("Bearer realm=", "Bearer");
        check("Bearer ä, Basic realm=\"ö\"", "Bearer\nBasic realm=ö");
        check(&",".repeat(100_000), "");
    }

    proptest::proptest! {
        #[test]
        fn no_header_is_a_fault(header in "[ -~äß\t]{0,80}") {
            challenges(&header);
        }
    }
}
