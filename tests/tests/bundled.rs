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
        sandbox.program(program);
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

/// The completion script of bash, sourced by a real one, knows the keys of the plugin on the line.
#[test]
fn settings_complete_in_the_shell() {
    let sandbox = Sandbox::new();
    let script = sandbox.write("windlass.bash", sandbox.succeed(["completions", "bash"], b""));
    let plugin = needs::plugin("containers").display().to_string();
    let complete = |words: &[&str]| {
        let line: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let program = format!(
            "source '{}'; COMP_WORDS=(windlass {}); COMP_CWORD={}; _windlass_or_setting windlass '{}' ''; echo \"${{COMPREPLY[@]}}\"",
            script.display(),
            line.join(" "),
            words.len(),
            words.last().copied().unwrap_or_default(),
        );
        let finished = sandbox.finish({
            let mut command = Command::new("bash");
            command.args(["-c", &program]);
            command
        });
        String::from_utf8_lossy(&finished.stdout).trim().to_owned()
    };
    assert_eq!(complete(&["run", &plugin, "--set", "pre"]), "preset=");
    assert_eq!(complete(&["run", "--quiet", &plugin, "--set-json", "rules[0].re"]), "rules[0].remove=");
    assert_eq!(complete(&["run", "oci://registry.invalid/a:1", "no-such-plugin", "--set", "pre"]), "");
    assert!(complete(&["ru"]).contains("run"));
    for shell in ["zsh", "fish"] {
        let text = String::from_utf8(sandbox.succeed(["completions", shell], b"")).expect("UTF-8");
        assert!(text.contains("windlass explain --keys") && text.contains("windlass_settings"), "{shell}");
    }
}
