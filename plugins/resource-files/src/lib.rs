//! Adds objects to a release as the plugin resources does, from the files of a folder that the person grants.
//!
//! A plugin of its own because it imports a function that only Windlass offers: resources runs in Helm's engine too,
//! and without any grant.

// The same modules: a crate holds one plugin, as the names of its exports are fixed.
#[path = "../../resources/src/add.rs"]
mod add;
#[path = "../../resources/src/objects.rs"]
mod objects;
mod settings;
#[path = "../../resources/src/values.rs"]
mod values;

use windlass_pdk::{Error, Manifests, Value, files, plugin};

use crate::objects::objects_of;
pub use crate::settings::Settings;
use crate::settings::{FOLDER, resources_of};

/// Adds the objects of the files.
///
/// # Errors
/// A file that is not there or holds no objects, a value that the release does not have, an object that is there and
/// must not be, and what cannot be edited safely.
#[plugin(asks = [read("/resources", "to read the files with the objects to add")])]
pub fn resource_files(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    let names = if settings.files.is_empty() { listed_files()? } else { settings.files.clone() };
    let mut resources = Vec::new();
    for name in names {
        let objects =
            objects_of(Value::String(read(&name)?)).and_then(|objects| resources_of(objects, &name, &settings));
        resources.extend(objects.map_err(|error| Error::config(format!("{FOLDER}/{name}: {error}")))?);
    }
    add::add(&resources, &settings.common, manifests)
}

fn read(name: &str) -> Result<String, Error> {
    let path = format!("{FOLDER}/{name}");
    files::read_text(&path)?
        .ok_or_else(|| Error::config(format!("{path}: there is no such file in the granted folder")))
}

/// The files that a kustomization in the folder lists under `resources`: a plugin cannot look what is in a folder.
fn listed_files() -> Result<Vec<String>, Error> {
    const NAME: &str = "kustomization.yaml";
    let is_wrong = |problem: String| Error::config(format!("{FOLDER}/{NAME}: {problem}"));
    let Some(text) = files::read_text(&format!("{FOLDER}/{NAME}"))? else {
        return Err(is_wrong("there is no such file; list the files to read in `files`".to_owned()));
    };
    let value = Value::from_yaml(&text).map_err(|error| is_wrong(format!("is not YAML: {error}")))?;
    let used = |key: &str| value.get(key).is_some_and(|value| !value.is_null());
    if let Some(key) = value
        .as_map()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .find(|key| !matches!(*key, "apiVersion" | "kind" | "resources" | "metadata") && used(key))
    {
        return Err(is_wrong(format!("`{key}` is not read here; only `resources` is")));
    }
    let listed = value.get("resources").and_then(Value::as_list).unwrap_or_default();
    let mut names = Vec::with_capacity(listed.len());
    for item in listed {
        let name = item.as_str().unwrap_or_default();
        settings::check_name(name).map_err(|problem| is_wrong(format!("resources: {problem}")))?;
        names.push(name.strip_prefix("./").unwrap_or(name).to_owned());
    }
    if names.is_empty() {
        return Err(is_wrong("`resources` lists no files".to_owned()));
    }
    Ok(names)
}
