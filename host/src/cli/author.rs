//! `windlass new`, `build` and `test`: for authors of plugins.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::ahead::compile_ahead;
use super::plugin_args::{CompileArgs, GrantArgs, PluginArgs};
use super::printer::{Outcome, Printer, style};
use super::report::{Report, ReportArgs};
use crate::author::build::{self, Tool};
use crate::author::cases::{self, Case, CaseReport};
use crate::author::defaults;
use crate::author::observe;
use crate::author::template;
use crate::error::{Error, ExitCode};
use crate::event::LogLevel;
use crate::finding::{Finding, Level};
use crate::input;
use crate::limits::table::MAX_STREAM;
use crate::plugin::verify::Verified;
use crate::render;
use crate::sandbox::compile::cache::CodeCache;
use crate::sandbox::options::RenderOptions;
use crate::source::PluginRef;
use crate::text::Text;

/// Make a new plugin from a template; works offline.
#[derive(Args, Debug)]
pub(super) struct NewArgs {
    /// The plugin's name: lower-case letters, digits and `-`.
    #[arg(value_name = "NAME")]
    name: String,
    /// The template.
    #[arg(long, short = 't', value_name = "TEMPLATE", default_value = "rust")]
    template: String,
    /// The folder to write [default: NAME in the current folder].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Give a placeholder of the template a value of your own, such as pdk='{ path = "../pdk" }'.
    #[arg(long, short = 'd', value_name = "KEY=VALUE", value_parser = parse_definition)]
    define: Vec<(String, String)>,
}

fn parse_definition(text: &str) -> Result<(String, String), Error> {
    text.split_once('=')
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| Error::usage(format!("`{text}` has no `=`")))
}

/// Build the plugin or program in a source folder: Cargo.toml with cargo, go.mod with go, files in C with zig.
///
/// A program that filters its standard input needs no change and no plugin.yaml: one is written. It runs once with
/// nothing granted, and what it looked for is told. The module is compiled ahead into the cache.
#[derive(Args, Debug)]
pub(super) struct BuildArgs {
    /// The folder with the source (and plugin.yaml), or one file in C.
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Run a program once on this stream instead of an empty one, to see what it looks for.
    #[arg(long, value_name = "FILE")]
    observe: Option<PathBuf>,
    /// Put plugin.yaml and plugin.wasm into this folder [default: plugin.wasm beside plugin.yaml in DIR].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Run the cases in a plugin's tests/cases through the sandbox, after building the plugin. In a folder with
/// windlass.yaml and no plugin.wasm they are those of the pipeline.
///
/// A case is a folder with input.yaml, optionally config.yaml, args.txt (one extra argument per line) and grants.yaml
/// (as `grants` in windlass.yaml), and either expected.yaml or error.txt. WINDLASS_BLESS=1 writes what came out as the
/// expectation.
///
/// A case may grant itself folders inside of it, the clock and random bytes. What else it asks for is the plugin's
/// author asking you: it needs the same --allow-... flag here.
#[derive(Args, Debug)]
pub(super) struct TestArgs {
    /// The plugin's folder.
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Test this plugin instead of building the one in DIR.
    #[arg(long, value_name = "PLUGIN")]
    plugin: Option<PluginRef>,
    /// Only cases whose names contain this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    #[command(flatten)]
    grants: GrantArgs,
    #[command(flatten)]
    reports: ReportArgs,
}

pub(super) fn new(arguments: &NewArgs) -> Result<Outcome, Error> {
    let folder = arguments.dir.clone().unwrap_or_else(|| PathBuf::from(&arguments.name));
    let files = template::write(&arguments.template, &arguments.name, &folder, &arguments.define)?;
    let text = Text::new().show(files.len()).say(" files are in ").show(folder.display());
    let text = text.say("\nnext: cd ").show(folder.display());
    // A pipeline is made of plugins that are built already.
    let text = if Tool::of(&folder).is_some() { text.say(" && windlass build") } else { text };
    let text = text.say(" && windlass test\n");
    let json = json!({ "name": arguments.name, "template": arguments.template, "folder": folder, "files": files });
    Ok(Outcome::report(text, json))
}

pub(super) fn build(arguments: &BuildArgs, printer: &Printer) -> Result<Outcome, Error> {
    let stream = match &arguments.observe {
        Some(file) => input::read_named(file, MAX_STREAM)
            .map_err(|error| Error::usage(format!("the stream {} cannot be read: {error}", file.display())))?,
        None => Vec::new(),
    };
    let built = build::build(&arguments.folder, arguments.out.as_deref())?;
    let plugin = render::open(&PluginRef::Path(built.folder.clone()))?;
    compile_ahead(&plugin, CompileArgs::default(), printer);
    let ignore = |_: crate::event::Event<'_>| {};
    defaults::check(&plugin, &RenderOptions::new(CodeCache::default_place(), &ignore))?;
    let wasm = built.folder.join("plugin.wasm");
    let text = Text::new().style(style::NAME, &built.identity.name).say(" ").show(&built.identity.version);
    let text = text.say(" is built: ").show(wasm.display()).say(" (").show(built.size).say(" bytes, ");
    let mut text = text.show(&built.digest).say(")\n");
    if built.made_yaml {
        text = text.say("there was no plugin.yaml: ").show(built.folder.join("plugin.yaml").display()).say(" is new\n");
    }
    let observed = (built.is_command || arguments.observe.is_some())
        .then(|| observe::observe(&plugin, stream, &RenderOptions::new(CodeCache::default_place(), &ignore)));
    if let Some(observed) = &observed {
        let kind = if built.is_command { "it is a command; " } else { "" };
        text = text.say(kind).say("run once with nothing granted, on ");
        text = match &arguments.observe {
            Some(file) => text.show(file.display()),
            None => text.say("an empty stream"),
        };
        text = match &observed.error {
            None => text.say(", it ended well\n"),
            Some(error) => text.say(", it failed: ").block(error, 2).say("\n"),
        };
        if observed.sought.is_empty() {
            text = text.say("it looked for no file\n");
        }
        for sought in &observed.sought {
            text = text.say("it looked for ").show(&sought.path).say(" to ").say(sought.capability);
            text = match &sought.flag {
                Some(flag) => text.say(": ").show(flag).say("\n"),
                None => text.say("\n"),
            };
        }
        for (index, word) in observed.usable_grants.iter().enumerate() {
            text = text.say(if index == 0 { "its imports can use: --allow-" } else { ", --allow-" }).say(word);
        }
        text = if observed.usable_grants.is_empty() { text } else { text.say("\n") };
    }
    let json = json!({
        "name": built.identity.name,
        "version": built.identity.version,
        "folder": built.folder,
        "wasm": wasm,
        "size": built.size,
        "digest": built.digest,
        "command": built.is_command,
        "observed": observed,
    });
    Ok(Outcome::report(text, json))
}

pub(super) fn test(arguments: &TestArgs, printer: &Printer) -> Result<Outcome, Error> {
    // Before anything of the folder is built or run.
    let cases: Vec<Case> = cases::find(&arguments.folder)?
        .into_iter()
        .filter(|case| case.name().contains(&arguments.filter))
        .map(|case| Case::read(case, arguments.grants.granted()))
        .collect::<Result<_, _>>()?;
    if cases.is_empty() {
        return Err(Error::usage(format!("no case has `{}` in its name", arguments.filter)));
    }
    let subject = match &arguments.plugin {
        Some(plugin) => Subject::Plugin(Box::new(render::open(plugin)?)),
        None => Subject::of(&arguments.folder, &arguments.grants)?,
    };
    let bless = crate::env::BLESS.os().is_some_and(|value| value == "1");
    let reports = subject.run(cases, bless, &CodeCache::default_place(), printer)?;
    let (text, json) = case_reports(&reports);
    let is_failed = reports.iter().any(|report| !report.passed);
    if is_failed {
        printer.note("WINDLASS_BLESS=1 takes what came out as the expectation");
    }
    arguments.reports.write(&report_of(&subject, &reports))?;
    let exit_code = if is_failed { ExitCode::Refused } else { ExitCode::Ok };
    Ok(Outcome::report(text, json).with_exit_code(exit_code))
}

/// The report of cases: each is a finding or has passed.
fn report_of(subject: &Subject, cases: &[CaseReport]) -> Report {
    let name = match subject {
        Subject::Plugin(plugin) => plugin.name(),
        Subject::Pipeline(file, _) => file.display().to_string(),
    };
    let mut report = Report::default();
    for case in cases {
        match &case.problem {
            None => report.passed.push((name.clone(), case.name.clone())),
            Some(problem) => {
                let mut finding = Finding::new(name.clone(), Level::Deny, problem);
                finding.found.rule = "case".to_owned();
                finding.found.file = format!("tests/cases/{}", case.name);
                report.findings.push(finding);
            }
        }
    }
    report
}

/// What cases are of.
pub(super) enum Subject {
    /// A plugin.
    Plugin(Box<Verified>),
    /// The file of a pipeline, and what flags grant to its plugins.
    Pipeline(PathBuf, Vec<OsString>),
}

impl Subject {
    /// What is in a folder: a plugin, built where there is its source, as a stale module would pass for it, or a
    /// pipeline.
    fn of(folder: &Path, grants: &GrantArgs) -> Result<Self, Error> {
        let pipeline = folder.join(PIPELINE);
        if Tool::of(folder).is_some() {
            let built = build::build(folder, None)?;
            Ok(Self::Plugin(Box::new(render::open(&PluginRef::Path(built.folder))?)))
        } else if pipeline.is_file() && !folder.join("plugin.wasm").is_file() {
            Ok(Self::Pipeline(pipeline, grants.words()))
        } else {
            Ok(Self::Plugin(Box::new(render::open(&PluginRef::Path(folder.to_owned()))?)))
        }
    }

    /// How the cases went.
    ///
    /// # Errors
    /// A case cannot be read or written, or the pipeline is wrong.
    pub(super) fn run(
        &self,
        cases: Vec<Case>,
        bless: bool,
        cache: &CodeCache,
        printer: &Printer,
    ) -> Result<Vec<CaseReport>, Error> {
        let show = |_: crate::event::Event<'_>| {};
        let mut options = RenderOptions::new(cache.clone(), &show);
        options.log_level = LogLevel::Off;
        cases
            .into_iter()
            .map(|case| match self {
                Self::Plugin(plugin) => case.run(plugin, bless, &options),
                Self::Pipeline(file, grants) => {
                    let steps = PluginArgs::of_pipeline(file, grants, case.extra_args())?.steps(printer)?;
                    case.run_pipeline(&steps, bless, &options)
                }
            })
            .collect()
    }
}

/// The file by which a folder is a pipeline.
pub(super) const PIPELINE: &str = "windlass.yaml";

/// How cases went, for people and for programs.
pub(super) fn case_reports(reports: &[CaseReport]) -> (Text, serde_json::Value) {
    let failed = reports.iter().filter(|report| !report.passed).count();
    let passed = reports.len() - failed;
    let mut text = Text::new();
    for report in reports {
        let (colour, word) = match (report.passed, report.blessed) {
            (true, true) => (style::WARNING, "blessed"),
            (true, false) => (style::ADDED, "ok"),
            (false, _) => (style::ERROR, "FAILED"),
        };
        text = text.style(colour, word).say(" ").show(&report.name).say("\n");
        if let Some(problem) = &report.problem {
            text = problem.lines().fold(text, |text, line| text.say("    ").show(line).say("\n"));
        }
    }
    let text = text.show(passed).say(" passed, ").show(failed).say(" failed\n");
    (text, json!({ "passed": passed, "failed": failed, "cases": reports }))
}
