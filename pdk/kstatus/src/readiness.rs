//! The readiness annotations, with kstatus behind them.

use serde_json::Value;

use crate::Options;
use crate::annotation::{AnnotationError, parse_annotation};
use crate::expression::{Evaluation, Expression};
use crate::rules::{compute, deletion_or_generation};
use crate::verdict::{Status, Verdict};

/// The annotation whose expressions say that an object is ready; any of them decides.
pub const SUCCESS_ANNOTATION: &str = "helm.sh/readiness-success";
/// The annotation whose expressions say that an object has failed; they are looked at first.
pub const FAILURE_ANNOTATION: &str = "helm.sh/readiness-failure";

/// The readiness of an object: by its annotations where it has both, by [`compute`] otherwise.
///
/// A failure expression that holds is Failed, a success expression that holds is Current, neither is InProgress.
/// An annotation that cannot be parsed or evaluated is Failed: whatever is wrong never looks ready. An object
/// with one of the two annotations is computed as if it had none, with a warning. Never fails: an object whose
/// status cannot be computed is [`Status::Unknown`] with the reason as its message.
pub fn readiness(object: &Value, options: &Options) -> Verdict {
    let annotations = match annotations(object) {
        Ok(annotations) => annotations,
        Err((annotation, error)) => {
            return Verdict::failed("InvalidReadinessAnnotation", format!("{annotation}: {error}"));
        }
    };
    let (success, failure, warning) = annotations;
    let warnings: Vec<String> = warning.into_iter().collect();
    let mut verdict = if success.is_empty() || failure.is_empty() {
        computed(object, options)
    } else {
        match first_checks(object, options) {
            Some(verdict) => verdict,
            None => evaluate(object, &success, &failure),
        }
    };
    verdict.warnings.splice(0..0, warnings);
    verdict
}

fn computed(object: &Value, options: &Options) -> Verdict {
    compute(object, options).unwrap_or_else(|error| Verdict::plain(Status::Unknown, error.to_string()))
}

fn first_checks(object: &Value, options: &Options) -> Option<Verdict> {
    if options.trust_stale_status {
        return None;
    }
    // A generation that is no number (Argo Rollouts publishes a text) says nothing about freshness; the
    // annotations are there to get past exactly that.
    deletion_or_generation(object).ok().flatten()
}

type Annotations = (Vec<Expression>, Vec<Expression>, Option<String>);

/// Both lists, empty where absent, and a warning when only one has expressions.
fn annotations(object: &Value) -> Result<Annotations, (&'static str, AnnotationError)> {
    let read = |name: &'static str| {
        let value = object.get("metadata").and_then(|metadata| metadata.get("annotations")?.get(name));
        let expressions = parse_annotation(value.and_then(Value::as_str).unwrap_or_default());
        expressions.map_err(|error| (name, error))
    };
    let (success, failure) = (read(SUCCESS_ANNOTATION)?, read(FAILURE_ANNOTATION)?);
    let warning = match (success.is_empty(), failure.is_empty()) {
        (false, true) => Some((SUCCESS_ANNOTATION, FAILURE_ANNOTATION)),
        (true, false) => Some((FAILURE_ANNOTATION, SUCCESS_ANNOTATION)),
        _ => None,
    };
    let warning =
        warning.map(|(present, absent)| format!("{present} has no effect without {absent}; kstatus' own rules decide"));
    Ok((success, failure, warning))
}

fn evaluate(object: &Value, success: &[Expression], failure: &[Expression]) -> Verdict {
    let mut warnings = Vec::new();
    let status = match object.get("status") {
        None | Some(Value::Null) => return Verdict::in_progress("ReadinessPending", "no status yet"),
        Some(status) => status,
    };
    let mut verdict = match any(failure, status, &mut warnings) {
        Ok(Some(text)) => Verdict::failed("ReadinessFailure", format!("failure condition is met: {text}")),
        Err(message) => Verdict::failed("ReadinessExpressionError", message),
        Ok(None) => match any(success, status, &mut warnings) {
            Ok(Some(text)) => Verdict::current(format!("success condition is met: {text}")),
            Err(message) => Verdict::failed("ReadinessExpressionError", message),
            Ok(None) => {
                let waiting: Vec<&str> = success.iter().map(Expression::text).collect();
                Verdict::in_progress("ReadinessPending", format!("waiting for {}", waiting.join(" or ")))
            }
        },
    };
    verdict.warnings = warnings;
    verdict
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
