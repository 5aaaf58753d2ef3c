//! Which lines a plugin added or extended; that it took nothing away.

/// What happened to a line of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit<'o> {
    /// A line that the input does not have.
    Added(&'o str),
    /// A line of the input with text inserted into it, as in a flow map.
    Extended(&'o str),
}

/// The edits by line number in `output` (from 1), provided that every line of `input` is in `output`, in the same
/// order: as it was, or, where it holds a flow map or ends with an empty value, with text inserted.
///
/// # Errors
/// The first line of `input` that is missing.
pub fn edits<'o>(input: &str, output: &'o str) -> Result<Vec<(usize, Edit<'o>)>, String> {
    let mut expected = input.split_inclusive('\n').enumerate().peekable();
    let mut edits = Vec::new();
    for (index, line) in output.split_inclusive('\n').enumerate() {
        match expected.peek() {
            Some((_, wanted)) if *wanted == line => {
                expected.next();
            }
            Some((_, wanted)) if may_be_extended(wanted) && is_extension(wanted, line) => {
                edits.push((index + 1, Edit::Extended(line)));
                expected.next();
            }
            _ => edits.push((index + 1, Edit::Added(line))),
        }
    }
    match expected.next() {
        None => Ok(edits),
        Some((index, line)) => Err(format!("line {} of the input is not in the output: {line:?}", index + 1)),
    }
}

fn may_be_extended(line: &str) -> bool {
    line.contains('{') || line.trim_end().ends_with(':')
}

/// Whether `shorter` is what is left of `longer` when some of its characters are taken out.
fn is_extension(shorter: &str, longer: &str) -> bool {
    let mut rest = longer.chars();
    longer.len() > shorter.len() && shorter.chars().all(|wanted| rest.any(|found| found == wanted))
}

#[cfg(test)]
mod tests {
    use super::{Edit, edits};

    #[test]
    fn an_added_line_is_found() {
        assert_eq!(edits("a\nb\n", "a\nx\nb\n"), Ok(vec![(2, Edit::Added("x\n"))]));
    }

    #[test]
    fn an_extended_flow_map_is_found() {
        assert_eq!(edits("a: {}\n", "a: {\"b\": 1}\n"), Ok(vec![(1, Edit::Extended("a: {\"b\": 1}\n"))]));
    }

    #[test]
    fn a_changed_line_is_named() {
        assert_eq!(edits("a\nb\n", "a\nbc\n"), Err("line 2 of the input is not in the output: \"b\\n\"".to_owned()));
    }

    #[test]
    fn a_lost_line_end_is_a_change() {
        assert!(edits("a\nb\n", "a\nb").is_err());
    }
}
