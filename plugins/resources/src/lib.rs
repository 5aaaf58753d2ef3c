//! Adds objects to a release: once, or for each namespace that the release uses, with values that other objects of the
//! release have.
//!
//! An object that is there already is merged with, kept, or an error; the same object written once more changes
//! nothing.

mod add;
mod objects;
mod settings;
mod values;

use windlass_pdk::{Error, Manifests, plugin, warn};

pub use crate::settings::Settings;

/// Adds the configured objects.
///
/// # Errors
/// A value that the release does not have, an object that is there and must not be, and what cannot be edited safely.
#[plugin]
pub fn resources(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    if settings.resources.is_empty() {
        warn!("nothing to add: no `resources` are configured");
        return Ok(());
    }
    add::add(&settings.resources, &settings.common, manifests)
}
