//! Kinds and versions that the configuration moves.

use windlass_pdk::references::references;
use windlass_pdk::{Error, Object, Path, Value};

use crate::settings::{Move, Settings, group_and_version};

impl Move {
    fn is_for(&self, group: &str, version: &str, kind: &str) -> bool {
        self.kind == kind && self.group == group && self.version.as_ref().is_none_or(|it| it == version)
    }
}

/// Moves an object.
pub(crate) fn treat(object: &mut Object<'_>, settings: &Settings) -> Result<(), Error> {
    let found = settings.moves.iter().find(|it| it.is_for(object.group(), object.version(), object.kind()));
    let Some(found) = found else { return Ok(()) };
    object.set(&Path::new(["apiVersion"]), Value::String(found.to.clone()))?;
    object.set(&Path::new(["kind"]), Value::String(found.new_kind.clone()))?;
    for (from, to) in &found.fields {
        move_field(object, from, to.as_ref())?;
    }
    Ok(())
}

/// Moves a field, unless it is missing.
pub(crate) fn move_field(object: &mut Object<'_>, from: &Path, to: Option<&Path>) -> Result<(), Error> {
    let Some(node) = object.get(from) else { return Ok(()) };
    let value = node.to_value()?;
    object.remove(from)?;
    if let Some(to) = to {
        object.set(to, value)?;
    }
    Ok(())
}

/// Moves the kinds that references name.
pub(crate) fn follow(object: &mut Object<'_>, settings: &Settings) -> Result<(), Error> {
    if settings.moves.is_empty() {
        return Ok(());
    }
    for reference in references(object, &[]) {
        let owner = reference.owner();
        let text = |key: &str| object.get(&owner.key(key)).and_then(|it| it.as_str()).map(|text| text.into_owned());
        let version = text("apiVersion").map(|it| group_and_version(&it).1.to_owned());
        let found = settings.moves.iter().find(|it| {
            it.kind == reference.kind
                && it.group == reference.group
                && match (&version, &it.version) {
                    (Some(one), Some(other)) => one == other,
                    _ => true,
                }
        });
        let Some(found) = found else { continue };
        let (has_kind, has_group) = (text("kind").is_some(), text("apiGroup").is_some());
        if version.is_some() {
            object.set(&owner.key("apiVersion"), Value::String(found.to.clone()))?;
        }
        if has_group {
            object.set(&owner.key("apiGroup"), Value::from(group_and_version(&found.to).0))?;
        }
        if has_kind {
            object.set(&owner.key("kind"), Value::String(found.new_kind.clone()))?;
        }
    }
    Ok(())
}
