//! Signatures that cosign makes with a key, in every form that it writes, on registries with and without the referrers
//! API.

use std::path::PathBuf;
use windlass_tests::needs;
use windlass_tests::shipping::{COSIGN_FORMS, STREAM, Stage, digest, key, succeed};
use xtask::peers;

fn cosign() -> Option<PathBuf> {
    needs::peer(peers::COSIGN)
}

/// Another public key than the one of the tests.
const OTHER_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENptdY/l3nB0yqkXLBWkZWQwo6+cu\nOSWS1X9vPavpiQOoTTGC0xX57OojUadxF1cdQmrsiReWg2Wn4FneJfa8xw==\n-----END PUBLIC KEY-----\n";

#[test]
fn every_form_of_signature_is_believed_and_only_by_its_key() {
    let Some(cosign) = cosign() else { return };
    for stage in [Stage::distribution(), Stage::with_referrers()].into_iter().flatten() {
        let other = stage.sandbox.write("other.pub", OTHER_KEY).display().to_string();
        let public = key("cosign.pub");
        for (number, form) in COSIGN_FORMS.iter().enumerate() {
            // The store keeps signatures by digest, and two packages of one second are the same.
            let _ = std::fs::remove_dir_all(stage.sandbox.path().join("cache/oci"));
            let pushed = stage.push_plugin(&format!("form-{number}"));
            let (reference, pinned) = (pushed["reference"].as_str().unwrap(), pushed["pinned"].as_str().unwrap());
            stage.refuse(&["verify", reference, "--cosign-key", &public], b"", 3, "it has no cosign signature");
            stage.cosign(&cosign, pinned, form);
            let verified = stage.answer(&["verify", reference, "--cosign-key", &public]);
            assert!(verified["trusted"][0].as_str().unwrap().starts_with("signed with the cosign key"), "{verified}");
            stage.succeed(&["run", reference, "--cosign-key", &public, "--no-cache"], STREAM);
            stage.refuse(&["run", reference, "--cosign-key", &other], STREAM, 3, "was not made with this key");
        }
    }
}

/// A policy that asks for cosign alone, or for both kinds of signatures, is not satisfied by less.
#[test]
fn policies_ask_for_cosign() {
    let (Some(cosign), Some(stage)) = (cosign(), Stage::distribution()) else { return };
    let pushed = stage.push_plugin("plugins");
    let (reference, pinned) = (pushed["reference"].as_str().unwrap(), pushed["pinned"].as_str().unwrap());
    let policy = |require: &str| {
        let text = format!(
            "apiVersion: windlass.dev/v1alpha1\nkind: TrustPolicy\ntrust:\n  registries:\n  - prefix: {}\n    require: {require}\n    keyrings: [{}]\n    cosignKeys: [{}]\n",
            stage.oci("plugins"),
            key("public.kbx"),
            key("cosign.pub")
        );
        stage.sandbox.write("home/.config/windlass/policy.yaml", text);
    };
    policy("[openpgp, cosign]");
    stage.refuse(&["run", pinned], STREAM, 3, "it has no cosign signature");
    policy("[openpgp]");
    stage.succeed(&["run", reference], STREAM);
    stage.cosign(&cosign, pinned, COSIGN_FORMS[0]);
    for require in ["cosign", "[openpgp, cosign]"] {
        policy(require);
        stage.succeed(&["run", reference], STREAM);
    }
    policy("[cosign, digest]");
    stage.refuse(&["run", reference], STREAM, 3, "not pinned by a digest");
    stage.succeed(&["run", pinned], STREAM);
}

/// A signature vouches for one manifest: beside another one, or with a byte changed, it is worth nothing.
#[test]
fn a_signature_that_was_moved_or_changed_is_refused() {
    let (Some(cosign), Some(crane), Some(stage)) = (cosign(), needs::peer(peers::CRANE), Stage::distribution()) else {
        return;
    };
    let public = key("cosign.pub");
    let signed = stage.push_plugin("signed");
    stage.cosign(&cosign, signed["pinned"].as_str().unwrap(), COSIGN_FORMS[1]);
    // The same plugin once more: its OpenPGP signature is of another second, so its manifest is another.
    let other = stage.oci("other");
    let plugin = needs::plugin("sidecar-injector").display().to_string();
    let other = stage.answer(&["push", &plugin, &other]);
    let tag = |pushed: &serde_json::Value| {
        let (name, digest) = pushed["pinned"].as_str().unwrap().trim_start_matches("oci://").split_once('@').unwrap();
        format!("{}:{}.sig", name.rsplit_once(':').unwrap().0, digest.replace(':', "-"))
    };
    succeed(&stage, &crane, &["copy", &tag(&signed), &tag(&other), "--insecure"]);
    let reference = other["reference"].as_str().unwrap();
    stage.refuse(&["run", reference, "--cosign-key", &public], STREAM, 3, "it signs another manifest");

    // In a layout everything can be changed so that all digests fit again.
    let layout = stage.sandbox.path().join("layout");
    stage.succeed(&["pull", signed["reference"].as_str().unwrap(), "--to-layout", "layout"], b"");
    let carried = format!("oci-layout:{}", layout.display());
    stage.succeed(&["verify", &carried, "--cosign-key", &public], b"");
    let index = std::fs::read_to_string(layout.join("index.json")).unwrap();
    let entries: serde_json::Value = serde_json::from_str(&index).unwrap();
    let entry = entries["manifests"].as_array().unwrap().iter().find(|entry| {
        entry["annotations"]["org.opencontainers.image.ref.name"].as_str().is_some_and(|name| name.ends_with(".sig"))
    });
    let old = entry.unwrap()["digest"].as_str().unwrap();
    let manifest = std::fs::read_to_string(layout.join("blobs/sha256").join(&old[7..])).unwrap();
    let at = manifest.find("dev.cosignproject.cosign/signature\":\"").unwrap() + 50;
    let mut changed = manifest.into_bytes();
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let new = digest(&changed);
    std::fs::write(layout.join("blobs/sha256").join(&new[7..]), changed).unwrap();
    std::fs::write(layout.join("index.json"), index.replace(old, &new)).unwrap();
    stage.refuse(&["verify", &carried, "--cosign-key", &public], b"", 3, "is not trusted");
}
