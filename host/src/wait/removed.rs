//! Fields that nobody asks for any more, and that are still there: who has asked for them once is said by the object.
//!
//! Two things prove it. With server-side apply the manager that applies the manifest owns exactly the fields of the
//! last one that was applied. With client-side apply of kubectl an annotation holds the last manifest. Helm 3 leaves
//! neither: what its manager owns includes the server's defaults.

use serde_json::{Map, Value};

use super::sync::{Difference, label, shown_value};

/// Managers that apply manifests, by `managedFields`. Helm's own comes first: where there is one, no other counts.
const HELM: &str = "helm";
const KUBECTL: &str = "kubectl";
/// Where kubectl keeps what it has applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Labels and annotations that Helm adds to what the manifest says.
const HELMS_OWN: &[&str] =
    &["app.kubernetes.io/managed-by", "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"];
/// How deep is looked.
const DEPTH: usize = 100;

/// The first such field.
pub(super) fn removed(desired: &Value, live: &Value) -> Option<Difference> {
    let entries = || live.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten();
    let is_helms = entries().any(|entry| entry["manager"] == HELM);
    let manager = if is_helms { HELM } else { KUBECTL };
    let applied = entries().find(|entry| {
        entry["manager"] == manager
            && entry["operation"] == "Apply"
            && entry["subresource"].as_str().is_none_or(str::is_empty)
            && entry["apiVersion"] == desired["apiVersion"]
    });
    let mut search = Search { is_secret: desired["kind"] == "Secret", path: Vec::new() };
    if let Some(tree) = applied.and_then(|entry| entry["fieldsV1"].as_object()) {
        return search.top(tree, desired, live);
    }
    let annotation =
        live.pointer("/metadata/annotations").and_then(|all| all.get(LAST_APPLIED)).and_then(Value::as_str);
    let last: Value = serde_json::from_str(annotation.filter(|_| !is_helms)?).ok()?;
    (last["apiVersion"] == desired["apiVersion"]).then(|| search.top(tree_of(&last, 0).as_object()?, desired, live))?
}

/// A manifest as the tree of its fields; items of lists are left out, as only the server knows what tells them apart.
fn tree_of(manifest: &Value, depth: usize) -> Value {
    let fields = manifest.as_object().filter(|_| depth < DEPTH);
    let named = fields.into_iter().flatten().map(|(key, value)| (format!("f:{key}"), tree_of(value, depth + 1)));
    Value::Object(named.collect())
}

struct Search {
    is_secret: bool,
    path: Vec<String>,
}

impl Search {
    fn top(&mut self, tree: &Map<String, Value>, desired: &Value, live: &Value) -> Option<Difference> {
        for (key, inner) in tree {
            let Some(name) = key.strip_prefix("f:") else { continue };
            let found = match name {
                "apiVersion" | "kind" | "status" | "stringData" => None,
                "metadata" => self.metadata(inner, desired, live),
                "data" if self.is_secret && desired.get("stringData").is_some() => None,
                _ => self.field(name, inner, desired, live),
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn metadata(&mut self, tree: &Value, desired: &Value, live: &Value) -> Option<Difference> {
        for field in ["labels", "annotations"] {
            let Some(owned) = tree.get(format!("f:{field}")).and_then(Value::as_object) else { continue };
            for (key, _) in owned {
                let Some(name) = key.strip_prefix("f:").filter(|name| !HELMS_OWN.contains(name)) else { continue };
                let of =
                    |object: &'_ Value| -> Option<Value> { object.get("metadata")?.get(field)?.get(name).cloned() };
                if let (None, Some(found)) = (of(desired), of(live)) {
                    let path = format!("metadata.{field}[{name}]");
                    return Some(difference(path, shown_value(&found)));
                }
            }
        }
        None
    }

    fn field(&mut self, name: &str, tree: &Value, desired: &Value, live: &Value) -> Option<Difference> {
        let found = live.get(name).filter(|found| !found.is_null())?;
        let is_plain = !name.contains(['.', '/']);
        let dot = if self.path.is_empty() { "" } else { "." };
        self.path.push(if is_plain { format!("{dot}{name}") } else { format!("[{name}]") });
        let difference = match desired.get(name) {
            Some(wanted) => self.below(tree, wanted, found),
            None => Some(self.said(found)),
        };
        self.path.pop();
        difference
    }

    fn below(&mut self, tree: &Value, desired: &Value, live: &Value) -> Option<Difference> {
        let fields = tree.as_object().filter(|_| self.path.len() < DEPTH)?;
        fields.iter().find_map(|(key, inner)| match key.split_once(':') {
            Some(("f", name)) if desired.is_object() => self.field(name, inner, desired, live),
            Some(("k", keys)) => self.item(keys, inner, desired.as_array()?, live.as_array()?),
            Some(("v", value)) => {
                let value: Value = serde_json::from_str(value).ok()?;
                let (asked, there) = (desired.as_array()?, live.as_array()?);
                (!asked.contains(&value) && there.contains(&value)).then(|| self.said(&value))
            }
            _ => None,
        })
    }

    /// An item of a list, known by some of its fields. What a manifest leaves out of them has the server's default.
    fn item(&mut self, keys: &str, tree: &Value, desired: &[Value], live: &[Value]) -> Option<Difference> {
        let keys: Map<String, Value> = serde_json::from_str(keys).ok()?;
        let found = live.iter().find(|item| keys.iter().all(|(key, value)| item.get(key) == Some(value)))?;
        let asked =
            desired.iter().find(|item| keys.iter().all(|(key, value)| item.get(key).is_none_or(|own| own == value)));
        let name = keys.get("name").or_else(|| keys.values().next());
        self.path.push(format!("[{}]", label(name)));
        let difference = match asked {
            Some(asked) => self.below(tree, asked, found),
            None => Some(self.said(found)),
        };
        self.path.pop();
        difference
    }

    fn said(&self, found: &Value) -> Difference {
        let is_hidden = self.is_secret && self.path.first().is_some_and(|first| first == "data");
        let found = if is_hidden { "a value".to_owned() } else { shown_value(found) };
        difference(self.path.concat(), found)
    }
}

fn difference(path: String, found: String) -> Difference {
    Difference { path, wanted: "nothing".to_owned(), found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(desired: &Value, live: &Value, expected: Option<&str>) {
        assert_eq!(removed(desired, live).map(|found| found.to_string()).as_deref(), expected, "{desired} {live}");
    }

    /// A Deployment with an environment, ports and labels, applied by a manager in some way.
    fn live(manager: &str, operation: &str) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "labels": {"app": "web", "tier": "front", "app.kubernetes.io/managed-by": "Helm"},
                "managedFields": [
                    {"manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsV1": {
                        "f:metadata": {"f:labels": {"f:app": {}, "f:tier": {}, "f:app.kubernetes.io/managed-by": {}}},
                        "f:spec": {"f:replicas": {}, "f:containers": {"k:{\"name\":\"app\"}": {
                            ".": {}, "f:name": {}, "f:image": {},
                            "f:env": {"k:{\"name\":\"A\"}": {".": {}, "f:name": {}, "f:value": {}}, "k:{\"name\":\"B\"}": {".": {}, "f:name": {}, "f:value": {}}},
                            "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}},
                        }}, "f:finalizers": {"v:\"a\"": {}, "v:\"b\"": {}}},
                    }},
                    {"manager": "other", "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": {"f:spec": {"f:paused": {}}}},
                ],
            },
            "spec": {
                "replicas": 2, "paused": false, "finalizers": ["a", "b", "c"],
                "containers": [{"name": "app", "image": "a:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                    "ports": [{"containerPort": 80, "protocol": "TCP"}]}],
            },
        })
    }

    fn asked() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"labels": {"app": "web", "tier": "front"}},
            "spec": {
                "replicas": 2, "finalizers": ["a", "b"],
                "containers": [{"name": "app", "image": "a:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                    "ports": [{"containerPort": 80}]}],
            },
        })
    }

    #[test]
    fn what_was_taken_out_of_the_manifest() {
        let all = live("helm", "Apply");
        check(&asked(), &all, None);
        let without = |pointer: &str, key: &str| {
            let mut asked = asked();
            match asked.pointer_mut(pointer) {
                Some(Value::Object(fields)) => drop(fields.remove(key)),
                Some(Value::Array(items)) => drop(items.remove(key.parse().expect("a number"))),
                _ => panic!("nothing at {pointer}"),
            }
            asked
        };
        for (pointer, key, said) in [
            ("/spec", "replicas", "spec.replicas is 2 on the cluster, nothing was asked for"),
            (
                "/spec/containers/0/env",
                "1",
                "spec.containers[app].env[B] is {\"name\":\"B\",\"value\":\"2\"} on the cluster, nothing was asked for",
            ),
            (
                "/spec/containers/0",
                "ports",
                "spec.containers[app].ports is [{\"containerPort\":80,\"protocol\":\"TCP\"}] on the cluster, nothing was asked for",
            ),
            ("/spec/finalizers", "1", "spec.finalizers is \"b\" on the cluster, nothing was asked for"),
            ("/metadata/labels", "tier", "metadata.labels[tier] is \"front\" on the cluster, nothing was asked for"),
        ] {
            let asked = without(pointer, key);
            check(&asked, &all, Some(said));
            check(&asked, &live("kubectl", "Apply"), Some(said));
            // What an update owns includes defaults, and somebody else's fields are none of ours.
            check(&asked, &live("helm", "Update"), None);
            check(&asked, &live("argocd", "Apply"), None);
        }
        // Gone from the cluster as well.
        let mut gone = live("helm", "Apply");
        gone["spec"].as_object_mut().expect("a map").remove("replicas");
        check(&without("/spec", "replicas"), &gone, None);
        // Another version has other fields.
        let mut other = without("/spec", "replicas");
        other["apiVersion"] = "apps/v1beta1".into();
        check(&other, &all, None);
    }

    #[test]
    fn what_kubectl_has_applied_last() {
        let last = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1", "b": "2"}}).to_string();
        let live = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1", "b": "2", "c": "3"},
            "metadata": {"annotations": {LAST_APPLIED: last}},
        });
        let asked = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data});
        check(&asked(json!({"a": "1", "b": "2"})), &live, None);
        check(&asked(json!({"a": "1"})), &live, Some("data.b is \"2\" on the cluster, nothing was asked for"));
        let mut helms = live;
        helms["metadata"]["managedFields"] = json!([{"manager": "helm", "operation": "Update"}]);
        check(&asked(json!({"a": "1"})), &helms, None);
    }

    #[test]
    fn secrets_are_never_shown() {
        let live = json!({
            "apiVersion": "v1", "kind": "Secret", "data": {"a": "aGlkZGVu"},
            "metadata": {"managedFields": [{"manager": "helm", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:a": {}}}}]},
        });
        let asked = json!({"apiVersion": "v1", "kind": "Secret", "data": {}});
        check(&asked, &live, Some("data.a is a value on the cluster, nothing was asked for"));
    }
}
