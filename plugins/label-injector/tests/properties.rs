//! What holds for every stream: real charts where the folder is there, the project's own recordings, and every case.

use label_injector::LabelInjector;
use windlass_pdk::Value;
use windlass_pdk::test::{Stream, case_inputs, check_twice_is_once, objects, rendered_charts, run};

const LABELS: &str =
    "labels:\n  zz.example/team: payments\nannotations:\n  zz.example/owner: payments\npodTemplates: true\n";

fn charts() -> impl Iterator<Item = Stream> {
    rendered_charts("shared/corpus").into_iter().chain(rendered_charts("tests/streams"))
}

/// What is added in flow style, inside a line.
const IN_FLOW: [&str; 4] = [
    r#""labels": {"zz.example/team": "payments"}"#,
    r#""annotations": {"zz.example/owner": "payments"}"#,
    r#""zz.example/team": "payments""#,
    r#""zz.example/owner": "payments""#,
];

/// What is added in block style, as lines.
const LINES: [&str; 5] =
    ["zz.example/team: payments", "zz.example/owner: payments", "metadata:", "labels:", "annotations:"];

fn without_added(line: &str) -> String {
    IN_FLOW.iter().fold(line.to_owned(), |line, added| {
        line.replace(&format!("{added}, "), "").replace(&format!("{added},"), "").replace(added, "")
    })
}

#[test]
fn on_charts_nothing_but_the_labels_is_added() {
    let mut streams = 0;
    for Stream { name, text } in charts() {
        let output = run::<LabelInjector>(LABELS, &[], &text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut left = text.lines().peekable();
        for line in output.lines() {
            let rest = without_added(line);
            let is_there = left.next_if(|expected| *expected == line || *expected == rest).is_some();
            let is_explained = is_there || LINES.contains(&line.trim()) || rest.trim().is_empty();
            assert!(is_explained, "{name}: the line {line:?} cannot be explained; expected {:?}", left.peek());
        }
        assert_eq!(left.next(), None, "{name}: lines of the input are missing");
        streams += 1;
    }
    assert!(streams > 0, "the project's own streams are missing");
}

#[test]
fn what_was_added_can_be_taken_out_again() {
    for Stream { name, text } in charts().chain(case_inputs("tests/cases")) {
        let Ok(output) = run::<LabelInjector>(LABELS, &[], &text) else { continue };
        if text.trim().is_empty() {
            continue;
        }
        let before = objects(&text);
        let mut after = objects(&output);
        assert_eq!(before.len(), after.len(), "{name}");
        for (before, after) in before.iter().zip(&mut after) {
            strip(after);
            assert_eq!(after, &stripped(before.clone()), "{name}");
        }
    }
}

#[test]
fn twice_is_once() {
    check_twice_is_once::<LabelInjector>(LABELS, charts().chain(case_inputs("tests/cases")));
}

fn stripped(mut value: Value) -> Value {
    strip(&mut value);
    value
}

/// Takes out the added keys, and maps that are empty or null: an added key may have filled one.
fn strip(value: &mut Value) {
    match value {
        Value::Map(entries) => {
            entries.iter_mut().for_each(|(_, value)| strip(value));
            entries.retain(|(key, value)| {
                let is_metadata = ["metadata", "labels", "annotations"].contains(&key.as_str());
                let is_empty = value.is_null() || value.as_map().is_some_and(<[_]>::is_empty);
                !(key.starts_with("zz.example/") || (is_metadata && is_empty))
            });
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        Value::List(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}
