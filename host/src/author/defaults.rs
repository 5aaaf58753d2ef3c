//! Whether a plugin takes what its own plugin.yaml configures: a default that is out of date breaks every run, and
//! whoever installs the plugin is not who can mend it.

use windlass_abi::config::to_entries;

use crate::config::settings::Configured;
use crate::error::Error;
use crate::helm::archive::PLUGIN_YAML;
use crate::plugin::verify::Verified;
use crate::render;
use crate::sandbox::grants::Grants;
use crate::sandbox::limits::Limits;
use crate::sandbox::options::{Graft, RenderOptions, Step};

/// Runs `plugin` once on an empty stream with its own configuration, unless that leaves a setting open that users must
/// give. The module is compiled for it.
///
/// # Errors
/// A key that the schema does not know, or a configuration that the plugin does not take (exit 2); a module that cannot
/// be compiled.
pub fn check(plugin: &Verified, options: &RenderOptions<'_>) -> Result<(), Error> {
    let configured = Configured::new(plugin)?;
    if plugin.is_command() || !configured.is_complete() {
        return Ok(());
    }
    let tree = configured.into_tree();
    let is_configured = !tree.is_empty();
    let step = Step {
        plugin: plugin.clone(),
        config: to_entries(&tree),
        extra_args: Vec::new(),
        grants: Grants::default(),
        limits: Limits::default(),
        graft: Graft::Never,
    };
    match render::render(&[step], Vec::new(), options) {
        Err(error) if error.is_usage() && is_configured => {
            Err(error.hint(format!("it is what {PLUGIN_YAML} configures: every run would end so")))
        }
        // What else goes wrong may need grants, or a stream.
        _ => Ok(()),
    }
}
