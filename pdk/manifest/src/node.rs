//! Reading: a view of one node, through aliases and merge keys.

mod position;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::budget::{Budget, Exhausted};
use crate::error::{Error, ErrorKind};
use crate::path::{Path, Segment};
use crate::read::parser;
use crate::tree::{NodeData, Shape, Source, Tree, flag};
use crate::typing::{self, PlainType};
use crate::value::{MAX_VALUE_DEPTH, Value};

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Keys and values.
    Map,
    /// Items.
    List,
    /// Anything else, also nothing.
    Scalar,
}

/// A view of one node of an object. Copy; valid until the object is edited.
///
/// Reads look through aliases (`*name`) and merge keys (`<<`). Of equal keys the last one counts, as in Helm; a map's
/// own keys win over merged ones.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    pub(crate) source: Source<'a>,
    pub(crate) index: u32,
    /// The object that the node was reached from.
    root: u32,
}

impl<'a> Source<'a> {
    /// The root node. Must not be asked of an empty tree's nodes; its answers are those of an empty document.
    pub(crate) fn root(self) -> Node<'a> {
        Node::new(self, 0, 0)
    }
}

impl<'a> Node<'a> {
    /// The node at an index of the arena, or what it is an alias of.
    pub(crate) fn new(source: Source<'a>, index: u32, root: u32) -> Self {
        let data = source.node(index);
        let index = if data.shape == Shape::Alias { data.extra } else { index };
        Self { source, index, root }
    }

    fn at_index(&self, index: u32) -> Self {
        Self::new(self.source, index, self.root)
    }

    pub(crate) fn data(&self) -> NodeData {
        self.source.node(self.index)
    }

    /// Whether this is a map, a list or a scalar.
    pub fn kind(&self) -> Kind {
        let shape = self.data().shape;
        match () {
            () if shape.is_map() => Kind::Map,
            () if shape.is_list() => Kind::List,
            () => Kind::Scalar,
        }
    }

    /// The 1-based line of the stream on which the node starts.
    pub fn line(&self) -> usize {
        self.source.line_at(self.data().start as usize)
    }

    /// The path of the node from the object; where an alias was followed, the path of its target.
    pub fn path(&self) -> Path {
        let mut path = Path::root();
        let mut current = self.root;
        while current != self.index {
            let data = self.source.node(current);
            let mut children = Children { source: self.source, next: current + 1, end: data.next };
            let mut position = 0;
            let found = loop {
                let Some(child) = children.next() else { return path };
                if data.shape.is_map() {
                    let Some(value) = children.next() else { return path };
                    if self.source.node(value).next > self.index {
                        let key = self.key_text(child).unwrap_or_default();
                        path.push(Segment::Key(key.into_owned()));
                        break value;
                    }
                } else if self.source.node(child).next > self.index {
                    path.push(Segment::Index(position));
                    break child;
                }
                position += 1;
            };
            current = found;
        }
        path
    }

    /// What sort of node this is, for messages: `a string`, `a map`, ...
    pub fn type_name(&self) -> &'static str {
        match self.kind() {
            Kind::Map => "a map",
            Kind::List => "a list",
            Kind::Scalar => match self.scalar_type() {
                PlainType::Null => "nothing",
                PlainType::Bool(_) => "a boolean",
                PlainType::Int | PlainType::Float => "a number",
                PlainType::Text => "a string",
            },
        }
    }

    pub(crate) fn scalar_type(&self) -> PlainType {
        let data = self.data();
        match data.shape {
            _ if data.flags & flag::TEXT_TAG != 0 => PlainType::Text,
            Shape::Plain => typing::resolve(&self.text_of(data)),
            Shape::Empty => PlainType::Null,
            // A tag such as `!!int` takes the quotes away.
            _ if data.flags & flag::TAG != 0 => typing::resolve(&self.text_of(data)),
            _ => PlainType::Text,
        }
    }

    /// The text of a scalar of whatever type, after quotes, escapes and folding: `1.20`, `on`, `0755` as they stand.
    /// `None` for maps and lists.
    pub fn scalar_text(&self) -> Option<Cow<'a, str>> {
        let data = self.data();
        match data.shape {
            Shape::BlockMap | Shape::FlowMap | Shape::BlockList | Shape::FlowList => None,
            _ => Some(self.text_of(data)),
        }
    }

    fn text_of(&self, data: NodeData) -> Cow<'a, str> {
        let text: &'a str = self.source.text;
        let tree: &'a Tree = self.source.tree;
        if data.flags & flag::DECODED != 0 {
            return Cow::Borrowed(tree.decoded(data.extra));
        }
        let (start, end) = (data.start as usize, data.end as usize);
        if data.flags & flag::UNDECODED != 0 {
            let source = text.get(start..end).unwrap_or_default();
            let has_line_end = data.shape.is_block_scalar() && end < text.len();
            return Cow::Owned(parser::decode_scalar(source, has_line_end));
        }
        Cow::Borrowed(match data.shape {
            Shape::SingleQuoted | Shape::DoubleQuoted => text.get(start + 1..end.saturating_sub(1)).unwrap_or_default(),
            _ => text.get(start..end).unwrap_or_default(),
        })
    }

    /// Whether a scalar stands without quotes and not as a block, so that what it means hangs on who reads it.
    pub fn is_plain(&self) -> bool {
        matches!(self.data().shape, Shape::Plain | Shape::Empty)
    }

    /// Whether a scalar stands as a block (`|` or `>`).
    pub fn is_block_scalar(&self) -> bool {
        self.data().shape.is_block_scalar()
    }

    /// Whether a scalar is a number, as Helm types it.
    pub fn is_number(&self) -> bool {
        self.kind() == Kind::Scalar && matches!(self.scalar_type(), PlainType::Int | PlainType::Float)
    }

    /// The text of a scalar that is a string, as Helm types it: `on`, `1.20`, `~` and `null` are none unless quoted.
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        match self.kind() {
            Kind::Scalar if self.scalar_type() == PlainType::Text => self.scalar_text(),
            _ => None,
        }
    }

    /// The value of an integer that fits, in any notation of YAML 1.1 (`0755` is 493).
    pub fn as_i64(&self) -> Option<i64> {
        match self.scalar_type() {
            PlainType::Int => typing::parse_int(&self.scalar_text()?).and_then(|value| i64::try_from(value).ok()),
            _ => None,
        }
    }

    /// The value of a boolean, in any notation of YAML 1.1 (`on`, `No`, `y`).
    pub fn as_bool(&self) -> Option<bool> {
        match self.scalar_type() {
            PlainType::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// Whether there is nothing here, or `null` or `~`.
    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Scalar && self.scalar_type() == PlainType::Null
    }

    /// How many own entries a map or items a list has; 0 for a scalar. Equal keys count each.
    pub fn len(&self) -> usize {
        let count = self.children().count();
        if self.data().shape.is_map() { count / 2 } else { count }
    }

    /// Whether this is an empty map or list, or a scalar.
    pub fn is_empty(&self) -> bool {
        self.children().next().is_none()
    }

    pub(crate) fn children(&self) -> Children<'a> {
        let data = self.data();
        Children { source: self.source, next: self.index + 1, end: data.next }
    }

    /// Own entries of a map as arena indices of key and value, in order.
    pub(crate) fn own_entries(&self) -> impl Iterator<Item = (u32, u32)> + use<'a> {
        let mut children = match self.data().shape.is_map() {
            true => self.children(),
            false => Children { source: self.source, next: 0, end: 0 },
        };
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// A key as Helm sees it: `on` is the key `true`, `0x10` the key `16`. `None` for a key that is a map or a list.
    pub(crate) fn key_text(&self, key_node: u32) -> Option<Cow<'a, str>> {
        let key = self.at_index(key_node);
        let text = key.scalar_text()?;
        Some(match key.scalar_type() {
            PlainType::Text | PlainType::Null => text,
            PlainType::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
            PlainType::Int | PlainType::Float => typing::key_of_number(&text).map_or(text, Cow::Owned),
        })
    }

    /// Whether the key node at an index is this key.
    pub(crate) fn key_is(&self, key_node: u32, key: &str) -> bool {
        let data = self.source.node(key_node);
        let is_typed = || typing::resolve(key) != PlainType::Text;
        match data.shape {
            Shape::Plain | Shape::SingleQuoted | Shape::DoubleQuoted
                if data.flags & (flag::DECODED | flag::UNDECODED | flag::TAG) == 0 =>
            {
                let is_quoted = data.shape != Shape::Plain;
                let quote = u32::from(is_quoted);
                let bytes = self.source.text.as_bytes();
                let own = bytes.get((data.start + quote) as usize..(data.end - quote) as usize).unwrap_or_default();
                match own == key.as_bytes() {
                    // Only a key that has another type without quotes can be another one than it reads as.
                    true if is_quoted || !is_typed() => true,
                    false if is_quoted || !is_typed() => false,
                    _ => self.key_text(key_node).is_some_and(|text| text == key),
                }
            }
            _ => self.key_text(key_node).is_some_and(|text| text == key),
        }
    }

    /// The value of a key of this map, also a merged one.
    pub fn get(&self, key: &str) -> Option<Node<'a>> {
        self.find_value(key).map(|value| self.at_index(value))
    }

    /// The value node of a key of this map, also a merged one. Of equal keys the last one counts, and a merge key
    /// counts where it stands: it wins over the keys in front of it, as in sigs.k8s.io/yaml.
    pub(crate) fn find_value(&self, key: &str) -> Option<u32> {
        if self.data().flags & flag::MERGES == 0 {
            let mut count = 1;
            let mut found = None;
            for (key_node, value) in self.own_entries() {
                count += 1;
                if self.key_is(key_node, key) {
                    found = Some(value);
                }
            }
            self.source.tree.look_at(count);
            return found;
        }
        self.by_priority(|map, key_node| map.key_is(key_node, key)).next().map(|(_, _, value)| value)
    }

    /// The value that a merge key gives a key of this map.
    pub(crate) fn merged_get(&self, key: &str) -> Option<Node<'a>> {
        if self.data().flags & flag::MERGES == 0 {
            return None;
        }
        let mut found = self.by_priority(|map, key_node| map.index != self.index && map.key_is(key_node, key));
        found.next().map(|(_, _, value)| self.at_index(value))
    }

    /// The entries of this map and of those that it merges, directly and through others, as their map, key and value;
    /// those that win first, each once.
    fn by_priority(&self, wants: impl Fn(&Node<'a>, u32) -> bool) -> impl Iterator<Item = (Node<'a>, u32, u32)> {
        enum Next<'a> {
            Map(Node<'a>),
            Entry(Node<'a>, u32, u32),
        }
        let tree = self.source.tree;
        tree.look_at(tree.nodes.len() / 512 + 1);
        let mut is_seen = vec![0u64; tree.nodes.len() / 64 + 1];
        let mut see = move |index: u32| {
            let bit = 1 << (index % 64);
            is_seen.get_mut(index as usize / 64).is_some_and(|word| {
                let is_new = *word & bit == 0;
                *word |= bit;
                is_new
            })
        };
        let mut waiting = vec![Next::Map(*self)];
        std::iter::from_fn(move || {
            loop {
                let map = match waiting.pop()? {
                    Next::Entry(map, key, value) => return Some((map, key, value)),
                    Next::Map(map) => map,
                };
                if !map.data().shape.is_map() || !see(map.index) {
                    continue;
                }
                // What is pushed last comes first.
                for (key, value) in map.own_entries() {
                    tree.look_at(1);
                    if !map.is_merge_key(key) {
                        if wants(&map, key) {
                            waiting.push(Next::Entry(map, key, value));
                        }
                        continue;
                    }
                    let value = map.at_index(value);
                    let from = waiting.len();
                    waiting.extend(value.items().map(Next::Map));
                    tree.look_at(waiting.len() - from);
                    if let Some(added) = waiting.get_mut(from..) {
                        added.reverse();
                    }
                    waiting.push(Next::Map(value));
                }
            }
        })
    }

    /// The maps that this one merges, directly and through others, those that win first; each once.
    pub(crate) fn merged_maps(&self) -> Vec<Node<'a>> {
        let mut found: Vec<Node<'a>> = Vec::new();
        let mut is_seen = vec![false; self.source.tree.nodes.len()];
        let mut see = |index: u32| is_seen.get_mut(index as usize).is_some_and(|seen| !std::mem::replace(seen, true));
        see(self.index);
        let mut waiting = vec![*self];
        while let Some(map) = waiting.pop() {
            if map.index != self.index {
                found.push(map);
            }
            if map.data().flags & flag::MERGES == 0 {
                continue;
            }
            let from = waiting.len();
            for (key, value) in map.own_entries() {
                if !map.is_merge_key(key) {
                    continue;
                }
                let value = self.at_index(value);
                let single = (value.kind() == Kind::Map).then_some(value);
                for candidate in value.items().chain(single) {
                    if candidate.data().shape.is_map() && see(candidate.index) {
                        waiting.push(candidate);
                    }
                }
            }
            if let Some(added) = waiting.get_mut(from..) {
                added.reverse();
            }
        }
        found
    }

    pub(crate) fn is_merge_key(&self, key_node: u32) -> bool {
        self.source.node(key_node).flags & flag::MERGE_KEY != 0
    }

    /// The item of this list at a 0-based index.
    pub fn at(&self, index: usize) -> Option<Node<'a>> {
        self.items().nth(index)
    }

    /// The node at a path below this one.
    pub fn find(&self, path: &Path) -> Option<Node<'a>> {
        self.find_segments(path.segments())
    }

    pub(crate) fn find_segments(&self, segments: &[Segment]) -> Option<Node<'a>> {
        segments.iter().try_fold(*self, |node, segment| match segment {
            Segment::Key(key) => node.get(key),
            Segment::Index(index) => node.at(*index),
        })
    }

    /// The entries of this map: own ones in order (of equal keys the last), then merged ones. Empty for other nodes;
    /// keys that are maps or lists are left out. Keys are as Helm sees them: `on` is the key `true`.
    pub fn entries(&self) -> Vec<(Cow<'a, str>, Node<'a>)> {
        self.entries_by(Self::key_text)
    }

    /// [`Node::entries`] with the nodes of the keys, which have them as they stand: `on` of the key `true`. None for
    /// the entries of a map that merges others.
    pub fn entries_with_keys(&self) -> Vec<(Cow<'a, str>, Option<Node<'a>>, Node<'a>)> {
        let keys: Vec<u32> = match self.data().flags & flag::MERGES == 0 {
            true => self.own_entries().map(|(key, _)| key).filter(|key| self.key_text(*key).is_some()).collect(),
            false => Vec::new(),
        };
        let mut own: Vec<(Cow<'a, str>, Node<'a>)> = Vec::with_capacity(keys.len());
        if keys.is_empty() {
            return self.entries().into_iter().map(|(key, value)| (key, None, value)).collect();
        }
        for (key, value) in self.own_entries() {
            if let Some(key) = self.key_text(key) {
                own.push((key, self.at_index(value)));
            }
        }
        self.source.tree.look_at(own.len() + 1);
        let is_kept = is_last_of_equal_keys(&own);
        let entries = own.into_iter().zip(keys).zip(is_kept).filter(|(_, is_kept)| *is_kept);
        entries.map(|(((text, value), key), _)| (text, Some(self.at_index(key)), value)).collect()
    }

    /// The entries of a map of configuration, with its keys as they stand.
    pub(crate) fn config_entries(&self) -> Vec<(Cow<'a, str>, Node<'a>)> {
        self.entries_by(|map, key| map.at_index(key).scalar_text())
    }

    fn entries_by(&self, key_text: impl Fn(&Node<'a>, u32) -> Option<Cow<'a, str>>) -> Vec<(Cow<'a, str>, Node<'a>)> {
        let mut entries: Vec<(Cow<'a, str>, Node<'a>)> = Vec::new();
        if self.data().flags & flag::MERGES == 0 {
            for (key, value) in self.own_entries() {
                if let Some(key) = key_text(self, key) {
                    entries.push((key, self.at_index(value)));
                }
            }
            self.source.tree.look_at(entries.len() + 1);
            keep_last_of_equal_keys(&mut entries);
            return entries;
        }
        let mut is_own = Vec::new();
        for (map, key, value) in self.by_priority(|_, _| true) {
            if let Some(key) = key_text(&map, key) {
                entries.push((key, self.at_index(value)));
                is_own.push(map.index == self.index);
            }
        }
        // Lowest priority first, so that the last of equal keys is the one that counts.
        entries.reverse();
        is_own.reverse();
        let is_kept = is_last_of_equal_keys(&entries);
        let mut merged = Vec::new();
        let mut own = Vec::new();
        for ((entry, is_own), is_kept) in entries.into_iter().zip(is_own).zip(is_kept) {
            if is_kept {
                if is_own { own.push(entry) } else { merged.push(entry) }
            }
        }
        own.append(&mut merged);
        own
    }

    /// The items of this list, in order; none for other nodes.
    pub fn items(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let children = match self.data().shape.is_list() {
            true => self.children(),
            false => Children { source: self.source, next: 0, end: 0 },
        };
        let (source, root) = (self.source, self.root);
        children.map(move |child| Node::new(source, child, root))
    }

    /// The node as a value of its own, with the types that Helm sees (`on` is true). Aliases are written out.
    ///
    /// # Errors
    /// A node nested deeper than 200 levels or, with its aliases written out, beyond [`Budget::for_text`] of its
    /// document.
    pub fn to_value(&self) -> Result<Value, Error> {
        self.to_value_within(&Budget::for_text(self.source.text.len()))
    }

    /// The same under a budget that the caller has for more than this.
    ///
    /// # Errors
    /// A node nested deeper than 200 levels; a budget that is used up.
    pub fn to_value_within(&self, budget: &Budget) -> Result<Value, Error> {
        self.value_of(false, MAX_VALUE_DEPTH, budget)
    }

    /// The node as a value of configuration: see [`Value::from_yaml`].
    pub(crate) fn to_config_value(self) -> Result<Value, Error> {
        self.value_of(true, MAX_VALUE_DEPTH, &Budget::for_text(self.source.text.len()))
    }

    /// How many bytes the text of a scalar takes in the document; 0 for maps and lists.
    pub(crate) fn written_length(&self) -> usize {
        let data = self.data();
        if data.shape.is_map() || data.shape.is_list() { 0 } else { (data.end - data.start) as usize }
    }

    fn value_of(&self, is_config: bool, depth_left: usize, budget: &Budget) -> Result<Value, Error> {
        let Some(depth_left) = depth_left.checked_sub(1) else {
            let line = self.line();
            return Err(Error::new(ErrorKind::TooLarge, "", line, format!("line {line}: nested too deep")));
        };
        let charge = |outcome: Result<(), Exhausted>| outcome.map_err(|exhausted| exhausted.at("", self.line()));
        charge(budget.entries(1))?;
        charge(budget.bytes(self.written_length()))?;
        Ok(match self.kind() {
            Kind::List => Value::List(
                self.items().map(|item| item.value_of(is_config, depth_left, budget)).collect::<Result<_, _>>()?,
            ),
            Kind::Map => {
                charge(budget.work((self.data().end - self.data().start) as usize))?;
                if is_config {
                    self.refuse_equal_keys()?;
                }
                let before = self.source.tree.looked_at.get();
                let own = if is_config { self.config_entries() } else { self.entries() };
                charge(budget.entries(self.source.tree.lookups_since(before)))?;
                let mut entries = Vec::with_capacity(own.len());
                for (key, value) in own {
                    charge(budget.bytes(key.len()))?;
                    entries.push((key.into_owned(), value.value_of(is_config, depth_left, budget)?));
                }
                Value::Map(entries)
            }
            Kind::Scalar => {
                let text = self.text_of(self.data());
                match self.scalar_type() {
                    PlainType::Null => Value::Null,
                    PlainType::Bool(value) if !is_config || typing::core_bool(&text).is_some() => Value::Bool(value),
                    PlainType::Int | PlainType::Float => Value::Number(text.into_owned()),
                    PlainType::Bool(_) | PlainType::Text => Value::String(text.into_owned()),
                }
            }
        })
    }

    /// Refuses a map that has one of its own keys twice: in what somebody writes for us, one of the two is a slip.
    fn refuse_equal_keys(&self) -> Result<(), Error> {
        let merges = self.data().flags & flag::MERGES != 0;
        let own = self.own_entries().filter(|&(key, _)| !(merges && self.is_merge_key(key)));
        let own: Vec<_> =
            own.filter_map(|(key, _)| Some((self.at_index(key).scalar_text()?, self.at_index(key)))).collect();
        let is_last = is_last_of_equal_keys(&own);
        match own.iter().zip(is_last).find(|(_, is_last)| !is_last) {
            None => Ok(()),
            Some(((key, node), _)) => {
                let line = node.line();
                let message = format!("line {line}: the key `{key}` is there twice");
                Err(Error::new(ErrorKind::DuplicateKey, "", line, message))
            }
        }
    }

    /// Whether a value means the same as this node, so that writing it would change nothing. The order of a map's
    /// entries does not matter.
    pub fn means(&self, value: &Value) -> bool {
        // What a tag of the chart's own makes of a scalar is not known here.
        let tags = self.data().flags & (flag::TAG | flag::TEXT_TAG);
        if tags == flag::TAG && self.kind() == Kind::Scalar {
            return false;
        }
        match (self.kind(), value) {
            (Kind::Map, Value::Map(entries)) => {
                let own = self.entries();
                own.len() == entries.len()
                    && own.iter().all(|(key, node)| value.get(key).is_some_and(|value| node.means(value)))
            }
            (Kind::List, Value::List(items)) => {
                self.len() == items.len() && self.items().zip(items).all(|(node, value)| node.means(value))
            }
            (Kind::Scalar, Value::Null) => self.is_null(),
            (Kind::Scalar, Value::Bool(wanted)) => self.as_bool() == Some(*wanted),
            (Kind::Scalar, Value::Number(wanted)) => {
                matches!(self.scalar_type(), PlainType::Int | PlainType::Float)
                    && self.scalar_text().is_some_and(|text| text == *wanted)
            }
            (Kind::Scalar, Value::String(wanted)) => self.as_str().is_some_and(|text| text == *wanted),
            _ => false,
        }
    }
}

/// Of entries with equal keys keeps the last, in order.
fn keep_last_of_equal_keys(entries: &mut Vec<(Cow<'_, str>, Node<'_>)>) {
    let mut is_kept = is_last_of_equal_keys(entries).into_iter();
    entries.retain(|_| is_kept.next().unwrap_or(true));
}

/// For each entry whether no later one has its key; in linear time but for a logarithm, whatever the keys are.
fn is_last_of_equal_keys(entries: &[(Cow<'_, str>, Node<'_>)]) -> Vec<bool> {
    const FEW: usize = 8;
    let mut later: BTreeMap<&str, u32> = BTreeMap::new();
    let mut is_last = Vec::with_capacity(entries.len());
    for (position, (key, _)) in entries.iter().enumerate().rev() {
        let is_there = match entries.len() {
            ..=FEW => entries.iter().skip(position + 1).any(|(other, _)| other == key),
            _ => later.insert(key, 0).is_some(),
        };
        is_last.push(!is_there);
    }
    is_last.reverse();
    is_last
}

/// The arena indices of a collection's children.
pub(crate) struct Children<'a> {
    source: Source<'a>,
    next: u32,
    end: u32,
}

impl Iterator for Children<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.next >= self.end {
            return None;
        }
        let index = self.next;
        self.next = self.source.node(index).next;
        Some(index)
    }
}
