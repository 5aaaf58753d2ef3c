//! Writing the synthetic condition into an object.

use serde_json::{Map, Value};

use crate::Options;
use crate::fields::wrong_type;
use crate::rules::compute;
use crate::time::format_rfc3339;
use crate::verdict::{Condition, Error};

/// Computes the object's status and writes the synthetic condition, if there is one, into `status.conditions`: a
/// condition of the same type is updated (its `lastTransitionTime` only when its status changes), otherwise one
/// is appended. Times are `options.now` in UTC. `status.conditions` is created even if it stays empty.
///
/// # Errors
/// Those of [`compute`], and a `status` or a condition of the wrong type; the object is then unchanged.
pub fn augment(object: &mut Value, options: &Options) -> Result<(), Error> {
    let verdict = compute(object, options)?;
    let now = format_rfc3339(options.now.unwrap_or_default());
    let mut conditions = match object.get("status") {
        None => Vec::new(),
        Some(Value::Object(status)) => match status.get("conditions") {
            None => Vec::new(),
            Some(Value::Array(items)) => items.clone(),
            Some(other) => return Err(wrong_type("status.conditions", other, "a list")),
        },
        Some(other) => return Err(wrong_type("status", other, "a map")),
    };
    for condition in &verdict.conditions {
        write(&mut conditions, condition, &now)?;
    }
    let Value::Object(root) = object else { return Err(wrong_type("", object, "a map")) };
    let status = root.entry("status").or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(status) = status {
        status.insert("conditions".to_owned(), Value::Array(conditions));
    }
    Ok(())
}

fn write(conditions: &mut Vec<Value>, condition: &Condition, now: &str) -> Result<(), Error> {
    let mut present = false;
    for (index, existing) in conditions.iter_mut().enumerate() {
        let at = format!("status.conditions[{index}]");
        if !existing.is_object() {
            return Err(wrong_type(&at, existing, "a map"));
        }
        let kind = existing.get("type").unwrap_or(&Value::Null);
        match kind {
            Value::String(kind) if *kind == condition.kind => {}
            Value::String(_) => continue,
            other => return Err(wrong_type(&format!("{at}.type"), other, "a string")),
        }
        let status = existing.get("status").unwrap_or(&Value::Null);
        let changed = match status {
            Value::String(status) => *status != condition.status,
            other => return Err(wrong_type(&format!("{at}.status"), other, "a string")),
        };
        if let Value::Object(fields) = existing {
            if changed {
                fields.insert("lastTransitionTime".to_owned(), now.into());
            }
            fields.insert("status".to_owned(), condition.status.clone().into());
            fields.insert("lastUpdateTime".to_owned(), now.into());
            fields.insert("reason".to_owned(), condition.reason.clone().into());
            fields.insert("message".to_owned(), condition.message.clone().into());
        }
        present = true;
    }
    if !present {
        let fields = [
            ("lastTransitionTime", now),
            ("lastUpdateTime", now),
            ("message", &condition.message),
            ("reason", &condition.reason),
            ("status", &condition.status),
            ("type", &condition.kind),
        ];
        let map = fields.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
        conditions.push(Value::Object(map));
    }
    Ok(())
}
