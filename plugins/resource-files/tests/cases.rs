//! The case folders, each with the folder that it is granted, and the example of the README.

use std::fs;
use std::path::Path;

use resource_files::ResourceFiles;
use windlass_pdk::test::answer_files;

/// Files have names of their own among all cases: which case is asking is not known.
fn answer() {
    answer_files(|path| {
        let name = path.strip_prefix("/resources/")?;
        let cases = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")).ok()?;
        cases.flatten().find_map(|case| fs::read(case.path().join("files").join(name)).ok())
    });
}

#[test]
fn cases() {
    answer();
    windlass_pdk::test::cases::<ResourceFiles>("tests/cases");
}

#[test]
fn readme() {
    windlass_pdk::test::readme("README.md");
}

#[test]
fn a_kustomization_is_read_for_its_resources_alone() {
    let check = |kustomization: Option<&'static str>, expected: &str| {
        answer_files(move |path| match path {
            "/resources/kustomization.yaml" => kustomization.map(|text| text.as_bytes().to_vec()),
            _ => None,
        });
        let error = windlass_pdk::test::run::<ResourceFiles>("", &[], "").expect_err("nothing to add");
        assert!(error.contains(expected), "{error}");
    };
    check(None, "there is no such file; list the files to read in `files`");
    check(Some("resources: []"), "`resources` lists no files");
    check(Some("namePrefix: a\nresources: [a.yaml]"), "`namePrefix` is not read here");
    check(Some("resources: [https://example.com/a.yaml]"), "is no file below the granted folder");
    check(Some("resources: [../a.yaml]"), "is no file below the granted folder");
    check(Some("a: ["), "is not YAML");
}
