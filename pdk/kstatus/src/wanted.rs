//! Which conditions nobody wants to see False, and which nobody wants to see True.

use serde_json::Value;

use crate::fields::{ObjectCondition, conditions};
use crate::verdict::Verdict;

/// Types of conditions that nobody wants to see False: those that the table's projects and Kubernetes' own API
/// conventions use for "it works".
const HOPED_FOR: &[&str] = &[
    "Accepted",
    "Admitted",
    "Available",
    "ConfigValid",
    "Deployed",
    "Established",
    "Healthy",
    "Initialized",
    "Installed",
    "Programmed",
    "Ready",
    "Reconciled",
    "ReconcileSuccess",
    "ResolvedRefs",
    "Succeeded",
    "Successful",
    "Synced",
    "Valid",
];

/// Types of conditions that nobody wants to see True.
const FEARED: &[&str] = &[
    "BundleUnpackFailed",
    "BundleUnpacking",
    "CatalogSourcesUnhealthy",
    "Degraded",
    "Disrupting",
    "Error",
    "ErrorOccurred",
    "Failed",
    "Fallback",
    "InstallPlanFailed",
    "InvalidSpec",
    "NotReady",
    "Paused",
    "ResolutionFailed",
    "RolloutProgressing",
    "SpecError",
    "SubmissionError",
];

/// One of them, or a part's own: `PodsHealthy`, `RemoteSynced`.
pub(crate) fn is_hoped_for(kind: &str) -> bool {
    let is_part = ["Healthy", "Ready", "Succeeded", "Synced", "Synchronized"].iter().any(|word| kind.ends_with(word));
    HOPED_FOR.contains(&kind) || (is_part && !kind.starts_with("Not"))
}

/// In progress, where a condition says that something does not work.
pub(crate) fn unwanted(object: &Value) -> Option<Verdict> {
    let own = conditions(object).ok()?;
    own.iter().find_map(|condition| {
        let is_bad = match condition.status {
            "True" => FEARED.contains(&condition.kind),
            "" => false,
            // False, Unknown, and words that nobody knows.
            _ => is_hoped_for(condition.kind),
        };
        is_bad.then(|| Verdict::in_progress(condition.reason, said(condition)))
    })
}

/// A condition as a verdict's message tells it.
pub(crate) fn said(condition: &ObjectCondition<'_>) -> String {
    match condition.message {
        "" => format!("{} is {}", condition.kind, condition.status),
        message => format!("{} is {}: {message}", condition.kind, condition.status),
    }
}
