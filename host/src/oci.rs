//! Plugins in OCI registries and layouts: fetch, publish, attach to a chart.
//!
//! - [`registry`] speaks a registry's API, over [`http`] (authentication, retries, bounds) and [`reach`] (where it may send us);
//! - [`credentials`] reads and writes the files that Helm and Docker keep;
//! - [`artifact`] is the form of a plugin in a registry;
//! - [`progress`] shows transfers.

pub mod artifact;
pub mod credentials;
pub mod http;
pub mod progress;
pub(crate) mod reach;
pub mod registry;
