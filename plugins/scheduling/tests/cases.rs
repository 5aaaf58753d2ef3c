//! The case folders, the example of the README, which is one of them, and what holds for every stream.

use scheduling::Scheduling;
use windlass_pdk::test::{case_inputs, check_twice_is_once, rendered_charts};

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
    let charts = || rendered_charts("shared/corpus").into_iter().chain(rendered_charts("tests/streams"));
    for config in CONFIGS {
        check_twice_is_once::<Scheduling>(config, charts().chain(case_inputs("tests/cases")));
    }
}

const CONFIGS: [&str; 3] = [
    "nodeSelector: {disk: ssd}\ntolerations: [{key: spot, operator: Exists}]\ntopologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]\nreplicas: 3\npriorityClassName: high",
    "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}}\nserviceAccountName: zz\nonlyIfMissing: true\nruntimeClassName: gvisor",
    "remove: [nodeSelector, tolerations, affinity]",
];

/// The warnings of a run.
#[track_caller]
fn check(config: &str, input: &str, expected: &[&str]) {
    windlass_pdk::test::take_logs();
    windlass_pdk::test::run::<Scheduling>(config, &[], input).expect("set");
    let logs = windlass_pdk::test::take_logs();
    let warned: Vec<String> =
        logs.into_iter().filter(|(level, _)| *level == windlass_pdk::log::Level::Warn).map(|(_, text)| text).collect();
    assert_eq!(warned, expected);
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
