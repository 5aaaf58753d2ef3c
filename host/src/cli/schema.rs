//! `windlass schema`: JSON Schemas of the files that people write, for editors and checks.

use clap::{Args, ValueEnum};

use super::printer::Outcome;
use crate::config::schema;
use crate::error::Error;
use crate::text::json_bytes;

/// Print the JSON Schema of windlass.yaml, or of another file of Windlass.
#[derive(Args, Debug)]
pub(super) struct SchemaArgs {
    /// The file.
    #[arg(value_enum, value_name = "FILE", default_value_t)]
    file: File,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum File {
    /// windlass.yaml.
    #[default]
    Pipeline,
    /// windlass.lock.
    Lock,
    /// The trust policy of a user or of a machine.
    Policy,
}

pub(super) fn run(arguments: &SchemaArgs) -> Result<Outcome, Error> {
    let schema = match arguments.file {
        File::Pipeline => schema::pipeline(),
        File::Lock => schema::lock(),
        File::Policy => schema::policy(),
    };
    // The same in both output formats: it is JSON as it is.
    let bytes = json_bytes(&schema, true)
        .map_err(|error| Error::bug(format!("the schema cannot be written as JSON: {error}")))?;
    Ok(Outcome::bytes(bytes))
}
