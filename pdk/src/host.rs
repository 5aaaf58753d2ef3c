//! What a plugin asks of its host. One set of functions, implemented by the host's imports in a module (`guest`) and by
//! stand-ins everywhere else (`native`), so that the rest of the PDK and every plugin is the same code in both.

#[cfg(target_arch = "wasm32")]
mod guest;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod native;

#[cfg(target_arch = "wasm32")]
pub(crate) use guest::{
    config, environment, find, http, input, is_logged, log, nanoseconds, object, objects, output, random, read_file,
    set_error, set_variable, variable, write_file,
};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{
    config, environment, find, http, input, is_logged, log, nanoseconds, object, objects, output, random, read_file,
    set_error, set_variable, variable, write_file,
};
