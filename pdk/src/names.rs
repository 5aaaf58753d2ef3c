//! What Kubernetes accepts as a label, an annotation key or a name.
//!
//! A plugin that checks its configuration with these functions refuses a mistake before it edits anything, and says
//! more about it than the API server would. Each returns what is wrong as a clause that begins with the offending text.
//!
//! The rules are those of `k8s.io/apimachinery/pkg/util/validation`.

/// How many bytes the keys and values of one object's annotations may have together (256 KiB).
pub const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// The annotation by which Helm 4 finds the file of a document again. Only Helm sets it; an object without it loses its
/// place in `--show-only` and `--output-dir`.
pub const FILENAME_ANNOTATION: &str = "postrenderer.helm.sh/postrender-filename";

/// The annotation that makes an object a hook: a comma-separated list of when Helm is to apply it.
pub const HOOK_ANNOTATION: &str = "helm.sh/hook";

/// The annotation by which a plugin says that it means to make an object of a hook: it holds what the hook annotation
/// held. Windlass refuses an output in which a hook lost its annotation without it.
pub const FORMER_HOOK_ANNOTATION: &str = "windlass.dev/former-hook";

/// The longest name part of a label or annotation key, the longest label value and the longest DNS label, in bytes.
const SEGMENT_LIMIT: usize = 63;

/// The longest DNS subdomain: object names and the part of a key before the slash, in bytes.
const SUBDOMAIN_LIMIT: usize = 253;

/// Checks a label's key: an optional DNS subdomain and a slash, then a name.
///
/// # Errors
/// What is wrong with it.
pub fn label_key(key: &str) -> Result<(), String> {
    let name = match key.split_once('/') {
        None => key,
        Some((prefix, name)) => {
            if prefix.is_empty() {
                return Err(format!("`{key}` has nothing before its slash"));
            }
            dns_subdomain(prefix)?;
            name
        }
    };
    if name.is_empty() {
        return Err(match key.is_empty() {
            true => "a key is empty".to_owned(),
            false => format!("`{key}` has nothing after its slash"),
        });
    }
    if name.contains('/') {
        return Err(format!("`{key}` has more than one slash"));
    }
    segment(name)
}

/// Checks an annotation's key: as a label's, but the part before the slash may have capitals.
///
/// # Errors
/// What is wrong with it.
pub fn annotation_key(key: &str) -> Result<(), String> {
    match key.bytes().any(|byte| byte.is_ascii_uppercase()) {
        false => label_key(key),
        // The lower-cased key is checked, as the API server does, so that the message shows what is wrong with it.
        true => label_key(&key.to_ascii_lowercase()),
    }
}

/// Checks a label's value: empty, or letters, digits, `-`, `_` and `.` with a letter or digit at both ends.
///
/// # Errors
/// What is wrong with it.
pub fn label_value(value: &str) -> Result<(), String> {
    if value.is_empty() { Ok(()) } else { segment(value) }
}

/// Checks a DNS label, as containers and volumes are named: lower-case letters, digits and `-`, at most 63 bytes.
///
/// # Errors
/// What is wrong with it.
pub fn dns_label(name: &str) -> Result<(), String> {
    text(name, SEGMENT_LIMIT, is_dns, "lower-case letters, digits and `-`")
}

/// Checks a DNS subdomain, as most objects are named: DNS labels joined by dots, at most 253 bytes.
///
/// # Errors
/// What is wrong with it.
pub fn dns_subdomain(name: &str) -> Result<(), String> {
    text(name, SUBDOMAIN_LIMIT, |byte| is_dns(byte) || byte == b'.', "lower-case letters, digits, `-` and `.`")?;
    for label in name.split('.') {
        if label.is_empty() {
            return Err(format!("`{name}` has two dots in a row"));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(format!("`{name}` has a `-` next to a dot"));
        }
    }
    Ok(())
}

/// Checks the name of an environment variable: printable ASCII without `=`.
///
/// # Errors
/// What is wrong with it.
pub fn environment_variable(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the name is empty".to_owned());
    }
    match name.chars().find(|&letter| letter == '=' || !matches!(letter, ' '..='~')) {
        None => Ok(()),
        Some(letter) => Err(format!("`{name}` has `{letter}`, which an environment variable's name cannot have")),
    }
}

/// The name part of a key, or a label's value.
fn segment(name: &str) -> Result<(), String> {
    text(
        name,
        SEGMENT_LIMIT,
        |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
        "letters, digits, `-`, `_` and `.`",
    )
}

fn is_dns(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

/// Not empty, at most `limit` bytes, only bytes that `allowed` takes, and a letter or digit at both ends.
fn text(name: &str, limit: usize, allowed: impl Fn(u8) -> bool, words: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the name is empty".to_owned());
    }
    if name.len() > limit {
        return Err(format!("`{name}` has {} bytes, more than {limit}", name.len()));
    }
    // Every allowed byte is ASCII, so the first byte that is not allowed starts a character.
    if let Some(letter) = name.bytes().position(|byte| !allowed(byte)).and_then(|at| name.get(at..)?.chars().next()) {
        return Err(match letter {
            ' ' => format!("`{name}` has a space; only {words} are allowed"),
            _ => format!("`{name}` has `{letter}`; only {words} are allowed"),
        });
    }
    let at_an_end = |end: Option<char>| end.is_some_and(|letter| letter.is_ascii_alphanumeric());
    if !at_an_end(name.chars().next()) || !at_an_end(name.chars().next_back()) {
        return Err(format!("`{name}` has to start and end with a letter or a digit"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `check(rule, text)` gives the rule's message, or nothing.
    fn check(rule: fn(&str) -> Result<(), String>, text: &str) -> String {
        rule(text).err().unwrap_or_default()
    }

    #[test]
    fn label_keys() {
        let longest = format!(
            "{}/{}",
            ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join("."),
            "n".repeat(63)
        );
        for good in ["team", "a", "0", "app.kubernetes.io/name", "A_b-c.D", "a.b.c/x_Y", longest.as_str()] {
            assert_eq!(check(label_key, good), "", "{good}");
        }
        for (bad, why) in [
            ("", "a key is empty"),
            ("/x", "`/x` has nothing before its slash"),
            ("x/", "`x/` has nothing after its slash"),
            ("a/b/c", "`a/b/c` has more than one slash"),
            ("a b", "`a b` has a space; only letters, digits, `-`, `_` and `.` are allowed"),
            ("-a", "`-a` has to start and end with a letter or a digit"),
            ("a.", "`a.` has to start and end with a letter or a digit"),
            ("Upper.io/x", "`Upper.io` has `U`; only lower-case letters, digits, `-` and `.` are allowed"),
            ("a..b/x", "`a..b` has two dots in a row"),
            ("a-.b/x", "`a-.b` has a `-` next to a dot"),
            ("é", "`é` has `é`; only letters, digits, `-`, `_` and `.` are allowed"),
        ] {
            assert_eq!(check(label_key, bad), why, "{bad}");
        }
        assert!(check(label_key, &"x".repeat(64)).ends_with("has 64 bytes, more than 63"));
        assert!(check(label_key, &format!("{}/x", "x".repeat(254))).ends_with("has 254 bytes, more than 253"));
    }

    #[test]
    fn label_values_may_be_empty_and_annotation_prefixes_may_have_capitals() {
        for good in ["", "1.20", "a_b", "ON", "0755"] {
            assert_eq!(check(label_value, good), "", "{good}");
        }
        for bad in ["a b", "_", "a/b", "a:b", "ü", &"v".repeat(64)] {
            assert_ne!(check(label_value, bad), "", "{bad}");
        }
        assert_eq!(check(annotation_key, "Example.Com/Name"), "");
        assert_eq!(
            check(annotation_key, "Exa mple.com/x"),
            "`exa mple.com` has a space; only lower-case letters, digits, `-` and `.` are allowed"
        );
    }

    #[test]
    fn names() {
        for good in ["a", "a-b", "0", &"x".repeat(63)] {
            assert_eq!(check(dns_label, good), "", "{good}");
        }
        for bad in ["", "A", "a.b", "-a", "a-", "a_b", &"x".repeat(64)] {
            assert_ne!(check(dns_label, bad), "", "{bad}");
        }
        for good in ["LOG_LEVEL", "a.b-c", "1x", "with space"] {
            assert_eq!(check(environment_variable, good), "", "{good}");
        }
        for bad in ["", "A=B", "ü", "a\tb"] {
            assert_ne!(check(environment_variable, bad), "", "{bad}");
        }
    }
}
