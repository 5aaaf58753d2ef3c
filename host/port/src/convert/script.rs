//! Shell scripts: "save the stream, build an overlay", filters of yq and sed, in all their shapes.
//!
//! A command is taken for harmless, converted, or named as missing: there is no fourth way. What stands under a
//! condition and does something counts as missing, as nobody here knows whether it holds.

use std::borrow::Cow;
use std::collections::HashMap;

use windlass_manifest::Value;

use super::files::{Files, folder, join};
use super::text::{Sed, awk, sed};
use super::value::{map, text};
use super::{Conversion, Options, Refusal, Site, expression, kustomization, python};
use crate::audit::shell::{self, Command, Given, Part, Word};

/// The folder that stands for `mktemp -d` and other folders outside.
const TEMPORARY: &str = ".windlass-temporary";
/// How deep variables within variables are followed.
const MAX_DEPTH: usize = 20;
/// How many parts and bytes all variables of a script are written out to: each may name others twice.
const MAX_EXPANDED: usize = 4 << 20;

/// Programs that change nothing of the stream.
const HARMLESS: &[&str] = &[
    "set", "shopt", "trap", "rm", "mkdir", "rmdir", "export", "local", "declare", "readonly", "typeset", "unset",
    "exit", "return", "true", "false", ":", "test", "[", "[[", "command", "which", "type", "hash", "chmod", "touch",
    "umask", "shift", "sleep", "wait", "mktemp", "dirname", "basename", "realpath", "readlink", "pwd", "exec",
    "getopts", "case", "esac", "if", "then", "else", "elif", "fi", "for", "while", "do", "done", "ls", "stat",
    "logger", "date", "id", "uname", "sync", "break", "continue", "function", "ulimit", "((", "let",
];

/// Programs that start another one.
const STARTERS: &[&str] = &["exec", "command", "env", "time", "nice", "nohup", "builtin"];

/// Programs that need what no plugin has.
const OUTSIDE: &[(&str, &str)] = &[
    ("curl", "the network"),
    ("wget", "the network"),
    ("vault", "the network"),
    ("aws", "the network"),
    ("gcloud", "the network"),
    ("az", "the network"),
    ("op", "the network"),
    ("sops", "keys"),
    ("git", "the network"),
    ("helm", "Helm itself"),
    ("kubectl", "the cluster"),
    ("oc", "the cluster"),
    ("docker", "other programs"),
    ("crane", "the network"),
    ("openssl", "keys"),
    ("kubeseal", "keys"),
    ("istioctl", "its own injection"),
    ("linkerd", "its own injection"),
];

/// Converts a script.
pub(super) fn convert(
    files: &Files,
    name: &str,
    source: &str,
    options: &Options,
    conversion: &mut Conversion,
) -> Result<(), Refusal> {
    let first = source.lines().next().unwrap_or_default();
    if first.starts_with("#!") && first.contains("yq") {
        // `#!/usr/bin/yq -f`: the rest is the expression.
        let body = source.split_once('\n').map_or("", |(_, body)| body);
        expression::yq(body, &Site::new(name, 2), options, conversion);
        return Ok(());
    }
    let reader = Reader::new(files, name, folder(name), source, Place::File, options, conversion);
    reader.run();
    Ok(())
}

/// Converts shell text that stands in another file.
pub(super) fn lines(
    files: &Files,
    site: &Site,
    source: &str,
    options: &Options,
    conversion: &mut Conversion,
) -> Result<(), Refusal> {
    let reader =
        Reader::new(files, &site.file, folder(&site.file), source, Place::Line(site.line), options, conversion);
    reader.run();
    Ok(())
}

#[derive(Clone, Copy)]
enum Place {
    File,
    Line(usize),
}

struct Reader<'r> {
    files: &'r Files,
    name: &'r str,
    folder: String,
    place: Place,
    options: &'r Options,
    conversion: &'r mut Conversion,
    script: shell::Script,
    variables: HashMap<String, Word>,
    conditions: Vec<(usize, usize)>,
    saved: Vec<String>,
    temporaries: usize,
    /// What is left of [`MAX_EXPANDED`].
    expansions: usize,
}

impl<'r> Reader<'r> {
    fn new(
        files: &'r Files,
        name: &'r str,
        folder: &str,
        source: &str,
        place: Place,
        options: &'r Options,
        conversion: &'r mut Conversion,
    ) -> Self {
        Reader {
            files,
            name,
            folder: folder.to_owned(),
            place,
            options,
            conversion,
            script: shell::read(source),
            variables: HashMap::new(),
            conditions: conditions(source),
            saved: Vec::new(),
            temporaries: 0,
            expansions: MAX_EXPANDED,
        }
    }

    fn site(&self, line: usize) -> Site {
        match self.place {
            Place::File => Site::new(self.name, line + 1),
            Place::Line(line) => Site::new(self.name, line),
        }
    }

    fn run(mut self) {
        let commands = std::mem::take(&mut self.script.commands);
        let before = (self.conversion.steps.len(), self.conversion.missing.len());
        let mut does = false;
        for command in &commands {
            for assignment in &command.assignments {
                if let Given::One(word) = &assignment.value {
                    self.assign(&assignment.name, word);
                }
            }
            let had = (self.conversion.steps.len(), self.conversion.missing.len());
            self.command(command);
            let changed = self.conversion.steps.len() > had.0;
            does |= !command.words.is_empty();
            if changed && self.conditions.iter().any(|(first, last)| (*first..=*last).contains(&command.line)) {
                let site = self.site(command.line);
                self.conversion
                    .miss(&site, "a condition decides whether this is done, and the pipeline always does it");
            }
        }
        if (self.conversion.steps.len(), self.conversion.missing.len()) == before && does {
            self.conversion.is_idle = true;
        }
    }

    /// The first word that a variable gets counts for folders made once; later ones take its place.
    fn assign(&mut self, name: &str, word: &Word) {
        let is_temporary = word
            .parts
            .iter()
            .any(|part| matches!(part, Part::Substitution(inside) if inside.trim_start().starts_with("mktemp")));
        if is_temporary {
            self.temporaries += 1;
            let folder = format!("{TEMPORARY}/{}", self.temporaries);
            self.variables.insert(name.to_owned(), Word::literal(&folder, word.line));
            return;
        }
        // `x=${x:-y}` says what x is without being x.
        let is_itself = word.parts.iter().any(|part| matches!(part, Part::Variable { name: own, .. } if own == name));
        if is_itself {
            if let Some(value) = self.expand(word, 0) {
                self.variables.insert(name.to_owned(), Word::literal(&value, word.line));
            }
            return;
        }
        self.variables.insert(name.to_owned(), word.clone());
    }

    fn expand(&mut self, word: &Word, depth: usize) -> Option<String> {
        if depth > MAX_DEPTH || self.expansions == 0 {
            return None;
        }
        let mut out = String::new();
        for part in &word.parts {
            let written = match part {
                Part::Text(piece) => Cow::Borrowed(piece.as_str()),
                Part::Variable { name, default, indirect: false } => {
                    self.value(name, default.as_deref(), depth)?.into()
                }
                Part::Substitution(inside) => self.substitution(inside)?.into(),
                Part::Variable { .. } | Part::Template(_) => return None,
            };
            // What is beyond it ends every later expansion too, before anything is copied for it.
            self.expansions = self.expansions.saturating_sub(1 + written.len());
            if self.expansions == 0 {
                return None;
            }
            out.push_str(&written);
        }
        Some(out)
    }

    fn value(&mut self, name: &str, default: Option<&str>, depth: usize) -> Option<String> {
        if matches!(name, "0" | "BASH_SOURCE" | "PWD") {
            return Some(".".to_owned());
        }
        if matches!(name, "TMPDIR" | "TEMP" | "TMP") {
            return Some(TEMPORARY.to_owned());
        }
        if let Ok(number) = name.parse::<usize>() {
            let given = self.options.arguments.get(number.checked_sub(1)?).cloned();
            return given.or_else(|| default.map(str::to_owned));
        }
        if matches!(name, "@" | "*") {
            return Some(self.options.arguments.join(" "));
        }
        if name == "$" || name == "RANDOM" {
            return Some("0".to_owned());
        }
        if let Some(word) = self.variables.get(name).cloned() {
            return self.expand(&word, depth + 1);
        }
        if let Some(default) = default
            && !self.options.env.iter().any(|(known, _)| known == name)
        {
            return Some(default.to_owned());
        }
        self.conversion.variable(name, self.options)
    }

    fn substitution(&mut self, inside: &str) -> Option<String> {
        let inside = inside.trim();
        if inside.contains("dirname")
            || inside.starts_with("pwd")
            || inside.starts_with("cd ")
            || inside.contains("git rev-parse")
        {
            return Some(".".to_owned());
        }
        inside.starts_with("mktemp").then(|| format!("{TEMPORARY}/0"))
    }

    /// A path as a name in the tree: absolute ones are of the machine, and stand in a folder of their own.
    fn path(&mut self, word: &Word) -> Option<String> {
        let path = self.expand(word, 0)?;
        self.named(&path)
    }

    fn named(&self, path: &str) -> Option<String> {
        if path.starts_with(TEMPORARY) {
            return join("", path);
        }
        match path.strip_prefix('/') {
            Some(rest) => join(TEMPORARY, &format!("root/{rest}")),
            None => join(&self.folder, path),
        }
    }

    fn command(&mut self, command: &Command) {
        let mut program = command.program_name();
        // What starts another program is of no matter, what it starts is.
        let mut behind = command.clone();
        while STARTERS.contains(&program.as_str()) && behind.words.len() > 1 {
            behind.words.remove(0);
            while behind.words.len() > 1 && behind.words.first().is_some_and(|word| word.starts_with("-")) {
                behind.words.remove(0);
            }
            program = behind.program_name();
        }
        let command = &behind;
        let site = self.site(command.line);
        if command.words.is_empty() || self.script.functions.iter().any(|(name, _)| *name == program) {
            return;
        }
        if command.in_substitution
            && matches!(program.as_str(), "cat" | "dirname" | "mktemp" | "pwd" | "cd" | "git" | "basename")
        {
            return;
        }
        let arguments: Vec<&Word> = command.words.iter().skip(1).collect();
        match program.as_str() {
            "cat" | "tee" => self.save(command, &program, &arguments),
            // What goes to standard error, or to another program, is no part of the stream.
            "echo" | "printf" => self.print(command, &arguments),
            "cp" | "mv" | "ln" | "install" => self.copy(&site, &arguments),
            "cd" | "pushd" => self.go(&site, &arguments),
            "popd" => {}
            "kustomize" => self.kustomize(&site, &arguments),
            "kubectl" | "oc" | "microk8s" | "k3s" if arguments.iter().any(|word| word.is("kustomize")) => {
                let at = arguments.iter().position(|word| word.is("kustomize")).map_or(0, |at| at + 1);
                self.build(&site, arguments.get(at..).unwrap_or_default());
            }
            "yq" | "yq4" | "yq_linux_amd64" | "go-yq" => self.yq(&site, command, &arguments),
            "source" | "." => self.conversion.miss(&site, "another script is read into this one"),
            python if python.starts_with("python") => self.python(&site, command, &arguments),
            "awk" | "gawk" | "mawk" => self.awk(&site, &arguments),
            "jq" => self.conversion.miss(&site, "jq reads JSON, which the stream is not"),
            "sed" | "gsed" => self.sed(&site, &arguments),
            "grep" | "egrep" if command.pipe_is_alone() => {}
            program if HARMLESS.contains(&program) => {}
            program => {
                let what = match OUTSIDE.iter().find(|(name, _)| *name == program) {
                    Some((_, what)) => format!("`{program}` needs {what}"),
                    None if program.starts_with("${") => {
                        format!("`{program}` is a program that only the environment names")
                    }
                    None => format!("`{program}` is not known"),
                };
                self.conversion.miss(&site, what);
            }
        }
    }

    /// `cat > FILE`, `tee FILE`, here documents.
    fn save(&mut self, command: &Command, program: &str, arguments: &[&Word]) {
        let mut targets: Vec<Word> = command
            .redirects
            .iter()
            .filter(|redirect| redirect.operator.starts_with('>') || redirect.operator.starts_with("&>"))
            .map(|redirect| redirect.target.clone())
            .collect();
        if program == "tee" {
            targets.extend(arguments.iter().filter(|word| !word.starts_with("-")).map(|word| (*word).clone()));
        }
        let body = command.redirects.iter().find_map(|redirect| Some((redirect.body.clone()?, redirect.expands)));
        let reads_file = program == "cat" && arguments.iter().any(|word| !word.starts_with("-"));
        if targets.is_empty() && !command.in_substitution {
            return self.joins(command, program, arguments, body);
        }
        for target in targets {
            let Some(path) = self.path(&target) else {
                if !reads_file {
                    let site = self.site(command.line);
                    self.conversion
                        .miss(&site, format!("the stream goes to `{}`, which is not known", target.source()));
                }
                continue;
            };
            match &body {
                Some(((text, line), expands)) => {
                    let text = if *expands { self.expanded(text, *line) } else { Some(text.clone()) };
                    match text {
                        Some(text) => self.files.write(&path, text),
                        None => {
                            let site = self.site(*line);
                            self.conversion.miss(&site, format!("`{path}` is written with values that are not known"));
                        }
                    }
                }
                None if reads_file => {}
                None => self.saved.push(path),
            }
        }
    }

    /// `cat - extra.yaml`, `cat <<EOF` onto standard output: objects that come with the stream.
    fn joins(&mut self, command: &Command, program: &str, arguments: &[&Word], body: Option<((String, usize), bool)>) {
        if program != "cat" {
            return;
        }
        if let Some(((text, line), expands)) = body {
            let text = if expands { self.expanded(&text, line) } else { Some(text) };
            let site = self.site(line);
            match text {
                Some(text) => kustomization::add(&site, "the here document", &text, self.conversion),
                None => self.conversion.miss(&site, "text with values that are not known joins the stream"),
            }
            return;
        }
        let site = self.site(command.line);
        for word in arguments.iter().filter(|word| !word.starts_with("-") || word.is("-")) {
            let Some(path) = self.expand(word, 0) else {
                self.conversion.miss(&site, format!("`{}` joins the stream, and is not known", word.source()));
                continue;
            };
            if matches!(path.as_str(), "-" | "/dev/stdin") {
                continue;
            }
            let named = self.named(&path);
            if named.as_ref().is_some_and(|path| self.saved.contains(path)) {
                continue;
            }
            match named.map(|path| self.files.text(&path)) {
                Some(Ok(text)) => kustomization::add(&site, &path, &text, self.conversion),
                _ => self.conversion.miss(&site, format!("`{path}` joins the stream, and is not there")),
            }
        }
    }

    /// A here document whose variables are written out.
    fn expanded(&mut self, text: &str, line: usize) -> Option<String> {
        let mut out = String::new();
        for (number, written) in text.lines().enumerate() {
            if !written.contains(['$', '`']) {
                out.push_str(written);
                out.push('\n');
                continue;
            }
            // As one quoted word, which is how the shell reads it.
            let quoted = format!("x \"{}\"", written.replace('"', "\\\""));
            let word = shell::words(&quoted).into_iter().nth(1)?;
            let word = Word { line: line + number, ..word };
            out.push_str(&self.expand(&word, 0)?);
            out.push('\n');
        }
        Some(out)
    }

    /// `echo "$input" > FILE` saves the stream; anything else on standard output would be a part of it.
    fn print(&mut self, command: &Command, arguments: &[&Word]) {
        let holds_stream = arguments.iter().any(|word| {
            word.parts.iter().any(|part| match part {
                Part::Variable { name, .. } => self.variables.get(name).is_some_and(is_stream),
                _ => false,
            })
        });
        let target = command
            .redirects
            .iter()
            .find(|redirect| redirect.operator.starts_with('>'))
            .map(|redirect| redirect.target.clone());
        if let (true, Some(target)) = (holds_stream, &target)
            && let Some(path) = self.path(target)
        {
            self.saved.push(path);
        }
        if holds_stream || target.is_some() || command.in_substitution {
            return;
        }
        let is_noise = |text: &str| {
            let text = text.replace("\\n", "\n");
            text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with("---") || line.starts_with('#'))
        };
        let texts: Vec<Option<String>> = arguments.iter().map(|word| word.text()).collect();
        if !texts.iter().all(|text| text.as_deref().is_some_and(|text| text.starts_with('-') || is_noise(text))) {
            let site = self.site(command.line);
            self.conversion.miss(&site, "text of its own joins the stream");
        }
    }

    /// `python3 FILE`, `python3 -c TEXT`, `python3 - <<EOF`.
    fn python(&mut self, site: &Site, command: &Command, arguments: &[&Word]) {
        let body = command.redirects.iter().find_map(|redirect| redirect.body.clone());
        let mut rest = arguments.iter();
        while let Some(word) = rest.next() {
            let Some(written) = self.expand(word, 0) else { break };
            let given: Vec<String> = rest.clone().filter_map(|word| word.text()).collect();
            let options = Options { arguments: given, ..self.options.clone() };
            match written.as_str() {
                "-u" | "-B" | "-s" | "-S" | "-E" | "-I" => {}
                "-c" => {
                    let Some(source) = rest.next().and_then(|word| self.expand(word, 0)) else { break };
                    return python::convert(&site.file, &source, &options, self.conversion);
                }
                "-" => break,
                file => {
                    let source = self.named(file).filter(|path| self.files.is_file(path));
                    let Some((path, Ok(source))) = source.map(|path| (path.clone(), self.files.text(&path))) else {
                        break;
                    };
                    return python::convert(&path, &source, &options, self.conversion);
                }
            }
        }
        match body {
            // The text takes the place of the stream on standard input.
            Some((source, _)) if !source.contains("stdin") => {
                python::convert(&site.file, &source, self.options, self.conversion);
            }
            _ => self.conversion.miss(site, "Python with a program that is not known"),
        }
    }

    /// awk that does to images what sed does.
    fn awk(&mut self, site: &Site, arguments: &[&Word]) {
        let program = match arguments {
            [program] => self.expand(program, 0),
            _ => None,
        };
        let found = program.as_deref().and_then(awk);
        match found {
            Some(replaced) => self.replaced(site, replaced),
            None => {
                let program = program.unwrap_or_default();
                self.conversion.miss(site, format!("`awk {}` edits text, not objects", program.trim()));
            }
        }
    }

    fn copy(&mut self, site: &Site, arguments: &[&Word]) {
        let paths: Vec<&Word> = arguments.iter().copied().filter(|word| !word.starts_with("-")).collect();
        let Some((to, from)) = paths.split_last() else { return };
        let Some(to) = self.path(to) else {
            return self.conversion.miss(site, "files are copied to a place that is not known");
        };
        for source in from {
            let Some(written) = self.expand(source, 0) else {
                self.conversion.miss(site, format!("`{}` is copied, and is not known", source.source()));
                continue;
            };
            let contents = written.ends_with("/.") || written.ends_with("/*") || written.ends_with('/');
            let Some(path) = self.named(written.trim_end_matches('*')) else { continue };
            let base = path.rsplit('/').next().unwrap_or_default().to_owned();
            let is_file = self.files.is_file(&path) || self.saved.contains(&path);
            let is_named =
                is_file && to.rsplit('/').next().is_some_and(|name| name.contains('.')) && !self.files.is_folder(&to);
            let target = if contents || is_named { to.clone() } else { format!("{to}/{base}") };
            if self.saved.contains(&path) {
                self.saved.push(target);
            } else if is_file || self.files.is_folder(&path) {
                self.files.copy(&path, &target);
                if !contents && self.files.is_folder(&path) {
                    // `cp -r overlay $tmp` is `$tmp` itself where that was not there before.
                    self.files.copy(&path, &to);
                }
            }
        }
    }

    fn go(&mut self, site: &Site, arguments: &[&Word]) {
        let Some(target) = arguments.iter().copied().find(|word| !word.starts_with("-")) else { return };
        match self.path(target) {
            Some(path) => self.folder = path,
            None => self.conversion.miss(site, format!("the folder `{}` is not known", target.source())),
        }
    }

    fn kustomize(&mut self, site: &Site, arguments: &[&Word]) {
        match arguments.first().and_then(|word| word.text()).as_deref() {
            Some("build") => self.build(site, arguments.get(1..).unwrap_or_default()),
            Some("edit") => self.edit(site, arguments.get(1..).unwrap_or_default()),
            Some("create" | "version" | "cfg") => {}
            _ => self.conversion.miss(site, "a command of kustomize that is not known"),
        }
    }

    fn build(&mut self, site: &Site, arguments: &[&Word]) {
        let mut folder = None;
        let mut is_value = false;
        for word in arguments {
            if std::mem::take(&mut is_value) {
                continue;
            }
            if word.starts_with("-") {
                is_value = [
                    "--load-restrictor",
                    "-o",
                    "--output",
                    "--env",
                    "-e",
                    "--mount",
                    "--network-name",
                    "--helm-command",
                ]
                .iter()
                .any(|flag| word.is(flag));
                if word.starts_with("--enable-exec") || word.starts_with("--enable-alpha-plugins") {
                    self.conversion.miss(site, "kustomize runs other programs");
                }
                continue;
            }
            folder = folder.or(Some(*word));
        }
        let path = match folder {
            Some(word) => self.path(word),
            None => Some(self.folder.clone()),
        };
        let Some(path) = path else {
            let source = folder.map(Word::source).unwrap_or_default();
            let what = format!(
                "the overlay `{source}` is not known: give its value with `--env NAME=VALUE`, or arguments behind `--`"
            );
            return self.conversion.miss(site, what);
        };
        let Some((name, _)) = self.files.kustomization(&path) else {
            return self.conversion.miss(site, format!("the overlay `{path}` is not there"));
        };
        if let Err(refusal) = kustomization::convert(self.files, &name, &self.saved, self.conversion) {
            self.conversion.miss(site, refusal.why);
        }
    }

    /// `kustomize edit set image`, `set namespace`, `add resource`.
    fn edit(&mut self, site: &Site, arguments: &[&Word]) {
        let words: Vec<Option<String>> = arguments.iter().map(|word| self.expand(word, 0)).collect();
        let words: Vec<&str> = words.iter().map(|word| word.as_deref().unwrap_or("\u{0}")).collect();
        if words.contains(&"\u{0}") {
            return self.conversion.miss(site, "`kustomize edit` with values that are not known");
        }
        match words.as_slice() {
            ["set", "image", images @ ..] => {
                let images: Vec<Value> = images.iter().filter_map(|image| edited_image(image)).collect();
                self.conversion.step("images", map([("images", Value::List(images))]));
            }
            ["set", "namespace", namespace, ..] => {
                self.conversion.step("namespace", map([("namespace", text(namespace))]))
            }
            ["set", which @ ("nameprefix" | "namesuffix"), rest @ ..] => {
                let key = if *which == "nameprefix" { "namePrefix" } else { "nameSuffix" };
                match rest.iter().find(|word| **word != "--") {
                    Some(affix) => self.conversion.step("rename", map([(key, text(affix))])),
                    None => self.conversion.miss(site, "`kustomize edit` without a value"),
                }
            }
            ["add", "resource" | "resources", resources @ ..] => {
                for resource in resources {
                    let is_saved = self.named(resource).is_some_and(|path| self.saved.contains(&path));
                    if !is_saved {
                        self.conversion.miss(site, format!("`kustomize edit add resource {resource}`"));
                    }
                }
            }
            what => self.conversion.miss(site, format!("`kustomize edit {}`", what.join(" "))),
        }
    }

    fn yq(&mut self, site: &Site, command: &Command, arguments: &[&Word]) {
        let mut expression = None;
        let mut is_all = false;
        let mut in_place = false;
        let mut rest = arguments.iter().copied().peekable();
        while let Some(word) = rest.next() {
            let Some(written) = self.expand(word, 0) else {
                return self.conversion.miss(site, format!("yq with `{}`, which is not known", word.source()));
            };
            match written.as_str() {
                "eval" | "e" if expression.is_none() => {}
                "eval-all" | "ea" if expression.is_none() => is_all = true,
                "-i" | "--inplace" => in_place = true,
                "-n" | "--null-input" => return self.conversion.miss(site, "yq makes a document of its own"),
                "--from-file" => {
                    let file = rest.next().and_then(|word| self.path(word));
                    match file.map(|path| self.files.text(&path)) {
                        Some(Ok(text)) => expression = Some(text),
                        _ => return self.conversion.miss(site, "the file with yq's expression is not there"),
                    }
                }
                "-o" | "--output-format" | "-p" | "--input-format" | "-I" | "--indent" => {
                    let format = rest.next().and_then(|word| self.expand(word, 0)).unwrap_or_default();
                    if matches!(format.as_str(), "json" | "j" | "xml" | "props" | "csv" | "tsv") {
                        return self.conversion.miss(site, format!("yq with {format}"));
                    }
                }
                flag if flag.starts_with('-') && flag != "-" => {
                    if flag.contains("json") || flag.contains("split") || flag == "-s" {
                        return self.conversion.miss(site, format!("yq with `{flag}`"));
                    }
                }
                _ if expression.is_none() => expression = Some(written),
                "-" | "/dev/stdin" => {}
                file => {
                    let path = self.named(file);
                    let is_saved = path.as_ref().is_some_and(|path| self.saved.contains(path));
                    if !is_saved {
                        let what = if in_place { "yq changes another file" } else { "yq reads another file" };
                        return self.conversion.miss(site, format!("{what}: `{file}`"));
                    }
                }
            }
        }
        let Some(written) = expression else { return };
        if command.in_substitution {
            return self.conversion.miss(site, "a value is read from the stream or a file by yq");
        }
        if is_all && (written.contains("fileIndex") || written.contains("fi ") || written.contains("ireduce")) {
            return self.conversion.miss(site, "yq joins several files or documents");
        }
        if is_all && written.contains("[.") {
            return self.conversion.miss(site, "yq looks at all documents at once");
        }
        let options = self.exported(&written, command);
        expression::yq(&written, site, &options, self.conversion);
    }

    /// The caller's values and those that the script itself gives to variables of the expression.
    fn exported(&mut self, expression: &str, command: &Command) -> Options {
        let mut options = self.options.clone();
        for call in ["strenv(", "env("] {
            for (at, _) in expression.match_indices(call) {
                let inside = expression.get(at + call.len()..).and_then(|rest| rest.split(')').next());
                let name = inside.unwrap_or_default().trim();
                let own = command.assignments.iter().rfind(|assignment| assignment.name == name);
                let own = own.and_then(|assignment| match &assignment.value {
                    Given::One(word) => Some(word.clone()),
                    Given::Many(_) => None,
                });
                let Some(word) = own.or_else(|| self.variables.get(name).cloned()) else { continue };
                if let Some(value) = self.expand(&word, 0) {
                    options.env.push((name.to_owned(), value));
                }
            }
        }
        options
    }

    fn sed(&mut self, site: &Site, arguments: &[&Word]) {
        let mut commands = Vec::new();
        let mut rest = arguments.iter().copied().peekable();
        let mut has_script = false;
        while let Some(word) = rest.next() {
            let Some(written) = self.expand(word, 0) else {
                return self.conversion.miss(site, format!("sed with `{}`, which is not known", word.source()));
            };
            match written.as_str() {
                "-e" | "--expression" => {
                    has_script = true;
                    commands.extend(rest.next().and_then(|word| self.expand(word, 0)));
                }
                "-f" | "--file" => return self.conversion.miss(site, "sed with a script of its own"),
                flag if flag.starts_with('-') && flag != "-" => {
                    if flag.contains('n') && !flag.starts_with("--") {
                        return self.conversion.miss(site, "sed prints parts of the text");
                    }
                }
                _ if !has_script => {
                    has_script = true;
                    commands.push(written);
                }
                file => {
                    if !self.named(file).is_some_and(|path| self.saved.contains(&path)) {
                        return self.conversion.miss(site, format!("sed works on another file: `{file}`"));
                    }
                }
            }
        }
        let mut replaced = Vec::new();
        for command in commands
            .iter()
            .flat_map(|command| command.split(['\n', ';']))
            .map(str::trim)
            .filter(|line| !line.is_empty())
        {
            match sed(command) {
                Sed::Image { from, to, only_images } => replaced.push((from, to, only_images)),
                Sed::Nothing => {}
                Sed::Other => self.conversion.miss(site, format!("`sed {command}` edits text, not objects")),
            }
        }
        self.replaced(site, replaced);
    }

    /// Images whose front is replaced: from, to, and whether other texts stay.
    fn replaced(&mut self, site: &Site, replaced: Vec<(String, String, bool)>) {
        let mut mirrors: Vec<(String, Value)> = Vec::new();
        for (from, to, only_images) in replaced {
            if !only_images {
                let what = format!(
                    "every text with `{from}` changes; the pipeline changes images only: name other places in `paths` of the plugin images"
                );
                self.conversion.miss(site, what);
            }
            match mirrors.iter().find(|(known, _)| *known == from) {
                // `image: x` and `image: "x"` are two commands of sed.
                Some((_, known)) if known.as_str() == Some(&to) => {}
                Some(_) => self.conversion.miss(site, format!("`{from}` becomes several things")),
                None => mirrors.push((from, text(&to))),
            }
        }
        if mirrors.iter().any(|(from, _)| from == "docker.io" || from.starts_with("docker.io/")) {
            self.conversion.better(
                "Images that name no registry come from docker.io too, and are mirrored with those that name it.",
                "name what is to be mirrored further (`docker.io/NAMESPACE`), or give the plugin `targets`.",
            );
        }
        if !mirrors.is_empty() {
            self.conversion.step("images", map([("mirrors", Value::Map(mirrors))]));
        }
    }
}

impl Command {
    fn pipe_is_alone(&self) -> bool {
        self.redirects.iter().any(|redirect| redirect.operator.starts_with('>')) || self.in_substitution
    }
}

/// Whether a variable holds the stream: `input=$(cat)`.
fn is_stream(word: &Word) -> bool {
    word.parts.iter().any(|part| matches!(part, Part::Substitution(inside) if matches!(inside.trim(), "cat" | "cat -" | "cat <&0" | "</dev/stdin" | "cat /dev/stdin" | "< /dev/stdin")))
}

/// `NAME=NEW:TAG`, `NAME:TAG`, `NAME=NEW@DIGEST` as kustomize reads them.
fn edited_image(image: &str) -> Option<Value> {
    let (name, new) = image.split_once('=').unwrap_or((image, image));
    let (rest, digest) = match new.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (new, None),
    };
    let at = rest.rfind(':').filter(|at| !rest.get(*at..).unwrap_or_default().contains('/'));
    let (new_name, tag) = match at {
        Some(at) => (rest.get(..at)?, rest.get(at + 1..)),
        None => (rest, None),
    };
    let name = if image.contains('=') { name } else { new_name };
    let mut entry = map([("name", text(name))]);
    if new_name != name && !new_name.is_empty() {
        entry.push(("newName".to_owned(), text(new_name)));
    }
    if let Some(tag) = tag {
        entry.push(("newTag".to_owned(), text(tag)));
    }
    if let Some(digest) = digest {
        entry.push(("digest".to_owned(), text(digest)));
    }
    Some(Value::Map(entry))
}

/// The lines between `if` and `fi`, `case` and `esac`, and loops that are not over the stream; 0-based.
fn conditions(source: &str) -> Vec<(usize, usize)> {
    let mut open = Vec::new();
    let mut found = Vec::new();
    for (number, line) in source.lines().enumerate() {
        let mut words = line.split([' ', '\t', ';', ')', '&', '|']).filter(|word| !word.is_empty());
        let first = words.next().unwrap_or_default();
        if first.starts_with('#') {
            continue;
        }
        let closes = line.split([' ', '\t', ';']).filter(|word| matches!(*word, "fi" | "esac" | "done")).count();
        if matches!(first, "if" | "case" | "for" | "while" | "until") {
            open.push(number);
        }
        for _ in 0..closes {
            if let Some(start) = open.pop() {
                found.push((start, number));
            }
        }
        if line.contains("&& kustomize") || line.contains("|| kustomize") {
            found.push((number, number));
        }
    }
    found
}
