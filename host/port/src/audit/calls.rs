//! Calls of Helm with a post-renderer in shell text: the flag, wherever a shell may have it, and what feeds it.

use super::cli;
use super::facts::{Copied, Facts, Inline, RendererRef, Site, Started, Written};
use super::fragment::Lines;
use super::scope::{Scope, Value, plain_name};
use super::shell::{self, Command, Given, Part, Script, Word};

/// How deep strings of commands within commands are followed.
const MAX_NESTING: usize = 6;
const FLAG: &str = "--post-renderer";
const ARGUMENTS: &str = "--post-renderer-args";

/// What is known of the place a script stands in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The kind of caller, for the findings.
    pub(crate) kind: &'static str,
    /// Whether what Helm prints is what is deployed: a plugin of Argo CD and its like.
    pub(crate) pipes: bool,
}

/// Programs that show or compare text; a flag in their words calls nothing.
const SPEAKERS: &[&str] = &[
    "echo",
    "printf",
    "grep",
    "egrep",
    "rg",
    "ack",
    "test",
    "[",
    "[[",
    "cat",
    "die",
    "fail",
    "error",
    "err",
    "warn",
    "warning",
    "info",
    "debug",
    "note",
    "msg",
    "usage",
    "help",
    "fatal",
    "abort",
    "skip",
    "log",
    "logger",
    "print",
    "assert",
    "assert_output",
    "assert_line",
    "refute_output",
    "refute_line",
    "awk",
    "sed",
    "man",
    "read",
    "case",
    "complete",
    "compgen",
    "compadd",
    "_arguments",
    "git",
    "gh",
    "notify",
    "say",
    "rem",
    "true",
    "false",
    ":",
    "write-host",
    "write-output",
    "write-error",
    "throw",
    "raise",
    "return",
    "exit",
    "jq",
    "describe",
    "it",
    "puts",
    "tput",
    "figlet",
    "banner",
    "section",
    "annotate",
    "comment",
    "slack",
    "expect_fail",
    "expect_failure",
    "expect_error",
    "assert_fails",
    "assert_failure",
    "should_fail",
    "must_fail",
    "not",
    "refuse",
    "reject",
    "diff",
    "cmp",
];

/// Whether a variable holds what people read.
fn is_prose(name: &str) -> bool {
    let plain = plain_name(name);
    [
        "usage",
        "help",
        "msg",
        "message",
        "text",
        "desc",
        "doc",
        "warn",
        "err",
        "note",
        "hint",
        "example",
        "banner",
        "todo",
        "regex",
        "pattern",
        "expected",
        "deprecated",
        "forbidden",
        "unsupported",
        "comment",
        "title",
        "body",
        "changelog",
    ]
    .iter()
    .any(|word| plain.contains(word))
}

/// Reads one script with what is known around it; `scope` keeps what it learns.
pub(crate) fn script(text: &str, lines: &Lines, place: Place, scope: &mut Scope, facts: &mut Facts) {
    let script = shell::read(text);
    scope.learn(&script, &|line| lines.line(line));
    let mut finder = Finder { script: &script, lines, place, scope, facts, nesting: 0 };
    finder.all();
}

/// The same for text that is not learned from, such as one string with its own words.
pub(crate) fn nested(text: &str, lines: &Lines, place: Place, scope: &Scope, facts: &mut Facts, nesting: usize) {
    if nesting > MAX_NESTING {
        return;
    }
    let script = shell::read(text);
    let mut own = scope.clone();
    own.learn(&script, &|line| lines.line(line));
    let mut finder = Finder { script: &script, lines, place, scope: &own, facts, nesting };
    finder.all();
}

/// Words that are known to be arguments: a list of YAML, a call in a program.
pub(crate) fn argument_list(words: &[Word], lines: &Lines, place: Place, scope: &Scope, facts: &mut Facts) {
    let script = Script::default();
    let mut finder = Finder { script: &script, lines, place, scope, facts, nesting: 0 };
    finder.flags(words, None, words.first().map_or(0, |word| word.line));
}

struct Finder<'f> {
    script: &'f Script,
    lines: &'f Lines,
    place: Place,
    scope: &'f Scope,
    facts: &'f mut Facts,
    nesting: usize,
}

impl Finder<'_> {
    fn all(&mut self) {
        let script = self.script;
        for command in &script.commands {
            self.command(command);
        }
        self.pipes();
    }

    fn command(&mut self, command: &Command) {
        let name = command.program_name();
        let plain = name.to_ascii_lowercase();
        for assignment in &command.assignments {
            self.assignment(assignment, command);
        }
        self.writes(command, &plain);
        self.copies(command, &plain);
        self.remember_start(command);
        let speaks = SPEAKERS.contains(&plain.as_str())
            || plain.starts_with("log_")
            || plain.starts_with("print_")
            || plain.starts_with("echo_")
            || plain.contains("usage")
            || command.words.last().is_some_and(|word| word.is("]]") || word.is("]"))
            || command.negated && in_refusal(command);
        if speaks {
            // What `echo` pipes into a shell is a script after all.
            if !matches!(plain.as_str(), "echo" | "printf") || !self.is_fed_to_shell(command) {
                return;
            }
        }
        let in_usage = command.function.as_deref().is_some_and(is_prose);
        if in_usage {
            return;
        }
        if let Some(call) = cli::helm_call(command, self.scope) {
            cli::look(&call, command, &|line| self.lines.line(line), self.facts);
        }
        self.flags(&command.words, command.function.as_deref(), command.line);
        self.strings(command, &plain);
        self.heredocs(command);
    }

    /// Whether the next stage of the pipe is a shell.
    fn is_fed_to_shell(&self, command: &Command) -> bool {
        self.script.commands.iter().any(|other| {
            other.pipe == command.pipe
                && other.stage == command.stage + 1
                && matches!(other.program_name().as_str(), "sh" | "bash" | "ssh" | "zsh" | "xargs")
        })
    }

    fn assignment(&mut self, assignment: &shell::Assignment, command: &Command) {
        if is_prose(&assignment.name) {
            return;
        }
        match &assignment.value {
            Given::Many(items) => self.flags(items, command.function.as_deref(), assignment.line),
            Given::One(word) => {
                let source = word.source();
                if !source.contains(FLAG) {
                    return;
                }
                if word.parts.len() == 1 && matches!(word.parts.first(), Some(Part::Substitution(_))) {
                    return;
                }
                let own = shell::words(&source);
                let lines = self.lines.below(word.line);
                let outer = std::mem::replace(&mut self.nesting, MAX_NESTING);
                let is_command = own.first().is_some_and(|word| !word.starts_with("-")) && own.len() > 3;
                if is_command && own.iter().any(|word| word.source().contains("helm")) {
                    nested(&source, &lines, self.place, self.scope, self.facts, outer + 1);
                } else {
                    let mut finder = Finder {
                        script: self.script,
                        lines: &lines,
                        place: self.place,
                        scope: self.scope,
                        facts: self.facts,
                        nesting: outer,
                    };
                    finder.flags(&own, command.function.as_deref(), 0);
                }
                self.nesting = outer;
            }
        }
    }

    /// The flag among words, in both spellings.
    fn flags(&mut self, words: &[Word], function: Option<&str>, line: usize) {
        let mut found: Vec<(Word, usize)> = Vec::new();
        let mut arguments: Vec<Word> = Vec::new();
        let mut index = 0;
        while let Some(word) = words.get(index) {
            let next = words.get(index + 1);
            if word.is(FLAG) {
                match next {
                    Some(value) if !value.starts_with("--") && !value.is_empty() => {
                        found.push((value.clone(), value.line));
                        index += 1;
                    }
                    _ => {}
                }
            } else if word.starts_with("--post-renderer=") {
                let value = word.without_prefix(FLAG.len() + 1);
                if !value.is_empty() {
                    found.push((value, word.line));
                }
            } else if word.is(ARGUMENTS) {
                arguments.extend(next.cloned());
                index += 1;
            } else if word.starts_with("--post-renderer-args=") {
                arguments.push(word.without_prefix(ARGUMENTS.len() + 1));
            } else if let Some(inner) = conditional_flag(word) {
                // `${X:+--post-renderer $X}`.
                found.push((inner, word.line));
            }
            index += 1;
        }
        if found.is_empty() {
            return;
        }
        let times = found.len();
        let chart = chart_of(words);
        let arguments: Vec<String> = arguments.iter().map(|word| self.argument(word, function)).collect();
        for (value, at) in found {
            if !is_program(&value) {
                continue;
            }
            let at = self.lines.line(if at == 0 { line } else { at });
            self.site(&value, at, function, &arguments, chart.clone(), times);
        }
    }

    fn argument(&self, word: &Word, function: Option<&str>) -> String {
        let values = self.scope.values(word, 0, function);
        match values.as_slice() {
            [Value::Known { text, .. }, ..] => text.clone(),
            _ => word.source(),
        }
    }

    fn site(
        &mut self,
        value: &Word,
        at: usize,
        function: Option<&str>,
        arguments: &[String],
        chart: Option<String>,
        times: usize,
    ) {
        for value in self.scope.values(value, at, function) {
            let (chosen, line) = match value {
                Value::Known { text, line } => match program(&text) {
                    Some(text) => (RendererRef::Program(text), line),
                    None => continue,
                },
                Value::Parameter { name, line } => (RendererRef::Parameter(name), line),
            };
            let mut site = Site::new(line, self.place.kind, chosen);
            site.arguments = arguments.to_vec();
            site.chart.clone_from(&chart);
            site.times = times;
            if line != at {
                site.note = Some(format!("passed to Helm in line {at}"));
            }
            self.facts.add(site);
        }
    }

    /// Strings that another shell reads: `bash -c`, ssh, eval and whatever else holds a whole command.
    fn strings(&mut self, command: &Command, program: &str) {
        for word in &command.words {
            let source = word.source();
            let is_flag = source.starts_with(FLAG) && !source.contains(' ');
            if !source.contains(FLAG) || is_flag {
                continue;
            }
            let only_substitution = word.parts.iter().all(|part| match part {
                Part::Substitution(_) => true,
                Part::Text(text) => text.trim().is_empty(),
                _ => false,
            });
            if only_substitution || !word.quoted && program != "eval" {
                continue;
            }
            let lines = self.lines.below(word.line);
            if source.contains("helm") && source.trim().contains(' ') && !source.trim_start().starts_with('-') {
                nested(&source, &lines, self.place, self.scope, self.facts, self.nesting + 1);
            } else {
                // `--helm-extra-args "--post-renderer x"`.
                let own = shell::words(&source);
                let mut finder = Finder {
                    script: self.script,
                    lines: &lines,
                    place: self.place,
                    scope: self.scope,
                    facts: self.facts,
                    nesting: self.nesting,
                };
                finder.flags(&own, command.function.as_deref(), 0);
            }
        }
    }

    /// Here documents that a shell reads.
    fn heredocs(&mut self, command: &Command) {
        let runs = command.words.iter().any(|word| {
            let text = word.text().unwrap_or_default();
            matches!(text.rsplit('/').next().unwrap_or_default(), "sh" | "bash" | "zsh" | "ssh" | "su" | "dash")
        });
        for redirect in &command.redirects {
            if let Some((body, first)) = &redirect.body
                && runs
                && body.contains(FLAG)
            {
                nested(body, &self.lines.below(*first), self.place, self.scope, self.facts, self.nesting + 1);
            }
        }
    }

    /// Files that the script writes with text of its own.
    fn writes(&mut self, command: &Command, program: &str) {
        let body = command.redirects.iter().find_map(|redirect| redirect.body.clone());
        let to_file = command.redirects.iter().find(|redirect| matches!(redirect.operator, ">" | ">>" | ">|"));
        let target = match program {
            "tee" => command.words.iter().skip(1).find(|word| !word.starts_with("-")).cloned(),
            "install" => command.words.last().cloned(),
            _ => to_file.map(|redirect| redirect.target.clone()),
        };
        let Some(target) = target else { return };
        let (text, line) = match body {
            Some(body) => body,
            None if matches!(program, "echo" | "printf") => {
                let spoken = command.words.iter().skip(1).filter(|word| !word.starts_with("-"));
                let spoken: Vec<&Word> = spoken.collect();
                let text = spoken.iter().map(|word| word.source()).collect::<Vec<_>>().join(" ");
                (text.replace("\\n", "\n"), spoken.first().map_or(command.line, |word| word.line))
            }
            None => return,
        };
        let line = self.lines.line(line);
        let target = target.source();
        // `>>` goes on with what was written before.
        let appends = to_file.is_some_and(|redirect| redirect.operator == ">>");
        let before = self.facts.written.iter_mut().rev().find(|written| appends && written.target == target);
        if let Some(before) = before {
            before.text.push('\n');
            before.text.push_str(&text);
        } else if self.facts.written.len() < 1_000 {
            let is_script = text.contains(FLAG) && (text.starts_with("#!") || text.contains("helm "));
            if is_script && !target.ends_with(".md") && !target.ends_with(".txt") {
                nested(&text, &Lines::From(line), self.place, self.scope, self.facts, self.nesting + 1);
            }
            self.facts.written.push(Written { target, text });
        }
    }

    fn copies(&mut self, command: &Command, program: &str) {
        if !matches!(program, "cp" | "install" | "mv" | "ln" | "copy" | "scp" | "rsync" | "add") {
            return;
        }
        let paths: Vec<String> =
            command.words.iter().skip(1).filter(|word| !word.starts_with("-")).map(Word::source).collect();
        if let [.., from, to] = paths.as_slice() {
            self.facts.copied.push(Copied { from: from.clone(), to: to.clone() });
        }
        if program == "install" && command.words.iter().any(|word| word.is("/dev/stdin")) {
            // `install -m 755 /dev/stdin TARGET <<EOF` is written above.
            self.facts.copied.pop();
        }
    }

    fn remember_start(&mut self, command: &Command) {
        let interesting = command.words.iter().take(6).any(|word| {
            let text = word.source();
            text.ends_with(".sh")
                || text.ends_with(".bash")
                || text.ends_with(".py")
                || text.ends_with(".mk")
                || text == "make"
        });
        if !interesting || self.facts.started.len() > 2_000 {
            return;
        }
        let skipped = ["bash", "sh", "sudo", "env", "exec", "time", "source", ".", "python3", "python"];
        let start = command
            .words
            .iter()
            .position(|word| !skipped.iter().any(|name| word.is(name)) && !word.source().contains('='));
        let Some(start) = start else { return };
        let words =
            command.words.iter().skip(start + 1).map(|word| (word.clone(), self.lines.line(word.line))).collect();
        let mut variables: Vec<(String, Word, usize)> = Vec::new();
        for assignment in &command.assignments {
            if let Given::One(word) = &assignment.value {
                variables.push((assignment.name.clone(), word.clone(), self.lines.line(assignment.line)));
            }
        }
        for word in &command.words {
            if let Some(Part::Text(text)) = word.parts.first()
                && let Some((name, _)) = text.split_once('=')
                && !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            {
                variables.push((name.to_owned(), word.without_prefix(name.len() + 1), self.lines.line(word.line)));
            }
        }
        let program = command.words.get(start).map(Word::source).unwrap_or_default();
        self.facts.started.push(Started { program, words, variables });
    }

    /// `helm template ... | X`, and `helm template > all.yaml` with a `kustomize build` behind it.
    fn pipes(&mut self) {
        let commands = &self.script.commands;
        let is_render =
            |command: &&Command| cli::helm_call(command, self.scope).is_some_and(|call| call.subcommand == "template");
        let renders: Vec<&Command> = commands.iter().filter(is_render).collect();
        if renders.is_empty() {
            return;
        }
        let mut chosen: Vec<(&Command, Option<&Command>)> = Vec::new();
        for render in &renders {
            let later = commands
                .iter()
                .filter(|one| one.pipe == render.pipe && one.stage > render.stage && !std::ptr::eq(*one, *render));
            for stage in later {
                if is_filter(stage) && (self.place.pipes || is_kustomize(stage)) {
                    chosen.push((stage, Some(render)));
                }
            }
        }
        let saves = renders.iter().any(|render| {
            let redirected = render.redirects.iter().any(|redirect| matches!(redirect.operator, ">" | ">|" | ">>"));
            let teed = commands
                .iter()
                .any(|one| one.pipe == render.pipe && one.stage > render.stage && one.program_name() == "tee");
            redirected || teed || render.words.iter().any(|word| word.starts_with("--output-dir"))
        });
        let first = renders.first().map_or(0, |render| render.line);
        if saves {
            for command in commands.iter().filter(|command| is_kustomize(command) && command.line >= first) {
                chosen.push((command, renders.first().copied()));
            }
            if self.place.pipes {
                // `helm template > all.yaml; ./fix.sh all.yaml`.
                for command in commands.iter().filter(|command| command.line >= first && is_own_filter(command)) {
                    chosen.push((command, renders.first().copied()));
                }
            }
        }
        for (command, render) in chosen {
            let line = self.lines.line(command.words.first().map_or(command.line, |word| word.line));
            let text = command.words.iter().map(Word::source).collect::<Vec<_>>();
            let name = text.first().cloned().unwrap_or_default();
            let has_path = name.contains('/') && !name.starts_with("/usr/") && !name.starts_with("/bin/");
            let chosen = if has_path {
                RendererRef::Program(name)
            } else {
                let mut script = command.words.iter().map(quote).collect::<Vec<_>>().join(" ");
                for redirect in &command.redirects {
                    if let Some((body, _)) = &redirect.body {
                        script.push_str(" <<'EOF'\n");
                        script.push_str(body);
                        script.push_str("EOF\n");
                    }
                }
                RendererRef::Inline(Inline::Script { text: script, line, name })
            };
            let mut site = Site::new(line, self.place.kind, chosen);
            site.arguments = text.into_iter().skip(1).collect();
            site.chart = render.and_then(|render| chart_of(&render.words));
            self.facts.add(site);
        }
    }
}

/// A word with quotes that keep it one.
pub(crate) fn quote(word: &Word) -> String {
    let source = word.source();
    if word.quoted || source.contains([' ', '\n', '"', '(']) {
        format!("'{}'", source.replace('\'', "'\\''"))
    } else {
        source
    }
}

fn is_kustomize(command: &Command) -> bool {
    let texts: Vec<String> = command.words.iter().map(Word::source).collect();
    let name = command.program_name();
    let has = |word: &str| texts.iter().any(|text| text == word);
    name == "kustomize" && has("build")
        || matches!(name.as_str(), "kubectl" | "oc") && texts.get(1).is_some_and(|text| text == "kustomize")
        || (name.contains("KUSTOMIZE") && has("build"))
}

fn is_filter(command: &Command) -> bool {
    let name = command.program_name();
    let own = command.words.first().is_some_and(|word| word.source().contains('/'));
    is_kustomize(command)
        || own && !matches!(name.as_str(), "kubectl" | "tee" | "cat" | "helm")
        || matches!(
            name.as_str(),
            "yq" | "jq"
                | "sed"
                | "awk"
                | "gawk"
                | "envsubst"
                | "python"
                | "python3"
                | "ytt"
                | "perl"
                | "ruby"
                | "node"
                | "kbld"
                | "vals"
                | "argocd-vault-plugin"
                | "ksops"
                | "windlass"
                | "gomplate"
                | "tr"
        )
}

fn is_own_filter(command: &Command) -> bool {
    let name = command.program_name();
    let source = command.words.first().map(Word::source).unwrap_or_default();
    source.contains('/') && (name.ends_with(".sh") || name.ends_with(".py"))
}

/// `! helm ... --post-renderer` is a test that it fails.
fn in_refusal(command: &Command) -> bool {
    command.words.iter().any(|word| word.source().contains(FLAG))
}

/// Whether a word can be a program at all, and not a sentence that goes on.
fn is_program(word: &Word) -> bool {
    let Some(text) = word.text() else { return true };
    let trimmed = text.trim();
    !trimmed.is_empty()
        && !trimmed.starts_with('-')
        && !matches!(
            trimmed,
            "=" | "|"
                | ","
                | "is"
                | "and"
                | "or"
                | "flag"
                | "flags"
                | "option"
                | "string"
                | "postRendererString"
                | "not"
                | "..."
        )
        && !trimmed.starts_with('<')
        && !trimmed.starts_with("...")
}

fn program(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.trim_end_matches([',', ';']);
    (!text.is_empty() && text.len() < 4_096).then(|| text.to_owned())
}

/// `${X:+--post-renderer $X}` and `${X:+--post-renderer=$X}`: the value.
fn conditional_flag(word: &Word) -> Option<Word> {
    let [Part::Variable { default: Some(default), .. }] = word.parts.as_slice() else { return None };
    let rest = default.strip_prefix(FLAG)?;
    let rest = rest.trim_start_matches(['=', ' ']).trim_matches('"');
    let mut value = shell::words(rest).into_iter().next()?;
    value.line = word.line;
    Some(value)
}

/// The chart of a helm command: the second word of `install`/`upgrade`/`template` that is no flag.
pub(crate) fn chart_of(words: &[Word]) -> Option<String> {
    let verbs = ["install", "upgrade", "template"];
    let start = words.iter().position(|word| verbs.iter().any(|verb| word.is(verb)))?;
    let mut names = Vec::new();
    let mut index = start + 1;
    while let Some(word) = words.get(index) {
        let source = word.source();
        if source.starts_with('-') {
            let alone = source.contains('=')
                || matches!(
                    source.as_str(),
                    "--install"
                        | "-i"
                        | "--wait"
                        | "--atomic"
                        | "--create-namespace"
                        | "--force"
                        | "--debug"
                        | "--include-crds"
                        | "--reuse-values"
                        | "--reset-values"
                        | "--dependency-update"
                        | "--skip-crds"
                        | "--no-hooks"
                        | "--dry-run"
                );
            index += if alone { 1 } else { 2 };
            continue;
        }
        names.push(source);
        index += 1;
    }
    names.get(1).or(names.first()).cloned()
}
