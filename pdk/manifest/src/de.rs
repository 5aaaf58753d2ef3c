//! Reading nodes and values into Rust types.
//!
//! One rule beyond serde's: **a target that is a string takes the scalar's text as it stands**, whatever YAML would
//! call it. `1.20` stays `1.20` and `on` stays `on` where a `String` is wanted; only where the target is open (`Value`,
//! an untagged enum) does the scalar's own type count. Errors name the path:
//! `labels.team: expected a string, found a map`.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Expected, Unexpected, Visitor};

use crate::budget::Budget;
use crate::error::{Error, ErrorKind, ReadFailure};
use crate::node::{Kind, Node};
use crate::path::{self, Segment};
use crate::read;
use crate::split::count_lines;
use crate::tree::{Source, Tree};
use crate::typing::{self, PlainType};
use crate::value::Value;

/// How deep a typed reading may nest; serde's generated code takes much stack per level.
const MAX_TYPED_DEPTH: usize = 100;

/// The name by which [`Value`] asks this module's deserializers to keep the text of numbers.
pub(crate) const VALUE_TOKEN: &str = "$windlass_manifest::Value";
/// The key under which a number's text is handed to [`Value`]; serde_json uses the second with `arbitrary_precision`.
const NUMBER_TOKENS: [&str; 2] = ["$windlass_manifest::Number", "$serde_json::private::Number"];

/// Reads one YAML document (JSON is YAML too) into a Rust type, as configuration.
///
/// # Errors
/// Text that is not YAML or does not fit the type; the message has the path (`labels.team: expected a string, ...`).
pub fn from_yaml_str<T: de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    let mut tree = Tree::default();
    read::read_single_document(text, &mut tree)?;
    let root = Source { text, tree: &tree, first_line: 1 }.root();
    let budget = Budget::for_text(text.len());
    T::deserialize(Deserializer { is_config: true, ..Deserializer::new(Input::Node(root), &budget) })
        .map_err(|error| error.into_error(root.line()))
}

impl<'a> Node<'a> {
    /// Reads the node into a Rust type. Targets that are strings take the scalar's text as it stands.
    ///
    /// # Errors
    /// A node that does not fit the type, with the path of the place below this node and its line.
    pub fn deserialize<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        let budget = Budget::for_text(self.source.text.len());
        let deserializer = Deserializer::new(Input::Node(*self), &budget);
        T::deserialize(deserializer).map_err(|error| error.into_error(self.line()))
    }
}

impl Value {
    /// Reads one YAML document (JSON is YAML too), as configuration: an empty document is `null`; of the words that
    /// YAML 1.1 calls booleans only `true` and `false` (also `True`, `TRUE`, ...) are, so `country: no` keeps its text.
    ///
    /// # Errors
    /// Text that is not YAML, several documents, a key that a map has twice, or a value nested deeper than 200 levels,
    /// with the line.
    pub fn from_yaml(text: &str) -> Result<Self, Error> {
        let mut tree = Tree::default();
        read::read_single_document(text, &mut tree)?;
        Source { text, tree: &tree, first_line: 1 }.root().to_config_value()
    }

    /// Reads the documents of a text as [`Value::from_yaml`] reads one. Those that hold nothing, or only comments, are
    /// left out.
    ///
    /// # Errors
    /// As [`Value::from_yaml`], but for several documents.
    pub fn documents_from_yaml(text: &str) -> Result<Vec<Self>, Error> {
        let mut documents = Vec::new();
        let mut tree = Tree::default();
        let (mut rest, mut first_line) = (text, 1);
        while !rest.is_empty() {
            let (extent, outcome) = read::read_first(rest, &mut tree);
            let (document, after) = rest.split_at(extent.length);
            outcome.map_err(ReadFailure::into_problem).map_err(|problem| {
                let line = first_line + count_lines(document.as_bytes().get(..problem.offset).unwrap_or_default());
                Error::new(problem.kind, String::new(), line, format!("line {line}: {}", problem.message))
            })?;
            let value = Source { text: document, tree: &tree, first_line }.root().to_config_value()?;
            if !value.is_null() {
                documents.push(value);
            }
            first_line += extent.line_ends;
            rest = after;
        }
        Ok(documents)
    }

    /// Reads the value into a Rust type. Targets that are strings take a number's text as it stands.
    ///
    /// # Errors
    /// A value that does not fit the type, with the path of the place.
    pub fn deserialize<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        // A value has no aliases: reading it makes no more than it is.
        let budget = Budget::new(u64::MAX, u64::MAX);
        let deserializer = Deserializer::new(Input::Value(self), &budget);
        T::deserialize(deserializer).map_err(|error| error.into_error(0))
    }
}

/// Why something does not fit a type.
#[derive(Debug)]
struct Mismatch {
    message: String,
    /// From the place outwards.
    path: Vec<Segment>,
}

impl Mismatch {
    fn at(mut self, segment: Segment) -> Self {
        self.path.push(segment);
        self
    }

    fn into_error(mut self, line: usize) -> Error {
        self.path.reverse();
        let mut message = String::new();
        // Writing to a string cannot fail.
        let _ = path::write_segments(&self.path, &mut message);
        if !message.is_empty() {
            message.push_str(": ");
        }
        message.push_str(&self.message);
        Error::new(ErrorKind::Type, "", line, message)
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Mismatch {}

impl de::Error for Mismatch {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), path: Vec::new() }
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found: &str = match unexpected {
            Unexpected::Bool(_) => "a boolean",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
            Unexpected::Str(_) => "a string",
            Unexpected::Unit | Unexpected::Option => "nothing",
            Unexpected::Seq => "a list",
            Unexpected::Map => "a map",
            _ => return Self::custom(format_args!("expected {expected}, found {unexpected}")),
        };
        Self::custom(format_args!("expected {expected}, found {found}"))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found {unexpected}"))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(Unknown { what: "key", name: field, known: expected })
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(Unknown { what: "value", name: variant, known: expected })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format_args!("the key `{field}` is missing"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::custom(format_args!("the key `{field}` is there more than once"))
    }
}

/// `unknown key "lables"; known are "labels", ...`.
struct Unknown<'a> {
    what: &'a str,
    name: &'a str,
    known: &'a [&'a str],
}

impl fmt::Display for Unknown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "unknown {} `{}`", self.what, self.name)?;
        for (position, known) in self.known.iter().enumerate() {
            formatter.write_str(if position == 0 { "; known are `" } else { ", `" })?;
            formatter.write_str(known)?;
            formatter.write_str("`")?;
        }
        Ok(())
    }
}

/// What a deserializer reads from.
#[derive(Clone, Copy)]
enum Input<'de> {
    Node(Node<'de>),
    Value(&'de Value),
}

/// A scalar's type and text.
enum Scalar<'de> {
    Null,
    Bool(bool, Cow<'de, str>),
    Number(Cow<'de, str>),
    Text(Cow<'de, str>),
}

impl<'de> Input<'de> {
    fn kind(self) -> Kind {
        match self {
            Input::Node(node) => node.kind(),
            Input::Value(Value::Map(_)) => Kind::Map,
            Input::Value(Value::List(_)) => Kind::List,
            Input::Value(_) => Kind::Scalar,
        }
    }

    /// The scalar; for a map or a list nothing that is asked for.
    fn scalar(self) -> Scalar<'de> {
        match self {
            Input::Node(node) => {
                let text = node.scalar_text().unwrap_or_default();
                match node.scalar_type() {
                    PlainType::Null => Scalar::Null,
                    PlainType::Bool(value) => Scalar::Bool(value, text),
                    PlainType::Int | PlainType::Float => Scalar::Number(text),
                    PlainType::Text => Scalar::Text(text),
                }
            }
            Input::Value(Value::Bool(value)) => {
                Scalar::Bool(*value, Cow::Borrowed(if *value { "true" } else { "false" }))
            }
            Input::Value(Value::Number(raw)) => Scalar::Number(Cow::Borrowed(raw)),
            Input::Value(Value::String(text)) => Scalar::Text(Cow::Borrowed(text)),
            Input::Value(_) => Scalar::Null,
        }
    }

    fn is_null(self) -> bool {
        self.kind() == Kind::Scalar && matches!(self.scalar(), Scalar::Null)
    }

    fn entries(self, is_config: bool) -> Vec<(Cow<'de, str>, Input<'de>)> {
        match self {
            Input::Node(node) => {
                let entries = if is_config { node.config_entries() } else { node.entries() };
                entries.into_iter().map(|(key, node)| (key, Input::Node(node))).collect()
            }
            Input::Value(Value::Map(entries)) => {
                entries.iter().map(|(key, value)| (Cow::Borrowed(key.as_str()), Input::Value(value))).collect()
            }
            Input::Value(_) => Vec::new(),
        }
    }

    /// What lookups in the document came to so far, as entries of a budget.
    fn lookups(self) -> usize {
        match self {
            Input::Node(node) => node.source.tree.lookups_since(0),
            Input::Value(_) => 0,
        }
    }

    fn items(self) -> Vec<Input<'de>> {
        match self {
            Input::Node(node) => node.items().map(Input::Node).collect(),
            Input::Value(Value::List(items)) => items.iter().map(Input::Value).collect(),
            Input::Value(_) => Vec::new(),
        }
    }
}

#[derive(Clone, Copy)]
struct Deserializer<'de, 'b> {
    input: Input<'de>,
    /// Aliases upon aliases use it up.
    budget: &'b Budget,
    depth_left: usize,
    /// The target is a [`Value`], which takes numbers as text.
    keeps_numbers: bool,
    /// Configuration is read: where the target is open, `on`, `no` or `y` are text, as for [`Value::from_yaml`].
    is_config: bool,
}

impl<'de, 'b> Deserializer<'de, 'b> {
    fn new(input: Input<'de>, budget: &'b Budget) -> Self {
        Self { input, budget, depth_left: MAX_TYPED_DEPTH, keeps_numbers: false, is_config: false }
    }

    fn below(&self, input: Input<'de>) -> Result<Self, Mismatch> {
        let Some(depth_left) = self.depth_left.checked_sub(1) else {
            return Err(de::Error::custom("nested too deep"));
        };
        let length = match input {
            Input::Node(node) => node.written_length(),
            Input::Value(_) => 0,
        };
        self.budget.entries(1).and_then(|()| self.budget.bytes(length)).map_err(de::Error::custom)?;
        Ok(Self { input, depth_left, keeps_numbers: false, ..*self })
    }

    #[cold]
    fn mismatch(&self, expected: &dyn Expected) -> Mismatch {
        let unexpected = match self.input.kind() {
            Kind::Map => Unexpected::Map,
            Kind::List => Unexpected::Seq,
            Kind::Scalar => match self.input.scalar() {
                Scalar::Null => Unexpected::Unit,
                Scalar::Bool(value, _) => Unexpected::Bool(value),
                Scalar::Number(_) => Unexpected::Signed(0),
                Scalar::Text(_) => Unexpected::Str(""),
            },
        };
        de::Error::invalid_type(unexpected, expected)
    }

    fn any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.input.kind() {
            Kind::Map => self.map(visitor),
            Kind::List => self.list(visitor),
            Kind::Scalar => match self.input.scalar() {
                Scalar::Null => visitor.visit_unit(),
                Scalar::Bool(_, text) if self.is_config && typing::core_bool(&text).is_none() => {
                    visit_text(text, visitor)
                }
                Scalar::Bool(value, _) => visitor.visit_bool(value),
                Scalar::Number(raw) if self.keeps_numbers => {
                    visitor.visit_map(NumberAccess { raw: Some(raw.into_owned()) })
                }
                Scalar::Number(raw) => self.number(&raw, visitor),
                Scalar::Text(text) => visit_text(text, visitor),
            },
        }
    }

    fn number<V: Visitor<'de>>(self, raw: &str, visitor: V) -> Result<V::Value, Mismatch> {
        if let Some(value) = typing::parse_int(raw) {
            if let Ok(value) = u64::try_from(value) {
                return visitor.visit_u64(value);
            }
            if let Ok(value) = i64::try_from(value) {
                return visitor.visit_i64(value);
            }
        }
        visitor.visit_f64(parse_float(raw))
    }

    fn map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let before = self.input.lookups();
        let entries = self.input.entries(self.is_config);
        self.budget.entries(self.input.lookups() - before).map_err(de::Error::custom)?;
        let keys = entries.iter().map(|(key, _)| key.len()).sum();
        self.budget.bytes(keys).map_err(de::Error::custom)?;
        visitor.visit_map(Entries { parent: self, entries: entries.into_iter(), value: None })
    }

    fn list<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let items = self.input.items();
        visitor.visit_seq(Items { parent: self, items: items.into_iter(), position: 0 })
    }

    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match (self.input.kind(), self.input.scalar()) {
            (Kind::Scalar, Scalar::Bool(_, text) | Scalar::Number(text) | Scalar::Text(text)) => {
                visit_text(text, visitor)
            }
            _ => Err(self.mismatch(&visitor)),
        }
    }

    fn integer<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match (self.input.kind(), self.input.scalar()) {
            (Kind::Scalar, Scalar::Number(raw)) => self.number(&raw, visitor),
            _ => Err(self.mismatch(&visitor)),
        }
    }
}

fn visit_text<'de, V: Visitor<'de>>(text: Cow<'de, str>, visitor: V) -> Result<V::Value, Mismatch> {
    match text {
        Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
        Cow::Owned(text) => visitor.visit_string(text),
    }
}

/// The value of a number that is no integer.
fn parse_float(raw: &str) -> f64 {
    let plain = raw.replace('_', "");
    plain.parse().unwrap_or_else(|_| match plain.trim_start_matches(['+', '-']).to_ascii_lowercase().as_str() {
        ".inf" if plain.starts_with('-') => f64::NEG_INFINITY,
        ".inf" => f64::INFINITY,
        _ => f64::NAN,
    })
}

macro_rules! integers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            self.integer(visitor)
        })*
    };
}

impl<'de> de::Deserializer<'de> for Deserializer<'de, '_> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.any(visitor)
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match (self.input, self.input.kind(), self.input.scalar()) {
            (_, Kind::Scalar, Scalar::Bool(value, _)) => visitor.visit_bool(value),
            // What configuration keeps as text because YAML 1.2 does, such as `yes`.
            (Input::Value(_), Kind::Scalar, Scalar::Text(text)) => match typing::resolve(&text) {
                PlainType::Bool(value) => visitor.visit_bool(value),
                _ => Err(self.mismatch(&visitor)),
            },
            _ => Err(self.mismatch(&visitor)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.text(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.text(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.text(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.text(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.text(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.input.is_null() {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.input.is_null() {
            true => visitor.visit_unit(),
            false => Err(self.mismatch(&visitor)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.keeps_numbers = name == VALUE_TOKEN;
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.input.kind() {
            Kind::List => self.list(visitor),
            _ => Err(self.mismatch(&visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.input.kind() {
            Kind::Map => self.map(visitor),
            _ => Err(self.mismatch(&visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match (self.input.kind(), self.input.scalar()) {
            (Kind::Scalar, Scalar::Bool(_, text) | Scalar::Number(text) | Scalar::Text(text)) => {
                visitor.visit_enum(Variant { name: text, content: None })
            }
            (Kind::Map, _) => {
                let mut entries = self.input.entries(self.is_config);
                match (entries.pop(), entries.is_empty()) {
                    (Some((name, content)), true) => {
                        visitor.visit_enum(Variant { name, content: Some(self.below(content)?) })
                    }
                    _ => Err(de::Error::custom("expected a map with one key")),
                }
            }
            _ => Err(self.mismatch(&visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        // Nothing is gone through that is not wanted.
        visitor.visit_unit()
    }
}

struct Items<'de, 'b> {
    parent: Deserializer<'de, 'b>,
    items: std::vec::IntoIter<Input<'de>>,
    position: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'de, '_> {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let position = self.position;
        self.position += 1;
        seed.deserialize(self.parent.below(item)?).map(Some).map_err(|error| error.at(Segment::Index(position)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'de, 'b> {
    parent: Deserializer<'de, 'b>,
    entries: std::vec::IntoIter<(Cow<'de, str>, Input<'de>)>,
    value: Option<(Cow<'de, str>, Input<'de>)>,
}

impl<'de> de::MapAccess<'de> for Entries<'de, '_> {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mismatch> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.value = Some((key.clone(), value));
        seed.deserialize(Key { text: key }).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mismatch> {
        let Some((key, value)) = self.value.take() else {
            return Err(de::Error::custom("a value without a key"));
        };
        seed.deserialize(self.parent.below(value)?).map_err(|error| error.at(Segment::Key(key.into_owned())))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// A map's key: text, or a number where the target has number keys.
struct Key<'de> {
    text: Cow<'de, str>,
}

macro_rules! number_keys {
    ($($method:ident $visit:ident),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            match self.text.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(de::Error::invalid_type(Unexpected::Str(&self.text), &visitor)),
            }
        })*
    };
}

impl<'de> de::Deserializer<'de> for Key<'de> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visit_text(self.text, visitor)
    }

    number_keys! {
        deserialize_i8 visit_i8, deserialize_i16 visit_i16, deserialize_i32 visit_i32, deserialize_i64 visit_i64,
        deserialize_u8 visit_u8, deserialize_u16 visit_u16, deserialize_u32 visit_u32, deserialize_u64 visit_u64
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_enum(Variant { name: self.text, content: None })
    }

    serde::forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct Variant<'de, 'b> {
    name: Cow<'de, str>,
    content: Option<Deserializer<'de, 'b>>,
}

impl<'de, 'b> de::EnumAccess<'de> for Variant<'de, 'b> {
    type Error = Mismatch;
    type Variant = Content<'de, 'b>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant), Mismatch> {
        Ok((seed.deserialize(Key { text: self.name })?, Content(self.content)))
    }
}

/// What stands under a variant's name, if it is not the name alone.
struct Content<'de, 'b>(Option<Deserializer<'de, 'b>>);

impl<'de, 'b> Content<'de, 'b> {
    fn expected(self) -> Result<Deserializer<'de, 'b>, Mismatch> {
        self.0.ok_or_else(|| de::Error::custom("expected a map with one key"))
    }
}

impl<'de> de::VariantAccess<'de> for Content<'de, '_> {
    type Error = Mismatch;

    fn unit_variant(self) -> Result<(), Mismatch> {
        match self.0 {
            Some(content) if !content.input.is_null() => Err(de::Error::custom("expected the name alone")),
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Mismatch> {
        seed.deserialize(self.expected()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mismatch> {
        de::Deserializer::deserialize_seq(self.expected()?, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Mismatch> {
        de::Deserializer::deserialize_map(self.expected()?, visitor)
    }
}

/// Hands a number's text to [`Value`].
struct NumberAccess {
    raw: Option<String>,
}

impl<'de> de::MapAccess<'de> for NumberAccess {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mismatch> {
        match self.raw {
            Some(_) => seed.deserialize(Key { text: Cow::Borrowed(NUMBER_TOKENS[0]) }).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mismatch> {
        seed.deserialize(Key { text: Cow::Owned(self.raw.take().unwrap_or_default()) })
    }
}

/// From this crate's own readers, numbers keep their text; from others (`serde_json` without `arbitrary_precision`)
/// they have the text of their value.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(VALUE_TOKEN, ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_newtype_struct<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_some<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(float_text(value)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map: Vec<(String, Value)> = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.is_empty() && NUMBER_TOKENS.contains(&key.as_str()) {
                return Ok(Value::Number(entries.next_value()?));
            }
            map.push((key, entries.next_value()?));
        }
        Ok(Value::Map(map))
    }
}

/// A float's shortest text that YAML and JSON read back as the same number.
pub(crate) fn float_text(value: f64) -> String {
    match value {
        _ if value.is_nan() => ".nan".to_owned(),
        f64::INFINITY => ".inf".to_owned(),
        f64::NEG_INFINITY => "-.inf".to_owned(),
        _ => {
            let mut text = value.to_string();
            if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
                text.push_str(".0");
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Config {
        #[serde(default)]
        labels: BTreeMap<String, String>,
        #[serde(default)]
        replicas: Option<u8>,
        #[serde(default)]
        mode: Mode,
        #[serde(default)]
        on: bool,
        #[serde(default)]
        expect: Option<Expect>,
        #[serde(default)]
        extra: Value,
        #[serde(default)]
        ratio: Option<f64>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        #[default]
        Overwrite,
        Keep,
        Set {
            to: String,
        },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Expect {
        Exactly(u64),
        Range { min: u64, max: u64 },
    }

    fn both(text: &str) -> (Result<Config, Error>, Result<Config, Error>) {
        (from_yaml_str(text), Value::from_yaml(text).and_then(|value| value.deserialize()))
    }

    #[test]
    fn string_targets_take_the_text_as_it_stands() {
        let text = "labels: {a: 1.20, b: on, c: 0755, d: 1_000, e: 12:30, f: 'x', g: 1e3, no: y}\n";
        let expected = ["1.20", "on", "0755", "1_000", "12:30", "x", "1e3", "y"];
        let (from_node, from_value) = both(text);
        for config in [from_node, from_value] {
            let labels = config.expect("fits").labels;
            assert_eq!(labels.values().collect::<Vec<_>>(), expected);
            assert!(labels.contains_key("no"));
        }
    }

    #[test]
    fn open_targets_keep_types_and_the_text_of_numbers() {
        let (from_node, from_value) = both("extra: {a: 1.20, b: true, c: [0755, null, x, no], d: '1'}\n");
        let expected = Value::map([
            ("a", Value::Number("1.20".into())),
            ("b", Value::Bool(true)),
            ("c", Value::List(vec![Value::Number("0755".into()), Value::Null, Value::from("x"), Value::from("no")])),
            ("d", Value::from("1")),
        ]);
        assert_eq!(from_node.expect("fits").extra, expected);
        assert_eq!(from_value.expect("fits").extra, expected);
        assert_eq!(
            serde_json::from_str::<Value>("[1.20]").expect("JSON"),
            Value::List(vec![Value::Number("1.20".into())])
        );
    }

    #[test]
    fn other_targets_have_their_types() {
        let text = "replicas: 0o17\nmode: {set: {to: 1.0}}\non: yes\nexpect: {min: 1, max: 2}\nratio: .5\n";
        let (from_node, from_value) = both(text);
        for config in [from_node, from_value] {
            let config = config.expect("fits");
            assert_eq!(config.replicas, Some(15));
            assert_eq!(config.mode, Mode::Set { to: "1.0".into() });
            assert!(config.on);
            assert_eq!(config.expect, Some(Expect::Range { min: 1, max: 2 }));
            assert_eq!(config.ratio, Some(0.5));
        }
        assert_eq!(from_yaml_str::<Config>("expect: 3\nmode: keep").expect("fits").expect, Some(Expect::Exactly(3)));
    }

    #[test]
    fn keys_may_be_integers_of_any_width() {
        let ports: BTreeMap<u16, String> = from_yaml_str("{80: http, 443: https}").expect("fits");
        assert_eq!(ports.into_iter().collect::<Vec<_>>(), [(80, "http".to_owned()), (443, "https".to_owned())]);
        let offsets: BTreeMap<i8, bool> = from_yaml_str("{-1: true}").expect("fits");
        assert_eq!(offsets.get(&-1), Some(&true));
        let error = from_yaml_str::<BTreeMap<u8, bool>>("{300: true}").expect_err("too large").to_string();
        assert_eq!(error, "expected u8, found a string");
    }

    #[test]
    fn errors_name_the_path() {
        for (text, message) in [
            ("labels: {team: {a: b}}", "labels.team: expected a string, found a map"),
            ("labels: {team: ~}", "labels.team: expected a string, found nothing"),
            ("labels: x", "labels: expected a map, found a string"),
            ("replicas: 300", "replicas: expected u8, found integer `300`"),
            ("replicas: x", "replicas: expected u8, found a string"),
            ("on: 1", "on: expected a boolean, found a number"),
            ("mode: kepe", "mode: unknown value `kepe`; known are `overwrite`, `keep`, `set`"),
            ("mode: {set: {}}", "mode: the key `to` is missing"),
        ] {
            let (from_node, from_value) = both(text);
            assert_eq!(from_node.expect_err(text).to_string(), message);
            assert_eq!(from_value.expect_err(text).to_string(), message);
        }
        let error = from_yaml_str::<Config>("lables: {}").expect_err("unknown").to_string();
        assert!(error.starts_with("unknown key `lables`; known are `labels`, `replicas`"), "{error}");
        assert_eq!(from_yaml_str::<Config>("a: b\nc: [\n").expect_err("not YAML").line(), 2,);
    }

    #[test]
    fn aliases_upon_aliases_are_refused_in_bounded_time() {
        let mut text = String::from("a0: &a0 [x, x]\n");
        for level in 1..40 {
            text.push_str(&format!("a{level}: &a{level} [*a{}, *a{}]\n", level - 1, level - 1));
        }
        assert_eq!(Value::from_yaml(&text).expect_err("too large").kind(), ErrorKind::TooLarge);
        assert!(from_yaml_str::<Value>(&text).expect_err("too large").to_string().contains("aliases repeat"));
        assert!(from_yaml_str::<Value>("&a [*a]").is_err());
    }
}
