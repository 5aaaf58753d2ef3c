//! A program in Go, Rust or C as a command plugin: what is around the module that `windlass build` makes.
//!
//! The same source is also built for this machine, so that the plugin can be compared with the program as it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::author::build::{self, Built, Tool};
use crate::author::observe::{self, Observation};
use crate::env;
use crate::error::Error;
use crate::render;
use crate::sandbox::compile::cache::CodeCache;
use crate::sandbox::options::RenderOptions;
use crate::source::PluginRef;

/// What was made of a program.
#[derive(Debug)]
pub struct Compiled {
    /// The plugin.
    pub built: Built,
    /// What it looked for in a run with nothing granted.
    pub observed: Observation,
    /// The same program for this machine; gone when this is.
    pub native: PathBuf,
    kept: tempfile::TempDir,
}

/// Builds `source` into the plugin folder `out` and for this machine, and observes the plugin on `stream`.
///
/// # Errors
/// It is no program that reads standard input, or one of the builds fails.
pub fn compile(source: &Path, out: &Path, stream: Vec<u8>) -> Result<Compiled, Error> {
    let tool = Tool::of(source).ok_or_else(|| {
        Error::usage(format!("{} has neither Cargo.toml nor go.mod nor files in C", source.display()))
            .hint("other languages: `windlass new --template` begins a plugin, `windlass port keep` keeps the program")
    })?;
    let built = build::build(source, Some(out))?;
    if !built.is_command {
        return Err(
            Error::usage(format!("{} is a plugin already", source.display())).hint("`windlass build` builds it")
        );
    }
    let plugin = render::open(&PluginRef::Path(built.folder.clone()))?;
    let ignore = |_: crate::event::Event<'_>| {};
    let observed = observe::observe(&plugin, stream, &RenderOptions::new(CodeCache::default_place(), &ignore));
    let kept =
        tempfile::tempdir().map_err(|error| Error::usage(format!("no temporary folder can be made: {error}")))?;
    let native = native(tool, source, kept.path())?;
    Ok(Compiled { built, observed, native, kept })
}

impl Compiled {
    /// The folder of the program for this machine.
    pub fn folder(&self) -> &Path {
        self.kept.path()
    }

    /// Writes windlass.yaml, README.md and a workflow beside the module.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn describe(&self, source: &Path, arguments: &[String]) -> Result<(), Error> {
        let out = &self.built.folder;
        let write = |name: &str, text: String| {
            let path = out.join(name);
            let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
            made.map_err(|error| Error::usage(format!("{} cannot be written: {error}", path.display())))
        };
        write("windlass.yaml", pipeline(arguments))?;
        write("README.md", self.readme())?;
        write(".github/workflows/plugin.yaml", workflow(Tool::of(source)))
    }

    fn readme(&self) -> String {
        let name = &self.built.identity.name;
        let mut needs = String::new();
        for sought in &self.observed.sought {
            let flag = sought.flag.as_ref().map(|flag| format!(": `{flag}`")).unwrap_or_default();
            needs.push_str(&format!("- it looks for `{}` to {}{flag}\n", sought.path, sought.capability));
        }
        if needs.is_empty() {
            needs.push_str("Nothing: it looked for no file.\n");
        }
        format!(
            "# {name}\n\nA post-renderer as a plugin: the unchanged program, built for WASI, in Windlass's sandbox.\n\n\
             ```console\n$ helm template web ./chart | windlass run --pipeline windlass.yaml\n$ windlass helm enable --pipeline windlass.yaml --name {name}\n\
             $ helm upgrade --install web ./chart --post-renderer {name}\n```\n\n## What it needs\n\n{needs}\n## Proof\n\n\
             `golden/` holds streams and what the program made of them when it ran natively. The workflow compares:\n\n\
             ```console\n$ windlass port compare --recorded golden --new windlass.yaml\n```\n"
        )
    }
}

fn pipeline(arguments: &[String]) -> String {
    let mut text = "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: ./\n".to_owned();
    if !arguments.is_empty() {
        text.push_str("  config:\n    args:\n");
        for argument in arguments {
            text.push_str(&format!("    - {}\n", serde_json::Value::from(argument.as_str())));
        }
    }
    text
}

fn workflow(tool: Option<Tool>) -> String {
    let tool = match tool {
        Some(Tool::Go) => "      - uses: actions/setup-go@v6\n        with: {go-version: stable}\n",
        Some(Tool::Cargo) => "      - run: rustup target add wasm32-wasip1\n",
        Some(Tool::C) => "      - run: pip install ziglang\n",
        None => "",
    };
    format!(
        "# `windlass` must be on the runner's path.\nname: plugin\non: [push, pull_request]\njobs:\n  compare:\n    runs-on: ubuntu-latest\n    \
         steps:\n      - uses: actions/checkout@v6\n{tool}      - run: windlass port compare --recorded golden --new windlass.yaml\n"
    )
}

/// Builds the program for this machine, into `folder`.
fn native(tool: Tool, source: &Path, folder: &Path) -> Result<PathBuf, Error> {
    let program = folder.join("program");
    let mut command = match tool {
        Tool::Go => {
            let mut command = Command::new("go");
            command.args(["build", "-o"]).arg(&program).arg(".").current_dir(source);
            command
        }
        Tool::Cargo => {
            let mut command = Command::new(env::CARGO.os().unwrap_or_else(|| "cargo".into()));
            command.args(["install", "--debug", "--path", ".", "--no-track", "--root"]).arg(folder).current_dir(source);
            command.arg("--target-dir").arg(folder.join("target"));
            command
        }
        Tool::C => {
            let mut command = Command::new("cc");
            command.args(["-O1", "-o"]).arg(&program).args(build::sources(source, "c"));
            command
        }
    };
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).status();
    let status = status.map_err(|error| {
        Error::usage(format!("the program cannot be built for this machine: {error}"))
            .hint("the comparison with the native program needs its compiler")
    })?;
    if !status.success() {
        return Err(Error::usage(format!("the program cannot be built for this machine: {status}"))
            .hint("the compiler's messages are above"));
    }
    if tool != Tool::Cargo {
        return Ok(program);
    }
    let entries = fs::read_dir(folder.join("bin")).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.path()).next().ok_or_else(|| Error::usage("cargo made no program"))
}
