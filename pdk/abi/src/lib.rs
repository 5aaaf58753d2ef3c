//! What a Windlass guest and its host must agree on, with no I/O of its own.
//!
//! | module | agrees on |
//! |---|---|
//! | [`message`] | Helm's JSON message, in and out, and every odd form of it |
//! | [`raw`] | the raw entry: names of exports, packing of its result, failure codes |
//! | [`capabilities`] | the one table of capabilities: words, flags, value forms, the imports each opens |
//!
//! Both sides link this crate, so a word is spelled once. It must stay small: all of it may end up in a guest.

pub mod capabilities;
pub mod message;
pub mod raw;
