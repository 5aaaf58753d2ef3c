//! How people write limits, and [`table`]: every limit of the host with its reason, those included that no flag
//! changes.

pub mod table;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::error::Error;

/// A number of bytes as people write it: `64Mi`, `256Ki`, `1Gi`, `10M` or `1048576`. Prints back in the largest binary
/// unit that loses nothing.
///
/// ```
/// use windlass::limits::ByteSize;
///
/// let size: ByteSize = "64Mi".parse().unwrap();
/// assert_eq!(size, ByteSize(64 * 1024 * 1024));
/// assert_eq!(size.to_string(), "64Mi");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

/// The units of a size, longer names first.
pub(crate) const UNITS: [(&str, u64); 10] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("K", 1_000),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
];

impl FromStr for ByteSize {
    type Err = Error;

    /// # Errors
    /// Not a whole number with a known unit, zero, or more than 2^64 bytes (exit 2).
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::usage(format!("`{text}` is not a size"))
                .hint("write a whole number of bytes above zero with an optional unit, for example `64Mi`, `1Gi` or `1048576`")
        };
        let trimmed = text.trim();
        let (digits, unit) = UNITS
            .iter()
            .find_map(|(name, factor)| trimmed.strip_suffix(name).map(|digits| (digits, *factor)))
            .unwrap_or((trimmed, 1));
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        match number.checked_mul(unit) {
            Some(bytes) if bytes > 0 => Ok(Self(bytes)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = [("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)]
            .into_iter()
            .find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor))
            .unwrap_or(("", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

/// Parses a duration as the `--timeout` flag takes it: `10s`, `500ms`, `1m30s`, `1h`, or bare seconds (`10`, `0.5`).
///
/// # Errors
/// Anything else, zero, or more than a day (exit 2).
pub fn parse_duration(text: &str) -> Result<Duration, Error> {
    let wrong = || {
        Error::usage(format!("`{text}` is not a duration"))
            .hint("write a number with a unit, for example `10s`, `500ms` or `1m30s`; the most is 24h")
    };
    let mut rest = text.trim();
    let mut total = 0.0_f64;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        total += number
            * match unit {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                // Bare seconds only stand alone: `1m30` is more often a slip than meant.
                "" if number == text.trim().parse().unwrap_or(f64::NAN) => 1.0,
                _ => return Err(wrong()),
            };
        rest = after;
    }
    if total > 0.0 && total <= 86_400.0 { Ok(Duration::from_secs_f64(total)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_parse_and_print_back() {
        for (text, bytes, printed) in [
            ("64Mi", 64 << 20, "64Mi"),
            ("64MiB", 64 << 20, "64Mi"),
            ("1Gi", 1 << 30, "1Gi"),
            ("1024", 1024, "1Ki"),
            ("1000", 1000, "1000"),
            ("10M", 10_000_000, "10000000"),
        ] {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!((size, size.to_string().as_str()), (ByteSize(bytes), printed), "{text}");
            assert_eq!(size.to_string().parse::<ByteSize>().unwrap(), size);
        }
        for text in ["", "0", "Mi", "-1", "1.5Gi", "+5", "64 Mi", "99999999999Gi", "64Mib"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn durations_parse() {
        for (text, milliseconds) in [
            ("10s", 10_000),
            ("500ms", 500),
            ("1m30s", 90_000),
            ("10", 10_000),
            ("0.5", 500),
            ("1.5s", 1500),
            ("24h", 86_400_000),
        ] {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_millis(milliseconds), "{text}");
        }
        for text in ["", "0", "0s", "-1s", "s", "1x", "1m30", "25h", "1..5s", "inf", "NaN"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
