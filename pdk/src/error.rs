//! The one error type of plugins.

use std::fmt;

use windlass_abi::message::MessageError;
use windlass_abi::raw::FailureCode;
use windlass_abi::set::SetError;
use windlass_manifest::ErrorKind;

use crate::config::ConfigError;

/// Why a plugin failed. The text reaches the person through Extism's error; never empty.
///
/// An error made with [`Object::refuse`](crate::Object::refuse) carries the object and its line; `?` turns it into
/// this type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: FailureCode,
    text: String,
}

impl Error {
    /// The plugin says no to the stream (exit code 1 under Windlass).
    pub fn new(text: impl Into<String>) -> Self {
        Error::with_code(FailureCode::Refused, text.into())
    }

    /// The configuration is wrong, or the stream cannot be read (exit code 2 under Windlass).
    pub fn config(text: impl Into<String>) -> Self {
        Error::with_code(FailureCode::Config, text.into())
    }

    fn with_code(code: FailureCode, text: String) -> Self {
        // Helm's engine crashes on a failure without a text.
        let text = if text.trim().is_empty() { "the plugin failed without saying why".to_owned() } else { text };
        Error { code, text }
    }

    /// What crosses the boundary as a number.
    pub fn code(&self) -> FailureCode {
        self.code
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

impl From<windlass_manifest::Error> for Error {
    fn from(error: windlass_manifest::Error) -> Self {
        let text = match error.hint() {
            Some(hint) => format!("{error}; {hint}"),
            None => error.to_string(),
        };
        // Input that cannot be read is nobody's refusal: under Windlass it is exit code 2, whoever finds it.
        let code = match error.kind() {
            ErrorKind::NotUtf8 | ErrorKind::Syntax | ErrorKind::NotAnObject | ErrorKind::TooLarge => {
                FailureCode::Config
            }
            _ => FailureCode::Refused,
        };
        Error::with_code(code, text)
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Error::with_code(FailureCode::Config, error.to_string())
    }
}

impl From<SetError> for Error {
    fn from(error: SetError) -> Self {
        Error::with_code(FailureCode::Config, error.to_string())
    }
}

/// A message that Helm should not have sent is no fault of the stream, but of how the plugin is run.
impl From<MessageError> for Error {
    fn from(error: MessageError) -> Self {
        Error::with_code(FailureCode::Config, error.to_string())
    }
}
