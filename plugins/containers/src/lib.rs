//! Sets, defaults or removes fields in all containers of a release, or in those that match: resources, security
//! contexts, environment, probes, pull policies. Presets make pods fit for Pod Security's levels and for OpenShift.

mod merge;
mod preset;
mod settings;

use windlass_pdk::pods::{Container, Role, containers as find_containers};
use windlass_pdk::{Error, Kind, Manifests, Object, Path, plugin, warn};

use crate::merge::{Mode, merge};
pub use crate::settings::Settings;
use crate::settings::{OnMissing, Rule};

/// Applies the preset, then each rule, to every container that it is for.
///
/// # Errors
/// A rule for nothing, where the configuration says so, and what cannot be edited safely.
#[plugin]
pub fn containers(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    if settings.preset.is_none() && settings.rules.is_empty() {
        warn!("nothing to do: neither `preset`, `set`, `default`, `remove` nor `rules` are configured");
        return Ok(());
    }
    let mut is_used = vec![false; settings.rules.len()];
    manifests.visit(|object| {
        let found = find_containers(object, &settings.custom_pod_templates)?;
        if let Some(preset) = settings.preset {
            preset::apply(object, preset, &found, &settings.custom_pod_templates)?;
        }
        for (rule, is_used) in settings.rules.iter().zip(&mut is_used) {
            for container in &found {
                if rule.is_for(object, container) {
                    *is_used = true;
                    apply(object, container, rule)?;
                }
            }
        }
        Ok(())
    })?;
    let idle = settings.rules.iter().zip(&is_used).find(|(_, is_used)| !**is_used);
    match idle {
        Some((rule, _)) if settings.on_missing == OnMissing::Error => Err(Error::new(format!(
            "{} is for no container; correct it, or set `onMissing: warn`{}",
            rule.place,
            manifests.about_hooks()
        ))),
        Some((rule, _)) if settings.on_missing == OnMissing::Warn => {
            warn!("{} is for no container", rule.place);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Fields that only containers have that run as long as their pod does.
const LASTING: &[&str] = &["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"];

/// Fields that an ephemeral container has not.
const NOT_EPHEMERAL: &[&str] = &["ports", "resources", "resizePolicy"];

/// Whether the API has a field in containers of a role.
fn has_field(role: Role, field: &str) -> bool {
    match role {
        Role::Main | Role::Sidecar => true,
        Role::Init => !LASTING.contains(&field),
        Role::Ephemeral => !LASTING.contains(&field) && !NOT_EPHEMERAL.contains(&field),
    }
}

fn apply(object: &mut Object<'_>, container: &Container, rule: &Rule) -> Result<(), Error> {
    for (fields, mode) in [(&rule.set, Mode::Set), (&rule.default, Mode::Default)] {
        for (field, value) in fields {
            if has_field(container.role, field) {
                merge(object, &container.path.key(field), field, value, mode)?;
            }
        }
    }
    for pattern in &rule.remove {
        let Some(node) = object.get(&container.path) else { continue };
        let found = pattern.find(node);
        // From the end, so that the places in front keep theirs.
        for path in found.iter().rev() {
            remove(object, &container.path.join(path), container.path.segments().len())?;
        }
    }
    Ok(())
}

/// Takes a field away, and the maps above it that hold nothing else, up to the container.
pub(crate) fn remove(object: &mut Object<'_>, path: &Path, floor: usize) -> Result<(), Error> {
    let mut path = path.clone();
    loop {
        let mut above = path.clone();
        above.pop();
        let is_last = above.segments().len() > floor
            && object.get(&above).is_some_and(|node| node.kind() != Kind::Scalar && node.len() == 1);
        if !is_last {
            object.remove(&path)?;
            return Ok(());
        }
        path = above;
    }
}
