//! Windlass's own files and the values that plugins are configured with.

pub mod pipeline;
pub mod readiness;
pub mod reference;
pub mod schema;
pub mod settings;
