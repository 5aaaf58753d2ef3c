//! Files on behalf of a plugin, below the folders it was granted and nowhere else.
//!
//! The attack this stops: a path with `..`, an absolute path, or a link (put there before, or swapped in while the
//! plugin runs) that leads out of the granted folder. Paths are resolved by [`cap_std`], which asks the kernel to keep
//! the whole resolution below the folder (`openat2` with `RESOLVE_BENEATH` on Linux) and walks it step by step
//! elsewhere, so that there is no moment between check and use.

use std::io::{self, Read, Write};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt as _};
use rustix::fs::OFlags;
use windlass_abi::capabilities::{Capability, Grant, GuestPath, Request as CapabilityRequest};

use crate::error::Error;
use crate::sandbox::grants::{Grants, not_granted};

/// Bytes of one file, read or written.
pub(crate) const MAX_FILE: u64 = 16 << 20;
/// Bytes of all files of one run, read and written.
const MAX_TRAFFIC: u64 = 128 << 20;
/// Files that one run may open.
const MAX_FILES: u32 = 4096;

/// The folders of one run of one plugin.
#[derive(Debug)]
pub(crate) struct Files {
    folders: Vec<Folder>,
    files_left: u32,
    traffic_left: u64,
}

#[derive(Debug)]
struct Folder {
    capability: Capability,
    guest: GuestPath,
    host: String,
    directory: Dir,
}

impl Files {
    /// Opens the folders that `grants` name. They are opened once, before the plugin runs: what their names point to
    /// later does not matter.
    ///
    /// # Errors
    /// A folder of a grant cannot be opened (exit 2).
    pub(crate) fn new(grants: &Grants) -> Result<Self, Error> {
        let mut folders = Vec::new();
        for grant in grants.iter() {
            let (capability, guest, host) = match grant {
                Grant::Read { guest, host } => (Capability::Read, guest, host),
                Grant::Write { guest, host } => (Capability::Write, guest, host),
                _ => continue,
            };
            let directory = Dir::open_ambient_dir(host, ambient_authority()).map_err(|error| {
                Error::usage(format!("cannot open the folder `{host}` of `{} {grant}`: {error}", capability.flag()))
            })?;
            folders.push(Folder { capability, guest: guest.clone(), host: host.clone(), directory });
        }
        // The longest name wins where one grant lies inside another.
        folders.sort_by_key(|folder| std::cmp::Reverse(folder.guest.as_str().len()));
        Ok(Self { folders, files_left: MAX_FILES, traffic_left: MAX_TRAFFIC })
    }

    /// The content of the file that the guest calls `path`; none if there is no such file.
    ///
    /// # Errors
    /// The path is malformed (exit 1), no grant covers it or it leads out of its folder (exit 3), a limit is hit
    /// (exit 4), or it cannot be read (exit 1).
    pub(crate) fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let (folder, inside) = self.folder(Capability::Read, path)?;
        let file = match open_regular(&folder.directory, &inside, OpenOptions::new().read(true)) {
            Ok(Some(file)) => file,
            Ok(None) => return Err(no_regular_file("read", path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", path, &error)),
        };
        let mut content = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut content).map_err(|error| failed("read", path, &error))?;
        self.spend(path, content.len() as u64)?;
        Ok(Some(content))
    }

    /// Writes the file that the guest calls `path`, whole, in place of what was there. Its folder must exist.
    ///
    /// # Errors
    /// As [`Files::read`].
    pub(crate) fn write(&mut self, path: &str, content: &[u8]) -> Result<(), Error> {
        self.spend(path, content.len() as u64)?;
        let (folder, inside) = self.folder(Capability::Write, path)?;
        let mut options = OpenOptions::new();
        let file = open_regular(&folder.directory, &inside, options.write(true).create(true))
            .map_err(|error| failed("write", path, &error))?;
        let mut file = file.ok_or_else(|| no_regular_file("write", path))?;
        // Emptied only now: nothing but a regular file is touched.
        file.set_len(0).and_then(|()| file.write_all(content)).map_err(|error| failed("write", path, &error))
    }

    fn spend(&mut self, path: &str, bytes: u64) -> Result<(), Error> {
        if bytes > MAX_FILE {
            return Err(Error::limit(format!("`{path}` is larger than {} MiB", MAX_FILE >> 20)));
        }
        self.spend_file()?;
        self.spend_bytes(bytes)
    }

    /// Counts one more file that is opened or made.
    ///
    /// # Errors
    /// There were too many in this run (exit 4).
    pub(crate) fn spend_file(&mut self) -> Result<(), Error> {
        self.files_left = self
            .files_left
            .checked_sub(1)
            .ok_or_else(|| Error::limit(format!("the plugin opened more than {MAX_FILES} files in one run")))?;
        Ok(())
    }

    /// Counts bytes that are read or written.
    ///
    /// # Errors
    /// There were too many in this run (exit 4).
    pub(crate) fn spend_bytes(&mut self, bytes: u64) -> Result<(), Error> {
        self.traffic_left = self.traffic_left.checked_sub(bytes).ok_or_else(|| {
            Error::limit(format!("the plugin read and wrote more than {} MiB of files in one run", MAX_TRAFFIC >> 20))
        })?;
        Ok(())
    }

    /// The granted folders: what may be done below them, their names in the guest and on the host, and their handles.
    pub(crate) fn folders(&self) -> impl Iterator<Item = (Capability, &GuestPath, &str, &Dir)> {
        self.folders.iter().map(|one| (one.capability, &one.guest, one.host.as_str(), &one.directory))
    }

    /// The granted folder that holds `path`, and the rest of the path inside it.
    fn folder(&self, capability: Capability, path: &str) -> Result<(&Folder, String), Error> {
        let guest = GuestPath::parse(path)
            .map_err(|problem| Error::refused(format!("the plugin names the file {path:?}: {problem}")))?;
        self.folders
            .iter()
            .filter(|folder| folder.capability == capability)
            .find_map(|folder| match folder.guest.strip(guest.as_str()) {
                Some(inside) if !inside.is_empty() => Some((folder, inside.to_owned())),
                _ => None,
            })
            .ok_or_else(|| {
                let verb = if capability == Capability::Write { "write" } else { "read" };
                let parent = guest.as_str().rsplit_once('/').map_or("/", |(parent, _)| parent);
                let parent = if parent.is_empty() { "/" } else { parent };
                let message = format!("the plugin wants to {verb} `{guest}`, and no grant allows it");
                match CapabilityRequest::parse(capability, parent) {
                    Ok(request) => not_granted(message, [&request]),
                    Err(_) => Error::denied(message),
                }
            })
    }
}

/// Opens a file; none if it is something else. A pipe without a partner or a device must not keep the host waiting,
/// where no deadline of the guest would help: so nothing here blocks.
fn open_regular(directory: &Dir, path: &str, options: &mut OpenOptions) -> io::Result<Option<File>> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let file = match directory.open_with(path, options.custom_flags(flags.cast_signed())) {
        Ok(file) => file,
        // A pipe that nobody reads, a socket, or a folder that was to be written.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(file.metadata()?.is_file().then_some(file))
}

fn no_regular_file(verb: &str, path: &str) -> Error {
    Error::refused(format!("the plugin wants to {verb} `{path}`, which is no regular file"))
}

fn failed(verb: &str, path: &str, error: &io::Error) -> Error {
    // cap-std reports a path that leads out of its folder as "permission denied", the kernel as EXDEV.
    let escapes = error.kind() == io::ErrorKind::PermissionDenied || error.kind() == io::ErrorKind::CrossesDevices;
    let message = format!("the plugin cannot {verb} `{path}`: {error}");
    if escapes { Error::denied(message) } else { Error::refused(message) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ExitCode;

    fn granted(folder: &std::path::Path, capability: Capability) -> Files {
        let mut grants = Grants::default();
        grants.allow(capability, &format!("/data={}", folder.display())).unwrap();
        Files::new(&grants).unwrap()
    }

    /// `expected`: the content, nothing, or the exit code and a part of the error.
    #[track_caller]
    fn check_read(files: &mut Files, path: &str, expected: Result<Option<&str>, (ExitCode, &str)>) {
        match (files.read(path), expected) {
            (Ok(content), Ok(wanted)) => assert_eq!(content.as_deref(), wanted.map(str::as_bytes)),
            (Err(error), Err((code, part))) => {
                assert_eq!(error.exit_code(), code, "{error}");
                let text = format!("{error} {}", error.hints().join(" "));
                assert!(text.contains(part), "{text:?} does not contain {part:?}");
            }
            (actual, expected) => panic!("{path}: {actual:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn only_what_lies_below_the_granted_folder_is_read() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "secret").unwrap();
        let inside = outside.path().join("granted");
        std::fs::create_dir_all(inside.join("sub")).unwrap();
        std::fs::write(inside.join("sub/a"), "a").unwrap();
        std::os::unix::fs::symlink("../secret", inside.join("relative")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), inside.join("absolute")).unwrap();
        std::os::unix::fs::symlink("..", inside.join("up")).unwrap();
        std::os::unix::fs::symlink("sub/a", inside.join("harmless")).unwrap();

        let mut files = granted(&inside, Capability::Read);
        check_read(&mut files, "/data/sub/a", Ok(Some("a")));
        check_read(&mut files, "/data/harmless", Ok(Some("a")));
        check_read(&mut files, "/data/missing", Ok(None));
        check_read(&mut files, "/data/../secret", Err((ExitCode::Refused, "no `.`, `..` or empty parts")));
        check_read(&mut files, "/data/relative", Err((ExitCode::Denied, "cannot read")));
        check_read(&mut files, "/data/absolute", Err((ExitCode::Denied, "cannot read")));
        check_read(&mut files, "/data/up/secret", Err((ExitCode::Denied, "cannot read")));
        check_read(&mut files, "/data/sub", Err((ExitCode::Refused, "no regular file")));
        check_read(&mut files, "/etc/passwd", Err((ExitCode::Denied, "`--allow-read /etc=HOSTDIR`")));
        check_read(&mut files, "data", Err((ExitCode::Refused, "absolute")));
        let denied = files.write("/data/new", b"x").unwrap_err();
        assert_eq!(denied.exit_code(), ExitCode::Denied, "a grant to read is none to write");
        assert!(!inside.join("new").exists());
    }

    #[test]
    fn writing_stays_below_its_folder_and_does_not_grant_reading() {
        let outside = tempfile::tempdir().unwrap();
        let inside = outside.path().join("granted");
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(outside.path().join("victim"), "whole").unwrap();
        std::os::unix::fs::symlink("../victim", inside.join("link")).unwrap();
        let mut files = granted(&inside, Capability::Write);
        files.write("/data/a", b"first").unwrap();
        files.write("/data/a", b"2nd").unwrap();
        assert_eq!(std::fs::read(inside.join("a")).unwrap(), b"2nd");
        assert_eq!(files.write("/data/link", b"x").unwrap_err().exit_code(), ExitCode::Denied);
        assert_eq!(std::fs::read(outside.path().join("victim")).unwrap(), b"whole");
        assert_eq!(files.read("/data/a").unwrap_err().exit_code(), ExitCode::Denied);
    }

    /// Pipes, sockets and devices neither keep the host waiting nor are touched.
    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        std::os::unix::fs::symlink("/dev/tty", folder.path().join("device")).unwrap();
        std::fs::create_dir(folder.path().join("folder")).unwrap();
        for (name, code) in [
            ("pipe", ExitCode::Refused),
            ("socket", ExitCode::Refused),
            ("folder", ExitCode::Refused),
            ("device", ExitCode::Denied),
        ] {
            let path = format!("/data/{name}");
            let error = granted(folder.path(), Capability::Read).read(&path).unwrap_err();
            assert_eq!(error.exit_code(), code, "{error}");
            let error = granted(folder.path(), Capability::Write).write(&path, b"x").unwrap_err();
            assert_eq!(error.exit_code(), code, "{error}");
        }
        let devices = std::path::Path::new("/dev");
        let error = granted(devices, Capability::Read).read("/data/zero").unwrap_err();
        assert!(error.to_string().contains("no regular file"), "{error}");
        assert!(granted(devices, Capability::Write).write("/data/full", b"x").is_err());
    }

    /// While another thread swaps a folder for a link that leads out, no read and no write ever follows the link.
    #[test]
    fn a_race_of_links_gains_nothing() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("file"), "secret").unwrap();
        let inside = tempfile::tempdir().unwrap();
        let name = |name: &str| inside.path().join(name);
        std::fs::create_dir(name("honest")).unwrap();
        std::fs::write(name("honest/file"), "honest").unwrap();
        std::os::unix::fs::symlink(outside.path(), name("link")).unwrap();
        std::os::unix::fs::symlink("honest", name("way")).unwrap();
        let is_done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
                    for target in ["link", "honest"] {
                        let _ = std::fs::remove_file(name("new"));
                        std::os::unix::fs::symlink(target, name("new")).unwrap();
                        std::fs::rename(name("new"), name("way")).unwrap();
                    }
                }
            });
            let mut read = 0;
            for _ in 0..2000 {
                if let Ok(Some(content)) = granted(inside.path(), Capability::Read).read("/data/way/file") {
                    assert_ne!(content, b"secret");
                    read += 1;
                }
                let _ = granted(inside.path(), Capability::Write).write("/data/way/file", b"honest");
            }
            is_done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(read > 0, "the honest folder was never there");
        });
        assert_eq!(std::fs::read(outside.path().join("file")).unwrap(), b"secret");
    }

    #[test]
    fn a_run_is_limited_in_files_and_bytes() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::File::create(folder.path().join("big")).unwrap().set_len(MAX_FILE + 1).unwrap();
        let mut files = granted(folder.path(), Capability::Read);
        check_read(&mut files, "/data/big", Err((ExitCode::Limit, "larger than 16 MiB")));
        std::fs::write(folder.path().join("a"), "a").unwrap();
        files.files_left = 1;
        check_read(&mut files, "/data/a", Ok(Some("a")));
        check_read(&mut files, "/data/a", Err((ExitCode::Limit, "more than 4096 files")));
        files.files_left = 10;
        files.traffic_left = 1;
        check_read(&mut files, "/data/a", Ok(Some("a")));
        check_read(&mut files, "/data/a", Err((ExitCode::Limit, "more than 128 MiB")));
        let mut files = granted(folder.path(), Capability::Write);
        let error = files.write("/data/new", &vec![0; MAX_FILE as usize + 1]).unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::Limit);
        assert!(!folder.path().join("new").exists(), "nothing of it was written");
    }
}
