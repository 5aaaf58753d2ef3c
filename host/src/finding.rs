//! What plugins found in a release: read from the lines of their logs, kept under a budget, told in one form.

use std::ops::Deref;

use serde::{Deserialize, Serialize};
use windlass_abi::findings as abi;
pub use windlass_abi::findings::{Level, PREFIX};

use crate::text::one_line;

/// Findings of one run that are kept.
pub const MAX_FINDINGS: u64 = 10_000;
/// Bytes of findings that are kept of one run.
pub const MAX_FINDINGS_TEXT: u64 = 8 << 20;
/// Bytes of one finding, as of one line of a log.
const MAX_LINE: usize = 16 << 10;

/// What a plugin found. Texts may be empty and lines 0 where the plugin did not say; no text has a control character.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The plugin's name.
    #[serde(default)]
    pub plugin: String,
    /// What it says.
    #[serde(flatten)]
    pub found: abi::Finding,
}

impl Deref for Finding {
    type Target = abi::Finding;

    fn deref(&self) -> &abi::Finding {
        &self.found
    }
}

impl Finding {
    /// A finding about nothing in particular.
    pub fn new(plugin: impl Into<String>, level: Level, message: impl Into<String>) -> Self {
        Self { plugin: plugin.into(), found: abi::Finding::new(level, message) }
    }
}

/// Every text of it on one line, without what a terminal would obey.
fn cleaned(mut found: abi::Finding) -> abi::Finding {
    for text in [
        &mut found.message,
        &mut found.rule,
        &mut found.file,
        &mut found.api_version,
        &mut found.kind,
        &mut found.namespace,
        &mut found.name,
        &mut found.path,
    ] {
        if text.contains(char::is_control) || !text.is_ascii() {
            *text = one_line(text).into_owned();
        }
    }
    found
}

/// What is denied, as an error's text; empty where nothing is.
pub fn refusal(findings: &[Finding]) -> String {
    abi::refusal(findings.iter().map(|finding| &finding.found))
}

/// Findings for people, grouped by the chart's files.
pub fn text(findings: &[Finding]) -> String {
    abi::text(findings.iter().map(|finding| &finding.found))
}

/// The findings of one run so far.
#[derive(Debug, Default)]
pub(crate) struct Found {
    findings: Vec<Finding>,
    bytes: usize,
    beyond: u64,
}

impl Found {
    /// Takes a line of a log; false if it is no finding.
    pub(crate) fn take(&mut self, line: &[u8]) -> bool {
        let Some(json) = line.strip_prefix(PREFIX.as_bytes()) else { return false };
        let is_full = self.findings.len() as u64 >= MAX_FINDINGS || self.bytes as u64 >= MAX_FINDINGS_TEXT;
        if is_full || json.len() > MAX_LINE {
            self.beyond += 1;
            return true;
        }
        let found = serde_json::from_slice(json).unwrap_or_else(|error| {
            abi::Finding::new(Level::Warn, format!("the plugin sent a finding that cannot be read: {error}"))
        });
        self.bytes += json.len() + size_of::<Finding>();
        self.findings.push(Finding { plugin: String::new(), found: cleaned(found) });
        true
    }

    /// All of them, with the name of their plugin; a last one says how many were too many.
    pub(crate) fn finish(mut self, plugin: &str) -> Vec<Finding> {
        if self.beyond > 0 {
            let message = format!("{} more findings are not listed", self.beyond);
            self.findings.push(Finding::new(plugin, Level::Warn, message));
        }
        for finding in &mut self.findings {
            plugin.clone_into(&mut finding.plugin);
        }
        self.findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plugin_sends_is_what_is_kept() {
        let sent = abi::Finding {
            file: "a/b.yaml".to_owned(),
            kind: "Pod".to_owned(),
            name: "web".to_owned(),
            path: "spec".to_owned(),
            object_line: 3,
            line: 4,
            ..abi::Finding::new(abi::Level::Deny, "no \u{1b}[2J\nway")
        };
        let mut found = Found::default();
        assert!(found.take(&sent.encode()) && !found.take(b"a line") && found.take(b"windlass-finding: {}"));
        let kept = found.finish("p");
        assert_eq!(kept.len(), 2);
        assert!(kept[1].message.contains("cannot be read"));
        assert_eq!((kept[0].plugin.as_str(), kept[0].level, kept[0].line), ("p", Level::Deny, 4));
        assert!(!kept[0].message.contains(char::is_control), "{}", kept[0].message);
        assert!(
            refusal(&kept)
                .starts_with("1 finding is against this release:\na/b.yaml\n  Pod/web (line 3): spec (line 4): no ")
        );
    }

    #[test]
    fn a_flood_is_counted() {
        let mut found = Found::default();
        let line = abi::Finding::new(abi::Level::Warn, "x".repeat(10_000)).encode();
        for _ in 0..50_000 {
            assert!(found.take(&line));
        }
        assert!(found.take(&abi::Finding::new(abi::Level::Warn, "x".repeat(1 << 20)).encode()));
        let kept = found.finish("p");
        assert!(
            kept.iter().map(|finding| finding.message.len()).sum::<usize>() < (MAX_FINDINGS_TEXT as usize) + 20_000
        );
        assert!(kept.last().is_some_and(|last| last.message.ends_with("more findings are not listed")));
    }
}
