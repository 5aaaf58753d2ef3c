//! Compiling a plugin before it is first run, where the user has time for it: `build`, `install` and `pull`.

use std::sync::Arc;

use super::plugin_args::CompileArgs;
use super::printer::Printer;
use super::spinner::Spinner;
use crate::event::Event;
use crate::plugin::verify::Verified;
use crate::render;
use crate::sandbox::compile::cache::CodeCache;
use crate::sandbox::limits::CompileLimits;
use crate::sandbox::options::RenderOptions;

/// Compiles a plugin into the cache, so that its first render is as fast as all others. A plugin that cannot be
/// compiled is there all the same, and its first run says why; so this is told and no failure.
pub(super) fn compile_ahead(plugin: &Verified, limits: CompileArgs, printer: &Printer) {
    let spinner = Spinner::new(printer);
    let tell = |event: Event<'_>| {
        spinner.see(&event);
        if let Event::Uncached { why } = event {
            printer.warning(format!("not compiled ahead: {why}"));
        }
    };
    let limits = limits.over(CompileLimits::default());
    let mut options = RenderOptions::new(CodeCache::default_place(), &tell);
    // Nothing is run here: this only says that the code is for `run` and `diff`, which end themselves.
    options.ending = Some(Arc::new(|error| std::process::exit(error.exit_code().code().into())));
    if let Err(error) = render::prepare(plugin, limits, &options) {
        printer.warning(format!("not compiled ahead, the first run has to: {error}"));
    }
}
