//! How important a message is.

/// How important a message is; the numbers are Extism's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Each step.
    Trace = 0,
    /// What helps to find a fault.
    Debug = 1,
    /// What a person may want to know.
    Info = 2,
    /// What a person should look at.
    Warn = 3,
    /// What went wrong. An error that ends the run is returned instead.
    Error = 4,
}
