//! The two engines: one that compiles (in the child) and one that only runs. Their settings must agree, and every
//! setting that shapes machine code is set for both in [`shared_settings`].

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

use wasmtime::{Config, Engine, OptLevel};

use crate::error::Error;
use crate::limits::table::MAX_WASM_STACK;

/// What wazero accepts as Helm sets it up (its `CoreFeaturesV2`): WebAssembly 2.0 and nothing newer.
fn shared_settings() -> Config {
    let mut config = Config::new();
    config.wasm_tail_call(false);
    config.wasm_relaxed_simd(false);
    config.wasm_multi_memory(false);
    config.wasm_memory64(false);
    config.wasm_extended_const(false);
    config.wasm_wide_arithmetic(false);
    config.wasm_custom_page_sizes(false);
    config.wasm_bulk_memory(true);
    config.wasm_multi_value(true);
    config.wasm_simd(true);
    config.epoch_interruption(true);
    config.max_wasm_stack(MAX_WASM_STACK as usize);
    // One image of the data instead of a function that copies each segment: Go's linker cuts its data into tens of
    // thousands of them, and compiling that function took 15 s and 1 GB. It costs others nothing that can be measured.
    config.memory_init_cow(true);
    // No offsets in backtraces and no tables for foreign unwinders: a third less to authenticate and map.
    config.generate_address_map(false);
    config.native_unwind_info(false);
    config
}

/// The engine that runs code and cannot compile. One per process: code is tied to its engine.
///
/// # Errors
///
/// This machine cannot run it (exit 70).
pub(super) fn runtime() -> Result<Engine, Error> {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    if let Some(engine) = ENGINE.get() {
        return Ok(engine.clone());
    }
    let mut config = shared_settings();
    config.enable_compiler(false);
    let engine = Engine::new(&config).map_err(|error| Error::bug(format!("the engine does not start: {error:#}")))?;
    Ok(ENGINE.get_or_init(|| engine).clone())
}

/// The engine of the compiler's child process.
pub(super) fn compiler() -> wasmtime::Result<Engine> {
    let mut config = shared_settings();
    config.cranelift_opt_level(OptLevel::Speed);
    config.parallel_compilation(true);
    Engine::new(&config)
}

/// A number that differs whenever code made by one build of Windlass cannot run in another.
pub(super) fn fingerprint(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}
