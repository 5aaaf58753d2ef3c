//! The plugins that come with Windlass run by their names, whatever lies in the folder where it is called.

use std::process::Command;

use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use xtask::command::feed;

const STREAM: &[u8] = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n";

/// Runs the program at `program` in a home of its own, where nothing is installed.
#[track_caller]
fn check(sandbox: &Sandbox, program: &str, arguments: &[&str], code: i32, expected: &str) {
    let mut command = Command::new(sandbox.path().join(program));
    sandbox.apply(command.args(arguments));
    let finished = feed(&mut command, STREAM).expect("the program starts");
    let output = format!("{}{}", String::from_utf8_lossy(&finished.stdout), finished.stderr);
    assert_eq!(finished.code, Some(code), "{arguments:?}: {output}");
    assert!(output.contains(expected), "{arguments:?} does not print {expected:?}: {output}");
}

#[test]
fn bundled_plugins_run_by_name() {
    let sandbox = Sandbox::new();
    let plugin = needs::plugin("label-injector");
    // As a release archive, and as a package or the image.
    for (program, plugins) in
        [("archive/windlass", "archive/plugins"), ("usr/bin/windlass", "usr/share/windlass/plugins")]
    {
        sandbox.write(program, "");
        std::fs::copy(needs::windlass(), sandbox.path().join(program)).expect("the program");
        check(&sandbox, program, &["run", "label-injector", "--set", "labels.a=b"], 2, "there is no plugin");
        check(&sandbox, program, &["list", "--bundled"], 0, "no plugins came with this program");
        for file in ["plugin.yaml", "plugin.wasm"] {
            let copy = format!("{plugins}/label-injector/{file}");
            sandbox.write(&copy, "");
            std::fs::copy(plugin.join(file), sandbox.path().join(copy)).expect("the plugin");
        }
        // Not what a folder of that name holds.
        sandbox.write("label-injector/values.yaml", "a: b\n");
        check(&sandbox, program, &["run", "label-injector", "--set", "labels.a=b"], 0, "  labels:\n    a: b\n");
        check(&sandbox, program, &["list", "--bundled"], 0, "label-injector  ");
        check(&sandbox, program, &["list"], 0, "no plugins are installed");
        std::fs::remove_dir_all(sandbox.path().join("label-injector")).expect("the folder goes");
    }
}
