//! The case folders, the example of the README, which is one of them, and what holds for every stream.

use containers::Containers;
use windlass_pdk::test::{case_inputs, check_twice_is_once, rendered_charts};

#[test]
fn cases() {
    windlass_pdk::test::cases::<Containers>("tests/cases");
}

#[test]
fn readme() {
    windlass_pdk::test::readme("README.md");
}

#[test]
fn twice_is_once() {
    let charts = || rendered_charts("shared/corpus").into_iter().chain(rendered_charts("tests/streams"));
    for config in CONFIGS {
        check_twice_is_once::<Containers>(config, charts().chain(case_inputs("tests/cases")));
    }
}

const CONFIGS: [&str; 4] = [
    "set: {resources: {requests: {cpu: 10m}}, env: [{name: ZZ, value: 1}]}\ndefault: {imagePullPolicy: Always}\nremove: [resources.limits.cpu, livenessProbe]",
    "preset: restricted",
    "preset: baseline",
    "preset: openshift",
];

/// The warnings of a run.
#[track_caller]
fn check(config: &str, input: &str, expected: &[&str]) {
    windlass_pdk::test::take_logs();
    windlass_pdk::test::run::<Containers>(config, &[], input).expect("set");
    let logs = windlass_pdk::test::take_logs();
    let warned: Vec<String> =
        logs.into_iter().filter(|(level, _)| *level == windlass_pdk::log::Level::Warn).map(|(_, text)| text).collect();
    assert_eq!(warned, expected);
}

#[test]
fn what_a_preset_cannot_do_is_said() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, securityContext: {runAsUser: 0}}], volumes: [{name: h, hostPath: {path: /}}, {name: files, nfs: {}}]}\n";
    check(
        "preset: restricted",
        pod,
        &[
            "Pod/a (line 1): the volume `h` is a path of the node, which the level forbids; it stays",
            "Pod/a (line 1): the volume `files` is of the kind `nfs`, which the level forbids; it stays",
            "Pod/a (line 1): spec.containers[0].securityContext.runAsUser is 0 (root), which the level forbids; it is removed, and the image's own user counts",
        ],
    );
    check("remove: [resources]\nname: b", pod, &["the rule of `set`, `default` and `remove` is for no container"]);
    check("{}", pod, &["nothing to do: neither `preset`, `set`, `default`, `remove` nor `rules` are configured"]);
}
