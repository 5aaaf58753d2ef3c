//! The configuration, checked before any edit.

use windlass_pdk::config::Key;
use windlass_pdk::pods::{CustomPodTemplate, PathPattern};
use windlass_pdk::{Config, ConfigError, Object, Pattern, Schema, Value, names};

use crate::rules::{Mirror, Rule, check_digest, full_name, is_below, split};

/// What to rewrite, as it is written.
#[derive(Debug, Config)]
struct Written {
    /// kustomize's `images`: what to put in place of an image's name, tag or digest. Applied in order, each to what the
    /// one before gave.
    #[config(default)]
    images: Vec<WrittenRule>,
    /// Registry mirrors: the start of an image's full name (`docker.io`, `quay.io/prometheus`) and what takes its
    /// place. The longest start counts. `*` stands for any registry, and the empty text puts the mirror in front of the
    /// full name.
    #[config(default)]
    mirrors: Vec<(String, String)>,
    /// Digests by image and tag (`nginx:1.27`), before or after the other rules. An image that has a digest keeps it.
    #[config(default)]
    digests: Vec<(String, String)>,
    /// Keep the tag in front of a digest of `digests` (`name:tag@sha256:...`): people read it, container runtimes
    /// ignore it.
    #[config(default = true)]
    keep_tag: bool,
    /// Images to leave as they are: regular expressions that match the whole reference as it is written.
    #[config(default)]
    exclude: Vec<Pattern>,
    /// Other places of images, such as arguments and variables of containers.
    #[config(default)]
    paths: Vec<ImagePath>,
    /// When nodes pull the images of all containers and image volumes.
    pull_policy: Option<PullPolicy>,
    /// What to do with a container that has another pull policy.
    #[config(default)]
    pull_policy_on_conflict: OnConflict,
    /// Names of Secrets to pull with, for all pods.
    #[config(default)]
    pull_secrets: Vec<String>,
    /// What to do with an image that no rule is for.
    #[config(default = Demand::Ignore)]
    unmatched: Demand,
    /// What to do with a rule of `images` or `digests`, or a mirror, that matches no image.
    #[config(default = Demand::Warn)]
    on_missing: Demand,
    /// Workloads of other kinds than those that are known, and where they keep their pod templates.
    #[config(default)]
    custom_pod_templates: Vec<CustomPodTemplate>,
}

/// One entry of kustomize's `images`.
#[derive(Debug, Config)]
struct WrittenRule {
    /// The image's name, without tag and digest. `nginx` is also `docker.io/library/nginx`. With characters such as `*`
    /// or `(` it is a regular expression for the whole name, as in kustomize.
    name: String,
    /// The name that takes its place.
    new_name: Option<String>,
    /// The tag that takes the place of tag and digest.
    new_tag: Option<String>,
    /// The digest that takes the place of tag and digest; with `newTag`, both are written.
    digest: Option<String>,
    /// What is put behind the tag, if it is not there.
    tag_suffix: Option<String>,
}

/// A place of an image that is no image of a container.
#[derive(Debug, Config)]
pub(crate) struct ImagePath {
    /// The API group of the objects, a regular expression that it must match as a whole.
    group: Option<Pattern>,
    /// The kind of the objects, a regular expression that it must match as a whole.
    kind: Option<Pattern>,
    /// The text with the image: `[*]` stands for every item of a list, `[name=X]` for those of that name, `*` for every
    /// entry of a map. `spec.template.spec.containers[*].env[name=IMAGE].value`
    pub(crate) path: PathPattern,
    /// What stands in front of the image, such as `--image=`. Other texts are left alone.
    pub(crate) before: Option<String>,
}

impl ImagePath {
    pub(crate) fn is_for(&self, object: &Object<'_>) -> bool {
        let fits = |pattern: &Option<Pattern>, text| pattern.as_ref().is_none_or(|pattern| pattern.matches(text));
        fits(&self.group, object.group()) && fits(&self.kind, object.kind())
    }
}

/// When a node pulls an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Config)]
pub(crate) enum PullPolicy {
    /// Each time a container starts.
    #[config(rename = "Always")]
    Always,
    /// If the node does not have it.
    #[config(rename = "IfNotPresent")]
    IfNotPresent,
    /// Never: it must be there.
    #[config(rename = "Never")]
    Never,
}

impl PullPolicy {
    pub(crate) fn word(self) -> &'static str {
        match self {
            PullPolicy::Always => "Always",
            PullPolicy::IfNotPresent => "IfNotPresent",
            PullPolicy::Never => "Never",
        }
    }
}

/// What to do with a value that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum OnConflict {
    /// The configured value replaces it.
    #[default]
    Overwrite,
    /// It stays as it is.
    Keep,
}

/// How much a demand weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Config)]
pub(crate) enum Demand {
    /// It is none.
    Ignore,
    /// A warning in the log.
    Warn,
    /// The render fails.
    Error,
}

/// What to rewrite.
#[derive(Debug)]
pub struct Settings {
    pub(crate) images: Vec<Rule>,
    /// The longest `from` first.
    pub(crate) mirrors: Vec<Mirror>,
    /// By full name and tag.
    pub(crate) digests: Vec<(String, String)>,
    pub(crate) keep_tag: bool,
    pub(crate) exclude: Vec<Pattern>,
    pub(crate) paths: Vec<ImagePath>,
    pub(crate) pull_policy: Option<PullPolicy>,
    pub(crate) pull_policy_on_conflict: OnConflict,
    pub(crate) pull_secrets: Vec<String>,
    pub(crate) unmatched: Demand,
    pub(crate) on_missing: Demand,
    pub(crate) custom_pod_templates: Vec<CustomPodTemplate>,
}

impl Settings {
    pub(crate) fn is_idle(&self) -> bool {
        self.images.is_empty()
            && self.mirrors.is_empty()
            && self.digests.is_empty()
            && self.pull_policy.is_none()
            && self.pull_secrets.is_empty()
            && self.unmatched == Demand::Ignore
    }
}

impl Config for Settings {
    const SCHEMA: Schema = Written::SCHEMA;
    const KEYS: &'static [Key] = Written::KEYS;

    fn read(value: Value) -> Result<Self, ConfigError> {
        let written = Written::read(value)?;
        let mut images: Vec<Rule> = Vec::with_capacity(written.images.len());
        for (index, rule) in written.images.into_iter().enumerate() {
            let rule = read_rule(rule, &images).map_err(|error| error.under_index(index).under("images"))?;
            images.push(rule);
        }
        let mut digests = Vec::with_capacity(written.digests.len());
        for (image, digest) in written.digests {
            let key = digest_key(&image, &digest).map_err(|error| error.under(&image).under("digests"))?;
            digests.push((key, digest));
        }
        for (index, secret) in written.pull_secrets.iter().enumerate() {
            names::dns_subdomain(secret)
                .map_err(|message| ConfigError::new(message).under_index(index).under("pullSecrets"))?;
        }
        Ok(Settings {
            images,
            mirrors: read_mirrors(written.mirrors).map_err(|error| error.under("mirrors"))?,
            digests,
            keep_tag: written.keep_tag,
            exclude: written.exclude,
            paths: written.paths,
            pull_policy: written.pull_policy,
            pull_policy_on_conflict: written.pull_policy_on_conflict,
            pull_secrets: written.pull_secrets,
            unmatched: written.unmatched,
            on_missing: written.on_missing,
            custom_pod_templates: written.custom_pod_templates,
        })
    }
}

/// Checks one entry of `images`. `before` are the rules in front of it.
fn read_rule(written: WrittenRule, before: &[Rule]) -> Result<Rule, ConfigError> {
    let name = written.name.clone();
    if name.is_empty() {
        return Err(ConfigError::new("the name is empty").under("name"));
    }
    let pattern = match name.contains(['*', '+', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$', '\\']) {
        true => Some(Pattern::parse(&name).map_err(|message| ConfigError::new(message).under("name"))?),
        false => {
            check_name(&name).map_err(|error| error.under("name"))?;
            None
        }
    };
    if let Some(new_name) = &written.new_name {
        check_name(new_name).map_err(|error| error.under("newName"))?;
    }
    for (key, tag) in [("newTag", &written.new_tag), ("tagSuffix", &written.tag_suffix)] {
        if let Some(tag) = tag
            && tag.contains(['/', ':', '@', ' '])
        {
            return Err(ConfigError::new(format!("`{tag}` is no tag")).under(key));
        }
    }
    if let Some(digest) = written.digest.as_deref().filter(|digest| !digest.is_empty()) {
        check_digest(digest).map_err(|message| ConfigError::new(message).under("digest"))?;
    }
    // As in kustomize, an empty text is none.
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let rule = Rule {
        full: full_name(&name),
        name,
        pattern,
        new_name: given(written.new_name),
        new_tag: given(written.new_tag),
        digest: given(written.digest),
        tag_suffix: given(written.tag_suffix),
    };
    if let Some(new_name) = &rule.new_name
        && let Some(first) = before.iter().find(|earlier| earlier.matches(new_name))
    {
        let message = format!(
            "the rule for `{}` in front of it is for `{new_name}`: a second run would rewrite it again; put this rule in front",
            first.name
        );
        return Err(ConfigError::new(message).under("newName"));
    }
    Ok(rule)
}

/// Refuses a name with a tag, a digest or a space.
fn check_name(name: &str) -> Result<(), ConfigError> {
    let parts = split(name);
    match parts.tag.is_some() || parts.digest.is_some() {
        true => Err(ConfigError::new(format!("`{name}` has a tag or a digest; they have keys of their own"))),
        false if name.contains(char::is_whitespace) => Err(ConfigError::new(format!("`{name}` has a space"))),
        false => Ok(()),
    }
}

fn digest_key(image: &str, digest: &str) -> Result<String, ConfigError> {
    check_digest(digest).map_err(ConfigError::new)?;
    let parts = split(image);
    match parts.digest {
        Some(_) => Err(ConfigError::new("the key has a digest itself; it is an image with a tag")),
        None => Ok(format!("{}:{}", full_name(parts.name), parts.tag.unwrap_or("latest"))),
    }
}

fn read_mirrors(written: Vec<(String, String)>) -> Result<Vec<Mirror>, ConfigError> {
    let mut mirrors: Vec<Mirror> = Vec::with_capacity(written.len());
    for (key, to) in written {
        let read = || -> Result<Mirror, ConfigError> {
            let to = to.trim_end_matches('/');
            check_name(to)?;
            check_name(&key)?;
            if to.is_empty() {
                return Err(ConfigError::new("the mirror is empty"));
            }
            let from = key.trim_end_matches('/');
            let from = if from == "index.docker.io" { "docker.io" } else { from };
            Ok(Mirror { from: from.to_owned(), to: to.to_owned() })
        };
        let mirror = read().map_err(|error| error.under(&key))?;
        // Few of them, each put in its place: the longest first.
        let place = mirrors.partition_point(|before| before.from.len() >= mirror.from.len());
        mirrors.insert(place, mirror);
    }
    for mirror in &mirrors {
        let hit = mirrors
            .iter()
            .find(|other| !other.from.is_empty() && other.from != "*" && is_below(&other.from, &mirror.to).is_some());
        if let Some(other) = hit {
            let message = format!(
                "`{}` is, or is below, what `{}` becomes: a second run would rewrite it again; give both their last place",
                other.from, mirror.from
            );
            return Err(ConfigError::new(message).under(&other.from));
        }
    }
    Ok(mirrors)
}
