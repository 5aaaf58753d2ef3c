//! The configuration: kustomize's `patches`.

use windlass_pdk::{Config, ConfigError, Object, Schema, Target, Value};

use crate::json_patch::{Operation, changes_identity};
use crate::strategic;

/// What to patch, as it is written.
#[derive(Debug, Config)]
pub struct Settings {
    /// The patches, in the order in which they apply.
    #[config(default)]
    pub(crate) patches: Vec<Patch>,
    /// What to do with a patch that matches no object.
    #[config(default)]
    pub(crate) on_missing: OnMissing,
}

/// What to do with a patch that matches no object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum OnMissing {
    /// The render fails.
    #[default]
    Error,
    /// It is skipped.
    Ignore,
}

/// One patch and the objects that it is for, as it is written.
#[derive(Debug, Config)]
struct Written {
    /// A strategic merge patch (a map that looks like the object) or a JSON 6902 patch (a list of operations), as YAML
    /// or as a string with YAML or JSON.
    patch: Value,
    /// Which objects to patch. Without it, a strategic merge patch is for the object that it names.
    target: Option<Target>,
}

/// One entry of `patches`.
#[derive(Debug)]
pub(crate) struct Patch {
    /// The documents of its text: several only without a target.
    pub(crate) parts: Vec<Part>,
}

/// One patch and the objects that it is for.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) content: Content,
    who: Who,
}

/// What a patch does.
#[derive(Debug)]
pub(crate) enum Content {
    Strategic(Value),
    Operations(Vec<Operation>),
}

#[derive(Debug)]
enum Who {
    /// The target, and how it was written.
    Target(Target, String),
    /// The object that a strategic merge patch names itself.
    Named { group: String, kind: String, name: String, namespace: Option<String> },
}

impl Config for Patch {
    const SCHEMA: Schema = Written::SCHEMA;

    fn read(value: Value) -> Result<Self, ConfigError> {
        let target_text = value.get("target").map(Value::to_json).unwrap_or_default();
        let written = Written::read(value)?;
        let documents = match written.patch {
            Value::String(text) => Value::documents_from_yaml(&text)
                .map_err(|error| ConfigError::new(format!("is not YAML: {error}")).under("patch"))?,
            other => vec![other],
        };
        let count = documents.len();
        let mut target = written.target.map(|target| Who::Target(target, target_text));
        if count == 0 {
            return Err(ConfigError::new("there is nothing in it").under("patch"));
        }
        if count > 1 && target.is_some() {
            let message = format!(
                "{count} documents share one `target`; give each a patch of its own, or leave `target` out, so that \
                 each is for the object that it names"
            );
            return Err(ConfigError::new(message).under("patch"));
        }
        let mut parts = Vec::with_capacity(count);
        for document in documents {
            parts.push(Part::read(document, target.take()).map_err(|error| match count {
                1 => error,
                _ => ConfigError::new(format!("in document {}: {error}", parts.len() + 1)).under("patch"),
            })?);
        }
        Ok(Patch { parts })
    }
}

impl Part {
    fn read(content: Value, target: Option<Who>) -> Result<Self, ConfigError> {
        let content = match content {
            Value::Map(_) => Content::Strategic(content),
            Value::List(_) => Content::Operations(Config::read(content).map_err(|error| error.under("patch"))?),
            other => {
                let message =
                    format!("expected a map (strategic merge) or a list (JSON 6902), found {}", other.type_name());
                return Err(ConfigError::new(message).under("patch"));
            }
        };
        if let Content::Operations(operations) = &content
            && changes_identity(operations)
        {
            let message =
                "an operation would change the object's apiVersion, kind, name or namespace, by which Helm knows it";
            return Err(ConfigError::new(message).under("patch"));
        }
        let who = match (target, &content) {
            (Some(target), _) => target,
            (None, Content::Strategic(patch)) => named(patch).map_err(|error| error.under("patch"))?,
            (None, Content::Operations(_)) => {
                return Err(ConfigError::new("is required for a JSON 6902 patch").under("target"));
            }
        };
        Ok(Part { content, who })
    }

    /// Whether the patch drops whole objects.
    pub(crate) fn deletes_object(&self) -> bool {
        matches!(&self.content, Content::Strategic(patch) if strategic::deletes_object(patch))
    }

    /// Whether the patch is for this object.
    pub(crate) fn is_for(&self, object: &Object<'_>) -> bool {
        match &self.who {
            Who::Target(target, _) => target.matches(object),
            Who::Named { group, kind, name, namespace } => {
                object.kind() == kind
                    && object.name() == name
                    && object.group() == group
                    && namespace.as_deref().is_none_or(|namespace| object.namespace() == Some(namespace))
            }
        }
    }

    /// Which objects it is for, for messages: `target {"kind":"Service"}`, or `for Deployment/web`.
    pub(crate) fn describe(&self) -> String {
        match &self.who {
            Who::Target(_, text) => format!("target {text}"),
            Who::Named { kind, name, namespace: None, .. } => format!("for {kind}/{name}"),
            Who::Named { kind, name, namespace: Some(namespace), .. } => format!("for {kind}/{name} in {namespace}"),
        }
    }
}

/// The object that a patch names.
fn named(patch: &Value) -> Result<Who, ConfigError> {
    let text =
        |map: Option<&Value>, key: &str| map.and_then(|map| map.get(key)).and_then(Value::as_str).map(str::to_owned);
    let required = |text: Option<String>, key: &str| {
        text.ok_or_else(|| ConfigError::new("is required where the patch has no `target`").under(key))
    };
    let api_version = required(text(Some(patch), "apiVersion"), "apiVersion")?;
    let metadata = patch.get("metadata");
    Ok(Who::Named {
        group: api_version.split_once('/').map(|(group, _)| group.to_owned()).unwrap_or_default(),
        kind: required(text(Some(patch), "kind"), "kind")?,
        name: required(text(metadata, "name"), "name").map_err(|error| error.under("metadata"))?,
        namespace: text(metadata, "namespace"),
    })
}
