//! How xtask talks: short lines with a mark in front, on stderr, so that stdout stays free for results.

use crate::command::Failure;
use std::time::Duration;

/// Announces a piece of work.
pub fn step(text: &str) {
    eprintln!("==> {text}");
}

/// A detail of the piece of work under way.
pub fn note(text: &str) {
    eprintln!("    {text}");
}

/// The end of a command: what failed, and what to do.
pub fn failure(failure: &Failure) {
    eprintln!("error: {}", failure.message());
    if let Some(hint) = failure.hint_text() {
        eprintln!("hint: {hint}");
    }
}

/// A duration for people: `0.4 s`, `12 s`, `3 min 20 s`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 10.0 {
        format!("{seconds:.1} s")
    } else if seconds < 60.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{} min {:02} s", duration.as_secs() / 60, duration.as_secs() % 60)
    }
}
