//! The engines: those that compile (in the child) and those that only run. Their settings must agree, and every
//! setting that shapes machine code is set for both in [`shared_settings`].

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use wasmtime::{Config, Engine, OptLevel};

use super::in_place::{self, Publisher};
use crate::error::Error;
use crate::limits::table::MAX_WASM_STACK;
use crate::sandbox::interruption::Interruption;

/// What wazero accepts as Helm sets it up (its `CoreFeaturesV2`): WebAssembly 2.0 and nothing newer.
fn shared_settings(interruption: Interruption) -> Config {
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
    config.epoch_interruption(interruption == Interruption::ByEpoch);
    config.max_wasm_stack(MAX_WASM_STACK as usize);
    // One image of the data instead of a function that copies each segment: Go's linker cuts its data into tens of
    // thousands of them, and compiling that function took 15 s and 1 GB. It costs others nothing that can be measured.
    config.memory_init_cow(true);
    // No offsets in backtraces and no tables for foreign unwinders: a third less to authenticate and map.
    config.generate_address_map(false);
    config.native_unwind_info(false);
    config
}

/// The engine that runs code and cannot compile. One of each kind per process: code is tied to its engine.
///
/// # Errors
/// This machine cannot run it (exit 70).
pub(super) fn runtime(interruption: Interruption) -> Result<Engine, Error> {
    static BY_EPOCH: OnceLock<Engine> = OnceLock::new();
    static BY_PROCESS: OnceLock<Engine> = OnceLock::new();
    let place = match interruption {
        Interruption::ByEpoch => &BY_EPOCH,
        Interruption::EndsProcess => &BY_PROCESS,
    };
    if let Some(engine) = place.get() {
        return Ok(engine.clone());
    }
    let mut config = shared_settings(interruption);
    config.enable_compiler(false);
    if in_place::IS_POSSIBLE {
        config.with_custom_code_memory(Some(Arc::new(Publisher)));
    }
    let engine = Engine::new(&config).map_err(|error| Error::bug(format!("the engine does not start: {error:#}")))?;
    Ok(place.get_or_init(|| engine).clone())
}

/// The engine of the compiler's child process.
pub(super) fn compiler(interruption: Interruption) -> wasmtime::Result<Engine> {
    let mut config = shared_settings(interruption);
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
