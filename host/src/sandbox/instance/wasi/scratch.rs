//! A folder in memory, for programs that insist on a temporary file. It is empty at the start of a run and gone at its
//! end.

use std::collections::BTreeMap;

use super::Errno;
use super::errno::{EXISTS, INVALID, IS_A_FOLDER, NO_ENTRY, NO_SPACE, NOT_A_FOLDER, NOT_CAPABLE, NOT_EMPTY, TOO_LONG};

/// The number of a file or folder.
pub(super) type Node = usize;

/// The folder itself.
pub(super) const TOP: Node = 0;

/// What a file or folder costs beside its content and its name, in bytes.
const NODE_COST: u64 = 256;
/// The most bytes of a name, as everywhere.
const MAX_NAME: usize = 255;

#[derive(Debug)]
enum Content {
    File(Vec<u8>),
    Folder(BTreeMap<String, Node>),
}

#[derive(Debug)]
struct Place {
    content: Content,
    /// How many descriptors are open on it.
    handles: u32,
    /// False once its name is gone; it stays as long as it is open.
    is_linked: bool,
}

/// All files and folders of a scratch folder.
#[derive(Debug)]
pub(super) struct Scratch {
    /// A freed place is none, and is used again.
    places: Vec<Option<Place>>,
    free: Vec<Node>,
    /// Bytes that may still be taken.
    left: u64,
}

impl Scratch {
    pub(super) fn new(limit: u64) -> Self {
        let top = Place { content: Content::Folder(BTreeMap::new()), handles: 0, is_linked: true };
        Self { places: vec![Some(top)], free: Vec::new(), left: limit }
    }

    fn place(&self, node: Node) -> Result<&Place, Errno> {
        self.places.get(node).and_then(Option::as_ref).ok_or(NO_ENTRY)
    }

    fn place_mut(&mut self, node: Node) -> Result<&mut Place, Errno> {
        self.places.get_mut(node).and_then(Option::as_mut).ok_or(NO_ENTRY)
    }

    fn entries(&self, folder: Node) -> Result<&BTreeMap<String, Node>, Errno> {
        match &self.place(folder)?.content {
            Content::Folder(entries) => Ok(entries),
            Content::File(_) => Err(NOT_A_FOLDER),
        }
    }

    fn entries_mut(&mut self, folder: Node) -> Result<&mut BTreeMap<String, Node>, Errno> {
        match &mut self.place_mut(folder)?.content {
            Content::Folder(entries) => Ok(entries),
            Content::File(_) => Err(NOT_A_FOLDER),
        }
    }

    pub(super) fn is_folder(&self, node: Node) -> bool {
        self.entries(node).is_ok()
    }

    fn spend(&mut self, bytes: u64) -> Result<(), Errno> {
        self.left = self.left.checked_sub(bytes).ok_or(NO_SPACE)?;
        Ok(())
    }

    /// The folder that holds the last name of `path`, counted from `from`, and that name; no name for a folder that is
    /// named by `.` alone or ends in `..`.
    fn parent<'p>(&self, from: Node, path: &'p str) -> Result<(Vec<Node>, Option<&'p str>), Errno> {
        let mut way = vec![from];
        let mut names = path.split('/').filter(|name| !matches!(*name, "" | ".")).peekable();
        while let Some(name) = names.next() {
            if name.len() > MAX_NAME {
                return Err(TOO_LONG);
            }
            if name == ".." {
                // No way leads out of the folder that the path counts from, as everywhere.
                if way.len() < 2 {
                    return Err(NOT_CAPABLE);
                }
                way.pop();
                continue;
            }
            if names.peek().is_none() {
                return Ok((way, Some(name)));
            }
            let folder = *way.last().ok_or(NO_ENTRY)?;
            way.push(*self.entries(folder)?.get(name).ok_or(NO_ENTRY)?);
        }
        Ok((way, None))
    }

    /// The file or folder that `path` names, counted from `from`.
    pub(super) fn find(&self, from: Node, path: &str) -> Result<Node, Errno> {
        let (way, name) = self.parent(from, path)?;
        let folder = *way.last().ok_or(NO_ENTRY)?;
        let Some(name) = name else { return Ok(folder) };
        let node = *self.entries(folder)?.get(name).ok_or(NO_ENTRY)?;
        if path.ends_with('/') && !self.is_folder(node) { Err(NOT_A_FOLDER) } else { Ok(node) }
    }

    /// Makes a file or a folder.
    pub(super) fn create(&mut self, from: Node, path: &str, is_folder: bool) -> Result<Node, Errno> {
        let (way, name) = self.parent(from, path)?;
        let folder = *way.last().ok_or(NO_ENTRY)?;
        let name = name.ok_or(EXISTS)?;
        if self.entries(folder)?.contains_key(name) {
            return Err(EXISTS);
        }
        if !is_folder && path.ends_with('/') {
            return Err(IS_A_FOLDER);
        }
        // A folder that was removed while it is open takes nothing any more.
        if !self.place(folder)?.is_linked {
            return Err(NO_ENTRY);
        }
        self.spend(NODE_COST + name.len() as u64)?;
        let content = if is_folder { Content::Folder(BTreeMap::new()) } else { Content::File(Vec::new()) };
        let place = Some(Place { content, handles: 0, is_linked: true });
        let node = match self.free.pop() {
            Some(node) => node,
            None => {
                self.places.push(None);
                self.places.len() - 1
            }
        };
        if let Some(free) = self.places.get_mut(node) {
            *free = place;
        }
        self.entries_mut(folder)?.insert(name.to_owned(), node);
        Ok(node)
    }

    /// Removes a file, or an empty folder.
    pub(super) fn remove(&mut self, from: Node, path: &str, is_folder: bool) -> Result<(), Errno> {
        let node = self.find(from, path)?;
        let (way, name) = self.parent(from, path)?;
        let (folder, name) = (*way.last().ok_or(NO_ENTRY)?, name.ok_or(INVALID)?);
        match (&self.place(node)?.content, is_folder) {
            (Content::File(_), true) => return Err(NOT_A_FOLDER),
            (Content::Folder(_), false) => return Err(IS_A_FOLDER),
            (Content::Folder(entries), true) if !entries.is_empty() => return Err(NOT_EMPTY),
            _ => {}
        }
        self.entries_mut(folder)?.remove(name);
        self.unlink(node, name);
        Ok(())
    }

    fn unlink(&mut self, node: Node, name: &str) {
        self.left = self.left.saturating_add(name.len() as u64);
        if let Ok(place) = self.place_mut(node) {
            place.is_linked = false;
        }
        self.sweep(node);
    }

    /// Frees what has no name and is not open.
    fn sweep(&mut self, node: Node) {
        let Ok(place) = self.place(node) else { return };
        if place.is_linked || place.handles > 0 {
            return;
        }
        let content = if let Content::File(bytes) = &place.content { bytes.capacity() as u64 } else { 0 };
        self.left = self.left.saturating_add(NODE_COST + content);
        if let Some(place) = self.places.get_mut(node) {
            *place = None;
            self.free.push(node);
        }
    }

    pub(super) fn rename(&mut self, from: (Node, &str), to: (Node, &str)) -> Result<(), Errno> {
        let node = self.find(from.0, from.1)?;
        let (old_way, old_name) = self.parent(from.0, from.1)?;
        let (new_way, new_name) = self.parent(to.0, to.1)?;
        let (old_name, new_name) = (old_name.ok_or(INVALID)?.to_owned(), new_name.ok_or(INVALID)?.to_owned());
        let (old, new) = (*old_way.last().ok_or(NO_ENTRY)?, *new_way.last().ok_or(NO_ENTRY)?);
        // Into itself, wherever the way to it begins.
        if self.is_folder(node) && self.is_inside(new, node) {
            return Err(INVALID);
        }
        if !self.place(new)?.is_linked {
            return Err(NO_ENTRY);
        }
        if let Some(&there) = self.entries(new)?.get(&new_name) {
            if there == node {
                return Ok(());
            }
            match (self.is_folder(node), self.entries(there)) {
                (true, Ok(entries)) if !entries.is_empty() => return Err(NOT_EMPTY),
                (true, Err(_)) => return Err(NOT_A_FOLDER),
                (false, Ok(_)) => return Err(IS_A_FOLDER),
                _ => {}
            }
            self.entries_mut(new)?.remove(&new_name);
            self.unlink(there, &new_name);
        }
        self.spend(new_name.len() as u64)?;
        self.entries_mut(old)?.remove(&old_name);
        self.left = self.left.saturating_add(old_name.len() as u64);
        self.entries_mut(new)?.insert(new_name, node);
        Ok(())
    }

    /// Whether `node` is `folder` or lies below it. Each place is looked at once.
    fn is_inside(&self, node: Node, folder: Node) -> bool {
        let mut waiting = vec![folder];
        while let Some(next) = waiting.pop() {
            if next == node {
                return true;
            }
            waiting.extend(self.entries(next).into_iter().flat_map(|entries| entries.values()));
        }
        false
    }

    /// Names of a folder, and whether each is a folder.
    pub(super) fn list(&self, folder: Node) -> Result<Vec<(String, bool)>, Errno> {
        Ok(self.entries(folder)?.iter().map(|(name, node)| (name.clone(), self.is_folder(*node))).collect())
    }

    /// One more descriptor is open on it.
    pub(super) fn open(&mut self, node: Node) {
        if let Ok(place) = self.place_mut(node) {
            place.handles = place.handles.saturating_add(1);
        }
    }

    /// One descriptor less.
    pub(super) fn close(&mut self, node: Node) {
        if let Ok(place) = self.place_mut(node) {
            place.handles = place.handles.saturating_sub(1);
        }
        self.sweep(node);
    }

    /// A file's bytes; none of a folder.
    pub(super) fn bytes(&self, node: Node) -> &[u8] {
        match self.place(node).map(|place| &place.content) {
            Ok(Content::File(bytes)) => bytes,
            _ => &[],
        }
    }

    /// Makes a file as long as this, with zeros behind what it has.
    pub(super) fn resize(&mut self, node: Node, length: u64) -> Result<(), Errno> {
        let left = self.left;
        let Content::File(bytes) = &mut self.place_mut(node)?.content else { return Err(IS_A_FOLDER) };
        let wanted = usize::try_from(length).map_err(|_| NO_SPACE)?;
        let capacity = bytes.capacity();
        if wanted > capacity {
            let more = length - capacity as u64;
            if more > left {
                return Err(NO_SPACE);
            }
            // Twice as much, so that small writes do not copy it each time, and what is counted is what is held.
            let room = usize::try_from(left).unwrap_or(usize::MAX);
            let grown = wanted.max(capacity.saturating_mul(2).min(capacity.saturating_add(room)));
            bytes.reserve_exact(grown - bytes.len());
        }
        bytes.resize(wanted, 0);
        let held = bytes.capacity();
        self.left = left.saturating_sub((held - capacity) as u64);
        Ok(())
    }

    /// Writes `content` at `offset`, with zeros in between where that is behind the file's end.
    pub(super) fn write(&mut self, node: Node, offset: u64, content: &[u8]) -> Result<(), Errno> {
        let end = offset.checked_add(content.len() as u64).ok_or(NO_SPACE)?;
        if end > self.bytes(node).len() as u64 {
            self.resize(node, end)?;
        }
        let Content::File(bytes) = &mut self.place_mut(node)?.content else { return Err(IS_A_FOLDER) };
        let (start, end) =
            (usize::try_from(offset).map_err(|_| NO_SPACE)?, usize::try_from(end).map_err(|_| NO_SPACE)?);
        bytes.get_mut(start..end).ok_or(NO_SPACE)?.copy_from_slice(content);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_system() {
        let mut scratch = Scratch::new(1 << 20);
        let a = scratch.create(TOP, "a", true).unwrap();
        let file = scratch.create(TOP, "a/./file", false).unwrap();
        assert_eq!(scratch.find(a, "file"), Ok(file));
        assert_eq!(scratch.find(a, "../a/file"), Err(NOT_CAPABLE), "no way leads up from a folder that is open");
        assert_eq!(scratch.find(TOP, "a/../a/file"), Ok(file));
        assert_eq!(scratch.find(TOP, "../x"), Err(NOT_CAPABLE));
        assert_eq!(scratch.find(TOP, "a/file/"), Err(NOT_A_FOLDER));
        assert_eq!(scratch.find(TOP, "a/file/x"), Err(NOT_A_FOLDER));
        assert_eq!(scratch.create(TOP, "a", false), Err(EXISTS));
        assert_eq!(scratch.create(TOP, ".", true), Err(EXISTS));
        assert_eq!(scratch.create(TOP, &"n".repeat(256), true), Err(TOO_LONG));
        scratch.write(file, 3, b"def").unwrap();
        scratch.write(file, 0, b"abc").unwrap();
        assert_eq!(scratch.bytes(file), b"abcdef");
        assert_eq!(scratch.remove(TOP, "a", true), Err(NOT_EMPTY));
        assert_eq!(scratch.remove(TOP, "a", false), Err(IS_A_FOLDER));
        scratch.create(TOP, "b", true).unwrap();
        assert_eq!(scratch.rename((TOP, "a"), (TOP, "a/c")), Err(INVALID), "into itself");
        scratch.rename((TOP, "a/file"), (TOP, "b/moved")).unwrap();
        assert_eq!(scratch.list(TOP).unwrap(), [("a".to_owned(), true), ("b".to_owned(), true)]);
        scratch.rename((TOP, "b"), (TOP, "a")).unwrap();
        assert_eq!(scratch.find(TOP, "a/moved"), Ok(file));
        scratch.open(file);
        scratch.remove(TOP, "a/moved", false).unwrap();
        assert_eq!(scratch.bytes(file), b"abcdef", "open files stay");
        scratch.close(file);
        assert_eq!(scratch.bytes(file), b"");
        scratch.remove(TOP, "a", true).unwrap();
        assert_eq!(scratch.left, 1 << 20, "everything is given back");
    }

    #[test]
    fn it_is_full_when_it_is_full() {
        let mut scratch = Scratch::new(10_000);
        let file = scratch.create(TOP, "f", false).unwrap();
        for round in 0..100 {
            let _ = scratch.write(file, round * 100, &[1; 100]);
        }
        assert!(scratch.bytes(file).len() > 9_000 && scratch.left < 10_000);
        assert_eq!(scratch.write(file, 1 << 40, b"x"), Err(NO_SPACE));
        assert_eq!(scratch.resize(file, u64::MAX), Err(NO_SPACE));
        let mut scratch = Scratch::new(10_000);
        let made = (0..1000).take_while(|number| scratch.create(TOP, &number.to_string(), true).is_ok()).count();
        assert!(made < 40, "{made}");
        // Temporary files that come and go take nothing.
        let mut scratch = Scratch::new(10_000);
        for _ in 0..10_000 {
            let file = scratch.create(TOP, "f", false).unwrap();
            scratch.write(file, 0, &[1; 1000]).unwrap();
            scratch.remove(TOP, "f", false).unwrap();
        }
        assert_eq!((scratch.left, scratch.places.len()), (10_000, 2));
    }
}
