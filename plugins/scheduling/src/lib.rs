//! Where the pods of a release run, for all workloads in one place: node selectors, tolerations, affinity, priority and
//! runtime classes, topology spread, ServiceAccounts, replicas.

mod replicas;
mod settings;
mod spread;

use windlass_pdk::pods::{CustomPodTemplate, PodSpec, find_unknown, pod_specs};
use windlass_pdk::{Error, Manifests, Object, Path, Value, plugin, warn};

use crate::replicas::Counter;
use crate::settings::FIELDS;
pub use crate::settings::Settings;

/// Sets the fields in every pod.
///
/// # Errors
/// An entry of `replicas` for nothing, where the configuration says so, and what cannot be edited safely.
#[plugin]
pub fn scheduling(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    if settings.is_idle() {
        warn!("nothing to do: none of the fields is configured");
        return Ok(());
    }
    let mut counter = Counter::read(&settings, manifests)?;
    manifests.visit(|object| {
        let custom = &settings.custom_pod_templates;
        for spec in pod_specs(object, custom) {
            treat(object, &spec, &settings)?;
        }
        if settings.has_pod_fields() {
            warn_of_unknown(object, custom)?;
        }
        counter.treat(object)
    })?;
    counter.finish(manifests)
}

fn warn_of_unknown(object: &Object<'_>, custom: &[CustomPodTemplate]) -> Result<(), Error> {
    if let Some(path) = find_unknown(object, custom)? {
        warn!(
            "{}: `{path}` holds containers, and stays as it is: nobody said that {} has a pod template; name it in \
             `customPodTemplates`, with the path of the map around `spec`",
            object.describe(),
            object.kind()
        );
    }
    Ok(())
}

fn treat(object: &mut Object<'_>, spec: &PodSpec, settings: &Settings) -> Result<(), Error> {
    for (field, value) in settings.fields() {
        if let Some(path) = place(object, spec, field) {
            match value {
                None => {
                    object.remove(&path)?;
                }
                Some(value) => set(object, spec, field, &path, value, settings)?,
            }
        }
    }
    Ok(())
}

/// Where a pod keeps a field; nothing where a custom kind has none such.
fn place(object: &Object<'_>, spec: &PodSpec, field: &str) -> Option<Path> {
    let group = object.group();
    let is_known = spec.is_whole
        || FIELDS.iter().any(|(known, is_common)| *known == field && *is_common)
        || (field == "topologySpreadConstraints" && group == "monitoring.coreos.com");
    if !is_known {
        warn!("{}: `{field}` is not set: {} has no such field", object.describe(), object.kind());
        return None;
    }
    Some(match (group, field) {
        ("argoproj.io", "priorityClassName") if !spec.is_whole => spec.path.key("podPriorityClassName"),
        _ => spec.path.key(field),
    })
}

fn set(
    object: &mut Object<'_>,
    spec: &PodSpec,
    field: &str,
    path: &Path,
    value: &Value,
    settings: &Settings,
) -> Result<(), Error> {
    // An empty text, list or map is none.
    let is_there = object.get(path).is_some_and(|node| match node.scalar_text() {
        Some(text) => !node.is_null() && !text.is_empty(),
        None => !node.is_empty(),
    });
    let is_kept = settings.only_if_missing && is_there;
    match (field, value) {
        // Entry by entry: what is there beside them stays.
        ("nodeSelector" | "affinity", Value::Map(entries)) => {
            let missing = entries.iter().filter(|(key, _)| {
                let there = object.get(&path.key(key)).is_some_and(|node| !node.is_null());
                !(settings.only_if_missing && there)
            });
            let entries: Vec<(String, Value)> = missing.cloned().collect();
            if !entries.is_empty() {
                object.merge(path, &entries)?;
            }
        }
        ("topologySpreadConstraints", Value::List(items)) if !is_kept => {
            spread::set(object, spec, path, items)?;
        }
        ("tolerations", Value::List(items)) if !is_kept => {
            for item in items {
                let is_there = object.get(path).is_some_and(|list| list.items().any(|there| there.means(item)));
                if !is_there {
                    object.append(path, item.clone())?;
                }
            }
        }
        (_, Value::Map(_) | Value::List(_)) => {}
        _ if is_kept => {}
        _ => {
            object.set(path, value.clone())?;
            // The same field's former name must not say something else.
            let former = spec.path.key("serviceAccount");
            if field == "serviceAccountName" && object.get(&former).is_some() {
                object.set(&former, value.clone())?;
            }
        }
    }
    Ok(())
}
