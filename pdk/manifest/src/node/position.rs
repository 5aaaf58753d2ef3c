//! Where a character of a scalar's text stands in the stream, for errors about what is written inside a scalar.

use crate::node::Node;

impl Node<'_> {
    /// The 1-based line and column (in characters) of the stream at which the byte `offset` of
    /// [`scalar_text`](Node::scalar_text) comes from. Escapes, doubled quotes, folded lines and the indentation of
    /// block scalars are taken into account; where the text cannot be followed, and for maps and lists, it is the
    /// node's start.
    pub fn position_in(&self, offset: usize) -> (usize, usize) {
        let data = self.data();
        let (start, end) = (data.start as usize, data.end as usize);
        let written = self.source.text.get(start..end).unwrap_or_default();
        let text = self.scalar_text().unwrap_or_default();
        let within = match data.shape.is_block_scalar() {
            true => in_block(written, &text, offset),
            false => in_flow(written, &text, offset),
        };
        let at = start + within.unwrap_or(0);
        let before = self.source.text.get(..at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        (self.source.line_at(at), column)
    }
}

/// Follows a plain or quoted scalar.
fn in_flow(written: &str, text: &str, offset: usize) -> Option<usize> {
    let quote = written.chars().next().filter(|first| *first == '"' || *first == '\'');
    let mut at = quote.map_or(0, char::len_utf8);
    let mut decoded = text.char_indices().peekable();
    loop {
        let Some((position, character)) = decoded.next() else { return Some(at) };
        let rest = written.get(at..)?;
        let first = rest.chars().next()?;
        if position >= offset {
            return Some(at);
        }
        at += match (quote, first) {
            (Some('\''), '\'') => 2,
            (Some('"'), '\\') => escape_length(rest)?,
            (_, '\n' | '\r' | ' ' | '\t') if first != character || is_folded(rest) => {
                // A line break and the blanks around it are one space or some line breaks of the text.
                while decoded.next_if(|(_, next)| *next == '\n').is_some() {}
                rest.len() - rest.trim_start().len()
            }
            _ => first.len_utf8(),
        };
    }
}

/// Whether the blanks that a text starts with go on beyond the line.
fn is_folded(rest: &str) -> bool {
    rest.trim_start_matches([' ', '\t']).starts_with(['\n', '\r'])
}

fn escape_length(rest: &str) -> Option<usize> {
    let kind = rest.chars().nth(1)?;
    Some(match kind {
        'x' => 4,
        'u' => 6,
        'U' => 10,
        // An escaped line break, with the indentation of the next line.
        '\n' | '\r' => 1 + rest.get(1..).map_or(0, |after| after.len() - after.trim_start().len()),
        other => 1 + other.len_utf8(),
    })
}

/// Follows a block scalar: its lines have the same indentation, which is not part of the text.
fn in_block(written: &str, text: &str, offset: usize) -> Option<usize> {
    let body = written.find('\n')? + 1;
    if written.starts_with('>') {
        // Folded lines are like those of a plain scalar.
        let lines = written.get(body..)?;
        let start = body + lines.len() - lines.trim_start().len();
        return Some(start + in_flow(written.get(start..)?, text, offset)?);
    }
    let before = text.get(..offset)?;
    let wanted_line = before.matches('\n').count();
    let wanted_column = before.rsplit('\n').next().map_or(0, str::len);
    let first_line = text.lines().next().unwrap_or_default();
    let mut at = body;
    let mut indentation = None;
    for (number, line) in written.get(body..)?.split_inclusive('\n').enumerate() {
        let blanks = line.len() - line.trim_start_matches(' ').len();
        if indentation.is_none() && !line.trim().is_empty() {
            let of_text = first_line.len() - first_line.trim_start_matches(' ').len();
            indentation = Some(blanks.saturating_sub(if number == 0 { of_text } else { 0 }));
        }
        if number == wanted_line {
            return Some(at + (indentation.unwrap_or(blanks) + wanted_column).min(line.trim_end().len()));
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::{Error, Manifests, Path};

    /// Checks that the `#` of the scalar at `metadata.name` is found where it is written.
    fn check(document: &str) {
        let stream = document.as_bytes().to_vec();
        let before = document.split('#').next().expect("a text before the mark");
        let expected =
            (before.matches('\n').count() + 1, before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1);
        let manifests = Manifests::from_bytes(stream).expect("a stream");
        let mut seen = 0;
        let read: Result<(), Error> = manifests.read(|object| {
            let node = object.get(&Path::new(["metadata", "note"])).expect("a note");
            let text = node.scalar_text().expect("a scalar");
            assert_eq!(node.position_in(text.find('#').expect("a mark")), expected, "{document}");
            seen += 1;
            Ok(())
        });
        read.expect("a document");
        assert_eq!(seen, 1);
    }

    #[test]
    fn characters_are_found_where_they_are_written() {
        let head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
        for note in [
            "  note: ab#c\n",
            "  note: 'ab#c'\n",
            "  note: 'it''s ä ''#c'\n",
            "  note: \"a\\\"\\u00e4\\x41\\t#\"\n",
            "  note: \"a\n    b\n\n    c #\"\n",
            "  note: 'a\n    b #'\n",
            "  note: >-\n    one\n    #two\n",
            "  note: |\n    one\n      two#\n",
            "  note: |-\n\n    one #\n",
        ] {
            check(&format!("{head}{note}"));
        }
        check("{\"apiVersion\": \"v1\", \"kind\": \"A\", \"metadata\": {\"name\": \"b\", \"note\": \"ab#\"}}\n");
    }
}
