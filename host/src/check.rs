//! Stage six.
use crate::error::Error;
use crate::run::RawOutput;
/// Output that Helm survives.
#[derive(Debug)]
pub struct Checked {
    pub(crate) stream: Vec<u8>,
    pub(crate) changed: bool,
}
/// Checks.
pub fn check(input: Vec<u8>, output: RawOutput) -> Result<Checked, Error> {
    if output.is_unchanged {
        return Ok(Checked { stream: input, changed: false });
    }
    Ok(Checked { stream: output.stream, changed: true })
}
