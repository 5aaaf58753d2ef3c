//! The events of a YAML document, from `granit-parser`.
//!
//! A crate of its own for one reason: granit's parser is generic over its input, and generic code is compiled where it is
//! used. Here is that place. A plugin's module can then have the parser optimised for size and `windlass-manifest`, which
//! reads nearly every document without it, for speed.

use granit_parser::{Event, Options, Parser, ScanError, Span, StrInput};

/// The events of one text, in order; ends after the first error.
pub struct Events<'t>(Parser<'t, StrInput<'t>>);

impl<'t> Events<'t> {
    /// Prepares to read a text; nothing is read yet.
    #[inline(never)]
    pub fn new(text: &'t str, options: Options) -> Self {
        Events(Parser::new_from_str_with_options(text, options))
    }
}

impl std::fmt::Debug for Events<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Events")
    }
}

impl<'t> Iterator for Events<'t> {
    type Item = Result<(Event<'t>, Span), ScanError>;

    #[inline(never)]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}
