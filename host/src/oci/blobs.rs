//! Content on disk by its digest: what was fetched from registries, and layouts that were carried here.
//!
//! Nothing is believed because of where it lies: bytes are hashed each time they are read, and a file that does not match its
//! name counts as missing.

use std::path::{Path, PathBuf};

use super::layout::Layout;
use crate::dirs;
use crate::error::Error;
use crate::fetch::Digest;
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
    /// When there is no home directory (exit 2).
    pub fn of_user(layouts: Vec<PathBuf>) -> Result<Self, Error> {
        Ok(Self { folder: Some(dirs::cache()?.join(FOLDER)), layouts })
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
    ///
    /// # Errors
    /// When the store cannot be read (exit 2).
    pub(crate) fn get(&self, digest: &Digest, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let stored = match self.open()? {
            Some(folder) => folder.read(&digest.hex(), limit)?,
            None => None,
        };
        if let Some(bytes) = stored.filter(|bytes| Digest::of(bytes) == *digest) {
            return Ok(Some(bytes));
        }
        Ok(self.layouts.iter().find_map(|layout| Layout::at(layout).blob(digest, limit).ok()))
    }

    /// Keeps content under its digest. Processes that keep the same content at once all succeed, and one file remains.
    ///
    /// # Errors
    /// When the store cannot be written (exit 2).
    pub(crate) fn put(&self, bytes: &[u8]) -> Result<(), Error> {
        self.write(&Digest::of(bytes).hex(), bytes)
    }

    /// What was kept about `digest` under another name; not covered by the digest, so never to be believed unchecked.
    pub(crate) fn get_beside(&self, digest: &Digest, suffix: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        match self.open()? {
            Some(folder) => folder.read(&format!("{}.{suffix}", digest.hex()), limit),
            None => Ok(None),
        }
    }

    /// Keeps something about `digest`.
    pub(crate) fn put_beside(&self, digest: &Digest, suffix: &str, bytes: &[u8]) -> Result<(), Error> {
        self.write(&format!("{}.{suffix}", digest.hex()), bytes)
    }

    fn open(&self) -> Result<Option<PrivateFolder>, Error> {
        self.folder.as_deref().map_or(Ok(None), PrivateFolder::open)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        match &self.folder {
            Some(folder) => PrivateFolder::open_or_create(folder)?.write(name, &[bytes]),
            None => Ok(()),
        }
    }

    /// The folder of the store, for those who count or clean it.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }
}
