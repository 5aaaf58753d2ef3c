//! What a workload's selector demands of its pods' labels.

use windlass_pdk::{Node, Object, Path};

/// The selector that stands beside a pod template.
pub(crate) enum Selector<'a> {
    /// There is none, or it demands nothing.
    None,
    /// There is none, and the template's own labels stand for it.
    OwnLabels,
    /// A map of labels.
    Labels(Node<'a>),
    /// A LabelSelector, with `matchLabels` and `matchExpressions`.
    Requirements(Node<'a>),
}

impl<'a> Selector<'a> {
    /// The selector of the workload in whose map `workload` a pod template stands.
    pub(crate) fn of(object: &'a Object<'_>, workload: &Path) -> Self {
        let is_plain = matches!(
            (object.group(), object.kind()),
            ("", "ReplicationController") | ("apps.openshift.io", "DeploymentConfig")
        );
        match object.get(&workload.key("selector")).filter(|node| !node.is_empty()) {
            None if is_plain => Selector::OwnLabels,
            None => Selector::None,
            Some(node) if node.get("matchLabels").is_some() || node.get("matchExpressions").is_some() => {
                Selector::Requirements(node)
            }
            Some(node) => Selector::Labels(node),
        }
    }

    /// Whether a pod's label `key` must not get `value`. `is_there` tells that the pod has the label now, with another
    /// value: then anything that the selector says of the key forbids the change. A label that is new may fulfil what
    /// the selector demands.
    pub(crate) fn forbids(&self, key: &str, value: &str, is_there: bool) -> bool {
        let differs = |labels: Node<'_>| {
            labels.get(key).is_some_and(|demanded| is_there || demanded.scalar_text().as_deref() != Some(value))
        };
        match self {
            Selector::None => false,
            Selector::OwnLabels => is_there,
            Selector::Labels(labels) => differs(*labels),
            Selector::Requirements(node) => {
                let mut expressions = node.get("matchExpressions").into_iter().flat_map(|list| list.items());
                node.get("matchLabels").is_some_and(differs)
                    || expressions.any(|expression| {
                        text(expression, "key").as_deref() == Some(key) && (is_there || !fulfils(expression, value))
                    })
            }
        }
    }
}

/// Whether a label with this value fulfils one of `matchExpressions`. An operator that Kubernetes does not know is
/// fulfilled by nothing.
fn fulfils(expression: Node<'_>, value: &str) -> bool {
    let listed = || {
        let mut values = expression.get("values").into_iter().flat_map(|list| list.items());
        values.any(|item| item.scalar_text().as_deref() == Some(value))
    };
    match text(expression, "operator").as_deref() {
        Some("In") => listed(),
        Some("NotIn") => !listed(),
        Some("Exists") => true,
        _ => false,
    }
}

fn text<'a>(map: Node<'a>, key: &str) -> Option<std::borrow::Cow<'a, str>> {
    map.get(key)?.scalar_text()
}
