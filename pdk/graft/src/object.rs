//! One object made to mean a value, by edits of its text: for who holds values instead of an answer's text.

use windlass_manifest::shape::Shape;
use windlass_manifest::{Budget, Object, Value};

use crate::differ::Differ;
use crate::edits::edits;
use crate::graft::MAX_COST;
use crate::item::Item;
use crate::note::{Error, ReadError};

/// What became of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It means the value, and this many edits were made for it.
    By(usize),
    /// It cannot be had by edits, for this reason. Some may have been made: the object is to be replaced as a whole.
    Not(String),
}

/// Makes an object mean `value` with as few edits of its text as it takes: maps are compared by key, lists matched as
/// [`crate::graft()`] matches them, numbers by what they are. No difference is put down to a dialect: a value is meant.
///
/// ```
/// use windlass_graft::{Applied, Budget, Value, apply};
/// use windlass_manifest::{Error, Manifests};
///
/// let text = "kind: ConfigMap\nmetadata: {name: web}  # the shop\ndata:\n  mode: 0755\n  port: '80'\n";
/// let mut stream = Manifests::from_bytes(text.as_bytes().to_vec())?;
/// stream.visit(|object| {
///     let value =
///     Value::from_yaml(r#"{"kind":"ConfigMap","metadata":{"name":"web"},"data":{"mode":493,"port":"81"}}"#)?;
///     assert_eq!(apply(object, &value, &Budget::for_text(1 << 20)), Ok(Applied::By(1))); Ok::<(), Error>(())
/// })?;
/// assert_eq!(stream.as_str(), text.replace("'80'", "\"81\""));
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// A budget that is used up, and an object or a value that is nested deeper than 200 levels.
pub fn apply(object: &mut Object<'_>, value: &Value, budget: &Budget) -> Result<Applied, Error> {
    let after = Item::of_value(value, budget).map_err(ReadError::of_answer)?;
    let found = differences(object, &after, budget)?;
    if found.iter().fold(0_usize, |sum, found| sum.saturating_add(found.cost)) > MAX_COST {
        return Ok(Applied::Not("its changes are too many".to_owned()));
    }
    if found.is_empty() {
        return Ok(Applied::By(0));
    }
    if let Err(error) = object.edit_together(&edits(&found, false), budget) {
        return match budget.spent() {
            Some(exhausted) => Err(Error::Spent(exhausted)),
            None => Ok(Applied::Not(error.message().to_owned())),
        };
    }
    Ok(match differences(object, &after, budget)?.is_empty() {
        true => Applied::By(found.len()),
        false => Applied::Not("the edits do not add up to what it should mean".to_owned()),
    })
}

fn differences(object: &Object<'_>, after: &Item<'_>, budget: &Budget) -> Result<Vec<crate::differ::Found>, Error> {
    let before = Item::of(object.root(), budget).map_err(ReadError::of_original)?;
    let shape = Shape::of(object.group(), object.kind());
    Differ::objects(&before, after, shape, false, budget).map_err(|exhausted| ReadError::from(exhausted).of_original())
}
