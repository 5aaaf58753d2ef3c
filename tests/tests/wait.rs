//! `windlass wait` and `windlass status` against an API server of our own: everything that a cluster may do to them.

use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use windlass_kstatus::{Options, Rules, readiness};
use windlass_tests::api_server::base64;
use windlass_tests::needs;
use windlass_tests::objects;
use windlass_tests::stage::{Stage, check, config_map, database, deployment, object, stream, text};
use xtask::command::feed;
use xtask::helm::Version;

/// The replica set between a Deployment `web` and its pods.
fn replica_set() -> Value {
    let mut set = object("apps/v1", "ReplicaSet", "web-5d");
    set["metadata"]["uid"] = "rs".into();
    set["metadata"]["ownerReferences"] = json!([{"kind": "Deployment", "name": "web", "uid": "uid-web"}]);
    set
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
    stage.server.apply(replica_set());
    stage.server.apply(json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web-5d-x", "labels": {"app": "web"}, "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d", "uid": "rs"}]},
        "status": {"phase": "Pending", "containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"nowhere/x\""}}}]},
    }));
    stage.server.apply(json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e1"}, "type": "Warning", "reason": "Failed",
        "message": "Failed to pull image", "count": 4, "lastTimestamp": "2026-11-22T16:00:00Z",
        "involvedObject": {"kind": "Pod", "name": "web-5d-x", "uid": "uid-web-5d-x"},
    }));
    // Another Deployment's, whose name begins with this one's.
    stage.server.apply(json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e2"}, "type": "Warning", "reason": "Foreign",
        "message": "not ours", "involvedObject": {"kind": "ReplicaSet", "name": "web-api-5d", "uid": "other"},
    }));
    stage.out_of_time(
        &["wait"],
        &stream(&[deployment("web", 1, 0)]),
        &[
            "time is up",
            "condition: Available=False: MinimumReplicas",
            "pod: web-5d-x is Pending: container app waits: ImagePullBackOff: Back-off pulling image \"nowhere/x\"",
            "event: Pod/web-5d-x: Failed: Failed to pull image (4 times, ",
            "cause: Deployment/web: ImagePullBackOff: Back-off pulling image \"nowhere/x\"",
        ],
    );
    let words = ["wait", "--timeout", "2s"];
    let finished = feed(&mut stage.command(&words), stream(&[deployment("web", 1, 0)]).as_bytes()).expect("it starts");
    assert!(!text(&finished).contains("not ours"), "{}", text(&finished));
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
    check(&stage.wait(&["--rules", "helm4"], &[job.clone()]), 0, &["all 1 objects are ready"]);
    // By the strict rules the answer does not hang on the moment at which it is asked.
    let child = stage.begin(&[], &[job.clone()]);
    stage.until_said("Job/import  InProgress  Job in progress");
    stage.server.apply(job.clone());
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill starts");
    assert!(killed.success());
    check(&stage.end(child), 130, &[]);
    let child = stage.begin(&["--rules", "helm4", "--for-jobs"], &[job.clone()]);
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
    let child = stage.begin(&["--crash-grace", "0s"], &[set]);
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
    objects.iter().chain([&pod, &replica_set()]).for_each(|object| stage.server.apply(object.clone()));
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

/// What Helm waits for, too: a name, the objects of a chart with the status that each will have, whether all become
/// ready.
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

/// With `--rules` of either Helm, that Helm's verdict.
#[test]
fn the_verdict_of_helm_wait() {
    std::thread::scope(|scope| {
        for version in Version::ALL {
            for scenario in scenarios() {
                scope.spawn(move || compare_with_helm(version, scenario));
            }
        }
    });
}

fn compare_with_helm(version: Version, (name, objects, is_ready): Scenario) {
    let stage = Stage::new();
    let Some(helm) = stage.sandbox.helm(version) else { return };
    stage.server.define("example.org/v1", "Database", "databases");
    stage.server.apply(object("v1", "Namespace", "default"));
    for (object, status) in objects.iter().filter(|(_, status)| !status.is_null()) {
        let text = |field: &Value| field.as_str().expect("a text").to_owned();
        stage.server.will_be(&text(&object["kind"]), &text(&object["metadata"]["name"]), status.clone());
    }
    let objects: Vec<Value> = objects.into_iter().map(|(object, _)| object).collect();
    let chart = chart(&stage, &objects);
    // Long enough for what becomes ready on a busy machine; what cannot become ready is not worth it.
    let patience = if is_ready && version == Version::Four { "90s" } else { "6s" };
    let mut install = helm.command();
    install.args(["install", "web", &chart, "--wait", "--timeout", patience, "--disable-openapi-validation"]);
    if version == Version::Four {
        install.arg("--server-side=false");
    }
    install.env("KUBECONFIG", stage.sandbox.path().join("kubeconfig"));
    let theirs = feed(&mut install, b"").expect("helm starts");
    if version == Version::Four {
        assert_eq!(theirs.code == Some(0), is_ready, "helm on `{name}`: {}", theirs.stderr);
    }
    // What Helm says about its own release is not what is compared here.
    let rules = if version == Version::Four { "helm4" } else { "helm3" };
    let file = stage.sandbox.write("objects.yaml", stream(&objects)).display().to_string();
    let words = ["wait", "-f", &file, "--rules", rules, "--timeout", patience];
    let ours = feed(&mut stage.command(&words), b"").expect("windlass starts");
    let said = format!("windlass on `{name}`, {rules}: {}{}\nhelm: {}", text(&ours), ours.stderr, theirs.stderr);
    assert_eq!(ours.code == Some(0), theirs.code == Some(0), "{said}");
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
    for (number, (_, mut object)) in tables.chain(objects::generated(2_000)).chain(objects::well_known()).enumerate() {
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
    assert!(all.len() > 2_900, "{}", all.len());
    all.iter().for_each(|object| stage.server.apply(object.clone()));
    let named: Vec<Value> = all
        .iter()
        .map(|whole| {
            let text = |field: &Value| field.as_str().expect("a text").to_owned();
            object(&text(&whole["apiVersion"]), &text(&whole["kind"]), &text(&whole["metadata"]["name"]))
        })
        .collect();
    for rules in [Rules::Helm4, Rules::Strict, Rules::Helm3] {
        compare_verdicts(&stage, &plugin, rules, &named, &all);
    }
}

fn compare_verdicts(stage: &Stage, plugin: &str, rules: Rules, named: &[Value], all: &[Value]) {
    let words = ["status", "-o", "json", "--plugin", plugin, "--rules", rules.as_str(), "--no-sync"];
    let finished = feed(&mut stage.command(&words), stream(named).as_bytes()).expect("windlass starts");
    let answer: Value = serde_json::from_slice(&finished.stdout).unwrap_or_else(|_| panic!("{}", finished.stderr));
    let rows = answer["objects"].as_array().expect("objects");
    assert_eq!(rows.len(), all.len());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let options = Options { rules, now: i64::try_from(now).ok(), ..Options::default() };
    for (row, object) in rows.iter().zip(all) {
        let verdict = readiness(object, &options);
        let ours = json!({"status": verdict.status, "message": verdict.message, "conditions": verdict.conditions});
        let theirs = json!({"status": row["status"], "message": row["message"], "conditions": row["conditions"]});
        assert_eq!(theirs, ours, "{object}");
    }
}

/// What has nothing to wait for is a slip, unless it is meant.
#[test]
fn nothing_to_wait_for_is_not_success() {
    let stage = Stage::new();
    let mut hook = config_map("hook");
    hook["metadata"]["annotations"] = json!({"helm.sh/hook": "pre-install"});
    let generated = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "x-"}});
    for (objects, why) in [
        (vec![], "there is nothing to wait for in stdin: no objects at all"),
        (vec![generated], "1 without a name (a generateName?)"),
        (vec![hook.clone()], "1 hooks, which `--hooks` waits for"),
    ] {
        check(&stage.wait(&[], &objects), 2, &[why, "--allow-empty"]);
        check(&stage.wait(&["--allow-empty"], &objects), 0, &["there are no objects"]);
    }
    let words = ["--selector", "app=web"];
    check(&stage.wait(&words, &[config_map("a")]), 2, &["1 that the selector does not match"]);
    stage.server.apply(hook.clone());
    check(&stage.wait(&["--hooks"], &[hook, config_map("a")]), 0, &["all 1 objects are ready"]);
}

/// A release with a state of its own, and hooks.
fn in_state(name: &str, version: u32, status: &str, manifest: &str, hooks: &Value) -> Value {
    let info = json!({"status": status, "description": format!("it is {status}")});
    let release = json!({"name": name, "version": version, "info": info, "manifest": manifest, "hooks": hooks});
    let mut object = stored("ConfigMap", name, version, manifest);
    object["data"]["release"] = base64(release.to_string().as_bytes()).into();
    object["metadata"]["labels"]["status"] = status.into();
    object
}

#[test]
fn a_release_is_ready_when_it_is_deployed() {
    let stage = Stage::new();
    let manifest = stream(&[config_map("a")]);
    stage.server.apply(config_map("a"));
    let run = |words: &[&str]| feed(&mut stage.command(words), b"").expect("windlass starts");
    let none = json!([]);
    for state in ["pending-install", "pending-upgrade", "uninstalling", "superseded", "uninstalled"] {
        stage.server.apply(in_state("web", 1, state, &manifest, &none));
        let said = format!("release web, revision 1 ({state})");
        check(&run(&["wait", "web", "--timeout", "2s"]), 4, &[&said, "the release is not deployed"]);
        check(&run(&["status", "web"]), 4, &[&said]);
    }
    // While another process works on it.
    let mut command = stage.command(&["wait", "web"]);
    let file = |name: &str| std::fs::File::create(stage.sandbox.path().join(name)).expect("a file");
    command.stdin(Stdio::null()).stdout(file("stdout")).stderr(file("stderr"));
    stage.server.apply(in_state("web", 2, "pending-upgrade", &manifest, &none));
    let child = command.spawn().expect("windlass starts");
    stage.until_said("release web, revision 2 is pending-upgrade: waiting until it is deployed");
    stage.server.apply(in_state("web", 2, "deployed", &manifest, &none));
    check(&stage.end(child), 0, &["release web, revision 2 (deployed): all 1 objects are ready"]);

    // A hook that has failed: its Job, its pods, what they have said.
    let mut job = object("batch/v1", "Job", "migrate");
    job["metadata"]["annotations"] = json!({"helm.sh/hook": "pre-upgrade"});
    let hook = json!([{"name": "migrate", "kind": "Job", "manifest": job.to_string(), "events": ["pre-upgrade"],
        "last_run": {"phase": "Failed"}}]);
    job["status"] =
        json!({"failed": 1, "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]});
    stage.server.apply(job);
    stage.server.apply(json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "migrate-x", "ownerReferences": [{"kind": "Job", "name": "migrate", "uid": "uid-migrate"}]},
        "status": {"phase": "Failed", "containerStatuses": [{"name": "app", "state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}]},
    }));
    stage.server.log("migrate-x", "connecting\nno such table: users\n");
    stage.server.apply(in_state("web", 3, "failed", &manifest, &hook));
    let said = [
        "release web, revision 3 (failed)",
        "the hook Job/migrate (pre-upgrade) has failed",
        "Helm says: it is failed",
        "OOMKilled (exit code 137)",
        "log: app: no such table: users",
    ];
    check(&run(&["wait", "web"]), 1, &said);
    check(&run(&["status", "web"]), 1, &said);

    // Hooks or definitions only.
    stage.server.apply(in_state("web", 4, "deployed", "", &none));
    check(&run(&["wait", "web"]), 0, &["the release web has no objects", "there are no objects, so it is ready"]);
    // Somebody upgrades while its objects are waited for.
    stage.server.apply(deployment("late", 1, 0));
    stage.server.apply(in_state("web", 5, "deployed", &stream(&[deployment("late", 1, 0)]), &none));
    let mut command = stage.command(&["wait", "web"]);
    command.stdin(Stdio::null()).stdout(file("stdout")).stderr(file("stderr"));
    let child = command.spawn().expect("windlass starts");
    stage.until_said("Deployment/late  InProgress");
    stage.server.apply(in_state("web", 6, "deployed", &manifest, &none));
    check(&stage.end(child), 0, &["release web, revision 6 (deployed): all 1 objects are ready"]);
}

#[test]
fn several_releases_and_all_of_them() {
    let stage = Stage::new();
    let none = json!([]);
    for name in ["a", "b"] {
        stage.server.apply(config_map(name));
        stage.server.apply(in_state(name, 1, "deployed", &stream(&[config_map(name)]), &none));
    }
    let run = |words: &[&str]| feed(&mut stage.command(words), b"").expect("windlass starts");
    let both = "all 2 objects are ready";
    check(&run(&["wait", "a", "b"]), 0, &["release a, revision 1 (deployed); release b, revision 1 (deployed)", both]);
    check(&run(&["wait", "-A"]), 0, &["release default/a", both]);
    check(&run(&["wait", "-A", "b"]), 0, &["all 1 objects are ready"]);
    check(&run(&["wait", "a", "c"]), 2, &["there is no release `c`"]);
    stage.server.apply(in_state("b", 2, "failed", "", &none));
    check(&run(&["wait", "a", "b"]), 1, &["release b, revision 2 (failed)", "the release has failed"]);
}

#[test]
fn live_objects_are_what_was_asked_for() {
    let stage = Stage::new();
    stage.server.apply(deployment("web", 5, 5));
    let said = ["Deployment/web  OutOfSync  spec.replicas is 5 on the cluster, 2 was asked for"];
    stage.out_of_time(&["wait"], &stream(&[deployment("web", 2, 0)]), &said);
    check(&stage.wait(&["--no-sync"], &[deployment("web", 2, 0)]), 0, &["all 1 objects are ready"]);
    let child = stage.begin(&[], &[deployment("web", 2, 0)]);
    stage.until_said("OutOfSync");
    stage.server.wait_until_asked("watch deployments", 1);
    stage.server.apply(deployment("web", 2, 2));
    check(&stage.end(child), 0, &["all 1 objects are ready"]);
    // An autoscaler's replicas are its own.
    let mut scaled = deployment("web", 5, 5);
    scaled["metadata"]["managedFields"] = json!([{"manager": "kube-controller-manager", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]);
    stage.server.apply(scaled);
    check(&stage.wait(&[], &[deployment("web", 2, 0)]), 0, &["all 1 objects are ready"]);
}

#[test]
fn a_verdict_does_not_hang_on_the_moment() {
    let stage = Stage::new();
    let mut set = object("apps/v1", "StatefulSet", "db");
    set["spec"] = json!({"replicas": 1, "selector": {"matchLabels": {"app": "db"}}});
    let waiting = |reason: &str| {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db-0", "labels": {"app": "db"}, "ownerReferences": [{"uid": "uid-db"}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "app", "state": {"waiting": {"reason": reason}}}]},
        })
    };
    set["status"] = json!({"replicas": 1});
    stage.server.apply(set.clone());
    stage.server.apply(waiting("CrashLoopBackOff"));
    let child = stage.begin(&["--stable", "1s"], &[set.clone()]);
    stage.until_said("StatefulSet/db  InProgress  1 pods have failed (failed if that goes on for 30 s)");
    stage.server.wait_until_asked("watch statefulsets", 1);
    set["status"] = json!({"replicas": 1, "readyReplicas": 1, "currentReplicas": 1});
    stage.server.apply(set.clone());
    check(&stage.end(child), 0, &["all 1 objects are ready"]);
    // What cannot heal need not be waited for.
    set["status"] = json!({"replicas": 1});
    stage.server.apply(set.clone());
    stage.server.apply(waiting("ImagePullBackOff"));
    let finished = stage.wait(&["--fail-on", "ErrImagePull,ImagePullBackOff"], &[set]);
    check(&finished, 1, &["StatefulSet/db  Failed  ImagePullBackOff: pod db-0: container app"]);
}

#[test]
fn a_server_that_says_nothing_any_more() {
    let stage = Stage::new();
    stage.server.apply(deployment("web", 1, 0));
    stage.server.apply(in_state("web", 1, "deployed", &stream(&[deployment("web", 1, 0)]), &json!([])));
    stage.server.be_silent(true);
    let begun = std::time::Instant::now();
    let release = feed(&mut stage.command(&["wait", "web", "--timeout", "2s"]), b"").expect("windlass starts");
    check(&release, 5, &["time is up after", "without an answer from the API server"]);
    check(
        &stage.wait(&["--timeout", "2s"], &[deployment("web", 1, 0)]),
        5,
        &["without a connection to the API server"],
    );
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
    stage.server.be_silent(false);
    let child = stage.begin(&["--timeout", "12s"], &[deployment("web", 1, 0)]);
    stage.server.wait_until_asked("watch deployments", 1);
    stage.until_said("InProgress");
    stage.server.be_silent(true);
    stage.until_said("the API server does not answer");
    check(&stage.end(child), 5, &["without a connection to the API server: it does not answer"]);
}

#[test]
fn one_forbidden_kind_does_not_end_the_wait_for_the_others() {
    let stage = Stage::new();
    for verb in ["get", "list", "watch"] {
        stage.server.forbid(verb, "configmaps");
    }
    stage.server.apply(deployment("web", 1, 0));
    let objects = [deployment("web", 1, 0), config_map("a"), config_map("b")];
    let child = stage.begin(&[], &objects);
    stage.server.wait_until_asked("watch deployments", 1);
    stage.until_said("no permission to get configmaps");
    stage.server.apply(deployment("web", 1, 1));
    let finished = stage.end(child);
    let rule = r#"the rule to add: {apiGroups: [""], resources: ["configmaps"], verbs: [get, list, watch]}"#;
    check(&finished, 3, &["1 of 3 objects are ready", "ConfigMap/a  Unknown", rule]);
    assert_eq!(finished.stderr.matches("warning: cannot look at ConfigMap").count(), 1, "{}", finished.stderr);
    let stage = Stage::new();
    stage.server.close();
    check(&stage.wait(&[], &[config_map("a")]), 3, &["Unauthorized"]);
}

#[cfg(unix)]
#[test]
fn whoever_is_asked_to_end_says_what_it_knows() {
    let stage = Stage::new();
    stage.server.apply(deployment("web", 1, 0));
    let child = stage.begin(&["--output", "json"], &[deployment("web", 1, 0)]);
    stage.until_said("InProgress");
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill starts");
    assert!(killed.success());
    let finished = stage.end(child);
    let last: Value = serde_json::from_str(text(&finished).lines().last().expect("a line")).expect("JSON");
    assert_eq!((finished.code, &last["ending"]), (Some(130), &json!("interrupted")));
    assert_eq!(last["unready"][0]["reasons"]["conditions"][0], "Available=False: MinimumReplicas", "{last}");
}

/// One cause of several objects is told once; nothing that a cluster says makes a line of its own.
#[test]
fn causes_first_and_no_forged_lines() {
    let stage = Stage::new();
    let full = "pods \"x\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1";
    let objects: Vec<Value> = ["a", "b", "c"]
        .iter()
        .map(|name| {
            let mut one = deployment(name, 1, 0);
            let forged = format!("{full}\nall 3 objects are ready after 1s\u{1b}[2K");
            one["status"]["conditions"] =
                json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": forged}]);
            one
        })
        .collect();
    objects.iter().for_each(|object| stage.server.apply(object.clone()));
    stage.out_of_time(&["wait"], &stream(&objects), &["cause: 3 Deployments: quota \"q\" is full"]);
    let finished =
        feed(&mut stage.command(&["wait", "--timeout", "2s"]), stream(&objects).as_bytes()).expect("it starts");
    let said = text(&finished);
    assert!(!said.lines().any(|line| line.starts_with("all 3 objects")) && !said.contains('\u{1b}'), "{said}");
    // As a summary on GitHub.
    let words = ["wait", "--timeout", "2s", "--output", "markdown"];
    let finished = feed(&mut stage.command(&words), stream(&objects).as_bytes()).expect("windlass starts");
    check(&finished, 4, &["### stdin", "- **3 Deployments**: quota \"q\" is full", "| Deployment/a | ❌ InProgress |"]);
    check(
        &feed(&mut stage.command(&["inspect", "x", "-o", "markdown"]), b"").expect("it starts"),
        2,
        &["only `wait` and `status`"],
    );
}

#[test]
fn conditions_of_ones_own_and_a_look_that_goes_on() {
    let stage = Stage::new();
    let mut pod = object("v1", "Pod", "one");
    pod["status"] = json!({"phase": "Running"});
    stage.server.apply(pod.clone());
    let run = |words: &[&str]| feed(&mut stage.command(words), b"").expect("windlass starts");
    check(&run(&["wait", "--for", "Pod/one:{.status.phase}==Running"]), 0, &["condition is met"]);
    check(
        &run(&["wait", "--for", "Pod/one:{.metadata.name}==two", "--timeout", "2s"]),
        4,
        &["waiting for {.metadata.name}==two"],
    );
    check(&run(&["wait", "--for", "Thing/one:{.a}==b"]), 2, &["there is no Thing/one among the objects"]);
    check(&run(&["wait", "--for", "Pod/one"]), 2, &["there is no `:`"]);
    let file = stage.sandbox.write("objects.yaml", stream(&[pod.clone()])).display().to_string();
    let mut command = stage.command(&["status", "--watch", "-f", &file]);
    let out = |name: &str| std::fs::File::create(stage.sandbox.path().join(name)).expect("a file");
    command.stdin(Stdio::null()).stdout(out("stdout")).stderr(out("stderr"));
    let child = command.spawn().expect("windlass starts");
    stage.until_said("Pod/one  InProgress");
    pod["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]);
    stage.server.apply(pod);
    stage.until_said("Pod/one  Current");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill starts");
    assert!(killed.success());
    check(&stage.end(child), 130, &["Pod/one  Current"]);
    check(&run(&["status", "-f", &file, "-o", "markdown"]), 0, &["| Pod/one | ✅ Current |"]);
}

#[test]
fn what_is_missing_is_named() {
    let stage = Stage::new();
    let mut claim = object("v1", "PersistentVolumeClaim", "data");
    claim["spec"] = json!({"storageClassName": "late"});
    claim["status"] = json!({"phase": "Pending"});
    stage.server.apply(claim.clone());
    stage.server.apply(json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "late"}, "volumeBindingMode": "WaitForFirstConsumer"}));
    stage.out_of_time(&["wait"], &stream(&[claim]), &["it waits for its first consumer"]);
    check(&stage.wait(&["--delete", "-n", "nowhere"], &[config_map("a")]), 0, &["there is no namespace nowhere"]);
    check(&stage.wait(&["--kube-context", "other"], &[config_map("a")]), 2, &["has no context `other`", "it has test"]);
}
