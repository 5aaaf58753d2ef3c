//! `windlass diff`: what a run would change.

use clap::Args;
use serde_json::json;

use super::plugin_args::PluginArgs;
use super::printer::{Outcome, Printer, printable, style, styled};
use crate::diff::{self, Change, ObjectDiff};
use crate::error::{Error, ExitCode};

/// Show what `run` with the same arguments would change, object by object. Exit code 1 when it would change anything.
#[derive(Args, Debug)]
pub(super) struct DiffArgs {
    #[command(flatten)]
    plugins: PluginArgs,
}

pub(super) fn run(arguments: &DiffArgs, printer: &Printer) -> Result<Outcome, Error> {
    let steps = arguments.plugins.steps(printer)?;
    let stream = arguments.plugins.read_stream(printer)?;
    let rendered = arguments.plugins.render(&steps, stream.clone(), printer)?;
    // For an empty stream the answer is a comment that keeps Helm content: no object changes.
    let objects = if rendered.changed { diff::compare(&stream, &rendered.stream) } else { Vec::new() };
    let count = |change: Change| objects.iter().filter(|object| object.change == change).count();
    let counts = [count(Change::Changed), count(Change::Added), count(Change::Removed)];
    let [changed, added, removed] = counts;
    let mut text: String = objects.iter().map(text_of).collect();
    if objects.is_empty() {
        text.push_str("nothing would change\n");
    } else {
        let plural = |count: usize| if count == 1 { "object" } else { "objects" };
        text.push_str(&format!("{changed} {} would change, {added} be added, {removed} be removed\n", plural(changed)));
    }
    let exit_code = if objects.is_empty() { ExitCode::Ok } else { ExitCode::Refused };
    let json = json!({
        "changed": !objects.is_empty(),
        "summary": { "changed": changed, "added": added, "removed": removed },
        "objects": objects,
    });
    Ok(Outcome::report(text, json).with_exit_code(exit_code))
}

fn text_of(object: &ObjectDiff) -> String {
    let place = if object.kind.is_empty() {
        "outside of all objects".to_owned()
    } else {
        let namespace = object.namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
        format!("{}/{}{namespace} (line {})", object.kind, object.name, object.line)
    };
    let change = match object.change {
        Change::Changed => "changes",
        Change::Added => "is added",
        Change::Removed => "is removed",
    };
    let mut text = format!("{} {change}\n", styled(style::NAME, &printable(&place)));
    for hunk in &object.hunks {
        let head = format!("@@ -{},{} +{},{} @@", hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines);
        text.push_str(&styled(style::HINT, &head));
        text.push('\n');
        for line in &hunk.lines {
            let line = printable(line);
            match line.as_bytes().first() {
                Some(b'+') => text.push_str(&styled(style::ADDED, &line)),
                Some(b'-') => text.push_str(&styled(style::REMOVED, &line)),
                _ => text.push_str(&line),
            }
            text.push('\n');
        }
    }
    text.push('\n');
    text
}
