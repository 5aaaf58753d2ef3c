//! A small YAML file read into a tree whose every node knows its line and column.
//!
//! Windlass's own files (`windlass.yaml`, `plugin.yaml`, `--config` files) are strict: an unknown key, a wrong type or
//! a key given twice is an error, and an error without a place is of little use. Scalars keep their raw text, so a
//! version written `1.20` stays `1.20`.

use std::collections::{HashMap, HashSet};
use std::fmt;

use windlass_abi::config::nearest;
use windlass_manifest::{Budget, Exhausted, Value};
use windlass_manifest_events::{Event, EventKind, Events, Style};

use crate::error::Error;
use crate::limits::ByteSize;
use crate::limits::table::{MAX_DOCUMENT, MAX_DOCUMENT_NODES, MAX_DOCUMENT_TEXT};

/// How deep collections may be nested. None of Windlass's own files needs ten.
const MAX_DEPTH: usize = 100;

/// Where a node starts: 1-based line and column; prints as editors take it, `LINE:COLUMN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// 1-based line.
    pub line: usize,
    /// 1-based column, counted in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}

/// What is wrong in a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    /// Where the offending node or character is.
    pub place: Place,
    /// What is wrong, without the place.
    pub message: String,
    /// The key that was probably meant, or another way out.
    pub hint: Option<String>,
}

impl Misread {
    /// A finding without a hint.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), hint: None }
    }

    /// The same finding with what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The finding as the error of a file that people know as `file` (exit 2).
    pub fn in_file(self, file: &str) -> Error {
        let error = Error::usage(format!("{file}:{}: {}", self.place, self.message));
        match self.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

/// A node of the tree.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where the node starts.
    pub place: Place,
    /// What it holds.
    pub content: Content,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// A scalar with its raw text; `plain` = neither quoted nor a block scalar, so its text decides its type.
    Scalar {
        /// The text after YAML's escapes.
        text: String,
        /// Whether the text decides the type.
        plain: bool,
    },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the file's order; keys are unique.
    Map(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where the key starts.
    pub place: Place,
    /// The key's text.
    pub key: String,
    /// Its value.
    pub value: Node,
}

/// Reads the one document of `text`. `None` when there is none (an empty file, or only comments).
///
/// Aliases are written out while reading, so what they repeat counts: in nodes and in bytes.
///
/// # Errors
/// Text that is not YAML, a second document, a key given twice, a key that is not a scalar, a tag of the file's own;
/// more than the limits for such files, whatever they came in (a folder, an archive, a layer of an image).
pub fn read(text: &str) -> Result<Option<Node>, Misread> {
    if text.len() as u64 > MAX_DOCUMENT {
        let message = format!("the file is larger than {}", ByteSize(MAX_DOCUMENT));
        return Err(Misread::new(Place { line: 1, column: 1 }, message));
    }
    let mut events = Events::new(text, MAX_DEPTH);
    let mut places = Places { text, at: 0, line: 1, column: 1 };
    let mut builder = Builder::default();
    loop {
        match events.next_event() {
            Ok(None) => return Ok(builder.root),
            Ok(Some(event)) => builder.take(&event, events.text(&event), &mut places)?,
            Err(problem) => {
                let place = builder.unclosed(problem.at >= text.trim_end().len());
                return Err(Misread::new(place.unwrap_or_else(|| places.of(problem.at)), problem.message));
            }
        }
    }
}

/// Lines and columns of offsets, which mostly come in order: what lies between two is looked at once.
struct Places<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    column: usize,
}

impl Places<'_> {
    fn of(&mut self, offset: usize) -> Place {
        let offset = self.text.floor_char_boundary(offset);
        if offset < self.at {
            (self.at, self.line, self.column) = (0, 1, 1);
        }
        for character in self.text.get(self.at..offset).unwrap_or_default().chars() {
            (self.line, self.column) = match character {
                '\n' => (self.line + 1, 1),
                // The mark in front of a text is no column.
                '\u{feff}' => (self.line, self.column),
                _ => (self.line, self.column + 1),
            };
        }
        self.at = offset;
        Place { line: self.line, column: self.column }
    }
}

/// A collection that is still open.
enum Open {
    List {
        place: Place,
        anchor: Option<String>,
        items: Vec<Node>,
    },
    Map {
        place: Place,
        anchor: Option<String>,
        entries: Vec<Entry>,
        /// The keys of `entries`.
        keys: HashSet<String>,
        key: Option<(Place, String)>,
        merged: Vec<Entry>,
    },
}

struct Builder {
    root: Option<Node>,
    open: Vec<Open>,
    /// What aliases stand for; nothing while the node is still open.
    anchors: HashMap<String, Option<Node>>,
    budget: Budget,
}

impl Default for Builder {
    fn default() -> Self {
        let budget = Budget::new(MAX_DOCUMENT_TEXT, MAX_DOCUMENT_NODES);
        Self { root: None, open: Vec::new(), anchors: HashMap::new(), budget }
    }
}

impl Builder {
    fn take(&mut self, event: &Event<'_>, text: &str, places: &mut Places<'_>) -> Result<(), Misread> {
        if matches!(event.kind, EventKind::DocumentStart | EventKind::DocumentEnd) {
            return Ok(());
        }
        let place = places.of(event.start);
        let tag =
            tag_of(event, places.text).map_err(|tag| Misread::new(place, format!("tag `{tag}` is not known here")))?;
        let name = event.name.map(str::to_owned);
        match event.kind {
            EventKind::Scalar(style) => {
                let plain = style == Style::Plain && tag != Some("str");
                self.finish(Node { place, content: Content::Scalar { text: text.to_owned(), plain } }, name)
            }
            EventKind::ListStart { .. } => {
                self.opened(name.as_ref());
                self.open.push(Open::List { place, anchor: name, items: Vec::new() });
                Ok(())
            }
            EventKind::MapStart { .. } => {
                self.opened(name.as_ref());
                self.open.push(Open::Map {
                    place,
                    anchor: name,
                    entries: Vec::new(),
                    keys: HashSet::new(),
                    key: None,
                    merged: Vec::new(),
                });
                Ok(())
            }
            EventKind::End => match self.open.pop() {
                Some(Open::List { place, anchor, items }) => {
                    self.finish(Node { place, content: Content::List(items) }, anchor)
                }
                Some(Open::Map { place, anchor, mut entries, mut keys, merged, .. }) => {
                    entries.extend(merged.into_iter().filter(|entry| keys.insert(entry.key.clone())));
                    self.finish(Node { place, content: Content::Map(entries) }, anchor)
                }
                None => Ok(()),
            },
            EventKind::Alias => match name.as_ref().and_then(|name| self.anchors.get(name)) {
                Some(Some(node)) => {
                    self.charge_copy(node, place)?;
                    let node = node.clone();
                    self.attach(node)
                }
                Some(None) => Err(Misread::new(place, "an alias inside the very node it stands for")),
                None => Err(Misread::new(place, "an alias without an anchor")),
            },
            EventKind::DocumentStart | EventKind::DocumentEnd => Ok(()),
        }
    }

    /// Where the collection that is still open starts: at the end of a text that is what is wrong.
    fn unclosed(&self, is_at_end: bool) -> Option<Place> {
        self.open.last().filter(|_| is_at_end).map(|(Open::List { place, .. } | Open::Map { place, .. })| *place)
    }

    /// A collection with this anchor has begun: until it ends nothing can stand for it, nor for what had the name.
    fn opened(&mut self, anchor: Option<&String>) {
        if let Some(name) = anchor {
            self.anchors.insert(name.clone(), None);
        }
    }

    /// Takes what a node and its own text, but not what is below it, costs.
    fn charge(&self, node: &Node, place: Place) -> Result<(), Misread> {
        let text = match &node.content {
            Content::Scalar { text, .. } => text.len(),
            Content::List(_) => 0,
            Content::Map(entries) => entries.iter().map(|entry| entry.key.len()).sum(),
        };
        self.budget.entries(1).and_then(|()| self.budget.bytes(text)).map_err(|exhausted| {
            Misread::new(
                place,
                match exhausted {
                    Exhausted::Bytes { limit } => {
                        format!("more than {} of text, counting what aliases repeat", ByteSize(limit))
                    }
                    _ => format!("more than {MAX_DOCUMENT_NODES} nodes, counting those aliases repeat"),
                },
            )
        })
    }

    /// Takes what a copy of a node with all below it costs.
    fn charge_copy(&self, node: &Node, place: Place) -> Result<(), Misread> {
        self.charge(node, place)?;
        match &node.content {
            Content::Scalar { .. } => Ok(()),
            Content::List(items) => items.iter().try_for_each(|item| self.charge_copy(item, place)),
            Content::Map(entries) => entries.iter().try_for_each(|entry| self.charge_copy(&entry.value, place)),
        }
    }

    fn finish(&mut self, node: Node, anchor: Option<String>) -> Result<(), Misread> {
        self.charge(&node, node.place)?;
        if let Some(name) = anchor {
            // What an anchor keeps is a copy, too: anchors in anchors repeat what is in them.
            self.charge_copy(&node, node.place)?;
            self.anchors.insert(name, Some(node.clone()));
        }
        self.attach(node)
    }

    fn attach(&mut self, node: Node) -> Result<(), Misread> {
        match self.open.last_mut() {
            None if self.root.is_some() => {
                Err(Misread::new(node.place, "a second document: this file holds one").with_hint("remove the `---`"))
            }
            None => {
                self.root = Some(node);
                Ok(())
            }
            Some(Open::List { items, .. }) => {
                items.push(node);
                Ok(())
            }
            Some(Open::Map { entries, keys, key, merged, .. }) => match key.take() {
                None => match node.content {
                    Content::Scalar { text, .. } => {
                        if text != "<<" && !keys.insert(text.clone()) {
                            return Err(Misread::new(node.place, format!("key `{text}` is given twice")));
                        }
                        *key = Some((node.place, text));
                        Ok(())
                    }
                    _ => Err(Misread::new(node.place, "a key must be a plain or quoted text")),
                },
                Some((place, name)) if name == "<<" => merge_into(merged, node, place),
                Some((place, key)) => {
                    entries.push(Entry { place, key, value: node });
                    Ok(())
                }
            },
        }
    }
}

/// Collects what `<<: *map` or `<<: [*a, *b]` brings in; earlier maps win, and the map's own keys win over all.
fn merge_into(merged: &mut Vec<Entry>, node: Node, place: Place) -> Result<(), Misread> {
    match node.content {
        Content::Map(entries) => {
            merged.extend(entries);
            Ok(())
        }
        Content::List(items) => items.into_iter().try_for_each(|item| merge_into(merged, item, place)),
        Content::Scalar { .. } => Err(Misread::new(place, "`<<` merges a map or a list of maps")),
    }
}

/// The word of YAML's own tag (`str` of `!!str`) that a node has.
///
/// # Errors
/// The tag, where it is one of the file's own.
fn tag_of<'t>(event: &Event<'_>, text: &'t str) -> Result<Option<&'t str>, &'t str> {
    let properties = event.properties.and_then(|from| text.get(from..event.start)).unwrap_or_default();
    // An anchor's name may have a `!` in it, but does not start with one.
    let Some(tag) = properties.split_whitespace().find(|word| word.starts_with('!')) else { return Ok(None) };
    let verbatim = || tag.strip_prefix("!<tag:yaml.org,2002:")?.strip_suffix('>');
    tag.strip_prefix("!!").or_else(verbatim).map(Some).ok_or(tag)
}

impl Node {
    /// What a person calls this kind of node.
    pub fn kind(&self) -> &'static str {
        match &self.content {
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
            Content::Scalar { plain: true, .. } if self.is_null() => "nothing",
            Content::Scalar { plain: true, text } => match plain_scalar(text) {
                Value::Number(_) => "a number",
                Value::Bool(_) => "a boolean",
                _ => "a string",
            },
            Content::Scalar { .. } => "a string",
        }
    }

    /// Whether the node is an empty value or a plain `null` or `~`.
    pub fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar { text, plain: true } if matches!(plain_scalar(text), Value::Null))
    }

    /// The entries of a map; an empty value counts as an empty map.
    ///
    /// # Errors
    /// Anything else, named by `what`.
    pub fn as_map(&self, what: &str) -> Result<&[Entry], Misread> {
        match &self.content {
            Content::Map(entries) => Ok(entries),
            _ if self.is_null() => Ok(&[]),
            _ => Err(Misread::new(self.place, format!("{what}: expected a map, found {}", self.kind()))),
        }
    }

    /// The items of a list; an empty value counts as an empty list.
    ///
    /// # Errors
    /// Anything else, named by `what`.
    pub fn as_list(&self, what: &str) -> Result<&[Node], Misread> {
        match &self.content {
            Content::List(items) => Ok(items),
            _ if self.is_null() => Ok(&[]),
            _ => Err(Misread::new(self.place, format!("{what}: expected a list, found {}", self.kind()))),
        }
    }

    /// The raw text of a scalar: `1.20` is `"1.20"` whether quoted or not.
    ///
    /// # Errors
    /// A list, a map or nothing, named by `what`.
    pub fn as_text(&self, what: &str) -> Result<&str, Misread> {
        match &self.content {
            Content::Scalar { text, .. } if !self.is_null() => Ok(text),
            _ => Err(Misread::new(self.place, format!("{what}: expected a text, found {}", self.kind()))),
        }
    }

    /// The node as a configuration value. Plain scalars are typed as Helm reads them; numbers keep their raw text.
    pub fn to_value(&self) -> Value {
        match &self.content {
            Content::Scalar { text, plain: true } => plain_scalar(text),
            Content::Scalar { text, plain: false } => Value::String(text.clone()),
            Content::List(items) => Value::List(items.iter().map(Node::to_value).collect()),
            Content::Map(entries) => {
                Value::Map(entries.iter().map(|entry| (entry.key.clone(), entry.value.to_value())).collect())
            }
        }
    }

    /// The value of a key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.content {
            Content::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
            _ => None,
        }
    }
}

/// Types a plain scalar by the one set of rules that guests, host and Helm share.
fn plain_scalar(text: &str) -> Value {
    Value::from_yaml(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Refuses a key of `entries` that is not one of `known`, naming the nearest.
///
/// # Errors
/// The first unknown key, at its own place.
pub fn refuse_unknown_keys(entries: &[Entry], known: &[&str], what: &str) -> Result<(), Misread> {
    for entry in entries {
        if !known.contains(&entry.key.as_str()) {
            let misread = Misread::new(entry.place, format!("unknown key `{}` in {what}", entry.key));
            return Err(match nearest(&entry.key, known.iter().copied()) {
                Some(nearest) => misread.with_hint(format!("did you mean `{nearest}`?")),
                None => misread.with_hint(format!("known keys: {}", known.join(", "))),
            });
        }
    }
    Ok(())
}
