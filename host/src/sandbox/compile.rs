//! Trusted bytes to machine code.
//!
//! Compiling is where a small module can cost gigabytes and minutes, so it never happens in this process: a child with
//! limits on memory and time validates and compiles ([`child`]), and the result is kept in a private, authenticated
//! [`cache`]. A run with a warm cache only reads, authenticates and maps.

pub mod cache;
pub mod child;
mod engine;
mod in_place;
pub(crate) mod rules;
pub(crate) mod validate;

use std::sync::Arc;
use std::time::Instant;

use wasmtime::Module;
use windlass_abi::metadata::Asked;

use crate::command;
use crate::error::Error;
use crate::event::Event;
use crate::pages::Pages;
use crate::plugin::metadata::Described;
use crate::plugin::verify::Verified;
use crate::sandbox::compile::cache::{CodeCache, ModuleId};
use crate::sandbox::interruption::{Ending, Interruption};
use crate::sandbox::limits::CompileLimits;
use crate::sandbox::options::RenderOptions;

pub(crate) use validate::{HELM_FEATURES, shape, validate};

/// Machine code of a verified plugin, loaded into this process.
#[derive(Clone)]
pub struct Compiled {
    name: String,
    described: Described,
    ending: Option<Arc<Ending>>,
    module: Module,
}

impl Compiled {
    /// The plugin's short name, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its metadata asks for; none where it has no metadata.
    ///
    /// # Errors
    /// The metadata is not what the PDK writes, or is for a newer Windlass (exit 2).
    pub(crate) fn asks(&self) -> Result<Option<&[Asked]>, Error> {
        match &self.described {
            None => Ok(None),
            Some(Ok(metadata)) => Ok(Some(&metadata.asks)),
            Some(Err(error)) => Err(Error::usage(error.to_string()).hint("build it with the PDK of this Windlass")),
        }
    }

    /// What ends the process when its time is over: then its code does not look at the clock. None: it does.
    pub(crate) fn ending(&self) -> Option<&Arc<Ending>> {
        self.ending.as_ref()
    }

    /// Whether it is a program that turns its standard input into its standard output, and no plugin by its own means.
    pub fn is_command(&self) -> bool {
        command::has_only_start(|name| self.exports(name))
    }

    /// Whether what it answers was parsed and printed: a command's, and that of a plugin that says so.
    pub(crate) fn prints_anew(&self) -> bool {
        self.is_command() || matches!(&self.described, Some(Ok(metadata)) if metadata.graft)
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
/// Not a plugin that can run here (exit 2), or the compiler hit a limit (exit 4).
pub fn compile(plugin: &Verified, limits: CompileLimits, options: &RenderOptions<'_>) -> Result<Compiled, Error> {
    let name = plugin.name();
    let ending = options.ending_of(plugin);
    let interruption = Interruption::of(ending.as_ref());
    let module = load_or_build(plugin, &name, limits, interruption, options).map_err(|error| error.in_plugin(&name))?;
    Ok(Compiled { described: plugin.described().clone(), ending, module, name })
}

/// Loads the plugin's code where it is kept, without a word where it is not or cannot be used: [`compile`] says that
/// when the code is needed.
pub(crate) fn load_kept(plugin: &Verified, options: &RenderOptions<'_>) -> Option<Compiled> {
    let CodeCache::On { folder, state } = &options.cache else { return None };
    let ending = options.ending_of(plugin);
    let engine = engine::runtime(Interruption::of(ending.as_ref())).ok()?;
    let kept = cache::Cache::open(folder, state, &engine).ok()?.load(ModuleId::of(plugin.wasm())).ok()??;
    let module = load(&engine, kept).ok()?;
    Some(Compiled { described: plugin.described().clone(), ending, module, name: plugin.name() })
}

fn load_or_build(
    plugin: &Verified,
    name: &str,
    limits: CompileLimits,
    interruption: Interruption,
    options: &RenderOptions<'_>,
) -> Result<Module, Error> {
    let engine = engine::runtime(interruption)?;
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
    let id = ModuleId::of(plugin.wasm());
    let entry = cache.as_ref().map(|cache| cache.load(id));
    // One complaint about one folder is enough.
    let is_readable = !matches!(entry, Some(Err(_)));
    if let Some(Err(error)) = &entry {
        uncached(error.message());
    }
    if let Some(Ok(Some(entry))) = entry {
        // An entry of another processor or build that slipped past the key is made anew, like a corrupt one.
        if let Ok(module) = load(&engine, entry) {
            return Ok(module);
        }
    }
    (options.on_event)(Event::Compiling { plugin: name });
    let started = Instant::now();
    let code = child::compile(plugin.wasm(), limits, interruption, &options.compiler)?;
    (options.on_event)(Event::Compiled { plugin: name, took: started.elapsed() });
    if let Some(cache) = cache.filter(|_| is_readable)
        && let Err(error) = cache.store(id, code.bytes())
    {
        uncached(error.message());
    }
    load(&engine, code).map_err(|error| Error::bug(format!("the compiled code cannot be loaded: {error:#}")))
}

/// Machine code that is safe to run: only [`child`] and [`cache`] make it, one as it came from the compiler, the other
/// after it was authenticated. Nobody else can write to the bytes, so nothing can change them between the check and the
/// loading.
pub(crate) struct TrustedCode(Place);

enum Place {
    Here(Vec<u8>),
    /// The first bytes of pages.
    InPages(Pages, usize),
}

impl TrustedCode {
    fn of_compiler(code: Vec<u8>) -> Self {
        Self(Place::Here(code))
    }

    fn in_pages(pages: Pages, length: usize) -> Self {
        Self(Place::InPages(pages, length))
    }

    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Place::Here(bytes) => bytes,
            Place::InPages(pages, length) => pages.get(..*length).unwrap_or_default(),
        }
    }
}

fn load(engine: &wasmtime::Engine, code: TrustedCode) -> wasmtime::Result<Module> {
    // SAFETY: `deserialize` runs whatever machine code it is given. `TrustedCode` is only made of what our own compiler
    // child wrote to our pipe, or of a cache entry whose MAC under this user's key is right, and it is memory of our
    // own.
    #[allow(unsafe_code)]
    unsafe {
        match code {
            TrustedCode(Place::InPages(pages, length)) if in_place::IS_POSSIBLE => {
                in_place::load(engine, pages, length)
            }
            code => Module::deserialize(engine, code.bytes()),
        }
    }
}
