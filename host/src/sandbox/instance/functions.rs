//! The functions that guests may import, a row each: module, name, signature and what defines it. Linking, `inspect`,
//! the errors that name what is near, and the tests that call every function with forged values all read these rows, so
//! that a function without one of the four cannot be written down.

use wasmtime::Linker;

use super::Host;

/// One function that guests may import.
pub(crate) struct HostFunction {
    /// The module that it is imported from.
    pub(crate) module: &'static str,
    /// Its name there.
    pub(crate) name: &'static str,
    /// Parameters, a colon, results; `i` and `I` are integers of 32 and 64 bits.
    pub(crate) signature: &'static str,
    /// Defines it.
    pub(super) define: fn(&mut Linker<Host>, &HostFunction) -> wasmtime::Result<()>,
}

/// A row: `host_function!(module, name, signature, |mut call: Call<'_>, parameter: u64| ...)`.
macro_rules! host_function {
    ($module:expr, $name:literal, $signature:literal, $function:expr) => {
        HostFunction {
            module: $module,
            name: $name,
            signature: $signature,
            define: |linker, row| linker.func_wrap(row.module, row.name, $function).map(|_| ()),
        }
    };
}
pub(super) use host_function;
