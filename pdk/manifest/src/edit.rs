//! From an edit to splices: where in the text, and what to write there.
//!
//! Nothing here changes anything. Each function looks at one document and answers with the splices that make the edit,
//! with nothing to do, or with a refusal. Rules, from what was measured on real manifests: an edit must not reach bytes
//! it does not own, must not change what other parts of the document mean, and is refused where that cannot be told.

mod lines;

use crate::emit::{self, BlockStyle, ListIndent};
use crate::error::ErrorKind;
use crate::node::Node;
use crate::path::{self, Segment};
use crate::split;
use crate::tree::{NodeData, Shape, Source, flag, skip_blank};
use crate::unshare::{self, Copied, Remedy};
use crate::value::Value;

/// Whether no two entries have the same key.
fn have_keys_of_their_own(entries: &[(String, Value)]) -> bool {
    entries.iter().enumerate().all(|(at, (key, _))| entries.iter().skip(at + 1).all(|(other, _)| other != key))
}

/// A range of the document's text and what takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Splice {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) text: String,
    /// For whole lines added to the end of a block collection: which one, and its column.
    pub(crate) appends_to: Option<(u32, usize)>,
}

impl Splice {
    pub(crate) fn new(start: usize, end: usize, text: impl Into<String>) -> Self {
        Self { start, end, text: text.into(), appends_to: None }
    }

    /// Whether this splice may be made after `earlier`, of another edit, without reading the document again.
    pub(crate) fn goes_with(&self, earlier: &Splice) -> bool {
        if self.end < earlier.start || earlier.end < self.start {
            return true;
        }
        let is_insertion = |splice: &Splice| splice.start == splice.end;
        match (self.appends_to, earlier.appends_to) {
            // Lines added at the same place: to the same collection in order of the edits, to outer ones after inner ones.
            (Some((node, column)), Some((earlier_node, earlier_column))) => {
                self.start == earlier.start && (node == earlier_node || column < earlier_column)
            }
            _ => {
                !is_insertion(self)
                    && !is_insertion(earlier)
                    && (self.end == earlier.start || earlier.end == self.start)
            }
        }
    }
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

/// What is put somewhere: a new value, or a copy of a node of the document.
pub(crate) enum Content<'c> {
    Value(&'c Value),
    Copy(&'c Copied<'c>),
}

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
pub(crate) struct Step {
    pub(crate) node: u32,
    pub(crate) parent: Option<u32>,
    /// The key in front of it, in a map.
    pub(crate) key: Option<u32>,
    /// Its place among the entries or items of its parent.
    pub(crate) position: usize,
}

/// How far a path leads.
struct Resolved {
    steps: Vec<Step>,
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

    fn last(&self, resolved: &Resolved) -> Step {
        resolved.steps.last().copied().unwrap_or(Step { node: self.root, parent: None, key: None, position: 0 })
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
        steps.push(Step { node: self.root, parent: self.root_parent, key: None, position: 0 });
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
    fn own_entry(&self, map: u32, key: &str, path: &[Segment]) -> Result<Option<Step>, Refusal> {
        let view = self.view(map);
        let mut found = None;
        for (position, (key_node, value)) in view.own_entries().enumerate() {
            if !view.key_is(key_node, key) {
                continue;
            }
            if found.is_some() {
                return Err(self.refusal(ErrorKind::DuplicateKey, key_node, path, "is there more than once"));
            }
            found = Some(Step { node: value, parent: Some(map), key: Some(key_node), position });
        }
        if let Some(step) = found
            && self.source.node(map).flags & flag::MERGES != 0
            && view.own_entries().skip(step.position).any(|(key, _)| view.is_merge_key(key))
            && view.merged_get(key).is_some()
        {
            return Err(self.refusal(ErrorKind::Merge, map, path, unshare::MERGE_WINS));
        }
        Ok(found)
    }

    /// Whether a map has a key neither itself nor through a merge.
    fn is_missing(&self, map: u32, key: &str) -> bool {
        let view = self.view(map);
        !view.own_entries().any(|(key_node, _)| view.key_is(key_node, key)) && view.merged_get(key).is_none()
    }

    fn child(&self, list: u32, position: usize) -> Option<Step> {
        let node = self.view(list).children().nth(position)?;
        Some(Step { node, parent: Some(list), key: None, position })
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

    // ---- adding ----------------------------------------------------------------------------------------------------

    fn add_entries(&self, map: u32, path: &[Segment], entries: &[(String, Value)]) -> Plan {
        self.refuse_shared(map, path)?;
        let data = self.source.node(map);
        match data.shape {
            Shape::FlowMap => self.add_flow_entries(map, data, path, entries),
            Shape::BlockMap => {
                let column = self.column(data.start as usize, path)?;
                let is_inline = entries.iter().all(|(_, value)| emit::is_inline(value));
                let style = self.style(map, column, is_inline);
                let mut text = String::new();
                if self.ends_with_the_text(map) {
                    if data.flags & flag::MERGES != 0 {
                        // In front of a merge key some readers would let the merge win.
                        let why = "has a merge key (`<<`) in front of which nothing can be added";
                        let refusal = self.refusal(ErrorKind::Merge, map, path, why);
                        return Err(Refusal { remedy: Some(Remedy::Merge { map }), ..refusal });
                    }
                    // A line end behind its last line would change what that block scalar means to libyaml.
                    emit::write_block_entries(entries, column, style, &mut text);
                    emit::write_line_start(column, style, &mut text);
                    return Ok(vec![Splice::new(data.start as usize, data.start as usize, text)]);
                }
                let at = self.clean_line_end(data.end as usize, path)?;
                // The line end of the neighbour, which then stands behind the last new line.
                let style = BlockStyle { newline: self.newline_at(at), ..style };
                emit::write_line_start(column, style, &mut text);
                emit::write_block_entries(entries, column, style, &mut text);
                Ok(vec![Splice { start: at, end: at, text, appends_to: Some((map, column)) }])
            }
            _ => Err(self.refusal(ErrorKind::Path, map, path, "is not a map")),
        }
    }

    /// Whether a node ends with a block scalar whose last line has no line end.
    fn ends_with_the_text(&self, node: u32) -> bool {
        let data = self.source.node(node);
        data.end as usize == self.source.text.len() && self.last_leaf(node).shape.is_block_scalar()
    }

    pub(crate) fn last_leaf(&self, node: u32) -> NodeData {
        self.source.node(self.source.node(node).next.saturating_sub(1))
    }

    fn add_flow_entries(&self, map: u32, data: NodeData, path: &[Segment], entries: &[(String, Value)]) -> Plan {
        let open = data.start as usize;
        if self.bytes().get(open) != Some(&b'{') {
            return Err(self.layout(open, path, "is a map without braces inside a list"));
        }
        let mut text = String::new();
        if self.view(map).is_empty() {
            emit::write_flow_entries(entries, &mut text);
            return Ok(vec![Splice::new(open + 1, open + 1, text)]);
        }
        if data.flags & flag::MERGES != 0 {
            // Some readers let a merge win over the keys in front of it.
            if self.last_leaf(map).shape == Shape::Empty {
                return Err(self.layout(open, path, "ends in an empty value"));
            }
            let at = self.last_child_end(map);
            text.push_str(", ");
            emit::write_flow_entries(entries, &mut text);
            return Ok(vec![Splice::new(at, at, text)]);
        }
        let at = skip_blank(self.source.text, open + 1);
        let prefix = self.line_prefix(at);
        if self.line_start(at) > open && prefix.bytes().all(|byte| matches!(byte, b' ' | b'\t')) {
            for entry in entries {
                emit::write_flow_entries(std::slice::from_ref(entry), &mut text);
                text.push(',');
                text.push_str(self.newline_at(at));
                text.push_str(prefix);
            }
        } else {
            emit::write_flow_entries(entries, &mut text);
            text.push_str(", ");
        }
        Ok(vec![Splice::new(at, at, text)])
    }

    fn last_child_end(&self, node: u32) -> usize {
        self.view(node).children().last().map_or(0, |child| self.source.node(child).end as usize)
    }

    fn insert_items(&self, list: u32, path: &[Segment], index: usize, values: &[Value]) -> Plan {
        self.refuse_shared(list, path)?;
        let data = self.source.node(list);
        let length = self.view(list).len();
        let index = if index == usize::MAX { length } else { index };
        if index > length {
            return Err(self.refusal(ErrorKind::Path, list, path, "has fewer items than that"));
        }
        match data.shape {
            Shape::FlowList => self.insert_flow_items(list, data, path, index, values),
            Shape::BlockList => {
                let column = self.column(data.start as usize, path)?;
                let style = self.style(list, column, values.iter().all(emit::is_inline));
                let mut text = String::new();
                let Some(before) = index.checked_sub(1) else {
                    return Ok(vec![self.first_items(data.start as usize, column, style, values)]);
                };
                let previous = self.child(list, before).map_or(data.end, |step| self.source.node(step.node).end);
                if index == length && self.ends_with_the_text(list) {
                    return Err(self.layout(
                        previous as usize,
                        path,
                        "ends in a block scalar without a line end, which adding one would change",
                    ));
                }
                let at = self.clean_line_end(previous as usize, path)?;
                let style = BlockStyle { newline: self.newline_at(at), ..style };
                for value in values {
                    emit::write_line_start(column, style, &mut text);
                    emit::write_block_item(value, column, style, &mut text);
                }
                let appends_to = (index == length).then_some((list, column));
                Ok(vec![Splice { start: at, end: at, text, appends_to }])
            }
            _ => Err(self.refusal(ErrorKind::Path, list, path, "is not a list")),
        }
    }

    /// New first items, in front of the comments above the one that was first.
    fn first_items(&self, dash: usize, column: usize, style: BlockStyle, values: &[Value]) -> Splice {
        let mut text = String::new();
        if !self.is_first_on_line(dash) {
            for value in values {
                emit::write_block_item(value, column, style, &mut text);
                emit::write_line_start(column, style, &mut text);
            }
            return Splice::new(dash, dash, text);
        }
        let at = self.line_start(self.comments_above(dash));
        for value in values {
            emit::write_spaces(column, &mut text);
            emit::write_block_item(value, column, style, &mut text);
            text.push_str(style.newline);
        }
        Splice::new(at, at, text)
    }

    fn insert_flow_items(&self, list: u32, data: NodeData, path: &[Segment], index: usize, values: &[Value]) -> Plan {
        let mut text = String::new();
        let length = self.view(list).len();
        if length == 0 {
            let at = data.start as usize + 1;
            emit::write_flow_items(values, &mut text);
            return Ok(vec![Splice::new(at, at, text)]);
        }
        if index < length {
            let before = self.child(list, index).map_or(list, |step| step.node);
            let at = match index.checked_sub(1).and_then(|index| self.child(list, index)) {
                // Behind the comma, where the item or what stands in front of it starts.
                Some(previous) => {
                    let comma = skip_blank(self.source.text, self.source.node(previous.node).end as usize);
                    skip_blank(self.source.text, comma + 1)
                }
                None => skip_blank(self.source.text, data.start as usize + 1),
            };
            if at > self.outer_start(before) {
                return Err(self.layout(at, path, "has a layout that is not understood"));
            }
            emit::write_flow_items(values, &mut text);
            text.push_str(", ");
            return Ok(vec![Splice::new(at, at, text)]);
        }
        if self.last_leaf(list).shape == Shape::Empty {
            return Err(self.layout(data.end as usize, path, "ends in an empty value"));
        }
        let last = self.child(list, length - 1).map_or(list, |step| step.node);
        let prefix = self.line_prefix(self.outer_start(last));
        text.push(',');
        if self.line_start(self.outer_start(last)) > data.start as usize
            && prefix.bytes().all(|byte| matches!(byte, b' ' | b'\t'))
        {
            text.push_str(self.newline_at(self.source.node(last).end as usize));
            text.push_str(prefix);
        } else {
            text.push(' ');
        }
        emit::write_flow_items(values, &mut text);
        let at = self.source.node(last).end as usize;
        Ok(vec![Splice::new(at, at, text)])
    }

    // ---- replacing -------------------------------------------------------------------------------------------------

    fn replace(&self, step: Step, path: &[Segment], value: &Value) -> Plan {
        let Some(parent) = step.parent else {
            return self.replace_root(self.source.node(step.node), path, value);
        };
        self.refuse_shared(parent, path)?;
        self.replace_by(step, path, &Content::Value(value))
    }

    pub(crate) fn replace_by(&self, step: Step, path: &[Segment], content: &Content<'_>) -> Plan {
        let data = self.source.node(step.node);
        if let (Shape::Literal, Content::Value(Value::String(value))) = (data.shape, content)
            && let Some(splice) = self.rewrite_literal(data, value)
        {
            return Ok(vec![splice]);
        }
        let (outer, start, end) = (self.outer_start(step.node), data.start as usize, data.end as usize);
        let mut text = String::new();
        if self.in_flow(step.parent) {
            if data.shape == Shape::Empty && outer == start {
                // `{a:}` has none: to Helm that is the key `a:`.
                let has_colon = step.key.is_none_or(|key| start > self.source.node(key).end as usize);
                // Its colon would come here, and must be on the line that the key starts on.
                let key_is_on_one_line = step.key.is_none_or(|key| {
                    let key_start = self.source.node(key).start as usize;
                    !self.source.text.get(key_start..start).unwrap_or_default().contains('\n')
                });
                if !has_colon && !key_is_on_one_line {
                    return Err(self.layout(start, path, "has a key that goes over several lines"));
                }
                // The colon would become part of a tag's or an alias's name.
                let key_is_text = |key| !matches!(self.source.node(key).shape, Shape::Empty | Shape::Alias);
                if !has_colon && !step.key.is_none_or(key_is_text) {
                    return Err(self.layout(start, path, "has a key of a tag or an alias alone"));
                }
                text.push_str(if has_colon { " " } else { ": " });
            }
            content.write_inline(true, &mut text)?;
            return Ok(vec![Splice::new(outer, end, text)]);
        }
        let parent = step.parent.unwrap_or(self.root);
        let is_inline = content.is_inline();
        if self.source.node(parent).shape == Shape::BlockList {
            if data.shape == Shape::Empty && outer == start {
                text.push(' ');
                let column = self.column(start, path)? + 1;
                content.write_block(column, self.style(parent, column, is_inline), &mut text)?;
            } else if is_inline {
                content.write_inline(false, &mut text)?;
            } else {
                let line_end = self.clean_line_end(end, path)?;
                let column = self.column(outer, path)?;
                let style = self.style(parent, column, is_inline);
                if let Content::Copy(_) = content
                    && (line_end > end || !content.head().is_empty())
                {
                    // An anchor stands on the line of the dash, and a comment behind it stays there.
                    emit::write_line_start(column, style, &mut text);
                    content.write_block(column, style, &mut text)?;
                    return Ok(vec![Splice::new(outer, end, content.head()), Splice::new(line_end, line_end, text)]);
                }
                content.write_block(column, style, &mut text)?;
            }
            return Ok(vec![Splice::new(outer, end, text)]);
        }
        // The value of a key of a block map.
        let after_colon = self.after_colon(step, path)?;
        let is_block_collection = matches!(data.shape, Shape::BlockMap | Shape::BlockList);
        if is_inline {
            text.push(' ');
            content.write_inline(false, &mut text)?;
            if !is_block_collection {
                // A block scalar may stand in the column of its key, on a line of its own; nothing else may.
                let key_start = self.source.node(parent).start as usize;
                let is_at_key = self.line_start(outer) > after_colon
                    && self.line_prefix(outer).len() <= self.line_prefix(key_start).len();
                if is_at_key {
                    let between = self.source.text.get(after_colon..outer).unwrap_or_default();
                    if !between.trim().is_empty() {
                        return Err(self.layout(outer, path, "has a comment between its key and its value"));
                    }
                    return Ok(vec![Splice::new(after_colon, end, text)]);
                }
                let from = if outer > after_colon { outer } else { after_colon };
                let text = if outer > after_colon { text.split_off(1) } else { text };
                return Ok(vec![Splice::new(from, end, text)]);
            }
            if outer != start {
                return Ok(vec![Splice::new(after_colon, end, text)]);
            }
            let line_end = self.clean_line_end(after_colon, path)?;
            return Ok(vec![Splice::new(after_colon, after_colon, text), Splice::new(line_end, end, "")]);
        }
        let key_column = self.column(self.source.node(parent).start as usize, path)?;
        let style = self.style(parent, key_column, is_inline);
        let keeps_column = matches!(
            (data.shape, content),
            (Shape::BlockMap, Content::Value(Value::Map(_))) | (Shape::BlockList, Content::Value(Value::List(_)))
        );
        if keeps_column && outer == start {
            let column = self.column(start, path)?;
            content.write_block(column, style, &mut text)?;
            return Ok(vec![Splice::new(start, end, text)]);
        }
        let line_end = self.clean_line_end(end, path)?;
        let style = BlockStyle { newline: self.newline_at(line_end), ..style };
        content.write_lines(key_column, style, &mut text)?;
        let mut head = String::new();
        if !content.head().is_empty() {
            head.push(' ');
            head.push_str(content.head());
        }
        let is_on_key_line = self.line_start(end) <= after_colon;
        if is_on_key_line {
            // What stood there goes; a comment behind it stays on the line of the key.
            return Ok(vec![Splice::new(after_colon, end, head), Splice::new(line_end, line_end, text)]);
        }
        head.push_str(&text);
        Ok(vec![Splice::new(after_colon, end, head)])
    }

    /// Another text in a literal block (`|`): between the same first line and what follows. `None` where it would need
    /// another header (`|2`, another chomping) or quotes.
    fn rewrite_literal(&self, data: NodeData, value: &str) -> Option<Splice> {
        let old = self.source.text.get(data.start as usize..data.end as usize)?;
        let (header, body) = old.split_once('\n')?;
        let chomping = header.split([' ', '\t', '#', '\r']).next()?;
        let text = match chomping {
            "|" => value.strip_suffix('\n')?,
            "|-" => value,
            _ => return None,
        };
        let is_plain = |character: char| {
            matches!(character, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
                && !matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
        };
        let last = text.rsplit('\n').next()?;
        if !text.chars().all(is_plain) || text.starts_with([' ', '\n']) || last.trim().is_empty() {
            return None;
        }
        let content = body.trim_end();
        let start = data.start as usize + header.len() + 1;
        if chomping == "|" && self.bytes().get(start + content.len()).is_none() {
            // At the end of the stream, without a line end that the text could have.
            return None;
        }
        let first = content.lines().find(|line| !line.trim().is_empty())?;
        let indent = first.len() - first.trim_start_matches(' ').len();
        let margin = first.get(..indent).filter(|margin| !margin.is_empty())?;
        if content.lines().any(|line| !line.trim().is_empty() && !line.starts_with(margin)) {
            return None;
        }
        let newline = if header.ends_with('\r') { "\r\n" } else { "\n" };
        let mut new = String::with_capacity(text.len() + text.len() / 8);
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                new.push_str(newline);
            }
            if !line.is_empty() {
                new.push_str(margin);
                new.push_str(line);
            }
        }
        Some(Splice::new(start, start + content.len(), new))
    }

    fn replace_root(&self, data: NodeData, path: &[Segment], value: &Value) -> Plan {
        let start = self.outer_start(0);
        let mut text = String::new();
        if data.shape == Shape::BlockMap && !emit::is_inline(value) {
            let column = self.column(start, path)?;
            let style = self.style(0, column, false);
            emit::write_block(value, column, style, &mut text);
        } else {
            emit::write_flow(value, &mut text);
        }
        Ok(vec![Splice::new(start, data.end as usize, text)])
    }

    /// Behind the `:` of an entry of a block map.
    fn after_colon(&self, step: Step, path: &[Segment]) -> Result<usize, Refusal> {
        let key_end = step.key.map_or(0, |key| self.source.node(key).end as usize);
        let blanks = self.bytes().get(key_end..).unwrap_or_default().iter().take_while(|&&byte| byte == b' ').count();
        let colon = key_end + blanks;
        if self.bytes().get(colon) != Some(&b':') {
            return Err(self.layout(key_end, path, "has an explicit key (`? key`)"));
        }
        Ok(colon + 1)
    }

    // ---- removing --------------------------------------------------------------------------------------------------

    pub(crate) fn remove_child(&self, parent: Step, child: Step, path: &[Segment]) -> Plan {
        let data = self.source.node(parent.node);
        let view = self.view(parent.node);
        let length = view.len();
        let end = self.source.node(child.node).end as usize;
        match data.shape {
            Shape::FlowMap | Shape::FlowList => {
                let is_bracketed = matches!(self.bytes().get(data.start as usize), Some(b'{' | b'['));
                if !is_bracketed
                    || (data.shape == Shape::FlowMap && self.bytes().get(data.start as usize) == Some(&b'['))
                {
                    return Err(self.layout(data.start as usize, path, "is in a map without braces"));
                }
                if length == 1 {
                    return Ok(vec![Splice::new(data.start as usize + 1, (data.end as usize).saturating_sub(1), "")]);
                }
                if child.position > 0 {
                    let mut from = self.previous_end(parent.node, child.position);
                    if self.leaf_in_front(parent.node, child.position).is_some_and(|leaf| leaf.shape == Shape::Empty) {
                        // To Helm `{a:, b}` has the key `a:`: the blank in front of the comma stays.
                        from = skip_blank(self.source.text, from);
                    }
                    return Ok(vec![Splice::new(from, end, "")]);
                }
                let from = skip_blank(self.source.text, data.start as usize + 1);
                let comma = skip_blank(self.source.text, end);
                if self.bytes().get(comma) != Some(&b',') {
                    return Err(self.layout(comma, path, "has a layout that is not understood"));
                }
                Ok(vec![Splice::new(from, skip_blank(self.source.text, comma + 1), "")])
            }
            Shape::BlockMap | Shape::BlockList => {
                if length == 1 {
                    let empty = if data.shape.is_map() { Value::Map(Vec::new()) } else { Value::List(Vec::new()) };
                    return self.replace(parent, path, &empty);
                }
                let from = match child.position {
                    0 => data.start as usize,
                    position => skip_blank(self.source.text, self.previous_end(parent.node, position)),
                };
                let line_end = self.clean_line_end(end, path)?;
                if self.is_first_on_line(from) {
                    let start = match self.line_start(from) {
                        // A byte order mark stays in front of what follows.
                        0 if self.source.text.starts_with('\u{feff}') => 3,
                        start => start,
                    };
                    let next = split::next_line(self.bytes(), line_end);
                    let next = self.past_what_a_block_scalar_would_take(parent.node, child.position, next, path)?;
                    return Ok(vec![Splice::new(start, next, "")]);
                }
                if child.position > 0 {
                    return Err(self.layout(from, path, "does not start on a line of its own"));
                }
                let next = skip_blank(self.source.text, line_end);
                Ok(vec![Splice::new(from, next, "")])
            }
            _ => Err(self.refusal(ErrorKind::Path, parent.node, path, "is not in a map or a list")),
        }
    }

    /// The child, of a map the value, in front of a position.
    fn previous(&self, parent: u32, position: usize) -> Option<u32> {
        let per_child = if self.source.node(parent).shape.is_map() { 2 } else { 1 };
        (position * per_child).checked_sub(1).and_then(|at| self.view(parent).children().nth(at))
    }

    /// Where the child in front of a position ends.
    fn previous_end(&self, parent: u32, position: usize) -> usize {
        self.previous(parent, position).map_or(0, |node| self.source.node(node).end as usize)
    }

    fn leaf_in_front(&self, parent: u32, position: usize) -> Option<NodeData> {
        self.previous(parent, position).map(|previous| self.last_leaf(previous))
    }

    /// When lines go away that end a block scalar, what follows must not become part of it: blank lines go too if it
    /// keeps them or if they are further indented than its text, and a comment that is indented like its text is a reason to refuse.
    fn past_what_a_block_scalar_would_take(
        &self,
        parent: u32,
        position: usize,
        next: usize,
        path: &[Segment],
    ) -> Result<usize, Refusal> {
        let Some(leaf) = self.leaf_in_front(parent, position) else { return Ok(next) };
        if !leaf.shape.is_block_scalar() {
            return Ok(next);
        }
        let header = self.source.text.get(leaf.start as usize..leaf.end as usize).unwrap_or_default();
        let keeps = header.bytes().take_while(|byte| !byte.is_ascii_whitespace()).any(|byte| byte == b'+');
        let text_indent = header
            .split('\n')
            .skip(1)
            .find(|line| !line.trim().is_empty())
            .map_or(0, |line| line.len() - line.trim_start_matches(' ').len());
        // Where the indentation is said (`|2`), the first line may have more.
        let is_said = header.bytes().take_while(|byte| !byte.is_ascii_whitespace()).any(|byte| byte.is_ascii_digit());
        let least_indent = if is_said { 0 } else { text_indent };
        let mut next = next;
        let mut after = next;
        loop {
            let end = split::next_line(self.bytes(), after);
            let line = self.source.text.get(after..end).unwrap_or_default();
            let content = line.trim_start_matches(' ');
            if after < end && content.trim_end_matches(['\r', '\n']).is_empty() {
                after = end;
                // Blanks beyond the indentation are text.
                if keeps || content.len() + least_indent < line.len() {
                    next = end;
                }
                continue;
            }
            if content.starts_with('#') && text_indent > 0 && line.len() - content.len() >= text_indent {
                return Err(self.layout(after, path, "stands between a block scalar and a comment that would join it"));
            }
            return Ok(next);
        }
    }

    // ---- style -----------------------------------------------------------------------------------------------------

    /// The line end of the line at an offset. Helm 3 writes a comment that ends in a line feed above a template that was
    /// saved with carriage returns, so the first line does not speak for the document.
    fn newline_at(&self, offset: usize) -> &'static str {
        let rest = self.source.text.get(offset..).unwrap_or_default();
        crate::stream::newline_of(if rest.contains('\n') { rest } else { self.source.text })
    }

    /// How the document writes what is about to be written under a collection at a column.
    pub(crate) fn style(&self, near: u32, column: usize, is_inline: bool) -> BlockStyle {
        let mut style = BlockStyle {
            step: 2,
            list_indent: ListIndent::SameColumn,
            newline: self.newline_at(self.source.node(near).start as usize),
        };
        if is_inline {
            return style;
        }
        let (step, list_indent) = self.nearest_style(near, column);
        let (mut known_step, mut known_indent) = self.source.tree.styles.get();
        style.step = step.or_else(|| *known_step.get_or_insert_with(|| self.any_style(true).0)).unwrap_or(2);
        let any_indent = || *known_indent.get_or_insert_with(|| self.any_style(false).1);
        style.list_indent = list_indent.or_else(any_indent).unwrap_or(ListIndent::SameColumn);
        self.source.tree.styles.set((known_step, known_indent));
        style
    }

    /// The style among the children of one map.
    fn nearest_style(&self, map: u32, column: usize) -> (Option<usize>, Option<ListIndent>) {
        let (mut step, mut list_indent) = (None, None);
        if self.source.node(map).shape != Shape::BlockMap {
            return (None, None);
        }
        for (_, value) in self.view(map).own_entries() {
            let data = self.source.node(value);
            let child_column = self.line_prefix(data.start as usize).len();
            match data.shape {
                Shape::BlockMap if step.is_none() && child_column > column => step = Some(child_column - column),
                Shape::BlockList if list_indent.is_none() && child_column >= column => {
                    list_indent = Some(match child_column - column {
                        0 => ListIndent::SameColumn,
                        indent => ListIndent::Deeper(indent),
                    });
                }
                _ => {}
            }
        }
        (step, list_indent)
    }

    /// The style of the first map of the document that shows one.
    fn any_style(&self, wants_step: bool) -> (Option<usize>, Option<ListIndent>) {
        for (index, node) in self.source.tree.nodes.iter().enumerate() {
            if node.shape != Shape::BlockMap {
                continue;
            }
            let column = self.line_prefix(node.start as usize).len();
            let (step, list_indent) = self.nearest_style(index as u32, column);
            if (wants_step && step.is_some()) || (!wants_step && list_indent.is_some()) {
                return (step, list_indent);
            }
        }
        (None, None)
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

/// Blank lines with a tab that stand behind an edit are part of the plain scalar in front of them to Go's parser, and an
/// error behind anything else: the edit takes their blanks away, whatever it put in front of them. Their line ends stay. A
/// comment that stood right behind a quote gets a space.
pub(crate) fn own_blank_lines(text: &str, splices: &mut Vec<Splice>) {
    let bytes = text.as_bytes();
    // Each looks as far as the next one starts, so that no line is looked at twice.
    splices.sort_by_key(|splice| (splice.start, splice.end));
    let count = splices.len();
    for index in 0..count {
        let limit = splices.get(index + 1).filter(|_| index + 1 < count).map_or(bytes.len(), |next| next.start);
        let Some(splice) = splices.get_mut(index) else { break };
        let end = splice.end;
        // `"x"#c` has a comment, `x#c` has none.
        let before = splice.text.bytes().next_back().or_else(|| bytes.get(splice.start.checked_sub(1)?).copied());
        if bytes.get(end) == Some(&b'#') && before.is_some_and(|before| !before.is_ascii_whitespace()) {
            splice.text.push(' ');
        }
        let is_line_start = end == 0 || bytes.get(end - 1) == Some(&b'\n');
        let mut at = end;
        if !is_line_start {
            let line = skip_blank_in_line(bytes, at);
            if !matches!(bytes.get(line), Some(b'\n' | b'#')) {
                continue;
            }
            at = split::next_line(bytes, at);
        }
        splices.extend(without_blanks(text, at, limit));
    }
    splices.sort_by_key(|splice| splice.start);
}

/// Takes the blanks of the blank lines from an offset to a limit away, if any of them has a tab: one splice, from the
/// first line with a tab to the last.
fn without_blanks(text: &str, from: usize, limit: usize) -> Option<Splice> {
    let bytes = text.as_bytes();
    let mut at = from;
    let mut splice: Option<Splice> = None;
    // Behind the last line that is in the splice.
    let mut copied = from;
    while at < limit {
        let mut blanks_end = skip_blank_in_line(bytes, at);
        if !matches!(bytes.get(blanks_end), None | Some(b'\n')) {
            break;
        }
        if blanks_end > at && bytes.get(blanks_end - 1) == Some(&b'\r') {
            blanks_end -= 1;
        }
        if blanks_end > limit {
            break;
        }
        if bytes.get(at..blanks_end).is_some_and(|blanks| blanks.contains(&b'\t')) {
            let splice = splice.get_or_insert_with(|| {
                copied = at;
                Splice::new(at, at, "")
            });
            splice.text.push_str(text.get(copied..at).unwrap_or_default());
            (splice.end, copied) = (blanks_end, blanks_end);
        }
        at = split::next_line(bytes, at);
    }
    splice
}

fn skip_blank_in_line(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count()
}

/// Puts sorted, disjoint splices into a text; `None` if they are not disjoint.
pub(crate) fn apply(text: &str, splices: &[Splice]) -> Option<String> {
    let added: usize = splices.iter().map(|splice| splice.text.len()).sum();
    let mut out = String::with_capacity(text.len() + added);
    let mut copied = 0;
    for splice in splices {
        out.push_str(text.get(copied..splice.start)?);
        out.push_str(&splice.text);
        copied = splice.end;
    }
    out.push_str(text.get(copied..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes some insertions, given as offsets, and checks how many splices that is in all and what comes of it.
    #[track_caller]
    fn check(text: &str, insertions: &[usize], splices: usize, expected: &str) {
        let mut all: Vec<Splice> = insertions.iter().map(|&at| Splice::new(at, at, "X")).collect();
        own_blank_lines(text, &mut all);
        assert_eq!(all.len(), splices, "{all:?}");
        assert_eq!(apply(text, &all).as_deref(), Some(expected), "{all:?}");
    }

    #[test]
    fn a_colon_does_not_join_the_name_of_a_tag_or_an_alias() {
        for entry in ["? !t ", "? *a "] {
            let text = format!("{{kind: X, a: &a v, {entry}}}\n");
            let mut manifests = crate::Manifests::from_bytes(text.into_bytes()).expect("a stream");
            let outcome = manifests.visit(|object| {
                let key = if entry.contains('!') { "" } else { "v" };
                object.set(&crate::Path::new([key]), Value::Map(Vec::new())).map(|_| ())
            });
            assert_eq!(outcome.map_err(|error| error.kind()), Err(ErrorKind::Layout), "{entry}");
        }
    }

    #[test]
    fn blank_lines_behind_an_edit_lose_their_tabs_in_one_splice() {
        check("a\n \n\t\n  \n \t\r\n\t\nb\n", &[1], 2, "aX\n \n\n  \n\r\n\nb\n");
        check("a\n\t", &[1], 2, "aX\n");
        check("a # c\n\t\nb\n\t\n", &[1], 2, "aX # c\n\nb\n\t\n");
        // Those of an edit further up stand in front of the edit below.
        check("a\n\t\nb\n\t\nc\n", &[5, 1], 4, "aX\n\nbX\n\nc\n");
        check("a\n\t\n\t\nb\n", &[1, 4], 4, "aX\n\nX\nb\n");
        let lines = |line: &str| line.repeat(100_000);
        check(&format!("a\n{}b\n", lines("\t\n")), &[1], 2, &format!("aX\n{}b\n", lines("\n")));
    }
}
