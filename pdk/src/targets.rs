//! `targets` and `expect`: the part of the configuration that all plugins share.

use std::cell::Cell;

use windlass_manifest::{Object, Value};

use crate::Config;
use crate::config::schema::Field;
use crate::config::{ConfigError, Key, Schema};
use crate::error::Error;
use crate::pattern::Pattern;
use crate::selector::Selector;

/// What every plugin reads beside its own settings.
#[derive(Debug, Default)]
pub(crate) struct Common {
    targets: Option<Vec<Target>>,
    expect: Option<Expect>,
    /// Whether `targets` selected any of the objects that they were asked about; `None` if there were none.
    is_any_selected: Cell<Option<bool>>,
}

/// The keys of [`Common`] for checks.
pub(crate) const COMMON_KEYS: &[Key] = &[COMMON_FIELDS[0].key(), COMMON_FIELDS[1].key()];

/// The keys of [`Common`] for the schema.
pub(crate) const COMMON_FIELDS: &[Field] = &[
    Field {
        name: "targets",
        doc: "Which objects to treat: those that match any of these. Without it, every object that the plugin knows how to treat.",
        schema: <Vec<Target>>::SCHEMA,
        required: false,
        default: None,
    },
    Field {
        name: "expect",
        doc: "How many objects must have changed, as a number or as `{min, max}`; anything else is an error.",
        schema: Expect::SCHEMA,
        required: false,
        default: None,
    },
];

impl Common {
    /// Takes the common keys out of a config, so that the plugin's own are left.
    pub(crate) fn take_from(config: &mut Vec<(String, Value)>) -> Result<Self, ConfigError> {
        let mut common = Common::default();
        let mut index = 0;
        while let Some((key, _)) = config.get(index) {
            if !COMMON_KEYS.iter().any(|known| known.name == key) {
                index += 1;
                continue;
            }
            let (key, value) = config.remove(index);
            let read = match key.as_str() {
                "targets" => Config::read(value).map(|targets| common.targets = targets),
                _ => Config::read(value).map(|expect| common.expect = expect),
            };
            read.map_err(|error| error.under(&key))?;
        }
        Ok(common)
    }

    /// Whether the plugin should look at this object.
    pub(crate) fn is_target(&self, object: &Object<'_>) -> bool {
        let Some(targets) = &self.targets else { return true };
        let is_selected = targets.iter().any(|target| target.matches(object));
        self.is_any_selected.set(Some(is_selected || self.is_any_selected.get() == Some(true)));
        is_selected
    }

    /// Says a word where `targets` selected nothing of what is there: a slip in them must not be silent.
    pub(crate) fn warn_of_idle_targets(&self) {
        if self.is_any_selected.get() == Some(false) {
            crate::warn!("`targets` match none of the objects: nothing was looked at");
        }
    }

    /// Compares what changed with what the person expects.
    pub(crate) fn check_changed(&self, changed: usize) -> Result<(), Error> {
        match &self.expect {
            Some(expect) => expect.check(changed),
            None => Ok(()),
        }
    }
}

/// Which objects are meant, in kustomize's words. All fields given must match.
#[derive(Config, Debug)]
pub struct Target {
    /// A regular expression that the whole API group must match; `^$` is the core group. Here as in the others, an
    /// empty text stands for anything.
    group: Option<Pattern>,
    /// A regular expression that the whole version of the API must match.
    version: Option<Pattern>,
    /// A regular expression that the whole kind must match.
    kind: Option<Pattern>,
    /// A regular expression that the whole name must match.
    name: Option<Pattern>,
    /// A regular expression that the whole namespace must match; an object that gives none has an empty one (`^$`).
    namespace: Option<Pattern>,
    /// A Kubernetes selector over the labels, like `app=web,tier in (a,b),!legacy`.
    label_selector: Option<Selector>,
    /// A selector of the same form over the annotations.
    annotation_selector: Option<Selector>,
}

impl Target {
    /// Whether an object is meant.
    pub fn matches(&self, object: &Object<'_>) -> bool {
        let fits =
            |pattern: &Option<Pattern>, actual: &str| pattern.as_ref().is_none_or(|pattern| pattern.matches(actual));
        fits(&self.group, object.group())
            && fits(&self.version, object.version())
            && fits(&self.kind, object.kind())
            && fits(&self.name, object.name())
            && fits(&self.namespace, object.namespace().unwrap_or_default())
            && self.label_selector.as_ref().is_none_or(|selector| selector.matches(|key| object.label(key)))
            && self.annotation_selector.as_ref().is_none_or(|selector| selector.matches(|key| object.annotation(key)))
    }
}

/// How many objects must have changed.
#[derive(Debug, PartialEq, Eq)]
struct Expect {
    min: usize,
    max: usize,
}

#[derive(Config)]
struct ExpectRange {
    /// The least number of changed objects.
    min: Option<usize>,
    /// The greatest number of changed objects.
    max: Option<usize>,
}

impl Config for Expect {
    const SCHEMA: Schema = Schema::OneOf(&[usize::SCHEMA, ExpectRange::SCHEMA]);

    fn read(value: Value) -> Result<Self, ConfigError> {
        if !matches!(value, Value::Map(_)) {
            let exactly = usize::read(value)?;
            return Ok(Expect { min: exactly, max: exactly });
        }
        let range = ExpectRange::read(value)?;
        let (min, max) = (range.min.unwrap_or(0), range.max.unwrap_or(usize::MAX));
        if min > max {
            return Err(ConfigError::new(format!("min {min} is greater than max {max}")));
        }
        Ok(Expect { min, max })
    }
}

impl Expect {
    fn check(&self, changed: usize) -> Result<(), Error> {
        if (self.min..=self.max).contains(&changed) {
            return Ok(());
        }
        let plural = |count: usize| if count == 1 { "1 object".to_owned() } else { format!("{count} objects") };
        let wanted = match (self.min, self.max) {
            (min, max) if min == max => plural(min),
            (min, usize::MAX) => format!("at least {}", plural(min)),
            (0, max) => format!("at most {}", plural(max)),
            (min, max) => format!("{min} to {}", plural(max)),
        };
        Err(Error::new(format!(
            "expected {wanted} to change, but {} changed: check `targets` and `expect`",
            plural(changed)
        )))
    }
}
