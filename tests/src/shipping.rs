//! What the tests around registries share: a registry with a Windlass that speaks to it, the keys of the tests, a
//! chart.

use crate::needs;
use crate::sandbox::Sandbox;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use xtask::command::{Finished, feed};
use xtask::helm::{Helm, Version};
use xtask::registry::Registry;
use xtask::{peers, workspace};

/// The stream that plugins are run on.
pub const STREAM: &[u8] = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n";
/// The plugin that travels.
pub const PLUGIN: &str = "label-injector";
/// The only user of the registries that ask for a password.
pub const USER: &str = "ann";
/// Her password.
pub const PASSWORD: &str = "hunter2";

/// The forms of cosign's signatures: a bundle as a referrer, a simple signing payload in a tag, and one as a referrer.
pub const COSIGN_FORMS: [&str; 3] = ["bundle", "tag", "referrer"];

/// A file in `tests/keys`.
#[must_use]
pub fn key(name: &str) -> String {
    workspace::root().join("tests/keys").join(name).display().to_string()
}

/// A registry, and a home in which Windlass speaks to it.
pub struct Stage {
    /// The home.
    pub sandbox: Sandbox,
    /// The registry.
    pub registry: Registry,
    /// How Windlass reaches it.
    pub flags: Vec<String>,
}

impl Stage {
    /// CNCF Distribution over plain HTTP; `None` when the test should end, as it is not there.
    #[must_use]
    pub fn distribution() -> Option<Self> {
        Self::distribution_with(|_| String::new(), "").map(|stage| stage.with_flags(&["--plain-http"]))
    }

    /// CNCF Distribution with further settings, made from the folder of the sandbox, and further keys of `http`, see
    /// [`Registry::start`].
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn distribution_with(settings: impl FnOnce(&Path) -> String, http: &str) -> Option<Self> {
        let program = needs::peer(peers::DISTRIBUTION)?;
        let sandbox = Sandbox::new();
        let settings = settings(sandbox.path());
        let registry =
            Registry::start(&program, &sandbox.path().join("registry"), &settings, http).expect("a registry");
        Some(Self { sandbox, registry, flags: Vec::new() })
    }

    /// A registry with the referrers API over plain HTTP; `None` when the test should end, as it is not there.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn with_referrers() -> Option<Self> {
        let program = needs::peer(peers::REGISTRY)?;
        let registry = Registry::start_printing(&program).expect("a registry");
        let stage = Self { sandbox: Sandbox::new(), registry, flags: Vec::new() };
        Some(stage.with_flags(&["--plain-http"]))
    }

    /// Has every Windlass get these flags.
    #[must_use]
    pub fn with_flags(mut self, flags: &[&str]) -> Self {
        self.flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        self
    }

    /// Windlass with the flags, and with a store of its own.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.windlass(arguments);
        command.args(&self.flags).env("WINDLASS_CACHE_DIR", self.sandbox.path().join("cache"));
        command
    }

    /// Runs Windlass; everything it did.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn run(&self, arguments: &[&str], input: &[u8]) -> Finished {
        feed(&mut self.command(arguments), input).expect("windlass starts")
    }

    /// Runs Windlass; its stdout.
    ///
    /// # Panics
    /// It fails.
    #[track_caller]
    pub fn succeed(&self, arguments: &[&str], input: &[u8]) -> String {
        let finished = self.run(arguments, input);
        assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
        String::from_utf8(finished.stdout).expect("text")
    }

    /// Runs Windlass with `--output json`; its answer.
    ///
    /// # Panics
    /// It fails, or gives no JSON.
    #[track_caller]
    pub fn answer(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.succeed(&[arguments, &["-o", "json"]].concat(), b"")).expect("JSON")
    }

    /// Runs Windlass with `--output json`; its answer, which has the shape that docs/json.md shows by an example in
    /// `host/tests/json`.
    ///
    /// # Panics
    /// It fails, or answers in another shape.
    #[track_caller]
    pub fn answer_like(&self, example: &str, arguments: &[&str]) -> Value {
        let path = workspace::root().join("host/tests/json").join(format!("{example}.json"));
        let shown: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("an example")).expect("JSON");
        let answer = self.answer(arguments);
        assert!(has_shape(&answer, &shown), "{example}: {answer} is not of the shape {shown}");
        answer
    }

    /// Runs Windlass, which must fail with this exit code and say this.
    ///
    /// # Panics
    /// It does anything else.
    #[track_caller]
    pub fn refuse(&self, arguments: &[&str], input: &[u8], code: i32, says: &str) {
        let finished = self.run(arguments, input);
        assert_eq!(finished.code, Some(code), "{arguments:?}: {}", finished.stderr);
        assert!(finished.stderr.contains(says), "{arguments:?}: expected `{says}` in {}", finished.stderr);
    }

    /// `oci://ADDRESS/PATH`.
    #[must_use]
    pub fn oci(&self, path: &str) -> String {
        format!("oci://{}/{path}", self.registry.address())
    }

    /// Pushes the plugin, signed, below `path`; what Windlass answers.
    #[track_caller]
    pub fn push_plugin(&self, path: &str) -> Value {
        let plugin = needs::plugin(PLUGIN).display().to_string();
        self.answer(&["push", &plugin, &self.oci(path), "--sign", &key("secret.gpg")])
    }

    /// Has cosign sign what `pinned` (`oci://NAME[:TAG]@DIGEST`) names with the key of the tests, in one of
    /// [`COSIGN_FORMS`], without any of Sigstore's services.
    ///
    /// # Panics
    /// It fails.
    #[track_caller]
    pub fn cosign(&self, program: &Path, pinned: &str, form: &str) {
        // cosign takes no tag beside a digest.
        let (name, digest) = pinned.trim_start_matches("oci://").split_once('@').expect("a digest");
        let (folder, name) = name.rsplit_once('/').expect("a path");
        let by_digest = format!("{folder}/{}@{digest}", name.split(':').next().unwrap_or_default());
        let mut command = Command::new(program);
        command.args([form, &key("cosign.key"), &by_digest]);
        let finished = self.sandbox.finish(command);
        assert_eq!(finished.code, Some(0), "cosign: {}", finished.stderr);
    }

    /// Helm 4, with the chart `app` in its folder, packaged as `app-1.2.3.tgz`. `None` when the test should end, as
    /// there is no Helm.
    #[track_caller]
    #[must_use]
    pub fn helm(&self) -> Option<StagedHelm> {
        let helm = StagedHelm { helm: self.sandbox.helm(Version::Four)?, folder: self.sandbox.path().to_owned() };
        self.sandbox.write("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.2.3\n");
        self.sandbox.write("app/templates/x.yaml", STREAM);
        helm.succeed(&["package", "app"]);
        Some(helm)
    }

    /// Pushes the chart with Helm; its reference, and the Helm. `None` when the test should end, as there is none.
    #[track_caller]
    #[must_use]
    pub fn push_chart(&self) -> Option<(String, StagedHelm)> {
        let helm = self.helm()?;
        helm.succeed(&["push", "app-1.2.3.tgz", &self.oci("charts"), "--plain-http"]);
        Some((self.oci("charts/app:1.2.3"), helm))
    }
}

/// Whether a value has the members and types of an example. `null` stands for any type, an empty list for any list.
fn has_shape(value: &Value, example: &Value) -> bool {
    match (value, example) {
        (Value::Null, _) | (_, Value::Null) => true,
        (Value::Object(own), Value::Object(shown)) => {
            own.len() == shown.len()
                && own.iter().all(|(key, value)| shown.get(key).is_some_and(|shown| has_shape(value, shown)))
        }
        (Value::Array(own), Value::Array(shown)) => {
            shown.first().is_none_or(|shown| own.iter().all(|value| has_shape(value, shown)))
        }
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_)) => true,
        _ => false,
    }
}

/// A real Helm, in the sandbox of a [`Stage`], with Windlass on its PATH.
pub struct StagedHelm {
    helm: Helm,
    folder: PathBuf,
}

impl StagedHelm {
    /// Runs Helm; everything it did.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn run(&self, arguments: &[&str], input: &[u8]) -> Finished {
        let release = needs::windlass().parent().map(Path::to_owned).unwrap_or_default();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(release).chain(std::env::split_paths(&path))).expect("a PATH");
        let mut command = self.helm.command();
        command.args(arguments).env("PATH", path).current_dir(&self.folder);
        feed(&mut command, input).expect("helm starts")
    }

    /// Runs Helm; its stdout.
    ///
    /// # Panics
    /// It fails.
    #[track_caller]
    pub fn succeed(&self, arguments: &[&str]) -> String {
        let finished = self.run(arguments, b"");
        assert_eq!(finished.code, Some(0), "helm {arguments:?}: {}", finished.stderr);
        String::from_utf8(finished.stdout).expect("text")
    }
}

/// `sha256:` and the digest of `bytes`.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// Runs a program that is not ours in a stage's sandbox; its stdout.
///
/// # Panics
/// It fails.
#[track_caller]
pub fn succeed(stage: &Stage, program: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments);
    let finished = stage.sandbox.finish(command);
    assert_eq!(finished.code, Some(0), "{} {arguments:?}: {}", program.display(), finished.stderr);
    String::from_utf8_lossy(&finished.stdout).into_owned()
}

/// Runs `check` on every case, a dozen at a time: most of them wait.
///
/// # Panics
/// One of them does.
pub fn each<T: Sync>(cases: &[T], check: impl Fn(&T) + Sync) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    check(case);
                }
            });
        }
    });
}
