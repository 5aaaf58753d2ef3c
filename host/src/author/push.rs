//! Plugins into registries and layouts: push, attach to a chart, carry from one place to another.

use std::collections::BTreeMap;

use oci_client::manifest::{OciDescriptor, OciImageManifest};

use crate::digest::Digest;
use crate::error::Error;
use crate::helm::plugin_yaml::{self, PluginYaml};
use crate::limits::table::{MAX_ARCHIVE, MAX_MANIFEST_BYTES};
use crate::oci::artifact::{
    Blob, CHART_CONFIG_TYPE, Manifest, PLUGIN_ARTIFACT_TYPE, PluginArtifact, PluginLayers, TITLE, name_and_version,
};
use crate::oci::layout::{Layout, PLUGIN_NAME, REF_NAME, blobs_of};
use crate::oci::origin::{Origin, kind_of, signature_tag};
use crate::oci::registry::{Look, Registry, index_entry};
use crate::plugin::contents::Contents;
use crate::plugin::fetched::Fetched;
use crate::plugin::opening::FetchOptions;
use crate::plugin::pull::{self, Arrived, Pulled};
use crate::plugin::verify;
use crate::source::{OciReference, PluginRef};
use crate::text::shown_value;
use crate::trust::evidence::{Came, Package, Pin};

/// How far referrers of referrers are followed: a signature of an attached plugin, and no further.
const MAX_DEPTH: usize = 3;

/// A plugin that is ready to be pushed.
#[derive(Clone, Debug)]
pub struct Shipment {
    /// What its plugin.yaml says.
    pub plugin: PluginYaml,
    /// Its files.
    pub artifact: PluginArtifact,
    /// The digest of its wasm.
    pub wasm: Digest,
}

impl Shipment {
    /// Takes an archive and its provenance as they are.
    ///
    /// # Errors
    /// When the archive is not a plugin that Helm would install (exit 2 or 3).
    pub fn new(archive: Vec<u8>, provenance: Option<Vec<u8>>) -> Result<Self, Error> {
        let contents = Contents::of_archive(&archive, "the archive")?;
        let text = contents.plugin_yaml.unwrap_or_default();
        let plugin = plugin_yaml::read(&text).map_err(|problem| problem.in_file("plugin.yaml in the archive"))?;
        let wasm = Digest::of(&contents.wasm);
        let mut annotations = BTreeMap::from([
            (TITLE.to_owned(), plugin.name.clone()),
            ("org.opencontainers.image.version".to_owned(), plugin.version.to_string()),
        ]);
        if let Some(url) = &plugin.source_url {
            annotations.insert("org.opencontainers.image.source".to_owned(), url.clone());
        }
        let archive_name = format!("{}-{}.tgz", plugin.name, plugin.version);
        Ok(Self { plugin, artifact: PluginArtifact { archive_name, archive, provenance, annotations }, wasm })
    }

    /// What is shipped, for the trust policy to judge: by the name that it is shipped under and the provenance that
    /// goes along.
    ///
    /// # Errors
    /// When the archive is not a plugin's (exit 2 or 3).
    pub(crate) fn as_fetched(&self, reference: &PluginRef) -> Result<Fetched, Error> {
        let PluginArtifact { archive_name, archive, provenance, .. } = &self.artifact;
        let Contents { plugin_yaml, wasm } = Contents::of_archive(archive, &format!("the archive `{archive_name}`"))?;
        let package = Package {
            archive_name: archive_name.clone(),
            archive: Digest::of(archive),
            provenance: provenance.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
        };
        Ok(Fetched::new(reference.clone(), None, plugin_yaml, wasm, Came::Archive(package)))
    }

    /// The tag of its version: `+` is no tag character, and Helm writes `_` for it.
    #[must_use]
    pub fn tag(&self) -> String {
        self.plugin.version.to_string().replace('+', "_")
    }
}

/// What became of a push.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// The manifest's digest.
    pub digest: Digest,
    /// Bytes of all that it names.
    pub size: u64,
    /// Whether anything was sent; false when the same content was there.
    pub is_new: bool,
}

/// Whether a push does what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Only look at what would be done.
    DryRun,
    /// Push; a tag that stands for something else stays.
    Careful,
    /// Push, over whatever is there.
    Force,
}

/// Pushes a plugin under a tag. Content that is there is not sent again.
///
/// # Errors
/// The tag stands for other content and is not to be overwritten (exit 3), or the registry fails (exit 5).
pub fn push(
    registry: &Registry,
    repository: &str,
    tag: &str,
    shipment: &Shipment,
    mode: Mode,
) -> Result<Pushed, Error> {
    let name = repository.rsplit('/').next().unwrap_or(repository);
    if name != shipment.plugin.name {
        return Err(Error::usage(format!(
            "the plugin is called `{}`, and the repository `{name}`: Helm installs it only when they are the same",
            shipment.plugin.name
        ))
        .hint(format!(
            "push it to `oci://{}/.../{}`",
            registry.name(),
            shipment.plugin.name.to_ascii_lowercase()
        )));
    }
    let manifest = shipment.artifact.manifest(None)?;
    let pushed = |is_new: bool| Pushed { digest: manifest.digest, size: size_of(&shipment.artifact), is_new };
    match registry.resolve(repository, tag)? {
        Some(there) if there.digest == manifest.digest => return Ok(pushed(false)),
        // A signature says when it was made, so signing the same archive again gives another manifest.
        Some(there)
            if mode != Mode::Force && has_same_archive(registry, repository, &there.digest, &shipment.artifact)? =>
        {
            return Ok(Pushed { digest: there.digest, ..pushed(false) });
        }
        Some(there) if mode != Mode::Force => {
            return Err(occupied(&format!("oci://{}/{repository}:{tag}", registry.name()), &there.digest));
        }
        _ => {}
    }
    if mode != Mode::DryRun {
        push_blobs(registry, repository, &shipment.artifact, None)?;
        registry.push_manifest(repository, tag, &manifest)?;
    }
    Ok(pushed(true))
}

/// The refusal to replace what people may have pinned.
fn occupied(place: &str, there: &Digest) -> Error {
    Error::denied(format!("{place} is there with other content ({there})"))
        .hint("give the plugin a new version; people who pinned this one, or verify its signature, would be cut off")
        .hint("`--force` overwrites it all the same")
}

/// Whether what is there is the same archive, and signed if ours is.
fn is_same_archive(there: &PluginLayers, ours: &PluginArtifact) -> bool {
    there.archive.digest == Digest::of(&ours.archive) && (there.provenance.is_some() || ours.provenance.is_none())
}

/// Whether a manifest is about the same archive, and signed if ours is.
fn has_same_archive(
    registry: &Registry,
    repository: &str,
    digest: &Digest,
    ours: &PluginArtifact,
) -> Result<bool, Error> {
    let manifest = registry.manifest(repository, &digest.to_string())?;
    let Ok(layers) = manifest.image().and_then(|image| PluginLayers::find(&image)) else { return Ok(false) };
    Ok(is_same_archive(&layers, ours))
}

fn push_blobs(
    registry: &Registry,
    repository: &str,
    artifact: &PluginArtifact,
    elsewhere: Option<&str>,
) -> Result<(), Error> {
    for (digest, bytes) in artifact.blobs() {
        registry.push_blob(repository, &digest, bytes, &artifact.archive_name, elsewhere)?;
    }
    Ok(())
}

fn size_of(artifact: &PluginArtifact) -> u64 {
    artifact.blobs().iter().map(|(_, bytes)| bytes.len() as u64).sum()
}

/// A chart in a registry, to attach plugins to.
#[derive(Clone, Debug)]
pub struct Chart {
    descriptor: OciDescriptor,
    digest: Digest,
}

impl Chart {
    /// The digest of the chart's manifest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Looks a chart up by tag or digest.
    ///
    /// # Errors
    /// When there is no such manifest, or it is not a chart's (exit 5 or 2).
    pub fn find(registry: &Registry, repository: &str, reference: &str) -> Result<Self, Error> {
        let manifest = registry.manifest(repository, reference)?;
        // `helm push` writes no mediaType into the manifest: its type is what the registry served it as.
        let image = manifest.image()?;
        if image.config.media_type != CHART_CONFIG_TYPE {
            return Err(Error::usage(format!(
                "oci://{}/{repository}:{reference} is not a Helm chart",
                registry.name()
            ))
            .hint("push the chart with `helm push CHART.tgz oci://HOST/PATH` first"));
        }
        Ok(Self { descriptor: manifest.descriptor(), digest: manifest.digest })
    }
}

/// A plugin that is attached to a chart.
#[derive(Clone, Debug)]
pub struct Attached {
    /// The plugin's name, from its archive's title; not to be believed before the plugin is verified.
    pub name: String,
    /// Its version, likewise.
    pub version: String,
    /// The digest of the referrer, by which it is pulled from the chart's repository.
    pub digest: Digest,
    /// Bytes of the archive.
    pub size: u64,
    /// Whether a provenance travels with it.
    pub is_signed: bool,
}

/// A plugin that is about to be attached to a chart.
pub struct ToAttach<'s> {
    /// The plugin.
    pub shipment: &'s Shipment,
    /// Another repository of the same registry that has its blobs, which are then not sent again.
    pub elsewhere: Option<String>,
}

/// Pushes plugins into the chart's repository as referrers of the chart: all, or, when one of them is refused, none.
/// Attached twice, a plugin is there once.
///
/// # Errors
/// When another content of the same version is attached, or given as well, and `force` is not set (exit 3); when the
/// registry fails (exit 5): everything that can be found out before is, and all blobs are there before the first plugin
/// is attached.
pub fn attach(
    registry: &Registry,
    repository: &str,
    chart: &Chart,
    plugins: &[ToAttach<'_>],
    force: bool,
) -> Result<Vec<Pushed>, Error> {
    let attached = discover(registry, repository, chart)?;
    let mut planned: Vec<(Manifest, Pushed, &Shipment)> = Vec::new();
    for ToAttach { shipment, .. } in plugins {
        let manifest = shipment.artifact.manifest(Some(chart.descriptor.clone()))?;
        let version = shipment.plugin.version.to_string();
        let known = attached.iter().find(|other| other.digest == manifest.digest);
        let same_version = attached.iter().find(|other| other.name == shipment.plugin.name && other.version == version);
        let pushed = Pushed { digest: manifest.digest, size: size_of(&shipment.artifact), is_new: known.is_none() };
        let twice = planned.iter().find(|(_, _, other)| other.artifact.archive_name == shipment.artifact.archive_name);
        let pushed = match (known.or(same_version), twice) {
            (_, Some((_, other, given))) if given.artifact.archive == shipment.artifact.archive => {
                Pushed { digest: other.digest, is_new: false, ..pushed }
            }
            (_, Some(_)) if !force => {
                return Err(Error::denied(format!(
                    "two plugins with different content are both {}",
                    shipment.artifact.archive_name
                ))
                .hint("give one of them a new version, or add `--force` to attach both")
                .hint("nothing was attached"));
            }
            (Some(other), _) if other.digest == manifest.digest || force => pushed,
            (Some(other), _) if has_same_archive(registry, repository, &other.digest, &shipment.artifact)? => {
                Pushed { digest: other.digest, is_new: false, ..pushed }
            }
            (Some(other), _) => {
                return Err(Error::denied(format!(
                    "another {}-{version} is attached to this chart ({})",
                    shown_value(&other.name),
                    other.digest
                ))
                .hint("give the plugin a new version, or add `--force` to attach this one as well")
                .hint("nothing was attached"));
            }
            (None, _) => pushed,
        };
        planned.push((manifest, pushed, shipment));
    }
    for (plugin, _) in plugins.iter().zip(&planned).filter(|(_, (_, pushed, _))| pushed.is_new) {
        push_blobs(registry, repository, &plugin.shipment.artifact, plugin.elsewhere.as_deref())?;
    }
    let mut done: Vec<&str> = Vec::new();
    for (manifest, _, shipment) in planned.iter().filter(|(_, pushed, _)| pushed.is_new) {
        let entry = index_entry(manifest, PLUGIN_ARTIFACT_TYPE, Some(shipment.artifact.annotations.clone()));
        registry.push_referrer(repository, &chart.digest, manifest, &entry).map_err(|error| match done.as_slice() {
            [] => error.hint("nothing was attached"),
            done => error.hint(format!("{} is attached already; repeat the command for the rest", done.join(", "))),
        })?;
        done.push(&shipment.artifact.archive_name);
    }
    Ok(planned.into_iter().map(|(_, pushed, _)| pushed).collect())
}

/// The plugins that are attached to a chart, sorted by name and version.
///
/// # Errors
/// When the registry fails (exit 5).
pub fn discover(registry: &Registry, repository: &str, chart: &Chart) -> Result<Vec<Attached>, Error> {
    let found = Origin::Repository(registry, repository).referrers(&chart.digest, Some(PLUGIN_ARTIFACT_TYPE))?;
    let mut attached = Vec::new();
    for (manifest, image) in found {
        // Whoever may write to the repository may attach nonsense; it must not hide the rest.
        let Ok(layers) = PluginLayers::find(&image) else { continue };
        let (name, version) = name_and_version(&layers.archive_name);
        attached.push(Attached {
            name: name.to_owned(),
            version: version.to_owned(),
            digest: manifest.digest,
            size: layers.archive.size,
            is_signed: layers.provenance.is_some(),
        });
    }
    attached.sort_by(|a, b| (&a.name, &a.version, a.digest).cmp(&(&b.name, &b.version, b.digest)));
    attached.dedup_by(|a, b| a.digest == b.digest);
    Ok(attached)
}

/// A manifest with everything that refers to it (signatures, attached plugins), as a registry listed them once. It is
/// judged and written as it is here, whatever the registry lists a moment later.
pub struct Load {
    root: Manifest,
    parts: Vec<Part>,
}

struct Part {
    manifest: Manifest,
    image: OciImageManifest,
    annotations: BTreeMap<String, String>,
}

impl Part {
    fn archive_name(&self) -> Option<String> {
        PluginLayers::find(&self.image).ok().map(|layers| layers.archive_name)
    }
}

impl Load {
    /// Lists what refers to `manifest`, which `tag` was found to stand for. Blobs are not fetched yet.
    ///
    /// # Errors
    /// When a manifest cannot be had (exit 5 or 3).
    pub fn gather(registry: &Registry, repository: &str, manifest: Manifest, tag: Option<&str>) -> Result<Self, Error> {
        let origin = Origin::Repository(registry, repository);
        let annotations = tag.map(|tag| (REF_NAME.to_owned(), tag.to_owned())).into_iter().collect();
        let mut parts = vec![Part { image: manifest.image()?, manifest: manifest.clone(), annotations }];
        let mut subjects = vec![(manifest.digest, 0)];
        // Referrers of referrers multiply: all that is copied shares one allowance.
        let mut look = Look::new();
        while let Some((subject, depth)) = subjects.pop() {
            if depth >= MAX_DEPTH {
                continue;
            }
            look.restart();
            if let Some(signature) = origin.signature_tag(&subject)? {
                look.take_manifest(registry, &signature)?;
                let annotations = BTreeMap::from([(REF_NAME.to_owned(), signature_tag(&subject))]);
                parts.push(Part { image: signature.image()?, manifest: signature, annotations });
            }
            for (manifest, image) in origin.referrers_within(&subject, None, &mut look)? {
                subjects.push((manifest.digest, depth + 1));
                parts.push(Part { manifest, image, annotations: BTreeMap::new() });
            }
        }
        Ok(Self { root: manifest, parts })
    }

    /// The digest of the manifest that all of it belongs to.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.root.digest
    }

    /// The archive's name, when what all belongs to is a plugin and not a chart.
    #[must_use]
    pub fn root_plugin(&self) -> Option<String> {
        self.parts.first().and_then(Part::archive_name)
    }

    /// Has the trust policy judge every plugin in it; the reasons to trust them.
    ///
    /// # Errors
    /// When one of them is not trusted, or there is none (exit 3).
    pub fn judge(
        &self,
        registry: &Registry,
        reference: &PluginRef,
        pin: Option<Pin>,
        remote: &FetchOptions,
    ) -> Result<Vec<String>, Error> {
        let PluginRef::Oci(oci) = reference else {
            return Err(Error::bug(format!("{reference} is in no registry, and came from one")));
        };
        let origin = Origin::Repository(registry, oci.repository());
        let mut reasons = Vec::new();
        for part in &self.parts {
            let Some(name) = part.archive_name() else { continue };
            let is_root = part.manifest.digest == self.root.digest;
            let (named, pin) = if is_root {
                (reference.clone(), pin)
            } else {
                (PluginRef::Attached(oci.at(&part.manifest.digest)), None)
            };
            let pulled = Pulled::from_origin(part.manifest.clone(), &origin, &remote.blobs)?;
            pulled.keep(&remote.blobs);
            let arrived =
                Arrived::new(named, pulled, pin, remote, |manifest| pull::signatures(&origin, manifest))?.unpack()?;
            let verified = verify::verify(arrived, remote)?;
            let name = name.trim_end_matches(".tgz");
            reasons.extend(verified.reasons().iter().map(|reason| format!("{}: {reason}", shown_value(name))));
        }
        if reasons.is_empty() {
            return Err(Error::denied(format!("{reference} holds no plugin, so nothing that the named key signed"))
                .hint("`helm verify` checks the signature of a chart; leave the key away to copy it"));
        }
        Ok(reasons)
    }

    /// Fetches the blobs and writes it all into a layout. Returns how many manifests are there.
    ///
    /// # Errors
    /// When a blob cannot be had (exit 5 or 3) or written (exit 2).
    pub fn write(&self, registry: &Registry, repository: &str, layout: &Layout) -> Result<usize, Error> {
        let origin = Origin::Repository(registry, repository);
        for Part { manifest, image, annotations } in &self.parts {
            for blob in blobs_of(image)? {
                if layout.blob(&blob.digest, MAX_ARCHIVE).is_err() {
                    layout.put_blob(&origin.blob(&blob, "a blob")?)?;
                }
            }
            let mut annotations = annotations.clone();
            if let Ok(layers) = PluginLayers::find(image) {
                annotations.insert(PLUGIN_NAME.to_owned(), layers.archive_name.trim_end_matches(".tgz").to_owned());
            }
            layout.put_manifest(manifest, Some(kind_of(image)), annotations)?;
        }
        Ok(self.parts.len())
    }
}

/// Puts a plugin into a layout, as [`push`] puts it into a registry.
///
/// # Errors
/// When another content of this version is there and is not to be overwritten (exit 3), or the layout cannot be written
/// (exit 2).
pub fn push_to_layout(layout: &Layout, shipment: &Shipment, mode: Mode) -> Result<Pushed, Error> {
    let manifest = shipment.artifact.manifest(None)?;
    let size = size_of(&shipment.artifact);
    let name = shipment.artifact.archive_name.trim_end_matches(".tgz").to_owned();
    for there in layout.roots()?.into_iter().filter(|_| mode != Mode::Force) {
        let Ok(layers) = there.image().and_then(|image| PluginLayers::find(&image)) else { continue };
        if layers.archive_name != shipment.artifact.archive_name {
            continue;
        }
        if is_same_archive(&layers, &shipment.artifact) {
            return Ok(Pushed { digest: there.digest, size, is_new: false });
        }
        return Err(occupied(&format!("{name} in the layout"), &there.digest));
    }
    if mode == Mode::DryRun {
        return Ok(Pushed { digest: manifest.digest, size, is_new: true });
    }
    for (_, bytes) in shipment.artifact.blobs() {
        layout.put_blob(bytes)?;
    }
    let annotations = BTreeMap::from([(REF_NAME.to_owned(), shipment.tag()), (PLUGIN_NAME.to_owned(), name)]);
    layout.put_manifest(&manifest, Some(PLUGIN_ARTIFACT_TYPE), annotations)?;
    Ok(Pushed { digest: manifest.digest, size, is_new: true })
}

/// One manifest of a layout that was pushed on.
#[derive(Clone, Debug)]
pub struct Carried {
    /// Its digest.
    pub digest: Digest,
    /// Its tag, if it has one.
    pub tag: Option<String>,
    /// The plugin's `NAME-VERSION`, if it is one.
    pub plugin: Option<String>,
    /// Whether anything was sent.
    pub is_new: bool,
}

/// Whether one plugin or chart of a layout may be pushed to a place: what is asked before anything is sent.
///
/// # Errors
/// When it is another plugin or version than the place says, or the place is taken by other content and `force` is not
/// set (exit 3); when the registry fails (exit 5).
pub fn check_place(root: &Manifest, registry: &Registry, place: &OciReference, force: bool) -> Result<(), Error> {
    if let Ok(layers) = root.image().and_then(|image| PluginLayers::find(&image)) {
        pull::refuse_other_plugin(&PluginRef::Oci(place.clone()), &layers.archive_name)?;
    }
    match place.tag().map(|tag| registry.resolve(place.repository(), tag)).transpose()?.flatten() {
        Some(there) if there.digest != root.digest && !force => Err(occupied(&place.to_string(), &there.digest)),
        _ => Ok(()),
    }
}

/// Pushes one plugin or chart of a layout, with everything that refers to it, to a place that [`check_place`] found to
/// be right.
///
/// # Errors
/// When the layout is damaged (exit 2 or 3), or the registry fails (exit 5).
pub fn push_from_layout(
    layout: &Layout,
    root: &Manifest,
    registry: &Registry,
    repository: &str,
    tag: &str,
) -> Result<Vec<Carried>, Error> {
    let mut carried = vec![carry(layout, root, registry, repository, Some(tag))?];
    let mut subjects = vec![(root.digest, 0)];
    while let Some((subject, depth)) = subjects.pop() {
        if depth >= MAX_DEPTH {
            continue;
        }
        let signature = signature_tag(&subject);
        if let Some(manifest) = layout.tagged(&signature)? {
            carried.push(carry(layout, &manifest, registry, repository, Some(&signature))?);
        }
        for (referrer, image) in layout.referrers(&subject)? {
            push_all_blobs(layout, &image, registry, repository)?;
            let entry = index_entry(&referrer, kind_of(&image), image.annotations.clone());
            registry.push_referrer(repository, &subject, &referrer, &entry)?;
            let plugin =
                PluginLayers::find(&image).ok().map(|layers| layers.archive_name.trim_end_matches(".tgz").to_owned());
            carried.push(Carried { digest: referrer.digest, tag: None, plugin, is_new: true });
            subjects.push((referrer.digest, depth + 1));
        }
    }
    Ok(carried)
}

fn carry(
    layout: &Layout,
    manifest: &Manifest,
    registry: &Registry,
    repository: &str,
    tag: Option<&str>,
) -> Result<Carried, Error> {
    let image = manifest.image()?;
    push_all_blobs(layout, &image, registry, repository)?;
    let by_digest = manifest.digest.to_string();
    let reference = tag.unwrap_or(&by_digest);
    let is_new = registry.resolve(repository, reference)?.is_none_or(|there| there.digest != manifest.digest);
    if is_new {
        registry.push_manifest(repository, reference, manifest)?;
    }
    let plugin = PluginLayers::find(&image).ok().map(|layers| layers.archive_name.trim_end_matches(".tgz").to_owned());
    Ok(Carried { digest: manifest.digest, tag: tag.map(str::to_owned), plugin, is_new })
}

fn push_all_blobs(
    layout: &Layout,
    image: &OciImageManifest,
    registry: &Registry,
    repository: &str,
) -> Result<(), Error> {
    for Blob { digest, size } in blobs_of(image)? {
        registry.push_blob(
            repository,
            &digest,
            &layout.blob(&digest, size.max(MAX_MANIFEST_BYTES))?,
            "a blob",
            None,
        )?;
    }
    Ok(())
}
