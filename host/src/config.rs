//! Windlass's own files and the values that plugins are configured with.

pub mod pipeline;
pub mod settings;
