//! The session on one document: its objects one after the other, and their edits in order.
//!
//! Edits are collected as splices of the document's text. What is read afterwards at a path that no edit touched is
//! read from the text as it came in; anything else makes the document be put together and read again first, so that
//! edits of the same place, reads after edits and the insides of what was just inserted are right without handles that
//! go stale.

mod header;
mod items;

use std::cell::{Cell, OnceCell};

use crate::batch::Edit;
use crate::budget::{Budget, Exhausted};
use crate::edit::splice::{self, Splice, goes_with_all, line_shifts};
use crate::edit::unshare;
use crate::edit::{self, Planner, Refusal, Remedy};
use crate::emit;
use crate::error::{Error, ErrorKind, ReadFailure};
use crate::node::{Kind, Node};
use crate::path::{self, Path, Segment};
use crate::read;
use crate::split::{Extent, count_lines};
use crate::tree::{NodeLimit, Source, Tree};
use crate::value::{MAX_VALUE_DEPTH, Value};
use header::{Header, check_header, is_of_header};
use items::{Entry, ListPlace, find_objects, is_list_of_objects};

/// A document while its objects are visited. One is made for a stream and takes its documents in turn, so that buffers
/// are reused.
pub(crate) struct Session<'m> {
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
    pub(crate) header: Header,
    /// Up to where the lookups in the base are charged for.
    charged_until: u64,
    /// What may still be used up for places of the document that are shared.
    shared: Budget,
    /// How often a document was read again.
    readings: Cell<u64>,
    /// Where the document starts in the stream.
    start: usize,
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

/// What became of an object during a visit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    Changed,
    Deleted,
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

/// The annotation in which Helm 4 keeps the file of a document.
const FILENAME_ANNOTATION: &str = "postrenderer.helm.sh/postrender-filename";
/// How many bytes the path of a chart's file may have.
const MAX_FILE: usize = 1024;

/// The file of a document as Helm 3 says it: the comment `# Source: FILE` above it.
fn source_comment(document: &str) -> Option<&str> {
    let head = document.lines().take_while(|line| line.is_empty() || line.starts_with(['#', '-', '\u{feff}']));
    head.filter_map(|line| line.strip_prefix("# Source: ")).next().map(str::trim_end)
}

/// What an edit must never be; told instead of output that lacks something.
const OVERLAP: &str = "the parts of an edit overlap";

impl<'m> Session<'m> {
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

    /// Where the current object stands.
    pub(crate) fn place(&self) -> Place<'m> {
        Place {
            document: self.original,
            start: self.start,
            first_line: self.first_line,
            objects: self.entries.len(),
            position: self.current,
            is_item: !self.lists.is_empty(),
        }
    }

    /// The current object, its line and the chart's file it comes from, for messages.
    #[cold]
    pub(crate) fn describe(&self) -> String {
        let mut text = String::new();
        text.push_str(if self.header.kind.is_empty() { "object" } else { &self.header.kind });
        if !self.header.name.is_empty() {
            text.push('/');
            text.push_str(&self.header.name);
        }
        if self.header.has_namespace {
            text.push_str(" in ");
            text.push_str(&self.header.namespace);
        }
        text.push_str(" (line ");
        text.push_str(&self.header.line.to_string());
        if let Some(file) = self.file() {
            text.push_str(", ");
            text.push_str(&file);
        }
        text.push(')');
        text
    }

    /// The chart's file that the current object was rendered from.
    #[cold]
    pub(crate) fn file(&self) -> Option<String> {
        let annotated = self.get_keys(&["metadata", "annotations", FILENAME_ANNOTATION]);
        let named = annotated.filter(|node| node.written_length() <= MAX_FILE).and_then(|node| node.scalar_text());
        let file = match named {
            Some(file) => file,
            None => source_comment(self.original)?.into(),
        };
        (!file.is_empty() && file.len() <= MAX_FILE && !file.contains(char::is_control)).then(|| file.into_owned())
    }

    /// The line of the node at a path, or of what of that path is there.
    #[cold]
    pub(crate) fn line_of(&self, path: &[Segment]) -> usize {
        let mut segments = path;
        loop {
            if let Some(node) = self.view(segments).find_segments(segments) {
                return node.line();
            }
            match segments.split_last() {
                Some((_, above)) => segments = above,
                None => return self.header.line,
            }
        }
    }

    pub(crate) fn get_keys(&self, keys: &[&str]) -> Option<Node<'_>> {
        let is_touched = self.touched.iter().any(|touched| {
            touched.iter().zip(keys).all(|(segment, key)| matches!(segment, Segment::Key(touched) if touched == key))
        });
        let root = if is_touched { self.reread_root() } else { self.base_root() };
        keys.iter().try_fold(root, |node, key| node.get(key))
    }

    /// The object's root to read a path from: the base where no edit touched that path.
    pub(crate) fn view(&self, path: &[Segment]) -> Node<'_> {
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

    /// Plans an edit at a path and adds it to the pending ones; `changes` is the topmost path whose meaning changes.
    pub(crate) fn edit(
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

    pub(crate) fn edit_further_up(&mut self, edit: &Edit, budget: &Budget) -> Result<bool, Error> {
        let path = edit.path().segments();
        edit.values().try_for_each(|value| self.check_value(value))?;
        for (key, _) in edit.entries() {
            emit::check_key(key).map_err(|message| self.error(ErrorKind::Value, self.header.line, message))?;
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

    /// Drops the current object from the stream.
    pub(crate) fn delete(&mut self) -> Result<(), Error> {
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

    /// An error that carries this object and the line of the node at a path, or of what of that path is there.
    pub(crate) fn refuse_at(&self, path: &Path, message: impl Into<String>) -> Error {
        let line = self.line_of(path.segments());
        let message: String = message.into();
        self.error(ErrorKind::Refused, line, format!("{path} (line {line}): {message}"))
    }

    #[cold]
    pub(crate) fn error(&self, kind: ErrorKind, line: usize, message: impl Into<String>) -> Error {
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

    pub(crate) fn check_value(&self, value: &Value) -> Result<(), Error> {
        emit::check_writable(value, MAX_VALUE_DEPTH)
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
                    splice::own_blank_lines(planner.source.text, &mut splices);
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
                    splice::own_blank_lines(self.source(document).text, &mut splices);
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

    /// The beginning of a path that an edit there writes: down to the first map or list that it has to make. Another
    /// edit that needs the same one must see it, or it would make a second.
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
        let text = splice::apply(source.text, splices).ok_or_else(|| self.broken(OVERLAP))?;
        let mut tree = Tree::default();
        self.readings.set(self.readings.get() + 1);
        read::read(&text, &mut tree).map_err(|problem| broken(&problem.message))?;
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
}

// Driven by the stream.
impl<'m> Session<'m> {
    /// Takes the next document: the one at the start of what is left of the stream. Answers with how far it reaches.
    pub(crate) fn load(
        &mut self,
        rest: &'m str,
        (start, first_line, number): (usize, usize, usize),
        budget: &Budget,
    ) -> Result<Extent, Error> {
        self.start = start;
        self.base.tree.node_limit = NodeLimit(budget.node_limit());
        let (extent, outcome) = read::read_first(rest, &mut self.base.tree);
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
                ReadFailure::Wrong(problem) => problem,
                ReadFailure::TooManyNodes => return Err(exhausted(budget.too_many_nodes())),
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
                let text = splice::apply(self.source(&self.base).text, &self.pending);
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

#[cfg(test)]
mod tests {
    #[test]
    fn edits_that_overlap_are_an_error_and_never_output() {
        let splice = |start, end| super::Splice { start, end, text: "x".into(), appends_to: None };
        let text = "kind: A\nmetadata: {}\n";
        for pending in [vec![splice(0, 7), splice(3, 9)], vec![splice(9, 12), splice(2, 4)], vec![splice(5, 99)]] {
            for is_read_again in [false, true] {
                let mut session = super::Session::new();
                session.load(text, (0, 1, 1), &crate::Budget::for_text(text.len())).expect("a document");
                session.base.text = is_read_again.then(|| text.to_owned());
                session.pending = pending.clone();
                let mut assembler = crate::stream::Assembler::new(text);
                let outcome =
                    session.finish_document(&mut Vec::new(), &mut |from, to, text| assembler.replace(from, to, text));
                let is_refused = outcome.is_err() || assembler.finish().is_none();
                assert!(is_refused, "{pending:?}");
            }
        }
    }
}
