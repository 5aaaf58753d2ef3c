//! `windlass inspect`: what can be known of a plugin without running it.

use clap::Args;
use serde_json::{Value as Json, json};

use super::printer::{Outcome, Printer, style};
use super::remote_args::RemoteArgs;
use crate::error::Error;
use crate::inspect::{self, Inspection, Verdict};
use crate::plugin::identity;
use crate::render;
use crate::source::PluginRef;
use crate::text::{Text, one_line};

/// Show what a plugin is, what it asks for and how it is configured, without running it.
#[derive(Args, Debug)]
pub(super) struct InspectArgs {
    /// A .wasm file, a plugin folder, a .tgz, oci://HOST/REPO/NAME:VERSION, oci-layout:DIR[:TAG], or the name of an
    /// installed plugin.
    #[arg(value_name = "PLUGIN")]
    plugin: PluginRef,
    #[command(flatten)]
    remote: RemoteArgs,
}

pub(super) fn run(arguments: &InspectArgs, printer: &Printer) -> Result<Outcome, Error> {
    let remote = arguments.remote.remote_for(&arguments.plugin, true, printer)?;
    let plugin = render::open_with(&arguments.plugin, &remote)?;
    let inspection = inspect::inspect(&plugin)?;
    let yaml = identity::read_plugin_yaml(&plugin)?;
    let mut json = serde_json::to_value(&inspection)
        .map_err(|error| Error::bug(format!("the inspection cannot be written as JSON: {error}")))?;
    if let (Some(object), Some(yaml)) = (json.as_object_mut(), &yaml) {
        let about = json!({ "name": yaml.name, "version": yaml.version.to_string(), "runtime": yaml.runtime.word() });
        object.insert("pluginYaml".to_owned(), about);
    }
    let mut text = Lines::default();
    text.line("plugin", &inspection.plugin);
    if let Some(yaml) = &yaml {
        text.line("plugin.yaml", &format!("{} {}, runtime {}", yaml.name, yaml.version, yaml.runtime.word()));
    }
    describe(&inspection, &mut text);
    Ok(Outcome::report(text.0, json))
}

#[derive(Default)]
struct Lines(Text);

impl Lines {
    /// A label and a value; the value's further lines are indented like its first.
    fn line(&mut self, label: &str, value: &str) {
        const WIDTH: usize = 14;
        let text = std::mem::take(&mut self.0);
        self.0 = text.style(style::NAME, format!("{label:WIDTH$}")).block(value, WIDTH).say("\n");
    }
}

fn describe(inspection: &Inspection, text: &mut Lines) {
    if inspection.command {
        text.line("kind", "a command: the stream is its standard input, its standard output is the answer");
    }
    text.line("digest", &inspection.digest);
    text.line("size", &format!("{} bytes", inspection.size));
    if let Some(metadata) = inspection.metadata.as_ref().and_then(Json::as_object) {
        for key in ["name", "version", "description", "license", "source"] {
            if let Some(value) = metadata.get(key).and_then(Json::as_str).filter(|value| !value.is_empty()) {
                text.line(key, value);
            }
        }
    } else {
        text.line("metadata", "none");
    }
    let joined = |items: Vec<String>| match items.as_slice() {
        [] => "none".to_owned(),
        // One line for each, whatever they are called.
        items => items.iter().map(|item| one_line(item)).collect::<Vec<_>>().join("\n"),
    };
    let asks = inspection.capabilities.iter().map(|asked| match asked.why.as_str() {
        "" => asked.flag.clone(),
        why => format!("{} ({why})", asked.flag),
    });
    let asks = asks.collect();
    text.line("asks for", &joined(asks));
    if !inspection.usable_grants.is_empty() {
        text.line("can use", &inspection.usable_grants.join(", "));
    }
    let exports = inspection.exports.iter().map(|export| format!("{} {}", export.name, export.r#type)).collect();
    text.line("exports", &joined(exports));
    let imports = inspection.imports.iter().map(|import| {
        let note = match (import.capability, import.offered) {
            (Some(capability), _) => format!(" (needs {capability})"),
            (None, false) => " (unknown to Windlass)".to_owned(),
            (None, true) => String::new(),
        };
        format!("{} {} {}{note}", import.module, import.name, import.r#type)
    });
    text.line("imports", &joined(imports.collect()));
    let schema = match &inspection.config_schema {
        Some(schema) => describe_schema(schema),
        None => "no schema".to_owned(),
    };
    text.line("configuration", &schema);
    text.line("Windlass", &verdict(&inspection.windlass));
    text.line("Helm's engine", &verdict(&inspection.helm_runtime));
}

fn verdict(verdict: &Verdict) -> String {
    match verdict.accepted {
        true => "accepts it".to_owned(),
        false => format!("refuses it: {}", verdict.reasons.join("; ")),
    }
}

/// The top-level keys with their types and descriptions; the JSON output has the whole schema.
fn describe_schema(schema: &Json) -> String {
    let Some(properties) = schema.get("properties").and_then(Json::as_object) else { return schema.to_string() };
    let required: Vec<&str> =
        schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    let lines: Vec<String> = properties
        .iter()
        .map(|(key, property)| {
            let kind = property.get("type").and_then(Json::as_str).unwrap_or("any");
            let needed = if required.contains(&key.as_str()) { ", required" } else { "" };
            let description = property.get("description").and_then(Json::as_str).unwrap_or_default();
            one_line(format!("{key} ({kind}{needed}) {}", description.replace('\n', " ")).trim_end()).into_owned()
        })
        .collect();
    if lines.is_empty() { "takes no keys".to_owned() } else { lines.join("\n") }
}
