//! Everything that can go wrong between us and a registry, one fault at a time: a clear error or success after a retry, nothing
//! half-written in the store, and the next call works.

use std::path::Path;
use windlass_tests::faulty_registry::{Fault, FaultyRegistry};
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use xtask::command::{Finished, feed};
use xtask::workspace;

/// A layout with the label injector in it, signed.
fn layout(sandbox: &Sandbox) -> std::path::PathBuf {
    let plugin = needs::plugin("label-injector");
    let key = workspace::root().join("tests/keys/secret.gpg");
    let target = format!("oci-layout:{}", sandbox.path().join("layout").display());
    let arguments = ["push", plugin.to_str().unwrap(), &target, "--sign", key.to_str().unwrap()];
    sandbox.succeed(arguments, b"");
    sandbox.path().join("layout")
}

fn pull(sandbox: &Sandbox, registry: &FaultyRegistry, more: &[&str]) -> Finished {
    let reference = format!("oci://{}/plugins/label-injector:0.1.0", registry.address());
    let mut command =
        sandbox.windlass(["pull", &reference, "--plain-http", "--registry-timeout", "2s", "-d", "pulled"]);
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

/// With the fault for ever: exit code `code` and `says` in the error. Then healed: the next call works.
#[track_caller]
fn check(part: &'static str, fault: Fault, code: i32, says: &str) {
    let sandbox = Sandbox::new();
    let layout = layout(&sandbox);
    let registry = FaultyRegistry::start(&layout);
    registry.fail(part, fault.clone(), u32::MAX);
    let failed = pull(&sandbox, &registry, &[]);
    assert_eq!(failed.code, Some(code), "{part} {fault:?}: {}", failed.stderr);
    assert!(failed.stderr.contains(says), "{part} {fault:?}: expected `{says}` in {}", failed.stderr);
    check_store(&sandbox, &layout);
    registry.heal();
    let healed = pull(&sandbox, &registry, &[]);
    assert_eq!(healed.code, Some(0), "after {part} {fault:?}: {}", healed.stderr);
    check_store(&sandbox, &layout);
}

/// With the fault twice: success.
#[track_caller]
fn check_retried(part: &'static str, fault: Fault) {
    let sandbox = Sandbox::new();
    let layout = layout(&sandbox);
    let registry = FaultyRegistry::start(&layout);
    registry.fail(part, fault.clone(), 2);
    let finished = pull(&sandbox, &registry, &[]);
    assert_eq!(finished.code, Some(0), "{part} {fault:?}: {}", finished.stderr);
    check_store(&sandbox, &layout);
}

#[test]
fn broken_transfers_are_tried_again() {
    for part in ["manifests", "blobs/0", "blobs/1"] {
        check_retried(part, Fault::Cut);
        check_retried(part, Fault::Status(503));
    }
    check_retried("blobs/0", Fault::Half);
    check_retried("blobs/0", Fault::Changed);
    check_retried("manifests", Fault::Status(429));
}

#[test]
fn a_broken_transfer_goes_on_where_it_broke() {
    let sandbox = Sandbox::new();
    let layout = layout(&sandbox);
    let registry = FaultyRegistry::start(&layout);
    registry.fail("blobs/0", Fault::Cut, 1);
    assert_eq!(pull(&sandbox, &registry, &[]).code, Some(0));
    check_store(&sandbox, &layout);
}

#[test]
fn transfers_that_stay_broken_are_network_errors() {
    check("manifests", Fault::Cut, 5, "tried 5 times");
    check("blobs/0", Fault::Half, 5, "bytes of");
    check("blobs/0", Fault::Status(500), 5, "500");
}

#[test]
fn answers_that_are_refused_at_once() {
    check("manifests", Fault::Status(401), 5, "log in with");
    check("manifests", Fault::Status(403), 5, "403");
    check("blobs/0", Fault::Status(404), 5, "404");
    check("manifests", Fault::Typed("text/html"), 5, "text/html");
    check("manifests", Fault::Announced(100 << 20), 5, "more than the");
    check("blobs/0", Fault::Announced(100 << 20), 5, "more than the");
    check("manifests", Fault::Endless, 5, "more than the");
    check("blobs/0", Fault::Endless, 5, "more than the");
    check("manifests", Fault::Redirect("http://10.255.255.1".to_owned()), 5, "private network");
    check("blobs/0", Fault::Redirect("http://169.254.169.254".to_owned()), 5, "private network");
}

#[test]
fn content_that_was_changed_is_a_matter_of_trust() {
    check("blobs/0", Fault::Changed, 3, "was changed");
    check("blobs/1", Fault::Changed, 3, "was changed");
    check("manifests", Fault::Changed, 3, "was changed");
    let index = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    check("manifests", Fault::Body(index.to_owned()), 3, "was changed");
}

#[test]
fn a_slow_answer_is_given_up() {
    check("manifests", Fault::Slow, 5, "too slowly");
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
    registry.fail("blobs/0", Fault::Redirect(format!("http://{}", other.address())), u32::MAX);
    let finished = pull(&sandbox, &registry, &config);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(
        registry.seen().iter().any(|(_, authorization)| authorization.is_some()),
        "the registry asks for a password"
    );
    assert!(
        !other.seen().is_empty() && other.seen().iter().all(|(_, authorization)| authorization.is_none()),
        "{:?}",
        other.seen()
    );
    assert!(!finished.stderr.contains("hunter2") && !String::from_utf8_lossy(&finished.stdout).contains("hunter2"));
}

#[test]
fn twenty_processes_pull_one_cold_reference() {
    let sandbox = Sandbox::new();
    let layout = layout(&sandbox);
    let registry = FaultyRegistry::start(&layout);
    let reference = format!("oci://{}/plugins/label-injector:0.1.0", registry.address());
    let keyring = workspace::root().join("tests/keys/public.gpg");
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let mut command = sandbox.windlass([
                    "run",
                    &reference,
                    "--plain-http",
                    "--keyring",
                    keyring.to_str().unwrap(),
                    "--timeout",
                    "2m",
                ]);
                command.env("WINDLASS_CACHE_DIR", sandbox.path().join("cache"));
                let finished = feed(&mut command, b"kind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\n").unwrap();
                assert_eq!(finished.code, Some(0), "{}", finished.stderr);
            });
        }
    });
    check_store(&sandbox, &layout);
    let count = std::fs::read_dir(sandbox.path().join("cache/oci")).unwrap().count();
    assert_eq!(count, 3, "the manifest, the archive and the signature, each once");
}
