//! The whole way, on two real registries: one without the referrers API (CNCF Distribution), one with it; and real Helm
//! installs what we push.

use serde_json::Value;
use std::path::{Path, PathBuf};
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use xtask::command::feed;
use xtask::helm::Version;
use xtask::peers;
use xtask::registry::Registry;
use xtask::{tools, workspace};

fn key(name: &str) -> String {
    workspace::root().join("tests/keys").join(name).display().to_string()
}

struct Stage {
    sandbox: Sandbox,
    registry: Registry,
}

impl Stage {
    /// Windlass, told to speak plain HTTP, with a store of its own.
    fn run(&self, arguments: &[&str], input: &[u8]) -> xtask::command::Finished {
        let mut command = self.sandbox.windlass(arguments);
        command.arg("--plain-http").env("WINDLASS_CACHE_DIR", self.sandbox.path().join("cache"));
        feed(&mut command, input).expect("windlass starts")
    }

    #[track_caller]
    fn succeed(&self, arguments: &[&str], input: &[u8]) -> String {
        let finished = self.run(arguments, input);
        assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
        String::from_utf8(finished.stdout).unwrap()
    }

    #[track_caller]
    fn answer(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.succeed(&[arguments, &["-o", "json"]].concat(), b"")).unwrap()
    }

    #[track_caller]
    fn refuse(&self, arguments: &[&str], input: &[u8], code: i32, says: &str) {
        let finished = self.run(arguments, input);
        assert_eq!(finished.code, Some(code), "{arguments:?}: {}", finished.stderr);
        assert!(finished.stderr.contains(says), "{arguments:?}: expected `{says}` in {}", finished.stderr);
    }

    fn oci(&self, path: &str) -> String {
        format!("oci://{}/{path}", self.registry.address())
    }
}

const STREAM: &[u8] = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n";

fn distribution() -> Option<Stage> {
    let program = needs::tool(tools::REGISTRY)?;
    let sandbox = Sandbox::new();
    let registry = Registry::start(&program, &sandbox.path().join("registry"), "", "").unwrap();
    Some(Stage { sandbox, registry })
}

fn with_referrers() -> Option<Stage> {
    let program = needs::peer(peers::REGISTRY)?;
    Some(Stage { sandbox: Sandbox::new(), registry: Registry::start_printing(&program).unwrap() })
}

#[test]
fn the_whole_way_on_distribution() {
    if let Some(stage) = distribution() {
        the_whole_way(&stage);
    }
}

#[test]
fn the_whole_way_on_a_registry_with_referrers() {
    if let Some(stage) = with_referrers() {
        the_whole_way(&stage);
    }
}

fn the_whole_way(stage: &Stage) {
    let plugin = needs::plugin("label-injector").display().to_string();
    let (public, secret) = (key("public.gpg"), key("secret.gpg"));
    let plugins = stage.oci("plugins");
    let reference = stage.oci("plugins/label-injector:0.1.0");

    // Push: new, then there already, though a signature is never the same twice; other content is refused.
    let pushed = stage.answer(&["push", &plugin, &plugins, "--sign", &secret]);
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
    let verified = stage.answer(&["verify", &reference, "--keyring", &public]);
    assert!(verified["trusted"][0].as_str().unwrap().starts_with("signed by"), "{verified}");

    // The lock file: pins, and notices a tag that was moved.
    let pipeline = stage.sandbox.write(
        "windlass.yaml",
        format!("apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: {reference}\n"),
    );
    let pipeline = pipeline.display().to_string();
    stage.refuse(&["run", "--pipeline", &pipeline, "--locked"], STREAM, 3, "windlass lock");
    stage.succeed(&["lock", "--pipeline", &pipeline], b"");
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
    assert!(stage.succeed(&["pull", pinned, "-d", "pulled"], b"").contains("label-injector-0.1.0.tgz"));
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
    helm_installs(stage, &plugin, &public, &secret);
}

fn next_to_a_chart(stage: &Stage, plugin: &str, public: &str, secret: &str) {
    let Some(helm) = stage.sandbox.helm(Version::Four) else { return };
    stage.sandbox.write("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.2.3\n");
    stage.sandbox.write("app/templates/x.yaml", STREAM);
    let helm = |arguments: &[&str]| -> String {
        let mut command = helm.command();
        let finished = feed(command.args(arguments).current_dir(stage.sandbox.path()), b"").unwrap();
        assert_eq!(finished.code, Some(0), "helm {arguments:?}: {}", finished.stderr);
        String::from_utf8(finished.stdout).unwrap()
    };
    helm(&["package", "app"]);
    helm(&["push", "app-1.2.3.tgz", &stage.oci("charts"), "--plain-http"]);
    let chart = stage.oci("charts/app:1.2.3");
    let before = helm(&["show", "chart", &stage.oci("charts/app"), "--plain-http"]);
    let attached = stage.answer(&["attach", &chart, plugin, "--sign", secret]);
    assert_eq!(stage.answer(&["attach", &chart, plugin, "--sign", secret])["plugins"][0]["new"], false);
    let found = stage.answer(&["discover", &chart]);
    assert_eq!(found["plugins"][0]["reference"], attached["plugins"][0]["reference"]);
    assert_eq!(found["plugins"].as_array().unwrap().len(), 1);
    let run = ["run", "--for-chart", &chart, "--set", "labels.team=x"];
    stage.refuse(&run, STREAM, 3, "is not trusted");
    stage.succeed(&[&run[..], &["--keyring", public]].concat(), STREAM);
    assert_eq!(
        helm(&["show", "chart", &stage.oci("charts/app"), "--plain-http"]),
        before,
        "Helm sees the chart as before"
    );

    // Air gap: the chart and what is attached to it, through a folder.
    stage.succeed(&["pull", &chart, "--to-layout", "layout"], b"");
    let mirror = stage.oci("mirror/app:1.2.3");
    stage.succeed(&["push", "--from-layout", "layout", &mirror], b"");
    let there = stage.answer(&["discover", &mirror]);
    assert_eq!(there["plugins"][0]["digest"], found["plugins"][0]["digest"]);
    stage.succeed(&["run", "--for-chart", &mirror, "--keyring", public], STREAM);
}

fn helm_installs(stage: &Stage, plugin: &str, public: &str, secret: &str) {
    let Some(helm) = stage.sandbox.helm(Version::Four) else { return };
    stage.succeed(&["push", plugin, &stage.oci("signed"), "--sign", secret], b"");
    let finish = |arguments: &[&str]| {
        let mut command: std::process::Command = helm.command();
        let release: PathBuf = needs::windlass();
        let path = std::env::join_paths(
            std::iter::once(release.parent().unwrap().to_owned())
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
        );
        let finished =
            feed(command.args(arguments).env("PATH", path.unwrap()).current_dir(stage.sandbox.path()), b"").unwrap();
        assert_eq!(finished.code, Some(0), "helm {arguments:?}: {}", finished.stderr);
        String::from_utf8(finished.stdout).unwrap()
    };
    let reference = stage.oci("signed/label-injector:0.1.0");
    let said = finish(&["plugin", "install", &reference, "--plain-http", "--keyring", public]);
    assert!(said.contains("Plugin Hash Verified"), "{said}");
    stage.sandbox.write("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.2.3\n");
    stage.sandbox.write("app/templates/x.yaml", STREAM);
    let rendered =
        finish(&["template", "r", "app", "--post-renderer", "label-injector", "--post-renderer-args", "labels.team=x"]);
    assert!(rendered.contains("team: x"), "{rendered}");
}
