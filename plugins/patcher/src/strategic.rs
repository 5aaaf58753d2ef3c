//! Strategic merge patches: a patch looks like the object, and says what differs.
//!
//! Everything is planned on the object as it is and then edited, deepest first, so that each path holds when its turn
//! comes.

use windlass_pdk::{Error, Kind, Node, Object, Path, Value};

use crate::shape::{ListMerge, Shape};

/// The key with which a patch says how it means a map: `replace`, `delete` or `merge`.
const DIRECTIVE: &str = "$patch";
/// The key with the only keys of a map that stay.
const RETAIN_KEYS: &str = "$retainKeys";
/// The beginning of a key with the scalars to take out of a list.
const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList/";
/// The beginning of a key with the order of a list; kubectl writes it, for lists that stay in order here.
const ELEMENT_ORDER: &str = "$setElementOrder/";

enum Edit {
    Merge(Path, Vec<(String, Value)>),
    Set(Path, Value),
    Remove(Path),
    Insert(Path, usize, Value),
    Append(Path, Value),
}

/// What a patch says about the object as a whole.
pub(crate) fn deletes_object(patch: &Value) -> bool {
    directive(patch) == Some("delete")
}

/// Applies a patch. The keys that tell objects apart are not changed: where the patch has a target, they only stand
/// for it.
///
/// # Errors
/// A patch that does not fit the object, and what cannot be edited safely.
pub(crate) fn apply(object: &mut Object<'_>, patch: &Value) -> Result<(), Error> {
    let mut plan = Plan { object, edits: Vec::new() };
    let shape = Shape::of(plan.object.group(), plan.object.kind());
    plan.map(plan.object.root(), &Path::root(), &without_identity(patch), shape)?;
    for edit in plan.edits {
        match edit {
            Edit::Merge(path, entries) => object.merge(&path, &entries)?,
            Edit::Set(path, value) => object.set(&path, value)?,
            Edit::Remove(path) => object.remove(&path)?,
            Edit::Insert(path, index, value) => object.insert(&path, index, value)?,
            Edit::Append(path, value) => object.append(&path, value)?,
        };
    }
    Ok(())
}

fn directive(map: &Value) -> Option<&str> {
    map.get(DIRECTIVE).and_then(Value::as_str)
}

/// The patch without `apiVersion`, `kind` and the metadata's `name` and `namespace`.
fn without_identity(patch: &Value) -> Value {
    let entries = patch.as_map().unwrap_or_default();
    let kept = entries.iter().filter(|(key, _)| key != "apiVersion" && key != "kind");
    Value::map(kept.map(|(key, value)| match (key.as_str(), value) {
        ("metadata", Value::Map(metadata)) => {
            let kept = metadata.iter().filter(|(key, _)| key != "name" && key != "namespace");
            (key.clone(), Value::map(kept.cloned()))
        }
        _ => (key.clone(), value.clone()),
    }))
}

struct Plan<'a, 'm> {
    object: &'a Object<'m>,
    edits: Vec<Edit>,
}

impl Plan<'_, '_> {
    fn map(&mut self, node: Node<'_>, path: &Path, patch: &Value, shape: Shape) -> Result<(), Error> {
        match directive(patch) {
            Some("replace") => {
                let value = clean(patch);
                if !node.means(&value) {
                    self.edits.push(Edit::Set(path.clone(), value));
                }
                return Ok(());
            }
            None | Some("merge") => {}
            Some(other) => {
                return Err(self.object.refuse_at(path, format!("`$patch: {other}` has no meaning here")).into());
            }
        }
        let mut changed = Vec::new();
        for (key, value) in patch.as_map().unwrap_or_default() {
            let there = node.get(key);
            let below = path.key(key);
            match (there, value) {
                _ if key == DIRECTIVE || key.starts_with(ELEMENT_ORDER) => {}
                _ if key == RETAIN_KEYS => self.retain(node, path, value),
                _ if key.starts_with(DELETE_FROM_LIST) => {
                    let name = key.get(DELETE_FROM_LIST.len()..).unwrap_or_default();
                    self.delete_scalars(node, &path.key(name), name, value);
                }
                (None, Value::Null) => {}
                (Some(_), Value::Null) => self.edits.push(Edit::Remove(below)),
                (there, Value::Map(_)) if directive(value) == Some("delete") => {
                    if there.is_some() {
                        self.edits.push(Edit::Remove(below));
                    }
                }
                (Some(there), Value::Map(_)) if there.kind() == Kind::Map => {
                    self.map(there, &below, value, shape.below(key))?
                }
                (Some(there), Value::List(items)) if there.kind() == Kind::List => {
                    self.list(there, &below, items, shape.list(key))?
                }
                (Some(there), _) if there.means(value) => {}
                (_, value) => changed.push((key.clone(), clean(value))),
            }
        }
        if !changed.is_empty() {
            self.edits.push(Edit::Merge(path.clone(), changed));
        }
        Ok(())
    }

    /// Takes out all keys that are not in the list.
    fn retain(&mut self, node: Node<'_>, path: &Path, keys: &Value) {
        let retained = |key: &str| keys.as_list().unwrap_or_default().iter().any(|kept| kept.as_str() == Some(key));
        let dropped = node.entries().into_iter().filter(|(key, _)| !retained(key));
        self.edits.extend(dropped.map(|(key, _)| Edit::Remove(path.key(key))));
    }

    fn delete_scalars(&mut self, node: Node<'_>, path: &Path, name: &str, values: &Value) {
        let items = node.get(name).into_iter().flat_map(|list| list.items());
        let gone = |item: &Node<'_>| values.as_list().unwrap_or_default().iter().any(|value| item.means(value));
        let indexes: Vec<usize> = items.enumerate().filter(|(_, item)| gone(item)).map(|(index, _)| index).collect();
        self.edits.extend(indexes.into_iter().rev().map(|index| Edit::Remove(path.index(index))));
    }

    fn list(&mut self, node: Node<'_>, path: &Path, items: &[Value], merge: ListMerge) -> Result<(), Error> {
        let (key, shape) = match merge {
            ListMerge::Set => {
                let missing = items.iter().filter(|item| !node.items().any(|there| there.means(item)));
                self.edits.extend(missing.map(|item| Edit::Append(path.clone(), item.clone())));
                return Ok(());
            }
            ListMerge::ByKey(key, shape) if !items.iter().any(|item| is_only_directive(item, "replace")) => {
                (key, shape)
            }
            ListMerge::ByKey(..) | ListMerge::Replace => {
                let value = clean(&Value::List(items.to_vec()));
                if !node.means(&value) {
                    self.edits.push(Edit::Set(path.clone(), value));
                }
                return Ok(());
            }
        };
        let mut removed = Vec::new();
        let mut new = Vec::new();
        for (position, item) in items.iter().enumerate() {
            let Some(wanted) = item.get(key).filter(|wanted| !wanted.is_null()) else {
                let message = format!(
                    "item {} of the patch's list has no `{key}`, by which the items are told apart",
                    position + 1
                );
                return Err(self.object.refuse_at(path, message).into());
            };
            let there = node.items().enumerate().find(|&(_, there)| is_item(there, key, wanted, item));
            match (there, directive(item)) {
                (None, Some("delete")) => {}
                (Some((index, _)), Some("delete")) => removed.push(index),
                (Some((index, there)), _) => self.map(there, &path.index(index), item, shape)?,
                (None, _) => new.push(clean(item)),
            }
        }
        removed.sort_unstable();
        removed.dedup();
        self.edits.extend(removed.into_iter().rev().map(|index| Edit::Remove(path.index(index))));
        self.edits.extend(new.into_iter().enumerate().map(|(index, value)| Edit::Insert(path.clone(), index, value)));
        Ok(())
    }
}

fn is_only_directive(item: &Value, word: &str) -> bool {
    item.as_map().is_some_and(|entries| entries.len() == 1) && directive(item) == Some(word)
}

/// Whether an item of the object is the one that an item of the patch means. Ports are told apart by their protocol
/// too, when the patch names it.
fn is_item(there: Node<'_>, key: &str, wanted: &Value, item: &Value) -> bool {
    if !there.get(key).is_some_and(|node| node.means(wanted)) {
        return false;
    }
    match item.get("protocol").and_then(Value::as_str) {
        Some(protocol) if key == "containerPort" || key == "port" => {
            let is = there.get("protocol").and_then(|node| node.as_str());
            is.as_deref().unwrap_or("TCP") == protocol
        }
        _ => true,
    }
}

/// What a part of a patch adds where nothing is yet: without its directives, and without what it would remove.
fn clean(value: &Value) -> Value {
    let stays = |value: &&Value| !value.is_null() && directive(value) != Some("delete");
    match value {
        Value::Map(entries) => {
            let kept = entries.iter().filter(|(key, value)| stays(&value) && !is_directive(key));
            Value::map(kept.map(|(key, value)| (key.clone(), clean(value))))
        }
        Value::List(items) => {
            let is_marker = |item: &Value| is_only_directive(item, "replace");
            items.iter().filter(|item| directive(item) != Some("delete") && !is_marker(item)).map(clean).collect()
        }
        other => other.clone(),
    }
}

fn is_directive(key: &str) -> bool {
    key == DIRECTIVE || key == RETAIN_KEYS || key.starts_with(DELETE_FROM_LIST) || key.starts_with(ELEMENT_ORDER)
}
