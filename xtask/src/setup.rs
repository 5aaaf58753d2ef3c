//! `cargo xtask setup`: everything that the other commands need and Rust does not bring.

use crate::command::{self, During, Failure, Result};
use crate::{cache, expect_only, foreign, peers, say, tools, workspace};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// The target of the plugins.
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Runs the command.
///
/// # Errors
/// Something cannot be installed; everything else is installed nevertheless, and each failure says what to do.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    expect_only(arguments, &["--bench"])?;
    let start = Instant::now();
    say::step(&format!("tools are kept in {}", cache::folder()?.display()));
    wasm_target()?;
    let mut wanted = tools::FOR_TESTS.to_vec();
    if arguments.iter().any(|argument| argument == "--bench") {
        wanted.push(tools::YQ);
    }
    let results = wanted
        .iter()
        .map(|tool| (tool.title(), tool.ensure()))
        .chain(foreign::ALL.iter().map(|guest| (guest.title(), guest.ensure())))
        .chain(peers::FOR_TESTS.iter().map(|peer| (peer.title(), peer.ensure())));
    let mut failed = 0;
    for (title, result) in results {
        match result {
            Ok(program) => say::note(&format!("{title}: {}", program.display())),
            Err(failure) => {
                failed += 1;
                say::failure(&failure);
            }
        }
    }
    if failed > 0 {
        return Err(Failure::new(format!("{failed} tools are missing; the reasons are above"))
            .hint("`cargo xtask build` and `demo` work without them"));
    }
    say::step(&format!("ready after {}", say::duration(start.elapsed())));
    Ok(ExitCode::SUCCESS)
}

/// Adds the wasm target to the pinned toolchain. With `RUSTUP_AUTO_INSTALL=0`, rustup does not do so by itself.
///
/// # Errors
/// As [`target`].
pub fn wasm_target() -> Result<()> {
    target(WASM_TARGET)
}

/// Adds a target to the pinned toolchain.
///
/// # Errors
/// The target is missing and rustup cannot add it.
pub fn target(target: &str) -> Result<()> {
    let sysroot = command::output(
        Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(["--print", "sysroot"])
            .current_dir(workspace::root()),
    )?;
    let sysroot = PathBuf::from(String::from_utf8(sysroot).during("cannot read rustc's answer")?.trim());
    if sysroot.join("lib/rustlib").join(target).join("lib").is_dir() {
        return Ok(());
    }
    let by_hand = format!("add it by hand: rustup target add {target}");
    if workspace::offline() {
        return Err(Failure::new(format!(
            "the target {target} is not installed and WINDLASS_OFFLINE=1 forbids to fetch it"
        ))
        .hint(by_hand));
    }
    say::step(&format!("adding the target {target}"));
    command::run(Command::new("rustup").args(["target", "add", target]).current_dir(workspace::root()))
        .map_err(|failure| Failure::new(failure.message()).hint(by_hand))
}
