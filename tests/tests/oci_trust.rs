//! Whoever vouches must vouch for what runs: pins that are nobody's word, registries that change their mind between two
//! requests, names that no signature covers, keys that are named and must not be for show, and commands that are all or
//! nothing.

use serde_json::Value;
use std::path::{Path, PathBuf};
use windlass_tests::memory_registry::MemoryRegistry;
use windlass_tests::sandbox::Sandbox;
use windlass_tests::shipping::{STREAM, key};
use xtask::command::{Finished, feed};

/// A registry in memory and a home in which Windlass speaks to it.
struct Place {
    sandbox: Sandbox,
    registry: MemoryRegistry,
}

/// A plugin that answers that nothing changes, in a folder `NAME-VERSION[-LOOK]`; `look` makes it another content.
fn plugin(sandbox: &Sandbox, name: &str, version: &str, look: &str) -> String {
    let module = format!(
        r#"(module
          (@custom "look" "{look}")
          (memory (export "memory") 1)
          (global $free (mut i32) (i32.const 1024))
          (func (export "windlass_alloc") (param $length i32) (result i32)
            (local $start i32)
            (local.set $start (global.get $free))
            (global.set $free (i32.add (global.get $free) (local.get $length)))
            (local.get $start))
          (func (export "windlass_render") (param i32 i32 i32 i32) (result i64) (i64.const 0)))"#
    );
    let folder = format!("{name}-{version}{look}");
    sandbox.write(&format!("{folder}/plugin.wasm"), wat::parse_str(module).unwrap());
    let yaml = format!(
        "apiVersion: v1\nname: {name}\ntype: postrenderer/v1\nversion: {version}\nruntime: subprocess\nruntimeConfig:\n  \
         platformCommand:\n  - command: windlass\n    args: [run, \"${{HELM_PLUGIN_DIR}}\", --]\n"
    );
    sandbox.write(&format!("{folder}/plugin.yaml"), yaml);
    sandbox.path().join(folder).display().to_string()
}

impl Place {
    fn new() -> Self {
        Self { sandbox: Sandbox::new(), registry: MemoryRegistry::start() }
    }

    fn plugin(&self, name: &str, version: &str, look: &str) -> String {
        plugin(&self.sandbox, name, version, look)
    }

    /// Makes these rules the user's.
    fn trust(&self, rules: &str) {
        let head = "apiVersion: windlass.dev/v1alpha1\nkind: TrustPolicy\ntrust:\n  registries:\n";
        let rules: String = rules.lines().map(|line| format!("  {line}\n")).collect();
        self.sandbox.write("home/.config/windlass/policy.yaml", format!("{head}{rules}"));
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        let mut command = self.sandbox.windlass(arguments);
        if arguments.first() != Some(&"package") {
            command.arg("--plain-http");
        }
        command.env("WINDLASS_CACHE_DIR", self.sandbox.path().join("cache"));
        feed(&mut command, STREAM).unwrap()
    }

    #[track_caller]
    fn succeed(&self, arguments: &[&str]) -> String {
        let finished = self.run(arguments);
        assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
        String::from_utf8(finished.stdout).unwrap()
    }

    #[track_caller]
    fn answer(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.succeed(&[arguments, &["-o", "json"]].concat())).unwrap()
    }

    #[track_caller]
    fn refuse(&self, arguments: &[&str], code: i32, says: &str) {
        let finished = self.run(arguments);
        assert_eq!(finished.code, Some(code), "{arguments:?}: {}", finished.stderr);
        assert!(finished.stderr.contains(says), "{arguments:?}: expected `{says}` in {}", finished.stderr);
        assert!(finished.stdout.is_empty(), "{arguments:?} wrote {}", String::from_utf8_lossy(&finished.stdout));
    }

    /// Pushes a plugin and gives its manifest's digest.
    fn push(&self, folder: &str, target: &str, sign: bool) -> String {
        let (target, secret) = (self.registry.oci(target), key("secret.gpg"));
        let sign: &[&str] = if sign { &["--sign", &secret] } else { &[] };
        self.answer(&[&["push", folder, &target, "--force"], sign].concat())["digest"].as_str().unwrap().to_owned()
    }

    /// Everything below a folder of the sandbox that is a file.
    fn files(&self, folder: &str) -> Vec<PathBuf> {
        let (mut found, mut folders) = (Vec::new(), vec![self.sandbox.path().join(folder)]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }
}

/// A chart's digest does not cover what refers to it: the registry, or whoever may write to it, adds to that what it
/// likes.
#[test]
fn a_chart_s_digest_vouches_for_nothing_that_is_attached() {
    let place = Place::new();
    let digest = place.registry.add_chart("charts/app", "1.2.3");
    let by_tag = place.registry.oci("charts/app:1.2.3");
    let (by_digest, by_both) = (place.registry.oci(&format!("charts/app@{digest}")), format!("{by_tag}@{digest}"));
    let unsigned = place.plugin("one", "1.0.0", "");
    let attached =
        place.answer(&["attach", &by_tag, &unsigned])["plugins"][0]["reference"].as_str().unwrap().to_owned();
    let public = key("public.gpg");
    for chart in [&by_tag, &by_digest, &by_both] {
        for command in ["run", "diff"] {
            place.refuse(&[command, "--for-chart", chart], 3, "is not trusted: it is not pinned by a digest");
            place.refuse(&[command, "--for-chart", chart, "--keyring", &public], 3, "it has no OpenPGP provenance");
        }
    }
    // A rule that asks for a digest is not content with the registry's, either.
    place.trust(&format!("- {{prefix: '{}', require: digest}}\n", place.registry.oci("charts")));
    place.refuse(&["run", "--for-chart", &by_digest], 3, "it is not pinned by a digest");
    // Who names the plugin itself by its digest means just that, and so does a lock file that lists it.
    place.succeed(&["run", &attached]);
    place.trust("- {prefix: 'oci://other.example'}\n");
    let pipeline = format!("apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: {attached}\n");
    place.sandbox.write("windlass.yaml", pipeline);
    place.succeed(&["lock"]);
    place.succeed(&["run", "--pipeline", "windlass.yaml", "--locked"]);

    // Signed, it runs, and one that is not signed beside it stops the run.
    let other = place.registry.add_chart("charts/signed", "1.0.0");
    let chart = place.registry.oci(&format!("charts/signed@{other}"));
    place.succeed(&["attach", &chart, &unsigned, "--sign", &key("secret.gpg")]);
    place.succeed(&["run", "--for-chart", &chart, "--keyring", &public]);
    place.succeed(&["attach", &chart, &place.plugin("two", "1.0.0", "")]);
    place.refuse(&["run", "--for-chart", &chart, "--keyring", &public], 3, "it has no OpenPGP provenance");
}

/// A flag that would be for show is refused.
#[test]
fn what_a_flag_cannot_do_is_refused() {
    let place = Place::new();
    let folder = place.plugin("one", "1.0.0", "");
    for arguments in [
        &["run", "--locked", &folder][..],
        &["diff", "--locked", &folder],
        &["run", "--locked", "--for-chart", "oci://registry.example/charts/app:1.0.0"],
        &["run", "--locked", "--for-chart", "oci://registry.example/charts/app:1.0.0", &folder],
        &["helm", "enable", "--locked", &folder],
        &["wait", "--revision", "1", "-f", "x.yaml"],
        &["push", "--from-layout", "x", "oci://registry.example/x/x:1.0.0", "--sign", "key"],
        &["attach", "oci://registry.example/charts/app:1.0.0", "oci://registry.example/x/x:1.0.0", "--sign", "key"],
    ] {
        let mut command = place.sandbox.windlass(arguments);
        let finished = feed(&mut command, STREAM).unwrap();
        assert_eq!(finished.code, Some(2), "{arguments:?}: {}", finished.stderr);
        assert!(finished.stdout.is_empty());
    }
    assert!(!place.sandbox.path().join("home/.local/share/helm/plugins").exists(), "nothing was registered");
}

/// A registry that gives one answer to be judged and another one to be used gains nothing: each command asks once.
#[test]
fn what_is_judged_is_what_is_used() {
    let place = Place::new();
    let public = key("public.gpg");
    let good = place.push(&place.plugin("one", "1.0.0", ""), "plugins", true);
    let evil = place.push(&place.plugin("one", "1.0.0", "-evil"), "plugins", false);
    let reference = place.registry.oci("plugins/one:1.0.0");
    place.answer(&["pull", &reference.replace(":1.0.0", &format!("@{good}")), "-d", "good"]);
    let archive = std::fs::read(place.sandbox.path().join("good/one-1.0.0.tgz")).unwrap();
    let evil_wasm = std::fs::read(place.sandbox.path().join("one-1.0.0-evil/plugin.wasm")).unwrap();
    place.sandbox.write(
        "windlass.yaml",
        format!("apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: {reference}\n"),
    );
    let chart = place.registry.oci("charts/app:1.2.3");
    let turns: [&[&str]; 4] = [&[&good, &evil], &[&evil, &good], &[&evil, &evil, &good], &[&good, &good, &evil]];
    for turn in turns {
        let is_good = turn[0] == good;
        let commands: [&[&str]; 8] = [
            &["pull", &reference, "-d", "out"],
            &["pull", &reference, "--to-layout", "out"],
            &["install", &reference, "--force"],
            &["run", &reference],
            &["verify", &reference],
            &["inspect", &reference],
            &["lock"],
            &["attach", &chart, &reference],
        ];
        for command in commands {
            for folder in ["out", "home", "cache", "windlass.lock"] {
                let path = place.sandbox.path().join(folder);
                let _ = std::fs::remove_dir_all(&path);
                let _ = std::fs::remove_file(&path);
            }
            let _ = place.registry.add_chart("charts/app", "1.2.3");
            place.registry.turn_referrers("charts/app", "none", &[]);
            place.registry.turn_tag("plugins/one", "1.0.0", turn);
            let finished = place.run(&[command, &["--keyring", &public]].concat());
            let expected = if is_good { Some(0) } else { Some(3) };
            assert_eq!(finished.code, expected, "{command:?} with {turn:?}: {}", finished.stderr);
            if is_good {
                if command[0] == "pull" && command[2] == "-d" {
                    let written = std::fs::read(place.sandbox.path().join("out/one-1.0.0.tgz")).unwrap();
                    assert!(written == archive, "{command:?} with {turn:?} wrote something else");
                }
                for file in [place.files("out"), place.files("home")].concat() {
                    assert!(std::fs::read(&file).unwrap() != evil_wasm, "{}", file.display());
                }
                let lock = std::fs::read_to_string(place.sandbox.path().join("windlass.lock")).unwrap_or_default();
                assert!(command[0] != "lock" || lock.contains(&good) && !lock.contains(&evil), "{lock}");
            } else {
                assert!(place.files("out").is_empty(), "{command:?} with {turn:?} wrote {:?}", place.files("out"));
                assert!(!place.sandbox.path().join("windlass.lock").exists());
            }
        }
    }
    // The list of what is attached turns as well: what is copied is what was judged.
    let digest = place.registry.add_chart("charts/turning", "1.0.0");
    let chart = place.registry.oci("charts/turning:1.0.0");
    let attach = |folder: &str, sign: &[&str]| {
        let answer = place.answer(&[&["attach", &chart, folder, "--force"], sign].concat());
        answer["plugins"][0]["digest"].as_str().unwrap().to_owned()
    };
    let good = attach(&place.plugin("one", "1.0.0", ""), &["--sign", &key("secret.gpg")]);
    let evil = attach(&place.plugin("two", "1.0.0", "-evil"), &[]);
    for (lists, code) in [
        (&[&[good.as_str()][..], &[&good, &evil]][..], 0),
        (&[&[good.as_str(), &evil][..], &[&good]], 3),
        (&[&[evil.as_str()][..], &[&good]], 3),
    ] {
        let _ = std::fs::remove_dir_all(place.sandbox.path().join("out"));
        place.registry.turn_referrers("charts/turning", &digest, lists);
        let finished = place.run(&["pull", &chart, "--to-layout", "out", "--keyring", &public]);
        assert_eq!(finished.code, Some(code), "{lists:?}: {}", finished.stderr);
        let index = std::fs::read_to_string(place.sandbox.path().join("out/index.json")).unwrap_or_default();
        assert_eq!((index.contains(&good), index.contains(&evil)), (code == 0, false), "{lists:?}");
    }
    let bare = place.registry.add_chart("charts/bare", "1.0.0");
    let bare = place.registry.oci(&format!("charts/bare@{bare}"));
    place.refuse(&["pull", &bare, "--to-layout", "bare", "--keyring", &public], 3, "holds no plugin");
}

/// `index.json` gives a manifest its names, and no signature covers it.
#[test]
fn a_layout_s_names_are_not_believed() {
    let place = Place::new();
    let (public, secret) = (key("public.gpg"), key("secret.gpg"));
    let layout = place.sandbox.path().join("layout").display().to_string();
    let folder = place.plugin("one", "1.0.0", "");
    place.succeed(&["push", &folder, &format!("oci-layout:{layout}"), "--sign", &secret]);
    for name in ["1.0.0", "one-1.0.0"] {
        place.succeed(&["run", &format!("oci-layout:{layout}:{name}"), "--keyring", &public]);
    }
    let index_file = Path::new(&layout).join("index.json");
    let index = std::fs::read_to_string(&index_file).unwrap();
    for (renamed, asked) in [
        (index.replace("1.0.0", "1.1.0"), &["1.1.0", "one-1.1.0"][..]),
        (index.replace("one-1.0.0", "two-1.0.0"), &["two-1.0.0"]),
        (index.replace("\"1.0.0\"", "\"two-1.0.0\""), &["two-1.0.0"]),
        (index.replace("\"1.0.0\"", "\"1.0.0_patched\""), &["1.0.0_patched"]),
    ] {
        assert_ne!(renamed, index);
        std::fs::write(&index_file, renamed).unwrap();
        for name in asked {
            let reference = format!("oci-layout:{layout}:{name}");
            place.sandbox.write(
                "windlass.yaml",
                format!("apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: {reference}\n"),
            );
            let says = "is there, but it is one-1.0.0.tgz";
            for command in ["run", "install", "verify", "inspect", "diff"] {
                place.refuse(&[command, &reference], 3, says);
                place.refuse(&[command, &reference, "--keyring", &public], 3, says);
            }
            place.refuse(&["lock"], 3, says);
            place.refuse(&["run", "--pipeline", "windlass.yaml"], 3, says);
            let version = name.trim_start_matches("one-").trim_start_matches("two-");
            let target = place.registry.oci(&format!("mirror/one:{version}"));
            if *name != "two-1.0.0" {
                place.refuse(&["push", "--from-layout", &format!("{layout}:{name}"), &target], 3, says);
            }
        }
    }
    // A tag that is no version promises none, and without a tag there is but one plugin.
    std::fs::write(&index_file, index.replace("\"1.0.0\"", "\"latest\"")).unwrap();
    place.succeed(&["run", &format!("oci-layout:{layout}:latest"), "--keyring", &public]);
    place.succeed(&["run", &format!("oci-layout:{layout}"), "--keyring", &public]);
    // The registry's tag is believed as little when it is copied into a layout.
    let digest = place.push(&folder, "plugins", true);
    place.registry.turn_tag("plugins/one", "1.1.0", &[&digest]);
    let renamed = place.registry.oci("plugins/one:1.1.0");
    place.refuse(&["pull", &renamed, "--to-layout", "copy"], 3, "but it is one-1.0.0.tgz");
    assert!(place.files("copy").is_empty());
    place.succeed(&["pull", &format!("{renamed}@{digest}"), "--to-layout", "copy"]);
}

/// With a key named, a signature by it is needed, whatever the plugin is named by.
#[test]
fn a_named_key_is_never_for_show() {
    let place = Place::new();
    let (public, secret) = (key("public.gpg"), key("secret.gpg"));
    let (cosign, keyring) = (key("cosign.pub"), ["--keyring", public.as_str()]);
    let folder = place.plugin("one", "1.0.0", "");
    place.succeed(&["package", &folder, "--sign", &secret, "-d", "signed"]);
    place.succeed(&["package", &folder, "-d", "bare"]);
    let evil = place.plugin("one", "1.0.0", "-evil");
    place.succeed(&["package", &evil, "-d", "evil"]);
    place.succeed(&["push", &folder, "oci-layout:signed-layout", "--sign", &secret]);
    place.succeed(&["push", &folder, "oci-layout:bare-layout"]);
    let prov = std::fs::read(place.sandbox.path().join("signed/one-1.0.0.tgz.prov")).unwrap();
    place.sandbox.write("evil/one-1.0.0.tgz.prov", &prov);
    // A provenance is about a file by its name.
    let signed = std::fs::read(place.sandbox.path().join("signed/one-1.0.0.tgz")).unwrap();
    place.sandbox.write("renamed/one-1.1.0.tgz", &signed);
    place.sandbox.write("renamed/one-1.1.0.tgz.prov", &prov);
    place.sandbox.write("broken/one-1.0.0.tgz", &signed);
    place.sandbox.write("broken/one-1.0.0.tgz.prov", "-----BEGIN PGP SIGNED MESSAGE-----\n");
    let pinned = format!("{}@{}", place.registry.oci("plugins/one"), place.push(&folder, "plugins", false));
    place.succeed(&["install", &folder]);
    let wasm = format!("{folder}/plugin.wasm");
    let refused = [
        ("bare/one-1.0.0.tgz", "it has no OpenPGP provenance"),
        ("evil/one-1.0.0.tgz", "it was changed"),
        ("renamed/one-1.1.0.tgz", "says nothing about a file named one-1.1.0.tgz"),
        ("broken/one-1.0.0.tgz", "is not trusted"),
        ("oci-layout:bare-layout", "it has no OpenPGP provenance"),
        (&pinned, "it has no OpenPGP provenance"),
        (&folder, "it is no archive"),
        (&wasm, "it is no archive"),
        ("one", "it is no archive"),
    ];
    for (plugin, says) in refused {
        for command in [&["run", plugin][..], &["diff", plugin], &["inspect", plugin], &["install", plugin, "--force"]]
        {
            place.succeed(command);
            place.refuse(&[command, &keyring].concat(), 3, says);
        }
    }
    for plugin in ["signed/one-1.0.0.tgz", "oci-layout:signed-layout"] {
        for command in ["run", "diff", "inspect", "verify"] {
            place.succeed(&[&[command, plugin], &keyring[..]].concat());
            // Another kind of key has signed neither.
            place.refuse(&[command, plugin, "--cosign-key", &cosign], 3, "is not trusted");
        }
        place.succeed(&[&["install", plugin, "--force"], &keyring[..]].concat());
    }
    // One that is not signed spoils a chain of those that are; what is locked and pinned in a pipeline as well.
    place.refuse(&[&["run", "signed/one-1.0.0.tgz", &folder], &keyring[..]].concat(), 3, "it is no archive");
    place.sandbox.write(
        "windlass.yaml",
        format!("apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: {pinned}\n"),
    );
    place.refuse(&[&["lock"], &keyring[..]].concat(), 3, "it has no OpenPGP provenance");
    place.succeed(&["lock"]);
    let locked = ["run", "--pipeline", "windlass.yaml", "--locked"];
    place.succeed(&locked);
    place.refuse(&[&locked[..], &keyring].concat(), 3, "it has no OpenPGP provenance");
    let chart = place.registry.oci("charts/app:1.2.3");
    let _ = place.registry.add_chart("charts/app", "1.2.3");
    place.refuse(&[&["attach", &chart, "bare/one-1.0.0.tgz"], &keyring[..]].concat(), 3, "nothing was attached");
    place.refuse(&[&["attach", &chart, &pinned], &keyring[..]].concat(), 3, "nothing was attached");
    place.succeed(&[&["attach", &chart, "signed/one-1.0.0.tgz"], &keyring[..]].concat());
}

/// What was not checked is said.
#[test]
fn verify_says_what_it_did_not_check() {
    let place = Place::new();
    let folder = place.plugin("one", "1.0.0", "");
    place.succeed(&["push", &folder, "oci-layout:layout", "--sign", &key("secret.gpg")]);
    let said = place.succeed(&["verify", "oci-layout:layout"]);
    assert!(!said.contains("is trusted"), "{said}");
    assert!(said.contains("nobody vouches for it: named by a path on this machine"), "{said}");
    assert!(said.contains("checked: all that was read is what the digests of the manifest sha256:"), "{said}");
    assert!(said.contains("not checked: signatures: no key is given"), "{said}");
    let answer = place.answer(&["verify", "oci-layout:layout"]);
    assert_eq!((&answer["trusted"], answer["notChecked"].as_array().unwrap().len()), (&Value::Array(Vec::new()), 1));
    let said = place.succeed(&["verify", "oci-layout:layout", "--keyring", &key("public.gpg")]);
    assert!(said.contains("is trusted\nsigned by ") && !said.contains("not checked"), "{said}");
    // A pin vouches; it is no signature.
    let digest = place.push(&folder, "plugins", true);
    let said = place.succeed(&["verify", &format!("{}@{digest}", place.registry.oci("plugins/one"))]);
    assert!(
        said.contains("is trusted\nthe digest in the reference\n") && said.contains("not checked: signatures"),
        "{said}"
    );
    // A rule that asks for nothing lets it run, and vouches for nothing.
    place.trust(&format!("- {{prefix: 'oci://{}', require: nothing}}\n", place.registry.address()));
    let said = place.succeed(&["verify", &place.registry.oci("plugins/one:1.0.0")]);
    assert!(!said.contains("is trusted") && said.contains("its trust rule asks for nothing"), "{said}");
    place.succeed(&["package", &folder, "-d", "."]);
    place.refuse(&["verify", "one-1.0.0.tgz"], 3, "no key is given");
}

/// The rule of a registry applies however the registry is written, and that of layouts however their path is.
#[test]
fn a_rule_is_not_escaped_by_another_spelling() {
    let place = Place::new();
    let digest = place.push(&place.plugin("one", "1.0.0", ""), "plugins", false);
    place.succeed(&["push", &place.plugin("one", "1.0.0", ""), "oci-layout:layout"]);
    let port = place.registry.address().rsplit_once(':').unwrap().1.to_owned();
    let keyring = key("public.gpg");
    let rule = |prefix: &str| format!("- {{prefix: '{prefix}', require: openpgp, keyrings: ['{keyring}']}}\n");
    place.trust(
        &[
            rule(&format!("oci://127.0.0.1:{port}/plugins")),
            rule(&format!("oci://LocalHost.:0{port}")),
            rule("oci-layout:"),
        ]
        .concat(),
    );
    for host in
        ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", "localhost", "LOCALHOST", "localhost."]
    {
        for port in [port.clone(), format!("0{port}")] {
            let reference = format!("oci://{host}:{port}/plugins/one:1.0.0@{digest}");
            place.refuse(&["run", &reference], 3, "the trust rule for `oci://");
            place.sandbox.write(
                "windlass.yaml",
                format!("apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: '{reference}'\n"),
            );
            place.refuse(&["run", "--pipeline", "windlass.yaml"], 3, "the trust rule for `oci://");
        }
    }
    std::os::unix::fs::symlink("layout", place.sandbox.path().join("link")).unwrap();
    for layout in ["layout", "./layout", "layout/", "link", "layout/../layout:1.0.0", "layout:one-1.0.0"] {
        place.refuse(&["run", &format!("oci-layout:{layout}")], 3, "the trust rule for `oci-layout:` asks for it");
    }
    let absolute = place.sandbox.path().join("layout").display().to_string();
    place.refuse(&["run", &format!("oci-layout:{absolute}")], 3, "the trust rule for `oci-layout:` asks for it");
}

/// One of several is refused: nothing is done.
#[test]
fn all_or_nothing() {
    let place = Place::new();
    let (first, other) = (place.plugin("one", "1.0.0", ""), place.plugin("two", "1.0.0", ""));
    let (rival, broken) = (place.plugin("two", "1.0.0", "-rival"), place.sandbox.write("broken.tgz", "no archive"));
    let broken = broken.display().to_string();
    let missing = place.registry.oci("plugins/missing:1.0.0");
    let _ = place.registry.add_chart("charts/app", "1.0.0");
    let chart = place.registry.oci("charts/app:1.0.0");
    place.succeed(&["attach", &chart, &other]);
    let before = place.registry.manifests();
    for (plugins, code) in [
        (&[first.as_str(), &rival][..], 3),
        (&[&first, &broken], 2),
        (&[&first, &missing], 5),
        (&[&first, "no-such-folder"], 2),
        (&[&first, "oci-layout:layout"], 2),
        (&[&first, &place.plugin("one", "1.0.0", "-rival")], 3),
    ] {
        let finished = place.run(&[&["attach", &chart], plugins].concat());
        assert_eq!(finished.code, Some(code), "{plugins:?}: {}", finished.stderr);
        assert!(finished.stderr.contains("nothing was attached"), "{plugins:?}: {}", finished.stderr);
        assert_eq!(place.registry.manifests(), before, "{plugins:?}");
    }
    // The same twice is there once.
    let twice = place.answer(&["attach", &chart, &first, &first]);
    assert_eq!((&twice["plugins"][0]["new"], &twice["plugins"][1]["new"]), (&Value::Bool(true), &Value::Bool(false)));
    assert_eq!(place.answer(&["discover", &chart])["plugins"].as_array().unwrap().len(), 2);

    // A whole layout, one of whose plugins finds its place taken.
    for folder in [&first, &other] {
        place.succeed(&["push", folder, "oci-layout:layout"]);
    }
    place.push(&rival, "mirror", false);
    let before = place.registry.manifests();
    let mirror = place.registry.oci("mirror");
    place.refuse(&["push", "--from-layout", "layout", &mirror], 3, "nothing was pushed");
    assert_eq!(place.registry.manifests(), before);
    place.succeed(&["push", "--from-layout", "layout", &mirror, "--force"]);

    // A pipeline, one of whose plugins is not locked, or not trusted.
    let use_of = |name: &str| format!("- use: {}\n", place.registry.oci(&format!("mirror/{name}:1.0.0")));
    let head = "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n";
    place.sandbox.write("windlass.yaml", format!("{head}{}", use_of("one")));
    place.succeed(&["lock"]);
    place.sandbox.write("windlass.yaml", format!("{head}{}{}", use_of("one"), use_of("two")));
    let pull = ["pull", "--pipeline", "windlass.yaml", "--to-layout", "carried"];
    place.refuse(&pull, 3, "is not in the lock file");
    assert!(place.files("carried").is_empty());
    place.succeed(&["lock"]);
    place.refuse(&[&pull[..], &["--keyring", &key("public.gpg")]].concat(), 3, "nothing was written");
    assert!(place.files("carried").is_empty());
    place.succeed(&pull);

    // A registry that takes no more says so, and what is there is told.
    place.registry.fill_up();
    let _ = place.registry.add_chart("charts/full", "1.0.0");
    place.refuse(&["attach", &place.registry.oci("charts/full:1.0.0"), &first, &other], 5, "nothing was attached");
}
