//! Parsing a path. Offsets are bytes into the whole text that is being read, so that errors point at the
//! character even when the path is part of a longer expression.

use super::{Operand, Operator, Path, PathStep, Slice};
use crate::syntax::SyntaxError;

/// How deep filters and unions may nest.
const MAX_NESTING: usize = 16;

pub(super) fn whole(text: &str) -> Result<Path, SyntaxError> {
    let mut reader = Reader::new(text);
    reader.skip_spaces();
    let braced = reader.take("{");
    let path = reader.path(Ending::Brace, 0)?;
    if braced && !reader.take("}") {
        return Err(reader.error("the path is not closed by `}`"));
    }
    reader.skip_spaces();
    if !reader.is_at_end() {
        return Err(reader.error("unexpected text after the path"));
    }
    Ok(path)
}

/// What ends a path besides the end of the text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// `}`, left in place.
    Brace,
    /// `)` or a comparison, left in place.
    Filter,
}

/// A cursor over a text.
pub(crate) struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Reader { text, at: 0 }
    }

    pub(crate) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    pub(crate) fn take(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        if found {
            self.at += prefix.len();
        }
        found
    }

    pub(crate) fn skip_spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.next();
        }
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> SyntaxError {
        self.error_at(self.at, message)
    }

    pub(crate) fn error_at(&self, offset: usize, message: impl Into<String>) -> SyntaxError {
        SyntaxError { offset, message: message.into() }
    }

    /// The text up to (and past) the next `end`.
    fn until(&mut self, end: char) -> Option<&'t str> {
        let (text, _) = self.rest().split_once(end)?;
        self.at += text.len() + end.len_utf8();
        Some(text)
    }

    /// A chain of steps, up to `ending` or the end of the text.
    pub(crate) fn path(&mut self, ending: Ending, nesting: usize) -> Result<Path, SyntaxError> {
        if nesting > MAX_NESTING {
            return Err(self.error(format!("filters are nested more than {MAX_NESTING} deep")));
        }
        let mut steps = Vec::new();
        loop {
            let rest = self.rest();
            let Some(character) = self.peek() else { break };
            if rest.starts_with("..") {
                if steps.last() == Some(&PathStep::Recursive) {
                    return Err(self.error("`..` twice in a row"));
                }
                self.at += 2;
                steps.push(PathStep::Recursive);
                if self.peek().is_some_and(|next| next.is_alphanumeric() || next == '_' || next == '*') {
                    steps.push(self.field()?);
                } else if !self.rest().starts_with(['.', '[']) {
                    return Err(self.error("`..` needs a field, as in `..phase`"));
                }
            } else if rest.starts_with("[?(") {
                self.at += 3;
                steps.push(self.filter(nesting + 1)?);
            } else {
                match character {
                    '}' if ending == Ending::Brace => break,
                    ')' | '=' | '!' | '<' | '>' if ending == Ending::Filter => break,
                    ' ' | '\t' => {
                        self.next();
                    }
                    '$' | '@' => {
                        self.next();
                    }
                    '.' => {
                        self.next();
                        steps.push(self.field()?);
                    }
                    '[' => {
                        let start = self.at;
                        self.next();
                        let inside = self.until(']').ok_or_else(|| self.error_at(start, "`[` is not closed"))?;
                        self.brackets(inside, start + 1, &mut steps)?;
                    }
                    '"' | '\'' => return Err(self.error("a text is not a path; write {.field}")),
                    _ if character.is_alphanumeric() || character == '_' => {
                        return Err(self.bare_word());
                    }
                    _ => return Err(self.error(format!("unexpected character `{character}` in the path"))),
                }
            }
        }
        if steps.last() == Some(&PathStep::Recursive) {
            return Err(self.error("`..` needs a field, as in `..phase`"));
        }
        Ok(Path { steps })
    }

    fn bare_word(&self) -> SyntaxError {
        let rest = self.rest();
        let word = rest.split(|character: char| !character.is_alphanumeric() && character != '_').next();
        match word.unwrap_or_default() {
            word @ ("range" | "end") => {
                self.error(format!("`{word}` formats output and is not supported in a condition"))
            }
            word => self.error(format!("unrecognized identifier `{word}`; a path starts with a dot: `.{word}`")),
        }
    }

    /// A field name after its dot: up to a terminator, with backslash escapes.
    fn field(&mut self) -> Result<PathStep, SyntaxError> {
        let start = self.at;
        let mut name = String::new();
        let mut escaped = false;
        while let Some(character) = self.peek() {
            match character {
                '\\' => {
                    self.next();
                    escaped = true;
                    name.extend(self.next());
                    continue;
                }
                ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}' => break,
                ')' | '=' | '!' | '<' | '>' | '&' | '|' | '(' | '"' | '\'' | '?' => break,
                _ => name.push(character),
            }
            self.next();
        }
        match name.as_str() {
            "" => Err(self.error_at(start, "a field name is missing after the dot")),
            "*" if !escaped => Ok(PathStep::Wildcard),
            _ => Ok(PathStep::Field(name)),
        }
    }

    /// What stands between brackets, other than a filter.
    fn brackets(&self, inside: &str, offset: usize, steps: &mut Vec<PathStep>) -> Result<(), SyntaxError> {
        if inside == "*" {
            steps.push(PathStep::Slice(Slice { start: None, end: None, step: 1, is_index: false }));
            return Ok(());
        }
        if !inside.contains(',') {
            return self.item(inside, offset, steps);
        }
        let mut members = Vec::new();
        let mut at = offset;
        for part in inside.split(',') {
            let mut member = Vec::new();
            let spaces = part.len() - part.trim_start().len();
            match part.trim() {
                "*" => member.push(PathStep::Slice(Slice { start: None, end: None, step: 1, is_index: false })),
                trimmed => self.item(trimmed, at + spaces, &mut member)?,
            }
            members.push(member);
            at += part.len() + 1;
        }
        steps.push(PathStep::Union(members));
        Ok(())
    }

    /// `'key'`, an index or a slice.
    fn item(&self, text: &str, offset: usize, steps: &mut Vec<PathStep>) -> Result<(), SyntaxError> {
        if let Some(key) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            // As in client-go the key is read as a chain of fields, so that `['a.b']` is `.a.b`.
            let chain = format!(".{key}");
            let mut reader = Reader::new(&chain);
            let inner = reader.path(Ending::Brace, MAX_NESTING);
            let inner = inner.map_err(|error| self.error_at(offset + error.offset, error.message))?;
            if !reader.is_at_end() {
                return Err(self.error_at(offset + reader.at, "unexpected character in the key"));
            }
            steps.extend(inner.steps);
            return Ok(());
        }
        if text.starts_with('"') {
            return Err(self.error_at(offset, "a key in brackets takes single quotes: ['key']"));
        }
        let bad = |part: &str| self.error_at(offset, format!("invalid array index `{part}`"));
        let parts: Vec<&str> = text.split(':').collect();
        let number = |part: Option<&&str>| match part {
            None | Some(&"") => Ok(None),
            Some(part) if part.starts_with('+') => Err(bad(part)),
            Some(part) => part.parse::<i64>().map(Some).map_err(|_| bad(part)),
        };
        if text.is_empty() || parts.len() > 3 {
            return Err(bad(text));
        }
        let start = number(parts.first())?;
        let is_index = parts.len() == 1;
        let step = number(parts.get(2))?.unwrap_or(1);
        if step < 1 {
            return Err(self.error_at(offset, "the step of a slice must be greater than 0"));
        }
        steps.push(PathStep::Slice(Slice { start, end: number(parts.get(1))?, step, is_index }));
        Ok(())
    }

    /// A filter after its `[?(`.
    fn filter(&mut self, nesting: usize) -> Result<PathStep, SyntaxError> {
        let left = self.operand(nesting)?;
        self.skip_spaces();
        let step = match Operator::at_start(self.rest()) {
            Some((operator, length)) => {
                self.at += length;
                if self.peek().is_some_and(|next| "=<>!~".contains(next)) {
                    return Err(self.error_at(self.at - length, "unknown operator; use == != < <= > >="));
                }
                let right = self.operand(nesting)?;
                PathStep::Filter { left, operator, right }
            }
            None => match left {
                Operand::Path(steps) => PathStep::Exists(steps),
                _ => return Err(self.error("expected one of == != < <= > >= in the filter")),
            },
        };
        self.skip_spaces();
        if self.take(")]") {
            return Ok(step);
        }
        let rest = self.rest();
        let message = if rest.is_empty() {
            "the filter is not closed by `)]`".to_owned()
        } else if rest.starts_with("&&") || rest.starts_with("||") {
            "`&&` and `||` are not supported in a filter".to_owned()
        } else if rest.starts_with('=') {
            "unknown operator; use == != < <= > >=".to_owned()
        } else if rest.starts_with(')') {
            "expected `]` after the filter".to_owned()
        } else {
            "unexpected text in the filter".to_owned()
        };
        Err(self.error(message))
    }

    /// One side of a filter's comparison.
    fn operand(&mut self, nesting: usize) -> Result<Operand, SyntaxError> {
        self.skip_spaces();
        let start = self.at;
        match self.peek() {
            None => Err(self.error("the filter is not closed by `)]`")),
            Some(quote @ ('"' | '\'')) => self.quoted(quote).map(Operand::Text),
            Some(first) if first.is_ascii_digit() || first == '-' || first == '+' => {
                let length = self.rest().find(|next: char| !next.is_ascii_digit() && !".-+".contains(next));
                let text = self.rest().get(..length.unwrap_or(self.rest().len())).unwrap_or_default();
                let number = text.strip_prefix('+').unwrap_or(text).parse();
                let number = number.map_err(|_| self.error_at(start, format!("`{text}` is not a number")))?;
                self.at += text.len();
                Ok(Operand::Number(number))
            }
            Some(_) => {
                for (word, value) in [("true", true), ("false", false)] {
                    let rest = self.rest().strip_prefix(word);
                    if rest.is_some_and(|rest| rest.starts_with([')', ' ', '=', '!', '<', '>'])) {
                        self.at += word.len();
                        return Ok(Operand::Bool(value));
                    }
                }
                let path = self.path(Ending::Filter, nesting)?;
                let text = self.text.get(start..self.at).unwrap_or_default().trim();
                if text.is_empty() {
                    return Err(self.error_at(start, "a side of the filter's comparison is missing"));
                }
                Ok(Operand::Path(path.steps))
            }
        }
    }

    /// A quoted text with backslash escapes of the quote and of the backslash.
    fn quoted(&mut self, quote: char) -> Result<String, SyntaxError> {
        let start = self.at;
        self.next();
        let mut text = String::new();
        while let Some(character) = self.next() {
            match character {
                '\\' => match self.next() {
                    Some(escaped) if escaped == quote || escaped == '\\' => text.push(escaped),
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    _ => return Err(self.error("unknown escape in a quoted text")),
                },
                _ if character == quote => return Ok(text),
                _ => text.push(character),
            }
        }
        Err(self.error_at(start, "the quoted text is not closed"))
    }
}
