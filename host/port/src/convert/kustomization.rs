//! Kustomizations as pipelines, in the order in which kustomize's own transformers run.
//!
//! A kustomization that post-renders names the saved stream among its resources. What stands beside it is added; a base
//! without the stream is only taken when it adds objects and changes none, as its changes would hit the stream
//! otherwise.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use windlass_manifest::Value;

use super::files::{Files, folder, join};
use super::text::{escape, is_remote};
use super::value::{self, map, text};
use super::{Conversion, Refusal, Site};
use crate::audit::yaml::{Id, Yaml};

/// How deep bases and components are followed.
const MAX_DEPTH: usize = 8;
/// How many kustomizations one conversion reads.
const MAX_LAYERS: usize = 200;

/// Names that people save the stream under.
const STREAM_NAMES: &[&str] = &[
    "all",
    "base",
    "chart",
    "helm",
    "helm-output",
    "helm_output",
    "input",
    "manifest",
    "manifests",
    "output",
    "release",
    "rendered",
    "resources",
    "stdin",
    "template",
    "upstream",
    "in",
    "helm-all",
    "helm-rendered",
    "helm-manifests",
];

/// Keys that say nothing of what is done.
const SILENT: &[&str] = &["apiVersion", "kind", "metadata", "generatorOptions", "sortOptions", "buildMetadata"];

/// Converts the kustomization of that name. `saved` are the files that hold the stream; with none, a resource that is
/// not there does.
pub(super) fn convert(files: &Files, name: &str, saved: &[String], conversion: &mut Conversion) -> Result<(), Refusal> {
    let text = files
        .text(name)
        .map_err(|why| Refusal::new(format!("{name}: {why}"), "give a kustomization that can be read"))?;
    let before = conversion.steps.len();
    let mut reader = Reader { files, saved, conversion, layers: 0, has_stream: false };
    reader.layer(name, &text, 0, false);
    if conversion.steps.len() == before && conversion.missing.is_empty() {
        conversion.is_idle = true;
    }
    Ok(())
}

/// Converts what stands under Flux's `kustomize`, which has the same words.
pub(super) fn inline(yaml: &Yaml<'_>, id: Id, name: &str, files: &Files, conversion: &mut Conversion) {
    let mut reader = Reader { files, saved: &[], conversion, layers: 0, has_stream: true };
    let layer = Layer { yaml, root: id, name, folder: folder(name) };
    reader.transform(&layer);
    reader.unknown(&layer, &["patches", "patchesStrategicMerge", "patchesJson6902", "images"]);
}

/// Strategic merge patches and JSON patches by themselves, as helmfile has them.
pub(super) fn patches_of(
    yaml: &Yaml<'_>,
    entries: &[Id],
    key: &str,
    name: &str,
    files: &Files,
    conversion: &mut Conversion,
) {
    let mut reader = Reader { files, saved: &[], conversion, layers: 0, has_stream: true };
    let layer = Layer { yaml, root: 0, name, folder: folder(name) };
    let mut patches = Patches::default();
    for entry in entries {
        reader.patch(&layer, *entry, key, &mut patches);
    }
    patches.into_steps(reader.conversion);
}

/// Objects that are added to the release.
pub(super) fn add(site: &Site, path: &str, objects: &str, conversion: &mut Conversion) {
    let entries: Vec<Value> = match Value::documents_from_yaml(objects) {
        Ok(documents) => documents.into_iter().filter(|document| !document.is_null()).collect(),
        Err(error) => return conversion.miss(site, format!("`{path}` cannot be read: {error}")),
    };
    let entries: Vec<Value> = entries.into_iter().map(|object| Value::Map(map([("manifest", object)]))).collect();
    if !entries.is_empty() {
        conversion.step("resources", map([("resources", Value::List(entries))]));
    }
}

/// helmfile's `transformers`, which are kustomize's.
pub(super) fn transformers_of(yaml: &Yaml<'_>, entries: &[Id], name: &str, files: &Files, conversion: &mut Conversion) {
    let mut reader = Reader { files, saved: &[], conversion, layers: 0, has_stream: true };
    let layer = Layer { yaml, root: 0, name, folder: folder(name) };
    for entry in entries {
        reader.transformer(&layer, *entry);
    }
}

struct Reader<'r> {
    files: &'r Files,
    saved: &'r [String],
    conversion: &'r mut Conversion,
    layers: usize,
    has_stream: bool,
}

struct Layer<'l> {
    yaml: &'l Yaml<'l>,
    root: Id,
    name: &'l str,
    folder: &'l str,
}

impl Layer<'_> {
    fn site(&self, id: Id) -> Site {
        Site::new(self.name, self.yaml.line(id))
    }

    fn get(&self, key: &str) -> Option<Id> {
        self.yaml.get(self.root, key)
    }

    fn list(&self, key: &str) -> Vec<Id> {
        self.get(key).map(|id| self.yaml.list(id).to_vec()).unwrap_or_default()
    }

    fn is_true(&self, id: Id, path: &[&str]) -> bool {
        self.yaml.at(id, path).and_then(|id| self.yaml.text(id)) == Some("true")
    }
}

/// Patches in order; kustomize wants a match for those that name their object, and none for those with a target.
#[derive(Default)]
struct Patches {
    all: Vec<(Vec<(String, Value)>, bool)>,
}

impl Patches {
    fn into_steps(self, conversion: &mut Conversion) {
        let mut rest = self.all.into_iter().peekable();
        while let Some((first, has_target)) = rest.next() {
            let mut patches = vec![Value::Map(first)];
            while let Some((next, _)) = rest.next_if(|(_, next)| *next == has_target) {
                patches.push(Value::Map(next));
            }
            let mut config = map([("patches", Value::List(patches))]);
            if has_target {
                config.push(("onMissing".to_owned(), text("ignore")));
            }
            conversion.step("patcher", config);
        }
    }
}

impl Reader<'_> {
    fn layer(&mut self, name: &str, source: &str, depth: usize, is_component: bool) {
        self.layers += 1;
        if depth > MAX_DEPTH || self.layers > MAX_LAYERS {
            return self.conversion.miss(&Site::new(name, 1), "too many kustomizations refer to each other");
        }
        let yaml = Yaml::read(source, 1);
        for line in &yaml.unread {
            self.conversion.miss(&Site::new(name, *line), "it cannot be read as YAML");
        }
        let Some(root) = yaml.documents.first().copied() else { return };
        for more in yaml.documents.iter().skip(1) {
            self.conversion.miss(&Site::new(name, yaml.line(*more)), "a second document, which kustomize refuses");
        }
        let layer = Layer { yaml: &yaml, root, name, folder: folder(name) };
        let streamless = !self.has_stream && !is_component;
        for key in ["resources", "bases"] {
            for entry in layer.list(key) {
                self.resource(&layer, entry, depth);
            }
        }
        if depth == 0 && streamless && !self.has_stream {
            // Nobody says which file is the stream: the pipeline gets it in any case.
            self.has_stream = true;
        }
        self.generators(&layer);
        for entry in layer.list("components") {
            self.component(&layer, entry, depth);
        }
        self.transform(&layer);
        self.unknown(
            &layer,
            &[
                "resources",
                "bases",
                "components",
                "configMapGenerator",
                "secretGenerator",
                "patches",
                "patchesStrategicMerge",
                "patchesJson6902",
                "namespace",
                "namePrefix",
                "nameSuffix",
                "labels",
                "commonLabels",
                "commonAnnotations",
                "replicas",
                "images",
                "transformers",
            ],
        );
    }

    fn unknown(&mut self, layer: &Layer<'_>, known: &[&str]) {
        for (key, value) in layer.yaml.map(layer.root) {
            let Some(name) = layer.yaml.text(*key) else { continue };
            let is_empty = layer.yaml.text(*value) == Some("")
                || (layer.yaml.is_list(*value) && layer.yaml.list(*value).is_empty());
            if known.contains(&name) || SILENT.contains(&name) || is_empty {
                continue;
            }
            let what = match name {
                "helmCharts" | "helmChartInflationGenerator" => {
                    "renders a chart of its own; add it as a release of its own"
                }
                "vars" | "replacements" => {
                    "copies values from one object to others: `resources` and `expression` do parts of it"
                }
                "generators" | "transformers" | "validators" => "names plugins of kustomize",
                "configurations" | "crds" | "openapi" => "changes which fields kustomize knows",
                _ => "is no field of kustomize that is known here",
            };
            self.conversion.miss(&layer.site(*key), format!("`{name}` {what}"));
        }
    }

    fn resource(&mut self, layer: &Layer<'_>, entry: Id, depth: usize) {
        let site = layer.site(entry);
        let Some(entry) = layer.yaml.text(entry) else {
            return self.conversion.miss(&site, "a resource that is no path");
        };
        if is_remote(entry) {
            return self.conversion.miss(&site, format!("`{entry}` is read from the network"));
        }
        let Some(path) = join(layer.folder, entry) else {
            return self.conversion.miss(&site, format!("`{entry}` is outside of the tree"));
        };
        let base = path.rsplit('/').next().unwrap_or_default();
        let stem = base.rsplit_once('.').map_or(base, |(stem, _)| stem);
        if self.saved.contains(&path) {
            self.has_stream = true;
        } else if self.files.is_folder(&path) {
            self.base(&site, &path, depth);
        } else if self.files.is_file(&path) {
            if self.saved.is_empty() && !self.has_stream && STREAM_NAMES.contains(&stem) {
                self.has_stream = true;
                return;
            }
            match self.files.text(&path) {
                Ok(objects) => add(&site, &path, &objects, self.conversion),
                Err(why) => self.conversion.miss(&site, format!("`{entry}`: {why}")),
            }
        } else if self.saved.is_empty() && !self.has_stream {
            self.has_stream = true;
        } else {
            self.conversion.miss(&site, format!("`{entry}` is not there"));
        }
    }

    fn base(&mut self, site: &Site, path: &str, depth: usize) {
        let Some((name, source)) = self.files.kustomization(path) else {
            return self.conversion.miss(site, format!("`{path}` has no kustomization"));
        };
        let had_stream = std::mem::take(&mut self.has_stream);
        let before = self.conversion.steps.len();
        self.layer(&name, &source, depth + 1, false);
        let changes = self.conversion.steps.iter().skip(before).any(|step| step.plugin != "resources");
        if changes && (!self.has_stream || had_stream) {
            // Its changes are for its own objects alone, and a pipeline would apply them to all.
            self.conversion.steps.truncate(before);
            self.conversion.miss(
                site,
                format!("the base `{path}` changes objects of its own, which no pipeline can tell from the others"),
            );
        }
        self.has_stream |= had_stream;
    }

    fn component(&mut self, layer: &Layer<'_>, entry: Id, depth: usize) {
        let site = layer.site(entry);
        let Some(path) = layer.yaml.text(entry) else {
            return self.conversion.miss(&site, "a component that is no path");
        };
        if is_remote(path) {
            return self.conversion.miss(&site, format!("`{path}` is read from the network"));
        }
        let found = join(layer.folder, path).and_then(|path| self.files.kustomization(&path));
        match found {
            Some((name, source)) => self.layer(&name, &source, depth + 1, true),
            None => self.conversion.miss(&site, format!("the component `{path}` is not there")),
        }
    }

    fn generators(&mut self, layer: &Layer<'_>) {
        for (key, kind) in [("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")] {
            for entry in layer.list(key) {
                self.generator(layer, entry, kind);
            }
        }
    }

    fn generator(&mut self, layer: &Layer<'_>, entry: Id, kind: &str) {
        let site = layer.site(entry);
        let yaml = layer.yaml;
        let Some(name) = yaml.string(entry, "name") else {
            return self.conversion.miss(&site, "a generator without a name");
        };
        let behavior = yaml.string(entry, "behavior").unwrap_or("create");
        let is_plain = layer.is_true(entry, &["options", "disableNameSuffixHash"])
            || layer.is_true(layer.root, &["generatorOptions", "disableNameSuffixHash"]);
        if !is_plain && behavior == "create" {
            let what = format!(
                "the name of the {kind} `{name}` gets a hash of its content: write it with `disableNameSuffixHash`, and use `checksum` to restart pods"
            );
            return self.conversion.miss(&site, what);
        }
        let data = match self.data(layer, entry, kind) {
            Ok(data) => data,
            Err(what) => return self.conversion.miss(&site, what),
        };
        let mut metadata = map([("name", text(name))]);
        if let Some(namespace) = yaml.string(entry, "namespace") {
            metadata.push(("namespace".to_owned(), text(namespace)));
        }
        for key in ["labels", "annotations"] {
            let mut texts =
                yaml.at(layer.root, &["generatorOptions", key]).map(|id| value::texts(yaml, id)).unwrap_or_default();
            texts.extend(yaml.at(entry, &["options", key]).map(|id| value::texts(yaml, id)).unwrap_or_default());
            if !texts.is_empty() {
                metadata.push((key.to_owned(), Value::Map(texts)));
            }
        }
        let mut object = map([("apiVersion", text("v1")), ("kind", text(kind)), ("metadata", Value::Map(metadata))]);
        if kind == "Secret" && behavior == "create" {
            object.push(("type".to_owned(), text(yaml.string(entry, "type").unwrap_or("Opaque"))));
        }
        object.push(("data".to_owned(), Value::Map(data)));
        match behavior {
            "create" => {
                let entry = Value::Map(map([("manifest", Value::Map(object))]));
                self.conversion.step("resources", map([("resources", Value::List(vec![entry]))]));
            }
            "merge" => {
                let patch = Value::Map(map([("patch", Value::Map(object))]));
                self.conversion.step("patcher", map([("patches", Value::List(vec![patch]))]));
            }
            other => self.conversion.miss(&site, format!("a generator with `behavior: {other}`")),
        }
    }

    fn data(&mut self, layer: &Layer<'_>, entry: Id, kind: &str) -> Result<Vec<(String, Value)>, String> {
        let yaml = layer.yaml;
        let mut pairs: Vec<(String, String)> = Vec::new();
        let strings = |key: &str| yaml.get(entry, key).map(|id| yaml.strings(id)).unwrap_or_default();
        for literal in strings("literals") {
            let (key, content) = literal.split_once('=').ok_or_else(|| format!("`{literal}` is no key=value"))?;
            pairs.push((key.to_owned(), content.trim_matches(['"', '\'']).to_owned()));
        }
        for file in strings("files") {
            let base = file.rsplit('/').next().unwrap_or_default();
            let (key, path) = file.split_once('=').unwrap_or((base, &file));
            let path = join(layer.folder, path).ok_or_else(|| format!("`{path}` is outside of the tree"))?;
            let content = self.files.text(&path).map_err(|why| format!("`{path}`: {why}"))?;
            pairs.push((key.to_owned(), content));
        }
        let mut envs = strings("envs");
        envs.extend(strings("env"));
        for file in envs {
            let path = join(layer.folder, &file).ok_or_else(|| format!("`{file}` is outside of the tree"))?;
            let content = self.files.text(&path).map_err(|why| format!("`{path}`: {why}"))?;
            for line in content.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
                let (key, content) =
                    line.split_once('=').ok_or_else(|| format!("`{path}` has a variable without a value"))?;
                pairs.push((key.to_owned(), content.to_owned()));
            }
        }
        pairs.sort();
        let encode = |content: String| if kind == "Secret" { STANDARD.encode(content) } else { content };
        Ok(pairs.into_iter().map(|(key, content)| (key, Value::String(encode(content)))).collect())
    }

    fn transform(&mut self, layer: &Layer<'_>) {
        let mut patches = Patches::default();
        for key in ["patchesStrategicMerge", "patches"] {
            for entry in layer.list(key) {
                self.patch(layer, entry, key, &mut patches);
            }
        }
        patches.into_steps(self.conversion);
        self.namespace(layer);
        self.affixes(layer);
        self.labels(layer);
        let mut patches = Patches::default();
        for entry in layer.list("patchesJson6902") {
            self.patch(layer, entry, "patchesJson6902", &mut patches);
        }
        patches.into_steps(self.conversion);
        self.replicas(layer);
        self.images(layer);
        for entry in layer.list("transformers") {
            self.transformer(layer, entry);
        }
    }

    /// A transformer of kustomize's own: its configuration as a map, as text, or in a file.
    fn transformer(&mut self, layer: &Layer<'_>, entry: Id) {
        let site = layer.site(entry);
        let Some(written) = layer.yaml.text(entry) else {
            let layer = Layer { root: entry, ..*layer };
            return self.builtin(&layer, &site);
        };
        if written.contains('\n') {
            return self.transformers(written, layer.name, site.line, layer.folder);
        }
        if is_remote(written) {
            return self.conversion.miss(&site, format!("`{written}` is read from the network"));
        }
        let found = join(layer.folder, written).ok_or_else(|| "it is outside of the tree".to_owned());
        match found.and_then(|path| Ok((self.files.text(&path)?, path))) {
            Ok((text, path)) => self.transformers(&text, &path, 0, layer.folder),
            Err(why) => self.conversion.miss(&site, format!("the transformer `{written}`: {why}")),
        }
    }

    fn transformers(&mut self, text: &str, name: &str, above: usize, folder: &str) {
        let yaml = Yaml::read(text, above + 1);
        for line in &yaml.unread {
            self.conversion.miss(&Site::new(name, *line), "it cannot be read as YAML");
        }
        for root in &yaml.documents {
            let layer = Layer { yaml: &yaml, root: *root, name, folder };
            self.builtin(&layer, &layer.site(*root));
        }
    }

    fn builtin(&mut self, layer: &Layer<'_>, site: &Site) {
        let (yaml, root) = (layer.yaml, layer.root);
        let kind = yaml.string(root, "kind").unwrap_or_default();
        if yaml.string(root, "apiVersion") != Some("builtin") {
            return self.conversion.miss(site, format!("the transformer `{kind}` is a plugin of kustomize"));
        }
        let fields: Vec<(&str, bool)> = layer
            .list("fieldSpecs")
            .into_iter()
            .map(|spec| {
                let is_plain = yaml.string(spec, "kind").is_none() && yaml.string(spec, "group").is_none();
                (yaml.string(spec, "path").filter(|_| is_plain).unwrap_or_default(), layer.is_true(spec, &["create"]))
            })
            .collect();
        let is_only = |path: &str, must_create: bool| matches!(fields.as_slice(), [(only, creates)] if *only == path && (*creates || !must_create));
        let own_fields = format!("`{kind}` in fields of its own");
        match kind {
            "LabelTransformer" | "AnnotationsTransformer" => {
                let key = if kind == "LabelTransformer" { "labels" } else { "annotations" };
                let texts = layer.get(key).map(|id| value::texts(yaml, id)).unwrap_or_default();
                if !is_only(&format!("metadata/{key}"), true) {
                    return self.conversion.miss(site, own_fields);
                }
                self.conversion
                    .step("label-injector", map([(key, Value::Map(texts)), ("podTemplates", Value::Bool(false))]));
            }
            "NamespaceTransformer" => {
                if !fields.is_empty() && !is_only("metadata/namespace", false) {
                    return self.conversion.miss(site, own_fields);
                }
                let namespace = yaml.string(root, "namespace");
                let named = yaml.at(root, &["metadata", "namespace"]).and_then(|id| yaml.text(id)).or(namespace);
                match named {
                    Some(namespace) => self.conversion.step("namespace", map([("namespace", text(namespace))])),
                    None => self.conversion.miss(site, "a namespace without a name"),
                }
            }
            "PrefixTransformer" | "SuffixTransformer" | "PrefixSuffixTransformer" => {
                if !is_only("metadata/name", false) {
                    return self.conversion.miss(site, own_fields);
                }
                let affixes = [("prefix", "namePrefix"), ("suffix", "nameSuffix")];
                let config = affixes
                    .into_iter()
                    .filter_map(|(key, name)| Some((name.to_owned(), text(yaml.string(root, key)?))));
                self.conversion.step("rename", config.collect());
            }
            "ImageTagTransformer" => match layer.get("imageTag").and_then(|id| value::of(yaml, id)) {
                Some(Value::Map(image)) if fields.is_empty() => {
                    let image = image.into_iter().map(|(key, value)| match value {
                        Value::Number(number) => (key, Value::String(number)),
                        value => (key, value),
                    });
                    self.conversion.step("images", map([("images", Value::List(vec![Value::Map(image.collect())]))]));
                }
                _ => self.conversion.miss(site, own_fields),
            },
            "PatchTransformer" => {
                let mut patches = Patches::default();
                self.patch(layer, root, "patches", &mut patches);
                patches.into_steps(self.conversion);
            }
            "PatchStrategicMergeTransformer" => {
                let mut patches = Patches::default();
                for entry in layer.list("paths").into_iter().chain(layer.get("patches")) {
                    self.patch(layer, entry, "patchesStrategicMerge", &mut patches);
                }
                patches.into_steps(self.conversion);
            }
            _ => self.conversion.miss(site, format!("the transformer `{kind}` is not known here")),
        }
    }

    /// An entry of one of the lists of patches.
    fn patch(&mut self, layer: &Layer<'_>, entry: Id, key: &str, patches: &mut Patches) {
        let site = layer.site(entry);
        let yaml = layer.yaml;
        let is_json = matches!(key, "patchesJson6902" | "jsonPatches");
        if matches!(key, "patchesStrategicMerge" | "strategicMergePatches") {
            let Some(patch) = self.patch_value(layer, entry, None) else { return };
            return patches.all.push((map([("patch", patch)]), false));
        }
        if yaml.get(entry, "options").is_some_and(|options| {
            layer.is_true(options, &["allowNameChange"]) || layer.is_true(options, &["allowKindChange"])
        }) {
            self.conversion.miss(&site, "a patch that may change names and kinds: see the plugin `rename`");
        }
        let inner = yaml
            .get(entry, "path")
            .map(|path| (path, true))
            .or_else(|| yaml.get(entry, "patch").map(|patch| (patch, false)));
        let Some((inner, is_path)) = inner else {
            return self.conversion.miss(&site, "a patch without `patch` and `path`");
        };
        let Some(patch) = self.patch_value(layer, inner, Some(is_path)) else { return };
        let target = yaml.get(entry, "target").and_then(|target| value::of(yaml, target));
        let mut config = map([("patch", patch)]);
        let has_target = target.is_some();
        if let Some(Value::Map(target)) = target {
            // Old JSON patches name one object by its exact name.
            let target = target.into_iter().map(|(key, value)| match value {
                Value::String(name) if is_json && key == "name" => (key, Value::String(escape(&name))),
                value => (key, value),
            });
            config.push(("target".to_owned(), Value::Map(target.collect())));
        } else if is_json {
            return self.conversion.miss(&site, "a JSON patch without a target");
        }
        patches.all.push((config, has_target));
    }

    /// A patch's text or value; `is_path`: whether a text names a file, none where the text itself tells.
    fn patch_value(&mut self, layer: &Layer<'_>, id: Id, is_path: Option<bool>) -> Option<Value> {
        let site = layer.site(id);
        let Some(written) = layer.yaml.text(id) else {
            let found = value::of(layer.yaml, id);
            if found.is_none() {
                self.conversion.miss(&site, "a patch that is too large");
            }
            return found;
        };
        let is_path = is_path.unwrap_or(!written.contains('\n') && !written.contains(": ") && !written.contains('{'));
        if !is_path {
            return Some(self.shaped(written));
        }
        if is_remote(written) {
            self.conversion.miss(&site, format!("the patch `{written}` is read from the network"));
            return None;
        }
        let found = join(layer.folder, written).ok_or_else(|| "it is outside of the tree".to_owned());
        match found.and_then(|path| self.files.text(&path)) {
            Ok(patch) if patch.contains("{{") => {
                self.conversion.miss(&site, format!("the patch `{written}` is a template"));
                None
            }
            Ok(patch) => Some(self.shaped(&patch)),
            Err(why) => {
                self.conversion.miss(&site, format!("the patch `{written}`: {why}"));
                None
            }
        }
    }

    /// A patch of one document as a value, which people read more easily than text in text.
    fn shaped(&self, patch: &str) -> Value {
        match Value::documents_from_yaml(patch) {
            Ok(mut documents) if documents.len() == 1 => documents.pop().unwrap_or_default(),
            _ => text(patch),
        }
    }

    fn namespace(&mut self, layer: &Layer<'_>) {
        let Some(namespace) = layer.get("namespace").and_then(|id| layer.yaml.text(id)).filter(|name| !name.is_empty())
        else {
            return;
        };
        self.conversion.better(
            "Namespace objects keep their names, and the subjects of bindings follow their ServiceAccounts.",
            "`namespaceObjects: rename` in the plugin namespace.",
        );
        self.conversion.step("namespace", map([("namespace", text(namespace))]));
    }

    fn affixes(&mut self, layer: &Layer<'_>) {
        let mut config = Vec::new();
        for key in ["namePrefix", "nameSuffix"] {
            if let Some(affix) = layer.get(key).and_then(|id| layer.yaml.text(id)).filter(|affix| !affix.is_empty()) {
                config.push((key.to_owned(), text(affix)));
            }
        }
        if !config.is_empty() {
            self.conversion.better(
                "Names get a prefix or suffix once, however often the pipeline runs.",
                "run the program kustomize with the overlay instead.",
            );
            self.conversion.step("rename", config);
        }
    }

    fn labels(&mut self, layer: &Layer<'_>) {
        if let Some(labels) = layer.get("commonLabels") {
            self.label(value::texts(layer.yaml, labels), true, true);
        }
        for entry in layer.list("labels") {
            if let Some(fields) = layer.yaml.get(entry, "fields") {
                self.conversion.miss(&layer.site(fields), "labels in fields of one's own");
            }
            let Some(pairs) = layer.yaml.get(entry, "pairs") else { continue };
            let in_selectors = layer.is_true(entry, &["includeSelectors"]);
            let in_templates = in_selectors || layer.is_true(entry, &["includeTemplates"]);
            self.label(value::texts(layer.yaml, pairs), in_templates, in_selectors);
        }
        if let Some(annotations) = layer.get("commonAnnotations") {
            let annotations = value::texts(layer.yaml, annotations);
            if !annotations.is_empty() {
                let config = map([("annotations", Value::Map(annotations)), ("podTemplates", Value::Bool(true))]);
                self.conversion.step("label-injector", config);
            }
        }
    }

    fn label(&mut self, labels: Vec<(String, Value)>, in_templates: bool, in_selectors: bool) {
        if labels.is_empty() {
            return;
        }
        if in_templates || in_selectors {
            self.conversion.better(
                "Labels are not put into selectors and volume claim templates, which no upgrade can change.",
                "run the program kustomize with the overlay instead.",
            );
        }
        let config = map([("labels", Value::Map(labels)), ("podTemplates", Value::Bool(in_templates))]);
        self.conversion.step("label-injector", config);
    }

    fn replicas(&mut self, layer: &Layer<'_>) {
        let mut patches = Vec::new();
        for entry in layer.list("replicas") {
            let (name, count) = (layer.yaml.string(entry, "name"), layer.yaml.get(entry, "count"));
            let count = count.and_then(|count| value::of(layer.yaml, count));
            let (Some(name), Some(count @ Value::Number(_))) = (name, count) else {
                self.conversion.miss(&layer.site(entry), "replicas without a name and a number");
                continue;
            };
            let operation = map([("op", text("add")), ("path", text("/spec/replicas")), ("value", count)]);
            let target = map([
                ("kind", text("Deployment|ReplicaSet|ReplicationController|StatefulSet")),
                ("name", text(&escape(name))),
            ]);
            patches.push(Value::Map(map([
                ("target", Value::Map(target)),
                ("patch", Value::List(vec![Value::Map(operation)])),
            ])));
        }
        if !patches.is_empty() {
            self.conversion.step("patcher", map([("patches", Value::List(patches))]));
        }
    }

    fn images(&mut self, layer: &Layer<'_>) {
        let mut images = Vec::new();
        for entry in layer.list("images") {
            let Some(Value::Map(image)) = value::of(layer.yaml, entry) else {
                self.conversion.miss(&layer.site(entry), "an image that is no map");
                continue;
            };
            let image = image.into_iter().map(|(key, value)| match value {
                // A tag such as 1.29 is a text, whatever YAML says.
                Value::Number(number) => (key, Value::String(number)),
                Value::Bool(flag) => (key, Value::String(flag.to_string())),
                value => (key, value),
            });
            images.push(Value::Map(image.collect()));
        }
        if !images.is_empty() {
            self.conversion.step("images", map([("images", Value::List(images))]));
        }
    }
}
