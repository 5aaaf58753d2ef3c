//! What the two readers make of a text, side by side: for tests and fuzzing, which hold that it is the same, and that
//! it is what go-yaml makes of it.

use crate::emit;
use crate::node::Node;
use crate::read::{self, parser, plain};
use crate::split::{self, Extent, count_lines};
use crate::tree::{NodeData, Shape, Source, Tree, flag};

/// Reads a document both ways: whether the fast way accepts it, or what it sees differently. For tests and fuzzing.
#[doc(hidden)]
pub fn compare_readers(text: &str) -> Result<bool, String> {
    let mut fast = Tree::default();
    let Ok(Extent { length, line_ends }) = plain::read(text, &mut fast) else { return Ok(false) };
    let expected_length = split::document_end(text.as_bytes(), 0);
    if length != expected_length {
        return Err(format!("the document has {expected_length} bytes, not {length}"));
    }
    let expected_line_ends = count_lines(text.as_bytes().get(..length).unwrap_or_default());
    if line_ends != expected_line_ends {
        return Err(format!("the document has {expected_line_ends} line ends, not {line_ends}"));
    }
    let text = text.get(..length).unwrap_or_default();
    let mut slow = Tree::default();
    parser::parse(text, &mut slow).map_err(|problem| format!("the parser refuses it: {}", problem.message))?;
    for index in 0..slow.nodes.len().max(fast.nodes.len()) {
        let describe = |tree: &Tree| {
            let node = tree.nodes.get(index).copied();
            let source = Source { text, tree, first_line: 1 };
            let text = Node::new(source, index as u32, 0).scalar_text().map(|text| text.into_owned());
            let ignored = flag::DECODED | flag::UNDECODED;
            (node.map(|node| NodeData { extra: 0, flags: node.flags & !ignored, ..node }), text)
        };
        let (fast, slow) = (describe(&fast), describe(&slow));
        if fast != slow {
            return Err(format!("node {index} is {slow:?}, not {fast:?}"));
        }
    }
    if slow.has_odd_line_breaks {
        return Err("the line breaks are odd".to_owned());
    }
    Ok(true)
}

/// The nodes of a text's only document as JSON, in the form of `tests/peers/yaml-oracle`: `["plain", "text"]` for a
/// scalar (`""` where it is quoted, `"tag"` where it has a tag), `{"m": [key, value]}`, `{"l": [item]}`,
/// `{"a": "name"}`; or why it is refused. For tests and fuzzing.
#[doc(hidden)]
pub fn nodes_as_json(text: &str) -> Result<String, String> {
    let mut tree = Tree::default();
    read::read(text, &mut tree).map_err(|problem| problem.message)?;
    let source = Source { text, tree: &tree, first_line: 1 };
    let mut out = String::new();
    // The collections that are open: where they end, and what closes them.
    let mut open: Vec<u32> = Vec::new();
    for (index, node) in (0..).zip(&tree.nodes) {
        while open.last() == Some(&index) {
            open.pop();
            out.push_str("]}");
        }
        if index > 0 && !out.ends_with('[') {
            out.push(',');
        }
        match node.shape {
            shape if shape.is_map() || shape.is_list() => {
                out.push_str(if shape.is_map() { "{\"m\":[" } else { "{\"l\":[" });
                open.push(node.next);
            }
            Shape::Alias => {
                out.push_str("{\"a\":");
                let name = text.get(node.start as usize + 1..node.end as usize).unwrap_or_default();
                emit::write_quoted(name, &mut out);
                out.push('}');
            }
            shape => {
                out.push_str(match shape {
                    _ if node.flags & flag::TAG != 0 => "[\"tag\",",
                    Shape::Plain | Shape::Empty => "[\"plain\",",
                    _ => "[\"\",",
                });
                let scalar = Node::new(source, index, 0).scalar_text().unwrap_or_default();
                emit::write_quoted(&scalar, &mut out);
                out.push(']');
            }
        }
    }
    out.extend(open.iter().map(|_| "]}"));
    Ok(if out.is_empty() { "null".to_owned() } else { out })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn check(text: &str, is_plain: bool) {
        match compare_readers(text) {
            Ok(accepted) => assert_eq!(accepted, is_plain, "{text:?}"),
            Err(difference) => panic!("{text:?}: {difference}"),
        }
    }

    #[test]
    fn plain_documents_read_the_same_both_ways() {
        for text in [
            "a: b\n",
            "a: b",
            "---\na: b # c\n",
            "# c\n\n---   # d\n\na:   b  \n\n# e\n",
            "a:\n  b:\n    c: d\n  e: f\ng: h\n",
            "a:\n- b\n- c: d\n  e: f\n-   g:\n    - h\n    - - i\n      - j\nk: l\n",
            "a:\n  - b\n  - \"c\"\n",
            "a:\nb: # c\nc:\n  d:\n",
            "a: |\n  x\n   y\n\n  z\n\n\nb: >-\n  x\n\tno",
            "a: |\n  x",
            "a: |+\n  x\n\n\nb: 1\n",
            "a: |+\n  x\n \n# c\nb: 1\n",
            "a:\n- |\n x\n- >+\n  y\n",
            "a: |\n  x\n  \ty\n    \nb: c\n",
            "\"a\": 'b'\n'c': \"d\\n\\u00e9\"\ne: 'it''s' # f\n",
            "a: [b, \"c\", {d: e, \"f\":1, g: []}, 'h']\nb: {}\nc: [ ] # d\n",
            "a: [serve, --listen, -v, -1, ---, {-b: --c}]\n",
            "a: http://x:80/#y\nb: -c\nd: --e=f\n",
            "a b: c d\n",
            "- a\n- b: c\n",
            "a:\n  {}\nb:\n  - c\n  -   \"d\"\ne:\n    'f' # g\nh:\n  i\n",
            "a: b\n  c\n\n   d # e\nf:\n- g\n  h\ni: j\n\n\n",
            "a:\n  b\n  c\nd: e\n",
            "a: --- b\n  c\n",
            "a: \"b\n  c\n\n   d\\\n   e\\\" \" # f\ng: 'h\n  i''\n\n  j'\n",
            "a: b\n---\nc: d\n",
        ] {
            check(text, !text.contains("\tno"));
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_parser() {
        for text in [
            "a: b\n  # c\n  d\n",
            "a: b # c\n  d\n",
            "a: b\n  c: d\n",
            "a: b\n  - c\n",
            "a: \"b\nc\"\n",
            "a: \"b\n  c\": d\n",
            "a:\n  |\n  b\n",
            "",
            "# c\n",
            "---\n",
            "a\n",
            "\"a\"\n",
            "a: b: c\n",
            "a: &b c\n",
            "a: *b\n",
            "a: !b c\n",
            "? a\n",
            "%YAML 1.2\n---\na: b\n",
            "a: b\n...\n",
            "a:\tb\n",
            "a: b\r\n",
            "a: [b,\n c]\n",
            "a: |2\n  b\n",
            "a: | # c\n  b\n",
            "a: |\n\nb: c\n",
            "<<: {}\n",
            "a: [b: c]\n",
            "a: [b,]\n",
            "a: [-]\n",
            "a: [-, b]\n",
            "a: [- b]\n",
            "a : b\n",
            "a: \"\\q\"\n",
            "a: \"\\/\"\n",
            "a: b\n---c: d\n",
            "a: b\u{85}c\n",
            "a: b\u{2028}c\n",
            "\u{feff}a: b\n",
            "a: b\u{1}\n",
            "a: b\u{7f}\n",
            "-\n",
            "-\n  a: b\n",
            "  a: b\n",
            "a: b\n c: d\n",
            "a:\n    b: c\n  d: e\n",
            "a:\n  - b\n - c\n",
            "--- a\n",
            "a: |\n   \n  b\n",
            "a: 'b' c\n",
            "a: {b}\n",
            "a: {b: }\n",
            "{a: b}\n",
            "a: @b\n",
            "a: `b\n",
            "a: %b\n",
            "a: b\n- c\n",
            "- a\nb: c\n",
        ] {
            check(text, false);
        }
    }

    fn files_below(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                files_below(&entry.path(), found);
            } else if entry.path().extension().is_some_and(|extension| extension == "yaml") {
                found.extend(fs::read_to_string(entry.path()));
            }
        }
    }

    /// The manifests of this crate's tests, and real charts if a folder `shared/corpus` is near.
    fn corpus() -> Vec<String> {
        let start = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = Vec::new();
        files_below(&start.join("tests"), &mut found);
        assert!(found.len() > 25);
        if let Some(folder) =
            start.ancestors().map(|folder| folder.join("shared/corpus")).find(|folder| folder.is_dir())
        {
            files_below(&folder, &mut found);
        }
        found
    }

    #[test]
    fn all_manifests_read_the_same_both_ways() {
        let (mut plain, mut all) = (0, 0);
        for stream in corpus() {
            let mut at = 0;
            while at < stream.len() {
                let rest = &stream[at..];
                let length = split::document_end(rest.as_bytes(), 0);
                match compare_readers(rest) {
                    Ok(true) => plain += length,
                    Ok(false) => {}
                    Err(difference) => panic!("{difference}:\n{}", &rest[..length]),
                }
                all += length;
                at += length;
            }
        }
        assert!(plain > 0 && plain <= all);
        println!("{plain} of {all} bytes are plain");
    }
}
