//! Random bytes from the operating system (`--allow-random`), fit for secrets. What a plugin makes of them differs from
//! run to run.
//!
//! A plugin that uses this module imports a function that only Windlass offers: Helm's own engine cannot run it.

use crate::error::Error;
use crate::host;

/// So many random bytes. One call draws at most 1 MiB; more ends the run.
///
/// # Errors
/// Only in tests: nobody said which bytes ([`crate::test::answer_random`]).
pub fn bytes(length: usize) -> Result<Vec<u8>, Error> {
    host::random(length)
}
