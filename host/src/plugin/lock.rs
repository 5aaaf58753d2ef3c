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
//! - use: "./plugins/patcher"
//!   pluginYaml: sha256:...
//!   wasm: sha256:...
//! ```
//!
//! An entry pins all that is run: plugin.yaml, whose configuration a plugin gets, and plugin.wasm. Where a registry or
//! a layout has the plugin, the manifest's digest covers both; a folder, an archive on disk and an installed plugin
//! have `pluginYaml` (a bare .wasm has no plugin.yaml, and must not get one). Older lock files lack `pluginYaml`: they
//! are good for what came by a manifest, and for the rest say that they have to be written anew.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::digest::Digest;
use crate::document::{self, Misread, Node, Place, refuse_unknown_keys};
use crate::error::Error;
use crate::input;
use crate::limits::table::MAX_DOCUMENT;
use crate::plugin::fetched::Fetched;
use crate::source::PluginRef;
use crate::text::quoted;

const API_VERSION: &str = "windlass.dev/v1alpha1";
/// The kind of the file.
pub(crate) const KIND: &str = "Lock";

/// The keys of the file, and of one of its plugins.
pub(crate) const TOP_LEVEL: [&str; 3] = ["apiVersion", "kind", "plugins"];
pub(crate) const ENTRY: [&str; 4] = ["use", "manifest", "pluginYaml", "wasm"];

/// The digests of one plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockEntry {
    /// The reference, as the pipeline has it.
    pub reference: PluginRef,
    /// The manifest's digest; a plugin that was not shipped has none.
    pub manifest: Option<Digest>,
    /// The digest of plugin.yaml, where no manifest covers it.
    pub plugin_yaml: Option<Digest>,
    /// The wasm's digest.
    pub wasm: Digest,
}

impl LockEntry {
    /// What pins this plugin.
    pub(crate) fn of(fetched: &Fetched) -> Self {
        let manifest = fetched.came.shipped().map(|shipped| shipped.manifest);
        let plugin_yaml = fetched.plugin_yaml.as_ref().map(|text| Digest::of(text.as_bytes()));
        Self {
            reference: without_origin(&fetched.reference),
            manifest,
            plugin_yaml: plugin_yaml.filter(|_| manifest.is_none()),
            wasm: fetched.digest(),
        }
    }
}

/// What is attached to a chart is listed by the reference that names it alone.
fn without_origin(reference: &PluginRef) -> PluginRef {
    match reference {
        PluginRef::Attached(reference) => PluginRef::Oci(reference.clone()),
        other => other.clone(),
    }
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

/// What the file says does not depend on where `windlass` was started: paths below `folder` count from there.
fn from_folder(reference: &PluginRef, folder: &Path) -> PluginRef {
    let inside = |path: &Path| -> PathBuf {
        let inside = path.strip_prefix(folder).unwrap_or(path);
        // A bare name would be an installed plugin.
        if inside.is_relative() { Path::new(".").join(inside) } else { inside.to_owned() }
    };
    match reference {
        PluginRef::Path(path) => PluginRef::Path(inside(path)),
        PluginRef::Layout { folder: layout, tag } => PluginRef::Layout { folder: inside(layout), tag: tag.clone() },
        other => other.clone(),
    }
}

impl Lock {
    /// A lock file of these entries, sorted; the same reference twice counts once.
    #[must_use]
    pub fn new(mut entries: Vec<LockEntry>) -> Self {
        entries.sort_by_key(|entry| entry.reference.to_string());
        entries.dedup();
        Self { entries }
    }

    /// Reads a lock file; nothing when there is none.
    ///
    /// # Errors
    /// When it cannot be read or breaks the format (exit 2).
    pub fn load(path: &Path) -> Result<Option<Self>, Error> {
        match input::read_text(path, MAX_DOCUMENT) {
            Ok(text) => Self::read(&text, &folder_of(path))
                .map(Some)
                .map_err(|problem| problem.in_file(&path.display().to_string())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !path.is_symlink() => Ok(None),
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
        refuse_unknown_keys(root.as_map("the lock file")?, &TOP_LEVEL, "the lock file")?;
        for (key, expected) in [("apiVersion", API_VERSION), ("kind", KIND)] {
            let found = root.get(key).map(|node| node.as_text(key)).transpose()?;
            if found != Some(expected) {
                return Err(Misread::new(root.place, format!("{key}: expected `{expected}`")).with_hint(hint));
            }
        }
        let list = root.get("plugins").ok_or_else(|| Misread::new(root.place, "plugins is missing"))?;
        let entries: Vec<LockEntry> =
            list.as_list("plugins")?.iter().map(|node| read_entry(node, folder)).collect::<Result<_, _>>()?;
        let mut by_reference = HashMap::new();
        for entry in &entries {
            if by_reference.insert(&entry.reference, entry).is_some_and(|other| other != entry) {
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
        for LockEntry { reference, manifest, plugin_yaml, wasm } in &self.entries {
            text.push_str(&format!("- use: {}\n", quoted(&from_folder(reference, folder).to_string())));
            for (key, digest) in [("manifest", manifest), ("pluginYaml", plugin_yaml)] {
                if let Some(digest) = digest {
                    text.push_str(&format!("  {key}: {digest}\n"));
                }
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
    pub fn find(&self, reference: &PluginRef) -> Option<&LockEntry> {
        let reference = without_origin(reference);
        self.entries.iter().find(|entry| entry.reference == reference)
    }

    /// Checks a plugin against its entry. A plugin without one passes unless everything must be locked.
    ///
    /// # Errors
    /// When it is not what was locked, or has no entry and needs one (exit 3).
    pub(crate) fn check(&self, fetched: &Fetched, all_must_be_locked: bool) -> Result<(), Error> {
        let reference = &fetched.reference;
        if fetched.came.shipped().is_none() && !all_must_be_locked {
            // Somebody who builds a plugin and tries it again and again does not want to hear of it each time.
            return Ok(());
        }
        let Some(entry) = self.find(reference) else {
            let unlocked =
                || Error::denied(format!("{reference} is not in the lock file")).hint("add it with `windlass lock`");
            return if all_must_be_locked { Err(unlocked()) } else { Ok(()) };
        };
        let found = LockEntry::of(fetched);
        let differs = |what: &str, found: String, locked: String| {
            Error::denied(format!("{reference} has {what} {found}, and {locked} in the lock file"))
                .hint("if that was meant to be, look at what changed, then run `windlass lock --update`")
        };
        if entry.wasm != found.wasm {
            return Err(differs("the wasm", found.wasm.to_string(), entry.wasm.to_string()));
        }
        let shown = |digest: Option<Digest>| digest.map_or_else(|| "none".to_owned(), |digest| digest.to_string());
        if entry.manifest.is_some() || found.manifest.is_some() {
            // The manifest covers plugin.yaml.
            return if entry.manifest == found.manifest {
                Ok(())
            } else {
                Err(differs("the manifest", shown(found.manifest), shown(entry.manifest)))
            };
        }
        if entry.plugin_yaml == found.plugin_yaml {
            return Ok(());
        }
        let error = differs("the plugin.yaml", shown(found.plugin_yaml), shown(entry.plugin_yaml));
        Err(match entry.plugin_yaml {
            None => error.hint("a lock file of an older Windlass does not say; write it anew with `windlass lock`"),
            Some(_) => error,
        })
    }
}

fn read_entry(node: &Node, folder: &Path) -> Result<LockEntry, Misread> {
    refuse_unknown_keys(node.as_map("plugins[]")?, &ENTRY, "plugins[]")?;
    let text =
        |key: &str| node.get(key).map(|node| Ok::<_, Misread>((node.as_text(key)?.to_owned(), node.place))).transpose();
    let digest = |key: &str| {
        let found = text(key)?
            .map(|(text, place)| text.parse::<Digest>().map_err(|e| Misread::new(place, format!("{key}: {e}"))));
        found.transpose()
    };
    let missing = |key: &str| Misread::new(node.place, format!("{key} is missing"));
    let (reference, place) = text("use")?.ok_or_else(|| missing("use"))?;
    let reference: PluginRef =
        reference.parse().map_err(|error: Error| Misread::new(place, format!("use: {}", error.message())))?;
    Ok(LockEntry {
        reference: reference.counted_from(folder),
        manifest: digest("manifest")?,
        plugin_yaml: digest("pluginYaml")?,
        wasm: digest("wasm")?.ok_or_else(|| missing("wasm"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::evidence::Came;

    fn fetched(yaml: Option<&str>, wasm: &str) -> Fetched {
        let reference = PluginRef::Path("./plugins/x".into()).counted_from(Path::new("."));
        Fetched::new(reference, None, yaml.map(str::to_owned), wasm.as_bytes().to_vec(), Came::Loose)
    }

    /// What the lock says of a plugin that was locked as `locked`, with a lock file that was written and read again.
    #[track_caller]
    fn check(locked: &Fetched, found: &Fetched, expected: Result<(), &str>) {
        let text = Lock::new(vec![LockEntry::of(locked)]).text(Path::new("."));
        check_text(&text, found, expected);
    }

    #[track_caller]
    fn check_text(text: &str, found: &Fetched, expected: Result<(), &str>) {
        let lock = Lock::read(text, Path::new(".")).expect("a lock file");
        match (lock.check(found, true), expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(says)) => {
                let all = format!("{error} {}", error.hints().join(" "));
                assert!(all.contains(says), "{all}");
            }
            (result, expected) => panic!("{result:?} instead of {expected:?} with\n{text}"),
        }
        // Who does not lock does not hear of what lies on this machine.
        assert!(lock.check(found, false).is_ok());
    }

    #[test]
    fn all_that_is_run_is_pinned() {
        let plugin = fetched(Some("name: x"), "wasm");
        check(&plugin, &plugin, Ok(()));
        check(&plugin, &fetched(Some("name: x"), "other"), Err("has the wasm sha256:"));
        check(&plugin, &fetched(Some("name: x\nconfig: {}"), "wasm"), Err("has the plugin.yaml sha256:"));
        check(&plugin, &fetched(None, "wasm"), Err("has the plugin.yaml none"));
        let bare = fetched(None, "wasm");
        check(&bare, &bare, Ok(()));
        check(&bare, &fetched(Some("name: x"), "wasm"), Err("and none in the lock file"));
    }

    #[test]
    fn lock_files_from_before_are_good_for_what_they_pin() {
        let wasm = Digest::of(b"wasm");
        let old =
            format!("apiVersion: {API_VERSION}\nkind: {KIND}\nplugins:\n- use: \"./plugins/x\"\n  wasm: {wasm}\n");
        check_text(&old, &fetched(None, "wasm"), Ok(()));
        check_text(&old, &fetched(Some("name: x"), "wasm"), Err("write it anew with `windlass lock`"));
    }

    #[test]
    fn an_entry_is_found_by_what_it_names_and_not_by_how() {
        let wasm = Digest::of(b"wasm");
        let text = format!(
            "apiVersion: {API_VERSION}\nkind: {KIND}\nplugins:\n- use: oci://REGISTRY.example.:443/p/x:1.0.0\n  wasm: {wasm}\n\
             - use: ./p//x/\n  wasm: {wasm}\n"
        );
        let lock = Lock::read(&text, Path::new(".")).expect("a lock file");
        for reference in ["oci://registry.example/p/x:1.0.0", "p/x", "./p/x"] {
            let reference = reference.parse::<PluginRef>().expect("a reference").counted_from(Path::new("."));
            assert!(lock.find(&reference).is_some(), "{reference}");
        }
        let twice = text.replace("- use: ./p//x/", "- use: oci://registry.example/p/x:1.0.0").replacen(
            &wasm.to_string(),
            &Digest::of(b"other").to_string(),
            1,
        );
        assert!(Lock::read(&twice, Path::new(".")).is_err(), "two entries for one plugin");
    }
}
