//! Where Windlass keeps its files: the XDG base directories, with `WINDLASS_CACHE_DIR` on top for the cache.
//!
//! Nothing here writes, and only what lists or finds plugins looks at the disk. As the XDG specification says, a
//! variable that is empty or not absolute counts as unset.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::env::{self, Variable};
use crate::error::Error;

/// The cache: `WINDLASS_CACHE_DIR`, else `windlass` in `XDG_CACHE_HOME`, else `~/.cache/windlass`.
///
/// # Errors
/// No variable says where it is and there is no home directory (exit 2).
pub fn cache() -> Result<PathBuf, Error> {
    match env::CACHE_DIR.absolute_path() {
        Some(folder) => Ok(folder),
        None => base(env::XDG_CACHE_HOME, ".cache").ok_or_else(|| {
            Error::usage("there is no cache folder: neither `HOME` nor `XDG_CACHE_HOME` is set")
                .hint("set `WINDLASS_CACHE_DIR` to a folder of your own, or run with `--no-cache`")
        }),
    }
}

/// State that should outlive a run: the record of the last failure and the key that authenticates cache entries.
/// `windlass` in `XDG_STATE_HOME`, else `~/.local/state/windlass`.
///
/// # Errors
/// No variable says where it is and there is no home directory (exit 2).
pub fn state() -> Result<PathBuf, Error> {
    base(env::XDG_STATE_HOME, ".local/state").ok_or_else(|| {
        Error::usage("there is no state folder: neither `HOME` nor `XDG_STATE_HOME` is set")
            .hint("set `XDG_STATE_HOME` to a folder of your own")
    })
}

/// Installed plugins: `windlass/plugins` in `XDG_DATA_HOME`, else `~/.local/share/windlass/plugins`.
///
/// # Errors
/// No variable says where it is and there is no home directory (exit 2).
pub fn plugins() -> Result<PathBuf, Error> {
    base(env::XDG_DATA_HOME, ".local/share").map(|folder| folder.join("plugins")).ok_or_else(|| {
        Error::usage("there is no folder for installed plugins: neither `HOME` nor `XDG_DATA_HOME` is set")
            .hint("set `HOME` or `XDG_DATA_HOME`, or give the plugin as a path")
    })
}

/// The user's trust policy, which need not exist: `windlass/policy.yaml` in `XDG_CONFIG_HOME`, else
/// `~/.config/windlass/policy.yaml`. None where there is no home directory.
pub fn policy() -> Option<PathBuf> {
    base(env::XDG_CONFIG_HOME, ".config").map(|folder| folder.join("policy.yaml"))
}

/// Where the plugins that come with this program may be: beside it, as in the release archives and a checkout's
/// `target`, or in `share/windlass` of its prefix, as packages and the image have them. Whoever can write there can
/// replace the program too.
fn bundles() -> Vec<PathBuf> {
    let program = std::env::current_exe().and_then(fs::canonicalize);
    let Some(folder) = program.ok().and_then(|program| Some(program.parent()?.to_path_buf())) else {
        return Vec::new();
    };
    let mut bundles = vec![folder.join("plugins")];
    if let Some(prefix) = folder.parent() {
        bundles.extend([prefix.join("plugins"), prefix.join("share/windlass/plugins")]);
    }
    bundles
}

/// The folder of the plugin of that name that came with this program; none where there is none, or it came alone.
pub fn bundled(name: &str) -> Option<PathBuf> {
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let mut folders = bundles().into_iter().map(|bundle| bundle.join(name));
    folders.find(|folder| is_name && !name.is_empty() && folder.join("plugin.wasm").is_file())
}

/// The names of the plugins that came with this program, sorted.
pub fn bundled_names() -> Vec<String> {
    let mut names: Vec<String> = bundles().iter().flat_map(fs::read_dir).flat_map(names_in).collect();
    names.sort();
    names.dedup();
    names
}

/// The names of the installed plugins, sorted; none where there is no such folder.
pub fn installed_names() -> Vec<String> {
    let Ok(entries) = plugins().map_err(io::Error::other).and_then(fs::read_dir) else { return Vec::new() };
    let mut names = names_in(entries);
    names.sort();
    names
}

/// Whether a plugin of that name is installed or came with this program.
pub fn is_known(name: &str) -> bool {
    plugins().is_ok_and(|folder| folder.join(name).join("plugin.wasm").is_file()) || bundled(name).is_some()
}

/// What a bare name may stand for: the installed plugins and those that came with this program, sorted.
pub fn known_names() -> Vec<String> {
    let mut names = [installed_names(), bundled_names()].concat();
    names.sort();
    names.dedup();
    names
}

fn names_in(entries: fs::ReadDir) -> Vec<String> {
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("plugin.wasm").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

fn base(variable: Variable, below_home: &str) -> Option<PathBuf> {
    variable
        .absolute_path()
        .or_else(|| env::HOME.absolute_path().map(|home| home.join(below_home)))
        .map(|folder| folder.join("windlass"))
}
