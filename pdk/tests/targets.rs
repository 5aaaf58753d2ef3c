//! `targets`, `expect` and the rules for streams, which every plugin gets without doing anything.

use windlass_pdk::log::Level;
use windlass_pdk::test::{run, take_logs};
use windlass_pdk::{Config, Error, Manifests, Path, Value, info};

#[derive(Config)]
struct Settings {
    #[config(default = "yes")]
    mark: String,
}

/// Marks every target.
#[windlass_pdk::plugin(per_object)]
fn mark(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    manifests.visit(|object| {
        info!("{}", object.name());
        object.set(&Path::new(["mark"]), Value::String(settings.mark.clone()))?;
        Ok(())
    })
}

const STREAM: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web, tier: front}}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata:
    name: web-config
    annotations: {team: payments}
- apiVersion: v1
  kind: Service
  metadata: {name: db, labels: {app: db}}
";

/// Which objects, by name, the targets select.
#[track_caller]
fn check(targets: &str, expected: &[&str]) {
    take_logs();
    run::<Mark>(&format!("targets: {targets}"), &[], STREAM).expect("it never refuses");
    let (names, warnings): (Vec<_>, Vec<_>) = take_logs().into_iter().partition(|(level, _)| *level == Level::Info);
    let names: Vec<String> = names.into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, expected, "{targets}");
    // Targets that match nothing are not silent.
    assert_eq!(!warnings.is_empty(), expected.is_empty(), "{targets}: {warnings:?}");
}

#[test]
fn targets_select_by_every_field() {
    check("[{}]", &["web", "web-config", "db"]);
    check("[]", &[]);
    check("[{group: apps}]", &["web"]);
    // As in kustomize: patterns that fit the whole, and an empty one fits anything.
    check("[{group: 'a.p.*'}]", &["web"]);
    check("[{group: app}]", &[]);
    check("[{group: '', version: '', kind: '', name: '', namespace: ''}]", &["web", "web-config", "db"]);
    check("[{group: '^$'}]", &["web-config", "db"]);
    check("[{version: 'v[12]', name: web}]", &["web"]);
    check("[{version: v}]", &[]);
    check("[{version: v1, kind: Service}]", &["db"]);
    check("[{kind: Serv}]", &[]);
    check("[{kind: 'Deployment|Service'}]", &["web", "db"]);
    check("[{name: web}]", &["web"]);
    check("[{name: 'web.*'}]", &["web", "web-config"]);
    check("[{namespace: shop}]", &["web"]);
    check("[{labelSelector: 'app in (web,db),tier!=front'}]", &["db"]);
    check("[{labelSelector: '!app'}]", &["web-config"]);
    check("[{annotationSelector: team=payments}]", &["web-config"]);
    check("[{name: web, kind: Service}, {name: db}]", &["db"]);
}

#[test]
fn faulty_targets_name_their_place() {
    for (config, error) in [
        ("targets: [{nmae: x}]", "targets[0].nmae: unknown key, did you mean `name`?"),
        (
            "targets: [{}, {kind: '('}]",
            "targets[1].kind: `(` is not a regular expression that can be used here: `)` is missing",
        ),
        ("targets: [{labelSelector: 'a in'}]", "targets[0].labelSelector: `a in` is not a selector: expected `(`"),
        ("targets: {name: x}", "targets: expected a list, found a map"),
        ("expect: {min: 3, max: 2}", "expect: min 3 is greater than max 2"),
        ("expect: {mni: 3}", "expect.mni: unknown key, did you mean `min`?"),
        ("expect: -1", "expect: -1 is too small, the least is 0"),
        ("expect: some", "expect: expected a whole number, found a string"),
    ] {
        assert_eq!(run::<Mark>(config, &[], STREAM), Err(error.to_owned()), "{config}");
    }
}

#[test]
fn expect_counts_what_changed() {
    let changed = |config: &str| run::<Mark>(config, &[], STREAM).map(|_| ());
    for config in ["expect: 3", "expect: {min: 3}", "expect: {max: 3}", "{expect: 1, targets: [{name: db}]}"] {
        assert_eq!(changed(config), Ok(()), "{config}");
    }
    for (config, wanted) in [
        ("expect: 1", "1 object"),
        ("expect: {min: 4}", "at least 4 objects"),
        ("expect: {max: 2}", "at most 2 objects"),
        ("expect: {min: 1, max: 2}", "1 to 2 objects"),
    ] {
        let text = format!("expected {wanted} to change, but 3 objects changed: check `targets` and `expect`");
        assert_eq!(changed(config), Err(text), "{config}");
    }
}

#[test]
fn a_stream_is_never_answered_with_nothing() {
    for blank in ["", "\n", " \n\n"] {
        assert_eq!(run::<Mark>("", &[], blank).as_deref(), Ok("# empty\n"));
    }
    // Without an edit a stream stays as it is, whatever it looks like.
    assert_eq!(run::<Mark>("", &[], "# only a comment").as_deref(), Ok("# only a comment"));
    assert_eq!(run::<Mark>("targets: []", &[], STREAM).as_deref(), Ok(STREAM));
}

#[derive(Config)]
struct Nothing {}

/// Drops every object.
#[windlass_pdk::plugin(name = "drop")]
fn drop_all(_settings: Nothing, manifests: &mut Manifests) -> Result<(), Error> {
    manifests.visit(|object| Ok(object.delete()?))
}

/// Takes extra arguments, and refuses with an object and its line.
#[windlass_pdk::plugin(name = "refuse")]
fn refuse_kinds(_settings: Nothing, manifests: &mut Manifests, args: &[String]) -> Result<(), Error> {
    manifests.read_all(|object| {
        if args.iter().any(|arg| arg == object.kind()) {
            Err(object.refuse("this kind is not wanted").into())
        } else {
            Ok(())
        }
    })
}

#[test]
fn dropping_everything_leaves_an_empty_stream() {
    let output = run::<DropAll>("", &[], "kind: Pod\nmetadata:\n  name: a\n").expect("it never refuses");
    assert!(!output.trim().is_empty(), "{output:?}");
}

#[test]
fn errors_carry_the_object_and_its_line() {
    assert_eq!(run::<RefuseKinds>("", &["Job"], STREAM).as_deref(), Ok(STREAM));
    let error = run::<RefuseKinds>("", &["Job", "Service"], STREAM).expect_err("a Service is there");
    assert_eq!(error, "Service/db (line 13): this kind is not wanted");
    let error = run::<Mark>("", &[], "kind: Pod\nmetadata:\n  name: a\n---\na: [\n").expect_err("no YAML");
    assert!(error.contains("document 2") || error.contains("line"), "{error}");
}
