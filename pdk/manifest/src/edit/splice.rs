//! Splices: what takes the place of which bytes, which go together, and what else an edit owes to the lines behind it.

use crate::split::{self, count_lines};
use crate::tree::LineShifts;

/// A range of the document's text and what takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Splice {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) text: String,
    /// For whole lines added to the end of a block collection: which one, and its column.
    pub(crate) appends_to: Option<(u32, usize)>,
}

impl Splice {
    pub(crate) fn new(start: usize, end: usize, text: impl Into<String>) -> Self {
        Self { start, end, text: text.into(), appends_to: None }
    }

    /// Whether this splice may be made after `earlier`, of another edit, without reading the document again.
    pub(crate) fn goes_with(&self, earlier: &Splice) -> bool {
        if self.end < earlier.start || earlier.end < self.start {
            return true;
        }
        let is_insertion = |splice: &Splice| splice.start == splice.end;
        match (self.appends_to, earlier.appends_to) {
            // Lines added at the same place: to the same collection in order of the edits, to outer ones after inner
            // ones.
            (Some((node, column)), Some((earlier_node, earlier_column))) => {
                self.start == earlier.start && (node == earlier_node || column < earlier_column)
            }
            _ => {
                !is_insertion(self)
                    && !is_insertion(earlier)
                    && (self.end == earlier.start || earlier.end == self.start)
            }
        }
    }
}

/// Whether splices can be made together with earlier ones, which are sorted and disjoint.
pub(crate) fn goes_with_all(earlier: &[Splice], added: &[Splice]) -> bool {
    added.iter().all(|splice| {
        let from = earlier.partition_point(|earlier| earlier.end < splice.start);
        let near = earlier.get(from..).unwrap_or_default().iter().take_while(|earlier| earlier.start <= splice.end);
        near.into_iter().all(|earlier| splice.goes_with(earlier))
    })
}

/// Puts sorted, disjoint splices into a text; `None` if they are not disjoint.
pub(crate) fn apply(text: &str, splices: &[Splice]) -> Option<String> {
    let added: usize = splices.iter().map(|splice| splice.text.len()).sum();
    let mut out = String::with_capacity(text.len() + added);
    let mut copied = 0;
    for splice in splices {
        out.push_str(text.get(copied..splice.start)?);
        out.push_str(&splice.text);
        copied = splice.end;
    }
    out.push_str(text.get(copied..)?);
    Some(out)
}

/// Where edits add or take away lines.
pub(crate) fn line_shifts(text: &str, splices: &[Splice]) -> LineShifts {
    let bytes = text.as_bytes();
    let mut shifts = LineShifts::new();
    let (mut at, mut line) = (0, 0);
    for splice in splices {
        line += count_lines(bytes.get(at..splice.start).unwrap_or_default());
        let gone = count_lines(bytes.get(splice.start..splice.end).unwrap_or_default());
        let added = count_lines(splice.text.as_bytes());
        if gone != added {
            shifts.push((line, added as isize - gone as isize));
        }
        line += gone;
        at = splice.end;
    }
    shifts
}

/// Blank lines with a tab that stand behind an edit are part of the plain scalar in front of them to Go's parser, and
/// an error behind anything else: the edit takes their blanks away, whatever it put in front of them. Their line ends
/// stay. A comment that stood right behind a quote gets a space.
pub(crate) fn own_blank_lines(text: &str, splices: &mut Vec<Splice>) {
    let bytes = text.as_bytes();
    // Each looks as far as the next one starts, so that no line is looked at twice.
    splices.sort_by_key(|splice| (splice.start, splice.end));
    let count = splices.len();
    for index in 0..count {
        let limit = splices.get(index + 1).filter(|_| index + 1 < count).map_or(bytes.len(), |next| next.start);
        let Some(splice) = splices.get_mut(index) else { break };
        let end = splice.end;
        // `"x"#c` has a comment, `x#c` has none.
        let before = splice.text.bytes().next_back().or_else(|| bytes.get(splice.start.checked_sub(1)?).copied());
        if bytes.get(end) == Some(&b'#') && before.is_some_and(|before| !before.is_ascii_whitespace()) {
            splice.text.push(' ');
        }
        let is_line_start = end == 0 || bytes.get(end - 1) == Some(&b'\n');
        let mut at = end;
        if !is_line_start {
            let line = skip_blank_in_line(bytes, at);
            if !matches!(bytes.get(line), Some(b'\n' | b'#')) {
                continue;
            }
            at = split::next_line(bytes, at);
        }
        splices.extend(without_blanks(text, at, limit));
    }
    splices.sort_by_key(|splice| splice.start);
}

/// Takes the blanks of the blank lines from an offset to a limit away, if any of them has a tab: one splice, from the
/// first line with a tab to the last.
fn without_blanks(text: &str, from: usize, limit: usize) -> Option<Splice> {
    let bytes = text.as_bytes();
    let mut at = from;
    let mut splice: Option<Splice> = None;
    // Behind the last line that is in the splice.
    let mut copied = from;
    while at < limit {
        let mut blanks_end = skip_blank_in_line(bytes, at);
        if !matches!(bytes.get(blanks_end), None | Some(b'\n')) {
            break;
        }
        if blanks_end > at && bytes.get(blanks_end - 1) == Some(&b'\r') {
            blanks_end -= 1;
        }
        if blanks_end > limit {
            break;
        }
        if bytes.get(at..blanks_end).is_some_and(|blanks| blanks.contains(&b'\t')) {
            let splice = splice.get_or_insert_with(|| {
                copied = at;
                Splice::new(at, at, "")
            });
            splice.text.push_str(text.get(copied..at).unwrap_or_default());
            (splice.end, copied) = (blanks_end, blanks_end);
        }
        at = split::next_line(bytes, at);
    }
    splice
}

fn skip_blank_in_line(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes some insertions, given as offsets, and checks how many splices that is in all and what comes of it.
    #[track_caller]
    fn check(text: &str, insertions: &[usize], splices: usize, expected: &str) {
        let mut all: Vec<Splice> = insertions.iter().map(|&at| Splice::new(at, at, "X")).collect();
        own_blank_lines(text, &mut all);
        assert_eq!(all.len(), splices, "{all:?}");
        assert_eq!(apply(text, &all).as_deref(), Some(expected), "{all:?}");
    }

    #[test]
    fn blank_lines_behind_an_edit_lose_their_tabs_in_one_splice() {
        check("a\n \n\t\n  \n \t\r\n\t\nb\n", &[1], 2, "aX\n \n\n  \n\r\n\nb\n");
        check("a\n\t", &[1], 2, "aX\n");
        check("a # c\n\t\nb\n\t\n", &[1], 2, "aX # c\n\nb\n\t\n");
        // Those of an edit further up stand in front of the edit below.
        check("a\n\t\nb\n\t\nc\n", &[5, 1], 4, "aX\n\nbX\n\nc\n");
        check("a\n\t\n\t\nb\n", &[1, 4], 4, "aX\n\nX\nb\n");
        let lines = |line: &str| line.repeat(100_000);
        check(&format!("a\n{}b\n", lines("\t\n")), &[1], 2, &format!("aX\n{}b\n", lines("\n")));
    }
}
