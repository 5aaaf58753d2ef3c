//! Containers, pods and images of an object.

use windlass_manifest::{Error, Kind, Node, Object, Path};

use super::known::KINDS;
use super::{CustomPodTemplate, PathPattern, pod_templates};

/// The lists of a pod that hold containers.
pub const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// What an object makes pods of.
#[derive(Clone, Debug)]
pub struct PodSpec {
    /// The map with `containers`.
    pub path: Path,
    /// Whether it is a pod's spec as Kubernetes has it. Otherwise it is the spec of a custom kind, such as a
    /// Prometheus, which has some of the same fields.
    pub is_whole: bool,
}

/// What a container is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It ends before the others start.
    Init,
    /// An init container with `restartPolicy: Always`: it runs as long as the pod does (KEP-753).
    Sidecar,
    /// An ordinary one.
    Main,
    /// One that was added to a running pod.
    Ephemeral,
}

/// One container of an object.
#[derive(Clone, Debug)]
pub struct Container {
    /// The map with its `name` and `image`.
    pub path: Path,
    /// What it is for.
    pub role: Role,
}

/// One image of an object.
#[derive(Clone, Debug)]
pub struct ImagePlace {
    /// The text that is the image.
    pub path: Path,
    /// The map beside which a pull policy is said: a container, or an image volume. None for a field of a custom kind.
    pub owner: Option<Path>,
}

/// What an object holds pods, containers and images in.
#[derive(Default)]
struct Places {
    /// The specs of pods.
    specs: Vec<PodSpec>,
    /// Other maps with lists of containers.
    lists: Vec<Path>,
    /// Containers that stand in no such map.
    containers: Vec<Path>,
    images: Vec<Path>,
}

/// How many nodes of one object are looked at for containers that nobody named; only aliases of aliases make more.
const MAX_SEARCHED: usize = 200_000;

impl Places {
    fn of(object: &Object<'_>, custom: &[CustomPodTemplate]) -> Self {
        let mut places = Places::default();
        for template in pod_templates(object, custom) {
            places.add_specs([template.path.key("spec")], true);
        }
        match (object.group(), object.kind()) {
            // Nothing runs a PodTemplate by itself, but it is one.
            ("", "PodTemplate") => places.add_specs([Path::new(["template", "spec"])], true),
            _ if custom.iter().any(|entry| entry.is_for(object)) => {}
            (group, kind) => {
                for (_, _, words) in KINDS.iter().filter(|(known, it, _)| *known == group && *it == kind) {
                    words.split(' ').for_each(|word| places.add(object, word));
                }
            }
        }
        places.specs.retain(|spec| object.get(&spec.path).is_some_and(|node| node.kind() == Kind::Map));
        places
    }

    fn add_specs(&mut self, paths: impl IntoIterator<Item = Path>, is_whole: bool) {
        self.specs.extend(paths.into_iter().map(|path| PodSpec { path, is_whole }));
    }

    /// All maps with lists of containers; in an object of an unknown kind they are searched.
    fn maps_with_containers(&self, object: &Object<'_>, custom: &[CustomPodTemplate]) -> Result<Vec<Path>, Error> {
        match self.is_empty() {
            true => search(object, custom),
            false => Ok(self.specs.iter().map(|spec| spec.path.clone()).chain(self.lists.iter().cloned()).collect()),
        }
    }

    /// Adds what one word of the table stands for.
    fn add(&mut self, object: &Object<'_>, word: &str) {
        let Some((letter, pattern)) = word.split_once(':') else { return };
        let Ok(pattern) = PathPattern::parse(pattern) else { return };
        let found = pattern.find(object.root());
        match letter {
            "T" => self.add_specs(found.into_iter().map(|path| path.key("spec")), true),
            "S" => self.add_specs(found, false),
            "L" => self.lists.extend(found),
            "C" => self.containers.extend(found),
            _ => self.images.extend(found),
        }
    }

    fn is_empty(&self) -> bool {
        self.specs.is_empty() && self.lists.is_empty() && self.containers.is_empty() && self.images.is_empty()
    }
}

/// Whether an object is of a kind of which nothing is known, so that its containers have to be searched.
fn is_unknown(object: &Object<'_>) -> bool {
    let group = object.group();
    // Groups of Kubernetes itself: all their kinds are known. A CRD's schema has `containers`, too.
    let is_built_in = !group.contains('.') || group.ends_with(".k8s.io");
    !is_built_in || KINDS.iter().any(|(known, kind, _)| *known == group && *kind == object.kind())
}

/// The specs of an object's pods: of built-in workloads, of the custom kinds that are known, and those that
/// `custom` names. Of a kind that `custom` names only what it names counts.
#[must_use]
pub fn pod_specs(object: &Object<'_>, custom: &[CustomPodTemplate]) -> Vec<PodSpec> {
    Places::of(object, custom).specs
}

/// The containers of an object: those of its pods ([`pod_specs`]) and those that custom kinds keep elsewhere. An object
/// of a kind of which nothing is known is searched for lists of containers that have images, at any depth.
///
/// # Errors
/// An object with so many aliases in aliases that it cannot be searched.
pub fn containers(object: &Object<'_>, custom: &[CustomPodTemplate]) -> Result<Vec<Container>, Error> {
    let places = Places::of(object, custom);
    let specs = places.maps_with_containers(object, custom)?;
    Ok(containers_of(object, &specs, places.containers))
}

fn containers_of(object: &Object<'_>, specs: &[Path], single: Vec<Path>) -> Vec<Container> {
    let mut containers = Vec::new();
    for spec in specs {
        for list in CONTAINER_LISTS {
            let list_path = spec.key(list);
            for (index, container) in object.get(&list_path).into_iter().flat_map(|it| it.items()).enumerate() {
                if container.kind() == Kind::Map {
                    containers.push(Container { path: list_path.index(index), role: role(list, container) });
                }
            }
        }
    }
    for path in single {
        let is_map = object.get(&path).is_some_and(|node| node.kind() == Kind::Map);
        let is_init = path
            .segments()
            .iter()
            .any(|segment| matches!(segment, windlass_manifest::Segment::Key(key) if key == "initContainers"));
        if is_map {
            containers.push(Container { path, role: if is_init { Role::Init } else { Role::Main } });
        }
    }
    containers
}

fn role(list: &str, container: Node<'_>) -> Role {
    match list {
        "containers" => Role::Main,
        "ephemeralContainers" => Role::Ephemeral,
        _ => match container.get("restartPolicy").and_then(|policy| policy.as_str()).as_deref() {
            Some("Always") => Role::Sidecar,
            _ => Role::Init,
        },
    }
}

/// The images of an object: of its [`containers`], of image volumes (KEP-4639), and the fields of custom kinds that are
/// images. A path may lead to nothing, where a container has no image.
///
/// # Errors
/// As [`containers`].
pub fn images(object: &Object<'_>, custom: &[CustomPodTemplate]) -> Result<Vec<ImagePlace>, Error> {
    let places = Places::of(object, custom);
    let specs = places.maps_with_containers(object, custom)?;
    let mut images = Vec::new();
    for container in containers_of(object, &specs, places.containers) {
        images.push(ImagePlace { path: container.path.key("image"), owner: Some(container.path) });
    }
    for spec in &specs {
        let volumes = spec.key("volumes");
        for (index, volume) in object.get(&volumes).into_iter().flat_map(|it| it.items()).enumerate() {
            if volume.get("image").is_some_and(|image| image.kind() == Kind::Map) {
                let owner = volumes.index(index).key("image");
                images.push(ImagePlace { path: owner.key("reference"), owner: Some(owner) });
            }
        }
    }
    images.extend(places.images.into_iter().map(|path| ImagePlace { path, owner: None }));
    Ok(images)
}

/// The first map with containers that have images of an object that is no known workload; of those nothing is given.
///
/// # Errors
/// As [`containers`].
pub fn find_unknown(object: &Object<'_>, custom: &[CustomPodTemplate]) -> Result<Option<Path>, Error> {
    if !Places::of(object, custom).is_empty() {
        return Ok(None);
    }
    Ok(search(object, custom)?.into_iter().next())
}

/// All maps with lists of containers that have images, in an object of an unknown kind.
fn search(object: &Object<'_>, custom: &[CustomPodTemplate]) -> Result<Vec<Path>, Error> {
    let mut found = Vec::new();
    if !is_unknown(object) || custom.iter().any(|entry| entry.is_for(object)) {
        return Ok(found);
    }
    let mut left = MAX_SEARCHED;
    match search_below(object.root(), &Path::root(), &mut left, &mut found) {
        Some(()) => Ok(found),
        None => Err(object.refuse(
            "it has too many entries, by aliases of aliases, to be searched for containers; leave it out with `targets`",
        )),
    }
}

fn search_below(node: Node<'_>, path: &Path, left: &mut usize, found: &mut Vec<Path>) -> Option<()> {
    *left = left.checked_sub(1)?;
    let has_images = |list: &str| {
        node.get(list).is_some_and(|list| {
            list.kind() == Kind::List && list.items().any(|it| it.get("image").is_some_and(|it| it.as_str().is_some()))
        })
    };
    match node.kind() {
        Kind::Map => {
            if CONTAINER_LISTS.iter().any(|list| has_images(list)) {
                found.push(path.clone());
                return Some(());
            }
            for (key, below) in node.entries() {
                if below.kind() != Kind::Scalar {
                    search_below(below, &path.key(key), left, found)?;
                }
            }
        }
        Kind::List => {
            for (index, below) in node.items().enumerate() {
                if below.kind() != Kind::Scalar {
                    search_below(below, &path.index(index), left, found)?;
                }
            }
        }
        Kind::Scalar => {}
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_manifest::Manifests;

    /// The images of an object, one in each line.
    #[track_caller]
    fn check(object: &str, expected: &[&str]) {
        let mut found = Vec::new();
        let manifests = Manifests::from_bytes(object.as_bytes().to_vec()).expect("a stream");
        manifests
            .read(|object| {
                let places = images(object, &[])?;
                found.extend(places.iter().map(|place| place.path.to_string()));
                Ok::<(), Error>(())
            })
            .expect("readable");
        assert_eq!(found, expected);
    }

    #[test]
    fn every_row_of_the_table_can_be_read() {
        for (group, kind, words) in KINDS {
            for word in words.split(' ') {
                let (letter, pattern) = word.split_once(':').expect("a letter and a path");
                assert!(["T", "S", "L", "C", "I"].contains(&letter), "{group} {kind} {word}");
                assert!(PathPattern::parse(pattern).is_ok(), "{group} {kind} {word}");
            }
            let count = KINDS.iter().filter(|(one, other, _)| one == group && other == kind).count();
            assert_eq!(count, 1, "{group} {kind}");
        }
    }

    #[test]
    fn images_are_found_in_all_places() {
        let spec = "{initContainers: [{image: a}], containers: [{image: b}, {name: c}], ephemeralContainers: [{image: d}], volumes: [{image: {reference: e}}, {emptyDir: {}}]}";
        let paths = |prefix: &str| {
            ["initContainers[0].image", "containers[0].image", "containers[1].image", "ephemeralContainers[0].image"]
                .iter()
                .chain(["volumes[0].image.reference"].iter())
                .map(|path| format!("{prefix}{path}"))
                .collect::<Vec<_>>()
        };
        for (object, prefix) in [
            (format!("apiVersion: v1\nkind: Pod\nspec: {spec}\n"), "spec."),
            (format!("apiVersion: v1\nkind: PodTemplate\ntemplate: {{spec: {spec}}}\n"), "template.spec."),
            (
                format!("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {{template: {{spec: {spec}}}}}\n"),
                "spec.template.spec.",
            ),
            (format!("apiVersion: example.com/v1\nkind: Any\nlist: [{{pod: {spec}}}]\n"), "list[0].pod."),
        ] {
            let expected = paths(prefix);
            check(&object, &expected.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }

    #[test]
    fn custom_kinds_have_images_elsewhere() {
        check(
            "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nspec: {image: a, thanos: {image: b}, containers: [{name: c}]}\n",
            &["spec.containers[0].image", "spec.image", "spec.thanos.image"],
        );
        check(
            "apiVersion: kafka.strimzi.io/v1\nkind: Kafka\nspec: {kafka: {image: a}, entityOperator: {topicOperator: {image: b}}}\n",
            &["spec.kafka.image", "spec.entityOperator.topicOperator.image"],
        );
    }

    #[test]
    fn schemas_and_built_in_kinds_are_not_searched() {
        let body = "spec: {containers: [{image: a}]}\n";
        check(&format!("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n{body}"), &[]);
        check(&format!("apiVersion: v1\nkind: ConfigMap\n{body}"), &[]);
        check(&format!("apiVersion: apps/v1\nkind: Other\n{body}"), &[]);
    }

    #[test]
    fn aliases_of_aliases_are_bounded() {
        let mut text = "apiVersion: example.com/v1\nkind: Any\na0: &a0 {x: {}}\n".to_owned();
        for level in 1..=9 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            text += &format!("a{level}: &a{level} [{aliases}]\n");
        }
        let manifests = Manifests::from_bytes(text.into_bytes()).expect("a stream");
        let read = manifests.read(|object| images(object, &[]).map(drop));
        assert!(read.expect_err("too much").to_string().contains("aliases"));
    }
}
