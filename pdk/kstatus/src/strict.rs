//! The rules of `windlass wait`: kstatus', and more where kstatus is silent or too early.
//!
//! Each rule here says "not yet" where kstatus says Current; none says Current where kstatus does not, but for what an
//! object of the table of [`well_known`] kinds publishes about itself. Where a rule comes from somebody's documentation
//! or another tool's check, it says so.

use serde_json::Value;

use crate::Options;
use crate::doubts::doubtful;
use crate::fields::{self, conditions, group_and_kind, integer_or, is_true, kind, string_or};
use crate::fresh::{DEPTH, Fresh};
use crate::rules::{RESOURCE_IS_CURRENT, compute, jobs, ready_condition, terminating};
use crate::verdict::{Error, Verdict};
use crate::wanted::{is_hoped_for, said, unwanted};
use crate::well_known;

/// The status of an object by the strict rules. `related` are objects that say more about it: its pods.
pub(crate) fn strict(object: &Value, related: &[&Value], options: &Options) -> Result<Verdict, Error> {
    if let Some(verdict) = terminating(object)? {
        return Ok(verdict);
    }
    let fresh = Fresh::of(object);
    if let Some(verdict) = fresh.unobserved(object) {
        return Ok(verdict);
    }
    let object = &*fresh.object;
    for condition in conditions(object)? {
        match (condition.kind, condition.status) {
            ("Reconciling", "True") => return Ok(Verdict::in_progress(condition.reason, condition.message)),
            ("Stalled", "True") => return Ok(Verdict::failed(condition.reason, condition.message)),
            _ => {}
        }
    }
    let Some((group, name)) = group_and_kind(object) else { return compute(object, options) };
    if let Some(verdict) = unseen(object, group, name) {
        return Ok(verdict);
    }
    match (group, name) {
        ("", "Pod") => pod(object, options),
        ("", "Service") => service(object, options),
        ("", "ReplicationController") => replication_controller(object),
        ("", "PersistentVolumeClaim") => claim(object, options),
        ("", "PersistentVolume") => Ok(volume(object)),
        ("apps" | "extensions", "Deployment") => deployment(object, options),
        ("apps", "StatefulSet") => stateful_set(object, related, options),
        ("apps" | "extensions", "DaemonSet") => daemon_set(object, related, options),
        ("batch", "Job") => job(object),
        ("batch", "CronJob") => Ok(cron_job(object)),
        ("policy", "PodDisruptionBudget") => disruption_budget(object),
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler(object),
        ("apiregistration.k8s.io", "APIService") => needs_condition(object, "Available"),
        ("networking.k8s.io" | "extensions", "Ingress") => Ok(ingress(object)),
        ("", "Secret" | "ConfigMap") | ("apps" | "extensions", "ReplicaSet") => compute(object, options),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object, options),
        _ => match well_known::judge(object) {
            Some(verdict) => Ok(verdict),
            None => other(&fresh),
        },
    }
}

/// An object of a kind that nobody knows: what it says of itself, in the words that most controllers use.
fn other(fresh: &Fresh<'_>) -> Result<Verdict, Error> {
    let object = &*fresh.object;
    if let Some(verdict) = bad_phase(object) {
        return Ok(verdict);
    }
    let all = conditions(object)?;
    if !all.iter().any(|condition| condition.kind == "Ready")
        && let Some((stale, generation)) = &fresh.stale
    {
        let now = integer_or(object, &["metadata", "generation"], 0);
        let message = format!("{stale} is of generation {generation}, and the object's is {now}");
        return Ok(Verdict::in_progress("StaleCondition", message));
    }
    let (group, name) = group_and_kind(object).unwrap_or_default();
    let doubt = unwanted(object)
        .or_else(|| switched_off(object))
        .or_else(|| held_back(object))
        .or_else(|| less_ready(object))
        .or_else(|| doubtful(object, group, name));
    if let Some(verdict) = doubt {
        return Ok(verdict);
    }
    let verdict = ready_condition(object)?;
    if verdict.message == RESOURCE_IS_CURRENT && is_silent(object)? {
        return Ok(Verdict::in_progress("NotReported", "its controller has not reported that it is ready"));
    }
    Ok(verdict)
}

/// Types of conditions that tell of an end, and may be False for a long time before.
const DONE: &[&str] = &["Complete", "Completed", "Compliant", "Discoverable", "FullyApplied", "Promoted"];

/// In progress, where an object of an unknown kind is told to rest.
fn switched_off(object: &Value) -> Option<Verdict> {
    const PLACES: &[&[&str]] =
        &[&["suspend"], &["suspended"], &["paused"], &["pause"], &["updateStrategy", "rollingUpdate", "paused"]];
    let spec = object.get("spec")?;
    PLACES
        .iter()
        .find(|path| is_true(spec, path))
        .map(|path| Verdict::in_progress("Suspended", format!("it is told to rest (spec.{})", path.join("."))))
}

/// In progress, where a partition keeps a rollout from going on: somebody has to move it.
fn held_back(object: &Value) -> Option<Verdict> {
    let partition = integer_or(object, &["spec", "updateStrategy", "rollingUpdate", "partition"], 0);
    let count = |field| object.get("status").and_then(|status| status.get(field)).and_then(Value::as_i64);
    let updated = count("updatedReplicas").or_else(|| count("updatedNumberScheduled"))?;
    let all = count("replicas").or_else(|| count("desiredNumberScheduled"))?;
    (partition > 0 && updated < all).then(|| {
        Verdict::in_progress(
            "Partition",
            format!("Updated: {updated}/{all}; the rollout stops at the partition {partition}"),
        )
    })
}

/// In progress, where an object counts replicas and fewer are ready.
fn less_ready(object: &Value) -> Option<Verdict> {
    let count = |field: &str| object.get("status").and_then(|status| status.get(field)).and_then(Value::as_i64);
    let less = |ready: i64, wanted: i64| Verdict::in_progress("LessReady", format!("Ready: {ready}/{wanted}"));
    // OpenTelemetry's operator writes `1/3`.
    let scale = string_or(object, &["status", "scale", "statusReplicas"], "").split_once('/');
    if let Some((Ok(ready), Ok(wanted))) = scale.map(|(ready, wanted)| (ready.parse(), wanted.parse()))
        && ready < wanted
    {
        return Some(less(ready, wanted));
    }
    let wanted = object
        .pointer("/spec/replicas")
        .and_then(Value::as_i64)
        .or_else(|| count("replicas"))
        .or_else(|| count("desiredNumberScheduled"))?;
    let ready = count("readyReplicas").or_else(|| count("updatedReadyReplicas")).or_else(|| count("numberReady"));
    let ready = ready.into_iter().chain(count("availableReplicas")).min()?;
    (ready < wanted).then(|| less(ready, wanted))
}

/// Phases and states of objects that have got there; lower case.
const READY_PHASES: &[&str] = &[
    "active",
    "available",
    "bound",
    "clusterrunning",
    "complete",
    "completed",
    "compliant",
    "configured",
    "created",
    "deployed",
    "done",
    "enabled",
    "established",
    "exists",
    "finished",
    "healthy",
    "initialized",
    "installed",
    "ok",
    "online",
    "operational",
    "ready",
    "running",
    "stable",
    "succeeded",
    "success",
    "successful",
    "synced",
    "valid",
];

/// Fields of a status that hold a phase or state.
const STATE_FIELDS: &[&str] = &[
    "certificateStatus",
    "compliant",
    "currentState",
    "health",
    "healthStatus",
    "overallStatus",
    "phase",
    "state",
    "status",
];

/// Whether an object's status says that it works: a condition, a phase or a state.
fn has_evidence(object: &Value) -> Result<bool, Error> {
    let is_good = |condition: &fields::ObjectCondition<'_>| {
        condition.status == "True" && (is_hoped_for(condition.kind) || DONE.contains(&condition.kind))
    };
    let says = |path: &[&str]| READY_PHASES.contains(&string_or(object, path, "").to_lowercase().as_str());
    Ok(conditions(object)?.iter().any(is_good)
        || STATE_FIELDS.iter().any(|field| says(&["status", field]))
        || says(&["status", "health", "status"])
        || says(&["status", "applicationState", "state"])
        || is_true(object, &["status", "ready"])
        || is_true(object, &["status", "healthy"]))
}

/// Whether silence means that nobody has looked yet: the controllers of these groups report on every object, as Argo
/// CD's health checks for them show.
fn is_silent(object: &Value) -> Result<bool, Error> {
    let (group, _) = group_and_kind(object).unwrap_or_default();
    let is_one_of =
        |known: &&str| *known == group || group.strip_suffix(*known).is_some_and(|rest| rest.ends_with('.'));
    if WITH_STATUS.iter().any(is_one_of) {
        let status = object.get("status").filter(|status| status.as_object().is_some_and(|map| !map.is_empty()));
        return Ok(status.is_none_or(|status| complains(status, 0)));
    }
    Ok(REPORTING.iter().any(is_one_of) && !has_evidence(object)?)
}

/// Whether a state, or a condition of a part, says anywhere in a status that something is not well.
fn complains(value: &Value, depth: usize) -> bool {
    match value {
        Value::Object(map) if depth < DEPTH => {
            let hoped_for = string_or(value, &["type"], "");
            let is_short = integer_or(value, &["readyMembers"], i64::MAX) < integer_or(value, &["members"], 0);
            is_short
                || (is_hoped_for(hoped_for) && ["False", "Unknown"].contains(&string_or(value, &["status"], "")))
                || map.iter().any(|(key, inner)| {
                    let word = inner.as_str().unwrap_or_default().to_lowercase();
                    let is_state = key.ends_with("state") || key.ends_with("State") || key.ends_with("tatus");
                    // Gloo's states are numbers, of which 1 is Accepted.
                    let is_other_number = key == "state" && inner.as_i64().is_some_and(|state| state != 1);
                    is_other_number || (is_state && COMPLAINTS.contains(&word.as_str())) || complains(inner, depth + 1)
                })
        }
        Value::Array(items) if depth < DEPTH => items.iter().any(|item| complains(item, depth + 1)),
        _ => false,
    }
}

/// What [`complains`]: states in the words of the groups of [`WITH_STATUS`].
const COMPLAINTS: &[&str] = &[
    "canceled",
    "configoutofsync",
    "crash",
    "deploying",
    "deployed_not_ready",
    "error",
    "expanding",
    "failed",
    "missing",
    "new",
    "notready",
    "paused",
    "pending",
    "rejected",
    "waiting",
    "warning",
];

/// Groups whose objects have a status, in words that are not those of [`has_evidence`].
const WITH_STATUS: &[&str] = &[
    "apps.kruise.io",
    "cassandra.rook.io",
    "flink.apache.org",
    "game.kruise.io",
    "gateway.solo.io",
    "gloo.solo.io",
    "grafana.integreatly.org",
    "kafka.banzaicloud.io",
    "metrics.keptn.sh",
    "microgateway.airlock.com",
    "operator.victoriametrics.com",
    "operators.coreos.com",
    "route.openshift.io",
    "solr.apache.org",
    "tower.ansible.com",
    "zookeeper.pravega.io",
];

/// Groups whose objects have a status that says so when all is well.
const REPORTING: &[&str] = &[
    "apps.3scale.net",
    "apps.openshift.io",
    "astra.netapp.io",
    "camel.apache.org",
    "capabilities.3scale.net",
    "certmanager.k8s.io",
    "clickhouse-keeper.altinity.com",
    "clickhouse.altinity.com",
    "cnrm.cloud.google.com",
    "coralogix.com",
    "core.gardener.cloud",
    "core.humio.com",
    "core.spinkube.dev",
    "datadoghq.com",
    "db.atlasgo.io",
    "flagger.app",
    "grafana-org-operator.kubitus-project.gitlab.io",
    "iammanager.keikoproj.io",
    "install.istio.io",
    "jaegertracing.io",
    "k8s.keycloak.org",
    "k8s.mariadb.com",
    "karpenter.k8s.aws",
    "karpenter.sh",
    "kiali.io",
    "kubernetes-client.io",
    "kubevirt.io",
    "kyverno.io",
    "lifecycle.keptn.sh",
    "mariadb.mmontes.io",
    "minio.min.io",
    "networking.gke.io",
    "nmstate.io",
    "numaflow.numaproj.io",
    "numaplane.numaproj.io",
    "objectbucket.io",
    "ocs.openshift.io",
    "onepassword.com",
    "openfaas.com",
    "operator.knative.dev",
    "operator.openshift.io",
    "platform.confluent.io",
    "policy.open-cluster-management.io",
    "proclaim.dogmatiq.io",
    "projectcontour.io",
    "promoter.argoproj.io",
    "psmdb.percona.com",
    "pulumi.com",
    "pxc.percona.com",
    "rollouts.kruise.io",
    "services.cloud.sap.com",
    "services.k8s.aws",
    "serving.kserve.io",
    "sparkoperator.k8s.io",
    "spot.io",
    "trident.netapp.io",
    "work.karmada.io",
];

/// Phases and states that say themselves that it is not ready; lower case.
const FAILED_PHASES: &[&str] =
    &["failed", "failure", "error", "errored", "invalid", "rejected", "aborted", "createfailed", "updatefailed"];
const UNREADY_PHASES: &[&str] = &[
    "configuring",
    "creating",
    "degraded",
    "deleting",
    "deploying",
    "initializing",
    "installing",
    "notready",
    "pending",
    "progressing",
    "provisioning",
    "reconciling",
    "starting",
    "suspended",
    "terminating",
    "unhealthy",
    "unknown",
    "updating",
    "upgrading",
    "waiting",
];

fn bad_phase(object: &Value) -> Option<Verdict> {
    for field in ["phase", "state"] {
        let phase = string_or(object, &["status", field], "");
        let lower = phase.to_lowercase();
        let message = match string_or(object, &["status", "message"], "") {
            "" => format!("{field} is {phase}"),
            message => format!("{field} is {phase}: {message}"),
        };
        if FAILED_PHASES.contains(&lower.as_str()) {
            return Some(Verdict::failed("FailedPhase", message));
        }
        if UNREADY_PHASES.contains(&lower.as_str()) {
            return Some(Verdict::in_progress("UnreadyPhase", message));
        }
    }
    let health = match object.pointer("/status/health") {
        Some(Value::String(text)) => text.as_str(),
        _ => string_or(object, &["status", "health", "status"], ""),
    };
    let is_bad =
        ["red", "yellow", "unhealthy", "degraded", "progressing", "missing"].contains(&health.to_lowercase().as_str());
    is_bad.then(|| Verdict::in_progress("Unhealthy", format!("health is {health}")))
}

/// Controllers of these kinds write `status.observedGeneration` first of all: without it nobody has looked yet.
fn unseen(object: &Value, group: &str, name: &str) -> Option<Verdict> {
    let counts = matches!(
        (group, name),
        ("apps" | "extensions", "Deployment" | "ReplicaSet" | "DaemonSet")
            | ("apps", "StatefulSet")
            | ("", "ReplicationController")
            | ("policy", "PodDisruptionBudget")
    );
    let has_generation = object.pointer("/metadata/generation").is_some();
    let is_seen = object.pointer("/status/observedGeneration").is_some();
    (counts && has_generation && !is_seen)
        .then(|| Verdict::in_progress("NoObservedGeneration", format!("{name} was not seen by its controller yet")))
}

/// A pod that has ended badly is Current for kstatus, as it will not change any more.
fn pod(object: &Value, options: &Options) -> Result<Verdict, Error> {
    if string_or(object, &["status", "phase"], "") == "Failed" {
        return Ok(Verdict::failed("PodFailed", "Pod has completed, but not successfully"));
    }
    compute(object, options)
}

/// A load balancer without address is not reachable (as Helm 3 and Argo CD have it).
fn service(object: &Value, options: &Options) -> Result<Verdict, Error> {
    let verdict = compute(object, options)?;
    let is_load_balancer = string_or(object, &["spec", "type"], "") == "LoadBalancer";
    if verdict.status == crate::Status::Current && is_load_balancer && !has_address(object) {
        return Ok(Verdict::in_progress("NoAddress", "Service of type LoadBalancer has no address yet"));
    }
    Ok(verdict)
}

fn has_address(object: &Value) -> bool {
    let list = object.pointer("/status/loadBalancer/ingress").and_then(Value::as_array);
    list.is_some_and(|list| !list.is_empty())
}

fn ingress(object: &Value) -> Verdict {
    if has_address(object) {
        return Verdict::current("Ingress has an address");
    }
    let annotation = ["metadata", "annotations", "kubernetes.io/ingress.class"];
    let class = string_or(object, &["spec", "ingressClassName"], string_or(object, &annotation, ""));
    Verdict::in_progress(
        "NoAddress",
        match class {
            "" => "Ingress has no address yet, and no class".to_owned(),
            class => format!("Ingress has no address yet from its class {class}"),
        },
    )
}

fn replication_controller(object: &Value) -> Result<Verdict, Error> {
    for condition in conditions(object)? {
        if condition.kind == "ReplicaFailure" && condition.status == "True" {
            return Ok(Verdict::in_progress("ReplicaFailure", condition.message));
        }
    }
    let wanted = integer_or(object, &["spec", "replicas"], 1);
    let count = |field| integer_or(object, &["status", field], 0);
    for (field, reason, word) in [
        ("fullyLabeledReplicas", "LessLabelled", "Labelled"),
        ("availableReplicas", "LessAvailable", "Available"),
        ("readyReplicas", "LessReady", "Ready"),
    ] {
        if wanted > count(field) {
            return Ok(Verdict::in_progress(reason, format!("{word}: {}/{wanted}", count(field))));
        }
    }
    let replicas = count("replicas");
    if replicas > wanted {
        return Ok(Verdict::in_progress("ExtraPods", format!("Pending termination: {}", replicas - wanted)));
    }
    Ok(Verdict::current(format!("ReplicationController is available. Replicas: {replicas}")))
}

fn claim(object: &Value, options: &Options) -> Result<Verdict, Error> {
    if string_or(object, &["status", "phase"], "") == "Lost" {
        return Ok(Verdict::failed("ClaimLost", "PVC has lost its volume"));
    }
    compute(object, options)
}

fn volume(object: &Value) -> Verdict {
    match string_or(object, &["status", "phase"], "Pending") {
        "Pending" => Verdict::in_progress("VolumePending", "PersistentVolume is pending"),
        "Failed" => Verdict::failed(
            "VolumeFailed",
            format!("PersistentVolume has failed: {}", string_or(object, &["status", "message"], "no message")),
        ),
        phase => Verdict::current(format!("PersistentVolume is {phase}")),
    }
}

/// A paused Deployment does not roll out what was asked for (Argo CD: Suspended).
fn deployment(object: &Value, options: &Options) -> Result<Verdict, Error> {
    let verdict = compute(object, options)?;
    if is_true(object, &["spec", "paused"]) {
        return Ok(Verdict::in_progress(
            "DeploymentPaused",
            "Deployment is paused (spec.paused): it does not roll out",
        ));
    }
    for condition in conditions(object)? {
        let has_failed = condition.kind == "ReplicaFailure" && condition.status == "True";
        if has_failed && verdict.status == crate::Status::InProgress {
            return Ok(Verdict::in_progress("ReplicaFailure", format!("{}: {}", verdict.message, condition.message)));
        }
    }
    Ok(verdict)
}

fn stateful_set(object: &Value, related: &[&Value], options: &Options) -> Result<Verdict, Error> {
    let wanted = integer_or(object, &["spec", "replicas"], 1);
    let count = |field| integer_or(object, &["status", field], 0);
    let update = string_or(object, &["status", "updateRevision"], "");
    if string_or(object, &["spec", "updateStrategy", "type"], "") == "OnDelete" {
        for (field, reason, word) in [("replicas", "LessReplicas", "Replicas"), ("readyReplicas", "LessReady", "Ready")]
        {
            if wanted > count(field) {
                return Ok(Verdict::in_progress(reason, format!("{word}: {}/{wanted}", count(field))));
            }
        }
        let updated = count("updatedReplicas");
        if string_or(object, &["status", "currentRevision"], "") != update && updated < wanted {
            let old =
                |pod: &Value| string_or(pod, &["metadata", "labels", "controller-revision-hash"], update) != update;
            return Ok(on_delete("StatefulSet", updated, wanted, related, &old));
        }
    }
    let verdict = compute(object, options)?;
    let partition = integer_or(object, &["spec", "updateStrategy", "rollingUpdate", "partition"], 0);
    if verdict.status == crate::Status::Current
        && partition == 0
        && string_or(object, &["spec", "updateStrategy", "type"], "RollingUpdate") == "RollingUpdate"
        && string_or(object, &["status", "currentRevision"], "") != update
    {
        return Ok(Verdict::in_progress("RevisionMismatch", "Waiting for updated revision to match current"));
    }
    if verdict.status == crate::Status::Current
        && integer_or(object, &["spec", "minReadySeconds"], 0) > 0
        && count("availableReplicas") < wanted
    {
        let message = format!("Available: {}/{wanted}", count("availableReplicas"));
        return Ok(Verdict::in_progress("LessAvailable", message));
    }
    Ok(verdict)
}

fn daemon_set(object: &Value, related: &[&Value], options: &Options) -> Result<Verdict, Error> {
    let verdict = compute(object, options)?;
    let is_on_delete = string_or(object, &["spec", "updateStrategy", "type"], "") == "OnDelete";
    if verdict.reason() != "LessUpdated" || !is_on_delete {
        return Ok(verdict);
    }
    let generation = string_or(object, &["metadata", "annotations", "deprecated.daemonset.template.generation"], "");
    let old =
        |pod: &Value| string_or(pod, &["metadata", "labels", "pod-template-generation"], generation) != generation;
    let count = |field| integer_or(object, &["status", field], 0);
    Ok(on_delete("DaemonSet", count("updatedNumberScheduled"), count("desiredNumberScheduled"), related, &old))
}

/// Nothing but a person replaces the pods.
fn on_delete(kind: &str, updated: i64, wanted: i64, pods: &[&Value], old: &dyn Fn(&Value) -> bool) -> Verdict {
    let mut names: Vec<&str> =
        pods.iter().filter(|pod| old(pod)).map(|pod| string_or(pod, &["metadata", "name"], "")).collect();
    names.sort_unstable();
    let hidden = names.len().saturating_sub(5);
    names.truncate(5);
    let which = match (names.is_empty(), hidden) {
        (true, _) => "its pods of an old revision".to_owned(),
        (false, 0) => names.join(", "),
        (false, more) => format!("{} and {more} more", names.join(", ")),
    };
    let message = format!("Updated: {updated}/{wanted}; {kind} has the update strategy OnDelete: delete {which}");
    Verdict::in_progress("OnDelete", message)
}

/// A Job is ready when it is done: one that has only started may fail a moment later.
fn job(object: &Value) -> Result<Verdict, Error> {
    let verdict = jobs::job_to_its_end(object)?;
    if verdict.status == crate::Status::InProgress && is_true(object, &["spec", "suspend"]) {
        return Ok(Verdict::in_progress("JobSuspended", "Job is suspended (spec.suspend): it does not run"));
    }
    Ok(verdict)
}

/// A CronJob whose last run has failed is not what anybody wants (as Argo CD has it).
fn cron_job(object: &Value) -> Verdict {
    let time = |field| string_or(object, &["status", field], "");
    let runs = object.pointer("/status/active").and_then(Value::as_array).is_some_and(|active| !active.is_empty());
    let (scheduled, succeeded) = (time("lastScheduleTime"), time("lastSuccessfulTime"));
    // RFC 3339 in UTC sorts as text.
    if !is_true(object, &["spec", "suspend"]) && !runs && !succeeded.is_empty() && succeeded < scheduled {
        return Verdict::in_progress("LastRunFailed", "CronJob has not completed its last run successfully");
    }
    Verdict::current("Resource is always ready")
}

fn disruption_budget(object: &Value) -> Result<Verdict, Error> {
    if object.get("status").is_none_or(Value::is_null) {
        return Ok(Verdict::in_progress("NoStatus", "PodDisruptionBudget was not seen by its controller yet"));
    }
    for condition in conditions(object)? {
        // Too few pods are a reason to wait for the pods, not for their budget.
        if condition.status == "False" && condition.reason != "InsufficientPods" {
            return Ok(Verdict::in_progress(condition.reason, said(&condition)));
        }
    }
    Ok(Verdict::current("AllowedDisruptions has been computed."))
}

/// A definition whose schema is not structural is served, and prunes nothing (as Argo CD has it).
fn definition(object: &Value, options: &Options) -> Result<Verdict, Error> {
    let verdict = compute(object, options)?;
    for condition in conditions(object)? {
        let is_loose = condition.kind == "NonStructuralSchema" && condition.status == "True";
        if is_loose && verdict.status == crate::Status::Current {
            return Ok(Verdict::in_progress(condition.reason, said(&condition)));
        }
    }
    Ok(verdict)
}

fn needs_condition(object: &Value, wanted: &str) -> Result<Verdict, Error> {
    for condition in conditions(object)? {
        if condition.kind == wanted {
            return Ok(match condition.status {
                "True" => Verdict::current(format!("{} is {wanted}", kind(object))),
                _ => Verdict::in_progress(condition.reason, said(&condition)),
            });
        }
    }
    Ok(Verdict::in_progress(format!("No{wanted}"), format!("{} has no condition {wanted} yet", kind(object))))
}

/// It can read its target's scale and its metrics. With zero replicas it is switched off, which is somebody's wish.
fn autoscaler(object: &Value) -> Result<Verdict, Error> {
    // autoscaling/v1 keeps the conditions in an annotation.
    let annotation = ["metadata", "annotations", "autoscaling.alpha.kubernetes.io/conditions"];
    let listed = serde_json::from_str::<Value>(string_or(object, &annotation, "null")).unwrap_or_default();
    let as_status = serde_json::json!({"status": {"conditions": listed}});
    let all = if listed.is_array() { conditions(&as_status)? } else { conditions(object)? };
    for condition in &all {
        let is_off = condition.kind == "ScalingActive" && condition.reason == "ScalingDisabled";
        if ["AbleToScale", "ScalingActive"].contains(&condition.kind) && condition.status != "True" && !is_off {
            return Ok(Verdict::in_progress(condition.reason, said(condition)));
        }
    }
    if !all.iter().any(|condition| condition.kind == "AbleToScale") {
        return Ok(Verdict::in_progress("NoAbleToScale", "HorizontalPodAutoscaler has no condition AbleToScale yet"));
    }
    Ok(Verdict::current("HorizontalPodAutoscaler can scale"))
}
