//! `cargo xtask install`: the binary into cargo's bin folder, the sample plugins where `windlass run NAME` finds them.

use crate::command::{self, Result};
use crate::{build, expect_only, say, workspace};
use std::process::{Command, ExitCode};

/// Runs the command.
///
/// # Errors
/// Something does not compile, or cannot be written.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    expect_only(arguments, &[])?;
    let plugins = build::plugins()?;
    say::step("installing the windlass binary");
    command::run(workspace::cargo().args(["install", "--quiet", "--locked", "--force", "--path", "host"]))?;
    build::host()?;
    for plugin in plugins {
        command::run(Command::new(workspace::windlass()).args(["install", "--force"]).arg(&plugin.folder))?;
        say::note(&format!("plugin {}", plugin.name));
    }
    say::step("done; `windlass list` shows the plugins, `windlass helm enable` makes it a Helm 4 post-renderer");
    Ok(ExitCode::SUCCESS)
}
