//! A document that is a list: the objects that are its items, also of lists in lists.

use std::borrow::Cow;

use super::header::check_header;
use crate::budget::{Budget, Exhausted};
use crate::error::{Error, ErrorKind};
use crate::node::{Kind, Node};

/// What a list takes: its place, and what is kept of it while its items are gone through, both in vectors that grow.
const BYTES_PER_LIST: usize = 512;

/// Where an object stands in its document, and what became of it. Small: aliases of lists can make a million of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Entry {
    /// The list in the lists of the session whose item it is, and which one; none for a document that is one object.
    pub(super) list: Option<u32>,
    pub(super) position: u32,
    /// Its node, as long as the document was not read again.
    pub(super) node: u32,
    pub(super) is_changed: bool,
    pub(super) is_deleted: bool,
}

/// A list of objects. What its items have in common is here, once.
pub(super) struct ListPlace {
    /// The list and the position in it that this one is an item of; none for the document.
    pub(super) parent: Option<(u32, u32)>,
    /// The node of its `items`, as long as the document was not read again.
    pub(super) items: u32,
    /// For a typed list: the apiVersion and kind of items that do not say themselves.
    pub(super) inherited: Option<(String, String)>,
}

/// Whether a node is a list of objects rather than an object.
pub(super) fn is_list_of_objects(node: Node<'_>) -> bool {
    node.get("kind").and_then(|kind| kind.scalar_text()).is_some_and(|kind| kind.ends_with("List"))
        && node.get("items").is_some_and(|items| items.kind() == Kind::List)
}

/// A list whose items are being gone through.
struct OpenList<'a, I> {
    list: u32,
    kind: Cow<'a, str>,
    items: I,
    position: u32,
}

/// The objects of a document that is a list: its items, also of lists in lists, and the lists themselves. What is kept
/// for an object is its [`Entry`] and no more, while the lists are gone through as well.
pub(super) fn find_objects(root: Node<'_>, budget: &Budget) -> Result<(Vec<Entry>, Vec<ListPlace>), Error> {
    let mut found = Vec::new();
    let mut lists: Vec<ListPlace> = Vec::new();
    let mut open = Vec::new();
    let tree = root.source.tree;
    let mut charged_until = tree.looked_at.get();
    let exhausted = |why: Exhausted, kind: &str| why.at(format!("{kind} (line {})", root.line()), root.line());
    if let Some(list) = open_list(root, Entry::default(), &mut lists, budget)? {
        open.push(list);
    }
    while let Some(list) = open.last_mut() {
        let Some(item) = list.items.next() else {
            open.pop();
            continue;
        };
        let position = list.position;
        list.position += 1;
        if item.is_null() {
            continue;
        }
        let looked_at = tree.lookups_since(charged_until);
        charged_until = tree.looked_at.get();
        budget.entries(1 + looked_at).map_err(|why| exhausted(why, &list.kind))?;
        if item.kind() != Kind::Map {
            let message = format!("item {position} of the list is {}, not an object", item.type_name());
            let subject = format!("{} (line {})", list.kind, root.line());
            return Err(Error::new(ErrorKind::NotAnObject, subject, item.line(), message));
        }
        let entry = Entry { list: Some(list.list), position, node: item.index, ..Entry::default() };
        match open_list(item, entry, &mut lists, budget)? {
            Some(list) => open.push(list),
            None => found.push(entry),
        }
    }
    Ok((found, lists))
}

/// Adds an object that is a list itself to the lists; none if it is not.
fn open_list<'a>(
    node: Node<'a>,
    entry: Entry,
    lists: &mut Vec<ListPlace>,
    budget: &Budget,
) -> Result<Option<OpenList<'a, impl Iterator<Item = Node<'a>> + use<'a>>>, Error> {
    let text = |key: &str| node.get(key).and_then(|node| node.scalar_text());
    let Some(kind) = text("kind").filter(|kind| kind.ends_with("List")) else { return Ok(None) };
    let Some(items) = node.get("items").filter(|items| items.kind() == Kind::List) else { return Ok(None) };
    node.get("kind").map_or(Ok(()), check_header)?;
    node.get("apiVersion").map_or(Ok(()), check_header)?;
    // As kubectl does, an item of a typed list has the list's type without `List`.
    let inherited = match kind.strip_suffix("List") {
        None | Some("" | "Resource") => None,
        Some(kind) => Some((text("apiVersion").unwrap_or_default().into_owned(), kind.to_owned())),
    };
    let texts = inherited.as_ref().map_or(0, |(api_version, kind)| api_version.len() + kind.len());
    budget
        .bytes(texts + BYTES_PER_LIST)
        .map_err(|why| why.at(format!("{kind} (line {})", node.line()), node.line()))?;
    let parent = entry.list.map(|list| (list, entry.position));
    let list = lists.len() as u32;
    lists.push(ListPlace { parent, items: items.index, inherited });
    Ok(Some(OpenList { list, kind, items: items.items(), position: 0 }))
}
