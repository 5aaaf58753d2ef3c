//! The differences of two objects, in the order of the first one.

use std::collections::{HashMap, HashSet};

use windlass_manifest::shape::{Merge, Shape};
use windlass_manifest::{Budget, Exhausted, Path, Segment, Value};

use crate::align::{self, Aligned};
use crate::item::{Entry, Item, Scalar};
use crate::note::Cause;
use crate::reading;

/// One difference.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// In the first object: the place itself, of something new the map or the list that it comes into.
    pub(crate) path: Path,
    /// The same in the second object.
    pub(crate) after_path: Path,
    pub(crate) what: What,
    /// How many entries and items are gone over to find the place.
    pub(crate) cost: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// Another value.
    Set { before: Value, after: Value },
    /// Another value that nobody meant.
    Dialect { before: Value, after: Value, cause: Cause },
    /// Another key that nobody meant; where it is not kept, a removal and an addition come as well.
    DialectKey { before: Value, after: Value, cause: Cause },
    /// An entry of null that nobody meant to take away.
    Dropped,
    /// A new entry.
    Add { key: String, after: Value },
    /// An entry or an item that is gone.
    Remove { before: Value },
    /// A new item in front of an item of the first list.
    Insert { index: usize, after_index: usize, after: Value },
}

impl What {
    /// The value before and after, and the cause, of what a dialect did.
    pub(crate) fn dialect(&self) -> Option<(Value, Option<Value>, Cause)> {
        match self {
            What::Dialect { before, after, cause } | What::DialectKey { before, after, cause } => {
                Some((before.clone(), Some(after.clone()), *cause))
            }
            What::Dropped => Some((Value::Null, None, Cause::Null)),
            What::Set { .. } | What::Add { .. } | What::Remove { .. } | What::Insert { .. } => None,
        }
    }
}

/// What the edits of one map or list may cost; beyond, it is written as a whole. Two thousand items that are all new is
/// about as much.
const MAX_COST_OF_ONE: usize = 4 << 20;

/// What costs memory for a found value, in bytes for a node.
const NODE_BYTES: usize = 64;

/// Finds the differences between two nodes.
pub(crate) struct Differ<'b> {
    budget: &'b Budget,
    /// Whether keys that a dialect broke stay.
    keeps: bool,
    was: Vec<Segment>,
    is: Vec<Segment>,
    found: Vec<Found>,
    /// How many entries and items the maps and lists on the way here have.
    cost: usize,
}

impl<'b> Differ<'b> {
    /// The differences between two objects of a group and kind.
    pub(crate) fn objects(
        before: &Item<'_>,
        after: &Item<'_>,
        shape: Shape,
        keeps: bool,
        budget: &'b Budget,
    ) -> Result<Vec<Found>, Exhausted> {
        let mut differ = Self { budget, keeps, was: Vec::new(), is: Vec::new(), found: Vec::new(), cost: 0 };
        differ.node(before, after, Merge::Default, shape)?;
        Ok(differ.found)
    }

    fn node(&mut self, before: &Item<'_>, after: &Item<'_>, merge: Merge, shape: Shape) -> Result<(), Exhausted> {
        self.budget.entries(1)?;
        let length = match before {
            Item::Scalar(_) => 1,
            Item::List(items) => items.len(),
            Item::Map(entries) => entries.len(),
        };
        self.cost += length;
        let outcome = self.of_kind(before, after, merge, shape);
        self.cost -= length;
        outcome
    }

    fn of_kind(&mut self, before: &Item<'_>, after: &Item<'_>, merge: Merge, shape: Shape) -> Result<(), Exhausted> {
        match (before, after) {
            (Item::Scalar(was), Item::Scalar(is)) => self.scalar(was, is),
            (Item::Map(was), Item::Map(is)) if !was.is_empty() && !is.is_empty() => {
                self.map(was, is, (before, after), shape)
            }
            (Item::List(was), Item::List(is)) if !was.is_empty() && !is.is_empty() => {
                self.list(was, is, (before, after), merge, shape)
            }
            (Item::Map(was), Item::Map(is)) if was.is_empty() && is.is_empty() => Ok(()),
            (Item::List(was), Item::List(is)) if was.is_empty() && is.is_empty() => Ok(()),
            _ => self.set(before, after),
        }
    }

    fn set(&mut self, before: &Item<'_>, after: &Item<'_>) -> Result<(), Exhausted> {
        let (before, after) = (self.value(before)?, self.value(after)?);
        self.add(What::Set { before, after });
        Ok(())
    }

    fn value(&self, item: &Item<'_>) -> Result<Value, Exhausted> {
        self.budget.bytes(item.size() * NODE_BYTES)?;
        Ok(item.to_value())
    }

    fn add(&mut self, what: What) {
        let (path, after_path) = (Path::from(self.was.clone()), Path::from(self.is.clone()));
        self.found.push(Found { path, after_path, what, cost: self.cost });
    }

    fn scalar(&mut self, was: &Scalar<'_>, is: &Scalar<'_>) -> Result<(), Exhausted> {
        if was.means(is) {
            return Ok(());
        }
        self.budget.bytes(was.text.len() + is.text.len() + NODE_BYTES)?;
        let (before, after) = (was.to_value(), is.to_value());
        match reading::cause(was, is) {
            Some(cause) => self.add(What::Dialect { before, after, cause }),
            None => self.add(What::Set { before, after }),
        }
        Ok(())
    }

    fn below(
        &mut self,
        (was, is): (Segment, Segment),
        before: &Item<'_>,
        after: &Item<'_>,
        merge: Merge,
        shape: Shape,
    ) -> Result<(), Exhausted> {
        self.was.push(was);
        self.is.push(is);
        let outcome = self.node(before, after, merge, shape);
        self.was.pop();
        self.is.pop();
        outcome
    }

    fn map(
        &mut self,
        was: &[Entry<'_>],
        is: &[Entry<'_>],
        whole: (&Item<'_>, &Item<'_>),
        shape: Shape,
    ) -> Result<(), Exhausted> {
        self.budget.entries(was.len() + is.len())?;
        let places: HashMap<&str, usize> = is.iter().enumerate().map(|(at, entry)| (&*entry.key, at)).collect();
        let mut partners: Vec<Option<usize>> = was.iter().map(|entry| places.get(&*entry.key).copied()).collect();
        let taken: HashSet<usize> = partners.iter().flatten().copied().collect();
        let mut new: Vec<usize> = (0..is.len()).filter(|at| !taken.contains(at)).collect();
        let causes = self.pair_keys(was, is, &mut partners, &mut new)?;
        let gone = partners.iter().filter(|partner| partner.is_none()).count();
        if gone == was.len() || gone.saturating_mul(was.len()) > MAX_COST_OF_ONE {
            return self.set(whole.0, whole.1);
        }
        for (at, (entry, partner)) in was.iter().zip(&partners).enumerate() {
            let key = Segment::Key(entry.key.clone().into_owned());
            let Some(other) = partner.and_then(|at| is.get(at)) else {
                if self.is_nothing_to_kubernetes(entry) {
                    continue;
                }
                let what = match entry.value.is_null() {
                    true => What::Dropped,
                    false => What::Remove { before: self.value(&entry.value)? },
                };
                self.was.push(key.clone());
                self.is.push(key);
                self.add(what);
                self.was.pop();
                self.is.pop();
                continue;
            };
            // Most entries are scalars that mean the same.
            if let (Item::Scalar(was), Item::Scalar(is)) = (&entry.value, &other.value)
                && was.means(is)
                && entry.key == other.key
            {
                continue;
            }
            let other_key = Segment::Key(other.key.clone().into_owned());
            if let Some(cause) = causes.get(&at) {
                let (before, after) = (entry.written.to_value(), other.written.to_value());
                self.was.push(key.clone());
                self.is.push(other_key.clone());
                self.add(What::DialectKey { before, after, cause: *cause });
                self.was.pop();
                self.is.pop();
            }
            let (merge, shape) = shape.below(&entry.key);
            self.below((key, other_key), &entry.value, &other.value, merge, shape)?;
        }
        for entry in new.into_iter().filter_map(|at| is.get(at)) {
            let after = self.value(&entry.value)?;
            self.add(What::Add { key: entry.key.clone().into_owned(), after });
        }
        Ok(())
    }

    /// Whether an entry is an empty map of labels or annotations, which Kubernetes does not keep and kyaml (with it
    /// kustomize and Helm 4) takes away.
    fn is_nothing_to_kubernetes(&self, entry: &Entry<'_>) -> bool {
        matches!(&*entry.key, "labels" | "annotations")
            && matches!(self.was.last(), Some(Segment::Key(parent)) if parent == "metadata")
            && entry.value.holds_nothing()
    }

    /// Pairs keys of which a dialect made others, and answers with how; where they are not kept, they are told only.
    fn pair_keys(
        &mut self,
        was: &[Entry<'_>],
        is: &[Entry<'_>],
        partners: &mut [Option<usize>],
        new: &mut Vec<usize>,
    ) -> Result<HashMap<usize, Cause>, Exhausted> {
        const MOST_PAIRS: usize = 4096;
        let mut causes = HashMap::new();
        let gone: Vec<usize> = (0..was.len()).filter(|at| partners.get(*at) == Some(&None)).collect();
        if new.is_empty() || gone.is_empty() || gone.len().saturating_mul(new.len()) > MOST_PAIRS {
            return Ok(causes);
        }
        self.budget.entries(gone.len() * new.len())?;
        for at in gone {
            let Some(entry) = was.get(at) else { continue };
            let explained = |candidate: &usize| {
                let cause = reading::cause(&entry.written, &is.get(*candidate)?.written)?;
                Some((*candidate, cause))
            };
            let Some((partner, cause)) = new.iter().find_map(explained) else { continue };
            if self.keeps {
                new.retain(|candidate| *candidate != partner);
                if let Some(place) = partners.get_mut(at) {
                    *place = Some(partner);
                }
                causes.insert(at, cause);
            } else if let Some(other) = is.get(partner) {
                self.was.push(Segment::Key(entry.key.clone().into_owned()));
                self.is.push(Segment::Key(other.key.clone().into_owned()));
                self.add(What::DialectKey { before: entry.written.to_value(), after: other.written.to_value(), cause });
                self.was.pop();
                self.is.pop();
            }
        }
        Ok(causes)
    }

    fn list(
        &mut self,
        was: &[Item<'_>],
        is: &[Item<'_>],
        whole: (&Item<'_>, &Item<'_>),
        merge: Merge,
        shape: Shape,
    ) -> Result<(), Exhausted> {
        let Aligned { in_order, moved } = align::align(was, is, merge, self.budget)?;
        let edits = was.len() + is.len() - 2 * in_order.len();
        if in_order.is_empty() || edits.saturating_mul(was.len()) > MAX_COST_OF_ONE {
            return self.set(whole.0, whole.1);
        }
        let moved: HashMap<usize, usize> = moved.into_iter().map(|(old, new)| (new, old)).collect();
        let mut pairs = in_order.into_iter().peekable();
        let mut next = 0;
        for (at, item) in was.iter().enumerate() {
            match pairs.next_if(|(old, _)| *old == at) {
                Some((_, new)) => {
                    self.insert(at, next..new, was, is, &moved, shape)?;
                    next = new + 1;
                    if let Some(other) = is.get(new) {
                        self.below((Segment::Index(at), Segment::Index(new)), item, other, Merge::Default, shape)?;
                    }
                }
                None => {
                    let before = self.value(item)?;
                    self.was.push(Segment::Index(at));
                    self.add(What::Remove { before });
                    self.was.pop();
                }
            }
        }
        self.insert(was.len(), next..is.len(), was, is, &moved, shape)
    }

    fn insert(
        &mut self,
        index: usize,
        items: std::ops::Range<usize>,
        was: &[Item<'_>],
        is: &[Item<'_>],
        moved: &HashMap<usize, usize>,
        shape: Shape,
    ) -> Result<(), Exhausted> {
        for after_index in items {
            let Some(item) = is.get(after_index) else { continue };
            let mut after = self.value(item)?;
            if let Some(old) = moved.get(&after_index)
                && let Some(before) = was.get(*old)
            {
                // It only stands elsewhere: what a dialect did to it is told from what was meant here too.
                let was_len = self.found.len();
                self.below((Segment::Index(*old), Segment::Index(after_index)), before, item, Merge::Default, shape)?;
                let depth = self.is.len() + 1;
                for found in self.found.split_off(was_len.min(self.found.len())) {
                    if let What::Dialect { before, .. } = &found.what {
                        if self.keeps
                            && let Some(place) =
                                place_in(&mut after, found.after_path.segments().get(depth..).unwrap_or_default())
                        {
                            *place = before.clone();
                        }
                        self.found.push(found);
                    }
                }
            }
            self.add(What::Insert { index, after_index, after });
        }
        Ok(())
    }
}

/// The value at a path.
pub(crate) fn place_in<'v>(value: &'v mut Value, path: &[Segment]) -> Option<&'v mut Value> {
    path.iter().try_fold(value, |value, segment| match segment {
        Segment::Key(key) => value.get_mut(key),
        Segment::Index(index) => match value {
            Value::List(items) => items.get_mut(*index),
            _ => None,
        },
    })
}
