//! Configurations that do nothing are not silent.

use label_injector::LabelInjector;
use windlass_pdk::test::{run, take_logs};

/// The messages of a run.
#[track_caller]
fn check(config: &str, input: &str, expected: &[&str]) {
    take_logs();
    run::<LabelInjector>(config, &[], input).expect("labelled");
    let logs: Vec<String> = take_logs().into_iter().map(|(_, text)| text).collect();
    assert_eq!(logs, expected);
}

#[test]
fn targets_that_match_nothing_are_named() {
    const OBJECTS: &str = "kind: Pod\nmetadata: {name: a}\n---\nkind: Job\nmetadata: {name: b}\n";
    let config = |targets: &str| format!("labels: {{a: b}}\ntargets: {targets}\n");
    let warning = "`targets` match none of the objects: nothing was looked at";
    check(&config("[{kind: Deployment}, {name: c}]"), OBJECTS, &[warning]);
    check(&config("[{kind: Po}]"), OBJECTS, &[warning]);
    check(&config("[]"), OBJECTS, &[warning]);
    check(&config("[{kind: Deployment}, {kind: Job}]"), OBJECTS, &[]);
    check(&config("[{kind: \"\"}]"), OBJECTS, &[]);
    // An empty stream has nothing to match.
    check(&config("[{kind: Deployment}]"), "", &[]);
    check("labels: {a: b}", OBJECTS, &[]);
}
