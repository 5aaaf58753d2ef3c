//! Files as a guest of WASI sees them: descriptors over the folders that were granted, a scratch folder in memory, and,
//! for a command, a root that holds nothing but the way to them.
//!
//! A preopened folder stands for each grant. Below it [`cap_std`] resolves every path, as for the functions of
//! Windlass's own module ([`crate::sandbox::capabilities::files`]), and both spend from the same allowance of files and
//! bytes. Only regular files and folders are opened, without waiting. Links are followed where they stay inside, and
//! never made.
//!
//! The root is there so that a program says "no such file" where it would say "bad descriptor", and so that Windlass
//! knows what it looked for: an error names the grant that is missing, and `windlass build` tells what a program needs.

use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom, Write};

use cap_std::fs::{Dir, File, FileExt as _, Metadata, MetadataExt as _, OpenOptions, OpenOptionsExt as _};
use rustix::fs::OFlags;
use windlass_abi::capabilities::{Capability, GuestPath};

use super::errno::{
    ACCESS, BAD_FILE, EXISTS, Errno, ILLEGAL_SEEK, INVALID, IS_A_FOLDER, NO_ENTRY, NOT_A_FOLDER, NOT_CAPABLE,
    NOT_SUPPORTED, OTHER_FOLDER, READ_ONLY, Stop, TOO_LARGE, TOO_MANY_OPEN,
};
use super::scratch::{self, Scratch};
use crate::error::Error;
use crate::sandbox::capabilities::files::{Files, MAX_FILE};

/// The first descriptor that is no standard stream.
const FIRST: u32 = 3;
/// Descriptors that may be open at once: a fraction of what the system gives a process.
const MAX_OPEN: usize = 256;
/// Entries of one folder that are listed.
const MAX_ENTRIES: usize = 65_536;
/// Paths that are kept of those that a guest looked for in vain.
const MAX_MISSED: usize = 100;
/// The longest of them that is kept, in bytes.
const MAX_MISSED_PATH: usize = 1024;
/// The guest's name of the scratch folder.
const SCRATCH: &str = "/tmp";

/// What a file is, in WASI's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileType {
    Unknown = 0,
    BlockDevice = 1,
    CharacterDevice = 2,
    Folder = 3,
    Regular = 4,
    Socket = 6,
    Link = 7,
}

/// What `filestat` tells of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stat {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) kind: FileType,
    pub(super) links: u64,
    pub(super) size: u64,
    /// Nanoseconds since 1970; none where the clock was not granted.
    pub(super) modified: Option<u64>,
}

impl Stat {
    fn new(device: u64, inode: u64, kind: FileType, size: u64) -> Self {
        Self { device, inode, kind, links: 1, size, modified: None }
    }
}

/// An entry of a folder.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) kind: FileType,
}

/// How a path is opened.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Open {
    pub(super) follows_links: bool,
    pub(super) creates: bool,
    pub(super) is_exclusive: bool,
    pub(super) must_be_folder: bool,
    pub(super) truncates: bool,
    pub(super) reads: bool,
    pub(super) writes: bool,
    pub(super) appends: bool,
}

/// A preopened folder.
#[derive(Debug)]
struct Root {
    name: GuestPath,
    /// None: the scratch folder.
    folder: Option<Dir>,
    may_read: bool,
    may_write: bool,
}

#[derive(Debug)]
enum Kind {
    /// A folder of the root that nobody granted: the path, with a slash in front.
    Virtual(String),
    Folder {
        root: usize,
        folder: Dir,
    },
    File {
        root: usize,
        file: File,
        may_read: bool,
        may_write: bool,
        appends: bool,
    },
    ScratchFolder {
        root: usize,
        node: scratch::Node,
    },
    ScratchFile {
        root: usize,
        node: scratch::Node,
        position: u64,
        may_read: bool,
        may_write: bool,
        appends: bool,
    },
}

#[derive(Debug)]
struct Descriptor {
    kind: Kind,
    /// The guest's name of a preopened folder.
    preopened: Option<String>,
    /// What the folder held when its listing began.
    listing: Option<Vec<Entry>>,
}

/// Where a path leads.
enum Place<'a> {
    Virtual(String),
    Folder { root: usize, folder: &'a Dir, path: String },
    Scratch { root: usize, from: scratch::Node, path: String },
}

/// All descriptors of a guest.
#[derive(Debug)]
pub(in crate::sandbox::instance) struct Table {
    roots: Vec<Root>,
    open: Vec<Option<Descriptor>>,
    scratch: Scratch,
    tells_times: bool,
    missed: BTreeSet<(Capability, String)>,
}

/// What a guest gets of files.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sandbox::instance) struct Given {
    /// What is granted to be read reaches it.
    pub(in crate::sandbox::instance) read: bool,
    /// What is granted to be written reaches it.
    pub(in crate::sandbox::instance) write: bool,
    /// It sees the times of files.
    pub(in crate::sandbox::instance) times: bool,
    /// It has a root, so that what it misses is known.
    pub(in crate::sandbox::instance) root: bool,
    /// Bytes of its scratch folder; 0 for none.
    pub(in crate::sandbox::instance) scratch: u64,
}

impl Table {
    /// The preopened folders.
    ///
    /// # Errors
    /// Two folders have one name (exit 2).
    pub(in crate::sandbox::instance) fn new(files: &Files, given: Given) -> Result<Self, Error> {
        let mut roots: Vec<Root> = Vec::new();
        let mut hosts: Vec<String> = Vec::new();
        for (capability, name, host, folder) in files.folders() {
            let is_read = capability == Capability::Read;
            if !(if is_read { given.read } else { given.write }) {
                continue;
            }
            match roots.iter().position(|root| root.name == *name) {
                Some(index) if hosts.get(index).is_some_and(|known| known == host) => {
                    if let Some(root) = roots.get_mut(index) {
                        root.may_read |= is_read;
                        root.may_write |= !is_read;
                    }
                }
                Some(_) => return Err(two_of_a_name(name)),
                None => {
                    let folder = folder.try_clone().map_err(|error| {
                        Error::usage(format!("the folder `{host}` cannot be opened once more: {error}"))
                    })?;
                    let (may_read, may_write) = (is_read, !is_read);
                    roots.push(Root { name: name.clone(), folder: Some(folder), may_read, may_write });
                    hosts.push(host.to_owned());
                }
            }
        }
        if given.scratch > 0 {
            let name = GuestPath::parse(SCRATCH).map_err(Error::bug)?;
            if roots.iter().any(|root| root.name == name) {
                return Err(two_of_a_name(&name));
            }
            roots.push(Root { name, folder: None, may_read: true, may_write: true });
        }
        let mut table = Self {
            roots,
            open: Vec::new(),
            scratch: Scratch::new(given.scratch),
            tells_times: given.times,
            missed: BTreeSet::new(),
        };
        let has_root = table.roots.iter().any(|root| root.name.as_str() == "/");
        if given.root && !has_root {
            table.preopen(Kind::Virtual("/".to_owned()), "/".to_owned());
        }
        for index in 0..table.roots.len() {
            let Some(root) = table.roots.get(index) else { continue };
            let name = root.name.as_str().to_owned();
            let kind = match &root.folder {
                Some(folder) => {
                    let folder = folder.try_clone().map_err(|error| {
                        Error::usage(format!("the folder `{name}` cannot be opened once more: {error}"))
                    })?;
                    Kind::Folder { root: index, folder }
                }
                None => Kind::ScratchFolder { root: index, node: scratch::TOP },
            };
            table.preopen(kind, name);
        }
        Ok(table)
    }

    fn preopen(&mut self, kind: Kind, name: String) {
        self.open.push(Some(Descriptor { kind, preopened: Some(name), listing: None }));
    }

    /// What the guest looked for and no grant covers, by the grant that it takes.
    pub(in crate::sandbox::instance) fn missed(&self) -> impl Iterator<Item = (Capability, &str)> {
        self.missed.iter().map(|(capability, path)| (*capability, path.as_str()))
    }

    fn descriptor(&self, fd: u32) -> Result<&Descriptor, Errno> {
        let index = fd.checked_sub(FIRST).ok_or(BAD_FILE)? as usize;
        self.open.get(index).and_then(Option::as_ref).ok_or(BAD_FILE)
    }

    fn descriptor_mut(&mut self, fd: u32) -> Result<&mut Descriptor, Errno> {
        let index = fd.checked_sub(FIRST).ok_or(BAD_FILE)? as usize;
        self.open.get_mut(index).and_then(Option::as_mut).ok_or(BAD_FILE)
    }

    fn insert(&mut self, kind: Kind) -> Result<u32, Errno> {
        let index = match self.open.iter().position(Option::is_none) {
            Some(index) => index,
            None if self.open.len() >= MAX_OPEN => return Err(TOO_MANY_OPEN),
            None => {
                self.open.push(None);
                self.open.len() - 1
            }
        };
        if let Kind::ScratchFolder { node, .. } | Kind::ScratchFile { node, .. } = &kind {
            self.scratch.open(*node);
        }
        if let Some(free) = self.open.get_mut(index) {
            *free = Some(Descriptor { kind, preopened: None, listing: None });
        }
        u32::try_from(index).ok().and_then(|index| index.checked_add(FIRST)).ok_or(TOO_MANY_OPEN)
    }

    fn has_room(&self) -> Result<(), Errno> {
        let open = self.open.iter().filter(|one| one.is_some()).count();
        if open < MAX_OPEN { Ok(()) } else { Err(TOO_MANY_OPEN) }
    }

    fn root(&self, index: usize) -> Result<&Root, Errno> {
        self.roots.get(index).ok_or(BAD_FILE)
    }

    /// Where `path` leads, counted from the folder `fd`.
    fn locate(&self, fd: u32, path: &str) -> Result<Place<'_>, Errno> {
        if path.is_empty() {
            return Err(NO_ENTRY);
        }
        if path.starts_with('/') {
            return Err(NOT_CAPABLE);
        }
        match &self.descriptor(fd)?.kind {
            Kind::Folder { root, folder } => Ok(Place::Folder { root: *root, folder, path: path.to_owned() }),
            Kind::ScratchFolder { root, node } => {
                Ok(Place::Scratch { root: *root, from: *node, path: path.to_owned() })
            }
            Kind::File { .. } | Kind::ScratchFile { .. } => Err(NOT_A_FOLDER),
            Kind::Virtual(from) => self.locate_in_root(&joined(from, path)?),
        }
    }

    /// The root has no links, so its paths are text: the granted folder with the longest name that `full` begins with.
    fn locate_in_root(&self, full: &str) -> Result<Place<'_>, Errno> {
        let found =
            self.roots.iter().enumerate().filter_map(|(index, root)| Some((index, root, root.name.strip(full)?)));
        let Some((root, found, rest)) = found.max_by_key(|(_, root, _)| root.name.as_str().len()) else {
            return Ok(Place::Virtual(full.to_owned()));
        };
        let path = if rest.is_empty() { "." } else { rest }.to_owned();
        Ok(match &found.folder {
            Some(folder) => Place::Folder { root, folder, path },
            None => Place::Scratch { root, from: scratch::TOP, path },
        })
    }

    /// Whether the root has this folder: a granted one lies below it.
    fn is_virtual(&self, full: &str) -> bool {
        full == "/" || self.roots.iter().any(|root| below(full, root.name.as_str()).is_some())
    }

    fn miss(&mut self, capability: Capability, path: String) -> Errno {
        if self.missed.len() < MAX_MISSED && path.len() <= MAX_MISSED_PATH {
            self.missed.insert((capability, path));
        }
        NO_ENTRY
    }

    /// A path below a folder that may be written.
    fn locate_to_write(&mut self, fd: u32, path: &str) -> Result<Place<'_>, Errno> {
        if let Place::Virtual(full) = self.locate(fd, path)? {
            return Err(if self.is_virtual(&full) { READ_ONLY } else { self.miss(Capability::Write, full) });
        }
        let place = self.locate(fd, path)?;
        let (Place::Folder { root, .. } | Place::Scratch { root, .. }) = &place else { return Err(NO_ENTRY) };
        if self.root(*root)?.may_write { Ok(place) } else { Err(READ_ONLY) }
    }

    /// Opens a path.
    pub(super) fn open(&mut self, files: &mut Files, fd: u32, path: &str, how: Open) -> Result<u32, Stop> {
        files.spend_file()?;
        self.has_room()?;
        let writes = how.writes || how.creates || how.truncates;
        let kind = match self.locate(fd, path)? {
            Place::Virtual(full) => {
                if !self.is_virtual(&full) {
                    let capability = if writes { Capability::Write } else { Capability::Read };
                    return Err(self.miss(capability, full).into());
                }
                if writes {
                    return Err(READ_ONLY.into());
                }
                Kind::Virtual(full)
            }
            Place::Folder { root, folder, path } => {
                let granted = self.root(root)?;
                check_rights(granted, how, writes)?;
                open_real(root, folder, &path, how, writes, granted)?
            }
            Place::Scratch { root, from, path } => self.open_scratch(root, from, &path, how, writes)?,
        };
        Ok(self.insert(kind)?)
    }

    fn open_scratch(
        &mut self,
        root: usize,
        from: scratch::Node,
        path: &str,
        how: Open,
        writes: bool,
    ) -> Result<Kind, Errno> {
        let node = match self.scratch.find(from, path) {
            Ok(_) if how.creates && how.is_exclusive => return Err(EXISTS),
            Ok(node) => node,
            Err(NO_ENTRY) if how.creates && !how.must_be_folder => self.scratch.create(from, path, false)?,
            Err(errno) => return Err(errno),
        };
        if self.scratch.is_folder(node) {
            return if writes { Err(IS_A_FOLDER) } else { Ok(Kind::ScratchFolder { root, node }) };
        }
        if how.must_be_folder {
            return Err(NOT_A_FOLDER);
        }
        if how.truncates {
            self.scratch.resize(node, 0)?;
        }
        let (may_read, may_write) = (how.reads || !how.writes, how.writes);
        Ok(Kind::ScratchFile { root, node, position: 0, may_read, may_write, appends: how.appends })
    }

    pub(super) fn close(&mut self, fd: u32) -> Result<(), Errno> {
        self.descriptor(fd)?;
        let index = (fd - FIRST) as usize;
        let closed = self.open.get_mut(index).and_then(Option::take);
        if let Some(Descriptor {
            kind: Kind::ScratchFolder { node, .. } | Kind::ScratchFile { node, .. },
            preopened,
            ..
        }) = closed
            && preopened.is_none()
        {
            self.scratch.close(node);
        }
        Ok(())
    }

    /// `to` is closed and becomes `from`, which is gone.
    pub(super) fn renumber(&mut self, from: u32, to: u32) -> Result<(), Errno> {
        self.descriptor(from)?;
        self.descriptor(to)?;
        if from == to {
            return Ok(());
        }
        self.close(to)?;
        let moved = self.open.get_mut((from - FIRST) as usize).and_then(Option::take);
        if let Some(place) = self.open.get_mut((to - FIRST) as usize) {
            *place = moved;
        }
        Ok(())
    }

    /// The guest's name of a preopened folder.
    pub(super) fn preopened(&self, fd: u32) -> Result<&str, Errno> {
        self.descriptor(fd)?.preopened.as_deref().ok_or(BAD_FILE)
    }

    /// Type, whether writes go to the end, and whether it may be read and written.
    pub(super) fn state(&self, fd: u32) -> Result<(FileType, bool, bool, bool), Errno> {
        Ok(match &self.descriptor(fd)?.kind {
            Kind::Virtual(_) => (FileType::Folder, false, true, false),
            Kind::Folder { root, .. } | Kind::ScratchFolder { root, .. } => {
                let root = self.root(*root)?;
                (FileType::Folder, false, root.may_read, root.may_write)
            }
            Kind::File { may_read, may_write, appends, .. }
            | Kind::ScratchFile { may_read, may_write, appends, .. } => {
                (FileType::Regular, *appends, *may_read, *may_write)
            }
        })
    }

    pub(super) fn set_appends(&mut self, fd: u32, value: bool) -> Result<(), Errno> {
        if let Kind::File { appends, .. } | Kind::ScratchFile { appends, .. } = &mut self.descriptor_mut(fd)?.kind {
            *appends = value;
        }
        Ok(())
    }

    fn stat_of(&self, root: usize, metadata: &Metadata) -> Stat {
        let modified = metadata.modified().ok().filter(|_| self.tells_times).and_then(|time| {
            let since = time.into_std().duration_since(std::time::UNIX_EPOCH).ok()?;
            u64::try_from(since.as_nanos()).ok()
        });
        Stat {
            device: root as u64 + 1,
            inode: metadata.ino(),
            kind: file_type(metadata.file_type()),
            links: metadata.nlink(),
            size: metadata.len(),
            modified,
        }
    }

    fn scratch_stat(&self, root: usize, node: scratch::Node) -> Stat {
        let kind = if self.scratch.is_folder(node) { FileType::Folder } else { FileType::Regular };
        Stat::new(root as u64 + 1, node as u64 + 1, kind, self.scratch.bytes(node).len() as u64)
    }

    pub(super) fn stat(&self, fd: u32) -> Result<Stat, Stop> {
        Ok(match &self.descriptor(fd)?.kind {
            Kind::Virtual(_) => Stat::new(0, 1, FileType::Folder, 0),
            Kind::Folder { root, folder } => self.stat_of(*root, &folder.dir_metadata()?),
            Kind::File { root, file, .. } => self.stat_of(*root, &file.metadata()?),
            Kind::ScratchFolder { root, node } | Kind::ScratchFile { root, node, .. } => {
                self.scratch_stat(*root, *node)
            }
        })
    }

    pub(super) fn stat_path(&mut self, fd: u32, path: &str, follows_links: bool) -> Result<Stat, Stop> {
        match self.locate(fd, path)? {
            Place::Virtual(full) if self.is_virtual(&full) => Ok(Stat::new(0, 1, FileType::Folder, 0)),
            Place::Virtual(full) => Err(self.miss(Capability::Read, full).into()),
            Place::Folder { root, folder, path } => {
                let metadata = if follows_links { folder.metadata(&path) } else { folder.symlink_metadata(&path) };
                Ok(self.stat_of(root, &metadata?))
            }
            Place::Scratch { root, from, path } => Ok(self.scratch_stat(root, self.scratch.find(from, &path)?)),
        }
    }

    /// What a folder holds, from the entry `start` on. Number 0 lists it anew; names come in order, so that a render
    /// does not depend on the machine's file system.
    pub(super) fn list(&mut self, fd: u32, start: u64) -> Result<&[Entry], Stop> {
        if start == 0 || self.descriptor(fd)?.listing.is_none() {
            let listing = self.listed(fd)?;
            self.descriptor_mut(fd)?.listing = Some(listing);
        }
        let listing = self.descriptor(fd)?.listing.as_deref().unwrap_or_default();
        Ok(usize::try_from(start).ok().and_then(|start| listing.get(start..)).unwrap_or_default())
    }

    fn listed(&self, fd: u32) -> Result<Vec<Entry>, Stop> {
        let named = |name: &str| Entry { name: name.to_owned(), kind: FileType::Folder };
        let mut entries = Vec::new();
        match &self.descriptor(fd)?.kind {
            Kind::File { .. } | Kind::ScratchFile { .. } => return Err(NOT_A_FOLDER.into()),
            Kind::Virtual(full) => {
                let below = self.roots.iter().filter_map(|root| below(full, root.name.as_str()));
                let names: BTreeSet<&str> = below.filter_map(|rest| rest.split('/').next()).collect();
                entries.extend(names.into_iter().map(named));
            }
            Kind::ScratchFolder { node, .. } => {
                entries.extend(self.scratch.list(*node)?.into_iter().map(|(name, is_folder)| Entry {
                    name,
                    kind: if is_folder { FileType::Folder } else { FileType::Regular },
                }));
            }
            Kind::Folder { root, folder } => {
                if !self.root(*root)?.may_read {
                    return Err(ACCESS.into());
                }
                for entry in folder.entries()? {
                    let entry = entry?;
                    // A name that is no text cannot be said in WASI.
                    let Ok(name) = entry.file_name().into_string() else { continue };
                    if entries.len() >= MAX_ENTRIES {
                        return Err(Error::limit(format!(
                            "the plugin lists a folder of more than {MAX_ENTRIES} entries"
                        ))
                        .into());
                    }
                    entries.push(Entry { name, kind: file_type(entry.file_type()?) });
                }
                entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
            }
        }
        entries.splice(0..0, [named("."), named("..")]);
        Ok(entries)
    }

    /// Reads into `place`, at `offset` or where the last read ended; how many bytes.
    pub(super) fn read(
        &mut self,
        files: &mut Files,
        fd: u32,
        place: &mut [u8],
        offset: Option<u64>,
    ) -> Result<usize, Stop> {
        let Self { open, scratch, .. } = self;
        let index = fd.checked_sub(FIRST).ok_or(BAD_FILE)? as usize;
        match &mut open.get_mut(index).and_then(Option::as_mut).ok_or(BAD_FILE)?.kind {
            Kind::Virtual(_) | Kind::Folder { .. } | Kind::ScratchFolder { .. } => Err(IS_A_FOLDER.into()),
            Kind::File { may_read: false, .. } | Kind::ScratchFile { may_read: false, .. } => Err(BAD_FILE.into()),
            Kind::File { file, .. } => {
                let read = match offset {
                    Some(offset) => file.read_at(place, offset)?,
                    None => file.read(place)?,
                };
                files.spend_bytes(read as u64)?;
                Ok(read)
            }
            Kind::ScratchFile { node, position, .. } => {
                let start = usize::try_from(offset.unwrap_or(*position)).unwrap_or(usize::MAX);
                let bytes = scratch.bytes(*node).get(start..).unwrap_or_default();
                let length = bytes.len().min(place.len());
                if let (Some(place), Some(bytes)) = (place.get_mut(..length), bytes.get(..length)) {
                    place.copy_from_slice(bytes);
                }
                if offset.is_none() {
                    *position = position.saturating_add(length as u64);
                }
                Ok(length)
            }
        }
    }

    /// Writes all of `content`, at `offset` or where the last write ended.
    pub(super) fn write(
        &mut self,
        files: &mut Files,
        fd: u32,
        content: &[u8],
        offset: Option<u64>,
    ) -> Result<(), Stop> {
        let Self { open, scratch, .. } = self;
        let index = fd.checked_sub(FIRST).ok_or(BAD_FILE)? as usize;
        match &mut open.get_mut(index).and_then(Option::as_mut).ok_or(BAD_FILE)?.kind {
            Kind::Virtual(_) | Kind::Folder { .. } | Kind::ScratchFolder { .. } => Err(IS_A_FOLDER.into()),
            Kind::File { may_write: false, .. } | Kind::ScratchFile { may_write: false, .. } => Err(BAD_FILE.into()),
            Kind::File { file, appends, .. } => {
                let start = match offset {
                    Some(offset) => offset,
                    None if *appends => file.seek(SeekFrom::End(0))?,
                    None => file.stream_position()?,
                };
                let end = start.checked_add(content.len() as u64).ok_or(TOO_LARGE)?;
                if end > MAX_FILE {
                    return Err(TOO_LARGE.into());
                }
                files.spend_bytes(content.len() as u64)?;
                match offset {
                    Some(offset) => file.write_all_at(content, offset)?,
                    None => file.write_all(content)?,
                }
                Ok(())
            }
            Kind::ScratchFile { node, position, appends, .. } => {
                let start = match offset {
                    Some(offset) => offset,
                    None if *appends => scratch.bytes(*node).len() as u64,
                    None => *position,
                };
                scratch.write(*node, start, content)?;
                if offset.is_none() {
                    *position = start.saturating_add(content.len() as u64);
                }
                Ok(())
            }
        }
    }

    /// Moves where the next read or write begins: from the start, from where it is, or from the end.
    pub(super) fn seek(&mut self, fd: u32, offset: i64, whence: u8) -> Result<u64, Stop> {
        let Self { open, scratch, .. } = self;
        let index = fd.checked_sub(FIRST).ok_or(ILLEGAL_SEEK)? as usize;
        match &mut open.get_mut(index).and_then(Option::as_mut).ok_or(BAD_FILE)?.kind {
            Kind::Virtual(_) | Kind::Folder { .. } | Kind::ScratchFolder { .. } => Err(BAD_FILE.into()),
            Kind::File { file, .. } => Ok(file.seek(match whence {
                0 => SeekFrom::Start(u64::try_from(offset).map_err(|_| INVALID)?),
                1 => SeekFrom::Current(offset),
                2 => SeekFrom::End(offset),
                _ => return Err(INVALID.into()),
            })?),
            Kind::ScratchFile { node, position, .. } => {
                let from = match whence {
                    0 => 0,
                    1 => *position,
                    2 => scratch.bytes(*node).len() as u64,
                    _ => return Err(INVALID.into()),
                };
                *position = from.checked_add_signed(offset).ok_or(INVALID)?;
                Ok(*position)
            }
        }
    }

    /// Makes a file as long as this.
    pub(super) fn set_size(&mut self, fd: u32, size: u64) -> Result<(), Stop> {
        let Self { open, scratch, .. } = self;
        let index = fd.checked_sub(FIRST).ok_or(BAD_FILE)? as usize;
        match &open.get(index).and_then(Option::as_ref).ok_or(BAD_FILE)?.kind {
            Kind::File { may_write: true, .. } if size > MAX_FILE => Err(TOO_LARGE.into()),
            Kind::File { file, may_write: true, .. } => Ok(file.set_len(size)?),
            Kind::ScratchFile { node, may_write: true, .. } => Ok(scratch.resize(*node, size)?),
            _ => Err(BAD_FILE.into()),
        }
    }

    /// Sees to it that a file is on the disk.
    pub(super) fn sync(&self, fd: u32) -> Result<(), Stop> {
        match &self.descriptor(fd)?.kind {
            Kind::File { file, .. } => Ok(file.sync_data()?),
            _ => Ok(()),
        }
    }

    pub(super) fn create_folder(&mut self, files: &mut Files, fd: u32, path: &str) -> Result<(), Stop> {
        files.spend_file()?;
        match self.locate_to_write(fd, path)? {
            Place::Folder { folder, path, .. } => Ok(folder.create_dir(path)?),
            Place::Scratch { from, path, .. } => Ok(self.scratch.create(from, &path, true).map(drop)?),
            Place::Virtual(_) => Err(NO_ENTRY.into()),
        }
    }

    pub(super) fn remove_folder(&mut self, fd: u32, path: &str) -> Result<(), Stop> {
        match self.locate_to_write(fd, path)? {
            Place::Folder { folder, path, .. } => Ok(folder.remove_dir(path)?),
            Place::Scratch { from, path, .. } => Ok(self.scratch.remove(from, &path, true)?),
            Place::Virtual(_) => Err(NO_ENTRY.into()),
        }
    }

    pub(super) fn remove_file(&mut self, fd: u32, path: &str) -> Result<(), Stop> {
        match self.locate_to_write(fd, path)? {
            Place::Folder { folder, path, .. } => Ok(folder.remove_file(path)?),
            Place::Scratch { from, path, .. } => Ok(self.scratch.remove(from, &path, false)?),
            Place::Virtual(_) => Err(NO_ENTRY.into()),
        }
    }

    /// Renames within one grant; from one to another it is a copy, which is the program's to make.
    pub(super) fn rename(&mut self, from: (u32, &str), to: (u32, &str)) -> Result<(), Stop> {
        self.locate_to_write(from.0, from.1)?;
        self.locate_to_write(to.0, to.1)?;
        match (self.locate(from.0, from.1)?, self.locate(to.0, to.1)?) {
            (
                Place::Folder { root, folder, path },
                Place::Folder { root: other_root, folder: other, path: other_path },
            ) if root == other_root => Ok(folder.rename(path, other, other_path)?),
            (Place::Scratch { from, path, .. }, Place::Scratch { from: other, path: other_path, .. }) => {
                Ok(self.scratch.rename((from, &path), (other, &other_path))?)
            }
            _ => Err(OTHER_FOLDER.into()),
        }
    }

    /// Where a link leads, as it is written.
    pub(super) fn read_link(&mut self, fd: u32, path: &str) -> Result<Vec<u8>, Stop> {
        match self.locate(fd, path)? {
            Place::Folder { root, .. } if !self.root(root)?.may_read => Err(ACCESS.into()),
            Place::Folder { folder, path, .. } => {
                let target = folder.read_link_contents(path)?;
                Ok(std::os::unix::ffi::OsStringExt::into_vec(target.into_os_string()))
            }
            Place::Scratch { from, path, .. } => {
                self.scratch.find(from, &path)?;
                Err(INVALID.into())
            }
            Place::Virtual(full) if self.is_virtual(&full) => Err(INVALID.into()),
            Place::Virtual(full) => Err(self.miss(Capability::Read, full).into()),
        }
    }
}

fn two_of_a_name(name: &GuestPath) -> Error {
    Error::usage(format!("two different folders are granted as `{name}`"))
        .hint("a program sees one folder of a name: give one of them another name")
}

/// Whether a grant covers what a path is opened for.
fn check_rights(root: &Root, how: Open, writes: bool) -> Result<(), Errno> {
    if writes && !root.may_write {
        return Err(READ_ONLY);
    }
    if (how.reads || !writes) && !root.may_read {
        return Err(ACCESS);
    }
    Ok(())
}

/// Opens a file or folder and nothing else, without waiting: a pipe without a partner, a device or a socket must not
/// keep the host from its deadline.
fn open_real(root: usize, folder: &Dir, path: &str, how: Open, writes: bool, granted: &Root) -> Result<Kind, Stop> {
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if !how.follows_links {
        flags |= OFlags::NOFOLLOW;
    }
    if how.must_be_folder {
        flags |= OFlags::DIRECTORY;
    }
    let mut options = OpenOptions::new();
    options.read(how.reads || !writes).write(writes).custom_flags(flags.bits().cast_signed());
    if how.creates {
        options.create(true).create_new(how.is_exclusive);
    }
    let file = folder.open_with(path, &options)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Ok(Kind::Folder { root, folder: Dir::from_std_file(file.into_std()) });
    }
    if !metadata.is_file() {
        return Err(NOT_SUPPORTED.into());
    }
    // Emptied only now: nothing but a regular file is touched.
    if how.truncates {
        file.set_len(0)?;
    }
    let (may_read, may_write) = ((how.reads || !how.writes) && granted.may_read, how.writes);
    Ok(Kind::File { root, file, may_read, may_write, appends: how.appends })
}

fn file_type(kind: cap_std::fs::FileType) -> FileType {
    use cap_std::fs::FileTypeExt as _;
    if kind.is_dir() {
        FileType::Folder
    } else if kind.is_file() {
        FileType::Regular
    } else if kind.is_symlink() {
        FileType::Link
    } else if kind.is_char_device() {
        FileType::CharacterDevice
    } else if kind.is_block_device() {
        FileType::BlockDevice
    } else if kind.is_socket() {
        FileType::Socket
    } else {
        FileType::Unknown
    }
}

/// What is left of `path` below the folder `full`; none where it is not below.
fn below<'p>(full: &str, path: &'p str) -> Option<&'p str> {
    let rest = if full == "/" { path.strip_prefix('/') } else { path.strip_prefix(full)?.strip_prefix('/') };
    rest.filter(|rest| !rest.is_empty())
}

/// `path` counted from `from`, without `.` and `..`: the root has no links.
fn joined(from: &str, path: &str) -> Result<String, Errno> {
    let mut parts: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop().ok_or(NOT_CAPABLE)?),
            part => parts.push(part),
        }
    }
    Ok(format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::super::errno::{LOOP, NO_DEVICE, NO_SPACE};
    use super::*;
    use crate::error::ExitCode;
    use crate::sandbox::grants::Grants;
    use std::path::Path;

    /// A guest with folders of a temporary one: what it may read, what it may write.
    struct Guest {
        files: Files,
        table: Table,
    }

    const READ: Open = Open {
        follows_links: true,
        creates: false,
        is_exclusive: false,
        must_be_folder: false,
        truncates: false,
        reads: true,
        writes: false,
        appends: false,
    };
    const WRITE: Open = Open { creates: true, truncates: true, reads: false, writes: true, ..READ };

    fn guest(read: &[(&str, &Path)], write: &[(&str, &Path)], scratch: u64) -> Result<Guest, Error> {
        let mut grants = Grants::default();
        for (capability, folders) in [(Capability::Read, read), (Capability::Write, write)] {
            for (name, folder) in folders {
                grants.allow(capability, &format!("{name}={}", folder.display()))?;
            }
        }
        let files = Files::new(&grants)?;
        let table = Table::new(&files, Given { read: true, write: true, times: false, root: true, scratch })?;
        Ok(Guest { files, table })
    }

    impl Guest {
        /// Opens a path by its whole name, from the root.
        fn open(&mut self, path: &str, how: Open) -> Result<u32, Errno> {
            self.table.open(&mut self.files, FIRST, path.trim_start_matches('/'), how).map_err(number)
        }

        fn content(&mut self, path: &str) -> Result<String, Errno> {
            let fd = self.open(path, READ)?;
            let mut bytes = [0; 100];
            let read = self.table.read(&mut self.files, fd, &mut bytes, None).map_err(number);
            self.table.close(fd)?;
            Ok(String::from_utf8_lossy(&bytes[..read?]).into_owned())
        }

        fn put(&mut self, path: &str, content: &[u8]) -> Result<(), Errno> {
            let fd = self.open(path, WRITE)?;
            let written = self.table.write(&mut self.files, fd, content, None).map_err(number);
            self.table.close(fd)?;
            written
        }
    }

    #[track_caller]
    fn number(stop: Stop) -> Errno {
        match stop {
            Stop::Answer(errno) => errno,
            Stop::End(error) => panic!("{error}"),
        }
    }

    #[test]
    fn only_what_lies_below_a_grant_is_reached() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "secret").unwrap();
        let inside = outside.path().join("granted");
        std::fs::create_dir_all(inside.join("sub")).unwrap();
        std::fs::write(inside.join("sub/a"), "a").unwrap();
        std::os::unix::fs::symlink("../secret", inside.join("relative")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), inside.join("absolute")).unwrap();
        std::os::unix::fs::symlink("..", inside.join("up")).unwrap();
        std::os::unix::fs::symlink("sub/a", inside.join("harmless")).unwrap();
        let mut guest = guest(&[("/data", &inside)], &[], 0).unwrap();
        assert_eq!(guest.content("/data/sub/a").as_deref(), Ok("a"));
        assert_eq!(guest.content("/data/harmless").as_deref(), Ok("a"));
        assert_eq!(guest.content("/data/sub/../sub/a").as_deref(), Ok("a"));
        assert_eq!(guest.content("/data/missing"), Err(NO_ENTRY));
        for path in ["relative", "absolute", "up/secret"] {
            assert_eq!(guest.content(&format!("/data/{path}")), Err(NOT_CAPABLE), "{path}");
        }
        // From the root `..` is text; from a granted folder it is none of the guest's business.
        assert_eq!(guest.content("/data/../secret"), Err(NO_ENTRY));
        let data = guest.open("/data", READ).unwrap();
        let mut from_data = |path: &str| guest.table.open(&mut guest.files, data, path, READ).map_err(number);
        assert_eq!(from_data("../secret"), Err(NOT_CAPABLE));
        assert_eq!(from_data("/etc/passwd"), Err(NOT_CAPABLE));
        assert_eq!(from_data(""), Err(NO_ENTRY));
        let sub = from_data("sub").unwrap();
        assert_eq!(guest.table.open(&mut guest.files, sub, "../../secret", READ).map_err(number), Err(NOT_CAPABLE));
        assert_eq!(guest.content("/etc/passwd"), Err(NO_ENTRY));
        assert_eq!(guest.content("/../etc/passwd"), Err(NOT_CAPABLE));
        assert_eq!(guest.table.stat_path(FIRST, "data/relative", true).map_err(number).err(), Some(NOT_CAPABLE));
        assert_eq!(guest.table.stat_path(FIRST, "data/relative", false).unwrap().kind, FileType::Link);
        assert_eq!(guest.table.read_link(FIRST, "data/up").unwrap(), b"..");
        let no_links = Open { follows_links: false, ..READ };
        assert_eq!(guest.open("/data/harmless", no_links), Err(LOOP));
        // Nothing is written where only reading is granted.
        assert_eq!(guest.put("/data/new", b"x"), Err(READ_ONLY));
        assert_eq!(guest.put("/data/sub/a", b"x"), Err(READ_ONLY));
        assert_eq!(guest.table.remove_file(FIRST, "data/sub/a").map_err(number), Err(READ_ONLY));
        assert_eq!(guest.table.rename((FIRST, "data/sub/a"), (FIRST, "data/b")).map_err(number), Err(READ_ONLY));
        assert_eq!(guest.table.create_folder(&mut guest.files, FIRST, "data/b").map_err(number), Err(READ_ONLY));
        assert_eq!(guest.table.create_folder(&mut guest.files, FIRST, "b").map_err(number), Err(NO_ENTRY));
        let missed: Vec<_> = guest.table.missed().map(|(capability, path)| (capability.word(), path)).collect();
        assert_eq!(missed, [("read", "/etc/passwd"), ("read", "/secret"), ("write", "/b")]);
        assert_eq!(std::fs::read(inside.join("sub/a")).unwrap(), b"a");
    }

    #[test]
    fn writing_stays_below_its_grant_and_does_not_grant_reading() {
        let outside = tempfile::tempdir().unwrap();
        let (one, two) = (outside.path().join("one"), outside.path().join("two"));
        std::fs::create_dir(&one).unwrap();
        std::fs::create_dir(&two).unwrap();
        std::fs::write(outside.path().join("victim"), "whole").unwrap();
        std::os::unix::fs::symlink("../victim", one.join("link")).unwrap();
        let mut guest = guest(&[("/two", &two)], &[("/one", &one), ("/two", &two)], 1 << 20).unwrap();
        guest.put("/one/a", b"first").unwrap();
        guest.put("/one/a", b"2nd").unwrap();
        assert_eq!(std::fs::read(one.join("a")).unwrap(), b"2nd");
        assert_eq!(guest.put("/one/link", b"x"), Err(NOT_CAPABLE));
        assert_eq!(guest.content("/one/a"), Err(ACCESS));
        let folder = guest.open("/one", Open { must_be_folder: true, ..READ });
        assert_eq!(folder, Err(ACCESS), "nor is it listed");
        assert_eq!(guest.table.read_link(FIRST, "one/link").map_err(number), Err(ACCESS));
        guest.put("/two/b", b"b").unwrap();
        assert_eq!(guest.content("/two/b").as_deref(), Ok("b"));
        // Renaming is for one grant.
        guest.table.rename((FIRST, "two/b"), (FIRST, "two/c")).unwrap();
        for (from, to) in [("two/c", "one/c"), ("two/c", "tmp/c"), ("one/a", "two/a")] {
            assert_eq!(guest.table.rename((FIRST, from), (FIRST, to)).map_err(number), Err(OTHER_FOLDER), "{from}");
        }
        assert_eq!(guest.table.rename((FIRST, "two/c"), (FIRST, "two/../../c")).map_err(number), Err(NOT_CAPABLE));
        guest.table.create_folder(&mut guest.files, FIRST, "two/d").unwrap();
        guest.table.remove_folder(FIRST, "two/d").unwrap();
        guest.table.remove_file(FIRST, "two/c").unwrap();
        assert_eq!(std::fs::read_dir(&two).unwrap().count(), 0);
        assert_eq!(std::fs::read(outside.path().join("victim")).unwrap(), b"whole");
    }

    /// Pipes, sockets and devices neither keep the host waiting nor are touched.
    #[test]
    fn only_files_and_folders_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        let both = [("/data", folder.path())];
        let mut one = guest(&both, &both, 0).unwrap();
        assert_eq!(one.open("/data/pipe", READ), Err(NOT_SUPPORTED));
        assert_eq!(one.open("/data/pipe", WRITE), Err(NO_DEVICE));
        assert_eq!(one.open("/data/socket", READ), Err(NO_DEVICE));
        assert_eq!(one.table.stat_path(FIRST, "data/socket", true).unwrap().kind, FileType::Socket);
        let devices = [("/data", Path::new("/dev"))];
        let mut two = guest(&devices, &devices, 0).unwrap();
        assert_eq!(two.open("/data/zero", READ), Err(NOT_SUPPORTED));
        assert!(two.open("/data/full", WRITE).is_err());
    }

    #[test]
    fn a_run_is_limited_in_files_bytes_and_entries() {
        let folder = tempfile::tempdir().unwrap();
        let both = [("/data", folder.path())];
        let mut guest = guest(&both, &both, 10_000).unwrap();
        let fd = guest.open("/data/big", WRITE).unwrap();
        assert_eq!(guest.table.set_size(fd, MAX_FILE + 1).map_err(number), Err(TOO_LARGE));
        assert_eq!(guest.table.write(&mut guest.files, fd, b"x", Some(MAX_FILE)).map_err(number), Err(TOO_LARGE));
        assert_eq!(guest.table.write(&mut guest.files, fd, b"x", Some(u64::MAX)).map_err(number), Err(TOO_LARGE));
        assert_eq!(guest.put("/tmp/big", &[0; 10_000]), Err(NO_SPACE));
        // Descriptors.
        let opened = (0..MAX_OPEN).take_while(|_| guest.open("/data/big", READ).is_ok()).count();
        assert!(opened < MAX_OPEN);
        assert_eq!(guest.open("/data/big", READ), Err(TOO_MANY_OPEN));
        for fd in 0..u32::try_from(MAX_OPEN).unwrap() {
            let _ = guest.table.close(fd + FIRST + 3);
        }
        // Files in the whole run, and bytes.
        let ended = (0..5000).find_map(|_| match guest.table.open(&mut guest.files, FIRST, "data/big", READ) {
            Ok(fd) => guest.table.close(fd).err().map(Stop::from),
            Err(stop) => Some(stop),
        });
        let Some(Stop::End(error)) = ended else { panic!("{ended:?}") };
        assert_eq!(error.exit_code(), ExitCode::Limit);
        assert!(error.to_string().contains("more than 4096 files"), "{error}");
        // Names that are forged or long.
        for path in ["a/".repeat(8000), "x".repeat(5000), "/".repeat(9)] {
            assert!(guest.table.stat_path(FIRST, &format!("data/{path}b"), true).is_err());
            assert!(guest.table.stat_path(FIRST, &format!("tmp/{path}b"), true).is_err());
        }
    }

    #[test]
    fn a_huge_folder_ends_the_run_and_a_large_one_comes_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b", "a", "c"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let mut guest = guest(&[("/data", folder.path())], &[], 0).unwrap();
        let fd = guest.open("/data", READ).unwrap();
        let names = |entries: &[Entry]| entries.iter().map(|entry| entry.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(guest.table.list(fd, 0).unwrap()), [".", "..", "a", "b", "c"]);
        assert_eq!(names(guest.table.list(fd, 4).unwrap()), ["c"]);
        assert!(guest.table.list(fd, u64::MAX).unwrap().is_empty());
        for number in 0..=MAX_ENTRIES {
            std::fs::File::create(folder.path().join(number.to_string())).unwrap();
        }
        let error = match guest.table.list(fd, 0) {
            Err(Stop::End(error)) => error,
            other => panic!("{other:?}"),
        };
        assert_eq!(error.exit_code(), ExitCode::Limit);
    }

    #[test]
    fn folders_have_names_of_their_own() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let refused = |read: &[(&str, &Path)], write: &[(&str, &Path)], scratch| match guest(read, write, scratch) {
            Err(error) => assert!(error.to_string().contains("two different folders"), "{error}"),
            Ok(_) => panic!("two folders of a name"),
        };
        refused(&[("/data", one.path())], &[("/data", two.path())], 0);
        refused(&[("/tmp", one.path())], &[], 1);
        // One inside of another: the longer name counts.
        std::fs::write(two.path().join("x"), "two").unwrap();
        let mut guest = guest(&[("/a", one.path()), ("/a/b/c", two.path())], &[], 0).unwrap();
        assert_eq!(guest.content("/a/b/c/x").as_deref(), Ok("two"));
        assert_eq!(guest.table.preopened(FIRST + 1), Ok("/a/b/c"));
        assert_eq!(guest.table.preopened(FIRST + 3), Err(BAD_FILE));
        guest.table.renumber(FIRST + 1, FIRST + 2).unwrap();
        assert_eq!(guest.table.preopened(FIRST + 2), Ok("/a/b/c"));
        assert_eq!(guest.table.close(FIRST + 1), Err(BAD_FILE));
        assert_eq!(guest.table.close(u32::MAX), Err(BAD_FILE));
        assert_eq!(guest.table.close(0), Err(BAD_FILE));
    }

    #[test]
    fn a_position_moves_as_in_any_file() {
        let folder = tempfile::tempdir().unwrap();
        let both = [("/data", folder.path())];
        let mut guest = guest(&both, &both, 1 << 16).unwrap();
        for path in ["/data/f", "/tmp/f"] {
            let fd = guest.open(path, Open { reads: true, ..WRITE }).unwrap();
            let Guest { files, table } = &mut guest;
            table.write(files, fd, b"abcdef", None).unwrap();
            assert_eq!(table.seek(fd, 0, 1).unwrap(), 6);
            assert_eq!(table.seek(fd, -2, 2).unwrap(), 4);
            assert_eq!(table.seek(fd, -9, 1).map_err(number), Err(INVALID));
            assert_eq!(table.seek(fd, -1, 0).map_err(number), Err(INVALID));
            assert_eq!(table.seek(fd, 0, 3).map_err(number), Err(INVALID));
            let mut place = [0; 10];
            assert_eq!(table.read(files, fd, &mut place, None).unwrap(), 2);
            assert_eq!(table.read(files, fd, &mut place, Some(1)).unwrap(), 5);
            assert_eq!(&place[..5], b"bcdef");
            table.set_size(fd, 3).unwrap();
            table.set_appends(fd, true).unwrap();
            table.seek(fd, 0, 0).unwrap();
            table.write(files, fd, b"X", None).unwrap();
            assert_eq!(table.stat(fd).unwrap().size, 4, "{path}");
            assert_eq!(table.stat(fd).unwrap().modified, None, "the clock was not granted");
            table.close(fd).unwrap();
            assert_eq!(guest.content(path).as_deref(), Ok("abcX"));
        }
    }
}
