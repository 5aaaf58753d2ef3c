//! The folder outside the tree where tools and peers are kept: shared by all clones, safe to delete.

use crate::command::{During, Failure, Result};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::path::{Path, PathBuf};

/// `windlass-dev` under `WINDLASS_DEV_CACHE`, else `XDG_CACHE_HOME`, else `~/.cache`.
///
/// # Errors
/// None of the three is known.
pub fn folder() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("WINDLASS_DEV_CACHE")
        .or_else(|| set("XDG_CACHE_HOME"))
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .map(|folder| folder.join("windlass-dev"))
        .ok_or_else(|| Failure::new("there is no home directory to keep tools in").hint("set WINDLASS_DEV_CACHE=DIR"))
}

/// Makes `wanted` (a folder in the cache) by calling `fill` on an empty folder beside it, which is then renamed: nobody
/// ever sees half of it. Two processes that want the same do it once; the second waits. Gives whether it was made now.
///
/// # Errors
/// `fill` fails (nothing is left behind), or the cache cannot be written.
pub fn fill_once(wanted: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<bool> {
    if wanted.is_dir() {
        return Ok(false);
    }
    let (Some(parent), Some(name)) = (wanted.parent(), wanted.file_name().and_then(|name| name.to_str())) else {
        return Err(Failure::new(format!("{} is no place for a cache", wanted.display())));
    };
    let hint = "set WINDLASS_DEV_CACHE to a folder that can be written";
    let writing =
        |error: std::io::Error| Failure::new(format!("cannot write {}: {error}", parent.display())).hint(hint);
    std::fs::create_dir_all(parent).map_err(writing)?;
    let lock = File::create(parent.join(format!(".{name}.lock"))).map_err(writing)?;
    lock.lock().during(format_args!("cannot lock {}", parent.display()))?;
    if wanted.is_dir() {
        return Ok(false);
    }
    let unfinished = parent.join(format!(".{name}.unfinished"));
    if unfinished.exists() {
        // Left by a process that was killed; the lock says that nobody works in it now.
        std::fs::remove_dir_all(&unfinished).map_err(writing)?;
    }
    std::fs::create_dir(&unfinished).map_err(writing)?;
    if let Err(failure) = fill(&unfinished) {
        drop(std::fs::remove_dir_all(&unfinished));
        return Err(failure);
    }
    std::fs::rename(&unfinished, wanted).map_err(writing)?;
    Ok(true)
}

/// A short digest of names and contents of the files in `folder` and below it, without build folders: tells when what
/// was built from them is out of date.
///
/// # Errors
/// A file cannot be read.
pub fn digest(folder: &Path) -> Result<String> {
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
