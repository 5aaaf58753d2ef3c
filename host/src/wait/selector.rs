//! Label selectors of workloads.

use serde_json::Value;

/// A label selector as kubectl's `--selector` takes it: `app=web,tier in (front, back),!legacy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    /// The values that are meant; none: whatever it is.
    values: Option<Vec<String>>,
    is_negated: bool,
}

impl LabelSelector {
    /// Reads one.
    ///
    /// # Errors
    /// A text that is none; it says which part.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts: Vec<String> = Vec::new();
        let (mut part, mut depth) = (String::new(), 0_u32);
        for letter in text.chars() {
            match letter {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                ',' if depth == 0 => {
                    parts.push(std::mem::take(&mut part));
                    continue;
                }
                _ => {}
            }
            part.push(letter);
        }
        parts.push(part);
        parts.iter().map(|part| requirement(part.trim())).collect::<Result<_, _>>().map(LabelSelector)
    }

    /// Whether it matches labels.
    pub fn selects(&self, labels: &Value) -> bool {
        self.0.iter().all(|requirement| {
            let value = labels.get(&requirement.key).and_then(Value::as_str);
            let is_met = match (&requirement.values, value) {
                (None, value) => value.is_some(),
                (Some(values), Some(value)) => values.iter().any(|wanted| wanted == value),
                (Some(_), None) => false,
            };
            is_met != requirement.is_negated
        })
    }
}

fn requirement(text: &str) -> Result<Requirement, String> {
    let wrong = || format!("`{text}` is no part of a label selector");
    let read = |key: &str, values: Option<Vec<String>>, is_negated| {
        let key = key.trim();
        let is_key =
            !key.is_empty() && key.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_./".contains(letter));
        is_key.then(|| Requirement { key: key.to_owned(), values, is_negated }).ok_or_else(wrong)
    };
    let one = |value: &str| Some(vec![value.trim().to_owned()]);
    if let Some((key, value)) = text.split_once("!=") {
        return read(key, one(value), true);
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return read(key, one(value), false);
    }
    if let Some((head, list)) = text.split_once('(') {
        let list = list.strip_suffix(')').ok_or_else(wrong)?;
        let values = Some(list.split(',').map(|value| value.trim().to_owned()).collect());
        let mut words = head.split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(key), Some("in"), None) => read(key, values, false),
            (Some(key), Some("notin"), None) => read(key, values, true),
            _ => Err(wrong()),
        };
    }
    match text.strip_prefix('!') {
        Some(key) => read(key, None, true),
        None => read(text, None, false),
    }
}

/// Whether a workload's selector (`spec.selector`) matches an object's labels. No selector matches nothing.
pub fn selects(workload: &Value, object: &Value) -> bool {
    let Some(selector) = workload["spec"]["selector"].as_object().filter(|selector| !selector.is_empty()) else {
        return false;
    };
    let label = |key: &str| object["metadata"]["labels"].get(key).and_then(Value::as_str);
    let equal = |labels: &serde_json::Map<String, Value>| {
        labels.iter().all(|(key, value)| value.as_str().is_some_and(|value| label(key) == Some(value)))
    };
    if workload["kind"] == "ReplicationController" {
        return equal(selector);
    }
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    if labels.is_none() && expressions.is_none() {
        return false;
    }
    labels.is_none_or(equal)
        && expressions.into_iter().flatten().all(|expression| {
            let value = label(expression["key"].as_str().unwrap_or_default());
            let listed = || {
                let values = expression["values"].as_array().into_iter().flatten();
                values.filter_map(Value::as_str).any(|wanted| value == Some(wanted))
            };
            match expression["operator"].as_str() {
                Some("In") => listed(),
                Some("NotIn") => !listed(),
                Some("Exists") => value.is_some(),
                Some("DoesNotExist") => value.is_none(),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_of_the_command_line() {
        let labels = json!({"app": "web", "tier": "front"});
        for (text, expected) in [
            ("app=web", Some(true)),
            ("app==web,tier!=back", Some(true)),
            ("app=web,tier in (back, front)", Some(true)),
            ("tier notin (front)", Some(false)),
            ("gone notin (front)", Some(true)),
            ("app", Some(true)),
            ("!app", Some(false)),
            ("gone!=x", Some(true)),
            ("", None),
            ("a b", None),
            ("a in (b", None),
            ("=x", None),
        ] {
            let found = LabelSelector::parse(text).ok().map(|selector| selector.selects(&labels));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn selectors_match_as_in_kubernetes() {
        let pod = json!({"metadata": {"labels": {"app": "web", "tier": "front"}}});
        let expression = |key, operator, values| json!([{"key": key, "operator": operator, "values": values}]);
        for (selector, expected) in [
            (json!({"matchLabels": {"app": "web"}}), true),
            (json!({"matchLabels": {"app": "web", "gone": "x"}}), false),
            (json!({"matchExpressions": expression("tier", "In", json!(["back", "front"]))}), true),
            (json!({"matchExpressions": expression("tier", "NotIn", json!(["front"]))}), false),
            (json!({"matchExpressions": expression("gone", "NotIn", json!(["front"]))}), true),
            (json!({"matchExpressions": expression("tier", "Exists", json!([]))}), true),
            (json!({"matchExpressions": expression("tier", "DoesNotExist", json!([]))}), false),
            (json!({"matchExpressions": expression("tier", "Nonsense", json!([]))}), false),
            (
                json!({"matchLabels": {"app": "web"}, "matchExpressions": expression("gone", "Exists", json!([]))}),
                false,
            ),
            (json!({}), false),
            (json!(null), false),
        ] {
            let workload = json!({"kind": "StatefulSet", "spec": {"selector": selector}});
            assert_eq!(selects(&workload, &pod), expected, "{selector}");
        }
        let controller = json!({"kind": "ReplicationController", "spec": {"selector": {"app": "web"}}});
        assert!(selects(&controller, &pod));
    }
}
