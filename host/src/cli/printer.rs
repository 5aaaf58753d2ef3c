//! The only writer of the command line: data on stdout, everything else on stderr.

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde_json::{Value as Json, json};

use crate::error::{Error, ExitCode};
use crate::stream::Stream;

/// How data and errors are rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON document on stdout, errors as one JSON document on stderr.
    Json,
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

/// `text` in a style.
pub fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
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
    /// A report, for people (with styles, ending in a newline) and for programs.
    Report { text: String, json: Json },
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
    pub fn report(text: impl Into<String>, json: Json) -> Self {
        Self { data: Data::Report { text: text.into(), json }, exit_code: ExitCode::Ok }
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

    /// Writes what a command answers, all of it or an error.
    ///
    /// # Errors
    /// Stdout is closed, full or broken (exit 2).
    pub fn outcome(&self, outcome: Outcome) -> Result<ExitCode, Error> {
        match outcome.data {
            Data::Nothing => {}
            Data::Bytes(bytes) => write_stdout(&bytes)?,
            Data::Report { text, json } => match self.format {
                OutputFormat::Text => write_stdout(self.paint(&text, io::stdout().is_terminal()).as_bytes())?,
                OutputFormat::Json => {
                    let mut bytes = serde_json::to_vec_pretty(&json)
                        .map_err(|error| Error::bug(format!("the answer cannot be written as JSON: {error}")))?;
                    bytes.push(b'\n');
                    write_stdout(&bytes)?;
                }
            },
        }
        Ok(outcome.exit_code)
    }

    /// Says on stderr what is going on. `--quiet` and JSON output keep it back.
    pub fn note(&self, text: &str) {
        if !self.quiet && self.format == OutputFormat::Text {
            self.write_stderr(&format!("{text}\n"));
        }
    }

    /// Whether the output is JSON.
    pub fn is_json(&self) -> bool {
        self.format == OutputFormat::Json
    }

    /// Writes one line of JSON at once, for commands that tell what happens while it happens.
    ///
    /// # Errors
    /// Stdout is closed, full or broken (exit 2).
    pub fn json_line(&self, json: &Json) -> Result<(), Error> {
        write_stdout(format!("{json}\n").as_bytes())
    }

    /// Draws on the terminal, control sequences and all; only where [`Printer::shows_progress`] says so.
    pub fn draw(&self, text: &str) {
        if self.shows_progress() {
            // A terminal that is gone shows nothing, and the command goes on.
            let _ = io::stderr().write_all(text.as_bytes());
        }
    }

    /// Says on stderr what may be wrong although the command goes on. `--quiet` keeps it back.
    pub fn warning(&self, text: &str) {
        if !self.quiet {
            match self.format {
                OutputFormat::Text => self.write_stderr(&format!("{}: {text}\n", styled(style::WARNING, "warning"))),
                OutputFormat::Json => self.write_stderr(&format!("{}\n", json!({ "warning": text }))),
            }
        }
    }

    /// Renders an error on stderr, and on the controlling terminal when Helm runs us and throws our stderr away.
    pub fn error(&self, error: &Error) {
        let text = match self.format {
            OutputFormat::Text => error_text(error),
            OutputFormat::Json => format!("{:#}\n", error_json(error)),
        };
        self.write_stderr(&text);
        // Helm 4 keeps the stderr of a subprocess plugin to itself, whether it fails or not (helm/helm#31843).
        if std::env::var_os("HELM_PLUGIN_NAME").is_some()
            && !io::stderr().is_terminal()
            && let Ok(mut terminal) = OpenOptions::new().write(true).open("/dev/tty")
        {
            let text = self.paint(&text, true);
            // Nothing is left to tell a failure to.
            let _ = terminal.write_all(text.as_bytes());
        }
    }

    fn write_stderr(&self, text: &str) {
        let text = self.paint(text, io::stderr().is_terminal());
        // When stderr is gone there is nowhere left to say so.
        let _ = io::stderr().write_all(text.as_bytes());
    }

    fn paint<'t>(&self, text: &'t str, is_terminal: bool) -> Cow<'t, str> {
        let wanted = match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
                is_terminal && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        if wanted || !text.contains('\x1b') {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(anstream::adapter::strip_str(text).to_string())
        }
    }
}

/// Foreign text (a plugin's, a stream's) made safe for a terminal: control characters other than newline and tab are
/// written as escapes, so that no plugin can move the cursor, retitle the window or forge our own lines.
pub fn printable(text: &str) -> Cow<'_, str> {
    let dangerous = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    if !text.contains(dangerous) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if dangerous(letter) { safe.extend(letter.escape_default()) } else { safe.push(letter) }
    }
    Cow::Owned(safe)
}

/// An error as people read it: what happened, then what to do.
pub fn error_text(error: &Error) -> String {
    let mut text = format!("{}: {}\n", styled(style::ERROR, "error"), printable(&error.to_string()));
    for hint in error.hints() {
        text.push_str(&format!("  {}: {}\n", styled(style::HINT, "hint"), printable(hint)));
    }
    text
}

/// An error as programs read it.
pub fn error_json(error: &Error) -> Json {
    json!({
        "error": {
            "exitCode": error.exit_code().code(),
            "kind": kind_word(error.exit_code()),
            "message": error.message(),
            "plugin": error.plugin(),
            "hints": error.hints(),
        }
    })
}

fn kind_word(exit_code: ExitCode) -> &'static str {
    match exit_code {
        ExitCode::Ok => "ok",
        ExitCode::Refused => "refused",
        ExitCode::Usage => "usage",
        ExitCode::Denied => "denied",
        ExitCode::Limit => "limit",
        ExitCode::Network => "network",
        ExitCode::Bug => "bug",
        ExitCode::Interrupted => "interrupted",
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
        let hint = match error.kind() {
            io::ErrorKind::BrokenPipe => "the program that reads the answer ended before it had read all of it",
            io::ErrorKind::StorageFull => "free some space: the file that stdout goes to is not complete",
            _ => "what stdout goes to is not complete",
        };
        Error::usage(format!("the answer cannot be written to stdout: {error}")).hint(hint)
    })
}
