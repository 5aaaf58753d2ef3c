//! How many WebAssembly instructions a plugin spends on fixed streams, and how much memory it takes, against the budget
//! in `host/tests/budget.json`. Unlike a clock, both are the same on every machine and under every load, so a slow-down
//! is seen the day it is made. `WINDLASS_BLESS=1` writes today's figures into the budget.

#![allow(clippy::disallowed_methods, reason = "tests read what they wrote")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use wasmtime::{Config, Engine, Linker, Module, OptLevel, Store};
use xtask::bench::synthetic;

/// How far above its budget a figure may be, in hundredths: what the compiler makes of the same work differs a little
/// from change to change.
const MARGIN: u64 = 110;

/// A plugin, and its configuration as extra arguments (a JSON list).
const PLUGINS: &[(&str, &str)] = &[
    ("label-injector", r#"["labels.team=payments"]"#),
    (
        "sidecar-injector",
        r#"["containers[0].name=log-shipper","containers[0].image=ghcr.io/example/log-shipper:1.10"]"#,
    ),
    ("kstatus", "[]"),
];

/// What a run spent.
struct Spent {
    instructions: u64,
    memory_kib: u64,
}

/// The raw entry of a plugin, ready to be run and counted.
struct Counter {
    engine: Engine,
    module: Module,
}

impl Counter {
    fn new(wasm: &Path) -> Self {
        let mut config = Config::new();
        config.consume_fuel(true).cranelift_opt_level(OptLevel::None);
        let engine = Engine::new(&config).expect("an engine");
        let module = Module::from_file(&engine, wasm).expect("a module");
        Self { engine, module }
    }

    /// The host's functions answer 0 to everything: no configuration, no variables, no log; what the plugin needs to
    /// know comes as extra arguments.
    fn run(&self, args: &str, stream: &[u8]) -> Spent {
        const FUEL: u64 = u64::MAX / 2;
        let mut store = Store::new(&self.engine, ());
        store.set_fuel(FUEL).expect("fuel");
        let mut linker = Linker::new(&self.engine);
        linker.define_unknown_imports_as_default_values(&mut store, &self.module).expect("imports");
        let instance = linker.instantiate(&mut store, &self.module).expect("an instance");
        let memory = instance.get_memory(&mut store, "memory").expect("a memory");
        let alloc = instance.get_typed_func::<i32, i32>(&mut store, "windlass_alloc").expect("the allocator");
        let render =
            instance.get_typed_func::<(i32, i32, i32, i32), i64>(&mut store, "windlass_render").expect("the raw entry");
        let mut hand_over = |bytes: &[u8]| {
            let length = i32::try_from(bytes.len()).expect("a small stream");
            let pointer = alloc.call(&mut store, length).expect("memory");
            memory.write(&mut store, usize::try_from(pointer).expect("a pointer"), bytes).expect("room");
            (pointer, length)
        };
        let (stream, stream_length) = hand_over(stream);
        let (args, args_length) = hand_over(args.as_bytes());
        let answer = render.call(&mut store, (stream, stream_length, args, args_length)).expect("no trap");
        assert!(answer >= 0, "the plugin takes the stream: {answer}");
        Spent {
            instructions: FUEL - store.get_fuel().expect("fuel"),
            memory_kib: memory.data_size(&store) as u64 / 1024,
        }
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn instructions_and_memory_stay_within_the_budget() {
    let mut inputs =
        vec![("10 objects".to_owned(), synthetic::objects(10)), ("760 objects".to_owned(), synthetic::objects(760))];
    for helm in ["helm3", "helm4"] {
        let recorded = workspace().join("tests/streams").join(helm).join("awkward.yaml");
        inputs.push((format!("{helm}/awkward"), std::fs::read(recorded).expect("a recorded stream")));
    }
    let target = workspace().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
    let mut spent = Vec::new();
    for (plugin, args) in PLUGINS {
        let wasm = target.join("plugins").join(plugin).join("plugin.wasm");
        if !wasm.is_file() && std::env::var_os("CI").is_none() {
            eprintln!("skipped: {plugin} is not built (`cargo xtask build --plugins`)");
            return;
        }
        let counter = Counter::new(&wasm);
        for (name, stream) in &inputs {
            spent.push((format!("{plugin} on {name}"), counter.run(args, stream)));
        }
    }
    let path = workspace().join("host/tests/budget.json");
    if std::env::var_os("WINDLASS_BLESS").is_some_and(|value| value == "1") {
        let budget: Map<String, Value> = spent
            .into_iter()
            .map(|(run, spent)| (run, json!({"instructions": spent.instructions, "memoryKiB": spent.memory_kib})))
            .collect();
        let text = serde_json::to_string_pretty(&budget).expect("JSON") + "\n";
        std::fs::write(&path, text).expect("a written budget");
        return;
    }
    let budget: Value = serde_json::from_slice(&std::fs::read(&path).expect("a budget")).expect("JSON");
    let mut table = String::new();
    let mut is_exceeded = false;
    for (run, spent) in &spent {
        for (unit, count) in [("instructions", spent.instructions), ("memoryKiB", spent.memory_kib)] {
            let allowed = budget[run][unit].as_u64().unwrap_or(0);
            let is_over = count > allowed.saturating_mul(MARGIN) / 100;
            is_exceeded |= is_over;
            let change = (count as f64 / allowed as f64 - 1.0) * 100.0;
            let verdict = if is_over { "  TOO MUCH" } else { "" };
            // Writing into a string cannot fail.
            let _ = writeln!(table, "{run:<36} {unit:<13} {count:>12}, budget {allowed:>12} {change:>+7.1} %{verdict}");
        }
    }
    assert!(!is_exceeded, "a plugin costs more than its budget:\n{table}\nif it is worth it: WINDLASS_BLESS=1");
    println!("{table}");
}

/// The most page faults of a warm run on 10 KB. Each costs more than a microsecond, and they are what a copy too many
/// of the code, or a larger program, shows in first. A thousand before code was run where it was read to.
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
const MOST_PAGE_FAULTS: i64 = 900;

/// The most words of the program that the loader has to change before it starts: each page of them is copied.
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
const MOST_RELOCATIONS: usize = 60_000;

#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
#[test]
fn a_warm_run_touches_few_pages() {
    let program = std::fs::read(env!("CARGO_BIN_EXE_windlass")).expect("the program");
    let relocations = relocations(&program).expect("an ELF file");
    assert!(relocations <= MOST_RELOCATIONS, "{relocations} relocations, {MOST_RELOCATIONS} at most");
    // Built without optimisation, the program is another one.
    if cfg!(debug_assertions) {
        return;
    }
    let target = workspace().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
    let wasm = target.join("plugins/label-injector/plugin.wasm");
    if !wasm.is_file() && std::env::var_os("CI").is_none() {
        eprintln!("skipped: label-injector is not built (`cargo xtask build --plugins`)");
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let stream = place.path().join("stream.yaml");
    std::fs::write(&stream, synthetic::bytes(10_000)).expect("a stream");
    let run = || {
        let before = faults_of_children();
        let status = std::process::Command::new(env!("CARGO_BIN_EXE_windlass"))
            .args(["run".as_ref(), wasm.as_os_str(), "--set".as_ref(), "labels.team=payments".as_ref()])
            .env("WINDLASS_CACHE_DIR", place.path().join("cache"))
            .env("XDG_STATE_HOME", place.path().join("state"))
            .stdin(std::fs::File::open(&stream).expect("the stream"))
            .stdout(std::process::Stdio::null())
            .status()
            .expect("the program starts");
        assert!(status.success(), "{status}");
        faults_of_children() - before
    };
    run();
    // What else the machine does may add some, and never takes one away.
    let faults = (0..5).map(|_| run()).min().unwrap_or_default();
    println!("{faults} page faults, {relocations} relocations");
    assert!(faults <= MOST_PAGE_FAULTS, "{faults} page faults, {MOST_PAGE_FAULTS} at most");
}

#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
fn faults_of_children() -> i64 {
    // SAFETY: the call fills the place, which is of the type that it takes; it is plain numbers, for which zeros are
    // valid.
    #[allow(unsafe_code)] // no safe library hands out what children used
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    usage.ru_minflt
}

/// How many entries of 24 bytes the sections of relocations (`SHT_RELA`) of a 64-bit ELF file have.
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
fn relocations(elf: &[u8]) -> Option<usize> {
    const SHT_RELA: u64 = 4;
    let number = |at: usize, length: usize| -> Option<u64> {
        Some(elf.get(at..at + length)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let (table, size, count) = (number(0x28, 8)? as usize, number(0x3a, 2)? as usize, number(0x3c, 2)? as usize);
    let mut bytes = 0;
    for section in (0..count).map(|index| table + index * size) {
        if number(section + 4, 4)? == SHT_RELA {
            bytes += number(section + 0x20, 8)? as usize;
        }
    }
    Some(bytes / 24)
}
