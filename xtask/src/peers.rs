//! Programs that the tests and the benchmark compare Windlass with: small sources in `tests/peers`, each a workspace of
//! its own with its own dependencies, built on demand into the cache, once per content of their folder.

use crate::command::{self, During, Failure, Result};
use crate::{cache, say, workspace};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// A program in `tests/peers`.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    name: &'static str,
    language: Language,
}

#[derive(Debug, Clone, Copy)]
enum Language {
    Go,
    Rust,
}

/// Runs a plugin with Helm's engine (Extism's Go SDK on wazero) and Helm's settings.
pub const HELM_ENGINE: Peer = Peer { name: "helm-engine", language: Language::Go };

/// Reads a stream with the YAML parser of Helm and Kubernetes; one JSON value per document.
pub const YAML_ORACLE: Peer = Peer { name: "yaml-oracle", language: Language::Go };

/// Computes statuses with the library that Helm uses, and evaluates JSONPath with client-go; one request per line.
pub const KSTATUS_GO: Peer = Peer { name: "kstatus-go", language: Language::Go };

/// A registry with the referrers API, in memory.
pub const REGISTRY: Peer = Peer { name: "registry", language: Language::Go };

/// What the end-to-end tests need.
pub const FOR_TESTS: [Peer; 5] = [HELM_ENGINE, YAML_ORACLE, KSTATUS_GO, REGISTRY, EXTISM_CRATE];

/// Runs a plugin with the `extism` crate.
pub const EXTISM_CRATE: Peer = Peer { name: "extism-crate", language: Language::Rust };

impl Peer {
    /// Its name.
    #[must_use]
    pub fn title(&self) -> String {
        self.name.to_owned()
    }

    /// The built program; builds it first where that is needed and can be done.
    ///
    /// # Errors
    ///
    /// There is no Go, or the build fails. The error says what to do.
    pub fn ensure(&self) -> Result<PathBuf> {
        let sources = workspace::root().join("tests/peers").join(self.name);
        let folder = cache::folder()?.join("peers").join(format!("{}-{}", self.name, digest(&sources)?));
        let program = folder.join(format!("{}{}", self.name, std::env::consts::EXE_SUFFIX));
        if program.is_file() {
            return Ok(program);
        }
        if matches!(self.language, Language::Go) && !command::on_path("go") {
            return Err(Failure::new(format!("{} is written in Go, and there is no Go to build it with", self.name))
                .hint("install Go 1.26 or newer (https://go.dev/dl)"));
        }
        say::step(&format!("building the peer {} (once)", self.name));
        let start = Instant::now();
        cache::fill_once(&folder, |unfinished| match self.language {
            Language::Go => build_go(&sources, unfinished),
            Language::Rust => build_rust(&sources, unfinished, self.name),
        })?;
        say::note(&format!("{} in {}", self.name, say::duration(start.elapsed())));
        Ok(program)
    }
}

fn build_go(sources: &Path, folder: &Path) -> Result<()> {
    let mut go = Command::new("go");
    go.args(["build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-o"]).arg(folder).arg(".");
    go.current_dir(sources).env("GOWORK", "off").env_remove("GOFLAGS");
    if workspace::offline() {
        go.env("GOPROXY", "off");
    }
    command::run(&mut go).map_err(|failure| {
        Failure::new(failure.message()).hint("is the Go module proxy reachable? `go env GOPROXY` names it")
    })
}

fn build_rust(sources: &Path, folder: &Path, name: &str) -> Result<()> {
    let build = folder.join("build");
    command::run(
        workspace::cargo()
            .args(["build", "--quiet", "--locked", "--release", "--target-dir"])
            .arg(&build)
            .env_remove("CARGO_TARGET_DIR")
            .current_dir(sources),
    )?;
    let program = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::fs::rename(build.join("release").join(&program), folder.join(&program))
        .during("cannot keep the built peer")?;
    std::fs::remove_dir_all(&build).during("cannot remove the build folder")
}

/// A short digest of names and contents of the files in a peer's folder and below it.
fn digest(folder: &Path) -> Result<String> {
    let mut files = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(&folder).during(format_args!("cannot read {}", folder.display()))? {
            let path = entry.during(format_args!("cannot read {}", folder.display()))?.path();
            if !path.is_dir() {
                files.push(path);
            } else if path.file_name().is_none_or(|name| name != "target") {
                pending.push(path);
            }
        }
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let name = file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().into_owned();
        let content = std::fs::read(&file).during(format_args!("cannot read {}", file.display()))?;
        hash.update(format!("{name}\0{}\0", content.len()));
        hash.update(content);
    }
    Ok(hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}
