//! Where Windlass keeps its files: the XDG base directories, with `WINDLASS_CACHE_DIR` on top for the cache.
//!
//! Nothing here writes, and only [`installed_names`] looks at the disk. As the XDG specification says, a variable that is empty or not absolute counts as
//! unset.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;

use crate::error::Error;

/// The cache: `WINDLASS_CACHE_DIR`, else `windlass` in `XDG_CACHE_HOME`, else `~/.cache/windlass`.
///
/// # Errors
///
/// No variable says where it is and there is no home directory (exit 2).
pub fn cache() -> Result<PathBuf, Error> {
    match absolute("WINDLASS_CACHE_DIR") {
        Some(folder) => Ok(folder),
        None => base("XDG_CACHE_HOME", ".cache").ok_or_else(|| {
            Error::usage("there is no cache folder: neither `HOME` nor `XDG_CACHE_HOME` is set")
                .hint("set `WINDLASS_CACHE_DIR` to a folder of your own, or run with `--no-cache`")
        }),
    }
}

/// State that should outlive a run: the record of the last failure and the key that authenticates cache entries.
/// `windlass` in `XDG_STATE_HOME`, else `~/.local/state/windlass`.
///
/// # Errors
///
/// No variable says where it is and there is no home directory (exit 2).
pub fn state() -> Result<PathBuf, Error> {
    base("XDG_STATE_HOME", ".local/state").ok_or_else(|| {
        Error::usage("there is no state folder: neither `HOME` nor `XDG_STATE_HOME` is set")
            .hint("set `XDG_STATE_HOME` to a folder of your own")
    })
}

/// Installed plugins: `windlass/plugins` in `XDG_DATA_HOME`, else `~/.local/share/windlass/plugins`.
///
/// # Errors
///
/// No variable says where it is and there is no home directory (exit 2).
pub fn plugins() -> Result<PathBuf, Error> {
    base("XDG_DATA_HOME", ".local/share").map(|folder| folder.join("plugins")).ok_or_else(|| {
        Error::usage("there is no folder for installed plugins: neither `HOME` nor `XDG_DATA_HOME` is set")
            .hint("set `HOME` or `XDG_DATA_HOME`, or give the plugin as a path")
    })
}

/// The user's trust policy, which need not exist: `windlass/policy.yaml` in `XDG_CONFIG_HOME`, else
/// `~/.config/windlass/policy.yaml`. None where there is no home directory.
pub fn policy() -> Option<PathBuf> {
    base("XDG_CONFIG_HOME", ".config").map(|folder| folder.join("policy.yaml"))
}

/// The names of the installed plugins, sorted; none where there is no such folder.
pub fn installed_names() -> Vec<String> {
    let Ok(entries) = plugins().map_err(io::Error::other).and_then(fs::read_dir) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("plugin.wasm").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

fn base(variable: &str, below_home: &str) -> Option<PathBuf> {
    absolute(variable)
        .or_else(|| absolute("HOME").map(|home| home.join(below_home)))
        .map(|folder| folder.join("windlass"))
}

fn absolute(variable: &str) -> Option<PathBuf> {
    let value: OsString = std::env::var_os(variable)?;
    let path = PathBuf::from(value);
    path.is_absolute().then_some(path)
}
