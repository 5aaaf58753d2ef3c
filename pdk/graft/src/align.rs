//! Which items of a list are the same before and after.
//!
//! By Kubernetes' merge keys where the list has some; else by a longest common subsequence of what the items mean, and
//! between its parts by what names an item, then by place.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;

use windlass_manifest::shape::{Keys, Merge};
use windlass_manifest::{Budget, Exhausted};

use crate::item::Item;

/// Cells of the exact table, for two lists at most. What is longer after its equal ends are taken off is matched by the
/// items that each side has once.
const MAX_CELLS: usize = 1 << 20;

/// Pairs of items that are looked at for what they have in common.
const MAX_LIKE: usize = 4096;

/// Items that are the same, in both lists' order, as positions; and those that are the same but moved.
#[derive(Debug, Default)]
pub(crate) struct Aligned {
    pub(crate) in_order: Vec<(usize, usize)>,
    pub(crate) moved: Vec<(usize, usize)>,
}

/// Aligns two lists.
pub(crate) fn align(
    before: &[Item<'_>],
    after: &[Item<'_>],
    merge: Merge,
    budget: &Budget,
) -> Result<Aligned, Exhausted> {
    if let Merge::ByKeys(keys) = merge
        && let (Some(was), Some(is)) = (key_values(before, keys), key_values(after, keys))
    {
        budget.entries(before.len() + after.len())?;
        return Ok(by_keys(&was, &is));
    }
    let sizes: usize = before.iter().chain(after).map(Item::size).sum();
    budget.entries(sizes)?;
    let meanings = |items: &[Item<'_>]| items.iter().map(Item::meaning).collect::<Vec<u64>>();
    let (was, is) = (meanings(before), meanings(after));
    let equal = common(&was, &is, budget)?;
    let likeness = |items: &[Item<'_>]| items.iter().map(Item::likeness).collect::<Vec<u64>>();
    let (was, is) = (likeness(before), likeness(after));
    let mut in_order = Vec::with_capacity(equal.len());
    let mut from = (0, 0);
    for (old, new) in equal.into_iter().chain([(before.len(), after.len())]) {
        let gap = Gap { old: from.0..old, new: from.1..new };
        gap.pair((before, after), (&was, &is), &mut in_order, budget)?;
        if old < before.len() && new < after.len() {
            in_order.push((old, new));
        }
        from = (old + 1, new + 1);
    }
    in_order.retain(|(old, new)| match (before.get(*old), after.get(*new)) {
        (Some(old), Some(new)) => std::mem::discriminant(old) == std::mem::discriminant(new),
        _ => false,
    });
    Ok(Aligned { in_order, moved: Vec::new() })
}

/// What stands between two matches.
struct Gap {
    old: Range<usize>,
    new: Range<usize>,
}

impl Gap {
    /// Pairs maps that have most in common where there are few, else what has one name; between these what is as many
    /// on both sides.
    fn pair(
        &self,
        (before, after): (&[Item<'_>], &[Item<'_>]),
        (was, is): (&[u64], &[u64]),
        into: &mut Vec<(usize, usize)>,
        budget: &Budget,
    ) -> Result<(), Exhausted> {
        let (old, new) = (self.old.clone(), self.new.clone());
        if old.is_empty() || new.is_empty() {
            return Ok(());
        }
        let before = before.get(old.clone()).unwrap_or_default();
        let after = after.get(new.clone()).unwrap_or_default();
        let pairs = match old.len() != new.len() && old.len().saturating_mul(new.len()) <= MAX_LIKE {
            true => most_alike(before, after, budget)?,
            false => None,
        };
        let pairs = match pairs {
            Some(pairs) => pairs,
            None => {
                let (was, is) = (was.get(old.clone()).unwrap_or_default(), is.get(new.clone()).unwrap_or_default());
                common(was, is, budget)?
            }
        };
        let mut from = (0, 0);
        for (left, right) in pairs.into_iter().chain([(old.len(), new.len())]) {
            if left - from.0 == right - from.1 {
                let both = (from.0..left).zip(from.1..right);
                into.extend(both.map(|(left, right)| (old.start + left, new.start + right)));
            }
            if left < old.len() && right < new.len() {
                into.push((old.start + left, new.start + right));
            }
            from = (left + 1, right + 1);
        }
        Ok(())
    }
}

/// The pairs of maps, in order, that have the most entries in common in all; `None` where not all are maps.
fn most_alike(
    before: &[Item<'_>],
    after: &[Item<'_>],
    budget: &Budget,
) -> Result<Option<Vec<(usize, usize)>>, Exhausted> {
    let entries = |items: &[Item<'_>]| items.iter().map(Item::entry_meanings).collect::<Option<Vec<Vec<u64>>>>();
    budget.entries(before.iter().chain(after).map(Item::size).sum())?;
    let (Some(was), Some(is)) = (entries(before), entries(after)) else { return Ok(None) };
    let entries: usize =
        was.iter().map(Vec::len).sum::<usize>() * is.len() + is.iter().map(Vec::len).sum::<usize>() * was.len();
    budget.entries(entries / 8)?;
    let weight = |left: usize, right: usize| match (was.get(left), is.get(right)) {
        (Some(was), Some(is)) => in_both(was, is),
        _ => 0,
    };
    Ok(Some(heaviest_common(was.len(), is.len(), weight)))
}

/// How many values two sorted lists have in common.
fn in_both(was: &[u64], is: &[u64]) -> u32 {
    let (mut was, mut is) = (was.iter().peekable(), is.iter().peekable());
    let mut count = 0;
    while let (Some(left), Some(right)) = (was.peek(), is.peek()) {
        match left.cmp(right) {
            Ordering::Less => drop(was.next()),
            Ordering::Greater => drop(is.next()),
            Ordering::Equal => {
                count += 1;
                was.next();
                is.next();
            }
        }
    }
    count
}

/// The values of the merge keys of each item; `None` where not every item has them, or two have the same.
fn key_values(items: &[Item<'_>], keys: Keys) -> Option<Vec<Vec<u64>>> {
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        let scalar = |key: &str| item.get(key).filter(|value| value.as_scalar().is_some()).map(Item::meaning);
        let mut of_item = vec![scalar(keys.first())?];
        of_item.extend(keys.others().map(|key| scalar(key).unwrap_or_default()));
        values.push(of_item);
    }
    let mut sorted: Vec<&Vec<u64>> = values.iter().collect();
    sorted.sort();
    let is_unique = sorted.windows(2).all(|pair| pair.first() != pair.last());
    is_unique.then_some(values)
}

fn by_keys(was: &[Vec<u64>], is: &[Vec<u64>]) -> Aligned {
    let places: HashMap<&Vec<u64>, usize> = is.iter().enumerate().map(|(at, keys)| (keys, at)).collect();
    let pairs: Vec<(usize, usize)> =
        was.iter().enumerate().filter_map(|(old, keys)| Some((old, *places.get(keys)?))).collect();
    let stays = longest_increasing(&pairs);
    let mut stays = stays.into_iter().peekable();
    let mut aligned = Aligned::default();
    for (at, pair) in pairs.into_iter().enumerate() {
        match stays.next_if_eq(&at) {
            Some(_) => aligned.in_order.push(pair),
            None => aligned.moved.push(pair),
        }
    }
    aligned
}

/// The positions of a longest run of pairs whose second places ascend.
fn longest_increasing(pairs: &[(usize, usize)]) -> Vec<usize> {
    // For each length the pair that ends the run of that length which ends lowest, and for each pair the one before it.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    let second = |at: usize| pairs.get(at).map_or(0, |pair| pair.1);
    for (at, pair) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| second(*end) < pair.1);
        before.push(length.checked_sub(1).and_then(|shorter| ends.get(shorter).copied()));
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut run = Vec::with_capacity(ends.len());
    let mut at = ends.last().copied();
    while let Some(position) = at {
        run.push(position);
        at = before.get(position).copied().flatten();
    }
    run.reverse();
    run
}

/// A common subsequence, as pairs of positions: a longest one where the table for it is small enough, else one through
/// what both have once.
fn common(was: &[u64], is: &[u64], budget: &Budget) -> Result<Vec<(usize, usize)>, Exhausted> {
    let start = was.iter().zip(is).take_while(|(old, new)| old == new).count();
    let (old, new) = (was.get(start..).unwrap_or_default(), is.get(start..).unwrap_or_default());
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let old = old.get(..old.len() - end).unwrap_or_default();
    let new = new.get(..new.len() - end).unwrap_or_default();
    let mut pairs: Vec<(usize, usize)> = (0..start).map(|at| (at, at)).collect();
    let cells = (old.len() + 1).saturating_mul(new.len() + 1);
    budget.work(old.len() + new.len())?;
    // Where the budget has a clock only: tables are small, and work is no memory.
    let middle = match cells <= MAX_CELLS {
        true => {
            budget.entries(cells / 64)?;
            longest_common(old, new)
        }
        false => through_what_is_once(old, new),
    };
    pairs.extend(middle.into_iter().map(|(left, right)| (start + left, start + right)));
    pairs.extend((0..end).map(|at| (was.len() - end + at, is.len() - end + at)));
    Ok(pairs)
}

/// The longest common subsequence by its table.
fn longest_common(old: &[u64], new: &[u64]) -> Vec<(usize, usize)> {
    heaviest_common(old.len(), new.len(), |left, right| u32::from(old.get(left) == new.get(right)))
}

/// The pairs, in order, whose weights add up to the most, by the table of what is left behind each pair of places.
fn heaviest_common(old: usize, new: usize, weight: impl Fn(usize, usize) -> u32) -> Vec<(usize, usize)> {
    if old == 0 || new == 0 {
        return Vec::new();
    }
    let width = new + 1;
    let mut sums = vec![0_u32; (old + 1) * width];
    let at = |left: usize, right: usize| left * width + right;
    let sum = |sums: &[u32], left: usize, right: usize| sums.get(at(left, right)).copied().unwrap_or_default();
    for left in (0..old).rev() {
        for right in (0..new).rev() {
            let skipped = sum(&sums, left + 1, right).max(sum(&sums, left, right + 1));
            let paired = match weight(left, right) {
                0 => 0,
                weight => weight + sum(&sums, left + 1, right + 1),
            };
            if let Some(cell) = sums.get_mut(at(left, right)) {
                *cell = paired.max(skipped);
            }
        }
    }
    let mut pairs = Vec::new();
    let (mut left, mut right) = (0, 0);
    while left < old && right < new {
        let here = sum(&sums, left, right);
        let weight = weight(left, right);
        if weight > 0 && here == weight + sum(&sums, left + 1, right + 1) {
            pairs.push((left, right));
            (left, right) = (left + 1, right + 1);
        } else if sum(&sums, left + 1, right) == here {
            left += 1;
        } else {
            right += 1;
        }
    }
    pairs
}

/// Pairs what is there once on each side, as far as the pairs do not cross.
fn through_what_is_once(old: &[u64], new: &[u64]) -> Vec<(usize, usize)> {
    // How often, and where.
    let mut places: HashMap<u64, (usize, usize)> = HashMap::new();
    for (at, value) in new.iter().enumerate() {
        let place = places.entry(*value).or_default();
        *place = (place.0 + 1, at);
    }
    let mut counts: HashMap<u64, usize> = HashMap::new();
    for value in old {
        *counts.entry(*value).or_default() += 1;
    }
    let pairs: Vec<(usize, usize)> = old
        .iter()
        .enumerate()
        .filter(|(_, value)| counts.get(value) == Some(&1))
        .filter_map(|(at, value)| places.get(value).filter(|place| place.0 == 1).map(|place| (at, place.1)))
        .collect();
    longest_increasing(&pairs).into_iter().filter_map(|at| pairs.get(at).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(old: &str, new: &str, expected: &str) {
        let ids = |text: &str| text.bytes().map(u64::from).collect::<Vec<_>>();
        let (was, is) = (ids(old), ids(new));
        let pairs = common(&was, &is, &Budget::new(1 << 20, 1 << 20)).expect("a small table");
        let found: String = pairs.iter().filter_map(|(at, _)| old.get(*at..at + 1)).collect();
        assert_eq!(found, expected, "{old} {new}");
        assert!(pairs.iter().all(|(left, right)| was[*left] == is[*right]));
        assert!(pairs.is_sorted_by(|(left, right), (next_left, next_right)| left < next_left && right < next_right));
    }

    #[test]
    fn common_subsequences_are_longest() {
        check("", "", "");
        check("abc", "abc", "abc");
        check("abcd", "xbyd", "bd");
        check("aXbYc", "abZc", "abc");
        check("abcdef", "fedcba", "f");
    }

    #[test]
    fn long_lists_are_aligned_through_what_is_once() {
        let old: Vec<u64> = (0..5000).chain(std::iter::repeat_n(7777, 5000)).collect();
        let new: Vec<u64> = std::iter::repeat_n(8888, 5000).chain((0..5000).filter(|at| at % 7 != 0)).collect();
        let pairs = common(&old, &new, &Budget::new(1 << 20, 1 << 20)).expect("no table");
        assert_eq!(pairs.len(), 5000 - 715);
    }

    #[test]
    fn increasing_runs_are_longest() {
        let pairs = |seconds: &[usize]| seconds.iter().copied().enumerate().collect::<Vec<_>>();
        for (seconds, expected) in [(&[2, 0, 1, 3][..], vec![1, 2, 3]), (&[], vec![]), (&[3, 2, 1], vec![2])] {
            assert_eq!(longest_increasing(&pairs(seconds)), expected);
        }
    }
}
