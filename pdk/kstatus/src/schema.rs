//! Whether a field that an expression names can exist at all, by the schema of the object's definition.

use serde_json::Value;

use crate::expression::Expression;
use crate::jsonpath::{Operand, PathStep};

/// A field that no object of the kind has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSuchField {
    /// Where it would be: `.status.phase`.
    pub path: String,
    /// The fields that are there instead, sorted.
    pub known: Vec<String>,
}

impl Expression {
    /// The first field on the expression's path that the schema of a CustomResourceDefinition (`openAPIV3Schema`) does
    /// not have. None where the schema leaves it open, as it does with `x-kubernetes-preserve-unknown-fields`.
    #[must_use]
    pub fn no_such_field(&self, schema: &Value) -> Option<NoSuchField> {
        let status = [PathStep::Field("status".to_owned())];
        walk(status.iter().chain(self.steps()), schema, String::new())
    }
}

fn walk<'s>(steps: impl Iterator<Item = &'s PathStep>, schema: &Value, mut path: String) -> Option<NoSuchField> {
    let mut place = schema;
    for step in steps {
        if is_open(place) {
            return None;
        }
        match step {
            PathStep::Field(name) => match field(place, name) {
                Found::Schema(inner) => {
                    place = inner;
                    path = format!("{path}.{name}");
                }
                Found::Open => return None,
                Found::Nothing(known) => return Some(NoSuchField { path: format!("{path}.{name}"), known }),
            },
            PathStep::Slice(_) | PathStep::Filter { .. } | PathStep::Exists(_) => {
                let items = place.get("items")?;
                path.push_str("[]");
                let inner = match step {
                    PathStep::Filter { left: Operand::Path(steps), .. } | PathStep::Exists(steps) => {
                        walk(steps.iter(), items, path.clone())
                    }
                    _ => None,
                };
                if inner.is_some() {
                    return inner;
                }
                place = items;
            }
            PathStep::Wildcard | PathStep::Recursive | PathStep::Union(_) => return None,
        }
    }
    None
}

/// What is not described may be anything.
fn is_open(schema: &Value) -> bool {
    let says = |key: &str| schema.get(key).and_then(Value::as_bool) == Some(true);
    let described =
        ["properties", "items", "additionalProperties", "type"].iter().any(|key| schema.get(*key).is_some());
    !described || says("x-kubernetes-preserve-unknown-fields") || says("x-kubernetes-embedded-resource")
}

enum Found<'s> {
    Schema(&'s Value),
    Open,
    Nothing(Vec<String>),
}

fn field<'s>(schema: &'s Value, name: &str) -> Found<'s> {
    let properties = schema.get("properties").and_then(Value::as_object);
    if let Some(inner) = properties.and_then(|all| all.get(name)) {
        return Found::Schema(inner);
    }
    match schema.get("additionalProperties") {
        Some(inner @ Value::Object(_)) => Found::Schema(inner),
        Some(Value::Bool(true)) => Found::Open,
        _ => Found::Nothing(properties.map(|all| all.keys().cloned().collect()).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let condition =
            json!({"type": "object", "properties": {"type": {"type": "string"}, "status": {"type": "string"}}});
        let schema = json!({"type": "object", "properties": {"spec": {"type": "object"}, "status": {"type": "object", "properties": {
            "phase": {"type": "string"},
            "conditions": {"type": "array", "items": condition},
            "nodes": {"type": "object", "additionalProperties": {"type": "object", "properties": {"ready": {"type": "boolean"}}}},
            "raw": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "port": {"x-kubernetes-int-or-string": true},
        }}}});
        let expression = Expression::parse(text).expect("an expression");
        assert_eq!(expression.no_such_field(&schema).map(|found| found.path).as_deref(), expected, "{text}");
    }

    #[test]
    fn fields_that_no_object_has() {
        check("{.phase} == Ready", None);
        check("{.status.phase} == Ready", None);
        check("{.phasee} == Ready", Some(".status.phasee"));
        check("{.phase.text} == Ready", Some(".status.phase.text"));
        check(r#"{.conditions[?(@.type=="Ready")].status} == "True""#, None);
        check(r#"{.conditions[?(@.typ=="Ready")].status} == "True""#, Some(".status.conditions[].typ"));
        check(r#"{.conditions[?(@.type=="Ready")].state} == "True""#, Some(".status.conditions[].state"));
        check("{.conditions[0].state} == x", Some(".status.conditions[].state"));
        check("{.nodes.a.ready} == true", None);
        check("{.nodes.a.redy} == true", Some(".status.nodes.a.redy"));
        check("{.raw.anything[0].x} == 1", None);
        check("{.port} == 80", None);
        check("{.nodes.*} == 80", None);
        let nothing = Expression::parse("{.phase} == x").expect("an expression");
        assert_eq!(nothing.no_such_field(&json!({})), None);
        let found = nothing.no_such_field(&json!({"type": "object", "properties": {"spec": {}}}));
        assert_eq!(found.map(|found| found.known), Some(vec!["spec".to_owned()]));
    }
}
