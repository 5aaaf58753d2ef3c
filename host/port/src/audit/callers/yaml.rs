//! Callers that are written in YAML or JSON: helmfile, CI systems, GitOps, Ansible and whatever else holds a command.

use std::borrow::Cow;

use super::{Context, kind_of_path};
use crate::audit::calls::{self, Place};
use crate::audit::facts::{Copied, Facts, Inline, RendererRef, Site};
use crate::audit::fragment::Lines;
use crate::audit::scope::{Scope, Value, plain_name};
use crate::audit::shell::{Part, Word, words};
use crate::audit::yaml::{Id, Yaml};

const MAX_NESTING: usize = 4;
const MAX_DEPTH: usize = 90;

/// Keys whose text people read.
const PROSE: &[&str] = &[
    "description",
    "help",
    "summary",
    "message",
    "note",
    "notes",
    "title",
    "doc",
    "docs",
    "documentation",
    "about",
    "example",
    "examples",
    "displayname",
    "comment",
    "usage",
    "body",
    "changelog",
    "readme",
    "tooltip",
    "longdescription",
    "name",
    "desc",
    "synopsis",
    "hint",
    "reason",
    "purpose",
    "stepname",
    "id",
    "pattern",
    "regex",
    "msg",
    "failmsg",
    "failmessage",
    "failuremessage",
    "deprecationmessage",
    "if",
    "when",
    "text",
];

/// Reads a YAML or JSON file, or a text of it within another.
pub(crate) fn scan(text: &str, first_line: usize, context: &Context<'_>, scope: &mut Scope, facts: &mut Facts) {
    let cleaned = without_json_comments(text, context.path);
    let text = cleaned.as_ref();
    let yaml = Yaml::read(text, first_line);
    let is_bad = !yaml.unread.is_empty() && context.nesting == 0;
    if is_bad {
        let line = yaml.unread.first().copied().unwrap_or(first_line);
        facts.notes.push(format!(
            "a document from line {line} on is no YAML that can be read: its lines are looked at one by one"
        ));
    }
    let speaks = text.contains("ost-render")
        || text.contains("ostRender")
        || text.contains("ost_render")
        || text.contains("OST_RENDER")
        || text.contains("ostrender");
    if speaks {
        for root in yaml.documents.clone() {
            bind(&yaml, root, scope, 0);
        }
        for id in yaml.ids() {
            if yaml.text(id).is_some_and(|text| text.contains('=') && !text.contains("://") || text.contains("()"))
                && let Some(fragment) = yaml.fragment(id)
            {
                scope.learn(&crate::audit::shell::read(&fragment.text), &|line| fragment.lines.line(line));
            }
        }
    }
    for root in yaml.documents.clone() {
        let mut walker = Walker { yaml: &yaml, context, scope, facts, kind: context.kind, root, pipes: context.pipes };
        walker.document();
    }
    if is_bad {
        lines(text, first_line, context, scope, facts);
    }
}

/// JSON with comments, as editors keep their settings: the comments become blanks.
fn without_json_comments<'t>(text: &'t str, path: &str) -> Cow<'t, str> {
    let is_json = path.ends_with(".json") || path.ends_with(".jsonc") || path.ends_with(".json5");
    if !is_json || !text.contains("//") && !text.contains("/*") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut in_line, mut in_block) = (false, false, false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied();
        if in_line || in_block {
            let ends = in_line && letter == '\n' || in_block && letter == '*' && next == Some('/');
            if ends && in_block {
                letters.next();
                out.push(' ');
            }
            out.push(if letter == '\n' { '\n' } else { ' ' });
            if ends {
                (in_line, in_block) = (false, false);
            }
            continue;
        }
        match letter {
            '\\' if in_string => {
                out.push(letter);
                out.extend(letters.next());
                continue;
            }
            '"' => in_string = !in_string,
            '/' if !in_string && next == Some('/') => in_line = true,
            '/' if !in_string && next == Some('*') => in_block = true,
            _ => {}
        }
        out.push(if in_line || in_block { ' ' } else { letter });
    }
    Cow::Owned(out)
}

/// What is left of a file that is no YAML: the keys and commands on its lines.
fn lines(text: &str, first_line: usize, context: &Context<'_>, scope: &Scope, facts: &mut Facts) {
    for (number, line) in text.lines().enumerate() {
        let bare = line.trim_start().trim_start_matches("- ");
        if bare.starts_with('#') {
            continue;
        }
        let at = first_line + number;
        if let Some((key, value)) = bare.split_once(':')
            && matches!(plain_name(key).as_str(), "postrenderer" | "postrender")
            && !value.trim().is_empty()
        {
            let value = value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
            if is_choice(value) {
                choose(value, at, context.kind, &[], scope, facts);
            }
        } else if let Some((key, value)) = bare.split_once(':')
            && plain_name(key) == "postrenderers"
            && value.trim().is_empty()
        {
            let text = rest_of_block(text, number);
            let inline = Inline::Kustomize { text, line: at + 1, name: "postRenderers".to_owned() };
            facts.add(Site::new(at, "flux", RendererRef::Inline(inline)));
        } else if bare.contains("--post-renderer") {
            let place = Place { kind: context.kind, pipes: context.pipes };
            calls::nested(bare, &Lines::All(at), place, scope, facts, 0);
        }
    }
}

/// The lines below a key that are deeper than it.
fn rest_of_block(text: &str, number: usize) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut lines = text.lines().skip(number);
    let own = lines.next().map_or(0, indent);
    let inner = lines.take_while(|line| {
        line.trim().is_empty()
            || indent(line) > own
            || indent(line) == own && line.trim_start().starts_with('-')
            || line.trim_start().starts_with("{{")
    });
    inner.fold(String::new(), |text, line| text + line + "\n")
}

fn bind(yaml: &Yaml<'_>, id: Id, scope: &mut Scope, depth: usize) {
    if depth > MAX_DEPTH || yaml.is_alias(id) {
        return;
    }
    for (key, value) in yaml.map(id) {
        let Some(name) = yaml.text(*key) else { continue };
        if name.len() > 64 {
            continue;
        }
        if let Some(text) = yaml.text(*value) {
            scope.bind_text(name, text, yaml.line(*value));
        }
        for item in yaml.list(*value) {
            if let Some(text) = yaml.text(*item) {
                scope.bind_text(name, text, yaml.line(*item));
            }
            // `include: [{renderer: x}]` binds its keys below; here `[{name: X, value: Y}]`.
            let named = yaml.string(*item, "name").or_else(|| yaml.string(*item, "key"));
            let given = yaml.get(*item, "value").or_else(|| yaml.get(*item, "default"));
            if let (Some(name), Some(given)) = (named, given)
                && let Some(text) = yaml.text(given)
            {
                scope.bind_text(name, text, yaml.line(given));
            }
        }
        if yaml.is_map(*value) {
            for key in ["default", "value"] {
                if let Some(default) = yaml.get(*value, key)
                    && let Some(text) = yaml.text(default)
                {
                    scope.bind_text(name, text, yaml.line(default));
                }
            }
        }
        bind(yaml, *value, scope, depth + 1);
    }
    for item in yaml.list(id) {
        bind(yaml, *item, scope, depth + 1);
    }
}

struct Walker<'w> {
    yaml: &'w Yaml<'w>,
    context: &'w Context<'w>,
    scope: &'w mut Scope,
    facts: &'w mut Facts,
    kind: &'static str,
    root: Id,
    pipes: bool,
}

impl Walker<'_> {
    fn document(&mut self) {
        let yaml = self.yaml;
        let root = self.root;
        let kind = yaml.string(root, "kind").unwrap_or_default();
        let version = yaml.string(root, "apiVersion").unwrap_or_default();
        match kind {
            "ConfigManagementPlugin" => {
                self.kind = "argocd";
                self.pipes = true;
            }
            "HelmRelease" => self.kind = "flux",
            "Kustomization" if version.starts_with("kustomize.toolkit") => self.kind = "flux",
            "ClusterProfile" | "Profile" if version.contains("projectsveltos") => self.sveltos(),
            "Release" if version.starts_with("helm.crossplane.io") => self.crossplane(root),
            "Composition" if yaml.flat(root).contains("helm.crossplane.io") => self.kind = "crossplane",
            "CustomResourceDefinition" => return,
            _ => {}
        }
        if self.context.kind == "fleet" {
            self.fleet(root);
        }
        let mut path = Vec::new();
        self.walk(root, &mut path);
    }

    fn place(&self) -> Place {
        Place { kind: self.kind, pipes: self.pipes }
    }

    fn walk(&mut self, id: Id, path: &mut Vec<String>) {
        if path.len() > MAX_DEPTH || self.yaml.is_alias(id) {
            return;
        }
        let yaml = self.yaml;
        if yaml.is_map(id) {
            self.command_and_arguments(id);
            let to = ["dest", "target", "destination"].iter().find_map(|key| yaml.string(id, key));
            if let (Some(from), Some(to)) = (yaml.string(id, "src"), to) {
                self.facts.copied.push(Copied { from: from.to_owned(), to: to.to_owned() });
            }
            for (key, value) in yaml.map(id) {
                let name = yaml.text(*key).unwrap_or_default().to_owned();
                let outer = self.pipes;
                let is_cmp = path.iter().any(|key| key == "cmp" || key == "configManagementPlugins");
                if is_cmp && matches!(name.as_str(), "generate" | "init") {
                    self.pipes = true;
                    self.kind = "argocd";
                }
                self.entry(id, *key, &name, *value, path);
                path.push(name);
                self.walk(*value, path);
                path.pop();
                self.pipes = outer;
            }
        } else if yaml.is_list(id) {
            self.items(id, path);
        } else if let Some(text) = yaml.text(id) {
            let key = path.iter().rev().find(|key| key.as_str() != "-").map(String::as_str).unwrap_or_default();
            if !PROSE.contains(&plain_name(key).as_str()) || key == "if" && self.kind == "harness" {
                self.scalar(id, text, key);
            }
        }
    }

    fn items(&mut self, id: Id, path: &mut Vec<String>) {
        let yaml = self.yaml;
        let items = yaml.list(id);
        let is_argument = |item: &Id| {
            yaml.text(*item).is_some_and(|text| {
                let text = text.trim();
                text == "--post-renderer"
                    || (text.starts_with("--post-renderer=") || text.starts_with("--post-renderer "))
                        && !text.contains("helm ")
            })
        };
        let key = path.last().map(|key| plain_name(key)).unwrap_or_default();
        let is_prose = PROSE.contains(&key.as_str())
            || matches!(
                key.as_str(),
                "enum" | "const" | "flags_allowed" | "forbidden" | "denied" | "blocked" | "allowed"
            );
        if items.iter().any(is_argument) {
            let first = items.first().and_then(|item| yaml.text(*item)).unwrap_or_default();
            if !is_prose && !matches!(first, "echo" | "grep" | "printf") {
                self.arguments(items);
            }
        } else if self.pipes
            && items.iter().any(|item| yaml.text(*item).is_some_and(|text| text.contains("helm")))
            && !items.iter().any(|item| yaml.text(*item).is_some_and(|text| text.contains(' ')))
        {
            // A command of words: `[helm, template, .]`.
            let line = items.first().map_or(0, |item| yaml.line(*item));
            let text = items.iter().filter_map(|item| yaml.text(*item)).collect::<Vec<_>>().join(" ");
            calls::nested(&text, &Lines::All(line), self.place(), self.scope, self.facts, 0);
            return;
        }
        path.push("-".to_owned());
        for item in items {
            if !is_argument(item) {
                self.walk(*item, path);
            }
            self.json_patch(*item);
        }
        path.pop();
    }

    fn arguments(&mut self, items: &[Id]) {
        let yaml = self.yaml;
        let mut found = Vec::new();
        let mut base = 0;
        for item in items {
            let Some(text) = yaml.text(*item) else { continue };
            let line = yaml.line(*item);
            if base == 0 {
                base = line;
            }
            let splits = text.starts_with("--post-renderer ") || text.starts_with("--post-renderer-args ");
            let mut own = words(text);
            if !splits && own.len() != 1 {
                own = vec![Word::literal(text, 0)];
            }
            for word in &mut own {
                word.line = line - base;
            }
            found.extend(own);
        }
        calls::argument_list(&found, &Lines::From(base), self.place(), self.scope, self.facts);
    }

    /// `command: [sh, -c]` with `args: [...]`: one command.
    fn command_and_arguments(&mut self, id: Id) {
        if !self.pipes {
            return;
        }
        let yaml = self.yaml;
        let Some(command) = yaml.get(id, "command") else { return };
        let first = yaml.strings(command);
        // The program of a plugin that is a script of its own, or Windlass.
        let name = first.first().map(|name| name.rsplit('/').next().unwrap_or_default().to_owned()).unwrap_or_default();
        if name == "windlass" {
            let mut site = Site::new(yaml.line(command), "argocd", RendererRef::Program("windlass".to_owned()));
            site.arguments = first.iter().skip(1).cloned().collect();
            self.facts.add(site);
        } else if name.ends_with(".sh") || name.ends_with(".py") || name.ends_with(".bash") {
            self.context.remember_plugin(&name);
        }
        for item in yaml.get(id, "args").map(|args| yaml.strings(args)).unwrap_or_default().iter().chain(&first) {
            let last = item.trim().rsplit('/').next().unwrap_or_default();
            if last.ends_with(".sh") && !item.contains(' ') {
                self.context.remember_plugin(last);
            }
        }
    }

    fn scalar(&mut self, id: Id, text: &str, key: &str) {
        let has_flag = text.contains("--post-renderer");
        let helm_in_pipe =
            text.contains("helm") && text.contains("template") && (self.pipes || text.contains("kustomize"));
        let is_script = text.contains("helm") && text.contains(' ') || text.contains('\n');
        let is_yaml = text.contains(":\n") || text.contains(": ");
        let speaks = text.contains("postRender")
            || text.contains("ConfigManagementPlugin")
            || text.contains("strategicMergePatches")
            || text.contains("post_renderer");
        let is_plugin = key == "configManagementPlugins" || text.contains("ConfigManagementPlugin");
        if (speaks && is_yaml && text.contains('\n') || is_plugin)
            && self.context.nesting < MAX_NESTING
            && let Some(fragment) = self.yaml.block(id)
        {
            let first = fragment.lines.line(0);
            let mut context = self.context.deeper();
            context.kind = if is_plugin { "argocd" } else { self.kind };
            context.pipes = is_plugin;
            // A list of plugins or of patches, or a file of its own under its name.
            if !has_flag || is_plugin {
                scan(&fragment.text, first, &context, self.scope, self.facts);
                return;
            }
        }
        if !(has_flag || helm_in_pipe || is_script) {
            return;
        }
        let Some(fragment) = self.yaml.fragment(id) else { return };
        calls::nested(&fragment.text, &fragment.lines, self.place(), self.scope, self.facts, 0);
    }

    fn entry(&mut self, map: Id, key: Id, name: &str, value: Id, path: &[String]) {
        let plain = plain_name(name);
        let line = self.yaml.line(key);
        if self.kind == "helmfile"
            && matches!(name, "strategicMergePatches" | "jsonPatches" | "transformers" | "forceNamespace")
        {
            self.helmfile_patch(map, line, name, value);
            return;
        }
        if matches!(
            path.last().map(String::as_str),
            Some("properties" | "definitions" | "fields" | "inputs" | "parameters" | "options")
        ) && self.yaml.is_map(value)
        {
            return;
        }
        match plain.as_str() {
            "postrenderers" => self.post_renderers(line, value),
            "postrenderer"
            | "postrender"
            | "postrenderercommand"
            | "postrendererpath"
            | "postrendererbinary"
            | "postrenderercmd"
            | "postrendererplugin"
            | "helmpostrenderer"
            | "postrendererscript" => self.post_renderer(map, line, name, value),
            _ => {}
        }
    }

    /// Flux's list: each entry has kustomize's words.
    fn post_renderers(&mut self, line: usize, value: Id) {
        let yaml = self.yaml;
        let items = yaml.list(value);
        let is_kustomize = items.iter().any(|item| yaml.get(*item, "kustomize").is_some());
        if is_kustomize {
            let Some((text, first)) = yaml.raw(value) else { return };
            let inline = Inline::Kustomize { text, line: first, name: "postRenderers".to_owned() };
            let mut site =
                Site::new(line, if self.kind == "helmfile" { "helmfile" } else { "flux" }, RendererRef::Inline(inline));
            site.chart = yaml
                .at(self.root, &["spec", "chart", "spec", "chart"])
                .and_then(|chart| yaml.text(chart))
                .map(str::to_owned);
            self.facts.add(site);
            return;
        }
        for item in items {
            if let Some(text) = yaml.text(*item)
                && is_choice(text)
                && self.speaks_of_helm()
            {
                choose(text, yaml.line(*item), self.kind, &[], self.scope, self.facts);
            }
        }
        // `postRenderers: {{ toYaml .Values.postRenderers }}` in a chart of releases.
        if let Some(text) = yaml.text(value)
            && text.contains("{{")
            && self.kind == "flux"
        {
            let name = crate::audit::scope::template_name(text);
            self.facts.add(Site::new(line, "flux", RendererRef::Parameter(name)));
        }
    }

    fn post_renderer(&mut self, map: Id, line: usize, name: &str, value: Id) {
        let yaml = self.yaml;
        if !self.speaks_of_helm() {
            return;
        }
        let siblings =
            ["postRendererArgs", "post_renderer_args", "post-renderer-args", "postRenderArgs", "postRendererArguments"];
        let arguments: Vec<String> =
            siblings.iter().find_map(|name| yaml.get(map, name)).map(|value| yaml.strings(value)).unwrap_or_default();
        let before = self.facts.sites.len();
        if let Some(text) = yaml.text(value) {
            if is_choice(text) {
                choose(text, yaml.line(value), self.kind_of_entry(map, name), &arguments, self.scope, self.facts);
            }
        } else if yaml.is_map(value) {
            self.post_renderer_map(value, line);
        } else if let [program, rest @ ..] = yaml.list(value)
            && let Some(text) = yaml.text(*program)
        {
            // helmwave: a list of words.
            let arguments: Vec<String> = rest.iter().filter_map(|item| yaml.text(*item)).map(str::to_owned).collect();
            if is_choice(text) {
                choose(text, yaml.line(*program), self.kind_of_entry(map, name), &arguments, self.scope, self.facts);
            }
        }
        let chart = ["chart", "chart_ref", "chartRef", "chartName"]
            .iter()
            .find_map(|key| yaml.string(map, key))
            .map(str::to_owned);
        if let Some(chart) = chart {
            self.facts.sites.iter_mut().skip(before).for_each(|site| site.chart = Some(chart.clone()));
        }
    }

    fn post_renderer_map(&mut self, value: Id, line: usize) {
        let yaml = self.yaml;
        let program = [
            "command",
            "binary_path",
            "binaryPath",
            "cmd",
            "exec",
            "path",
            "executable",
            "script",
            "binary",
            "name",
            "plugin",
        ]
        .iter()
        .find_map(|key| yaml.get(value, key));
        if let Some(program) = program {
            let words = yaml.strings(program);
            let Some((first, rest)) = words.split_first() else { return };
            let mut arguments = rest.to_vec();
            if let Some(more) = ["args", "arguments"].iter().find_map(|key| yaml.get(value, key)) {
                arguments.extend(yaml.strings(more));
            }
            let at = yaml.list(program).first().map_or(yaml.line(program), |first| yaml.line(*first));
            if is_choice(first) {
                choose(first, at, self.kind, &arguments, self.scope, self.facts);
            }
            return;
        }
        let block = yaml.get(value, "kustomize").unwrap_or(value);
        let is_kustomize = [
            "patches",
            "images",
            "patchesStrategicMerge",
            "patchesJson6902",
            "namespace",
            "resources",
            "commonLabels",
            "labels",
            "replicas",
        ]
        .iter()
        .any(|key| yaml.get(block, key).is_some());
        if is_kustomize && let Some((text, first)) = yaml.raw(block) {
            let inline = Inline::Kustomize { text, line: first, name: "postRenderer".to_owned() };
            self.facts.add(Site::new(line, self.kind, RendererRef::Inline(inline)));
        }
    }

    fn kind_of_entry(&self, map: Id, name: &str) -> &'static str {
        let yaml = self.yaml;
        let is_module = ["chart_ref", "release_name", "release_namespace", "chart_repo_url"]
            .iter()
            .any(|key| yaml.get(map, key).is_some());
        match () {
            () if name == "post_renderer" && is_module => "ansible",
            () => self.kind,
        }
    }

    fn speaks_of_helm(&self) -> bool {
        self.context.speaks_of_helm
            || matches!(
                self.kind,
                "helmfile" | "helmwave" | "helmsman" | "helm-compose" | "ansible" | "flux" | "pulumi" | "terraform"
            )
    }

    fn helmfile_patch(&mut self, map: Id, line: usize, name: &str, value: Id) {
        let yaml = self.yaml;
        let is_release = yaml.get(map, "chart").is_some()
            || yaml.get(map, "name").is_some()
            || yaml.get(map, "<<").is_some()
            || yaml.get(map, "inherit").is_some();
        let is_empty = yaml.list(value).is_empty() && yaml.text(value).is_none_or(|text| text.trim().is_empty());
        if is_empty || !is_release && name != "forceNamespace" && yaml.map(map).is_empty() {
            return;
        }
        let text = match yaml.text(value) {
            Some(text) => format!("{name}: {text}\n"),
            None => {
                let (raw, _) = yaml.raw(value).unwrap_or_default();
                format!("{name}:\n{raw}\n")
            }
        };
        let inline = Inline::Kustomize { text, line, name: name.to_owned() };
        let mut site = Site::new(line, "helmfile", RendererRef::Inline(inline));
        site.chart = yaml.string(map, "chart").map(str::to_owned);
        self.facts.add(site);
    }

    /// `{op: add, path: /spec/postRenderers, value: [...]}`.
    fn json_patch(&mut self, item: Id) {
        let yaml = self.yaml;
        let Some((_, path)) = yaml.entry(item, "path") else { return };
        if !yaml.text(path).is_some_and(|text| text.starts_with("/spec/postRenderers"))
            || yaml.string(item, "op") == Some("remove")
        {
            return;
        }
        let Some(value) = yaml.get(item, "value") else { return };
        let (text, first) = yaml.raw(value).unwrap_or_default();
        let inline = Inline::Kustomize { text, line: first, name: "postRenderers".to_owned() };
        self.facts.add(Site::new(yaml.line(path), "flux", RendererRef::Inline(inline)));
    }

    fn fleet(&mut self, root: Id) {
        let yaml = self.yaml;
        if yaml.get(root, "helm").is_none() && !yaml.flat(root).contains("chart") {
            return;
        }
        let customizations = yaml.get(root, "targetCustomizations").map_or(&[][..], |list| yaml.list(list));
        for holder in std::iter::once(root).chain(customizations.iter().copied()) {
            if let Some((_, dir)) = yaml.get(holder, "kustomize").and_then(|map| yaml.entry(map, "dir"))
                && let Some(text) = yaml.text(dir)
            {
                let mut site = Site::new(yaml.line(dir), "fleet", RendererRef::Program(text.to_owned()));
                site.arguments = vec!["kustomize-dir".to_owned()];
                self.facts.add(site);
            }
        }
    }

    fn sveltos(&mut self) {
        self.kind = "sveltos";
        let yaml = self.yaml;
        let Some(spec) = yaml.get(self.root, "spec") else { return };
        if yaml.get(spec, "helmCharts").is_none() {
            return;
        }
        for name in ["patches", "patchesFrom"] {
            let Some((key, value)) = yaml.entry(spec, name) else { continue };
            if yaml.list(value).is_empty() {
                continue;
            }
            self.patches(name, yaml.line(key), value, "sveltos");
        }
    }

    fn crossplane(&mut self, root: Id) {
        self.kind = "crossplane";
        let yaml = self.yaml;
        let holder = yaml.at(root, &["spec", "forProvider"]).or_else(|| yaml.get(root, "spec"));
        let Some((key, value)) = holder.and_then(|holder| yaml.entry(holder, "patchesFrom")) else { return };
        if !yaml.list(value).is_empty() {
            self.patches("patchesFrom", yaml.line(key), value, "crossplane");
        }
    }

    /// Patches in place, or in ConfigMaps, which are looked for in the same file.
    fn patches(&mut self, name: &str, line: usize, value: Id, kind: &'static str) {
        let yaml = self.yaml;
        let mut text = format!("{name}:\n{}\n", yaml.raw(value).unwrap_or_default().0);
        let mut missing = None;
        if name == "patchesFrom" {
            text.clear();
            for item in yaml.list(value) {
                let reference =
                    yaml.get(*item, "configMapKeyRef").or_else(|| yaml.get(*item, "secretKeyRef")).unwrap_or(*item);
                let wanted = yaml.string(reference, "name").unwrap_or_default();
                match self.config_map(wanted) {
                    Some(found) => text.push_str(&found),
                    None => missing = Some(wanted.to_owned()),
                }
            }
        }
        let chosen = match missing {
            Some(name) if text.is_empty() => RendererRef::Program(format!("configmap/{name}")),
            _ => RendererRef::Inline(Inline::Kustomize { text, line, name: name.to_owned() }),
        };
        self.facts.add(Site::new(line, kind, chosen));
    }

    fn config_map(&self, name: &str) -> Option<String> {
        let yaml = self.yaml;
        let root = yaml.documents.iter().find(|root| {
            yaml.at(**root, &["metadata", "name"]).and_then(|id| yaml.text(id)) == Some(name)
                && yaml.get(**root, "data").is_some()
        })?;
        let data = yaml.get(*root, "data")?;
        let texts: Vec<&str> = yaml.map(data).iter().filter_map(|(_, value)| yaml.text(*value)).collect();
        Some(texts.join("\n---\n"))
    }
}

/// Whether a text can be the name of a program, and not a switch or a sentence.
pub(crate) fn is_choice(text: &str) -> bool {
    let text = text.trim();
    let plain = text.to_ascii_lowercase();
    !text.is_empty()
        && !matches!(
            plain.as_str(),
            "true"
                | "false"
                | "yes"
                | "no"
                | "none"
                | "null"
                | "~"
                | "0"
                | "1"
                | "on"
                | "off"
                | "string"
                | "object"
                | "array"
                | "disabled"
                | "enabled"
                | "\"\""
                | "''"
        )
        && text.len() < 4_096
        && (!text.contains(' ') || text.contains("{{") || text.contains("${") || text.split(' ').count() < 12)
        && !text.starts_with('<')
        && !text.ends_with('.')
}

/// Adds what a text names, its variables followed.
pub(crate) fn choose(
    text: &str,
    line: usize,
    kind: &'static str,
    arguments: &[String],
    scope: &Scope,
    facts: &mut Facts,
) {
    let found = words(text);
    let (word, more) = match found.split_first() {
        Some((first, rest)) if !text.contains("{{") => {
            (first.clone(), rest.iter().map(Word::source).collect::<Vec<_>>())
        }
        _ => {
            let mut parts = found.into_iter().flat_map(|word| word.parts).collect::<Vec<Part>>();
            if parts.len() > 1 && parts.iter().any(|part| matches!(part, Part::Template(inside) if inside.starts_with("if ") || inside == "end" || inside == "else")) {
                parts.retain(|part| !matches!(part, Part::Template(inside) if inside.starts_with("if ") || inside == "end" || inside == "else"));
            }
            (Word { parts, line: 0, quoted: true }, Vec::new())
        }
    };
    let mut word = word;
    word.line = 0;
    for value in scope.values(&word, line, None) {
        let (chosen, at) = match value {
            Value::Known { text, line } if is_choice(&text) => (RendererRef::Program(text.trim().to_owned()), line),
            Value::Known { .. } => continue,
            Value::Parameter { name, line } => (RendererRef::Parameter(name), line),
        };
        let mut site = Site::new(at, kind, chosen);
        site.arguments = more.iter().chain(arguments).cloned().collect();
        facts.add(site);
    }
}

/// The kind of a YAML file by its name and what it holds.
pub(crate) fn kind(path: &str, text: &str) -> &'static str {
    if let Some(kind) = kind_of_path(path) {
        return kind;
    }
    let has = |words: &[&str]| words.iter().all(|word| text.contains(word));
    let starts = |word: &str| text.lines().any(|line| line.starts_with(word));
    match () {
        () if has(&["helm.toolkit.fluxcd.io"]) || has(&["kustomize.toolkit.fluxcd.io"]) => "flux",
        () if has(&["ConfigManagementPlugin"]) || has(&["configManagementPlugins"]) || has(&["argoproj.io"]) => {
            "argocd"
        }
        () if has(&["projectsveltos.io"]) => "sveltos",
        () if has(&["helm.crossplane.io"]) => "crossplane",
        () if has(&["kubernetes.core.helm"])
            || has(&["community.kubernetes.helm"])
            || has(&["- hosts:"])
            || has(&["ansible.builtin"]) =>
        {
            "ansible"
        }
        () if has(&["kubernetes:helm.sh"]) => "pulumi",
        () if has(&["skaffold/v"]) => "skaffold",
        () if has(&["tekton.dev"]) => "tekton",
        () if starts("helmDefaults:") || starts("helmfiles:") || starts("releases:") && has(&["chart:"]) => "helmfile",
        () if starts("templates:") && has(&["postRenderer"]) => "helmfile",
        () => "yaml",
    }
}
