//! Windlass runs Helm post-renderers as WebAssembly plugins in a sandbox that grants nothing by default.
//!
//! The way of a stream, in reading order; a stage imports only stages above it, and none imports the command line:
//!
//! 1. [`source`]: what the user named, a [`source::PluginRef`];
//! 2. [`fetch`]: its bytes and their digest, [`fetch::Fetched`];
//! 3. [`verify`]: trusted bytes, [`verify::Verified`];
//! 4. [`compile`]: machine code, [`compile::Compiled`], made in a child process and kept in a private cache ([`store`]);
//! 5. [`grants`] and [`limits`]: what the plugin may reach and use up;
//! 6. `instance`: a [`compile::Compiled`] plugin with its grants and limits, alive, in a store of its own;
//! 7. [`run`]: the instance and a stream to [`run::RawOutput`];
//! 8. [`check`]: output that Helm survives, [`check::Checked`];
//! 9. [`render`]: the whole path for a chain of plugins.
//!
//! [`config`] reads Windlass's own files and merges configuration, [`helm`] knows what Helm defines, [`cli`] is the
//! command line on top of it all.
//!
//! [`cluster`] talks to an API server. [`wait`] is beside that path: it watches a release in a cluster, and asks a plugin, or the rules it is made of, what is
//! ready.
//!
//! `input` is the one door to files, [`limits::table`] names every limit.
//!
//! [`inspect`] looks at a plugin without running it, [`dirs`] says where files are kept, [`error`] what went wrong, what
//! to do, and the exit code. [`text`] makes what a person reads safe to look at.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read what they wrote"))]

pub mod author;
mod capabilities;
pub mod check;
pub mod cli;
pub mod cluster;
pub mod compile;
pub mod config;
pub mod diff;
pub mod dirs;
pub mod error;
pub mod fetch;
pub mod grants;
pub mod helm;
mod input;
pub mod inspect;
pub mod installed;
mod instance;
pub mod limits;
pub mod lock;
pub mod oci;
pub mod render;
pub mod run;
mod secrets;
pub mod source;
pub mod store;
pub mod stream;
pub mod text;
pub mod trust;
pub mod verify;
pub mod wait;
