//! What tools print when nothing is meant, grafted onto what they were given, is what they were given, byte for byte;
//! and of what is meant only that changes.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use windlass_graft::{NoteKind, Options, compare, graft};
use windlass_tests::input::{Stream, streams};
use windlass_tests::needs;
use xtask::{peers, tools};

/// What a program makes of a stream on its standard input; `None` where it does not read such a stream.
fn printed(command: &mut Command, stream: &[u8]) -> Option<String> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
    let mut input = child.stdin.take().expect("its input");
    let stream = stream.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&stream));
    let output = child.wait_with_output().expect("it ends");
    // It may end without having read.
    let _ = writer.join();
    output.status.success().then(|| String::from_utf8(output.stdout).expect("UTF-8"))
}

fn text(stream: &Stream) -> &str {
    std::str::from_utf8(&stream.bytes).expect("UTF-8")
}

/// Every stream, printed again by a tool that was asked for nothing, comes back as it was; what shares its parts by
/// anchors and merge keys, which tools write out, comes back with its meaning.
fn check_reprint(tool: &str, at_least: usize, print: impl Fn(&[u8]) -> Option<String>) {
    let mut count = 0;
    for stream in streams() {
        let Some(answer) = print(&stream.bytes).filter(|answer| !answer.trim().is_empty()) else { continue };
        count += 1;
        let grafted = graft(text(&stream), &answer, &Options::default());
        let grafted = grafted.unwrap_or_else(|error| panic!("{tool}, {}: {error}", stream.name));
        if stream.name.contains("awkward") {
            let left = compare(&grafted.text, text(&stream)).expect("both can be read");
            assert!(left.is_same_but_for_dialects(), "{tool}, {}: {left:?}", stream.name);
        } else if grafted.text != text(&stream) {
            let notes: Vec<String> = grafted.notes.iter().map(ToString::to_string).collect();
            let differs = grafted.text.lines().zip(text(&stream).lines()).find(|(left, right)| left != right);
            panic!("{tool}, {}: {differs:?}, {notes:?}", stream.name);
        }
    }
    assert!(count >= at_least, "{tool} read {count} streams only");
}

/// What kustomize makes of a stream with a kustomization of these lines.
fn kustomized(program: &Path, lines: &str, stream: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("all.yaml"), stream).expect("written");
    let kustomization = format!("resources: [all.yaml]\n{lines}");
    std::fs::write(folder.path().join("kustomization.yaml"), kustomization).expect("written");
    printed(Command::new(program).arg("build").arg(folder.path()), b"")
}

#[test]
fn what_yq_prints_again_comes_back() {
    let Some(yq) = needs::tool(tools::YQ) else { return };
    check_reprint("yq", 2, |stream| printed(Command::new(&yq).arg("."), stream));
}

#[test]
fn what_kustomize_prints_again_comes_back() {
    let Some(program) = needs::tool(tools::KUSTOMIZE) else { return };
    check_reprint("kustomize", 1, |stream| kustomized(&program, "", stream));
}

#[test]
fn what_go_prints_again_comes_back() {
    let Some(program) = needs::peer(peers::YAML_REPRINT) else { return };
    for library in ["v3", "v3-nodes", "sigs", "kyaml"] {
        check_reprint(library, 1, |stream| printed(Command::new(&program).arg(library), stream));
    }
}

#[test]
fn what_python_prints_again_comes_back() {
    const PYYAML: &str = "import sys, yaml\n\
        yaml.safe_dump_all((d for d in yaml.safe_load_all(sys.stdin) if d is not None), sys.stdout)";
    const RUAMEL: &str = "import sys\nfrom ruamel.yaml import YAML\n\
        y = YAML()\ny.allow_duplicate_keys = True\n\
        y.dump_all([d for d in y.load_all(sys.stdin) if d is not None], sys.stdout)";
    for (library, script) in [("yaml", PYYAML), ("ruamel.yaml", RUAMEL)] {
        let python = |script: &str| {
            let mut command = Command::new("python3");
            command.args(["-c", script]).env("PYTHONIOENCODING", "utf-8");
            command
        };
        let import = python(&format!("import {library}")).stderr(Stdio::null()).status();
        if !import.is_ok_and(|status| status.success()) {
            eprintln!("skipped: Python has no {library}");
            continue;
        }
        check_reprint(library, 1, |stream| printed(&mut python(script), stream));
    }
}

/// Each expression changes what it says, in as many lines as that takes, on every stream.
#[test]
fn of_what_is_meant_only_that_changes() {
    let Some(yq) = needs::tool(tools::YQ) else { return };
    for expression in [
        ".metadata.labels.team = \"payments\"",
        "select(.kind != \"ServiceAccount\")",
        "(select(.kind == \"Deployment\") | .spec.replicas) = 3",
        "del(.metadata.labels[\"helm.sh/chart\"])",
        "(.spec.template.spec.containers[]? | .image) |= sub(\"^[^/]*/\", \"mirror.example/\")",
        "(.rules[]?.verbs) |= ([\"audit\"] + .)",
    ] {
        for stream in streams() {
            let Some(answer) = printed(Command::new(&yq).arg(expression), &stream.bytes) else { continue };
            let what = || format!("{expression}, {}", stream.name);
            let grafted = graft(text(&stream), &answer, &Options::default());
            let grafted = grafted.unwrap_or_else(|error| panic!("{}: {error}", what()));
            let left = compare(&grafted.text, &answer).expect("both can be read");
            assert!(left.is_same_but_for_dialects(), "{}: {left:?}", what());
            let is_printed = grafted.notes.iter().any(|note| matches!(note.kind, NoteKind::AsPrinted { .. }));
            assert!(!is_printed || stream.name.contains("awkward"), "{}: {:?}", what(), grafted.notes);
            // A comment goes only with its object.
            let comments = |text: &str| text.lines().filter(|line| line.trim_start().starts_with('#')).count();
            if grafted.removed == 0 && !is_printed {
                assert!(comments(&grafted.text) >= comments(text(&stream)), "{}", what());
            }
        }
    }
}
