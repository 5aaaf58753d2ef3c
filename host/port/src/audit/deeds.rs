//! What a renderer does to a stream, in the words of the plugins that can do it instead.

use std::sync::LazyLock;

use regex_lite::Regex;

/// One thing that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deed {
    Select,
    Labels,
    Annotations,
    Sidecar,
    InitContainer,
    Volumes,
    Containers,
    Scheduling,
    Images,
    Digests,
    Namespace,
    Rename,
    Resources,
    Patch,
    Expression,
    Deduplicate,
    Checksum,
    Policy,
    Hooks,
    Placeholders,
}

impl Deed {
    /// The plugin made for it.
    pub(crate) fn plugin(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Labels | Self::Annotations => "label-injector",
            Self::Sidecar | Self::InitContainer | Self::Volumes => "sidecar-injector",
            Self::Containers => "containers",
            Self::Scheduling => "scheduling",
            Self::Images => "images",
            Self::Digests => "pin-images",
            Self::Namespace => "namespace",
            Self::Rename => "rename",
            Self::Resources => "resources",
            Self::Patch => "patcher",
            Self::Expression | Self::Placeholders => "expression",
            Self::Deduplicate => "server-side-apply",
            Self::Checksum => "checksum",
            Self::Policy => "policy",
            Self::Hooks => "hooks",
        }
    }

    /// Whether kustomize's patches can say it.
    fn can_be_patch(self) -> bool {
        matches!(
            self,
            Self::Select
                | Self::Labels
                | Self::Annotations
                | Self::Sidecar
                | Self::InitContainer
                | Self::Volumes
                | Self::Containers
                | Self::Scheduling
                | Self::Images
                | Self::Patch
                | Self::Hooks
        )
    }

    fn can_be_expression(self) -> bool {
        !matches!(self, Self::Resources | Self::Digests | Self::Checksum | Self::Rename)
    }

    /// In a few words.
    pub(crate) fn says(self) -> &'static str {
        match self {
            Self::Select => "drops or selects objects",
            Self::Labels => "sets labels",
            Self::Annotations => "sets annotations",
            Self::Sidecar => "adds a container",
            Self::InitContainer => "adds an init container",
            Self::Volumes => "adds volumes, mounts or pull secrets",
            Self::Containers => "changes containers (environment, resources, probes, arguments, security)",
            Self::Scheduling => "changes scheduling",
            Self::Images => "rewrites images",
            Self::Digests => "pins images to digests",
            Self::Namespace => "sets namespaces",
            Self::Rename => "renames objects",
            Self::Resources => "adds objects",
            Self::Patch => "patches fields",
            Self::Expression => "edits values and texts",
            Self::Deduplicate => "removes duplicate list entries",
            Self::Checksum => "writes a checksum over other objects",
            Self::Policy => "refuses what breaks a rule",
            Self::Hooks => "changes hooks",
            Self::Placeholders => "fills in placeholders",
        }
    }
}

/// The plugins that do all of it, the closest first.
pub(crate) fn proposals(deeds: &[Deed]) -> Vec<Vec<String>> {
    let mut closest: Vec<String> = Vec::new();
    for deed in deeds {
        let plugin = deed.plugin().to_owned();
        if !closest.contains(&plugin) {
            closest.push(plugin);
        }
    }
    let mut found = Vec::new();
    let mut offer = |plugins: Vec<String>| {
        if !plugins.is_empty() && !found.contains(&plugins) {
            found.push(plugins);
        }
    };
    let rest = |fits: fn(Deed) -> bool, general: &str| {
        let mut plugins = vec![general.to_owned()];
        plugins.extend(deeds.iter().filter(|deed| !fits(**deed)).map(|deed| deed.plugin().to_owned()));
        let mut seen: Vec<String> = Vec::new();
        plugins.into_iter().for_each(|plugin| {
            if !seen.contains(&plugin) {
                seen.push(plugin)
            }
        });
        seen
    };
    offer(closest);
    if deeds.iter().any(|deed| deed.can_be_patch()) {
        offer(rest(Deed::can_be_patch, "patcher"));
    }
    if deeds.iter().any(|deed| deed.can_be_expression()) {
        offer(rest(Deed::can_be_expression, "expression"));
    }
    if deeds.contains(&Deed::Digests) {
        offer(vec!["images".to_owned()]);
    }
    found
}

/// Adds a deed once.
pub(crate) fn add(deeds: &mut Vec<Deed>, deed: Deed) {
    if !deeds.contains(&deed) {
        deeds.push(deed);
    }
}

const POD_SCHEDULING: &[&str] = &[
    "nodeSelector",
    "tolerations",
    "affinity",
    "nodeAffinity",
    "podAntiAffinity",
    "podAffinity",
    "topologySpreadConstraints",
    "priorityClassName",
    "runtimeClassName",
    "schedulerName",
    "hostNetwork",
    "dnsPolicy",
    "dnsConfig",
    "hostAliases",
    "terminationGracePeriodSeconds",
    "nodeName",
    "enableServiceLinks",
    "preemptionPolicy",
];
const CONTAINER: &[&str] = &[
    "env",
    "envFrom",
    "resources",
    "limits",
    "requests",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "securityContext",
    "command",
    "args",
    "imagePullPolicy",
    "lifecycle",
    "ports",
    "runAsUser",
    "runAsNonRoot",
    "allowPrivilegeEscalation",
    "readOnlyRootFilesystem",
    "capabilities",
    "seccompProfile",
    "fsGroup",
    "stdin",
    "tty",
    "automountServiceAccountToken",
];
const VOLUME: &[&str] = &["volumes", "volumeMounts", "imagePullSecrets", "mountPath"];
const HOOK_WORDS: &[&str] = &["helm.sh/hook", "helm.sh/hook-delete-policy", "helm.sh/hook-weight"];

fn pattern(cell: &'static LazyLock<Option<Regex>>) -> Option<&'static Regex> {
    cell.as_ref()
}

static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z][A-Za-z0-9_]*(?:\.sh/[a-z-]+)?").ok());
static APPENDS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)\.?(init)?containers["'\])}]*\s*(\+=|\|=\s*\.\s*\+|=\s*\[|\.append|\.push|\.insert|\.unshift|\.extend|<<|\.concat|,\s*(?:sidecar|container))|append\([^)\n]*containers|(?:setdefault|get)\(["'](init)?containers["'],\s*\[\]\)\.(?:append|insert|extend)"#).ok()
});

/// What a list of words of a path, an expression or a program's strings touches.
pub(crate) fn of_words(text: &str, deeds: &mut Vec<Deed>) {
    let Some(word) = pattern(&WORD) else { return };
    let mut found: Vec<&str> = word.find_iter(text).map(|word| word.as_str()).take(20_000).collect();
    found.sort_unstable();
    found.dedup();
    let has = |word: &str| found.binary_search(&word).is_ok();
    let any = |words: &[&str]| words.iter().any(|word| has(word));
    if HOOK_WORDS.iter().any(|word| text.contains(word)) {
        add(deeds, Deed::Hooks);
    }
    if has("labels") || has("commonLabels") {
        add(deeds, Deed::Labels);
    }
    if (has("annotations") || has("commonAnnotations")) && !deeds.contains(&Deed::Hooks) {
        add(deeds, Deed::Annotations);
    }
    appended(text, deeds);
    if any(VOLUME) {
        add(deeds, Deed::Volumes);
    }
    if any(POD_SCHEDULING) {
        add(deeds, Deed::Scheduling);
    }
    if any(CONTAINER) {
        add(deeds, Deed::Containers);
    }
    if has("image") || has("images") {
        add(deeds, Deed::Images);
    }
    if has("replicas")
        || has("webhooks")
        || has("failurePolicy")
        || has("loadBalancerIP")
        || has("loadBalancerSourceRanges")
        || has("externalTrafficPolicy")
        || has("rules")
        || has("ingressClassName")
        || has("updateStrategy")
        || has("storageClassName")
        || has("strategy")
        || has("serviceAccountName")
        || has("caBundle")
        || has("accessModes")
        || has("clusterIP")
        || has("type")
    {
        add(deeds, Deed::Patch);
    }
}

/// Containers that are added to a list.
pub(crate) fn appended(text: &str, deeds: &mut Vec<Deed>) {
    let Some(appends) = pattern(&APPENDS) else { return };
    for found in appends.find_iter(text).take(100) {
        let is_init = found.as_str().to_ascii_lowercase().contains("initcontainers");
        add(deeds, if is_init { Deed::InitContainer } else { Deed::Sidecar });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(deeds: &[Deed], expected: &[&[&str]]) {
        assert_eq!(proposals(deeds), expected);
    }

    #[test]
    fn the_closest_plugins_come_first() {
        check(&[Deed::Select], &[&["select"], &["patcher"], &["expression"]]);
        check(&[Deed::Resources], &[&["resources"]]);
        check(
            &[Deed::Labels, Deed::Resources],
            &[&["label-injector", "resources"], &["patcher", "resources"], &["expression", "resources"]],
        );
    }
}
