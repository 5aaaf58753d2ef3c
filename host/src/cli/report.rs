//! Reports of findings for other programs: `--report FORMAT=FILE`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use serde_json::{Value as Json, json};
use windlass_port::markup::uri;

use crate::error::Error;
use crate::finding::{Finding, Level};
use crate::text::json_bytes;

/// Where reports go.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct ReportArgs {
    /// Write what was found into a file: sarif=FILE (SARIF 2.1.0), junit=FILE or json=FILE. May be given several times;
    /// the file is written whatever the end of the run is.
    #[arg(long = "report", value_name = "FORMAT=FILE", help_heading = "Output")]
    report: Vec<ReportFile>,
}

#[derive(Clone, Debug)]
struct ReportFile {
    format: Format,
    file: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Sarif,
    Junit,
    Json,
}

impl FromStr for ReportFile {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (format, file) = text.split_once('=').unwrap_or((text, ""));
        let format = match format {
            "sarif" => Format::Sarif,
            "junit" => Format::Junit,
            "json" => Format::Json,
            _ => return Err(Error::usage(format!("`{format}` is none of sarif, junit and json"))),
        };
        if file.is_empty() {
            return Err(Error::usage("the report's file is missing: FORMAT=FILE"));
        }
        Ok(Self { format, file: PathBuf::from(file) })
    }
}

/// What a report tells.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// What was found, in order.
    pub(super) findings: Vec<Finding>,
    /// What was looked at and is right: a plugin's name and what of it.
    pub(super) passed: Vec<(String, String)>,
}

impl Report {
    /// The report of a run of these plugins.
    pub(super) fn of_run(plugins: &[String], mut findings: Vec<Finding>, error: Option<&Error>) -> Self {
        let denies = |finding: &Finding| finding.level == Level::Deny;
        if let Some(error) = error
            && !findings.iter().any(denies)
        {
            // A report without it would say that all is well.
            let plugin = error.plugin().unwrap_or("windlass");
            let message = error.message();
            let mut failed = Finding::new(plugin, Level::Deny, message);
            failed.found.rule = "failed".to_owned();
            findings.push(failed);
        }
        let is_denied = |plugin: &String| findings.iter().any(|finding| denies(finding) && finding.plugin == *plugin);
        let passed = match error {
            // Those behind the one that failed did not run.
            Some(_) => Vec::new(),
            None => plugins.iter().filter(|plugin| !is_denied(plugin)).cloned().collect(),
        };
        let passed = passed.into_iter().map(|plugin: String| (plugin, "the release".to_owned())).collect();
        Self { findings, passed }
    }

    fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }
}

impl ReportArgs {
    /// Writes the reports.
    ///
    /// # Errors
    /// A file cannot be written (exit 2).
    pub(super) fn write(&self, report: &Report) -> Result<(), Error> {
        for ReportFile { format, file } in &self.report {
            let bytes = match format {
                Format::Json => bytes_of(&as_json(report))?,
                Format::Sarif => bytes_of(&as_sarif(report))?,
                Format::Junit => as_junit(report).into_bytes(),
            };
            std::fs::write(file, bytes)
                .map_err(|error| Error::usage(format!("the report {} cannot be written: {error}", file.display())))?;
        }
        Ok(())
    }
}

fn bytes_of(json: &Json) -> Result<Vec<u8>, Error> {
    json_bytes(json, true).map_err(|error| Error::bug(format!("the report cannot be written as JSON: {error}")))
}

fn as_json(report: &Report) -> Json {
    json!({
        "findings": report.findings,
        "summary": {
            "deny": report.count(Level::Deny),
            "warn": report.count(Level::Warn),
            "info": report.count(Level::Info),
            "passed": report.passed.len(),
        },
    })
}

/// `Deployment/prod/web`, as logical locations name it; empty where no object is known.
fn object_name(finding: &Finding) -> String {
    [&finding.kind, &finding.namespace, &finding.name]
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join("/")
}

/// SARIF 2.1.0: one run of Windlass. A chart's file is named without a line, as lines of the rendered stream are none
/// of the template; they are properties.
fn as_sarif(report: &Report) -> Json {
    let id_of = |finding: &Finding| match finding.rule.as_str() {
        "" => finding.plugin.clone(),
        rule => format!("{}/{rule}", finding.plugin),
    };
    let mut rules: BTreeMap<String, usize> = BTreeMap::new();
    for finding in &report.findings {
        rules.entry(id_of(finding)).or_default();
    }
    rules.values_mut().enumerate().for_each(|(index, place)| *place = index);
    let results: Vec<Json> =
        report.findings.iter().map(|finding| sarif_result(finding, &id_of(finding), &rules)).collect();
    let rules: Vec<Json> = rules.keys().map(|id| json!({ "id": id })).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "windlass",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn sarif_result(finding: &Finding, id: &str, rules: &BTreeMap<String, usize>) -> Json {
    let level = match finding.level {
        Level::Deny => "error",
        Level::Warn => "warning",
        Level::Info => "note",
    };
    let mut location = serde_json::Map::new();
    if !finding.file.is_empty() {
        let artifact = json!({ "uri": uri(&finding.file) });
        location.insert("physicalLocation".to_owned(), json!({ "artifactLocation": artifact }));
    }
    let object = object_name(finding);
    if !object.is_empty() {
        let mut places = vec![json!({ "fullyQualifiedName": object, "kind": "resource" })];
        if !finding.path.is_empty() {
            places.push(json!({ "fullyQualifiedName": format!("{object}:{}", finding.path), "kind": "member" }));
        }
        location.insert("logicalLocations".to_owned(), Json::from(places));
    }
    let locations = if location.is_empty() { Vec::new() } else { vec![Json::Object(location)] };
    json!({
        "ruleId": id,
        "ruleIndex": rules.get(id),
        "level": level,
        "message": { "text": finding.describe() },
        "locations": locations,
        "properties": { "plugin": finding.plugin, "objectLine": finding.object_line, "line": finding.line },
    })
}

/// JUnit's XML: a suite for each plugin, a case for each finding and for what passed. Warnings are the output of a
/// case.
fn as_junit(report: &Report) -> String {
    let mut suites: Vec<(&str, Vec<String>, usize)> = Vec::new();
    let passed = report.passed.iter().map(|(plugin, name)| {
        (plugin.as_str(), format!("<testcase classname=\"{}\" name=\"{}\"/>", xml(plugin), xml(name)), false)
    });
    let found =
        report.findings.iter().map(|finding| (finding.plugin.as_str(), junit_case(finding), is_failure(finding)));
    for (plugin, case, is_failure) in passed.chain(found) {
        let place = suites.iter().position(|(name, ..)| *name == plugin).unwrap_or_else(|| {
            suites.push((plugin, Vec::new(), 0));
            suites.len() - 1
        });
        if let Some((_, cases, failures)) = suites.get_mut(place) {
            cases.push(case);
            *failures += usize::from(is_failure);
        }
    }
    let tests: usize = suites.iter().map(|(_, cases, _)| cases.len()).sum();
    let failures: usize = suites.iter().map(|(.., failures)| failures).sum();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"windlass\" tests=\"{tests}\" failures=\"{failures}\">\n"
    );
    for (plugin, cases, failures) in suites {
        let _ = writeln!(
            text,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">",
            xml(plugin),
            cases.len()
        );
        for case in cases {
            let _ = writeln!(text, "    {case}");
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn is_failure(finding: &Finding) -> bool {
    finding.level == Level::Deny
}

fn junit_case(finding: &Finding) -> String {
    let class = if finding.file.is_empty() { &finding.plugin } else { &finding.file };
    let object = object_name(finding);
    let name = match (object.as_str(), finding.rule.as_str()) {
        ("", "") => "the release",
        ("", rule) => rule,
        (object, _) => object,
    };
    let name = if finding.path.is_empty() { name.to_owned() } else { format!("{name}: {}", finding.path) };
    let said = xml(&finding.describe());
    let inside = if is_failure(finding) {
        let rule = if finding.rule.is_empty() { &finding.plugin } else { &finding.rule };
        format!("<failure message=\"{}\" type=\"{}\">{said}</failure>", xml(&finding.message), xml(rule))
    } else {
        format!("<system-out>{}: {said}</system-out>", finding.level.word())
    };
    format!("<testcase classname=\"{}\" name=\"{}\">{inside}</testcase>", xml(class), xml(&name))
}

/// A text within XML 1.0, which has no way to write most control characters.
fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let found = windlass_abi::findings::Finding {
            rule: "no-latest".to_owned(),
            file: "shop/templates/my web.yaml".to_owned(),
            kind: "Pod".to_owned(),
            name: "web".to_owned(),
            path: "spec.containers[0].image".to_owned(),
            object_line: 3,
            line: 9,
            ..windlass_abi::findings::Finding::new(Level::Deny, "is <\"bad\"> & \u{1}")
        };
        let denied = Finding { plugin: "policy".to_owned(), found };
        let warned = Finding::new("select", Level::Warn, "leaves 2 objects");
        Report { findings: vec![denied, warned], passed: vec![("select".to_owned(), "the release".to_owned())] }
    }

    #[test]
    fn junit_is_xml() {
        let text = as_junit(&report());
        assert!(text.contains("tests=\"3\" failures=\"1\""), "{text}");
        assert!(
            text.contains("classname=\"shop/templates/my web.yaml\" name=\"Pod/web: spec.containers[0].image\""),
            "{text}"
        );
        assert!(text.contains("is &lt;&quot;bad&quot;&gt; &amp; \u{fffd}"), "{text}");
    }

    #[test]
    fn sarif_points_to_its_rules() {
        let sarif = as_sarif(&report());
        let rules = &sarif["runs"][0]["tool"]["driver"]["rules"];
        for result in sarif["runs"][0]["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(result["ruleId"], rules[index]["id"]);
        }
        let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(place, "shop/templates/my%20web.yaml");
    }

    #[test]
    fn an_error_is_in_the_report() {
        let error = Error::limit("too slow").in_plugin("p");
        let report = Report::of_run(&["p".to_owned()], Vec::new(), Some(&error));
        assert_eq!((report.count(Level::Deny), report.passed.len()), (1, 0));
    }
}
