//! What happens while plugins run, as it is told to whoever shows it.

use std::time::Duration;

use windlass_abi::capabilities::Capability;

/// The level of a log line, as Extism numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// For the plugin's author.
    Debug,
    /// For the plugin's user.
    Info,
    /// Something is odd, the run goes on.
    Warn,
    /// Something failed.
    Error,
    /// Nothing is logged.
    Off,
}

/// Something that happens while plugins run.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A plugin logged a line (or wrote it to its standard output or error).
    Log {
        /// The plugin's name.
        plugin: &'a str,
        /// The line's level.
        level: LogLevel,
        /// The text, without its line break, and without control characters.
        message: &'a str,
    },
    /// A plugin looked for a file that no grant covers.
    Sought {
        /// The plugin's name.
        plugin: &'a str,
        /// To read it or to write it.
        capability: Capability,
        /// The path, as the plugin knows it.
        path: &'a str,
    },
    /// A plugin is not in the cache and is being compiled.
    Compiling {
        /// The plugin's name.
        plugin: &'a str,
    },
    /// Compiled code cannot be kept, or what was kept cannot be read: the plugin is compiled for this run alone.
    Uncached {
        /// What stands in the way.
        why: &'a str,
    },
    /// The compilation is over.
    Compiled {
        /// The plugin's name.
        plugin: &'a str,
        /// How long it took.
        took: Duration,
    },
}
