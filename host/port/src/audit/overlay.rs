//! Kustomizations and patches in kustomize's words, as plugins would say them.

use super::deeds::{self, Deed};
use super::profile::{Behaviour, once};
use super::yaml::{Id, Yaml};

const MAX_NESTING: usize = 8;

/// How a kustomization's files are read: by their names relative to its folder.
pub(crate) type Files<'f> = &'f dyn Fn(&str) -> Option<String>;

/// Reads a kustomization, or any text in its words (Flux's `postRenderers`, helmfile's patches). `saved` are the files
/// that hold the stream itself.
pub(crate) fn of_text(
    text: &str,
    folder: &str,
    saved: &[String],
    files: Files<'_>,
    behaviour: &mut Behaviour,
    nesting: usize,
) {
    if nesting > MAX_NESTING {
        return;
    }
    let yaml = Yaml::read(text, 1);
    let before = behaviour.deeds.len();
    let mut resources = 0usize;
    for root in &yaml.documents {
        let mut reader = Reader { yaml: &yaml, folder, saved, files, behaviour, nesting, resources: 0 };
        reader.any(*root, 0);
        resources += reader.resources;
    }
    if !yaml.unread.is_empty() || yaml.documents.is_empty() {
        // HCL's objects, or a template that is no YAML: its words.
        words_of_lines(text, behaviour);
    }
    let changed = behaviour.deeds.len() > before;
    if !changed && behaviour.deeds.is_empty() && behaviour.missing.is_empty() && resources <= saved.len().max(1) {
        behaviour.is_nothing = true;
    } else if changed {
        behaviour.is_nothing = false;
    }
}

fn words_of_lines(text: &str, behaviour: &mut Behaviour) {
    if text.contains("$patch") && text.contains("delete") {
        deeds::add(&mut behaviour.deeds, Deed::Select);
    }
    if text.contains("newTag") || text.contains("newName") || text.contains("digest:") {
        deeds::add(&mut behaviour.deeds, Deed::Images);
    }
    deeds::of_words(text, &mut behaviour.deeds);
    if behaviour.deeds.is_empty() && text.contains("patch") {
        deeds::add(&mut behaviour.deeds, Deed::Patch);
    }
}

struct Reader<'r, 'y> {
    yaml: &'r Yaml<'y>,
    folder: &'r str,
    saved: &'r [String],
    files: Files<'r>,
    behaviour: &'r mut Behaviour,
    nesting: usize,
    resources: usize,
}

impl Reader<'_, '_> {
    fn deed(&mut self, deed: Deed) {
        deeds::add(&mut self.behaviour.deeds, deed);
    }

    fn any(&mut self, id: Id, depth: usize) {
        if depth > 10 {
            return;
        }
        let yaml = self.yaml;
        for item in yaml.list(id) {
            // Flux: `- kustomize: {patches: ...}`; a list of patches or of JSON 6902 operations.
            if let Some(inner) = yaml.get(*item, "kustomize") {
                self.any(inner, depth + 1);
            } else if yaml.get(*item, "op").is_some() {
                self.operation(*item);
            } else if yaml.get(*item, "patch").is_some() || yaml.get(*item, "target").is_some() {
                self.patch_entry(*item);
            } else if yaml.is_map(*item) {
                self.any(*item, depth + 1);
            }
        }
        if yaml.get(id, "kind").is_some()
            && yaml.get(id, "metadata").is_some()
            && yaml.string(id, "kind") != Some("Kustomization")
        {
            self.object_patch(id);
            return;
        }
        let entries: Vec<(String, Id)> =
            yaml.map(id).iter().filter_map(|(key, value)| Some((yaml.text(*key)?.to_owned(), *value))).collect();
        for (key, value) in entries {
            self.field(&key, value);
        }
    }

    fn field(&mut self, key: &str, value: Id) {
        let yaml = self.yaml;
        let is_empty = yaml.list(value).is_empty()
            && yaml.map(value).is_empty()
            && yaml.text(value).is_none_or(|text| text.trim().is_empty());
        if is_empty {
            return;
        }
        match key {
            "patches" | "patchesStrategicMerge" | "patchesJson6902" | "strategicMergePatches" | "jsonPatches" => {
                let items = yaml.list(value).to_vec();
                for item in items {
                    self.patch_entry(item);
                }
                if yaml.list(value).is_empty() {
                    let flat = yaml.flat(value);
                    words_of_lines(&flat, self.behaviour);
                }
            }
            "images" => self.images(value),
            "labels" => self.labels(value),
            "commonLabels" => {
                self.labels(value);
                once(
                    &mut self.behaviour.defects,
                    "`commonLabels` also changes selectors, which are immutable: the upgrade fails",
                );
            }
            "commonAnnotations" => {
                self.deed(Deed::Annotations);
                self.pairs("annotations", value);
            }
            "namespace" | "forceNamespace" => {
                self.deed(Deed::Namespace);
                let name = yaml.text(value).unwrap_or_default().to_owned();
                once(&mut self.behaviour.config, format!("namespace: {name}"));
                once(
                    &mut self.behaviour.defects,
                    "kustomize's `namespace` also renames Namespace objects and leaves some bindings pointing nowhere",
                );
            }
            "namePrefix" | "nameSuffix" => self.deed(Deed::Rename),
            "replicas" => self.deed(Deed::Patch),
            "configMapGenerator" | "secretGenerator" => self.deed(Deed::Resources),
            "replacements" | "vars" => self.deed(Deed::Expression),
            "resources" | "bases" => self.listed(value),
            "components" => self.components(value),
            "transformers" => self.transformers(value),
            "generators" | "helmCharts" | "helmChartInflationGenerator" | "validators" => {
                self.behaviour.is_own = true;
                once(
                    &mut self.behaviour.config,
                    format!("# `{key}` has no plugin: the sandboxed kustomize program with this overlay"),
                );
            }
            _ => {}
        }
    }

    fn images(&mut self, value: Id) {
        self.deed(Deed::Images);
        let yaml = self.yaml;
        for item in yaml.list(value) {
            let name = yaml.string(*item, "name").unwrap_or_default();
            let to = yaml.string(*item, "newName").unwrap_or(name);
            let tag = yaml.string(*item, "newTag").or_else(|| yaml.string(*item, "digest")).unwrap_or_default();
            once(
                &mut self.behaviour.config,
                format!("images: {name} -> {to}{}{tag}", if tag.is_empty() { "" } else { ":" }),
            );
        }
    }

    fn labels(&mut self, value: Id) {
        self.deed(Deed::Labels);
        let yaml = self.yaml;
        for item in yaml.list(value).to_vec() {
            if let Some(pairs) = yaml.get(item, "pairs") {
                self.pairs("labels", pairs);
            }
            if yaml.string(item, "includeSelectors") == Some("true") {
                once(
                    &mut self.behaviour.defects,
                    "`includeSelectors` changes selectors, which are immutable: the upgrade fails",
                );
            }
            if yaml.string(item, "includeTemplates") == Some("true") {
                once(
                    &mut self.behaviour.defects,
                    "`includeTemplates` also labels claim templates, which are immutable: the upgrade of a StatefulSet fails",
                );
            }
        }
        self.pairs("labels", value);
    }

    fn pairs(&mut self, key: &str, value: Id) {
        let yaml = self.yaml;
        for (name, value) in yaml.map(value).to_vec() {
            if let (Some(name), Some(value)) = (yaml.text(name), yaml.text(value)) {
                once(&mut self.behaviour.config, format!("{key}: {{{name}: {value}}}"));
            }
        }
    }

    fn path(&self, name: &str) -> String {
        let name = name.trim().trim_start_matches("./");
        if self.folder.is_empty() { name.to_owned() } else { format!("{}/{name}", self.folder) }
    }

    /// Files and folders that a kustomization takes in.
    fn listed(&mut self, value: Id) {
        let yaml = self.yaml;
        for item in yaml.list(value) {
            let Some(name) = yaml.text(*item).map(str::to_owned) else { continue };
            self.resources += 1;
            let last = name.rsplit('/').next().unwrap_or_default().to_owned();
            if self.saved.iter().any(|saved| saved.rsplit('/').next() == Some(&last)) {
                continue;
            }
            if name.contains("://") || name.starts_with("github.com/") {
                once(&mut self.behaviour.needs.network, name.clone());
                once(&mut self.behaviour.keeps, format!("takes `{name}` from the network"));
                continue;
            }
            let path = self.path(&name);
            if let Some(text) = (self.files)(&path) {
                let helm_output =
                    ["all.yaml", "helm.yaml", "manifests.yaml", "rendered.yaml", "base.yaml", "output.yaml"]
                        .contains(&last.as_str());
                let is_object = text.contains("kind:");
                if is_object && !helm_output {
                    self.deed(Deed::Resources);
                    once(&mut self.behaviour.needs.files, path.clone());
                }
                continue;
            }
            let inner = kustomization(&path, self.files);
            if let Some((text, folder)) = inner {
                let nesting = self.nesting + 1;
                of_text(&text, &folder, self.saved, self.files, self.behaviour, nesting);
            }
        }
    }

    fn components(&mut self, value: Id) {
        let yaml = self.yaml;
        for item in yaml.list(value) {
            let Some(name) = yaml.text(*item).map(str::to_owned) else { continue };
            match kustomization(&self.path(&name), self.files) {
                Some((text, folder)) => {
                    let nesting = self.nesting + 1;
                    of_text(&text, &folder, self.saved, self.files, self.behaviour, nesting);
                }
                None => once(&mut self.behaviour.missing, name),
            }
        }
    }

    fn transformers(&mut self, value: Id) {
        let yaml = self.yaml;
        let mut texts = Vec::new();
        for item in yaml.list(value) {
            match yaml.text(*item) {
                Some(name) if !name.contains('\n') => match (self.files)(&self.path(name)) {
                    Some(text) => texts.push(text),
                    None => once(&mut self.behaviour.missing, name),
                },
                Some(text) => texts.push(text.to_owned()),
                None => texts.push(yaml.flat(*item)),
            }
        }
        if yaml.list(value).is_empty() {
            texts.push(yaml.flat(value));
        }
        for text in texts {
            let kinds = [
                ("LabelTransformer", Deed::Labels),
                ("AnnotationsTransformer", Deed::Annotations),
                ("AnnotationTransformer", Deed::Annotations),
                ("NamespaceTransformer", Deed::Namespace),
                ("PrefixTransformer", Deed::Rename),
                ("SuffixTransformer", Deed::Rename),
                ("PrefixSuffixTransformer", Deed::Rename),
                ("ImageTagTransformer", Deed::Images),
                ("ImageTransformer", Deed::Images),
                ("ReplicaCountTransformer", Deed::Patch),
            ];
            let mut known = false;
            for (kind, deed) in kinds {
                if text.contains(kind) {
                    self.deed(deed);
                    known = true;
                }
            }
            if text.contains("PatchTransformer")
                || text.contains("PatchJson6902Transformer")
                || text.contains("PatchStrategicMergeTransformer")
            {
                known = true;
                let before = self.behaviour.deeds.len();
                patch(&text, self.behaviour);
                if self.behaviour.deeds.len() == before {
                    self.deed(Deed::Patch);
                }
            }
            if !known {
                self.behaviour.is_own = true;
                self.deed(Deed::Patch);
            }
        }
    }

    /// An entry of `patches`: a file, a text, or both with a target.
    fn patch_entry(&mut self, item: Id) {
        let yaml = self.yaml;
        if let Some(text) = yaml.text(item).map(str::to_owned) {
            return self.patch_text(&text);
        }
        if let Some(target) = yaml.get(item, "target")
            && let Some(kind) = yaml.string(target, "kind")
        {
            once(&mut self.behaviour.config, format!("targets: [{{kind: {kind}}}]"));
        }
        let inner = yaml.get(item, "patch").or_else(|| yaml.get(item, "path"));
        match inner {
            Some(inner) => match yaml.text(inner).map(str::to_owned) {
                Some(text) => self.patch_text(&text),
                None => {
                    for operation in yaml.list(inner).to_vec() {
                        self.operation(operation);
                    }
                    if yaml.is_map(inner) {
                        self.object_patch(inner);
                    }
                }
            },
            None => self.object_patch(item),
        }
    }

    fn patch_text(&mut self, text: &str) {
        let is_path = !text.contains('\n') && !text.contains(": ") && !text.contains('{');
        if !is_path {
            return patch(text, self.behaviour);
        }
        let path = self.path(text);
        match (self.files)(&path) {
            Some(inner) => {
                once(&mut self.behaviour.needs.files, path);
                patch(&inner, self.behaviour);
            }
            None => once(&mut self.behaviour.missing, path),
        }
    }

    fn operation(&mut self, item: Id) {
        let yaml = self.yaml;
        let operation = yaml.string(item, "op").unwrap_or_default().to_owned();
        let path = yaml.string(item, "path").or_else(|| yaml.string(item, "from")).unwrap_or_default().to_owned();
        let value = yaml.get(item, "value").map(|value| yaml.flat(value)).unwrap_or_default();
        json_operation(&operation, &path, &value, self.behaviour);
    }

    /// A strategic merge patch.
    fn object_patch(&mut self, id: Id) {
        if self.yaml.get(id, "op").is_some() {
            return self.operation(id);
        }
        let mut found = Vec::new();
        strategic(self.yaml, id, &mut found, &mut Vec::new(), 0);
        if found.is_empty() && self.yaml.map(id).len() > 1 {
            found.push(Deed::Patch);
        }
        found.into_iter().for_each(|deed| self.deed(deed));
    }
}

/// A folder's kustomization, with the folder.
pub(crate) fn kustomization(folder: &str, files: Files<'_>) -> Option<(String, String)> {
    let folder = super::tree::normal(folder)?;
    let place = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    let text =
        ["kustomization.yaml", "kustomization.yml", "Kustomization"].iter().find_map(|name| files(&place(name)))?;
    Some((text, folder))
}

/// A patch's text, of whichever kind it is.
pub(crate) fn patch(text: &str, behaviour: &mut Behaviour) {
    let yaml = Yaml::read(text, 1);
    let mut found = Vec::new();
    for root in &yaml.documents {
        for item in yaml.list(*root) {
            let operation = yaml.string(*item, "op").unwrap_or_default();
            let path = yaml.string(*item, "path").unwrap_or_default();
            let value = yaml.get(*item, "value").map(|value| yaml.flat(value)).unwrap_or_default();
            json_operation(operation, path, &value, behaviour);
        }
        if yaml.is_map(*root) {
            let inner = yaml.get(*root, "patch").and_then(|inner| yaml.text(inner)).map(str::to_owned);
            match inner {
                Some(inner) if inner != text => patch(&inner, behaviour),
                _ => strategic(&yaml, *root, &mut found, &mut Vec::new(), 0),
            }
        }
    }
    if !yaml.unread.is_empty() {
        words_of_lines(text, behaviour);
    }
    if found.is_empty() && behaviour.deeds.is_empty() {
        found.push(Deed::Patch);
    }
    for deed in found {
        deeds::add(&mut behaviour.deeds, deed);
    }
}

fn json_operation(operation: &str, path: &str, value: &str, behaviour: &mut Behaviour) {
    let path = path.replace("~1", "/");
    let mut found = Vec::new();
    let has = |piece: &str| path.contains(piece);
    let adds_item = path.ends_with("/-") || path.ends_with("/0") && operation == "add";
    match () {
        () if has("helm.sh/hook") => found.push(Deed::Hooks),
        () if has("/metadata/labels") => found.push(Deed::Labels),
        () if has("/metadata/annotations") => {
            found.push(Deed::Annotations);
            if operation == "add" && path.ends_with("/annotations") {
                once(
                    &mut behaviour.defects,
                    "JSON 6902 `add` of the whole annotations map loses Helm 4's filename annotation and the chart's own",
                );
            }
        }
        () if path.ends_with("/containers/-") && operation == "add" => found.push(Deed::Sidecar),
        () if has("/initContainers") && operation == "add" && (adds_item || path.ends_with("initContainers")) => {
            found.push(Deed::InitContainer)
        }
        () if has("/volumeMounts") || has("/volumes") || has("/imagePullSecrets") => found.push(Deed::Volumes),
        () if path.ends_with("/image") => found.push(Deed::Images),
        () if has("/containers/") || has("/initContainers/") => found.push(Deed::Containers),
        () if has("/metadata/namespace") => found.push(Deed::Namespace),
        () if has("/metadata/name") => found.push(Deed::Rename),
        () if has("/spec/template/spec") => {
            let before = found.len();
            deeds::of_words(&path.replace('/', " "), &mut found);
            if found.len() == before {
                deeds::of_words(value, &mut found);
                found.retain(|deed| matches!(deed, Deed::Scheduling | Deed::Containers | Deed::Volumes));
            }
            if found.is_empty() {
                found.push(Deed::Patch);
            }
        }
        () => found.push(Deed::Patch),
    }
    for deed in found {
        deeds::add(&mut behaviour.deeds, deed);
    }
}

/// The keys of a strategic merge patch, by where they stand.
fn strategic(yaml: &Yaml<'_>, id: Id, found: &mut Vec<Deed>, path: &mut Vec<String>, depth: usize) {
    if depth > 30 {
        return;
    }
    if yaml.string(id, "$patch") == Some("delete") {
        let deed = if path.is_empty() { Deed::Select } else { Deed::Containers };
        deeds::add(found, deed);
        return;
    }
    for item in yaml.list(id) {
        strategic(yaml, *item, found, path, depth + 1);
    }
    for (key, value) in yaml.map(id) {
        let name = yaml.text(*key).unwrap_or_default();
        let parent = path.last().map(String::as_str).unwrap_or_default();
        let in_metadata = parent == "metadata";
        let in_container = path.iter().any(|piece| piece == "containers" || piece == "initContainers");
        match name {
            "labels" if in_metadata => deeds::add(found, Deed::Labels),
            "annotations" if in_metadata => {
                let is_hook = yaml.flat(*value).contains("helm.sh/hook");
                deeds::add(found, if is_hook { Deed::Hooks } else { Deed::Annotations });
            }
            "namespace" if in_metadata && yaml.map(id).len() > 2 => {}
            "containers" | "initContainers" => {
                for item in yaml.list(*value) {
                    let has_image = yaml.get(*item, "image").is_some();
                    let is_whole = has_image && yaml.map(*item).len() > 2;
                    let is_only_image = has_image && yaml.map(*item).len() == 2 && yaml.get(*item, "name").is_some();
                    if is_only_image {
                        deeds::add(found, Deed::Images);
                    } else if is_whole {
                        deeds::add(found, if name == "containers" { Deed::Sidecar } else { Deed::InitContainer });
                    } else {
                        path.push(name.to_owned());
                        strategic(yaml, *item, found, path, depth + 1);
                        path.pop();
                    }
                }
            }
            "volumes" | "volumeMounts" | "imagePullSecrets" => deeds::add(found, Deed::Volumes),
            "nodeSelector"
            | "tolerations"
            | "affinity"
            | "topologySpreadConstraints"
            | "priorityClassName"
            | "runtimeClassName"
            | "schedulerName"
            | "hostNetwork"
            | "dnsPolicy"
            | "dnsConfig"
            | "hostAliases"
            | "terminationGracePeriodSeconds"
            | "enableServiceLinks"
            | "nodeName" => deeds::add(found, Deed::Scheduling),
            "image" if in_container => deeds::add(found, Deed::Images),
            "securityContext" => deeds::add(found, Deed::Containers),
            "name" | "$patch" if in_container => {}
            _ if in_container && parent != "metadata" && matches!(parent, "containers" | "initContainers") => {
                deeds::add(found, Deed::Containers)
            }
            "apiVersion" | "kind" | "metadata" | "name" | "spec" | "template" | "jobTemplate" | "selector"
            | "namespace"
                if name != "selector" =>
            {
                path.push(name.to_owned());
                strategic(yaml, *value, found, path, depth + 1);
                path.pop();
            }
            _ if in_metadata => {}
            "serviceAccountName" | "hostPID" | "hostIPC" | "restartPolicy" | "shareProcessNamespace" => {
                deeds::add(found, Deed::Patch)
            }
            _ => deeds::add(found, Deed::Patch),
        }
    }
}
