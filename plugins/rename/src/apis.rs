//! Deprecated API versions and what became of them
//! (<https://kubernetes.io/docs/reference/using-api/deprecation-guide/>, up to 1.37).

use windlass_pdk::references::references;
use windlass_pdk::{Error, Kind, Object, Path, Value, warn};

use crate::moves::move_field;
use crate::settings::{Apis, Settings};

/// Versions that are gone, the kinds, and the current version. `?` instead: nothing takes their place by itself.
const APIS: &[(&str, &str, &str)] = &[
    ("extensions/v1beta1", "Deployment DaemonSet ReplicaSet", "apps/v1"),
    ("apps/v1beta1", "Deployment StatefulSet ControllerRevision", "apps/v1"),
    ("apps/v1beta2", "Deployment DaemonSet ReplicaSet StatefulSet ControllerRevision", "apps/v1"),
    ("extensions/v1beta1", "Ingress", "networking.k8s.io/v1"),
    ("networking.k8s.io/v1beta1", "Ingress IngressClass", "networking.k8s.io/v1"),
    ("extensions/v1beta1", "NetworkPolicy", "networking.k8s.io/v1"),
    ("batch/v1beta1", "CronJob", "batch/v1"),
    ("batch/v2alpha1", "CronJob", "batch/v1"),
    ("policy/v1beta1", "PodDisruptionBudget", "policy/v1"),
    ("autoscaling/v2beta1", "HorizontalPodAutoscaler", "autoscaling/v2"),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "autoscaling/v2"),
    (
        "rbac.authorization.k8s.io/v1alpha1",
        "Role ClusterRole RoleBinding ClusterRoleBinding",
        "rbac.authorization.k8s.io/v1",
    ),
    (
        "rbac.authorization.k8s.io/v1beta1",
        "Role ClusterRole RoleBinding ClusterRoleBinding",
        "rbac.authorization.k8s.io/v1",
    ),
    (
        "admissionregistration.k8s.io/v1beta1",
        "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
        "admissionregistration.k8s.io/v1",
    ),
    (
        "admissionregistration.k8s.io/v1beta1",
        "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding",
        "admissionregistration.k8s.io/v1",
    ),
    ("apiregistration.k8s.io/v1beta1", "APIService", "apiregistration.k8s.io/v1"),
    ("coordination.k8s.io/v1beta1", "Lease", "coordination.k8s.io/v1"),
    ("discovery.k8s.io/v1beta1", "EndpointSlice", "discovery.k8s.io/v1"),
    ("node.k8s.io/v1beta1", "RuntimeClass", "node.k8s.io/v1"),
    ("scheduling.k8s.io/v1alpha1", "PriorityClass", "scheduling.k8s.io/v1"),
    ("scheduling.k8s.io/v1beta1", "PriorityClass", "scheduling.k8s.io/v1"),
    (
        "storage.k8s.io/v1beta1",
        "StorageClass CSIDriver CSINode VolumeAttachment CSIStorageCapacity",
        "storage.k8s.io/v1",
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta1",
        "FlowSchema PriorityLevelConfiguration",
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta2",
        "FlowSchema PriorityLevelConfiguration",
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta3",
        "FlowSchema PriorityLevelConfiguration",
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", "?"),
    ("policy/v1beta1", "PodSecurityPolicy", "?"),
    ("extensions/v1beta1", "PodSecurityPolicy", "?"),
    ("certificates.k8s.io/v1beta1", "CertificateSigningRequest", "?"),
];

fn current(api_version: &str, kind: &str) -> Option<&'static str> {
    let is_it =
        |(known, kinds, _): &&(&str, &str, &str)| *known == api_version && kinds.split(' ').any(|it| it == kind);
    APIS.iter().find(is_it).map(|(_, _, current)| *current)
}

/// Moves an object to the current version.
pub(crate) fn treat(object: &mut Object<'_>, settings: &Settings) -> Result<(), Error> {
    if settings.apis == Apis::Keep {
        return Ok(());
    }
    let former = object.api_version().to_owned();
    let Some(current) = current(&former, object.kind()) else { return Ok(()) };
    if current == "?" {
        warn!("{}: {former} is gone, and nothing takes its place by itself: it stays as it is", object.describe());
        return Ok(());
    }
    let kind = object.kind().to_owned();
    match kind.as_str() {
        "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet" => workload(object)?,
        "Ingress" => ingress(object)?,
        "PodDisruptionBudget" => budget(object),
        "HorizontalPodAutoscaler" if former == "autoscaling/v2beta1" => autoscaler(object)?,
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => webhooks(object)?,
        "PriorityLevelConfiguration" => {
            let limited = Path::new(["spec", "limited"]);
            let new = limited.key("nominalConcurrencyShares");
            move_field(object, &limited.key("assuredConcurrencyShares"), Some(&new))?;
        }
        "EndpointSlice" => {
            let endpoints = Path::new(["endpoints"]);
            for index in 0..object.get(&endpoints).map_or(0, |list| list.items().count()) {
                let endpoint = endpoints.index(index);
                let new = endpoint.key("deprecatedTopology");
                move_field(object, &endpoint.key("topology"), Some(&new))?;
            }
        }
        _ => {}
    }
    object.set(&Path::new(["apiVersion"]), Value::from(current))?;
    Ok(())
}

/// Moves the versions that references name.
pub(crate) fn follow(object: &mut Object<'_>, settings: &Settings) -> Result<(), Error> {
    if settings.apis == Apis::Keep {
        return Ok(());
    }
    for reference in references(object, &[]) {
        let path = reference.owner().key("apiVersion");
        let Some(former) = object.get(&path).and_then(|it| it.as_str()).map(|text| text.into_owned()) else { continue };
        if let Some(current) = current(&former, &reference.kind).filter(|current| *current != "?") {
            object.set(&path, Value::from(current))?;
        }
    }
    Ok(())
}

/// A workload of apps/v1 has to have a selector; before, the labels of its pods were one.
fn workload(object: &mut Object<'_>) -> Result<(), Error> {
    let spec = Path::new(["spec"]);
    for field in ["rollbackTo", "templateGeneration"] {
        object.remove(&spec.key(field))?;
    }
    let selector = spec.key("selector");
    if object.get(&selector).is_some_and(|selector| !selector.is_null()) {
        return Ok(());
    }
    let labels = object.get(&spec.key("template").key("metadata").key("labels"));
    match labels.filter(|labels| !labels.is_empty()) {
        Some(labels) => {
            let labels = labels.to_value()?;
            object.set(&selector.key("matchLabels"), labels)?;
        }
        None => warn!("{}: it needs a `selector`, and its pods have no labels to make one of", object.describe()),
    }
    Ok(())
}

fn ingress(object: &mut Object<'_>) -> Result<(), Error> {
    let spec = Path::new(["spec"]);
    let former = spec.key("backend");
    let default = spec.key("defaultBackend");
    move_field(object, &former, Some(&default))?;
    backend(object, &default)?;
    let rules = spec.key("rules");
    for rule in 0..object.get(&rules).map_or(0, |rules| rules.items().count()) {
        let paths = rules.index(rule).key("http").key("paths");
        for index in 0..object.get(&paths).map_or(0, |paths| paths.items().count()) {
            let path = paths.index(index);
            let path_type = path.key("pathType");
            // What it was without the field, which has to be there now.
            if object.get(&path_type).is_none_or(|node| node.is_null()) {
                object.set(&path_type, Value::from("ImplementationSpecific"))?;
            }
            backend(object, &path.key("backend"))?;
        }
    }
    Ok(())
}

/// `serviceName` and `servicePort` became `service.name` and `service.port.number` or `.name`.
fn backend(object: &mut Object<'_>, backend: &Path) -> Result<(), Error> {
    let service = backend.key("service");
    let port = object.get(&backend.key("servicePort"));
    let port = match port {
        Some(node) => {
            let key = if node.as_i64().is_some() { "number" } else { "name" };
            Some((key, node.to_value()?))
        }
        None => None,
    };
    move_field(object, &backend.key("serviceName"), Some(&service.key("name")))?;
    if let Some((key, value)) = port {
        object.remove(&backend.key("servicePort"))?;
        object.set(&service.key("port").key(key), value)?;
    }
    Ok(())
}

/// An empty selector matched no pods, and matches all now.
fn budget(object: &Object<'_>) {
    let selector = object.get(&Path::new(["spec", "selector"]));
    if selector.is_none_or(|selector| selector.is_null() || selector.is_empty()) {
        warn!(
            "{}: an empty `selector` matched no pods in policy/v1beta1 and matches all in policy/v1",
            object.describe()
        );
    }
}

/// The metrics of autoscaling/v2beta1 said their targets in fields of many names.
fn autoscaler(object: &mut Object<'_>) -> Result<(), Error> {
    let metrics = Path::new(["spec", "metrics"]);
    for index in 0..object.get(&metrics).map_or(0, |metrics| metrics.items().count()) {
        let metric = metrics.index(index);
        for source in ["resource", "containerResource", "pods", "object", "external"] {
            let place = metric.key(source);
            if object.get(&place).is_none_or(|node| node.kind() != Kind::Map) {
                continue;
            }
            // An object's `target` was what it describes, before it is the value to reach.
            if source == "object" {
                move_field(object, &place.key("target"), Some(&place.key("describedObject")))?;
            }
            if matches!(source, "pods" | "object" | "external") {
                let identifier = place.key("metric");
                move_field(object, &place.key("metricName"), Some(&identifier.key("name")))?;
                let selector = if source == "external" { "metricSelector" } else { "selector" };
                move_field(object, &place.key(selector), Some(&identifier.key("selector")))?;
            }
            for (former, kind, field) in [
                ("targetAverageUtilization", "Utilization", "averageUtilization"),
                ("targetAverageValue", "AverageValue", "averageValue"),
                ("averageValue", "AverageValue", "averageValue"),
                ("targetValue", "Value", "value"),
            ] {
                let from = place.key(former);
                let Some(value) = object.get(&from).map(|node| node.to_value()).transpose()? else { continue };
                object.remove(&from)?;
                let target = place.key("target");
                object.set(&target.key("type"), Value::from(kind))?;
                object.set(&target.key(field), value)?;
            }
        }
    }
    Ok(())
}

/// What was the default of admissionregistration.k8s.io/v1beta1 is said, where v1 has another or none.
fn webhooks(object: &mut Object<'_>) -> Result<(), Error> {
    let webhooks = Path::new(["webhooks"]);
    for index in 0..object.get(&webhooks).map_or(0, |list| list.items().count()) {
        let webhook = webhooks.index(index);
        for (field, value) in [
            ("admissionReviewVersions", Value::List(vec![Value::from("v1beta1")])),
            ("failurePolicy", Value::from("Ignore")),
            ("matchPolicy", Value::from("Exact")),
            ("timeoutSeconds", Value::from(30_i64)),
        ] {
            let path = webhook.key(field);
            if object.get(&path).is_none_or(|node| node.is_null()) {
                object.set(&path, value)?;
            }
        }
        let effects = webhook.key("sideEffects");
        let said = object.get(&effects).and_then(|node| node.as_str()).map(|text| text.into_owned());
        if !matches!(said.as_deref(), Some("None" | "NoneOnDryRun")) {
            warn!("{}: {effects} has to be `None` or `NoneOnDryRun`: it becomes `None`", object.describe());
            object.set(&effects, Value::from("None"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::group_and_version;

    /// What is current stays: a second run finds nothing to do.
    #[test]
    fn current_versions_are_current() {
        for (former, kinds, now) in APIS {
            assert!(group_and_version(former).1.contains(['a', 'b']), "{former}");
            for kind in kinds.split(' ') {
                assert_eq!(current(now, kind), None, "{now} {kind}");
            }
        }
    }
}
