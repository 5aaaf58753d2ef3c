//! Jobs, by kstatus' rule and by the one Helm uses for `--wait-for-jobs`.

use serde_json::Value;

use crate::Flavor;
use crate::fields::{conditions, integer_or, is_true, string_or};
use crate::verdict::{Error, Verdict};

struct Counts {
    completions: i64,
    succeeded: i64,
    active: i64,
    failed: i64,
}

fn counts(object: &Value) -> Counts {
    let parallelism = integer_or(object, &["spec", "parallelism"], 1);
    Counts {
        completions: integer_or(object, &["spec", "completions"], parallelism),
        succeeded: integer_or(object, &["status", "succeeded"], 0),
        active: integer_or(object, &["status", "active"], 0),
        failed: integer_or(object, &["status", "failed"], 0),
    }
}

/// Complete or Failed, already known; or, for upstream's rules, suspended.
fn finished(object: &Value, counts: &Counts, flavor: Flavor) -> Result<Option<Verdict>, Error> {
    let Counts { completions, succeeded, failed, .. } = counts;
    let suspended = flavor == Flavor::Upstream && is_true(object, &["spec", "suspend"]);
    for condition in conditions(object)? {
        match (condition.kind, condition.status) {
            ("Complete", "True") => {
                return Ok(Some(Verdict::current(format!("Job Completed. succeeded: {succeeded}/{completions}"))));
            }
            ("Failed", "True") => {
                return Ok(Some(Verdict::failed("JobFailed", format!("Job Failed. failed: {failed}/{completions}"))));
            }
            ("Suspended", "True") if suspended => return Ok(Some(Verdict::current("Job is suspended"))),
            _ => {}
        }
    }
    Ok(None)
}

/// A job that has started counts as Current, whether it is done or not.
pub(super) fn job(object: &Value, flavor: Flavor) -> Result<Verdict, Error> {
    let counts = counts(object);
    if let Some(verdict) = finished(object, &counts, flavor)? {
        return Ok(verdict);
    }
    if string_or(object, &["status", "startTime"], "").is_empty() {
        return Ok(Verdict::in_progress("JobNotStarted", "Job not started"));
    }
    let Counts { succeeded, active, failed, .. } = counts;
    Ok(Verdict::current(format!("Job in progress. success:{succeeded}, active: {active}, failed: {failed}")))
}

/// A job is Current only once complete (Helm's `CustomJobStatusReader`).
pub(crate) fn job_to_its_end(object: &Value) -> Result<Verdict, Error> {
    let verdict = finished(object, &counts(object), Flavor::Fork)?;
    Ok(verdict.unwrap_or_else(|| Verdict::in_progress("JobInProgress", "Job in progress")))
}
