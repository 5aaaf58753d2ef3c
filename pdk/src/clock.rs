//! The wall clock (`--allow-clock`). What a plugin makes of it differs from run to run: nothing that should stay the
//! same between two renders of the same release may depend on it.
//!
//! A plugin that uses this module imports a function that only Windlass offers: Helm's own engine cannot run it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::Error;
use crate::host;

/// The time now. `SystemTime::now` of the standard library panics in a module.
///
/// # Errors
/// Only in tests: nobody said what time it is ([`crate::test::answer_clock`]).
pub fn now() -> Result<SystemTime, Error> {
    Ok(UNIX_EPOCH + Duration::from_nanos(host::nanoseconds()?))
}
