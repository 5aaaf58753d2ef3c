//! Every capability of the table as a person meets it: refused before the run with the exact flags, granted by flags
//! and by windlass.yaml alike, shown by `inspect`. The guest `asks-for-everything` uses the functions of the PDK.

use windlass_abi::capabilities::TABLE;
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use xtask::command::{Finished, feed};

const OBJECT: &str = "kind: A\n";

/// What the guest asks for, in the order of its metadata.
const ASKED: [&str; 5] =
    ["--allow-read /in", "--allow-write /out", "--allow-env GUEST_VARIABLE", "--allow-clock", "--allow-random"];

/// What grants it, with folders in the sandbox's own.
const GRANTS: [&[&str]; 5] = [
    &["--allow-read", "/in=in"],
    &["--allow-write", "/out=out"],
    &["--allow-env", "GUEST_VARIABLE"],
    &["--allow-clock"],
    &["--allow-random"],
];

/// A folder to read with a file, and a folder to write.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("in/file", "text: of the file\n");
    std::fs::create_dir(sandbox.path().join("out")).expect("a folder");
    sandbox
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Finished {
    let mut command = sandbox.windlass(["run"]);
    command.args(arguments).env("GUEST_VARIABLE", "the value").env("ANOTHER_VARIABLE", "a secret");
    feed(&mut command, OBJECT.as_bytes()).expect("windlass starts")
}

fn guest() -> String {
    needs::plugin("asks-for-everything").display().to_string()
}

/// Checks that everything came through.
#[track_caller]
fn succeeded(sandbox: &Sandbox, finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let stream = String::from_utf8_lossy(&finished.stdout);
    assert!(stream.starts_with(OBJECT), "{stream}");
    let data = r#"data:
  file: "text: of the file\n"
  variable: "the value"
  clock: true
  random: true
  kept: "yes"
  gone: null
"#;
    assert!(stream.ends_with(data), "{stream}");
    let written = std::fs::read_to_string(sandbox.path().join("out/file")).expect("the guest wrote it");
    assert_eq!(written, "text: of the file\n");
}

/// Checks that it did not run: the exit code for a missing grant, no output, nothing written, and each of `flags`.
#[track_caller]
fn refused(sandbox: &Sandbox, finished: &Finished, flags: &[&str]) {
    assert_eq!(finished.code, Some(3), "{}", finished.stderr);
    assert!(finished.stdout.is_empty());
    for flag in flags {
        assert!(finished.stderr.contains(flag), "no `{flag}` in {}", finished.stderr);
    }
    assert!(!sandbox.path().join("out/file").exists(), "it ran");
}

#[test]
fn everything_is_refused_before_the_run_and_granted_by_flags() {
    let sandbox = sandbox();
    let guest = guest();
    refused(&sandbox, &run(&sandbox, &[&guest]), &ASKED);
    for (left_out, asked) in ASKED.iter().enumerate() {
        let granted = GRANTS.iter().enumerate().filter(|(index, _)| *index != left_out).flat_map(|(_, words)| *words);
        let arguments: Vec<&str> = [guest.as_str()].into_iter().chain(granted.copied()).collect();
        refused(&sandbox, &run(&sandbox, &arguments), &[asked]);
    }
    let arguments: Vec<&str> = [guest.as_str()].into_iter().chain(GRANTS.concat()).collect();
    succeeded(&sandbox, &run(&sandbox, &arguments));
}

#[test]
fn a_pipeline_grants_the_same() {
    let sandbox = sandbox();
    let file = format!(
        "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: {}\n  grants:\n    read: {{/in: in}}\n    \
         write: {{/out: out}}\n    env: [GUEST_VARIABLE]\n    clock: true\n    random: true\n",
        guest()
    );
    sandbox.write("windlass.yaml", &file);
    succeeded(&sandbox, &run(&sandbox, &["--pipeline", "windlass.yaml"]));
    std::fs::remove_file(sandbox.path().join("out/file")).expect("it was written");
    sandbox.write("windlass.yaml", file.replace("clock: true", "clock: false"));
    refused(&sandbox, &run(&sandbox, &["--pipeline", "windlass.yaml"]), &["--allow-clock"]);
}

/// What a grant does not cover ends the run, whatever else was granted.
#[test]
fn a_grant_is_for_what_it_names() {
    let sandbox = sandbox();
    sandbox.write("secret", "a secret");
    #[cfg(unix)]
    std::os::unix::fs::symlink("../secret", sandbox.path().join("in/link")).expect("a link");
    let guest = guest();
    let check = |setting: &str, code: i32, says: &str| {
        let arguments: Vec<&str> = [guest.as_str(), "--set", setting].into_iter().chain(GRANTS.concat()).collect();
        let finished = run(&sandbox, &arguments);
        assert_eq!(finished.code, Some(code), "{setting}: {}", finished.stderr);
        assert!(finished.stderr.contains(says), "{setting}: no `{says}` in {}", finished.stderr);
        assert!(finished.stdout.is_empty() && !finished.stderr.contains("a secret"), "{setting}");
    };
    check("read=/out/file", 3, "--allow-read /out=HOSTDIR");
    check("read=/etc/passwd", 3, "--allow-read /etc=HOSTDIR");
    check("read=/in/../secret", 1, "no `.`, `..` or empty parts");
    check("read=/in/link", 3, "cannot read");
    check("write=/in/file", 3, "--allow-write /in=HOSTDIR");
    check("variable=ANOTHER_VARIABLE", 3, "--allow-env ANOTHER_VARIABLE");
    check("random=1048577", 4, "random bytes at once");
}

/// One row of the table is enough for the flag, the key in windlass.yaml, the hint and `inspect`.
#[test]
fn every_row_of_the_table_is_granted_and_inspected_alike() {
    let sandbox = sandbox();
    for row in TABLE {
        let asked = row.example.map(|example| example.split('=').next().unwrap_or(example));
        let ask = asked.map_or_else(
            || format!(r#"{{"capability":"{}","why":"because"}}"#, row.word),
            |value| format!(r#"{{"capability":"{}","value":"{value}","why":"because"}}"#, row.word),
        );
        let metadata = format!(r#"{{"abi":1,"name":"asker","capabilities":[{ask}]}}"#);
        // Hands its input back through its own memory.
        let text = format!(
            r#"(module (memory (export "memory") 2)
              (func (export "windlass_alloc") (param i32) (result i32) i32.const 1024)
              (func (export "windlass_render") (param i32 i32 i32 i32) (result i64) i64.const 0)
              (@custom "windlass.plugin" "{}"))"#,
            metadata.replace('"', "\\\"")
        );
        sandbox.write("asker.wasm", wat::parse_str(text).expect("a module"));
        let flag = asked.map_or_else(|| row.flag.to_owned(), |value| format!("{} {value}", row.flag));

        let inspected = sandbox.succeed(["inspect", "asker.wasm"], b"");
        let inspected = String::from_utf8_lossy(&inspected).into_owned();
        assert!(inspected.contains(&flag) && inspected.contains("because"), "{inspected}");
        refused(&sandbox, &run(&sandbox, &["./asker.wasm"]), &[&flag]);

        // The folder of the example need not exist on this machine; the sandbox's own does.
        let value = match (asked, row.value) {
            (Some(asked), Some(form)) if form.contains('=') => Some(format!("{asked}=in")),
            (asked, _) => asked.map(str::to_owned),
        };
        let mut arguments = vec!["./asker.wasm", row.flag];
        arguments.extend(value.as_deref());
        let finished = run(&sandbox, &arguments);
        assert_eq!((finished.code, finished.stdout.as_slice()), (Some(0), OBJECT.as_bytes()), "{}", finished.stderr);

        let grant = match value.as_deref().map(|value| value.split_once('=').ok_or(value)) {
            None => "true".to_owned(),
            Some(Ok((guest, host))) => format!("{{{guest}: {host}}}"),
            Some(Err(value)) => format!("['{value}']"),
        };
        let pipeline = format!(
            "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: ./asker.wasm\n  grants:\n    {}: {grant}\n",
            row.word
        );
        sandbox.write("windlass.yaml", pipeline);
        let finished = run(&sandbox, &["--pipeline", "windlass.yaml"]);
        assert_eq!((finished.code, finished.stdout.as_slice()), (Some(0), OBJECT.as_bytes()), "{}", finished.stderr);
    }
}
