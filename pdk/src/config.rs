//! Reading a plugin's configuration into its config struct, with errors that name the path.
//!
//! Derive [`Config`] for a struct with named fields or for an enum of plain variants:
//!
//! ```
//! use std::collections::BTreeMap;
//! use windlass_pdk::Config;
//!
//! #[derive(Config)]
//! struct Settings {
//!     /// Labels to add; documentation comments become the schema's descriptions.
//!     #[config(default)]
//!     labels: BTreeMap<String, String>,
//!     /// What to do with a label that is there with another value.
//!     #[config(default)]
//!     on_conflict: OnConflict,
//!     /// How often to try.
//!     #[config(default = 3, min = 1, max = 10)]
//!     retries: u32,
//!     /// A fields of type `Option` may be missing.
//!     team: Option<String>,
//! }
//!
//! #[derive(Config, Default)]
//! enum OnConflict {
//!     #[default]
//!     Overwrite,
//!     Keep,
//! }
//! ```
//!
//! Keys and words are the names in camel case (`onConflict`, `overwrite`), unless `#[config(rename = "...")]` says
//! otherwise. A field without `default` that is not an `Option` is required. `pattern = "..."` gives a regular
//! expression that a string must match, and `check = function` one that looks at the value that was read:
//! `fn(&T) -> Result<(), ConfigError>`.
//!
//! String-typed values are never retyped: `1.20` stays `1.20`, `on` given as a string stays `on`.

pub(crate) mod json;
mod pattern;
mod read;
pub mod schema;

use std::fmt;

pub(crate) use read::check_keys;
pub use read::{Reader, check_pattern, read_word};
pub use schema::{Key, Schema};
use windlass_manifest::Value;

/// A type that can be read from a config value and knows its own shape.
///
/// Implemented for booleans, whole numbers, `f64`, `String`, `Option`, `Vec`, maps with string keys and
/// [`Value`] (anything); derived for structs and enums.
pub trait Config: Sized {
    /// The shape.
    const SCHEMA: Schema;

    /// The JSON text of `Default::default()`, for the schema, where it is known at compile time.
    const DEFAULT: Option<&'static str> = None;

    /// The keys, of a struct.
    const KEYS: &'static [Key] = &[];

    /// Reads a value.
    ///
    /// # Errors
    /// A value of another shape, with the path to the place.
    fn read(value: Value) -> Result<Self, ConfigError>;

    /// What stands for a missing value; `None` when it must be there.
    fn missing() -> Option<Self> {
        None
    }
}

/// What is wrong with a configuration, and where. Prints as `labels.team: expected a string, found a list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    path: String,
    message: String,
}

impl ConfigError {
    /// Something wrong with the value at hand; callers put the path in front.
    pub fn new(message: impl Into<String>) -> Self {
        ConfigError { path: String::new(), message: message.into() }
    }

    /// The same error one level up: the value stood under `key`.
    pub fn under(mut self, key: &str) -> Self {
        // A dot in a key is escaped as in `--set`, so that the path can be pasted there.
        let key = key.replace('.', "\\.");
        self.path = match self.path.as_bytes().first() {
            None => key,
            Some(b'[') => key + &self.path,
            Some(_) => key + "." + &self.path,
        };
        self
    }

    /// The same error one level up: the value was item `index` of a list.
    pub fn under_index(mut self, index: usize) -> Self {
        let separator = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("[{index}]{separator}{}", self.path);
        self
    }

    /// The path to the faulty value, for example `targets[0].name`; empty for the whole configuration.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong there.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}
