//! Three policies on real charts: all offenders in one report, as many as somebody counts who looks for them by hand.

use policy::Policy;
use windlass_pdk::Value;
use windlass_pdk::findings::Finding;
use windlass_pdk::test::{Stream, objects, rendered_charts, run, take_findings};

const CONFIG: &str = "
presets: [resourcesSet, noLatest]
rules:
- name: no host paths
  target: {kind: DaemonSet|Deployment|StatefulSet, group: apps}
  expression: '!has(object.spec.template.spec.volumes) || object.spec.template.spec.volumes.all(v, !has(v.hostPath))'
";

/// The workloads with a volume of the node, counted on values instead of by CEL.
fn with_host_paths(stream: &str) -> usize {
    let is_workload = |object: &&Value| {
        object
            .get("kind")
            .and_then(Value::as_str)
            .is_some_and(|kind| matches!(kind, "DaemonSet" | "Deployment" | "StatefulSet"))
    };
    let has_host_path = |object: &&Value| {
        let pod = object.get("spec").and_then(|spec| spec.get("template")?.get("spec"));
        let volumes = pod.and_then(|pod| pod.get("volumes")?.as_list()).unwrap_or_default();
        volumes.iter().any(|volume| volume.get("hostPath").is_some())
    };
    objects(stream).iter().filter(is_workload).filter(has_host_path).count()
}

#[test]
fn all_offenders_of_a_chart_are_in_one_report() {
    let charts = rendered_charts("shared/corpus").into_iter().chain(rendered_charts("tests/streams"));
    let mut all = 0;
    for Stream { name, text } in charts {
        take_findings();
        let outcome = run::<Policy>(CONFIG, &[], &text);
        let found: Vec<Finding> = take_findings();
        all += found.len();
        assert_eq!(outcome.is_err(), !found.is_empty(), "{name}");
        let of_rule = |rule: &str| found.iter().filter(|finding| finding.rule == rule).count();
        assert_eq!(of_rule("no host paths"), with_host_paths(&text), "{name}");
        for finding in &found {
            let is_placed = !finding.name.is_empty() && finding.object_line > 0 && finding.line >= finding.object_line;
            assert!(is_placed, "{name}: {finding:?}");
            let is_of_helm = text.contains("# Source: ") || text.contains("postrenderer.helm.sh/postrender-filename");
            assert_eq!(!finding.file.is_empty(), is_of_helm, "{name}: {finding:?}");
            if let Err(error) = &outcome {
                let head = format!("{} finding", found.len());
                assert!(error.starts_with(&head), "{name}: {error}");
            }
        }
    }
    // Where the folder of charts is missing, the project's own recordings are right.
    assert!(all > 0 || rendered_charts("shared/corpus").is_empty());
}
