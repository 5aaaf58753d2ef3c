//! Takes images from a mirror: `nginx:1.29` becomes `mirror.example/docker.io/library/nginx:1.29`.

use windlass_pdk::{Config, Error, Manifests, plugin};

/// What the person who runs the plugin says.
#[derive(Debug, Config)]
pub struct Settings {
    /// The registry that mirrors all others.
    mirror: String,
}

/// Rewrites the images of all containers.
///
/// # Errors
/// An object that cannot be edited safely.
#[plugin(per_object)]
pub fn image_mirror(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    let front = format!("{}/", settings.mirror);
    manifests.visit(|object| {
        for container in object.containers() {
            let path = container.key("image");
            let Some(image) = object.get(&path).and_then(|node| node.scalar_text()) else { continue };
            if !image.starts_with(&front) {
                let mirrored = format!("{front}{}", full_name(&image));
                object.set(&path, mirrored.into())?;
            }
        }
        Ok(())
    })
}

/// The name with its registry and repository, as container engines complete it.
fn full_name(image: &str) -> String {
    match image.split_once('/') {
        None => format!("docker.io/library/{image}"),
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => image.to_owned(),
        Some(_) => format!("docker.io/{image}"),
    }
}
