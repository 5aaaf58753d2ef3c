//! What an independent parser (that of Helm and Kubernetes, in Go) sees in a stream.

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use xtask::command::feed;

/// The documents of a stream that are not empty.
///
/// # Panics
/// The parser refuses the stream.
#[must_use]
pub fn documents(oracle: &Path, stream: &[u8]) -> Vec<Value> {
    let finished = feed(&mut Command::new(oracle), stream).expect("the oracle starts");
    assert_eq!(finished.code, Some(0), "the oracle refuses the stream: {}", finished.stderr);
    String::from_utf8(finished.stdout)
        .expect("JSON is UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("one JSON value per line"))
        .collect()
}

/// Calls `visit` with every object of the documents: each document, or the items of one that is a list.
pub fn each_object(documents: &mut [Value], visit: &mut impl FnMut(&mut Value)) {
    for document in documents {
        let is_list = document["kind"].as_str().is_some_and(|kind| kind == "ResourceList" || kind.ends_with("List"));
        match document.get_mut("items").and_then(Value::as_array_mut) {
            Some(items) if is_list => each_object(items, visit),
            _ => visit(document),
        }
    }
}
