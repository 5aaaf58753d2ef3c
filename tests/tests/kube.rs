//! Plugins that look at the cluster, as processes against an API server of our own: what they get, and what stops them.

use serde_json::{Value, json};
use std::time::Instant;
use windlass_tests::api_server::ApiServer;
use windlass_tests::needs;
use windlass_tests::patience::{PATIENCE, out_of_time};
use windlass_tests::sandbox::Sandbox;
use xtask::command::{Finished, feed};

/// Something to render; the guests answer with something else.
const STREAM: &[u8] = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

struct Stage {
    sandbox: Sandbox,
    server: ApiServer,
}

impl Stage {
    fn new() -> Self {
        let (sandbox, server) = (Sandbox::new(), ApiServer::start());
        server.kubeconfig(sandbox.path());
        Self { sandbox, server }
    }

    /// Runs the guest `looks-at-cluster` with this configuration and these grants.
    fn look(&self, config: &[&str], grants: &[&str]) -> Finished {
        let guest = needs::plugin("looks-at-cluster").display().to_string();
        let kubeconfig = self.sandbox.path().join("kubeconfig").display().to_string();
        let mut words = vec!["run", &guest, "--kubeconfig", &kubeconfig];
        words.extend(config.iter().flat_map(|set| ["--set-string", set]));
        words.extend(grants.iter().flat_map(|grant| ["--allow-kube", grant]));
        self.sandbox.run(words, STREAM)
    }
}

/// `expected`: the names of the objects that come back, or the exit code and parts of what is said.
#[track_caller]
fn check(finished: &Finished, expected: Result<&[&str], (i32, &[&str])>) {
    match expected {
        Ok(names) => {
            assert_eq!(finished.code, Some(0), "{}", finished.stderr);
            let stream = String::from_utf8_lossy(&finished.stdout);
            let list = stream.split("kind: List").nth(1).expect("a list");
            let found: Vec<&str> = list.lines().filter_map(|line| line.trim().strip_prefix("name: ")).collect();
            assert_eq!(found, names);
        }
        Err((code, texts)) => {
            assert_eq!(finished.code, Some(code), "{}", finished.stderr);
            assert!(finished.stdout.is_empty());
            for text in texts {
                assert!(finished.stderr.contains(text), "no `{text}` in:\n{}", finished.stderr);
            }
        }
    }
}

fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "managedFields": [{}], "labels": {"app": name}}})
}

const MAPS: &str = "from=configmaps.v1/default";

#[test]
fn objects_come_back() {
    let stage = Stage::new();
    ["a", "b"].iter().for_each(|name| stage.server.apply(config_map(name)));
    let grants = ["get:configmaps.v1/default", "list:configmaps.v1"];
    let got = stage.look(&[MAPS, "name=a"], &grants);
    check(&got, Ok(&["a"]));
    assert!(!String::from_utf8_lossy(&got.stdout).contains("managedFields"));
    check(&stage.look(&[MAPS, "selector=app=b"], &grants), Ok(&["b"]));
    check(&stage.look(&["from=configmaps.v1"], &grants), Ok(&["a", "b"]));
    check(&stage.look(&[MAPS, "name=c"], &grants), Err((1, &["nothing at configmaps.v1/default c"])));
    check(&stage.look(&["from=tombs.v1"], &["list:tombs.v1"]), Err((1, &["nothing at tombs.v1"])));
}

#[test]
fn a_long_list_comes_page_by_page() {
    let stage = Stage::new();
    let names: Vec<String> = (0..1_200).map(|number| format!("object-{number:04}")).collect();
    names.iter().for_each(|name| stage.server.apply(config_map(name)));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    check(&stage.look(&[MAPS], &["list:configmaps.v1"]), Ok(&names));
}

#[test]
fn nothing_is_asked_without_a_grant() {
    let stage = Stage::new();
    stage.server.apply(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token"}}));
    let secret = ["from=secrets.v1/default", "name=token"];
    check(&stage.look(&secret, &[]), Err((3, &["it asks for `kube`", "`--allow-kube VERB:GVR[/NS]`"])));
    for other in ["get:configmaps.v1", "get:secrets.v1/web", "list:secrets.v1"] {
        let refused = stage.look(&secret, &[other]);
        check(&refused, Err((3, &["no grant allows it", "add `--allow-kube get:secrets.v1/default`"])));
    }
    assert_eq!(stage.server.times("get secrets"), 0);
    let guest = needs::plugin("looks-at-cluster").display().to_string();
    stage.sandbox.write(
        "windlass.yaml",
        format!(
            "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: {guest}\n  config: {{from: secrets.v1/default, \
             name: token}}\n  grants: {{kube: [\"get:secrets.v1/default\"]}}\n"
        ),
    );
    // Helm names the kubeconfig and the context in the environment.
    let mut command = stage.sandbox.windlass(["run", "--pipeline", "windlass.yaml"]);
    command.env("KUBECONFIG", stage.sandbox.path().join("kubeconfig")).env("HELM_KUBECONTEXT", "test");
    check(&feed(&mut command, STREAM).expect("windlass starts"), Ok(&["token"]));
    command.env("HELM_KUBECONTEXT", "another");
    check(
        &feed(&mut command, STREAM).expect("windlass starts"),
        Err((2, &["the kubeconfig has no context `another`", "it has test"])),
    );
}

#[test]
fn what_the_server_refuses_and_what_is_too_much() {
    let stage = Stage::new();
    let big = "x".repeat(1 << 20);
    (0..20).for_each(|number| {
        let mut object = config_map(&format!("big-{number}"));
        object["data"] = json!({"blob": big});
        stage.server.apply(object);
    });
    let list = || stage.look(&[MAPS], &["list:configmaps.v1"]);
    check(&list(), Err((4, &["cannot list configmaps.v1/default for the plugin", "16777216 bytes that are allowed"])));
    stage.server.forbid("list", "configmaps");
    check(&list(), Err((3, &["cannot list configmaps.v1/default for the plugin", "ask for a Role that allows it"])));
    stage.server.go_down();
    check(&list(), Err((5, &["cannot list configmaps.v1/default for the plugin"])));
    std::fs::remove_file(stage.sandbox.path().join("kubeconfig")).expect("a kubeconfig");
    check(&list(), Err((2, &["no usable kubeconfig"])));
}

/// Neither a server nor a credential plugin that does not answer holds the run up beyond its time.
#[test]
fn whoever_does_not_answer_is_not_waited_for() {
    let stage = Stage::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let server = format!("http://{}", silent.local_addr().expect("an address"));
    let command = json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "sleep", "args": ["900"], "interactiveMode": "Never"});
    for user in [json!({"token": "test"}), json!({"exec": command})] {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": server}}],
            "users": [{"name": "test", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        });
        stage.sandbox.write("kubeconfig", config.to_string());
        let begun = Instant::now();
        let guest = needs::plugin("looks-at-cluster").display().to_string();
        let kubeconfig = stage.sandbox.path().join("kubeconfig").display().to_string();
        // With too little time, it is the plugin that does not get as far as its question.
        out_of_time(4, &["cannot list pods.v1 for the plugin: it took longer than"], |time| {
            let words = ["run", &guest, "--kubeconfig", &kubeconfig, "--timeout", time, "--allow-kube", "list:pods.v1"];
            stage.sandbox.run(words.into_iter().chain(["--set-string", "from=pods.v1"]), STREAM)
        });
        assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    }
}
