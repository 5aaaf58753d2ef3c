//! What a plugin is, and the path that both entries take through it.

use windlass_abi::message;
use windlass_abi::set;
use windlass_manifest::{Manifests as Stream, Value};

use crate::config::{Config, ConfigError, Key, check_keys};
use crate::error::Error;
use crate::manifests::Manifests;
use crate::metadata::Metadata;
use crate::targets::{COMMON_KEYS, Common};

/// A plugin. [`windlass_pdk::plugin`](macro@crate::plugin) implements it for a type named after the function.
pub trait Plugin {
    /// What it reads from the configuration, beside `targets` and `expect`.
    type Settings: Config;

    /// What it says about itself.
    const METADATA: Metadata;

    /// Whether it takes extra arguments that are not of the form `key=value`.
    const TAKES_ARGS: bool;

    /// Transforms the stream.
    ///
    /// # Errors
    /// Whatever makes the plugin say no.
    fn run(settings: Self::Settings, manifests: &mut Manifests, args: &[String]) -> Result<(), Error>;
}

/// A stream that a plugin is done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The stream; never blank.
    pub stream: Vec<u8>,
    /// Whether any byte of it differs from the input.
    pub is_changed: bool,
}

/// What Helm accepts as "no resources"; an empty output would be an error there.
const EMPTY_STREAM: &[u8] = b"# empty\n";

/// Runs a plugin on a stream. `entry` looks up one entry of Extism's string map.
///
/// # Errors
/// A wrong configuration, a stream that cannot be read, and what the plugin refuses.
pub fn render<P: Plugin>(
    stream: Vec<u8>,
    extra_args: &[String],
    entry: impl Fn(&str) -> Option<String>,
) -> Result<Rendered, Error> {
    const {
        let fields = P::Settings::SCHEMA.fields().len();
        assert!(
            fields == P::Settings::KEYS.len(),
            "a hand-written `Config` forgets `KEYS`: its settings would never be read"
        );
    }
    let mut config = Vec::new();
    for key in P::Settings::KEYS.iter().chain(COMMON_KEYS) {
        if let Some(text) = entry(key.name) {
            let value = read_entry(*key, text).map_err(|error| error.under(key.name))?;
            config.push((key.name.to_owned(), value));
        }
    }
    let args: Vec<String> = set::apply_extra_args(&mut config, extra_args)?.into_iter().map(str::to_owned).collect();
    if let (Some(arg), false) = (args.first(), P::TAKES_ARGS) {
        return Err(Error::config(format!(
            "extra argument `{arg}` is not of the form `key=value`, and {} takes no others",
            P::METADATA.name
        )));
    }
    check_keys(&config, P::Settings::KEYS, COMMON_KEYS)?;
    let common = Common::take_from(&mut config)?;
    let settings = P::Settings::read(Value::Map(config))?;

    let mut manifests = Manifests::new(Stream::from_bytes(stream)?, common);
    P::run(settings, &mut manifests, &args)?;
    let (stream, is_changed) = manifests.finish()?;
    if is_blank(&stream) {
        return Ok(Rendered { stream: EMPTY_STREAM.to_vec(), is_changed: true });
    }
    Ok(Rendered { stream, is_changed })
}

/// One entry of the string map: the text itself where a string is wanted, YAML elsewhere.
fn read_entry(key: Key, text: String) -> Result<Value, ConfigError> {
    if key.is_text {
        return Ok(Value::String(text));
    }
    Value::from_yaml(&text).map_err(|error| ConfigError::new(format!("is not YAML: {error}")))
}

fn is_blank(stream: &[u8]) -> bool {
    stream.iter().all(u8::is_ascii_whitespace)
}

/// Runs a plugin on Helm's JSON message and gives the answer to send.
///
/// # Errors
/// As [`render`], and a message that is not Helm's.
pub fn render_message<P: Plugin>(input: Vec<u8>, entry: impl Fn(&str) -> Option<String>) -> Result<Vec<u8>, Error> {
    let input = message::parse_input(input)?;
    let output = render::<P>(input.manifests, &input.extra_args, entry)?;
    Ok(message::encode_output(&output.stream))
}
