//! A pod.

use serde_json::Value;

use crate::Options;
use crate::fields::{self, conditions, string_or, wrong_type};
use crate::time::parse_rfc3339;
use crate::verdict::{Error, Verdict};

/// How long a pod may be unschedulable before that counts as a failure, in seconds.
const SCHEDULE_WINDOW: i64 = 15;

pub(super) fn pod(object: &Value, options: &Options) -> Result<Verdict, Error> {
    let conditions = conditions(object)?;
    match string_or(object, &["status", "phase"], "") {
        "Succeeded" => Ok(Verdict::current("Pod has completed successfully")),
        "Failed" => Ok(Verdict::current("Pod has completed, but not successfully")),
        "Running" => {
            if conditions.iter().any(|condition| condition.kind == "Ready" && condition.status == "True") {
                return Ok(Verdict::current("Pod is Ready"));
            }
            let crashing = crash_looping_containers(object)?;
            if crashing.is_empty() {
                return Ok(Verdict::in_progress("PodRunningNotReady", "Pod is running but is not Ready"));
            }
            let message = format!("Containers in CrashLoop state: {}", crashing.join(","));
            Ok(Verdict::failed("ContainerCrashLooping", message))
        }
        "Pending" => {
            let scheduled =
                conditions.iter().find(|condition| condition.kind == "PodScheduled" && condition.status == "False");
            if scheduled.is_none_or(|condition| condition.reason != "Unschedulable") {
                return Ok(Verdict::in_progress("PodPending", "Pod is in the Pending phase"));
            }
            if is_young(object, options.now) {
                return Ok(Verdict::in_progress("PodNotScheduled", "Pod has not been scheduled"));
            }
            Ok(Verdict::failed("PodUnschedulable", "Pod could not be scheduled"))
        }
        "" => Ok(Verdict::in_progress("PodNotObserved", "Pod phase not available")),
        phase => Err(Error(format!("unknown phase {phase}"))),
    }
}

fn is_young(object: &Value, now: Option<i64>) -> bool {
    let created = parse_rfc3339(string_or(object, &["metadata", "creationTimestamp"], ""));
    match (created, now) {
        (Some(created), Some(now)) => now.saturating_sub(SCHEDULE_WINDOW) < created,
        _ => false,
    }
}

/// The names of containers that wait in `CrashLoopBackOff`. cli-utils panics on a malformed container status; we
/// return an error.
fn crash_looping_containers(object: &Value) -> Result<Vec<&str>, Error> {
    let mut names = Vec::new();
    let statuses = fields::strict_list(object, &["status", "containerStatuses"])?.unwrap_or_default();
    for (index, status) in statuses.iter().enumerate() {
        let at = format!("status.containerStatuses[{index}]");
        if !status.is_object() {
            return Err(wrong_type(&at, status, "a map"));
        }
        let Some(name) = text(status, "name", &at)? else { continue };
        let Some(state) = map(status, "state", &at)? else { continue };
        let Some(waiting) = map(state, "waiting", &format!("{at}.state"))? else { continue };
        if text(waiting, "reason", &format!("{at}.state.waiting"))? == Some("CrashLoopBackOff") {
            names.push(name);
        }
    }
    Ok(names)
}

fn text<'o>(parent: &'o Value, field: &str, at: &str) -> Result<Option<&'o str>, Error> {
    match parent.get(field) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong_type(&format!("{at}.{field}"), other, "a string")),
    }
}

fn map<'o>(parent: &'o Value, field: &str, at: &str) -> Result<Option<&'o Value>, Error> {
    match parent.get(field) {
        None => Ok(None),
        Some(value @ Value::Object(_)) => Ok(Some(value)),
        Some(other) => Err(wrong_type(&format!("{at}.{field}"), other, "a map")),
    }
}
