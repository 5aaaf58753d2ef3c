//! The configuration.

use windlass_pdk::pods::CustomPodTemplate;
use windlass_pdk::{Config, ConfigError, Pattern, names};

use crate::uses::Use;

/// What to hash and where to write it, as it is written.
#[derive(Debug, Config)]
pub struct Settings {
    /// The annotation. `{kind}` and `{name}` stand for each object that the pods refer to, so that each has an
    /// annotation of its own; without them one annotation stands for all of them.
    #[config(default = "checksum.windlass.dev/config", check = check_annotation)]
    annotation: String,
    /// What of an object counts: all of it, or the keys that the pods use where they name keys.
    #[config(default)]
    pub(crate) scope: Scope,
    /// Which kinds count.
    #[config(default)]
    kinds: Kinds,
    /// Which objects count: a regular expression that the whole name must match.
    names: Option<Pattern>,
    /// Which objects do not count: a regular expression that the whole name must match.
    except_names: Option<Pattern>,
    /// What to do where the pods use an object that is not in the release.
    #[config(default)]
    pub(crate) on_missing: OnMissing,
    /// Workloads that Kubernetes does not bring itself, and where they keep their pod templates.
    #[config(default)]
    pub(crate) custom_pod_templates: Vec<CustomPodTemplate>,
}

/// What of an object counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum Scope {
    /// All its keys.
    #[default]
    Object,
    /// The keys that the pods name, in variables and items of volumes; all where they take the whole object.
    Keys,
}

/// Which kinds count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum Kinds {
    /// ConfigMaps, Secrets, and the SecretProviderClasses of CSI volumes.
    #[default]
    All,
    /// ConfigMaps alone.
    ConfigMaps,
    /// Secrets alone.
    Secrets,
}

/// What to do where an object is not in the release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum OnMissing {
    /// Nothing: it may be in the cluster.
    #[default]
    Ignore,
    /// A warning.
    Warn,
    /// The render fails, unless the reference is optional.
    Error,
}

/// The longest name of an annotation behind its slash.
const LONGEST: usize = 63;

impl Settings {
    pub(crate) fn takes(&self, it: &Use) -> bool {
        let is_kind = match self.kinds {
            Kinds::All => true,
            Kinds::ConfigMaps => it.kind == "ConfigMap",
            Kinds::Secrets => it.kind == "Secret",
        };
        is_kind
            && self.names.as_ref().is_none_or(|pattern| pattern.matches(&it.name))
            && !self.except_names.as_ref().is_some_and(|pattern| pattern.matches(&it.name))
    }

    pub(crate) fn is_per_object(&self) -> bool {
        self.annotation.contains("{name}")
    }

    /// The annotation for an object. A name that is too long for one is cut, and its length keeps it apart from others.
    pub(crate) fn annotation(&self, kind: &str, name: &str) -> String {
        let full = self.annotation.replace("{kind}", &kind.to_ascii_lowercase()).replace("{name}", name);
        let (prefix, own) = full.split_once('/').map_or(("", full.as_str()), |(prefix, own)| (prefix, own));
        if own.len() <= LONGEST {
            return full;
        }
        let number = own.bytes().fold(5381_u32, |number, byte| number.wrapping_mul(33) ^ u32::from(byte));
        let cut = own.get(..LONGEST - 9).unwrap_or_default().trim_end_matches(['-', '.', '_']);
        let separator = if prefix.is_empty() { "" } else { "/" };
        format!("{prefix}{separator}{cut}-{number:08x}")
    }
}

fn check_annotation(annotation: &String) -> Result<(), ConfigError> {
    if annotation == names::FILENAME_ANNOTATION || annotation.starts_with("helm.sh/hook") {
        return Err(ConfigError::new("this annotation means something to Helm; take another"));
    }
    let example = annotation.replace("{kind}", "configmap").replace("{name}", "a");
    if example.contains(['{', '}']) {
        return Err(ConfigError::new("only `{kind}` and `{name}` can stand in it"));
    }
    if annotation.contains("{kind}") && !annotation.contains("{name}") {
        return Err(ConfigError::new("`{kind}` needs `{name}` beside it"));
    }
    names::annotation_key(&example).map_err(ConfigError::new)
}
