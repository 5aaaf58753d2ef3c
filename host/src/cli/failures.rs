//! The record of failures that `windlass why` reads: Helm 4 shows neither stderr nor the exit code of a plugin.
//!
//! One JSON object per line in `failures.jsonl` in the state folder, newest last, readable by the owner only. Only the
//! newest [`KEPT`] are kept, each bounded by [`LONGEST_TEXT`]. What may be secret is not kept: the values of `--set`
//! and of extra arguments, on the command line and wherever a message quotes them; pieces of the stream, but for what a
//! plugin's own error text quotes, and of that no value of a Secret.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use windlass_abi::set::{self, Typing};
use windlass_manifest::Value;

use crate::dirs;
use crate::error::Error;
use crate::finding::{Finding, Level};
use crate::helm::enable;
use crate::secrets::{Secrets, TAKEN_OUT};
use crate::store::PrivateFolder;

/// The record's file in the state folder.
const FILE: &str = "failures.jsonl";
/// The record of warnings beside it.
const WARNINGS: &str = "warnings.jsonl";
/// How many warnings of one run are kept.
const MOST_WARNINGS: usize = 200;
/// How many failures are kept.
const KEPT: usize = 50;
/// The most bytes of one text in the record: a plugin chooses its error text.
const LONGEST_TEXT: usize = 8 * 1024;
/// A record larger than this was not written by Windlass and is not read.
const LARGEST_RECORD: u64 = 16 * 1024 * 1024;

/// One failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FailureRecord {
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

/// The warnings of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Warned {
    /// When, in UTC.
    pub(super) time: String,
    /// The command line, values that may be secret left out.
    pub(super) command: Vec<String>,
    /// The folder the command ran in.
    pub(super) folder: String,
    /// Helm's name of the plugin, when Helm started us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) helm_plugin: Option<String>,
    /// What was warned of, one line each.
    pub(super) warnings: Vec<String>,
}

/// What the runs of this process warned of, and what must be taken out of it.
static WARNED: Mutex<Option<(Vec<String>, Secrets)>> = Mutex::new(None);

/// Notes what a run warned of, for [`record_warnings`] at the end of the process.
pub(super) fn note_warnings(mut warnings: Vec<String>, findings: &[Finding], secrets: &Secrets) {
    warnings.extend(findings.iter().filter(|finding| finding.level == Level::Warn).map(|finding| {
        let file = if finding.file.is_empty() { String::new() } else { format!("{}: ", finding.file) };
        format!("{}: {file}{}", finding.plugin, finding.describe())
    }));
    if warnings.is_empty() {
        return;
    }
    if let Ok(mut warned) = WARNED.lock() {
        let (noted, of_release) = warned.get_or_insert_default();
        noted.extend(warnings);
        of_release.extend(secrets);
    }
}

/// Keeps what this process warned of for `windlass why --warnings`: under Helm 4 nobody may have seen it.
pub(super) fn record_warnings(flags: impl FnOnce() -> Flags) {
    let Some((mut warnings, of_release)) = WARNED.lock().ok().and_then(|mut warned| warned.take()) else { return };
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let (command, mut secrets) = without_values(&arguments, &flags());
    secrets.extend(&of_release);
    let beyond = warnings.len().saturating_sub(MOST_WARNINGS);
    warnings.truncate(MOST_WARNINGS);
    let mut warnings: Vec<String> = warnings.iter().map(|warning| cut(&secrets.taken_out_of(warning))).collect();
    if beyond > 0 {
        warnings.push(format!("and {beyond} more"));
    }
    let warned = Warned {
        time: timestamp(SystemTime::now()),
        command,
        folder: std::env::current_dir().map(|folder| folder.display().to_string()).unwrap_or_default(),
        helm_plugin: crate::env::HELM_PLUGIN_NAME.os().and_then(|name| name.into_string().ok()),
        warnings,
    };
    // A run that warns is a success: that there is no home to keep it in does not change that.
    let _ = append(WARNINGS, &warned);
}

/// The warnings on record, those of the newest run last.
///
/// # Errors
/// As [`read`].
pub(super) fn read_warnings() -> Result<Vec<Warned>, Error> {
    read_all(WARNINGS)
}

/// Whether `windlass why` should have an error. A mistyped command line does not take the place of a failure that
/// somebody looks for, unless nobody saw the complaint; a reader that left and Ctrl-C are nobody's failure.
pub(super) fn is_worth_keeping(error: &Error, is_mistyped: bool) -> bool {
    let is_failure = !error.is_ending();
    is_failure && (!is_mistyped || enable::is_under_helm())
}

impl FailureRecord {
    /// The failure that `error` is, of the process's own command line. `flags` are those that take a value.
    pub(super) fn of_this_process(error: &Error, flags: &Flags) -> Self {
        let arguments: Vec<String> =
            std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
        let (command, mut secrets) = without_values(&arguments, flags);
        secrets.extend(error.secrets());
        secrets.extend(&crate::env::secrets());
        // Cut last, so that no half of a value is left.
        let kept = |text: &str| cut(&secrets.taken_out_of(text));
        Self {
            time: timestamp(SystemTime::now()),
            command,
            folder: std::env::current_dir().map(|folder| folder.display().to_string()).unwrap_or_default(),
            helm_plugin: crate::env::HELM_PLUGIN_NAME.os().and_then(|name| name.into_string().ok()),
            exit_code: error.exit_code().code(),
            plugin: error.plugin().map(str::to_owned),
            message: kept(error.message()),
            hints: error.hints().iter().map(|hint| kept(hint)).collect(),
            detail: error.detail_text().map(kept),
        }
    }
}

/// Appends a failure and forgets the oldest beyond [`KEPT`]. Two processes that fail at once may lose one of the two,
/// never the file.
///
/// # Errors
/// No home directory, or the folder cannot be written. The caller has a more important error to show.
pub(super) fn record(failure: &FailureRecord) -> Result<(), Error> {
    append(FILE, failure)
}

fn append<T: Serialize + DeserializeOwned + Clone>(file: &str, entry: &T) -> Result<(), Error> {
    let folder = PrivateFolder::open_or_create(&dirs::state()?)?;
    let mut kept: Vec<T> = parse(folder.read(file, LARGEST_RECORD)?);
    kept.push(entry.clone());
    let first = kept.len().saturating_sub(KEPT);
    let mut text = Vec::new();
    for entry in kept.iter().skip(first) {
        serde_json::to_writer(&mut text, entry)
            .map_err(|error| Error::bug(format!("the record cannot be written as JSON: {error}")))?;
        text.push(b'\n');
    }
    folder.write(file, &[&text])
}

/// The failures on record, oldest first. No record is an empty one.
///
/// # Errors
/// No home directory, or the record cannot be read.
pub(super) fn read() -> Result<Vec<FailureRecord>, Error> {
    read_all(FILE)
}

fn read_all<T: DeserializeOwned>(file: &str) -> Result<Vec<T>, Error> {
    match PrivateFolder::open(&dirs::state()?)? {
        Some(folder) => Ok(parse(folder.read(file, LARGEST_RECORD)?)),
        None => Ok(Vec::new()),
    }
}

/// Lines that are no entry are passed over.
fn parse<T: DeserializeOwned>(record: Option<Vec<u8>>) -> Vec<T> {
    let record = record.unwrap_or_default();
    record.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// The flags of the command line, by their long and short names.
#[derive(Debug, Default)]
pub(super) struct Flags {
    known: HashSet<String>,
    with_value: HashSet<String>,
}

impl Flags {
    /// Those of a command and of all commands below it.
    pub(super) fn of(command: &clap::Command) -> Self {
        let mut flags = Self::default();
        let mut pending = vec![command];
        while let Some(command) = pending.pop() {
            pending.extend(command.get_subcommands());
            for argument in command.get_arguments() {
                let long = argument.get_long().map(|name| format!("--{name}"));
                let short = argument.get_short().map(|name| format!("-{name}"));
                for name in long.into_iter().chain(short) {
                    if argument.get_action().takes_values() {
                        flags.with_value.insert(name.clone());
                    }
                    flags.known.insert(name);
                }
            }
        }
        flags
    }
}

/// The command line without the values of `KEY=VALUE` arguments and of flags that take a secret, and those values. What
/// is not known to be harmless, as a mistyped flag, is taken for one of these.
fn without_values(arguments: &[String], flags: &Flags) -> (Vec<String>, Secrets) {
    let takes_a_secret = |flag: &str| matches!(flag, "--set" | "--set-string" | "--set-json" | "--password");
    let mut secrets = Secrets::default();
    // A value without `=` has no key to show.
    let mut hidden = |pair: &str| {
        // A whole map of `--set-json` has no key in front.
        let key_and_value = pair.split_once('=').filter(|(key, _)| !key.contains('{'));
        let (key, value) = key_and_value.map_or((None, pair), |(key, value)| (Some(key), value));
        secrets.add(value);
        leaves(pair).iter().for_each(|leaf| secrets.add(leaf));
        key.map_or(TAKEN_OUT.to_owned(), |key| format!("{key}={TAKEN_OUT}"))
    };
    let mut flag_before: Option<&str> = None;
    let mut after_dashes = false;
    let mut kept = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let is_flag = !after_dashes && argument.starts_with('-') && flag_before.is_none();
        let shown = match (argument.split_once('='), flag_before) {
            (_, Some(flag)) if takes_a_secret(flag) => hidden(argument),
            (_, Some(_)) | (None, None) => without_credentials(argument),
            (Some((flag, value)), None) if is_flag => match flag {
                flag if takes_a_secret(flag) => format!("{flag}={}", hidden(value)),
                flag if flags.known.contains(flag) => without_credentials(argument),
                _ => hidden(argument),
            },
            (Some(_), None) => hidden(argument),
        };
        kept.push(shown);
        flag_before = (is_flag && flags.with_value.contains(argument)).then_some(argument);
        after_dashes |= argument == "--";
    }
    (kept, secrets)
}

/// The values that an override sets, each as a text.
fn leaves(pair: &str) -> Vec<String> {
    let mut tree = Vec::new();
    // What was understood before a mistake counts.
    let _ = set::apply(&mut tree, pair, Typing::Strings);
    // Of JSON, what is in it: in a tree of its own, where it takes nothing's place.
    let json: &set::Reader = &|text| Value::from_yaml(text).map_err(|error| error.to_string());
    let mut of_json = Vec::new();
    let _ = set::apply(&mut of_json, pair, Typing::Json(json));
    tree.append(&mut of_json);
    if let Ok(value @ Value::Map(_)) = Value::from_yaml(pair) {
        tree.push((String::new(), value));
    }
    let mut leaves = Vec::new();
    let mut pending: Vec<Value> = tree.into_iter().map(|(_, value)| value).collect();
    while let Some(value) = pending.pop() {
        match value {
            Value::String(text) | Value::Number(text) => leaves.push(text),
            Value::List(items) => pending.extend(items),
            Value::Map(entries) => pending.extend(entries.into_iter().map(|(_, value)| value)),
            Value::Null | Value::Bool(_) => {}
        }
    }
    leaves
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
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<HashSet<_>>();
        let with_value = words(&["--set", "--set-string", "--set-json", "--password", "--allow-read", "--pipeline"]);
        let flags = Flags { known: &with_value | &words(&["--quiet"]), with_value };
        let check = |line: &str, expected: &str, message: &str, kept: &str| {
            let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let (command, secrets) = without_values(&arguments, &flags);
            assert_eq!((command.join(" ").as_str(), secrets.taken_out_of(message).as_str()), (expected, kept));
        };
        check(
            "run p --set a.b=secret,c={one1,two\\,2} --set-string=c=hidden",
            "run p --set a.b=… --set-string=c=…",
            "`a.b`: `secret` and `one1` and `two,2`, not hidden",
            "`a.b`: `…` and `…` and `…`, not …",
        );
        check(
            "run p --allow-read /a=/b -- token=secret plain",
            "run p --allow-read /a=/b -- token=… plain",
            "/b",
            "/b",
        );
        check(
            r#"run p --set-json a={"b":"secret","c":["one",2222]} --set-json={"d":"x=hidden"}"#,
            "run p --set-json a=… --set-json=…",
            "secret and one and 2222 and x=hidden",
            "… and … and … and …",
        );
        check("login h --password secret --password=other", "login h --password … --password=…", "secret other", "… …");
        check("run --pipeline=windlass.yaml --quiet", "run --pipeline=windlass.yaml --quiet", "yaml", "yaml");
        check("run oci://ann:secret@h/a:1 http://h/b@c", "run oci://…@h/a:1 http://h/b@c", "", "");
        // Mistyped: what would have been a value is none of the record's business either.
        check("run p --st a=secret --sett=b=other", "run p --st a=… --sett=…", "secret, b=other", "…, …");
        check("run --quiet labels.team=secret", "run --quiet labels.team=…", "`labels.team=secret`", "`labels.team=…`");
    }
}
