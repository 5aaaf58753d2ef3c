//! What the command line says to every command that runs plugins, as it stands there: nothing is opened or read here.
//!
//! | module | from there to |
//! |---|---|
//! | [`steps`] | opened plugins, with their configuration, grants and limits |
//! | [`input`] | the stream |
//! | [`rendering`] | a run that is shown |

mod input;
mod rendering;
mod steps;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum as _};
use windlass_abi::capabilities::{Grant, TABLE};

use super::cluster_args::ClusterArgs;
use super::remote_args::RemoteArgs;
use super::report::ReportArgs;
use crate::config::settings::Overrides;
use crate::env::LOG;
use crate::error::Error;
use crate::event::LogLevel;
use crate::limits::{ByteSize, parse_duration};
use crate::sandbox::grants::Grants;
use crate::sandbox::limits::{CompileLimits, Limits};
use crate::source::{OciReference, PluginRef};
pub(super) use rendering::uncached;

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
