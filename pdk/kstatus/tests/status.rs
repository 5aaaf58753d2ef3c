//! The table cases of `tests/cases/{upstream,own}.yaml` and the augment cases.

use serde::Deserialize;
use serde_json::{Value, json};
use windlass_kstatus::{Flavor, Options, augment, compute, parse_rfc3339};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    name: String,
    object: Value,
    #[serde(default)]
    flavor: Option<String>,
    #[serde(default)]
    now: Option<String>,
    #[serde(default)]
    wait_for_jobs: bool,
    expected: Expected,
}

#[derive(Deserialize, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Expected {
    error: bool,
    status: Option<String>,
    reason: Option<String>,
    message: Option<String>,
    condition_message: Option<String>,
}

fn check(case: &Case) {
    let options = Options {
        flavor: if case.flavor.as_deref() == Some("upstream") { Flavor::Upstream } else { Flavor::Fork },
        now: case.now.as_deref().map(|now| parse_rfc3339(now).expect("a case's `now` is a time")),
        wait_for_jobs: case.wait_for_jobs,
        ..Options::default()
    };
    let found = match compute(&case.object, &options) {
        Err(error) => {
            assert!(!error.to_string().is_empty());
            Expected { error: true, ..Expected::default() }
        }
        Ok(verdict) => {
            let condition = verdict.conditions.first();
            if let Some(condition) = condition {
                let kind = if verdict.status.as_str() == "Failed" { "Stalled" } else { "Reconciling" };
                assert_eq!((condition.kind.as_str(), condition.status.as_str()), (kind, "True"), "{}", case.name);
            }
            Expected {
                error: false,
                status: Some(verdict.status.to_string()),
                reason: condition.map(|condition| condition.reason.clone()),
                condition_message: condition
                    .map(|condition| condition.message.clone())
                    .filter(|message| *message != verdict.message),
                message: Some(verdict.message),
            }
        }
    };
    assert_eq!(found, case.expected, "{}", case.name);
}

fn check_file(text: &str, count: usize) {
    let cases: Vec<Case> = serde_saphyr::from_str(text).expect("the case file is a list of cases");
    assert_eq!(cases.len(), count);
    cases.iter().for_each(check);
}

#[test]
fn upstream_table() {
    check_file(include_str!("cases/upstream.yaml"), 53);
}

#[test]
fn own_table() {
    check_file(include_str!("cases/own.yaml"), 116);
}

const THEN: &str = "2020-01-01T00:00:00Z";
const NOW: &str = "2026-11-22T16:05:00Z";

/// Augments a running pod with `conditions`, at [`NOW`].
fn augmented(kind: &str, conditions: Value) -> Result<Value, String> {
    let api_version = if kind == "Pod" { "v1" } else { "example.org/v1" };
    let mut object = json!({"apiVersion": api_version, "kind": kind, "status": {"phase": "Running"}});
    if !conditions.is_null() {
        object["status"]["conditions"] = conditions;
    }
    let options = Options { now: parse_rfc3339(NOW), ..Options::default() };
    augment(&mut object, &options).map_err(|error| error.to_string())?;
    Ok(object["status"]["conditions"].take())
}

#[test]
fn augment_writes_the_synthetic_condition() {
    let reconciling = json!({
        "lastTransitionTime": NOW, "lastUpdateTime": NOW, "message": "Pod is running but is not Ready",
        "reason": "PodRunningNotReady", "status": "True", "type": "Reconciling",
    });
    assert_eq!(augmented("Pod", Value::Null), Ok(json!([reconciling])));

    let not_ready = json!({"type": "Ready", "status": "False", "extra": 1});
    assert_eq!(augmented("Pod", json!([not_ready])), Ok(json!([not_ready, reconciling])));

    // The object's own condition decides, and keeps its reason; only the time of the update is new.
    for kind in ["Reconciling", "Stalled"] {
        let own = json!({"type": kind, "status": "True", "reason": "Own", "message": "m", "lastTransitionTime": THEN});
        let mut expected = own.clone();
        expected["lastUpdateTime"] = NOW.into();
        assert_eq!(augmented("Pod", json!([own])), Ok(json!([expected])));
    }

    // A change of status is a transition.
    let past = json!({"type": "Reconciling", "status": "False", "reason": "", "message": "", "lastTransitionTime": THEN, "lastUpdateTime": THEN});
    assert_eq!(augmented("Pod", json!([past])), Ok(json!([reconciling])));

    assert_eq!(augmented("Thing", Value::Null), Ok(json!([])));
    assert_eq!(
        augmented("Pod", json!([{"status": "True"}])),
        Err("status.conditions[0].type is null, expected a string".to_owned())
    );
}

#[test]
fn augment_leaves_a_current_object_alone() {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "status": {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
            "conditions": [{"type": "Available", "status": "True"}]},
    });
    let before = object.clone();
    augment(&mut object, &Options::default()).expect("the object is well-formed");
    assert_eq!(object, before);
}
