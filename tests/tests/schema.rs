//! `windlass schema` says what the readers take: an independent validator and Windlass agree on files of both kinds.

use std::path::{Path, PathBuf};
use std::process::Command;
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use xtask::{tools, workspace};

/// Below `plugins:` of a pipeline, in YAML; what both take.
const GOOD: &[&str] = &[
    "[{use: ./p.wasm}]",
    "[{use: ./p.wasm, config: {any: [thing]}, grants: {}, limits: {}}]",
    "[{use: ./p.wasm, config: null, grants: null, limits: null}]\nmetadata: {name: p}\ntrust: {}",
    "[{use: ./p.wasm, limits: {memory: 64Mi, timeout: 1m30s, maxOutput: 1048576, compileMemory: 1Gi, compileTimeout: 10}}]",
    "[{use: ./p.wasm, grants: {net: ['a.example:443'], read: {/in: .}, write: {/out: .}, env: [HOME], kube: ['get:configmaps.v1/ns'], clock: true, random: false}}]",
    "[{use: ./p.wasm}]\ntrust: {registries: [{prefix: 'oci://registry.example/plugins', require: digest}, {prefix: 'oci-layout:', require: [digest]}]}",
];

/// What neither takes.
const BAD: &[&str] = &[
    "[]",
    "[{}]",
    "[{use: [./p.wasm]}]",
    "[{use: ./p.wasm, limit: {}}]",
    "[{use: ./p.wasm, config: [1]}]",
    "[{use: ./p.wasm, limits: {memory: lots}}]",
    "[{use: ./p.wasm, limits: {memory: 0Mi}}]",
    "[{use: ./p.wasm, limits: {timeout: 1d}}]",
    "[{use: ./p.wasm, limits: {memroy: 1Mi}}]",
    "[{use: ./p.wasm, grants: {net: a.example}}]",
    "[{use: ./p.wasm, grants: {clock: please}}]",
    "[{use: ./p.wasm, grants: {internet: []}}]",
    "[{use: ./p.wasm}]\nmetadata: name",
    "[{use: ./p.wasm}]\nplugin: []",
    "[{use: ./p.wasm}]\ntrust: {registry: []}",
    "[{use: ./p.wasm}]\ntrust: {registries: [{require: digest}]}",
    "[{use: ./p.wasm}]\ntrust: {registries: [{prefix: 'oci://r.example', require: []}]}",
    "[{use: ./p.wasm}]\ntrust: {registries: [{prefix: 'oci://r.example', require: trust}]}",
];

/// A sandbox with a plugin and the schemas, and the validator.
struct Judges {
    sandbox: Sandbox,
    validator: PathBuf,
}

impl Judges {
    fn new() -> Option<Self> {
        let validator = needs::tool(tools::JV)?;
        let sandbox = Sandbox::new();
        for file in ["pipeline", "lock", "policy"] {
            let schema = sandbox.succeed(["schema", file], b"");
            std::fs::write(sandbox.path().join(format!("{file}.json")), schema).unwrap();
        }
        let module = wat::parse_str(
            r#"(module (memory (export "memory") 1) (func (export "windlass_alloc") (param i32) (result i32) i32.const 16)
            (func (export "windlass_render") (param i32 i32 i32 i32) (result i64)
              (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1)))))"#,
        );
        std::fs::write(sandbox.path().join("p.wasm"), module.unwrap()).unwrap();
        Some(Self { sandbox, validator })
    }

    /// Whether the schema takes a file.
    fn schema_takes(&self, schema: &str, text: &str) -> bool {
        let document: serde_json::Value =
            serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        std::fs::write(self.sandbox.path().join("document.json"), document.to_string()).unwrap();
        let schema = format!("{schema}.json");
        let output = Command::new(&self.validator)
            .args([&schema, "document.json"])
            .current_dir(self.sandbox.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() || said.contains("doesn't validate"), "{said}");
        output.status.success()
    }
}

#[test]
fn the_schema_and_the_reader_of_pipelines_agree() {
    let Some(judges) = Judges::new() else { return };
    for (bodies, good) in [(GOOD, true), (BAD, false)] {
        for body in bodies {
            let text = format!("apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins: {body}\n");
            judges.sandbox.write("windlass.yaml", &text);
            let mut run = judges.sandbox.windlass(["lock", "--output", "json"]);
            let read = run.output().unwrap();
            let said = String::from_utf8_lossy(&read.stderr).into_owned();
            // What the reader says has a place; what comes later has none.
            assert_eq!(!said.contains("windlass.yaml:"), good, "the reader: {text}{said}");
            assert_eq!(judges.schema_takes("pipeline", &text), good, "the schema: {text}");
        }
    }
}

/// The examples of the documentation, of the tests and of the demo.
#[test]
fn examples_are_valid() {
    let Some(judges) = Judges::new() else { return };
    let mut checked = 0;
    let mut check = |text: &str, from: &Path| {
        assert!(judges.schema_takes("pipeline", text), "{}: {text}", from.display());
        checked += 1;
    };
    for file in ["README.md", "xtask/src/demo.rs", "docs/waiting.md"] {
        let path = workspace::root().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        for (start, _) in text.match_indices("apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\n") {
            let rest = &text[start..];
            let end = ["```", "\";"].iter().filter_map(|mark| rest.find(mark)).min().unwrap_or(rest.len());
            check(&rest[..end].replace("\\\"", "\""), &path);
        }
    }
    for case in ["pipeline", "pipeline-metadata", "pipeline-unknown-config-key"] {
        let path = workspace::root().join("host/tests/cli").join(case).join("files/windlass.yaml");
        check(&std::fs::read_to_string(&path).unwrap(), &path);
    }
    assert!(checked >= 5, "{checked} examples");
}

#[test]
fn what_windlass_writes_is_valid() {
    let Some(judges) = Judges::new() else { return };
    let pipeline = "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins: [{use: ./p.wasm}]\n";
    judges.sandbox.write("windlass.yaml", pipeline);
    judges.sandbox.succeed(["lock"], b"");
    let lock = std::fs::read_to_string(judges.sandbox.path().join("windlass.lock")).unwrap();
    assert!(judges.schema_takes("lock", &lock), "{lock}");
    assert!(!judges.schema_takes("lock", &lock.replace("sha256:", "sha512:")), "another digest");
    let policy = "apiVersion: windlass.dev/v1alpha1\nkind: TrustPolicy\ntrust: {registries: [{prefix: 'oci://r.example', require: nothing}]}\n";
    assert!(judges.schema_takes("policy", policy));
    assert!(!judges.schema_takes("policy", &policy.replace("TrustPolicy", "Pipeline")));
}
