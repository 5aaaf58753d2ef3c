//! The plugins that do what fields of a kustomization do, against kustomize itself, on every chart at hand: what each
//! of the two changes, leaf by leaf. Differences are those that the plugins' READMEs list, and those must be there.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use windlass_pdk::test::run;
use windlass_tests::input::streams;
use windlass_tests::needs;
use xtask::tools;

/// What a program changed: which object (as it was), the path of the leaf, and what is there now (nothing: it is gone).
type Changes = BTreeSet<(String, String, Option<String>)>;

fn objects(stream: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(stream).expect("YAML");
    let mut objects = Vec::new();
    for document in documents.into_iter().filter(|document| !document.is_null()) {
        match document["items"].as_array().filter(|_| document["kind"] == "List") {
            Some(items) => objects.extend(items.iter().cloned()),
            None => objects.push(document),
        }
    }
    objects
}

fn leaves(object: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    add_leaves(object, "", &mut found);
    found
}

fn add_leaves(value: &Value, path: &str, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(entries) => {
            entries.iter().for_each(|(key, value)| add_leaves(value, &format!("{path}/{key}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| add_leaves(value, &format!("{path}/{index}"), found));
        }
        leaf => {
            found.insert(path.to_owned(), leaf.to_string());
        }
    }
}

fn changes(before: &[Value], after: &[Value]) -> Changes {
    assert_eq!(before.len(), after.len(), "objects were lost or added");
    let mut changes = Changes::new();
    for (before, after) in before.iter().zip(after) {
        let metadata = &before["metadata"];
        let object = format!("{} {} {}", before["kind"], metadata["namespace"], metadata["name"]);
        let (before, after) = (leaves(before), leaves(after));
        for path in before.keys().chain(after.keys()) {
            if before.get(path) != after.get(path) {
                changes.insert((object.clone(), path.clone(), after.get(path).cloned()));
            }
        }
    }
    changes
}

struct Kustomize {
    program: PathBuf,
}

impl Kustomize {
    fn new() -> Option<Self> {
        Some(Kustomize { program: needs::tool(tools::KUSTOMIZE)? })
    }

    /// The objects of `kustomize build` with these fields in the kustomization, in the order of the stream.
    fn build(&self, stream: &str, fields: &Value) -> Result<Vec<Value>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut kustomization = json!({"resources": ["objects.yaml"], "sortOptions": {"order": "fifo"}});
        for (key, value) in fields.as_object().expect("fields") {
            kustomization[key] = value.clone();
        }
        fs::write(folder.path().join("objects.yaml"), stream).expect("writable");
        fs::write(folder.path().join("kustomization.yaml"), kustomization.to_string()).expect("writable");
        let output = Command::new(&self.program).arg("build").arg(folder.path()).output().expect("kustomize starts");
        match output.status.success() {
            true => Ok(objects(&String::from_utf8(output.stdout).expect("UTF-8"))),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }
}

/// The streams that kustomize reads at all. It refuses one object twice, as a hook and a template may be.
fn read_by_kustomize(kustomize: &Kustomize) -> Vec<(String, String, Vec<Value>)> {
    let mut read = Vec::new();
    for stream in streams() {
        let text = String::from_utf8(stream.bytes).expect("UTF-8");
        if let Ok(objects) = kustomize.build(&text, &json!({}))
            && !objects.is_empty()
        {
            read.push((stream.name, text, objects));
        }
    }
    assert!(!read.is_empty(), "kustomize reads none of the streams");
    read
}

fn readme(plugin: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../plugins/{plugin}/README.md"));
    fs::read_to_string(path).expect("the README")
}

/// The images of containers in a stream, each once.
fn images_in(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                if let ("containers" | "initContainers", Some(items)) = (key.as_str(), value.as_array()) {
                    found.extend(items.iter().filter_map(|item| Some(item["image"].as_str()?.to_owned())));
                }
                images_in(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| images_in(item, found)),
        _ => {}
    }
}

/// A rule of every form, in turn, for the name of every image.
fn rules(objects: &[Value]) -> Vec<Value> {
    let mut images = BTreeSet::new();
    objects.iter().for_each(|object| images_in(object, &mut images));
    let name = |image: &String| {
        let name = image.split('@').next().unwrap_or_default();
        let slash = name.rfind('/').unwrap_or(0);
        name.rfind(':').filter(|colon| *colon > slash).map_or(name, |colon| &name[..colon]).to_owned()
    };
    let names: BTreeSet<String> = images.iter().map(name).collect();
    let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let forms = [
        json!({"newName": "mirror.example/a"}),
        json!({"newTag": "v2"}),
        json!({"digest": digest}),
        json!({"newTag": "v3", "digest": digest}),
        json!({"newName": "localhost:5000/b", "newTag": "1.20"}),
    ];
    let named = names.into_iter().zip(forms.iter().cycle());
    named
        .map(|(name, form)| {
            let mut rule = form.clone();
            rule["name"] = json!(name);
            rule
        })
        .collect()
}

#[test]
fn images_change_as_with_kustomize() {
    let Some(kustomize) = Kustomize::new() else { return };
    let mut changed = 0;
    for (name, text, before) in read_by_kustomize(&kustomize) {
        let fields = json!({"images": rules(&before)});
        let theirs = changes(&before, &kustomize.build(&text, &fields).expect("kustomize builds"));
        let output = run::<images::Images>(&fields.to_string(), &[], &text).expect("rewritten");
        let ours = changes(&objects(&text), &objects(&output));
        assert_eq!(ours, theirs, "{name}");
        changed += ours.len();
    }
    assert!(changed > 0);
}

/// What kustomize misses, and a person who lists the places by hand finds.
#[test]
fn images_reach_what_kustomize_misses() {
    let Some(kustomize) = Kustomize::new() else { return };
    let readme = readme("images");
    let missed = [
        (
            "ephemeral",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {ephemeralContainers: [{name: e, image: IMAGE}]}\n",
        ),
        (
            "cron-volume",
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {jobTemplate: {spec: {template: {spec: {volumes: [{name: v, image: {reference: IMAGE}}]}}}}}\n",
        ),
        (
            "field",
            "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: a}\nspec: {image: IMAGE}\n",
        ),
        (
            "single",
            "apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nmetadata: {name: a}\nspec: {templates: [{name: t, container: {image: IMAGE}}]}\n",
        ),
    ];
    let rules = json!({"images": [{"name": "nginx", "newTag": "2"}]});
    let check = |word: &str, text: &str| {
        let theirs = kustomize.build(text, &rules).expect("kustomize builds");
        assert_eq!(theirs, objects(text), "{word}: kustomize does it, too");
        let output = run::<images::Images>(&rules.to_string(), &[], text).expect("rewritten");
        assert_ne!(objects(&output), objects(text), "{word}");
        assert!(readme.contains(&format!("<!-- {word} -->")), "the README's list of differences has no `{word}`");
    };
    for (word, object) in missed {
        check(word, &object.replace("IMAGE", "nginx:1"));
    }
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: nginx:1}]}\n";
    let rules = json!({"images": [{"name": "nginx", "tagSuffix": "-slim"}]});
    let theirs = kustomize.build(text, &rules).expect("kustomize builds");
    assert_eq!(theirs[0]["spec"]["containers"][0]["image"], "nginx:1-slim-slim", "kustomize was mended");
    let output = run::<images::Images>(&rules.to_string(), &[], text).expect("rewritten");
    assert_eq!(objects(&output)[0]["spec"]["containers"][0]["image"], "nginx:1-slim");
    assert!(readme.contains("<!-- suffix -->"));
    for image in ["docker.io/nginx:1", "docker.io/library/nginx:1", "index.docker.io/library/nginx"] {
        check(
            "full-name",
            &format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{{name: c, image: {image}}}]}}\n"
            ),
        );
    }
}

/// The namespace of every chart, but for what the README lists.
#[test]
fn namespaces_change_as_with_kustomize() {
    let Some(kustomize) = Kustomize::new() else { return };
    let readme = readme("namespace");
    let mut seen = BTreeSet::new();
    for (name, text, before) in read_by_kustomize(&kustomize) {
        let fields = json!({"namespace": "zz"});
        let output = run::<namespace::Namespace>(&fields.to_string(), &[], &text);
        let (after, output) = match (kustomize.build(&text, &fields), output) {
            (Ok(after), Ok(output)) => (after, output),
            // Two objects that would become one.
            (Err(theirs), Err(ours)) => {
                assert!(
                    theirs.contains("ID conflict") && ours.contains("would both stand in"),
                    "{name}: {theirs}; {ours}"
                );
                continue;
            }
            (theirs, ours) => panic!("{name}: kustomize: {theirs:?}; namespace: {ours:?}"),
        };
        let theirs = changes(&before, &after);
        let ours = changes(&objects(&text), &objects(&output));
        for (object, path, value) in theirs.symmetric_difference(&ours) {
            let is_ours = ours.contains(&(object.clone(), path.clone(), value.clone()));
            let word = match path.as_str() {
                "/metadata/name" if object.starts_with("\"Namespace\"") && !is_ours => "namespace-objects",
                path if path.starts_with("/subjects/") && is_ours => "subjects",
                path if path.starts_with("/spec/namespaceSelector/") && is_ours => "monitors",
                path if path.contains("inject-ca-from") && is_ours => "monitors",
                path if path.starts_with("/spec/alerting/alertmanagers/") && is_ours => "monitors",
                _ => panic!("{name}: {object}{path}: {value:?} (ours: {is_ours})"),
            };
            seen.insert(word);
        }
    }
    for word in seen {
        assert!(readme.contains(&format!("<!-- {word} -->")), "the README's list of differences has no `{word}`");
    }
}

/// What kustomize does to namespaces that nobody would want, and namespace does not.
#[test]
fn the_faults_of_kustomize_namespaces_are_avoided() {
    let Some(kustomize) = Kustomize::new() else { return };
    let readme = readme("namespace");
    for (word, text, path) in [
        ("namespace-objects", "apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n", "/metadata/name"),
        ("custom", "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: a}\n", "/metadata/namespace"),
        (
            "custom",
            "apiVersion: example.com/v1\nkind: Planet\nmetadata: {name: a}\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: planets.example.com}\nspec: {group: example.com, scope: Cluster, names: {kind: Planet}}\n",
            "/metadata/namespace",
        ),
    ] {
        let fields = json!({"namespace": "zz"});
        let theirs = changes(&objects(text), &kustomize.build(text, &fields).expect("kustomize builds"));
        assert!(theirs.iter().any(|(_, changed, _)| changed == path), "{word}: kustomize was mended: {theirs:?}");
        let output = run::<namespace::Namespace>(&fields.to_string(), &[], text).expect("moved");
        assert_eq!(objects(&output), objects(text), "{word}");
        assert!(readme.contains(&format!("<!-- {word} -->")));
    }
}

#[test]
fn replicas_change_as_with_kustomize() {
    let Some(kustomize) = Kustomize::new() else { return };
    let mut changed = 0;
    for (name, text, before) in read_by_kustomize(&kustomize) {
        let scalable = ["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"];
        let names: BTreeSet<&str> = before
            .iter()
            .filter(|object| scalable.iter().any(|kind| object["kind"] == *kind))
            .filter_map(|object| object["metadata"]["name"].as_str())
            .collect();
        let counts: Vec<Value> =
            names.iter().enumerate().map(|(index, name)| json!({"name": name, "count": index + 4})).collect();
        if counts.is_empty() {
            continue;
        }
        let fields = json!({"replicas": counts});
        let theirs = changes(&before, &kustomize.build(&text, &fields).expect("kustomize builds"));
        let output = run::<scheduling::Scheduling>(&fields.to_string(), &[], &text).expect("set");
        assert_eq!(changes(&objects(&text), &objects(&output)), theirs, "{name}");
        changed += theirs.len();
    }
    assert!(changed > 0);
}

#[test]
fn names_change_as_with_kustomize() {
    let Some(kustomize) = Kustomize::new() else { return };
    let readme = readme("rename");
    let mut seen = BTreeSet::new();
    for (name, text, before) in read_by_kustomize(&kustomize) {
        let fields = json!({"namePrefix": "zz-"});
        let theirs = match kustomize.build(&text, &fields) {
            Ok(after) => changes(&before, &after),
            Err(error) => {
                println!("{name}: kustomize: {error}");
                continue;
            }
        };
        let output = run::<rename::Rename>(&fields.to_string(), &[], &text).expect("renamed");
        let ours = changes(&objects(&text), &objects(&output));
        for (object, path, value) in theirs.symmetric_difference(&ours) {
            let is_ours = ours.contains(&(object.clone(), path.clone(), value.clone()));
            let word = match path.as_str() {
                path if path.contains("/resourceNames/") => "typed",
                _ if is_ours => "follows",
                _ => panic!("{name}: {object}{path}: {value:?} (ours: {is_ours})"),
            };
            println!("{name}: {object}{path}: {value:?}: {word}");
            seen.insert(word);
        }
    }
    for word in seen {
        assert!(readme.contains(&format!("<!-- {word} -->")), "the README's list of differences has no `{word}`");
    }
}
