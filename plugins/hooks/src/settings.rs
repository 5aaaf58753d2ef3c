//! The configuration.

use windlass_pdk::config::Key;
use windlass_pdk::{Config, ConfigError, Schema, Target, Value};

/// The events that Helm knows; `test-success` is an old name of `test`.
const EVENTS: [&str; 10] = [
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
    "test-success",
];

/// When Helm deletes a hook.
const DELETE_POLICIES: [&str; 3] = ["before-hook-creation", "hook-succeeded", "hook-failed"];

/// Whether Helm runs a hook with this event; it does not look at letter case.
pub(crate) fn is_known_event(event: &str) -> bool {
    EVENTS.contains(&event)
}

/// What to do with which hooks and objects.
#[derive(Debug, Config)]
struct Written {
    /// Rules; the first one that is for an object counts.
    #[config(default)]
    rules: Vec<WrittenRule>,
    /// What to do with a hook one of whose events Helm does not know: it would drop the object without a word.
    #[config(default)]
    on_unknown: OnUnknown,
}

/// One rule, as it is written.
#[derive(Debug, Config)]
struct WrittenRule {
    /// Which objects it is for.
    target: Option<Target>,
    /// Only hooks with one of these events, such as `pre-install`.
    #[config(default)]
    events: Vec<String>,
    /// What hooks or objects become.
    #[config(default)]
    to: To,
    /// The events to set. Required with `to: hook`.
    #[config(default)]
    hook: Vec<String>,
    /// The weight to set: Helm runs hooks with a smaller one first.
    weight: Option<i32>,
    /// The delete policies to set.
    delete_policy: Option<Vec<String>>,
}

/// What hooks or objects become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum To {
    /// Hooks stay hooks, with what the rule sets; objects are left alone.
    #[default]
    Hooks,
    /// Hooks become objects of the release: their hook annotations go.
    Object,
    /// Objects become hooks. Needs a `target`.
    Hook,
}

/// What to do with a hook that Helm does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum OnUnknown {
    /// It is said.
    #[default]
    Warn,
    /// The render fails.
    Error,
    /// It becomes an object of the release.
    Object,
    /// It is dropped here, as Helm does later.
    Drop,
}

/// What to do.
#[derive(Debug)]
pub struct Settings {
    pub(crate) rules: Vec<Rule>,
    pub(crate) on_unknown: OnUnknown,
}

/// One rule.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) target: Option<Target>,
    pub(crate) events: Vec<String>,
    pub(crate) to: To,
    pub(crate) hook: Vec<String>,
    pub(crate) weight: Option<i32>,
    pub(crate) delete_policy: Option<Vec<String>>,
}

impl Rule {
    /// The rule that makes an object of any hook.
    pub(crate) fn to_object() -> Self {
        Rule { target: None, events: Vec::new(), to: To::Object, hook: Vec::new(), weight: None, delete_policy: None }
    }
}

impl Config for Settings {
    const SCHEMA: Schema = Written::SCHEMA;
    const KEYS: &'static [Key] = Written::KEYS;

    fn read(value: Value) -> Result<Self, ConfigError> {
        let written = Written::read(value)?;
        let mut rules = Vec::new();
        for (index, rule) in written.rules.into_iter().enumerate() {
            rules.push(read_rule(rule).map_err(|error| error.under_index(index).under("rules"))?);
        }
        Ok(Settings { rules, on_unknown: written.on_unknown })
    }
}

fn read_rule(rule: WrittenRule) -> Result<Rule, ConfigError> {
    let misplaced = |key: &str, why: &str| Err(ConfigError::new(why).under(key));
    for (index, event) in rule.hook.iter().enumerate() {
        check_word(event, &EVENTS).map_err(|error| error.under_index(index).under("hook"))?;
    }
    for (index, policy) in rule.delete_policy.iter().flatten().enumerate() {
        check_word(policy, &DELETE_POLICIES).map_err(|error| error.under_index(index).under("deletePolicy"))?;
    }
    let sets = !rule.hook.is_empty() || rule.weight.is_some() || rule.delete_policy.is_some();
    match rule.to {
        To::Object if sets => {
            return misplaced("to", "an object of the release has no events, weight or delete policy");
        }
        To::Hook if rule.hook.is_empty() => return misplaced("hook", "is required with `to: hook`"),
        To::Hook if rule.target.is_none() => {
            return misplaced("target", "is required with `to: hook`: all objects as hooks would be no release");
        }
        To::Hook if !rule.events.is_empty() => return misplaced("events", "objects have no events; use `target`"),
        To::Hooks if !sets => {
            return misplaced("to", "the rule sets nothing; say `hook`, `weight` or `deletePolicy`, or `to: object`");
        }
        _ => {}
    }
    Ok(Rule {
        target: rule.target,
        events: rule.events.iter().map(|event| event.to_ascii_lowercase()).collect(),
        to: rule.to,
        hook: rule.hook,
        weight: rule.weight,
        delete_policy: rule.delete_policy.filter(|policies| !policies.is_empty()),
    })
}

fn check_word(word: &str, known: &[&str]) -> Result<(), ConfigError> {
    if known.contains(&word) {
        return Ok(());
    }
    Err(ConfigError::new(format!("`{word}` is not known to Helm; known: {}", known.join(", "))))
}
