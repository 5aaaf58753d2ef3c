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
    /// What the first build costs, where that is more than a minute.
    cost: Option<&'static str>,
}

#[derive(Debug, Clone, Copy)]
enum Language {
    /// With these flags for the linker.
    Go {
        linker: &'static str,
    },
    Rust,
}

const GO: Language = Language::Go { linker: "" };

/// Runs a plugin with Helm's engine (Extism's Go SDK on wazero) and Helm's settings.
pub const HELM_ENGINE: Peer = Peer { name: "helm-engine", language: GO, cost: None };

/// Reads a stream with the YAML parser of Helm and Kubernetes; one JSON value per document.
pub const YAML_ORACLE: Peer = Peer { name: "yaml-oracle", language: GO, cost: None };

/// Computes statuses with the library that Helm uses, and evaluates JSONPath with client-go; one request per line.
pub const KSTATUS_GO: Peer = Peer { name: "kstatus-go", language: GO, cost: None };

/// A registry with the referrers API, in memory.
pub const REGISTRY: Peer = Peer { name: "registry", language: GO, cost: None };

/// What the end-to-end tests need.
pub const FOR_TESTS: [Peer; 6] = [HELM_ENGINE, YAML_ORACLE, KSTATUS_GO, REGISTRY, EXTISM_CRATE, CONTROL_PLANE];

/// Runs a plugin with the `extism` crate.
pub const EXTISM_CRATE: Peer = Peer { name: "extism-crate", language: Language::Rust, cost: None };

/// A Kubernetes control plane: etcd, the API server, controllers, scheduler, kwok and kubectl in one program.
pub const CONTROL_PLANE: Peer = Peer {
    name: "control-plane",
    // Kubernetes tells its version only when the linker does. Without debug information linking takes less memory.
    language: Language::Go {
        linker: "-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2 \
                 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37",
    },
    cost: Some("about 8 minutes on two cores, 3.2 GiB of memory, 4 GB of Go's caches"),
};

impl Peer {
    /// Its name.
    #[must_use]
    pub fn title(&self) -> String {
        self.name.to_owned()
    }

    /// The program, if it was built from the sources as they are.
    ///
    /// # Errors
    ///
    /// The sources cannot be read, or there is no place for a cache.
    pub fn built(&self) -> Result<Option<PathBuf>> {
        let program = self.program(&self.folder()?);
        Ok(program.is_file().then_some(program))
    }

    /// Whether building takes minutes, so that it is not done in passing.
    #[must_use]
    pub fn is_costly(&self) -> bool {
        self.cost.is_some()
    }

    /// The built program; builds it first where that is needed and can be done.
    ///
    /// # Errors
    ///
    /// There is no Go, or the build fails. The error says what to do.
    pub fn ensure(&self) -> Result<PathBuf> {
        let folder = self.folder()?;
        let program = self.program(&folder);
        if program.is_file() {
            return Ok(program);
        }
        if matches!(self.language, Language::Go { .. }) && !command::on_path("go") {
            return Err(Failure::new(format!("{} is written in Go, and there is no Go to build it with", self.name))
                .hint("install Go 1.26 or newer (https://go.dev/dl)"));
        }
        let cost = self.cost.map(|cost| format!(": {cost}")).unwrap_or_default();
        say::step(&format!("building the peer {} (once{cost})", self.name));
        let start = Instant::now();
        let sources = self.sources();
        cache::fill_once(&folder, |unfinished| match self.language {
            Language::Go { linker } => build_go(&sources, unfinished, linker),
            Language::Rust => build_rust(&sources, unfinished, self.name),
        })?;
        say::note(&format!("{} in {}", self.name, say::duration(start.elapsed())));
        Ok(program)
    }

    fn sources(&self) -> PathBuf {
        workspace::root().join("tests/peers").join(self.name)
    }

    fn folder(&self) -> Result<PathBuf> {
        Ok(cache::folder()?.join("peers").join(format!("{}-{}", self.name, digest(&self.sources())?)))
    }

    fn program(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}{}", self.name, std::env::consts::EXE_SUFFIX))
    }
}

fn build_go(sources: &Path, folder: &Path, linker: &str) -> Result<()> {
    let mut go = Command::new("go");
    go.args(["build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", linker, "-o"]).arg(folder).arg(".");
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
