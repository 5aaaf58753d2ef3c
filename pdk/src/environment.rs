//! Variables of the environment that Windlass runs in, each granted by its name (`--allow-env NAME`).
//!
//! A plugin that uses this module imports a function that only Windlass offers: Helm's own engine cannot run it. Asking
//! for a variable that was not granted ends the run.

use crate::error::Error;
use crate::host;

/// The value of a variable; `None` if it is not set. An empty value is a value.
///
/// # Errors
/// The value is not UTF-8; in tests also: nobody said what the environment is
/// ([`crate::test::answer_environment`]).
pub fn get(name: &str) -> Result<Option<String>, Error> {
    let text = |bytes| String::from_utf8(bytes).map_err(|_| Error::new(format!("the variable `{name}` is not UTF-8")));
    host::environment(name)?.map(text).transpose()
}
