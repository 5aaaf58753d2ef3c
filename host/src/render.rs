//! The whole path: `PluginRef` → fetch → verify → compile (cached) → instantiate with grants and limits → run → check.
//!
//! Read [`open`] and [`render`] downwards. Each arrow is a type that only its stage can make, so no step can be skipped.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use windlass_abi::capabilities::Grant;

use crate::check::check;
use crate::cluster::Connection;
use crate::compile::child::Compiler;
use crate::compile::{Compiled, compile};
use crate::error::Error;
use crate::fetch::{self, Digest};
use crate::grants::Grants;
use crate::limits::{CompileLimits, Limits};
use crate::oci::pull::Remote;
use crate::run::{RawOutput, run};
use crate::secrets::Secrets;
use crate::source::PluginRef;
use crate::stream::Stream;
use crate::verify::{self, Verified};

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

/// Where ahead-of-time compiled code is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeCache {
    /// Compile each time and keep nothing (`--no-cache`).
    Off,
    /// In a private folder. Where it cannot be used, plugins are compiled anew and [`Event::Uncached`] says why.
    On {
        /// The cache folder; made with mode 0700 when it is missing.
        folder: PathBuf,
        /// The state folder, which holds the key that authenticates the entries.
        state: PathBuf,
    },
    /// There should be one, and there is no place for it: as [`CodeCache::Off`], and [`Event::Uncached`] says why.
    Nowhere {
        /// Why there is none.
        why: String,
    },
}

impl CodeCache {
    /// The cache of the current user, as [`crate::dirs`] finds it.
    pub fn default_place() -> Self {
        match (crate::dirs::cache(), crate::dirs::state()) {
            (Ok(folder), Ok(state)) => Self::On { folder, state },
            (Err(error), _) | (_, Err(error)) => Self::Nowhere { why: error.to_string() },
        }
    }
}

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

/// The checked output of a chain.
#[derive(Debug)]
pub struct Rendered {
    /// The stream that goes to stdout, never half of one. For an empty input it is `# empty\n`: Helm refuses nothing.
    pub stream: Stream,
    /// True if any plugin changed a byte.
    pub changed: bool,
    /// What each plugin did, in order.
    pub steps: Vec<StepReport>,
}

/// What one plugin of a chain did.
#[derive(Debug, Clone)]
pub struct StepReport {
    /// The plugin's name.
    pub plugin: String,
    /// The digest of its wasm.
    pub digest: Digest,
    /// True if it changed a byte.
    pub changed: bool,
    /// Wall-clock time of instantiation and run.
    pub took: Duration,
    /// Peak of the memory that it made the host hold, in bytes.
    pub peak_memory: u64,
}

/// Fetches a plugin and verifies it: what its configuration is merged and checked against. What comes from afar is
/// judged by the user's own policy.
///
/// # Errors
///
/// Those of [`open_with`].
pub fn open(reference: &PluginRef) -> Result<Verified, Error> {
    let remote = match reference {
        PluginRef::Path(_) | PluginRef::Installed(_) => Remote::none(),
        PluginRef::Oci(_) | PluginRef::Attached(_) | PluginRef::Layout { .. } => Remote::of_user()?,
    };
    open_with(reference, &remote)
}

/// [`open`], with a say in how registries are reached, whom to believe and what is locked.
///
/// # Errors
///
/// Those of [`fetch::fetch`] and [`verify::verify`].
pub fn open_with(reference: &PluginRef, remote: &Remote) -> Result<Verified, Error> {
    verify::verify(fetch::fetch(reference, remote)?, remote)
}

/// Compiles a plugin into the cache, so that its first [`render`] finds the code there.
///
/// # Errors
///
/// It cannot be compiled or is not one that can run here, or the cache cannot be used.
pub fn prepare(plugin: &Verified, limits: CompileLimits, options: &RenderOptions<'_>) -> Result<(), Error> {
    compile(plugin, limits, options).map(drop)
}

/// Sends `stream` through the plugins in order. All or nothing: nothing is handed back that Helm would not survive.
///
/// # Errors
///
/// A plugin cannot be compiled or linked (exit 2), lacks a grant (exit 3), hits a limit (exit 4), refuses the stream or
/// breaks a rule (exit 1); the error names the plugin.
pub fn render(steps: &[Step], stream: Vec<u8>, options: &RenderOptions<'_>) -> Result<Rendered, Error> {
    let mut rendered = Rendered { stream: stream.into(), changed: false, steps: Vec::with_capacity(steps.len()) };
    for step in steps {
        let compiled = compile(&step.plugin, step.limits.compile, options)?;
        let started = Instant::now();
        let output = run(&compiled, step, &rendered.stream, options)
            .map_err(|error| error.quoting(&secrets_of(&rendered.stream, &step.grants)))?;
        let mut report = StepReport::new(&compiled, &output);
        let held = rendered.stream.held().saturating_add(output.stream.held());
        let budget = step.limits.budget_to_check(started, rendered.stream.len(), held);
        let checked = check(rendered.stream, output, &budget).map_err(|error| error.in_plugin(compiled.name()))?;
        report.changed = checked.changed;
        rendered.changed |= checked.changed;
        rendered.stream = checked.stream;
        rendered.steps.push(report);
    }
    if rendered.stream.trim_ascii().is_empty() {
        // Helm takes blank output for a failure, and a chart may have nothing to render.
        rendered.stream = b"# empty\n".to_vec().into();
    }
    Ok(rendered)
}

/// What a plugin may have read that no record may keep: the Secrets of its stream, and variables that it was granted, which
/// are where tokens are.
fn secrets_of(stream: &[u8], grants: &Grants) -> Secrets {
    let mut secrets = Secrets::of_stream(stream);
    for grant in grants.iter() {
        if let Grant::Env(name) = grant
            && let Ok(value) = std::env::var(name)
        {
            secrets.add(&value);
        }
    }
    secrets
}

impl StepReport {
    fn new(compiled: &Compiled, output: &RawOutput) -> Self {
        Self {
            plugin: compiled.name().to_owned(),
            digest: compiled.digest(),
            changed: false,
            took: output.took,
            peak_memory: output.peak_memory,
        }
    }
}
