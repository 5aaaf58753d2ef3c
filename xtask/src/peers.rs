//! Programs that the tests and the benchmark compare Windlass with: small sources in `tests/peers`, each a workspace of
//! its own with its own dependencies, built on demand into the cache, once per content of their folder.

use crate::command::{self, During, Failure, Result};
use crate::{cache, pip, say, workspace};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A program made from a folder of `tests/peers`.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    name: &'static str,
    /// The folder.
    sources: &'static str,
    language: Language,
    /// What the first build costs, where that is more than two minutes.
    cost: Option<&'static str>,
}

#[derive(Debug, Clone, Copy)]
enum Language {
    Go {
        /// Flags for the linker.
        linker: &'static str,
        /// The names under which one program stands in for several; it looks at the one it was started with.
        names: &'static [&'static str],
    },
    /// Beside the program, what `requirements.txt` of its folder names for pip.
    Rust,
}

const fn go(name: &'static str) -> Peer {
    Peer { name, sources: name, language: Language::Go { linker: "", names: &[] }, cost: None }
}

/// Runs a plugin with Helm's engine (Extism's Go SDK on wazero) and Helm's settings.
pub const HELM_ENGINE: Peer = go("helm-engine");

/// Reads a stream with the YAML parser of Helm and Kubernetes; one JSON value per document.
pub const YAML_ORACLE: Peer = go("yaml-oracle");

/// Prints a stream again with the YAML libraries of Go post-renderers, kyaml among them.
pub const YAML_REPRINT: Peer = go("yaml-reprint");

/// Computes statuses with the library that Helm uses, and evaluates JSONPath with client-go; one request per line.
pub const KSTATUS_GO: Peer = go("kstatus-go");

/// CNCF Distribution: a registry without the referrers API.
pub const DISTRIBUTION: Peer = registry_tool("distribution");

/// A registry with the referrers API, in memory.
pub const REGISTRY: Peer = registry_tool("registry");

/// Google's registry tool, as independent of ours as they come.
pub const CRANE: Peer = registry_tool("crane");

/// The registry tool of the ORAS project, whose library Helm uses.
pub const ORAS: Peer = registry_tool("oras");

/// Signs what is in registries, with cosign's library.
pub const COSIGN: Peer = registry_tool("cosign");

const fn registry_tool(name: &'static str) -> Peer {
    let names = &["distribution", "registry", "crane", "oras", "cosign"];
    Peer { name, sources: "oci-tools", language: Language::Go { linker: "", names }, cost: None }
}

/// What the end-to-end tests need, in the order in which it is worth to have it. All registry tools are built with the
/// first.
pub const FOR_TESTS: [Peer; 7] =
    [YAML_ORACLE, YAML_REPRINT, HELM_ENGINE, KSTATUS_GO, EXTISM_CRATE, DISTRIBUTION, CONTROL_PLANE];

/// Runs a plugin with the `extism` crate.
pub const EXTISM_CRATE: Peer =
    Peer { name: "extism-crate", sources: "extism-crate", language: Language::Rust, cost: None };

/// A Kubernetes control plane: etcd, the API server, controllers, scheduler, kwok and kubectl in one program.
pub const CONTROL_PLANE: Peer = Peer {
    name: "control-plane",
    sources: "control-plane",
    // Kubernetes tells its version only when the linker does. Without debug information linking takes less memory.
    language: Language::Go {
        linker: "-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2 \
                 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37",
        names: &[],
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
            Language::Go { linker, names } => build_go(&sources, unfinished, self.sources, linker, names),
            Language::Rust => build_rust(&sources, unfinished, self.name),
        })?;
        say::note(&format!("{} in {}", self.name, say::duration(start.elapsed())));
        Ok(program)
    }

    fn sources(&self) -> PathBuf {
        workspace::root().join("tests/peers").join(self.sources)
    }

    fn folder(&self) -> Result<PathBuf> {
        Ok(cache::folder()?.join("peers").join(format!("{}-{}", self.sources, cache::digest(&self.sources())?)))
    }

    fn program(&self, folder: &Path) -> PathBuf {
        folder.join(self.name)
    }
}

fn build_go(sources: &Path, folder: &Path, name: &str, linker: &str, names: &[&str]) -> Result<()> {
    let program = folder.join(name);
    let mut go = command::in_background("go");
    go.args(["build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", linker, "-o"])
        .arg(&program)
        .arg(".");
    go.current_dir(sources).env("GOWORK", "off").env_remove("GOFLAGS");
    if workspace::offline() {
        go.env("GOPROXY", "off");
    }
    command::run_quietly(&mut go).map_err(|failure| {
        Failure::new(failure.message()).hint("is the Go module proxy reachable? `go env GOPROXY` names it")
    })?;
    for name in names {
        std::fs::hard_link(&program, folder.join(name)).during(format_args!("cannot name it {name}"))?;
    }
    Ok(())
}

fn build_rust(sources: &Path, folder: &Path, name: &str) -> Result<()> {
    let requirements = sources.join("requirements.txt");
    let requirements =
        std::fs::read_to_string(&requirements).during(format_args!("cannot read {}", requirements.display()))?;
    pip::install(&requirements, folder)?;
    let build = folder.join("build");
    command::run_quietly(
        workspace::cargo()
            .args(["build", "--quiet", "--locked", "--release", "--target-dir"])
            .arg(&build)
            .env_remove("CARGO_TARGET_DIR")
            .current_dir(sources),
    )?;
    std::fs::rename(build.join("release").join(name), folder.join(name)).during("cannot keep the built peer")?;
    std::fs::remove_dir_all(&build).during("cannot remove the build folder")
}
