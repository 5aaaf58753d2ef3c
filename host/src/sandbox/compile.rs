//! Trusted bytes to machine code.
//!
//! Compiling is where a small module can cost gigabytes and minutes, so it never happens in this process: a child with
//! limits on memory and time validates and compiles ([`child`]), and the result is kept in a private, authenticated
//! [`cache`]. A run with a warm cache only reads, authenticates and maps.

pub mod cache;
pub mod child;
mod engine;
pub(crate) mod rules;
pub(crate) mod validate;

use std::time::Instant;

use wasmtime::Module;

use crate::command;
use crate::digest::Digest;
use crate::error::Error;
use crate::event::Event;
use crate::plugin::verify::Verified;
use crate::sandbox::compile::cache::CodeCache;
use crate::sandbox::limits::CompileLimits;
use crate::sandbox::options::RenderOptions;

pub(crate) use validate::{HELM_FEATURES, shape, validate};

/// Machine code of a verified plugin, loaded into this process.
#[derive(Clone)]
pub struct Compiled {
    name: String,
    digest: Digest,
    metadata_json: Option<String>,
    module: Module,
}

impl Compiled {
    /// The plugin's short name, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The digest of the wasm.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The plugin's own account of itself, see [`Verified::metadata_json`].
    pub fn metadata_json(&self) -> Option<&str> {
        self.metadata_json.as_deref()
    }

    /// Whether it is a program that turns its standard input into its standard output, and no plugin by its own means.
    pub fn is_command(&self) -> bool {
        command::has_only_start(|name| self.exports(name))
    }

    /// Whether the plugin has an export of that name.
    pub fn exports(&self, name: &str) -> bool {
        self.module.get_export(name).is_some()
    }

    pub(crate) fn module(&self) -> &Module {
        &self.module
    }
}

/// Loads the plugin's code from the cache, or compiles it and keeps it there.
///
/// # Errors
///
/// Not a plugin that can run here (exit 2), or the compiler hit a limit (exit 4).
pub fn compile(plugin: &Verified, limits: CompileLimits, options: &RenderOptions<'_>) -> Result<Compiled, Error> {
    let name = plugin.name();
    let module = load_or_build(plugin, &name, limits, options).map_err(|error| error.in_plugin(&name))?;
    let metadata_json = plugin.metadata_json().map(str::to_owned);
    Ok(Compiled { digest: plugin.digest(), metadata_json, module, name })
}

fn load_or_build(
    plugin: &Verified,
    name: &str,
    limits: CompileLimits,
    options: &RenderOptions<'_>,
) -> Result<Module, Error> {
    let engine = engine::runtime()?;
    // A run needs no cache, only the next run is slower without it.
    let uncached = |why: &str| (options.on_event)(Event::Uncached { why });
    let usable = |result: Result<_, Error>| result.inspect_err(|error| uncached(error.message())).ok();
    let cache = match &options.cache {
        CodeCache::Off => None,
        CodeCache::On { folder, state } => usable(cache::Cache::open(folder, state, &engine)),
        CodeCache::Nowhere { why } => {
            uncached(why);
            None
        }
    };
    let entry = cache.as_ref().map(|cache| cache.load(plugin.digest()));
    // One complaint about one folder is enough.
    let is_readable = !matches!(entry, Some(Err(_)));
    if let Some(Err(error)) = &entry {
        uncached(error.message());
    }
    if let Some(Ok(Some(entry))) = entry {
        // An entry of another processor or build that slipped past the key is made anew, like a corrupt one.
        if let Ok(module) = load(&engine, &entry) {
            return Ok(module);
        }
    }
    (options.on_event)(Event::Compiling { plugin: name });
    let started = Instant::now();
    let code = child::compile(plugin.wasm(), limits, &options.compiler)?;
    (options.on_event)(Event::Compiled { plugin: name, took: started.elapsed() });
    if let Some(cache) = cache.filter(|_| is_readable)
        && let Err(error) = cache.store(plugin.digest(), code.bytes())
    {
        uncached(error.message());
    }
    load(&engine, &code).map_err(|error| Error::bug(format!("the compiled code cannot be loaded: {error:#}")))
}

/// Machine code that is safe to run: only [`child`] and [`cache`] make it, one as it came from the compiler, the other
/// after it was authenticated. The bytes are owned, so nothing can change them between the check and the loading.
pub(crate) struct TrustedCode(Vec<u8>);

impl TrustedCode {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

fn load(engine: &wasmtime::Engine, code: &TrustedCode) -> wasmtime::Result<Module> {
    // SAFETY: `deserialize` runs whatever machine code it is given. `TrustedCode` is only made of what our own compiler
    // child wrote to our pipe, or of a cache entry whose MAC under this user's key is right, and it is owned memory.
    #[allow(unsafe_code)]
    unsafe {
        Module::deserialize(engine, code.bytes())
    }
}
