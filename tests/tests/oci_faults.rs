//! Everything that can go wrong between us and a registry, one fault at a time, for every command that reads: a clear
//! error or success after a retry, nothing half-written in the store, and the next call works. `oci_faults_writing.rs`
//! has those that write.

use std::path::{Path, PathBuf};
use windlass_tests::faulty_registry::{Fault, FaultyRegistry, manifest, manifest_digest};
use windlass_tests::http::Answer;
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use windlass_tests::shipping::{PLUGIN, STREAM, Stage, digest, each, key};
use xtask::command::{Finished, feed};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// What has to become of a command.
#[derive(Clone, Debug)]
enum Outcome {
    /// With the fault for ever: this exit code, and this in the error.
    Fails(i32, &'static str),
    /// With the fault twice: success.
    Recovers,
    /// With the fault for ever: success, as nobody looks at that.
    Succeeds,
}
use Outcome::{Fails, Recovers, Succeeds};

/// A layout with the plugin in it, signed.
fn layout(sandbox: &Sandbox) -> PathBuf {
    let plugin = needs::plugin(PLUGIN);
    let target = format!("oci-layout:{}", sandbox.path().join("layout").display());
    sandbox.succeed(["push", plugin.to_str().unwrap(), &target, "--sign", &key("secret.gpg")], b"");
    sandbox.path().join("layout")
}

/// Makes `manifest` the only manifest of a layout; its digest.
fn replace_manifest(layout: &Path, kind: &str, manifest: &str) -> String {
    let digest = digest(manifest.as_bytes());
    std::fs::write(layout.join("blobs/sha256").join(&digest[7..]), manifest).unwrap();
    let size = manifest.len();
    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{{"mediaType":"{kind}","digest":"{digest}","size":{size}}}]}}"#
    );
    std::fs::write(layout.join("index.json"), index).unwrap();
    digest
}

fn pull(sandbox: &Sandbox, registry: &FaultyRegistry, reference: &str, more: &[&str]) -> Finished {
    let reference = format!("oci://{}/plugins/{PLUGIN}{reference}", registry.address());
    let mut command = sandbox.windlass(["pull", &reference, "--plain-http", "-d", "pulled"]);
    command.args(more).env("WINDLASS_CACHE_DIR", sandbox.path().join("cache"));
    feed(&mut command, b"").expect("windlass starts")
}

/// Everything in the store is something that the layout has, whole.
#[track_caller]
fn check_store(sandbox: &Sandbox, layout: &Path) {
    let Ok(entries) = std::fs::read_dir(sandbox.path().join("cache/oci")) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let there = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap();
        assert_eq!(
            std::fs::read(layout.join("blobs/sha256").join(name)).ok(),
            Some(there),
            "{} is in the store",
            path.display()
        );
    }
}

/// Pulls with a fault in the answers for `part`: `manifests`, or `blobs/INDEX` of the manifest's layers. Then the fault
/// is gone: the next pull works.
fn check_pull((part, fault, expected): &(&str, Fault, Outcome)) {
    let sandbox = Sandbox::new();
    let layout = layout(&sandbox);
    let registry = FaultyRegistry::start(&layout);
    let path = match part.strip_prefix("blobs/") {
        Some(index) => {
            let layer = &manifest(&layout)["layers"][index.parse::<usize>().unwrap()];
            format!("/blobs/{}", layer["digest"].as_str().unwrap())
        }
        None => format!("/{part}/"),
    };
    let times = if matches!(expected, Recovers) { 2 } else { u32::MAX };
    registry.fail("GET", &path, fault.clone(), times);
    let pulled = pull(&sandbox, &registry, ":0.1.0", &["--registry-timeout", fault.patience()]);
    check(&format!("pull with {fault:?} in {part}"), &pulled, expected);
    assert!(registry.failures_left() == 0 || times > 2, "{part} {fault:?} did not happen");
    check_store(&sandbox, &layout);
    registry.heal();
    let healed = pull(&sandbox, &registry, ":0.1.0", &[]);
    assert_eq!(healed.code, Some(0), "after {part} {fault:?}: {}", healed.stderr);
    check_store(&sandbox, &layout);
}

#[track_caller]
fn check(what: &str, finished: &Finished, expected: &Outcome) {
    match expected {
        Recovers | Succeeds => assert_eq!(finished.code, Some(0), "{what}: {}", finished.stderr),
        Fails(code, says) => {
            assert_eq!(finished.code, Some(*code), "{what}: {}", finished.stderr);
            assert!(finished.stderr.contains(says), "{what}: expected `{says}` in {}", finished.stderr);
        }
    }
}

#[test]
fn a_pull_meets_every_fault() {
    let to = |origin: &str| Fault::Redirect(origin.to_owned());
    let mut cases = Vec::new();
    for part in ["manifests", "blobs/0", "blobs/1"] {
        cases.extend([
            // What may pass is tried again, five times in all.
            (part, Fault::Cut, Recovers),
            (part, Fault::Changed, Recovers),
            (part, Fault::Status(429), Recovers),
            (part, Fault::Status(500), Recovers),
            (part, Fault::Status(503), Recovers),
            (part, Fault::Cut, Fails(5, "tried 5 times")),
            (part, Fault::Status(429), Fails(5, "429")),
            (part, Fault::Status(500), Fails(5, "500")),
            (part, Fault::Status(503), Fails(5, "503")),
            (part, Fault::Slow, Fails(5, "too slowly")),
            // What was changed is not believed; it may have happened on the way, so it is tried again, too.
            (part, Fault::Changed, Fails(3, "was changed")),
            // What will not change is an error at once.
            (part, Fault::Status(401), Fails(5, "log in with")),
            (part, Fault::Status(403), Fails(5, "403")),
            (part, Fault::Status(404), Fails(5, if part == "manifests" { "has no" } else { "404" })),
            (part, Fault::Announced(100 << 20), Fails(5, "more than the")),
            (part, Fault::Endless, Fails(5, "more than the")),
            (part, to("http://10.255.255.1"), Fails(5, "private network")),
            (part, to("http://169.254.169.254"), Fails(5, "private network")),
            (part, to("http://[fd00::1]"), Fails(5, "private network")),
            (part, to("ftp://127.0.0.1"), Fails(5, "not HTTP")),
        ]);
    }
    cases.extend([
        ("blobs/0", Fault::Half, Recovers),
        ("blobs/0", Fault::Half, Fails(5, "bytes of")),
        ("manifests", Fault::Half, Fails(3, "was changed")),
        ("manifests", Fault::Typed("text/html"), Fails(5, "text/html")),
        ("manifests", Fault::Typed(INDEX), Fails(5, "an index of several manifests")),
        // Nobody looks at a blob's type: its digest says what it is.
        ("blobs/0", Fault::Typed("text/html"), Succeeds),
        // Another manifest under the digest that the tag stood for a moment ago.
        ("manifests", Fault::Body(r#"{"schemaVersion":2}"#.to_owned()), Fails(3, "was changed")),
    ]);
    each(&cases, check_pull);
}

/// An index instead of a manifest, under the tag and under the digest that the user pinned: a plugin is a single
/// manifest, and nobody may choose another for this platform.
#[test]
fn an_index_is_no_plugin() {
    let sandbox = Sandbox::new();
    let layout = layout(&sandbox);
    let plugin = manifest_digest(&layout);
    let index = replace_manifest(
        &layout,
        INDEX,
        &format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{{"mediaType":"{MANIFEST}","digest":"{plugin}","size":9}}]}}"#
        ),
    );
    let registry = FaultyRegistry::start(&layout);
    for reference in [":0.1.0".to_owned(), format!("@{index}")] {
        let expected = Fails(5, "an index of several manifests");
        check(&reference, &pull(&sandbox, &registry, &reference, &[]), &expected);
    }
    check_store(&sandbox, &layout);
}

#[test]
fn sizes_that_a_manifest_gets_wrong_are_found() {
    for (difference, says) in [(1, "bytes of"), (-1, "more than the"), (1 << 40, "may have at most"), (i64::MIN, "")] {
        let sandbox = Sandbox::new();
        let layout = layout(&sandbox);
        let mut wrong = manifest(&layout);
        let size = wrong["layers"][0]["size"].as_i64().unwrap();
        wrong["layers"][0]["size"] = size.saturating_add(difference).into();
        replace_manifest(&layout, MANIFEST, &wrong.to_string());
        let registry = FaultyRegistry::start(&layout);
        check("a wrong size", &pull(&sandbox, &registry, ":0.1.0", &[]), &Fails(5, says));
        check_store(&sandbox, &layout);
    }
}

#[test]
fn a_broken_transfer_goes_on_where_it_broke() {
    let sandbox = Sandbox::new();
    let layout = layout(&sandbox);
    let registry = FaultyRegistry::start(&layout);
    let archive = &manifest(&layout)["layers"][0];
    registry.fail("GET", archive["digest"].as_str().unwrap(), Fault::Cut, 1);
    check("a broken transfer", &pull(&sandbox, &registry, ":0.1.0", &[]), &Recovers);
    check_store(&sandbox, &layout);
    let ranges: Vec<String> = registry.seen().into_iter().filter_map(|seen| seen.range).collect();
    assert_eq!(ranges, [format!("bytes={}-", archive["size"].as_u64().unwrap() / 2)]);
}

#[test]
fn a_registry_that_asks_for_patience_gets_it() {
    let sandbox = Sandbox::new();
    let layout = layout(&sandbox);
    let registry = FaultyRegistry::start(&layout);
    registry.fail("GET", "/manifests/", Fault::TooMany(2), 1);
    let start = std::time::Instant::now();
    check("a busy registry", &pull(&sandbox, &registry, ":0.1.0", &[]), &Recovers);
    assert!(start.elapsed() >= std::time::Duration::from_secs(2), "came back after {:?}", start.elapsed());
}

#[test]
fn credentials_do_not_follow_a_redirect() {
    let sandbox = Sandbox::new();
    let layout = layout(&sandbox);
    let (registry, other) = (FaultyRegistry::start(&layout), FaultyRegistry::start(&layout));
    // base64 of `ann:hunter2`.
    registry.require("YW5uOmh1bnRlcjI=");
    let config = format!(r#"{{"auths":{{"{}":{{"auth":"YW5uOmh1bnRlcjI="}}}}}}"#, registry.address());
    let config = sandbox.write("config.json", config);
    let config = ["--registry-config", config.to_str().unwrap()];
    registry.fail("GET", "/blobs/", Fault::Redirect(format!("http://{}", other.address())), u32::MAX);
    let finished = pull(&sandbox, &registry, ":0.1.0", &config);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(registry.seen().iter().any(|seen| seen.authorization.is_some()), "the registry asks for a password");
    assert!(
        !other.seen().is_empty() && other.seen().iter().all(|seen| seen.authorization.is_none()),
        "{:?}",
        other.seen()
    );
    assert!(!finished.stderr.contains("hunter2") && !String::from_utf8_lossy(&finished.stdout).contains("hunter2"));
}

/// A redirect leads to a server that asks for a login, too: it is no origin of the registry's, so it gets an error.
#[test]
fn challenges_of_others_are_not_answered() {
    let sandbox = Sandbox::new();
    let layout = layout(&sandbox);
    let (registry, other) = (FaultyRegistry::start(&layout), FaultyRegistry::start(&layout));
    let config = format!(r#"{{"auths":{{"{}":{{"auth":"YW5uOmh1bnRlcjI="}}}}}}"#, registry.address());
    let config = sandbox.write("config.json", config);
    registry.fail("GET", "/blobs/", Fault::Redirect(format!("http://{}", other.address())), u32::MAX);
    let challenges = vec![format!("Bearer realm=\"http://{}/token\"", other.address()), "Basic realm=\"x\"".to_owned()];
    other.fail("GET", "/blobs/", Fault::Challenge(challenges), u32::MAX);
    let finished = pull(&sandbox, &registry, ":0.1.0", &["--registry-config", config.to_str().unwrap()]);
    check("a challenge elsewhere", &finished, &Fails(5, "another server than the registry"));
    let seen = other.seen();
    let is_told =
        |seen: &windlass_tests::faulty_registry::Seen| seen.authorization.is_some() || seen.target.contains("token");
    assert!(!seen.is_empty() && !seen.iter().any(is_told), "{seen:?}");
}

/// A login for one path of a registry (`HOST/team-a`, as podman writes it) is for that path: it is found for what is
/// below, and what is elsewhere is asked for without it.
#[test]
fn a_login_for_a_path_stays_below_it() {
    let sandbox = Sandbox::new();
    let layout = layout(&sandbox);
    let registry = FaultyRegistry::start(&layout);
    registry.require("YW5uOmh1bnRlcjI=");
    let config = |path: &str| {
        let config = format!(r#"{{"auths":{{"{}/{path}":{{"auth":"YW5uOmh1bnRlcjI="}}}}}}"#, registry.address());
        sandbox.write("config.json", config).display().to_string()
    };
    for elsewhere in ["team-a", "plugin", &format!("plugins/{PLUGIN}/below")] {
        let finished = pull(&sandbox, &registry, ":0.1.0", &["--registry-config", &config(elsewhere)]);
        check(elsewhere, &finished, &Fails(5, "log in with"));
    }
    assert!(registry.seen().iter().all(|seen| seen.authorization.is_none()), "{:?}", registry.seen());
    for above in ["plugins", &format!("plugins/{PLUGIN}")] {
        check(above, &pull(&sandbox, &registry, ":0.1.0", &["--registry-config", &config(above)]), &Succeeds);
    }
}

/// Whoever may write to a repository may attach to a chart, and a registry may make it up: lists have an end, in
/// entries, bytes and pages, and half a list never passes for the whole.
#[test]
fn lists_of_referrers_have_an_end() {
    let entry = |number: usize, size: usize| {
        let padding = "x".repeat(size);
        format!(
            r#"{{"mediaType":"{MANIFEST}","digest":"sha256:{number:064x}","size":9,"artifactType":"application/x","annotations":{{"a":"{padding}"}}}}"#
        )
    };
    let list = |entries: std::ops::Range<usize>, size: usize| -> String {
        let entries: Vec<String> = entries.map(|number| entry(number, size)).collect();
        format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#, entries.join(","))
    };
    let next = |query: &str| Some(format!("</v2/charts/app/referrers/x?{query}>; rel=\"next\""));
    let cases = [
        // Three million entries and more: each page names the next.
        ("pages without end", list(0..2_000, 0), next("again"), Fails(4, "more than 10000 referrers")),
        ("empty pages without end", list(0..0, 0), next("again"), Fails(4, "more than 10000 referrers")),
        ("one page that is full", list(0..18_000, 0), None, Fails(4, "more than 10000 referrers")),
        ("bytes without end", list(0..3, 1 << 20), next("again"), Fails(4, "more than 16 MiB")),
        (
            "a page elsewhere",
            list(0..1, 0),
            Some("<http://127.0.0.2:1/x>; rel=next".to_owned()),
            Fails(5, "at another server"),
        ),
        (
            "a page in a private network",
            list(0..1, 0),
            Some("<http://10.0.0.1/x>; rel=next".to_owned()),
            Fails(5, "private"),
        ),
        ("a page that is not HTTP", list(0..1, 0), Some("<ftp://a/x>; rel=next".to_owned()), Fails(5, "not HTTP")),
        // Two links, a comma in an address, an unknown relation: none of them is the next page.
        ("other links", list(0..1, 0), Some("</a,b?c>; rel=prev, </x>; title=\"next\"".to_owned()), Succeeds),
    ];
    let chart = r#"{"schemaVersion":2,"mediaType":"MANIFEST","config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"sha256:00","size":2},"layers":[]}"#
        .replace("MANIFEST", MANIFEST);
    each(&cases, |(what, page, link, expected)| {
        let (chart, page, link) = (chart.clone(), page.clone(), link.clone());
        let address = windlass_tests::http::serve(move |request, _| {
            if request.target.contains("/manifests/") {
                return Some(Answer::new(200, chart.as_str()).header("Content-Type", MANIFEST));
            }
            let answer = Answer::new(200, page.as_str()).header("Content-Type", INDEX);
            Some(match &link {
                Some(link) => answer.header("Link", link.as_str()),
                None => answer,
            })
        });
        let sandbox = Sandbox::new();
        let finished = sandbox.run(["discover", &format!("oci://{address}/charts/app:1.2.3"), "--plain-http"], b"");
        check(what, &finished, expected);
    });
}

/// `discover`, `run --for-chart` and `verify` on a real registry, with a fault in one of the answers that they need.
#[test]
fn those_who_look_around_meet_every_fault() {
    let Some(stage) = Stage::distribution() else { return };
    let Some((chart, _)) = stage.push_chart() else { return };
    let plugin = stage.push_plugin("plugins")["reference"].as_str().unwrap().to_owned();
    stage.succeed(&["attach", &chart, &plugin], b"");
    let path = |reference: &str| reference.strip_prefix("oci://").unwrap().split_once('/').unwrap().1.to_owned();
    let (chart, plugin, public) = (path(&chart), path(&plugin), key("public.gpg"));
    let cosign = key("cosign.pub");
    let discover = vec!["discover", &chart];
    let run = vec!["run", "--for-chart", &chart, "--keyring", &public, "--no-cache"];
    let verify = vec!["verify", &plugin, "--cosign-key", &cosign];

    let mut cases = Vec::new();
    for (command, part) in [
        (&discover, "/manifests/1.2.3"),
        (&discover, "/referrers/"),
        // The list of a registry without the referrers API, and what it lists.
        (&discover, "/manifests/sha256-"),
        (&discover, "/manifests/sha256:"),
        (&run, "/blobs/"),
    ] {
        for fault in [Fault::Status(500), Fault::Status(429), Fault::Cut] {
            cases.push((command.clone(), part, fault, Recovers));
        }
        cases.extend([
            (command.clone(), part, Fault::Status(401), Fails(5, "log in with")),
            (command.clone(), part, Fault::Status(403), Fails(5, "403")),
            (command.clone(), part, Fault::Status(503), Fails(5, "503")),
            (command.clone(), part, Fault::Redirect("http://10.255.255.1".to_owned()), Fails(5, "private network")),
        ]);
        // Distribution has no list of referrers: what it answers there is a page that nobody reads.
        if part != "/referrers/" {
            cases.extend([
                (command.clone(), part, Fault::Changed, Fails(3, "was changed")),
                (command.clone(), part, Fault::Slow, Fails(5, "too slowly")),
                (command.clone(), part, Fault::Endless, Fails(5, "more than the")),
                (command.clone(), part, Fault::Announced(100 << 20), Fails(5, "more than the")),
            ]);
        }
    }
    cases.extend([
        (discover.clone(), "/manifests/1.2.3", Fault::Status(404), Fails(5, "has no charts/app:1.2.3")),
        (discover.clone(), "/manifests/1.2.3", Fault::Typed(INDEX), Fails(5, "an index of several manifests")),
        (discover.clone(), "/manifests/1.2.3", Fault::Typed("text/html"), Fails(5, "text/html")),
        (run.clone(), "/blobs/", Fault::Status(404), Fails(5, "404")),
        // "There is no signature" and "nobody could say" are not the same.
        (verify.clone(), "/manifests/sha256-", Fault::Status(404), Fails(3, "it has no cosign signature")),
        (verify.clone(), "/manifests/sha256-", Fault::Status(500), Fails(5, "500")),
        (verify.clone(), "/manifests/sha256-", Fault::Status(403), Fails(5, "403")),
        (verify.clone(), "/manifests/sha256-", Fault::NoAnswer, Fails(5, "cannot speak to")),
        (verify.clone(), "/referrers/", Fault::Status(500), Fails(5, "500")),
    ]);
    each(&cases, |(command, part, fault, expected)| {
        let registry = FaultyRegistry::before(stage.registry.address());
        let on_registry = |command: &[&str]| -> Finished {
            let words: Vec<String> = command
                .iter()
                .map(|word| {
                    let is_reference = [&chart, &plugin].iter().any(|reference| reference.as_str() == *word);
                    if is_reference { format!("oci://{}/{word}", registry.address()) } else { (*word).to_owned() }
                })
                .collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            stage.run(&[&words[..], &["--registry-timeout", fault.patience()]].concat(), STREAM)
        };
        let times = if matches!(expected, Recovers) { 2 } else { u32::MAX };
        registry.fail("GET", part, fault.clone(), times);
        check(&format!("{command:?} with {fault:?} in {part}"), &on_registry(command), expected);
        registry.heal();
        let healed = on_registry(command);
        let expected = if command == &verify { Fails(3, "it has no cosign signature") } else { Recovers };
        check(&format!("{command:?} after {fault:?} in {part}"), &healed, &expected);
    });
}

#[test]
fn twenty_processes_pull_one_cold_reference() {
    let sandbox = Sandbox::new();
    let layout = layout(&sandbox);
    let registry = FaultyRegistry::start(&layout);
    let reference = format!("oci://{}/plugins/{PLUGIN}:0.1.0", registry.address());
    let keyring = key("public.gpg");
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let mut command =
                    sandbox.windlass(["run", &reference, "--plain-http", "--keyring", &keyring, "--timeout", "2m"]);
                command.env("WINDLASS_CACHE_DIR", sandbox.path().join("cache"));
                let finished = feed(&mut command, STREAM).unwrap();
                assert_eq!(finished.code, Some(0), "{}", finished.stderr);
            });
        }
    });
    check_store(&sandbox, &layout);
    let count = std::fs::read_dir(sandbox.path().join("cache/oci")).unwrap().count();
    assert_eq!(count, 3, "the manifest, the archive and the signature, each once");
}
