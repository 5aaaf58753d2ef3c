//! Where an object keeps its pod templates: the built-in workloads, and those that a configuration names.

use windlass_manifest::{Node, Object, Path, Value};

use crate::Config;
use crate::config::{ConfigError, Schema};

/// A kind of workload that Kubernetes does not bring itself, and where its objects keep a pod template.
///
/// Several entries may name the same kind: each template is found.
#[derive(Clone, Debug, Config)]
pub struct CustomPodTemplate {
    /// The API group, such as `argoproj.io`; empty for the core group.
    group: String,
    /// The kind, such as `Rollout`.
    kind: String,
    /// The map with the pod's `metadata` and `spec`, such as `spec.template`. `[*]` after a key stands for every item of
    /// a list, `*` as a key for every entry of a map.
    path: PathPattern,
}

/// A path in which `[*]` stands for every item of a list and `*` for every entry of a map, such as
/// `spec.workerGroupSpecs[*].template` or `spec.tfReplicaSpecs.*.template`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    EveryEntry,
    EveryItem,
}

impl PathPattern {
    /// Parses the text form.
    ///
    /// # Errors
    /// An empty key, or brackets and stars in any other place.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        for part in text.split('.') {
            let (mut key, mut lists) = (part, 0);
            while let Some(list) = key.strip_suffix("[*]") {
                (key, lists) = (list, lists + 1);
            }
            match key {
                "" => return Err(format!("`{text}` has an empty key; keys are joined by dots, as in `spec.template`")),
                "*" => steps.push(Step::EveryEntry),
                key if key.contains(['[', ']', '*']) => {
                    return Err(format!("`{part}` is not known; `[*]` stands for every item, `*` for every entry"));
                }
                key => steps.push(Step::Key(key.to_owned())),
            }
            steps.extend(std::iter::repeat_n(Step::EveryItem, lists));
        }
        Ok(Self { steps })
    }

    /// The paths below `root` that the pattern stands for, in the object's order.
    pub fn find(&self, root: Node<'_>) -> Vec<Path> {
        let mut found = Vec::new();
        descend(root, Path::root(), &self.steps, &mut found);
        found
    }
}

impl Config for PathPattern {
    const SCHEMA: Schema = Schema::Text { pattern: None };

    fn read(value: Value) -> Result<Self, ConfigError> {
        PathPattern::parse(&String::read(value)?).map_err(ConfigError::new)
    }
}

fn descend(node: Node<'_>, path: Path, steps: &[Step], found: &mut Vec<Path>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push(path);
        return;
    };
    match step {
        Step::Key(key) => {
            if let Some(below) = node.get(key) {
                descend(below, path.key(key), rest, found);
            }
        }
        Step::EveryEntry => {
            for (key, below) in node.entries() {
                descend(below, path.key(key), rest, found);
            }
        }
        Step::EveryItem => {
            for (index, below) in node.items().enumerate() {
                descend(below, path.index(index), rest, found);
            }
        }
    }
}

/// One pod template of an object.
#[derive(Clone, Debug)]
pub struct PodTemplate {
    /// The map with the pod's `metadata` and `spec`: the whole object for a Pod.
    pub path: Path,
    /// The map that holds the template, and beside it a workload's `selector` or `volumeClaimTemplates`. None for a
    /// Pod.
    pub workload: Option<Path>,
    /// A CronJob's `spec.jobTemplate`: the Jobs that it makes get this metadata.
    pub job_template: Option<Path>,
}

/// The pod templates that an object really has: of the built-in kinds, then those that `custom` names.
#[must_use]
pub fn pod_templates(object: &Object<'_>, custom: &[CustomPodTemplate]) -> Vec<PodTemplate> {
    let mut templates = Vec::new();
    if let Some(path) = object.pod_template()
        && object.get(&path).is_some()
    {
        let job_template = (object.kind() == "CronJob").then(|| Path::new(["spec", "jobTemplate"]));
        templates.push(PodTemplate { workload: parent(&path), path, job_template });
    }
    for entry in custom.iter().filter(|entry| entry.kind == object.kind() && entry.group == object.group()) {
        for path in entry.path.find(object.root()) {
            templates.push(PodTemplate { workload: parent(&path), path, job_template: None });
        }
    }
    templates
}

fn parent(path: &Path) -> Option<Path> {
    let mut parent = path.clone();
    parent.pop().map(|_| parent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_manifest::{Error, Manifests};

    /// `check(custom, object, expected)`: the templates' paths, one in each line.
    #[track_caller]
    fn check(custom: &[(&str, &str, &str)], object: &str, expected: &[&str]) {
        let custom: Vec<CustomPodTemplate> = custom
            .iter()
            .map(|&(group, kind, path)| CustomPodTemplate {
                group: group.to_owned(),
                kind: kind.to_owned(),
                path: PathPattern::parse(path).expect("a path"),
            })
            .collect();
        let mut found = Vec::new();
        let manifests = Manifests::from_bytes(object.as_bytes().to_vec()).expect("a stream");
        manifests
            .read(|object| {
                found.extend(pod_templates(object, &custom).iter().map(|template| template.path.to_string()));
                Ok::<(), Error>(())
            })
            .expect("readable");
        assert_eq!(found, expected);
    }

    #[test]
    fn built_in_workloads_need_no_configuration() {
        let template = "metadata: {name: a}\nspec: {template: {spec: {}}}\n";
        check(&[], &format!("apiVersion: apps/v1\nkind: Deployment\n{template}"), &["spec.template"]);
        check(&[], "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {}\n", &[]);
        check(&[], &format!("apiVersion: example.com/v1\nkind: Thing\n{template}"), &[]);
        let job =
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {jobTemplate: {spec: {template: {}}}}\n";
        check(&[], job, &["spec.jobTemplate.spec.template"]);
    }

    #[test]
    fn patterns_find_templates_in_lists_and_maps() {
        let object = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec:\n  one: {template: {}}\n  list: [{template: {}}, {}, {template: {}}]\n  map: {x: {template: {}}, y: {}}\n";
        let thing = |path| ("example.com", "Thing", path);
        check(&[thing("spec.one.template")], object, &["spec.one.template"]);
        check(&[thing("spec.list[*].template")], object, &["spec.list[0].template", "spec.list[2].template"]);
        check(
            &[thing("spec.map.*.template"), thing("spec.one.template")],
            object,
            &["spec.map.x.template", "spec.one.template"],
        );
        check(&[thing("spec.none.template"), thing("spec.one[*].template")], object, &[]);
        check(&[("example.com", "Other", "spec.one.template"), ("", "Thing", "spec.one.template")], object, &[]);
    }

    #[test]
    fn other_brackets_and_stars_are_refused() {
        for bad in ["", "spec..template", "spec.list[0].template", "spec.x*", "[*].template", "spec.list[*]x"] {
            assert!(PathPattern::parse(bad).is_err(), "{bad}");
        }
    }
}
