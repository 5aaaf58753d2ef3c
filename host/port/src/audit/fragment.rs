//! Text of one language within another, with the line that each of its lines has in the file.

use std::borrow::Cow;

/// Where the lines of a text are in the file it came from.
#[derive(Clone, Debug)]
pub(crate) enum Lines {
    /// Its first line is this one (1-based), and the others follow.
    From(usize),
    /// All of it stands on one line: a string with escapes.
    All(usize),
}

/// A text with the place it has.
#[derive(Clone, Debug)]
pub(crate) struct Fragment<'t> {
    pub(crate) text: Cow<'t, str>,
    pub(crate) lines: Lines,
}

impl Lines {
    /// The line in the file of a line in the text (0-based).
    pub(crate) fn line(&self, within: usize) -> usize {
        match self {
            Self::From(first) => first + within,
            Self::All(line) => *line,
        }
    }

    /// The same for a text that starts at a line of this one.
    pub(crate) fn below(&self, within: usize) -> Self {
        match self {
            Self::From(first) => Self::From(first + within),
            Self::All(line) => Self::All(*line),
        }
    }
}

/// The lines of a file: from bytes to numbers.
#[derive(Debug)]
pub(crate) struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    pub(crate) fn new(text: &str) -> Self {
        let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        Self { starts }
    }

    /// The 1-based line of a byte.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).max(1)
    }
}
