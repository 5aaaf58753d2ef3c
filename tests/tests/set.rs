//! The ready-made plugins on every stream: twice is once, what no setting is for stays byte for byte, and the sandboxed
//! module gives what the same code gives natively.

use std::collections::BTreeSet;
use windlass_pdk::test::run;
use windlass_tests::input::streams;
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;

/// A plugin with a configuration.
struct Run {
    plugin: &'static str,
    config: &'static str,
    native: fn(&str, &[&str], &str) -> Result<String, String>,
}

const RUNS: &[Run] = &[
    Run {
        plugin: "images",
        config: "images: [{name: 'quay.io/prometheus/.*', newTag: v9}]\nmirrors: {docker.io: mirror.example/hub, quay.io: mirror.example/quay, '*': mirror.example/other}\npullSecrets: [mirror]\npullPolicy: Always\n",
        native: run::<images::Images>,
    },
    Run {
        plugin: "select",
        config: "crds: none\nhooks: none\ndrop: [{kind: PodDisruptionBudget}]\n",
        native: run::<select::Select>,
    },
    Run {
        plugin: "namespace",
        config: "moves: {prod: zz}\nreleaseNamespace: prod\nserviceNames: rewrite\n",
        native: run::<namespace::Namespace>,
    },
    Run {
        plugin: "containers",
        config: "preset: restricted\ndefault: {resources: {requests: {cpu: 10m}}}\nremove: [resources.limits.cpu]\nset: {env: [{name: ZZ, value: 1}]}\n",
        native: run::<containers::Containers>,
    },
    Run {
        plugin: "scheduling",
        config: "nodeSelector: {disk: ssd}\ntolerations: [{key: spot, operator: Exists}]\nreplicas: 3\ntopologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]\n",
        native: run::<scheduling::Scheduling>,
    },
    Run { plugin: "rename", config: "namePrefix: zz-\napis: current\n", native: run::<rename::Rename> },
    Run {
        plugin: "server-side-apply",
        config: "keep: last\nonLeft: warn\n",
        native: run::<server_side_apply::ServerSideApply>,
    },
    Run { plugin: "checksum", config: "scope: keys\n", native: run::<checksum::Checksum> },
    Run {
        plugin: "policy",
        config: "action: warn\npresets: [podSecurityRestricted, resourcesSet, noLatest]\nrules: [{name: a, expression: 'has(object.spec)'}]\n",
        native: run::<policy::Policy>,
    },
    Run {
        plugin: "resources",
        config: "releaseNamespace: zz\nresources: [{perNamespace: true, manifest: {apiVersion: v1, kind: ConfigMap, metadata: {name: zz}}}]\n",
        native: run::<resources::Resources>,
    },
    Run {
        plugin: "hooks",
        config: "rules: [{events: [post-install, pre-install], weight: 7, deletePolicy: [hook-succeeded]}]\n",
        native: run::<hooks::Hooks>,
    },
    Run {
        plugin: "expression",
        config: "language: yq\nexpression: 'with(select(.kind == \"Deployment\"); .spec.template.spec.priorityClassName = \"zz\")'\n",
        native: run::<expression::Expression>,
    },
];

/// The documents of a stream.
fn documents(stream: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let mut start = 0;
    for (at, _) in stream.match_indices("\n---") {
        documents.push(&stream[start..at + 1]);
        start = at + 1;
    }
    documents.push(&stream[start..]);
    documents
}

/// What a document means, as far as another parser reads it.
fn meaning(document: &str) -> Option<Vec<serde_json::Value>> {
    serde_saphyr::from_multiple(document).ok()
}

#[test]
fn what_is_not_changed_keeps_its_bytes() {
    for Run { plugin, config, native } in RUNS {
        let mut changed = 0;
        for stream in streams() {
            let what = format!("{plugin} on {}", stream.name);
            let input = String::from_utf8(stream.bytes).expect("UTF-8");
            let output = native(config, &[], &input).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(native(config, &[], &output).as_ref(), Ok(&output), "{what}: a second run");
            let (before, after) = (documents(&input), documents(&output));
            changed += usize::from(input != output);
            if before.len() != after.len() {
                // Documents went or came: those that are left are as they were.
                let known: BTreeSet<&str> = before.iter().map(|document| document.trim_end()).collect();
                let strange = after.iter().filter(|document| !known.contains(document.trim_end())).count();
                // Objects are added one for each namespace.
                let most = if *plugin == "resources" { 16 } else { 1 };
                assert!(strange <= most, "{what}: {strange} documents that were not there");
                continue;
            }
            for (before, after) in before.iter().zip(&after) {
                if before != after {
                    assert_ne!(meaning(before), meaning(after), "{what}: the same in other words");
                }
                let comments = |text: &str| text.lines().filter(|line| line.trim().starts_with("# ")).count();
                assert!(comments(before) <= comments(after), "{what}: a comment is gone");
            }
        }
        assert!(changed > 0 || *plugin == "policy", "{plugin} changes nothing on any stream");
    }
}

#[test]
fn the_sandboxed_plugin_gives_what_its_code_gives() {
    let sandbox = Sandbox::new();
    for Run { plugin, config, native } in RUNS {
        let folder = needs::plugin(plugin).display().to_string();
        let file = sandbox.write(&format!("{plugin}.yaml"), *config).display().to_string();
        for stream in streams() {
            let sandboxed = sandbox.run(["run", &folder, "--config", &file], &stream.bytes);
            let input = String::from_utf8(stream.bytes).expect("UTF-8");
            let natively = native(config, &[], &input);
            assert_eq!(
                sandboxed.code == Some(0),
                natively.is_ok(),
                "{plugin} on {}: {}",
                stream.name,
                sandboxed.stderr
            );
            let expected = natively.unwrap_or_default();
            assert!(sandboxed.stdout == expected.as_bytes(), "{plugin} on {}: not the same bytes", stream.name);
        }
    }
}

/// What a plugin is told by `--set-json`, `--set-file` and an argument that names a file is what a configuration says.
#[test]
fn settings_by_every_flag() {
    let sandbox = Sandbox::new();
    let folder = needs::plugin("containers").display().to_string();
    let input = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    tty: true\n    stdin: true\n";
    let expected = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    stdin: true\n    image: \"a,b\"\n";
    let file = sandbox.write("set.yaml", "rules: [{set: {tty: null, image: 'a,b'}}]\n").display().to_string();
    let image = sandbox.write("image.txt", "a,b").display().to_string();
    let (named, config) = (format!("set.image={image}"), format!("config={file}"));
    for words in [
        &["--config", &file][..],
        // Null is a value in JSON, a removal on top of what is below elsewhere.
        &["--set-json", r#"set={"tty":null,"image":"a,b"}"#],
        &["--set-json", r#"set.tty=null,set.image="a,b""#],
        &["--set-json", r#"{"rules":[{"set":{"tty":null,"image":"a,b"}}]}"#],
        &["--set-json", "set.tty=null", "--set-file", &named],
        &["--set-json", r#"set={"tty":null,"image":"before"}"#, "--set", r"set.image=a\,b"],
        &["--", &config],
    ] {
        let finished = sandbox.run([&["run", folder.as_str()], words].concat(), input.as_bytes());
        assert_eq!(finished.code, Some(0), "{words:?}: {}", finished.stderr);
        assert_eq!(String::from_utf8_lossy(&finished.stdout), expected, "{words:?}");
    }
    for (words, error) in [
        (&["--set-json", "set=nonsense"][..], "is no JSON"),
        (&["--set-json", r#"set={"a":1}}"#], "is no JSON"),
        (&["--set-json", r#"{"sett":{}}"#], "unknown key `sett`"),
        (&["--set-file", "set.image=no-such-file"], "`no-such-file` cannot be read"),
        (&["--", "config=no-such-file"], "no-such-file cannot be read"),
        (&["--", "configs=no-such-file"], "configs"),
    ] {
        let finished = sandbox.run([&["run", folder.as_str()], words].concat(), input.as_bytes());
        assert_eq!(finished.code, Some(2), "{words:?}: {}", finished.stderr);
        assert!(finished.stderr.contains(error), "{words:?}: {}", finished.stderr);
    }
}
