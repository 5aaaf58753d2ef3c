//! A regular expression as a setting.

use windlass_manifest::Value;

use super::{Config, ConfigError, Schema};
use crate::pattern::Pattern;

impl Config for Pattern {
    const SCHEMA: Schema = Schema::Text { pattern: None };

    fn read(value: Value) -> Result<Self, ConfigError> {
        let text = String::read(value)?;
        Pattern::parse(&text).map_err(ConfigError::new)
    }
}
