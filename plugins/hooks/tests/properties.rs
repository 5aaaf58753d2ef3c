//! What holds for every stream: real charts where the folder is there, the project's own recordings, and every case.

use hooks::Hooks;
use windlass_pdk::test::{Stream, case_inputs, check_twice_is_once, objects, rendered_charts, run};

fn streams() -> impl Iterator<Item = Stream> {
    let charts = rendered_charts("shared/corpus").into_iter().chain(rendered_charts("tests/streams"));
    charts.chain(case_inputs("tests/cases"))
}

#[test]
fn without_rules_nothing_changes() {
    for Stream { name, text } in streams().filter(|stream| !stream.text.trim().is_empty()) {
        assert_eq!(run::<Hooks>("", &[], &text).as_deref(), Ok(text.as_str()), "{name}");
    }
}

#[test]
fn hooks_are_objects_without_annotations() {
    for Stream { name, text } in streams().filter(|stream| !stream.text.trim().is_empty()) {
        let Ok(output) = run::<Hooks>("rules: [{to: object}]", &[], &text) else { continue };
        assert!(!output.contains("helm.sh/hook:"), "{name}");
        assert_eq!(objects(&text).len(), objects(&output).len(), "{name}");
    }
}

#[test]
fn twice_is_once() {
    check_twice_is_once::<Hooks>("rules: [{to: object}]", streams());
    let config = "rules: [{target: {kind: Service}, to: hook, hook: [pre-install], weight: 3}, {weight: 4, deletePolicy: [hook-failed]}]";
    check_twice_is_once::<Hooks>(config, streams());
}
