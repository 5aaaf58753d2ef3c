//! What holds for every stream: real charts where the folder is there, the project's own recordings, and every case.

use checksum::Checksum;
use windlass_pdk::test::{Stream, case_inputs, check_twice_is_once, objects, rendered_charts, run};

fn streams() -> impl Iterator<Item = Stream> {
    let charts = rendered_charts("shared/corpus").into_iter().chain(rendered_charts("tests/streams"));
    charts.chain(case_inputs("tests/cases"))
}

#[test]
fn twice_is_once() {
    check_twice_is_once::<Checksum>("", streams());
    check_twice_is_once::<Checksum>("annotation: checksum/{kind}-{name}\nscope: keys\n", streams());
}

/// Each document written anew by another hand: other quotes, other layout, the same content.
#[test]
fn layout_makes_no_difference() {
    let hashes = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.contains("checksum.zz/all"));
        lines.map(|line| line.rsplit(':').next().unwrap_or_default().trim_matches([' ', '"', '}']).to_owned()).collect()
    };
    let config = "annotation: checksum.zz/all";
    let mut compared = 0;
    for Stream { name, text } in streams() {
        let Ok(first) = run::<Checksum>(config, &[], &text) else { continue };
        let again: Vec<String> = objects(&text).iter().map(|object| object.to_yaml().expect("YAML")).collect();
        let second = run::<Checksum>(config, &[], &again.join("---\n")).expect("the same content");
        let (first, second) = (hashes(&first), hashes(&second));
        compared += first.len();
        if !name.contains("/cases/") {
            assert_eq!(first, second, "{name}");
        }
    }
    assert!(compared > 0);
}

#[test]
fn what_is_used_counts_and_nothing_else() {
    let stream = |level: &str, other: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, labels: {{l: {other}}}}}\ndata: {{level: {level}, other: {other}}}\n---\n\
             apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: w}}\nspec: {{template: {{spec: {{containers: [{{name: c, \
             env: [{{name: L, valueFrom: {{configMapKeyRef: {{name: a, key: level}}}}}}]}}]}}}}}}\n"
        )
    };
    let hash = |config: &str, level: &str, other: &str| {
        let output = run::<Checksum>(config, &[], &stream(level, other)).expect("annotated");
        output.split("---\n").nth(1).map(str::to_owned)
    };
    assert_ne!(hash("", "a", "x"), hash("", "b", "x"));
    assert_ne!(hash("", "a", "x"), hash("", "a", "y"));
    assert_ne!(hash("scope: keys", "a", "x"), hash("scope: keys", "b", "x"));
    assert_eq!(hash("scope: keys", "a", "x"), hash("scope: keys", "a", "y"));
}
