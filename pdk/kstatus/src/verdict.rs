//! What the rules answer.

use std::fmt;

use serde::{Deserialize, Serialize};

/// kstatus' statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Not there yet, and still moving.
    InProgress,
    /// It will not get there without someone's help.
    Failed,
    /// The cluster has reached what the object asks for.
    Current,
    /// Being deleted.
    Terminating,
    /// The object is not what was asked for. Never computed from an object alone.
    OutOfSync,
    /// The object is not in the cluster. Never computed from an object.
    NotFound,
    /// The status could not be computed. Never computed from a well-formed object.
    Unknown,
}

impl Status {
    /// The name kstatus uses, `InProgress`.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::InProgress => "InProgress",
            Status::Failed => "Failed",
            Status::Current => "Current",
            Status::Terminating => "Terminating",
            Status::OutOfSync => "OutOfSync",
            Status::NotFound => "NotFound",
            Status::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// A synthetic condition: `Reconciling` goes with [`Status::InProgress`], `Stalled` with [`Status::Failed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// `Reconciling` or `Stalled`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Always `True`.
    pub status: String,
    /// One CamelCase word; empty when the object's own condition had none.
    #[serde(default)]
    pub reason: String,
    /// For people.
    #[serde(default)]
    pub message: String,
}

/// The status of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The status.
    pub status: Status,
    /// Why, for people.
    #[serde(default)]
    pub message: String,
    /// None, or the one synthetic condition.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// What the object's author should know, such as an annotation that has no effect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Verdict {
    /// Current, without a condition.
    pub fn current(message: impl Into<String>) -> Self {
        Self::plain(Status::Current, message)
    }

    /// Any status without a condition.
    pub fn plain(status: Status, message: impl Into<String>) -> Self {
        Verdict { status, message: message.into(), conditions: Vec::new(), warnings: Vec::new() }
    }

    /// In progress, with the condition `Reconciling`.
    pub fn in_progress(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::with_condition(Status::InProgress, "Reconciling", reason.into(), message.into())
    }

    /// Failed, with the condition `Stalled`.
    pub fn failed(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::with_condition(Status::Failed, "Stalled", reason.into(), message.into())
    }

    fn with_condition(status: Status, kind: &str, reason: String, message: String) -> Self {
        let condition =
            Condition { kind: kind.to_owned(), status: "True".to_owned(), reason, message: message.clone() };
        Verdict { status, message, conditions: vec![condition], warnings: Vec::new() }
    }

    /// The reason of the synthetic condition, empty when there is none.
    pub fn reason(&self) -> &str {
        self.conditions.first().map_or("", |condition| condition.reason.as_str())
    }
}

/// The object is not what Kubernetes would serve: a field that decides has the wrong type. kstatus' readers show
/// such an object as [`Status::Unknown`] with this text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(pub(crate) String);

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// The status of several objects together, as kstatus' aggregator says it: none is `desired`; any Failed is
/// Failed; else any Unknown is Unknown; all `desired` is `desired`; else InProgress.
pub fn aggregate(statuses: impl IntoIterator<Item = Status>, desired: Status) -> Status {
    let (mut all_desired, mut any_unknown) = (true, false);
    for status in statuses {
        match status {
            Status::Failed => return Status::Failed,
            Status::Unknown => any_unknown = true,
            _ => {}
        }
        all_desired &= status == desired;
    }
    if any_unknown {
        Status::Unknown
    } else if all_desired {
        desired
    } else {
        Status::InProgress
    }
}
