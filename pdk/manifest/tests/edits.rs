//! Every edit, everywhere: over the awkward manifests all edits of all nodes, over real charts a sample. Each result is
//! read by an independent parser and must be the old tree plus the edit; documents that were not edited keep their
//! bytes.

use windlass_manifest::{Error, ErrorKind, Manifests, Path, Value};
use windlass_testing::anchored;
use windlass_testing::manifests::{
    Tally, check, documents, edits_at, nasty_files, objects_with_paths, reads_alike, shared_corpus,
};

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
    assert!(tally.made > 2500, "only {} edits were made", tally.made);
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
fn a_sample_of_edits_of_shared_places() {
    let mut tally = Tally::default();
    let mut seed: u64 = 7;
    let mut below = |bound: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % bound
    };
    for number in 0..300 {
        let stream = anchored::document(false, &mut below);
        assert!(reads_alike(&stream), "{stream}");
        let objects = objects_with_paths(&stream).unwrap_or_else(|error| panic!("{error}\n{stream}"));
        let Some(paths) = objects.first().filter(|paths| paths.len() < 1000) else { continue };
        for _ in 0..12 {
            let (path, kind, length) = &paths[below(paths.len())];
            let edits = edits_at(path, *kind, *length);
            check(&format!("anchored {number}"), &stream, 0, &edits[below(edits.len())], &mut tally);
        }
    }
    tally.assert_nothing_wrong();
    // Nothing of this is shared in a way that cannot be written out.
    assert!(tally.refused.keys().all(|kind| kind == "Path"), "{:?}", tally.refused);
    assert!(tally.made > 2000, "only {} edits were made", tally.made);
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
            let mut deep = Path::new(["a11"]);
            for level in 0..12 {
                deep = deep.index(level % 9);
            }
            assert!(object.set(&deep, Value::from("y"))?, "one level after the other is written out");
            assert!(object.set(&Path::new(["m29", "k"]), Value::from("y"))?);
            object.set(&Path::new(["metadata", "labels", "a"]), Value::from("b"))?;
            Ok::<(), Error>(())
        })
        .expect("editable");
    assert!(manifests.is_changed());
    let length = manifests.into_bytes().len();
    assert!(length < 8_000, "{length} bytes");
}

#[test]
fn aliases_that_would_have_to_be_written_out_without_end_are_refused() {
    let (_, mut stream) = nasty_files().into_iter().find(|(name, _)| name.contains("billion")).expect("the file");
    // Where the copy comes to stand, each name means something else.
    for level in 0..11 {
        stream.push_str(&format!("b{level}: &a{level} x\n"));
    }
    stream.push_str("copy: *a11\n");
    let mut manifests = Manifests::from_bytes(stream.clone().into_bytes()).expect("UTF-8");
    let refused = manifests.visit(|object| object.set(&Path::new(["copy"]).index(0), Value::from("y")).map(|_| ()));
    let error = refused.expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().starts_with("ConfigMap/lol (line 1): copy"), "{error}");
    assert_eq!(manifests.into_bytes(), stream.as_bytes());
}

/// A text of several lines takes the place of another in its block, or goes into quotes where the block cannot hold it.
#[test]
fn texts_stay_in_their_blocks() {
    let check = |stream: &str, text: &str, expected: &str| {
        let mut manifests = Manifests::from_bytes(stream.as_bytes().to_vec()).expect("a stream");
        let path: Path = "data.a".parse().expect("a path");
        manifests
            .visit(|object| object.set(&path, Value::from(text)).map(|_| ()))
            .unwrap_or_else(|error: windlass_manifest::Error| panic!("{error}"));
        assert_eq!(manifests.as_str(), expected);
        let read = manifests.read(|object| {
            assert_eq!(object.get(&path).and_then(|node| node.as_str()).as_deref(), Some(text));
            Ok::<(), windlass_manifest::Error>(())
        });
        read.expect("readable");
    };
    let block = "data:\n  a: | # c\n    x\n\n    y\n\n  # behind\n  b: c\n";
    check(
        block,
        "new\n\n  z # no comment\n",
        "data:\n  a: | # c\n    new\n\n      z # no comment\n\n  # behind\n  b: c\n",
    );
    check("data:\n  a: |-\n   x\n", "y\nz", "data:\n  a: |-\n   y\n   z\n");
    check("data:\r\n  a: |\r\n    x\r\n  b: c\r\n", "y\nz\n", "data:\r\n  a: |\r\n    y\r\n    z\r\n  b: c\r\n");
    check("data:\n  a: |\n    x", "y\n", "data:\n  a: \"y\\n\"");
    // What needs another header, or quotes.
    for text in ["y", "y\n\n", " y\n", "\ny\n", "y\u{7}\n", "y\u{2028}\n", "y\n  \n", "", "\n"] {
        let mut manifests = Manifests::from_bytes(b"data:\n  a: |\n    x\n  b: c\n".to_vec()).expect("a stream");
        let path: Path = "data.a".parse().expect("a path");
        manifests
            .visit(|object| object.set(&path, Value::from(text)).map(|_| ()))
            .unwrap_or_else(|error: windlass_manifest::Error| panic!("{error}"));
        manifests
            .read(|object| {
                assert_eq!(object.get(&path).and_then(|node| node.as_str()).as_deref(), Some(text));
                Ok::<(), windlass_manifest::Error>(())
            })
            .expect("readable");
    }
}
