//! `windlass port keep` and `compile`: what becomes a plugin as it is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::compare::{self, New};
use crate::cli::printer::{Outcome, Printer, style};
use crate::error::{Error, ExitCode};
use crate::limits::table::MAX_STREAM;
use crate::port::compare::{Compared, Verdict};
use crate::port::old::Old;
use crate::port::{compile, inputs, keep, report};
use crate::text::Text;

/// Keep a post-renderer as it is, as a plugin of Helm 4.
///
/// The plugin folder holds a copy of the program with the files beside it that it names. Helm 4 starts it as Helm 3
/// did: same arguments, same folder, no sandbox. What it says, which Helm 4 hides, is kept for `windlass why`; an
/// answer without objects, which Helm 4 refuses, is taken.
#[derive(Args, Debug)]
pub(super) struct KeepArgs {
    /// The program: a script or any other executable file.
    #[arg(value_name = "SCRIPT")]
    script: PathBuf,
    /// The plugin's name [default: the file's, without its ending].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The folder to write [default: NAME in the current folder].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A file or folder beside the script that it needs and does not name.
    #[arg(long, value_name = "PATH")]
    with: Vec<PathBuf>,
    /// Arguments that it always gets, before those of Helm.
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

/// Run a program that `keep` made a plugin of. The plugin's own plugin.yaml starts this.
#[derive(Args, Debug)]
pub(super) struct RunKeptArgs {
    #[arg(value_name = "SCRIPT")]
    script: PathBuf,
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

/// Build a renderer in Go, Rust or C as a command plugin, and prove it.
///
/// The unchanged program is built for the sandbox and for this machine; both run on the inputs and are compared. The
/// plugin's folder gets plugin.yaml, windlass.yaml, a README that says what it needs, the recorded answers and a
/// workflow.
#[derive(Args, Debug)]
pub(super) struct CompileArgs {
    /// The source folder: go.mod, Cargo.toml, or files in C.
    #[arg(value_name = "DIR")]
    source: PathBuf,
    /// The plugin folder to write.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Streams or charts to compare on, or folders of them.
    #[arg(long, value_name = "FILE|CHART", num_args = 1.., required = true)]
    input: Vec<PathBuf>,
    /// Arguments that the program gets.
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

pub(super) fn keep(arguments: &KeepArgs) -> Result<Outcome, Error> {
    let KeepArgs { script, name, out, with, arguments } = arguments;
    let kept = keep::keep(script, name.as_deref(), out.as_deref(), with, arguments)?;
    let mut text =
        Text::new().style(style::NAME, &kept.name).say(" is in ").show(kept.folder.display()).say(", with\n");
    for file in &kept.files {
        text = text.say("  ").show(file).say("\n");
    }
    let folder = kept.folder.display();
    text = text.say("what it needs beside these must be named with `--with`, or be there on every machine\n");
    text = text.say("next: helm plugin install ").show(&folder).say(" && helm upgrade ... --post-renderer ");
    text = text.show(&kept.name).say("\n");
    let json = json!({ "name": kept.name, "folder": kept.folder, "files": kept.files });
    Ok(Outcome::report(text, json))
}

pub(super) fn run_kept(arguments: &RunKeptArgs) -> Result<Outcome, Error> {
    keep::run(&arguments.script, &arguments.arguments).map(Outcome::bytes)
}

pub(super) fn compile(arguments: &CompileArgs, printer: &Printer) -> Result<Outcome, Error> {
    let CompileArgs { source, out, input, arguments } = arguments;
    let inputs = inputs::find(input)?;
    let streams: Vec<(&str, Vec<u8>)> =
        inputs.iter().map(|input| Ok((input.name.as_str(), input.read(&[])?))).collect::<Result<_, Error>>()?;
    let first = streams.first().map(|(_, stream)| stream.clone()).unwrap_or_default();
    let compiled = compile::compile(source, out, first)?;
    compiled.describe(source, arguments)?;
    let new = New::of(&out.join("windlass.yaml").display().to_string(), printer)?;
    let old = Old::new(compiled.folder(), &command(&compiled.native, arguments), TIME, MAX_STREAM, false)?;
    let golden = out.join("golden");
    let compared = streams
        .iter()
        .enumerate()
        .map(|(index, (name, stream))| compare::one(name, stream, &old, &new, Some((&golden, index)), &[], printer));
    let compared: Vec<Compared> = compared.collect::<Result<_, Error>>()?;
    let built = &compiled.built;
    let mut text = Text::new().style(style::NAME, &built.identity.name).say(" is built: ");
    text = text.show(out.display()).say(" (").show(built.size).say(" bytes of wasm)\n");
    for sought in &compiled.observed.sought {
        text = text.say("it looks for ").show(&sought.path).say(" to ").say(sought.capability);
        if let Some(flag) = &sought.flag {
            text = text.say(": ").show(flag);
        }
        text = text.say("\n");
    }
    let text = text.say("native program and plugin:\n").then(&compare::told(&compared));
    let code = match report::worst(&compared) {
        Verdict::Differs => ExitCode::Refused,
        _ => ExitCode::Ok,
    };
    let json = json!({
        "name": built.identity.name,
        "folder": out,
        "size": built.size,
        "digest": built.digest,
        "observed": compiled.observed,
        "comparison": report::json(&compared, Some(old.network)),
    });
    Ok(Outcome::report(text, json).with_exit_code(code))
}

/// How long the native program may run.
const TIME: Duration = Duration::from_secs(60);

fn command(program: &Path, arguments: &[String]) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let words = arguments.iter().map(|argument| quoted(argument));
    std::iter::once(quoted(&program.display().to_string())).chain(words).collect::<Vec<_>>().join(" ")
}
