//! Strategic merge patches: a patch looks like the object, and says what differs.
//!
//! Everything is planned on the object as it is and then edited, deepest first, so that each path holds when its turn
//! comes.

mod order;

use windlass_pdk::shape::{Keys, Merge, Shape};
use windlass_pdk::{Error, Kind, Node, Object, Path, Value};

/// The key with which a patch says how it means a map: `replace`, `delete` or `merge`.
const DIRECTIVE: &str = "$patch";
/// The key with the only keys of a map that stay.
const RETAIN_KEYS: &str = "$retainKeys";
/// The beginning of a key with the scalars to take out of a list.
const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList/";
/// The beginning of a key with the order of a list.
const ELEMENT_ORDER: &str = "$setElementOrder/";

enum Edit {
    Merge(Path, Vec<(String, Value)>),
    Set(Path, Value),
    Remove(Path),
    Insert(Path, usize, Value),
    Append(Path, Value),
    /// Brings a list, of which so many items are new and stand in front, into an order.
    Order(Path, order::Order, usize),
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
    let shape = Shape::of(object.group(), object.kind());
    let patch = shape.typed(&without_identity(patch));
    let mut plan = Plan { object, edits: Vec::new() };
    plan.map(plan.object.root(), &Path::root(), &patch, Merge::Default, shape)?;
    for edit in plan.edits {
        match edit {
            Edit::Merge(path, entries) => object.merge(&path, &entries)?,
            Edit::Set(path, value) => object.set(&path, value)?,
            Edit::Remove(path) => object.remove(&path)?,
            Edit::Insert(path, index, value) => object.insert(&path, index, value)?,
            Edit::Append(path, value) => object.append(&path, value)?,
            Edit::Order(path, order, new) => order.apply(object, &path, new)?,
        };
    }
    Ok(())
}

fn directive(map: &Value) -> Option<&str> {
    map.get(DIRECTIVE).and_then(Value::as_str)
}

/// Whether a key of the map at a path is one of those by which Helm knows the object, or holds them.
fn is_identity(path: &Path, key: &str) -> bool {
    match path.segments().len() {
        0 => matches!(key, "apiVersion" | "kind" | "metadata"),
        1 => *path == Path::new(["metadata"]) && matches!(key, "name" | "namespace"),
        _ => false,
    }
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
    fn refuse<T>(&self, path: &Path, message: String) -> Result<T, Error> {
        Err(self.object.refuse_at(path, message).into())
    }

    fn map(&mut self, node: Node<'_>, path: &Path, patch: &Value, merge: Merge, shape: Shape) -> Result<(), Error> {
        match directive(patch) {
            Some("replace") => return self.replace_map(node, path, patch, shape),
            None if merge == Merge::Replace => return self.replace_map(node, path, patch, shape),
            None | Some("merge") => {}
            Some(other) => return self.unknown_directive(path, other),
        }
        let mut changed = Vec::new();
        let entries = patch.as_map().unwrap_or_default();
        for (key, value) in entries {
            if key == RETAIN_KEYS {
                self.retain(node, path, value);
            } else if let Some(name) = key.strip_prefix(DELETE_FROM_LIST) {
                self.delete_scalars(node, &path.key(name), name, value);
            }
        }
        for (key, value) in entries.iter().filter(|(key, _)| !is_directive(key)) {
            let there = node.get(key);
            let below = path.key(key);
            let (merge, shape) = shape.below(key);
            let is_gone = value.is_null() || directive(value) == Some("delete");
            match (there, value) {
                // Whatever becomes of it, the object keeps its name.
                (Some(there), _) if is_gone && is_identity(path, key) => {
                    self.replace_map(there, &below, &Value::Map(Vec::new()), shape)?
                }
                (_, value) if !is_gone && is_identity(path, key) && !matches!(value, Value::Map(_)) => {
                    return self.refuse(&below, format!("the patch has {} here, not a map", value.type_name()));
                }
                (Some(_), _) if is_gone => self.edits.push(Edit::Remove(below)),
                (None, _) if is_gone => {}
                (Some(there), Value::Map(_)) if there.kind() == Kind::Map => {
                    self.map(there, &below, value, merge, shape)?
                }
                (Some(there), Value::List(items)) if there.kind() == Kind::List => {
                    let new = self.list(there, &below, items, merge, shape)?;
                    if let Some(order) = self.order(&below, patch, key, merge)? {
                        self.edits.push(Edit::Order(below, order, new));
                    }
                }
                (Some(there), _) if there.means(value) => {}
                (_, value) => {
                    let Some(mut value) = self.new_value(&below, value, merge, shape)? else { continue };
                    if let (Some(order), Value::List(items)) = (self.order(&below, patch, key, merge)?, &mut value) {
                        order.arrange(items);
                    }
                    changed.push((key.clone(), value));
                }
            }
        }
        // The order of lists of which the patch has nothing else to say.
        for name in entries.iter().filter_map(|(key, _)| key.strip_prefix(ELEMENT_ORDER)) {
            let is_list = node.get(name).is_some_and(|there| there.kind() == Kind::List);
            if is_list
                && patch.get(name).is_none()
                && let Some(order) = self.order(&path.key(name), patch, name, shape.below(name).0)?
            {
                self.edits.push(Edit::Order(path.key(name), order, 0));
            }
        }
        if !changed.is_empty() {
            self.edits.push(Edit::Merge(path.clone(), changed));
        }
        Ok(())
    }

    /// Makes a map what the patch has in its place. What Helm knows the object by stays.
    fn replace_map(&mut self, node: Node<'_>, path: &Path, patch: &Value, shape: Shape) -> Result<(), Error> {
        let has_identity = node.entries().iter().any(|(key, _)| is_identity(path, key));
        let value = self.new_map(path, patch, shape)?;
        if !has_identity {
            if !node.means(&value) {
                self.edits.push(Edit::Set(path.clone(), value));
            }
            return Ok(());
        }
        for (key, there) in node.entries() {
            if !is_identity(path, &key) {
                if value.get(&key).is_none() {
                    self.edits.push(Edit::Remove(path.key(key)));
                }
            } else if key == "metadata" {
                let nothing = Value::Map(Vec::new());
                let metadata = patch.get("metadata").unwrap_or(&nothing);
                self.replace_map(there, &path.key("metadata"), metadata, shape.below("metadata").1)?;
            }
        }
        let is_new = |(key, value): &&(String, Value)| {
            !is_identity(path, key) && !node.get(key).is_some_and(|there| there.means(value))
        };
        let changed: Vec<_> = value.as_map().unwrap_or_default().iter().filter(is_new).cloned().collect();
        if !changed.is_empty() {
            self.edits.push(Edit::Merge(path.clone(), changed));
        }
        Ok(())
    }

    /// Takes out all keys that are not in the list.
    fn retain(&mut self, node: Node<'_>, path: &Path, keys: &Value) {
        let retained = |key: &str| {
            is_identity(path, key) || keys.as_list().unwrap_or_default().iter().any(|kept| kept.as_str() == Some(key))
        };
        let dropped = node.entries().into_iter().filter(|(key, _)| !retained(key));
        self.edits.extend(dropped.map(|(key, _)| Edit::Remove(path.key(key))));
    }

    fn delete_scalars(&mut self, node: Node<'_>, path: &Path, name: &str, values: &Value) {
        let items = node.get(name).into_iter().flat_map(|list| list.items());
        let gone = |item: &Node<'_>| values.as_list().unwrap_or_default().iter().any(|value| item.means(value));
        let indexes: Vec<usize> = items.enumerate().filter(|(_, item)| gone(item)).map(|(index, _)| index).collect();
        self.edits.extend(indexes.into_iter().rev().map(|index| Edit::Remove(path.index(index))));
    }

    /// Plans the edits of a list, and tells how many items are new and stand in front then.
    fn list(
        &mut self,
        node: Node<'_>,
        path: &Path,
        items: &[Value],
        merge: Merge,
        shape: Shape,
    ) -> Result<usize, Error> {
        let keys = match merge {
            Merge::ByKeys(keys) if !items.iter().any(is_marker) => keys,
            Merge::Set => {
                let Some(Value::List(items)) = self.new_list(path, items, merge, shape)? else { return Ok(0) };
                let mut missing: Vec<&Value> = Vec::new();
                for item in &items {
                    if !node.items().any(|there| there.means(item)) && !missing.contains(&item) {
                        missing.push(item);
                    }
                }
                self.edits.extend(missing.into_iter().map(|item| Edit::Append(path.clone(), item.clone())));
                return Ok(0);
            }
            Merge::ByKeys(_) | Merge::Default | Merge::Replace => {
                match self.new_list(path, items, merge, shape)? {
                    None => self.edits.push(Edit::Remove(path.clone())),
                    Some(value) if node.means(&value) => {}
                    Some(value) => self.edits.push(Edit::Set(path.clone(), value)),
                }
                return Ok(usize::MAX);
            }
        };
        self.check_items(path, items, keys)?;
        let mut removed: Vec<usize> = Vec::new();
        let mut new = Vec::new();
        for item in items {
            let found = self.find(node, path, item, keys)?;
            match (found.last(), directive(item)) {
                (_, Some("delete")) => {
                    // In order and each once, by hand: the library's sort weighs as much as the rest of this module.
                    for index in found {
                        let place = removed.partition_point(|before| *before < index);
                        if removed.get(place) != Some(&index) {
                            removed.insert(place, index);
                        }
                    }
                }
                (Some(&index), _) => {
                    let Some(there) = node.at(index) else { continue };
                    self.map(there, &path.index(index), item, Merge::Default, shape)?;
                }
                (None, _) => new.push(self.new_map(path, item, shape)?),
            }
        }
        self.edits.extend(removed.into_iter().rev().map(|index| Edit::Remove(path.index(index))));
        let count = new.len();
        self.edits.extend(new.into_iter().enumerate().map(|(index, value)| Edit::Insert(path.clone(), index, value)));
        Ok(count)
    }

    /// The items of a list that an item of the patch means, none if it is new. The last is the one that counts.
    fn find(&self, node: Node<'_>, path: &Path, item: &Value, keys: Keys) -> Result<Vec<usize>, Error> {
        let Some(wanted) = item.get(keys.first()) else { return Ok(Vec::new()) };
        let is_named = |there: Node<'_>| there.get(keys.first()).is_some_and(|node| node.means(wanted));
        let mut found: Vec<(usize, Node<'_>)> =
            node.items().enumerate().filter(|(_, there)| is_named(*there)).collect();
        let deletes = directive(item) == Some("delete");
        for key in keys.others() {
            let default = default_of(key);
            match item.get(key).filter(|value| !value.is_null()) {
                Some(wanted) => found.retain(|(_, there)| match there.get(key).filter(|node| !node.is_null()) {
                    Some(node) => node.means(wanted),
                    None => wanted.as_str().is_some_and(|wanted| default == Some(wanted)),
                }),
                // Without this key, all of that name go.
                None if deletes || found.len() < 2 => {}
                None => {
                    let is_default = |there: Node<'_>| match there.get(key).filter(|node| !node.is_null()) {
                        Some(node) => node.as_str().is_some_and(|text| default == Some(&text)),
                        None => true,
                    };
                    found.retain(|(_, there)| is_default(*there));
                    if found.is_empty() {
                        let message = format!(
                            "several items have the `{}` {wanted}; say which is meant with `{key}` in the patch",
                            keys.first()
                        );
                        return self.refuse(path, message);
                    }
                }
            }
        }
        // Of two entries for one port neither takes the other's place.
        if !deletes && found.len() > 1 && keys.others().any(|key| key == "protocol") {
            let message = format!(
                "the list has the `{}` {wanted} more than once with one protocol, and a patch cannot tell which is \
                 meant; remove one in the chart, or use a JSON 6902 patch",
                keys.first()
            );
            return self.refuse(path, message);
        }
        Ok(found.into_iter().map(|(index, _)| index).collect())
    }

    /// Refuses items of a patch that nothing tells apart.
    fn check_items(&self, path: &Path, items: &[Value], keys: Keys) -> Result<(), Error> {
        for (position, item) in items.iter().enumerate() {
            let first = keys.first();
            let Some(name) = item.get(first).filter(|name| !name.is_null()) else {
                let message = format!(
                    "item {} of the patch's list has no `{first}`, by which the items are told apart",
                    position + 1
                );
                return self.refuse(path, message);
            };
            let other = |item: &Value, key: &str| match item.get(key).filter(|value| !value.is_null()) {
                Some(value) => Some(value.clone()),
                None => default_of(key).map(Value::from),
            };
            let is_same = |earlier: &Value| {
                earlier.get(first) == Some(name) && keys.others().all(|key| other(earlier, key) == other(item, key))
            };
            if items.iter().take(position).any(is_same) {
                return self.refuse(path, format!("the patch's list has the `{first}` {name} twice"));
            }
        }
        Ok(())
    }

    /// What a part of a patch adds where nothing is yet: without its directives, and without what it would remove.
    /// `None` where nothing is left of what was there.
    fn new_value(&self, path: &Path, value: &Value, merge: Merge, shape: Shape) -> Result<Option<Value>, Error> {
        match value {
            Value::Null => Ok(None),
            Value::Map(entries) => {
                if directive(value) == Some("delete") {
                    return Ok(None);
                }
                let map = self.new_map(path, value, shape)?;
                let is_emptied = map.as_map().is_some_and(|left| left.is_empty())
                    && !entries.is_empty()
                    && directive(value) != Some("replace");
                Ok((!is_emptied).then_some(map))
            }
            Value::List(items) => self.new_list(path, items, merge, shape),
            other => Ok(Some(other.clone())),
        }
    }

    fn new_map(&self, path: &Path, patch: &Value, shape: Shape) -> Result<Value, Error> {
        if let Some(other) = directive(patch)
            && other != "replace"
            && other != "merge"
        {
            return self.unknown_directive(path, other);
        }
        let mut new = Vec::new();
        for (key, value) in patch.as_map().unwrap_or_default().iter().filter(|(key, _)| !is_directive(key)) {
            let (merge, shape) = shape.below(key);
            let path = path.key(key);
            if let Some(mut value) = self.new_value(&path, value, merge, shape)? {
                if let (Some(order), Value::List(items)) = (self.order(&path, patch, key, merge)?, &mut value) {
                    order.arrange(items);
                }
                new.push((key.clone(), value));
            }
        }
        Ok(Value::Map(new))
    }

    fn new_list(&self, path: &Path, items: &[Value], merge: Merge, shape: Shape) -> Result<Option<Value>, Error> {
        let is_deleted = |item: &Value| directive(item) == Some("delete");
        if merge == Merge::Set && items.iter().any(|item| directive(item).is_some()) {
            let message = "`$patch` has no meaning in a list of plain values; `$deleteFromPrimitiveList` takes some \
                           out, and `null` instead of the list all of them";
            return self.refuse(path, message.to_owned());
        }
        if items.iter().any(|item| is_marker(item) && is_deleted(item)) {
            if items.len() > 1 {
                let message = "`$patch: delete` as an item of its own takes the whole list out, with the patch's other \
                               items; `$patch: replace` puts them in its place";
                return self.refuse(path, message.to_owned());
            }
            return Ok(None);
        }
        let kept: Vec<Value> = items.iter().filter(|item| !is_marker(item)).cloned().collect();
        if let Merge::ByKeys(keys) = merge {
            self.check_items(path, &kept, keys)?;
        } else if kept.iter().any(is_deleted) {
            let message = "the list is replaced as a whole, so `$patch: delete` cannot take one item out; give the \
                           list as it should be, or use a JSON 6902 patch";
            return self.refuse(path, message.to_owned());
        }
        let mut new = Vec::with_capacity(kept.len());
        for item in kept.iter().filter(|item| !is_deleted(item)) {
            new.push(match item {
                Value::Map(_) => self.new_map(path, item, shape)?,
                Value::List(items) => {
                    self.new_list(path, items, Merge::Default, shape)?.unwrap_or(Value::List(Vec::new()))
                }
                other => other.clone(),
            });
        }
        let is_emptied = new.is_empty() && !kept.is_empty();
        Ok((!is_emptied).then_some(Value::List(new)))
    }

    /// The order that the patch wants for the list under a key.
    fn order(&self, path: &Path, patch: &Value, key: &str, merge: Merge) -> Result<Option<order::Order>, Error> {
        let mut directives = patch.as_map().unwrap_or_default().iter();
        let Some((_, order)) = directives.find(|(name, _)| name.strip_prefix(ELEMENT_ORDER) == Some(key)) else {
            return Ok(None);
        };
        let keys = match merge {
            Merge::ByKeys(keys) => Some(keys),
            Merge::Set => None,
            Merge::Default | Merge::Replace => {
                return self.refuse(path, "`$setElementOrder` is for lists that merge item by item".to_owned());
            }
        };
        let Some(order) = order.as_list() else {
            return self.refuse(path, format!("`$setElementOrder` is a list, not {}", order.type_name()));
        };
        Ok(Some(order::Order::new(order.to_vec(), keys)))
    }

    #[cold]
    fn unknown_directive<T>(&self, path: &Path, word: &str) -> Result<T, Error> {
        self.refuse(path, format!("`$patch: {word}` has no meaning here"))
    }
}

/// An item that is nothing but a directive, for the list that it stands in.
fn is_marker(item: &Value) -> bool {
    item.as_map().is_some_and(|entries| entries.len() == 1) && matches!(directive(item), Some("replace" | "delete"))
}

/// What Kubernetes takes for a key that tells items apart where it is left out.
fn default_of(key: &str) -> Option<&'static str> {
    (key == "protocol").then_some("TCP")
}

fn is_directive(key: &str) -> bool {
    key == DIRECTIVE || key == RETAIN_KEYS || key.starts_with(DELETE_FROM_LIST) || key.starts_with(ELEMENT_ORDER)
}
