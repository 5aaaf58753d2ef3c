//! What a plugin asks of its host. One set of functions, implemented by Extism's imports in a module (`guest`) and by
//! stand-ins everywhere else (`native`), so that the rest of the PDK and every plugin is the same code in both.

#[cfg(target_arch = "wasm32")]
mod guest;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod native;

#[cfg(target_arch = "wasm32")]
pub(crate) use guest::{config, http, input, is_logged, log, output, set_error, set_variable, variable};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{config, http, input, is_logged, log, output, set_error, set_variable, variable};
