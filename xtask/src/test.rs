//! `cargo xtask test`: everything that must hold before a change lands, one step after the other. A step that fails
//! does not stop the others. It ends with a table of times and a line `N passed, N failed`.
//!
//! Programs by others (Helm, registries, a Kubernetes) are fetched and built beside the steps that do without them.

use crate::command::{self, During, Failure, Result};
use crate::{build, crates, foreign, fuzz, peers, say, setup, tidy, tools, workspace};
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Packages without heavy dependencies: tested in the dev profile, with its overflow checks and debug assertions.
const PURE_PACKAGES: &[&str] = &[
    "windlass-manifest",
    "windlass-graft",
    "windlass-port",
    "windlass-abi",
    "windlass-pdk-macros",
    "windlass-pdk",
    "windlass-kstatus",
    "windlass-cookbook",
    "xtask",
];

/// How many inputs each fuzz target tries within the test command: the same ones on every machine.
const FUZZ_ROUNDS: u64 = 20_000;

/// What a step counted. A check that is no test counts as one.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

/// A step of the command.
struct TestStep {
    name: &'static str,
    /// Not part of `--quick`.
    slow: bool,
    /// Needs programs by others, which are fetched and built while the steps before it run; nor is it part of
    /// `--quick`.
    tools: bool,
    act: fn() -> Result<Counts>,
}

const fn step(name: &'static str, act: fn() -> Result<Counts>) -> TestStep {
    TestStep { name, slow: false, tools: false, act }
}

impl TestStep {
    const fn slow(mut self) -> Self {
        self.slow = true;
        self
    }

    const fn with_tools(mut self) -> Self {
        self.tools = true;
        self
    }
}

const STEPS: &[TestStep] = &[
    step("formatting", formatting),
    step("tidy", || check(tidy::run(&[]).map(drop))),
    step("build", build_all),
    step("lints", lints),
    step("docs", docs).slow(),
    step("licences", licences).slow(),
    step("advisories", advisories).slow(),
    step("unit tests", unit_tests),
    step("plugin tests", plugin_tests),
    step("plugin cases in the sandbox", plugin_cases),
    step("host tests", || cargo_test(&["--release", "--package", "windlass"])),
    step("crates", || check(crates::check())).slow(),
    step("fuzzing", fuzzing),
    step("end to end", end_to_end).with_tools(),
];

/// Runs the command.
///
/// # Errors
/// Unknown arguments only; failures of steps are counted, shown, and end in exit code 1.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let words: Vec<&String> = arguments.iter().filter(|argument| *argument != "--quick").collect();
    let chosen: Vec<&TestStep> = STEPS
        .iter()
        .filter(|step| {
            !(quick && (step.slow || step.tools))
                && (words.is_empty() || words.iter().any(|word| step.name.contains(*word)))
        })
        .collect();
    if chosen.is_empty() {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        return Err(Failure::new("no step has that name").hint(format!("there are: {}", names.join(", "))));
    }
    let start = Instant::now();
    if chosen.iter().any(|step| step.tools) {
        fetch_tools();
    }
    let mut results = Vec::new();
    for step in chosen {
        say::step(step.name);
        let begun = Instant::now();
        let counts = (step.act)().unwrap_or_else(|failure| {
            say::failure(&failure);
            Counts { failed: 1, ..Counts::default() }
        });
        results.push((step.name, begun.elapsed(), counts));
    }
    Ok(report(&results, start.elapsed()))
}

/// Prints the table and the closing line.
fn report(results: &[(&str, Duration, Counts)], total: Duration) -> ExitCode {
    println!("\n{:<30} {:>12} {:>8} {:>8}", "step", "time", "passed", "failed");
    for (name, time, counts) in results {
        println!("{name:<30} {:>12} {:>8} {:>8}", say::duration(*time), counts.passed, counts.failed);
    }
    println!("{:<30} {:>12}", "all", say::duration(total));
    let sum = |field: fn(&Counts) -> u64| results.iter().map(|(_, _, counts)| field(counts)).sum::<u64>();
    let ignored = sum(|counts| counts.ignored);
    if ignored > 0 {
        println!("{ignored} ignored");
    }
    let failed = sum(|counts| counts.failed);
    println!("{} passed, {failed} failed", sum(|counts| counts.passed));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Counts a check that is no test.
fn check(result: Result<()>) -> Result<Counts> {
    result.map(|()| Counts { passed: 1, ..Counts::default() })
}

fn build_all() -> Result<Counts> {
    build::host()?;
    build::guests()?;
    check(build::check_sizes(&build::plugins()?))
}

/// Has everything that the steps need fetched and built, one thing after the other and giving way to the steps. A step
/// that needs a thing asks for it once more: it waits for that one alone, or makes it itself when its turn has not
/// come. So it is there that a failure is reported.
fn fetch_tools() {
    std::thread::spawn(|| {
        for tool in tools::FOR_TESTS {
            drop(tool.ensure());
        }
        for guest in foreign::ALL {
            drop(guest.ensure());
        }
        for peer in peers::FOR_TESTS {
            drop(peer.ensure());
        }
    });
}

fn end_to_end() -> Result<Counts> {
    let begun = Instant::now();
    wait_for_tools()?;
    say::note(&format!("{} of it were left to wait for tools", say::duration(begun.elapsed())));
    cargo_test(&["--release", "--package", "windlass-tests"])
}

/// What the end-to-end tests need. Away from build servers a missing tool only makes tests skip themselves.
fn wait_for_tools() -> Result<()> {
    let tools = tools::FOR_TESTS.iter().map(tools::Tool::ensure);
    let peers = peers::FOR_TESTS.iter().map(peers::Peer::ensure);
    for result in tools.chain(peers).chain(foreign::ALL.iter().map(foreign::ForeignGuest::ensure)) {
        match result {
            Err(failure) if workspace::ci() => return Err(failure),
            Err(failure) => {
                say::failure(&failure);
                say::note("tests that need it will be skipped (not with CI=true)");
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

fn formatting() -> Result<Counts> {
    check(
        command::run(workspace::cargo().args(["fmt", "--all", "--check"]))
            .map_err(|failure| Failure::new(failure.message()).hint("run `cargo fmt --all`")),
    )
}

fn lints() -> Result<Counts> {
    let deny = ["--", "--deny", "warnings"];
    command::run(
        workspace::cargo()
            .args(["clippy", "--locked", "--quiet", "--release", "--workspace", "--all-targets"])
            .args(deny),
    )?;
    // The code for guests only compiles for the wasm target.
    let mut guests = workspace::cargo();
    guests.args(["clippy", "--locked", "--quiet", "--profile", "plugin", "--target", setup::WASM_TARGET, "--lib"]);
    for plugin in workspace::plugin_names()? {
        // As in `build`, which says so and never leaves it out under `CI=true`.
        if build::is_without_compiler(&plugin) {
            continue;
        }
        build::compile_c_with_zig(&mut guests, &plugin, &workspace::target())?;
        guests
            .arg("--package")
            .arg(format!("path+file://{}", workspace::root().join("plugins").join(plugin).display()));
    }
    command::run(guests.args(["--package", "windlass-pdk"]).args(deny))?;
    check(Ok(()))
}

fn docs() -> Result<Counts> {
    check(command::run(
        workspace::cargo()
            .args(["doc", "--locked", "--quiet", "--release", "--workspace", "--no-deps", "--document-private-items"])
            .env("RUSTDOCFLAGS", "--deny warnings"),
    ))
}

/// cargo-deny, without the checks that need a database from the network.
fn licences() -> Result<Counts> {
    let Some(deny) = skipped_tool(tools::CARGO_DENY)? else { return Ok(Counts::default()) };
    check(command::run(
        Command::new(deny)
            .args(["--all-features", "--locked", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"])
            .current_dir(workspace::root()),
    ))
}

/// Known flaws of dependencies, where the database can be fetched. It lives on another server than the crates, which
/// many build machines cannot reach, and it changes without us: that it is out of reach is said, and is no failure.
fn advisories() -> Result<Counts> {
    let Some(deny) = skipped_tool(tools::CARGO_DENY)? else { return Ok(Counts::default()) };
    if workspace::offline() || !advisory_database_answers() {
        say::note("the advisory database cannot be reached; not checked");
        return Ok(Counts::default());
    }
    check(command::run(
        Command::new(deny).args(["--all-features", "--locked", "check", "advisories"]).current_dir(workspace::root()),
    ))
}

/// Whether git can read the advisory database, without asking for a password and without waiting long.
fn advisory_database_answers() -> bool {
    Command::new("git")
        .args(["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=5", "ls-remote", "--exit-code", "--quiet"])
        .args(["https://github.com/RustSec/advisory-db", "HEAD"])
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The tool; `None`, with a note, where a person's machine cannot have it.
fn skipped_tool(tool: tools::Tool) -> Result<Option<std::path::PathBuf>> {
    match tool.ensure() {
        Ok(program) => Ok(Some(program)),
        Err(failure) if workspace::ci() => Err(failure),
        Err(failure) => {
            say::failure(&failure);
            say::note("skipped (not with CI=true)");
            Ok(None)
        }
    }
}

fn unit_tests() -> Result<Counts> {
    cargo_test(&PURE_PACKAGES.iter().flat_map(|package| ["--package", package]).collect::<Vec<_>>())
}

/// The plugins' own tests, natively, and those of the guests.
fn plugin_tests() -> Result<Counts> {
    let folders = |folder: &str, names: Vec<String>| {
        let folder = workspace::root().join(folder);
        names.into_iter().map(move |name| format!("path+file://{}", folder.join(name).display()))
    };
    let packages: Vec<String> = folders("plugins", workspace::plugin_names()?)
        .chain(folders("tests/guests", workspace::guest_names()?))
        .collect();
    cargo_test(&packages.iter().flat_map(|package| ["--package", package.as_str()]).collect::<Vec<_>>())
}

/// The same cases once more, by `windlass test` on the built wasm.
fn plugin_cases() -> Result<Counts> {
    let mut counts = Counts::default();
    for name in workspace::plugin_names()? {
        let finished = command::feed(
            Command::new(workspace::windlass())
                .args(["test", "--output", "json"])
                .arg(workspace::root().join("plugins").join(&name))
                .arg("--plugin")
                .arg(workspace::built_plugin(&name))
                // The host that cases of plugins with a network grant name; a case gets it only if it asks.
                .args(["--allow-net", "registry.example"]),
            b"",
        )?;
        let Ok(report) = serde_json::from_slice::<serde_json::Value>(&finished.stdout) else {
            say::failure(&Failure::new(format!("windlass test on {name}: {}", finished.stderr.trim())));
            counts.failed += 1;
            continue;
        };
        for case in report["cases"].as_array().map(Vec::as_slice).unwrap_or_default() {
            if case["passed"] == true {
                counts.passed += 1;
            } else {
                counts.failed += 1;
                let problem = case["problem"].as_str().unwrap_or_default();
                say::note(&format!("{name}: {} FAILED\n{problem}", case["name"].as_str().unwrap_or_default()));
            }
        }
    }
    Ok(counts)
}

fn fuzzing() -> Result<Counts> {
    let mut counts = Counts::default();
    for target in fuzz::programs()? {
        match fuzz::rounds(&target, FUZZ_ROUNDS) {
            Ok(()) => counts.passed += 1,
            Err(failure) => {
                say::failure(&failure);
                counts.failed += 1;
            }
        }
    }
    Ok(counts)
}

/// Runs `cargo test`, shows what it says, and adds up its results.
fn cargo_test(arguments: &[&str]) -> Result<Counts> {
    let mut child = workspace::cargo()
        .args(["test", "--locked", "--quiet", "--no-fail-fast"])
        .args(arguments)
        // Property tests have the same inputs each time and everywhere, too.
        .env("PROPTEST_RNG_SEED", "1")
        .stdout(Stdio::piped())
        .spawn()
        .during("cannot start cargo test")?;
    let mut counts = Counts::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line.during("cannot read what cargo test says")?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            counts = add(counts, &line);
        }
    }
    let status = child.wait().during("cannot wait for cargo test")?;
    if !status.success() && counts.failed == 0 {
        return Err(Failure::new(format!("cargo test {} did not run ({status})", arguments.join(" "))));
    }
    Ok(counts)
}

/// Adds a line `test result: ok. 5 passed; 0 failed; 1 ignored; …`; any other line adds nothing.
fn add(mut counts: Counts, line: &str) -> Counts {
    let Some((_, result)) = line.split_once("test result: ") else { return counts };
    let number = |word: &str| -> u64 {
        let words: Vec<&str> = result.split([' ', ';', '.']).filter(|part| !part.is_empty()).collect();
        words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
    };
    counts.passed += number("passed");
    counts.failed += number("failed");
    counts.ignored += number("ignored");
    counts
}

#[cfg(test)]
mod tests {
    use super::{Counts, add};

    #[test]
    fn results_of_several_runs_add_up() {
        let lines = [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s",
            "test result: FAILED. 12 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        ];
        let counts = lines.iter().fold(Counts::default(), |counts, line| add(counts, line));
        assert_eq!(counts, Counts { passed: 15, failed: 2, ignored: 1 });
    }
}
