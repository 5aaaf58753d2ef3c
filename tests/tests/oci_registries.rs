//! The whole way, on two real registries: one without the referrers API (CNCF Distribution), one with it. What other
//! programs make of it is in `oci_peers.rs`.

use serde_json::Value;
use std::path::Path;
use windlass_tests::needs;
use windlass_tests::shipping::{PLUGIN, STREAM, Stage, key};
use xtask::command::feed;

#[test]
fn the_whole_way_on_distribution() {
    if let Some(stage) = Stage::distribution() {
        the_whole_way(&stage);
    }
}

#[test]
fn the_whole_way_on_a_registry_with_referrers() {
    if let Some(stage) = Stage::with_referrers() {
        the_whole_way(&stage);
    }
}

fn the_whole_way(stage: &Stage) {
    let plugin = needs::plugin(PLUGIN).display().to_string();
    let (public, secret) = (key("public.gpg"), key("secret.gpg"));
    let plugins = stage.oci("plugins");
    let reference = stage.oci(&format!("plugins/{PLUGIN}:0.1.0"));

    // Push: new, then there already, though a signature is never the same twice; other content is refused.
    let pushed = stage.answer_like("push", &["push", &plugin, &plugins, "--sign", &secret]);
    assert_eq!(pushed["new"], true);
    let again = stage.answer(&["push", &plugin, &plugins, "--sign", &secret]);
    assert_eq!((&again["new"], &again["digest"]), (&Value::Bool(false), &pushed["digest"]));
    let other = stage.sandbox.path().join("other");
    std::fs::create_dir(&other).unwrap();
    for file in ["plugin.yaml", "plugin.wasm"] {
        std::fs::copy(Path::new(&plugin).join(file), other.join(file)).unwrap();
    }
    std::fs::write(other.join("README.md"), "other").unwrap();
    let other = other.display().to_string();
    stage.refuse(&["push", &other, &plugins], b"", 3, "other content");

    // Trust: by signature, by digest, not by nothing.
    let run = ["run", &reference, "--set", "labels.team=x"];
    stage.refuse(&run, STREAM, 3, "is not trusted");
    let stream = stage.succeed(&[&run[..], &["--keyring", &public]].concat(), STREAM);
    assert!(stream.starts_with("apiVersion: v1"), "{stream}");
    let pinned = pushed["pinned"].as_str().unwrap();
    stage.succeed(&["run", pinned], STREAM);
    let verified = stage.answer_like("verify", &["verify", &reference, "--keyring", &public]);
    assert!(verified["trusted"][0].as_str().unwrap().starts_with("signed by"), "{verified}");

    // The lock file: pins, and notices a tag that was moved.
    let pipeline = stage.sandbox.write(
        "windlass.yaml",
        format!("apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: {reference}\n"),
    );
    let pipeline = pipeline.display().to_string();
    stage.refuse(&["run", "--pipeline", &pipeline, "--locked"], STREAM, 3, "windlass lock");
    stage.answer_like("lock", &["lock", "--pipeline", &pipeline]);
    stage.succeed(&["run", "--pipeline", &pipeline, "--locked"], STREAM);
    stage.succeed(&["push", &other, &plugins, "--force"], b"");
    stage.refuse(&["run", "--pipeline", &pipeline], STREAM, 3, "moved the tag");
    stage.succeed(&["run", "--pipeline", &pipeline, "--locked"], STREAM);
    stage.refuse(&["lock", "--pipeline", &pipeline], b"", 3, "moved the tag");
    let lock = stage.sandbox.path().join("windlass.lock");
    let text = std::fs::read_to_string(&lock).unwrap();
    let wasm = text.rfind("sha256:").unwrap() + 7;
    let flipped = if text.as_bytes()[wasm] == b'0' { "1" } else { "0" };
    std::fs::write(&lock, format!("{}{flipped}{}", &text[..wasm], &text[wasm + 1..])).unwrap();
    stage.refuse(&["run", "--pipeline", &pipeline, "--locked"], STREAM, 3, "in the lock file");

    // A plugin that was changed on disk is fetched again, never run.
    for entry in std::fs::read_dir(stage.sandbox.path().join("cache/oci")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }
    stage.succeed(&["run", pinned], STREAM);
    stage.succeed(&["install", pinned], b"");
    let pulled = stage.answer_like("pull", &["pull", pinned, "-d", "pulled"]);
    assert!(pulled["archive"].as_str().unwrap().ends_with("label-injector-0.1.0.tgz"));
    let damaged = stage.sandbox.path().join("pulled/label-injector-0.1.0.tgz");
    let verify = |file: &Path| {
        feed(&mut stage.sandbox.windlass(["verify", file.to_str().unwrap(), "--keyring", &public]), b"").unwrap()
    };
    assert_eq!(verify(&damaged).code, Some(0));
    let mut bytes = std::fs::read(&damaged).unwrap();
    let last = bytes.len() - 9;
    bytes[last] ^= 1;
    std::fs::write(&damaged, bytes).unwrap();
    assert_ne!(verify(&damaged).code, Some(0), "a changed byte in the archive is found");

    next_to_a_chart(stage, &plugin, &public, &secret);
}

fn next_to_a_chart(stage: &Stage, plugin: &str, public: &str, secret: &str) {
    let Some((chart, _)) = stage.push_chart() else { return };
    let attached = stage.answer_like("attach", &["attach", &chart, plugin, "--sign", secret]);
    assert_eq!(stage.answer(&["attach", &chart, plugin, "--sign", secret])["plugins"][0]["new"], false);
    let found = stage.answer_like("discover", &["discover", &chart]);
    assert_eq!(found["plugins"][0]["reference"], attached["plugins"][0]["reference"]);
    assert_eq!(found["plugins"].as_array().unwrap().len(), 1);
    let run = ["run", "--for-chart", &chart, "--set", "labels.team=x"];
    stage.refuse(&run, STREAM, 3, "is not trusted");
    stage.succeed(&[&run[..], &["--keyring", public]].concat(), STREAM);

    // Air gap: the chart and what is attached to it, through a folder.
    stage.answer_like("pull-to-layout", &["pull", &chart, "--to-layout", "layout"]);
    let mirror = stage.oci("mirror/app:1.2.3");
    stage.answer_like("push-from-layout", &["push", "--from-layout", "layout", &mirror]);
    let there = stage.answer(&["discover", &mirror]);
    assert_eq!(there["plugins"][0]["digest"], found["plugins"][0]["digest"]);
    stage.succeed(&["run", "--for-chart", &mirror, "--keyring", public], STREAM);
}
