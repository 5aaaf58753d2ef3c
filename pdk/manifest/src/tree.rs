//! The arena: what one document holds and where, as spans of its text.
//!
//! A [`Tree`] is filled once per document and its buffers are reused for the next. Nodes stand in the order of the text,
//! a collection before its children (a map's children are key, value, key, value); `next` skips a subtree. Aliases are
//! never expanded: an alias node names its target, so a document of aliases upon aliases costs what its text costs.

use granit_parser::{Event, ScalarStyle, StructureStyle};
use windlass_manifest_events::Events;

use crate::error::{Error, ErrorKind};
use crate::node::Node;
use crate::plain;
use crate::split;

/// How deep the collections of one document may be nested. Go's parser allows 10,000; no object comes near.
const MAX_DEPTH: usize = 1000;

/// Longest key that is looked for in front of a `:`, in characters. Go accepts 1,024 and, in JSON style, more.
const MAX_KEY_LOOKAHEAD: usize = 1 << 16;

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
    /// Has a tag that makes a scalar a text (`!!str`, `!!binary`, `!`).
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
    /// The text has line breaks that not all YAML readers agree on: a lone CR, U+0085, U+2028, U+2029.
    pub(crate) has_odd_line_breaks: bool,
    /// A block map has a key that is not followed by its colon, such as `? key`.
    pub(crate) has_explicit_keys: bool,
    /// For each time the text was edited and read again: where lines were added or taken away.
    pub(crate) line_shifts: Vec<LineShifts>,
    /// Buffers of the builders.
    open: Vec<Open>,
    anchors: Vec<u32>,
    pub(crate) levels: Vec<plain::Level>,
}

/// `(line, added)` in order: at that 0-based line of the text before the edit, so many lines came in (or went).
pub(crate) type LineShifts = Vec<(usize, isize)>;

#[derive(Clone, Debug)]
struct Open {
    node: u32,
    children: u32,
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
        let mut line = count_lines(self.text.as_bytes().get(..offset).unwrap_or_default());
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
        self.anchors.clear();
        self.line_shifts.clear();
        self.has_odd_line_breaks = false;
        self.has_explicit_keys = false;
    }

    /// Whether the document holds nothing but comments, white space and markers.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.first().is_none_or(|root| root.shape == Shape::Empty)
    }

    /// Whether a node has an anchor.
    pub(crate) fn has_anchors(&self) -> bool {
        !self.anchors.is_empty()
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

    fn note_properties(&mut self, node: u32, start: usize) {
        match self.properties.last_mut() {
            Some((last, existing)) if *last == node => *existing = (*existing).min(start as u32),
            _ => self.properties.push((node, start as u32)),
        }
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
pub(crate) fn read_first(text: &str, tree: &mut Tree) -> (Extent, Result<(), Problem>) {
    match plain::read(text, tree) {
        Some(extent) => (extent, Ok(())),
        None => {
            let length = split::document_end(text.as_bytes(), 0);
            let text = text.get(..length).unwrap_or_default();
            (Extent { length, line_ends: count_lines(text.as_bytes()) }, parse(text, tree))
        }
    }
}

/// Fills the tree from a text that is one document.
pub(crate) fn read(text: &str, tree: &mut Tree) -> Result<(), Problem> {
    match plain::read(text, tree) {
        Some(extent) if extent.length == text.len() => Ok(()),
        _ => parse(text, tree),
    }
}

/// Fills the tree from one document's text by way of the YAML parser.
pub(crate) fn parse(text: &str, tree: &mut Tree) -> Result<(), Problem> {
    tree.clear();
    if u32::try_from(text.len()).is_err() {
        return Err(Problem { kind: ErrorKind::TooLarge, offset: 0, message: "a document of 4 GiB or more".into() });
    }
    tree.has_odd_line_breaks = has_odd_line_breaks(text);
    let mut options = granit_parser::options! {
        emit_anchor_events: true,
        simple_key_max_lookahead: MAX_KEY_LOOKAHEAD,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    options.set_emit_comments(false);
    let mut builder = Builder { text, tree };
    let mut documents = 0;
    for event in Events::new(text, options) {
        let (event, span) = event.map_err(|error| Problem {
            kind: ErrorKind::Syntax,
            offset: error.marker().byte_offset().unwrap_or(0),
            message: error.kind().to_string(),
        })?;
        let start = span.start.byte_offset().unwrap_or(0);
        let end = span.end.byte_offset().unwrap_or(start);
        if builder.tree.nodes.len() >= u32::MAX as usize {
            return Err(Problem { kind: ErrorKind::TooLarge, offset: start, message: "too many nodes".into() });
        }
        let tag_start = span.tag_start.and_then(|mark| mark.byte_offset());
        match event {
            Event::DocumentStart(..) => {
                documents += 1;
                if documents > 1 {
                    return Err(Problem::syntax(start, "a second document starts where no `---` line is"));
                }
            }
            Event::Scalar(value, style, anchor, tag) => {
                let index = builder.scalar(&value, style, start, end);
                builder.properties(index, anchor, tag.as_deref(), tag_start);
                builder.child_done(index);
            }
            Event::SequenceStart(style, anchor, tag) => {
                let index = builder.list_start(style, start);
                builder.properties(index, anchor, tag.as_deref(), tag_start);
            }
            Event::MappingStart(style, anchor, tag) => {
                let shape = if style == StructureStyle::Block { Shape::BlockMap } else { Shape::FlowMap };
                let index = builder.push(shape, start, start);
                builder.open(index);
                builder.properties(index, anchor, tag.as_deref(), tag_start);
            }
            Event::SequenceEnd | Event::MappingEnd => builder.close(end),
            Event::Alias(id) => {
                let target = id.checked_sub(1).and_then(|id| builder.tree.anchors.get(id)).copied();
                let Some(target) = target else {
                    return Err(Problem::syntax(start, "an alias without an anchor"));
                };
                let index = builder.push(Shape::Alias, start, end);
                builder.set_extra(index, target);
                if let Some(node) = builder.tree.nodes.get_mut(target as usize) {
                    node.flags |= flag::ALIASED;
                }
                builder.child_done(index);
            }
            Event::Anchor(id, _) => {
                if let Some(&node) = id.checked_sub(1).and_then(|id| builder.tree.anchors.get(id)) {
                    builder.tree.note_properties(node, start);
                }
            }
            _ => {}
        }
    }
    Ok(())
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

    fn open(&mut self, index: u32) {
        let start = self.tree.nodes.get(index as usize).map_or(0, |node| node.start as usize);
        self.tree.open.push(Open { node: index, children: 0, last_end: start });
    }

    fn properties(&mut self, index: u32, anchor: usize, tag: Option<&granit_parser::Tag>, tag_start: Option<usize>) {
        if anchor > 0 {
            // Ids count up from 1, in the order of the text.
            if self.tree.anchors.len() < anchor {
                self.tree.anchors.resize(anchor, 0);
            }
            if let Some(slot) = self.tree.anchors.get_mut(anchor - 1) {
                *slot = index;
            }
            self.add_flags(index, flag::ANCHOR);
        }
        if let Some(tag) = tag {
            let is_text = match tag.core_suffix() {
                Some(suffix) => suffix == "str",
                None => tag.suffix() == "!" || tag.suffix() == "binary",
            };
            self.add_flags(index, if is_text { flag::TAG | flag::TEXT_TAG } else { flag::TAG });
            if let Some(start) = tag_start {
                self.tree.note_properties(index, start);
            }
        }
    }

    /// Where to look for the node that is about to come: after the `:` of its key or the `-` of its item.
    fn content_from(&self) -> Option<usize> {
        let open = self.tree.open.last()?;
        let parent = self.tree.nodes.get(open.node as usize)?;
        match parent.shape {
            Shape::BlockMap | Shape::FlowMap if open.children % 2 == 1 => {
                let colon = skip_blank(self.text, open.last_end);
                (self.text.as_bytes().get(colon) == Some(&b':')).then_some(colon + 1)
            }
            Shape::BlockList => {
                let dash =
                    if open.children == 0 { parent.start as usize } else { skip_blank(self.text, open.last_end) };
                (self.text.as_bytes().get(dash) == Some(&b'-')).then_some(dash + 1)
            }
            _ => None,
        }
    }

    fn list_start(&mut self, style: StructureStyle, start: usize) -> u32 {
        let index = if style == StructureStyle::Flow {
            self.push(Shape::FlowList, start, start)
        } else {
            // The parser puts a list that is not indented behind its first dash.
            let dash = self
                .content_from()
                .map(|from| skip_properties(self.text, from))
                .filter(|&at| self.text.as_bytes().get(at) == Some(&b'-'));
            self.push(Shape::BlockList, dash.unwrap_or(start), start)
        };
        self.open(index);
        index
    }

    fn scalar(&mut self, value: &str, style: ScalarStyle, start: usize, end: usize) -> u32 {
        let raw = |from: usize, to: usize| self.text.get(from..to).unwrap_or_default();
        let (shape, start, end, is_verbatim) = match style {
            ScalarStyle::Plain if start == end => {
                let at = self.content_from().map_or(start, |from| from.max(start));
                (Shape::Empty, at, at, true)
            }
            ScalarStyle::Plain => (Shape::Plain, start, end, raw(start, end) == value),
            ScalarStyle::SingleQuoted => {
                (Shape::SingleQuoted, start, end, raw(start + 1, end.saturating_sub(1)) == value)
            }
            ScalarStyle::DoubleQuoted => {
                (Shape::DoubleQuoted, start, end, raw(start + 1, end.saturating_sub(1)) == value)
            }
            ScalarStyle::Literal | ScalarStyle::Folded => {
                let shape = if style == ScalarStyle::Literal { Shape::Literal } else { Shape::Folded };
                let header = self
                    .content_from()
                    .map(|from| skip_properties(self.text, from))
                    .filter(|&at| matches!(self.text.as_bytes().get(at), Some(b'|' | b'>')));
                match header {
                    Some(header) => (shape, header, block_scalar_end(self.text, header, start, end), false),
                    None => (shape, start, end, false),
                }
            }
        };
        let index = self.push(shape, start, end);
        if !is_verbatim {
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

    fn close(&mut self, span_end: usize) {
        let Some(open) = self.tree.open.pop() else { return };
        let next = self.tree.nodes.len() as u32;
        if let Some(node) = self.tree.nodes.get_mut(open.node as usize) {
            let has_bracket = matches!(self.text.as_bytes().get(node.start as usize), Some(b'{' | b'['))
                && matches!(node.shape, Shape::FlowMap | Shape::FlowList)
                && !(node.shape == Shape::FlowMap && self.text.as_bytes().get(node.start as usize) == Some(&b'['));
            let is_pair =
                node.shape == Shape::FlowMap && self.text.as_bytes().get(span_end.wrapping_sub(1)) != Some(&b'}');
            node.end = if has_bracket && !is_pair { span_end as u32 } else { open.last_end as u32 };
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

/// Past white space, comments, anchors and tags.
fn skip_properties(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = skip_blank(text, from);
    while matches!(bytes.get(at), Some(b'&' | b'!')) {
        at += bytes.get(at..).unwrap_or_default().iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        at = skip_blank(text, at);
    }
    at
}

/// The end of a block scalar: before the line end of its last line. Trailing blank lines belong to it only if it keeps
/// them (`|+`).
fn block_scalar_end(text: &str, header: usize, content_start: usize, content_end: usize) -> usize {
    let bytes = text.as_bytes();
    let header_line = bytes.get(header..).unwrap_or_default();
    let indicators =
        header_line.iter().take_while(|byte| matches!(byte, b'|' | b'>' | b'+' | b'-' | b'0'..=b'9')).count();
    let keeps = header_line.iter().take(indicators).any(|&byte| byte == b'+');
    let header_end = header + indicators;
    let line_start = header + header_line.iter().take_while(|&&byte| byte != b'\n').count() + 1;
    let content_end = content_end.min(bytes.len());
    if content_start >= content_end && !keeps {
        return header_end;
    }
    // How far the content is indented: the parser's span starts behind the indentation of its first full line.
    let indent = content_start
        - bytes
            .get(..content_start)
            .map_or(0, |before| before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1));
    let content_end =
        if keeps && content_start >= content_end { skip_spaces_and_lines(bytes, line_start) } else { content_end };
    let mut end = content_end;
    loop {
        if end <= line_start {
            return header_end;
        }
        let is_terminated = bytes.get(end - 1) == Some(&b'\n');
        let line_end = if is_terminated { end - 1 } else { end };
        let start =
            bytes.get(..line_end).unwrap_or_default().iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let line = bytes.get(start..line_end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let is_blank = line.len() <= indent && line.iter().all(|&byte| byte == b' ');
        let belongs = if keeps { is_terminated || !is_blank } else { !is_blank };
        if belongs {
            return start + line.len();
        }
        end = start;
    }
}

fn skip_spaces_and_lines(bytes: &[u8], from: usize) -> usize {
    let blank =
        bytes.get(from..).unwrap_or_default().iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r')).count();
    from + blank
}

/// Whether a text has line breaks that YAML 1.1 and 1.2 readers see differently.
fn has_odd_line_breaks(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().any(|(at, &byte)| match byte {
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        0xC2 => bytes.get(at + 1) == Some(&0x85),
        0xE2 => bytes.get(at + 1) == Some(&0x80) && matches!(bytes.get(at + 2), Some(0xA8 | 0xA9)),
        _ => false,
    })
}

/// Decodes one scalar from its own text: a quoted or plain scalar, or a block scalar with its lines.
#[cold]
pub(crate) fn decode_scalar(source: &str, is_block: bool) -> String {
    // Behind a space, so that nothing is a document marker; a block scalar is cut off in front of its last line end.
    let mut document = String::with_capacity(source.len() + 2);
    document.push(' ');
    document.push_str(source);
    if is_block {
        document.push('\n');
    }
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    for event in Events::new(&document, options) {
        match event {
            Ok((Event::Scalar(value, ..), _)) => return value.into_owned(),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    String::new()
}
