//! The spinner that is shown while a plugin is compiled, which of a large program takes half a minute.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::printer::Printer;
use crate::event::Event;
use crate::text::one_line;

/// Watches events; gone when the compilation is over.
pub(super) struct Spinner<'p> {
    printer: &'p Printer,
    bar: Mutex<Option<ProgressBar>>,
}

impl<'p> Spinner<'p> {
    pub(super) fn new(printer: &'p Printer) -> Self {
        Self { printer, bar: Mutex::new(None) }
    }

    /// Shows or ends it, where the event is about that.
    pub(super) fn see(&self, event: &Event<'_>) {
        match event {
            Event::Compiling { plugin } if self.printer.shows_progress() => {
                let bar = ProgressBar::new_spinner()
                    .with_message(format!("compiling {} (once; then cached)", one_line(plugin)));
                bar.set_style(ProgressStyle::default_spinner());
                bar.enable_steady_tick(Duration::from_millis(100));
                if let Ok(mut shown) = self.bar.lock() {
                    *shown = Some(bar);
                }
            }
            Event::Compiled { .. } => self.end(),
            _ => {}
        }
    }

    fn end(&self) {
        if let Some(bar) = self.bar.lock().ok().and_then(|mut shown| shown.take()) {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Spinner<'_> {
    fn drop(&mut self) {
        // A compilation that failed has no end of its own.
        self.end();
    }
}
