//! A stream of manifests on its way between plugins, without copies.
//!
//! What a plugin answers lies in its memory. It is checked there, handed to the next plugin from there and written to
//! stdout from there: for a large stream, copying it out first would cost more than checking it.

use std::fmt;
use std::ops::Deref;

use windlass_manifest::{Budget, read_text};

/// A longer stream without objects is nothing that a program which failed leaves behind, and is not read for it.
const LONGEST_EMPTY: usize = 64 << 10;

/// Whether a stream holds no object: nothing but blanks, comments and document markers, empty documents (`null`) and
/// empty lists, as `kubectl get -o yaml` prints them. `# empty`, which Helm takes for "no resources", is such a stream,
/// and so is what a failing program sends into a pipe.
pub fn is_empty(stream: &[u8]) -> bool {
    is_blank(stream) || (stream.len() <= LONGEST_EMPTY && is_without_object(stream))
}

/// What cannot be read is not empty: whoever reads it next says what it is.
fn is_without_object(stream: &[u8]) -> bool {
    struct Other;
    impl From<windlass_manifest::Error> for Other {
        fn from(_: windlass_manifest::Error) -> Self {
            Self
        }
    }
    let Ok(text) = std::str::from_utf8(stream) else { return false };
    // The first object ends it.
    read_text(text, &Budget::for_text(text.len()), |_| Err(Other)).is_ok()
}

fn is_blank(stream: &[u8]) -> bool {
    stream.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).all(|line| {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let behind = line.strip_prefix(b"---").or_else(|| line.strip_prefix(b"...")).unwrap_or(line).trim_ascii();
        behind.is_empty() || behind.starts_with(b"#")
    })
}

/// Bytes that somebody else holds: an answer in the memory of the plugin that gave it.
pub(crate) trait Held: Send {
    /// The bytes.
    fn bytes(&self) -> &[u8];
    /// How much memory is kept for them, in bytes.
    fn memory(&self) -> u64;
}

/// The bytes of a stream.
#[derive(Default)]
pub struct Stream(Place);

enum Place {
    Here(Vec<u8>),
    InPlugin(Box<dyn Held>),
}

impl Default for Place {
    fn default() -> Self {
        Self::Here(Vec::new())
    }
}

impl Stream {
    pub(crate) fn in_plugin(held: impl Held + 'static) -> Self {
        Self(Place::InPlugin(Box::new(held)))
    }

    /// How much memory it holds, in bytes: a plugin's is held with all that the plugin had.
    pub(crate) fn held(&self) -> u64 {
        match &self.0 {
            Place::Here(bytes) => bytes.capacity() as u64,
            Place::InPlugin(held) => held.memory(),
        }
    }

    /// The bytes, copied if they are still a plugin's.
    pub fn into_bytes(self) -> Vec<u8> {
        match self.0 {
            Place::Here(bytes) => bytes,
            Place::InPlugin(held) => held.bytes().to_vec(),
        }
    }
}

impl From<Vec<u8>> for Stream {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Place::Here(bytes))
    }
}

impl Deref for Stream {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Place::Here(bytes) => bytes,
            Place::InPlugin(held) => held.bytes(),
        }
    }
}

impl AsRef<[u8]> for Stream {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::is_empty;

    #[test]
    fn comments_and_markers_are_no_objects() {
        let blank = ["", "\n", "# empty\n", "---\n# Source: a.yaml\n--- # b\n...\n", "\u{feff}", "\r\n---\r\n"];
        let empty_list = "apiVersion: v1\nitems: []\nkind: List\nmetadata: {resourceVersion: ''}\n";
        for stream in blank.into_iter().chain(["null", "---\n~\n---\nnull # a\n", "%YAML 1.1\n---\n", empty_list]) {
            assert!(is_empty(stream.as_bytes()), "{stream:?}");
        }
        for stream in
            ["kind: A", "# a\n---\nkind: A\n", "--- {}\n", "{}", "----\n", "\u{0}", "a: [", "null\n---\nkind: A\n"]
        {
            assert!(!is_empty(stream.as_bytes()), "{stream:?}");
        }
    }
}
