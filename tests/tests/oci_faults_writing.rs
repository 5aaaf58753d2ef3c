//! What can go wrong while something is pushed to a real registry, one fault at a time: a clear error or success after
//! a retry, no version there that is not whole, and the next push works.

use windlass_tests::faulty_registry::{Fault, FaultyRegistry};
use windlass_tests::needs;
use windlass_tests::shipping::{PLUGIN, Stage, each, key};
use windlass_tests::tls::Front;
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

/// Where a registry sends an upload is another server, which may ask for a login as it likes: it gets none of the
/// registry's, and its token server, which is whatever it says, hears nothing of us. In every form that a login has.
#[test]
fn credentials_do_not_follow_an_upload() {
    let Some(stage) = Stage::distribution() else { return };
    let plugin = needs::plugin(PLUGIN).display().to_string();
    // base64 of `ann:hunter2`.
    for login in [r#""auth":"YW5uOmh1bnRlcjI=""#, r#""identitytoken":"hunter2""#, r#""registrytoken":"hunter2""#] {
        let registry = FaultyRegistry::before(stage.registry.address());
        let elsewhere = FaultyRegistry::before(stage.registry.address());
        let config = format!(r#"{{"auths":{{"{}":{{{login}}}}}}}"#, registry.address());
        let config = stage.sandbox.write("config.json", config);
        registry.fail("POST", "/blobs/uploads/", Fault::UploadAt(format!("http://{}", elsewhere.address())), u32::MAX);
        if login.contains("\"auth\"") {
            registry.require("YW5uOmh1bnRlcjI=");
        }
        let token_server = format!("Bearer realm=\"http://{}/token\",service=\"x\"", elsewhere.address());
        let challenges = vec!["Basic realm=\"x\"".to_owned(), token_server];
        elsewhere.fail("PUT", "/v2/upload", Fault::Challenge(challenges), u32::MAX);
        let target = format!("oci://{}/plugins", registry.address());
        let finished = stage.run(&["push", &plugin, &target, "--registry-config", config.to_str().unwrap()], b"");
        assert_eq!(finished.code, Some(5), "{}", finished.stderr);
        assert!(finished.stderr.contains("another server than the registry"), "{}", finished.stderr);
        if login.contains("\"auth\"") {
            assert!(
                registry.seen().iter().any(|seen| seen.authorization.is_some()),
                "the registry asks for a password"
            );
        }
        let seen = elsewhere.seen();
        assert!(
            !seen.is_empty() && seen.iter().all(|seen| seen.authorization.is_none() && !seen.target.contains("token")),
            "{login}: {seen:?}"
        );
    }
}

/// Where the registry has TLS, everything that it names has TLS, at every step of an upload; and the client certificate
/// is for the registry, not for whom it names.
#[test]
fn what_an_encrypted_registry_names_is_encrypted() {
    let Some(stage) = Stage::distribution() else { return };
    let registry = FaultyRegistry::before(stage.registry.address());
    let elsewhere = FaultyRegistry::before(stage.registry.address());
    let (front, other) = (Front::before(registry.address()), Front::before(elsewhere.address()));
    let ca = key("tls/ca.pem");
    let (certificate, secret) = (key("tls/client.pem"), key("tls/client.key"));
    let stage = stage.with_flags(&["--ca-file", &ca, "--cert-file", &certificate, "--key-file", &secret]);
    let plugin = needs::plugin(PLUGIN).display().to_string();
    let push =
        |repository: &str| stage.run(&["push", &plugin, &format!("oci://{}/{repository}", front.address())], b"");
    assert_eq!(push("healthy").code, Some(0), "{}", push("healthy").stderr);

    let plain = || Fault::UploadAt(format!("http://{}", elsewhere.address()));
    let expect_refusal = |what: &str| {
        let finished = push("refused");
        assert_eq!(finished.code, Some(5), "{what}: {}", finished.stderr);
        assert!(finished.stderr.contains("from HTTPS to plain HTTP"), "{what}: {}", finished.stderr);
        assert!(elsewhere.seen().is_empty(), "{what}: {:?}", elsewhere.seen());
    };
    registry.fail("POST", "/blobs/uploads/", plain(), u32::MAX);
    expect_refusal("the beginning of an upload");
    registry.fail("PUT", "/blobs/uploads/", Fault::Status(413), 1);
    registry.also_fail("PATCH", "/blobs/uploads/", plain(), u32::MAX);
    expect_refusal("a piece of an upload");
    registry.fail("PUT", "/blobs/uploads/", Fault::Status(413), 1);
    registry.also_fail("PATCH", "/blobs/uploads/", Fault::CutRequest, 1);
    registry.also_fail("GET", "/blobs/uploads/", plain(), u32::MAX);
    expect_refusal("an upload that goes on");
    let token_server = format!("Bearer realm=\"http://{}/token\"", elsewhere.address());
    registry.fail("HEAD", "/manifests/", Fault::Challenge(vec![token_server]), u32::MAX);
    expect_refusal("a token server");
    registry.fail("HEAD", "/manifests/", Fault::Redirect(format!("http://{}", elsewhere.address())), u32::MAX);
    expect_refusal("a redirect");

    registry.fail("POST", "/blobs/uploads/", Fault::UploadAt(format!("https://{}", other.address())), u32::MAX);
    let token_server = format!("Bearer realm=\"https://{}/token\"", other.address());
    assert_eq!(push("elsewhere").code, Some(5));
    registry.fail("HEAD", "/manifests/", Fault::Challenge(vec![token_server]), u32::MAX);
    assert_eq!(push("elsewhere").code, Some(5));
    assert!(front.certificates_shown().iter().all(|shown| *shown), "the registry sees who we are");
    let shown = other.certificates_shown();
    assert!(shown.len() >= 2 && shown.iter().all(|shown| !shown), "{shown:?}");
    assert!(elsewhere.seen().iter().any(|seen| seen.target.contains("/token")), "{:?}", elsewhere.seen());
}

/// Numbers that a registry says are only numbers: none of them is a fault of ours.
#[test]
fn numbers_of_a_registry_do_no_harm() {
    let Some(stage) = Stage::distribution() else { return };
    let (plugin, _) = large_plugin(&stage);
    let registry = FaultyRegistry::before(stage.registry.address());
    let (most, beyond) = (u64::MAX.to_string(), "99999999999999999999999999".to_owned());
    let range = |last: &str| format!("0-{last}");
    let mut cases = Vec::new();
    for number in [most.as_str(), &beyond] {
        cases.extend([
            ("POST", "OCI-Chunk-Min-Length", number.to_owned()),
            ("PATCH", "Range", range(number)),
            ("GET", "Range", range(number)),
            ("PATCH", "Retry-After", number.to_owned()),
        ]);
    }
    for (number, (method, header, value)) in cases.into_iter().enumerate() {
        // In pieces; the first one breaks, so that the registry is asked how far it is.
        registry.fail("PATCH", "/blobs/uploads/", Fault::CutRequest, 1);
        registry.also_fail(method, "/blobs/uploads/", Fault::Says(header, value.clone()), u32::MAX);
        let finished = push(&stage, &registry, &format!("numbers-{number}"), &plugin);
        assert!(matches!(finished.code, Some(0 | 5)), "{header}: {value}: {:?} {}", finished.code, finished.stderr);
        registry.heal();
        let healed = push(&stage, &registry, &format!("numbers-{number}"), &plugin);
        assert_eq!(healed.code, Some(0), "after {header}: {value}: {}", healed.stderr);
        check_registry(&stage, &format!("numbers-{number}"), header);
    }
}

/// A plugin whose archive goes in pieces, and the bytes in it that do not compress.
fn large_plugin(stage: &Stage) -> (String, usize) {
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
    (folder.display().to_string(), noise.len())
}

/// Large blobs go in pieces; a piece that broke is gone on with from where it broke; what is there is not sent again.
#[test]
fn large_uploads_go_in_pieces_that_resume() {
    let Some(stage) = Stage::distribution() else { return };
    let registry = FaultyRegistry::before(stage.registry.address());
    let (plugin, noise) = large_plugin(&stage);
    registry.fail("PATCH", "/blobs/uploads/", Fault::CutRequest, 1);
    let finished = push(&stage, &registry, "large", &plugin);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    check_registry(&stage, "large", "a large plugin");
    let pieces: Vec<usize> = registry.seen().iter().filter(|s| s.method == "PATCH").map(|s| s.sent).collect();
    let sent: usize = pieces.iter().sum();
    assert!(pieces.len() >= 5 && pieces.iter().all(|piece| *piece <= 4 << 20), "{pieces:?}");
    assert!(sent < noise + (9 << 20), "the upload begins anew instead of going on: {pieces:?}");

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
