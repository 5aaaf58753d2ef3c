//! From one image to another.

use windlass_pdk::Pattern;

/// The parts of a reference as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts<'t> {
    pub(crate) name: &'t str,
    pub(crate) tag: Option<&'t str>,
    pub(crate) digest: Option<&'t str>,
}

/// Takes a reference apart, whatever its characters: charts write what no registry would take, and kustomize rewrites
/// it.
pub(crate) fn split(text: &str) -> Parts<'_> {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => Parts { name, tag: Some(tag), digest },
        _ => Parts { name: rest, tag: None, digest },
    }
}

/// The name with its registry: `docker.io/library/nginx` for `nginx`.
pub(crate) fn full_name(name: &str) -> String {
    let (registry, path) = match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => ("docker.io", name),
    };
    let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
    match registry == "docker.io" && !path.contains('/') {
        true => format!("{registry}/library/{path}"),
        false => format!("{registry}/{path}"),
    }
}

/// What of `name` is below `start`, with its slash; nothing (`Some("")`) if it is the same.
pub(crate) fn is_below<'n>(name: &'n str, start: &str) -> Option<&'n str> {
    name.strip_prefix(start).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Refuses a text that is no digest.
pub(crate) fn check_digest(text: &str) -> Result<(), String> {
    let is_digest = text.split_once(':').is_some_and(|(algorithm, hex)| {
        let length = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return false,
        };
        hex.len() == length && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    });
    match is_digest {
        true => Ok(()),
        false => Err(format!("`{text}` is no digest, such as sha256: and 64 characters 0-9, a-f")),
    }
}

/// One entry of kustomize's `images`.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) full: String,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) new_name: Option<String>,
    pub(crate) new_tag: Option<String>,
    pub(crate) digest: Option<String>,
    pub(crate) tag_suffix: Option<String>,
}

impl Rule {
    /// Whether the rule is for images of this name, as it is written.
    pub(crate) fn matches(&self, name: &str) -> bool {
        match &self.pattern {
            Some(pattern) => pattern.matches(name) || pattern.matches(&full_name(name)),
            None => full_name(name) == self.full,
        }
    }

    /// Whether images of this name are what the rule makes.
    pub(crate) fn gives(&self, name: &str) -> bool {
        self.new_name.as_ref().is_some_and(|new_name| full_name(new_name) == full_name(name))
    }

    pub(crate) fn apply(&self, image: &str) -> String {
        let Parts { name, tag, digest } = split(image);
        let mut rewritten = self.new_name.as_deref().unwrap_or(name).to_owned();
        let suffixed: String;
        let (tag, digest) = match (&self.new_tag, &self.digest, &self.tag_suffix) {
            (Some(tag), digest, _) => (Some(tag.as_str()), digest.as_deref()),
            (None, Some(digest), _) => (None, Some(digest.as_str())),
            // Not twice: kustomize puts it there each time.
            (None, None, Some(suffix)) if !tag.is_some_and(|tag| tag.ends_with(suffix.as_str())) => {
                suffixed = format!("{}{suffix}", tag.unwrap_or_default());
                (Some(suffixed.as_str()), None)
            }
            _ => (tag, digest),
        };
        if let Some(tag) = tag {
            rewritten = format!("{rewritten}:{tag}");
        }
        if let Some(digest) = digest {
            rewritten = format!("{rewritten}@{digest}");
        }
        rewritten
    }
}

/// A registry, or a part of one, and what takes its place.
#[derive(Debug)]
pub(crate) struct Mirror {
    pub(crate) from: String,
    pub(crate) to: String,
}

impl Mirror {
    /// The name of an image in the mirror.
    pub(crate) fn apply(&self, full: &str) -> Option<String> {
        let rest = match self.from.as_str() {
            "" => return Some(format!("{}/{full}", self.to)),
            "*" => full.find('/').and_then(|slash| full.get(slash..)),
            from => is_below(full, from),
        };
        rest.map(|rest| format!("{}{rest}", self.to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_full_form() {
        for (name, full) in [
            ("nginx", "docker.io/library/nginx"),
            ("docker.io/nginx", "docker.io/library/nginx"),
            ("index.docker.io/library/nginx", "docker.io/library/nginx"),
            ("grafana/loki", "docker.io/grafana/loki"),
            ("localhost/a", "localhost/a"),
            ("quay.io:443/a/b", "quay.io:443/a/b"),
        ] {
            assert_eq!(full_name(name), full, "{name}");
        }
    }

    #[test]
    fn references_are_taken_apart() {
        for (text, name, tag, digest) in [
            ("a", "a", None, None),
            ("localhost:5000/a", "localhost:5000/a", None, None),
            ("localhost:5000/a:1", "localhost:5000/a", Some("1"), None),
            ("a:1@sha256:x", "a", Some("1"), Some("sha256:x")),
            ("a@sha256:x", "a", None, Some("sha256:x")),
        ] {
            assert_eq!(split(text), Parts { name, tag, digest }, "{text}");
        }
    }
}
