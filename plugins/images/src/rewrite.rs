//! All rules on all images, and which rules were for something.

use windlass_pdk::oci::Image;

use crate::rules::{Parts, full_name, is_below, split};
use crate::settings::Settings;

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
