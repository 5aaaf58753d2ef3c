//! Shared places: what an edit does where the chart shares a node by anchor and alias.
//!
//! An edit must change one place and no other, so that place is made to stand for itself first. There are three ways to
//! do that ([`Remedy`]); each is one rewriting of the document's text that changes the meaning of nothing, and whoever
//! applies it checks that ([`mean_the_same`]) before anything is built on it. One level is written out at a time: a
//! copy keeps the aliases in it, so aliases upon aliases cost what the way to the edit costs.

use super::copy::Copier;
use super::splice::Splice;
use super::{Planner, Refusal, Remedy};
use crate::budget::{Budget, Exhausted};
use crate::node::Kind;
use crate::tree::{NodeData, Shape, Source, flag};

/// Bytes of copies that the edits of one document may write out. Aliases of charts stand for some hundred.
const MAX_COPIED: u64 = 16 << 20;

/// Nodes that the edits of one document may read again to write copies out: a second or two in a sandbox.
const MAX_READ_AGAIN: u64 = 8_000_000;

/// What may be used up for the shared places of one document.
pub(crate) fn budget() -> Budget {
    Budget::new(MAX_COPIED, MAX_READ_AGAIN)
}

impl Planner<'_> {
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
}

/// Whether two documents mean the same everywhere, aliases and merges looked through. A node of the second document
/// that would stand for two of the first counts as a difference: copies are made, nodes are never put together.
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
