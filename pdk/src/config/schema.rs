//! The shape of a config, known at compile time: the same tree becomes the JSON Schema in the plugin's custom section
//! and drives the checks at run time.

use super::json::Json;

/// The shape of one value. Built by `#[derive(Config)]`; every part is `const`.
#[derive(Clone, Copy, Debug)]
pub enum Schema {
    /// Anything: Kubernetes objects and parts of them.
    Any,
    /// `true` or `false`.
    Boolean,
    /// A whole number, both bounds inclusive.
    Integer {
        /// Lowest value allowed.
        minimum: i64,
        /// Highest value allowed.
        maximum: i64,
    },
    /// A number with or without fraction.
    Number,
    /// A string. Numbers and booleans are taken by their text, so that `1.20` stays `1.20`.
    Text {
        /// A regular expression that the text must match somewhere.
        pattern: Option<&'static str>,
    },
    /// One of these words.
    Words(&'static [Word]),
    /// A list of values of one shape.
    List(&'static Schema),
    /// A map from any key to values of one shape.
    Map(&'static Schema),
    /// A map with known keys.
    Object(&'static [Field]),
    /// One of several shapes.
    OneOf(&'static [Schema]),
}

/// One of the words that a value may be.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// The word as written in a config.
    pub word: &'static str,
    /// Its documentation.
    pub doc: &'static str,
}

/// A known key.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The key as written in a config.
    pub name: &'static str,
    /// The documentation comment of the field.
    pub doc: &'static str,
    /// The shape of its value.
    pub schema: Schema,
    /// Whether it must be there.
    pub required: bool,
    /// The JSON text of its default, when it is known at compile time.
    pub default: Option<&'static str>,
}

/// A known key as the checks at run time need it: the schema's texts stay out of the module's code that way.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The key as written in a config.
    pub name: &'static str,
    /// Whether its value is text, which is then taken as it is.
    pub is_text: bool,
}

impl Field {
    /// The part of a field that the checks need.
    pub const fn key(&self) -> Key {
        Key { name: self.name, is_text: self.schema.is_text() }
    }
}

impl Schema {
    /// Whether a value of this shape is text.
    pub const fn is_text(&self) -> bool {
        matches!(self, Schema::Text { .. } | Schema::Words(_))
    }

    /// A whole number within the bounds of its type.
    pub const fn integer(minimum: i64, maximum: i64) -> Self {
        Schema::Integer { minimum, maximum }
    }

    /// This shape with narrower bounds; `None` leaves a bound as it was.
    ///
    /// # Panics
    /// At compile time, when the shape is not a whole number.
    pub const fn with_bounds(self, lowest: Option<i64>, highest: Option<i64>) -> Self {
        let Schema::Integer { minimum, maximum } = self else {
            panic!("`min` and `max` belong to a field that is a whole number")
        };
        let minimum = match lowest {
            Some(bound) if bound > minimum => bound,
            _ => minimum,
        };
        let maximum = match highest {
            Some(bound) if bound < maximum => bound,
            _ => maximum,
        };
        Schema::Integer { minimum, maximum }
    }

    /// This shape with a pattern.
    ///
    /// # Panics
    /// At compile time, when the shape is not a string.
    pub const fn with_pattern(self, pattern: &'static str) -> Self {
        match self {
            Schema::Text { .. } => Schema::Text { pattern: Some(pattern) },
            _ => panic!("`pattern` belongs to a field that is a string"),
        }
    }

    /// The known keys, of a map that has such.
    pub const fn fields(&self) -> &'static [Field] {
        match *self {
            Schema::Object(fields) => fields,
            _ => &[],
        }
    }

    pub(crate) const fn write<const N: usize>(&self, json: &mut Json<N>, doc: &str, default: Option<&str>) {
        json.raw("{");
        match self {
            Schema::Any => {}
            Schema::Boolean => json.raw("\"type\":\"boolean\""),
            Schema::Integer { minimum, maximum } => {
                json.raw("\"type\":\"integer\"");
                // The bounds of 64 bits are those of the format; they would only be noise.
                if *minimum != i64::MIN {
                    json.raw(",\"minimum\":");
                    json.integer(*minimum);
                }
                if *maximum != i64::MAX {
                    json.raw(",\"maximum\":");
                    json.integer(*maximum);
                }
            }
            Schema::Number => json.raw("\"type\":\"number\""),
            Schema::Text { pattern } => {
                json.raw("\"type\":\"string\"");
                if let Some(pattern) = pattern {
                    json.raw(",\"pattern\":");
                    json.string(pattern);
                }
            }
            Schema::Words(words) => {
                json.raw("\"type\":\"string\",\"enum\":[");
                let mut index = 0;
                while index < words.len() {
                    json.comma(index > 0);
                    json.string(words[index].word);
                    index += 1;
                }
                json.raw("]");
            }
            Schema::List(item) => {
                json.raw("\"type\":\"array\",\"items\":");
                item.write(json, "", None);
            }
            Schema::Map(value) => {
                json.raw("\"type\":\"object\",\"additionalProperties\":");
                value.write(json, "", None);
            }
            Schema::Object(fields) => write_object(json, fields, &[]),
            Schema::OneOf(shapes) => {
                json.raw("\"oneOf\":[");
                let mut index = 0;
                while index < shapes.len() {
                    json.comma(index > 0);
                    shapes[index].write(json, "", None);
                    index += 1;
                }
                json.raw("]");
            }
        }
        let mut is_first = matches!(self, Schema::Any);
        if !doc.is_empty() {
            json.comma(!is_first);
            is_first = false;
            json.raw("\"description\":");
            json.string(doc);
        }
        if let Some(default) = default {
            json.comma(!is_first);
            json.raw("\"default\":");
            json.raw(default);
        }
        json.raw("}");
    }
}

/// `"type":"object",...` of a map whose keys come from two places, without the braces.
pub(crate) const fn write_object<const N: usize>(json: &mut Json<N>, fields: &[Field], more: &[Field]) {
    json.raw("\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
    let mut index = 0;
    while index < fields.len() + more.len() {
        let field = if index < fields.len() { &fields[index] } else { &more[index - fields.len()] };
        json.comma(index > 0);
        json.string(field.name);
        json.raw(":");
        field.schema.write(json, field.doc, field.default);
        index += 1;
    }
    json.raw("}");
    let mut is_first = true;
    index = 0;
    while index < fields.len() + more.len() {
        let field = if index < fields.len() { &fields[index] } else { &more[index - fields.len()] };
        if field.required {
            json.raw(if is_first { ",\"required\":[" } else { "," });
            is_first = false;
            json.string(field.name);
        }
        index += 1;
    }
    if !is_first {
        json.raw("]");
    }
}
