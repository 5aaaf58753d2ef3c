//! Kubernetes' OpenAPI document, from which tables of the product are made.

use crate::command::{self, During, Failure, Result};
use crate::workspace;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// Where the version of Kubernetes is written down: the table is of the same one as the control plane of the tests.
const VERSION_FILE: &str = "tests/peers/control-plane/go.mod";

/// Kubernetes' OpenAPI document.
///
/// # Errors
/// Kubernetes' sources cannot be had, or do not look as expected.
pub fn document() -> Result<Value> {
    let document = std::fs::read(sources(&version()?)?.join("api/openapi-spec/swagger.json"))
        .during("cannot read Kubernetes' OpenAPI document")?;
    serde_json::from_slice(&document).during("cannot read Kubernetes' OpenAPI document")
}

/// The version of `k8s.io/kubernetes` that the control plane is made of.
pub(crate) fn version() -> Result<String> {
    let text = std::fs::read_to_string(workspace::root().join(VERSION_FILE)).during("cannot read go.mod")?;
    let mut words = text.split_whitespace().skip_while(|word| *word != "k8s.io/kubernetes");
    let version = words.nth(1).filter(|word| word.starts_with('v'));
    version.map(str::to_owned).ok_or_else(|| Failure::new(format!("{VERSION_FILE} names no k8s.io/kubernetes")))
}

/// The folder of Kubernetes' sources; fetches them (30 MB) where they are not in Go's cache.
fn sources(version: &str) -> Result<PathBuf> {
    let mut go = Command::new("go");
    go.args(["mod", "download", "-json", &format!("k8s.io/kubernetes@{version}")]);
    go.current_dir(std::env::temp_dir()).env("GOWORK", "off").env_remove("GOFLAGS");
    if workspace::offline() {
        go.env("GOPROXY", "off");
    }
    let answer = command::output(&mut go).map_err(|failure| {
        Failure::new(failure.message()).hint("is Go installed, and is the Go module proxy reachable?")
    })?;
    let answer: Value = serde_json::from_slice(&answer).during("cannot read the answer of `go mod download`")?;
    answer["Dir"].as_str().map(PathBuf::from).ok_or_else(|| Failure::new("`go mod download` names no folder"))
}

/// The words with a space in between, broken where the line gets long.
pub(crate) fn wrap(text: &mut String, words: &[String], start: usize) {
    let mut column = start;
    for (position, word) in words.iter().enumerate() {
        if position > 0 {
            text.push(' ');
        }
        if column + word.len() > 108 {
            text.push_str("\\\n     ");
            column = 5;
        }
        text.push_str(word);
        column += word.len() + 1;
    }
}
