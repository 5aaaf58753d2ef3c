//! What must not be kept anywhere: the values of a stream's Secrets, and texts without them.
//!
//! A plugin that says no may quote what it read. That is shown to whoever runs it, and the record of failures must not
//! have it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use windlass_manifest::{Budget, Path, read_text};

/// What stands for a value that was taken out.
pub(crate) const TAKEN_OUT: &str = "…";
/// The most values that are looked for in a text, which bounds the work: no release has as many.
const MOST_VALUES: usize = 20_000;
/// How long a stream may be searched for Secrets after a plugin has failed.
const PATIENCE: Duration = Duration::from_millis(500);
/// A value shorter than this is looked for as a word of its own only, as it may be a part of any word.
const SHORTEST_PART: usize = 4;

/// Values that are taken out of texts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets {
    values: BTreeSet<String>,
    are_too_many: bool,
}

impl Secrets {
    /// The values of all Secrets of a stream, and of what they stand for where they are base64.
    pub(crate) fn of_stream(stream: &[u8]) -> Self {
        let mut secrets = Self::default();
        // In double quotes, a letter may be written as an escape.
        if memchr::memmem::find(stream, b"Secret").is_none() && memchr::memchr(b'\\', stream).is_none() {
            return secrets;
        }
        let text = String::from_utf8_lossy(stream);
        let started = Instant::now();
        let budget = Budget::for_text(text.len()).with_clock(move || started.elapsed() > PATIENCE);
        let read = read_text(&text, &budget, |object| {
            if object.kind() == "Secret" {
                for (field, is_encoded) in [("data", true), ("stringData", false)] {
                    let entries = object.get(&Path::new([field])).map(|node| node.entries()).unwrap_or_default();
                    for text in entries.iter().filter_map(|(_, value)| value.scalar_text()) {
                        secrets.add_value(&text, is_encoded);
                    }
                }
            }
            Ok::<(), windlass_manifest::Error>(())
        });
        if read.is_err() {
            // Where nobody can say what is secret, every value may be.
            let values =
                text.lines().filter_map(|line| Some(line.split_once(": ")?.1.trim().trim_matches(['"', '\''])));
            for value in values {
                secrets.add_value(value, true);
            }
        }
        secrets
    }

    /// The values of one live object, if it is a Secret.
    pub(crate) fn of_object(object: &serde_json::Value) -> Self {
        let mut secrets = Self::default();
        if object.get("kind").and_then(serde_json::Value::as_str) == Some("Secret") {
            for (field, is_encoded) in [("data", true), ("stringData", false)] {
                let entries = object.get(field).and_then(serde_json::Value::as_object);
                for text in entries.into_iter().flat_map(|entries| entries.values()).filter_map(|value| value.as_str())
                {
                    secrets.add_value(text, is_encoded);
                }
            }
        }
        secrets
    }

    fn add_value(&mut self, text: &str, is_encoded: bool) {
        self.add(text);
        if is_encoded
            && let Ok(bytes) = STANDARD.decode(text.split_ascii_whitespace().collect::<String>())
            && let Ok(decoded) = String::from_utf8(bytes)
        {
            self.add(&decoded);
        }
    }

    /// Adds a value, in the forms in which a message may hold it: as it is, line by line, quoted, made printable.
    pub(crate) fn add(&mut self, value: &str) {
        let lines = value.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_PART && line.len() < value.len());
        for text in std::iter::once(value.trim()).chain(lines) {
            // Words that mean something everywhere are nobody's secret.
            if matches!(text, "" | "true" | "false" | "null" | "|" | "{}" | "[]") {
                continue;
            }
            let json = serde_json::Value::from(text).to_string();
            let forms = [
                text.to_owned(),
                json.get(1..json.len() - 1).unwrap_or_default().to_owned(),
                text.escape_debug().to_string(),
                crate::text::printable(text).into_owned(),
                crate::text::shown(text, usize::MAX),
            ];
            for form in forms {
                if self.values.len() >= MOST_VALUES {
                    self.are_too_many = true;
                    return;
                }
                self.values.insert(form);
            }
        }
    }

    /// Adds those of another.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.are_too_many |= other.are_too_many;
        self.values.extend(other.values.iter().cloned());
    }

    /// `text` with `…` in place of each value.
    pub(crate) fn taken_out_of(&self, text: &str) -> String {
        if self.are_too_many {
            return format!("{TAKEN_OUT} (left out: it may quote a Secret, and which values are secret is not known)");
        }
        // The longest first: a value may be a part of another.
        let mut values: Vec<&String> = self.values.iter().filter(|value| text.contains(value.as_str())).collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.into_iter().fold(text.to_owned(), |text, value| without(&text, value))
    }
}

fn without(text: &str, value: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(value) {
        kept.push_str(before);
        let touches = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
        let is_part = touches(kept.chars().next_back()) || touches(after.chars().next());
        kept.push_str(if value.len() < SHORTEST_PART && is_part { value } else { TAKEN_OUT });
        rest = after;
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {open: harmless}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: b}\nstringData:\n  password: hunter2\n  pin: \"12\"\n  long: |\n    first line\n    second \"line\"\ndata:\n  token: czNjcjN0LXRva2Vu\n";

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(Secrets::of_stream(STREAM.as_bytes()).taken_out_of(text), expected);
    }

    #[test]
    fn values_of_secrets_are_taken_out() {
        check("Secret/b (line 6): `hunter2` is too short", "Secret/b (line 6): `…` is too short");
        check("hunter2hunter2", "……");
        check("czNjcjN0LXRva2Vu is \"s3cr3t-token\"", "… is \"…\"");
        check("12 of 120 lines, 3.12", "… of 120 lines, 3.…");
        check("first line\nsecond \"line\"", "…");
        check("`second \\\"line\\\"`", "`…`");
        check("harmless, true, password", "harmless, true, password");
    }

    #[test]
    fn an_object_and_too_many_values() {
        let object = serde_json::json!({"kind": "Secret", "data": {"a": "aHVudGVyMg=="}});
        assert_eq!(Secrets::of_object(&object).taken_out_of("hunter2 aHVudGVyMg=="), "… …");
        let escaped = Secrets::of_stream(b"kind: \"\\x53ecret\"\nstringData:\n  a: 'hunter2'\n");
        assert_eq!(escaped.taken_out_of("line 3: `hunter2`"), "line 3: `…`");
        let broken = Secrets::of_stream(b"kind: Secret\nstringData:\n  a: 'hunter2'\n b: [\n");
        assert_eq!(broken.taken_out_of("line 4: `hunter2`"), "line 4: `…`");
        let mut many = Secrets::default();
        for number in 0..MOST_VALUES {
            many.add(&format!("value {number}"));
        }
        assert!(!many.taken_out_of("value 19999").contains("19999"));
    }
}
