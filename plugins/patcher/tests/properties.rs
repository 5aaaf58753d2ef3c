//! What holds for every stream: real charts where the folder is there, the project's own recordings, and every case.

use patcher::Patcher;
use windlass_pdk::Value;
use windlass_pdk::test::{Stream, case_inputs, check_twice_is_once, objects, rendered_charts, run};

/// A patch of maps alone: JSON merge patch (RFC 7386) says what comes out.
const PATCH: &str = "{metadata: {annotations: {zz: '1'}, labels: {app: null}}, spec: {template: {spec: {nodeSelector: {disk: ssd}, serviceAccountName: zz}}}}";

/// The same, and lists that merge, and operations.
const PATCHES: &str = "
onMissing: ignore
patches:
- target: {kind: Deployment|StatefulSet|DaemonSet}
  patch:
    metadata: {annotations: {zz: '1'}}
    spec:
      template:
        spec:
          tolerations: [{key: zz}]
          containers:
          - {name: zz, image: zz, env: [{name: ZZ, value: zz}]}
          volumes:
          - {name: zz, emptyDir: {}}
- target: {kind: Service}
  patch:
  - {op: add, path: /metadata/labels/zz, value: zz}
  - {op: add, path: /spec/ports/-, value: {name: zz, port: 4242}}
- target: {kind: Secret}
  patch: {$patch: delete}
";

fn streams() -> impl Iterator<Item = Stream> {
    let charts = rendered_charts("shared/corpus").into_iter().chain(rendered_charts("tests/streams"));
    charts.chain(case_inputs("tests/cases"))
}

#[test]
fn a_patch_of_maps_is_a_json_merge_patch() {
    let config = format!("onMissing: ignore\npatches:\n- target: {{kind: Deployment}}\n  patch: {PATCH}\n");
    let patch = Value::from_yaml(PATCH).expect("YAML");
    let mut patched = 0;
    for Stream { name, text } in streams() {
        let Ok(output) = run::<Patcher>(&config, &[], &text) else {
            assert!(name.contains("/cases/"), "{name} cannot be patched");
            continue;
        };
        if text.trim().is_empty() {
            continue;
        }
        let (before, after) = (objects(&text), objects(&output));
        assert_eq!(before.len(), after.len(), "{name}");
        for (mut before, mut after) in before.into_iter().zip(after) {
            if before.get("kind").and_then(Value::as_str) == Some("Deployment") {
                merge(&mut before, &patch);
                patched += 1;
            }
            sort(&mut before);
            sort(&mut after);
            assert_eq!(after, before, "{name}");
        }
    }
    assert!(patched > 0, "no Deployment anywhere");
}

#[test]
fn twice_is_once() {
    check_twice_is_once::<Patcher>(PATCHES, streams());
}

/// RFC 7386, but that a map of which only nulls would be left is not made.
fn merge(value: &mut Value, patch: &Value) {
    let Some(patches) = patch.as_map() else {
        *value = patch.clone();
        return;
    };
    if value.as_map().is_none() {
        *value = Value::Map(Vec::new());
    }
    let Value::Map(entries) = value else { return };
    for (key, patch) in patches {
        let place = entries.iter().position(|(there, _)| there == key);
        match (place, patch) {
            (Some(place), Value::Null) => drop(entries.remove(place)),
            (None, Value::Null) => {}
            (Some(place), patch) => merge(&mut entries[place].1, patch),
            (None, patch) => {
                let mut new = Value::Null;
                merge(&mut new, patch);
                let is_emptied = new.as_map().is_some_and(<[_]>::is_empty) && patch.as_map() != Some(&[]);
                if !is_emptied {
                    entries.push((key.clone(), new));
                }
            }
        }
    }
}

fn sort(value: &mut Value) {
    match value {
        Value::Map(entries) => {
            entries.iter_mut().for_each(|(_, value)| sort(value));
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        Value::List(items) => items.iter_mut().for_each(sort),
        _ => {}
    }
}
