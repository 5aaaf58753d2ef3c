//! A report in the forms people and programs take it.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{Finding, Report, Verdict};
use crate::markup::{self, uri};

/// The report as JSON; its fields are a contract.
pub fn json(report: &Report) -> Json {
    let findings: Vec<Json> = report.findings.iter().map(finding).collect();
    json!({ "findings": findings, "summary": summary(report), "skipped": skipped(report) })
}

fn finding(finding: &Finding) -> Json {
    let needs = &finding.needs;
    let mut json = json!({
        "file": finding.file,
        "line": finding.line,
        "kind": finding.kind,
        "executable": finding.executable,
        "verdict": finding.verdict.word(),
        "plugins": finding.plugins,
        "config": finding.config,
        "effort": finding.effort,
        "needs": {
            "programs": needs.programs,
            "env": needs.env,
            "files": needs.files,
            "network": needs.network,
            "arguments": needs.arguments,
            "cluster": needs.cluster,
            "clock": needs.clock,
            "writes": needs.writes,
        },
        "helm4": finding.helm4,
        "defects": finding.defects,
        "why": finding.why,
    });
    if let (Some(rule), Some(json)) = (finding.rule, json.as_object_mut()) {
        json.insert("rule".to_owned(), rule.into());
    }
    json
}

fn summary(report: &Report) -> Json {
    let renderers = report.findings.iter().filter(|finding| finding.rule.is_none());
    let mut verdicts: BTreeMap<&str, usize> = Verdict::ALL.iter().map(|verdict| (verdict.word(), 0)).collect();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in renderers.clone() {
        *verdicts.entry(finding.verdict.word()).or_default() += 1;
        *kinds.entry(&finding.kind).or_default() += 1;
    }
    json!({
        "files": report.files,
        "read": report.read,
        "postRenderers": renderers.count(),
        "helmCli": report.findings.iter().filter(|finding| finding.rule.is_some()).count(),
        "verdicts": verdicts,
        "kinds": kinds,
    })
}

fn skipped(report: &Report) -> Json {
    report.skipped.iter().map(|skipped| json!({ "file": skipped.file, "why": skipped.why })).collect()
}

/// The report as SARIF 2.1.0, for code scanning: each verdict and each rule about Helm's command line is a rule.
/// Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.
pub fn sarif(report: &Report, version: &str) -> Json {
    let mut rules: Vec<Json> = Verdict::ALL
        .iter()
        .map(|verdict| {
            json!({
                "id": format!("post-renderer-{verdict}"),
                "shortDescription": { "text": format!("post-renderer: {verdict}") },
                "fullDescription": { "text": verdict.says() },
            })
        })
        .collect();
    rules.extend(super::RULES.iter().map(|rule| {
        json!({
            "id": rule.id,
            "shortDescription": { "text": rule.title },
            "fullDescription": { "text": format!("{} ({})", rule.why, rule.source) },
        })
    }));
    let results: Vec<Json> = report.findings.iter().map(sarif_result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "windlass port audit", "version": version, "rules": rules } },
            "results": results,
        }],
    })
}

fn sarif_result(finding: &Finding) -> Json {
    let rule = finding.rule.map_or_else(|| format!("post-renderer-{}", finding.verdict), str::to_owned);
    let plugins =
        finding.plugins.first().map(|plugins| format!(" Plugins: {}.", plugins.join(", "))).unwrap_or_default();
    let level = match finding.verdict {
        Verdict::Already | Verdict::Knob => "note",
        _ => "warning",
    };
    json!({
        "ruleId": rule,
        "level": level,
        "message": { "text": format!("{} ({}): {}.{plugins}", finding.executable, finding.verdict, finding.why) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&finding.file) },
                "region": { "startLine": finding.line },
            },
        }],
    })
}

/// The columns of the table for a spreadsheet.
const COLUMNS: [&str; 13] = [
    "file",
    "line",
    "kind",
    "executable",
    "verdict",
    "plugins",
    "effort",
    "programs",
    "environment",
    "network",
    "helm4",
    "defects",
    "why",
];

fn row(finding: &Finding) -> [String; 13] {
    let plugins: Vec<String> = finding.plugins.iter().map(|plugins| plugins.join(" + ")).collect();
    [
        finding.file.clone(),
        finding.line.to_string(),
        finding.kind.clone(),
        finding.executable.clone(),
        finding.rule.map_or_else(|| finding.verdict.word().to_owned(), str::to_owned),
        plugins.join(" | "),
        finding.effort.to_owned(),
        finding.needs.programs.join(" "),
        finding.needs.env.join(" "),
        finding.needs.network.join(" "),
        finding.helm4.join("; "),
        finding.defects.join("; "),
        finding.why.clone(),
    ]
}

/// The report as CSV (RFC 4180). A cell that a spreadsheet would take for a formula begins with an apostrophe.
pub fn csv(report: &Report) -> String {
    let mut text = COLUMNS.join(",");
    text.push_str("\r\n");
    for finding in &report.findings {
        let cells: Vec<String> = row(finding).iter().map(|cell| csv_cell(cell)).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

fn csv_cell(cell: &str) -> String {
    let safe = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() };
    if safe.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

/// The report as one HTML file that needs nothing else: sorted by its headings, filtered by words and verdicts,
/// printed. Everything that came from the tree is text in it, never markup or script.
pub fn html(report: &Report) -> String {
    let mut counts = String::new();
    for verdict in Verdict::ALL {
        let count =
            report.findings.iter().filter(|finding| finding.rule.is_none() && finding.verdict == verdict).count();
        if count > 0 {
            counts.push_str(&format!(
                "<button type=\"button\" data-verdict=\"{verdict}\" title=\"{}\">{verdict} <b>{count}</b></button>\n",
                escaped(verdict.says())
            ));
        }
    }
    let rules = report.findings.iter().filter(|finding| finding.rule.is_some()).count();
    if rules > 0 {
        counts.push_str(&format!(
            "<button type=\"button\" data-verdict=\"helm-cli\">Helm's command line <b>{rules}</b></button>\n"
        ));
    }
    let mut rows = String::new();
    for finding in &report.findings {
        rows.push_str(&html_row(finding));
    }
    let mut skipped = String::new();
    for one in &report.skipped {
        skipped.push_str(&format!("<li><code>{}</code>: {}</li>\n", escaped(&one.file), escaped(&one.why)));
    }
    if !skipped.is_empty() {
        skipped = format!("<h2>Left out</h2>\n<ul>\n{skipped}</ul>\n");
    }
    TEMPLATE
        .replace("@FILES@", &report.files.to_string())
        .replace("@SITES@", &(report.findings.len() - rules).to_string())
        .replace("@COUNTS@", &counts)
        // What came from the tree is put in last, so that nothing in it can be taken for a place to put something.
        .replace("@ROWS@", &format!("{rows}</tbody></table>\n{skipped}"))
}

fn html_row(finding: &Finding) -> String {
    let list = |items: &[String]| items.iter().map(|item| format!("<li>{}</li>", escaped(item))).collect::<String>();
    let plugins: Vec<String> = finding.plugins.iter().map(|plugins| escaped(&plugins.join(" + "))).collect();
    let verdict = finding.rule.unwrap_or(finding.verdict.word());
    let group = if finding.rule.is_some() { "helm-cli" } else { finding.verdict.word() };
    let needs = &finding.needs;
    let mut needed: Vec<String> = Vec::new();
    for (name, items) in [
        ("programs", &needs.programs),
        ("environment", &needs.env),
        ("files", &needs.files),
        ("network", &needs.network),
        ("arguments", &needs.arguments),
        ("writes", &needs.writes),
    ] {
        if !items.is_empty() {
            needed.push(format!("{name}: {}", items.join(", ")));
        }
    }
    if needs.cluster {
        needed.push("the cluster".to_owned());
    }
    if needs.clock {
        needed.push("time or chance".to_owned());
    }
    let mut details = String::new();
    for (title, items) in [("Needs", &needed), ("Under Helm 4", &finding.helm4), ("Defects today", &finding.defects)] {
        if !items.is_empty() {
            details.push_str(&format!("<h4>{title}</h4><ul>{}</ul>", list(items)));
        }
    }
    if !finding.config.is_empty() {
        details.push_str(&format!("<h4>To start from</h4><pre>{}</pre>", escaped(&finding.config)));
    }
    let why = escaped(&finding.why);
    let details =
        if details.is_empty() { why } else { format!("<details><summary>{why}</summary>{details}</details>") };
    format!(
        "<tr data-verdict=\"{group}\"><td><code>{}:{}</code></td><td>{}</td><td><code>{}</code></td><td><span class=\"v {group}\">{verdict}</span></td><td>{}</td><td>{}</td><td>{details}</td></tr>\n",
        escaped(&finding.file),
        finding.line,
        escaped(&finding.kind),
        escaped(&finding.executable),
        plugins.join("<br>or "),
        finding.effort,
    )
}

/// A text of the tree within HTML, also within attributes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in markup::html(text).chars() {
        match letter {
            // What turns the order of reading round, or shows nothing.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' => {
                out.extend(letter.escape_unicode())
            }
            _ if letter.is_control() && letter != '\n' => out.extend(letter.escape_unicode()),
            _ => out.push(letter),
        }
    }
    out
}

const TEMPLATE: &str = include_str!("report/template.html");

#[cfg(test)]
mod tests {
    use super::super::{Needs, Skipped};
    use super::*;

    fn hostile() -> Report {
        let finding = Finding {
            file: "a b/<script>.sh".to_owned(),
            line: 3,
            kind: "shell".to_owned(),
            executable: "=cmd|' /C calc'!A0".to_owned(),
            verdict: Verdict::Replace,
            plugins: vec![vec!["select".to_owned(), "images".to_owned()], vec!["patcher".to_owned()]],
            config: "@ROWS@ \"<b>\"".to_owned(),
            effort: "minutes",
            needs: Needs::default(),
            helm4: Vec::new(),
            defects: vec!["\u{202e}x\u{1b}[0m".to_owned()],
            why: "a, \"b\"\n@FILES@".to_owned(),
            rule: None,
        };
        let skipped = vec![Skipped { file: "<img src=x>".to_owned(), why: "\"".to_owned() }];
        Report { findings: vec![finding], skipped, files: 7, read: 1 }
    }

    #[test]
    fn what_came_from_the_tree_is_no_markup() {
        let html = html(&hostile());
        for bad in ["<script>.sh", "<img", "<b>\"", "\u{202e}", "\u{1b}"] {
            assert!(!html.contains(bad), "{bad:?}");
        }
        assert!(html.contains("a b/&lt;script&gt;.sh:3") && html.contains("@FILES@") && html.contains("@ROWS@"));
        // Works offline: nothing is fetched.
        assert!(!html.contains("http://") && !html.contains("https://"));
    }

    #[test]
    fn a_spreadsheet_runs_no_cell() {
        let csv = csv(&hostile());
        let line = csv.lines().nth(1).unwrap();
        assert!(
            line.starts_with("a b/<script>.sh,3,shell,'=cmd|' /C calc'!A0,replace,select + images | patcher,"),
            "{line}"
        );
        assert!(csv.contains("\"a, \"\"b\"\"\n@FILES@\""), "{csv}");
    }

    #[test]
    fn sarif_names_a_rule_for_each_result() {
        let sarif = sarif(&hostile(), "1");
        let run = &sarif["runs"][0];
        let rules: Vec<&str> =
            run["tool"]["driver"]["rules"].as_array().unwrap().iter().filter_map(|rule| rule["id"].as_str()).collect();
        assert!(rules.contains(&run["results"][0]["ruleId"].as_str().unwrap()));
        assert_eq!(
            run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            "a%20b/%3Cscript%3E.sh"
        );
    }
}
