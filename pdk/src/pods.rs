//! Where an object keeps its pod templates, pods, containers and images: the built-in workloads, widely used custom
//! kinds (`known.rs` has the table), and those that a configuration names.

mod known;
mod places;

use windlass_manifest::{Node, Object, Path, Value};

use crate::Config;
use crate::config::{ConfigError, Schema};

pub use places::{CONTAINER_LISTS, Container, ImagePlace, PodSpec, Role, containers, find_unknown, images, pod_specs};

/// A kind of workload that Kubernetes does not bring itself, and where its objects keep a pod template.
///
/// Several entries may name the same kind: each template is found.
#[derive(Clone, Debug, Config)]
pub struct CustomPodTemplate {
    /// The API group, such as `argoproj.io`; empty for the core group.
    group: String,
    /// The kind, such as `Rollout`.
    kind: String,
    /// The map with the pod's `metadata` and `spec`, such as `spec.template`. `[*]` after a key stands for every item
    /// of a list, `*` as a key for every entry of a map.
    path: PathPattern,
}

/// A path in which `[*]` stands for every item of a list, `[name=web]` for those items whose `name` is `web`, and `*`
/// for every entry of a map: `spec.workerGroupSpecs[*].template`, `spec.containers[*].env[name=IMAGE].value` or
/// `spec.tfReplicaSpecs.*.template`. A backslash keeps a dot as part of a key:
/// `metadata.annotations.example\\.com/image`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    steps: Vec<PodStep>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PodStep {
    Key(String),
    EveryEntry,
    EveryItem,
    /// The items with this key and text.
    ItemWith(String, String),
}

impl PathPattern {
    /// Parses the text form.
    ///
    /// # Errors
    /// An empty key, or brackets and stars in any other place.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        for part in text_parts(text) {
            // The key ends at the first bracket; what is in brackets is taken apart one after the other.
            let (key, mut lists) = match part.find('[') {
                Some(bracket) => part.split_at(bracket),
                None => (part, ""),
            };
            match key {
                "" => return Err(format!("`{text}` has an empty key; keys are joined by dots, as in `spec.template`")),
                "*" => steps.push(PodStep::EveryEntry),
                key if key.contains([']', '*']) => return Err(unknown_part(part)),
                key => steps.push(PodStep::Key(key.replace("\\.", "."))),
            }
            while let Some((list, rest)) = lists.strip_prefix('[').and_then(|list| list.split_once(']')) {
                steps.push(match list.split_once('=') {
                    None if list == "*" => PodStep::EveryItem,
                    Some((key, wanted)) if !key.is_empty() => PodStep::ItemWith(key.to_owned(), wanted.to_owned()),
                    _ => return Err(unknown_part(part)),
                });
                lists = rest;
            }
            if !lists.is_empty() {
                return Err(unknown_part(part));
            }
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

/// The parts between the dots that are neither in brackets nor behind a backslash.
fn text_parts(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut is_inside, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'.' if !is_inside && !is_escaped => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            b'[' => is_inside = true,
            b']' => is_inside = false,
            _ => {}
        }
        is_escaped = byte == b'\\';
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

fn unknown_part(part: &str) -> String {
    format!(
        "`{part}` is not known; `[*]` stands for every item, `[name=web]` for those of that name, `*` for every entry"
    )
}

fn descend(node: Node<'_>, path: Path, steps: &[PodStep], found: &mut Vec<Path>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push(path);
        return;
    };
    match step {
        PodStep::Key(key) => {
            if let Some(below) = node.get(key) {
                descend(below, path.key(key), rest, found);
            }
        }
        PodStep::EveryEntry => {
            for (key, below) in node.entries() {
                descend(below, path.key(key), rest, found);
            }
        }
        PodStep::EveryItem => {
            for (index, below) in node.items().enumerate() {
                descend(below, path.index(index), rest, found);
            }
        }
        PodStep::ItemWith(key, wanted) => {
            for (index, below) in node.items().enumerate() {
                if below.get(key).and_then(|it| it.scalar_text()).is_some_and(|text| text == *wanted) {
                    descend(below, path.index(index), rest, found);
                }
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
    for entry in custom.iter().filter(|entry| entry.is_for(object)) {
        for path in entry.path.find(object.root()) {
            templates.push(PodTemplate { workload: parent(&path), path, job_template: None });
        }
    }
    templates
}

impl CustomPodTemplate {
    pub(crate) fn is_for(&self, object: &Object<'_>) -> bool {
        self.kind == object.kind() && self.group == object.group()
    }
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
    fn items_are_told_apart_by_a_key() {
        let object = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec:\n  list: [{name: a.b, x: {}}, {name: c, x: {}}, {name: a.b, x: {}}]\n  q.r: {}\n";
        let thing = |path| ("example.com", "Thing", path);
        check(&[thing("spec.list[name=a.b].x")], object, &["spec.list[0].x", "spec.list[2].x"]);
        check(&[thing("spec.list[name=d].x")], object, &[]);
        check(&[thing("spec.q\\.r")], object, &["spec.q\\.r"]);
    }

    #[test]
    fn other_brackets_and_stars_are_refused() {
        for bad in [
            "",
            "spec..template",
            "spec.list[0].template",
            "spec.x*",
            "[*].template",
            "spec.list[*]x",
            "spec.list[*",
            "spec.list[=x]",
            "spec.list]",
        ] {
            assert!(PathPattern::parse(bad).is_err(), "{bad}");
        }
    }
}
