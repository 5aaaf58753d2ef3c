//! Expressions, annotations and what they decide: one table row per case.

use serde_json::{Value, json};
use windlass_kstatus::{Evaluation, Expression};
use windlass_kstatus::{
    FAILURE_ANNOTATION, Flavor, Options, SUCCESS_ANNOTATION, Status, Verdict, parse_annotation, pods, readiness,
};

/// The outcome of an expression on a status: `met`, `not met`, `not ordered`, `syntax COLUMN: …` or `error: …`.
fn outcome(expression: &str, status: &Value) -> String {
    match Expression::parse(expression) {
        Err(error) => format!("syntax {}: {error}", error.column(expression)),
        Ok(parsed) => match parsed.evaluate(status) {
            Ok(Evaluation::Met) => "met".to_owned(),
            Ok(Evaluation::NotMet) => "not met".to_owned(),
            Ok(Evaluation::NotOrdered(_)) => "not ordered".to_owned(),
            Err(error) => format!("error: {error}"),
        },
    }
}

#[test]
fn expressions_compare_as_documented() {
    let status = json!({
        "phase": "Ready", "upper": "True", "lower": "true", "yes": true, "no": false, "nothing": null, "empty": "",
        "one": 1, "ten": 10, "float": 1.0, "half": 0.5, "oneText": "1", "tenText": "10", "oneZeroText": "1.0",
        "nullText": "null", "size": "100Mi", "big": 9007199254740993u64, "list": [1, 2], "map": {"a": 1},
        "a.b": "dotted",
        "conditions": [
            {"type": "Ready", "status": "True"}, {"type": "Odd}", "status": "False"},
        ],
        "ingress": [],
    });
    for expression in [
        r#"{.phase} == "Ready""#,
        "{.phase} == 'Ready'",
        "{.phase} == Ready",
        "{.phase}==Ready",
        " { .phase }  ==  Ready ",
        "{.phase} != Failed",
        "{$.phase} == Ready",
        "{@.phase} == Ready",
        "{['phase']} == Ready",
        "{.status.phase} == Ready",
    ] {
        assert_eq!(outcome(expression, &status), "met", "{expression}");
    }
    for (expression, expected) in [
        // Paths.
        (r"{.a\.b} == dotted", "met"),
        ("{.list[-1]} == 2", "met"),
        (r#"{.conditions[?(@.type=="Ready")].status} == "True""#, "met"),
        (r#"{.conditions[?(@.type=="Odd}")].status} == "False""#, "met"),
        (r#"{.conditions[?(@.type=="Gone")].status} == "True""#, "not met"),
        (r#"{.conditions[?(@.type=="Gone")].status} != "True""#, "not met"),
        ("{.missing} == x", "not met"),
        ("{.missing} != x", "not met"),
        ("{.missing} < 1", "not met"),
        ("{.ingress[0].ip} != ''", "not met"),
        ("{.phase.deeper} == x", "not met"),
        // Text.
        (r#"{.phase} == "ready""#, "not met"),
        (r#"{.empty} == """#, "met"),
        (r#"{.empty} != """#, "not met"),
        ("{.phase} == two words", "not met"),
        // Numbers.
        ("{.one} == 1", "met"),
        ("{.one} == 1.0", "met"),
        ("{.float} == 1", "met"),
        ("{.oneText} == 1", "met"),
        ("{.oneZeroText} == 1", "met"),
        (r#"{.oneZeroText} == "1""#, "not met"),
        (r#"{.one} == "1""#, "met"),
        (r#"{.float} == "1""#, "met"),
        (r#"{.float} == "1.0""#, "not met"),
        ("{.ten} < 9", "not met"),
        ("{.tenText} < 9", "not met"),
        ("{.tenText} >= 10", "met"),
        ("{.half} < 1e0", "met"),
        ("{.half} > 0.4", "met"),
        ("{.ten} <= 9.99", "not met"),
        ("{.big} == 9007199254740993", "met"),
        ("{.big} == 9007199254740992", "not met"),
        ("{.one} != -1", "met"),
        // Booleans.
        ("{.yes} == true", "met"),
        ("{.yes} != false", "met"),
        ("{.no} == false", "met"),
        ("{.yes} == True", "not met"),
        (r#"{.yes} == "true""#, "met"),
        ("{.yes} == 1", "not met"),
        ("{.one} == true", "not met"),
        ("{.upper} == true", "not met"),
        ("{.upper} == True", "met"),
        ("{.lower} == true", "met"),
        // Null.
        ("{.nothing} == null", "met"),
        ("{.nothing} != null", "not met"),
        ("{.nothing} == \"null\"", "not met"),
        ("{.nothing} != x", "met"),
        ("{.phase} != null", "met"),
        ("{.nullText} == null", "not met"),
        ("{.nullText} == 'null'", "met"),
        // Order of what has none.
        ("{.phase} > 1", "not ordered"),
        ("{.size} > 1", "not ordered"),
        ("{.nothing} > 1", "not ordered"),
        ("{.yes} >= 1", "not ordered"),
        // What cannot be evaluated.
        ("{.list} == 1", "error: `{.list} == 1`: the path selects a list, which cannot be compared"),
        ("{.map} == 1", "error: `{.map} == 1`: the path selects a map, which cannot be compared"),
        (
            "{.list[*]} == 1",
            "error: `{.list[*]} == 1`: the path selects 2 values, and an expression compares exactly one",
        ),
        ("{.phase[0]} == x", "error: `{.phase[0]} == x`: an index selects from a list, this is a string"),
        ("{.map[?(@.a==1)]} == x", "error: `{.map[?(@.a==1)]} == x`: a filter selects from a list, this is a map"),
        ("{.list[?(@==\"x\")]} == 1", "error: `{.list[?(@==\"x\")]} == 1`: incompatible types for comparison"),
        // Syntax, with columns.
        ("", "syntax 1: an expression starts with a path in braces, as in `{.phase} == \"Ready\"`"),
        (".phase == Ready", "syntax 1: an expression starts with a path in braces, as in `{.phase} == \"Ready\"`"),
        ("{.phase == Ready", "syntax 9: unexpected character `=` in the path"),
        ("{.phase", "syntax 8: the path is not closed by `}`"),
        ("{} == x", "syntax 2: the path is empty; it names a field of the status, as in `{.phase}`"),
        ("{phase} == x", "syntax 2: unrecognized identifier `phase`; a path starts with a dot: `.phase`"),
        ("{.phase}", "syntax 9: expected one of == != < <= > >= after the path"),
        ("{.phase} = x", "syntax 10: expected one of == != < <= > >= after the path"),
        ("{.phase} === x", "syntax 12: unknown operator; use == != < <= > >="),
        ("{.phase} =~ x", "syntax 10: expected one of == != < <= > >= after the path"),
        ("{.phase} ==", "syntax 12: a value is missing after the operator; write \"\" for the empty text"),
        ("{.ä} == \"x", "syntax 9: the quoted value is not closed"),
        (
            "{.a} == \"x\" y",
            "syntax 12: unexpected text after the quoted value; an expression is one comparison, write several as items of the list (any of them decides)",
        ),
        (
            "{.a} == 1 && {.b} == 2",
            "syntax 11: unexpected `&&` in the value; an expression is one comparison, write several as items of the list (any of them decides)",
        ),
        ("{.a} < x", "syntax 8: `<`, `<=`, `>` and `>=` compare numbers, and `x` is not an unquoted number"),
        ("{.a} < \"1\"", "syntax 8: `<`, `<=`, `>` and `>=` compare numbers, and `1` is not an unquoted number"),
        ("{.a} >= 50%", "syntax 9: `<`, `<=`, `>` and `>=` compare numbers, and `50%` is not an unquoted number"),
        ("{.a} == NaN", "syntax 9: `NaN` is not a number in JSON's syntax; put it in quotes to compare it as a text"),
        ("{.a} == 0x1F", "syntax 9: `0x1F` is not a number in JSON's syntax; put it in quotes to compare it as a text"),
        (
            "{.a} == 1_000",
            "syntax 9: `1_000` is not a number in JSON's syntax; put it in quotes to compare it as a text",
        ),
        ("{range .a}{end} == 1", "syntax 2: `range` formats output and is not supported in a condition"),
        ("{.a[\"b\"]} == 1", "syntax 5: a key in brackets takes single quotes: ['key']"),
        ("{.a[?(@.b==1 && @.c==2)]} == 1", "syntax 14: `&&` and `||` are not supported in a filter"),
        ("{.a[?(@.b=~1)]} == 1", "syntax 10: unknown operator; use == != < <= > >="),
        ("{.a[x]} == 1", "syntax 5: invalid array index `x`"),
        ("{.a[0} == 1", "syntax 4: `[` is not closed"),
    ] {
        assert_eq!(outcome(expression, &status), expected, "{expression}");
    }
}

#[test]
fn annotations_are_lists_in_text_form() {
    let texts = |value: &str| match parse_annotation(value) {
        Ok(expressions) => expressions.iter().map(|expression| expression.text().to_owned()).collect::<Vec<_>>(),
        Err(error) => vec![format!("{} {error}", error.offset)],
    };
    let one = vec!["{.a} == 1".to_owned()];
    for value in
        [r#"["{.a} == 1"]"#, "['{.a} == 1']", " [ '{.a} == 1' , ] ", "[\"{.a} == 1\",\n]", r#"["{.a} \u003d= 1"]"#]
    {
        assert_eq!(texts(value), one, "{value}");
    }
    assert_eq!(texts(r#"["{.a} == \"x\"", '{.b} == ''y''']"#), ["{.a} == \"x\"", "{.b} == 'y'"]);
    for value in ["", "  ", "null", "[]", "[ ]", "~"] {
        assert_eq!(texts(value), Vec::<String>::new(), "{value:?}");
    }
    for (value, expected) in [
        ("{.a} == 1", "0 expected a list of expressions in text form, as in '[\"{.phase} == Ready\"]'"),
        ("[{.a} == 1]", "1 an expression in the list must be quoted"),
        ("[\"{.a} == 1\"", "12 the list is not closed by `]`"),
        ("[\"{.a} == 1\"] x", "14 unexpected text after the list"),
        ("[\"{.a} == 1\" \"\"]", "13 expected `,` or `]` after the item"),
        ("[\"{.a} == 1\",,]", "13 an item of the list is missing"),
        ("[\"{.a}\", \"{.b} ~ 1\"]", "6 expression 1: expected one of == != < <= > >= after the path"),
        ("['{.a} == 1', \"{.b} \\u007e 1\"]", "20 expression 2: expected one of == != < <= > >= after the path"),
        ("[\"\\ud800\"]", "2 half of a surrogate pair"),
        ("[succeeded==1]", "1 expression 1: an expression starts with a path in braces, as in `{.phase} == \"Ready\"`"),
    ] {
        assert_eq!(texts(value), [expected], "{value}");
    }
}

fn object(success: Option<&str>, failure: Option<&str>, mut rest: Value) -> Value {
    let mut annotations = serde_json::Map::new();
    for (name, value) in [(SUCCESS_ANNOTATION, success), (FAILURE_ANNOTATION, failure)] {
        if let Some(value) = value {
            annotations.insert(name.to_owned(), value.into());
        }
    }
    rest["apiVersion"] = "example.org/v1".into();
    rest["kind"] = "Thing".into();
    rest["metadata"]["annotations"] = annotations.into();
    rest
}

fn check(success: Option<&str>, failure: Option<&str>, rest: Value, expected: (Status, &str, &str)) -> Verdict {
    let verdict = readiness(&object(success, failure, rest), &Options::default());
    assert_eq!((verdict.status, verdict.reason(), verdict.message.as_str()), expected);
    verdict
}

const READY: Option<&str> = Some(r#"["{.phase} == Ready", "{.done} == true"]"#);
const BROKEN: Option<&str> = Some(r#"["{.phase} == Broken"]"#);

#[test]
fn annotations_decide() {
    check(
        READY,
        BROKEN,
        json!({"status": {"phase": "Ready"}}),
        (Status::Current, "", "success condition is met: {.phase} == Ready"),
    );
    check(
        READY,
        BROKEN,
        json!({"status": {"phase": "x", "done": true}}),
        (Status::Current, "", "success condition is met: {.done} == true"),
    );
    check(
        READY,
        BROKEN,
        json!({"status": {"phase": "Broken", "done": true}}),
        (Status::Failed, "ReadinessFailure", "failure condition is met: {.phase} == Broken"),
    );
    let waiting = "waiting for {.phase} == Ready or {.done} == true";
    check(READY, BROKEN, json!({"status": {"phase": "x"}}), (Status::InProgress, "ReadinessPending", waiting));
    check(READY, BROKEN, json!({}), (Status::InProgress, "ReadinessPending", "no status yet"));
    check(READY, BROKEN, json!({"status": null}), (Status::InProgress, "ReadinessPending", "no status yet"));
    check(READY, BROKEN, json!({"status": {}}), (Status::InProgress, "ReadinessPending", waiting));
}

#[test]
fn nothing_wrong_looks_ready() {
    let ready = || json!({"status": {"phase": "Ready", "map": {}}});
    check(
        Some("[oops"),
        BROKEN,
        ready(),
        (Status::Failed, "InvalidReadinessAnnotation", "helm.sh/readiness-success: the list is not closed by `]`"),
    );
    check(
        READY,
        Some("x"),
        ready(),
        (
            Status::Failed,
            "InvalidReadinessAnnotation",
            "helm.sh/readiness-failure: expected a list of expressions in text form, as in '[\"{.phase} == Ready\"]'",
        ),
    );
    check(
        READY,
        Some(r#"["{.map} == 1"]"#),
        ready(),
        (Status::Failed, "ReadinessExpressionError", "`{.map} == 1`: the path selects a map, which cannot be compared"),
    );
    check(
        Some(r#"["{.map} == 1"]"#),
        BROKEN,
        ready(),
        (Status::Failed, "ReadinessExpressionError", "`{.map} == 1`: the path selects a map, which cannot be compared"),
    );
    // One success expression that holds is enough, whatever the others are.
    check(
        Some(r#"["{.map} == 1", "{.phase} == Ready"]"#),
        BROKEN,
        ready(),
        (Status::Current, "", "success condition is met: {.phase} == Ready"),
    );
}

#[test]
fn one_annotation_alone_has_no_effect() {
    let rest =
        || json!({"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "R", "message": "m"}]}});
    let verdict = check(READY, None, rest(), (Status::InProgress, "R", "m"));
    assert_eq!(
        verdict.warnings,
        ["helm.sh/readiness-success has no effect without helm.sh/readiness-failure; kstatus' own rules decide"]
    );
    let verdict = check(Some("[]"), BROKEN, rest(), (Status::InProgress, "R", "m"));
    assert_eq!(
        verdict.warnings,
        ["helm.sh/readiness-failure has no effect without helm.sh/readiness-success; kstatus' own rules decide"]
    );
    assert!(check(None, None, rest(), (Status::InProgress, "R", "m")).warnings.is_empty());
}

#[test]
fn deletion_and_stale_generations_come_first() {
    let stale = json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 1, "phase": "Ready"}});
    let message = "Thing generation is 2, but latest observed generation is 1";
    check(READY, BROKEN, stale.clone(), (Status::InProgress, "LatestGenerationNotObserved", message));
    let trusting = Options { trust_stale_status: true, ..Options::default() };
    assert_eq!(readiness(&object(READY, BROKEN, stale), &trusting).status, Status::Current);
    let deleted = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": "Ready"}});
    check(READY, BROKEN, deleted, (Status::Terminating, "", "Resource scheduled for deletion"));
    // Argo Rollouts' observedGeneration is a text (helm#32615): without annotations Unknown, with them an answer.
    let text = || json!({"metadata": {"generation": 2}, "status": {"observedGeneration": "2", "phase": "Ready"}});
    check(READY, BROKEN, text(), (Status::Current, "", "success condition is met: {.phase} == Ready"));
    check(None, None, text(), (Status::Unknown, "", "status.observedGeneration is a string, expected an integer"));
}

#[test]
fn an_order_on_text_is_a_warning() {
    let verdict = check(
        Some(r#"["{.count} > 1"]"#),
        BROKEN,
        json!({"status": {"count": "many"}}),
        (Status::InProgress, "ReadinessPending", "waiting for {.count} > 1"),
    );
    assert_eq!(verdict.warnings, ["`{.count} > 1` is not met: the field is a string that is no number"]);
}

#[test]
fn failed_pods_make_their_controller_fail() {
    let pod = |extra: Value| {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}, "status": {"phase": "Running"}});
        pod["metadata"] = extra["metadata"].clone();
        pod["status"]["conditions"] = extra["conditions"].clone();
        pod
    };
    let failed = Verdict::failed("ContainerCrashLooping", "m");
    let plain = pod(json!({"metadata": {}, "conditions": []}));
    let deleted = pod(json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}));
    let unschedulable =
        pod(json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}));
    let pods = [(&plain, &failed), (&deleted, &failed), (&unschedulable, &failed)];
    let own = || Verdict::in_progress("LessReady", "Ready: 0/3");
    for (flavor, message) in [(Flavor::Fork, "1 pods have failed"), (Flavor::Upstream, "3 pods have failed")] {
        assert_eq!(pods::with_pods(own(), pods, flavor), Verdict::plain(Status::Failed, message));
    }
    assert_eq!(pods::with_pods(own(), [(&deleted, &failed)], Flavor::Fork), own());
    let current = Verdict::current("fine");
    assert_eq!(pods::with_pods(current.clone(), pods, Flavor::Fork), current);
}
