//! Style: how the document around an edit is written, so that what is new looks like it.

use super::Planner;
use crate::emit::{BlockStyle, ListIndent};
use crate::split::newline_of;
use crate::tree::Shape;

impl Planner<'_> {
    /// The line end of the line at an offset. Helm 3 writes a comment that ends in a line feed above a template that
    /// was saved with carriage returns, so the first line does not speak for the document.
    pub(super) fn newline_at(&self, offset: usize) -> &'static str {
        let rest = self.source.text.get(offset..).unwrap_or_default();
        newline_of(if rest.contains('\n') { rest } else { self.source.text })
    }

    /// How the document writes what is about to be written under a collection at a column.
    pub(super) fn style(&self, near: u32, column: usize, is_inline: bool) -> BlockStyle {
        let mut style = BlockStyle {
            step: 2,
            list_indent: ListIndent::SameColumn,
            newline: self.newline_at(self.source.node(near).start as usize),
        };
        if is_inline {
            return style;
        }
        let (step, list_indent) = self.nearest_style(near, column);
        let (mut known_step, mut known_indent) = self.source.tree.styles.get();
        style.step = step.or_else(|| *known_step.get_or_insert_with(|| self.any_style(true).0)).unwrap_or(2);
        let any_indent = || *known_indent.get_or_insert_with(|| self.any_style(false).1);
        style.list_indent = list_indent.or_else(any_indent).unwrap_or(ListIndent::SameColumn);
        self.source.tree.styles.set((known_step, known_indent));
        style
    }

    /// The style among the children of one map.
    fn nearest_style(&self, map: u32, column: usize) -> (Option<usize>, Option<ListIndent>) {
        let (mut step, mut list_indent) = (None, None);
        if self.source.node(map).shape != Shape::BlockMap {
            return (None, None);
        }
        for (_, value) in self.view(map).own_entries() {
            let data = self.source.node(value);
            let child_column = self.line_prefix(data.start as usize).len();
            match data.shape {
                Shape::BlockMap if step.is_none() && child_column > column => step = Some(child_column - column),
                Shape::BlockList if list_indent.is_none() && child_column >= column => {
                    list_indent = Some(match child_column - column {
                        0 => ListIndent::SameColumn,
                        indent => ListIndent::Deeper(indent),
                    });
                }
                _ => {}
            }
        }
        (step, list_indent)
    }

    /// The style of the first map of the document that shows one.
    fn any_style(&self, wants_step: bool) -> (Option<usize>, Option<ListIndent>) {
        for (index, node) in self.source.tree.nodes.iter().enumerate() {
            if node.shape != Shape::BlockMap {
                continue;
            }
            let column = self.line_prefix(node.start as usize).len();
            let (step, list_indent) = self.nearest_style(index as u32, column);
            if (wants_step && step.is_some()) || (!wants_step && list_indent.is_some()) {
                return (step, list_indent);
            }
        }
        (None, None)
    }
}
