//! The configuration.

use cel::Env;
use std::sync::Arc;
use windlass_pdk::config::Key;
use windlass_pdk::pods::CustomPodTemplate;
use windlass_pdk::{Config, ConfigError, Schema, Target, Value};

use crate::admission::{AdmissionPolicy, Validation};
use crate::cel::{self as language, Expression};

/// What to check, as it is written.
#[derive(Debug, Config)]
struct Written {
    /// Well-known checks.
    #[config(default)]
    presets: Vec<Preset>,
    /// Checks of your own.
    #[config(default)]
    rules: Vec<WrittenRule>,
    /// Kubernetes' ValidatingAdmissionPolicy objects, as they are: maps, or strings with YAML.
    #[config(default)]
    policies: Vec<Value>,
    /// What an object that a policy needs as `params` is.
    #[config(default)]
    params: Value,
    /// What to do with what is found.
    #[config(default)]
    action: Action,
    /// Workloads that Kubernetes does not bring itself, and where they keep their pod templates. For the presets.
    #[config(default)]
    custom_pod_templates: Vec<CustomPodTemplate>,
}

/// One entry of `rules`, as it is written.
#[derive(Debug, Config)]
struct WrittenRule {
    /// A name for messages.
    name: String,
    /// A CEL expression that must be true: `object` is the object.
    expression: String,
    /// What is wrong where it is not.
    message: Option<String>,
    /// A CEL expression that gives the message.
    message_expression: Option<String>,
    /// Which objects it is for.
    target: Option<Target>,
    /// For this rule, instead of the plugin's own `action`.
    action: Option<Action>,
}

/// A well-known check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Config)]
pub(crate) enum Preset {
    /// The Pod Security Standards' level `baseline`.
    PodSecurityBaseline,
    /// The Pod Security Standards' level `restricted`, with `baseline`.
    PodSecurityRestricted,
    /// Containers have `requests` of CPU and memory and a `limit` of memory.
    ResourcesSet,
    /// Images have a tag that is not `latest`, or a digest.
    NoLatest,
}

impl Preset {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Preset::PodSecurityBaseline | Preset::PodSecurityRestricted => "pod security",
            Preset::ResourcesSet => "resourcesSet",
            Preset::NoLatest => "noLatest",
        }
    }
}

/// What to do with what is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum Action {
    /// The render fails, with everything that was found.
    #[default]
    Deny,
    /// Each finding is a warning.
    Warn,
}

/// What to check.
pub struct Settings {
    pub(crate) presets: Vec<Preset>,
    pub(crate) checks: Vec<Check>,
    pub(crate) action: Action,
    pub(crate) custom_pod_templates: Vec<CustomPodTemplate>,
    pub(crate) env: Arc<Env>,
}

/// A policy and the objects that it is for.
pub(crate) struct Check {
    pub(crate) policy: AdmissionPolicy,
    pub(crate) target: Option<Target>,
    pub(crate) action: Action,
}

impl Config for Settings {
    const SCHEMA: Schema = Written::SCHEMA;
    const KEYS: &'static [Key] = Written::KEYS;

    fn read(value: Value) -> Result<Self, ConfigError> {
        let written = Written::read(value)?;
        let env = language::environment().map_err(ConfigError::new)?;
        let mut checks = Vec::new();
        for (index, rule) in written.rules.into_iter().enumerate() {
            checks
                .push(read_rule(rule, written.action, &env).map_err(|error| error.under_index(index).under("rules"))?);
        }
        for (index, value) in written.policies.into_iter().enumerate() {
            let placed = |error: ConfigError| error.under_index(index).under("policies");
            let documents = match value {
                Value::String(text) => Value::documents_from_yaml(&text)
                    .map_err(|error| placed(ConfigError::new(format!("is not YAML: {error}"))))?,
                other => vec![other],
            };
            for document in documents {
                let policy = AdmissionPolicy::read(&document, written.params.clone(), &env).map_err(placed)?;
                checks.push(Check { policy, target: None, action: written.action });
            }
        }
        let (presets, action) = (written.presets, written.action);
        Ok(Settings { presets, checks, action, custom_pod_templates: written.custom_pod_templates, env })
    }
}

fn read_rule(rule: WrittenRule, action: Action, env: &Env) -> Result<Check, ConfigError> {
    let compile =
        |text: &str, key: &str| Expression::compile(text, env).map_err(|error| ConfigError::new(error).under(key));
    let validation = Validation {
        expression: compile(&rule.expression, "expression")?,
        message: rule.message,
        message_expression: match &rule.message_expression {
            Some(text) => Some(compile(text, "messageExpression")?),
            None => None,
        },
    };
    let policy = AdmissionPolicy::rule(rule.name, validation);
    Ok(Check { policy, target: rule.target, action: rule.action.unwrap_or(action) })
}
