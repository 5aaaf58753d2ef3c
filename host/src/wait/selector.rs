//! Label selectors of workloads.

use serde_json::Value;

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
