//! The files beside an artefact: read within its tree, under a budget, never through a link out of it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Refusal;
use crate::audit::tree;

/// How many bytes one conversion reads.
const MAX_ALL: u64 = 64 << 20;

/// The tree of an artefact: its folder and everything up to the repository's root.
pub(super) struct Files {
    root: PathBuf,
    read: Cell<u64>,
    /// What a script writes: here documents, and copies as the folders that they are made of.
    written: RefCell<HashMap<String, String>>,
    copies: RefCell<Vec<(String, String)>>,
}

/// How many files a script may write.
const MAX_WRITTEN: usize = 1_000;

impl Files {
    /// The tree that `path` stands in and its name there; an empty name is the folder itself.
    pub(super) fn open(path: &Path) -> Result<(Self, String), Refusal> {
        let cannot = |error: std::io::Error| {
            Refusal::new(format!("{} cannot be read: {error}", path.display()), "give a file or folder that is there")
        };
        let real = fs::canonicalize(path).map_err(cannot)?;
        let metadata = fs::metadata(&real).map_err(cannot)?;
        let (folder, name) = if metadata.is_dir() {
            (real.clone(), None)
        } else {
            (
                real.parent().unwrap_or(Path::new("/")).to_path_buf(),
                real.file_name().map(|name| name.to_string_lossy().into_owned()),
            )
        };
        // Overlays refer to bases beside them: the repository is the limit, the folder where there is none.
        let root = folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&folder).to_path_buf();
        let inside = folder.strip_prefix(&root).unwrap_or(Path::new("")).to_string_lossy().into_owned();
        let files = Self { root, read: Cell::new(0), written: RefCell::default(), copies: RefCell::default() };
        match name {
            Some(name) => Ok((files, join(&inside, &name).unwrap_or(name))),
            None if inside.is_empty() => Ok((files, String::new())),
            None => {
                // The folder is the artefact: everything counts from there, and nothing above is looked at by name
                // alone.
                let kustomization = files.kustomization(&inside).map(|(name, _)| name);
                Ok((files, kustomization.unwrap_or_default()))
            }
        }
    }

    /// A file that a script writes, in its own words.
    pub(super) fn write(&self, name: &str, text: String) {
        let mut written = self.written.borrow_mut();
        if written.len() < MAX_WRITTEN {
            written.insert(name.to_owned(), text);
        }
    }

    /// A copy of a file or folder that a script makes.
    pub(super) fn copy(&self, from: &str, to: &str) {
        let mut copies = self.copies.borrow_mut();
        if copies.len() < MAX_WRITTEN {
            copies.push((to.to_owned(), from.to_owned()));
        }
    }

    /// The name behind copies.
    fn original(&self, name: &str) -> String {
        for (to, from) in self.copies.borrow().iter().rev() {
            if name == to {
                return from.clone();
            }
            if let Some(rest) = name.strip_prefix(to.as_str()).and_then(|rest| rest.strip_prefix('/')) {
                return join(from, rest).unwrap_or_else(|| name.to_owned());
            }
        }
        name.to_owned()
    }

    /// The text of a file.
    pub(super) fn text(&self, name: &str) -> Result<String, String> {
        if let Some(text) = self.written.borrow().get(name) {
            return Ok(text.clone());
        }
        let path = self.inside(name).ok_or("it is outside of the tree")?;
        let bytes = tree::read(&path).map_err(|error| tree::reason(&error))?;
        if self.read.get() + bytes.len() as u64 > MAX_ALL {
            return Err("there is too much to read".to_owned());
        }
        self.read.set(self.read.get() + bytes.len() as u64);
        String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
    }

    /// Whether something of that name is there, inside.
    pub(super) fn is_folder(&self, name: &str) -> bool {
        let holds = |file: &String| file.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
        self.inside(name).is_some_and(|path| path.is_dir()) || self.written.borrow().keys().any(holds)
    }

    /// Whether a file of that name is there, inside.
    pub(super) fn is_file(&self, name: &str) -> bool {
        self.written.borrow().contains_key(name) || self.inside(name).is_some_and(|path| path.is_file())
    }

    /// The real path, if it is inside of the tree.
    fn inside(&self, name: &str) -> Option<PathBuf> {
        let path = fs::canonicalize(self.root.join(self.original(name))).ok()?;
        path.starts_with(&self.root).then_some(path)
    }

    /// The kustomization of a folder: its name, and its text.
    pub(super) fn kustomization(&self, folder: &str) -> Option<(String, String)> {
        ["kustomization.yaml", "kustomization.yml", "Kustomization"].iter().find_map(|name| {
            let name = join(folder, name)?;
            let text = self.text(&name).ok()?;
            Some((name, text))
        })
    }
}

/// The folder of a file's name.
pub(super) fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// `name` counted from `folder`, without `.` and `..`; none if it leaves the tree.
pub(super) fn join(folder: &str, name: &str) -> Option<String> {
    if name.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(name.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
