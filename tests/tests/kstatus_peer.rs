//! windlass-kstatus against the library that Helm uses and client-go's JSONPath: the same answer for every object.

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use windlass_kstatus::{Options, augment, compute, jsonpath, parse_rfc3339};
use windlass_tests::{needs, objects};
use xtask::command::feed;
use xtask::peers;

/// The peer's answers to the requests.
fn ask(peer: &Path, requests: &[Value]) -> Vec<Value> {
    let lines: String = requests.iter().map(|request| format!("{request}\n")).collect();
    let finished = feed(&mut Command::new(peer), lines.as_bytes()).expect("the peer starts");
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let text = String::from_utf8(finished.stdout).expect("JSON is UTF-8");
    let answers: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers.len(), requests.len());
    answers
}

/// A time between those of the generated objects.
fn options() -> Options {
    Options { now: parse_rfc3339("2026-11-22T16:00:00Z"), ..Options::default() }
}

fn compare(peer: &Path, objects: &[(String, Value)]) -> usize {
    let requests: Vec<Value> = objects.iter().map(|(_, object)| json!({"object": object})).collect();
    let mut errors = 0;
    for ((name, object), theirs) in objects.iter().zip(ask(peer, &requests)) {
        let ours = match compute(object, &options()) {
            Err(_) => "error".into(),
            Ok(verdict) => json!({
                "status": verdict.status, "message": verdict.message,
                "conditions": verdict.conditions,
            }),
        };
        let theirs = if theirs.get("error").is_some() {
            errors += 1;
            "error".into()
        } else {
            json!({
                "status": theirs["status"], "message": theirs["message"].as_str().unwrap_or_default(),
                "conditions": theirs.get("conditions").unwrap_or(&json!([])),
            })
        };
        assert_eq!(ours, theirs, "{name}: {object}");
    }
    errors
}

#[test]
fn the_same_status_for_table_cases() {
    let Some(peer) = needs::peer(peers::KSTATUS_GO) else { return };
    for table in ["upstream.yaml", "own.yaml"] {
        let mut cases = objects::table(table);
        // The peer knows only its own clock and its own flavour.
        cases.retain(|(name, _)| !name.contains("unschedulable at") && !name.contains("--for-jobs"));
        cases.retain(|(name, _)| name != "podBeingScheduled");
        compare(&peer, &cases);
    }
}

#[test]
fn the_same_status_for_generated_objects() {
    let Some(peer) = needs::peer(peers::KSTATUS_GO) else { return };
    let objects = objects::generated(6_000);
    let errors = compare(&peer, &objects);
    assert!((100..2_000).contains(&errors), "{errors} of the objects are malformed; the generator has gone astray");
    let statuses: std::collections::BTreeMap<String, usize> =
        objects.iter().fold(Default::default(), |mut counts, (_, object)| {
            let outcome = compute(object, &options())
                .map_or("error".to_owned(), |verdict| format!("{} {}", verdict.status, verdict.reason()));
            *counts.entry(outcome).or_default() += 1;
            counts
        });
    for reason in [
        "ExtraPods",
        "PartitionRollout",
        "RevisionMismatch",
        "ContainerCrashLooping",
        "PodNotScheduled",
        "LessLabelled",
    ] {
        assert!(statuses.keys().any(|key| key.ends_with(reason)), "no object is {reason}: {statuses:?}");
    }
}

#[test]
fn the_same_status_for_recorded_objects() {
    let (Some(peer), Some(oracle)) = (needs::peer(peers::KSTATUS_GO), needs::peer(peers::YAML_ORACLE)) else { return };
    let objects = objects::recorded(&oracle);
    assert!(objects.len() >= 20, "only {} objects", objects.len());
    compare(&peer, &objects);
}

#[test]
fn the_same_augmented_object() {
    let Some(peer) = needs::peer(peers::KSTATUS_GO) else { return };
    let objects = objects::generated(2_000);
    let requests: Vec<Value> = objects.iter().map(|(_, object)| json!({"object": object, "augment": true})).collect();
    for ((name, object), mut theirs) in objects.iter().zip(ask(&peer, &requests)) {
        let mut ours = object.clone();
        let result = augment(&mut ours, &options());
        assert_eq!(result.is_err(), theirs.get("error").is_some(), "{name}: {object}: {result:?} {theirs}");
        if result.is_ok() {
            let mut theirs = theirs["object"].take();
            for object in [&mut ours, &mut theirs] {
                if let Some(conditions) = object["status"]["conditions"].as_array_mut() {
                    for condition in conditions.iter_mut().filter_map(Value::as_object_mut) {
                        condition.retain(|field, _| !field.ends_with("Time"));
                    }
                }
                // Go prints 3.0 as 3.
                *object = normal(object);
            }
            assert_eq!(ours, theirs, "{name}: {object}");
        }
    }
}

/// A value with its floats in one form.
fn normal(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, |float| {
            #[allow(clippy::cast_possible_truncation)]
            let whole = float as i64;
            if whole as f64 == float { json!(whole) } else { json!(float) }
        }),
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), normal(value))).collect(),
        other => other.clone(),
    }
}

/// Paths that client-go and we must read alike, on [`document`]. Map order is random in Go, so where it shows there is
/// one value.
const PATHS: &[&str] = &[
    "{.phase}",
    "{$.phase}",
    "{@.phase}",
    "{ .phase }",
    "{['phase']}",
    "{.missing}",
    "{.missing.deeper}",
    "{.phase.deeper}",
    r"{.a\.b}",
    r"{['a\.b']}",
    "{['nested.inner']}",
    r"{.app\.kubernetes\.io/name}",
    "{.nothing}",
    "{.nothing.deeper}",
    "{.list[0]}",
    "{.list[2]}",
    "{.list[3]}",
    "{.list[-1]}",
    "{.list[-3]}",
    "{.list[-4]}",
    "{.list[*]}",
    "{.list[:]}",
    "{.list[0:2]}",
    "{.list[1:]}",
    "{.list[:1]}",
    "{.list[0:0]}",
    "{.list[-2:]}",
    "{.list[0:-1]}",
    "{.list[2:1]}",
    "{.list[-1:0]}",
    "{.list[0:9]}",
    "{.list[::2]}",
    "{.list[0:3:2]}",
    "{.list[::0]}",
    "{.list[0:3:-1]}",
    "{.list[0,2]}",
    "{.list[2, 0]}",
    "{.list[0:2,2]}",
    "{['phase','nothing']}",
    "{.list[x]}",
    "{.list[0}",
    "{.empty[0]}",
    "{.empty[*]}",
    "{.phase[0]}",
    "{.nested[0]}",
    "{.nothing[0]}",
    "{.list.*}",
    "{.nested.*}",
    "{.nested..inner}",
    "{..inner}",
    "{..type}",
    "{.conditions[*].type}",
    "{.conditions.type}",
    r#"{.conditions[?(@.type=="Ready")].status}"#,
    "{.conditions[?(@.type=='Ready')].status}",
    r#"{.conditions[?(@.type == "Ready")].status}"#,
    r#"{.conditions[?(@.type!="Ready")].status}"#,
    r#"{.conditions[?(@.type=="Gone")].status}"#,
    r#"{.conditions[?(@.gone=="x")].status}"#,
    "{.conditions[?(@.extra)].type}",
    "{.conditions[?(@.gone)].type}",
    "{.items[?(@.n==1)].name}",
    "{.items[?(@.n<2)].name}",
    "{.items[?(@.n<=2)].name}",
    "{.items[?(@.n>1)].name}",
    "{.items[?(@.n>=2)].name}",
    "{.items[?(@.on==true)].name}",
    "{.items[?(@.on!=true)].name}",
    "{.items[?(@.on<true)].name}",
    r#"{.items[?(@.n=="1")].name}"#,
    "{.items[?(@.n==@.m)].name}",
    "{.items[?(@.tags[0]=='x')].name}",
    "{.items[?(@.name=='a b')].n}",
    "{.items[?(@.name>'a')].name}",
    "{.phase[?(@.x==1)]}",
    "{.nested[?(@.x==1)]}",
    "{.list[?(@==2)]}",
    "{.list[?(@>1)]}",
    "{....a}",
    "{.list[0][0]}",
    "{.matrix[1][0]}",
    "{.matrix[*][0]}",
    "{.matrix[-1][-1]}",
];

/// Where we differ on purpose: the path, our answer.
const OUR_OWN: &[(&str, &str)] = &[
    // Integers and floats compare.
    ("{.items[?(@.f==2)].name}", r#"["c"]"#),
    ("{.items[?(@.n==1.0)].name}", r#"["a b"]"#),
    // Output formatting and texts have no place in a condition.
    ("{range .list[*]}{@}{end}", "error"),
    (r#"{"text"}"#, "error"),
    // An empty field or index is a mistake.
    ("{.list[]}", "error"),
    ("{.}", "error"),
];

fn document() -> Value {
    json!({
        "phase": "Ready", "nothing": null, "a.b": "dotted", "app.kubernetes.io/name": "web", "empty": [],
        "list": [1, 2, 3], "nested": {"inner": "deep"}, "matrix": [[1, 2], [3, 4]],
        "conditions": [
            {"type": "Ready", "status": "True", "extra": null}, {"type": "Synced", "status": "False"},
        ],
        "items": [
            {"name": "a b", "n": 1, "m": 1, "on": true, "tags": ["x"], "f": 1.5},
            {"name": "c", "n": 2, "m": 3, "on": false, "tags": ["y", "x"], "f": 2.0},
        ],
    })
}

fn find(path: &str, data: &Value) -> Value {
    match jsonpath::Path::parse(path) {
        Err(_) => "error".into(),
        Ok(parsed) => parsed.find(data).map_or("error".into(), |found| found.into_iter().cloned().collect()),
    }
}

#[test]
fn the_same_results_of_paths() {
    let Some(peer) = needs::peer(peers::KSTATUS_GO) else { return };
    let data = document();
    let requests: Vec<Value> = PATHS.iter().map(|path| json!({"path": path, "data": data})).collect();
    for (path, theirs) in PATHS.iter().zip(ask(&peer, &requests)) {
        let theirs = match theirs.get("error") {
            Some(_) => "error".into(),
            None => theirs.get("results").cloned().unwrap_or_else(|| json!([])),
        };
        assert_eq!(normal(&find(path, &data)), normal(&theirs), "{path}");
    }
    for (path, expected) in OUR_OWN {
        let expected: Value = serde_json::from_str(expected).unwrap_or_else(|_| (*expected).into());
        assert_eq!(find(path, &data), expected, "{path}");
    }
}
