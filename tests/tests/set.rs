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
                assert!(strange <= 1, "{what}: {strange} documents that were not there");
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
        assert!(changed > 0, "{plugin} changes nothing on any stream");
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
