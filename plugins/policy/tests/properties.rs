//! What holds for every stream: real charts where the folder is there, the project's own recordings, and every case.

use policy::Policy;
use windlass_pdk::test::{Stream, case_inputs, rendered_charts, run};

#[test]
fn nothing_changes() {
    let charts = rendered_charts("shared/corpus").into_iter().chain(rendered_charts("tests/streams"));
    let config = "
action: warn
presets: [podSecurityRestricted, noLatest, resourcesSet]
rules: [{name: r, expression: 'has(object.metadata.name)'}]
";
    for Stream { name, text } in charts.chain(case_inputs("tests/cases")) {
        if text.trim().is_empty() {
            continue;
        }
        assert_eq!(run::<Policy>(config, &[], &text).as_deref(), Ok(text.as_str()), "{name}");
    }
}
