//! What a plugin says about itself, rendered at compile time into the custom section of its module.

use windlass_abi::metadata::{ABI_VERSION, fields};

use crate::config::Schema;
use crate::config::json::Json;
use crate::config::schema::write_object;
use crate::targets::COMMON_FIELDS;

/// What a plugin says about itself; the macro fills it from Cargo.toml and its own arguments.
#[derive(Clone, Copy, Debug)]
pub struct Metadata {
    /// Name of the plugin.
    pub name: &'static str,
    /// SemVer version.
    pub version: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// SPDX expression.
    pub license: &'static str,
    /// Where the source is.
    pub source: &'static str,
    /// Capabilities it asks for.
    pub asks: &'static [Ask],
    /// Whether it treats each object without regard to the others.
    pub per_object: bool,
    /// Whether its answer is printed anew and the host is to graft it.
    pub graft: bool,
    /// The shape of its own settings.
    pub settings: Schema,
}

/// A capability that a plugin asks for.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// Its word, for example `net`.
    pub capability: &'static str,
    /// Its value, for example `registry.example:443`; empty for a capability without one.
    pub value: &'static str,
    /// Why the plugin needs it.
    pub why: &'static str,
    /// Whether the plugin also runs where it is not granted.
    pub is_optional: bool,
}

impl Metadata {
    /// The length of the section in bytes.
    pub const fn section_length(&self) -> usize {
        let mut json = Json::<0>::new();
        self.write(&mut json);
        json.length
    }

    /// The content of the section; `N` is its length.
    pub const fn section<const N: usize>(&self) -> [u8; N] {
        let mut json = Json::<N>::new();
        self.write(&mut json);
        json.text
    }

    const fn write<const N: usize>(&self, json: &mut Json<N>) {
        json.raw("{\"");
        json.raw(fields::ABI);
        json.raw("\":");
        json.integer(ABI_VERSION as i64);
        let texts = [
            (fields::NAME, self.name),
            (fields::VERSION, self.version),
            (fields::DESCRIPTION, self.description),
            (fields::LICENSE, self.license),
            (fields::SOURCE, self.source),
        ];
        let mut index = 0;
        while index < texts.len() {
            write_text(json, texts[index].0, texts[index].1);
            index += 1;
        }
        write_key(json, fields::CAPABILITIES);
        json.raw("[");
        index = 0;
        while index < self.asks.len() {
            let ask = &self.asks[index];
            json.comma(index > 0);
            json.raw("{\"");
            json.raw(fields::CAPABILITY);
            json.raw("\":");
            json.string(ask.capability);
            if !ask.value.is_empty() {
                write_text(json, fields::VALUE, ask.value);
            }
            write_text(json, fields::WHY, ask.why);
            if ask.is_optional {
                write_key(json, fields::OPTIONAL);
                json.raw("true");
            }
            json.raw("}");
            index += 1;
        }
        json.raw("]");
        write_key(json, fields::PER_OBJECT);
        json.raw(if self.per_object { "true" } else { "false" });
        if self.graft {
            write_key(json, fields::GRAFT);
            json.raw("true");
        }
        write_key(json, fields::CONFIG_SCHEMA);
        json.raw("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",");
        write_object(json, self.settings.fields(), COMMON_FIELDS);
        json.raw("}}");
    }

    /// Stops the compilation of a plugin whose settings cannot be read: they must be a struct, and must not use the
    /// keys that every plugin has.
    ///
    /// # Panics
    /// At compile time only.
    pub const fn check(&self) {
        let Schema::Object(fields) = self.settings else {
            panic!("the settings of a plugin are a struct that derives `Config`")
        };
        let mut index = 0;
        while index < fields.len() {
            let mut common = 0;
            while common < COMMON_FIELDS.len() {
                if is_equal(fields[index].name, COMMON_FIELDS[common].name) {
                    panic!("`targets` and `expect` are read by the PDK itself: give this setting another name");
                }
                common += 1;
            }
            index += 1;
        }
    }
}

const fn write_key<const N: usize>(json: &mut Json<N>, key: &str) {
    json.raw(",\"");
    json.raw(key);
    json.raw("\":");
}

const fn write_text<const N: usize>(json: &mut Json<N>, key: &str, text: &str) {
    write_key(json, key);
    json.string(text);
}

const fn is_equal(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}
