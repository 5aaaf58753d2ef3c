//! The three-way comparison: what went in, what the old post-renderer made of it, what the pipeline makes of it.
//!
//! The old answer is also grafted onto the input (`windlass_graft`): that is what the old tool *meant*, without what
//! its YAML broke on the way. An object is equal where the new one means what the old one is; equal but for the damage
//! where it means what the old one meant; and differs otherwise.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde_json::{Value as Json, json};
use windlass_graft::{
    Change, Comparison, Difference, Error as CompareError, Note, NoteKind, ObjectDifference, Options, Path, Value,
    compare, graft,
};
use windlass_manifest::Segment;

use super::old::Ran;
use crate::sandbox::stream;

/// What became of one input, or of all of them: the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Old and new mean the same.
    Equal,
    /// They do but for what the old tool's YAML broke.
    EqualButForDamage,
    /// They do not.
    Differs,
}

impl Verdict {
    /// One word, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Equal => "equal",
            Verdict::EqualButForDamage => "equal-but-for-damage",
            Verdict::Differs => "differs",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Verdict::Equal => "equal",
            Verdict::EqualButForDamage => "equal but for the old tool's damage",
            Verdict::Differs => "differs",
        })
    }
}

/// A place that is not compared: `[KIND[/NAME]:]PATH`, and all below it. `*` stands for any key or index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    kind: Option<String>,
    name: Option<String>,
    path: Vec<String>,
}

impl FromStr for Ignored {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (object, path) = match text.split_once(':') {
            Some((object, path)) => (Some(object), path),
            None => (None, text),
        };
        let (kind, name) = match object.map(|object| object.split_once('/').unwrap_or((object, ""))) {
            Some((kind, name)) => (Some(kind), Some(name)),
            None => (None, None),
        };
        let written = path.replace("[*]", ".*");
        let path: Path = written.trim_start_matches('.').parse().map_err(|error| format!("{text}: {error}"))?;
        let words = path.segments().iter().map(|segment| match segment {
            Segment::Key(key) => key.clone(),
            Segment::Index(index) => index.to_string(),
        });
        let known = |word: Option<&str>| word.filter(|word| !word.is_empty() && *word != "*").map(str::to_owned);
        Ok(Self { kind: known(kind), name: known(name), path: words.collect() })
    }
}

impl Ignored {
    fn covers(&self, object: &ObjectDifference, path: &Path) -> bool {
        let is = |wanted: &Option<String>, given: &str| wanted.as_ref().is_none_or(|wanted| wanted == given);
        let given = path.segments();
        is(&self.kind, &object.kind)
            && is(&self.name, &object.name)
            && given.len() >= self.path.len()
            && self.path.iter().zip(given).all(|(wanted, given)| {
                wanted == "*"
                    || match given {
                        Segment::Key(key) => key == wanted,
                        Segment::Index(index) => index.to_string() == *wanted,
                    }
            })
    }
}

/// What became of one input.
#[derive(Clone, Debug)]
pub struct Compared {
    /// As the user named it.
    pub input: String,
    /// Equal or not.
    pub verdict: Verdict,
    /// What the old tool's YAML broke, or lost in passing.
    pub damage: Vec<Note>,
    /// The objects in which old and new differ: in each, the old tool's value is `before`.
    pub differences: Vec<ObjectDifference>,
    /// What two runs of the old tool made differently.
    pub unstable: Vec<ObjectDifference>,
    /// What the old tool changed of the objects that differ.
    pub old_changed: Vec<ObjectDifference>,
    /// What the pipeline changed of them.
    pub new_changed: Vec<ObjectDifference>,
    /// Comment lines of the input that the old tool did not hand on.
    pub comments_lost: usize,
    /// Why one of them gave no stream that can be compared.
    pub failures: Vec<String>,
    /// The input and both answers, the old one as it was meant: for the line by line view.
    pub streams: Streams,
}

/// The texts behind a comparison.
#[derive(Clone, Debug, Default)]
pub struct Streams {
    /// What went in.
    pub input: String,
    /// What the old tool wrote.
    pub old: String,
    /// What it meant: its changes in the input's text.
    pub meant: String,
    /// What the pipeline wrote.
    pub new: String,
}

/// Compares both answers to one input. `again` is the old tool's second run; `new` what the pipeline wrote, or why it
/// refused.
#[must_use]
pub fn judge(
    name: &str,
    input: &[u8],
    old: &Ran,
    again: Option<&Ran>,
    new: Result<Vec<u8>, String>,
    ignored: &[Ignored],
) -> Compared {
    let mut compared = Compared {
        input: name.to_owned(),
        verdict: Verdict::Equal,
        damage: Vec::new(),
        differences: Vec::new(),
        unstable: Vec::new(),
        old_changed: Vec::new(),
        new_changed: Vec::new(),
        comments_lost: 0,
        failures: Vec::new(),
        streams: Streams { input: String::from_utf8_lossy(input).into_owned(), ..Streams::default() },
    };
    match (&old.failure, new) {
        // Both say no, which is what they should have in common.
        (Some(_), Err(_)) => {}
        (Some(why), Ok(_)) => {
            let said = last_line(&old.stderr);
            compared.failures.push(format!("the old post-renderer failed, the pipeline did not: {why}{said}"));
        }
        (None, Err(why)) => {
            compared.failures.push(format!("the pipeline failed, the old post-renderer did not: {why}"));
        }
        (None, Ok(new)) => {
            compared.streams.old = String::from_utf8_lossy(&old.stdout).into_owned();
            compared.streams.new = String::from_utf8_lossy(&new).into_owned();
            if let Some(again) = again.filter(|again| again.failure.is_some() || again.stdout != old.stdout) {
                compared.look_again(again, ignored);
            }
            if stream::is_empty(&old.stdout) && !stream::is_empty(input) && !stream::is_empty(&new) {
                let said = last_line(&old.stderr);
                compared.failures.push(format!("the old post-renderer wrote no objects, and ended well{said}"));
            }
            if let Err(failure) = compared.look(ignored) {
                compared.failures.push(failure);
            }
        }
    }
    compared.verdict = if !compared.failures.is_empty() || !compared.differences.is_empty() {
        Verdict::Differs
    } else if compared.damage.is_empty() {
        Verdict::Equal
    } else {
        Verdict::EqualButForDamage
    };
    compared
}

impl Compared {
    fn look_again(&mut self, again: &Ran, ignored: &[Ignored]) {
        if let Some(why) = &again.failure {
            self.failures.push(format!("the old post-renderer worked once, and then failed: {why}"));
            return;
        }
        // What cannot be compared is told by the comparison with the pipeline.
        if let Ok(found) = compare(&self.streams.old, &String::from_utf8_lossy(&again.stdout)) {
            self.unstable = without(found, ignored);
        }
    }

    fn look(&mut self, ignored: &[Ignored]) -> Result<(), String> {
        let Streams { input, old, new, .. } = &self.streams;
        self.comments_lost = comments(input).saturating_sub(comments(old));
        let of_answers = |failure| told(&failure, "the old post-renderer's answer", "the pipeline's answer");
        let apart = without(compare(old, new).map_err(of_answers)?, ignored);
        // An answer that cannot be grafted was meant as it is.
        let (meant, damage) = match graft(input, old, &Options::default()) {
            Ok(grafted) => (grafted.text, grafted.notes),
            Err(_) => (old.clone(), Vec::new()),
        };
        let from_meant = without(compare(&meant, new).map_err(of_answers)?, ignored);
        let is_same = |one: &ObjectDifference, other: &ObjectDifference| match (one.line_after, other.line_after) {
            (Some(one), Some(other)) => one == other,
            (None, None) => identity(one) == identity(other),
            _ => false,
        };
        let excused: Vec<&ObjectDifference> =
            apart.iter().filter(|object| !from_meant.iter().any(|other| is_same(object, other))).collect();
        let differences: Vec<ObjectDifference> =
            from_meant.iter().filter(|object| apart.iter().any(|other| is_same(object, other))).cloned().collect();
        // Damage that both have is nobody's difference.
        let excused: BTreeSet<String> =
            excused.iter().map(|object| format!("{}/{}", object.kind, object.name)).collect();
        let is_told = |note: &Note| {
            matches!(note.kind, NoteKind::Dialect { .. })
                && note.object.split(" (line").next().is_some_and(|object| excused.contains(object))
        };
        self.damage = damage.into_iter().filter(is_told).collect();
        if !differences.is_empty() {
            let concerns = |objects: Vec<ObjectDifference>| -> Vec<ObjectDifference> {
                let is_one =
                    |object: &ObjectDifference| differences.iter().any(|one| identity(one) == identity(object));
                objects.into_iter().filter(is_one).collect()
            };
            let of_input = |failure| told(&failure, "the input", "an answer to it");
            self.old_changed = concerns(compare(input, &meant).map_err(of_input)?.objects);
            self.new_changed = concerns(compare(input, new).map_err(of_input)?.objects);
        }
        self.differences = differences;
        self.streams.meant = meant;
        Ok(())
    }
}

/// What a program said last.
fn last_line(said: &str) -> String {
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    last.map(|line| format!(": {line}")).unwrap_or_default()
}

/// A failure to compare, with whose stream it is about.
fn told(failure: &CompareError, before: &str, after: &str) -> String {
    match failure {
        CompareError::Original(error) => format!("{before}: {error}"),
        CompareError::Answer(error) => format!("{after}: {error}"),
        other => other.to_string(),
    }
}

fn identity(object: &ObjectDifference) -> (&str, &str, Option<&String>) {
    (&object.kind, &object.name, object.namespace.as_ref())
}

/// The differences without those that nobody wants to know.
fn without(found: Comparison, ignored: &[Ignored]) -> Vec<ObjectDifference> {
    let is_ignored = |object: &ObjectDifference, path: &Path| ignored.iter().any(|one| one.covers(object, path));
    let mut objects = found.objects;
    for object in &mut objects {
        let differences = std::mem::take(&mut object.differences);
        object.differences =
            differences.into_iter().filter(|difference| !is_ignored(object, &difference.path)).collect();
    }
    objects.retain(|object| match object.change {
        Change::Changed => !object.differences.is_empty(),
        _ => !is_ignored(object, &Path::default()),
    });
    objects
}

/// Lines that are comments. Those of block scalars count as well, in both streams alike.
fn comments(stream: &str) -> usize {
    stream.lines().filter(|line| line.trim_start().starts_with('#')).count()
}

/// A value as JSON; as text where it has no place in JSON.
pub(crate) fn value_json(value: &Value) -> Json {
    serde_json::from_str(&value.to_json()).unwrap_or_else(|_| Json::String(value.to_json()))
}

/// A difference for programs: old and new.
pub(crate) fn difference_json(difference: &Difference, before: &str, after: &str) -> Json {
    json!({
        "path": difference.path.to_string(),
        before: difference.before.as_ref().map(value_json),
        after: difference.after.as_ref().map(value_json),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT: &str = "kind: ConfigMap\nmetadata: {name: a} # mine\ndata: {mode: 0755, flag: on}\n---\n\
                         kind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1, paused: off}\n";

    #[track_caller]
    fn check(old: &str, new: &str, ignored: &[&str], expected: &str) {
        let ran = |text: &str| Ran { stdout: text.into(), stderr: String::new(), failure: None };
        let ignored: Vec<Ignored> = ignored.iter().map(|one| one.parse().expect("a place")).collect();
        let found = judge("it", INPUT.as_bytes(), &ran(old), None, Ok(new.into()), &ignored);
        let mut told = found.verdict.word().to_owned();
        for note in &found.damage {
            let NoteKind::Dialect { path, .. } = &note.kind else { continue };
            told.push_str(&format!(" damage {path}"));
        }
        for object in &found.differences {
            let paths = object.differences.iter().map(|difference| difference.path.to_string());
            told.push_str(&format!(" {}/{} {:?}", object.kind, object.name, paths.collect::<Vec<_>>()));
        }
        for failure in &found.failures {
            told.push_str(&format!(" {failure}"));
        }
        assert_eq!(told, expected);
    }

    #[test]
    fn damage_is_told_apart_from_what_was_meant() {
        let printed = "data:\n  flag: \"on\"\n  mode: 493\nkind: ConfigMap\nmetadata:\n  name: a\n---\n\
                       kind: Deployment\nmetadata:\n  name: web\nspec:\n  paused: false\n  replicas: 2\n";
        let edited = INPUT.replace("replicas: 1", "replicas: 2");
        check(printed, &edited, &[], "equal-but-for-damage damage data.flag");
        check(printed, &edited.replace("flag: on", "flag: \"on\""), &[], "equal");
        check(printed, INPUT, &[], "differs damage data.flag Deployment/web [\"spec.replicas\"]");
        check(printed, INPUT, &["spec.replicas", "data"], "equal");
        check(printed, INPUT, &["Deployment/web:spec.*", "ConfigMap:data.flag"], "equal");
        check(printed, INPUT, &["StatefulSet:spec"], "differs damage data.flag Deployment/web [\"spec.replicas\"]");
        check(
            "kind: [",
            &edited,
            &[],
            "differs the old post-renderer's answer: document 1 (line 1): a value should be here",
        );
    }
}
