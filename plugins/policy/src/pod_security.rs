//! Kubernetes' Pod Security Standards, as `k8s.io/pod-security-admission` checks them (version 0.37, the latest rules).
//! Its own test data is among the tests.

use windlass_pdk::{Node, Object, Path};

use crate::Finding;

/// A level of the standards.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Baseline,
    /// What is beyond the baseline; who asks for it asks for both.
    Restricted,
}

const CAPABILITIES: [&str; 13] = [
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

const SYSCTLS: [&str; 14] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_notsent_lowat",
];

const SELINUX_TYPES: [&str; 5] = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

const VOLUMES: [&str; 9] = [
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

const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// A pod's spec or a part of it, with the way to it.
#[derive(Clone)]
struct Place<'n> {
    node: Option<Node<'n>>,
    path: Path,
}

impl<'n> Place<'n> {
    fn get(&self, key: &str) -> Place<'n> {
        let node = self.node.and_then(|node| node.get(key)).filter(|node| !node.is_null());
        Place { node, path: self.path.key(key) }
    }

    fn at(&self, keys: &[&str]) -> Place<'n> {
        keys.iter().fold(self.clone(), |place, key| place.get(key))
    }

    fn items(&self) -> Vec<Place<'n>> {
        let items = self.node.iter().flat_map(Node::items).enumerate();
        items.map(|(index, node)| Place { node: Some(node), path: self.path.index(index) }).collect()
    }

    fn text(&self) -> Option<String> {
        self.node.and_then(|node| node.scalar_text()).map(|text| text.into_owned())
    }

    fn flag(&self) -> Option<bool> {
        self.node.and_then(|node| node.as_bool())
    }
}

/// Checks one pod. `spec` is the path of its spec, `metadata` that of its metadata.
pub(crate) fn check(object: &Object<'_>, spec: &Path, metadata: &Path, level: Level, findings: &mut Vec<Finding>) {
    let pod = Place { node: object.get(spec), path: spec.clone() };
    let metadata = Place { node: object.get(metadata), path: metadata.clone() };
    let containers: Vec<Place<'_>> =
        ["initContainers", "containers", "ephemeralContainers"].iter().flat_map(|list| pod.get(list).items()).collect();
    let mut forbid = |place: &Place<'_>, message: String| {
        findings.push(Finding { path: Some(place.path.clone()), message });
    };
    match level {
        Level::Baseline => check_baseline(&pod, &metadata, &containers, &mut forbid),
        Level::Restricted => check_restricted(&pod, &containers, &mut forbid),
    }
}

fn check_baseline(
    pod: &Place<'_>,
    metadata: &Place<'_>,
    containers: &[Place<'_>],
    forbid: &mut dyn FnMut(&Place<'_>, String),
) {
    for key in ["hostNetwork", "hostPID", "hostIPC"] {
        let place = pod.get(key);
        if place.flag() == Some(true) {
            forbid(&place, format!("`{key}: true` is forbidden"));
        }
    }
    for volume in pod.get("volumes").items() {
        let place = volume.get("hostPath");
        if place.node.is_some() {
            forbid(&place, "volumes of the host are forbidden".to_owned());
        }
    }
    for sysctl in pod.at(&["securityContext", "sysctls"]).items() {
        let name = sysctl.get("name").text().unwrap_or_default();
        if !SYSCTLS.contains(&name.as_str()) {
            forbid(&sysctl, format!("the sysctl `{name}` is forbidden"));
        }
    }
    for (key, value) in metadata.get("annotations").node.iter().flat_map(Node::entries) {
        let profile = value.scalar_text().unwrap_or_default();
        let is_allowed = profile.is_empty() || profile == "runtime/default" || profile.starts_with("localhost/");
        if key.starts_with(APP_ARMOR) && !is_allowed {
            let place = metadata.at(&["annotations", &key]);
            forbid(&place, format!("the AppArmor profile `{profile}` is forbidden"));
        }
    }
    for owner in std::iter::once(pod).chain(containers) {
        let context = owner.get("securityContext");
        let place = context.at(&["windowsOptions", "hostProcess"]);
        if place.flag() == Some(true) {
            forbid(&place, "processes of the host are forbidden".to_owned());
        }
        let place = context.at(&["appArmorProfile", "type"]);
        if let Some(profile) =
            place.text().filter(|profile| !matches!(profile.as_str(), "RuntimeDefault" | "Localhost"))
        {
            forbid(&place, format!("the AppArmor profile `{profile}` is forbidden"));
        }
        let place = context.at(&["seccompProfile", "type"]);
        if let Some(profile) =
            place.text().filter(|profile| !matches!(profile.as_str(), "RuntimeDefault" | "Localhost"))
        {
            forbid(&place, format!("the seccomp profile `{profile}` is forbidden"));
        }
        let options = context.get("seLinuxOptions");
        let place = options.get("type");
        if let Some(sort) = place.text().filter(|sort| !SELINUX_TYPES.contains(&sort.as_str())) {
            forbid(&place, format!("the SELinux type `{sort}` is forbidden"));
        }
        for key in ["user", "role"] {
            let place = options.get(key);
            if place.text().is_some_and(|text| !text.is_empty()) {
                forbid(&place, format!("a SELinux {key} is forbidden"));
            }
        }
    }
    let relaxes = pod.get("hostUsers").flag() == Some(false);
    for container in containers {
        let context = container.get("securityContext");
        let place = context.get("privileged");
        if place.flag() == Some(true) {
            forbid(&place, "privileged containers are forbidden".to_owned());
        }
        for capability in context.at(&["capabilities", "add"]).items() {
            let name = capability.text().unwrap_or_default();
            if !CAPABILITIES.contains(&name.as_str()) {
                forbid(&capability, format!("the capability `{name}` is forbidden"));
            }
        }
        let place = context.get("procMount");
        if let Some(sort) = place.text().filter(|sort| sort != "Default" && !relaxes) {
            forbid(&place, format!("the proc mount `{sort}` is forbidden"));
        }
        for port in container.get("ports").items() {
            let place = port.get("hostPort");
            if place.text().is_some_and(|text| text != "0") {
                forbid(&place, "ports of the host are forbidden".to_owned());
            }
        }
        let handlers = ["livenessProbe", "readinessProbe", "startupProbe"].map(|probe| container.get(probe));
        let hooks = ["postStart", "preStop"].map(|hook| container.at(&["lifecycle", hook]));
        for handler in handlers.iter().chain(&hooks) {
            for sort in ["httpGet", "tcpSocket"] {
                let place = handler.at(&[sort, "host"]);
                if place.text().is_some_and(|host| !host.is_empty()) {
                    forbid(&place, "the host of a probe or lifecycle handler is forbidden".to_owned());
                }
            }
        }
    }
}

fn check_restricted(pod: &Place<'_>, containers: &[Place<'_>], forbid: &mut dyn FnMut(&Place<'_>, String)) {
    for volume in pod.get("volumes").items() {
        let entries = volume.node.iter().flat_map(Node::entries);
        let sort =
            entries.filter(|(key, value)| key != "name" && !value.is_null()).map(|(key, _)| key.into_owned()).next();
        // One that says nothing is an `emptyDir`.
        if let Some(sort) = sort.filter(|_| !VOLUMES.iter().any(|sort| volume.get(sort).node.is_some())) {
            forbid(&volume, format!("a volume of the sort `{sort}` is forbidden"));
        }
    }
    let context = pod.get("securityContext");
    let is_windows = pod.at(&["os", "name"]).text().as_deref() == Some("windows");
    let relaxes = pod.get("hostUsers").flag() == Some(false);
    let pod_user = context.get("runAsUser");
    if !relaxes && pod_user.text().as_deref() == Some("0") {
        forbid(&pod_user, "user 0 is forbidden".to_owned());
    }
    let pod_non_root = context.get("runAsNonRoot");
    if !relaxes && pod_non_root.flag() == Some(false) {
        forbid(&pod_non_root, "`runAsNonRoot: false` is forbidden".to_owned());
    }
    let pod_has_profile = context.at(&["seccompProfile", "type"]).node.is_some();
    for container in containers {
        let context = container.get("securityContext");
        if !relaxes {
            let place = context.get("runAsUser");
            if place.text().as_deref() == Some("0") {
                forbid(&place, "user 0 is forbidden".to_owned());
            }
            let place = context.get("runAsNonRoot");
            match place.flag() {
                Some(false) => forbid(&place, "`runAsNonRoot: false` is forbidden".to_owned()),
                None if pod_non_root.flag() != Some(true) => {
                    forbid(&place, "`runAsNonRoot: true` is required, here or for the pod".to_owned());
                }
                _ => {}
            }
        }
        let place = context.get("procMount");
        if let Some(sort) = place.text().filter(|sort| sort != "Default" && relaxes) {
            forbid(&place, format!("the proc mount `{sort}` is forbidden"));
        }
        if is_windows {
            continue;
        }
        let place = context.get("allowPrivilegeEscalation");
        if place.flag() != Some(false) {
            forbid(&place, "`allowPrivilegeEscalation: false` is required".to_owned());
        }
        let place = context.at(&["seccompProfile", "type"]);
        if place.node.is_none() && !pod_has_profile {
            forbid(
                &place,
                "a seccomp profile is required, here or for the pod: RuntimeDefault or Localhost".to_owned(),
            );
        }
        let capabilities = context.get("capabilities");
        if !capabilities.get("drop").items().iter().any(|dropped| dropped.text().as_deref() == Some("ALL")) {
            forbid(&capabilities.get("drop"), "`drop: [ALL]` is required".to_owned());
        }
        for added in capabilities.get("add").items() {
            let name = added.text().unwrap_or_default();
            if name != "NET_BIND_SERVICE" && CAPABILITIES.contains(&name.as_str()) {
                forbid(&added, format!("the capability `{name}` is forbidden"));
            }
        }
    }
}
