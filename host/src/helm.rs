//! What Helm itself defines: its plugin format, its packages, the environment it starts plugins in, the folders it
//! looks in.

pub mod archive;
pub mod enable;
pub mod plugin_yaml;
