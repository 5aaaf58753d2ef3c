//! Gives pods a priority class where the chart gives them none.

use windlass_pdk::{Config, Error, Manifests, plugin};

/// What the person who runs the plugin says.
#[derive(Debug, Config)]
pub struct Settings {
    /// The PriorityClass.
    class: String,
}

/// Sets `priorityClassName`.
///
/// # Errors
/// An object that cannot be edited safely.
#[plugin(per_object)]
pub fn priority_class(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    manifests.visit(|object| {
        // None for what has no pods.
        let Some(spec) = object.pod_spec() else { return Ok(()) };
        let class = spec.key("priorityClassName");
        if object.get(&class).is_none() {
            object.set(&class, settings.class.as_str().into())?;
        }
        Ok(())
    })
}
