//! The manifests that we write and read: a Helm plugin as an OCI artifact, and the index that lists a chart's
//! referrers.
//!
//! The layout is Helm's (`pkg/registry/plugin.go`): one image manifest with the plugin's artifact type, whose layers
//! are the archive and, titled alike with `.prov`, its provenance. Types and field names are `oci-client`'s.

use std::collections::BTreeMap;

use oci_client::manifest::{
    IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageIndex,
    OciImageManifest,
};

use crate::digest::Digest;
use crate::error::Error;
use crate::limits::table::{MAX_ARCHIVE, MAX_PROVENANCE_BYTES};
use crate::text::shown_value;

/// What makes an artifact a Helm plugin.
pub const PLUGIN_ARTIFACT_TYPE: &str = "application/vnd.helm.plugin.v1+json";
/// The config of a Helm chart's manifest.
pub const CHART_CONFIG_TYPE: &str = "application/vnd.cncf.helm.config.v1+json";
/// The only content of the empty config: `{}`.
pub const EMPTY_CONFIG_TYPE: &str = "application/vnd.oci.empty.v1+json";
/// Helm accepts this and the next type for a plugin's layers, and skips all others.
pub const ARCHIVE_LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// What the provenance is pushed as; it is no tar file, but Helm takes no honest type.
pub const PROVENANCE_LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";
/// A file's name, on the layer that holds it.
pub const TITLE: &str = "org.opencontainers.image.title";
/// When the artifact was made.
pub const CREATED: &str = "org.opencontainers.image.created";
/// Fixed, so that the same content has the same digest whenever it is pushed.
pub const CREATED_EPOCH: &str = "1970-01-01T00:00:00Z";

/// The types that a manifest is asked for in: an index is asked for too, so that it can be refused by name.
pub(crate) const MANIFEST_TYPES: [&str; 4] = [
    OCI_IMAGE_MEDIA_TYPE,
    IMAGE_MANIFEST_MEDIA_TYPE,
    OCI_IMAGE_INDEX_MEDIA_TYPE,
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// The most bytes of an archive's title, which becomes a file's name, with `.prov` behind it.
const LONGEST_TITLE: usize = 250;

/// A manifest as a registry or a layout holds it: its bytes are its identity, so they are kept as they came.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The bytes, whose digest is `digest`.
    pub bytes: Vec<u8>,
    /// Checked against `bytes`.
    pub digest: Digest,
    /// What the answer or the index said it is.
    pub media_type: String,
}

impl Manifest {
    /// A manifest of ours.
    pub(crate) fn new(manifest: &OciImageManifest) -> Result<Self, Error> {
        let bytes =
            serde_json::to_vec(manifest).map_err(|e| Error::bug(format!("a manifest cannot be written: {e}")))?;
        Ok(Self { digest: Digest::of(&bytes), bytes, media_type: OCI_IMAGE_MEDIA_TYPE.to_owned() })
    }

    /// The image manifest in it.
    ///
    /// # Errors
    /// When it is an index (plugins are single manifests), or not a manifest at all (exit 5).
    pub fn image(&self) -> Result<OciImageManifest, Error> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Outline {
            schema_version: u32,
            media_type: Option<String>,
            manifests: Option<serde::de::IgnoredAny>,
        }
        let not_a_manifest = |why: String| Error::network(format!("{} is not an image manifest: {why}", self.digest));
        let outline: Outline = serde_json::from_slice(&self.bytes).map_err(|e| not_a_manifest(reason(&e)))?;
        if outline.schema_version != 2 {
            return Err(not_a_manifest(format!("its schemaVersion is {}", outline.schema_version)));
        }
        let kind = outline.media_type.as_deref().unwrap_or(&self.media_type);
        if outline.manifests.is_some() || is_index(kind) || is_index(&self.media_type) {
            return Err(Error::network(format!(
                "{} is an index of several manifests; a plugin is a single one",
                self.digest
            ))
            .hint("name the manifest that you mean by its digest: `NAME@sha256:...`"));
        }
        if ![OCI_IMAGE_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE].contains(&kind) || kind != self.media_type {
            let (kind, served) = (shown_value(kind), shown_value(&self.media_type));
            return Err(not_a_manifest(format!("its type is `{kind}`, served as `{served}`")));
        }
        serde_json::from_slice(&self.bytes).map_err(|e| not_a_manifest(reason(&e)))
    }

    /// The index in it, as lists of referrers are.
    pub(crate) fn index(&self) -> Result<OciImageIndex, Error> {
        serde_json::from_slice(&self.bytes)
            .map_err(|e| Error::network(format!("{} is not an image index: {}", self.digest, reason(&e))))
    }

    /// How others point to it.
    pub(crate) fn descriptor(&self) -> OciDescriptor {
        OciDescriptor {
            media_type: self.media_type.clone(),
            digest: self.digest.to_string(),
            size: i64::try_from(self.bytes.len()).unwrap_or(i64::MAX),
            ..OciDescriptor::default()
        }
    }
}

fn is_index(media_type: &str) -> bool {
    media_type == OCI_IMAGE_INDEX_MEDIA_TYPE || media_type.ends_with("manifest.list.v2+json")
}

/// A blob that is yet to be fetched, its claims checked for form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

impl Blob {
    /// Reads a descriptor whose content may have at most `limit` bytes.
    pub(crate) fn of(descriptor: &OciDescriptor, limit: u64) -> Result<Self, Error> {
        let digest = descriptor
            .digest
            .parse::<Digest>()
            .map_err(|_| Error::network(format!("`{}` is not a sha256 digest", shown_value(&descriptor.digest))))?;
        match u64::try_from(descriptor.size) {
            Ok(size) if size <= limit => Ok(Self { digest, size }),
            _ => Err(Error::network(format!("{digest} has {} bytes, and may have at most {limit}", descriptor.size))),
        }
    }
}

/// Splits `NAME-VERSION.tgz`, where both may contain dashes: the version begins at the first dash before a whole
/// version.
pub(crate) fn name_and_version(archive_name: &str) -> (&str, &str) {
    let stem = archive_name.trim_end_matches(".tgz");
    stem.match_indices('-')
        .map(|(at, _)| (stem.get(..at).unwrap_or_default(), stem.get(at + 1..).unwrap_or_default()))
        .find(|(_, version)| semver::Version::parse(version).is_ok())
        .unwrap_or((stem, ""))
}

/// Why foreign JSON cannot be read. The parser quotes what it stumbled over, which may be megabytes.
pub(crate) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.char_indices().nth(200) {
        Some((end, _)) => {
            let start = text.get(..end).unwrap_or_default();
            format!("{start}… at line {} column {}", error.line(), error.column())
        }
        None => text,
    }
}

/// A plugin's files as they go into a registry, with the manifest that names them.
#[derive(Clone, Debug)]
pub struct PluginArtifact {
    /// `NAME-VERSION.tgz`.
    pub archive_name: String,
    /// The archive.
    pub archive: Vec<u8>,
    /// The provenance, when it is signed.
    pub provenance: Option<Vec<u8>>,
    /// Annotations for people and user interfaces.
    pub annotations: BTreeMap<String, String>,
}

impl PluginArtifact {
    /// The manifest, a referrer of `subject` when there is one. Depends on nothing but the files and the subject.
    pub(crate) fn manifest(&self, subject: Option<OciDescriptor>) -> Result<Manifest, Error> {
        let layer = |media_type: &str, title: String, bytes: &[u8]| OciDescriptor {
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes).to_string(),
            size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            annotations: Some(BTreeMap::from([(TITLE.to_owned(), title)])),
            ..OciDescriptor::default()
        };
        let mut layers = vec![layer(ARCHIVE_LAYER_TYPE, self.archive_name.clone(), &self.archive)];
        if let Some(provenance) = &self.provenance {
            layers.push(layer(PROVENANCE_LAYER_TYPE, format!("{}.prov", self.archive_name), provenance));
        }
        let mut annotations = self.annotations.clone();
        annotations.entry(CREATED.to_owned()).or_insert_with(|| CREATED_EPOCH.to_owned());
        Manifest::new(&OciImageManifest {
            schema_version: 2,
            media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
            config: OciDescriptor {
                media_type: EMPTY_CONFIG_TYPE.to_owned(),
                digest: Digest::of(EMPTY_CONFIG).to_string(),
                size: EMPTY_CONFIG.len() as i64,
                ..OciDescriptor::default()
            },
            layers,
            subject,
            artifact_type: Some(PLUGIN_ARTIFACT_TYPE.to_owned()),
            annotations: Some(annotations),
        })
    }

    /// Every blob that the manifest names, with its bytes.
    pub(crate) fn blobs(&self) -> Vec<(Digest, &[u8])> {
        let blobs = [Some(EMPTY_CONFIG), Some(self.archive.as_slice()), self.provenance.as_deref()];
        blobs.into_iter().flatten().map(|bytes| (Digest::of(bytes), bytes)).collect()
    }
}

/// The content of [`EMPTY_CONFIG_TYPE`].
pub(crate) const EMPTY_CONFIG: &[u8] = b"{}";

/// Which layers of a manifest are the plugin's archive and provenance.
#[derive(Clone, Debug)]
pub(crate) struct PluginLayers {
    pub(crate) archive_name: String,
    pub(crate) archive: Blob,
    pub(crate) provenance: Option<Blob>,
}

impl PluginLayers {
    /// Finds them as Helm does, by artifact type and title; unlike Helm, more than one archive is refused rather than
    /// the first one taken.
    pub(crate) fn find(manifest: &OciImageManifest) -> Result<Self, Error> {
        let not_a_plugin = |why: String| {
            Error::network(format!("it is not a Helm plugin: {why}"))
                .hint("a plugin is pushed with `windlass push`, or as Helm's documentation says")
        };
        let kind =
            manifest.artifact_type.as_deref().filter(|kind| !kind.is_empty()).unwrap_or(&manifest.config.media_type);
        if kind != PLUGIN_ARTIFACT_TYPE {
            return Err(not_a_plugin(format!("its artifact type is `{}`", shown_value(kind))));
        }
        let titled = |suffix: &str| -> Vec<(&str, &OciDescriptor)> {
            let layers = manifest.layers.iter();
            let titles = layers.filter_map(|layer| Some((layer.annotations.as_ref()?.get(TITLE)?.as_str(), layer)));
            titles.filter(|(title, _)| title.ends_with(suffix)).collect()
        };
        let (archive_name, archive) = match titled(".tgz").as_slice() {
            [one] => *one,
            [] => return Err(not_a_plugin("no layer is titled NAME-VERSION.tgz".to_owned())),
            _ => return Err(not_a_plugin("several layers are titled as its archive".to_owned())),
        };
        if archive_name.contains(['/', '\\', ':'])
            || archive_name.starts_with('.')
            || archive_name.len() > LONGEST_TITLE
            || archive_name.chars().any(char::is_control)
        {
            return Err(not_a_plugin(format!(
                "its archive's title `{}` is not a file name",
                shown_value(archive_name)
            )));
        }
        for (title, layer) in titled(".tgz").iter().chain(&titled(".tgz.prov")) {
            if ![ARCHIVE_LAYER_TYPE, PROVENANCE_LAYER_TYPE].contains(&layer.media_type.as_str()) {
                return Err(not_a_plugin(format!(
                    "the layer `{}` has the type `{}`",
                    shown_value(title),
                    shown_value(&layer.media_type)
                )));
            }
        }
        let wanted = format!("{archive_name}.prov");
        let provenance = titled(".tgz.prov").into_iter().find(|(title, _)| *title == wanted);
        Ok(Self {
            archive_name: archive_name.to_owned(),
            archive: Blob::of(archive, MAX_ARCHIVE)?,
            provenance: provenance.map(|(_, layer)| Blob::of(layer, MAX_PROVENANCE_BYTES)).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a registry sends in place of a manifest may be megabytes; an error about it is a line.
    #[test]
    fn errors_about_foreign_json_are_short() {
        let long = "A".repeat(100_000);
        for text in [
            format!(r#"{{"schemaVersion":"{long}"}}"#),
            format!(r#"{{"schemaVersion":2,"mediaType":"{long}"}}"#),
            format!(r#"{{"schemaVersion":2,"config":"{long}"}}"#),
        ] {
            let manifest = Manifest {
                digest: Digest::of(text.as_bytes()),
                bytes: text.into_bytes(),
                media_type: OCI_IMAGE_MEDIA_TYPE.to_owned(),
            };
            for error in [manifest.image().map(drop).unwrap_err(), manifest.index().map(drop).unwrap_err()] {
                assert!(error.message().len() < 1000, "{} bytes", error.message().len());
            }
        }
    }
}
