//! The objects to add, however they came into the configuration.

use std::collections::BTreeMap;

use windlass_pdk::{Config, ConfigError, Pattern, Value, names};

use crate::values::ReleaseValue;

/// What to do with an object that is there already and differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum OnExisting {
    /// The render fails.
    #[default]
    Error,
    /// Its maps are merged with the new ones, everything else is replaced; `null` removes a key.
    Merge,
    /// It stays as it is.
    Keep,
}

/// Where an added object stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum Position {
    /// Before the first object whose kind Helm installs later: a Namespace comes first, a custom resource last.
    #[default]
    InstallOrder,
    /// Before all others.
    Start,
    /// After all others.
    End,
}

/// What holds for all resources.
#[derive(Debug)]
pub(crate) struct Common {
    pub(crate) values: BTreeMap<String, ReleaseValue>,
    pub(crate) release_namespace: Option<String>,
}

/// One object to add.
#[derive(Debug)]
pub(crate) struct Resource {
    /// Where it was written, for messages: `resources[0]`.
    pub(crate) origin: String,
    pub(crate) object: Value,
    pub(crate) per_namespace: bool,
    pub(crate) namespaces: Option<Pattern>,
    pub(crate) except_namespaces: Option<Pattern>,
    pub(crate) on_existing: OnExisting,
    pub(crate) position: Position,
}

impl Common {
    /// Checks what both plugins take.
    ///
    /// # Errors
    /// A namespace that is none, and a value's name that stands for something else.
    pub(crate) fn read(
        values: BTreeMap<String, ReleaseValue>,
        release_namespace: Option<String>,
    ) -> Result<Self, ConfigError> {
        if let Some(namespace) = &release_namespace {
            names::dns_label(namespace).map_err(|problem| ConfigError::new(problem).under("releaseNamespace"))?;
        }
        if values.contains_key("namespace") {
            let message = "this name stands for the namespace of `perNamespace`; choose another";
            return Err(ConfigError::new(message).under("namespace").under("values"));
        }
        Ok(Common { values, release_namespace })
    }
}

/// Checks that nothing is said of namespaces where they do not count.
pub(crate) fn check_namespaces(
    per_namespace: bool,
    namespaces: &Option<Pattern>,
    except_namespaces: &Option<Pattern>,
) -> Result<(), ConfigError> {
    if !per_namespace && (namespaces.is_some() || except_namespaces.is_some()) {
        let key = if namespaces.is_some() { "namespaces" } else { "exceptNamespaces" };
        return Err(ConfigError::new("has no effect without `perNamespace: true`").under(key));
    }
    Ok(())
}

/// The objects of a manifest: the documents of a text, and the items of lists instead of the lists.
pub(crate) fn objects_of(manifest: Value) -> Result<Vec<Value>, ConfigError> {
    let documents = match manifest {
        Value::String(text) => {
            Value::documents_from_yaml(&text).map_err(|error| ConfigError::new(format!("is not YAML: {error}")))?
        }
        other => vec![other],
    };
    let mut objects = Vec::new();
    for document in documents {
        let is_list = document.get("kind").and_then(Value::as_str) == Some("List");
        match document.get("items").and_then(Value::as_list) {
            Some(items) if is_list => objects.extend(items.iter().cloned()),
            _ => objects.push(document),
        }
    }
    Ok(objects)
}

/// Checks what every object has, and what an added one must not have.
pub(crate) fn check_object(object: &Value, per_namespace: bool) -> Result<(), ConfigError> {
    let Value::Map(_) = object else {
        return Err(ConfigError::new(format!("expected a Kubernetes object, found {}", object.type_name())));
    };
    let metadata = object.get("metadata");
    let text = |map: Option<&Value>, key: &str| map.and_then(|map| map.get(key)).and_then(Value::as_str).is_some();
    for (map, key) in [(Some(object), "apiVersion"), (Some(object), "kind")] {
        if !text(map, key) {
            return Err(ConfigError::new("is required, a string").under(key));
        }
    }
    if !text(metadata, "name") {
        let why = match metadata.and_then(|metadata| metadata.get("generateName")) {
            Some(_) => "is required: `generateName` gives a new object at every upgrade",
            None => "is required, a string",
        };
        return Err(ConfigError::new(why).under("name").under("metadata"));
    }
    let annotations = metadata.and_then(|metadata| metadata.get("annotations"));
    if annotations.is_some_and(|annotations| annotations.get(names::FILENAME_ANNOTATION).is_some()) {
        let message = "only Helm sets this annotation: by it, it finds each document's file again";
        return Err(ConfigError::new(message).under(names::FILENAME_ANNOTATION).under("annotations").under("metadata"));
    }
    if per_namespace && metadata.is_some_and(|metadata| metadata.get("namespace").is_some()) {
        let message = "is set for each namespace by `perNamespace`; leave it out";
        return Err(ConfigError::new(message).under("namespace").under("metadata"));
    }
    Ok(())
}
