//! Between the manifest library's values and jaq's.

use std::rc::Rc;

use jaq_json::{Map, Num, Val};
use windlass_pdk::Value;

/// How deep a result may be nested.
const MAX_DEPTH: usize = 200;

/// How many values and bytes of text a result may have, together.
const MAX_SIZE: usize = 16 << 20;

/// A value as jq sees it.
pub(crate) fn from_value(value: &Value) -> Val {
    match value {
        Value::Null => Val::Null,
        Value::Bool(flag) => Val::Bool(*flag),
        // By way of JSON, which has no octal numbers, underscores or infinities.
        Value::Number(text) => match value.to_json() {
            json if json.starts_with('"') => Val::from(text.clone()),
            json => Val::Num(Num::from_str_radix(&json, 10).unwrap_or_else(|| Num::Dec(Rc::new(json)))),
        },
        Value::String(text) => Val::from(text.clone()),
        Value::List(items) => items.iter().map(from_value).collect(),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (Val::from(key.clone()), from_value(value)));
            Val::obj(entries.collect::<Map>())
        }
    }
}

/// A result as a value to write.
///
/// # Errors
/// A key that is no text, and a result that is too large or too deep.
pub(crate) fn to_value(value: &Val) -> Result<Value, String> {
    convert(value, MAX_DEPTH, &mut 0)
}

fn convert(value: &Val, depth: usize, size: &mut usize) -> Result<Value, String> {
    *size += 8;
    let Some(below) = depth.checked_sub(1) else {
        return Err(format!("the result is nested deeper than {MAX_DEPTH} levels"));
    };
    if *size > MAX_SIZE {
        return Err(format!("the result has more than {} MiB", MAX_SIZE >> 20));
    }
    Ok(match value {
        Val::Null => Value::Null,
        Val::Bool(flag) => Value::Bool(*flag),
        Val::Num(number) => number_text(number).map_or(Value::Null, Value::Number),
        Val::TStr(text) | Val::BStr(text) => {
            *size += text.len();
            Value::String(String::from_utf8_lossy(text).into_owned())
        }
        Val::Arr(items) => Value::List(items.iter().map(|item| convert(item, below, size)).collect::<Result<_, _>>()?),
        Val::Obj(entries) => {
            let mut converted = Vec::with_capacity(entries.len());
            for (key, value) in entries.iter() {
                let Val::TStr(key) = key else { return Err(format!("a key of the result is no text: {key}")) };
                *size += key.len();
                converted.push((String::from_utf8_lossy(key).into_owned(), convert(value, below, size)?));
            }
            Value::Map(converted)
        }
    })
}

/// As jq writes numbers: whole ones without a fraction, none for what is no number.
fn number_text(number: &Num) -> Option<String> {
    const WHOLE: f64 = 1e17;
    Some(match number {
        Num::Int(number) => number.to_string(),
        Num::BigInt(number) => number.to_string(),
        Num::Dec(text) => text.to_string(),
        Num::Float(number) if number.is_nan() => return None,
        Num::Float(number) if number.is_infinite() => format!("{:e}", f64::MAX.copysign(*number)),
        Num::Float(number) if number.fract() == 0.0 && number.abs() < WHOLE => format!("{number:.0}"),
        Num::Float(number) => format!("{number:?}"),
    })
}

/// A value as JSON.
///
/// # Errors
/// As [`to_value`].
pub(crate) fn to_json(value: &Val) -> Result<String, String> {
    to_value(value).map(|value| value.to_json())
}
