//! What one pod template needs: read it, check it against the configuration, and list the edits.
//!
//! Everything is checked before the first edit, so an error names a line of the stream as it came.

use windlass_pdk::pods::PodTemplate;
use windlass_pdk::{Error, Node, Object, Path, Value};

use crate::environment::{self, Variable};
use crate::ports::{self, Clash, Ports};
use crate::scalar::{normal, text};
use crate::settings::{Container, EnvironmentVariable, InitContainerOrder, Mount, Settings, Takes};

/// One change to an object. Edits run in the order in which they were planned; each path holds for the object as the
/// edits before it left it.
enum Edit {
    Set(Path, Value),
    Insert(Path, usize, Value),
    Append(Path, Value),
    /// Keys that a map does not have yet.
    Add(Path, Vec<(String, Value)>),
}

/// A container of the object, whichever list it stands in.
struct Existing<'a> {
    name: String,
    node: Node<'a>,
    path: Path,
}

/// A list under a pod's `spec` or in a container, and how to add to it.
struct List<'a> {
    key: &'static str,
    path: Path,
    /// `None` when the key is missing.
    node: Option<Node<'a>>,
}

impl<'a> List<'a> {
    fn of(parent: Node<'a>, parent_path: &Path, key: &'static str) -> Self {
        Self { key, path: parent_path.key(key), node: parent.get(key) }
    }

    fn items(&self) -> impl Iterator<Item = (usize, Node<'a>)> {
        self.node.into_iter().flat_map(|node| node.items()).enumerate()
    }

    /// Plans to add items at the end. A list that is missing altogether goes to `missing`, for one edit of its parent.
    fn append(self, values: Vec<Value>, edits: &mut Vec<Edit>, missing: &mut Vec<(String, Value)>) {
        if values.is_empty() {
            return;
        }
        match self.node {
            None => missing.push((self.key.to_owned(), Value::List(values))),
            Some(_) => edits.extend(values.into_iter().map(|value| Edit::Append(self.path.clone(), value))),
        }
    }
}

/// Makes the pod template hold what `settings` say.
///
/// # Errors
/// A name or path that is taken by something else, a volume that is missing, an impossible order of variables, and what
/// the manifest crate refuses to edit.
pub(crate) fn inject(object: &mut Object<'_>, template: &PodTemplate, settings: &Settings) -> Result<(), Error> {
    for edit in plan(object, template, settings)? {
        match edit {
            Edit::Set(path, value) => object.set(&path, value)?,
            Edit::Insert(path, index, value) => object.insert(&path, index, value)?,
            Edit::Append(path, value) => object.append(&path, value)?,
            Edit::Add(path, entries) => object.merge(&path, &entries)?,
        };
    }
    Ok(())
}

fn plan(object: &Object<'_>, template: &PodTemplate, settings: &Settings) -> Result<Vec<Edit>, Error> {
    let spec_path = template.path.key("spec");
    let Some(spec) = object.get(&spec_path).filter(|spec| !spec.is_null()) else {
        return Err(object
            .refuse_at(&template.path, "the pod has no `spec`, so there is nothing to inject into")
            .into());
    };
    let pod = Pod::read(object, template, spec, spec_path)?;
    pod.check_ports(settings)?;

    let mut edits = Vec::new();
    let mut missing = Vec::new();
    for (containers, init) in [(&pod.containers, false), (&pod.init_containers, true)] {
        for container in containers.iter().filter(|container| !settings.injects(&container.name)) {
            let mut missing_here = Vec::new();
            pod.environment(container, init, settings, &mut edits, &mut missing_here)?;
            pod.mounts(container, init, settings, &mut edits, &mut missing_here)?;
            if !missing_here.is_empty() {
                edits.push(Edit::Add(container.path.clone(), missing_here));
            }
        }
    }
    pod.add_containers(settings, &mut edits, &mut missing)?;
    pod.add_init_containers(settings, &mut edits, &mut missing)?;
    pod.add_volumes(settings, &mut edits, &mut missing)?;
    pod.add_image_pull_secrets(settings, &mut edits, &mut missing);
    if !missing.is_empty() {
        edits.push(Edit::Add(pod.path, missing));
    }
    Ok(edits)
}

/// A pod template as the plan needs it.
struct Pod<'a> {
    object: &'a Object<'a>,
    spec: Node<'a>,
    path: Path,
    containers: Vec<Existing<'a>>,
    init_containers: Vec<Existing<'a>>,
    ephemeral_containers: Vec<Existing<'a>>,
    /// The names of a StatefulSet's claim templates: each is a volume of its pods.
    claims: Vec<String>,
}

impl<'a> Pod<'a> {
    fn read(object: &'a Object<'a>, template: &PodTemplate, spec: Node<'a>, path: Path) -> Result<Self, Error> {
        let existing = |key: &'static str| -> Vec<Existing<'a>> {
            let list = List::of(spec, &path, key);
            let containers = list.items().map(|(index, node)| Existing {
                name: text(node, "name"),
                node,
                path: list.path.index(index),
            });
            containers.collect()
        };
        let claims = template.workload.as_ref().and_then(|workload| object.get(&workload.key("volumeClaimTemplates")));
        let claims = claims.into_iter().flat_map(|list| list.items());
        Ok(Self {
            object,
            spec,
            containers: existing("containers"),
            init_containers: existing("initContainers"),
            ephemeral_containers: existing("ephemeralContainers"),
            claims: claims.filter_map(|claim| claim.get("metadata")).map(|metadata| text(metadata, "name")).collect(),
            path,
        })
    }

    /// An error with the object and the line of a path.
    fn refuse(&self, path: &Path, message: String) -> Error {
        self.object.refuse_at(path, message).into()
    }

    fn list(&self, key: &'static str) -> List<'a> {
        List::of(self.spec, &self.path, key)
    }

    /// Whether the pod will have a volume of this name.
    fn has_volume(&self, name: &str, settings: &Settings) -> bool {
        settings.volumes.iter().any(|volume| volume.name == name)
            || self.claims.iter().any(|claim| claim == name)
            || self.list("volumes").items().any(|(_, volume)| text(volume, "name") == name)
    }

    fn require_volume(&self, name: &str, wanted_by: &str, settings: &Settings) -> Result<(), Error> {
        if self.has_volume(name, settings) {
            return Ok(());
        }
        Err(self.refuse(
            &self.path,
            format!("{wanted_by} mounts the volume `{name}`, which neither the pod nor `volumes` has; add it to `volumes`, or narrow `targets`"),
        ))
    }

    /// Refuses injected containers that want a port that is taken. An init container that ends is in nobody's way.
    fn check_ports(&self, settings: &Settings) -> Result<(), Error> {
        let is_on_host_network = self.spec.get("hostNetwork").and_then(|node| node.as_bool()) == Some(true);
        let runs_on = |container: &&Existing<'a>| text(container.node, "restartPolicy") == "Always";
        let existing = self.containers.iter().chain(self.init_containers.iter().filter(runs_on));
        let mut containers: Vec<Ports> = existing
            .filter(|container| !settings.injects(&container.name))
            .map(|container| Ports::of_node(&container.name, container.node, is_on_host_network))
            .collect();
        let native_sidecars = settings.init_containers.iter().filter(|container| container.native_sidecar);
        let injected = settings.containers.iter().chain(native_sidecars);
        containers
            .extend(injected.map(|container| Ports::of_value(&container.name, &container.value, is_on_host_network)));
        match ports::clash(&containers) {
            None => Ok(()),
            Some(Clash { one, other, what }) => Err(self.refuse(
                &self.path,
                format!(
                    "the containers `{}` and `{}` would both have {what}; give the injected one another, or narrow `targets`",
                    one.container, other.container
                ),
            )),
        }
    }

    fn add_containers(
        &self,
        settings: &Settings,
        edits: &mut Vec<Edit>,
        missing: &mut Vec<(String, Value)>,
    ) -> Result<(), Error> {
        let others =
            [("an init container", &self.init_containers), ("an ephemeral container", &self.ephemeral_containers)];
        let new = self.replace(&settings.containers, &self.containers, others, settings, edits)?;
        self.list("containers").append(new.into_iter().map(|one| one.value.clone()).collect(), edits, missing);
        Ok(())
    }

    fn add_init_containers(
        &self,
        settings: &Settings,
        edits: &mut Vec<Edit>,
        missing: &mut Vec<(String, Value)>,
    ) -> Result<(), Error> {
        let others = [("a container", &self.containers), ("an ephemeral container", &self.ephemeral_containers)];
        let new = self.replace(&settings.init_containers, &self.init_containers, others, settings, edits)?;
        let (front, back): (Vec<_>, Vec<_>) =
            new.into_iter().partition(|container| match settings.init_container_order {
                InitContainerOrder::NativeSidecarsFirst => container.native_sidecar,
                InitContainerOrder::First => true,
                InitContainerOrder::Last => false,
            });
        let mut front: Vec<Value> = front.into_iter().map(|one| one.value.clone()).collect();
        let mut back: Vec<Value> = back.into_iter().map(|one| one.value.clone()).collect();
        let list = self.list("initContainers");
        if self.init_containers.is_empty() {
            front.append(&mut back);
            list.append(front, edits, missing);
        } else {
            let path = list.path.clone();
            list.append(back, edits, missing);
            edits.extend(front.into_iter().enumerate().map(|(index, value)| Edit::Insert(path.clone(), index, value)));
        }
        Ok(())
    }

    /// Plans to replace the containers that are there under a configured name, and gives the others.
    fn replace<'s>(
        &self,
        configured: &'s [Container],
        existing: &[Existing<'a>],
        others: [(&str, &Vec<Existing<'a>>); 2],
        settings: &Settings,
        edits: &mut Vec<Edit>,
    ) -> Result<Vec<&'s Container>, Error> {
        let mut new = Vec::new();
        for container in configured {
            let name = &container.name;
            for (what, list) in others {
                if let Some(taken) = list.iter().find(|there| there.name == *name) {
                    let message = format!("the name `{name}` is taken by {what} of the pod");
                    return Err(self.refuse(&taken.path, message));
                }
            }
            for volume in &container.volumes {
                self.require_volume(volume, &format!("the container `{name}`"), settings)?;
            }
            match existing.iter().find(|there| there.name == *name) {
                None => new.push(container),
                Some(there) if there.node.means(&container.value) => {}
                Some(there) => edits.push(Edit::Set(there.path.clone(), container.value.clone())),
            }
        }
        Ok(new)
    }

    fn add_volumes(
        &self,
        settings: &Settings,
        edits: &mut Vec<Edit>,
        missing: &mut Vec<(String, Value)>,
    ) -> Result<(), Error> {
        let list = self.list("volumes");
        let mut new = Vec::new();
        for volume in &settings.volumes {
            let name = &volume.name;
            if self.claims.iter().any(|claim| claim == name) {
                return Err(self.refuse(
                    &self.path,
                    format!(
                        "the volume `{name}` would be hidden by the claim template of that name; give it another name"
                    ),
                ));
            }
            match list.items().find(|&(_, there)| text(there, "name") == *name) {
                None => new.push(volume.value.clone()),
                Some((_, there)) if there.means(&volume.value) => {}
                Some((index, _)) => {
                    return Err(self.refuse(
                        &list.path.index(index),
                        format!("the pod has another volume named `{name}`, which its containers may count on; give the one in `volumes` another name"),
                    ));
                }
            }
        }
        list.append(new, edits, missing);
        Ok(())
    }

    fn add_image_pull_secrets(&self, settings: &Settings, edits: &mut Vec<Edit>, missing: &mut Vec<(String, Value)>) {
        let list = self.list("imagePullSecrets");
        let secrets = settings
            .image_pull_secrets
            .iter()
            .filter(|secret| !list.items().any(|(_, there)| text(there, "name") == secret.name));
        let new =
            secrets.map(|secret| Value::Map(vec![("name".to_owned(), Value::String(secret.name.clone()))])).collect();
        list.append(new, edits, missing);
    }

    /// Plans the environment variables of one container.
    fn environment(
        &self,
        container: &Existing<'a>,
        init: bool,
        settings: &Settings,
        edits: &mut Vec<Edit>,
        missing: &mut Vec<(String, Value)>,
    ) -> Result<(), Error> {
        let mut wanted: Vec<&EnvironmentVariable> = Vec::new();
        for variable in settings.env.iter().filter(|variable| variable.into.takes(&container.name, init)) {
            if wanted.iter().any(|other| other.name == variable.name) {
                return Err(self.refuse(
                    &container.path,
                    format!("two entries of `env` set `{}` in the container `{}`", variable.name, container.name),
                ));
            }
            wanted.push(variable);
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let list = List::of(container.node, &container.path, "env");
        let mut variables: Vec<Variable> =
            list.items().map(|(_, node)| Variable { name: text(node, "name"), value: text(node, "value") }).collect();

        // What is there is replaced first: how the others are placed depends on what it refers to then.
        let mut new = Vec::new();
        let mut replaced = Vec::new();
        for variable in wanted {
            // The last of several is the one that counts.
            match list.items().filter(|&(_, there)| text(there, "name") == variable.name).last() {
                None => new.push(variable),
                Some((_, there)) if there.means(&variable.entry) => {}
                Some((index, _)) => {
                    edits.push(Edit::Set(list.path.index(index), variable.entry.clone()));
                    if let Some(there) = variables.get_mut(index) {
                        *there = variable.as_placed();
                    }
                    replaced.push(&variable.name);
                }
            }
        }
        // Where the new ones stand in the list with all those before them put in.
        let mut inserts: Vec<(usize, &EnvironmentVariable)> = Vec::new();
        for variable in new {
            let placed = variable.as_placed();
            let index = environment::place(&variables, &placed).map_err(|no_place| {
                let (name, environment::NoPlace { after, before }) = (&variable.name, no_place);
                let message = format!(
                    "`{name}` in the container `{}` refers to `{after}` and is referred to by `{before}`, which stands before `{after}`",
                    container.name
                );
                self.object.refuse_at(&list.path, message)
            })?;
            variables.insert(index, placed);
            inserts.push((index, variable));
        }
        for name in replaced {
            if let Some(index) = variables.iter().rposition(|variable| variable.name == *name)
                && let Some(later) = environment::reads_later(&variables, index)
            {
                let message = format!(
                    "`{name}` in the container `{}` would refer to `{later}`, which stands after it, so Kubernetes would not resolve it",
                    container.name
                );
                return Err(self.refuse(&list.path, message));
            }
        }
        if list.node.is_none() {
            let entries = variables.iter().filter_map(|placed| {
                let inserted = inserts.iter().find(|(_, variable)| variable.name == placed.name);
                inserted.map(|(_, variable)| variable.entry.clone())
            });
            let entries: Vec<Value> = entries.collect();
            list.append(entries, edits, missing);
            return Ok(());
        }
        // How long the list is when the turn of each comes.
        let lengths = variables.len() - inserts.len()..;
        for (length, (index, variable)) in lengths.zip(inserts) {
            edits.push(match index == length {
                true => Edit::Append(list.path.clone(), variable.entry.clone()),
                false => Edit::Insert(list.path.clone(), index, variable.entry.clone()),
            });
        }
        Ok(())
    }

    /// Plans the mounts of one container.
    fn mounts(
        &self,
        container: &Existing<'a>,
        init: bool,
        settings: &Settings,
        edits: &mut Vec<Edit>,
        missing: &mut Vec<(String, Value)>,
    ) -> Result<(), Error> {
        let list = List::of(container.node, &container.path, "volumeMounts");
        let mut new: Vec<&Mount> = Vec::new();
        for mount in settings.mounts.iter().filter(|mount| mount.into.takes(&container.name, init)) {
            let path = mount.path.as_str();
            self.require_volume(&mount.name, "an entry of `mounts`", settings)?;
            if new.iter().any(|other| other.path.as_str() == path) {
                return Err(self.refuse(
                    &container.path,
                    format!("two entries of `mounts` use `{path}` in the container `{}`", container.name),
                ));
            }
            let devices = List::of(container.node, &container.path, "volumeDevices");
            let device = devices.items().find(|&(_, there)| normal(&text(there, "devicePath")) == path);
            let there = list.items().find(|&(_, there)| normal(&text(there, "mountPath")) == path);
            match (there, device) {
                (None, None) => new.push(mount),
                (Some((index, there)), _) if text(there, "name") == mount.name => {
                    // `/data/` is the same place as `/data`, and stays as the chart spells it.
                    let entry = mount.entry_at(text(there, "mountPath"));
                    if !there.means(&entry) {
                        edits.push(Edit::Set(list.path.index(index), entry));
                    }
                }
                (Some((index, there)), _) => {
                    let message = format!(
                        "the container `{}` mounts the volume `{}` at `{path}` already; mount `{}` elsewhere",
                        container.name,
                        text(there, "name"),
                        mount.name
                    );
                    return Err(self.refuse(&list.path.index(index), message));
                }
                (None, Some((index, _))) => {
                    let message = format!(
                        "the container `{}` has a device at `{path}` already; mount `{}` elsewhere",
                        container.name, mount.name
                    );
                    return Err(self.refuse(&devices.path.index(index), message));
                }
            }
        }
        list.append(new.into_iter().map(|mount| mount.entry.clone()).collect(), edits, missing);
        Ok(())
    }
}
