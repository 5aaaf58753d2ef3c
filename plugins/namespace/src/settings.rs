//! The configuration, checked before any edit.

use windlass_pdk::{Config, ConfigError, names};

/// Which namespaces to set.
#[derive(Debug, Config)]
pub struct Settings {
    /// The namespace for every object that stands in one and that `moves` has nothing for.
    #[config(check = check_optional)]
    pub(crate) namespace: Option<String>,
    /// Namespaces and what they become.
    #[config(default, check = check_moves)]
    pub(crate) moves: Vec<(String, String)>,
    /// What to do with an object that has another namespace than `namespace` already.
    #[config(default)]
    pub(crate) on_existing: OnExisting,
    /// The namespace that Helm installs into: where objects stand that have none. Without it, references to that
    /// namespace by its name cannot be told from others.
    #[config(check = check_optional)]
    pub(crate) release_namespace: Option<String>,
    /// What to do with Namespace objects whose namespace moves.
    #[config(default)]
    pub(crate) namespace_objects: NamespaceObjects,
    /// What to do with names of Services such as `web.prod.svc` in texts: arguments, variables, data of ConfigMaps.
    #[config(default)]
    pub(crate) service_names: ServiceNames,
    /// What to do with objects of custom kinds of which nobody says whether they stand in a namespace.
    #[config(default)]
    pub(crate) unknown_kinds: UnknownKinds,
    /// Custom kinds that stand in no namespace, where neither the stream nor the plugin knows them.
    #[config(default)]
    pub(crate) cluster_scoped: Vec<CustomKind>,
    /// Custom kinds that stand in a namespace, for `unknownKinds: keep`.
    #[config(default)]
    pub(crate) namespaced: Vec<CustomKind>,
}

/// A custom kind.
#[derive(Debug, Config)]
pub(crate) struct CustomKind {
    /// The API group, such as `example.com`.
    pub(crate) group: String,
    /// The kind, such as `Widget`.
    pub(crate) kind: String,
}

/// What to do with a namespace that is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum OnExisting {
    /// `namespace` replaces it.
    #[default]
    Overwrite,
    /// It stays as it is.
    Keep,
    /// The render fails.
    Error,
}

/// What to do with Namespace objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum NamespaceObjects {
    /// They stay as they are.
    #[default]
    Keep,
    /// The Namespace of a namespace that moves gets its new name.
    Rename,
}

/// What to do with names of Services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum ServiceNames {
    /// They stay as they are, with a warning.
    #[default]
    Keep,
    /// They get the new namespace.
    Rewrite,
}

/// What to do with kinds that nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum UnknownKinds {
    /// They get the namespace, as most of them stand in one.
    #[default]
    Set,
    /// Only those get it that have a namespace already.
    Keep,
}

fn check_namespace(name: &str) -> Result<(), ConfigError> {
    names::dns_label(name).map_err(ConfigError::new)
}

fn check_optional(name: &Option<String>) -> Result<(), ConfigError> {
    name.as_deref().map_or(Ok(()), check_namespace)
}

fn check_moves(moves: &Vec<(String, String)>) -> Result<(), ConfigError> {
    for (old, new) in moves {
        check_namespace(old).and_then(|()| check_namespace(new)).map_err(|error| error.under(old))?;
        if old != new && moves.iter().any(|(other, target)| other == new && target != new) {
            let message = format!("`{new}` moves on itself: a second run would move it again; give its last place");
            return Err(ConfigError::new(message).under(old));
        }
    }
    Ok(())
}
