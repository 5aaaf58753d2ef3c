//! Adds a PodDisruptionBudget to each Deployment with more than one replica, with the Deployment's own selector.

use std::collections::BTreeSet;

use windlass_pdk::{Config, Error, Manifests, Path, Value, plugin};

/// What the person who runs the plugin says.
#[derive(Debug, Config)]
pub struct Settings {
    /// How many pods may be missing at a time.
    #[config(default = 1)]
    max_unavailable: i64,
}

/// Adds the budgets at the end of the stream.
///
/// # Errors
/// A stream that cannot be read.
#[plugin]
pub fn disruption_budget(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    let mut budgets = Vec::new();
    let mut known = BTreeSet::new();
    manifests.read(|object| {
        let number = |path: &Path| object.get(path).and_then(|node| node.as_i64());
        let place = (object.name().to_owned(), object.namespace().map(str::to_owned));
        if object.kind() == "PodDisruptionBudget" {
            known.insert(place);
        } else if object.kind() == "Deployment"
            && number(&Path::new(["spec", "replicas"])).unwrap_or(1) > 1
            && let Some(selector) = object.get(&Path::new(["spec", "selector"]))
        {
            budgets.push((place, selector.to_value()?));
        }
        Ok(())
    })?;
    for ((name, namespace), selector) in budgets {
        if known.contains(&(name.clone(), namespace.clone())) {
            continue;
        }
        let mut metadata = vec![("name".to_owned(), name.into())];
        metadata.extend(namespace.map(|namespace| ("namespace".to_owned(), namespace.into())));
        manifests.push(&Value::map([
            ("apiVersion", "policy/v1".into()),
            ("kind", "PodDisruptionBudget".into()),
            ("metadata", Value::Map(metadata)),
            ("spec", Value::map([("maxUnavailable", settings.max_unavailable.into()), ("selector", selector)])),
        ]))?;
    }
    Ok(())
}
