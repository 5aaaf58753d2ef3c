//! A run that is shown: log lines, warnings, findings, reports.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::PluginArgs;
use crate::cli::failures;
use crate::cli::printer::Printer;
use crate::cli::report::Report;
use crate::cli::spinner::Spinner;
use crate::error::Error;
use crate::event::{Event, LogLevel};
use crate::render::{self, Rendered};
use crate::sandbox::compile::cache::CodeCache;
use crate::sandbox::interruption::Ending;
use crate::sandbox::options::{RenderOptions, Step};

impl PluginArgs {
    /// Runs the steps; shows log lines, and a spinner while a plugin is compiled. `ending` ends the process with a
    /// plugin whose time is over; a command that goes on after it has none.
    ///
    /// # Errors
    /// Whatever stops the run.
    pub(in crate::cli) fn render(
        &self,
        steps: &[Step],
        stream: Vec<u8>,
        printer: &Printer,
        ending: Option<Arc<Ending>>,
    ) -> Result<Rendered, Error> {
        let cache = if self.no_cache { CodeCache::Off } else { CodeCache::default_place() };
        let spinner = Spinner::new(printer);
        let is_told = AtomicBool::new(false);
        let warnings: Mutex<Vec<String>> = Mutex::default();
        let log_level = self.log_level()?;
        let show = |event: Event<'_>| {
            spinner.see(&event);
            match event {
                Event::Log { plugin, level, message } => {
                    let line = format!("{} {plugin}: {message}", level_word(level));
                    if level == LogLevel::Warn
                        && let Ok(mut warnings) = warnings.lock()
                    {
                        warnings.push(format!("{plugin}: {message}"));
                    }
                    printer.remark(line, level >= LogLevel::Warn);
                }
                // Said once, however many plugins the run has.
                Event::Uncached { .. } if is_told.swap(true, Ordering::Relaxed) => {}
                Event::Uncached { why } => printer.warning(uncached(why)),
                Event::Compiling { .. } | Event::Compiled { .. } | Event::Sought { .. } => {}
            }
        };
        let mut options = RenderOptions::new(cache, &show);
        options.log_level = log_level;
        options.ending = ending;
        options.cluster = self.cluster.connection();
        let rendered = render::render(steps, stream, &options);
        let (findings, error) = match &rendered {
            Ok(rendered) => (rendered.findings.as_slice(), None),
            Err(error) => (error.findings(), Some(error)),
        };
        printer.findings(findings, log_level);
        let warnings = warnings.into_inner().unwrap_or_default();
        let secrets = rendered.as_ref().map_or_else(Error::secrets, |rendered| &rendered.secrets);
        failures::note_warnings(warnings, findings, secrets);
        let names: Vec<String> = steps.iter().map(|step| step.plugin.name()).collect();
        let written = self.reports.write(&Report::of_run(&names, findings.to_vec(), error));
        let rendered = rendered?;
        written?;
        Ok(rendered)
    }
}

/// The warning that compiled code is not kept.
pub(in crate::cli) fn uncached(why: &str) -> String {
    format!(
        "{why}: the plugin is compiled anew, each time (set `WINDLASS_CACHE_DIR` to a folder of your own, or say \
         `--no-cache`)"
    )
}

fn level_word(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warning",
        LogLevel::Error => "error",
        LogLevel::Off => "",
    }
}
