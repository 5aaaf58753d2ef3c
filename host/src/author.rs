//! For authors of plugins: make one, build it, test it, package it, ship it.

mod adapter;
pub mod build;
pub mod cases;
pub mod defaults;
pub mod observe;
pub mod package;
pub mod push;
pub mod template;
pub mod watch;
