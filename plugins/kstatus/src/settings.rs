//! What the configuration says.

use windlass_kstatus::{Expression, well_known};
use windlass_pdk::config::{ConfigError, Schema};
use windlass_pdk::targets::Target;
use windlass_pdk::{Config, Error, Object, Value};

use crate::list;

/// The configuration.
#[derive(Config)]
pub struct Settings {
    /// Annotations to add; the first rule that matches an object counts.
    #[config(default)]
    rules: Vec<Rule>,
    /// Adds ready-made annotations to well-known custom resources that have none: `true` for all, or a list of projects
    /// such as `cert-manager`.
    #[config(default)]
    pub(crate) well_known: WellKnown,
    /// What to do where an object has another value already.
    #[config(default)]
    pub(crate) on_conflict: OnConflict,
}

/// When objects are ready.
#[derive(Config)]
struct Rule {
    /// Which objects: those that match any of these.
    targets: Vec<Target>,
    /// Any of these expressions means ready: `{.phase} == "Ready"`.
    success: Vec<String>,
    /// Any of these expressions means failed; they are looked at first.
    failure: Vec<String>,
}

/// What to do with an annotation that is there with another value.
#[derive(Config, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnConflict {
    /// The rule's value wins.
    #[default]
    Overwrite,
    /// The object's value wins.
    Keep,
    /// Refuse.
    Error,
}

/// Which ready-made rules are wanted.
#[derive(Debug, Default)]
pub(crate) enum WellKnown {
    #[default]
    None,
    All,
    Projects(Vec<String>),
}

impl Config for WellKnown {
    const SCHEMA: Schema = Schema::OneOf(&[bool::SCHEMA, <Vec<String>>::SCHEMA]);
    const DEFAULT: Option<&'static str> = Some("false");

    fn read(value: Value) -> Result<Self, ConfigError> {
        match value {
            Value::List(_) => <Vec<String>>::read(value).map(WellKnown::Projects),
            value => Ok(if bool::read(value)? { WellKnown::All } else { WellKnown::None }),
        }
    }
}

impl WellKnown {
    pub(crate) fn includes(&self, project: &str) -> bool {
        match self {
            WellKnown::None => false,
            WellKnown::All => true,
            WellKnown::Projects(projects) => projects.iter().any(|wanted| wanted == project),
        }
    }

    /// Refuses projects that the table does not know.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let WellKnown::Projects(projects) = self else { return Ok(()) };
        let mut known: Vec<&str> = well_known::RULES.iter().map(|rule| rule.project).collect();
        known.dedup();
        match projects.iter().position(|project| !known.contains(&project.as_str())) {
            None => Ok(()),
            Some(index) => Err(Error::config(format!(
                "wellKnown[{index}]: there are no ready-made rules for `{}`; there are some for {}",
                projects.get(index).map(String::as_str).unwrap_or_default(),
                known.join(", ")
            ))),
        }
    }
}

/// A rule whose expressions were checked.
pub(crate) struct CheckedRule<'s> {
    targets: &'s [Target],
    pub(crate) annotations: [String; 2],
}

impl CheckedRule<'_> {
    pub(crate) fn matches(&self, object: &Object<'_>) -> bool {
        self.targets.iter().any(|target| target.matches(object))
    }
}

impl Settings {
    /// The rules, each of them fit to be written into an object.
    pub(crate) fn checked_rules(&self) -> Result<Vec<CheckedRule<'_>>, Error> {
        self.rules.iter().enumerate().map(|(index, rule)| rule.check(index)).collect()
    }
}

impl Rule {
    fn check(&self, index: usize) -> Result<CheckedRule<'_>, Error> {
        if self.targets.is_empty() {
            return Err(Error::config(format!(
                "rules[{index}].targets: it is empty; a rule for every kind of object would fit none of them"
            )));
        }
        for (name, expressions) in [("success", &self.success), ("failure", &self.failure)] {
            if expressions.is_empty() {
                return Err(Error::config(format!(
                    "rules[{index}].{name}: it is empty; an object is judged by its annotations only when it has both"
                )));
            }
            for (number, text) in expressions.iter().enumerate() {
                if let Err(error) = Expression::parse(text) {
                    let column = error.column(text);
                    return Err(Error::config(format!("rules[{index}].{name}[{number}], column {column}: {error}")));
                }
            }
        }
        Ok(CheckedRule { targets: &self.targets, annotations: [list(&self.success), list(&self.failure)] })
    }
}
