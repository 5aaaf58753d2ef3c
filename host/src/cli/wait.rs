//! `windlass wait`: until a release's objects are ready, or gone.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::json;
use windlass_kstatus::{Expression, OwnRule, Rules};

use super::cluster_args::ClusterArgs;
use super::plugin_args::uncached;
use super::printer::{Outcome, Printer};
use super::readiness_text as text;
use crate::cluster::{Cluster, RequestFailure, escape};
use crate::config::pipeline::Pipeline;
use crate::env;
use crate::error::{Error, ExitCode};
use crate::event::Event;
use crate::input;
use crate::limits::parse_duration;
use crate::limits::table::MAX_STREAM;
use crate::sandbox::compile::cache::CodeCache;
use crate::sandbox::limits::Limits;
use crate::sandbox::options::RenderOptions;
use crate::source::PluginRef;
use crate::wait::gate::{self, Releases, Unsettled};
use crate::wait::judge::{Judge, Terms};
use crate::wait::release::{self, Choice, Driver};
use crate::wait::selector::LabelSelector;
use crate::wait::track::{Plan, Summary, track};
use crate::wait::{Ending, Goal, ObjectKey, Progress, Wanted};

/// Wait until every object of a release is ready, as kstatus and readiness annotations say.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(super) struct WaitArgs {
    #[command(flatten)]
    what: WhatArgs,
    /// How long to wait at most, for everything together.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    timeout: Duration,
    /// End as soon as one object has failed; otherwise the others are waited for, as under `helm --wait`.
    #[arg(long)]
    fail_fast: bool,
    /// Wait until every object is gone instead.
    #[arg(long, conflicts_with_all = ["conditions", "all_namespaces"])]
    delete: bool,
    /// How long what may heal by itself (a crashing pod, one that fits no node, `phase: Failed`) must go on until it
    /// counts as failed [default: 30s; 0s with --rules helm4 and helm3].
    #[arg(long, value_name = "DURATION", value_parser = parse_pause)]
    crash_grace: Option<Duration>,
    /// How long all must stay ready until the wait ends.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_pause)]
    stable: Duration,
    /// Reasons of pods and conditions that mean failed at once: `ImagePullBackOff,CreateContainerConfigError`.
    #[arg(long, value_name = "REASON,...", value_delimiter = ',')]
    fail_on: Vec<String>,
    /// What must hold for one object, in place of all rules: `'Kind/name:{.status.phase}==Ready'`; may be repeated.
    #[arg(long = "for", value_name = "CONDITION", id = "conditions")]
    conditions: Vec<String>,
}

const EXIT_CODES: &str = "\
Exit codes: 0 all are ready (or gone); 1 one has failed; 2 wrong usage, nothing to wait for, or no such release; \
3 a permission is missing; 4 time is up; 5 no connection to the API server; 130 Ctrl-C or SIGTERM.";

/// Which objects, in which cluster, and who decides. Shared with `status`.
#[derive(Args, Debug)]
pub(super) struct WhatArgs {
    /// The releases, as `helm list` shows them.
    #[arg(value_name = "RELEASE")]
    releases: Vec<String>,
    /// The namespace of the releases, and of objects that name none [default: HELM_NAMESPACE, else that of the
    /// kubeconfig's context].
    #[arg(long, short = 'n', value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// The releases of all namespaces: those that are named, or all.
    #[arg(long, short = 'A', conflicts_with_all = ["namespace", "file", "revision"])]
    all_namespaces: bool,
    /// The objects of this file instead of a release; `-` is stdin, which is also read when neither is given.
    #[arg(long, short = 'f', value_name = "FILE", conflicts_with = "releases")]
    file: Option<PathBuf>,
    /// This revision of the release instead of the newest.
    // Clap asks for no release where one would conflict with what is there.
    #[arg(long, value_name = "NUMBER", requires = "releases", conflicts_with = "file")]
    revision: Option<u64>,
    /// Only objects with such labels: `app=web,tier in (front, back)`.
    #[arg(long, short = 'l', value_name = "SELECTOR", value_parser = LabelSelector::parse)]
    selector: Option<LabelSelector>,
    /// The hooks, and nothing else.
    #[arg(long)]
    hooks: bool,
    /// Nothing to wait for is fine.
    #[arg(long)]
    allow_empty: bool,
    /// Do not ask whether the live objects are what the manifest asks for.
    #[arg(long)]
    no_sync: bool,
    /// By whose rules an object without readiness annotations is judged.
    #[arg(long, value_enum, value_name = "RULES", default_value_t)]
    rules: RulesArg,
    /// With --rules helm4 or helm3: a Job is ready only when it is complete, not when it has started. By the strict
    /// rules it always is.
    #[arg(long)]
    for_jobs: bool,
    /// The plugin that decides what is ready [default: the installed plugin `kstatus`, else the same rules built in].
    #[arg(long, value_name = "PLUGIN")]
    plugin: Option<PluginRef>,
    /// Rules for kinds of your own: `readiness` in this windlass.yaml. They come before annotations and --rules.
    #[arg(long, value_name = "FILE")]
    pipeline: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// See [`Rules`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum RulesArg {
    /// kstatus, and more where it is silent or too early.
    #[default]
    Strict,
    /// The verdict of Helm 4's `--wait`.
    Helm4,
    /// The verdict of Helm 3's `--wait`.
    Helm3,
}

impl From<RulesArg> for Rules {
    fn from(rules: RulesArg) -> Self {
        match rules {
            RulesArg::Strict => Rules::Strict,
            RulesArg::Helm4 => Rules::Helm4,
            RulesArg::Helm3 => Rules::Helm3,
        }
    }
}

/// What was found out before the look at the objects.
#[derive(Clone, Default)]
pub(super) struct Found {
    /// `release web, revision 3 (deployed)`, or where the objects come from otherwise.
    pub(super) title: String,
    /// What Helm says about a release that is not deployed.
    pub(super) state: Vec<String>,
    wanted: Vec<Wanted>,
}

/// How to look at the objects.
pub(super) struct Look<'l> {
    pub(super) goal: Goal,
    pub(super) timeout: Duration,
    pub(super) fail_fast: bool,
    pub(super) with_pods: bool,
    pub(super) crash_grace: Option<Duration>,
    pub(super) stable: Duration,
    pub(super) fail_on: &'l [String],
    pub(super) conditions: &'l [String],
}

impl Look<'_> {
    /// A look with nothing special.
    pub(super) fn new(goal: Goal, timeout: Duration) -> Self {
        Look {
            goal,
            timeout,
            fail_fast: false,
            with_pods: false,
            crash_grace: None,
            stable: Duration::ZERO,
            fail_on: &[],
            conditions: &[],
        }
    }
}

/// How much of the time that is left a last look takes at most, at the end of one that has none left.
const LAST_LOOK: Duration = Duration::from_millis(600);

pub(super) fn run(arguments: &WaitArgs, printer: &Printer) -> Result<Outcome, Error> {
    let goal = if arguments.delete { Goal::Gone } else { Goal::Ready };
    let look = Look {
        fail_fast: arguments.fail_fast,
        crash_grace: arguments.crash_grace,
        stable: arguments.stable,
        fail_on: &arguments.fail_on,
        conditions: &arguments.conditions,
        ..Look::new(goal, arguments.timeout)
    };
    let mut view = View::new(printer, goal, arguments.timeout);
    let (found, summary) = arguments.what.look(&look, printer, &mut |progress| view.tell(progress))?;
    view.finish()?;
    Ok(outcome(&found, &summary, goal, printer))
}

impl WhatArgs {
    /// Finds the objects and tracks them, all within the timeout.
    pub(super) fn look(
        &self,
        look: &Look<'_>,
        printer: &Printer,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(Found, Summary), Error> {
        let begun = Instant::now();
        let deadline = begun + look.timeout;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::bug(format!("no runtime: {error}")))?;
        let result = runtime.block_on(self.look_within(look, printer, begun, deadline, tell));
        // A plugin may still be deciding, or stdin be read; nobody waits for it.
        runtime.shutdown_background();
        result
    }

    async fn look_within(
        &self,
        look: &Look<'_>,
        printer: &Printer,
        begun: Instant,
        deadline: Instant,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(Found, Summary), Error> {
        let own: Arc<[OwnRule]> = match &self.pipeline {
            Some(file) => Pipeline::readiness_of(file)?.into(),
            None => Arc::default(),
        };
        let time_is_up = || format!("time is up after {}", text::short(begun.elapsed()));
        let judge = self.judge(*printer);
        let judge = match before(deadline, judge).await {
            Some(judge) => Arc::new(judge?),
            None => return Err(Error::limit(format!("{}: the plugin is not compiled yet", time_is_up()))),
        };
        // Stdin may take its time; nothing is connected before it is read.
        let Some(stream) = before(deadline, self.stream(look)).await else {
            return Err(Error::limit(format!("{}: stdin has not come to its end", time_is_up())));
        };
        let stream = stream?;
        let mut stream = stream.map(|(title, bytes)| (title, Some(bytes)));
        let silent = || Error::network(format!("{} without an answer from the API server", time_is_up()));
        let connection = self.cluster.connection();
        let Some(cluster) = before(deadline, Cluster::connect(&connection)).await else { return Err(silent()) };
        let cluster = cluster?;
        loop {
            let bytes = stream.as_mut().map(|(title, bytes)| (title.clone(), bytes.take().unwrap_or_default()));
            let finding = self.find(&cluster, bytes, look, printer, deadline, tell);
            let (found, releases, unsettled) = match before(deadline + LAST_LOOK, finding).await {
                Some(found) => found?,
                None => return Err(silent()),
            };
            // What has not come to rest is looked at once, and says why.
            let now = Instant::now();
            let (goal, until) = match unsettled {
                None => (look.goal, deadline),
                Some(_) if look.goal == Goal::Watch => (Goal::Watch, deadline),
                Some(_) => (Goal::Look, deadline.max(now + LAST_LOOK)),
            };
            let rules = Rules::from(self.rules);
            let default_grace = if rules == Rules::Strict { Duration::from_secs(30) } else { Duration::ZERO };
            let plan = Plan {
                wanted: found.wanted.clone(),
                goal,
                begun,
                deadline: until,
                terms: Terms { rules, wait_for_jobs: self.for_jobs },
                own: Arc::clone(&own),
                fail_fast: look.fail_fast,
                with_pods: look.with_pods,
                sync: !self.no_sync,
                crash_grace: look.crash_grace.unwrap_or(default_grace),
                stable: look.stable,
                fail_on: look.fail_on.to_vec(),
            };
            let is_gate = matches!(look.goal, Goal::Ready | Goal::Watch);
            let follows = releases.as_ref().filter(|_| is_gate && unsettled.is_none());
            let tracked = track(cluster.clone(), plan, Arc::clone(&judge), tell);
            let summary = tokio::select! {
                biased;
                summary = tracked => Some(summary?),
                () = gate::overtaken(&cluster, follows) => None,
            };
            let is_overtaken = match (&summary, follows) {
                (None, _) => true,
                // Somebody may have upgraded in the very last moment.
                (Some(summary), Some(releases)) if summary.ending == Ending::Reached => {
                    before(deadline, gate::is_overtaken(&cluster, releases)).await.unwrap_or(false)
                }
                _ => false,
            };
            let Some(mut summary) = summary.filter(|_| !is_overtaken) else {
                printer.note("the release was changed meanwhile; looking at it anew");
                continue;
            };
            if let Some(unsettled) = unsettled {
                summary.ending = unsettled.ending();
            }
            return Ok((found, summary));
        }
    }

    async fn judge(&self, printer: Printer) -> Result<Judge, Error> {
        let installed = || {
            let folder = crate::dirs::plugins().ok()?.join("kstatus");
            folder.is_dir().then(|| PluginRef::Installed("kstatus".to_owned()))
        };
        let Some(plugin) = self.plugin.clone().or_else(installed) else { return Ok(Judge::Library) };
        let compiling = tokio::task::spawn_blocking(move || {
            let show = |event: Event<'_>| {
                if let Event::Uncached { why } = event {
                    printer.warning(uncached(why));
                }
            };
            let options = RenderOptions::new(CodeCache::default_place(), &show);
            Judge::plugin(&plugin, Limits::default(), &options)
        });
        let judge = compiling.await.map_err(|error| Error::bug(format!("no judge came back: {error}")))??;
        printer.note(format!("decided by {}", judge.describe()));
        Ok(judge)
    }

    /// The stream of a file or of stdin; none when a release is named.
    async fn stream(&self, look: &Look<'_>) -> Result<Option<(String, Vec<u8>)>, Error> {
        if !self.releases.is_empty() || self.all_namespaces {
            return Ok(None);
        }
        match self.file.as_deref() {
            Some(path) if path != Path::new("-") => {
                let bytes = input::read_named(path, MAX_STREAM)
                    .map_err(|error| Error::usage(format!("cannot read {}: {error}", path.display())))?;
                Ok(Some((path.display().to_string(), bytes)))
            }
            None if !look.conditions.is_empty() => Ok(None),
            None if std::io::stdin().is_terminal() => Err(Error::usage("nothing to wait for")
                .hint("name a release, or a file with `-f FILE`, or send a manifest to stdin")),
            _ => {
                let reading = tokio::task::spawn_blocking(|| input::read_to_limit(std::io::stdin(), MAX_STREAM, 0));
                let bytes = reading
                    .await
                    .map_err(|error| Error::bug(format!("stdin did not come back: {error}")))?
                    .map_err(|error| Error::usage(format!("cannot read stdin: {error}")))?;
                Ok(Some(("stdin".to_owned(), bytes)))
            }
        }
    }

    async fn find(
        &self,
        cluster: &Cluster,
        stream: Option<(String, Vec<u8>)>,
        look: &Look<'_>,
        printer: &Printer,
        deadline: Instant,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(Found, Option<Releases>, Option<Unsettled>), Error> {
        let namespace = self.namespace.clone().or_else(|| env::HELM_NAMESPACE.text());
        let namespace = namespace.unwrap_or_else(|| cluster.default_namespace().to_owned());
        let choice = Choice { hooks: self.hooks, selector: self.selector.clone() };
        let mut found = Found::default();
        let (mut releases, mut unsettled) = (None, None);
        match stream {
            Some((title, bytes)) => {
                let contents = release::objects(bytes, &namespace, &choice)?;
                contents.warnings.iter().for_each(|warning| printer.warning(warning));
                if contents.wanted.is_empty() && look.conditions.is_empty() {
                    self.refuse_empty(&title, &contents.why_empty(&choice))?;
                }
                found = Found { title, state: Vec::new(), wanted: contents.wanted };
            }
            None if self.releases.is_empty() && !self.all_namespaces => found.title = "the conditions".to_owned(),
            None => {
                let driver = Driver::from_environment(env::HELM_DRIVER.text().as_deref())?;
                let asked = gate::Selection {
                    names: &self.releases,
                    namespace: (!self.all_namespaces).then_some(namespace.as_str()),
                    revision: self.revision,
                    driver,
                };
                let mut on_state = |state: &str| tell(Progress::Release(state));
                let settled = gate::settle(cluster, &asked, look.goal, deadline, &mut on_state).await;
                let (read, state) = settled.map_err(|error| match look.goal {
                    Goal::Gone => error.hint(
                        "an uninstalled release is forgotten: `helm get manifest` before, and `wait --delete -f` after `helm uninstall`",
                    ),
                    _ => error,
                })?;
                if read.all.is_empty() {
                    self.refuse_empty("the cluster", "no releases at all")?;
                }
                self.objects_of(&read, state, &choice, &mut found, printer)?;
                (releases, unsettled) = (Some(read), state);
            }
        }
        with_conditions(&mut found.wanted, look.conditions, &namespace)?;
        if look.goal == Goal::Gone {
            missing_namespaces(cluster, &found.wanted, printer).await;
        }
        if found.wanted.is_empty() {
            printer.note(format!("{}: there are no objects to look at", found.title));
        }
        Ok((found, releases, unsettled))
    }

    /// The objects of releases, and of one that has not come to rest, the hooks that it waits for or has failed with.
    fn objects_of(
        &self,
        read: &Releases,
        state: Option<Unsettled>,
        choice: &Choice,
        found: &mut Found,
        printer: &Printer,
    ) -> Result<(), Error> {
        let mut titles = Vec::new();
        for (namespace, release) in &read.all {
            let place = if self.all_namespaces { format!("{namespace}/") } else { String::new() };
            titles.push(format!("release {place}{}, revision {} ({})", release.name, release.revision, release.status));
            let told = Choice { hooks: true, selector: None };
            if state.is_some() && !release.is_deployed() {
                let phase = if release.has_failed() { "Failed" } else { "Running" };
                for hook in release.hooks.iter().filter(|hook| hook.phase() == phase) {
                    let word = if release.has_failed() { "has failed" } else { "is running" };
                    let events = hook.events.join(", ");
                    found.state.push(format!("the hook {}/{} ({events}) {word}", hook.kind, hook.name));
                    let contents = release::objects(hook.manifest.clone().into_bytes(), namespace, &told)?;
                    found.wanted.extend(contents.wanted);
                }
                if !release.description.is_empty() {
                    found.state.push(format!("Helm says: {}", release.description));
                }
            }
            let manifest = if choice.hooks { hook_stream(release) } else { release.manifest.clone() };
            let is_blank = manifest.trim().is_empty();
            let contents = release::objects(manifest.into_bytes(), namespace, choice)?;
            contents.warnings.iter().for_each(|warning| printer.warning(warning));
            if contents.wanted.is_empty() && !(is_blank && !choice.hooks && choice.selector.is_none()) {
                self.refuse_empty(&format!("the release {}", release.name), &contents.why_empty(choice))?;
            }
            if is_blank && !choice.hooks {
                found.state.push(format!("the release {} has no objects (hooks or definitions only)", release.name));
            }
            let succeeded = |wanted: &Wanted| {
                choice.hooks
                    && release.hooks.iter().any(|hook| {
                        hook.name == wanted.key.name && hook.kind == wanted.key.kind && hook.phase() == "Succeeded"
                    })
            };
            let wanted = contents.wanted.into_iter();
            found.wanted.extend(wanted.map(|wanted| Wanted { is_done: succeeded(&wanted), ..wanted }));
        }
        let mut seen = std::collections::HashSet::new();
        found.wanted.retain(|wanted| seen.insert(wanted.key.clone()));
        found.title = titles.join("; ");
        Ok(())
    }

    fn refuse_empty(&self, title: &str, why: &str) -> Result<(), Error> {
        if self.allow_empty {
            return Ok(());
        }
        Err(Error::usage(format!("there is nothing to wait for in {title}: {why}"))
            .hint("`--allow-empty` where that is meant"))
    }
}

/// The manifests of a release's hooks as a stream.
fn hook_stream(release: &release::Release) -> String {
    release.hooks.iter().map(|hook| format!("---\n{}\n", hook.manifest)).collect()
}

/// A duration that may be none at all.
fn parse_pause(text: &str) -> Result<Duration, Error> {
    if ["0", "0s", "0ms"].contains(&text.trim()) { Ok(Duration::ZERO) } else { parse_duration(text) }
}

/// What a future comes to, unless time is up first.
async fn before<T>(deadline: Instant, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout_at(deadline.into(), future).await.ok()
}

/// `--for`: the object is one of the manifest, or of a kind that every cluster has.
fn with_conditions(wanted: &mut Vec<Wanted>, conditions: &[String], namespace: &str) -> Result<(), Error> {
    for text in conditions {
        let wrong = |why: String| {
            Error::usage(format!("`--for {text}`: {why}")).hint("write `'Kind/name:{.status.phase}==Ready'`")
        };
        let (object, expression) = text.split_once(':').ok_or_else(|| wrong("there is no `:`".to_owned()))?;
        let (kind, name) = object.split_once('/').ok_or_else(|| wrong("there is no `/`".to_owned()))?;
        let expression = Expression::parse(expression).map_err(|error| wrong(error.to_string()))?;
        let condition = Some(Arc::new(expression));
        let is_meant = |one: &&mut Wanted| {
            one.key.kind.eq_ignore_ascii_case(kind) && one.key.name == name && one.condition.is_none()
        };
        if let Some(known) = wanted.iter_mut().find(is_meant) {
            known.condition = condition;
            continue;
        }
        let built_in = BUILT_IN.iter().find(|(known, _)| known.eq_ignore_ascii_case(kind));
        let Some((kind, api_version)) = built_in else {
            return Err(wrong(format!("there is no {kind}/{name} among the objects")));
        };
        let key = ObjectKey {
            api_version: (*api_version).to_owned(),
            kind: (*kind).to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        wanted.push(Wanted { key, desired: None, is_done: false, condition });
    }
    Ok(())
}

/// Kinds that `--for` knows without a manifest.
const BUILT_IN: &[(&str, &str)] = &[
    ("Pod", "v1"),
    ("Service", "v1"),
    ("ConfigMap", "v1"),
    ("Secret", "v1"),
    ("PersistentVolumeClaim", "v1"),
    ("Namespace", "v1"),
    ("Node", "v1"),
    ("Deployment", "apps/v1"),
    ("StatefulSet", "apps/v1"),
    ("DaemonSet", "apps/v1"),
    ("ReplicaSet", "apps/v1"),
    ("Job", "batch/v1"),
    ("CronJob", "batch/v1"),
    ("Ingress", "networking.k8s.io/v1"),
    ("HorizontalPodAutoscaler", "autoscaling/v2"),
];

/// In a namespace that does not exist everything is gone, perhaps by a slip of the pen.
async fn missing_namespaces(cluster: &Cluster, wanted: &[Wanted], printer: &Printer) {
    let names: std::collections::BTreeSet<&str> = wanted.iter().map(|wanted| wanted.key.namespace.as_str()).collect();
    for name in names.into_iter().take(20) {
        if let Err(RequestFailure::NotFound) = cluster.get(&format!("/api/v1/namespaces/{}", escape(name)), &[]).await {
            printer.warning(format!("there is no namespace {name}, so nothing is in it"));
        }
    }
}

/// Shows progress: a live table on a terminal, plain lines elsewhere, JSON lines for programs.
pub(super) struct View<'p> {
    printer: &'p Printer,
    goal: Goal,
    timeout: Duration,
    is_live: bool,
    /// The widths of the lines that are on the screen.
    drawn: Vec<usize>,
    /// When something was said last, where there is no table.
    said: Instant,
    problem: Option<Error>,
}

/// How long a log may be silent.
const HEARTBEAT: Duration = Duration::from_secs(30);

impl<'p> View<'p> {
    pub(super) fn new(printer: &'p Printer, goal: Goal, timeout: Duration) -> Self {
        let is_live = printer.shows_progress() && !printer.is_json();
        View { printer, goal, timeout, is_live, drawn: Vec::new(), said: Instant::now(), problem: None }
    }

    pub(super) fn tell(&mut self, progress: Progress<'_>) {
        if !matches!(progress, Progress::Table { .. }) {
            self.said = Instant::now();
        }
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
            Progress::Release(state) if self.printer.is_json() => {
                self.json(&json!({"event": "release", "message": state}));
            }
            Progress::Release(state) => self.printer.note(state),
            Progress::Table { rows, elapsed } if self.is_live => {
                let size = terminal_size();
                let lines = text::table(rows, self.goal, elapsed, self.timeout, size);
                let widths = lines.iter().map(text::width).collect();
                let drawn = std::mem::replace(&mut self.drawn, widths);
                self.printer.redraw(rows_on_screen(&drawn, size.0), &lines);
            }
            Progress::Table { rows, elapsed } if self.said.elapsed() >= HEARTBEAT && !self.printer.is_json() => {
                self.said = Instant::now();
                self.printer.note(text::heartbeat(rows, self.goal, elapsed, self.timeout));
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
        if !self.drawn.is_empty() {
            let drawn = std::mem::take(&mut self.drawn);
            self.printer.redraw(rows_on_screen(&drawn, terminal_size().0), &[]);
        }
    }

    /// Takes the table away: the summary says the rest.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.erase();
        self.problem.map_or(Ok(()), Err)
    }
}

/// How many rows of a terminal lines of these widths take: those that are wider than it is now, as it was made
/// narrower, take several.
fn rows_on_screen(widths: &[usize], columns: usize) -> usize {
    widths.iter().map(|width| width.div_ceil(columns.max(1)).max(1)).sum()
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
        Ending::Unknown => ExitCode::Denied,
        Ending::NotYet => ExitCode::Limit,
        Ending::Disconnected => ExitCode::Network,
        Ending::Interrupted => ExitCode::Interrupted,
    }
}

fn outcome(found: &Found, summary: &Summary, goal: Goal, printer: &Printer) -> Outcome {
    let (all, elapsed) = (summary.rows.len(), text::short(summary.elapsed));
    let reached = summary.rows.iter().filter(|row| row.has_reached(goal)).count();
    let word = if goal == Goal::Gone { "gone" } else { "ready" };
    let counts = format!("{reached} of {all} objects are {word}");
    let (ending, head) = match summary.ending {
        Ending::Reached if all == 0 => ("reached", format!("there are no objects, so it is {word} after {elapsed}")),
        Ending::Reached => ("reached", format!("all {all} objects are {word} after {elapsed}")),
        Ending::Failed => ("failed", format!("{counts} after {elapsed}, and at least one has failed")),
        Ending::NotYet => ("timedOut", format!("time is up after {elapsed}: {counts}")),
        Ending::Unknown => ("unknown", format!("{counts} after {elapsed}; a permission is missing for the others")),
        Ending::Disconnected => {
            let why = summary.disconnected.as_deref().unwrap_or("it has never answered");
            ("disconnected", format!("time is up after {elapsed} without a connection to the API server: {why}"))
        }
        Ending::Interrupted => ("interrupted", format!("interrupted after {elapsed}: {counts}")),
    };
    // The release may have failed with every object in order.
    let head = match summary.ending {
        Ending::Failed if reached == all => format!("{counts} after {elapsed}, but the release has failed"),
        Ending::NotYet if reached == all => format!("time is up after {elapsed}: the release is not deployed"),
        _ => head,
    };
    let exit_code = exit_code(summary.ending);
    if printer.is_json() {
        let unready = summary.rows.iter().enumerate().filter(|(_, row)| !row.has_reached(goal));
        let objects: Vec<_> = unready
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
            "state": found.state, "causes": text::json_of_causes(summary), "unready": objects,
        });
        return Outcome::json_line(event).with_exit_code(exit_code);
    }
    let report = match printer.is_markdown() {
        true => text::markdown(&found.title, &head, &found.state, summary, goal),
        false => text::report(&found.title, &head, &found.state, summary, goal),
    };
    Outcome::report(report, json!({})).with_exit_code(exit_code)
}
