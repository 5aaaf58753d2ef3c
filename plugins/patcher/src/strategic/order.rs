//! `$setElementOrder`: the order of a list's items after a patch, as the API server arranges them.
//!
//! The items that the order names stand as it names them. The others keep their order among themselves, and each goes
//! in front of the first named item that it stood in front of before (`normalizeElementOrder` of
//! `k8s.io/apimachinery/pkg/util/strategicpatch`).

use windlass_pdk::shape::Keys;
use windlass_pdk::{Error, Object, Path, Value};

/// The items of a list in the order in which they should stand.
pub(crate) struct Order {
    items: Vec<Value>,
    /// How items are told apart; `None` for plain values.
    keys: Option<Keys>,
}

impl Order {
    pub(crate) fn new(items: Vec<Value>, keys: Option<Keys>) -> Self {
        Order { items, keys }
    }

    /// Brings the list at a path into the order. Its first `new` items were added by the patch. Those that stay in
    /// their order among themselves are not touched; the others are written anew.
    ///
    /// # Errors
    /// What cannot be edited safely.
    pub(crate) fn apply(&self, object: &mut Object<'_>, path: &Path, new: usize) -> Result<bool, Error> {
        let mut values = Vec::new();
        for item in object.get(path).into_iter().flat_map(|list| list.items()) {
            values.push(item.to_value()?);
        }
        let wanted = self.arrangement(&values, new);
        let stays = longest_run(&wanted);
        let mut now: Vec<usize> = (0..values.len()).collect();
        let mut is_changed = false;
        // Where the item that was put in place last stands.
        let mut place = 0;
        for item in wanted {
            let Some(at) = now.iter().position(|there| *there == item) else { continue };
            if stays.contains(&item) {
                place = at + 1;
                continue;
            }
            let target = if at < place { place - 1 } else { place };
            now.remove(at);
            now.insert(target, item);
            place = target + 1;
            if let Some(value) = values.get(item) {
                object.remove(&path.index(at))?;
                object.insert(path, target, value.clone())?;
                is_changed = true;
            }
        }
        Ok(is_changed)
    }

    /// Brings the items of a new list into the order.
    pub(crate) fn arrange(&self, items: &mut Vec<Value>) {
        let wanted = self.arrangement(items, usize::MAX);
        *items = wanted.into_iter().filter_map(|index| items.get(index).cloned()).collect();
    }

    /// The indexes of the items in the order in which they should stand.
    fn arrangement(&self, items: &[Value], new: usize) -> Vec<usize> {
        let mut named: Vec<(usize, usize)> = Vec::new();
        let mut others = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match self.items.iter().position(|wanted| self.is_same(item, wanted)) {
                Some(rank) => named.insert(named.partition_point(|(before, _)| *before <= rank), (rank, index)),
                None => others.push(index),
            }
        }
        let mut named = named.into_iter().map(|(_, index)| index).peekable();
        let mut others = others.into_iter().peekable();
        let mut arranged = Vec::with_capacity(items.len());
        loop {
            let next = match (others.peek(), named.peek()) {
                (None, None) => return arranged,
                (Some(&other), Some(&name)) if other >= new && name >= new && other < name => others.next(),
                (_, Some(_)) => named.next(),
                (Some(_), None) => others.next(),
            };
            arranged.extend(next);
        }
    }

    fn is_same(&self, item: &Value, wanted: &Value) -> bool {
        let Some(keys) = self.keys else { return item == wanted };
        let is_equal = |key: &str| {
            wanted.get(key).is_none_or(|value| match item.get(key) {
                Some(there) => there == value,
                None => value.as_str().is_some_and(|value| super::default_of(key) == Some(value)),
            })
        };
        wanted.get(keys.first()).is_some() && is_equal(keys.first()) && keys.others().all(is_equal)
    }
}

/// Of a permutation the most numbers that stand in rising order.
fn longest_run(numbers: &[usize]) -> Vec<usize> {
    // For each number the length of the longest rising run that ends with it, and the place of the one before it there.
    let mut runs: Vec<(usize, Option<usize>)> = Vec::with_capacity(numbers.len());
    for (at, number) in numbers.iter().enumerate() {
        let before = numbers.iter().zip(&runs).take(at).enumerate();
        let best = before.filter(|(_, (other, _))| *other < number).max_by_key(|(_, (_, (length, _)))| *length);
        runs.push(best.map_or((1, None), |(place, (_, (length, _)))| (length + 1, Some(place))));
    }
    let mut at = runs.iter().enumerate().max_by_key(|(_, (length, _))| *length).map(|(place, _)| place);
    let mut run = Vec::new();
    while let Some(place) = at {
        run.extend(numbers.get(place));
        at = runs.get(place).and_then(|(_, before)| *before);
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list `items` (letters; the first `new` are the patch's) in the order `wanted`.
    #[track_caller]
    fn check(items: &str, new: usize, wanted: &str, expected: &str) {
        let values = |text: &str| text.chars().map(|letter| Value::from(letter.to_string())).collect::<Vec<_>>();
        let order = Order::new(values(wanted), None);
        let items = values(items);
        let arranged = order.arrangement(&items, new);
        let text: String = arranged.iter().filter_map(|index| items.get(*index)?.as_str()).collect();
        assert_eq!(text, expected);
    }

    #[test]
    fn items_stand_as_the_api_server_puts_them() {
        check("abc", 0, "cba", "cba");
        check("abc", 0, "ba", "bac");
        check("abc", 0, "cb", "acb");
        check("abcd", 0, "db", "acdb");
        check("xabc", 1, "axbc", "axbc");
        check("xab", 1, "bx", "abx");
        check("xab", 1, "xb", "xab");
        check("abc", 0, "", "abc");
        check("abc", 0, "zb", "abc");
        check("aab", 0, "ba", "baa");
    }

    #[test]
    fn the_fewest_items_move() {
        assert_eq!(longest_run(&[]), Vec::<usize>::new());
        assert_eq!(longest_run(&[1, 2, 0]), [2, 1]);
        assert_eq!(longest_run(&[2, 0, 1, 3]), [3, 1, 0]);
    }
}
