//! For authors of plugins: make one, build it, test it.

pub mod build;
pub mod cases;
pub mod template;
