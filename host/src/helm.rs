//! What Helm itself defines: its plugin format, its packages, the environment it starts plugins in.

pub mod archive;
