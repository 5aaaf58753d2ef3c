//! The two ways to read a document must see the same: whatever the fast way accepts, the parser accepts with the same
//! nodes at the same places and the same texts.

use std::process::ExitCode;

fn main() -> ExitCode {
    windlass_fuzz::run("readers", |text, _| windlass_manifest::compare_readers(text).map(|_| ()))
}
