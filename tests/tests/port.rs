//! Converted pipelines do what the artefacts did: for each case of `host/port/tests/convert` with a file `old` that
//! names its command, the old tool runs for real and `windlass port compare` holds the pipeline to it.

use std::path::{Path, PathBuf};

use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use xtask::command::feed;
use xtask::helm::Version;
use xtask::{streams, tools, workspace};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("a case") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() { copy(&path, &target) } else { std::fs::copy(&path, &target).map(drop).expect("copied") }
    }
}

/// Whether this machine has what the artefact is run by, beside the tools that the tests bring.
fn has(program: &str, arguments: &[&str]) -> bool {
    std::process::Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// The project's own chart without what kustomize refuses, two objects of one name, and without claim templates: that
/// labels do not reach these is a listed betterment.
fn plain_stream(folder: &Path) -> PathBuf {
    let text = std::fs::read_to_string(streams::recorded(Version::Four, streams::CHARTS[0])).expect("a recording");
    let is_plain = |document: &&str| !["shop-twice", "volumeClaimTemplates"].iter().any(|text| document.contains(text));
    let documents: Vec<&str> = text.split("\n---\n").filter(is_plain).collect();
    let path = folder.join("plain.yaml");
    std::fs::write(&path, documents.join("\n---\n")).expect("a stream");
    path
}

#[test]
fn converted_pipelines_mean_what_the_old_tools_do() {
    let (Some(kustomize), Some(yq)) = (needs::tool(tools::KUSTOMIZE), needs::tool(tools::YQ)) else { return };
    let folders = [&kustomize, &yq].map(|tool| tool.parent().expect("a folder").to_owned());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&path))).expect("a PATH");
    let has_python = has("python3", &["-c", "import yaml"]);
    let has_kubectl = has("kubectl", &["kustomize", "--help"]);
    let sandbox = Sandbox::new();
    let stream = workspace::corpus()
        .map_or_else(|| plain_stream(sandbox.path()), |corpus| corpus.join("helm4/ingress-nginx.yaml"));
    let mut cases: Vec<_> = std::fs::read_dir(workspace::root().join("host/port/tests/convert"))
        .expect("cases")
        .map(|entry| entry.expect("a case").path())
        .filter(|case| case.join("old").is_file())
        .collect();
    cases.sort();
    let (mut equal, mut wrong) = (0, Vec::new());
    for case in &cases {
        let old = std::fs::read_to_string(case.join("old")).expect("the command");
        let name = case.file_name().expect("a name").to_string_lossy().into_owned();
        if (old.starts_with("python3") && !has_python) || (name.starts_with("kubectl") && !has_kubectl) {
            continue;
        }
        let place = sandbox.path().join(&name);
        copy(case, &place);
        let mut compare =
            sandbox.windlass(["port", "compare", "--old", old.trim(), "--new", "expected.yaml", "--input"]);
        compare.arg(&stream).current_dir(&place).env("PATH", &path);
        let finished = feed(&mut compare, b"").expect("windlass starts");
        match finished.code {
            Some(0) => equal += 1,
            _ => wrong.push(format!("{name}: {}{}", String::from_utf8_lossy(&finished.stdout), finished.stderr)),
        }
    }
    println!("{equal} of {} artefacts give the same meaning", equal + wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(equal >= 20, "{equal}: the cases have become few");
}

/// The page that walks a team through the move shows what happens.
#[test]
fn moving_to_helm_4_is_as_the_page_says() {
    windlass_tests::session::check(&workspace::root().join("docs/moving-to-helm-4.md"));
}
