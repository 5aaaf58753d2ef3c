//! Guests that attack: each ends in bounded time and memory, with the right exit code and a clear message, and neither
//! the host nor the next plugin is harmed.
//!
//! Most guests are files in `tests/guests`: comments at the top say what must happen. `;; exit 4: TEXT` is the exit
//! code and a part of the message; `;; hint: TEXT` a part of a hint; `;; timeout:`, `;; memory:`, `;; max-output:` and
//! `;; grant: WORD VALUE` are what the run is given.
//!
//! `calls.rs` makes every host function meet every forged value, and random sequences of calls; `bombs.rs` has what is
//! small to carry and dear to compile; `place.rs` is where they all run.

#![allow(clippy::disallowed_methods, reason = "tests read what they wrote")]

mod bombs;
mod calls;
mod place;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use windlass::error::Error;
use windlass::limits::parse_duration;
use windlass::render::Rendered;
use windlass::sandbox::grants::Grants;
use windlass::sandbox::limits::Limits;
use windlass_abi::capabilities::Capability;

use place::{HONEST, Place, STREAM};

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
        assert!(started.elapsed() < expected.limits.timeout + Duration::from_secs(300), "{name} took too long");
        check(name, result, expected.exit, &expected.says, &expected.hint);
        place.assert_unharmed();
    }
}

/// What is no module of WebAssembly 2.0 is refused before anything of it is compiled, in words that say what it is.
#[test]
fn other_forms_of_code_are_no_plugins() {
    let place = Place::new();
    place.assert_unharmed();
    let module = wat::parse_str(r#"(module (func (export "helm_plugin_main") (result i32) i32.const 0))"#).unwrap();
    // Code that this very Windlass compiled and would load from its cache.
    let compiled = std::fs::read(cache_entry(&place)).unwrap();
    for (name, bytes, says) in [
        ("component", b"\0asm\x0d\0\x01\0".to_vec(), "component"),
        ("text", b"(module (func (export \"helm_plugin_main\")))".to_vec(), "text format"),
        ("machine-code", b"\x7fELF\x02\x01\x01\0".repeat(100), "ahead of time"),
        ("cache-entry", compiled, "not a WebAssembly module"),
        ("empty", Vec::new(), "empty"),
        ("header", b"\0asm\x01\0\0\0".to_vec(), "helm_plugin_main"),
    ] {
        check(name, place.render(&[place.guest(name, &bytes)], STREAM), 2, says, "");
    }
    for length in 1..module.len() {
        let error = place.render(&[place.guest("truncated", &module[..length])], STREAM).map(|_| ()).unwrap_err();
        assert_eq!(error.exit_code().code(), 2, "{length} bytes: {error}");
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
