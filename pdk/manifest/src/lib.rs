//! Lossless editing of Kubernetes manifest streams: a byte that no edit touched leaves exactly as it came in.
//!
//! A [`Manifests`] is one stream. [`Manifests::visit`] hands out each [`Object`] in order, also the items of lists. An
//! object is read through [`Node`] views and edited by [`Path`]; what an edit writes is a [`Value`]. Comments, quotes,
//! `on`, `0755`, anchors, duplicate keys and block scalars that are not edited stay as they are, because nothing is
//! ever parsed and written again: an edit is a handful of splices of the original text.
//!
//! A place that the chart shares by anchor and alias or by a merge key (`<<`) is written out where it is edited, and
//! what else reads the anchor keeps its meaning. What cannot be edited without touching more than was asked for (a key
//! that is there twice, an anchored node whose alias is a key) is refused with an [`Error`] that names the object and
//! the line. Nothing is skipped silently, and nothing panics. Every reading has a [`Budget`]: of time, of text that is
//! made, of entries.
//!
//! What a document means is what Helm and Kubernetes read in it, by go-yaml: the types of scalars, keys such as `on`,
//! merge keys, and every odd text that parsers disagree on. What they drop without a word (text behind the document),
//! what their buffers decide (a byte order mark inside) and what other readers see as other lines (U+0085, U+2028,
//! U+2029, a line such as `---x`) is refused.
//!
//! ```
//! use windlass_manifest::{Error, Manifests, Path, Value};
//!
//! let mut manifests = Manifests::from_bytes(b"kind: Pod\nmetadata: {name: web}  # the shop\nspec: {}\n".to_vec())?;
//! manifests.visit(|object| object.remove(&Path::new(["spec"])).map(|_| ()))?;
//! assert_eq!(manifests.as_str(), "kind: Pod\nmetadata: {name: web}  # the shop\n");
//!
//! // What cannot be edited safely is an error with the object and the line.
//! let mut twice = Manifests::from_bytes(b"kind: Pod\nkind: Job\n".to_vec())?;
//! let refused = twice.visit(|object| object.set(&Path::new(["kind"]), Value::from("Pod")).map(|_| ()));
//! assert_eq!(refused.map_err(|error| error.line()), Err(2));
//! # Ok::<(), Error>(())
//! ```
//!
//! # From the stream to the edit
//!
//! `split` finds where documents begin and end. `read` fills the arena of one document (`tree`): `read/plain` in one
//! pass where it is written plainly, else `read/parser` by way of `windlass-manifest-events`. `node` is the view of a
//! node, `typing` has the types that Helm sees. `edit` plans an edit as splices (`edit/splice`): it finds the place and
//! sees whether that may be edited, `edit/{add,replace,remove,lines}` say what to write, `edit/style` in which style,
//! and `edit/unshare` makes a shared place stand for itself first, by copies (`edit/copy`). `emit` writes values.
//! `document` is the session on one document, which keeps its edits in order; `object` is what a visitor sees of it;
//! `stream` goes from document to document and puts the output together. `budget` bounds all of it, `de` and `ser` are
//! serde's side, `shape` knows Kubernetes' merge keys.

mod batch;
mod budget;
mod compare;
mod de;
mod document;
mod edit;
mod emit;
mod error;
mod node;
mod object;
mod path;
mod read;
mod ser;
pub mod shape;
mod split;
mod stream;
mod tree;
mod typing;
mod value;

pub use batch::Edit;
pub use budget::{Budget, Exhausted};
#[doc(hidden)]
pub use compare::{compare_readers, nodes_as_json};
pub use de::from_yaml_str;
pub use document::Place;
pub use error::{Error, ErrorKind};
pub use node::{Kind, Node};
pub use object::Object;
pub use path::{Path, PathError, Segment};
pub use split::is_marker;
pub use stream::{Manifests, read_text, visit_document};
pub use value::Value;

/// Keeps the README's examples true.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
