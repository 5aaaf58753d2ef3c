//! Refuses images without a tag or with the tag `latest`: all of them in one report.

use windlass_pdk::{Config, Error, Manifests, plugin};

/// There is nothing to set; `targets` says for which objects the rule is.
#[derive(Debug, Config)]
pub struct Settings {}

/// Looks at every container.
///
/// # Errors
/// Every image that may be another one tomorrow.
#[plugin(per_object)]
pub fn forbid_latest(_settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    let mut found = Vec::new();
    manifests.read(|object| {
        for container in object.containers() {
            let path = container.key("image");
            let image = object.get(&path).and_then(|node| node.scalar_text()).unwrap_or_default();
            if is_unfixed(&image) {
                found.push(object.refuse_at(&path, format!("`{image}` has no fixed tag")).to_string());
            }
        }
        Ok(())
    })?;
    if found.is_empty() { Ok(()) } else { Err(Error::new(found.join("\n"))) }
}

/// The tag follows the last colon, unless that is one of a registry's port.
fn is_unfixed(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or_default();
    !image.contains('@') && matches!(name.split_once(':'), None | Some((_, "latest" | "")))
}
