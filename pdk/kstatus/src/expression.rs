//! One readiness expression: `{.phase} == "Ready"`.

use serde_json::{Number, Value};

use crate::decimal::{Decimal, go_text};
use crate::fields::type_name;
use crate::jsonpath::{EvaluationError, Operator, Path, PathStep, Reader};
use crate::syntax::SyntaxError;

/// A parsed expression: a path into the object's `status`, a comparison, a literal.
///
/// The grammar is HIP-0025's `{<jsonpath>} <op> <value>`, where spaces around the operator are optional and a `}`
/// inside a filter's text does not end the path. `.status.phase` is accepted for `.phase`, as in Helm's draft.
///
/// How values compare (the proposal leaves it open):
/// * a missing field meets nothing, not even `!=`; null equals only the unquoted literal `null`;
/// * an unquoted number compares as a number, exactly, with numbers and with texts that are numbers;
/// * unquoted `true` and `false` compare with booleans;
/// * everything else, and any quoted literal, compares the exact text: `"True"` is not `"true"`;
/// * `<`, `<=`, `>` and `>=` take a number; a field that is none does not meet them (with a warning).
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    text: String,
    path: Path,
    operator: Operator,
    literal: Literal,
}

#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Quoted(String),
    Number(String, Decimal),
    Bool(bool),
    Null,
    Bare(String),
}

impl Literal {
    fn text(&self) -> &str {
        match self {
            Literal::Quoted(text) | Literal::Number(text, _) | Literal::Bare(text) => text,
            Literal::Bool(true) => "true",
            Literal::Bool(false) => "false",
            Literal::Null => "null",
        }
    }
}

/// Whether an expression holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evaluation {
    /// It does.
    Met,
    /// It does not (yet).
    NotMet,
    /// It cannot: the field exists and is not a number, the operator asks for an order. The text says so.
    NotOrdered(String),
}

impl Expression {
    /// Parses one expression.
    ///
    /// # Errors
    /// When the text is no expression; the offset points at the offending character.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut reader = Reader::new(text);
        reader.skip_spaces();
        if !reader.take("{") {
            return Err(reader.error("an expression starts with a path in braces, as in `{.phase} == \"Ready\"`"));
        }
        let path_offset = reader.offset();
        let path = reader.path(crate::jsonpath::Ending::Brace, 0)?;
        if !reader.take("}") {
            return Err(reader.error("the path is not closed by `}`"));
        }
        let path = relative_to_status(path);
        if path.steps.is_empty() {
            return Err(
                reader.error_at(path_offset, "the path is empty; it names a field of the status, as in `{.phase}`")
            );
        }
        reader.skip_spaces();
        let Some((operator, length)) = Operator::at_start(reader.rest()) else {
            return Err(reader.error("expected one of == != < <= > >= after the path"));
        };
        for _ in 0..length {
            reader.next();
        }
        if reader.peek().is_some_and(|next| "=<>!~".contains(next)) {
            return Err(reader.error("unknown operator; use == != < <= > >="));
        }
        reader.skip_spaces();
        let offset = reader.offset();
        let literal = literal(reader.rest().trim_end())
            .map_err(|(inner, message)| SyntaxError { offset: offset + inner, message })?;
        if operator.is_ordering() && !matches!(literal, Literal::Number(..)) {
            let message =
                format!("`<`, `<=`, `>` and `>=` compare numbers, and `{}` is not an unquoted number", literal.text());
            return Err(SyntaxError { offset, message });
        }
        Ok(Expression { text: text.trim().to_owned(), path, operator, literal })
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The steps of its path, below the status.
    pub(crate) fn steps(&self) -> &[PathStep] {
        &self.path.steps
    }

    /// What its author should know: a path that can select several values is an error as soon as it does.
    pub fn lint(&self) -> Option<String> {
        self.path
            .selects_several()
            .then(|| format!("`{}` can select several values, and an expression compares exactly one", self.text))
    }

    /// Evaluates the expression on an object's `status`.
    ///
    /// # Errors
    /// When the path selects several values, a map or a list, or cannot be evaluated. An index beyond the end of
    /// a list is not an error: the list may still grow.
    pub fn evaluate(&self, status: &Value) -> Result<Evaluation, EvaluationError> {
        let found = match self.path.find(status) {
            Ok(found) => found,
            Err(error) if error.is_out_of_bounds() => return Ok(Evaluation::NotMet),
            Err(error) => return Err(EvaluationError::new(format!("`{}`: {error}", self.text))),
        };
        match found.as_slice() {
            [] => Ok(Evaluation::NotMet),
            [value @ (Value::Object(_) | Value::Array(_))] => Err(EvaluationError::new(format!(
                "`{}`: the path selects {}, which cannot be compared",
                self.text,
                type_name(value)
            ))),
            [value] => Ok(self.compare(value)),
            several => Err(EvaluationError::new(format!(
                "`{}`: the path selects {} values, and an expression compares exactly one",
                self.text,
                several.len()
            ))),
        }
    }

    fn compare(&self, value: &Value) -> Evaluation {
        if let (Literal::Number(_, literal), Some(number)) = (&self.literal, numeric(value)) {
            return met(self.operator.holds(number.cmp(literal)));
        }
        if self.operator.is_ordering() {
            let value = type_name(value);
            return Evaluation::NotOrdered(format!(
                "`{}` is not met: the field is {value} that is no number",
                self.text
            ));
        }
        let equal = match (value, &self.literal) {
            (Value::Null, Literal::Null) => true,
            (Value::Null, _) | (_, Literal::Null) => false,
            (Value::Bool(value), Literal::Bool(literal)) => value == literal,
            (Value::Bool(value), literal) => literal.text() == if *value { "true" } else { "false" },
            (Value::String(text), literal) => text == literal.text(),
            (Value::Number(number), literal) => go_text(number) == literal.text(),
            (Value::Array(_) | Value::Object(_), _) => false,
        };
        met(equal == (self.operator == Operator::Equal))
    }
}

fn met(yes: bool) -> Evaluation {
    if yes { Evaluation::Met } else { Evaluation::NotMet }
}

/// The value as a number: a number, or a text that is one.
fn numeric(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Decimal::parse(&Number::to_string(number)),
        Value::String(text) => Decimal::parse(text),
        _ => None,
    }
}

/// Drops a leading `.status` where more follows; a path that is only `.status` is a field of that name.
fn relative_to_status(mut path: Path) -> Path {
    if path.steps.len() > 1 && path.steps.first() == Some(&PathStep::Field("status".to_owned())) {
        path.steps.remove(0);
    }
    path
}

fn literal(text: &str) -> Result<Literal, (usize, String)> {
    let fail = |offset: usize, message: String| Err((offset, message));
    let Some(first) = text.chars().next() else {
        return fail(0, "a value is missing after the operator; write \"\" for the empty text".to_owned());
    };
    if first == '"' || first == '\'' {
        let inside = text.get(1..).unwrap_or_default();
        let Some(end) = inside.find(first) else { return fail(0, "the quoted value is not closed".to_owned()) };
        let (content, rest) = (inside.get(..end).unwrap_or_default(), inside.get(end + 1..).unwrap_or_default());
        if !rest.is_empty() {
            return fail(end + 2, one_comparison("unexpected text after the quoted value"));
        }
        return Ok(Literal::Quoted(content.to_owned()));
    }
    match text {
        "true" => return Ok(Literal::Bool(true)),
        "false" => return Ok(Literal::Bool(false)),
        "null" => return Ok(Literal::Null),
        _ => {}
    }
    if let Some(number) = Decimal::parse(text) {
        return Ok(Literal::Number(text.to_owned(), number));
    }
    if looks_like_another_number(text) {
        return fail(0, format!("`{text}` is not a number in JSON's syntax; put it in quotes to compare it as a text"));
    }
    for word in ["&&", "||", "{", "}", "\"", "'"] {
        if let Some(offset) = text.find(word) {
            return fail(offset, one_comparison(&format!("unexpected `{word}` in the value")));
        }
    }
    Ok(Literal::Bare(text.to_owned()))
}

fn one_comparison(what: &str) -> String {
    format!("{what}; an expression is one comparison, write several as items of the list (any of them decides)")
}

/// NaN, infinity, hexadecimal, underscores: numbers in Go's eyes and texts in everyone else's.
fn looks_like_another_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text).to_ascii_lowercase();
    let hexadecimal = unsigned.strip_prefix("0x").is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'_')
    });
    let underscored = unsigned.contains('_') && unsigned.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    hexadecimal || underscored || matches!(unsigned.as_str(), "nan" | "inf" | "infinity")
}
