//! What the fuzz targets share: seeds, mutations, and the loop.
//!
//! Here are the targets that need the manifest library alone; those of the host's formats are `host/tests/fuzz.rs`, and the
//! sandbox's functions are tried by `host/tests/hostile/calls.rs`. `cargo xtask fuzz` runs all of them.
//!
//! Each target is a program `fuzz/src/bin/NAME.rs` that takes a number of seconds and ends with an error when it finds
//! something; the input is then in the message and should become a seed in `fuzz/seeds/NAME` or a case of the crate's
//! own tests. Mutations know a little YAML (lines, indentation, indicators), as blind ones rarely get past a parser.
//! No nightly toolchain and no instrumentation are needed; `cargo xtask fuzz TARGET SECONDS` runs one longer.

mod mutation;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

pub use mutation::{Random, mutate, mutate_bytes};

/// Documents to start from: `fuzz/seeds/NAME`, the manifest crate's own, and real charts where they are.
pub fn seeds(name: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in [root.join("seeds").join(name), root.join("../pdk/manifest/tests")] {
        files_below(&folder, &mut found);
    }
    if let Some(folder) = root.ancestors().map(|folder| folder.join("shared/corpus")).find(|folder| folder.is_dir()) {
        files_below(&folder, &mut found);
    }
    let mut documents = Vec::new();
    for stream in &found {
        let mut start = 0;
        for (at, _) in stream.match_indices("\n---").map(|(at, _)| (at + 1, ())).chain([(stream.len(), ())]) {
            documents.push(stream[start..at].to_owned());
            start = at;
        }
    }
    documents.retain(|document| !document.is_empty() && document.len() < 8_000);
    documents
}

fn files_below(folder: &Path, found: &mut Vec<String>) {
    let mut paths: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.extend(fs::read_to_string(path));
        }
    }
}

/// Up to this length a run repeats the same inputs.
const SHORT_ROUND_SECONDS: u64 = 10;

/// The loop of a target: mutates seeds for as many seconds as the first argument says (5 without one), each round from a
/// seed of its own that the message of a finding names.
pub fn run(name: &str, check: impl Fn(&str, &mut Random) -> Result<(), String>) -> ExitCode {
    let seconds = std::env::args().nth(1).and_then(|argument| argument.parse().ok()).unwrap_or(5);
    let documents = seeds(name);
    let until = Instant::now() + Duration::from_secs(seconds);
    // A short round, as in the test command, has the same inputs each time; a longer one has others each time.
    let base = match std::env::var("WINDLASS_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => seed,
        None if seconds <= SHORT_ROUND_SECONDS => 1,
        None => std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |since| since.as_secs()),
    };
    let mut rounds: u64 = 0;
    while Instant::now() < until {
        for _ in 0..64 {
            rounds += 1;
            let mut random = Random::new(base.wrapping_add(rounds).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let text = match rounds as usize {
                round if round <= documents.len() => documents[round - 1].clone(),
                _ => {
                    let text = &documents[random.below(documents.len())];
                    let other = &documents[random.below(documents.len())];
                    mutate(text, other, &mut random)
                }
            };
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&text, &mut random)));
            let finding = match outcome {
                Ok(Ok(())) => continue,
                Ok(Err(finding)) => finding,
                Err(_) => "it panicked".to_owned(),
            };
            eprintln!("{name}: {finding}\nround {rounds} of WINDLASS_FUZZ_SEED={base}, input:\n{text}\n{text:?}");
            return ExitCode::FAILURE;
        }
    }
    println!("{name}: {rounds} inputs, nothing found");
    ExitCode::SUCCESS
}
