//! Plugins in OCI registries and layouts: fetch, publish, attach to a chart.
//!
//! - [`registry`] speaks a registry's API, over [`http`] (authentication, retries, bounds) and [`reach`] (where it may send us);
//! - [`credentials`] reads and writes the files that Helm and Docker keep;
//! - [`artifact`] is the form of a plugin in a registry;
//! - [`pull`] gets a plugin, out of the store of fetched content ([`blobs`]) or the registry; [`layout`] is a registry in a folder;
//! - [`progress`] shows transfers.

pub mod artifact;
pub mod blobs;
pub mod credentials;
pub mod http;
pub mod layout;
mod origin;
pub mod progress;
pub mod pull;
pub mod push;
pub(crate) mod reach;
pub mod registry;
