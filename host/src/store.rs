//! Private folders on disk: only this user can look into them, files appear whole or not at all, and two processes that
//! write the same file at the same time both succeed.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::error::Error;
use crate::pages::Pages;

/// A folder with mode 0700 that belongs to this user and is not a symbolic link.
#[derive(Debug, Clone)]
pub struct PrivateFolder {
    path: PathBuf,
}

impl PrivateFolder {
    /// Opens `path`, and makes it (and the folders above it) when it is missing.
    ///
    /// # Errors
    /// It cannot be made, is no folder, belongs to someone else, or others may write to it (exit 2).
    pub fn open_or_create(path: &Path) -> Result<Self, Error> {
        match Self::open(path)? {
            Some(folder) => Ok(folder),
            None => {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(path)
                    .map_err(|error| unusable(path, &format!("cannot be made: {error}")))?;
                Self::open(path)?.ok_or_else(|| unusable(path, "vanished while it was being made"))
            }
        }
    }

    /// Opens `path`; none if it does not exist.
    ///
    /// # Errors
    /// It is no folder, belongs to someone else, or others may write to it (exit 2).
    pub fn open(path: &Path) -> Result<Option<Self>, Error> {
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(path, &error.to_string())),
        };
        if !metadata.is_dir() {
            return Err(unusable(path, "is not a folder (a symbolic link does not count)"));
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(unusable(path, "belongs to another user"));
        }
        if metadata.mode() & 0o022 != 0 {
            return Err(unusable(path, "can be written by other users"));
        }
        Ok(Some(Self { path: path.to_path_buf() }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of the file `name`; none if there is no such file. A file that belongs to someone else, that others
    /// may write, that is a link or larger than `limit` counts as none: whoever asks makes it anew.
    ///
    /// # Errors
    /// The file is there and cannot be read (exit 2).
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let path = self.path.join(name);
        let Some((file, length)) = open_own(&path, limit)? else { return Ok(None) };
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
        file.take(limit)
            .read_to_end(&mut bytes)
            .map_err(|error| unusable(&path, &format!("cannot be read: {error}")))?;
        Ok(Some(bytes))
    }

    /// [`PrivateFolder::read`] into pages of their own, which is faster where there are many bytes, and where code is
    /// run.
    ///
    /// # Errors
    /// As [`PrivateFolder::read`].
    pub(crate) fn read_pages(&self, name: &str, limit: u64) -> Result<Option<Pages>, Error> {
        let path = self.path.join(name);
        let Some((mut file, length)) = open_own(&path, limit)? else { return Ok(None) };
        let pages = Pages::read(&mut file, usize::try_from(length).unwrap_or(0));
        pages.map(Some).map_err(|error| unusable(&path, &format!("cannot be read: {error}")))
    }

    /// Writes the file `name` (mode 0600) in one step: readers see the old one or the new one, never a part.
    ///
    /// # Errors
    /// The disk is full or the folder not writable (exit 2).
    pub fn write(&self, name: &str, parts: &[&[u8]]) -> Result<(), Error> {
        self.write_temporary(name, parts, |temporary, target| fs::rename(temporary, target))
    }

    /// Like [`PrivateFolder::write`], but leaves a file alone that is already there. False if there was one.
    ///
    /// # Errors
    /// The disk is full or the folder not writable (exit 2).
    pub fn write_if_missing(&self, name: &str, parts: &[&[u8]]) -> Result<bool, Error> {
        let mut written = true;
        self.write_temporary(name, parts, |temporary, target| match fs::hard_link(temporary, target) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                written = false;
                fs::remove_file(temporary)
            }
            Ok(()) => fs::remove_file(temporary),
            Err(error) => Err(error),
        })?;
        Ok(written)
    }

    fn write_temporary(
        &self,
        name: &str,
        parts: &[&[u8]],
        publish: impl FnOnce(&Path, &Path) -> io::Result<()>,
    ) -> Result<(), Error> {
        let target = self.path.join(name);
        // Process and counter make the name unique among the living; what a killed process left over is replaced.
        static COUNTER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let count = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let temporary = self.path.join(format!(".{name}.{}.{count}.tmp", std::process::id()));
        let write = || -> io::Result<()> {
            let _ = fs::remove_file(&temporary);
            let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
            parts.iter().try_for_each(|part| file.write_all(part))?;
            drop(file);
            publish(&temporary, &target)
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&temporary);
            unusable(&target, &format!("cannot be written: {error}"))
        })
    }

    /// Removes the file `name`, which need not exist.
    pub fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.path.join(name));
    }
}

/// Opens a file of this user's alone, with its length; see [`PrivateFolder::read`].
fn open_own(path: &Path, limit: u64) -> Result<Option<(File, u64)>, Error> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits() as i32;
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => return Ok(None),
        Err(error) => return Err(unusable(path, &format!("cannot be read: {error}"))),
    };
    let metadata = file.metadata().map_err(|error| unusable(path, &error.to_string()))?;
    let is_ours = metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0;
    let is_usable = metadata.is_file() && is_ours && metadata.len() <= limit;
    Ok(is_usable.then_some((file, metadata.len())))
}

fn unusable(path: &Path, why: &str) -> Error {
    Error::usage(format!("`{}` {why}", path.display()))
        .hint("set `WINDLASS_CACHE_DIR` to a folder of your own, or run with `--no-cache`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn what_was_written_is_read_and_nobody_else_may() {
        let place = tempfile::tempdir().unwrap();
        let folder = PrivateFolder::open_or_create(&place.path().join("a/b")).unwrap();
        folder.write("x", &[b"one", b"two"]).unwrap();
        assert_eq!(folder.read("x", 100).unwrap().as_deref(), Some(&b"onetwo"[..]));
        assert_eq!(folder.read("x", 5).unwrap(), None, "larger than the limit");
        assert_eq!(folder.read("missing", 100).unwrap(), None);
        assert!(!folder.write_if_missing("x", &[b"other"]).unwrap());
        assert!(folder.write_if_missing("y", &[b"new"]).unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(folder.path()), mode(&folder.path().join("x"))), (0o700, 0o600));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no temporary file is left");
    }

    #[test]
    fn links_and_files_of_others_count_as_missing() {
        let place = tempfile::tempdir().unwrap();
        let folder = PrivateFolder::open_or_create(&place.path().join("own")).unwrap();
        fs::write(place.path().join("bait"), "bait").unwrap();
        symlink(place.path().join("bait"), folder.path().join("link")).unwrap();
        assert_eq!(folder.read("link", 100).unwrap(), None);
        folder.write("open", &[b"x"]).unwrap();
        fs::set_permissions(folder.path().join("open"), fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(folder.read("open", 100).unwrap(), None);
    }

    #[test]
    fn a_folder_that_others_can_change_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let open = place.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(PrivateFolder::open_or_create(&open).unwrap_err().to_string().contains("written by other users"));
        symlink(&open, place.path().join("link")).unwrap();
        assert!(PrivateFolder::open_or_create(&place.path().join("link")).is_err());
        fs::write(place.path().join("file"), "").unwrap();
        assert!(PrivateFolder::open_or_create(&place.path().join("file")).is_err());
    }
}
