//! The arena: what one document holds and where, as spans of its text.
//!
//! A [`Tree`] is filled once per document and its buffers are reused for the next. Nodes stand in the order of the text,
//! a collection before its children (a map's children are key, value, key, value); `next` skips a subtree. Aliases are
//! never expanded: an alias node names its target, so a document of aliases upon aliases costs what its text costs.

use std::cell::Cell;
use std::collections::BTreeMap;

use windlass_manifest_events::{EventKind, Events, Style, Tag};

use crate::emit::ListIndent;
use crate::error::{Error, ErrorKind};
use crate::node::Node;
use crate::plain;
use crate::split;
use crate::typing;

/// How deep the collections of one document may be nested. Go's parser allows 10,000; no object comes near.
const MAX_DEPTH: usize = 1000;
/// What a name in the parser's map of anchors takes, in nodes.
const NODES_PER_ANCHOR: usize = 2;

/// How a node is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    BlockMap,
    /// Between braces; or the one pair in `[a: b]`, which has none.
    FlowMap,
    BlockList,
    FlowList,
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
    /// Nothing at all, after a `:` or a `-`.
    Empty,
    Alias,
}

impl Shape {
    pub(crate) fn is_map(self) -> bool {
        matches!(self, Shape::BlockMap | Shape::FlowMap)
    }

    pub(crate) fn is_list(self) -> bool {
        matches!(self, Shape::BlockList | Shape::FlowList)
    }

    pub(crate) fn is_block_scalar(self) -> bool {
        matches!(self, Shape::Literal | Shape::Folded)
    }
}

/// One node. Offsets are bytes from the start of the document's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeData {
    /// Of the node itself, after its anchor and tag: a block map starts at its first key (or the `?` or the properties
    /// in front of it), a block list at its first dash, a block scalar at its `|` or `>`, an empty node right after its
    /// `:` or `-`.
    pub(crate) start: u32,
    /// Just past the last byte; a block collection ends with its last leaf, a block scalar before the line end of its
    /// last line.
    pub(crate) end: u32,
    /// The node after this one's subtree.
    pub(crate) next: u32,
    /// For an alias its target; for a scalar with [`flag::DECODED`] an index into the tree's decoded texts.
    pub(crate) extra: u32,
    pub(crate) shape: Shape,
    pub(crate) flags: u8,
}

/// Bits of [`NodeData::flags`].
pub(crate) mod flag {
    /// A map with a `<<` key.
    pub(crate) const MERGES: u8 = 1;
    /// Has an anchor.
    pub(crate) const ANCHOR: u8 = 2;
    /// Has an anchor that an alias refers to.
    pub(crate) const ALIASED: u8 = 4;
    /// Has a tag.
    pub(crate) const TAG: u8 = 8;
    /// Has a tag that makes a scalar a text: all but those of the types that are told without one (`!!int`).
    pub(crate) const TEXT_TAG: u8 = 16;
    /// The value of the scalar is not a slice of the document; it is in [`super::Tree::decoded`].
    pub(crate) const DECODED: u8 = 32;
    /// The value of the scalar is not a slice of the document; it is decoded when asked for.
    pub(crate) const UNDECODED: u8 = 64;
}

/// One document. See the module's comment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<NodeData>,
    /// `(start, end)` in `decoded_text`.
    decoded: Vec<(u32, u32)>,
    decoded_text: String,
    /// Nodes with an anchor or a tag, and where the first of these starts; in order of nodes.
    properties: Vec<(u32, u32)>,
    /// The text has line breaks that not all YAML readers agree on: a lone CR.
    pub(crate) has_odd_line_breaks: bool,
    has_anchors: bool,
    /// A block map has a key that is not followed by its colon, such as `? key`.
    pub(crate) has_explicit_keys: bool,
    /// For each time the text was edited and read again: where lines were added or taken away.
    pub(crate) line_shifts: Vec<LineShifts>,
    /// An offset that was asked about and how many lines end before it, so that the next one counts from there: objects
    /// and nodes are asked about in the order of the text.
    line_cursor: Cell<(u32, u32)>,
    /// How many nodes lookups by key went over. Through aliases one map is looked into again and again, so whoever
    /// reads under a budget charges for this ([`Tree::lookups_since`]).
    pub(crate) looked_at: Cell<u64>,
    /// The styles of [`crate::edit`], looked for once: the step of maps, and how lists stand under their keys.
    pub(crate) styles: Cell<(Known<usize>, Known<ListIndent>)>,
    /// Buffers of the builders.
    open: Vec<Open>,
    pub(crate) levels: Vec<plain::Level>,
    /// The readers stop where there are more nodes.
    pub(crate) node_limit: NodeLimit,
}

/// How many nodes a document may have, with what is kept beside them in the size of nodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeLimit(pub(crate) usize);

impl Default for NodeLimit {
    /// What the indices can tell apart.
    fn default() -> Self {
        Self(u32::MAX as usize - 1)
    }
}

/// Why a document was not read.
pub(crate) enum Failure {
    Wrong(Problem),
    /// It has more than [`Tree::node_limit`].
    TooManyNodes,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Wrong(problem)
    }
}

impl Failure {
    /// What is told where nobody set a limit.
    pub(crate) fn into_problem(self) -> Problem {
        match self {
            Self::Wrong(problem) => problem,
            Self::TooManyNodes => Problem { kind: ErrorKind::TooLarge, offset: 0, message: "too many nodes".into() },
        }
    }
}

/// What was looked for once: not yet, or what was found, if anything was.
pub(crate) type Known<T> = Option<Option<T>>;

/// `(line, added)` in order: at that 0-based line of the text before the edit, so many lines came in (or went).
pub(crate) type LineShifts = Vec<(usize, isize)>;

#[derive(Clone, Debug)]
struct Open {
    node: u32,
    children: u32,
    /// It has no brackets of its own: a block collection, or the pair in `[a: b]`.
    is_open_ended: bool,
    /// Where the last child ended.
    last_end: usize,
}

/// A document's text and tree, to read nodes from.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
    pub(crate) tree: &'a Tree,
    /// The line of the stream on which `text` starts.
    pub(crate) first_line: usize,
}

impl<'a> Source<'a> {
    /// The root node. Must not be asked of an empty tree's nodes; its answers are those of an empty document.
    pub(crate) fn root(self) -> Node<'a> {
        Node::new(self, 0, 0)
    }

    pub(crate) fn node(&self, index: u32) -> NodeData {
        self.tree.nodes.get(index as usize).copied().unwrap_or(NodeData {
            start: 0,
            end: 0,
            next: index + 1,
            extra: 0,
            shape: Shape::Empty,
            flags: 0,
        })
    }

    /// The line of the stream, as it came in, that a byte of the text stands on.
    pub(crate) fn line_at(&self, offset: usize) -> usize {
        let bytes = self.text.as_bytes();
        let offset = offset.min(bytes.len());
        let (at, before) = self.tree.line_cursor.get();
        let at = at as usize;
        let between = |from: usize, to: usize| count_lines(bytes.get(from..to).unwrap_or_default());
        let mut line = match offset >= at {
            true => before as usize + between(at, offset),
            false => (before as usize).saturating_sub(between(offset, at)),
        };
        self.tree.line_cursor.set((offset as u32, line as u32));
        for shifts in self.tree.line_shifts.iter().rev() {
            line = line_before_edit(shifts, line);
        }
        self.first_line + line
    }
}

/// How many line ends there are.
pub(crate) fn count_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

/// The line that a line of the edited text was, or was inserted at.
fn line_before_edit(shifts: &LineShifts, line: usize) -> usize {
    let mut total: isize = 0;
    for &(at, added) in shifts {
        let edited_at = at.saturating_add_signed(total);
        if line <= edited_at {
            break;
        }
        if line <= edited_at.saturating_add_signed(added) {
            return at;
        }
        total += added;
    }
    line.saturating_add_signed(-total)
}

impl Tree {
    pub(crate) fn clear(&mut self) {
        self.nodes.clear();
        self.decoded.clear();
        self.decoded_text.clear();
        self.properties.clear();
        self.open.clear();
        self.line_shifts.clear();
        self.line_cursor.set((0, 0));
        self.looked_at.set(0);
        self.styles.set((None, None));
        self.has_odd_line_breaks = false;
        self.has_explicit_keys = false;
        self.has_anchors = false;
    }

    /// Whether the document holds nothing but comments, white space and markers.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.first().is_none_or(|root| root.shape == Shape::Empty)
    }

    /// How much is kept, counted in nodes.
    fn size(&self) -> usize {
        let pairs = self.decoded.len() + self.properties.len();
        self.nodes.len() + (pairs * size_of::<(u32, u32)>() + self.decoded_text.len()) / size_of::<NodeData>()
    }

    /// Whether a node has an anchor.
    pub(crate) fn has_anchors(&self) -> bool {
        self.has_anchors
    }

    /// Notes that a lookup goes over some nodes.
    pub(crate) fn look_at(&self, nodes: usize) {
        self.looked_at.set(self.looked_at.get() + nodes as u64);
    }

    /// What lookups since a reading of `looked_at` count as entries of a budget. Without aliases and merge keys it is
    /// less than the nodes of the document.
    pub(crate) fn lookups_since(&self, before: u64) -> usize {
        (self.looked_at.get().saturating_sub(before) / 8) as usize
    }

    pub(crate) fn decoded(&self, index: u32) -> &str {
        let range = self.decoded.get(index as usize).copied().unwrap_or_default();
        self.decoded_text.get(range.0 as usize..range.1 as usize).unwrap_or_default()
    }

    /// Where the anchor or the tag in front of a node starts, if it has any.
    pub(crate) fn properties_start(&self, node: u32) -> Option<usize> {
        let at = self.properties.binary_search_by_key(&node, |&(node, _)| node).ok()?;
        self.properties.get(at).map(|&(_, start)| start as usize)
    }
}

/// What the parser found wrong with a document: its message and the byte offset.
pub(crate) struct Problem {
    pub(crate) kind: ErrorKind,
    pub(crate) offset: usize,
    pub(crate) message: String,
}

impl Problem {
    fn syntax(offset: usize, message: &str) -> Self {
        Self { kind: ErrorKind::Syntax, offset, message: message.to_owned() }
    }
}

/// Reads a text that holds at most one document, such as a configuration value.
pub(crate) fn read_single_document(text: &str, tree: &mut Tree) -> Result<(), Error> {
    read(text, tree).map_err(|problem| {
        let line = Source { text, tree, first_line: 1 }.line_at(problem.offset);
        Error::new(problem.kind, String::new(), line, format!("line {line}: {}", problem.message))
    })
}

/// How far a document reaches in a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// In bytes.
    pub(crate) length: usize,
    pub(crate) line_ends: usize,
}

/// Fills the tree from the document at the start of a text; answers with the document's extent.
pub(crate) fn read_first(text: &str, tree: &mut Tree) -> (Extent, Result<(), Failure>) {
    match plain::read(text, tree) {
        Ok(extent) => (extent, Ok(())),
        Err(why) => {
            let length = split::document_end(text.as_bytes(), 0);
            let text = text.get(..length).unwrap_or_default();
            let outcome = match why {
                plain::GaveUp::NotPlain => parse_within(text, tree),
                plain::GaveUp::TooManyNodes => Err(Failure::TooManyNodes),
            };
            (Extent { length, line_ends: count_lines(text.as_bytes()) }, outcome)
        }
    }
}

/// Fills the tree from a text that is one document.
pub(crate) fn read(text: &str, tree: &mut Tree) -> Result<(), Problem> {
    match plain::read(text, tree) {
        Ok(extent) if extent.length == text.len() => Ok(()),
        _ => parse(text, tree),
    }
}

/// Fills the tree from one document's text by way of the YAML parser.
pub(crate) fn parse(text: &str, tree: &mut Tree) -> Result<(), Problem> {
    parse_within(text, tree).map_err(Failure::into_problem)
}

/// The same, with the tree's limit told apart.
fn parse_within(text: &str, tree: &mut Tree) -> Result<(), Failure> {
    tree.clear();
    if u32::try_from(text.len()).is_err() {
        let message = "a document of 4 GiB or more".into();
        return Err(Problem { kind: ErrorKind::TooLarge, offset: 0, message }.into());
    }
    if let Some(at) = split::find_glued_marker(text.as_bytes()) {
        let message = "a line starts with `---` and goes on; Helm starts another document there";
        return Err(Problem::syntax(at, message).into());
    }
    tree.has_odd_line_breaks = has_lone_returns(text);
    let mut builder = Builder { text, tree };
    let mut events = Events::new(text, MAX_DEPTH);
    let mut anchors: BTreeMap<&str, u32> = BTreeMap::new();
    let mut is_behind = false;
    loop {
        let event = match events.next_event() {
            Ok(Some(event)) => event,
            Ok(None) => return Ok(()),
            Err(problem) if is_behind => return Err(behind(problem.at).into()),
            // What is missing at the end is missing on the last line that has something.
            Err(problem) => {
                let at = problem.at.min(text.trim_ascii_end().len());
                return Err(Problem::syntax(at, problem.message).into());
            }
        };
        let (start, end) = (event.start, event.end);
        if builder.tree.size() + anchors.len() * NODES_PER_ANCHOR >= builder.tree.node_limit.0 {
            return Err(Failure::TooManyNodes);
        }
        let index = match event.kind {
            EventKind::DocumentStart if is_behind => return Err(behind(start).into()),
            EventKind::DocumentStart => continue,
            EventKind::DocumentEnd => {
                is_behind = true;
                continue;
            }
            EventKind::End => {
                builder.close(end);
                continue;
            }
            EventKind::Alias => {
                let target = event.name.and_then(|name| anchors.get(name)).copied();
                let Some(target) = target else {
                    return Err(Problem::syntax(start, "an alias without an anchor").into());
                };
                if builder.tree.open.binary_search_by_key(&target, |open| open.node).is_ok() {
                    return Err(Problem::syntax(start, "an alias of what it stands in").into());
                }
                let index = builder.push(Shape::Alias, start, end);
                builder.set_extra(index, target);
                builder.add_flags(target, flag::ALIASED);
                index
            }
            EventKind::Scalar(style) if event.tag == Some(Tag::Binary) => {
                let Some(text) = typing::decode_base64(events.text(&event)) else {
                    return Err(Problem::syntax(start, "a `!!binary` value that is not base64").into());
                };
                builder.scalar(&text, style, start, end)
            }
            EventKind::Scalar(style) => builder.scalar(events.text(&event), style, start, end),
            EventKind::ListStart { is_flow } => {
                builder.open(if is_flow { Shape::FlowList } else { Shape::BlockList }, start, !is_flow)
            }
            EventKind::MapStart { is_flow, is_pair } => {
                builder.open(if is_flow { Shape::FlowMap } else { Shape::BlockMap }, start, !is_flow || is_pair)
            }
        };
        if event.kind != EventKind::Alias {
            if let Some(name) = event.name {
                anchors.insert(name, index);
                builder.tree.has_anchors = true;
                builder.add_flags(index, flag::ANCHOR);
            }
            if let Some(tag) = event.tag {
                builder.add_flags(index, if tag == Tag::Plain { flag::TAG } else { flag::TAG | flag::TEXT_TAG });
            }
            if let Some(start) = event.properties {
                builder.tree.properties.push((index, start as u32));
            }
        }
        if matches!(event.kind, EventKind::Alias | EventKind::Scalar(_)) {
            builder.child_done(index);
        }
    }
}

/// Kubernetes reads the first document up to where it ends and looks no further.
fn behind(offset: usize) -> Problem {
    Problem::syntax(offset, "text behind the end of the document, which Kubernetes drops; a `---` line is missing")
}

struct Builder<'a> {
    text: &'a str,
    tree: &'a mut Tree,
}

impl Builder<'_> {
    fn push(&mut self, shape: Shape, start: usize, end: usize) -> u32 {
        let index = self.tree.nodes.len() as u32;
        self.tree.nodes.push(NodeData {
            start: start as u32,
            end: end as u32,
            next: index + 1,
            extra: 0,
            shape,
            flags: 0,
        });
        index
    }

    fn set_extra(&mut self, index: u32, extra: u32) {
        if let Some(node) = self.tree.nodes.get_mut(index as usize) {
            node.extra = extra;
        }
    }

    fn add_flags(&mut self, index: u32, flags: u8) {
        if let Some(node) = self.tree.nodes.get_mut(index as usize) {
            node.flags |= flags;
        }
    }

    fn open(&mut self, shape: Shape, start: usize, is_open_ended: bool) -> u32 {
        let index = self.push(shape, start, start);
        self.tree.open.push(Open { node: index, children: 0, is_open_ended, last_end: start });
        index
    }

    fn scalar(&mut self, value: &str, style: Style, start: usize, end: usize) -> u32 {
        let shape = match style {
            Style::Plain if start == end => Shape::Empty,
            Style::Plain => Shape::Plain,
            Style::Single => Shape::SingleQuoted,
            Style::Double => Shape::DoubleQuoted,
            Style::Literal => Shape::Literal,
            Style::Folded => Shape::Folded,
        };
        let quote = usize::from(matches!(style, Style::Single | Style::Double));
        let index = self.push(shape, start, end);
        let is_verbatim = self.text.get(start + quote..end - quote) == Some(value);
        if !is_verbatim || shape.is_block_scalar() {
            let from = self.tree.decoded_text.len() as u32;
            self.tree.decoded_text.push_str(value);
            let to = self.tree.decoded_text.len() as u32;
            self.set_extra(index, self.tree.decoded.len() as u32);
            self.tree.decoded.push((from, to));
            self.add_flags(index, flag::DECODED);
        }
        index
    }

    fn child_done(&mut self, index: u32) {
        let Some(node) = self.tree.nodes.get(index as usize).copied() else { return };
        let Some(open) = self.tree.open.last_mut() else { return };
        let is_key = open.children % 2 == 0;
        open.children += 1;
        open.last_end = node.end as usize;
        let parent = open.node;
        let parent_is_map = self.tree.nodes.get(parent as usize).is_some_and(|parent| parent.shape.is_map());
        if is_key && self.tree.nodes.get(parent as usize).is_some_and(|parent| parent.shape == Shape::BlockMap) {
            let after = self.text.as_bytes().get(node.end as usize..).unwrap_or_default();
            let next = after.iter().find(|byte| !matches!(byte, b' ' | b'\t'));
            self.tree.has_explicit_keys |= node.shape == Shape::Empty || next != Some(&b':');
        }
        let is_merge = node.shape == Shape::Plain
            && node.flags & flag::TEXT_TAG == 0
            && self.text.as_bytes().get(node.start as usize..node.end as usize) == Some(b"<<");
        if parent_is_map && is_key && is_merge {
            self.add_flags(parent, flag::MERGES);
        }
    }

    fn close(&mut self, bracket_end: usize) {
        let Some(open) = self.tree.open.pop() else { return };
        let next = self.tree.nodes.len() as u32;
        if let Some(node) = self.tree.nodes.get_mut(open.node as usize) {
            node.end = if open.is_open_ended { open.last_end as u32 } else { bracket_end as u32 };
            node.next = next;
        }
        self.child_done(open.node);
    }
}

/// Past white space, line ends and comments.
pub(crate) fn skip_blank(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            b'#' => at += bytes.get(at..).unwrap_or_default().iter().take_while(|&&byte| byte != b'\n').count(),
            _ => break,
        }
    }
    at
}

/// Whether a CR stands alone: a line break to Kubernetes, not one to those who cut streams at LF.
fn has_lone_returns(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().any(|(at, &byte)| byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'))
}

/// Decodes one scalar from its own text: a quoted or plain scalar, or a block scalar with its lines.
#[cold]
pub(crate) fn decode_scalar(source: &str, has_line_end: bool) -> String {
    // Behind a space, so that nothing is a document marker; a block scalar is cut off in front of its last line end,
    // if it has one.
    let mut document = String::with_capacity(source.len() + 2);
    document.push(' ');
    document.push_str(source);
    if has_line_end {
        document.push('\n');
    }
    let mut events = Events::new(&document, MAX_DEPTH);
    while let Ok(Some(event)) = events.next_event() {
        if matches!(event.kind, EventKind::Scalar(_)) {
            return events.text(&event).to_owned();
        }
    }
    String::new()
}
