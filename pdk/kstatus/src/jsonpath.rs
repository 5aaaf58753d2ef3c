//! The JSONPath dialect of Kubernetes (client-go's `util/jsonpath`), for one path without output formatting.
//!
//! Supported: fields with escapes (`.a\.b`), `['key']`, indices `[0]` and `[-1]`, slices `[a:b:step]`, `[*]`,
//! `.*`, `..field`, unions `[0,2]` and `['a','b']`, filters `[?(@.type=="Ready")]` with one comparison, and
//! existence filters `[?(@.key)]`. `$` and `@` may be written and mean nothing, as in client-go.
//!
//! Different from client-go on purpose: a missing key is no error but no result (kubectl's `AllowMissingKeys`);
//! integers and floats compare; map order is the document's, not random; `range`, `end` and texts are refused.

mod evaluate;
mod parse;

pub use evaluate::EvaluationError;
pub(crate) use parse::{Ending, Reader};

use serde_json::Value;

use crate::syntax::SyntaxError;

/// A parsed path.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    pub(crate) steps: Vec<PathStep>,
}

impl Path {
    /// Parses the text between the braces of `{.status.phase}`, or with them.
    ///
    /// # Errors
    /// When the text is no path of the dialect, with the offset of the offending character.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        parse::whole(text)
    }

    /// Every value the path selects, in the document's order.
    ///
    /// # Errors
    /// An index on something that is no list, an index outside of a list, a filter that compares what cannot be
    /// compared.
    pub fn find<'v>(&self, root: &'v Value) -> Result<Vec<&'v Value>, EvaluationError> {
        evaluate::path(&self.steps, root)
    }

    /// Whether the path can select several values at once, by its form.
    pub(crate) fn selects_several(&self) -> bool {
        self.steps.iter().any(|step| match step {
            PathStep::Wildcard | PathStep::Recursive | PathStep::Union(_) => true,
            PathStep::Slice(slice) => !slice.is_index,
            PathStep::Field(_) | PathStep::Filter { .. } | PathStep::Exists(_) => false,
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PathStep {
    Field(String),
    Wildcard,
    Recursive,
    Slice(Slice),
    Union(Vec<Vec<PathStep>>),
    Filter { left: Operand, operator: Operator, right: Operand },
    Exists(Vec<PathStep>),
}

/// `[start:end:step]`; an index `[n]` is the slice from n to n+1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slice {
    pub(crate) start: Option<i64>,
    pub(crate) end: Option<i64>,
    pub(crate) step: i64,
    pub(crate) is_index: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Path(Vec<PathStep>),
    Text(String),
    Number(serde_json::Number),
    Bool(bool),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    LessOrEqual,
    GreaterOrEqual,
    Less,
    Greater,
}

impl Operator {
    /// The operator a text starts with, and its length. Longer ones come first.
    pub(crate) fn at_start(text: &str) -> Option<(Self, usize)> {
        let table = [
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        table.into_iter().find(|(word, _)| text.starts_with(word)).map(|(word, operator)| (operator, word.len()))
    }

    pub(crate) fn is_ordering(self) -> bool {
        !matches!(self, Operator::Equal | Operator::NotEqual)
    }

    pub(crate) fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Operator::Equal => ordering.is_eq(),
            Operator::NotEqual => ordering.is_ne(),
            Operator::LessOrEqual => ordering.is_le(),
            Operator::GreaterOrEqual => ordering.is_ge(),
            Operator::Less => ordering.is_lt(),
            Operator::Greater => ordering.is_gt(),
        }
    }
}
