//! What is run of a plugin, taken out of its archive: the one reader of archives that come from a disk, a registry or a
//! layout.

use crate::error::Error;
use crate::helm::archive::{ArchiveLimits, PLUGIN_YAML, PluginArchive};

/// The files of a plugin that Windlass looks at.
pub(crate) struct Contents {
    /// The text of plugin.yaml, where there is one.
    pub(crate) plugin_yaml: Option<String>,
    /// The bytes of plugin.wasm.
    pub(crate) wasm: Vec<u8>,
}

impl Contents {
    /// Reads an archive, which messages call `shown`.
    ///
    /// # Errors
    /// It breaks a rule (exit 3), is no archive, or not a plugin's that is WebAssembly (exit 2).
    pub(crate) fn of_archive(archive: &[u8], shown: &str) -> Result<Self, Error> {
        let mut archive = PluginArchive::read(archive, ArchiveLimits::DEFAULT)
            .map_err(|error| error.hint(format!("{shown} should be an archive that `windlass package` made")))?;
        let plugin_yaml = archive
            .take(PLUGIN_YAML)
            .map(|bytes| utf8_plugin_yaml(bytes, &format!("plugin.yaml of {shown}")))
            .transpose()?;
        let wasm = archive.take("plugin.wasm").ok_or_else(|| {
            Error::usage(format!("{shown} has no plugin.wasm: it is a plugin for Helm that is not WebAssembly"))
        })?;
        Ok(Self { plugin_yaml, wasm })
    }
}

/// The text of a plugin.yaml.
///
/// # Errors
/// It is not UTF-8 (exit 2).
pub(crate) fn utf8_plugin_yaml(bytes: Vec<u8>, shown: &str) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| Error::usage(format!("`{shown}` is not UTF-8")))
}
