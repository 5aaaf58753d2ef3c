//! Flux's HelmReleases and helmfiles: patches in kustomize's words, and the scripts they name.

use super::files::{Files, folder, join};
use super::text::substituted;
use super::value::{map, text};
use super::{Conversion, Options, Refusal, Site, kustomization, script};
use crate::audit::yaml::{Id, Yaml};

/// Converts the `postRenderers` of a HelmRelease.
pub(super) fn flux(
    files: &Files,
    name: &str,
    source: &str,
    options: &Options,
    conversion: &mut Conversion,
) -> Result<(), Refusal> {
    let (substituted, missing) = substituted(source, |name| conversion.variable(name, options));
    let yaml = Yaml::read(&substituted, 1);
    let releases: Vec<Id> = yaml
        .documents
        .iter()
        .copied()
        .filter(|document| {
            yaml.at(*document, &["spec", "postRenderers"]).is_some() || yaml.get(*document, "postRenderers").is_some()
        })
        .collect();
    let names = |id: Id| {
        let name = yaml.at(id, &["metadata", "name"]).and_then(|id| yaml.text(id));
        let release = yaml.at(id, &["spec", "releaseName"]).and_then(|id| yaml.text(id));
        [name, release]
    };
    let chosen: Vec<Id> = match &options.release {
        Some(release) => releases.into_iter().filter(|id| names(*id).contains(&Some(release.as_str()))).collect(),
        None => releases,
    };
    let release = match chosen.as_slice() {
        [] => {
            return Err(Refusal::new(
                "no HelmRelease here has postRenderers",
                "look at the others with `windlass port audit`",
            ));
        }
        [one] => *one,
        [..] => {
            return Err(Refusal::new(
                "several HelmReleases here have postRenderers",
                "choose one with `--release NAME`",
            ));
        }
    };
    let renderers = yaml.at(release, &["spec", "postRenderers"]).or_else(|| yaml.get(release, "postRenderers"));
    let Some(renderers) = renderers else { return Ok(()) };
    let (first, last) = match yaml.raw(renderers) {
        Some((raw, line)) => (line, line + raw.trim_end().matches('\n').count()),
        None => (1, usize::MAX),
    };
    for (line, name_of) in missing.into_iter().filter(|(line, _)| (first..=last).contains(line)) {
        let what = format!("the value of `${{{name_of}}}` is not known: give it with `--env {name_of}=VALUE`");
        conversion.miss(&Site::new(name, line), what);
    }
    for renderer in yaml.list(renderers) {
        match yaml.get(*renderer, "kustomize") {
            Some(inside) => kustomization::inline(&yaml, inside, name, files, conversion),
            None => conversion.miss(&Site::new(name, yaml.line(*renderer)), "a post-renderer that is not kustomize"),
        }
    }
    if conversion.steps.is_empty() && conversion.missing.is_empty() {
        conversion.is_idle = true;
    }
    Ok(())
}

/// Converts what a helmfile does to a release's manifests.
pub(super) fn helmfile(
    files: &Files,
    name: &str,
    source: &str,
    options: &Options,
    conversion: &mut Conversion,
) -> Result<(), Refusal> {
    let yaml = Yaml::read(source, 1);
    for line in &yaml.unread {
        conversion.miss(&Site::new(name, *line), "it cannot be read as YAML");
    }
    let defaults: Vec<Id> = yaml.documents.iter().filter_map(|document| yaml.get(*document, "helmDefaults")).collect();
    let releases = yaml.documents.iter().filter_map(|document| yaml.get(*document, "releases"));
    let releases: Vec<Id> = releases.flat_map(|list| yaml.list(list).to_vec()).collect();
    let renders = |id: Id| KEYS.iter().any(|key| yaml.get(id, key).is_some());
    let chosen: Vec<Id> = match &options.release {
        Some(release) => releases.into_iter().filter(|id| yaml.string(*id, "name") == Some(release)).collect(),
        None if defaults.iter().any(|id| yaml.get(*id, "postRenderer").is_some()) => {
            releases.into_iter().take(1).collect()
        }
        None => releases.into_iter().filter(|id| renders(*id)).collect(),
    };
    let release = match chosen.as_slice() {
        [] => return Err(Refusal::new("no release here changes its manifests", "name one with `--release NAME`")),
        [one] => *one,
        [..] => {
            return Err(Refusal::new(
                "several releases here change their manifests",
                "choose one with `--release NAME`",
            ));
        }
    };
    for key in ["strategicMergePatches", "jsonPatches"] {
        let Some(list) = yaml.get(release, key) else { continue };
        kustomization::patches_of(&yaml, yaml.list(list), key, name, files, conversion);
    }
    if let Some(transformers) = yaml.get(release, "transformers") {
        kustomization::transformers_of(&yaml, yaml.list(transformers), name, files, conversion);
    }
    if let Some(namespace) = yaml.string(release, "forceNamespace") {
        conversion.step("namespace", map([("namespace", text(namespace))]));
    }
    let own = |key: &str| {
        let inherited = || defaults.iter().find_map(|id| yaml.get(*id, key));
        yaml.get(release, key).or_else(inherited)
    };
    let Some(renderer) = own("postRenderer") else { return Ok(()) };
    let site = Site::new(name, yaml.line(renderer));
    let Some(program) = yaml.text(renderer).filter(|program| !program.contains("{{")) else {
        conversion.miss(&site, "the post-renderer is a template");
        return Ok(());
    };
    let mut arguments: Vec<String> = own("postRendererArgs").map(|id| yaml.strings(id)).unwrap_or_default();
    arguments.extend(options.arguments.iter().cloned());
    let path = join(folder(name), program).filter(|path| files.is_file(path));
    let Some(path) = path else {
        return command(files, &site, program, &arguments, options, conversion);
    };
    let source = match files.text(&path) {
        Ok(source) => source,
        Err(why) => {
            conversion.miss(&site, format!("`{program}`: {why}"));
            return Ok(());
        }
    };
    let options = Options { arguments, ..options.clone() };
    script::convert(files, &path, &source, &options, conversion)
}

const KEYS: &[&str] = &["strategicMergePatches", "jsonPatches", "transformers", "forceNamespace", "postRenderer"];

/// A program with its arguments: a shell's `-c`, or a tool itself.
fn command(
    files: &Files,
    site: &Site,
    program: &str,
    arguments: &[String],
    options: &Options,
    conversion: &mut Conversion,
) -> Result<(), Refusal> {
    let base = program.rsplit('/').next().unwrap_or_default();
    if ["bash", "sh"].contains(&base)
        && let [flag, source, rest @ ..] = arguments
        && flag.starts_with('-')
        && flag.ends_with('c')
    {
        let options = Options { arguments: rest.iter().skip(1).cloned().collect(), ..options.clone() };
        return script::lines(files, site, source, &options, conversion);
    }
    let quoted: Vec<String> =
        arguments.iter().map(|argument| format!("'{}'", argument.replace('\'', "'\\''"))).collect();
    script::lines(files, site, &format!("{program} {}", quoted.join(" ")), options, conversion)
}
