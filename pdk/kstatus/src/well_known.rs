//! Readiness expressions for custom resources that many charts carry, from what their projects publish about
//! their status. They are data: nothing applies them unless asked to (the kstatus plugin's `wellKnown`).
//!
//! Helm's proposal wants both lists present. A project without a final failure in its status gets the standard
//! condition `Stalled`, which kstatus defines for exactly that and which such a project may start to publish.

/// The expressions for some kinds of one project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Any of these means failed.
    pub failure: &'static [&'static str],
}

impl WellKnownRule {
    fn covers(&self, group: &str, kind: &str) -> bool {
        let group_matches = match self.group.strip_prefix('*') {
            Some(suffix) => group.ends_with(suffix),
            None => group == self.group,
        };
        group_matches && (self.kinds.is_empty() || self.kinds.contains(&kind)) && !self.excluded_kinds.contains(&kind)
    }
}

/// The rule for a group and kind, if there is one. The first in [`RULES`] wins.
pub fn find(group: &str, kind: &str) -> Option<&'static WellKnownRule> {
    RULES.iter().find(|rule| rule.covers(group, kind))
}

const READY: &str = r#"{.conditions[?(@.type=="Ready")].status} == "True""#;
const READY_FALSE: &str = r#"{.conditions[?(@.type=="Ready")].status} == "False""#;
const STALLED: &str = r#"{.conditions[?(@.type=="Stalled")].status} == "True""#;

const fn rule(
    project: &'static str,
    group: &'static str,
    kinds: &'static [&'static str],
    success: &'static [&'static str],
    failure: &'static [&'static str],
) -> WellKnownRule {
    WellKnownRule { project, group, kinds, excluded_kinds: &[], success, failure }
}

/// Every rule, by project.
pub const RULES: &[WellKnownRule] = &[
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
    rule("argo-rollouts", "argoproj.io", &["Rollout"], &[r#"{.phase} == "Healthy""#], &[r#"{.phase} == "Degraded""#]),
    rule(
        "argo-cd",
        "argoproj.io",
        &["Application"],
        &[r#"{.health.status} == "Healthy""#],
        &[r#"{.health.status} == "Degraded""#],
    ),
    rule(
        "argo-workflows",
        "argoproj.io",
        &["Workflow"],
        &[r#"{.phase} == "Succeeded""#],
        &[r#"{.phase} == "Failed""#, r#"{.phase} == "Error""#],
    ),
    rule(
        "crossplane",
        "pkg.crossplane.io",
        &["Provider", "Configuration", "Function"],
        &[r#"{.conditions[?(@.type=="Healthy")].status} == "True""#],
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
    WellKnownRule {
        project: "crossplane",
        group: "*.crossplane.io",
        kinds: &[],
        excluded_kinds: CROSSPLANE_WITHOUT_STATUS,
        success: &[READY],
        failure: &[STALLED],
    },
    WellKnownRule {
        project: "crossplane",
        group: "*.upbound.io",
        kinds: &[],
        excluded_kinds: CROSSPLANE_WITHOUT_STATUS,
        success: &[READY],
        failure: &[STALLED],
    },
    // Knative's conditions are Unknown while something may still change, False when it will not.
    rule(
        "knative",
        "serving.knative.dev",
        &["Service", "Configuration", "Revision", "Route", "DomainMapping"],
        &[READY],
        &[READY_FALSE],
    ),
    rule("knative", "eventing.knative.dev", &["Broker", "Trigger"], &[READY], &[READY_FALSE]),
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
    rule(
        "external-secrets",
        "external-secrets.io",
        &["ExternalSecret", "ClusterExternalSecret", "SecretStore", "ClusterSecretStore", "PushSecret"],
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
    rule("flux", "helm.toolkit.fluxcd.io", &["HelmRelease"], &[READY], &[STALLED]),
    rule("flux", "kustomize.toolkit.fluxcd.io", &["Kustomization"], &[READY], &[STALLED]),
    rule("flux", "source.toolkit.fluxcd.io", &[], &[READY], &[STALLED]),
    rule(
        "prometheus-operator",
        "monitoring.coreos.com",
        &["Prometheus", "PrometheusAgent", "Alertmanager", "ThanosRuler"],
        &[r#"{.conditions[?(@.type=="Available")].status} == "True""#],
        &[r#"{.conditions[?(@.type=="Reconciled")].status} == "False""#],
    ),
    rule(
        "gateway-api",
        "gateway.networking.k8s.io",
        &["Gateway"],
        &[r#"{.conditions[?(@.type=="Programmed")].status} == "True""#],
        &[r#"{.conditions[?(@.type=="Accepted")].reason} == "Invalid""#],
    ),
    rule(
        "cluster-api",
        "cluster.x-k8s.io",
        &["Cluster"],
        &[r#"{.phase} == "Provisioned""#],
        &[r#"{.phase} == "Failed""#],
    ),
    rule(
        "cluster-api",
        "cluster.x-k8s.io",
        &["Machine", "MachineDeployment"],
        &[r#"{.phase} == "Running""#],
        &[r#"{.phase} == "Failed""#],
    ),
    rule(
        "velero",
        "velero.io",
        &["Backup", "Restore"],
        &[r#"{.phase} == "Completed""#],
        &[r#"{.phase} == "Failed""#, r#"{.phase} == "PartiallyFailed""#, r#"{.phase} == "FailedValidation""#],
    ),
    rule("rook", "ceph.rook.io", &["CephCluster"], &[r#"{.phase} == "Ready""#], &[r#"{.phase} == "Failure""#]),
    rule(
        "elastic",
        "elasticsearch.k8s.elastic.co",
        &["Elasticsearch"],
        &[r#"{.phase} == "Ready""#],
        &[r#"{.phase} == "Invalid""#],
    ),
    rule(
        "rabbitmq",
        "rabbitmq.com",
        &["RabbitmqCluster"],
        &[r#"{.conditions[?(@.type=="AllReplicasReady")].status} == "True""#],
        &[r#"{.conditions[?(@.type=="ReconcileSuccess")].status} == "False""#],
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
        &["VolumeSnapshot"],
        &["{.readyToUse} == true"],
        &[r#"{.error.message} != """#],
    ),
    rule("kubevirt", "cdi.kubevirt.io", &["DataVolume"], &[r#"{.phase} == "Succeeded""#], &[r#"{.phase} == "Failed""#]),
];

const CROSSPLANE_WITHOUT_STATUS: &[&str] = &[
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
            for text in rule.success.iter().chain(rule.failure) {
                let expression = Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
                assert_eq!(expression.lint(), None, "{text}");
            }
            for kind in rule.kinds {
                assert_eq!(find(rule.group, kind), Some(rule), "{} {kind}", rule.group);
            }
        }
        assert_eq!(find("ec2.aws.upbound.io", "VPC").map(|rule| rule.project), Some("crossplane"));
        assert_eq!(find("aws.upbound.io", "ProviderConfig"), None);
        assert_eq!(find("apps", "Deployment"), None);
    }
}
