//! Rules that somebody wrote for kinds of their own: the syntax of the table of [`crate::well_known`] kinds.

use serde_json::Value;

use crate::expression::Expression;
use crate::fields::group_and_kind;
use crate::fresh::Fresh;
use crate::lists::{Lists, evaluate};
use crate::rules::terminating;
use crate::verdict::Verdict;
use crate::well_known::is_of_group;

/// When objects of some kinds are ready. It comes before annotations and all other rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnRule {
    /// The API group, empty for the core group; `*.example.org` is every group below `example.org`.
    pub group: String,
    /// The kinds; empty is every kind of the group.
    pub kinds: Vec<String>,
    /// Any of these means ready.
    pub success: Vec<Expression>,
    /// All of these must hold besides.
    pub all: Vec<Expression>,
    /// Any of these means failed; they are looked at first.
    pub failure: Vec<Expression>,
    /// An object is ready as soon as it exists; then there are no expressions.
    pub exists: bool,
}

impl OwnRule {
    /// Whether it is a rule for this object.
    #[must_use]
    pub fn covers(&self, object: &Value) -> bool {
        group_and_kind(object).is_some_and(|(group, kind)| {
            is_of_group(&self.group, group) && (self.kinds.is_empty() || self.kinds.iter().any(|known| known == kind))
        })
    }

    /// Every expression of it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.success.iter().chain(&self.all).chain(&self.failure)
    }

    /// The status of an object by this rule: what is being deleted is not ready, and what speaks of an older generation
    /// counts for nothing.
    #[must_use]
    pub fn judge(&self, object: &Value) -> Verdict {
        if let Ok(Some(verdict)) = terminating(object) {
            return verdict;
        }
        if self.exists {
            return Verdict::current("it exists, and its rule asks for no more");
        }
        let fresh = Fresh::of(object);
        if let Some(verdict) = fresh.unobserved(object) {
            return verdict;
        }
        let (mut success, mut also) = (self.success.clone(), self.all.clone());
        if success.is_empty() && !also.is_empty() {
            success.push(also.remove(0));
        }
        evaluate(&fresh.object, &Lists { success, also, failure: self.failure.clone() })
    }
}
