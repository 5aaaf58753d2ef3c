//! What Kubernetes limits by size, too large for a case folder.

use label_injector::LabelInjector;
use windlass_pdk::test::run;

const LIMIT: usize = 256 * 1024;

fn object(annotation_length: usize) -> String {
    let text = "x".repeat(annotation_length);
    format!("kind: ConfigMap\nmetadata:\n  name: a\n  annotations:\n    there: {text}\n")
}

#[test]
fn configured_annotations_fit_into_an_object() {
    let config = |length: usize| format!("annotations:\n  a: {}\n", "x".repeat(length));
    assert!(run::<LabelInjector>(&config(LIMIT - 1), &[], &object(0).replace("there: ", "")).is_ok());
    let error = run::<LabelInjector>(&config(LIMIT), &[], "").expect_err("one byte too many");
    assert_eq!(error, "annotations: 262145 bytes of annotations are more than the 262144 that Kubernetes takes");
}

#[test]
fn annotations_that_are_there_count() {
    let config = "annotations:\n  a: b\n";
    let room = LIMIT - "there".len() - "a".len() - "b".len();
    assert!(run::<LabelInjector>(config, &[], &object(room)).is_ok());
    let error = run::<LabelInjector>(config, &[], &object(room + 1)).expect_err("one byte too many");
    assert_eq!(
        error,
        "ConfigMap/a (line 1): metadata.annotations (line 5): the annotations would have 262145 bytes, more than the 262144 that Kubernetes takes"
    );
    // A value that is replaced counts once.
    let replaced =
        run::<LabelInjector>("annotations:\n  there: b\n", &[], &object(LIMIT)).expect("smaller than before");
    assert!(replaced.ends_with("    there: b\n"));
}
