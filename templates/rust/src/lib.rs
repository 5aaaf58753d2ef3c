//! {{project-name}}: a post-renderer for Helm.
//!
//! The config struct and the function are the whole plugin. Both are ordinary Rust: `cargo test` runs them without
//! wasm.

use std::collections::BTreeMap;

use windlass_pdk::{Config, ConfigError, Error, Manifests, Path, Value, info};

/// The configuration. Its comments are the descriptions in the plugin's schema; `targets` and `expect` are there
/// without being written here.
#[derive(Config)]
pub struct Settings {
    /// Annotations to set on every object.
    #[config(check = at_least_one)]
    annotations: BTreeMap<String, String>,
}

fn at_least_one(annotations: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    if annotations.is_empty() { Err(ConfigError::new("name at least one")) } else { Ok(()) }
}

/// Sets the annotations on every target.
///
/// # Errors
/// An object that cannot be edited safely, with its name and line.
#[windlass_pdk::plugin(per_object)]
pub fn plugin(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    let path = Path::new(["metadata", "annotations"]);
    let entries: Vec<_> = settings.annotations.into_iter().map(|(key, text)| (key, Value::String(text))).collect();
    manifests.visit(|object| {
        object.merge(&path, &entries)?;
        Ok(())
    })?;
    info!("annotated {} objects", manifests.changed_objects());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Plugin;
    use windlass_pdk::test::{run, take_logs};

    #[test]
    fn it_says_what_it_did() {
        let input = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n";
        let output = run::<Plugin>("annotations: {team: payments}", &[], input);
        assert_eq!(output, Ok(format!("{input}  annotations:\n    team: payments\n")));
        assert_eq!(take_logs()[0].1, "annotated 1 objects");
    }
}
