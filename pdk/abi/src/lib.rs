//! What a Windlass guest and its host must agree on, with no I/O of its own.
//!
//! | module | agrees on |
//! |---|---|
//! | [`message`] | Helm's JSON message, in and out, and every odd form of it |
//! | [`raw`] | the raw entry: names of exports, packing of its result, failure codes |
//! | [`config`] | how a config tree becomes Extism's string map, how layers overlay, unknown keys |
//! | [`set`] | `key=value` overrides: Helm's `--set` syntax on a config tree |
//! | [`capabilities`] | the one table of capabilities: words, flags, value forms, the imports each opens |
//! | [`findings`] | what a plugin found in which object, as a line of its log |
//! | [`challenge`] | how a registry's `WWW-Authenticate` is read |
//! | [`metadata`] | the custom section in which a plugin carries its name, asks and config schema |
//!
//! Both sides link this crate, so a word is spelled once. It must stay small: all of it may end up in a guest.

pub mod capabilities;
pub mod challenge;
pub mod config;
pub mod findings;
pub mod message;
pub mod metadata;
pub mod raw;
pub mod set;
