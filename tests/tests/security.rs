//! SECURITY.md names tests; each of them is there. A test that was renamed would leave a promise without its proof.

use std::path::Path;
use xtask::workspace;

/// Where tests of a short name live, as SECURITY.md introduces it.
const PLACES: &[(&str, &str)] = &[
    ("calls", "host/tests/hostile/calls.rs"),
    ("bombs", "host/tests/hostile/bombs.rs"),
    ("files", "host/src/sandbox/capabilities/files.rs"),
    ("net", "host/src/sandbox/capabilities/net/tests.rs"),
    ("fuzz", "host/tests/fuzz.rs"),
    ("capabilities", "tests/tests/capabilities.rs"),
    ("engines", "tests/tests/engines.rs"),
    ("oci_trust", "tests/tests/oci_trust.rs"),
];

fn read(path: &str) -> String {
    std::fs::read_to_string(workspace::root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Whether the files of a folder have this name, in which one `*` stands for anything.
fn has_file(folder: &Path, name: &str) -> bool {
    let (start, end) = name.split_once('*').unwrap_or((name, ""));
    let fits = |found: &str| match name.contains('*') {
        true => found.len() >= start.len() + end.len() && found.starts_with(start) && found.ends_with(end),
        false => found == name,
    };
    std::fs::read_dir(folder)
        .is_ok_and(|entries| entries.filter_map(Result::ok).any(|entry| entry.file_name().to_str().is_some_and(fits)))
}

/// Whether what stands between backquotes in the last column is a test, or a file with tests.
fn is_there(shown: &str) -> bool {
    let root = workspace::root();
    if let Some(guest) = shown.strip_prefix("guests/") {
        return has_file(&root.join("tests/guests"), &format!("{guest}.wat"));
    }
    if let Some((module, test)) = shown.split_once("::") {
        let Some((_, place)) = PLACES.iter().find(|(name, _)| *name == module) else { return false };
        let test = test.rsplit("::").next().unwrap_or(test);
        return match root.join(place).is_dir() {
            true => root.join(place).join(test).with_extension("rs").is_file(),
            false => test == "*" || read(place).contains(&format!("fn {test}()")),
        };
    }
    if shown.contains('/') {
        let path = root.join(shown);
        let folder = path.parent().unwrap_or(root);
        return path.exists()
            || path.file_name().and_then(|name| name.to_str()).is_some_and(|name| has_file(folder, name));
    }
    let mut folders = ["host/tests", "host/src", "host/port", "tests/tests"].map(|folder| root.join(folder)).to_vec();
    let function = match shown.strip_suffix('*') {
        Some(start) => format!("fn {start}"),
        None => format!("fn {shown}()"),
    };
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && std::fs::read_to_string(&path).is_ok_and(|text| text.contains(&function))
            {
                return true;
            }
        }
    }
    false
}

#[test]
fn every_threat_names_tests_that_are_there() {
    let text = read("SECURITY.md");
    let mut shown = 0;
    for row in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| threat")) {
        let proof = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
        let names: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test shows this: {row}");
        for name in names {
            assert!(is_there(name), "SECURITY.md names `{name}`, which is not there");
            shown += 1;
        }
    }
    assert!(shown > 50, "the table is not where it was");
}
