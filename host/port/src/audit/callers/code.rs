//! Callers that are programs: Go on Helm's SDK, Pulumi and cdk8s, Python and Node that start helm, Jenkins, Nix,
//! Puppet.
//!
//! Each language is cut into names, strings and marks, comments left out; what a string or a name means is decided by
//! the call and the list it stands in. That is little, and the same for all: a grammar for each would say no more about
//! which program a flag is given.

mod interpolation;

use super::Context;
use super::yaml::is_choice;
use crate::audit::calls::{self, Place};
use crate::audit::facts::{Facts, Inline, RendererRef, Site, Written};
use crate::audit::fragment::Lines;
use crate::audit::language::Syntax;
use crate::audit::scope::{Scope, Value, plain_name};
use crate::audit::shell::{Part, Word};
use interpolation::{interpolated, nix_variables};

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    /// The text, and whether it stands over several lines as it is.
    Text {
        text: String,
        is_long: bool,
    },
    Mark(&'static str),
}

#[derive(Clone, Debug)]
struct Placed {
    token: Token,
    line: usize,
    start: usize,
    end: usize,
}

const MAX_TOKENS: usize = 1_000_000;

/// The kind of caller a program is.
pub(crate) fn kind(path: &str, syntax: Syntax, text: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    match syntax {
        _ if text.contains("pulumi") => "pulumi",
        _ if text.contains("cdk8s") => "cdk8s",
        Syntax::Go if text.contains("helm.sh/helm") => "go-sdk",
        Syntax::Go => "go",
        Syntax::Python if name.contains("tiltfile") || text.contains("k8s_yaml(") => "tiltfile",
        Syntax::Python => "python",
        Syntax::Script => "node",
        Syntax::Nix => "nix",
        Syntax::Ruby if path.ends_with(".pp") => "puppet",
        Syntax::Ruby => "ruby",
        Syntax::Groovy => "jenkins",
        Syntax::Java => "program",
        Syntax::PowerShell => "powershell",
    }
}

const MARKS: &[&str] = &["==", "!=", ":=", "=>", "->", "+=", "??", "||", "&&", "//"];
const SINGLE: &[&str] = &[
    "(", ")", "[", "]", "{", "}", ",", ":", ";", "=", "+", "-", "*", "/", "%", "<", ">", "!", "?", "&", "|", ".", "@",
    "$", "^", "~", "\\", "#",
];

fn tokens(text: &str, syntax: Syntax) -> Vec<Placed> {
    let bytes = text.as_bytes();
    let mut found: Vec<Placed> = Vec::new();
    let (mut at, mut line) = (0usize, 1usize);
    while at < bytes.len() && found.len() < MAX_TOKENS {
        let byte = bytes.get(at).copied().unwrap_or(0);
        let rest = text.get(at..).unwrap_or_default();
        let (start, start_line) = (at, line);
        let hash_comments = matches!(syntax, Syntax::Python | Syntax::Nix | Syntax::Ruby | Syntax::PowerShell);
        let slash_comments = matches!(syntax, Syntax::Go | Syntax::Script | Syntax::Groovy | Syntax::Java);
        if byte == b'\n' {
            line += 1;
            at += 1;
            continue;
        }
        if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        if hash_comments && byte == b'#' || slash_comments && rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let block = match syntax {
            Syntax::PowerShell => ("<#", "#>"),
            Syntax::Ruby => ("=begin\n", "=end"),
            _ => ("/*", "*/"),
        };
        if syntax != Syntax::Python
            && rest.starts_with(block.0)
            && (syntax != Syntax::Ruby || start == 0 || bytes.get(start - 1) == Some(&b'\n'))
        {
            let length =
                rest.get(2..).and_then(|inner| inner.find(block.1)).map_or(rest.len(), |end| end + 2 + block.1.len());
            line += rest.get(..length).unwrap_or_default().matches('\n').count();
            at += length;
            continue;
        }
        if let Some((token, length)) = string(rest, syntax) {
            line += rest.get(..length).unwrap_or_default().matches('\n').count();
            at += length.max(1);
            found.push(Placed { token, line: start_line, start, end: at });
            continue;
        }
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80 {
            let more =
                |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-' && syntax == Syntax::Nix;
            let length = rest
                .find(|letter: char| !more(letter))
                .unwrap_or(rest.len())
                .max(rest.chars().next().map_or(1, char::len_utf8));
            at += length;
            found.push(Placed {
                token: Token::Name(rest.get(..length).unwrap_or_default().to_owned()),
                line,
                start,
                end: at,
            });
            continue;
        }
        let mark = MARKS.iter().chain(SINGLE).find(|mark| rest.starts_with(**mark)).copied();
        at += mark.map_or(1, str::len);
        if let Some(mark) = mark {
            found.push(Placed { token: Token::Mark(mark), line, start, end: at });
        }
    }
    found
}

/// A string at the start of a text: what it says, and its length.
fn string(rest: &str, syntax: Syntax) -> Option<(Token, usize)> {
    let prefix = match syntax {
        Syntax::Python => rest
            .find(['"', '\''])
            .filter(|at| {
                *at <= 2
                    && rest.get(..*at).is_some_and(|prefix| prefix.chars().all(|letter| "rRfFbBuU".contains(letter)))
            })
            .unwrap_or(0),
        _ => 0,
    };
    let is_format = rest.get(..prefix).is_some_and(|prefix| prefix.contains(['f', 'F']));
    let body = rest.get(prefix..)?;
    if syntax == Syntax::PowerShell && (body.starts_with("@\"") || body.starts_with("@'")) {
        let close = if body.starts_with("@\"") { "\n\"@" } else { "\n'@" };
        let end = body.find(close)?;
        let text = body.get(2..end)?.trim_start_matches('\n').to_owned();
        return Some((Token::Text { text, is_long: true }, end + 3));
    }
    if syntax == Syntax::Ruby && body.starts_with("%w") {
        return None;
    }
    let triples: &[&str] = match syntax {
        Syntax::Python | Syntax::Groovy => &["\"\"\"", "'''"],
        Syntax::Java => &["\"\"\""],
        Syntax::Nix => &["''"],
        _ => &[],
    };
    if let Some(quote) = triples.iter().find(|quote| body.starts_with(**quote)) {
        let inner = body.get(quote.len()..)?;
        let mut end = 0;
        loop {
            let next = inner.get(end..)?.find(quote)? + end;
            // Nix escapes with `''$`, `'''` and `''\`.
            let after = inner.as_bytes().get(next + quote.len());
            if syntax == Syntax::Nix && matches!(after, Some(b'$' | b'\'' | b'\\')) {
                end = next + quote.len() + 1;
                continue;
            }
            end = next;
            break;
        }
        let mut text = inner.get(..end)?.to_owned();
        if syntax == Syntax::Nix {
            text = text.replace("''${", "${").replace("'''", "''");
        }
        if is_format {
            text = format_variables(&text);
        }
        return Some((Token::Text { text, is_long: true }, prefix + end + 2 * quote.len()));
    }
    let quote = body.chars().next()?;
    let is_raw = quote == '`' && matches!(syntax, Syntax::Go | Syntax::Script);
    let quotes = match syntax {
        Syntax::Nix | Syntax::Java => quote == '"',
        Syntax::Go => quote == '"' || quote == '\'',
        _ => quote == '"' || quote == '\'',
    };
    if !is_raw && !quotes {
        return None;
    }
    let mut text = String::new();
    let mut letters = body.char_indices().skip(1);
    let mut is_long = false;
    while let Some((at, letter)) = letters.next() {
        if letter == quote {
            let text = if is_format { format_variables(&text) } else { text };
            return Some((Token::Text { text, is_long: is_long || is_raw }, prefix + at + 1));
        }
        let escapes =
            !(is_raw && syntax == Syntax::Go) && (letter == '\\' || syntax == Syntax::PowerShell && letter == '`');
        if escapes {
            match letters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, '\n')) => {
                    text.push_str("\\\n");
                    is_long = true;
                }
                Some((_, other)) => text.push(other),
                None => break,
            }
            continue;
        }
        if letter == '\n' {
            is_long = true;
            // A quote that was none (an apostrophe, a lifetime): the string ends nowhere near.
            if !is_raw && !matches!(syntax, Syntax::Nix | Syntax::Ruby | Syntax::PowerShell | Syntax::Groovy) {
                return None;
            }
        }
        text.push(letter);
        if text.len() > 200_000 {
            return None;
        }
    }
    None
}

/// Python's `{x}` in an f-string, as a shell variable.
fn format_variables(text: &str) -> String {
    text.replace("{{", "\u{1}").replace("}}", "\u{2}").replace('{', "${").replace('\u{1}', "{").replace('\u{2}', "}")
}

/// Calls that speak of a flag instead of giving it.
const SPEAKING: &[&str] = &[
    "addargument",
    "add_argument",
    "contains",
    "hasprefix",
    "hassuffix",
    "startswith",
    "endswith",
    "includes",
    "indexof",
    "index",
    "stringvar",
    "stringvarp",
    "var",
    "varp",
    "stringarrayvar",
    "stringslicevar",
    "lookup",
    "changed",
    "getstring",
    "option",
    "add_option",
    "describe",
    "it",
    "println",
    "print",
    "printf",
    "errorf",
    "error",
    "log",
    "info",
    "warn",
    "warning",
    "debug",
    "fatal",
    "fatalf",
    "logf",
    "infof",
    "warnf",
    "panic",
    "raise",
    "exception",
    "valueerror",
    "runtimeerror",
    "newerror",
    "test",
    "assert",
    "expect",
    "equal",
    "notcontains",
    "assertin",
    "assertnotin",
    "click",
    "flag",
    "bool",
    "string",
    "markflagrequired",
    "markdeprecated",
    "match",
    "matches",
    "compile",
    "regexp",
    "mustcompile",
    "echo",
    "write_line",
    "writeline",
    "puts",
    "fprintf",
    "fprintln",
    "help",
    "usage",
    "deprecated",
    "fail",
    "throw",
    "typeerror",
    "notimplementederror",
    "has",
    "delete",
    "remove",
    "removeflag",
    "strip",
    "replace",
    "typer",
    "argument",
    "say",
    "clickexception",
    "usageerror",
    "systemexit",
    "exit",
    "skip",
    "skipif",
    "t",
];

const PROSE_NAMES: &[&str] = &[
    "help",
    "description",
    "usage",
    "short",
    "long",
    "example",
    "message",
    "msg",
    "doc",
    "summary",
    "title",
    "metavar",
    "label",
    "text",
    "note",
    "reason",
    "hint",
    "error",
    "err",
    "deprecated",
    "forbidden",
    "denied",
    "banned",
    "disallowed",
    "unsupported",
    "blocklist",
    "forbiddenflags",
    "blockedflags",
];

/// Reads a program.
pub(crate) fn scan(text: &str, syntax: Syntax, context: &Context<'_>, scope: &mut Scope, facts: &mut Facts) {
    let tokens = tokens(text, syntax);
    let mut reader = Reader { text, tokens: &tokens, syntax, context, scope, facts };
    reader.bindings();
    if syntax == Syntax::PowerShell {
        let place = Place { kind: context.kind, pipes: context.pipes };
        calls::script(&power_shell(text), &Lines::From(1), place, reader.scope, reader.facts);
    }
    reader.renderers();
    reader.strings();
}

/// PowerShell's commands are near enough to the shell's once its continuations, comments and assignments are rewritten.
fn power_shell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_comment = false;
    for line in text.lines() {
        let mut line = line.to_owned();
        if in_comment || line.contains("<#") {
            in_comment = !line.contains("#>");
            line.clear();
        }
        let trimmed = line.trim_end();
        if let Some(kept) = trimmed.strip_suffix('`') {
            line = format!("{kept}\\");
        }
        let bare = line.trim_start();
        if let Some(rest) = bare.strip_prefix('$')
            && let Some((name, value)) = rest.split_once('=')
            && name.trim().chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':')
            && !value.starts_with('=')
        {
            let name = name.trim().rsplit(':').next().unwrap_or_default();
            line = format!(
                "{name}={}",
                value
                    .trim()
                    .trim_start_matches('@')
                    .replace("\", \"", "\" \"")
                    .replace("', '", "' '")
                    .replace("\",", "\" ")
                    .replace("',", "' ")
            );
        } else {
            line = bare.trim_start_matches("& ").to_owned();
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}

struct Reader<'r> {
    text: &'r str,
    tokens: &'r [Placed],
    syntax: Syntax,
    context: &'r Context<'r>,
    scope: &'r mut Scope,
    facts: &'r mut Facts,
}

impl Reader<'_> {
    fn mark(&self, at: usize) -> &'static str {
        match self.tokens.get(at).map(|placed| &placed.token) {
            Some(Token::Mark(mark)) => mark,
            _ => "",
        }
    }

    fn name(&self, at: usize) -> &str {
        match self.tokens.get(at).map(|placed| &placed.token) {
            Some(Token::Name(name)) => name,
            _ => "",
        }
    }

    fn string_at(&self, at: usize) -> Option<&str> {
        match self.tokens.get(at).map(|placed| &placed.token) {
            Some(Token::Text { text, .. }) => Some(text),
            _ => None,
        }
    }

    fn line(&self, at: usize) -> usize {
        self.tokens.get(at).map_or(1, |placed| placed.line)
    }

    /// Where the expression that starts at a token ends: before the mark that ends it.
    fn expression_end(&self, start: usize) -> usize {
        let mut depth = 0usize;
        let mut at = start;
        while let Some(placed) = self.tokens.get(at) {
            match self.mark(at) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" if depth == 0 => return at,
                ")" | "]" | "}" => depth -= 1,
                "," | ";" if depth == 0 => return at,
                _ => {}
            }
            // A line end ends a statement unless something is open or goes on.
            let next_line = self.tokens.get(at + 1).map_or(usize::MAX, |next| next.line);
            let goes_on = matches!(self.mark(at), "+" | "||" | "??" | "&&" | "?" | ":" | "=" | ".")
                || matches!(self.mark(at + 1), "+" | "." | "?" | ":" | "||" | "??");
            let ends = placed.line + placed.text_lines() < next_line && depth == 0 && !goes_on && at > start;
            let ends_at_once = at == start
                && placed.line + placed.text_lines() < next_line
                && depth == 0
                && !goes_on
                && self.syntax != Syntax::Nix;
            if ends || ends_at_once {
                return at + 1;
            }
            if at - start > 400 {
                return at;
            }
            at += 1;
        }
        at
    }

    /// What an expression may be: words with the tokens they come from.
    fn values(&self, start: usize, end: usize) -> Vec<(Word, usize)> {
        let tokens: Vec<usize> = (start..end.min(self.tokens.len())).collect();
        let strings: Vec<usize> = tokens.iter().copied().filter(|at| self.string_at(*at).is_some()).collect();
        let has_choice = tokens
            .iter()
            .any(|at| matches!(self.mark(*at), "?" | "||" | "??") || matches!(self.name(*at), "if" | "or"));
        let is_join = tokens
            .iter()
            .any(|at| matches!(self.name(*at), "Join" | "join" | "resolve" | "Path" | "JoinPath" | "abspath"));
        let is_environment = tokens.iter().any(|at| {
            matches!(self.name(*at), "getenv" | "Getenv" | "environ" | "env" | "GetEnvironmentVariable" | "LookupEnv")
        });
        let text = |at: usize| self.string_at(at).unwrap_or_default().to_owned();
        if is_environment && !is_join {
            let mut found = Vec::new();
            let mut rest = strings.as_slice();
            let by_name = tokens
                .windows(3)
                .find(|window| matches!(window, [a, b, _] if self.name(*a) == "env" && self.mark(*b) == "."))
                .and_then(|window| window.get(2));
            let name = match (by_name, strings.split_first()) {
                (Some(at), _) => self.name(*at).to_owned(),
                (None, Some((first, others))) => {
                    rest = others;
                    text(*first)
                }
                _ => String::new(),
            };
            for at in rest {
                found.push((Word::literal(&text(*at), 0), *at));
            }
            if found.is_empty() {
                found.push((
                    Word {
                        parts: vec![Part::Variable { name, default: None, indirect: false }],
                        line: 0,
                        quoted: true,
                    },
                    start,
                ));
            }
            return found;
        }
        if has_choice && strings.len() > 1 && !is_join {
            return strings
                .iter()
                .filter(|at| text(**at).contains(['/', '.']))
                .map(|at| (Word::literal(&text(*at), 0), *at))
                .collect();
        }
        match tokens.as_slice() {
            [] => Vec::new(),
            [only] if self.string_at(*only).is_some() => vec![(interpolated(&text(*only), self.syntax), *only)],
            _ if is_join || tokens.iter().any(|at| matches!(self.mark(*at), "+" | "/")) && !strings.is_empty() => {
                let mut parts: Vec<Part> = Vec::new();
                let joins = is_join || !tokens.iter().any(|at| self.mark(*at) == "+");
                for at in &tokens {
                    let is_callee = self.mark(at + 1) == "(" || self.mark(at + 1) == ".";
                    let part = match self.tokens.get(*at).map(|placed| &placed.token) {
                        Some(Token::Text { text, .. }) => Part::Text(text.clone()),
                        Some(Token::Name(name)) if !is_callee => {
                            Part::Variable { name: name.clone(), default: None, indirect: false }
                        }
                        _ => continue,
                    };
                    if joins && !parts.is_empty() {
                        parts.push(Part::Text("/".to_owned()));
                    }
                    parts.push(part);
                }
                let at = strings.last().copied().unwrap_or(start);
                vec![(Word { parts, line: 0, quoted: true }, at)]
            }
            _ if strings.len() == 1 && tokens.iter().any(|at| self.mark(*at) == "(") => {
                let at = strings.first().copied().unwrap_or(start);
                vec![(interpolated(&text(at), self.syntax), at)]
            }
            _ => {
                // `cfg.renderer`: by its last name.
                let name = tokens
                    .iter()
                    .rev()
                    .find(|at| !self.name(**at).is_empty())
                    .map(|at| self.name(*at).to_owned())
                    .unwrap_or_default();
                vec![(
                    Word {
                        parts: vec![Part::Variable { name, default: None, indirect: false }],
                        line: 0,
                        quoted: true,
                    },
                    start,
                )]
            }
        }
    }

    /// `name = value`, `name := value`, `name: value`, parameters with what calls give them.
    fn bindings(&mut self) {
        let mut bound: Vec<(String, Word, usize)> = Vec::new();
        let mut functions: Vec<(String, Vec<String>)> = Vec::new();
        for at in 0..self.tokens.len() {
            let name = self.name(at).to_owned();
            let key = if name.is_empty() { self.string_at(at).unwrap_or_default().to_owned() } else { name.clone() };
            if matches!(name.as_str(), "def" | "func" | "function" | "fn" | "fun") {
                let parameters = self.parameters(at + 1);
                functions.push((self.name(at + 1).to_owned(), parameters));
            }
            if key.is_empty() || key.len() > 80 {
                continue;
            }
            // `string(name: 'X', defaultValue: './y')`.
            if matches!(key.as_str(), "defaultValue" | "default") && matches!(self.mark(at + 1), ":" | "=") {
                let named = (at.saturating_sub(12)..at)
                    .rev()
                    .find(|at| self.name(*at) == "name" && matches!(self.mark(at + 1), ":" | "="));
                if let (Some(named), Some(given)) = (named, self.string_at(at + 2)) {
                    let name = self.string_at(named + 2).unwrap_or_default().to_owned();
                    bound.push((name, Word::literal(given, 0), self.line(at + 2)));
                    continue;
                }
            }
            // `name: str = "x"` has a type in between.
            let typed = self.mark(at + 1) == ":" && !self.name(at + 2).is_empty() && self.mark(at + 3) == "=";
            let value = match self.mark(at + 1) {
                "=" | ":=" | "=>" => at + 2,
                ":" if typed => at + 4,
                ":" => at + 2,
                _ if self.syntax == Syntax::Go && !self.name(at + 1).is_empty() && self.mark(at + 2) == "=" => at + 3,
                // `x, err := f("...")`.
                "," if self.syntax == Syntax::Go
                    && !self.name(at + 2).is_empty()
                    && matches!(self.mark(at + 3), ":=" | "=") =>
                {
                    at + 4
                }
                _ => continue,
            };
            let is_nothing =
                matches!(self.name(value), "None" | "null" | "nil" | "undefined" | "False" | "false" | "True" | "true");
            // `if renderer:` binds nothing.
            let is_block = self.syntax == Syntax::Python && self.mark(at + 1) == ":" && !typed && !name.is_empty();
            let is_type = self.mark(at + 1) == ":"
                && !typed
                && !self.name(value).is_empty()
                && self.mark(value + 1) != "("
                && self.mark(value + 1) != ".";
            if is_nothing || is_type || is_block {
                continue;
            }
            let end = self.expression_end(value);
            if let Some(body) = self.nix_script(value, end) {
                self.facts.written.push(Written { target: format!("${{{key}}}"), text: body });
                continue;
            }
            for (word, from) in self.values(value, end) {
                let is_itself = matches!(word.parts.as_slice(), [Part::Variable { name, .. }] if *name == key);
                if !is_itself && bound.len() < 20_000 {
                    bound.push((key.clone(), word, self.line(from)));
                }
            }
        }
        for (function, parameters) in &functions {
            for at in 0..self.tokens.len() {
                let is_call = self.name(at) == function
                    && self.mark(at + 1) == "("
                    && !matches!(self.name(at.wrapping_sub(1)), "def" | "func" | "function" | "fn" | "fun");
                if !is_call || function.is_empty() || functions.len() > 500 {
                    continue;
                }
                let mut start = at + 2;
                for parameter in parameters {
                    let end = self.expression_end(start);
                    if let Some(text) = self.string_at(start)
                        && end == start + 1
                    {
                        bound.push((parameter.clone(), Word::literal(text, 0), self.line(start)));
                    }
                    if self.mark(end) != "," {
                        break;
                    }
                    start = end + 1;
                }
            }
        }
        for (name, word, line) in bound {
            self.scope.bind(&name, word, line);
        }
    }

    /// `writeShellScript "name" ''...''`.
    fn nix_script(&self, start: usize, end: usize) -> Option<String> {
        if self.syntax != Syntax::Nix {
            return None;
        }
        let end = end.max(start + 6).min(self.tokens.len());
        let at = (start..end).find(|at| {
            self.name(*at).starts_with("writeShell")
                || self.name(*at).starts_with("writeScript")
                || self.name(*at).starts_with("writePython")
        })?;
        let mut near = at..(at + 12).min(self.tokens.len());
        near.find_map(|at| self.string_at(at).filter(|text| text.contains('\n'))).map(str::to_owned)
    }

    fn parameters(&self, at: usize) -> Vec<String> {
        let mut names = Vec::new();
        let mut depth = 0usize;
        let mut expects = false;
        for at in at..(at + 200).min(self.tokens.len()) {
            match self.mark(at) {
                "(" => {
                    depth += 1;
                    expects = depth == 1;
                }
                ")" => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                }
                "," if depth == 1 => expects = true,
                _ if expects && !self.name(at).is_empty() => {
                    names.push(self.name(at).to_owned());
                    expects = false;
                }
                _ => {}
            }
        }
        names
    }

    /// The name of the call that a token is an argument of, and of the keyword it is given to.
    fn around(&self, at: usize) -> (String, String) {
        let mut depth = 0usize;
        let mut keyword = String::new();
        let mut index = at;
        let mut steps = 0;
        while index > 0 && steps < 600 {
            index -= 1;
            steps += 1;
            match self.mark(index) {
                ")" | "]" | "}" => depth += 1,
                "(" if depth == 0 => {
                    return (self.name(index.wrapping_sub(1)).to_owned(), keyword);
                }
                "[" | "{"
                    if depth == 0
                    // The list itself may be an argument or the value of a name.
                    && keyword.is_empty() && matches!(self.mark(index.wrapping_sub(1)), "=" | ":" | ":=" | "=>") =>
                {
                    keyword = self.name(index.wrapping_sub(2)).to_owned();
                }
                "(" | "[" | "{" => depth = depth.saturating_sub(1),
                "=" | ":" if depth == 0 && keyword.is_empty() && index + 1 == at => {
                    keyword = self.name(index.wrapping_sub(1)).to_owned();
                }
                ";" if depth == 0 => break,
                _ => {}
            }
        }
        (String::new(), keyword)
    }

    fn speaks(&self, at: usize) -> bool {
        let (call, keyword) = self.around(at);
        let call = call.to_ascii_lowercase();
        let throws = call.ends_with("exception") || call.ends_with("error");
        let compares = matches!(self.mark(at.wrapping_sub(1)), "==" | "!=") || matches!(self.mark(at + 1), "==" | "!=");
        let asks = self.name(at + 1) == "in"
            || self.name(at + 1) == "not" && self.name(at + 2) == "in"
            || matches!(self.name(at.wrapping_sub(1)), "case" | "raise" | "throw" | "print" | "puts" | "echo" | "when");
        let keyword = plain_name(&keyword);
        compares
            || asks
            || throws
            || SPEAKING.contains(&call.as_str())
            || PROSE_NAMES
                .iter()
                .any(|name| keyword == *name || keyword.ends_with("usage") || keyword.ends_with("help"))
    }

    fn place(&self) -> Place {
        Place { kind: self.context.kind, pipes: self.context.pipes }
    }

    fn add(&mut self, word: &Word, line: usize, arguments: &[String]) {
        for value in self.scope.values(word, line, None) {
            let (chosen, at) = match value {
                Value::Known { text, line } if is_choice(&text) => (RendererRef::Program(text.trim().to_owned()), line),
                Value::Known { .. } => continue,
                Value::Parameter { name, line } => (RendererRef::Parameter(name), line),
            };
            let mut site = Site::new(at, self.context.kind, chosen);
            site.arguments = arguments.to_vec();
            self.facts.add(site);
        }
    }

    /// Strings: the flag in a list of arguments, and whole commands.
    fn strings(&mut self) {
        for at in 0..self.tokens.len() {
            let Some(Placed { token: Token::Text { text, is_long }, line, .. }) = self.tokens.get(at) else { continue };
            let (text, is_long, line) = (text.clone(), *is_long, *line);
            let mentions = text.contains("--post-renderer");
            if !mentions {
                let pipes = self.context.pipes && text.contains("helm") && text.contains("template");
                let speaks_helm = text.contains("helm ")
                    && (text.contains("upgrade") || text.contains("install") || text.contains("template"));
                if (pipes || speaks_helm) && !self.speaks(at) && !self.is_doc(at, is_long) {
                    self.command(&text, is_long, line, at);
                }
                continue;
            }
            if self.speaks(at) || self.is_doc(at, is_long) {
                continue;
            }
            if text == "--post-renderer" {
                self.flag(at);
            } else if let Some(value) = text.strip_prefix("--post-renderer=")
                && !value.contains(' ')
            {
                self.flag_with_value(at, value);
            } else if text.starts_with("--post-renderer-args") {
                continue;
            } else {
                self.command(&text, is_long, line, at);
            }
        }
        if self.syntax == Syntax::Ruby {
            self.word_lists();
        }
    }

    /// `%w[helm upgrade --post-renderer ./x]`.
    fn word_lists(&mut self) {
        for (number, line) in self.text.lines().enumerate() {
            if let Some(start) = line.find("%w").filter(|_| line.contains("--post-renderer"))
                && let Some(inner) = line.get(start + 3..)
            {
                let inner = inner.split([']', ')', '}']).next().unwrap_or_default().to_owned();
                calls::nested(&inner, &Lines::All(number + 1), self.place(), self.scope, self.facts, 0);
            }
        }
    }

    fn is_doc(&self, at: usize, is_long: bool) -> bool {
        let before = self.tokens.get(at.wrapping_sub(1));
        let is_statement = before.is_none_or(|before| {
            before.line < self.line(at) && matches!(self.mark(at.wrapping_sub(1)), ":" | "" | ")" | "}")
        });
        let next = self.tokens.get(at + 1).map(|next| next.line);
        self.syntax == Syntax::Python
            && is_long
            && is_statement
            && next.is_none_or(|next| next > self.line(at))
            && (before.is_none() || self.mark(at.wrapping_sub(1)) == ":" || self.around(at).0.is_empty())
    }

    fn flag(&mut self, at: usize) {
        // A table of options: `"post_renderer": "--post-renderer"`.
        let keyed = matches!(self.mark(at.wrapping_sub(1)), ":" | "=>" | "=");
        let key = self.string_at(at.wrapping_sub(2)).unwrap_or_else(|| self.name(at.wrapping_sub(2))).to_owned();
        let has_value = self.mark(at + 1) == ",";
        if keyed && plain_name(&key).contains("postrender") {
            self.facts.add(Site::new(self.line(at), self.context.kind, RendererRef::Parameter(key)));
            return;
        }
        let start = match self.mark(at + 1) {
            "," => at + 2,
            // `["--post-renderer"] + x`, Nix and Ruby lists have no commas.
            _ if self.syntax == Syntax::Nix && !has_value => at + 1,
            ":" | "=>" => at + 2,
            // `.arg("--post-renderer").arg("./x")`, `cmd.append("--post-renderer")` with the next `append`.
            ")" => match self.next_argument(at + 1) {
                Some(start) => start,
                None => return,
            },
            _ => return,
        };
        let mut end = self.expression_end(start);
        if self.syntax == Syntax::Nix {
            end = end.min(start + 1);
        }
        if end <= start {
            return;
        }
        let arguments = self.renderer_arguments(at);
        for (word, from) in self.values(start, end) {
            if word.text().is_some_and(|text| text.starts_with('-')) {
                continue;
            }
            self.add(&word, self.line(from), &arguments);
        }
    }

    /// The argument of the next call of the same kind, a few tokens on.
    fn next_argument(&self, close: usize) -> Option<usize> {
        let adds =
            |at: usize| matches!(self.name(at), "arg" | "append" | "push" | "add" | "push_back" | "Add" | "appended");
        (close..close + 8).find(|at| adds(*at) && self.mark(at + 1) == "(").map(|at| at + 2)
    }

    fn flag_with_value(&mut self, at: usize, value: &str) {
        let arguments = self.renderer_arguments(at);
        if value.is_empty() || value.contains("%s") || value.contains("%v") {
            let start = at + 2;
            let end = self.expression_end(start);
            for (word, from) in self.values(start, end) {
                self.add(&word, self.line(from), &arguments);
            }
            return;
        }
        let word = interpolated(value, self.syntax);
        self.add(&word, self.line(at), &arguments);
    }

    /// All `--post-renderer-args` of the same list.
    fn renderer_arguments(&self, at: usize) -> Vec<String> {
        let mut found = Vec::new();
        for index in at..(at + 60).min(self.tokens.len()) {
            match self.string_at(index) {
                Some("--post-renderer-args") => found.extend(self.string_at(index + 2).map(str::to_owned)),
                Some(text) => found.extend(text.strip_prefix("--post-renderer-args=").map(str::to_owned)),
                None => {}
            }
            if self.mark(index) == ";" {
                break;
            }
        }
        found
    }

    fn command(&mut self, text: &str, is_long: bool, line: usize, at: usize) {
        let mut text = text.to_owned();
        if self.syntax == Syntax::Nix {
            text = nix_variables(&text);
        }
        // `fmt.Sprintf("helm ... --post-renderer %s", x)`.
        let mut argument = at + 1;
        while let Some(start) = text.find("%s").or_else(|| text.find("%v")) {
            if self.mark(argument) != "," {
                break;
            }
            let end = self.expression_end(argument + 1);
            let value =
                self.values(argument + 1, end).into_iter().next().map(|(word, _)| word.source()).unwrap_or_default();
            text.replace_range(start..start + 2, &value);
            argument = end;
        }
        let lines = if is_long { Lines::From(line) } else { Lines::All(line) };
        calls::nested(&text, &lines, self.place(), self.scope, self.facts, 0);
    }

    /// Properties and assignments that name a post-renderer, and Helm's own constructors.
    fn renderers(&mut self) {
        if !self.context.speaks_of_helm {
            return;
        }
        for at in 0..self.tokens.len() {
            let name = self.name(at).to_owned();
            let key = if name.is_empty() { self.string_at(at).unwrap_or_default().to_owned() } else { name.clone() };
            let plain = plain_name(&key);
            if self.mark(at + 1) == "("
                && matches!(
                    key.as_str(),
                    "NewExec" | "NewExecPostRenderer" | "NewPostRendererPlugin" | "NewExecRenderer"
                )
                && self.name(at.wrapping_sub(1)) != "func"
            {
                let end = self.expression_end(at + 2);
                let (start, end) = if key == "NewPostRendererPlugin" && self.mark(end) == "," {
                    (end + 1, self.expression_end(end + 1))
                } else {
                    (at + 2, end)
                };
                for (word, from) in self.values(start, end) {
                    self.add(&word, self.line(from), &[]);
                }
                continue;
            }
            if !matches!(plain.as_str(), "postrenderer" | "postrender" | "postrendererpath" | "postrenderercommand") {
                continue;
            }
            if self.mark(at.wrapping_sub(1)) == "-" {
                continue;
            }
            let typed = self.mark(at + 1) == ":" && !self.name(at + 2).is_empty() && self.mark(at + 3) == "=";
            let value = match self.mark(at + 1) {
                "=" | "=>" | ":" | ":=" if !typed => at + 2,
                ":" => at + 4,
                _ => continue,
            };
            self.property(&key, value);
        }
    }

    fn property(&mut self, key: &str, value: usize) {
        let end = self.expression_end(value);
        let span: Vec<usize> = (value..end).collect();
        let is_type = span.len() <= 1
            && matches!(
                self.name(value),
                "string"
                    | "str"
                    | "None"
                    | "null"
                    | "nil"
                    | "undefined"
                    | "any"
                    | "Optional"
                    | "String"
                    | "true"
                    | "false"
                    | "bool"
            );
        if is_type || span.is_empty() {
            return;
        }
        if span.iter().any(|at| matches!(self.name(*at), "NewExec" | "NewPostRendererPlugin" | "NewExecPostRenderer")) {
            return;
        }
        // Within a type, `postRenderer?: string`.
        let command = span.iter().copied().find(|at| {
            let key = self.string_at(*at).unwrap_or_else(|| self.name(*at));
            matches!(plain_name(key).as_str(), "command" | "binarypath" | "cmd" | "path")
                && matches!(self.mark(at + 1), ":" | "=" | "=>")
        });
        if let Some(command) = command {
            let start = command + 2;
            let end = self.expression_end(start);
            let arguments: Vec<String> =
                span.iter().filter(|at| **at > end).filter_map(|at| self.string_at(*at)).map(str::to_owned).collect();
            for (word, from) in self.values(start, end) {
                self.add(&word, self.line(from), &arguments);
            }
            return;
        }
        let strings: Vec<usize> = span.iter().copied().filter(|at| self.string_at(*at).is_some()).collect();
        let is_object = self.mark(value) == "&" || !self.name(value).is_empty() && self.mark(value + 1) == "{";
        if !strings.is_empty() && !is_object {
            for (word, from) in self.values(value, end) {
                self.add(&word, self.line(from), &[]);
            }
            return;
        }
        self.object(key, value, &span);
    }

    /// `client.PostRenderer = &labeller{}`: a type of the program itself.
    fn object(&mut self, key: &str, value: usize, span: &[usize]) {
        let names: Vec<String> =
            span.iter().map(|at| self.name(*at).to_owned()).filter(|name| !name.is_empty()).collect();
        let Some(last) = names.last().cloned() else { return };
        let makes = span.iter().any(|at| matches!(self.mark(*at), "{" | "(" | "&"));
        let candidates: Vec<String> = if makes { names.clone() } else { vec![last.clone()] };
        for name in &candidates {
            for name in
                [name.clone(), name.trim_start_matches("New").trim_start_matches("new").to_owned(), self.maker_of(name)]
            {
                if let Some((text, line)) = self.method(&name) {
                    let inline = Inline::Code { text, line, name, language: self.syntax.name() };
                    self.facts.add(Site::new(self.line(value), self.context.kind, RendererRef::Inline(inline)));
                    return;
                }
            }
        }
        let line = self.line(value);
        // A value of a type that is declared in another file of the package.
        let first = usize::from(self.mark(value) == "&") + value;
        if self.syntax == Syntax::Go && self.mark(first + 1) == "{" && !self.name(first).is_empty() {
            let name = self.name(first).to_owned();
            self.facts.add(Site::new(line, self.context.kind, RendererRef::Program(format!("type:{name}"))));
            return;
        }
        let word = Word {
            parts: vec![Part::Variable { name: last.clone(), default: None, indirect: false }],
            line: 0,
            quoted: true,
        };
        let known = self.scope.values(&word, line, None).into_iter().any(|value| matches!(value, Value::Known { .. }));
        if makes && self.syntax == Syntax::Go && !known {
            let name = names
                .iter()
                .find(|name| name.chars().next().is_some_and(char::is_uppercase) || name.len() > 3)
                .cloned()
                .unwrap_or(last);
            self.facts.add(Site::new(line, self.context.kind, RendererRef::Program(format!("type:{name}"))));
        } else if known {
            self.add(&word, line, &[]);
        } else if plain_name(&last) != "nil" && !matches!(self.name(value), "func" | "interface") {
            let _ = key;
            self.facts.add(Site::new(line, self.context.kind, RendererRef::Parameter(last)));
        }
    }

    /// What `pr := &labeller{}` makes.
    fn maker_of(&self, name: &str) -> String {
        let found = (0..self.tokens.len()).find(|at| self.name(*at) == name && matches!(self.mark(at + 1), ":=" | "="));
        let made = found.and_then(|at| {
            ((at + 2)..(at + 8)).find(|at| !self.name(*at).is_empty() && matches!(self.mark(at + 1), "{" | "("))
        });
        made.map(|at| self.name(at).trim_start_matches("New").trim_start_matches("new").to_owned()).unwrap_or_default()
    }

    /// The method `Run` of a type, with its text.
    fn method(&self, name: &str) -> Option<(String, usize)> {
        if name.len() < 2 {
            return None;
        }
        let at = (0..self.tokens.len()).find(|at| {
            self.name(*at) == "func"
                && self.mark(at + 1) == "("
                && (at + 2..at + 6).any(|at| self.name(at).eq_ignore_ascii_case(name))
                && (at + 3..at + 8).any(|at| self.name(at) == "Run")
        })?;
        let open = (at..(at + 60).min(self.tokens.len())).find(|index| self.mark(*index) == "{")?;
        let mut depth = 0usize;
        let mut end = self.tokens.len().checked_sub(1)?;
        for index in open..self.tokens.len() {
            match self.mark(index) {
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    if depth == 0 {
                        end = index;
                        break;
                    }
                }
                _ => {}
            }
        }
        let text = self.text.get(self.tokens.get(at)?.start..self.tokens.get(end)?.end)?.to_owned();
        Some((text, self.line(at)))
    }
}

impl Placed {
    /// How many lines a token goes over beyond its first.
    fn text_lines(&self) -> usize {
        match &self.token {
            Token::Text { text, is_long: true } => text.matches('\n').count(),
            _ => 0,
        }
    }
}
