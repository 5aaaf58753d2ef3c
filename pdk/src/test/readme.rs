//! Examples in a README that are files of cases, so that they cannot go stale.

use std::fs;
use std::path::PathBuf;
use std::{env, mem};

use super::BLESS;

/// Compares each fenced block of a Markdown file that follows a comment with the path of a file, such as
/// `<!-- tests/cases/first/input.yaml -->`, with that file. Both paths are relative to the package. With
/// `WINDLASS_BLESS=1` the blocks are written instead.
///
/// # Panics
/// When a block differs, when a file cannot be read, or when there is no such block.
pub fn readme(file: &str) {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let read = |path: &str| {
        fs::read_to_string(package.join(path)).unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
    };
    let text = read(file);
    let (filled, blocks) = fill(&text, read);
    assert!(blocks > 0, "{file} has no block below a comment like <!-- tests/cases/first/input.yaml -->");
    if env::var_os(BLESS).is_some_and(|value| value == "1") {
        fs::write(package.join(file), filled).unwrap_or_else(|error| panic!("cannot write {file}: {error}"));
        return;
    }
    assert!(text == filled, "an example in {file} differs from its case: run again with {BLESS}=1");
}

/// The text with its blocks replaced, and how many there are.
fn fill(text: &str, read: impl Fn(&str) -> String) -> (String, usize) {
    let (mut filled, mut blocks) = (String::new(), 0);
    let mut source: Option<&str> = None;
    let mut is_inside = false;
    for line in text.lines() {
        if is_inside {
            if line != "```" {
                continue;
            }
            is_inside = false;
        } else if let Some(path) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) {
            source = Some(path).filter(|path| path.contains('/'));
        } else if let (true, Some(path)) = (line.starts_with("```"), mem::take(&mut source)) {
            is_inside = true;
            blocks += 1;
            filled.push_str(line);
            filled.push('\n');
            filled.push_str(read(path).trim_end_matches('\n'));
            filled.push('\n');
            continue;
        }
        filled.push_str(line);
        filled.push('\n');
    }
    (filled, blocks)
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn only_blocks_below_a_path_are_filled() {
        let text = "a\n<!-- x/y.yaml -->\n```yaml\nold\n```\nb\n```sh\nkept\n```\n<!-- a comment -->\n";
        let filled = "a\n<!-- x/y.yaml -->\n```yaml\nnew: x/y.yaml\n```\nb\n```sh\nkept\n```\n<!-- a comment -->\n";
        let read = |path: &str| format!("new: {path}\n");
        assert_eq!(fill(text, read), (filled.to_owned(), 1));
        assert_eq!(fill(filled, read), (filled.to_owned(), 1));
    }
}
