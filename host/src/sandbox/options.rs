//! What a run depends on beside the stream.

use super::compile::cache::CodeCache;
use super::compile::child::Compiler;
use super::grants::Grants;
use super::limits::Limits;
use crate::cluster::Connection;
use crate::event::{Event, LogLevel};
use crate::plugin::verify::Verified;

/// One plugin of a chain, with all that its run depends on.
#[derive(Debug, Clone)]
pub struct Step {
    /// The plugin, from [`open`].
    pub plugin: Verified,
    /// Extism's configuration: one entry per top-level key; a string as it is, anything else as JSON.
    pub config: Vec<(String, String)>,
    /// Extra arguments, as Helm's `--post-renderer-args` hands them over.
    pub extra_args: Vec<String>,
    /// What this plugin may reach.
    pub grants: Grants,
    /// What this plugin may use up.
    pub limits: Limits,
}

/// How a run behaves, apart from the plugins themselves.
#[derive(Clone)]
pub struct RenderOptions<'a> {
    /// Where compiled code is kept: [`CodeCache::default_place`], or none at all.
    pub cache: CodeCache,
    /// The program that compiles.
    pub compiler: Compiler,
    /// The least level of the plugins' log lines that is handed to `on_event`.
    pub log_level: LogLevel,
    /// The cluster for plugins that were granted a look at it. It is not connected to before one looks.
    pub cluster: Connection,
    /// Called as things happen.
    pub on_event: &'a (dyn Fn(Event<'_>) + Sync),
}

impl<'a> RenderOptions<'a> {
    /// Compiles with this very program, keeps code in `cache` and hands over log lines from [`LogLevel::Info`] up.
    pub fn new(cache: CodeCache, on_event: &'a (dyn Fn(Event<'_>) + Sync)) -> Self {
        let (compiler, cluster) = (Compiler::this_program(), Connection::default());
        Self { cache, compiler, log_level: LogLevel::Info, cluster, on_event }
    }
}
