//! What the tests share: where the manifests are, and an independent reading of YAML to compare with (libyaml, through
//! `serde_yaml_ng`; the crate under test parses with another parser).
#![allow(dead_code, unreachable_pub)]

use std::fmt;
use std::fs;
use std::path::{Path as FilePath, PathBuf};

use serde::Deserialize;
use serde::de::{EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use windlass_manifest::{Path, Segment, Value};

/// Manifests written to be awkward, always there.
pub fn nasty_files() -> Vec<(String, String)> {
    let files = yaml_files(&FilePath::new(env!("CARGO_MANIFEST_DIR")).join("tests/nasty"));
    assert!(files.len() > 25, "the files of tests/nasty are missing");
    files
}

/// Real rendered charts, if a folder `shared/corpus` stands beside the workspace or above it.
pub fn shared_corpus() -> Vec<(String, String)> {
    let start = FilePath::new(env!("CARGO_MANIFEST_DIR"));
    let folder = start.ancestors().map(|folder| folder.join("shared/corpus")).find(|folder| folder.is_dir());
    let Some(folder) = folder else { return Vec::new() };
    ["helm3", "helm4"].iter().flat_map(|name| yaml_files(&folder.join(name))).collect()
}

fn yaml_files(folder: &FilePath) -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .map(|entries| entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect())
        .unwrap_or_default();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    paths
        .into_iter()
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).expect("a readable file")))
        .collect()
}

/// A document as libyaml sees it: types by YAML's core schema, maps with their order and with equal keys, aliases
/// written out, merge keys as they stand.
#[derive(Clone, Debug, PartialEq)]
pub enum Oracle {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Oracle>),
    Map(Vec<(Oracle, Oracle)>),
    Tagged(String, Box<Oracle>),
}

impl Oracle {
    /// Reads one document; `None` if libyaml does not accept it.
    pub fn read(document: &str) -> Option<Self> {
        // A byte order mark in front of a document of a stream is not libyaml's to skip.
        let document = document.strip_prefix('\u{feff}').unwrap_or(document);
        let mut documents = serde_yaml_ng::Deserializer::from_str(document);
        let first = Oracle::deserialize(documents.next()?).ok()?;
        documents.next().is_none().then_some(first)
    }

    /// What a value to insert means to libyaml.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Oracle::Null,
            Value::Bool(value) => Oracle::Bool(*value),
            Value::Number(raw) => serde_yaml_ng::from_str(raw).expect("a number"),
            Value::String(text) => Oracle::Text(text.clone()),
            Value::List(items) => Oracle::List(items.iter().map(Oracle::of).collect()),
            Value::Map(entries) => {
                Oracle::Map(entries.iter().map(|(key, value)| (Oracle::Text(key.clone()), Oracle::of(value))).collect())
            }
        }
    }

    /// The node at a path; of equal keys the last.
    pub fn at(&mut self, path: &[Segment]) -> Option<&mut Oracle> {
        path.iter().try_fold(self, |node, segment| node.child(segment))
    }

    fn child(&mut self, segment: &Segment) -> Option<&mut Oracle> {
        match (self, segment) {
            (Oracle::Map(entries), Segment::Key(key)) => {
                entries.iter_mut().rev().find(|(existing, _)| existing.is_key(key)).map(|(_, value)| value)
            }
            (Oracle::List(items), Segment::Index(index)) => items.get_mut(*index),
            (Oracle::Tagged(_, node), segment) => node.child(segment),
            _ => None,
        }
    }

    fn is_key(&self, key: &str) -> bool {
        match self {
            Oracle::Text(text) => text == key,
            Oracle::Null => matches!(key, "" | "~" | "null"),
            Oracle::Bool(value) => value.to_string() == key.to_lowercase(),
            Oracle::Int(value) => value.to_string() == key,
            _ => false,
        }
    }

    /// Sets a node, creating maps above it.
    pub fn set(&mut self, path: &[Segment], value: Oracle) {
        let Some((first, rest)) = path.split_first() else {
            *self = value;
            return;
        };
        if *self == Oracle::Null {
            *self = match first {
                Segment::Key(_) => Oracle::Map(Vec::new()),
                Segment::Index(_) => Oracle::List(Vec::new()),
            };
        }
        if let Some(child) = self.child(first) {
            child.set(rest, value);
            return;
        }
        let mut added = Oracle::Null;
        added.set(rest, value);
        match (self, first) {
            (Oracle::Map(entries), Segment::Key(key)) => entries.push((Oracle::Text(key.clone()), added)),
            (Oracle::List(items), Segment::Index(_)) => items.push(added),
            (node, _) => panic!("cannot set {first:?} in {node:?}"),
        }
    }

    /// Takes a node away.
    pub fn remove(&mut self, path: &[Segment]) {
        let Some((last, above)) = path.split_last() else { return };
        match (self.at(above), last) {
            (Some(Oracle::Map(entries)), Segment::Key(key)) => entries.retain(|(existing, _)| !existing.is_key(key)),
            (Some(Oracle::List(items)), Segment::Index(index)) => {
                items.remove(*index);
            }
            _ => {}
        }
    }

    /// Equal up to the order of map entries.
    pub fn means(&self, other: &Oracle) -> bool {
        match (self, other) {
            (Oracle::Map(left), Oracle::Map(right)) => {
                left.len() == right.len() && {
                    let mut rest: Vec<&(Oracle, Oracle)> = right.iter().collect();
                    left.iter().all(|(key, value)| {
                        let found =
                            rest.iter().position(|(other_key, other)| key.means(other_key) && value.means(other));
                        found.map(|at| rest.remove(at)).is_some()
                    })
                }
            }
            (Oracle::List(left), Oracle::List(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left.means(right))
            }
            (Oracle::Float(left), Oracle::Float(right)) => left.to_bits() == right.to_bits(),
            (Oracle::Tagged(left_tag, left), Oracle::Tagged(right_tag, right)) => {
                left_tag == right_tag && left.means(right)
            }
            _ => self == other,
        }
    }

    /// The paths of the objects of a document, by the rules of `Manifests::visit`.
    pub fn objects(&self) -> Vec<Path> {
        let mut found = Vec::new();
        self.add_objects(&Path::root(), &mut found);
        found
    }

    fn add_objects(&self, path: &Path, found: &mut Vec<Path>) {
        let Oracle::Map(entries) = self else { return };
        let get = |key: &str| entries.iter().rev().find(|(existing, _)| existing.is_key(key)).map(|(_, value)| value);
        match (get("kind"), get("items")) {
            (Some(Oracle::Text(kind)), Some(Oracle::List(items))) if kind.ends_with("List") => {
                for (position, item) in items.iter().enumerate() {
                    item.add_objects(&path.key("items").index(position), found);
                }
            }
            _ => found.push(path.clone()),
        }
    }
}

impl<'de> Deserialize<'de> for Oracle {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OracleVisitor)
    }
}

struct OracleVisitor;

impl<'de> Visitor<'de> for OracleVisitor {
    type Value = Oracle;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any YAML")
    }

    fn visit_unit<E>(self) -> Result<Oracle, E> {
        Ok(Oracle::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Oracle, E> {
        Ok(Oracle::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Oracle, E> {
        Ok(Oracle::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Oracle, E> {
        Ok(Oracle::Int(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Oracle, E> {
        Ok(Oracle::Int(value))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Oracle, E> {
        Ok(Oracle::Float(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Oracle, E> {
        Ok(Oracle::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Oracle, E> {
        Ok(Oracle::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Oracle, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Oracle::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Oracle, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Oracle::Map(map))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Oracle, A::Error> {
        let (tag, content) = tagged.variant::<String>()?;
        Ok(Oracle::Tagged(tag, Box::new(content.newtype_variant()?)))
    }
}

/// One edit, as the case folders write it and the property tests make it.
#[derive(Clone, Debug)]
pub enum Edit {
    Set(Path, Value),
    Merge(Path, Vec<(String, Value)>),
    Insert(Path, usize, Value),
    Append(Path, Value),
    Remove(Path),
    Delete,
}

impl Edit {
    /// Makes the edit.
    pub fn apply(&self, object: &mut windlass_manifest::Object<'_>) -> Result<bool, windlass_manifest::Error> {
        match self {
            Edit::Set(path, value) => object.set(path, value.clone()),
            Edit::Merge(path, entries) => object.merge(path, entries),
            Edit::Insert(path, index, value) => object.insert(path, *index, value.clone()),
            Edit::Append(path, value) => object.append(path, value.clone()),
            Edit::Remove(path) => object.remove(path),
            Edit::Delete => object.delete().map(|()| true),
        }
    }

    /// What the edit means, for the object at a path of the document.
    pub fn apply_to_oracle(&self, document: &mut Oracle, object: &Path) {
        match self {
            Edit::Set(path, value) => document.set(object.join(path).segments(), Oracle::of(value)),
            Edit::Merge(path, entries) => {
                for (key, value) in entries {
                    document.set(object.join(path).key(key.clone()).segments(), Oracle::of(value));
                }
            }
            Edit::Insert(path, index, value) => {
                let path = object.join(path);
                match document.at(path.segments()) {
                    Some(Oracle::List(items)) => items.insert(*index, Oracle::of(value)),
                    _ => document.set(path.index(0).segments(), Oracle::of(value)),
                }
            }
            Edit::Append(path, value) => {
                let path = object.join(path);
                match document.at(path.segments()) {
                    Some(Oracle::List(items)) => items.push(Oracle::of(value)),
                    _ => document.set(path.index(0).segments(), Oracle::of(value)),
                }
            }
            Edit::Remove(path) => document.remove(object.join(path).segments()),
            Edit::Delete => document.remove(object.segments()),
        }
    }
}
