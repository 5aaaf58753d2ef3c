//! What is told: errors, and what a person should know about an answer that was taken.

use std::fmt;

use windlass_manifest::{self as manifest, Exhausted, Path, Value};

/// Something to know about one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// `Deployment/web (line 12)`, with the line in the original.
    pub object: String,
    /// What it is.
    pub kind: NoteKind,
}

/// What there is to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteKind {
    /// A value that the tool's YAML changed and the tool did not mean to.
    Dialect {
        /// Where.
        path: Path,
        /// What it was.
        before: Value,
        /// What the tool made of it; `None` where it is gone.
        after: Option<Value>,
        /// How that came.
        cause: Cause,
        /// Whether it stayed as it was.
        is_kept: bool,
    },
    /// The object could not be edited losslessly and stands as the tool printed it.
    AsPrinted {
        /// Why.
        reason: String,
    },
}

/// How long a value may be in a message, in characters.
const SHOWN: usize = 60;

fn shown_after(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), shown)
}

fn shown(value: &Value) -> String {
    let mut text = match value {
        Value::Number(raw) => raw.clone(),
        other => other.to_json(),
    };
    if let Some((end, _)) = text.char_indices().nth(SHOWN) {
        text.truncate(end);
        text.push('…');
    }
    text
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = &self.object;
        match &self.kind {
            NoteKind::Dialect { path, before, after, cause, is_kept } => {
                let (before, after) = (shown(before), shown_after(after.as_ref()));
                write!(formatter, "{object}: {path}: {before} came back as {after}, {cause}: ")?;
                formatter.write_str(if *is_kept { "it stays as it was" } else { "it is taken as it came" })
            }
            NoteKind::AsPrinted { reason } => {
                write!(formatter, "{object}: taken as it was printed, as an edit is not possible: {reason}")
            }
        }
    }
}

/// What a tool's YAML did to a value that the tool did not mean to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// It is what the text means in YAML 1.2: `on` is a text, `0755` is 755.
    Yaml12,
    /// It is what the text means in YAML 1.1 as PyYAML reads it: `12:30` is 750.
    Yaml11,
    /// A date became a text with a time of day, or in another notation.
    Date,
    /// It is the text itself, as a string.
    Text,
    /// A number lost digits that a 64-bit float does not have.
    Digits,
    /// A null is gone with its key: to most readers both are the same.
    Null,
    /// A text lost the blank lines that it started with.
    BlankLines,
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Cause::Yaml12 => "as YAML 1.2 reads it",
            Cause::Yaml11 => "as YAML 1.1 reads it",
            Cause::Date => "as a date",
            Cause::Text => "as a string",
            Cause::Digits => "with digits lost",
            Cause::Null => "as nulls are dropped",
            Cause::BlankLines => "without its leading blank lines",
        })
    }
}

/// Why nothing was made of two streams.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The original cannot be read.
    Original(manifest::Error),
    /// The answer cannot be read.
    Answer(manifest::Error),
    /// One of them takes more time or memory than its budget has.
    Spent(Exhausted),
    /// An object is nested deeper than 200 levels; the line, and whether it is the answer's.
    Deep {
        /// 1-based.
        line: usize,
        /// Otherwise it is the original's.
        is_answer: bool,
    },
    /// The tool's YAML changed values, and [`crate::Dialect::Refuse`] was asked for.
    Dialect(Vec<Note>),
}

impl Error {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Error::Original(error) | Error::Answer(error) => error.hint(),
            Error::Dialect(_) => Some("quote the values in the chart, or let them stay as they were (`keep`)"),
            Error::Spent(_) | Error::Deep { .. } => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Original(error) => write!(formatter, "the original: {error}"),
            Error::Answer(error) => write!(formatter, "the answer: {error}"),
            Error::Spent(exhausted) => write!(formatter, "comparing the original with the answer: {exhausted}"),
            Error::Deep { line, is_answer } => {
                let which = if *is_answer { "answer" } else { "original" };
                write!(formatter, "the {which}: line {line}: nested deeper than 200 levels")
            }
            Error::Dialect(notes) => {
                formatter.write_str("the tool's YAML changed what it did not mean to change")?;
                const TOLD: usize = 20;
                for note in notes.iter().take(TOLD) {
                    let Note { object, kind: NoteKind::Dialect { path, before, after, cause, .. } } = note else {
                        continue;
                    };
                    write!(
                        formatter,
                        "\n  {object}: {path}: {} became {}, {cause}",
                        shown(before),
                        shown_after(after.as_ref())
                    )?;
                }
                match notes.len().checked_sub(TOLD) {
                    Some(more) if more > 0 => write!(formatter, "\n  and {more} more"),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for Error {}

/// What goes wrong while one stream is read.
#[derive(Debug)]
pub(crate) enum ReadError {
    Manifest(manifest::Error),
    Spent(Exhausted),
    Deep(usize),
}

impl From<manifest::Error> for ReadError {
    fn from(error: manifest::Error) -> Self {
        ReadError::Manifest(error)
    }
}

impl From<Exhausted> for ReadError {
    fn from(exhausted: Exhausted) -> Self {
        ReadError::Spent(exhausted)
    }
}

impl ReadError {
    pub(crate) fn of_original(self) -> Error {
        match self {
            ReadError::Manifest(error) => Error::Original(error),
            ReadError::Spent(exhausted) => Error::Spent(exhausted),
            ReadError::Deep(line) => Error::Deep { line, is_answer: false },
        }
    }

    pub(crate) fn of_answer(self) -> Error {
        match self {
            ReadError::Manifest(error) => Error::Answer(error),
            ReadError::Spent(exhausted) => Error::Spent(exhausted),
            ReadError::Deep(line) => Error::Deep { line, is_answer: true },
        }
    }
}
