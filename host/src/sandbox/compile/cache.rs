//! Compiled code on disk: a private folder of files named by the hash of the wasm and the engine's fingerprint.
//!
//! Loading machine code is running it, so each entry carries a keyed BLAKE3 hash under a key that only this user can
//! read and that lies outside the cache: a cache that was restored from elsewhere (as build servers do), planted or
//! damaged is never run, only made anew. What is authenticated is a copy in memory of this process alone, and that very
//! copy is run: whatever becomes of the file afterwards changes nothing.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use wasmtime::Engine;

use super::{TrustedCode, engine};
use crate::error::Error;
use crate::store::PrivateFolder;

/// The folder inside the cache folder.
pub(crate) const FOLDER: &str = "code";
const KEY_FILE: &str = "cache.key";
const KEY_BYTES: usize = 32;
const MAC_BYTES: usize = 32;
/// The most bytes of an entry; the largest guest we know (19 MB of wasm) compiles to a third of this.
const MAX_ENTRY_BYTES: u64 = 1 << 30;

/// Where ahead-of-time compiled code is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeCache {
    /// Compile each time and keep nothing (`--no-cache`).
    Off,
    /// In a private folder. Where it cannot be used, plugins are compiled anew and [`crate::event::Event::Uncached`]
    /// says why.
    On {
        /// The cache folder; made with mode 0700 when it is missing.
        folder: PathBuf,
        /// The state folder, which holds the key that authenticates the entries.
        state: PathBuf,
    },
    /// There should be one, and there is no place for it: as [`CodeCache::Off`], and [`crate::event::Event::Uncached`]
    /// says why.
    Nowhere {
        /// Why there is none.
        why: String,
    },
}

impl CodeCache {
    /// The cache of the current user, as [`crate::dirs`] finds it.
    pub fn default_place() -> Self {
        match (crate::dirs::cache(), crate::dirs::state()) {
            (Ok(folder), Ok(state)) => Self::On { folder, state },
            (Err(error), _) | (_, Err(error)) => Self::Nowhere { why: error.to_string() },
        }
    }
}

/// Which module an entry is of: the BLAKE3 hash of its bytes, which nobody sees, and which takes a third of the time of
/// the SHA-256 digest that locks and signatures name it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ModuleId(blake3::Hash);

impl ModuleId {
    pub(crate) fn of(wasm: &[u8]) -> Self {
        Self(blake3::hash(wasm))
    }
}

/// The open cache.
pub(crate) struct Cache {
    folder: PrivateFolder,
    key: [u8; KEY_BYTES],
    fingerprint: u64,
}

impl Cache {
    /// Opens the cache below `cache` with the key from `state`, and makes what is missing.
    ///
    /// # Errors
    /// A folder cannot be made or is not private (exit 2).
    pub(crate) fn open(cache: &Path, state: &Path, engine: &Engine) -> Result<Self, Error> {
        let folder = PrivateFolder::open_or_create(&cache.join(FOLDER))?;
        let key = load_or_make_key(&PrivateFolder::open_or_create(state)?)?;
        Ok(Self { folder, key, fingerprint: engine::fingerprint(engine) })
    }

    /// The code of this module; none if there is no entry or it is not ours.
    ///
    /// # Errors
    /// The entry is there and cannot be read (exit 2).
    pub(super) fn load(&self, module: ModuleId) -> Result<Option<TrustedCode>, Error> {
        let name = self.entry_name(module);
        let Some(entry) = self.folder.read_pages(&name, MAX_ENTRY_BYTES)? else { return Ok(None) };
        // The MAC stands at the end, so that taking it off moves nothing.
        let Some(length) = entry.len().checked_sub(MAC_BYTES) else { return Ok(None) };
        let (code, tag) = entry.split_at(length);
        // The comparison of two hashes takes the same time wherever they differ.
        let is_ours = <[u8; MAC_BYTES]>::try_from(tag).is_ok_and(|tag| self.mac(&name, code) == tag);
        if !is_ours {
            return Ok(None);
        }
        Ok(Some(TrustedCode::in_pages(entry, length)))
    }

    /// Keeps `code`.
    ///
    /// # Errors
    /// The disk is full or the folder not writable (exit 2).
    pub(super) fn store(&self, module: ModuleId, code: &[u8]) -> Result<(), Error> {
        let name = self.entry_name(module);
        self.folder.write(&name, &[code, self.mac(&name, code).as_bytes()])
    }

    /// The name is part of what is authenticated: an entry cannot be passed off as another module's.
    fn mac(&self, name: &str, code: &[u8]) -> blake3::Hash {
        // A name's length never varies, so that it cannot be mistaken for code.
        let mut mac = blake3::Hasher::new_keyed(&self.key);
        mac.update(name.as_bytes()).update(code);
        mac.finalize()
    }

    fn entry_name(&self, ModuleId(hash): ModuleId) -> String {
        format!("{}-{:016x}", hash.to_hex(), self.fingerprint)
    }
}

#[allow(clippy::disallowed_methods, reason = "the kernel's device neither waits nor ends, and only so much is read")]
fn random() -> io::Result<[u8; KEY_BYTES]> {
    let mut bytes = [0; KEY_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn load_or_make_key(state: &PrivateFolder) -> Result<[u8; KEY_BYTES], Error> {
    let read = || -> Result<Option<[u8; KEY_BYTES]>, Error> {
        Ok(state.read(KEY_FILE, KEY_BYTES as u64 + 1)?.and_then(|bytes| bytes.try_into().ok()))
    };
    if let Some(key) = read()? {
        return Ok(key);
    }
    let key = random().map_err(|error| {
        Error::usage(format!("there is no randomness for the cache's key: {error}")).hint("run with `--no-cache`")
    })?;
    if state.write_if_missing(KEY_FILE, &[&key])? {
        return Ok(key);
    }
    // Another process was faster, or what lies there is unusable: then it is replaced, and old entries are made anew.
    match read()? {
        Some(key) => Ok(key),
        None => state.write(KEY_FILE, &[&key]).map(|()| key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::interruption::Interruption;
    use std::fs;

    fn cache(place: &Path) -> Cache {
        let engine = engine::runtime(Interruption::ByEpoch).unwrap();
        Cache::open(&place.join("cache"), &place.join("state"), &engine).unwrap()
    }

    fn load(cache: &Cache, module: ModuleId) -> Option<Vec<u8>> {
        cache.load(module).unwrap().map(|code| code.bytes().to_vec())
    }

    #[test]
    fn entries_come_back_and_survive_reopening() {
        let place = tempfile::tempdir().unwrap();
        let digest = ModuleId::of(b"module");
        assert_eq!(load(&cache(place.path()), digest), None);
        cache(place.path()).store(digest, b"code").unwrap();
        assert_eq!(load(&cache(place.path()), digest).as_deref(), Some(&b"code"[..]));
    }

    #[test]
    fn forged_damaged_swapped_and_foreign_entries_are_not_ours() {
        let place = tempfile::tempdir().unwrap();
        let own = cache(place.path());
        let (one, two) = (ModuleId::of(b"one"), ModuleId::of(b"two"));
        own.store(one, b"code one").unwrap();
        let path = |digest| place.path().join("cache").join(FOLDER).join(own.entry_name(digest));
        let good = fs::read(path(one)).unwrap();

        fs::write(path(two), &good).unwrap();
        assert_eq!(load(&own, two), None, "another module's entry");
        for damaged in [&good[..good.len() - 1], &good[1..], b"", &[0; 40], &[good.as_slice(), b"x"].concat()] {
            fs::write(path(one), damaged).unwrap();
            assert_eq!(load(&own, one), None, "{} bytes", damaged.len());
        }
        fs::write(path(one), &good).unwrap();
        assert!(load(&own, one).is_some());
        fs::remove_file(place.path().join("state").join(KEY_FILE)).unwrap();
        assert_eq!(load(&cache(place.path()), one), None, "made under another key");
    }

    #[test]
    fn an_unusable_key_is_replaced() {
        let place = tempfile::tempdir().unwrap();
        cache(place.path());
        let key = place.path().join("state").join(KEY_FILE);
        fs::write(&key, "short").unwrap();
        let own = cache(place.path());
        own.store(ModuleId::of(b"x"), b"code").unwrap();
        assert_eq!(fs::read(&key).unwrap().len(), KEY_BYTES);
        assert!(load(&cache(place.path()), ModuleId::of(b"x")).is_some());
    }
}
