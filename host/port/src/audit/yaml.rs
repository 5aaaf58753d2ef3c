//! YAML (and JSON) files as a tree whose nodes know their lines, read with patience.
//!
//! Half of the YAML that calls Helm is no YAML yet: helmfiles and charts hold Go templates, Ansible's holds Jinja.
//! Lines that are only a template's directives are blanked, expressions within a line become words of the same length,
//! and a document that still cannot be read does not take the others with it. Aliases are indices, never copies: a bomb
//! costs nothing.

use std::borrow::Cow;
use std::collections::HashMap;

use windlass_manifest::is_marker;
use windlass_manifest_events::{Event, EventKind, Events, Style};

use super::fragment::{Fragment, LineIndex, Lines};

const MAX_DEPTH: usize = 100;
/// How many nodes of one file are kept.
const MAX_NODES: usize = 400_000;
/// How many characters of aliases are followed when a text is put together.
const MAX_FLAT: usize = 10_000;

/// The number of a node in its tree.
pub(crate) type Id = usize;

#[derive(Debug)]
pub(crate) enum Content {
    Scalar { text: String, style: Form },
    List(Vec<Id>),
    Map(Vec<(Id, Id)>),
    Alias(Id),
}

/// How a scalar is written; it decides where the lines of its text are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    Plain,
    Quoted,
    Literal,
    Folded,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) content: Content,
    start: usize,
    end: usize,
}

/// All documents of a file.
#[derive(Debug)]
pub(crate) struct Yaml<'t> {
    text: &'t str,
    nodes: Vec<Node>,
    pub(crate) documents: Vec<Id>,
    /// Documents that could not be read: the line where they start.
    pub(crate) unread: Vec<usize>,
    index: LineIndex,
    first_line: usize,
}

impl<'t> Yaml<'t> {
    /// Reads a text whose first line is `first_line` of its file.
    pub(crate) fn read(text: &'t str, first_line: usize) -> Self {
        let index = LineIndex::new(text);
        let mut yaml = Self { text, nodes: Vec::new(), documents: Vec::new(), unread: Vec::new(), index, first_line };
        for (start, end) in documents(text) {
            let document = text.get(start..end).unwrap_or_default();
            let kept = yaml.nodes.len();
            let read = match document.contains("{{") {
                // A template may stand where YAML has a flow map; only what does not read as it is is changed.
                true => yaml.document(&without_templates(document, false), start).or_else(|()| {
                    yaml.nodes.truncate(kept);
                    yaml.document(&without_templates(document, true), start)
                }),
                false => yaml.document(document, start),
            };
            match read {
                Ok(Some(root)) => yaml.documents.push(root),
                Ok(None) => {}
                Err(()) => {
                    yaml.nodes.truncate(kept);
                    let line = yaml.line_of(start);
                    yaml.unread.push(line);
                }
            }
        }
        yaml
    }

    fn line_of(&self, at: usize) -> usize {
        self.first_line + self.index.line(at) - 1
    }

    fn document(&mut self, text: &str, offset: usize) -> Result<Option<Id>, ()> {
        let mut events = Events::new(text, MAX_DEPTH);
        let mut open: Vec<Id> = Vec::new();
        let mut keys: Vec<Option<Id>> = Vec::new();
        let mut anchors: HashMap<String, Id> = HashMap::new();
        let mut root = None;
        while let Some(event) = events.next_event().map_err(|_| ())? {
            if self.nodes.len() > MAX_NODES {
                return Err(());
            }
            let content = match event.kind {
                EventKind::DocumentStart => continue,
                EventKind::DocumentEnd => break,
                EventKind::End => {
                    let closed = open.pop();
                    keys.pop();
                    if let Some(node) = closed.and_then(|closed| self.nodes.get_mut(closed)) {
                        node.end = offset + event.end;
                    }
                    continue;
                }
                EventKind::Alias => {
                    let target = event.name.and_then(|name| anchors.get(name)).copied();
                    target.map_or(Content::List(Vec::new()), Content::Alias)
                }
                EventKind::Scalar(style) => self.scalar(&events, &event, style, offset),
                EventKind::ListStart { .. } => Content::List(Vec::new()),
                EventKind::MapStart { .. } => Content::Map(Vec::new()),
            };
            let id = self.nodes.len();
            let is_collection = matches!(event.kind, EventKind::ListStart { .. } | EventKind::MapStart { .. });
            let line = self.line_of(offset + event.start.min(text.len()));
            self.nodes.push(Node { line, content, start: offset + event.start, end: offset + event.end });
            if let Some(name) = event.name.filter(|_| event.kind != EventKind::Alias) {
                anchors.insert(name.to_owned(), id);
            }
            match open.last().copied().and_then(|parent| self.nodes.get_mut(parent)).map(|node| &mut node.content) {
                None => root = Some(id),
                Some(Content::List(items)) => items.push(id),
                Some(Content::Map(entries)) => match keys.last_mut() {
                    Some(key @ Some(_)) => entries.push((key.take().unwrap_or_default(), id)),
                    Some(key) => *key = Some(id),
                    None => {}
                },
                Some(_) => {}
            }
            if is_collection {
                open.push(id);
                keys.push(None);
            }
        }
        Ok(root)
    }

    fn scalar(&self, events: &Events<'_>, event: &Event<'_>, style: Style, offset: usize) -> Content {
        let form = match self.text.as_bytes().get(offset + event.start) {
            Some(b'|') if style != Style::Plain => Form::Literal,
            Some(b'>') if style != Style::Plain => Form::Folded,
            _ if style == Style::Plain => Form::Plain,
            _ => Form::Quoted,
        };
        // The text as it was written: a template's expression is put back where the parser saw a word.
        let written = self.text.get(offset + event.start..offset + event.end).unwrap_or_default();
        let text = match written.contains("{{") {
            true if form == Form::Plain => written.to_owned(),
            true if form == Form::Quoted => written.trim_matches(['"', '\'']).to_owned(),
            true => dedented(written),
            _ => events.text(event).to_owned(),
        };
        Content::Scalar { text, style: form }
    }

    pub(crate) fn node(&self, id: Id) -> Option<&Node> {
        let node = self.nodes.get(id)?;
        match node.content {
            Content::Alias(target) => self.nodes.get(target),
            _ => Some(node),
        }
    }

    /// The line where a node stands: of an alias, its own.
    pub(crate) fn line(&self, id: Id) -> usize {
        self.nodes.get(id).map_or(self.first_line, |node| node.line)
    }

    pub(crate) fn is_alias(&self, id: Id) -> bool {
        matches!(self.nodes.get(id).map(|node| &node.content), Some(Content::Alias(_)))
    }

    pub(crate) fn text(&self, id: Id) -> Option<&str> {
        match &self.node(id)?.content {
            Content::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    pub(crate) fn list(&self, id: Id) -> &[Id] {
        match self.node(id).map(|node| &node.content) {
            Some(Content::List(items)) => items,
            _ => &[],
        }
    }

    pub(crate) fn map(&self, id: Id) -> &[(Id, Id)] {
        match self.node(id).map(|node| &node.content) {
            Some(Content::Map(entries)) => entries,
            _ => &[],
        }
    }

    pub(crate) fn is_map(&self, id: Id) -> bool {
        matches!(self.node(id).map(|node| &node.content), Some(Content::Map(_)))
    }

    pub(crate) fn is_list(&self, id: Id) -> bool {
        matches!(self.node(id).map(|node| &node.content), Some(Content::List(_)))
    }

    /// The value of a key, with the key: the map's own, then merged ones.
    pub(crate) fn entry(&self, id: Id, key: &str) -> Option<(Id, Id)> {
        let entries = self.map(id);
        let own = entries.iter().find(|(name, _)| self.text(*name) == Some(key)).copied();
        own.or_else(|| {
            let (_, merged) = entries.iter().find(|(name, _)| self.text(*name) == Some("<<"))?;
            let in_map = |map: Id| self.map(map).iter().find(|(name, _)| self.text(*name) == Some(key)).copied();
            in_map(*merged).or_else(|| self.list(*merged).iter().find_map(|map| in_map(*map)))
        })
    }

    pub(crate) fn get(&self, id: Id, key: &str) -> Option<Id> {
        self.entry(id, key).map(|(_, value)| value)
    }

    pub(crate) fn at(&self, id: Id, path: &[&str]) -> Option<Id> {
        path.iter().try_fold(id, |id, key| self.get(id, key))
    }

    pub(crate) fn string(&self, id: Id, key: &str) -> Option<&str> {
        self.get(id, key).and_then(|value| self.text(value))
    }

    /// The texts of a list, or of one scalar.
    pub(crate) fn strings(&self, id: Id) -> Vec<String> {
        match self.text(id) {
            Some(text) => vec![text.to_owned()],
            None => self.list(id).iter().filter_map(|item| self.text(*item)).map(str::to_owned).collect(),
        }
    }

    /// A scalar's text with the lines it has in the file, as a shell would be given it: lines that YAML folds are
    /// joined by a continuation, which is the same to a shell and keeps the count.
    pub(crate) fn fragment(&self, id: Id) -> Option<Fragment<'_>> {
        let node = self.node(id)?;
        let Content::Scalar { text, style } = &node.content else { return None };
        let raw = self.text.get(node.start..node.end).unwrap_or_default();
        Some(match style {
            Form::Literal | Form::Folded => {
                let (_, body) = raw.split_once('\n').unwrap_or(("", ""));
                let indent = body
                    .lines()
                    .filter(|line| !line.trim().is_empty())
                    .map(|line| line.len() - line.trim_start_matches(' ').len())
                    .min()
                    .unwrap_or(0);
                let mut cleaned = String::with_capacity(body.len());
                let lines: Vec<&str> = body.lines().map(|line| line.get(indent..).unwrap_or("")).collect();
                for (number, line) in lines.iter().enumerate() {
                    cleaned.push_str(line);
                    let next = lines.get(number + 1).copied().unwrap_or("");
                    let folds = *style == Form::Folded
                        && !line.trim().is_empty()
                        && !next.trim().is_empty()
                        && !line.starts_with([' ', '\t'])
                        && !next.starts_with([' ', '\t'])
                        && !line.ends_with('\\');
                    cleaned.push_str(if folds { " \\\n" } else { "\n" });
                }
                Fragment { text: Cow::Owned(cleaned), lines: Lines::From(node.line + 1) }
            }
            _ if raw.contains('\n') => {
                // A plain or quoted scalar over several lines: each break is a blank.
                let inner = raw.trim_matches(if *style == Form::Quoted { &['"', '\''][..] } else { &[][..] });
                let joined = if raw.starts_with('"') {
                    inner.replace("\\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\")
                } else {
                    inner.replace("''", "'")
                };
                let lines: Vec<&str> = joined.lines().map(str::trim).collect();
                Fragment { text: Cow::Owned(lines.join(" \\\n")), lines: Lines::From(node.line) }
            }
            _ => Fragment { text: Cow::Borrowed(text), lines: Lines::All(node.line) },
        })
    }

    /// A scalar as it stands, line by line: for YAML within YAML.
    pub(crate) fn block(&self, id: Id) -> Option<Fragment<'_>> {
        let node = self.node(id)?;
        match &node.content {
            Content::Scalar { text, style: Form::Quoted | Form::Plain } => {
                Some(Fragment { text: Cow::Borrowed(text), lines: Lines::All(node.line) })
            }
            _ => self.fragment(id),
        }
    }

    /// A node with all below it as it is written, its lines kept; with the line it starts on.
    pub(crate) fn raw(&self, id: Id) -> Option<(String, usize)> {
        let node = self.node(id)?;
        let line_start = self.text.get(..node.start)?.rfind('\n').map_or(0, |at| at + 1);
        let indent = node.start - line_start;
        // The node's first line may follow its key or dash: what stands in front becomes blanks.
        let mut raw = " ".repeat(indent);
        raw.push_str(self.text.get(node.start..node.end)?);
        Some((raw, node.line))
    }

    /// A node and all below it as JSON-like text, for what is looked at as a whole; bounded.
    pub(crate) fn flat(&self, id: Id) -> String {
        let mut text = String::new();
        self.flatten(id, &mut text, 0);
        text
    }

    fn flatten(&self, id: Id, text: &mut String, depth: usize) {
        if text.len() > MAX_FLAT || depth > MAX_DEPTH {
            return;
        }
        match self.node(id).map(|node| &node.content) {
            Some(Content::Scalar { text: own, .. }) => {
                text.push_str(own);
                text.push('\n');
            }
            Some(Content::List(items)) => items.iter().for_each(|item| self.flatten(*item, text, depth + 1)),
            Some(Content::Map(entries)) => {
                for (key, value) in entries {
                    text.push_str(self.text(*key).unwrap_or_default());
                    text.push_str(": ");
                    self.flatten(*value, text, depth + 1);
                }
            }
            _ => {}
        }
    }

    /// Every node that was read, in the order of the file; aliases are not followed.
    pub(crate) fn ids(&self) -> std::ops::Range<Id> {
        0..self.nodes.len()
    }
}

/// The text of a block scalar, as far as its lines go.
fn dedented(raw: &str) -> String {
    let (_, body) = raw.split_once('\n').unwrap_or(("", ""));
    let full = body.lines().filter(|line| !line.trim().is_empty());
    let indent = full.map(|line| line.len() - line.trim_start_matches(' ').len()).min().unwrap_or(0);
    body.lines().map(|line| line.get(indent..).unwrap_or("")).fold(String::new(), |text, line| text + line + "\n")
}

/// Where the documents of a stream are.
fn documents(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        if is_marker(bare.as_bytes(), b"---") {
            if text.get(start..at).is_some_and(|before| !before.trim().is_empty()) {
                found.push((start, at));
            }
            start = at + if bare == "---" { line.len() } else { 4 };
        }
        at += line.len();
    }
    found.push((start, text.len()));
    found
}

/// Templates written over with words of the same length, lines of directives with blanks. `all`: also the lines around
/// `define` and ranges of keys, that is every line with a template in front of a colon.
fn without_templates(text: &str, all: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        let end = from.find("}}").map_or(from.len(), |end| end + 2);
        let (template, after) = from.split_at(end);
        let line_start = out.rfind('\n').map_or(0, |at| at + 1);
        let begins = out.get(line_start..).unwrap_or_default().trim().is_empty();
        let tail = after.split('\n').next().unwrap_or_default();
        let ends = tail.trim().is_empty() || tail.trim_start().starts_with("{{") || tail.trim_start().starts_with('#');
        let inside = template.trim_start_matches("{{").trim_start_matches('-').trim_start();
        let directs =
            ["if ", "else", "end", "range ", "with ", "define ", "/*", "template ", "block ", "$", "include "]
                .iter()
                .any(|word| inside.starts_with(word));
        let blank = begins && (ends || directs);
        let quiet = !begins && ["if ", "else", "end"].iter().any(|word| inside.starts_with(word));
        for letter in template.chars() {
            match letter {
                '\n' => out.push('\n'),
                _ => {
                    let filler = if blank || quiet { ' ' } else { 'x' };
                    for _ in 0..letter.len_utf8() {
                        out.push(filler);
                    }
                }
            }
        }
        if all && begins && !blank && !tail.contains(':') {
            // A word alone where a map goes on: no YAML.
            let kept = line_start;
            let line = out.get(kept..).unwrap_or_default().replace('x', " ");
            out.truncate(kept);
            out.push_str(&line);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}
