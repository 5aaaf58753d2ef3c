//! Sets or moves the namespaces of a release. References follow: subjects of bindings, Services of webhooks,
//! APIServices and CRDs, selectors of namespaces by name, and by choice names such as `web.prod.svc`.
//!
//! What stands in no namespace is known from the Kubernetes API, from the CRDs in the stream and from a table of widely
//! used custom kinds ([`windlass_pdk::kinds`]).

mod follow;
mod moves;
mod services;
mod settings;

use windlass_pdk::{Error, Manifests, Path, Value, plugin, warn};

use crate::follow::follow;
use crate::moves::Moves;
use crate::services::ServiceNames;
use crate::settings::NamespaceObjects;
pub use crate::settings::Settings;

/// Sets the namespaces, then what refers to what was moved, in all objects.
///
/// # Errors
/// An object in another namespace or two objects that would become one, and what cannot be edited safely.
#[plugin]
pub fn namespace(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    if settings.namespace.is_none() && settings.moves.is_empty() {
        warn!("nothing to do: neither `namespace` nor `moves` are configured");
        return Ok(());
    }
    let moves = Moves::read(&settings, manifests)?;
    let mut names = ServiceNames::new(&moves, settings.service_names);
    manifests.visit(|object| {
        if let Some(new) = moves.new_namespace(object)? {
            object.set(&Path::new(["metadata", "namespace"]), Value::String(new))?;
        }
        if settings.namespace_objects == NamespaceObjects::Rename {
            moves.rename_namespace(object)?;
        }
        Ok(())
    })?;
    // References may stand in objects that `targets` leaves alone: they are to follow all the same.
    manifests.visit_all(|object| {
        follow(object, &moves)?;
        names.treat(object)
    })?;
    names.warn();
    Ok(())
}
