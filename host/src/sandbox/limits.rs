//! What a plugin may use up: memory, time, output. Each limit holds before the guest's first instruction (a start
//! function included) and for each plugin of a chain on its own.

use std::time::{Duration, Instant};

use windlass_manifest::Budget;

use crate::limits::{ByteSize, table};

/// The limits of one plugin's run. [`Limits::default`] suits streams of every size: the memory limit grows with the
/// input unless it is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// All memory that the guest makes the host hold, in bytes: linear memories, tables (16 bytes per element), blocks
    /// of Extism's memory, variables. None: [`Limits::memory_for`] the stream.
    pub memory: Option<ByteSize>,
    /// Wall-clock time of one run of the plugin, instantiation included, compilation excluded.
    pub timeout: Duration,
    /// The most bytes that the plugin may answer.
    pub max_output: ByteSize,
    /// Bytes of a folder in memory, `/tmp` to the guest, beside [`Limits::memory`]. None: there is no such folder.
    pub scratch: Option<ByteSize>,
    /// What compiling it may use up.
    pub compile: CompileLimits,
}

/// The limits of a plugin's compilation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompileLimits {
    /// Address space of the compiler's process, its program and stacks included. None: what a module of that size needs
    /// at most, never more than [`table::MAX_COMPILE_MEMORY`].
    pub memory: Option<ByteSize>,
    /// Processor time of all its threads together, and time on the clock. None: what a module of that size needs at
    /// most, never more than [`table::MAX_COMPILE_TIME`] of the processor and [`table::MAX_COMPILE_CLOCK`].
    pub timeout: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: None,
            timeout: Duration::from_secs(10),
            max_output: ByteSize(256 << 20),
            scratch: None,
            compile: CompileLimits::default(),
        }
    }
}

/// What the program takes itself, with a plugin's code, in bytes.
const PROGRAM: u64 = 64 << 20;
/// What is left for the check in any case, in bytes: more than a large chart needs.
const LEAST_TO_CHECK: u64 = 32 << 20;
/// What a node (20 bytes) and an object that a list has (20) take in their vectors.
const MEMORY_PER_ENTRY: u64 = 40;

impl Limits {
    /// The budget for reading the answer of a run that began at `started`, of `stream_length` bytes: it ends
    /// [`table::TIME_TO_CHECK`] after the run's own time, and makes the host hold no more than
    /// [`table::MEMORY_TO_CHECK`] beside what the guest may hold. `held` is what the stream and the answer hold by now.
    pub(crate) fn budget_to_check(&self, started: Instant, stream_length: usize, held: u64) -> Budget {
        let most = self.memory_for(stream_length, false).saturating_add(table::MEMORY_TO_CHECK.0);
        let memory = most.saturating_sub(held).saturating_sub(PROGRAM).max(LEAST_TO_CHECK);
        let ends = started + self.timeout + table::TIME_TO_CHECK;
        // Half for text, half for what documents are made of.
        Budget::new(memory / 2, memory / 2 / MEMORY_PER_ENTRY).with_clock(move || Instant::now() >= ends)
    }

    /// The memory limit for a stream of `stream_length` bytes: what was set, else 64 MiB + 16 times the stream. The
    /// factor is what a guest without the raw entry needs at worst: the stream escaped as JSON, decoded, parsed,
    /// changed and escaped again, with the copies in between.
    ///
    /// A command, or a plugin that asks for graft, parses and prints by a library that was written for a machine and
    /// not for this: for one it is 256 MiB + 64 times the stream, which is what Go programs need that hold all objects
    /// as a tree (yq and kustomize take some 60 times), collected seldom.
    pub fn memory_for(&self, stream_length: usize, reprints: bool) -> u64 {
        let (least, factor): (u64, u64) = if reprints { (256 << 20, 64) } else { (64 << 20, 16) };
        match self.memory {
            Some(ByteSize(bytes)) => bytes,
            None => least + factor.saturating_mul(stream_length as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unset_memory_grows_with_the_stream_and_set_memory_does_not() {
        let mut limits = Limits::default();
        assert_eq!(limits.memory_for(0, false), 64 << 20);
        assert_eq!(limits.memory_for(100 << 20, false), (64 << 20) + (1600 << 20));
        assert_eq!(limits.memory_for(1 << 20, true), (256 << 20) + (64 << 20));
        limits.memory = Some(ByteSize(1 << 20));
        assert_eq!(limits.memory_for(100 << 20, false), 1 << 20);
        assert_eq!(limits.memory_for(100 << 20, true), 1 << 20);
    }
}
