//! The same plugin file gives the same in Windlass, in Helm's engine (Extism's Go SDK on wazero) and in the `extism`
//! crate: the sample plugins over every stream, small guests, and the answers of the kernel's functions.

use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use windlass_tests::input::streams;
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use xtask::command::{Finished, feed};
use xtask::{foreign, peers};

/// A plugin with its configuration, as `--set` words for Windlass and as extra arguments for the others, and what
/// Windlass must grant for it to start.
struct Run {
    plugin: &'static str,
    words: &'static [&'static str],
    grants: &'static [&'static str],
}

const fn run(plugin: &'static str, words: &'static [&'static str]) -> Run {
    Run { plugin, words, grants: &[] }
}

const RUNS: &[Run] = &[
    run("label-injector", &["labels.team=payments"]),
    run("label-injector", &["labels.team=payments", "podTemplates=true", "annotations.note=a: b"]),
    run(
        "sidecar-injector",
        &["containers[0].name=log-shipper", "containers[0].image=ghcr.io/example/log-shipper:1.10"],
    ),
    run("kstatus", &["wellKnown=true"]),
    run(
        "patcher",
        &[
            "onMissing=ignore",
            "patches[0].target.kind=Deployment|StatefulSet",
            "patches[0].patch.spec.template.spec.serviceAccountName=zz",
        ],
    ),
    run("images", &["mirrors.quay\\.io=mirror.example/quay", "pullPolicy=Always"]),
    run("select", &["crds=none", "drop[0].kind=Secret"]),
    run("namespace", &["namespace=zz", "onExisting=keep"]),
    run("containers", &["preset=restricted", "remove[0]=resources.limits.cpu"]),
    run("scheduling", &["priorityClassName=high", "replicas=2"]),
    run("rename", &["namePrefix=zz-", "apis=current"]),
    run("server-side-apply", &["keep=last", "onLeft=warn"]),
    run("checksum", &["scope=keys"]),
    run("hooks", &["rules[0].weight=7"]),
    run("expression", &["expression=.metadata.annotations.zz = .kind"]),
    run(
        "resources",
        &[
            "releaseNamespace=zz",
            "resources[0].perNamespace=true",
            "resources[0].manifest.apiVersion=v1",
            "resources[0].manifest.kind=ConfigMap",
            "resources[0].manifest.metadata.name=zz",
        ],
    ),
    run("policy", &["presets[0]=podSecurityBaseline", "presets[1]=noLatest"]),
    // Without a registry: every image is excluded. It may fail, and must do so everywhere.
    Run { plugin: "pin-images", words: &["exclude[0]=.*"], grants: &["--allow-net", "registry.example"] },
];

/// What an engine makes of a stream: another stream, or an error.
type Outcome = Result<Vec<u8>, String>;

fn outcome(finished: Finished) -> Outcome {
    match finished.code {
        Some(0) => Ok(finished.stdout),
        code => Err(format!("{code:?}: {}", finished.stderr)),
    }
}

fn in_windlass(sandbox: &Sandbox, plugin: &Path, words: &[&str], grants: &[&str], input: &[u8]) -> Outcome {
    let mut command = sandbox.windlass(["run"]);
    command.arg(plugin).args(words.iter().flat_map(|word| ["--set", word])).args(grants);
    outcome(feed(&mut command, input).expect("windlass starts"))
}

fn in_helm_engine(program: &Path, cache: &Path, plugin: &Path, words: &[&str], input: &[u8]) -> Finished {
    let mut command = Command::new(program);
    // Only to end what would never end.
    command.args(["-timeout", "60000", "-cache"]).arg(cache).arg(plugin).args(words);
    feed(&mut command, input).expect("the program starts")
}

/// Many streams in one process, in which the plugin is compiled once.
fn in_extism_crate(program: &Path, plugin: &Path, words: &[&str], inputs: &[&[u8]]) -> Vec<Outcome> {
    let requests: String = inputs
        .iter()
        .map(|input| {
            let stream = std::str::from_utf8(input).expect("JSON carries text only");
            format!("{}\n", json!({"plugin": plugin, "args": words, "stream": stream}))
        })
        .collect();
    let finished = feed(Command::new(program).arg("-batch"), requests.as_bytes()).expect("the program starts");
    let answers: Vec<Outcome> = finished
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            let answer: serde_json::Value = serde_json::from_slice(line).expect("an answer");
            match answer["stream"].as_str() {
                Some(stream) => Ok(stream.as_bytes().to_vec()),
                None => Err(answer["error"].as_str().unwrap_or_default().to_owned()),
            }
        })
        .collect();
    assert_eq!(answers.len(), inputs.len(), "{} ended early: {}", plugin.display(), finished.stderr);
    answers
}

/// Same bytes, or an error in both.
#[track_caller]
fn same(what: &str, ours: &Outcome, engine: &str, theirs: &Outcome) {
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => assert!(ours == theirs, "{what}: {engine} gives other bytes"),
        (Err(_), Err(_)) => {}
        (Ok(_), Err(error)) => panic!("{what}: {engine} fails, Windlass does not: {error}"),
        (Err(error), Ok(_)) => panic!("{what}: Windlass fails, {engine} does not: {error}"),
    }
}

#[test]
fn every_engine_gives_the_same_bytes() {
    let Some(go) = needs::peer(peers::HELM_ENGINE) else { return };
    let Some(rust) = needs::peer(peers::EXTISM_CRATE) else { return };
    let sandbox = Sandbox::new();
    let cache = sandbox.path().join("wazero");
    let streams = streams();
    let inputs: Vec<&[u8]> = streams.iter().map(|stream| stream.bytes.as_slice()).collect();
    for Run { plugin, words, grants } in RUNS {
        let folder = needs::plugin(plugin);
        let in_rust = in_extism_crate(&rust, &folder, words, &inputs);
        for (stream, in_rust) in streams.iter().zip(&in_rust) {
            let what = format!("{plugin} on {}", stream.name);
            let ours = in_windlass(&sandbox, &folder, words, grants, &stream.bytes);
            let in_go = outcome(in_helm_engine(&go, &cache, &folder, words, &stream.bytes));
            same(&what, &ours, "Helm's engine", &in_go);
            // This program has none of Helm's rules: to it, a stream of nothing is an answer.
            if stream.bytes.iter().any(|byte| !byte.is_ascii_whitespace()) {
                same(&what, &ours, "the extism crate", in_rust);
            }
        }
    }
}

/// The plugin compiled for this machine gives the bytes that the sandboxed one gives.
#[test]
fn native_and_sandboxed_code_give_the_same_bytes() {
    let sandbox = Sandbox::new();
    let folder = needs::plugin("label-injector").display().to_string();
    for words in RUNS.iter().filter(|run| run.plugin == "label-injector").map(|run| run.words) {
        for stream in streams() {
            let mut arguments = vec!["run", folder.as_str()];
            arguments.extend(words.iter().flat_map(|word| ["--set", word]));
            let sandboxed = sandbox.run(&arguments, &stream.bytes);
            let mut native = Command::new(env!("CARGO_BIN_EXE_native-label-injector"));
            let native = feed(native.args(words), &stream.bytes).expect("the program starts");
            assert_eq!(sandboxed.code == Some(0), native.code == Some(0), "{}: {}", stream.name, native.stderr);
            assert!(sandboxed.stdout == native.stdout, "{}: not the same bytes", stream.name);
        }
    }
}

/// Streams from this size on need more memory than the default limit in a Go program that holds all objects at once.
const LARGE: usize = 256 << 10;

/// Plugins that Go's compiler and clang made run as they do in Helm's engine, inside the default limits.
#[test]
fn guests_of_other_toolchains_give_the_same_bytes() {
    let Some(go) = needs::peer(peers::HELM_ENGINE) else { return };
    let sandbox = Sandbox::new();
    let cache = sandbox.path().join("wazero");
    for guest in foreign::ALL {
        let Some(module) = needs::foreign(guest) else { return };
        for stream in streams() {
            let what = format!("{} on {}", guest.title(), stream.name);
            let limits: &[&str] = if stream.bytes.len() < LARGE { &[] } else { &["--memory", "512Mi"] };
            let ours = in_windlass(&sandbox, &module, &[], limits, &stream.bytes);
            let in_go = outcome(in_helm_engine(&go, &cache, &module, &[], &stream.bytes));
            same(&what, &ours, "Helm's engine", &in_go);
        }
        let changed = in_windlass(&sandbox, &module, &[], &[], b"kind: A\nmetadata: {}\n").expect("an answer");
        assert!(String::from_utf8_lossy(&changed).contains("seen"), "{} did nothing", guest.title());
    }
}

/// What released Helm sends (helm/helm#31832) cannot be answered; the error says what to do instead.
#[test]
fn the_message_of_released_helm_is_refused_with_advice() {
    let Some(program) = needs::peer(peers::HELM_ENGINE) else { return };
    let mut command = Command::new(program);
    command.args(["-message", "released"]).arg(needs::plugin("label-injector")).arg("labels.team=payments");
    let finished = feed(&mut command, b"kind: A\n").expect("the program starts");
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("plugin error: "), "{}", finished.stderr);
    assert!(finished.stderr.contains("31832"), "{}", finished.stderr);
}

#[test]
fn a_base64_message_is_understood() {
    let Some(program) = needs::peer(peers::HELM_ENGINE) else { return };
    let input = b"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n";
    let run = |message: &str| {
        let mut command = Command::new(&program);
        command.args(["-message", message]).arg(needs::plugin("label-injector")).arg("labels.team=payments");
        feed(&mut command, input).expect("the program starts")
    };
    let (text, base64) = (run("string"), run("base64"));
    assert_eq!(base64.code, Some(0), "{}", base64.stderr);
    assert!(!text.stdout.is_empty() && text.stdout == base64.stdout);
}

/// An error text of the guest reaches the person word for word under Helm's engine, too.
#[test]
fn a_wrong_configuration_says_the_same_everywhere() {
    let Some(program) = needs::peer(peers::HELM_ENGINE) else { return };
    let sandbox = Sandbox::new();
    let input = b"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n";
    let word = "labels.team=not a label";
    let folder = needs::plugin("label-injector").display().to_string();
    let ours = sandbox.run(["run", &folder, "--set", word], input);
    let theirs =
        in_helm_engine(&program, &sandbox.path().join("wazero"), &needs::plugin("label-injector"), &[word], input);
    assert_eq!(ours.code, Some(2), "{}", ours.stderr);
    assert!(ours.stdout.is_empty());
    let text = theirs.stderr.split_once("plugin error: ").map(|(_, text)| text.lines().next().unwrap_or_default());
    let text = text.unwrap_or_else(|| panic!("no plugin error: {}", theirs.stderr));
    assert!(ours.stderr.contains(text), "windlass: {}\nHelm's engine: {text}", ours.stderr);
}

/// Guests of `tests/guests` that would run for ever, take the machine's memory, or wait in the others, and why: what
/// they are about is Windlass's limits. All others have to end alike.
const NOT_RUN: &[(&str, &str)] = &[
    ("loop_", "the others have no limit in start functions and initialisers, and a long one elsewhere"),
    ("sleeps_", "the others sleep"),
    ("endless_", "the others grow until the machine gives no more"),
    ("grow_", "the others grow until the machine gives no more"),
    ("table_grow_", "the others grow until the machine gives no more"),
    ("memory_and_blocks_", "the others grow until the machine gives no more"),
    ("huge_", "the others reserve as much as the machine has"),
    ("many_", "the others reserve as much as the machine has"),
    ("answers_too_much", "the others have no limit, and Windlass has one of this size only when told to"),
];

/// The small guests whose entry all engines know, as modules in `folder`.
fn small_guests(folder: &Path) -> Vec<PathBuf> {
    let stem = |path: &Path| path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned).expect("a file name");
    let mut modules = Vec::new();
    for entry in std::fs::read_dir(xtask::workspace::root().join("tests/guests")).expect("the guests") {
        let path = entry.expect("an entry").path();
        let is_guest = path.extension().is_some_and(|extension| extension == "wat");
        let name = stem(&path);
        if !is_guest || NOT_RUN.iter().any(|(start, _)| name.starts_with(start)) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a guest");
        // Windlass prefers the raw entry, which the others do not know, and has a module of its own; to commands they
        // give no input.
        if !text.contains("windlass_render") && !text.contains("windlass:host/env") && !text.contains("\"_start\"") {
            let module = folder.join(name).with_extension("wasm");
            std::fs::write(&module, wat::parse_str(&text).expect("a module")).expect("a written module");
            modules.push(module);
        }
    }
    modules.sort();
    modules
}

#[test]
fn small_guests_succeed_and_fail_alike() {
    let Some(go) = needs::peer(peers::HELM_ENGINE) else { return };
    let Some(rust) = needs::peer(peers::EXTISM_CRATE) else { return };
    let sandbox = Sandbox::new();
    let input = b"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n";
    let modules = small_guests(sandbox.path());
    assert!(modules.len() > 25, "only {} guests", modules.len());
    for module in modules {
        let what = module.display().to_string();
        let ours = in_windlass(&sandbox, &module, &[], &[], input);
        let in_go = outcome(in_helm_engine(&go, &sandbox.path().join("wazero"), &module, &[], input));
        same(&what, &ours, "Helm's engine", &in_go);
        // The crate looks at the code alone; Helm's engine, which counts, at the error text as well.
        if !module.ends_with("error_with_code_0.wasm") {
            same(&what, &ours, "the extism crate", &in_extism_crate(&rust, &module, &[], &[input])[0]);
        }
    }
}

/// What the kernel's functions answer, call by call: a guest writes the numbers into its output.
#[test]
fn the_kernel_answers_alike() {
    let Some(go) = needs::peer(peers::HELM_ENGINE) else { return };
    let Some(rust) = needs::peer(peers::EXTISM_CRATE) else { return };
    let sandbox = Sandbox::new();
    let text = |at: u32| format!("(call $text (i32.const {at}) (i64.const 8))");
    // At 0 a key that the configuration lacks; at 8 and 16 variables.
    let (missing, variable, value) = (text(0), text(8), text(16));
    let mut questions: Vec<String> = [
        "(call $input_length)",
        "(i64.extend_i32_u (call $input_load_u8 (i64.const 0)))",
        // The keys of the message need not come in one order: its first two bytes are `{` and a quote.
        "(i64.and (call $input_load_u64 (i64.const 0)) (i64.const 0xffff))",
        "(i64.extend_i32_u (call $input_load_u8 (i64.sub (call $input_length) (i64.const 1))))",
        "(i64.extend_i32_u (call $input_load_u8 (call $input_length)))",
        "(call $input_load_u64 (call $input_length))",
        "(call $length (i64.const 0))",
        "(call $length (call $alloc (i64.const 24)))",
        "(call $length (call $alloc (i64.const 1)))",
        "(call $length_unsafe (call $alloc (i64.const 24)))",
        "(call $alloc (i64.const 0))",
        "(call $error_get)",
    ]
    .map(str::to_owned)
    .to_vec();
    questions.push(format!("(call $config_get {missing})"));
    questions.push(format!("(call $var_get {missing})"));
    questions.push(format!("(call $load_u64 {value})"));
    questions.push(format!("(i64.extend_i32_u (call $load_u8 {value}))"));
    questions.push(format!("(call $var_set {variable} {value}) (call $length (call $var_get {variable}))"));
    questions.push(format!("(call $load_u64 (call $var_get {variable}))"));
    questions.push(format!("(call $var_set {variable} (i64.const 0)) (call $var_get {variable})"));
    sandbox.write("asker/plugin.wasm", wat::parse_str(asker(&questions)).expect("a module"));
    // Helm gives no variables to a plugin that does not ask for room for them.
    let yaml = "apiVersion: v1\nname: asker\ntype: postrenderer/v1\nversion: 1.0.0\nruntime: extism/v1\nruntimeConfig:\n  \
                memory: {maxVarBytes: 1048576}\n";
    let module = sandbox.write("asker/plugin.yaml", yaml).with_file_name("");
    let input = b"kind: A\nname: some text\n";
    let ours = in_windlass(&sandbox, &module, &[], &[], input);
    let shown = |outcome: &Outcome| match outcome {
        Ok(bytes) => String::from_utf8_lossy(bytes).replace('-', "\n"),
        Err(error) => error.clone(),
    };
    assert!(ours.is_ok(), "{}", shown(&ours));
    let in_go = outcome(in_helm_engine(&go, &sandbox.path().join("wazero"), &module, &[], input));
    assert_eq!(shown(&ours), shown(&in_go), "Helm's engine");
    let in_rust = in_extism_crate(&rust, &module, &[], &[input]).remove(0);
    assert_eq!(shown(&ours), shown(&in_rust), "the extism crate");
}

/// A guest that answers with the values of expressions, as hexadecimal digits.
fn asker(questions: &[String]) -> String {
    let asked: String = questions.iter().map(|question| format!("(call $write {question})\n")).collect();
    let imports: String = [
        ("alloc", "(param i64) (result i64)"),
        ("length", "(param i64) (result i64)"),
        ("length_unsafe", "(param i64) (result i64)"),
        ("load_u8", "(param i64) (result i32)"),
        ("load_u64", "(param i64) (result i64)"),
        ("store_u8", "(param i64 i32)"),
        ("input_length", "(result i64)"),
        ("input_load_u8", "(param i64) (result i32)"),
        ("input_load_u64", "(param i64) (result i64)"),
        ("output_set", "(param i64 i64)"),
        ("error_get", "(result i64)"),
        ("config_get", "(param i64) (result i64)"),
        ("var_get", "(param i64) (result i64)"),
        ("var_set", "(param i64 i64)"),
    ]
    .map(|(name, signature)| format!("(import \"extism:host/env\" \"{name}\" (func ${name} {signature}))\n"))
    .concat();
    format!(
        r#"(module
          {imports}
          (memory (export "memory") 2)
          (data (i32.const 0) "missing!variablea value!0123456789abcdef")
          (data (i32.const 1024) "{{\22manifests\22: \22kind: A\5cnanswers: x")
          (global $end (mut i32) (i32.const 1058))
          (func $put (param i32)
            (i32.store8 (global.get $end) (local.get 0))
            (global.set $end (i32.add (global.get $end) (i32.const 1))))
          (func $write (param $value i64)
            (local $shift i64)
            (call $put (i32.const 45))
            (local.set $shift (i64.const 60))
            (loop $digits
              (call $put (i32.load8_u (i32.add (i32.const 24)
                (i32.wrap_i64 (i64.and (i64.shr_u (local.get $value) (local.get $shift)) (i64.const 15))))))
              (local.set $shift (i64.sub (local.get $shift) (i64.const 4)))
              (br_if $digits (i64.ge_s (local.get $shift) (i64.const 0)))))
          (func $text (param $from i32) (param $length i64) (result i64)
            (local $block i64) (local $at i64)
            (local.set $block (call $alloc (local.get $length)))
            (loop $copy
              (call $store_u8 (i64.add (local.get $block) (local.get $at))
                (i32.load8_u (i32.add (local.get $from) (i32.wrap_i64 (local.get $at)))))
              (local.set $at (i64.add (local.get $at) (i64.const 1)))
              (br_if $copy (i64.lt_u (local.get $at) (local.get $length))))
            (local.get $block))
          (func (export "helm_plugin_main") (result i32)
            (local $length i64)
            {asked}
            (call $put (i32.const 34))
            (call $put (i32.const 125))
            (local.set $length (i64.extend_i32_u (i32.sub (global.get $end) (i32.const 1024))))
            (call $output_set (call $text (i32.const 1024) (local.get $length)) (local.get $length))
            (i32.const 0)))"#
    )
}
