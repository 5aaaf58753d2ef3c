//! `cargo xtask publish`: every sample plugin into a registry, built, tested, packaged, signed; and next to a chart.

use crate::command::{self, During, Failure, Result};
use crate::{build, say, workspace};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const USAGE: &str = "cargo xtask publish --registry oci://HOST/PLUGINS [--chart oci://HOST/CHARTS/NAME:VERSION] [--sign KEY] \
[--dry-run] [--json] [-- WINDLASS_FLAGS...]; the flags, such as --plain-http, go to every command that reaches the registry";

/// What to publish, and where.
#[derive(Debug, Default)]
pub struct Options {
    /// `oci://HOST/PATH`: each plugin goes to `PATH/NAME:VERSION`.
    pub registry: String,
    /// The chart to attach the plugins to.
    pub chart: Option<String>,
    /// The file with the secret OpenPGP key to sign with.
    pub sign: Option<PathBuf>,
    /// Whether to stop before anything is sent.
    pub dry_run: bool,
    /// Flags for the commands that reach the registry.
    pub flags: Vec<String>,
}

/// Runs the command.
///
/// # Errors
///
/// Something does not build, a case fails, or the registry refuses: also a version that is there with other content.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let mut options = Options::default();
    let mut is_json = false;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value =
            || words.next().cloned().ok_or_else(|| Failure::new(format!("{word} needs a value")).hint(USAGE));
        match word.as_str() {
            "--registry" => options.registry = value()?,
            "--chart" => options.chart = Some(value()?),
            "--sign" => options.sign = Some(PathBuf::from(value()?)),
            "--dry-run" => options.dry_run = true,
            "--json" => is_json = true,
            "--" => {
                options.flags = words.cloned().collect();
                break;
            }
            _ => return Err(Failure::new(format!("unknown argument `{word}`")).hint(USAGE)),
        }
    }
    if !options.registry.starts_with("oci://") {
        return Err(Failure::new("publish needs a registry").hint(USAGE));
    }
    build::host()?;
    let plugins = build::plugins()?;
    for plugin in &plugins {
        if workspace::root().join("plugins").join(&plugin.name).join("tests/cases").is_dir() {
            say::step(&format!("testing {}", plugin.name));
            let source = workspace::root().join("plugins").join(&plugin.name);
            let finished =
                windlass(&["test".as_ref(), source.as_os_str(), "--plugin".as_ref(), plugin.folder.as_os_str()])?;
            if finished.code != Some(0) {
                return Err(Failure::new(format!("the cases of {} fail: {}", plugin.name, finished.stderr.trim())));
            }
        }
    }
    let folders: Vec<PathBuf> = plugins.into_iter().map(|plugin| plugin.folder).collect();
    let rows = publish(&folders, &workspace::target().join("packages"), &options)?;
    if is_json {
        println!("{:#}", json!({ "dryRun": options.dry_run, "plugins": rows }));
    } else {
        println!("{:<20} {:<10} {:<10} {:>9}  DIGEST", "NAME", "VERSION", "STATE", "BYTES");
        for row in &rows {
            let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or("-").to_owned();
            let size = row.get("size").and_then(Value::as_u64).unwrap_or(0);
            println!(
                "{:<20} {:<10} {:<10} {size:>9}  {}",
                text("name"),
                text("version"),
                text("state"),
                text("digest")
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Packages the plugins in `folders` into `packages` and, unless it is a dry run, pushes and attaches them. Gives a row per
/// plugin.
///
/// # Errors
///
/// A plugin cannot be packaged, or the registry refuses.
pub fn publish(folders: &[PathBuf], packages: &Path, options: &Options) -> Result<Vec<Value>> {
    std::fs::create_dir_all(packages).during(format_args!("cannot make {}", packages.display()))?;
    let mut rows = Vec::new();
    for folder in folders {
        let mut arguments =
            vec!["package".into(), folder.as_os_str().to_owned(), "-d".into(), packages.as_os_str().to_owned()];
        if let Some(key) = &options.sign {
            arguments.extend(["--sign".into(), key.as_os_str().to_owned()]);
        }
        let package = answer(&arguments)?;
        let name = text(&package, "name");
        let mut row = json!({
            "name": name, "version": package.get("version"), "archive": package.get("archive"), "size": package.get("size"),
            "archiveDigest": package.get("digest"), "wasm": package.get("wasm"), "signed": options.sign.is_some(), "state": "packaged",
        });
        if !options.dry_run {
            let archive = text(&package, "archive");
            let target = format!("{}/{name}", options.registry.trim_end_matches('/'));
            say::step(&format!("pushing {name}"));
            let pushed = remote(&["push", &archive, &target], &options.flags)?;
            row["digest"] = pushed["digest"].clone();
            row["reference"] = pushed["reference"].clone();
            row["state"] = if pushed["new"] == json!(true) { "pushed".into() } else { "unchanged".into() };
            if let Some(chart) = &options.chart {
                let attached = remote(&["attach", chart, &archive], &options.flags)?;
                row["attached"] = attached["plugins"][0]["reference"].clone();
            }
        }
        rows.push(row);
    }
    Ok(rows)
}

fn remote(words: &[&str], flags: &[String]) -> Result<Value> {
    answer(
        &words
            .iter()
            .map(std::ffi::OsString::from)
            .chain(flags.iter().map(std::ffi::OsString::from))
            .collect::<Vec<_>>(),
    )
}

fn answer(arguments: &[std::ffi::OsString]) -> Result<Value> {
    let arguments: Vec<&std::ffi::OsStr> = arguments.iter().map(std::ffi::OsString::as_os_str).collect();
    let finished = windlass(&[&arguments[..], &["--output".as_ref(), "json".as_ref()]].concat())?;
    if finished.code != Some(0) {
        return Err(Failure::new(format!("windlass failed: {}", finished.stderr.trim())));
    }
    serde_json::from_slice(&finished.stdout).during("windlass's answer is not JSON")
}

fn windlass(arguments: &[&std::ffi::OsStr]) -> Result<command::Finished> {
    command::feed(Command::new(workspace::windlass()).args(arguments), b"")
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}
