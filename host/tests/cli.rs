//! The command line from outside: each folder below `tests/cli` is a case with `args` (one per line), an optional
//! `stdin`, and what came out: `text.txt`, and `json.txt` for the same with `--output json`.
//!
//! Every case runs in a folder of its own that holds the guests of `tests/guests` as modules (`unchanged.wasm`) and
//! plugin folders (`unchanged/`), and the case's own `files/`; HOME and all of XDG point into it. Its path reads `DIR`
//! in the snapshots. `WINDLASS_BLESS=1` writes them anew.

#![allow(clippy::disallowed_methods, reason = "tests read what they wrote")]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

const INPUT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  key: value\n";

/// A fresh home with the guests in it.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for entry in fs::read_dir(tests().join("guests")).expect("the guests") {
            let source = entry.expect("a guest").path();
            let name = source.file_stem().expect("a name").to_string_lossy().into_owned();
            let wasm = wat::parse_file(&source).unwrap_or_else(|error| panic!("{error}"));
            fs::write(folder.path().join(format!("{name}.wasm")), &wasm).expect("written");
            let plugin = folder.path().join(&name);
            fs::create_dir(&plugin).expect("made");
            fs::write(plugin.join("plugin.wasm"), &wasm).expect("written");
            let version = if name == "adds" { "0.1.0" } else { "1.2.3" };
            let yaml = format!(
                "apiVersion: v1\nname: {name}\ntype: postrenderer/v1\nversion: {version}\nruntime: subprocess\nruntimeConfig:\n  platformCommand:\n  - command: windlass\n    args: [run, \"${{HELM_PLUGIN_DIR}}\", --]\n"
            );
            fs::write(plugin.join("plugin.yaml"), yaml).expect("written");
        }
        fs::write(folder.path().join("in.yaml"), INPUT).expect("written");
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        command.args(arguments).current_dir(self.path()).env_clear();
        command.env("HOME", self.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("COLUMNS", "100");
        command
    }

    /// Exit code, stdout and stderr as one text.
    fn transcript(&self, output: &Output) -> String {
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).replace(&self.path().display().to_string(), "DIR");
            // Shown as `\` at the line's end: no line break follows.
            if text.is_empty() || text.ends_with('\n') { text } else { format!("{text}\\\n") }
        };
        let code = output.status.code().map_or("none".to_owned(), |code| code.to_string());
        format!("exit {code}\n=== stdout\n{}=== stderr\n{}", text(&output.stdout), text(&output.stderr))
    }
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn run(mut command: Command, stdin: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("windlass starts");
    // A program that fails early need not read its input.
    let _ = child.stdin.take().expect("piped").write_all(stdin);
    child.wait_with_output().expect("windlass ends")
}

/// Compares `found` with the snapshot; writes it instead under `WINDLASS_BLESS=1`.
fn check_snapshot(file: &Path, found: &str, failures: &mut Vec<String>) {
    if std::env::var_os("WINDLASS_BLESS").is_some_and(|value| value == "1") {
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, found).expect("written");
        return;
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    if expected != found {
        failures.push(format!("{}:\n--- expected\n{expected}\n--- found\n{found}", file.display()));
    }
}

#[track_caller]
fn finish(failures: Vec<String>) {
    assert!(failures.is_empty(), "{}\n(WINDLASS_BLESS=1 takes what was found)", failures.join("\n"));
}

#[test]
fn cases() {
    let mut failures = Vec::new();
    let mut folders: Vec<PathBuf> =
        fs::read_dir(tests().join("cli")).expect("cases").map(|entry| entry.expect("a case").path()).collect();
    folders.retain(|folder| folder.join("args").exists());
    folders.sort();
    assert!(!folders.is_empty());
    for case in folders {
        let arguments = fs::read_to_string(case.join("args")).expect("args");
        let stdin = fs::read(case.join("stdin")).unwrap_or_else(|_| INPUT.as_bytes().to_vec());
        for (snapshot, flags) in [("text.txt", [].as_slice()), ("json.txt", ["--output", "json"].as_slice())] {
            let home = Home::new();
            copy_files(&case.join("files"), home.path());
            // `&&` alone on a line starts another command in the same home; the last one's answer counts.
            let commands: Vec<Vec<&str>> = arguments.split("\n&&\n").map(|part| part.lines().collect()).collect();
            let mut transcript = String::new();
            for arguments in &commands {
                let output = run(home.command(flags.iter().chain(arguments)), &stdin);
                transcript = home.transcript(&output);
            }
            check_snapshot(&case.join(snapshot), &without_times(&transcript), &mut failures);
        }
    }
    finish(failures);
}

/// Times of day are no part of a snapshot.
fn without_times(text: &str) -> String {
    let is_time = |word: &str| word.len() == 20 && word.ends_with('Z') && word.as_bytes().get(10) == Some(&b'T');
    text.split_inclusive([' ', '\n', '"'])
        .map(|word| {
            let bare = word.trim_end_matches([' ', '\n', '"', ',']);
            if is_time(bare) { word.replace(bare, "TIME") } else { word.to_owned() }
        })
        .collect()
}

fn copy_files(from: &Path, to: &Path) {
    let Ok(entries) = fs::read_dir(from) else { return };
    for entry in entries {
        let source = entry.expect("a file").path();
        let target = to.join(source.file_name().expect("a name"));
        if source.is_dir() {
            fs::create_dir_all(&target).expect("made");
            copy_files(&source, &target);
        } else {
            fs::copy(&source, &target).expect("copied");
        }
    }
}

#[track_caller]
fn check(name: &str, home: &Home, output: &Output) {
    let mut failures = Vec::new();
    check_snapshot(
        &tests().join("cli").join(name).join("text.txt"),
        &without_times(&home.transcript(output)),
        &mut failures,
    );
    finish(failures);
}

#[test]
fn a_full_disk_is_an_error() {
    let home = Home::new();
    let mut command = home.command(["run", "adds"]);
    command.stdin(File::open(home.path().join("in.yaml")).expect("opens"));
    command.stdout(File::options().write(true).open("/dev/full").expect("opens")).stderr(Stdio::piped());
    let output = command.spawn().and_then(|child| child.wait_with_output()).expect("windlass ends");
    check("stdout-full", &home, &output);
}

#[test]
fn a_reader_that_left_is_an_error() {
    let home = Home::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = home.command(["run", "adds", "--file", "in.yaml"]);
    command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
    let output = command.spawn().and_then(|child| child.wait_with_output()).expect("windlass ends");
    check("stdout-broken-pipe", &home, &output);
}

#[test]
fn a_closed_stdout_is_an_error() {
    let home = Home::new();
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" run adds --file in.yaml >&-", env!("CARGO_BIN_EXE_windlass")]);
    command.current_dir(home.path()).env("HOME", home.path());
    check("stdout-closed", &home, &run(command, b""));
}

#[test]
fn without_a_home_directory() {
    let home = Home::new();
    let homeless = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env_remove("HOME");
        run(command, INPUT.as_bytes())
    };
    check("no-home", &home, &homeless(&["run", "adds"]));
    check("no-home-quiet", &home, &homeless(&["run", "adds", "--quiet"]));
    check("no-home-no-cache", &home, &homeless(&["run", "adds", "--no-cache"]));
    check("no-home-why", &home, &homeless(&["why"]));
    check("no-home-list", &home, &homeless(&["list"]));
}

#[test]
fn an_unwritable_cache() {
    let home = Home::new();
    let cache = home.path().join("cache");
    fs::write(&cache, "a file where a folder should be").expect("written");
    let mut command = home.command(["run", "adds"]);
    command.env("WINDLASS_CACHE_DIR", &cache);
    check("cache-unwritable", &home, &run(command, INPUT.as_bytes()));
    let mut command = home.command(["install", "adds.wasm"]);
    command.env("WINDLASS_CACHE_DIR", &cache);
    check("cache-unwritable-install", &home, &run(command, b""));
}

/// Helm 4's variables for a plugin.
fn under_helm(command: &mut Command, home: &Home) {
    command.env("HELM_PLUGIN_NAME", "windlass").env("HELM_PLUGIN_DIR", home.path());
}

#[test]
fn one_configuration_serves_both_helms() {
    let home = Home::new();
    fs::write(
        home.path().join("windlass.yaml"),
        "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: both}\nplugins: [{use: ./adds}]\n",
    )
    .expect("written");
    let arguments = ["run", "--quiet", "--pipeline", "windlass.yaml"];
    let three = run(home.command(arguments), INPUT.as_bytes());
    // Helm 4 puts the registered plugin's own `run` before what it is given.
    let mut command = home.command(["run"].iter().chain(&arguments));
    under_helm(&mut command, &home);
    let four = run(command, INPUT.as_bytes());
    assert!(three.status.success() && four.status.success(), "{}", String::from_utf8_lossy(&four.stderr));
    assert_eq!(three.stdout, four.stdout);
    // Without Helm, `run` is the name of a plugin.
    assert_eq!(run(home.command(["run", "run"]), INPUT.as_bytes()).status.code(), Some(2));
}

#[test]
fn what_helm_enable_registers_runs_with_a_leading_run() {
    let home = Home::new();
    for (name, plugins) in [("windlass-post", vec!["adds"]), ("bare", vec![])] {
        let enable = ["helm", "enable", "--name", name, "--plugins-dir", "helm"];
        let enabled = run(home.command(enable.iter().chain(&plugins)), b"");
        assert!(enabled.status.success(), "{}", String::from_utf8_lossy(&enabled.stderr));
        let yaml = fs::read_to_string(home.path().join("helm").join(name).join("plugin.yaml")).expect("written");
        let list = yaml.split_once("args: ").expect("arguments").1;
        let registered: Vec<String> = serde_json::from_str(list.trim()).expect("a list");
        for given in [vec!["run", "--quiet"], vec!["--quiet"]] {
            let plugin = if plugins.is_empty() { vec!["adds"] } else { vec![] };
            let mut command = Command::new(home.path().join("helm").join(name).join("bin/windlass"));
            // Helm starts it wherever its user is; what was registered by a folder's name is found from there.
            let folder = if plugins.is_empty() { home.path() } else { Path::new("/") };
            command.args(&registered).args(given).args(plugin).current_dir(folder).env("HOME", home.path());
            under_helm(&mut command, &home);
            let output = run(command, INPUT.as_bytes());
            assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            assert!(String::from_utf8_lossy(&output.stdout).contains("payments"));
        }
    }
}

#[test]
fn an_empty_stream_is_told_or_refused() {
    let home = Home::new();
    let with = |arguments: &[&str], variables: &[(&str, &str)], stdin: &[u8]| {
        let mut command = home.command(arguments);
        command.envs(variables.iter().copied());
        run(command, stdin)
    };
    check("input-empty", &home, &with(&["run", "unchanged"], &[], b""));
    check("input-empty-argo-cd", &home, &with(&["run", "unchanged"], &[("ARGOCD_APP_NAME", "web")], b"---\n# none\n"));
    check("input-empty-required", &home, &with(&["diff", "unchanged", "--require-input"], &[], b"\n"));
    let code = |variables: &[(&str, &str)], stdin: &[u8]| with(&["run", "unchanged"], variables, stdin).status.code();
    assert_eq!(code(&[("WINDLASS_REQUIRE_INPUT", "1")], b""), Some(2));
    assert_eq!(code(&[("WINDLASS_REQUIRE_INPUT", "1")], INPUT.as_bytes()), Some(0));
    assert_eq!(code(&[("ARGOCD_APP_NAME", "web"), ("WINDLASS_REQUIRE_INPUT", "0")], b""), Some(0));
}

/// diff(1): 0 the same, 1 changes, above 1 trouble.
#[test]
fn diff_ends_as_diff_does() {
    let home = Home::new();
    let code = |arguments: &[&str]| run(home.command(arguments), INPUT.as_bytes()).status.code();
    assert_eq!(code(&["diff", "unchanged"]), Some(0));
    assert_eq!(code(&["diff", "adds"]), Some(1));
    assert_eq!(code(&["diff", "says-no"]), Some(6));
    assert_eq!(code(&["run", "says-no"]), Some(1));
    assert_eq!(code(&["diff", "nothing-of-that-name"]), Some(2));
    assert_eq!(code(&["diff", "adds", "--file", "missing.yaml"]), Some(2));
    let from_chart = format!("---\n# Source: shop/templates/one.yaml\n{INPUT}");
    check("diff-chart", &home, &run(home.command(["diff", "adds"]), from_chart.as_bytes()));
    check("diff-refused", &home, &run(home.command(["--output", "json", "diff", "says-no"]), INPUT.as_bytes()));
}

#[test]
fn what_a_stream_holds_cannot_deceive_the_reader() {
    let home = Home::new();
    let hostile = "\u{202e}\u{1b}[2J\u{9b}2J\u{2066}\u{200f}\u{2028}";
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  key: value";
    let stdin = format!("# Source: shop/{hostile}.yaml\n{object} # {hostile}\n");
    for arguments in
        [["diff", "adds"].as_slice(), &["diff", "adds", "--output", "json"], &["diff", "adds", "--color", "always"]]
    {
        let shown = String::from_utf8(run(home.command(arguments), stdin.as_bytes()).stdout).expect("UTF-8");
        let has_own_styles = arguments.contains(&"always");
        let plain = if has_own_styles { anstream::adapter::strip_str(&shown).to_string() } else { shown };
        assert!(!plain.contains(|letter: char| hostile.contains(letter) && !letter.is_ascii_graphic()), "{plain:?}");
        assert!(plain.contains("202e"), "{plain}");
    }
}

#[test]
fn what_is_installed_is_compiled_before_its_first_run() {
    let home = Home::new();
    let code = home.path().join(".cache/windlass/code");
    let compiled = || -> Vec<(PathBuf, SystemTime)> {
        let entries = fs::read_dir(&code).expect("compiled code").map(|entry| entry.expect("an entry").path());
        entries
            .map(|path| (path.clone(), fs::metadata(&path).and_then(|file| file.modified()).expect("a time")))
            .collect()
    };
    run(home.command(["install", "adds.wasm"]), b"");
    let ahead = compiled();
    assert_eq!(ahead.len(), 1);
    assert!(run(home.command(["run", "adds"]), INPUT.as_bytes()).status.success());
    assert_eq!(compiled(), ahead, "the first run takes what is there");
}

#[test]
fn failures_are_kept_for_why_and_only_the_owner_can_read_them() {
    let home = Home::new();
    let mut command = home.command(["run", "says-no", "--set-string", "token=secret", "--", "also=secret"]);
    command.env("HELM_PLUGIN_NAME", "says-no").env("HELM_PLUGIN_DIR", home.path());
    run(command, INPUT.as_bytes());
    let record = home.path().join(".local/state/windlass/failures.jsonl");
    let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    assert_eq!((mode(&record), mode(record.parent().expect("a folder"))), (0o600, 0o700));
    assert!(!fs::read_to_string(&record).expect("readable").contains("secret"));
    check("why-after-helm", &home, &run(home.command(["why"]), b""));
}

/// A guest that says no with all that it was given, arguments and stream, as its error text.
const TELLS_ALL: &str = r#"(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (memory (export "memory") 2)
  (global $free (mut i32) (i32.const 1024))
  (func (export "windlass_alloc") (param $length i32) (result i32)
    (local $start i32)
    (local.set $start (global.get $free))
    (global.set $free (i32.add (global.get $free) (local.get $length)))
    (local.get $start))
  (func (export "windlass_render") (param i32 i32 i32 i32) (result i64)
    (local $block i64) (local $index i32) (local $length i32)
    (local.set $length (i32.sub (global.get $free) (i32.const 1024)))
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $length))))
    (loop $copy
      (call $store
        (i64.add (local.get $block) (i64.extend_i32_u (local.get $index)))
        (i32.load8_u (i32.add (i32.const 1024) (local.get $index))))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br_if $copy (i32.lt_u (local.get $index) (local.get $length))))
    (call $error_set (local.get $block))
    (i64.const -1)))"#;

/// A guest whose answer is a Secret that Helm would lose.
const SPOILS: &str = r#"(module
  (memory (export "memory") 2)
  (data (i32.const 16) "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {p: hunter2}\n...\nkind: A\n")
  (func (export "windlass_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "windlass_render") (param i32 i32 i32 i32) (result i64)
    (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const 85))))"#;

#[test]
fn the_record_keeps_no_value_of_set_and_nothing_of_the_stream() {
    let home = Home::new();
    for (name, wat) in [("tells-all", TELLS_ALL), ("spoils", SPOILS)] {
        fs::write(home.path().join(format!("{name}.wasm")), wat::parse_str(wat).expect("a module")).expect("written");
    }
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {p: hunter2}\ndata: {q: czNjcjN0LXRva2Vu}\n";
    let record = || {
        let record = home.path().join(".local/state/windlass/failures.jsonl");
        fs::read_to_string(record).expect("a record").lines().last().expect("a failure").to_owned()
    };
    let told =
        run(home.command(["run", "tells-all.wasm", "--", "token=swordfish", "more=\"q\\n\""]), secret.as_bytes());
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.contains("hunter2") && told.contains("swordfish"), "whoever runs it sees it all: {told}");
    let kept = record();
    for value in ["hunter2", "swordfish", "czNjcjN0LXRva2Vu", "\"q"] {
        assert!(!kept.contains(value), "{value}: {kept}");
    }
    assert!(kept.contains("tells-all") && kept.contains("kind: Secret"), "what the plugin said is kept: {kept}");

    let spoiled = run(home.command(["run", "spoils.wasm"]), INPUT.as_bytes());
    assert_eq!(spoiled.status.code(), Some(1), "{}", String::from_utf8_lossy(&spoiled.stderr));
    let kept = record();
    assert!(kept.contains("spoils") && !kept.contains("hunter2"), "{kept}");

    run(home.command(["run", "adds", "--set", "lables.team=swordfish"]), INPUT.as_bytes());
    assert!(record().contains("unknown key `lables`") && !record().contains("swordfish"), "{}", record());
}

#[test]
fn a_mistyped_command_line_takes_no_failures_place() {
    let home = Home::new();
    run(home.command(["run", "says-no"]), INPUT.as_bytes());
    let why = || String::from_utf8(run(home.command(["why"]), b"").stdout).expect("UTF-8");
    let before = why();
    assert!(before.contains("says-no"), "{before}");
    for mistyped in [["rnu", "says-no"], ["run", "--sett=a=b"], ["why", "--lats"]] {
        assert_eq!(run(home.command(mistyped), b"").status.code(), Some(2));
    }
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = home.command(["run", "adds", "--file", "in.yaml"]);
    command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::null());
    assert_eq!(command.status().expect("windlass ends").code(), Some(141));
    assert_eq!(why(), before);

    // Helm shows nothing of it: then it is on record.
    let mut command = home.command(["run", "--sett=a=swordfish"]);
    under_helm(&mut command, &home);
    run(command, b"");
    assert!(why().contains("--sett") && !why().contains("swordfish"), "{}", why());
}

#[test]
fn colours_are_for_terminals_unless_asked_for() {
    let home = Home::new();
    let diff = |arguments: &[&str], no_color: bool| {
        let mut command = home.command(["diff", "adds"].iter().chain(arguments));
        if no_color {
            command.env("NO_COLOR", "1");
        }
        run(command, INPUT.as_bytes())
    };
    let has_colour = |output: &Output| output.stdout.contains(&0x1b);
    assert!(!has_colour(&diff(&[], false)));
    assert!(has_colour(&diff(&["--color", "always"], false)));
    assert!(has_colour(&diff(&["--color", "always"], true)), "a flag is stronger than a variable");
    assert!(!has_colour(&diff(&["--color", "never"], false)));
}

/// The help of `command` and of all commands below it, as Markdown.
fn reference(home: &Home, command: &[String], text: &mut String) {
    let help = run(home.command(command.iter().map(String::as_str).chain(["--help"])), b"");
    let help = String::from_utf8(help.stdout).expect("UTF-8");
    let title = [&["windlass".to_owned()], command].concat().join(" ");
    text.push_str(&format!("\n{} `{title}`\n\n```text\n{}\n```\n", "#".repeat(command.len() + 2), help.trim_end()));
    // The commands stand in one group, or in several with titles of their own, before the options.
    let below = help.lines().skip_while(|line| !line.starts_with("Usage: ") || !line.ends_with("<COMMAND>")).skip(1);
    for line in
        below.take_while(|line| *line != "Options:").filter(|line| line.starts_with("  ") && !line.starts_with("    "))
    {
        let name = line.split_whitespace().next().expect("a name");
        assert!(name.starts_with(|first: char| first.is_ascii_lowercase()), "`{name}` is no command");
        if name != "help" {
            reference(home, &[command, &[name.to_owned()]].concat(), text);
        }
    }
}

#[test]
fn the_reference_in_the_documentation_is_what_help_says() {
    let home = Home::new();
    let mut text = "# Commands\n\nWhat `windlass help` says, of all commands. Written by `WINDLASS_BLESS=1 cargo test -p windlass --test cli`.\n"
        .to_owned();
    reference(&home, &[], &mut text);
    let mut failures = Vec::new();
    check_snapshot(&tests().join("../../docs/cli.md"), &text, &mut failures);
    finish(failures);
}

/// What an example must not have to run here: a network, a cluster, Helm, a compiler, keys, plugins that only it names.
const NEEDS: [&str; 17] = [
    "registry.example",
    "helm ",
    "wait",
    "status",
    "build",
    "windlass test",
    "windlass dev",
    "windlass package",
    "sign",
    "./one",
    "man -l",
    "yq",
    "port audit",
    "port convert",
    "port compare",
    "port compile",
    "port keep",
];

#[test]
fn examples_that_need_nothing_run() {
    let home = Home::new();
    let mut text = String::new();
    reference(&home, &[], &mut text);
    let sections = text.split("\nExamples:\n").skip(1).flat_map(|rest| rest.split("\n```").next());
    let lines = sections.flat_map(str::lines).filter_map(|line| line.strip_prefix("    "));
    let mut ran = 0;
    for line in lines.filter(|line| !NEEDS.iter().any(|need| line.contains(need))) {
        let home = Home::new();
        let plugin = home.path().join("label-injector");
        fs::rename(home.path().join("unchanged"), &plugin).expect("renamed");
        let yaml = fs::read_to_string(plugin.join("plugin.yaml")).expect("a plugin.yaml");
        fs::write(plugin.join("plugin.yaml"), yaml.replace("name: unchanged", "name: label-injector"))
            .expect("written");
        let pipeline = "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins: [{use: label-injector}]\n";
        fs::write(home.path().join("windlass.yaml"), pipeline).expect("written");
        for arguments in [&["install", "./label-injector"][..], &["lock"]] {
            let output = run(home.command(arguments), b"");
            assert!(output.status.success(), "{}", home.transcript(&output));
        }
        let binary = Path::new(env!("CARGO_BIN_EXE_windlass")).parent().expect("a folder").display();
        let path = format!("{binary}:{}", std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(home.path()).env_clear().env("HOME", home.path()).env("PATH", path);
        let output = run(shell, INPUT.as_bytes());
        assert!(output.status.success(), "{line}: {}", home.transcript(&output));
        ran += 1;
    }
    assert!(ran >= 20, "{ran} examples");
}

/// plugin.yaml holds configuration that a plugin gets, so a lock that sees the wasm alone would let it be changed.
#[test]
fn a_lock_pins_configuration_too() {
    let config = "  config:\n    podTemplates: true\n";
    for reference in ["./unchanged", "unchanged", "./unchanged-1.2.3.tgz"] {
        let home = Home::new();
        let windlass = |arguments: &[&str]| run(home.command(arguments), INPUT.as_bytes());
        let prepare = || {
            assert!(windlass(&["install", "./unchanged", "--force"]).status.success());
            assert!(windlass(&["package", "./unchanged"]).status.success());
        };
        prepare();
        let pipeline = format!("apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: {reference}\n");
        fs::write(home.path().join("windlass.yaml"), pipeline).expect("written");
        let locked = ["run", "--pipeline", "windlass.yaml", "--locked"];
        for command in [&["lock"][..], &locked, &["lock", "--check"]] {
            let output = windlass(command);
            assert!(output.status.success(), "{command:?} {reference}: {}", home.transcript(&output));
        }
        let yaml = home.path().join("unchanged/plugin.yaml");
        let text = fs::read_to_string(&yaml).expect("a plugin.yaml");
        fs::write(&yaml, format!("{text}{config}")).expect("written");
        prepare();
        for command in [&locked[..], &["lock", "--check"]] {
            let output = windlass(command);
            assert_eq!(output.status.code(), Some(3), "{command:?} {reference}: {}", home.transcript(&output));
            assert!(output.stdout.is_empty());
        }
        assert!(home.transcript(&windlass(&locked)).contains("has the plugin.yaml sha256:"), "{reference}");
        assert!(windlass(&["lock"]).status.success());
        assert!(windlass(&locked).status.success());
    }
}

/// The cases of a plugin that somebody else wrote are somebody else's word.
#[test]
fn a_case_does_not_grant_itself_what_is_not_its_own() {
    let home = Home::new();
    let case = home.path().join("unchanged/tests/cases/one");
    fs::create_dir_all(&case).expect("made");
    fs::write(home.path().join("secret"), "secret").expect("written");
    fs::write(case.join("input.yaml"), INPUT).expect("written");
    fs::write(case.join("expected.yaml"), INPUT).expect("written");
    for (grants, flag) in [
        ("{read: {/in: .}, clock: true}", None),
        ("{read: {/in: /}}", Some(["--allow-read", "/in=/"])),
        ("{env: [HOME]}", Some(["--allow-env", "HOME"])),
        ("{net: [registry.example]}", Some(["--allow-net", "registry.example"])),
    ] {
        fs::write(case.join("grants.yaml"), grants).expect("written");
        let output = run(home.command(["test", "unchanged"]), b"");
        let Some(flag) = flag else {
            assert!(output.status.success(), "{grants}: {}", home.transcript(&output));
            continue;
        };
        let transcript = home.transcript(&output);
        assert_eq!(output.status.code(), Some(3), "{grants}: {transcript}");
        assert!(transcript.contains(&format!("add `{}`", flag.join(" "))), "{grants}: {transcript}");
        let output = run(home.command([&["test", "unchanged"], &flag[..]].concat()), b"");
        assert!(output.status.success(), "{grants}: {}", home.transcript(&output));
    }
    // Blessing writes nothing outside of the case.
    fs::write(case.join("grants.yaml"), "{}").expect("written");
    fs::remove_file(case.join("expected.yaml")).expect("removed");
    std::os::unix::fs::symlink(home.path().join("secret"), case.join("expected.yaml")).expect("a link");
    let mut bless = home.command(["test", "unchanged"]);
    bless.env("WINDLASS_BLESS", "1");
    let output = run(bless, b"");
    assert_eq!(output.status.code(), Some(3), "{}", home.transcript(&output));
    assert_eq!(fs::read_to_string(home.path().join("secret")).expect("there"), "secret");
}

#[test]
fn the_files_are_written_down() {
    let mut failures = Vec::new();
    check_snapshot(&tests().join("../../docs/reference.md"), &windlass::config::reference::markdown(), &mut failures);
    finish(failures);
}

/// The answers for programs that the documentation shows: of what, and the case that has it.
const JSON_SHOWN: &[(&str, &str)] = &[
    ("An error, on stderr, of any command", "run-unknown-key"),
    ("`windlass diff`", "diff"),
    ("`windlass inspect`", "inspect"),
    ("`windlass explain`", "explain"),
    ("`windlass install`", "install"),
    ("`windlass list`", "list"),
    ("`windlass uninstall`", "uninstall"),
    ("`windlass helm enable`", "helm-enable"),
    ("`windlass test`", "test"),
    ("`windlass why`", "why"),
    ("`windlass cache info`", "cache-info"),
    ("`windlass cache clean`", "cache-clean"),
];

/// What commands answer that need a registry, in `tests/json`; the end-to-end tests hold real answers to their shape.
const JSON_OF_REGISTRIES: &[(&str, &str)] = &[
    ("`windlass push`", "push"),
    ("`windlass push --from-layout`", "push-from-layout"),
    ("`windlass pull`", "pull"),
    ("`windlass pull --to-layout`", "pull-to-layout"),
    ("`windlass attach`", "attach"),
    ("`windlass discover`", "discover"),
    ("`windlass verify`", "verify"),
    ("`windlass lock`", "lock"),
];

#[test]
fn the_json_of_commands_is_written_down() {
    let mut page = String::from(
        "# JSON output\n\n`--output json` makes every command answer with one JSON document on stdout, and say an error as one on stderr; \
         `run`, `schema`, `completions` and `man` write what they always write; a value that may be missing is `null`. `wait` and `status` are in \
         [waiting.md](waiting.md). Fields are added, never renamed. Written by `WINDLASS_BLESS=1 cargo test -p windlass --test cli` \
         from its cases, whose folder reads `DIR`.\n",
    );
    for (title, case) in JSON_SHOWN {
        let snapshot = fs::read_to_string(tests().join("cli").join(case).join("json.txt")).expect("a case");
        let (stdout, stderr) = snapshot.split_once("=== stderr\n").expect("two parts");
        let stdout = stdout.split_once("=== stdout\n").expect("two parts").1;
        let shown = if stdout.is_empty() { stderr } else { stdout };
        page.push_str(&format!("\n## {title}\n\n```json\n{}\n```\n", shown.trim_end()));
    }
    for (title, example) in JSON_OF_REGISTRIES {
        let shown = fs::read_to_string(tests().join("json").join(format!("{example}.json"))).expect("an example");
        page.push_str(&format!("\n## {title}\n\n```json\n{}\n```\n", shown.trim_end()));
    }
    let mut failures = Vec::new();
    check_snapshot(&tests().join("../../docs/json.md"), &page, &mut failures);
    finish(failures);
}

#[test]
fn the_environment_is_written_down() {
    let mut failures = Vec::new();
    check_snapshot(&tests().join("../../docs/environment.md"), &windlass::env::markdown(), &mut failures);
    finish(failures);
}

#[test]
fn the_limits_are_written_down() {
    let mut failures = Vec::new();
    check_snapshot(&tests().join("../../docs/limits.md"), &windlass::limits::table::markdown(), &mut failures);
    finish(failures);
}

/// Reports are for other programs: Python's parser of XML reads the JUnit one, and SARIF's own schema
/// (tests/schemas, as OASIS publishes it, from the crate serde-sarif 0.8.0) holds for the other where `jsonschema` is
/// there.
#[test]
fn reports_are_read_by_other_programs() {
    let home = Home::new();
    let arguments =
        ["run", "denies", "--report", "sarif=r.sarif", "--report", "junit=r.xml", "--report", "json=r.json"];
    let output = run(home.command(arguments), INPUT.as_bytes());
    assert_eq!(output.status.code(), Some(1), "{}", home.transcript(&output));
    let script = "
import json, sys, xml.etree.ElementTree as tree
suites = tree.parse('r.xml').getroot()
assert suites.tag == 'testsuites' and (suites.get('tests'), suites.get('failures')) == ('3', '2'), suites.attrib
cases = suites.findall('testsuite/testcase')
assert [case.find('failure') is not None for case in cases] == [False, True, True]
sarif, report = json.load(open('r.sarif')), json.load(open('r.json'))
assert report['summary'] == {'deny': 2, 'warn': 1, 'info': 0, 'passed': 0}, report
assert [result['level'] for result in sarif['runs'][0]['results']] == ['warning', 'error', 'error']
try:
    import jsonschema
except ImportError:
    sys.exit(0)
jsonschema.validate(sarif, json.load(open(sys.argv[1])))
";
    let mut python = Command::new("python3");
    python.current_dir(home.path()).args(["-c", script]).arg(tests().join("schemas/sarif-2.1.0.json"));
    let read = python.output().expect("python3 starts");
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
}
