//! What the fuzz targets share: seeds, mutations, and the loop.
//!
//! Here are the targets that need the manifest library alone; those of the host's formats are `host/tests/fuzz.rs`, and
//! the sandbox's functions are tried by `host/tests/hostile/calls.rs`. `cargo xtask fuzz` runs all of them.
//!
//! Each target is a program `fuzz/src/bin/NAME.rs` that takes a number of rounds or of seconds and ends with an error
//! when it finds something; the input is then in the message and should become a seed in `fuzz/seeds/NAME` or a case of
//! the crate's own tests. Mutations know a little YAML (lines, indentation, indicators), as blind ones rarely get past
//! a parser. No nightly toolchain and no instrumentation are needed; `cargo xtask fuzz TARGET SECONDS` runs one longer.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

pub use windlass_testing::mutation::{Random, mutate, mutate_bytes};

/// Documents to start from: `fuzz/seeds/NAME` and the manifest crate's own; with `charts`, real ones as well, where the
/// machine has them.
pub fn seeds(name: &str, charts: bool) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in [root.join("seeds").join(name), root.join("../pdk/manifest/tests")] {
        files_below(&folder, &mut found);
    }
    let corpus = root.ancestors().map(|folder| folder.join("shared/corpus")).find(|folder| folder.is_dir());
    if let Some(folder) = corpus.filter(|_| charts) {
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

/// How long a target runs.
#[derive(Clone, Copy)]
enum Length {
    /// The same inputs each time and on every machine, however fast it is.
    Rounds(u64),
    /// As many as it takes, others each time, from real charts too.
    Seconds(u64),
}

impl Length {
    /// `--rounds N` or `--seconds N`.
    fn from_arguments() -> Option<Self> {
        let mut arguments = std::env::args().skip(1);
        let (flag, number) = (arguments.next()?, arguments.next()?.parse().ok()?);
        match flag.as_str() {
            "--rounds" => Some(Self::Rounds(number)),
            "--seconds" => Some(Self::Seconds(number)),
            _ => None,
        }
    }
}

/// The loop of a target: mutates seeds for as long as the arguments say, each round from a seed of its own that the
/// message of a finding names. `WINDLASS_FUZZ_SEED` sets the first.
pub fn run(name: &str, check: impl Fn(&str, &mut Random) -> Result<(), String>) -> ExitCode {
    let Some(length) = Length::from_arguments() else {
        eprintln!("usage: {name} --rounds N | --seconds N");
        return ExitCode::FAILURE;
    };
    let documents = seeds(name, matches!(length, Length::Seconds(_)));
    let base = match (std::env::var("WINDLASS_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()), length) {
        (Some(seed), _) => seed,
        (None, Length::Rounds(_)) => 1,
        (None, Length::Seconds(_)) => {
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |since| since.as_secs())
        }
    };
    let begun = Instant::now();
    let goes_on = |rounds: u64| match length {
        Length::Rounds(wanted) => rounds < wanted,
        Length::Seconds(seconds) => begun.elapsed() < Duration::from_secs(seconds),
    };
    let mut rounds: u64 = 0;
    while goes_on(rounds) {
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
    println!("{name}: {rounds} inputs, nothing found");
    ExitCode::SUCCESS
}
