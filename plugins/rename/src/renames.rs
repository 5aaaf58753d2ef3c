//! New names.

use std::collections::BTreeMap;

use windlass_pdk::references::references;
use windlass_pdk::{Error, Manifests, Object, Path, Value, names, warn};

use crate::settings::{NewName, OnMissing, Settings};

/// Kinds whose names say what they are: kustomize gives them no prefix either.
const UNTOUCHED: &[(&str, &str)] = &[
    ("", "Namespace"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "APIService"),
];

/// An object of the stream that gets another name.
struct Renamed {
    group: String,
    namespace: Option<String>,
    new: String,
}

/// All objects that get another name.
pub(crate) struct Renames<'s> {
    settings: &'s Settings,
    /// By kind and former name.
    objects: BTreeMap<(String, String), Vec<Renamed>>,
    is_used: Vec<bool>,
}

impl<'s> Renames<'s> {
    /// Reads the stream.
    ///
    /// # Errors
    /// Two objects that would have one name, and a name that Kubernetes would refuse.
    pub(crate) fn read(settings: &'s Settings, manifests: &Manifests) -> Result<Self, Error> {
        let mut renames = Renames { settings, objects: BTreeMap::new(), is_used: vec![false; settings.names.len()] };
        // Who has which name afterwards: kind, group, namespace and name, and the name before.
        let mut after: BTreeMap<(String, String, String, String), String> = BTreeMap::new();
        manifests.read_all(|object| {
            if object.name().is_empty() {
                return Ok(());
            }
            let new = if manifests.is_target(object) { renames.note(object) } else { None };
            let name = new.clone().unwrap_or_else(|| object.name().to_owned());
            if new.is_some() {
                check_name(object, &name)?;
            }
            let namespace = object.namespace().unwrap_or_default().to_owned();
            let key = (object.kind().to_owned(), object.group().to_owned(), namespace, name.clone());
            // The same object may be there twice, as a hook and as a template.
            let before = after.entry(key).or_insert_with(|| object.name().to_owned());
            if before != object.name() {
                let message = format!("it and {}/{before} would both be named `{name}`", object.kind());
                return Err(object.refuse(message).into());
            }
            if let Some(new) = new {
                let key = (object.kind().to_owned(), object.name().to_owned());
                let namespace = object.namespace().map(str::to_owned);
                let group = object.group().to_owned();
                renames.objects.entry(key).or_default().push(Renamed { group, namespace, new });
            }
            Ok(())
        })?;
        Ok(renames)
    }

    fn note(&mut self, object: &Object<'_>) -> Option<String> {
        for (index, entry) in self.settings.names.iter().enumerate() {
            // What is renamed already is what the entry is for, too.
            if (entry.is_for(object, &entry.name) || entry.is_for(object, &entry.new_name))
                && let Some(is_used) = self.is_used.get_mut(index)
            {
                *is_used = true;
            }
        }
        self.new_name(object)
    }

    fn new_name(&self, object: &Object<'_>) -> Option<String> {
        let Settings { prefix, suffix, names, .. } = self.settings;
        let name = object.name();
        if let Some(entry) = names.iter().find(|entry| entry.is_for(object, &entry.name)) {
            return Some(entry.new_name.clone()).filter(|new| new != name);
        }
        let is_untouched = UNTOUCHED.iter().any(|(group, kind)| *group == object.group() && *kind == object.kind());
        if is_untouched || names.iter().any(|entry| entry.is_for(object, &entry.new_name)) {
            return None;
        }
        let prefix = if name.starts_with(prefix.as_str()) { "" } else { prefix };
        let suffix = if name.ends_with(suffix.as_str()) { "" } else { suffix };
        Some(format!("{prefix}{name}{suffix}")).filter(|new| new != name)
    }

    /// Gives an object its new name.
    pub(crate) fn rename(&self, object: &mut Object<'_>) -> Result<(), Error> {
        if object.name().is_empty() {
            return Ok(());
        }
        if let Some(new) = self.new_name(object) {
            object.set(&Path::new(["metadata", "name"]), Value::String(new))?;
        }
        Ok(())
    }

    /// Gives what refers to renamed objects their new names.
    pub(crate) fn follow(&self, object: &mut Object<'_>) -> Result<(), Error> {
        if self.objects.is_empty() {
            return Ok(());
        }
        let from = object.namespace().map(str::to_owned);
        for reference in references(object, &[]) {
            let Some(renamed) = self.objects.get(&(reference.kind.clone(), reference.name.clone())) else { continue };
            let target = renamed.iter().find(|it| {
                reference.is_to(&it.group, &reference.kind, &reference.name, it.namespace.as_deref(), from.as_deref())
            });
            if let Some(target) = target {
                object.set(&reference.path, Value::String(target.new.clone()))?;
            }
        }
        Ok(())
    }

    /// Says which entries were for nothing.
    ///
    /// # Errors
    /// The first one, where the configuration says so.
    pub(crate) fn finish(&self, manifests: &Manifests) -> Result<(), Error> {
        let idle = self.settings.names.iter().zip(&self.is_used).enumerate().filter(|(_, (_, is_used))| !**is_used);
        for (index, (entry, _)) in idle {
            let message = format!("`names[{index}]`: there is no {} named `{}`", entry.kind, entry.name);
            match self.settings.on_missing {
                OnMissing::Ignore => {}
                OnMissing::Warn => warn!("{message}"),
                OnMissing::Error => {
                    let hint = "correct it, or set `onMissing: warn`";
                    return Err(Error::new(format!("{message}; {hint}{}", manifests.about_hooks())));
                }
            }
        }
        Ok(())
    }
}

impl NewName {
    fn is_for(&self, object: &Object<'_>, name: &str) -> bool {
        self.kind == object.kind()
            && name == object.name()
            && self.group.as_deref().is_none_or(|group| group == object.group())
            && self.namespace.as_deref().is_none_or(|namespace| Some(namespace) == object.namespace())
    }
}

/// Refuses a name that the API server would refuse. Roles and bindings may have any name that is a part of a path.
fn check_name(object: &Object<'_>, name: &str) -> Result<(), Error> {
    let checked = match (object.group(), object.kind()) {
        ("rbac.authorization.k8s.io", _) => Ok(()),
        ("", "Service") => names::dns_label(name),
        _ => names::dns_subdomain(name),
    };
    checked
        .map_err(|message| object.refuse_at(&Path::new(["metadata", "name"]), format!("the new name {message}")).into())
}
