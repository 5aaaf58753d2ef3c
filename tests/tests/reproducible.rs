//! The same sources give the same plugins and the same packages, wherever they are built; nobody's folders are in them.

use std::path::Path;
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use windlass_tests::shipping::PLUGIN;
use xtask::{build, setup, workspace};

/// Copies the sources of the workspace.
fn copy_sources(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_file() {
            std::fs::copy(&path, to.join(name)).unwrap();
        } else if path.is_dir() && name != "target" && name != ".git" {
            copy_sources(&path, &to.join(name));
        }
    }
}

#[test]
fn two_builds_give_the_same_plugin_and_the_same_package() {
    let sandbox = Sandbox::new();
    let sources = sandbox.path().join("sources of somebody else");
    copy_sources(workspace::root(), &sources);
    let target = sandbox.path().join("built");
    build::compile(&sources, &target, PLUGIN).unwrap();

    let built = target.join(setup::WASM_TARGET).join("plugin").join(PLUGIN.replace('-', "_")).with_extension("wasm");
    let theirs = sandbox.path().join("theirs");
    std::fs::create_dir(&theirs).unwrap();
    std::fs::copy(built, theirs.join("plugin.wasm")).unwrap();
    std::fs::copy(sources.join("plugins").join(PLUGIN).join("plugin.yaml"), theirs.join("plugin.yaml")).unwrap();
    let ours = needs::plugin(PLUGIN);
    let wasm = |folder: &Path| std::fs::read(folder.join("plugin.wasm")).unwrap();
    assert!(
        wasm(&theirs) == wasm(&ours),
        "another folder gives another plugin.wasm: is `cargo xtask build` up to date?"
    );

    for runtime in ["subprocess", "extism"] {
        let package = |folder: &Path, to: &str| {
            let folder = folder.display().to_string();
            let answer = sandbox.succeed(["package", &folder, "--runtime", runtime, "-d", to, "--output", "json"], b"");
            serde_json::from_slice::<serde_json::Value>(&answer).unwrap()["digest"].clone()
        };
        assert_eq!(package(&ours, "by-us"), package(&theirs, "by-them"), "{runtime}");
    }
}

#[test]
fn no_folder_of_this_machine_is_in_a_plugin() {
    let folders = ["HOME", "CARGO_HOME", "RUSTUP_HOME"].iter().filter_map(std::env::var_os);
    let folders: Vec<String> = folders
        .map(|folder| folder.to_string_lossy().into_owned())
        .chain([workspace::root().display().to_string()])
        .map(|folder| format!("{}/", folder.trim_end_matches('/')))
        .filter(|folder| folder.len() > 2)
        .collect();
    for name in workspace::plugin_names().unwrap() {
        let wasm = std::fs::read(needs::plugin(&name).join("plugin.wasm")).unwrap();
        for folder in &folders {
            let is_there = wasm.windows(folder.len()).any(|window| window == folder.as_bytes());
            assert!(!is_there, "{folder} is in {name}");
        }
    }
}
