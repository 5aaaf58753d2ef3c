//! What the strict rules and Helm 3's say where kstatus says something else, and the table of well-known kinds.

use serde_json::{Value, json};
use windlass_kstatus::{Options, Rules, Status, readiness, readiness_among, well_known};

fn judge(object: &Value, rules: Rules) -> (Status, String) {
    let verdict = readiness(object, &Options { rules, ..Options::default() });
    (verdict.status, verdict.message)
}

/// Strict says `strict`, with this in its message; kstatus says `helm4`.
#[track_caller]
fn check(object: &Value, strict: Status, said: &str, helm4: Status) {
    let (status, message) = judge(object, Rules::Strict);
    assert_eq!(status, strict, "{message}: {object}");
    assert!(message.contains(said), "no `{said}` in `{message}`: {object}");
    assert_eq!(judge(object, Rules::Helm4).0, helm4, "{object}");
}

fn object(api_version: &str, kind: &str, spec: Value, status: Value) -> Value {
    let metadata = json!({"name": "x", "uid": "u", "generation": 2});
    json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec, "status": status})
}

fn conditions(list: &[(&str, &str)]) -> Value {
    let list: Vec<Value> = list
        .iter()
        .map(|(kind, status)| json!({"type": kind, "status": status, "reason": "Because", "message": "so"}))
        .collect();
    json!({"conditions": list})
}

use Status::{Current, Failed, InProgress};

#[test]
fn kinds_about_which_kstatus_is_silent() {
    let none = || json!({});
    let set = |status: Value| object("apps/v1", "StatefulSet", json!({"replicas": 0}), status);
    for (object, strict, said, helm4) in [
        (object("v1", "ReplicationController", none(), none()), InProgress, "was not seen by its controller", Current),
        (
            object(
                "v1",
                "ReplicationController",
                json!({"replicas": 2}),
                json!({"observedGeneration": 2, "replicas": 2, "fullyLabeledReplicas": 2, "availableReplicas": 1, "readyReplicas": 2}),
            ),
            InProgress,
            "Available: 1/2",
            Current,
        ),
        (
            object("policy/v1", "PodDisruptionBudget", none(), none()),
            InProgress,
            "was not seen by its controller",
            Current,
        ),
        (
            object(
                "v1",
                "Service",
                json!({"type": "LoadBalancer", "clusterIP": "10.0.0.1"}),
                json!({"loadBalancer": {}}),
            ),
            InProgress,
            "has no address yet",
            Current,
        ),
        (
            object("apiregistration.k8s.io/v1", "APIService", none(), conditions(&[("Available", "False")])),
            InProgress,
            "Available is False: so",
            Current,
        ),
        (
            object("apiregistration.k8s.io/v1", "APIService", none(), none()),
            InProgress,
            "no condition Available yet",
            Current,
        ),
        (
            object(
                "autoscaling/v2",
                "HorizontalPodAutoscaler",
                none(),
                conditions(&[("AbleToScale", "True"), ("ScalingActive", "False")]),
            ),
            InProgress,
            "ScalingActive is False: so",
            Current,
        ),
        (
            object(
                "networking.k8s.io/v1",
                "Ingress",
                json!({"ingressClassName": "nginx"}),
                json!({"loadBalancer": {}}),
            ),
            InProgress,
            "class nginx",
            Current,
        ),
        (
            object("example.org/v1", "Thing", none(), json!({"phase": "Failed", "message": "no disk"})),
            Failed,
            "phase is Failed: no disk",
            Current,
        ),
        (
            object("example.org/v1", "Thing", none(), json!({"state": "Pending"})),
            InProgress,
            "state is Pending",
            Current,
        ),
        (
            object("example.org/v1", "Thing", none(), conditions(&[("Ready", "True"), ("Synced", "False")])),
            InProgress,
            "Synced is False: so",
            Current,
        ),
        (set(none()), InProgress, "was not seen by its controller", Current),
        (
            object("batch/v1", "Job", none(), json!({"startTime": "2026-11-22T16:00:00Z", "active": 1})),
            InProgress,
            "Job in progress",
            Current,
        ),
        (
            object("batch/v1", "Job", json!({"suspend": true}), json!({"startTime": "2026-11-22T16:00:00Z"})),
            InProgress,
            "Job is suspended",
            Current,
        ),
        (object("v1", "Pod", none(), json!({"phase": "Failed"})), Failed, "not successfully", Current),
        (
            object("v1", "PersistentVolumeClaim", none(), json!({"phase": "Lost"})),
            Failed,
            "lost its volume",
            InProgress,
        ),
        (
            object(
                "apps/v1",
                "StatefulSet",
                json!({"replicas": 2, "updateStrategy": {"type": "OnDelete"}}),
                json!({"observedGeneration": 2, "replicas": 2, "readyReplicas": 2, "updatedReplicas": 0, "currentRevision": "a", "updateRevision": "b"}),
            ),
            InProgress,
            "OnDelete: delete its pods of an old revision",
            Current,
        ),
    ] {
        check(&object, strict, said, helm4);
    }
}

#[test]
fn pods_of_an_old_revision_are_named() {
    let spec = json!({"replicas": 2, "updateStrategy": {"type": "OnDelete"}});
    let status = json!({"observedGeneration": 2, "replicas": 2, "readyReplicas": 2, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"});
    let set = object("apps/v1", "StatefulSet", spec, status);
    let pod = |name: &str, hash: &str| json!({"kind": "Pod", "metadata": {"name": name, "labels": {"controller-revision-hash": hash}}});
    let (old, new) = (pod("db-0", "a"), pod("db-1", "b"));
    let options = Options { rules: Rules::Strict, ..Options::default() };
    let verdict = readiness_among(&set, &[&old, &new], &options);
    assert_eq!(verdict.message, "Updated: 1/2; StatefulSet has the update strategy OnDelete: delete db-0");
}

/// A condition, or a generation that is a text, that speaks of another generation counts for nothing.
#[test]
fn generations_wherever_they_stand() {
    let ready = |observed: Value| json!({"type": "Ready", "status": "True", "observedGeneration": observed});
    let thing = |status: Value| object("example.org/v1", "Thing", json!({}), status);
    check(
        &thing(json!({"conditions": [ready(json!(1))]})),
        InProgress,
        "Ready is of generation 1, and the object's is 2",
        Current,
    );
    check(&thing(json!({"conditions": [ready(json!(2))]})), Current, "Resource is Ready", Current);
    check(
        &thing(json!({"observedGeneration": "1", "conditions": [ready(json!(2))]})),
        InProgress,
        "latest observed generation is 1",
        Status::Unknown,
    );
    check(
        &thing(json!({"observedGeneration": "2", "conditions": [ready(json!(2))]})),
        Current,
        "Ready",
        Status::Unknown,
    );
    // A hash, as Argo Rollouts had it once.
    check(
        &thing(json!({"observedGeneration": "6c8b7f", "conditions": [ready(json!(2))]})),
        Current,
        "Ready",
        Status::Unknown,
    );
    // By annotations, whichever rules.
    let mut annotated = thing(json!({"conditions": [ready(json!(1))]}));
    annotated["metadata"]["annotations"] = json!({
        "helm.sh/readiness-success": r#"["{.conditions[?(@.type==\"Ready\")].status} == \"True\""]"#,
        "helm.sh/readiness-failure": r#"["{.phase} == Failed"]"#,
    });
    check(&annotated, InProgress, "waiting for", InProgress);
    annotated["status"]["conditions"][0]["observedGeneration"] = 2.into();
    check(&annotated, Current, "success condition is met", Current);
    // By the table.
    let certificate = |observed: u64| {
        object("cert-manager.io/v1", "Certificate", json!({}), json!({"conditions": [ready(json!(observed))]}))
    };
    check(&certificate(1), InProgress, "waiting for", Current);
    check(&certificate(2), Current, "success condition is met", Current);
    // A gateway's listener, a route's parent.
    let route = |observed: u64| {
        let condition = json!({"type": "Accepted", "status": "True", "observedGeneration": observed});
        object(
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
            json!({"parentRefs": [{"name": "g"}]}),
            json!({"parents": [{"parentRef": {"name": "g"}, "conditions": [condition]}]}),
        )
    };
    check(&route(1), InProgress, "accepted by 0 of 1 parents", Current);
    check(&route(2), Current, "accepted by 1 parents", Current);
}

#[test]
fn conditions_that_must_all_hold() {
    let none = || json!({});
    let rollout = |observed: &str| {
        let mut rollout = object(
            "argoproj.io/v1alpha1",
            "Rollout",
            json!({"workloadRef": {"name": "web"}}),
            json!({"observedGeneration": "2", "phase": "Healthy", "workloadObservedGeneration": observed}),
        );
        rollout["metadata"]["annotations"] = json!({"rollout.argoproj.io/workload-generation": "3"});
        rollout
    };
    let gateway = |listener: &str| {
        let mut status = conditions(&[("Accepted", "True"), ("Programmed", "True")]);
        status["listeners"] =
            json!([{"name": "https", "conditions": conditions(&[("ResolvedRefs", listener)])["conditions"]}]);
        object("gateway.networking.k8s.io/v1", "Gateway", none(), status)
    };
    let elastic = |health: &str, nodes: u64| {
        object(
            "elasticsearch.k8s.elastic.co/v1",
            "Elasticsearch",
            json!({"nodeSets": [{"count": 2}, {"count": 1}]}),
            json!({"phase": "Ready", "health": health, "availableNodes": nodes}),
        )
    };
    let cluster = |ready: &str| {
        let mut status = conditions(&[("Ready", ready)]);
        status["phase"] = "Provisioned".into();
        object("cluster.x-k8s.io/v1beta1", "Cluster", none(), status)
    };
    let provider = |list: &[(&str, &str)]| object("pkg.crossplane.io/v1", "Provider", none(), conditions(list));
    let managed = |synced: &str| {
        object("ec2.aws.upbound.io/v1beta1", "VPC", none(), conditions(&[("Ready", "True"), ("Synced", synced)]))
    };
    let repository =
        |kind: &str| object("source.toolkit.fluxcd.io/v1", "HelmRepository", json!({"type": kind}), Value::Null);
    for (object, status, said) in [
        (cluster("False"), InProgress, "Ready is False"),
        (cluster("True"), Current, "success"),
        (provider(&[("Healthy", "True")]), InProgress, "Installed"),
        (provider(&[("Healthy", "True"), ("Installed", "False")]), InProgress, "Installed"),
        (provider(&[("Healthy", "True"), ("Installed", "True")]), Current, "success"),
        (managed("False"), InProgress, "Synced is False"),
        (managed("True"), Current, "success"),
        (rollout("2"), InProgress, "workload"),
        (rollout("3"), Current, "success"),
        (gateway("False"), InProgress, "https: ResolvedRefs is False"),
        (gateway("True"), Current, "success"),
        (elastic("red", 3), InProgress, "green"),
        (elastic("yellow", 3), InProgress, "green"),
        (elastic("green", 2), InProgress, "Available nodes: 2/3"),
        (elastic("green", 3), Current, "success"),
        (repository("oci"), Current, "has no status"),
        (repository("default"), InProgress, "no status yet"),
        (
            object("gateway.networking.k8s.io/v1", "GatewayClass", none(), conditions(&[("Accepted", "False")])),
            InProgress,
            "Accepted is False",
        ),
        (
            object("argoproj.io/v1alpha1", "AnalysisRun", none(), json!({"phase": "Inconclusive"})),
            Failed,
            "Inconclusive",
        ),
        (object("beat.k8s.elastic.co/v1beta1", "Beat", none(), json!({"health": "yellow"})), InProgress, "green"),
        (
            object(
                "ceph.rook.io/v1",
                "CephCluster",
                none(),
                json!({"phase": "Ready", "ceph": {"health": "HEALTH_WARN"}}),
            ),
            InProgress,
            "HEALTH_OK",
        ),
    ] {
        let (found, message) = judge(&object, Rules::Strict);
        assert_eq!(found, status, "{message}: {object}");
        assert!(message.contains(said), "no `{said}` in `{message}`");
        // With the table's annotations every set of rules says the same.
        let group = object["apiVersion"].as_str().and_then(|version| version.split_once('/')).expect("a group").0;
        let rule = well_known::find(group, object["kind"].as_str().expect("a kind")).expect("a rule");
        let mut annotated = object.clone();
        let list = |texts: &[&str]| Value::from(json!(texts).to_string());
        annotated["metadata"]["annotations"]["helm.sh/readiness-success"] = list(rule.success);
        annotated["metadata"]["annotations"]["helm.sh/readiness-failure"] = list(rule.failure);
        for rules in [Rules::Strict, Rules::Helm4] {
            assert_eq!(judge(&annotated, rules).0, status, "annotated, {}: {object}", rules.as_str());
        }
    }
}

#[test]
fn empty_annotations_are_told() {
    let mut thing = object("example.org/v1", "Thing", json!({}), json!({}));
    thing["metadata"]["annotations"] = json!({"helm.sh/readiness-success": "[]", "helm.sh/readiness-failure": "[]"});
    let verdict = readiness(&thing, &Options::default());
    assert!(verdict.warnings.iter().any(|warning| warning.contains("have no expressions")), "{:?}", verdict.warnings);
}

#[test]
fn helm_3_waits_for_a_few_kinds_in_its_own_way() {
    let none = || json!({});
    let rolling = || json!({"updateStrategy": {"type": "RollingUpdate"}});
    let service =
        |status: Value| object("v1", "Service", json!({"type": "LoadBalancer", "clusterIP": "10.0.0.1"}), status);
    for (object, status) in [
        (service(none()), InProgress),
        (service(json!({"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}})), Current),
        (object("v1", "Pod", none(), json!({"phase": "Succeeded"})), InProgress),
        (object("batch/v1", "Job", none(), none()), Current),
        (object("example.org/v1", "Thing", none(), conditions(&[("Ready", "False")])), Current),
        (object("apps/v1", "DaemonSet", rolling(), json!({"observedGeneration": 1})), InProgress),
        (
            object(
                "apps/v1",
                "DaemonSet",
                rolling(),
                json!({"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberReady": 1}),
            ),
            Current,
        ),
    ] {
        assert_eq!(judge(&object, Rules::Helm3).0, status, "{object}");
    }
    let template = json!({"metadata": {"labels": {"app": "web"}}});
    let deployment = object(
        "apps/v1",
        "Deployment",
        json!({"replicas": 4, "strategy": {"type": "RollingUpdate"}, "template": template}),
        json!({"observedGeneration": 2}),
    );
    let set = |ready: u64| {
        json!({"kind": "ReplicaSet", "metadata": {"name": "web-1", "generation": 1, "ownerReferences": [{"uid": "u", "controller": true}]},
            "spec": {"template": {"metadata": {"labels": {"app": "web", "pod-template-hash": "1"}}}},
            "status": {"observedGeneration": 1, "readyReplicas": ready}})
    };
    let options = Options { rules: Rules::Helm3, ..Options::default() };
    // A quarter of four may be missing.
    for (ready, status) in [(2, InProgress), (3, Current)] {
        assert_eq!(readiness_among(&deployment, &[&set(ready)], &options).status, status, "{ready}");
    }
    assert_eq!(readiness_among(&deployment, &[], &options).status, InProgress);
}
