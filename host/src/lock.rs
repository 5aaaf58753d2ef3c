//! `windlass.lock`: for each plugin of a pipeline the digests that it had when somebody looked.
//!
//! ```yaml
//! # Written by `windlass lock`; commit it.
//! apiVersion: windlass.dev/v1alpha1
//! kind: Lock
//! plugins:
//! - use: oci://registry.example/plugins/label-injector:1.0.0
//!   manifest: sha256:...
//!   wasm: sha256:...
//! ```

use std::path::{Path, PathBuf};

use crate::config::document::{self, Misread, Node, Place, refuse_unknown_keys};
use crate::error::Error;
use crate::fetch::{Digest, Fetched};
use crate::source::PluginRef;

const API_VERSION: &str = "windlass.dev/v1alpha1";
const KIND: &str = "Lock";

/// The digests of one plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockEntry {
    /// The reference, as the pipeline writes it.
    pub reference: String,
    /// The manifest's digest; a plugin that was not shipped has none.
    pub manifest: Option<Digest>,
    /// The wasm's digest.
    pub wasm: Digest,
}

/// A lock file's content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    entries: Vec<LockEntry>,
}

/// The lock file beside a pipeline: `windlass.yaml` has `windlass.lock`.
#[must_use]
pub fn path_beside(pipeline: &Path) -> PathBuf {
    pipeline.with_extension("lock")
}

/// The folder that a lock file is in.
#[must_use]
pub fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A reference of the file, with its path counted from the working directory, as the pipeline has it in memory.
fn in_folder(text: &str, folder: &Path) -> String {
    text.parse::<PluginRef>().map_or_else(|_| text.to_owned(), |reference| reference.counted_from(folder).to_string())
}

/// The way back: what the file says does not depend on where `windlass` was started.
fn from_folder(reference: &str, folder: &Path) -> String {
    let inside = |path: &Path| -> PathBuf {
        let inside = path.strip_prefix(folder).unwrap_or(path);
        // A bare name would be an installed plugin.
        if inside.is_relative() { Path::new(".").join(inside) } else { inside.to_owned() }
    };
    match reference.parse() {
        Ok(PluginRef::Path(path)) => PluginRef::Path(inside(&path)).to_string(),
        Ok(PluginRef::Layout { folder: layout, tag }) => PluginRef::Layout { folder: inside(&layout), tag }.to_string(),
        _ => reference.to_owned(),
    }
}

impl Lock {
    /// A lock file of these entries, sorted; the same reference twice counts once.
    #[must_use]
    pub fn new(mut entries: Vec<LockEntry>) -> Self {
        entries.sort_by(|a, b| a.reference.cmp(&b.reference));
        entries.dedup();
        Self { entries }
    }

    /// Reads a lock file; nothing when there is none.
    ///
    /// # Errors
    /// When it cannot be read or breaks the format (exit 2).
    pub fn load(path: &Path) -> Result<Option<Self>, Error> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::read(&text, &folder_of(path))
                .map(Some)
                .map_err(|problem| problem.in_file(&path.display().to_string())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::usage(format!("the lock file {} cannot be read: {error}", path.display()))),
        }
    }

    /// What a command says that cannot do without one (exit 3).
    pub(crate) fn missing() -> Error {
        Error::denied("there is no lock file").hint("write one with `windlass lock`")
    }

    fn read(text: &str, folder: &Path) -> Result<Self, Misread> {
        let start = Place { line: 1, column: 1 };
        let hint = "write it anew with `windlass lock`";
        let root = document::read(text)?.ok_or_else(|| Misread::new(start, "the file is empty").with_hint(hint))?;
        refuse_unknown_keys(root.as_map("the lock file")?, &["apiVersion", "kind", "plugins"], "the lock file")?;
        for (key, expected) in [("apiVersion", API_VERSION), ("kind", KIND)] {
            let found = root.get(key).map(|node| node.as_text(key)).transpose()?;
            if found != Some(expected) {
                return Err(Misread::new(root.place, format!("{key}: expected `{expected}`")).with_hint(hint));
            }
        }
        let list = root.get("plugins").ok_or_else(|| Misread::new(root.place, "plugins is missing"))?;
        let entries: Vec<LockEntry> =
            list.as_list("plugins")?.iter().map(|node| read_entry(node, folder)).collect::<Result<_, _>>()?;
        for (index, entry) in entries.iter().enumerate() {
            if entries.iter().skip(index + 1).any(|other| other.reference == entry.reference && other != entry) {
                return Err(
                    Misread::new(list.place, format!("plugins: two entries for {}", entry.reference)).with_hint(hint)
                );
            }
        }
        Ok(Self::new(entries))
    }

    /// The file's text, for a lock file in `folder`. The same entries give the same text.
    #[must_use]
    pub fn text(&self, folder: &Path) -> String {
        let mut text = format!(
            "# Written by `windlass lock`; commit it. `windlass run --locked` runs nothing else.\napiVersion: {API_VERSION}\nkind: {KIND}\n"
        );
        text.push_str(if self.entries.is_empty() { "plugins: []\n" } else { "plugins:\n" });
        for LockEntry { reference, manifest, wasm } in &self.entries {
            // Double-quoted: JSON's escapes are YAML's, and a path may be anything.
            text.push_str(&format!("- use: {}\n", serde_json::Value::from(from_folder(reference, folder))));
            if let Some(manifest) = manifest {
                text.push_str(&format!("  manifest: {manifest}\n"));
            }
            text.push_str(&format!("  wasm: {wasm}\n"));
        }
        text
    }

    /// The entries, sorted by reference.
    #[must_use]
    pub fn entries(&self) -> &[LockEntry] {
        &self.entries
    }

    /// The entry of a reference.
    #[must_use]
    pub fn find(&self, reference: &str) -> Option<&LockEntry> {
        self.entries.iter().find(|entry| entry.reference == reference)
    }

    /// Checks a plugin against its entry. A plugin without one passes unless everything must be locked.
    ///
    /// # Errors
    /// When it is not what was locked, or has no entry and needs one (exit 3).
    pub(crate) fn check(&self, fetched: &Fetched, all_must_be_locked: bool) -> Result<(), Error> {
        let reference = fetched.reference.to_string();
        if fetched.shipped.is_none() && !all_must_be_locked {
            // Somebody who builds a plugin and tries it again and again does not want to hear of it each time.
            return Ok(());
        }
        let Some(entry) = self.find(&reference) else {
            let unlocked =
                || Error::denied(format!("{reference} is not in the lock file")).hint("add it with `windlass lock`");
            return if all_must_be_locked { Err(unlocked()) } else { Ok(()) };
        };
        let manifest = fetched.shipped.as_ref().map(|shipped| shipped.manifest);
        if entry.wasm != fetched.digest || (entry.manifest.is_some() && manifest != entry.manifest) {
            return Err(Error::denied(format!(
                "{reference} has the wasm {}, and {} in the lock file",
                fetched.digest, entry.wasm
            ))
            .hint("if that was meant to be, look at what changed, then run `windlass lock --update`"));
        }
        Ok(())
    }
}

fn read_entry(node: &Node, folder: &Path) -> Result<LockEntry, Misread> {
    refuse_unknown_keys(node.as_map("plugins[]")?, &["use", "manifest", "wasm"], "plugins[]")?;
    let text =
        |key: &str| node.get(key).map(|node| Ok::<_, Misread>((node.as_text(key)?.to_owned(), node.place))).transpose();
    let digest = |key: &str| {
        let found = text(key)?
            .map(|(text, place)| text.parse::<Digest>().map_err(|e| Misread::new(place, format!("{key}: {e}"))));
        found.transpose()
    };
    let missing = |key: &str| Misread::new(node.place, format!("{key} is missing"));
    Ok(LockEntry {
        reference: in_folder(&text("use")?.ok_or_else(|| missing("use"))?.0, folder),
        manifest: digest("manifest")?,
        wasm: digest("wasm")?.ok_or_else(|| missing("wasm"))?,
    })
}
