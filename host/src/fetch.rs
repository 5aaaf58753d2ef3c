//! Stage one: a [`PluginRef`] to the bytes that it stands for, with their digest. Nothing is judged here.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::dirs;
use crate::error::Error;
use crate::source::{self, PluginRef};

/// The most bytes of a plugin's wasm: seven times the largest guest we know, JavaScript in goja (19 MB).
const MAX_WASM_BYTES: u64 = 128 << 20;
/// The most bytes of a plugin.yaml.
const MAX_PLUGIN_YAML_BYTES: u64 = 1 << 20;
/// The most entries that are looked at in an archive.
const MAX_ARCHIVE_ENTRIES: usize = 4096;
/// The most bytes that unpacking an archive may give, wanted or not.
const MAX_ARCHIVE_BYTES: u64 = 256 << 20;

/// A SHA-256 digest; prints as `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 64 hexadecimal digits alone.
    pub fn hex(&self) -> String {
        use fmt::Write as _;
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl std::str::FromStr for Digest {
    type Err = Error;

    /// # Errors
    ///
    /// Not `sha256:` and 64 lower-case hexadecimal digits (exit 2).
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::usage("a digest is `sha256:` and 64 lower-case hexadecimal digits");
        let hex = text.strip_prefix("sha256:").filter(|hex| hex.len() == 64).ok_or_else(wrong)?;
        let mut digest = [0_u8; 32];
        for (byte, pair) in digest.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            let digit = |character: &u8| match character {
                b'0'..=b'9' => Some(character - b'0'),
                b'a'..=b'f' => Some(character - b'a' + 10),
                _ => None,
            };
            *byte = match pair {
                [high, low] => digit(high).zip(digit(low)).map(|(high, low)| high << 4 | low).ok_or_else(wrong)?,
                _ => return Err(wrong()),
            };
        }
        Ok(Self(digest))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

/// A plugin's bytes as they came, not yet trusted and not yet checked in any way.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Where it came from.
    pub(crate) reference: PluginRef,
    /// The folder it was read from, where it was one.
    pub(crate) folder: Option<PathBuf>,
    /// The text of its plugin.yaml, where it has one.
    pub(crate) plugin_yaml: Option<String>,
    /// The bytes of plugin.wasm.
    pub(crate) wasm: Vec<u8>,
    /// The digest of `wasm`.
    pub(crate) digest: Digest,
}

impl Fetched {
    /// Puts a plugin together whose parts were read elsewhere (a registry, a layout).
    pub(crate) fn new(
        reference: PluginRef,
        folder: Option<PathBuf>,
        plugin_yaml: Option<String>,
        wasm: Vec<u8>,
    ) -> Self {
        let digest = Digest::of(&wasm);
        Self { reference, folder, plugin_yaml, wasm, digest }
    }

    /// The digest of the wasm.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// Reads the plugin that `reference` names from the disk.
///
/// # Errors
///
/// It does not exist, is not one of the forms of a plugin, lacks its plugin.wasm, or is too large (exit 2).
pub fn fetch(reference: &PluginRef) -> Result<Fetched, Error> {
    match reference {
        PluginRef::Path(path) => fetch_path(reference, path),
        PluginRef::Installed(name) => fetch_installed(reference, name),
        PluginRef::Oci(_) | PluginRef::Layout { .. } => {
            Err(Error::network(format!("`{reference}` is not on this machine"))
                .hint("fetch it with `windlass pull` first"))
        }
    }
}

fn fetch_path(reference: &PluginRef, path: &Path) -> Result<Fetched, Error> {
    let metadata = fs::metadata(path).map_err(|error| cannot_read(path, &error))?;
    if metadata.is_dir() {
        return fetch_folder(reference, path);
    }
    if !metadata.is_file() {
        return Err(Error::usage(format!("`{}` is neither a file nor a folder", path.display())).hint(source::FORMS));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.ends_with(".tgz") || name.ends_with(".tar.gz") {
        let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
        let (plugin_yaml, wasm) = read_archive(io::BufReader::new(file), &path.display().to_string())?;
        return Ok(Fetched::new(reference.clone(), None, plugin_yaml, wasm));
    }
    let wasm = read_limited(path, MAX_WASM_BYTES)?;
    Ok(Fetched::new(reference.clone(), None, None, wasm))
}

fn fetch_folder(reference: &PluginRef, folder: &Path) -> Result<Fetched, Error> {
    let wasm_path = folder.join("plugin.wasm");
    if !wasm_path.exists() {
        let error = Error::usage(format!("the folder `{}` has no plugin.wasm", folder.display()));
        return Err(if folder.join("Cargo.toml").exists() {
            error.hint("this looks like a plugin's source: build it with `windlass build`")
        } else {
            error.hint(source::FORMS)
        });
    }
    let yaml_path = folder.join("plugin.yaml");
    let plugin_yaml = if yaml_path.exists() {
        let bytes = read_limited(&yaml_path, MAX_PLUGIN_YAML_BYTES)?;
        Some(utf8_plugin_yaml(bytes, &yaml_path.display().to_string())?)
    } else {
        None
    };
    let wasm = read_limited(&wasm_path, MAX_WASM_BYTES)?;
    Ok(Fetched::new(reference.clone(), Some(folder.to_path_buf()), plugin_yaml, wasm))
}

fn fetch_installed(reference: &PluginRef, name: &str) -> Result<Fetched, Error> {
    let installed = dirs::plugins().map(|plugins| plugins.join(name));
    if let Ok(folder) = &installed
        && folder.is_dir()
    {
        return fetch_folder(reference, folder);
    }
    let path = Path::new(name);
    if path.exists() {
        return fetch_path(reference, path);
    }
    let known = installed_names();
    let error = Error::usage(format!("there is no plugin `{name}`"));
    Err(match crate::error::nearest(name, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean the installed plugin `{near}`?")),
        None => error.hint(source::FORMS),
    })
}

/// The names of the installed plugins, sorted; none where there is no such folder.
pub fn installed_names() -> Vec<String> {
    let Ok(entries) = dirs::plugins().map_err(io::Error::other).and_then(fs::read_dir) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("plugin.wasm").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// Reads plugin.yaml (the first entry of that name, as Helm does) and the plugin.wasm beside it from a `.tgz`.
pub(crate) fn read_archive(archive: impl Read, shown: &str) -> Result<(Option<String>, Vec<u8>), Error> {
    let broken = |error: io::Error| {
        Error::usage(format!("`{shown}` is not a plugin archive: {error}")).hint("make one with `windlass package`")
    };
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive).take(MAX_ARCHIVE_BYTES));
    let mut plugin_yaml = None;
    let mut wasm = None;
    for (count, entry) in archive.entries().map_err(broken)?.enumerate() {
        let mut entry = entry.map_err(broken)?;
        if count >= MAX_ARCHIVE_ENTRIES {
            return Err(Error::usage(format!("the archive `{shown}` has more than {MAX_ARCHIVE_ENTRIES} entries")));
        }
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().map_err(broken)?.into_owned();
        match path.file_name().and_then(|name| name.to_str()) {
            Some("plugin.yaml") if plugin_yaml.is_none() => {
                let bytes = read_entry(&mut entry, MAX_PLUGIN_YAML_BYTES, &path, shown)?;
                plugin_yaml = Some(utf8_plugin_yaml(bytes, &path.display().to_string())?);
            }
            Some("plugin.wasm") if wasm.is_none() && path.components().count() <= 2 => {
                wasm = Some(read_entry(&mut entry, MAX_WASM_BYTES, &path, shown)?);
            }
            _ => {}
        }
        if plugin_yaml.is_some() && wasm.is_some() {
            break;
        }
    }
    match wasm {
        Some(wasm) => Ok((plugin_yaml, wasm)),
        None => {
            Err(Error::usage(format!("the archive `{shown}` has no plugin.wasm"))
                .hint("make one with `windlass package`"))
        }
    }
}

fn read_entry(entry: &mut impl Read, limit: u64, path: &Path, shown: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    entry
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::usage(format!("cannot read `{}` of the archive `{shown}`: {error}", path.display())))?;
    if bytes.len() as u64 > limit {
        return Err(too_large(path, limit));
    }
    Ok(bytes)
}

fn utf8_plugin_yaml(bytes: Vec<u8>, shown: &str) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| Error::usage(format!("`{shown}` is not UTF-8")))
}

fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
    let length = file.metadata().map_err(|error| cannot_read(path, &error))?.len();
    if length > limit {
        return Err(too_large(path, limit));
    }
    // The length is a hint for the allocation only: the file may change while it is read.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| cannot_read(path, &error))?;
    if bytes.len() as u64 > limit {
        return Err(too_large(path, limit));
    }
    Ok(bytes)
}

fn too_large(path: &Path, limit: u64) -> Error {
    Error::usage(format!("`{}` is larger than {} MiB", path.display(), limit >> 20))
}

fn cannot_read(path: &Path, error: &io::Error) -> Error {
    let shown = path.display();
    if error.kind() == io::ErrorKind::NotFound {
        Error::usage(format!("there is no plugin at `{shown}`")).hint(source::FORMS)
    } else {
        Error::usage(format!("cannot read `{shown}`: {error}"))
    }
}
