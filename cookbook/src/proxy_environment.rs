//! Tells every container the proxy, unless it knows one already.

use windlass_pdk::{Config, Error, Manifests, Value, plugin};

/// What the person who runs the plugin says.
#[derive(Debug, Config)]
pub struct Settings {
    /// The proxy's address.
    proxy: String,
}

const NAME: &str = "HTTPS_PROXY";

/// Adds the variable at the end of each list of variables.
///
/// # Errors
/// An object that cannot be edited safely.
#[plugin(per_object)]
pub fn proxy_environment(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    let variable = Value::map([("name", NAME.into()), ("value", settings.proxy.into())]);
    manifests.visit(|object| {
        for container in object.containers() {
            let list = container.key("env");
            let is_named = object.get(&list).is_some_and(|variables| {
                let mut names = variables.items().filter_map(|item| item.get("name"));
                names.any(|name| name.scalar_text().is_some_and(|name| name == NAME))
            });
            if !is_named {
                object.append(&list, variable.clone())?;
            }
        }
        Ok(())
    })
}
