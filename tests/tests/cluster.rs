//! `windlass wait`, `windlass status` and plugins that look at the cluster, with real Helm against a real control
//! plane: what `wait.rs` and `kube.rs` check against a server of our own must be so where the objects have lives of
//! their own.

use serde_json::{Value, json};
use std::fmt::Write as _;
use std::process::{Child, Command, Stdio};
use windlass_tests::control_plane::{ControlPlane, STORAGE_CLASS, STRANGER, VIEWER, WATCHER};
use windlass_tests::needs;
use windlass_tests::patience::out_of_time;
use windlass_tests::sandbox::Sandbox;
use xtask::command::{Finished, feed};
use xtask::helm::Version;

/// What a test has: a home and a namespace.
struct Stage<'p> {
    plane: &'p ControlPlane,
    sandbox: Sandbox,
    namespace: String,
}

/// A stage on the control plane that all tests share; ends the test where there is none.
macro_rules! stage {
    () => {
        match ControlPlane::shared() {
            Some(plane) => Stage::new(plane),
            None => return,
        }
    };
}

impl<'p> Stage<'p> {
    fn new(plane: &'p ControlPlane) -> Self {
        Self { plane, sandbox: Sandbox::new(), namespace: plane.namespace() }
    }

    /// In the test's namespace, as the admin unless told otherwise.
    fn at_home<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        for name in ["HELM_DRIVER", "HELM_KUBECONTEXT"] {
            command.env_remove(name);
        }
        command.env("KUBECONFIG", self.plane.kubeconfig("admin")).env("HELM_NAMESPACE", &self.namespace)
    }

    fn windlass(&self, words: &[&str]) -> Command {
        let mut command = self.sandbox.windlass(words);
        self.at_home(&mut command);
        command
    }

    /// Windlass on an input, to its end.
    fn run(&self, words: &[&str], input: &str) -> Finished {
        feed(&mut self.windlass(words), input.as_bytes()).expect("windlass starts")
    }

    /// Helm to its end; none where that Helm is not there.
    fn helm(&self, version: Version, words: &[&str]) -> Option<Finished> {
        let mut command = self.sandbox.helm(version)?.command();
        command.args(words);
        self.at_home(&mut command);
        Some(feed(&mut command, b"").expect("helm starts"))
    }

    /// See [`out_of_time`].
    #[track_caller]
    fn out_of_time(&self, words: &[&str], input: &str, texts: &[&str]) {
        out_of_time(4, texts, |time| self.run(&[words, &["--timeout", time]].concat(), input));
    }

    /// Begins to wait; the test goes on when the answer has these words.
    fn begin(&self, words: &[&str], until: &str) -> Waiting {
        let file = |name: &str| std::fs::File::create(self.sandbox.path().join(name)).expect("a file");
        let mut command = self.windlass(words);
        command.stdin(Stdio::null()).stdout(file("answer")).stderr(file("messages"));
        let waiting = Waiting { child: command.spawn().expect("windlass starts"), sandbox: self.sandbox.path().into() };
        self.plane.wait_for(until, || waiting.text().contains(until));
        waiting
    }

    /// A file with these objects.
    fn file(&self, objects: &[Value]) -> String {
        self.sandbox.write("objects.yaml", stream(objects)).display().to_string()
    }

    /// A chart with these objects.
    fn chart(&self, objects: &[Value]) -> String {
        self.sandbox.write("chart/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");
        self.sandbox.write("chart/templates/all.yaml", stream(objects));
        self.sandbox.path().join("chart").display().to_string()
    }

    fn apply(&self, objects: &[Value]) {
        self.plane.apply(Some(&self.namespace), objects);
    }
}

/// A wait that was begun.
struct Waiting {
    child: Child,
    sandbox: std::path::PathBuf,
}

impl Drop for Waiting {
    /// A test that fails leaves nothing behind.
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Waiting {
    fn text(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.sandbox.join(name)).unwrap_or_default();
        format!("{}{}", read("answer"), read("messages"))
    }

    #[track_caller]
    fn check(mut self, code: i32, texts: &[&str]) {
        let status = self.child.wait().expect("windlass ends");
        check_text(status.code(), &self.text(), code, texts);
    }
}

#[track_caller]
fn check(finished: &Finished, code: i32, texts: &[&str]) {
    check_text(
        finished.code,
        &format!("{}{}", String::from_utf8_lossy(&finished.stdout), finished.stderr),
        code,
        texts,
    );
}

#[track_caller]
fn check_text(found: Option<i32>, answer: &str, code: i32, texts: &[&str]) {
    assert_eq!(found, Some(code), "{answer}");
    for wanted in texts {
        assert!(answer.contains(wanted), "no `{wanted}` in:\n{answer}");
    }
}

fn stream(objects: &[Value]) -> String {
    objects.iter().fold(String::new(), |mut stream, object| {
        // Writing to a string cannot fail.
        let _ = write!(stream, "---\n{object}\n");
        stream
    })
}

fn object(api_version: &str, kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// A pod template whose pods do what `stages.yaml` says for `behaviour`.
fn template(behaviour: &str) -> Value {
    json!({"metadata": {"labels": {"app": "web"}, "annotations": {"windlass.dev/pod": behaviour}},
        "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]}})
}

fn deployment(behaviour: &str) -> Value {
    let selector = json!({"matchLabels": {"app": "web"}});
    object(
        "apps/v1",
        "Deployment",
        "web",
        json!({"replicas": 2, "selector": selector, "template": template(behaviour)}),
    )
}

/// A Deployment that gives up after two seconds.
fn impatient(behaviour: &str) -> Value {
    let mut deployment = deployment(behaviour);
    deployment["spec"]["progressDeadlineSeconds"] = 2.into();
    deployment
}

fn job(behaviour: &str) -> Value {
    let mut template = template(behaviour);
    template["spec"]["restartPolicy"] = "Never".into();
    object("batch/v1", "Job", "migrate", json!({"backoffLimit": 0, "template": template}))
}

fn claim(name: &str, class: &str) -> Value {
    let resources = json!({"requests": {"storage": "1Gi"}});
    let spec = json!({"accessModes": ["ReadWriteOnce"], "storageClassName": class, "resources": resources});
    object("v1", "PersistentVolumeClaim", name, spec)
}

fn stateful_set(image: &str) -> Value {
    let mut template = template("");
    template["spec"]["containers"][0]["image"] = image.into();
    let selector = json!({"matchLabels": {"app": "web"}});
    let spec = json!({"replicas": 2, "serviceName": "db", "selector": selector, "template": template,
        "volumeClaimTemplates": [claim("data", STORAGE_CLASS)]});
    object("apps/v1", "StatefulSet", "db", spec)
}

fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})
}

#[test]
fn a_release_becomes_ready() {
    let stage = stage!();
    let chart = stage.chart(&[deployment(""), config_map("settings")]);
    let Some(installed) = stage.helm(Version::Four, &["install", "web", &chart]) else { return };
    check(&installed, 0, &[]);
    check(
        &stage.run(&["wait", "web"], ""),
        0,
        &["release web, revision 1 (deployed): all 2 objects are ready", "Deployment is available. Replicas: 2"],
    );
    check(
        &stage.run(&["status", "web"], ""),
        0,
        &[
            "release web, revision 1 (deployed)\n",
            "Deployment/web  Current  Deployment is available. Replicas: 2\n",
            "─ Pod/web-",
            "ConfigMap/settings  Current  Resource is always ready\n",
        ],
    );
}

#[test]
fn a_release_that_never_becomes_ready_says_why() {
    let stage = stage!();
    stage.apply(&[deployment("bad-image")]);
    let file = stage.file(&[deployment("bad-image")]);
    stage.out_of_time(
        &["wait", "-f", &file],
        "",
        &[
            "condition: Available=False: MinimumReplicasUnavailable",
            "is Pending: container app waits: ImagePullBackOff: Back-off pulling image \"registry.example/app:1\"",
            "Failed to pull image",
        ],
    );
    stage.apply(&[impatient("bad-image")]);
    let file = stage.file(&[impatient("bad-image")]);
    check(&stage.run(&["wait", "-f", &file], ""), 1, &["Deployment/web  Failed", "ProgressDeadlineExceeded"]);
}

#[test]
fn jobs_finish_and_fail() {
    let stage = stage!();
    stage.apply(&[job("finishes")]);
    let file = stage.file(&[job("finishes")]);
    check(&stage.run(&["wait", "-f", &file, "--for-jobs"], ""), 0, &["Job Completed. succeeded: 1/1"]);
    stage.plane.tell(&["delete", "-n", &stage.namespace, "job", "migrate"], "");
    stage.apply(&[job("fails")]);
    let file = stage.file(&[job("fails")]);
    // By the strict rules it does not matter how soon somebody asks.
    check(
        &stage.run(&["wait", "-f", &file], ""),
        1,
        &["Job/migrate  Failed  Job Failed. failed: 1/1", "condition: Failed=True: BackoffLimitExceeded"],
    );
}

#[test]
fn a_stateful_set_rolls_out_with_its_claims() {
    let stage = stage!();
    for (words, revision) in [("install", "revision 1"), ("upgrade", "revision 2")] {
        let chart = stage.chart(&[stateful_set(&format!("registry.example/db:{words}"))]);
        let Some(finished) = stage.helm(Version::Four, &[words, "web", &chart]) else { return };
        check(&finished, 0, &[]);
        check(&stage.run(&["wait", "web"], ""), 0, &[revision, "StatefulSet/db  Current", "all 1 objects are ready"]);
        // It did not say so while pods of the old kind were there.
        let images = "jsonpath={.items[*].spec.containers[0].image}";
        let images = stage.plane.ask(&["get", "pods", "-n", &stage.namespace, "-l", "app=web", "-o", images]);
        let image = format!("registry.example/db:{words}");
        assert_eq!(images, Some(format!("{image} {image}")));
    }
}

#[test]
fn claims_are_bound_or_wait() {
    let stage = stage!();
    let (good, bad) = (claim("good", STORAGE_CLASS), claim("bad", "no-such-class"));
    stage.apply(&[good.clone(), bad.clone()]);
    check(&stage.run(&["wait"], &stream(&[good])), 0, &["PersistentVolumeClaim/good  Current  PVC is Bound"]);
    stage.out_of_time(&["wait"], &stream(&[bad]), &["PVC is not Bound. phase: Pending"]);
}

/// A definition of its own for each namespace, as definitions belong to none, and an object with readiness annotations.
fn database(stage: &Stage<'_>) -> (Value, Value) {
    let group = format!("{}.example.org", stage.namespace);
    let version = json!({"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}});
    let names = json!({"kind": "Database", "plural": "databases", "singular": "database"});
    let spec = json!({"group": group, "scope": "Namespaced", "names": names, "versions": [version]});
    let definition = object("apiextensions.k8s.io/v1", "CustomResourceDefinition", &format!("databases.{group}"), spec);
    let mut database = object(&format!("{group}/v1"), "Database", "main", json!({}));
    database["metadata"]["annotations"] = json!({
        "helm.sh/readiness-success": r#"["{.phase} == Ready"]"#,
        "helm.sh/readiness-failure": r#"["{.phase} == Failed"]"#,
    });
    (definition, database)
}

/// That kind as kubectl knows it for certain: other tests have databases, too.
fn database_kind(stage: &Stage<'_>) -> String {
    format!("databases.{}.example.org", stage.namespace)
}

#[test]
fn annotations_decide_and_definitions_may_come_late() {
    let stage = stage!();
    let (definition, database) = database(&stage);
    let file = stage.file(std::slice::from_ref(&database));
    let kind = database_kind(&stage);
    let set_phase =
        |phase: &str| stage.plane.set_status(&stage.namespace, &format!("{kind}/main"), &json!({"phase": phase}));
    let waiting = stage.begin(&["wait", "-f", &file], "waiting for its definition");
    stage.apply(&[definition]);
    stage.plane.tell(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"], "");
    stage.plane.wait_for("the new kind", || stage.plane.ask(&["get", "-n", &stage.namespace, &kind]).is_some());
    stage.apply(&[database]);
    set_phase("Progressing");
    stage.plane.wait_for("the object", || waiting.text().contains("InProgress"));
    set_phase("Ready");
    waiting.check(0, &["success condition is met"]);

    set_phase("Progressing");
    let waiting = stage.begin(&["wait", "-f", &file], "InProgress");
    set_phase("Failed");
    waiting.check(1, &["failure condition is met"]);
}

/// A path that no object of the kind can have, by the schema that the API server keeps, is told at once.
#[test]
fn a_path_that_the_definition_does_not_have() {
    let stage = stage!();
    let (mut definition, mut database) = database(&stage);
    let status = json!({"type": "object", "properties": {"phase": {"type": "string"}}});
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"] =
        json!({"type": "object", "properties": {"spec": {"type": "object"}, "status": status}});
    stage.apply(&[definition]);
    let kind = database_kind(&stage);
    stage.plane.wait_for("the new kind", || stage.plane.ask(&["get", "-n", &stage.namespace, &kind]).is_some());
    for (path, is_told) in [("phasee", true), ("phase", false)] {
        database["metadata"]["annotations"]["helm.sh/readiness-success"] =
            format!(r#"["{{.{path}}} == Ready"]"#).into();
        stage.apply(std::slice::from_ref(&database));
        let told = stage.run(&["status"], &stream(std::slice::from_ref(&database))).stderr;
        let warning = "can never hold: by its definition no Database has a field .status.phasee; there is phase";
        assert_eq!(told.contains(warning), is_told, "{path}: {told}");
    }
}

#[test]
fn an_object_that_is_deleted_and_made_again() {
    let stage = stage!();
    stage.apply(&[deployment("never-ready")]);
    let waiting =
        stage.begin(&["wait", "--no-sync", "-f", &stage.file(&[deployment("")])], "Deployment/web  InProgress");
    stage.plane.tell(&["delete", "-n", &stage.namespace, "deployment", "web"], "");
    stage.plane.wait_for("its absence", || waiting.text().contains("Deployment/web  NotFound"));
    stage.apply(&[deployment("")]);
    waiting.check(0, &["all 1 objects are ready"]);
}

#[test]
fn an_api_server_that_restarts() {
    let Some(plane) = ControlPlane::start() else { return };
    let stage = Stage::new(&plane);
    stage.apply(&[deployment("never-ready")]);
    let (file, kubeconfig) = (stage.file(&[deployment("")]), plane.kubeconfig(WATCHER).display().to_string());
    let words = ["wait", "--no-sync", "-f", &file, "--kubeconfig", &kubeconfig];
    let waiting = stage.begin(&words, "Deployment/web  InProgress");
    plane.restart_api_server(|| {
        plane.wait_for("its absence", || waiting.text().contains("lost the API server, trying again"));
    });
    // One that is only stopped keeps its connections, and says nothing.
    plane.signal("kube-apiserver", "STOP");
    plane.wait_for("silence", || waiting.text().contains("the API server does not answer"));
    let words = ["wait", "--timeout", "3s", "-f", &file, "--kubeconfig", &kubeconfig];
    check(&stage.run(&words, ""), 5, &["without a connection to the API server"]);
    plane.signal("kube-apiserver", "CONT");
    // Without controllers nothing has looked at a change, and what was ready is no answer to it.
    plane.signal("kube-controller-manager", "STOP");
    stage.apply(&[deployment("")]);
    stage.out_of_time(&["wait", "-f", &file], "", &["latest observed generation is"]);
    plane.signal("kube-controller-manager", "CONT");
    assert!(!waiting.text().contains("no permission"), "{}", waiting.text());
    waiting.check(0, &["all 1 objects are ready"]);
}

#[test]
fn users_with_few_rights() {
    let stage = stage!();
    stage.apply(&[deployment("never-ready")]);
    let file = stage.file(&[deployment("")]);
    let kubeconfig = |user: &str| stage.plane.kubeconfig(user).display().to_string();
    let viewer = kubeconfig(VIEWER);
    let polled = stage
        .begin(&["wait", "--no-sync", "-f", &file, "--kubeconfig", &viewer], "no permission to watch deployments.apps");
    stage.apply(&[deployment("")]);
    polled.check(0, &["objects are looked at every 2 s instead", "all 1 objects are ready"]);

    let stranger = kubeconfig(STRANGER);
    let place = format!("in the namespace {}", stage.namespace);
    check(
        &stage.run(&["wait", "-f", &file, "--kubeconfig", &stranger], ""),
        3,
        &["no permission to get deployments.apps", &place, "User \"stranger\" cannot get resource \"deployments\""],
    );
    check(&stage.run(&["wait", "web", "--kubeconfig", &stranger], ""), 3, &["cannot list secrets", &place]);
}

#[test]
fn until_everything_is_gone() {
    let stage = stage!();
    let mut kept = config_map("kept");
    kept["metadata"]["finalizers"] = json!(["windlass.dev/keep"]);
    let chart = stage.chart(&[deployment(""), kept]);
    let Some(installed) = stage.helm(Version::Four, &["install", "web", &chart]) else { return };
    check(&installed, 0, &[]);
    check(&stage.run(&["wait", "web"], ""), 0, &["all 2 objects are ready"]);
    // The recipe: a release that is uninstalled is forgotten, so its manifest is kept.
    let Some(manifest) = stage.helm(Version::Four, &["get", "manifest", "web"]) else { return };
    let file = stage.sandbox.write("web.yaml", manifest.stdout).display().to_string();
    let waiting = stage.begin(&["wait", "--delete", "-f", &file], "ConfigMap/kept  Current");
    let Some(uninstalled) = stage.helm(Version::Four, &["uninstall", "web"]) else { return };
    check(&uninstalled, 0, &[]);
    stage.plane.wait_for("the finalizer", || waiting.text().contains("ConfigMap/kept  Terminating"));
    let said = ["deletion waits for the finalizers windlass.dev/keep"];
    stage.out_of_time(&["wait", "--delete", "-f", &file], "", &said);
    let patch = r#"{"metadata":{"finalizers":null}}"#;
    stage.plane.tell(&["patch", "-n", &stage.namespace, "configmap", "kept", "--type=merge", "-p", patch], "");
    waiting.check(0, &["all 2 objects are gone"]);
}

/// `helm upgrade --install ... && windlass wait RELEASE`, with both Helms and both places where they keep releases.
#[test]
fn after_an_upgrade_with_either_helm_and_either_driver() {
    for (version, driver) in [(Version::Three, "secret"), (Version::Three, "configmap"), (Version::Four, "configmap")] {
        let stage = stage!();
        let chart = stage.chart(&[config_map("settings"), job("finishes")]);
        let Some(helm) = stage.sandbox.helm(version) else { return };
        let mut upgrade = helm.command();
        upgrade.args(["upgrade", "--install", "web", &chart]);
        stage.at_home(&mut upgrade).env("HELM_DRIVER", driver);
        check(&feed(&mut upgrade, b"").expect("helm starts"), 0, &[]);
        let ready = "release web, revision 1 (deployed): all 2 objects are ready";
        check(&stage.run(&["wait", "web", "--for-jobs"], ""), 0, &[ready]);
        let mut wait = stage.windlass(&["wait", "web"]);
        wait.env("HELM_DRIVER", driver);
        check(&feed(&mut wait, b"").expect("windlass starts"), 0, &[ready]);
        // Instead of a chart's waiting hook: the one object that it waited for.
        let mut manifest = helm.command();
        manifest.args(["get", "manifest", "web"]);
        stage.at_home(&mut manifest).env("HELM_DRIVER", driver);
        let manifest = feed(&mut manifest, b"").expect("helm starts").stdout;
        let manifest = String::from_utf8(manifest).expect("UTF-8");
        let job = manifest.split("---").find(|document| document.contains("Job")).expect("a Job");
        check(&stage.run(&["wait", "--fail-fast", "--for-jobs"], job), 0, &["stdin: all 1 objects are ready"]);
    }
}

#[test]
fn the_verdict_of_helm_wait() {
    let scenarios = [
        ("ready", vec![deployment(""), stateful_set("registry.example/db:1"), job("finishes")], 0),
        ("failed job", vec![job("fails"), config_map("settings")], 1),
        ("failed rollout", vec![impatient("bad-image")], 1),
        ("timed out", vec![deployment("never-ready")], 4),
    ];
    std::thread::scope(|scope| {
        for (name, objects, code) in scenarios {
            scope.spawn(move || {
                let stage = stage!();
                let chart = stage.chart(&objects);
                // Long enough for what becomes ready on a busy machine; what cannot become ready is not worth it.
                let timeout = if code == 4 { "8s" } else { "300s" };
                let words = ["install", "web", &chart, "--wait", "--wait-for-jobs", "--timeout", timeout];
                let Some(theirs) = stage.helm(Version::Four, &words) else { return };
                assert_eq!(theirs.code == Some(0), code == 0, "helm on `{name}`: {}", theirs.stderr);
                // Of the objects: what Helm thinks of its own release now is another matter.
                let file = stage.file(&objects);
                let (words, said) = (["wait", "-f", &file, "--rules", "helm4", "--for-jobs"], ["objects.yaml: "]);
                if code == 4 {
                    stage.out_of_time(&words, "", &said);
                } else {
                    check(&stage.run(&[&words[..], &["--timeout", timeout]].concat(), ""), code, &said);
                }
            });
        }
    });
}

#[test]
fn plugins_see_what_they_were_granted_and_their_user_may_see() {
    let stage = stage!();
    stage.apply(&[config_map("settings"), deployment("")]);
    let (maps, deployments) =
        (format!("configmaps.v1/{}", stage.namespace), format!("deployments.v1.apps/{}", stage.namespace));
    let look = |config: &[&str], user: &str| {
        let guest = needs::plugin("looks-at-cluster").display().to_string();
        let kubeconfig = stage.plane.kubeconfig(user).display().to_string();
        let mut words = vec!["run", &guest, "--kubeconfig", &kubeconfig];
        let grants = [format!("get:{maps}"), format!("list:{deployments}"), "get:nodes.v1".to_owned()];
        words.extend(grants.iter().flat_map(|grant| ["--allow-kube", grant]));
        words.extend(config.iter().flat_map(|set| ["--set-string", set]));
        stage.run(&words, &stream(&[config_map("a")]))
    };
    let (from_maps, from_deployments) = (format!("from={maps}"), format!("from={deployments}"));
    check(&look(&[&from_maps, "name=settings"], VIEWER), 0, &["name: settings"]);
    check(&look(&["from=nodes.v1", "name=node"], VIEWER), 0, &["name: node"]);
    check(&look(&[&from_deployments, "selector=app notin (x)"], VIEWER), 0, &["name: web"]);
    check(&look(&[&from_maps, "name=missing"], VIEWER), 1, &["nothing at"]);
    let elsewhere = ["from=configmaps.v1/kube-system", "name=x"];
    check(&look(&elsewhere, VIEWER), 3, &["--allow-kube get:configmaps.v1/kube-system"]);
    let refused = look(&[&from_maps, "name=settings"], STRANGER);
    check(&refused, 3, &["User \"stranger\" cannot get resource \"configmaps\""]);
}

/// The release's own state, by both Helms: a hook that fails, one that never ends, and a release of hooks only.
#[test]
fn the_state_of_the_release_is_part_of_the_answer() {
    for version in Version::ALL {
        let stage = stage!();
        let mut hook = job("fails");
        hook["metadata"]["annotations"] = json!({"helm.sh/hook": "post-install,post-upgrade"});
        let chart = stage.chart(&[config_map("settings"), hook.clone()]);
        let Some(failed) = stage.helm(version, &["install", "web", &chart]) else { return };
        assert_ne!(failed.code, Some(0), "{}", failed.stderr);
        let said = [
            "release web, revision 1 (failed)",
            "the hook Job/migrate (post-install, post-upgrade) has failed",
            "Helm says: ",
            "Job/migrate  Failed",
            "ended: Error (exit code 7)",
        ];
        check(&stage.run(&["wait", "web"], ""), 1, &said);
        check(&stage.run(&["status", "web"], ""), 1, &said[..2]);

        // A hook that never ends holds the release up.
        let mut endless = hook;
        endless["spec"]["template"] = template("never-ready");
        endless["spec"]["template"]["spec"]["restartPolicy"] = "Never".into();
        endless["metadata"]["name"] = "endless".into();
        let chart = stage.chart(&[config_map("settings"), endless]);
        let Some(helm) = stage.sandbox.helm(version) else { return };
        let mut upgrade = helm.command();
        upgrade.args(["upgrade", "web", &chart, "--timeout", "300s"]);
        stage.at_home(&mut upgrade).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut upgrade = upgrade.spawn().expect("helm starts");
        stage
            .plane
            .wait_for("the hook", || stage.plane.ask(&["get", "-n", &stage.namespace, "job", "endless"]).is_some());
        stage.out_of_time(
            &["wait", "web"],
            "",
            &["revision 2 (pending-upgrade)", "the hook Job/endless (post-install, post-upgrade) is running"],
        );
        // Helm is killed, and the release stays as it is.
        upgrade.kill().and_then(|()| upgrade.wait()).expect("it ends");
        stage.out_of_time(&["wait", "web"], "", &["revision 2 (pending-upgrade): time is up"]);
        let Some(rolled) = stage.helm(version, &["rollback", "web", "1", "--no-hooks"]) else { return };
        check(&rolled, 0, &[]);
        check(&stage.run(&["wait", "web"], ""), 0, &["revision 3 (deployed)", "all 1 objects are ready"]);
    }
}

/// An answer is never about the version before: ten upgrades, by one Helm and the other.
#[test]
fn ten_upgrades_are_never_ready_for_the_old_version() {
    let stage = stage!();
    for number in 1..=10 {
        let mut web = deployment("");
        let image = format!("registry.example/app:{number}");
        web["spec"]["template"]["spec"]["containers"][0]["image"] = image.as_str().into();
        let chart = stage.chart(&[web.clone()]);
        let version = if number % 2 == 0 { Version::Three } else { Version::Four };
        // What is not applied yet is not ready.
        if number == 2 {
            let said = ["OutOfSync", "registry.example/app:1", "registry.example/app:2"];
            stage.out_of_time(&["wait"], &stream(&[web.clone()]), &said);
        }
        let Some(upgraded) = stage.helm(version, &["upgrade", "--install", "web", &chart]) else { return };
        check(&upgraded, 0, &[]);
        check(
            &stage.run(&["wait", "web"], ""),
            0,
            &[&format!("revision {number} (deployed): all 1 objects are ready")],
        );
        let images = "jsonpath={.items[*].spec.containers[0].image}";
        let pods = stage.plane.ask(&["get", "pods", "-n", &stage.namespace, "-o", images]).unwrap_or_default();
        assert!(pods.split(' ').filter(|one| *one == image).count() >= 2, "{number}: {pods}");
    }
    // Somebody turns at it by hand.
    stage.plane.tell(&["scale", "-n", &stage.namespace, "deployment", "web", "--replicas=3"], "");
    stage.out_of_time(&["wait", "web"], "", &["OutOfSync  spec.replicas is 3 on the cluster, 2 was asked for"]);
    check(&stage.run(&["wait", "web", "--no-sync"], ""), 0, &["all 1 objects are ready"]);
}

/// A field that was taken out of the manifest is there until the manifest is applied: Helm 4 owns it on the server.
#[test]
fn fields_that_were_taken_out_of_the_manifest() {
    let stage = stage!();
    let settings =
        |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data});
    let (old, new) = (settings(json!({"kept": "1", "old": "2"})), settings(json!({"kept": "1"})));
    let Some(installed) = stage.helm(Version::Four, &["install", "web", &stage.chart(&[old, deployment("")])]) else {
        return;
    };
    check(&installed, 0, &[]);
    let input = stream(&[new.clone(), deployment("")]);
    stage.out_of_time(
        &["wait"],
        &input,
        &["ConfigMap/settings  OutOfSync  data.old is \"2\" on the cluster, nothing was asked for", "1 of 2 objects"],
    );
    let Some(upgraded) = stage.helm(Version::Four, &["upgrade", "web", &stage.chart(&[new, deployment("")])]) else {
        return;
    };
    check(&upgraded, 0, &[]);
    check(&stage.run(&["wait", "web"], ""), 0, &["all 2 objects are ready"]);
    check(&stage.run(&["wait"], &input), 0, &["all 2 objects are ready"]);
}

/// Kinds that kstatus calls ready too early, where their controllers live, or do not.
#[test]
fn kinds_that_are_not_ready_yet() {
    let stage = stage!();
    let mut on_delete = stateful_set("registry.example/db:1");
    on_delete["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    stage.apply(&[on_delete.clone()]);
    check(&stage.run(&["wait"], &stream(&[on_delete.clone()])), 0, &["all 1 objects are ready"]);
    on_delete["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/db:2".into();
    stage.apply(&[on_delete.clone()]);
    let port = json!([{"port": 80}]);
    let scale =
        json!({"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gone"}, "maxReplicas": 2});
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let objects = [
        on_delete,
        object("v1", "Service", "balanced", json!({"type": "LoadBalancer", "ports": port, "selector": {"app": "web"}})),
        object("networking.k8s.io/v1", "Ingress", "entry", json!({"defaultBackend": backend})),
        object("autoscaling/v2", "HorizontalPodAutoscaler", "scaler", scale),
        object(
            "v1",
            "ReplicationController",
            "old",
            json!({"replicas": 1, "selector": {"app": "old"}, "template": {
            "metadata": {"labels": {"app": "old"}, "annotations": {"windlass.dev/pod": "never-ready"}},
            "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]}}}),
        ),
    ];
    stage.apply(&objects[1..]);
    let input = stream(&objects);
    stage.out_of_time(
        &["wait"],
        &input,
        &[
            "StatefulSet/db  InProgress  Updated: 0/2; StatefulSet has the update strategy OnDelete: delete db-0, db-1",
            "Service/balanced  InProgress  Service of type LoadBalancer has no address yet",
            "Ingress/entry  InProgress  Ingress has no address yet",
            "HorizontalPodAutoscaler/scaler  InProgress  AbleToScale is False",
            "ReplicationController/old  InProgress  Available: 0/1",
        ],
    );
    check(&stage.run(&["wait", "--rules", "helm4"], &input), 0, &["all 5 objects are ready"]);
    let budget = object(
        "policy/v1",
        "PodDisruptionBudget",
        "some",
        json!({"minAvailable": 1, "selector": {"matchLabels": {"app": "none"}}}),
    );
    stage.apply(std::slice::from_ref(&budget));
    check(&stage.run(&["wait"], &stream(&[budget])), 0, &["all 1 objects are ready"]);
}

/// What the API server says of a Pod with one container, before and after the plugin made it fit. The objects are given
/// as Helm gives them, and not looked at by kubectl.
#[track_caller]
fn check_fit(stage: &Stage<'_>, object: &str, refusal: &str, config: &str) {
    let apply = |stream: &str| {
        let words =
            ["apply", "--server-side", "--dry-run=server", "--validate=ignore", "-f", "-", "-n", &stage.namespace];
        feed(&mut stage.plane.kubectl(words), stream.as_bytes()).expect("kubectl starts")
    };
    let before = apply(object);
    assert!(before.code != Some(0) && before.stderr.contains(refusal), "before: {}\n{object}", before.stderr);
    let mended = windlass_pdk::test::run::<server_side_apply::ServerSideApply>(config, &[], object).expect("mended");
    let after = apply(&mended);
    assert_eq!(after.code, Some(0), "after: {}\n{mended}", after.stderr);
}

/// server-side-apply finds what a real API server refuses, and what it makes of it is accepted.
#[test]
fn what_was_mended_is_accepted_by_server_side_apply() {
    let stage = stage!();
    let pod = |container: &str, rest: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{{name: a, image: a, {container}}}]{rest}}}\n"
        )
    };
    for (object, refusal) in [
        (pod("env: [{name: A, value: a}, {name: A, value: b}]", ""), "duplicate entries for key [name=\"A\"]"),
        (
            pod("ports: [{containerPort: 80}, {containerPort: 80, protocol: TCP, name: http}]", ""),
            "duplicate entries for key [containerPort=80,protocol=\"TCP\"]",
        ),
        (
            pod("volumeMounts: [{name: t, mountPath: /t}, {name: t, mountPath: /t}]", ", volumes: [{name: t}, {name: t}]"),
            "duplicate entries for key [mountPath=\"/t\"]",
        ),
        (
            pod("tty: false", ", hostAliases: [{ip: 10.0.0.1, hostnames: [a]}, {ip: 10.0.0.1, hostnames: [b]}]"),
            "duplicate entries for key [ip=\"10.0.0.1\"]",
        ),
        (pod("tty: false", ", imagePullSecrets: [{name: a}, {name: a}]"), "duplicate entries for key [name=\"a\"]"),
        (pod("imagePullPolice: Always", ""), "field not declared in schema"),
        (pod("env: {}, args: [1, yes]", ""), "expected list"),
        (pod("securityContext: {runAsUser: \"1000\", runAsNonRoot: \"true\"}", ""), "expected boolean"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {a: 1.10}}\n".to_owned(), "cannot unmarshal number"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 1}\n".to_owned(), "expected string"),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, finalizers: [a.b/c, a.b/c]}\n".to_owned(),
            "duplicate entries for key [=\"a.b/c\"]",
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, managedFields: [{manager: m}], uid: b}\n".to_owned(),
            "metadata.managedFields must be nil",
        ),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}, {port: 80, name: a}]}\nstatus: {a: 1}\n"
                .to_owned(),
            "duplicate entries for key [port=80,protocol=\"TCP\"]",
        ),
    ] {
        check_fit(&stage, &object, refusal, "");
    }
    check_fit(
        &stage,
        &pod("ports: [{containerPort: 80, name: a}, {containerPort: 80, name: b}]", ""),
        "duplicate entries",
        "keep: first",
    );
    // Lists that are one value are accepted as they are.
    let atomic =
        pod("envFrom: [{configMapRef: {name: a}}, {configMapRef: {name: a}}]", ", tolerations: [{key: a}, {key: a}]");
    let untouched = windlass_pdk::test::run::<server_side_apply::ServerSideApply>("", &[], &atomic);
    assert_eq!(untouched.as_ref(), Ok(&atomic));
    stage.plane.tell(&["apply", "--server-side", "--dry-run=server", "-f", "-", "-n", &stage.namespace], &atomic);
}

/// The names of the objects of a stream that a program's messages name, in quotes.
fn named_in(text: &str, names: &[String]) -> Vec<String> {
    names.iter().filter(|name| text.contains(&format!("\"{name}\""))).cloned().collect()
}

/// What the policies of a configuration refuse, by the objects' names.
fn refused_by_policy(config: &str, objects: &[(String, String)]) -> Vec<String> {
    let refused =
        objects.iter().filter(|(_, text)| windlass_pdk::test::run::<policy::Policy>(config, &[], text).is_err());
    refused.map(|(name, _)| name.clone()).collect()
}

/// The presets for the Pod Security Standards refuse what the real admission refuses, pod by pod.
#[test]
fn the_presets_are_pod_security_admission() {
    let stage = stage!();
    let folder = xtask::workspace::root().join("plugins/policy/tests/pod-security");
    for (level, preset) in [("baseline", "podSecurityBaseline"), ("restricted", "podSecurityRestricted")] {
        let label = format!("pod-security.kubernetes.io/enforce={level}");
        stage.plane.tell(&["label", "--overwrite", "namespace", &stage.namespace, &label], "");
        let mut pods = Vec::new();
        for sort in ["pass", "fail"] {
            let text = std::fs::read_to_string(folder.join(format!("{level}-{sort}.yaml"))).expect("the pods");
            for (index, pod) in text.split("---\n").enumerate() {
                // Their names are no names to the API server.
                let name = format!("{sort}-{index}");
                let lines = pod.lines().map(|line| match line.starts_with("  name: ") {
                    true => format!("  name: {name}\n"),
                    false => format!("{line}\n"),
                });
                pods.push((name.clone(), lines.collect::<String>()));
            }
        }
        let all: Vec<&str> = pods.iter().map(|(_, pod)| pod.as_str()).collect();
        let words = ["create", "--dry-run=server", "--validate=ignore", "-n", &stage.namespace, "-f", "-"];
        let answer = feed(&mut stage.plane.kubectl(words), all.join("---\n").as_bytes()).expect("kubectl starts");
        let names: Vec<String> = pods.iter().map(|(name, _)| name.clone()).collect();
        let errors: String = answer.stderr.lines().filter(|line| line.starts_with("Error")).collect();
        assert_eq!(refused_by_policy(&format!("presets: [{preset}]"), &pods), named_in(&errors, &names), "{level}");
    }
}

/// A ValidatingAdmissionPolicy as it is refuses in the plugin what it refuses in the API server.
#[test]
fn an_admission_policy_is_what_the_api_server_makes_of_it() {
    let stage = stage!();
    let name = format!("{}.example.com", stage.namespace);
    let validations = json!([
        {"expression": "variables.containers.all(c, c.image.contains('@') || (c.image.matches(':[^/]+$') && !c.image.endsWith(':latest')))",
            "messageExpression": "'no version: ' + variables.containers.map(c, c.image).join(', ')"},
        {"expression": "variables.containers.all(c, has(c.resources) && has(c.resources.requests) && quantity(c.resources.requests['cpu']).isLessThan(quantity('2')))",
            "message": "too many CPUs"},
        {"expression": "object.spec.replicas <= 5 || object.metadata.name.matches('^big-[a-z]+$')"},
    ]);
    let rule =
        json!({"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]});
    let group = "admissionregistration.k8s.io/v1";
    let spec = json!({"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [rule]}, "validations": validations,
        "variables": [{"name": "containers", "expression": "object.spec.template.spec.containers"}]});
    let policy = object(group, "ValidatingAdmissionPolicy", &name, spec);
    let here = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": stage.namespace}}});
    let binding = json!({"policyName": name, "validationActions": ["Deny"], "matchResources": here});
    stage.apply(&[policy.clone(), object(group, "ValidatingAdmissionPolicyBinding", &name, binding)]);
    let deployments: Vec<(String, String)> = [
        ("good", 1, "a:1", json!({"requests": {"cpu": "100m"}})),
        ("latest", 1, "a:latest", json!({"requests": {"cpu": 1}})),
        ("none", 1, "localhost:5000/a", json!({"requests": {"cpu": 1}})),
        (
            "digest",
            1,
            "a@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            json!({"requests": {"cpu": 1.5}}),
        ),
        ("many", 1, "a:1", json!({"requests": {"cpu": "2"}})),
        ("unset", 1, "a:1", json!({})),
        ("nokey", 1, "a:1", json!({"requests": {"memory": "1Gi"}})),
        ("wide", 6, "a:1", json!({"requests": {"cpu": 1}})),
        ("big-one", 6, "a:1", json!({"requests": {"cpu": 1}})),
    ]
    .into_iter()
    .map(|(name, replicas, image, resources)| {
        let template = json!({"metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "a", "image": image, "resources": resources}]}});
        let spec = json!({"replicas": replicas, "selector": {"matchLabels": {"a": "b"}}, "template": template});
        (name.to_owned(), format!("{}\n", object("apps/v1", "Deployment", name, spec)))
    })
    .collect();
    let names: Vec<String> = deployments.iter().map(|(name, _)| name.clone()).collect();
    let all: Vec<&str> = deployments.iter().map(|(_, text)| text.as_str()).collect();
    let expected = refused_by_policy(&json!({"policies": [policy]}).to_string(), &deployments);
    assert_eq!(expected.len(), 6, "{expected:?}");
    let refused = || {
        let words = ["create", "--dry-run=server", "-n", &stage.namespace, "-f", "-"];
        let answer = feed(&mut stage.plane.kubectl(words), all.join("---\n").as_bytes()).expect("kubectl starts");
        let errors: String = answer.stderr.lines().filter(|line| line.starts_with("Error")).collect();
        named_in(&errors, &names)
    };
    // It takes the API server a moment to know the policy.
    stage.plane.wait_for("the policy", || refused() == expected);
}
