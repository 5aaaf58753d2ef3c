//! Every edit, everywhere: over the awkward manifests all edits of all nodes, over real charts a sample. Each result is
//! read by an independent parser and must be the old tree plus the edit; documents that were not edited keep their bytes.

mod support;

use std::collections::BTreeMap;

use support::{Edit, Oracle, nasty_files, shared_corpus};
use windlass_manifest::{Error, ErrorKind, Kind, Manifests, Node, Path, Segment, Value};

/// Paths of all nodes of an object, without those reached through aliases or merge keys.
fn all_paths(root: Node<'_>) -> Vec<(Path, Kind)> {
    let mut found = Vec::new();
    let mut waiting = vec![(Path::root(), root)];
    while let Some((path, node)) = waiting.pop() {
        if path.segments().len() > 12 || found.len() > 4000 {
            continue;
        }
        found.push((path.clone(), node.kind()));
        for (key, value) in node.entries() {
            if key != "<<" {
                waiting.push((path.key(key.into_owned()), value));
            }
        }
        for (position, item) in node.items().enumerate() {
            waiting.push((path.index(position), item));
        }
    }
    found
}

/// All edits that are tried at a node.
fn edits_at(path: &Path, kind: Kind, length: usize) -> Vec<Edit> {
    let text = Value::from("new: \"text\"\n# é");
    let map = Value::map([
        ("name", Value::from("new")),
        (
            "ports",
            Value::List(vec![Value::map([("port", Value::from(80)), ("on", Value::from("on"))]), Value::from(true)]),
        ),
        ("deep", Value::map([("er", Value::Null), ("empty", Value::Map(Vec::new()))])),
    ]);
    let list = Value::List(vec![Value::from("a"), map.clone(), Value::List(vec![Value::from("nested")])]);
    let mut edits = Vec::new();
    if !path.is_root() {
        edits.push(Edit::Remove(path.clone()));
        for value in [&text, &map, &list, &Value::Map(Vec::new()), &Value::Null, &Value::Number("1.20".into())] {
            edits.push(Edit::Set(path.clone(), value.clone()));
        }
    }
    let entries =
        vec![("zz new".to_owned(), text.clone()), ("zy".to_owned(), map.clone()), ("zx".to_owned(), list.clone())];
    match kind {
        Kind::Map => {
            edits.push(Edit::Merge(path.clone(), entries));
            edits.push(Edit::Set(path.key("one").key("two").index(0).key("three"), text));
            edits.push(Edit::Append(path.key("added list"), map));
        }
        Kind::List => {
            edits.push(Edit::Append(path.clone(), map.clone()));
            edits.push(Edit::Append(path.clone(), text.clone()));
            for index in [0, length / 2, length] {
                edits.push(Edit::Insert(path.clone(), index, map.clone()));
            }
            edits.push(Edit::Set(path.index(length), list));
        }
        Kind::Scalar => {
            edits.push(Edit::Merge(path.clone(), entries));
            edits.push(Edit::Append(path.clone(), map));
        }
    }
    edits
}

#[derive(Default)]
struct Tally {
    made: usize,
    unchanged: usize,
    refused: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

impl Tally {
    fn assert_nothing_wrong(&self) {
        let shown: Vec<&str> = self.wrong.iter().take(8).map(String::as_str).collect();
        let of = self.made + self.unchanged;
        assert!(self.wrong.is_empty(), "{} of {of} edits are wrong, such as\n{}", self.wrong.len(), shown.join("\n\n"));
    }
}

/// The documents of a stream, split as the crate under test does: a marker at the start of a line.
fn visit_nth(manifests: &mut Manifests, wanted: usize, edit: &Edit) -> Result<bool, Error> {
    let mut position = 0;
    let mut outcome = false;
    manifests.visit(|object| {
        if position == wanted {
            outcome = edit.apply(object)?;
        }
        position += 1;
        Ok::<(), Error>(())
    })?;
    Ok(outcome)
}

/// Checks one edit; what is wrong is collected, so that one run shows all of it.
fn check(name: &str, stream: &str, wanted: usize, edit: &Edit, tally: &mut Tally) {
    let outcome =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check_edit(name, stream, wanted, edit, tally)));
    if let Err(panic) = outcome {
        let message = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        tally.wrong.push(message);
    }
}

fn check_edit(name: &str, stream: &str, wanted: usize, edit: &Edit, tally: &mut Tally) {
    let mut manifests = Manifests::from_bytes(stream.as_bytes().to_vec()).expect("UTF-8");
    let outcome = visit_nth(&mut manifests, wanted, edit);
    let is_changed = manifests.is_changed();
    let output = String::from_utf8(manifests.into_bytes()).expect("UTF-8");
    match outcome {
        Err(error) => {
            assert_eq!(output, stream, "{name}: a refused edit changed the stream: {edit:?}");
            assert!(error.to_string().contains("(line "), "{name}: {error}");
            assert!(!error.to_string().contains("bug"), "{name}: {edit:?}: {error}");
            *tally.refused.entry(format!("{:?}", error.kind())).or_default() += 1;
            return;
        }
        Ok(false) => {
            assert!(!is_changed);
            assert_eq!(output, stream, "{name}: {edit:?}");
            tally.unchanged += 1;
        }
        Ok(true) => {
            assert!(is_changed);
            assert_ne!(output, stream, "{name}: {edit:?}");
            tally.made += 1;
        }
    }
    let (before, after) = (documents(stream), documents(&output));
    assert_eq!(before.len(), after.len(), "{name}: {edit:?}\n{output}");
    let mut passed = 0;
    for (old, new) in before.iter().zip(&after) {
        let Some(mut expected) = Oracle::read(old) else {
            assert_eq!(old, new, "{name}: {edit:?} changed a document that cannot be compared");
            passed += count_objects(old);
            continue;
        };
        let objects = expected.objects();
        match wanted.checked_sub(passed).and_then(|at| objects.get(at)) {
            Some(object) => {
                edit.apply_to_oracle(&mut expected, object);
                let found =
                    Oracle::read(new).unwrap_or_else(|| panic!("{name}: {edit:?} made what libyaml refuses:\n{new}"));
                assert!(
                    found.means(&expected),
                    "{name}: {edit:?}\n--- before\n{old}\n--- after\n{new}\n{found:?}\n{expected:?}"
                );
            }
            None => assert_eq!(old, new, "{name}: {edit:?} changed another document"),
        }
        passed += objects.len();
    }
    // Twice is once.
    if matches!(edit, Edit::Set(..) | Edit::Merge(..) | Edit::Remove(Path { .. })) && !moves_indices(edit) {
        let mut manifests = Manifests::from_bytes(output.clone().into_bytes()).expect("UTF-8");
        assert_eq!(visit_nth(&mut manifests, wanted, edit), Ok(false), "{name}: {edit:?} is not idempotent:\n{output}");
    }
}

/// Whether doing the edit again would be another edit.
fn moves_indices(edit: &Edit) -> bool {
    match edit {
        Edit::Remove(path) => matches!(path.segments().last(), Some(Segment::Index(_))),
        _ => false,
    }
}

fn count_objects(document: &str) -> usize {
    let manifests = Manifests::from_bytes(document.as_bytes().to_vec()).expect("UTF-8");
    let mut count = 0;
    manifests
        .read(|_| {
            count += 1;
            Ok::<(), Error>(())
        })
        .expect("a readable document");
    count
}

/// Splits at `---` and `...` lines in the plainest way; streams of these tests have no content on `---` lines but one.
fn documents(stream: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    let mut has_content = false;
    for line in stream.split_inclusive('\n') {
        let word = line.trim_start_matches('\u{feff}').split_whitespace().next().unwrap_or("");
        let is_marker = (line.starts_with("---") && word == "---") || (line.starts_with("...") && word == "...");
        if is_marker && line.starts_with('-') && has_content {
            documents.push(String::new());
            has_content = false;
        }
        has_content |= line.starts_with("---") && is_marker;
        has_content |= !is_marker && !matches!(word.chars().next(), None | Some('#' | '%'));
        documents.last_mut().expect("one").push_str(line);
        if is_marker && line.starts_with('.') {
            documents.push(String::new());
            has_content = false;
        }
    }
    documents.retain(|document| !document.is_empty());
    documents
}

/// A node's path, its kind and how many entries or items it has.
type Place = (Path, Kind, usize);

fn objects_with_paths(stream: &str) -> Result<Vec<Vec<Place>>, Error> {
    let manifests = Manifests::from_bytes(stream.as_bytes().to_vec()).expect("UTF-8");
    let mut objects = Vec::new();
    manifests.read(|object| {
        let paths = all_paths(object.root());
        objects.push(
            paths
                .into_iter()
                .map(|(path, kind)| {
                    let length = object.get(&path).map_or(0, |node| node.len());
                    (path, kind, length)
                })
                .collect(),
        );
        Ok::<(), Error>(())
    })?;
    Ok(objects)
}

#[test]
fn all_edits_of_all_nodes_of_awkward_manifests() {
    let mut tally = Tally::default();
    for (name, stream) in nasty_files() {
        if name.contains("billion-laughs") {
            // No other parser reads it to the end.
            continue;
        }
        let objects = objects_with_paths(&stream).unwrap_or_else(|error| panic!("{name}: {error}"));
        for (wanted, paths) in objects.iter().enumerate() {
            for (path, kind, length) in paths.iter().take(400) {
                for edit in edits_at(path, *kind, *length) {
                    check(&name, &stream, wanted, &edit, &mut tally);
                }
            }
        }
    }
    tally.assert_nothing_wrong();
    assert!(tally.made > 3000, "only {} edits were made", tally.made);
}

#[test]
fn a_sample_of_edits_of_real_charts() {
    let mut tally = Tally::default();
    let mut seed: usize = 7;
    for (name, stream) in shared_corpus() {
        for document in documents(&stream) {
            if document.len() > 40_000 {
                continue;
            }
            let objects = objects_with_paths(&document).unwrap_or_else(|error| panic!("{name}: {error}"));
            for (wanted, paths) in objects.iter().enumerate() {
                for _ in 0..3 {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let (path, kind, length) = &paths[(seed >> 33) % paths.len()];
                    let edits = edits_at(path, *kind, *length);
                    check(&name, &document, wanted, &edits[(seed >> 13) % edits.len()], &mut tally);
                }
            }
        }
    }
    tally.assert_nothing_wrong();
    let refused: usize = tally.refused.iter().filter(|(kind, _)| *kind != "Path").map(|(_, count)| count).sum();
    assert!(refused * 100 <= tally.made, "{:?}", tally.refused);
}

#[test]
fn nothing_done_is_nothing_changed() {
    for (name, stream) in nasty_files().into_iter().chain(shared_corpus()) {
        let mut manifests = Manifests::from_bytes(stream.clone().into_bytes()).expect("UTF-8");
        let mut count = 0;
        manifests
            .visit(|object| {
                count += 1;
                // Reading everything changes nothing either.
                object.root().entries();
                object.labels();
                Ok::<(), Error>(())
            })
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(count > 0, "{name}");
        assert!(!manifests.is_changed());
        assert_eq!(manifests.changed_objects(), 0);
        assert_eq!(manifests.into_bytes(), stream.as_bytes(), "{name}");
    }
}

#[test]
fn billion_laughs_cost_nothing_until_they_are_written_out() {
    let (_, stream) = nasty_files().into_iter().find(|(name, _)| name.contains("billion")).expect("the file");
    let mut manifests = Manifests::from_bytes(stream.into_bytes()).expect("UTF-8");
    manifests
        .visit(|object| {
            assert!(object.root().get("a11").is_some_and(|node| node.len() == 9));
            assert!(object.root().get("m29").and_then(|node| node.get("k")).is_some());
            assert!(object.root().get("m29").is_some_and(|node| node.get("nothing").is_none()));
            let error = object.root().to_value().expect_err("too large");
            assert_eq!(error.kind(), ErrorKind::TooLarge);
            object.set(&Path::new(["metadata", "labels", "a"]), Value::from("b"))?;
            Ok::<(), Error>(())
        })
        .expect("editable");
    assert!(manifests.is_changed());
}
