//! The lists of expressions that say whether an object is ready.

use serde_json::Value;

use crate::expression::{Evaluation, Expression};
use crate::verdict::Verdict;

/// What an object's annotations say, and what must hold besides.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    /// Any of these means ready.
    pub(crate) success: Vec<Expression>,
    /// All of these must hold, too.
    pub(crate) also: Vec<Expression>,
    /// Any of these means failed.
    pub(crate) failure: Vec<Expression>,
}

pub(crate) fn evaluate(object: &Value, lists: &Lists) -> Verdict {
    let mut warnings = Vec::new();
    let status = match object.get("status") {
        None | Some(Value::Null) => return Verdict::in_progress("ReadinessPending", "no status yet"),
        Some(status) => status,
    };
    let mut verdict = match any(&lists.failure, status, &mut warnings) {
        Ok(Some(text)) => Verdict::failed("ReadinessFailure", format!("failure condition is met: {text}")),
        Err(message) => Verdict::failed("ReadinessExpressionError", message),
        Ok(None) => match any(&lists.success, status, &mut warnings) {
            Ok(Some(text)) => match unmet(&lists.also, status) {
                Some(missing) => Verdict::in_progress("ReadinessPending", format!("waiting for {missing}")),
                None => Verdict::current(format!("success condition is met: {text}")),
            },
            Err(message) => Verdict::failed("ReadinessExpressionError", message),
            Ok(None) => {
                let waiting: Vec<&str> = lists.success.iter().map(Expression::text).collect();
                Verdict::in_progress("ReadinessPending", format!("waiting for {}", waiting.join(" or ")))
            }
        },
    };
    verdict.warnings = warnings;
    verdict
}

/// The first of the expressions that does not hold.
fn unmet<'e>(expressions: &'e [Expression], status: &Value) -> Option<&'e str> {
    expressions.iter().find(|one| one.evaluate(status) != Ok(Evaluation::Met)).map(Expression::text)
}

/// The first expression that holds; when none does, the first error there was.
fn any<'e>(
    expressions: &'e [Expression],
    status: &Value,
    warnings: &mut Vec<String>,
) -> Result<Option<&'e str>, String> {
    let mut first_error = None;
    for expression in expressions {
        match expression.evaluate(status) {
            Ok(Evaluation::Met) => return Ok(Some(expression.text())),
            Ok(Evaluation::NotMet) => {}
            Ok(Evaluation::NotOrdered(warning)) => warnings.push(warning),
            Err(error) => {
                first_error.get_or_insert(error.to_string());
            }
        }
    }
    first_error.map_or(Ok(None), Err)
}
