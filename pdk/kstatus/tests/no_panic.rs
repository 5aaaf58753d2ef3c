//! No object, path or annotation makes the library panic, and whatever it answers is well-formed.

use proptest::prelude::*;
use serde_json::{Map, Number, Value};
use windlass_kstatus::{
    Expression, Flavor, Options, Rules, Status, augment, compute, jsonpath, parse_annotation, readiness,
};

fn leaf() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "True",
        "False",
        "Unknown",
        "Ready",
        "Stalled",
        "Reconciling",
        "Running",
        "Pending",
        "Unschedulable",
        "",
        "PodScheduled",
        "ProgressDeadlineExceeded",
        "OnDelete",
        "2026-11-22T16:00:00Z",
        "LoadBalancer",
        "10",
        r#"["{.a} == 1"]"#,
        "[",
    ]);
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..5).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|float| Number::from_f64(float).map_or(Value::Null, Value::Number)),
        words.prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let keys = prop::sample::select(vec![
        "a",
        "type",
        "status",
        "reason",
        "message",
        "conditions",
        "phase",
        "replicas",
        "readyReplicas",
        "generation",
        "observedGeneration",
        "deletionTimestamp",
        "creationTimestamp",
        "containerStatuses",
        "name",
        "state",
        "waiting",
        "updateStrategy",
        "rollingUpdate",
        "partition",
        "annotations",
        "helm.sh/readiness-success",
        "helm.sh/readiness-failure",
        "startTime",
        "desiredNumberScheduled",
    ]);
    leaf().prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((keys.clone(), inner), 0..6).prop_map(|entries| {
                Value::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    let kinds = prop::sample::select(vec![
        ("v1", "Pod"),
        ("v1", "Service"),
        ("v1", "PersistentVolumeClaim"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "ReplicaSet"),
        ("batch/v1", "Job"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("example.org/v1", "Thing"),
    ]);
    (kinds, json(), json(), json()).prop_map(|((api_version, kind), metadata, spec, status)| {
        let mut map = Map::new();
        map.insert("apiVersion".to_owned(), api_version.into());
        map.insert("kind".to_owned(), kind.into());
        map.insert("metadata".to_owned(), metadata);
        map.insert("spec".to_owned(), spec);
        map.insert("status".to_owned(), status);
        Value::Object(map)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn objects(object in prop_oneof![object(), json()], now in prop::option::of(any::<i64>()), upstream: bool, wait_for_jobs: bool, word in 0..3_usize) {
        let flavor = if upstream { Flavor::Upstream } else { Flavor::Fork };
        let rules = [Rules::Helm4, Rules::Helm3, Rules::Strict][word];
        let options = Options { rules, flavor, now, wait_for_jobs, trust_stale_status: false };
        let verdict = readiness(&object, &options);
        let kinds: Vec<&str> = verdict.conditions.iter().map(|condition| condition.kind.as_str()).collect();
        match verdict.status {
            Status::InProgress => prop_assert_eq!(kinds, ["Reconciling"]),
            Status::Failed => prop_assert_eq!(kinds, ["Stalled"]),
            _ => prop_assert!(kinds.is_empty()),
        }
        // What `compute` refuses is never ready.
        if compute(&object, &options).is_err() && rules == Rules::Helm4 {
            let annotated = object.get("metadata").and_then(|metadata| metadata.get("annotations")).is_some();
            prop_assert!(verdict.status != Status::Current || annotated);
        }
        let mut augmented = object.clone();
        if augment(&mut augmented, &options).is_err() {
            prop_assert_eq!(augmented, object);
        }
    }

    #[test]
    fn paths(path in r"[\{\}\.\[\]\?\(\)@\$'\*:,a-c0-9\-= \\]{0,16}", value in json()) {
        if let Ok(path) = jsonpath::Path::parse(&path) {
            let _found = path.find(&value).map(|values| values.len());
        }
    }

    #[test]
    fn expressions(text in r#"\{[\.\[\]\?\(\)@'"a-c0-9=]{0,10}\} ?(==|!=|<=?|>=?|=~) ?["'a0-9\.e\-]{0,6}"#, value in json()) {
        match Expression::parse(&text) {
            Ok(expression) => { let _outcome = expression.evaluate(&value); }
            Err(error) => prop_assert!(error.offset <= text.len() && error.column(&text) <= text.chars().count() + 1),
        }
    }

    #[test]
    fn annotations(text in r#"[\[\]"',\{\}\.a=1 \\u0-9ä]{0,24}"#) {
        if let Err(error) = parse_annotation(&text) {
            prop_assert!(text.is_char_boundary(error.offset), "{} in {:?}", error.offset, text);
        }
    }
}
