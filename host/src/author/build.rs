//! From a plugin's source folder to `plugin.wasm` beside its `plugin.yaml`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::error::Error;
use crate::limits::table::MAX_DOCUMENT;
use crate::plugin::identity::{self, Identity};
use crate::render;
use crate::source::PluginRef;

/// The target of Rust plugins: no system interface at all.
const RUST_TARGET: &str = "wasm32-unknown-unknown";

/// What a build made.
#[derive(Clone, Debug)]
pub struct Built {
    /// The folder that holds plugin.yaml and plugin.wasm and is a whole plugin.
    pub folder: PathBuf,
    /// Name, version and description.
    pub identity: Identity,
    /// Bytes of plugin.wasm.
    pub size: usize,
    /// `sha256:...` of plugin.wasm.
    pub digest: String,
}

/// Which tool builds the plugin, told by the folder's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `Cargo.toml`.
    Cargo,
    /// `go.mod`.
    Go,
}

impl Tool {
    /// The tool for a source folder; none where it is no source folder.
    pub fn of(folder: &Path) -> Option<Self> {
        [(Self::Cargo, "Cargo.toml"), (Self::Go, "go.mod")]
            .into_iter()
            .find(|(_, file)| folder.join(file).is_file())
            .map(|(tool, _)| tool)
    }
}

/// Builds the plugin in `folder` and puts plugin.wasm (and, elsewhere, plugin.yaml) into `out`, or into `folder` itself.
/// The tool's own messages go to stderr. Under `WINDLASS_OFFLINE=1` it may not use the network.
///
/// # Errors
/// No source, no plugin.yaml, the tool is missing or fails, or the result is not a plugin (exit 2).
pub fn build(folder: &Path, out: Option<&Path>) -> Result<Built, Error> {
    let tool = Tool::of(folder).ok_or_else(|| {
        Error::usage(format!(
            "`{}` is not the source of a plugin: it has neither Cargo.toml nor go.mod",
            folder.display()
        ))
        .hint("make a plugin with `windlass new NAME --template rust`")
    })?;
    let plugin_yaml = folder.join("plugin.yaml");
    if !plugin_yaml.is_file() {
        return Err(Error::usage(format!("`{}` has no plugin.yaml", folder.display()))
            .hint("Helm and Windlass need one; `windlass new` makes one that you can copy"));
    }
    let out = out.unwrap_or(folder);
    let unwritable = |error: std::io::Error| Error::usage(format!("`{}` cannot be written: {error}", out.display()));
    fs::create_dir_all(out).map_err(unwritable)?;
    let wasm = out.join("plugin.wasm");
    match tool {
        Tool::Cargo => {
            let built = cargo_build(folder)?;
            fs::copy(&built, &wasm).map_err(unwritable)?;
        }
        Tool::Go => go_build(folder, &std::path::absolute(&wasm).map_err(unwritable)?)?,
    }
    let copied = out.join("plugin.yaml");
    if fs::canonicalize(&plugin_yaml).ok() != fs::canonicalize(&copied).ok() {
        fs::copy(&plugin_yaml, &copied).map_err(unwritable)?;
    }
    let plugin = render::open(&PluginRef::Path(out.to_owned()))?;
    let identity = identity::identify(&plugin)?;
    identity::refuse_two_identities(&plugin)?;
    Ok(Built { folder: out.to_owned(), identity, size: plugin.wasm().len(), digest: plugin.digest().to_string() })
}

fn is_offline() -> bool {
    std::env::var_os("WINDLASS_OFFLINE").is_some_and(|value| !value.is_empty() && value != "0")
}

/// Builds and returns the path of the module.
fn cargo_build(folder: &Path) -> Result<PathBuf, Error> {
    let cargo = || {
        // Under `cargo xtask` and the like CARGO is the very cargo that runs.
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(folder).stdin(Stdio::null()).stderr(Stdio::inherit());
        command
    };
    let workspace = cargo()
        .args(["locate-project", "--workspace", "--message-format", "plain"])
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map(|path| PathBuf::from(path.trim()));
    let profile = workspace
        .as_ref()
        .and_then(|manifest| crate::input::read_text(manifest, MAX_DOCUMENT).ok())
        .map_or("release", |text| if text.contains("[profile.plugin]") { "plugin" } else { "release" });
    let mut command = cargo();
    command.args(["build", "--lib", "--target", RUST_TARGET, "--profile", profile]);
    command.arg("--message-format=json-render-diagnostics");
    // The same sources give the same bytes on every machine, and nobody's folders are in them.
    command
        .arg("--config")
        .arg(remapped_paths(workspace.as_deref().and_then(Path::parent)))
        .env("CARGO_INCREMENTAL", "0");
    if is_offline() {
        command.arg("--offline");
    }
    let output = command.output().map_err(|error| {
        Error::usage(format!("cargo cannot be started: {error}")).hint("install Rust: https://rustup.rs")
    })?;
    if !output.status.success() {
        return Err(Error::usage(format!("cargo could not build `{}`: {}", folder.display(), output.status))
            .hint(format!("its messages are above; a missing target is added by `rustup target add {RUST_TARGET}`")));
    }
    let manifest = fs::canonicalize(folder.join("Cargo.toml")).ok();
    let modules = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Json>(line).ok())
        .filter(|message| message.get("reason").and_then(Json::as_str) == Some("compiler-artifact"))
        .filter(|message| {
            let path = message.get("manifest_path").and_then(Json::as_str);
            path.and_then(|path| fs::canonicalize(path).ok()) == manifest
        })
        .filter_map(|message| message.get("filenames").cloned())
        .filter_map(|names| serde_json::from_value::<Vec<PathBuf>>(names).ok())
        .flatten()
        .rfind(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    modules.ok_or_else(|| {
        Error::usage(format!("`{}` builds no wasm module", folder.display()))
            .hint("add `crate-type = [\"cdylib\", \"rlib\"]` to [lib] of its Cargo.toml")
    })
}

/// The setting by which panic messages name `/plugin` and `/cargo` instead of folders of this machine. It adds to the flags of
/// the author's own `.cargo/config.toml`.
fn remapped_paths(root: Option<&Path>) -> String {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let flags: Vec<String> = [(root.map(Path::to_owned), "/plugin"), (home, "/cargo")]
        .into_iter()
        .filter_map(|(from, to)| Some(format!("--remap-path-prefix={}={to}", from?.display())))
        .collect();
    // A list of JSON strings is one of TOML.
    format!("target.{RUST_TARGET}.rustflags={}", Json::from(flags))
}

fn go_build(folder: &Path, wasm: &Path) -> Result<(), Error> {
    let mut command = Command::new("go");
    command
        .current_dir(folder)
        .args(["build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o"])
        .arg(wasm)
        .arg(".")
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm")
        .stdin(Stdio::null())
        // Stdout is for our own answer.
        .stdout(Stdio::null())
        .stderr(Stdio::inherit());
    if is_offline() {
        command.env("GOFLAGS", "-mod=mod").env("GOPROXY", "off");
    }
    let status = command.status().map_err(|error| {
        Error::usage(format!("go cannot be started: {error}")).hint("install Go 1.24 or newer: https://go.dev/dl")
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::usage(format!("go could not build `{}`: {status}", folder.display())).hint("its messages are above"))
    }
}
