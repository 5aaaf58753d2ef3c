//! To come.

use crate::command::Result;
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
///
/// None.
pub fn run(_: &[String]) -> Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
