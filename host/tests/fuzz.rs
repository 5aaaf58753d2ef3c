//! Mutated files of every format that the host reads: each is read, or refused with an error that is the file's fault,
//! and what is read holds together. Never a panic, never a "bug in Windlass".
//!
//! A fixed number of rounds, always the same inputs but for the time in a signature. `WINDLASS_FUZZ_SECONDS` goes on
//! for as long with others each time (`cargo xtask fuzz host SECONDS`); a finding names the seed that repeats it and
//! becomes a file in `fuzz/seeds`.

#![allow(clippy::disallowed_methods, reason = "tests read what they wrote")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use windlass::config::pipeline::Pipeline;
use windlass::digest::Digest;
use windlass::error::{Error, ExitCode};
use windlass::helm::archive::{ArchiveLimits, ArchivedFile, PluginArchive};
use windlass::helm::plugin_yaml;
use windlass::inspect::inspect;
use windlass::oci::artifact::Manifest;
use windlass::oci::layout::Layout;
use windlass::plugin::lock::Lock;
use windlass::render;
use windlass::source::PluginRef;
use windlass::trust::cosign::{CosignKey, CosignSignature};
use windlass::trust::openpgp::{Keyring, SecretKey};
use windlass::trust::provenance;
use windlass_abi::metadata::Metadata;
use windlass_abi::set::{self, Typing};
use windlass_abi::{config, message};

use windlass_testing::mutation::{Random, mutate, mutate_bytes};

/// Rounds of each test when nothing else is said.
const ROUNDS: u64 = 1500;

/// The files in `fuzz/seeds/NAME`, and others of the repository.
fn seeds(name: &str, others: &[&str]) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files: Vec<PathBuf> = match std::fs::read_dir(root.join("fuzz/seeds").join(name)) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
        Err(_) => Vec::new(),
    };
    files.extend(others.iter().map(|other| root.join(other)));
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))).collect()
}

/// Gives `check` the seeds as they are, then mutated: as text where they are text, half of the time.
fn search(seeds: &[Vec<u8>], check: impl Fn(&[u8], &mut Random)) {
    assert!(!seeds.is_empty(), "the seeds are not where they were");
    let variable = |name: &str| -> Option<u64> { std::env::var(name).ok()?.parse().ok() };
    let until = variable("WINDLASS_FUZZ_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let base = variable("WINDLASS_FUZZ_SEED").unwrap_or_else(|| match until {
        Some(_) => std::time::UNIX_EPOCH.elapsed().unwrap().as_secs(),
        None => 1,
    });
    let mut round: u64 = 0;
    while until.map_or(round < ROUNDS, |until| Instant::now() < until) {
        let mut random = Random::new(base.wrapping_add(round).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let (seed, other) = (&seeds[random.below(seeds.len())], &seeds[random.below(seeds.len())]);
        let input = match (seeds.get(usize::try_from(round).unwrap()), std::str::from_utf8(seed)) {
            (Some(seed), _) => seed.clone(),
            (None, Ok(seed)) if random.below(2) == 0 => {
                mutate(seed, &String::from_utf8_lossy(other), &mut random).into_bytes()
            }
            _ => mutate_bytes(seed, other, &mut random),
        };
        if catch_unwind(AssertUnwindSafe(|| check(&input, &mut random))).is_err() {
            panic!("WINDLASS_FUZZ_SEED={base}, round {round}, input:\n{:?}", String::from_utf8_lossy(&input));
        }
        round += 1;
    }
}

/// An error is the file's fault, and says what is wrong in a few words.
#[track_caller]
fn fair<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(read) => Some(read),
        Err(error) => {
            assert_ne!(error.exit_code(), ExitCode::Bug, "{error}");
            assert!(error.to_string().len() < 4000, "{error}");
            None
        }
    }
}

/// Text as a reader of text gets it; none for what a file reader refuses before.
fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}

/// Reads `input` as a file of this name in a folder of its own.
fn as_file<T>(folder: &Path, name: &str, input: &[u8], read: impl Fn(&Path) -> T) -> T {
    let file = folder.join(name);
    std::fs::write(&file, input).unwrap();
    read(&file)
}

/// A .tar.gz around bytes that are meant to be a tar.
fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, tar).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn archives() {
    let file = |bytes: &[u8]| ArchivedFile { bytes: bytes.to_vec(), executable: false };
    let files = [
        ("plugin.yaml".to_owned(), file(b"name: x\n")),
        ("plugin.wasm".to_owned(), file(b"\0asm\x01\0\0\0")),
        ("docs/a/long/path/to/some/file/of/documentation.md".to_owned(), file(&[b'x'; 700])),
    ];
    let archive = PluginArchive::from_files("x", files).unwrap().to_bytes().unwrap();
    let mut tar = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(archive.as_slice()), &mut tar).unwrap();
    let limits = ArchiveLimits { unpacked_bytes: 1 << 20, entries: 64, path_bytes: 256 };
    search(&[tar], |input, random| {
        let mut bytes = gzip(input);
        if random.below(8) == 0 {
            bytes = mutate_bytes(&bytes, &archive, random);
        }
        let Some(read) = fair(PluginArchive::read(&bytes, limits)) else { return };
        for (path, content) in read.files() {
            let is_inside = !path.starts_with('/') && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
            assert!(is_inside, "{path}");
            assert!(content.bytes.len() as u64 <= limits.unpacked_bytes);
        }
        // What was read can be written and read again.
        let again = PluginArchive::read(&read.to_bytes().unwrap(), limits).unwrap();
        let contents = |archive: &PluginArchive| -> Vec<(String, Vec<u8>)> {
            archive.files().map(|(path, file)| (path.to_owned(), file.bytes.clone())).collect()
        };
        assert_eq!(contents(&again), contents(&read));
    });
}

#[test]
fn pipelines() {
    let folder = tempfile::tempdir().unwrap();
    search(&seeds("pipeline", &["host/tests/cli/pipeline/files/windlass.yaml"]), |input, _| {
        fair(as_file(folder.path(), "windlass.yaml", input, Pipeline::load));
    });
}

#[test]
fn locks() {
    let folder = tempfile::tempdir().unwrap();
    search(&seeds("lock", &[]), |input, _| {
        let Some(Some(lock)) = fair(as_file(folder.path(), "windlass.lock", input, Lock::load)) else { return };
        let written = lock.text(folder.path());
        let again = as_file(folder.path(), "again.lock", written.as_bytes(), Lock::load).unwrap().unwrap();
        assert_eq!(again.entries(), lock.entries(), "{written}");
    });
}

#[test]
fn plugin_yamls() {
    search(&seeds("plugin-yaml", &["plugins/label-injector/plugin.yaml"]), |input, _| {
        let Some(text) = text(input) else { return };
        if let Ok(yaml) = plugin_yaml::read(text) {
            assert!(plugin_yaml::is_name(&yaml.name), "{}", yaml.name);
        }
    });
}

/// Manifests, indexes and signature bundles, as registries and layouts give them.
#[test]
fn registry_documents() {
    let key = CosignKey::read(
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENptdY/l3nB0yqkXLBWkZWQwo6+cu\nOSWS1X9vPavpiQOoTTGC0xX57OojUadxF1cdQmrsiReWg2Wn4FneJfa8xw==\n-----END PUBLIC KEY-----",
    )
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    search(&seeds("manifest", &[]), |input, random| {
        let digest = Digest::of(input);
        let media_type =
            random.pick(&["application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"]);
        let manifest = Manifest { bytes: input.to_vec(), digest, media_type: media_type.to_owned() };
        fair(manifest.image());
        let layout = as_file(folder.path(), "index.json", input, |_| Layout::at(folder.path()));
        fair(layout.entries());
        fair(layout.find(None));
        fair(layout.root(Some("1.0.0")));
        if let Some(text) = text(input) {
            assert!(CosignSignature::Bundle(text.to_owned()).verify(&key, &digest).is_err());
            let half = text.len() / 2;
            let (payload, signature) = text.split_at((0..=half).rev().find(|at| text.is_char_boundary(*at)).unwrap());
            let simple = CosignSignature::Simple { payload: payload.to_owned(), signature: signature.to_owned() };
            assert!(simple.verify(&key, &digest).is_err());
        }
    });
}

/// `.prov` files with their checksums, rings of keys, and public keys in PEM.
#[test]
fn signatures() {
    let keys = seeds("keys", &["tests/keys/public.gpg", "tests/keys/secret.gpg"]);
    let ring = Keyring::read(&keys[0]).unwrap();
    let yaml =
        plugin_yaml::read("apiVersion: v1\nname: x\nversion: 1.0.0\ntype: postrenderer/v1\nruntime: subprocess\n")
            .unwrap();
    let archive = b"an archive";
    let secret = SecretKey::read(&keys[1], None, || Ok(None)).unwrap();
    let signed = provenance::sign(archive, "x-1.0.0.tgz", &yaml, &secret).unwrap();
    let (_, signer) = ring.verify_clear_signed(&signed).unwrap();
    let pem = b"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENptdY/l3nB0yqkXLBWkZWQwo6+cu\nOSWS1X9vPavpiQOoTTGC0xX57OojUadxF1cdQmrsiReWg2Wn4FneJfa8xw==\n-----END PUBLIC KEY-----".to_vec();
    let (one, other) = (Digest::of(archive), Digest::of(b"another archive"));
    let (name, signed_text) = ("x-1.0.0.tgz", signed.clone());
    search(&[signed.into_bytes(), pem, keys[0].clone()], |input, _| {
        fair(Keyring::read(input));
        let Some(text) = text(input) else { return };
        fair(CosignKey::read(text));
        // Whatever still counts as signed says what was signed, by who signed it.
        if let Some(found) = fair(provenance::verify(text, &one, name, &ring)) {
            assert_eq!(found.fingerprint, signer.fingerprint);
            assert!(text.contains(&one.to_string()) && signed_text.contains(&one.to_string()));
        }
        assert!(fair(provenance::verify(text, &other, name, &ring)).is_none(), "signed for another archive");
    });
}

/// `--set` and `--set-string`, and extra arguments of the same form.
#[test]
fn settings_on_the_command_line() {
    let words: Vec<Vec<u8>> = seeds("set", &[]).concat().split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    search(&words, |input, random| {
        let Some(text) = text(input) else { return };
        let mut config = vec![("a".to_owned(), windlass_manifest::Value::from_yaml("{b: [1, {c: d}]}").unwrap())];
        let typing = random.pick(&[Typing::Helm, Typing::Strings]);
        match set::apply(&mut config, text, typing) {
            Ok(()) => {
                // Every entry is JSON or a string, so a guest can read it.
                assert_eq!(config::to_entries(&config).len(), config.len());
            }
            Err(error) => assert!(error.to_string().len() < 4000, "{error}"),
        }
        let _ = set::apply_extra_args(&mut config, &[text.to_owned()]);
    });
}

/// What a module says about itself, and the messages that it takes and gives.
#[test]
fn metadata_and_messages() {
    let mut inputs = seeds("metadata", &[]);
    inputs.push(message::encode_input("kind: A\nname: \"é\"\n".as_bytes(), &["a=b".to_owned(), "\"".to_owned()]));
    inputs.push(message::encode_output(b"kind: A\n"));
    inputs.push(message::encode_args(&["a".to_owned(), "\u{1F600}".to_owned()]));
    search(&inputs, |input, _| {
        let _ = Metadata::parse(input);
        let _ = message::parse_input(input.to_vec());
        let _ = message::parse_args(input);
        if let Ok(stream) = message::parse_output(input.to_vec()) {
            let again = message::parse_output(message::encode_output(&stream));
            assert_eq!(again.as_ref(), Ok(&stream));
        }
    });
}

/// Modules that are broken, as `inspect` and every run look at them before anything is compiled.
#[test]
fn modules() {
    let folder = tempfile::tempdir().unwrap();
    let guests = ["adds", "says-no", "unchanged"].map(|name| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests").join(name).with_extension("wat");
        wat::parse_file(file).unwrap()
    });
    search(&guests, |input, _| {
        let opened = as_file(folder.path(), "x.wasm", input, |file| render::open(&PluginRef::Path(file.to_owned())));
        if let Some(plugin) = fair(opened) {
            fair(inspect(&plugin));
        }
    });
}

#[test]
fn names_of_plugins() {
    let names = [
        "oci://registry.example:5000/plugins/label-injector:1.2.3@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "oci-layout:./folder:label-injector-1.2.3",
        "./folder/plugin.tgz",
        "label-injector",
    ];
    search(&names.map(|name| name.as_bytes().to_vec()), |input, _| {
        let Some(text) = text(input) else { return };
        let Some(reference) = fair(text.parse::<PluginRef>()) else { return };
        // What is shown can be typed again.
        assert_eq!(fair(reference.to_string().parse::<PluginRef>()).as_ref(), Some(&reference), "{text}");
    });
}
