//! `windlass wait` and `windlass status` against an API server of our own: everything that a cluster may do to them.

use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use windlass_kstatus::{Options, readiness};
use windlass_tests::api_server::{ApiServer, base64};
use windlass_tests::needs;
use windlass_tests::objects;
use windlass_tests::patience::{out_of_time, until};
use windlass_tests::sandbox::Sandbox;
use xtask::command::{Finished, feed};
use xtask::helm::Version;

/// A test's home with a cluster.
struct Stage {
    sandbox: Sandbox,
    server: ApiServer,
}

impl Stage {
    fn new() -> Self {
        let (sandbox, server) = (Sandbox::new(), ApiServer::start());
        server.kubeconfig(sandbox.path());
        Stage { sandbox, server }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.sandbox.windlass(words);
        command.env("KUBECONFIG", self.sandbox.path().join("kubeconfig"));
        for name in ["HELM_NAMESPACE", "HELM_DRIVER", "HELM_KUBECONTEXT"] {
            command.env_remove(name);
        }
        command
    }

    /// Waits for these objects, given on stdin.
    fn wait(&self, words: &[&str], objects: &[Value]) -> Finished {
        let words: Vec<&str> = ["wait"].into_iter().chain(words.iter().copied()).collect();
        feed(&mut self.command(&words), stream(objects).as_bytes()).expect("windlass starts")
    }

    /// The end of what was begun.
    fn end(&self, mut child: Child) -> Finished {
        let status = child.wait().expect("windlass ends");
        let read = |name: &str| std::fs::read(self.sandbox.path().join(name)).expect("a file");
        Finished {
            code: status.code(),
            stdout: read("stdout"),
            stderr: String::from_utf8_lossy(&read("stderr")).into_owned(),
        }
    }

    /// Waits until what was begun has said this.
    fn until_said(&self, wanted: &str) {
        let said = || {
            let read = |name| std::fs::read(self.sandbox.path().join(name)).unwrap_or_default();
            ["stdout", "stderr"].map(|name| String::from_utf8_lossy(&read(name)).into_owned()).concat()
        };
        until(|| said().contains(wanted), || format!("`{wanted}` in\n{}", said()));
    }

    /// Has a command that cannot succeed run out of time (`--timeout`): with more time, until it has seen all that its answer
    /// must hold. So a slow machine only takes longer.
    #[track_caller]
    fn out_of_time(&self, words: &[&str], input: &str, texts: &[&str]) {
        out_of_time(4, texts, |timeout| {
            let words = [words, &["--timeout", timeout]].concat();
            feed(&mut self.command(&words), input.as_bytes()).expect("windlass starts")
        });
    }

    /// Begins to wait for these objects; the test goes on meanwhile.
    fn begin(&self, words: &[&str], objects: &[Value]) -> Child {
        let file = self.sandbox.write("objects.yaml", stream(objects));
        let mut all = vec!["wait", "-f", file.to_str().expect("UTF-8")];
        all.extend_from_slice(words);
        let mut command = self.command(&all);
        // Files, not pipes: nobody reads while the test acts.
        let file = |name: &str| std::fs::File::create(self.sandbox.path().join(name)).expect("a file");
        command.stdin(Stdio::null()).stdout(file("stdout")).stderr(file("stderr"));
        command.spawn().expect("windlass starts")
    }
}

fn stream(objects: &[Value]) -> String {
    objects.iter().map(|object| format!("---\n{object}\n")).collect()
}

fn text(finished: &Finished) -> String {
    String::from_utf8_lossy(&finished.stdout).into_owned()
}

/// Checks how a command ended and that its answer has these texts.
fn check(finished: &Finished, code: i32, texts: &[&str]) {
    let answer = format!("{}{}", text(finished), finished.stderr);
    assert_eq!(finished.code, Some(code), "{answer}");
    for wanted in texts {
        assert!(answer.contains(wanted), "no `{wanted}` in:\n{answer}");
    }
}

fn object(api_version: &str, kind: &str, name: &str) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}})
}

fn config_map(name: &str) -> Value {
    object("v1", "ConfigMap", name)
}

fn deployment(name: &str, replicas: u64, ready: u64) -> Value {
    let mut deployment = object("apps/v1", "Deployment", name);
    deployment["metadata"]["generation"] = 1.into();
    deployment["spec"] = json!({"replicas": replicas, "selector": {"matchLabels": {"app": name}}});
    deployment["status"] = json!({
        "observedGeneration": 1, "replicas": replicas, "updatedReplicas": replicas,
        "readyReplicas": ready, "availableReplicas": ready,
        "conditions": [{"type": "Available", "status": if ready == replicas { "True" } else { "False" }, "reason": "MinimumReplicas"}],
    });
    deployment
}

/// A custom resource with readiness annotations.
fn database(phase: &str) -> Value {
    let mut database = object("example.org/v1", "Database", "main");
    database["metadata"]["annotations"] = json!({
        "helm.sh/readiness-success": r#"["{.phase} == Ready"]"#,
        "helm.sh/readiness-failure": r#"["{.phase} == Failed"]"#,
    });
    if !phase.is_empty() {
        database["status"] = json!({"phase": phase});
    }
    database
}

#[test]
fn all_ready_at_once() {
    let stage = Stage::new();
    let objects = [config_map("a"), config_map("b"), deployment("web", 2, 2)];
    objects.iter().for_each(|object| stage.server.apply(object.clone()));
    let finished = stage.wait(&[], &objects);
    check(&finished, 0, &["all 3 objects are ready", "Deployment/web  Current  Deployment is available. Replicas: 2"]);
    // One list per kind; nothing more was needed.
    assert_eq!((stage.server.times("list configmaps"), stage.server.times("list deployments")), (1, 1));
}

#[test]
fn becomes_ready_while_it_waits() {
    let stage = Stage::new();
    stage.server.apply(deployment("web", 2, 0));
    let child = stage.begin(&[], &[deployment("web", 2, 0)]);
    stage.until_said("InProgress  Available: 0/2");
    stage.server.wait_until_asked("watch deployments", 1);
    stage.server.apply(deployment("web", 2, 1));
    stage.server.apply(deployment("web", 2, 2));
    check(&stage.end(child), 0, &["all 1 objects are ready"]);
    assert_eq!((stage.server.times("list deployments"), stage.server.times("watch deployments")), (1, 1));
}

#[test]
fn a_bad_image_is_named_when_time_is_up() {
    let stage = Stage::new();
    stage.server.apply(deployment("web", 1, 0));
    stage.server.apply(json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web-5d-x", "labels": {"app": "web"}, "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d", "uid": "rs"}]},
        "status": {"phase": "Pending", "containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"nowhere/x\""}}}]},
    }));
    stage.server.apply(json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e1"}, "type": "Warning", "reason": "Failed",
        "message": "Failed to pull image", "count": 4, "lastTimestamp": "2026-11-22T16:00:00Z",
        "involvedObject": {"kind": "Pod", "name": "web-5d-x"},
    }));
    stage.out_of_time(
        &["wait"],
        &stream(&[deployment("web", 1, 0)]),
        &[
            "time is up",
            "condition: Available=False: MinimumReplicas",
            "pod: web-5d-x is Pending: container app waits: ImagePullBackOff: Back-off pulling image \"nowhere/x\"",
            "event: Pod/web-5d-x: Failed: Failed to pull image (4 times)",
        ],
    );
}

#[test]
fn a_failed_job_is_final_and_the_others_are_waited_for() {
    let stage = Stage::new();
    let mut job = object("batch/v1", "Job", "migrate");
    job["status"] = json!({"failed": 1, "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit"}]});
    let objects = [job, deployment("web", 1, 0)];
    objects.iter().for_each(|object| stage.server.apply(object.clone()));

    let finished = stage.wait(&["--fail-fast"], &objects);
    check(
        &finished,
        1,
        &["Job/migrate  Failed  Job Failed. failed: 1/1", "condition: Failed=True: BackoffLimitExceeded"],
    );

    let child = stage.begin(&[], &objects);
    stage.server.wait_until_asked("watch deployments", 1);
    stage.server.apply(deployment("web", 1, 1));
    check(&stage.end(child), 1, &["1 of 2 objects are ready", "at least one has failed"]);
}

#[test]
fn a_running_job_counts_unless_told_otherwise() {
    let stage = Stage::new();
    let mut job = object("batch/v1", "Job", "import");
    job["status"] = json!({"startTime": "2026-11-22T16:00:00Z", "active": 1});
    stage.server.apply(job.clone());
    check(&stage.wait(&[], &[job.clone()]), 0, &["all 1 objects are ready"]);
    let child = stage.begin(&["--for-jobs"], &[job.clone()]);
    stage.until_said("Job/import  InProgress  Job in progress");
    job["status"] = json!({"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]});
    stage.server.apply(job);
    check(&stage.end(child), 0, &["all 1 objects are ready"]);
}

#[test]
fn pods_that_crash_make_their_stateful_set_fail() {
    let stage = Stage::new();
    let mut set = object("apps/v1", "StatefulSet", "db");
    set["spec"] = json!({"replicas": 1, "selector": {"matchLabels": {"app": "db"}}});
    set["status"] = json!({"replicas": 1});
    stage.server.apply(set.clone());
    let child = stage.begin(&[], &[set]);
    stage.server.wait_until_asked("watch pods", 1);
    stage.server.apply(json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db-0", "labels": {"app": "db"}},
        "status": {"phase": "Running", "containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]},
    }));
    check(&stage.end(child), 1, &["StatefulSet/db  Failed  1 pods have failed"]);
}

#[test]
fn annotations_decide_and_definitions_may_come_late() {
    for (phase, code, said) in [("Ready", 0, "success condition is met"), ("Failed", 1, "failure condition is met")] {
        let stage = Stage::new();
        let child = stage.begin(&[], &[database("")]);
        stage.server.wait_until_asked("list nothing", 0);
        stage.server.define("example.org/v1", "Database", "databases");
        stage.server.wait_until_asked("list databases", 1);
        stage.server.apply(database(""));
        stage.server.apply(database("Progressing"));
        stage.server.apply(database(phase));
        check(&stage.end(child), code, &[said]);
    }
}

#[test]
fn an_object_that_is_deleted_and_made_again() {
    let stage = Stage::new();
    stage.server.apply(deployment("web", 1, 0));
    let child = stage.begin(&[], &[deployment("web", 1, 0)]);
    stage.server.wait_until_asked("watch deployments", 1);
    stage.server.delete("apps/v1", "Deployment", "web");
    stage.server.apply(deployment("web", 1, 1));
    check(&stage.end(child), 0, &["all 1 objects are ready"]);
}

#[test]
fn a_server_that_restarts_and_forgets() {
    let stage = Stage::new();
    stage.server.apply(deployment("web", 1, 0));
    let child = stage.begin(&[], &[deployment("web", 1, 0)]);
    stage.server.wait_until_asked("watch deployments", 1);
    stage.server.go_down();
    stage.server.come_up();
    stage.server.wait_until_asked("watch deployments", 2);
    // The watch was resumed where it had ended, without another list.
    assert_eq!(stage.server.times("list deployments"), 1);
    stage.server.forget();
    // It cannot be resumed now.
    stage.server.wait_until_asked("list deployments", 2);
    stage.server.apply(deployment("web", 1, 1));
    check(&stage.end(child), 0, &["all 1 objects are ready"]);
}

/// A server that has just started does not know all rights and definitions yet, and refuses what it allowed before.
#[test]
fn a_server_that_restarts_and_has_to_collect_itself() {
    let stage = Stage::new();
    stage.server.apply(deployment("web", 1, 0));
    let child = stage.begin(&[], &[deployment("web", 1, 0)]);
    stage.server.wait_until_asked("watch deployments", 1);
    stage.server.go_down();
    stage.server.forbid("watch", "deployments");
    stage.server.come_up();
    stage.server.wait_until_asked("watch deployments", 3);
    stage.server.permit("watch", "deployments");
    stage.server.apply(deployment("web", 1, 1));
    let finished = stage.end(child);
    check(&finished, 0, &["all 1 objects are ready"]);
    assert!(!finished.stderr.contains("no permission"), "{}", finished.stderr);
    assert_eq!(stage.server.times("list deployments"), 1);

    let stage = Stage::new();
    stage.server.define("example.org/v1", "Database", "databases");
    stage.server.apply(database(""));
    let mut child = stage.begin(&["--delete"], &[database("")]);
    stage.server.wait_until_asked("watch databases", 1);
    stage.server.go_down();
    stage.server.undefine("Database");
    stage.server.come_up();
    stage.server.wait_until_asked("missing databases", 2);
    assert!(child.try_wait().expect("a child").is_none(), "taken for gone");
    stage.server.define("example.org/v1", "Database", "databases");
    stage.server.wait_until_asked("watch databases", 2);
    stage.server.delete("example.org/v1", "Database", "main");
    check(&stage.end(child), 0, &["all 1 objects are gone"]);
}

#[test]
fn without_the_right_to_watch_it_lists_and_without_that_it_gets() {
    let stage = Stage::new();
    stage.server.forbid("watch", "deployments");
    stage.server.apply(deployment("web", 1, 0));
    let child = stage.begin(&[], &[deployment("web", 1, 0)]);
    stage.server.wait_until_asked("list deployments", 2);
    stage.server.apply(deployment("web", 1, 1));
    check(
        &stage.end(child),
        0,
        &["no permission to watch deployments.apps in the namespace default", "all 1 objects are ready"],
    );

    stage.server.forbid("list", "deployments");
    check(&stage.wait(&[], &[deployment("web", 1, 1)]), 0, &["no permission to list deployments.apps"]);

    stage.server.forbid("get", "deployments");
    check(
        &stage.wait(&[], &[deployment("web", 1, 1)]),
        3,
        &["no permission to get deployments.apps in the namespace default"],
    );
}

/// The most memory that a process has held until now, in KiB; known on Linux.
fn peak_memory(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[test]
fn two_thousand_objects_cost_one_list_and_one_watch() {
    let stage = Stage::new();
    let names: Vec<String> = (0..2_000).map(|number| format!("object-{number:04}")).collect();
    let objects: Vec<Value> = names.iter().map(|name| deployment(name, 1, 1)).collect();
    // One is late, so that there is a watch.
    objects.iter().skip(1).for_each(|object| stage.server.apply(object.clone()));
    let child = stage.begin(&["--output", "json"], &objects);
    stage.server.wait_until_asked("watch deployments", 1);
    let memory = peak_memory(&child);
    println!("2,000 objects: peak memory {memory:?} KiB, {} KiB of objects", stream(&objects).len() / 1024);
    assert!(memory.is_none_or(|kilobytes| kilobytes < 128 * 1024), "{memory:?}");
    stage.server.apply(objects[0].clone());
    let finished = stage.end(child);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!((stage.server.times("list deployments"), stage.server.times("watch deployments")), (1, 1));
    let events: Vec<Value> = text(&finished).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let summary = events.last().expect("a summary");
    assert_eq!(
        (&summary["event"], &summary["ending"], &summary["reached"]),
        (&json!("summary"), &json!("reached"), &json!(2_000))
    );
    assert_eq!(events.iter().filter(|event| event["event"] == "status" && event["status"] == "Current").count(), 2_000);
}

#[test]
fn until_everything_is_gone() {
    let stage = Stage::new();
    stage.server.apply(config_map("a"));
    let child = stage.begin(&["--delete"], &[config_map("a"), config_map("never")]);
    stage.server.wait_until_asked("watch configmaps", 1);
    stage.server.delete("v1", "ConfigMap", "a");
    check(&stage.end(child), 0, &["all 2 objects are gone"]);
    let mut stuck = config_map("stuck");
    stuck["metadata"]["deletionTimestamp"] = "2026-11-22T16:00:00Z".into();
    stuck["metadata"]["finalizers"] = json!(["example.org/keep"]);
    stage.server.apply(stuck.clone());
    let said = ["Terminating", "deletion waits for the finalizers example.org/keep"];
    stage.out_of_time(&["wait", "--delete"], &stream(&[stuck]), &said);
}

/// A release as Helm stores it.
fn stored(kind: &str, name: &str, version: u32, manifest: &str) -> Value {
    let release =
        json!({"name": name, "version": version, "info": {"status": "deployed"}, "manifest": manifest}).to_string();
    // Helm reads a release that is not packed, too; packing is what the library's own tests check.
    let once = base64(release.as_bytes());
    let data = if kind == "Secret" { base64(once.as_bytes()) } else { once };
    let mut object = object("v1", kind, &format!("sh.helm.release.v1.{name}.v{version}"));
    object["metadata"]["labels"] = json!({"owner": "helm", "name": name, "version": version.to_string()});
    object["data"] = json!({"release": data});
    object
}

#[test]
fn a_release_is_read_from_where_helm_keeps_it() {
    for kind in ["Secret", "ConfigMap"] {
        let stage = Stage::new();
        stage.server.apply(stored(kind, "web", 1, &stream(&[config_map("old")])));
        stage.server.apply(stored(kind, "web", 2, &stream(&[config_map("new")])));
        stage.server.apply(config_map("new"));
        check(
            &feed(&mut stage.command(&["wait", "web"]), b"").expect("windlass starts"),
            0,
            &["release web, revision 2 (deployed): all 1 objects are ready"],
        );
        stage.out_of_time(&["wait", "web", "--revision", "1"], "", &["ConfigMap/old  NotFound  Resource not found"]);
        let none = feed(&mut stage.command(&["wait", "shop"]), b"").expect("windlass starts");
        check(&none, 2, &["there is no release `shop` in the namespace default"]);
    }
    let stage = Stage::new();
    stage.server.forbid("list", "secrets");
    let refused = feed(&mut stage.command(&["wait", "web"]), b"").expect("windlass starts");
    check(&refused, 3, &["cannot list secrets in the namespace default, where Helm keeps releases"]);
}

#[test]
fn one_look_is_a_tree() {
    let stage = Stage::new();
    let mut pod = object("v1", "Pod", "web-5d-x");
    pod["metadata"]["labels"] = json!({"app": "web"});
    pod["metadata"]["ownerReferences"] = json!([{"kind": "ReplicaSet", "name": "web-5d", "uid": "rs"}]);
    pod["status"] = json!({"phase": "Running"});
    let objects = [deployment("web", 1, 0), config_map("settings")];
    objects.iter().chain([&pod]).for_each(|object| stage.server.apply(object.clone()));
    let look = |words: &[&str]| feed(&mut stage.command(words), stream(&objects).as_bytes()).expect("windlass starts");
    let finished = look(&["status"]);
    check(
        &finished,
        4,
        &[
            "stdin\n├─ Deployment/web  InProgress  Available: 0/1\n│  └─ Pod/web-5d-x  InProgress  Pod is running but is not Ready\n",
            "└─ ConfigMap/settings  Current  Resource is always ready\n",
        ],
    );
    assert_eq!(stage.server.times("watch deployments"), 0);
    let json: Value = serde_json::from_slice(&look(&["status", "-o", "json"]).stdout).expect("JSON");
    assert_eq!(json["ready"], false);
    assert_eq!(json["objects"][0]["pods"][0]["name"], "web-5d-x");
}

#[test]
fn nobody_answers() {
    let stage = Stage::new();
    stage.server.go_down();
    check(&stage.wait(&[], &[config_map("a")]), 5, &["cannot reach the API server"]);
    let nowhere = stage.wait(&["--kubeconfig", "missing"], &[config_map("a")]);
    check(&nowhere, 2, &["no usable kubeconfig"]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_it_cleanly() {
    let stage = Stage::new();
    stage.server.apply(deployment("web", 1, 0));
    let child = stage.begin(&[], &[deployment("web", 1, 0)]);
    stage.server.wait_until_asked("watch deployments", 1);
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill starts");
    assert!(killed.success());
    // Whether the object was judged by then is a race; that it is named is not.
    check(&stage.end(child), 130, &["interrupted after", "Deployment/web  "]);
}

/// What Helm waits for, too: a name, the objects of a chart with the status that each will have, whether all become ready.
type Scenario = (&'static str, Vec<(Value, Value)>, bool);

fn scenarios() -> Vec<Scenario> {
    let spec = |kind: &str, name: &str, api: &str, spec: Value| {
        let mut object = object(api, kind, name);
        object["spec"] = spec;
        object
    };
    let selector = json!({"matchLabels": {"app": "web"}});
    let pod = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": "x"}], "restartPolicy": "Never"}});
    let web = spec("Deployment", "web", "apps/v1", json!({"replicas": 1, "selector": selector, "template": pod}));
    let counts = |ready: u64| {
        let available = if ready == 1 { "True" } else { "False" };
        json!({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": ready, "availableReplicas": ready,
            "conditions": [{"type": "Available", "status": available}, {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]})
    };
    let exceeded = json!({"observedGeneration": 1, "replicas": 1, "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "m"}]});
    let mut paused = web.clone();
    paused["spec"]["paused"] = true.into();
    let job = spec("Job", "once", "batch/v1", json!({"template": pod}));
    let job_failed =
        json!({"failed": 1, "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]});
    let database = spec("Database", "main", "example.org/v1", json!({}));
    let ready = |status: &str| json!({"conditions": [{"type": "Ready", "status": status, "reason": "R"}]});
    let set = spec(
        "StatefulSet",
        "db",
        "apps/v1",
        json!({"replicas": 1, "selector": selector, "template": pod, "serviceName": "db"}),
    );
    vec![
        ("ready", vec![(web.clone(), counts(1)), (config_map("a"), json!(null))], true),
        ("never ready", vec![(web.clone(), counts(0))], false),
        ("deadline exceeded", vec![(web, exceeded)], false),
        ("paused", vec![(paused, counts(0))], true),
        ("job running", vec![(job.clone(), json!({"startTime": "2026-11-22T16:00:00Z", "active": 1}))], true),
        ("job failed", vec![(job, job_failed)], false),
        ("custom resource ready", vec![(database.clone(), ready("True"))], true),
        ("custom resource not ready", vec![(database.clone(), ready("False"))], false),
        ("custom resource without status", vec![(database, json!(null))], true),
        ("stateful set not ready", vec![(set.clone(), json!({"observedGeneration": 1, "replicas": 1}))], false),
        (
            "stateful set ready",
            vec![(set, json!({"observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "currentReplicas": 1}))],
            true,
        ),
    ]
}

/// A chart with these objects.
fn chart(stage: &Stage, objects: &[Value]) -> String {
    stage.sandbox.write("chart/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");
    stage.sandbox.write("chart/templates/all.yaml", stream(objects));
    stage.sandbox.path().join("chart").display().to_string()
}

#[test]
fn the_verdict_of_helm_wait() {
    for (name, objects, is_ready) in scenarios() {
        let stage = Stage::new();
        let Some(helm) = stage.sandbox.helm(Version::Four) else { return };
        stage.server.define("example.org/v1", "Database", "databases");
        stage.server.apply(object("v1", "Namespace", "default"));
        for (object, status) in objects.iter().filter(|(_, status)| !status.is_null()) {
            let text = |field: &Value| field.as_str().expect("a text").to_owned();
            stage.server.will_be(&text(&object["kind"]), &text(&object["metadata"]["name"]), status.clone());
        }
        let objects: Vec<Value> = objects.into_iter().map(|(object, _)| object).collect();
        let chart = chart(&stage, &objects);
        let mut install = helm.command();
        install.args([
            "install",
            "web",
            &chart,
            "--wait",
            "--timeout",
            // Long enough for what becomes ready on a busy machine; what cannot become ready is not worth it.
            if is_ready { "90s" } else { "4s" },
            "--server-side=false",
            "--disable-openapi-validation",
        ]);
        install.env("KUBECONFIG", stage.sandbox.path().join("kubeconfig"));
        let theirs = feed(&mut install, b"").expect("helm starts");
        assert_eq!(theirs.code == Some(0), is_ready, "helm on `{name}`: {}", theirs.stderr);
        let patience = if is_ready { "90s" } else { "4s" };
        let ours = feed(&mut stage.command(&["wait", "web", "--timeout", patience]), b"").expect("windlass starts");
        assert_eq!(ours.code == Some(0), is_ready, "windlass on `{name}`: {}{}", text(&ours), ours.stderr);
    }
}

/// The recipe `helm upgrade --install ... && windlass wait RELEASE`, with both Helms.
#[test]
fn after_an_upgrade_with_either_helm() {
    for version in Version::ALL {
        let stage = Stage::new();
        let Some(helm) = stage.sandbox.helm(version) else { return };
        stage.server.apply(object("v1", "Namespace", "default"));
        let chart = chart(&stage, &[config_map("settings")]);
        let mut words = vec!["upgrade", "--install", "web", &chart, "--disable-openapi-validation"];
        if version == Version::Four {
            words.push("--server-side=false");
        }
        let mut upgrade = helm.command();
        upgrade.args(words);
        upgrade.env("KUBECONFIG", stage.sandbox.path().join("kubeconfig"));
        let upgraded = feed(&mut upgrade, b"").expect("helm starts");
        assert_eq!(upgraded.code, Some(0), "{}", upgraded.stderr);
        let waited = feed(&mut stage.command(&["wait", "web"]), b"").expect("windlass starts");
        check(&waited, 0, &["release web, revision 1 (deployed): all 1 objects are ready"]);
    }
}

/// The recipe for custom resources: the kstatus plugin as a post-renderer adds annotations, and the wait reads them.
#[test]
fn annotations_from_the_post_renderer_decide() {
    let stage = Stage::new();
    let Some(helm) = stage.sandbox.helm(Version::Four) else { return };
    let folder = helm.plugins().join("kstatus");
    std::fs::create_dir_all(&folder).expect("a folder");
    for file in ["plugin.yaml", "plugin.wasm"] {
        std::fs::copy(needs::plugin("kstatus").join(file), folder.join(file)).expect("a copied file");
    }
    stage.server.apply(object("v1", "Namespace", "default"));
    stage.server.define("cert-manager.io/v1", "Certificate", "certificates");
    stage.server.will_be("Certificate", "web", json!({"conditions": [{"type": "Ready", "status": "True"}]}));
    let chart = chart(&stage, &[object("cert-manager.io/v1", "Certificate", "web")]);
    let mut upgrade = helm.command();
    upgrade.args(["upgrade", "--install", "web", &chart, "--disable-openapi-validation", "--server-side=false"]);
    upgrade.args(["--post-renderer", "kstatus", "--post-renderer-args", "wellKnown=true"]);
    upgrade.env("KUBECONFIG", stage.sandbox.path().join("kubeconfig"));
    let upgraded = stage.sandbox.finish(upgrade);
    assert_eq!(upgraded.code, Some(0), "{}", upgraded.stderr);
    let waited = feed(&mut stage.command(&["wait", "web"]), b"").expect("windlass starts");
    check(
        &waited,
        0,
        &["Certificate/web  Current  success condition is met: {.conditions[?(@.type==\"Ready\")].status} == \"True\""],
    );
}

/// A plugin that renders nothing and answers questions with `body`.
fn answering(folder: &Path, body: &str) -> String {
    let wat = format!(
        r#"(module (memory (export "memory") 2) (data (i32.const 8) "not a status")
            (func (export "windlass_alloc") (param i32) (result i32) (i32.const 1024))
            (func (export "windlass_render") (param i32 i32 i32 i32) (result i64) (i64.const 0))
            (func (export "windlass_readiness") (param i32 i32) (result i64) {body}))"#
    );
    let path = folder.join("judge.wasm");
    std::fs::write(&path, wat::parse_str(&wat).expect("a module")).expect("a written module");
    path.display().to_string()
}

#[test]
fn a_plugin_that_does_not_decide_never_means_ready() {
    for (body, code, said) in [
        ("unreachable", 1, "it crashed"),
        ("(loop (br 0)) unreachable", 4, "it ran longer than"),
        ("(i64.const 0)", 1, "gave no answer"),
        ("(i64.const 0x80000000c)", 1, "its answer to `windlass_readiness` is not a status"),
        ("(i64.const 0x7fffffff00000010)", 1, "not all inside its memory"),
        ("(i64.const -1)", 1, "it failed with code 1"),
    ] {
        let stage = Stage::new();
        stage.server.apply(config_map("a"));
        let plugin = answering(stage.sandbox.path(), body);
        let finished = stage.wait(&["--plugin", &plugin], &[config_map("a")]);
        check(&finished, code, &[said]);
        assert!(!text(&finished).contains("ready"), "{body}: {}", text(&finished));
    }
    let stage = Stage::new();
    let label_injector = needs::plugin("label-injector").display().to_string();
    let finished = stage.wait(&["--plugin", &label_injector], &[config_map("a")]);
    check(&finished, 2, &["it does not export `windlass_readiness`"]);
}

#[test]
fn the_plugin_decides_as_the_library_does() {
    let plugin = needs::plugin("kstatus").display().to_string();
    let stage = Stage::new();
    let objects = [deployment("web", 2, 1), config_map("a"), database("Ready")];
    stage.server.define("example.org/v1", "Database", "databases");
    objects.iter().for_each(|object| stage.server.apply(object.clone()));
    let look = |words: &[&str]| {
        let words: Vec<&str> = ["status", "-o", "json"].into_iter().chain(words.iter().copied()).collect();
        let finished = feed(&mut stage.command(&words), stream(&objects).as_bytes()).expect("windlass starts");
        assert_eq!(finished.code, Some(4), "{}", finished.stderr);
        serde_json::from_slice::<Value>(&finished.stdout).expect("JSON")
    };
    assert_eq!(look(&["--plugin", &plugin]), look(&[]));
}

/// Through the wasm, in the sandbox, thousands of objects get what the library says in this process.
#[test]
fn wasm_and_library_agree_on_table_cases_and_generated_objects() {
    let plugin = needs::plugin("kstatus").display().to_string();
    let stage = Stage::new();
    let mut all: Vec<Value> = Vec::new();
    let tables = ["upstream.yaml", "own.yaml"].into_iter().flat_map(objects::table);
    for (number, (_, mut object)) in tables.chain(objects::generated(2_000)).enumerate() {
        let (Some(api_version), Some(kind)) = (object["apiVersion"].as_str(), object["kind"].as_str()) else {
            continue;
        };
        // What no server serves cannot be looked at, and a paused Deployment is left out of a wait.
        if api_version.is_empty()
            || api_version.matches('/').count() > 1
            || !object["metadata"].is_object()
            || object["spec"]["paused"] == true
        {
            continue;
        }
        stage.server.define(api_version, kind, &format!("{}s", kind.to_lowercase()));
        object["metadata"]["name"] = format!("object-{number}").into();
        object["metadata"]["namespace"] = "default".into();
        all.push(object);
    }
    assert!(all.len() > 1_900, "{}", all.len());
    all.iter().for_each(|object| stage.server.apply(object.clone()));
    let named: Vec<Value> = all
        .iter()
        .map(|whole| {
            let text = |field: &Value| field.as_str().expect("a text").to_owned();
            object(&text(&whole["apiVersion"]), &text(&whole["kind"]), &text(&whole["metadata"]["name"]))
        })
        .collect();
    let finished = feed(&mut stage.command(&["status", "-o", "json", "--plugin", &plugin]), stream(&named).as_bytes())
        .expect("windlass starts");
    let answer: Value = serde_json::from_slice(&finished.stdout).unwrap_or_else(|_| panic!("{}", finished.stderr));
    let rows = answer["objects"].as_array().expect("objects");
    assert_eq!(rows.len(), all.len());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let options = Options { now: i64::try_from(now).ok(), ..Options::default() };
    for (row, object) in rows.iter().zip(&all) {
        let verdict = readiness(object, &options);
        let ours = json!({"status": verdict.status, "message": verdict.message, "conditions": verdict.conditions});
        let theirs = json!({"status": row["status"], "message": row["message"], "conditions": row["conditions"]});
        assert_eq!(theirs, ours, "{object}");
    }
}
