//! What a plugin may use up: memory, time, output. Each limit holds before the guest's first instruction (a start
//! function included) and for each plugin of a chain on its own.
//!
//! [`table`] names every limit of the host with its reason, those included that no flag changes.

pub mod table;

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use windlass_manifest::Budget;

use crate::error::Error;

/// The limits of one plugin's run. [`Limits::default`] suits streams of every size: the memory limit grows with the
/// input unless it is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// All memory that the guest makes the host hold, in bytes: linear memories, tables (16 bytes per element), blocks
    /// of Extism's memory, variables. None: [`Limits::memory_for`] the stream.
    pub memory: Option<ByteSize>,
    /// Wall-clock time of one run of the plugin, instantiation included, compilation excluded.
    pub timeout: Duration,
    /// The most bytes that the plugin may answer.
    pub max_output: ByteSize,
    /// What compiling it may use up.
    pub compile: CompileLimits,
}

/// The limits of a plugin's compilation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompileLimits {
    /// Address space of the compiler's process, its program and stacks included. None: what a module of that size needs
    /// at most, never more than [`table::MAX_COMPILE_MEMORY`].
    pub memory: Option<ByteSize>,
    /// Processor time of all its threads together, and time on the clock. None: what a module of that size needs at most,
    /// never more than [`table::MAX_COMPILE_TIME`], which is the time on the clock.
    pub timeout: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: None,
            timeout: Duration::from_secs(10),
            max_output: ByteSize(256 << 20),
            compile: CompileLimits::default(),
        }
    }
}

/// What is made of a guest's answer and the stream it got, after the guest has ended.
impl Limits {
    /// The budget for reading the answer of a run that began at `started`, of `stream_length` bytes: it ends
    /// [`table::TIME_TO_CHECK`] after the run's own time, and makes the host hold no more than
    /// [`table::MEMORY_TO_CHECK`] beside what the guest may hold. `held` is what the stream and the answer hold by now.
    pub(crate) fn budget_to_check(&self, started: Instant, stream_length: usize, held: u64) -> Budget {
        let most = self.memory_for(stream_length).saturating_add(table::MEMORY_TO_CHECK.0);
        let memory = most.saturating_sub(held).saturating_sub(PROGRAM).max(LEAST_TO_CHECK);
        let ends = started + self.timeout + table::TIME_TO_CHECK;
        // Half for text, half for what documents are made of.
        Budget::new(memory / 2, memory / 2 / MEMORY_PER_ENTRY).with_clock(move || Instant::now() >= ends)
    }
}

/// What the program takes itself, with a plugin's code, in bytes.
const PROGRAM: u64 = 64 << 20;
/// What is left for the check in any case, in bytes: more than a large chart needs.
const LEAST_TO_CHECK: u64 = 32 << 20;
/// What a node (20 bytes) and an object that a list has (20) take in their vectors.
const MEMORY_PER_ENTRY: u64 = 40;

/// A budget for a text of `length` bytes that somebody wrote by hand, or whoever poses as somebody: what
/// [`Budget::for_text`] gives, within [`table::TIME_TO_READ`].
pub(crate) fn budget_to_read(length: usize) -> Budget {
    let ends = Instant::now() + table::TIME_TO_READ;
    Budget::for_text(length).with_clock(move || Instant::now() >= ends)
}

impl Limits {
    /// The memory limit for a stream of `stream_length` bytes: what was set, else 64 MiB + 16 times the stream. The
    /// factor is what a guest without the raw entry needs at worst: the stream escaped as JSON, decoded, parsed,
    /// changed and escaped again, with the copies in between.
    pub fn memory_for(&self, stream_length: usize) -> u64 {
        match self.memory {
            Some(ByteSize(bytes)) => bytes,
            None => (64 << 20) + 16_u64.saturating_mul(stream_length as u64),
        }
    }
}

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

const UNITS: [(&str, u64); 10] = [
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
    ///
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
///
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

    #[test]
    fn unset_memory_grows_with_the_stream_and_set_memory_does_not() {
        let mut limits = Limits::default();
        assert_eq!(limits.memory_for(0), 64 << 20);
        assert_eq!(limits.memory_for(100 << 20), (64 << 20) + (1600 << 20));
        limits.memory = Some(ByteSize(1 << 20));
        assert_eq!(limits.memory_for(100 << 20), 1 << 20);
    }
}
