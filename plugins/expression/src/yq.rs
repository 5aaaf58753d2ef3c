//! The common part of yq's language (mikefarah's yq, version 4), rewritten as a jq program.
//!
//! What the two spell alike means nearly the same; the differences that matter are in `yq.jq`: comparison with `*`,
//! adding to lists and texts, merging, `sub`, functions with other names. Operators bind as in yq, which is not as in
//! jq.

use crate::jq::CompileError;

/// Definitions that rewritten programs call.
pub(crate) const DEFINITIONS: &str = include_str!("yq.jq");

/// Rewrites an expression.
///
/// # Errors
/// What is not yq's, or not part of what is known here, with its offset.
pub(crate) fn to_jq(text: &str) -> Result<String, CompileError> {
    crate::jq::check_size(text)?;
    let tokens = tokenize(text)?;
    let mut parser = Parser { text, tokens: &tokens, at: 0, depth: 0 };
    let program = parser.expression(0)?;
    match parser.peek() {
        None => Ok(program),
        Some(token) => {
            let shown = token.shown(text);
            Err(parser.error_at(
                token.offset,
                match why_not(shown) {
                    Some(why) => format!("`{shown}` is not part of this: {why}"),
                    None => format!("`{shown}` is not expected here"),
                },
            ))
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Sort {
    /// `select`, `$name`, `@base64`.
    Word,
    /// `.name`, `."name"`, `.name*`: the key.
    Key(String),
    Number,
    /// A text in quotes, as jq would write it.
    Text(String),
    /// Anything else: `|`, `+=`, `.[`, `..`.
    Operator,
}

#[derive(Clone, Debug)]
struct Token {
    sort: Sort,
    offset: usize,
    length: usize,
}

impl Token {
    fn shown<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.offset..self.offset + self.length).unwrap_or_default()
    }
}

/// Operators, longer ones first.
const OPERATORS: [&str; 40] = [
    "*=+", "*+=", "*n=", "*d=", "*?=", "...", "==", "!=", "|=", "+=", "-=", "*=", "/=", "%=", "//", ">=", "<=", "..",
    "*+", "*n", "*d", "*?", ".[", "|", "=", "+", "-", "*", "/", "%", ">", "<", ",", "(", ")", "[", "]", "{", "}", ":",
];

fn is_key_start(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '_' | '*' | '?' | '$')
}

fn is_key_part(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '*' | '$' | '/')
}

fn tokenize(text: &str) -> Result<Vec<Token>, CompileError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        let word = |rest: &str, fits: fn(char) -> bool| rest.find(|character| !fits(character)).unwrap_or(rest.len());
        let mut push = |sort, length| tokens.push(Token { sort, offset: at, length });
        let length = match first {
            _ if first.is_whitespace() => first.len_utf8(),
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' => {
                let (string, length) = read_text(text, at)?;
                push(Sort::Text(string), length);
                length
            }
            '.' if rest.get(1..).is_some_and(|rest| rest.starts_with('"')) => {
                let (string, length) = read_text(text, at + 1)?;
                let Some(Ok(windlass_pdk::Value::String(key))) =
                    Some(windlass_pdk::Value::from_yaml(&string)).filter(|_| !string.contains("\\("))
                else {
                    return Err(CompileError { offset: at, message: "a key in quotes is a plain text".to_owned() });
                };
                push(Sort::Key(key), length + 1);
                length + 1
            }
            '.' if rest.chars().nth(1).is_some_and(is_key_start) => {
                let length = 1 + word(rest.get(1..).unwrap_or_default(), is_key_part);
                push(Sort::Key(rest.get(1..length).unwrap_or_default().to_owned()), length);
                length
            }
            _ if first.is_ascii_digit() => {
                let length = word(rest, |character| character.is_ascii_alphanumeric() || character == '.');
                push(Sort::Number, length);
                length
            }
            _ if first.is_alphabetic() || matches!(first, '_' | '$' | '@') => {
                let length = first.len_utf8()
                    + word(rest.get(first.len_utf8()..).unwrap_or_default(), |character| {
                        character.is_alphanumeric() || character == '_'
                    });
                push(Sort::Word, length);
                length
            }
            _ => {
                let known = OPERATORS.iter().chain(&[";", "?", "."]).find(|operator| rest.starts_with(**operator));
                let Some(operator) = known else {
                    return Err(CompileError { offset: at, message: format!("`{first}` is not expected here") });
                };
                // `*n` is a merge only where no name begins: `.a *name` does not exist in yq.
                let length = operator.len();
                push(Sort::Operator, length);
                length
            }
        };
        at += length;
    }
    Ok(tokens)
}

/// Reads a text in double quotes: as jq writes it, and how long it is here.
fn read_text(text: &str, start: usize) -> Result<(String, usize), CompileError> {
    let mut out = String::from('"');
    let mut characters = text.get(start + 1..).unwrap_or_default().char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                out.push('"');
                return Ok((out, at + 2));
            }
            '\\' => match characters.next() {
                Some((at, '(')) => {
                    // An interpolated expression, up to its closing bracket.
                    let from = start + 1 + at + 1;
                    let mut depth = 1;
                    let mut end = from;
                    for (_, character) in characters.by_ref() {
                        match character {
                            '(' => depth += 1,
                            ')' => depth -= 1,
                            _ => {}
                        }
                        if depth == 0 {
                            break;
                        }
                        end += character.len_utf8();
                    }
                    let inner = text.get(from..end).unwrap_or_default();
                    let program =
                        to_jq(inner).map_err(|error| CompileError { offset: from + error.offset, ..error })?;
                    out.push_str("\\(");
                    out.push_str(&program);
                    out.push(')');
                }
                Some((_, escaped @ ('"' | '\\' | 'n' | 't' | 'r' | 'f' | 'b'))) => {
                    out.push('\\');
                    out.push(escaped);
                }
                Some((_, other)) => {
                    out.push_str("\\\\");
                    out.push(other);
                }
                None => break,
            },
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            other => out.push(other),
        }
    }
    Err(CompileError { offset: start, message: "a text without a closing quote".to_owned() })
}

struct Parser<'t> {
    text: &'t str,
    tokens: &'t [Token],
    at: usize,
    depth: usize,
}

/// How tightly an operator binds, as in yq's `operation.go`; `None` for what is no operator between two terms.
fn binding(operator: &str) -> Option<u8> {
    Some(match operator {
        "," => 10,
        "or" | "and" => 20,
        "|" => 30,
        "=" | "|=" | "+=" | "-=" | "*=" | "*+=" | "*=+" | "*n=" | "*d=" | "*?=" | "/=" | "%=" | "==" | "!=" | ">"
        | "<" | ">=" | "<=" | "as" => 40,
        "+" | "-" | "*" | "*+" | "*n" | "*d" | "*?" | "/" | "%" | "//" => 42,
        _ => return None,
    })
}

/// Functions without arguments, and what they are in jq.
const PLAIN: &[(&str, &str)] = &[
    ("length", "length"),
    ("keys", "yq_keys_of"),
    ("to_entries", "yq_to_entries"),
    ("from_entries", "from_entries"),
    ("reverse", "reverse"),
    ("sort", "sort"),
    ("unique", "yq_unique(.)"),
    ("flatten", "flatten"),
    ("not", "not"),
    ("min", "min"),
    ("max", "max"),
    ("first", "first"),
    ("any", "any"),
    ("all", "all"),
    ("empty", "empty"),
    ("true", "true"),
    ("false", "false"),
    ("null", "null"),
    ("upcase", "ascii_upcase"),
    ("ascii_upcase", "ascii_upcase"),
    ("downcase", "ascii_downcase"),
    ("ascii_downcase", "ascii_downcase"),
    ("trim", "trim"),
    ("to_string", "yq_text"),
    ("tostring", "yq_text"),
    ("to_number", "tonumber"),
    ("tonumber", "tonumber"),
    ("to_json", "tojson"),
    ("tojson", "tojson"),
    ("from_json", "fromjson"),
    ("fromjson", "fromjson"),
    ("to_yaml", "to_yaml"),
    ("from_yaml", "from_yaml"),
    ("@json", "tojson"),
    ("@jsond", "fromjson"),
    ("@yaml", "to_yaml"),
    ("@yamld", "from_yaml"),
    ("@base64", "yq_base64"),
    ("@base64d", "decode_base64"),
    ("@uri", "encode_uri"),
    ("type", "yq_tag"),
    ("tag", "yq_tag"),
    ("kind", "yq_kind"),
];

/// Functions with one argument that is a program, and what they are in jq.
const WITH_PROGRAM: &[(&str, &str)] = &[
    ("select", "select"),
    ("map", "yq_map"),
    ("map_values", "yq_map_values"),
    ("filter", "yq_filter"),
    ("with_entries", "yq_with_entries"),
    ("del", "del"),
    ("delpaths", "delpaths"),
    ("sort_by", "yq_sort_by"),
    ("group_by", "yq_group_by"),
    ("unique_by", "yq_unique"),
    ("min_by", "min_by"),
    ("max_by", "max_by"),
    ("any_c", "any"),
    ("all_c", "all"),
    ("has", "yq_has"),
    ("contains", "contains"),
    ("join", "yq_join"),
    ("split", "split"),
    ("test", "test"),
    ("match", "match"),
    ("capture", "capture"),
    ("flatten", "flatten"),
    ("pick", "yq_pick"),
    ("omit", "yq_omit"),
    ("first", "first"),
    ("error", "error"),
    ("to_json", "yq_to_json"),
    ("to_yaml", "yq_to_yaml"),
];

/// What yq has and this has not, and why.
const COMMENTS: &str = "comments and styles are no part of the values that an expression edits; they stay as they are";
const OUTSIDE: &str = "an expression sees its object and `variables`, nothing else";

fn why_not(name: &str) -> Option<&'static str> {
    Some(match name {
        "style" | "line_comment" | "head_comment" | "foot_comment" | "comments" | "anchor" | "alias" | "splitDoc"
        | "split_doc" => COMMENTS,
        "load" | "load_str" | "load_xml" | "load_props" | "loadstr" | "filename" | "fileIndex" | "file_index"
        | "fi" | "documentIndex" | "document_index" | "di" | "envsubst" | "now" | "input" | "inputs" | "system" => {
            OUTSIDE
        }
        "key" | "path" | "parent" | "parents" | "is_key" | "line" | "column" => {
            "a value does not know its place here; write the path itself"
        }
        "eval" => "programs are not made of texts here",
        "shuffle" => "it gives another result each time",
        _ => return None,
    })
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    fn peek_text(&self) -> Option<&'t str> {
        self.peek()
            .filter(|token| matches!(token.sort, Sort::Operator | Sort::Word))
            .map(|token| token.shown(self.text))
    }

    fn eat(&mut self, wanted: &str) -> bool {
        let is_there = self.peek_text() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, wanted: &str) -> Result<(), CompileError> {
        if self.eat(wanted) {
            return Ok(());
        }
        Err(match self.peek() {
            Some(token) => {
                self.error_at(token.offset, format!("expected `{wanted}`, found `{}`", token.shown(self.text)))
            }
            None => self.error_at(self.text.len(), format!("expected `{wanted}` at the end")),
        })
    }

    fn error_at(&self, offset: usize, message: String) -> CompileError {
        CompileError { offset, message }
    }

    /// An expression whose operators bind at least so tightly.
    fn expression(&mut self, least: u8) -> Result<String, CompileError> {
        self.depth += 1;
        if self.depth > 100 {
            let offset = self.peek().map_or(0, |token| token.offset);
            return Err(self.error_at(offset, "nested too deeply".to_owned()));
        }
        let mut left = self.term()?;
        while let Some(operator) = self.peek_text() {
            let Some(strength) = binding(operator).filter(|strength| *strength >= least) else { break };
            self.at += 1;
            if operator == "as" {
                left = self.binding_of(&left)?;
                continue;
            }
            // Operators of one strength are taken from the right, as yq does: `10 - 2 - 3` is 11 there, too.
            let right = self.expression(strength)?;
            left = combine(operator, &left, &right);
        }
        self.depth -= 1;
        Ok(left)
    }

    /// What follows `VALUE as`: `$name | BODY`, or `$name ireduce (INIT; UPDATE)`.
    fn binding_of(&mut self, value: &str) -> Result<String, CompileError> {
        let Some(name) = self.peek_text().filter(|name| name.starts_with('$')) else {
            let offset = self.peek().map_or(self.text.len(), |token| token.offset);
            return Err(self.error_at(offset, "expected a variable such as `$item`".to_owned()));
        };
        self.at += 1;
        if self.eat("ireduce") || self.eat("reduce") {
            self.expect("(")?;
            let init = self.expression(0)?;
            self.expect(";")?;
            let update = self.expression(0)?;
            self.expect(")")?;
            return Ok(format!("(reduce {value} as {name} ({init}; {update}))"));
        }
        self.expect("|")?;
        let body = self.expression(30)?;
        Ok(format!("({value} as {name} | {body})"))
    }

    /// A term with the path behind it.
    fn term(&mut self) -> Result<String, CompileError> {
        let Some(token) = self.peek() else {
            return Err(self.error_at(self.text.len(), "expected a value at the end".to_owned()));
        };
        let shown = token.shown(self.text);
        let start = match &token.sort {
            Sort::Key(_) => ".".to_owned(),
            Sort::Number => {
                self.at += 1;
                if shown.chars().any(|character| !character.is_ascii_digit() && !matches!(character, '.' | 'e' | 'E')) {
                    return Err(self.error_at(token.offset, format!("`{shown}` is no number")));
                }
                shown.to_owned()
            }
            Sort::Text(text) => {
                self.at += 1;
                text.clone()
            }
            Sort::Word => {
                self.at += 1;
                self.word(shown, token.offset)?
            }
            Sort::Operator => match shown {
                ".[" => ".".to_owned(),
                "." | ".." => {
                    self.at += 1;
                    shown.to_owned()
                }
                "(" => {
                    self.at += 1;
                    let inner = self.expression(0)?;
                    self.expect(")")?;
                    format!("({inner})")
                }
                "[" => {
                    self.at += 1;
                    if self.eat("]") {
                        "[]".to_owned()
                    } else {
                        let inner = self.expression(0)?;
                        self.expect("]")?;
                        format!("[{inner}]")
                    }
                }
                "{" => {
                    self.at += 1;
                    self.map()?
                }
                "-" => {
                    self.at += 1;
                    let inner = self.term()?;
                    format!("(-{inner})")
                }
                "..." => {
                    return Err(self.error_at(token.offset, "`...` visits keys as well; `..` visits values".to_owned()));
                }
                other => return Err(self.error_at(token.offset, format!("`{other}` is not expected here"))),
            },
        };
        self.path(start)
    }

    /// `.key`, `[0]`, `[]`, `.[...]` behind a term.
    fn path(&mut self, mut base: String) -> Result<String, CompileError> {
        loop {
            let Some(token) = self.peek() else { return Ok(base) };
            if let Sort::Key(key) = &token.sort {
                self.at += 1;
                if key.contains(['*', '?']) {
                    base = format!("({base} | .[(yq_keys({}))]?)", quote(key));
                } else {
                    base = format!("{}[{}]?", as_base(&base), quote(key));
                }
                continue;
            }
            // A bracket that touches what is before it belongs to the path; elsewhere it begins a list.
            let touches = |parser: &Self| {
                let before = parser.at.checked_sub(1).and_then(|before| parser.tokens.get(before));
                before.is_none_or(|before| before.offset + before.length == token.offset)
            };
            match token.shown(self.text) {
                ".[" => self.at += 1,
                "[" if token.sort == Sort::Operator && touches(self) => self.at += 1,
                "?" if token.sort == Sort::Operator => {
                    self.at += 1;
                    continue;
                }
                _ => return Ok(base),
            }
            let own = as_base(&base);
            if self.eat("]") {
                base = format!("{own}[]?");
                continue;
            }
            if self.eat(":") {
                let to = self.expression(0)?;
                self.expect("]")?;
                base = format!("{own}[:{to}]?");
                continue;
            }
            let index = self.expression(0)?;
            if self.eat(":") {
                let to = if self.peek_text() == Some("]") { String::new() } else { self.expression(0)? };
                base = format!("{own}[{index}:{to}]?");
            } else {
                base = format!("{own}[{index}]?");
            }
            self.expect("]")?;
        }
    }

    fn map(&mut self) -> Result<String, CompileError> {
        let mut entries = Vec::new();
        loop {
            if self.eat("}") {
                return Ok(format!("{{{}}}", entries.join(", ")));
            }
            if !entries.is_empty() {
                self.expect(",")?;
            }
            let Some(token) = self.peek() else {
                return Err(self.error_at(self.text.len(), "expected `}` at the end".to_owned()));
            };
            let key = match &token.sort {
                Sort::Word => {
                    self.at += 1;
                    quote(token.shown(self.text))
                }
                _ => self.term()?,
            };
            self.expect(":")?;
            let value = self.expression(11)?;
            entries.push(format!("({key}): ({value})"));
        }
    }

    /// A word: a variable, or a function with its arguments.
    fn word(&mut self, name: &str, offset: usize) -> Result<String, CompileError> {
        if name.starts_with('$') {
            return Ok(name.to_owned());
        }
        if let Some(why) = why_not(name) {
            return Err(self.error_at(offset, format!("`{name}` is not part of this: {why}")));
        }
        if !self.eat("(") {
            let plain = PLAIN.iter().find(|(known, _)| *known == name);
            return plain.map(|(_, jq)| (*jq).to_owned()).ok_or_else(|| {
                let needs = WITH_PROGRAM.iter().any(|(known, _)| *known == name);
                let what = if needs { "needs an argument" } else { "is not a function that is known here" };
                self.error_at(offset, format!("`{name}` {what}"))
            });
        }
        match name {
            "env" | "strenv" => {
                let Some(variable) = self.peek().filter(|token| token.sort == Sort::Word) else {
                    return Err(self.error_at(offset, format!("`{name}` takes the name of a variable")));
                };
                self.at += 1;
                self.expect(")")?;
                let text = variable.shown(self.text);
                Ok(if name == "env" { format!("${text}") } else { format!("(${text} | yq_text)") })
            }
            "with" => {
                let path = self.expression(0)?;
                self.expect(";")?;
                let update = self.expression(0)?;
                self.expect(")")?;
                Ok(format!("(({path}) |= ({update}))"))
            }
            "sub" => {
                let pattern = self.expression(11)?;
                if !self.eat(",") {
                    self.expect(";")?;
                }
                let by = self.expression(11)?;
                self.expect(")")?;
                Ok(format!("yq_sub({pattern}; {by})"))
            }
            "explode" | "sort_keys" => {
                // Aliases are looked through anyway, and the order of keys means nothing.
                self.expression(0)?;
                self.expect(")")?;
                Ok(".".to_owned())
            }
            _ => {
                let Some((_, jq)) = WITH_PROGRAM.iter().find(|(known, _)| *known == name) else {
                    return Err(self.error_at(offset, format!("`{name}` is not a function that is known here")));
                };
                let argument = self.expression(0)?;
                self.expect(")")?;
                Ok(format!("{jq}({argument})"))
            }
        }
    }
}

/// A term that a path can be put behind.
fn as_base(base: &str) -> String {
    let is_path = base.starts_with('.') && !base.contains(' ');
    if is_path || base.starts_with('(') { base.to_owned() } else { format!("({base})") }
}

fn combine(operator: &str, left: &str, right: &str) -> String {
    match operator {
        "==" => format!("yq_eq({left}; {right})"),
        "!=" => format!("(yq_eq({left}; {right}) | not)"),
        "+" => format!("yq_add({left}; {right})"),
        "*" => format!("yq_mul({left}; {right})"),
        "*+" | "*n" | "*d" | "*?" => format!("yq_merge_{}({left}; {right})", merge_name(operator)),
        "+=" => format!("({right} as $x | ({left}) |= yq_add(.; $x))"),
        "*=" => format!("({right} as $x | ({left}) |= yq_mul(.; $x))"),
        "*+=" | "*=+" | "*n=" | "*d=" | "*?=" => {
            format!("({right} as $x | ({left}) |= yq_merge_{}(.; $x))", merge_name(operator))
        }
        // Nothing to assign leaves things as they are.
        "=" => format!("([{right}] as $x | if $x == [] then . else ({left}) = $x[-1] end)"),
        _ => format!("({left} {operator} {right})"),
    }
}

fn merge_name(operator: &str) -> &'static str {
    match operator {
        _ if operator.contains('+') => "append",
        _ if operator.contains('n') => "new",
        _ if operator.contains('d') => "deep",
        _ => "existing",
    }
}

fn quote(text: &str) -> String {
    windlass_pdk::Value::from(text).to_json()
}
