//! The command line: each command parses its arguments into options, makes one call into the library and returns an
//! [`Outcome`], which is rendered once, here, as text or JSON. Data goes to stdout, all else to
//! stderr.

// Doc comments of arguments are help texts for the terminal: their brackets mean "optional", not a link.
#![allow(rustdoc::broken_intra_doc_links)]

mod ahead;
mod attach;
mod author;
mod cache;
mod cluster_args;
mod dev;
mod diff;
mod explain;
mod failures;
mod graft;
mod helm;
mod help;
mod housekeeping;
mod inspect;
mod install;
mod lock;
mod login;
mod package;
mod plugin_args;
mod port;
pub mod printer;
mod pull;
mod push;
mod readiness_text;
mod remote_args;
mod report;
mod run;
mod schema;
mod spinner;
mod status;
mod verify;
mod wait;
mod why;

use std::process::ExitCode as ProcessExitCode;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use printer::{ColorChoice, Outcome, OutputFormat, Printer};

use crate::error::{Error, ExitCode};
use crate::helm::enable;
use crate::sandbox::compile::child;
use crate::sandbox::interruption::Ending;
use crate::text::Text;

/// Run Helm post-renderers as WebAssembly plugins, in a sandbox that grants nothing by default.
#[derive(Parser, Debug)]
#[command(name = "windlass", version, propagate_version = true, max_term_width = 100, after_help = EXIT_CODES)]
struct CommandLine {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 ok; 1 the plugin said no (or `diff` found changes); 2 wrong usage or configuration, or input that cannot \
be read; 3 a grant is missing or trust failed; 4 a limit was hit; 5 network or registry; 6 the plugin said no to `diff`; \
70 a bug in Windlass; 141 the reader of stdout has left.";

/// What every command takes.
#[derive(Args, Clone, Copy, Debug)]
struct GlobalArgs {
    /// How data and errors are rendered.
    #[arg(
        long,
        short = 'o',
        value_enum,
        default_value_t,
        global = true,
        value_name = "FORMAT",
        help_heading = "Output"
    )]
    output: OutputFormat,
    /// Say nothing but data and errors.
    #[arg(long, short = 'q', global = true, help_heading = "Output")]
    quiet: bool,
    /// When to use colours; NO_COLOR turns them off as well.
    #[arg(long, value_enum, default_value_t, global = true, value_name = "WHEN", help_heading = "Output")]
    color: ColorChoice,
}

#[derive(Subcommand, Debug)]
enum Command {
    Run(run::RunArgs),
    Diff(diff::DiffArgs),
    Graft(graft::GraftArgs),
    Inspect(inspect::InspectArgs),
    Explain(explain::ExplainArgs),
    Package(package::PackageArgs),
    Push(push::PushArgs),
    Pull(pull::PullArgs),
    Attach(attach::AttachArgs),
    Discover(attach::DiscoverArgs),
    Verify(verify::VerifyArgs),
    Login(login::LoginArgs),
    Logout(login::LogoutArgs),
    Lock(lock::LockArgs),
    Install(install::InstallArgs),
    Uninstall(install::UninstallArgs),
    List(install::ListArgs),
    New(author::NewArgs),
    Build(author::BuildArgs),
    Test(author::TestArgs),
    Dev(dev::DevArgs),
    Helm(helm::HelmArgs),
    Schema(schema::SchemaArgs),
    Wait(wait::WaitArgs),
    Status(status::StatusArgs),
    Port(port::PortArgs),
    Why(why::WhyArgs),
    Cache(cache::CacheArgs),
    Completions(housekeeping::CompletionsArgs),
    Man(housekeeping::ManArgs),
}

/// `windlass run` alone: Helm starts it for each render, and defining all other commands as well would take it as long
/// again as everything else that it does with its arguments.
#[derive(Parser, Debug)]
#[command(name = "windlass")]
struct RunLine {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: OnlyRun,
}

#[derive(Subcommand, Debug)]
enum OnlyRun {
    Run(run::RunArgs),
}

/// A correct `windlass run ...`; for help and for what is wrong with any other, the whole definition is needed.
fn parse_run(arguments: &[std::ffi::OsString]) -> Option<CommandLine> {
    if arguments.get(1).is_none_or(|command| command != "run") {
        return None;
    }
    let RunLine { global, command: OnlyRun::Run(arguments) } = RunLine::try_parse_from(arguments).ok()?;
    Some(CommandLine { global, command: Command::Run(arguments) })
}

/// The whole definition, with the help's groups and examples.
fn definition() -> clap::Command {
    help::complete(CommandLine::command())
}

fn parse(arguments: &[std::ffi::OsString]) -> Result<CommandLine, clap::Error> {
    let matches = definition().try_get_matches_from(arguments)?;
    CommandLine::from_arg_matches(&matches).map_err(|error| error.format(&mut definition()))
}

/// Parses the process's arguments, runs the command and says how it ended. Panics become exit code 70.
pub fn main() -> ProcessExitCode {
    // The compiler's child process is this same program; it has no command line of its own.
    if std::env::args_os().nth(1).is_some_and(|first| first == child::ARGUMENT) {
        return child::main(std::env::args_os().skip(2));
    }
    report_panics();
    ProcessExitCode::from(execute().code())
}

fn execute() -> ExitCode {
    let arguments = enable::command_line(std::env::args_os().collect(), enable::is_under_helm());
    let command_line = match parse_run(&arguments) {
        Some(command_line) => command_line,
        None => match parse(&arguments) {
            Ok(command_line) => command_line,
            Err(error) => return show_usage(&error, &arguments),
        },
    };
    let GlobalArgs { output, quiet, color } = command_line.global;
    let printer = Printer::new(output, quiet, color);
    let is_why = matches!(command_line.command, Command::Why(_));
    let ended = dispatch(command_line.command, &printer).and_then(|outcome| printer.outcome(outcome));
    failures::record_warnings(|| failures::Flags::of(&CommandLine::command()));
    match ended {
        Ok(exit_code) => exit_code,
        Err(error) => {
            fail(&printer, &error, !is_why && failures::is_worth_keeping(&error, false));
            error.exit_code()
        }
    }
}

fn dispatch(command: Command, printer: &Printer) -> Result<Outcome, Error> {
    if printer.is_markdown() && !matches!(command, Command::Wait(_) | Command::Status(_)) {
        return Err(Error::usage("only `wait` and `status` write Markdown").hint("choose `--output text` or `json`"));
    }
    match command {
        Command::Run(arguments) => run::run(&arguments, printer, ending(printer)),
        Command::Diff(arguments) => diff::run(&arguments, printer, ending(printer)),
        Command::Graft(arguments) => graft::run(&arguments, printer),
        Command::Inspect(arguments) => inspect::run(&arguments, printer),
        Command::Explain(arguments) => explain::run(&arguments, printer),
        Command::Package(arguments) => package::run(&arguments),
        Command::Push(arguments) => push::run(&arguments, printer),
        Command::Pull(arguments) => pull::run(&arguments, printer),
        Command::Attach(arguments) => attach::attach(&arguments, printer),
        Command::Discover(arguments) => attach::discover(&arguments, printer),
        Command::Verify(arguments) => verify::run(&arguments, printer),
        Command::Login(arguments) => login::login(&arguments, printer),
        Command::Logout(arguments) => login::logout(&arguments),
        Command::Lock(arguments) => lock::run(&arguments, printer),
        Command::Install(arguments) => install::install(&arguments, printer),
        Command::Uninstall(arguments) => install::uninstall(&arguments),
        Command::List(arguments) => install::list(&arguments),
        Command::New(arguments) => author::new(&arguments),
        Command::Build(arguments) => author::build(&arguments, printer),
        Command::Test(arguments) => author::test(&arguments, printer),
        Command::Dev(arguments) => dev::run(&arguments, printer),
        Command::Helm(arguments) => helm::run(&arguments, printer),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Wait(arguments) => wait::run(&arguments, printer),
        Command::Status(arguments) => status::run(&arguments, printer),
        Command::Port(arguments) => port::run(&arguments, printer),
        Command::Why(arguments) => why::run(&arguments),
        Command::Cache(arguments) => cache::run(&arguments),
        Command::Completions(arguments) => Ok(housekeeping::completions(&arguments, definition())),
        Command::Man(arguments) => housekeeping::man(&arguments, definition()),
    }
}

/// Ends the process of a run whose time is over, as its error would have: told, kept, with the same exit code.
fn ending(printer: &Printer) -> Arc<Ending> {
    let printer = *printer;
    Arc::new(move |error| {
        fail(&printer, error, failures::is_worth_keeping(error, false));
        std::process::exit(i32::from(error.exit_code().code()))
    })
}

/// Shows an error and keeps it for `windlass why`.
fn fail(printer: &Printer, error: &Error, keep: bool) {
    printer.error(error);
    if !keep {
        return;
    }
    let flags = failures::Flags::of(&CommandLine::command());
    if let Err(problem) = failures::record(&failures::FailureRecord::of_this_process(error, &flags)) {
        // Without a home directory there is nothing to keep it in; the error itself has just been shown.
        if enable::is_under_helm() {
            printer.warning(format!("this failure is not kept for `windlass why`: {problem}"));
        }
    }
}

/// Help and version go to stdout; wrong usage is an error like any other, in the format that was asked for.
fn show_usage(error: &clap::Error, arguments: &[std::ffi::OsString]) -> ExitCode {
    // The arguments could not be parsed, so the output flags are looked for by hand.
    let text = |argument: &std::ffi::OsString| argument.to_str().unwrap_or_default().to_owned();
    let texts: Vec<String> = arguments.iter().map(text).take_while(|argument| argument != "--").collect();
    let value_of = |names: &[&str], value: &str| {
        texts.windows(2).any(|pair| matches!(pair, [flag, given] if names.contains(&flag.as_str()) && given == value))
            || texts.iter().any(|one| names.iter().any(|name| *one == format!("{name}={value}")))
    };
    let format = if value_of(&["--output", "-o"], "json") { OutputFormat::Json } else { OutputFormat::Text };
    let color = if value_of(&["--color"], "always") {
        ColorChoice::Always
    } else if value_of(&["--color"], "never") {
        ColorChoice::Never
    } else {
        ColorChoice::Auto
    };
    let printer = Printer::new(format, false, color);
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let help = error.render();
            let json = serde_json::json!({ "text": help.to_string() });
            let outcome = Outcome::report(Text::new().help(&help), json);
            match printer.outcome(outcome) {
                Ok(exit_code) => exit_code,
                Err(error) => {
                    printer.error(&error);
                    error.exit_code()
                }
            }
        }
        _ => {
            let error = usage_error(error);
            fail(&printer, &error, failures::is_worth_keeping(&error, true));
            error.exit_code()
        }
    }
}

/// Clap's complaint in our own form: the first paragraph is the message, tips are hints.
fn usage_error(error: &clap::Error) -> Error {
    // Clap would answer with the whole help, or with all names on one line.
    if matches!(error.kind(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand) {
        return Error::usage("no command is given").hint("`--help` lists the commands and what they take");
    }
    // It repeats what it was given.
    let rendered = failures::without_credentials(&error.render().to_string());
    let mut paragraphs = rendered.split("\n\n");
    let message = paragraphs.next().unwrap_or_default().trim();
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let message: Vec<&str> = message.lines().map(str::trim).collect();
    let mut converted = Error::usage(message.join(" "));
    for paragraph in paragraphs {
        for line in paragraph.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let line = line.strip_prefix("tip: ").unwrap_or(line);
            let line = line.strip_prefix("Usage: ").map_or_else(|| line.to_owned(), |usage| format!("usage: {usage}"));
            converted = converted.hint(line.trim_end_matches('.'));
        }
    }
    converted
}

/// A panic is a defect of Windlass: say so, keep it for `windlass why`, end with 70 instead of the runtime's 101.
fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let message = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a message".to_owned());
        let place = panic.location().map(|place| format!(" at {place}")).unwrap_or_default();
        let backtrace = std::backtrace::Backtrace::force_capture();
        let error =
            Error::bug(format!("windlass {} failed within itself: {message}{place}", env!("CARGO_PKG_VERSION")))
                .detail(format!("{backtrace}"));
        fail(&Printer::new(OutputFormat::Text, false, ColorChoice::Auto), &error, true);
        std::process::exit(i32::from(ExitCode::Bug.code()));
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: &clap::Command) {
        let mut keys: Vec<&str> = command.get_arguments().map(|argument| argument.get_id().as_str()).collect();
        keys.sort_unstable();
        for pair in keys.windows(2) {
            assert_ne!(pair[0], pair[1], "`{}` has two arguments of one key", command.get_name());
        }
        command.get_subcommands().for_each(check);
    }

    /// Clap looks for this in debug builds alone. In a release build the value of one goes to the other, without a
    /// word.
    #[test]
    fn every_argument_of_a_command_has_a_key_of_its_own() {
        check(&CommandLine::command());
    }
}
