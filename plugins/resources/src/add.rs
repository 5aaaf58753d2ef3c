//! Adding objects to the stream.

use windlass_pdk::kinds::{Scope, Scopes};
use windlass_pdk::{Error, Manifests, Object, Path, Value, names};

use crate::objects::{Common, OnExisting, Position, Resource, check_object};
use crate::values::{self, Values};

/// The kinds in the order in which Helm installs them (`pkg/release/v1/util/kind_sorter.go`); others come last.
const INSTALL_ORDER: [&str; 38] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

fn rank(kind: &str) -> usize {
    INSTALL_ORDER.iter().position(|known| *known == kind).unwrap_or(INSTALL_ORDER.len())
}

/// What tells an object from others. A hook and an object of the release may have the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    group: String,
    kind: String,
    name: String,
    /// `None` stands for the release's own.
    namespace: Option<String>,
    is_hook: bool,
}

impl Identity {
    fn of_object(object: &Object<'_>, common: &Common) -> Self {
        Identity {
            group: object.group().to_owned(),
            kind: object.kind().to_owned(),
            name: object.name().to_owned(),
            namespace: common.namespace(object.namespace()),
            is_hook: object.annotation(names::HOOK_ANNOTATION).is_some(),
        }
    }

    fn of_value(object: &Value, common: &Common) -> Self {
        let text = |map: Option<&Value>, key: &str| {
            map.and_then(|map| map.get(key)).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let metadata = object.get("metadata");
        let api_version = text(Some(object), "apiVersion");
        let namespace = text(metadata, "namespace");
        let annotations = metadata.and_then(|metadata| metadata.get("annotations"));
        Identity {
            group: api_version.split_once('/').map(|(group, _)| group.to_owned()).unwrap_or_default(),
            kind: text(Some(object), "kind"),
            name: text(metadata, "name"),
            namespace: common.namespace(Some(namespace.as_str()).filter(|namespace| !namespace.is_empty())),
            is_hook: annotations.is_some_and(|annotations| annotations.get(names::HOOK_ANNOTATION).is_some()),
        }
    }
}

impl Common {
    /// A namespace in one form: none is the release's.
    fn namespace(&self, written: Option<&str>) -> Option<String> {
        written.or(self.release_namespace.as_deref()).map(str::to_owned)
    }
}

/// An object that is to be in the release.
struct Addition<'r> {
    resource: &'r Resource,
    object: Value,
    identity: Identity,
    is_there: bool,
}

/// Adds all resources, or merges them with what is there.
pub(crate) fn add(resources: &[Resource], common: &Common, manifests: &mut Manifests) -> Result<(), Error> {
    let values = values::look_up(&common.values, manifests)?;
    let mut additions: Vec<Addition<'_>> = Vec::new();
    // Resources with namespaces of their own first: their namespaces count for the others, now and in a second run.
    let scopes = Scopes::read(manifests)?;
    let mut namespaces = namespaces_of(manifests, &scopes, common)?;
    for resource in resources.iter().filter(|resource| !resource.per_namespace) {
        let addition = Addition::make(resource, &values, None, common)?;
        if scopes.of_kind(&addition.identity.group, &addition.identity.kind) != Scope::Cluster {
            add_namespace(&mut namespaces, addition.identity.namespace.clone());
        } else if addition.identity.kind == "Namespace" {
            add_namespace(&mut namespaces, Some(addition.identity.name.clone()));
        }
        additions.push(addition);
    }
    for resource in resources.iter().filter(|resource| resource.per_namespace) {
        for namespace in &namespaces {
            if resource.is_for(namespace.as_deref()) {
                additions.push(Addition::make(resource, &values, Some(namespace.as_deref()), common)?);
            }
        }
    }
    check_twice(&additions)?;
    manifests.visit_all(|object| {
        let identity = Identity::of_object(object, common);
        let own = additions.iter_mut().find(|addition| addition.identity == identity);
        own.map_or(Ok(()), |addition| addition.meet(object))
    })?;
    insert(&additions, manifests)
}

/// The namespaces that the release's objects are in, and those that it makes.
fn namespaces_of(manifests: &Manifests, scopes: &Scopes, common: &Common) -> Result<Vec<Option<String>>, Error> {
    let mut namespaces = Vec::new();
    manifests.read(|object| {
        if object.kind() == "Namespace" && object.group().is_empty() {
            add_namespace(&mut namespaces, Some(object.name().to_owned()));
        } else if object.namespace().is_some() || scopes.of(object) == Scope::Namespaced {
            add_namespace(&mut namespaces, common.namespace(object.namespace()));
        }
        Ok(())
    })?;
    Ok(namespaces)
}

/// Keeps the namespaces in the order of their names, each once.
fn add_namespace(namespaces: &mut Vec<Option<String>>, namespace: Option<String>) {
    let at = namespaces.partition_point(|there| *there < namespace);
    if namespaces.get(at) != Some(&namespace) {
        namespaces.insert(at, namespace);
    }
}

impl Resource {
    fn is_for(&self, namespace: Option<&str>) -> bool {
        let name = namespace.unwrap_or_default();
        self.namespaces.as_ref().is_none_or(|pattern| pattern.matches(name))
            && !self.except_namespaces.as_ref().is_some_and(|pattern| pattern.matches(name))
    }
}

impl<'r> Addition<'r> {
    /// The object of a resource; for `perNamespace` with the namespace, none being the release's own that nobody knows.
    fn make(
        resource: &'r Resource,
        values: &Values,
        namespace: Option<Option<&str>>,
        common: &Common,
    ) -> Result<Self, Error> {
        let is_wrong = |problem: String| Error::config(format!("{}: {problem}", resource.origin));
        let mut object = match namespace.flatten() {
            Some(namespace) => {
                let mut values = values.clone();
                values.insert("namespace".to_owned(), Value::from(namespace));
                values::fill(&resource.object, &values)
            }
            None => values::fill(&resource.object, values),
        }
        .map_err(|problem| match namespace {
            Some(None) => is_wrong(format!(
                "{problem}: objects without a namespace are in the release's, which `releaseNamespace` tells"
            )),
            _ => is_wrong(problem),
        })?;
        check_object(&object, resource.per_namespace).map_err(|error| is_wrong(error.to_string()))?;
        // What is written into the release's own namespace says no more than the rest of the release does.
        let namespace = namespace.flatten().filter(|namespace| Some(*namespace) != common.release_namespace.as_deref());
        if let (Some(namespace), Some(Value::Map(metadata))) = (namespace, object.get_mut("metadata")) {
            let after_name = metadata.iter().position(|(key, _)| key == "name").map_or(0, |at| at + 1);
            metadata.insert(after_name, ("namespace".to_owned(), Value::from(namespace)));
        }
        let identity = Identity::of_value(&object, common);
        Ok(Addition { resource, object, identity, is_there: false })
    }

    /// Treats an object of the release that has the same identity.
    fn meet(&mut self, object: &mut Object<'_>) -> Result<(), Error> {
        self.is_there = true;
        match self.resource.on_existing {
            OnExisting::Keep => Ok(()),
            OnExisting::Merge => merge(object, &Path::root(), &self.object),
            OnExisting::Error => match differing(object, &Path::root(), &self.object) {
                None => Ok(()),
                Some(path) => Err(object
                    .refuse_at(
                        &path,
                        format!(
                            "the object is there already and differs from {}; set `onExisting: merge` or `keep`",
                            self.resource.origin
                        ),
                    )
                    .into()),
            },
        }
    }
}

/// Whether a key says which object it is: that is alike already, or another version of the same.
fn is_identity(path: &Path, key: &str) -> bool {
    path.is_root() && matches!(key, "apiVersion" | "kind")
        || matches!(path.segments(), [windlass_pdk::Segment::Key(map)] if map == "metadata")
            && matches!(key, "name" | "namespace")
}

/// The first place that the new object would change, if any.
fn differing(object: &Object<'_>, path: &Path, value: &Value) -> Option<Path> {
    let Value::Map(entries) = value else {
        return (!object.get(path).is_some_and(|node| node.means(value))).then(|| path.clone());
    };
    if !path.is_root() && object.get(path).is_none() {
        return Some(path.clone());
    }
    entries.iter().filter(|(key, _)| !is_identity(path, key)).find_map(|(key, value)| {
        let path = path.key(key);
        // A null asks for nothing to be there.
        if value.is_null() && object.get(&path).is_none_or(|node| node.is_null()) {
            return None;
        }
        differing(object, &path, value)
    })
}

/// JSON merge patch (RFC 7386): maps are merged, `null` removes, everything else is replaced.
fn merge(object: &mut Object<'_>, path: &Path, value: &Value) -> Result<(), Error> {
    let is_map = object.get(path).is_some_and(|node| node.kind() == windlass_pdk::Kind::Map);
    let Value::Map(entries) = value else {
        object.set(path, value.clone())?;
        return Ok(());
    };
    if !is_map {
        object.set(path, without_nulls(value))?;
        return Ok(());
    }
    for (key, value) in entries.iter().filter(|(key, _)| !is_identity(path, key)) {
        let path = path.key(key);
        if value.is_null() {
            object.remove(&path)?;
        } else {
            merge(object, &path, value)?;
        }
    }
    Ok(())
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Map(entries) => {
            let entries = entries.iter().filter(|(_, value)| !value.is_null());
            entries.map(|(key, value)| (key.clone(), without_nulls(value))).collect()
        }
        other => other.clone(),
    }
}

/// Two entries for one object would each have their way with it.
fn check_twice(additions: &[Addition<'_>]) -> Result<(), Error> {
    for (at, addition) in additions.iter().enumerate() {
        let Identity { kind, name, .. } = &addition.identity;
        if additions.iter().take(at).any(|earlier| earlier.identity == addition.identity) {
            return Err(Error::config(format!("{}: {kind}/{name} is to be added twice", addition.resource.origin)));
        }
    }
    Ok(())
}

/// Puts what is not there into the stream.
fn insert(additions: &[Addition<'_>], manifests: &mut Manifests) -> Result<(), Error> {
    let new: Vec<&Addition<'_>> = additions.iter().filter(|addition| !addition.is_there).collect();
    if new.is_empty() {
        return Ok(());
    }
    let mut ranks = Vec::new();
    manifests.read_all(|object| {
        ranks.push(rank(object.kind()));
        Ok(())
    })?;
    let mut placed: Vec<(usize, usize, Value)> = Vec::with_capacity(new.len());
    for addition in new {
        let own = rank(&addition.identity.kind);
        let (place, order) = match addition.resource.position {
            Position::Start => (0, 0),
            Position::End => (ranks.len(), usize::MAX),
            // Between objects that were put at the same place, the same order holds.
            Position::InstallOrder => (ranks.iter().position(|rank| *rank > own).unwrap_or(ranks.len()), own + 1),
        };
        let at = placed.partition_point(|(other, other_order, _)| (*other, *other_order) <= (place, order));
        placed.insert(at, (place, order, without_nulls(&addition.object)));
    }
    let placed: Vec<(usize, Value)> = placed.into_iter().map(|(place, _, object)| (place, object)).collect();
    manifests.insert(&placed)
}
