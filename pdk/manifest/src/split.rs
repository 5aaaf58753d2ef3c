//! Splitting a stream into documents, without state: `---` or `...` at the start of a line is always a boundary in
//! YAML, whatever surrounds it. Leading comments and `%` lines belong to the document that follows them.

/// Whether a line, or a text from the start of a line on, starts with this marker (`---` or `...`), followed by white
/// space or its end.
#[must_use]
pub fn is_marker(line: &[u8], marker: &[u8; 3]) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| matches!(rest.first(), None | Some(b' ' | b'\t' | b'\r' | b'\n')))
}

/// The offset just behind the next line end, or the end.
pub(crate) fn next_line(bytes: &[u8], from: usize) -> usize {
    bytes.get(from..).and_then(find_line_end).map_or(bytes.len(), |at| from + at + 1)
}

/// The offset of the first line feed: eight bytes at a time.
pub(crate) fn find_line_end(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    for (position, word) in words.iter().enumerate() {
        let differs = u64::from_le_bytes(*word) ^ (ONES * b'\n' as u64);
        let zeros = differs.wrapping_sub(ONES) & !differs & HIGHS;
        if zeros != 0 {
            return Some(position * 8 + zeros.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|&byte| byte == b'\n').map(|at| words.len() * 8 + at)
}

/// The end of the document that starts at an offset: where the next one starts, or the end of the stream.
pub(crate) fn document_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    if start == 0 && bytes.starts_with("\u{feff}".as_bytes()) {
        at = 3;
    }
    let mut has_start_marker = false;
    let mut has_content = false;
    while at < bytes.len() {
        let line = bytes.get(at..).unwrap_or_default();
        if is_marker(line, b"---") {
            if has_start_marker || has_content {
                return at;
            }
            has_start_marker = true;
        } else if is_marker(line, b"...") {
            return next_line(bytes, at);
        } else if !has_content && !has_start_marker {
            let is_directive = line.first() == Some(&b'%');
            let first = line.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
            has_content = !is_directive && !matches!(first, None | Some(b'\n' | b'#'));
        }
        at = next_line(bytes, at);
    }
    bytes.len()
}

/// The start of a line that starts with `---` and goes on at once: a boundary to Helm 3 and to Kubernetes' own reader
/// of streams, a scalar or a key to YAML.
pub(crate) fn find_glued_marker(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        let line = bytes.get(at..).unwrap_or_default();
        if line.starts_with(b"---") && !is_marker(line, b"---") {
            return Some(at);
        }
        at = next_line(bytes, at);
    }
    None
}

/// How far a document reaches in a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// In bytes.
    pub(crate) length: usize,
    pub(crate) line_ends: usize,
}

/// How many line ends there are.
pub(crate) fn count_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

/// Past white space, line ends and comments.
pub(crate) fn skip_blank(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            b'#' => at += bytes.get(at..).unwrap_or_default().iter().take_while(|&&byte| byte != b'\n').count(),
            _ => break,
        }
    }
    at
}

/// The line end that a text uses first.
pub(crate) fn newline_of(text: &str) -> &'static str {
    match find_line_end(text.as_bytes()) {
        Some(at) if at > 0 && text.as_bytes().get(at - 1) == Some(&b'\r') => "\r\n",
        _ => "\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stream: &str, expected: &[&str]) {
        let mut documents = Vec::new();
        let mut at = 0;
        while at < stream.len() {
            let end = document_end(stream.as_bytes(), at);
            documents.push(&stream[at..end]);
            at = end;
        }
        assert_eq!(documents, expected, "{stream:?}");
    }

    #[test]
    fn splits_at_markers_and_keeps_every_byte() {
        check("", &[]);
        check("a: 1\n", &["a: 1\n"]);
        check("a: 1\n---\nb: 2", &["a: 1\n", "---\nb: 2"]);
        check("---\na: 1\n--- # c\nb: 2\n", &["---\na: 1\n", "--- # c\nb: 2\n"]);
        check("# c\n\n---\na: 1\n", &["# c\n\n---\na: 1\n"]);
        check("%YAML 1.2\n---\na: 1\n...\n# d\n---\nb: 2\n", &["%YAML 1.2\n---\na: 1\n...\n", "# d\n---\nb: 2\n"]);
        check("---\n---\n---\n", &["---\n", "---\n", "---\n"]);
        check("a: |\n  ---\n ---\n----\n---x\n", &["a: |\n  ---\n ---\n----\n---x\n"]);
        check("\u{feff}# c\n---\na: 1\n---", &["\u{feff}# c\n---\na: 1\n", "---"]);
        check("a: 1\r\n---\r\nb: 2\r\n", &["a: 1\r\n", "---\r\nb: 2\r\n"]);
        check("...\n...\n", &["...\n", "...\n"]);
        check("---\n# only\n---\na: 1\n# tail\n", &["---\n# only\n", "---\na: 1\n# tail\n"]);
    }
}
