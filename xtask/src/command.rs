//! Starting other programs, with errors that say which program failed, where, and why.

use std::ffi::OsStr;
use std::fmt;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What went wrong, and what to do about it.
#[derive(Debug)]
pub struct Failure {
    message: String,
    hint: Option<String>,
}

/// A result whose error is for people.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure with no advice.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do next, if there is advice.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.as_deref().map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
    }
}

impl std::error::Error for Failure {}

/// Adds what was being done to an I/O error.
pub trait During<T> {
    /// Turns the error into a [`Failure`] that starts with `doing`.
    ///
    /// # Errors
    /// The error it had, in words.
    fn during(self, doing: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display> During<T> for std::result::Result<T, E> {
    fn during(self, doing: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Failure::new(format!("{doing}: {error}")))
    }
}

/// Runs to the end; output goes where ours goes.
///
/// # Errors
/// The program cannot be started, or ends with another code than 0.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().during(format_args!("cannot start {}", describe(command)))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("{} failed ({status})", describe(command)))) }
}

/// A program that gives way to others, where the system can do that: for builds that run beside the work in front.
#[must_use]
pub fn in_background(program: &str) -> Command {
    if on_path("nice") {
        let mut command = Command::new("nice");
        command.args(["-n", "10", program]);
        return command;
    }
    Command::new(program)
}

/// Runs to the end; what it says is shown only when it fails.
///
/// # Errors
/// The program cannot be started, or ends with another code than 0.
pub fn run_quietly(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().during(format_args!("cannot start {}", describe(command)))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    Err(Failure::new(format!("{} failed ({})\n{}", describe(command), output.status, said.join("\n").trim())))
}

/// Runs to the end and gives its stdout; stderr goes where ours goes.
///
/// # Errors
/// The program cannot be started, or ends with another code than 0.
pub fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output =
        command.stderr(Stdio::inherit()).output().during(format_args!("cannot start {}", describe(command)))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Failure::new(format!("{} failed ({})", describe(command), output.status)))
    }
}

/// What a program did with an input.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its stdout.
    pub stdout: Vec<u8>,
    /// Its stderr, as text.
    pub stderr: String,
}

/// Feeds `input` on stdin and collects everything. A program that does not read its input is no error.
///
/// # Errors
/// The program cannot be started.
pub fn feed(command: &mut Command, input: &[u8]) -> Result<Finished> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .during(format_args!("cannot start {}", describe(command)))?;
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // The write runs beside the read: a program that answers while it reads would block both otherwise.
        scope.spawn(move || {
            if let Some(mut stdin) = stdin {
                // A closed pipe only says that the program stopped reading; its exit code tells the rest.
                drop(stdin.write_all(input));
            }
        });
        child.wait_with_output()
    })
    .during(format_args!("cannot wait for {}", describe(command)))?;
    Ok(Finished {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Whether a program of that name is found on PATH.
#[must_use]
pub fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// The command line, short enough to read.
fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program).chain(command.get_args()).map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
