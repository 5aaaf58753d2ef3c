//! Objects and their statuses as text: the lines, table and tree of `wait` and `status`, and the same as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use anstyle::Style;
use serde_json::{Value as Json, json};
use unicode_width::UnicodeWidthStr as _;
use windlass_kstatus::Status;

use super::printer::style;
use crate::text::{Text, one_line};
use crate::wait::explain::Reasons;
use crate::wait::track::Summary;
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
        Status::OutOfSync => style::WARNING,
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
    json!({
        "cause": reasons.root, "conditions": reasons.conditions, "pods": reasons.pods, "logs": reasons.logs,
        "events": reasons.events,
    })
}

/// The reasons below an object, each on a line of its own.
pub(super) fn reasons(reasons: &Reasons, indentation: &'static str) -> Text {
    let mut text = Text::new();
    for (word, lines) in
        [("condition", &reasons.conditions), ("pod", &reasons.pods), ("log", &reasons.logs), ("event", &reasons.events)]
    {
        for line in lines {
            text = text.say(indentation).style(style::HINT, format!("{word}:")).say(" ").show(line).say("\n");
        }
    }
    text
}

/// Causes that hold up several objects, with their kinds and names.
fn causes(summary: &Summary) -> Vec<(String, Vec<&Row>)> {
    let mut found: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for (index, row) in summary.rows.iter().enumerate() {
        if let Some(root) = summary.reasons.get(&index).and_then(|reasons| reasons.root.as_deref()) {
            found.entry(root).or_default().push(row);
        }
    }
    let mut causes: Vec<_> = found.into_iter().map(|(root, rows)| (root.to_owned(), rows)).collect();
    causes.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    causes
}

/// `3 Deployments`, `2 objects`.
fn counted(rows: &[&Row]) -> String {
    let kind = rows.first().map_or("object", |row| row.key.kind.as_str());
    let kind = if rows.iter().all(|row| row.key.kind == kind) { kind } else { "object" };
    match rows.len() {
        1 => rows.first().map(|row| row.key.to_string()).unwrap_or_default(),
        count => format!("{count} {kind}s"),
    }
}

pub(super) fn json_of_causes(summary: &Summary) -> Json {
    let cause = |(cause, rows): (String, Vec<&Row>)| {
        let objects: Vec<String> = rows.iter().map(|row| row.key.to_string()).collect();
        json!({"cause": cause, "objects": objects})
    };
    causes(summary).into_iter().map(cause).collect()
}

/// How a wait ended: the causes first, then every object that is not ready with its reasons.
pub(super) fn report(title: &str, head: &str, state: &[String], summary: &Summary, goal: Goal) -> Text {
    let mut report = Text::new().style(style::NAME, title).say(": ").show(head).say("\n");
    for line in state {
        report = report.say("  ").show(line).say("\n");
    }
    for (cause, rows) in causes(summary) {
        report = report
            .say("  ")
            .style(style::ERROR, "cause:")
            .say(" ")
            .show(counted(&rows))
            .say(": ")
            .show(cause)
            .say("\n");
    }
    for (index, row) in summary.rows.iter().enumerate().filter(|(_, row)| !row.has_reached(goal)) {
        report = report.say("  ").then(&line(row)).say("\n");
        if let Some(found) = summary.reasons.get(&index) {
            report = report.then(&reasons(found, "    "));
        }
    }
    report
}

/// The same for a job summary on GitHub.
pub(super) fn markdown(title: &str, head: &str, state: &[String], summary: &Summary, goal: Goal) -> Text {
    let mut report = Text::new().say("### ").show(escaped(title)).say("\n\n").show(escaped(head)).say("\n");
    for line in state {
        report = report.say("\n- ").show(escaped(line));
    }
    for (cause, rows) in causes(summary) {
        report = report.say("\n- **").show(escaped(&counted(&rows))).say("**: ").show(escaped(&cause));
    }
    report = report.say("\n\n| Object | Status | Age | Why |\n|---|---|---|---|\n");
    let mut order: Vec<(usize, &Row)> = summary.rows.iter().enumerate().collect();
    order.sort_by_key(|(_, row)| rank(row, goal));
    let hidden = order.len().saturating_sub(MARKDOWN_ROWS);
    for (index, row) in order.into_iter().take(MARKDOWN_ROWS) {
        let why = why(row, summary.reasons.get(&index));
        let mark = if row.has_reached(goal) { "✅ " } else { "❌ " };
        report = report.say("| ").show(escaped(&row.key.to_string())).say(" | ").say(mark);
        report = report.show(row.verdict.status).say(" | ").show(row.age.map(short).unwrap_or_default());
        report = report.say(" | ").show(escaped(&why)).say(" |\n");
    }
    if hidden > 0 {
        report = report.say("\nand ").show(hidden).say(" more\n");
    }
    report
}

/// The most rows of a table in Markdown; GitHub takes a megabyte.
const MARKDOWN_ROWS: usize = 500;

/// Text that has no meaning in Markdown, a table of it or HTML.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for letter in cut(&one_line(text), 500).chars() {
        match letter {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '!' | '@' => {
                safe.push('\\');
                safe.push(letter);
            }
            _ => safe.push(letter),
        }
    }
    safe
}

/// The one reason, where more is known than the message says.
fn why(row: &Row, reasons: Option<&Reasons>) -> String {
    match reasons.and_then(|reasons| reasons.root.as_deref()) {
        Some(root) => format!("{}: {root}", row.verdict.message),
        None => row.verdict.message.clone(),
    }
}

/// What is not ready comes first, failures before all.
fn rank(row: &Row, goal: Goal) -> (bool, bool) {
    (row.has_reached(goal), row.verdict.status != Status::Failed)
}

/// A line for a log in which nothing has happened for a while.
pub(super) fn heartbeat(rows: &[Row], goal: Goal, elapsed: Duration, timeout: Duration) -> Text {
    let reached = rows.iter().filter(|row| row.has_reached(goal)).count();
    let word = if goal == Goal::Gone { "gone" } else { "ready" };
    let head = format!("{reached}/{} {word} after {} of {}", rows.len(), short(elapsed), short(timeout));
    let text = Text::new().show(head);
    match rows.iter().filter(|row| !row.has_reached(goal)).min_by_key(|row| rank(row, goal)) {
        Some(row) => text.say("; waiting for ").then(&line(row)),
        None => text,
    }
}

/// The columns of a terminal that a text takes.
pub(super) fn width(text: &Text) -> usize {
    text.plain().width()
}

/// A live table that is smaller than a terminal of this size: what is not ready first, then a bar.
pub(super) fn table(rows: &[Row], goal: Goal, elapsed: Duration, timeout: Duration, size: (usize, usize)) -> Vec<Text> {
    // The last column stays empty: some terminals begin a new line after it.
    let (width, height) = (size.0.saturating_sub(1).max(1), size.1);
    let reached = rows.iter().filter(|row| row.has_reached(goal)).count();
    let mut order: Vec<&Row> = rows.iter().collect();
    order.sort_by_key(|row| rank(row, goal));
    // A head, a line for what is hidden, the bar, and a row that stays free.
    let room = height.saturating_sub(5).max(1);
    let hidden = order.len().saturating_sub(room);
    let shown = order.get(..order.len().min(room)).unwrap_or_default();
    let name_width = shown.iter().map(|row| one_line(&row.key.to_string()).width()).max().unwrap_or(0);
    let name_width = name_width.clamp(11, (width / 2).max(11));
    let head = format!("{:name_width$}  {:11}  {:>4}  WHY", "KIND/NAME", "STATUS", "AGE");
    let mut lines = vec![Text::new().style(style::FAINT, cut(&head, width))];
    for row in shown {
        let name = padded(&one_line(&row.key.to_string()), name_width.min(width));
        let age = row.age.map(short).unwrap_or_default();
        let room = width.saturating_sub(name.width());
        let status = cut(&format!("  {:11}", row.verdict.status.as_str()), room);
        let rest = room.saturating_sub(status.width());
        let message = cut(&format!("  {age:>4}  {}", one_line(&row.verdict.message)), rest);
        lines.push(Text::new().show(name).style(style_of(row.verdict.status), status).show(message));
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
    let room = width.saturating_sub(text.width() + 4).min(40);
    if room < 10 {
        return Text::new().show(cut(&text, width));
    }
    let full = (room * reached).checked_div(all).unwrap_or(room);
    let bar = Text::new().say("[").style(style::ADDED, "#".repeat(full)).show(".".repeat(room - full));
    bar.say("] ").show(text)
}

/// At most `width` columns, with `…` where something is missing. Wide characters (CJK, emoji) take two.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    for letter in text.chars() {
        // What combines with what is before it may change its width: the whole is measured.
        short.push(letter);
        if short.width() + 1 > width {
            short.pop();
            break;
        }
    }
    short.push('…');
    short
}

/// Exactly `width` columns.
fn padded(text: &str, width: usize) -> String {
    let mut text = cut(text, width);
    let missing = width.saturating_sub(text.width());
    text.extend(std::iter::repeat_n(' ', missing));
    text
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
        Row { key, verdict, age: Some(Duration::from_secs(130)), is_known: true, is_denied: false }
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
        // Wide characters take two columns, and no message makes lines of its own.
        let wide = [row("数据库", Verdict::in_progress("X", "等待\nall 3 objects are ready 🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀"))];
        let lines = table(&wide, Goal::Ready, Duration::ZERO, Duration::ZERO, (50, 24));
        assert!(lines.iter().all(|line| width(line) < 50 && !line.plain().contains('\n')), "{lines:?}");
        // However many there are, the table is smaller than the screen.
        let many: Vec<Row> = (0..500).map(|number| row(&format!("r{number}"), Verdict::current(""))).collect();
        assert!(table(&many, Goal::Ready, Duration::ZERO, Duration::ZERO, (80, 24)).len() < 23);
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
