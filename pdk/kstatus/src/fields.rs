//! Reading an object's fields with kstatus' mixture of leniency and strictness.

use serde_json::Value;

use crate::verdict::Error;

/// Walks a path of map keys. `Ok(None)` where a key is missing or a parent is null, an error where a parent is
/// something other than a map (`unstructured.NestedFieldNoCopy`).
fn nested<'o>(object: &'o Value, path: &[&str]) -> Result<Option<&'o Value>, Error> {
    let mut value = object;
    for (depth, field) in path.iter().enumerate() {
        match value {
            Value::Object(map) => match map.get(*field) {
                Some(inner) => value = inner,
                None => return Ok(None),
            },
            Value::Null if depth > 0 => return Ok(None),
            other => {
                let parent = path.get(..depth).unwrap_or_default().join(".");
                return Err(wrong_type(&parent, other, "a map"));
            }
        }
    }
    Ok(Some(value))
}

/// What a value is, for error messages.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

pub(crate) fn wrong_type(path: &str, value: &Value, expected: &str) -> Error {
    let path = if path.is_empty() { "the object" } else { path };
    Error(format!("{path} is {}, expected {expected}", type_name(value)))
}

/// A string that must be one where it exists; a present null is an error.
pub(crate) fn strict_string<'o>(object: &'o Value, path: &[&str]) -> Result<Option<&'o str>, Error> {
    match nested(object, path)? {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong_type(&path.join("."), other, "a string")),
    }
}

/// An integer that must be one where it exists; a present null, float or string is an error.
pub(crate) fn strict_integer(object: &Value, path: &[&str]) -> Result<Option<i64>, Error> {
    match nested(object, path)? {
        None => Ok(None),
        Some(value) => match integer(value) {
            Some(number) => Ok(Some(number)),
            None => Err(wrong_type(&path.join("."), value, "an integer")),
        },
    }
}

/// A list that must be one where it exists.
pub(crate) fn strict_list<'o>(object: &'o Value, path: &[&str]) -> Result<Option<&'o [Value]>, Error> {
    match nested(object, path)? {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(other) => Err(wrong_type(&path.join("."), other, "a list")),
    }
}

/// A JSON number without fraction or exponent that fits 64 bits; `3.0` is a float and no integer.
fn integer(value: &Value) -> Option<i64> {
    value.as_i64()
}

/// An integer field, or `default` for whatever else is there.
pub(crate) fn integer_or(object: &Value, path: &[&str], default: i64) -> i64 {
    nested(object, path).ok().flatten().and_then(integer).unwrap_or(default)
}

/// A string field, or `default` for whatever else is there.
pub(crate) fn string_or<'o>(object: &'o Value, path: &[&str], default: &'o str) -> &'o str {
    nested(object, path).ok().flatten().and_then(Value::as_str).unwrap_or(default)
}

/// A boolean field, or false for whatever else is there.
pub(crate) fn is_true(object: &Value, path: &[&str]) -> bool {
    nested(object, path).ok().flatten() == Some(&Value::Bool(true))
}

/// One of the object's own conditions; missing fields are empty.
#[derive(Clone, Copy)]
pub(crate) struct ObjectCondition<'o> {
    pub(crate) kind: &'o str,
    pub(crate) status: &'o str,
    pub(crate) reason: &'o str,
    pub(crate) message: &'o str,
}

/// `status.conditions`. Null counts as absent at every level; any other type than the expected one is an error.
pub(crate) fn conditions(object: &Value) -> Result<Vec<ObjectCondition<'_>>, Error> {
    let status = match object.get("status") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(status @ Value::Object(_)) => status,
        Some(other) => return Err(wrong_type("status", other, "a map")),
    };
    let items = match status.get("conditions") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(other) => return Err(wrong_type("status.conditions", other, "a list")),
    };
    items.iter().enumerate().map(|(index, item)| condition(index, item)).collect()
}

fn condition(index: usize, item: &Value) -> Result<ObjectCondition<'_>, Error> {
    if !matches!(item, Value::Object(_) | Value::Null) {
        return Err(wrong_type(&format!("status.conditions[{index}]"), item, "a map"));
    }
    let text = |field: &str| match item.get(field) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(other) => Err(wrong_type(&format!("status.conditions[{index}].{field}"), other, "a string")),
    };
    Ok(ObjectCondition {
        kind: text("type")?,
        status: text("status")?,
        reason: text("reason")?,
        message: text("message")?,
    })
}

/// The object's kind, empty where it has none.
pub(crate) fn kind(object: &Value) -> &str {
    string_or(object, &["kind"], "")
}

/// Group and kind, which select the rule. The version is of no importance; an `apiVersion` with more than one
/// slash selects nothing.
pub(crate) fn group_and_kind(object: &Value) -> Option<(&str, &str)> {
    let api_version = string_or(object, &["apiVersion"], "");
    let group = match api_version.split_once('/') {
        None => "",
        Some((_, version)) if version.contains('/') => return None,
        Some((group, _)) => group,
    };
    Some((group, kind(object)))
}
