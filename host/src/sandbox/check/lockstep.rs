//! The answer beside the stream it was made of. Most plugins add indented lines or replace some, and touch neither a
//! line in column 0 nor one of Helm's annotations. Of such an answer every rule about markers and annotations holds
//! without being asked: the lines that they speak of are the input's, all of them, in the same order. One pass finds
//! that out.
//!
//! Nothing is accepted here that the rules refuse. What does not keep step says nothing but that they have to be asked;
//! `check`'s tests hold both ways to the same verdicts.

use memchr::{memchr, memmem, memrchr};
use windlass_manifest::is_marker;

/// A part of a stream between `---` lines, with its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Document<'s> {
    /// The `---` line before it, whole; empty where the stream does not start with one.
    pub(super) separator: &'s [u8],
    /// Without the `---` line.
    pub(super) text: &'s [u8],
    pub(super) start: usize,
}

/// Splits at column-0 `---` lines.
pub(super) struct Documents<'s> {
    stream: &'s [u8],
    /// Where the next document's `---` line starts, and where its text does.
    at: Option<(usize, usize)>,
}

impl<'s> Documents<'s> {
    pub(super) fn of(stream: &'s [u8]) -> Self {
        let start = if marker(stream, 0, b"---") { next_line(stream, 0) } else { 0 };
        Self { stream, at: Some((0, start)) }
    }
}

impl<'s> Iterator for Documents<'s> {
    type Item = Document<'s>;

    fn next(&mut self) -> Option<Document<'s>> {
        let (before, start) = self.at?;
        let rest = self.stream.get(start..)?;
        let end = if marker(rest, 0, b"---") { Some(0) } else { markers(rest, b"\n---").next() };
        self.at = end.map(|end| (start + end, next_line(self.stream, start + end)));
        Some(Document {
            separator: self.stream.get(before..start).unwrap_or_default(),
            text: rest.get(..end.unwrap_or(rest.len())).unwrap_or_default(),
            start,
        })
    }
}

/// The offsets behind line breaks that are followed by this marker.
pub(super) fn markers<'s>(stream: &'s [u8], needle: &'static [u8; 4]) -> impl Iterator<Item = usize> + 's {
    let [_, name @ ..] = needle;
    memmem::find_iter(stream, needle).map(|at| at + 1).filter(move |at| marker(stream, *at, name))
}

/// True if the line at `at` is the marker `name`.
pub(super) fn marker(stream: &[u8], at: usize, name: &[u8; 3]) -> bool {
    stream.get(at..).is_some_and(|line| is_marker(line, name))
}

/// The offset behind the end of the line that `at` is in.
pub(super) fn next_line(stream: &[u8], at: usize) -> usize {
    stream.get(at..).and_then(|rest| memchr(b'\n', rest)).map_or(stream.len(), |end| at + end + 1)
}

/// How many bytes are compared at once: what the processor does in a few instructions.
const CHUNK: usize = 32;
/// How many added lines are looked through for the line that they were added before.
const ADDED_LINES: usize = 64;

/// True if `new` is `old` with indented lines added, replaced or taken away, none of which has a word of Helm's.
/// False says nothing.
pub(super) fn keeps_step(old: Document<'_>, new: Document<'_>) -> bool {
    if old.separator != new.separator {
        return false;
    }
    let (mut old, mut new) = (old.text, new.text);
    loop {
        let same = common_start(old, new);
        if same == old.len() && same == new.len() {
            return true;
        }
        // What differs is judged by whole lines.
        let line = new.get(..same).and_then(|same| memrchr(b'\n', same)).map_or(0, |end| end + 1);
        let (old_rest, new_rest) = (old.get(line..).unwrap_or_default(), new.get(line..).unwrap_or_default());
        let (taken, added) = match added_before(old_rest, new_rest) {
            Some(added) => (0, added),
            None => (free_lines(old_rest), free_lines(new_rest)),
        };
        if taken == 0 && added == 0 {
            return false;
        }
        (old, new) = (old_rest.get(taken..).unwrap_or_default(), new_rest.get(added..).unwrap_or_default());
    }
}

/// How many bytes two texts start with in common.
fn common_start(one: &[u8], other: &[u8]) -> usize {
    let (chunks, other_chunks) = (one.as_chunks::<CHUNK>().0, other.as_chunks::<CHUNK>().0);
    let at = CHUNK * chunks.iter().zip(other_chunks).take_while(|(chunk, other)| chunk == other).count();
    let rest = one.get(at..).unwrap_or_default().iter().zip(other.get(at..).unwrap_or_default());
    at + rest.take_while(|(byte, other)| byte == other).count()
}

/// How many bytes of free lines stand in `new` before the first line of `old`; none if that is not found among them.
fn added_before(old: &[u8], new: &[u8]) -> Option<usize> {
    let line = old.get(..next_line(old, 0)).filter(|line| !line.is_empty())?;
    let mut at = 0;
    for _ in 0..ADDED_LINES {
        let rest = new.get(at..).unwrap_or_default();
        if at > 0 && rest.starts_with(line) {
            return Some(at);
        }
        let end = next_line(rest, 0);
        if !rest.get(..end).is_some_and(is_free) {
            return None;
        }
        at += end;
    }
    None
}

/// True for a line that no rule speaks of: indented or blank, without a word of Helm's.
fn is_free(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\n')) && find_word_of_helm(line).is_none()
}

/// How many bytes of free lines a text starts with.
fn free_lines(text: &[u8]) -> usize {
    let end = match text.first() {
        Some(b' ') => next_unindented(text, 0),
        _ => return 0,
    };
    let lines = text.get(..end).unwrap_or_default();
    match find_word_of_helm(lines) {
        Some(at) => lines.get(..at).and_then(|before| memrchr(b'\n', before)).map_or(0, |end| end + 1),
        None => end,
    }
}

/// Both annotations that `check` asks after have this in their names.
fn find_word_of_helm(text: &[u8]) -> Option<usize> {
    memmem::find(text, b"helm.sh/")
}

/// Where the first line behind `from` starts that does not start with a space; else the text's end.
pub(super) fn next_unindented(text: &[u8], from: usize) -> usize {
    let bytes = text.get(from..).unwrap_or_default();
    let behind = bytes.get(1..).unwrap_or_default();
    let (chunks, behind_chunks) = (bytes.as_chunks::<CHUNK>().0, behind.as_chunks::<CHUNK>().0);
    let starts_line = |byte: u8, next: u8| u8::from(byte == b'\n') & u8::from(next != b' ');
    let is_without = |(chunk, next): &(&[u8; CHUNK], &[u8; CHUNK])| {
        // Without a branch: the compiler makes a handful of vector instructions of it.
        chunk.iter().zip(*next).fold(0, |found, (byte, next)| found | starts_line(*byte, *next)) == 0
    };
    let at = CHUNK * chunks.iter().zip(behind_chunks).take_while(is_without).count();
    let rest = bytes.get(at..).unwrap_or_default().iter().zip(behind.get(at..).unwrap_or_default());
    rest.map(|(byte, next)| starts_line(*byte, *next))
        .position(|starts| starts == 1)
        .map_or(text.len(), |place| from + at + place + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(old: &str, new: &str, expected: bool) {
        let documents = |text: &'static str| Documents::of(text.as_bytes()).collect::<Vec<_>>();
        let (old, new) = (documents(old.to_owned().leak()), documents(new.to_owned().leak()));
        let keeps = old.len() == new.len() && old.iter().zip(&new).all(|(old, new)| keeps_step(*old, *new));
        assert_eq!(keeps, expected);
    }

    #[test]
    fn indented_lines_keep_step_and_others_do_not() {
        let old = "---\na: 1\nmetadata:\n  name: x\n  annotations:\n    helm.sh/hook: test\nspec:\n  b: 2\n";
        check(old, old, true);
        check(old, &old.replace("  name: x\n", "  name: x\n  labels:\n    a: b\n"), true);
        check(old, &old.replace("  name: x\n", "  name: y\n"), true);
        check(old, &old.replace("  name: x\n", ""), true);
        check(old, &old.replace("  b: 2\n", &"    c: 3\n".repeat(500)), true);
        check(old, &format!("{old}  c: 3\n"), true);
        check(old, &format!("{old}c: 3\n"), false);
        check(old, &old.replace("a: 1", "a: 2"), false);
        check(old, &old.replace("---\n", "--- # x\n"), false);
        check(old, &old.replace("---\n", ""), false);
        check(old, &old.replace("spec:\n", "---\nspec:\n"), false);
        check(old, &old.replace("hook: test", "hook: post-delete"), false);
        check(old, &old.replace("    helm.sh/hook: test\n", ""), false);
        check(old, &old.replace("  b: 2\n", "  b: 2\n  c: helm.sh/hook\n"), false);
        check("a: 1\n", "a: 1", false);
    }

    #[test]
    fn unindented_lines_are_found_wherever_they_stand() {
        for before in 0..2 * CHUNK + 2 {
            let text = format!("{}\n  b\n{}\nc\n\nd", "a".repeat(before), " ".repeat(before));
            let all = || {
                let mut at = 0;
                std::iter::from_fn(|| {
                    at = next_unindented(text.as_bytes(), at);
                    (at < text.len()).then_some(at)
                })
                .collect::<Vec<_>>()
            };
            let is_start = |at: &usize| text.as_bytes()[at - 1] == b'\n' && text.as_bytes()[*at] != b' ';
            let expected: Vec<usize> = (1..text.len()).filter(is_start).collect();
            assert_eq!(all(), expected, "{text:?}");
        }
    }
}
