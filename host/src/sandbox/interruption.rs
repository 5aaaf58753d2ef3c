//! What stops a plugin when its time is over: its own code, or the end of the process.

use std::sync::Arc;

use crate::error::Error;

/// What stops a plugin when its time is over. See ARCHITECTURE.md for what is lost with the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// Its code looks at a counter at every loop and call, and traps.
    ByEpoch,
    /// Its code looks at nothing, and the process ends.
    EndsProcess,
}

impl Interruption {
    pub(crate) fn of(ending: Option<&Arc<Ending>>) -> Self {
        match ending {
            None => Self::ByEpoch,
            Some(_) => Self::EndsProcess,
        }
    }
}

/// Tells the user why the process ends, and ends it; must not come back.
pub type Ending = dyn Fn(&Error) -> std::convert::Infallible + Send + Sync;
