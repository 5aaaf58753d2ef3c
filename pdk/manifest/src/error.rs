//! The one error type of this crate: what happened, to which object, on which line of the stream.

use std::fmt;

/// Why a manifest could not be read or an edit was refused.
///
/// `Display` gives one lower-case sentence that begins with the object (or the document) and its line:
/// `Deployment/web (line 12): metadata.labels (line 15) is an alias`.
/// [`Error::hint`] says what to do about it.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    subject: String,
    line: usize,
    message: String,
}

/// What sort of thing went wrong: for code that treats one sort differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The stream is not UTF-8.
    NotUtf8,
    /// A document is not YAML that can be parsed.
    Syntax,
    /// A document or a value is larger or nested deeper than this crate accepts.
    TooLarge,
    /// Reading took longer than the clock of its [`crate::Budget`] allows.
    Time,
    /// A document holds a scalar or a list where a Kubernetes object belongs.
    NotAnObject,
    /// The edit would go through an alias (`*name`) that cannot be written out where it stands.
    Alias,
    /// The edit would change a node that aliases elsewhere refer to, and they cannot get a copy of it.
    Anchor,
    /// The edit would change something that a merge key (`<<`) gives, and the merge cannot be written out.
    Merge,
    /// The key to edit occurs more than once in its map.
    DuplicateKey,
    /// The text around the edit is written in a way that cannot be edited safely.
    Layout,
    /// The path leads through something that is neither a map nor a list, or an index is past the end.
    Path,
    /// The value to insert cannot be written as YAML.
    Value,
    /// A node does not have the type that was asked for.
    Type,
    /// The code that visits the objects said no ([`crate::Object::refuse`]).
    Refused,
}

impl Error {
    #[cold]
    pub(crate) fn new(kind: ErrorKind, subject: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self { inner: Box::new(Inner { kind, subject: subject.into(), line, message: message.into() }) }
    }

    /// The sort of the error.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The object or document it happened in, such as `Deployment/web (line 12)`; empty where there is none.
    pub fn subject(&self) -> &str {
        &self.inner.subject
    }

    /// The 1-based line in the stream, 0 where there is none.
    pub fn line(&self) -> usize {
        self.inner.line
    }

    /// What happened, without the object.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// What a person can do about it, where there is something general to say.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self.inner.kind {
            ErrorKind::NotUtf8 => "save the template as UTF-8; binary data belongs in `binaryData`, base64-encoded",
            ErrorKind::Syntax => "look at the rendered text near that line, for instance with `helm template --debug`",
            ErrorKind::NotAnObject => "each document of the stream must be a map with apiVersion, kind and metadata",
            ErrorKind::Alias | ErrorKind::Anchor => {
                "write the value out in the chart instead of sharing it by anchor and alias"
            }
            ErrorKind::Merge => "write the merged keys out in the chart, or edit the map that carries the anchor",
            ErrorKind::DuplicateKey => "remove all but one of the equal keys in the chart",
            ErrorKind::Layout => "write that part of the chart in plain block style",
            ErrorKind::TooLarge
            | ErrorKind::Time
            | ErrorKind::Path
            | ErrorKind::Value
            | ErrorKind::Type
            | ErrorKind::Refused => return None,
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.inner.subject.is_empty() {
            formatter.write_str(&self.inner.subject)?;
            formatter.write_str(": ")?;
        }
        formatter.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for Error {}

/// What the parser found wrong with a document: its message and the byte offset.
pub(crate) struct Problem {
    pub(crate) kind: ErrorKind,
    pub(crate) offset: usize,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn syntax(offset: usize, message: &str) -> Self {
        Self { kind: ErrorKind::Syntax, offset, message: message.to_owned() }
    }
}

/// Why a document was not read.
pub(crate) enum ReadFailure {
    Wrong(Problem),
    /// It has more nodes than its [`crate::tree::NodeLimit`] allows.
    TooManyNodes,
}

impl From<Problem> for ReadFailure {
    fn from(problem: Problem) -> Self {
        Self::Wrong(problem)
    }
}

impl ReadFailure {
    /// What is told where nobody set a limit.
    pub(crate) fn into_problem(self) -> Problem {
        match self {
            Self::Wrong(problem) => problem,
            Self::TooManyNodes => Problem { kind: ErrorKind::TooLarge, offset: 0, message: "too many nodes".into() },
        }
    }
}
