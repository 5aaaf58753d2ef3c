//! What the pods of a template refer to.

use windlass_pdk::{Node, Object, Path};

/// A reference of a pod to an object.
pub(crate) struct Use {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    /// The keys that are used; all of them, if nothing is said.
    pub(crate) keys: Option<Vec<String>>,
    pub(crate) is_optional: bool,
}

/// The references of a pod template's volumes and containers.
pub(crate) fn uses_of(object: &Object<'_>, template: &Path) -> Vec<Use> {
    let Some(spec) = object.get(&template.key("spec")) else { return Vec::new() };
    let mut uses = Vec::new();
    for containers in ["initContainers", "containers", "ephemeralContainers"] {
        for container in items(spec, containers) {
            for variable in items(container, "env") {
                let Some(from) = variable.get("valueFrom") else { continue };
                for (field, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
                    if let Some(reference) = from.get(field) {
                        let key = text(reference, "key").map(|key| vec![key]);
                        add(&mut uses, kind, Some(reference), "name", key);
                    }
                }
            }
            for source in items(container, "envFrom") {
                add(&mut uses, "ConfigMap", source.get("configMapRef"), "name", None);
                add(&mut uses, "Secret", source.get("secretRef"), "name", None);
            }
        }
    }
    for volume in items(spec, "volumes") {
        add_volume(&mut uses, volume, "secretName");
        if let Some(projected) = volume.get("projected") {
            for source in items(projected, "sources") {
                add_volume(&mut uses, source, "name");
            }
        }
        if let Some(csi) = volume.get("csi") {
            add(&mut uses, "Secret", csi.get("nodePublishSecretRef"), "name", None);
            add(&mut uses, "SecretProviderClass", csi.get("volumeAttributes"), "secretProviderClass", None);
        }
    }
    uses
}

fn items<'n>(node: Node<'n>, key: &str) -> Vec<Node<'n>> {
    node.get(key).map(|list| list.items().collect()).unwrap_or_default()
}

fn text(node: Node<'_>, key: &str) -> Option<String> {
    node.get(key)?.scalar_text().map(|text| text.into_owned()).filter(|text| !text.is_empty())
}

/// A volume of its own or a source of a projected one: they name Secrets in different fields.
fn add_volume(uses: &mut Vec<Use>, source: Node<'_>, secret_name: &str) {
    for (field, kind, name) in [("configMap", "ConfigMap", "name"), ("secret", "Secret", secret_name)] {
        let Some(reference) = source.get(field) else { continue };
        let keys: Vec<String> = items(reference, "items").into_iter().filter_map(|item| text(item, "key")).collect();
        add(uses, kind, Some(reference), name, Some(keys).filter(|keys| !keys.is_empty()));
    }
}

fn add(uses: &mut Vec<Use>, kind: &'static str, reference: Option<Node<'_>>, field: &str, keys: Option<Vec<String>>) {
    let Some(reference) = reference else { return };
    if let Some(name) = text(reference, field) {
        let is_optional = reference.get("optional").and_then(|node| node.as_bool()).unwrap_or(false);
        uses.push(Use { kind, name, keys, is_optional });
    }
}
