//! The case folders, the example of the README, which is one of them, and what holds for every stream.

use select::Select;

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
    windlass_pdk::test::check_charts_twice::<Select>(&CONFIGS);
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
    assert_eq!(windlass_pdk::test::warnings::<Select>(config, input), expected);
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
    let said = "Pod/p in one (line 5): spec.volumes[0].configMap.name: it refers to ConfigMap/c, which is dropped";
    check("drop: [{kind: ConfigMap}]", input, &[said]);
    check("drop: [{kind: ConfigMap}]\nonReference: ignore", input, &[]);
    check("drop: [{kind: Pod}]", input, &[]);
    // Another object of that name is left.
    let twice = format!("{input}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\n");
    check("drop: [{kind: ConfigMap, namespace: one}]", &twice, &[]);
    check("keep: [{kind: Pod}, {kind: Secret}]", input, &["`keep[1]` matches no object", said]);
    check("{}", input, &["nothing to do: neither `keep`, `drop`, `crds`, `hooks` nor `dropHooks` are configured"]);
}
