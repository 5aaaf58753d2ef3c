//! `windlass dev`, alive: it sees saves, shows errors in their place, and ends when it is told to.

use std::io::{BufRead as _, BufReader, Lines, Read as _};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use serde_json::Value;
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use xtask::command::feed;

const CASE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n";

/// A loop that runs, without a terminal as under tmux's or an editor's control.
struct Loop {
    sandbox: Sandbox,
    child: Child,
    rounds: Lines<BufReader<ChildStdout>>,
    errors: ChildStderr,
}

impl Loop {
    fn start() -> Self {
        let sandbox = Sandbox::new();
        for file in ["plugin.yaml", "plugin.wasm"] {
            let copy = sandbox.write(&format!("plugin/{file}"), "");
            std::fs::copy(needs::plugin("label-injector").join(file), copy).expect("the plugin");
        }
        sandbox.write("plugin/tests/cases/one/input.yaml", CASE);
        sandbox.write("plugin/tests/cases/one/config.yaml", "labels: {team: payments}\n");
        sandbox.write("plugin/tests/cases/one/expected.yaml", format!("{CASE}  labels:\n    team: payments\n"));
        sandbox.write("in.yaml", CASE);
        let arguments = ["dev", "plugin", "--file", "in.yaml", "--set", "labels.a=b", "--output", "json"];
        let mut command = sandbox.windlass(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("windlass starts");
        let rounds = BufReader::new(child.stdout.take().expect("piped")).lines();
        let errors = child.stderr.take().expect("piped");
        Self { sandbox, child, rounds, errors }
    }

    /// The next round's report.
    fn round(&mut self) -> Value {
        let line = self.rounds.next().expect("a round").expect("text");
        serde_json::from_str(&line).expect("JSON")
    }

    /// Waits for the end, which must be a clean one.
    fn end(mut self) -> String {
        let status = self.child.wait().expect("it ends");
        let mut errors = String::new();
        self.errors.read_to_string(&mut errors).expect("text");
        assert!(status.success(), "{status}: {errors}");
        errors
    }
}

#[test]
fn a_save_is_seen_and_the_end_of_stdin_ends_it() {
    let mut running = Loop::start();
    let first = running.round();
    assert_eq!((&first["passed"], &first["failed"]), (&1.into(), &0.into()), "{first}");
    assert_eq!(first["diff"]["summary"]["changed"], 1, "{first}");

    running.sandbox.write("plugin/tests/cases/one/expected.yaml", CASE);
    let second = running.round();
    assert_eq!(second["failed"], 1, "{second}");

    // A stream that no round can read: its error is shown, and the loop goes on.
    running.sandbox.write("in.yaml", "kind: [\n");
    running.sandbox.write("plugin/tests/cases/one/expected.yaml", "half a save");
    running.sandbox.write("in.yaml", format!("{CASE}---\n{}", CASE.replace("settings", "more")));
    let mut last = running.round();
    while last["diff"]["summary"]["changed"] != 2 {
        last = running.round();
    }
    drop(running.child.stdin.take());
    running.end();
}

#[test]
fn ctrl_c_ends_it_cleanly() {
    let mut running = Loop::start();
    running.round();
    let process = running.child.id().to_string();
    let sent = feed(Command::new("kill").args(["-INT", &process]), b"").expect("kill starts");
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    assert_eq!(running.end(), "");
}
