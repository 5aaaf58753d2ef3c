//! The case folders, and the second export on the table cases of the library.

use serde_json::{Value, json};

#[test]
fn cases() {
    windlass_pdk::test::cases::<kstatus::Kstatus>("tests/cases");
}

fn ask(question: &str) -> Result<Value, String> {
    let answer = kstatus::answer(question.as_bytes()).map_err(|error| error.to_string())?;
    serde_json::from_slice(&answer).map_err(|error| error.to_string())
}

#[test]
fn readiness_of_an_object() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Running"}});
    let expected = json!({
        "status": "InProgress",
        "message": "Pod is running but is not Ready",
        "conditions": [{"type": "Reconciling", "status": "True", "reason": "PodRunningNotReady", "message": "Pod is running but is not Ready"}],
    });
    assert_eq!(ask(&pod.to_string()), Ok(expected.clone()));
    assert_eq!(ask(&json!({"object": pod}).to_string()), Ok(expected));

    // A kind may have a field `object` of its own.
    let own = json!({"apiVersion": "example.org/v1", "kind": "Thing", "object": {}});
    assert_eq!(ask(&own.to_string()).map(|answer| answer["message"].clone()), Ok("Resource is current".into()));

    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "status": {"startTime": "2026-01-01T00:00:00Z"}});
    let answer = ask(&json!({"object": job, "waitForJobs": true}).to_string());
    assert_eq!(answer.map(|answer| answer["message"].clone()), Ok("Job in progress".into()));

    let broken = json!({"metadata": {"generation": "1"}});
    let expected = json!({"status": "Unknown", "message": "metadata.generation is a string, expected an integer", "conditions": []});
    assert_eq!(ask(&broken.to_string()), Ok(expected));
}

#[test]
fn questions_that_are_none() {
    for (question, expected) in [
        ("[]", "the question is not a map: send an object, or {\"object\": {...}, \"now\": \"...\"}"),
        ("{\"object\": 5}", "the question's `object` is not what it should be"),
        ("{\"object\": {}, \"now\": \"today\"}", "the question's `now` is not what it should be"),
        ("{\"object\": {}, \"then\": 1}", "the question has an unknown field `then`"),
    ] {
        assert_eq!(ask(question), Err(expected.to_owned()), "{question}");
    }
    assert!(ask("{").is_err_and(|error| error.starts_with("the question is not JSON: ")));
}
