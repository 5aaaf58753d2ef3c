//! How each type reads its value.

use std::collections::BTreeMap;

use windlass_abi::config::{kind_of, nearest};
use windlass_manifest::Value;

use super::{Config, ConfigError, Key, Schema};

fn expected<T>(wanted: &str, found: &Value) -> Result<T, ConfigError> {
    Err(ConfigError::new(format!("expected {wanted}, found {}", kind_of(found))))
}

impl Config for Value {
    const SCHEMA: Schema = Schema::Any;
    const DEFAULT: Option<&'static str> = Some("null");

    fn read(value: Value) -> Result<Self, ConfigError> {
        Ok(value)
    }
}

impl Config for bool {
    const SCHEMA: Schema = Schema::Boolean;
    const DEFAULT: Option<&'static str> = Some("false");

    fn read(value: Value) -> Result<Self, ConfigError> {
        match value {
            Value::Bool(flag) => Ok(flag),
            // YAML 1.1's other booleans arrive as text, so that a string field may keep them.
            Value::String(text) if ["yes", "on"].iter().any(|word| text.eq_ignore_ascii_case(word)) => Ok(true),
            Value::String(text) if ["no", "off"].iter().any(|word| text.eq_ignore_ascii_case(word)) => Ok(false),
            other => expected("true or false", &other),
        }
    }
}

impl Config for String {
    const SCHEMA: Schema = Schema::Text { pattern: None };
    const DEFAULT: Option<&'static str> = Some("\"\"");

    fn read(value: Value) -> Result<Self, ConfigError> {
        match value {
            Value::String(text) | Value::Number(text) => Ok(text),
            Value::Bool(flag) => Ok(flag.to_string()),
            other => expected("a string", &other),
        }
    }
}

fn integer(value: &Value, minimum: i64, maximum: i64) -> Result<i64, ConfigError> {
    let Value::Number(text) = value else { return expected("a whole number", value) };
    match value.as_i64() {
        Some(number) if (minimum..=maximum).contains(&number) => Ok(number),
        Some(number) if number < minimum => {
            Err(ConfigError::new(format!("{number} is too small, the least is {minimum}")))
        }
        Some(number) => Err(ConfigError::new(format!("{number} is too large, the most is {maximum}"))),
        None => Err(ConfigError::new(format!("expected a whole number of at most 64 bits, found {text}"))),
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Config for $type {
            const SCHEMA: Schema = Schema::integer(<$type>::MIN as i64, <$type>::MAX as i64);
            const DEFAULT: Option<&'static str> = Some("0");

            fn read(value: Value) -> Result<Self, ConfigError> {
                // Within the bounds of the type by now, so that nothing is cut off.
                integer(&value, <$type>::MIN as i64, <$type>::MAX as i64).map(|number| number as $type)
            }
        }
    )*};
}
integers!(i8, i16, i32, i64, u8, u16, u32);

impl Config for usize {
    // The same on the 32 bits of a guest and the 64 of a test.
    const SCHEMA: Schema = Schema::integer(0, u32::MAX as i64);
    const DEFAULT: Option<&'static str> = Some("0");

    fn read(value: Value) -> Result<Self, ConfigError> {
        integer(&value, 0, i64::from(u32::MAX)).map(|number| number as usize)
    }
}

impl Config for f64 {
    const SCHEMA: Schema = Schema::Number;
    const DEFAULT: Option<&'static str> = Some("0");

    fn read(value: Value) -> Result<Self, ConfigError> {
        match &value {
            Value::Number(text) => {
                text.parse().map_err(|_| ConfigError::new(format!("expected a number, found {text}")))
            }
            other => expected("a number", other),
        }
    }
}

impl<T: Config> Config for Option<T> {
    const SCHEMA: Schema = T::SCHEMA;

    fn read(value: Value) -> Result<Self, ConfigError> {
        if matches!(value, Value::Null) { Ok(None) } else { T::read(value).map(Some) }
    }

    fn missing() -> Option<Self> {
        Some(None)
    }
}

impl<T: Config> Config for Vec<T> {
    const SCHEMA: Schema = Schema::List(&T::SCHEMA);
    const DEFAULT: Option<&'static str> = Some("[]");

    fn read(value: Value) -> Result<Self, ConfigError> {
        let Value::List(items) = value else { return expected("a list", &value) };
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            list.push(T::read(item).map_err(|error| error.under_index(list.len()))?);
        }
        Ok(list)
    }
}

/// In the order of the config; a plugin whose output must not depend on it takes a `BTreeMap`.
impl<T: Config> Config for Vec<(String, T)> {
    const SCHEMA: Schema = Schema::Map(&T::SCHEMA);
    const DEFAULT: Option<&'static str> = Some("{}");

    fn read(value: Value) -> Result<Self, ConfigError> {
        let Value::Map(entries) = value else { return expected("a map", &value) };
        let mut list = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            match T::read(value) {
                Ok(value) => list.push((key, value)),
                Err(error) => return Err(error.under(&key)),
            }
        }
        Ok(list)
    }
}

impl<T: Config> Config for BTreeMap<String, T> {
    const SCHEMA: Schema = Schema::Map(&T::SCHEMA);
    const DEFAULT: Option<&'static str> = Some("{}");

    fn read(value: Value) -> Result<Self, ConfigError> {
        // One by one: `collect` would bring a sort into the module.
        let mut map = BTreeMap::new();
        for (key, value) in <Vec<(String, T)>>::read(value)? {
            map.insert(key, value);
        }
        Ok(map)
    }
}

/// Reads the fields of a struct one after the other; what `#[derive(Config)]` calls.
#[derive(Debug)]
pub struct Reader {
    entries: Vec<(String, Value)>,
}

impl Reader {
    /// Takes a map all of whose keys are known.
    ///
    /// # Errors
    /// A value that is no map, or an unknown key, with the nearest known one.
    pub fn new(value: Value, keys: &[Key]) -> Result<Self, ConfigError> {
        let Value::Map(entries) = value else { return expected("a map", &value) };
        check_keys(&entries, keys, &[])?;
        Ok(Reader { entries })
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let index = self.entries.iter().position(|(key, _)| key == name)?;
        Some(self.entries.swap_remove(index).1).filter(|value| !matches!(value, Value::Null))
    }

    /// The value of a field that must be there, unless its type has something that stands for a missing one.
    ///
    /// # Errors
    /// What the type refuses, or that it is missing.
    pub fn required<T: Config>(&mut self, name: &str) -> Result<T, ConfigError> {
        match self.take(name) {
            Some(value) => T::read(value).map_err(|error| error.under(name)),
            None => T::missing().ok_or_else(|| ConfigError::new("is required").under(name)),
        }
    }

    /// The value of a field with a default.
    ///
    /// # Errors
    /// What the type refuses.
    pub fn optional<T: Config>(&mut self, name: &str, default: impl FnOnce() -> T) -> Result<T, ConfigError> {
        match self.take(name) {
            Some(value) => T::read(value).map_err(|error| error.under(name)),
            None => Ok(default()),
        }
    }

    /// As [`Reader::required`] or, with a default, [`Reader::optional`], for a whole number within narrower bounds.
    ///
    /// # Errors
    /// What the type refuses, and a number out of bounds.
    pub fn check_bounds(&self, name: &str, schema: &Schema) -> Result<(), ConfigError> {
        let (Schema::Integer { minimum, maximum }, Some((_, value))) =
            (schema, self.entries.iter().find(|(key, _)| key == name))
        else {
            return Ok(());
        };
        if matches!(value, Value::Null) {
            return Ok(());
        }
        integer(value, *minimum, *maximum).map(|_| ()).map_err(|error| error.under(name))
    }

    /// Checks a string field against its pattern, before it is read.
    ///
    /// # Errors
    /// A text that does not match.
    pub fn check_pattern(&self, name: &str, pattern: &str) -> Result<(), ConfigError> {
        match self.entries.iter().find(|(key, _)| key == name) {
            Some((_, Value::String(text) | Value::Number(text))) => {
                check_pattern(text, pattern).map_err(|error| error.under(name))
            }
            _ => Ok(()),
        }
    }
}

/// Checks a text against a regular expression.
///
/// # Errors
/// A text that does not match somewhere, or a pattern that is no regular expression.
pub fn check_pattern(text: &str, pattern: &str) -> Result<(), ConfigError> {
    match crate::pattern::is_found(pattern, text) {
        Ok(true) => Ok(()),
        Ok(false) => Err(ConfigError::new(format!("`{text}` does not match `{pattern}`"))),
        Err(problem) => Err(ConfigError::new(format!("in the plugin's own schema, {problem}"))),
    }
}

/// Refuses a key that neither list knows.
pub(crate) fn check_keys(entries: &[(String, Value)], keys: &[Key], more: &[Key]) -> Result<(), ConfigError> {
    for (key, _) in entries {
        if keys.iter().chain(more).any(|known| known.name == key) {
            continue;
        }
        let known: Vec<&str> = keys.iter().chain(more).map(|known| known.name).collect();
        return Err(unknown("unknown key", key, &known).under(key));
    }
    Ok(())
}

/// Says that a word is unknown, with the nearest known one or all of them.
fn unknown(what: &str, word: &str, known: &[&str]) -> ConfigError {
    ConfigError::new(match nearest(word, known.iter().copied()) {
        Some(near) => format!("{what}, did you mean `{near}`?"),
        None => format!("{what}; known: {}", known.join(", ")),
    })
}

/// Reads one of several words; what `#[derive(Config)]` calls for an enum.
///
/// # Errors
/// A value that is none of the words, with the nearest or all of them.
pub fn read_word(value: Value, words: &[&str]) -> Result<usize, ConfigError> {
    let text = String::read(value)?;
    match words.iter().position(|word| *word == text) {
        Some(index) => Ok(index),
        None => Err(unknown(&format!("unknown word `{text}`"), &text, words)),
    }
}
