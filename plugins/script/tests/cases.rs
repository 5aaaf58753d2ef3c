//! The case folders, and the example of the README, which is one of them.

use std::fs;
use std::path::Path;

use script::Script;
use windlass_pdk::test::answer_files;

#[test]
fn cases() {
    // Files have names of their own among all cases: which case is asking is not known.
    answer_files(|path| {
        let name = path.strip_prefix("/scripts/")?;
        let cases = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")).ok()?;
        cases.flatten().find_map(|case| fs::read(case.path().join("files").join(name)).ok())
    });
    windlass_pdk::test::cases::<Script>("tests/cases");
}

#[test]
fn readme() {
    windlass_pdk::test::readme("README.md");
}
