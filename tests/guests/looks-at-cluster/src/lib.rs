//! A guest for tests: it looks at the cluster and appends what it found as a List.

use windlass_pdk::{Config, Error, Manifests, Value, kube, plugin};

/// Where to look.
#[derive(Debug, Config)]
pub struct Settings {
    /// The resource, as grants name it.
    from: String,
    /// The one object to get. Without it all are listed.
    #[config(default = "")]
    name: String,
    /// The labels of the objects to list.
    #[config(default = "")]
    selector: String,
}

/// Looks once.
///
/// # Errors
/// There is no such object or resource.
#[plugin(asks = [kube(any, "to read what the configuration names")])]
pub fn looks_at_cluster(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    let found = match settings.name.as_str() {
        "" => kube::list(&settings.from, &settings.selector)?,
        name => kube::get(&settings.from, name)?.map(|object| vec![object]),
    };
    let found = found.ok_or_else(|| Error::new(format!("nothing at {} {}", settings.from, settings.name)))?;
    let text = |text: &str| Value::String(text.to_owned());
    manifests.push(&Value::Map(vec![
        ("apiVersion".to_owned(), text("v1")),
        ("kind".to_owned(), text("List")),
        ("items".to_owned(), Value::List(found)),
    ]))?;
    Ok(())
}
