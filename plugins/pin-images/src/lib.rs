//! Pins the images of a release to the digests that their tags have now, so that what was tested is what runs: those of
//! all containers and image volumes of all pod templates. What it leaves alone it says.
//!
//! The registries are asked over the network: the plugin needs a grant (`--allow-net`) for each of them and for the
//! servers that hand out their tokens.

use std::collections::BTreeMap;

use windlass_pdk::oci::Image;
use windlass_pdk::pods::{CustomPodTemplate, ImagePlace, images};
use windlass_pdk::{Config, Error, Manifests, Object, Path, Pattern, Value, debug, info, plugin, warn};

/// Which images to pin, and how.
#[derive(Debug, Config)]
pub struct Settings {
    /// Images to leave as they are: regular expressions that match the whole reference as it is written.
    #[config(default)]
    exclude: Vec<Pattern>,
    /// Keep the tag in front of the digest (`name:tag@sha256:...`): people read it, container runtimes ignore it.
    #[config(default = true)]
    keep_tag: bool,
    /// Registries without TLS, such as `localhost:5000`. The grant must name the port.
    #[config(default)]
    plain_http: Vec<String>,
    /// What to do with an image that its registry does not know or does not show.
    #[config(default)]
    on_unresolved: OnUnresolved,
    /// Workloads of other kinds than those that are known, and where they keep their pod templates.
    #[config(default)]
    custom_pod_templates: Vec<CustomPodTemplate>,
}

/// What to do with an image whose digest is not to be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
enum OnUnresolved {
    /// The render fails.
    #[default]
    Error,
    /// The image stays as it is, with a warning.
    Keep,
}

/// Pins every image of every pod template. Each image is asked for once in a run.
///
/// # Errors
/// An image that is no image, or whose digest is not to be had.
#[plugin(asks = [net(any, "to ask the registries of the images for their digests")])]
pub fn pin_images(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    let mut digests = Digests { settings: &settings, known: BTreeMap::new() };
    manifests.visit(|object| {
        for ImagePlace { path: place, .. } in images(object, &settings.custom_pod_templates)? {
            let Some(image) = object.get(&place).and_then(|node| node.as_str()).map(|text| text.into_owned()) else {
                continue;
            };
            if let Some(pinned) = digests.pin(object, &place, &image)? {
                object.set(&place, Value::String(pinned))?;
            }
        }
        Ok(())
    })
}

/// The digests found so far, by image as it is written; `None` for one that stays as it is.
struct Digests<'s> {
    settings: &'s Settings,
    known: BTreeMap<String, Option<String>>,
}

impl Digests<'_> {
    /// The reference to put in the place of `image`; `None` to leave it.
    fn pin(&mut self, object: &Object<'_>, place: &Path, image: &str) -> Result<Option<String>, Error> {
        if let Some(known) = self.known.get(image) {
            return Ok(known.clone());
        }
        let pinned = self.ask(object, place, image)?;
        self.known.insert(image.to_owned(), pinned.clone());
        Ok(pinned)
    }

    fn ask(&self, object: &Object<'_>, place: &Path, written: &str) -> Result<Option<String>, Error> {
        if self.settings.exclude.iter().any(|pattern| pattern.matches(written)) {
            info!("{written} stays as it is: it is excluded");
            return Ok(None);
        }
        let image = Image::parse(written).map_err(|message| object.refuse_at(place, message))?;
        if image.digest().is_some() {
            debug!("{written} stays as it is: it has a digest");
            return Ok(None);
        }
        let is_plain = self.settings.plain_http.iter().any(|registry| registry == image.registry());
        match image.resolve(if is_plain { "http" } else { "https" }) {
            Ok(digest) => {
                let name = match written.strip_suffix(image.tag()).and_then(|name| name.strip_suffix(':')) {
                    Some(name) if !self.settings.keep_tag => name,
                    _ => written,
                };
                info!("{written} is {digest}");
                Ok(Some(format!("{name}@{digest}")))
            }
            Err(error) if self.settings.on_unresolved == OnUnresolved::Keep => {
                warn!("{}: {error}; it stays as it is", object.describe());
                Ok(None)
            }
            Err(error) => Err(object.refuse_at(place, error.to_string()).into()),
        }
    }
}
