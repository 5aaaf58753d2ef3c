//! `cargo xtask fuzz [TARGET] [SECONDS]`: long runs of the fuzz targets in `fuzz/`; `cargo xtask test` runs short ones.

use crate::command::{self, During, Failure, Result};
use crate::{peers, say, workspace};
use std::process::ExitCode;

/// Targets that are tests of the host, where they see its release build: their names, and what cargo is told. With the
/// other tests they run a fixed number of rounds; here each runs for the time given.
const HOST_TARGETS: [(&str, &[&str]); 2] =
    [("host", &["--test", "fuzz"]), ("calls", &["--test", "hostile", "random_calls"])];

/// How long each target runs when the command line does not say, in seconds.
const DEFAULT_SECONDS: u64 = 60;

/// Runs the command.
///
/// # Errors
/// There is no such target, or it found something.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let mut targets = programs()?;
    targets.extend(HOST_TARGETS.iter().map(|(name, _)| (*name).to_owned()));
    let mut seconds = DEFAULT_SECONDS;
    for argument in arguments {
        if let Ok(number) = argument.parse() {
            seconds = number;
        } else if targets.contains(argument) {
            targets = vec![argument.clone()];
        } else {
            return Err(Failure::new(format!("there is no fuzz target `{argument}`"))
                .hint(format!("there are: {}", targets.join(", "))));
        }
    }
    for target in &targets {
        match HOST_TARGETS.iter().find(|(name, _)| name == target) {
            Some((_, tests)) => host_round(target, tests, seconds)?,
            None => round(target, seconds)?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn host_round(target: &str, tests: &[&str], seconds: u64) -> Result<()> {
    say::step(&format!("fuzzing {target}, each of its tests for {seconds} s"));
    command::run(
        workspace::cargo()
            .args(["test", "--quiet", "--locked", "--release", "--package", "windlass"])
            .args(tests)
            .env("WINDLASS_FUZZ_SECONDS", seconds.to_string()),
    )
}

/// The fuzz targets that are programs: those in `fuzz/src/bin`, sorted.
///
/// # Errors
/// The folder cannot be read.
pub fn programs() -> Result<Vec<String>> {
    let folder = workspace::root().join("fuzz/src/bin");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut targets = Vec::new();
    for entry in std::fs::read_dir(&folder).during(format_args!("cannot read {}", folder.display()))? {
        let path = entry.during(format_args!("cannot read {}", folder.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            targets.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    targets.sort();
    Ok(targets)
}

/// Fuzzes one target for a while, with other inputs each time.
///
/// # Errors
/// It found something, or does not build.
pub fn round(target: &str, seconds: u64) -> Result<()> {
    say::step(&format!("fuzzing {target} for {seconds} s"));
    run_program(target, "--seconds", seconds)
}

/// Fuzzes one target with a number of inputs, the same ones each time and everywhere.
///
/// # Errors
/// It found something, or does not build.
pub fn rounds(target: &str, rounds: u64) -> Result<()> {
    say::step(&format!("fuzzing {target} with {rounds} inputs"));
    run_program(target, "--rounds", rounds)
}

/// The target that asks a peer what Kubernetes sees.
const WITH_PEER: &str = "go";

fn run_program(target: &str, flag: &str, number: u64) -> Result<()> {
    let mut cargo = workspace::cargo();
    cargo
        .args(["run", "--quiet", "--locked", "--release", "--manifest-path", "fuzz/Cargo.toml", "--target-dir"])
        .arg(workspace::target().join("fuzz"))
        .args(["--bin", target, "--", flag, &number.to_string()]);
    if target == WITH_PEER {
        cargo.env("WINDLASS_YAML_ORACLE", peers::YAML_ORACLE.ensure()?);
    }
    command::run(&mut cargo)
}
