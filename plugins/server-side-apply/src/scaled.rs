//! What the autoscalers of the release scale.

use std::borrow::Cow;

use windlass_pdk::{Error, Manifests, Object, Path, Value};

use crate::finding::{Finding, Mend};
use crate::settings::Sort;

/// The targets of all autoscalers.
#[derive(Debug)]
pub(crate) struct Scaled(Vec<Target>);

#[derive(Debug)]
struct Target {
    group: String,
    kind: String,
    name: String,
    namespace: Option<String>,
    /// Which one scales it, for messages.
    scaler: String,
}

impl Scaled {
    /// Reads the whole stream, whatever the targets of the configuration.
    ///
    /// # Errors
    /// A document that cannot be read.
    pub(crate) fn read(manifests: &Manifests) -> Result<Self, Error> {
        let path = Path::new(["spec", "scaleTargetRef"]);
        let mut targets = Vec::new();
        manifests.read_all(|object| {
            // A ScaledObject means a Deployment where it says nothing else.
            let (version, kind) = match (object.group(), object.kind()) {
                ("autoscaling", "HorizontalPodAutoscaler") => ("", ""),
                ("keda.sh", "ScaledObject") => ("apps/v1", "Deployment"),
                _ => return Ok(()),
            };
            let said = |key: &str| object.get(&path)?.get(key)?.as_str().map(Cow::into_owned);
            let Some(name) = said("name") else { return Ok(()) };
            let version = said("apiVersion").unwrap_or_else(|| version.to_owned());
            targets.push(Target {
                group: version.split_once('/').map_or("", |(group, _)| group).to_owned(),
                kind: said("kind").unwrap_or_else(|| kind.to_owned()),
                name,
                namespace: object.namespace().map(str::to_owned),
                scaler: object.describe(),
            });
            Ok(())
        })?;
        Ok(Scaled(targets))
    }

    /// What is wrong with an object that one of them scales.
    pub(crate) fn check(&self, object: &Object<'_>, value: &Value) -> Option<Finding> {
        value.get("spec")?.get("replicas")?;
        let is_it = |target: &&Target| {
            // Nobody but Helm knows the namespace of an object that does not say.
            let is_near = match (&target.namespace, object.namespace()) {
                (Some(one), Some(other)) => one == other,
                _ => true,
            };
            target.name == object.name() && target.kind == object.kind() && target.group == object.group() && is_near
        };
        let target = self.0.iter().find(is_it)?;
        let message = format!("{} scales it: each upgrade would set its pods back to this number", target.scaler);
        let path = Path::new(["spec", "replicas"]);
        Some(Finding { sort: Sort::Replicas, path, message, mend: Mend::Remove })
    }
}
