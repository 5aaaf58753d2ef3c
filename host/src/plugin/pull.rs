//! From a reference to a plugin's bytes: out of the store when its digest is known, else out of the registry.
//!
//! [`arrive`] is the only door. It asks once what a name stands for; what is judged, written and run is taken from its
//! one answer ([`Arrived`]), whatever the registry says a moment later.

use oci_client::manifest::{OCI_IMAGE_MEDIA_TYPE, OciImageManifest};

use super::opening::FetchOptions;
use crate::digest::Digest;
use crate::error::Error;
use crate::helm::archive::{ArchiveLimits, PluginArchive};
use crate::limits::table::{MAX_ARCHIVE, MAX_MANIFEST_BYTES, MAX_PROVENANCE_BYTES};
use crate::oci::artifact::{Blob, Manifest, PluginLayers, name_and_version};
use crate::oci::blobs::Blobs;
use crate::oci::layout::Layout;
use crate::oci::origin::{Origin, kind_of};
use crate::oci::registry::Registry;
use crate::plugin::contents::Contents;
use crate::plugin::fetched::Fetched;
use crate::source::{OciReference, PluginRef};
use crate::text::shown_value;
use crate::trust::cosign::{
    BUNDLE_TYPE_PREFIX, CosignSignature, SIGNATURE_ANNOTATION, SIMPLE_SIGNING_ARTIFACT_TYPE, SIMPLE_SIGNING_TYPE,
};
use crate::trust::evidence::{Came, Package, Pin, Shipped};

/// Signatures that are looked at for one manifest; more are somebody's attempt to keep us busy.
const MAX_SIGNATURES: usize = 50;

/// A plugin's parts as they came, every one checked against its digest.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// The manifest.
    pub manifest: Manifest,
    /// `NAME-VERSION.tgz`.
    pub archive_name: String,
    /// The archive.
    pub archive: Vec<u8>,
    /// The provenance, if there is one.
    pub provenance: Option<Vec<u8>>,
}

impl Pulled {
    pub(crate) fn from_origin(manifest: Manifest, origin: &Origin<'_>, blobs: &Blobs) -> Result<Self, Error> {
        let layers = PluginLayers::find(&manifest.image()?)?;
        let get = |blob: &Blob, what: &str| -> Result<Vec<u8>, Error> {
            match blobs.get(&blob.digest, blob.size) {
                Some(bytes) => Ok(bytes),
                None => origin.blob(blob, what),
            }
        };
        let archive = get(&layers.archive, &layers.archive_name)?;
        let provenance = layers.provenance.as_ref().map(|blob| get(blob, "the signature")).transpose()?;
        Ok(Self { manifest, archive_name: layers.archive_name, archive, provenance })
    }

    /// Keeps all parts in the store; the manifest last, so that one that is there is complete.
    pub(crate) fn keep(&self, blobs: &Blobs) {
        blobs.put(&self.archive);
        if let Some(provenance) = &self.provenance {
            blobs.put(provenance);
        }
        blobs.put(&self.manifest.bytes);
    }

    fn stored(digest: &Digest, blobs: &Blobs) -> Option<Self> {
        let bytes = blobs.get(digest, MAX_MANIFEST_BYTES)?;
        let manifest = Manifest { bytes, digest: *digest, media_type: OCI_IMAGE_MEDIA_TYPE.to_owned() };
        let layers = PluginLayers::find(&manifest.image().ok()?).ok()?;
        let archive = blobs.get(&layers.archive.digest, MAX_ARCHIVE)?;
        let provenance = match &layers.provenance {
            None => None,
            Some(blob) => Some(blobs.get(&blob.digest, MAX_PROVENANCE_BYTES)?),
        };
        Some(Self { manifest, archive_name: layers.archive_name, archive, provenance })
    }

    /// The archive, read whole and found well-formed.
    ///
    /// # Errors
    /// When it breaks a rule (exit 3) or is no archive (exit 2).
    pub fn open(&self) -> Result<PluginArchive, Error> {
        PluginArchive::read(&self.archive, ArchiveLimits::DEFAULT)
    }
}

/// A plugin that a registry or a layout gave, once: the one answer that everything else is taken from.
#[derive(Clone, Debug)]
pub struct Arrived {
    reference: PluginRef,
    pulled: Pulled,
    cosign: Vec<CosignSignature>,
    pin: Option<Pin>,
}

impl Arrived {
    /// Takes a plugin that was named by `reference`, with the signatures that `find_signatures` finds where the policy
    /// asks for them.
    ///
    /// # Errors
    /// When it is another plugin or version than the reference says, and no digest names it (exit 3).
    pub(crate) fn new(
        reference: PluginRef,
        pulled: Pulled,
        pin: Option<Pin>,
        remote: &FetchOptions,
        find_signatures: impl FnOnce(&Digest) -> Result<Vec<CosignSignature>, Error>,
    ) -> Result<Self, Error> {
        // A digest says more than a name.
        if pin.is_none() {
            refuse_other_plugin(&reference, &pulled.archive_name)?;
        }
        let cosign = if remote.trust.wants_cosign(&reference, pin) {
            find_signatures(&pulled.manifest.digest)?
        } else {
            Vec::new()
        };
        Ok(Self { reference, pulled, cosign, pin })
    }

    /// Its parts, as they came.
    #[must_use]
    pub fn parts(&self) -> &Pulled {
        &self.pulled
    }

    /// What is in the archive, for the trust policy to judge.
    ///
    /// # Errors
    /// The archive is not a plugin's (exit 2 or 3).
    pub fn unpack(&self) -> Result<Fetched, Error> {
        let Self { reference, pulled, cosign, pin } = self;
        let Contents { plugin_yaml, wasm } = Contents::of_archive(&pulled.archive, &reference.to_string())?;
        let package = Package {
            archive_name: pulled.archive_name.clone(),
            archive: Digest::of(&pulled.archive),
            provenance: pulled.provenance.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
        };
        let shipped = Shipped { manifest: pulled.manifest.digest, package, cosign: cosign.clone(), pin: *pin };
        Ok(Fetched::new(reference.clone(), None, plugin_yaml, wasm, Came::Shipped(shipped)))
    }
}

/// The plugin that a reference to a registry or a layout names, for the trust policy to judge.
///
/// # Errors
/// Those of [`arrive`], and an archive that is not a plugin's (exit 2 or 3).
pub fn fetch_shipped(reference: &PluginRef, remote: &FetchOptions) -> Result<Fetched, Error> {
    arrive(reference, remote)?.unpack()
}

/// Asks a registry or a layout, once, for the plugin that a reference names.
///
/// With a digest (in the reference or the lock file) and the content in the store, no registry is contacted.
///
/// # Errors
/// When it cannot be had whole (exit 5, or 2 from a layout), is not what its digest or its name says, or the lock file
/// forbids it (exit 3); a reference to this machine's disk (exit 2).
pub fn arrive(reference: &PluginRef, remote: &FetchOptions) -> Result<Arrived, Error> {
    match reference {
        PluginRef::Oci(oci) | PluginRef::Attached(oci) => {
            let (pulled, pin, registry) = pull_by_any_name(reference, oci, remote)?;
            Arrived::new(reference.clone(), pulled, pin, remote, |manifest| {
                let connect = || match registry {
                    Some(registry) => Ok(registry),
                    None => Registry::new(oci.registry(), &remote.client, remote.progress),
                };
                stored_or_fetched_signatures(manifest, remote, connect, oci.repository())
            })
        }
        PluginRef::Layout { folder, tag } => {
            let layout = Layout::at(folder);
            let origin = Origin::Layout(&layout);
            let pulled = Pulled::from_origin(layout.find(tag.as_deref())?, &origin, &Blobs::none(Vec::new()))?;
            let pin = pin_of(reference, remote)?;
            if let Some((digest, _)) = &pin
                && *digest != pulled.manifest.digest
            {
                return Err(moved(reference, digest, &pulled.manifest.digest));
            }
            let pin = pin.map(|(_, pin)| pin);
            Arrived::new(reference.clone(), pulled, pin, remote, |manifest| signatures(&origin, manifest))
        }
        PluginRef::Path(_) | PluginRef::Installed(_) => {
            Err(Error::usage(format!("{reference} is neither in a registry nor in an OCI layout")))
        }
    }
}

/// What a reference says about the plugin that it names.
#[derive(Debug, Default, PartialEq, Eq)]
struct Promise<'r> {
    name: Option<&'r str>,
    version: Option<semver::Version>,
}

impl<'r> Promise<'r> {
    fn of(reference: &'r PluginRef) -> Self {
        match reference {
            PluginRef::Oci(oci) => match oci.tag() {
                Some(tag) => Self { name: oci.repository().rsplit('/').next(), version: version_of_tag(tag) },
                None => Self::default(),
            },
            // `index.json` gives every manifest its names, and no signature covers it: VERSION, or NAME-VERSION.
            PluginRef::Layout { tag: Some(tag), .. } => match version_of_tag(tag) {
                Some(version) => Self { name: None, version: Some(version) },
                None => tag
                    .match_indices('-')
                    .find_map(|(at, _)| Some((tag.get(..at)?, version_of_tag(tag.get(at + 1..)?)?)))
                    .map(|(name, version)| Self { name: Some(name), version: Some(version) })
                    .unwrap_or_default(),
            },
            // What is attached to a chart lies in the chart's repository, under no name of its own.
            PluginRef::Layout { tag: None, .. }
            | PluginRef::Attached(_)
            | PluginRef::Path(_)
            | PluginRef::Installed(_) => Self::default(),
        }
    }

    fn is_kept_by(&self, archive_name: &str) -> bool {
        let (name, version) = name_and_version(archive_name);
        self.name.is_none_or(|asked| asked == name)
            && self
                .version
                .as_ref()
                .is_none_or(|asked| semver::Version::parse(version).is_ok_and(|version| version == *asked))
    }
}

/// Helm writes `_` for the `+` of a version. A tag that is no version (`latest`) promises none.
fn version_of_tag(tag: &str) -> Option<semver::Version> {
    semver::Version::parse(&tag.replace('_', "+")).ok()
}

/// A signature says who made a plugin, not that it is the one that was asked for: whoever can write to a registry, or
/// to the `index.json` of a layout, could put another one of the same signer under a tag, or an old version with a
/// hole. Helm demands the same name, too.
pub(crate) fn refuse_other_plugin(reference: &PluginRef, archive_name: &str) -> Result<(), Error> {
    if Promise::of(reference).is_kept_by(archive_name) {
        return Ok(());
    }
    Err(Error::denied(format!("{reference} is there, but it is {}", shown_value(archive_name)))
        .hint("somebody put another plugin or version under this name; name the one that you want"))
}

/// Pulls a plugin, and says by what it is pinned. The registry is handed back when one was contacted.
fn pull_by_any_name(
    named: &PluginRef,
    reference: &OciReference,
    remote: &FetchOptions,
) -> Result<(Pulled, Option<Pin>, Option<Registry>), Error> {
    let pin = pin_of(named, remote)?;
    // What is attached is asked for by the registry's digest, which is an address and nobody's pin.
    let address = reference.digest();
    let stored = match &pin {
        Some((digest, _)) => Pulled::stored(digest, &remote.blobs),
        None => None,
    };
    // With `--locked` or a typed digest nothing else is asked; a lock file alone also notices that a tag moved.
    let asks_tag = matches!(pin, Some((_, Pin::LockFile))) && !remote.locked && reference.tag().is_some();
    if let (Some(stored), false) = (&stored, asks_tag) {
        return Ok((stored.clone(), pin.map(|(_, pin)| pin), None));
    }
    let registry = match (Registry::new(reference.registry(), &remote.client, remote.progress), stored.as_ref()) {
        (Ok(registry), _) => registry,
        (Err(error), Some(stored)) if error.is_network() => {
            return Ok((stored.clone(), pin.map(|(_, pin)| pin), None));
        }
        (Err(error), _) => return Err(error),
    };
    let repository = reference.repository();
    let digest = match (reference.tag(), &pin) {
        // A digest that the user typed is the whole answer; where the tag points by now does not matter.
        (_, Some((digest, Pin::Reference))) => Some(*digest),
        (Some(tag), pin) => match (registry.resolve(repository, tag), pin) {
            (Ok(Some(found)), Some((digest, _))) if found.digest != *digest => {
                return Err(moved(named, digest, &found.digest));
            }
            (Ok(Some(found)), _) => Some(found.digest),
            // The tag may be gone or out of reach: the digest says enough.
            (_, Some((digest, _))) => Some(*digest),
            (Ok(None), None) => None,
            (Err(error), None) => return Err(error),
        },
        (None, Some((digest, _))) => Some(*digest),
        (None, None) => address,
    };
    let pin_kind = pin.map(|(_, pin)| pin);
    if let Some(digest) = &digest
        && let Some(stored) = Pulled::stored(digest, &remote.blobs)
    {
        return Ok((stored, pin_kind, Some(registry)));
    }
    let by = digest.map(|digest| digest.to_string());
    let manifest = registry.manifest(repository, by.as_deref().or(reference.tag()).unwrap_or_default())?;
    let pulled =
        Pulled::from_origin(manifest, &Origin::Repository(&registry, repository), &remote.blobs).map_err(|error| {
            if error.is_network() { error } else { error.hint(format!("while fetching {reference}")) }
        })?;
    pulled.keep(&remote.blobs);
    Ok((pulled, pin_kind, Some(registry)))
}

/// The digest that the manifest must have, and who says so.
fn pin_of(reference: &PluginRef, remote: &FetchOptions) -> Result<Option<(Digest, Pin)>, Error> {
    let typed = match reference {
        PluginRef::Oci(reference) => reference.digest(),
        _ => None,
    };
    let locked = remote.lock.as_ref().and_then(|lock| lock.find(reference)).and_then(|entry| entry.manifest);
    match (typed, locked) {
        (Some(typed), Some(locked)) if typed != locked => Err(moved(reference, &locked, &typed)),
        (_, Some(locked)) => Ok(Some((locked, Pin::LockFile))),
        (Some(typed), None) => Ok(Some((typed, Pin::Reference))),
        (None, None) => Ok(None),
    }
}

fn moved(reference: &PluginRef, locked: &Digest, found: &Digest) -> Error {
    Error::denied(format!("{reference} is {found} now, and {locked} in the lock file: somebody moved the tag"))
        .hint("if that was meant to be, look at what changed, then run `windlass lock --update`")
}

/// Signatures from the store or a layout; those of the registry when none of these is by a key of the policy.
fn stored_or_fetched_signatures(
    manifest: &Digest,
    remote: &FetchOptions,
    connect: impl FnOnce() -> Result<Registry, Error>,
    repository: &str,
) -> Result<Vec<CosignSignature>, Error> {
    const SUFFIX: &str = "signatures";
    let stored = remote.blobs.get_beside(manifest, SUFFIX, MAX_MANIFEST_BYTES);
    if let Some(stored) = stored
        && let Ok(stored) = serde_json::from_slice::<Vec<CosignSignature>>(&stored)
        && remote.trust.is_signed_by_any_key(&stored, manifest)
    {
        return Ok(stored);
    }
    for layout in remote.blobs.layouts() {
        let carried = signatures(&Origin::Layout(&Layout::at(layout)), manifest)?;
        if remote.trust.is_signed_by_any_key(&carried, manifest) {
            return Ok(carried);
        }
    }
    let registry = connect()?;
    let found = signatures(&Origin::Repository(&registry, repository), manifest)?;
    let text = serde_json::to_vec(&found).map_err(|e| Error::bug(format!("signatures cannot be written: {e}")))?;
    remote.blobs.put_beside(manifest, SUFFIX, &text);
    Ok(found)
}

/// The cosign signatures that lie beside a manifest, in all forms.
pub(crate) fn signatures(origin: &Origin<'_>, manifest: &Digest) -> Result<Vec<CosignSignature>, Error> {
    let mut found = Vec::new();
    let mut carriers: Vec<OciImageManifest> =
        origin.referrers(manifest, None)?.into_iter().map(|(_, image)| image).filter(is_signature).collect();
    if let Some(tagged) = origin.signature_tag(manifest)? {
        carriers.push(tagged.image()?);
    }
    for image in &carriers {
        for layer in &image.layers {
            if found.len() >= MAX_SIGNATURES {
                return Ok(found);
            }
            if layer.media_type == SIMPLE_SIGNING_TYPE {
                let Some(signature) =
                    layer.annotations.as_ref().and_then(|annotations| annotations.get(SIGNATURE_ANNOTATION))
                else {
                    continue;
                };
                let payload = origin.blob(&Blob::of(layer, MAX_PROVENANCE_BYTES)?, "a signature")?;
                use base64::Engine as _;
                let payload = base64::engine::general_purpose::STANDARD.encode(payload);
                found.push(CosignSignature::Simple { payload, signature: signature.clone() });
            } else if layer.media_type.starts_with(BUNDLE_TYPE_PREFIX) {
                let text = origin.blob(&Blob::of(layer, MAX_PROVENANCE_BYTES)?, "a signature")?;
                found.push(CosignSignature::Bundle(String::from_utf8_lossy(&text).into_owned()));
            }
        }
    }
    Ok(found)
}

/// Whether a referrer carries signatures.
pub(crate) fn is_signature(image: &OciImageManifest) -> bool {
    let kind = kind_of(image);
    kind.starts_with(BUNDLE_TYPE_PREFIX) || kind == SIMPLE_SIGNING_ARTIFACT_TYPE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_promises_a_name_and_a_version() {
        let archive = "my-plugin-1.0.0+a.tgz";
        for (reference, is_kept) in [
            ("oci://h/p/my-plugin:1.0.0_a", true),
            ("oci://h/p/my-plugin:latest", true),
            ("oci://h/p/my-plugin:1.0.0", false),
            ("oci://h/p/my-plugin:1.1.0_a", false),
            ("oci://h/p/plugin:1.0.0_a", false),
            ("oci://h/p/plugin:latest", false),
            ("oci-layout:l", true),
            ("oci-layout:l:latest", true),
            ("oci-layout:l:1.0.0_a", true),
            ("oci-layout:l:1.0.0+a", true),
            ("oci-layout:l:my-plugin-1.0.0+a", true),
            ("oci-layout:l:my-plugin-1.0.0_a", true),
            ("oci-layout:l:1.1.0_a", false),
            ("oci-layout:l:1.0.0", false),
            ("oci-layout:l:my-plugin-1.1.0+a", false),
            ("oci-layout:l:plugin-1.0.0+a", false),
        ] {
            let reference: PluginRef = reference.parse().unwrap();
            assert_eq!(Promise::of(&reference).is_kept_by(archive), is_kept, "{reference}");
        }
    }
}
