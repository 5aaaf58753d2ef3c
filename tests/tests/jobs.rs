//! docs/jobs.md: each job's configuration on the chart that it names, beside what kustomize or yq makes of the chart.

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use windlass_pdk::test::run;
use windlass_tests::needs;
use xtask::{tools, workspace};

/// A job of the page.
struct Job<'p> {
    title: &'p str,
    plugin: &'p str,
    config: &'p str,
    /// The program, the chart and what the program is told.
    peer: Option<(&'p str, &'p str, &'p str)>,
}

/// What a plugin makes of a stream with a configuration.
type Native = fn(&str, &[&str], &str) -> Result<String, String>;

const PLUGINS: &[(&str, Native)] = &[
    ("images", run::<images::Images>),
    ("label-injector", run::<label_injector::LabelInjector>),
    ("namespace", run::<namespace::Namespace>),
    ("rename", run::<rename::Rename>),
    ("scheduling", run::<scheduling::Scheduling>),
    ("containers", run::<containers::Containers>),
    ("sidecar-injector", run::<sidecar_injector::SidecarInjector>),
    ("patcher", run::<patcher::Patcher>),
    ("select", run::<select::Select>),
    ("resources", run::<resources::Resources>),
    ("expression", run::<expression::Expression>),
    ("checksum", run::<checksum::Checksum>),
    ("policy", run::<policy::Policy>),
    ("server-side-apply", run::<server_side_apply::ServerSideApply>),
    ("hooks", run::<hooks::Hooks>),
];

/// The page's jobs: a heading, the plugin's name, a block with its configuration, and where there is something to
/// compare `yq, on CHART:` or `kustomize, on CHART:` and another block.
fn jobs(page: &str) -> Vec<Job<'_>> {
    let block = |text: &'_ str| -> Option<(usize, usize)> {
        let start = text.find("```")? + text.get(text.find("```")?..)?.find('\n')? + 1;
        Some((start, start + text.get(start..)?.find("```")?))
    };
    page.split("\n### ")
        .skip(1)
        .map(|section| {
            let section = section.split("\n## ").next().unwrap_or_default();
            let title = section.lines().next().unwrap_or_default();
            let plugin = section.split("Plugin `").nth(1).and_then(|rest| rest.split('`').next()).expect("a plugin");
            let (start, end) = block(section).unwrap_or_else(|| panic!("{title}: no configuration"));
            let (config, rest) = (&section[start..end], &section[end + 3..]);
            let peer = ["yq", "kustomize"].into_iter().find_map(|program| {
                let (_, said) = rest.split_once(&format!("\n{program}, on "))?;
                let (chart, said) = said.split_once(":\n")?;
                let (start, end) = block(said)?;
                Some((program, chart, &said[start..end]))
            });
            Job { title, plugin, config, peer }
        })
        .collect()
}

/// The objects of a stream, in one order, as the API server would see them: what is null is not there, and of a text
/// with YAML its meaning counts.
fn objects(stream: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(stream).expect("YAML");
    let mut objects: Vec<Value> = documents.into_iter().filter(|it| !it.is_null()).map(|it| plain(&it)).collect();
    objects.sort_by_key(|object| {
        let metadata = &object["metadata"];
        [&object["kind"], &metadata["namespace"], &metadata["name"]].map(Value::to_string)
    });
    objects
}

fn plain(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let there = entries.iter().filter(|(_, value)| !value.is_null());
            Value::Object(there.map(|(key, value)| (key.clone(), plain(value))).collect())
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::String(text) if text.contains('\n') => match serde_saphyr::from_str::<Value>(text) {
            Ok(inner @ Value::Object(_)) => inner,
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

fn output(command: &mut Command, title: &str) -> String {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{title}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What the program makes of a stream; none where it is not there.
fn peer(program: &str, said: &str, stream: &str, title: &str) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("writable");
    write("objects.yaml", stream);
    Some(if program == "yq" {
        let yq = needs::tool(tools::YQ)?;
        output(Command::new(yq).arg(said.trim()).arg(folder.path().join("objects.yaml")), title)
    } else {
        let kustomize = needs::tool(tools::KUSTOMIZE)?;
        let mut kustomization: Value = serde_saphyr::from_str(said).expect("fields");
        kustomization["resources"] = json!(["objects.yaml"]);
        write("kustomization.yaml", &kustomization.to_string());
        output(Command::new(kustomize).arg("build").arg(folder.path()), title)
    })
}

#[test]
fn each_job_does_what_kustomize_or_yq_does() {
    let page = std::fs::read_to_string(workspace::root().join("docs/jobs.md")).expect("the page");
    let jobs = jobs(&page);
    assert!(jobs.iter().filter(|job| job.peer.is_some()).count() >= 25, "only {} jobs", jobs.len());
    let own = std::fs::read_to_string(workspace::root().join("tests/streams/helm4/awkward.yaml")).expect("a stream");
    for Job { title, plugin, config, peer: said } in jobs {
        let (_, native) = PLUGINS.iter().find(|(name, _)| *name == plugin).unwrap_or_else(|| panic!("no {plugin}"));
        let chart = said.map_or("argo-cd", |(_, chart, _)| chart);
        let stream = workspace::corpus().map(|corpus| chart_of(&corpus, chart));
        // Without the chart that it names a job is at least one that the plugin takes.
        let Some(stream) = stream else {
            if let Err(error) = native(config, &[], &own) {
                assert!(error.contains("onMissing"), "{title}: {error}");
            }
            continue;
        };
        let ours = native(config, &[], &stream).unwrap_or_else(|error| panic!("{title}: {error}"));
        let Some((program, _, said)) = said else { continue };
        let Some(theirs) = peer(program, said, &stream, title) else { continue };
        let (ours, theirs) = (objects(&ours), objects(&theirs));
        assert_ne!(ours, objects(&stream), "{title}: nothing happened");
        assert_eq!(ours.len(), theirs.len(), "{title}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "{title}");
        }
    }
}

fn chart_of(corpus: &Path, chart: &str) -> String {
    let path = corpus.join("helm4").join(chart).with_extension("yaml");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
