//! One Kubernetes object, in Kubernetes terms: what a visitor reads and edits.

mod text;

use std::borrow::Cow;

use crate::batch::Edit;
use crate::budget::Budget;
use crate::document::{Place, Session};
use crate::emit;
use crate::error::{Error, ErrorKind};
use crate::node::{Kind, Node};
use crate::path::Path;
use crate::value::Value;

/// One object of a stream, handed out by [`crate::Manifests::visit`].
///
/// Paths start at the object, also where it is an item of a list. Every edit answers `Ok(true)` when it changes bytes
/// and `Ok(false)` when the object already is as wanted, so edits are idempotent. An edit that cannot be made without
/// changing something else is refused with an error that names the object and the line.
pub struct Object<'m> {
    pub(crate) session: Session<'m>,
}

/// The lists of containers in a pod's spec.
const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

impl<'m> Object<'m> {
    pub(crate) fn new() -> Self {
        Self { session: Session::new() }
    }

    /// `apiVersion`, such as `apps/v1`; empty if it is missing.
    pub fn api_version(&self) -> &str {
        &self.session.header.api_version
    }

    /// The group of `apiVersion`; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version().rsplit_once('/').map_or("", |(group, _)| group)
    }

    /// The version of `apiVersion`, such as `v1`.
    pub fn version(&self) -> &str {
        let api_version = self.api_version();
        api_version.rsplit_once('/').map_or(api_version, |(_, version)| version)
    }

    /// `kind`; empty if it is missing.
    pub fn kind(&self) -> &str {
        &self.session.header.kind
    }

    /// `metadata.name`; empty if it is missing.
    pub fn name(&self) -> &str {
        &self.session.header.name
    }

    /// `metadata.namespace`, if it is there and not empty. Charts often leave it out.
    pub fn namespace(&self) -> Option<&str> {
        self.session.header.has_namespace.then_some(self.session.header.namespace.as_str())
    }

    /// The 1-based line of the stream, as it came in, on which the object starts.
    pub fn line(&self) -> usize {
        self.session.header.line
    }

    /// Where the object stands in the stream.
    pub fn place(&self) -> Place<'m> {
        self.session.place()
    }

    /// The chart's file that the object was rendered from, as Helm 4 (an annotation) or Helm 3 (`# Source:`) says it.
    pub fn file(&self) -> Option<String> {
        self.session.file()
    }

    /// The 1-based line of the stream, as it came in, of the node at a path, or of what of that path is there.
    pub fn line_of(&self, path: &Path) -> usize {
        self.session.line_of(path.segments())
    }

    /// `Deployment/web in prod (line 12, web/templates/deployment.yaml)`, for messages; without what is not known.
    pub fn describe(&self) -> String {
        self.session.describe()
    }

    /// The object's root node.
    pub fn root(&self) -> Node<'_> {
        self.session.view(&[])
    }

    /// The node at a path, through aliases and merge keys.
    pub fn get(&self, path: &Path) -> Option<Node<'_>> {
        self.session.view(path.segments()).find_segments(path.segments())
    }

    /// `metadata.labels`, if it is there.
    pub fn labels(&self) -> Option<Node<'_>> {
        self.session.get_keys(&["metadata", "labels"])
    }

    /// `metadata.annotations`, if it is there.
    pub fn annotations(&self) -> Option<Node<'_>> {
        self.session.get_keys(&["metadata", "annotations"])
    }

    /// The text of one label.
    pub fn label(&self, key: &str) -> Option<Cow<'_, str>> {
        self.session.get_keys(&["metadata", "labels", key])?.scalar_text()
    }

    /// The text of one annotation.
    pub fn annotation(&self, key: &str) -> Option<Cow<'_, str>> {
        self.session.get_keys(&["metadata", "annotations", key])?.scalar_text()
    }

    /// The path of the object's pod template, the map that has the pods' `metadata` and `spec`: the object itself for a
    /// Pod, `spec.template` for Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController and Job,
    /// `spec.jobTemplate.spec.template` for CronJob. `None` for other kinds (also for equally named kinds of other
    /// groups) and where the template is missing.
    pub fn pod_template(&self) -> Option<Path> {
        let keys: &[&str] = match (self.group(), self.kind()) {
            ("", "Pod") => &[],
            ("", "ReplicationController")
            | ("apps" | "extensions", "Deployment" | "DaemonSet" | "ReplicaSet")
            | ("apps", "StatefulSet")
            | ("batch", "Job") => &["spec", "template"],
            ("batch", "CronJob") => &["spec", "jobTemplate", "spec", "template"],
            _ => return None,
        };
        let node = self.session.get_keys(keys)?;
        (node.kind() == Kind::Map).then(|| Path::new(keys.iter().copied()))
    }

    /// The path of the pods' spec, below [`Object::pod_template`]; `None` where it is missing.
    pub fn pod_spec(&self) -> Option<Path> {
        let path = self.pod_template()?.key("spec");
        (self.get(&path)?.kind() == Kind::Map).then_some(path)
    }

    /// The paths of all containers of the pods: init, ordinary and ephemeral ones, in this order.
    pub fn containers(&self) -> Vec<Path> {
        let Some(spec) = self.pod_spec() else { return Vec::new() };
        let mut paths = Vec::new();
        for list in CONTAINER_LISTS {
            let list = spec.key(list);
            let count = self.get(&list).map_or(0, |node| node.items().count());
            paths.extend((0..count).map(|index| list.index(index)));
        }
        paths
    }

    /// Makes the node at a path mean `value`: replaces it, or creates it together with the maps above it that are
    /// missing. An index just past the end of a list adds an item.
    ///
    /// # Errors
    /// An edit that cannot be made safely (see [`ErrorKind`]), or a value that cannot be written.
    pub fn set(&mut self, path: &Path, value: Value) -> Result<bool, Error> {
        self.session.check_value(&value)?;
        self.session.edit(path.segments(), path.segments(), |planner| planner.set(path.segments(), &value))
    }

    /// Sets entries of the map at a path and keeps its other entries; creates the map if it is missing. Entries that
    /// are there are changed where they stand, new ones come at the end. The fast way to set several entries.
    ///
    /// # Errors
    /// As for [`Object::set`]; nothing is changed then.
    pub fn merge(&mut self, path: &Path, entries: &[(String, Value)]) -> Result<bool, Error> {
        for (key, value) in entries {
            emit::check_key(key)
                .map_err(|message| self.session.error(ErrorKind::Value, self.session.header.line, message))?;
            self.session.check_value(value)?;
        }
        self.session.edit(path.segments(), path.segments(), |planner| planner.merge(path.segments(), entries))
    }

    /// Puts an item into the list at a path, before the item at `index`; creates the list if it is missing.
    ///
    /// # Errors
    /// As for [`Object::set`], and an index past the end of the list.
    pub fn insert(&mut self, list: &Path, index: usize, value: Value) -> Result<bool, Error> {
        self.session.check_value(&value)?;
        self.session.edit(list.segments(), list.segments(), |planner| {
            planner.insert(list.segments(), Some(index), std::slice::from_ref(&value))
        })
    }

    /// Adds an item to the end of the list at a path; creates the list if it is missing.
    ///
    /// # Errors
    /// As for [`Object::set`].
    pub fn append(&mut self, list: &Path, value: Value) -> Result<bool, Error> {
        self.session.check_value(&value)?;
        self.session.edit(list.segments(), list.segments(), |planner| {
            planner.insert(list.segments(), None, std::slice::from_ref(&value))
        })
    }

    /// Takes the node at a path away, with its key or dash; `Ok(false)` if it is not there. The last entry leaves `{}`,
    /// the last item `[]`.
    ///
    /// # Errors
    /// As for [`Object::set`].
    pub fn remove(&mut self, path: &Path) -> Result<bool, Error> {
        let segments = path.segments();
        let parent = segments.split_last().map_or(segments, |(_, parent)| parent);
        self.session.edit(segments, parent, |planner| planner.remove(segments))
    }

    /// Makes several edits, each at a path of the object as it is now, in one go: the document is read again between
    /// two only where they touch. Each must stand at or further up than those before it, so that none changes the path
    /// of a later one. A text that stands as a literal block (`|`) stays one, and keeps the lines that it keeps. What
    /// reading again takes is charged to the budget.
    ///
    /// # Errors
    /// As for [`Object::set`], and a budget that is used up; edits before the failing one are made then.
    pub fn edit_together(&mut self, edits: &[Edit], budget: &Budget) -> Result<bool, Error> {
        let mut is_changed = false;
        for edit in edits {
            is_changed |= self.session.edit_further_up(edit, budget)?;
        }
        Ok(is_changed)
    }

    /// Drops the object from the stream: its document, or its item of the list it stands in.
    ///
    /// # Errors
    /// As for [`Object::set`].
    pub fn delete(&mut self) -> Result<(), Error> {
        self.session.delete()
    }

    /// An error that carries this object and its line, for a visitor that says no.
    pub fn refuse(&self, message: impl Into<String>) -> Error {
        self.session.error(ErrorKind::Refused, self.session.header.line, message)
    }

    /// An error that carries this object and the line of the node at a path, or of what of that path is there.
    pub fn refuse_at(&self, path: &Path, message: impl Into<String>) -> Error {
        self.session.refuse_at(path, message.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Error, Manifests, Path, Value};

    /// Two edits that both need a map which is not there: it must be made once.
    #[track_caller]
    fn check(input: &str, expected: &str) {
        let mut manifests = Manifests::from_bytes(input.as_bytes().to_vec()).expect("a stream");
        let edited = manifests.visit(|object| {
            object.set(&Path::new(["metadata", "labels", "a"]), Value::from("x"))?;
            object.set(&Path::new(["metadata", "annotations", "b"]), Value::from("z"))?;
            Ok::<(), Error>(())
        });
        edited.expect("editable");
        assert_eq!(String::from_utf8_lossy(&manifests.into_bytes()), expected);
    }

    #[test]
    fn a_missing_map_is_made_once() {
        let made = "metadata:\n  labels:\n    a: x\n  annotations:\n    b: z\n";
        check("kind: A\n", &format!("kind: A\n{made}"));
        check("kind: A\nmetadata:\n", &format!("kind: A\n{made}"));
        check("kind: A\nmetadata: ~\n", &format!("kind: A\n{made}"));
        let flow = r#"{kind: A, metadata: {"annotations": {"b": "z"}, "labels": {"a": "x"}}}"#;
        check("{kind: A, metadata: {}}\n", &format!("{flow}\n"));
    }

    /// Bytes that say more than they are: 1 MiB at most, and the memory and time of reading must stay near that.
    fn expanding(text: &str) -> Result<usize, Error> {
        let mut count = 0;
        Manifests::from_bytes(text.as_bytes().to_vec())?.read(|object| {
            count += object.describe().len().min(1);
            Ok::<(), Error>(())
        })?;
        Ok(count)
    }

    #[test]
    fn lists_that_expand_are_bounded() {
        let message = |text: &str| expanding(text).expect_err("refused").to_string();
        assert!(message("&l\nkind: List\nitems:\n- *l\n").contains("an alias of what it stands in"));
        // Nine lists of nine lists ...: a thousand million items in 300 bytes.
        let mut text = String::from("kind: X\nl0: &l0 {kind: List, items: [{kind: A}, {kind: A}]}\n");
        for level in 1..30 {
            let items = format!("*l{}, ", level - 1).repeat(9);
            text.push_str(&format!("l{level}: &l{level} {{kind: List, items: [{items}]}}\n"));
        }
        text.push_str("items: [*l29]\n");
        assert!(message(&text.replacen("kind: X", "kind: List", 1)).contains("aliases repeat"));
        // A long header that every item has.
        let items = "- *i\n".repeat(50_000);
        for header in ["apiVersion: v1\nkind: HLONGList\n", "apiVersion: LONG\nkind: AList\n"] {
            let header = header.replace("LONG", &"x".repeat(500_000));
            let text = format!("{header}i: &i {{metadata: {{name: a}}}}\nitems:\n{items}");
            assert!(message(&text).contains("more than 1024 bytes"));
        }
        let text = format!(
            "kind: List\nlong: &n {}\nitems:\n{}",
            "x".repeat(500_000),
            "- {kind: A, metadata: {name: *n}}\n".repeat(9)
        );
        assert!(message(&text).contains("more than 1024 bytes"));
        // Items that say little and are looked into for long: through one map with many keys, a chain of merges, or
        // merges of one thing over and over.
        let items = |item: &str| format!("kind: List\nitems:\n{}", item.repeat(20_000));
        let many = |count: usize, of: &dyn Fn(usize) -> String| (0..count).map(of).collect::<String>();
        let keys = many(20_000, &|key| format!("k{key}: v, "));
        assert!(message(&format!("i: &i {{kind: A, {keys}}}\n{}", items("- *i\n"))).contains("aliases repeat"));
        let chain = many(10_000, &|at| format!("a{}: &a{} {{<<: *a{at}}}\n", at + 1, at + 1));
        let text = format!("a0: &a0 {{kind: A}}\n{chain}{}", items("- {<<: *a10000}\n"));
        assert!(message(&text).contains("aliases repeat"));
        let again = "*a, ".repeat(20_000);
        let text = format!("a: &a {{b: c}}\ni: &i {{kind: A, <<: [{again}]}}\n{}", items("- *i\n"));
        assert!(message(&text).contains("aliases repeat"));
        // What a visitor looks for counts too, and one value of all of it.
        let text = format!("l: &l {{{keys}}}\n{}", items("- {kind: A, metadata: {name: a, labels: *l}}\n"));
        let read = Manifests::from_bytes(text.into_bytes()).and_then(|manifests| {
            manifests.read(|object| {
                assert!(object.label("app").is_none());
                Ok::<(), Error>(())
            })
        });
        assert!(read.expect_err("refused").to_string().contains("aliases repeat"));
        let error = Value::from_yaml(&format!("a0: &a0 {{kind: A}}\n{chain}")).expect_err("refused").to_string();
        assert!(error.contains("aliases repeat"), "{error}");
        // Lists in lists in lists: the way to each object is kept once.
        let depth = 450;
        let deep = "{kind: List, items: [".repeat(depth);
        let text = format!("{deep}{}{}\n", "{},".repeat(100_000), "]}".repeat(depth));
        assert_eq!(expanding(&text).map_err(|error| error.to_string()), Ok(100_000));
    }

    #[test]
    fn a_map_that_means_the_same_is_left_alone() {
        let input = "kind: A\nmetadata: {name: a, labels: {b: c}}\n";
        let mut manifests = Manifests::from_bytes(input.as_bytes().to_vec()).expect("a stream");
        let value = Value::from_yaml("{labels: {b: c}, name: a}").expect("YAML");
        let edited = manifests.visit(|object| {
            assert!(!object.set(&Path::new(["metadata"]), value.clone())?);
            Ok::<(), Error>(())
        });
        edited.expect("nothing to edit");
        assert!(!manifests.is_changed());
    }
}
