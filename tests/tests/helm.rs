//! Real Helm calls label-injector, in every way that Helm calls a post-renderer. Each test renders the chart twice:
//! once through a program that changes nothing, once through the plugin; the difference must be the label and nothing
//! else.

use std::collections::BTreeMap;
use std::path::Path;
use windlass_tests::api_server::ApiServer;
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use xtask::helm::{Helm, NAMESPACE, RELEASE, Version, chart};
use xtask::lines::{Edit, edits};

/// The lines that a label may add: itself, the map it needs, and both in JSON.
const EXPLAINED: &[&str] =
    &["team: payments", "labels:", "\"team\": \"payments\"", "\"labels\": {\"team\": \"payments\"}"];

/// How Helm is asked to post-render.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Through {
    /// A program that copies its input.
    Nothing,
    /// label-injector in Windlass.
    LabelInjector,
}

/// What a Helm needs to be told to call the post-renderer.
fn post_renderer(helm: &Helm, through: Through) -> Vec<String> {
    let words: Vec<String> = match (helm.version, through) {
        (Version::Three, Through::Nothing) => vec!["--post-renderer".into(), "cat".into()],
        (Version::Three, Through::LabelInjector) => {
            let plugin = needs::plugin("label-injector").display().to_string();
            let mut words = vec!["--post-renderer".to_owned(), needs::windlass().display().to_string()];
            for word in ["run", &plugin, "--set", "labels.team=payments"] {
                words.extend(["--post-renderer-args".to_owned(), word.to_owned()]);
            }
            words
        }
        (Version::Four, Through::Nothing) => {
            helm.add_plugin("copy", "    - command: cat\n").expect("a plugin");
            vec!["--post-renderer".into(), "copy".into()]
        }
        (Version::Four, Through::LabelInjector) => {
            install(helm, "label-injector");
            ["--post-renderer", "label-injector", "--post-renderer-args", "labels.team=payments"]
                .map(str::to_owned)
                .to_vec()
        }
    };
    words
}

/// Puts a built plugin where Helm 4 finds it, with the plugin.yaml that it ships with.
fn install(helm: &Helm, name: &str) {
    let folder = helm.plugins().join(name);
    std::fs::create_dir_all(&folder).expect("a plugin folder");
    for file in ["plugin.yaml", "plugin.wasm"] {
        std::fs::copy(needs::plugin(name).join(file), folder.join(file)).expect("a copied plugin");
    }
}

/// Helm's stdout for `helm ARGUMENTS`, post-rendered.
fn rendered(sandbox: &Sandbox, helm: &Helm, arguments: &[&str], through: Through) -> String {
    let mut command = helm.command();
    command.args(arguments).args(post_renderer(helm, through));
    let kubeconfig = sandbox.path().join("kubeconfig");
    if kubeconfig.is_file() {
        command.env("KUBECONFIG", kubeconfig);
    }
    let finished = sandbox.finish(command);
    assert_eq!(finished.code, Some(0), "{} {arguments:?}: {}", helm.version.title(), finished.stderr);
    // The time of a dry run is the only thing that differs from run to run.
    String::from_utf8(finished.stdout)
        .expect("UTF-8")
        .lines()
        .filter(|line| !line.starts_with("LAST DEPLOYED:"))
        .fold(String::new(), |text, line| text + line + "\n")
}

/// The number of edits between the two renderings; every one must be the label, or the map that it needs.
fn labels_added(before: &str, after: &str) -> usize {
    let edits = edits(before, after).unwrap_or_else(|problem| panic!("{problem}\n{after}"));
    for (line, edit) in &edits {
        let explained = match edit {
            Edit::Added(text) => EXPLAINED.contains(&text.trim().trim_end_matches(',')),
            Edit::Extended(text) => text.contains("payments"),
        };
        assert!(explained, "line {line} is not explained: {edit:?}\n{after}");
    }
    edits
        .iter()
        .filter(|(_, edit)| matches!(edit, Edit::Added(text) | Edit::Extended(text) if text.contains("payments")))
        .count()
}

fn each_helm(check: impl Fn(&Sandbox, &Helm)) {
    for version in Version::ALL {
        let sandbox = Sandbox::new();
        if let Some(helm) = sandbox.helm(version) {
            check(&sandbox, &helm);
        }
    }
}

fn awkward() -> String {
    chart("awkward").display().to_string()
}

#[test]
fn template() {
    each_helm(|sandbox, helm| {
        let chart = awkward();
        let arguments = ["template", RELEASE, &chart, "--namespace", NAMESPACE];
        let before = rendered(sandbox, helm, &arguments, Through::Nothing);
        let after = rendered(sandbox, helm, &arguments, Through::LabelInjector);
        // Hooks go through Helm 4's post-renderer, not through Helm 3's: 3 objects. A List has 2.
        let expected = match helm.version {
            Version::Three => 16,
            Version::Four => 19,
        };
        assert_eq!(labels_added(&before, &after), expected, "{}", helm.version.title());
    });
}

#[test]
fn install_as_a_dry_run() {
    // Even a dry run asks a cluster what kinds it knows.
    let server = ApiServer::start();
    for (api_version, kind, plural) in [
        ("v1", "ServiceAccount", "serviceaccounts"),
        ("v1", "Service", "services"),
        ("v1", "Secret", "secrets"),
        ("v1", "Pod", "pods"),
        ("apps/v1", "DaemonSet", "daemonsets"),
        ("apps/v1", "StatefulSet", "statefulsets"),
        ("batch/v1", "CronJob", "cronjobs"),
        ("batch/v1", "Job", "jobs"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles"),
        ("example.com/v1", "Rollout", "rollouts"),
    ] {
        server.define(api_version, kind, plural);
    }
    each_helm(|sandbox, helm| {
        server.kubeconfig(sandbox.path());
        let chart = awkward();
        let arguments =
            ["install", RELEASE, &chart, "--namespace", NAMESPACE, "--dry-run=client", "--disable-openapi-validation"];
        let before = rendered(sandbox, helm, &arguments, Through::Nothing);
        let after = rendered(sandbox, helm, &arguments, Through::LabelInjector);
        assert!(labels_added(&before, &after) >= 16, "{}", helm.version.title());
    });
}

#[test]
fn show_only() {
    each_helm(|sandbox, helm| {
        let chart = awkward();
        for (template, objects) in [("templates/deployment.yaml", 1), ("templates/json.yaml", 2)] {
            let arguments = ["template", RELEASE, &chart, "--show-only", template];
            let before = rendered(sandbox, helm, &arguments, Through::Nothing);
            let after = rendered(sandbox, helm, &arguments, Through::LabelInjector);
            assert_eq!(labels_added(&before, &after), objects, "{} {template}", helm.version.title());
        }
    });
}

#[test]
fn output_dir() {
    each_helm(|sandbox, helm| {
        let chart = awkward();
        let render = |name: &str, through| {
            let folder = sandbox.path().join(helm.version.folder_name()).join(name);
            let path = folder.display().to_string();
            rendered(sandbox, helm, &["template", RELEASE, &chart, "--output-dir", &path], through);
            files(&folder)
        };
        let before = render("before", Through::Nothing);
        let after = render("after", Through::LabelInjector);
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "the same files");
        assert!(before.len() > 10, "{before:?}");
        let labels: usize = before.iter().map(|(file, text)| labels_added(text, &after[file])).sum();
        // Helm 3 writes the files itself and hands nothing to the post-renderer.
        let expected = match helm.version {
            Version::Three => 0,
            Version::Four => 19,
        };
        assert_eq!(labels, expected, "{}", helm.version.title());
    });
}

/// The text of every file below a folder, by its path within.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(next) = pending.pop() {
        for entry in std::fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("inside").display().to_string();
                found.insert(name, std::fs::read_to_string(&path).expect("text"));
            }
        }
    }
    found
}

#[test]
fn a_chart_without_resources() {
    each_helm(|sandbox, helm| {
        let chart = chart("empty").display().to_string();
        let after = rendered(sandbox, helm, &["template", RELEASE, &chart], Through::LabelInjector);
        assert!(!after.contains("kind:"), "{after}");
    });
}

#[test]
fn windlass_itself_as_a_helm_4_post_renderer() {
    let sandbox = Sandbox::new();
    let Some(helm) = sandbox.helm(Version::Four) else { return };
    let mut enable = sandbox.windlass(["helm", "enable"]);
    enable.env("HELM_PLUGINS", helm.plugins());
    let enabled = xtask::command::feed(&mut enable, b"").expect("windlass starts");
    assert_eq!(enabled.code, Some(0), "{}", enabled.stderr);

    let chart = awkward();
    let plugin = needs::plugin("label-injector").display().to_string();
    let mut command = helm.command();
    command.args(["template", RELEASE, &chart, "--namespace", NAMESPACE, "--post-renderer", "windlass"]);
    for word in [plugin.as_str(), "--set", "labels.team=payments"] {
        command.args(["--post-renderer-args", word]);
    }
    let finished = sandbox.finish(command);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let arguments = ["template", RELEASE, &chart, "--namespace", NAMESPACE];
    let direct = rendered(&sandbox, &helm, &arguments, Through::LabelInjector);
    assert_eq!(String::from_utf8(finished.stdout).expect("UTF-8"), direct);
}

/// What helmfile, Ansible and scripts have: one program or plugin name with one list of arguments, whichever Helm it
/// is.
#[test]
fn one_configuration_serves_both() {
    each_helm(|sandbox, helm| {
        let program = match helm.version {
            Version::Three => needs::windlass().display().to_string(),
            Version::Four => {
                let mut enable = sandbox.windlass(["helm", "enable", "--name", "windlass-post"]);
                enable.env("HELM_PLUGINS", helm.plugins());
                let enabled = xtask::command::feed(&mut enable, b"").expect("windlass starts");
                assert_eq!(enabled.code, Some(0), "{}", enabled.stderr);
                "windlass-post".to_owned()
            }
        };
        let use_of = needs::plugin("label-injector").display().to_string();
        let pipeline = sandbox.write(
            "windlass.yaml",
            format!(
                "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nmetadata: {{name: both}}\nplugins:\n- use: {use_of}\n  config: {{labels: {{team: payments}}}}\n"
            ),
        );
        let pipeline = pipeline.display().to_string();
        let chart = awkward();
        let mut command = helm.command();
        command.args(["template", RELEASE, &chart, "--namespace", NAMESPACE, "--post-renderer", &program]);
        for word in ["run", "--quiet", "--pipeline", &pipeline] {
            command.args(["--post-renderer-args", word]);
        }
        let finished = sandbox.finish(command);
        assert_eq!(finished.code, Some(0), "{}: {}", helm.version.title(), finished.stderr);
        let arguments = ["template", RELEASE, &chart, "--namespace", NAMESPACE];
        let direct = rendered(sandbox, helm, &arguments, Through::LabelInjector);
        // `rendered` leaves out the carriage returns of a template written on Windows.
        let rendered = String::from_utf8(finished.stdout).expect("UTF-8").replace("\r\n", "\n");
        assert_eq!(rendered, direct, "{}", helm.version.title());
    });
}

/// Helm 3 shows a post-renderer's stderr. Helm 4 hides it: `windlass why` has it.
#[test]
fn a_failure_reaches_the_person() {
    each_helm(|sandbox, helm| {
        let chart = awkward();
        let mut words = post_renderer(helm, Through::LabelInjector);
        let last = words.last_mut().expect("the label");
        *last = "labels.team=not a label".to_owned();
        let mut command = helm.command();
        command.args(["template", RELEASE, &chart]).args(words);
        let finished = sandbox.finish(command);
        assert_ne!(finished.code, Some(0), "Helm must fail");
        assert!(finished.stdout.is_empty(), "{}", String::from_utf8_lossy(&finished.stdout));
        let why = String::from_utf8(sandbox.succeed(["why"], b"")).expect("UTF-8");
        // The record has what the plugin said, without the value, which might be secret.
        assert!(why.contains("labels.team: `…` has a space"), "`windlass why` says: {why}");
        if helm.version == Version::Three {
            assert!(finished.stderr.contains("not a label"), "Helm 3 shows: {}", finished.stderr);
        }
    });
}

/// All that one can say to a plugin under Helm 4 is arguments: one of them may name a file with its configuration.
#[test]
fn an_argument_names_a_configuration_file() {
    let sandbox = Sandbox::new();
    let Some(helm) = sandbox.helm(Version::Four) else { return };
    install(&helm, "label-injector");
    let file = sandbox.write("labels.yaml", "labels: {team: payments}\n");
    let run = |words: &[&str]| {
        let mut command = helm.command();
        command.args(["template", RELEASE, &awkward(), "--post-renderer", "label-injector"]);
        words.iter().for_each(|word| {
            command.args(["--post-renderer-args", word]);
        });
        sandbox.finish(command)
    };
    let named = format!("config={}", file.display());
    let from_file = run(&[&named]);
    assert_eq!(from_file.code, Some(0), "{}", from_file.stderr);
    assert_eq!(from_file.stdout, run(&["labels.team=payments"]).stdout);
    // Other arguments come on top.
    assert_eq!(run(&[&named, "labels.team=web"]).stdout, run(&["labels.team=web"]).stdout);
    let missing = run(&["config=no-such-file.yaml"]);
    assert_ne!(missing.code, Some(0));
    assert!(missing.stdout.is_empty());
}
