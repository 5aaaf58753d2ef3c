//! `cargo xtask publish`: every sample plugin into a registry, built, tested, packaged, signed; and next to a chart.
//!
//! All packages are made, and the registry is asked about each, before the first one is sent: one version that is there
//! with other content keeps all of them back.

use crate::command::{self, During, Failure, Finished, Result};
use crate::{build, dist, say, workspace};
use serde_json::{Value, json};
use std::ffi::OsStr;
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
    let mut plugins = build::plugins()?;
    for plugin in &mut plugins {
        plugin.folder = dist::shipped(&workspace::target().join("dist"), &plugin.folder)?;
    }
    for plugin in &plugins {
        if workspace::root().join("plugins").join(&plugin.name).join("tests/cases").is_dir() {
            say::step(&format!("testing {}", plugin.name));
            let source = workspace::root().join("plugins").join(&plugin.name);
            let mut cases = Command::new(workspace::windlass());
            let finished = command::feed(cases.arg("test").arg(&source).arg("--plugin").arg(&plugin.folder), b"")?;
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
        print!("{}", table(&rows));
    }
    Ok(if rows.iter().any(|row| row["state"] == REFUSED) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The state of a version that is there with other content.
const REFUSED: &str = "refused";

/// The rows as people read them.
#[must_use]
pub fn table(rows: &[Value]) -> String {
    let mut lines = format!("{:<20} {:<10} {:<12} {:>9}  DIGEST\n", "NAME", "VERSION", "STATE", "BYTES");
    for row in rows {
        let word = |key: &str| row[key].as_str().unwrap_or("-");
        let size = row["size"].as_u64().unwrap_or(0);
        let (name, version, state, digest) = (word("name"), word("version"), word("state"), word("digest"));
        lines.push_str(&format!("{name:<20} {version:<10} {state:<12} {size:>9}  {digest}\n"));
    }
    lines
}

/// Packages the plugins in `folders` into `packages` and, unless it is a dry run, pushes and attaches them. Gives a row
/// per plugin, whose `state` is `pushed` (`would push` in a dry run), `unchanged`, or, in a dry run alone, `refused`.
///
/// # Errors
/// A plugin cannot be packaged, a version is there with other content (then nothing is pushed), or the registry fails.
pub fn publish(folders: &[PathBuf], packages: &Path, options: &Options) -> Result<Vec<Value>> {
    std::fs::create_dir_all(packages).during(format_args!("cannot make {}", packages.display()))?;
    let publisher = Publisher { packages, options };
    let mut rows = folders.iter().map(|folder| publisher.package(folder)).collect::<Result<Vec<_>>>()?;
    for row in &mut rows {
        publisher.ask(row)?;
    }
    let refused: Vec<&str> =
        rows.iter().filter(|row| row["state"] == REFUSED).filter_map(|row| row["name"].as_str()).collect();
    if options.dry_run {
        return Ok(rows);
    }
    if !refused.is_empty() {
        return Err(Failure::new(format!("there with other content: {}; nothing was pushed", refused.join(", ")))
            .hint("give what changed a new version; `--dry-run` shows all of them"));
    }
    for row in &mut rows {
        publisher.push(row)?;
    }
    Ok(rows)
}

/// What every step of publishing needs.
struct Publisher<'p> {
    packages: &'p Path,
    options: &'p Options,
}

impl Publisher<'_> {
    fn package(&self, folder: &Path) -> Result<Value> {
        let mut arguments: Vec<&OsStr> =
            vec!["package".as_ref(), folder.as_ref(), "-d".as_ref(), self.packages.as_ref()];
        if let Some(key) = &self.options.sign {
            arguments.extend([OsStr::new("--sign"), key.as_ref()]);
        }
        let package = answer(self.windlass(&arguments)?)?;
        Ok(json!({
            "name": package["name"], "version": package["version"], "archive": package["archive"], "size": package["size"],
            "archiveDigest": package["digest"], "wasm": package["wasm"], "signed": self.options.sign.is_some(),
        }))
    }

    /// What a push would do.
    fn ask(&self, row: &mut Value) -> Result<()> {
        let finished = self.remote(&["push", text(row, "archive"), &self.target(row), "--dry-run"])?;
        // 3: the version is there with other content.
        if finished.code == Some(3) {
            row["state"] = REFUSED.into();
            return Ok(());
        }
        note(row, &answer(finished)?, "would push");
        Ok(())
    }

    fn push(&self, row: &mut Value) -> Result<()> {
        say::step(&format!("pushing {}", text(row, "name")));
        let pushed = answer(self.remote(&["push", text(row, "archive"), &self.target(row)])?)?;
        note(row, &pushed, "pushed");
        if let Some(chart) = &self.options.chart {
            // By its digest in the registry: what is attached is what is published, and its blobs need not be sent
            // again.
            let attached = answer(self.remote(&["attach", chart, text(&pushed, "pinned")])?)?;
            row["attached"] = attached["plugins"][0]["reference"].clone();
        }
        Ok(())
    }

    fn target(&self, row: &Value) -> String {
        format!("{}/{}", self.options.registry.trim_end_matches('/'), text(row, "name"))
    }

    fn remote(&self, words: &[&str]) -> Result<Finished> {
        let flags = self.options.flags.iter().map(String::as_str);
        self.windlass(&words.iter().copied().chain(flags).map(OsStr::new).collect::<Vec<_>>())
    }

    /// Windlass with a store of its own: what is on its way out is nothing that the user fetched.
    fn windlass(&self, arguments: &[&OsStr]) -> Result<Finished> {
        let mut command = Command::new(workspace::windlass());
        command.args(arguments).args(["--output", "json"]).env("WINDLASS_CACHE_DIR", self.packages.join("store"));
        command::feed(&mut command, b"")
    }
}

/// Keeps in `row` what a push answered.
fn note(row: &mut Value, pushed: &Value, new: &str) {
    row["digest"] = pushed["digest"].clone();
    row["reference"] = pushed["reference"].clone();
    row["state"] = if pushed["new"] == true { new.into() } else { "unchanged".into() };
}

/// The JSON that a successful Windlass answered.
fn answer(finished: Finished) -> Result<Value> {
    if finished.code != Some(0) {
        let said: Value = serde_json::from_str(&finished.stderr).unwrap_or_default();
        let message = said["error"]["message"].as_str().unwrap_or_else(|| finished.stderr.trim());
        return Err(Failure::new(format!("windlass failed: {message}")));
    }
    serde_json::from_slice(&finished.stdout).during("windlass's answer is not JSON")
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}
