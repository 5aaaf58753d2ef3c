//! Deployment, ReplicaSet, StatefulSet, DaemonSet. The order of the comparisons decides which message appears.

use serde_json::Value;

use crate::fields::{conditions, integer_or, kind, strict_integer, string_or};
use crate::verdict::{Error, Verdict};

/// The controller's own "no deadline".
const NO_DEADLINE: i64 = i32::MAX as i64;

fn spec_replicas(object: &Value) -> i64 {
    integer_or(object, &["spec", "replicas"], 1)
}

fn count(object: &Value, field: &str) -> i64 {
    integer_or(object, &["status", field], 0)
}

fn extra_pods(found: i64, wanted: i64) -> Verdict {
    Verdict::in_progress("ExtraPods", format!("Pending termination: {}", found.wrapping_sub(wanted)))
}

pub(super) fn deployment(object: &Value) -> Result<Verdict, Error> {
    // Without a deadline the controller never sets the condition `Progressing`.
    let deadline = integer_or(object, &["spec", "progressDeadlineSeconds"], NO_DEADLINE);
    let mut progressing = deadline == NO_DEADLINE;
    let mut available = false;
    for condition in conditions(object)? {
        match (condition.kind, condition.status, condition.reason) {
            ("Progressing", _, "ProgressDeadlineExceeded") => {
                let mut verdict = Verdict::failed(condition.reason, condition.message);
                verdict.message = "Progress deadline exceeded".to_owned();
                return Ok(verdict);
            }
            ("Progressing", "True", "NewReplicaSetAvailable") => progressing = true,
            ("Available", "True", _) => available = true,
            _ => {}
        }
    }
    let wanted = spec_replicas(object);
    let replicas = count(object, "replicas");
    let updated = count(object, "updatedReplicas");
    let ready = count(object, "readyReplicas");
    let available_replicas = count(object, "availableReplicas");
    Ok(if wanted > replicas {
        Verdict::in_progress("LessReplicas", format!("Replicas: {replicas}/{wanted}"))
    } else if wanted > updated {
        Verdict::in_progress("LessUpdated", format!("Updated: {updated}/{wanted}"))
    } else if replicas > wanted {
        extra_pods(replicas, wanted)
    } else if updated > available_replicas {
        Verdict::in_progress("LessAvailable", format!("Available: {available_replicas}/{updated}"))
    } else if wanted > ready {
        Verdict::in_progress("LessReady", format!("Ready: {ready}/{wanted}"))
    } else if !progressing {
        Verdict::in_progress("ReplicaSetNotAvailable", "ReplicaSet not Available")
    } else if !available {
        Verdict::in_progress("DeploymentNotAvailable", "Deployment not Available")
    } else {
        Verdict::current(format!("Deployment is available. Replicas: {replicas}"))
    })
}

pub(super) fn replica_set(object: &Value) -> Result<Verdict, Error> {
    if conditions(object)?.iter().any(|condition| condition.kind == "ReplicaFailure" && condition.status == "True") {
        return Ok(Verdict::in_progress("ReplicaFailure", "Replica Failure condition. Check Pods"));
    }
    let wanted = spec_replicas(object);
    let replicas = count(object, "replicas");
    let ready = count(object, "readyReplicas");
    let available = count(object, "availableReplicas");
    let labelled = count(object, "fullyLabeledReplicas");
    Ok(if wanted > labelled {
        Verdict::in_progress("LessLabelled", format!("Labelled: {labelled}/{wanted}"))
    } else if wanted > available {
        Verdict::in_progress("LessAvailable", format!("Available: {available}/{wanted}"))
    } else if wanted > ready {
        Verdict::in_progress("LessReady", format!("Ready: {ready}/{wanted}"))
    } else if replicas > wanted {
        extra_pods(replicas, wanted)
    } else {
        Verdict::current(format!("ReplicaSet is available. Replicas: {replicas}"))
    })
}

pub(super) fn stateful_set(object: &Value) -> Verdict {
    if string_or(object, &["spec", "updateStrategy", "type"], "") == "OnDelete" {
        return Verdict::current("StatefulSet is using the ondelete update strategy");
    }
    let wanted = spec_replicas(object);
    let replicas = count(object, "replicas");
    let ready = count(object, "readyReplicas");
    let current = count(object, "currentReplicas");
    let updated = count(object, "updatedReplicas");
    if wanted > replicas {
        return Verdict::in_progress("LessReplicas", format!("Replicas: {replicas}/{wanted}"));
    }
    if wanted > ready {
        return Verdict::in_progress("LessReady", format!("Ready: {ready}/{wanted}"));
    }
    if replicas > wanted {
        return extra_pods(replicas, wanted);
    }
    // The API server writes partition 0 into every rolling update, so on a cluster this branch is the usual one.
    let partition = integer_or(object, &["spec", "updateStrategy", "rollingUpdate", "partition"], -1);
    if partition != -1 {
        let to_update = wanted.wrapping_sub(partition);
        return if updated < to_update {
            Verdict::in_progress("PartitionRollout", format!("updated: {updated}/{to_update}"))
        } else {
            Verdict::current(format!("Partition rollout complete. updated: {updated}"))
        };
    }
    if wanted > current {
        return Verdict::in_progress("LessCurrent", format!("current: {current}/{wanted}"));
    }
    let current_revision = string_or(object, &["status", "currentRevision"], "");
    if current_revision != string_or(object, &["status", "updateRevision"], "") {
        return Verdict::in_progress("RevisionMismatch", "Waiting for updated revision to match current");
    }
    Verdict::current(format!("All replicas scheduled as expected. Replicas: {replicas}"))
}

pub(super) fn daemon_set(object: &Value) -> Result<Verdict, Error> {
    // The generic check lets a missing generation pass; here its absence means the controller has not looked yet.
    if strict_integer(object, &["metadata", "generation"])?.is_none() {
        let message = format!("{} metadata.generation not found", kind(object));
        return Ok(Verdict::in_progress("NoGeneration", message));
    }
    if strict_integer(object, &["status", "observedGeneration"])?.is_none() {
        let message = format!("{} status.observedGeneration not found", kind(object));
        return Ok(Verdict::in_progress("NoObservedGeneration", message));
    }
    let desired = integer_or(object, &["status", "desiredNumberScheduled"], -1);
    if desired == -1 {
        return Ok(Verdict::in_progress("NoDesiredNumber", "Missing .status.desiredNumberScheduled"));
    }
    for (field, reason, word) in [
        ("currentNumberScheduled", "LessCurrent", "Current"),
        ("updatedNumberScheduled", "LessUpdated", "Updated"),
        ("numberAvailable", "LessAvailable", "Available"),
        ("numberReady", "LessReady", "Ready"),
    ] {
        let found = count(object, field);
        if desired > found {
            return Ok(Verdict::in_progress(reason, format!("{word}: {found}/{desired}")));
        }
    }
    Ok(Verdict::current(format!("All replicas scheduled as expected. Replicas: {desired}")))
}
