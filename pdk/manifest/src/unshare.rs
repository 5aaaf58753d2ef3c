//! Shared places: what an edit does where the chart shares a node by anchor and alias.
//!
//! An edit must change one place and no other, so that place is made to stand for itself first. There are three ways to
//! do that ([`Remedy`]); each is one rewriting of the document's text that changes the meaning of nothing, and whoever
//! applies it checks that ([`mean_the_same`]) before anything is built on it. One level is written out at a time: a
//! copy keeps the aliases in it, so aliases upon aliases cost what the way to the edit costs.

use std::borrow::Cow;

use crate::budget::{Budget, Exhausted};
use crate::edit::{Content, Planner, Refusal, Splice, Step};
use crate::emit::{self, BlockStyle};
use crate::error::ErrorKind;
use crate::node::Kind;
use crate::tree::{NodeData, Shape, Source, flag};
use crate::value::MAX_VALUE_DEPTH;

/// Bytes of copies that the edits of one document may write out. Aliases of charts stand for some hundred.
const MAX_COPIED: u64 = 16 << 20;

/// Nodes that the edits of one document may read again to write copies out: a second or two in a sandbox.
const MAX_READ_AGAIN: u64 = 8_000_000;

/// What may be used up for the shared places of one document.
pub(crate) fn budget() -> Budget {
    Budget::new(MAX_COPIED, MAX_READ_AGAIN)
}

/// How a place that is shared comes to stand for itself, without a change of meaning anywhere.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Remedy {
    /// The alias is replaced by a copy of what it refers to.
    WriteOut { alias: u32 },
    /// What this alias refers to is about to change, and no alias before it needs the old meaning: a copy comes here,
    /// with the anchor if there are aliases after it.
    Move { alias: u32 },
    /// The merge keys of a map are replaced by the entries that they give it.
    Merge { map: u32 },
}

impl From<Exhausted> for Refusal {
    #[cold]
    fn from(_: Exhausted) -> Self {
        let why = "is shared, and writing it out would take more than 16 MiB or reading 8 million nodes again";
        Refusal { kind: ErrorKind::TooLarge, offset: 0, what: String::new(), why, remedy: None }
    }
}

type Outcome = Result<(), Refusal>;

impl<'a> Planner<'a> {
    /// The splices of a remedy. Copies keep their layout and comments, or all stand on one line.
    pub(crate) fn unshare(&self, remedy: Remedy, on_one_line: bool, budget: &Budget) -> Result<Vec<Splice>, Refusal> {
        let mut copier = Copier { planner: *self, at: 0, on_one_line, budget };
        match remedy {
            Remedy::WriteOut { alias } => copier.replace_alias(alias, None),
            Remedy::Move { alias } => {
                let target = self.source.node(alias).extra;
                let mut name = None;
                let mut splices = Vec::new();
                if let Some((start, end)) = self.anchor(target) {
                    let is_alias = |node: &NodeData| node.shape == Shape::Alias && node.extra == target;
                    let nodes = &self.source.tree.nodes;
                    if nodes.iter().skip(alias as usize + 1).any(is_alias) {
                        name = self.source.text.get(start + 1..end);
                    }
                    if !nodes.iter().take(alias as usize).any(is_alias)
                        && let Some((from, to, instead)) = self.without_anchor(target)
                    {
                        splices.push(Splice::new(from, to, instead));
                    }
                }
                splices.extend(copier.replace_alias(alias, name)?);
                Ok(splices)
            }
            Remedy::Merge { map } => copier.write_merges_out(map),
        }
    }

    /// Where the anchor of a node stands, with its `&`.
    fn anchor(&self, node: u32) -> Option<(usize, usize)> {
        self.property(node, b'&')
    }

    /// Where the anchor (`&`) or the tag (`!`) of a node stands.
    #[inline(never)]
    fn property(&self, node: u32, sort: u8) -> Option<(usize, usize)> {
        let end = self.source.node(node).start as usize;
        let mut at = self.source.tree.properties_start(node)?;
        while at < end {
            let first = self.bytes().get(at).copied();
            let stops = |byte: &u8| byte.is_ascii_whitespace() || (first == Some(b'&') && b",[]{}".contains(byte));
            let length = self.bytes().get(at..end)?.iter().position(stops).unwrap_or(end - at);
            if first == Some(sort) {
                return Some((at, at + length));
            }
            at = crate::tree::skip_blank(self.source.text, at + length.max(1));
        }
        None
    }

    /// What takes an anchor away: from where to where, and what comes there.
    #[inline(never)]
    fn without_anchor(&self, node: u32) -> Option<(usize, usize, &'static str)> {
        let (start, end) = self.anchor(node)?;
        let data = self.source.node(node);
        if data.shape == Shape::Empty && data.flags & flag::TAG == 0 {
            return Some((start, end, "null"));
        }
        let count = |bytes: &[u8]| bytes.iter().take_while(|&&byte| byte == b' ').count();
        let behind = end + count(self.bytes().get(end..)?);
        if !matches!(self.bytes().get(behind), None | Some(b'\n' | b'\r')) {
            return Some((start, behind, ""));
        }
        let before = self.bytes().get(..start)?.iter().rev().take_while(|&&byte| byte == b' ').count();
        Some((start - before, end, ""))
    }

    /// The step to a node, from its parent.
    #[inline(never)]
    fn step_to(&self, wanted: u32) -> Option<Step> {
        let mut parent = 0;
        loop {
            let data = self.source.node(parent);
            let children: Vec<u32> = self.view(parent).children().collect();
            let at = children.partition_point(|&child| child <= wanted).checked_sub(1)?;
            let child = children.get(at).copied()?;
            if child == wanted {
                let (position, key) = match data.shape.is_map() {
                    true => (at / 2, children.get(at & !1).copied()),
                    false => (at, None),
                };
                let is_key = data.shape.is_map() && at % 2 == 0;
                return (!is_key).then_some(Step { node: wanted, parent: Some(parent), key, position });
            }
            parent = child;
        }
    }
}

/// Writes copies of nodes for one place of the document.
struct Copier<'a, 'b> {
    planner: Planner<'a>,
    /// The node that the copy takes the place of: what an alias means depends on where it stands.
    at: u32,
    on_one_line: bool,
    budget: &'b Budget,
}

/// A node's copy, as the content of a place.
pub(crate) struct Copied<'c> {
    copier: &'c Copier<'c, 'c>,
    node: u32,
    /// Anchor and tag.
    head: String,
}

impl<'a> Copier<'a, '_> {
    fn source(&self) -> Source<'a> {
        self.planner.source
    }

    fn raw_text(&self, data: NodeData) -> &'a str {
        self.source().text.get(data.start as usize..data.end as usize).unwrap_or_default()
    }

    #[cold]
    fn refuse(&self, node: u32, why: &'static str) -> Refusal {
        self.planner.refusal(ErrorKind::Alias, node, &[], why)
    }

    #[inline(never)]
    fn replace_alias(&mut self, alias: u32, anchor: Option<&str>) -> Result<Vec<Splice>, Refusal> {
        let target = self.source().node(alias).extra;
        if target <= alias && alias < self.source().node(target).next {
            return Err(self.refuse(alias, "is an alias of what it stands in"));
        }
        let Some(step) = self.planner.step_to(alias) else {
            return Err(self.refuse(alias, "is shared with an alias that stands as a key"));
        };
        self.at = alias;
        let copied = self.copied(target, anchor)?;
        self.planner.replace_by(step, &[], &Content::Copy(&copied))
    }

    #[inline(never)]
    fn copied<'c>(&'c self, node: u32, anchor: Option<&str>) -> Result<Copied<'c>, Refusal>
    where
        'a: 'c,
    {
        let mut head = String::new();
        if let Some(name) = anchor {
            head.push('&');
            head.push_str(name);
        }
        if let Some(tag) = self.tag(node)? {
            if !head.is_empty() {
                head.push(' ');
            }
            head.push_str(tag);
        }
        Ok(Copied { copier: self, node, head })
    }

    #[inline(never)]
    fn tag(&self, node: u32) -> Result<Option<&'a str>, Refusal> {
        let data = self.source().node(node);
        if data.flags & flag::TAG == 0 {
            return Ok(None);
        }
        match self.planner.property(node, b'!').and_then(|(start, end)| self.source().text.get(start..end)) {
            Some(tag) if data.shape != Shape::Empty => Ok(Some(tag)),
            _ => Err(self.refuse(node, "is shared and has a tag that cannot be copied")),
        }
    }

    /// Whether an alias means the same where the copy stands.
    #[inline(never)]
    fn means_the_same_there(&self, alias: NodeData) -> Result<bool, Exhausted> {
        let name = self.raw_text(alias).as_bytes().get(1..).unwrap_or_default();
        let mut node = self.at;
        // Back to the latest anchor of that name; it is the alias's own or one that hides it.
        while let Some(before) = node.checked_sub(1).filter(|&before| before > alias.extra) {
            node = before;
            if self.source().node(node).flags & flag::ANCHOR == 0 {
                continue;
            }
            self.budget.entries(1)?;
            if let Some((start, end)) = self.planner.anchor(node)
                && self.planner.bytes().get(start + 1..end) == Some(name)
            {
                return Ok(false);
            }
        }
        self.budget.entries(((self.at - alias.extra.min(self.at)) / 8) as usize)?;
        Ok(true)
    }

    /// Writes a node on one line, valid between brackets, with its tag.
    #[inline(never)]
    fn write_flow_with_tag(&self, node: u32, depth: usize, out: &mut String) -> Outcome {
        if let Some(tag) = self.tag(node)? {
            out.push_str(tag);
            out.push(' ');
        }
        self.write_flow(node, true, depth, out)
    }

    /// Writes a node on one line; `in_flow` says whether brackets stand around it.
    #[inline(never)]
    fn write_flow(&self, node: u32, in_flow: bool, depth: usize, out: &mut String) -> Outcome {
        let data = self.source().node(node);
        let Some(depth) = depth.checked_sub(1) else {
            return Err(self.refuse(node, "is shared and nested too deep"));
        };
        let raw = self.raw_text(data);
        self.budget.bytes(8)?;
        let is_on_one_line = !raw.contains('\n');
        let text = match data.shape {
            Shape::Alias if self.means_the_same_there(data)? => Cow::Borrowed(raw),
            Shape::Alias => return self.write_flow_with_tag(data.extra, depth, out),
            Shape::Empty => Cow::Borrowed("null"),
            Shape::SingleQuoted | Shape::DoubleQuoted if is_on_one_line => Cow::Borrowed(raw),
            Shape::Plain if is_on_one_line && (!in_flow || is_safe_in_flow(raw)) => Cow::Borrowed(raw),
            Shape::Plain | Shape::SingleQuoted | Shape::DoubleQuoted | Shape::Literal | Shape::Folded => {
                let text = self.planner.view(node).scalar_text().unwrap_or_default();
                self.budget.bytes(text.len())?;
                emit::write_quoted(&text, out);
                return Ok(());
            }
            Shape::FlowMap | Shape::FlowList if is_on_one_line && raw.starts_with(['{', '[']) => {
                return self.write_raw(node, data.start as usize, data.end as usize, 0, out);
            }
            Shape::FlowMap | Shape::BlockMap => {
                out.push('{');
                for (position, (key, value)) in self.planner.view(node).own_entries().enumerate() {
                    if position > 0 {
                        out.push_str(", ");
                    }
                    self.write_key(key, true, out)?;
                    out.push_str(": ");
                    self.write_flow_with_tag(value, depth, out)?;
                }
                out.push('}');
                return Ok(());
            }
            Shape::FlowList | Shape::BlockList => {
                out.push('[');
                for (position, item) in self.planner.view(node).children().enumerate() {
                    if position > 0 {
                        out.push_str(", ");
                    }
                    self.write_flow_with_tag(item, depth, out)?;
                }
                out.push(']');
                return Ok(());
            }
        };
        self.budget.bytes(text.len())?;
        out.push_str(&text);
        Ok(())
    }

    #[inline(never)]
    fn write_key(&self, key: u32, in_flow: bool, out: &mut String) -> Outcome {
        let data = self.source().node(key);
        match data.shape {
            Shape::Plain | Shape::SingleQuoted | Shape::DoubleQuoted if data.flags & flag::TAG == 0 => {
                self.write_flow(key, in_flow, 1, out)
            }
            _ => Err(self.refuse(key, "is shared and has a key that cannot be copied")),
        }
    }

    /// Writes the text of a collection, or somewhat more, as it stands, without anchors, its lines moved by some columns.
    #[inline(never)]
    fn write_raw(&self, node: u32, start: usize, end: usize, shift: isize, out: &mut String) -> Outcome {
        let data = self.source().node(node);
        let mut from = start;
        let mut copy_until = |to: usize, next: usize, out: &mut String| -> Outcome {
            let text = self.source().text.get(from..to).unwrap_or_default();
            self.budget.bytes(text.len())?;
            write_shifted(text, shift, out);
            from = next;
            Ok(())
        };
        for index in node + 1..data.next {
            let inner = self.source().node(index);
            if inner.flags & flag::ANCHOR != 0
                && let Some((start, end, instead)) = self.planner.without_anchor(index)
            {
                copy_until(start, end, out)?;
                out.push_str(instead);
            }
            if inner.shape == Shape::Alias && !self.means_the_same_there(inner)? {
                copy_until(inner.start as usize, inner.end as usize, out)?;
                self.write_flow_with_tag(index, MAX_VALUE_DEPTH, out)?;
            }
        }
        copy_until(end, end, out)
    }

    /// Replaces the merge keys of a map by what they give it.
    #[inline(never)]
    fn write_merges_out(&mut self, map: u32) -> Result<Vec<Splice>, Refusal> {
        let planner = self.planner;
        let view = planner.view(map);
        let mut own: Vec<(Cow<'_, str>, usize)> = Vec::new();
        let mut merge = None;
        for (position, (key, value)) in view.own_entries().enumerate() {
            if !view.is_merge_key(key) {
                own.extend(planner.view(key).scalar_text().map(|text| (text, position)));
            } else if merge.replace(Step { node: value, parent: Some(map), key: Some(key), position }).is_some() {
                let why = "has two merge keys (`<<`)";
                return Err(planner.refusal(ErrorKind::Merge, key, &[], why));
            }
        }
        let Some((merge, merge_key)) = merge.and_then(|step| Some((step, step.key?))) else {
            return Err(self.refuse(map, "is merged in a way that is not understood"));
        };
        self.at = merge_key;
        let in_flow = planner.source.node(map).shape == Shape::FlowMap;
        let start = planner.source.node(merge_key).start as usize;
        let end = planner.source.node(merge.node).end as usize;
        let column = if in_flow { 0 } else { planner.column(start, &[])? };
        let mut added: Vec<(u32, u32)> = Vec::new();
        for merged in view.merged_maps() {
            let from = added.len();
            let entries: Vec<(u32, u32)> = merged.own_entries().filter(|&(key, _)| !merged.is_merge_key(key)).collect();
            // Of equal keys the last one counts.
            for &(key, value) in entries.iter().rev() {
                let Some(name) = planner.view(key).scalar_text() else {
                    return Err(self.refuse(key, "is merged and has a key that cannot be copied"));
                };
                self.budget.entries(own.len())?;
                match own.iter().find(|(other, _)| *other == name) {
                    Some(&(_, position)) if position < merge.position => {
                        return Err(planner.refusal(ErrorKind::Merge, merge_key, &[], MERGE_WINS));
                    }
                    Some(_) => {}
                    None => {
                        own.push((name, usize::MAX));
                        added.push((key, value));
                    }
                }
            }
            if let Some(added) = added.get_mut(from..) {
                added.reverse();
            }
        }
        let style = planner.style(map, column, false);
        let mut text = String::new();
        for (position, &(key, value)) in added.iter().enumerate() {
            if position > 0 {
                match in_flow {
                    true => text.push_str(", "),
                    false => emit::write_line_start(column, style, &mut text),
                }
            }
            self.write_key(key, in_flow, &mut text)?;
            text.push(':');
            if in_flow {
                text.push(' ');
                self.write_flow_with_tag(value, MAX_VALUE_DEPTH, &mut text)?;
            } else {
                let copied = self.copied(value, None)?;
                Content::Copy(&copied).write_value(column, style, &mut text)?;
            }
        }
        if text.is_empty() {
            if view.len() == 1 {
                return Err(self.refuse(map, "merges nothing and has nothing else"));
            }
            let parent = Step { node: map, parent: None, key: None, position: 0 };
            return planner.remove_child(parent, merge, &[]);
        }
        Ok(vec![Splice::new(start, end, text)])
    }
}

/// Why a key in front of a merge key that gives it too is left alone: go-yaml v2, which Helm and Kubernetes read with,
/// lets what comes last count; YAML's own rule is that the map's key does.
pub(crate) const MERGE_WINS: &str =
    "has a key in front of a merge key (`<<`) that gives it too: readers disagree which counts";

impl Copied<'_> {
    fn data(&self) -> NodeData {
        self.copier.source().node(self.node)
    }

    /// Anchor and tag, to stand on the line of the key or the dash.
    pub(crate) fn head(&self) -> &str {
        &self.head
    }

    pub(crate) fn is_inline(&self) -> bool {
        self.copier.on_one_line || !matches!(self.data().shape, Shape::BlockMap | Shape::BlockList)
    }

    pub(crate) fn is_list(&self) -> bool {
        self.data().shape.is_list()
    }

    /// On one line, with anchor and tag.
    pub(crate) fn write_inline(&self, in_flow: bool, out: &mut String) -> Outcome {
        out.push_str(&self.head);
        if !self.head.is_empty() {
            out.push(' ');
        }
        let in_flow = in_flow || !matches!(self.data().shape, Shape::Plain);
        self.copier.write_flow(self.node, in_flow, MAX_VALUE_DEPTH, out)
    }

    /// The lines of a collection at a column, as [`emit::write_block`] writes them, without anchor and tag.
    pub(crate) fn write_block(&self, column: usize, out: &mut String) -> Outcome {
        let data = self.data();
        let planner = self.copier.planner;
        let own = planner.column(data.start as usize, &[])?;
        let behind = planner.source.node(self.copier.at).end as usize;
        let has_line_end = planner.source.text.get(behind..).is_some_and(|rest| rest.contains('\n'));
        if !has_line_end && planner.last_leaf(self.node).shape.is_block_scalar() {
            // Readers of YAML 1.1 give a block scalar no line end where the text has none.
            return Err(self.copier.refuse(self.node, "ends in a block scalar that would come last"));
        }
        // A comment behind the last line belongs to it, as do those above the first.
        let end = planner.clean_line_end(data.end as usize, &[])?;
        let start = planner.comments_above(data.start as usize);
        self.copier.write_raw(self.node, start, end, column as isize - own as isize, out)
    }
}

impl Content<'_> {
    pub(crate) fn is_inline(&self) -> bool {
        match self {
            Content::Value(value) => emit::is_inline(value),
            Content::Copy(copied) => copied.is_inline(),
        }
    }

    pub(crate) fn head(&self) -> &str {
        match self {
            Content::Value(_) => "",
            Content::Copy(copied) => copied.head(),
        }
    }

    /// Writes what stands on one line.
    #[inline(never)]
    pub(crate) fn write_inline(&self, in_flow: bool, out: &mut String) -> Outcome {
        match self {
            Content::Value(value) if in_flow => emit::write_flow(value, out),
            Content::Value(value) => emit::write_inline(value, out),
            Content::Copy(copied) => return copied.write_inline(in_flow, out),
        }
        Ok(())
    }

    /// Writes lines at a column: without indentation before the first and line end after the last.
    #[inline(never)]
    pub(crate) fn write_block(&self, column: usize, style: BlockStyle, out: &mut String) -> Outcome {
        match self {
            Content::Value(value) => emit::write_block(value, column, style, out),
            Content::Copy(copied) => return copied.write_block(column, out),
        }
        Ok(())
    }

    /// Writes the lines that come after a key at a column, each after a line end.
    #[inline(never)]
    pub(crate) fn write_lines(&self, key_column: usize, style: BlockStyle, out: &mut String) -> Outcome {
        let is_list = match self {
            Content::Value(value) => value.as_list().is_some(),
            Content::Copy(copied) => copied.is_list(),
        };
        let column = emit::column_under(key_column, is_list, style);
        emit::write_line_start(column, style, out);
        self.write_block(column, style, out)
    }

    /// Writes what comes after `key:`.
    fn write_value(&self, key_column: usize, style: BlockStyle, out: &mut String) -> Outcome {
        if self.is_inline() {
            out.push(' ');
            return self.write_inline(false, out);
        }
        if !self.head().is_empty() {
            out.push(' ');
            out.push_str(self.head());
        }
        self.write_lines(key_column, style, out)
    }
}

/// Whether a plain scalar means the same between brackets, for every reader.
fn is_safe_in_flow(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-' | b'+' | b'~' | b'<'))
}

/// Writes a text with the lines after its first moved by some columns, to the left as far as they can be.
#[inline(never)]
fn write_shifted(text: &str, shift: isize, out: &mut String) {
    for (position, line) in text.split_inclusive('\n').enumerate() {
        if position == 0 {
            out.push_str(line);
            continue;
        }
        let content = line.trim_start_matches(' ');
        let column = line.len() - content.len();
        let is_empty = column == 0 && matches!(content, "\n" | "\r\n");
        emit::write_spaces(if is_empty { 0 } else { column.saturating_add_signed(shift) }, out);
        out.push_str(content);
    }
}

/// Whether two documents mean the same everywhere, aliases and merges looked through. A node of the second document that
/// would stand for two of the first counts as a difference: copies are made, nodes are never put together.
#[inline(never)]
pub(crate) fn mean_the_same(before: Source<'_>, after: Source<'_>, budget: &Budget) -> Result<bool, Exhausted> {
    const NONE: u32 = u32::MAX;
    budget.entries(after.tree.nodes.len())?;
    let mut counterpart = vec![NONE; after.tree.nodes.len()];
    let mut waiting = vec![(before.root(), after.root())];
    while let Some((old, new)) = waiting.pop() {
        match counterpart.get_mut(new.index as usize) {
            Some(known) if *known == NONE => *known = old.index,
            Some(known) if *known == old.index => continue,
            _ => return Ok(false),
        }
        let (old_data, new_data) = (old.data(), new.data());
        let tags = flag::TAG | flag::TEXT_TAG;
        if old.kind() != new.kind() || (old_data.flags ^ new_data.flags) & tags != 0 {
            return Ok(false);
        }
        match old.kind() {
            Kind::Scalar => {
                let is_same = old.scalar_text() == new.scalar_text() || (old.is_null() && new.is_null());
                if !is_same || old.scalar_type() != new.scalar_type() {
                    return Ok(false);
                }
            }
            Kind::List => {
                if old.len() != new.len() {
                    return Ok(false);
                }
                waiting.extend(old.items().zip(new.items()));
            }
            Kind::Map => {
                if (old_data.flags | new_data.flags) & flag::MERGES != 0 {
                    budget.entries(after.tree.nodes.len())?;
                }
                let (old_entries, new_entries) = (old.entries(), new.entries());
                if old_entries.len() != new_entries.len() {
                    return Ok(false);
                }
                let mut place = 0;
                for (key, old) in old_entries {
                    // Nearly always the next one.
                    let (before, from) = new_entries.split_at_checked(place).unwrap_or_default();
                    let found = from.iter().chain(before).position(|(other, _)| *other == key);
                    let Some(steps) = found else { return Ok(false) };
                    budget.entries(steps / 8 + 1)?;
                    place = (place + steps) % new_entries.len().max(1);
                    let Some((_, new)) = new_entries.get(place) else { return Ok(false) };
                    waiting.push((old, *new));
                    place += 1;
                }
            }
        }
    }
    Ok(true)
}
