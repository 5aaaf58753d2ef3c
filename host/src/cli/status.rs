//! `windlass status`: one look at a release, as a tree.

use std::time::Duration;

use clap::Args;
use serde_json::{Value as Json, json};

use super::printer::{Outcome, Printer, style};
use super::readiness_text as text;
use super::wait::{Found, Look, View, WhatArgs, exit_code};
use crate::error::Error;
use crate::text::Text;
use crate::wait::track::Summary;
use crate::wait::{Ending, Goal, Progress};

/// Show the status of every object of a release, with its pods, without waiting.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    what: WhatArgs,
    /// Go on looking until Ctrl-C: a table on a terminal, a line per change elsewhere.
    #[arg(long)]
    watch: bool,
}

const EXIT_CODES: &str = "\
Exit codes: 0 all are ready; 1 one has failed; 2 wrong usage, or no such release; 3 a permission is missing; 4 some are \
not ready; 5 no connection to the API server.";

/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long `--watch` goes on if nobody stops it.
const WATCHING: Duration = Duration::from_secs(24 * 3_600);

pub(super) fn run(arguments: &StatusArgs, printer: &Printer) -> Result<Outcome, Error> {
    let (found, summary) = if arguments.watch {
        let mut view = View::new(printer, Goal::Watch, WATCHING);
        let look = Look { with_pods: true, ..Look::new(Goal::Watch, WATCHING) };
        let seen = arguments.what.look(&look, printer, &mut |progress| view.tell(progress))?;
        view.finish()?;
        seen
    } else {
        let look = Look { with_pods: true, ..Look::new(Goal::Look, PATIENCE) };
        arguments.what.look(&look, printer, &mut |progress| {
            if let Progress::Warning(warning) = progress {
                printer.warning(warning);
            }
        })?
    };
    let text = match printer.is_markdown() {
        true => {
            let ready = summary.rows.iter().filter(|row| row.has_reached(Goal::Look)).count();
            let head = format!("{ready} of {} objects are ready", summary.rows.len());
            text::markdown(&found.title, &head, &found.state, &summary, Goal::Look)
        }
        false => tree(&found, &summary),
    };
    let outcome = Outcome::report(text, json_of(&found, &summary));
    Ok(outcome.with_exit_code(exit_code(summary.ending)))
}

fn tree(found: &Found, summary: &Summary) -> Text {
    let mut tree = Text::new().style(style::NAME, &found.title).say("\n");
    for line in &found.state {
        tree = tree.say("  ").show(line).say("\n");
    }
    for (index, row) in summary.rows.iter().enumerate() {
        let is_last = index + 1 == summary.rows.len();
        let (branch, trunk, below) =
            if is_last { ("└─ ", "   ", "      ") } else { ("├─ ", "│  ", "│     ") };
        tree = tree.say(branch).then(&text::line(row)).say("\n");
        let pods = summary.pods.get(&index).map(Vec::as_slice).unwrap_or_default();
        for (number, pod) in pods.iter().enumerate() {
            let branch = if number + 1 == pods.len() { "└─ " } else { "├─ " };
            tree = tree.say(trunk).say(branch).then(&text::line(pod)).say("\n");
        }
        if let Some(reasons) = summary.reasons.get(&index) {
            tree = tree.then(&text::reasons(reasons, below));
        }
    }
    tree
}

fn json_of(found: &Found, summary: &Summary) -> Json {
    let objects: Vec<Json> = summary
        .rows
        .iter()
        .enumerate()
        .map(|(index, row)| {
            let mut object = text::json_of(row);
            if let Some(pods) = summary.pods.get(&index) {
                object["pods"] = pods.iter().map(text::json_of).collect();
            }
            if let Some(reasons) = summary.reasons.get(&index) {
                object["reasons"] = text::json_of_reasons(reasons);
            }
            object
        })
        .collect();
    json!({ "title": found.title, "state": found.state, "causes": text::json_of_causes(summary), "ready": summary.ending == Ending::Reached, "objects": objects })
}
