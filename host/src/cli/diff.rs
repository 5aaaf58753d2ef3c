//! `windlass diff`: what a run would change.

use std::sync::Arc;

use clap::Args;
use serde_json::{Value as Json, json};

use super::plugin_args::PluginArgs;
use super::printer::{Outcome, Printer, style};
use crate::diff::{self, Change, ObjectDiff};
use crate::error::{Error, ExitCode};
use crate::render::Rendered;
use crate::sandbox::interruption::Ending;
use crate::text::Text;

/// Show what `run` with the same arguments would change, object by object.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(super) struct DiffArgs {
    #[command(flatten)]
    plugins: PluginArgs,
}

const EXIT_CODES: &str = "\
Exit codes, as those of diff(1): 0 nothing would change; 1 something would; above 1 there is trouble, as under `run`, \
but 6 where `run` ends with 1, as the plugin said no.";

pub(super) fn run(arguments: &DiffArgs, printer: &Printer, ending: Arc<Ending>) -> Result<Outcome, Error> {
    let (stream, rendered) =
        rendered(&arguments.plugins, printer, ending).map_err(|error| match error.is_refusal() {
            true => error.with_exit_code(ExitCode::RefusedDiff),
            false => error,
        })?;
    let (text, json) = report(&stream, &rendered);
    let exit_code = if json["changed"] == false { ExitCode::Ok } else { ExitCode::Refused };
    Ok(Outcome::report(text, json).with_exit_code(exit_code))
}

/// What differs, for people and for programs.
pub(super) fn report(stream: &[u8], rendered: &Rendered) -> (Text, Json) {
    // For an empty stream the answer is a comment that keeps Helm content: no object changes.
    let objects = if rendered.changed { diff::compare(stream, &rendered.stream) } else { Vec::new() };
    let count = |change: Change| objects.iter().filter(|object| object.change == change).count();
    let counts = [count(Change::Changed), count(Change::Added), count(Change::Removed)];
    let [changed, added, removed] = counts;
    let text: Text = objects.iter().map(text_of).collect();
    let text = if objects.is_empty() {
        text.say("nothing would change\n")
    } else {
        let text = text.show(changed).say(if changed == 1 { " object" } else { " objects" });
        text.say(" would change, ").show(added).say(" be added, ").show(removed).say(" be removed\n")
    };
    let json = json!({
        "changed": !objects.is_empty(),
        "summary": { "changed": changed, "added": added, "removed": removed },
        "objects": objects,
        "findings": rendered.findings,
    });
    (text, json)
}

/// What goes into the plugins and what comes out.
fn rendered(plugins: &PluginArgs, printer: &Printer, ending: Arc<Ending>) -> Result<(Vec<u8>, Rendered), Error> {
    let steps = plugins.steps(printer)?;
    let stream = plugins.read_stream(printer)?;
    let rendered = plugins.render(&steps, stream.clone(), printer, Some(ending))?;
    Ok((stream, rendered))
}

fn text_of(object: &ObjectDiff) -> Text {
    let place = if object.kind.is_empty() {
        "outside of all objects".to_owned()
    } else {
        let namespace = object.namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
        let file = object.file.as_ref().map(|file| format!(", {file}")).unwrap_or_default();
        format!("{}/{}{namespace} (line {}{file})", object.kind, object.name, object.line)
    };
    let change = match object.change {
        Change::Changed => " changes\n",
        Change::Added => " is added\n",
        Change::Removed => " is removed\n",
    };
    let mut text = Text::new().style(style::NAME, place).say(change);
    for hunk in &object.hunks {
        let head = format!("@@ -{},{} +{},{} @@", hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines);
        text = text.style(style::HINT, head).say("\n");
        for line in &hunk.lines {
            let shown = match line.as_bytes().first() {
                Some(b'+') => text.style(style::ADDED, line),
                Some(b'-') => text.style(style::REMOVED, line),
                _ => text.show(line),
            };
            text = shown.say("\n");
        }
    }
    text.say("\n")
}
