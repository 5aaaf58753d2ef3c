//! `windlass dev`: what an author sees each time a file is saved.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::Args;
use rustix::fs::FileType;
use serde_json::{Value as Json, json};

use super::author::{PIPELINE, Subject, case_reports};
use super::diff;
use super::plugin_args::{GrantArgs, PluginArgs};
use super::printer::{Outcome, Printer, style};
use crate::author::build::{self, Speed, Tool};
use crate::author::cases::{self, Case};
use crate::author::watch::Watch;
use crate::error::{Error, ExitCode};
use crate::event::Event;
use crate::input;
use crate::limits::table::MAX_STREAM;
use crate::render;
use crate::sandbox::compile::cache::CodeCache;
use crate::sandbox::options::RenderOptions;
use crate::source::PluginRef;
use crate::text::Text;
use crate::wait::track::interrupted;

/// Build, test and diff a plugin or pipeline each time one of its files is saved.
///
/// The cases in tests/cases run in the sandbox; with --file or --chart the difference follows that the plugin makes
/// there. Rust is built without its optimisations, into target/; plugin.wasm stays as `windlass build` left it. Ctrl-C
/// ends it, and the end of a pipe on stdin.
#[derive(Args, Debug)]
pub(super) struct DevArgs {
    /// The plugin's folder, or a pipeline's.
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Show the difference on this stream.
    #[arg(long, value_name = "FILE", conflicts_with = "chart")]
    file: Option<PathBuf>,
    /// Show the difference on what `helm template` makes of this chart.
    #[arg(long, value_name = "CHART")]
    chart: Option<PathBuf>,
    /// Values for the chart.
    #[arg(long, short = 'f', value_name = "FILE", requires = "chart")]
    values: Vec<PathBuf>,
    /// Set a configuration key for the difference, in Helm's syntax.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Take configuration for the difference from a YAML file.
    #[arg(long = "config", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only cases whose names contain this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// Do it once and end: 1 when a case failed, 2 when the build did.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    grants: GrantArgs,
}

/// The release's name for the chart.
const RELEASE: &str = "dev";

pub(super) fn run(arguments: &DevArgs, printer: &Printer) -> Result<Outcome, Error> {
    let place = tempfile::Builder::new()
        .prefix("windlass-dev-")
        .tempdir()
        .map_err(|error| Error::usage(format!("there is no place for what is built: {error}")))?;
    let session = Session { arguments, printer, place: place.path() };
    if arguments.once {
        let round = session.round()?;
        let code = if round.is_failed { ExitCode::Refused } else { ExitCode::Ok };
        return Ok(Outcome::report(round.text, round.json).with_exit_code(code));
    }
    let mut watch = Watch::new(session.watched())?;
    let is_over = ended();
    let mut changed = None;
    loop {
        session.show(changed.as_deref())?;
        changed = watch.next(|| is_over.load(Ordering::Relaxed))?;
        if changed.is_none() {
            return Ok(Outcome::nothing());
        }
    }
}

/// Becomes true when the person, or whoever holds the other end of stdin, has had enough.
fn ended() -> Arc<AtomicBool> {
    let is_over = Arc::new(AtomicBool::new(false));
    let signalled = Arc::clone(&is_over);
    std::thread::spawn(move || {
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            runtime.block_on(interrupted());
            signalled.store(true, Ordering::Relaxed);
        }
    });
    // A terminal is left alone: to read from it would stop a job in the background. Files have their end from the
    // beginning.
    let kind = rustix::fs::fstat(rustix::stdio::stdin()).map(|status| FileType::from_raw_mode(status.st_mode));
    if matches!(kind, Ok(FileType::Fifo | FileType::Socket)) {
        let closed = Arc::clone(&is_over);
        std::thread::spawn(move || {
            // What is written there means nothing; a pipe that breaks is closed as well.
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            closed.store(true, Ordering::Relaxed);
        });
    }
    is_over
}

struct Session<'s> {
    arguments: &'s DevArgs,
    printer: &'s Printer,
    /// A folder for the module and its machine code; gone at the end.
    place: &'s Path,
}

/// What one look at the plugin gave.
struct Round {
    text: Text,
    json: Json,
    is_failed: bool,
}

impl Session<'_> {
    /// What is watched: the plugin, and what the difference is shown on.
    fn watched(&self) -> Vec<PathBuf> {
        let DevArgs { folder, file, chart, values, config, .. } = self.arguments;
        let others = file.iter().chain(chart).chain(values).chain(config);
        std::iter::once(folder).chain(others.filter(|path| path.exists())).cloned().collect()
    }

    /// A round, shown; errors in their place, as the next save may mend them.
    fn show(&self, changed: Option<&str>) -> Result<(), Error> {
        if let Some(changed) = changed {
            self.printer.note(Text::new().style(style::NAME, "\u{2500}\u{2500} ").show(changed).say(" changed"));
        }
        match self.round() {
            Ok(round) if self.printer.is_json() => self.printer.json_line(&round.json)?,
            Ok(round) => drop(self.printer.outcome(Outcome::report(round.text, round.json))?),
            Err(error) if error.is_bug() => return Err(error),
            Err(error) => self.printer.error(&error),
        }
        self.printer.note("waiting for changes; Ctrl-C ends");
        Ok(())
    }

    fn round(&self) -> Result<Round, Error> {
        let begun = Instant::now();
        let subject = self.subject()?;
        let built = begun.elapsed();
        let cache = CodeCache::On { folder: self.place.join("code"), state: self.place.join("state") };
        let mut text = Text::new();
        let mut json = json!({});
        let mut is_failed = false;
        if self.arguments.folder.join("tests").join("cases").is_dir() {
            let cases = cases::find(&self.arguments.folder)?
                .into_iter()
                .filter(|case| case.name().contains(&self.arguments.filter))
                .map(|case| Case::read(case, self.arguments.grants.granted()))
                .collect::<Result<_, _>>()?;
            let reports = subject.run(cases, false, &cache, self.printer)?;
            is_failed = reports.iter().any(|report| !report.passed);
            let (shown, told) = case_reports(&reports);
            (text, json) = (text.then(&shown), told);
        }
        if let Some(stream) = self.stream()? {
            let (shown, told) = self.difference(&subject, stream, &cache)?;
            text = text.then(&shown);
            json["diff"] = told;
        }
        if !self.arguments.once {
            let seconds = |time: std::time::Duration| format!("{:.1} s", time.as_secs_f64());
            let all = begun.elapsed();
            text = text.style(style::FAINT, format!("built in {}, all in {}", seconds(built), seconds(all))).say("\n");
            json["milliseconds"] = json!({ "built": built.as_millis() as u64, "all": all.as_millis() as u64 });
        }
        Ok(Round { text, json, is_failed })
    }

    /// The plugin, built anew, or the pipeline.
    fn subject(&self) -> Result<Subject, Error> {
        let folder = &self.arguments.folder;
        let pipeline = folder.join(PIPELINE);
        let plugin = if Tool::of(folder).is_some() {
            build::build_at(folder, Some(&self.place.join("plugin")), Speed::Dev)?.folder
        } else if pipeline.is_file() && !folder.join("plugin.wasm").is_file() {
            return Ok(Subject::Pipeline(pipeline, self.arguments.grants.words()));
        } else {
            folder.clone()
        };
        Ok(Subject::Plugin(Box::new(render::open(&PluginRef::Path(plugin))?)))
    }

    /// What the difference is shown on.
    fn stream(&self) -> Result<Option<Vec<u8>>, Error> {
        let DevArgs { file, chart, values, .. } = self.arguments;
        if let Some(file) = file {
            return input::read_named(file, MAX_STREAM)
                .map(Some)
                .map_err(|error| Error::usage(format!("the stream {} cannot be read: {error}", file.display())));
        }
        let Some(chart) = chart else { return Ok(None) };
        let mut helm = Command::new("helm");
        helm.args(["template", RELEASE]).arg(chart).stdin(Stdio::null()).stderr(Stdio::inherit());
        helm.args(values.iter().flat_map(|file| [OsString::from("--values"), file.into()]));
        let rendered = helm.output().map_err(|error| {
            Error::usage(format!("helm, which renders the chart, cannot be started: {error}"))
                .hint("install Helm, or give a rendered stream by `--file`")
        })?;
        match rendered.status.success() {
            true => Ok(Some(rendered.stdout)),
            false => Err(Error::usage(format!("helm could not render {}: {}", chart.display(), rendered.status))
                .hint("its messages are above")),
        }
    }

    fn difference(&self, subject: &Subject, stream: Vec<u8>, cache: &CodeCache) -> Result<(Text, Json), Error> {
        let mut words: Vec<OsString> = vec!["run".into()];
        match subject {
            Subject::Plugin(plugin) => words.push(plugin.reference().to_string().into()),
            Subject::Pipeline(file, _) => words.extend(["--pipeline".into(), file.into()]),
        }
        words.extend(self.arguments.set.iter().flat_map(|set| ["--set".into(), set.into()]));
        words.extend(self.arguments.config.iter().flat_map(|file| ["--config".into(), file.into()]));
        words.extend(self.arguments.grants.words());
        let steps = PluginArgs::of_words(words)?.steps(self.printer)?;
        let show = |event: Event<'_>| {
            if let Event::Log { plugin, message, .. } = event {
                self.printer.note(format!("{plugin}: {message}"));
            }
        };
        let rendered = render::render(&steps, stream.clone(), &RenderOptions::new(cache.clone(), &show))?;
        Ok(diff::report(&stream, &rendered))
    }
}
