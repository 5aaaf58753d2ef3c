//! The case folders, the example of the README, which is one of them, and what holds for every stream.

use rename::Rename;

#[test]
fn cases() {
    windlass_pdk::test::cases::<Rename>("tests/cases");
}

#[test]
fn readme() {
    windlass_pdk::test::readme("README.md");
}

#[test]
fn twice_is_once() {
    windlass_pdk::test::check_charts_twice::<Rename>(&CONFIGS);
}

const CONFIGS: [&str; 3] = [
    "namePrefix: zz-\nnameSuffix: -zz",
    "apis: current",
    "moves: [{from: monitoring.coreos.com/v1, kind: PrometheusRule, to: example.com/v1, newKind: Rule, fields: {spec.groups: spec.rules}}]",
];

/// The warnings of a run.
#[track_caller]
fn check(config: &str, input: &str, expected: &[&str]) {
    assert_eq!(windlass_pdk::test::warnings::<Rename>(config, input), expected);
}

#[test]
fn what_needs_a_look_is_said() {
    let crd =
        "apiVersion: apiextensions.k8s.io/v1beta1\nkind: CustomResourceDefinition\nmetadata: {name: a.example.com}\n";
    check(
        "apis: current",
        crd,
        &[
            "CustomResourceDefinition/a.example.com (line 1): apiextensions.k8s.io/v1beta1 is gone, and nothing takes its place by itself: it stays as it is",
        ],
    );
    let budget = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\nspec: {selector: {}}\n";
    check(
        "apis: current",
        budget,
        &[
            "PodDisruptionBudget/a (line 1): an empty `selector` matched no pods in policy/v1beta1 and matches all in policy/v1",
        ],
    );
    check(
        "names: [{kind: Service, name: gone, newName: x}]",
        budget,
        &["`names[0]`: there is no Service named `gone`"],
    );
    check(
        "{}",
        budget,
        &["nothing to do: neither `namePrefix`, `nameSuffix`, `names`, `apis` nor `moves` are configured"],
    );
}
