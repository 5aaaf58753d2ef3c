//! Readiness of custom resources that many charts carry, from what their projects publish about their status. They are
//! data: [`crate::Rules::Strict`] judges by them, and the kstatus plugin writes them as annotations (`wellKnown`).
//!
//! Helm's proposal wants both lists present, and any success expression decides. A project without a final failure in
//! its status gets the standard condition `Stalled`, which kstatus defines for exactly that and which such a project
//! may start to publish. What one expression cannot say ([`WellKnownRule::also`], [`WellKnownRule::check`], and
//! conditions that nobody wants to see False) decides as well wherever these rules judge an object: by the strict
//! rules, and by the others when its annotations are those of this table.
//!
//! Facts were checked against each project's API documentation and the health checks that Argo CD publishes
//! (`resource_customizations`, August 2026).

use serde_json::Value;

use crate::Expression;
use crate::fields::{integer_or, is_true, string_or};
use crate::fresh::Fresh;
use crate::lists::{Lists, evaluate};
use crate::verdict::{Status, Verdict};
use crate::wanted::unwanted;

/// The expressions for some kinds of one project.
#[derive(Clone, Copy, Debug)]
pub struct WellKnownRule {
    /// The project, as a configuration names it: `cert-manager`.
    pub project: &'static str,
    /// The API group; `*.example.org` is every group below `example.org`.
    pub group: &'static str,
    /// The kinds; empty is every kind of the group except `excluded_kinds`.
    pub kinds: &'static [&'static str],
    /// Kinds of the group without a status to wait for.
    pub excluded_kinds: &'static [&'static str],
    /// Any of these means ready.
    pub success: &'static [&'static str],
    /// All of these must hold besides.
    pub also: &'static [&'static str],
    /// Any of these means failed.
    pub failure: &'static [&'static str],
    /// What no expression can say; a verdict of it is final.
    pub check: Option<Check>,
}

/// A look at the whole object, whose status has no conditions of another generation any more; a verdict where it
/// decides.
pub type Check = fn(&Value) -> Option<Verdict>;

impl WellKnownRule {
    fn covers(&self, group: &str, kind: &str) -> bool {
        is_of_group(self.group, group)
            && (self.kinds.is_empty() || self.kinds.contains(&kind))
            && !self.excluded_kinds.contains(&kind)
    }
}

/// Whether a group is the one that a rule names: `*.example.org` is every group below `example.org`.
pub(crate) fn is_of_group(named: &str, group: &str) -> bool {
    match named.strip_prefix('*') {
        Some(suffix) => group.ends_with(suffix),
        None => group == named,
    }
}

/// The rule for a group and kind, if there is one. The first in [`RULES`] wins.
pub fn find(group: &str, kind: &str) -> Option<&'static WellKnownRule> {
    RULES.iter().find(|rule| rule.covers(group, kind))
}

/// The verdict of the table on an object; none where it has no rule for its kind. `object` is as [`Fresh`] leaves it.
pub(crate) fn judge(object: &Value) -> Option<Verdict> {
    let (group, kind) = crate::fields::group_and_kind(object)?;
    find(group, kind).map(|rule| judge_by(rule, object, false))
}

/// The verdict of the table's whole rule, where an object's annotations are those that the table has for its kind.
pub(crate) fn judge_annotated(object: &Value, lists: &Lists) -> Option<Verdict> {
    let (group, kind) = crate::fields::group_and_kind(object)?;
    let rule = find(group, kind)?;
    let same = |own: &[Expression], table: &[&str]| own.iter().map(Expression::text).eq(table.iter().copied());
    (same(&lists.success, rule.success) && same(&lists.failure, rule.failure))
        .then(|| judge_by(rule, &Fresh::of(object).object, true))
}

/// `may_fail`: a condition Ready that is False is a failure, as the annotations say. Otherwise it is a reason to wait:
/// most controllers try again.
fn judge_by(rule: &WellKnownRule, object: &Value, may_fail: bool) -> Verdict {
    if let Some(verdict) = rule.check.and_then(|check| check(object)) {
        return verdict;
    }
    let failure = rule.failure.iter().copied().filter(|text| may_fail || *text != READY_FALSE);
    let lists = Lists {
        success: parsed(rule.success.iter().copied()),
        also: parsed(rule.also.iter().copied()),
        failure: parsed(failure),
    };
    let verdict = evaluate(object, &lists);
    match verdict.status {
        Status::Current | Status::InProgress => unwanted(object).unwrap_or(verdict),
        _ => verdict,
    }
}

/// The table's expressions parse: a test sees to it.
fn parsed(texts: impl Iterator<Item = &'static str>) -> Vec<Expression> {
    texts.filter_map(|text| Expression::parse(text).ok()).collect()
}

fn waits(reason: &str, message: impl Into<String>) -> Option<Verdict> {
    Some(Verdict::in_progress(reason, message))
}

/// Flux and Cluster API leave an object alone when they are told to.
fn suspended(object: &Value) -> Option<Verdict> {
    if is_true(object, &["spec", "suspend"]) {
        return waits("Suspended", "it is suspended (spec.suspend)");
    }
    is_true(object, &["spec", "paused"]).then(|| Verdict::in_progress("Paused", "it is paused (spec.paused)"))
}

/// Flux writes no status for a repository of the type `oci`.
fn oci_repository(object: &Value) -> Option<Verdict> {
    if string_or(object, &["spec", "type"], "") == "oci" && !is_true(object, &["spec", "suspend"]) {
        return Some(Verdict::current("a HelmRepository of the type oci has no status"));
    }
    suspended(object)
}

/// A Rollout that refers to a workload follows that one's generation, too.
fn rollout(object: &Value) -> Option<Verdict> {
    let number = |value: Option<&Value>| match value {
        Some(Value::String(text)) => text.parse::<i64>().ok(),
        Some(number) => number.as_i64(),
        None => None,
    };
    let annotations = object.get("metadata").and_then(|metadata| metadata.get("annotations"));
    let wanted = number(annotations.and_then(|all| all.get("rollout.argoproj.io/workload-generation")));
    let observed = number(object.pointer("/status/workloadObservedGeneration"));
    let refers = object.pointer("/spec/workloadRef").is_some_and(Value::is_object);
    if refers && (wanted.is_none() || wanted != observed) {
        return waits("WorkloadNotObserved", "its workload's latest generation was not observed yet");
    }
    is_true(object, &["spec", "paused"]).then(|| Verdict::in_progress("Paused", "Rollout is paused (spec.paused)"))
}

/// Conditions in a list of maps below the status: a gateway's listeners, a route's parents, a policy's ancestors.
fn nested_conditions<'o>(object: &'o Value, list: &str) -> impl Iterator<Item = (&'o Value, &'o Value)> {
    let items = object.get("status").and_then(|status| status.get(list)).and_then(Value::as_array);
    items.into_iter().flatten().flat_map(|item| {
        let conditions = item.get("conditions").and_then(Value::as_array);
        conditions.into_iter().flatten().map(move |condition| (item, condition))
    })
}

/// The first of such conditions that refuses: Accepted, ResolvedRefs or Programmed.
fn refused(object: &Value, list: &str, name: fn(&Value) -> &str) -> Option<Verdict> {
    nested_conditions(object, list).find_map(|(item, condition)| {
        let (kind, status) = (string_or(condition, &["type"], ""), string_or(condition, &["status"], ""));
        let is_bad = ["Accepted", "ResolvedRefs", "Programmed"].contains(&kind) && status != "True";
        is_bad.then(|| {
            let message = string_or(condition, &["message"], "");
            Verdict::in_progress(
                string_or(condition, &["reason"], ""),
                format!("{}: {kind} is {status}: {message}", name(item)),
            )
        })
    })
}

fn gateway(object: &Value) -> Option<Verdict> {
    refused(object, "listeners", |listener| string_or(listener, &["name"], "a listener"))
}

fn route(object: &Value) -> Option<Verdict> {
    if let Some(verdict) = refused(object, "parents", |parent| string_or(parent, &["parentRef", "name"], "a parent")) {
        return Some(verdict);
    }
    let wanted = object.pointer("/spec/parentRefs").and_then(Value::as_array).map_or(1, Vec::len).max(1);
    accepted(object, "parents", wanted)
}

pub(crate) fn attached(object: &Value) -> Option<Verdict> {
    refused(object, "ancestors", |one| string_or(one, &["ancestorRef", "name"], "an ancestor"))
        .or_else(|| accepted(object, "ancestors", 1))
}

fn accepted(object: &Value, list: &str, wanted: usize) -> Option<Verdict> {
    let accepted = nested_conditions(object, list)
        .filter(|(_, condition)| string_or(condition, &["type"], "") == "Accepted")
        .count();
    let there = object.get("status").and_then(|status| status.get(list)).and_then(Value::as_array).map_or(0, Vec::len);
    let wanted = wanted.max(there);
    if accepted < wanted {
        return waits("NotAccepted", format!("accepted by {accepted} of {wanted} {list}"));
    }
    Some(Verdict::current(format!("accepted by {accepted} {list}")))
}

/// As many nodes are available as the node sets ask for.
fn elasticsearch(object: &Value) -> Option<Verdict> {
    let sets = object.pointer("/spec/nodeSets").and_then(Value::as_array)?;
    let wanted = sets.iter().fold(0_i64, |sum, set| sum.saturating_add(integer_or(set, &["count"], 0)));
    let available = integer_or(object, &["status", "availableNodes"], 0);
    (available < wanted)
        .then(|| Verdict::in_progress("LessAvailable", format!("Available nodes: {available}/{wanted}")))
}

fn machine_health_check(object: &Value) -> Option<Verdict> {
    let count = |field| integer_or(object, &["status", field], -1);
    let (expected, healthy) = (count("expectedMachines"), count("currentHealthy"));
    if healthy < 0 || expected != healthy {
        return waits("LessHealthy", format!("Healthy machines: {}/{}", healthy.max(0), expected.max(0)));
    }
    Some(Verdict::current(format!("Healthy machines: {healthy}/{expected}")))
}

fn eks(object: &Value) -> Option<Verdict> {
    let own = object.pointer("/status/conditions").and_then(Value::as_array);
    let is_busy = |condition: &&Value| {
        ["EKSControlPlaneCreating", "EKSControlPlaneUpdating"].contains(&string_or(condition, &["type"], ""))
            && string_or(condition, &["status"], "") == "True"
    };
    let busy = own.into_iter().flatten().find(is_busy)?;
    waits(string_or(busy, &["type"], ""), "the EKS control plane is being made or updated")
}

/// Reconciliation is switched off, or the cluster sleeps.
fn cnpg_cluster(object: &Value) -> Option<Verdict> {
    if string_or(object, &["metadata", "annotations", "cnpg.io/reconciliationLoop"], "") == "disabled" {
        return waits("Suspended", "its reconciliation is disabled (cnpg.io/reconciliationLoop)");
    }
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let sleeps =
        conditions.into_iter().flatten().any(|condition| string_or(condition, &["type"], "") == "cnpg.io/hibernation");
    sleeps.then(|| Verdict::in_progress("Hibernation", "it hibernates, or wakes up from it"))
}

/// `status.syncedResourceVersion` begins with the generation that was synced.
fn external_secret(object: &Value) -> Option<Verdict> {
    let generation = integer_or(object, &["metadata", "generation"], -1);
    let (synced, _) = string_or(object, &["status", "syncedResourceVersion"], "").split_once('-')?;
    let synced: i64 = synced.parse().ok()?;
    (generation >= 0 && synced != generation).then(|| {
        Verdict::in_progress("NotSynced", format!("generation {synced} was synced, and the object's is {generation}"))
    })
}

const READY: &str = r#"{.conditions[?(@.type=="Ready")].status} == "True""#;
const READY_FALSE: &str = r#"{.conditions[?(@.type=="Ready")].status} == "False""#;
const STALLED: &str = r#"{.conditions[?(@.type=="Stalled")].status} == "True""#;
const PHASE_READY: &str = r#"{.phase} == "Ready""#;
const HEALTH_GREEN: &str = r#"{.health} == "green""#;

const fn rule(
    project: &'static str,
    group: &'static str,
    kinds: &'static [&'static str],
    success: &'static [&'static str],
    failure: &'static [&'static str],
) -> WellKnownRule {
    WellKnownRule { project, group, kinds, excluded_kinds: &[], success, also: &[], failure, check: None }
}

const fn also(mut rule: WellKnownRule, also: &'static [&'static str]) -> WellKnownRule {
    rule.also = also;
    rule
}

const fn check(mut rule: WellKnownRule, check: Check) -> WellKnownRule {
    rule.check = Some(check);
    rule
}

const fn except(mut rule: WellKnownRule, kinds: &'static [&'static str]) -> WellKnownRule {
    rule.excluded_kinds = kinds;
    rule
}

/// Every rule, by project.
pub static RULES: &[WellKnownRule] = &[
    // A failed issuance ends with Issuing=False, reason Failed, and is tried again after an hour at the earliest.
    rule(
        "cert-manager",
        "cert-manager.io",
        &["Certificate"],
        &[READY],
        &[r#"{.conditions[?(@.type=="Issuing")].reason} == "Failed""#],
    ),
    rule(
        "cert-manager",
        "cert-manager.io",
        &["CertificateRequest"],
        &[READY],
        &[
            r#"{.conditions[?(@.type=="Ready")].reason} == "Failed""#,
            r#"{.conditions[?(@.type=="Ready")].reason} == "Denied""#,
            r#"{.conditions[?(@.type=="InvalidRequest")].status} == "True""#,
        ],
    ),
    rule("cert-manager", "cert-manager.io", &["Issuer", "ClusterIssuer"], &[READY], &[STALLED]),
    check(
        rule(
            "argo-rollouts",
            "argoproj.io",
            &["Rollout"],
            &[r#"{.phase} == "Healthy""#],
            &[r#"{.phase} == "Degraded""#],
        ),
        rollout,
    ),
    rule(
        "argo-rollouts",
        "argoproj.io",
        &["AnalysisRun", "Experiment"],
        &[r#"{.phase} == "Successful""#],
        &[r#"{.phase} == "Failed""#, r#"{.phase} == "Error""#, r#"{.phase} == "Inconclusive""#],
    ),
    rule(
        "argo-cd",
        "argoproj.io",
        &["Application"],
        &[r#"{.health.status} == "Healthy""#],
        &[r#"{.health.status} == "Degraded""#],
    ),
    rule(
        "argo-cd",
        "argoproj.io",
        &["ApplicationSet"],
        &[r#"{.conditions[?(@.type=="ResourcesUpToDate")].status} == "True""#],
        &[STALLED],
    ),
    rule(
        "argo-workflows",
        "argoproj.io",
        &["Workflow"],
        &[r#"{.phase} == "Succeeded""#],
        &[r#"{.phase} == "Failed""#, r#"{.phase} == "Error""#],
    ),
    also(
        rule(
            "crossplane",
            "pkg.crossplane.io",
            &["Provider", "Configuration", "Function"],
            &[r#"{.conditions[?(@.type=="Healthy")].status} == "True""#],
            &[STALLED],
        ),
        &[r#"{.conditions[?(@.type=="Installed")].status} == "True""#],
    ),
    rule(
        "crossplane",
        "pkg.crossplane.io",
        &["ProviderRevision", "ConfigurationRevision", "FunctionRevision"],
        &[
            r#"{.conditions[?(@.type=="Healthy")].status} == "True""#,
            r#"{.conditions[?(@.type=="RevisionHealthy")].status} == "True""#,
        ],
        &[STALLED],
    ),
    rule(
        "crossplane",
        "apiextensions.crossplane.io",
        &["CompositeResourceDefinition"],
        &[r#"{.conditions[?(@.type=="Established")].status} == "True""#],
        &[STALLED],
    ),
    // Managed resources of Crossplane's and Upbound's providers. Synced=False is tried again and no final failure.
    except(rule("crossplane", "*.crossplane.io", &[], &[READY], &[STALLED]), CROSSPLANE_WITHOUT_STATUS),
    except(rule("crossplane", "*.upbound.io", &[], &[READY], &[STALLED]), CROSSPLANE_WITHOUT_STATUS),
    // Knative's conditions are Unknown while something may still change, False when it will not.
    rule(
        "knative",
        "serving.knative.dev",
        &["Service", "Configuration", "Revision", "Route", "DomainMapping"],
        &[READY],
        &[READY_FALSE],
    ),
    rule("knative", "eventing.knative.dev", &["Broker", "Trigger"], &[READY], &[READY_FALSE]),
    check(
        rule(
            "cnpg",
            "postgresql.cnpg.io",
            &["Cluster"],
            &[r#"{.phase} == "Cluster in healthy state""#],
            &[
                r#"{.phase} == "Cluster is in an unrecoverable state, needs manual intervention""#,
                r#"{.phase} == "Unable to create required cluster objects""#,
                r#"{.phase} == "Cluster has incomplete or invalid image catalog""#,
            ],
        ),
        cnpg_cluster,
    ),
    rule("cnpg", "postgresql.cnpg.io", &["Backup"], &[r#"{.phase} == "completed""#], &[r#"{.phase} == "failed""#]),
    // While it is being made a Strimzi resource is NotReady with reason Creating; other reasons are errors.
    rule(
        "strimzi",
        "kafka.strimzi.io",
        &[],
        &[READY],
        &[r#"{.conditions[?(@.type=="NotReady")].reason} != "Creating""#],
    ),
    rule("keda", "keda.sh", &["ScaledObject", "ScaledJob"], &[READY], &[READY_FALSE]),
    check(
        rule("external-secrets", "external-secrets.io", &["ExternalSecret"], &[READY], &[READY_FALSE]),
        external_secret,
    ),
    rule(
        "external-secrets",
        "external-secrets.io",
        &["ClusterExternalSecret", "SecretStore", "ClusterSecretStore", "PushSecret"],
        &[READY],
        &[READY_FALSE],
    ),
    rule(
        "sealed-secrets",
        "bitnami.com",
        &["SealedSecret"],
        &[r#"{.conditions[?(@.type=="Synced")].status} == "True""#],
        &[r#"{.conditions[?(@.type=="Synced")].status} == "False""#],
    ),
    rule(
        "tekton",
        "tekton.dev",
        &["PipelineRun", "TaskRun"],
        &[r#"{.conditions[?(@.type=="Succeeded")].status} == "True""#],
        &[r#"{.conditions[?(@.type=="Succeeded")].status} == "False""#],
    ),
    check(rule("flux", "helm.toolkit.fluxcd.io", &["HelmRelease"], &[READY], &[STALLED]), suspended),
    check(rule("flux", "kustomize.toolkit.fluxcd.io", &["Kustomization"], &[READY], &[STALLED]), suspended),
    check(rule("flux", "source.toolkit.fluxcd.io", &["HelmRepository"], &[READY], &[STALLED]), oci_repository),
    check(rule("flux", "source.toolkit.fluxcd.io", &[], &[READY], &[STALLED]), suspended),
    check(
        rule(
            "flux",
            "image.toolkit.fluxcd.io",
            &["ImageRepository", "ImagePolicy", "ImageUpdateAutomation"],
            &[READY],
            &[STALLED],
        ),
        suspended,
    ),
    check(rule("flux", "notification.toolkit.fluxcd.io", &["Receiver"], &[READY], &[STALLED]), suspended),
    rule(
        "prometheus-operator",
        "monitoring.coreos.com",
        &["Prometheus", "PrometheusAgent", "Alertmanager", "ThanosRuler"],
        &[r#"{.conditions[?(@.type=="Available")].status} == "True""#],
        &[r#"{.conditions[?(@.type=="Reconciled")].status} == "False""#],
    ),
    check(
        rule(
            "gateway-api",
            "gateway.networking.k8s.io",
            &["Gateway"],
            &[r#"{.conditions[?(@.type=="Programmed")].status} == "True""#],
            &[r#"{.conditions[?(@.type=="Accepted")].reason} == "Invalid""#],
        ),
        gateway,
    ),
    rule(
        "gateway-api",
        "gateway.networking.k8s.io",
        &["GatewayClass"],
        &[r#"{.conditions[?(@.type=="Accepted")].status} == "True""#],
        &[STALLED],
    ),
    check(
        rule(
            "gateway-api",
            "gateway.networking.k8s.io",
            &["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"],
            &[r#"{.parents[0].conditions[?(@.type=="Accepted")].status} == "True""#],
            &[STALLED],
        ),
        route,
    ),
    check(
        rule(
            "gateway-api",
            "gateway.networking.k8s.io",
            &["BackendTLSPolicy"],
            &[r#"{.ancestors[0].conditions[?(@.type=="Accepted")].status} == "True""#],
            &[STALLED],
        ),
        attached,
    ),
    check(
        rule(
            "cluster-api",
            "cluster.x-k8s.io",
            &["Cluster"],
            &[r#"{.phase} == "Provisioned""#],
            &[r#"{.phase} == "Failed""#],
        ),
        suspended,
    ),
    check(
        rule(
            "cluster-api",
            "cluster.x-k8s.io",
            &["Machine", "MachineDeployment", "MachinePool"],
            &[r#"{.phase} == "Running""#],
            &[r#"{.phase} == "Failed""#],
        ),
        suspended,
    ),
    check(
        rule(
            "cluster-api",
            "cluster.x-k8s.io",
            &["MachineHealthCheck"],
            &[r#"{.conditions[?(@.type=="RemediationAllowed")].status} == "True""#],
            &[STALLED],
        ),
        machine_health_check,
    ),
    rule(
        "cluster-api",
        "addons.cluster.x-k8s.io",
        &["ClusterResourceSet"],
        &[r#"{.conditions[?(@.type=="ResourcesApplied")].status} == "True""#],
        &[STALLED],
    ),
    // Ready, and ready, stay true while EKS is being made or updated: conditions of their own say that.
    check(rule("cluster-api", "controlplane.cluster.x-k8s.io", &["AWSManagedControlPlane"], &[READY], &[STALLED]), eks),
    rule("cluster-api", "controlplane.cluster.x-k8s.io", &[], &[READY, "{.ready} == true"], &[STALLED]),
    rule(
        "velero",
        "velero.io",
        &["Backup", "Restore"],
        &[r#"{.phase} == "Completed""#],
        &[r#"{.phase} == "Failed""#, r#"{.phase} == "PartiallyFailed""#, r#"{.phase} == "FailedValidation""#],
    ),
    also(
        rule("rook", "ceph.rook.io", &["CephCluster"], &[PHASE_READY], &[r#"{.phase} == "Failure""#]),
        &[r#"{.ceph.health} == "HEALTH_OK""#],
    ),
    rule(
        "rook",
        "ceph.rook.io",
        &["CephObjectStore", "CephBlockPool", "CephFilesystem", "CephObjectStoreUser"],
        &[PHASE_READY],
        &[r#"{.phase} == "Failure""#],
    ),
    check(
        also(
            rule(
                "elastic",
                "elasticsearch.k8s.elastic.co",
                &["Elasticsearch"],
                &[PHASE_READY],
                &[r#"{.phase} == "Invalid""#],
            ),
            &[HEALTH_GREEN],
        ),
        elasticsearch,
    ),
    rule("elastic", "kibana.k8s.elastic.co", &["Kibana"], &[HEALTH_GREEN], &[STALLED]),
    rule("elastic", "beat.k8s.elastic.co", &["Beat"], &[HEALTH_GREEN], &[STALLED]),
    rule("elastic", "agent.k8s.elastic.co", &["Agent"], &[HEALTH_GREEN], &[STALLED]),
    rule("elastic", "apm.k8s.elastic.co", &["ApmServer"], &[HEALTH_GREEN], &[STALLED]),
    rule("elastic", "logstash.k8s.elastic.co", &["Logstash"], &[HEALTH_GREEN], &[STALLED]),
    also(
        rule(
            "rabbitmq",
            "rabbitmq.com",
            &["RabbitmqCluster"],
            &[r#"{.conditions[?(@.type=="AllReplicasReady")].status} == "True""#],
            &[r#"{.conditions[?(@.type=="ReconcileSuccess")].status} == "False""#],
        ),
        &[r#"{.conditions[?(@.type=="ClusterAvailable")].status} == "True""#],
    ),
    rule(
        "rabbitmq",
        "rabbitmq.com",
        &["Binding", "Exchange", "Permission", "Policy", "Queue", "Shovel", "User", "Vhost"],
        &[READY],
        &[STALLED],
    ),
    rule(
        "zalando-postgres",
        "acid.zalan.do",
        &["postgresql"],
        &[r#"{.PostgresClusterStatus} == "Running""#],
        &[
            r#"{.PostgresClusterStatus} == "CreateFailed""#,
            r#"{.PostgresClusterStatus} == "UpdateFailed""#,
            r#"{.PostgresClusterStatus} == "SyncFailed""#,
            r#"{.PostgresClusterStatus} == "Invalid""#,
        ],
    ),
    rule(
        "volume-snapshots",
        "snapshot.storage.k8s.io",
        &["VolumeSnapshot", "VolumeSnapshotContent"],
        &["{.readyToUse} == true"],
        &[r#"{.error.message} != """#],
    ),
    rule("kubevirt", "cdi.kubevirt.io", &["DataVolume"], &[r#"{.phase} == "Succeeded""#], &[r#"{.phase} == "Failed""#]),
];

const CROSSPLANE_WITHOUT_STATUS: &[&str] = &[
    "CompositionRevision",
    "ControllerConfig",
    "ProviderConfig",
    "ProviderConfigUsage",
    "ClusterProviderConfig",
    "StoreConfig",
    "Composition",
    "DeploymentRuntimeConfig",
    "ImageConfig",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Expression;

    #[test]
    fn every_rule_parses_and_is_found_by_its_kinds() {
        for rule in RULES {
            assert!(!rule.success.is_empty() && !rule.failure.is_empty(), "{}", rule.project);
            for text in rule.success.iter().chain(rule.failure).chain(rule.also) {
                let expression = Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
                assert_eq!(expression.lint(), None, "{text}");
            }
            for kind in rule.kinds {
                assert!(find(rule.group, kind).is_some_and(|found| std::ptr::eq(found, rule)), "{} {kind}", rule.group);
            }
        }
        assert_eq!(find("ec2.aws.upbound.io", "VPC").map(|rule| rule.project), Some("crossplane"));
        assert!(find("aws.upbound.io", "ProviderConfig").is_none());
        assert!(find("apps", "Deployment").is_none());
    }
}
