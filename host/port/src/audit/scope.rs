//! The variables of one file, whatever its language, and the way from a word to the programs it may name.

use std::collections::HashMap;

use super::shell::{Given, Part, Script, Word, words};

const MAX_STEPS: usize = 12;
/// How many programs one word may name.
const MAX_VALUES: usize = 64;

/// A value that a variable is given somewhere.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(crate) word: Word,
    /// The line in the file.
    pub(crate) line: usize,
    is_reference: bool,
    /// The function that assigns it.
    function: Option<String>,
    /// Whether it is known in that function alone.
    is_local: bool,
}

/// What a word comes to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A program or a text; parts that nobody knows stay as `${NAME}`.
    Known { text: String, line: usize },
    /// Whatever this parameter is given.
    Parameter { name: String, line: usize },
}

/// Variables, functions and their calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    variables: HashMap<String, Vec<Binding>>,
    /// Of each command name: the words of every call, with lines of the file.
    calls: HashMap<String, Vec<Vec<(Word, usize)>>>,
    functions: HashMap<String, usize>,
    /// The name of the file itself.
    own: String,
}

/// Names as all languages may write them: `post-renderer`, `POST_RENDERER`, `postRenderer`.
pub(crate) fn plain_name(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

impl Scope {
    /// Of the file of that name.
    pub(crate) fn of(own: &str) -> Self {
        Self { own: own.to_owned(), ..Self::default() }
    }

    pub(crate) fn bind(&mut self, name: &str, word: Word, line: usize) {
        self.bind_as(name, Binding { word, line, is_reference: false, function: None, is_local: false });
    }

    fn bind_as(&mut self, name: &str, binding: Binding) {
        let bindings = self.variables.entry(name.to_owned()).or_default();
        let is_new = !bindings.iter().any(|known| known.line == binding.line && known.word == binding.word);
        if bindings.len() < MAX_VALUES && is_new {
            bindings.push(binding);
        }
    }

    /// A text of another language: what the shell would see in it.
    pub(crate) fn bind_text(&mut self, name: &str, text: &str, line: usize) {
        let found = words(text);
        let word = match <[Word; 1]>::try_from(found) {
            Ok([word]) => word,
            Err(_) => Word::literal(text, 0),
        };
        self.bind(name, word, line);
    }

    /// Takes in what a script assigns and calls; `line` says where its lines are in the file.
    pub(crate) fn learn(&mut self, script: &Script, line: &dyn Fn(usize) -> usize) {
        for (name, at) in &script.functions {
            self.functions.insert(name.clone(), line(*at));
        }
        for command in &script.commands {
            self.learn_ci_variable(command, line);
            let is_local = command.words.first().is_some_and(|word| word.is("local"));
            for assignment in &command.assignments {
                let items = match &assignment.value {
                    Given::One(word) => std::slice::from_ref(word),
                    Given::Many(items) => items.as_slice(),
                };
                for word in items.iter().take(MAX_VALUES) {
                    let is_item = matches!(assignment.value, Given::Many(_));
                    let word = if is_item { element(word) } else { word.clone() };
                    let at = line(if word.line == 0 { assignment.line } else { word.line });
                    let function = command.function.clone();
                    let is_reference = assignment.is_reference;
                    self.bind_as(&assignment.name, Binding { word, line: at, is_reference, function, is_local });
                }
            }
            if let Some(program) = command.program()
                && !command.words.is_empty()
            {
                let given = command.words.iter().skip(1).map(|word| (word.clone(), line(word.line))).collect();
                let calls = self.calls.entry(program).or_default();
                if calls.len() < MAX_VALUES {
                    calls.push(given);
                }
            }
        }
    }

    /// `echo "NAME=value" >> "$GITHUB_ENV"`: a variable of the steps behind it.
    fn learn_ci_variable(&mut self, command: &super::shell::Command, line: &dyn Fn(usize) -> usize) {
        let sets = command.redirects.iter().any(|redirect| {
            let target = redirect.target.source();
            target.contains("GITHUB_ENV") || target.contains("GITHUB_OUTPUT") || target.contains("BASH_ENV")
        });
        let Some(word) = command.words.last().filter(|_| sets) else { return };
        if let Some(Part::Text(text)) = word.parts.first()
            && let Some((name, _)) = text.split_once('=')
        {
            let name = name.trim_start_matches("export ").trim().to_owned();
            let prefix = text.find('=').map_or(0, |at| at + 1);
            self.bind(&name, word.without_prefix(prefix), line(word.line));
        }
    }

    /// Variables whose name has a word in it, with all they are given.
    pub(crate) fn named_like(&self, word: &str) -> Vec<(String, Word, usize)> {
        let fits = self.variables.iter().filter(|(name, _)| plain_name(name).contains(word));
        fits.flat_map(|(name, all)| all.iter().map(|one| (name.clone(), one.word.clone(), one.line)))
            .take(1_000)
            .collect()
    }

    pub(crate) fn has_function(&self, name: &str) -> bool {
        self.functions.contains_key(name)
    }

    pub(crate) fn bindings(&self, name: &str) -> &[Binding] {
        if let Some(found) = self.variables.get(name) {
            return found;
        }
        // `params.PR` is `PR`, `inputs.post-renderer` is `post_renderer`; `RENDERER` is not `renderer`.
        let bare = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
        let plain = bare(name.rsplit('.').next().unwrap_or(name));
        let mut near = self.variables.iter().filter(|(known, _)| bare(known) == plain);
        near.next().map_or(&[], |(_, found)| found.as_slice())
    }

    /// All that a word may come to, at a line of the file, within a function.
    pub(crate) fn values(&self, word: &Word, line: usize, function: Option<&str>) -> Vec<Value> {
        let mut values = Vec::new();
        self.follow(word, line, function, 0, &mut values);
        values.dedup();
        values.truncate(MAX_VALUES);
        values
    }

    fn follow(&self, word: &Word, line: usize, function: Option<&str>, step: usize, out: &mut Vec<Value>) {
        if step > MAX_STEPS || out.len() >= MAX_VALUES {
            return;
        }
        let parts: Vec<&Part> = word.parts.iter().filter(|part| !is_nothing(part)).collect();
        match parts.as_slice() {
            [] => {}
            [Part::Text(text)] => out.push(Value::Known { text: text.clone(), line }),
            [Part::Variable { name, default, indirect }] => {
                if *indirect {
                    let pointer = Word { parts: vec![simple(name)], ..word.clone() };
                    let mut names = Vec::new();
                    self.follow(&pointer, line, function, step + 1, &mut names);
                    for value in names {
                        if let Value::Known { text, line } = value {
                            let target = Word { parts: vec![simple(&text)], ..word.clone() };
                            self.follow(&target, line, function, step + 1, out);
                        }
                    }
                    return;
                }
                // A script that renders what it has Helm render.
                if matches!(name.as_str(), "0" | "BASH_SOURCE") && !self.own.is_empty() {
                    return out.push(Value::Known { text: format!("${{SCRIPT_DIR}}/{}", self.own), line });
                }
                let known = self.variable(name, line, function, step, out);
                if let Some(default) = default {
                    let default = words(default).into_iter().next().unwrap_or_default();
                    self.follow(&default, line, function, step + 1, out);
                } else if !known {
                    out.push(Value::Parameter { name: name.clone(), line });
                }
            }
            [Part::Template(expression)] => self.template(expression, line, function, step, out),
            [Part::Substitution(inside)] => {
                let inner = words(inside);
                let program = inner.first().and_then(Word::text).unwrap_or_default();
                let names_program = matches!(
                    program.as_str(),
                    "which" | "command" | "realpath" | "readlink" | "type" | "cygpath" | "abspath" | "greadlink"
                );
                match inner.as_slice() {
                    [only] if !self.bindings(&program).is_empty() => {
                        let name = Part::Variable { name: program, default: None, indirect: false };
                        self.follow(&Word { parts: vec![name], ..only.clone() }, line, function, step + 1, out);
                    }
                    [_, .., last] if names_program => self.follow(last, line, function, step + 1, out),
                    [_, value] if program == "echo" => self.follow(value, line, function, step + 1, out),
                    _ => out.push(Value::Parameter { name: format!("$({inside})"), line }),
                }
            }
            _ => self.composite(&parts, line, function, step, out),
        }
    }

    /// Says whether anything is known of it.
    fn variable(&self, name: &str, line: usize, function: Option<&str>, step: usize, out: &mut Vec<Value>) -> bool {
        // Outside of functions, arguments are what the script was given, where that is known.
        let position = name.parse::<usize>().ok().filter(|position| *position > 0);
        if let (Some(position), Some(function)) = (position, function) {
            let calls = self.calls.get(function).map_or(&[][..], Vec::as_slice);
            let before = out.len();
            for call in calls {
                if let Some((word, at)) = call.get(position - 1) {
                    self.follow(word, *at, None, step + 1, out);
                }
            }
            return out.len() > before;
        }
        let before = out.len();
        for binding in self.bindings(name) {
            let is_elsewhere = binding.is_local && binding.function.as_deref() != function;
            if binding.word.is_empty() || is_elsewhere {
                continue;
            }
            let function = binding.function.as_deref();
            // `$(mktemp)` and its kin: the variable itself is what is known, where it is used.
            if matches!(binding.word.parts.as_slice(), [Part::Substitution(_)]) {
                let mut inner = Vec::new();
                self.follow(&binding.word, binding.line, function, step + 1, &mut inner);
                out.extend(inner.into_iter().map(|value| match value {
                    Value::Parameter { .. } => Value::Parameter { name: name.to_owned(), line },
                    known => known,
                }));
                continue;
            }
            let refers_to_itself = binding.word.parts.iter().any(|part| {
                matches!(part, Part::Variable { name: own, default: None, .. } if own == name) && binding.line == line
            });
            if refers_to_itself {
                continue;
            }
            // `X=${X:-default}`: only the default is new.
            if let [Part::Variable { name: own, default: Some(default), .. }] = binding.word.parts.as_slice()
                && own == name
            {
                let default = words(default).into_iter().next().unwrap_or_default();
                self.follow(&default, binding.line, function, step + 1, out);
                continue;
            }
            if binding.is_reference
                && let Some(target) = binding.word.text()
            {
                self.variable(&target, binding.line, function, step + 1, out);
                continue;
            }
            self.follow(&binding.word, binding.line, function, step + 1, out);
        }
        out.len() > before
    }

    fn template(&self, expression: &str, line: usize, function: Option<&str>, step: usize, out: &mut Vec<Value>) {
        let before = out.len();
        if let Some(inside) = expression.trim().strip_prefix("format(") {
            return self.formatted(inside.trim_end_matches(')'), line, function, step, out);
        }
        for text in quoted(expression) {
            let looks_like_program = text.contains('/') || text.contains('.') && !text.contains(' ');
            if looks_like_program {
                out.push(Value::Known { text, line });
            }
        }
        let name = template_name(expression);
        let found = !name.is_empty() && self.variable(&name, line, function, step, out);
        if !found && out.len() == before {
            out.push(Value::Parameter { name: if name.is_empty() { expression.to_owned() } else { name }, line });
        }
    }

    /// `format('./{0}.sh', inputs.name)` of GitHub's expressions.
    fn formatted(&self, inside: &str, line: usize, function: Option<&str>, step: usize, out: &mut Vec<Value>) {
        let mut arguments = inside.split(',').map(str::trim);
        let pattern = arguments.next().map(|pattern| pattern.trim_matches('\'')).unwrap_or_default();
        let mut parts = Vec::new();
        let mut rest = pattern;
        let arguments: Vec<&str> = arguments.collect();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((number, after)) = after.split_once('}') else { break };
            parts.push(Part::Text(before.to_owned()));
            let given =
                number.parse::<usize>().ok().and_then(|number| arguments.get(number)).copied().unwrap_or_default();
            parts.push(match given.strip_prefix('\'').and_then(|given| given.strip_suffix('\'')) {
                Some(text) => Part::Text(text.to_owned()),
                None => Part::Template(given.to_owned()),
            });
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        // Neighbouring texts are one, so that a pattern of texts alone is known.
        let mut joined: Vec<Part> = Vec::new();
        for part in parts {
            match (joined.last_mut(), part) {
                (Some(Part::Text(before)), Part::Text(text)) => before.push_str(&text),
                (_, part) => joined.push(part),
            }
        }
        self.follow(&Word { parts: joined, line: 0, quoted: true }, line, function, step + 1, out);
    }

    /// Several parts: the name of the program is what stands behind the last slash.
    fn composite(&self, parts: &[&Part], line: usize, function: Option<&str>, step: usize, out: &mut Vec<Value>) {
        let mut texts = vec![(String::new(), line)];
        let last = parts.len().saturating_sub(1);
        for (position, part) in parts.iter().enumerate() {
            if let Part::Text(piece) = part {
                texts.iter_mut().for_each(|(text, _)| text.push_str(piece));
                continue;
            }
            let mut values = Vec::new();
            let word = Word { parts: vec![(*part).clone()], line: 0, quoted: true };
            self.follow(&word, line, function, step + 1, &mut values);
            let known: Vec<(String, usize)> = values
                .iter()
                .filter_map(|value| match value {
                    Value::Known { text, line } => Some((text.clone(), *line)),
                    Value::Parameter { .. } => None,
                })
                .take(16)
                .collect();
            // A folder, or a piece of it, in front: one value says enough.
            let names = position == last;
            if known.is_empty() {
                let name = match part {
                    Part::Variable { name, .. } => name.clone(),
                    Part::Template(expression) => template_name(expression),
                    Part::Substitution(inside) => folder_of_script(inside).to_owned(),
                    Part::Text(_) => String::new(),
                };
                texts.iter_mut().for_each(|(text, _)| {
                    text.push_str("${");
                    text.push_str(&name);
                    text.push('}');
                });
            } else if known.len() == 1 || !names {
                let (piece, at) = known.first().cloned().unwrap_or_default();
                texts.iter_mut().for_each(|(text, own)| {
                    text.push_str(&piece);
                    if names {
                        *own = at;
                    }
                });
            } else {
                let all = std::mem::take(&mut texts);
                texts = all
                    .into_iter()
                    .flat_map(|(text, _)| known.iter().map(move |(piece, at)| (format!("{text}{piece}"), *at)))
                    .take(MAX_VALUES)
                    .collect();
            }
        }
        out.extend(texts.into_iter().map(|(text, line)| Value::Known { text, line }));
    }
}

/// `$(dirname "$0")` and its kin: the folder of the script itself.
fn folder_of_script(inside: &str) -> &'static str {
    match () {
        () if inside.contains("show-toplevel") => "REPO",
        () if inside.contains("dirname") || inside.contains("BASH_SOURCE") || inside.contains("$0") => "SCRIPT_DIR",
        () if inside.trim() == "pwd" => "PWD",
        () => "?",
    }
}

fn is_nothing(part: &Part) -> bool {
    matches!(part, Part::Text(text) if text.is_empty())
}

fn simple(name: &str) -> Part {
    Part::Variable { name: name.to_owned(), default: None, indirect: false }
}

/// `[dev]=./a` in an associative array is `./a`.
fn element(word: &Word) -> Word {
    if let Some(Part::Text(text)) = word.parts.first()
        && text.starts_with('[')
        && let Some(end) = text.find("]=")
    {
        return word.without_prefix(end + 2);
    }
    word.clone()
}

/// The texts between quotes.
pub(crate) fn quoted(expression: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find(['"', '\'', '`']) {
        let quote = rest.get(start..=start).unwrap_or("\"");
        let after = rest.get(start + 1..).unwrap_or_default();
        let Some(end) = after.find(quote) else { break };
        found.push(after.get(..end).unwrap_or_default().to_owned());
        rest = after.get(end + 1..).unwrap_or_default();
    }
    found
}

/// The variable that an expression asks for: the last piece of its first path (`inputs.renderer`,
/// `.Values.x | default`), or what stands in quotes behind `env`.
pub(crate) fn template_name(expression: &str) -> String {
    let expression = expression.trim().trim_matches('-').trim();
    if ["env ", "requiredEnv ", "getenv "].iter().any(|word| expression.starts_with(word)) {
        return quoted(expression).into_iter().next().unwrap_or_default();
    }
    let bare = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-' | '$');
    let path = expression.split(|letter| !bare(letter)).find(|piece| piece.contains('.') && piece.len() > 1);
    let path = path.or_else(|| expression.split(|letter| !bare(letter)).find(|piece| !piece.is_empty()));
    path.unwrap_or_default().rsplit('.').next().unwrap_or_default().trim_matches('$').to_owned()
}
