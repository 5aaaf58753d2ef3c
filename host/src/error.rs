//! The one public error of the host: what happened, what to do next, and the exit code that tells a script which of
//! the two sides has to act.
//!
//! A message is a lower-case sentence without a full stop that says what happened and never what to do; the advice is
//! a [hint](Error::hints), which the edge (the command line) prints on lines of its own.

use std::fmt;

use crate::finding::Finding;
use crate::secrets::Secrets;

/// The most bytes of an error's text, of a hint, and of what a guest says as its error.
pub const MAX_ERROR_TEXT: u64 = 16 << 10;

/// What a process that met an [`Error`] ends with. The numbers are a contract: scripts branch on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// All went well.
    Ok = 0,
    /// The plugin said no, failed, or broke the rules for its output (and: `diff` found changes).
    Refused = 1,
    /// Wrong usage or configuration, input that cannot be read, or a file that is not what it should be.
    Usage = 2,
    /// A grant is missing, or trust could not be established.
    Denied = 3,
    /// A limit was hit: time, memory, output, call depth, or the compiler's share of any of them.
    Limit = 4,
    /// The network or a registry failed.
    Network = 5,
    /// What is [`Refused`](ExitCode::Refused) elsewhere, under `diff`, where 1 says that something would change.
    RefusedDiff = 6,
    /// A defect of Windlass itself.
    Bug = 70,
    /// Someone pressed Ctrl-C during `wait` or `status`; what shells report for a program that it ended.
    Interrupted = 130,
    /// Whoever reads stdout ended before the answer was written; what shells report for a program that SIGPIPE ended.
    BrokenPipe = 141,
}

impl ExitCode {
    /// Every code with what it means, in the order of the numbers.
    pub const ALL: [(ExitCode, &'static str); 10] = [
        (Self::Ok, "done"),
        (Self::Refused, "the plugin said no, or `diff` found changes"),
        (Self::Usage, "wrong usage or configuration, or input that cannot be read"),
        (Self::Denied, "a grant is missing, or trust could not be established"),
        (Self::Limit, "a limit was hit"),
        (Self::Network, "the network or a registry failed"),
        (
            Self::RefusedDiff,
            "the plugin said no to `diff`, which follows diff(1): 0 the same, 1 changes, above 1 trouble",
        ),
        (Self::Bug, "a bug in Windlass"),
        (Self::Interrupted, "Ctrl-C during `wait` or `status`"),
        (Self::BrokenPipe, "whoever reads stdout ended before the answer was written"),
    ];

    /// The number that the process exits with.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// Everything that can go wrong in a run, with its exit code, its hints and, once known, the plugin at fault.
///
/// ```
/// use windlass::error::{Error, ExitCode};
///
/// let error = Error::usage("`plugins/x` is not a plugin").hint("give a `.wasm` file or a folder with a plugin.yaml");
/// assert_eq!(error.exit_code(), ExitCode::Usage);
/// assert_eq!(error.to_string(), "`plugins/x` is not a plugin");
/// ```
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    // Boxed, so that a `Result` stays as small as its success value on the run path.
    inner: Box<Inner>,
}

/// What went wrong, as logic asks for it ([`Error::is_network`] and the like); the exit code follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Refused,
    Usage,
    Denied,
    Limit,
    Network,
    Bug,
    /// One that only the command line knows.
    Ending(ExitCode),
}

impl From<ExitCode> for Kind {
    fn from(exit_code: ExitCode) -> Self {
        match exit_code {
            ExitCode::Refused => Self::Refused,
            ExitCode::Usage => Self::Usage,
            ExitCode::Denied => Self::Denied,
            ExitCode::Limit => Self::Limit,
            ExitCode::Network => Self::Network,
            ExitCode::Bug => Self::Bug,
            ExitCode::Ok | ExitCode::RefusedDiff | ExitCode::Interrupted | ExitCode::BrokenPipe => {
                Self::Ending(exit_code)
            }
        }
    }
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Default)]
struct Inner {
    message: String,
    cause: Option<Cause>,
    plugin: Option<String>,
    hints: Vec<String>,
    detail: Option<String>,
    secrets: Secrets,
    findings: Vec<Finding>,
}

impl Error {
    /// An error of the kind that `exit_code` names. A text of more than [`MAX_ERROR_TEXT`] bytes is cut, like a hint.
    pub fn new(exit_code: ExitCode, message: impl Into<String>) -> Self {
        Self { kind: exit_code.into(), inner: Box::new(Inner { message: cut(message.into()), ..Inner::default() }) }
    }

    /// The plugin said no, failed, or gave output that Helm would not survive (exit 1).
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Refused, message)
    }

    /// Wrong usage, configuration or input (exit 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, message)
    }

    /// A missing grant or failed trust (exit 3).
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Denied, message)
    }

    /// A limit was hit (exit 4).
    pub fn limit(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Limit, message)
    }

    /// The network or a registry failed (exit 5).
    pub fn network(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Network, message)
    }

    /// Windlass itself is at fault (exit 70).
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Bug, message)
            .hint("this is a defect of Windlass: please report it together with what `windlass why` prints")
    }

    /// Adds advice: a lower-case sentence that says what to do next. Hints are shown in the order they were added.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.inner.hints.push(cut(hint.into()));
        self
    }

    /// Names the plugin at fault. The innermost name wins: a second call changes nothing.
    #[must_use]
    pub fn in_plugin(mut self, plugin: impl Into<String>) -> Self {
        if self.inner.plugin.is_none() {
            self.inner.plugin = Some(plugin.into());
        }
        self
    }

    /// Adds what only `windlass why` shows: a backtrace, the plugin's last log lines, a compiler's complaint.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.inner.detail = Some(detail.into());
        self
    }

    /// Adds what the plugins of the run had found until then.
    #[must_use]
    pub(crate) fn with_findings(mut self, findings: Vec<Finding>) -> Self {
        self.inner.findings = findings;
        self
    }

    /// The same error with another text.
    #[must_use]
    pub(crate) fn saying(mut self, message: impl Into<String>) -> Self {
        self.inner.message = cut(message.into());
        self
    }

    /// What the plugins of the run had found until then, this error's own among them.
    pub fn findings(&self) -> &[Finding] {
        &self.inner.findings
    }

    /// Names values that the record of failures must not keep: what this error says may quote them.
    #[must_use]
    pub(crate) fn quoting(mut self, secrets: &Secrets) -> Self {
        self.inner.secrets.extend(secrets);
        self
    }

    /// What must be taken out of what this error says before it is kept.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.inner.secrets
    }

    /// The same error with another exit code.
    #[must_use]
    pub fn with_exit_code(mut self, exit_code: ExitCode) -> Self {
        self.kind = exit_code.into();
        self
    }

    /// Keeps what led to this error, for whoever asks [`std::error::Error::source`].
    #[must_use]
    pub fn caused_by(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.inner.cause = Some(Box::new(cause));
        self
    }

    /// What the process should exit with.
    pub fn exit_code(&self) -> ExitCode {
        match self.kind {
            Kind::Refused => ExitCode::Refused,
            Kind::Usage => ExitCode::Usage,
            Kind::Denied => ExitCode::Denied,
            Kind::Limit => ExitCode::Limit,
            Kind::Network => ExitCode::Network,
            Kind::Bug => ExitCode::Bug,
            Kind::Ending(exit_code) => exit_code,
        }
    }

    /// Whether the plugin said no, failed, or broke the rules for its output.
    pub fn is_refusal(&self) -> bool {
        self.kind == Kind::Refused
    }

    /// Whether what was asked for is wrong: arguments, a configuration, a file.
    pub fn is_usage(&self) -> bool {
        self.kind == Kind::Usage
    }

    /// Whether a limit was hit.
    pub fn is_limit(&self) -> bool {
        self.kind == Kind::Limit
    }

    /// Whether the network or a registry failed, so that what is here already may do instead.
    pub fn is_network(&self) -> bool {
        self.kind == Kind::Network
    }

    /// Whether Windlass itself is at fault.
    pub fn is_bug(&self) -> bool {
        self.kind == Kind::Bug
    }

    /// Whether somebody ended the run, or nobody listens any more: nothing went wrong.
    pub fn is_ending(&self) -> bool {
        matches!(self.kind, Kind::Ending(ExitCode::Interrupted | ExitCode::BrokenPipe))
    }

    /// What happened, without the plugin's name.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// What to do next, one sentence each.
    pub fn hints(&self) -> &[String] {
        &self.inner.hints
    }

    /// The plugin at fault, where one is.
    pub fn plugin(&self) -> Option<&str> {
        self.inner.plugin.as_deref()
    }

    /// The long story, for `windlass why`.
    pub fn detail_text(&self) -> Option<&str> {
        self.inner.detail.as_deref()
    }
}

/// Whatever an error quotes, it stays short enough to be read: a name from outside may be a megabyte.
fn cut(mut text: String) -> String {
    let most = MAX_ERROR_TEXT as usize;
    if text.len() > most {
        let end = text.floor_char_boundary(most);
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
    text
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(plugin) = &self.inner.plugin {
            write!(f, "plugin `{plugin}`: ")?;
        }
        f.write_str(&self.inner.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.cause.as_deref().map(|cause| cause as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_plugin_name_wins() {
        let error = Error::refused("no").in_plugin("inner").in_plugin("outer");
        assert_eq!(error.to_string(), "plugin `inner`: no");
    }

    #[test]
    fn texts_are_cut() {
        let error = Error::usage("ä".repeat(1 << 20)).hint("x".repeat(1 << 20));
        assert!(error.to_string().len() < (MAX_ERROR_TEXT + 10) as usize && error.to_string().ends_with('…'));
        assert!(error.hints()[0].len() < (MAX_ERROR_TEXT + 10) as usize);
    }
}
