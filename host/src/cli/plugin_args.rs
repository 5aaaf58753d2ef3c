//! The arguments of every command that runs plugins, and how they become the steps of a run.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum as _};
use windlass_abi::capabilities::{Grant, TABLE};
use windlass_abi::config::to_entries;

use super::attach;
use super::cluster_args::ClusterArgs;
use super::failures;
use super::printer::Printer;
use super::remote_args::RemoteArgs;
use super::report::{Report, ReportArgs};
use super::spinner::Spinner;
use crate::config::pipeline::Pipeline;
use crate::config::settings::{self, Configured, Overrides};
use crate::env::{ARGOCD_APP_NAME, LOG, REQUIRE_INPUT, Variable};
use crate::error::Error;
use crate::event::{Event, LogLevel};
use crate::input;
use crate::limits::table::MAX_STREAM;
use crate::limits::{ByteSize, parse_duration};
use crate::plugin::lock::{self, Lock};
use crate::plugin::verify::Verified;
use crate::render::{self, Rendered};
use crate::sandbox::compile::cache::CodeCache;
use crate::sandbox::grants::Grants;
use crate::sandbox::interruption::Ending;
use crate::sandbox::limits::{CompileLimits, Limits};
use crate::sandbox::options::{Graft, RenderOptions, Step};
use crate::sandbox::stream;
use crate::source::{OciReference, PluginRef};

/// Which plugins run, on what, with which configuration, grants and limits.
#[derive(Args, Debug)]
pub(super) struct PluginArgs {
    /// The plugins, run one after the other: a .wasm file, a plugin folder, a .tgz, oci://HOST/REPO/NAME:VERSION,
    /// oci-layout:DIR[:TAG], or the name of an installed plugin.
    #[arg(value_name = "PLUGIN", required_unless_present_any = ["pipeline", "for_chart"])]
    plugins: Vec<PluginRef>,
    /// Take the plugins with their configuration, grants and limits from this file.
    #[arg(long, value_name = "FILE", conflicts_with = "plugins")]
    pipeline: Option<PathBuf>,
    /// Run the plugins that are attached to this chart in a registry (oci://HOST/PATH/CHART:VERSION) before those named
    /// here. Each must be signed by a key that counts: a chart's digest does not cover what is attached to it.
    #[arg(long, value_name = "CHART", conflicts_with = "pipeline")]
    for_chart: Option<OciReference>,
    /// Refuse plugins whose digests are not those of the windlass.lock beside the pipeline.
    // Clap asks for no pipeline where one would conflict with what is there.
    #[arg(long, requires = "pipeline", conflicts_with_all = ["plugins", "for_chart"])]
    locked: bool,
    /// Read the stream from this file instead of stdin.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Refuse a stream without objects, as a failing `helm template` in a pipe leaves one. WINDLASS_REQUIRE_INPUT=1
    /// says the same, and =0 the opposite where Argo CD's variables are set, which turn it on.
    #[arg(long)]
    require_input: bool,
    /// Arguments for the plugins; KEY=VALUE overrides their configuration, last of all, and config=FILE is a file of
    /// it, as for --config.
    #[arg(last = true, value_name = "EXTRA_ARG")]
    extra_args: Vec<String>,
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    grants: GrantArgs,
    #[command(flatten, next_help_heading = "Cluster, for plugins that were granted a look at it")]
    cluster: ClusterArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    remote: RemoteArgs,
    /// Take what commands answer as they printed it. Without this only what they changed by meaning changes in the
    /// stream.
    #[arg(long)]
    no_graft: bool,
    /// Compile the plugins anew and keep nothing.
    #[arg(long)]
    no_cache: bool,
    /// The least level of the plugins' own log lines and findings that is shown [default: WINDLASS_LOG, else warn].
    #[arg(long, value_enum, value_name = "LEVEL")]
    log_level: Option<LogLevel>,
    #[command(flatten)]
    reports: ReportArgs,
}

/// Configuration on the command line. With several plugins, a key goes to every plugin that knows it; `NAME:` in front
/// sends it to the plugin NAME alone.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Configuration")]
struct ConfigArgs {
    /// Take configuration from a YAML file. With several plugins each key goes to those that know it; NAME:FILE is for
    /// the plugin NAME alone.
    #[arg(long = "config", value_name = "[NAME:]FILE")]
    files: Vec<String>,
    /// Set a configuration key, in Helm's syntax (a.b=1, a\.b=x, list[0]=x, a=null). With several plugins the key goes
    /// to those that know it; NAME:KEY=VALUE is for the plugin NAME alone.
    #[arg(long, value_name = "[NAME:]KEY=VALUE")]
    set: Vec<String>,
    /// The same, but the value is always a string. Applied after --set, as in Helm.
    #[arg(long, value_name = "[NAME:]KEY=VALUE")]
    set_string: Vec<String>,
    /// Set a key to JSON, in which null is a value: 'a.b={"c": null}', or a whole map. Applied before --set, as in
    /// Helm.
    #[arg(long, value_name = "[NAME:]KEY=JSON")]
    set_json: Vec<String>,
    /// Set a key to the text of a file. Applied after --set-string, as in Helm.
    #[arg(long, value_name = "[NAME:]KEY=FILE")]
    set_file: Vec<String>,
}

impl ConfigArgs {
    fn overrides(&self, extra_files: Vec<String>) -> Overrides {
        let ConfigArgs { files, set, set_string, set_json, set_file } = self.clone();
        Overrides { files, set_json, set, set_string, set_file, extra_files }
    }
}

/// What the plugins may reach: one flag for each row of the table of capabilities. All plugins of the run get each
/// grant; a pipeline grants to each plugin on its own.
#[derive(Debug, Default)]
pub(super) struct GrantArgs(Grants);

impl Args for GrantArgs {
    fn augment_args(command: Command) -> Command {
        command.args(TABLE.iter().map(|row| {
            let capability = row.capability;
            let flag = Arg::new(row.flag)
                .long(row.flag.trim_start_matches('-'))
                .help(format!("Allow the plugin to {}", row.help))
                .help_heading("Grants (nothing is granted by default)");
            match row.value {
                None => flag.action(ArgAction::SetTrue),
                Some(form) => flag
                    .action(ArgAction::Append)
                    .value_name(form)
                    .value_parser(move |value: &str| Grant::parse(capability, value).map(|_| value.to_owned())),
            }
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for GrantArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut grants = Self::default();
        grants.update_from_arg_matches(matches)?;
        Ok(grants)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for row in TABLE {
            let values: Vec<&str> = match row.value {
                None if matches.get_flag(row.flag) => vec![""],
                None => Vec::new(),
                Some(_) => matches.get_many::<String>(row.flag).into_iter().flatten().map(String::as_str).collect(),
            };
            for value in values {
                self.0
                    .allow(row.capability, value)
                    .map_err(|error| clap::Error::raw(ErrorKind::ValueValidation, error.message()))?;
            }
        }
        Ok(())
    }
}

/// What each plugin may use up.
#[derive(Args, Debug)]
#[command(next_help_heading = "Limits of each plugin")]
struct LimitArgs {
    /// Memory, such as 64Mi [default: 64Mi and 16 times the stream; 256Mi and 64 times for a command].
    #[arg(long, value_name = "SIZE")]
    memory: Option<ByteSize>,
    /// Time, such as 500ms or 1m [default: 10s].
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<Duration>,
    /// Size of the answer, such as 16Mi [default: 256Mi].
    #[arg(long, value_name = "SIZE")]
    max_output: Option<ByteSize>,
    /// A folder in memory, /tmp to the plugin, of this size, such as 64Mi, for programs that insist on a temporary file
    /// [default: none].
    #[arg(long, value_name = "SIZE")]
    scratch: Option<ByteSize>,
    #[command(flatten)]
    compile: CompileArgs,
}

/// What compiling a plugin may use up.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Limits of each plugin")]
pub(super) struct CompileArgs {
    // The fields' names are clap's keys, which all arguments of a command share: `memory` would be the run's.
    /// Memory for compiling it, such as 4Gi [default: by its size, at most 2Gi].
    #[arg(long, value_name = "SIZE")]
    compile_memory: Option<ByteSize>,
    /// Time for compiling it, of the processor and on the clock, such as 5m [default: by its size, at most 90s and 5m].
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    compile_timeout: Option<Duration>,
}

impl CompileArgs {
    /// The limits of the flags instead of `limits`.
    pub(super) fn over(self, limits: CompileLimits) -> CompileLimits {
        CompileLimits {
            memory: self.compile_memory.or(limits.memory),
            timeout: self.compile_timeout.or(limits.timeout),
        }
    }
}

/// A plugin with the configuration laid so far, and what its entry in the pipeline gives it.
type PlannedStep = (Configured, Given);

/// A plugin and what its entry in the pipeline gives it.
type Given = (Verified, Grants, Limits, Graft);

impl PluginArgs {
    /// What the command line says that runs a pipeline: `grants` as flags, and extra arguments.
    ///
    /// # Errors
    /// An extra argument that no command line can hold.
    pub(super) fn of_pipeline(file: &Path, grants: &[OsString], extra_args: &[String]) -> Result<Self, Error> {
        let words = [OsString::from("run"), "--pipeline".into(), file.into()].into_iter().chain(grants.iter().cloned());
        let words = words.chain([OsString::from("--")]).chain(extra_args.iter().map(OsString::from));
        Self::of_words(words)
    }

    /// What a command line with these words says, the program's name first.
    ///
    /// # Errors
    /// They are not words of `run`.
    pub(super) fn of_words(words: impl IntoIterator<Item = OsString>) -> Result<Self, Error> {
        let matches = Self::augment_args(Command::new("run")).try_get_matches_from(words);
        matches.and_then(|matches| Self::from_arg_matches(&matches)).map_err(|error| Error::usage(error.to_string()))
    }

    /// The steps of the run. The stream has not been read: what is wrong with the arguments is said at once.
    ///
    /// # Errors
    /// A plugin that cannot be found or is not trusted, a pipeline or a configuration that is wrong.
    pub(super) fn steps(&self, printer: &Printer) -> Result<Vec<Step>, Error> {
        let chosen = match &self.pipeline {
            Some(file) => self.chosen_in_pipeline(&Pipeline::load(file)?, printer)?,
            None => self.chosen_on_command_line(printer)?,
        };
        let (mut configured, rest): (Vec<Configured>, Vec<Given>) = chosen.into_iter().unzip();
        let (extra_files, extra_args) = settings::take_config_files(&configured, &self.extra_args);
        settings::apply(&mut configured, &self.config.overrides(extra_files))?;
        let shares = settings::share_extra_args(&configured, &extra_args)?;
        Ok(configured
            .into_iter()
            .zip(shares)
            .zip(rest)
            .map(|((configured, extra_args), (plugin, grants, limits, graft))| Step {
                plugin,
                config: to_entries(&configured.into_tree()),
                extra_args,
                grants: self.grants.over(grants),
                limits: self.limits.over(limits),
                graft: if self.no_graft { Graft::Never } else { graft },
            })
            .collect())
    }

    fn chosen_on_command_line(&self, printer: &Printer) -> Result<Vec<PlannedStep>, Error> {
        let attached = match &self.for_chart {
            Some(chart) => attach::plugins_for(chart, &self.remote.registries, printer)?,
            None => Vec::new(),
        };
        attached
            .iter()
            .chain(&self.plugins)
            .map(|reference| self.open(reference, None, printer))
            .map(|plugin| {
                let plugin = plugin?;
                let configured = Configured::new(&plugin)?;
                Ok((configured, (plugin, Grants::default(), Limits::default(), Graft::default())))
            })
            .collect()
    }

    fn chosen_in_pipeline(&self, pipeline: &Pipeline, printer: &Printer) -> Result<Vec<PlannedStep>, Error> {
        let lock = Lock::load(&lock::path_beside(&pipeline.file))?;
        if lock.is_none() && self.locked {
            return Err(Lock::missing());
        }
        pipeline
            .plugins
            .iter()
            .map(|entry| {
                let plugin = self.open(&entry.reference, Some((pipeline, &lock)), printer)?;
                let mut configured = Configured::new(&plugin)?;
                if let Some(config) = &entry.config {
                    configured.lay(config)?;
                }
                Ok((configured, (plugin, entry.grants.clone(), entry.limits.clone(), entry.graft)))
            })
            .collect()
    }

    fn open(
        &self,
        reference: &PluginRef,
        pipeline: Option<(&Pipeline, &Option<Lock>)>,
        printer: &Printer,
    ) -> Result<Verified, Error> {
        let mut remote = self.remote.remote_for(reference, !self.no_cache, printer)?;
        if let Some((pipeline, lock)) = pipeline {
            remote.lock.clone_from(lock);
            remote.locked = self.locked;
            if let Some(trust) = &pipeline.trust {
                remote.trust.add_pipeline(trust, &pipeline.folder, &pipeline.file.display().to_string())?;
            }
        }
        render::open_with(reference, &remote)
    }

    /// Reads the stream, once and whole.
    ///
    /// # Errors
    /// The file or stdin cannot be read, or holds no object where one is required.
    pub(super) fn read_stream(&self, printer: &Printer) -> Result<Vec<u8>, Error> {
        let stream = self.read_any_stream(printer)?;
        if stream::is_empty(&stream) {
            match input_is_required(self.require_input, Variable::os)? {
                Some(why) => return Err(no_input(why)),
                None => printer.warning(
                    "the stream holds no object: if it comes from `helm template` in a pipe, that may have failed \
                     (`set -o pipefail` tells, `--require-input` refuses)",
                ),
            }
        }
        Ok(stream)
    }

    fn read_any_stream(&self, printer: &Printer) -> Result<Vec<u8>, Error> {
        match &self.file {
            Some(file) => input::read_named(file, MAX_STREAM)
                .map_err(|error| Error::usage(format!("the stream {} cannot be read: {error}", file.display()))),
            None => {
                let stdin = io::stdin().lock();
                if stdin.is_terminal() {
                    printer.note("reading manifests from the terminal; Ctrl-D ends them, --file reads a file");
                }
                // A file's length is a hint for the allocation only; a pipe has none.
                let length = rustix::fs::fstat(&stdin).map_or(0, |status| status.st_size);
                input::read_to_limit(stdin, MAX_STREAM, u64::try_from(length).unwrap_or(0))
                    .map_err(|error| Error::usage(format!("the stream on stdin cannot be read: {error}")))
            }
        }
    }

    /// Runs the steps; shows log lines, and a spinner while a plugin is compiled. `ending` ends the process with a
    /// plugin whose time is over; a command that goes on after it has none.
    ///
    /// # Errors
    /// Whatever stops the run.
    pub(super) fn render(
        &self,
        steps: &[Step],
        stream: Vec<u8>,
        printer: &Printer,
        ending: Option<Arc<Ending>>,
    ) -> Result<Rendered, Error> {
        let cache = if self.no_cache { CodeCache::Off } else { CodeCache::default_place() };
        let spinner = Spinner::new(printer);
        let is_told = AtomicBool::new(false);
        let warnings: Mutex<Vec<String>> = Mutex::default();
        let log_level = self.log_level()?;
        let show = |event: Event<'_>| {
            spinner.see(&event);
            match event {
                Event::Log { plugin, level, message } => {
                    let line = format!("{} {plugin}: {message}", level_word(level));
                    if level == LogLevel::Warn
                        && let Ok(mut warnings) = warnings.lock()
                    {
                        warnings.push(format!("{plugin}: {message}"));
                    }
                    printer.remark(line, level >= LogLevel::Warn);
                }
                // Said once, however many plugins the run has.
                Event::Uncached { .. } if is_told.swap(true, Ordering::Relaxed) => {}
                Event::Uncached { why } => printer.warning(uncached(why)),
                Event::Compiling { .. } | Event::Compiled { .. } | Event::Sought { .. } => {}
            }
        };
        let mut options = RenderOptions::new(cache, &show);
        options.log_level = log_level;
        options.ending = ending;
        options.cluster = self.cluster.connection();
        let rendered = render::render(steps, stream, &options);
        let (findings, error) = match &rendered {
            Ok(rendered) => (rendered.findings.as_slice(), None),
            Err(error) => (error.findings(), Some(error)),
        };
        printer.findings(findings, log_level);
        let warnings = warnings.into_inner().unwrap_or_default();
        let secrets = rendered.as_ref().map_or_else(Error::secrets, |rendered| &rendered.secrets);
        failures::note_warnings(warnings, findings, secrets);
        let names: Vec<String> = steps.iter().map(|step| step.plugin.name()).collect();
        let written = self.reports.write(&Report::of_run(&names, findings.to_vec(), error));
        let rendered = rendered?;
        written?;
        Ok(rendered)
    }

    /// What the flag says, or the variable where no flag can be given.
    fn log_level(&self) -> Result<LogLevel, Error> {
        match (self.log_level, LOG.os()) {
            (Some(level), _) => Ok(level),
            (None, Some(word)) if !word.is_empty() => LogLevel::from_str(&word.to_string_lossy(), true).map_err(|_| {
                Error::usage(format!("`{}` is none of trace, debug, info, warn, error and off", LOG.name))
            }),
            (None, _) => Ok(LogLevel::Warn),
        }
    }
}

impl GrantArgs {
    /// The flags again, as words of a command line.
    pub(super) fn words(&self) -> Vec<OsString> {
        let value = |grant: &Grant| grant.capability().row().value.map(|_| OsString::from(grant.to_string()));
        let flag = |grant: &Grant| OsString::from(grant.capability().flag());
        self.0.iter().flat_map(|grant| [Some(flag(grant)), value(grant)]).flatten().collect()
    }

    /// What the flags grant.
    pub(super) fn granted(&self) -> &Grants {
        &self.0
    }

    /// The grants of the flags on top of a pipeline's.
    fn over(&self, mut grants: Grants) -> Grants {
        grants.extend(&self.0);
        grants
    }
}

impl LimitArgs {
    /// The limits of the flags instead of a pipeline's.
    fn over(&self, limits: Limits) -> Limits {
        Limits {
            memory: self.memory.or(limits.memory),
            timeout: self.timeout.unwrap_or(limits.timeout),
            max_output: self.max_output.unwrap_or(limits.max_output),
            scratch: self.scratch.or(limits.scratch),
            compile: self.compile.over(limits.compile),
        }
    }
}

/// Who demands that the stream holds an object, if anyone does. Argo CD sets its variable for every command of a config
/// management plugin, and deletes, where pruning is on, what a command does not name any more.
fn input_is_required(flag: bool, value: impl Fn(&Variable) -> Option<OsString>) -> Result<Option<&'static str>, Error> {
    if flag {
        return Ok(Some("`--require-input` is given"));
    }
    match value(&REQUIRE_INPUT).as_deref().map(|value| value.to_str()) {
        Some(Some("1" | "true")) => Ok(Some("`WINDLASS_REQUIRE_INPUT` is set")),
        Some(Some("0" | "false")) => Ok(None),
        None | Some(Some("")) if value(&ARGOCD_APP_NAME).is_some() => Ok(Some("Argo CD's variables are set")),
        None | Some(Some("")) => Ok(None),
        Some(_) => Err(Error::usage(format!("`{}` is neither 1 nor 0", REQUIRE_INPUT.name))),
    }
}

fn no_input(why: &str) -> Error {
    Error::usage(format!("the stream holds no object, and {why}"))
        .hint(
            "a command before `windlass` in the pipe has failed or had nothing to say: with `set -o pipefail` (bash) its \
             failure ends the pipe",
        )
        .hint(format!("where a stream without objects is right, leave `--require-input` out or set `{}=0`",
            REQUIRE_INPUT.name))
}

/// The warning that compiled code is not kept.
pub(super) fn uncached(why: &str) -> String {
    format!(
        "{why}: the plugin is compiled anew, each time (set `WINDLASS_CACHE_DIR` to a folder of your own, or say \
         `--no-cache`)"
    )
}

fn level_word(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warning",
        LogLevel::Error => "error",
        LogLevel::Off => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_stream_is_refused_where_it_would_delete() {
        let check = |flag: bool, variables: &[(Variable, &str)], expected: Result<Option<&str>, &str>| {
            let variable = |asked: &Variable| {
                variables.iter().find(|(key, _)| key.name == asked.name).map(|(_, value)| OsString::from(value))
            };
            let found = input_is_required(flag, variable).map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{flag} {variables:?}");
        };
        check(false, &[], Ok(None));
        check(true, &[], Ok(Some("`--require-input` is given")));
        check(true, &[(REQUIRE_INPUT, "0")], Ok(Some("`--require-input` is given")));
        check(false, &[(REQUIRE_INPUT, "1")], Ok(Some("`WINDLASS_REQUIRE_INPUT` is set")));
        check(false, &[(REQUIRE_INPUT, "0"), (ARGOCD_APP_NAME, "web")], Ok(None));
        check(false, &[(ARGOCD_APP_NAME, "web")], Ok(Some("Argo CD's variables are set")));
        check(false, &[(REQUIRE_INPUT, "yes")], Err("`WINDLASS_REQUIRE_INPUT` is neither 1 nor 0"));
    }
}
