//! `windlass wait`: rules of one's own, expressions that can never hold, fields that were taken out, and bounds on what
//! a cluster may make it say.

use serde_json::{Value, json};
use std::process::Stdio;
use std::time::{Duration, Instant};
use windlass_tests::patience::until;
use windlass_tests::stage::{Stage, check, config_map, database, deployment, object, stream};
use xtask::command::feed;

/// A custom resource without annotations.
fn thing(name: &str, status: Value) -> Value {
    let mut thing = object("example.org/v1", "Thing", name);
    thing["metadata"]["generation"] = 2.into();
    thing["status"] = status;
    thing
}

/// `readiness` in windlass.yaml decides before annotations and all rules, whoever is the judge.
#[test]
fn rules_for_kinds_of_ones_own() {
    let stage = Stage::new();
    stage.server.define("example.org/v1", "Thing", "things");
    let rules = "\
readiness:
- group: '*.org'
  kinds: [Thing]
  success: ['{.state} == done', '{.state} == idle']
  all: ['{.conditions[?(@.type==\"Stored\")].status} == \"True\"']
  failure: ['{.state} == broken']
- {group: networking.k8s.io, kinds: [Ingress], exists: true}
";
    let head = "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\n";
    let file = |name: &str, body: &str| stage.sandbox.write(name, format!("{head}{body}")).display().to_string();
    let own = file("windlass.yaml", rules);
    let stored = |state: &str, status: &str| {
        thing(
            "a",
            json!({"state": state, "observedGeneration": 2, "conditions": [{"type": "Stored", "status": status}]}),
        )
    };
    let mut stale = stored("done", "True");
    stale["status"]["observedGeneration"] = 1.into();
    let mut annotated = stored("done", "True");
    annotated["metadata"]["annotations"] = database("")["metadata"]["annotations"].clone();
    let ingress = object("networking.k8s.io/v1", "Ingress", "web");
    for (object, code, said) in [
        (stored("done", "True"), 0, "success condition is met: {.state} == done"),
        (stored("idle", "True"), 0, "success condition is met: {.state} == idle"),
        (annotated, 0, "success condition is met: {.state} == done"),
        (stored("done", "False"), 4, "waiting for {.conditions"),
        (stored("new", "True"), 4, "waiting for {.state} == done or {.state} == idle"),
        (stored("broken", "True"), 1, "failure condition is met: {.state} == broken"),
        (stale, 4, "latest observed generation is 1"),
        (ingress, 0, "it exists"),
    ] {
        stage.server.apply(object.clone());
        let look = |words: &[&str]| {
            let words = [&["status", "--pipeline", &own], words].concat();
            feed(&mut stage.command(&words), stream(std::slice::from_ref(&object)).as_bytes()).expect("windlass starts")
        };
        check(&look(&[]), code, &[said]);
        check(&look(&["--rules", "helm3"]), code, &[said]);
        let waited = if code == 4 { continue } else { stage.wait(&["--pipeline", &own], &[object]) };
        check(&waited, code, &[said]);
    }
    let breach = |body: &str| stage.wait(&["--pipeline", &file("other.yaml", body)], &[config_map("a")]);
    let place = "other.yaml:4:24: unknown key `sucess` in readiness[0]";
    check(&breach("readiness:\n- {group: example.org, sucess: []}\n"), 2, &[place, "did you mean `success`?"]);
    check(&breach("plugins: [{use: a}]\n"), 2, &["has no rules in `readiness`"]);
}

/// An annotation whose path no object of the kind can have is told at once.
#[test]
fn expressions_that_can_never_hold() {
    let stage = Stage::new();
    stage.server.define("example.org/v1", "Database", "databases");
    let annotated = |success: &str| {
        let mut database = database("Ready");
        database["metadata"]["annotations"]["helm.sh/readiness-success"] = success.into();
        database
    };
    let warnings = |success: &str| {
        let database = annotated(success);
        stage.server.apply(database.clone());
        let words = ["status", "-o", "text"];
        let finished = feed(&mut stage.command(&words), stream(&[database]).as_bytes()).expect("windlass starts");
        finished.stderr.lines().filter(|line| line.contains("can never hold")).map(str::to_owned).collect::<Vec<_>>()
    };
    let wrong = r#"["{.phasee} == Ready", "{.phase} == Ready"]"#;
    assert_eq!(warnings(wrong), Vec::<String>::new(), "without a definition nothing is known");
    let status = json!({"type": "object", "properties": {"phase": {"type": "string"}, "size": {"type": "integer"}}});
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object"}, "status": status}});
    let mut definition = object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "databases.example.org");
    definition["spec"] = json!({"versions": [
        {"name": "v1beta1", "schema": {"openAPIV3Schema": {"type": "object"}}},
        {"name": "v1", "schema": {"openAPIV3Schema": schema}},
    ]});
    stage.server.apply(definition);
    assert_eq!(
        warnings(wrong),
        [
            "warning: Database/main: helm.sh/readiness-success: `{.phasee} == Ready` can never hold: by its definition no \
          Database has a field .status.phasee; there is phase, size"
        ]
    );
    assert_eq!(warnings(r#"["{.phase} == Ready"]"#), Vec::<String>::new());
    stage.server.forbid("get", "customresourcedefinitions");
    assert_eq!(warnings(wrong), Vec::<String>::new(), "without the right nothing is known");
}

/// A field that was taken out of the manifest and is there still, where the object proves that it was asked for once.
#[test]
fn fields_that_were_taken_out() {
    let stage = Stage::new();
    let mut live = config_map("a");
    live["data"] = json!({"kept": "1", "old": "2", "somebodys": "3"});
    live["metadata"]["managedFields"] = json!([
        {"manager": "helm", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:kept": {}, "f:old": {}}}},
        {"manager": "kubectl", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:somebodys": {}}}},
    ]);
    stage.server.apply(live);
    let asked = |data: Value| {
        let mut asked = config_map("a");
        asked["data"] = data;
        asked
    };
    check(&stage.wait(&[], &[asked(json!({"kept": "1", "old": "2"}))]), 0, &["all 1 objects are ready"]);
    let said = "ConfigMap/a  OutOfSync  data.old is \"2\" on the cluster, nothing was asked for";
    stage.out_of_time(&["wait"], &stream(&[asked(json!({"kept": "1"}))]), &[said]);
    check(&stage.wait(&["--no-sync"], &[asked(json!({"kept": "1"}))]), 0, &["all 1 objects are ready"]);
}

/// An Ingress without address is never ready; why, its class and the others of that class say.
#[test]
fn what_an_ingress_can_hope_for() {
    let stage = Stage::new();
    let ingress = |name: &str, class: &str, address: bool| {
        let mut ingress = object("networking.k8s.io/v1", "Ingress", name);
        if !class.is_empty() {
            ingress["spec"] = json!({"ingressClassName": class});
        }
        if address {
            ingress["status"] = json!({"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}});
        }
        stage.server.apply(ingress.clone());
        ingress
    };
    let look =
        |object: Value| feed(&mut stage.command(&["status"]), stream(&[object]).as_bytes()).expect("windlass starts");
    check(&look(ingress("a", "", false)), 4, &["it has no class, and the cluster has no default one"]);
    check(&look(ingress("a", "gone", false)), 4, &["there is no ingress class gone"]);
    let mut class = object("networking.k8s.io/v1", "IngressClass", "web");
    class["spec"] = json!({"controller": "example.org/web"});
    stage.server.apply(class);
    check(&look(ingress("a", "web", false)), 4, &["it is the first of its class web (example.org/web) in the cluster"]);
    ingress("b", "web", false);
    let said = "none of the 1 others of its class web (example.org/web) has an address";
    check(&look(ingress("a", "web", false)), 4, &[said, "exists: true"]);
    ingress("c", "web", true);
    check(&look(ingress("a", "web", false)), 4, &["gives addresses: 1 of 2 others have one"]);
    check(&look(ingress("a", "web", true)), 0, &["Ingress has an address"]);
}

/// The most that is said about one object.
const MOST: usize = 64 * 1024;

/// Whatever a cluster says about an object, no more than 64 KiB of it are passed on.
#[test]
fn no_object_says_more_than_64_kib() {
    let stage = Stage::new();
    let long = |letter: &str| letter.repeat(300_000 / letter.len());
    let mut web = deployment("web", 1, 0);
    web["metadata"]["annotations"] = json!({"helm.sh/readiness-success": "[]", "helm.sh/readiness-failure": "[]"});
    let condition = |number: usize, letter: &str| json!({"type": format!("C{number}"), "status": "False", "reason": long("R"), "message": format!("{number}{}", long(letter))});
    let letters = ["\u{1}", "\"", "|", "数", "🚀", "\n", "<", "x"];
    let all = letters.iter().cycle().take(40).enumerate();
    web["status"]["conditions"] = all.map(|(number, letter)| condition(number, letter)).collect();
    stage.server.apply(web.clone());
    for number in 0..20 {
        let mut event = object("v1", "Event", &format!("e{number}"));
        event["type"] = "Warning".into();
        event["involvedObject"] = json!({"uid": "uid-web"});
        event["reason"] = long("E").into();
        event["message"] = format!("{number}{}", long(letters[number % letters.len()])).into();
        event["lastTimestamp"] = "2026-11-22T16:00:00Z".into();
        stage.server.apply(event);
    }
    let mut ready = object("example.org/v1", "Thing", "t");
    ready["status"] = json!({"conditions": [{"type": "Ready", "status": "False", "reason": long("\u{7}"), "message": long("\u{7}")}]});
    stage.server.define("example.org/v1", "Thing", "things");
    stage.server.apply(ready.clone());
    for object in [web, ready] {
        for format in ["text", "json", "markdown"] {
            let words = ["status", "--output", format, "--no-sync"];
            let finished =
                feed(&mut stage.command(&words), stream(std::slice::from_ref(&object)).as_bytes()).expect("it starts");
            assert_eq!(finished.code, Some(4), "{:.500}", finished.stderr);
            let said = finished.stdout.len() + finished.stderr.len();
            assert!((100..MOST).contains(&said), "{format}: {said} bytes");
        }
    }
}

/// Time is up when it is up, whatever is waited for: the bound is far above what a slow machine needs, and far below
/// what any library's own timeout would take.
#[test]
fn nothing_outlasts_the_timeout() {
    let stage = Stage::new();
    stage.server.apply(deployment("web", 1, 0));
    let file = stage.sandbox.write("objects.yaml", stream(&[deployment("web", 1, 0)])).display().to_string();
    let most = Duration::from_secs(25);
    let timed = |words: &[&str], code: i32| {
        let words = [words, &["--timeout", "1s"]].concat();
        let begun = Instant::now();
        let mut command = stage.command(&words);
        // Stdin stays open, and nothing comes.
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        let stdin = child.stdin.take();
        let status = child.wait().expect("it ends");
        drop(stdin);
        assert_eq!(status.code(), Some(code), "{words:?}");
        assert!(begun.elapsed() < most, "{words:?}: {:?}", begun.elapsed());
    };
    timed(&["wait"], 4);
    timed(&["wait", "-f", &file], 4);
    stage.server.be_silent(true);
    timed(&["wait", "web"], 5);
    timed(&["wait", "-A"], 5);
    timed(&["wait", "-f", &file], 5);
    timed(&["wait", "--delete", "-f", &file], 5);
}

/// The table on a terminal: smaller than the screen however many objects there are, no line wider than it, also after
/// it was made smaller, and nothing that an object says makes a line.
#[cfg(target_os = "linux")]
#[test]
fn a_table_on_a_terminal() {
    let stage = Stage::new();
    stage.server.define("example.org/v1", "Thing", "things");
    let objects = |ready: &str| -> Vec<Value> {
        let message = "等待数据库 🚀🚀 e\u{301}\nall 30 objects are ready after 1s\r\u{1b}[2Jforged";
        let status = json!({"conditions": [{"type": "Ready", "status": ready, "reason": "Wait", "message": message}]});
        (0..30).map(|number| thing(&format!("数据-{number}"), status.clone())).collect()
    };
    objects("False").into_iter().for_each(|object| stage.server.apply(object));
    let file = stage.sandbox.write("objects.yaml", stream(&objects("False"))).display().to_string();
    let (screen, tty) = (stage.sandbox.path().join("screen"), stage.sandbox.path().join("tty"));
    let mut windlass = stage.command(&[]);
    let line = format!(
        "stty cols 60 rows 12; tty >'{}'; exec '{}' wait --no-sync -f '{file}' --timeout 2m",
        tty.display(),
        windlass.get_program().display()
    );
    windlass.env("TERM", "xterm-256color").env_remove("CI").env_remove("NO_COLOR");
    let mut script = std::process::Command::new("script");
    script.args(["-qefc", &line]).arg(&screen).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for (key, value) in windlass.get_envs() {
        match value {
            Some(value) => script.env(key, value),
            None => script.env_remove(key),
        };
    }
    let Ok(mut child) = script.spawn() else {
        assert!(std::env::var_os("CI").is_none(), "`script` of util-linux is needed");
        return;
    };
    let seen = || String::from_utf8_lossy(&std::fs::read(&screen).unwrap_or_default()).into_owned();
    let frames = || seen().matches("KIND/NAME").count();
    until(|| frames() >= 3, || format!("frames in\n{}", seen()));
    let wide = seen().rfind("\u{1b}[K\r\n").expect("a whole line");
    let terminal = std::fs::read_to_string(&tty).expect("a terminal");
    let resized = std::process::Command::new("stty").args(["-F", terminal.trim(), "cols", "30", "rows", "7"]).status();
    assert!(resized.expect("stty starts").success());
    let before = frames();
    until(|| frames() >= before + 4, || format!("frames in\n{}", seen()));
    let all = seen();
    // The frame that was being drawn when the terminal became smaller is nobody's fault.
    let second = all.match_indices("KIND/NAME").nth(before + 1).map_or(all.len(), |(index, _)| index);
    let small = all.get(second..).unwrap_or_default();
    let first = all.find("KIND/NAME").expect("a table");
    table_fits(all.get(first..wide).unwrap_or_default(), 60, 12);
    table_fits(small, 30, 7);
    objects("True").into_iter().for_each(|object| stage.server.apply(object));
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{}", seen());
    let end = seen();
    let forged = end.split('\n').filter(|line| plain(line).starts_with("all 30 objects")).count();
    assert_eq!(forged, 0, "{end}");
    assert!(end.contains("all 30 objects are ready"), "{end}");
}

/// Every line of a table, as a terminal was sent it, is narrower than it, and the cursor goes up less than the screen.
#[cfg(target_os = "linux")]
fn table_fits(sent: &str, columns: usize, rows: usize) {
    let mut lines = 0;
    for line in sent.split("\u{1b}[K\r\n").filter(|line| !line.is_empty()) {
        let shown = plain(line);
        assert!(width(&shown) < columns, "{columns} columns: {shown:?}");
        lines += 1;
    }
    assert!(lines > 3, "{sent}");
    for up in sent.split("\u{1b}[").filter_map(|rest| rest.split_once('A')?.0.parse::<usize>().ok()) {
        assert!(up < rows, "up {up} of {rows} rows");
    }
}

/// A line without escape sequences and what returns the cursor.
#[cfg(target_os = "linux")]
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line.chars();
    while let Some(letter) = rest.next() {
        match letter {
            '\u{1b}' => while rest.next().is_some_and(|letter| !letter.is_ascii_alphabetic()) {},
            '\r' => {}
            _ => text.push(letter),
        }
    }
    text
}

/// Columns of a text of the letters that this test uses.
#[cfg(target_os = "linux")]
fn width(text: &str) -> usize {
    let of = |letter: char| match letter {
        '\u{300}'..='\u{36f}' => 0,
        '\u{2e80}'..='\u{9fff}' | '\u{1f300}'..='\u{1faff}' => 2,
        _ => 1,
    };
    text.chars().map(of).sum()
}
