//! Presets: Pod Security's levels (<https://kubernetes.io/docs/concepts/security/pod-security-standards/>, 1.37) and
//! OpenShift.
//!
//! A preset changes what can be changed without knowing the program: it drops what a level forbids and sets what it
//! asks for. What would need another program or volume, it says.

use windlass_pdk::pods::{Container, CustomPodTemplate, pod_specs};
use windlass_pdk::{Config, Error, Kind, Node, Object, Path, Value, warn};

use crate::remove;

/// What pods are made fit for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Config)]
pub(crate) enum Preset {
    /// Pod Security's `baseline`: no privileges that are known to be escalated.
    Baseline,
    /// Pod Security's `restricted`: `baseline`, and today's practice of hardening pods.
    Restricted,
    /// OpenShift: users, groups and SELinux labels are left to its security context constraints.
    Openshift,
}

/// The capabilities that `baseline` lets a container add.
const CAPABILITIES: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// The sysctls that `baseline` allows.
const SYSCTLS: &[&str] = &[
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
];

/// The kinds of SELinux labels that `baseline` allows.
const SELINUX_TYPES: &[&str] = &["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

/// The kinds of volumes that `restricted` allows.
const VOLUMES: &[&str] = &[
    "name",
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// Makes an object's pods and containers fit.
pub(crate) fn apply(
    object: &mut Object<'_>,
    preset: Preset,
    containers: &[Container],
    custom: &[CustomPodTemplate],
) -> Result<(), Error> {
    for spec in pod_specs(object, custom) {
        let context = spec.path.key("securityContext");
        match preset {
            Preset::Openshift => {
                let fields = ["runAsUser", "runAsGroup", "fsGroup", "supplementalGroups", "seLinuxOptions"];
                remove_all(object, &context, &fields, spec.path.segments().len())?;
            }
            // The fields of a custom kind's own spec are its own.
            Preset::Baseline | Preset::Restricted if spec.is_whole => {
                baseline_pod(object, &spec.path)?;
                if preset == Preset::Restricted {
                    restricted_pod(object, &spec.path)?;
                }
            }
            Preset::Baseline | Preset::Restricted => {}
        }
    }
    for Container { path, .. } in containers {
        let context = path.key("securityContext");
        let floor = path.segments().len();
        match preset {
            Preset::Openshift => remove_all(object, &context, &["runAsUser", "runAsGroup", "seLinuxOptions"], floor)?,
            Preset::Baseline => baseline_container(object, path)?,
            Preset::Restricted => {
                baseline_container(object, path)?;
                restricted_container(object, path)?;
            }
        }
    }
    Ok(())
}

fn remove_all(object: &mut Object<'_>, map: &Path, fields: &[&str], floor: usize) -> Result<(), Error> {
    for field in fields {
        let path = map.key(*field);
        if object.get(&path).is_some() {
            remove(object, &path, floor)?;
        }
    }
    Ok(())
}

fn is_true(object: &Object<'_>, path: &Path) -> bool {
    object.get(path).and_then(|node| node.as_bool()) == Some(true)
}

fn text(object: &Object<'_>, path: &Path) -> Option<String> {
    object.get(path)?.as_str().map(|text| text.into_owned())
}

fn baseline_pod(object: &mut Object<'_>, spec: &Path) -> Result<(), Error> {
    let floor = spec.segments().len();
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        if is_true(object, &spec.key(field)) {
            object.remove(&spec.key(field))?;
        }
    }
    let context = spec.key("securityContext");
    baseline_context(object, &context, floor)?;
    let sysctls = context.key("sysctls");
    let names: Vec<String> = texts(object.get(&sysctls), "name");
    for index in (0..names.len()).rev() {
        if names.get(index).is_some_and(|name| !SYSCTLS.contains(&name.as_str())) {
            remove(object, &sysctls.index(index), floor)?;
        }
    }
    let volumes = spec.key("volumes");
    for volume in object.get(&volumes).into_iter().flat_map(|list| list.items()) {
        if volume.get("hostPath").is_some() {
            let name = volume.get("name").and_then(|name| name.as_str()).unwrap_or_default();
            warn!(
                "{}: the volume `{name}` is a path of the node, which the level forbids; it stays",
                object.describe()
            );
        }
    }
    Ok(())
}

/// What `baseline` says of the security context of a pod and of a container alike.
fn baseline_context(object: &mut Object<'_>, context: &Path, floor: usize) -> Result<(), Error> {
    let labels = context.key("seLinuxOptions");
    let selinux_type = text(object, &labels.key("type")).unwrap_or_default();
    if !SELINUX_TYPES.contains(&selinux_type.as_str()) {
        remove(object, &labels.key("type"), floor)?;
    }
    remove_all(object, &labels, &["user", "role"], floor)?;
    for (profile, forbidden) in [("seccompProfile", "Unconfined"), ("appArmorProfile", "Unconfined")] {
        if text(object, &context.key(profile).key("type")).as_deref() == Some(forbidden) {
            remove(object, &context.key(profile), floor)?;
        }
    }
    let windows = context.key("windowsOptions").key("hostProcess");
    if is_true(object, &windows) {
        remove(object, &windows, floor)?;
    }
    Ok(())
}

fn baseline_container(object: &mut Object<'_>, container: &Path) -> Result<(), Error> {
    let floor = container.segments().len();
    let context = container.key("securityContext");
    if is_true(object, &context.key("privileged")) {
        remove(object, &context.key("privileged"), floor)?;
    }
    if text(object, &context.key("procMount")).is_some_and(|mount| mount != "Default") {
        remove(object, &context.key("procMount"), floor)?;
    }
    baseline_context(object, &context, floor)?;
    drop_capabilities(object, container, CAPABILITIES)?;
    let ports = container.key("ports");
    for index in 0..object.get(&ports).map_or(0, |ports| ports.items().count()) {
        let port = ports.index(index).key("hostPort");
        if object.get(&port).is_some_and(|port| port.as_i64() != Some(0)) {
            object.remove(&port)?;
        }
    }
    for handler in ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop"] {
        for action in ["httpGet", "tcpSocket"] {
            let path = handler.split('.').fold(container.clone(), |path, key| path.key(key));
            let host = path.key(action).key("host");
            if text(object, &host).is_some_and(|host| !host.is_empty()) {
                object.remove(&host)?;
            }
        }
    }
    Ok(())
}

fn drop_capabilities(object: &mut Object<'_>, container: &Path, allowed: &[&str]) -> Result<(), Error> {
    let list = container.key("securityContext").key("capabilities").key("add");
    let there: Vec<String> = object
        .get(&list)
        .into_iter()
        .flat_map(|list| list.items())
        .map(|item| item.as_str().unwrap_or_default().into_owned())
        .collect();
    for (index, capability) in there.iter().enumerate().rev() {
        if !allowed.contains(&capability.as_str()) {
            remove(object, &list.index(index), container.segments().len())?;
        }
    }
    Ok(())
}

fn texts(list: Option<Node<'_>>, key: &str) -> Vec<String> {
    let items = list.into_iter().flat_map(|list| list.items());
    items.map(|item| item.get(key).and_then(|it| it.as_str()).unwrap_or_default().into_owned()).collect()
}

/// `restricted` for what a pod and its containers share.
fn restricted_pod(object: &mut Object<'_>, spec: &Path) -> Result<(), Error> {
    if text(object, &spec.key("os").key("name")).as_deref() == Some("windows") {
        return Ok(());
    }
    let context = spec.key("securityContext");
    object.set(&context.key("runAsNonRoot"), Value::Bool(true))?;
    if object.get(&context.key("seccompProfile")).is_none_or(|profile| profile.get("type").is_none()) {
        object.set(&context.key("seccompProfile").key("type"), Value::from("RuntimeDefault"))?;
    }
    not_root(object, &context, spec.segments().len())?;
    for volume in object.get(&spec.key("volumes")).into_iter().flat_map(|list| list.items()) {
        for (key, _) in volume.entries() {
            if !VOLUMES.contains(&&*key) && key != "hostPath" {
                let name = volume.get("name").and_then(|name| name.as_str()).unwrap_or_default();
                warn!(
                    "{}: the volume `{name}` is of the kind `{key}`, which the level forbids; it stays",
                    object.describe()
                );
            }
        }
    }
    Ok(())
}

fn restricted_container(object: &mut Object<'_>, container: &Path) -> Result<(), Error> {
    let context = container.key("securityContext");
    // The pod's own fields count where a container says nothing.
    if object.get(&context.key("runAsNonRoot")).is_some_and(|node| node.as_bool() == Some(false)) {
        object.set(&context.key("runAsNonRoot"), Value::Bool(true))?;
    }
    not_root(object, &context, container.segments().len())?;
    object.set(&context.key("allowPrivilegeEscalation"), Value::Bool(false))?;
    drop_capabilities(object, container, &["NET_BIND_SERVICE"])?;
    let dropped = context.key("capabilities").key("drop");
    let is_all =
        |list: Node<'_>| list.kind() == Kind::List && list.items().any(|item| item.as_str().as_deref() == Some("ALL"));
    if !object.get(&dropped).is_some_and(is_all) {
        object.set(&dropped, Value::List(vec![Value::from("ALL")]))?;
    }
    Ok(())
}

/// The user 0 is gone; which other one the program can be, its image says.
fn not_root(object: &mut Object<'_>, context: &Path, floor: usize) -> Result<(), Error> {
    let user = context.key("runAsUser");
    if object.get(&user).and_then(|node| node.as_i64()) == Some(0) {
        warn!(
            "{}: {user} is 0 (root), which the level forbids; it is removed, and the image's own user counts",
            object.describe()
        );
        remove(object, &user, floor)?;
    }
    Ok(())
}
