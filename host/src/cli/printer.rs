//! The only writer of the command line: data on stdout, everything else on stderr.

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde_json::{Value as Json, json};

use crate::env;
use crate::error::{Error, ExitCode};
use crate::event::LogLevel;
use crate::finding::{self, Finding, Level};
use crate::helm::enable;
use crate::sandbox::stream::Stream;
use crate::text::{Text, json_bytes};

/// How data and errors are rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON document on stdout, errors as one JSON document on stderr.
    Json,
    /// For a job summary on GitHub; `wait` and `status` only.
    Markdown,
}

/// When text is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set or TERM is dumb.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Colours by meaning. They are always written into text and taken out again where no colour is wanted.
pub mod style {
    use super::{AnsiColor, Style};

    /// The word `error`.
    pub const ERROR: Style = AnsiColor::Red.on_default().bold();
    /// The word `warning`.
    pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
    /// The word `hint`, places in a diff.
    pub const HINT: Style = AnsiColor::Cyan.on_default();
    /// Names and headings.
    pub const NAME: Style = Style::new().bold();
    /// Added lines.
    pub const ADDED: Style = AnsiColor::Green.on_default();
    /// Removed lines.
    pub const REMOVED: Style = AnsiColor::Red.on_default();
    /// What matters least.
    pub const FAINT: Style = Style::new().dimmed();
}

/// What a command answers with; rendered once, by [`Printer::outcome`].
pub struct Outcome {
    data: Data,
    exit_code: ExitCode,
}

enum Data {
    /// Nothing on stdout.
    Nothing,
    /// These bytes as they are, in both output formats: a stream, a completion script.
    Bytes(Stream),
    /// A report, for people (ending in a newline) and for programs.
    Report { text: Text, json: Json },
    /// One line of JSON.
    JsonLine(Json),
}

impl Outcome {
    /// Success with nothing to show.
    pub fn nothing() -> Self {
        Self { data: Data::Nothing, exit_code: ExitCode::Ok }
    }

    /// Bytes that go out as they are.
    pub fn bytes(bytes: impl Into<Stream>) -> Self {
        Self { data: Data::Bytes(bytes.into()), exit_code: ExitCode::Ok }
    }

    /// A report for people and for programs.
    pub fn report(text: Text, json: Json) -> Self {
        Self { data: Data::Report { text, json }, exit_code: ExitCode::Ok }
    }

    /// The last line of a command that tells what happens in lines of JSON.
    pub fn json_line(json: Json) -> Self {
        Self { data: Data::JsonLine(json), exit_code: ExitCode::Ok }
    }

    /// The same answer with another exit code: `diff` found changes, a case failed.
    #[must_use]
    pub fn with_exit_code(mut self, exit_code: ExitCode) -> Self {
        self.exit_code = exit_code;
        self
    }
}

/// Set before `main` when stdout was closed: the standard library quietly puts /dev/null in its place, and an answer
/// written there would be lost without a word.
pub static STDOUT_WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// The longest lines of text, as clap's help has them.
pub(super) const WIDEST: usize = 100;
/// On a terminal that is narrower than this, lines are left for it to break.
const NARROWEST: usize = 40;

/// Knows where and how to write.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    format: OutputFormat,
    quiet: bool,
    color: ColorChoice,
}

impl Printer {
    /// A printer with what the global flags say.
    pub fn new(format: OutputFormat, quiet: bool, color: ColorChoice) -> Self {
        Self { format, quiet, color }
    }

    /// Whether progress may be drawn: stderr is a terminal and nobody asked for quiet.
    pub fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// How many characters of text a line of stdout should have: as many as the terminal is wide, else as `COLUMNS`
    /// says, and never more than 100, which is what the help has.
    pub fn width(&self) -> usize {
        let terminal = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok().map(|size| usize::from(size.ws_col));
        let said = || env::COLUMNS.text()?.parse::<usize>().ok();
        terminal.filter(|columns| *columns > 0).or_else(said).unwrap_or(WIDEST).clamp(NARROWEST, WIDEST)
    }

    /// Writes what a command answers, all of it or an error.
    ///
    /// # Errors
    /// Stdout is closed or full (exit 2), or its reader has left (exit 141).
    pub fn outcome(&self, outcome: Outcome) -> Result<ExitCode, Error> {
        match outcome.data {
            Data::Nothing => {}
            Data::Bytes(bytes) => write_stdout(&bytes)?,
            Data::Report { text, json } => match self.format {
                OutputFormat::Text | OutputFormat::Markdown => {
                    write_stdout(self.paint(&text, io::stdout().is_terminal()).as_bytes())?
                }
                OutputFormat::Json => write_stdout(&as_bytes(&json, true)?)?,
            },
            Data::JsonLine(json) => self.json_line(&json)?,
        }
        Ok(outcome.exit_code)
    }

    /// Says on stderr what is going on. `--quiet` and JSON output keep it back.
    pub fn note(&self, text: impl Into<Text>) {
        if !self.quiet && self.format != OutputFormat::Json {
            self.write_stderr(&text.into().say("\n"));
        }
    }

    /// Says what a plugin says, as [`Printer::note`] does; an important remark also where a person sees it under Helm.
    pub fn remark(&self, text: impl Into<Text>, is_important: bool) {
        let text = text.into();
        if is_important {
            self.show_on_terminal(&text.clone().say("\n"));
        }
        self.note(text);
    }

    /// Tells what plugins found from a level on, but for what is denied: that is the error's.
    pub fn findings(&self, findings: &[Finding], least: LogLevel) {
        let is_told = |finding: &&Finding| match finding.level {
            Level::Deny => false,
            Level::Warn => least <= LogLevel::Warn,
            Level::Info => least <= LogLevel::Info,
        };
        let told: Vec<&Finding> = findings.iter().filter(is_told).collect();
        if self.quiet || told.is_empty() {
            return;
        }
        if self.format == OutputFormat::Json {
            for finding in told {
                write_stderr(&json_text(&json!({ "finding": finding }), false));
            }
            return;
        }
        for of_plugin in told.chunk_by(|one, next| one.plugin == next.plugin && one.level == next.level) {
            let Some(first) = of_plugin.first() else { continue };
            let (style, word) = match first.level {
                Level::Info => (style::HINT, "info"),
                _ => (style::WARNING, "warning"),
            };
            let of_plugin: Vec<Finding> = of_plugin.iter().map(|finding| (*finding).clone()).collect();
            let text = Text::new().style(style, word).say(": plugin `").show(&first.plugin).say("`: ");
            let text = text.block(finding::text(&of_plugin), 2).say("\n");
            self.show_on_terminal(&text);
            self.write_stderr(&text);
        }
    }

    /// Whether the output is JSON.
    pub fn is_json(&self) -> bool {
        self.format == OutputFormat::Json
    }

    /// Whether the output is Markdown.
    pub fn is_markdown(&self) -> bool {
        self.format == OutputFormat::Markdown
    }

    /// Writes one line of JSON at once, for commands that tell what happens while it happens.
    ///
    /// # Errors
    /// As [`Printer::outcome`].
    pub fn json_line(&self, json: &Json) -> Result<(), Error> {
        write_stdout(&as_bytes(json, false)?)
    }

    /// Draws lines over the last `rows` rows of the terminal, one by one, so that nothing flickers and nothing goes to
    /// what can be scrolled back to; only where [`Printer::shows_progress`] says so.
    pub fn redraw(&self, rows: usize, lines: &[Text]) {
        if !self.shows_progress() {
            return;
        }
        let mut drawing = String::from("\r");
        if rows > 0 {
            drawing.push_str(&format!("\x1b[{rows}A"));
        }
        for line in lines {
            drawing.push_str(&self.paint(line, true));
            drawing.push_str("\x1b[K\n");
        }
        if rows > lines.len() {
            drawing.push_str("\x1b[J");
        }
        // A terminal that is gone shows nothing, and the command goes on.
        let _ = io::stderr().write_all(drawing.as_bytes());
    }

    /// Says on stderr what may be wrong although the command goes on. `--quiet` keeps it back.
    pub fn warning(&self, text: impl Into<Text>) {
        if !self.quiet {
            let text = text.into();
            match self.format {
                OutputFormat::Text | OutputFormat::Markdown => {
                    self.write_stderr(&Text::new().style(style::WARNING, "warning").say(": ").then(&text).say("\n"));
                }
                OutputFormat::Json => write_stderr(&json_text(&json!({ "warning": text.plain() }), false)),
            }
        }
    }

    /// Renders an error on stderr, and on the controlling terminal when Helm runs us and throws our stderr away.
    pub fn error(&self, error: &Error) {
        let text = error_text(error);
        match self.format {
            OutputFormat::Text | OutputFormat::Markdown => self.write_stderr(&text),
            OutputFormat::Json => write_stderr(&json_text(&error_json(error), true)),
        }
        self.show_on_terminal(&text);
    }

    /// Helm 4 keeps the stderr of a subprocess plugin to itself, whether it fails or not (helm/helm#31843): under Helm
    /// what matters goes to the controlling terminal as well, where there is one.
    fn show_on_terminal(&self, text: &Text) {
        if enable::is_under_helm()
            && !io::stderr().is_terminal()
            && let Ok(mut terminal) = OpenOptions::new().write(true).open("/dev/tty")
        {
            let text = self.paint(text, true);
            // Nothing is left to tell a failure to.
            let _ = terminal.write_all(text.as_bytes());
        }
    }

    fn write_stderr(&self, text: &Text) {
        write_stderr(&self.paint(text, io::stderr().is_terminal()));
    }

    fn paint<'t>(&self, text: &'t Text, is_terminal: bool) -> Cow<'t, str> {
        let wanted = match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                is_terminal && env::NO_COLOR.set().is_none() && env::TERM.os().is_none_or(|term| term != "dumb")
            }
        };
        if wanted { Cow::Borrowed(text.as_ansi()) } else { Cow::Owned(text.plain()) }
    }
}

fn write_stderr(text: &str) {
    // When stderr is gone there is nowhere left to say so.
    let _ = io::stderr().write_all(text.as_bytes());
}

fn as_bytes(json: &Json, pretty: bool) -> Result<Vec<u8>, Error> {
    json_bytes(json, pretty).map_err(|error| Error::bug(format!("the answer cannot be written as JSON: {error}")))
}

/// JSON for stderr, where a failure to write it has no other place to go.
fn json_text(json: &Json, pretty: bool) -> String {
    json_bytes(json, pretty).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// An error as people read it: what happened, then what to do.
pub fn error_text(error: &Error) -> Text {
    let mut text = Text::new().style(style::ERROR, "error").say(": ").block(error, 4).say("\n");
    for hint in error.hints() {
        text = text.say("  ").style(style::HINT, "hint").say(": ").block(hint, 8).say("\n");
    }
    text
}

/// An error as programs read it.
pub fn error_json(error: &Error) -> Json {
    let mut json = json!({
        "error": {
            "exitCode": error.exit_code().code(),
            "kind": kind_word(error.exit_code()),
            "message": error.message(),
            "plugin": error.plugin(),
            "hints": error.hints(),
        }
    });
    if let (false, Some(told)) = (error.findings().is_empty(), json.get_mut("error").and_then(Json::as_object_mut)) {
        told.insert("findings".to_owned(), json!(error.findings()));
    }
    json
}

fn kind_word(exit_code: ExitCode) -> &'static str {
    match exit_code {
        ExitCode::Ok => "ok",
        ExitCode::Refused | ExitCode::RefusedDiff => "refused",
        ExitCode::Usage => "usage",
        ExitCode::Denied => "denied",
        ExitCode::Limit => "limit",
        ExitCode::Network => "network",
        ExitCode::Bug => "bug",
        ExitCode::Interrupted => "interrupted",
        ExitCode::BrokenPipe => "brokenPipe",
    }
}

fn write_stdout(bytes: &[u8]) -> Result<(), Error> {
    if STDOUT_WAS_CLOSED.load(Ordering::Relaxed) {
        return Err(
            Error::usage("the answer cannot be written: stdout is closed").hint("redirect stdout to a file or a pipe")
        );
    }
    // Past the standard library's line buffer, which would look for newlines in megabytes of output.
    let written = rustix::io::dup(rustix::stdio::stdout())
        .map_err(io::Error::from)
        .map(std::fs::File::from)
        .and_then(|mut stdout| stdout.write_all(bytes));
    written.map_err(|error| {
        let (exit_code, hint) = match error.kind() {
            io::ErrorKind::BrokenPipe => {
                (ExitCode::BrokenPipe, "the program that reads the answer ended before it had read all of it")
            }
            io::ErrorKind::StorageFull => {
                (ExitCode::Usage, "free some space: the file that stdout goes to is not complete")
            }
            _ => (ExitCode::Usage, "what stdout goes to is not complete"),
        };
        Error::new(exit_code, format!("the answer cannot be written to stdout: {error}")).hint(hint)
    })
}
