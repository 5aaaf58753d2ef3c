//! {{project-name}}: a policy for Helm releases.
//!
//! It looks at objects and changes none. All that it finds is told together, at the end: what is denied refuses the
//! release, a warning reaches the person who installs it.

use windlass_pdk::{Config, Error, Findings, Manifests, Object};

/// The configuration. Its comments are the descriptions in the plugin's schema; `targets` and `expect` are there
/// without being written here.
#[derive(Config)]
pub struct Settings {
    /// Registries that images may come from, as they stand in front of the first slash. Empty: all.
    #[config(default)]
    registries: Vec<String>,
}

/// Looks at the containers of every target.
///
/// # Errors
/// All that is denied, in one report.
#[windlass_pdk::plugin(per_object)]
pub fn plugin(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    let mut findings = Findings::new();
    manifests.read(|object| {
        check(&settings.registries, object, &mut findings);
        Ok(())
    })?;
    findings.finish()
}

fn check(registries: &[String], object: &Object<'_>, findings: &mut Findings) {
    for container in object.containers() {
        let path = container.key("image");
        let Some(image) = object.get(&path).and_then(|node| node.as_str()) else {
            continue;
        };
        let registry = image.split_once('/').map_or("", |(registry, _)| registry);
        if !registries.is_empty() && !registries.iter().any(|allowed| allowed == registry) {
            findings.rule("registry").deny(object, &path, format!("`{image}` comes from no registry that is allowed"));
        }
        if !image.contains('@') {
            findings.rule("digest").warn(object, &path, format!("`{image}` has no digest"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Plugin;
    use windlass_pdk::test::run;

    #[test]
    fn all_offenders_are_in_one_report() {
        let pod = |name: &str| {
            let head = format!("apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n");
            format!("{head}spec:\n  containers:\n  - name: app\n    image: elsewhere.example/app:1\n")
        };
        let input = format!("{}---\n{}", pod("one"), pod("two"));
        let refused = run::<Plugin>("registries: [registry.example]", &[], &input).expect_err("a refusal");
        assert!(refused.contains("Pod/one") && refused.contains("Pod/two"), "{refused}");
        assert_eq!(run::<Plugin>("", &[], &input), Ok(input));
    }
}
