//! Plugin archives (`NAME-VERSION.tgz`), read as the hostile input they are and written so that the same folder
//! always gives the same bytes.
//!
//! An archive comes from whoever can write to a registry, or to the folder that a person unpacked it from, and it is
//! opened before any signature over its content means something to us. So nothing in it is trusted: sizes are counted
//! while they are decompressed, names are judged before a file is made, and everything that is not a plain file or a
//! directory is refused. The rules are Helm's own (`internal/plugin/installer/extractor.go`) plus those that Helm
//! leaves open: duplicates, case collisions, bombs, a `plugin.yaml` that is not the one that Helm reads the metadata
//! from.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};

use crate::error::Error;
use crate::limits::table::{
    MAX_ARCHIVE_DEPTH, MAX_ARCHIVE_ENTRIES, MAX_UNPACKED, UNPACKED_AT_LEAST, UNPACKED_FOR_BYTE,
};
use crate::text::shown_value;

/// The file that makes a folder a plugin.
pub const PLUGIN_YAML: &str = "plugin.yaml";

/// What an archive may hold at most. Every bound is counted while reading, never taken from a header.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveLimits {
    /// Bytes after decompression, tar headers included.
    pub unpacked_bytes: u64,
    /// Entries, directories included.
    pub entries: usize,
    /// Bytes in a path inside the archive.
    pub path_bytes: usize,
}

impl ArchiveLimits {
    /// Far above any plugin (the samples are below 250 KB), far below what hurts a machine.
    pub const DEFAULT: Self =
        Self { unpacked_bytes: MAX_UNPACKED, entries: MAX_ARCHIVE_ENTRIES as usize, path_bytes: 1024 };

    /// The same for an archive of `length` bytes: what one unpacks to grows with it, so that a small one stays small.
    fn for_archive(self, length: usize) -> Self {
        let grown = UNPACKED_AT_LEAST.saturating_add(UNPACKED_FOR_BYTE.saturating_mul(length as u64));
        Self { unpacked_bytes: self.unpacked_bytes.min(grown), ..self }
    }
}

/// A plugin archive that was read whole and found well-formed.
///
/// The only way to make one from bytes is [`PluginArchive::read`], so whoever holds one may rely on its paths:
/// relative, without `.`, `..`, empty or absolute parts, and each there once.
#[derive(Clone, Debug)]
pub struct PluginArchive {
    root: String,
    files: BTreeMap<String, ArchivedFile>,
}

/// One regular file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedFile {
    /// The content.
    pub bytes: Vec<u8>,
    /// Whether its owner may execute it; the only part of the mode that is kept.
    pub executable: bool,
}

impl PluginArchive {
    /// Reads a gzip-compressed tar archive with one folder at its root that holds `plugin.yaml`.
    ///
    /// # Errors
    /// When it is not such an archive, or breaks one of the rules in the module's documentation. The message names the
    /// entry.
    pub fn read(archive: &[u8], limits: ArchiveLimits) -> Result<Self, Error> {
        let limits = limits.for_archive(archive.len());
        let counted =
            CountedReader { inner: MultiGzDecoder::new(archive), left: limits.unpacked_bytes, exceeded: false };
        let mut reader = ArchiveReader::new(limits);
        let mut tar = tar::Archive::new(counted);
        let outcome = reader.read_entries(&mut tar);
        let mut rest = tar.into_inner();
        if rest.exceeded {
            return Err(refused(format!("the archive unpacks to more than {} bytes", limits.unpacked_bytes)));
        }
        outcome?;
        reject_hidden_tail(&mut rest, limits)?;
        reader.finish()
    }

    /// Makes an archive's content from files; `root` is the name of the folder they are in.
    ///
    /// # Errors
    /// When a path breaks the rules that [`PluginArchive::read`] checks.
    pub fn from_files(root: &str, files: impl IntoIterator<Item = (String, ArchivedFile)>) -> Result<Self, Error> {
        let mut reader = ArchiveReader::new(ArchiveLimits::DEFAULT);
        for (path, file) in files {
            reader.add_file(&format!("{root}/{path}"), file)?;
        }
        reader.finish()
    }

    /// The folder at the archive's root; for a package made by us or by Helm the plugin's name.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The content of the file at this path below the root.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(|file| file.bytes.as_slice())
    }

    /// Takes the content of the file at this path below the root out, without a copy.
    pub(crate) fn take(&mut self, path: &str) -> Option<Vec<u8>> {
        self.files.remove(path).map(|file| file.bytes)
    }

    /// All files by their path below the root, in the order of the paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &ArchivedFile)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// Writes the files below `directory`, which must not hold any of them yet.
    ///
    /// # Errors
    /// When a file exists or cannot be written; what was written before stays, so unpack into a temporary folder.
    pub fn unpack_into(&self, directory: &Path) -> Result<(), Error> {
        for (path, file) in self.files() {
            let target = directory.join(path);
            if let Some(parent) = target.parent() {
                std::fs::create_dir_all(parent)
                    .map_err(|e| Error::usage(format!("cannot create {}: {e}", parent.display())))?;
            }
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create_new(true);
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, if file.executable { 0o755 } else { 0o644 });
            options
                .open(&target)
                .and_then(|mut out| out.write_all(&file.bytes))
                .map_err(|e| Error::usage(format!("cannot write {}: {e}", target.display())))?;
        }
        Ok(())
    }

    /// The archive's bytes: gzip without name and time, ustar entries with fixed owner, time and mode, `plugin.yaml`
    /// first and the rest in the order of the paths. The same files give the same bytes on every machine.
    ///
    /// # Errors
    /// When a path does not fit a tar header.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        // 255 is "unknown" in RFC 1952; the library's default differs between platforms.
        let gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
        let mut tar = tar::Builder::new(gzip);
        tar.mode(tar::HeaderMode::Deterministic);
        let mut directories = std::collections::BTreeSet::from([format!("{}/", self.root)]);
        for path in self.files.keys() {
            for (index, _) in path.match_indices('/') {
                if let Some(directory) = path.get(..=index) {
                    directories.insert(format!("{}/{directory}", self.root));
                }
            }
        }
        let write_failed = |e: std::io::Error| Error::usage(format!("cannot write the archive: {e}"));
        let root_directory = format!("{}/", self.root);
        append(&mut tar, &root_directory, None).map_err(write_failed)?;
        let (first, others): (Vec<_>, Vec<_>) = self.files.iter().partition(|(path, _)| *path == PLUGIN_YAML);
        for (path, file) in first {
            append(&mut tar, &format!("{root_directory}{path}"), Some(file)).map_err(write_failed)?;
        }
        for directory in directories.iter().filter(|directory| **directory != root_directory) {
            append(&mut tar, directory, None).map_err(write_failed)?;
        }
        for (path, file) in others {
            append(&mut tar, &format!("{root_directory}{path}"), Some(file)).map_err(write_failed)?;
        }
        tar.into_inner().and_then(flate2::write::GzEncoder::finish).map_err(write_failed)
    }
}

fn append<W: Write>(tar: &mut tar::Builder<W>, path: &str, file: Option<&ArchivedFile>) -> std::io::Result<()> {
    let mut header = tar::Header::new_ustar();
    let content = file.map_or(&[][..], |file| file.bytes.as_slice());
    header.set_entry_type(if file.is_some() { tar::EntryType::Regular } else { tar::EntryType::Directory });
    header.set_mode(if file.is_none_or(|file| file.executable) { 0o755 } else { 0o644 });
    header.set_size(content.len() as u64);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    tar.append_data(&mut header, path, content)
}

/// What was read so far, with everything that a later entry must not collide with.
struct ArchiveReader {
    limits: ArchiveLimits,
    root: Option<String>,
    files: BTreeMap<String, ArchivedFile>,
    /// Lower-cased path of everything seen, with whether it is a file: archives that only work on case-sensitive file
    /// systems would unpack differently elsewhere.
    seen: BTreeMap<String, Seen>,
    entries: usize,
}

#[derive(Clone, PartialEq, Eq)]
struct Seen {
    path: String,
    is_file: bool,
}

impl ArchiveReader {
    fn new(limits: ArchiveLimits) -> Self {
        Self { limits, root: None, files: BTreeMap::new(), seen: BTreeMap::new(), entries: 0 }
    }

    fn read_entries<R: Read>(&mut self, tar: &mut tar::Archive<R>) -> Result<(), Error> {
        for entry in tar.entries().map_err(not_an_archive)? {
            let mut entry = entry.map_err(not_an_archive)?;
            let kind = entry.header().entry_type();
            // Carries attributes for all later entries, as `git archive` writes; nothing that we read.
            if kind == tar::EntryType::XGlobalHeader {
                continue;
            }
            let path = entry.path_bytes().into_owned();
            let path = String::from_utf8(path).map_err(|_| refused("an entry's name is not UTF-8"))?;
            match kind {
                tar::EntryType::Directory => self.add_directory(&path)?,
                tar::EntryType::Regular => {
                    // The true length is bounded by the counted reader below; the header's claim is not used to
                    // allocate.
                    let mut bytes = Vec::new();
                    entry.read_to_end(&mut bytes).map_err(not_an_archive)?;
                    if bytes.len() as u64 != entry.size() {
                        return Err(Error::usage(format!("the archive ends in the middle of `{path}`")));
                    }
                    let executable = entry.header().mode().unwrap_or(0) & 0o100 != 0;
                    self.add_file(&path, ArchivedFile { bytes, executable })?;
                }
                other => {
                    return Err(refused(format!(
                        "`{}` is {}; only files and directories are allowed",
                        shown_value(&path),
                        kind_name(other)
                    )));
                }
            }
        }
        Ok(())
    }

    fn count_entry(&mut self) -> Result<(), Error> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(refused(format!("the archive has more than {} entries", self.limits.entries)));
        }
        Ok(())
    }

    fn add_directory(&mut self, path: &str) -> Result<(), Error> {
        self.count_entry()?;
        let trimmed = path.trim_end_matches('/');
        let parts = checked_parts(trimmed, self.limits)?;
        self.check_root(&parts)?;
        self.note(&parts, false)
    }

    fn add_file(&mut self, path: &str, file: ArchivedFile) -> Result<(), Error> {
        self.count_entry()?;
        let parts = checked_parts(path, self.limits)?;
        self.check_root(&parts)?;
        let [_, inner @ ..] = parts.as_slice() else { return Err(outside_root(path)) };
        if inner.is_empty() {
            return Err(outside_root(path));
        }
        // Helm takes the metadata from the first entry of this name at any depth, then runs the one in the root folder.
        if inner.last() == Some(&PLUGIN_YAML) && inner.len() > 1 && !self.files.contains_key(PLUGIN_YAML) {
            return Err(refused(format!(
                "`{path}` comes before the plugin's own plugin.yaml, and Helm would read the metadata from it"
            )));
        }
        self.note(&parts, true)?;
        self.files.insert(inner.join("/"), file);
        Ok(())
    }

    fn check_root(&mut self, parts: &[&str]) -> Result<(), Error> {
        let Some(first) = parts.first() else { return Err(refused("an entry has an empty name")) };
        match &self.root {
            None => self.root = Some((*first).to_owned()),
            Some(root) if root == first => {}
            Some(root) => {
                return Err(refused(format!(
                    "the archive has two folders at its root, `{root}` and `{first}`; a plugin has one"
                )));
            }
        }
        Ok(())
    }

    /// Records a path and its parents; a path twice, as file and as directory, or in two spellings is refused.
    fn note(&mut self, parts: &[&str], is_file: bool) -> Result<(), Error> {
        for length in 1..=parts.len() {
            let path = parts.get(..length).unwrap_or_default().join("/");
            let whole = length == parts.len();
            let found = Seen { path, is_file: is_file && whole };
            let key = found.path.to_lowercase();
            match self.seen.get(&key) {
                None => {
                    self.seen.insert(key, found);
                }
                // A directory may be listed after the files in it, or twice: it says nothing new.
                Some(known) if *known == found && !found.is_file => {}
                Some(known) => {
                    return Err(refused(format!("`{}` and `{}` are the same place", known.path, found.path)));
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<PluginArchive, Error> {
        match self.root {
            Some(root) if self.files.contains_key(PLUGIN_YAML) => Ok(PluginArchive { root, files: self.files }),
            Some(root) => Err(Error::usage(format!("the archive has no {root}/{PLUGIN_YAML}, so it is not a plugin"))),
            None => Err(Error::usage("the archive is empty")),
        }
    }
}

/// Splits a path into its parts, or says which rule it breaks.
fn checked_parts(path: &str, limits: ArchiveLimits) -> Result<Vec<&str>, Error> {
    let problem = if path.len() > limits.path_bytes {
        Some("is too long")
    } else if path.bytes().filter(|byte| *byte == b'/').count() as u64 > MAX_ARCHIVE_DEPTH {
        Some("lies too deep")
    } else if path.starts_with('/') {
        Some("is absolute")
    } else if path.contains(':') {
        Some("contains `:`")
    } else if path.contains('\\') {
        Some("contains a backslash")
    } else if path.chars().any(char::is_control) {
        Some("contains a control character")
    } else {
        path.split('/').find_map(|part| match part {
            ".." => Some("climbs out of the archive with `..`"),
            "." => Some("contains a `.` part"),
            "" => Some("has an empty part"),
            _ => None,
        })
    };
    match problem {
        Some(problem) => Err(refused(format!("the name `{}` {problem}", shown_value(path)))),
        None => Ok(path.split('/').collect()),
    }
}

/// After the end mark Helm stops reading; data there would be signed, stored and never shown to anyone.
fn reject_hidden_tail<R: Read>(rest: &mut CountedReader<R>, limits: ArchiveLimits) -> Result<(), Error> {
    let mut buffer = [0_u8; 8192];
    loop {
        let read = match rest.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(_) if rest.exceeded => {
                return Err(refused(format!("the archive unpacks to more than {} bytes", limits.unpacked_bytes)));
            }
            Err(error) => return Err(not_an_archive(error)),
        };
        if buffer.iter().take(read).any(|byte| *byte != 0) {
            return Err(refused("the archive has data after its end"));
        }
    }
}

fn kind_name(kind: tar::EntryType) -> &'static str {
    match kind {
        tar::EntryType::Symlink => "a symbolic link",
        tar::EntryType::Link => "a hard link",
        tar::EntryType::Char | tar::EntryType::Block => "a device",
        tar::EntryType::Fifo => "a named pipe",
        tar::EntryType::GNUSparse => "a sparse file",
        _ => "an entry of an unknown kind",
    }
}

fn outside_root(path: &str) -> Error {
    refused(format!("`{}` lies beside the plugin's folder; a package has one folder at its root", shown_value(path)))
}

fn refused(message: impl Into<String>) -> Error {
    Error::denied(format!("refused the archive: {}", message.into()))
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
fn not_an_archive(error: std::io::Error) -> Error {
    Error::usage(format!("not a gzip-compressed tar archive: {error}"))
}

/// Passes bytes on until a bound, then fails; the bound holds for what tar headers make the reader skip or buffer, too.
struct CountedReader<R> {
    inner: R,
    left: u64,
    exceeded: bool,
}

impl<R: Read> Read for CountedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.exceeded {
            return Err(std::io::Error::other("too large"));
        }
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                self.exceeded = true;
                return Err(std::io::Error::other("too large"));
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds an archive entry by entry, without any of the checks that a well-meaning library makes.
    fn archive(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
        let mut tar = Vec::new();
        for (name, kind, content) in entries {
            let mut header = tar::Header::new_ustar();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o644);
            header.set_size(content.len() as u64);
            if matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link) {
                header.set_link_name("plugin.yaml").unwrap();
            }
            header.set_cksum();
            tar.extend_from_slice(header.as_bytes());
            tar.extend_from_slice(content);
            tar.resize(tar.len().next_multiple_of(512), 0);
        }
        tar.resize(tar.len() + 1024, 0);
        gzip(&tar)
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[track_caller]
    fn check(entries: &[(&str, tar::EntryType, &[u8])], expected: &str) {
        check_bytes(&archive(entries), expected);
    }

    #[track_caller]
    fn check_bytes(bytes: &[u8], expected: &str) {
        let limits = ArchiveLimits { unpacked_bytes: 1 << 20, entries: 50, ..ArchiveLimits::DEFAULT };
        let found = match PluginArchive::read(bytes, limits) {
            Ok(archive) => {
                format!("{}: {}", archive.root(), archive.files().map(|(path, _)| path).collect::<Vec<_>>().join(" "))
            }
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "expected `{expected}`, found `{found}`");
    }

    use tar::EntryType as Kind;
    const YAML: (&str, Kind, &[u8]) = ("x/plugin.yaml", Kind::Regular, b"name: x\n");

    #[test]
    fn what_helm_writes_is_read() {
        check(&[("x", Kind::Directory, b""), ("x/LICENSE", Kind::Regular, b"l"), YAML], "x: LICENSE plugin.yaml");
        check(&[YAML, ("x/a/b", Kind::Regular, b""), ("x/a/", Kind::Directory, b"")], "x: a/b plugin.yaml");
    }

    #[test]
    fn hostile_archives_are_refused() {
        check(&[YAML, ("../x/evil", Kind::Regular, b"")], "climbs out");
        check(&[YAML, ("x/../../evil", Kind::Regular, b"")], "climbs out");
        check(&[YAML, ("/etc/passwd", Kind::Regular, b"")], "is absolute");
        check(&[YAML, ("x/c:evil", Kind::Regular, b"")], "contains `:`");
        check(&[YAML, ("x\\evil", Kind::Regular, b"")], "backslash");
        check(&[YAML, ("x/./evil", Kind::Regular, b"")], "`.` part");
        check(&[YAML, ("x//evil", Kind::Regular, b"")], "empty part");
        check(&[YAML, ("x/\u{1b}[2J", Kind::Regular, b"")], "control character");
        check(&[YAML, ("x/link", Kind::Symlink, b"")], "a symbolic link");
        check(&[YAML, ("x/link", Kind::Link, b"")], "a hard link");
        check(&[YAML, ("x/dev", Kind::Char, b"")], "a device");
        check(&[YAML, ("x/dev", Kind::Block, b"")], "a device");
        check(&[YAML, ("x/pipe", Kind::Fifo, b"")], "a named pipe");
        // A name in the entry before it, for names that are too long for a header.
        check(
            &[YAML, ("././@PaxHeader", Kind::XHeader, b"21 path=x/../../evil\n"), ("x/a", Kind::Regular, b"")],
            "climbs out",
        );
        check(
            &[YAML, ("././@LongLink", Kind::GNULongName, b"/etc/passwd\0"), ("x/a", Kind::Regular, b"")],
            "is absolute",
        );
        check(&[YAML, YAML], "are the same place");
        check(&[YAML, ("x/Plugin.yaml", Kind::Regular, b"")], "are the same place");
        check(&[YAML, ("x/a", Kind::Regular, b""), ("x/a/b", Kind::Regular, b"")], "are the same place");
        check(&[YAML, ("y/plugin.yaml", Kind::Regular, b"")], "two folders");
        check(&[("plugin.yaml", Kind::Regular, b"")], "lies beside");
        check(&[("x/a/plugin.yaml", Kind::Regular, b""), YAML], "Helm would read the metadata from it");
        check(&[("x/other", Kind::Regular, b"")], "no x/plugin.yaml");
        check(&[], "is empty");
    }

    #[test]
    fn bombs_are_refused_while_they_unpack() {
        let zeros = vec![0_u8; 4 << 20];
        check(&[YAML, ("x/big", Kind::Regular, &zeros)], "unpacks to more than 1048576 bytes");
        let many: Vec<_> = (0..60).map(|i| format!("x/{i}")).collect();
        let many: Vec<_> =
            std::iter::once(YAML).chain(many.iter().map(|name| (name.as_str(), Kind::Regular, &b""[..]))).collect();
        check(&many, "more than 50 entries");
        // A GNU long name is read into memory before any entry is seen.
        check(&[("././@LongLink", Kind::GNULongName, &zeros), YAML], "unpacks to more than");
        // A bomb that hides after the archive's end.
        let mut tail = archive(&[YAML]);
        tail.extend(gzip(&zeros));
        check_bytes(&tail, "unpacks to more than");
    }

    #[test]
    fn nothing_hides_behind_the_end() {
        let mut second_member = archive(&[YAML]);
        second_member.extend(archive(&[("x/evil", Kind::Regular, b"")]));
        check_bytes(&second_member, "data after its end");
        let mut garbage = archive(&[YAML]);
        garbage.extend(b"garbage");
        check_bytes(&garbage, "not a gzip");
    }

    #[test]
    fn damaged_archives_are_errors() {
        let good = archive(&[YAML, ("x/plugin.wasm", Kind::Regular, &[7; 3000])]);
        for length in 0..good.len() {
            check_bytes(&good[..length], "");
            assert!(PluginArchive::read(&good[..length], ArchiveLimits::DEFAULT).is_err(), "cut at {length}");
        }
        check_bytes(b"", "not a gzip");
        check_bytes(b"plain text", "not a gzip");
    }

    #[test]
    fn written_bytes_depend_on_the_files_alone() {
        let file = |text: &str| ArchivedFile { bytes: text.as_bytes().to_vec(), executable: false };
        let files = [("b/c.txt", "c"), ("a.txt", "a"), ("plugin.yaml", "name: x"), ("plugin.wasm", "w")];
        let build = |order: &[usize]| {
            let files = order.iter().map(|i| (files[*i].0.to_owned(), file(files[*i].1)));
            PluginArchive::from_files("x", files).unwrap().to_bytes().unwrap()
        };
        let bytes = build(&[2, 0, 1, 3]);
        assert_eq!(bytes, build(&[3, 2, 1, 0]));
        let mut tar = tar::Archive::new(MultiGzDecoder::new(bytes.as_slice()));
        let names: Vec<_> = tar.entries().unwrap().map(|e| e.unwrap().path().unwrap().display().to_string()).collect();
        assert_eq!(names, ["x/", "x/plugin.yaml", "x/b/", "x/a.txt", "x/b/c.txt", "x/plugin.wasm"]);
        let read = PluginArchive::read(&bytes, ArchiveLimits::DEFAULT).unwrap();
        assert_eq!(read.to_bytes().unwrap(), bytes);
        let directory = tempfile::tempdir().unwrap();
        read.unpack_into(directory.path()).unwrap();
        assert_eq!(std::fs::read(directory.path().join("b/c.txt")).unwrap(), b"c");
        assert!(read.unpack_into(directory.path()).is_err(), "existing files are never overwritten");
    }
}
