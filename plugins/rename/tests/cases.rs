//! The case folders, the example of the README, which is one of them, and what holds for every stream.

use rename::Rename;
use windlass_pdk::test::{case_inputs, check_twice_is_once, rendered_charts};

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
    let charts = || rendered_charts("shared/corpus").into_iter().chain(rendered_charts("tests/streams"));
    for config in CONFIGS {
        check_twice_is_once::<Rename>(config, charts().chain(case_inputs("tests/cases")));
    }
}

const CONFIGS: [&str; 3] = [
    "namePrefix: zz-\nnameSuffix: -zz",
    "apis: current",
    "moves: [{from: monitoring.coreos.com/v1, kind: PrometheusRule, to: example.com/v1, newKind: Rule, fields: {spec.groups: spec.rules}}]",
];

/// The warnings of a run.
#[track_caller]
fn check(config: &str, input: &str, expected: &[&str]) {
    windlass_pdk::test::take_logs();
    windlass_pdk::test::run::<Rename>(config, &[], input).expect("renamed");
    let logs = windlass_pdk::test::take_logs();
    let warned: Vec<String> =
        logs.into_iter().filter(|(level, _)| *level == windlass_pdk::log::Level::Warn).map(|(_, text)| text).collect();
    assert_eq!(warned, expected);
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
