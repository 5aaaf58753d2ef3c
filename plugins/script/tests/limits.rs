//! Limits that a sandbox hits with its own words, as its stack and memory are smaller than those of a test.

use script::Script;
use windlass_pdk::test::run;

#[track_caller]
fn check(script: &str, expected: &str) {
    let config = format!("script: |\n  {}\n", script.replace('\n', "\n  "));
    let error = run::<Script>(&config, &[], "kind: A\n").expect_err("it goes too far");
    assert!(error.contains(expected), "{error}");
}

#[test]
fn recursion_has_a_depth() {
    check("JSON.parse('['.repeat(1e6));", "RangeError: Maximum call stack size exceeded");
    check("eval('('.repeat(1e5));", "RangeError: Maximum call stack size exceeded");
}

#[test]
fn memory_has_an_end() {
    check(
        "let text = 'x'.repeat(1 << 20);\nconst all = [];\nfor (;;) all.push(text + all.length);",
        "used up its memory",
    );
}

#[test]
fn time_and_random_numbers_are_there_where_they_are_asked_for() {
    windlass_pdk::test::answer_clock(|| std::time::UNIX_EPOCH);
    windlass_pdk::test::answer_random(|length| vec![0x80; length]);
    let config = "clock: true\nrandom: true\nscript: |\n  manifests[0].metadata = { now, random: Math.random() };\n";
    let answer = run::<Script>(config, &[], "kind: A\n").expect("it runs");
    assert_eq!(answer, "kind: A\nmetadata:\n  now: \"1970-01-01T00:00:00.000Z\"\n  random: 0.5019607843137255\n");
}
