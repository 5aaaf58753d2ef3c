//! Renames the objects of a release, one by one or with a prefix and a suffix, and moves kinds and API versions:
//! deprecated ones to current ones, with the fields that changed. References follow.

mod apis;
mod moves;
mod renames;
mod settings;

use windlass_pdk::{Error, Manifests, plugin, warn};

use crate::renames::Renames;
pub use crate::settings::Settings;

/// Renames and moves every object, then what refers to it.
///
/// # Errors
/// Two objects that would have one name, a name that Kubernetes would refuse, an entry of `names` for nothing where the
/// configuration says so, and what cannot be edited safely.
#[plugin]
pub fn rename(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    if settings.is_idle() {
        warn!("nothing to do: neither `namePrefix`, `nameSuffix`, `names`, `apis` nor `moves` are configured");
        return Ok(());
    }
    let renames = Renames::read(&settings, manifests)?;
    manifests.visit(|object| {
        renames.rename(object)?;
        apis::treat(object, &settings)?;
        moves::treat(object, &settings)
    })?;
    // References may stand in objects that `targets` leaves alone: they are to follow all the same.
    manifests.visit_all(|object| {
        renames.follow(object)?;
        apis::follow(object, &settings)?;
        moves::follow(object, &settings)
    })?;
    renames.finish(manifests)
}
