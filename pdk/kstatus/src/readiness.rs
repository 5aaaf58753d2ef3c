//! The readiness annotations, with kstatus behind them.

use serde_json::Value;

use crate::annotation::{AnnotationError, parse_annotation};
use crate::fresh::Fresh;
use crate::helm3::helm3;
use crate::lists::{Lists, evaluate};
use crate::rules::{compute, terminating};
use crate::strict::strict;
use crate::verdict::{Status, Verdict};
use crate::{Options, Rules, well_known};

/// The annotation whose expressions say that an object is ready; any of them decides.
pub const SUCCESS_ANNOTATION: &str = "helm.sh/readiness-success";
/// The annotation whose expressions say that an object has failed; they are looked at first.
pub const FAILURE_ANNOTATION: &str = "helm.sh/readiness-failure";

/// The readiness of an object: by its annotations where it has both, by the rules of [`Options::rules`] otherwise.
///
/// A failure expression that holds is Failed, a success expression that holds is Current, neither is InProgress.
/// An annotation that cannot be parsed or evaluated is Failed: whatever is wrong never looks ready. An object
/// with one of the two annotations is computed as if it had none, with a warning. Never fails: an object whose
/// status cannot be computed is [`Status::Unknown`] with the reason as its message.
pub fn readiness(object: &Value, options: &Options) -> Verdict {
    readiness_among(object, &[], options)
}

/// As [`readiness()`], with objects around that say more: the pods that a workload selects, the replica sets of a
/// Deployment. The strict rules name pods, Helm 3's need both; kstatus' own look at no others.
pub fn readiness_among(object: &Value, related: &[&Value], options: &Options) -> Verdict {
    let (lists, warning) = match annotations(object) {
        Ok(found) => found,
        Err((annotation, error)) => {
            return Verdict::failed("InvalidReadinessAnnotation", format!("{annotation}: {error}"));
        }
    };
    let mut verdict = if lists.success.is_empty() || lists.failure.is_empty() {
        computed(object, related, options)
    } else {
        match first_checks(object, options) {
            Some(verdict) => verdict,
            None => match well_known::judge_annotated(object, &lists) {
                Some(verdict) => verdict,
                // A condition of an older generation counts for nothing.
                None if options.trust_stale_status => evaluate(object, &lists),
                None => evaluate(&Fresh::of(object).object, &lists),
            },
        }
    };
    verdict.warnings.splice(0..0, warning);
    verdict
}

fn computed(object: &Value, related: &[&Value], options: &Options) -> Verdict {
    let computed = match options.rules {
        Rules::Strict => strict(object, related, options),
        Rules::Helm4 => compute(object, options),
        Rules::Helm3 => helm3(object, related, options),
    };
    computed.unwrap_or_else(|error| Verdict::plain(Status::Unknown, error.to_string()))
}

fn first_checks(object: &Value, options: &Options) -> Option<Verdict> {
    if options.trust_stale_status {
        return None;
    }
    // A generation that is no number (old Argo Rollouts publish a hash) says nothing about freshness; the
    // annotations are there to get past exactly that.
    terminating(object).ok().flatten().or_else(|| Fresh::of(object).unobserved(object))
}

type Annotations = (Lists, Option<String>);

/// Both lists, empty where absent, and a warning when they have no effect.
fn annotations(object: &Value) -> Result<Annotations, (&'static str, AnnotationError)> {
    let value = |name: &str| object.get("metadata").and_then(|metadata| metadata.get("annotations")?.get(name));
    let read = |name: &'static str| {
        let expressions = parse_annotation(value(name).and_then(Value::as_str).unwrap_or_default());
        expressions.map_err(|error| (name, error))
    };
    let (success, failure) = (read(SUCCESS_ANNOTATION)?, read(FAILURE_ANNOTATION)?);
    let lone = |present, absent| format!("{present} has no effect without {absent}; kstatus' own rules decide");
    let warning = match (success.is_empty(), failure.is_empty()) {
        (false, true) => Some(lone(SUCCESS_ANNOTATION, FAILURE_ANNOTATION)),
        (true, false) => Some(lone(FAILURE_ANNOTATION, SUCCESS_ANNOTATION)),
        (true, true) if [SUCCESS_ANNOTATION, FAILURE_ANNOTATION].iter().all(|name| value(name).is_some()) => Some(
            format!("{SUCCESS_ANNOTATION} and {FAILURE_ANNOTATION} have no expressions; kstatus' own rules decide"),
        ),
        _ => None,
    };
    Ok((Lists { success, failure, also: Vec::new() }, warning))
}
