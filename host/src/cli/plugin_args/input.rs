//! The stream that a run reads, and who demands that it holds an object.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};

use super::PluginArgs;
use crate::cli::printer::Printer;
use crate::env::{ARGOCD_APP_NAME, REQUIRE_INPUT, Variable};
use crate::error::Error;
use crate::input;
use crate::limits::table::MAX_STREAM;
use crate::sandbox::stream;

impl PluginArgs {
    /// Reads the stream, once and whole.
    ///
    /// # Errors
    /// The file or stdin cannot be read, or holds no object where one is required.
    pub(in crate::cli) fn read_stream(&self, printer: &Printer) -> Result<Vec<u8>, Error> {
        let stream = self.read_any_stream(printer)?;
        if stream::is_empty(&stream) {
            match input_is_required(self.require_input, Variable::os)? {
                Some(why) => return Err(no_input(why)),
                None => printer.warning(
                    "the stream holds no object: if it comes from `helm template` in a pipe, that may have failed \
                     (`set -o pipefail` tells, `--require-input` refuses)",
                ),
            }
        }
        Ok(stream)
    }

    fn read_any_stream(&self, printer: &Printer) -> Result<Vec<u8>, Error> {
        match &self.file {
            Some(file) => input::read_named(file, MAX_STREAM)
                .map_err(|error| Error::usage(format!("the stream {} cannot be read: {error}", file.display()))),
            None => {
                let stdin = io::stdin().lock();
                if stdin.is_terminal() {
                    printer.note("reading manifests from the terminal; Ctrl-D ends them, --file reads a file");
                }
                // A file's length is a hint for the allocation only; a pipe has none.
                let length = rustix::fs::fstat(&stdin).map_or(0, |status| status.st_size);
                input::read_to_limit(stdin, MAX_STREAM, u64::try_from(length).unwrap_or(0))
                    .map_err(|error| Error::usage(format!("the stream on stdin cannot be read: {error}")))
            }
        }
    }
}

/// Who demands that the stream holds an object, if anyone does. Argo CD sets its variable for every command of a config
/// management plugin, and deletes, where pruning is on, what a command does not name any more.
fn input_is_required(flag: bool, value: impl Fn(&Variable) -> Option<OsString>) -> Result<Option<&'static str>, Error> {
    if flag {
        return Ok(Some("`--require-input` is given"));
    }
    match value(&REQUIRE_INPUT).as_deref().map(|value| value.to_str()) {
        Some(Some("1" | "true")) => Ok(Some("`WINDLASS_REQUIRE_INPUT` is set")),
        Some(Some("0" | "false")) => Ok(None),
        None | Some(Some("")) if value(&ARGOCD_APP_NAME).is_some() => Ok(Some("Argo CD's variables are set")),
        None | Some(Some("")) => Ok(None),
        Some(_) => Err(Error::usage(format!("`{}` is neither 1 nor 0", REQUIRE_INPUT.name))),
    }
}

fn no_input(why: &str) -> Error {
    Error::usage(format!("the stream holds no object, and {why}"))
        .hint(
            "a command before `windlass` in the pipe has failed or had nothing to say: with `set -o pipefail` (bash) its \
             failure ends the pipe",
        )
        .hint(format!("where a stream without objects is right, leave `--require-input` out or set `{}=0`",
            REQUIRE_INPUT.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_stream_is_refused_where_it_would_delete() {
        let check = |flag: bool, variables: &[(Variable, &str)], expected: Result<Option<&str>, &str>| {
            let variable = |asked: &Variable| {
                variables.iter().find(|(key, _)| key.name == asked.name).map(|(_, value)| OsString::from(value))
            };
            let found = input_is_required(flag, variable).map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{flag} {variables:?}");
        };
        check(false, &[], Ok(None));
        check(true, &[], Ok(Some("`--require-input` is given")));
        check(true, &[(REQUIRE_INPUT, "0")], Ok(Some("`--require-input` is given")));
        check(false, &[(REQUIRE_INPUT, "1")], Ok(Some("`WINDLASS_REQUIRE_INPUT` is set")));
        check(false, &[(REQUIRE_INPUT, "0"), (ARGOCD_APP_NAME, "web")], Ok(None));
        check(false, &[(ARGOCD_APP_NAME, "web")], Ok(Some("Argo CD's variables are set")));
        check(false, &[(REQUIRE_INPUT, "yes")], Err("`WINDLASS_REQUIRE_INPUT` is neither 1 nor 0"));
    }
}
