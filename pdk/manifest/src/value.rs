//! Values that are not part of a stream: what an edit writes, and what configuration holds.

use std::fmt;

use crate::emit;
use crate::error::{Error, ErrorKind};
use crate::tree::{self, Tree};
use crate::typing;

/// How deep values may be nested when they are read or written.
pub(crate) const MAX_VALUE_DEPTH: usize = 200;

/// A YAML or JSON value. Numbers keep their text, so that `1.20` stays `1.20`; maps keep their order.
///
/// Two maps are equal only if their entries stand in the same order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it was written: anything that YAML 1.1 reads as a number, such as `1.20`, `1e3` or `0755`.
    Number(String),
    /// A text.
    String(String),
    /// A list.
    List(Vec<Value>),
    /// A map with text keys, in order. Keys are unique in values that this crate makes.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// A map from entries.
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        Value::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// Reads one YAML document (JSON is YAML too), as configuration: an empty document is `null`; of the words that
    /// YAML 1.1 calls booleans only `true` and `false` (also `True`, `TRUE`, ...) are, so `country: no` keeps its text.
    ///
    /// # Errors
    /// Text that is not YAML, several documents, a key that a map has twice, or a value nested deeper than 200 levels,
    /// with the line.
    pub fn from_yaml(text: &str) -> Result<Self, Error> {
        let mut tree = Tree::default();
        tree::read_single_document(text, &mut tree)?;
        tree::Source { text, tree: &tree, first_line: 1 }.root().to_config_value()
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
            let (extent, outcome) = tree::read_first(rest, &mut tree);
            let (document, after) = rest.split_at(extent.length);
            outcome.map_err(tree::Failure::into_problem).map_err(|problem| {
                let line =
                    first_line + tree::count_lines(document.as_bytes().get(..problem.offset).unwrap_or_default());
                Error::new(problem.kind, String::new(), line, format!("line {line}: {}", problem.message))
            })?;
            let value = tree::Source { text: document, tree: &tree, first_line }.root().to_config_value()?;
            if !value.is_null() {
                documents.push(value);
            }
            first_line += extent.line_ends;
            rest = after;
        }
        Ok(documents)
    }

    /// The value as one line of JSON. A number that JSON cannot spell is written in decimal (`0755` as `493`), an
    /// infinity as a string.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    /// [`Value::to_json`] at the end of an existing text.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Value::Null => out.push_str("null"),
            Value::Bool(true) => out.push_str("true"),
            Value::Bool(false) => out.push_str("false"),
            Value::Number(raw) => match typing::to_json_number(raw) {
                Some(number) => out.push_str(&number),
                None => emit::write_quoted(raw, out),
            },
            Value::String(text) => emit::write_quoted(text, out),
            Value::List(items) => {
                out.push('[');
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        out.push(',');
                    }
                    item.write_json(out);
                }
                out.push(']');
            }
            Value::Map(entries) => {
                out.push('{');
                for (position, (key, value)) in entries.iter().enumerate() {
                    if position > 0 {
                        out.push(',');
                    }
                    emit::write_quoted(key, out);
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }

    /// The value as a YAML document in block style, with a line end.
    ///
    /// # Errors
    /// A value that cannot be written: nested too deep, a key of more than 1,000 characters, or a number whose text is
    /// not a number.
    pub fn to_yaml(&self) -> Result<String, Error> {
        self.check_writable()?;
        let style = emit::BlockStyle { step: 2, list_indent: emit::ListIndent::SameColumn, newline: "\n" };
        let mut out = String::new();
        emit::write_block(self, 0, style, &mut out);
        out.push('\n');
        Ok(out)
    }

    /// The entry of a map by its key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.iter().rev().find(|(existing, _)| existing == key).map(|(_, value)| value)
    }

    /// The entry of a map by its key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        match self {
            Value::Map(entries) => {
                entries.iter_mut().rev().find(|(existing, _)| existing == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The text, if this is a text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if this is an integer that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Number(raw) => typing::parse_int(raw).and_then(|value| i64::try_from(value).ok()),
            _ => None,
        }
    }

    /// The items, if this is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if this is a map.
    pub fn as_map(&self) -> Option<&[(String, Value)]> {
        match self {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// What sort of value this is, for messages: `a string`, `a map`, ...
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    pub(crate) fn check_writable(&self) -> Result<(), Error> {
        emit::check_writable(self, MAX_VALUE_DEPTH).map_err(|message| Error::new(ErrorKind::Value, "", 0, message))
    }
}

/// The JSON text of [`Value::to_json`].
impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_json())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::String(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Number(value.to_string())
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Value::Number(value.to_string())
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Value::List(items)
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Value::List(items.into_iter().collect())
    }
}

impl<K: Into<String>> FromIterator<(K, Value)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Self {
        Value::map(entries)
    }
}
