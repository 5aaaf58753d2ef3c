//! Adds labels and annotations to the objects of a release, and to the pods that its workloads make.
//!
//! A label is never changed where a workload's selector counts on it: a selector cannot be changed once its workload
//! was created, and the API server refuses a workload whose selector does not match its pods.

mod selector;
mod settings;

use std::borrow::Cow;

use windlass_pdk::pods::pod_templates;
use windlass_pdk::{Error, Manifests, Object, Path, Value, names, plugin, warn};

use crate::selector::Selector;
pub use crate::settings::Settings;
use crate::settings::{MetadataPaths, OnConflict};

/// Adds what the settings say to every object.
///
/// # Errors
/// A conflict that the configuration or a selector forbids, annotations that become too large, and what cannot be
/// edited safely.
#[plugin(per_object)]
pub fn label_injector(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    if settings.labels.is_empty() && settings.annotations.is_empty() {
        warn!("nothing to add: neither `labels` nor `annotations` are configured");
        return Ok(());
    }
    manifests.visit(|object| label(object, &settings))
}

fn label(object: &mut Object<'_>, settings: &Settings) -> Result<(), Error> {
    label_at(object, &settings.metadata, settings, None)?;
    if !settings.pod_templates {
        return Ok(());
    }
    for template in pod_templates(object, &settings.custom_pod_templates) {
        if let Some(job_template) = &template.job_template {
            label_at(object, &MetadataPaths::of(job_template), settings, None)?;
        }
        // A Pod has no template: its own metadata has been treated.
        if let Some(workload) = &template.workload {
            label_at(object, &MetadataPaths::of(&template.path), settings, Some(workload))?;
        }
    }
    Ok(())
}

/// Adds the labels and annotations in one place. `workload` is the map that holds the selector of these labels, where
/// there may be one.
fn label_at(
    object: &mut Object<'_>,
    paths: &MetadataPaths,
    settings: &Settings,
    workload: Option<&Path>,
) -> Result<(), Error> {
    if !settings.labels.is_empty() {
        let labels = without_conflicts(object, &paths.labels, "label", &settings.labels, settings.on_conflict)?;
        if let Some(workload) = workload {
            check_selector(object, workload, &paths.labels, &labels)?;
        }
        object.merge(&paths.labels, &labels)?;
    }
    if !settings.annotations.is_empty() {
        let annotations =
            without_conflicts(object, &paths.annotations, "annotation", &settings.annotations, settings.on_conflict)?;
        check_size(object, &paths.annotations, &annotations)?;
        object.merge(&paths.annotations, &annotations)?;
    }
    Ok(())
}

/// What is left to add after `onConflict` was asked about each entry that is there.
fn without_conflicts<'s>(
    object: &Object<'_>,
    path: &Path,
    word: &str,
    entries: &'s [(String, Value)],
    on_conflict: OnConflict,
) -> Result<Cow<'s, [(String, Value)]>, Error> {
    // Without a conflict in sight nothing is read, let alone copied: this is the way of nearly every object.
    let there = match on_conflict {
        OnConflict::Overwrite => None,
        OnConflict::Keep | OnConflict::Error => object.get(path).filter(|there| !there.is_null()),
    };
    let Some(there) = there else { return Ok(Cow::Borrowed(entries)) };
    let mut left = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match there.get(key) {
            None => left.push((key.clone(), value.clone())),
            Some(node) if on_conflict == OnConflict::Keep || node.means(value) => {}
            Some(node) => {
                let (there, wanted) = (node.scalar_text().unwrap_or_default(), value.as_str().unwrap_or_default());
                let message =
                    format!("the {word} is `{there}` already and would become `{wanted}`, and `onConflict` is `error`");
                return Err(object.refuse_at(&path.key(key), message).into());
            }
        }
    }
    Ok(Cow::Owned(left))
}

/// Refuses to take away a pod label from the selector of its workload.
fn check_selector(object: &Object<'_>, workload: &Path, path: &Path, labels: &[(String, Value)]) -> Result<(), Error> {
    let there = object.get(path);
    let selector = Selector::of(object, workload);
    for (key, value) in labels {
        let value = value.as_str().unwrap_or_default();
        let label = there.and_then(|labels| labels.get(key));
        if label.is_some_and(|label| label.as_str().as_deref() == Some(value))
            || !selector.forbids(key, value, label.is_some())
        {
            continue;
        }
        let message = match label {
            Some(label) => format!(
                "the selector of the workload counts on the pod label `{key}: {}`, so it cannot become `{value}`; leave it out of `labels`, set `onConflict: keep`, or narrow `targets`",
                label.scalar_text().unwrap_or_default()
            ),
            None => format!(
                "the selector of the workload does not match pods with the label `{key}: {value}`; leave it out of `labels`, or narrow `targets`"
            ),
        };
        let place = if label.is_some() { path.key(key) } else { workload.key("selector") };
        return Err(object.refuse_at(&place, message).into());
    }
    Ok(())
}

/// Refuses annotations that the API server would find too large.
fn check_size(object: &Object<'_>, path: &Path, annotations: &[(String, Value)]) -> Result<(), Error> {
    let added = |key: &str| annotations.iter().find(|(added, _)| added == key);
    let mut size: usize =
        annotations.iter().map(|(key, value)| key.len() + value.as_str().unwrap_or_default().len()).sum();
    for (key, node) in object.get(path).into_iter().flat_map(|there| there.entries()) {
        if added(&key).is_none() {
            size += key.len() + node.scalar_text().map_or(0, |text| text.len());
        }
    }
    if size <= names::ANNOTATIONS_LIMIT {
        return Ok(());
    }
    let message = format!(
        "the annotations would have {size} bytes, more than the {} that Kubernetes takes",
        names::ANNOTATIONS_LIMIT
    );
    Err(object.refuse_at(path, message).into())
}
