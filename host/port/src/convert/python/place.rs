//! Places in an object, and filters, as jq writes them.

/// A place in the object.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// How many loops it is inside of.
    pub(super) frame: usize,
    /// Behind the object or the item.
    pub(super) rest: String,
    /// A `get` with a default: what is set there when it is not there is lost.
    pub(super) is_optional: bool,
}

impl Place {
    /// As a path of the object or item itself.
    pub(super) fn jq(&self) -> String {
        if self.rest.is_empty() { ".".to_owned() } else { tidy(&self.rest) }
    }

    /// As a value in a loop of this depth.
    pub(super) fn read(&self, frame: usize) -> String {
        if self.frame == frame { self.jq() } else { format!("$f{}{}", self.frame, tidy(&self.rest)) }
    }

    /// A change that is lost where a `get` on the way found nothing.
    pub(super) fn guarded(&self, change: &str) -> String {
        if !self.is_optional {
            return change.to_owned();
        }
        let parent = self.rest.rfind("[").map_or("", |at| self.rest.get(..at).unwrap_or_default());
        let parent = if parent.is_empty() { ".".to_owned() } else { tidy(parent) };
        format!("if {parent} != null then {change} else . end")
    }
}

/// A step of a path: `["key"]`.
pub(super) fn step(key: &str) -> String {
    format!("[{key}]")
}

/// `["metadata"]["labels"]` as `.metadata.labels`, where the keys allow it.
pub(super) fn tidy(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some(from) = rest.strip_prefix('[') {
        let mut depth = 1_usize;
        let mut in_text = false;
        let mut is_escaped = false;
        let end = from.char_indices().find_map(|(at, letter)| {
            match letter {
                _ if is_escaped => is_escaped = false,
                '\\' if in_text => is_escaped = true,
                '"' => in_text = !in_text,
                '[' if !in_text => depth += 1,
                ']' if !in_text => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(at)
        });
        let Some(end) = end else { break };
        let key = from.get(..end).unwrap_or_default();
        let bare = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or_default();
        let is_bare = bare.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && bare.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if is_bare {
            out.push_str(&format!(".{bare}"));
        } else if out.is_empty() {
            out.push_str(&format!(".[{key}]"));
        } else {
            out.push_str(&format!("[{key}]"));
        }
        rest = from.get(end + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

pub(super) fn joined(first: &str, second: &str) -> String {
    match (first, second) {
        (".", other) | (other, ".") => other.to_owned(),
        (first, "empty") if !first.contains("error(") => "empty".to_owned(),
        (first, second) => format!("{first} | {second}"),
    }
}

/// `if C then empty else . end` as a selection, which people know.
pub(super) fn simpler(filter: String) -> String {
    let inside = filter.strip_prefix("if ").and_then(|rest| rest.strip_suffix(" end"));
    let Some((condition, rest)) = inside.and_then(|inside| inside.split_once(" then ")) else { return filter };
    if condition.contains(" if ") || condition.contains("(if ") {
        return filter;
    }
    match rest.split_once(" else ") {
        Some(("empty", after)) if !after.contains(" elif ") => joined(&format!("select({condition} | not)"), after),
        Some((".", "empty")) => format!("select({condition})"),
        _ => filter,
    }
}

pub(super) fn quoted(text: &str) -> String {
    // `\(` within a text would be an expression of jq; JSON writes a backslash as two.
    serde_json::Value::from(text).to_string()
}
