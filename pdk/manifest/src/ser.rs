//! Making values from Rust types, and writing values with any serde format.

use std::fmt;

use serde::ser::{self, Serialize};

use crate::de::float_text;
use crate::error::{Error, ErrorKind};
use crate::typing;
use crate::value::{MAX_VALUE_DEPTH, Value};

impl Value {
    /// The value that a Rust type serializes to.
    ///
    /// # Errors
    /// What the type's own serialization reports, a map key that is not a text, a number or a boolean, or a value
    /// nested deeper than 200 levels.
    pub fn from_serialize<T: Serialize + ?Sized>(from: &T) -> Result<Self, Error> {
        from.serialize(Serializer { depth_left: MAX_VALUE_DEPTH })
            .map_err(|error| Error::new(ErrorKind::Value, "", 0, error.0))
    }
}

/// Numbers that fit become numbers of the format; others, such as `1e400`, become their text.
impl Serialize for Value {
    fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(raw) => match typing::parse_int(raw) {
                Some(value) => match (u64::try_from(value), i64::try_from(value)) {
                    (Ok(value), _) => serializer.serialize_u64(value),
                    (_, Ok(value)) => serializer.serialize_i64(value),
                    _ => serializer.serialize_str(raw),
                },
                None => match raw.replace('_', "").parse::<f64>() {
                    Ok(value) if value.is_finite() => serializer.serialize_f64(value),
                    _ => serializer.serialize_str(raw),
                },
            },
            Value::String(text) => serializer.serialize_str(text),
            Value::List(items) => serializer.collect_seq(items),
            Value::Map(entries) => serializer.collect_map(entries.iter().map(|(key, value)| (key, value))),
        }
    }
}

#[derive(Debug)]
struct NoValue(String);

impl fmt::Display for NoValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for NoValue {}

impl ser::Error for NoValue {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

#[derive(Clone, Copy)]
struct Serializer {
    depth_left: usize,
}

impl Serializer {
    fn below(self) -> Result<Self, NoValue> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left }),
            None => Err(NoValue("the value is nested too deep".to_owned())),
        }
    }
}

macro_rules! numbers {
    ($($method:ident $type:ty),*) => {
        $(fn $method(self, value: $type) -> Result<Value, NoValue> {
            Ok(Value::Number(value.to_string()))
        })*
    };
}

impl ser::Serializer for Serializer {
    type Ok = Value;
    type Error = NoValue;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Map;
    type SerializeStruct = Map;
    type SerializeStructVariant = Map;

    numbers! {
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64
    }

    fn serialize_bool(self, value: bool) -> Result<Value, NoValue> {
        Ok(Value::Bool(value))
    }

    fn serialize_f32(self, value: f32) -> Result<Value, NoValue> {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Result<Value, NoValue> {
        Ok(Value::Number(float_text(value)))
    }

    fn serialize_char(self, value: char) -> Result<Value, NoValue> {
        Ok(Value::String(value.to_string()))
    }

    fn serialize_str(self, text: &str) -> Result<Value, NoValue> {
        Ok(Value::String(text.to_owned()))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, NoValue> {
        Ok(Value::List(bytes.iter().map(|byte| Value::Number(byte.to_string())).collect()))
    }

    fn serialize_none(self) -> Result<Value, NoValue> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, NoValue> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, NoValue> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, NoValue> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, NoValue> {
        Ok(Value::String(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Value, NoValue> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, NoValue> {
        Ok(Value::Map(vec![(variant.to_owned(), value.serialize(self.below()?)?)]))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, NoValue> {
        Ok(List { below: self.below()?, items: Vec::new(), variant: None })
    }

    fn serialize_tuple(self, _: usize) -> Result<List, NoValue> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List, NoValue> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List, NoValue> {
        Ok(List { below: self.below()?, items: Vec::new(), variant: Some(variant) })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Map, NoValue> {
        Ok(Map { below: self.below()?, entries: Vec::new(), key: String::new(), variant: None })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Map, NoValue> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Map, NoValue> {
        Ok(Map { below: self.below()?, entries: Vec::new(), key: String::new(), variant: Some(variant) })
    }
}

fn in_variant(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(variant) => Value::Map(vec![(variant.to_owned(), value)]),
        None => value,
    }
}

struct List {
    below: Serializer,
    items: Vec<Value>,
    variant: Option<&'static str>,
}

impl List {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoValue> {
        self.items.push(value.serialize(self.below)?);
        Ok(())
    }

    fn done(self) -> Result<Value, NoValue> {
        Ok(in_variant(self.variant, Value::List(self.items)))
    }
}

struct Map {
    below: Serializer,
    entries: Vec<(String, Value)>,
    key: String,
    variant: Option<&'static str>,
}

impl Map {
    fn add<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), NoValue> {
        self.entries.push((key, value.serialize(self.below)?));
        Ok(())
    }

    fn done(self) -> Result<Value, NoValue> {
        Ok(in_variant(self.variant, Value::Map(self.entries)))
    }
}

macro_rules! list_access {
    ($($trait:ident $method:ident),*) => {
        $(impl ser::$trait for List {
            type Ok = Value;
            type Error = NoValue;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoValue> {
                self.add(value)
            }

            fn end(self) -> Result<Value, NoValue> {
                self.done()
            }
        })*
    };
}

list_access! {
    SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
}

macro_rules! struct_access {
    ($($trait:ident),*) => {
        $(impl ser::$trait for Map {
            type Ok = Value;
            type Error = NoValue;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), NoValue> {
                self.add(key.to_owned(), value)
            }

            fn end(self) -> Result<Value, NoValue> {
                self.done()
            }
        })*
    };
}

struct_access!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Map {
    type Ok = Value;
    type Error = NoValue;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NoValue> {
        self.key = match key.serialize(self.below)? {
            Value::String(text) | Value::Number(text) => text,
            Value::Bool(value) => value.to_string(),
            _ => return Err(NoValue("a map key is not a text".to_owned())),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoValue> {
        let key = std::mem::take(&mut self.key);
        self.add(key, value)
    }

    fn end(self) -> Result<Value, NoValue> {
        self.done()
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::Value;

    #[test]
    fn types_become_values_and_values_become_json() {
        #[derive(Serialize)]
        struct Container {
            name: &'static str,
            ports: Vec<u16>,
            ratio: f64,
            kind: Kind,
            nothing: Option<bool>,
        }
        #[derive(Serialize)]
        enum Kind {
            Sidecar { restart: bool },
        }
        let container = Container {
            name: "x",
            ports: vec![80, 443],
            ratio: 2.0,
            kind: Kind::Sidecar { restart: true },
            nothing: None,
        };
        let value = Value::from_serialize(&container).expect("serializes");
        let json = r#"{"name":"x","ports":[80,443],"ratio":2.0,"kind":{"Sidecar":{"restart":true}},"nothing":null}"#;
        assert_eq!(value.to_json(), json);
        assert_eq!(serde_json::to_string(&value).expect("serializes"), json);
        assert_eq!(Value::from_yaml(json).expect("YAML"), value);
    }
}
