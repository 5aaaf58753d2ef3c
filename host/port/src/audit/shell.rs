//! Shell text as a flat list of simple commands, each with its line.
//!
//! What an audit reads is rarely a clean script: CI expressions (`${{ }}`), Go and Jinja templates (`{{ }}`) and make's
//! leavings stand between the words. So this reader never fails: what it does not know is a word. It does know what
//! decides whether a flag is a call: quotes, comments, here documents, arrays, functions, `case` arms, pipes and
//! substitutions, whose commands are listed too.

/// How deep substitutions and strings within strings are followed.
const MAX_DEPTH: usize = 24;
/// How many commands of one text are kept: scripts of people have thousands at most.
const MAX_COMMANDS: usize = 100_000;

/// A piece of a word.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    /// Text that stands for itself.
    Text(String),
    /// `$NAME` or `${NAME...}`.
    Variable {
        name: String,
        /// `${NAME:-this}` and its kin.
        default: Option<String>,
        /// `${!NAME}`.
        indirect: bool,
    },
    /// `$(...)` or backquotes: the text inside.
    Substitution(String),
    /// An expression of a template language: the text inside its braces.
    Template(String),
}

/// One word with the line it starts on (0-based within the text).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Word {
    pub(crate) parts: Vec<Part>,
    pub(crate) line: usize,
    pub(crate) quoted: bool,
}

impl Word {
    pub(crate) fn literal(text: &str, line: usize) -> Self {
        Self { parts: vec![Part::Text(text.to_owned())], line, quoted: true }
    }

    /// The text of a word without variables.
    pub(crate) fn text(&self) -> Option<String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(piece) => text.push_str(piece),
                _ => return None,
            }
        }
        Some(text)
    }

    /// The word as it would be written without quotes; variables as `${NAME}`.
    pub(crate) fn source(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(piece) => text.push_str(piece),
                Part::Variable { name, default: None, indirect: false } => {
                    text.push_str("${");
                    text.push_str(name);
                    text.push('}');
                }
                Part::Variable { name, default, indirect } => {
                    text.push_str(if *indirect { "${!" } else { "${" });
                    text.push_str(name);
                    if let Some(default) = default {
                        text.push_str(":-");
                        text.push_str(default);
                    }
                    text.push('}');
                }
                Part::Substitution(inside) => {
                    text.push_str("$(");
                    text.push_str(inside);
                    text.push(')');
                }
                Part::Template(inside) => {
                    text.push_str("{{");
                    text.push_str(inside);
                    text.push_str("}}");
                }
            }
        }
        text
    }

    pub(crate) fn starts_with(&self, prefix: &str) -> bool {
        matches!(self.parts.first(), Some(Part::Text(text)) if text.starts_with(prefix))
    }

    pub(crate) fn is(&self, text: &str) -> bool {
        matches!(self.parts.as_slice(), [Part::Text(own)] if own == text)
    }

    /// The word behind its first `count` bytes of text.
    pub(crate) fn without_prefix(&self, count: usize) -> Self {
        let mut word = self.clone();
        if let Some(Part::Text(text)) = word.parts.first_mut() {
            *text = text.get(count..).unwrap_or_default().to_owned();
            if text.is_empty() {
                word.parts.remove(0);
            }
        }
        word
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(text) if text.is_empty()))
    }
}

/// What a variable gets.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    One(Word),
    Many(Vec<Word>),
}

/// `NAME=value`, also behind `export`, `local` and their kin, and the variable of a `for`.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    pub(crate) value: Given,
    pub(crate) line: usize,
    /// `declare -n`.
    pub(crate) is_reference: bool,
}

/// `<`, `>`, `<<` and so on.
#[derive(Clone, Debug)]
pub(crate) struct Redirect {
    pub(crate) operator: &'static str,
    pub(crate) target: Word,
    /// A here document: its text and the line of its first line.
    pub(crate) body: Option<(String, usize)>,
    /// Whether variables in the body are written out.
    pub(crate) expands: bool,
}

/// A simple command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Command {
    pub(crate) line: usize,
    pub(crate) words: Vec<Word>,
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) redirects: Vec<Redirect>,
    /// The function it stands in.
    pub(crate) function: Option<String>,
    /// Commands of one number are joined by pipes, in the order of `stage`.
    pub(crate) pipe: usize,
    pub(crate) stage: usize,
    /// Behind `!`.
    pub(crate) negated: bool,
    /// The word list of a `case` pattern is no command and is not kept; this says that the command is an arm's.
    pub(crate) in_substitution: bool,
}

impl Command {
    /// The first word's text, when it is one.
    pub(crate) fn program(&self) -> Option<String> {
        self.words.first().and_then(Word::text)
    }

    /// The last piece of the program's path.
    pub(crate) fn program_name(&self) -> String {
        let source = self.words.first().map(Word::source).unwrap_or_default();
        source.rsplit('/').next().unwrap_or_default().to_owned()
    }
}

/// All that a text does.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) commands: Vec<Command>,
    pub(crate) functions: Vec<(String, usize)>,
}

/// Reads a text; never fails.
pub(crate) fn read(text: &str) -> Script {
    let mut reader = Reader { text: text.as_bytes(), source: text, ..Reader::default() };
    reader.list(0, None);
    reader.end_command();
    Script { commands: reader.commands, functions: reader.functions }
}

/// The words of one line, as the shell would split them.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let script = read(text);
    script.commands.into_iter().filter(|command| !command.in_substitution).flat_map(|command| command.words).collect()
}

const RESERVED: &[&str] = &["if", "then", "elif", "else", "while", "until", "do", "time", "!", "{", "coproc"];
const ENDERS: &[&str] = &["fi", "done", "esac", "}"];
const DECLARING: &[&str] = &["export", "local", "declare", "typeset", "readonly", "setenv"];

#[derive(Default)]
struct Reader<'t> {
    text: &'t [u8],
    source: &'t str,
    at: usize,
    line: usize,
    commands: Vec<Command>,
    functions: Vec<(String, usize)>,
    current: Command,
    function_stack: Vec<(String, usize)>,
    braces: usize,
    next_pipe: usize,
    pipe: usize,
    stage: usize,
    cases: Vec<bool>,
    depth: usize,
    /// Here documents of commands that ended on the same line: (command index or none for the current, redirect).
    heredocs: Vec<Heredoc>,
    function_next: Option<String>,
}

struct Heredoc {
    command: Option<usize>,
    redirect: usize,
    end: String,
    strip: bool,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn done(&self) -> bool {
        self.at >= self.text.len()
    }

    fn begin_command(&mut self) {
        if self.current.words.is_empty() && self.current.assignments.is_empty() && self.current.redirects.is_empty() {
            self.current.line = self.line;
        }
    }

    fn end_command(&mut self) {
        let mut command = std::mem::take(&mut self.current);
        let is_nothing = command.words.is_empty() && command.assignments.is_empty() && command.redirects.is_empty();
        if is_nothing || self.commands.len() >= MAX_COMMANDS {
            return;
        }
        command.pipe = self.pipe;
        command.stage = self.stage;
        command.function = self.function_stack.last().map(|(name, _)| name.clone());
        command.in_substitution = self.depth > 0;
        declare(&mut command);
        let index = self.commands.len();
        for heredoc in &mut self.heredocs {
            if heredoc.command.is_none() {
                heredoc.command = Some(index);
            }
        }
        self.commands.push(command);
    }

    fn end_pipe(&mut self) {
        self.end_command();
        self.next_pipe += 1;
        self.pipe = self.next_pipe;
        self.stage = 0;
    }

    fn newline(&mut self) {
        self.at += 1;
        self.line += 1;
        if !self.heredocs.is_empty() {
            // The command of a here document ends with its line, unless a pipe goes on: either way it is kept first.
            if self.heredocs.iter().any(|heredoc| heredoc.command.is_none()) {
                self.end_command();
            }
            for heredoc in std::mem::take(&mut self.heredocs) {
                self.heredoc_body(&heredoc);
            }
        }
    }

    fn heredoc_body(&mut self, heredoc: &Heredoc) {
        let first = self.line;
        let start = self.at;
        let mut body = String::new();
        while !self.done() {
            let rest = self.source.get(self.at..).unwrap_or_default();
            let line = rest.split_inclusive('\n').next().unwrap_or_default();
            self.at += line.len();
            self.line += 1;
            let bare = line.trim_end_matches(['\n', '\r']);
            let bare = if heredoc.strip { bare.trim_start_matches('\t') } else { bare };
            // Within YAML and templates the end mark may be indented.
            if bare == heredoc.end || bare.trim() == heredoc.end {
                break;
            }
            body.push_str(if heredoc.strip { line.trim_start_matches('\t') } else { line });
        }
        let _ = start;
        if let Some(command) = heredoc.command.and_then(|index| self.commands.get_mut(index))
            && let Some(redirect) = command.redirects.get_mut(heredoc.redirect)
        {
            redirect.body = Some((body, first));
        }
    }

    fn comment(&mut self) {
        while !self.done() && self.peek(0) != b'\n' {
            self.at += 1;
        }
    }

    /// Commands up to `end` (a closing mark, when this is a substitution) or the end of the text.
    fn list(&mut self, depth: usize, end: Option<u8>) {
        let mut parens = 0usize;
        while !self.done() {
            let byte = self.peek(0);
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\n' => {
                    self.end_pipe();
                    self.newline();
                }
                b'\\' if self.peek(1) == b'\n' => {
                    self.at += 2;
                    self.line += 1;
                }
                b'\\' if self.peek(1) == b'\r' && self.peek(2) == b'\n' => {
                    self.at += 3;
                    self.line += 1;
                }
                b'#' => self.comment(),
                b'{' if self.peek(1) == b'%' => self.directive(),
                b';' => {
                    self.at += 1;
                    self.end_pipe();
                    if self.peek(0) == b';' || self.peek(0) == b'&' {
                        while matches!(self.peek(0), b';' | b'&') {
                            self.at += 1;
                        }
                        if let Some(in_pattern) = self.cases.last_mut() {
                            *in_pattern = true;
                        }
                    }
                }
                b'&' if self.peek(1) == b'>' => self.redirect(),
                b'&' => {
                    self.at += if self.peek(1) == b'&' { 2 } else { 1 };
                    self.end_pipe();
                }
                b'|' if self.cases.last() == Some(&true) => {
                    self.at += 1;
                    self.current = Command::default();
                }
                b'|' if self.peek(1) == b'|' => {
                    self.at += 2;
                    self.end_pipe();
                }
                b'|' => {
                    self.at += if self.peek(1) == b'&' { 2 } else { 1 };
                    self.end_command();
                    self.stage += 1;
                }
                b'(' if self.current.words.is_empty() && self.peek(1) == b'(' => self.arithmetic(),
                b'(' if self.current.words.len() == 1 && self.is_parens() => self.function(),
                b'(' => {
                    self.at += 1;
                    if self.cases.last() != Some(&true) {
                        parens += 1;
                        self.end_command();
                    }
                }
                b')' => {
                    if self.cases.last() == Some(&true) {
                        self.at += 1;
                        self.current = Command::default();
                        if let Some(in_pattern) = self.cases.last_mut() {
                            *in_pattern = false;
                        }
                    } else if parens > 0 {
                        parens -= 1;
                        self.at += 1;
                        self.end_command();
                    } else if end == Some(b')') {
                        self.end_pipe();
                        return;
                    } else {
                        self.at += 1;
                        self.current = Command::default();
                    }
                }
                b'`' if end == Some(b'`') => {
                    self.end_pipe();
                    return;
                }
                b'<' | b'>' if self.peek(1) == b'(' => {
                    let word = self.word(depth);
                    self.current.words.push(word);
                }
                b'<' | b'>' => self.redirect(),
                b'0'..=b'9' if matches!(self.peek(1), b'<' | b'>') => {
                    self.at += 1;
                    self.redirect();
                }
                _ => self.command_word(depth),
            }
        }
    }

    /// Jinja's `{% if x %}`: nothing to a shell.
    fn directive(&mut self) {
        let rest = self.source.get(self.at..).unwrap_or_default();
        let end = rest.find("%}").map_or(rest.len(), |end| end + 2);
        self.line += rest.get(..end).unwrap_or_default().matches('\n').count();
        self.at += end;
    }

    fn is_parens(&self) -> bool {
        let mut ahead = 1;
        while matches!(self.peek(ahead), b' ' | b'\t') {
            ahead += 1;
        }
        self.peek(ahead) == b')'
    }

    fn function(&mut self) {
        while self.peek(0) != b')' {
            self.at += 1;
        }
        self.at += 1;
        let name = self.current.program().unwrap_or_default();
        self.current = Command::default();
        self.functions.push((name.clone(), self.line));
        self.function_next = Some(name);
    }

    fn arithmetic(&mut self) {
        let mut open = 0usize;
        while !self.done() {
            match self.peek(0) {
                b'(' => open += 1,
                b')' => {
                    open -= 1;
                    if open == 0 {
                        self.at += 1;
                        return;
                    }
                }
                b'\n' => {
                    self.newline();
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn command_word(&mut self, depth: usize) {
        self.begin_command();
        let is_first = self.current.words.is_empty();
        let before = self.at;
        if is_first && let Some(assignment) = self.assignment(depth) {
            self.current.assignments.push(assignment);
            return;
        }
        // `export X=(...)`.
        let declares = self.current.program().is_some_and(|program| DECLARING.contains(&program.as_str()));
        if declares && let Some(mut assignment) = self.assignment(depth) {
            assignment.is_reference = self.current.words.iter().any(|word| word.is("-n"));
            self.current.assignments.push(assignment);
            return;
        }
        let word = self.word(depth);
        if self.at == before {
            self.at += 1;
            return;
        }
        if self.cases.last() == Some(&true) {
            if word.is("esac") {
                self.cases.pop();
                return;
            }
            self.current.words.push(word);
            return;
        }
        if is_first && !word.quoted && self.current.assignments.is_empty() {
            let text = word.text().unwrap_or_default();
            if text == "{" {
                self.braces += 1;
                if let Some(name) = self.function_next.take() {
                    self.function_stack.push((name, self.braces));
                }
                return;
            }
            if text == "!" {
                self.current.negated = true;
                return;
            }
            if RESERVED.contains(&text.as_str()) {
                return;
            }
            if ENDERS.contains(&text.as_str()) {
                if text == "}" {
                    self.end_command();
                    if self.function_stack.last().is_some_and(|(_, level)| *level == self.braces) {
                        self.function_stack.pop();
                    }
                    self.braces = self.braces.saturating_sub(1);
                }
                if text == "esac" {
                    self.cases.pop();
                }
                return;
            }
        }
        self.current.words.push(word);
        self.keyword_shapes();
    }

    /// `for X in ...`, `case X in`, `function NAME`.
    fn keyword_shapes(&mut self) {
        let words = &self.current.words;
        let Some(first) = words.first().filter(|word| !word.quoted) else { return };
        if first.is("case") && words.len() >= 3 && words.last().is_some_and(|word| word.is("in")) {
            self.current = Command::default();
            self.cases.push(true);
        } else if first.is("function") && words.len() == 2 {
            let name = words.get(1).and_then(Word::text).unwrap_or_default();
            self.current = Command::default();
            self.functions.push((name.clone(), self.line));
            self.function_next = Some(name);
            while matches!(self.peek(0), b' ' | b'\t' | b'(' | b')') {
                self.at += 1;
            }
        }
    }

    /// `NAME=`, `NAME+=`, `NAME[x]=` at this place.
    fn assignment(&mut self, depth: usize) -> Option<Assignment> {
        let rest = self.text.get(self.at..)?;
        let name_end = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')?;
        if name_end == 0 || rest.first()?.is_ascii_digit() {
            return None;
        }
        let mut end = name_end;
        if rest.get(end) == Some(&b'[') {
            end += rest.get(end..)?.iter().take(120).position(|byte| *byte == b']')? + 1;
        }
        if rest.get(end) == Some(&b'+') {
            end += 1;
        }
        if rest.get(end) != Some(&b'=') {
            return None;
        }
        let name = String::from_utf8_lossy(rest.get(..name_end)?).into_owned();
        let line = self.line;
        self.at += end + 1;
        let value = if self.peek(0) == b'(' {
            self.at += 1;
            Given::Many(self.array(depth))
        } else if matches!(self.peek(0), b' ' | b'\t' | b'\n' | b';' | 0) {
            Given::One(Word { line, ..Word::default() })
        } else {
            Given::One(self.word(depth))
        };
        Some(Assignment { name, value, line, is_reference: false })
    }

    fn array(&mut self, depth: usize) -> Vec<Word> {
        let mut items = Vec::new();
        while !self.done() {
            match self.peek(0) {
                b')' => {
                    self.at += 1;
                    break;
                }
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\n' => {
                    self.at += 1;
                    self.line += 1;
                }
                b'\\' if self.peek(1) == b'\n' => {
                    self.at += 2;
                    self.line += 1;
                }
                b'#' => self.comment(),
                _ => {
                    let before = self.at;
                    items.push(self.word(depth));
                    if self.at == before {
                        self.at += 1;
                    }
                }
            }
        }
        items
    }

    fn redirect(&mut self) {
        self.begin_command();
        let operators: [&'static str; 10] = ["<<<", "<<-", "<<", "&>>", "&>", ">>", ">&", "<&", ">|", "<>"];
        let rest = self.text.get(self.at..).unwrap_or_default();
        let found = operators.into_iter().find(|operator| rest.starts_with(operator.as_bytes()));
        let operator = found.unwrap_or(if self.peek(0) == b'<' { "<" } else { ">" });
        self.at += operator.len();
        while matches!(self.peek(0), b' ' | b'\t') {
            self.at += 1;
        }
        let target = self.word(MAX_DEPTH);
        let mut redirect = Redirect { operator, body: None, expands: true, target };
        if operator == "<<" || operator == "<<-" {
            redirect.expands = !redirect.target.quoted;
            let end = redirect.target.source();
            let redirects = self.current.redirects.len();
            self.heredocs.push(Heredoc { command: None, redirect: redirects, end, strip: operator == "<<-" });
        }
        self.current.redirects.push(redirect);
    }

    fn word(&mut self, depth: usize) -> Word {
        let mut word = Word { line: self.line, ..Word::default() };
        while !self.done() {
            match self.peek(0) {
                b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b')' => break,
                b'<' | b'>' if self.peek(1) == b'(' => {
                    self.at += 2;
                    let inside = self.substitution(depth, b')');
                    word.parts.push(Part::Substitution(inside));
                }
                b'<' if self.peek(1) == b'%' => self.template(&mut word, 2),
                b'<' | b'>' | b'(' => break,
                b'\'' => {
                    word.quoted = true;
                    self.at += 1;
                    let start = self.at;
                    while !self.done() && self.peek(0) != b'\'' {
                        if self.peek(0) == b'\n' {
                            self.line += 1;
                        }
                        self.at += 1;
                    }
                    let piece = self.source.get(start..self.at).unwrap_or_default().to_owned();
                    push_text(&mut word.parts, &piece);
                    self.at += 1;
                }
                b'"' => {
                    word.quoted = true;
                    self.at += 1;
                    self.double_quoted(&mut word, depth);
                }
                b'$' if self.peek(1) == b'\'' => {
                    self.at += 1;
                }
                b'$' | b'`' => self.dollar(&mut word, depth),
                b'{' if self.peek(1) == b'{' => self.template(&mut word, 2),
                b'{' if self.peek(1) == b'%' => break,
                b'\\' => {
                    if self.peek(1) == b'\n' {
                        self.at += 2;
                        self.line += 1;
                        continue;
                    }
                    let start = self.at + 1;
                    let letter = self.source.get(start..).and_then(|rest| rest.chars().next());
                    self.at = start + letter.map_or(0, char::len_utf8);
                    if let Some(letter) = letter {
                        push_text(&mut word.parts, letter.encode_utf8(&mut [0; 4]));
                    }
                }
                _ => {
                    let start = self.at;
                    self.at += 1;
                    while !self.done() && !self.ends_bare_text() {
                        self.at += 1;
                    }
                    let piece = self.source.get(start..self.at).unwrap_or_default().to_owned();
                    push_text(&mut word.parts, &piece);
                }
            }
        }
        word
    }

    /// Whether something other than plain text stands here.
    fn ends_bare_text(&self) -> bool {
        let opens_template = self.peek(0) == b'{' && matches!(self.peek(1), b'{' | b'%');
        opens_template || b" \t\n\r;&|()<>'\"$`\\".contains(&self.peek(0))
    }

    fn double_quoted(&mut self, word: &mut Word, depth: usize) {
        if word.parts.is_empty() {
            word.parts.push(Part::Text(String::new()));
        }
        while !self.done() {
            match self.peek(0) {
                b'"' => {
                    self.at += 1;
                    return;
                }
                b'\\' if matches!(self.peek(1), b'"' | b'\\' | b'$' | b'`') => {
                    let letter = char::from(self.peek(1));
                    push_text(&mut word.parts, letter.encode_utf8(&mut [0; 4]));
                    self.at += 2;
                }
                b'\\' if self.peek(1) == b'\n' => {
                    self.at += 2;
                    self.line += 1;
                }
                b'$' | b'`' => self.dollar(word, depth),
                b'{' if self.peek(1) == b'{' => self.template(word, 2),
                _ => {
                    let start = self.at;
                    while !self.done() && !matches!(self.peek(0), b'"' | b'\\' | b'$' | b'`') {
                        if self.peek(0) == b'{' && self.peek(1) == b'{' {
                            break;
                        }
                        if self.peek(0) == b'\n' {
                            self.line += 1;
                        }
                        self.at += 1;
                    }
                    if self.at == start {
                        self.at += 1;
                    }
                    let piece = self.source.get(start..self.at).unwrap_or_default().to_owned();
                    push_text(&mut word.parts, &piece);
                }
            }
        }
    }

    fn template(&mut self, word: &mut Word, opening: usize) {
        let start = self.at + opening;
        let rest = self.source.get(start..).unwrap_or_default();
        let end = rest.find("}}").or_else(|| rest.find("%>")).unwrap_or(rest.len());
        let inside = rest.get(..end).unwrap_or_default();
        self.line += inside.matches('\n').count();
        self.at = (start + end + 2).min(self.text.len());
        word.parts.push(Part::Template(inside.trim().to_owned()));
    }

    fn dollar(&mut self, word: &mut Word, depth: usize) {
        if self.peek(0) == b'`' {
            self.at += 1;
            let inside = self.substitution(depth, b'`');
            word.parts.push(Part::Substitution(inside));
            return;
        }
        match self.peek(1) {
            b'{' if self.peek(2) == b'{' => self.template(word, 3),
            b'[' if self.peek(2) == b'[' => {
                let start = self.at + 3;
                let rest = self.source.get(start..).unwrap_or_default();
                let end = rest.find("]]").unwrap_or(rest.len());
                let inside = rest.get(..end).unwrap_or_default();
                self.at = (start + end + 2).min(self.text.len());
                word.parts.push(Part::Template(inside.trim().to_owned()));
            }
            b'{' => {
                self.at += 2;
                let start = self.at;
                let mut open = 1usize;
                while !self.done() {
                    match self.peek(0) {
                        b'{' => open += 1,
                        b'}' => open -= 1,
                        b'\n' => self.line += 1,
                        b'\\' => self.at += 1,
                        _ => {}
                    }
                    if open == 0 {
                        break;
                    }
                    self.at += 1;
                }
                let inside = self.source.get(start..self.at.min(self.source.len())).unwrap_or_default();
                word.parts.push(variable(inside));
                self.at += 1;
            }
            b'(' if self.peek(2) == b'(' => {
                self.at += 1;
                self.arithmetic();
                word.parts.push(Part::Template("arithmetic".to_owned()));
            }
            b'(' => {
                self.at += 2;
                let inside = self.substitution(depth, b')');
                word.parts.push(Part::Substitution(inside));
            }
            byte if byte.is_ascii_alphabetic() || byte == b'_' => {
                let start = self.at + 1;
                self.at = start;
                while self.peek(0).is_ascii_alphanumeric() || self.peek(0) == b'_' {
                    self.at += 1;
                }
                let name = self.source.get(start..self.at).unwrap_or_default().to_owned();
                word.parts.push(Part::Variable { name, default: None, indirect: false });
            }
            byte if byte.is_ascii_digit() || matches!(byte, b'@' | b'*' | b'#' | b'?' | b'$' | b'!') => {
                let name = char::from(byte).to_string();
                self.at += 2;
                word.parts.push(Part::Variable { name, default: None, indirect: false });
            }
            _ => {
                push_text(&mut word.parts, "$");
                self.at += 1;
            }
        }
    }

    /// The text up to the mark that closes it; its commands join the list.
    fn substitution(&mut self, depth: usize, end: u8) -> String {
        let start = self.at;
        let outer = (
            std::mem::take(&mut self.current),
            self.pipe,
            self.stage,
            std::mem::take(&mut self.cases),
            std::mem::take(&mut self.heredocs),
        );
        self.next_pipe += 1;
        self.pipe = self.next_pipe;
        self.stage = 0;
        self.depth += 1;
        if depth >= MAX_DEPTH {
            while !self.done() && self.peek(0) != end && self.peek(0) != b'\n' {
                self.at += 1;
            }
        } else {
            self.list(depth + 1, Some(end));
            self.end_command();
        }
        self.depth -= 1;
        (self.current, self.pipe, self.stage, self.cases, self.heredocs) = outer;
        let inside = self.source.get(start..self.at).unwrap_or_default().to_owned();
        if !self.done() {
            self.at += 1;
        }
        inside
    }
}

/// What stands between the braces of `${...}`.
fn variable(inside: &str) -> Part {
    let indirect = inside.starts_with('!') && inside.len() > 1;
    let rest = inside.trim_start_matches(['!', '#']);
    let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(rest.len());
    let (name, operator) = rest.split_at(if end == 0 { rest.len().min(1) } else { end });
    let array_end = operator.strip_prefix('[').and_then(|inner| inner.find(']').map(|end| end + 2));
    let operator = array_end.and_then(|end| operator.get(end..)).unwrap_or(operator);
    let default = [":-", ":=", "-", "=", ":+", "+"]
        .iter()
        .find_map(|mark| operator.strip_prefix(mark))
        .filter(|default| !default.is_empty())
        .map(|default| default.trim_matches('"').to_owned());
    // An expression of another language (`${{`, `${self.x}`, `${path.module}`) keeps its whole text as its name.
    let name = if operator.starts_with('.') { rest.to_owned() } else { name.to_owned() };
    Part::Variable { name, default, indirect }
}

fn push_text(parts: &mut Vec<Part>, piece: &str) {
    if let Some(Part::Text(text)) = parts.last_mut() {
        text.push_str(piece);
    } else {
        parts.push(Part::Text(piece.to_owned()));
    }
}

/// `for X in a b`: X is given each of them.
fn declare(command: &mut Command) {
    let is_for = command.words.first().is_some_and(|word| word.is("for") || word.is("select"));
    if is_for
        && let [_, name, keyword, items @ ..] = command.words.as_slice()
        && keyword.is("in")
        && let Some(name) = name.text()
    {
        let value = Given::Many(items.to_vec());
        command.assignments.push(Assignment { name, value, line: command.line, is_reference: false });
        command.words.clear();
    }
}
