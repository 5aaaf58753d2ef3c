//! Who a plugin says it is: its name, version and description, by its plugin.yaml and its module.

use super::verify::Verified;
use crate::error::Error;
use crate::helm::plugin_yaml::{self, PluginYaml};

/// What a plugin says about itself, from plugin.yaml where there is one, else from its module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name.
    pub name: String,
    /// Version; empty when nothing tells.
    pub version: String,
    /// One sentence; empty when the module carries none.
    pub description: String,
}

/// Reads a plugin's identity.
///
/// # Errors
/// plugin.yaml or the module's metadata break their rules (exit 2).
pub fn identify(plugin: &Verified) -> Result<Identity, Error> {
    let metadata = plugin.metadata()?;
    let description = metadata.map(|metadata| metadata.description.clone()).unwrap_or_default();
    if let Some(PluginYaml { name, version, .. }) = read_plugin_yaml(plugin)? {
        return Ok(Identity { name, version: version.to_string(), description });
    }
    Ok(match metadata {
        Some(metadata) => Identity { name: metadata.name.clone(), version: metadata.version.clone(), description },
        None => Identity { name: plugin.name(), version: String::new(), description },
    })
}

/// The plugin's plugin.yaml, where it has one.
///
/// # Errors
/// It breaks Helm's rules: with file, line and column (exit 2).
pub fn read_plugin_yaml(plugin: &Verified) -> Result<Option<PluginYaml>, Error> {
    let Some(text) = plugin.plugin_yaml() else { return Ok(None) };
    plugin_yaml::read(text).map(Some).map_err(|misread| misread.in_file(&plugin_yaml_shown(plugin)))
}

/// Refuses a plugin whose plugin.yaml and module disagree on name or version: Helm would show the one, Windlass the
/// other.
///
/// # Errors
/// They disagree, or one of them breaks its rules (exit 2).
pub fn refuse_two_identities(plugin: &Verified) -> Result<(), Error> {
    let metadata = plugin.metadata().ok().flatten();
    let (Some(yaml), Some(metadata)) = (read_plugin_yaml(plugin)?, metadata) else { return Ok(()) };
    for (what, in_yaml, in_module) in
        [("name", yaml.name, &metadata.name), ("version", yaml.version.to_string(), &metadata.version)]
    {
        if in_yaml != *in_module {
            let shown = plugin_yaml_shown(plugin);
            return Err(Error::usage(format!("the {what} is `{in_yaml}` in {shown} and `{in_module}` in the module"))
                .hint("make both the same; a Rust plugin's module takes it from Cargo.toml"));
        }
    }
    Ok(())
}

/// How messages call a plugin's plugin.yaml.
pub fn plugin_yaml_shown(plugin: &Verified) -> String {
    match plugin.folder() {
        Some(folder) => folder.join("plugin.yaml").display().to_string(),
        None => format!("plugin.yaml of {}", plugin.reference()),
    }
}
