//! What holds for every stream: real charts where the folder is there, the project's own recordings, and every case.

use expression::Expression;
use windlass_pdk::test::{Stream, case_inputs, check_twice_is_once, rendered_charts, run};

fn streams() -> impl Iterator<Item = Stream> {
    let charts = rendered_charts("shared/corpus").into_iter().chain(rendered_charts("tests/streams"));
    charts.chain(case_inputs("tests/cases"))
}

#[test]
fn what_an_expression_leaves_stays_byte_for_byte() {
    for Stream { name, text } in streams().filter(|stream| !stream.text.trim().is_empty()) {
        for expression in [".", "to_entries | reverse | from_entries", "map_values(.)"] {
            let output = run::<Expression>(&format!("expression: '{expression}'"), &[], &text);
            assert_eq!(output.as_deref(), Ok(text.as_str()), "{name}: {expression}");
        }
    }
}

#[test]
fn twice_is_once() {
    let config = "
expressions:
- select(.spec.template?) | .spec.template.spec.containers[]?.imagePullPolicy = \"Always\" | .metadata.labels.zz = \"zz\"
- language: yq
  expression: with(select(.kind == \"Service\") | .spec; .ports = (.ports | sort_by(.port)) | .type = \"NodePort\")
";
    check_twice_is_once::<Expression>(config, streams());
}
