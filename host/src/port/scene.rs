//! The folder in which an old post-renderer runs: a copy, so that what it writes is nobody's loss.
//!
//! What is copied is the repository around the current folder, else the current folder, else nothing: the first that is
//! small enough. A program elsewhere is copied with the folder that it lies in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::input;

/// The most files and folders that are copied.
const MAX_ENTRIES: usize = 20_000;
/// The most bytes that are copied.
const MAX_BYTES: u64 = 128 << 20;
/// How deep folders are followed.
const MAX_DEPTH: usize = 40;

/// A copy, gone when this is.
#[derive(Debug)]
pub(crate) struct Scene {
    kept: tempfile::TempDir,
    /// Where the program starts: the copy of the current folder.
    pub(crate) folder: PathBuf,
    /// The command, with a program that is named by its place named by the copy's.
    pub(crate) command: String,
    /// What was copied; none where all of it is too large.
    pub(crate) source: Option<PathBuf>,
}

impl Scene {
    /// Copies what is around `here` for `command`.
    ///
    /// # Errors
    /// No temporary folder can be made.
    pub(crate) fn set(here: &Path, command: &str) -> Result<Self, Error> {
        let kept = tempfile::Builder::new()
            .prefix("windlass-port-")
            .tempdir()
            .map_err(|error| Error::usage(format!("no temporary folder can be made: {error}")))?;
        let program = program(here, command);
        let mut candidates = vec![repository(here), Some(here.to_owned())];
        if let Some((_, file)) = &program
            && !file.starts_with(repository(here).as_deref().unwrap_or(here))
        {
            let folder = file.parent().unwrap_or(here);
            candidates = vec![repository(folder), Some(folder.to_owned())];
        }
        let copy = kept.path().join("copy");
        for source in candidates.into_iter().flatten() {
            let mut room = Room { entries: MAX_ENTRIES, bytes: MAX_BYTES };
            if room.measure(&source, 0).is_err() {
                continue;
            }
            // A file that cannot be read is left out: the program says what it misses.
            if copy_folder(&source, &copy, 0).is_err() {
                let _ = fs::remove_dir_all(&copy);
                continue;
            }
            let inside = |path: &Path| path.strip_prefix(&source).map(|rest| copy.join(rest)).ok();
            let command = match program.as_ref().and_then(|(word, file)| Some((word, inside(file)?))) {
                Some((word, file)) => format!("{}{}", quoted(&file), command.get(word.len()..).unwrap_or_default()),
                None => command.to_owned(),
            };
            let folder = inside(here).unwrap_or_else(|| copy.clone());
            return Ok(Self { folder, command, source: Some(source), kept });
        }
        fs::create_dir_all(&copy).map_err(|error| Error::usage(format!("no temporary folder can be made: {error}")))?;
        let command = match &program {
            Some((word, file)) => format!("{}{}", quoted(file), command.get(word.len()..).unwrap_or_default()),
            None => command.to_owned(),
        };
        Ok(Self { folder: copy, command, source: None, kept })
    }

    /// A folder for temporary files.
    pub(crate) fn temporary(&self) -> PathBuf {
        let folder = self.kept.path().join("tmp");
        // Where it cannot be made the program says so.
        let _ = fs::create_dir_all(&folder);
        folder
    }
}

/// The first word of the command, if it names a file by its place, and that file.
fn program(here: &Path, command: &str) -> Option<(String, PathBuf)> {
    let word = command.split([' ', '\t', '\n', ';', '|', '&', '<', '>']).next()?;
    if !word.contains('/') || word.contains(['\'', '"', '\\', '$', '`', '*', '~']) {
        return None;
    }
    let file = here.join(word);
    file.is_file().then(|| (word.to_owned(), file.canonicalize().unwrap_or(file)))
}

/// For a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

/// The folder above `here` that Git keeps.
fn repository(here: &Path) -> Option<PathBuf> {
    here.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned)
}

struct Room {
    entries: usize,
    bytes: u64,
}

/// There is more than may be copied.
struct TooMuch;

impl Room {
    fn measure(&mut self, folder: &Path, depth: usize) -> Result<(), TooMuch> {
        if depth > MAX_DEPTH {
            return Err(TooMuch);
        }
        for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
            self.entries = self.entries.checked_sub(1).ok_or(TooMuch)?;
            let Ok(data) = entry.metadata() else { continue };
            if data.is_dir() && entry.file_name() != ".git" {
                self.measure(&entry.path(), depth + 1)?;
            } else if data.is_file() {
                self.bytes = self.bytes.checked_sub(data.len()).ok_or(TooMuch)?;
            }
        }
        Ok(())
    }
}

/// Copies files, folders and links (as links); nothing else, and not what Git keeps.
fn copy_folder(from: &Path, to: &Path, depth: usize) -> io::Result<()> {
    if depth > MAX_DEPTH {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).into_iter().flatten().filter_map(Result::ok) {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_symlink() {
            if let Ok(place) = fs::read_link(&source) {
                std::os::unix::fs::symlink(place, &target)?;
            }
        } else if kind.is_dir() && entry.file_name() != ".git" {
            copy_folder(&source, &target, depth + 1)?;
        } else if kind.is_file()
            && let Ok(bytes) = input::read(&source, MAX_BYTES)
        {
            fs::write(&target, bytes)?;
            fs::set_permissions(&target, entry.metadata()?.permissions())?;
        }
    }
    Ok(())
}

/// Copies a file or a folder to a place that is not there, as a scene is: no more than that may hold.
///
/// # Errors
/// There is too much, or it cannot be read or written: in words.
pub(crate) fn copy_bounded(from: &Path, to: &Path) -> Result<(), String> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(|error| error.to_string())?;
    }
    if from.is_file() {
        let bytes = input::read(from, MAX_BYTES).map_err(|error| error.to_string())?;
        fs::write(to, bytes).map_err(|error| error.to_string())?;
        let permissions = fs::metadata(from).map_err(|error| error.to_string())?.permissions();
        return fs::set_permissions(to, permissions).map_err(|error| error.to_string());
    }
    let mut room = Room { entries: MAX_ENTRIES, bytes: MAX_BYTES };
    room.measure(from, 0).map_err(|_| format!("it is larger than {MAX_BYTES} bytes or {MAX_ENTRIES} files"))?;
    copy_folder(from, to, 0).map_err(|error| error.to_string())
}

/// Whether the user may start this file.
pub(crate) fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(file).is_ok_and(|data| data.permissions().mode() & 0o111 != 0)
}
