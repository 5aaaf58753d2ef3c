//! The Pod Security Standards beside Kubernetes' own: the pods of `k8s.io/pod-security-admission` 0.37.2
//! (test/testdata, Apache-2.0) that its checks let pass and refuse, each named after its check.

use std::fs;

use policy::Policy;
use windlass_pdk::test::run;

fn check(level: &str, preset: &str, sort: &str, least: usize) {
    let path = format!("{}/tests/pod-security/{level}-{sort}.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut report = String::new();
    let mut pods = 0;
    for pod in text.split("---\n") {
        pods += 1;
        let outcome = run::<Policy>(&format!("presets: [{preset}]"), &[], pod);
        let name = pod.lines().next().unwrap_or_default();
        match (sort, outcome) {
            ("pass", Err(error)) => report.push_str(&format!("{name} is refused: {error}\n")),
            ("fail", Ok(_)) => report.push_str(&format!("{name} passes\n")),
            ("pass", Ok(output)) => assert_eq!(output, pod, "{name}"),
            (_, _) => {}
        }
    }
    assert!(report.is_empty(), "{report}");
    assert!(pods >= least, "{pods} pods");
}

#[test]
fn baseline_is_kubernetes_baseline() {
    check("baseline", "podSecurityBaseline", "pass", 15);
    check("baseline", "podSecurityBaseline", "fail", 30);
}

#[test]
fn restricted_is_kubernetes_restricted() {
    check("restricted", "podSecurityRestricted", "pass", 15);
    check("restricted", "podSecurityRestricted", "fail", 40);
}
