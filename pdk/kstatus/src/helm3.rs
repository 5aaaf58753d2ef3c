//! What Helm 3 waits for: `ReadyChecker` of `pkg/kube/ready.go` (v3.22), kind by kind. Every other kind is ready at
//! once.

use serde_json::Value;

use crate::Options;
use crate::fields::{conditions, group_and_kind, integer_or, string_or};
use crate::verdict::{Error, Verdict};

/// The status of an object by Helm 3's rules. `related` are the pods and replica sets that are around.
pub(crate) fn helm3(object: &Value, related: &[&Value], options: &Options) -> Result<Verdict, Error> {
    Ok(match group_and_kind(object) {
        Some(("", "Pod")) => match is_pod_ready(object)? {
            true => Verdict::current("Pod is ready"),
            false => waiting("Pod is not ready"),
        },
        Some(("batch", "Job")) if options.wait_for_jobs => job(object),
        Some(("apps" | "extensions", "Deployment")) => deployment(object, related),
        Some(("", "PersistentVolumeClaim")) => match string_or(object, &["status", "phase"], "") {
            "Bound" => Verdict::current("PersistentVolumeClaim is bound"),
            _ => waiting("PersistentVolumeClaim is not bound"),
        },
        Some(("", "Service")) => service(object),
        Some(("apps" | "extensions", "DaemonSet")) => daemon_set(object),
        Some(("apiextensions.k8s.io", "CustomResourceDefinition")) => definition(object)?,
        Some(("apps", "StatefulSet")) => stateful_set(object),
        Some(("", "ReplicationController") | ("apps" | "extensions", "ReplicaSet")) => controller(object, related)?,
        _ => Verdict::current("Helm 3 does not wait for this kind"),
    })
}

fn waiting(message: impl Into<String>) -> Verdict {
    Verdict::in_progress("NotReady", message)
}

fn count(object: &Value, field: &str) -> i64 {
    integer_or(object, &["status", field], 0)
}

fn is_pod_ready(pod: &Value) -> Result<bool, Error> {
    Ok(conditions(pod)?.iter().any(|condition| condition.kind == "Ready" && condition.status == "True"))
}

/// The generations differ; a missing one is 0, as Go has it.
fn unobserved(object: &Value) -> Option<Verdict> {
    let (generation, observed) =
        (integer_or(object, &["metadata", "generation"], 0), count(object, "observedGeneration"));
    (generation != observed)
        .then(|| waiting(format!("observedGeneration ({observed}) does not match spec generation ({generation})")))
}

fn job(object: &Value) -> Verdict {
    let (failed, succeeded) = (count(object, "failed"), count(object, "succeeded"));
    if failed > integer_or(object, &["spec", "backoffLimit"], 6) {
        return Verdict::failed("JobFailed", "job is failed");
    }
    match object.pointer("/spec/completions").and_then(Value::as_i64) {
        Some(completions) if succeeded < completions => {
            waiting(format!("Job is not completed: {succeeded} of {completions}"))
        }
        _ => Verdict::current("Job is completed"),
    }
}

/// A number, or a part of a number as `25%`.
fn scaled(value: Option<&Value>, of: i64, round_up: bool) -> Option<i64> {
    match value? {
        Value::String(text) => {
            let percent: i64 = text.strip_suffix('%')?.parse().ok()?;
            let product = percent.checked_mul(of)?;
            Some(if round_up { product.checked_add(99)? / 100 } else { product / 100 })
        }
        number => number.as_i64(),
    }
}

/// `deploymentutil.MaxUnavailable`: how many pods may be missing during a rolling update.
fn max_unavailable(object: &Value, replicas: i64) -> i64 {
    if string_or(object, &["spec", "strategy", "type"], "") != "RollingUpdate" || replicas == 0 {
        return 0;
    }
    let field = |name: &str| object.pointer(&format!("/spec/strategy/rollingUpdate/{name}"));
    let percent = Value::from("25%");
    let surge = scaled(field("maxSurge").or(Some(&percent)), replicas, true).unwrap_or(0);
    let unavailable = scaled(field("maxUnavailable").or(Some(&percent)), replicas, false).unwrap_or(0);
    // Both zero would mean no progress at all: one may be missing then.
    let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
    unavailable.min(replicas)
}

fn deployment(object: &Value, related: &[&Value]) -> Verdict {
    let Some(newest) = newest_replica_set(object, related) else {
        return waiting("its newest ReplicaSet is not there yet");
    };
    if let Some(verdict) = unobserved(newest).or_else(|| unobserved(object)) {
        return verdict;
    }
    let replicas = integer_or(object, &["spec", "replicas"], 1);
    let expected = replicas.saturating_sub(max_unavailable(object, replicas));
    let ready = count(newest, "readyReplicas");
    if ready < expected {
        return waiting(format!("{ready} out of {expected} expected pods are ready"));
    }
    Verdict::current(format!("{ready} out of {expected} expected pods are ready"))
}

/// The replica set of the Deployment's present template; the oldest of several, as `FindNewReplicaSet` has it.
fn newest_replica_set<'o>(object: &Value, related: &[&'o Value]) -> Option<&'o Value> {
    let uid = string_or(object, &["metadata", "uid"], "");
    let owned = related.iter().filter(|other| {
        let owners = other.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        other["kind"] == "ReplicaSet"
            && owners.into_iter().flatten().any(|owner| owner["controller"] == true && owner["uid"] == uid)
    });
    let same = owned.filter(|set| is_same_template(object, set));
    same.min_by_key(|set| string_or(set, &["metadata", "creationTimestamp"], "").to_owned()).copied()
}

/// Templates are equal but for the hash that the controller adds.
fn is_same_template(deployment: &Value, set: &Value) -> bool {
    let template = |object: &Value| {
        let mut template = object.pointer("/spec/template").cloned().unwrap_or_default();
        if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
            labels.remove("pod-template-hash");
        }
        template
    };
    template(deployment) == template(set)
}

fn service(object: &Value) -> Verdict {
    let kind = string_or(object, &["spec", "type"], "ClusterIP");
    if kind == "ExternalName" {
        return Verdict::current("Service is external");
    }
    if string_or(object, &["spec", "clusterIP"], "").is_empty() {
        return waiting("Service does not have cluster IP address");
    }
    let has = |path: &str| object.pointer(path).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if kind == "LoadBalancer" && !has("/spec/externalIPs") && !has("/status/loadBalancer/ingress") {
        return waiting("Service does not have load balancer ingress IP address");
    }
    Verdict::current("Service is ready")
}

fn daemon_set(object: &Value) -> Verdict {
    if let Some(verdict) = unobserved(object) {
        return verdict;
    }
    // The server fills it in; Helm reads what is there.
    if string_or(object, &["spec", "updateStrategy", "type"], "") != "RollingUpdate" {
        return Verdict::current("DaemonSet has no rolling update; there is nothing to wait for");
    }
    let (desired, updated) = (count(object, "desiredNumberScheduled"), count(object, "updatedNumberScheduled"));
    if updated != desired {
        return waiting(format!("{updated} out of {desired} expected pods have been scheduled"));
    }
    let field = object.pointer("/spec/updateStrategy/rollingUpdate/maxUnavailable");
    let one = Value::from(1);
    let expected = desired.saturating_sub(scaled(field.or(Some(&one)), desired, true).unwrap_or(desired));
    let ready = count(object, "numberReady");
    if ready < expected {
        return waiting(format!("{ready} out of {expected} expected pods are ready"));
    }
    Verdict::current(format!("{ready} out of {expected} expected pods are ready"))
}

fn definition(object: &Value) -> Result<Verdict, Error> {
    let is_done = |kind: &str, status: &str| {
        conditions(object).map(|all| all.iter().any(|condition| (condition.kind, condition.status) == (kind, status)))
    };
    // A conflict of names counts as a success there: the process should be able to go on.
    Ok(if is_done("Established", "True")? || is_done("NamesAccepted", "False")? {
        Verdict::current("CustomResourceDefinition is ready")
    } else {
        waiting("CustomResourceDefinition is not established")
    })
}

fn stateful_set(object: &Value) -> Verdict {
    if let Some(verdict) = unobserved(object) {
        return verdict;
    }
    // The server fills it in; Helm reads what is there.
    if string_or(object, &["spec", "updateStrategy", "type"], "") != "RollingUpdate" {
        return Verdict::current("StatefulSet has no rolling update; there is nothing to wait for");
    }
    let partition = integer_or(object, &["spec", "updateStrategy", "rollingUpdate", "partition"], 0);
    let replicas = integer_or(object, &["spec", "replicas"], 1);
    let (expected, updated) = (replicas.saturating_sub(partition), count(object, "updatedReplicas"));
    if updated < expected {
        return waiting(format!("{updated} out of {expected} expected pods have been scheduled"));
    }
    let ready = count(object, "readyReplicas");
    if ready != replicas {
        return waiting(format!("{ready} out of {replicas} expected pods are ready"));
    }
    let revision = |field| string_or(object, &["status", field], "");
    if partition == 0 && revision("currentRevision") != revision("updateRevision") {
        return waiting("currentRevision does not yet match updateRevision");
    }
    Verdict::current(format!("{ready} out of {replicas} expected pods are ready"))
}

fn controller(object: &Value, related: &[&Value]) -> Result<Verdict, Error> {
    if let Some(verdict) = unobserved(object) {
        return Ok(verdict);
    }
    for pod in related.iter().filter(|other| other["kind"] == "Pod") {
        if !is_pod_ready(pod)? {
            return Ok(waiting(format!("Pod is not ready: {}", string_or(pod, &["metadata", "name"], ""))));
        }
    }
    Ok(Verdict::current("its pods are ready"))
}
