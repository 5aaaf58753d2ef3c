//! Which lists of the built-in kinds a strategic merge patch merges item by item, and by which key.
//!
//! These are the `patchStrategy` and `patchMergeKey` marks of the Kubernetes API (`k8s.io/api`); a list without such a
//! mark is replaced as a whole, and so is every list of a custom resource, of which nothing is known.

/// What a map of an object is, as far as its lists are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A built-in object without lists of its own that merge.
    Object,
    Pod,
    /// `spec.template` is a pod's.
    Workload,
    CronJob,
    Service,
    ServiceAccount,
    WebhookConfiguration,
    Metadata,
    WorkloadSpec,
    CronJobSpec,
    /// A Job without a kind: what a CronJob makes its Jobs from.
    JobTemplate,
    PodTemplate,
    PodSpec,
    Container,
    ServiceSpec,
    Webhook,
    /// Nothing below it merges.
    Plain,
}

/// How a list merges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListMerge {
    /// The patch's list takes its place.
    Replace,
    /// Items are maps, told apart by the value of this key; each is of this shape.
    ByKey(&'static str, Shape),
    /// Items are scalars; those that are missing are added.
    Set,
}

impl Shape {
    /// What an object of this group and kind is.
    pub(crate) fn of(group: &str, kind: &str) -> Self {
        match (group, kind) {
            ("", "Pod") => Shape::Pod,
            ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch", "Job")
            | ("", "ReplicationController") => Shape::Workload,
            ("batch", "CronJob") => Shape::CronJob,
            ("", "Service") => Shape::Service,
            ("", "ServiceAccount") => Shape::ServiceAccount,
            ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration") => {
                Shape::WebhookConfiguration
            }
            _ => Shape::Object,
        }
    }

    /// What the map under a key is.
    pub(crate) fn below(self, key: &str) -> Self {
        use Shape::*;
        match (self, key) {
            (
                Object | Pod | Workload | CronJob | Service | ServiceAccount | WebhookConfiguration | PodTemplate
                | JobTemplate,
                "metadata",
            ) => Metadata,
            (Pod | PodTemplate, "spec") => PodSpec,
            (Workload | JobTemplate, "spec") => WorkloadSpec,
            (CronJob, "spec") => CronJobSpec,
            (CronJobSpec, "jobTemplate") => JobTemplate,
            (WorkloadSpec, "template") => PodTemplate,
            (Service, "spec") => ServiceSpec,
            _ => Plain,
        }
    }

    /// How the list under a key merges.
    pub(crate) fn list(self, key: &str) -> ListMerge {
        use ListMerge::{ByKey, Replace, Set};
        match (self, key) {
            (Shape::Metadata, "finalizers") => Set,
            (Shape::Metadata, "ownerReferences") => ByKey("uid", Shape::Plain),
            (Shape::PodSpec, "containers" | "initContainers" | "ephemeralContainers") => {
                ByKey("name", Shape::Container)
            }
            (Shape::PodSpec, "volumes" | "imagePullSecrets" | "resourceClaims" | "schedulingGates") => {
                ByKey("name", Shape::Plain)
            }
            (Shape::PodSpec, "hostAliases") => ByKey("ip", Shape::Plain),
            (Shape::PodSpec, "topologySpreadConstraints") => ByKey("topologyKey", Shape::Plain),
            (Shape::Container, "env") => ByKey("name", Shape::Plain),
            (Shape::Container, "ports") => ByKey("containerPort", Shape::Plain),
            (Shape::Container, "volumeMounts") => ByKey("mountPath", Shape::Plain),
            (Shape::Container, "volumeDevices") => ByKey("devicePath", Shape::Plain),
            (Shape::ServiceSpec, "ports") => ByKey("port", Shape::Plain),
            (Shape::ServiceAccount, "secrets") => ByKey("name", Shape::Plain),
            (Shape::WebhookConfiguration, "webhooks") => ByKey("name", Shape::Webhook),
            (Shape::Webhook, "matchConditions") => ByKey("name", Shape::Plain),
            _ => Replace,
        }
    }
}
