//! From the name of a program to the program: in the file itself, written by a script, in the tree, or well known.

use std::collections::HashMap;

use super::behaviour::{self, World};
use super::deeds::{self, Deed};
use super::facts::{Facts, Inline, RendererRef, Site};
use super::overlay;
use super::profile::{Behaviour, once};
use super::tree::{Tree, normal};

/// Programs that are on a machine and not in a tree.
const WELL_KNOWN: &[&str] = &[
    "bash",
    "sh",
    "zsh",
    "dash",
    "yq",
    "jq",
    "sed",
    "awk",
    "gawk",
    "perl",
    "kustomize",
    "kubectl",
    "oc",
    "envsubst",
    "python",
    "python3",
    "ruby",
    "node",
    "cat",
    "tee",
    "true",
    "grep",
    "go",
    "ytt",
    "kbld",
    "vals",
    "sops",
    "ksops",
    "windlass",
    "gomplate",
    "argocd-vault-plugin",
    "konfig",
    "datree",
    "istioctl",
    "linkerd",
    "pwsh",
    "env",
    "exec",
    "tr",
    "sponge",
    "docker",
    "git",
    "helm",
    "npx",
    "cosign",
];

/// All files' facts by path, and the tree.
#[derive(Debug)]
pub(crate) struct Programs<'p> {
    pub(crate) tree: &'p Tree,
    pub(crate) facts: &'p HashMap<String, Facts>,
}

/// What a chosen program turned out to be.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// As it is shown: the file in the tree, or the name.
    pub(crate) executable: String,
    pub(crate) behaviour: Behaviour,
    /// The program itself was not found.
    pub(crate) is_missing: bool,
    /// A Helm 4 plugin of this name is in the tree.
    pub(crate) is_plugin: bool,
}

impl Programs<'_> {
    /// Follows a site's choice.
    pub(crate) fn resolve(&self, file: &str, site: &Site) -> Resolved {
        let mut resolved = Resolved::default();
        match &site.chosen {
            RendererRef::Inline(inline) => self.inline(file, inline, &site.arguments, &mut resolved),
            RendererRef::Parameter(name) => {
                resolved.executable = format!("${{{name}}}");
                resolved.is_missing = true;
            }
            RendererRef::Program(text) => self.named(file, text, site, &mut resolved),
        }
        if resolved.behaviour.is_nothing && !resolved.behaviour.deeds.is_empty() {
            resolved.behaviour.is_nothing = false;
        }
        resolved
    }

    fn inline(&self, file: &str, inline: &Inline, arguments: &[String], resolved: &mut Resolved) {
        match inline {
            Inline::Script { text, name, .. } => {
                resolved.executable.clone_from(name);
                let walk = Walk { programs: self, file, steps: 0 };
                behaviour::of_shell(text, arguments, &walk, &mut resolved.behaviour, 0);
            }
            Inline::Kustomize { text, name, .. } => {
                resolved.executable.clone_from(name);
                let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
                let files = |name: &str| self.tree.find(name).and_then(|path| self.tree.text(&path));
                overlay::of_text(text, &folder, &[], &files, &mut resolved.behaviour, 0);
                if resolved.behaviour.deeds.is_empty()
                    && resolved.behaviour.missing.is_empty()
                    && text.contains("patch")
                {
                    resolved.behaviour.is_nothing = false;
                    deeds::add(&mut resolved.behaviour.deeds, Deed::Patch);
                }
                "kustomize".clone_into(&mut resolved.behaviour.language);
            }
            Inline::Code { text, name, language, .. } => {
                resolved.executable.clone_from(name);
                behaviour::of_code(text, language, &mut resolved.behaviour);
                resolved.behaviour.compiles = false;
            }
        }
    }

    fn named(&self, file: &str, text: &str, site: &Site, resolved: &mut Resolved) {
        let text = text.trim().trim_matches(['"', '\'']);
        text.clone_into(&mut resolved.executable);
        if site.arguments.first().is_some_and(|argument| argument == "kustomize-dir") {
            let walk = Walk { programs: self, file, steps: 0 };
            walk.overlay(text, &[], &mut resolved.behaviour);
            return;
        }
        if text.starts_with("configmap/") {
            resolved.is_missing = true;
            return;
        }
        if let Some(name) = text.strip_prefix("type:") {
            name.clone_into(&mut resolved.executable);
            resolved.is_missing = !self.go_type(file, name, &mut resolved.behaviour);
            return;
        }
        // A command in one string: `python3 ./x.py --flag`.
        let mut pieces: Vec<String> = if text.contains(' ') && !text.contains("${") {
            text.split_whitespace().map(str::to_owned).collect()
        } else {
            vec![text.to_owned()]
        };
        let name = pieces.remove(0);
        let mut arguments = pieces;
        arguments.extend(site.arguments.iter().cloned());
        if let Some(written) = self.written(file, &name) {
            self.of_text(file, &written, &name, &arguments, &mut resolved.behaviour, 0);
            return;
        }
        let base = name.rsplit('/').next().unwrap_or_default();
        let is_bare = !name.contains('/');
        let in_system = name.starts_with("/usr/") || name.starts_with("/bin/") || name.starts_with("/opt/");
        if (is_bare || in_system) && WELL_KNOWN.contains(&base) {
            base.clone_into(&mut resolved.executable);
            self.well_known(file, base, &arguments, &mut resolved.behaviour);
            return;
        }
        if let Some(path) = self.find(file, &name) {
            resolved.executable.clone_from(&path);
            self.of_file(&path, &arguments, &mut resolved.behaviour, 0);
            return;
        }
        if let Some(plugin) = self.plugin(file, base) {
            resolved.is_plugin = true;
            resolved.executable = base.to_owned();
            self.of_plugin(&plugin, &mut resolved.behaviour);
            return;
        }
        if let Some(source) = self.source_of_binary(file, base) {
            resolved.executable.clone_from(&source);
            self.of_file(&source, &arguments, &mut resolved.behaviour, 0);
            return;
        }
        resolved.is_missing = true;
    }

    fn well_known(&self, file: &str, name: &str, arguments: &[String], behaviour: &mut Behaviour) {
        let line = std::iter::once(name.to_owned())
            .chain(arguments.iter().map(|argument| format!("'{}'", argument.replace('\'', "'\\''"))))
            .collect::<Vec<_>>()
            .join(" ");
        let walk = Walk { programs: self, file, steps: 0 };
        behaviour::of_shell(&line, &[], &walk, behaviour, 0);
        if matches!(name, "cat" | "tee" | "true" | "sponge") {
            behaviour.is_nothing = true;
        }
    }

    /// A text that a script of the same file writes under this name.
    fn written(&self, file: &str, name: &str) -> Option<String> {
        let facts = self.facts.get(file)?;
        let clean = |text: &str| text.trim_matches(['"', '\'']).trim_start_matches("./").to_owned();
        let wanted = clean(name);
        let exact = facts.written.iter().find(|written| clean(&written.target) == wanted);
        let by_name = || {
            let base = wanted.rsplit('/').next().unwrap_or_default().to_owned();
            facts.written.iter().find(|written| {
                !base.is_empty() && base.contains('.') && clean(&written.target).rsplit('/').next() == Some(&base)
            })
        };
        exact.or_else(by_name).map(|written| written.text.clone())
    }

    /// The file that a path means: beside the file that names it, above it, or the only one of its repository.
    pub(crate) fn find(&self, file: &str, name: &str) -> Option<String> {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let repository = self.tree.repository(file);
        let name = name.trim();
        // Behind the last variable that is a folder of its own.
        let tail = match name.rfind('}') {
            Some(at) if name.contains("${") => {
                let tail = name.get(at + 1..).unwrap_or_default().trim_start_matches('/');
                if tail.is_empty() {
                    return None;
                }
                if !name.get(at + 1..).unwrap_or_default().starts_with('/') {
                    return self.matching(name, folder, &repository);
                }
                tail
            }
            _ => name,
        };
        if tail.is_empty() || tail.contains("{{") {
            return None;
        }
        let is_absolute = tail.starts_with('/');
        if !is_absolute {
            let mut above = Some(folder);
            while let Some(folder) = above {
                let path = if folder.is_empty() { tail.to_owned() } else { format!("{folder}/{tail}") };
                if let Some(found) = self.tree.find(&path) {
                    return Some(found);
                }
                if folder == repository || folder.is_empty() {
                    break;
                }
                above = Some(folder.rsplit_once('/').map_or("", |(above, _)| above));
            }
        }
        let clean = normal(tail.trim_start_matches("../")).unwrap_or_default();
        let base = clean.rsplit('/').next().unwrap_or_default();
        let named = self.tree.named(base, &repository);
        let suffix = format!("/{clean}");
        let by_suffix: Vec<&&str> = named.iter().filter(|path| format!("/{path}").ends_with(&suffix)).collect();
        // An absolute path is another machine's, unless its folder is the tree's as well.
        let says_enough = !is_absolute
            || clean.split('/').count() > 1
                && !matches!(clean.rsplit('/').nth(1), Some("bin" | "sbin" | "tmp" | "lib"));
        let last_two = clean.rsplit('/').take(2).collect::<Vec<_>>();
        let two = last_two.iter().rev().copied().collect::<Vec<_>>().join("/");
        let by_two: Vec<&&str> = named
            .iter()
            .filter(|path| last_two.len() == 2 && format!("/{path}").ends_with(&format!("/{two}")))
            .collect();
        if let [only] = by_two.as_slice()
            && is_absolute
            && says_enough
        {
            return Some((**only).to_owned());
        }
        if let [only] = by_suffix.as_slice()
            && !is_absolute
        {
            return Some((**only).to_owned());
        }
        let was_copied = || self.is_copied(file, &repository, base, tail);
        match named.as_slice() {
            [only] if name.contains("${") || was_copied() => Some((*only).to_owned()),
            _ => self.copied_from(&repository, tail, base),
        }
    }

    /// `renderers/${ENV}.sh`: the only file that fits.
    fn matching(&self, name: &str, folder: &str, repository: &str) -> Option<String> {
        let start = name.find("${")?;
        let end = name.rfind('}')?;
        let before = name.get(..start)?.rsplit('/').next()?;
        let parent = name.get(..start)?.rsplit_once('/').map_or("", |(parent, _)| parent).trim_start_matches("./");
        let after = name.get(end + 1..)?;
        let fits = |path: &str| {
            let base = path.rsplit('/').next().unwrap_or_default();
            base.starts_with(before) && base.ends_with(after) && base.len() > before.len() + after.len()
        };
        for folder in [format!("{folder}/{parent}"), format!("{repository}/{parent}"), parent.to_owned()] {
            let Some(folder) = normal(&folder) else { continue };
            let found: Vec<&str> = self.tree.files_in(&folder).into_iter().filter(|path| fits(path)).collect();
            if let [first, ..] = found.as_slice()
                && !after.is_empty()
            {
                return Some((*first).to_owned());
            }
        }
        None
    }

    fn is_copied(&self, file: &str, repository: &str, base: &str, target: &str) -> bool {
        let prefix = format!("{repository}/");
        let mut all =
            self.facts.iter().filter(|(path, _)| repository.is_empty() || path.starts_with(&prefix) || *path == file);
        all.any(|(_, facts)| {
            facts.copied.iter().any(|copied| {
                copied.from.rsplit('/').next() == Some(base) || copied.to == target || copied.from.contains(base)
            })
        })
    }

    /// A copy under another name: `COPY a.sh /usr/local/bin/b`.
    fn copied_from(&self, repository: &str, target: &str, base: &str) -> Option<String> {
        let prefix = format!("{repository}/");
        for (path, facts) in self.facts {
            if !repository.is_empty() && !path.starts_with(&prefix) {
                continue;
            }
            for copied in &facts.copied {
                let fits = copied.to.trim_start_matches("./") == target.trim_start_matches("./")
                    || copied.to.rsplit('/').next() == Some(base) && !base.is_empty();
                if fits && copied.from != target {
                    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    let from = copied.from.rsplit('}').next().unwrap_or_default().trim_start_matches('/');
                    for candidate in [
                        format!("{folder}/{from}"),
                        format!("{repository}/{from}"),
                        format!("{folder}/files/{from}"),
                        format!("{folder}/../files/{from}"),
                        format!("{folder}/../templates/{from}"),
                        from.to_owned(),
                    ] {
                        if let Some(found) = self.tree.find(&candidate) {
                            return Some(found);
                        }
                    }
                    let name = from.rsplit('/').next().unwrap_or_default();
                    if let [only] = self.tree.named(name, repository).as_slice() {
                        return Some((*only).to_owned());
                    }
                }
            }
        }
        None
    }

    /// The folder of a Helm 4 plugin of this name.
    fn plugin(&self, file: &str, name: &str) -> Option<String> {
        let repository = self.tree.repository(file);
        self.tree
            .named("plugin.yaml", &repository)
            .into_iter()
            .find(|path| {
                self.tree.text(path).is_some_and(|text| {
                    text.lines().any(|line| {
                        line.trim().strip_prefix("name:").is_some_and(|own| own.trim().trim_matches('"') == name)
                    }) && text.contains("postrenderer")
                })
            })
            .map(str::to_owned)
    }

    fn of_plugin(&self, path: &str, behaviour: &mut Behaviour) {
        let text = self.tree.text(path).unwrap_or_default();
        if text.contains("extism") || text.contains("windlass") {
            behaviour.is_windlass = true;
            return;
        }
        for line in text.lines() {
            if let Some(command) = line.trim().trim_start_matches("- ").strip_prefix("command:") {
                let command = command
                    .trim()
                    .trim_matches(['"', '\''])
                    .replace("${HELM_PLUGIN_DIR}", "")
                    .replace("$HELM_PLUGIN_DIR", "");
                let command = command.trim_start_matches('/');
                if let Some(found) = self.find(path, command) {
                    self.of_file(&found, &[], behaviour, 1);
                }
            }
        }
    }

    /// `bin/x` built from `cmd/x`, or a folder with a program of that name.
    fn source_of_binary(&self, file: &str, base: &str) -> Option<String> {
        if base.is_empty() || base.contains('.') && !base.ends_with(".exe") {
            return None;
        }
        let base = base.trim_end_matches(".exe");
        let repository = self.tree.repository(file);
        let has_part = |path: &str| path.split('/').rev().skip(1).any(|piece| piece == base);
        let mains = ["main.go", "main.rs", "main.c"];
        let mut found: Vec<String> = Vec::new();
        for name in mains {
            found.extend(
                self.tree.named(name, &repository).into_iter().filter(|path| has_part(path)).map(str::to_owned),
            );
        }
        found.extend(self.tree.named(&format!("{base}.go"), &repository).into_iter().map(str::to_owned));
        found.extend(self.tree.named(&format!("{base}.c"), &repository).into_iter().map(str::to_owned));
        found.extend(self.tree.named(&format!("{base}.rs"), &repository).into_iter().map(str::to_owned));
        if found.is_empty() {
            // `go build -o bin/x .`, `[package] name = "x"`.
            for manifest in ["go.mod", "Cargo.toml"] {
                for path in self.tree.named(manifest, &repository) {
                    let text = self.tree.text(path).unwrap_or_default();
                    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    let names_it = text.lines().any(|line| {
                        line.trim().ends_with(&format!("/{base}")) && line.starts_with("module")
                            || line.trim() == format!("module {base}")
                            || line.trim() == format!("name = \"{base}\"")
                    });
                    if names_it {
                        for main in ["main.go", "src/main.rs"] {
                            found.extend(self.tree.find(&format!("{folder}/{main}")));
                        }
                    }
                }
            }
        }
        if found.is_empty() {
            // A build line that names it: `go build -o bin/x ./renderer`.
            let built = self
                .tree
                .in_repository(&repository)
                .filter(|path| {
                    matches!(
                        path.rsplit('/').next().unwrap_or_default(),
                        "Makefile" | "Dockerfile" | "Taskfile.yml" | "Taskfile.yaml" | "justfile" | "build.sh"
                    ) && self.tree.size(path) < 200_000
                })
                .take(50)
                .find_map(|path| {
                    let text = self.tree.text(path)?;
                    let line = text.lines().find(|line| {
                        (line.contains("go build")
                            || line.contains("gcc ")
                            || line.contains("cc ")
                            || line.contains("rustc "))
                            && line.contains(base)
                    })?;
                    let target = line
                        .split_whitespace()
                        .filter(|word| !word.contains(base) || word.ends_with(".c") || word.starts_with("./cmd"))
                        .rfind(|word| {
                            word.starts_with("./")
                                || word.ends_with(".go")
                                || word.ends_with(".c")
                                || word.ends_with(".rs")
                        })?
                        .to_owned();
                    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    let place = format!("{folder}/{target}");
                    self.tree.find(&place).or_else(|| self.tree.find(&format!("{place}/main.go")))
                });
            found.extend(built);
        }
        found.into_iter().next()
    }

    /// A type of the program's own package that is a post-renderer.
    fn go_type(&self, file: &str, name: &str, behaviour: &mut Behaviour) -> bool {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let repository = self.tree.repository(file);
        let bare = name.trim_start_matches("New").trim_start_matches("new");
        let nearby = self.tree.files_in(folder).into_iter().map(str::to_owned).collect::<Vec<_>>();
        let others =
            self.tree.in_repository(&repository).filter(|path| path.ends_with(".go")).take(3_000).map(str::to_owned);
        for path in nearby.into_iter().chain(others).filter(|path| path.ends_with(".go") && !path.ends_with("_test.go"))
        {
            let Some(text) = self.tree.text(&path) else { continue };
            let lower = text.to_ascii_lowercase();
            if !text.contains("Run(") || !lower.contains(&format!("{}) run(", bare.to_ascii_lowercase())) {
                continue;
            }
            let at = lower.find(&format!("{}) run(", bare.to_ascii_lowercase())).unwrap_or(0);
            let body = text.get(at..).unwrap_or_default();
            let body = body.find("\n}\n").and_then(|end| body.get(..end)).unwrap_or(body);
            let imports = text.get(..text.find("\n)").unwrap_or(0)).unwrap_or_default();
            behaviour::of_code(&format!("{imports}\n{body}"), "go", behaviour);
            behaviour.compiles = false;
            return true;
        }
        false
    }

    /// Reads a file of the tree as a program.
    pub(crate) fn of_file(&self, path: &str, arguments: &[String], behaviour: &mut Behaviour, steps: usize) {
        let Some(mut text) = self.tree.text(path) else {
            let is_large = self.tree.size(path) > super::tree::MAX_FILE;
            once(
                &mut behaviour.missing,
                if is_large { format!("{path} (larger than 4 MiB)") } else { format!("{path} (no text)") },
            );
            return;
        };
        // A Go program is its folder.
        if path.ends_with(".go") {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            for other in self
                .tree
                .files_in(folder)
                .into_iter()
                .filter(|other| other.ends_with(".go") && !other.ends_with("_test.go") && *other != path)
                .take(30)
            {
                text.push('\n');
                text.push_str(&self.tree.text(other).unwrap_or_default());
            }
        }
        self.of_text(path, &text, path, arguments, behaviour, steps);
    }

    fn of_text(
        &self,
        file: &str,
        text: &str,
        name: &str,
        arguments: &[String],
        behaviour: &mut Behaviour,
        steps: usize,
    ) {
        let first = text.trim_start().lines().next().unwrap_or_default();
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        let by_first = |word: &str| first.starts_with("#!") && first.contains(word);
        let language = match ending {
            _ if by_first("python") => "python",
            _ if by_first("ruby") => "ruby",
            _ if by_first("node") || by_first("deno") => "node",
            _ if by_first("perl") => "perl",
            _ if by_first("pwsh") => "powershell",
            _ if by_first("awk") => "awk",
            _ if by_first("sed") => "sed",
            _ if by_first("yq") => "yq",
            _ if by_first("jq") => "jq",
            "py" => "python",
            "rb" => "ruby",
            "js" | "mjs" | "cjs" | "ts" => "node",
            "pl" => "perl",
            "ps1" => "powershell",
            "go" => "go",
            "rs" => "rust",
            "c" => "c",
            "java" | "kt" | "groovy" => "java",
            "awk" => "awk",
            "sed" => "sed",
            "yq" => "yq",
            "jq" => "jq",
            _ => "shell",
        };
        match language {
            "shell" => {
                let walk = Walk { programs: self, file, steps };
                behaviour::of_shell(text, arguments, &walk, behaviour, steps);
            }
            "yq" | "jq" => {
                language.clone_into(&mut behaviour.language);
                once(&mut behaviour.needs.programs, language);
                let program: String = text
                    .lines()
                    .filter(|line| !line.trim_start().starts_with('#'))
                    .fold(String::new(), |text, line| text + line + "\n");
                behaviour::of_expression(&program, behaviour);
            }
            "awk" | "sed" => {
                language.clone_into(&mut behaviour.language);
                once(&mut behaviour.needs.programs, language);
                behaviour.lines += behaviour::code_lines(text);
                let program: String = text
                    .lines()
                    .filter(|line| !line.trim_start().starts_with('#'))
                    .fold(String::new(), |text, line| text + line + "\n");
                behaviour::of_line_program(&program, language, behaviour);
            }
            _ => behaviour::of_code(text, language, behaviour),
        }
    }
}

/// The tree as a script sees it.
struct Walk<'w> {
    programs: &'w Programs<'w>,
    file: &'w str,
    steps: usize,
}

impl Walk<'_> {
    fn files(&self, name: &str) -> Option<String> {
        let tree = self.programs.tree;
        tree.find(name).and_then(|path| tree.text(&path))
    }
}

impl World for Walk<'_> {
    fn overlay(&self, folder: &str, saved: &[String], behaviour: &mut Behaviour) {
        let tree = self.programs.tree;
        let here = self.file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let repository = tree.repository(self.file);
        if folder.contains("://") || folder.starts_with("github.com/") {
            once(&mut behaviour.keeps, format!("takes `{folder}` from the network"));
            once(&mut behaviour.needs.network, folder);
            return;
        }
        let tail = match folder.rfind('}') {
            Some(at) if folder.contains("${") => {
                folder.get(at + 1..).unwrap_or_default().trim_start_matches('/').to_owned()
            }
            _ => folder.to_owned(),
        };
        let files = |name: &str| self.files(name);
        let is_variable = folder.contains("${") && tail.is_empty();
        let mut above = Some(here.to_owned());
        while let Some(place) = above.take().filter(|_| !is_variable) {
            let path = format!("{place}/{tail}");
            if let Some((text, found)) = overlay::kustomization(&path, &files) {
                once(
                    &mut behaviour.needs.files,
                    if found.is_empty() { "kustomization.yaml".to_owned() } else { found.clone() },
                );
                overlay::of_text(&text, &found, saved, &files, behaviour, 0);
                return;
            }
            if place == repository || place.is_empty() {
                break;
            }
            above = Some(place.rsplit_once('/').map_or(String::new(), |(above, _)| above.to_owned()));
        }
        // The script's own folder when the variable says so, a folder that ends so, or all below a common one.
        let own = is_variable
            && ["SCRIPT_DIR", "DIR", "dir", "HERE", "here", "BASEDIR", "ROOT", "PWD"]
                .iter()
                .any(|name| folder.contains(name));
        let own_folder = if own { overlay::kustomization(here, &files) } else { None };
        let by_suffix = || {
            let clean = normal(&tail).filter(|clean| !clean.is_empty())?;
            let suffix = format!("/{clean}/kustomization.yaml");
            let found: Vec<&str> = tree
                .named("kustomization.yaml", &repository)
                .into_iter()
                .filter(|path| format!("/{path}").ends_with(&suffix))
                .collect();
            match found.as_slice() {
                [only] => overlay::kustomization(only.rsplit_once('/').map_or("", |(folder, _)| folder), &files),
                _ => None,
            }
        };
        // A temporary folder into which the overlay beside the script is copied.
        let beside = || {
            let is_temporary = is_variable || folder.starts_with("/tmp");
            let mut found = Vec::new();
            if is_temporary {
                for candidate in ["kustomize", "overlay", "kustomization", "base", ""] {
                    let place = if here.is_empty() { candidate.to_owned() } else { format!("{here}/{candidate}") };
                    found.extend(overlay::kustomization(&place, &files));
                }
            }
            found.into_iter().next()
        };
        // `overlays/$ENV`: all that may be meant.
        let by_variable = || {
            let (before, _) = folder.split_once("${")?;
            let parent = normal(&format!("{here}/{before}")).filter(|_| !before.is_empty())?;
            let prefix = format!("{parent}/");
            let found: Vec<&str> = tree
                .named("kustomization.yaml", &repository)
                .into_iter()
                .filter(|path| path.starts_with(&prefix))
                .collect();
            let first = found.first()?;
            overlay::kustomization(first.rsplit_once('/').map_or("", |(folder, _)| folder), &files)
        };
        let found = own_folder.or_else(by_suffix).or_else(beside).or_else(by_variable);
        match found {
            Some((text, found)) => {
                once(&mut behaviour.needs.files, found.clone());
                overlay::of_text(&text, &found, saved, &files, behaviour, 0);
            }
            None => once(&mut behaviour.missing, format!("the kustomization in `{folder}`")),
        }
    }

    fn program(&self, name: &str, arguments: &[String], behaviour: &mut Behaviour) -> bool {
        if self.steps > 4 || name.is_empty() {
            return false;
        }
        if let Some(text) = self.programs.written(self.file, name) {
            self.programs.of_text(self.file, &text, name, arguments, behaviour, self.steps + 1);
            return true;
        }
        let found = self.programs.find(self.file, name).or_else(|| {
            let folder = name.trim_start_matches("./");
            let here = self.file.rsplit_once('/').map_or("", |(folder, _)| folder);
            self.programs
                .find(self.file, &format!("{name}/main.go"))
                .or_else(|| self.programs.tree.find(&format!("{here}/{folder}/main.go")))
        });
        match found.or_else(|| self.programs.source_of_binary(self.file, name.rsplit('/').next().unwrap_or_default())) {
            Some(path) if path != self.file => {
                self.programs.of_file(&path, arguments, behaviour, self.steps + 1);
                true
            }
            _ => false,
        }
    }

    fn file(&self, name: &str) -> Option<String> {
        if let Some(text) = self.programs.written(self.file, name) {
            return Some(text);
        }
        let path = self.programs.find(self.file, name)?;
        self.programs.tree.text(&path)
    }
}
