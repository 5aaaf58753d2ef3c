//! `windlass inspect`: what can be known of a plugin without running it.

use clap::Args;
use serde_json::{Value as Json, json};

use super::explain::{about, listed};
use super::printer::{Outcome, Printer, style};
use super::remote_args::RemoteArgs;
use crate::error::Error;
use crate::inspect::{self, Inspection, Verdict, settings};
use crate::plugin::identity;
use crate::render;
use crate::source::PluginRef;
use crate::text::{Text, one_line, wrapped};

/// Show what a plugin does, what it asks for and how it is configured, without running it.
#[derive(Args, Debug)]
pub(super) struct InspectArgs {
    /// A .wasm file, a plugin folder, a .tgz, oci://HOST/REPO/NAME:VERSION, oci-layout:DIR[:TAG], or the name of an
    /// installed plugin.
    #[arg(value_name = "PLUGIN")]
    plugin: PluginRef,
    /// Also show what the module imports and exports.
    #[arg(long, short = 'v')]
    verbose: bool,
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
    let mut about_yaml = None;
    if let (Some(object), Some(yaml)) = (json.as_object_mut(), &yaml) {
        let about = json!({ "name": yaml.name, "version": yaml.version.to_string(), "runtime": yaml.runtime.word() });
        object.insert("pluginYaml".to_owned(), about);
        about_yaml = Some(format!("{} {}, runtime {}", yaml.name, yaml.version, yaml.runtime.word()));
    }
    let mut lines = Lines { text: about(&inspection, printer.width()).say("\n"), width: printer.width() };
    for_people(&inspection, &mut lines);
    lines.text = lines.text.say("\n");
    lines.line("plugin", &inspection.plugin);
    if let Some(about) = about_yaml {
        lines.line("plugin.yaml", &about);
    }
    for_the_record(&inspection, &mut lines);
    if arguments.verbose {
        imports_and_exports(&inspection, &mut lines);
    }
    Ok(Outcome::report(lines.text, json))
}

struct Lines {
    text: Text,
    width: usize,
}

impl Lines {
    /// A label and a value; the value's further lines are indented like its first.
    fn line(&mut self, label: &str, value: &str) {
        const WIDTH: usize = 14;
        let value: Vec<String> = value.lines().map(|line| wrapped(line, self.width.saturating_sub(WIDTH))).collect();
        let text = std::mem::take(&mut self.text);
        self.text = text.style(style::NAME, format!("{label:WIDTH$}")).block(value.join("\n"), WIDTH).say("\n");
    }
}

/// What someone who wants to use it needs: what it asks for, how it is configured, and where it runs.
fn for_people(inspection: &Inspection, lines: &mut Lines) {
    if inspection.command {
        lines.line("kind", "a command: the stream is its standard input, its standard output is the answer");
    }
    let flags = |is_optional: bool| {
        let asked = inspection.capabilities.iter().filter(move |asked| asked.optional == is_optional);
        asked.map(|asked| match asked.why.as_str() {
            "" => asked.flag.clone(),
            why => format!("{} ({why})", asked.flag),
        })
    };
    lines.line("asks for", &joined(flags(false).collect(), "nothing"));
    let optional: Vec<String> = flags(true).collect();
    if !optional.is_empty() {
        lines.line("can use", &joined(optional, "nothing"));
    } else if !inspection.usable_grants.is_empty() {
        lines.line("can use", &inspection.usable_grants.join(", "));
    }
    lines.line("Windlass", &verdict(&inspection.windlass));
    lines.line("Helm's engine", &verdict(&inspection.helm_runtime));
    match &inspection.config_schema {
        None => lines.line("settings", "not described: it carries no schema"),
        Some(schema) if settings::settings(schema).is_empty() => lines.line("settings", "none"),
        Some(schema) => {
            let listed = listed(schema, 2, lines.width);
            let text = std::mem::take(&mut lines.text);
            lines.text = text.style(style::NAME, "settings").say("\n").then(&listed);
        }
    }
}

/// What it is, byte by byte, and where it is from.
fn for_the_record(inspection: &Inspection, lines: &mut Lines) {
    lines.line("digest", &inspection.digest);
    lines.line("size", &format!("{} bytes", inspection.size));
    if let Some(metadata) = inspection.metadata.as_ref().and_then(Json::as_object) {
        for key in ["license", "source"] {
            if let Some(value) = metadata.get(key).and_then(Json::as_str).filter(|value| !value.is_empty()) {
                lines.line(key, value);
            }
        }
    } else {
        lines.line("metadata", "none");
    }
}

fn imports_and_exports(inspection: &Inspection, lines: &mut Lines) {
    let exports = inspection.exports.iter().map(|export| format!("{} {}", export.name, export.r#type)).collect();
    lines.line("exports", &joined(exports, "none"));
    let imports = inspection.imports.iter().map(|import| {
        let note = match (import.capability, import.offered) {
            (Some(capability), _) => format!(" (needs {capability})"),
            (None, false) => " (unknown to Windlass)".to_owned(),
            (None, true) => String::new(),
        };
        format!("{} {} {}{note}", import.module, import.name, import.r#type)
    });
    lines.line("imports", &joined(imports.collect(), "none"));
}

/// One line for each, whatever they are called.
fn joined(items: Vec<String>, none: &str) -> String {
    match items.as_slice() {
        [] => none.to_owned(),
        items => items.iter().map(|item| one_line(item)).collect::<Vec<_>>().join("\n"),
    }
}

fn verdict(verdict: &Verdict) -> String {
    match verdict.accepted {
        true => "accepts it".to_owned(),
        false => format!("refuses it: {}", verdict.reasons.join("; ")),
    }
}
