//! What a program does, read from its text: never by running it.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::deeds::{self, Deed};
use super::profile::{Behaviour, once};
use super::shell::{self, Command, Word};

mod code;
mod expressions;

pub(crate) use code::of_code;
pub(crate) use expressions::{missed_kinds, of_expression, of_line_program};

/// What the analysis of a script asks of the tree: overlays, files and programs beside it.
pub(crate) trait World {
    /// Reads a kustomization's folder, as the script names it, into the behaviour.
    fn overlay(&self, folder: &str, saved: &[String], behaviour: &mut Behaviour);
    /// Follows a program that the script starts.
    fn program(&self, name: &str, arguments: &[String], behaviour: &mut Behaviour) -> bool;
    /// The text of a file that the script names.
    fn file(&self, name: &str) -> Option<String>;
}

/// Commands that neither change the stream nor need anything.
const QUIET: &[&str] = &[
    "set",
    "cat",
    "tee",
    "mktemp",
    "trap",
    "rm",
    "cd",
    "pushd",
    "popd",
    "mkdir",
    "chmod",
    "dirname",
    "basename",
    "exit",
    "echo",
    "printf",
    "export",
    "local",
    "test",
    "[",
    "[[",
    "read",
    "shift",
    "return",
    "true",
    "false",
    ":",
    "sort",
    "declare",
    "typeset",
    "readonly",
    "unset",
    "pwd",
    "realpath",
    "readlink",
    "command",
    "which",
    "type",
    "ls",
    "wc",
    "head",
    "tail",
    "touch",
    "source",
    ".",
    "shopt",
    "umask",
    "sleep",
    "getopts",
    "case",
    "mv",
    "cp",
    "ln",
    "find",
    "xargs",
    "uname",
    "id",
    "whoami",
    "let",
    "mapfile",
    "readarray",
    "local",
    "break",
    "continue",
    "ulimit",
    "hash",
    "alias",
    "wait",
    "kill",
    "rmdir",
    "tr",
    "cut",
    "uniq",
    "diff",
    "cmp",
    "stat",
    "file",
    "logger",
    "install",
    "nl",
    "fold",
    "paste",
    "rev",
    "tac",
    "column",
    "expr",
    "seq",
    "test",
    "error",
    "log",
    "die",
    "usage",
    "fail",
    "warn",
    "info",
];

const NETWORK: &[(&str, &str)] = &[
    ("curl", "http"),
    ("wget", "http"),
    ("http", "http"),
    ("vault", "vault"),
    ("aws", "aws"),
    ("gcloud", "google cloud"),
    ("gsutil", "google cloud"),
    ("az", "azure"),
    ("op", "1password"),
    ("doppler", "doppler"),
    ("crane", "registry"),
    ("skopeo", "registry"),
    ("cosign", "registry"),
    ("oras", "registry"),
    ("regctl", "registry"),
    ("docker", "docker"),
    ("podman", "docker"),
    ("git", "git"),
    ("gh", "github"),
    ("ssh", "ssh"),
    ("scp", "ssh"),
    ("nslookup", "dns"),
    ("dig", "dns"),
    ("npm", "npm"),
    ("npx", "npm"),
    ("pip", "pypi"),
    ("pip3", "pypi"),
    ("consul", "consul"),
    ("argocd-vault-plugin", "vault"),
    ("vals", "secret stores"),
    ("chamber", "aws"),
    ("bw", "bitwarden"),
    ("infisical", "infisical"),
    ("nc", "tcp"),
    ("digrag", "registry"),
    ("kbld", "registry"),
    ("imgpkg", "registry"),
    ("conjur", "conjur"),
    ("envconsul", "consul"),
    ("berglas", "google cloud"),
    ("teller", "secret stores"),
    ("sm", "secret stores"),
    ("apk", "package mirror"),
    ("apt-get", "package mirror"),
    ("brew", "package mirror"),
];
const SECRETS: &[&str] = &["sops", "ksops", "gpg", "age", "kubeseal", "helm-secrets", "gopass", "pass", "ejson"];

fn regex(cell: &'static LazyLock<Option<Regex>>) -> Option<&'static Regex> {
    cell.as_ref()
}

/// Reads a shell script.
pub(crate) fn of_shell(text: &str, arguments: &[String], world: &dyn World, behaviour: &mut Behaviour, depth: usize) {
    let script = shell::read(text);
    behaviour.lines += code_lines(text);
    if behaviour.language.is_empty() {
        "shell".clone_into(&mut behaviour.language);
    }
    let mut reader = ShellReader {
        script: &script,
        arguments,
        world,
        behaviour,
        depth,
        scope: super::scope::Scope::default(),
        saved: Vec::new(),
        acts: false,
        nothing_else: true,
    };
    reader.scope.learn(&script, &|line| line + 1);
    for (position, argument) in arguments.iter().enumerate().take(20) {
        reader.scope.bind(&(position + 1).to_string(), Word::literal(argument, 0), 1);
    }
    reader.read(text);
}

pub(crate) fn code_lines(text: &str) -> usize {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with("//"))
        .count()
}

struct ShellReader<'s> {
    script: &'s shell::Script,
    arguments: &'s [String],
    world: &'s dyn World,
    behaviour: &'s mut Behaviour,
    depth: usize,
    scope: super::scope::Scope,
    /// Files that standard input is saved in.
    saved: Vec<String>,
    acts: bool,
    nothing_else: bool,
}

impl ShellReader<'_> {
    fn read(&mut self, text: &str) {
        for command in &self.script.commands {
            self.redirects(command);
        }
        for command in &self.script.commands {
            self.command(command);
        }
        self.variables();
        self.defects(text);
        self.written_overlay();
        if !self.acts && self.nothing_else {
            let reads = self
                .script
                .commands
                .iter()
                .any(|command| matches!(command.program_name().as_str(), "cat" | "tee" | "sponge"));
            if reads {
                self.behaviour.is_nothing = true;
            }
        }
    }

    fn text_of(&self, word: &Word) -> String {
        let source = word.source();
        // `$1` is what the call gives.
        if let Some(position) = source
            .trim_start_matches("${")
            .trim_end_matches('}')
            .split(":-")
            .next()
            .and_then(|name| name.parse::<usize>().ok())
            && position > 0
            && let Some(given) = self.arguments.get(position - 1)
        {
            return given.clone();
        }
        let values = self.scope.values(word, 1, None);
        match values.first() {
            Some(super::scope::Value::Known { text, .. }) => {
                let mut text = text.clone();
                for (position, given) in self.arguments.iter().enumerate() {
                    text = text.replace(&format!("${{{}}}", position + 1), given);
                }
                text
            }
            Some(super::scope::Value::Parameter { name, .. }) => match name.parse::<usize>() {
                Ok(position) if position > 0 => self.arguments.get(position - 1).cloned().unwrap_or(source),
                _ => source,
            },
            None => source,
        }
    }

    fn redirects(&mut self, command: &Command) {
        let name = command.program_name();
        for redirect in &command.redirects {
            if matches!(redirect.operator, ">" | ">|" | ">>") {
                let target = redirect.target.source();
                if target.starts_with("/dev/") || target.is_empty() || target.starts_with('&') {
                    continue;
                }
                if redirect.body.is_none() && matches!(name.as_str(), "cat" | "tee" | "" | "sponge") {
                    let name = self.text_of(&redirect.target);
                    once(&mut self.saved, name);
                }
                once(&mut self.behaviour.needs.writes, target);
            }
        }
        if name == "tee" {
            for word in command.words.iter().skip(1).filter(|word| !word.starts_with("-")) {
                let name = self.text_of(word);
                once(&mut self.saved, name);
                once(&mut self.behaviour.needs.writes, word.source());
            }
        }
    }

    fn command(&mut self, command: &Command) {
        let mut words: Vec<&Word> = command.words.iter().collect();
        let wrappers = ["exec", "sudo", "time", "env", "nice", "command", "timeout", "busybox", "eval"];
        while words.len() > 1 && words.first().is_some_and(|word| wrappers.iter().any(|name| word.is(name))) {
            words.remove(0);
            while words.len() > 1
                && words.first().is_some_and(|word| word.source().contains('=') || word.starts_with("-"))
            {
                words.remove(0);
            }
        }
        let Some(first) = words.first() else { return };
        let full = self.text_of(first);
        let source = first.source();
        let name = full.rsplit('/').next().unwrap_or_default().to_owned();
        let rest: Vec<String> = words.iter().skip(1).map(|word| self.text_of(word)).collect();
        if matches!(source.as_str(), "${@}" | "${*}") {
            if !self.acts {
                self.behaviour.is_bridge = true;
            }
            return;
        }
        if name == "cat" {
            self.added_objects(&rest, command);
        }
        if self.scope.has_function(&name) || QUIET.contains(&name.as_str()) {
            if matches!(name.as_str(), "source" | ".") {
                once(&mut self.behaviour.needs.files, rest.first().cloned().unwrap_or_default());
            }
            return;
        }
        self.external(&name, &full, &rest, command);
    }

    /// `cat <<EOF` with objects, or files of them, behind the stream.
    fn added_objects(&mut self, rest: &[String], command: &Command) {
        let to_file =
            command.redirects.iter().any(|redirect| redirect.operator.starts_with('>') && redirect.operator != ">&");
        if to_file || command.in_substitution {
            return;
        }
        let written = command
            .redirects
            .iter()
            .any(|redirect| redirect.body.as_ref().is_some_and(|(body, _)| body.contains("kind:")));
        let named: Vec<&String> =
            rest.iter().filter(|word| word.ends_with(".yaml") || word.ends_with(".yml")).collect();
        let named: Vec<&&String> = named.iter().filter(|word| !self.saved.contains(word)).collect();
        if written || !named.is_empty() {
            deeds::add(&mut self.behaviour.deeds, Deed::Resources);
            self.acts = true;
            for name in named {
                once(&mut self.behaviour.needs.files, (**name).clone());
            }
        }
    }

    fn external(&mut self, name: &str, full: &str, rest: &[String], command: &Command) {
        let is = |text: &str| rest.iter().any(|word| word == text);
        match name {
            "windlass" => {
                self.behaviour.is_windlass = true;
                self.acts = true;
            }
            "kustomize" if is("build") => self.build(rest, "build", "kustomize"),
            "kubectl" | "oc" | "k" if rest.first().is_some_and(|word| word == "kustomize") => {
                self.build(rest, "kustomize", name)
            }
            "microk8s" | "k3s" if is("kustomize") => self.build(rest, "kustomize", name),
            "kustomize" if is("edit") => self.edit(rest),
            "kustomize" => once(&mut self.behaviour.needs.programs, "kustomize"),
            "kubectl" | "oc" | "k" | "k0s" | "k3s" | "microk8s"
                if rest.iter().any(|word| word == "--dry-run=client" || word == "--dry-run") && is("create") =>
            {
                once(&mut self.behaviour.needs.programs, name);
                deeds::add(&mut self.behaviour.deeds, Deed::Resources);
                self.acts = true;
            }
            "kubectl" | "oc" | "k" if is("label") && is("--local") => {
                once(&mut self.behaviour.needs.programs, name);
                deeds::add(&mut self.behaviour.deeds, Deed::Labels);
                self.acts = true;
            }
            "kubectl" | "oc" | "k" if is("--local") => {
                once(&mut self.behaviour.needs.programs, name);
                let deed = if is("annotate") {
                    Deed::Annotations
                } else if is("image") {
                    Deed::Images
                } else {
                    Deed::Patch
                };
                deeds::add(&mut self.behaviour.deeds, deed);
                self.acts = true;
            }
            "kubectl" | "oc" | "k" | "calicoctl" | "istioctl" | "linkerd" | "helm" | "flux" | "argocd" => {
                once(&mut self.behaviour.needs.programs, name);
                if matches!(name, "istioctl" | "linkerd") && (is("kube-inject") || is("inject")) {
                    deeds::add(&mut self.behaviour.deeds, Deed::Sidecar);
                    self.acts = true;
                    once(
                        &mut self.behaviour.keeps,
                        format!("`{name}` asks the cluster for the sidecar's configuration"),
                    );
                    self.behaviour.needs.cluster = true;
                    return;
                }
                self.acts = true;
                self.behaviour.needs.cluster = true;
                once(
                    &mut self.behaviour.keeps,
                    format!("`{name} {}` asks the cluster", rest.first().cloned().unwrap_or_default()),
                );
            }
            "yq" | "jq" | "gojq" | "jaq" | "dasel" => self.expression(name, rest),
            "sed" | "gsed" | "awk" | "gawk" | "mawk" | "perl" | "grep" | "egrep" | "rg" => {
                self.lines(name, rest, command)
            }
            "envsubst" | "gomplate" | "j2" | "ytt" | "mo" => {
                once(&mut self.behaviour.needs.programs, name);
                deeds::add(&mut self.behaviour.deeds, Deed::Placeholders);
                self.acts = true;
                for word in rest {
                    for piece in word.split(['$', ' ', ',']) {
                        let piece = piece.trim_matches(['{', '}', '\'', '"']);
                        if !piece.is_empty()
                            && piece
                                .bytes()
                                .all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit())
                        {
                            once(&mut self.behaviour.needs.env, piece);
                        }
                    }
                }
            }
            "python" | "python3" | "python2" | "ruby" | "node" | "deno" | "pwsh" | "uv" | "poetry" => {
                self.interpreter(name, rest, command)
            }
            "bash" | "sh" | "zsh" | "dash" | "ash" => self.inner_shell(name, rest, command),
            "date" | "uuidgen" | "shuf" | "openssl" if name != "openssl" || is("rand") => {
                once(&mut self.behaviour.needs.programs, name);
                self.behaviour.needs.clock = true;
            }
            "sha256sum" | "md5sum" | "shasum" | "sha1sum" => {
                once(&mut self.behaviour.needs.programs, name);
                deeds::add(&mut self.behaviour.deeds, Deed::Checksum);
                self.acts = true;
            }
            "conftest" | "kubeconform" | "kubeval" | "kyverno" | "opa" | "datree" | "kube-linter" | "kube-score"
            | "polaris" | "pluto" => {
                once(&mut self.behaviour.needs.programs, name);
                deeds::add(&mut self.behaviour.deeds, Deed::Policy);
                self.acts = true;
            }
            "go" => {
                once(&mut self.behaviour.needs.programs, name);
                self.acts = true;
                let target = rest
                    .iter()
                    .find(|word| word.starts_with("./") || word.ends_with(".go") || word.contains('/'))
                    .cloned()
                    .unwrap_or_default();
                if !self.world.program(&target, rest, self.behaviour) {
                    once(&mut self.behaviour.keeps, "`go run` fetches modules over the network".to_owned());
                    once(&mut self.behaviour.needs.network, "go modules");
                }
            }
            _ => self.other(name, full, rest),
        }
    }

    fn other(&mut self, name: &str, full: &str, rest: &[String]) {
        if name.is_empty() || name.contains([' ', '=', '(', '{', '*', '"', '\'']) {
            return;
        }
        self.acts = true;
        if let Some((_, service)) = NETWORK.iter().find(|(program, _)| *program == name) {
            if name == "git"
                && !rest.first().is_some_and(|word| matches!(word.as_str(), "clone" | "fetch" | "pull" | "ls-remote"))
            {
                once(&mut self.behaviour.needs.programs, name);
                once(&mut self.behaviour.needs.files, ".git");
                return;
            }
            if matches!(name, "pip" | "pip3") && !rest.iter().any(|word| word == "install") {
                return;
            }
            once(&mut self.behaviour.needs.programs, name);
            let host = rest.iter().find_map(|word| host(word)).unwrap_or_else(|| (*service).to_owned());
            once(&mut self.behaviour.needs.network, host);
            once(&mut self.behaviour.keeps, format!("`{name}` talks to {service}"));
            return;
        }
        if SECRETS.contains(&name) {
            once(&mut self.behaviour.needs.programs, name);
            once(&mut self.behaviour.keeps, format!("`{name}` reads secrets or their keys"));
            return;
        }
        if self.depth < 4 && self.world.program(full, rest, self.behaviour) {
            return;
        }
        let is_path = full.contains('/') && !full.starts_with("/usr/") && !full.starts_with("/bin/");
        if is_path && !full.contains("${") {
            once(&mut self.behaviour.missing, full);
        }
        once(&mut self.behaviour.needs.programs, name);
        self.behaviour.is_own = true;
    }

    fn build(&mut self, rest: &[String], verb: &str, program: &str) {
        self.acts = true;
        once(&mut self.behaviour.needs.programs, program);
        if rest.iter().any(|word| word.contains("enable-exec") || word.contains("enable-alpha-plugins")) {
            self.behaviour.is_own = true;
            once(
                &mut self.behaviour.config,
                "# kustomize runs functions or plugins of its own: they need a plugin each",
            );
        }
        let start = rest.iter().position(|word| word == verb).map_or(0, |at| at + 1);
        let mut folder = None;
        let mut skip = false;
        for word in rest.iter().skip(start) {
            if skip {
                skip = false;
                continue;
            }
            if word.starts_with('-') {
                skip = matches!(
                    word.as_str(),
                    "--load-restrictor"
                        | "-o"
                        | "--output"
                        | "--reorder"
                        | "--helm-command"
                        | "-e"
                        | "--env"
                        | "--network-name"
                        | "--mount"
                );
                continue;
            }
            folder = Some(word.clone());
            break;
        }
        let folder = folder.filter(|folder| folder != "." && folder != "./").unwrap_or_else(|| self.working_folder());
        let saved = self.saved.clone();
        if self.writes_kustomization() {
            return;
        }
        self.world.overlay(&folder, &saved, self.behaviour);
    }

    /// Where `cd` or `pushd` went.
    fn working_folder(&self) -> String {
        let moved =
            self.script.commands.iter().find(|command| matches!(command.program_name().as_str(), "cd" | "pushd"));
        moved.and_then(|command| command.words.get(1)).map_or_else(|| ".".to_owned(), |word| self.text_of(word))
    }

    fn writes_kustomization(&self) -> bool {
        self.script.commands.iter().flat_map(|command| &command.redirects).any(|redirect| {
            redirect.target.source().to_ascii_lowercase().contains("kustomization")
                && redirect.operator.starts_with('>')
        }) || self.script.commands.iter().any(|command| {
            command.program_name() == "kustomize" && command.words.get(1).is_some_and(|word| word.is("create"))
        })
    }

    /// A kustomization that the script writes itself.
    fn written_overlay(&mut self) {
        let mut texts = Vec::new();
        for command in &self.script.commands {
            let is_overlay = command.redirects.iter().any(|redirect| {
                redirect.operator.starts_with('>')
                    && redirect.target.source().to_ascii_lowercase().contains("kustomization")
            }) || command.program_name() == "tee"
                && command.words.iter().any(|word| word.source().to_ascii_lowercase().contains("kustomization"));
            if !is_overlay {
                continue;
            }
            for redirect in &command.redirects {
                if let Some((body, _)) = &redirect.body {
                    texts.push(body.clone());
                }
            }
            if command.redirects.iter().all(|redirect| redirect.body.is_none()) {
                texts.push(
                    command.words.iter().skip(1).map(Word::source).collect::<Vec<_>>().join("\n").replace("\\n", "\n"),
                );
            }
        }
        if texts.is_empty() {
            return;
        }
        let saved = self.saved.clone();
        super::overlay::of_text(&texts.join("\n"), "", &saved, &|name| self.world.file(name), self.behaviour, 0);
    }

    fn edit(&mut self, rest: &[String]) {
        self.acts = true;
        once(&mut self.behaviour.needs.programs, "kustomize");
        let deed = match rest.get(2).map(String::as_str) {
            Some("image") => Deed::Images,
            Some("label") => Deed::Labels,
            Some("annotation") => Deed::Annotations,
            Some("namespace") => Deed::Namespace,
            Some("nameprefix" | "namesuffix") => Deed::Rename,
            Some("patch" | "replicas") => Deed::Patch,
            Some("configmap" | "secret") => Deed::Resources,
            _ => return,
        };
        deeds::add(&mut self.behaviour.deeds, deed);
    }

    fn expression(&mut self, name: &str, rest: &[String]) {
        self.acts = true;
        once(&mut self.behaviour.needs.programs, name);
        let mut text = String::new();
        let mut skip = false;
        for (position, word) in rest.iter().enumerate() {
            if skip {
                skip = false;
                continue;
            }
            if (matches!(word.as_str(), "--from-file" | "-f") && name == "yq" || word == "--from-file")
                && let Some(inner) = rest.get(position + 1).and_then(|file| self.world.file(file))
            {
                text.push_str(&inner);
                text.push('\n');
                skip = true;
                continue;
            }
            if matches!(word.as_str(), "--arg" | "--argjson" | "-I" | "--indent" | "-p" | "-o") {
                skip = true;
                continue;
            }
            if !word.starts_with('-') && !matches!(word.as_str(), "e" | "ea" | "eval" | "eval-all" | "r" | "w" | "d") {
                text.push_str(word);
                text.push('\n');
            }
        }
        of_expression(&text, self.behaviour);
    }

    fn lines(&mut self, name: &str, rest: &[String], command: &Command) {
        let program: Vec<&String> = rest
            .iter()
            .filter(|word| {
                !word.starts_with("--")
                    && !matches!(
                        word.as_str(),
                        "-e" | "-E"
                            | "-i"
                            | "-r"
                            | "-n"
                            | "-q"
                            | "-v"
                            | "-s"
                            | "-f"
                            | "-c"
                            | "-pe"
                            | "-ne"
                            | "-0pe"
                            | "-p"
                    )
            })
            .collect();
        let mut text = program.iter().map(|word| word.as_str()).collect::<Vec<_>>().join("\n");
        if rest.iter().any(|word| word == "-f")
            && let Some(inner) =
                rest.iter().skip_while(|word| *word != "-f").nth(1).and_then(|file| self.world.file(file))
        {
            text.push_str(&inner);
        }
        let _ = command;
        if matches!(name, "grep" | "egrep" | "rg") {
            let drops = rest.iter().any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains('v'));
            if !drops || rest.iter().any(|word| word.starts_with('-') && word.contains('q')) {
                return;
            }
            self.acts = true;
            once(&mut self.behaviour.needs.programs, name);
            if text.contains("Source:") {
                self.behaviour.only_helm3 = true;
            } else {
                deeds::add(&mut self.behaviour.deeds, Deed::Expression);
            }
            return;
        }
        // A sed that reads a path out of a variable, not the stream.
        let in_substitution = command.in_substitution && !text.contains("image") && !text.contains("kind");
        if in_substitution {
            once(&mut self.behaviour.needs.programs, name);
            return;
        }
        self.acts = true;
        once(&mut self.behaviour.needs.programs, name);
        of_line_program(&text, name, self.behaviour);
    }

    fn interpreter(&mut self, name: &str, rest: &[String], command: &Command) {
        self.acts = true;
        once(&mut self.behaviour.needs.programs, name);
        let language = match name {
            "ruby" => "ruby",
            "node" | "deno" => "node",
            "pwsh" => "powershell",
            _ => "python",
        };
        let inline =
            rest.iter().position(|word| matches!(word.as_str(), "-c" | "-e" | "--eval" | "-Command")).and_then(|at| {
                command
                    .words
                    .iter()
                    .map(Word::source)
                    .rfind(|word| word.contains('\n') || word.contains(' '))
                    .or_else(|| rest.get(at + 1).cloned())
            });
        if let Some(text) = inline {
            return of_code(&text, language, self.behaviour);
        }
        for redirect in &command.redirects {
            if let Some((body, _)) = &redirect.body {
                return of_code(body, language, self.behaviour);
            }
        }
        let file = rest
            .iter()
            .find(|word| !word.starts_with('-') && !matches!(word.as_str(), "run" | "python" | "python3"))
            .cloned()
            .unwrap_or_default();
        if !self.world.program(&file, rest, self.behaviour) {
            once(&mut self.behaviour.missing, file);
        }
    }

    fn inner_shell(&mut self, name: &str, rest: &[String], command: &Command) {
        let _ = name;
        if let Some(at) = rest.iter().position(|word| word.starts_with('-') && word.ends_with('c')) {
            let text = rest.get(at + 1).cloned().unwrap_or_default();
            if self.depth < 6 {
                self.acts = true;
                let arguments: Vec<String> = rest.iter().skip(at + 3).cloned().collect();
                of_shell(&text, &arguments, self.world, self.behaviour, self.depth + 1);
            }
            return;
        }
        for redirect in &command.redirects {
            if let Some((body, _)) = &redirect.body
                && self.depth < 6
            {
                self.acts = true;
                return of_shell(body, &[], self.world, self.behaviour, self.depth + 1);
            }
        }
        if let Some(file) = rest.iter().find(|word| !word.starts_with('-')) {
            self.acts = true;
            if !self.world.program(file, rest.get(1..).unwrap_or_default(), self.behaviour) {
                once(&mut self.behaviour.missing, file.clone());
            }
        }
    }

    /// Variables that are read and set nowhere: environment and arguments.
    fn variables(&mut self) {
        let mut used = Vec::new();
        for command in &self.script.commands {
            let assigned = command.assignments.iter().flat_map(|assignment| match &assignment.value {
                shell::Given::One(word) => vec![word.clone()],
                shell::Given::Many(words) => words.clone(),
            });
            let redirected = command.redirects.iter().map(|redirect| redirect.target.clone());
            for word in command.words.iter().cloned().chain(assigned).chain(redirected) {
                for part in &word.parts {
                    if let shell::Part::Variable { name, .. } = part {
                        used.push((name.clone(), command.function.is_some()));
                    }
                }
            }
            for redirect in &command.redirects {
                if let Some((body, _)) = redirect.body.as_ref().filter(|_| redirect.expands) {
                    for word in shell::words(body).iter().take(2_000) {
                        for part in &word.parts {
                            if let shell::Part::Variable { name, .. } = part {
                                used.push((name.clone(), false));
                            }
                        }
                    }
                }
            }
        }
        let common = [
            "BASH_SOURCE",
            "0",
            "?",
            "$",
            "#",
            "!",
            "-",
            "_",
            "PWD",
            "OLDPWD",
            "IFS",
            "TMPDIR",
            "FUNCNAME",
            "LINENO",
            "PIPESTATUS",
            "RANDOM",
            "SECONDS",
            "line",
            "BASH_VERSION",
            "UID",
            "EUID",
            "OSTYPE",
        ];
        for (name, in_function) in used {
            if matches!(name.as_str(), "RANDOM" | "SECONDS" | "EPOCHSECONDS") {
                self.behaviour.needs.clock = true;
            }
            if common.contains(&name.as_str()) {
                continue;
            }
            if matches!(name.as_str(), "@" | "*") || name.parse::<usize>().is_ok() {
                if !in_function {
                    once(&mut self.behaviour.needs.arguments, format!("${name}"));
                }
            } else if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                && self.scope.bindings(&name).is_empty()
            {
                let read =
                    self.script.commands.iter().any(|command| {
                        command.program_name() == "read" && command.words.iter().any(|word| word.is(&name))
                    });
                if !read {
                    once(&mut self.behaviour.needs.env, name);
                }
            } else if let Some(binding) = self.scope.bindings(&name).first()
                && matches!(binding.word.parts.as_slice(), [shell::Part::Variable { name: own, default: Some(_), .. }] if *own == name)
            {
                once(&mut self.behaviour.needs.env, name);
            }
        }
    }

    fn defects(&mut self, text: &str) {
        let has_pipe = self.script.commands.iter().any(|command| command.stage > 0);
        if has_pipe && !text.contains("pipefail") && self.script.commands.len() > 1 {
            once(&mut self.behaviour.defects, "a failing program in a pipe is not noticed: no `set -o pipefail`");
        }
        for target in self.saved.clone() {
            let is_fixed = !target.contains('$') && !target.contains("{{");
            if is_fixed {
                once(
                    &mut self.behaviour.defects,
                    format!("saves its input under the fixed name `{target}`: two runs at once take each other's"),
                );
            }
        }
        let cleans = text.contains("rm ") && !text.contains("trap ");
        if cleans && !self.saved.is_empty() {
            once(&mut self.behaviour.defects, "what it wrote stays when a step fails: the clean-up is no `trap`");
        }
        let mut after_exec = false;
        for command in &self.script.commands {
            if after_exec && command.function.is_none() && !command.words.is_empty() {
                once(&mut self.behaviour.defects, "lines behind `exec` are never reached");
            }
            after_exec = command.words.first().is_some_and(|word| word.is("exec"))
                && command.words.len() > 1
                && command.function.is_none()
                && !command.in_substitution
                && !text.contains("if ");
        }
        if self.script.commands.len() > 2
            && !text.contains("set -e")
            && !text.contains("-eu")
            && !text.contains("errexit")
            && !text.starts_with("#!/bin/sh -e")
        {
            let last = self.script.commands.iter().rev().find(|command| !command.in_substitution);
            if last.is_some_and(|command| {
                matches!(command.program_name().as_str(), "rm" | "popd" | "cd" | "echo" | "true")
            }) {
                once(
                    &mut self.behaviour.defects,
                    "the exit code is lost: the last command is not the one that may fail",
                );
            }
        }
        if self.behaviour.needs.clock {
            once(&mut self.behaviour.defects, "the output differs from run to run (time or chance)");
        }
    }
}

fn host(word: &str) -> Option<String> {
    let rest = word.split("://").nth(1)?;
    let host = rest.split(['/', '?', ' ', '"']).next()?;
    (!host.is_empty()).then(|| host.to_owned())
}
