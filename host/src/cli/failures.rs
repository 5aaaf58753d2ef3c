//! The record of failures that `windlass why` reads: Helm 4 shows neither stderr nor the exit code of a plugin.
//!
//! One JSON object per line in `failures.jsonl` in the state folder, newest last, readable by the owner only. Only the
//! newest [`KEPT`] are kept, each bounded by [`LONGEST_TEXT`]. Values of `--set` and of extra arguments are left out:
//! they may be secrets.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::dirs;
use crate::error::Error;
use crate::store::PrivateFolder;

/// The record's file in the state folder.
const FILE: &str = "failures.jsonl";
/// How many failures are kept.
const KEPT: usize = 50;
/// The most bytes of one text in the record: a plugin chooses its error text.
const LONGEST_TEXT: usize = 64 * 1024;
/// A record larger than this was not written by Windlass and is not read.
const LARGEST_RECORD: u64 = 16 * 1024 * 1024;

/// One failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Failure {
    /// When, in UTC, like `2026-11-22T16:18:00Z`.
    pub(super) time: String,
    /// The command line, values that may be secret left out.
    pub(super) command: Vec<String>,
    /// The folder the command ran in.
    pub(super) folder: String,
    /// Helm's name of the plugin, when Helm started us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) helm_plugin: Option<String>,
    /// What the process ended with.
    pub(super) exit_code: u8,
    /// The plugin at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) plugin: Option<String>,
    /// What happened.
    pub(super) message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) hints: Vec<String>,
    /// The long story: a backtrace, log lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
}

impl Failure {
    /// The failure that `error` is, of the process's own command line.
    pub(super) fn of_this_process(error: &Error) -> Self {
        let arguments: Vec<String> =
            std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
        Self {
            time: timestamp(SystemTime::now()),
            command: without_values(&arguments),
            folder: std::env::current_dir().map(|folder| folder.display().to_string()).unwrap_or_default(),
            helm_plugin: std::env::var("HELM_PLUGIN_NAME").ok(),
            exit_code: error.exit_code().code(),
            plugin: error.plugin().map(str::to_owned),
            message: cut(error.message()),
            hints: error.hints().iter().map(|hint| cut(hint)).collect(),
            detail: error.detail_text().map(cut),
        }
    }
}

/// Appends a failure and forgets the oldest beyond [`KEPT`]. Two processes that fail at once may lose one of the two,
/// never the file.
///
/// # Errors
/// No home directory, or the folder cannot be written. The caller has a more important error to show.
pub(super) fn record(failure: &Failure) -> Result<(), Error> {
    let folder = PrivateFolder::open_or_create(&dirs::state()?)?;
    let mut kept = parse(folder.read(FILE, LARGEST_RECORD)?);
    kept.push(failure.clone());
    let first = kept.len().saturating_sub(KEPT);
    let mut text = Vec::new();
    for failure in kept.iter().skip(first) {
        serde_json::to_writer(&mut text, failure)
            .map_err(|error| Error::bug(format!("the failure cannot be written as JSON: {error}")))?;
        text.push(b'\n');
    }
    folder.write(FILE, &[&text])
}

/// The failures on record, oldest first. No record is an empty one.
///
/// # Errors
/// No home directory, or the record cannot be read.
pub(super) fn read() -> Result<Vec<Failure>, Error> {
    match PrivateFolder::open(&dirs::state()?)? {
        Some(folder) => Ok(parse(folder.read(FILE, LARGEST_RECORD)?)),
        None => Ok(Vec::new()),
    }
}

/// Lines that are not a failure are passed over.
fn parse(record: Option<Vec<u8>>) -> Vec<Failure> {
    let record = record.unwrap_or_default();
    record.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// The command line without the values of `KEY=VALUE` arguments and of flags that take one.
fn without_values(arguments: &[String]) -> Vec<String> {
    // A value without `=` has no key to show.
    let hidden = |pair: &str| pair.split_once('=').map_or("…".to_owned(), |(key, _)| format!("{key}=…"));
    let takes_a_secret = |flag: &str| matches!(flag, "--set" | "--set-string" | "--password");
    let mut after_flag = false;
    let mut after_dashes = false;
    let mut kept = Vec::with_capacity(arguments.len());
    for argument in arguments {
        kept.push(match argument.split_once('=') {
            _ if after_flag => hidden(argument),
            Some(_) if after_dashes => hidden(argument),
            Some((flag, pair)) if takes_a_secret(flag) => format!("{flag}={}", hidden(pair)),
            _ => without_credentials(argument),
        });
        after_flag = !after_flag && !after_dashes && takes_a_secret(argument);
        after_dashes |= argument == "--";
    }
    kept
}

/// A text in which no URL has a name or a password: what somebody typed into a reference by mistake stays out of logs.
pub(super) fn without_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(|c: char| "/'`\"".contains(c) || c.is_whitespace()).unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        shown.push_str(before);
        shown.push_str("://");
        match authority.rsplit_once('@') {
            Some((_, host)) => shown.extend(["…@", host]),
            None => shown.push_str(authority),
        }
        rest = tail;
    }
    shown.push_str(rest);
    shown
}

fn cut(text: &str) -> String {
    if text.len() <= LONGEST_TEXT {
        return text.to_owned();
    }
    let end = (0..=LONGEST_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}… ({} bytes in all)", text.get(..end).unwrap_or_default(), text.len())
}

/// A time as RFC 3339 in UTC, to the second (the civil-from-days algorithm of Howard Hinnant).
fn timestamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_are_civil() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_827_696, "2000-02-29T12:34:56Z"),
            (1_795_364_280, "2026-11-22T16:18:00Z"),
            (4_102_444_799, "2099-12-31T23:59:59Z"),
        ] {
            assert_eq!(timestamp(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn values_stay_out_of_the_record() {
        let check = |line: &str, expected: &str| {
            let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(without_values(&arguments).join(" "), expected);
        };
        check("run p --set a.b=secret --set-string=c=secret", "run p --set a.b=… --set-string=c=…");
        check("run p --allow-read /a=/b -- token=secret plain", "run p --allow-read /a=/b -- token=… plain");
        check("login h --password secret --password=secret", "login h --password … --password=…");
        check("run --pipeline=windlass.yaml", "run --pipeline=windlass.yaml");
        check("run oci://ann:secret@h/a:1 http://h/b@c", "run oci://…@h/a:1 http://h/b@c");
    }
}
