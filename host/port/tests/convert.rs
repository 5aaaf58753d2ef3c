//! Artefacts of all kinds and the pipelines they become: a folder under `tests/convert` each, and expressions.
//!
//! `artefact` names what is converted (the folder itself where there is none), `options` the caller's words, one on a
//! line: `--release NAME`, `--env K=V`, or an argument.

#![allow(clippy::disallowed_methods, reason = "tests read what they wrote")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use windlass_port::convert::{Artefact, Options, convert};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/convert")
}

fn options(text: &str) -> Options {
    let mut options = Options::default();
    for line in text.lines() {
        if let Some(release) = line.strip_prefix("--release ") {
            options.release = Some(release.to_owned());
        } else if let Some((name, value)) = line.strip_prefix("--env ").and_then(|pair| pair.split_once('=')) {
            options.env.push((name.to_owned(), value.to_owned()));
        } else {
            options.arguments.push(line.to_owned());
        }
    }
    options
}

/// The exit code and the pipeline, or the refusal.
fn shown(artefact: Artefact<'_>, options: &Options) -> String {
    match convert(artefact, options) {
        Ok(conversion) => {
            let code = conversion.exit_code();
            assert_eq!(code == 0, conversion.missing.is_empty());
            format!("# exit {code}\n{}", conversion.pipeline("it").expect("YAML"))
        }
        Err(refusal) => {
            // The place of the checkout is nobody's business.
            let why = refusal.why.replace(&folder().display().to_string(), "");
            format!("# exit 2\n# {why}\n# {}\n", refusal.hint)
        }
    }
}

#[test]
fn artefacts() {
    let mut failures = String::new();
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(folder()).expect("cases").map(|entry| entry.expect("a case").path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    for case in cases {
        let read = |name: &str| std::fs::read_to_string(case.join(name)).unwrap_or_default();
        let artefact = case.join(read("artefact").trim_end());
        let actual = shown(Artefact::File(&artefact), &options(&read("options")));
        let expected = case.join("expected.yaml");
        if std::env::var_os("WINDLASS_BLESS").is_some_and(|value| value == "1") {
            std::fs::write(&expected, actual).expect("a written snapshot");
        } else if read("expected.yaml") != actual {
            let _ = write!(failures, "{}:\n{actual}\n", case.display());
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[track_caller]
fn check(artefact: Artefact<'_>, options: &Options, expected: &str) {
    let shown = shown(artefact, options);
    let (head, plugins) = shown.split_once("plugins:\n").unwrap_or((&shown, ""));
    let code = head.lines().next().unwrap_or_default();
    assert_eq!(format!("{code}\n{plugins}"), expected, "{artefact:?}: {shown}");
}

#[test]
fn selections() {
    for (expression, expected) in [
        (r#"select(.kind == "CustomResourceDefinition")"#, "crds: only\n"),
        (r#"select(.kind != "CustomResourceDefinition")"#, "crds: none\n"),
        (r#"select(.kind == "CustomResourceDefinition" | not)"#, "crds: none\n"),
        (r#"select(.kind != "A" and .kind != "B")"#, "drop:\n    - kind: A\n    - kind: B\n"),
        (
            r#"select((.kind == "A" and .metadata.name == "x.y") | not)"#,
            "drop:\n    - kind: A\n      name: \"x\\\\.y\"\n",
        ),
    ] {
        let expected = format!("# exit 0\n- use: select\n  config:\n    {expected}");
        check(Artefact::Yq(expression), &Options::default(), &expected);
    }
}

/// A partial conversion is never called complete.
#[test]
fn expressions() {
    let none = Options::default();
    let step = |code: u8, language: &str, expression: &str, more: &str| {
        format!(
            "# exit {code}\n- use: expression\n  config:\n    language: {language}\n    expression: {expression}\n{more}    onEmpty: drop\n"
        )
    };
    check(Artefact::Yq(".spec.replicas = 1"), &none, &step(0, "yq", "\".spec.replicas = 1\"", ""));
    let strenv = ".spec.a = strenv(TEAM)";
    let variables = |value: &str| format!("    variables:\n      TEAM: {value}\n");
    check(Artefact::Yq(strenv), &none, &step(1, "yq", "\".spec.a = strenv(TEAM)\"", &variables("\"${TEAM}\"")));
    let known = Options { env: vec![("TEAM".to_owned(), "x".to_owned())], ..Options::default() };
    check(Artefact::Yq(strenv), &known, &step(0, "yq", "\".spec.a = strenv(TEAM)\"", &variables("x")));
    check(Artefact::Jq(".spec.a = env.TEAM"), &known, &step(0, "jq", "\".spec.a = $TEAM\"", &variables("x")));
    for refused in [Artefact::Yq("load(\"x\")"), Artefact::Jq("input"), Artefact::Yq(".. style=\"flow\"")] {
        check(refused, &none, "# exit 2\n");
    }
}

/// Links out of the tree, loops and bombs end with a word.
#[test]
fn hostile_trees_are_bounded() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    std::fs::create_dir(folder.path().join(".git")).expect("a folder");
    let image = "images:\n- name: a\n  newTag: b\n";
    write(
        "kustomization.yaml",
        &format!("{image}resources: [all.yaml, ., ../../etc]\npatches:\n- path: link\n- path: /etc/passwd\n"),
    );
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).expect("a link");
    let out = shown(Artefact::File(folder.path()), &Options::default());
    assert!(!out.contains("root:"), "{out}");
    assert!(out.contains("outside of the tree"), "{out}");
    let ten = |name: &str| vec![format!("*{name}"); 10].join(",");
    let bomb = format!(
        "{image}a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [{}]\nc: &c [{}]\nd: &d [{}]\npatches:\n- patch: [{}]\n  target: {{kind: A}}\n",
        ten("a"),
        ten("b"),
        ten("c"),
        ten("d")
    );
    write("kustomization.yaml", &bomb);
    let out = shown(Artefact::File(folder.path()), &Options::default());
    assert!(out.contains("too large"), "{out}");
    // Variables that double, in one name and through many; the second is nothing in the end, after 10^18 steps.
    let doubled = format!("X=aaaaaaaaaa\n{}", "X=$X$X\n".repeat(60));
    let through_many: String =
        (0..18).map(|level| format!("x{level}={}\n", format!("$x{}", level + 1).repeat(10))).collect();
    for variables in [doubled, format!("{through_many}x18=\nX=$x0\n")] {
        write("run.sh", &format!("{variables}sed -i \"$X\" all.yaml\nyq \"$X\"\n"));
        let out = shown(Artefact::File(&folder.path().join("run.sh")), &Options::default());
        assert!(out.len() < 100_000 && !out.contains("# exit 0"), "{:.2000}", out);
    }
    let python = |before: &str, object: &str| {
        format!(
            "import sys, yaml\n{before}\nfor d in yaml.safe_load_all(sys.stdin):\n{object}\n    print(yaml.dump(d))\n"
        )
    };
    let set_x = "    d['metadata']['labels']['x'] = x";
    let tower: String = (0..11)
        .map(|level| {
            let next = level + 1;
            format!("def f{level}(a):\n{}", format!("    f{next}(a)\n").repeat(20))
        })
        .collect();
    for script in [
        python(&format!("x = 'aaaaaaaaaa'\n{}", "x = x + x\n".repeat(60)), set_x),
        python(&format!("x = ['a']\n{}", "x = [x, x, x]\n".repeat(60)), set_x),
        python(&format!("x = 'a'\n{}", "x = f'{x}{x}'\n".repeat(60)), set_x),
        python(&format!("{tower}def f11(a):\n    a['x'] = 1\n"), "    f0(d)"),
        python("", &"    if d['a']:\n        d['x'] = 1\n    elif d['b']:\n        continue\n".repeat(60)),
        python(
            "",
            &format!(
                "{}{}d['x'] = 1",
                (1..9).fold(String::new(), |text, depth| {
                    format!("{text}{}for i{depth} in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]:\n", "    ".repeat(depth))
                }),
                "    ".repeat(9)
            ),
        ),
    ] {
        write("run.py", &script);
        let out = shown(Artefact::File(&folder.path().join("run.py")), &Options::default());
        assert!(out.len() < 200_000 && !out.contains("# exit 0"), "{:.2000}", out);
    }
}
