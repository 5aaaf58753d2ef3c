//! The case folders, the example of the README, which is one of them, and what holds for every stream.

use namespace::Namespace;

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
    windlass_pdk::test::check_charts_twice::<Namespace>(&CONFIGS);
}

const CONFIGS: [&str; 3] = [
    "namespace: zz",
    "moves: {prod: zz}\nreleaseNamespace: prod\nserviceNames: rewrite\nnamespaceObjects: rename",
    "namespace: zz\nonExisting: keep\nunknownKinds: keep",
];

/// The warnings of a run.
#[track_caller]
fn check(config: &str, input: &str, expected: &[&str]) {
    assert_eq!(windlass_pdk::test::warnings::<Namespace>(config, input), expected);
}

#[test]
fn what_stays_is_said() {
    let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b, namespace: old}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}\nsubjects: [{kind: ServiceAccount, name: a, namespace: old}]\n";
    check(
        "namespace: new",
        binding,
        &[
            "RoleBinding/b in new (line 1): subjects[0].name: it refers to ServiceAccount/a in `old`, which is not in the stream: it stays as it is",
        ],
    );
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: old}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: old}\ndata: {url: http://web.old.svc:80}\n";
    check(
        "namespace: new",
        service,
        &[
            "names of Services with their former namespace stay as they are (ConfigMap/c in new (line 5): data.url); `serviceNames: rewrite` changes them",
        ],
    );
    check("namespace: new\nserviceNames: rewrite", service, &[]);
    let pod = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: old}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: old}\nspec: {serviceAccountName: a}\n";
    check(
        "namespace: new\ntargets: [{kind: ServiceAccount}]",
        pod,
        &[
            "Pod/p in old (line 5): spec.serviceAccountName: ServiceAccount/a moves to `new`, and this object, which stays in `old`, refers to it by its name alone",
        ],
    );
}
