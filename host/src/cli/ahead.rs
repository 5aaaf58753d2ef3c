//! Compiling a plugin before it is first run, where the user has time for it: `install` and `pull`.

use super::printer::Printer;
use crate::render::{self, CodeCache, RenderOptions};
use crate::verify::Verified;

/// Compiles a plugin into the cache, so that its first render is as fast as all others. A plugin that cannot be compiled
/// is there all the same, and its first run says why; so this is told and no failure.
pub(super) fn compile_ahead(plugin: &Verified, printer: &Printer) {
    let compiled =
        CodeCache::default_place().and_then(|cache| render::prepare(plugin, &RenderOptions::new(cache, &|_| {})));
    if let Err(error) = compiled {
        printer.warning(&format!("not compiled ahead, the first run has to: {error}"));
    }
}
