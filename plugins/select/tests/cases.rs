//! The case folders, the example of the README, which is one of them, and what holds for every stream.

use select::Select;
use windlass_pdk::test::{case_inputs, check_twice_is_once, rendered_charts};

#[test]
fn cases() {
    windlass_pdk::test::cases::<Select>("tests/cases");
}

#[test]
fn readme() {
    windlass_pdk::test::readme("README.md");
}

#[test]
fn twice_is_once() {
    let charts = || rendered_charts("shared/corpus").into_iter().chain(rendered_charts("tests/streams"));
    for config in CONFIGS {
        check_twice_is_once::<Select>(config, charts().chain(case_inputs("tests/cases")));
    }
}

const CONFIGS: [&str; 4] = [
    "crds: only",
    "crds: none\nhooks: none",
    "keep: [{kind: 'Deployment|Service'}]\ndrop: [{name: '.*server.*'}]\nonMissing: ignore",
    "drop: [{kind: ConfigMap}]\ndropHooks: [test]\ninvert: true",
];

/// The messages of a run.
#[track_caller]
fn check(config: &str, input: &str, expected: &[&str]) {
    windlass_pdk::test::take_logs();
    windlass_pdk::test::run::<Select>(config, &[], input).expect("selected");
    let logs = windlass_pdk::test::take_logs();
    let warned: Vec<String> =
        logs.into_iter().filter(|(level, _)| *level == windlass_pdk::log::Level::Warn).map(|(_, text)| text).collect();
    assert_eq!(warned, expected);
}

#[test]
fn what_is_referred_to_is_not_dropped_without_a_word() {
    let input = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: one}
---
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: one}
spec: {volumes: [{name: v, configMap: {name: c}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: q, namespace: two}
spec: {volumes: [{name: v, configMap: {name: c}}]}
";
    let said = "Pod/p (line 5): spec.volumes[0].configMap.name: it refers to ConfigMap/c, which is dropped";
    check("drop: [{kind: ConfigMap}]", input, &[said]);
    check("drop: [{kind: ConfigMap}]\nonReference: ignore", input, &[]);
    check("drop: [{kind: Pod}]", input, &[]);
    // Another object of that name is left.
    let twice = format!("{input}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\n");
    check("drop: [{kind: ConfigMap, namespace: one}]", &twice, &[]);
    check("keep: [{kind: Pod}, {kind: Secret}]", input, &["`keep[1]` matches no object", said]);
    check("{}", input, &["nothing to do: neither `keep`, `drop`, `crds`, `hooks` nor `dropHooks` are configured"]);
}
