//! Anchors and tags: where they stand in the text, and what is left without them.

use super::Planner;
use crate::split::skip_blank;
use crate::tree::{Shape, flag};

impl Planner<'_> {
    /// Where the anchor of a node stands, with its `&`.
    pub(super) fn anchor(&self, node: u32) -> Option<(usize, usize)> {
        self.property(node, b'&')
    }

    /// Where the anchor (`&`) or the tag (`!`) of a node stands.
    #[inline(never)]
    pub(super) fn property(&self, node: u32, sort: u8) -> Option<(usize, usize)> {
        let end = self.source.node(node).start as usize;
        let mut at = self.source.tree.properties_start(node)?;
        while at < end {
            let first = self.bytes().get(at).copied();
            let stops = |byte: &u8| byte.is_ascii_whitespace() || (first == Some(b'&') && b",[]{}".contains(byte));
            let length = self.bytes().get(at..end)?.iter().position(stops).unwrap_or(end - at);
            if first == Some(sort) {
                return Some((at, at + length));
            }
            at = skip_blank(self.source.text, at + length.max(1));
        }
        None
    }

    /// What takes an anchor away: from where to where, and what comes there.
    #[inline(never)]
    pub(super) fn without_anchor(&self, node: u32) -> Option<(usize, usize, &'static str)> {
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
}
