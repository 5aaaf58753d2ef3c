//! Others read what we push, and we read what they push: Helm, crane and oras, on two real registries.

use serde_json::Value;
use std::path::{Path, PathBuf};
use windlass_tests::needs;
use windlass_tests::shipping::{PLUGIN, STREAM, Stage, StagedHelm, digest, key, succeed};
use xtask::peers;

const ARCHIVE: &str = "label-injector-0.1.0.tgz";
const ARTIFACT_TYPE: &str = "application/vnd.helm.plugin.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn crane() -> Option<PathBuf> {
    needs::peer(peers::CRANE)
}

fn oras() -> Option<PathBuf> {
    needs::peer(peers::ORAS)
}

/// A chart, a plugin, and the plugin attached to the chart; the references of chart and plugin, and the Helm that
/// pushed.
fn shipped(stage: &Stage) -> Option<(String, String, StagedHelm)> {
    let (chart, helm) = stage.push_chart()?;
    let plugin = stage.push_plugin("plugins")["reference"].as_str()?.to_owned();
    stage.succeed(&["attach", &chart, &plugin], b"");
    Some((chart, plugin, helm))
}

/// The reference as others write it.
fn bare(reference: &str) -> &str {
    reference.trim_start_matches("oci://")
}

fn on_both(check: impl Fn(&Stage)) {
    [Stage::distribution(), Stage::with_referrers()].into_iter().flatten().for_each(|stage| check(&stage));
}

#[test]
fn crane_reads_what_we_push() {
    let Some(crane) = crane() else { return };
    let program = crane.display().to_string();
    on_both(|stage| {
        let Some((chart, plugin, _)) = shipped(stage) else { return };
        let crane = |arguments: &[&str]| succeed(stage, &crane, &[arguments, &["--insecure"]].concat());
        let manifest: Value = serde_json::from_str(&crane(&["manifest", bare(&plugin)])).unwrap();
        assert_eq!(manifest["artifactType"], ARTIFACT_TYPE);
        let pulled = stage.answer(&["pull", &plugin, "-d", "pulled"]);
        assert_eq!(crane(&["digest", bare(&plugin)]).trim(), pulled["digest"]);
        let archive = pulled["archiveDigest"].as_str().unwrap();
        assert_eq!(manifest["layers"][0]["digest"], archive);
        let repository = bare(&plugin).rsplit_once(':').unwrap().0;
        succeed(
            stage,
            Path::new("sh"),
            &["-c", &format!("'{program}' blob {repository}@{archive} --insecure > by-crane")],
        );
        assert_eq!(digest(&std::fs::read(stage.sandbox.path().join("by-crane")).unwrap()), archive);
        // The chart is as it was, and the plugin beside it has no tag that could be taken for a version of the chart.
        let repository = bare(&chart).rsplit_once(':').unwrap().0;
        let tags = crane(&["ls", repository]);
        assert!(tags.lines().all(|tag| tag == "1.2.3" || tag.starts_with("sha256-")), "{tags}");
    });
}

#[test]
fn we_read_what_crane_copies() {
    let Some(crane) = crane() else { return };
    on_both(|stage| {
        let Some((_, plugin, _)) = shipped(stage) else { return };
        let copy = stage.oci(&format!("copies/{PLUGIN}:0.1.0"));
        succeed(stage, &crane, &["copy", bare(&plugin), bare(&copy), "--insecure"]);
        stage.succeed(&["run", &copy, "--keyring", &key("public.gpg"), "--no-cache"], STREAM);
    });
}

/// A valid signature does not make a plugin the one that was asked for: another of the same signer, or an old version,
/// under a name that is not its own is refused.
#[test]
fn another_plugin_under_the_name_is_refused() {
    let (Some(crane), Some(stage)) = (crane(), Stage::distribution()) else { return };
    let plugin = stage.push_plugin("plugins")["reference"].as_str().unwrap().to_owned();
    for name in ["plugins/label-injector:0.2.0", "plugins/patcher:0.1.0"] {
        let wrong = stage.oci(name);
        succeed(&stage, &crane, &["copy", bare(&plugin), bare(&wrong), "--insecure"]);
        for command in ["run", "pull", "install", "verify"] {
            let keyring = key("public.gpg");
            let says = "but it is label-injector-0.1.0.tgz";
            stage.refuse(&[command, &wrong, "--keyring", &keyring], STREAM, 3, says);
        }
        // Who names the digest means just that.
        let digest = stage.answer(&["pull", &plugin, "-d", "pulled"])["digest"].as_str().unwrap().to_owned();
        stage.succeed(&["run", &format!("{wrong}@{digest}")], STREAM);
    }
}

#[test]
fn oras_reads_what_we_push() {
    let Some(oras) = oras() else { return };
    on_both(|stage| {
        let Some((chart, plugin, _)) = shipped(stage) else { return };
        let oras = |arguments: &[&str]| succeed(stage, &oras, &[arguments, &["--plain-http"]].concat());
        oras(&["pull", bare(&plugin), "--output", "by-oras"]);
        let pulled = stage.answer(&["pull", &plugin, "-d", "pulled"]);
        let by_oras = std::fs::read(stage.sandbox.path().join("by-oras").join(ARCHIVE)).unwrap();
        assert_eq!(digest(&by_oras), pulled["archiveDigest"]);
        assert!(stage.sandbox.path().join("by-oras").join(format!("{ARCHIVE}.prov")).is_file());
        // What is attached is found by a program that knows nothing of plugins.
        let tree: Value = serde_json::from_str(&oras(&["discover", bare(&chart), "--format", "json"])).unwrap();
        let referrers = tree["referrers"].as_array().or_else(|| tree["manifests"].as_array()).unwrap();
        assert_eq!(referrers.len(), 1, "{tree}");
        assert_eq!(referrers[0]["digest"], stage.answer(&["discover", &chart])["plugins"][0]["digest"]);
    });
}

#[test]
fn we_read_what_oras_pushes() {
    let Some(oras) = oras() else { return };
    on_both(|stage| {
        let oras = |arguments: &[&str]| succeed(stage, &oras, &[arguments, &["--plain-http"]].concat());
        let plugin = needs::plugin(PLUGIN).display().to_string();
        stage.sandbox.succeed(["package", &plugin, "--sign", &key("secret.gpg")], b"");
        let provenance = format!("{ARCHIVE}.prov");
        let files = [format!("{ARCHIVE}:{LAYER}"), format!("{provenance}:{LAYER}")];
        let reference = stage.oci(&format!("by-oras/{PLUGIN}:0.1.0"));
        oras(&["push", bare(&reference), "--artifact-type", ARTIFACT_TYPE, &files[0], &files[1]]);
        stage.succeed(&["run", &reference, "--keyring", &key("public.gpg"), "--no-cache"], STREAM);
        // Attached to a chart by it, found by us.
        let Some((chart, _)) = stage.push_chart() else { return };
        oras(&["attach", bare(&chart), "--artifact-type", ARTIFACT_TYPE, &files[0], &files[1]]);
        let found = stage.answer(&["discover", &chart]);
        assert_eq!((&found["plugins"][0]["name"], &found["plugins"][0]["signed"]), (&PLUGIN.into(), &true.into()));
        stage.succeed(&["run", "--for-chart", &chart, "--keyring", &key("public.gpg"), "--no-cache"], STREAM);
    });
}

/// A layout is a layout: oras reads ours, we read oras's, the signature included.
#[test]
fn layouts_are_read_both_ways() {
    let (Some(oras), Some(stage)) = (oras(), Stage::distribution()) else { return };
    let Some((chart, plugin, _)) = shipped(&stage) else { return };
    let folder = |name: &str| stage.sandbox.path().join(name).display().to_string();
    stage.succeed(&["pull", &chart, "--to-layout", &folder("ours")], b"");
    succeed(
        &stage,
        &oras,
        &[
            "copy",
            "--recursive",
            "--from-oci-layout",
            &format!("{}:1.2.3", folder("ours")),
            "--to-plain-http",
            bare(&stage.oci("by-oras/app:1.2.3")),
        ],
    );
    let copied = stage.answer(&["discover", &stage.oci("by-oras/app:1.2.3")]);
    assert_eq!(
        copied["plugins"],
        stage.answer(&["discover", &chart])["plugins"].as_array().map_or(Value::Null, |plugins| {
            plugins.iter().map(|plugin| with_repository(plugin, "charts/app", "by-oras/app")).collect()
        })
    );
    succeed(
        &stage,
        &oras,
        &["copy", "--from-plain-http", bare(&plugin), "--to-oci-layout", &format!("{}:0.1.0", folder("theirs"))],
    );
    let theirs = format!("oci-layout:{}:0.1.0", folder("theirs"));
    stage.succeed(&["verify", &theirs, "--keyring", &key("public.gpg")], b"");
    stage.succeed(&["run", &theirs], STREAM);
}

fn with_repository(plugin: &Value, from: &str, to: &str) -> Value {
    let mut plugin = plugin.clone();
    plugin["reference"] = plugin["reference"].as_str().unwrap().replace(from, to).into();
    plugin
}

/// Helm checks a package of ours, we check one of Helm's: the same files, the same signature.
#[test]
fn helm_and_windlass_believe_each_other_s_signatures() {
    let Some(stage) = Stage::distribution() else { return };
    let Some(helm) = stage.helm() else { return };
    let plugin = needs::plugin(PLUGIN).display().to_string();
    let (public, secret) = (key("public.gpg"), key("secret.gpg"));
    stage.sandbox.succeed(["package", &plugin, "--sign", &secret], b"");
    let said = helm.succeed(&["plugin", "verify", ARCHIVE, "--keyring", &public]);
    assert!(said.contains("Plugin Hash Verified"), "{said}");
    let changed = stage.sandbox.path().join(ARCHIVE);
    let mut bytes = std::fs::read(&changed).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&changed, bytes).unwrap();
    assert_ne!(helm.run(&["plugin", "verify", ARCHIVE, "--keyring", &public], b"").code, Some(0));
    std::fs::remove_file(&changed).unwrap();
    std::fs::remove_file(stage.sandbox.path().join(format!("{ARCHIVE}.prov"))).unwrap();

    helm.succeed(&["plugin", "package", &plugin, "--sign", "--key", "Windlass tests", "--keyring", &secret]);
    stage.sandbox.succeed(["verify", &format!("./{ARCHIVE}"), "--keyring", &public], b"");
    stage.sandbox.succeed(["verify", &format!("./{ARCHIVE}"), "--keyring", &key("public.kbx")], b"");
    stage.succeed(&["push", ARCHIVE, &stage.oci("by-helm")], b"");
    stage.succeed(&["run", &stage.oci(&format!("by-helm/{PLUGIN}:0.1.0")), "--keyring", &public, "--no-cache"], STREAM);
}

/// Helm installs from both registries, checks the signature, and renders through what it installed; a chart with
/// plugins attached is the same chart to it.
#[test]
fn helm_installs_and_renders() {
    on_both(|stage| {
        let Some((chart, plugin, helm)) = shipped(stage) else { return };
        let public = key("public.gpg");
        let unknown = stage.sandbox.write("empty.gpg", "");
        let refused =
            helm.run(&["plugin", "install", &plugin, "--plain-http", "--keyring", unknown.to_str().unwrap()], b"");
        assert_ne!(refused.code, Some(0), "Helm asks for a signature that it can check");
        let said = helm.succeed(&["plugin", "install", &plugin, "--plain-http", "--keyring", &public]);
        assert!(said.contains("Plugin Hash Verified"), "{said}");
        let through = ["--post-renderer", PLUGIN, "--post-renderer-args", "labels.team=x"];
        let rendered = helm.succeed(&[&["template", "r", &chart, "--plain-http"][..], &through].concat());
        assert!(rendered.contains("team: x"), "{rendered}");
        assert!(rendered.starts_with("---\n# Source: app/templates/x.yaml"), "{rendered}");
        // Without a version Helm takes the newest one: the chart, not what is attached to it.
        let newest = chart.trim_end_matches(":1.2.3");
        let shown = helm.succeed(&["show", "chart", newest, "--plain-http"]);
        assert!(shown.contains("name: app\n") && shown.contains("version: 1.2.3"), "{shown}");
        std::fs::create_dir_all(stage.sandbox.path().join("by-helm")).unwrap();
        helm.succeed(&[
            "pull",
            newest,
            "--plain-http",
            "--destination",
            stage.sandbox.path().join("by-helm").to_str().unwrap(),
        ]);
        let same = |path: &str| std::fs::read(stage.sandbox.path().join(path)).unwrap();
        assert_eq!(same("by-helm/app-1.2.3.tgz"), same("app-1.2.3.tgz"));
        helm.succeed(&["template", "r", &chart, "--plain-http"]);
    });
}

/// A package for Helm's own engine installs as well. Released Helm versions hand it no stream (helm/helm#31832), which
/// the plugin says, instead of rendering nothing.
#[test]
fn helm_installs_packages_for_its_own_engine() {
    let Some(stage) = Stage::distribution() else { return };
    let Some(helm) = stage.helm() else { return };
    let plugin = needs::plugin(PLUGIN).display().to_string();
    stage.sandbox.succeed(["package", &plugin, "--runtime", "extism", "--sign", &key("secret.gpg")], b"");
    let reference = stage.answer(&["push", ARCHIVE, &stage.oci("extism")])["reference"].as_str().unwrap().to_owned();
    let said = helm.succeed(&["plugin", "install", &reference, "--plain-http", "--keyring", &key("public.gpg")]);
    assert!(said.contains("Plugin Hash Verified"), "{said}");
    let rendered = helm.run(&["template", "r", "app", "--post-renderer", PLUGIN], b"");
    assert_ne!(rendered.code, Some(0));
    assert!(rendered.stderr.contains("31832"), "{}", rendered.stderr);
    stage.succeed(&["run", &reference, "--keyring", &key("public.gpg"), "--set", "labels.team=x"], STREAM);
}
