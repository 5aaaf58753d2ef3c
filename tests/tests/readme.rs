//! What the Markdown files of the repository show in `console` blocks is what happens (how: `windlass_tests::session`).

use windlass_tests::session;

#[test]
fn sessions_in_markdown_files_are_true() {
    for file in session::files() {
        session::check(&file);
    }
}

/// A session that is not true must fail, or the test above shows nothing.
#[test]
fn a_session_that_lies_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = |text: &str| {
        let file = folder.path().join("session.md");
        std::fs::write(&file, text).expect("a file");
        session::is_true(&file)
    };
    assert!(check("```console\n$ test -f Cargo.toml\n$ echo a; echo b >&2; echo c\na\n...\nc\n```\n"));
    assert!(check("```console tmp\n$ mkdir here\n```\n```console tmp\n$ ls\nhere\n$ false || echo $?\n1\n```\n"));
    assert!(check("```console\n$ sh -c 'echo no; exit 3'\nno\n$ echo $?\n3\n```\n"));
    assert!(!check("```console\n$ echo a\nb\n```\n"), "another output");
    assert!(!check("```console\n$ echo a\n```\n"), "an output that is not shown");
    assert!(!check("```console\n$ true\na\n```\n"), "an output that is missing");
    assert!(!check("```console\n$ false\n```\n"), "a silent failure");
    assert!(check("```console skip\n$ false\n```\n"));
}
