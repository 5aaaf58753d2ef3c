//! What is wrong with a text, and where.

use std::fmt;

/// A text is not what its grammar asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Bytes from the start of the text to the offending character.
    pub offset: usize,
    /// What is wrong, and where it helps, what to write instead.
    pub message: String,
}

impl SyntaxError {
    /// The 1-based column, in characters, of the offending character in `text`.
    pub fn column(&self, text: &str) -> usize {
        text.get(..self.offset).map_or_else(|| text.chars().count(), |before| before.chars().count()) + 1
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for SyntaxError {}
