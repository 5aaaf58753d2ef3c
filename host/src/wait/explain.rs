//! Why an object is not ready: its conditions, what its pods wait for, recent warning events.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use windlass_kstatus::Status;

use super::Row;
use super::discovery::Discovery;
use super::selector::selects;
use crate::cluster::Cluster;

/// The most lines of each sort that are given for one object.
const MAX_LINES: usize = 5;
/// The most objects that are explained.
const MAX_EXPLAINED: usize = 50;

/// What is known about an object that is not ready.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasons {
    /// Its own conditions, but for those that say that all is well.
    pub conditions: Vec<String>,
    /// Its pods, with what they wait for.
    pub pods: Vec<String>,
    /// Warning events of the object and its pods, the newest first.
    pub events: Vec<String>,
}

impl Reasons {
    /// Whether nothing was found out.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty() && self.pods.is_empty() && self.events.is_empty()
    }
}

/// Explains the objects that are in progress, failed, or could not be judged. `object` gives an object's last state.
/// What the rights do not allow to look at is left out.
pub async fn explain<'o>(
    cluster: &Cluster,
    discovery: &Discovery,
    rows: &[Row],
    object: impl Fn(usize) -> Option<&'o Value>,
) -> BTreeMap<usize, Reasons> {
    let mut around = Around { cluster, discovery, pods: BTreeMap::new(), events: BTreeMap::new() };
    let mut reasons = BTreeMap::new();
    let unready = rows.iter().enumerate().filter(|(_, row)| {
        matches!(row.verdict.status, Status::InProgress | Status::Failed | Status::Unknown | Status::Terminating)
    });
    for (index, row) in unready.take(MAX_EXPLAINED) {
        let Some(object) = object(index) else { continue };
        let mut found = Reasons { conditions: conditions(object), ..Reasons::default() };
        if let Some(finalizers) = finalizers(object) {
            found.conditions.push(finalizers);
        }
        let mut names = BTreeSet::from([(row.key.kind.clone(), row.key.name.clone())]);
        if row.key.kind == "Pod" {
            found.pods.extend(pod_problem(object));
        } else if object["spec"]["selector"].is_object() {
            for pod in around.pods(&row.key.namespace).await.iter().filter(|pod| belongs(object, pod)) {
                names.insert(("Pod".to_owned(), text(&pod["metadata"]["name"])));
                found.pods.extend(pod_problem(pod));
            }
        }
        found.events = events(around.events(&row.key.namespace).await, row, &names);
        found.conditions.truncate(MAX_LINES);
        found.pods.truncate(MAX_LINES);
        reasons.insert(index, found);
    }
    reasons
}

/// What is looked at once per namespace.
struct Around<'c> {
    cluster: &'c Cluster,
    discovery: &'c Discovery,
    pods: BTreeMap<String, Vec<Value>>,
    events: BTreeMap<String, Vec<Value>>,
}

impl Around<'_> {
    async fn pods(&mut self, namespace: &str) -> &[Value] {
        if !self.pods.contains_key(namespace) {
            let found = self.list("Pod", namespace, &[]).await;
            self.pods.insert(namespace.to_owned(), found);
        }
        self.pods.get(namespace).map_or(&[], Vec::as_slice)
    }

    async fn events(&mut self, namespace: &str) -> &[Value] {
        if !self.events.contains_key(namespace) {
            let mut found = self.list("Event", namespace, &[("fieldSelector", "type=Warning")]).await;
            found.sort_by_key(|event| std::cmp::Reverse(event_time(event)));
            self.events.insert(namespace.to_owned(), found);
        }
        self.events.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// Nothing where it may not be looked at: an explanation is a courtesy.
    async fn list(&self, kind: &str, namespace: &str, selectors: &[(&str, &str)]) -> Vec<Value> {
        let Ok(Some(resource)) = self.discovery.resource(self.cluster, "v1", kind).await else { return Vec::new() };
        let listed = self.cluster.list(&resource.collection(namespace), selectors, &mut |_| true).await;
        listed.map(|listed| listed.items).unwrap_or_default()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Whether a pod is one of a workload's: selected by it, and controlled by it or by one of its replica sets or jobs.
pub(super) fn belongs(workload: &Value, pod: &Value) -> bool {
    if pod["metadata"]["namespace"] != workload["metadata"]["namespace"] || !selects(workload, pod) {
        return false;
    }
    let Some(owners) = pod["metadata"]["ownerReferences"].as_array() else { return false };
    let name = workload["metadata"]["name"].as_str().unwrap_or_default();
    owners.iter().any(|owner| {
        owner["uid"] == workload["metadata"]["uid"]
            || (workload["kind"] == "Deployment"
                && owner["kind"] == "ReplicaSet"
                && owner["name"]
                    .as_str()
                    .and_then(|owner| owner.strip_prefix(name))
                    .is_some_and(|rest| rest.starts_with('-')))
    })
}

/// Conditions that tell of trouble: those that are not what their type makes one hope for.
fn conditions(object: &Value) -> Vec<String> {
    let list = object["status"]["conditions"].as_array().into_iter().flatten();
    list.filter_map(|condition| {
        let (kind, status) = (condition["type"].as_str()?, condition["status"].as_str()?);
        let bad_when_true =
            ["Stalled", "Reconciling", "Failed", "FailureTarget", "ReplicaFailure", "NotReady"].contains(&kind);
        if (status == "True") != bad_when_true {
            return None;
        }
        let mut line = format!("{kind}={status}");
        for part in [&condition["reason"], &condition["message"]] {
            if let Some(part) = part.as_str().filter(|part| !part.is_empty()) {
                line = format!("{line}: {part}");
            }
        }
        Some(line)
    })
    .collect()
}

fn finalizers(object: &Value) -> Option<String> {
    object["metadata"]["deletionTimestamp"].as_str()?;
    let names: Vec<&str> = object["metadata"]["finalizers"].as_array()?.iter().filter_map(Value::as_str).collect();
    (!names.is_empty()).then(|| format!("deletion waits for the finalizers {}", names.join(", ")))
}

/// What a pod waits for; nothing for a pod that is ready or done.
fn pod_problem(pod: &Value) -> Option<String> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let status = &pod["status"];
    let phase = status["phase"].as_str().unwrap_or("no phase yet");
    let conditions = || status["conditions"].as_array().into_iter().flatten();
    let is_ready = conditions().any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    if is_ready || phase == "Succeeded" {
        return None;
    }
    let mut details = Vec::new();
    for list in ["initContainerStatuses", "containerStatuses"] {
        for container in status[list].as_array().into_iter().flatten() {
            details.extend(container_problem(container));
        }
    }
    if details.is_empty() {
        let unscheduled =
            conditions().find(|condition| condition["type"] == "PodScheduled" && condition["status"] == "False");
        let unready = || conditions().find(|condition| condition["type"] == "Ready" && condition["status"] != "True");
        if let Some(condition) = unscheduled.or_else(unready) {
            let parts = [&condition["reason"], &condition["message"]];
            let parts: Vec<&str> =
                parts.into_iter().filter_map(|part| part.as_str()).filter(|part| !part.is_empty()).collect();
            details.push(parts.join(": "));
        }
    }
    Some(match details.is_empty() {
        true => format!("{name} is {phase}"),
        false => format!("{name} is {phase}: {}", details.join("; ")),
    })
}

fn container_problem(container: &Value) -> Option<String> {
    let name = container["name"].as_str().unwrap_or_default();
    let state = &container["state"];
    let (word, state) = match (&state["waiting"], &state["terminated"]) {
        (waiting @ Value::Object(_), _) => ("waits", waiting),
        (_, ended @ Value::Object(_)) if ended["exitCode"] != 0 => ("ended", ended),
        _ => return None,
    };
    let mut line = format!("container {name} {word}");
    for part in [&state["reason"], &state["message"]] {
        if let Some(part) = part.as_str().filter(|part| !part.is_empty()) {
            line = format!("{line}: {part}");
        }
    }
    if let Some(code) = state["exitCode"].as_i64() {
        line = format!("{line} (exit code {code})");
    }
    match container["restartCount"].as_i64() {
        Some(restarts) if restarts > 0 => Some(format!("{line}, {restarts} restarts")),
        _ => Some(line),
    }
}

fn event_time(event: &Value) -> String {
    let series = &event["series"]["lastObservedTime"];
    let times = [series, &event["lastTimestamp"], &event["eventTime"], &event["metadata"]["creationTimestamp"]];
    times.into_iter().find_map(|time| time.as_str()).unwrap_or_default().to_owned()
}

/// The warning events of these objects, and of replica sets of a deployment.
fn events(all: &[Value], row: &Row, names: &BTreeSet<(String, String)>) -> Vec<String> {
    let mut lines = Vec::new();
    for event in all {
        let about = &event["involvedObject"];
        let (kind, name) = (text(&about["kind"]), text(&about["name"]));
        let of_replica_set = row.key.kind == "Deployment"
            && kind == "ReplicaSet"
            && name.strip_prefix(&row.key.name).is_some_and(|rest| rest.starts_with('-'));
        if !of_replica_set && !names.contains(&(kind.clone(), name.clone())) {
            continue;
        }
        let count = event["series"]["count"].as_i64().or_else(|| event["count"].as_i64()).unwrap_or(1);
        let times = if count > 1 { format!(" ({count} times)") } else { String::new() };
        let line = format!("{kind}/{name}: {}: {}{times}", text(&event["reason"]), text(&event["message"]));
        if !lines.contains(&line) {
            lines.push(line);
        }
        if lines.len() == MAX_LINES {
            break;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pods_say_what_they_wait_for() {
        for (status, expected) in [
            (json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}), None),
            (json!({"phase": "Succeeded"}), None),
            (json!({}), Some("web-0 is no phase yet")),
            (
                json!({"phase": "Pending", "containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"x\""}}}]}),
                Some("web-0 is Pending: container app waits: ImagePullBackOff: Back-off pulling image \"x\""),
            ),
            (
                json!({"phase": "Running", "containerStatuses": [{"name": "app", "restartCount": 3, "state": {"terminated": {"reason": "Error", "exitCode": 2}}}]}),
                Some("web-0 is Running: container app ended: Error (exit code 2), 3 restarts"),
            ),
            (
                json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}]}),
                Some("web-0 is Pending: Unschedulable: 0/1 nodes are available"),
            ),
        ] {
            let pod = json!({"metadata": {"name": "web-0"}, "status": status});
            assert_eq!(pod_problem(&pod).as_deref(), expected, "{pod}");
        }
    }

    #[test]
    fn only_troubling_conditions_are_told() {
        let object = json!({"status": {"conditions": [
            {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable", "message": "Deployment does not have minimum availability."},
            {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"},
            {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"},
            {"type": "Complete"},
        ]}});
        assert_eq!(
            conditions(&object),
            [
                "Available=False: MinimumReplicasUnavailable: Deployment does not have minimum availability.",
                "Failed=True: BackoffLimitExceeded"
            ]
        );
    }
}
