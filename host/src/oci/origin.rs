//! One way to read manifests and blobs, whether they are in a registry or in a layout.

use oci_client::manifest::OciImageManifest;

use super::artifact::{Blob, EMPTY_CONFIG_TYPE, Manifest};
use super::layout::Layout;
use super::registry::{Look, Registry, fallback_tag};
use crate::digest::Digest;
use crate::error::Error;
use crate::limits::table::MAX_MANIFEST_BYTES;

/// Where content is read from.
pub(crate) enum Origin<'r> {
    /// A repository of a registry.
    Repository(&'r Registry, &'r str),
    /// A layout.
    Layout(&'r Layout),
}

impl Origin<'_> {
    pub(crate) fn blob(&self, blob: &Blob, what: &str) -> Result<Vec<u8>, Error> {
        match self {
            Self::Repository(registry, repository) => registry.blob(repository, blob, what),
            Self::Layout(layout) => layout.blob(&blob.digest, blob.size),
        }
    }

    /// The image manifests that are attached to `subject`, those of the given artifact type or all.
    pub(crate) fn referrers(
        &self,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<(Manifest, OciImageManifest)>, Error> {
        self.referrers_within(subject, artifact_type, &mut Look::new())
    }

    /// [`Origin::referrers`] as one of several looks that share an allowance.
    pub(crate) fn referrers_within(
        &self,
        subject: &Digest,
        artifact_type: Option<&str>,
        look: &mut Look,
    ) -> Result<Vec<(Manifest, OciImageManifest)>, Error> {
        let fits = |image: &OciImageManifest| artifact_type.is_none_or(|wanted| kind_of(image) == wanted);
        match self {
            Self::Layout(layout) => {
                Ok(layout.referrers(subject)?.into_iter().filter(|(_, image)| fits(image)).collect())
            }
            Self::Repository(registry, repository) => {
                let mut found = Vec::new();
                for entry in registry.referrers(repository, subject, look)? {
                    // Lists in fallback tags may lack the type, and go-containerregistry gives the config's; then the
                    // manifest says it.
                    let says_nothing = |kind: &str| kind.is_empty() || kind == EMPTY_CONFIG_TYPE;
                    let kind = entry.artifact_type.as_str();
                    let may_fit = says_nothing(kind) || artifact_type.is_none_or(|wanted| kind == wanted);
                    if !may_fit || entry.size > MAX_MANIFEST_BYTES {
                        continue;
                    }
                    let fetched = registry.find_referrer(repository, &entry.digest, look)?;
                    let Some(manifest) = fetched else { continue };
                    let Ok(image) = manifest.image() else { continue };
                    let names_subject =
                        image.subject.as_ref().is_some_and(|descriptor| descriptor.digest == subject.to_string());
                    if names_subject && fits(&image) {
                        found.push((manifest, image));
                    }
                }
                Ok(found)
            }
        }
    }

    /// The manifest that older cosign versions keep a signature in: the tag `sha256-HEX.sig`.
    pub(crate) fn signature_tag(&self, subject: &Digest) -> Result<Option<Manifest>, Error> {
        let tag = signature_tag(subject);
        match self {
            Self::Repository(registry, repository) => registry.find_manifest(repository, &tag),
            Self::Layout(layout) => layout.tagged(&tag),
        }
    }
}

pub(crate) fn signature_tag(subject: &Digest) -> String {
    format!("{}.sig", fallback_tag(subject))
}

/// The artifact type of a manifest; without one, the type of its config.
pub(crate) fn kind_of(image: &OciImageManifest) -> &str {
    image.artifact_type.as_deref().filter(|kind| !kind.is_empty()).unwrap_or(&image.config.media_type)
}
