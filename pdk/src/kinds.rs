//! Which kinds stand in a namespace.

use windlass_manifest::{Node, Object};

use crate::error::Error;
use crate::manifests::Manifests;

/// Where the objects of a kind stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In the cluster as a whole.
    Cluster,
    /// Nobody says: a custom kind whose CRD is not in the stream. Most of them stand in a namespace.
    Unknown,
}

/// The kinds of the Kubernetes API that stand in no namespace, by group. Those of 1.37 are compared with its OpenAPI
/// document by a test; below them those of earlier versions.
pub const CLUSTER_SCOPED: &[(&str, &str)] = &[
    ("", "ComponentStatus Namespace Node PersistentVolume"),
    (
        "admissionregistration.k8s.io",
        "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration ValidatingAdmissionPolicy \
         ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration",
    ),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "APIService"),
    ("authentication.k8s.io", "SelfSubjectReview TokenReview"),
    ("authorization.k8s.io", "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview"),
    ("certificates.k8s.io", "CertificateSigningRequest ClusterTrustBundle"),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema PriorityLevelConfiguration"),
    ("internal.apiserver.k8s.io", "StorageVersion"),
    ("networking.k8s.io", "IPAddress IngressClass ServiceCIDR"),
    ("node.k8s.io", "RuntimeClass"),
    ("rbac.authorization.k8s.io", "ClusterRole ClusterRoleBinding"),
    ("resource.k8s.io", "DeviceClass DeviceTaintRule ResourcePoolStatusRequest ResourceSlice"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("storage.k8s.io", "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass"),
    ("storagemigration.k8s.io", "StorageVersionMigration"),
];

/// As [`CLUSTER_SCOPED`], of Kubernetes before 1.37.
const FORMERLY_CLUSTER_SCOPED: &[(&str, &str)] =
    &[("extensions", "PodSecurityPolicy"), ("policy", "PodSecurityPolicy")];

/// Widely used custom kinds that stand in no namespace: under Helm 4 CRDs of a chart's `crds/` are not in the stream.
/// `*` is every kind of the group.
const CUSTOM_CLUSTER_SCOPED: &[(&str, &str)] = &[
    ("cert-manager.io", "ClusterIssuer"),
    ("cilium.io", "CiliumClusterwideNetworkPolicy CiliumLoadBalancerIPPool"),
    ("cluster.open-cluster-management.io", "ManagedCluster"),
    ("config.openshift.io", "*"),
    ("constraints.gatekeeper.sh", "*"),
    ("argoproj.io", "ClusterWorkflowTemplate ClusterAnalysisTemplate"),
    (
        "crd.projectcalico.org",
        "GlobalNetworkPolicy GlobalNetworkSet IPPool BGPPeer BGPConfiguration FelixConfiguration",
    ),
    ("external-secrets.io", "ClusterSecretStore ClusterExternalSecret ClusterPushSecret"),
    ("gateway.networking.k8s.io", "GatewayClass"),
    ("karpenter.azure.com", "AKSNodeClass"),
    ("karpenter.k8s.aws", "EC2NodeClass"),
    ("karpenter.sh", "NodePool NodeClaim"),
    ("keda.sh", "ClusterTriggerAuthentication"),
    ("kueue.x-k8s.io", "ClusterQueue ResourceFlavor AdmissionCheck WorkloadPriorityClass"),
    ("kyverno.io", "ClusterPolicy ClusterCleanupPolicy"),
    ("pkg.crossplane.io", "*"),
    ("apiextensions.crossplane.io", "*"),
    ("policy.networking.k8s.io", "AdminNetworkPolicy BaselineAdminNetworkPolicy ClusterNetworkPolicy"),
    ("postgresql.cnpg.io", "ClusterImageCatalog"),
    ("security.openshift.io", "SecurityContextConstraints"),
    ("serving.kserve.io", "ClusterServingRuntime"),
    ("snapshot.storage.k8s.io", "VolumeSnapshotClass VolumeSnapshotContent"),
    ("templates.gatekeeper.sh", "ConstraintTemplate"),
    ("tekton.dev", "ClusterTask"),
];

/// Groups that the Kubernetes API itself has, with dots in their names; all groups without dots are its own, too.
const BUILT_IN_GROUPS: &str = "admissionregistration.k8s.io authentication.k8s.io authorization.k8s.io \
     certificates.k8s.io coordination.k8s.io discovery.k8s.io events.k8s.io flowcontrol.apiserver.k8s.io \
     networking.k8s.io node.k8s.io rbac.authorization.k8s.io resource.k8s.io scheduling.k8s.io storage.k8s.io \
     lifecycle.k8s.io";

/// The scope of a kind, as far as it is known without a cluster.
#[must_use]
pub fn scope(group: &str, kind: &str) -> Scope {
    let is_listed = |(known, kinds): &(&str, &str)| {
        *known == group && (*kinds == "*" || kinds.split(' ').any(|known| known == kind))
    };
    let lists = [CLUSTER_SCOPED, FORMERLY_CLUSTER_SCOPED, CUSTOM_CLUSTER_SCOPED];
    if lists.iter().any(|list| list.iter().any(is_listed)) {
        return Scope::Cluster;
    }
    match !group.contains('.') || BUILT_IN_GROUPS.split(' ').any(|known| known == group) {
        true => Scope::Namespaced,
        false => Scope::Unknown,
    }
}

/// The scopes of all kinds of a release: what [`scope`] knows, and what the CRDs in the stream say.
#[derive(Debug, Default)]
pub struct Scopes {
    custom: Vec<(String, String, Scope)>,
}

impl Scopes {
    /// Reads the CRDs of a stream, whatever the targets say.
    ///
    /// # Errors
    /// A document that cannot be read.
    pub fn read(manifests: &Manifests) -> Result<Self, Error> {
        let mut scopes = Scopes::default();
        manifests.read_all(|object| {
            if object.kind() == "CustomResourceDefinition" && object.group() == "apiextensions.k8s.io" {
                let spec = object.root().get("spec");
                let text = |node: Option<Node<'_>>, key: &str| {
                    node.and_then(|node| node.get(key)).and_then(|node| node.as_str()).unwrap_or_default().into_owned()
                };
                let (group, kind) = (text(spec, "group"), text(spec.and_then(|spec| spec.get("names")), "kind"));
                match text(spec, "scope").as_str() {
                    "Cluster" => scopes.add(group, kind, Scope::Cluster),
                    "Namespaced" => scopes.add(group, kind, Scope::Namespaced),
                    _ => {}
                }
            }
            Ok(())
        })?;
        Ok(scopes)
    }

    /// Says the scope of a kind.
    pub fn add(&mut self, group: String, kind: String, scope: Scope) {
        self.custom.push((group, kind, scope));
    }

    /// The scope of an object's kind.
    #[must_use]
    pub fn of(&self, object: &Object<'_>) -> Scope {
        self.of_kind(object.group(), object.kind())
    }

    /// The scope of a kind.
    #[must_use]
    pub fn of_kind(&self, group: &str, kind: &str) -> Scope {
        let said = self.custom.iter().find(|(known, it, _)| known == group && it == kind);
        said.map_or_else(|| scope(group, kind), |(_, _, scope)| *scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_stand_where_the_api_has_them() {
        for (group, kind, expected) in [
            ("", "Pod", Scope::Namespaced),
            ("", "Namespace", Scope::Cluster),
            ("apps", "Deployment", Scope::Namespaced),
            ("rbac.authorization.k8s.io", "ClusterRole", Scope::Cluster),
            ("rbac.authorization.k8s.io", "Role", Scope::Namespaced),
            ("policy", "PodSecurityPolicy", Scope::Cluster),
            ("example.com", "Namespace", Scope::Unknown),
            ("cert-manager.io", "ClusterIssuer", Scope::Cluster),
            ("cert-manager.io", "Issuer", Scope::Unknown),
            ("constraints.gatekeeper.sh", "K8sRequiredLabels", Scope::Cluster),
        ] {
            assert_eq!(scope(group, kind), expected, "{group} {kind}");
        }
    }
}
