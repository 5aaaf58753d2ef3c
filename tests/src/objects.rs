//! Live Kubernetes objects: the table cases of windlass-kstatus, generated ones, and the objects of the recorded
//! streams with a status made up. Everything is the same at each run.

use crate::{input, oracle};
use serde_json::{Map, Value, json};
use std::path::Path;
use windlass_kstatus::well_known::RULES;
use windlass_kstatus::{FAILURE_ANNOTATION, SUCCESS_ANNOTATION};
use xtask::workspace;

/// The objects of a table of `pdk/kstatus/tests/cases`, with the name of their case.
///
/// # Panics
/// The table cannot be read.
#[must_use]
pub fn table(name: &str) -> Vec<(String, Value)> {
    let path = workspace::root().join("pdk/kstatus/tests/cases").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut cases: Vec<Value> = serde_saphyr::from_str(&text).expect("a list of cases");
    cases.iter_mut().map(|case| (case["name"].as_str().expect("a name").to_owned(), case["object"].take())).collect()
}

/// `count` objects of every kind that has a rule, and of some that have none, most of them plausible.
#[must_use]
pub fn generated(count: usize) -> Vec<(String, Value)> {
    let mut source = Source::new(20_261_122);
    (0..count).map(|number| (format!("generated {number}"), source.object())).collect()
}

/// Objects of the kinds of the table of well-known kinds, and of some groups with words of their own, with statuses
/// that such kinds have: without annotations, and with the table's.
#[must_use]
pub fn well_known() -> Vec<(String, Value)> {
    let conditions = |list: &[(&str, &str)]| {
        let one =
            |(kind, status): &(&str, &str)| json!({"type": kind, "status": status, "reason": "R", "message": "m"});
        json!({"conditions": list.iter().map(one).collect::<Vec<_>>()})
    };
    let statuses = [
        Value::Null,
        json!({}),
        json!({"phase": "Ready", "health": "green", "ready": true, "state": "Running"}),
        json!({"phase": "Provisioned", "health": {"status": "Healthy"}, "observedGeneration": 1}),
        json!({"phase": "Failed", "message": "it did", "health": "red"}),
        conditions(&[("Ready", "True")]),
        conditions(&[("Ready", "False"), ("Stalled", "True")]),
        conditions(&[("Ready", "True"), ("Synced", "False")]),
        conditions(&[("Healthy", "True"), ("Installed", "True"), ("Available", "Unknown")]),
        json!({"parents": [conditions(&[("Accepted", "True")])], "listeners": [conditions(&[("Programmed", "False")])]}),
    ];
    let table = RULES.iter().map(|rule| {
        let group = rule.group.replace('*', "ec2");
        let list = |texts: &[&str]| Value::from(json!(texts).to_string());
        let annotations = json!({FAILURE_ANNOTATION: list(rule.failure), SUCCESS_ANNOTATION: list(rule.success)});
        (group, rule.kinds.first().copied().unwrap_or("Thing"), annotations)
    });
    let others =
        ["apps.kruise.io", "operators.coreos.com", "promoter.argoproj.io", "work.karmada.io", "route.openshift.io"];
    let others = others.into_iter().map(|group| (group.to_owned(), "Subscription", Value::Null));
    let mut found = Vec::new();
    for (group, kind, annotations) in table.chain(others) {
        for status in &statuses {
            for annotations in [&Value::Null, &annotations] {
                let metadata = json!({"generation": 2, "annotations": annotations});
                let object =
                    json!({"apiVersion": format!("{group}/v1"), "kind": kind, "metadata": metadata, "status": status});
                found.push((format!("{group} {kind}"), object));
            }
        }
    }
    found
}

/// The objects of all recorded streams, each with a status made up for its kind.
///
/// # Panics
/// `oracle`, the program `yaml-oracle`, refuses a stream.
#[must_use]
pub fn recorded(oracle: &Path) -> Vec<(String, Value)> {
    let mut source = Source::new(4_711);
    let mut found = Vec::new();
    for stream in input::streams() {
        let mut documents = oracle::documents(oracle, &stream.bytes);
        oracle::each_object(&mut documents, &mut |object| {
            let name = format!("{}: {} {}", stream.name, object["kind"], object["metadata"]["name"]);
            if let Value::Object(map) = object {
                let kind = map.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
                let status = source.status(&kind);
                map.insert("status".to_owned(), status);
                if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
                    metadata.insert("generation".to_owned(), json!(1));
                }
            }
            found.push((name, object.take()));
        });
    }
    found
}

/// Numbers that look random and are the same at each run (xorshift64*).
struct Source(u64);

const KINDS: &[(&str, &str)] = &[
    ("v1", "Pod"),
    ("v1", "Pod"),
    ("v1", "Pod"),
    ("v1", "Pod"),
    ("v1", "Service"),
    ("v1", "Secret"),
    ("v1", "ConfigMap"),
    ("v1", "PersistentVolumeClaim"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ReplicaSet"),
    ("extensions/v1beta1", "Deployment"),
    ("policy/v1", "PodDisruptionBudget"),
    ("batch/v1", "Job"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("apiregistration.k8s.io/v1", "APIService"),
    ("networking.k8s.io/v1", "Ingress"),
    ("cert-manager.io/v1", "Certificate"),
    ("argoproj.io/v1alpha1", "Rollout"),
    ("a/b/c", "Deployment"),
    ("", "Pod"),
];

const CONDITIONS: &[(&str, &[&str])] = &[
    ("Ready", &["", "AllOk", "NotReadyYet"]),
    ("Available", &["MinimumReplicasAvailable", "MinimumReplicasUnavailable"]),
    (
        "Progressing",
        &["NewReplicaSetAvailable", "NewReplicaSetAvailable", "ReplicaSetUpdated", "ProgressDeadlineExceeded"],
    ),
    ("PodScheduled", &["Unschedulable", "Unschedulable", "Unschedulable", "SchedulingGated", ""]),
    ("ReplicaFailure", &["FailedCreate"]),
    ("Complete", &["CompletionsReached"]),
    ("Failed", &["BackoffLimitExceeded", "DeadlineExceeded"]),
    ("Suspended", &["JobSuspended"]),
    ("NamesAccepted", &["NoConflicts", "Conflict"]),
    ("Established", &["InitialNamesAccepted", "Installing", "NotAccepted"]),
    ("Reconciling", &["Working"]),
    ("Stalled", &["Broken"]),
    ("Synced", &["ReconcileSuccess"]),
];

/// The conditions that a kind's controller writes.
fn usual_conditions(kind: &str) -> &'static [&'static str] {
    match kind {
        "Pod" => &["Ready", "PodScheduled", "PodScheduled"],
        "Deployment" => &["Progressing", "Available"],
        "ReplicaSet" => &["ReplicaFailure"],
        "Job" => &["Complete", "Failed", "Suspended"],
        "CustomResourceDefinition" => &["NamesAccepted", "Established"],
        _ => &["Ready", "Synced"],
    }
}

impl Source {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from((self.next() >> 33) % bound as u64).expect("a number below a usize")
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// A value of a type that no API server would serve.
    fn odd(&mut self) -> Value {
        self.pick(&["null", "\"text\"", "3.0", "2.5", "true", "[]", "{}", "[1]", "{\"a\":1}", "18446744073709551615"])
            .parse()
            .expect("JSON")
    }

    /// Mostly a small count; now and then something odd.
    fn count(&mut self) -> Value {
        if self.one_in(60) { self.odd() } else { json!(self.pick(&[0, 0, 1, 1, 1, 2, 3, 4])) }
    }

    /// Some of the fields, each with a count. Often the same for all, as in a finished rollout.
    fn counts(&mut self, map: &mut Map<String, Value>, fields: &[&str]) {
        let same = self.one_in(2).then(|| self.count());
        for field in fields {
            if !self.one_in(8) {
                let value = match &same {
                    Some(value) if !self.one_in(6) => value.clone(),
                    _ => self.count(),
                };
                map.insert((*field).to_owned(), value);
            }
        }
    }

    fn object(&mut self) -> Value {
        let (api_version, kind) = self.pick(KINDS);
        let mut metadata = Map::new();
        metadata.insert("name".to_owned(), "test".into());
        if !self.one_in(6) {
            let generation = if self.one_in(40) { self.odd() } else { json!(self.pick(&[1, 1, 1, 2])) };
            metadata.insert("generation".to_owned(), generation);
        }
        if self.one_in(25) {
            let time = if self.one_in(4) { self.odd() } else { json!("2026-01-01T00:00:00Z") };
            metadata.insert("deletionTimestamp".to_owned(), time);
        }
        if !self.one_in(3) {
            // Far from the present on either side, so that the rule of 15 seconds gives the same whenever it runs.
            let time =
                self.pick(&["2020-01-01T00:00:00Z", "2099-01-01T00:00:00+01:00", "2099-01-01T00:00:00.5Z", "nonsense"]);
            metadata.insert("creationTimestamp".to_owned(), time.into());
        }
        let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
        if !self.one_in(8) {
            object["spec"] = self.spec();
        }
        if !self.one_in(10) {
            object["status"] = if self.one_in(60) { self.odd() } else { self.status(kind) };
        }
        object
    }

    fn spec(&mut self) -> Value {
        let mut spec = Map::new();
        self.counts(&mut spec, &["replicas"]);
        for (field, values) in [
            ("progressDeadlineSeconds", "600 2147483647"),
            ("parallelism", "1 3"),
            ("completions", "1 4 null"),
            ("suspend", "true false"),
            ("type", "\"LoadBalancer\" \"LoadBalancer\" \"NodePort\" \"ExternalName\""),
            ("clusterIP", "\"\" \"None\" \"10.0.0.1\""),
        ] {
            if self.one_in(2) {
                let values: Vec<&str> = values.split(' ').collect();
                spec.insert(field.to_owned(), self.pick(&values).parse().expect("JSON"));
            }
        }
        if self.one_in(2) {
            let kind = self.pick(&["RollingUpdate", "RollingUpdate", "RollingUpdate", "OnDelete", "Recreate"]);
            let mut strategy = json!({"type": kind});
            if self.one_in(2) {
                strategy["rollingUpdate"] = json!({"partition": self.pick(&[-1, 0, 1, 5])});
            }
            spec.insert("updateStrategy".to_owned(), strategy);
        }
        Value::Object(spec)
    }

    fn status(&mut self, kind: &str) -> Value {
        let mut status = Map::new();
        if !self.one_in(4) {
            let observed = if self.one_in(40) { self.odd() } else { json!(self.pick(&[1, 1, 1, 1, 2])) };
            status.insert("observedGeneration".to_owned(), observed);
        }
        let fields: &[&str] = match kind {
            "DaemonSet" => &[
                "desiredNumberScheduled",
                "currentNumberScheduled",
                "updatedNumberScheduled",
                "numberAvailable",
                "numberReady",
            ],
            "Job" => &["succeeded", "active", "failed"],
            _ => &[
                "replicas",
                "readyReplicas",
                "availableReplicas",
                "updatedReplicas",
                "currentReplicas",
                "fullyLabeledReplicas",
            ],
        };
        self.counts(&mut status, fields);
        if self.one_in(2) {
            status.insert("startTime".to_owned(), self.pick(&["", "2026-01-01T00:00:00Z"]).into());
        }
        let phases: &[&str] = match kind {
            "PersistentVolumeClaim" => &["Bound", "Bound", "Pending", "Lost"],
            _ => &["Running", "Running", "Running", "Pending", "Pending", "Succeeded", "Failed", "", "Unknown"],
        };
        if !self.one_in(10) {
            status.insert("phase".to_owned(), self.pick(phases).into());
        }
        for field in ["currentRevision", "updateRevision"] {
            if !self.one_in(3) {
                status.insert(field.to_owned(), self.pick(&["a", "a", "a", "b"]).into());
            }
        }
        if kind == "Pod" && self.one_in(2) {
            status.insert("containerStatuses".to_owned(), self.container_statuses());
        }
        if !self.one_in(5) {
            let conditions = self.conditions(kind);
            status.insert("conditions".to_owned(), conditions);
        }
        Value::Object(status)
    }

    fn container_statuses(&mut self) -> Value {
        if self.one_in(30) {
            return self.odd();
        }
        let count = self.below(3);
        (0..count)
            .map(|number| {
                if self.one_in(30) {
                    return self.odd();
                }
                let reason = self.pick(&["CrashLoopBackOff", "CrashLoopBackOff", "ImagePullBackOff"]);
                let state = match self.below(6) {
                    0 => json!({"running": {}}),
                    1 => self.odd(),
                    _ => json!({"waiting": {"reason": reason}}),
                };
                json!({"name": format!("c{number}"), "state": state})
            })
            .collect()
    }

    fn conditions(&mut self, kind: &str) -> Value {
        if self.one_in(50) {
            return self.odd();
        }
        let count = self.below(4);
        (0..count)
            .map(|_| {
                if self.one_in(80) {
                    return self.odd();
                }
                let usual = usual_conditions(kind);
                let (name, reasons) = if self.one_in(6) {
                    self.pick(CONDITIONS)
                } else {
                    let name = self.pick(usual);
                    CONDITIONS.iter().copied().find(|(other, _)| *other == name).expect("a known condition")
                };
                let status = self.pick(&["True", "True", "True", "False", "False", "Unknown", "true"]);
                let mut condition = json!({"type": name, "status": status});
                if !self.one_in(4) {
                    condition["reason"] = self.pick(reasons).into();
                }
                if self.one_in(2) {
                    condition["message"] = format!("{name} because").into();
                }
                if self.one_in(60) {
                    let field = self.pick(&["type", "status", "reason", "message"]);
                    condition[field] = self.odd();
                }
                condition
            })
            .collect()
    }
}
