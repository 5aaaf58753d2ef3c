//! What the reader knows of Python's expressions by their shape.

use super::syntax::{Expression, Statement, What};

pub(super) fn is_named(value: &Expression, name: &str) -> bool {
    matches!(value, Expression::Name(found) if found == name)
}

pub(super) fn is_empty(value: &Expression) -> bool {
    match value {
        Expression::Map(entries) => entries.is_empty(),
        Expression::List(items) => items.is_empty(),
        Expression::Text(text) => text.is_empty(),
        Expression::None => true,
        _ => false,
    }
}

pub(super) fn is_constant(value: &Expression) -> bool {
    match value {
        Expression::Text(_) | Expression::Number(_) | Expression::True | Expression::False | Expression::None => true,
        Expression::List(items) => items.iter().all(is_constant),
        Expression::Map(entries) => entries.iter().all(|(key, value)| is_constant(key) && is_constant(value)),
        Expression::Call(function, arguments, _) => {
            path_of(function).is_some_and(|path| {
                matches!(path.as_str(), "set" | "frozenset" | "tuple" | "list" | "os.environ.get" | "os.getenv")
            }) && arguments.iter().all(is_constant)
        }
        Expression::Index(inner, _) => path_of(inner).as_deref() == Some("os.environ"),
        _ => false,
    }
}

/// `a.b.c`.
pub(super) fn path_of(value: &Expression) -> Option<String> {
    match value {
        Expression::Name(name) => Some(name.clone()),
        Expression::Attribute(inner, name) => Some(format!("{}.{name}", path_of(inner)?)),
        _ => None,
    }
}

pub(super) fn is_dump(path: &str) -> bool {
    matches!(path, "yaml.dump" | "yaml.safe_dump" | "yaml.dump_all" | "yaml.safe_dump_all")
}

/// Whether statements end the script as a failure.
pub(super) fn ends_script(body: &[Statement]) -> bool {
    body.iter().any(|statement| match &statement.what {
        What::Raise(_) => true,
        What::Expression(Expression::Call(function, arguments, _)) => {
            matches!(path_of(function).as_deref(), Some("sys.exit" | "exit"))
                && !matches!(arguments.first(), None | Some(Expression::None))
                && !matches!(arguments.first(), Some(Expression::Number(zero)) if zero == "0")
        }
        _ => false,
    })
}

/// Calls that change nothing of the stream.
pub(super) fn is_quiet(path: &str) -> bool {
    path.starts_with("logging.")
        || path.starts_with("logger.")
        || path.starts_with("log.")
        || matches!(path, "sys.stderr.write" | "sys.stdout.flush" | "sys.stdout.reconfigure" | "sys.stdin.reconfigure")
}

pub(super) fn is_separator(text: &str) -> bool {
    matches!(text.trim(), "---" | "" | "...")
}

pub(super) fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The text of `raise ValueError("text")`.
pub(super) fn message(raise: &str) -> String {
    let inside = raise.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"')).map(|(inside, _)| inside);
    inside
        .or_else(|| raise.split_once('\'').and_then(|(_, rest)| rest.rsplit_once('\'')).map(|(inside, _)| inside))
        .unwrap_or(raise)
        .to_owned()
}
