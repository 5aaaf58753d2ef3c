//! `windlass port`: from post-renderers as they are to plugins.

mod compare;
mod keep;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use windlass_port::audit::{self, Finding, Progress, Report, Verdict, report};
use windlass_port::convert::{self, Artefact};

use super::printer::{Outcome, Printer, style};
use crate::error::{Error, ExitCode};
use crate::text::{Text, json_bytes};

/// Move post-renderers of all kinds over to plugins.
#[derive(Args, Debug)]
pub(super) struct PortArgs {
    #[command(subcommand)]
    command: PortCommand,
}

#[derive(Subcommand, Debug)]
enum PortCommand {
    Audit(AuditArgs),
    Convert(ConvertArgs),
    Compare(Box<compare::CompareArgs>),
    Compile(keep::CompileArgs),
    Keep(keep::KeepArgs),
    #[command(hide = true)]
    RunKept(keep::RunKeptArgs),
}

/// Find every post-renderer below some paths, and say what each does, needs, and becomes.
///
/// Nothing that is found is ever run, and no link is followed.
#[derive(Args, Debug)]
struct AuditArgs {
    /// Folders or files: repositories, GitOps trees, CI definitions.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Also write SARIF 2.1.0, for code scanning.
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Also write CSV, for a spreadsheet.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Also write one HTML file that works offline.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Make a pipeline of ready-made plugins from a post-renderer.
///
/// Exit code 0: all of it is in the pipeline. 1: the pipeline is written, and what is missing stands in it as comments,
/// and in the JSON with lines. 2: nothing can be converted, and why. Nothing is ever run.
#[derive(Args, Debug)]
struct ConvertArgs {
    /// A script, a kustomization or its folder, a HelmRelease, a helmfile.
    #[arg(value_name = "ARTEFACT", required_unless_present_any = ["yq", "jq"])]
    artefact: Option<PathBuf>,
    /// An expression of mikefarah's yq.
    #[arg(long, value_name = "EXPR", conflicts_with_all = ["artefact", "jq"])]
    yq: Option<String>,
    /// A jq program.
    #[arg(long, value_name = "EXPR", conflicts_with = "artefact")]
    jq: Option<String>,
    /// The release, in a file that has several.
    #[arg(long, value_name = "NAME")]
    release: Option<String>,
    /// The value of an environment variable that it reads.
    #[arg(long, value_name = "K=V", value_parser = pair)]
    env: Vec<(String, String)>,
    /// Write the pipeline here instead of on standard output.
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    out: Option<PathBuf>,
    /// Arguments that the post-renderer gets.
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn run(arguments: &PortArgs, printer: &Printer) -> Result<Outcome, Error> {
    match &arguments.command {
        PortCommand::Audit(arguments) => audit(arguments, printer),
        PortCommand::Convert(arguments) => convert(arguments, printer),
        PortCommand::Compare(arguments) => compare::run(arguments, printer),
        PortCommand::Compile(arguments) => keep::compile(arguments, printer),
        PortCommand::Keep(arguments) => keep::keep(arguments),
        PortCommand::RunKept(arguments) => keep::run_kept(arguments),
    }
}

fn convert(arguments: &ConvertArgs, printer: &Printer) -> Result<Outcome, Error> {
    let (artefact, from) = match (&arguments.artefact, &arguments.yq, &arguments.jq) {
        (Some(path), _, _) => (Artefact::File(path), path.display().to_string()),
        (None, Some(expression), _) => (Artefact::Yq(expression), "an expression of yq".to_owned()),
        (None, None, program) => (Artefact::Jq(program.as_deref().unwrap_or_default()), "a jq program".to_owned()),
    };
    let options = convert::Options {
        release: arguments.release.clone(),
        env: arguments.env.clone(),
        arguments: arguments.arguments.clone(),
    };
    let conversion = convert::convert(artefact, &options)
        .map_err(|refusal| Error::usage(format!("{from}: {}", refusal.why)).hint(refusal.hint))?;
    let bug = |why: String| Error::bug(format!("the pipeline cannot be written: {why}"));
    let pipeline = conversion.pipeline(&from).map_err(bug)?;
    let json = conversion.json(&from).map_err(bug)?;
    let code = if conversion.is_complete() { ExitCode::Ok } else { ExitCode::Refused };
    let Some(path) = &arguments.out else {
        let outcome = match printer.is_json() {
            true => Outcome::report(Text::new(), json),
            false => Outcome::bytes(pipeline.into_bytes()),
        };
        return Ok(outcome.with_exit_code(code));
    };
    write(path, pipeline.as_bytes())?;
    let mut text = Text::new();
    for missing in &conversion.missing {
        text = text.say("not converted: ");
        if !missing.file.is_empty() {
            text = text.show(&missing.file).say(":").show(missing.line).say(": ");
        }
        text = text.show(&missing.what).say("\n");
    }
    let text = text.show(path.display()).say(" is written\n");
    Ok(Outcome::report(text, json).with_exit_code(code))
}

fn audit(arguments: &AuditArgs, printer: &Printer) -> Result<Outcome, Error> {
    let bar = bar(printer, "files");
    let paths: Vec<&Path> = arguments.paths.iter().map(PathBuf::as_path).collect();
    let show = |progress: Progress| match progress {
        Progress::Walking(count) => bar.set_position(count as u64),
        Progress::Reading(done, all) => {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        }
    };
    let found = audit::audit(&paths, &show);
    bar.finish_and_clear();
    let found = found.map_err(|(path, error)| {
        Error::usage(format!("{path} cannot be read: {error}")).hint("give the folder or file to look through")
    })?;
    if let Some(path) = &arguments.sarif {
        write(path, &json_bytes(&report::sarif(&found, env!("CARGO_PKG_VERSION")), true).unwrap_or_default())?;
    }
    if let Some(path) = &arguments.csv {
        write(path, report::csv(&found).as_bytes())?;
    }
    if let Some(path) = &arguments.html {
        write(path, report::html(&found).as_bytes())?;
    }
    Ok(Outcome::report(table(&found), report::json(&found)))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(|error| {
        Error::usage(format!("{} cannot be written: {error}", path.display()))
            .hint("choose a file in a folder that is there")
    })
}

fn bar(printer: &Printer, what: &str) -> ProgressBar {
    let bar = match printer.shows_progress() {
        true => ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()),
        false => ProgressBar::hidden(),
    };
    // A template that does not parse leaves the default style, which is as good.
    if let Ok(style) = ProgressStyle::with_template(&format!("{{bar:30}} {{pos}} of {{len}} {what}")) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// What a finding says on a line of the table.
fn columns(finding: &Finding) -> [String; 5] {
    let plugins: Vec<String> = finding.plugins.iter().map(|one| one.join(" + ")).collect();
    [
        format!("{}:{}", finding.file, finding.line),
        finding.kind.clone(),
        finding.executable.clone(),
        finding.rule.map_or_else(|| finding.verdict.word().to_owned(), str::to_owned),
        plugins.first().cloned().unwrap_or_default(),
    ]
}

fn table(found: &Report) -> Text {
    let rows: Vec<[String; 5]> = found.findings.iter().map(columns).collect();
    let heading = ["WHERE", "CALLER", "PROGRAM", "VERDICT", "PLUGINS"];
    let mut widths = heading.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = Text::new();
    if !rows.is_empty() {
        for (width, cell) in widths.iter().zip(heading) {
            text = text.style(style::NAME, format!("{cell:width$}  ", width = *width));
        }
        text = text.say("\n");
    }
    for row in &rows {
        for (width, cell) in widths.iter().zip(row) {
            text = text.show(format!("{cell:width$}  ", width = *width));
        }
        text = text.say("\n");
    }
    for skipped in &found.skipped {
        let what = Text::new().show(&skipped.file).say(": ").show(&skipped.why).say("\n");
        text = text.style(style::FAINT, "skipped: ").then(&what);
    }
    let renderers = found.findings.iter().filter(|finding| finding.rule.is_none());
    text = text.show(renderers.clone().count()).say(" post-renderers in ").show(found.files).say(" files");
    for verdict in Verdict::ALL {
        let count = renderers.clone().filter(|finding| finding.verdict == verdict).count();
        if count > 0 {
            text = text.say("; ").show(count).say(" ").show(verdict);
        }
    }
    text.say("\n")
}
