//! The configuration.

use std::collections::BTreeMap;

use windlass_pdk::config::Key;
use windlass_pdk::{Config, ConfigError, Pattern, Schema, Value};

use crate::objects::{Common, OnExisting, Position, Resource, check_namespaces, check_object};
use crate::values::ReleaseValue;

/// The folder as the plugin sees it.
pub(crate) const FOLDER: &str = "/resources";

/// What to add, as it is written.
#[derive(Debug, Config)]
struct Written {
    /// The files with the objects, below the granted folder: YAML or JSON, each with any number of documents. Without
    /// it, those that `resources` in the folder's kustomization.yaml lists.
    #[config(default)]
    files: Vec<String>,
    /// Add each object once for each namespace that objects of the release are in; `${values.namespace}` is its name.
    #[config(default)]
    per_namespace: bool,
    /// Which namespaces: a regular expression that the whole name must match. Only with `perNamespace`.
    namespaces: Option<Pattern>,
    /// Which namespaces not: a regular expression that the whole name must match. Only with `perNamespace`.
    except_namespaces: Option<Pattern>,
    /// What to do with an object that is there already and differs.
    #[config(default)]
    on_existing: OnExisting,
    /// Where in the stream added objects stand. Helm 4 sorts by kind afterwards, Helm 3 takes the stream's order.
    #[config(default)]
    position: Position,
    /// Values by name: a manifest has `${values.NAME}` where one goes.
    #[config(default)]
    values: BTreeMap<String, ReleaseValue>,
    /// The namespace that the release is installed into: objects without a namespace of their own are in it. Helm does
    /// not tell a post-renderer.
    release_namespace: Option<String>,
}

/// What to add.
#[derive(Debug)]
pub struct Settings {
    pub(crate) files: Vec<String>,
    pub(crate) common: Common,
    per_namespace: bool,
    namespaces: Option<Pattern>,
    except_namespaces: Option<Pattern>,
    on_existing: OnExisting,
    position: Position,
}

impl Config for Settings {
    const SCHEMA: Schema = Written::SCHEMA;
    const KEYS: &'static [Key] = Written::KEYS;

    fn read(value: Value) -> Result<Self, ConfigError> {
        let written = Written::read(value)?;
        check_namespaces(written.per_namespace, &written.namespaces, &written.except_namespaces)?;
        for (index, name) in written.files.iter().enumerate() {
            check_name(name).map_err(|problem| ConfigError::new(problem).under_index(index).under("files"))?;
        }
        Ok(Settings {
            files: written.files.iter().map(|name| name.strip_prefix("./").unwrap_or(name).to_owned()).collect(),
            common: Common::read(written.values, written.release_namespace)?,
            per_namespace: written.per_namespace,
            namespaces: written.namespaces,
            except_namespaces: written.except_namespaces,
            on_existing: written.on_existing,
            position: written.position,
        })
    }
}

/// Checks the name of a file below the folder.
///
/// # Errors
/// A name that leads elsewhere, or names nothing.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let path = name.strip_prefix("./").unwrap_or(name);
    if path.contains("://") || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(format!("`{name}` is no file below the granted folder; it is written like `policies/deny.yaml`"));
    }
    Ok(())
}

/// The objects of a file as they are to be added.
///
/// # Errors
/// What is no object, or cannot be added.
pub(crate) fn resources_of(objects: Vec<Value>, name: &str, settings: &Settings) -> Result<Vec<Resource>, ConfigError> {
    if objects.is_empty() {
        return Err(ConfigError::new("there is nothing in it"));
    }
    let mut resources = Vec::with_capacity(objects.len());
    for object in objects {
        check_object(&object, settings.per_namespace)?;
        resources.push(Resource {
            origin: format!("{FOLDER}/{name}"),
            object,
            per_namespace: settings.per_namespace,
            namespaces: settings.namespaces.clone(),
            except_namespaces: settings.except_namespaces.clone(),
            on_existing: settings.on_existing,
            position: settings.position,
        });
    }
    Ok(resources)
}
