//! The case folders, the example of the README, which is one of them, and what holds for every stream.

use namespace::Namespace;
use windlass_pdk::test::{case_inputs, check_twice_is_once, rendered_charts};

#[test]
fn cases() {
    windlass_pdk::test::cases::<Namespace>("tests/cases");
}

#[test]
fn readme() {
    windlass_pdk::test::readme("README.md");
}

#[test]
fn twice_is_once() {
    let charts = || rendered_charts("shared/corpus").into_iter().chain(rendered_charts("tests/streams"));
    for config in CONFIGS {
        check_twice_is_once::<Namespace>(config, charts().chain(case_inputs("tests/cases")));
    }
}

const CONFIGS: [&str; 3] = [
    "namespace: zz",
    "moves: {prod: zz}\nreleaseNamespace: prod\nserviceNames: rewrite\nnamespaceObjects: rename",
    "namespace: zz\nonExisting: keep\nunknownKinds: keep",
];

/// The warnings of a run.
#[track_caller]
fn check(config: &str, input: &str, expected: &[&str]) {
    windlass_pdk::test::take_logs();
    windlass_pdk::test::run::<Namespace>(config, &[], input).expect("moved");
    let logs = windlass_pdk::test::take_logs();
    let warned: Vec<String> =
        logs.into_iter().filter(|(level, _)| *level == windlass_pdk::log::Level::Warn).map(|(_, text)| text).collect();
    assert_eq!(warned, expected);
}

#[test]
fn what_stays_is_said() {
    let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b, namespace: old}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}\nsubjects: [{kind: ServiceAccount, name: a, namespace: old}]\n";
    check(
        "namespace: new",
        binding,
        &[
            "RoleBinding/b (line 1): subjects[0].name: it refers to ServiceAccount/a in `old`, which is not in the stream: it stays as it is",
        ],
    );
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: old}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: old}\ndata: {url: http://web.old.svc:80}\n";
    check(
        "namespace: new",
        service,
        &[
            "names of Services with their former namespace stay as they are (ConfigMap/c (line 5): data.url); `serviceNames: rewrite` changes them",
        ],
    );
    check("namespace: new\nserviceNames: rewrite", service, &[]);
    let pod = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: old}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: old}\nspec: {serviceAccountName: a}\n";
    check(
        "namespace: new\ntargets: [{kind: ServiceAccount}]",
        pod,
        &[
            "Pod/p (line 5): spec.serviceAccountName: ServiceAccount/a moves to `new`, and this object, which stays in `old`, refers to it by its name alone",
        ],
    );
}
