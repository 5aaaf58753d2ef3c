//! `windlass pull`: a plugin out of a registry, as files or into a layout.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::ahead::compile_ahead;
use super::package::replace;
use super::plugin_args::CompileArgs;
use super::printer::{Outcome, Printer};
use super::remote_args::RemoteArgs;
use super::verify::texts;
use crate::author::push::Load;
use crate::config::pipeline::Pipeline;
use crate::digest::Digest;
use crate::error::Error;
use crate::oci::layout::Layout;
use crate::oci::registry::Registry;
use crate::plugin::lock::{self, Lock};
use crate::plugin::opening::FetchOptions;
use crate::plugin::{pull, verify};
use crate::source::{OciReference, PluginRef};
use crate::text::Text;
use crate::trust::evidence::Pin;

/// Pull a plugin: NAME-VERSION.tgz and its provenance, or everything about it into an OCI layout to be carried
/// elsewhere.
///
/// The content's digests are checked; whether to trust it is asked when it is run or installed, or here when a key is
/// named: then every plugin that is pulled must be trusted and signed by it, or nothing is written.
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
        (Some(reference), Some(folder), _) => reference_to_layout(arguments, reference, folder, printer),
        (None, Some(folder), Some(file)) => pipeline_to_layout(arguments, file, folder, printer),
        _ => Err(Error::usage("pull needs a reference, or a pipeline and a layout")),
    }
}

fn to_files(arguments: &PullArgs, reference: &OciReference, printer: &Printer) -> Result<Outcome, Error> {
    let remote = arguments.remote.remote(true, printer)?;
    let arrived = pull::arrive(&PluginRef::Oci(reference.clone()), &remote)?;
    let pulled = arrived.parts();
    pulled.open()?;
    let trusted = if remote.trust.names_keys() {
        // What is judged is what is written below, not what the registry says by now.
        let plugin = verify::verify(arrived.unpack()?, &remote)?;
        // Only what is trusted is ever compiled.
        compile_ahead(&plugin, CompileArgs::default(), printer);
        Some(texts(plugin.reasons()))
    } else {
        None
    };
    let folder = &arguments.destination;
    std::fs::create_dir_all(folder).map_err(|e| Error::usage(format!("cannot make {}: {e}", folder.display())))?;
    let archive = folder.join(&pulled.archive_name);
    let provenance = folder.join(format!("{}.prov", pulled.archive_name));
    match &pulled.provenance {
        Some(bytes) => replace(&provenance, bytes)?,
        // One that lay there would be another archive's.
        None if provenance.exists() => std::fs::remove_file(&provenance)
            .map_err(|e| Error::usage(format!("cannot remove {}: {e}", provenance.display())))?,
        None => {}
    }
    replace(&archive, &pulled.archive)?;
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
fn copied(cargo: &Cargo<'_>, layout: &Path, digest: &Digest, manifests: usize) -> Text {
    let text = Text::new().show(cargo.reference).say(" is in ").show(layout.display()).say(": ").show(digest);
    let text = text.say(", ").show(manifests).say(" manifests\n");
    cargo.trusted.iter().flatten().fold(text, |text, reason| text.show(reason).say("\n"))
}

/// What is going to be copied: one answer of the registry to what the reference stands for and what refers to it, and
/// what was judged of it.
struct Cargo<'r> {
    reference: &'r OciReference,
    registry: Registry,
    load: Load,
    trusted: Option<Vec<String>>,
}

impl<'r> Cargo<'r> {
    /// Asks for one reference, at `pinned` if that is given, with all that refers to it. Nothing is written.
    fn find(
        reference: &'r OciReference,
        pinned: Option<Digest>,
        arguments: &PullArgs,
        remote: &FetchOptions,
        printer: &Printer,
    ) -> Result<Self, Error> {
        let registry = arguments.remote.registries.connect(reference.registry(), printer)?;
        let digest = pinned.or(reference.digest()).map(|digest| digest.to_string());
        let by = digest.as_deref().or(reference.tag()).unwrap_or_default();
        let manifest = registry.manifest(reference.repository(), by)?;
        let load = Load::gather(&registry, reference.repository(), manifest, reference.tag())?;
        let named = PluginRef::Oci(reference.clone());
        let pin = pinned.map(|_| Pin::LockFile).or(reference.digest().map(|_| Pin::Reference));
        if pin.is_none()
            && let Some(archive_name) = load.root_plugin()
        {
            pull::refuse_other_plugin(&named, &archive_name)?;
        }
        let trusted = if remote.trust.names_keys() {
            Some(load.judge(&registry, &named, pin, remote).map_err(|error| error.hint("nothing was written"))?)
        } else {
            None
        };
        Ok(Self { reference, registry, load, trusted })
    }

    /// Writes it. Returns the digest of what the reference stands for and how many manifests were written.
    fn write(&self, layout: &Layout) -> Result<(Digest, usize), Error> {
        let count = self.load.write(&self.registry, self.reference.repository(), layout)?;
        Ok((self.load.digest(), count))
    }
}

fn reference_to_layout(
    arguments: &PullArgs,
    reference: &OciReference,
    folder: &Path,
    printer: &Printer,
) -> Result<Outcome, Error> {
    let remote = arguments.remote.remote(true, printer)?;
    let cargo = Cargo::find(reference, None, arguments, &remote, printer)?;
    let (digest, count) = cargo.write(&Layout::create(folder)?)?;
    let text = copied(&cargo, folder, &digest, count);
    let json = json!({
        "reference": reference.to_string(),
        "digest": digest.to_string(),
        "layout": folder,
        "manifests": count,
        "trusted": cargo.trusted,
    });
    Ok(Outcome::report(text, json))
}

fn pipeline_to_layout(arguments: &PullArgs, file: &Path, folder: &Path, printer: &Printer) -> Result<Outcome, Error> {
    let pipeline = Pipeline::load(file)?;
    let lock_path = lock::path_beside(file);
    let lock = Lock::load(&lock_path)?.ok_or_else(Lock::missing)?;
    let mut remote = arguments.remote.remote(true, printer)?;
    if let Some(trust) = &pipeline.trust {
        remote.trust.add_pipeline(trust, &pipeline.folder, &pipeline.file.display().to_string())?;
    }
    // All or nothing: everything is found and judged before anything is written.
    let mut cargoes = Vec::new();
    for plugin in &pipeline.plugins {
        let PluginRef::Oci(reference) = &plugin.reference else { continue };
        let entry = lock.find(&plugin.reference).and_then(|entry| entry.manifest);
        let pinned = entry.ok_or_else(|| {
            Error::denied(format!("{reference} is not in the lock file")).hint("add it with `windlass lock`")
        })?;
        cargoes.push(Cargo::find(reference, Some(pinned), arguments, &remote, printer)?);
    }
    let layout = Layout::create(folder)?;
    let mut rows = Vec::new();
    let mut text = Text::new();
    for cargo in &cargoes {
        let (digest, count) = cargo.write(&layout)?;
        text = text.then(&copied(cargo, folder, &digest, count));
        rows.push(json!({
            "reference": cargo.reference.to_string(),
            "digest": digest.to_string(),
            "manifests": count,
            "trusted": cargo.trusted,
        }));
    }
    replace(&folder.join("windlass.lock"), lock.text(&lock::folder_of(&lock_path)).as_bytes())?;
    Ok(Outcome::report(text, json!({"layout": folder, "plugins": rows})))
}
