//! What follows an object into its new namespace.

use windlass_pdk::pods::PathPattern;
use windlass_pdk::references::{Reference, references};
use windlass_pdk::{Error, Object, Path, Value, warn};

use crate::moves::Moves;

/// Lists of namespaces by name.
const NAMESPACE_LISTS: &[(&str, &str, &str)] = &[
    ("monitoring.coreos.com", "ServiceMonitor PodMonitor Probe", "spec.namespaceSelector.matchNames[*]"),
    ("monitoring.coreos.com", "Probe", "spec.targets.ingress.namespaceSelector.matchNames[*]"),
    ("networking.k8s.io", "NetworkPolicy", "spec.ingress[*].from[*]."),
    ("networking.k8s.io", "NetworkPolicy", "spec.egress[*].to[*]."),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration MutatingWebhookConfiguration", "webhooks[*]."),
    ("monitoring.coreos.com", "Prometheus PrometheusAgent", "spec."),
];

/// Ways from a map to namespaces that a selector names by Kubernetes' own label.
const SELECTORS: &[&str] = &[
    "namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name",
    "namespaceSelector.matchExpressions[key=kubernetes.io/metadata.name].values[*]",
    "serviceMonitorNamespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name",
    "podMonitorNamespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name",
    "ruleNamespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name",
];

/// Annotations with `NAMESPACE/NAME`, and the kind that they name.
const ANNOTATIONS: &[(&str, &str)] =
    &[("cert-manager.io/inject-ca-from", "Certificate"), ("cert-manager.io/inject-ca-from-secret", "Secret")];

/// Sets what refers to objects and namespaces that moved.
pub(crate) fn follow(object: &mut Object<'_>, moves: &Moves<'_>) -> Result<(), Error> {
    let from = object.namespace().map(str::to_owned);
    for reference in references(object, &[]) {
        follow_reference(object, &reference, moves, from.as_deref())?;
    }
    for (group, kinds, pattern) in NAMESPACE_LISTS {
        if *group != object.group() || !kinds.split(' ').any(|kind| kind == object.kind()) {
            continue;
        }
        let ways = SELECTORS.iter().map(|selector| format!("{pattern}{selector}"));
        let ways: Vec<String> = if pattern.ends_with('.') { ways.collect() } else { vec![(*pattern).to_owned()] };
        for way in ways {
            let found = PathPattern::parse(&way).map(|way| way.find(object.root())).unwrap_or_default();
            for path in found {
                let name = object.get(&path).and_then(|node| node.as_str()).unwrap_or_default();
                if let Some(new) = moves.namespace(&name).map(str::to_owned) {
                    object.set(&path, Value::String(new))?;
                }
            }
        }
    }
    for (annotation, kind) in ANNOTATIONS {
        let Some(text) = object.annotation(annotation).map(|text| text.into_owned()) else { continue };
        if let Some((namespace, name)) = text.split_once('/')
            && let Some(new) = moves.object(kind, name, namespace)
        {
            let text = format!("{new}/{name}");
            object.set(&Path::new(["metadata", "annotations", annotation]), Value::String(text))?;
        }
    }
    Ok(())
}

fn follow_reference(
    object: &mut Object<'_>,
    reference: &Reference,
    moves: &Moves<'_>,
    from: Option<&str>,
) -> Result<(), Error> {
    let Some(place) = &reference.namespace else {
        // It can only lead into the object's own namespace.
        if let Some(moved) = moves.target(reference, from)
            && let Some(from) = from.filter(|from| *from != moved.new)
        {
            warn!(
                "{}: {}: {}/{} moves to `{}`, and this object, which stays in `{from}`, refers to it by its name alone",
                object.describe(),
                reference.path,
                reference.kind,
                reference.name,
                moved.new
            );
        }
        return Ok(());
    };
    let is_account = reference.kind == "ServiceAccount" && reference.group.is_empty();
    let is_subject = is_account && object.group() == "rbac.authorization.k8s.io";
    let new = match moves.target(reference, from) {
        Some(moved) => Some(moved.new.clone()),
        // Every namespace has this account without an object for it.
        None if is_account && reference.name == "default" => match &place.namespace {
            Some(there) => moves.namespace(there).map(str::to_owned),
            None => from.map(str::to_owned),
        },
        None => None,
    };
    match (new, &place.namespace) {
        (Some(new), Some(there)) if new != *there => {
            object.set(&place.path, Value::String(new))?;
        }
        // A subject has to have one; elsewhere nothing means the object's own.
        (Some(new), None) if is_subject || from.is_none_or(|from| from != new) && needs_namespace(object) => {
            object.set(&place.path, Value::String(new))?;
        }
        (None, Some(there)) if moves.namespace(there).is_some() => {
            warn!(
                "{}: {}: it refers to {}/{} in `{there}`, which is not in the stream: it stays as it is",
                object.describe(),
                reference.path,
                reference.kind,
                reference.name
            );
        }
        _ => {}
    }
    Ok(())
}

/// Whether a reference of this object needs a namespace, as the object has none or another.
fn needs_namespace(object: &Object<'_>) -> bool {
    object.namespace().is_some()
        || matches!(object.kind(), "APIService" | "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration")
}
