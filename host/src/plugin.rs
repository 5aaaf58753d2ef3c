//! From a name to verified bytes.
//!
//! - [`opening`] says where plugins may come from and whom to believe;
//! - [`fetch`] reads a plugin from the disk, [`pull`] from a registry or a layout: [`fetched::Fetched`];
//! - [`verify`] judges it, by the lock file ([`lock`]) and the trust policy: [`verify::Verified`];
//! - [`identity`] is who it says it is, [`metadata`] the section in which its module says so;
//! - [`installed`] keeps plugins under a name.

pub(crate) mod contents;
pub mod fetch;
pub mod fetched;
pub mod identity;
pub mod installed;
pub mod lock;
pub mod metadata;
pub mod opening;
pub mod pull;
pub mod verify;
