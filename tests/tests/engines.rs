//! The same plugin file gives the same bytes in Windlass and in Helm's engine, through either entry.

use std::process::Command;
use windlass_tests::input::streams;
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use xtask::command::{Finished, feed};
use xtask::peers;

/// A plugin with its configuration, as `--set` words for Windlass and as extra arguments for Helm.
const RUNS: &[(&str, &[&str])] = &[
    ("label-injector", &["labels.team=payments"]),
    ("label-injector", &["labels.team=payments", "podTemplates=true", "annotations.note=a: b"]),
    ("sidecar-injector", &["containers[0].name=log-shipper", "containers[0].image=ghcr.io/example/log-shipper:1.10"]),
];

fn in_helm_engine(
    program: &std::path::Path,
    cache: &std::path::Path,
    plugin: &str,
    words: &[&str],
    input: &[u8],
) -> Finished {
    let mut command = Command::new(program);
    command.arg("-cache").arg(cache).arg(needs::plugin(plugin)).args(words);
    feed(&mut command, input).expect("the program starts")
}

#[test]
fn windlass_and_helms_engine_give_the_same_bytes() {
    let Some(program) = needs::peer(peers::HELM_ENGINE) else { return };
    let sandbox = Sandbox::new();
    let cache = sandbox.path().join("wazero");
    for (plugin, words) in RUNS {
        let folder = needs::plugin(plugin).display().to_string();
        for stream in streams() {
            let mut arguments = vec!["run", folder.as_str()];
            arguments.extend(words.iter().flat_map(|word| ["--set", word]));
            let ours = sandbox.run(&arguments, &stream.bytes);
            let theirs = in_helm_engine(&program, &cache, plugin, words, &stream.bytes);
            assert_eq!(
                ours.code == Some(0),
                theirs.code == Some(0),
                "{plugin} on {}:\nwindlass: {}\nHelm's engine: {}",
                stream.name,
                ours.stderr,
                theirs.stderr
            );
            assert!(ours.stdout == theirs.stdout, "{plugin} on {}: not the same bytes", stream.name);
        }
    }
}

/// The plugin compiled for this machine gives the bytes that the sandboxed one gives.
#[test]
fn native_and_sandboxed_code_give_the_same_bytes() {
    let sandbox = Sandbox::new();
    let folder = needs::plugin("label-injector").display().to_string();
    for words in RUNS.iter().filter(|(plugin, _)| *plugin == "label-injector").map(|(_, words)| words) {
        for stream in streams() {
            let mut arguments = vec!["run", folder.as_str()];
            arguments.extend(words.iter().flat_map(|word| ["--set", word]));
            let sandboxed = sandbox.run(&arguments, &stream.bytes);
            let mut native = Command::new(env!("CARGO_BIN_EXE_native-label-injector"));
            let native = feed(native.args(*words), &stream.bytes).expect("the program starts");
            assert_eq!(sandboxed.code == Some(0), native.code == Some(0), "{}: {}", stream.name, native.stderr);
            assert!(sandboxed.stdout == native.stdout, "{}: not the same bytes", stream.name);
        }
    }
}

/// What released Helm sends (helm/helm#31832) cannot be answered; the error says what to do instead.
#[test]
fn the_message_of_released_helm_is_refused_with_advice() {
    let Some(program) = needs::peer(peers::HELM_ENGINE) else { return };
    let mut command = Command::new(program);
    command.args(["-message", "released"]).arg(needs::plugin("label-injector")).arg("labels.team=payments");
    let finished = feed(&mut command, b"kind: A\n").expect("the program starts");
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("plugin error: "), "{}", finished.stderr);
    assert!(finished.stderr.contains("31832"), "{}", finished.stderr);
}

#[test]
fn a_base64_message_is_understood() {
    let Some(program) = needs::peer(peers::HELM_ENGINE) else { return };
    let input = b"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n";
    let run = |message: &str| {
        let mut command = Command::new(&program);
        command.args(["-message", message]).arg(needs::plugin("label-injector")).arg("labels.team=payments");
        feed(&mut command, input).expect("the program starts")
    };
    let (text, base64) = (run("string"), run("base64"));
    assert_eq!(base64.code, Some(0), "{}", base64.stderr);
    assert!(!text.stdout.is_empty() && text.stdout == base64.stdout);
}

/// An error text of the guest reaches the person word for word under Helm's engine, too.
#[test]
fn a_wrong_configuration_says_the_same_everywhere() {
    let Some(program) = needs::peer(peers::HELM_ENGINE) else { return };
    let sandbox = Sandbox::new();
    let input = b"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n";
    let word = "labels.team=not a label";
    let folder = needs::plugin("label-injector").display().to_string();
    let ours = sandbox.run(["run", &folder, "--set", word], input);
    let theirs = in_helm_engine(&program, &sandbox.path().join("wazero"), "label-injector", &[word], input);
    assert_eq!(ours.code, Some(2), "{}", ours.stderr);
    assert!(ours.stdout.is_empty());
    let text = theirs.stderr.split_once("plugin error: ").map(|(_, text)| text.lines().next().unwrap_or_default());
    let text = text.unwrap_or_else(|| panic!("no plugin error: {}", theirs.stderr));
    assert!(ours.stderr.contains(text), "windlass: {}\nHelm's engine: {text}", ours.stderr);
}
