//! Several plugins in one run, named on the command line or in windlass.yaml, give what running them one after the
//! other gives; `diff` tells what a run would do.

use serde_json::Value;
use windlass_tests::input::streams;
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;

const LABEL: &str = "labels.team=payments";
const CONTAINERS: &str = "containers:\n- name: log-shipper\n  image: ghcr.io/example/log-shipper:1.10\n";

/// A pipeline with both plugins, in the sandbox.
fn pipeline(sandbox: &Sandbox) -> String {
    let use_of = |name: &str| needs::plugin(name).display().to_string();
    let text = format!(
        "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: {}\n  config:\n    labels: {{team: payments}}\n\
         - use: {}\n  config:\n    containers:\n    - name: log-shipper\n      image: ghcr.io/example/log-shipper:1.10\n",
        use_of("label-injector"),
        use_of("sidecar-injector"),
    );
    sandbox.write("windlass.yaml", text).display().to_string()
}

#[test]
fn a_chain_is_one_run_after_the_other() {
    let sandbox = Sandbox::new();
    let pipeline = pipeline(&sandbox);
    let config = sandbox.write("containers.yaml", CONTAINERS).display().to_string();
    let labels = needs::plugin("label-injector").display().to_string();
    let sidecars = needs::plugin("sidecar-injector").display().to_string();
    for stream in streams() {
        let first = sandbox.succeed(["run", &labels, "--set", LABEL], &stream.bytes);
        let both = sandbox.succeed(["run", &sidecars, "--config", &config], &first);
        let chained = sandbox.succeed(["run", &labels, &sidecars, "--set", LABEL, "--config", &config], &stream.bytes);
        assert!(chained == both, "{}: arguments", stream.name);
        let piped = sandbox.succeed(["run", "--pipeline", &pipeline], &stream.bytes);
        assert!(piped == both, "{}: windlass.yaml", stream.name);
    }
}

#[test]
fn a_failing_plugin_in_a_chain_prints_nothing() {
    let sandbox = Sandbox::new();
    let labels = needs::plugin("label-injector").display().to_string();
    let sidecars = needs::plugin("sidecar-injector").display().to_string();
    let arguments = ["run", &labels, &sidecars, "--set", LABEL, "--set", "expect=1000"];
    let finished = sandbox.run(arguments, &streams().swap_remove(0).bytes);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(finished.stdout.is_empty());
}

#[test]
fn diff_says_what_a_run_would_change() {
    let sandbox = Sandbox::new();
    let pipeline = pipeline(&sandbox);
    for stream in streams() {
        let diff = sandbox.run(["diff", "--output", "json", "--pipeline", &pipeline], &stream.bytes);
        assert_eq!(diff.code, Some(1), "{}: {}", stream.name, diff.stderr);
        let report: Value = serde_json::from_slice(&diff.stdout).expect("JSON");
        assert_eq!(report["changed"], true);

        // What the pipeline made, it does not change again.
        let output = sandbox.succeed(["run", "--pipeline", &pipeline], &stream.bytes);
        let diff = sandbox.run(["diff", "--pipeline", &pipeline], &output);
        assert_eq!(diff.code, Some(0), "{}: {}", stream.name, String::from_utf8_lossy(&diff.stdout));
    }
}

#[test]
fn an_unknown_key_in_the_pipeline_is_named_with_its_place() {
    let sandbox = Sandbox::new();
    let text = "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: ./a.wasm\n  confg: {}\n";
    let path = sandbox.write("windlass.yaml", text).display().to_string();
    let finished = sandbox.run(["run", "--pipeline", &path], b"");
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(finished.stderr.contains("confg") && finished.stderr.contains(":5:3"), "{}", finished.stderr);
}

const MAIN: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n";
const HOOK: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: seed\n  annotations:\n    helm.sh/hook: pre-install\n";

/// Helm's SDKs call a post-renderer twice under the hook strategy `separate`: README, "Hooks by themselves".
#[test]
fn demands_hold_for_each_call_of_the_hook_strategy_separate() {
    let sandbox = Sandbox::new();
    let labels = needs::plugin("label-injector").display().to_string();
    let patcher = needs::plugin("patcher").display().to_string();
    let patch = ["--set", "patches[0].target.name=web", "--set", "patches[0].patch=data: {a: b}"];
    let with = |plugin: &str, settings: &[&str], input: &str| {
        sandbox.run([&["run", plugin], settings].concat(), input.as_bytes())
    };
    let fails = |plugin: &str, settings: &[&str], input: &str, says: &[&str]| {
        let finished = with(plugin, settings, input);
        assert_eq!(finished.code, Some(1), "{}", finished.stderr);
        assert!(says.iter().all(|text| finished.stderr.contains(text)), "{}", finished.stderr);
    };
    let output = |plugin: &str, settings: &[&str], input: &str| {
        let finished = with(plugin, settings, input);
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        String::from_utf8(finished.stdout).expect("UTF-8")
    };
    // What is demanded of the release as a whole holds for `combined` and for neither of the two calls.
    let two = ["--set", LABEL, "--set", "expect=2"];
    let both = format!("{MAIN}---\n{HOOK}");
    assert_eq!(output(&labels, &two, &both).matches("team: payments").count(), 2);
    fails(&labels, &two, MAIN, &["expected 2 objects to change, but 1 object changed"]);
    fails(&labels, &two, HOOK, &["expected 2 objects to change", "hooks alone", "separate"]);
    // What is in one of them only is missing in the other.
    assert!(output(&patcher, &patch, MAIN).contains("a: b"));
    fails(&patcher, &patch, HOOK, &["patches[0]", "matches no object", "hooks alone"]);
    // Upper bounds and `onMissing: ignore` serve both, and the two calls give what one gives.
    let at_most = ["--set", LABEL, "--set", "expect.max=2"];
    let separate = format!("{}---\n{}", output(&labels, &at_most, MAIN), output(&labels, &at_most, HOOK));
    assert_eq!(separate, output(&labels, &at_most, &both));
    let ignoring = [patch.as_slice(), &["--set", "onMissing=ignore"]].concat();
    let separate = format!("{}---\n{}", output(&patcher, &ignoring, MAIN), output(&patcher, &ignoring, HOOK));
    assert_eq!(separate, output(&patcher, &ignoring, &both));
}
