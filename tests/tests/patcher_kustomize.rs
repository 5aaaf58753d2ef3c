//! patcher against kustomize itself: the same objects for every patch of the tables in `patches`, but for the
//! differences that its README lists, and those must be differences. And its table of merge keys against Kubernetes.

use patcher::Patcher;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use windlass_pdk::test::run;
use windlass_tests::needs;
use xtask::{tools, workspace};

/// A file of `patches`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// The stream.
    objects: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    patch: String,
    /// The first object's kind, if there is none.
    target: Option<Value>,
    /// The patch has no target.
    #[serde(default)]
    named: bool,
    /// The word of the README's list that says why the results differ.
    differs: Option<String>,
}

/// Lists whose order kustomize changes and patcher keeps, and lists of names.
const MERGING: &[&str] = &[
    "containers",
    "initContainers",
    "ephemeralContainers",
    "volumes",
    "env",
    "ports",
    "volumeMounts",
    "imagePullSecrets",
    "secrets",
    "hostAliases",
    "topologySpreadConstraints",
    "ownerReferences",
    "finalizers",
    "webhooks",
];

fn tables() -> Vec<(String, Table)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("patches");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("readable");
        (name, serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    };
    paths.into_iter().map(read).collect()
}

/// The objects of a stream in an order that says nothing, or `None` for an error.
fn normal(result: Result<String, String>) -> Option<BTreeSet<String>> {
    let objects: Vec<Value> = serde_saphyr::from_multiple(&result.ok()?).expect("YAML");
    Some(objects.into_iter().filter(|object| !object.is_null()).map(|object| sorted(object).to_string()).collect())
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let sorted = entries.into_iter().map(|(key, value)| match (key.as_str(), sorted(value)) {
                (name, Value::Array(mut items)) if MERGING.contains(&name) => {
                    items.sort_by_key(Value::to_string);
                    (key, Value::Array(items))
                }
                (_, value) => (key, value),
            });
            sorted.collect::<BTreeMap<_, _>>().into_iter().collect()
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

fn kustomize(program: &Path, objects: &str, patch: &str, target: Option<&Value>) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let target = target.map(|target| format!("  target: {target}\n")).unwrap_or_default();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("writable");
    write("objects.yaml", objects);
    write("patch.yaml", patch);
    write("kustomization.yaml", &format!("resources: [objects.yaml]\npatches:\n- path: patch.yaml\n{target}"));
    let output = Command::new(program).arg("build").arg(folder.path()).output().expect("kustomize starts");
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).expect("UTF-8")),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// With a target kustomize still wants a patch to name an object, and does not look at it; patcher wants no name then.
fn with_a_name(patch: &str) -> String {
    if patch.starts_with("- ") || !patch.contains(':') || patch.lines().any(|line| line.starts_with("kind:")) {
        return patch.to_owned();
    }
    let named = match patch.lines().find(|line| line.starts_with("metadata:")) {
        None => format!("metadata: {{name: any}}\n{patch}"),
        Some("metadata:") => patch.replacen("metadata:\n", "metadata:\n  name: any\n", 1),
        Some(_) => patch.to_owned(),
    };
    format!("apiVersion: v1\nkind: Any\n{named}")
}

#[test]
fn the_same_objects_as_kustomize() {
    let Some(program) = needs::tool(tools::KUSTOMIZE) else { return };
    let readme = fs::read_to_string(workspace::root().join("plugins/patcher/README.md")).expect("the README");
    let mut report = String::new();
    let mut words = BTreeSet::new();
    let mut count = 0;
    for (table, Table { objects, cases }) in tables() {
        for Case { name, patch, target, named, differs } in cases {
            count += 1;
            let target = target.or_else(|| (!named).then(|| serde_json::json!({"kind": ".*"})));
            let mut entry = serde_json::json!({"patch": patch});
            if let Some(target) = &target {
                entry["target"] = target.clone();
            }
            let config = serde_json::json!({"patches": [entry]}).to_string();
            let ours = run::<Patcher>(&config, &[], &objects);
            let full = if named { patch } else { with_a_name(&patch) };
            let theirs = kustomize(&program, &objects, &full, target.as_ref());
            let is_same = normal(ours.clone()) == normal(theirs.clone());
            if is_same == differs.is_some() {
                let what = if is_same { "is the same" } else { "differs" };
                report += &format!("\n{table}: {name}: {what}\nours: {ours:?}\nkustomize: {theirs:?}\n");
            }
            words.extend(differs);
        }
    }
    assert!(count >= 200, "{count} patches");
    for word in words {
        if !readme.contains(&format!("<!-- {word} -->")) {
            report += &format!("\nthe README's list of differences has no `{word}`\n");
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn the_tables_are_what_kubernetes_publishes() {
    for (table, generated) in [
        ("pdk/manifest/src/shape/table.rs", xtask::merge_keys::generate()),
        (xtask::field_types::TABLE, xtask::field_types::generate()),
    ] {
        let committed = fs::read_to_string(workspace::root().join(table)).expect("the table");
        match generated {
            Ok(generated) => assert!(committed == generated, "{table}: run `cargo xtask merge-keys`"),
            Err(failure) if workspace::ci() => panic!("{failure}"),
            Err(failure) => eprintln!("skipped: {failure}"),
        }
    }
}
