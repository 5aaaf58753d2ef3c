//! Copies: a node of the document written once more, at another place and for itself.

use std::borrow::Cow;

use super::splice::Splice;
use super::{MERGE_WINS, PathStep, Planner, Refusal};
use crate::budget::{Budget, Exhausted};
use crate::emit::{self, BlockStyle};
use crate::error::ErrorKind;
use crate::tree::{NodeData, Shape, Source, flag};
use crate::value::{MAX_VALUE_DEPTH, Value};

/// What is put somewhere: a new value, or a copy of a node of the document.
pub(super) enum Content<'c> {
    Value(&'c Value),
    Copy(&'c Copied<'c>),
}

type Outcome = Result<(), Refusal>;

/// Writes copies of nodes for one place of the document.
pub(super) struct Copier<'a, 'b> {
    pub(super) planner: Planner<'a>,
    /// The node that the copy takes the place of: what an alias means depends on where it stands.
    pub(super) at: u32,
    pub(super) on_one_line: bool,
    pub(super) budget: &'b Budget,
}

/// A node's copy, as the content of a place.
pub(super) struct Copied<'c> {
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
    pub(super) fn replace_alias(&mut self, alias: u32, anchor: Option<&str>) -> Result<Vec<Splice>, Refusal> {
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
            _ if data.flags & flag::MERGE_KEY != 0 => {
                out.push_str("<<");
                Ok(())
            }
            Shape::Plain | Shape::SingleQuoted | Shape::DoubleQuoted if data.flags & flag::TAG == 0 => {
                self.write_flow(key, in_flow, 1, out)
            }
            _ => Err(self.refuse(key, "is shared and has a key that cannot be copied")),
        }
    }

    /// Writes the text of a collection, or somewhat more, as it stands, without anchors, its lines moved by some
    /// columns.
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
    pub(super) fn write_merges_out(&mut self, map: u32) -> Result<Vec<Splice>, Refusal> {
        let planner = self.planner;
        let view = planner.view(map);
        let mut own: Vec<(Cow<'_, str>, usize)> = Vec::new();
        let mut merge = None;
        for (position, (key, value)) in view.own_entries().enumerate() {
            if !view.is_merge_key(key) {
                own.extend(planner.view(key).scalar_text().map(|text| (text, position)));
            } else if merge.replace(PathStep { node: value, parent: Some(map), key: Some(key), position }).is_some() {
                let why = "has two merge keys (`<<`)";
                return Err(planner.refusal(ErrorKind::Merge, key, &[], why));
            }
        }
        let Some((merge, merge_key)) = merge.and_then(|step| Some((step, step.key?))) else {
            return Err(self.refuse(map, "is merged in a way that is not understood"));
        };
        self.at = merge_key;
        let in_flow = planner.source.node(map).shape == Shape::FlowMap;
        let start = planner.outer_start(merge_key);
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
            let parent = PathStep { node: map, parent: None, key: None, position: 0 };
            return planner.remove_child(parent, merge, &[]);
        }
        Ok(vec![Splice::new(start, end, text)])
    }
}

impl Copied<'_> {
    fn data(&self) -> NodeData {
        self.copier.source().node(self.node)
    }

    /// Anchor and tag, to stand on the line of the key or the dash.
    pub(super) fn head(&self) -> &str {
        &self.head
    }

    pub(super) fn is_inline(&self) -> bool {
        self.copier.on_one_line || !matches!(self.data().shape, Shape::BlockMap | Shape::BlockList)
    }

    pub(super) fn is_list(&self) -> bool {
        self.data().shape.is_list()
    }

    /// On one line, with anchor and tag.
    pub(super) fn write_inline(&self, in_flow: bool, out: &mut String) -> Outcome {
        out.push_str(&self.head);
        if !self.head.is_empty() {
            out.push(' ');
        }
        let in_flow = in_flow || !matches!(self.data().shape, Shape::Plain);
        self.copier.write_flow(self.node, in_flow, MAX_VALUE_DEPTH, out)
    }

    /// The lines of a collection at a column, as [`emit::write_block`] writes them, without anchor and tag.
    pub(super) fn write_block(&self, column: usize, out: &mut String) -> Outcome {
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
    pub(super) fn is_inline(&self) -> bool {
        match self {
            Content::Value(value) => emit::is_inline(value),
            Content::Copy(copied) => copied.is_inline(),
        }
    }

    pub(super) fn head(&self) -> &str {
        match self {
            Content::Value(_) => "",
            Content::Copy(copied) => copied.head(),
        }
    }

    /// Writes what stands on one line.
    #[inline(never)]
    pub(super) fn write_inline(&self, in_flow: bool, out: &mut String) -> Outcome {
        match self {
            Content::Value(value) if in_flow => emit::write_flow(value, out),
            Content::Value(value) => emit::write_inline(value, out),
            Content::Copy(copied) => return copied.write_inline(in_flow, out),
        }
        Ok(())
    }

    /// Writes lines at a column: without indentation before the first and line end after the last.
    #[inline(never)]
    pub(super) fn write_block(&self, column: usize, style: BlockStyle, out: &mut String) -> Outcome {
        match self {
            Content::Value(value) => emit::write_block(value, column, style, out),
            Content::Copy(copied) => return copied.write_block(column, out),
        }
        Ok(())
    }

    /// Writes the lines that come after a key at a column, each after a line end.
    #[inline(never)]
    pub(super) fn write_lines(&self, key_column: usize, style: BlockStyle, out: &mut String) -> Outcome {
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
