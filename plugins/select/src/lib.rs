//! Keeps or drops objects of a release: CRDs alone or everything else, hooks, and what targets select. What is kept
//! stays byte for byte; what others refer to is not dropped without a word.

use std::collections::BTreeMap;

use windlass_pdk::names::HOOK_ANNOTATION;
use windlass_pdk::references::references;
use windlass_pdk::{Config, ConfigError, Error, Manifests, Object, Target, info, plugin, warn};

/// Which objects to keep.
#[derive(Debug, Config)]
pub struct Settings {
    /// The objects to keep: those that match any of these. Without it, all that nothing else drops.
    #[config(check = not_empty)]
    keep: Option<Vec<Target>>,
    /// The objects to drop: those that match any of these, also if `keep` has them.
    #[config(default)]
    drop: Vec<Target>,
    /// Whether to keep CustomResourceDefinitions.
    #[config(default = Choice::All)]
    crds: Choice,
    /// Whether to keep hooks.
    #[config(default = Choice::All)]
    hooks: Choice,
    /// Hooks to drop, by when Helm runs them: `test`, `pre-install` ... A hook is dropped when all its times are here.
    #[config(default)]
    drop_hooks: Vec<String>,
    /// Keep what would be dropped, and drop the rest: two runs that differ in this split a stream.
    #[config(default)]
    invert: bool,
    /// What to do when an object that is kept refers to one that is dropped.
    #[config(default = Demand::Warn)]
    on_reference: Demand,
    /// What to do with an entry of `keep` that matches no object.
    #[config(default = Demand::Warn)]
    on_missing: Demand,
}

fn not_empty(keep: &Option<Vec<Target>>) -> Result<(), ConfigError> {
    match keep {
        Some(targets) if targets.is_empty() => {
            Err(ConfigError::new("it is empty, so nothing would be kept; leave it out to keep everything"))
        }
        _ => Ok(()),
    }
}

/// What to do with objects of a sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Config)]
enum Choice {
    /// They are kept like all others.
    All,
    /// Only they are kept.
    Only,
    /// They are dropped.
    None,
}

impl Choice {
    fn keeps(self, is_one: bool) -> bool {
        match self {
            Choice::All => true,
            Choice::Only => is_one,
            Choice::None => !is_one,
        }
    }
}

/// How much a demand weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Config)]
enum Demand {
    /// It is none.
    Ignore,
    /// A warning in the log.
    Warn,
    /// The render fails.
    Error,
}

/// Drops what the settings do not keep.
///
/// # Errors
/// A reference or an entry of `keep` that leads nowhere, where the configuration says so.
#[plugin]
pub fn select(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    if settings.is_idle() {
        warn!("nothing to do: neither `keep`, `drop`, `crds`, `hooks` nor `dropHooks` are configured");
        return Ok(());
    }
    check_keep(&settings, manifests)?;
    if settings.on_reference != Demand::Ignore {
        check_references(&settings, manifests)?;
    }
    manifests.visit(|object| {
        if !settings.keeps(object) {
            info!("{} is dropped", object.describe());
            object.delete()?;
        }
        Ok(())
    })
}

impl Settings {
    fn is_idle(&self) -> bool {
        self.keep.is_none()
            && self.drop.is_empty()
            && self.drop_hooks.is_empty()
            && [self.crds, self.hooks] == [Choice::All; 2]
            && !self.invert
    }

    fn keeps(&self, object: &Object<'_>) -> bool {
        let any = |targets: &[Target]| targets.iter().any(|target| target.matches(object));
        let keeps = self.crds.keeps(is_crd(object))
            && self.hooks.keeps(object.annotation(HOOK_ANNOTATION).is_some())
            && self.keep.as_deref().is_none_or(any)
            && !any(&self.drop)
            && !self.drops_hook(object);
        keeps != self.invert
    }

    fn drops_hook(&self, object: &Object<'_>) -> bool {
        let Some(times) = object.annotation(HOOK_ANNOTATION).filter(|_| !self.drop_hooks.is_empty()) else {
            return false;
        };
        // Helm knows `test-success`, `test`'s former name, as the same.
        let is_same = |time: &str, dropped: &str| {
            time == dropped
                || (time == "test-success" && dropped == "test")
                || (time == "test" && dropped == "test-success")
        };
        times.split(',').map(str::trim).all(|time| self.drop_hooks.iter().any(|dropped| is_same(time, dropped)))
    }
}

fn is_crd(object: &Object<'_>) -> bool {
    object.kind() == "CustomResourceDefinition" && object.group() == "apiextensions.k8s.io"
}

fn check_keep(settings: &Settings, manifests: &Manifests) -> Result<(), Error> {
    let targets = settings.keep.as_deref().unwrap_or_default();
    if settings.on_missing == Demand::Ignore || targets.is_empty() {
        return Ok(());
    }
    let mut is_matched = vec![false; targets.len()];
    manifests.read(|object| {
        for (is_matched, target) in is_matched.iter_mut().zip(targets) {
            *is_matched = *is_matched || target.matches(object);
        }
        Ok(())
    })?;
    for (index, _) in is_matched.iter().enumerate().filter(|(_, is_matched)| !**is_matched) {
        let message = format!("`keep[{index}]` matches no object");
        if settings.on_missing == Demand::Error {
            return Err(Error::new(format!(
                "{message}; correct it, or set `onMissing: warn`{}",
                manifests.about_hooks()
            )));
        }
        warn!("{message}");
    }
    Ok(())
}

/// An object that is there or goes.
struct Known {
    group: String,
    namespace: Option<String>,
    is_dropped: bool,
}

/// Looks for objects that are kept and name one that is dropped.
fn check_references(settings: &Settings, manifests: &Manifests) -> Result<(), Error> {
    // By kind and name; a name may stand for several objects.
    let mut known: BTreeMap<(String, String), Vec<Known>> = BTreeMap::new();
    let mut is_any_dropped = false;
    manifests.read_all(|object| {
        let is_dropped = manifests.is_target(object) && !settings.keeps(object);
        is_any_dropped |= is_dropped;
        known.entry((object.kind().to_owned(), object.name().to_owned())).or_default().push(Known {
            group: object.group().to_owned(),
            namespace: object.namespace().map(str::to_owned),
            is_dropped,
        });
        Ok(())
    })?;
    if !is_any_dropped {
        return Ok(());
    }
    manifests.read_all(|object| {
        if manifests.is_target(object) && !settings.keeps(object) {
            return Ok(());
        }
        for reference in references(object, &[]) {
            let Some(objects) = known.get(&(reference.kind.clone(), reference.name.clone())) else { continue };
            let is_to = |it: &&Known| {
                reference.is_to(
                    &it.group,
                    &reference.kind,
                    &reference.name,
                    it.namespace.as_deref(),
                    object.namespace(),
                )
            };
            let mut found = objects.iter().filter(is_to).peekable();
            if found.peek().is_none() || found.any(|it| !it.is_dropped) {
                continue;
            }
            let message = format!("it refers to {}/{}, which is dropped", reference.kind, reference.name);
            match settings.on_reference {
                Demand::Error => {
                    let hint = "keep that one, too, or set `onReference: warn`";
                    return Err(object.refuse_at(&reference.path, format!("{message}; {hint}")).into());
                }
                _ => warn!("{}: {}: {message}", object.describe(), reference.path),
            }
        }
        Ok(())
    })
}
