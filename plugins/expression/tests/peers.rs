//! Expressions beside yq v4.50.1 and jq 1.6: `peers/yq.txt` and `peers/jq.txt` have one a line, `peers/*.json` what
//! those programs gave for each object of `peers/objects.yaml`: the object, `dropped`, `refused` (several results, or
//! one that is no object), or an error. The end-to-end tests run yq itself again.

use std::fs;

use expression::Expression;
use windlass_pdk::Value;
use windlass_pdk::test::{objects, run};

/// What differs on purpose, with the reason that the README gives.
const DIFFERENCES: &[(&str, &str)] = &[];

fn read(name: &str) -> String {
    let path = format!("{}/tests/peers/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// In one order, and without nulls, empty lists and maps of nothing else: yq leaves those where it looked for
/// something.
fn sorted(value: &Value) -> Value {
    let is_hollow = |value: &Value| match value {
        Value::Null => true,
        Value::Map(entries) => entries.is_empty(),
        Value::List(items) => items.is_empty(),
        _ => false,
    };
    match value {
        Value::Map(entries) => {
            let mut entries: Vec<_> = entries.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            entries.retain(|(_, value)| !is_hollow(value));
            entries.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Map(entries)
        }
        Value::List(items) => items.iter().map(sorted).collect(),
        Value::Number(text) => Value::Number(text.parse::<f64>().map_or(text.clone(), |number| number.to_string())),
        other => other.clone(),
    }
}

#[test]
fn expressions_give_what_yq_and_jq_give() {
    let text = read("objects.yaml");
    let documents: Vec<&str> = text.split("---\n").collect();
    let (mut compared, mut report) = (0, String::new());
    for language in ["yq", "jq"] {
        let (expressions, answers) = (read(&format!("{language}.txt")), read(&format!("{language}.json")));
        assert_eq!(expressions.lines().count(), answers.lines().count());
        for (expression, answers) in expressions.lines().zip(answers.lines()) {
            let answers = Value::from_yaml(answers).expect("JSON");
            for (document, answer) in documents.iter().zip(answers.as_list().expect("a list")) {
                let config = Value::map([
                    ("expression", Value::from(expression)),
                    ("language", Value::from(language)),
                    ("onEmpty", Value::from("drop")),
                ]);
                let outcome = run::<Expression>(&config.to_json(), &[], document);
                let found = match &outcome {
                    Ok(stream) if stream == "# empty\n" => "dropped".to_owned(),
                    Ok(stream) => sorted(&objects(stream)[0]).to_json(),
                    Err(error) if error.contains("several results") || error.contains("not an object") => {
                        "refused".to_owned()
                    }
                    Err(error) => format!("error: {error}"),
                };
                let expected = match answer {
                    Value::String(word) => word.clone(),
                    other if other.get("error").is_some() => continue,
                    object => sorted(object).to_json(),
                };
                let differs = DIFFERENCES.iter().any(|(known, _)| *known == expression);
                compared += 1;
                if (found == expected) == differs {
                    report.push_str(&format!("{language}: {expression}\n  expected {expected}\n  found    {found}\n"));
                }
            }
        }
    }
    assert!(compared > 300, "{compared}");
    assert!(report.is_empty(), "{report}");
}
