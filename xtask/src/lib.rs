//! Builds, tests, demonstrates and measures Windlass: `cargo xtask COMMAND`.
//!
//! | module | job |
//! |---|---|
//! | [`setup`] | the wasm target, both Helms and the other tools, at exact versions, into a cache outside the tree |
//! | [`build`] | the host's release binary, and every plugin to `target/plugins/NAME` |
//! | [`install`] | the binary and the plugins for the person at the keyboard |
//! | [`demo`] | a real chart through real Helm and two plugins, with a diff at the end |
//! | [`mod@test`] | everything that must hold before a change lands |
//! | [`crates`] | the packages for crates.io, and a host made from them |
//! | [`dist`] | what a release consists of: archives, SBOM, container image, formula, checksums, signatures |
//! | [`tidy`] | the repository's own rules, as code; `order`: which module may import which |
//! | [`merge_keys`], [`field_types`] | tables from Kubernetes' OpenAPI document ([`openapi`]): the lists that merge, the types of fields |
//! | [`fuzz`] | the long fuzz runs |
//! | [`mod@bench`] | the table of speeds and sizes |
//! | [`streams`], [`helm`] | real Helm, and the records of what it hands over for the charts in `tests/charts` |
//! | [`lines`] | which lines a plugin added or extended |
//! | [`tools`], [`peers`], [`foreign`], [`cache`] | what the commands above fetch and build outside the tree |
//! | `pip`, `zig` | built files from a Python package index, by their digests; zig from there as C compiler |
//! | [`workspace`], [`command`], [`say`] | where things are, how other programs are started, how we talk |
//!
//! It depends on no package of the workspace, so that it compiles in seconds. The end-to-end tests use [`tools`],
//! [`peers`] and [`workspace`] from here, so that a version or a folder is written down once.
// A developer's tool talks on the terminal; there is no data path to keep clean.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

pub mod bench;
pub mod build;
pub mod cache;
pub mod command;
pub mod crates;
pub mod demo;
pub mod dist;
pub mod field_types;
pub mod foreign;
pub mod fuzz;
pub mod helm;
pub mod install;
pub mod lines;
pub mod merge_keys;
pub mod openapi;
mod order;
pub mod peers;
mod pip;
pub mod publish;
pub mod registry;
pub mod say;
pub mod setup;
pub mod streams;
pub mod test;
pub mod tidy;
pub mod tools;
pub mod workspace;
mod zig;

pub use command::{Failure, Result};

const USAGE: &str = "\
cargo xtask COMMAND

  setup              fetch what the other commands need: wasm target, Helm 3 and 4, the peers, cargo-deny
                     (--bench: also yq); `test` fetches it beside its first steps
  build              the host and every plugin, to target/release and target/plugins (--plugins: plugins only)
  demo               a real chart through two plugins, with a diff; then under real Helm and through a registry
                     (--quick: without the latter, which needs Go and minutes of building)
  test               everything: formatting, lints, docs, licences, tidy rules, unit, plugin and end-to-end tests
                     (--quick: without docs, licences and everything that needs tools; a word: only the steps whose
                     name holds it)
  bench              speed and memory side by side with other tools (--quick; --json FILE)
  publish            every sample plugin into a registry (--registry oci://HOST/PATH [--chart oci://...] [--sign KEY]
                     [--dry-run] [--json] [-- FLAGS])
  install            the binary and the sample plugins, for you
  dist               what a release consists of, or one step of it (--target TRIPLE; --binary FILE; --sign KEY)
  crates             the packages for crates.io as they would be sent, and a host made from them
  fuzz [TARGET] [S]  fuzz one target, or each, for S seconds (60)
  tidy               the repository's own rules
  merge-keys         the tables of lists that merge and of fields' types, from Kubernetes' OpenAPI document (--check: compare only)
  streams            what both Helms hand over for the charts in tests/charts (--bless: write it)

WINDLASS_OFFLINE=1     never touches the network
WINDLASS_DEV_CACHE=DIR where tools are kept (windlass-dev/ inside it)
WINDLASS_BLESS=1       tests rewrite their expected output";

/// What runs a command, with its arguments.
type Act = fn(&[String]) -> Result<ExitCode>;

/// Every command and what runs it.
const COMMANDS: &[(&str, Act)] = &[
    ("setup", setup::run),
    ("build", build::run),
    ("demo", demo::run),
    ("test", test::run),
    ("bench", bench::run),
    ("install", install::run),
    ("publish", publish::run),
    ("dist", dist::run),
    ("crates", crates::run),
    ("fuzz", fuzz::run),
    ("tidy", tidy::run),
    ("merge-keys", merge_keys::run),
    ("streams", streams::run),
];

/// Whether there is a command of that name.
#[must_use]
pub fn is_command(name: &str) -> bool {
    COMMANDS.iter().any(|(known, _)| *known == name)
}

/// Runs the command that `arguments` names (without the program's own name).
///
/// # Errors
/// What went wrong, in one sentence, and what to do about it.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", arguments),
    };
    if let Some((_, act)) = COMMANDS.iter().find(|(name, _)| *name == command) {
        return act(rest);
    }
    match command {
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        unknown => Err(Failure::new(format!("there is no command `{unknown}`")).hint(USAGE)),
    }
}

/// Refuses arguments that a command does not know.
///
/// # Errors
/// Names the first argument that is not in `known`.
pub fn expect_only(arguments: &[String], known: &[&str]) -> Result<()> {
    match arguments.iter().find(|argument| !known.contains(&argument.as_str())) {
        None => Ok(()),
        Some(argument) => Err(Failure::new(format!("unknown argument `{argument}`")).hint(if known.is_empty() {
            "this command takes none".to_owned()
        } else {
            format!("known: {}", known.join(", "))
        })),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_command_is_in_the_help() {
        for (name, _) in super::COMMANDS {
            assert!(super::USAGE.contains(&format!("\n  {name} ")), "`{name}` is not in the help");
        }
    }
}
