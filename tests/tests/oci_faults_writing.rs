//! What can go wrong while something is pushed to a real registry, one fault at a time: a clear error or success after a retry,
//! no version there that is not whole, and the next push works.

use windlass_tests::faulty_registry::{Fault, FaultyRegistry};
use windlass_tests::needs;
use windlass_tests::shipping::{PLUGIN, Stage, each, key};
use xtask::command::Finished;

/// What has to become of a push.
#[derive(Clone, Debug)]
enum Outcome {
    /// With the fault for ever: this exit code, and this in the error.
    Fails(i32, &'static str),
    /// With the fault this often: success.
    Recovers(u32),
}
use Outcome::{Fails, Recovers};

/// The exchanges of a push: is the version there, are its blobs, where to send them, the blobs, the manifest.
const LOOK: (&str, &str) = ("HEAD", "/manifests/");
const LOOK_FOR_BLOB: (&str, &str) = ("HEAD", "/blobs/");
const BEGIN: (&str, &str) = ("POST", "/blobs/uploads/");
const SEND: (&str, &str) = ("PUT", "/blobs/uploads/");
const MANIFEST: (&str, &str) = ("PUT", "/manifests/");

fn push(stage: &Stage, registry: &FaultyRegistry, repository: &str, plugin: &str) -> Finished {
    let target = format!("oci://{}/{repository}", registry.address());
    stage.run(&["push", plugin, &target, "--sign", &key("secret.gpg")], b"")
}

/// What is there, asked without a fault between: nothing, or something whole.
#[track_caller]
fn check_registry(stage: &Stage, repository: &str, what: &str) {
    let reference = stage.oci(&format!("{repository}/{PLUGIN}:0.1.0"));
    let verified = stage.run(&["verify", &reference, "--keyring", &key("public.gpg")], b"");
    let is_absent = verified.code == Some(5) && verified.stderr.contains("has no");
    assert!(is_absent || verified.code == Some(0), "{what}: {}", verified.stderr);
}

#[test]
fn a_push_meets_every_fault() {
    let Some(stage) = Stage::distribution() else { return };
    let elsewhere = FaultyRegistry::before(stage.registry.address());
    let mut cases = Vec::new();
    for part in [LOOK, LOOK_FOR_BLOB, BEGIN, SEND, MANIFEST] {
        cases.extend([
            (part, Fault::Status(429), Recovers(2)),
            (part, Fault::Status(500), Recovers(2)),
            (part, Fault::Status(503), Recovers(2)),
            // The registry did it, and we never heard.
            (part, Fault::NoAnswer, Recovers(2)),
            (part, Fault::NoAnswer, Fails(5, "tried 5 times")),
            (part, Fault::Status(429), Fails(5, "429")),
            (part, Fault::Status(503), Fails(5, "503")),
            (part, Fault::Status(401), Fails(5, "log in with")),
            (part, Fault::Status(403), Fails(5, "403")),
            (part, Fault::Redirect("http://10.255.255.1".to_owned()), Fails(5, "")),
        ]);
    }
    for part in [SEND, MANIFEST] {
        cases.extend([
            (part, Fault::CutRequest, Recovers(2)),
            (part, Fault::CutRequest, Fails(5, "tried 5 times")),
            (part, Fault::Status(404), Fails(5, "404")),
        ]);
    }
    cases.extend([
        (MANIFEST, Fault::Status(413), Fails(5, "413")),
        (SEND, Fault::Status(413), Fails(5, "too large")),
        // A registry forgets uploads when it restarts, and some take large ones only in pieces.
        (SEND, Fault::Status(404), Recovers(1)),
        (SEND, Fault::Status(413), Recovers(1)),
        (BEGIN, Fault::UploadAt("http://10.255.255.1".to_owned()), Fails(5, "private network")),
        (BEGIN, Fault::UploadAt("http://169.254.169.254".to_owned()), Fails(5, "private network")),
        (BEGIN, Fault::UploadAt(format!("http://{}", elsewhere.address())), Fails(5, "")),
        (MANIFEST, Fault::OtherDigest, Fails(3, "was changed")),
    ]);
    let numbered: Vec<_> = cases.into_iter().enumerate().collect();
    let plugin = needs::plugin(PLUGIN).display().to_string();
    each(&numbered, |(number, ((method, path), fault, expected))| {
        let what = format!("{fault:?} in {method} {path}");
        let repository = format!("case-{number}");
        let registry = FaultyRegistry::before(stage.registry.address());
        let times = if let Recovers(times) = expected { *times } else { u32::MAX };
        registry.fail(method, path, fault.clone(), times);
        let finished = push(&stage, &registry, &repository, &plugin);
        match expected {
            Recovers(_) => {
                assert_eq!(finished.code, Some(0), "{what}: {}", finished.stderr);
                assert_eq!(registry.failures_left(), 0, "{what} did not happen");
            }
            Fails(code, says) => {
                assert_eq!(finished.code, Some(*code), "{what}: {}", finished.stderr);
                assert!(finished.stderr.contains(says), "{what}: expected `{says}` in {}", finished.stderr);
            }
        }
        check_registry(&stage, &repository, &what);
        registry.heal();
        let healed = push(&stage, &registry, &repository, &plugin);
        assert_eq!(healed.code, Some(0), "after {what}: {}", healed.stderr);
        check_registry(&stage, &repository, &what);
    });
}

/// An upload that a registry sends elsewhere gets no credentials of the registry's.
#[test]
fn credentials_do_not_follow_an_upload() {
    let Some(stage) = Stage::distribution() else { return };
    let registry = FaultyRegistry::before(stage.registry.address());
    let elsewhere = FaultyRegistry::before(stage.registry.address());
    // base64 of `ann:hunter2`.
    registry.require("YW5uOmh1bnRlcjI=");
    let config = format!(r#"{{"auths":{{"{}":{{"auth":"YW5uOmh1bnRlcjI="}}}}}}"#, registry.address());
    let config = stage.sandbox.write("config.json", config);
    registry.fail("POST", "/blobs/uploads/", Fault::UploadAt(format!("http://{}", elsewhere.address())), u32::MAX);
    let plugin = needs::plugin(PLUGIN).display().to_string();
    let target = format!("oci://{}/plugins", registry.address());
    let finished = stage.run(&["push", &plugin, &target, "--registry-config", config.to_str().unwrap()], b"");
    assert_eq!(finished.code, Some(5), "{}", finished.stderr);
    assert!(registry.seen().iter().any(|seen| seen.authorization.is_some()), "the registry asks for a password");
    let seen = elsewhere.seen();
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.authorization.is_none()), "{seen:?}");
}

/// Large blobs go in pieces; a piece that broke is gone on with from where it broke; what is there is not sent again.
#[test]
fn large_uploads_go_in_pieces_that_resume() {
    let Some(stage) = Stage::distribution() else { return };
    let registry = FaultyRegistry::before(stage.registry.address());
    let folder = stage.sandbox.path().join("large");
    std::fs::create_dir(&folder).unwrap();
    for file in ["plugin.yaml", "plugin.wasm"] {
        std::fs::copy(needs::plugin(PLUGIN).join(file), folder.join(file)).unwrap();
    }
    // Nothing that compresses: a linear congruence.
    let mut state = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(18 << 20)
    .collect();
    std::fs::write(folder.join("noise"), &noise).unwrap();
    registry.fail("PATCH", "/blobs/uploads/", Fault::CutRequest, 1);
    let plugin = folder.display().to_string();
    let finished = push(&stage, &registry, "large", &plugin);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    check_registry(&stage, "large", "a large plugin");
    let pieces: Vec<usize> = registry.seen().iter().filter(|s| s.method == "PATCH").map(|s| s.sent).collect();
    let sent: usize = pieces.iter().sum();
    assert!(pieces.len() >= 5 && pieces.iter().all(|piece| *piece <= 4 << 20), "{pieces:?}");
    assert!(sent < noise.len() + (9 << 20), "the upload begins anew instead of going on: {pieces:?}");

    let again = push(&stage, &registry, "large", &plugin);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    let pieces_again = registry.seen().iter().filter(|seen| seen.method == "PATCH").count();
    assert_eq!(pieces_again, pieces.len(), "what is there is not sent again");
}

/// What the registry has in another repository is not sent, but taken over from there.
#[test]
fn blobs_are_taken_over_from_another_repository() {
    let Some(stage) = Stage::distribution() else { return };
    let Some((_, _)) = stage.push_chart() else { return };
    let registry = FaultyRegistry::before(stage.registry.address());
    let plugin = needs::plugin(PLUGIN).display().to_string();
    let pushed = push(&stage, &registry, "plugins", &plugin);
    assert_eq!(pushed.code, Some(0), "{}", pushed.stderr);
    let sent = |since: usize| -> usize {
        let seen = registry.seen();
        seen[since..].iter().filter(|seen| seen.target.contains("/blobs/uploads/")).map(|seen| seen.sent).sum()
    };
    let size = std::fs::metadata(needs::plugin(PLUGIN).join("plugin.wasm")).unwrap().len() as usize;
    assert!(sent(0) > size / 4);
    let since = registry.seen().len();
    let oci = |path: &str| format!("oci://{}/{path}", registry.address());
    stage.succeed(&["attach", &oci("charts/app:1.2.3"), &oci(&format!("plugins/{PLUGIN}:0.1.0"))], b"");
    assert_eq!(sent(since), 0, "{:?}", registry.seen());
    stage.succeed(
        &[
            "pull",
            stage.answer(&["discover", &oci("charts/app:1.2.3")])["plugins"][0]["reference"].as_str().unwrap(),
            "-d",
            "pulled",
        ],
        b"",
    );
}
