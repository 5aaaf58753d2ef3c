//! What a program changed, made in the text that it was given: what commands answer was parsed and printed, and only
//! what they meant to change should change.

use std::time::Instant;

use windlass_graft::{Error as GraftError, Options, graft_within};
use windlass_manifest::Budget;

use super::options::Graft;
use super::run::RawOutput;
use super::stream;
use crate::error::Error;
use crate::event::{Event, LogLevel};
use crate::sandbox::limits::Limits;

/// How many notes are told; a chart may have one for each object.
const MOST_TOLD: usize = 20;

/// Whose answer it is.
pub(crate) struct Answerer<'a> {
    pub(crate) name: &'a str,
    pub(crate) reprints: bool,
    pub(crate) graft: Graft,
    pub(crate) limits: &'a Limits,
}

/// The answer's changes in the text of the stream; the answer as it is where they cannot be made, with a warning.
///
/// # Errors
/// Its YAML changed what was not meant, and that is to be refused.
pub(crate) fn graft(
    original: &[u8],
    output: RawOutput,
    plugin: &Answerer<'_>,
    on_event: &(dyn Fn(Event<'_>) + Sync),
) -> Result<RawOutput, Error> {
    let Some(dialect) = plugin.graft.dialect(plugin.reprints).filter(|_| !output.is_unchanged) else {
        return Ok(output);
    };
    // What cannot be read, or has no objects, is for the check that follows to judge.
    let (Ok(text), Ok(answer)) = (str::from_utf8(original), str::from_utf8(&output.stream)) else { return Ok(output) };
    if stream::is_empty(original) || stream::is_empty(&output.stream) {
        return Ok(output);
    }
    let warn = |message: &str| on_event(Event::Log { plugin: plugin.name, level: LogLevel::Warn, message });
    let ends = Instant::now() + plugin.limits.timeout;
    let length = text.len().saturating_add(answer.len()).saturating_mul(4);
    let budget = Budget::for_text(length).with_clock(move || Instant::now() >= ends);
    let grafted = match graft_within(text, answer, &Options { dialect }, &budget) {
        Ok(grafted) => grafted,
        Err(failure @ GraftError::Dialect(_)) => {
            let hint = failure.hint().unwrap_or_default();
            return Err(Error::refused(failure.to_string()).hint(hint));
        }
        Err(GraftError::Answer(_)) => return Ok(output),
        Err(failure) => {
            warn(&format!("its answer is taken as it was printed, the bytes of the chart are not kept: {failure}"));
            return Ok(output);
        }
    };
    for note in grafted.notes.iter().take(MOST_TOLD) {
        warn(&note.to_string());
    }
    if let Some(more @ 1..) = grafted.notes.len().checked_sub(MOST_TOLD) {
        warn(&format!("and {more} more of that kind"));
    }
    let is_unchanged = grafted.text.as_bytes() == original;
    let stream = if is_unchanged { Vec::new() } else { grafted.text.into_bytes() };
    Ok(RawOutput { stream: stream.into(), is_unchanged, ..output })
}
