//! Plugins travel where no network reaches: plugin, signatures, what is attached and the lock file go together in a
//! folder, are run from there without a registry, and go on into another registry.

use serde_json::Value;
use std::path::Path;
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use windlass_tests::shipping::{COSIGN_FORMS, PLUGIN, STREAM, Stage, key};
use xtask::command::{Finished, feed};
use xtask::peers;

const OTHER: &str = "patcher";

/// Two plugins in the registry, and the pipeline of them, that asks for signatures by the keys of the tests: what the
/// pushes answered, and the pipeline's text, which is written into the sandbox with its keys.
fn pushed(stage: &Stage, require: &str) -> (Value, Value, String) {
    let plugins = stage.oci("plugins");
    let first = stage.push_plugin("plugins");
    let other = needs::plugin(OTHER).display().to_string();
    let second = stage.answer(&["push", &other, &plugins, "--sign", &key("secret.gpg")]);
    let pipeline = format!(
        "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: {plugins}/{PLUGIN}:0.1.0\n  config: {{labels: {{team: x}}}}\n\
         - use: {plugins}/{OTHER}:0.1.0\ntrust:\n  registries:\n  - prefix: {plugins}\n    require: {require}\n    keyrings: [keys/public.gpg]\n    cosignKeys: [keys/cosign.pub]\n"
    );
    stage.sandbox.write("windlass.yaml", &pipeline);
    write_keys(&stage.sandbox);
    (first, second, pipeline)
}

fn write_keys(sandbox: &Sandbox) {
    for name in ["public.gpg", "cosign.pub"] {
        sandbox.write(&format!("keys/{name}"), std::fs::read(key(name)).unwrap());
    }
}

/// Another machine: a home of its own, what was carried there, and no network.
struct Island {
    sandbox: Sandbox,
}

impl Island {
    fn new(pipeline: &str, carried: &Path) -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("windlass.yaml", pipeline);
        write_keys(&sandbox);
        copy(carried, &sandbox.path().join("carried"));
        std::fs::copy(carried.join("windlass.lock"), sandbox.path().join("windlass.lock")).unwrap();
        Self { sandbox }
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        let mut command = self.sandbox.windlass(arguments);
        command.env("WINDLASS_CACHE_DIR", self.sandbox.path().join("cache")).env("WINDLASS_OFFLINE", "1");
        feed(&mut command, STREAM).unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

const LOCKED: [&str; 6] = ["run", "--pipeline", "windlass.yaml", "--locked", "--layout", "carried"];

#[test]
fn the_whole_way_over_an_air_gap() {
    let Some(stage) = Stage::distribution() else { return };
    let (first, _, pipeline) = pushed(&stage, "[openpgp]");
    stage.refuse(&["pull", "--pipeline", "windlass.yaml", "--to-layout", "carried"], b"", 3, "there is no lock file");
    stage.succeed(&["lock", "--pipeline", "windlass.yaml"], b"");
    let online = stage.succeed(&["run", "--pipeline", "windlass.yaml", "--locked"], STREAM);
    let pulled = stage.answer(&["pull", "--pipeline", "windlass.yaml", "--to-layout", "carried"]);
    assert_eq!(pulled["plugins"].as_array().unwrap().len(), 2);
    assert_eq!(pulled["plugins"][0]["digest"], first["digest"]);
    let carried = stage.sandbox.path().join("carried");

    let island = Island::new(&pipeline, &carried);
    let offline = island.run(&LOCKED);
    assert_eq!(offline.code, Some(0), "{}", offline.stderr);
    assert_eq!(String::from_utf8_lossy(&offline.stdout), online);
    let without = Island::new(&pipeline, &carried).run(&LOCKED[..4]);
    assert_eq!(without.code, Some(5), "{}", without.stderr);
    assert!(without.stderr.contains("WINDLASS_OFFLINE is set"), "{}", without.stderr);

    // By name, and locked: the layout itself is what the pipeline uses.
    let named = format!("oci-layout:carried:{PLUGIN}-0.1.0");
    let verified = island.run(&["verify", &named, "--keyring", "keys/public.gpg"]);
    assert_eq!(verified.code, Some(0), "{}", verified.stderr);
    let local = format!(
        "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: {named}\n- use: oci-layout:carried:{OTHER}-0.1.0\n"
    );
    island.sandbox.write("local.yaml", local);
    for command in [&["lock", "--pipeline", "local.yaml"][..], &["run", "--pipeline", "local.yaml", "--locked"]] {
        let finished = island.run(command);
        assert_eq!(finished.code, Some(0), "{command:?}: {}", finished.stderr);
    }

    // On into another registry: both plugins under their own names, found there as they were.
    let Some(mirror) = Stage::with_referrers() else { return };
    let target = mirror.oci("mirror");
    mirror.succeed(&["push", "--from-layout", carried.to_str().unwrap(), &target], b"");
    for name in [PLUGIN, OTHER] {
        let reference = mirror.oci(&format!("mirror/{name}:0.1.0"));
        mirror.succeed(&["verify", &reference, "--keyring", &key("public.gpg")], b"");
    }
    let again = mirror.answer(&["push", "--from-layout", carried.to_str().unwrap(), &target]);
    assert!(again["manifests"].as_array().unwrap().iter().all(|manifest| manifest["new"] == false), "{again}");
}

/// Any byte of what was carried that is not the one that was sent is found, and nothing is run.
#[test]
fn a_changed_byte_in_what_was_carried_is_found() {
    let Some(stage) = Stage::distribution() else { return };
    let reference = stage.push_plugin("plugins")["reference"].as_str().unwrap().to_owned();
    let pipeline = format!("apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: {reference}\n");
    stage.sandbox.write("windlass.yaml", &pipeline);
    stage.succeed(&["lock"], b"");
    stage.succeed(&["pull", "--pipeline", "windlass.yaml", "--to-layout", "carried"], b"");
    let carried = stage.sandbox.path().join("carried");
    assert_eq!(Island::new(&pipeline, &carried).run(&LOCKED).code, Some(0));
    let mut files: Vec<_> =
        std::fs::read_dir(carried.join("blobs/sha256")).unwrap().map(|e| e.unwrap().path()).collect();
    // The empty config is not looked at when a plugin is run.
    files.retain(|file| std::fs::metadata(file).unwrap().len() > 2);
    assert_eq!(files.len(), 3, "the manifest, the archive, the signature");
    for file in files {
        let island = Island::new(&pipeline, &carried);
        let file = island.sandbox.path().join("carried/blobs/sha256").join(file.file_name().unwrap());
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        let finished = island.run(&LOCKED);
        assert!(
            matches!(finished.code, Some(3 | 5)) && finished.stdout.is_empty(),
            "{:?} {}",
            finished.code,
            finished.stderr
        );
    }
}

/// cosign's signatures travel, too, in every way that they are kept.
#[test]
fn cosign_signatures_travel_along() {
    let (Some(cosign), Some(stage)) = (needs::peer(peers::COSIGN), Stage::distribution()) else { return };
    let (first, second, pipeline) = pushed(&stage, "[openpgp, cosign]");
    stage.refuse(&["lock"], b"", 3, "it has no cosign signature");
    for (pushed, form) in [first, second].iter().zip(COSIGN_FORMS) {
        stage.cosign(&cosign, pushed["pinned"].as_str().unwrap(), form);
    }
    stage.succeed(&["lock"], b"");
    stage.succeed(&["pull", "--pipeline", "windlass.yaml", "--to-layout", "carried"], b"");
    let offline = Island::new(&pipeline, &stage.sandbox.path().join("carried")).run(&LOCKED);
    assert_eq!(offline.code, Some(0), "{}", offline.stderr);
}
