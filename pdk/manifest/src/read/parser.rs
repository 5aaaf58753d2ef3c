//! The thorough way to read a document: the events of `windlass-manifest-events`, which follows go-yaml, put into the
//! arena.

use std::collections::BTreeMap;

use windlass_manifest_events::{EventKind, Events, Style, Tag};

use crate::error::{ErrorKind, Problem, ReadFailure};
use crate::split;
use crate::tree::{NodeData, Open, Shape, Tree, flag};
use crate::typing;

/// How deep the collections of one document may be nested. Go's parser allows 10,000; no object comes near.
const MAX_DEPTH: usize = 1000;

/// What a name in the parser's map of anchors takes, in nodes.
const NODES_PER_ANCHOR: usize = 2;

/// Fills the tree from one document's text by way of the YAML parser.
pub(crate) fn parse(text: &str, tree: &mut Tree) -> Result<(), Problem> {
    parse_within(text, tree).map_err(ReadFailure::into_problem)
}

/// The same, with the tree's limit told apart.
pub(super) fn parse_within(text: &str, tree: &mut Tree) -> Result<(), ReadFailure> {
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
            return Err(ReadFailure::TooManyNodes);
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
            let may_merge = match (event.kind, event.tag) {
                (EventKind::Scalar(style), None) => style == Style::Plain,
                (EventKind::Scalar(_), tag) => tag == Some(Tag::Merge),
                _ => false,
            };
            builder.child_done(index, may_merge && events.text(&event) == "<<");
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

    /// Counts a child of the collection that is open; `merges` says that it is a merge key where it is a key.
    fn child_done(&mut self, index: u32, merges: bool) {
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
        if parent_is_map && is_key && merges {
            self.add_flags(index, flag::MERGE_KEY);
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
        self.child_done(open.node, false);
    }
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
