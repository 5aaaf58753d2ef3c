//! OCI image layouts: a folder that holds what a registry would (`oci-layout`, `index.json`, `blobs/sha256/...`), to be
//! carried where no network reaches.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use oci_client::manifest::{ImageIndexEntry, OCI_IMAGE_INDEX_MEDIA_TYPE, OciImageIndex, OciImageManifest};
use windlass_manifest::Budget;

use super::artifact::{Blob, MANIFEST_TYPES, Manifest, reason};
use crate::digest::Digest;
use crate::error::Error;
use crate::input;
use crate::limits::ByteSize;
use crate::limits::table::{MAX_ARCHIVE, MAX_LAYOUT_ENTRIES, MAX_LAYOUT_READ, MAX_MANIFEST_BYTES};
use crate::text::shown_value;

/// The tag of an entry of `index.json`.
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// `NAME-VERSION` of a plugin, to tell plugins of one version apart in one layout.
pub(crate) const PLUGIN_NAME: &str = "dev.windlass.plugin";

/// A layout in a folder.
#[derive(Clone, Debug)]
pub struct Layout {
    folder: PathBuf,
}

impl Layout {
    /// The layout in `folder`; nothing is read or written yet.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Makes the folder a layout unless it is one.
    ///
    /// # Errors
    /// When it cannot be written (exit 2).
    pub fn create(folder: &Path) -> Result<Self, Error> {
        let layout = Self::at(folder);
        std::fs::create_dir_all(folder.join("blobs/sha256")).map_err(|e| layout.failed("be made", &e))?;
        if !folder.join("oci-layout").exists() {
            layout.write_file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        }
        if !folder.join("index.json").exists() {
            layout.write_index(&[])?;
        }
        Ok(layout)
    }

    /// The manifests that `index.json` lists.
    ///
    /// # Errors
    /// When the folder is no layout (exit 2).
    pub fn entries(&self) -> Result<Vec<ImageIndexEntry>, Error> {
        let text = self.read_file("index.json", MAX_MANIFEST_BYTES)?;
        let index: OciImageIndex = serde_json::from_slice(&text).map_err(|e| {
            Error::usage(format!(
                "`{}` is not an image index: {}",
                self.folder.join("index.json").display(),
                reason(&e)
            ))
        })?;
        if index.manifests.len() as u64 > MAX_LAYOUT_ENTRIES {
            return Err(Error::usage(format!(
                "`{}` lists more than {MAX_LAYOUT_ENTRIES} manifests",
                self.folder.join("index.json").display()
            )));
        }
        Ok(index.manifests)
    }

    /// The manifest with this tag (or plugin name, or digest); without one the only plugin of the layout.
    ///
    /// # Errors
    /// When there is none or the choice is not clear (exit 2), or it is damaged (exit 3).
    pub fn find(&self, tag: Option<&str>) -> Result<Manifest, Error> {
        let entries = self.entries()?;
        let fits = |entry: &&ImageIndexEntry| match tag {
            Some(tag) => {
                entry.digest == tag || [REF_NAME, PLUGIN_NAME].iter().any(|key| annotation(entry, key) == Some(tag))
            }
            None => annotation(entry, PLUGIN_NAME).is_some(),
        };
        let mut found: Vec<&ImageIndexEntry> = entries.iter().filter(fits).collect();
        if found.is_empty() && tag.is_none() && entries.len() == 1 {
            found = entries.iter().collect();
        }
        let mut seen = HashSet::new();
        found.retain(|entry| seen.insert(&entry.digest));
        if found.len() > 1 {
            // The same plugin may also be there as something that is attached to a chart.
            let reading = Reading::of(self);
            let roots: Vec<&ImageIndexEntry> =
                found.iter().copied().filter(|entry| matches!(reading.subject(entry), Ok(None))).collect();
            reading.check()?;
            found = if roots.is_empty() { found } else { roots };
        }
        match found.as_slice() {
            [one] => self.manifest(one),
            [] => Err(Error::usage(format!(
                "the layout `{}` has no plugin{}",
                self.folder.display(),
                tag.map(|tag| format!(" `{tag}`")).unwrap_or_default()
            ))
            .hint(format!("it has {}", names(&entries)))),
            _ => {
                Err(Error::usage(format!("the layout `{}` has several plugins that fit", self.folder.display())).hint(
                    format!("say which: `oci-layout:{}:NAME-VERSION`, of {}", self.folder.display(), names(&entries)),
                ))
            }
        }
    }

    /// The manifest with exactly this tag, if there is one.
    ///
    /// # Errors
    /// When the layout cannot be read (exit 2) or was changed (exit 3).
    pub(crate) fn tagged(&self, tag: &str) -> Result<Option<Manifest>, Error> {
        let entries = self.entries()?;
        let entry = entries.iter().find(|entry| annotation(entry, REF_NAME) == Some(tag));
        entry.map(|entry| self.manifest(entry)).transpose()
    }

    /// What the layout was made for: the manifest with this tag (or plugin name, or digest); without one the only
    /// manifest that refers to no other.
    ///
    /// # Errors
    /// As [`Layout::find`].
    pub fn root(&self, tag: Option<&str>) -> Result<Manifest, Error> {
        if tag.is_some() {
            return self.find(tag);
        }
        let mut roots = self.roots()?;
        match (roots.pop(), roots.len()) {
            (Some(root), 0) => Ok(root),
            _ => self.find(None),
        }
    }

    /// The manifests that refer to no other, and are no signatures that a tag ties to another.
    ///
    /// # Errors
    /// When one is missing (exit 2) or was changed (exit 3).
    pub fn roots(&self) -> Result<Vec<Manifest>, Error> {
        let mut roots = Vec::new();
        let (reading, mut seen) = (Reading::of(self), HashSet::new());
        for entry in self.entries()? {
            let is_signature = annotation(&entry, REF_NAME).is_some_and(|name| name.starts_with("sha256-"));
            if is_signature || !seen.insert(entry.digest.clone()) {
                continue;
            }
            let manifest = reading.manifest(&entry)?;
            if manifest.image()?.subject.is_none() {
                roots.push(manifest);
            }
        }
        Ok(roots)
    }

    /// The manifest of an entry, checked against its digest.
    ///
    /// # Errors
    /// When it is missing (exit 2) or was changed (exit 3).
    pub fn manifest(&self, entry: &ImageIndexEntry) -> Result<Manifest, Error> {
        let digest: Digest = entry.digest.parse()?;
        if !MANIFEST_TYPES.contains(&entry.media_type.as_str()) {
            return Err(Error::usage(format!(
                "{digest} in the layout has the type `{}`",
                shown_value(&entry.media_type)
            )));
        }
        Ok(Manifest { bytes: self.blob(&digest, MAX_MANIFEST_BYTES)?, digest, media_type: entry.media_type.clone() })
    }

    /// The manifests whose subject is `subject`.
    ///
    /// # Errors
    /// When the layout cannot be read (exit 2) or was changed (exit 3).
    pub(crate) fn referrers(&self, subject: &Digest) -> Result<Vec<(Manifest, OciImageManifest)>, Error> {
        let subject = subject.to_string();
        let mut found = Vec::new();
        let (reading, mut seen) = (Reading::of(self), HashSet::new());
        for entry in self.entries()? {
            if !seen.insert(entry.digest.clone()) {
                continue;
            }
            let manifest = reading.manifest(&entry)?;
            if let Ok(image) = manifest.image()
                && image.subject.as_ref().is_some_and(|descriptor| descriptor.digest == subject)
            {
                found.push((manifest, image));
            }
        }
        Ok(found)
    }

    /// A blob's content, checked against its digest.
    ///
    /// # Errors
    /// When it is missing or too large (exit 2), or was changed (exit 3).
    pub(crate) fn blob(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, Error> {
        let bytes = self.read_file(&format!("blobs/sha256/{}", digest.hex()), limit)?;
        digest.check(&bytes).map_err(|_| {
            Error::denied(format!(
                "the layout `{}` has other content under {digest}: it was changed",
                self.folder.display()
            ))
        })?;
        Ok(bytes)
    }

    /// Keeps a blob.
    ///
    /// # Errors
    /// When the folder cannot be written (exit 2).
    pub(crate) fn put_blob(&self, bytes: &[u8]) -> Result<Digest, Error> {
        let digest = Digest::of(bytes);
        if self.blob(&digest, MAX_ARCHIVE).is_err() {
            self.write_file(&format!("blobs/sha256/{}", digest.hex()), bytes)?;
        }
        Ok(digest)
    }

    /// Keeps a manifest and lists it. What had the same name (`NAME-VERSION` for a plugin, else the tag) and was
    /// attached to the same manifest, or to none as this one, is listed no more.
    ///
    /// # Errors
    /// When the folder cannot be written (exit 2), or what it holds was changed (exit 3).
    pub(crate) fn put_manifest(
        &self,
        manifest: &Manifest,
        artifact_type: Option<&str>,
        annotations: BTreeMap<String, String>,
    ) -> Result<(), Error> {
        self.put_blob(&manifest.bytes)?;
        let digest = manifest.digest.to_string();
        let subject = manifest.image()?.subject.map(|subject| subject.digest);
        let key = if annotations.contains_key(PLUGIN_NAME) { PLUGIN_NAME } else { REF_NAME };
        let name = annotations.get(key).map(String::as_str);
        let mut entries = Vec::new();
        let reading = Reading::of(self);
        for entry in self.entries()? {
            let has_name = name.is_some() && annotation(&entry, key) == name && reading.subject(&entry)? == subject;
            let is_plugin = annotation(&entry, PLUGIN_NAME).is_some();
            if entry.digest != digest && !(has_name && is_plugin == (key == PLUGIN_NAME)) {
                entries.push(entry);
            }
        }
        entries.push(ImageIndexEntry {
            media_type: manifest.media_type.clone(),
            digest,
            size: manifest.descriptor().size,
            platform: None,
            annotations: (!annotations.is_empty()).then_some(annotations),
            artifact_type: artifact_type.map(str::to_owned),
        });
        entries.sort_by(|a, b| a.digest.cmp(&b.digest));
        self.write_index(&entries)
    }

    fn write_index(&self, entries: &[ImageIndexEntry]) -> Result<(), Error> {
        let index = OciImageIndex {
            schema_version: 2,
            media_type: Some(OCI_IMAGE_INDEX_MEDIA_TYPE.to_owned()),
            manifests: entries.to_vec(),
            artifact_type: None,
            annotations: None,
        };
        let text =
            serde_json::to_vec_pretty(&index).map_err(|e| Error::bug(format!("an index cannot be written: {e}")))?;
        self.write_file("index.json", &text)
    }

    fn read_file(&self, name: &str, limit: u64) -> Result<Vec<u8>, Error> {
        let path = self.folder.join(name);
        match input::read(&path, limit) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(self.failed("be read", &error)),
            Err(error) => Err(Error::usage(format!("`{}` cannot be read: {error}", path.display()))),
        }
    }

    /// Replaces a file in one step.
    pub(crate) fn write_file(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let target = self.folder.join(name);
        let folder = target.parent().unwrap_or(&self.folder);
        let write = || -> std::io::Result<()> {
            let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
            temporary.write_all(bytes)?;
            std::fs::set_permissions(temporary.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
            temporary.persist(&target)?;
            Ok(())
        };
        write().map_err(|e| self.failed("be written", &e))
    }

    fn failed(&self, what: &str, error: &std::io::Error) -> Error {
        Error::usage(format!("the OCI layout `{}` cannot {what}: {error}", self.folder.display()))
            .hint("make one with `windlass pull REFERENCE --to-layout DIR`")
    }
}

/// The manifests of a layout, one after the other, no more than a layout may have: its index is somebody else's, and
/// may name one large manifest thousands of times.
struct Reading<'l> {
    layout: &'l Layout,
    budget: Budget,
}

impl<'l> Reading<'l> {
    fn of(layout: &'l Layout) -> Self {
        Self { layout, budget: Budget::new(MAX_LAYOUT_READ, u64::MAX) }
    }

    fn manifest(&self, entry: &ImageIndexEntry) -> Result<Manifest, Error> {
        self.check()?;
        let manifest = self.layout.manifest(entry)?;
        // Whoever comes next is told.
        let _ = self.budget.bytes(manifest.bytes.len());
        Ok(manifest)
    }

    /// The digest of the manifest that an entry's refers to, as it says.
    fn subject(&self, entry: &ImageIndexEntry) -> Result<Option<String>, Error> {
        Ok(self.manifest(entry)?.image()?.subject.map(|subject| subject.digest))
    }

    /// # Errors
    /// There was too much to read (exit 4).
    fn check(&self) -> Result<(), Error> {
        match self.budget.spent() {
            None => Ok(()),
            Some(_) => Err(Error::limit(format!(
                "the layout `{}` has more than {} of manifests",
                self.layout.folder.display(),
                ByteSize(MAX_LAYOUT_READ)
            ))),
        }
    }
}

fn annotation<'e>(entry: &'e ImageIndexEntry, key: &str) -> Option<&'e str> {
    entry.annotations.as_ref()?.get(key).map(String::as_str)
}

fn names(entries: &[ImageIndexEntry]) -> String {
    let names: Vec<String> = entries
        .iter()
        .filter_map(|e| annotation(e, PLUGIN_NAME).or_else(|| annotation(e, REF_NAME)))
        .map(|name| format!("`{}`", shown_value(name)))
        .collect();
    if names.is_empty() { "none with a name".to_owned() } else { names.join(", ") }
}

/// Everything besides its layers that a manifest names and that has to travel with it.
pub(crate) fn blobs_of(image: &OciImageManifest) -> Result<Vec<Blob>, Error> {
    std::iter::once(&image.config).chain(&image.layers).map(|descriptor| Blob::of(descriptor, MAX_ARCHIVE)).collect()
}
