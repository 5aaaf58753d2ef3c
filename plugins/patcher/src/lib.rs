//! Patches the objects of a release as kustomize's `patches` do: strategic merge patches and JSON 6902 patches, with
//! targets.
//!
//! Unlike kustomize it edits the text: what no patch names stays byte for byte, and items of a list stay in their order.

mod json_patch;
mod settings;
mod shape;
mod strategic;

use windlass_pdk::{Error, Manifests, Object, Path, Value, names, plugin, warn};

pub use crate::settings::Settings;
use crate::settings::{Content, OnMissing, Patch};

/// Applies every patch to every object that it is for, in the order of the patches.
///
/// # Errors
/// A patch that matches nothing, one that does not fit its object, and what cannot be edited safely.
#[plugin]
pub fn patcher(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    if settings.patches.is_empty() {
        warn!("nothing to do: no `patches` are configured");
        return Ok(());
    }
    let mut matched = vec![false; settings.patches.len()];
    manifests.visit(|object| {
        let file = object.annotation(names::FILENAME_ANNOTATION).map(|file| file.into_owned());
        for (patch, matched) in settings.patches.iter().zip(&mut matched) {
            if !patch.is_for(object) {
                continue;
            }
            *matched = true;
            if patch.deletes_object() {
                return Ok(object.delete()?);
            }
            match &patch.content {
                Content::Strategic(patch) => strategic::apply(object, patch)?,
                Content::Operations(operations) => json_patch::apply(object, operations)?,
            }
        }
        keep_file(object, file)
    })?;
    // What a patch would delete may be gone: by that the patch has its way.
    let is_missing = |(patch, matched): (&Patch, &bool)| !matched && !patch.deletes_object();
    match settings.patches.iter().zip(&matched).position(is_missing) {
        Some(index) if settings.on_missing == OnMissing::Error => {
            Err(Error::new(format!("patches[{index}] matches no object; correct it, or set `onMissing: ignore`")))
        }
        _ => Ok(()),
    }
}

/// Puts back Helm's own annotation if a patch has replaced or removed all annotations.
fn keep_file(object: &mut Object<'_>, file: Option<String>) -> Result<(), Error> {
    if let Some(file) = file
        && object.annotation(names::FILENAME_ANNOTATION).as_deref() != Some(file.as_str())
    {
        object.set(&Path::new(["metadata", "annotations", names::FILENAME_ANNOTATION]), Value::String(file))?;
    }
    Ok(())
}
