//! One Kubernetes object: reading it in Kubernetes terms, and the order of its edits.
//!
//! Edits are collected as splices of the document's text. What is read afterwards at a path that no edit touched is read
//! from the text as it came in; anything else makes the document be put together and read again first, so that edits of
//! the same place, reads after edits and the insides of what was just inserted are right without handles that go stale.

mod text;

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};

use crate::batch::Edit;
use crate::budget::{Budget, Exhausted};
use crate::edit::{self, Planner, Refusal, Splice};
use crate::error::{Error, ErrorKind};
use crate::node::{Kind, Node};
use crate::path::{self, Path, Segment};
use crate::stream::Fate;
use crate::tree::{self, Extent, LineShifts, NodeLimit, Source, Tree, count_lines};
use crate::unshare::{self, Remedy};
use crate::value::Value;

/// One object of a stream, handed out by [`crate::Manifests::visit`].
///
/// Paths start at the object, also where it is an item of a list. Every edit answers `Ok(true)` when it changes bytes and
/// `Ok(false)` when the object already is as wanted, so edits are idempotent. An edit that cannot be made without
/// changing something else is refused with an error that names the object and the line.
pub struct Object<'m> {
    /// The document as it came in.
    original: &'m str,
    first_line: usize,
    document_number: usize,
    /// The document with all edits before `pending`.
    base: Document,
    /// Edits since: splices of the base's text, sorted and disjoint.
    pending: Vec<Splice>,
    /// Where those edits were, in the current object.
    touched: Vec<Vec<Segment>>,
    /// The base with `pending` put in, for reads; made when first needed.
    reread: OnceCell<Result<Box<Document>, Error>>,
    /// The objects of the document.
    entries: Vec<Entry>,
    /// The lists that they stand in.
    lists: Vec<ListPlace>,
    current: usize,
    header: Header,
    /// Up to where the lookups in the base are charged for.
    charged_until: u64,
    /// What may still be used up for places of the document that are shared.
    shared: Budget,
    /// How often a document was read again.
    readings: Cell<u64>,
    /// Where the document starts in the stream.
    start: usize,
}

/// Where an object stands in its stream, as it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'m> {
    /// The text of its document, with the marker and the comments in front of it.
    pub document: &'m str,
    /// Where that starts in the stream, in bytes.
    pub start: usize,
    /// The 1-based line on which it starts.
    pub first_line: usize,
    /// How many objects the document has: more than one, or none, only where it is a list.
    pub objects: usize,
    /// The 0-based position of this one among them.
    pub position: usize,
    /// Whether the document is a list of objects.
    pub is_item: bool,
}

/// A document's text and arena.
#[derive(Default)]
struct Document {
    /// The text, once it differs from the original.
    text: Option<String>,
    tree: Tree,
    /// The current object's node, and the list it stands in.
    root: u32,
    root_parent: Option<u32>,
}

/// Where an object stands in its document, and what became of it. Small: aliases of lists can make a million of them.
#[derive(Clone, Copy, Default)]
struct Entry {
    /// The list in [`Object::lists`] whose item it is, and which one; none for a document that is one object.
    list: Option<u32>,
    position: u32,
    /// Its node, as long as the document was not read again.
    node: u32,
    is_changed: bool,
    is_deleted: bool,
}

/// A list of objects. What its items have in common is here, once.
struct ListPlace {
    /// The list and the position in it that this one is an item of; none for the document.
    parent: Option<(u32, u32)>,
    /// The node of its `items`, as long as the document was not read again.
    items: u32,
    /// For a typed list: the apiVersion and kind of items that do not say themselves.
    inherited: Option<(String, String)>,
}

/// How many bytes an apiVersion, a kind, a name or a namespace may have. Kubernetes allows 253 at most; through an alias
/// every item of a list may have the same megabyte.
const MAX_HEADER: usize = 1024;

/// What a list takes: its place, and what is kept of it while its items are gone through, both in vectors that grow.
const BYTES_PER_LIST: usize = 512;

/// What identifies the current object.
#[derive(Default)]
struct Header {
    api_version: String,
    kind: String,
    name: String,
    namespace: String,
    has_namespace: bool,
    line: usize,
}

/// The lists of containers in a pod's spec.
const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

impl<'m> Object<'m> {
    pub(crate) fn new() -> Self {
        Self {
            original: "",
            first_line: 1,
            document_number: 0,
            base: Document::default(),
            pending: Vec::new(),
            touched: Vec::new(),
            reread: OnceCell::new(),
            entries: Vec::new(),
            lists: Vec::new(),
            current: 0,
            header: Header::default(),
            charged_until: 0,
            shared: unshare::budget(),
            readings: Cell::new(0),
            start: 0,
        }
    }

    // ---- identity --------------------------------------------------------------------------------------------------

    /// `apiVersion`, such as `apps/v1`; empty if it is missing.
    pub fn api_version(&self) -> &str {
        &self.header.api_version
    }

    /// The group of `apiVersion`; empty for the core group.
    pub fn group(&self) -> &str {
        self.header.api_version.rsplit_once('/').map_or("", |(group, _)| group)
    }

    /// The version of `apiVersion`, such as `v1`.
    pub fn version(&self) -> &str {
        self.header.api_version.rsplit_once('/').map_or(&self.header.api_version, |(_, version)| version)
    }

    /// `kind`; empty if it is missing.
    pub fn kind(&self) -> &str {
        &self.header.kind
    }

    /// `metadata.name`; empty if it is missing.
    pub fn name(&self) -> &str {
        &self.header.name
    }

    /// `metadata.namespace`, if it is there and not empty. Charts often leave it out.
    pub fn namespace(&self) -> Option<&str> {
        self.header.has_namespace.then_some(self.header.namespace.as_str())
    }

    /// The 1-based line of the stream, as it came in, on which the object starts.
    pub fn line(&self) -> usize {
        self.header.line
    }

    /// Where the object stands in the stream.
    pub fn place(&self) -> Place<'m> {
        Place {
            document: self.original,
            start: self.start,
            first_line: self.first_line,
            objects: self.entries.len(),
            position: self.current,
            is_item: !self.lists.is_empty(),
        }
    }

    /// `Deployment/web (line 12)`, for messages.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        text.push_str(if self.header.kind.is_empty() { "object" } else { &self.header.kind });
        if !self.header.name.is_empty() {
            text.push('/');
            text.push_str(&self.header.name);
        }
        text.push_str(" (line ");
        text.push_str(&self.header.line.to_string());
        text.push(')');
        text
    }

    // ---- reading ---------------------------------------------------------------------------------------------------

    /// The object's root node.
    pub fn root(&self) -> Node<'_> {
        self.view(&[])
    }

    /// The node at a path, through aliases and merge keys.
    pub fn get(&self, path: &Path) -> Option<Node<'_>> {
        self.view(path.segments()).find_segments(path.segments())
    }

    /// `metadata.labels`, if it is there.
    pub fn labels(&self) -> Option<Node<'_>> {
        self.get_keys(&["metadata", "labels"])
    }

    /// `metadata.annotations`, if it is there.
    pub fn annotations(&self) -> Option<Node<'_>> {
        self.get_keys(&["metadata", "annotations"])
    }

    /// The text of one label.
    pub fn label(&self, key: &str) -> Option<Cow<'_, str>> {
        self.get_keys(&["metadata", "labels", key])?.scalar_text()
    }

    /// The text of one annotation.
    pub fn annotation(&self, key: &str) -> Option<Cow<'_, str>> {
        self.get_keys(&["metadata", "annotations", key])?.scalar_text()
    }

    /// The path of the object's pod template, the map that has the pods' `metadata` and `spec`: the object itself for a
    /// Pod, `spec.template` for Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController and Job,
    /// `spec.jobTemplate.spec.template` for CronJob. `None` for other kinds (also for equally named kinds of other
    /// groups) and where the template is missing.
    pub fn pod_template(&self) -> Option<Path> {
        let keys: &[&str] = match (self.group(), self.kind()) {
            ("", "Pod") => &[],
            ("", "ReplicationController")
            | ("apps" | "extensions", "Deployment" | "DaemonSet" | "ReplicaSet")
            | ("apps", "StatefulSet")
            | ("batch", "Job") => &["spec", "template"],
            ("batch", "CronJob") => &["spec", "jobTemplate", "spec", "template"],
            _ => return None,
        };
        let node = self.get_keys(keys)?;
        (node.kind() == Kind::Map).then(|| Path::new(keys.iter().copied()))
    }

    /// The path of the pods' spec, below [`Object::pod_template`]; `None` where it is missing.
    pub fn pod_spec(&self) -> Option<Path> {
        let path = self.pod_template()?.key("spec");
        (self.get(&path)?.kind() == Kind::Map).then_some(path)
    }

    /// The paths of all containers of the pods: init, ordinary and ephemeral ones, in this order.
    pub fn containers(&self) -> Vec<Path> {
        let Some(spec) = self.pod_spec() else { return Vec::new() };
        let mut paths = Vec::new();
        for list in CONTAINER_LISTS {
            let list = spec.key(list);
            let count = self.get(&list).map_or(0, |node| node.items().count());
            paths.extend((0..count).map(|index| list.index(index)));
        }
        paths
    }

    fn get_keys(&self, keys: &[&str]) -> Option<Node<'_>> {
        let is_touched = self.touched.iter().any(|touched| {
            touched.iter().zip(keys).all(|(segment, key)| matches!(segment, Segment::Key(touched) if touched == key))
        });
        let root = if is_touched { self.reread_root() } else { self.base_root() };
        keys.iter().try_fold(root, |node, key| node.get(key))
    }

    /// The object's root to read a path from: the base where no edit touched that path.
    fn view(&self, path: &[Segment]) -> Node<'_> {
        match self.is_touched(path) {
            true => self.reread_root(),
            false => self.base_root(),
        }
    }

    fn is_touched(&self, path: &[Segment]) -> bool {
        self.touched.iter().any(|touched| path::overlap(touched, path))
    }

    fn source<'a>(&'a self, document: &'a Document) -> Source<'a> {
        let text = document.text.as_deref().unwrap_or(self.original);
        Source { text, tree: &document.tree, first_line: self.first_line }
    }

    fn base_root(&self) -> Node<'_> {
        Node::new(self.source(&self.base), self.base.root, self.base.root)
    }

    fn reread_root(&self) -> Node<'_> {
        match self.reread.get_or_init(|| self.read_again().map(Box::new)) {
            Ok(document) => Node::new(self.source(document), document.root, document.root),
            // The visit ends with this error when the visitor returns.
            Err(_) => self.base_root(),
        }
    }

    // ---- edits -----------------------------------------------------------------------------------------------------

    /// Makes the node at a path mean `value`: replaces it, or creates it together with the maps above it that are
    /// missing. An index just past the end of a list adds an item.
    ///
    /// # Errors
    /// An edit that cannot be made safely (see [`ErrorKind`]), or a value that cannot be written.
    pub fn set(&mut self, path: &Path, value: Value) -> Result<bool, Error> {
        self.check_value(&value)?;
        self.edit(path.segments(), path.segments(), |planner| planner.set(path.segments(), &value))
    }

    /// Sets entries of the map at a path and keeps its other entries; creates the map if it is missing. Entries that are
    /// there are changed where they stand, new ones come at the end. The fast way to set several entries.
    ///
    /// # Errors
    /// As for [`Object::set`]; nothing is changed then.
    pub fn merge(&mut self, path: &Path, entries: &[(String, Value)]) -> Result<bool, Error> {
        for (key, value) in entries {
            crate::emit::check_key(key).map_err(|message| self.error(ErrorKind::Value, self.header.line, message))?;
            self.check_value(value)?;
        }
        self.edit(path.segments(), path.segments(), |planner| planner.merge(path.segments(), entries))
    }

    /// Puts an item into the list at a path, before the item at `index`; creates the list if it is missing.
    ///
    /// # Errors
    /// As for [`Object::set`], and an index past the end of the list.
    pub fn insert(&mut self, list: &Path, index: usize, value: Value) -> Result<bool, Error> {
        self.check_value(&value)?;
        self.edit(list.segments(), list.segments(), |planner| {
            planner.insert(list.segments(), Some(index), std::slice::from_ref(&value))
        })
    }

    /// Adds an item to the end of the list at a path; creates the list if it is missing.
    ///
    /// # Errors
    /// As for [`Object::set`].
    pub fn append(&mut self, list: &Path, value: Value) -> Result<bool, Error> {
        self.check_value(&value)?;
        self.edit(list.segments(), list.segments(), |planner| {
            planner.insert(list.segments(), None, std::slice::from_ref(&value))
        })
    }

    /// Takes the node at a path away, with its key or dash; `Ok(false)` if it is not there. The last entry leaves `{}`,
    /// the last item `[]`.
    ///
    /// # Errors
    /// As for [`Object::set`].
    pub fn remove(&mut self, path: &Path) -> Result<bool, Error> {
        let segments = path.segments();
        let parent = segments.split_last().map_or(segments, |(_, parent)| parent);
        self.edit(segments, parent, |planner| planner.remove(segments))
    }

    /// Makes several edits, each at a path of the object as it is now, in one go: the document is read again between two
    /// only where they touch. Each must stand at or further up than those before it, so that none changes the path of a
    /// later one. A text that stands as a literal block (`|`) stays one, and keeps the lines that it keeps. What reading
    /// again takes is charged to the budget.
    ///
    /// # Errors
    /// As for [`Object::set`], and a budget that is used up; edits before the failing one are made then.
    pub fn edit_together(&mut self, edits: &[Edit], budget: &Budget) -> Result<bool, Error> {
        let mut is_changed = false;
        for edit in edits {
            is_changed |= self.edit_further_up(edit, budget)?;
        }
        Ok(is_changed)
    }

    fn edit_further_up(&mut self, edit: &Edit, budget: &Budget) -> Result<bool, Error> {
        let path = edit.path().segments();
        edit.values().try_for_each(|value| self.check_value(value))?;
        for (key, _) in edit.entries() {
            crate::emit::check_key(key).map_err(|message| self.error(ErrorKind::Value, self.header.line, message))?;
        }
        let plan = |planner: Planner<'_>| match edit {
            Edit::Set(_, value) => {
                match value.as_str().map(|text| planner.set_lines(path, text)).transpose()?.flatten() {
                    Some(splices) => Ok(splices),
                    None => planner.set(path, value),
                }
            }
            Edit::Merge(_, entries) => planner.merge(path, entries),
            Edit::Insert(_, index, values) => planner.insert(path, Some(*index), values),
            Edit::Remove(_) => planner.remove(path),
        };
        let changes = match (edit, path.split_last()) {
            (Edit::Remove(_), Some((_, parent))) => parent,
            _ => path,
        };
        let readings = self.readings.get();
        let is_of_header = match edit {
            Edit::Merge(map, entries) => entries.iter().any(|(key, _)| is_of_header(map.key(key.as_str()).segments())),
            _ => is_of_header(changes),
        };
        let outcome = self.edit_as_it_is(changes, is_of_header, &plan);
        // Looking for the places is work that makes nothing.
        let looked_at = self.base.tree.lookups_since(self.charged_until);
        self.charged_until = self.base.tree.looked_at.get();
        let length = self.source(&self.base).text.len();
        let read_again = length.saturating_mul((self.readings.get() - readings) as usize);
        budget
            .entries(1 + read_again / 64)
            .and_then(|()| budget.bytes(read_again / 16))
            .and_then(|()| budget.work(looked_at.saturating_mul(8)))
            .map_err(|why| why.at(self.describe(), self.header.line))?;
        outcome
    }

    /// Drops the object from the stream: its document, or its item of the list it stands in.
    ///
    /// # Errors
    /// As for [`Object::set`].
    pub fn delete(&mut self) -> Result<(), Error> {
        self.settle()?;
        let path = self.current_path();
        if !path.is_empty() {
            // Whatever could be refused is found out now, while the error can name the object.
            self.plan(&|planner| Planner { root: 0, root_parent: None, ..planner }.remove(&path))?;
        }
        if let Some(entry) = self.entries.get_mut(self.current) {
            entry.is_deleted = true;
        }
        Ok(())
    }

    /// An error that carries this object and its line, for a visitor that says no.
    pub fn refuse(&self, message: impl Into<String>) -> Error {
        self.error(ErrorKind::Refused, self.header.line, message)
    }

    /// An error that carries this object and the line of the node at a path, or of what of that path is there.
    pub fn refuse_at(&self, path: &Path, message: impl Into<String>) -> Error {
        let mut segments = path.segments();
        let line = loop {
            if let Some(node) = self.view(segments).find_segments(segments) {
                break node.line();
            }
            match segments.split_last() {
                Some((_, above)) => segments = above,
                None => break self.header.line,
            }
        };
        let message: String = message.into();
        self.error(ErrorKind::Refused, line, format!("{path} (line {line}): {message}"))
    }

    #[cold]
    fn error(&self, kind: ErrorKind, line: usize, message: impl Into<String>) -> Error {
        Error::new(kind, self.describe(), line, message)
    }

    #[cold]
    fn refused(&self, document: &Document, refusal: Refusal) -> Error {
        let line = self.source(document).line_at(refusal.offset);
        let message = match refusal.what.is_empty() {
            true => refusal.why.to_owned(),
            false => format!("{} (line {line}) {}", refusal.what, refusal.why),
        };
        self.error(refusal.kind, line, message)
    }

    fn current_list(&self) -> Option<&ListPlace> {
        let list = self.entries.get(self.current)?.list?;
        self.lists.get(list as usize)
    }

    fn current_path(&self) -> Vec<Segment> {
        self.entries.get(self.current).map(|entry| self.path_of(entry)).unwrap_or_default()
    }

    /// Where an object stands in the document.
    fn path_of(&self, entry: &Entry) -> Vec<Segment> {
        let mut path = Vec::new();
        let mut place = entry.list.map(|list| (list, entry.position));
        while let Some((list, position)) = place {
            path.push(Segment::Index(position as usize));
            path.push(Segment::Key("items".to_owned()));
            place = self.lists.get(list as usize).and_then(|list| list.parent);
        }
        path.reverse();
        path
    }

    fn check_value(&self, value: &Value) -> Result<(), Error> {
        crate::emit::check_writable(value, crate::value::MAX_VALUE_DEPTH)
            .map_err(|message| self.error(ErrorKind::Value, self.header.line, message))
    }

    fn planner<'a>(&'a self, document: &'a Document) -> Planner<'a> {
        Planner { source: self.source(document), root: document.root, root_parent: document.root_parent }
    }

    /// Plans an edit. What it would change elsewhere, because aliases share it, stands for itself in the document that
    /// comes with the plan, which is then the one to edit.
    fn plan(
        &mut self,
        plan: &dyn Fn(Planner<'_>) -> edit::Plan,
    ) -> Result<(Option<Box<Document>>, Vec<Splice>), Error> {
        let mut unshared: Option<Box<Document>> = None;
        loop {
            let document = unshared.as_deref().unwrap_or(&self.base);
            let planner = self.planner(document);
            let refusal = match self.check_unshared(planner).and_then(|()| plan(planner)) {
                Ok(mut splices) => {
                    edit::own_blank_lines(planner.source.text, &mut splices);
                    return Ok((unshared, splices));
                }
                Err(refusal) => refusal,
            };
            let Some(remedy) = refusal.remedy else { return Err(self.refused(document, refusal)) };
            if !self.pending.is_empty() {
                self.settle()?;
                continue;
            }
            unshared = Some(Box::new(self.unshare(document, refusal, remedy)?));
        }
    }

    /// Refuses if the current object is an item that other places of the document share.
    fn check_unshared(&self, planner: Planner<'_>) -> Result<(), Refusal> {
        match self.entries.get(self.current) {
            Some(entry) if entry.list.is_some() && planner.source.tree.has_anchors() => {
                Planner { root: 0, root_parent: None, ..planner }.check_unshared(&self.path_of(entry))
            }
            _ => Ok(()),
        }
    }

    /// The document with one shared place standing for itself: with its layout where that can be, or on one line.
    #[cold]
    fn unshare(&self, document: &Document, refusal: Refusal, remedy: Remedy) -> Result<Document, Error> {
        let mut why = "is shared in a way that cannot be written out without changing what it means";
        let mut kind = refusal.kind;
        for on_one_line in [false, true] {
            match self.planner(document).unshare(remedy, on_one_line, &self.shared) {
                Ok(mut splices) => {
                    edit::own_blank_lines(self.source(document).text, &mut splices);
                    if let Ok(unshared) = self.read_with(document, &splices)
                        && unshare::mean_the_same(self.source(document), self.source(&unshared), &self.shared)
                            .map_err(|exhausted| self.refused(document, exhausted.into()))?
                    {
                        return Ok(unshared);
                    }
                }
                Err(refusal) => (kind, why) = (refusal.kind, refusal.why),
            }
        }
        Err(self.refused(document, Refusal { kind, why, ..refusal }))
    }

    /// Plans an edit at a path and adds it to the pending ones; `changes` is the topmost path whose meaning changes.
    fn edit(
        &mut self,
        path: &[Segment],
        changes: &[Segment],
        plan: impl Fn(Planner<'_>) -> edit::Plan,
    ) -> Result<bool, Error> {
        if self.is_touched(path) || self.is_touched(changes) {
            self.settle()?;
        }
        self.edit_as_it_is(changes, is_of_header(changes), &plan)
    }

    /// Plans an edit of the base and adds it to the pending ones. None of them may have changed the edit's path.
    fn edit_as_it_is(
        &mut self,
        changes: &[Segment],
        is_of_header: bool,
        plan: &dyn Fn(Planner<'_>) -> edit::Plan,
    ) -> Result<bool, Error> {
        let (mut unshared, mut splices) = self.plan(plan)?;
        if splices.is_empty() {
            return Ok(false);
        }
        if unshared.is_none() && !goes_with_all(&self.pending, &splices) {
            self.settle()?;
            (unshared, splices) = self.plan(plan)?;
        }
        if let Some(unshared) = unshared {
            self.base = *unshared;
            self.touched.clear();
        }
        let touched = self.first_missing(changes);
        self.reread = OnceCell::new();
        for splice in splices {
            // What was added first at one place stays first.
            let place = self.pending.partition_point(|pending| pending.start <= splice.start);
            self.pending.insert(place, splice);
        }
        self.touched.push(touched);
        if let Some(entry) = self.entries.get_mut(self.current) {
            entry.is_changed = true;
        }
        if is_of_header {
            let line = self.header.line;
            self.settle()?;
            self.read_header()?;
            self.header.line = line;
        }
        Ok(true)
    }

    /// The beginning of a path that an edit there writes: down to the first map or list that it has to make. Another edit
    /// that needs the same one must see it, or it would make a second.
    fn first_missing(&self, path: &[Segment]) -> Vec<Segment> {
        let mut node = Some(self.base_root());
        for (index, segment) in path.iter().enumerate() {
            node = node.and_then(|node| node.find_segments(std::slice::from_ref(segment)));
            if node.is_none_or(|node| node.is_null()) {
                return path.get(..=index).unwrap_or(path).to_vec();
            }
        }
        path.to_vec()
    }

    /// Puts the pending edits into the text and reads it again.
    fn settle(&mut self) -> Result<(), Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let document = match self.reread.take() {
            Some(document) => *document?,
            None => self.read_again()?,
        };
        self.base = document;
        self.pending.clear();
        self.touched.clear();
        Ok(())
    }

    fn read_again(&self) -> Result<Document, Error> {
        self.read_with(&self.base, &self.pending)
    }

    /// A document with splices put in, read again.
    fn read_with(&self, document: &Document, splices: &[Splice]) -> Result<Document, Error> {
        let source = self.source(document);
        let broken = |why: &str| self.broken(&format!("an edit could not be read back ({why})"));
        let text = edit::apply(source.text, splices).ok_or_else(|| self.broken(OVERLAP))?;
        let mut tree = Tree::default();
        self.readings.set(self.readings.get() + 1);
        tree::read(&text, &mut tree).map_err(|problem| broken(&problem.message))?;
        tree.line_shifts.extend_from_slice(&source.tree.line_shifts);
        tree.line_shifts.push(line_shifts(source.text, splices));
        let mut document = Document { text: Some(text), tree, root: 0, root_parent: None };
        document.find_root(self.original, &self.current_path());
        Ok(document)
    }

    #[cold]
    fn broken(&self, what: &str) -> Error {
        let message = format!("{what}; this is a bug in windlass-manifest");
        self.error(ErrorKind::Layout, self.header.line, message)
    }

    // ---- driven by the stream --------------------------------------------------------------------------------------

    /// Takes the next document: the one at the start of what is left of the stream. Answers with how far it reaches.
    pub(crate) fn load(
        &mut self,
        rest: &'m str,
        (start, first_line, number): (usize, usize, usize),
        budget: &Budget,
    ) -> Result<Extent, Error> {
        self.start = start;
        self.base.tree.node_limit = NodeLimit(budget.node_limit());
        let (extent, outcome) = tree::read_first(rest, &mut self.base.tree);
        let text = rest.get(..extent.length).unwrap_or_default();
        self.original = text;
        self.first_line = first_line;
        self.document_number = number;
        self.base.text = None;
        self.shared = unshare::budget();
        self.charged_until = 0;
        self.pending.clear();
        self.touched.clear();
        self.reread = OnceCell::new();
        self.entries.clear();
        self.lists.clear();
        let exhausted = |why: Exhausted| why.at(format!("document {number} (line {first_line})"), first_line);
        budget.work(extent.length).map_err(exhausted)?;
        if let Err(failure) = outcome {
            let problem = match failure {
                tree::Failure::Wrong(problem) => problem,
                tree::Failure::TooManyNodes => return Err(exhausted(budget.too_many_nodes())),
            };
            let line = first_line + count_lines(text.as_bytes().get(..problem.offset).unwrap_or_default());
            return Err(Error::new(problem.kind, format!("document {number} (line {line})"), line, problem.message));
        }
        if self.base.tree.is_empty() {
            return Ok(extent);
        }
        self.base.root = 0;
        let root = self.base_root();
        if root.kind() != Kind::Map {
            if root.is_null() {
                return Ok(extent);
            }
            let line = root.line();
            let message = format!("the document is {}, not an object", root.type_name());
            return Err(Error::new(ErrorKind::NotAnObject, format!("document {number} (line {line})"), line, message));
        }
        if is_list_of_objects(root) {
            (self.entries, self.lists) = find_objects(root, budget)?;
        } else {
            budget.entries(1).map_err(exhausted)?;
            self.entries.push(Entry::default());
        }
        Ok(extent)
    }

    pub(crate) fn count_in_document(&self) -> usize {
        self.entries.len()
    }

    /// Makes the object at a position of the document the current one.
    pub(crate) fn enter(&mut self, position: usize) -> Result<(), Error> {
        self.current = position;
        self.touched.clear();
        match self.entries.get(position) {
            Some(entry) if self.base.text.is_none() => {
                self.base.root = entry.node;
                self.base.root_parent = self.current_list().map(|list| list.items);
            }
            Some(_) => {
                let path = self.current_path();
                self.base.find_root(self.original, &path);
            }
            None => {}
        }
        // Edits of earlier items are elsewhere; what is read now is the base.
        self.reread = OnceCell::new();
        self.read_header()
    }

    /// Ends the work on the current object.
    pub(crate) fn leave(&mut self, budget: &Budget) -> Result<(), Error> {
        if let Some(Err(error)) = self.reread.take() {
            return Err(error);
        }
        // Whatever it was that looked: this crate for the header, or the visitor.
        let looked_at = self.base.tree.lookups_since(self.charged_until);
        self.charged_until = self.base.tree.looked_at.get();
        budget.entries(looked_at).map_err(|exhausted| exhausted.at(self.describe(), self.header.line))
    }

    /// Hands the edits of the document to the output, as ranges of the original text, and tells what became of each
    /// object.
    pub(crate) fn finish_document(
        &mut self,
        fates: &mut Vec<Fate>,
        replace: &mut dyn FnMut(usize, usize, &str) -> Option<()>,
    ) -> Result<(), Error> {
        let overlap = |object: &Self| object.broken(OVERLAP);
        fates.extend(self.entries.iter().map(|entry| match entry {
            Entry { is_deleted: true, .. } => Fate::Deleted,
            Entry { is_changed: true, .. } => Fate::Changed,
            _ => Fate::Kept,
        }));
        if self.entries.iter().any(|entry| entry.is_deleted) {
            if self.lists.is_empty() {
                return replace(0, self.original.len(), "").ok_or_else(|| overlap(self));
            }
            self.delete_items()?;
        }
        if cfg!(debug_assertions) && !self.pending.is_empty() {
            self.read_again()?;
        }
        match &self.base.text {
            None => {
                for splice in &self.pending {
                    replace(splice.start, splice.end, &splice.text).ok_or_else(|| overlap(self))?;
                }
                Ok(())
            }
            Some(_) => {
                let text = edit::apply(self.source(&self.base).text, &self.pending);
                text.and_then(|text| replace(0, self.original.len(), &text)).ok_or_else(|| overlap(self))
            }
        }
    }

    /// Removes the items that were deleted, the last ones first, so that the places of the others stay.
    fn delete_items(&mut self) -> Result<(), Error> {
        let deleted: Vec<Entry> = self.entries.iter().filter(|entry| entry.is_deleted).copied().collect();
        // How many items of each list are still to go.
        let mut counts = vec![0_usize; self.lists.len()];
        let list_of = |entry: &Entry| entry.list.map_or(0, |list| list as usize);
        for entry in &deleted {
            if let Some(count) = counts.get_mut(list_of(entry)) {
                *count += 1;
            }
        }
        self.settle_whole_document()?;
        for entry in deleted.iter().rev() {
            let Some(count) = counts.get_mut(list_of(entry)).filter(|count| **count > 0) else { continue };
            let path = self.path_of(entry);
            let Some((_, list)) = path.split_last() else { continue };
            let length = self.base_root().find_segments(list).map_or(0, |list| list.len());
            if *count == length {
                // The others are gone with it.
                *count = 0;
                let nothing = Value::List(Vec::new());
                self.edit(list, list, |planner| planner.set(list, &nothing))?;
            } else {
                *count -= 1;
                // Only the lines of the item: its list may be touched again at another item.
                self.edit(&path, &path, |planner| planner.remove(&path))?;
            }
        }
        Ok(())
    }

    /// Settles, with the whole document as the current object.
    fn settle_whole_document(&mut self) -> Result<(), Error> {
        self.entries.push(Entry::default());
        self.current = self.entries.len() - 1;
        self.reread = OnceCell::new();
        self.settle()?;
        self.touched.clear();
        self.base.root = 0;
        self.base.root_parent = None;
        Ok(())
    }

    fn read_header(&mut self) -> Result<(), Error> {
        let mut header = std::mem::take(&mut self.header);
        for text in [&mut header.api_version, &mut header.kind, &mut header.name, &mut header.namespace] {
            text.clear();
        }
        let root = self.base_root();
        header.line = root.line();
        let read = |node: Option<Node<'_>>, into: &mut String| {
            if let Some(node) = node.filter(|node| !node.is_null()) {
                check_header(node)?;
                into.push_str(&node.scalar_text().unwrap_or_default());
            }
            Ok::<(), Error>(())
        };
        read(root.get("apiVersion"), &mut header.api_version)?;
        read(root.get("kind"), &mut header.kind)?;
        if let Some(metadata) = root.get("metadata") {
            read(metadata.get("name"), &mut header.name)?;
            read(metadata.get("namespace"), &mut header.namespace)?;
        }
        if let Some((api_version, kind)) = self.current_list().and_then(|list| list.inherited.as_ref()) {
            for (text, inherited) in [(&mut header.api_version, api_version), (&mut header.kind, kind)] {
                if text.is_empty() {
                    text.push_str(inherited);
                }
            }
        }
        header.has_namespace = !header.namespace.is_empty();
        self.header = header;
        Ok(())
    }
}

/// Whether a change at a path may change what identifies an object.
fn is_of_header(changes: &[Segment]) -> bool {
    let header: [&[&str]; 4] = [&["kind"], &["apiVersion"], &["metadata", "name"], &["metadata", "namespace"]];
    header.iter().any(|keys| {
        changes.iter().zip(*keys).all(|(segment, key)| matches!(segment, Segment::Key(changed) if changed == key))
    })
}

/// Refuses a text that is too long to say what an object is.
fn check_header(node: Node<'_>) -> Result<(), Error> {
    if node.written_length() <= MAX_HEADER {
        return Ok(());
    }
    let line = node.line();
    let message = format!("line {line}: an apiVersion, kind, name or namespace of more than {MAX_HEADER} bytes");
    Err(Error::new(ErrorKind::TooLarge, "", line, message))
}

/// What an edit must never be; told instead of output that lacks something.
const OVERLAP: &str = "the parts of an edit overlap";

impl Document {
    /// Finds the node of an object by where it stands in the document.
    fn find_root(&mut self, original: &str, path: &[Segment]) {
        let text = self.text.as_deref().unwrap_or(original);
        let source = Source { text, tree: &self.tree, first_line: 1 };
        let document = Node::new(source, 0, 0);
        let root = document.find_segments(path).map_or(0, |node| node.index);
        let parent = path.split_last().and_then(|(_, list)| document.find_segments(list)).map(|list| list.index);
        self.root = root;
        self.root_parent = parent;
    }
}

/// Whether splices can be made together with earlier ones, which are sorted and disjoint.
fn goes_with_all(earlier: &[Splice], added: &[Splice]) -> bool {
    added.iter().all(|splice| {
        let from = earlier.partition_point(|earlier| earlier.end < splice.start);
        let near = earlier.get(from..).unwrap_or_default().iter().take_while(|earlier| earlier.start <= splice.end);
        near.into_iter().all(|earlier| splice.goes_with(earlier))
    })
}

/// Where edits add or take away lines.
fn line_shifts(text: &str, splices: &[Splice]) -> LineShifts {
    let bytes = text.as_bytes();
    let mut shifts = LineShifts::new();
    let (mut at, mut line) = (0, 0);
    for splice in splices {
        line += count_lines(bytes.get(at..splice.start).unwrap_or_default());
        let gone = count_lines(bytes.get(splice.start..splice.end).unwrap_or_default());
        let added = count_lines(splice.text.as_bytes());
        if gone != added {
            shifts.push((line, added as isize - gone as isize));
        }
        line += gone;
        at = splice.end;
    }
    shifts
}

/// Whether a node is a list of objects rather than an object.
fn is_list_of_objects(node: Node<'_>) -> bool {
    node.get("kind").and_then(|kind| kind.scalar_text()).is_some_and(|kind| kind.ends_with("List"))
        && node.get("items").is_some_and(|items| items.kind() == Kind::List)
}

/// A list whose items are being gone through.
struct OpenList<'a, I> {
    list: u32,
    kind: Cow<'a, str>,
    items: I,
    position: u32,
}

/// The objects of a document that is a list: its items, also of lists in lists, and the lists themselves. What is kept for
/// an object is its [`Entry`] and no more, while the lists are gone through as well.
fn find_objects(root: Node<'_>, budget: &Budget) -> Result<(Vec<Entry>, Vec<ListPlace>), Error> {
    let mut found = Vec::new();
    let mut lists: Vec<ListPlace> = Vec::new();
    let mut open = Vec::new();
    let tree = root.source.tree;
    let mut charged_until = tree.looked_at.get();
    let exhausted = |why: Exhausted, kind: &str| why.at(format!("{kind} (line {})", root.line()), root.line());
    if let Some(list) = open_list(root, Entry::default(), &mut lists, budget)? {
        open.push(list);
    }
    while let Some(list) = open.last_mut() {
        let Some(item) = list.items.next() else {
            open.pop();
            continue;
        };
        let position = list.position;
        list.position += 1;
        if item.is_null() {
            continue;
        }
        let looked_at = tree.lookups_since(charged_until);
        charged_until = tree.looked_at.get();
        budget.entries(1 + looked_at).map_err(|why| exhausted(why, &list.kind))?;
        if item.kind() != Kind::Map {
            let message = format!("item {position} of the list is {}, not an object", item.type_name());
            let subject = format!("{} (line {})", list.kind, root.line());
            return Err(Error::new(ErrorKind::NotAnObject, subject, item.line(), message));
        }
        let entry = Entry { list: Some(list.list), position, node: item.index, ..Entry::default() };
        match open_list(item, entry, &mut lists, budget)? {
            Some(list) => open.push(list),
            None => found.push(entry),
        }
    }
    Ok((found, lists))
}

/// Adds an object that is a list itself to the lists; none if it is not.
fn open_list<'a>(
    node: Node<'a>,
    entry: Entry,
    lists: &mut Vec<ListPlace>,
    budget: &Budget,
) -> Result<Option<OpenList<'a, impl Iterator<Item = Node<'a>> + use<'a>>>, Error> {
    let text = |key: &str| node.get(key).and_then(|node| node.scalar_text());
    let Some(kind) = text("kind").filter(|kind| kind.ends_with("List")) else { return Ok(None) };
    let Some(items) = node.get("items").filter(|items| items.kind() == Kind::List) else { return Ok(None) };
    node.get("kind").map_or(Ok(()), check_header)?;
    node.get("apiVersion").map_or(Ok(()), check_header)?;
    // As kubectl does, an item of a typed list has the list's type without `List`.
    let inherited = match kind.strip_suffix("List") {
        None | Some("" | "Resource") => None,
        Some(kind) => Some((text("apiVersion").unwrap_or_default().into_owned(), kind.to_owned())),
    };
    let texts = inherited.as_ref().map_or(0, |(api_version, kind)| api_version.len() + kind.len());
    budget
        .bytes(texts + BYTES_PER_LIST)
        .map_err(|why| why.at(format!("{kind} (line {})", node.line()), node.line()))?;
    let parent = entry.list.map(|list| (list, entry.position));
    let list = lists.len() as u32;
    lists.push(ListPlace { parent, items: items.index, inherited });
    Ok(Some(OpenList { list, kind, items: items.items(), position: 0 }))
}

#[cfg(test)]
mod tests {
    use crate::{Error, Manifests, Path, Value};

    /// Two edits that both need a map which is not there: it must be made once.
    #[track_caller]
    fn check(input: &str, expected: &str) {
        let mut manifests = Manifests::from_bytes(input.as_bytes().to_vec()).expect("a stream");
        let edited = manifests.visit(|object| {
            object.set(&Path::new(["metadata", "labels", "a"]), Value::from("x"))?;
            object.set(&Path::new(["metadata", "annotations", "b"]), Value::from("z"))?;
            Ok::<(), Error>(())
        });
        edited.expect("editable");
        assert_eq!(String::from_utf8_lossy(&manifests.into_bytes()), expected);
    }

    #[test]
    fn a_missing_map_is_made_once() {
        let made = "metadata:\n  labels:\n    a: x\n  annotations:\n    b: z\n";
        check("kind: A\n", &format!("kind: A\n{made}"));
        check("kind: A\nmetadata:\n", &format!("kind: A\n{made}"));
        check("kind: A\nmetadata: ~\n", &format!("kind: A\n{made}"));
        let flow = r#"{kind: A, metadata: {"annotations": {"b": "z"}, "labels": {"a": "x"}}}"#;
        check("{kind: A, metadata: {}}\n", &format!("{flow}\n"));
    }

    #[test]
    fn edits_that_overlap_are_an_error_and_never_output() {
        let splice = |start, end| super::Splice { start, end, text: "x".into(), appends_to: None };
        let text = "kind: A\nmetadata: {}\n";
        for pending in [vec![splice(0, 7), splice(3, 9)], vec![splice(9, 12), splice(2, 4)], vec![splice(5, 99)]] {
            for is_read_again in [false, true] {
                let mut object = super::Object::new();
                object.load(text, (0, 1, 1), &crate::Budget::for_text(text.len())).expect("a document");
                object.base.text = is_read_again.then(|| text.to_owned());
                object.pending = pending.clone();
                let mut assembler = crate::stream::Assembler::new(text);
                let outcome =
                    object.finish_document(&mut Vec::new(), &mut |from, to, text| assembler.replace(from, to, text));
                let is_refused = outcome.is_err() || assembler.finish().is_none();
                assert!(is_refused, "{pending:?}");
            }
        }
    }

    /// Bytes that say more than they are: 1 MiB at most, and the memory and time of reading must stay near that.
    fn expanding(text: &str) -> Result<usize, Error> {
        let mut count = 0;
        Manifests::from_bytes(text.as_bytes().to_vec())?.read(|object| {
            count += object.describe().len().min(1);
            Ok::<(), Error>(())
        })?;
        Ok(count)
    }

    #[test]
    fn lists_that_expand_are_bounded() {
        let message = |text: &str| expanding(text).expect_err("refused").to_string();
        assert!(message("&l\nkind: List\nitems:\n- *l\n").contains("an alias of what it stands in"));
        // Nine lists of nine lists ...: a thousand million items in 300 bytes.
        let mut text = String::from("kind: X\nl0: &l0 {kind: List, items: [{kind: A}, {kind: A}]}\n");
        for level in 1..30 {
            let items = format!("*l{}, ", level - 1).repeat(9);
            text.push_str(&format!("l{level}: &l{level} {{kind: List, items: [{items}]}}\n"));
        }
        text.push_str("items: [*l29]\n");
        assert!(message(&text.replacen("kind: X", "kind: List", 1)).contains("aliases repeat"));
        // A long header that every item has.
        let items = "- *i\n".repeat(50_000);
        for header in ["apiVersion: v1\nkind: HLONGList\n", "apiVersion: LONG\nkind: AList\n"] {
            let header = header.replace("LONG", &"x".repeat(500_000));
            let text = format!("{header}i: &i {{metadata: {{name: a}}}}\nitems:\n{items}");
            assert!(message(&text).contains("more than 1024 bytes"));
        }
        let text = format!(
            "kind: List\nlong: &n {}\nitems:\n{}",
            "x".repeat(500_000),
            "- {kind: A, metadata: {name: *n}}\n".repeat(9)
        );
        assert!(message(&text).contains("more than 1024 bytes"));
        // Items that say little and are looked into for long: through one map with many keys, a chain of merges, or merges
        // of one thing over and over.
        let items = |item: &str| format!("kind: List\nitems:\n{}", item.repeat(20_000));
        let many = |count: usize, of: &dyn Fn(usize) -> String| (0..count).map(of).collect::<String>();
        let keys = many(20_000, &|key| format!("k{key}: v, "));
        assert!(message(&format!("i: &i {{kind: A, {keys}}}\n{}", items("- *i\n"))).contains("aliases repeat"));
        let chain = many(10_000, &|at| format!("a{}: &a{} {{<<: *a{at}}}\n", at + 1, at + 1));
        let text = format!("a0: &a0 {{kind: A}}\n{chain}{}", items("- {<<: *a10000}\n"));
        assert!(message(&text).contains("aliases repeat"));
        let again = "*a, ".repeat(20_000);
        let text = format!("a: &a {{b: c}}\ni: &i {{kind: A, <<: [{again}]}}\n{}", items("- *i\n"));
        assert!(message(&text).contains("aliases repeat"));
        // What a visitor looks for counts too, and one value of all of it.
        let text = format!("l: &l {{{keys}}}\n{}", items("- {kind: A, metadata: {name: a, labels: *l}}\n"));
        let read = Manifests::from_bytes(text.into_bytes()).and_then(|manifests| {
            manifests.read(|object| {
                assert!(object.label("app").is_none());
                Ok::<(), Error>(())
            })
        });
        assert!(read.expect_err("refused").to_string().contains("aliases repeat"));
        let error = Value::from_yaml(&format!("a0: &a0 {{kind: A}}\n{chain}")).expect_err("refused").to_string();
        assert!(error.contains("aliases repeat"), "{error}");
        // Lists in lists in lists: the way to each object is kept once.
        let depth = 450;
        let deep = "{kind: List, items: [".repeat(depth);
        let text = format!("{deep}{}{}\n", "{},".repeat(100_000), "]}".repeat(depth));
        assert_eq!(expanding(&text).map_err(|error| error.to_string()), Ok(100_000));
    }

    #[test]
    fn lines_are_right_whatever_the_order_they_are_asked_in() {
        let text = "kind: List\nitems:\n- kind: A\n  x: 1\n- kind: B\n";
        let tree = &mut crate::tree::Tree::default();
        assert!(crate::tree::read(text, tree).is_ok());
        let source = crate::tree::Source { text, tree, first_line: 7 };
        for offset in [0, 47, 20, 21, 3, 99, 0, 33] {
            let expected = 7 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
            assert_eq!(source.line_at(offset), expected, "{offset}");
        }
    }

    #[test]
    fn a_map_that_means_the_same_is_left_alone() {
        let input = "kind: A\nmetadata: {name: a, labels: {b: c}}\n";
        let mut manifests = Manifests::from_bytes(input.as_bytes().to_vec()).expect("a stream");
        let value = Value::from_yaml("{labels: {b: c}, name: a}").expect("YAML");
        let edited = manifests.visit(|object| {
            assert!(!object.set(&Path::new(["metadata"]), value.clone())?);
            Ok::<(), Error>(())
        });
        edited.expect("nothing to edit");
        assert!(!manifests.is_changed());
    }
}
