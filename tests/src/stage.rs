//! What the tests of `wait` and `status` against an API server of our own have in common.

use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};
use xtask::command::{Finished, feed};

use crate::api_server::ApiServer;
use crate::patience::{out_of_time, until};
use crate::sandbox::Sandbox;

/// A test's home with a cluster.
pub struct Stage {
    /// Its home.
    pub sandbox: Sandbox,
    /// Its cluster.
    pub server: ApiServer,
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

impl Stage {
    /// With an empty cluster.
    #[must_use]
    pub fn new() -> Self {
        let (sandbox, server) = (Sandbox::new(), ApiServer::start());
        server.kubeconfig(sandbox.path());
        Stage { sandbox, server }
    }

    /// Windlass with that cluster, and nothing of ours in its environment.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = self.sandbox.windlass(words);
        command.env("KUBECONFIG", self.sandbox.path().join("kubeconfig"));
        for name in ["HELM_NAMESPACE", "HELM_DRIVER", "HELM_KUBECONTEXT"] {
            command.env_remove(name);
        }
        command
    }

    /// Waits for these objects, given on stdin.
    ///
    /// # Panics
    /// Windlass does not start.
    pub fn wait(&self, words: &[&str], objects: &[Value]) -> Finished {
        let words: Vec<&str> = ["wait"].into_iter().chain(words.iter().copied()).collect();
        feed(&mut self.command(&words), stream(objects).as_bytes()).expect("windlass starts")
    }

    /// The end of what was begun.
    ///
    /// # Panics
    /// It does not end.
    pub fn end(&self, mut child: Child) -> Finished {
        let status = child.wait().expect("windlass ends");
        let read = |name: &str| std::fs::read(self.sandbox.path().join(name)).expect("a file");
        Finished {
            code: status.code(),
            stdout: read("stdout"),
            stderr: String::from_utf8_lossy(&read("stderr")).into_owned(),
        }
    }

    /// Waits until what was begun has said this.
    ///
    /// # Panics
    /// It does not say so in time.
    pub fn until_said(&self, wanted: &str) {
        let said = || {
            let read = |name| std::fs::read(self.sandbox.path().join(name)).unwrap_or_default();
            ["stdout", "stderr"].map(|name| String::from_utf8_lossy(&read(name)).into_owned()).concat()
        };
        until(|| said().contains(wanted), || format!("`{wanted}` in\n{}", said()));
    }

    /// Has a command that cannot succeed run out of time (`--timeout`): with more time, until it has seen all that its
    /// answer must hold. So a slow machine only takes longer.
    ///
    /// # Panics
    /// Its answer never holds all that.
    #[track_caller]
    pub fn out_of_time(&self, words: &[&str], input: &str, texts: &[&str]) {
        out_of_time(4, texts, |timeout| {
            let words = [words, &["--timeout", timeout]].concat();
            feed(&mut self.command(&words), input.as_bytes()).expect("windlass starts")
        });
    }

    /// Begins to wait for these objects; the test goes on meanwhile.
    ///
    /// # Panics
    /// Windlass does not start.
    pub fn begin(&self, words: &[&str], objects: &[Value]) -> Child {
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

/// Objects as a stream of documents.
#[must_use]
pub fn stream(objects: &[Value]) -> String {
    objects.iter().map(|object| format!("---\n{object}\n")).collect()
}

/// What a command has written to stdout.
#[must_use]
pub fn text(finished: &Finished) -> String {
    String::from_utf8_lossy(&finished.stdout).into_owned()
}

/// Checks how a command ended and that its answer has these texts.
///
/// # Panics
/// They are not there.
#[track_caller]
pub fn check(finished: &Finished, code: i32, texts: &[&str]) {
    let answer = format!("{}{}", text(finished), finished.stderr);
    assert_eq!(finished.code, Some(code), "{answer}");
    for wanted in texts {
        assert!(answer.contains(wanted), "no `{wanted}` in:\n{answer}");
    }
}

/// An object with nothing but a name.
#[must_use]
pub fn object(api_version: &str, kind: &str, name: &str) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}})
}

/// A ConfigMap.
#[must_use]
pub fn config_map(name: &str) -> Value {
    object("v1", "ConfigMap", name)
}

/// A Deployment of which so many replicas are ready.
#[must_use]
pub fn deployment(name: &str, replicas: u64, ready: u64) -> Value {
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
#[must_use]
pub fn database(phase: &str) -> Value {
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
