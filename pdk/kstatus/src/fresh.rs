//! What an object's status says of its newest generation.

use std::borrow::Cow;

use serde_json::Value;

use crate::fields::{integer_or, kind, string_or};
use crate::verdict::Verdict;

/// An object whose status speaks of its newest generation only.
pub(crate) struct Fresh<'o> {
    /// The object without conditions of another generation, and with a generation that is a text as the number it is.
    pub(crate) object: Cow<'o, Value>,
    /// The first condition that was left out, and its generation.
    pub(crate) stale: Option<(String, i64)>,
}

impl<'o> Fresh<'o> {
    pub(crate) fn of(object: &'o Value) -> Self {
        let generation = integer_or(object, &["metadata", "generation"], -1);
        let observed = object.pointer("/status/observedGeneration");
        let as_text = observed.and_then(Value::as_str).is_some();
        let is_stale = generation >= 0
            && object
                .get("status")
                .is_some_and(|status| any_condition(status, 0, &|one| is_of_another(one, generation)));
        if !as_text && !is_stale {
            return Self { object: Cow::Borrowed(object), stale: None };
        }
        let mut copy = object.clone();
        let mut stale = None;
        if let Some(status) = copy.get_mut("status") {
            if is_stale {
                drop_conditions(status, 0, generation, &mut stale);
            }
            if let Some(fields) = status.as_object_mut().filter(|_| as_text) {
                // Argo Rollouts writes a text: a number, or in old versions a hash, which tells nothing.
                match fields.remove("observedGeneration").as_ref().and_then(Value::as_str).map(str::parse::<i64>) {
                    Some(Ok(number)) => fields.insert("observedGeneration".to_owned(), number.into()),
                    _ => None,
                };
            }
        }
        Self { object: Cow::Owned(copy), stale }
    }

    /// In progress, where the controller has not seen the newest generation.
    pub(crate) fn unobserved(&self, original: &Value) -> Option<Verdict> {
        let generation = integer_or(original, &["metadata", "generation"], -1);
        let observed = self.object.pointer("/status/observedGeneration").and_then(Value::as_i64)?;
        (generation >= 0 && observed != generation).then(|| {
            let message =
                format!("{} generation is {generation}, but latest observed generation is {observed}", kind(original));
            Verdict::in_progress("LatestGenerationNotObserved", message)
        })
    }
}

/// How deep a status is searched for conditions: those of a route's parents and a gateway's listeners are at 3.
pub(crate) const DEPTH: usize = 6;

fn is_of_another(condition: &Value, generation: i64) -> bool {
    let observed = match condition.get("observedGeneration") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(number) => number.as_i64(),
        None => None,
    };
    // Nobody has a generation 0; it is what a controller writes that leaves the field alone.
    observed.is_some_and(|observed| observed != 0 && observed != generation) && condition.get("type").is_some()
}

fn any_condition(value: &Value, depth: usize, test: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Object(map) if depth < DEPTH => map.iter().any(|(key, inner)| {
            let conditions = (key == "conditions").then(|| inner.as_array()).flatten();
            conditions.is_some_and(|list| list.iter().any(test)) || any_condition(inner, depth + 1, test)
        }),
        Value::Array(items) if depth < DEPTH => items.iter().any(|item| any_condition(item, depth + 1, test)),
        _ => false,
    }
}

fn drop_conditions(value: &mut Value, depth: usize, generation: i64, first: &mut Option<(String, i64)>) {
    match value {
        Value::Object(map) if depth < DEPTH => {
            for (key, inner) in map.iter_mut() {
                if let Some(list) = inner.as_array_mut().filter(|_| key == "conditions") {
                    list.retain(|condition| {
                        let is_stale = is_of_another(condition, generation);
                        if is_stale && first.is_none() {
                            let observed = condition["observedGeneration"].as_i64().unwrap_or_default();
                            *first = Some((string_or(condition, &["type"], "a condition").to_owned(), observed));
                        }
                        !is_stale
                    });
                }
                drop_conditions(inner, depth + 1, generation, first);
            }
        }
        Value::Array(items) if depth < DEPTH => {
            items.iter_mut().for_each(|item| drop_conditions(item, depth + 1, generation, first));
        }
        _ => {}
    }
}
