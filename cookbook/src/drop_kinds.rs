//! Drops objects of some kinds: CustomResourceDefinitions that somebody else installs, for example.

use windlass_pdk::{Config, Error, Manifests, info, plugin};

/// What the person who runs the plugin says.
#[derive(Debug, Config)]
pub struct Settings {
    /// The kinds.
    kinds: Vec<String>,
}

/// Drops them, and says how many.
///
/// # Errors
/// An object that cannot be dropped safely.
#[plugin(per_object)]
pub fn drop_kinds(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    manifests.visit(|object| {
        if settings.kinds.iter().any(|kind| kind == object.kind()) {
            object.delete()?;
        }
        Ok(())
    })?;
    info!("dropped {} objects", manifests.changed_objects());
    Ok(())
}
