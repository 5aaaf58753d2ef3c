//! Declarative cases: folders under a plugin's `tests/cases`, run through the sandbox.
//!
//! | file | holds |
//! |---|---|
//! | `input.yaml` | the stream |
//! | `config.yaml` | the configuration, a map (optional) |
//! | `args.txt` | extra arguments, one per line (optional) |
//! | `grants.yaml` | what is granted, as under `grants` in windlass.yaml; folders count from the case (optional) |
//! | `expected.yaml` | the exact answer, or |
//! | `error.txt` | the exact error text and a line break |
//!
//! The PDK's own test helper runs the same folders natively, so the configuration goes to the plugin as it is: without
//! the defaults of plugin.yaml, and checked by nobody but the plugin.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use windlass_abi::config::to_entries;
use windlass_manifest::Value;

use crate::config::pipeline::read_grants;
use crate::config::settings;
use crate::error::{Error, ExitCode};
use crate::grants::Grants;
use crate::limits::Limits;
use crate::render::{self, RenderOptions, Step};
use crate::verify::Verified;

/// How a case went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaseReport {
    /// The folder's name.
    pub name: String,
    /// Whether the answer was the expected one.
    pub passed: bool,
    /// Whether its expectation was written anew.
    pub blessed: bool,
    /// Why it failed, several lines with the difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// The case folders of a plugin, sorted by name.
///
/// # Errors
/// There are none (exit 2): a test that tests nothing must not pass.
pub fn find(plugin_folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let folder = plugin_folder.join("tests").join("cases");
    let none = || {
        Error::usage(format!("there are no cases in `{}`", folder.display()))
            .hint("a case is a folder with input.yaml and either expected.yaml or error.txt")
    };
    let entries = fs::read_dir(&folder).map_err(|_| none())?;
    let mut cases: Vec<PathBuf> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    cases.sort();
    if cases.is_empty() { Err(none()) } else { Ok(cases) }
}

/// Runs one case; with `bless` its expectation becomes what came out.
///
/// # Errors
/// The case's own files cannot be read or written, or make no sense (exit 2). A plugin that does otherwise than expected
/// is no error but a report.
pub fn run(plugin: &Verified, case: &Path, bless: bool, options: &RenderOptions<'_>) -> Result<CaseReport, Error> {
    let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let input = read(&case.join("input.yaml"))?.ok_or_else(|| {
        Error::usage(format!("the case `{}` has no input.yaml", case.display())).hint("it holds the stream")
    })?;
    let config_file = case.join("config.yaml");
    let config = match config_file.exists() {
        true => match settings::load(&config_file)?.node.to_value() {
            Value::Map(tree) => to_entries(&tree),
            _ => Vec::new(),
        },
        false => Vec::new(),
    };
    let arguments = read(&case.join("args.txt"))?.unwrap_or_default();
    let extra_args = String::from_utf8_lossy(&arguments).lines().map(str::to_owned).collect();
    let grants_file = case.join("grants.yaml");
    let grants = match grants_file.exists() {
        true => {
            let written = settings::load(&grants_file)?;
            read_grants(&written.node, "grants", case).map_err(|misread| misread.in_file(&written.file))?
        }
        false => Grants::default(),
    };
    let step = Step { plugin: plugin.clone(), config, extra_args, grants, limits: Limits::default() };
    let (came, file, other) = match render::render(&[step], input, options) {
        Ok(rendered) => (rendered.stream.into_bytes(), case.join("expected.yaml"), case.join("error.txt")),
        Err(error) if error.exit_code() == ExitCode::Bug => return Err(error),
        Err(error) => {
            (format!("{}\n", error.message()).into_bytes(), case.join("error.txt"), case.join("expected.yaml"))
        }
    };
    let expected = read(&file)?;
    if expected.as_ref() == Some(&came) && !other.exists() {
        return Ok(CaseReport { name, passed: true, blessed: false, problem: None });
    }
    if bless {
        let unwritable =
            |error: std::io::Error| Error::usage(format!("`{}` cannot be written: {error}", case.display()));
        fs::write(&file, &came).map_err(unwritable)?;
        if other.exists() {
            fs::remove_file(&other).map_err(unwritable)?;
        }
        return Ok(CaseReport { name, passed: true, blessed: true, problem: None });
    }
    let shown = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let problem = match (expected, read(&other)?) {
        (None, Some(_)) => {
            format!("expected {}, but got what belongs into {}:\n{}", shown(&other), shown(&file), lossy(&came))
        }
        (None, None) => {
            format!("there is neither expected.yaml nor error.txt; got for {}:\n{}", shown(&file), lossy(&came))
        }
        (Some(_), Some(_)) => "there are both expected.yaml and error.txt: remove one".to_owned(),
        (Some(expected), None) => format!("{} differs:\n{}", shown(&file), difference(&expected, &came)),
    };
    Ok(CaseReport { name, passed: false, blessed: false, problem: Some(problem) })
}

fn read(file: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::usage(format!("`{}` cannot be read: {error}", file.display()))),
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `-` expected, `+` came; says so when only what lines do not show differs.
fn difference(expected: &[u8], came: &[u8]) -> String {
    let (expected, came) = (lossy(expected), lossy(came));
    let diff = similar::TextDiff::from_lines(&expected, &came);
    diff.unified_diff().context_radius(3).header("expected", "came").to_string()
}
