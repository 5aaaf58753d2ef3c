//! `cargo xtask dist`: a release from the program and the plugins that are built, as the release workflow makes it.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use xtask::{dist, workspace};

const MUSL: &str = "x86_64-unknown-linux-musl";

fn run(words: &[&str]) {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    dist::run(&words).unwrap_or_else(|failure| panic!("dist {words:?}: {failure}"));
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Runs a program of the system in a folder.
fn system(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn blob(layout: &Path, descriptor: &Value) -> PathBuf {
    layout.join("blobs").join(descriptor["digest"].as_str().unwrap().replace(':', "/"))
}

#[test]
fn a_release_is_complete_and_the_same_each_time() {
    let sandbox = Sandbox::new();
    let release = |name: &str| {
        let out = sandbox.path().join(name);
        // The release's own program is a static one, which takes minutes to build; everything after it is the same.
        let program = needs::windlass().display().to_string();
        run(&[
            "--target",
            MUSL,
            "--binary",
            &program,
            "--out",
            &out.display().to_string(),
            "--url",
            "https://example.org/v1",
        ]);
        out
    };
    let (out, again) = (release("one"), release("two"));
    assert_eq!(
        std::fs::read_to_string(out.join("SHA256SUMS")).unwrap(),
        std::fs::read_to_string(again.join("SHA256SUMS")).unwrap(),
        "two releases of the same sources"
    );
    system(&out, "sha256sum", &["--check", "--strict", "SHA256SUMS"]);
    let name = format!("windlass-{}-{MUSL}", dist::version());

    // The archive: the program works from it, with its plugins.
    system(&out, "tar", &["-xzf", &format!("{name}.tar.gz")]);
    let folder = out.join(&name);
    for file in
        ["LICENSE", "README.md", "CHANGELOG.md", "completions/_windlass", "man/windlass.1", "man/windlass-run.1"]
    {
        assert!(folder.join(file).is_file(), "{file}");
    }
    let shown = system(&folder, "./windlass", &["inspect", "label-injector"]);
    assert!(shown.starts_with("label-injector "), "{shown}");

    // The formula has the digest of the archive.
    let sums = std::fs::read_to_string(out.join("SHA256SUMS")).unwrap();
    let digest = sums.lines().find_map(|line| line.strip_suffix(&format!("  {name}.tar.gz"))).unwrap();
    let formula = std::fs::read_to_string(out.join("windlass.rb")).unwrap();
    assert!(
        formula.contains(&format!("url \"https://example.org/v1/{name}.tar.gz\"\n      sha256 \"{digest}\"")),
        "{formula}"
    );
    assert!(!formula.contains("on_macos"), "{formula}");

    the_bill_of_materials_is_whole(&json(&out.join(format!("{name}.cdx.json"))));
    the_image_runs(&sandbox, &out);
}

/// Every package that Cargo compiles into the program is there with a digest, and every reference leads somewhere.
fn the_bill_of_materials_is_whole(document: &Value) {
    let components = document["components"].as_array().unwrap();
    let references: Vec<&str> = components.iter().map(|one| one["bom-ref"].as_str().unwrap()).collect();
    for name in ["wasmtime", "ring", "windlass-manifest", "label-injector"] {
        assert!(components.iter().any(|one| one["name"] == name), "{name}");
    }
    assert!(components.iter().all(|one| one["name"] != "proptest"), "what only tests need");
    let from_crates_io = components.iter().filter(|one| one["externalReferences"].is_array());
    for component in from_crates_io.filter(|one| !one["name"].as_str().unwrap().starts_with("windlass")) {
        assert_eq!(component["hashes"][0]["content"].as_str().unwrap_or_default().len(), 64, "{component}");
        assert!(component["licenses"][0]["expression"].is_string(), "{component}");
    }
    let root = document["metadata"]["component"]["bom-ref"].as_str().unwrap();
    for dependency in document["dependencies"].as_array().unwrap() {
        for reference in dependency["dependsOn"].as_array().unwrap().iter().chain([&dependency["ref"]]) {
            let reference = reference.as_str().unwrap();
            assert!(reference == root || references.contains(&reference), "{reference}");
        }
    }
}

/// The layer holds what its configuration says: program, certificates, and plugins by their names.
fn the_image_runs(sandbox: &Sandbox, out: &Path) {
    let layout = out.join("image");
    let index = json(&blob(&layout, &json(&layout.join("index.json"))["manifests"][0]));
    assert_eq!(index["manifests"][0]["platform"]["architecture"], "amd64");
    let manifest = json(&blob(&layout, &index["manifests"][0]));
    let config = json(&blob(&layout, &manifest["config"]));
    assert_eq!(config["config"]["Entrypoint"][0], "/usr/bin/windlass");
    let root = sandbox.path().join("root");
    std::fs::create_dir(&root).unwrap();
    let layer = blob(&layout, &manifest["layers"][0]).display().to_string();
    system(&root, "tar", &["-xzf", &layer]);
    let certificates = std::fs::read_to_string(root.join("etc/ssl/certs/ca-certificates.crt")).unwrap();
    assert!(certificates.matches("BEGIN CERTIFICATE").count() > 50);
    let mut program = Command::new(root.join("usr/bin/windlass"));
    program.env_clear().env("HOME", root.join("home/windlass"));
    let listed = program.args(["list", "--bundled", "--output", "json"]).output().unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let names: Vec<&str> =
        listed["plugins"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, workspace::plugin_names().unwrap());
}

#[test]
fn a_step_that_lacks_the_one_before_says_so() {
    let sandbox = Sandbox::new();
    let out = sandbox.path().display().to_string();
    for (words, expected) in [
        // First, as a step that fails may leave its folder behind.
        (vec!["push-image", "host/name:tag", "--out", &out], "dist image"),
        (vec!["image", "--out", &out], "dist archive"),
        (vec!["sign", "--out", &out], "dist checksums"),
        (vec!["imgae"], "has no step `imgae`"),
        (vec!["--tagret"], "unknown argument `--tagret`"),
    ] {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let failure = dist::run(&words).expect_err("it lacks something");
        assert!(failure.to_string().contains(expected), "{words:?}: {failure}");
    }
}
