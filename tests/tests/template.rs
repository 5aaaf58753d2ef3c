//! What `windlass new` makes works: its own tests pass, it builds, its cases hold in the sandbox, and the result runs in
//! Windlass and in Helm's engine.

use std::path::Path;
use std::process::Command;
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use xtask::command::feed;
use xtask::{peers, workspace};

const STREAM: &[u8] =
    b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  switch: on # as it was\n";

/// Runs a program and gives its stdout.
fn succeed(command: &mut Command) -> Vec<u8> {
    let finished = feed(command, b"").expect("the program starts");
    assert_eq!(finished.code, Some(0), "{command:?}: {}", finished.stderr);
    finished.stdout
}

/// An installed program has no checkout beside it: the PDK's sources come with the new plugin.
#[test]
fn a_new_plugin_builds_without_a_checkout() {
    let sandbox = Sandbox::new();
    let program = sandbox.path().join("bin/windlass");
    sandbox.write("bin/windlass", "");
    std::fs::copy(needs::windlass(), &program).expect("the program");
    let home = std::env::var_os("HOME").unwrap_or_default();
    let run = |folder: &Path, arguments: &[&str]| {
        let mut command = Command::new(&program);
        sandbox.apply(command.args(arguments)).current_dir(folder);
        command.env("HOME", &home).env("CARGO_TARGET_DIR", workspace::target().join("tests/template"));
        succeed(&mut command)
    };
    run(sandbox.path(), &["new", "far-away"]);
    let folder = sandbox.path().join("far-away");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    assert!(manifest.contains("windlass-pdk = { path = \"vendor/windlass/pdk\" }"), "{manifest}");
    std::fs::copy(workspace::root().join("Cargo.lock"), folder.join("Cargo.lock")).expect("a lock file");
    run(&folder, &["build"]);
    let output = sandbox.succeed(["run", &folder.display().to_string(), "--set", "annotations.team=payments"], STREAM);
    assert!(String::from_utf8_lossy(&output).contains("    team: payments\n"));
}

/// Cargo for the new plugin. It shares the dependencies that the workspace has built.
fn cargo(folder: &Path) -> Command {
    let mut cargo = workspace::cargo();
    cargo.current_dir(folder).env("CARGO_TARGET_DIR", workspace::target().join("tests/template"));
    cargo
}

#[test]
fn the_rust_template_works() {
    let sandbox = Sandbox::new();
    succeed(&mut sandbox.windlass(["new", "my-plugin", "--template", "rust"]));
    let folder = sandbox.path().join("my-plugin");
    // The versions that this workspace was tested with, and no network.
    std::fs::copy(workspace::root().join("Cargo.lock"), folder.join("Cargo.lock")).expect("a lock file");

    succeed(cargo(&folder).args(["test", "--quiet"]));

    let target = workspace::target().join("tests/template");
    let windlass = |arguments: &[&str]| {
        let mut command = sandbox.windlass(arguments);
        // Cargo and rustup find their own folders by the home that they were installed into.
        let home = std::env::var_os("HOME").unwrap_or_default();
        command.env("HOME", home).env("CARGO_TARGET_DIR", &target).current_dir(&folder);
        command
    };
    succeed(&mut windlass(&["build"]));
    let wasm = std::fs::read(folder.join("plugin.wasm")).expect("a module");
    let home = format!("{}/", std::env::var("HOME").unwrap_or_default());
    for machine in [home.as_bytes(), sandbox.path().to_str().expect("a path").as_bytes()] {
        let is_there = wasm.windows(machine.len()).any(|window| window == machine);
        assert!(!is_there, "{} is in the plugin", String::from_utf8_lossy(machine));
    }
    let report = succeed(&mut windlass(&["test", "--output", "json"]));
    let report: serde_json::Value = serde_json::from_slice(&report).expect("JSON");
    assert_eq!(report["failed"], 0, "{report}");
    assert!(report["passed"].as_u64().is_some_and(|passed| passed >= 3), "{report}");

    let word = "annotations.team=payments";
    let output = sandbox.succeed(["run", &folder.display().to_string(), "--set", word], STREAM);
    let text = String::from_utf8(output.clone()).expect("UTF-8");
    assert!(text.contains("    team: payments\n") && text.contains("  switch: on # as it was\n"), "{text}");

    let Some(engine) = needs::peer(peers::HELM_ENGINE) else { return };
    let config = "annotations={\"managed-by\": \"my-plugin\"}";
    let mut command = Command::new(engine);
    command.args(["-config", config]).arg(folder.join("plugin.wasm")).arg(word);
    let theirs = feed(&mut command, STREAM).expect("the program starts");
    assert_eq!(theirs.code, Some(0), "{}", theirs.stderr);
    assert_eq!(String::from_utf8_lossy(&theirs.stdout), text, "Helm's engine and Windlass");
}
