//! Adding: entries to a map, items to a list.

use super::splice::Splice;
use super::{Plan, Planner, Refusal, Remedy};
use crate::emit::{self, BlockStyle};
use crate::error::ErrorKind;
use crate::path::Segment;
use crate::split::skip_blank;
use crate::tree::{NodeData, Shape, flag};
use crate::value::Value;

impl Planner<'_> {
    pub(super) fn add_entries(&self, map: u32, path: &[Segment], entries: &[(String, Value)]) -> Plan {
        self.refuse_shared(map, path)?;
        let data = self.source.node(map);
        match data.shape {
            Shape::FlowMap => self.add_flow_entries(map, data, path, entries),
            Shape::BlockMap => {
                let column = self.column(data.start as usize, path)?;
                let is_inline = entries.iter().all(|(_, value)| emit::is_inline(value));
                let style = self.style(map, column, is_inline);
                let mut text = String::new();
                if self.ends_with_the_text(map) {
                    if data.flags & flag::MERGES != 0 {
                        // In front of a merge key some readers would let the merge win.
                        let why = "has a merge key (`<<`) in front of which nothing can be added";
                        let refusal = self.refusal(ErrorKind::Merge, map, path, why);
                        return Err(Refusal { remedy: Some(Remedy::Merge { map }), ..refusal });
                    }
                    // A line end behind its last line would change what that block scalar means to libyaml.
                    emit::write_block_entries(entries, column, style, &mut text);
                    emit::write_line_start(column, style, &mut text);
                    return Ok(vec![Splice::new(data.start as usize, data.start as usize, text)]);
                }
                let at = self.clean_line_end(data.end as usize, path)?;
                // The line end of the neighbour, which then stands behind the last new line.
                let style = BlockStyle { newline: self.newline_at(at), ..style };
                emit::write_line_start(column, style, &mut text);
                emit::write_block_entries(entries, column, style, &mut text);
                Ok(vec![Splice { start: at, end: at, text, appends_to: Some((map, column)) }])
            }
            _ => Err(self.refusal(ErrorKind::Path, map, path, "is not a map")),
        }
    }

    fn add_flow_entries(&self, map: u32, data: NodeData, path: &[Segment], entries: &[(String, Value)]) -> Plan {
        let open = data.start as usize;
        if self.bytes().get(open) != Some(&b'{') {
            return Err(self.layout(open, path, "is a map without braces inside a list"));
        }
        let mut text = String::new();
        if self.view(map).is_empty() {
            emit::write_flow_entries(entries, &mut text);
            return Ok(vec![Splice::new(open + 1, open + 1, text)]);
        }
        if data.flags & flag::MERGES != 0 {
            // Some readers let a merge win over the keys in front of it.
            if self.last_leaf(map).shape == Shape::Empty {
                return Err(self.layout(open, path, "ends in an empty value"));
            }
            let at = self.last_child_end(map);
            text.push_str(", ");
            emit::write_flow_entries(entries, &mut text);
            return Ok(vec![Splice::new(at, at, text)]);
        }
        let at = skip_blank(self.source.text, open + 1);
        let prefix = self.line_prefix(at);
        if self.line_start(at) > open && prefix.bytes().all(|byte| matches!(byte, b' ' | b'\t')) {
            for entry in entries {
                emit::write_flow_entries(std::slice::from_ref(entry), &mut text);
                text.push(',');
                text.push_str(self.newline_at(at));
                text.push_str(prefix);
            }
        } else {
            emit::write_flow_entries(entries, &mut text);
            text.push_str(", ");
        }
        Ok(vec![Splice::new(at, at, text)])
    }

    fn last_child_end(&self, node: u32) -> usize {
        self.view(node).children().last().map_or(0, |child| self.source.node(child).end as usize)
    }

    pub(super) fn insert_items(&self, list: u32, path: &[Segment], index: usize, values: &[Value]) -> Plan {
        self.refuse_shared(list, path)?;
        let data = self.source.node(list);
        let length = self.view(list).len();
        let index = if index == usize::MAX { length } else { index };
        if index > length {
            return Err(self.refusal(ErrorKind::Path, list, path, "has fewer items than that"));
        }
        match data.shape {
            Shape::FlowList => self.insert_flow_items(list, data, path, index, values),
            Shape::BlockList => {
                let column = self.column(data.start as usize, path)?;
                let style = self.style(list, column, values.iter().all(emit::is_inline));
                let mut text = String::new();
                let Some(before) = index.checked_sub(1) else {
                    return Ok(vec![self.first_items(data.start as usize, column, style, values)]);
                };
                let previous = self.child(list, before).map_or(data.end, |step| self.source.node(step.node).end);
                if index == length && self.ends_with_the_text(list) {
                    return Err(self.layout(
                        previous as usize,
                        path,
                        "ends in a block scalar without a line end, which adding one would change",
                    ));
                }
                let at = self.clean_line_end(previous as usize, path)?;
                let style = BlockStyle { newline: self.newline_at(at), ..style };
                for value in values {
                    emit::write_line_start(column, style, &mut text);
                    emit::write_block_item(value, column, style, &mut text);
                }
                let appends_to = (index == length).then_some((list, column));
                Ok(vec![Splice { start: at, end: at, text, appends_to }])
            }
            _ => Err(self.refusal(ErrorKind::Path, list, path, "is not a list")),
        }
    }

    /// New first items, in front of the comments above the one that was first.
    fn first_items(&self, dash: usize, column: usize, style: BlockStyle, values: &[Value]) -> Splice {
        let mut text = String::new();
        if !self.is_first_on_line(dash) {
            for value in values {
                emit::write_block_item(value, column, style, &mut text);
                emit::write_line_start(column, style, &mut text);
            }
            return Splice::new(dash, dash, text);
        }
        let at = self.line_start(self.comments_above(dash));
        for value in values {
            emit::write_spaces(column, &mut text);
            emit::write_block_item(value, column, style, &mut text);
            text.push_str(style.newline);
        }
        Splice::new(at, at, text)
    }

    fn insert_flow_items(&self, list: u32, data: NodeData, path: &[Segment], index: usize, values: &[Value]) -> Plan {
        let mut text = String::new();
        let length = self.view(list).len();
        if length == 0 {
            let at = data.start as usize + 1;
            emit::write_flow_items(values, &mut text);
            return Ok(vec![Splice::new(at, at, text)]);
        }
        if index < length {
            let before = self.child(list, index).map_or(list, |step| step.node);
            let at = match index.checked_sub(1).and_then(|index| self.child(list, index)) {
                // Behind the comma, where the item or what stands in front of it starts.
                Some(previous) => {
                    let comma = skip_blank(self.source.text, self.source.node(previous.node).end as usize);
                    skip_blank(self.source.text, comma + 1)
                }
                None => skip_blank(self.source.text, data.start as usize + 1),
            };
            if at > self.outer_start(before) {
                return Err(self.layout(at, path, "has a layout that is not understood"));
            }
            emit::write_flow_items(values, &mut text);
            text.push_str(", ");
            return Ok(vec![Splice::new(at, at, text)]);
        }
        if self.last_leaf(list).shape == Shape::Empty {
            return Err(self.layout(data.end as usize, path, "ends in an empty value"));
        }
        let last = self.child(list, length - 1).map_or(list, |step| step.node);
        let prefix = self.line_prefix(self.outer_start(last));
        text.push(',');
        if self.line_start(self.outer_start(last)) > data.start as usize
            && prefix.bytes().all(|byte| matches!(byte, b' ' | b'\t'))
        {
            text.push_str(self.newline_at(self.source.node(last).end as usize));
            text.push_str(prefix);
        } else {
            text.push(' ');
        }
        emit::write_flow_items(values, &mut text);
        let at = self.source.node(last).end as usize;
        Ok(vec![Splice::new(at, at, text)])
    }

    /// Whether a node ends with a block scalar whose last line has no line end.
    fn ends_with_the_text(&self, node: u32) -> bool {
        let data = self.source.node(node);
        data.end as usize == self.source.text.len() && self.last_leaf(node).shape.is_block_scalar()
    }
}
