//! `windlass explain`: a plugin's settings, as `kubectl explain` shows the fields of a kind.

use clap::Args;
use serde_json::{Value as Json, json};

use super::printer::{Outcome, Printer, style};
use super::remote_args::RemoteArgs;
use crate::error::Error;
use crate::inspect::settings::{self, Setting};
use crate::inspect::{self, Inspection};
use crate::render;
use crate::source::PluginRef;
use crate::text::{Text, wrapped};

/// Explain a plugin's settings: what each is for, its shape, its default, and how it is written.
#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    /// A .wasm file, a plugin folder, a .tgz, oci://HOST/REPO/NAME:VERSION, oci-layout:DIR[:TAG], or the name of an
    /// installed plugin.
    #[arg(value_name = "PLUGIN")]
    plugin: PluginRef,
    /// One setting, with dots between the keys: `targets.kind`. Without it, all of the first level.
    #[arg(value_name = "KEY")]
    key: Option<String>,
    /// Only the keys, one a line, as --set takes them. The shells' completion asks for them.
    #[arg(long, conflicts_with = "key")]
    keys: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// How many levels of keys `--keys` lists.
const MOST_LEVELS: usize = 3;

/// The keys of settings and of what is in them, `a.b` and `a[0].b`.
fn paths(known: &[Setting<'_>], above: &str, levels: usize, found: &mut Vec<String>) {
    for setting in known {
        let path = format!("{above}{}", setting.key.replace('.', "\\."));
        let inner = if setting.shape().starts_with("list") { format!("{path}[0].") } else { format!("{path}.") };
        found.push(path);
        if levels > 1 {
            paths(&setting.settings(), &inner, levels - 1, found);
        }
    }
}

pub(super) fn run(arguments: &ExplainArgs, printer: &Printer) -> Result<Outcome, Error> {
    let remote = arguments.remote.remote_for(&arguments.plugin, true, printer)?;
    let plugin = render::open_with(&arguments.plugin, &remote)?;
    let inspection = inspect::inspect(&plugin)?;
    let Some(schema) = &inspection.config_schema else {
        return Err(Error::usage("it says nothing of its settings: it carries no schema of its configuration")
            .in_plugin(plugin.name())
            .hint("its documentation may say more; `windlass inspect PLUGIN` names its source"));
    };
    let key = arguments.key.as_deref();
    let setting =
        key.map(|key| settings::find(schema, key).map_err(|error| error.in_plugin(plugin.name()))).transpose()?;
    let width = printer.width();
    let known = setting.map_or_else(|| settings::settings(schema), |setting| setting.settings());
    let mut text = match setting {
        None => about(&inspection, width),
        Some(setting) => described(&setting, key.unwrap_or_default(), 0, width),
    };
    text = text.say("\n");
    if !known.is_empty() {
        text = known.iter().fold(text, |text, setting| text.then(&described(setting, setting.key, 2, width)));
        text = text.say("\n");
    }
    let shown: Vec<String> = setting.map_or_else(
        || known.iter().map(Setting::example).collect(),
        |setting| vec![within(key.unwrap_or_default(), &setting)],
    );
    let example = shown.join("\n");
    if arguments.keys {
        let mut keys = Vec::new();
        paths(&known, "", MOST_LEVELS, &mut keys);
        let text = keys.iter().fold(Text::new(), |text, key| text.show(key).say("\n"));
        return Ok(Outcome::report(text, json!({ "plugin": inspection.plugin, "keys": keys })));
    }
    if !example.is_empty() {
        text = text.style(style::NAME, "written as").say("\n  ").block(&example, 2).say("\n");
    }
    Ok(Outcome::report(
        text,
        json!({
            "plugin": inspection.plugin,
            "name": of_metadata(&inspection, "name"),
            "version": of_metadata(&inspection, "version"),
            "description": of_metadata(&inspection, "description"),
            "key": key,
            "setting": setting.map(|setting| setting.to_json()),
            "settings": known.iter().map(Setting::to_json).collect::<Vec<_>>(),
            "example": example,
        }),
    ))
}

/// The example of a setting below the keys that it stands in.
fn within(key: &str, setting: &Setting<'_>) -> String {
    let above: Vec<&str> = key.split('.').collect();
    let depth = above.len().saturating_sub(1);
    let mut lines: Vec<String> = Vec::new();
    let mut indentation = 0;
    for word in above.iter().take(depth) {
        let (word, is_item) = word.split_once('[').map_or((*word, false), |(word, _)| (word, true));
        lines.push(format!("{:indentation$}{word}:", ""));
        indentation += if is_item { 4 } else { 2 };
    }
    for line in setting.example().lines() {
        lines.push(format!("{:indentation$}{line}", ""));
    }
    lines.join("\n")
}

fn of_metadata<'i>(inspection: &'i Inspection, key: &str) -> &'i str {
    inspection.metadata.as_ref().and_then(|metadata| metadata.get(key)?.as_str()).unwrap_or_default()
}

/// What the plugin is: its name, its version and what it does.
pub(super) fn about(inspection: &Inspection, width: usize) -> Text {
    let (name, version) = (of_metadata(inspection, "name"), of_metadata(inspection, "version"));
    let name = if name.is_empty() { inspection.plugin.as_str() } else { name };
    let text =
        Text::new().style(style::NAME, name).say(if version.is_empty() { "" } else { " " }).show(version).say("\n");
    match of_metadata(inspection, "description") {
        "" => text,
        description => text.say("  ").block(wrapped(description, width.saturating_sub(2)), 2).say("\n"),
    }
}

/// A setting on a line, and what it is for on those below.
pub(super) fn described(setting: &Setting<'_>, name: &str, indentation: usize, width: usize) -> Text {
    let inner = indentation + 2;
    let text = Text::new().block(" ".repeat(indentation), 0).style(style::NAME, name).say("  ");
    let text = text.show(setting.summary()).say("\n");
    match setting.description() {
        "" => text,
        description => {
            let description = wrapped(description, width.saturating_sub(inner));
            text.block(" ".repeat(inner), 0).block(description, inner).say("\n")
        }
    }
}

/// All settings of a schema, one below the other.
pub(super) fn listed(schema: &Json, indentation: usize, width: usize) -> Text {
    settings::settings(schema).iter().map(|setting| described(setting, setting.key, indentation, width)).collect()
}
