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
