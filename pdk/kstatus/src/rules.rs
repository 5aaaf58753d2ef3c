//! Status computation of one object: generic checks, the rule of its group and kind, the `Ready` condition.

pub(crate) mod jobs;
mod pods;
mod rest;
mod workloads;

use serde_json::Value;

use crate::Options;
use crate::fields::{self, conditions, group_and_kind, kind};
use crate::verdict::{Error, Status, Verdict};

/// The status of an object as the cluster serves it, after `status.Compute` of cli-utils.
///
/// # Errors
/// When a field that decides has a type no API server would serve, for example a generation that is a string.
/// kstatus' readers report such an object as Unknown.
pub fn compute(object: &Value, options: &Options) -> Result<Verdict, Error> {
    let rule = group_and_kind(object);
    if options.wait_for_jobs && rule == Some(("batch", "Job")) {
        // Helm's reader for `--wait-for-jobs` replaces the generic checks too.
        return jobs::job_to_its_end(object);
    }
    if let Some(verdict) = deletion_or_generation(object)? {
        return Ok(verdict);
    }
    for condition in conditions(object)? {
        match (condition.kind, condition.status) {
            ("Reconciling", "True") => return Ok(Verdict::in_progress(condition.reason, condition.message)),
            ("Stalled", "True") => return Ok(Verdict::failed(condition.reason, condition.message)),
            _ => {}
        }
    }
    match rule {
        Some(("", "Secret" | "ConfigMap") | ("batch", "CronJob")) => Ok(Verdict::current("Resource is always ready")),
        Some(("", "Service")) => Ok(rest::service(object)),
        Some(("", "PersistentVolumeClaim")) => Ok(rest::persistent_volume_claim(object)),
        Some(("", "Pod")) => pods::pod(object, options),
        Some(("apps" | "extensions", "Deployment")) => workloads::deployment(object),
        Some(("apps" | "extensions", "ReplicaSet")) => workloads::replica_set(object),
        Some(("apps" | "extensions", "DaemonSet")) => workloads::daemon_set(object),
        Some(("apps", "StatefulSet")) => Ok(workloads::stateful_set(object)),
        Some(("policy", "PodDisruptionBudget")) => Ok(Verdict::current("AllowedDisruptions has been computed.")),
        Some(("batch", "Job")) => jobs::job(object, options.flavor),
        Some(("apiextensions.k8s.io", "CustomResourceDefinition")) => rest::custom_resource_definition(object),
        _ => ready_condition(object),
    }
}

/// The two checks that come before everything else: the object is being deleted, or its controller has not seen
/// its newest generation.
fn deletion_or_generation(object: &Value) -> Result<Option<Verdict>, Error> {
    if let Some(verdict) = terminating(object)? {
        return Ok(Some(verdict));
    }
    let Some(generation) = fields::strict_integer(object, &["metadata", "generation"])? else { return Ok(None) };
    let Some(observed) = fields::strict_integer(object, &["status", "observedGeneration"])? else { return Ok(None) };
    if generation == observed {
        return Ok(None);
    }
    let message = format!("{} generation is {generation}, but latest observed generation is {observed}", kind(object));
    Ok(Some(Verdict::in_progress("LatestGenerationNotObserved", message)))
}

/// The message of an object about whose readiness nothing is known.
pub(crate) const RESOURCE_IS_CURRENT: &str = "Resource is current";

/// The object is being deleted.
pub(crate) fn terminating(object: &Value) -> Result<Option<Verdict>, Error> {
    let deletion = fields::strict_string(object, &["metadata", "deletionTimestamp"])?;
    let is_going = deletion.is_some_and(|timestamp| !timestamp.is_empty());
    Ok(is_going.then(|| Verdict::plain(Status::Terminating, "Resource scheduled for deletion")))
}

pub(crate) fn ready_condition(object: &Value) -> Result<Verdict, Error> {
    for condition in conditions(object)? {
        match (condition.kind, condition.status) {
            ("Ready", "True") => return Ok(Verdict::current("Resource is Ready")),
            ("Ready", "False" | "Unknown") => {
                return Ok(Verdict::in_progress(condition.reason, condition.message));
            }
            _ => {}
        }
    }
    Ok(Verdict::current(RESOURCE_IS_CURRENT))
}
