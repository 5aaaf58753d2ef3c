//! The configuration, checked as far as that is possible without a pod.

use windlass_pdk::config::Key;
use windlass_pdk::pods::CustomPodTemplate;
use windlass_pdk::{Config, ConfigError, Pattern, Schema, Value, names};

use crate::environment::{self, Variable};
use crate::scalar::normal;

/// What to inject, as it is written.
#[derive(Debug, Config)]
struct Written {
    /// Containers to add, as in a pod's `containers`. One of the same name is replaced in place.
    #[config(default)]
    containers: Vec<Container>,
    /// Init containers to add, as in a pod's `initContainers`; with `restartPolicy: Always` they are native sidecars,
    /// which run beside the pod's containers. One of the same name is replaced in place.
    #[config(default)]
    init_containers: Vec<Container>,
    /// Where new init containers go.
    #[config(default)]
    init_container_order: InitContainerOrder,
    /// Volumes to add, as in a pod's `volumes`.
    #[config(default)]
    volumes: Vec<Volume>,
    /// Image pull secrets to add, as in a pod's `imagePullSecrets`.
    #[config(default)]
    image_pull_secrets: Vec<ImagePullSecret>,
    /// Volume mounts to add to the containers that are there. One of the same volume and path is replaced in place.
    #[config(default)]
    mounts: Vec<Mount>,
    /// Environment variables to add to the containers that are there. One of the same name is replaced in place.
    #[config(default)]
    env: Vec<EnvironmentVariable>,
    /// Workloads that Kubernetes does not bring itself, and where they keep their pod templates.
    #[config(default)]
    custom_pod_templates: Vec<CustomPodTemplate>,
}

/// What to inject.
#[derive(Debug)]
pub struct Settings {
    pub(crate) containers: Vec<Container>,
    pub(crate) init_containers: Vec<Container>,
    pub(crate) init_container_order: InitContainerOrder,
    pub(crate) volumes: Vec<Volume>,
    pub(crate) image_pull_secrets: Vec<ImagePullSecret>,
    pub(crate) mounts: Vec<Mount>,
    /// Each stands after those that it refers to.
    pub(crate) env: Vec<EnvironmentVariable>,
    pub(crate) custom_pod_templates: Vec<CustomPodTemplate>,
}

impl Config for Settings {
    const SCHEMA: Schema = Written::SCHEMA;
    const KEYS: &'static [Key] = Written::KEYS;

    fn read(value: Value) -> Result<Self, ConfigError> {
        let written = Written::read(value)?;
        let container_names = || written.containers.iter().map(|container| container.name.as_str());
        unique(container_names()).map_err(|error| error.under("containers"))?;
        unique(written.init_containers.iter().map(|container| container.name.as_str()))
            .map_err(|error| error.under("initContainers"))?;
        for (index, container) in written.init_containers.iter().enumerate() {
            check_init_container(container, container_names())
                .map_err(|error| error.under_index(index).under("initContainers"))?;
        }
        unique(written.volumes.iter().map(|volume| volume.name.as_str())).map_err(|error| error.under("volumes"))?;
        check_mounts(&written.mounts).map_err(|error| error.under("mounts"))?;
        Ok(Settings {
            containers: written.containers,
            init_containers: written.init_containers,
            init_container_order: written.init_container_order,
            volumes: written.volumes,
            image_pull_secrets: written.image_pull_secrets,
            mounts: written.mounts,
            env: ordered(written.env).map_err(|error| error.under("env"))?,
            custom_pod_templates: written.custom_pod_templates,
        })
    }
}

impl Settings {
    /// Whether a container of this name is one of those that are injected.
    pub(crate) fn injects(&self, name: &str) -> bool {
        self.containers.iter().chain(&self.init_containers).any(|container| container.name == name)
    }

    /// Whether there is nothing to inject.
    pub(crate) fn is_empty(&self) -> bool {
        self.containers.is_empty()
            && self.init_containers.is_empty()
            && self.volumes.is_empty()
            && self.image_pull_secrets.is_empty()
            && self.mounts.is_empty()
            && self.env.is_empty()
    }
}

/// Where new init containers go among those that are there. In each place they keep the order of the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum InitContainerOrder {
    /// Native sidecars before all others, the rest at the end.
    #[default]
    NativeSidecarsFirst,
    /// All before the others.
    First,
    /// All at the end.
    Last,
}

/// A container as Kubernetes describes it, of which only what injecting it depends on is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    pub(crate) name: String,
    /// Whether it has `restartPolicy: Always`.
    pub(crate) native_sidecar: bool,
    /// The volumes that it mounts.
    pub(crate) volumes: Vec<String>,
    pub(crate) value: Value,
}

impl Config for Container {
    const SCHEMA: Schema = Schema::Map(&Schema::Any);

    fn read(value: Value) -> Result<Self, ConfigError> {
        let mut value = map(value)?;
        let name = required_name(&mut value)?;
        if text(&mut value, "image")?.is_none_or(|image| image.is_empty()) {
            return Err(ConfigError::new("is required").under("image"));
        }
        let native_sidecar = text(&mut value, "restartPolicy")?.is_some_and(|policy| policy == "Always");
        for key in ["command", "args"] {
            each(&mut value, key, |item| string(item).map(|_| ()))?;
        }
        each(&mut value, "env", |item| {
            let name = text(item, "name")?.unwrap_or_default();
            names::environment_variable(&name).map_err(|problem| ConfigError::new(problem).under("name"))?;
            text(item, "value").map(|_| ())
        })?;
        let mut volumes = Vec::new();
        let mut paths: Vec<String> = Vec::new();
        each(&mut value, "volumeMounts", |item| {
            volumes.push(required_name(item)?);
            let path = text(item, "mountPath")?.filter(|path| !path.is_empty());
            let path = path.ok_or_else(|| ConfigError::new("is required").under("mountPath"))?;
            if paths.iter().any(|other| other == normal(&path)) {
                return Err(ConfigError::new(format!("`{path}` is there twice")).under("mountPath"));
            }
            paths.push(normal(&path).to_owned());
            Ok(())
        })?;
        each(&mut value, "volumeDevices", |item| {
            volumes.push(required_name(item)?);
            Ok(())
        })?;
        Ok(Container { name, native_sidecar, volumes, value })
    }
}

/// A volume as Kubernetes describes it.
#[derive(Clone, Debug)]
pub(crate) struct Volume {
    pub(crate) name: String,
    pub(crate) value: Value,
}

impl Config for Volume {
    const SCHEMA: Schema = Schema::Map(&Schema::Any);

    fn read(value: Value) -> Result<Self, ConfigError> {
        let mut value = map(value)?;
        let name = required_name(&mut value)?;
        let mut sources = value.as_map().unwrap_or_default().iter().map(|(key, _)| key).filter(|key| *key != "name");
        if let (Some(one), Some(other)) = (sources.next(), sources.next()) {
            return Err(ConfigError::new(format!("a volume has one source, not both `{one}` and `{other}`")));
        }
        Ok(Volume { name, value })
    }
}

/// The name of a Secret with the credentials for a registry.
#[derive(Clone, Debug, Config)]
pub(crate) struct ImagePullSecret {
    /// The Secret's name.
    #[config(check = check_secret_name)]
    pub(crate) name: String,
}

fn check_secret_name(name: &str) -> Result<(), ConfigError> {
    names::dns_subdomain(name).map_err(ConfigError::new)
}

/// Which of the containers that are there an entry is for.
#[derive(Clone, Debug, PartialEq, Config)]
pub(crate) struct Into {
    /// The names of containers, as an anchored regular expression.
    containers: Option<Pattern>,
    /// The names of init containers, as an anchored regular expression.
    init_containers: Option<Pattern>,
}

/// An entry without `into` is for every container, and no init container.
pub(crate) trait Takes {
    fn takes(&self, name: &str, init: bool) -> bool;
}

impl Takes for Option<Into> {
    fn takes(&self, name: &str, init: bool) -> bool {
        match self {
            None => !init,
            Some(into) => {
                let pattern = if init { &into.init_containers } else { &into.containers };
                pattern.as_ref().is_some_and(|pattern| pattern.matches(name))
            }
        }
    }
}

/// A volume mount and the containers to add it to, as it is written.
#[derive(Debug, Config)]
struct WrittenMount {
    /// The name of a volume: one of `volumes`, of the pod, or of a StatefulSet's claim templates.
    #[config(check = check_volume_name)]
    name: String,
    /// Where in the containers.
    #[config(check = check_mount_path)]
    mount_path: String,
    /// The file or folder in the volume; all of it when there is none.
    sub_path: Option<String>,
    /// As `subPath`, with `$(NAME)` for environment variables.
    sub_path_expr: Option<String>,
    /// Whether the containers can only read it.
    read_only: Option<bool>,
    /// `Disabled`, `IfPossible` or `Enabled`.
    recursive_read_only: Option<String>,
    /// `None`, `HostToContainer` or `Bidirectional`.
    mount_propagation: Option<String>,
    /// The containers to add it to; every container, but no init container, when there is none.
    into: Option<Into>,
}

fn check_volume_name(name: &str) -> Result<(), ConfigError> {
    names::dns_label(name).map_err(ConfigError::new)
}

fn check_mount_path(path: &str) -> Result<(), ConfigError> {
    match path {
        "" => Err(ConfigError::new("the path is empty")),
        path if path.contains(':') => Err(ConfigError::new(format!("`{path}` has a colon, which Kubernetes refuses"))),
        _ => Ok(()),
    }
}

/// A volume mount and the containers to add it to.
#[derive(Clone, Debug)]
pub(crate) struct Mount {
    pub(crate) name: String,
    /// Without slashes at its end.
    pub(crate) path: String,
    pub(crate) into: Option<Into>,
    /// What to write.
    pub(crate) entry: Value,
}

impl Config for Mount {
    const SCHEMA: Schema = WrittenMount::SCHEMA;

    fn read(value: Value) -> Result<Self, ConfigError> {
        let written = WrittenMount::read(value)?;
        if written.sub_path.is_some() && written.sub_path_expr.is_some() {
            return Err(ConfigError::new("give `subPath` or `subPathExpr`, not both"));
        }
        let string = Value::String;
        let entries = [
            ("name", Some(string(written.name.clone()))),
            ("mountPath", Some(string(written.mount_path.clone()))),
            ("subPath", written.sub_path.map(string)),
            ("subPathExpr", written.sub_path_expr.map(string)),
            ("readOnly", written.read_only.map(Value::Bool)),
            ("recursiveReadOnly", written.recursive_read_only.map(string)),
            ("mountPropagation", written.mount_propagation.map(string)),
        ];
        Ok(Mount {
            path: normal(&written.mount_path).to_owned(),
            name: written.name,
            into: written.into,
            entry: Value::map(entries.into_iter().filter_map(|(key, value)| Some((key, value?)))),
        })
    }
}

impl Mount {
    /// What to write, with the path spelled in this way.
    pub(crate) fn entry_at(&self, path: String) -> Value {
        let mut entry = self.entry.clone();
        if let Some(spelled) = entry.get_mut("mountPath") {
            *spelled = Value::String(path);
        }
        entry
    }
}

/// An environment variable and the containers to add it to, as it is written.
#[derive(Debug, Config)]
struct WrittenVariable {
    /// The variable's name.
    #[config(check = check_variable_name)]
    name: String,
    /// Its value; `$(NAME)` refers to a variable that stands before it.
    value: Option<String>,
    /// Where its value comes from, as in a container's `env`.
    value_from: Option<Value>,
    /// The containers to add it to; every container, but no init container, when there is none.
    into: Option<Into>,
}

fn check_variable_name(name: &str) -> Result<(), ConfigError> {
    names::environment_variable(name).map_err(ConfigError::new)
}

/// An environment variable and the containers to add it to.
#[derive(Clone, Debug)]
pub(crate) struct EnvironmentVariable {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) into: Option<Into>,
    /// What to write.
    pub(crate) entry: Value,
}

impl Config for EnvironmentVariable {
    const SCHEMA: Schema = WrittenVariable::SCHEMA;

    fn read(value: Value) -> Result<Self, ConfigError> {
        let written = WrittenVariable::read(value)?;
        let entries = match (&written.value, written.value_from) {
            (Some(_), Some(_)) => return Err(ConfigError::new("give `value` or `valueFrom`, not both")),
            (value, None) => value.iter().map(|value| ("value", Value::String(value.clone()))).collect::<Vec<_>>(),
            (None, Some(source)) => vec![("valueFrom", map(source).map_err(|error| error.under("valueFrom"))?)],
        };
        let name = [("name", Value::String(written.name.clone()))];
        Ok(EnvironmentVariable {
            name: written.name,
            value: written.value.unwrap_or_default(),
            into: written.into,
            entry: Value::map(name.into_iter().chain(entries)),
        })
    }
}

impl EnvironmentVariable {
    /// What its place among the others depends on.
    pub(crate) fn as_placed(&self) -> Variable {
        Variable { name: self.name.clone(), value: self.value.clone() }
    }
}

/// Sorts variables so that each stands after those that it refers to.
fn ordered(variables: Vec<EnvironmentVariable>) -> Result<Vec<EnvironmentVariable>, ConfigError> {
    for (index, variable) in variables.iter().enumerate() {
        let same = |other: &EnvironmentVariable| other.name == variable.name && other.into == variable.into;
        if variables.iter().take(index).any(same) {
            return Err(ConfigError::new(format!("`{}` is there twice", variable.name)).under_index(index));
        }
    }
    let placed: Vec<Variable> = variables.iter().map(EnvironmentVariable::as_placed).collect();
    let order = environment::order(&placed)
        .map_err(|circle| ConfigError::new(format!("{} refer to each other in a circle", circle.join(", "))))?;
    let mut variables: Vec<Option<EnvironmentVariable>> = variables.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|index| variables.get_mut(index)?.take()).collect())
}

/// An init container that ends has nothing to probe: Kubernetes takes these fields for native sidecars only.
fn check_init_container<'c>(
    container: &Container,
    mut containers: impl Iterator<Item = &'c str>,
) -> Result<(), ConfigError> {
    if containers.any(|other| other == container.name) {
        let message = format!("`{}` is the name of one of `containers` too", container.name);
        return Err(ConfigError::new(message).under("name"));
    }
    if container.native_sidecar {
        return Ok(());
    }
    for key in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
        if container.value.get(key).is_some() {
            return Err(ConfigError::new("is only for a native sidecar, with `restartPolicy: Always`").under(key));
        }
    }
    Ok(())
}

fn check_mounts(mounts: &[Mount]) -> Result<(), ConfigError> {
    for (index, mount) in mounts.iter().enumerate() {
        let same = |other: &Mount| other.path == mount.path && other.into == mount.into;
        if mounts.iter().take(index).any(same) {
            return Err(ConfigError::new(format!("`{}` is there twice", mount.path))
                .under("mountPath")
                .under_index(index));
        }
    }
    Ok(())
}

fn unique<'n>(names: impl Iterator<Item = &'n str>) -> Result<(), ConfigError> {
    let mut seen: Vec<&str> = Vec::new();
    for (index, name) in names.enumerate() {
        if seen.contains(&name) {
            return Err(ConfigError::new(format!("`{name}` is there twice")).under("name").under_index(index));
        }
        seen.push(name);
    }
    Ok(())
}

/// The value, if it is a map.
fn map(value: Value) -> Result<Value, ConfigError> {
    match value {
        Value::Map(_) => Ok(value),
        other => Err(ConfigError::new(format!("expected a map, found {}", other.type_name()))),
    }
}

/// The text of a value that Kubernetes wants as a string. A number or a boolean becomes one, by its own text: `8080`
/// may come from `--set`, where nothing can be quoted.
fn string(value: &mut Value) -> Result<String, ConfigError> {
    let text = String::read(value.clone())?;
    *value = Value::String(text.clone());
    Ok(text)
}

/// As [`string`] for the value under a key, if there is one.
fn text(map: &mut Value, key: &str) -> Result<Option<String>, ConfigError> {
    match map.get_mut(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => string(value).map(Some).map_err(|error| error.under(key)),
    }
}

/// The name of a container or a volume.
fn required_name(map: &mut Value) -> Result<String, ConfigError> {
    let name = text(map, "name")?.ok_or_else(|| ConfigError::new("is required").under("name"))?;
    names::dns_label(&name).map_err(|problem| ConfigError::new(problem).under("name"))?;
    Ok(name)
}

/// Does something with each item of the list under a key, if there is one.
fn each(
    map: &mut Value,
    key: &str,
    mut treat: impl FnMut(&mut Value) -> Result<(), ConfigError>,
) -> Result<(), ConfigError> {
    match map.get_mut(key) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::List(items)) => {
            for (index, item) in items.iter_mut().enumerate() {
                treat(item).map_err(|error| error.under_index(index).under(key))?;
            }
            Ok(())
        }
        Some(other) => Err(ConfigError::new(format!("expected a list, found {}", other.type_name())).under(key)),
    }
}
