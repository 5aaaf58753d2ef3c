//! What identifies an object: its apiVersion, kind, name and namespace.

use crate::error::{Error, ErrorKind};
use crate::node::Node;
use crate::path::Segment;

/// How many bytes an apiVersion, a kind, a name or a namespace may have. Kubernetes allows 253 at most; through an
/// alias every item of a list may have the same megabyte.
const MAX_HEADER: usize = 1024;

/// What identifies the current object.
#[derive(Default)]
pub(crate) struct Header {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) has_namespace: bool,
    pub(crate) line: usize,
}

/// Whether a change at a path may change what identifies an object.
pub(super) fn is_of_header(changes: &[Segment]) -> bool {
    let header: [&[&str]; 4] = [&["kind"], &["apiVersion"], &["metadata", "name"], &["metadata", "namespace"]];
    header.iter().any(|keys| {
        changes.iter().zip(*keys).all(|(segment, key)| matches!(segment, Segment::Key(changed) if changed == key))
    })
}

/// Refuses a text that is too long to say what an object is.
pub(super) fn check_header(node: Node<'_>) -> Result<(), Error> {
    if node.written_length() <= MAX_HEADER {
        return Ok(());
    }
    let line = node.line();
    let message = format!("line {line}: an apiVersion, kind, name or namespace of more than {MAX_HEADER} bytes");
    Err(Error::new(ErrorKind::TooLarge, "", line, message))
}
