//! `windlass why`: the last failure in full.

use clap::Args;
use serde_json::json;

use super::failures::{self, Failure};
use super::printer::{Outcome, printable, style, styled};
use crate::error::Error;

/// Show the last failure in full: Helm 4 hides what a failing plugin says.
///
/// Windlass keeps its last 50 failures in a file of its own, without values of `--set` and of extra arguments, which
/// may be secrets.
#[derive(Args, Debug)]
pub(super) struct WhyArgs {
    /// Show the last N failures, the newest last.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 1)]
    last: usize,
}

pub(super) fn run(arguments: &WhyArgs) -> Result<Outcome, Error> {
    let all = failures::read()?;
    let shown = all.get(all.len().saturating_sub(arguments.last)..).unwrap_or_default();
    let text = if shown.is_empty() {
        "no failure is on record\n".to_owned()
    } else {
        shown.iter().map(text_of).collect::<Vec<_>>().join("\n")
    };
    Ok(Outcome::report(text, json!({ "failures": shown })))
}

fn text_of(failure: &Failure) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        let value = printable(value).replace('\n', "\n         ");
        text.push_str(&format!("{} {value}\n", styled(style::NAME, &format!("{:8}", format!("{label}:")))));
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
    text
}
