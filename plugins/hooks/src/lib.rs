//! Turns Helm hooks into objects of the release and objects into hooks, sets weights and delete policies, and says
//! which hooks Helm would drop without a word.

mod settings;

use std::collections::BTreeMap;

use windlass_pdk::{Error, Manifests, Object, Path, Value, names, plugin, warn};

pub use crate::settings::Settings;
use crate::settings::{OnUnknown, Rule, To, is_known_event};

/// The annotations that belong to a hook.
const HOOK_ANNOTATIONS: [&str; 4] = [names::HOOK_ANNOTATION, WEIGHT, DELETE_POLICY, OUTPUT_LOG_POLICY];
const WEIGHT: &str = "helm.sh/hook-weight";
const DELETE_POLICY: &str = "helm.sh/hook-delete-policy";
const OUTPUT_LOG_POLICY: &str = "helm.sh/hook-output-log-policy";

/// Applies to each object the first rule that is for it, and looks for hooks that Helm would drop.
///
/// # Errors
/// An unknown hook where the configuration forbids it, a hook that would become a second object of one name, and what
/// cannot be edited safely.
#[plugin]
pub fn hooks(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    manifests.visit(|object| {
        let events = events_of(object);
        let rule = settings.rules.iter().find(|rule| rule.is_for(object, events.as_deref()));
        match rule {
            Some(rule) => apply(object, rule, events.as_deref()),
            None => Ok(()),
        }
    })?;
    manifests.visit(|object| look_at_unknown(object, settings.on_unknown))?;
    if settings.rules.iter().any(|rule| rule.to == To::Object) {
        check_twice(manifests)?;
    }
    Ok(())
}

/// The events of a hook, as Helm reads them; `None` for an object that is no hook.
fn events_of(object: &Object<'_>) -> Option<Vec<String>> {
    let text = object.annotation(names::HOOK_ANNOTATION)?;
    Some(text.split(',').map(|event| event.trim().to_ascii_lowercase()).collect())
}

impl Rule {
    fn is_for(&self, object: &Object<'_>, events: Option<&[String]>) -> bool {
        let is_meant = self.target.as_ref().is_none_or(|target| target.matches(object));
        is_meant
            && match (self.to, events) {
                // Of hooks those that are to become hooks again, so that a second run gives the same.
                (To::Hook, _) => true,
                (To::Object | To::Hooks, None) => false,
                (To::Object | To::Hooks, Some(events)) => {
                    self.events.is_empty() || self.events.iter().any(|wanted| events.contains(wanted))
                }
            }
    }
}

fn apply(object: &mut Object<'_>, rule: &Rule, events: Option<&[String]>) -> Result<(), Error> {
    let annotations = Path::new(["metadata", "annotations"]);
    if rule.to == To::Object {
        warn_of_what_it_becomes(object, events.unwrap_or_default());
        // Where nothing says so, Windlass takes a lost hook for an accident.
        let former = object.annotation(names::HOOK_ANNOTATION).unwrap_or_default().into_owned();
        object.set(&annotations.key(names::FORMER_HOOK_ANNOTATION), Value::String(former))?;
        for key in HOOK_ANNOTATIONS {
            object.remove(&annotations.key(key))?;
        }
        return Ok(());
    }
    let mut entries = Vec::new();
    let mut add = |key: &str, text: String| entries.push((key.to_owned(), Value::String(text)));
    // What means the same is left as it is written.
    if !rule.hook.is_empty() && !is_same_list(object, names::HOOK_ANNOTATION, &rule.hook) {
        add(names::HOOK_ANNOTATION, rule.hook.join(","));
    }
    if let Some(weight) = rule.weight {
        add(WEIGHT, weight.to_string());
    }
    if let Some(policies) = &rule.delete_policy
        && !is_same_list(object, DELETE_POLICY, policies)
    {
        add(DELETE_POLICY, policies.join(","));
    }
    object.merge(&annotations, &entries)?;
    object.remove(&annotations.key(names::FORMER_HOOK_ANNOTATION))?;
    Ok(())
}

fn is_same_list(object: &Object<'_>, annotation: &str, wanted: &[String]) -> bool {
    object.annotation(annotation).is_some_and(|text| {
        let mut there: Vec<String> = text.split(',').map(|word| word.trim().to_ascii_lowercase()).collect();
        let mut wanted = wanted.to_vec();
        there.sort();
        wanted.sort();
        there == wanted
    })
}

/// What an object of the release does that a hook did not.
fn warn_of_what_it_becomes(object: &Object<'_>, events: &[String]) {
    let what = object.describe();
    if events.iter().any(|event| event.starts_with("test")) {
        warn!("{what}: it was a test, and runs with every install and upgrade as an object of the release");
    }
    if events.iter().any(|event| event.contains("delete") || event.contains("rollback")) {
        warn!("{what}: it ran at {}, and is there from the install on as an object of the release", events.join(", "));
    }
    if matches!((object.group(), object.kind()), ("batch", "Job") | ("", "Pod")) {
        warn!(
            "{what}: it ran anew each time; as an object of the release it runs once, and an upgrade that changes its pod fails"
        );
    }
}

/// Helm drops a hook one of whose events it does not know.
fn look_at_unknown(object: &mut Object<'_>, on_unknown: OnUnknown) -> Result<(), Error> {
    let Some(unknown) = events_of(object).and_then(|events| events.into_iter().find(|event| !is_known_event(event)))
    else {
        return Ok(());
    };
    let message = match unknown.as_str() {
        "crd-install" => "the hook `crd-install` ended with Helm 2: Helm drops the object; put CRDs into `crds/`, or make it an object of the release".to_owned(),
        "" => "an empty hook: Helm drops the object".to_owned(),
        other => format!("Helm knows no hook `{other}` and drops the object"),
    };
    let path = Path::new(["metadata", "annotations", names::HOOK_ANNOTATION]);
    match on_unknown {
        OnUnknown::Error => Err(object.refuse_at(&path, message).into()),
        OnUnknown::Warn => {
            warn!("{}: {message}", object.describe());
            Ok(())
        }
        OnUnknown::Object => apply(object, &Rule::to_object(), None),
        OnUnknown::Drop => object.delete().map_err(Error::from),
    }
}

/// A hook and an object may share a name; two objects may not.
fn check_twice(manifests: &Manifests) -> Result<(), Error> {
    type Identity = (String, String, String, Option<String>);
    let mut seen: BTreeMap<Identity, String> = BTreeMap::new();
    manifests.read_all(|object| {
        if events_of(object).is_some() {
            return Ok(());
        }
        let identity = (
            object.group().to_owned(),
            object.kind().to_owned(),
            object.name().to_owned(),
            object.namespace().map(str::to_owned),
        );
        match seen.insert(identity, object.describe()) {
            Some(first) if !object.name().is_empty() => Err(object
                .refuse(format!("it would be in the release twice, as {first} has its name; narrow `targets`"))
                .into()),
            _ => Ok(()),
        }
    })
}
