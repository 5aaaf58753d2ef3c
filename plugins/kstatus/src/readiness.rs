//! The readiness of a live object: JSON in, JSON out. The README documents both.

use serde_json::Value;
use windlass_kstatus::{Flavor, Options, Rules, parse_rfc3339, readiness_among};
use windlass_pdk::Error;

/// Answers a question, which is an object, or a map with the object and options.
///
/// # Errors
/// The question is not JSON, has no object, or an option of a wrong type. What is wrong with the object itself is part
/// of the answer.
pub fn answer(question: &[u8]) -> Result<Vec<u8>, Error> {
    let question: Value =
        serde_json::from_slice(question).map_err(|error| Error::new(format!("the question is not JSON: {error}")))?;
    let Question { object, related, options } = read(&question)?;
    let verdict = readiness_among(object, &related, &options);
    serde_json::to_vec(&verdict).map_err(|error| Error::new(format!("the answer cannot be written: {error}")))
}

struct Question<'q> {
    object: &'q Value,
    related: Vec<&'q Value>,
    options: Options,
}

fn read(question: &Value) -> Result<Question<'_>, Error> {
    let Some(fields) = question.as_object() else {
        return Err(Error::new("the question is not a map: send an object, or {\"object\": {...}, \"now\": \"...\"}"));
    };
    // An object as the cluster serves it has a kind; a question has none.
    let Some(object) = fields.get("object").filter(|_| !fields.contains_key("kind")) else {
        return Ok(Question { object: question, related: Vec::new(), options: Options::default() });
    };
    let (mut options, mut related) = (Options::default(), Vec::new());
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("object", Value::Object(_)) => {}
            ("now", Value::String(text)) if parse_rfc3339(text).is_some() => options.now = parse_rfc3339(text),
            ("rules", Value::String(word)) if Rules::named(word).is_some() => {
                options.rules = Rules::named(word).unwrap_or_default();
            }
            ("related", Value::Array(items)) => related = items.iter().collect(),
            ("waitForJobs", Value::Bool(yes)) => options.wait_for_jobs = *yes,
            ("trustStaleStatus", Value::Bool(yes)) => options.trust_stale_status = *yes,
            ("flavor", Value::String(word)) if word == "fork" => options.flavor = Flavor::Fork,
            ("flavor", Value::String(word)) if word == "upstream" => options.flavor = Flavor::Upstream,
            ("object" | "now" | "waitForJobs" | "trustStaleStatus" | "flavor" | "rules" | "related", _) => {
                return Err(Error::new(format!("the question's `{name}` is not what it should be")));
            }
            _ => return Err(Error::new(format!("the question has an unknown field `{name}`"))),
        }
    }
    Ok(Question { object, related, options })
}
