//! Rewrites the images of a release: registry mirrors, names, tags and digests, as kustomize's `images` does it and
//! beyond; pull policies and pull secrets.
//!
//! An image is matched by its full name, so that `nginx`, `docker.io/nginx` and `docker.io/library/nginx` are one.

mod pulls;
mod rewrite;
mod rules;
mod settings;

use windlass_pdk::pods::{ImagePlace, images as image_places};
use windlass_pdk::{Error, Manifests, Object, Path, Value, info, plugin, warn};

use crate::rewrite::Rewriter;
use crate::settings::Demand;
pub use crate::settings::Settings;

/// Rewrites the images of every object.
///
/// # Errors
/// An image that no rule matches or a rule that matches none, where the configuration says so, and what cannot be
/// edited safely.
#[plugin]
pub fn images(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    if settings.is_idle() {
        warn!("nothing to do: neither `images`, `mirrors`, `digests`, `pullPolicy` nor `pullSecrets` are configured");
        return Ok(());
    }
    let accounts = pulls::Accounts::read(manifests, &settings)?;
    let mut rewriter = Rewriter::new(&settings);
    manifests.visit(|object| {
        let places = image_places(object, &settings.custom_pod_templates)?;
        for place in &places {
            rewrite(object, &place.path, "", &mut rewriter)?;
        }
        for path in &settings.paths {
            let found = if path.is_for(object) { path.path.find(object.root()) } else { Vec::new() };
            for place in found {
                rewrite(object, &place, path.before.as_deref().unwrap_or_default(), &mut rewriter)?;
            }
        }
        let owners: Vec<&Path> = places.iter().filter_map(|ImagePlace { owner, .. }| owner.as_ref()).collect();
        pulls::set_policy(object, &owners, &settings)?;
        pulls::add_secrets(object, &settings, &accounts)
    })?;
    let idle = rewriter.idle_rules();
    if !idle.is_empty() {
        let rules = idle.join(", ");
        match settings.on_missing {
            Demand::Ignore => {}
            Demand::Warn => warn!("no image is matched by {rules}"),
            Demand::Error => {
                return Err(Error::new(format!(
                    "no image is matched by {rules}; correct it, or set `onMissing: warn`{}",
                    manifests.about_hooks()
                )));
            }
        }
    }
    Ok(())
}

/// Rewrites one image. `before` is what stands in front of it in its text, such as `--image=`.
fn rewrite(object: &mut Object<'_>, place: &Path, before: &str, rewriter: &mut Rewriter<'_>) -> Result<(), Error> {
    let Some(text) = object.get(place).and_then(|node| node.as_str()).map(|text| text.into_owned()) else {
        return Ok(());
    };
    let Some(image) = text.strip_prefix(before).filter(|image| !image.is_empty()) else { return Ok(()) };
    if rewriter.settings.exclude.iter().any(|pattern| pattern.matches(image)) {
        info!("{}: {image} stays as it is: it is excluded", object.describe());
        return Ok(());
    }
    let rewritten = rewriter.rewrite(image);
    if !rewritten.is_matched {
        let message = format!("no rule is for the image `{image}`");
        match rewriter.settings.unmatched {
            Demand::Ignore => {}
            Demand::Warn => warn!("{}: {place}: {message}", object.describe()),
            Demand::Error => {
                return Err(object
                    .refuse_at(
                        place,
                        format!("{message}; add one to `images`, `mirrors` or `digests`, name it in `exclude`, or set `unmatched: warn`"),
                    )
                    .into());
            }
        }
    }
    if rewritten.image != image {
        object.set(place, Value::String(format!("{before}{}", rewritten.image)))?;
    }
    Ok(())
}
