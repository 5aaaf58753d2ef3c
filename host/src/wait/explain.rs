//! Why an object is not ready: its conditions, what its pods wait for, the last words of containers that crash, recent
//! warning events. Who belongs to whom is said by UIDs, never by names.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use windlass_kstatus::{Status, parse_rfc3339};

use super::discovery::Discovery;
use super::{Row, cut};
use crate::cluster::{Cluster, RequestFailure, escape};

/// The most lines of each sort that are given for one object.
const MAX_LINES: usize = 5;
/// The longest line, in bytes as they are written: with all lines of all sorts an object has less than 64 KiB.
const MAX_LINE: usize = 2_000;
/// The most objects that are explained.
const MAX_EXPLAINED: usize = 50;
/// The most containers whose last words are fetched, of one object and of all.
const MAX_LOGS: (usize, usize) = (2, 10);
/// How many lines and bytes of a container's log are asked for.
const LOG_TAIL: (&str, &str) = ("5", "4096");

/// What is known about an object that is not ready.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasons {
    /// The cause behind the others, in words that are the same for every object that it holds up.
    pub root: Option<String>,
    /// Its own conditions, but for those that say that all is well.
    pub conditions: Vec<String>,
    /// Its pods, with what they wait for.
    pub pods: Vec<String>,
    /// The last lines that its crashing containers have written.
    pub logs: Vec<String>,
    /// Warning events of the object and its pods, the newest first.
    pub events: Vec<String>,
}

impl Reasons {
    /// Whether nothing was found out.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty() && self.pods.is_empty() && self.events.is_empty() && self.logs.is_empty()
    }

    /// Every text once, none too long, not too many.
    fn tidied(&self, said: &str) -> Self {
        let mut tidy = self.clone();
        if let Some(root) = &mut tidy.root {
            cut(root, MAX_LINE);
        }
        let mut seen = BTreeSet::from([said.to_owned()]);
        for lines in [&mut tidy.conditions, &mut tidy.pods, &mut tidy.logs, &mut tidy.events] {
            lines.retain(|line| seen.insert(line.clone()));
            let hidden = lines.len().saturating_sub(MAX_LINES);
            lines.truncate(MAX_LINES);
            lines.iter_mut().for_each(|line| cut(line, MAX_LINE));
            if hidden > 0 {
                lines.push(format!("and {hidden} more"));
            }
        }
        tidy
    }
}

/// Explains the objects that are in progress, failed, or could not be judged, as long as there is time: what is found
/// out goes to `reasons` at once. `object` gives an object's last state. What the rights do not allow to look at is
/// left out.
pub async fn explain<'o>(
    cluster: &Cluster,
    discovery: &Discovery,
    rows: &[Row],
    object: impl Fn(usize) -> Option<&'o Value>,
    reasons: &mut BTreeMap<usize, Reasons>,
) {
    let mut around = Around { cluster, discovery, found: BTreeMap::new(), logs: 0 };
    let unready = rows.iter().enumerate().filter(|(_, row)| {
        let status = row.verdict.status;
        matches!(status, Status::InProgress | Status::Failed | Status::Unknown | Status::Terminating) && !row.is_denied
    });
    for (index, row) in unready.take(MAX_EXPLAINED) {
        let Some(object) = object(index) else { continue };
        let mut found = Reasons { conditions: conditions(object), ..Reasons::default() };
        found.conditions.extend(finalizers(object));
        reasons.insert(index, found.tidied(&row.verdict.message));
        let namespace = row.key.namespace.as_str();
        let mut pods: Vec<Value> = Vec::new();
        let mut owners = Owners::of(object, std::iter::empty());
        if row.key.kind == "Pod" {
            pods.push(object.clone());
        } else if is_workload(&row.key.kind) {
            if row.key.kind == "Deployment" {
                owners = Owners::of(object, around.all("ReplicaSet", "apps/v1", namespace).await.iter());
            }
            pods.extend(around.all("Pod", "v1", namespace).await.iter().filter(|pod| owners.owns(pod)).cloned());
        }
        let problems: Vec<String> = pods.iter().filter_map(pod_problem).collect();
        found.pods = merged(problems, &pods);
        if row.key.kind == "PersistentVolumeClaim" {
            found.conditions.extend(around.claim(object).await);
        }
        if row.key.kind == "Ingress" && row.verdict.reason() == "NoAddress" {
            found.conditions.extend(around.ingress(object).await);
        }
        reasons.insert(index, found.tidied(&row.verdict.message));
        owners.add_all(&pods);
        found.events = events(around.all("Event", "v1", namespace).await, object, &owners);
        found.root = root(&found, &pods);
        reasons.insert(index, found.tidied(&row.verdict.message));
        for pod in &pods {
            if found.logs.len() < MAX_LOGS.0 * MAX_LINES {
                found.logs.extend(around.last_words(pod).await);
            }
        }
        reasons.insert(index, found.tidied(&row.verdict.message));
    }
}

/// Whether objects of this kind have pods of their own.
fn is_workload(kind: &str) -> bool {
    ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"].contains(&kind)
}

/// An object and what it controls, by their UIDs.
#[derive(Clone, Debug, Default)]
pub struct Owners(BTreeSet<String>);

impl Owners {
    /// An object and those of the replica sets that are its own. Of a Deployment's, only those of its newest revision
    /// matter, where it says which that is.
    pub fn of<'s>(object: &Value, sets: impl Iterator<Item = &'s Value>) -> Self {
        let mut owners = Self::default();
        owners.add(object);
        let revision = |object: &Value| object["metadata"]["annotations"]["deployment.kubernetes.io/revision"].clone();
        let newest = revision(object);
        let own: Vec<&Value> = sets.filter(|set| owners.owns(set)).collect();
        let is_there = own.iter().any(|set| revision(set) == newest);
        own.into_iter().filter(|set| !is_there || revision(set) == newest).for_each(|set| owners.add(set));
        owners
    }

    fn add(&mut self, object: &Value) {
        self.0.extend(object["metadata"]["uid"].as_str().map(str::to_owned));
    }

    fn add_all(&mut self, objects: &[Value]) {
        objects.iter().for_each(|object| self.add(object));
    }

    fn has(&self, uid: &Value) -> bool {
        uid.as_str().is_some_and(|uid| self.0.contains(uid))
    }

    /// Whether one of them owns an object.
    pub fn owns(&self, object: &Value) -> bool {
        let owners = object["metadata"]["ownerReferences"].as_array();
        owners.into_iter().flatten().any(|owner| self.has(&owner["uid"]))
    }
}

/// What is looked at once per kind and namespace.
struct Around<'c> {
    cluster: &'c Cluster,
    discovery: &'c Discovery,
    found: BTreeMap<(&'static str, String), Vec<Value>>,
    logs: usize,
}

impl Around<'_> {
    /// All objects of a kind in a namespace. Nothing where they may not be looked at: an explanation is a courtesy.
    async fn all(&mut self, kind: &'static str, api_version: &str, namespace: &str) -> &[Value] {
        let place = (kind, namespace.to_owned());
        if !self.found.contains_key(&place) {
            let selectors: &[(&str, &str)] = if kind == "Event" { &[("fieldSelector", "type=Warning")] } else { &[] };
            let resource = self.discovery.resource(self.cluster, api_version, kind).await.ok().flatten();
            let mut found = match resource {
                None => Vec::new(),
                Some(resource) => {
                    let listed = self.cluster.list(&resource.collection(namespace), selectors, &mut |_| true).await;
                    listed.map(|listed| listed.items).unwrap_or_default()
                }
            };
            if kind == "Event" {
                found.sort_by_key(|event| std::cmp::Reverse(event_time(event)));
            }
            self.found.insert(place.clone(), found);
        }
        self.found.get(&place).map_or(&[], Vec::as_slice)
    }

    /// Why a claim is not bound, by its class.
    async fn claim(&self, claim: &Value) -> Option<String> {
        let class = claim["spec"]["storageClassName"].as_str().filter(|class| !class.is_empty())?;
        let path = format!("/apis/storage.k8s.io/v1/storageclasses/{}", escape(class));
        match self.cluster.get(&path, &[]).await {
            Ok(found) if found["volumeBindingMode"] == "WaitForFirstConsumer" => Some(format!(
                "it waits for its first consumer: the storage class {class} binds when a pod uses the claim"
            )),
            Err(RequestFailure::NotFound) => Some(format!("there is no storage class {class}")),
            _ => None,
        }
    }

    /// What an Ingress without an address can hope for, by its class and by what others of that class have got. Some
    /// controllers never write one; that cannot be read off a class, so it is no reason to call an Ingress ready.
    async fn ingress(&self, ingress: &Value) -> Option<String> {
        let classes = "/apis/networking.k8s.io/v1/ingressclasses";
        let class = match class_of(ingress) {
            Some(class) => class.to_owned(),
            None => {
                let listed = self.cluster.list(classes, &[], &mut |_| true).await.ok()?.items;
                let annotation = "ingressclass.kubernetes.io/is-default-class";
                let default = listed.iter().find(|class| class["metadata"]["annotations"][annotation] == "true");
                match default {
                    Some(class) => text(&class["metadata"]["name"]),
                    None => return Some("it has no class, and the cluster has no default one".to_owned()),
                }
            }
        };
        let found = match self.cluster.get(&format!("{classes}/{}", escape(&class)), &[]).await {
            Err(RequestFailure::NotFound) => return Some(format!("there is no ingress class {class}")),
            found => found.ok()?,
        };
        let controller = text(&found["spec"]["controller"]);
        let (mut others, mut served) = (0_usize, 0_usize);
        let mut count = |other: &Value| {
            if class_of(other) == Some(&class) && other["metadata"]["uid"] != ingress["metadata"]["uid"] {
                others += 1;
                served += usize::from(other["status"]["loadBalancer"]["ingress"][0].is_object());
            }
            false
        };
        self.cluster.list("/apis/networking.k8s.io/v1/ingresses", &[], &mut count).await.ok()?;
        Some(match (served, others) {
            (0, 0) => format!("it is the first of its class {class} ({controller}) in the cluster"),
            (0, others) => format!(
                "none of the {others} others of its class {class} ({controller}) has an address: if its controller writes \
                 none, say so with a rule `exists: true` in `readiness` of a windlass.yaml (`--pipeline`)"
            ),
            (served, others) => {
                format!("its class {class} ({controller}) gives addresses: {served} of {others} others have one")
            }
        })
    }

    /// The last lines of a pod's containers that have crashed.
    async fn last_words(&mut self, pod: &Value) -> Vec<String> {
        let mut words = Vec::new();
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
        for (container, is_previous) in crashed(pod).into_iter().take(MAX_LOGS.0) {
            if self.logs >= MAX_LOGS.1 {
                break;
            }
            self.logs += 1;
            let path = format!("/api/v1/namespaces/{}/pods/{}/log", escape(namespace), escape(name));
            let previous = if is_previous { "true" } else { "false" };
            let query = [
                ("container", container),
                ("previous", previous),
                ("tailLines", LOG_TAIL.0),
                ("limitBytes", LOG_TAIL.1),
            ];
            match self.cluster.text(&path, &query).await {
                Ok(text) => {
                    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
                    let start = lines.len().saturating_sub(MAX_LINES);
                    let lines = lines.into_iter().skip(start);
                    words.extend(lines.map(|line| format!("{container}: {line}")));
                }
                Err(RequestFailure::Forbidden(_)) => {
                    self.logs = MAX_LOGS.1;
                    words.push(
                        "no permission to read what the containers have said; the rule to add: {apiGroups: [\"\"], \
                         resources: [\"pods/log\"], verbs: [get]}"
                            .to_owned(),
                    );
                }
                Err(_) => {}
            }
        }
        words
    }
}

/// The class that an Ingress names, if any.
fn class_of(ingress: &Value) -> Option<&str> {
    let annotation = &ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"];
    ingress["spec"]["ingressClassName"].as_str().or_else(|| annotation.as_str())
}

/// The containers of a pod that have ended badly, and whether the one before the present one has.
fn crashed(pod: &Value) -> Vec<(&str, bool)> {
    let mut found = Vec::new();
    for container in containers(pod) {
        let Some(name) = container["name"].as_str() else { continue };
        let ended = |state: &Value| state["terminated"].is_object() && state["terminated"]["exitCode"] != 0;
        if ended(&container["state"]) {
            found.push((name, false));
        } else if ended(&container["lastState"]) || container["state"]["waiting"]["reason"] == "CrashLoopBackOff" {
            found.push((name, true));
        }
    }
    found
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"];
    lists.into_iter().flat_map(|list| pod["status"][list].as_array().into_iter().flatten())
}

/// The reasons that a pod gives, with their messages: of its containers and of its conditions.
pub(super) fn pod_reasons(pod: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for container in containers(pod) {
        let states =
            [&container["state"]["waiting"], &container["state"]["terminated"], &container["lastState"]["terminated"]];
        for state in states {
            if let Some(reason) = state["reason"].as_str() {
                let message = state["message"].as_str().unwrap_or_default();
                found.push((reason.to_owned(), format!("container {}: {message}", text(&container["name"]))));
            }
        }
    }
    for condition in pod["status"]["conditions"].as_array().into_iter().flatten() {
        if let Some(reason) = condition["reason"].as_str().filter(|_| condition["status"] == "False") {
            found.push((reason.to_owned(), text(&condition["message"])));
        }
    }
    found.extend(pod["status"]["reason"].as_str().map(|reason| (reason.to_owned(), text(&pod["status"]["message"]))));
    found
}

/// Lines that differ in the names of pods only become one.
fn merged(lines: Vec<String>, pods: &[Value]) -> Vec<String> {
    let names: Vec<String> = pods.iter().map(|pod| text(&pod["metadata"]["name"])).collect();
    let mut found: Vec<(String, String, usize)> = Vec::new();
    for line in lines {
        let key = without_names(&line, &names);
        match found.iter_mut().find(|(known, _, _)| *known == key) {
            Some((_, _, more)) => *more += 1,
            None => found.push((key, line, 0)),
        }
    }
    let say = |(_, line, more): (String, String, usize)| match more {
        0 => line,
        1 => format!("{line} (and another pod)"),
        more => format!("{line} (and {more} other pods)"),
    };
    found.into_iter().map(say).collect()
}

fn without_names(line: &str, names: &[String]) -> String {
    names.iter().filter(|name| !name.is_empty()).fold(line.to_owned(), |line, name| line.replace(name.as_str(), "*"))
}

/// The cause behind it all, most telling first.
fn root(reasons: &Reasons, pods: &[Value]) -> Option<String> {
    let texts = || reasons.conditions.iter().chain(&reasons.events);
    if let Some(quota) = texts().find_map(|text| text.split_once("exceeded quota: ").map(|(_, rest)| rest)) {
        let name = quota.split([',', ' ']).next().unwrap_or_default();
        return Some(format!("quota \"{name}\" is full"));
    }
    let all: Vec<(String, String)> = pods.iter().flat_map(pod_reasons).collect();
    for known in ["OOMKilled", "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError"] {
        if let Some((reason, message)) = all.iter().find(|(reason, _)| reason == known) {
            let message = message.split_once(": ").map_or(message.as_str(), |(_, rest)| rest);
            return Some(if message.is_empty() { reason.clone() } else { format!("{reason}: {message}") });
        }
    }
    if let Some((_, message)) = all.iter().find(|(reason, _)| reason == "Unschedulable") {
        return Some(format!("no node fits: {message}"));
    }
    all.iter().find(|(reason, _)| reason == "CrashLoopBackOff").map(|_| "its containers crash".to_owned())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
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
    if phase != "Failed" && (is_ready || phase == "Succeeded") {
        return None;
    }
    let mut details = Vec::new();
    details.extend(containers(pod).filter_map(container_problem));
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
    let before = &container["lastState"]["terminated"];
    if let Some(reason) = before["reason"].as_str() {
        line = format!("{line}; it has ended before: {reason}");
        if let Some(code) = before["exitCode"].as_i64() {
            line = format!("{line} (exit code {code})");
        }
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

/// How long ago a time is, for people.
fn ago(time: &str) -> String {
    let Some(then) = parse_rfc3339(time) else { return String::new() };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    match now.saturating_sub(u64::try_from(then).unwrap_or(0)) {
        seconds @ 0..120 => format!(", {seconds}s ago"),
        seconds @ 120..7_200 => format!(", {}m ago", seconds / 60),
        seconds => format!(", {}h ago", seconds / 3_600),
    }
}

/// The warning events of an object and of what it controls, the newest first; those that differ in names only as one.
fn events(all: &[Value], object: &Value, owners: &Owners) -> Vec<String> {
    let mut found: Vec<(String, String, i64, String)> = Vec::new();
    for event in all {
        let about = &event["involvedObject"];
        // An event about no UID is one about a name that is not used again.
        let is_its =
            about["uid"].is_null() && about["kind"] == object["kind"] && about["name"] == object["metadata"]["name"];
        if !is_its && !owners.has(&about["uid"]) {
            continue;
        }
        let count = event["series"]["count"].as_i64().or_else(|| event["count"].as_i64()).unwrap_or(1);
        let (kind, name) = (text(&about["kind"]), text(&about["name"]));
        let line = format!("{kind}/{name}: {}: {}", text(&event["reason"]), text(&event["message"]));
        let mut names = vec![name];
        // A replica set's event names the pod that it could not make.
        names.extend(text(&event["message"]).split('"').skip(1).step_by(2).map(str::to_owned));
        let key = without_names(&line, &names);
        match found.iter_mut().find(|(known, ..)| *known == key) {
            Some((_, _, times, _)) => *times = times.saturating_add(count),
            None => found.push((key, line, count, ago(&event_time(event)))),
        }
    }
    let say = |(_, line, times, ago): (String, String, i64, String)| match times {
        0 | 1 if ago.is_empty() => line,
        0 | 1 => format!("{line} (once{ago})"),
        _ => format!("{line} ({times} times{ago})"),
    };
    found.into_iter().map(say).collect()
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
