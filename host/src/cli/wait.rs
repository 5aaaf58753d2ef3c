//! `windlass wait`: until a release's objects are ready, or gone.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::cluster_args::{ClusterArgs, variable};
use super::plugin_args::uncached;
use super::printer::{Outcome, Printer, style};
use super::readiness_text as text;
use crate::cluster::Cluster;
use crate::error::{Error, ExitCode};
use crate::event::Event;
use crate::input;
use crate::limits::parse_duration;
use crate::limits::table::MAX_STREAM;
use crate::sandbox::compile::cache::CodeCache;
use crate::sandbox::limits::Limits;
use crate::sandbox::options::RenderOptions;
use crate::source::PluginRef;
use crate::text::Text;
use crate::wait::judge::Judge;
use crate::wait::release::{self, Driver};
use crate::wait::track::{Plan, Summary, track};
use crate::wait::{Ending, Goal, ObjectKey, Progress};

/// Wait until every object of a release is ready, as kstatus and readiness annotations say.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(super) struct WaitArgs {
    #[command(flatten)]
    what: WhatArgs,
    /// How long to wait at most.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    timeout: Duration,
    /// End as soon as one object has failed; otherwise the others are waited for, as under `helm --wait`.
    #[arg(long)]
    fail_fast: bool,
    /// Wait until every object is gone instead.
    #[arg(long)]
    delete: bool,
}

const EXIT_CODES: &str = "\
Exit codes: 0 all are ready (or gone); 1 one has failed; 2 wrong usage, or no such release; 3 a permission is missing; \
4 time is up; 5 no connection to the API server; 130 Ctrl-C.";

/// Which objects, in which cluster, and who decides. Shared with `status`.
#[derive(Args, Debug)]
pub(super) struct WhatArgs {
    /// The release, as `helm list` shows it.
    #[arg(value_name = "RELEASE")]
    release: Option<String>,
    /// The namespace of the release, and of objects that name none [default: HELM_NAMESPACE, else that of the
    /// kubeconfig's context].
    #[arg(long, short = 'n', value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// The objects of this file instead of a release; `-` is stdin, which is also read when neither is given.
    #[arg(long, short = 'f', value_name = "FILE", conflicts_with = "release")]
    file: Option<PathBuf>,
    /// This revision of the release instead of the newest.
    // Clap asks for no release where one would conflict with what is there.
    #[arg(long, value_name = "NUMBER", requires = "release", conflicts_with = "file")]
    revision: Option<u64>,
    /// A Job is ready only when it is complete, not when it has started.
    #[arg(long)]
    for_jobs: bool,
    /// The plugin that decides what is ready [default: the installed plugin `kstatus`, else the same rules built in].
    #[arg(long, value_name = "PLUGIN")]
    plugin: Option<PluginRef>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// What was found out before the look at the objects.
pub(super) struct Found {
    /// `release web, revision 3 (deployed)`, or where the objects come from otherwise.
    pub(super) title: String,
    cluster: Cluster,
    objects: Vec<ObjectKey>,
}

/// How to look at the objects.
pub(super) struct Look {
    pub(super) goal: Goal,
    pub(super) timeout: Duration,
    pub(super) fail_fast: bool,
    pub(super) with_pods: bool,
}

pub(super) fn run(arguments: &WaitArgs, printer: &Printer) -> Result<Outcome, Error> {
    let goal = if arguments.delete { Goal::Gone } else { Goal::Ready };
    let look = Look { goal, timeout: arguments.timeout, fail_fast: arguments.fail_fast, with_pods: false };
    let mut view = View::new(printer, goal, arguments.timeout);
    let (found, summary) = arguments.what.look(&look, printer, &mut |progress| view.tell(progress))?;
    view.finish()?;
    Ok(outcome(&found, &summary, goal, printer))
}

impl WhatArgs {
    /// Finds the objects and tracks them.
    pub(super) fn look(
        &self,
        look: &Look,
        printer: &Printer,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(Found, Summary), Error> {
        let judge = Arc::new(self.judge(printer)?);
        // Stdin may take its time; nothing is connected before it is read.
        let stream = self.stream()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::bug(format!("no runtime: {error}")))?;
        let result = runtime.block_on(async {
            let cluster = Cluster::connect(&self.cluster.connection()).await?;
            let found = tokio::select! {
                found = self.find(cluster, stream, look.goal, printer) => found?,
                _ = tokio::signal::ctrl_c() => {
                    return Err(Error::new(ExitCode::Interrupted, "interrupted before the objects were known"));
                }
            };
            if found.objects.is_empty() {
                printer.note(format!("{}: there are no objects to look at", found.title));
            }
            let plan = Plan {
                objects: found.objects.clone(),
                goal: look.goal,
                timeout: look.timeout,
                wait_for_jobs: self.for_jobs,
                fail_fast: look.fail_fast,
                with_pods: look.with_pods,
            };
            let summary = track(found.cluster.clone(), plan, judge, tell).await?;
            Ok((found, summary))
        });
        // A plugin may still be deciding; its limits end it, nobody waits for it.
        runtime.shutdown_background();
        result
    }

    fn judge(&self, printer: &Printer) -> Result<Judge, Error> {
        let installed = || {
            let folder = crate::dirs::plugins().ok()?.join("kstatus");
            folder.is_dir().then(|| PluginRef::Installed("kstatus".to_owned()))
        };
        let Some(plugin) = self.plugin.clone().or_else(installed) else { return Ok(Judge::Library) };
        let show = |event: Event<'_>| {
            if let Event::Uncached { why } = event {
                printer.warning(uncached(why));
            }
        };
        let options = RenderOptions::new(CodeCache::default_place(), &show);
        let judge = Judge::plugin(&plugin, Limits::default(), &options)?;
        printer.note(format!("decided by {}", judge.describe()));
        Ok(judge)
    }

    /// The stream of a file or of stdin; none when a release is named.
    fn stream(&self) -> Result<Option<(String, Vec<u8>)>, Error> {
        if self.release.is_some() {
            return Ok(None);
        }
        match self.file.as_deref() {
            Some(path) if path != Path::new("-") => {
                let bytes = input::read_named(path, MAX_STREAM)
                    .map_err(|error| Error::usage(format!("cannot read {}: {error}", path.display())))?;
                Ok(Some((path.display().to_string(), bytes)))
            }
            None if std::io::stdin().is_terminal() => Err(Error::usage("nothing to wait for")
                .hint("name a release, or a file with `-f FILE`, or send a manifest to stdin")),
            _ => {
                let bytes = input::read_to_limit(std::io::stdin(), MAX_STREAM, 0)
                    .map_err(|error| Error::usage(format!("cannot read stdin: {error}")))?;
                Ok(Some(("stdin".to_owned(), bytes)))
            }
        }
    }

    async fn find(
        &self,
        cluster: Cluster,
        stream: Option<(String, Vec<u8>)>,
        goal: Goal,
        printer: &Printer,
    ) -> Result<Found, Error> {
        let namespace = self.namespace.clone().or_else(|| variable("HELM_NAMESPACE"));
        let namespace = namespace.unwrap_or_else(|| cluster.default_namespace().to_owned());
        let (title, manifest) = match (&self.release, stream) {
            (Some(name), _) => {
                let driver = Driver::from_environment(variable("HELM_DRIVER").as_deref())?;
                let read = release::read(&cluster, &namespace, name, self.revision, driver).await;
                let release = read.map_err(|error| match goal {
                    Goal::Gone => error.hint(
                        "an uninstalled release is forgotten: `helm get manifest` before, and `wait --delete -f` after `helm uninstall`",
                    ),
                    _ => error,
                })?;
                let title = format!("release {name}, revision {} ({})", release.revision, release.status);
                (title, release.manifest.into_bytes())
            }
            (None, Some((title, bytes))) => (title, bytes),
            (None, None) => ("nothing".to_owned(), Vec::new()),
        };
        let (objects, warnings) = release::objects(manifest, &namespace)?;
        warnings.iter().for_each(|warning| printer.warning(warning));
        Ok(Found { title, cluster, objects })
    }
}

/// Shows progress: a live table on a terminal, plain lines elsewhere, JSON lines for programs.
struct View<'p> {
    printer: &'p Printer,
    goal: Goal,
    timeout: Duration,
    is_live: bool,
    drawn: usize,
    problem: Option<Error>,
}

impl<'p> View<'p> {
    fn new(printer: &'p Printer, goal: Goal, timeout: Duration) -> Self {
        let is_live = printer.shows_progress() && !printer.is_json();
        View { printer, goal, timeout, is_live, drawn: 0, problem: None }
    }

    fn tell(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Changed(row) if self.printer.is_json() => {
                let mut event = json!({"event": "status"});
                if let (Some(event), serde_json::Value::Object(fields)) = (event.as_object_mut(), text::json_of(row)) {
                    event.extend(fields);
                }
                self.json(&event);
            }
            Progress::Changed(row) if !self.is_live => self.printer.note(text::line(row)),
            Progress::Changed(_) => {}
            Progress::Warning(warning) if self.printer.is_json() => {
                self.json(&json!({"event": "warning", "message": warning}));
            }
            Progress::Warning(warning) => {
                self.erase();
                self.printer.warning(warning);
            }
            Progress::Table { rows, elapsed } if self.is_live => {
                let lines = text::table(rows, self.goal, elapsed, self.timeout, terminal_size());
                let erased = std::mem::replace(&mut self.drawn, lines.len());
                self.printer.redraw(erased, &lines.into_iter().map(|line| line.say("\n")).collect());
            }
            Progress::Table { .. } => {}
        }
    }

    fn json(&mut self, event: &serde_json::Value) {
        if let Err(error) = self.printer.json_line(event) {
            self.problem.get_or_insert(error);
        }
    }

    fn erase(&mut self) {
        if self.drawn > 0 {
            self.printer.redraw(self.drawn, &Text::new());
            self.drawn = 0;
        }
    }

    /// Takes the table away: the summary says the rest.
    fn finish(mut self) -> Result<(), Error> {
        self.erase();
        self.problem.map_or(Ok(()), Err)
    }
}

/// Columns and rows of the terminal.
fn terminal_size() -> (usize, usize) {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stderr());
    match size {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
        _ => (100, 30),
    }
}

/// The exit code of an ending, shared with `status`.
pub(super) fn exit_code(ending: Ending) -> ExitCode {
    match ending {
        Ending::Reached => ExitCode::Ok,
        Ending::Failed => ExitCode::Refused,
        Ending::NotYet => ExitCode::Limit,
        Ending::Disconnected => ExitCode::Network,
        Ending::Interrupted => ExitCode::Interrupted,
    }
}

fn outcome(found: &Found, summary: &Summary, goal: Goal, printer: &Printer) -> Outcome {
    let (all, elapsed) = (summary.rows.len(), text::short(summary.elapsed));
    let reached = summary.rows.iter().filter(|row| row.has_reached(goal)).count();
    let word = if goal == Goal::Gone { "gone" } else { "ready" };
    let (ending, head) = match summary.ending {
        Ending::Reached => ("reached", format!("all {all} objects are {word} after {elapsed}")),
        Ending::Failed => {
            ("failed", format!("{reached} of {all} objects are {word} after {elapsed}, and at least one has failed"))
        }
        Ending::NotYet => ("timedOut", format!("time is up after {elapsed}: {reached} of {all} objects are {word}")),
        Ending::Disconnected => {
            let why = summary.disconnected.as_deref().unwrap_or_default();
            ("disconnected", format!("time is up after {elapsed} without a connection to the API server: {why}"))
        }
        Ending::Interrupted => {
            ("interrupted", format!("interrupted after {elapsed}: {reached} of {all} objects are {word}"))
        }
    };
    let exit_code = exit_code(summary.ending);
    let unready = || summary.rows.iter().enumerate().filter(|(_, row)| !row.has_reached(goal));
    if printer.is_json() {
        let objects: Vec<_> = unready()
            .map(|(index, row)| {
                let mut object = text::json_of(row);
                if let Some(reasons) = summary.reasons.get(&index) {
                    object["reasons"] = text::json_of_reasons(reasons);
                }
                object
            })
            .collect();
        let event = json!({
            "event": "summary", "ending": ending, "title": found.title, "exitCode": exit_code.code(),
            "objects": all, "reached": reached, "elapsedMilliseconds": summary.elapsed.as_millis() as u64,
            "unready": objects,
        });
        return Outcome::json_line(event).with_exit_code(exit_code);
    }
    let mut report = Text::new().style(style::NAME, &found.title).say(": ").show(head).say("\n");
    for (index, row) in unready() {
        report = report.say("  ").then(&text::line(row)).say("\n");
        if let Some(reasons) = summary.reasons.get(&index) {
            report = report.then(&text::reasons(reasons, "    "));
        }
    }
    Outcome::report(report, json!({})).with_exit_code(exit_code)
}
