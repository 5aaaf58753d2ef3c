//! Removing: an entry with its key, an item with its dash.

use super::splice::Splice;
use super::{PathStep, Plan, Planner, Refusal};
use crate::error::ErrorKind;
use crate::path::Segment;
use crate::split::{self, skip_blank};
use crate::tree::{NodeData, Shape};
use crate::value::Value;

impl Planner<'_> {
    pub(super) fn remove_child(&self, parent: PathStep, child: PathStep, path: &[Segment]) -> Plan {
        let data = self.source.node(parent.node);
        let view = self.view(parent.node);
        let length = view.len();
        let end = self.source.node(child.node).end as usize;
        match data.shape {
            Shape::FlowMap | Shape::FlowList => {
                let is_bracketed = matches!(self.bytes().get(data.start as usize), Some(b'{' | b'['));
                if !is_bracketed
                    || (data.shape == Shape::FlowMap && self.bytes().get(data.start as usize) == Some(&b'['))
                {
                    return Err(self.layout(data.start as usize, path, "is in a map without braces"));
                }
                if length == 1 {
                    return Ok(vec![Splice::new(data.start as usize + 1, (data.end as usize).saturating_sub(1), "")]);
                }
                if child.position > 0 {
                    let mut from = self.previous_end(parent.node, child.position);
                    if self.leaf_in_front(parent.node, child.position).is_some_and(|leaf| leaf.shape == Shape::Empty) {
                        // To Helm `{a:, b}` has the key `a:`: the blank in front of the comma stays.
                        from = skip_blank(self.source.text, from);
                    }
                    return Ok(vec![Splice::new(from, end, "")]);
                }
                let from = skip_blank(self.source.text, data.start as usize + 1);
                let comma = skip_blank(self.source.text, end);
                if self.bytes().get(comma) != Some(&b',') {
                    return Err(self.layout(comma, path, "has a layout that is not understood"));
                }
                Ok(vec![Splice::new(from, skip_blank(self.source.text, comma + 1), "")])
            }
            Shape::BlockMap | Shape::BlockList => {
                if length == 1 {
                    let empty = if data.shape.is_map() { Value::Map(Vec::new()) } else { Value::List(Vec::new()) };
                    return self.replace(parent, path, &empty);
                }
                let from = match child.position {
                    0 => data.start as usize,
                    position => skip_blank(self.source.text, self.previous_end(parent.node, position)),
                };
                let line_end = self.clean_line_end(end, path)?;
                if self.is_first_on_line(from) {
                    let start = match self.line_start(from) {
                        // A byte order mark stays in front of what follows.
                        0 if self.source.text.starts_with('\u{feff}') => 3,
                        start => start,
                    };
                    let next = split::next_line(self.bytes(), line_end);
                    let next = self.past_what_a_block_scalar_would_take(parent.node, child.position, next, path)?;
                    return Ok(vec![Splice::new(start, next, "")]);
                }
                if child.position > 0 {
                    return Err(self.layout(from, path, "does not start on a line of its own"));
                }
                let next = skip_blank(self.source.text, line_end);
                Ok(vec![Splice::new(from, next, "")])
            }
            _ => Err(self.refusal(ErrorKind::Path, parent.node, path, "is not in a map or a list")),
        }
    }

    /// The child, of a map the value, in front of a position.
    fn previous(&self, parent: u32, position: usize) -> Option<u32> {
        let per_child = if self.source.node(parent).shape.is_map() { 2 } else { 1 };
        (position * per_child).checked_sub(1).and_then(|at| self.view(parent).children().nth(at))
    }

    /// Where the child in front of a position ends.
    fn previous_end(&self, parent: u32, position: usize) -> usize {
        self.previous(parent, position).map_or(0, |node| self.source.node(node).end as usize)
    }

    fn leaf_in_front(&self, parent: u32, position: usize) -> Option<NodeData> {
        self.previous(parent, position).map(|previous| self.last_leaf(previous))
    }

    /// When lines go away that end a block scalar, what follows must not become part of it: blank lines go too if it
    /// keeps them or if they are further indented than its text, and a comment that is indented like its text is a
    /// reason to refuse.
    fn past_what_a_block_scalar_would_take(
        &self,
        parent: u32,
        position: usize,
        next: usize,
        path: &[Segment],
    ) -> Result<usize, Refusal> {
        let Some(leaf) = self.leaf_in_front(parent, position) else { return Ok(next) };
        if !leaf.shape.is_block_scalar() {
            return Ok(next);
        }
        let header = self.source.text.get(leaf.start as usize..leaf.end as usize).unwrap_or_default();
        let keeps = header.bytes().take_while(|byte| !byte.is_ascii_whitespace()).any(|byte| byte == b'+');
        let text_indent = header
            .split('\n')
            .skip(1)
            .find(|line| !line.trim().is_empty())
            .map_or(0, |line| line.len() - line.trim_start_matches(' ').len());
        // Where the indentation is said (`|2`), the first line may have more.
        let is_said = header.bytes().take_while(|byte| !byte.is_ascii_whitespace()).any(|byte| byte.is_ascii_digit());
        let least_indent = if is_said { 0 } else { text_indent };
        let mut next = next;
        let mut after = next;
        loop {
            let end = split::next_line(self.bytes(), after);
            let line = self.source.text.get(after..end).unwrap_or_default();
            let content = line.trim_start_matches(' ');
            if after < end && content.trim_end_matches(['\r', '\n']).is_empty() {
                after = end;
                // Blanks beyond the indentation are text.
                if keeps || content.len() + least_indent < line.len() {
                    next = end;
                }
                continue;
            }
            if content.starts_with('#') && text_indent > 0 && line.len() - content.len() >= text_indent {
                return Err(self.layout(after, path, "stands between a block scalar and a comment that would join it"));
            }
            return Ok(next);
        }
    }
}
