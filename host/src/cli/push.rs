//! `windlass push`: a plugin, or what a layout holds, into a registry.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::package::SignArgs;
use super::printer::{Outcome, Printer};
use super::remote_args::{RegistryArgs, read};
use crate::author::package;
use crate::author::push::{self, Mode, Pushed, Shipment};
use crate::error::Error;
use crate::oci::artifact::{Manifest, PluginLayers, name_and_version};
use crate::oci::layout::Layout;
use crate::source::OciReference;
use crate::text::Text;

/// Push a plugin to a registry, as Helm installs it from there. A version that is there is never replaced unasked.
#[derive(Args, Debug)]
pub(super) struct PushArgs {
    /// NAME-VERSION.tgz (its .prov beside it goes along), or a plugin folder, which is packaged first.
    #[arg(value_name = "PLUGIN", required_unless_present = "from_layout")]
    plugin: Option<PathBuf>,
    /// oci://HOST/PATH (NAME:VERSION is added), oci://HOST/PATH/NAME, oci://HOST/PATH/NAME:VERSION, or oci-layout:DIR.
    #[arg(value_name = "REFERENCE", required_unless_present = "from_layout")]
    target: Option<String>,
    /// Push what is in this OCI layout, with its signatures and referrers; DIR:TAG picks one of several. To
    /// oci://HOST/PATH goes every plugin that is in it, to PATH/NAME:VERSION.
    #[arg(long, value_name = "DIR[:TAG]", conflicts_with = "target")]
    from_layout: Option<String>,
    /// Overwrite a version that is there with other content.
    #[arg(long)]
    force: bool,
    /// Send nothing; say whether it would be sent, is there already, or is there with other content.
    #[arg(long, conflicts_with_all = ["force", "from_layout"])]
    dry_run: bool,
    #[command(flatten)]
    sign: SignArgs,
    #[command(flatten)]
    registries: RegistryArgs,
}

/// Reads a package with the provenance beside it, or packages a folder.
pub(super) fn shipment(path: &Path, sign: &SignArgs) -> Result<Shipment, Error> {
    let key = sign.key()?;
    if path.is_dir() {
        let package = package::package(path, None, key.as_ref())?;
        return Shipment::new(package.archive, package.provenance.map(String::into_bytes));
    }
    let archive = read(path)?;
    let mut provenance_path = path.as_os_str().to_owned();
    provenance_path.push(".prov");
    let provenance = Path::new(&provenance_path);
    let mut provenance = if provenance.is_file() { Some(read(provenance)?) } else { None };
    let unsigned = Shipment::new(archive, None)?;
    if let Some(key) = &key {
        let signed = crate::trust::provenance::sign(
            &unsigned.artifact.archive,
            &unsigned.artifact.archive_name,
            &unsigned.plugin,
            key,
        )?;
        provenance = Some(signed.into_bytes());
    }
    Shipment::new(unsigned.artifact.archive, provenance)
}

/// Completes `oci://HOST/PATH[/NAME[:VERSION]]`.
pub(super) fn complete(target: &str, name: &str, tag: &str) -> Result<OciReference, Error> {
    let trimmed = target.trim_end_matches('/');
    let path = trimmed.strip_prefix("oci://").unwrap_or(trimmed);
    let (_, last) = path.rsplit_once('/').unwrap_or(("", ""));
    if last.contains([':', '@']) {
        return trimmed.parse();
    }
    if last == name { format!("{trimmed}:{tag}").parse() } else { format!("{trimmed}/{name}:{tag}").parse() }
}

pub(super) fn run(arguments: &PushArgs, printer: &Printer) -> Result<Outcome, Error> {
    if let Some(from) = &arguments.from_layout {
        return from_layout(arguments, from, printer);
    }
    let (Some(path), Some(target)) = (&arguments.plugin, &arguments.target) else {
        return Err(Error::usage("push needs a plugin and a reference"));
    };
    let shipment = shipment(path, &arguments.sign)?;
    let mode = match (arguments.dry_run, arguments.force) {
        (true, _) => Mode::DryRun,
        (false, true) => Mode::Force,
        (false, false) => Mode::Careful,
    };
    if let Some(folder) = target.strip_prefix("oci-layout:") {
        let pushed = push::push_to_layout(&Layout::create(Path::new(folder))?, &shipment, mode)?;
        let name = format!("{}-{}", shipment.plugin.name, shipment.tag());
        let reference = format!("oci-layout:{folder}:{name}");
        let text = told(&reference, &pushed, mode);
        let json = json!({
            "reference": reference,
            "digest": pushed.digest.to_string(),
            "size": pushed.size,
            "wasm": shipment.wasm.to_string(),
            "signed": shipment.artifact.provenance.is_some(),
            "new": pushed.is_new,
            "dryRun": arguments.dry_run,
        });
        return Ok(Outcome::report(text, json));
    }
    let reference = complete(target, &shipment.plugin.name, &shipment.tag())?;
    let tag = reference.tag().filter(|_| reference.digest().is_none());
    let tag = tag.ok_or_else(|| Error::usage("a plugin is pushed under a version, not under a digest"))?;
    if tag != shipment.tag() {
        return Err(Error::usage(format!(
            "the plugin is version {}, and the reference says `{tag}`",
            shipment.plugin.version
        )));
    }
    let registry = arguments.registries.connect(reference.registry(), printer)?;
    let pushed = push::push(&registry, reference.repository(), tag, &shipment, mode)?;
    let text = told(&reference, &pushed, mode);
    let json = json!({
        "reference": reference.to_string(),
        "digest": pushed.digest.to_string(),
        "pinned": format!("oci://{}/{}:{tag}@{}", reference.registry(), reference.repository(), pushed.digest),
        "size": pushed.size,
        "wasm": shipment.wasm.to_string(),
        "signed": shipment.artifact.provenance.is_some(),
        "new": pushed.is_new,
        "dryRun": arguments.dry_run,
    });
    Ok(Outcome::report(text, json))
}

/// What became of it, in words.
fn told(reference: impl std::fmt::Display, pushed: &Pushed, mode: Mode) -> Text {
    let what = match (pushed.is_new, mode) {
        (false, _) => " is there already: ",
        (true, Mode::DryRun) => " would be pushed: ",
        (true, _) => " pushed: ",
    };
    let text = Text::new().show(reference).say(what).show(pushed.digest);
    text.say(" (").show(pushed.size).say(" bytes)\n")
}

fn from_layout(arguments: &PushArgs, from: &str, printer: &Printer) -> Result<Outcome, Error> {
    if arguments.sign.is_given() {
        return Err(Error::usage("what a layout holds is pushed as it is, so it cannot be signed on the way")
            .hint("sign it when it is packaged or pushed for the first time"));
    }
    // With --from-layout the only positional argument is the reference.
    let target = arguments
        .plugin
        .as_deref()
        .and_then(Path::to_str)
        .ok_or_else(|| Error::usage("push --from-layout needs a reference to push to"))?;
    let (folder, wanted) = match from.rsplit_once(':') {
        Some((folder, tag)) if !Path::new(from).is_dir() => (folder, Some(tag)),
        _ => (from, None),
    };
    let layout = Layout::at(Path::new(folder));
    let shipped = match target.parse::<OciReference>() {
        Ok(reference) => vec![(layout.root(wanted)?, reference)],
        Err(_) if target.starts_with("oci://") => {
            let roots = if wanted.is_some() { vec![layout.root(wanted)?] } else { layout.roots()? };
            roots.into_iter().map(|root| named_by_itself(root, target)).collect::<Result<_, _>>()?
        }
        Err(error) => return Err(error),
    };
    // All or nothing: every place is looked at before anything is sent.
    let mut places = Vec::new();
    for (root, reference) in &shipped {
        let tag = reference.tag().ok_or_else(|| Error::usage(format!("`{target}` has no version to push under")))?;
        let registry = arguments.registries.connect(reference.registry(), printer)?;
        push::check_place(root, &registry, reference, arguments.force)
            .map_err(|error| error.hint("nothing was pushed"))?;
        places.push((root, reference, registry, tag));
    }
    let (mut text, mut manifests) = (Text::new(), Vec::new());
    for (root, reference, registry, tag) in &places {
        for one in push::push_from_layout(&layout, root, registry, reference.repository(), tag)? {
            let (digest, plugin) = (one.digest.to_string(), one.plugin.unwrap_or_default());
            let tag = one.tag.as_deref().map(|tag| format!(" :{tag}")).unwrap_or_default();
            text = text.show(format!("{digest}{tag} {plugin}").trim_end()).say("\n");
            manifests.push(json!({
                "reference": reference.to_string(),
                "digest": digest,
                "tag": one.tag,
                "plugin": (!plugin.is_empty()).then_some(plugin),
                "new": one.is_new,
            }));
        }
    }
    Ok(Outcome::report(text, json!({"reference": target, "manifests": manifests})))
}

/// A plugin of a layout with the reference below `target` that its name and version make.
fn named_by_itself(root: Manifest, target: &str) -> Result<(Manifest, OciReference), Error> {
    let layers = root.image().and_then(|image| PluginLayers::find(&image)).map_err(|_| {
        Error::usage(format!("{} in the layout is not a plugin, so it has no name to be pushed under", root.digest))
            .hint("push it alone: `--from-layout DIR:TAG oci://HOST/PATH/NAME:TAG`")
    })?;
    let (name, version) = name_and_version(&layers.archive_name);
    let reference = complete(target, name, &version.replace('+', "_"))?;
    Ok((root, reference))
}
