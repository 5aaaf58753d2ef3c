//! The value of a readiness annotation: a list of expressions as text.

use std::fmt;

use crate::expression::Expression;
use crate::syntax::SyntaxError;

/// An annotation's value is not a list of expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnotationError {
    /// Which expression, counted from 1; `None` when the list itself is malformed.
    pub expression: Option<usize>,
    /// Bytes from the start of the annotation's value to the offending character.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for AnnotationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.expression {
            Some(number) => write!(formatter, "expression {number}: {}", self.message),
            None => formatter.write_str(&self.message),
        }
    }
}

impl std::error::Error for AnnotationError {}

/// Parses an annotation's value: a JSON array of strings, or a YAML flow list. Kubernetes annotation values are
/// strings, so the list is always text: `'["{.phase} == Ready"]'`. An empty value, `null` and `[]` have no
/// expressions.
///
/// # Errors
/// When the value is no such list or one of its items is no expression.
pub fn parse_annotation(value: &str) -> Result<Vec<Expression>, AnnotationError> {
    let trimmed = value.trim();
    if trimmed.is_empty() || trimmed == "null" || trimmed == "~" {
        return Ok(Vec::new());
    }
    let items =
        list(value).map_err(|SyntaxError { offset, message }| AnnotationError { expression: None, offset, message })?;
    items.iter().enumerate().map(|(index, item)| item.expression(index + 1)).collect()
}

/// A list item's text and, for each of its bytes, where that byte comes from.
struct Item {
    text: String,
    offsets: Vec<usize>,
    end: usize,
}

impl Item {
    fn expression(&self, number: usize) -> Result<Expression, AnnotationError> {
        Expression::parse(&self.text).map_err(|SyntaxError { offset, message }| AnnotationError {
            expression: Some(number),
            offset: self.offsets.get(offset).copied().unwrap_or(self.end),
            message,
        })
    }

    fn push(&mut self, character: char, offset: usize) {
        self.text.push(character);
        self.offsets.extend(std::iter::repeat_n(offset, character.len_utf8()));
    }
}

fn error(offset: usize, message: impl Into<String>) -> SyntaxError {
    SyntaxError { offset, message: message.into() }
}

/// Characters with a look ahead, by their byte offset.
struct Characters<'t> {
    text: &'t str,
    inner: std::iter::Peekable<std::str::CharIndices<'t>>,
}

impl Characters<'_> {
    fn offset(&mut self) -> usize {
        self.inner.peek().map_or(self.text.len(), |(offset, _)| *offset)
    }

    fn peek(&mut self) -> Option<char> {
        self.inner.peek().map(|(_, character)| *character)
    }

    fn skip_spaces(&mut self) {
        while self.inner.next_if(|(_, character)| character.is_whitespace()).is_some() {}
    }
}

fn list(value: &str) -> Result<Vec<Item>, SyntaxError> {
    let mut characters = Characters { text: value, inner: value.char_indices().peekable() };
    characters.skip_spaces();
    if characters.inner.next_if(|(_, character)| *character == '[').is_none() {
        let message = "expected a list of expressions in text form, as in '[\"{.phase} == Ready\"]'";
        return Err(error(characters.offset(), message));
    }
    let mut items = Vec::new();
    loop {
        characters.skip_spaces();
        let start = characters.offset();
        match characters.peek() {
            None => return Err(error(start, "the list is not closed by `]`")),
            Some(']') => break,
            Some(',') => return Err(error(start, "an item of the list is missing")),
            Some(quote @ ('"' | '\'')) => items.push(quoted(&mut characters, quote)?),
            Some(_) => items.push(plain(&mut characters)?),
        }
        characters.skip_spaces();
        match characters.peek() {
            Some(',') => {
                characters.inner.next();
            }
            Some(']') => break,
            None => return Err(error(value.len(), "the list is not closed by `]`")),
            Some(_) => return Err(error(characters.offset(), "expected `,` or `]` after the item")),
        }
    }
    characters.inner.next();
    characters.skip_spaces();
    match characters.peek() {
        None => Ok(items),
        Some(_) => Err(error(characters.offset(), "unexpected text after the list")),
    }
}

fn quoted(characters: &mut Characters<'_>, quote: char) -> Result<Item, SyntaxError> {
    let start = characters.offset();
    characters.inner.next();
    let mut item = Item { text: String::new(), offsets: Vec::new(), end: 0 };
    while let Some((offset, character)) = characters.inner.next() {
        if character == quote {
            if quote == '\'' && characters.inner.next_if(|(_, next)| *next == '\'').is_some() {
                item.push('\'', offset);
                continue;
            }
            item.end = offset;
            return Ok(item);
        }
        if character == '\\' && quote == '"' {
            item.push(escape(characters, offset)?, offset);
        } else {
            item.push(character, offset);
        }
    }
    Err(error(start, "the quoted item is not closed"))
}

/// The escapes that JSON and YAML share.
fn escape(characters: &mut Characters<'_>, start: usize) -> Result<char, SyntaxError> {
    let Some((_, character)) = characters.inner.next() else {
        return Err(error(start, "the quoted item is not closed"));
    };
    Ok(match character {
        '"' | '\\' | '/' => character,
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'u' => {
            let first = hexadecimal(characters, start)?;
            let code = if (0xD800..0xDC00).contains(&first) {
                let escaped = characters.inner.next().map(|(_, next)| next) == Some('\\')
                    && characters.inner.next().map(|(_, next)| next) == Some('u');
                if !escaped {
                    return Err(error(start, "half of a surrogate pair"));
                }
                let second = hexadecimal(characters, start)?;
                0x10000 + ((first - 0xD800) << 10) + second.wrapping_sub(0xDC00)
            } else {
                first
            };
            char::from_u32(code).ok_or_else(|| error(start, "not a Unicode character"))?
        }
        _ => return Err(error(start, format!("unknown escape `\\{character}`"))),
    })
}

fn hexadecimal(characters: &mut Characters<'_>, start: usize) -> Result<u32, SyntaxError> {
    let mut code = 0;
    for _ in 0..4 {
        let digit = characters.inner.next().and_then(|(_, character)| character.to_digit(16));
        code = code * 16 + digit.ok_or_else(|| error(start, "`\\u` needs four hexadecimal digits"))?;
    }
    Ok(code)
}

/// An unquoted item, which cannot start with `{`: YAML would read a map there.
fn plain(characters: &mut Characters<'_>) -> Result<Item, SyntaxError> {
    let start = characters.offset();
    if characters.peek() == Some('{') {
        return Err(error(start, "an expression in the list must be quoted"));
    }
    let mut item = Item { text: String::new(), offsets: Vec::new(), end: 0 };
    while let Some((offset, character)) = characters.inner.next_if(|(_, next)| !",[]{}".contains(*next)) {
        item.push(character, offset);
    }
    item.end = characters.offset();
    if item.text.is_empty() {
        return Err(error(start, "an expression in the list must be quoted"));
    }
    Ok(item)
}
