//! What a workload's selector demands of its pods' labels.

use windlass_pdk::{Node, Object, Path};

/// The selector that stands beside a pod template, as far as it speaks of one label.
pub(crate) struct Selector<'a> {
    /// `None` for a ReplicationController without a selector: the template's own labels are its selector then.
    node: Option<Node<'a>>,
    template_labels: Option<Node<'a>>,
    /// A plain map of labels (ReplicationController) in place of a LabelSelector.
    plain: bool,
}

impl<'a> Selector<'a> {
    /// The selector of the workload in whose map `workload` a pod template stands.
    pub(crate) fn of(object: &'a Object<'_>, workload: &Path, template_labels: Option<Node<'a>>) -> Self {
        let node = object.get(&workload.key("selector")).filter(|node| !node.is_null());
        let plain = object.kind() == "ReplicationController" && object.group().is_empty();
        Self { node, template_labels, plain }
    }

    /// Whether a pod's label `key` must not get `value`. `present` tells that the pod has the label now, with another
    /// value: then anything that the selector says of the key forbids the change. A label that is new may fulfil what
    /// the selector demands.
    pub(crate) fn forbids(&self, key: &str, value: &str, present: bool) -> bool {
        let Some(node) = self.node else {
            return self.plain && present && self.template_labels.is_some_and(|labels| labels.get(key).is_some());
        };
        let equals = match self.plain {
            true => Some(node),
            false => node.get("matchLabels"),
        };
        if let Some(demanded) = equals.and_then(|labels| labels.get(key))
            && (present || demanded.scalar_text().as_deref() != Some(value))
        {
            return true;
        }
        if self.plain {
            return false;
        }
        let expressions = node.get("matchExpressions").into_iter().flat_map(|list| list.items());
        expressions
            .filter(|expression| text(*expression, "key").as_deref() == Some(key))
            .any(|expression| present || !fulfils(expression, value))
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
