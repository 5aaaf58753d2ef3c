//! The case folders, the example of the README, which is one of them, and what holds for every stream.

use containers::Containers;

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
    windlass_pdk::test::check_charts_twice::<Containers>(&CONFIGS);
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
    assert_eq!(windlass_pdk::test::warnings::<Containers>(config, input), expected);
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
