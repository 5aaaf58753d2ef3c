//! `windlass completions` and `windlass man`, both made from the one definition of the command line.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;
use serde_json::json;

use super::printer::Outcome;
use crate::error::Error;
use crate::text::Text;

/// Print the completion script for a shell.
///
/// For example: `windlass completions bash > ~/.local/share/bash-completion/completions/windlass`.
#[derive(Args, Debug)]
pub(super) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Print the manual page, or write one for each command.
#[derive(Args, Debug)]
pub(super) struct ManArgs {
    /// Write windlass.1 and windlass-COMMAND.1 into this folder instead.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn completions(arguments: &CompletionsArgs, mut definition: Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut definition, "windlass", &mut script);
    Outcome::bytes(script)
}

pub(super) fn man(arguments: &ManArgs, definition: Command) -> Result<Outcome, Error> {
    let unwritable = |error: std::io::Error| Error::usage(format!("the manual cannot be written: {error}"));
    let Some(folder) = &arguments.dir else {
        let mut page = Vec::new();
        Man::new(definition).render(&mut page).map_err(unwritable)?;
        return Ok(Outcome::bytes(page));
    };
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    clap_mangen::generate_to(definition, folder).map_err(unwritable)?;
    let text = Text::new().say("the manual pages are in ").show(folder.display()).say("\n");
    Ok(Outcome::report(text, json!({ "folder": folder })))
}
