//! Refuses volumes that are folders of the node.

use windlass_pdk::{Config, Error, Manifests, plugin};

/// What the person who runs the plugin says.
#[derive(Debug, Config)]
pub struct Settings {
    /// Folders that are allowed all the same.
    #[config(default)]
    allowed: Vec<String>,
}

/// Looks at every volume.
///
/// # Errors
/// Every `hostPath` that is not allowed.
#[plugin(per_object)]
pub fn forbid_host_path(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    let mut found = Vec::new();
    manifests.read(|object| {
        let Some(spec) = object.pod_spec() else { return Ok(()) };
        let volumes = spec.key("volumes");
        let count = object.get(&volumes).map_or(0, |list| list.items().count());
        for index in 0..count {
            let path = volumes.index(index).key("hostPath").key("path");
            let Some(folder) = object.get(&path).and_then(|node| node.scalar_text()) else { continue };
            if !settings.allowed.iter().any(|allowed| *allowed == folder) {
                found.push(object.refuse_at(&path, format!("`{folder}` is a folder of the node")).to_string());
            }
        }
        Ok(())
    })?;
    if found.is_empty() { Ok(()) } else { Err(Error::new(found.join("\n"))) }
}
