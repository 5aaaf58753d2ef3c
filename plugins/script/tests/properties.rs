//! What holds for every stream: real charts where the folder is there, the project's own recordings, and every case.

use script::Script;
use windlass_pdk::test::{Stream, case_inputs, check_twice_is_once, rendered_charts, run};

fn streams() -> impl Iterator<Item = Stream> {
    let charts = rendered_charts("shared/corpus").into_iter().chain(rendered_charts("tests/streams"));
    charts.chain(case_inputs("tests/cases"))
}

#[test]
fn what_a_script_makes_anew_as_it_was_stays_byte_for_byte() {
    let config = "script: manifests = JSON.parse(JSON.stringify(manifests)).reverse();";
    // JSON has no infinity and JavaScript no 9007199254740993: a script that goes through them means the nearest there
    // is.
    let holds = |text: &str| !["9007199254740993", ".inf"].iter().any(|number| text.contains(number));
    for Stream { name, text } in streams().filter(|stream| !stream.text.trim().is_empty() && holds(&stream.text)) {
        assert_eq!(run::<Script>(config, &[], &text).as_deref(), Ok(text.as_str()), "{name}");
    }
}

#[test]
fn twice_is_once() {
    let config = "
script: |
  for (const m of manifests) {
    m.metadata = { ...m.metadata, labels: { ...m.metadata?.labels, zz: '0755' } };
    for (const c of m.spec?.template?.spec?.containers ?? []) c.imagePullPolicy = 'Always';
    if (m.kind === 'Service') m.spec.ports = m.spec.ports?.toSorted((a, b) => a.port - b.port);
  }
";
    check_twice_is_once::<Script>(config, streams());
}
