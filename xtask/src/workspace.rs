//! Where things are in the repository, and cargo as this repository starts it.

use crate::command::{During, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository's root.
#[must_use]
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// Cargo's target folder: `CARGO_TARGET_DIR`, or `target` in the root.
#[must_use]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The host's release binary.
#[must_use]
pub fn windlass() -> PathBuf {
    target().join("release").join("windlass")
}

/// Where `cargo xtask build` puts the plugin of that name.
#[must_use]
pub fn built_plugin(name: &str) -> PathBuf {
    target().join("plugins").join(name)
}

/// The names of all sample plugins, sorted: the folders of `plugins/` that hold a plugin.yaml.
///
/// # Errors
/// `plugins/` cannot be read.
pub fn plugin_names() -> Result<Vec<String>> {
    names_in("plugins")
}

/// The names of the guests in Rust that only tests run, sorted: the folders of `tests/guests` that hold a plugin.yaml.
///
/// # Errors
/// `tests/guests` cannot be read.
pub fn guest_names() -> Result<Vec<String>> {
    names_in("tests/guests")
}

fn names_in(folder: &str) -> Result<Vec<String>> {
    let mut names: Vec<String> = folders(&root().join(folder))?
        .into_iter()
        .filter(|folder| folder.join("plugin.yaml").is_file())
        .filter_map(|folder| Some(folder.file_name()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// The folders inside `folder`, sorted; none when it does not exist.
///
/// # Errors
/// The folder is there but cannot be read.
pub fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).during(format_args!("cannot read {}", folder.display()))? {
        let path = entry.during(format_args!("cannot read {}", folder.display()))?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether the network is off limits (`WINDLASS_OFFLINE=1`).
#[must_use]
pub fn offline() -> bool {
    std::env::var_os("WINDLASS_OFFLINE").is_some_and(|value| value == "1")
}

/// Whether this is a build server (`CI=true`), where nothing may be skipped.
#[must_use]
pub fn ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1")
}

/// The rendered public charts beside the repository (`../shared/corpus`, looked for at every level above), if any.
#[must_use]
pub fn corpus() -> Option<PathBuf> {
    root().ancestors().map(|folder| folder.join("shared/corpus")).find(|folder| folder.is_dir())
}

/// Cargo, in the root, offline when asked.
#[must_use]
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    if offline() {
        cargo.env("CARGO_NET_OFFLINE", "true");
    }
    // `cargo run` tells its child about the package it runs; a nested cargo must not inherit that.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR") {
            cargo.env_remove(name);
        }
    }
    cargo
}
