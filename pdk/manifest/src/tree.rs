//! The arena: what one document holds and where, as spans of its text.
//!
//! A [`Tree`] is filled once per document and its buffers are reused for the next. Nodes stand in the order of the
//! text, a collection before its children (a map's children are key, value, key, value); `next` skips a subtree.
//! Aliases are never expanded: an alias node names its target, so a document of aliases upon aliases costs what its
//! text costs.

use std::cell::Cell;

use crate::emit::ListIndent;
use crate::split::count_lines;

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
    /// A merge key: `<<` without quotes and tag, or with the tag `!!merge` or `!`, whatever its quotes.
    pub(crate) const MERGE_KEY: u8 = 128;
}

/// One document. See the module's comment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<NodeData>,
    /// `(start, end)` in `decoded_text`.
    pub(crate) decoded: Vec<(u32, u32)>,
    pub(crate) decoded_text: String,
    /// Nodes with an anchor or a tag, and where the first of these starts; in order of nodes.
    pub(crate) properties: Vec<(u32, u32)>,
    /// The text has line breaks that not all YAML readers agree on: a lone CR.
    pub(crate) has_odd_line_breaks: bool,
    pub(crate) has_anchors: bool,
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
    pub(crate) open: Vec<Open>,
    pub(crate) levels: Vec<Level>,
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

/// What was looked for once: not yet, or what was found, if anything was.
pub(crate) type Known<T> = Option<Option<T>>;

/// `(line, added)` in order: at that 0-based line of the text before the edit, so many lines came in (or went).
pub(crate) type LineShifts = Vec<(usize, isize)>;

/// A collection that the parser has not closed yet.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) node: u32,
    pub(crate) children: u32,
    /// It has no brackets of its own: a block collection, or the pair in `[a: b]`.
    pub(crate) is_open_ended: bool,
    /// Where the last child ended.
    pub(crate) last_end: usize,
}

/// A block collection that the fast reader has open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    pub(crate) node: u32,
    pub(crate) column: u32,
    pub(crate) is_map: bool,
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
    pub(crate) fn size(&self) -> usize {
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

#[cfg(test)]
mod tests {
    #[test]
    fn lines_are_right_whatever_the_order_they_are_asked_in() {
        let text = "kind: List\nitems:\n- kind: A\n  x: 1\n- kind: B\n";
        let tree = &mut super::Tree::default();
        assert!(crate::read::read(text, tree).is_ok());
        let source = super::Source { text, tree, first_line: 7 };
        for offset in [0, 47, 20, 21, 3, 99, 0, 33] {
            let expected = 7 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
            assert_eq!(source.line_at(offset), expected, "{offset}");
        }
    }
}
