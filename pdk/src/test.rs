//! Running a plugin natively: no wasm, no host. For tests; not part of a module.
//!
//! A *case* is a folder:
//!
//! | file | holds |
//! |---|---|
//! | `input.yaml` | the stream |
//! | `config.yaml` | the configuration, a map; optional |
//! | `args.txt` | one extra argument per line; optional |
//! | `grants.yaml` | what `windlass test` grants, as under `grants` in windlass.yaml; without meaning natively; optional |
//! | `expected.yaml` | the exact output |
//! | `error.txt` | instead of it: the exact error text and a line break |
//!
//! `windlass test` runs the same folders on the built module.
//!
//! What a plugin is granted is answered by the test that runs it natively ([`world`] shows how).
//!
//! ```no_run
//! # use windlass_pdk::{Config, Error, Manifests};
//! # #[derive(Config)]
//! # struct Settings {}
//! # #[windlass_pdk::plugin]
//! # fn my_plugin(_settings: Settings, _manifests: &mut Manifests) -> Result<(), Error> { Ok(()) }
//! #[test]
//! fn cases() {
//!     windlass_pdk::test::cases::<MyPlugin>("tests/cases");
//! }
//! ```

mod readme;
mod streams;
pub mod world;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::{env, fs};

use windlass_abi::config::to_entries;
use windlass_abi::message;
use windlass_manifest::Value;

use crate::config::{Config, check_keys};
use crate::error::Error;
use crate::host::native::with_host;
use crate::plugin::{Plugin, render, render_message};
use crate::targets::COMMON_KEYS;

pub use readme::readme;
pub use streams::{Stream, case_inputs, check_charts_twice, check_twice_is_once, objects, rendered_charts, warnings};
#[doc(no_inline)]
pub use world::{
    answer_clock, answer_cluster, answer_environment, answer_files, answer_http, answer_random, take_findings,
    take_logs, take_written_files,
};

/// The variable that makes [`cases`] write what it got instead of comparing.
pub const BLESS: &str = "WINDLASS_BLESS";

/// Runs a plugin on a stream, with a configuration in YAML (empty text: none) and extra arguments.
///
/// Both entries of the module are run, and must give the same bytes. The stream must be UTF-8.
///
/// # Errors
/// What the plugin refused, as the person would read it.
///
/// # Panics
/// When the entries differ, when the configuration is not a YAML map, or when the output is not UTF-8: all of them
/// faults that a test should show.
pub fn run<P: Plugin>(config: &str, args: &[&str], input: &str) -> Result<String, String> {
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    run_config::<P>(&parse_config(config), &args, input.as_bytes())
        .map(|output| String::from_utf8(output).expect("the output is UTF-8"))
        .map_err(|error| error.to_string())
}

/// Runs every case folder below `folder`, which is relative to the package, and shows all differences at once.
///
/// Beside the comparison, each output is fed to the plugin again: a plugin run twice must give what it gave once
/// (`expect` is left out of the second run, in which nothing should change). With `WINDLASS_BLESS=1` in the
/// environment the expected files are written instead.
///
/// # Panics
/// When a case differs, when one cannot be read, or when there is none.
pub fn cases<P: Plugin>(folder: impl AsRef<Path>) {
    let folder = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default().join(folder);
    let is_blessing = env::var_os(BLESS).is_some_and(|value| value == "1");
    let mut cases: Vec<PathBuf> = match fs::read_dir(&folder) {
        Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect(),
        Err(error) => panic!("no case folders at {}: {error}", folder.display()),
    };
    cases.sort();
    assert!(!cases.is_empty(), "no case folders in {}: make one with an input.yaml", folder.display());
    let mut report = String::new();
    let mut failed = 0;
    for case in &cases {
        // A panic is the fault of one case: the others still run.
        let outcome = catch_unwind(|| run_case::<P>(case, is_blessing)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(format!("it panicked: {}", text.unwrap_or("without a message")))
        });
        if let Err(problem) = outcome {
            let name = case.file_name().unwrap_or_default().to_string_lossy();
            // Writing to a string cannot fail.
            let _ = writeln!(report, "case {name}: {problem}");
            failed += 1;
        }
    }
    assert!(failed == 0, "{failed} of {} cases failed\n\n{report}", cases.len());
}

fn run_case<P: Plugin>(case: &Path, is_blessing: bool) -> Result<(), String> {
    let read = |name: &str| -> Result<Option<Vec<u8>>, String> {
        match fs::read(case.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("cannot read {name}: {error}")),
        }
    };
    let text = |name: &str| read(name).map(|bytes| bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
    let input = read("input.yaml")?.ok_or("it has no input.yaml")?;
    let config = match text("config.yaml")? {
        Some(text) => match Value::from_yaml(&text) {
            Ok(Value::Map(entries)) => entries,
            Ok(Value::Null) => Vec::new(),
            Ok(_) => return Err("config.yaml is not a map".to_owned()),
            Err(error) => return Err(format!("config.yaml is not YAML: {error}")),
        },
        None => Vec::new(),
    };
    let args: Vec<String> = text("args.txt")?.unwrap_or_default().lines().map(str::to_owned).collect();

    // A guest cannot see keys that it does not know; in a case they are a slip of its author.
    check_keys(&config, P::Settings::KEYS, COMMON_KEYS).map_err(|error| format!("config.yaml: {error}"))?;

    let (got, name, other) = match run_config::<P>(&config, &args, &input) {
        Ok(output) => {
            check_idempotent::<P>(config, &args, &output)?;
            (output, "expected.yaml", "error.txt")
        }
        Err(error) => (format!("{error}\n").into_bytes(), "error.txt", "expected.yaml"),
    };
    if is_blessing {
        let write = fs::write(case.join(name), &got).and_then(|()| match fs::remove_file(case.join(other)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        });
        return write.map_err(|error| format!("cannot write {name}: {error}"));
    }
    match (read(name)?, read(other)?) {
        (Some(_), Some(_)) => Err("it has both expected.yaml and error.txt: remove one".to_owned()),
        (Some(expected), None) if expected == got => Ok(()),
        (Some(expected), None) => Err(format!("{name} differs\n{}", difference(&expected, &got))),
        (None, Some(_)) => Err(format!("it should give {other}, but gave {name}:\n{}", String::from_utf8_lossy(&got))),
        (None, None) => Err(format!("it has no {name} yet: run again with {BLESS}=1, then look at what was written")),
    }
}

fn check_idempotent<P: Plugin>(mut config: Vec<(String, Value)>, args: &[String], output: &[u8]) -> Result<(), String> {
    config.retain(|(key, _)| key != "expect");
    let args: Vec<String> = args.iter().filter(|arg| !arg.starts_with("expect")).cloned().collect();
    match run_config::<P>(&config, &args, output) {
        Ok(second) if second == output => Ok(()),
        Ok(second) => Err(format!("a second run on its own output changes it\n{}", difference(output, &second))),
        Err(error) => Err(format!("a second run on its own output fails: {error}")),
    }
}

/// Lines of context and change, `-` expected and `+` got; invisible characters are shown.
fn difference(expected: &[u8], got: &[u8]) -> String {
    let (expected, got) = (String::from_utf8_lossy(expected), String::from_utf8_lossy(got));
    let visible = |text: &str| text.replace('\r', "\\r").replace('\t', "\\t").replace('\u{feff}', "\\u{feff}");
    let (expected, got) = (visible(&expected), visible(&got));
    similar::TextDiff::from_lines(expected.as_str(), got.as_str())
        .unified_diff()
        .context_radius(3)
        .header("expected", "got")
        .to_string()
}

fn parse_config(text: &str) -> Vec<(String, Value)> {
    match Value::from_yaml(text) {
        Ok(Value::Map(entries)) => entries,
        Ok(Value::Null) => Vec::new(),
        other => panic!("the configuration is a YAML map, not {other:?}"),
    }
}

/// Runs through both entries, which must give the same.
fn run_config<P: Plugin>(config: &[(String, Value)], args: &[String], input: &[u8]) -> Result<Vec<u8>, Error> {
    // A guest asks for the keys it knows and cannot see others: naming those is the host's part.
    check_keys(config, P::Settings::KEYS, COMMON_KEYS)?;
    let entries: BTreeMap<String, String> = to_entries(config).into_iter().collect();
    let entry = |key: &str| entries.get(key).cloned();

    with_host(|host| {
        host.variables.clear();
        host.asks = Some(P::METADATA.asks);
    });
    let by_raw = render::<P>(input.to_vec(), args, entry).map(|rendered| rendered.stream);
    if std::str::from_utf8(input).is_err() {
        // JSON cannot carry it.
        with_host(|host| host.asks = None);
        return by_raw;
    }
    // The second run must not leave its messages behind.
    let state = with_host(|host| (std::mem::take(&mut host.variables), host.logs.clone(), host.findings.clone()));
    let by_message = render_message::<P>(message::encode_input(input, args), entry)
        .map(|answer| message::parse_output(answer).expect("the PDK's own answer"));
    with_host(|host| {
        (host.variables, host.logs, host.findings) = state;
        host.asks = None;
    });
    assert_eq!(by_raw, by_message, "the two entries of {} differ", P::METADATA.name);
    by_raw
}
