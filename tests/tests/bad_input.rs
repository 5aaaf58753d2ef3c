//! What goes wrong from outside: each case is one clear error on stderr, the exit code of the table in design §3, and
//! nothing on stdout.

use std::path::Path;
use std::process::Stdio;
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use xtask::command::{Finished, feed};

const NAMESPACE: &[u8] = b"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n";

/// A stream that is not YAML, in its second document, on the sixth line.
const BROKEN: &[u8] = b"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n---\nkind: [\n";

fn label_injector() -> String {
    needs::plugin("label-injector").display().to_string()
}

/// Checks exit code, empty stdout, and that stderr says each of `says`, without a Rust panic.
fn refused(finished: &Finished, code: i32, says: &[&str]) {
    assert_eq!(finished.code, Some(code), "{}", finished.stderr);
    assert!(finished.stdout.is_empty(), "stdout: {}", String::from_utf8_lossy(&finished.stdout));
    assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
    for text in says {
        assert!(finished.stderr.contains(text), "no `{text}` in: {}", finished.stderr);
    }
}

fn check(arguments: &[&str], input: &[u8], code: i32, says: &[&str]) {
    refused(&Sandbox::new().run(arguments, input), code, says);
}

#[test]
fn no_plugin() {
    check(&["run"], NAMESPACE, 2, &["PLUGIN"]);
}

#[test]
fn a_plugin_that_is_not_there() {
    check(&["run", "./nowhere.wasm"], NAMESPACE, 2, &["nowhere.wasm"]);
}

#[test]
fn a_file_that_is_not_wasm() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("text.wasm", "a text of some length");
    refused(&sandbox.run(["run", &file.display().to_string()], NAMESPACE), 2, &["`text`", "not a WebAssembly module"]);
}

#[test]
fn a_component_instead_of_a_module() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("component.wasm", b"\0asm\x0d\0\x01\0");
    refused(&sandbox.run(["run", &file.display().to_string()], NAMESPACE), 2, &["component"]);
}

#[test]
fn a_wrong_configuration_key() {
    check(&["run", &label_injector(), "--set", "lables.team=a"], NAMESPACE, 2, &["lables", "`labels`"]);
}

#[test]
fn a_wrong_type() {
    check(&["run", &label_injector(), "--set", "labels.team[0]=a"], NAMESPACE, 2, &["labels.team"]);
}

#[test]
fn an_invalid_label() {
    check(&["run", &label_injector(), "--set", "labels.team=not a label"], NAMESPACE, 2, &["not a label"]);
}

#[test]
fn a_stream_that_cannot_be_parsed() {
    check(&["run", &label_injector(), "--set", "labels.team=a"], BROKEN, 2, &["document 2", "line 6"]);
}

#[test]
fn input_that_cannot_be_read_is_exit_code_2_whoever_reads_it() {
    let settings: [(&str, &[&str]); 15] = [
        ("label-injector", &["--set", "labels.team=a"]),
        ("sidecar-injector", &["--set", "containers[0].name=a", "--set", "containers[0].image=a"]),
        (
            "patcher",
            &["--set", "patches[0].target.kind=Namespace", "--set", "patches[0].patch=metadata: {labels: {a: b}}"],
        ),
        ("kstatus", &[]),
        ("images", &["--set", "pullPolicy=Always"]),
        ("select", &["--set", "crds=none"]),
        ("namespace", &["--set", "namespace=a"]),
        ("containers", &["--set", "preset=restricted"]),
        ("scheduling", &["--set", "priorityClassName=a"]),
        ("rename", &["--set", "namePrefix=a-"]),
        ("checksum", &[]),
        ("hooks", &["--set", "rules[0].weight=1"]),
        ("policy", &["--set", "presets[0]=noLatest"]),
        ("expression", &["--set", "expression=."]),
        ("server-side-apply", &[]),
    ];
    for (plugin, settings) in settings {
        let plugin = needs::plugin(plugin).display().to_string();
        for input in [BROKEN, b"kind: A\nname: \xff\n".as_slice(), b"- a list\n"] {
            for command in ["run", "diff"] {
                let arguments = [[command, plugin.as_str()].as_slice(), settings].concat();
                check(&arguments, input, 2, &["line"]);
            }
        }
    }
}

#[test]
fn a_stream_that_is_not_utf_8() {
    check(&["run", &label_injector(), "--set", "labels.team=a"], b"kind: A\nname: \xff\n", 2, &["UTF-8", "line 2"]);
}

#[test]
fn no_home_directory() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.windlass(["run", &label_injector(), "--set", "labels.team=a"]);
    command.env_remove("HOME").env_remove("WINDLASS_CACHE_DIR");
    let finished = feed(&mut command, NAMESPACE).expect("windlass starts");
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stderr.contains("warning: there is no cache folder"), "{}", finished.stderr);
}

#[test]
fn a_cache_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("a-file", "");
    let mut command = sandbox.windlass(["run", &label_injector(), "--set", "labels.team=a"]);
    command.env("WINDLASS_CACHE_DIR", file.join("cache"));
    let finished = feed(&mut command, NAMESPACE).expect("windlass starts");
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stderr.contains("--no-cache"), "{}", finished.stderr);
}

#[test]
fn without_a_cache_it_works_without_a_home() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.windlass(["run", "--no-cache", &label_injector(), "--set", "labels.team=a"]);
    command.env_remove("HOME").env_remove("WINDLASS_CACHE_DIR");
    let finished = feed(&mut command, NAMESPACE).expect("windlass starts");
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

/// `/dev/full` answers every write as a full disk does.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk() {
    let sandbox = Sandbox::new();
    let input = sandbox.write("stream.yaml", NAMESPACE);
    let full = std::fs::OpenOptions::new().write(true).open(Path::new("/dev/full")).expect("/dev/full");
    let mut command = sandbox.windlass(["run", &label_injector(), "--set", "labels.team=a", "--file"]);
    let output = command.arg(input).stdout(full).stderr(Stdio::piped()).output().expect("windlass starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(0), "{stderr}");
    assert!(!stderr.contains("panicked") && stderr.contains("stdout"), "{stderr}");
}

#[test]
#[cfg(unix)]
fn a_closed_stdout() {
    let sandbox = Sandbox::new();
    let input = sandbox.write("stream.yaml", NAMESPACE);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = sandbox.windlass(["run", &label_injector(), "--set", "labels.team=a", "--file"]);
    let output = command.arg(input).stdout(writer).stderr(Stdio::piped()).output().expect("windlass starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(0), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}
