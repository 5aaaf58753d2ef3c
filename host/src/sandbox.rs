//! The sandbox: trusted bytes and a stream to output that Helm survives. It knows nothing of registries, of Helm's
//! files and of trust; what it is handed has passed them, by type.

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

/// Every function that guests may import: its module, its name, and its signature (parameters, a colon, results; `i`
/// and `I` are integers of 32 and 64 bits).
pub fn host_functions() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    instance::host_functions().map(|function| (function.module, function.name, function.signature))
}
