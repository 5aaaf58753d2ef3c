//! What differs between two streams, object by object.
//!
//! Objects are matched by group, version, kind, namespace and name; where several share all of these (a hook and a
//! template may), by their order. Only lines are compared: what a person would see in the two files.
//!
//! The second stream is what plugins made, so the comparison has a budget of its own. What is beyond it is told in one
//! line instead of in lines: less is shown then, nothing is hidden.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use memchr::memchr_iter;
use serde::Serialize;
use similar::{ChangeTag, TextDiff};
use windlass_manifest::{Budget, is_marker, read_text};

/// How long lines are looked for that two texts have in common; then the rest counts as replaced.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a whole comparison may take; then the rest is told and not shown.
const TIME_TO_COMPARE: Duration = Duration::from_secs(5);
/// The most lines that are compared with each other at once: it takes some hundred bytes for each.
const MAX_COMPARED: usize = 500_000;

/// Lines shown around a change.
const CONTEXT_LINES: usize = 3;

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is in both streams with different lines.
    Changed,
    /// It is in the second stream only.
    Added,
    /// It is in the first stream only.
    Removed,
}

/// An object that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectDiff {
    /// What happened to it.
    pub change: Change,
    /// Group and version.
    pub api_version: String,
    /// Kind; empty for what stands outside of all objects.
    pub kind: String,
    /// Namespace, where the object names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// The chart's file that it was rendered from, as Helm says it in that stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// 1-based line of the object in the first stream, or in the second if it was added.
    pub line: usize,
    /// Its changes, in order.
    pub hunks: Vec<Hunk>,
}

/// Neighbouring changes with the lines around them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hunk {
    /// 1-based first line in the first stream.
    pub old_start: usize,
    /// How many lines of the first stream.
    pub old_lines: usize,
    /// 1-based first line in the second stream.
    pub new_start: usize,
    /// How many lines of the second stream.
    pub new_lines: usize,
    /// The lines without their breaks, each with ` `, `-` or `+` in front.
    pub lines: Vec<String>,
}

/// The objects that differ, in the second stream's order, removed ones where they were.
pub fn compare(old: &[u8], new: &[u8]) -> Vec<ObjectDiff> {
    if old == new {
        return Vec::new();
    }
    let lines = |text: &[u8]| memchr_iter(b'\n', text).count();
    let comparison = Comparison::of(old.len());
    if lines(new) > MAX_COMPARED + lines(old).saturating_mul(4) {
        return vec![whole(vec![comparison.summary(lines(old), 0, lines(new), 0)])];
    }
    let (old_text, new_text) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) =
        (old_text.split_inclusive('\n').collect(), new_text.split_inclusive('\n').collect());
    let budget = &comparison.budget;
    let found = match (objects(&old_text, old_lines.len(), budget), objects(&new_text, new_lines.len(), budget)) {
        (Some(old_objects), Some(new_objects)) => {
            comparison.objects(&old_lines, &old_objects, &new_lines, &new_objects)
        }
        _ => Vec::new(),
    };
    if !found.is_empty() {
        return found;
    }
    // The difference stands outside of all objects (a comment between documents), or one stream cannot be read.
    vec![whole(comparison.hunks(&old_lines, 0, &new_lines, 0))]
}

/// What differs between two streams of which no objects are known.
fn whole(hunks: Vec<Hunk>) -> ObjectDiff {
    ObjectDiff {
        change: Change::Changed,
        api_version: String::new(),
        kind: String::new(),
        namespace: None,
        name: String::new(),
        file: None,
        line: 1,
        hunks,
    }
}

/// An object and the lines it takes up, from its own to the next one's.
struct Placed {
    identity: Identity,
    file: Option<String>,
    start: usize,
    end: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Identity {
    api_version: String,
    kind: String,
    namespace: Option<String>,
    name: String,
    /// Counts those that share all of the above.
    occurrence: usize,
}

/// The objects of a stream in the order of their lines; none when it cannot be read.
fn objects(stream: &str, line_count: usize, budget: &Budget) -> Option<Vec<Placed>> {
    let mut seen: HashMap<Identity, usize> = HashMap::new();
    let mut placed: Vec<Placed> = Vec::new();
    let read = read_text(stream, budget, |object| {
        let file = object.file();
        let texts = [object.api_version(), object.kind(), object.name(), object.namespace().unwrap_or_default()];
        let length = texts.iter().map(|text| text.len()).sum::<usize>() + file.as_ref().map_or(0, String::len);
        // It is kept twice; an error of the visit would need a place, the next charge of the reader has one.
        if budget.bytes(2 * (length + size_of::<Placed>())).is_err() {
            return Ok(());
        }
        let mut identity = Identity {
            api_version: object.api_version().to_owned(),
            kind: object.kind().to_owned(),
            namespace: object.namespace().map(str::to_owned),
            name: object.name().to_owned(),
            occurrence: 0,
        };
        let count = seen.entry(identity.clone()).or_insert(0);
        identity.occurrence = *count;
        *count += 1;
        placed.push(Placed { identity, file, start: object.line().saturating_sub(1), end: line_count });
        Ok::<(), windlass_manifest::Error>(())
    });
    read.ok()?;
    if budget.spent().is_some() {
        return None;
    }
    let starts: Vec<usize> = placed.iter().map(|object| object.start).collect();
    for (object, next) in placed.iter_mut().zip(starts.iter().skip(1)) {
        object.end = *next;
    }
    Some(placed)
}

/// Compares under one budget.
struct Comparison {
    budget: Budget,
    ends: Instant,
}

impl Comparison {
    /// For a first stream of `length` bytes, which is the user's own.
    fn of(length: usize) -> Self {
        let (text, entries) = (Budget::BYTES + 4 * length as u64, Budget::ENTRIES + length as u64);
        let begun = Instant::now();
        let gives_up = begun + TIME_TO_COMPARE;
        let budget = Budget::new(text, entries).with_clock(move || Instant::now() >= gives_up);
        Self { budget, ends: begun + PATIENCE }
    }

    fn objects(&self, old_lines: &[&str], old: &[Placed], new_lines: &[&str], new: &[Placed]) -> Vec<ObjectDiff> {
        let new_by_identity: HashMap<&Identity, &Placed> =
            new.iter().map(|object| (&object.identity, object)).collect();
        let old_by_identity: HashMap<&Identity, usize> =
            old.iter().enumerate().map(|(index, object)| (&object.identity, index)).collect();
        let mut found = Vec::new();
        let mut next_old = 0;
        for object in new {
            let partner = old_by_identity.get(&object.identity).copied();
            // Removed objects are told where they stood: before the first object that followed them.
            while let Some(gone) = old.get(next_old)
                && partner.is_some_and(|partner| next_old < partner)
            {
                if !new_by_identity.contains_key(&gone.identity) {
                    let before = self.body(old_lines, gone);
                    found.push(self.object(Change::Removed, gone, before, &[], object.start));
                }
                next_old += 1;
            }
            next_old = next_old.max(partner.map_or(0, |partner| partner + 1));
            let after = self.body(new_lines, object);
            match partner.and_then(|index| old.get(index)) {
                None => {
                    let stands_before = old.get(next_old).map_or(old_lines.len(), |next| next.start);
                    found.push(self.object(Change::Added, object, &[], after, stands_before));
                }
                Some(partner) => {
                    let before = self.body(old_lines, partner);
                    if before != after {
                        let mut diff = self.object(Change::Changed, partner, before, after, 0);
                        diff.hunks = self.hunks(before, partner.start, after, object.start);
                        found.push(diff);
                    }
                }
            }
        }
        for gone in old.iter().skip(next_old).filter(|object| !new_by_identity.contains_key(&object.identity)) {
            let before = self.body(old_lines, gone);
            found.push(self.object(Change::Removed, gone, before, &[], new_lines.len()));
        }
        found
    }

    /// The object's lines without what belongs to the next document: separators, and comments and blanks before them.
    fn body<'l, 't>(&self, lines: &'l [&'t str], object: &Placed) -> &'l [&'t str] {
        let all = lines.get(object.start..object.end).unwrap_or_default();
        // Objects that aliases place above others may share lines: each look counts.
        if self.budget.entries(all.len() / 16).is_err() {
            return &[];
        }
        let separator = all.iter().position(|line| is_marker(line.as_bytes(), b"---"));
        // A separator on the object's own first line is its own.
        match separator {
            Some(end) if end > 0 => all.get(..end).unwrap_or(all),
            _ => all,
        }
    }

    fn object(&self, change: Change, object: &Placed, old: &[&str], new: &[&str], other_start: usize) -> ObjectDiff {
        let identity = object.identity.clone();
        let (old_start, new_start) = match change {
            Change::Added => (other_start, object.start),
            _ => (object.start, other_start),
        };
        ObjectDiff {
            change,
            api_version: identity.api_version,
            kind: identity.kind,
            namespace: identity.namespace,
            name: identity.name,
            file: object.file.clone(),
            line: object.start + 1,
            hunks: match change {
                Change::Changed => Vec::new(),
                Change::Added | Change::Removed => self.hunks(old, old_start, new, new_start),
            },
        }
    }

    /// The hunks between two runs of lines that start at these 0-based lines of their streams.
    fn hunks(&self, old: &[&str], old_offset: usize, new: &[&str], new_offset: usize) -> Vec<Hunk> {
        let count = old.len() + new.len();
        if count > MAX_COMPARED || self.budget.entries(count).is_err() {
            return vec![self.summary(old.len(), old_offset, new.len(), new_offset)];
        }
        let diff = TextDiff::configure().deadline(self.ends).diff_slices(old, new);
        diff.grouped_ops(CONTEXT_LINES)
            .iter()
            .map(|group| {
                let old_range = (
                    group.first().map_or(0, |first| first.old_range().start),
                    group.last().map_or(0, |last| last.old_range().end),
                );
                let new_range = (
                    group.first().map_or(0, |first| first.new_range().start),
                    group.last().map_or(0, |last| last.new_range().end),
                );
                let bytes = |lines: &[&str], range: (usize, usize)| -> usize {
                    lines
                        .get(range.0..range.1)
                        .unwrap_or_default()
                        .iter()
                        .map(|line| line.len() + size_of::<String>())
                        .sum()
                };
                if self.budget.bytes(bytes(old, old_range) + bytes(new, new_range)).is_err() {
                    let (old_count, new_count) = (old_range.1 - old_range.0, new_range.1 - new_range.0);
                    return self.summary(old_count, old_offset + old_range.0, new_count, new_offset + new_range.0);
                }
                let lines: Vec<String> = group
                    .iter()
                    .flat_map(|operation| diff.iter_changes(operation))
                    .map(|change| {
                        let sign = match change.tag() {
                            ChangeTag::Equal => ' ',
                            ChangeTag::Delete => '-',
                            ChangeTag::Insert => '+',
                        };
                        let line: &str = change.value();
                        format!("{sign}{}", line.strip_suffix('\n').unwrap_or(line))
                    })
                    .collect();
                Hunk {
                    old_start: first_line(old_range, old_offset),
                    old_lines: old_range.1 - old_range.0,
                    new_start: first_line(new_range, new_offset),
                    new_lines: new_range.1 - new_range.0,
                    lines,
                }
            })
            .collect()
    }

    /// A hunk that tells of so many lines, and does not show them.
    fn summary(&self, old_lines: usize, old_offset: usize, new_lines: usize, new_offset: usize) -> Hunk {
        Hunk {
            old_start: first_line((0, old_lines), old_offset),
            old_lines,
            new_start: first_line((0, new_lines), new_offset),
            new_lines,
            lines: vec![format!(" … {old_lines} lines give way to {new_lines}: too many to show")],
        }
    }
}

/// The 1-based first line of a range. As in a unified diff: an empty range names the line before it.
fn first_line(range: (usize, usize), offset: usize) -> usize {
    offset + range.0 + usize::from(range.1 > range.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, name: &str, rest: &str) -> String {
        format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n{rest}")
    }

    /// Compares and lists `CHANGE KIND/NAME LINE @OLD,COUNT NEW,COUNT [LINES]` without the lines that did not change.
    #[track_caller]
    fn check(old: &str, new: &str, expected: &[&str]) {
        let found: Vec<String> = compare(old.as_bytes(), new.as_bytes())
            .iter()
            .map(|diff| {
                let hunks = diff.hunks.iter().map(|hunk| {
                    let lines: Vec<&str> =
                        hunk.lines.iter().map(String::as_str).filter(|line| !line.starts_with(' ')).collect();
                    format!(" @{},{} {},{} {lines:?}", hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines)
                });
                format!("{:?} {}/{} {}{}", diff.change, diff.kind, diff.name, diff.line, hunks.collect::<String>())
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn changes_are_told_by_object() {
        let a = object("ConfigMap", "a", "data: {x: \"1\"}\n");
        let b = object("ConfigMap", "b", "");
        let c = object("Secret", "c", "");
        let stream = |parts: &[&str]| parts.join("---\n");
        check(&stream(&[&a, &b]), &stream(&[&a, &b]), &[]);
        check(
            &stream(&[&a, &b]),
            &stream(&[&a.replace("\"1\"", "\"2\""), &b]),
            &[r#"Changed ConfigMap/a 1 @2,4 2,4 ["-data: {x: \"1\"}", "+data: {x: \"2\"}"]"#],
        );
        check(
            &stream(&[&a, &b]),
            &stream(&[&a, &b, &c]),
            &[r#"Added Secret/c 12 @10,0 12,4 ["+apiVersion: v1", "+kind: Secret", "+metadata:", "+  name: c"]"#],
        );
        check(
            &stream(&[&a, &b, &c]),
            &stream(&[&b, &c]),
            &[
                r#"Removed ConfigMap/a 1 @1,5 0,0 ["-apiVersion: v1", "-kind: ConfigMap", "-metadata:", "-  name: a", "-data: {x: \"1\"}"]"#,
            ],
        );
        // The same name twice (a hook and a template): the second changes.
        check(
            &stream(&[&b, &b]),
            &stream(&[&b, &format!("{b}data: {{}}\n")]),
            &[r#"Changed ConfigMap/b 6 @7,3 7,4 ["+data: {}"]"#],
        );
    }

    #[test]
    fn what_is_outside_of_objects_is_not_lost() {
        check("# one\n", "# two\n", &[r#"Changed / 1 @1,1 1,1 ["-# one", "+# two"]"#]);
    }
}
