//! What calls Helm: a reader for each family of files.

pub(crate) mod code;
pub(crate) mod hcl;
pub(crate) mod lines;
pub(crate) mod yaml;

use std::cell::RefCell;

use super::calls::{self, Place};
use super::facts::Facts;
use super::fragment::Lines;
use super::language::{Language, Syntax};
use super::scope::Scope;

/// Where a text stands.
#[derive(Clone, Debug)]
pub(crate) struct Context<'c> {
    /// Its file, relative to the tree.
    pub(crate) path: &'c str,
    pub(crate) kind: &'static str,
    /// What Helm prints here is what is deployed.
    pub(crate) pipes: bool,
    /// Whether Helm is spoken of at all: without it a `postRenderer` belongs to another product.
    pub(crate) speaks_of_helm: bool,
    pub(crate) nesting: usize,
    /// Scripts that are an Argo CD plugin's program.
    pub(crate) plugins: &'c RefCell<Vec<String>>,
}

impl Context<'_> {
    pub(crate) fn deeper(&self) -> Self {
        Self { nesting: self.nesting + 1, ..self.clone() }
    }

    pub(crate) fn remember_plugin(&self, name: &str) {
        let mut plugins = self.plugins.borrow_mut();
        if plugins.len() < 1_000 {
            plugins.push(name.to_owned());
        }
    }
}

/// Files that people read, and files that machines wrote.
const PROSE_ENDINGS: &[&str] = &[
    "md", "mdx", "rst", "adoc", "asciidoc", "txt", "html", "htm", "org", "tex", "pod", "1", "8", "svg", "css", "scss",
    "map", "lock", "sum", "po", "patch", "diff", "csv", "ipynb", "snap", "golden", "log", "xml", "sarif",
];

/// What language a file is in; nothing where no caller can be.
pub(crate) fn language(path: &str, first_line: &str) -> Option<Language> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    let ending = lower.rsplit_once('.').map_or("", |(_, ending)| ending);
    if PROSE_ENDINGS.contains(&ending) || lower.starts_with("readme") || lower.starts_with("changelog") {
        return None;
    }
    let by_name = match lower.as_str() {
        "makefile" | "gnumakefile" => Some(Language::Make),
        "justfile" | ".justfile" => Some(Language::Just),
        "jenkinsfile" => Some(Language::Code(Syntax::Groovy)),
        "tiltfile" => Some(Language::Code(Syntax::Python)),
        "rakefile" | "vagrantfile" | "gemfile" => Some(Language::Code(Syntax::Ruby)),
        "dockerfile" | "containerfile" => Some(Language::Docker),
        _ if lower.starts_with("dockerfile") || lower.ends_with(".dockerfile") => Some(Language::Docker),
        _ if lower.starts_with("jenkinsfile") => Some(Language::Code(Syntax::Groovy)),
        _ if lower.starts_with("makefile.") => Some(Language::Make),
        _ if lower.starts_with(".env") || ending == "env" || lower == ".envrc" => Some(Language::Env),
        _ => None,
    };
    if by_name.is_some() {
        return by_name;
    }
    let without_template = lower
        .trim_end_matches(".gotmpl")
        .trim_end_matches(".tmpl")
        .trim_end_matches(".tpl")
        .trim_end_matches(".j2")
        .trim_end_matches(".erb")
        .trim_end_matches(".jinja")
        .trim_end_matches(".dist")
        .trim_end_matches(".example")
        .trim_end_matches(".sample");
    let ending = without_template.rsplit_once('.').map_or("", |(_, ending)| ending);
    Some(match ending {
        "sh" | "bash" | "zsh" | "ksh" | "bats" | "envrc" => Language::Shell,
        "yaml" | "yml" | "json" | "jsonc" | "json5" => Language::Yaml,
        "tf" | "hcl" | "tofu" | "tfvars" | "nomad" => Language::Hcl,
        "mk" | "make" => Language::Make,
        "just" => Language::Just,
        "toml" | "ini" | "cfg" | "conf" | "properties" => Language::Toml,
        "go" => Language::Code(Syntax::Go),
        "py" | "star" | "bzl" | "bazel" | "starlark" => Language::Code(Syntax::Python),
        "ts" | "tsx" | "js" | "mjs" | "cjs" | "jsx" | "mts" | "jsonnet" | "libsonnet" => Language::Code(Syntax::Script),
        "nix" => Language::Code(Syntax::Nix),
        "rb" => Language::Code(Syntax::Ruby),
        "pp" => Language::Code(Syntax::Ruby),
        "groovy" | "gradle" | "jenkinsfile" => Language::Code(Syntax::Groovy),
        "java" | "kt" | "kts" | "cs" | "scala" | "rs" | "dart" | "swift" => Language::Code(Syntax::Java),
        "ps1" | "psm1" => Language::Code(Syntax::PowerShell),
        "pl" | "pm" | "tcl" | "fish" => Language::Shell,
        "bat" | "cmd" => Language::Shell,
        _ => by_first_line(first_line)?,
    })
}

fn by_first_line(line: &str) -> Option<Language> {
    let line = line.strip_prefix("#!")?;
    let has = |word: &str| line.contains(word);
    match () {
        () if has("python") => Some(Language::Code(Syntax::Python)),
        () if has("node") || has("deno") || has("bun") || has("tsx") => Some(Language::Code(Syntax::Script)),
        () if has("ruby") => Some(Language::Code(Syntax::Ruby)),
        () if has("pwsh") => Some(Language::Code(Syntax::PowerShell)),
        () if has("just") => Some(Language::Just),
        () if has("make") => Some(Language::Make),
        () if has("sh") || has("bats") || has("nix-shell") => Some(Language::Shell),
        () => None,
    }
}

/// The kind of caller that a path alone tells.
pub(crate) fn kind_of_path(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let lower = path.to_ascii_lowercase();
    let has = |word: &str| lower.contains(word);
    Some(match name.as_str() {
        _ if has(".github/workflows/") => "github-actions",
        "action.yml" | "action.yaml" => "github-actions",
        _ if has(".gitlab-ci") || has("gitlab-ci/") || has(".gitlab/") => "gitlab-ci",
        _ if has(".circleci/") => "circleci",
        _ if name.starts_with("azure-pipelines")
            || has("azure-pipelines/")
            || has(".azuredevops/")
            || has(".azure-pipelines/")
            || has(".pipelines/") =>
        {
            "azure-pipelines"
        }
        _ if has(".harness/") || has("harness/") => "harness",
        _ if has("bitbucket-pipelines") => "bitbucket",
        _ if has(".drone.y") => "drone",
        _ if has(".buildkite/") => "buildkite",
        _ if name.starts_with("taskfile") => "taskfile",
        _ if name.starts_with("skaffold") => "skaffold",
        _ if name.starts_with("helmwave") => "helmwave",
        _ if name.starts_with("helmsman") => "helmsman",
        _ if name.starts_with("helm-compose") => "helm-compose",
        _ if name.starts_with("helmfile") || has("helmfile.d/") || has("helmfile/") || has("helmfiles/") => "helmfile",
        "fleet.yaml" | "fleet.yml" => "fleet",
        "devcontainer.json" => "devcontainer",
        "package.json" => "node",
        "ct.yaml" | "ct.yml" | "chart-testing.yaml" => "chart-testing",
        _ if name.starts_with("pulumi.") => "pulumi",
        _ if name.ends_with(".tf.json") => "terraform",
        _ if has("playbooks/") || has("roles/") || has("ansible/") => "ansible",
        _ => return None,
    })
}

/// Reads one file's text; the answer is what its variables are.
pub(crate) fn read(text: &str, language: Language, context: &Context<'_>, facts: &mut Facts) -> Scope {
    let own = context.path.rsplit('/').next().unwrap_or_default();
    let mut scope = Scope::of(own);
    let place = Place { kind: context.kind, pipes: context.pipes };
    match language {
        Language::Shell => calls::script(text, &Lines::From(1), place, &mut scope, facts),
        Language::Yaml => yaml::scan(text, 1, context, &mut scope, facts),
        Language::Hcl => hcl::scan(text, context, &mut scope, facts),
        Language::Make => lines::make(text, context, &mut scope, facts),
        Language::Just => lines::just(text, context, &mut scope, facts),
        Language::Docker => lines::docker(text, context, &mut scope, facts),
        Language::Toml => lines::toml(text, context, &mut scope, facts),
        Language::Env => lines::environment(text, context, &mut scope, facts),
        Language::Code(syntax) => code::scan(text, syntax, context, &mut scope, facts),
    }
    scope
}

/// The kind of caller a file is, when nothing more is known.
pub(crate) fn kind(path: &str, language: Language, text: &str) -> &'static str {
    match language {
        Language::Yaml => yaml::kind(path, text),
        Language::Shell => "shell",
        Language::Hcl => {
            if path.ends_with("terragrunt.hcl") {
                "terragrunt"
            } else {
                "terraform"
            }
        }
        Language::Make => "makefile",
        Language::Just => "justfile",
        Language::Docker => "dockerfile",
        Language::Toml => kind_of_path(path).unwrap_or("config"),
        Language::Env => "environment",
        Language::Code(syntax) => code::kind(path, syntax, text),
    }
}
