//! Topology spread constraints.

use windlass_pdk::pods::PodSpec;
use windlass_pdk::{Error, Object, Path, Value, warn};

/// What tells constraints apart.
const KEYS: [&str; 2] = ["topologyKey", "whenUnsatisfiable"];

/// Adds the constraints to a pod, or puts them in the place of those that are alike.
pub(crate) fn set(object: &mut Object<'_>, spec: &PodSpec, path: &Path, items: &[Value]) -> Result<(), Error> {
    for item in items {
        let there = object.get(path).and_then(|list| {
            list.items().position(|there| {
                KEYS.iter().all(|key| match (there.get(key), item.get(key)) {
                    (Some(there), Some(wanted)) => there.means(wanted),
                    _ => false,
                })
            })
        });
        let item = with_selector(object, spec, item)?;
        match there {
            Some(index) => object.set(&path.index(index), item)?,
            None => object.append(path, item)?,
        };
    }
    Ok(())
}

/// A constraint without a selector counts no pods: it gets the one of the workload, or the pod's labels.
fn with_selector(object: &Object<'_>, spec: &PodSpec, item: &Value) -> Result<Value, Error> {
    if item.get("labelSelector").is_some() {
        return Ok(item.clone());
    }
    let mut template = spec.path.clone();
    template.pop();
    let mut workload = template.clone();
    let selector = workload.pop().and_then(|_| object.get(&workload.key("selector")));
    let selector = match selector {
        Some(selector) if selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some() => {
            Some(selector.to_value()?)
        }
        // A ReplicationController's selector is a map of labels.
        Some(selector) if !selector.is_empty() => Some(Value::map([("matchLabels", selector.to_value()?)])),
        _ => match object.get(&template.key("metadata").key("labels")) {
            Some(labels) if !labels.is_empty() => Some(Value::map([("matchLabels", labels.to_value()?)])),
            _ => None,
        },
    };
    let Some(selector) = selector else {
        warn!(
            "{}: a topology spread constraint has no `labelSelector` and counts no pods: there is neither a selector nor a label to take",
            object.describe()
        );
        return Ok(item.clone());
    };
    let mut entries = item.as_map().unwrap_or_default().to_vec();
    entries.push(("labelSelector".to_owned(), selector));
    Ok(Value::Map(entries))
}
