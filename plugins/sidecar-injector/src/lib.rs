//! Adds containers, init containers, volumes, mounts, environment variables and image pull secrets to the pods of a
//! release.
//!
//! Nothing of the chart is lost without a word: a name or a path that is taken by something else is an error.

mod accounts;
mod environment;
mod pod;
mod ports;
mod scalar;
mod settings;

use windlass_pdk::pods::pod_templates;
use windlass_pdk::{Error, Manifests, Object, Path, plugin, warn};

use crate::accounts::Accounts;
pub use crate::settings::Settings;

/// The annotation that keeps an object as it is, on the object or on its pod template.
const INJECT_ANNOTATION: &str = "windlass.dev/inject";

/// Injects what the settings say into every pod template.
///
/// # Errors
/// An unclear opt-out annotation, what cannot be injected without taking something away, and what cannot be edited
/// safely.
#[plugin(per_object)]
pub fn sidecar_injector(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    if settings.is_empty() {
        warn!("nothing to inject is configured");
        return Ok(());
    }
    let accounts = Accounts::read(manifests, &settings)?;
    manifests.visit(|object| inject(object, &settings, &accounts))
}

fn inject(object: &mut Object<'_>, settings: &Settings, accounts: &Accounts) -> Result<(), Error> {
    let templates = pod_templates(object, &settings.custom_pod_templates);
    if templates.is_empty() || opts_out(object, &Path::root())? {
        return Ok(());
    }
    for template in templates {
        if let Some(job_template) = &template.job_template
            && opts_out(object, job_template)?
        {
            continue;
        }
        if opts_out(object, &template.path)? {
            continue;
        }
        warn_of_endless_job(object, settings);
        accounts.warn_of_lost_secrets(object, &template.path.key("spec"));
        pod::inject(object, &template, settings)?;
    }
    Ok(())
}

/// Whether the annotation of the map at a path says no.
fn opts_out(object: &Object<'_>, owner: &Path) -> Result<bool, Error> {
    let path = owner.key("metadata").key("annotations").key(INJECT_ANNOTATION);
    let Some(annotation) = object.get(&path) else { return Ok(false) };
    match annotation.scalar_text().as_deref() {
        Some("false") => Ok(true),
        Some("true") => Ok(false),
        _ => Err(object
            .refuse_at(&path, format!("the annotation `{INJECT_ANNOTATION}` must be \"true\" or \"false\""))
            .into()),
    }
}

/// A Job is over when all its containers are: one that runs on keeps it from ending.
fn warn_of_endless_job(object: &Object<'_>, settings: &Settings) {
    if object.group() == "batch"
        && let Some(container) = settings.containers.first()
    {
        warn!(
            "{}: the Job ends only when the container `{}` does; a native sidecar (one of `initContainers` with `restartPolicy: Always`) lets it end",
            object.describe(),
            container.name
        );
    }
}
