//! Adds a NetworkPolicy that denies all incoming traffic to each namespace of the release.

use std::collections::BTreeSet;

use windlass_pdk::{Config, Error, Manifests, Value, plugin};

/// What the person who runs the plugin says.
#[derive(Debug, Config)]
pub struct Settings {
    /// The policy's name.
    #[config(default = "deny-ingress")]
    name: String,
    /// The namespace of objects that name none: the release's.
    namespace: String,
}

/// Adds one policy for each namespace that has workloads.
///
/// # Errors
/// A stream that cannot be read.
#[plugin]
pub fn deny_network(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    let mut namespaces = BTreeSet::new();
    let mut known = BTreeSet::new();
    manifests.read_all(|object| {
        let namespace = object.namespace().unwrap_or(&settings.namespace).to_owned();
        if object.pod_spec().is_some() {
            namespaces.insert(namespace);
        } else if object.kind() == "NetworkPolicy" && object.name() == settings.name {
            known.insert(namespace);
        }
        Ok(())
    })?;
    for namespace in namespaces.difference(&known) {
        manifests.push(&policy(&settings.name, namespace))?;
    }
    Ok(())
}

fn policy(name: &str, namespace: &str) -> Value {
    let nothing = || Value::Map(Vec::new());
    let metadata = Value::map([("name", name.into()), ("namespace", namespace.into())]);
    let types = Value::List(vec!["Ingress".into()]);
    let spec = Value::map([("podSelector", nothing()), ("policyTypes", types)]);
    Value::map([
        ("apiVersion", "networking.k8s.io/v1".into()),
        ("kind", "NetworkPolicy".into()),
        ("metadata", metadata),
        ("spec", spec),
    ])
}
