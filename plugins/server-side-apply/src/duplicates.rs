//! Items of a list that are one to the API server: which of them stay, so that what counted goes on to count.

use std::collections::BTreeMap;

use windlass_pdk::{Path, Value};

use crate::finding::{Finding, Mend};
use crate::settings::{Keep, Sort};

/// So many different items with one key are compared; with more, the others are compared with these alone.
const MAX_COMPARED: usize = 8;

/// Where in a list something is, by what it is.
type Positions = BTreeMap<String, Vec<usize>>;

/// Finds the items of the list at `path` that have the same values under `keys`.
pub(crate) fn keyed(path: &Path, keys: &str, items: &[Value], keep: Option<Keep>, findings: &mut Vec<Finding>) {
    // One type of map for everything here: each costs a plugin some kilobytes.
    let mut groups = Positions::new();
    for (index, item) in items.iter().enumerate() {
        let key: Vec<&str> = keys.split(',').map(|key| text(item, key)).collect();
        // Without any of its keys it is refused whatever there is beside it.
        if key.iter().any(|text| !text.is_empty() && *text != DEFAULT_PROTOCOL) {
            groups.entry(key.join("\0")).or_default().push(index);
        }
    }
    groups.retain(|_, members| members.len() > 1);
    if groups.is_empty() {
        return;
    }
    let is_last =
        |name: &str| path.segments().last().is_some_and(|last| *last == windlass_pdk::Segment::Key(name.into()));
    let is_env = is_last("env");
    let users = if is_env { users(items) } else { Positions::new() };
    let mut found: Vec<(usize, Finding)> = Vec::new();
    for (key, members) in &groups {
        let shown: Vec<String> =
            keys.split(',').zip(key.split('\0')).map(|(key, text)| format!("{key}: {text}")).collect();
        let shown = shown.join(", ");
        let mut add = |index: usize, message: String, mend: Mend| {
            found.push((index, Finding { sort: Sort::Duplicates, path: path.index(index), message, mend }));
        };
        let survivors = survivors(members, items);
        let stays: Option<usize> = match survivors.as_slice() {
            // A variable without a value is empty, which is not less than another value.
            [one] if !is_env || is_equal(members, items) => Some(*one),
            _ if is_last("hostAliases") => {
                if let Some(first) = members.first() {
                    let hostnames = Mend::Set(path.index(*first).key("hostnames"), hostnames(members, items));
                    add(*first, format!("several items for `{shown}`; all host names go into this one"), hostnames);
                }
                members.first().copied()
            }
            // The kubelet lets the last one count; those in front of it matter where somebody looks at them.
            _ if is_env => {
                let (first, last) = (members.first().copied().unwrap_or(0), members.last().copied().unwrap_or(0));
                let is_used = users.get(key).into_iter().flatten().any(|user| (first + 1..=last).contains(user));
                if is_used { None } else { Some(last) }
            }
            _ => None,
        };
        let stays = stays.or_else(|| match keep? {
            Keep::First => members.first().copied(),
            Keep::Last => members.last().copied(),
        });
        for index in members {
            match stays {
                Some(stays) if stays == *index => {}
                Some(_) => add(
                    *index,
                    format!("one of several items for `{shown}`, and not the one that counts"),
                    Mend::Remove,
                ),
                None if members.first() == Some(index) => {}
                None => {
                    let message = format!(
                        "another item for `{shown}`, and each of them says something that counts; correct the chart, or \
                         set `keep: first` or `keep: last`"
                    );
                    add(*index, message, Mend::None);
                }
            }
        }
    }
    found.sort_by_key(|(index, _)| *index);
    findings.extend(found.into_iter().map(|(_, finding)| finding));
}

/// Finds the items that a set has twice.
pub(crate) fn set(path: &Path, items: &[Value], findings: &mut Vec<Finding>) {
    let mut seen = Positions::new();
    for (index, item) in items.iter().enumerate() {
        if seen.insert(item.to_json(), Vec::new()).is_some() {
            let message = "an item that the set has already".to_owned();
            findings.push(Finding { sort: Sort::Duplicates, path: path.index(index), message, mend: Mend::Remove });
        }
    }
}

/// What a port speaks where nobody says.
const DEFAULT_PROTOCOL: &str = "TCP";

/// The text of an item's key, with the API's default.
fn text<'v>(item: &'v Value, key: &str) -> &'v str {
    match item.get(key) {
        Some(Value::String(text) | Value::Number(text)) => text,
        None | Some(Value::Null) if key == "protocol" => DEFAULT_PROTOCOL,
        _ => "",
    }
}

/// The items that say something which no other says; of equal ones the first.
fn survivors(members: &[usize], items: &[Value]) -> Vec<usize> {
    let mut survivors: Vec<usize> = Vec::new();
    for index in members {
        let Some(item) = items.get(*index) else { continue };
        let says_no_more = |other: &usize| items.get(*other).is_some_and(|other| is_part(item, other));
        if survivors.iter().take(MAX_COMPARED).any(says_no_more) {
            continue;
        }
        if survivors.len() <= MAX_COMPARED {
            survivors.retain(|other| items.get(*other).is_none_or(|other| !is_part(other, item)));
        }
        survivors.push(*index);
    }
    survivors
}

/// Whether all of these items are the same.
fn is_equal(members: &[usize], items: &[Value]) -> bool {
    let mut members = members.iter().map(|index| items.get(*index));
    let first = members.next().flatten();
    members.all(|item| item == first)
}

/// Whether `whole` says everything that `part` says.
fn is_part(part: &Value, whole: &Value) -> bool {
    let Some(entries) = part.as_map() else { return is_same(part, whole) };
    entries.iter().all(|(key, value)| match whole.get(key) {
        Some(other) => is_same(other, value),
        None => value.is_null() || (key == "protocol" && value.as_str() == Some(DEFAULT_PROTOCOL)),
    })
}

/// Whether two values are one once they have the right types: `80` and `"80"` are.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one) | Value::Number(one), Value::String(other) | Value::Number(other)) => one == other,
        _ => one == other,
    }
}

/// The host names of several items, each once.
fn hostnames(members: &[usize], items: &[Value]) -> Value {
    let lists = members.iter().filter_map(|index| items.get(*index)?.get("hostnames")?.as_list());
    let mut seen = Positions::new();
    lists.flatten().filter(|name| seen.insert(name.to_json(), Vec::new()).is_none()).cloned().collect()
}

/// The positions of the variables whose values name another one, `$(NAME)`, by that name.
fn users(items: &[Value]) -> Positions {
    let mut users = Positions::new();
    for (index, item) in items.iter().enumerate() {
        let mut rest = item.get("value").and_then(Value::as_str).unwrap_or_default();
        while let Some((_, behind)) = rest.split_once('$') {
            rest = match behind.strip_prefix('$') {
                // `$$` is a dollar sign.
                Some(behind) => behind,
                None => behind,
            };
            if let Some((name, _)) = behind.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
                users.entry(name.to_owned()).or_default().push(index);
            }
        }
    }
    users
}
