//! OCI registries and layouts: what is in them, and how it is read and written.
//!
//! - [`registry`] speaks a registry's API, over [`http`] (authentication, retries, bounds);
//! - [`credentials`] reads and writes the files that Helm and Docker keep;
//! - [`artifact`] is the form of a plugin in a registry;
//! - [`layout`] is a registry in a folder, [`blobs`] the store of fetched content, `origin` makes both the same to a
//!   reader;
//! - [`progress`] shows transfers.

pub mod artifact;
pub mod blobs;
pub mod credentials;
pub mod http;
pub mod layout;
pub(crate) mod origin;
pub mod progress;
pub mod registry;
