//! `windlass run`: a stream in, a stream out.

use std::sync::Arc;

use clap::Args;

use super::plugin_args::PluginArgs;
use super::printer::{Outcome, Printer};
use crate::error::Error;
use crate::sandbox::interruption::Ending;

/// Run plugins on a stream of manifests: stdin (or --file) to stdout, all or nothing.
///
/// As Helm's post-renderer: `helm template CHART --post-renderer windlass --post-renderer-args run
/// --post-renderer-args PLUGIN` with Helm 3; `windlass helm enable` registers Windlass with Helm 4.
#[derive(Args, Debug)]
pub(super) struct RunArgs {
    #[command(flatten)]
    plugins: PluginArgs,
}

pub(super) fn run(arguments: &RunArgs, printer: &Printer, ending: Arc<Ending>) -> Result<Outcome, Error> {
    let steps = arguments.plugins.steps(printer)?;
    let stream = arguments.plugins.read_stream(printer)?;
    let rendered = arguments.plugins.render(&steps, stream, printer, Some(ending))?;
    Ok(Outcome::bytes(rendered.stream))
}
