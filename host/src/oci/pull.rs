//! From a reference to a plugin's bytes: out of the store when its digest is known, else out of the registry.

use oci_client::manifest::{OCI_IMAGE_MEDIA_TYPE, OciImageManifest};

use super::artifact::{
    Blob, MAX_ARCHIVE_BYTES, MAX_MANIFEST_BYTES, MAX_PROVENANCE_BYTES, Manifest, PluginLayers, name_and_version,
    printable,
};
use super::blobs::Blobs;
use super::http::ClientOptions;
use super::layout::Layout;
use super::origin::{Origin, kind_of};
use super::progress::Progress;
use super::registry::Registry;
use crate::error::{Error, ExitCode};
use crate::fetch::{Digest, Fetched};
use crate::helm::archive::{ArchiveLimits, PLUGIN_YAML, PluginArchive};
use crate::lock::Lock;
use crate::source::{OciReference, PluginRef};
use crate::trust::cosign::{
    BUNDLE_TYPE_PREFIX, CosignSignature, SIGNATURE_ANNOTATION, SIMPLE_SIGNING_ARTIFACT_TYPE, SIMPLE_SIGNING_TYPE,
};
use crate::trust::{Pin, TrustPolicy};

/// Signatures that are looked at for one manifest; more are somebody's attempt to keep us busy.
const MAX_SIGNATURES: usize = 50;

/// All that fetching from afar depends on.
#[derive(Clone, Debug)]
pub struct Remote {
    /// How to reach registries.
    pub client: ClientOptions,
    /// What is already here.
    pub blobs: Blobs,
    /// Whether transfers are shown.
    pub progress: Progress,
    /// Whom to believe.
    pub trust: TrustPolicy,
    /// The digests that a lock file pins, if there is one.
    pub lock: Option<Lock>,
    /// Whether everything must be in the lock file (`--locked`).
    pub locked: bool,
    /// Whether a digest in a reference is the user's word, and so a pin.
    pub digests_are_pins: bool,
}

impl Remote {
    /// For plugins on this machine: nothing is read, kept or fetched.
    #[must_use]
    pub fn none() -> Self {
        Self {
            client: ClientOptions::default(),
            blobs: Blobs::none(Vec::new()),
            progress: Progress::Hidden,
            trust: TrustPolicy::default(),
            lock: None,
            locked: false,
            digests_are_pins: true,
        }
    }

    /// The user's store, where there is a place for one, and policy, and nothing else out of the ordinary.
    ///
    /// # Errors
    /// When the user's policy cannot be read (exit 2).
    pub fn of_user() -> Result<Self, Error> {
        let blobs = Blobs::of_user(Vec::new()).unwrap_or_default();
        Ok(Self { blobs, trust: TrustPolicy::of_user()?, ..Self::none() })
    }
}

/// What came along with a plugin that was shipped: what the trust policy judges it by.
#[derive(Clone, Debug)]
pub struct Shipped {
    /// The digest of the manifest it came by.
    pub manifest: Digest,
    /// `NAME-VERSION.tgz`, as the archive is titled.
    pub archive_name: String,
    /// The digest of the archive.
    pub archive: Digest,
    /// The provenance file, if there is one.
    pub provenance: Option<String>,
    /// The cosign signatures that were found; looked for only when the policy has a key.
    pub cosign: Vec<CosignSignature>,
    /// Who said that it must be this manifest.
    pub pin: Option<Pin>,
}

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
    fn from_origin(manifest: Manifest, origin: &Origin<'_>, blobs: &Blobs) -> Result<Self, Error> {
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
    fn keep(&self, blobs: &Blobs) {
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
        let archive = blobs.get(&layers.archive.digest, MAX_ARCHIVE_BYTES)?;
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

    fn into_fetched(
        self,
        reference: PluginRef,
        cosign: Vec<CosignSignature>,
        pin: Option<Pin>,
    ) -> Result<Fetched, Error> {
        let archive = self.open()?;
        let plugin_yaml = archive.file(PLUGIN_YAML).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let wasm = archive.file("plugin.wasm").ok_or_else(|| {
            Error::usage(format!("{reference} has no plugin.wasm: it is a plugin for Helm that is not WebAssembly"))
        })?;
        let shipped = Shipped {
            manifest: self.manifest.digest,
            archive_name: self.archive_name,
            archive: Digest::of(&self.archive),
            provenance: self.provenance.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            cosign,
            pin,
        };
        Ok(Fetched::shipped(reference, plugin_yaml, wasm.to_vec(), shipped))
    }
}

/// The plugin that a registry reference names, for the trust policy to judge.
///
/// With a digest (in the reference or the lock file) and the content in the store, no registry is contacted.
///
/// # Errors
/// When it cannot be had whole (exit 5), is not what its digest says, or the lock file forbids it (exit 3).
pub fn fetch_from_registry(reference: &OciReference, remote: &Remote) -> Result<Fetched, Error> {
    let (pulled, pin, registry) = pull(reference, remote)?;
    let as_ref = PluginRef::Oci(reference.clone());
    let pin = pin.filter(|pin| remote.digests_are_pins || *pin != Pin::Reference);
    let cosign = if remote.trust.wants_cosign(&as_ref, pin) {
        stored_or_fetched_signatures(
            &pulled.manifest.digest,
            remote,
            || match registry {
                Some(registry) => Ok(registry),
                None => Registry::new(reference.registry(), &remote.client, remote.progress),
            },
            reference.repository(),
        )?
    } else {
        Vec::new()
    };
    pulled.into_fetched(as_ref, cosign, pin)
}

/// The plugin in a layout, for the trust policy to judge.
///
/// # Errors
/// When it is not there (exit 2), or was changed (exit 3).
pub fn fetch_from_layout(
    reference: &PluginRef,
    folder: &std::path::Path,
    tag: Option<&str>,
    remote: &Remote,
) -> Result<Fetched, Error> {
    let layout = Layout::at(folder);
    let origin = Origin::Layout(&layout);
    let pulled = Pulled::from_origin(layout.find(tag)?, &origin, &Blobs::none(Vec::new()))?;
    let pin = pin_of(reference, remote)?;
    if let Some((digest, _)) = &pin
        && *digest != pulled.manifest.digest
    {
        return Err(moved(reference, digest, &pulled.manifest.digest));
    }
    let pin = pin.map(|(_, pin)| pin);
    let cosign = if remote.trust.wants_cosign(reference, pin) {
        signatures(&origin, &pulled.manifest.digest)?
    } else {
        Vec::new()
    };
    pulled.into_fetched(reference.clone(), cosign, pin)
}

/// Pulls a plugin, and says by what it is pinned. The registry is handed back when one was contacted.
///
/// # Errors
/// As [`fetch_from_registry`]; also when the registry has another plugin or version under the name (exit 3).
pub(crate) fn pull(
    reference: &OciReference,
    remote: &Remote,
) -> Result<(Pulled, Option<Pin>, Option<Registry>), Error> {
    let found = pull_by_any_name(reference, remote)?;
    // A digest says more than a name.
    if found.1.is_none() {
        refuse_other_plugin(reference, &found.0.archive_name)?;
    }
    Ok(found)
}

/// A signature says who made a plugin, not that it is the one that was asked for: whoever can write to a registry could put
/// another one of the same signer under a tag, or an old version with a hole. Helm demands the same name, too.
fn refuse_other_plugin(reference: &OciReference, archive_name: &str) -> Result<(), Error> {
    let Some(tag) = reference.tag() else { return Ok(()) };
    let (name, version) = name_and_version(archive_name);
    let repository = reference.repository();
    let is_name = repository.rsplit('/').next() == Some(name);
    // Helm writes `_` for `+`. A tag that is no version (`latest`) promises none.
    let is_version = match semver::Version::parse(&tag.replace('_', "+")) {
        Ok(asked) => semver::Version::parse(version).is_ok_and(|version| version == asked),
        Err(_) => true,
    };
    if is_name && is_version {
        return Ok(());
    }
    Err(Error::denied(format!("{reference} is there, but it is {}", printable(archive_name)))
        .hint("somebody put another plugin or version under this name; name the one that you want"))
}

fn pull_by_any_name(
    reference: &OciReference,
    remote: &Remote,
) -> Result<(Pulled, Option<Pin>, Option<Registry>), Error> {
    let pin = pin_of(&PluginRef::Oci(reference.clone()), remote)?;
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
        (Err(error), Some(stored)) if error.exit_code() == ExitCode::Network => {
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
                return Err(moved(&PluginRef::Oci(reference.clone()), digest, &found.digest));
            }
            (Ok(Some(found)), _) => Some(found.digest),
            // The tag may be gone or out of reach: the digest says enough.
            (_, Some((digest, _))) => Some(*digest),
            (Ok(None), None) => None,
            (Err(error), None) => return Err(error),
        },
        (None, Some((digest, _))) => Some(*digest),
        (None, None) => None,
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
            if error.exit_code() == ExitCode::Network {
                error
            } else {
                error.hint(format!("while fetching {reference}"))
            }
        })?;
    pulled.keep(&remote.blobs);
    Ok((pulled, pin_kind, Some(registry)))
}

/// The digest that the manifest must have, and who says so.
fn pin_of(reference: &PluginRef, remote: &Remote) -> Result<Option<(Digest, Pin)>, Error> {
    let typed = match reference {
        PluginRef::Oci(reference) => reference.digest().map(str::parse::<Digest>).transpose()?,
        _ => None,
    };
    let locked =
        remote.lock.as_ref().and_then(|lock| lock.find(&reference.to_string())).and_then(|entry| entry.manifest);
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
    remote: &Remote,
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
