//! What the derive reads, refuses and writes into the schema.

use std::collections::BTreeMap;

use windlass_pdk::test::run;
use windlass_pdk::{Config, ConfigError, Error, Manifests, Plugin, Value};

/// One of each.
#[derive(Config, Debug)]
#[allow(dead_code)]
struct Settings {
    /// Required text.
    name: String,
    /// Texts by key.
    ///
    /// Second paragraph "quoted".
    #[config(default)]
    labels: BTreeMap<String, String>,
    #[config(default)]
    on_conflict: OnConflict,
    #[config(default = 3, min = 1, max = 10)]
    retries: u32,
    #[config(default = -5)]
    offset: i64,
    #[config(default = true)]
    pod_templates: bool,
    #[config(default = "none", pattern = "^[a-z]+$")]
    mode: String,
    ratio: Option<f64>,
    #[config(rename = "type")]
    kind: Option<String>,
    #[config(default)]
    rules: Vec<Rule>,
    #[config(default)]
    containers: Vec<Value>,
    #[config(default, check = check_words)]
    words: Vec<String>,
}

#[derive(Config, Debug)]
#[allow(dead_code)]
struct Rule {
    /// Which path.
    path: String,
    value: Option<Value>,
}

/// What to do.
#[derive(Config, Debug, Default)]
enum OnConflict {
    /// Put the new one there.
    #[default]
    Overwrite,
    KeepOld,
    #[config(rename = "error")]
    Refuse,
}

fn check_words(words: &[String]) -> Result<(), ConfigError> {
    match words.iter().position(|word| word.contains(' ')) {
        Some(index) => Err(ConfigError::new("has a space").under_index(index)),
        None => Ok(()),
    }
}

/// Says what it read, as an error: the shortest way out of a plugin.
#[windlass_pdk::plugin(
    name = "show",
    version = "1.2.3",
    description = "Shows \"settings\"",
    license = "MIT",
    source = "https://example.com/show",
    asks = [net("Registry.Example", "to look digests up"), clock("to date things")],
    per_object
)]
fn show(settings: Settings, _manifests: &mut Manifests) -> Result<(), Error> {
    Err(Error::new(format!("{settings:?}")))
}

/// The settings as the plugin read them, or the error.
#[track_caller]
fn check(config: &str, args: &[&str], expected: &str) {
    let shown = run::<Show>(config, args, "a: 1\n").expect_err("it always fails");
    assert!(shown.contains(expected), "{config:?} gave {shown}\nwithout {expected}");
}

#[test]
fn defaults_stand_for_what_is_missing() {
    check(
        "name: x",
        &[],
        "Settings { name: \"x\", labels: {}, on_conflict: Overwrite, retries: 3, offset: -5, pod_templates: true, \
         mode: \"none\", ratio: None, kind: None, rules: [], containers: [], words: [] }",
    );
    check("{name: x, labels: null, retries: ~}", &[], "labels: {}, on_conflict: Overwrite, retries: 3");
}

#[test]
fn strings_are_never_retyped() {
    check("{name: 1.20, labels: {a: 1.20, b: 0755, c: on, d: 1_000, e: 1e3, f: true}}", &[], "name: \"1.20\"");
    check(
        "{name: x, labels: {a: 1.20, c: on, d: no, f: true, g: '1'}}",
        &[],
        r#"labels: {"a": "1.20", "c": "on", "d": "no", "f": "true", "g": "1"}"#,
    );
}

#[test]
fn other_types_are_read_from_plain_strings() {
    check(
        "{name: x, retries: '7', podTemplates: 'no', ratio: '0.5'}",
        &[],
        "retries: 7, offset: -5, pod_templates: false",
    );
    check(
        "{name: x, rules: '[{path: a.b, value: {c: 1}}]'}",
        &[],
        "path: \"a.b\", value: Some(Map([(\"c\", Number(\"1\"))]))",
    );
    check("{name: x, onConflict: keepOld, type: T}", &[], "on_conflict: KeepOld");
    check("{name: x, onConflict: error, type: T}", &[], "kind: Some(\"T\")");
}

#[test]
fn errors_name_the_path() {
    check("{}", &[], "name: is required");
    check("{name: x, words: [[a]]}", &[], "words[0]: expected a string, found a list");
    check("{name: x, labels: {a.b/c: {}}}", &[], "labels.a\\.b/c: expected a string, found a map");
    check("{name: x, labels: [a]}", &[], "labels: expected a map, found a list");
    check("{name: x, retries: 0}", &[], "retries: 0 is too small, the least is 1");
    check("{name: x, retries: 11}", &[], "retries: 11 is too large, the most is 10");
    check("{name: x, retries: many}", &[], "retries: expected a whole number, found a string");
    check("{name: x, retries: 1.5}", &[], "retries: expected a whole number of at most 64 bits, found 1.5");
    check("{name: x, podTemplates: 3}", &[], "podTemplates: expected true or false, found a number");
    check("{name: x, mode: A1}", &[], "mode: `A1` does not match `^[a-z]+$`");
    check("{name: x, rules: [{path: a}, {value: 1}]}", &[], "rules[1].path: is required");
    check("{name: x, rules: [{path: a, vlaue: 1}]}", &[], "rules[0].vlaue: unknown key, did you mean `value`?");
    check("{name: x, onConflict: keepold}", &[], "onConflict: unknown word `keepold`, did you mean `keepOld`?");
    check("{name: x, words: [a, 'b c']}", &[], "words[1]: has a space");
    check("{name: x, lables: {}}", &[], "lables: unknown key, did you mean `labels`?");
    check("{name: x, target: []}", &[], "target: unknown key, did you mean `targets`?");
    check("{name: x, labels: '{a'}", &[], "labels: is not YAML");
}

#[test]
fn extra_arguments_come_last() {
    check("name: x", &["labels.team=5", "retries=7"], r#"labels: {"team": "5"}"#);
    check(
        "{name: x, labels: {a: '1', b: '2'}}",
        &["labels.a=null,labels.c=1.20"],
        r#"labels: {"b": "2", "c": "1.20"}"#,
    );
    check("name: x", &["rules[0].path=a.b"], "path: \"a.b\"");
    check("name: x", &["name=y"], "name: \"y\"");
    check("name: x", &["lables.a=1"], "lables: unknown key, did you mean `labels`?");
    check("name: x", &["=1"], "extra argument `=1`: a key is empty");
    check(
        "name: x",
        &["--verbose"],
        "extra argument `--verbose` is not of the form `key=value`, and show takes no others",
    );
}

#[test]
fn the_section_holds_metadata_and_schema() {
    const LENGTH: usize = Show::METADATA.section_length();
    let section: [u8; LENGTH] = Show::METADATA.section();
    let text = std::str::from_utf8(&section).expect("UTF-8");
    let expected = include_str!("section.json");
    if std::env::var_os("WINDLASS_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/section.json"), format!("{text}\n"))
            .expect("a writable tree");
        return;
    }
    assert_eq!(text, expected.trim_end());
}
