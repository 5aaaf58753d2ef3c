//! A guest for tests: it uses every function of the PDK that needs a grant, and appends an object that shows what came
//! back. HTTP has a sample plugin of its own (`pin-images`).

use std::time::{Duration, UNIX_EPOCH};

use windlass_pdk::{Config, Error, Manifests, Value, clock, environment, files, plugin, random, variables};

/// What to try.
#[derive(Debug, Config)]
pub struct Settings {
    /// The file to read.
    #[config(default = "/in/file")]
    read: String,
    /// The file to write what was read to.
    #[config(default = "/out/file")]
    write: String,
    /// The variable to read.
    #[config(default = "GUEST_VARIABLE")]
    variable: String,
    /// How many bytes to draw.
    #[config(default = 32)]
    random: u32,
}

/// A day in 2023, before which no clock is right.
const PAST: Duration = Duration::from_secs(1_700_000_000);

/// Tries everything once.
///
/// # Errors
/// A file or a variable that is not UTF-8.
#[plugin(asks = [
    read("/in", "to read a file"),
    write("/out", "to write it again"),
    env("GUEST_VARIABLE", "to read a variable"),
    clock("to tell the time"),
    random("to draw bytes"),
])]
pub fn asks_for_everything(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    let file = files::read_text(&settings.read)?;
    files::write(&settings.write, file.as_deref().unwrap_or("nothing").as_bytes())?;
    let (first, second) = (random::bytes(settings.random as usize)?, random::bytes(settings.random as usize)?);
    let is_random = first.len() == settings.random as usize && first != second;

    variables::set("kept", b"yes");
    variables::set("gone", b"no");
    variables::remove("gone");
    let kept = variables::get("kept").and_then(|value| String::from_utf8(value).ok());

    let shown = |text: Option<String>| text.map_or(Value::Null, Value::String);
    let data = [
        ("file", shown(file)),
        ("variable", shown(environment::get(&settings.variable)?)),
        ("clock", Value::Bool(clock::now()? > UNIX_EPOCH + PAST)),
        ("random", Value::Bool(is_random)),
        ("kept", shown(kept)),
        ("gone", shown(variables::get("gone").map(|_| "still there".to_owned()))),
    ];
    let text = |text: &str| Value::String(text.to_owned());
    manifests.push(&Value::Map(vec![
        ("apiVersion".to_owned(), text("v1")),
        ("kind".to_owned(), text("ConfigMap")),
        ("metadata".to_owned(), Value::Map(vec![("name".to_owned(), text("answers"))])),
        ("data".to_owned(), Value::Map(data.map(|(key, value)| (key.to_owned(), value)).to_vec())),
    ]))?;
    Ok(())
}
