//! Gives containers a memory limit where the chart gives them none.

use windlass_pdk::{Config, Error, Manifests, plugin};

/// What the person who runs the plugin says.
#[derive(Debug, Config)]
pub struct Settings {
    /// The limit, such as 256Mi.
    memory: String,
}

/// Sets `resources.limits.memory`; maps on the way are made.
///
/// # Errors
/// An object that cannot be edited safely.
#[plugin(per_object)]
pub fn default_limits(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    manifests.visit(|object| {
        for container in object.containers() {
            let path = container.key("resources").key("limits").key("memory");
            if object.get(&path).is_none() {
                object.set(&path, settings.memory.as_str().into())?;
            }
        }
        Ok(())
    })
}
