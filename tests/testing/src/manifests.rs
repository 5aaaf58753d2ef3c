//! What the tests share: where the manifests are, and an independent reading of YAML to compare with (libyaml, through
//! `serde_yaml_ng`; the crate under test parses with another parser).

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path as FilePath, PathBuf};

use serde::Deserialize;
use serde::de::{EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use windlass_manifest::{Error, Kind, Manifests, Node, Path, Segment, Value};

/// Manifests written to be awkward, always there.
pub fn nasty_files() -> Vec<(String, String)> {
    let files = yaml_files(&FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../pdk/manifest/tests/nasty"));
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

    /// The same with merge keys looked through, as the crate under test and YAML's own rule have it: a map's keys win.
    pub fn merged(self) -> Self {
        match self {
            Oracle::List(items) => Oracle::List(items.into_iter().map(Oracle::merged).collect()),
            Oracle::Tagged(tag, inner) => Oracle::Tagged(tag, Box::new(inner.merged())),
            Oracle::Map(entries) => {
                let is_merge = |(key, _): &(Oracle, Oracle)| *key == Oracle::Text("<<".to_owned());
                let (merges, own): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_merge);
                let mut merged: Vec<_> = own.into_iter().map(|(key, value)| (key, value.merged())).collect();
                let maps = merges.into_iter().flat_map(|(_, value)| match value {
                    Oracle::List(maps) => maps,
                    map => vec![map],
                });
                for map in maps {
                    let Oracle::Map(entries) = map.merged() else { continue };
                    for at in 0..entries.len() {
                        let (key, value) = &entries[at];
                        let is_last = !entries[at + 1..].iter().any(|(other, _)| other == key);
                        if is_last && !merged.iter().any(|(other, _)| other == key) {
                            merged.push((key.clone(), value.clone()));
                        }
                    }
                }
                Oracle::Map(merged)
            }
            scalar => scalar,
        }
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
        let mut node = path.iter().try_fold(self, |node, segment| node.child(segment))?;
        while let Oracle::Tagged(_, inner) = node {
            node = inner;
        }
        Some(node)
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
            // What is a text to libyaml and a boolean to Helm is the key `true` or `false` there.
            Oracle::Text(text) => {
                text == key
                    || matches!(
                        (key, text.to_lowercase().as_str()),
                        ("true", "y" | "yes" | "on") | ("false", "n" | "no" | "off")
                    )
            }
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
        if let Oracle::Tagged(_, inner) = self {
            if **inner != Oracle::Null {
                return inner.set(path, value);
            }
            // What takes the place of nothing has no tag.
            *self = Oracle::Null;
        }
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

/// Paths of all nodes of an object, without those reached through aliases or merge keys.
pub fn all_paths(root: Node<'_>) -> Vec<(Path, Kind)> {
    let mut found = Vec::new();
    let mut waiting = vec![(Path::root(), root)];
    while let Some((path, node)) = waiting.pop() {
        if path.segments().len() > 12 || found.len() > 4000 {
            continue;
        }
        found.push((path.clone(), node.kind()));
        for (key, value) in node.entries() {
            if key != "<<" {
                waiting.push((path.key(key.into_owned()), value));
            }
        }
        for (position, item) in node.items().enumerate() {
            waiting.push((path.index(position), item));
        }
    }
    found
}

/// All edits that are tried at a node.
pub fn edits_at(path: &Path, kind: Kind, length: usize) -> Vec<Edit> {
    let text = Value::from("new: \"text\"\n# é");
    let map = Value::map([
        ("name", Value::from("new")),
        (
            "ports",
            Value::List(vec![Value::map([("port", Value::from(80)), ("on", Value::from("on"))]), Value::from(true)]),
        ),
        ("deep", Value::map([("er", Value::Null), ("empty", Value::Map(Vec::new()))])),
    ]);
    let list = Value::List(vec![Value::from("a"), map.clone(), Value::List(vec![Value::from("nested")])]);
    let mut edits = Vec::new();
    if !path.is_root() {
        edits.push(Edit::Remove(path.clone()));
        for value in [&text, &map, &list, &Value::Map(Vec::new()), &Value::Null, &Value::Number("1.20".into())] {
            edits.push(Edit::Set(path.clone(), value.clone()));
        }
    }
    let entries =
        vec![("zz new".to_owned(), text.clone()), ("zy".to_owned(), map.clone()), ("zx".to_owned(), list.clone())];
    match kind {
        Kind::Map => {
            edits.push(Edit::Merge(path.clone(), entries));
            edits.push(Edit::Set(path.key("one").key("two").index(0).key("three"), text));
            edits.push(Edit::Append(path.key("added list"), map));
        }
        Kind::List => {
            edits.push(Edit::Append(path.clone(), map.clone()));
            edits.push(Edit::Append(path.clone(), text.clone()));
            for index in [0, length / 2, length] {
                edits.push(Edit::Insert(path.clone(), index, map.clone()));
            }
            edits.push(Edit::Set(path.index(length), list));
        }
        Kind::Scalar => {
            edits.push(Edit::Merge(path.clone(), entries));
            edits.push(Edit::Append(path.clone(), map));
        }
    }
    edits
}

#[derive(Default)]
pub struct Tally {
    pub made: usize,
    pub unchanged: usize,
    pub refused: BTreeMap<String, usize>,
    pub wrong: Vec<String>,
}

impl Tally {
    /// Fails with the first few wrong edits.
    pub fn assert_nothing_wrong(&self) {
        let shown: Vec<&str> = self.wrong.iter().take(8).map(String::as_str).collect();
        let of = self.made + self.unchanged;
        assert!(self.wrong.is_empty(), "{} of {of} edits are wrong, such as\n{}", self.wrong.len(), shown.join("\n\n"));
    }
}

/// The documents of a stream, split as the crate under test does: a marker at the start of a line.
pub fn visit_nth(manifests: &mut Manifests, wanted: usize, edit: &Edit) -> Result<bool, Error> {
    let mut position = 0;
    let mut outcome = false;
    manifests.visit(|object| {
        if position == wanted {
            outcome = edit.apply(object)?;
        }
        position += 1;
        Ok::<(), Error>(())
    })?;
    Ok(outcome)
}

/// Checks one edit; what is wrong is collected, so that one run shows all of it.
pub fn check(name: &str, stream: &str, wanted: usize, edit: &Edit, tally: &mut Tally) {
    let outcome =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check_edit(name, stream, wanted, edit, tally)));
    if let Err(panic) = outcome {
        let message = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        tally.wrong.push(message);
    }
}

pub fn check_edit(name: &str, stream: &str, wanted: usize, edit: &Edit, tally: &mut Tally) {
    let mut manifests = Manifests::from_bytes(stream.as_bytes().to_vec()).expect("UTF-8");
    let outcome = visit_nth(&mut manifests, wanted, edit);
    let is_changed = manifests.is_changed();
    let output = String::from_utf8(manifests.into_bytes()).expect("UTF-8");
    match outcome {
        Err(error) => {
            assert_eq!(output, stream, "{name}: a refused edit changed the stream: {edit:?}");
            assert!(error.to_string().contains("(line "), "{name}: {error}");
            assert!(!error.to_string().contains("bug"), "{name}: {edit:?}: {error}");
            *tally.refused.entry(format!("{:?}", error.kind())).or_default() += 1;
            return;
        }
        Ok(false) => {
            assert!(!is_changed);
            assert_eq!(output, stream, "{name}: {edit:?}");
            tally.unchanged += 1;
        }
        Ok(true) => {
            assert!(is_changed);
            assert_ne!(output, stream, "{name}: {edit:?}");
            tally.made += 1;
        }
    }
    let (before, after) = (documents(stream), documents(&output));
    assert_eq!(before.len(), after.len(), "{name}: {edit:?}\n{output}");
    let mut passed = 0;
    for (old, new) in before.iter().zip(&after) {
        let Some(mut expected) = Oracle::read(old).map(Oracle::merged) else {
            assert_eq!(old, new, "{name}: {edit:?} changed a document that cannot be compared");
            passed += count_objects(old);
            continue;
        };
        let objects = expected.objects();
        match wanted.checked_sub(passed).and_then(|at| objects.get(at)) {
            Some(object) => {
                edit.apply_to_oracle(&mut expected, object);
                let found = Oracle::read(new)
                    .unwrap_or_else(|| panic!("{name}: {edit:?} made what libyaml refuses:\n{new}"))
                    .merged();
                assert!(
                    found.means(&expected),
                    "{name}: {edit:?}\n--- before\n{old}\n--- after\n{new}\n{found:?}\n{expected:?}"
                );
            }
            None => assert_eq!(old, new, "{name}: {edit:?} changed another document"),
        }
        passed += objects.len();
    }
    // Twice is once.
    if matches!(edit, Edit::Set(..) | Edit::Merge(..) | Edit::Remove(Path { .. })) && !moves_indices(edit) {
        let mut manifests = Manifests::from_bytes(output.clone().into_bytes()).expect("UTF-8");
        assert_eq!(visit_nth(&mut manifests, wanted, edit), Ok(false), "{name}: {edit:?} is not idempotent:\n{output}");
    }
}

/// Whether doing the edit again would be another edit.
fn moves_indices(edit: &Edit) -> bool {
    // Another kind or other items make other objects of the document.
    if let Edit::Set(path, _) | Edit::Merge(path, _) | Edit::Remove(path) = edit
        && path
            .segments()
            .first()
            .is_none_or(|first| matches!(first, Segment::Key(key) if key == "items" || key == "kind"))
    {
        return true;
    }
    match edit {
        Edit::Remove(path) => matches!(path.segments().last(), Some(Segment::Index(_))),
        _ => false,
    }
}

fn count_objects(document: &str) -> usize {
    let manifests = Manifests::from_bytes(document.as_bytes().to_vec()).expect("UTF-8");
    let mut count = 0;
    manifests
        .read(|_| {
            count += 1;
            Ok::<(), Error>(())
        })
        .expect("a readable document");
    count
}

/// Splits at `---` and `...` lines in the plainest way; streams of these tests have no content on `---` lines but one.
pub fn documents(stream: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    let mut has_content = false;
    for line in stream.split_inclusive('\n') {
        let word = line.trim_start_matches('\u{feff}').split_whitespace().next().unwrap_or("");
        let is_marker = (line.starts_with("---") && word == "---") || (line.starts_with("...") && word == "...");
        if is_marker && line.starts_with('-') && has_content {
            documents.push(String::new());
            has_content = false;
        }
        has_content |= line.starts_with("---") && is_marker;
        has_content |= !is_marker && !matches!(word.chars().next(), None | Some('#' | '%'));
        documents.last_mut().expect("one").push_str(line);
        if is_marker && line.starts_with('.') {
            documents.push(String::new());
            has_content = false;
        }
    }
    documents.retain(|document| !document.is_empty());
    documents
}

/// A node's path, its kind and how many entries or items it has.
pub type Place = (Path, Kind, usize);

pub fn objects_with_paths(stream: &str) -> Result<Vec<Vec<Place>>, Error> {
    let manifests = Manifests::from_bytes(stream.as_bytes().to_vec()).expect("UTF-8");
    let mut objects = Vec::new();
    manifests.read(|object| {
        let paths = all_paths(object.root());
        objects.push(
            paths
                .into_iter()
                .map(|(path, kind)| {
                    let length = object.get(&path).map_or(0, |node| node.len());
                    (path, kind, length)
                })
                .collect(),
        );
        Ok::<(), Error>(())
    })?;
    Ok(objects)
}

/// Whether libyaml sees the same nodes in every document: the same kinds, keys and lengths. Parsers disagree on odd
/// documents, and then nothing can be said about edits.
pub fn reads_alike(stream: &str) -> bool {
    documents(stream).iter().all(|document| {
        if defines_an_anchor_twice(document) {
            return false;
        }
        let Ok(manifests) = Manifests::from_bytes(document.as_bytes().to_vec()) else { return false };
        let Some(oracle) = Oracle::read(document) else { return false };
        let paths = oracle.objects();
        let mut position = 0;
        let mut is_alike = true;
        let outcome = manifests.read(|object| {
            let mut oracle = oracle.clone();
            is_alike &= paths
                .get(position)
                .and_then(|path| oracle.at(path.segments()))
                .is_some_and(|oracle| same_shape(object.root(), oracle, 100));
            position += 1;
            Ok::<(), Error>(())
        });
        outcome.is_ok() && is_alike && position == paths.len()
    })
}

/// Whether a name may have two anchors. `serde_yaml_ng` numbers anchors by how many names there are, and takes one for
/// another from then on; such documents are compared with Go's parser only (`tests/tests/anchors.rs`).
fn defines_an_anchor_twice(document: &str) -> bool {
    let is_name = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
    let mut names: Vec<&str> = document
        .split('&')
        .skip(1)
        .map(|rest| rest.split(|character| !is_name(character)).next().unwrap_or_default())
        .collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

fn same_shape(node: Node<'_>, oracle: &Oracle, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match oracle {
        Oracle::Tagged(_, oracle) => same_shape(node, oracle, depth),
        Oracle::Map(entries) => {
            // Merge keys and equal keys are told apart by `entries`.
            let own = node.entries();
            let merges = entries.iter().any(|(key, _)| key.is_key("<<"));
            let is_last = |at: usize| !entries[at + 1..].iter().any(|(other, _)| *other == entries[at].0);
            let different = (0..entries.len()).filter(|&at| is_last(at)).count();
            node.kind() == Kind::Map
                // A key such as `on` is a text to libyaml and `true` to Helm.
                && (merges || own.len() == different)
                && node.len() == entries.len()
                && entries.iter().enumerate().all(|(at, (key, value))| {
                    let is_last = !entries[at + 1..].iter().any(|(other, _)| other == key);
                    let found = own.iter().find(|(text, _)| key.is_key(text));
                    !is_last || key.is_key("<<") || found.is_some_and(|(_, node)| same_shape(*node, value, depth))
                })
        }
        Oracle::List(items) => {
            node.kind() == Kind::List
                && node.len() == items.len()
                && node.items().zip(items).all(|(node, oracle)| same_shape(node, oracle, depth))
        }
        Oracle::Text(text) => node.scalar_text().is_some_and(|own| own == *text),
        _ => node.kind() == Kind::Scalar,
    }
}
