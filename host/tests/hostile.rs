//! Guests that attack: each ends in bounded time and memory, with the right exit code and a clear message, and neither
//! the host nor the next plugin is harmed.
//!
//! Most guests are files in `tests/guests`: comments at the top say what must happen. `;; exit 4: TEXT` is the exit code
//! and a part of the message; `;; hint: TEXT` a part of a hint; `;; timeout:`, `;; memory:`, `;; max-output:` and
//! `;; grant: WORD VALUE` are what the run is given.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use windlass::compile::child::Compiler;
use windlass::error::Error;
use windlass::grants::Grants;
use windlass::limits::{Limits, parse_duration};
use windlass::render::{self, CodeCache, Event, RenderOptions, Rendered, Step};
use windlass::source::PluginRef;
use windlass_abi::capabilities::Capability;
use windlass_abi::raw::{EXTISM_MODULE, WINDLASS_MODULE};

const STREAM: &[u8] = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

/// A guest that hands its input back, copied through its own memory.
const HONEST: &str = r#"(module
  (memory (export "memory") 2)
  (func (export "windlass_alloc") (param i32) (result i32) i32.const 1024)
  (func (export "windlass_render") (param i32 i32 i32 i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1)))))"#;

/// A folder for guests and the cache, gone when it is dropped.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn guest(&self, name: &str, wasm: &[u8]) -> Step {
        let path = self.folder.path().join(format!("{name}.wasm"));
        std::fs::write(&path, wasm).unwrap();
        let plugin = render::open(&PluginRef::Path(path)).unwrap();
        Step {
            plugin,
            config: Vec::new(),
            extra_args: Vec::new(),
            grants: Grants::default(),
            limits: Limits::default(),
        }
    }

    fn text_guest(&self, name: &str, text: &str) -> Step {
        self.guest(name, &wat::parse_str(text).unwrap_or_else(|error| panic!("{name}: {error}")))
    }

    fn render(&self, steps: &[Step], stream: &[u8]) -> Result<Rendered, Error> {
        let on_event = |_: Event<'_>| {};
        let cache = CodeCache::On { folder: self.folder.path().join("cache"), state: self.folder.path().join("state") };
        let mut options = RenderOptions::new(cache, &on_event);
        options.compiler = Compiler::program(env!("CARGO_BIN_EXE_windlass"));
        render::render(steps, stream.to_vec(), &options)
    }

    /// The next run in this process must be as good as any.
    fn assert_unharmed(&self) {
        let honest = self.text_guest("honest", HONEST);
        let rendered = self.render(&[honest], STREAM).unwrap();
        assert_eq!((rendered.stream.as_slice(), rendered.changed), (STREAM, false));
    }
}

/// What a guest's comments say.
#[derive(Default)]
struct Expectation {
    exit: u8,
    says: String,
    hint: String,
    limits: Limits,
    grants: Grants,
}

impl Expectation {
    fn read(text: &str) -> Self {
        let mut expectation = Self::default();
        for line in text.lines().map_while(|line| line.strip_prefix(";; ")) {
            let Some((key, value)) = line.split_once(':').map(|(key, value)| (key, value.trim())) else {
                continue;
            };
            match key.split_whitespace().collect::<Vec<_>>().as_slice() {
                ["exit", code] => (expectation.exit, expectation.says) = (code.parse().unwrap(), value.to_owned()),
                ["hint"] => value.clone_into(&mut expectation.hint),
                ["timeout"] => expectation.limits.timeout = parse_duration(value).unwrap(),
                ["memory"] => expectation.limits.memory = Some(value.parse().unwrap()),
                ["max-output"] => expectation.limits.max_output = value.parse().unwrap(),
                ["grant"] => {
                    let (word, value) = value.split_once(' ').unwrap_or((value, ""));
                    expectation.grants.allow(Capability::from_word(word).unwrap(), value).unwrap();
                }
                _ => {}
            }
        }
        expectation
    }
}

#[track_caller]
fn check(name: &str, result: Result<Rendered, Error>, exit: u8, says: &str, hint: &str) {
    match result {
        Ok(rendered) => {
            assert_eq!(exit, 0, "{name} succeeded: {}", String::from_utf8_lossy(&rendered.stream));
        }
        Err(error) => {
            assert_eq!(error.exit_code().code(), exit, "{name}: {error}\n{:?}", error.detail_text());
            assert!(error.to_string().contains(says), "{name}: `{error}` does not say `{says}`");
            let hints = error.hints().join("\n");
            assert!(hints.contains(hint), "{name}: `{hints}` does not say `{hint}`");
            assert_eq!(error.plugin(), Some(name), "the error names its plugin");
        }
    }
}

fn guests() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/guests");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "wat"));
    files.sort();
    assert!(files.len() > 50, "the guests are not where they were");
    files
}

#[test]
fn every_guest_ends_as_its_comments_say() {
    let place = Place::new();
    for file in guests() {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let expected = Expectation::read(&text);
        assert!(text.contains(";; exit "), "{name} does not say what must happen");
        let mut step = place.text_guest(name, &text);
        step.limits = expected.limits.clone();
        step.grants = expected.grants.clone();
        let started = Instant::now();
        let result = place.render(&[step], STREAM);
        // Generous: the machine may be busy, and a hang would be for ever.
        assert!(started.elapsed() < expected.limits.timeout + Duration::from_secs(20), "{name} took too long");
        check(name, result, expected.exit, &expected.says, &expected.hint);
        place.assert_unharmed();
    }
}

/// Every function that takes an offset or a length gets every forged one.
#[test]
fn forged_offsets_at_every_host_function() {
    let place = Place::new();
    // `$block` is 24 bytes long, `$freed` was a block; 18 is the middle of a word, 2^32 wraps in 32 bits.
    let values = [
        "(i64.const 0)",
        "(i64.const 1)",
        "(i64.const -1)",
        "(i64.const -8)",
        "(i64.const 0xffffffff)",
        "(i64.const 0x100000000)",
        "(i64.const 0x7fffffffffffffff)",
        "(i64.sub (local.get $block) (i64.const 1))",
        "(local.get $block)",
        "(i64.add (local.get $block) (i64.const 18))",
        "(i64.add (local.get $block) (i64.const 23))",
        "(i64.add (local.get $block) (i64.const 24))",
        "(i64.add (local.get $block) (i64.const 25))",
        "(i64.add (local.get $block) (i64.const 0x100000000))",
        "(local.get $freed)",
    ];
    let functions: [(&str, &str, &str); 25] = [
        ("alloc", "(param i64) (result i64)", "(drop (call $f V))"),
        ("free", "(param i64)", "(call $f V)"),
        ("length", "(param i64) (result i64)", "(drop (call $f V))"),
        ("length_unsafe", "(param i64) (result i64)", "(drop (call $f V))"),
        ("load_u8", "(param i64) (result i32)", "(drop (call $f V))"),
        ("load_u64", "(param i64) (result i64)", "(drop (call $f V))"),
        ("store_u8", "(param i64 i32)", "(call $f V (i32.const -1))"),
        ("store_u64", "(param i64 i64)", "(call $f V (i64.const -1))"),
        ("input_load_u8", "(param i64) (result i32)", "(drop (call $f V))"),
        ("input_load_u64", "(param i64) (result i64)", "(drop (call $f V))"),
        ("output_set", "(param i64 i64)", "(call $f V (i64.const 24))"),
        ("output_set", "(param i64 i64)", "(call $f (local.get $block) V)"),
        ("error_set", "(param i64)", "(call $f V)"),
        ("config_get", "(param i64) (result i64)", "(drop (call $f V))"),
        ("var_get", "(param i64) (result i64)", "(drop (call $f V))"),
        ("var_set", "(param i64 i64)", "(call $f V (local.get $block))"),
        ("var_set", "(param i64 i64)", "(call $f (local.get $block) V)"),
        ("log_info", "(param i64)", "(call $f V)"),
        ("log_trace", "(param i64)", "(call $f V)"),
        ("http_request", "(param i64 i64) (result i64)", "(drop (call $f V (i64.const 0)))"),
        ("http_request", "(param i64 i64) (result i64)", "(drop (call $f (local.get $block) V))"),
        ("kube_get", "(param i64 i64) (result i64)", "(drop (call $f V (local.get $block)))"),
        ("kube_get", "(param i64 i64) (result i64)", "(drop (call $f (local.get $block) V))"),
        ("kube_list", "(param i64 i64) (result i64)", "(drop (call $f V (i64.const 0)))"),
        ("kube_list", "(param i64 i64) (result i64)", "(drop (call $f (local.get $block) V))"),
    ];
    for (function, signature, call) in functions {
        let module = Capability::of_import(WINDLASS_MODULE, function).map_or(EXTISM_MODULE, |_| WINDLASS_MODULE);
        for value in values {
            let text = format!(
                r#"(module
                  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
                  (import "extism:host/env" "free" (func $free (param i64)))
                  (import "{module}" "{function}" (func $f {signature}))
                  (func (export "helm_plugin_main") (result i32)
                    (local $block i64) (local $freed i64)
                    (local.set $freed (call $alloc (i64.const 24)))
                    (call $free (local.get $freed))
                    (local.set $block (call $alloc (i64.const 24)))
                    {}
                    i32.const 7))"#,
                call.replace('V', value)
            );
            let mut step = place.text_guest("forger", &text);
            step.grants.allow(Capability::Net, "registry.example").unwrap();
            step.grants.allow(Capability::Kube, "get:pods.v1").unwrap();
            step.grants.allow(Capability::Kube, "list:pods.v1").unwrap();
            let error = place.render(&[step], STREAM).map(|_| ()).unwrap_err();
            // It goes on and says no, is stopped for misuse, or asks for more memory than it may have.
            let said = error.to_string();
            let is_fine = match error.exit_code().code() {
                // The block itself, set as the error, is shown as text.
                1 => {
                    ["failed with code 7", "in no block of its own", "http_request", "the plugin wants to", "\u{fffd}"]
                        .iter()
                        .any(|part| said.contains(part))
                }
                4 => said.contains("of memory"),
                _ => false,
            };
            assert!(is_fine, "{function} {value}: {error}");
        }
    }
    place.assert_unharmed();
}

#[test]
fn one_attacker_spoils_the_whole_chain_and_nothing_of_it_is_kept() {
    let place = Place::new();
    let honest = place.text_guest("honest", HONEST);
    let attacker =
        place.text_guest("attacker", r#"(module (func (export "helm_plugin_main") (result i32) unreachable))"#);
    for chain in [[honest.clone(), attacker.clone()], [attacker.clone(), honest.clone()]] {
        check("attacker", place.render(&chain, STREAM), 1, "it crashed", "");
    }
    place.assert_unharmed();
}

/// The one entry of the cache.
fn cache_entry(place: &Place) -> PathBuf {
    let mut entries = std::fs::read_dir(place.folder.path().join("cache/code")).unwrap();
    let entry = entries.next().unwrap().unwrap().path();
    assert!(entries.next().is_none(), "there is more than one entry, or a temporary file was left");
    entry
}

#[test]
fn runs_that_race_for_a_cold_cache_all_succeed() {
    let place = Place::new();
    let honest = place.text_guest("honest", HONEST);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(place.render(std::slice::from_ref(&honest), STREAM).is_ok()));
        }
    });
    cache_entry(&place);
}

#[test]
fn a_spoilt_cache_entry_is_made_anew_and_never_run() {
    let place = Place::new();
    place.assert_unharmed();
    let entry = cache_entry(&place);
    let good = std::fs::read(&entry).unwrap();
    let middle = good.len() / 2;
    let mut flipped = good.clone();
    flipped[middle] ^= 1;
    for spoilt in [flipped, good[..middle].to_vec(), Vec::new(), b"\x7fELF".repeat(1000)] {
        std::fs::write(&entry, spoilt).unwrap();
        place.assert_unharmed();
        let healed = std::fs::read(cache_entry(&place)).unwrap();
        assert_eq!(healed.len(), good.len());
    }
}

#[test]
fn a_thousand_runs_leave_nothing_behind() {
    let place = Place::new();
    let honest = place.text_guest("honest", HONEST);
    let hungry = place.text_guest(
        "hungry",
        r#"(module (memory 160) (func (export "helm_plugin_main") (result i32)
            (memory.fill (i32.const 0) (i32.const 1) (i32.const 10485760)) unreachable))"#,
    );
    let run = |times: usize| {
        for _ in 0..times {
            assert!(place.render(std::slice::from_ref(&honest), STREAM).is_ok());
            assert!(place.render(std::slice::from_ref(&hungry), STREAM).is_err());
        }
    };
    run(50);
    let (memory, threads, files) = footprint();
    run(500);
    let (memory_after, threads_after, files_after) = footprint();
    // Other tests of this binary run beside this one, so the margins are theirs; a leak would be gigabytes.
    assert!(memory_after < memory + (400 << 20), "from {memory} to {memory_after} bytes");
    assert!(threads_after < threads + 20, "from {threads} to {threads_after} threads");
    assert!(files_after < files + 40, "from {files} to {files_after} open files");
}

/// Resident bytes, threads and open files of this process.
fn footprint() -> (u64, u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let field = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let files = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    (field("VmRSS:") * 1024, field("Threads:"), files)
}

mod bombs {
    //! Modules that are small to carry and dear to compile. The child's limits end what does not end by itself.

    use super::*;

    /// Compiles and runs `wasm`: it fails, is refused as invalid, or hits a limit; and that within minutes on a busy
    /// machine.
    fn defused(name: &str, wasm: &[u8]) {
        let place = Place::new();
        let step = place.guest(name, wasm);
        let started = Instant::now();
        let result = place.render(&[step], STREAM);
        let took = started.elapsed();
        if let Err(error) = &result {
            assert!(matches!(error.exit_code().code(), 1..=4), "{name}: {error}\n{:?}", error.detail_text());
        }
        let said = result.map_or_else(|error| error.to_string(), |_| "ran".to_owned());
        assert!(took < Duration::from_secs(150), "{name} took {took:?}: {said}");
        assert!(said.len() < 2000, "{name} says too much");
        place.assert_unharmed();
    }

    fn leb(mut number: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let byte = (number & 0x7f) as u8;
            number >>= 7;
            if number == 0 {
                bytes.push(byte);
                return bytes;
            }
            bytes.push(byte | 0x80);
        }
    }

    fn section(id: u8, body: &[u8]) -> Vec<u8> {
        [&[id], leb(body.len()).as_slice(), body].concat()
    }

    /// A module with `count` functions of the same `body` (locals and code), the first of which is the entry.
    fn functions(count: usize, body: &[u8]) -> Vec<u8> {
        let name = b"helm_plugin_main";
        let entry = [leb(1), leb(name.len()), name.to_vec(), vec![0, 0]].concat();
        let function = [leb(body.len()), body.to_vec()].concat();
        [
            b"\0asm\x01\0\0\0".to_vec(),
            section(1, &[1, 0x60, 0, 1, 0x7f]),
            section(3, &[leb(count), vec![0; count]].concat()),
            section(7, &entry),
            section(10, &[leb(count), function.repeat(count)].concat()),
        ]
        .concat()
    }

    #[test]
    fn a_million_functions() {
        defused("million", &functions(1_000_000, &[0, 0x41, 7, 0x0b]));
        defused("more-than-a-million", &functions(1_000_001, &[0, 0x41, 7, 0x0b]));
    }

    #[test]
    fn huge_bodies() {
        // i32.const 1; drop, again and again.
        let straight = [&[0][..], &[0x41, 1, 0x1a].repeat(2_000_000), &[0x41, 7, 0x0b]].concat();
        defused("straight", &functions(1, &straight));
        // Thousands of branches out of one block to one place: what made a compiler take gigabytes.
        let branches = [&[0, 0x02, 0x40][..], &[0x41, 0, 0x0d, 0].repeat(100_000), &[0x0b, 0x41, 7, 0x0b]].concat();
        defused("branches", &functions(1, &branches));
    }

    #[test]
    fn many_locals_in_many_functions() {
        // 50,000 locals of 128 bits, each function touching a few: small in bytes, large in the compiler.
        let body = [&[1][..], &leb(50_000), &[0x7b, 0x20], &leb(49_999), &[0x1a, 0x41, 7, 0x0b]].concat();
        defused("locals", &functions(5_000, &body));
    }

    #[test]
    fn deep_nesting() {
        let depth = 500_000;
        let body = [&[0][..], &[0x02, 0x40].repeat(depth), &vec![0x0b; depth], &[0x41, 7, 0x0b]].concat();
        defused("nesting", &functions(1, &body));
    }

    #[test]
    fn a_huge_branch_table() {
        let targets = 60_000;
        let body = [&[0, 0x02, 0x40, 0x41, 0, 0x0e][..], &leb(targets), &vec![0; targets + 1], &[0x0b, 0x41, 7, 0x0b]]
            .concat();
        defused("table", &functions(40, &body));
    }

    #[test]
    fn huge_names_and_sections() {
        let long = "x".repeat(90_000);
        let text = format!(
            r#"(module (import "{long}" "{long}" (func)) (func (export "helm_plugin_main") (result i32) i32.const 7)
               (func (export "{long}")))"#
        );
        defused("names", &wat::parse_str(text).unwrap());
        let mut wasm = functions(1, &[0, 0x41, 7, 0x0b]);
        wasm.extend(section(0, &[&leb(4), b"junk".as_slice(), &vec![0; 30 << 20]].concat()));
        defused("section", &wasm);
        // A section that says it is four gigabytes long, and a vector that says it has four billion entries.
        defused("lying-section", b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\x0f");
        defused("lying-count", b"\0asm\x01\0\0\0\x01\x05\xff\xff\xff\xff\x0f");
        defused("lying-locals", &functions(1, &[1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7b, 0x41, 7, 0x0b]));
    }

    #[test]
    fn huge_initial_data() {
        let data = format!(
            r#"(module (memory 1000) (func (export "helm_plugin_main") (result i32) i32.const 7) {})"#,
            (0..500)
                .map(|at| format!("(data (i32.const {}) \"{}\")", at * 65536, "y".repeat(20_000)))
                .collect::<String>()
        );
        defused("data", &wat::parse_str(data).unwrap());
    }
}
