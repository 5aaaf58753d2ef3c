//! Evaluating a path.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Value;

use super::{Operand, Operator, PathStep, Slice};
use crate::decimal::Decimal;
use crate::fields::type_name;

/// More values than this in flight are an error: `..` and wildcards in a row multiply.
const MAX_VALUES: usize = 100_000;

/// A path could not be evaluated on a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluationError {
    message: String,
    out_of_bounds: bool,
}

impl EvaluationError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        EvaluationError { message: message.into(), out_of_bounds: false }
    }

    /// The list is shorter than the path assumes; it may still grow.
    pub fn is_out_of_bounds(&self) -> bool {
        self.out_of_bounds
    }
}

impl fmt::Display for EvaluationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for EvaluationError {}

pub(super) fn path<'v>(steps: &[PathStep], root: &'v Value) -> Result<Vec<&'v Value>, EvaluationError> {
    chain(steps, vec![root])
}

fn chain<'v>(steps: &[PathStep], start: Vec<&'v Value>) -> Result<Vec<&'v Value>, EvaluationError> {
    let mut values = start;
    for step in steps {
        values = apply(step, &values)?;
        if values.len() > MAX_VALUES {
            return Err(EvaluationError::new(format!("the path selects more than {MAX_VALUES} values")));
        }
    }
    Ok(values)
}

fn apply<'v>(step: &PathStep, values: &[&'v Value]) -> Result<Vec<&'v Value>, EvaluationError> {
    let mut results = Vec::new();
    match step {
        PathStep::Field(name) => results.extend(values.iter().filter_map(|value| value.get(name.as_str()))),
        PathStep::Wildcard => {
            for value in values {
                results.extend(children(value));
            }
        }
        PathStep::Recursive => {
            for value in values {
                descend(value, &mut results);
            }
        }
        PathStep::Slice(slice) => {
            for value in values {
                select(slice, value, &mut results)?;
            }
        }
        PathStep::Union(members) => {
            for member in members {
                results.extend(chain(member, values.to_vec())?);
            }
        }
        PathStep::Filter { left, operator, right } => {
            for item in items(values)? {
                if compare(left, *operator, right, item)? {
                    results.push(item);
                }
            }
        }
        PathStep::Exists(steps) => {
            for item in items(values)? {
                if path(steps, item).is_ok_and(|found| !found.is_empty()) {
                    results.push(item);
                }
            }
        }
    }
    Ok(results)
}

fn children<'v>(value: &'v Value) -> Box<dyn Iterator<Item = &'v Value> + 'v> {
    match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(map) => Box::new(map.values()),
        _ => Box::new(std::iter::empty()),
    }
}

/// Every non-empty map and list below and including the value, parents first.
fn descend<'v>(value: &'v Value, results: &mut Vec<&'v Value>) {
    if results.len() > MAX_VALUES || children(value).next().is_none() {
        return;
    }
    results.push(value);
    for child in children(value) {
        descend(child, results);
    }
}

/// The items of the lists that a filter is applied to; null has none.
fn items<'v>(values: &[&'v Value]) -> Result<Vec<&'v Value>, EvaluationError> {
    let mut found = Vec::new();
    for value in values {
        match value {
            Value::Array(list) => found.extend(list),
            Value::Null => {}
            other => {
                return Err(EvaluationError::new(format!(
                    "a filter selects from a list, this is {}",
                    type_name(other)
                )));
            }
        }
    }
    Ok(found)
}

fn select<'v>(slice: &Slice, value: &'v Value, results: &mut Vec<&'v Value>) -> Result<(), EvaluationError> {
    let list = match value {
        Value::Array(list) => list,
        Value::Null => return Ok(()),
        other => {
            return Err(EvaluationError::new(format!("an index selects from a list, this is {}", type_name(other))));
        }
    };
    let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
    let from_end = |index: i64| if index < 0 { index.saturating_add(length) } else { index };
    let start = from_end(slice.start.unwrap_or(0));
    let end = match (slice.is_index, slice.end) {
        (true, _) => start.saturating_add(1),
        (false, Some(end)) => from_end(end),
        (false, None) => length,
    };
    if start == end {
        return Ok(());
    }
    let outside = |index: i64| EvaluationError {
        message: format!("array index out of bounds: index {index}, length {length}"),
        out_of_bounds: true,
    };
    if start < 0 || start >= length {
        return Err(outside(start));
    }
    if end < 0 || end > length {
        return Err(outside(end.saturating_sub(1)));
    }
    if start > end {
        return Err(EvaluationError::new(format!("starting index {start} is greater than ending index {end}")));
    }
    let skip = usize::try_from(start).unwrap_or(usize::MAX);
    let count = usize::try_from(end - start).unwrap_or(0);
    let step = usize::try_from(slice.step).unwrap_or(usize::MAX).max(1);
    results.extend(list.iter().skip(skip).take(count).step_by(step));
    Ok(())
}

/// A side of a comparison: no value, or one.
enum Side<'v> {
    Value(&'v Value),
    Text(&'v str),
    Number(&'v serde_json::Number),
    Bool(bool),
}

fn side<'v>(operand: &'v Operand, item: &'v Value) -> Result<Option<Side<'v>>, EvaluationError> {
    match operand {
        Operand::Text(text) => Ok(Some(Side::Text(text))),
        Operand::Number(number) => Ok(Some(Side::Number(number))),
        Operand::Bool(value) => Ok(Some(Side::Bool(*value))),
        Operand::Path(steps) => match path(steps, item)?.as_slice() {
            [] => Ok(None),
            [Value::String(text)] => Ok(Some(Side::Text(text))),
            [Value::Number(number)] => Ok(Some(Side::Number(number))),
            [Value::Bool(value)] => Ok(Some(Side::Bool(*value))),
            [value] => Ok(Some(Side::Value(value))),
            _ => Err(EvaluationError::new("can only compare one element at a time")),
        },
    }
}

fn compare(left: &Operand, operator: Operator, right: &Operand, item: &Value) -> Result<bool, EvaluationError> {
    let (Some(left), Some(right)) = (side(left, item)?, side(right, item)?) else { return Ok(false) };
    let ordering = match (left, right) {
        (Side::Text(left), Side::Text(right)) => left.cmp(right),
        (Side::Number(left), Side::Number(right)) => numbers(left, right),
        (Side::Bool(left), Side::Bool(right)) if !operator.is_ordering() => left.cmp(&right),
        (Side::Value(Value::Null), _) | (_, Side::Value(Value::Null)) => {
            // Null equals nothing; it is what a controller writes before it knows better.
            return Ok(operator == Operator::NotEqual);
        }
        (Side::Bool(_), Side::Bool(_)) => return Err(EvaluationError::new("booleans have no order")),
        _ => return Err(EvaluationError::new("incompatible types for comparison")),
    };
    Ok(operator.holds(ordering))
}

fn numbers(left: &serde_json::Number, right: &serde_json::Number) -> Ordering {
    match (Decimal::parse(&left.to_string()), Decimal::parse(&right.to_string())) {
        (Some(left), Some(right)) => left.cmp(&right),
        // An exponent beyond 64 bits; the text is all there is to compare.
        _ => left.to_string().cmp(&right.to_string()),
    }
}
