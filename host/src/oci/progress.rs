//! Progress bars for transfers, on stderr, when a person looks at it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::text::one_line;

/// Whether transfers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is shown.
    Hidden,
    /// A bar per transfer, on stderr; hidden by itself when stderr is not a terminal.
    Bars,
}

impl Progress {
    /// Begins showing a transfer of `size` bytes.
    pub(crate) fn start(self, what: &str, size: u64) -> Bar {
        let bar = match self {
            Self::Hidden => ProgressBar::hidden(),
            Self::Bars => ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr()),
        };
        // A template that does not parse leaves the default style, which is as good.
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes}") {
            bar.set_style(style);
        }
        bar.set_message(one_line(what).into_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Bar(bar)
    }
}

/// A transfer under way; disappears when it is dropped.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn add(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    pub(crate) fn set(&self, bytes: u64) {
        self.0.set_position(bytes);
    }

    pub(crate) fn finish(self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
