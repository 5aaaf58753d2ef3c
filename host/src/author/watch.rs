//! Watching folders for changes, by looking at them again and again: it needs nothing of the system, and works on
//! network file systems, in containers and on folders that are replaced as a whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::error::Error;

/// How often is looked.
const INTERVAL: Duration = Duration::from_millis(100);
/// How long nothing must change until a change counts as over: editors write several files, and some of them twice.
const QUIET: Duration = Duration::from_millis(60);
/// The longest time that is waited for quiet.
const LONGEST: Duration = Duration::from_secs(2);
/// The most files that are looked at, ten times a second.
const MOST_FILES: usize = 10_000;
/// The deepest folder.
const MOST_LEVELS: usize = 32;
/// What builds leave behind.
const IGNORED: [&str; 4] = ["target", "node_modules", "plugin.wasm", "native"];
/// How many names a message tells.
const TOLD: usize = 3;

/// A file as it was last seen: when it was written, and its length.
type Seen = (Option<SystemTime>, u64);

/// Folders and files that are watched.
#[derive(Debug)]
pub struct Watch {
    roots: Vec<PathBuf>,
    seen: BTreeMap<PathBuf, Seen>,
}

impl Watch {
    /// Watches folders, with all that is in them, and files. What is hidden or made by a build is passed over.
    ///
    /// # Errors
    /// There is too much to look at (exit 2).
    pub fn new(roots: Vec<PathBuf>) -> Result<Self, Error> {
        let seen = look(&roots)?;
        Ok(Self { roots, seen })
    }

    /// Waits until something changed and all is quiet again, and names what did. Nothing where `is_over` says so first.
    ///
    /// # Errors
    /// There is too much to look at (exit 2).
    pub fn next(&mut self, is_over: impl Fn() -> bool) -> Result<Option<String>, Error> {
        loop {
            if is_over() {
                return Ok(None);
            }
            std::thread::sleep(INTERVAL);
            let now = look(&self.roots)?;
            if now == self.seen {
                continue;
            }
            let now = quiet(&self.roots, now)?;
            let changed = self.named(&now);
            self.seen = now;
            // A file that was written and put back as it was is no change.
            if let Some(changed) = changed {
                return Ok(Some(changed));
            }
        }
    }

    /// What differs from the last look, for a person.
    fn named(&self, now: &BTreeMap<PathBuf, Seen>) -> Option<String> {
        let gone = self.seen.keys().filter(|path| !now.contains_key(*path));
        let changed = now.iter().filter(|(path, seen)| self.seen.get(*path) != Some(seen)).map(|(path, _)| path);
        let paths: Vec<&PathBuf> = changed.chain(gone).collect();
        let shown = |path: &&PathBuf| {
            let root = self.roots.iter().find(|root| path.starts_with(root) && path != root);
            root.and_then(|root| path.strip_prefix(root).ok()).unwrap_or(path).display().to_string()
        };
        let mut names: Vec<String> = paths.iter().take(TOLD).map(shown).collect();
        if let Some(more @ 1..) = paths.len().checked_sub(TOLD) {
            names.push(format!("{more} more"));
        }
        (!names.is_empty()).then(|| names.join(", "))
    }
}

/// Looks until nothing changes.
fn quiet(roots: &[PathBuf], mut now: BTreeMap<PathBuf, Seen>) -> Result<BTreeMap<PathBuf, Seen>, Error> {
    let begun = Instant::now();
    while begun.elapsed() < LONGEST {
        std::thread::sleep(QUIET);
        let later = look(roots)?;
        if later == now {
            break;
        }
        now = later;
    }
    Ok(now)
}

fn look(roots: &[PathBuf]) -> Result<BTreeMap<PathBuf, Seen>, Error> {
    let mut seen = BTreeMap::new();
    for root in roots {
        look_into(root, 0, &mut seen)?;
    }
    Ok(seen)
}

fn look_into(path: &Path, level: usize, seen: &mut BTreeMap<PathBuf, Seen>) -> Result<(), Error> {
    // What a link leads to below the folder is not followed: it may lead in a circle.
    let metadata = if level == 0 { fs::metadata(path) } else { fs::symlink_metadata(path) };
    // What vanishes between two looks is gone, and that is a change.
    let Ok(metadata) = metadata else { return Ok(()) };
    if !metadata.is_dir() {
        seen.insert(path.to_owned(), (metadata.modified().ok(), metadata.len()));
        if seen.len() > MOST_FILES {
            return Err(Error::usage(format!("there are more than {MOST_FILES} files to watch"))
                .hint("name the folder of the plugin alone, or move away what does not belong to it"));
        }
        return Ok(());
    }
    let Some(deeper) = Some(level + 1).filter(|deeper| *deeper <= MOST_LEVELS) else { return Ok(()) };
    for entry in fs::read_dir(path).into_iter().flatten().filter_map(Result::ok) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with('.') && !IGNORED.contains(&name.as_ref()) {
            look_into(&entry.path(), deeper, seen)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// What a change of the folder is called; nothing where it is none.
    #[track_caller]
    fn check(change: impl Fn(&Path), expected: Option<&str>) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("src")).unwrap();
        fs::create_dir_all(folder.path().join("target/debug")).unwrap();
        fs::write(folder.path().join("src/lib.rs"), "one").unwrap();
        let mut watch = Watch::new(vec![folder.path().to_owned()]).unwrap();
        change(folder.path());
        let looks = Cell::new(0);
        let named = watch.next(|| looks.replace(looks.get() + 1) > 1).unwrap();
        assert_eq!(named.as_deref(), expected);
    }

    #[test]
    fn changes_are_seen_and_named() {
        check(|folder| fs::write(folder.join("src/lib.rs"), "longer").unwrap(), Some("src/lib.rs"));
        check(|folder| fs::write(folder.join("new.yaml"), "").unwrap(), Some("new.yaml"));
        check(|folder| fs::remove_file(folder.join("src/lib.rs")).unwrap(), Some("src/lib.rs"));
        let many = |folder: &Path| (0..5).for_each(|name| fs::write(folder.join(format!("{name}.go")), "").unwrap());
        check(many, Some("0.go, 1.go, 2.go, 2 more"));
        check(|_| {}, None);
    }

    #[test]
    fn what_a_build_leaves_is_no_change() {
        for name in ["target/debug/plugin", "plugin.wasm", ".git", "native"] {
            check(|folder| fs::write(folder.join(name), "made").unwrap(), None);
        }
        check(|folder| std::os::unix::fs::symlink(folder, folder.join(".hidden")).unwrap(), None);
    }

    #[test]
    fn too_many_files_are_refused_and_circles_end() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("circle")).unwrap();
        assert!(Watch::new(vec![folder.path().to_owned()]).is_ok());
        for name in 0..=MOST_FILES {
            fs::write(folder.path().join(name.to_string()), "").unwrap();
        }
        let error = Watch::new(vec![folder.path().to_owned()]).unwrap_err();
        assert!(error.message().contains("more than 10000 files"), "{error}");
    }
}
