//! The objects of a stream, and which of them are the same in two.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::hash::Hash;

use windlass_manifest::{Budget, Object, read_text, shape::Shape};

use crate::item::Item;
use crate::note::ReadError;

/// Where Helm 4 says which file of the chart a document came from.
const FILE_ANNOTATION: &str = "postrenderer.helm.sh/postrender-filename";

/// What is kept of an object while its stream is compared, beside its texts.
const BYTES_PER_OBJECT: usize = 512;

/// An object of a stream.
pub(crate) struct Placed {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    file: String,
    /// `Deployment/web (line 12)`.
    pub(crate) described: String,
    pub(crate) line: usize,
    /// Its document's place in the stream.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) first_line: usize,
    /// Which object of its document it is, and whether it is an item of a list there.
    pub(crate) position: usize,
    pub(crate) is_item: bool,
    /// What it means, for an object of a document with several: that document is read once.
    item: Option<Item<'static>>,
}

impl Placed {
    fn of(object: &Object<'_>, budget: &Budget, keeps_items: bool) -> Result<Self, ReadError> {
        let place = object.place();
        let file = object.annotation(FILE_ANNOTATION).unwrap_or_default();
        budget.bytes(BYTES_PER_OBJECT + file.len())?;
        let item = match keeps_items && place.is_item {
            true => Some(Item::of(object.root(), budget)?.into_owned()),
            false => None,
        };
        Ok(Self {
            api_version: object.api_version().to_owned(),
            kind: object.kind().to_owned(),
            namespace: object.namespace().map(str::to_owned),
            name: object.name().to_owned(),
            described: object.describe(),
            file: file.into_owned(),
            line: object.line(),
            start: place.start,
            end: place.start + place.document.len(),
            first_line: place.first_line,
            position: place.position,
            is_item: place.is_item,
            item,
        })
    }

    fn group(&self) -> &str {
        self.api_version.rsplit_once('/').map_or("", |(group, _)| group)
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape::of(self.group(), &self.kind)
    }

    /// The text of its document.
    pub(crate) fn document<'s>(&self, stream: &'s str) -> &'s str {
        stream.get(self.start..self.end).unwrap_or_default()
    }

    /// Calls a function with what the object means.
    pub(crate) fn with_item<T>(
        &self,
        stream: &str,
        budget: &Budget,
        mut look: impl FnMut(&Item<'_>) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        if let Some(item) = &self.item {
            return look(item);
        }
        let mut found = None;
        windlass_manifest::visit_document(self.document(stream), self.first_line, budget, |object| {
            if object.place().position == self.position {
                found = Some(look(&Item::of(object.root(), budget)?)?);
            }
            Ok::<(), ReadError>(())
        })?;
        found.ok_or(ReadError::Deep(self.line))
    }
}

/// The objects of a stream in order; those of lists with what they mean where they will be looked at one by one.
pub(crate) fn objects(stream: &str, budget: &Budget, keeps_items: bool) -> Result<Vec<Placed>, ReadError> {
    let mut objects = Vec::new();
    read_text(stream, budget, |object| {
        objects.push(Placed::of(object, budget, keeps_items)?);
        Ok::<(), ReadError>(())
    })?;
    Ok(objects)
}

/// For each object of the first stream the one of the second that it became, by position; what is equal in all that
/// names it first, then what lost its file, changed its version, its namespace, or its name in a way that shows.
pub(crate) fn pair(before: &[Placed], after: &[Placed]) -> Vec<Option<usize>> {
    let mut pairing = Pairing { before, after, partners: vec![None; before.len()], is_taken: vec![false; after.len()] };
    pairing.by(|object| Some((&object.file, &object.api_version, &object.kind, &object.namespace, &object.name)));
    pairing.by(|object| Some((&object.api_version, &object.kind, &object.namespace, &object.name)));
    pairing.by(|object| Some((object.group(), &object.kind, &object.namespace, &object.name)));
    pairing.by(|object| Some((object.group(), &object.kind, &object.name)));
    pairing.by(|object| Some((&object.kind, &object.name)));
    pairing.renamed(|object| (!object.file.is_empty()).then_some((&object.file, object.group(), &object.kind)));
    pairing.renamed(|object| Some((object.group(), &object.kind)));
    pairing.partners
}

/// How many objects are looked at for one that has another name.
const MOST_RENAMED: usize = 256;

/// Where what has a key stands.
type Places<K> = HashMap<K, VecDeque<usize>>;

struct Pairing<'p> {
    before: &'p [Placed],
    after: &'p [Placed],
    partners: Vec<Option<usize>>,
    is_taken: Vec<bool>,
}

impl<'p> Pairing<'p> {
    /// Those of the first stream and those of the second that have no partner yet, by what a function makes of them.
    fn left<K: Eq + Hash>(&self, key: impl Fn(&'p Placed) -> Option<K>) -> (Vec<(usize, K)>, Places<K>) {
        let mut new: Places<K> = HashMap::new();
        for ((at, object), is_taken) in self.after.iter().enumerate().zip(&self.is_taken) {
            if !is_taken && let Some(key) = key(object) {
                new.entry(key).or_default().push_back(at);
            }
        }
        let old = self.before.iter().enumerate().zip(&self.partners);
        let old = old.filter(|(_, partner)| partner.is_none());
        (old.filter_map(|((at, object), _)| Some((at, key(object)?))).collect(), new)
    }

    fn join(&mut self, old: usize, new: usize) {
        if let (Some(partner), Some(is_taken)) = (self.partners.get_mut(old), self.is_taken.get_mut(new)) {
            (*partner, *is_taken) = (Some(new), true);
        }
    }

    /// Pairs what has the same key, in order.
    fn by<K: Eq + Hash>(&mut self, key: impl Fn(&'p Placed) -> Option<K>) {
        let (old, mut new) = self.left(key);
        for (at, key) in old {
            if let Some(partner) = new.get_mut(&key).and_then(VecDeque::pop_front) {
                self.join(at, partner);
            }
        }
    }

    /// Pairs what has the same key, as many on both sides, and names of which one is part of the other.
    fn renamed<K: Eq + Hash>(&mut self, key: impl Fn(&'p Placed) -> Option<K>) {
        let (old, mut new) = self.left(key);
        let mut counts: HashMap<&K, usize> = HashMap::new();
        for (_, key) in &old {
            *counts.entry(key).or_default() += 1;
        }
        new.retain(|key, others| counts.get(key) == Some(&others.len()));
        let mut joined = Vec::new();
        for (at, key) in &old {
            let (Some(others), Some(object)) = (new.get_mut(key), self.before.get(*at)) else { continue };
            let name = object.name.as_str();
            let is_like =
                |other: &str| !name.is_empty() && !other.is_empty() && (name.contains(other) || other.contains(name));
            let name_of = |partner: usize| self.after.get(partner).map_or("", |partner| partner.name.as_str());
            // The one that is nearest in length: `web` becomes `x-web` rather than `x-web-admin`.
            let candidates = others.iter().copied().enumerate().take(MOST_RENAMED);
            let nearest = candidates
                .filter(|(_, partner)| is_like(name_of(*partner)))
                .min_by_key(|(_, partner)| name_of(*partner).len().abs_diff(name.len()));
            if let Some((place, partner)) = nearest {
                others.remove(place);
                joined.push((*at, partner));
            }
        }
        for (at, partner) in joined {
            self.join(at, partner);
        }
    }
}
