//! Guests by other toolchains than Rust's, in `tests/guests`: what Go's own compiler and clang make of small plugins,
//! built on demand into the cache, once per content of their folder.

use crate::command::{self, During, Failure, Result};
use crate::{cache, say, tools, workspace};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A guest in `tests/guests`.
#[derive(Debug, Clone, Copy)]
pub struct ForeignGuest {
    name: &'static str,
    toolchain: Toolchain,
}

#[derive(Debug, Clone, Copy)]
enum Toolchain {
    Go,
    /// clang with a libc for WASI, as zig carries them.
    C,
}

/// Go with Extism's PDK and no YAML library.
pub const GO_JSON: ForeignGuest = ForeignGuest { name: "go-json", toolchain: Toolchain::Go };

/// Go with the YAML library that most Go programs use; ends itself by `os.Exit(0)`.
pub const GO_YAML: ForeignGuest = ForeignGuest { name: "go-yaml", toolchain: Toolchain::Go };

/// C over Extism's functions, with nothing in between.
pub const C: ForeignGuest = ForeignGuest { name: "c", toolchain: Toolchain::C };

/// All of them.
pub const ALL: [ForeignGuest; 3] = [GO_JSON, GO_YAML, C];

impl ForeignGuest {
    /// Its name.
    #[must_use]
    pub fn title(&self) -> String {
        self.name.to_owned()
    }

    /// The module; builds it first where that is needed and can be done.
    ///
    /// # Errors
    /// Its compiler is not here and cannot be fetched, or the build fails. The error says what to do.
    pub fn ensure(&self) -> Result<PathBuf> {
        let sources = workspace::root().join("tests/guests").join(self.name);
        let folder = cache::folder()?.join("guests").join(format!("{}-{}", self.name, cache::digest(&sources)?));
        let module = folder.join("plugin.wasm");
        if module.is_file() {
            return Ok(module);
        }
        say::step(&format!("building the guest {} (once)", self.name));
        let start = Instant::now();
        cache::fill_once(&folder, |unfinished| match self.toolchain {
            Toolchain::Go => build_go(&sources, unfinished),
            Toolchain::C => build_c(&sources, unfinished),
        })?;
        say::note(&format!("{} in {}", self.name, say::duration(start.elapsed())));
        Ok(module)
    }
}

fn build_go(sources: &Path, folder: &Path) -> Result<()> {
    if !command::on_path("go") {
        return Err(
            Failure::new("guests in Go need Go to be built").hint("install Go 1.26 or newer (https://go.dev/dl)")
        );
    }
    let mut go = command::in_background("go");
    go.args(["build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-buildmode=c-shared", "-ldflags=-s -w", "-o"])
        .arg(folder.join("plugin.wasm"))
        .arg(".")
        .current_dir(sources)
        .envs([("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOWORK", "off")])
        .env_remove("GOFLAGS");
    if workspace::offline() {
        go.env("GOPROXY", "off");
    }
    command::run_quietly(&mut go)
}

fn build_c(sources: &Path, folder: &Path) -> Result<()> {
    // What zig builds of its libc lies beside the module, and goes with it.
    let cache = folder.join("zig");
    command::run_quietly(
        command::in_background(&tools::ZIG.ensure()?.to_string_lossy())
            .args(["cc", "-target", "wasm32-wasi", "-mexec-model=reactor", "-Os", "-s", "-o"])
            .arg(folder.join("plugin.wasm"))
            .arg(sources.join("main.c"))
            .env("ZIG_GLOBAL_CACHE_DIR", &cache)
            .env("ZIG_LOCAL_CACHE_DIR", &cache),
    )?;
    std::fs::remove_dir_all(&cache).during("cannot remove zig's cache")
}
