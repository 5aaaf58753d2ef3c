//! The custom section [`SECTION`]: what a plugin says about itself, as one JSON object.
//!
//! ```json
//! {"abi": 1, "name": "label-injector", "version": "1.0.0", "description": "...", "license": "Apache-2.0",
//!  "source": "https://...", "capabilities": [{"capability": "net", "value": "registry.example:443", "why": "..."}],
//!  "perObject": true, "graft": false, "configSchema": {"type": "object", "properties": {}}}
//! ```
//!
//! The PDK writes it at compile time; modules of other tools have none, which is no error.

use std::fmt;

use windlass_manifest::Value;

use crate::capabilities::{Capability, Request};

/// Name of the custom section.
pub const SECTION: &str = "windlass.plugin";
/// The most bytes of the section. The samples' have some kilobytes.
pub const MAX_BYTES: usize = 1 << 20;
/// The most things that a plugin may ask for: a person has to read them.
pub const MAX_ASKS: usize = 100;
/// The version of this layout and of the raw entry, [`fields::ABI`]. A host refuses a higher one.
pub const ABI_VERSION: u32 = 1;

/// Names of the object's fields.
pub mod fields {
    /// Version of the layout, a number.
    pub const ABI: &str = "abi";
    /// Name of the plugin.
    pub const NAME: &str = "name";
    /// SemVer version.
    pub const VERSION: &str = "version";
    /// One sentence.
    pub const DESCRIPTION: &str = "description";
    /// SPDX expression.
    pub const LICENSE: &str = "license";
    /// Where the source is.
    pub const SOURCE: &str = "source";
    /// What the plugin asks for: a list of objects.
    pub const CAPABILITIES: &str = "capabilities";
    /// In an asked capability: its word.
    pub const CAPABILITY: &str = "capability";
    /// In an asked capability: its value, missing for one without.
    pub const VALUE: &str = "value";
    /// In an asked capability: the author's reason.
    pub const WHY: &str = "why";
    /// In an asked capability: whether the plugin does without it where it is not granted; missing for one that it
    /// needs.
    pub const OPTIONAL: &str = "optional";
    /// Whether each object is treated without regard to the others, so that a stream may be cut into pieces.
    pub const PER_OBJECT: &str = "perObject";
    /// Whether the plugin parses the stream and prints it again, and asks the host to keep the bytes that it did not
    /// mean to change.
    pub const GRAFT: &str = "graft";
    /// JSON Schema of the config.
    pub const CONFIG_SCHEMA: &str = "configSchema";
}

/// A capability that the plugin asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What.
    pub request: Request,
    /// The author's reason; may be empty.
    pub why: String,
    /// Whether it also runs without: then a use of what was not granted ends the run.
    pub is_optional: bool,
}

/// The section, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// Name of the plugin.
    pub name: String,
    /// SemVer version, not checked.
    pub version: String,
    /// One sentence; may be empty.
    pub description: String,
    /// SPDX expression, not checked; may be empty.
    pub license: String,
    /// Where the source is; may be empty.
    pub source: String,
    /// What it asks for.
    pub asks: Vec<Asked>,
    /// Whether objects are treated one by one.
    pub per_object: bool,
    /// Whether its answer was parsed and printed, and is to be grafted onto the stream that it was given.
    pub graft: bool,
    /// JSON Schema of the config; `None` when the plugin does not say.
    pub config_schema: Option<Value>,
}

/// A section that cannot be understood; prints as one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataError {
    text: String,
}

impl MetadataError {
    fn new(text: impl Into<String>) -> Self {
        MetadataError { text: text.into() }
    }
}

impl fmt::Display for MetadataError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the module's `{SECTION}` section {}", self.text)
    }
}

impl std::error::Error for MetadataError {}

impl Metadata {
    /// Reads the content of the section. Unknown fields are skipped, so that a newer PDK of the same ABI stays
    /// readable.
    ///
    /// # Errors
    /// More than [`MAX_BYTES`], text that is not JSON, fields of the wrong type, an unknown capability, more than
    /// [`MAX_ASKS`] things asked for, an ABI that is too new.
    pub fn parse(section: &[u8]) -> Result<Self, MetadataError> {
        if section.len() > MAX_BYTES {
            return Err(MetadataError::new(format!("has {} bytes, and {MAX_BYTES} is the most", section.len())));
        }
        let text = std::str::from_utf8(section).map_err(|_| MetadataError::new("is not UTF-8"))?;
        let value = Value::from_yaml(text).map_err(|error| MetadataError::new(format!("is not JSON: {error}")))?;
        let Value::Map(entries) = value else { return Err(MetadataError::new("is not a JSON object")) };
        let mut metadata = Metadata {
            name: String::new(),
            version: String::new(),
            description: String::new(),
            license: String::new(),
            source: String::new(),
            asks: Vec::new(),
            per_object: false,
            graft: false,
            config_schema: None,
        };
        let mut abi = None;
        for (key, value) in entries {
            match key.as_str() {
                fields::ABI => match value {
                    Value::Number(number) => abi = number.parse::<u32>().ok(),
                    _ => return Err(wrong_type(fields::ABI, "a number")),
                },
                fields::NAME => metadata.name = string(value, fields::NAME)?,
                fields::VERSION => metadata.version = string(value, fields::VERSION)?,
                fields::DESCRIPTION => metadata.description = string(value, fields::DESCRIPTION)?,
                fields::LICENSE => metadata.license = string(value, fields::LICENSE)?,
                fields::SOURCE => metadata.source = string(value, fields::SOURCE)?,
                fields::PER_OBJECT => metadata.per_object = flag(value, fields::PER_OBJECT)?,
                fields::GRAFT => metadata.graft = flag(value, fields::GRAFT)?,
                fields::CONFIG_SCHEMA => match value {
                    Value::Map(_) => metadata.config_schema = Some(value),
                    _ => return Err(wrong_type(fields::CONFIG_SCHEMA, "an object")),
                },
                fields::CAPABILITIES => match value {
                    Value::List(items) if items.len() > MAX_ASKS => {
                        let count = items.len();
                        return Err(MetadataError::new(format!("asks for {count} things, and {MAX_ASKS} is the most")));
                    }
                    Value::List(items) => {
                        metadata.asks = items.into_iter().map(asked).collect::<Result<_, _>>()?;
                    }
                    _ => return Err(wrong_type(fields::CAPABILITIES, "a list")),
                },
                _ => {}
            }
        }
        match abi {
            Some(ABI_VERSION) => Ok(metadata),
            Some(version) => Err(MetadataError::new(format!(
                "has abi {version}, this Windlass understands {ABI_VERSION}: use a newer Windlass, or build the plugin with an \
                 older windlass-pdk"
            ))),
            None => Err(MetadataError::new("does not say its `abi`")),
        }
    }
}

fn wrong_type(field: &str, wanted: &str) -> MetadataError {
    MetadataError::new(format!("has a `{field}` that is not {wanted}"))
}

fn string(value: Value, field: &str) -> Result<String, MetadataError> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(wrong_type(field, "a string")),
    }
}

fn flag(value: Value, field: &str) -> Result<bool, MetadataError> {
    match value {
        Value::Bool(flag) => Ok(flag),
        _ => Err(wrong_type(field, "a boolean")),
    }
}

fn asked(value: Value) -> Result<Asked, MetadataError> {
    let Value::Map(entries) = value else { return Err(wrong_type(fields::CAPABILITIES, "a list of objects")) };
    let (mut word, mut text, mut why, mut is_optional) = (String::new(), String::new(), String::new(), false);
    for (key, value) in entries {
        match key.as_str() {
            fields::CAPABILITY => word = string(value, fields::CAPABILITY)?,
            fields::VALUE => text = string(value, fields::VALUE)?,
            fields::WHY => why = string(value, fields::WHY)?,
            fields::OPTIONAL => is_optional = flag(value, fields::OPTIONAL)?,
            _ => {}
        }
    }
    let capability = Capability::from_word(&word).ok_or_else(|| {
        MetadataError::new(format!("asks for a capability `{word}` that this Windlass does not know"))
    })?;
    let request = Request::parse_metadata(capability, &text)
        .map_err(|error| MetadataError::new(format!("asks for something odd: {error}")))?;
    Ok(Asked { request, why, is_optional })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_read() {
        let metadata = Metadata::parse(
            br#"{"abi":1,"name":"pin","version":"0.1.0","description":"d","license":"Apache-2.0","source":"https://s","new":[],
                "capabilities":[{"capability":"net","value":"ghcr.io:443","why":"digests"},{"capability":"clock","why":""},{"capability":"net","value":"","why":"w"}],
                "perObject":true,"graft":true,"configSchema":{"type":"object"}}"#,
        )
        .expect("a section");
        assert_eq!((metadata.name.as_str(), metadata.version.as_str(), metadata.per_object), ("pin", "0.1.0", true));
        assert!(metadata.graft);
        let asks: Vec<String> = metadata.asks.iter().map(|asked| asked.request.flag()).collect();
        assert_eq!(asks, ["--allow-net ghcr.io:443", "--allow-clock", "--allow-net HOST[:PORT]"]);
        assert!(metadata.config_schema.is_some());
    }

    #[test]
    fn odd_sections_say_what_is_wrong() {
        for (section, part) in [
            (&b"\xff"[..], "is not UTF-8"),
            (b"[]", "is not a JSON object"),
            (b"{\"abi\":", "is not JSON"),
            (b"{}", "does not say its `abi`"),
            (br#"{"abi":2}"#, "use a newer Windlass"),
            (br#"{"abi":1,"graft":"yes"}"#, "`graft` that is not a boolean"),
            (br#"{"abi":1,"name":3}"#, "`name` that is not a string"),
            (br#"{"abi":1,"capabilities":[{"capability":"root"}]}"#, "a capability `root`"),
            (br#"{"abi":1,"capabilities":[{"capability":"net","value":"http://x"}]}"#, "a host, not a URL"),
            (&[b' '; MAX_BYTES + 1], "bytes, and 1048576 is the most"),
            (format!(r#"{{"abi":1,"capabilities":[0{}]}}"#, ",0".repeat(MAX_ASKS)).as_bytes(), "asks for 101 things"),
        ] {
            let text = Metadata::parse(section).expect_err("an odd section").to_string();
            assert!(text.contains(part), "{text:?} does not contain {part:?}");
        }
    }
}
