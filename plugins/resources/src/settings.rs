//! The configuration.

use std::collections::BTreeMap;

use windlass_pdk::config::Key;
use windlass_pdk::{Config, ConfigError, Pattern, Schema, Value};

use crate::objects::{Common, OnExisting, Position, Resource, check_namespaces, check_object, objects_of};
use crate::values::ReleaseValue;

/// What to add, as it is written.
#[derive(Debug, Config)]
struct Written {
    /// The objects to add, in this order.
    #[config(default)]
    resources: Vec<WrittenResource>,
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

/// One entry of `resources`, as it is written.
#[derive(Debug, Config)]
struct WrittenResource {
    /// The object, as YAML or as a string with YAML or JSON. A string may hold several documents.
    manifest: Value,
    /// Add it once for each namespace that objects of the release are in; `${values.namespace}` is its name.
    #[config(default)]
    per_namespace: bool,
    /// Which namespaces: a regular expression that the whole name must match. Only with `perNamespace`.
    namespaces: Option<Pattern>,
    /// Which namespaces not: a regular expression that the whole name must match. Only with `perNamespace`.
    except_namespaces: Option<Pattern>,
    /// For this entry, instead of the plugin's own `onExisting`.
    on_existing: Option<OnExisting>,
    /// For this entry, instead of the plugin's own `position`.
    position: Option<Position>,
}

/// What to add.
#[derive(Debug)]
pub struct Settings {
    pub(crate) resources: Vec<Resource>,
    pub(crate) common: Common,
}

impl Config for Settings {
    const SCHEMA: Schema = Written::SCHEMA;
    const KEYS: &'static [Key] = Written::KEYS;

    fn read(value: Value) -> Result<Self, ConfigError> {
        let written = Written::read(value)?;
        let mut resources = Vec::new();
        for (index, entry) in written.resources.into_iter().enumerate() {
            read_entry(index, entry, written.on_existing, written.position, &mut resources)
                .map_err(|error| error.under_index(index).under("resources"))?;
        }
        let common = Common::read(written.values, written.release_namespace)?;
        Ok(Settings { resources, common })
    }
}

fn read_entry(
    index: usize,
    entry: WrittenResource,
    on_existing: OnExisting,
    position: Position,
    resources: &mut Vec<Resource>,
) -> Result<(), ConfigError> {
    check_namespaces(entry.per_namespace, &entry.namespaces, &entry.except_namespaces)?;
    let objects = objects_of(entry.manifest).map_err(|error| error.under("manifest"))?;
    if objects.is_empty() {
        return Err(ConfigError::new("there is nothing in it").under("manifest"));
    }
    for object in objects {
        check_object(&object, entry.per_namespace).map_err(|error| error.under("manifest"))?;
        resources.push(Resource {
            origin: format!("resources[{index}]"),
            object,
            per_namespace: entry.per_namespace,
            namespaces: entry.namespaces.clone(),
            except_namespaces: entry.except_namespaces.clone(),
            on_existing: entry.on_existing.unwrap_or(on_existing),
            position: entry.position.unwrap_or(position),
        });
    }
    Ok(())
}
