//! Content on disk by its digest: what was fetched from registries, and layouts that were carried here.
//!
//! Nothing is believed because of where it lies: bytes are hashed each time they are read, and a file that does not
//! match its name counts as missing. So does one that cannot be read; what cannot be written is fetched again another
//! time.

use std::path::{Path, PathBuf};

use super::layout::Layout;
use crate::digest::Digest;
use crate::dirs;
use crate::error::Error;
use crate::store::PrivateFolder;

/// The folder inside the cache folder.
pub(crate) const FOLDER: &str = "oci";

/// Where fetched content is kept, and where else it may already be.
#[derive(Clone, Debug, Default)]
pub struct Blobs {
    folder: Option<PathBuf>,
    layouts: Vec<PathBuf>,
}

impl Blobs {
    /// The user's store, with layouts to look into before a registry is asked.
    ///
    /// # Errors
    /// When there is no home directory, or the store cannot be made (exit 2): then [`Blobs::none`] does all the same.
    pub fn of_user(layouts: Vec<PathBuf>) -> Result<Self, Error> {
        let folder = dirs::cache()?.join(FOLDER);
        PrivateFolder::open_or_create(&folder)?;
        Ok(Self { folder: Some(folder), layouts })
    }

    /// Keeps nothing (`--no-cache`).
    #[must_use]
    pub fn none(layouts: Vec<PathBuf>) -> Self {
        Self { folder: None, layouts }
    }

    /// The layouts that are looked into before a registry is asked.
    pub(crate) fn layouts(&self) -> &[PathBuf] {
        &self.layouts
    }

    /// The content with this digest, if it is here and unharmed.
    pub(crate) fn get(&self, digest: &Digest, limit: u64) -> Option<Vec<u8>> {
        let stored = self.read(&digest.hex(), limit).filter(|bytes| digest.check(bytes).is_ok());
        stored.or_else(|| self.layouts.iter().find_map(|layout| Layout::at(layout).blob(digest, limit).ok()))
    }

    /// Keeps content under its digest. Processes that keep the same content at once all succeed, and one file remains.
    pub(crate) fn put(&self, bytes: &[u8]) {
        self.write(&Digest::of(bytes).hex(), bytes);
    }

    /// What was kept about `digest` under another name; not covered by the digest, so never to be believed unchecked.
    pub(crate) fn get_beside(&self, digest: &Digest, suffix: &str, limit: u64) -> Option<Vec<u8>> {
        self.read(&format!("{}.{suffix}", digest.hex()), limit)
    }

    /// Keeps something about `digest`.
    pub(crate) fn put_beside(&self, digest: &Digest, suffix: &str, bytes: &[u8]) {
        self.write(&format!("{}.{suffix}", digest.hex()), bytes);
    }

    fn read(&self, name: &str, limit: u64) -> Option<Vec<u8>> {
        let folder = PrivateFolder::open(self.folder.as_deref()?).ok().flatten()?;
        folder.read(name, limit).ok().flatten()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        if let Some(folder) = &self.folder {
            // A full disk or a folder that is read only costs the next run a download and this one nothing.
            let _ = PrivateFolder::open_or_create(folder).and_then(|folder| folder.write(name, &[bytes]));
        }
    }

    /// The folder of the store, for those who count or clean it.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }
}
