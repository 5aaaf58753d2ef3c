//! Which objects move, and where.

use std::collections::BTreeMap;

use windlass_pdk::kinds::{Scope, Scopes};
use windlass_pdk::references::Reference;
use windlass_pdk::{Error, Manifests, Object, Path, Value, warn};

use crate::settings::{OnExisting, Settings, UnknownKinds};

/// Where an object of the stream stood and will stand.
pub(crate) struct Moved {
    group: String,
    /// Nothing: where the release stands.
    pub(crate) old: Option<String>,
    pub(crate) new: String,
}

/// All objects that move, those that are there already included.
pub(crate) struct Moves<'s> {
    settings: &'s Settings,
    scopes: Scopes,
    /// By kind and name.
    objects: BTreeMap<(String, String), Vec<Moved>>,
    /// What the namespaces become whose objects move; nothing where they do not all move to one.
    namespaces: BTreeMap<String, Option<String>>,
    /// The Namespace objects of the stream.
    there: Vec<String>,
}

impl<'s> Moves<'s> {
    /// Reads the stream.
    ///
    /// # Errors
    /// Two objects that would become one, and a document that cannot be read.
    pub(crate) fn read(settings: &'s Settings, manifests: &Manifests) -> Result<Self, Error> {
        let mut scopes = Scopes::read(manifests)?;
        for (kinds, scope) in [(&settings.cluster_scoped, Scope::Cluster), (&settings.namespaced, Scope::Namespaced)] {
            kinds.iter().for_each(|it| scopes.add(it.group.clone(), it.kind.clone(), scope));
        }
        let mut moves =
            Moves { settings, scopes, objects: BTreeMap::new(), namespaces: BTreeMap::new(), there: Vec::new() };
        manifests.read_all(|object| {
            if object.kind() == "Namespace" && object.group().is_empty() {
                moves.there.push(object.name().to_owned());
            }
            if manifests.is_target(object) { moves.add(object) } else { Ok(()) }
        })?;
        for (old, new) in &settings.moves {
            moves.namespaces.insert(old.clone(), Some(new.clone()));
        }
        Ok(moves)
    }

    fn add(&mut self, object: &Object<'_>) -> Result<(), Error> {
        let Some(new) = self.new_namespace(object)? else { return Ok(()) };
        let release = self.settings.release_namespace.as_deref();
        let old = object.namespace().or(release).map(str::to_owned);
        if let Some(old) = old.as_ref().filter(|old| **old != new) {
            let known = self.namespaces.entry(old.clone()).or_insert_with(|| Some(new.clone()));
            if known.as_ref() != Some(&new) {
                *known = None;
            }
        }
        let key = (object.kind().to_owned(), object.name().to_owned());
        let same = self.objects.entry(key).or_default();
        // A hook and a template may be the same object; two of different namespaces may not become one.
        let twin = same.iter().find(|it| it.group == object.group() && it.new == new && it.old != old);
        if let Some(Moved { old: Some(other), .. }) = twin
            && let Some(old) = &old
            && *old != new
            && *other != new
        {
            let message = format!(
                "it and the one in `{other}` would both stand in `{new}`, and one would take the other's place; move them to \
                 different namespaces with `moves`, or leave one out with `targets`"
            );
            return Err(object.refuse(message).into());
        }
        same.push(Moved { group: object.group().to_owned(), old, new });
        Ok(())
    }

    /// The namespace that an object is to have; nothing where it stays as it is.
    ///
    /// # Errors
    /// An object with another namespace, where the configuration says so.
    pub(crate) fn new_namespace(&self, object: &Object<'_>) -> Result<Option<String>, Error> {
        let settings = self.settings;
        let there = object.namespace();
        match self.scopes.of(object) {
            Scope::Cluster => return Ok(None),
            Scope::Unknown if settings.unknown_kinds == UnknownKinds::Keep && there.is_none() => return Ok(None),
            Scope::Unknown | Scope::Namespaced => {}
        }
        // What is no object has no namespace to stand in.
        if object.kind().is_empty() {
            return Ok(None);
        }
        let stands_in = there.or(settings.release_namespace.as_deref());
        if let Some((_, new)) = settings.moves.iter().find(|(old, _)| Some(old.as_str()) == stands_in) {
            return Ok(Some(new.clone()));
        }
        let Some(namespace) = &settings.namespace else { return Ok(None) };
        match (there, settings.on_existing) {
            (Some(there), OnExisting::Error) if there != namespace => {
                let message = format!(
                    "the namespace is `{there}` already and would become `{namespace}`, and `onExisting` is `error`"
                );
                Err(object.refuse_at(&Path::new(["metadata", "namespace"]), message).into())
            }
            // What another move gave stays.
            (Some(there), _) if settings.moves.iter().any(|(_, new)| new == there) => Ok(None),
            (Some(there), OnExisting::Keep) if there != namespace => Ok(None),
            _ => Ok(Some(namespace.clone())),
        }
    }

    /// The object of the stream that a reference leads to, if it moves. `from` is where the object with the reference
    /// stood.
    pub(crate) fn target(&self, reference: &Reference, from: Option<&str>) -> Option<&Moved> {
        let objects = self.objects.get(&(reference.kind.clone(), reference.name.clone()))?;
        objects.iter().find(|moved| {
            // In its new place it is the same object: a second run finds what the first one wrote.
            [moved.old.as_deref(), Some(moved.new.as_str())]
                .iter()
                .any(|namespace| reference.is_to(&moved.group, &reference.kind, &reference.name, *namespace, from))
        })
    }

    /// Whether an object of this kind, name and namespace moves, and where.
    pub(crate) fn object(&self, kind: &str, name: &str, namespace: &str) -> Option<&str> {
        let objects = self.objects.get(&(kind.to_owned(), name.to_owned()))?;
        let moved = objects.iter().find(|moved| moved.old.as_deref() == Some(namespace))?;
        Some(moved.new.as_str()).filter(|new| *new != namespace)
    }

    /// What a namespace becomes, if its objects move to one place.
    pub(crate) fn namespace(&self, old: &str) -> Option<&str> {
        self.namespaces.get(old)?.as_deref().filter(|new| *new != old)
    }

    /// Gives a Namespace object its new name.
    pub(crate) fn rename_namespace(&self, object: &mut Object<'_>) -> Result<(), Error> {
        if object.kind() != "Namespace" || !object.group().is_empty() {
            return Ok(());
        }
        let Some(new) = self.namespace(object.name()).map(str::to_owned) else { return Ok(()) };
        if self.there.contains(&new) {
            warn!("{}: it stays as it is: there is a Namespace `{new}` in the stream already", object.describe());
            return Ok(());
        }
        // A label by this name is what Kubernetes puts there itself.
        let label = Path::new(["metadata", "labels", "kubernetes.io/metadata.name"]);
        if object.get(&label).is_some() {
            object.set(&label, Value::String(new.clone()))?;
        }
        object.set(&Path::new(["metadata", "name"]), Value::String(new))?;
        Ok(())
    }
}
