//! Small texts: what is remote, names as patterns, Flux's substitution, sed.

/// A resource that kustomize fetches.
pub(super) fn is_remote(entry: &str) -> bool {
    entry.contains("://") || entry.contains("?ref=") || entry.starts_with("git@") || entry.starts_with("github.com/")
}

/// A name as an anchored regular expression that matches it alone.
pub(super) fn escape(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.chars() {
        if matches!(letter, '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' | '|' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// A name with yq's `*` and `?` as an anchored regular expression.
pub(super) fn glob(name: &str) -> String {
    escape(name).replace("\\*", ".*").replace("\\?", ".")
}

/// `${NAME}`, `${NAME:=default}` and `${NAME:-default}` as Flux substitutes them; `$${` stands for itself. `value`
/// gives a variable's value; what has none stays and is told with its line.
pub(super) fn substituted(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> (String, Vec<(usize, String)>) {
    let mut out = String::with_capacity(text.len());
    let mut missing = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        line += before.matches('\n').count();
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = from.get(2..).unwrap_or_default();
            continue;
        }
        out.push_str(before);
        let Some(end) = from.find('}').filter(|end| !from.get(..*end).unwrap_or_default().contains('\n')) else {
            out.push_str("${");
            rest = from.get(2..).unwrap_or_default();
            continue;
        };
        let inside = from.get(2..end).unwrap_or_default();
        let name_end =
            inside.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(inside.len());
        let (name, default) = inside.split_at(name_end);
        let default = default.strip_prefix(":=").or_else(|| default.strip_prefix(":-"));
        match value(name).or_else(|| default.map(|default| default.trim_matches('"').to_owned())) {
            Some(found) => out.push_str(&found),
            None => {
                missing.push((line, name.to_owned()));
                out.push_str(from.get(..=end).unwrap_or_default());
            }
        }
        rest = from.get(end + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    (out, missing)
}

/// What `s/a/b/` of sed does to images.
pub(super) enum Sed {
    /// The text in front of images, and what takes its place.
    Image { from: String, to: String, only_images: bool },
    /// Comments or blank lines go.
    Nothing,
    /// Anything else.
    Other,
}

/// Reads one command of sed.
pub(super) fn sed(command: &str) -> Sed {
    let command = command.trim();
    if matches!(command, "/^$/d" | "/^\\s*$/d" | "/^#/d" | "/^\\s*#/d" | "/^ *#/d" | "/^[[:space:]]*$/d") {
        return Sed::Nothing;
    }
    let mut letters = command.chars();
    let (Some('s'), Some(mark)) = (letters.next(), letters.next()) else { return Sed::Other };
    if mark.is_ascii_alphanumeric() || mark == '\\' {
        return Sed::Other;
    }
    let mut parts = vec![String::new()];
    let mut is_escaped = false;
    for letter in letters {
        if is_escaped {
            if letter != mark
                && let Some(part) = parts.last_mut()
            {
                part.push('\\');
            }
            if let Some(part) = parts.last_mut() {
                part.push(letter);
            }
            is_escaped = false;
        } else if letter == '\\' {
            is_escaped = true;
        } else if letter == mark {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    let [pattern, replacement, flags] = parts.as_slice() else { return Sed::Other };
    if !flags.chars().all(|flag| flag == 'g') {
        return Sed::Other;
    }
    // `(image: *"?)quay\.io/` and `\1mirror/`: what the group holds stays.
    let grouped = pattern.strip_prefix("\\(").and_then(|rest| rest.split_once("\\)"));
    let grouped = grouped.or_else(|| pattern.strip_prefix('(').and_then(|rest| rest.split_once(')')));
    let regrouped = match (grouped, replacement.strip_prefix("\\1")) {
        (Some((group, rest)), Some(after)) if group.contains("image:") && without_image(group).0.is_empty() => {
            Some((format!("image: {rest}"), format!("image: {after}")))
        }
        _ => None,
    };
    let (pattern, replacement) =
        regrouped.as_ref().map_or((pattern.as_str(), replacement.as_str()), |(one, other)| (one, other));
    let (pattern, is_image) = without_image(pattern);
    let (replacement, is_image_too) = without_image(replacement);
    let unescaped = pattern.replace("\\.", ".").replace("\\/", "/").replace("\\-", "-");
    let replacement = replacement.replace("\\.", ".").replace("\\/", "/");
    let is_name = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_' | '/' | ':'))
    };
    let looks_like_registry = unescaped.contains(['.', '/', ':']) && !unescaped.starts_with(['/', '.', ':']);
    if is_image != is_image_too || !is_name(&unescaped) || !is_name(&replacement) || !looks_like_registry {
        return Sed::Other;
    }
    if unescaped.ends_with('/') != replacement.ends_with('/') || unescaped.contains("//") || replacement.contains("//")
    {
        return Sed::Other;
    }
    let trim = |text: &str| text.trim_end_matches('/').to_owned();
    Sed::Image { from: trim(&unescaped), to: trim(&replacement), only_images: is_image }
}

/// `{gsub("a/", "b/"); print}`, `/image:/ {sub(...)} 1` of awk: from, to, and whether other texts stay.
pub(super) fn awk(program: &str) -> Option<Vec<(String, String, bool)>> {
    let mut rest = program.trim();
    let mut found = Vec::new();
    let mut prints = false;
    while !rest.is_empty() {
        let mut only_images = false;
        if let Some(after) = rest.strip_prefix('/') {
            let (pattern, after) = after.split_once('/')?;
            only_images = matches!(
                pattern.trim_start_matches('^').trim_start_matches([' ', '*', '(', '-', ')', '?', '\\', 's', '+']),
                "image:" | "image: "
            );
            if !only_images {
                return None;
            }
            rest = after.trim_start();
        }
        if let Some(after) = rest.strip_prefix('1')
            && !only_images
        {
            prints = true;
            rest = after.trim_start_matches([' ', ';', '\n']);
            continue;
        }
        let (body, after) = rest.strip_prefix('{')?.split_once('}')?;
        for statement in body.split([';', '\n']).map(str::trim).filter(|statement| !statement.is_empty()) {
            if matches!(statement, "print" | "print $0") && !only_images {
                prints = true;
                continue;
            }
            let inside = statement.strip_prefix("gsub").or_else(|| statement.strip_prefix("sub"))?.trim();
            let inside = inside.strip_prefix('(')?.strip_suffix(')')?;
            let (from, to) = inside.split_once(',')?;
            let unquoted = |text: &str| {
                let text = text.trim();
                let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
                inner.or_else(|| text.strip_prefix('/').and_then(|text| text.strip_suffix('/'))).map(str::to_owned)
            };
            let command = format!("s\u{1}{}\u{1}{}\u{1}g", unquoted(from)?.replace("\\/", "/"), unquoted(to)?);
            let Sed::Image { from, to, only_images: is_image } = sed(&command) else { return None };
            found.push((from, to, only_images || is_image));
        }
        rest = after.trim_start_matches([' ', ';', '\n']);
    }
    prints.then_some(found)
}

/// A pattern without its `image:` in front; whether there was one.
fn without_image(pattern: &str) -> (String, bool) {
    let Some(at) = pattern.find("image:") else { return (pattern.to_owned(), false) };
    let before = pattern.get(..at).unwrap_or_default();
    if !before.is_empty() && !matches!(before, "\\(" | "(" | "^ *" | "^\\s*") {
        return (pattern.to_owned(), false);
    }
    let after = pattern.get(at + 6..).unwrap_or_default();
    let after = after.strip_prefix("[[:space:]]").unwrap_or(after);
    let after = after.trim_start_matches(['*', ' ', '+']).trim_start_matches("\\s").trim_start_matches(['*', '+', ' ']);
    (after.trim_start_matches(['"', '\'', '?']).to_owned(), true)
}

#[cfg(test)]
mod tests {
    use super::{Sed, glob, sed, substituted};

    #[test]
    fn texts() {
        assert_eq!(glob("web-*.x"), "web-.*\\.x");
        let value = |name: &str| (name == "A").then(|| "1".to_owned());
        let (text, missing) = substituted("a ${A}\nb ${B:=2} $${C} ${D}", value);
        assert_eq!(text, "a 1\nb 2 ${C} ${D}");
        assert_eq!(missing, [(2, "D".to_owned())]);
    }

    #[track_caller]
    fn check(command: &str, expected: &str) {
        let found = match sed(command) {
            Sed::Image { from, to, only_images } => format!("{from} -> {to} {only_images}"),
            Sed::Nothing => "nothing".to_owned(),
            Sed::Other => "other".to_owned(),
        };
        assert_eq!(found, expected, "{command}");
    }

    #[test]
    fn sed_commands() {
        check("s#docker.io/#mirror.example/hub/#g", "docker.io -> mirror.example/hub false");
        check("s|image: quay\\.io/|image: mirror.example/quay/|", "quay.io -> mirror.example/quay true");
        check("s/image: quay.io\\/a/image: b.example\\/a/g", "quay.io/a -> b.example/a true");
        check("/^$/d", "nothing");
        check("s/foo/bar/", "other");
        check("s/a.*b/c.d/", "other");
        check("s#docker.io/#mirror.example#", "other");
        check("1d", "other");
    }
}
