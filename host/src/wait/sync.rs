//! Whether a live object is what was asked for.
//!
//! What a manifest says must be in the live object; the live object may have more: defaults of the server, what other
//! tools added. Where the two differ, some differences are none: quantities in another notation, what is written and
//! never read back (a Secret's `stringData`), and fields that a controller of Kubernetes owns by the object's
//! `managedFields`, as an autoscaler owns `spec.replicas`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};

use crate::text::shown;

/// A field that is not as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `spec.template.spec.containers[app].image`.
    pub path: String,
    /// What was asked for; without the value where that is secret.
    pub wanted: String,
    /// What is there.
    pub found: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} is {} on the cluster, {} was asked for", self.path, self.found, self.wanted)
    }
}

/// How many characters of a value are shown.
const SHOWN: usize = 60;
/// How deep an object is compared; no object that a server takes is deeper.
const DEPTH: usize = 100;

/// Managers, as `metadata.managedFields` names them, that change what others have asked for because that is their job.
const CONTROLLERS: &[&str] = &[
    // HorizontalPodAutoscaler writes `spec.replicas`, by the subresource `scale`; volumes, service accounts.
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "cloud-controller-manager",
    // cert-manager's injector writes `caBundle` into webhooks, API services and definitions.
    "cainjector",
    "cert-manager-cainjector",
    // Webhooks' certificates, by kube-webhook-certgen and by controller-runtime's rotator.
    "kube-webhook-certgen",
    "cert-controller",
    // KEDA, Argo Rollouts and Flagger scale workloads.
    "keda",
    "keda-operator",
    "rollouts-controller",
    "flagger",
    // The vertical autoscaler.
    "vpa-updater",
    "vpa-recommender",
    // OLM and the service CA of OpenShift.
    "service-ca-operator",
];

/// Keys by which the items of a list are known, in the order in which they are tried (Kubernetes' own list-map keys).
const ITEM_KEYS: &[&str] =
    &["name", "mountPath", "devicePath", "containerPort", "port", "ip", "key", "topologyKey", "type"];

/// The first difference, where there is one.
pub fn compare(desired: &Value, live: &Value) -> Option<Difference> {
    let mut comparison = Comparison { live, path: Vec::new(), is_secret: desired["kind"] == "Secret" };
    let fields = desired.as_object()?;
    for (key, wanted) in fields {
        let found = match key.as_str() {
            "apiVersion" | "kind" | "status" => continue,
            "metadata" => comparison.metadata(wanted),
            "stringData" if comparison.is_secret => comparison.string_data(wanted),
            _ => comparison.field(key, wanted, live.get(key)),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// A step into an object: a field, or an item of a list with the item that is there.
enum FieldStep<'v> {
    Field(&'v str),
    Item(String, Option<&'v Value>),
}

struct Comparison<'v> {
    live: &'v Value,
    path: Vec<FieldStep<'v>>,
    is_secret: bool,
}

impl<'v> Comparison<'v> {
    /// Labels and annotations; the rest of the metadata is the server's.
    fn metadata(&mut self, wanted: &'v Value) -> Option<Difference> {
        self.path.push(FieldStep::Field("metadata"));
        let metadata = self.live.get("metadata");
        let found = ["labels", "annotations"].into_iter().find_map(|field| {
            let found = metadata.and_then(|metadata| metadata.get(field));
            self.field(field, wanted.get(field)?, found)
        });
        self.path.pop();
        found
    }

    /// It is written in plain and read back in `data`.
    fn string_data(&mut self, wanted: &'v Value) -> Option<Difference> {
        let data = self.live.get("data");
        wanted.as_object()?.iter().find_map(|(key, text)| {
            let encoded = BASE64.encode(text.as_str()?);
            let found = data.and_then(|data| data.get(key)).and_then(Value::as_str);
            (found != Some(&encoded)).then(|| Difference {
                path: format!("data[{key}]"),
                wanted: "another value".to_owned(),
                found: if found.is_some() { "a value" } else { "missing" }.to_owned(),
            })
        })
    }

    fn field(&mut self, key: &'v str, wanted: &'v Value, found: Option<&'v Value>) -> Option<Difference> {
        self.path.push(FieldStep::Field(key));
        let difference = self.value(wanted, found);
        self.path.pop();
        difference
    }

    fn item(&mut self, label: String, wanted: &'v Value, found: Option<&'v Value>) -> Option<Difference> {
        self.path.push(FieldStep::Item(label, found));
        let difference = self.value(wanted, found);
        self.path.pop();
        difference
    }

    fn value(&mut self, wanted: &'v Value, found: Option<&'v Value>) -> Option<Difference> {
        if wanted.is_null() || self.path.len() > DEPTH {
            return None;
        }
        match (wanted, found) {
            // What is empty is left out by the server, and an empty text or a port 0 asks for a default.
            (wanted, None | Some(Value::Null)) if is_empty(wanted) => None,
            (Value::String(text), Some(_)) if text.is_empty() => None,
            (Value::Object(wanted), Some(Value::Object(found))) => self.map(wanted, found),
            (Value::Array(wanted), Some(Value::Array(found))) => self.list(wanted, found),
            (wanted, Some(found)) if self.is_same(wanted, found) => None,
            (wanted, found) => self.differs(wanted, found),
        }
    }

    fn map(&mut self, wanted: &'v Map<String, Value>, found: &'v Map<String, Value>) -> Option<Difference> {
        wanted.iter().find_map(|(key, wanted)| self.field(key, wanted, found.get(key)))
    }

    /// Items with a key are known by it, wherever they stand; there may be more.
    fn list(&mut self, wanted: &'v [Value], found: &'v [Value]) -> Option<Difference> {
        if !wanted.iter().all(Value::is_object) {
            if wanted.len() > found.len() || wanted.is_empty() {
                return wanted.get(found.len()).and_then(|extra| self.item(found.len().to_string(), extra, None));
            }
            let pairs = wanted.iter().zip(found).enumerate();
            return pairs
                .map(|(index, (wanted, found))| (index, wanted, found))
                .find_map(|(index, wanted, found)| self.item(index.to_string(), wanted, Some(found)))
                .or_else(|| {
                    // A list of plain values is one value.
                    let extra = found.get(wanted.len())?;
                    self.excess(wanted.len(), extra)
                });
        }
        if let Some(key) = ITEM_KEYS.iter().copied().find(|key| is_key(key, wanted)) {
            return wanted.iter().find_map(|wanted| {
                let twin = found.iter().find(|found| found.get(key) == wanted.get(key));
                self.item(label(wanted.get(key)), wanted, twin)
            });
        }
        for (index, one) in wanted.iter().enumerate() {
            // By its place, or, as the server sorts some lists, anywhere.
            let Some(difference) = self.item(index.to_string(), one, found.get(index)) else { continue };
            let is_elsewhere = found.iter().any(|found| self.item(index.to_string(), one, Some(found)).is_none());
            if !is_elsewhere {
                return Some(difference);
            }
        }
        None
    }

    fn excess(&self, index: usize, extra: &Value) -> Option<Difference> {
        if self.is_a_controllers() {
            return None;
        }
        let path = format!("{}[{index}]", self.path_text());
        Some(Difference { path, wanted: "nothing".to_owned(), found: self.show(Some(extra)) })
    }

    fn is_same(&self, wanted: &Value, found: &Value) -> bool {
        if wanted == found {
            return true;
        }
        if let (Some(wanted), Some(found)) = (wanted.as_f64(), found.as_f64()) {
            return wanted.total_cmp(&found).is_eq() || (wanted == 0.0 && self.is_at("nodePort"));
        }
        let is_quantity = matches!(self.path.first(), Some(FieldStep::Field("spec")))
            && !self.path.iter().any(|step| matches!(step, FieldStep::Field("env" | "args" | "command")));
        is_quantity && quantity(wanted).zip(quantity(found)).is_some_and(|(wanted, found)| is_close(wanted, found))
    }

    fn is_at(&self, field: &str) -> bool {
        matches!(self.path.last(), Some(FieldStep::Field(last)) if *last == field)
    }

    fn differs(&self, wanted: &Value, found: Option<&Value>) -> Option<Difference> {
        if self.is_a_controllers() {
            return None;
        }
        Some(Difference { path: self.path_text(), wanted: self.show(Some(wanted)), found: self.show(found) })
    }

    fn show(&self, value: Option<&Value>) -> String {
        match value {
            None => "missing".to_owned(),
            Some(_) if self.is_secret && matches!(self.path.first(), Some(FieldStep::Field("data"))) => {
                "another value".to_owned()
            }
            Some(value) => shown_value(value),
        }
    }

    fn path_text(&self) -> String {
        let mut text = String::new();
        for step in &self.path {
            match step {
                FieldStep::Field(name) if name.contains(['.', '/']) => text.push_str(&format!("[{name}]")),
                FieldStep::Field(name) if text.is_empty() => text.push_str(name),
                FieldStep::Field(name) => {
                    text.push('.');
                    text.push_str(name);
                }
                FieldStep::Item(name, _) => text.push_str(&format!("[{name}]")),
            }
        }
        text
    }

    /// Whether a controller owns the field, by the object's managed fields.
    fn is_a_controllers(&self) -> bool {
        let entries = self.live.pointer("/metadata/managedFields").and_then(Value::as_array);
        entries.into_iter().flatten().any(|entry| {
            let manager = entry["manager"].as_str().unwrap_or_default();
            CONTROLLERS.contains(&manager) && self.is_owned(&entry["fieldsV1"])
        })
    }

    /// Whether a tree of fields (`f:spec`, `k:{"name":"app"}`) has the path or the list around it.
    fn is_owned(&self, fields: &Value) -> bool {
        let mut place = fields;
        for step in &self.path {
            let Some(tree) = place.as_object() else { return false };
            // A leaf: all that is below belongs to its owner.
            if tree.is_empty() {
                return true;
            }
            let next = match step {
                FieldStep::Field(name) => tree.get(&format!("f:{name}")),
                FieldStep::Item(_, found) => tree.iter().find_map(|(key, inner)| {
                    let keys: Value = serde_json::from_str(key.strip_prefix("k:")?).ok()?;
                    let found = (*found)?;
                    keys.as_object()?.iter().all(|(name, value)| found.get(name) == Some(value)).then_some(inner)
                }),
            };
            let Some(next) = next else { return false };
            place = next;
        }
        true
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.values().all(is_empty),
    }
}

/// Whether every item has a value of its own at this key.
fn is_key(key: &str, items: &[Value]) -> bool {
    let mut seen = std::collections::HashSet::new();
    items.iter().all(|item| {
        let value = item.get(key).filter(|value| value.is_string() || value.is_number());
        value.is_some_and(|value| seen.insert(value.to_string()))
    })
}

/// A value as a message shows it.
pub(super) fn shown_value(value: &Value) -> String {
    shown(&value.to_string(), SHOWN).replace("\\\"", "\"")
}

/// The name of an item of a list, as a path shows it.
pub(super) fn label(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => shown(text, SHOWN),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// A quantity of Kubernetes (`500m`, `1Gi`, `2e3`) as a number.
fn quantity(value: &Value) -> Option<f64> {
    let text = match value {
        Value::String(text) => text.as_str(),
        Value::Number(number) => return number.as_f64(),
        _ => return None,
    };
    let end = text.find(|letter: char| !letter.is_ascii_digit() && !"+-.".contains(letter)).unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(end)?;
    let number: f64 = number.parse().ok()?;
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        "Ei" => 1_152_921_504_606_846_976.0,
        exponent => 10f64.powi(exponent.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    Some(number * factor)
}

fn is_close(left: f64, right: f64) -> bool {
    (left - right).abs() <= f64::EPSILON * 4.0 * left.abs().max(right.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(desired: Value, live: Value, expected: Option<&str>) {
        let found = compare(&desired, &live).map(|difference| difference.to_string());
        assert_eq!(found.as_deref(), expected, "{desired} {live}");
    }

    #[test]
    fn a_manifest_is_a_part_of_the_live_object() {
        check(json!({"spec": {"replicas": 2}}), json!({"spec": {"replicas": 2, "paused": false}, "status": {}}), None);
        check(
            json!({"spec": {"replicas": 2}}),
            json!({"spec": {"replicas": 5}}),
            Some("spec.replicas is 5 on the cluster, 2 was asked for"),
        );
        check(json!({"spec": {"a": null, "b": "", "c": {}, "d": false, "e": {"f": []}}}), json!({"spec": {}}), None);
        check(
            json!({"metadata": {"name": "x", "labels": {"app.kubernetes.io/version": "2"}}}),
            json!({"metadata": {"name": "x", "labels": {"app.kubernetes.io/version": "1", "more": "x"}}}),
            Some("metadata.labels[app.kubernetes.io/version] is \"1\" on the cluster, \"2\" was asked for"),
        );
        let pod = |image: &str, more: &[Value]| {
            let mut containers = more.to_vec();
            containers
                .push(json!({"name": "app", "image": image, "ports": [{"containerPort": 80, "protocol": "TCP"}]}));
            json!({"spec": {"containers": containers}})
        };
        check(pod("a:1", &[]), pod("a:1", &[json!({"name": "sidecar"})]), None);
        check(
            pod("a:2", &[]),
            pod("a:1", &[]),
            Some("spec.containers[app].image is \"a:1\" on the cluster, \"a:2\" was asked for"),
        );
        check(
            json!({"spec": {"args": ["a"]}}),
            json!({"spec": {"args": ["a", "b"]}}),
            Some("spec.args[1] is \"b\" on the cluster, nothing was asked for"),
        );
        check(
            json!({"spec": {"metrics": [{"a": 1}, {"a": 2}]}}),
            json!({"spec": {"metrics": [{"a": 2}, {"a": 1}]}}),
            None,
        );
    }

    #[test]
    fn quantities_have_several_notations() {
        let limits =
            |cpu: Value, memory: &str| json!({"spec": {"resources": {"limits": {"cpu": cpu, "memory": memory}}}});
        check(limits(json!(1), "1024Mi"), limits(json!("1000m"), "1Gi"), None);
        check(limits(json!("0.1"), "1e3"), limits(json!("100m"), "1k"), None);
        check(
            limits(json!(2), "1Gi"),
            limits(json!("1"), "1Gi"),
            Some("spec.resources.limits.cpu is \"1\" on the cluster, 2 was asked for"),
        );
        check(
            json!({"spec": {"env": [{"name": "A", "value": "1"}]}}),
            json!({"spec": {"env": [{"name": "A", "value": "1000m"}]}}),
            Some("spec.env[A].value is \"1000m\" on the cluster, \"1\" was asked for"),
        );
    }

    #[test]
    fn secrets_are_compared_and_never_shown() {
        let secret = |field: &str, text: &str| json!({"kind": "Secret", field: {"password": text}});
        check(secret("stringData", "x"), secret("data", "eA=="), None);
        for (field, text) in [("stringData", "hidden"), ("data", "aGlkZGVu")] {
            let said = compare(&secret(field, text), &secret("data", "b3RoZXI=")).expect("a difference").to_string();
            assert!(!said.contains("hidden") && !said.contains("b3RoZXI") && !said.contains(text), "{said}");
        }
    }

    #[test]
    fn what_a_controller_owns_may_differ() {
        let live = |manager: &str| {
            json!({
                "metadata": {"managedFields": [
                    {"manager": "helm", "fieldsV1": {"f:spec": {"f:template": {}}}},
                    {"manager": manager, "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
                ]},
                "spec": {"replicas": 5, "webhooks": [{"name": "a", "caBundle": "x"}]},
            })
        };
        check(json!({"spec": {"replicas": 2}}), live("kube-controller-manager"), None);
        check(
            json!({"spec": {"replicas": 2}}),
            live("kubectl"),
            Some("spec.replicas is 5 on the cluster, 2 was asked for"),
        );
        let webhook = json!({
            "metadata": {"managedFields": [{"manager": "cainjector", "fieldsV1": {"f:webhooks": {"k:{\"name\":\"a\"}": {"f:clientConfig": {"f:caBundle": {}}}}}}]},
            "webhooks": [{"name": "a", "clientConfig": {"caBundle": "x"}}],
        });
        check(json!({"webhooks": [{"name": "a", "clientConfig": {"caBundle": "Cg=="}}]}), webhook, None);
    }
}
