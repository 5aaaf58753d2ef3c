//! Expressions of yq and programs of jq: as a selection where they are nothing else, as the plugin expression
//! otherwise.

use windlass_manifest::Value;

use super::text::{escape, glob};
use super::value::{map, text};
use super::{Conversion, Options, Site};

/// What the plugin expression does not have, in yq's words.
const YQ_REFUSED: &[&str] = &[
    "load(",
    "load_str(",
    "loadstr(",
    "load_xml(",
    "load_props(",
    "load_base64(",
    "filename",
    "fileIndex",
    "file_index",
    "style",
    "Comment",
    "comments",
    "anchor",
    "alias",
    "splitDoc",
    "split_doc",
    "documentIndex",
    "document_index",
    "parent",
    "path(",
    "eval(",
    "system(",
    "now",
    "tz(",
    "shuffle",
    "@base64d",
    "envsubst",
    "with_dtf",
    "getpath",
    "setpath",
    "delpaths",
    "error(",
];
/// And in jq's.
const JQ_REFUSED: &[&str] = &[
    "input",
    "inputs",
    "now",
    "localtime",
    "mktime",
    "$__prog",
    "input_filename",
    "input_line_number",
    "halt",
    "debug",
    "stderr",
];

/// Converts an expression of yq, as `yq eval` runs it on each document.
pub(super) fn yq(expression: &str, site: &Site, options: &Options, conversion: &mut Conversion) {
    let trimmed = expression.trim().trim_start_matches(". |").trim();
    if matches!(
        trimmed,
        "" | "." | "select(.)" | "select(. != null)" | "select(length > 0)" | "select(. != null and . != {})"
    ) {
        conversion.is_idle = true;
        return;
    }
    if let Some(config) = selection(trimmed) {
        return conversion.step("select", config);
    }
    for word in YQ_REFUSED {
        if let Some(at) = find_word(expression, word) {
            let line = site.line + expression.get(..at).unwrap_or_default().matches('\n').count();
            return conversion.miss(
                &Site::new(&site.file, line),
                format!("the yq expression uses `{}`", word.trim_end_matches('(')),
            );
        }
    }
    let mut variables = Vec::new();
    for call in ["strenv(", "env("] {
        for (at, _) in expression.match_indices(call) {
            let inside = expression.get(at + call.len()..).unwrap_or_default();
            let name = inside.split(')').next().unwrap_or_default().trim();
            variable(name, site, options, &mut variables, conversion);
        }
    }
    push("yq", expression, variables, conversion);
}

/// Converts a jq program.
pub(super) fn jq(program: &str, site: &Site, options: &Options, conversion: &mut Conversion) {
    if matches!(program.trim(), "" | ".") {
        conversion.is_idle = true;
        return;
    }
    if let Some(config) = selection(program.trim()) {
        return conversion.step("select", config);
    }
    for word in JQ_REFUSED {
        if find_word(program, word).is_some() {
            return conversion.miss(site, format!("the jq program uses `{word}`"));
        }
    }
    let mut variables = Vec::new();
    let mut rewritten = program.to_owned();
    for start in ["$ENV.", "env."] {
        while let Some(at) = find_word(&rewritten, start) {
            let inside = rewritten.get(at + start.len()..).unwrap_or_default();
            let end =
                inside.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(inside.len());
            let name = inside.get(..end).unwrap_or_default().to_owned();
            if name.is_empty() {
                return conversion.miss(site, "the jq program reads the whole environment");
            }
            variable(&name, site, options, &mut variables, conversion);
            rewritten.replace_range(at..at + start.len() + end, &format!("${name}"));
        }
    }
    push("jq", &rewritten, variables, conversion);
}

fn push(language: &str, expression: &str, variables: Vec<(String, Value)>, conversion: &mut Conversion) {
    let mut config = map([("language", text(language)), ("expression", text(expression.trim()))]);
    if !variables.is_empty() {
        config.push(("variables".to_owned(), Value::Map(variables)));
    }
    // What yields nothing is gone, as with the tool itself.
    config.push(("onEmpty".to_owned(), text("drop")));
    conversion.step("expression", config);
}

fn variable(
    name: &str,
    site: &Site,
    options: &Options,
    variables: &mut Vec<(String, Value)>,
    conversion: &mut Conversion,
) {
    if variables.iter().any(|(known, _)| known == name) {
        return;
    }
    let value = conversion.variable(name, options);
    if value.is_none() {
        conversion
            .miss(site, format!("the value of the variable `{name}` is not known: give it with `--env {name}=VALUE`"));
    }
    variables.push((name.to_owned(), text(&value.unwrap_or_else(|| format!("${{{name}}}")))));
}

/// Where a word stands that is not a part of another or of a quoted text.
fn find_word(expression: &str, word: &str) -> Option<usize> {
    let mut is_quoted = false;
    let mut before = ' ';
    for (at, letter) in expression.char_indices() {
        if letter == '"' && before != '\\' {
            is_quoted = !is_quoted;
        }
        let is_start = !before.is_ascii_alphanumeric() && !matches!(before, '_' | '.' | '"')
            || !word.starts_with(char::is_alphanumeric);
        if !is_quoted && is_start && expression.get(at..).is_some_and(|rest| rest.starts_with(word)) {
            let after = expression.get(at + word.len()..).and_then(|rest| rest.chars().next());
            let is_whole = !word.ends_with(char::is_alphanumeric)
                || !after.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_');
            if is_whole {
                return Some(at);
            }
        }
        before = letter;
    }
    None
}

/// One comparison of a selection.
#[derive(Clone, Debug, PartialEq)]
struct Comparison {
    field: &'static str,
    value: String,
    is_equal: bool,
}

/// An expression that only selects, as the plugin select says it.
fn selection(expression: &str) -> Option<Vec<(String, Value)>> {
    let inside = expression.strip_prefix("select(")?.strip_suffix(')')?;
    let (inside, negated) = match inside.trim().rsplit_once('|') {
        Some((condition, not)) if not.trim() == "not" => (condition.trim(), true),
        _ => (inside.trim(), false),
    };
    let inside = unwrapped(inside);
    // Or of ands, without brackets: that is how people write them.
    let any: Vec<Vec<Comparison>> = split_word(inside, "or")?
        .into_iter()
        .map(|all| split_word(all, "and")?.into_iter().map(comparison).collect::<Option<Vec<_>>>())
        .collect::<Option<_>>()?;
    let all_equal = any.iter().flatten().all(|one| one.is_equal);
    let all_different = any.iter().flatten().all(|one| !one.is_equal);
    // not (a == x and b == y) is (a != x or b != y): each way to write the same.
    let (targets, keeps) = if all_equal {
        (any, true)
    } else if all_different && any.len() == 1 {
        (any.into_iter().next()?.into_iter().map(|one| vec![one]).collect(), false)
    } else if all_different && any.iter().all(|all| all.len() == 1) {
        (vec![any.into_iter().flatten().collect()], false)
    } else {
        return None;
    };
    let keeps = keeps != negated;
    let targets: Vec<Vec<(String, Value)>> = targets.iter().map(|all| target(all)).collect::<Option<_>>()?;
    let crds = [vec![("kind".to_owned(), text("CustomResourceDefinition"))]];
    if targets == crds {
        return Some(map([("crds", text(if keeps { "only" } else { "none" }))]));
    }
    let list = Value::List(targets.into_iter().map(Value::Map).collect());
    let mut config = map([(if keeps { "keep" } else { "drop" }, list)]);
    if keeps {
        // The tool said nothing either when nothing was left.
        config.push(("onMissing".to_owned(), text("ignore")));
    }
    Some(config)
}

fn target(all: &[Comparison]) -> Option<Vec<(String, Value)>> {
    let mut target: Vec<(String, Value)> = Vec::new();
    for one in all {
        if target.iter().any(|(key, _)| key == one.field) {
            return None;
        }
        target.push((one.field.to_owned(), text(&one.value)));
    }
    Some(target)
}

/// `.kind == "X"` and its like, in brackets or not.
fn comparison(written: &str) -> Option<Comparison> {
    let written = unwrapped(written.trim());
    let (left, right, is_equal) = match written.split_once("!=") {
        Some((left, right)) => (left, right, false),
        None => {
            let (left, right) = written.split_once("==")?;
            (left, right, true)
        }
    };
    let value = right.trim();
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'))?;
    if value.contains(['"', '\\', '$']) {
        return None;
    }
    let field = match left.trim() {
        ".kind" => "kind",
        ".metadata.name" => "name",
        ".metadata.namespace" => "namespace",
        _ => return None,
    };
    let value = if value.contains(['*', '?']) { glob(value) } else { escape(value) };
    Some(Comparison { field, value, is_equal })
}

/// Without brackets around the whole.
fn unwrapped(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(inside) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        let mut depth = 0i32;
        let closes_early = inside.chars().any(|letter| {
            depth += match letter {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            depth < 0
        });
        if closes_early {
            break;
        }
        text = inside.trim();
    }
    text
}

/// Pieces between a word outside of brackets; none where a bracket is open at the end.
fn split_word<'t>(text: &'t str, word: &str) -> Option<Vec<&'t str>> {
    let between = format!(" {word} ");
    let mut pieces = Vec::new();
    let (mut depth, mut start) = (0i32, 0);
    for (at, letter) in text.char_indices() {
        depth += match letter {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if depth == 0 && at >= start && text.get(at..).is_some_and(|rest| rest.starts_with(&between)) {
            pieces.push(text.get(start..at)?.trim());
            start = at + between.len();
        }
    }
    pieces.push(text.get(start..)?.trim());
    (depth == 0).then_some(pieces)
}
