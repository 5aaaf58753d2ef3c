//! The demo's second half: plugins travel. Without anything but Rust, through an OCI layout in a folder; with Helm 4
//! and a real registry at hand, next to a chart, into Helm's own plugins, verified on every step.

use crate::command::{self, During, Failure, Result};
use crate::helm::{self, Helm, Version};
use crate::publish::{self, Options};
use crate::registry::Registry;
use crate::{peers, say, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The plugin that travels.
const PLUGIN: &str = "label-injector";

fn key(name: &str) -> String {
    workspace::root().join("tests/keys").join(name).display().to_string()
}

/// Signs a plugin into a layout, verifies it there, and runs it from there on a stream.
///
/// # Errors
/// One of the steps fails.
pub(super) fn through_a_folder(folder: &Path, stream: &Path) -> Result<()> {
    let layout = format!("oci-layout:{}", folder.join("layout").display());
    say::step("the plugin travels in a folder: signed, verified, run");
    let plugin = workspace::built_plugin(PLUGIN).display().to_string();
    windlass(&["push", &plugin, &layout, "--sign", &key("secret.gpg")])?;
    windlass(&["verify", &layout, "--keyring", &key("public.gpg")])?;
    let stream = stream.display().to_string();
    let arguments = ["run", &layout, "--file", &stream, "--set", "labels.team=payments"];
    let rendered = command::output(Command::new(workspace::windlass()).args(arguments))?;
    say::note(&format!("windlass {}", arguments.join(" ")));
    say::note(&format!("{} lines come out", rendered.split(|byte| *byte == b'\n').count()));
    Ok(())
}

/// Pushes a chart with Helm 4, publishes the plugins next to it, finds and runs them through the chart, and lets Helm
/// install one, with verification on.
///
/// # Errors
/// One of the steps fails.
pub(super) fn next_to_a_chart(folder: &Path, chart: &Path, helm: PathBuf, stream: &Path) -> Result<()> {
    let program = peers::DISTRIBUTION.ensure()?;
    let registry = Registry::start(&program, &folder.join("registry"), "", "")?;
    let base = format!("oci://{}", registry.address());
    say::step(&format!("the plugins travel through a registry, CNCF Distribution at {base}"));
    let helm = Helm::new(Version::Four, helm, &folder.join("home"))?;
    let packages = folder.join("packages");
    let to_packages = packages.display().to_string();
    let chart = chart.display().to_string();
    run_helm(&helm, &["package", &chart, "-d", &to_packages])?;
    let archive = only_archive(&packages)?;
    run_helm(&helm, &["push", &archive.display().to_string(), &format!("{base}/charts"), "--plain-http"])?;
    let stem = archive.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (name, version) = stem.rsplit_once('-').ok_or_else(|| Failure::new(format!("`{stem}` is not NAME-VERSION")))?;
    let reference = format!("{base}/charts/{name}:{version}");
    let options = Options {
        registry: format!("{base}/plugins"),
        chart: Some(reference.clone()),
        sign: Some(PathBuf::from(key("secret.gpg"))),
        dry_run: false,
        flags: vec!["--plain-http".to_owned()],
    };
    let rows = publish::publish(&[workspace::built_plugin(PLUGIN)], &folder.join("plugins"), &options)?;
    let plugin = rows.first().and_then(|row| row["reference"].as_str()).unwrap_or_default().to_owned();
    let public = key("public.gpg");
    windlass(&["discover", &reference, "--plain-http"])?;
    let pulled = folder.join("pulled").display().to_string();
    windlass(&["pull", &plugin, "-d", &pulled, "--keyring", &public, "--plain-http"])?;
    let stream = stream.display().to_string();
    let for_chart = ["run", "--for-chart", &reference, "--keyring", &public, "--plain-http", "--file", &stream];
    say::note(&format!("windlass {}", for_chart.join(" ")));
    command::output(Command::new(workspace::windlass()).args(for_chart).args(["--set", "labels.team=payments"]))?;
    let said = run_helm(&helm, &["plugin", "install", &plugin, "--plain-http", "--keyring", &public])?;
    said.lines().for_each(say::note);
    let rendered = run_helm(
        &helm,
        &[
            "template",
            helm::RELEASE,
            &reference,
            "--plain-http",
            "--post-renderer",
            PLUGIN,
            "--post-renderer-args",
            "labels.team=payments",
        ],
    )?;
    let labels = rendered.lines().filter(|line| line.trim() == "team: payments").count();
    if labels == 0 {
        return Err(Failure::new("Helm rendered the chart, but no object has the label"));
    }
    say::note(&format!("Helm rendered the chart from the registry through the plugin: {labels} labels"));
    Ok(())
}

fn windlass(arguments: &[&str]) -> Result<()> {
    say::note(&format!("windlass {}", arguments.join(" ")));
    let said = command::output(Command::new(workspace::windlass()).args(arguments))?;
    String::from_utf8_lossy(&said).lines().for_each(say::note);
    Ok(())
}

/// Helm, with Windlass on its PATH: that is what the installed plugin calls.
fn run_helm(helm: &Helm, arguments: &[&str]) -> Result<String> {
    say::note(&format!("helm {}", arguments.join(" ")));
    let release = workspace::windlass().parent().map(Path::to_owned).unwrap_or_default();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(release).chain(std::env::split_paths(&path))).during("no PATH")?;
    let said = command::output(helm.command().args(arguments).env("PATH", path))?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

fn only_archive(folder: &Path) -> Result<PathBuf> {
    let entries = std::fs::read_dir(folder).during(format_args!("cannot read {}", folder.display()))?;
    let archive = entries
        .filter_map(std::result::Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|e| e == "tgz"));
    archive.ok_or_else(|| Failure::new("Helm packaged nothing"))
}
