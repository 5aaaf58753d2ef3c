//! Annotates pod templates with hashes of the ConfigMaps and Secrets that they refer to, so that a change of them rolls
//! the pods.
//!
//! A hash is that of the content: the order of keys, quotes, comments and how a Secret says its values (`data` or
//! `stringData`) make no difference.

mod content;
mod settings;
mod uses;

use std::collections::BTreeMap;

use windlass_pdk::pods::pod_templates;
use windlass_pdk::{Error, Manifests, Object, Value, names, plugin, warn};

use crate::content::{Content, Source};
pub use crate::settings::Settings;
use crate::settings::{OnMissing, Scope};
use crate::uses::{Use, uses_of};

/// Annotates the pod template of every workload.
///
/// # Errors
/// An object that is not in the release, where the configuration wants it to be, and what cannot be edited safely.
#[plugin]
pub fn checksum(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    let mut sources: Vec<Source> = Vec::new();
    manifests.read_all(|object| {
        sources.extend(Source::of(object)?);
        Ok(())
    })?;
    manifests.visit(|object| {
        // The pods of a Job cannot be changed, and nobody makes a Pod anew.
        if matches!((object.group(), object.kind()), ("batch", "Job") | ("", "Pod")) {
            return Ok(());
        }
        for template in pod_templates(object, &settings.custom_pod_templates) {
            let annotations = hashes(object, &uses_of(object, &template.path), &sources, &settings)?;
            let path = template.path.key("metadata").key("annotations");
            object.merge(&path, &annotations)?;
        }
        Ok(())
    })
}

/// The annotations for what one pod template uses.
fn hashes(
    object: &Object<'_>,
    uses: &[Use],
    sources: &[Source],
    settings: &Settings,
) -> Result<Vec<(String, Value)>, Error> {
    // What is used of each object: some of its keys, or (none) all of it.
    let mut used: BTreeMap<(&str, &str), Option<Vec<&str>>> = BTreeMap::new();
    for it in uses {
        if !settings.takes(it) {
            continue;
        }
        let keys = used.entry((it.kind, it.name.as_str())).or_insert_with(|| Some(Vec::new()));
        match (&it.keys, keys) {
            (Some(more), Some(keys)) => keys.extend(more.iter().map(String::as_str)),
            (None, keys) => *keys = None,
            (Some(_), None) => {}
        }
    }
    let mut combined: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for ((kind, name), keys) in used {
        let found = find(object, kind, name, sources);
        if found.is_empty() {
            let is_optional = uses.iter().filter(|it| it.kind == kind && it.name == name).all(|it| it.is_optional);
            let message = format!("{kind}/{name}, which its pods use, is not in the release");
            match settings.on_missing {
                OnMissing::Error if !is_optional => return Err(object.refuse(message).into()),
                OnMissing::Warn => warn!("{}: {message}; it is not in the checksum", object.describe()),
                OnMissing::Error | OnMissing::Ignore => {}
            }
            continue;
        }
        let keys = keys.filter(|_| settings.scope == Scope::Keys);
        for source in found {
            let hash = source.content.hash(keys.as_deref());
            combined.entry(settings.annotation(kind, name)).or_default().push((format!("{kind}/{name}"), hash));
        }
    }
    Ok(combined
        .into_iter()
        .map(|(key, mut parts)| {
            let hash = match parts.as_slice() {
                // One object under an annotation of its own has its own hash.
                [(_, hash)] if settings.is_per_object() => hash.clone(),
                _ => {
                    parts.sort();
                    Content::combine(parts.iter().map(|(name, hash)| (name.as_str(), hash.as_str())))
                }
            };
            (key, Value::String(hash))
        })
        .collect())
}

/// The objects of the release that a reference from `object` means. A hook and an object of the release may share a
/// name: those of the same sort come first.
fn find<'s>(object: &Object<'_>, kind: &str, name: &str, sources: &'s [Source]) -> Vec<&'s Source> {
    let is_hook = object.annotation(names::HOOK_ANNOTATION).is_some();
    let named = || sources.iter().filter(|source| source.kind == kind && source.name == name);
    // An object without a namespace is in the release's, which may be written out elsewhere.
    let is_near = |source: &&Source| {
        source.namespace.as_deref() == object.namespace() || source.namespace.is_none() || object.namespace().is_none()
    };
    let tests: [&dyn Fn(&&Source) -> bool; 3] = [
        &|source| source.namespace.as_deref() == object.namespace() && source.is_hook == is_hook,
        &|source| is_near(source) && source.is_hook == is_hook,
        &|source| is_near(source),
    ];
    tests
        .iter()
        .map(|test| named().filter(test).collect::<Vec<_>>())
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}
