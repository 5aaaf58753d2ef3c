//! One count of all memory that a guest makes the host hold.

use wasmtime::ResourceLimiter;

use crate::error::Error;
use crate::limits::ByteSize;

/// What an element of a table costs: wasmtime needs a pointer, and growing copies.
const BYTES_PER_TABLE_ELEMENT: u64 = 16;
/// The most tables of a module. Toolchains make one or two.
const MAX_TABLES: usize = 16;

/// Linear memory, tables, blocks of Extism's memory and variables, against one limit.
///
/// Growing beyond it ends the run instead of answering -1 to the guest: a plugin that wants more memory than it may
/// have cannot succeed, and this way the message says so instead of showing some allocator's panic.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u64,
    used: u64,
    peak: u64,
}

impl Budget {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, used: 0, peak: 0 }
    }

    /// Counts `bytes` more.
    ///
    /// # Errors
    /// The limit is reached (exit 4).
    pub(crate) fn charge(&mut self, bytes: u64) -> Result<(), Error> {
        match self.used.checked_add(bytes) {
            Some(used) if used <= self.limit => {
                self.used = used;
                self.peak = self.peak.max(used);
                Ok(())
            }
            _ => Err(self.exceeded()),
        }
    }

    /// Counts `bytes` less.
    pub(crate) fn release(&mut self, bytes: u64) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// The most that was ever counted.
    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    pub(crate) fn exceeded(&self) -> Error {
        // Rounded up to whole MiB: the default limit grows with the stream and is an odd number.
        let shown = if self.limit < 1 << 20 { self.limit } else { self.limit.div_ceil(1 << 20) << 20 };
        Error::limit(format!("it needs more than {} of memory", ByteSize(shown)))
            .hint("if you trust it with more, raise the limit with `--memory`")
    }

    fn grow(&mut self, current: usize, desired: usize, maximum: Option<usize>, unit: u64) -> wasmtime::Result<bool> {
        // Beyond what the module itself declared as its maximum, growth answers -1, as the specification says.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let more = (desired.saturating_sub(current) as u64).saturating_mul(unit);
        self.charge(more).map_err(wasmtime::Error::new)?;
        Ok(true)
    }
}

impl ResourceLimiter for Budget {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(current, desired, maximum, 1)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        // Only the operating system is left as the cause: `grow` saw to the rest.
        Err(wasmtime::Error::new(self.exceeded()))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(current, desired, maximum, BYTES_PER_TABLE_ELEMENT)
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        1
    }
}
