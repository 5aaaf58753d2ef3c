//! From an edit to splices: where in the text, and what to write there.
//!
//! Nothing here changes anything. Each function looks at one document and answers with the splices that make the edit,
//! with nothing to do, or with a refusal. Rules, from what was measured on real manifests: an edit must not reach bytes
//! it does not own, must not change what other parts of the document mean, and is refused where that cannot be told.

mod add;
mod anchor;
mod copy;
mod lines;
mod remove;
mod replace;
pub(crate) mod splice;
mod style;
pub(crate) mod unshare;

use crate::budget::Exhausted;
use crate::error::ErrorKind;
use crate::node::Node;
use crate::path::{self, Segment};
use crate::split;
use crate::tree::{NodeData, Shape, Source, flag};
use crate::value::Value;
use splice::Splice;

/// Whether no two entries have the same key.
fn have_keys_of_their_own(entries: &[(String, Value)]) -> bool {
    entries.iter().enumerate().all(|(at, (key, _))| entries.iter().skip(at + 1).all(|(other, _)| other != key))
}

/// Why an edit is not made.
pub(crate) struct Refusal {
    pub(crate) kind: ErrorKind,
    /// Where in the text.
    pub(crate) offset: usize,
    /// The node, such as `metadata.labels`; empty for the document.
    pub(crate) what: String,
    /// What is the matter with it: `is an alias, ...`.
    pub(crate) why: &'static str,
    /// What makes the place stand for itself, if only that it is shared is the matter.
    pub(crate) remedy: Option<Remedy>,
}

/// How a place that is shared comes to stand for itself, without a change of meaning anywhere.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Remedy {
    /// The alias is replaced by a copy of what it refers to.
    WriteOut { alias: u32 },
    /// What this alias refers to is about to change, and no alias before it needs the old meaning: a copy comes here,
    /// with the anchor if there are aliases after it.
    Move { alias: u32 },
    /// The merge keys of a map are replaced by the entries that they give it.
    Merge { map: u32 },
}

impl From<Exhausted> for Refusal {
    #[cold]
    fn from(_: Exhausted) -> Self {
        let why = "is shared, and writing it out would take more than 16 MiB or reading 8 million nodes again";
        Refusal { kind: ErrorKind::TooLarge, offset: 0, what: String::new(), why, remedy: None }
    }
}

/// Why a key in front of a merge key that gives it too is left alone: go-yaml v2, which Helm and Kubernetes read with,
/// lets what comes last count; YAML's own rule is that the map's key does.
const MERGE_WINS: &str = "has a key in front of a merge key (`<<`) that gives it too: readers disagree which counts";

pub(crate) type Plan = Result<Vec<Splice>, Refusal>;

/// An object inside a document, to plan edits of.
#[derive(Clone, Copy)]
pub(crate) struct Planner<'a> {
    pub(crate) source: Source<'a>,
    /// The object's node.
    pub(crate) root: u32,
    /// The node whose child the object is, if it is an item of a list.
    pub(crate) root_parent: Option<u32>,
}

/// A node on the way to an edit.
#[derive(Clone, Copy)]
pub(crate) struct PathStep {
    pub(crate) node: u32,
    pub(crate) parent: Option<u32>,
    /// The key in front of it, in a map.
    pub(crate) key: Option<u32>,
    /// Its place among the entries or items of its parent.
    pub(crate) position: usize,
}

/// How far a path leads.
struct Resolved {
    steps: Vec<PathStep>,
    /// How many segments of the path were found; the last step is the node they lead to.
    matched: usize,
    /// The next segment is a key that is there only through a merge.
    is_merged: bool,
}

impl<'a> Planner<'a> {
    /// Makes the node at a path mean `value`.
    pub(crate) fn set(&self, path: &[Segment], value: &Value) -> Plan {
        let resolved = self.resolve(path)?;
        let step = self.last(&resolved);
        let rest = path.get(resolved.matched..).unwrap_or_default();
        let Some((next, below)) = rest.split_first() else {
            let node = Node::new(self.source, step.node, self.root);
            if node.means(value) {
                return Ok(Vec::new());
            }
            self.refuse_shared_inside(step.node, path)?;
            return self.replace(step, path, value);
        };
        let found = path.get(..resolved.matched).unwrap_or_default();
        if resolved.is_merged && !below.is_empty() {
            return Err(self.is_merged(step.node, path));
        }
        if resolved.is_merged && self.view(step.node).find_segments(rest).is_some_and(|node| node.means(value)) {
            return Ok(Vec::new());
        }
        let value = match wrap(below, value.clone()) {
            Some(value) => value,
            None => {
                return Err(self.refusal(ErrorKind::Path, step.node, path, "has an index past the end of its list"));
            }
        };
        let data = self.source.node(step.node);
        if self.view(step.node).is_null() && data.shape != Shape::Alias {
            let Some(value) = wrap(std::slice::from_ref(next), value) else {
                return Err(self.refusal(ErrorKind::Path, step.node, path, "has an index past the end of its list"));
            };
            self.refuse_shared_inside(step.node, found)?;
            return self.replace(step, found, &value);
        }
        match next {
            Segment::Key(key) => self.add_entries(step.node, found, &[(key.clone(), value)]),
            Segment::Index(index) => self.insert_items(step.node, found, *index, std::slice::from_ref(&value)),
        }
    }

    /// Sets entries of the map at a path and keeps its others.
    pub(crate) fn merge(&self, path: &[Segment], entries: &[(String, Value)]) -> Plan {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let resolved = self.resolve(path)?;
        let step = self.last(&resolved);
        let data = self.source.node(step.node);
        if resolved.is_merged {
            return Err(self.is_merged(step.node, path));
        }
        if resolved.matched < path.len() || (data.shape != Shape::Alias && self.view(step.node).is_null()) {
            return self.set(path, &Value::Map(entries.to_vec()));
        }
        self.refuse_shared(step.node, path)?;
        if !data.shape.is_map() {
            return Err(self.refusal(ErrorKind::Path, step.node, path, "is not a map"));
        }
        if entries.iter().all(|(key, _)| self.is_missing(step.node, key)) && have_keys_of_their_own(entries) {
            // The way of nearly every object: nothing is copied.
            return self.add_entries(step.node, path, entries);
        }
        let map = self.view(step.node);
        let mut splices = Vec::new();
        let mut added: Vec<(String, Value)> = Vec::new();
        for (key, value) in entries {
            let mut entry_path = path.to_vec();
            entry_path.push(Segment::Key(key.clone()));
            match self.own_entry(step.node, key, &entry_path)? {
                Some(entry) => {
                    if !self.view(entry.node).means(value) {
                        self.refuse_shared_inside(entry.node, &entry_path)?;
                        splices.extend(self.replace(entry, &entry_path, value)?);
                    }
                }
                None if map.get(key).is_some_and(|merged| merged.means(value)) => {}
                None => match added.iter_mut().find(|(existing, _)| existing == key) {
                    Some(existing) => existing.1 = value.clone(),
                    None => added.push((key.clone(), value.clone())),
                },
            }
        }
        if !added.is_empty() {
            splices.extend(self.add_entries(step.node, path, &added)?);
        }
        Ok(splices)
    }

    /// Puts items into the list at a path; `None` as index is its end.
    pub(crate) fn insert(&self, path: &[Segment], index: Option<usize>, values: &[Value]) -> Plan {
        let resolved = self.resolve(path)?;
        let step = self.last(&resolved);
        let data = self.source.node(step.node);
        if resolved.is_merged {
            return Err(self.is_merged(step.node, path));
        }
        if resolved.matched < path.len() || (data.shape != Shape::Alias && self.view(step.node).is_null()) {
            if index.is_some_and(|index| index > 0) {
                return Err(self.refusal(ErrorKind::Path, step.node, path, "has an index past the end of its list"));
            }
            return self.set(path, &Value::List(values.to_vec()));
        }
        self.insert_items(step.node, path, index.unwrap_or(usize::MAX), values)
    }

    /// Takes the node at a path away, with its key or dash.
    pub(crate) fn remove(&self, path: &[Segment]) -> Plan {
        let resolved = self.resolve(path)?;
        let step = self.last(&resolved);
        if resolved.matched < path.len() {
            if resolved.is_merged {
                return Err(self.is_merged(step.node, path));
            }
            return Ok(Vec::new());
        }
        self.refuse_shared_inside(step.node, path)?;
        if let Some(key) = step.key.filter(|key| self.source.node(*key).flags & flag::ALIASED != 0) {
            return Err(self.refusal(ErrorKind::Anchor, key, path, "has a key with an anchor that aliases refer to"));
        }
        let (Some(parent), Some(before)) = (step.parent, resolved.steps.len().checked_sub(2)) else {
            return Err(self.refusal(
                ErrorKind::Path,
                step.node,
                path,
                "is the object itself; delete the object instead",
            ));
        };
        let parent_step = resolved.steps.get(before).copied().unwrap_or(step);
        if let Some(Segment::Key(key)) = path.last() {
            let is_merged_too =
                self.source.node(parent).flags & flag::MERGES != 0 && self.view(parent).merged_get(key).is_some();
            if is_merged_too {
                let why = "would come back through a merge key (`<<`)";
                let refusal = self.refusal(ErrorKind::Merge, step.node, path, why);
                return Err(Refusal { remedy: Some(Remedy::Merge { map: parent }), ..refusal });
            }
        }
        self.remove_child(parent_step, step, path)
    }

    /// Refuses if the node at a path, or one above it, is shared.
    pub(crate) fn check_unshared(&self, path: &[Segment]) -> Result<(), Refusal> {
        let resolved = self.resolve(path)?;
        let step = self.last(&resolved);
        if resolved.is_merged {
            return Err(self.is_merged(step.node, path));
        }
        self.refuse_shared(step.node, path)
    }

    #[cold]
    fn is_merged(&self, map: u32, path: &[Segment]) -> Refusal {
        let refusal = self.refusal(ErrorKind::Merge, map, path, "is there only through a merge key (`<<`)");
        Refusal { remedy: Some(Remedy::Merge { map }), ..refusal }
    }

    pub(crate) fn view(&self, node: u32) -> Node<'a> {
        Node::new(self.source, node, self.root)
    }

    fn last(&self, resolved: &Resolved) -> PathStep {
        resolved.steps.last().copied().unwrap_or(PathStep { node: self.root, parent: None, key: None, position: 0 })
    }

    #[cold]
    pub(crate) fn refusal(&self, kind: ErrorKind, node: u32, path: &[Segment], why: &'static str) -> Refusal {
        let mut what = String::new();
        // Writing to a string cannot fail.
        let _ = path::write_segments(path, &mut what);
        Refusal { kind, offset: self.source.node(node).start as usize, what, why, remedy: None }
    }

    #[cold]
    fn layout(&self, offset: usize, path: &[Segment], why: &'static str) -> Refusal {
        let mut refusal = self.refusal(ErrorKind::Layout, self.root, path, why);
        refusal.offset = offset;
        refusal
    }

    /// Follows a path as far as it leads, over nodes that may be edited.
    fn resolve(&self, path: &[Segment]) -> Result<Resolved, Refusal> {
        if self.source.tree.has_odd_line_breaks {
            let offset = self.source.node(self.root).start as usize;
            return Err(self.layout(
                offset,
                &[],
                "the document has line breaks that YAML readers disagree on (a lone CR, U+0085, U+2028 or U+2029)",
            ));
        }
        if self.source.tree.has_explicit_keys {
            let offset = self.source.node(self.root).start as usize;
            return Err(self.layout(offset, &[], "the document has explicit keys (`? key`)"));
        }
        let mut steps = Vec::with_capacity(path.len() + 1);
        steps.push(PathStep { node: self.root, parent: self.root_parent, key: None, position: 0 });
        let mut current = self.root;
        for (matched, segment) in path.iter().enumerate() {
            let so_far = path.get(..=matched).unwrap_or_default();
            self.refuse_shared(current, path.get(..matched).unwrap_or_default())?;
            let shape = self.source.node(current).shape;
            let found = match segment {
                Segment::Key(key) if shape.is_map() => self.own_entry(current, key, so_far)?,
                Segment::Index(index) if shape.is_list() => {
                    let item = self.child(current, *index);
                    if item.is_none() && *index > self.view(current).len() {
                        return Err(self.refusal(ErrorKind::Path, current, so_far, "is past the end of its list"));
                    }
                    item
                }
                _ if self.view(current).is_null() => None,
                Segment::Key(_) => {
                    let why = "cannot be there: what should hold it is not a map";
                    return Err(self.refusal(ErrorKind::Path, current, so_far, why));
                }
                Segment::Index(_) => {
                    let why = "cannot be there: what should hold it is not a list";
                    return Err(self.refusal(ErrorKind::Path, current, so_far, why));
                }
            };
            let Some(step) = found else {
                let is_merged = match segment {
                    Segment::Key(key) => self.view(current).get(key).is_some(),
                    Segment::Index(_) => false,
                };
                return Ok(Resolved { steps, matched, is_merged });
            };
            steps.push(step);
            current = step.node;
        }
        Ok(Resolved { steps, matched: path.len(), is_merged: false })
    }

    /// Refuses a node that is an alias, or that aliases refer to.
    fn refuse_shared(&self, node: u32, path: &[Segment]) -> Result<(), Refusal> {
        let data = self.source.node(node);
        if data.shape == Shape::Alias {
            let why = "is an alias: an edit there would change the node it refers to";
            let refusal = self.refusal(ErrorKind::Alias, node, path, why);
            return Err(Refusal { remedy: Some(Remedy::WriteOut { alias: node }), ..refusal });
        }
        if data.flags & flag::ALIASED != 0
            && let Some(alias) = self.first_alias(node + 1, node..node + 1)
        {
            let why = "has an anchor that aliases refer to: an edit there would change them too";
            let refusal = self.refusal(ErrorKind::Anchor, node, path, why);
            return Err(Refusal { remedy: Some(Remedy::Move { alias }), ..refusal });
        }
        Ok(())
    }

    /// Refuses a node that cannot go away because aliases outside of it refer to it or to something in it.
    fn refuse_shared_inside(&self, node: u32, path: &[Segment]) -> Result<(), Refusal> {
        let next = self.source.node(node).next;
        let nodes = self.source.tree.nodes.get(node as usize..next as usize).unwrap_or_default();
        if nodes.iter().any(|node| node.flags & flag::ALIASED != 0)
            && let Some(alias) = self.first_alias(next, node..next)
        {
            let why = "holds an anchor that aliases refer to";
            let refusal = self.refusal(ErrorKind::Anchor, node, path, why);
            return Err(Refusal { remedy: Some(Remedy::Move { alias }), ..refusal });
        }
        Ok(())
    }

    /// The first alias at or after a node that refers to one of some nodes.
    fn first_alias(&self, from: u32, targets: std::ops::Range<u32>) -> Option<u32> {
        let nodes = self.source.tree.nodes.get(from as usize..).unwrap_or_default();
        let at = nodes.iter().position(|node| node.shape == Shape::Alias && targets.contains(&node.extra))?;
        Some(from + at as u32)
    }

    /// The entry of a map's own key.
    fn own_entry(&self, map: u32, key: &str, path: &[Segment]) -> Result<Option<PathStep>, Refusal> {
        let view = self.view(map);
        let mut found = None;
        for (position, (key_node, value)) in view.own_entries().enumerate() {
            if !view.key_is(key_node, key) {
                continue;
            }
            if found.is_some() {
                return Err(self.refusal(ErrorKind::DuplicateKey, key_node, path, "is there more than once"));
            }
            found = Some(PathStep { node: value, parent: Some(map), key: Some(key_node), position });
        }
        if let Some(step) = found
            && self.source.node(map).flags & flag::MERGES != 0
            && view.own_entries().skip(step.position).any(|(key, _)| view.is_merge_key(key))
            && view.merged_get(key).is_some()
        {
            return Err(self.refusal(ErrorKind::Merge, map, path, MERGE_WINS));
        }
        Ok(found)
    }

    /// Whether a map has a key neither itself nor through a merge.
    fn is_missing(&self, map: u32, key: &str) -> bool {
        let view = self.view(map);
        !view.own_entries().any(|(key_node, _)| view.key_is(key_node, key)) && view.merged_get(key).is_none()
    }

    /// The step to a node, from its parent.
    #[inline(never)]
    fn step_to(&self, wanted: u32) -> Option<PathStep> {
        let mut parent = 0;
        loop {
            let data = self.source.node(parent);
            let children: Vec<u32> = self.view(parent).children().collect();
            let at = children.partition_point(|&child| child <= wanted).checked_sub(1)?;
            let child = children.get(at).copied()?;
            if child == wanted {
                let (position, key) = match data.shape.is_map() {
                    true => (at / 2, children.get(at & !1).copied()),
                    false => (at, None),
                };
                let is_key = data.shape.is_map() && at % 2 == 0;
                return (!is_key).then_some(PathStep { node: wanted, parent: Some(parent), key, position });
            }
            parent = child;
        }
    }

    fn child(&self, list: u32, position: usize) -> Option<PathStep> {
        let node = self.view(list).children().nth(position)?;
        Some(PathStep { node, parent: Some(list), key: None, position })
    }

    /// Where a node's anchor or tag starts, or the node itself.
    fn outer_start(&self, node: u32) -> usize {
        self.source.tree.properties_start(node).unwrap_or(self.source.node(node).start as usize)
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.source.text.as_bytes()
    }

    fn line_start(&self, offset: usize) -> usize {
        let before = self.bytes().get(..offset).unwrap_or_default();
        before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1)
    }

    /// What stands between the start of the line and an offset, without a byte order mark.
    fn line_prefix(&self, offset: usize) -> &'a str {
        let prefix = self.source.text.get(self.line_start(offset)..offset).unwrap_or_default();
        prefix.strip_prefix('\u{feff}').unwrap_or(prefix)
    }

    fn is_first_on_line(&self, offset: usize) -> bool {
        self.line_prefix(offset).bytes().all(|byte| byte == b' ')
    }

    /// The column of a block collection's first key or dash.
    pub(crate) fn column(&self, offset: usize, path: &[Segment]) -> Result<usize, Refusal> {
        let prefix = self.line_prefix(offset);
        if !prefix.bytes().all(|byte| matches!(byte, b' ' | b'-')) {
            return Err(self.layout(offset, path, "starts behind other text or a tab on its line"));
        }
        Ok(prefix.len())
    }

    /// The end of the line that an offset is on, before its line end. Only white space and a comment may follow.
    pub(crate) fn clean_line_end(&self, offset: usize, path: &[Segment]) -> Result<usize, Refusal> {
        let bytes = self.bytes();
        let rest = bytes.get(offset..).unwrap_or_default();
        let line = rest.get(..split::find_line_end(rest).unwrap_or(rest.len())).unwrap_or_default();
        let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
        match line.get(blanks) {
            None => {}
            Some(b'#') if blanks > 0 => {}
            Some(_) => return Err(self.layout(offset, path, "is followed by other text on its line")),
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(offset + line.len())
    }

    /// The start of the first of the comment lines above an offset that is the first of its line; else the offset.
    pub(crate) fn comments_above(&self, offset: usize) -> usize {
        let mut first = offset;
        let mut at = if self.is_first_on_line(offset) { self.line_start(offset) } else { 0 };
        while at > 0 {
            let above = self.line_start(at - 1);
            let line = self.source.text.get(above..at).unwrap_or_default();
            let content = line.trim_start_matches([' ', '\t']);
            if !content.starts_with('#') {
                break;
            }
            at = above;
            first = above + line.len() - content.len();
        }
        first
    }

    fn in_flow(&self, parent: Option<u32>) -> bool {
        parent.is_some_and(|parent| matches!(self.source.node(parent).shape, Shape::FlowMap | Shape::FlowList))
    }

    pub(crate) fn last_leaf(&self, node: u32) -> NodeData {
        self.source.node(self.source.node(node).next.saturating_sub(1))
    }
}

/// The value inside new maps and lists for the rest of a path; `None` if it has an index other than 0.
fn wrap(path: &[Segment], value: Value) -> Option<Value> {
    path.iter().rev().try_fold(value, |value, segment| match segment {
        Segment::Key(key) => Some(Value::Map(vec![(key.clone(), value)])),
        Segment::Index(0) => Some(Value::List(vec![value])),
        Segment::Index(_) => None,
    })
}
