//! The case folders, the example of the README, which is one of them, and what holds for every stream.

use scheduling::Scheduling;

#[test]
fn cases() {
    windlass_pdk::test::cases::<Scheduling>("tests/cases");
}

#[test]
fn readme() {
    windlass_pdk::test::readme("README.md");
}

#[test]
fn twice_is_once() {
    windlass_pdk::test::check_charts_twice::<Scheduling>(&CONFIGS);
}

const CONFIGS: [&str; 3] = [
    "nodeSelector: {disk: ssd}\ntolerations: [{key: spot, operator: Exists}]\ntopologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]\nreplicas: 3\npriorityClassName: high",
    "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}}\nserviceAccountName: zz\nonlyIfMissing: true\nruntimeClassName: gvisor",
    "remove: [nodeSelector, tolerations, affinity]",
];

/// The warnings of a run.
#[track_caller]
fn check(config: &str, input: &str, expected: &[&str]) {
    assert_eq!(windlass_pdk::test::warnings::<Scheduling>(config, input), expected);
}

#[test]
fn what_may_surprise_is_said() {
    let scaled = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {}\n---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n";
    check(
        "replicas: 2",
        scaled,
        &[
            "Deployment/web (line 1): HorizontalPodAutoscaler/h (line 6) scales it, and each upgrade sets its replicas back",
        ],
    );
    let custom =
        "apiVersion: example.com/v1\nkind: Any\nmetadata: {name: a}\nspec: {pod: {containers: [{image: a}]}}\n";
    check(
        "nodeSelector: {a: b}",
        custom,
        &[
            "Any/a (line 1): `spec.pod` holds containers, and stays as it is: nobody said that Any has a pod template; name it in `customPodTemplates`, with the path of the map around `spec`",
        ],
    );
    let prometheus = "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: a}\nspec: {}\n";
    check(
        "runtimeClassName: gvisor",
        prometheus,
        &["Prometheus/a (line 1): `runtimeClassName` is not set: Prometheus has no such field"],
    );
    check("{}", prometheus, &["nothing to do: none of the fields is configured"]);
}
