//! From a source folder to `plugin.wasm` beside its `plugin.yaml`: of a plugin, or of a program that filters its
//! standard input and knows nothing of plugins (a command).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value as Json;
use wasm_encoder::{CustomSection, Section as _};
use windlass_abi::metadata::{ABI_VERSION, Metadata, SECTION, fields};
use windlass_abi::raw::HELM_ENTRY;

use crate::env;
use crate::error::Error;
use crate::helm::plugin_yaml;
use crate::limits::table::{MAX_DOCUMENT, MAX_WASM};
use crate::plugin::identity::{self, Identity};
use crate::render;
use crate::source::PluginRef;

/// The target of Rust plugins: no system interface at all.
const RUST_TARGET: &str = "wasm32-unknown-unknown";
/// The target of Rust programs: WASI preview 1.
const RUST_COMMAND_TARGET: &str = "wasm32-wasip1";
/// The version of a program that says none.
const FIRST_VERSION: &str = "0.1.0";
/// Source files that are looked at to tell a plugin from a program.
const MAX_SOURCES: usize = 1000;

/// What a module by a tool without the PDK says about itself, as a file beside plugin.yaml: the JSON object of the
/// section [`SECTION`], in which `abi`, and plugin.yaml's name and version, are filled in.
const METADATA_FILE: &str = "metadata.json";

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
    /// Whether it is a command: a program that filters its standard input.
    pub is_command: bool,
    /// Whether there was no plugin.yaml, and this build wrote it.
    pub made_yaml: bool,
}

/// Which tool builds the plugin, told by the folder's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `Cargo.toml`.
    Cargo,
    /// `go.mod`.
    Go,
    /// A file in C, or several.
    C,
}

impl Tool {
    /// The tool for a source folder; none where it is no source folder.
    pub fn of(folder: &Path) -> Option<Self> {
        [(Self::Cargo, "Cargo.toml"), (Self::Go, "go.mod")]
            .into_iter()
            .find(|(_, file)| folder.join(file).is_file())
            .map(|(tool, _)| tool)
            .or_else(|| (!sources(folder, "c").is_empty()).then_some(Self::C))
    }
}

/// The files directly in `folder` whose names end so, in order.
pub(crate) fn sources(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).take(MAX_SOURCES);
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|it| it == extension) && file.is_file());
    files.sort();
    files
}

/// What a tool made: where the module is to be copied from, if it is not where it belongs, and what it is called.
struct Made {
    copy_from: Option<PathBuf>,
    name: String,
    version: String,
}

/// Builds what is in `source`, a folder or one file in C, and puts plugin.wasm and plugin.yaml into `out`, or beside
/// the source. A program that has no plugin.yaml gets one. The tool's own messages go to stderr. Under
/// `WINDLASS_OFFLINE=1` it may not use the network.
///
/// # Errors
/// No source, no plugin.yaml of a plugin, the tool is missing or fails, or the result cannot run (exit 2).
pub fn build(source: &Path, out: Option<&Path>) -> Result<Built, Error> {
    build_at(source, out, Speed::Release)
}

/// How a build weighs its own time against the module's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// The module that is shipped.
    Release,
    /// The one that an author looks at after each save: Rust is compiled incrementally, and the plugin itself without
    /// optimisations.
    Dev,
}

/// [`build`] at a speed.
///
/// # Errors
/// As [`build`].
pub fn build_at(source: &Path, out: Option<&Path>, speed: Speed) -> Result<Built, Error> {
    let is_file = source.is_file() && source.extension().is_some_and(|extension| extension == "c");
    let folder = match source.parent() {
        Some(parent) if is_file => {
            if parent.as_os_str().is_empty() {
                Path::new(".")
            } else {
                parent
            }
        }
        _ => source,
    };
    let tool = if is_file { Some(Tool::C) } else { Tool::of(folder) };
    let tool = tool.ok_or_else(|| {
        Error::usage(format!(
            "`{}` is not the source of a plugin or a program: it has neither Cargo.toml nor go.mod nor files in C",
            source.display()
        ))
        .hint("make a plugin with `windlass new NAME --template rust`")
    })?;
    let plugin_yaml = folder.join("plugin.yaml");
    let has_yaml = plugin_yaml.is_file();
    let out = out.unwrap_or(folder);
    let unwritable = |error: std::io::Error| Error::usage(format!("`{}` cannot be written: {error}", out.display()));
    let is_command = is_program(tool, folder)?;
    if !has_yaml && !is_command {
        return Err(Error::usage(format!("`{}` has no plugin.yaml", folder.display()))
            .hint("Helm and Windlass need one; `windlass new` makes one that you can copy"));
    }
    fs::create_dir_all(out).map_err(unwritable)?;
    let wasm = std::path::absolute(out.join("plugin.wasm")).map_err(unwritable)?;
    let made = match tool {
        Tool::Cargo => cargo_build(folder, is_command, speed)?,
        Tool::Go => go_build(folder, &wasm, is_command)?,
        Tool::C if is_file => c_build(source, &[source.to_owned()], &wasm)?,
        Tool::C => c_build(folder, &sources(folder, "c"), &wasm)?,
    };
    if let Some(from) = &made.copy_from {
        fs::copy(from, &wasm).map_err(unwritable)?;
    }
    let copied = out.join("plugin.yaml");
    if has_yaml {
        if fs::canonicalize(&plugin_yaml).ok() != fs::canonicalize(&copied).ok() {
            fs::copy(&plugin_yaml, &copied).map_err(unwritable)?;
        }
    } else if !copied.is_file() {
        fs::write(&copied, plugin_yaml::for_subprocess(&plugin_name(&made.name), &made.version)).map_err(unwritable)?;
    }
    let mut plugin = render::open(&PluginRef::Path(out.to_owned()))?;
    if tool != Tool::Cargo && add_metadata(folder, &wasm, plugin.plugin_yaml().unwrap_or_default())? {
        plugin = render::open(&PluginRef::Path(out.to_owned()))?;
    }
    let identity = identity::identify(&plugin)?;
    identity::refuse_two_identities(&plugin)?;
    let (size, digest) = (plugin.wasm().len(), plugin.digest().to_string());
    Ok(Built { folder: out.to_owned(), identity, size, digest, is_command: plugin.is_command(), made_yaml: !has_yaml })
}

/// Puts what [`METADATA_FILE`] says into the module. False where there is no such file.
fn add_metadata(folder: &Path, wasm: &Path, plugin_yaml: &str) -> Result<bool, Error> {
    let file = folder.join(METADATA_FILE);
    if !file.is_file() {
        return Ok(false);
    }
    let wrong =
        |why: String| Error::usage(format!("`{}` {why}", file.display())).hint("docs/abi.md says what it may hold");
    let text =
        crate::input::read_text(&file, MAX_DOCUMENT).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let mut said: serde_json::Map<String, Json> =
        serde_json::from_str(&text).map_err(|error| wrong(format!("is not a JSON object: {error}")))?;
    if let Ok(plugin) = plugin_yaml::read(plugin_yaml) {
        said.entry(fields::NAME).or_insert_with(|| plugin.name.clone().into());
        said.entry(fields::VERSION).or_insert_with(|| plugin.version.to_string().into());
    }
    said.entry(fields::ABI).or_insert_with(|| ABI_VERSION.into());
    let section = Json::from(said).to_string();
    Metadata::parse(section.as_bytes()).map_err(|error| wrong(error.to_string().replace("the module's", "makes a")))?;
    let unusable = |error: std::io::Error| Error::usage(format!("`{}` cannot be changed: {error}", wasm.display()));
    let mut module = crate::input::read(wasm, MAX_WASM).map_err(unusable)?;
    CustomSection { name: SECTION.into(), data: section.into_bytes().into() }.append_to(&mut module);
    fs::write(wasm, module).map_err(unusable)?;
    Ok(true)
}

/// A name as plugin.yaml may hold it: what it may not is a dash.
fn plugin_name(name: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' }).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "program".to_owned() } else { name.to_owned() }
}

/// The last part of a folder's or file's name, without an extension.
fn stem(path: &Path) -> String {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Whether the source is a program, and no plugin: Rust without a library for wasm, Go that exports no entry.
fn is_program(tool: Tool, folder: &Path) -> Result<bool, Error> {
    match tool {
        Tool::C => Ok(true),
        Tool::Go => {
            let files = sources(folder, "go");
            let exports = |file: &PathBuf| {
                crate::input::read_text(file, MAX_DOCUMENT).is_ok_and(|text| text.contains(HELM_ENTRY))
            };
            Ok(!files.iter().any(exports))
        }
        Tool::Cargo => {
            let text = crate::input::read_text(&folder.join("Cargo.toml"), MAX_DOCUMENT).unwrap_or_default();
            if text.contains("cdylib") {
                return Ok(false);
            }
            let kinds = cargo_package(folder)?.map(|package| package.kinds).unwrap_or_default();
            Ok(!kinds.iter().any(|kind| kind == "cdylib") && kinds.iter().any(|kind| kind == "bin"))
        }
    }
}

/// What cargo knows of a folder's package.
struct CargoPackage {
    name: String,
    version: String,
    kinds: Vec<String>,
    programs: Vec<String>,
    default_run: Option<String>,
}

/// The package of a folder; none where the folder is a workspace without one of its own.
fn cargo_package(folder: &Path) -> Result<Option<CargoPackage>, Error> {
    let mut command = Command::new(env::CARGO.os().unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder).stdin(Stdio::null()).stderr(Stdio::inherit());
    command.args(["metadata", "--no-deps", "--format-version", "1"]);
    if is_offline() {
        command.arg("--offline");
    }
    let output = command.output().map_err(|error| {
        Error::usage(format!("cargo cannot be started: {error}")).hint("install Rust: https://rustup.rs")
    })?;
    if !output.status.success() {
        return Err(Error::usage(format!("cargo cannot read `{}`: {}", folder.display(), output.status))
            .hint("its messages are above"));
    }
    let manifest = fs::canonicalize(folder.join("Cargo.toml")).ok();
    let metadata: Json = serde_json::from_slice(&output.stdout)
        .map_err(|error| Error::usage(format!("cargo's description of `{}` is no JSON: {error}", folder.display())))?;
    let text = |value: &Json, key: &str| value.get(key).and_then(Json::as_str).map(str::to_owned);
    let packages = metadata.get("packages").and_then(Json::as_array).into_iter().flatten();
    let package = packages
        .into_iter()
        .find(|package| text(package, "manifest_path").and_then(|path| fs::canonicalize(path).ok()) == manifest);
    let Some(package) = package else { return Ok(None) };
    let (mut kinds, mut programs) = (Vec::new(), Vec::new());
    for target in package.get("targets").and_then(Json::as_array).into_iter().flatten() {
        let of_target: Vec<String> =
            target.get("kind").cloned().and_then(|kind| serde_json::from_value(kind).ok()).unwrap_or_default();
        if of_target.iter().any(|kind| kind == "bin") {
            programs.extend(text(target, "name"));
        }
        kinds.extend(of_target);
    }
    Ok(Some(CargoPackage {
        name: text(package, "name").unwrap_or_default(),
        version: text(package, "version").unwrap_or_else(|| FIRST_VERSION.to_owned()),
        kinds,
        programs,
        default_run: text(package, "default_run"),
    }))
}

/// Which of its programs a package is built for.
fn program_of(package: &CargoPackage) -> Result<&str, Error> {
    let named = package.default_run.as_ref().or_else(|| package.programs.iter().find(|name| **name == package.name));
    match (named, package.programs.as_slice()) {
        (Some(name), _) => Ok(name),
        (None, [only]) => Ok(only),
        (None, many) => Err(Error::usage(format!("`{}` has several programs: {}", package.name, many.join(", ")))
            .hint("name one by `default-run` in [package] of its Cargo.toml")),
    }
}

fn is_offline() -> bool {
    env::OFFLINE.is_on()
}

/// The profile of [`Speed::Dev`], and what it is: dependencies are optimised once, the plugin itself never.
const DEV_PROFILE: &str = "windlass-dev";
// Cargo takes no inline tables here.
const DEV_SETTINGS: [&str; 6] = [
    "profile.windlass-dev.inherits=\"dev\"",
    "profile.windlass-dev.debug=false",
    "profile.windlass-dev.strip=\"symbols\"",
    "profile.windlass-dev.panic=\"abort\"",
    "profile.windlass-dev.opt-level=0",
    "profile.windlass-dev.package.\"*\".opt-level=\"s\"",
];

/// Builds and returns the path of the module.
fn cargo_build(folder: &Path, is_command: bool, speed: Speed) -> Result<Made, Error> {
    let target = if is_command { RUST_COMMAND_TARGET } else { RUST_TARGET };
    let package = if is_command { cargo_package(folder)? } else { None };
    let cargo = || {
        // Under `cargo xtask` and the like CARGO is the very cargo that runs.
        let mut command = Command::new(env::CARGO.os().unwrap_or_else(|| "cargo".into()));
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
        .filter(|text| !is_command && text.contains("[profile.plugin]"))
        .map_or("release", |_| "plugin");
    let profile = if speed == Speed::Dev { DEV_PROFILE } else { profile };
    let mut command = cargo();
    command.args(["build", "--target", target, "--profile", profile]);
    match &package {
        Some(package) => command.args(["--bin", program_of(package)?]),
        None => command.arg("--lib"),
    };
    command.arg("--message-format=json-render-diagnostics");
    // The same sources give the same bytes on every machine, and nobody's folders are in them.
    command
        .arg("--config")
        .arg(remapped_paths(target, workspace.as_deref().and_then(Path::parent)))
        .env("CARGO_INCREMENTAL", if speed == Speed::Dev { "1" } else { "0" });
    if speed == Speed::Dev {
        command.args(DEV_SETTINGS.iter().flat_map(|setting| ["--config", setting]));
    }
    if is_offline() {
        command.arg("--offline");
    }
    let output = command.output().map_err(|error| {
        Error::usage(format!("cargo cannot be started: {error}")).hint("install Rust: https://rustup.rs")
    })?;
    if !output.status.success() {
        return Err(Error::usage(format!("cargo could not build `{}`: {}", folder.display(), output.status))
            .hint(format!("its messages are above; a missing target is added by `rustup target add {target}`")));
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
    let module = modules.ok_or_else(|| {
        Error::usage(format!("`{}` builds no wasm module", folder.display()))
            .hint("add `crate-type = [\"cdylib\", \"rlib\"]` to [lib] of its Cargo.toml")
    })?;
    let (name, version) = package.map(|package| (package.name, package.version)).unwrap_or_default();
    Ok(Made { copy_from: Some(module), name, version })
}

/// The setting by which panic messages name `/plugin` and `/cargo` instead of folders of this machine. It adds to the
/// flags of the author's own `.cargo/config.toml`.
fn remapped_paths(target: &str, root: Option<&Path>) -> String {
    let home = env::CARGO_HOME.os().map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let flags: Vec<String> = [(root.map(Path::to_owned), "/plugin"), (home, "/cargo")]
        .into_iter()
        .filter_map(|(from, to)| Some(format!("--remap-path-prefix={}={to}", from?.display())))
        .collect();
    // A list of JSON strings is one of TOML.
    format!("target.{target}.rustflags={}", Json::from(flags))
}

fn go_build(folder: &Path, wasm: &Path, is_command: bool) -> Result<Made, Error> {
    let mut command = Command::new("go");
    command.current_dir(folder).arg("build");
    if !is_command {
        command.arg("-buildmode=c-shared");
    }
    command
        .args(["-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o"])
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
    if !status.success() {
        return Err(
            Error::usage(format!("go could not build `{}`: {status}", folder.display())).hint("its messages are above")
        );
    }
    Ok(Made { copy_from: None, name: go_name(folder), version: FIRST_VERSION.to_owned() })
}

/// What `go build` would call the program: the last part of its module's path that is no major version.
fn go_name(folder: &Path) -> String {
    let text = crate::input::read_text(&folder.join("go.mod"), MAX_DOCUMENT).unwrap_or_default();
    let path = text.lines().find_map(|line| line.trim().strip_prefix("module ")).unwrap_or_default();
    let is_version = |part: &str| part.strip_prefix('v').is_some_and(|rest| rest.parse::<u32>().is_ok());
    let name = path.trim().trim_matches('"').rsplit('/').find(|part| !is_version(part) && !part.is_empty());
    name.map_or_else(|| stem(folder), str::to_owned)
}

/// zig carries clang and a libc for WASI. Where it is not on the path it may be there as a Python wheel.
fn c_build(source: &Path, files: &[PathBuf], wasm: &Path) -> Result<Made, Error> {
    let compile = |program: &str, front: &[&str]| {
        let mut command = Command::new(program);
        command.args(front).args(["cc", "-target", "wasm32-wasi", "-O2", "-s", "-o"]).arg(wasm).args(files);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).status()
    };
    let has_wheel = || {
        let mut python = Command::new("python3");
        python.args(["-c", "import ziglang"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        python.status().is_ok_and(|status| status.success())
    };
    let is_missing = |status: &std::io::Result<std::process::ExitStatus>| {
        status.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    };
    // The wheel's own script is called `python-zig`.
    let mut status = compile("zig", &[]);
    if is_missing(&status) {
        status = compile("python-zig", &[]);
    }
    if is_missing(&status) && has_wheel() {
        status = compile("python3", &["-m", "ziglang"]);
    }
    let status = status.map_err(|error| {
        Error::usage(format!("zig, which compiles C, cannot be started: {error}"))
            .hint("install it from https://ziglang.org/download, or as a Python wheel: `pip install ziglang`")
    })?;
    if !status.success() {
        return Err(Error::usage(format!("zig could not build `{}`: {status}", source.display()))
            .hint("its messages are above"));
    }
    Ok(Made { copy_from: None, name: stem(source), version: FIRST_VERSION.to_owned() })
}
