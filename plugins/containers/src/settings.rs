//! The configuration, checked before any edit.

use windlass_pdk::config::Key;
use windlass_pdk::pods::{Container, CustomPodTemplate, PathPattern, Role};
use windlass_pdk::{Config, ConfigError, Object, Pattern, Schema, Value};

use crate::preset::Preset;

/// What to do, as it is written.
#[derive(Debug, Config)]
struct Written {
    /// Makes pods and containers fit for a level of Pod Security, or for OpenShift; before everything else.
    preset: Option<Preset>,
    /// Which containers `set`, `default` and `remove` are for: a regular expression for the whole name.
    name: Option<Pattern>,
    /// Which containers they are for: a regular expression for the whole image.
    image: Option<Pattern>,
    /// Which containers they are for: without it, all but ephemeral ones.
    roles: Option<Vec<WrittenRole>>,
    /// Fields to set, as in a container. Maps are merged, `env`, `ports`, `volumeMounts`, `volumeDevices` and
    /// `resizePolicy` item by item, `null` removes.
    #[config(default)]
    set: Vec<(String, Value)>,
    /// Fields to set where they are missing; of maps and of the same lists, the entries that are missing.
    #[config(default)]
    default: Vec<(String, Value)>,
    /// Fields to remove, by their paths in a container: `resources.limits.cpu`, `env[name=DEBUG]`, `livenessProbe`.
    #[config(default)]
    remove: Vec<PathPattern>,
    /// More of the same, each with its own selection, applied in order.
    #[config(default)]
    rules: Vec<WrittenRule>,
    /// What to do with a rule that is for no container.
    #[config(default)]
    on_missing: OnMissing,
    /// Workloads of other kinds than those that are known, and where they keep their pod templates.
    #[config(default)]
    custom_pod_templates: Vec<CustomPodTemplate>,
}

/// A selection of containers and what to do with them.
#[derive(Debug, Config)]
struct WrittenRule {
    /// A regular expression for the whole name.
    name: Option<Pattern>,
    /// A regular expression for the whole image.
    image: Option<Pattern>,
    /// What the containers are for: without it, all but ephemeral ones.
    roles: Option<Vec<WrittenRole>>,
    /// Fields to set.
    #[config(default)]
    set: Vec<(String, Value)>,
    /// Fields to set where they are missing.
    #[config(default)]
    default: Vec<(String, Value)>,
    /// Fields to remove, by their paths in a container.
    #[config(default)]
    remove: Vec<PathPattern>,
}

/// What a container is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Config)]
enum WrittenRole {
    /// It ends before the others start.
    Init,
    /// An init container with `restartPolicy: Always`.
    Sidecar,
    /// An ordinary one.
    Main,
    /// One that was added to a running pod.
    Ephemeral,
}

/// What to do with a rule that is for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum OnMissing {
    /// Nothing.
    Ignore,
    /// A warning in the log.
    #[default]
    Warn,
    /// The render fails.
    Error,
}

/// A selection of containers and what to do with them.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Where it stands in the configuration.
    pub(crate) place: String,
    name: Option<Pattern>,
    image: Option<Pattern>,
    roles: Vec<WrittenRole>,
    pub(crate) set: Vec<(String, Value)>,
    pub(crate) default: Vec<(String, Value)>,
    pub(crate) remove: Vec<PathPattern>,
}

impl Rule {
    pub(crate) fn is_for(&self, object: &Object<'_>, container: &Container) -> bool {
        let role = match container.role {
            Role::Init => WrittenRole::Init,
            Role::Sidecar => WrittenRole::Sidecar,
            Role::Main => WrittenRole::Main,
            Role::Ephemeral => WrittenRole::Ephemeral,
        };
        let fits = |pattern: &Option<Pattern>, key: &str| {
            pattern.as_ref().is_none_or(|pattern| {
                let text = object.get(&container.path.key(key)).and_then(|node| node.as_str());
                pattern.matches(&text.unwrap_or_default())
            })
        };
        self.roles.contains(&role) && fits(&self.name, "name") && fits(&self.image, "image")
    }
}

/// What to do.
#[derive(Debug)]
pub struct Settings {
    pub(crate) preset: Option<Preset>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) on_missing: OnMissing,
    pub(crate) custom_pod_templates: Vec<CustomPodTemplate>,
}

impl Config for Settings {
    const SCHEMA: Schema = Written::SCHEMA;
    const KEYS: &'static [Key] = Written::KEYS;

    fn read(value: Value) -> Result<Self, ConfigError> {
        let written = Written::read(value)?;
        let mut rules = Vec::new();
        let selects = written.name.is_some() || written.image.is_some() || written.roles.is_some();
        let first = WrittenRule {
            name: written.name,
            image: written.image,
            roles: written.roles,
            set: written.set,
            default: written.default,
            remove: written.remove,
        };
        if !first.is_empty() {
            rules.push(read_rule(first, "the rule of `set`, `default` and `remove`".to_owned())?);
        } else if selects {
            return Err(ConfigError::new(
                "there is neither `set`, `default` nor `remove` for the containers that are selected",
            ));
        }
        for (index, rule) in written.rules.into_iter().enumerate() {
            let under = |error: ConfigError| error.under_index(index).under("rules");
            if rule.is_empty() {
                return Err(under(ConfigError::new("it has neither `set`, `default` nor `remove`")));
            }
            rules.push(read_rule(rule, format!("`rules[{index}]`")).map_err(under)?);
        }
        Ok(Settings {
            preset: written.preset,
            rules,
            on_missing: written.on_missing,
            custom_pod_templates: written.custom_pod_templates,
        })
    }
}

impl WrittenRule {
    fn is_empty(&self) -> bool {
        self.set.is_empty() && self.default.is_empty() && self.remove.is_empty()
    }
}

fn read_rule(written: WrittenRule, place: String) -> Result<Rule, ConfigError> {
    let WrittenRule { name, image, roles, set, default, remove } = written;
    for (key, fields) in [("set", &set), ("default", &default)] {
        for (field, value) in fields {
            if field == "name" {
                let message = "a container's name tells it apart and cannot be set for several";
                return Err(ConfigError::new(message).under(field).under(key));
            }
            check_list(field, value).map_err(|error| error.under(field).under(key))?;
        }
    }
    let roles = roles.unwrap_or_else(|| vec![WrittenRole::Init, WrittenRole::Sidecar, WrittenRole::Main]);
    let typed = |fields: Vec<(String, Value)>| -> Vec<(String, Value)> {
        fields
            .into_iter()
            .map(|(field, value)| {
                let value = strings(&field, value);
                (field, value)
            })
            .collect()
    };
    Ok(Rule { place, name, image, roles, set: typed(set), default: typed(default), remove })
}

/// Refuses items without what tells them apart.
fn check_list(field: &str, value: &Value) -> Result<(), ConfigError> {
    let key = match field {
        "env" => "name",
        "ports" => "containerPort",
        "volumeMounts" => "mountPath",
        "volumeDevices" => "devicePath",
        "resizePolicy" => "resourceName",
        "resources" | "securityContext" | "livenessProbe" | "readinessProbe" | "startupProbe" | "lifecycle" => {
            return match value {
                Value::Map(_) | Value::Null => Ok(()),
                other => Err(ConfigError::new(format!("expected a map, found {}", other.type_name()))),
            };
        }
        _ => return Ok(()),
    };
    let items = match value {
        Value::List(items) => items,
        Value::Null => return Ok(()),
        other => return Err(ConfigError::new(format!("expected a list, found {}", other.type_name()))),
    };
    for (index, item) in items.iter().enumerate() {
        if item.get(key).is_none_or(Value::is_null) {
            return Err(ConfigError::new("is required").under(key).under_index(index));
        }
    }
    Ok(())
}

/// The same value with strings where the API has strings: `value: true` of a variable is "true".
fn strings(field: &str, value: Value) -> Value {
    match (field, value) {
        ("args" | "command", Value::List(items)) => Value::List(items.into_iter().map(string).collect()),
        ("env", Value::List(items)) => Value::List(
            items
                .into_iter()
                .map(|item| match item {
                    Value::Map(entries) => {
                        let typed = entries.into_iter().map(|(key, value)| match key.as_str() {
                            "value" | "name" => (key, string(value)),
                            _ => (key, value),
                        });
                        Value::Map(typed.collect())
                    }
                    other => other,
                })
                .collect(),
        ),
        (_, value) => value,
    }
}

fn string(value: Value) -> Value {
    match value {
        Value::Number(text) => Value::String(text),
        Value::Bool(flag) => Value::String(flag.to_string()),
        other => other,
    }
}
