//! One of several edits that are made together.

use crate::path::Path;
use crate::value::Value;

/// One edit, for [`crate::Object::edit_together`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// As [`crate::Object::set`].
    Set(Path, Value),
    /// As [`crate::Object::merge`].
    Merge(Path, Vec<(String, Value)>),
    /// As [`crate::Object::insert`], of several items in a row.
    Insert(Path, usize, Vec<Value>),
    /// As [`crate::Object::remove`].
    Remove(Path),
}

impl Edit {
    /// Where it is: of an insertion the list.
    pub fn path(&self) -> &Path {
        match self {
            Edit::Set(path, _) | Edit::Merge(path, _) | Edit::Insert(path, ..) | Edit::Remove(path) => path,
        }
    }

    pub(crate) fn entries(&self) -> &[(String, Value)] {
        match self {
            Edit::Merge(_, entries) => entries,
            _ => &[],
        }
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Value> {
        let single: &[Value] = match self {
            Edit::Set(_, value) => std::slice::from_ref(value),
            Edit::Insert(_, _, values) => values,
            Edit::Merge(..) | Edit::Remove(_) => &[],
        };
        single.iter().chain(self.entries().iter().map(|(_, value)| value))
    }
}
