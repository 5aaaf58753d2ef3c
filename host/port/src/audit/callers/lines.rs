//! Callers that hold shell lines under rules of their own: make, just, Dockerfiles, TOML and files of variables.

use super::Context;
use super::yaml::{choose, is_choice};
use crate::audit::calls::{self, Place};
use crate::audit::facts::Facts;
use crate::audit::fragment::Lines;
use crate::audit::scope::{Scope, plain_name};
use crate::audit::shell;

fn place(context: &Context<'_>) -> Place {
    Place { kind: context.kind, pipes: context.pipes }
}

/// Lines joined where a backslash says so, with the number (0-based) of the first.
fn logical(text: &str) -> Vec<(usize, Vec<&str>)> {
    let mut found: Vec<(usize, Vec<&str>)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in text.lines().enumerate() {
        match found.last_mut() {
            Some((_, lines)) if goes_on => lines.push(line),
            _ => found.push((number, vec![line])),
        }
        goes_on = line.trim_end().ends_with('\\');
    }
    found
}

/// make: recipes are shell with make's dollars; variables of make are bound by their names.
pub(crate) fn make(text: &str, context: &Context<'_>, scope: &mut Scope, facts: &mut Facts) {
    let mut recipe = String::with_capacity(text.len());
    let mut in_define = false;
    let mut flagged = Vec::new();
    let mut prefix = b'\t';
    for (number, lines) in logical(text) {
        let first = lines.first().copied().unwrap_or_default();
        let bare = first.trim();
        if let Some(rest) = bare.strip_prefix(".RECIPEPREFIX") {
            prefix = rest.trim_start_matches([' ', ':', '=']).bytes().next().unwrap_or(b'\t');
        }
        if bare.starts_with("endef") {
            in_define = false;
        }
        let is_recipe = first.as_bytes().first() == Some(&prefix) || in_define && !bare.starts_with("endef");
        if is_recipe {
            for (index, line) in lines.iter().enumerate() {
                let line = if index == 0 {
                    line.get(1..)
                        .filter(|_| !in_define)
                        .unwrap_or(line)
                        .trim_start()
                        .trim_start_matches(['@', '-', '+'])
                } else {
                    line
                };
                recipe.push_str(&from_make(line));
                recipe.push('\n');
            }
            continue;
        }
        if let Some((name, value)) = variable(bare, &lines) {
            let value = from_make(&value);
            let is_flag = value.contains("--post-renderer");
            if is_flag {
                flagged.push((lines.iter().map(|line| from_make(line)).collect::<Vec<_>>(), number, name.clone()));
            }
            scope.bind_text(&name, &value, number + 1);
        } else if let Some((_, command)) =
            bare.split_once(';').filter(|(target, _)| target.contains(':') && !target.contains('='))
        {
            // `target: ; command`.
            recipe.push_str(&from_make(command));
        }
        in_define = in_define || bare.starts_with("define ");
        for _ in &lines {
            recipe.push('\n');
        }
    }
    // Variables are known wherever they stand in the file.
    for (lines, number, name) in flagged {
        let plain = plain_name(&name);
        if ["help", "usage", "msg", "message", "desc"].iter().any(|word| plain.contains(word)) {
            continue;
        }
        let joined = lines.join("\n");
        let value = joined.split_once('=').map_or("", |(_, value)| value);
        calls::nested(value, &Lines::From(number + 1), place(context), scope, facts, 0);
    }
    calls::script(&recipe, &Lines::From(1), place(context), scope, facts);
}

/// `NAME ?= value`, also with `export` and behind a target.
fn variable(bare: &str, lines: &[&str]) -> Option<(String, String)> {
    let at = bare.find('=')?;
    let left = bare.get(..at)?.trim_end_matches(['?', ':', '+', '!', ' ', '\t']);
    if bare.starts_with('#') || left.is_empty() {
        return None;
    }
    let name = left.rsplit([' ', '\t', ':']).next()?;
    let valid = !name.is_empty()
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.'));
    if !valid {
        return None;
    }
    let mut value = bare.get(at + 1..)?.trim().trim_end_matches('\\').trim().to_owned();
    for line in lines.iter().skip(1) {
        value.push(' ');
        value.push_str(line.trim().trim_end_matches('\\').trim());
    }
    let value = match value.find(" #") {
        Some(end) => value.get(..end).unwrap_or_default().trim().to_owned(),
        None => value,
    };
    Some((name.to_owned(), value))
}

/// Make's dollars as the shell has them: `$(X)` and `${X}` as `${X}`, `$$` as `$`, `$(if X,Y)` as `${X:+Y}`.
fn from_make(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let after = from.get(1..).unwrap_or_default();
        if let Some(next) = after.strip_prefix('$') {
            out.push('$');
            // `$$(...)` and `$${...}` are the shell's.
            rest = next;
            continue;
        }
        let close = match after.as_bytes().first() {
            Some(b'(') => Some((b'(', b')')),
            Some(b'{') => Some((b'{', b'}')),
            _ => None,
        };
        let Some((open, close)) = close else {
            out.push('$');
            rest = after;
            continue;
        };
        let mut depth = 0usize;
        let mut end = after.len();
        for (index, byte) in after.bytes().enumerate() {
            if byte == open {
                depth += 1;
            } else if byte == close {
                depth -= 1;
                if depth == 0 {
                    end = index;
                    break;
                }
            }
        }
        let inside = after.get(1..end).unwrap_or_default();
        let is_name = !inside.is_empty()
            && inside.chars().all(|letter| {
                letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | '@' | '<' | '*' | '^')
            });
        if is_name {
            out.push_str("${");
            out.push_str(&inside.replace(['-', '.'], "_"));
            out.push('}');
        } else if let Some(arguments) = inside.strip_prefix("if ")
            && let Some((condition, then)) = arguments.split_once(',')
        {
            let name = condition
                .trim()
                .trim_start_matches("$(")
                .trim_start_matches("${")
                .trim_start_matches("strip $(")
                .trim_end_matches([')', '}']);
            let then = from_make(then.trim_end_matches(','));
            out.push_str(&format!("${{{name}:+{then}}}"));
        } else if let Some(command) = inside.strip_prefix("shell ") {
            out.push_str("$(");
            out.push_str(&from_make(command));
            out.push(')');
        } else if let Some((_, last)) = inside.split_once(' ') {
            // `$(abspath x)`, `$(realpath x)`: what they are given.
            out.push_str(&from_make(last.rsplit(',').next().unwrap_or(last)));
        } else {
            out.push_str("${");
            out.push_str(inside);
            out.push('}');
        }
        rest = after.get(end + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// just: recipes are indented, variables are `name := value`, parameters have defaults.
pub(crate) fn just(text: &str, context: &Context<'_>, scope: &mut Scope, facts: &mut Facts) {
    let mut recipe = String::with_capacity(text.len());
    for (number, line) in text.lines().enumerate() {
        let is_recipe = line.starts_with([' ', '\t']);
        if is_recipe {
            recipe.push_str(line.trim_start().trim_start_matches(['@', '-']));
        } else if let Some((name, value)) = line.split_once(":=") {
            let name = name.trim().trim_start_matches("export ").trim();
            let value = value.trim();
            let words = super::super::scope::quoted(value);
            let value = match words.as_slice() {
                [only] => only.clone(),
                // `env("X", "./default")`.
                [_, default] if value.starts_with("env") => default.clone(),
                _ => value.to_owned(),
            };
            scope.bind_text(name, &value, number + 1);
            if value.contains("--post-renderer") {
                calls::nested(&value, &Lines::All(number + 1), place(context), scope, facts, 0);
            }
        } else if !line.starts_with('#') && line.contains(':') {
            for parameter in line.split(':').next().unwrap_or_default().split_whitespace().skip(1) {
                if let Some((name, value)) = parameter.split_once('=') {
                    scope.bind_text(
                        name.trim_start_matches(['+', '*', '$']),
                        value.trim_matches(['"', '\'']),
                        number + 1,
                    );
                }
            }
        }
        recipe.push('\n');
    }
    calls::script(&recipe, &Lines::From(1), place(context), scope, facts);
}

/// Dockerfiles: `RUN` is shell, `COPY` copies, `ENV` and `ARG` set variables.
pub(crate) fn docker(text: &str, context: &Context<'_>, scope: &mut Scope, facts: &mut Facts) {
    let mut script = String::with_capacity(text.len());
    let mut end: Option<String> = None;
    let mut goes_on = false;
    let mut is_skipped = false;
    for line in text.lines() {
        let continued = goes_on;
        goes_on = line.trim_end().ends_with('\\');
        if let Some(mark) = &end {
            let is_end = line.trim() == mark;
            script.push_str(line);
            script.push('\n');
            if is_end {
                end = None;
            }
            goes_on = false;
            continue;
        }
        // A comment line in the middle of a command does not end it.
        if continued && line.trim_start().starts_with('#') {
            script.push_str("\\\n");
            goes_on = true;
            continue;
        }
        if !continued {
            let bare = line.trim_start();
            let (instruction, rest) = bare.split_once([' ', '\t']).unwrap_or((bare, ""));
            let rest = rest.trim_start();
            is_skipped = false;
            let heredoc = rest.find("<<").and_then(|at| rest.get(at + 2..));
            if let Some(mark) = heredoc {
                let mark = mark.trim_start_matches('-').split_whitespace().next().unwrap_or_default();
                end = Some(mark.trim_matches(['"', '\'']).to_owned());
            }
            match instruction.to_ascii_uppercase().as_str() {
                "RUN" if rest.starts_with("<<") => script.push_str(&format!("bash {rest}")),
                "RUN" => script.push_str(&exec_form(rest)),
                "CMD" | "ENTRYPOINT" => script.push_str(&exec_form(rest)),
                "COPY" | "ADD" if heredoc.is_some() => script.push_str(&format!("install {rest}")),
                "COPY" | "ADD" => script.push_str(&format!("cp {rest}")),
                "ENV" | "ARG" => {
                    let is_pair = rest.split_whitespace().next().is_some_and(|first| first.contains('='));
                    let rest = if is_pair { rest.to_owned() } else { rest.replacen([' ', '\t'], "=", 1) };
                    script.push_str(&format!("export {rest}"));
                }
                _ => is_skipped = true,
            }
        } else if !is_skipped {
            script.push_str(line);
        }
        script.push('\n');
    }
    calls::script(&script, &Lines::From(1), place(context), scope, facts);
}

fn exec_form(rest: &str) -> String {
    match rest.trim().strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => inner.replace("\",", "\" ").replace("',", "' "),
        None => rest.to_owned(),
    }
}

/// TOML and its relatives: keys with quoted values, tasks in strings.
pub(crate) fn toml(text: &str, context: &Context<'_>, scope: &mut Scope, facts: &mut Facts) {
    let mut block: Option<(String, usize, &str)> = None;
    for (number, line) in text.lines().enumerate() {
        if let Some((kept, first, quote)) = &mut block {
            if line.contains(*quote) {
                calls::nested(kept, &Lines::From(*first), place(context), scope, facts, 0);
                block = None;
            } else {
                kept.push_str(line);
                kept.push('\n');
            }
            continue;
        }
        let bare = line.trim();
        if bare.starts_with(['#', ';']) {
            continue;
        }
        let (key, value) = bare.split_once('=').map_or(("", bare), |(key, value)| (key.trim(), value.trim()));
        if let Some(quote) =
            ["\"\"\"", "'''"].into_iter().find(|quote| value.starts_with(quote) && value.matches(quote).count() == 1)
        {
            let rest = value.trim_start_matches(quote);
            block = Some((format!("{rest}\n"), number + 1, quote));
            continue;
        }
        let plain = plain_name(key.rsplit('.').next().unwrap_or_default());
        if matches!(plain.as_str(), "postrenderer" | "postrender") && context.speaks_of_helm {
            let text = value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
            if is_choice(text) {
                choose(text, number + 1, context.kind, &[], scope, facts);
            }
        } else if value.contains("--post-renderer")
            && !matches!(plain.as_str(), "description" | "help" | "about" | "summary")
        {
            for text in super::super::scope::quoted(value) {
                calls::nested(&text, &Lines::All(number + 1), place(context), scope, facts, 0);
            }
            if value.starts_with('[') {
                let words = super::super::scope::quoted(value);
                let words: Vec<shell::Word> = words.iter().map(|text| shell::Word::literal(text, 0)).collect();
                calls::argument_list(&words, &Lines::All(number + 1), place(context), scope, facts);
            }
        }
    }
}

/// Files of variables: what they set is for scripts elsewhere, unless the name says all.
pub(crate) fn environment(text: &str, context: &Context<'_>, scope: &mut Scope, facts: &mut Facts) {
    calls::script(text, &Lines::From(1), place(context), scope, facts);
}
