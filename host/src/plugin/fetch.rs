//! A [`PluginRef`] to the bytes that it stands for, with their digest. Nothing is judged here.

use std::fs;
use std::io;
use std::path::Path;

use super::contents::{Contents, utf8_plugin_yaml};
use super::fetched::Fetched;
use crate::digest::Digest;
use crate::dirs;
use crate::error::Error;
use crate::input;
use crate::limits::table::{MAX_ARCHIVE, MAX_DOCUMENT, MAX_PROVENANCE_BYTES, MAX_WASM};
use crate::plugin::opening::FetchOptions;
use crate::plugin::pull;
use crate::source::{self, PluginRef};
use crate::trust::evidence::{Came, Package};

/// Reads the plugin that `reference` names, from the disk or, as `remote` says, from afar.
///
/// # Errors
/// It does not exist, is not one of the forms of a plugin, lacks its plugin.wasm, or is too large (exit 2); those of
/// [`pull::fetch_shipped`].
pub fn fetch(reference: &PluginRef, remote: &FetchOptions) -> Result<Fetched, Error> {
    match reference {
        PluginRef::Path(path) => fetch_path(reference, path),
        PluginRef::Installed(name) => fetch_installed(reference, name),
        PluginRef::Oci(_) | PluginRef::Attached(_) | PluginRef::Layout { .. } => pull::fetch_shipped(reference, remote),
    }
}

fn fetch_path(reference: &PluginRef, path: &Path) -> Result<Fetched, Error> {
    let metadata = fs::metadata(path).map_err(|error| cannot_read(path, &error))?;
    if metadata.is_dir() {
        return fetch_folder(reference, path);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.ends_with(".tgz") || name.ends_with(".tar.gz") {
        let archive = read(path, MAX_ARCHIVE)?;
        let contents = Contents::of_archive(&archive, &format!("the archive `{}`", path.display()))?;
        let Contents { plugin_yaml, wasm } = contents;
        let provenance = provenance_beside(path)?;
        let package = Package { archive_name: name.into_owned(), archive: Digest::of(&archive), provenance };
        return Ok(Fetched::new(reference.clone(), None, plugin_yaml, wasm, Came::Archive(package)));
    }
    let wasm = read(path, MAX_WASM)?;
    Ok(Fetched::new(reference.clone(), None, None, wasm, Came::Loose))
}

/// The provenance of an archive: the file of the same name with `.prov` behind it, as Helm looks for it.
fn provenance_beside(archive: &Path) -> Result<Option<String>, Error> {
    let mut path = archive.as_os_str().to_owned();
    path.push(".prov");
    let path = Path::new(&path);
    match input::read(path, MAX_PROVENANCE_BYTES) {
        // Not UTF-8 is no signature, and said by whoever checks it.
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot_read(path, &error)),
    }
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
        let bytes = read(&yaml_path, MAX_DOCUMENT)?;
        Some(utf8_plugin_yaml(bytes, &yaml_path.display().to_string())?)
    } else {
        None
    };
    let wasm = read(&wasm_path, MAX_WASM)?;
    Ok(Fetched::new(reference.clone(), Some(folder.to_path_buf()), plugin_yaml, wasm, Came::Loose))
}

fn fetch_installed(reference: &PluginRef, name: &str) -> Result<Fetched, Error> {
    let installed = dirs::plugins().map(|plugins| plugins.join(name));
    if let Ok(folder) = &installed
        && folder.is_dir()
    {
        return fetch_folder(reference, folder);
    }
    if let Some(folder) = dirs::bundled(name) {
        return fetch_folder(reference, &folder);
    }
    let path = Path::new(name);
    if path.exists() {
        return fetch_path(reference, path);
    }
    let known = dirs::known_names();
    let error = Error::usage(format!("there is no plugin `{name}`"));
    Err(match windlass_abi::config::nearest(name, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean the plugin `{near}`?")),
        None if dirs::bundled_names().is_empty() => error.hint(source::FORMS).hint(STANDS_ALONE),
        None => error.hint(source::FORMS),
    })
}

/// For a program by itself, as `cargo install` makes it.
const STANDS_ALONE: &str = "no plugins came with this program: release archives, the image and `cargo xtask install` have \
                            Windlass' own beside it; `windlass install PLUGIN` takes one from a registry or a folder";

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    input::read(path, limit).map_err(|error| cannot_read(path, &error))
}

fn cannot_read(path: &Path, error: &io::Error) -> Error {
    let shown = path.display();
    if error.kind() == io::ErrorKind::NotFound {
        Error::usage(format!("there is no plugin at `{shown}`")).hint(source::FORMS)
    } else {
        Error::usage(format!("cannot read `{shown}`: {error}"))
    }
}
