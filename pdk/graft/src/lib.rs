//! Keeps the bytes that a tool lost: what an answer changed *by meaning*, applied to the text it was made from.
//!
//! Tools that parse YAML and print it change every line: comments go, keys are sorted, `0755` becomes 493, `on` becomes
//! `"on"`. [`graft()`] takes the stream that such a tool was given and its answer, pairs their objects, compares each
//! pair in the types that Helm sees, and makes the differences as lossless edits of the first stream. What comes out
//! means what the answer means, and has the bytes of the original wherever the two mean the same.
//!
//! ```
//! use windlass_graft::{Options, graft};
//!
//! let original = "kind: ConfigMap\nmetadata:\n  name: web # the shop\ndata: {mode: \"0755\"}\n";
//! let answer = "data:\n  mode: '0755'\n  owner: payments\nkind: ConfigMap\nmetadata:\n  name: web\n";
//! let grafted = graft(original, answer, &Options::default())?;
//! assert_eq!(
//!     grafted.text,
//!     "kind: ConfigMap\nmetadata:\n  name: web # the shop\ndata: {\"owner\": \"payments\", mode: \"0755\"}\n",
//! );
//! # Ok::<(), windlass_graft::Error>(())
//! ```
//!
//! What a tool's own YAML dialect broke (the new value is what the original text means in another YAML, or that text as
//! a string) is told apart from what was meant, and by default stays as it was: [`Dialect`].
//!
//! [`apply()`] does the same to one object for who holds a value instead of an answer's text.
//!
//! [`compare()`] tells the differences by object and path, with both values, without editing anything.
//!
//! Module by module: `stream` finds the objects of both streams and pairs them, `item` is what an object means,
//! `reading` what other YAML readers make of a scalar, `align` matches the items of lists, `differ` finds the
//! differences of two objects, `edits` makes edits of them, and `graft`, `object` and `compare` put it together. All of
//! it is bounded by a [`Budget`]; what is not linear by nature (the longest common subsequence) has bounds of its own
//! and less exact fallbacks behind them.

mod align;
mod compare;
mod differ;
mod edits;
mod graft;
mod item;
mod note;
mod object;
mod reading;
mod stream;

pub use compare::{Change, Comparison, Difference, ObjectDifference, compare, compare_within};
pub use graft::{Dialect, Grafted, Options, graft, graft_within};
pub use note::{Cause, Error, Note, NoteKind};
pub use object::{Applied, apply};
pub use windlass_manifest::{Budget, Path, Value};

/// Keeps the README's example compiling.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
