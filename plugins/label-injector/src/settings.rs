//! The configuration, checked before any edit.

use windlass_pdk::config::Key;
use windlass_pdk::pods::CustomPodTemplate;
use windlass_pdk::{Config, ConfigError, Path, Schema, Value, names};

/// The annotation that makes an object a hook.
const HOOK_ANNOTATION: &str = "helm.sh/hook";

/// What to add, as it is written.
#[derive(Debug, Config)]
struct Written {
    /// Labels to add.
    #[config(default)]
    labels: Vec<(String, String)>,
    /// Annotations to add.
    #[config(default)]
    annotations: Vec<(String, String)>,
    /// Also add them to the pod templates of workloads, and to a CronJob's job template.
    #[config(default)]
    pod_templates: bool,
    /// Workloads that Kubernetes does not bring itself, and where they keep their pod templates. Only together with
    /// `podTemplates`.
    #[config(default)]
    custom_pod_templates: Vec<CustomPodTemplate>,
    /// What to do with a label or annotation that is there with another value.
    #[config(default)]
    on_conflict: OnConflict,
}

/// What to do with a label or annotation that is there with another value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum OnConflict {
    /// The configured value replaces it.
    #[default]
    Overwrite,
    /// It stays as it is.
    Keep,
    /// The render fails.
    Error,
}

/// What to add, and where.
#[derive(Debug)]
pub struct Settings {
    /// In the order of their keys, so that no other order in the configuration gives another output.
    pub(crate) labels: Vec<(String, Value)>,
    /// As [`Settings::labels`].
    pub(crate) annotations: Vec<(String, Value)>,
    pub(crate) pod_templates: bool,
    pub(crate) custom_pod_templates: Vec<CustomPodTemplate>,
    pub(crate) on_conflict: OnConflict,
    /// An object's own metadata.
    pub(crate) metadata: MetadataPaths,
}

impl Config for Settings {
    const SCHEMA: Schema = Written::SCHEMA;
    const KEYS: &'static [Key] = Written::KEYS;

    fn read(value: Value) -> Result<Self, ConfigError> {
        let written = Written::read(value)?;
        for (key, value) in &written.labels {
            check_label(key, value).map_err(|error| error.under(key).under("labels"))?;
        }
        let mut size = 0;
        for (key, value) in &written.annotations {
            check_annotation(key).map_err(|error| error.under(key).under("annotations"))?;
            size += key.len() + value.len();
        }
        if size > names::ANNOTATIONS_LIMIT {
            let message = format!(
                "{size} bytes of annotations are more than the {} that Kubernetes takes",
                names::ANNOTATIONS_LIMIT
            );
            return Err(ConfigError::new(message).under("annotations"));
        }
        if !written.custom_pod_templates.is_empty() && !written.pod_templates {
            return Err(ConfigError::new("has no effect without `podTemplates: true`").under("customPodTemplates"));
        }
        Ok(Settings {
            labels: in_order(written.labels),
            annotations: in_order(written.annotations),
            pod_templates: written.pod_templates,
            custom_pod_templates: written.custom_pod_templates,
            on_conflict: written.on_conflict,
            metadata: MetadataPaths::of(&Path::root()),
        })
    }
}

/// The entries by their keys. There are few of them, and the library's sort alone weighs as much as this plugin's
/// logic.
fn in_order(entries: Vec<(String, String)>) -> Vec<(String, Value)> {
    let mut ordered: Vec<(String, Value)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let place = ordered.partition_point(|(before, _)| *before < key);
        ordered.insert(place, (key, Value::String(value)));
    }
    ordered
}

fn check_label(key: &str, value: &str) -> Result<(), ConfigError> {
    names::label_key(key).and_then(|()| names::label_value(value)).map_err(ConfigError::new)
}

fn check_annotation(key: &str) -> Result<(), ConfigError> {
    match key {
        names::FILENAME_ANNOTATION => {
            Err(ConfigError::new("only Helm sets this annotation: by it, it finds each document's file again"))
        }
        HOOK_ANNOTATION => {
            Err(ConfigError::new("this annotation would turn objects of the release into hooks; set it in the chart"))
        }
        _ => names::annotation_key(key).map_err(ConfigError::new),
    }
}

/// Where a map with `metadata` keeps its labels and annotations.
#[derive(Debug)]
pub(crate) struct MetadataPaths {
    pub(crate) labels: Path,
    pub(crate) annotations: Path,
}

impl MetadataPaths {
    /// Below the map at a path: an object, a pod template or a job template.
    pub(crate) fn of(owner: &Path) -> Self {
        let metadata = owner.key("metadata");
        MetadataPaths { labels: metadata.key("labels"), annotations: metadata.key("annotations") }
    }
}
