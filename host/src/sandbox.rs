//! The sandbox: trusted bytes and a stream to output that Helm survives. It knows nothing of registries, of Helm's files
//! and of trust; what it is handed has passed them, by type.

pub(crate) mod capabilities;
pub mod check;
pub mod compile;
pub mod graft;
pub mod grants;
pub(crate) mod instance;
pub mod interruption;
pub mod limits;
pub mod options;
pub mod run;
pub mod stream;
