//! The configuration.

use windlass_pdk::config::Key;
use windlass_pdk::{Config, ConfigError, Schema, Value};

/// What to run, as it is written.
#[derive(Debug, Config)]
struct Written {
    /// The script, in JavaScript: it changes the array `manifests`.
    script: Option<String>,
    /// The file that the script is in, below a folder that is granted: with `--allow-read /scripts=./scripts`, such as
    /// `/scripts/team.js`. Instead of `script`.
    file: Option<String>,
    /// What the script sees as `args`.
    #[config(default)]
    args: Value,
    /// What the script sees as `release.name`: Helm does not tell a post-renderer.
    release_name: Option<String>,
    /// What the script sees as `release.namespace`: Helm does not tell a post-renderer.
    release_namespace: Option<String>,
    /// Whether there is a `now`, the time of the run in ISO 8601. Needs `--allow-clock`; what depends on it differs
    /// from run to run.
    #[config(default)]
    clock: bool,
    /// Whether there is a `Math.random`. Needs `--allow-random`; what depends on it differs from run to run.
    #[config(default)]
    random: bool,
}

/// What to run.
#[derive(Debug)]
pub struct Settings {
    pub(crate) source: Option<Source>,
    pub(crate) args: Value,
    pub(crate) release: Value,
    pub(crate) has_clock: bool,
    pub(crate) has_random: bool,
}

/// Where the script is.
#[derive(Debug)]
pub(crate) enum Source {
    /// In the configuration.
    Text(String),
    /// In a file of the guest.
    File(String),
}

impl Config for Settings {
    const SCHEMA: Schema = Written::SCHEMA;
    const KEYS: &'static [Key] = Written::KEYS;

    fn read(value: Value) -> Result<Self, ConfigError> {
        let written = Written::read(value)?;
        let source = match (written.script, written.file) {
            (Some(_), Some(_)) => {
                return Err(ConfigError::new("is given beside `script`: one of the two").under("file"));
            }
            (Some(text), None) => Some(Source::Text(text)),
            (None, Some(path)) if !path.starts_with('/') => {
                let message = format!("`{path}` is no path in a granted folder, such as `/scripts/team.js`");
                return Err(ConfigError::new(message).under("file"));
            }
            (None, Some(path)) => Some(Source::File(path)),
            (None, None) => None,
        };
        let known = [("name", written.release_name), ("namespace", written.release_namespace)];
        let release = known.into_iter().filter_map(|(key, value)| Some((key, Value::from(value?))));
        let args = if written.args.is_null() { Value::Map(Vec::new()) } else { written.args };
        Ok(Settings {
            source,
            args,
            release: Value::map(release),
            has_clock: written.clock,
            has_random: written.random,
        })
    }
}
