//! Where objects name other objects: Kubernetes' own fields, and those of widely used custom kinds.
//!
//! The table began as kustomize's `nameReference` (`api/internal/konfig/builtinpluginconsts/namereference.go`); what a
//! `namePrefix` of both changes is compared on every chart (`tests/tests/set_kustomize.rs`). It follows pods into every
//! workload, and has what kustomize lacks: init and ephemeral containers everywhere, KEDA, Gateway API, cert-manager,
//! Prometheus operator, Argo Rollouts, Traefik.

mod table;

use windlass_manifest::{Kind, Node, Object, Path, Segment};

use crate::pods::{CONTAINER_LISTS, CustomPodTemplate, PathPattern, pod_specs};

/// One place where an object names another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The text that is the name.
    pub path: Path,
    /// The API group of the other object; empty for the core group.
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Where its namespace is said, for references that can lead into another one.
    pub namespace: Option<NamespacePlace>,
}

/// Where a reference says the namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespacePlace {
    /// The text, which may be missing.
    pub path: Path,
    /// What is there.
    pub namespace: Option<String>,
}

/// The objects that an object names, as far as they are known to be names. References to nothing (an empty name) are
/// not given.
#[must_use]
pub fn references(object: &Object<'_>, custom: &[CustomPodTemplate]) -> Vec<Reference> {
    let mut found = Found { references: Vec::new() };
    for (group, kinds, rows) in table::OBJECTS {
        if *group == object.group() && kinds.split(' ').any(|kind| kind == object.kind()) {
            rows.split_whitespace().for_each(|row| found.add_row(object, &Path::root(), row));
        }
    }
    table::ANY.split_whitespace().for_each(|row| found.add_row(object, &Path::root(), row));
    for spec in pod_specs(object, custom) {
        table::POD.split_whitespace().for_each(|row| found.add_row(object, &spec.path, row));
        for list in CONTAINER_LISTS {
            let list = spec.path.key(list);
            for index in 0..object.get(&list).map_or(0, |list| list.items().count()) {
                let container = list.index(index);
                table::CONTAINER.split_whitespace().for_each(|row| found.add_row(object, &container, row));
            }
        }
    }
    if object.group() == "rbac.authorization.k8s.io" && matches!(object.kind(), "Role" | "ClusterRole") {
        found.add_resource_names(object);
    }
    found.references
}

struct Found {
    references: Vec<Reference>,
}

impl Found {
    /// Adds what a row of the table finds below a place: `PATH>KIND.GROUP`, with `@KEY` behind it where that key beside
    /// the name says the namespace, or `PATH*KIND.GROUP` for a map that says kind and group itself.
    fn add_row(&mut self, object: &Object<'_>, below: &Path, row: &str) {
        let Some(root) = object.get(below) else { return };
        if let Some((pattern, target)) = row.split_once('>') {
            let (target, namespace_key) = match target.split_once('@') {
                Some((target, key)) => (target, Some(key)),
                None => (target, None),
            };
            let (kind, group) = target.split_once('.').unwrap_or((target, ""));
            for path in find(pattern, root) {
                let path = below.join(&path);
                self.add_name(object, path, group.to_owned(), kind.to_owned(), namespace_key);
            }
        } else if let Some((pattern, target)) = row.split_once('*').and_then(|_| row.rsplit_once('*')) {
            let (kind, group) = target.split_once('.').unwrap_or((target, ""));
            for path in find(pattern, root) {
                let path = below.join(&path);
                let Some(node) = object.get(&path).filter(|node| node.kind() == Kind::Map) else { continue };
                let said = |key: &str| node.get(key).and_then(|it| it.as_str()).map(|text| text.into_owned());
                let kind = said("kind").unwrap_or_else(|| kind.to_owned());
                let group = match (said("apiVersion"), said("apiGroup").or_else(|| said("group"))) {
                    (Some(version), _) => {
                        version.rsplit_once('/').map(|(group, _)| group.to_owned()).unwrap_or_default()
                    }
                    (None, Some(group)) => group,
                    // A kind without a group is of the default's, if it is the default; otherwise of the core group.
                    (None, None) => group.to_owned(),
                };
                self.add_name(object, path.key("name"), group, kind, Some("namespace"));
            }
        }
    }

    fn add_name(&mut self, object: &Object<'_>, path: Path, group: String, kind: String, namespace_key: Option<&str>) {
        let Some(name) = object.get(&path).and_then(|node| node.as_str()).map(|text| text.into_owned()) else { return };
        if name.is_empty() || kind.is_empty() {
            return;
        }
        let namespace = namespace_key.map(|key| {
            let mut owner = path.clone();
            owner.pop();
            let path = owner.key(key);
            let namespace = object.get(&path).and_then(|node| node.as_str()).map(|text| text.into_owned());
            NamespacePlace { path, namespace: namespace.filter(|text| !text.is_empty()) }
        });
        self.references.push(Reference { path, group, kind, name, namespace });
    }

    /// `resourceNames` of a role name objects of its `resources`. Of several resources the name may be of any of them.
    fn add_resource_names(&mut self, object: &Object<'_>) {
        let rules = Path::new(["rules"]);
        for (index, rule) in object.get(&rules).into_iter().flat_map(|rules| rules.items()).enumerate() {
            let texts = |key: &str| -> Vec<String> {
                let list: Option<Node<'_>> = rule.get(key);
                list.into_iter()
                    .flat_map(|list| list.items())
                    .filter_map(|item| item.as_str().map(|text| text.into_owned()))
                    .collect()
            };
            let (resources, groups) = (texts("resources"), texts("apiGroups"));
            let names = rules.index(index).key("resourceNames");
            let count = object.get(&names).map_or(0, |names| names.items().count());
            for (resource, kind, group) in table::RESOURCES {
                let is_meant = resources.iter().any(|it| it.split('/').next() == Some(*resource))
                    && groups.iter().any(|it| it == group);
                for at in (0..count).filter(|_| is_meant) {
                    self.add_name(object, names.index(at), (*group).to_owned(), (*kind).to_owned(), None);
                }
            }
        }
    }
}

fn find(pattern: &str, root: Node<'_>) -> Vec<Path> {
    PathPattern::parse(pattern).map(|pattern| pattern.find(root)).unwrap_or_default()
}

impl Reference {
    /// Whether the reference is to the object of this group, kind and name that stands in `namespace` (none: where the
    /// release stands). `from` is the namespace of the object that holds the reference.
    ///
    /// A namespace that nobody says fits every other: charts leave it out, or say it in some objects only.
    #[must_use]
    pub fn is_to(&self, group: &str, kind: &str, name: &str, namespace: Option<&str>, from: Option<&str>) -> bool {
        let said = self.namespace.as_ref().and_then(|place| place.namespace.as_deref()).or(from);
        self.name == name
            && self.kind == kind
            && is_same_group(&self.group, group)
            && match (said, namespace) {
                (Some(said), Some(namespace)) => said == namespace,
                _ => true,
            }
    }

    /// The list item or map that holds the name: `spec.volumes[2].configMap` of `spec.volumes[2].configMap.name`.
    #[must_use]
    pub fn owner(&self) -> Path {
        let mut owner = self.path.clone();
        if matches!(owner.segments().last(), Some(Segment::Key(_))) {
            owner.pop();
        }
        owner
    }
}

/// Whether two groups have the same kinds: workloads and Ingresses were in `extensions` once.
fn is_same_group(one: &str, other: &str) -> bool {
    let is_former = |former: &str, now: &str| former == "extensions" && matches!(now, "apps" | "networking.k8s.io");
    one == other || is_former(one, other) || is_former(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_manifest::{Error, Manifests};

    /// `PATH KIND.GROUP/[NAMESPACE/]NAME` of each reference.
    #[track_caller]
    fn check(object: &str, expected: &[&str]) {
        let mut found = Vec::new();
        let manifests = Manifests::from_bytes(object.as_bytes().to_vec()).expect("a stream");
        manifests
            .read(|object| {
                for reference in references(object, &[]) {
                    let namespace = reference.namespace.and_then(|place| place.namespace);
                    let namespace = namespace.map(|namespace| format!("{namespace}/")).unwrap_or_default();
                    let Reference { path, group, kind, name, .. } = reference;
                    found.push(format!("{path} {kind}.{group}/{namespace}{name}"));
                }
                Ok::<(), Error>(())
            })
            .expect("readable");
        assert_eq!(found, expected);
    }

    #[test]
    fn rows_can_be_read() {
        let rows = table::OBJECTS.iter().map(|(_, _, rows)| *rows).chain([table::ANY, table::POD, table::CONTAINER]);
        for row in rows.flat_map(str::split_whitespace) {
            let pattern = row.split_once('>').or_else(|| row.rsplit_once('*')).expect("a row").0;
            assert!(PathPattern::parse(pattern).is_ok(), "{row}");
        }
    }

    #[test]
    fn pods_name_what_they_use() {
        check(
            "apiVersion: batch/v1\nkind: CronJob\nspec: {jobTemplate: {spec: {template: {spec: {serviceAccountName: sa, initContainers: [{envFrom: [{secretRef: {name: s}}]}], containers: [{env: [{name: A, valueFrom: {configMapKeyRef: {name: c, key: k}}}]}], volumes: [{projected: {sources: [{secret: {name: p}}]}}]}}}}}\n",
            &[
                "spec.jobTemplate.spec.template.spec.volumes[0].projected.sources[0].secret.name Secret./p",
                "spec.jobTemplate.spec.template.spec.serviceAccountName ServiceAccount./sa",
                "spec.jobTemplate.spec.template.spec.initContainers[0].envFrom[0].secretRef.name Secret./s",
                "spec.jobTemplate.spec.template.spec.containers[0].env[0].valueFrom.configMapKeyRef.name ConfigMap./c",
            ],
        );
    }

    #[test]
    fn objects_are_named_with_kind_group_and_namespace() {
        check(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}\nsubjects: [{kind: ServiceAccount, name: a, namespace: ns}, {kind: User, name: u, apiGroup: rbac.authorization.k8s.io}]\n",
            &[
                "roleRef.name Role.rbac.authorization.k8s.io/r",
                "subjects[0].name ServiceAccount./ns/a",
                "subjects[1].name User.rbac.authorization.k8s.io/u",
            ],
        );
        check(
            "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: d}}\n",
            &["spec.scaleTargetRef.name Deployment.apps/d"],
        );
        check(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nspec: {parentRefs: [{name: g, namespace: infra}], rules: [{backendRefs: [{name: s, port: 80}]}]}\n",
            &[
                "spec.parentRefs[0].name Gateway.gateway.networking.k8s.io/infra/g",
                "spec.rules[0].backendRefs[0].name Service./s",
            ],
        );
        check(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nrules: [{apiGroups: [''], resources: [secrets, configmaps], resourceNames: [x]}, {apiGroups: [apps], resources: [secrets], resourceNames: [y]}]\n",
            &["rules[0].resourceNames[0] ConfigMap./x", "rules[0].resourceNames[0] Secret./x"],
        );
    }
}
