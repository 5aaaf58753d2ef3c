//! What single kinds publish that is not ready yet, in words of their own: data, for [`crate::strict`].
//!
//! From the projects' API documentation, held against what Argo CD's health checks for these kinds call not healthy.
//! A kind of [`crate::well_known`] has a whole rule of its own instead.

use serde_json::Value;

use crate::expression::{Evaluation, Expression};
use crate::fields::string_or;
use crate::jsonpath::Path;
use crate::verdict::Verdict;

/// Group, kind (empty: every kind of the group), and what must not be: an expression on the status that holds, or a
/// path from the object that finds something.
const DOUBTS: &[(&str, &str, &str)] = &[
    ("apps.kruise.io", "AdvancedCronJob", "{.status.active[0]}"),
    ("apps.kruise.io", "AdvancedCronJob", "{.lastScheduleTime} == null"),
    ("apps.kruise.io", "BroadcastJob", "{.phase} == running"),
    // No node at all is what its controller has not counted yet.
    ("apps.kruise.io", "DaemonSet", "{.desiredNumberScheduled} == 0"),
    ("apps.openshift.io", "DeploymentConfig", r#"{.conditions[?(@.type=="Progressing")].status} != "True""#),
    (
        "apps.openshift.io",
        "DeploymentConfig",
        r#"{.conditions[?(@.type=="Progressing")].reason} == "ReplicationControllerUpdated""#,
    ),
    ("astra.netapp.io", "", "{.state} == Running"),
    ("core.gardener.cloud", "Shoot", r#"{.conditions[?(@.type=="APIServerAvailable")].status} != "True""#),
    ("core.spinkube.dev", "SpinApp", r#"{.conditions[?(@.type=="Progressing")].status} == "True""#),
    ("core.spinkube.dev", "SpinApp", r#"{.conditions[?(@.type=="Progressing")].reason} == "ProgressDeadlineExceeded""#),
    ("game.kruise.io", "GameServer", "{.currentState} != Ready"),
    ("grafana.integreatly.org", "Grafana", "{.stage} != complete"),
    ("grafana.integreatly.org", "", "{.NoMatchingInstances} == true"),
    ("grafana.integreatly.org", "GrafanaDatasource", r#"{.uid} == """#),
    ("k8s.mariadb.com", "SqlJob", r#"{.conditions[?(@.type=="Complete")].reason} == "JobFailed""#),
    ("kafka.banzaicloud.io", "KafkaCluster", "{.state} != ClusterRunning"),
    ("kafka.banzaicloud.io", "KafkaCluster", "{.cruiseControlTopicStatus} == ClusterRollingUpgrading"),
    ("metrics.keptn.sh", "Analysis", "{.pass} == false"),
    ("metrics.keptn.sh", "KeptnMetric", r#"{.errMsg} != """#),
    // One that waits for somebody's approval is installed as it was asked for.
    (
        "operators.coreos.com",
        "Subscription",
        r#"{.status.conditions[?(@.type=="InstallPlanPending")].reason} != "RequiresApproval""#,
    ),
    ("platform.confluent.io", "Connector", "{.failedTasksCount} > 0"),
    ("promoter.argoproj.io", "", r#"{.status.environments[?(@.phase!="success")]}"#),
    ("serving.kserve.io", "InferenceService", r#"{.modelStatus.transitionStatus} == "BlockedByFailedLoad""#),
    ("serving.kserve.io", "InferenceService", r#"{.modelStatus.transitionStatus} == "InvalidSpec""#),
    ("tower.ansible.com", "", "{.ansibleJobResult.status} != successful"),
    ("trident.netapp.io", "", "{.lastOperationStatus} != Success"),
    ("work.karmada.io", "", r#"{.status.aggregatedStatus[?(@.health=="Unhealthy")]}"#),
    ("work.karmada.io", "", "{.status.aggregatedStatus[?(@.applied==false)]}"),
];

/// Group, kind, and a path from the object that must find something.
const NEEDS: &[(&str, &str, &str)] = &[
    ("kafka.banzaicloud.io", "KafkaCluster", "{.status.state}"),
    ("metrics.keptn.sh", "KeptnMetric", "{.status.value}"),
    ("microgateway.airlock.com", "", "{.status.ancestors[*]}"),
    ("operators.coreos.com", "Subscription", "{.status.installedCSV}"),
    ("policy.open-cluster-management.io", "OperatorPolicy", r#"{.status.conditions[?(@.type=="Compliant")]}"#),
];

/// In progress, where an object says something that only its own kind says.
pub(crate) fn doubtful(object: &Value, group: &str, kind: &str) -> Option<Verdict> {
    let is_meant = |row: &&(&str, &str, &str)| row.0 == group && (row.1.is_empty() || row.1 == kind);
    let doubt = DOUBTS.iter().filter(is_meant).find(|row| is_so(object, row.2));
    let need = || NEEDS.iter().filter(is_meant).find(|row| !is_so(object, row.2));
    if let Some((.., what)) = doubt {
        return Some(Verdict::in_progress("NotReady", format!("not ready while this holds: {what}")));
    }
    if let Some((.., what)) = need() {
        return Some(Verdict::in_progress("NotReported", format!("waiting for {what}")));
    }
    match (group, kind) {
        ("promoter.argoproj.io", "PromotionStrategy") => promotion(object),
        ("microgateway.airlock.com", _) => crate::well_known::attached(object),
        // Numaplane keeps the outcome of a progressive upgrade there.
        ("numaflow.numaproj.io", _) => {
            let label = ["metadata", "labels", "numaplane.numaproj.io/progressive-result-state"];
            (string_or(object, &label, "") == "failed")
                .then(|| Verdict::in_progress("UpgradeFailed", "its progressive upgrade has failed"))
        }
        _ => None,
    }
    .filter(|verdict| verdict.status != crate::Status::Current)
}

/// The table's texts parse: a test sees to it.
fn is_so(object: &Value, text: &str) -> bool {
    match Expression::parse(text) {
        Ok(expression) => {
            let status = object.get("status").unwrap_or(&Value::Null);
            expression.evaluate(status) == Ok(Evaluation::Met)
        }
        Err(_) => {
            let path = Path::parse(text).ok();
            path.and_then(|path| path.find(object).map(|found| !found.is_empty()).ok()).unwrap_or(false)
        }
    }
}

/// Every environment has a commit that is proposed to it, and the same one is proposed to all.
fn promotion(object: &Value) -> Option<Verdict> {
    let environments = object.pointer("/status/environments")?.as_array()?;
    let mut first = None;
    environments.iter().find_map(|environment| {
        let sha = |path: &[&str]| string_or(environment, path, "");
        let (active, written) = (sha(&["active", "dry", "sha"]), sha(&["proposed", "dry", "sha"]));
        let proposed = string_or(environment, &["proposed", "note", "drySha"], written);
        let wanted = *first.get_or_insert(proposed);
        let is_there = proposed == wanted && (active == proposed || active == written);
        let message = || format!("{}: {proposed} is not promoted yet", string_or(environment, &["branch"], "a branch"));
        (!is_there).then(|| Verdict::in_progress("Promoting", message()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_parses() {
        for (.., text) in DOUBTS.iter().chain(NEEDS) {
            assert!(Expression::parse(text).is_ok() || Path::parse(text).is_ok(), "{text}");
        }
    }
}
