//! From differences to lossless edits of the first object.

use windlass_manifest::{Edit, Path};

use crate::differ::{Found, What};

/// The edits that make the differences, the last place first, so that each path holds when its turn comes. What a
/// dialect did is made only where it is not kept.
pub(crate) fn edits(found: &[Found], keeps: bool) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::with_capacity(found.len());
    for Found { path, what, .. } in found.iter().rev() {
        match what {
            What::Set { after, .. } => edits.push(Edit::Set(path.clone(), after.clone())),
            What::Dialect { after, .. } if !keeps => edits.push(Edit::Set(path.clone(), after.clone())),
            What::Dialect { .. } | What::DialectKey { .. } => {}
            What::Dropped if keeps => {}
            What::Remove { .. } | What::Dropped => edits.push(Edit::Remove(path.clone())),
            // Additions to one map, and to one place of a list, come in a row: they are one edit, in the right order
            // again.
            What::Add { key, after } => {
                let entry = (key.clone(), after.clone());
                match edits.last_mut() {
                    Some(Edit::Merge(map, entries)) if map == path => entries.push(entry),
                    _ => edits.push(Edit::Merge(path.clone(), vec![entry])),
                }
            }
            What::Insert { index, after, .. } => match edits.last_mut() {
                Some(Edit::Insert(list, at, items)) if is_same(list, *at, path, *index) => items.push(after.clone()),
                _ => edits.push(Edit::Insert(path.clone(), *index, vec![after.clone()])),
            },
        }
    }
    for edit in &mut edits {
        match edit {
            Edit::Merge(_, entries) => entries.reverse(),
            Edit::Insert(_, _, items) => items.reverse(),
            Edit::Set(..) | Edit::Remove(_) => {}
        }
    }
    edits
}

fn is_same(list: &Path, at: usize, other: &Path, index: usize) -> bool {
    at == index && list == other
}
