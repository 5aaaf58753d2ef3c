//! What differs between two streams, by meaning.

use windlass_manifest::{Budget, Path, Value};

use crate::differ::{Differ, Found, What};
use crate::note::{Cause, Error, ReadError};
use crate::stream::{self, Placed};

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is in both streams and means something else in the second.
    Changed,
    /// It is in the second stream only.
    Added,
    /// It is in the first stream only.
    Removed,
}

/// An object that is not the same in both streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectDifference {
    /// What happened to it.
    pub change: Change,
    /// Group and version; as the first stream has it, where it is there.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace, where the object names one.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// Its 1-based line in the first stream.
    pub line_before: Option<usize>,
    /// Its 1-based line in the second stream.
    pub line_after: Option<usize>,
    /// What is different in it, in the first stream's order; empty for what was added or removed as a whole.
    pub differences: Vec<Difference>,
}

/// One place at which two objects differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where: in the first object, or in the second where it is there only.
    pub path: Path,
    /// The value in the first object; `None` where it has none.
    pub before: Option<Value>,
    /// The value in the second object; `None` where it has none.
    pub after: Option<Value>,
    /// Why the tool's YAML is to blame for it rather than somebody who meant it. The values then are those that Helm
    /// sees; of a key they are the key.
    pub cause: Option<Cause>,
}

/// What differs between two streams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The objects that differ: those of the first stream in its order, then those that the second adds.
    pub objects: Vec<ObjectDifference>,
}

impl Comparison {
    /// Whether both streams have the same objects with the same meaning, in whatever order.
    pub fn is_same(&self) -> bool {
        self.objects.is_empty()
    }

    /// Whether all differences are the doing of a YAML dialect.
    pub fn is_same_but_for_dialects(&self) -> bool {
        let is_dialect = |object: &ObjectDifference| {
            object.change == Change::Changed && object.differences.iter().all(|difference| difference.cause.is_some())
        };
        self.objects.iter().all(is_dialect)
    }
}

/// Compares two streams of manifests object by object, by what they mean to Helm: in its types (`0755` is 493, `on` is
/// true, `1.0` is 1), whatever the notation, the order of documents, of map entries and the comments. The order of
/// lists counts. Objects are paired by Helm's filename annotation, group, version, kind, namespace and name, and in
/// order where several share all of these; one that has another name or namespace is still the same where no other can
/// be meant.
///
/// ```
/// use windlass_graft::compare;
///
/// let before = "kind: ConfigMap\nmetadata: {name: a}\ndata: {mode: 0755, size: \"1\"}\n";
/// let after = "# printed\nkind: ConfigMap\ndata:\n  size: '2'\n  mode: 493\nmetadata:\n  name: a\n";
/// let comparison = compare(before, after)?;
/// let difference = &comparison.objects[0].differences[0];
/// assert_eq!((difference.path.to_string(), &difference.after), ("data.size".to_owned(), &Some("2".into())));
/// assert_eq!(comparison.objects[0].differences.len(), 1);
/// # Ok::<(), windlass_graft::Error>(())
/// ```
///
/// # Errors
/// A stream that cannot be read, or that takes more than [`Budget::for_text`] of both.
pub fn compare(before: &str, after: &str) -> Result<Comparison, Error> {
    compare_within(before, after, &Budget::for_text(before.len().saturating_add(after.len()).saturating_mul(2)))
}

/// [`compare`] under a budget that the caller has for more than this.
///
/// # Errors
/// As for [`compare`]; a budget that is used up.
pub fn compare_within(before: &str, after: &str, budget: &Budget) -> Result<Comparison, Error> {
    let was = stream::objects(before, budget, true).map_err(ReadError::of_original)?;
    let is = stream::objects(after, budget, true).map_err(ReadError::of_answer)?;
    let partners = stream::pair(&was, &is);
    let mut objects = Vec::new();
    let mut is_paired = vec![false; is.len()];
    for (object, partner) in was.iter().zip(partners) {
        let Some((partner, other)) = partner.and_then(|partner| Some((partner, is.get(partner)?))) else {
            objects.push(whole(Change::Removed, object));
            continue;
        };
        if let Some(is_paired) = is_paired.get_mut(partner) {
            *is_paired = true;
        }
        if !object.is_item && !other.is_item && object.document(before) == other.document(after) {
            continue;
        }
        let found = differences((object, before), (other, after), true, budget)?;
        if !found.is_empty() {
            objects.push(ObjectDifference {
                line_after: Some(other.line),
                differences: found.into_iter().map(difference).collect(),
                ..whole(Change::Changed, object)
            });
        }
    }
    let added = is.iter().zip(is_paired).filter(|(_, is_paired)| !is_paired);
    objects.extend(added.map(|(object, _)| ObjectDifference {
        line_before: None,
        line_after: Some(object.line),
        ..whole(Change::Added, object)
    }));
    Ok(Comparison { objects })
}

/// The differences of two objects of two streams.
pub(crate) fn differences(
    (object, before): (&Placed, &str),
    (other, after): (&Placed, &str),
    keeps: bool,
    budget: &Budget,
) -> Result<Vec<Found>, Error> {
    // The inner one is read while the outer one is looked at; what goes wrong is told by whose it is.
    let mut of_answer = None;
    let outcome = object.with_item(before, budget, |was| {
        let found = other.with_item(after, budget, |is| Ok(Differ::objects(was, is, object.shape(), keeps, budget)?));
        match found {
            Ok(found) => Ok(found),
            Err(failure) => {
                of_answer = Some(failure);
                Ok(Vec::new())
            }
        }
    });
    match of_answer {
        Some(failure) => Err(failure.of_answer()),
        None => outcome.map_err(ReadError::of_original),
    }
}

fn whole(change: Change, object: &Placed) -> ObjectDifference {
    ObjectDifference {
        change,
        api_version: object.api_version.clone(),
        kind: object.kind.clone(),
        namespace: object.namespace.clone(),
        name: object.name.clone(),
        line_before: Some(object.line),
        line_after: None,
        differences: Vec::new(),
    }
}

fn difference(found: Found) -> Difference {
    let Found { path, after_path, what, .. } = found;
    match what {
        What::Set { before, after } => Difference { path, before: Some(before), after: Some(after), cause: None },
        What::Dialect { before, after, cause } | What::DialectKey { before, after, cause } => {
            Difference { path, before: Some(before), after: Some(after), cause: Some(cause) }
        }
        What::Add { key, after } => {
            Difference { path: after_path.key(key), before: None, after: Some(after), cause: None }
        }
        What::Dropped => Difference { path, before: Some(Value::Null), after: None, cause: Some(Cause::Null) },
        What::Remove { before } => Difference { path, before: Some(before), after: None, cause: None },
        What::Insert { after_index, after, .. } => {
            Difference { path: after_path.index(after_index), before: None, after: Some(after), cause: None }
        }
    }
}
