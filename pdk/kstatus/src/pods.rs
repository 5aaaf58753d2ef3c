//! What kstatus' readers add to a controller's own status by looking at its pods.

use serde_json::Value;

use crate::Flavor;
use crate::fields::{conditions, group_and_kind, string_or};
use crate::verdict::{Status, Verdict};

/// Whether pods can change the status of objects of this group and kind (`apps` ReplicaSet and StatefulSet). A
/// Deployment's pods do not.
pub fn decide_with_pods(object: &Value) -> bool {
    matches!(group_and_kind(object), Some(("apps" | "extensions", "ReplicaSet") | ("apps", "StatefulSet")))
}

/// The status of a controller with the pods its selector finds: one that is in progress while some of its pods
/// have failed is Failed, `2 pods have failed`. By the fork's rules pods that cannot be scheduled (an autoscaler
/// may help) or are being deleted do not count.
pub fn with_pods<'o>(
    own: Verdict,
    pods: impl IntoIterator<Item = (&'o Value, &'o Verdict)>,
    flavor: Flavor,
) -> Verdict {
    if own.status != Status::InProgress {
        return own;
    }
    let failed = pods
        .into_iter()
        .filter(|(pod, verdict)| verdict.status == Status::Failed && (flavor == Flavor::Upstream || !is_transient(pod)))
        .count();
    match failed {
        0 => own,
        count => {
            Verdict { warnings: own.warnings, ..Verdict::plain(Status::Failed, format!("{count} pods have failed")) }
        }
    }
}

fn is_transient(pod: &Value) -> bool {
    !string_or(pod, &["metadata", "deletionTimestamp"], "").is_empty()
        || conditions(pod).is_ok_and(|conditions| {
            conditions.iter().any(|condition| {
                (condition.kind, condition.status, condition.reason) == ("PodScheduled", "False", "Unschedulable")
            })
        })
}
