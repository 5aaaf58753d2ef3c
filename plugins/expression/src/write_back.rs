//! Writing a result back as few edits of the text.

use std::borrow::Cow;

use jaq_json::Val;
use windlass_pdk::{Error, Object, Path, Value};

use crate::values::to_value;

/// The most pairs of items that are compared to find out what moved in a list; beyond it items are paired by position.
const MAX_COMPARED: usize = 1 << 18;

/// Makes the node at a path, which means `old`, mean `new`.
///
/// # Errors
/// What cannot be written or edited safely.
pub(crate) fn write(object: &mut Object<'_>, path: &Path, old: &Val, new: &Val) -> Result<(), Error> {
    match (old, new) {
        _ if old == new => Ok(()),
        (Val::Obj(before), Val::Obj(after)) if path.is_root() || !before.is_empty() => {
            for (key, value) in before.iter() {
                let path = path.key(key_text(key)?);
                match after.get(key) {
                    Some(new) => write(object, &path, value, new)?,
                    None => drop(object.remove(&path)?),
                }
            }
            let mut added = Vec::new();
            // A null that is new says nothing that its absence does not: reading through a path may leave one.
            for (key, value) in after.iter().filter(|(key, value)| !before.contains_key(*key) && **value != Val::Null) {
                added.push((key_text(key)?.into_owned(), value_of(object, path, value)?));
            }
            object.merge(path, &added)?;
            Ok(())
        }
        (Val::Arr(before), Val::Arr(after)) if !before.is_empty() && !after.is_empty() => {
            write_list(object, path, before, after)
        }
        _ => {
            let value = value_of(object, path, new)?;
            object.set(path, value)?;
            Ok(())
        }
    }
}

fn value_of(object: &Object<'_>, path: &Path, value: &Val) -> Result<Value, Error> {
    to_value(value).map_err(|problem| object.refuse_at(path, problem).into())
}

fn key_text(key: &Val) -> Result<Cow<'_, str>, Error> {
    match key {
        Val::TStr(text) => Ok(String::from_utf8_lossy(text)),
        other => Err(Error::new(format!("a key of the result is no text: {other}"))),
    }
}

/// What becomes of the items of a list, in order.
#[derive(Clone, Copy)]
enum Fate {
    /// The item at the first index becomes the one at the second.
    Pair(usize, usize),
    Remove(usize),
    /// The new item at the second index goes before the old one at the first.
    Insert(usize, usize),
}

fn write_list(object: &mut Object<'_>, path: &Path, before: &[Val], after: &[Val]) -> Result<(), Error> {
    // From the end, so that indexes before stay what they are; what is put in comes before anything is taken out, so
    // that the list never becomes empty and loses its layout.
    let fates = align(before, after);
    for fate in fates.iter().rev() {
        match *fate {
            Fate::Pair(old, new) => {
                if let (Some(old_item), Some(new_item)) = (before.get(old), after.get(new)) {
                    write(object, &path.index(old), old_item, new_item)?;
                }
            }
            Fate::Remove(old) => drop(object.remove(&path.index(old))?),
            Fate::Insert(at, new) => {
                if let Some(item) = after.get(new) {
                    let value = value_of(object, path, item)?;
                    object.insert(path, at, value)?;
                }
            }
        }
    }
    Ok(())
}

fn align(before: &[Val], after: &[Val]) -> Vec<Fate> {
    let same_start = before.iter().zip(after).take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) =
        (before.get(same_start..).unwrap_or_default(), after.get(same_start..).unwrap_or_default());
    let same_end = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(old, new)| old == new).count();
    let old_middle = old_rest.get(..old_rest.len() - same_end).unwrap_or_default();
    let new_middle = new_rest.get(..new_rest.len() - same_end).unwrap_or_default();

    let anchors = match (names_of(old_middle), names_of(new_middle)) {
        (Some(old), Some(new)) => common(&old, &new),
        _ => common(old_middle, new_middle),
    };
    let is_named = old_middle.iter().chain(new_middle).all(|item| name_of(item).is_some());
    let mut fates = Vec::new();
    let (mut old, mut new) = (0, 0);
    for (old_anchor, new_anchor) in anchors.into_iter().chain([(old_middle.len(), new_middle.len())]) {
        // Items without a name are paired where they stand; named ones are others.
        while !is_named && old < old_anchor && new < new_anchor {
            fates.push(Fate::Pair(same_start + old, same_start + new));
            (old, new) = (old + 1, new + 1);
        }
        for gone in old..old_anchor {
            fates.push(Fate::Remove(same_start + gone));
        }
        for added in new..new_anchor {
            fates.push(Fate::Insert(same_start + old_anchor, same_start + added));
        }
        if old_anchor < old_middle.len() {
            fates.push(Fate::Pair(same_start + old_anchor, same_start + new_anchor));
        }
        (old, new) = (old_anchor + 1, new_anchor + 1);
    }
    fates
}

fn names_of(items: &[Val]) -> Option<Vec<&Val>> {
    items.iter().map(name_of).collect()
}

/// What tells an item from the others of its list.
fn name_of(item: &Val) -> Option<&Val> {
    match item {
        Val::Obj(entries) => entries.get(&Val::from("name".to_owned())).filter(|name| matches!(name, Val::TStr(_))),
        _ => None,
    }
}

/// The longest common subsequence, as pairs of indexes.
fn common<T: PartialEq>(old: &[T], new: &[T]) -> Vec<(usize, usize)> {
    if old.len().saturating_mul(new.len()) > MAX_COMPARED {
        return Vec::new();
    }
    let width = new.len() + 1;
    let mut lengths = vec![0_u32; (old.len() + 1) * width];
    let at = |lengths: &[u32], row: usize, column: usize| lengths.get(row * width + column).copied().unwrap_or(0);
    for row in (0..old.len()).rev() {
        for column in (0..new.len()).rev() {
            let length = match old.get(row) == new.get(column) {
                true => at(&lengths, row + 1, column + 1) + 1,
                false => at(&lengths, row + 1, column).max(at(&lengths, row, column + 1)),
            };
            if let Some(cell) = lengths.get_mut(row * width + column) {
                *cell = length;
            }
        }
    }
    let (mut pairs, mut row, mut column) = (Vec::new(), 0, 0);
    while row < old.len() && column < new.len() {
        if old.get(row) == new.get(column) {
            pairs.push((row, column));
            (row, column) = (row + 1, column + 1);
        } else if at(&lengths, row + 1, column) >= at(&lengths, row, column + 1) {
            row += 1;
        } else {
            column += 1;
        }
    }
    pairs
}
