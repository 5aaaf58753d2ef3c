//! What a run depends on beside the stream.

use std::sync::Arc;

use windlass_graft::Dialect;

use super::compile::cache::CodeCache;
use super::compile::child::Compiler;
use super::grants::Grants;
use super::interruption::Ending;
use super::limits::Limits;
use crate::cluster::Connection;
use crate::event::{Event, LogLevel};
use crate::plugin::verify::Verified;

/// Whether a plugin's answer is grafted onto its input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Graft {
    /// A command's is, and that of a plugin whose metadata asks for it, and what their YAML broke stays as it was; that
    /// of others is not, as they edit what they are given.
    #[default]
    WhereAsked,
    /// It is taken as it is.
    Never,
    /// It is, whatever it comes from.
    Always(Dialect),
}

impl Graft {
    /// The words of a pipeline's `graft`, beside `false`.
    pub const WORDS: [&str; 3] = ["keep", "report", "refuse"];

    /// What one of the words means.
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "keep" => Some(Graft::Always(Dialect::Keep)),
            "report" => Some(Graft::Always(Dialect::Report)),
            "refuse" => Some(Graft::Always(Dialect::Refuse)),
            _ => None,
        }
    }

    pub(crate) fn dialect(self, reprints: bool) -> Option<Dialect> {
        match self {
            Graft::WhereAsked => reprints.then_some(Dialect::Keep),
            Graft::Never => None,
            Graft::Always(dialect) => Some(dialect),
        }
    }
}

/// One plugin of a chain, with all that its run depends on.
#[derive(Debug, Clone)]
pub struct Step {
    /// The plugin, from [`crate::render::open`].
    pub plugin: Verified,
    /// Extism's configuration: one entry per top-level key; a string as it is, anything else as JSON.
    pub config: Vec<(String, String)>,
    /// Extra arguments, as Helm's `--post-renderer-args` hands them over.
    pub extra_args: Vec<String>,
    /// What this plugin may reach.
    pub grants: Grants,
    /// What this plugin may use up.
    pub limits: Limits,
    /// Whether what it answers is made in the text that it was given.
    pub graft: Graft,
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
    /// For a process that lives for this one run: called on another thread when a plugin's time is over, instead of
    /// stopping the plugin. A plugin that need not look at the clock runs a fifth faster, and is compiled as much
    /// faster. None: it is stopped. So are commands in any case, whose error says what they looked for in vain.
    pub ending: Option<Arc<Ending>>,
    /// Called as things happen.
    pub on_event: &'a (dyn Fn(Event<'_>) + Sync),
}

impl<'a> RenderOptions<'a> {
    /// Compiles with this very program, keeps code in `cache` and hands over log lines from [`LogLevel::Info`] up.
    pub fn new(cache: CodeCache, on_event: &'a (dyn Fn(Event<'_>) + Sync)) -> Self {
        let (compiler, cluster) = (Compiler::this_program(), Connection::default());
        Self { cache, compiler, log_level: LogLevel::Info, cluster, ending: None, on_event }
    }

    /// What ends the process when the plugin's time is over; none where the plugin is stopped.
    pub(crate) fn ending_of(&self, plugin: &Verified) -> Option<Arc<Ending>> {
        self.ending.clone().filter(|_| !plugin.is_command())
    }
}
