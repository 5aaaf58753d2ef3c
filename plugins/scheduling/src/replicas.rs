//! How many pods a workload has.

use windlass_pdk::references::references;
use windlass_pdk::{Error, Manifests, Object, Path, Value, warn};

use crate::settings::{OnMissing, Replicas, Settings};

/// The kinds with `spec.replicas`.
const KINDS: &[(&str, &str)] = &[
    ("", "ReplicationController"),
    ("apps", "Deployment ReplicaSet StatefulSet"),
    ("extensions", "Deployment ReplicaSet"),
    ("apps.kruise.io", "CloneSet StatefulSet"),
    ("apps.openshift.io", "DeploymentConfig"),
    ("argoproj.io", "Rollout"),
];

/// Sets replicas, and notes which entries were for something.
pub(crate) struct Counter<'s> {
    settings: &'s Settings,
    is_used: Vec<bool>,
    /// What an autoscaler of the stream scales: kind, name and the autoscaler.
    scaled: Vec<(String, String, String)>,
}

impl<'s> Counter<'s> {
    /// Looks for autoscalers, if replicas are to be set.
    ///
    /// # Errors
    /// A document that cannot be read.
    pub(crate) fn read(settings: &'s Settings, manifests: &Manifests) -> Result<Self, Error> {
        let count = match &settings.replicas {
            Replicas::ByName(counts) => counts.len(),
            Replicas::Unchanged | Replicas::All(_) => 0,
        };
        let mut counter = Counter { settings, is_used: vec![false; count], scaled: Vec::new() };
        if matches!(settings.replicas, Replicas::Unchanged) {
            return Ok(counter);
        }
        manifests.read_all(|object| {
            if matches!(
                (object.group(), object.kind()),
                ("autoscaling", "HorizontalPodAutoscaler") | ("keda.sh", "ScaledObject")
            ) {
                let target = Path::new(["spec", "scaleTargetRef", "name"]);
                let found = references(object, &[]).into_iter().filter(|reference| reference.path == target);
                counter.scaled.extend(found.map(|it| (it.kind, it.name, object.describe())));
            }
            Ok(())
        })?;
        Ok(counter)
    }

    pub(crate) fn treat(&mut self, object: &mut Object<'_>) -> Result<(), Error> {
        let is_scalable = KINDS
            .iter()
            .any(|(group, kinds)| *group == object.group() && kinds.split(' ').any(|kind| kind == object.kind()));
        if !is_scalable {
            return Ok(());
        }
        let count = match &self.settings.replicas {
            Replicas::Unchanged => return Ok(()),
            Replicas::All(count) => *count,
            Replicas::ByName(counts) => {
                let Some(index) = counts.iter().position(|count| count.name == object.name()) else { return Ok(()) };
                if let Some(is_used) = self.is_used.get_mut(index) {
                    *is_used = true;
                }
                counts.get(index).map_or(0, |count| count.count)
            }
        };
        let path = Path::new(["spec", "replicas"]);
        if self.settings.only_if_missing && object.get(&path).is_some_and(|node| !node.is_null()) {
            return Ok(());
        }
        let is_it = |(kind, name, _): &&(String, String, String)| kind == object.kind() && name == object.name();
        if let Some((_, _, scaler)) = self.scaled.iter().find(is_it) {
            warn!("{}: {scaler} scales it, and each upgrade sets its replicas back", object.describe());
        }
        object.set(&path, Value::from(i64::from(count)))?;
        Ok(())
    }

    /// Says which entries were for nothing.
    ///
    /// # Errors
    /// The first one, unless the configuration lets it pass.
    pub(crate) fn finish(&self, manifests: &Manifests) -> Result<(), Error> {
        let Replicas::ByName(counts) = &self.settings.replicas else { return Ok(()) };
        let idle = counts.iter().zip(&self.is_used).enumerate().find(|(_, (_, is_used))| !**is_used);
        match idle {
            Some((index, (count, _))) if self.settings.on_missing == OnMissing::Error => Err(Error::new(format!(
                "`replicas[{index}]`: no workload with replicas is named `{}`; correct it, or set `onMissing: ignore`{}",
                count.name,
                manifests.about_hooks()
            ))),
            _ => Ok(()),
        }
    }
}
