//! What the Markdown files of the repository show in `console` blocks is what happens (how: `windlass_tests::session`).

use windlass_tests::session;

#[test]
fn sessions_in_markdown_files_are_true() {
    for file in session::files() {
        session::check(&file);
    }
}
