//! Windlass runs Helm post-renderers as WebAssembly plugins in a sandbox that grants nothing by default.
//!
//! The way of a stream, in reading order; each type is one that only its stage can make:
//!
//! - [`source`]: what the user named, a [`source::PluginRef`];
//! - [`plugin::fetch`]: its bytes and their digest, [`plugin::fetched::Fetched`];
//! - [`plugin::verify`]: trusted bytes, [`plugin::verify::Verified`];
//! - [`sandbox::compile`]: machine code, made in a child process and kept in a private cache;
//! - [`sandbox::grants`] and [`sandbox::limits`]: what the plugin may reach and use up;
//! - `sandbox::instance`: a compiled plugin with its grants and limits, alive, in a store of its own;
//! - [`sandbox::run`]: the instance and a stream to [`sandbox::run::RawOutput`];
//! - [`sandbox::check`]: output that Helm survives, [`sandbox::check::Checked`];
//! - [`render`]: the whole path for a chain of plugins.
//!
//! The wings, from the ground up; `cargo xtask tidy` holds the order in which they may import each other:
//!
//! - the ground floor, which knows no plugin: [`text`] (what a person reads, made safe to look at), [`error`] (what
//!   went wrong, what to do, the exit code), [`digest`], [`limits`] (every limit, in one table), `input` (the one door
//!   to files), `pages` (memory straight from the system), [`dirs`] and [`store`] (where files are kept, and how
//!   private ones), [`mod@env`] (every variable of the environment), [`document`] (YAML that people write, with
//!   places), [`source`], `command` (programs as plugins), `reach` (which addresses may be contacted), [`event`],
//!   [`cluster`] (an API server);
//! - [`helm`] (what Helm defines), [`trust`] (whom to believe), [`oci`] (registries and layouts);
//! - [`plugin`]: from a name to verified bytes;
//! - [`sandbox`]: from verified bytes and a stream to checked output;
//! - [`render`], [`inspect`] (a plugin looked at without running it), [`diff`];
//! - [`config`] (Windlass's own files, and how plugins are configured), [`author`] (make, build, test, package and ship
//!   plugins), [`wait`] (a release in a cluster, until it is ready);
//! - [`port`]: an old post-renderer run and compared with a pipeline, or kept;
//! - [`cli`], the command line on top of it all.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read what they wrote"))]

pub mod author;
pub mod cli;
pub mod cluster;
mod command;
pub mod config;
pub mod diff;
pub mod digest;
pub mod dirs;
pub mod document;
pub mod env;
pub mod error;
pub mod event;
pub mod finding;
pub mod helm;
mod input;
pub mod inspect;
pub mod limits;
pub mod oci;
mod pages;
pub mod plugin;
pub mod port;
pub(crate) mod reach;
pub mod render;
pub mod sandbox;
mod secrets;
pub mod source;
pub mod store;
pub mod text;
pub mod trust;
pub mod wait;
