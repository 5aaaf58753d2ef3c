//! Reading one document into the arena: fast where it is written plainly (`plain`), by the parser where it is not
//! (`parser`). Which of the two read it makes no difference, which tests hold.

pub(crate) mod parser;
pub(crate) mod plain;

use crate::error::{Error, Problem, ReadFailure};
use crate::split::{self, Extent, count_lines};
use crate::tree::{Source, Tree};

/// Fills the tree from the document at the start of a text; answers with the document's extent.
pub(crate) fn read_first(text: &str, tree: &mut Tree) -> (Extent, Result<(), ReadFailure>) {
    match plain::read(text, tree) {
        Ok(extent) => (extent, Ok(())),
        Err(why) => {
            let length = split::document_end(text.as_bytes(), 0);
            let text = text.get(..length).unwrap_or_default();
            let outcome = match why {
                plain::GaveUp::NotPlain => parser::parse_within(text, tree),
                plain::GaveUp::TooManyNodes => Err(ReadFailure::TooManyNodes),
            };
            (Extent { length, line_ends: count_lines(text.as_bytes()) }, outcome)
        }
    }
}

/// Fills the tree from a text that is one document.
pub(crate) fn read(text: &str, tree: &mut Tree) -> Result<(), Problem> {
    match plain::read(text, tree) {
        Ok(extent) if extent.length == text.len() => Ok(()),
        _ => parser::parse(text, tree),
    }
}

/// Reads a text that holds at most one document, such as a configuration value.
pub(crate) fn read_single_document(text: &str, tree: &mut Tree) -> Result<(), Error> {
    read(text, tree).map_err(|problem| {
        let line = Source { text, tree, first_line: 1 }.line_at(problem.offset);
        Error::new(problem.kind, String::new(), line, format!("line {line}: {}", problem.message))
    })
}
