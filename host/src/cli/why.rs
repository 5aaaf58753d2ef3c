//! `windlass why`: the last failure in full.

use clap::Args;
use serde_json::json;

use super::failures::{self, FailureRecord};
use super::printer::{Outcome, style};
use crate::error::Error;
use crate::text::Text;

/// Show the last failure in full: Helm 4 hides what a failing plugin says.
///
/// Windlass keeps its last 50 failures in a file of its own. What may be secret is not in it: values of `--set` and of
/// extra arguments, also where a message quotes them (`…` stands there), and values of Secrets. A mistyped command line
/// takes no failure's place.
#[derive(Args, Debug)]
pub(super) struct WhyArgs {
    /// Show the last N failures, the newest last.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 1)]
    last: usize,
    /// Show what runs warned of instead: a run that warns is none that fails.
    #[arg(long)]
    warnings: bool,
}

pub(super) fn run(arguments: &WhyArgs) -> Result<Outcome, Error> {
    if arguments.warnings {
        return warnings(arguments.last);
    }
    let all = failures::read()?;
    let shown = all.get(all.len().saturating_sub(arguments.last)..).unwrap_or_default();
    let text = if shown.is_empty() {
        Text::new().say("no failure is on record\n")
    } else {
        let separator = |index: usize| Text::new().say(if index == 0 { "" } else { "\n" });
        shown.iter().enumerate().map(|(index, failure)| separator(index).then(&text_of(failure))).collect()
    };
    Ok(Outcome::report(text, json!({ "failures": shown })))
}

fn warnings(last: usize) -> Result<Outcome, Error> {
    let all = failures::read_warnings()?;
    let shown = all.get(all.len().saturating_sub(last)..).unwrap_or_default();
    let mut text = Text::new();
    if shown.is_empty() {
        text = text.say("no warning is on record\n");
    }
    for (index, warned) in shown.iter().enumerate() {
        let mut line = |label: &str, value: &str| {
            let label = format!("{:8}", format!("{label}:"));
            let taken = std::mem::take(&mut text);
            text = taken.style(style::NAME, label).say(" ").block(value, 9).say("\n");
        };
        if index > 0 {
            line("", "");
        }
        line("when", &warned.time);
        line("command", &format!("windlass {}", warned.command.join(" ")));
        line("folder", &warned.folder);
        if let Some(plugin) = &warned.helm_plugin {
            line("helm", &format!("started by Helm as the plugin {plugin}"));
        }
        for warning in &warned.warnings {
            line("warning", warning);
        }
    }
    Ok(Outcome::report(text, json!({ "warnings": shown })))
}

fn text_of(failure: &FailureRecord) -> Text {
    let mut lines = Vec::new();
    let mut line = |label: &str, value: &str| {
        let label = format!("{:8}", format!("{label}:"));
        lines.push(Text::new().style(style::NAME, label).say(" ").block(value, 9).say("\n"));
    };
    line("when", &failure.time);
    line("command", &format!("windlass {}", failure.command.join(" ")));
    line("folder", &failure.folder);
    if let Some(plugin) = &failure.helm_plugin {
        line("helm", &format!("started by Helm as the plugin {plugin}"));
    }
    if let Some(plugin) = &failure.plugin {
        line("plugin", plugin);
    }
    line("exit", &failure.exit_code.to_string());
    line("error", &failure.message);
    for hint in &failure.hints {
        line("hint", hint);
    }
    if let Some(detail) = &failure.detail {
        line("detail", detail);
    }
    lines.into_iter().collect()
}
