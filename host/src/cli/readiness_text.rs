//! Objects and their statuses as text: the lines, table and tree of `wait` and `status`, and the same as JSON.

use std::time::Duration;

use anstyle::Style;
use serde_json::{Value as Json, json};
use windlass_kstatus::Status;

use super::printer::style;
use crate::text::{Text, one_line};
use crate::wait::explain::Reasons;
use crate::wait::{Goal, Row};

/// A duration as kubectl shows ages: `12s`, `5m`, `3h`, `2d`.
pub(super) fn short(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..120 => format!("{seconds}s"),
        seconds @ 120..7_200 => format!("{}m", seconds / 60),
        seconds @ 7_200..172_800 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

pub(super) fn style_of(status: Status) -> Style {
    match status {
        Status::Current => style::ADDED,
        Status::Failed => style::ERROR,
        Status::InProgress | Status::Terminating => style::WARNING,
        Status::NotFound | Status::Unknown => style::FAINT,
    }
}

/// `Deployment/web  InProgress  Replicas: 0/2`.
pub(super) fn line(row: &Row) -> Text {
    let text = Text::new().style(style::NAME, &row.key).say("  ");
    let text = text.style(style_of(row.verdict.status), row.verdict.status.as_str());
    match row.verdict.message.as_str() {
        "" => text,
        message => text.say("  ").show(message),
    }
}

/// An object as JSON.
pub(super) fn json_of(row: &Row) -> Json {
    json!({
        "apiVersion": row.key.api_version,
        "kind": row.key.kind,
        "namespace": row.key.namespace,
        "name": row.key.name,
        "status": row.verdict.status,
        "message": row.verdict.message,
        "conditions": row.verdict.conditions,
        "ageSeconds": row.age.map(|age| age.as_secs()),
    })
}

pub(super) fn json_of_reasons(reasons: &Reasons) -> Json {
    json!({"conditions": reasons.conditions, "pods": reasons.pods, "events": reasons.events})
}

/// The reasons below an object, each on a line of its own.
pub(super) fn reasons(reasons: &Reasons, indentation: &'static str) -> Text {
    let mut text = Text::new();
    for (word, lines) in [("condition", &reasons.conditions), ("pod", &reasons.pods), ("event", &reasons.events)] {
        for line in lines {
            text = text.say(indentation).style(style::HINT, format!("{word}:")).say(" ").show(line).say("\n");
        }
    }
    text
}

/// A live table that fits a terminal of this size: what is not ready first, then a bar.
pub(super) fn table(rows: &[Row], goal: Goal, elapsed: Duration, timeout: Duration, size: (usize, usize)) -> Vec<Text> {
    let (width, height) = size;
    let reached = rows.iter().filter(|row| row.has_reached(goal)).count();
    let mut order: Vec<&Row> = rows.iter().collect();
    order.sort_by_key(|row| (row.has_reached(goal), row.verdict.status != Status::Failed));
    let room = height.saturating_sub(4).max(1);
    let hidden = order.len().saturating_sub(room);
    let shown = order.get(..order.len().min(room)).unwrap_or_default();
    let name_width = shown.iter().map(|row| one_line(&row.key.to_string()).chars().count()).max().unwrap_or(0);
    let name_width = name_width.clamp(11, (width / 2).max(11));
    let head = format!("{:name_width$}  {:11}  {:>4}  MESSAGE", "KIND/NAME", "STATUS", "AGE");
    let mut lines = vec![Text::new().style(style::FAINT, cut(&head, width))];
    for row in shown {
        let name = cut(&one_line(&row.key.to_string()), name_width);
        let age = row.age.map(short).unwrap_or_default();
        let status = format!("{:11}", row.verdict.status.as_str());
        let message = cut(&one_line(&row.verdict.message), width.saturating_sub(name_width + 21));
        let line = Text::new().show(format!("{name:name_width$}  ")).style(style_of(row.verdict.status), status);
        lines.push(line.show(format!("  {age:>4}  {message}")));
    }
    if hidden > 0 {
        lines.push(Text::new().style(style::FAINT, cut(&format!("and {hidden} more"), width)));
    }
    lines.push(bar(reached, rows.len(), goal, elapsed, timeout, width));
    lines
}

fn bar(reached: usize, all: usize, goal: Goal, elapsed: Duration, timeout: Duration, width: usize) -> Text {
    let word = if goal == Goal::Gone { "gone" } else { "ready" };
    let text = format!("{reached}/{all} {word}  {} of {}", short(elapsed), short(timeout));
    let room = width.saturating_sub(text.chars().count() + 4).min(40);
    if room < 10 {
        return Text::new().show(cut(&text, width));
    }
    let full = (room * reached).checked_div(all).unwrap_or(room);
    let bar = Text::new().say("[").style(style::ADDED, "#".repeat(full)).show(".".repeat(room - full));
    bar.say("] ").show(text)
}

/// At most `width` characters, with `…` where some are missing.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::ObjectKey;
    use windlass_kstatus::Verdict;

    fn row(name: &str, verdict: Verdict) -> Row {
        let key = ObjectKey {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: "default".to_owned(),
            name: name.to_owned(),
        };
        Row { key, verdict, age: Some(Duration::from_secs(130)), is_known: true }
    }

    #[test]
    fn a_table_fits_the_terminal() {
        let rows = [
            row("ready", Verdict::current("Deployment is available. Replicas: 1")),
            row("slow", Verdict::in_progress("LessReady", "Ready: 0/1, and a message that is much too long for this")),
            row("broken", Verdict::failed("X", "bro\u{1b}[31mken")),
        ];
        let lines = table(&rows, Goal::Ready, Duration::from_secs(5), Duration::from_secs(300), (60, 24));
        let plain: Vec<String> = lines.iter().map(Text::plain).collect();
        assert!(plain.iter().all(|line| line.chars().count() <= 60), "{plain:#?}");
        assert!(plain.iter().all(|line| !line.contains('\u{1b}')));
        assert!(plain[1].starts_with("Deployment/broken  Failed         2m  bro"), "{plain:#?}");
        assert!(plain[4].ends_with("] 1/3 ready  5s of 5m"), "{plain:#?}");
        let small = table(&rows, Goal::Ready, Duration::ZERO, Duration::ZERO, (8, 2));
        assert!(small.len() <= 4);
    }

    #[test]
    fn durations_are_short() {
        for (seconds, text) in [(0, "0s"), (119, "119s"), (120, "2m"), (7_199, "119m"), (7_200, "2h"), (200_000, "2d")]
        {
            assert_eq!(short(Duration::from_secs(seconds)), text);
        }
    }
}
