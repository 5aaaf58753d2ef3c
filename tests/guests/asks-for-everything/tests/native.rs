//! The guest natively, with a world that the test makes up. The end-to-end tests run it in the sandbox.

use std::time::{Duration, UNIX_EPOCH};

use asks_for_everything::AsksForEverything;
use windlass_pdk::test::{
    answer_clock, answer_environment, answer_files, answer_random, run, take_logs, take_written_files,
};

const OBJECT: &str = "kind: A\n";

/// The answers that every test starts from.
fn world() {
    answer_files(|path| (path == "/in/file").then(|| b"text".to_vec()));
    answer_environment(|name| (name == "GUEST_VARIABLE").then(|| "value".to_owned()));
    answer_clock(|| UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let mut counter = 0;
    answer_random(move |length| {
        counter += 1;
        vec![counter; length]
    });
}

#[track_caller]
fn check(config: &str, expected: Result<&str, &str>) {
    match (run::<AsksForEverything>(config, &[], OBJECT), expected) {
        (Ok(stream), Ok(data)) => assert!(stream.ends_with(&format!("data:\n{data}")), "{stream}"),
        (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
        (actual, _) => panic!("{actual:?}"),
    }
}

#[test]
fn the_world_answers_what_the_test_says() {
    world();
    check("", Ok("  file: text\n  variable: value\n  clock: true\n  random: true\n  kept: \"yes\"\n  gone: null\n"));
    let written = take_written_files();
    assert_eq!(written.into_iter().collect::<Vec<_>>(), [("/out/file".to_owned(), b"text".to_vec())]);
    assert!(take_logs().is_empty());

    answer_files(|_| None);
    answer_environment(|_| None);
    answer_clock(|| UNIX_EPOCH);
    answer_random(|length| vec![0; length]);
    check("", Ok("  file: null\n  variable: null\n  clock: false\n  random: false\n  kept: \"yes\"\n  gone: null\n"));
}

#[test]
fn a_question_that_nobody_answers_says_how_to_answer_it() {
    check(
        "",
        Err(
            "the file /in/file: nobody answers that in this test; say what is answered with `windlass_pdk::test::answer_files`",
        ),
    );
    world();
    answer_files(|_| Some(vec![0xff]));
    check("", Err("the file `/in/file` is not UTF-8"));
    world();
    answer_random(|_| vec![1]);
    check("", Err("asked for 32 random bytes and answers with 1"));
}
