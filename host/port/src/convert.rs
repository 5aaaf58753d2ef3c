//! `windlass port convert`: a post-renderer as a pipeline of ready-made plugins, with what could not be converted.
//!
//! Nothing that is read is ever run, and a conversion that leaves something out never says that it is complete:
//! whatever a reader here does not know is [`Conversion::missing`], with its file and line.

mod expression;
mod files;
mod helmfile;
mod kustomization;
mod python;
mod script;
mod text;
mod value;

use std::path::Path;

use serde_json::{Value as Json, json};
use windlass_manifest::Value;

use files::Files;

/// What is converted.
#[derive(Clone, Copy, Debug)]
pub enum Artefact<'a> {
    /// A script, a kustomization or its folder, a HelmRelease, a helmfile.
    File(&'a Path),
    /// An expression of mikefarah's yq.
    Yq(&'a str),
    /// A jq program.
    Jq(&'a str),
}

/// What the artefact leaves to its caller.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which release of a file that has several.
    pub release: Option<String>,
    /// Values of environment variables.
    pub env: Vec<(String, String)>,
    /// Arguments that the post-renderer gets.
    pub arguments: Vec<String>,
}

/// A plugin of the pipeline, with its configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct PipelineStep {
    /// The plugin's name.
    pub plugin: &'static str,
    /// Its configuration, a map.
    pub config: Vec<(String, Value)>,
}

/// Something that the pipeline does not do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// The file, relative to the artefact's folder; empty for an expression.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is there, and why it is left out.
    pub what: String,
}

/// A difference on purpose: what the old tool did and nobody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Betterment {
    /// What is different.
    pub what: &'static str,
    /// How the old behaviour comes back.
    pub switch: &'static str,
}

/// What became of an artefact.
#[derive(Clone, Debug, Default)]
pub struct Conversion {
    /// The pipeline, in order.
    pub steps: Vec<PipelineStep>,
    /// What is not in it.
    pub missing: Vec<Missing>,
    /// What is different on purpose.
    pub betterments: Vec<Betterment>,
    /// Environment variables that the artefact reads, with the value that was used.
    pub variables: Vec<(String, Option<String>)>,
    /// The artefact changes nothing.
    pub is_idle: bool,
}

/// Why nothing could be converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, one sentence.
    pub why: String,
    /// What to do instead.
    pub hint: String,
}

impl Refusal {
    fn new(why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { why: why.into(), hint: hint.into() }
    }
}

/// Converts an artefact.
///
/// # Errors
/// Nothing of it can be converted.
pub fn convert(artefact: Artefact<'_>, options: &Options) -> Result<Conversion, Refusal> {
    let mut conversion = Conversion::default();
    match artefact {
        Artefact::Yq(text) => expression::yq(text, &Site::default(), options, &mut conversion),
        Artefact::Jq(text) => expression::jq(text, &Site::default(), options, &mut conversion),
        Artefact::File(path) => file(path, options, &mut conversion)?,
    }
    finish(conversion)
}

/// Where something stands.
#[derive(Clone, Debug, Default)]
struct Site {
    file: String,
    line: usize,
}

impl Site {
    fn new(file: &str, line: usize) -> Self {
        Self { file: file.to_owned(), line }
    }
}

fn file(path: &Path, options: &Options, conversion: &mut Conversion) -> Result<(), Refusal> {
    let (files, name) = Files::open(path)?;
    artefact(path, &files, &name, options, conversion)?;
    // People count from the artefact's folder, not from the repository's.
    let base = files::folder(&name);
    for missing in &mut conversion.missing {
        if let Some(inside) = missing.file.strip_prefix(base).and_then(|file| file.strip_prefix('/')) {
            missing.file = inside.to_owned();
        }
    }
    Ok(())
}

fn artefact(
    path: &Path,
    files: &Files,
    name: &str,
    options: &Options,
    conversion: &mut Conversion,
) -> Result<(), Refusal> {
    if name.is_empty() {
        let Some((kustomization, _)) = files.kustomization("") else {
            return Err(Refusal::new(
                format!("the folder {} has no kustomization.yaml", path.display()),
                "give a script, a kustomization, a HelmRelease or a helmfile",
            ));
        };
        return kustomization::convert(files, &kustomization, &[], conversion);
    }
    let text =
        files.text(name).map_err(|why| Refusal::new(format!("{}: {why}", path.display()), "give a text file"))?;
    match kind(name, &text) {
        Kind::Kustomization => kustomization::convert(files, name, &[], conversion),
        Kind::Flux => helmfile::flux(files, name, &text, options, conversion),
        Kind::Helmfile => helmfile::helmfile(files, name, &text, options, conversion),
        Kind::Script => script::convert(files, name, &text, options, conversion),
        Kind::Python => {
            python::convert(name, &text, options, conversion);
            Ok(())
        }
        Kind::Other(what) => Err(Refusal::new(
            format!("{}: {what}", path.display()),
            "`windlass port compile` is for programs, `windlass port keep` for what cannot move",
        )),
    }
}

enum Kind {
    Kustomization,
    Flux,
    Helmfile,
    Script,
    Python,
    Other(&'static str),
}

fn kind(name: &str, text: &str) -> Kind {
    let base = name.rsplit('/').next().unwrap_or_default();
    let first = text.lines().next().unwrap_or_default();
    let has_line = |start: &str| text.lines().any(|line| line.starts_with(start));
    if base == "Kustomization" || base.starts_with("kustomization.y") || has_line("kind: Kustomization") {
        return Kind::Kustomization;
    }
    if has_line("kind: HelmRelease") || text.lines().any(|line| line.trim_start().starts_with("postRenderers:")) {
        return Kind::Flux;
    }
    if base.starts_with("helmfile") || (has_line("releases:") && base.contains(".y")) {
        return Kind::Helmfile;
    }
    let shells = ["sh", "bash", "zsh", "dash", "ksh"];
    let interpreter =
        first.trim_start_matches("#!").split([' ', '/']).rfind(|word| !word.is_empty() && !word.starts_with('-'));
    if first.starts_with("#!") {
        return match interpreter {
            Some(shell) if shells.contains(&shell) => Kind::Script,
            Some("yq") | Some("jq") => Kind::Script,
            Some(python) if python.starts_with("python") => Kind::Python,
            _ => Kind::Other("it is a program in a language that is not converted"),
        };
    }
    match base.rsplit_once('.').map(|(_, extension)| extension) {
        Some("sh" | "bash" | "zsh" | "ksh") | None => Kind::Script,
        Some("py") => Kind::Python,
        Some("yaml" | "yml") if has_line("resources:") || has_line("patches:") || has_line("images:") => {
            Kind::Kustomization
        }
        Some("yaml" | "yml") => Kind::Other("it is YAML, and neither a kustomization, a HelmRelease nor a helmfile"),
        _ => Kind::Other("it is neither a script, a kustomization, a HelmRelease nor a helmfile"),
    }
}

fn finish(mut conversion: Conversion) -> Result<Conversion, Refusal> {
    conversion.missing.sort();
    conversion.missing.dedup();
    if !conversion.steps.is_empty() || (conversion.is_idle && conversion.missing.is_empty()) {
        return Ok(conversion);
    }
    let why = match conversion.missing.first() {
        Some(first) if first.file.is_empty() => first.what.clone(),
        Some(first) => format!("{}:{}: {}", first.file, first.line, first.what),
        None => "it does nothing that is known".to_owned(),
    };
    Err(Refusal::new(
        format!("nothing of it can be converted: {why}"),
        "`windlass port keep` runs it as it is, `windlass new` begins a plugin of your own",
    ))
}

impl Conversion {
    fn miss(&mut self, site: &Site, what: impl Into<String>) {
        self.missing.push(Missing { file: site.file.clone(), line: site.line.max(1), what: what.into() });
    }

    fn better(&mut self, what: &'static str, switch: &'static str) {
        let betterment = Betterment { what, switch };
        if !self.betterments.contains(&betterment) {
            self.betterments.push(betterment);
        }
    }

    fn step(&mut self, plugin: &'static str, config: Vec<(String, Value)>) {
        self.steps.push(PipelineStep { plugin, config });
    }

    /// The value of a variable, by the caller's word; none is remembered as missing where it is used.
    fn variable(&mut self, name: &str, options: &Options) -> Option<String> {
        let value = options.env.iter().rfind(|(known, _)| known == name).map(|(_, value)| value.clone());
        if !self.variables.iter().any(|(known, _)| known == name) {
            self.variables.push((name.to_owned(), value.clone()));
        }
        value
    }

    /// All of the artefact is in the pipeline.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// 0 when all of it is in the pipeline, 1 when something is missing.
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.is_complete())
    }

    /// The pipeline, with what is missing and what is different as comments.
    ///
    /// # Errors
    /// A value that cannot be written as YAML.
    pub fn pipeline(&self, from: &str) -> Result<String, String> {
        let mut out = format!("# Made by `windlass port convert` from {}.\n", comment(from));
        for missing in &self.missing {
            let place =
                if missing.file.is_empty() { String::new() } else { format!("{}:{}: ", missing.file, missing.line) };
            out.push_str(&format!("# NOT CONVERTED: {}{}\n", comment(&place), comment(&missing.what)));
        }
        for betterment in &self.betterments {
            out.push_str(&format!("# Better than before: {} To undo: {}\n", betterment.what, betterment.switch));
        }
        if self.is_idle && self.steps.is_empty() {
            out.push_str(
                "# It changes nothing: you need no post-renderer. This pipeline keeps every object as it is.\n",
            );
        }
        let kept =
            [PipelineStep { plugin: "select", config: vec![("crds".to_owned(), Value::String("all".to_owned()))] }];
        let steps = if self.steps.is_empty() { &kept[..] } else { &self.steps };
        let plugins = steps.iter().map(|step| {
            let mut entry = vec![("use".to_owned(), Value::String(step.plugin.to_owned()))];
            if !step.config.is_empty() {
                entry.push(("config".to_owned(), Value::Map(step.config.clone())));
            }
            Value::Map(entry)
        });
        let document = Value::Map(vec![
            ("apiVersion".to_owned(), Value::String("windlass.dev/v1alpha1".to_owned())),
            ("kind".to_owned(), Value::String("Pipeline".to_owned())),
            ("plugins".to_owned(), Value::List(plugins.collect())),
        ]);
        out.push_str(&document.to_yaml().map_err(|error| error.to_string())?);
        Ok(out)
    }

    /// The answer for programs.
    ///
    /// # Errors
    /// As [`Self::pipeline`].
    pub fn json(&self, from: &str) -> Result<Json, String> {
        let steps = self.steps.iter().map(|step| {
            let config: Json = serde_json::from_str(&Value::Map(step.config.clone()).to_json()).unwrap_or(Json::Null);
            json!({"use": step.plugin, "config": config})
        });
        Ok(json!({
            "complete": self.is_complete(),
            "plugins": steps.collect::<Vec<_>>(),
            "missing": self.missing.iter().map(|missing| json!({
                "file": missing.file, "line": missing.line, "what": missing.what,
            })).collect::<Vec<_>>(),
            "betterments": self.betterments.iter().map(|betterment| json!({
                "what": betterment.what, "switch": betterment.switch,
            })).collect::<Vec<_>>(),
            "variables": self.variables.iter().map(|(name, value)| json!({
                "name": name, "value": value,
            })).collect::<Vec<_>>(),
            "nothing": self.is_idle && self.steps.is_empty(),
            "pipeline": self.pipeline(from)?,
        }))
    }
}

/// Text on one line of a comment.
fn comment(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
