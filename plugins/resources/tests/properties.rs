//! What holds for every stream: real charts where the folder is there, the project's own recordings, and every case.

use resources::Resources;
use windlass_pdk::test::{Stream, case_inputs, check_twice_is_once, objects, rendered_charts, run};

const NEW: &str = "
resources:
- manifest: {apiVersion: v1, kind: ConfigMap, metadata: {name: zz}, data: {a: b}}
- perNamespace: true
  manifest: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: zz}, spec: {podSelector: {}}}
- manifest: {apiVersion: v1, kind: Namespace, metadata: {name: zz}}
";

fn streams() -> impl Iterator<Item = Stream> {
    let charts = rendered_charts("shared/corpus").into_iter().chain(rendered_charts("tests/streams"));
    charts.chain(case_inputs("tests/cases"))
}

#[test]
fn what_is_there_stays_as_it_is() {
    for Stream { name, text } in streams().filter(|stream| !stream.text.trim().is_empty()) {
        let output = run::<Resources>(&format!("position: end{NEW}"), &[], &text).expect("can be added");
        assert!(output.starts_with(&text), "{name}");
        // In Helm's order the same objects come, the old ones in their order.
        let sorted = run::<Resources>(NEW, &[], &text).expect("can be added");
        let (before, after) = (objects(&text), objects(&sorted));
        assert_eq!(after.len(), objects(&output).len(), "{name}");
        let mut rest = after.iter();
        assert!(before.iter().all(|object| rest.any(|other| other == object)), "{name}");
    }
}

#[test]
fn twice_is_once() {
    check_twice_is_once::<Resources>(NEW, streams());
    check_twice_is_once::<Resources>(&format!("position: end{NEW}"), streams());
}
