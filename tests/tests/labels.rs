//! label-injector on every recorded stream, and on those of public charts where they are at hand: it adds its label to
//! each object and changes nothing else.

use serde_json::{Value, json};
use windlass_tests::input::streams;
use windlass_tests::sandbox::Sandbox;
use windlass_tests::{needs, oracle};
use xtask::lines::{Edit, edits};
use xtask::peers;

/// The lines that a label may add: itself, the map it needs, and both in JSON.
const EXPLAINED: &[&str] =
    &["team: payments", "labels:", "\"team\": \"payments\"", "\"labels\": {\"team\": \"payments\"}"];

/// Runs `label-injector` with one label.
fn labelled(sandbox: &Sandbox, stream: &[u8]) -> Vec<u8> {
    let plugin = needs::plugin("label-injector");
    sandbox.succeed(["run", &plugin.display().to_string(), "--set", "labels.team=payments"], stream)
}

#[test]
fn every_line_stays_and_every_new_line_is_the_label() {
    let sandbox = Sandbox::new();
    for stream in streams() {
        let output = String::from_utf8(labelled(&sandbox, &stream.bytes)).expect("UTF-8");
        let input = String::from_utf8(stream.bytes).expect("UTF-8");
        let edits = edits(&input, &output).unwrap_or_else(|problem| panic!("{}: {problem}", stream.name));
        assert!(!edits.is_empty(), "{}: nothing was labelled", stream.name);
        for (line, edit) in edits {
            let explained = match edit {
                Edit::Added(text) => EXPLAINED.contains(&text.trim().trim_end_matches(',')),
                Edit::Extended(text) => text.contains("payments"),
            };
            assert!(explained, "{}: line {line} is not explained: {edit:?}", stream.name);
        }
    }
}

#[test]
fn an_independent_parser_sees_the_label_and_nothing_else() {
    let Some(program) = needs::peer(peers::YAML_ORACLE) else { return };
    let sandbox = Sandbox::new();
    for stream in streams() {
        let mut expected = oracle::documents(&program, &stream.bytes);
        oracle::each_object(&mut expected, &mut |object| {
            let metadata = &mut object["metadata"];
            if metadata["labels"].is_null() {
                metadata["labels"] = json!({});
            }
            metadata["labels"]["team"] = Value::from("payments");
        });
        let found = oracle::documents(&program, &labelled(&sandbox, &stream.bytes));
        assert_eq!(found.len(), expected.len(), "{}: documents", stream.name);
        for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found, expected, "{}: document {}", stream.name, number + 1);
        }
    }
}

#[test]
fn running_it_twice_is_running_it_once() {
    let sandbox = Sandbox::new();
    for stream in streams() {
        let once = labelled(&sandbox, &stream.bytes);
        assert!(labelled(&sandbox, &once) == once, "{}: the second run changed something", stream.name);
    }
}
