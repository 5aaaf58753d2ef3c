//! What holds for every stream: real charts where the folder is there, the project's own recordings, and every case.

use sidecar_injector::SidecarInjector;
use windlass_pdk::Value;
use windlass_pdk::test::{Stream, case_inputs, check_twice_is_once, objects, rendered_charts, run};

/// Every name is one that no chart has.
const EVERYTHING: &str = "
containers:
- name: zz-plain
  image: zz:1
  volumeMounts:
  - {name: zz-volume, mountPath: /zz}
initContainers:
- name: zz-native
  image: zz:1
  restartPolicy: Always
- name: zz-init
  image: zz:1
volumes:
- name: zz-volume
  emptyDir: {}
imagePullSecrets:
- name: zz-secret
mounts:
- name: zz-volume
  mountPath: /zz
env:
- name: zz-first
  value: $(zz-second)
- name: zz-second
  value: second
";

fn streams() -> impl Iterator<Item = Stream> {
    let charts = rendered_charts("shared/corpus").into_iter().chain(rendered_charts("tests/streams"));
    charts.chain(case_inputs("tests/cases"))
}

#[test]
fn what_was_injected_can_be_taken_out_again() {
    let mut injected = 0;
    for Stream { name, text } in streams() {
        let is_chart = !name.contains("/cases/");
        let output = match run::<SidecarInjector>(EVERYTHING, &[], &text) {
            Ok(output) => output,
            Err(error) => {
                assert!(!is_chart, "{name}: {error}");
                continue;
            }
        };
        if text.trim().is_empty() {
            continue;
        }
        injected += output.matches("zz-native").count();
        let (before, after) = (objects(&text), objects(&output));
        assert_eq!(before.len(), after.len(), "{name}");
        for (mut before, mut after) in before.into_iter().zip(after) {
            strip(&mut before);
            strip(&mut after);
            assert_eq!(after, before, "{name}");
        }
        // In block style every line of the chart is still there, in order.
        if is_chart {
            let mut output = output.lines();
            for line in text.lines().filter(|line| !line.contains(['{', '['])) {
                assert!(output.any(|there| there == line), "{name}: the line {line:?} is missing");
            }
        }
    }
    assert!(injected > 0, "nothing was injected anywhere");
}

#[test]
fn twice_is_once() {
    check_twice_is_once::<SidecarInjector>(EVERYTHING, streams());
}

/// Takes out what was injected, and lists that are empty or null: what was injected may have filled one.
fn strip(value: &mut Value) {
    const LISTS: [&str; 6] = ["containers", "initContainers", "volumes", "imagePullSecrets", "volumeMounts", "env"];
    match value {
        Value::Map(entries) => {
            entries.iter_mut().for_each(|(_, value)| strip(value));
            entries.retain(|(key, value)| {
                let is_empty = value.is_null() || value.as_list().is_some_and(<[_]>::is_empty);
                !(is_empty && LISTS.contains(&key.as_str()))
            });
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        Value::List(items) => {
            items.retain(|item| !item.get("name").and_then(Value::as_str).is_some_and(|name| name.starts_with("zz-")));
            items.iter_mut().for_each(strip);
        }
        _ => {}
    }
}
