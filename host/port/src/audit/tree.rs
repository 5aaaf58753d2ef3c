//! The files of a tree: found without following links, read through one door and under limits.

use std::collections::{BTreeMap, HashMap};
use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// The largest file that is read: the longest scripts of people have a tenth of it.
pub(crate) const MAX_FILE: u64 = 4 << 20;
/// How many files and folders are looked at.
const MAX_ENTRIES: usize = 2_000_000;
/// How deep folders are followed.
const MAX_DEPTH: usize = 128;
/// How many things that were left out are named; the others are counted.
pub(crate) const MAX_SKIPPED: usize = 1_000;

/// Folders that hold what others wrote or what machines made.
const FOREIGN: &[&str] = &[
    ".git",
    "node_modules",
    ".terraform",
    ".venv",
    "venv",
    "__pycache__",
    ".cache",
    ".idea",
    ".svn",
    ".hg",
    ".tox",
    "site-packages",
    ".next",
    ".gradle",
];

/// A file of the tree.
#[derive(Debug)]
pub(crate) struct Entry {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) size: u64,
}

/// What was left out, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Skipped {
    /// The file or folder, relative to the path given.
    pub file: String,
    /// In a few words.
    pub why: String,
}

/// All files below a path.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    pub(crate) entries: Vec<Entry>,
    by_path: HashMap<String, usize>,
    by_name: HashMap<String, Vec<usize>>,
    /// Links that stay within the tree: from, to.
    links: BTreeMap<String, String>,
    /// Folders with a `.git`: the repositories of the tree.
    repositories: Vec<String>,
    pub(crate) skipped: Vec<Skipped>,
}

impl Tree {
    /// Looks at everything below `root`; `seen` is told how many files there are so far.
    pub(crate) fn walk(root: &Path, seen: &mut dyn FnMut(usize)) -> io::Result<Self> {
        let metadata = std::fs::metadata(root)?;
        let mut tree = Self::default();
        if !metadata.is_dir() {
            let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            tree.root = root
                .parent()
                .map(Path::to_owned)
                .filter(|parent| !parent.as_os_str().is_empty())
                .unwrap_or_else(|| PathBuf::from("."));
            tree.add(name, metadata.len());
            return Ok(tree);
        }
        root.clone_into(&mut tree.root);
        // A folder that cannot be opened at all is the user's mistake; one further down is said and left out.
        std::fs::read_dir(root)?;
        let mut open = vec![(String::new(), 0usize)];
        while let Some((folder, depth)) = open.pop() {
            tree.folder(&folder, depth, &mut open);
            seen(tree.entries.len());
            if tree.entries.len() > MAX_ENTRIES {
                tree.skip(&folder, "more than 2,000,000 files: the rest is not looked at");
                break;
            }
        }
        tree.entries.sort_by(|left, right| left.path.cmp(&right.path));
        tree.by_path = tree.entries.iter().enumerate().map(|(index, entry)| (entry.path.clone(), index)).collect();
        tree.by_name = HashMap::new();
        for (index, entry) in tree.entries.iter().enumerate() {
            let name = entry.path.rsplit('/').next().unwrap_or_default().to_owned();
            tree.by_name.entry(name).or_default().push(index);
        }
        Ok(tree)
    }

    fn add(&mut self, path: String, size: u64) {
        let index = self.entries.len();
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        self.by_path.insert(path.clone(), index);
        self.by_name.entry(name).or_default().push(index);
        self.entries.push(Entry { path, size });
    }

    fn folder(&mut self, folder: &str, depth: usize, open: &mut Vec<(String, usize)>) {
        let items = match std::fs::read_dir(self.root.join(folder)) {
            Ok(items) => items,
            Err(error) => return self.skip(folder, &format!("the folder cannot be read: {}", reason(&error))),
        };
        let mut below = Vec::new();
        for item in items {
            let Ok(item) = item else {
                self.skip(folder, "an entry cannot be read");
                continue;
            };
            let name = item.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let Ok(kind) = item.file_type() else { continue };
            if kind.is_symlink() {
                self.link(&path);
            } else if kind.is_dir() {
                if name == ".git" {
                    self.repositories.push(folder.to_owned());
                }
                let is_go_vendor = name == "vendor" && item.path().join("modules.txt").is_file();
                if FOREIGN.contains(&name.as_str()) || is_go_vendor {
                    continue;
                }
                if depth >= MAX_DEPTH {
                    self.skip(&path, "nested deeper than 128 folders");
                } else {
                    below.push((path, depth + 1));
                }
            } else if kind.is_file() {
                let size = item.metadata().map(|metadata| metadata.len()).unwrap_or(0);
                self.entries.push(Entry { path, size });
            } else if super::callers::language(&path, "").is_some() {
                self.skip(&path, "neither a file nor a folder");
            }
        }
        open.extend(below);
    }

    /// A link is never followed by the walk; where it stays within the tree, its target is known under its name too.
    fn link(&mut self, path: &str) {
        let Ok(target) = std::fs::read_link(self.root.join(path)) else { return };
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let inside = target
            .to_str()
            .filter(|target| !target.starts_with('/'))
            .and_then(|target| normal(&format!("{folder}/{target}")));
        match inside {
            Some(target) => {
                self.links.insert(path.to_owned(), target);
            }
            None => self.skip(path, "a link that leads out of the tree: not followed"),
        }
    }

    pub(crate) fn skip(&mut self, file: &str, why: &str) {
        if self.skipped.len() < MAX_SKIPPED {
            self.skipped.push(Skipped { file: file.to_owned(), why: why.to_owned() });
        }
    }

    /// The repository a file is in: the nearest folder with a `.git`, else the first folder of its path.
    pub(crate) fn repository(&self, path: &str) -> String {
        let nearest = self
            .repositories
            .iter()
            .filter(|folder| path.starts_with(&format!("{folder}/")) && !folder.is_empty())
            .max_by_key(|folder| folder.len());
        match nearest {
            Some(folder) => folder.clone(),
            None if self.repositories.iter().any(String::is_empty) => String::new(),
            None => path.split_once('/').map_or(String::new(), |(first, _)| first.to_owned()),
        }
    }

    /// A file by its path; links within the tree lead to their targets.
    pub(crate) fn find(&self, path: &str) -> Option<String> {
        let mut path = normal(path)?;
        for _ in 0..8 {
            if self.by_path.contains_key(&path) {
                return Some(path);
            }
            let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
            let (from, to) = ends.filter_map(|end| self.links.get_key_value(path.get(..end)?)).next()?;
            path = format!("{to}{}", path.get(from.len()..).unwrap_or_default());
        }
        None
    }

    /// Files directly in a folder.
    pub(crate) fn files_in(&self, folder: &str) -> Vec<&str> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let at = self.entries.partition_point(|entry| entry.path.as_str() < prefix.as_str());
        let below =
            self.entries.get(at..).unwrap_or_default().iter().take_while(|entry| entry.path.starts_with(&prefix));
        below
            .map(|entry| entry.path.as_str())
            .filter(|path| !path.get(prefix.len()..).unwrap_or_default().contains('/'))
            .take(2_000)
            .collect()
    }

    /// Files of one name within a repository.
    pub(crate) fn named(&self, name: &str, repository: &str) -> Vec<&str> {
        let found = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        let paths = found.iter().filter_map(|index| self.entries.get(*index)).map(|entry| entry.path.as_str());
        paths.filter(|path| repository.is_empty() || path.starts_with(&format!("{repository}/"))).take(100).collect()
    }

    /// Files of a repository.
    pub(crate) fn in_repository<'t>(&'t self, repository: &'t str) -> impl Iterator<Item = &'t str> {
        let prefix = if repository.is_empty() { String::new() } else { format!("{repository}/") };
        let at = self.entries.partition_point(|entry| entry.path.as_str() < prefix.as_str());
        let below = self.entries.get(at..).unwrap_or_default();
        below.iter().map(|entry| entry.path.as_str()).take_while(move |path| path.starts_with(&prefix))
    }

    pub(crate) fn size(&self, path: &str) -> u64 {
        self.by_path.get(path).and_then(|index| self.entries.get(*index)).map_or(0, |entry| entry.size)
    }

    /// The bytes of a file of the tree.
    pub(crate) fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        read(&self.root.join(path))
    }

    /// A file's text, bytes that are no UTF-8 replaced; nothing for what cannot be read or is no text.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let bytes = self.read(path).ok()?;
        if bytes.get(..bytes.len().min(8_192))?.contains(&0) {
            return None;
        }
        Some(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }
}

/// A path without `.` and `..`; nothing where it leads out of the tree.
pub(crate) fn normal(path: &str) -> Option<String> {
    let mut pieces: Vec<&str> = Vec::new();
    for piece in path.split('/') {
        match piece {
            "" | "." => {}
            ".." => {
                pieces.pop()?;
            }
            _ => pieces.push(piece),
        }
    }
    Some(pieces.join("/"))
}

/// Why something could not be read, without the system's numbers.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_ascii_lowercase()
}

/// The one door to files: regular files only, no link as the last step, no waiting, no more than the limit.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    if metadata.len() > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 4 MiB"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    file.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}
