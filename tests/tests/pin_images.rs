//! The sample that needs a grant, against a real registry: with its grant, without, and with the wrong one.

use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use xtask::command::{Finished, feed};
use xtask::peers;
use xtask::registry::Registry;

struct Stage {
    sandbox: Sandbox,
    registry: Registry,
    plugin: String,
}

impl Stage {
    fn new() -> Option<Self> {
        let program = needs::peer(peers::DISTRIBUTION)?;
        let sandbox = Sandbox::new();
        let registry = Registry::start(&program, &sandbox.path().join("registry"), "", "").unwrap();
        Some(Self { sandbox, registry, plugin: needs::plugin("pin-images").display().to_string() })
    }

    fn run(&self, arguments: &[&str], stream: &str) -> Finished {
        feed(&mut self.sandbox.windlass(arguments), stream.as_bytes()).expect("windlass starts")
    }

    /// A pod with an image of the registry.
    fn pod(&self, image: &str) -> String {
        format!(
            "kind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - image: {}/{image}\n",
            self.registry.address()
        )
    }

    /// Runs the plugin on a pod with `image`; `code` and a part of stderr are expected, and nothing on stdout.
    #[track_caller]
    fn refuse(&self, image: &str, grants: &[&str], code: i32, says: &str) {
        let plain = format!("plainHttp[0]={}", self.registry.address());
        let arguments = [&["run", &self.plugin, "--set", &plain], grants].concat();
        let finished = self.run(&arguments, &self.pod(image));
        assert_eq!(finished.code, Some(code), "{}", finished.stderr);
        assert!(finished.stderr.contains(says), "expected `{says}` in {}", finished.stderr);
        assert!(finished.stdout.is_empty());
    }
}

#[test]
fn images_are_pinned_with_the_grant_and_only_with_it() {
    let Some(stage) = Stage::new() else { return };
    let address = stage.registry.address().to_owned();
    // Anything with a manifest is an image to a registry.
    let pushed =
        stage.run(&["push", &stage.plugin, &format!("oci://{address}/plugins"), "--plain-http", "-o", "json"], "");
    assert_eq!(pushed.code, Some(0), "{}", pushed.stderr);
    let pushed: serde_json::Value = serde_json::from_slice(&pushed.stdout).unwrap();
    let digest = pushed["digest"].as_str().expect("the digest of what was pushed").to_owned();

    let plain = format!("plainHttp[0]={address}");
    // Proxies of the environment lead nowhere, and are not asked.
    let mut command = stage.sandbox.windlass(["run", &stage.plugin, "--set", &plain, "--allow-net", &address]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, "http://127.0.0.1:9");
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    let pinned = feed(&mut command, stage.pod("plugins/pin-images:0.1.0").as_bytes()).expect("windlass starts");
    assert_eq!(pinned.code, Some(0), "{}", pinned.stderr);
    let expected = stage.pod("plugins/pin-images:0.1.0").replace(
        &format!("{address}/plugins/pin-images:0.1.0"),
        &format!("\"{address}/plugins/pin-images:0.1.0@{digest}\""),
    );
    assert_eq!(String::from_utf8_lossy(&pinned.stdout), expected);

    let flag = format!("--allow-net {address}");
    stage.refuse("plugins/pin-images:0.1.0", &[], 3, "--allow-net HOST[:PORT]");
    stage.refuse("plugins/pin-images:0.1.0", &["--allow-net", "registry.example"], 3, &flag);
    stage.refuse("plugins/missing:1", &["--allow-net", &address], 1, "the registry has no such image");
    let pod = stage.pod("plugins/pin-images:0.1.0");
    let Stage { sandbox, registry, plugin } = stage;
    drop(registry);
    let mut command = sandbox.windlass(["run", &plugin, "--set", &plain, "--allow-net", &address]);
    let finished = feed(&mut command, pod.as_bytes()).expect("windlass starts");
    assert_eq!((finished.code, finished.stdout.is_empty()), (Some(5), true), "{}", finished.stderr);
}
