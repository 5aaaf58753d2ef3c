//! Code that is run where it was read to and authenticated: no copy of it is made, whose page faults would cost more
//! than a small stream does.
//!
//! The pages of a module belong to it: the engine says when its code is to be made executable, and when nothing can run
//! it any more; then they are given back.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::mm::{MprotectFlags, mprotect};
use wasmtime::{CustomCodeMemory, Engine, Module};

use crate::pages::Pages;

/// Elsewhere the processor has to be told of new code, which the engine does by itself where it copies.
pub(super) const IS_POSSIBLE: bool = cfg!(target_arch = "x86_64");

/// The size of a page, of this processor.
const PAGE: usize = 4096;

/// The pages of all modules that are loaded, each with a number of its own.
static LOADED: Mutex<Vec<(u64, Pages)>> = Mutex::new(Vec::new());

fn loaded() -> MutexGuard<'static, Vec<(u64, Pages)>> {
    // A vector of pages is whole after any panic.
    LOADED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a module of the first `length` bytes of `pages`.
///
/// # Errors
/// They are not code of this engine.
///
/// # Safety
///
/// The bytes must be what this engine's compiler made: they are run.
#[allow(unsafe_code)]
pub(super) unsafe fn load(engine: &Engine, pages: Pages, length: usize) -> wasmtime::Result<Module> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let code = NonNull::from(pages.get(..length).unwrap_or_default());
    // They move into the list, and stay where they are in memory.
    loaded().push((number, pages));
    // SAFETY: the caller vouches for the bytes. Nobody can write to them, and they are unmapped only by `Publisher`,
    // when the engine is done with them, or below, when there is no module.
    let module = unsafe { Module::deserialize_raw(engine, code) };
    if module.is_err() {
        loaded().retain(|(other, _)| *other != number);
    }
    module
}

/// Makes code executable, and gives its pages back when it is done with.
pub(super) struct Publisher;

impl CustomCodeMemory for Publisher {
    fn required_alignment(&self) -> usize {
        PAGE
    }

    fn publish_executable(&self, start: *const u8, length: usize) -> wasmtime::Result<()> {
        // SAFETY: the engine hands over whole pages of a module's code, which nobody has begun to run.
        #[allow(unsafe_code)]
        unsafe {
            mprotect(start.cast_mut().cast(), length, MprotectFlags::READ | MprotectFlags::EXEC)?;
        }
        Ok(())
    }

    fn unpublish_executable(&self, start: *const u8, _length: usize) -> wasmtime::Result<()> {
        // The engine calls this when it drops the code. Where it made a copy, it unmaps that itself.
        loaded().retain(|(_, pages)| !pages.have(start));
        Ok(())
    }
}
