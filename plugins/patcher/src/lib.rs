//! Patches the objects of a release as kustomize's `patches` do: strategic merge patches and JSON 6902 patches, with
//! targets.
//!
//! Unlike kustomize it edits the text: what no patch names stays byte for byte, and items of a list stay in their
//! order.

mod json_patch;
mod settings;
mod strategic;

use windlass_pdk::{Error, Manifests, Object, Path, Value, names, plugin, warn};

pub use crate::settings::Settings;
use crate::settings::{Content, OnMissing, Part};

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
    // The documents of all patches, each with the index of its patch.
    let mut parts: Vec<Applied<'_>> = Vec::new();
    for (index, patch) in settings.patches.iter().enumerate() {
        parts.extend(patch.parts.iter().map(|part| Applied { index, part, is_matched: false }));
    }
    manifests.visit(|object| {
        let file = object.annotation(names::FILENAME_ANNOTATION).map(|file| file.into_owned());
        for applied in &mut parts {
            if !applied.part.is_for(object) {
                continue;
            }
            applied.is_matched = true;
            if applied.part.deletes_object() {
                return object.delete().map_err(|error| applied.error(error.into()));
            }
            match &applied.part.content {
                Content::Strategic(patch) => strategic::apply(object, patch),
                Content::Operations(operations) => json_patch::apply(object, operations),
            }
            .map_err(|error| applied.error(error))?;
        }
        keep_file(object, file)
    })?;
    // What a patch would delete may be gone: by that the patch has its way.
    let is_missing = |applied: &&Applied<'_>| !applied.is_matched && !applied.part.deletes_object();
    match parts.iter().find(is_missing) {
        Some(applied) if settings.on_missing == OnMissing::Error => Err(Error::new(format!(
            "{} matches no object; correct it, or set `onMissing: ignore`{}",
            applied.name(),
            manifests.about_hooks()
        ))),
        _ => Ok(()),
    }
}

/// A patch, its index among `patches`, and whether an object was found for it.
struct Applied<'s> {
    index: usize,
    part: &'s Part,
    is_matched: bool,
}

impl Applied<'_> {
    /// `patches[2] (target {"kind":"Service"})`.
    fn name(&self) -> String {
        format!("patches[{}] ({})", self.index, self.part.describe())
    }

    /// An error of an object, with the patch that met it.
    fn error(&self, error: Error) -> Error {
        Error::new(format!("{}: {error}", self.name()))
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
