//! What a user waits for: Helm itself, without a post-renderer, with Windlass, and with a script around kustomize. And
//! what a build server pays: a thousand small runs.

use super::case::{self, Case, Stream, name};
use super::synthetic;
use crate::command::{During, Result};
use crate::helm::{Helm, RELEASE, Version};
use crate::{say, tools, workspace};
use std::fmt::Write as _;
use std::path::Path;

/// Objects of the chart: a middling application.
const OBJECTS: usize = 100;

/// How many small runs there are in a row.
pub const RUNS: usize = 1_000;

/// Helm 4 on a chart; Helm 3 asks a cluster before it installs, even client-side. None where there is no Helm.
///
/// # Errors
/// A file cannot be written.
pub fn helm(folder: &Path) -> Result<Vec<Case>> {
    let program = match tools::HELM_4.ensure() {
        Ok(program) => program,
        Err(failure) => {
            say::failure(&failure);
            return Ok(Vec::new());
        }
    };
    let home = folder.join("helm");
    let helm = Helm::new(Version::Four, program.clone(), &home)?;
    let chart = chart(folder)?;
    let windlass = workspace::windlass().display().to_string();
    let plugin = workspace::built_plugin("label-injector").display().to_string();
    let mut with = vec![None];
    helm.add_plugin("windlass-label", &started(&[&windlass, "run", &plugin, "--set", "labels.team=payments"]))?;
    with.push(Some("windlass-label"));
    if let Some(kustomize) = tools::KUSTOMIZE.installed() {
        let overlay = folder.join("helm-overlay");
        std::fs::create_dir_all(&overlay).during("cannot make the overlay")?;
        let kustomization = "resources: [all.yaml]\nlabels:\n- pairs: {team: payments}\n";
        std::fs::write(overlay.join("kustomization.yaml"), kustomization).during("cannot write the overlay")?;
        let (script, overlay) = (case::script(folder)?.display().to_string(), overlay.display().to_string());
        helm.add_plugin("kustomize", &started(&["/bin/sh", &script, &overlay, &kustomize.display().to_string()]))?;
        with.push(Some("kustomize"));
    }
    let chart = chart.display().to_string();
    let mut cases = Vec::new();
    for (index, post_renderer) in with.into_iter().enumerate() {
        let words: [(&str, &[&str]); 2] = [("template", &[]), ("install", &["--dry-run=client"])];
        for ((verb, more), title) in words.into_iter().zip([name::TEMPLATE, name::INSTALL]) {
            let mut command = vec![program.display().to_string(), verb.to_owned(), RELEASE.to_owned(), chart.clone()];
            command.extend(more.iter().map(|word| (*word).to_owned()));
            command.extend(post_renderer.iter().flat_map(|name| ["--post-renderer".to_owned(), (*name).to_owned()]));
            let mut one = case::case(title[index], [] as [&str; 0]);
            one.command = command;
            one.environment = vec![
                ("HELM_CACHE_HOME", home.join("cache")),
                ("HELM_CONFIG_HOME", home.join("config")),
                ("HELM_DATA_HOME", home.join("data")),
                ("HELM_PLUGINS", helm.plugins()),
                ("KUBECONFIG", home.join("no-kubeconfig")),
                ("WINDLASS_CACHE_DIR", folder.join("windlass-cache")),
            ];
            cases.push(one);
        }
    }
    Ok(cases)
}

/// A command as plugin.yaml has it.
fn started(words: &[&str]) -> String {
    let (program, arguments) = words.split_first().map_or(("", [].as_slice()), |(first, rest)| (*first, rest));
    let mut text = format!("    - command: {program}\n      args:\n");
    for argument in arguments {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "        - \"{argument}\"");
    }
    text
}

/// A chart whose templates have nothing to fill in, so that what is measured is Helm's way and not the chart's.
fn chart(folder: &Path) -> Result<std::path::PathBuf> {
    let chart = folder.join("chart");
    std::fs::create_dir_all(chart.join("templates")).during("cannot make the chart")?;
    std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: parts\nversion: 1.0.0\n")
        .during("cannot write the chart")?;
    let stream = String::from_utf8(synthetic::objects(OBJECTS)).during("the stream is not UTF-8")?;
    for (number, document) in stream.split("---\n").enumerate() {
        // Helm adds this itself.
        let lines = document.lines().filter(|line| !line.contains("postrenderer.helm.sh") && *line != "  annotations:");
        let text: String = lines.flat_map(|line| [line, "\n"]).collect();
        std::fs::write(chart.join(format!("templates/part-{number}.yaml")), text).during("cannot write the chart")?;
    }
    Ok(chart)
}

/// [`RUNS`] runs one after the other, each on this stream; beside what as many processes cost that do nothing.
///
/// # Errors
/// A file cannot be written.
pub fn thousand(folder: &Path, stream: &Stream) -> Result<Vec<Case>> {
    let script = folder.join("thousand.sh");
    let text = format!(
        "stream=$1; shift\ni=0\nwhile [ $i -lt {RUNS} ]; do\n  \"$@\" < \"$stream\" > /dev/null || exit\n  i=$((i + 1))\ndone\n"
    );
    std::fs::write(&script, text).during("cannot write the script")?;
    let (script, stream) = (script.display().to_string(), stream.path.display().to_string());
    let windlass = workspace::windlass().display().to_string();
    let plugin = workspace::built_plugin("label-injector").display().to_string();
    let repeated = |title, words: &[&str]| {
        let mut one = case::case(title, ["/bin/sh", &script, &stream]);
        one.command.extend(words.iter().map(|word| (*word).to_owned()));
        one.environment.push(("WINDLASS_CACHE_DIR", folder.join("windlass-cache")));
        one
    };
    Ok(vec![
        repeated(name::THOUSAND_TRUE, &["/bin/true"]),
        repeated(name::THOUSAND, &[&windlass, "run", &plugin, "--set", "labels.team=payments"]),
    ])
}
