//! Findings: what a plugin has to say about the objects of a release, each with its place.
//!
//! A finding travels as one line of text: [`PREFIX`] and a JSON object behind it. A plugin hands the line to one of
//! Extism's log functions, a command writes it to its standard error: neither needs an import that Helm's own engine
//! lacks. What is denied also stands in the error text, which is all that Helm's engine shows; [`text`] writes it, for
//! guest and host alike.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::message::write_string;

/// What a log line that is a finding begins with; a JSON object follows.
pub const PREFIX: &str = "windlass-finding: ";

/// The most bytes of a text for people that [`text`] makes: an error's text may have 16 KiB.
const LONGEST_TEXT: usize = 12 << 10;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Level {
    /// Good to know.
    Info,
    /// A person should look at it; the release goes on.
    Warn,
    /// The release is refused.
    Deny,
}

impl Level {
    /// Its word in the line: `deny`, `warn` or `info`.
    pub fn word(self) -> &'static str {
        match self {
            Level::Deny => "deny",
            Level::Warn => "warn",
            Level::Info => "info",
        }
    }

    /// The level of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Level::Deny, Level::Warn, Level::Info].into_iter().find(|level| level.word() == word)
    }
}

/// What a plugin found. Every text but the message may be empty, every line 0: not known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What is wrong, without the place.
    pub message: String,
    /// Which rule says so: a short name that stays the same.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "String::is_empty"))]
    pub rule: String,
    /// The chart's file that the object was rendered from, as Helm names it.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "String::is_empty"))]
    pub file: String,
    /// The object's apiVersion.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "String::is_empty"))]
    pub api_version: String,
    /// The object's kind.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "String::is_empty"))]
    pub kind: String,
    /// The object's namespace.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "String::is_empty"))]
    pub namespace: String,
    /// The object's name.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "String::is_empty"))]
    pub name: String,
    /// The 1-based line of the stream on which the object starts.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "is_unknown"))]
    pub object_line: usize,
    /// The path within the object.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "String::is_empty"))]
    pub path: String,
    /// The 1-based line of the stream on which the path's node stands.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "is_unknown"))]
    pub line: usize,
}

#[cfg(feature = "serde")]
fn is_unknown(line: &usize) -> bool {
    *line == 0
}

impl Finding {
    /// A finding about nothing in particular.
    pub fn new(level: Level, message: impl Into<String>) -> Self {
        let nothing = String::new;
        Self {
            level,
            message: message.into(),
            rule: nothing(),
            file: nothing(),
            api_version: nothing(),
            kind: nothing(),
            namespace: nothing(),
            name: nothing(),
            object_line: 0,
            path: nothing(),
            line: 0,
        }
    }

    /// The line that it travels as.
    pub fn encode(&self) -> Vec<u8> {
        let mut line = Vec::with_capacity(PREFIX.len() + self.message.len() + 256);
        line.extend_from_slice(PREFIX.as_bytes());
        line.extend_from_slice(b"{\"level\":");
        write_string(&mut line, self.level.word().as_bytes());
        for (key, text) in [
            ("message", &self.message),
            ("rule", &self.rule),
            ("file", &self.file),
            ("apiVersion", &self.api_version),
            ("kind", &self.kind),
            ("namespace", &self.namespace),
            ("name", &self.name),
            ("path", &self.path),
        ] {
            if !text.is_empty() {
                line.push(b',');
                write_string(&mut line, key.as_bytes());
                line.push(b':');
                write_string(&mut line, text.as_bytes());
            }
        }
        for (key, number) in [("objectLine", self.object_line), ("line", self.line)] {
            if number > 0 {
                line.extend_from_slice(format!(",\"{key}\":{number}").as_bytes());
            }
        }
        line.push(b'}');
        line
    }

    /// The object, its place within it and the message, without the file:
    /// `Deployment/web in prod (line 12): spec.replicas (line 15): is too low (rule)`.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        if !self.kind.is_empty() || !self.name.is_empty() {
            text.push_str(if self.kind.is_empty() { "object" } else { &self.kind });
            if !self.name.is_empty() {
                text.push('/');
                text.push_str(&self.name);
            }
            if !self.namespace.is_empty() {
                text.push_str(" in ");
                text.push_str(&self.namespace);
            }
            push_line(&mut text, self.object_line);
            text.push_str(": ");
        }
        if !self.path.is_empty() {
            text.push_str(&self.path);
            push_line(&mut text, self.line);
            text.push_str(": ");
        }
        text.push_str(&self.message);
        if !self.rule.is_empty() {
            text.push_str(" (");
            text.push_str(&self.rule);
            text.push(')');
        }
        text
    }
}

fn push_line(text: &mut String, line: usize) {
    if line > 0 {
        // Writing to a string cannot fail.
        let _ = write!(text, " (line {line})");
    }
}

/// The error text of a refusal: how many findings there are, and all of them that a person can read, grouped by the
/// chart's files in the order in which these occur. None of the findings means an empty text.
pub fn refusal<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> String {
    let denied: Vec<&Finding> = findings.into_iter().filter(|finding| finding.level == Level::Deny).collect();
    match denied.as_slice() {
        [] => String::new(),
        [one] => format!("1 finding is against this release:\n{}", text([*one])),
        many => format!("{} findings are against this release:\n{}", many.len(), text(many.iter().copied())),
    }
}

/// Findings for people, one line each, grouped by the chart's files; what is beyond 12 KiB is counted. No line break at
/// the end.
pub fn text<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> String {
    let mut of_files: Vec<(&str, Vec<&Finding>)> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut count = 0;
    for finding in findings {
        count += 1;
        let place = *places.entry(&finding.file).or_insert(of_files.len());
        match of_files.get_mut(place) {
            Some((_, of_file)) => of_file.push(finding),
            None => of_files.push((&finding.file, vec![finding])),
        }
    }
    let is_grouped = places.keys().any(|file| !file.is_empty());
    let mut lines: Vec<String> = Vec::new();
    let (mut shown, mut length) = (0, 0);
    'all: for (file, of_file) in &of_files {
        let mut is_first = is_grouped;
        for finding in of_file {
            let head = if file.is_empty() { "(no file of the chart)" } else { file };
            let line = format!("{}{}", if is_grouped { "  " } else { "" }, finding.describe());
            length += line.len() + if is_first { head.len() } else { 0 };
            if length > LONGEST_TEXT {
                break 'all;
            }
            if is_first {
                lines.push(head.to_owned());
            }
            is_first = false;
            lines.push(line);
            shown += 1;
        }
    }
    if shown < count {
        lines.push(format!("and {} more (`--report json=FILE` has all)", count - shown));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(file: &str, name: &str) -> Finding {
        Finding {
            file: file.to_owned(),
            kind: "Pod".to_owned(),
            name: name.to_owned(),
            object_line: 3,
            path: "spec.x".to_owned(),
            line: 7,
            rule: "r".to_owned(),
            ..Finding::new(Level::Deny, "is \"bad\"")
        }
    }

    #[test]
    fn a_finding_is_one_line_of_json() {
        let line = String::from_utf8(finding("a/b.yaml", "web").encode()).expect("text");
        let json: serde_json::Value =
            serde_json::from_str(line.strip_prefix(PREFIX).expect("the prefix")).expect("JSON");
        let expected = serde_json::json!({
            "level": "deny", "message": "is \"bad\"", "rule": "r", "file": "a/b.yaml", "kind": "Pod", "name": "web",
            "path": "spec.x", "objectLine": 3, "line": 7,
        });
        assert_eq!(json, expected);
        assert!(!String::from_utf8(Finding::new(Level::Info, "a\nb").encode()).expect("text").contains('\n'));
    }

    #[test]
    fn findings_are_grouped_by_file() {
        let found = [finding("b.yaml", "one"), finding("a.yaml", "two"), finding("b.yaml", "three")];
        let line = |name: &str| format!("  Pod/{name} (line 3): spec.x (line 7): is \"bad\" (r)");
        let expected = format!("b.yaml\n{}\n{}\na.yaml\n{}", line("one"), line("three"), line("two"));
        assert_eq!(text(&found), expected);
        assert_eq!(refusal(&found), format!("3 findings are against this release:\n{expected}"));
        assert_eq!(text(&[finding("", "one")]), line("one").trim_start());
        assert_eq!(refusal(&[Finding::new(Level::Warn, "w")]), "");
    }

    #[test]
    fn a_flood_is_counted() {
        let many = vec![finding("a.yaml", "web"); 10_000];
        let text = text(&many);
        assert!(text.len() < LONGEST_TEXT + 1024 && text.contains("\nand 9"), "{}", text.len());
    }
}
