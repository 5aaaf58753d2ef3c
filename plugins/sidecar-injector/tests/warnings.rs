//! What is injected as asked, with a word about its consequence.

use sidecar_injector::SidecarInjector;
use windlass_pdk::log::Level;
use windlass_pdk::test::{run, take_logs};

/// The warnings of a run.
#[track_caller]
fn check(config: &str, kind: &str, expected: &[&str]) {
    let input = format!(
        "apiVersion: {}\nkind: {kind}\nmetadata:\n  name: a\nspec:\n  template:\n    spec:\n      containers:\n      - name: app\n",
        if kind == "Job" { "batch/v1" } else { "apps/v1" }
    );
    take_logs();
    run::<SidecarInjector>(config, &[], &input).expect("injected");
    let logs = take_logs();
    let warnings: Vec<&str> =
        logs.iter().filter(|(level, _)| *level == Level::Warn).map(|(_, text)| text.as_str()).collect();
    assert_eq!(warnings, expected);
}

#[test]
fn a_sidecar_that_keeps_a_job_from_ending_is_named() {
    let container = "[{name: proxy, image: proxy}]";
    let native = "initContainers: [{name: proxy, image: proxy, restartPolicy: Always}]";
    let warning = "Job/a (line 1): the Job ends only when the container `proxy` does; a native sidecar (one of `initContainers` with `restartPolicy: Always`) lets it end";
    check(&format!("containers: {container}"), "Job", &[warning]);
    check(&format!("containers: {container}"), "Deployment", &[]);
    check(native, "Job", &[]);
    check("{}", "Job", &["nothing to inject is configured"]);
}

/// The warnings of a run that injects the pull secret `mine`, for a stream.
#[track_caller]
fn check_secrets(input: &str, expected: &[&str]) {
    take_logs();
    run::<SidecarInjector>("imagePullSecrets: [{name: mine}]", &[], input).expect("injected");
    let logs: Vec<String> = take_logs().into_iter().map(|(_, text)| text).collect();
    assert_eq!(logs, expected);
}

#[test]
fn pull_secrets_that_the_account_would_have_given_are_named() {
    let pod =
        |spec: &str| format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [], {spec}}}\n");
    let account = |name: &str, more: &str| {
        format!("---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}}}\nimagePullSecrets: [{more}]\n")
    };
    let lost = |name: &str| {
        format!(
            "Pod/a (line 1): a pod with pull secrets of its own does not get those of its ServiceAccount: `theirs` of `{name}` is lost; add it to `imagePullSecrets`"
        )
    };
    let theirs = "{name: mine}, {name: theirs}";
    check_secrets(&(pod("serviceAccountName: web") + &account("web", theirs)), &[&lost("web")]);
    check_secrets(&(pod("serviceAccount: web") + &account("web", theirs)), &[&lost("web")]);
    check_secrets(&(pod("dnsPolicy: Default") + &account("default", theirs)), &[&lost("default")]);
    // Another account, one without other secrets, and a pod that gets none of them anyway.
    check_secrets(&(pod("serviceAccountName: web") + &account("db", theirs)), &[]);
    check_secrets(&(pod("serviceAccountName: web") + &account("web", "{name: mine}")), &[]);
    check_secrets(&(pod("serviceAccountName: web, imagePullSecrets: [{name: x}]") + &account("web", theirs)), &[]);
    // An account of another namespace.
    let far = account("web", theirs).replace("{name: web}", "{name: web, namespace: far}");
    let near = pod("serviceAccountName: web").replace("{name: a}", "{name: a, namespace: near}");
    check_secrets(&(near + &far), &[]);
}
