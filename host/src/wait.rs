//! `windlass wait` and `windlass status`: what a release's objects are up to, as kstatus sees them.
//!
//! Read it in the order of a run:
//!
//! | module | job |
//! |---|---|
//! | [`release`] | which objects: a release as Helm stores it, or a stream |
//! | [`gate`] | the release itself: until it is deployed, and whether it still is |
//! | [`crate::cluster`] | the connection: requests as JSON, failures by what can be done about them |
//! | [`discovery`] | kind to resource, again and again for definitions that appear late |
//! | [`follow`] | one task per kind and namespace: list, watch, or poll where that is all the rights allow |
//! | [`sync`] | whether a live object is what was asked for |
//! | `removed` | fields that are there and not asked for any more |
//! | `paths` | expressions that can never hold, by the schemas of definitions |
//! | [`judge`] | the readiness of one object, by a plugin in the sandbox or by the library it is made of |
//! | [`track`] | the loop: changes in, verdicts out, and when it is over |
//! | [`explain`] | why an object is not ready: conditions, pods, warning events |
//!
//! The rules are `windlass_kstatus`; where Helm decides something beside them, so does [`track`]: a failed object is
//! final but the others are waited for, and a paused Deployment is not waited for.
//!
//! The only asynchronous part of the host beside the registry client: a runtime with one thread that lives as long as
//! the command does.

pub mod discovery;
pub mod explain;
pub mod follow;
pub mod gate;
pub mod judge;
mod paths;
pub mod release;
mod removed;
pub mod selector;
pub mod sync;
pub mod track;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use windlass_kstatus::{Expression, Status, Verdict};

/// Which object is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// Its namespace; where the object names none, that of the release, which is ignored for kinds without namespaces.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind, self.name)
    }
}

/// An object that is waited for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Which one.
    pub key: ObjectKey,
    /// What its manifest asks for, as JSON: a tree takes several times its text, and is needed only to compare.
    pub desired: Option<Arc<str>>,
    /// It is a hook that has succeeded, and may be gone by now.
    pub is_done: bool,
    /// What must hold in place of all rules (`--for`).
    pub condition: Option<Arc<Expression>>,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Every object is Current.
    Ready,
    /// Every object is gone.
    Gone,
    /// Nothing: one look.
    Look,
    /// Nothing: a look that goes on.
    Watch,
}

/// An object and what is known of it.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which object.
    pub key: ObjectKey,
    /// Its status. Unknown until it was looked at.
    pub verdict: Verdict,
    /// Time since it was created, where it exists.
    pub age: Option<Duration>,
    /// Whether it was looked at.
    pub is_known: bool,
    /// Whether the rights do not allow to look at it.
    pub is_denied: bool,
}

impl Row {
    /// Whether it has reached the goal.
    pub fn has_reached(&self, goal: Goal) -> bool {
        match goal {
            Goal::Ready | Goal::Look | Goal::Watch => self.verdict.status == Status::Current,
            Goal::Gone => self.is_known && matches!(self.verdict.status, Status::NotFound),
        }
    }
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every object has reached the goal.
    Reached,
    /// At least one has failed.
    Failed,
    /// Time is up, or one look has shown that some are not ready.
    NotYet,
    /// All others are ready; some may not be looked at.
    Unknown,
    /// The API server could not be reached when time was up.
    Disconnected,
    /// Someone pressed Ctrl-C, or asked the process to end.
    Interrupted,
}

/// The most bytes of a verdict's message, of its reason, and of a warning, see [`cut`].
const MAX_TEXTS: (usize, usize, usize) = (4_096, 256, 4_096);

/// A verdict no part of which is longer than is shown: clusters and plugins may say anything.
fn bounded(mut verdict: Verdict) -> Verdict {
    cut(&mut verdict.message, MAX_TEXTS.0);
    verdict.conditions.truncate(1);
    for condition in &mut verdict.conditions {
        cut(&mut condition.message, MAX_TEXTS.0);
        cut(&mut condition.reason, MAX_TEXTS.1);
    }
    verdict.warnings.truncate(10);
    verdict.warnings.iter_mut().for_each(|warning| cut(warning, MAX_TEXTS.2));
    verdict
}

/// Cuts a text to so many bytes as they are written at most: what JSON, a terminal or Markdown escapes counts as what
/// it becomes.
fn cut(text: &mut String, most: usize) {
    let mut bytes = 0;
    let end = text.char_indices().find_map(|(index, letter)| {
        bytes += match letter {
            '"' | '\\' => 2,
            _ if letter.is_control() => 8,
            _ => letter.len_utf8(),
        };
        (bytes > most).then_some(index)
    });
    if let Some(end) = end {
        text.truncate(end);
        text.push('…');
    }
}

/// Something to tell while waiting.
#[derive(Debug)]
pub enum Progress<'a> {
    /// An object's status or message is another one.
    Changed(&'a Row),
    /// What a release is up to that is not deployed yet.
    Release(&'a str),
    /// Something that the person should know; the wait goes on.
    Warning(&'a str),
    /// The present state of all objects, a few times per second at most.
    Table {
        /// All objects.
        rows: &'a [Row],
        /// How long the wait has lasted.
        elapsed: Duration,
    },
}
