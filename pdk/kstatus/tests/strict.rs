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

/// What only one kind says, as one minimal object that is not ready and one that is.
#[test]
fn kinds_with_words_of_their_own() {
    let of = |list: &[(&str, &str, &str)]| -> Value {
        let one =
            |(kind, status, reason): &(&str, &str, &str)| json!({"type": kind, "status": status, "reason": reason});
        json!({"conditions": list.iter().map(one).collect::<Vec<_>>()})
    };
    let none = || json!({});
    let branches = |phase: &str| json!({"environments": [{"branch": "dev", "phase": phase}]});
    let promoted = |active: &str| json!({"environments": [{"active": {"dry": {"sha": active}}, "proposed": {"dry": {"sha": "b"}}}]});
    let bound = |health: &str, applied: bool| json!({"aggregatedStatus": [{"applied": applied, "health": health}], "phase": "Ready"});
    let brokers = |topic: &str, broker: &str| json!({"state": "ClusterRunning", "cruiseControlTopicStatus": topic, "brokersState": {"0": {"configurationState": broker}}});
    let rolling = |more: Value| json!({"updateStrategy": {"rollingUpdate": more}});
    let all_updated = |updated: u64| json!({"replicas": 3, "readyReplicas": 3, "updatedReplicas": updated});
    let installed = |list: &[(&str, &str, &str)], version: &str| {
        let mut status = of(list);
        status["installedCSV"] = version.into();
        status
    };
    let ready = |more: &[(&str, &str, &str)]| of(&[&[("Ready", "True", "")], more].concat());
    for (group, kind, spec, waiting, done) in [
        (
            "apps.kruise.io/v1",
            "AdvancedCronJob",
            none(),
            json!({"active": [{"name": "a"}], "lastScheduleTime": "2026"}),
            json!({"lastScheduleTime": "2026"}),
        ),
        ("apps.kruise.io/v1", "BroadcastJob", none(), json!({"phase": "running"}), json!({"phase": "completed"})),
        (
            "apps.kruise.io/v1",
            "DaemonSet",
            none(),
            json!({"desiredNumberScheduled": 2, "numberReady": 1}),
            json!({"desiredNumberScheduled": 2, "numberReady": 2}),
        ),
        (
            "apps.kruise.io/v1",
            "DaemonSet",
            none(),
            json!({"desiredNumberScheduled": 0, "numberReady": 0}),
            json!({"desiredNumberScheduled": 1, "numberReady": 1}),
        ),
        ("apps.kruise.io/v1", "StatefulSet", rolling(json!({"partition": 1})), all_updated(2), all_updated(3)),
        (
            "apps.openshift.io/v1",
            "DeploymentConfig",
            none(),
            of(&[("Available", "True", ""), ("Progressing", "True", "ReplicationControllerUpdated")]),
            of(&[("Available", "True", ""), ("Progressing", "True", "NewReplicationControllerAvailable")]),
        ),
        ("astra.netapp.io/v1", "Backup", none(), json!({"state": "Running"}), json!({"state": "Completed"})),
        (
            "cassandra.rook.io/v1",
            "Cluster",
            none(),
            json!({"racks": {"a": {"members": 3, "readyMembers": 1}}}),
            json!({"racks": {"a": {"members": 3, "readyMembers": 3}}}),
        ),
        (
            "controlplane.cluster.x-k8s.io/v1",
            "AWSManagedControlPlane",
            none(),
            ready(&[("EKSControlPlaneUpdating", "True", "")]),
            ready(&[("EKSControlPlaneUpdating", "False", "updated")]),
        ),
        (
            "core.gardener.cloud/v1",
            "Shoot",
            none(),
            of(&[("APIServerAvailable", "False", ""), ("EveryNodeReady", "True", "")]),
            of(&[("APIServerAvailable", "True", ""), ("EveryNodeReady", "True", "")]),
        ),
        (
            "core.spinkube.dev/v1",
            "SpinApp",
            none(),
            of(&[("Available", "True", ""), ("Progressing", "False", "ProgressDeadlineExceeded")]),
            of(&[("Available", "True", ""), ("Progressing", "False", "NewReplicaSetAvailable")]),
        ),
        (
            "game.kruise.io/v1",
            "GameServer",
            none(),
            json!({"currentState": "Creating"}),
            json!({"currentState": "Ready"}),
        ),
        ("grafana.integreatly.org/v1", "Grafana", none(), json!({"stage": "deployment"}), json!({"stage": "complete"})),
        (
            "grafana.integreatly.org/v1",
            "GrafanaDatasource",
            none(),
            json!({"NoMatchingInstances": true}),
            json!({"uid": "x"}),
        ),
        (
            "k8s.mariadb.com/v1",
            "SqlJob",
            none(),
            of(&[("Complete", "True", "JobFailed")]),
            of(&[("Complete", "True", "JobComplete")]),
        ),
        (
            "kafka.banzaicloud.io/v1",
            "KafkaCluster",
            none(),
            brokers("ClusterRollingUpgrading", "ConfigInSync"),
            brokers("CruiseControlTopicReady", "ConfigInSync"),
        ),
        (
            "kafka.banzaicloud.io/v1",
            "KafkaCluster",
            none(),
            brokers("CruiseControlTopicReady", "ConfigOutOfSync"),
            brokers("CruiseControlTopicReady", "ConfigInSync"),
        ),
        (
            "metrics.keptn.sh/v1",
            "Analysis",
            none(),
            json!({"state": "Completed", "pass": false}),
            json!({"state": "Completed", "pass": true}),
        ),
        ("metrics.keptn.sh/v1", "KeptnMetric", none(), json!({"lastUpdated": "x"}), json!({"value": "1"})),
        (
            "microgateway.airlock.com/v1",
            "Policy",
            none(),
            json!({"ancestors": [{"conditions": []}]}),
            json!({"ancestors": [{"conditions": [{"type": "Accepted", "status": "True"}]}]}),
        ),
        (
            "numaplane.numaproj.io/v1",
            "PipelineRollout",
            none(),
            of(&[("ChildResourcesHealthy", "True", ""), ("ProgressiveUpgradeSucceeded", "False", "Failed")]),
            of(&[("ChildResourcesHealthy", "True", ""), ("ProgressiveUpgradeSucceeded", "True", "")]),
        ),
        (
            "opentelemetry.io/v1",
            "OpenTelemetryCollector",
            none(),
            json!({"scale": {"statusReplicas": "1/3"}}),
            json!({"scale": {"statusReplicas": "3/3"}}),
        ),
        ("operator.knative.dev/v1", "KnativeServing", none(), of(&[("Ready", "nonsense", "")]), ready(&[])),
        (
            "operator.openshift.io/v1",
            "IngressController",
            json!({"replicas": 1}),
            json!({"availableReplicas": 0, "conditions": [{"type": "Available", "status": "True"}]}),
            json!({"availableReplicas": 1, "conditions": [{"type": "Available", "status": "True"}]}),
        ),
        (
            "operators.coreos.com/v1",
            "Subscription",
            none(),
            installed(&[("InstallPlanPending", "True", "Installing")], "x.v1"),
            installed(&[("InstallPlanPending", "True", "RequiresApproval")], "x.v1"),
        ),
        (
            "operators.coreos.com/v1",
            "Subscription",
            none(),
            of(&[("CatalogSourcesUnhealthy", "False", "")]),
            installed(&[("CatalogSourcesUnhealthy", "False", "")], "x.v1"),
        ),
        (
            "operators.coreos.com/v1",
            "Subscription",
            none(),
            installed(&[("ResolutionFailed", "True", "")], "x.v1"),
            installed(&[], "x.v1"),
        ),
        (
            "platform.confluent.io/v1",
            "Connector",
            none(),
            json!({"state": "CREATED", "failedTasksCount": 1}),
            json!({"state": "CREATED"}),
        ),
        (
            "policy.open-cluster-management.io/v1",
            "OperatorPolicy",
            none(),
            json!({"compliant": "Compliant"}),
            json!({"compliant": "Compliant", "conditions": [{"type": "Compliant", "status": "True"}]}),
        ),
        (
            "promoter.argoproj.io/v1",
            "TimedCommitStatus",
            none(),
            {
                let mut s = branches("pending");
                s["conditions"] = ready(&[])["conditions"].clone();
                s
            },
            {
                let mut s = branches("success");
                s["conditions"] = ready(&[])["conditions"].clone();
                s
            },
        ),
        (
            "promoter.argoproj.io/v1",
            "PromotionStrategy",
            none(),
            {
                let mut s = promoted("a");
                s["conditions"] = ready(&[])["conditions"].clone();
                s
            },
            {
                let mut s = promoted("b");
                s["conditions"] = ready(&[])["conditions"].clone();
                s
            },
        ),
        (
            "route.openshift.io/v1",
            "Route",
            none(),
            json!({"ingress": [{"conditions": [{"type": "Admitted", "status": "Unknown"}]}]}),
            json!({"ingress": [{"conditions": [{"type": "Admitted", "status": "True"}]}]}),
        ),
        (
            "serving.kserve.io/v1",
            "InferenceService",
            none(),
            {
                let mut s = ready(&[]);
                s["modelStatus"] = json!({"transitionStatus": "BlockedByFailedLoad"});
                s
            },
            ready(&[]),
        ),
        (
            "tower.ansible.com/v1",
            "AnsibleJob",
            none(),
            json!({"ansibleJobResult": {"status": "running"}}),
            json!({"ansibleJobResult": {"status": "successful"}}),
        ),
        (
            "trident.netapp.io/v1",
            "TridentBackendConfig",
            none(),
            json!({"phase": "Bound", "lastOperationStatus": "Progressing"}),
            json!({"phase": "Bound", "lastOperationStatus": "Success"}),
        ),
        ("work.karmada.io/v1", "ResourceBinding", none(), bound("Unhealthy", true), bound("Healthy", true)),
        ("work.karmada.io/v1", "ResourceBinding", none(), bound("Unknown", false), bound("Unknown", true)),
    ] {
        for (status, expected) in [(waiting, InProgress), (done, Current)] {
            let thing = object(group, kind, spec.clone(), status);
            let (found, message) = judge(&thing, Rules::Strict);
            assert_eq!(found, expected, "{message}: {thing}");
        }
    }
    let paused =
        |paused: bool| object("apps.kruise.io/v1", "StatefulSet", rolling(json!({"paused": paused})), all_updated(3));
    assert_eq!(
        judge(&paused(true), Rules::Strict),
        (InProgress, "it is told to rest (spec.updateStrategy.rollingUpdate.paused)".to_owned())
    );
    assert_eq!(judge(&paused(false), Rules::Strict).0, Current);
    let mut upgraded = object("numaflow.numaproj.io/v1", "Pipeline", none(), json!({"phase": "Running"}));
    assert_eq!(judge(&upgraded, Rules::Strict).0, Current);
    upgraded["metadata"]["labels"] = json!({"numaplane.numaproj.io/progressive-result-state": "failed"});
    assert_eq!(judge(&upgraded, Rules::Strict).0, InProgress);
}
