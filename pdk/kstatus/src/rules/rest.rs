//! Services, claims and custom resource definitions.

use serde_json::Value;

use crate::fields::{conditions, string_or};
use crate::verdict::{Error, Verdict};

/// Only a load balancer without cluster address is not ready; `status.loadBalancer` is never read.
pub(super) fn service(object: &Value) -> Verdict {
    let is_load_balancer = string_or(object, &["spec", "type"], "ClusterIP") == "LoadBalancer";
    if is_load_balancer && string_or(object, &["spec", "clusterIP"], "").is_empty() {
        return Verdict::in_progress("NoIPAssigned", "ClusterIP not set. Service type: LoadBalancer");
    }
    Verdict::current("Service is ready")
}

/// A claim that waits for its first consumer, or has lost its volume, stays in progress.
pub(super) fn persistent_volume_claim(object: &Value) -> Verdict {
    match string_or(object, &["status", "phase"], "unknown") {
        "Bound" => Verdict::current("PVC is Bound"),
        phase => Verdict::in_progress("NotBound", format!("PVC is not Bound. phase: {phase}")),
    }
}

pub(super) fn custom_resource_definition(object: &Value) -> Result<Verdict, Error> {
    for condition in conditions(object)? {
        match (condition.kind, condition.status) {
            ("NamesAccepted", "False") => return Ok(Verdict::failed(condition.reason, condition.message)),
            ("Established", "False") if condition.reason != "Installing" => {
                return Ok(Verdict::failed(condition.reason, condition.message));
            }
            ("Established", "True") => return Ok(Verdict::current("CRD is established")),
            _ => {}
        }
    }
    Ok(Verdict::in_progress("Installing", "Install in progress"))
}
