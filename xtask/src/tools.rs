//! Programs by others that the commands use, each at one exact version.

use crate::command::{self, Failure, Result};
use crate::{cache, say, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// A program of an exact version.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    name: &'static str,
    version: &'static str,
    source: Source,
    /// What it is for, in a few words.
    purpose: &'static str,
}

/// Where a tool comes from.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// A Go package, for `go install PACKAGE@VERSION`.
    Go(&'static str),
    /// A crate, for `cargo install NAME@VERSION`.
    Crate,
}

/// Helm 3: renders with an executable as post-renderer.
pub const HELM_3: Tool = Tool {
    name: "helm",
    version: "v3.22.0",
    source: Source::Go("helm.sh/helm/v3/cmd/helm"),
    purpose: "the end-to-end tests and the demo",
};

/// Helm 4: renders with a plugin as post-renderer.
pub const HELM_4: Tool = Tool {
    name: "helm",
    version: "v4.3.2",
    source: Source::Go("helm.sh/helm/v4/cmd/helm"),
    purpose: "the end-to-end tests and the demo",
};

/// CNCF Distribution: a registry without the referrers API.
pub const REGISTRY: Tool = Tool {
    name: "registry",
    version: "v3.1.2",
    source: Source::Go("github.com/distribution/distribution/v3/cmd/registry"),
    purpose: "the registry tests and the demo",
};

/// Google's registry tool, as independent of ours as they come.
pub const CRANE: Tool = Tool {
    name: "crane",
    version: "v0.22.1",
    source: Source::Go("github.com/google/go-containerregistry/cmd/crane"),
    purpose: "the registry tests",
};

/// The registry tool of the ORAS project, whose library Helm uses.
pub const ORAS: Tool = Tool {
    name: "oras",
    version: "v1.3.6",
    source: Source::Go("oras.land/oras/cmd/oras"),
    purpose: "the registry tests",
};

/// Signs what is in registries. The largest of all: some six minutes to build on two cores.
pub const COSIGN: Tool = Tool {
    name: "cosign",
    version: "v3.1.3",
    source: Source::Go("github.com/sigstore/cosign/v3/cmd/cosign"),
    purpose: "the tests of signatures",
};

/// What the end-to-end tests and the licence check need.
pub const FOR_TESTS: [Tool; 7] = [HELM_4, HELM_3, REGISTRY, CRANE, ORAS, COSIGN, CARGO_DENY];

/// Checks licences, sources and known flaws of what we depend on.
pub const CARGO_DENY: Tool =
    Tool { name: "cargo-deny", version: "0.20.2", source: Source::Crate, purpose: "the licence check" };

/// The tool that most post-renderers in use today call.
pub const KUSTOMIZE: Tool = Tool {
    name: "kustomize",
    version: "v5.8.1",
    source: Source::Go("sigs.k8s.io/kustomize/kustomize/v5"),
    purpose: "the benchmark",
};

/// The other tool that post-renderers call.
pub const YQ: Tool =
    Tool { name: "yq", version: "v4.50.1", source: Source::Go("github.com/mikefarah/yq/v4"), purpose: "the benchmark" };

impl Tool {
    /// `NAME VERSION`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// The program, if it was installed.
    #[must_use]
    pub fn installed(&self) -> Option<PathBuf> {
        let program = self.program(&self.folder().ok()?);
        program.is_file().then_some(program)
    }

    /// The program; installs it first where that is needed and can be done.
    ///
    /// # Errors
    ///
    /// Not there, and offline, or no Go, or the installation fails. The error says what to do.
    pub fn ensure(&self) -> Result<PathBuf> {
        let folder = self.folder()?;
        let program = self.program(&folder);
        if program.is_file() {
            return Ok(program);
        }
        if workspace::offline() {
            return Err(Failure::new(format!(
                "{} is not in {} and WINDLASS_OFFLINE=1 forbids to fetch it",
                self.title(),
                folder.display()
            ))
            .hint("run `cargo xtask setup` once with the network on"));
        }
        if matches!(self.source, Source::Go(_)) && !command::on_path("go") {
            return Err(Failure::new(format!(
                "{} is needed for {}, and there is no Go to build it with",
                self.title(),
                self.purpose
            ))
            .hint("install Go 1.26 or newer (https://go.dev/dl) and run `cargo xtask setup` again"));
        }
        say::step(&format!("installing {} for {} (a few minutes, once)", self.title(), self.purpose));
        let start = Instant::now();
        // A folder without the program is the rest of something that was broken by hand.
        if folder.is_dir() {
            drop(std::fs::remove_dir_all(&folder));
        }
        cache::fill_once(&folder, |unfinished| self.install(unfinished))?;
        say::note(&format!("{} in {}", self.title(), say::duration(start.elapsed())));
        Ok(program)
    }

    fn folder(&self) -> Result<PathBuf> {
        Ok(cache::folder()?.join("tools").join(format!("{}-{}", self.name, self.version)))
    }

    fn program(&self, folder: &Path) -> PathBuf {
        folder.join("bin").join(format!("{}{}", self.name, std::env::consts::EXE_SUFFIX))
    }

    fn install(&self, folder: &Path) -> Result<()> {
        match self.source {
            Source::Go(package) => command::run(
                Command::new("go")
                    .args(["install", "-trimpath", &format!("{package}@{}", self.version)])
                    // The workspace of somebody else's checkout must not decide what is built.
                    .env("GOWORK", "off")
                    .env("GOBIN", folder.join("bin"))
                    .current_dir(folder),
            )
            .map_err(|failure| {
                Failure::new(failure.message()).hint("is the Go module proxy reachable? `go env GOPROXY` names it")
            }),
            Source::Crate => command::run(
                workspace::cargo()
                    .args(["install", "--quiet", "--locked", &format!("{}@{}", self.name, self.version), "--root"])
                    .arg(folder)
                    .arg("--target-dir")
                    .arg(folder.join("build")),
            )
            .and_then(|()| {
                std::fs::remove_dir_all(folder.join("build"))
                    .map_err(|error| Failure::new(format!("cannot remove the build folder: {error}")))
            }),
        }
    }
}
