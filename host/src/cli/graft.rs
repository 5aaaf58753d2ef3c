//! `windlass graft`: what a tool changed, made in the text that it was given.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};
use windlass_graft::{Dialect, Error as GraftError, Grafted, Note, NoteKind, Options, graft};

use super::printer::{Outcome, Printer};
use crate::error::Error;
use crate::input;
use crate::limits::table::MAX_STREAM;

/// Make what a tool changed by meaning in the text that the tool was given.
///
/// Tools that parse YAML and print it change every line: comments go, keys are sorted, `on` becomes `"on"`. This pairs
/// the objects of both streams, compares them in the types that Helm sees, and makes the differences as edits of
/// ORIGINAL; all else keeps its bytes. On by default for commands under `run`.
#[derive(Args, Debug)]
#[command(after_help = "Example: helm template web ./chart >in.yaml; yq '.metadata.labels.team = \"x\"' in.yaml | \
                        windlass graft in.yaml -")]
pub(super) struct GraftArgs {
    /// What the tool was given: a file, or - for stdin.
    #[arg(value_name = "ORIGINAL")]
    original: PathBuf,
    /// What the tool answered: a file, or - for stdin.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// What is done with values that the tool's own YAML changed and nobody meant, such as `on` that became `"on"` or
    /// 0444 that became 444.
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    dialect: DialectArg,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum DialectArg {
    /// They stay as they were, with a warning.
    #[default]
    Keep,
    /// They are taken as they came, with a warning.
    Report,
    /// It is an error that names them.
    Refuse,
}

pub(super) fn run(arguments: &GraftArgs, printer: &Printer) -> Result<Outcome, Error> {
    let is_stdin = |path: &Path| path == Path::new("-");
    if is_stdin(&arguments.original) && is_stdin(&arguments.new) {
        return Err(Error::usage("ORIGINAL and NEW cannot both be standard input").hint("write one of them to a file"));
    }
    let original = read(&arguments.original, printer)?;
    let new = read(&arguments.new, printer)?;
    let dialect = match arguments.dialect {
        DialectArg::Keep => Dialect::Keep,
        DialectArg::Report => Dialect::Report,
        DialectArg::Refuse => Dialect::Refuse,
    };
    let grafted = graft(&original, &new, &Options { dialect }).map_err(error)?;
    if printer.is_json() {
        return Ok(Outcome::report(crate::text::Text::new(), as_json(&grafted)));
    }
    for note in &grafted.notes {
        printer.warning(crate::text::Text::new().show(note));
    }
    Ok(Outcome::bytes(grafted.text.into_bytes()))
}

fn read(path: &Path, printer: &Printer) -> Result<String, Error> {
    let unreadable = |why: &dyn std::fmt::Display| Error::usage(format!("{} cannot be read: {why}", path.display()));
    let bytes = match path == Path::new("-") {
        true => {
            let stdin = io::stdin().lock();
            if stdin.is_terminal() {
                printer.note("reading manifests from the terminal; Ctrl-D ends them");
            }
            input::read_to_limit(stdin, MAX_STREAM, 0)
        }
        false => input::read_named(path, MAX_STREAM),
    };
    let bytes = bytes.map_err(|error| unreadable(&error))?;
    String::from_utf8(bytes).map_err(|_| unreadable(&"it is not UTF-8"))
}

fn error(failure: GraftError) -> Error {
    let text = failure.to_string();
    let error = match &failure {
        GraftError::Spent(_) => Error::limit(text),
        GraftError::Dialect(_) => Error::refused(text),
        _ => Error::usage(text),
    };
    match failure.hint() {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn as_json(grafted: &Grafted) -> Json {
    let notes: Vec<Json> = grafted.notes.iter().map(note_json).collect();
    json!({
        "stream": grafted.text,
        "changed": grafted.changed,
        "added": grafted.added,
        "removed": grafted.removed,
        "notes": notes,
    })
}

fn note_json(note: &Note) -> Json {
    let value = |value: &windlass_graft::Value| serde_json::from_str::<Json>(&value.to_json()).unwrap_or_default();
    match &note.kind {
        NoteKind::Dialect { path, before, after, cause, is_kept } => json!({
            "object": note.object,
            "path": path.to_string(),
            "before": value(before),
            "after": after.as_ref().map(value),
            "cause": cause.to_string(),
            "kept": is_kept,
        }),
        NoteKind::AsPrinted { reason } => json!({ "object": note.object, "asPrinted": reason }),
        _ => json!({ "object": note.object, "note": note.to_string() }),
    }
}
