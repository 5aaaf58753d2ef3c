//! The user's installed plugins: one folder each, with plugin.yaml and plugin.wasm, in the data folder.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use windlass_abi::config::nearest;

use super::identity::{Identity, identify};
use crate::dirs::{self, installed_names};
use crate::error::Error;
use crate::helm::plugin_yaml;
use crate::input;
use crate::limits::table::{MAX_DOCUMENT, MAX_WASM};
use crate::plugin::verify::Verified;

/// Installs a plugin under its own name and returns its folder. One that is already there with the same bytes stays.
///
/// # Errors
/// No home directory, a folder that cannot be written, or another version is installed and `replace` is not set.
pub fn install(plugin: &Verified, replace: bool) -> Result<(Identity, PathBuf), Error> {
    let identity = identify(plugin)?;
    if !plugin_yaml::is_name(&identity.name) {
        return Err(Error::usage(format!("`{}` cannot be the name of an installed plugin", identity.name))
            .hint("names hold letters, digits, `-` and `_`; rename the file or give the plugin a plugin.yaml"));
    }
    let parent = dirs::plugins()?;
    let target = parent.join(&identity.name);
    let text = match plugin.plugin_yaml() {
        Some(text) => text.to_owned(),
        None => plugin_yaml::for_subprocess(&identity.name, &identity.version),
    };
    if target.exists() {
        let same = input::read(&target.join("plugin.wasm"), MAX_WASM).is_ok_and(|bytes| bytes == plugin.wasm())
            && input::read_text(&target.join("plugin.yaml"), MAX_DOCUMENT).is_ok_and(|there| there == text);
        if same {
            return Ok((identity, target));
        }
        if !replace {
            return Err(Error::usage(format!("another `{}` is already installed", identity.name))
                .hint("add `--force` to replace it"));
        }
    }
    let unwritable = |error: std::io::Error| Error::usage(format!("{} cannot be written: {error}", parent.display()));
    DirBuilder::new().recursive(true).mode(0o755).create(&parent).map_err(unwritable)?;
    // Made beside and renamed, so that no run ever meets half a plugin.
    let beside = tempfile::Builder::new().prefix(".installing-").tempdir_in(&parent).map_err(unwritable)?;
    let new = beside.path().join("new");
    fs::create_dir(&new).map_err(unwritable)?;
    fs::write(new.join("plugin.wasm"), plugin.wasm()).map_err(unwritable)?;
    fs::write(new.join("plugin.yaml"), &text).map_err(unwritable)?;
    if target.exists() {
        fs::rename(&target, beside.path().join("old")).map_err(unwritable)?;
    }
    fs::rename(&new, &target).map_err(unwritable)?;
    Ok((identity, target))
}

/// Removes an installed plugin and returns the folder that is gone.
///
/// # Errors
/// There is none of that name, or it cannot be removed.
pub fn uninstall(name: &str) -> Result<PathBuf, Error> {
    let folder = folder_of(name)?;
    fs::remove_dir_all(&folder)
        .map_err(|error| Error::usage(format!("{} cannot be removed: {error}", folder.display())))?;
    Ok(folder)
}

fn folder_of(name: &str) -> Result<PathBuf, Error> {
    let folder = dirs::plugins()?.join(name);
    // The name is checked first: `..` is no plugin.
    if plugin_yaml::is_name(name) && is_plugin(&folder) {
        return Ok(folder);
    }
    let known = installed_names();
    let error = Error::usage(format!("no plugin `{name}` is installed"));
    Err(match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`windlass list` shows what is installed"),
    })
}

fn is_plugin(folder: &Path) -> bool {
    folder.join("plugin.wasm").is_file()
}
