//! Lossless editing of Kubernetes manifest streams: a byte that no edit touched leaves exactly as it came in.
//!
//! A [`Manifests`] is one stream. [`Manifests::visit`] hands out each [`Object`] in order, also the items of lists. An
//! object is read through [`Node`] views and edited by [`Path`]; what an edit writes is a [`Value`]. Comments, quotes,
//! `on`, `0755`, anchors, duplicate keys and block scalars that are not edited stay as they are, because nothing is ever
//! parsed and written again: an edit is a handful of splices of the original text.
//!
//! A place that the chart shares by anchor and alias or by a merge key (`<<`) is written out where it is edited, and what
//! else reads the anchor keeps its meaning. What cannot be edited without touching more than was asked for (a key that is
//! there twice, an anchored node whose alias is a key) is refused with an [`Error`] that names the object and the line. Nothing is skipped silently, and nothing panics.
//! Every reading has a [`Budget`]: of time, of text that is made, of entries.
//!
//! What a document means is what Helm and Kubernetes read in it, by go-yaml: the types of scalars, keys such as `on`, merge
//! keys, and every odd text that parsers disagree on. What they drop without a word (text behind the document), what their
//! buffers decide (a byte order mark inside) and what other readers see as other lines (U+0085, U+2028, U+2029, a line such
//! as `---x`) is refused.
//!
//! From the stream to the edit, module by module: `split` finds documents, `tree` reads one into an arena of spans by
//! way of `windlass-manifest-events`, `plain` does the same faster for what is written plainly, `node` is the view, `typing` the types Helm sees, `edit` turns an edit into splices, `unshare` makes a shared place stand for itself first, `emit`
//! writes values, `budget` bounds all of it, `de` and `ser` are serde's side, `object` keeps the edits of a document in order, `shape` knows Kubernetes' merge keys, `stream` puts the output together.

mod batch;
mod budget;
mod de;
mod edit;
mod emit;
mod error;
mod node;
mod object;
mod path;
mod plain;
mod position;
mod ser;
pub mod shape;
mod split;
mod stream;
mod tree;
mod typing;
mod unshare;
mod value;

pub use batch::Edit;
pub use budget::{Budget, Exhausted};
pub use de::from_yaml_str;
pub use error::{Error, ErrorKind};
pub use node::{Kind, Node};
pub use object::{Object, Place};
pub use path::{Path, PathError, Segment};
#[doc(hidden)]
pub use plain::{compare_readers, nodes_as_json};
pub use stream::{Manifests, read_text, visit_document};
pub use value::Value;
