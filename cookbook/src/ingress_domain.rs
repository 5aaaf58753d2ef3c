//! Moves the hosts of Ingresses to another domain, in the rules and in the certificates' lists.

use windlass_pdk::{Config, Error, Manifests, Object, Path, plugin};

/// What the person who runs the plugin says.
#[derive(Debug, Config)]
pub struct Settings {
    /// The domain that the chart has.
    from: String,
    /// The domain that it gets.
    to: String,
}

/// Moves every host below the old domain.
///
/// # Errors
/// An object that cannot be edited safely.
#[plugin(per_object)]
pub fn ingress_domain(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    let ending = format!(".{}", settings.from);
    manifests.visit(|object| {
        if object.kind() != "Ingress" || object.group() != "networking.k8s.io" {
            return Ok(());
        }
        for path in hosts(object) {
            let host = object.get(&path).and_then(|node| node.scalar_text()).unwrap_or_default();
            if let Some(name) = host.strip_suffix(&ending) {
                let moved = format!("{name}.{}", settings.to);
                object.set(&path, moved.into())?;
            }
        }
        Ok(())
    })
}

fn hosts(object: &Object<'_>) -> Vec<Path> {
    let count = |list: &Path| object.get(list).map_or(0, |list| list.items().count());
    let rules = Path::new(["spec", "rules"]);
    let certificates = Path::new(["spec", "tls"]);
    let of_rules = (0..count(&rules)).map(|index| rules.index(index).key("host"));
    let of_certificates = (0..count(&certificates)).flat_map(|index| {
        let list = certificates.index(index).key("hosts");
        (0..count(&list)).map(move |index| list.index(index)).collect::<Vec<_>>()
    });
    of_rules.chain(of_certificates).collect()
}
