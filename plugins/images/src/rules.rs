//! From one image to another.

use windlass_pdk::Pattern;
use windlass_pdk::oci::Image;

use crate::settings::Settings;

/// The parts of a reference as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts<'t> {
    pub(crate) name: &'t str,
    pub(crate) tag: Option<&'t str>,
    pub(crate) digest: Option<&'t str>,
}

/// Takes a reference apart, whatever its characters: charts write what no registry would take, and kustomize rewrites it.
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
    fn gives(&self, name: &str) -> bool {
        self.new_name.as_ref().is_some_and(|new_name| full_name(new_name) == full_name(name))
    }

    fn apply(&self, image: &str) -> String {
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
    fn apply(&self, full: &str) -> Option<String> {
        let rest = match self.from.as_str() {
            "" => return Some(format!("{}/{full}", self.to)),
            "*" => full.find('/').and_then(|slash| full.get(slash..)),
            from => is_below(full, from),
        };
        rest.map(|rest| format!("{}{rest}", self.to))
    }
}

/// What became of an image.
#[derive(Debug)]
pub(crate) struct Rewritten {
    pub(crate) image: String,
    /// Whether a rule is for it, also if it is as the rule wants it already.
    pub(crate) is_matched: bool,
}

/// Applies the rules, and notes which of them were for something.
pub(crate) struct Rewriter<'s> {
    pub(crate) settings: &'s Settings,
    is_used: Vec<bool>,
}

impl<'s> Rewriter<'s> {
    pub(crate) fn new(settings: &'s Settings) -> Self {
        let count = settings.images.len() + settings.digests.len() + settings.mirrors.len();
        Rewriter { settings, is_used: vec![false; count] }
    }

    /// The image that takes the place of one.
    pub(crate) fn rewrite(&mut self, written: &str) -> Rewritten {
        let settings = self.settings;
        let mut image = written.to_owned();
        let mut is_matched = false;
        // Where the image stands in a mirror, which image it is: rules that gave it are known again by that.
        let origin = self.origin(written);
        let known = origin.as_deref().unwrap_or(written);
        for (index, rule) in settings.images.iter().enumerate() {
            let name = split(&image).name;
            if rule.matches(name) {
                image = rule.apply(&image);
                is_matched |= self.note(index);
            } else if rule.gives(split(known).name) || (origin.is_some() && rule.matches(split(known).name)) {
                is_matched |= self.note(index);
            }
        }
        image = self.with_digest(&image, known, &mut is_matched);
        if let Some((index, mirrored)) = self.mirrored(&image) {
            is_matched |= self.note(settings.images.len() + settings.digests.len() + index);
            let name = mirrored.clone();
            image = mirrored;
            image = self.with_digest(&image, &name, &mut is_matched);
        }
        Rewritten { image, is_matched }
    }

    fn note(&mut self, index: usize) -> bool {
        if let Some(is_used) = self.is_used.get_mut(index) {
            *is_used = true;
        }
        true
    }

    /// The mirror for an image and the image there, which is the same if it stands there already.
    fn mirrored(&self, image: &str) -> Option<(usize, String)> {
        let Parts { name, .. } = split(image);
        let mirrors = &self.settings.mirrors;
        let full = full_name(name);
        if let Some(index) = mirrors.iter().position(|mirror| is_below(&full, &full_start(&mirror.to)).is_some()) {
            return Some((index, image.to_owned()));
        }
        // What is no image (`${IMAGE}`) has no registry to take the place of.
        Image::parse(image).ok()?;
        let (index, mirrored) =
            mirrors.iter().enumerate().find_map(|(index, mirror)| Some((index, mirror.apply(&full)?)))?;
        Some((index, format!("{mirrored}{}", image.get(name.len()..).unwrap_or_default())))
    }

    /// The image of which one in a mirror is the copy.
    fn origin(&self, image: &str) -> Option<String> {
        let Parts { name, .. } = split(image);
        let full = full_name(name);
        self.settings.mirrors.iter().find_map(|mirror| {
            let rest = is_below(&full, &full_start(&mirror.to))?;
            let from = match mirror.from.as_str() {
                // Of which registry it was nobody knows; Docker Hub's are most.
                "*" => "docker.io",
                from => from,
            };
            let origin = format!("{from}{rest}");
            Some(format!("{}{}", origin.trim_start_matches('/'), image.get(name.len()..).unwrap_or_default()))
        })
    }

    /// The image with its digest of the table; `known` is by which name it may stand there as well.
    fn with_digest(&mut self, image: &str, known: &str, is_matched: &mut bool) -> String {
        let Parts { name, tag, digest } = split(image);
        let key = |name: &str| format!("{}:{}", full_name(name), tag.unwrap_or("latest"));
        let keys = [key(name), key(split(known).name)];
        let mut found = self.settings.digests.iter().enumerate();
        let Some((index, (_, wanted))) = found.find(|(_, (key, wanted))| {
            // Without its tag an image is known by the digest alone.
            keys.contains(key)
                || (digest == Some(wanted.as_str())
                    && tag.is_none()
                    && keys.iter().any(|it| without_tag(it) == without_tag(key)))
        }) else {
            return image.to_owned();
        };
        *is_matched |= self.note(self.settings.images.len() + index);
        match (digest, tag) {
            (Some(_), _) => image.to_owned(),
            (None, Some(tag)) if self.settings.keep_tag => format!("{name}:{tag}@{wanted}"),
            (None, _) => format!("{name}@{wanted}"),
        }
    }

    /// The rules that were for nothing, as they are written.
    pub(crate) fn idle_rules(&self) -> Vec<String> {
        let settings = self.settings;
        let images =
            settings.images.iter().enumerate().map(|(index, rule)| format!("`images[{index}]` ({})", rule.name));
        let digests = settings.digests.iter().map(|(image, _)| format!("`digests` ({image})"));
        let mirrors = settings.mirrors.iter().map(|mirror| format!("`mirrors` ({})", mirror.from));
        let named = images.chain(digests).chain(mirrors);
        named.zip(&self.is_used).filter(|(_, is_used)| !**is_used).map(|(name, _)| name).collect()
    }
}

/// A mirror as the start of full names: `mirror` alone is a name on Docker Hub.
fn full_start(to: &str) -> String {
    match to.split('/').next() {
        Some(first) if first.contains(['.', ':']) || first == "localhost" => to.to_owned(),
        _ => format!("docker.io/{to}"),
    }
}

fn without_tag(key: &str) -> &str {
    split(key).name
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
