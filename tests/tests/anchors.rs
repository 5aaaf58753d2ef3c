//! Edits of documents in which much is shared by anchors, aliases and merge keys, some names defined again and again:
//! Go's parser, which Helm and Kubernetes read with, sees the edited places changed and every other as it was.

use std::path::Path as FilePath;

use serde_json::{Map, Value as Json, json};
use windlass_pdk::{Kind, Node, Object, Path, Value};
use windlass_testing::anchored;
use windlass_tests::{needs, oracle};
use xtask::peers;

const DOCUMENTS: usize = 400;

/// An edit, in the order of the path that it is at.
#[derive(Clone, Debug)]
enum Edit {
    Set(Value),
    Add(String, Value),
    Append(Value),
    Remove,
}

fn all_paths(root: Node<'_>) -> Vec<(Path, Kind)> {
    let mut found = Vec::new();
    let mut waiting = vec![(Path::root(), root)];
    while let Some((path, node)) = waiting.pop() {
        if found.len() > 2000 {
            break;
        }
        found.push((path.clone(), node.kind()));
        waiting.extend(node.entries().into_iter().map(|(key, value)| (path.key(key.into_owned()), value)));
        waiting.extend(node.items().enumerate().map(|(position, item)| (path.index(position), item)));
    }
    found
}

fn edit(object: &mut Object<'_>, below: &mut impl FnMut(usize) -> usize) -> Option<(Path, Edit)> {
    let paths = all_paths(object.root());
    let (path, kind) = paths.get(below(paths.len()))?.clone();
    if path.is_root() || path.to_string() == "kind" {
        return None;
    }
    let value = Value::map([("new", Value::from("text")), ("list", Value::List(vec![Value::from(7)]))]);
    let edit = match (below(3), kind) {
        (0, _) => Edit::Remove,
        (1, Kind::Map) => Edit::Add("added".to_owned(), value),
        (1, Kind::List) => Edit::Append(value),
        _ => Edit::Set(if below(2) == 0 { value } else { Value::from("on") }),
    };
    let outcome = match &edit {
        Edit::Set(value) => object.set(&path, value.clone()),
        Edit::Add(key, value) => object.merge(&path, &[(key.clone(), value.clone())]),
        Edit::Append(value) => object.append(&path, value.clone()),
        Edit::Remove => object.remove(&path),
    };
    outcome.is_ok().then_some((path, edit))
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(entries) => Json::Object(entries.iter().map(|(key, value)| (key.clone(), to_json(value))).collect()),
        Value::Number(number) => number.parse::<i64>().map_or(Json::Null, Json::from),
        Value::String(text) => json!(text),
        _ => Json::Null,
    }
}

fn pointer(path: &Path) -> Vec<String> {
    let mut path = path.clone();
    let mut steps = Vec::new();
    while let Some(step) = path.pop() {
        steps.push(match step {
            windlass_manifest::Segment::Key(key) => key,
            windlass_manifest::Segment::Index(index) => index.to_string(),
        });
    }
    steps.reverse();
    steps
}

fn expect(document: &mut Json, path: &Path, edit: &Edit) {
    let mut steps = pointer(path);
    let last = steps.pop().expect("not the root");
    let parent = steps.iter().fold(document, |node, step| match node {
        Json::Array(items) => &mut items[step.parse::<usize>().expect("an index")],
        node => &mut node[step.as_str()],
    });
    if matches!(edit, Edit::Remove) {
        match parent {
            Json::Array(items) => drop(items.remove(last.parse().expect("an index"))),
            node => drop(node.as_object_mut().and_then(|map| map.remove(&last))),
        }
        return;
    }
    let node = match parent {
        Json::Array(items) => &mut items[last.parse::<usize>().expect("an index")],
        node => &mut node[last.as_str()],
    };
    match edit {
        Edit::Set(value) => *node = to_json(value),
        Edit::Add(key, value) => {
            node.as_object_mut().unwrap_or(&mut Map::new()).insert(key.clone(), to_json(value));
        }
        Edit::Append(value) => node.as_array_mut().unwrap_or(&mut Vec::new()).push(to_json(value)),
        Edit::Remove => {}
    }
}

fn check(oracle: &FilePath, documents: usize, edits: usize) -> usize {
    let mut seed: u64 = 11;
    let mut below = move |bound: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap_or_default() % bound
    };
    let (mut before, mut after, mut made) = (String::new(), String::new(), Vec::new());
    for _ in 0..documents {
        let document = anchored::document(true, &mut below);
        let mut manifests = windlass_manifest::Manifests::from_bytes(document.clone().into_bytes()).expect("UTF-8");
        let mut of_document = Vec::new();
        let visited = manifests.visit(|object| {
            of_document.extend((0..edits).filter_map(|_| edit(object, &mut below)));
            Ok::<(), windlass_manifest::Error>(())
        });
        visited.unwrap_or_else(|error| panic!("{error}\n{document}"));
        before.push_str(&format!("---\n{document}"));
        after.push_str(&format!("---\n{}", manifests.as_str()));
        made.push((document, manifests.as_str().to_owned(), of_document));
    }
    let expected = oracle::documents(oracle, before.as_bytes());
    let found = oracle::documents(oracle, after.as_bytes());
    assert_eq!((expected.len(), found.len()), (documents, documents));
    let mut count = 0;
    for ((mut expected, found), (document, edited, edits)) in expected.into_iter().zip(found).zip(made) {
        for (path, edit) in &edits {
            expect(&mut expected, path, edit);
        }
        count += edits.len();
        assert_eq!(found, expected, "{edits:#?}\n--- before\n{document}\n--- after\n{edited}");
    }
    count
}

#[test]
fn what_shares_with_an_edited_place_keeps_its_meaning() {
    let Some(program) = needs::peer(peers::YAML_ORACLE) else { return };
    assert!(check(&program, DOCUMENTS, 1) > DOCUMENTS / 2);
    assert!(check(&program, DOCUMENTS, 5) > DOCUMENTS * 3);
}
