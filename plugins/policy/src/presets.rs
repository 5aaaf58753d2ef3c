//! Well-known checks.

use windlass_pdk::pods::{CustomPodTemplate, pod_specs};
use windlass_pdk::{Object, Path};

use crate::Finding;
use crate::pod_security::{self, Level};
use crate::settings::Preset;

/// What a preset finds in an object.
pub(crate) fn check(preset: Preset, object: &Object<'_>, custom: &[CustomPodTemplate], findings: &mut Vec<Finding>) {
    for pod in pod_specs(object, custom).into_iter().filter(|pod| pod.is_whole) {
        let mut metadata = pod.path.clone();
        metadata.pop();
        let metadata = metadata.key("metadata");
        match preset {
            Preset::PodSecurityBaseline => pod_security::check(object, &pod.path, &metadata, Level::Baseline, findings),
            Preset::PodSecurityRestricted => {
                pod_security::check(object, &pod.path, &metadata, Level::Baseline, findings);
                pod_security::check(object, &pod.path, &metadata, Level::Restricted, findings);
            }
            Preset::ResourcesSet => {
                each_container(object, &pod.path, |container| resources_set(object, container, findings))
            }
            Preset::NoLatest => each_container(object, &pod.path, |container| no_latest(object, container, findings)),
        }
    }
}

/// Init and ordinary containers; ephemeral ones have no resources, and nobody deploys them.
fn each_container(object: &Object<'_>, spec: &Path, mut look: impl FnMut(&Path)) {
    for list in ["initContainers", "containers"] {
        let list = spec.key(list);
        for index in 0..object.get(&list).map_or(0, |list| list.items().count()) {
            look(&list.index(index));
        }
    }
}

fn resources_set(object: &Object<'_>, container: &Path, findings: &mut Vec<Finding>) {
    for key in ["requests.cpu", "requests.memory", "limits.memory"] {
        let path = key.split('.').fold(container.key("resources"), |path, key| path.key(key));
        if object.get(&path).is_none_or(|node| node.is_null()) {
            findings.push(Finding { path: Some(path), message: format!("`resources.{key}` is required") });
        }
    }
}

fn no_latest(object: &Object<'_>, container: &Path, findings: &mut Vec<Finding>) {
    let path = container.key("image");
    let Some(image) = object.get(&path).and_then(|node| node.as_str()) else { return };
    if image.contains('@') {
        return;
    }
    let name = image.rsplit('/').next().unwrap_or_default();
    let message = match name.split_once(':') {
        None => format!("the image `{image}` has no tag, which means `latest`"),
        Some((_, "latest")) => format!("the image `{image}` has the tag `latest`"),
        Some(_) => return,
    };
    findings.push(Finding { path: Some(path), message });
}
