//! Making what became of the objects in the text.

use windlass_graft::{Applied, Budget, apply};
use windlass_pdk::{Error, Manifests, Object, Value, names, warn};

use crate::pairing::{Fate, Plan};

/// Carries a plan out.
///
/// # Errors
/// What cannot be edited safely, or takes too much time or memory.
pub(crate) fn write(manifests: &mut Manifests, plan: Plan) -> Result<(), Error> {
    let mut fates = plan.fates.into_iter();
    // Where each object that the script saw stands among all that stay.
    let (mut at, mut places) = (0, Vec::new());
    // What cannot be edited stands anew where it stood.
    let mut printed = Vec::new();
    // Which objects are targets must not depend on what became of the first of them.
    let mut targets = Vec::new();
    manifests.read_all(|object| {
        targets.push(manifests.is_target(object));
        Ok(())
    })?;
    let mut targets = targets.into_iter();
    manifests.visit_all(|object| {
        if !targets.next().unwrap_or_default() {
            at += 1;
            return Ok(());
        }
        places.push(at);
        match fates.next().unwrap_or_default() {
            Fate::Same => at += 1,
            Fate::Dropped => object.delete()?,
            Fate::Changed(value) => match change(object, value)? {
                None => at += 1,
                Some(value) => {
                    printed.push((at, value));
                    object.delete()?;
                }
            },
        }
        Ok(())
    })?;
    let mut all = printed;
    for (place, value) in plan.additions {
        all.push((places.get(place).copied().unwrap_or(at), value));
    }
    all.sort_by_key(|(at, _)| *at);
    match all.is_empty() {
        true => Ok(()),
        false => manifests.insert(&all),
    }
}

/// Makes an object mean a value; the value where that cannot be had by edits.
fn change(object: &mut Object<'_>, value: Value) -> Result<Option<Value>, Error> {
    let file = object.annotation(names::FILENAME_ANNOTATION).map(|file| file.into_owned());
    let value = with_file(value, file);
    let length = value.to_json().len() + object.root().to_value()?.to_json().len();
    match apply(object, &value, &Budget::for_text(length.saturating_mul(8))) {
        Ok(Applied::By(_)) => Ok(None),
        Ok(Applied::Not(reason)) => {
            warn!("{}: it stands anew, without comments, as an edit is not possible: {reason}", object.describe());
            Ok(Some(value))
        }
        Err(error) => Err(object.refuse(error.to_string()).into()),
    }
}

/// Puts Helm's own annotation back where a script replaced or removed all annotations.
fn with_file(mut value: Value, file: Option<String>) -> Value {
    if let Some(file) = file {
        put(&mut value, &["metadata", "annotations", names::FILENAME_ANNOTATION], file);
    }
    value
}

fn put(place: &mut Value, keys: &[&str], text: String) {
    let Some((key, below)) = keys.split_first() else {
        *place = Value::String(text);
        return;
    };
    if !matches!(place, Value::Map(_)) {
        *place = Value::Map(Vec::new());
    }
    if let Value::Map(entries) = place {
        let at = entries.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
            entries.push(((*key).to_owned(), Value::Null));
            entries.len() - 1
        });
        if let Some((_, value)) = entries.get_mut(at) {
            put(value, below, text);
        }
    }
}
