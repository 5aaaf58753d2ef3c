//! `windlass pull`: a plugin out of a registry, as files or into a layout.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::ahead::compile_ahead;
use super::package::replace;
use super::printer::{Outcome, Printer};
use super::remote_args::RemoteArgs;
use crate::config::pipeline::Pipeline;
use crate::error::Error;
use crate::fetch::Digest;
use crate::lock::{self, Lock};
use crate::oci::layout::Layout;
use crate::oci::pull;
use crate::oci::push;
use crate::render;
use crate::source::{OciReference, PluginRef};
use crate::text::Text;

/// Pull a plugin: NAME-VERSION.tgz and its provenance, or everything about it into an OCI layout to be carried elsewhere.
///
/// The content's digests are checked; whether to trust it is asked when it is run or installed, or here when a key is
/// given.
#[derive(Args, Debug)]
pub(super) struct PullArgs {
    /// oci://HOST/PATH/NAME:VERSION[@sha256:...]; with --to-layout also a chart with what is attached to it.
    #[arg(value_name = "REFERENCE", required_unless_present = "pipeline")]
    reference: Option<OciReference>,
    /// Write the files into this folder.
    #[arg(long, short = 'd', value_name = "DIR", default_value = ".", conflicts_with = "to_layout")]
    destination: PathBuf,
    /// Write into this OCI layout, signatures and attached plugins included.
    #[arg(long, value_name = "DIR")]
    to_layout: Option<PathBuf>,
    /// Pull all plugins of this pipeline at their locked digests, and the lock file.
    #[arg(long, value_name = "FILE", conflicts_with = "reference", requires = "to_layout")]
    pipeline: Option<PathBuf>,
    #[command(flatten)]
    remote: RemoteArgs,
}

pub(super) fn run(arguments: &PullArgs, printer: &Printer) -> Result<Outcome, Error> {
    match (&arguments.reference, &arguments.to_layout, &arguments.pipeline) {
        (Some(reference), None, _) => to_files(arguments, reference, printer),
        (Some(reference), Some(folder), _) => {
            let layout = Layout::create(folder)?;
            let (digest, count) = copy(arguments, reference, None, &layout, printer)?;
            let text = copied(reference, folder, &digest, count);
            Ok(Outcome::report(
                text,
                json!({"reference": reference.to_string(), "digest": digest.to_string(), "layout": folder, "manifests": count}),
            ))
        }
        (None, Some(folder), Some(file)) => pipeline_to_layout(arguments, file, folder, printer),
        _ => Err(Error::usage("pull needs a reference, or a pipeline and a layout")),
    }
}

fn to_files(arguments: &PullArgs, reference: &OciReference, printer: &Printer) -> Result<Outcome, Error> {
    let remote = arguments.remote.remote(true, printer)?;
    let (pulled, _, _) = pull::pull(reference, &remote)?;
    pulled.open()?;
    let trusted = if arguments.remote.trust.is_empty() {
        None
    } else {
        let plugin = render::open_with(&PluginRef::Oci(reference.clone()), &remote)?;
        // Only what is trusted is ever compiled.
        compile_ahead(&plugin, printer);
        Some(plugin.reasons().to_vec())
    };
    let folder = &arguments.destination;
    std::fs::create_dir_all(folder).map_err(|e| Error::usage(format!("cannot make {}: {e}", folder.display())))?;
    let archive = folder.join(&pulled.archive_name);
    replace(&archive, &pulled.archive)?;
    let provenance = folder.join(format!("{}.prov", pulled.archive_name));
    if let Some(bytes) = &pulled.provenance {
        replace(&provenance, bytes)?;
    }
    let digest = pulled.manifest.digest;
    let text = Text::new().show(reference).say(" is in ").show(archive.display()).say(": ").show(digest);
    let text = text.say(" (").show(pulled.archive.len()).say(" bytes)\n");
    let text = trusted.iter().flatten().fold(text, |text, reason| text.show(reason).say("\n"));
    let json = json!({
        "reference": reference.to_string(),
        "digest": digest.to_string(),
        "archive": archive,
        "archiveDigest": Digest::of(&pulled.archive).to_string(),
        "size": pulled.archive.len(),
        "provenance": pulled.provenance.is_some().then_some(provenance),
        "trusted": trusted,
    });
    Ok(Outcome::report(text, json))
}

/// Tells what was copied into a layout.
fn copied(reference: &OciReference, layout: &std::path::Path, digest: &Digest, manifests: usize) -> Text {
    let text = Text::new().show(reference).say(" is in ").show(layout.display()).say(": ").show(digest);
    text.say(", ").show(manifests).say(" manifests\n")
}

/// Copies one reference, at `pinned` if that is given, with all that refers to it.
fn copy(
    arguments: &PullArgs,
    reference: &OciReference,
    pinned: Option<Digest>,
    layout: &Layout,
    printer: &Printer,
) -> Result<(Digest, usize), Error> {
    let registry = arguments.remote.registries.connect(reference.registry(), printer)?;
    let pinned = pinned.map(|digest| digest.to_string());
    let by = pinned.as_deref().or(reference.digest()).or(reference.tag()).unwrap_or_default();
    let manifest = registry.manifest(reference.repository(), by)?;
    let count = push::copy_to_layout(&registry, reference.repository(), &manifest, reference.tag(), layout)?;
    Ok((manifest.digest, count))
}

fn pipeline_to_layout(
    arguments: &PullArgs,
    file: &std::path::Path,
    folder: &std::path::Path,
    printer: &Printer,
) -> Result<Outcome, Error> {
    let pipeline = Pipeline::load(file)?;
    let lock_path = lock::path_beside(file);
    let lock = Lock::load(&lock_path)?.ok_or_else(Lock::missing)?;
    let layout = Layout::create(folder)?;
    let mut rows = Vec::new();
    let mut text = Text::new();
    for plugin in &pipeline.plugins {
        let PluginRef::Oci(reference) = &plugin.reference else { continue };
        let entry = lock.find(&reference.to_string()).and_then(|entry| entry.manifest);
        let pinned = entry.ok_or_else(|| {
            Error::denied(format!("{reference} is not in the lock file")).hint("add it with `windlass lock`")
        })?;
        let (digest, count) = copy(arguments, reference, Some(pinned), &layout, printer)?;
        text = text.then(&copied(reference, folder, &digest, count));
        rows.push(json!({"reference": reference.to_string(), "digest": digest.to_string(), "manifests": count}));
    }
    replace(&folder.join("windlass.lock"), lock.text(&lock::folder_of(&lock_path)).as_bytes())?;
    Ok(Outcome::report(text, json!({"layout": folder, "plugins": rows})))
}
