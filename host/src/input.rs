//! The one door to files: whatever Windlass reads by a path comes through here.
//!
//! A folder that somebody else filled may hold a pipe that nobody writes, a device without end or a file of a terabyte
//! under any name. So a file is opened without waiting, looked at before it is read, and never read beyond a limit.
//! `std::fs::read` and its like are forbidden in this crate (`host/clippy.toml`).

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Instant;

use rustix::fs::OFlags;
use windlass_manifest::Budget;

use crate::limits::ByteSize;
use crate::limits::table::TIME_TO_READ;
use crate::pages::prefer_huge;

/// The bytes of a regular file. A link is followed: it is the user's, or leads to another regular file.
///
/// # Errors
/// It cannot be opened or read, is no regular file, or has more than `limit` bytes; the text of the error says which
/// and fits behind `cannot be read: `.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path).map_err(|error| {
        match error.raw_os_error() {
            // What a socket answers to whoever opens it.
            Some(code) if code == rustix::io::Errno::NXIO.raw_os_error() => not_regular("a socket"),
            _ => error,
        }
    })?;
    read_regular(file, limit)
}

/// [`read`], as text.
///
/// # Errors
/// As [`read`]; also where it is not UTF-8.
pub(crate) fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    text(read(path, limit)?)
}

/// [`read`] for a file that the user names on the command line. It may also be one that the shell opened for us, as
/// with `--config <(sops -d values.yaml)` or `/dev/stdin`: that is read like standard input, to its end and under the
/// same limit.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_named(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    match is_own_descriptor(path) {
        true => read_to_limit(open_by_link(path)?, limit, 0),
        false => read(path, limit),
    }
}

/// [`read_named`], as text.
///
/// # Errors
/// As [`read_text`].
pub(crate) fn read_named_text(path: &Path, limit: u64) -> io::Result<String> {
    text(read_named(path, limit)?)
}

/// All of a stream that this process was handed, such as standard input. `expected` is how long it may be, as a hint.
///
/// # Errors
/// It cannot be read, or has more than `limit` bytes.
pub(crate) fn read_to_limit(stream: impl io::Read, limit: u64, expected: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(expected.min(limit)).unwrap_or(0).saturating_add(1));
    prefer_huge(bytes.as_ptr(), bytes.capacity());
    stream.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(too_large(limit)) } else { Ok(bytes) }
}

/// Whether a path is one of the names under which the system has the open files of this process.
fn is_own_descriptor(path: &Path) -> bool {
    let Some(text) = path.to_str() else { return false };
    let number = ["/dev/fd/", "/proc/self/fd/"].iter().find_map(|folder| text.strip_prefix(folder));
    text == "/dev/stdin" || number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[allow(clippy::disallowed_methods, reason = "what the shell opened does not keep us waiting for somebody to open it")]
fn open_by_link(path: &Path) -> io::Result<File> {
    File::open(path)
}

fn read_regular(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let metadata = file.metadata()?;
    let kind = metadata.file_type();
    match () {
        () if kind.is_file() => {}
        () if kind.is_dir() => return Err(not_regular("a folder")),
        () if kind.is_fifo() => return Err(not_regular("a pipe")),
        () if kind.is_socket() => return Err(not_regular("a socket")),
        () => return Err(not_regular("a device")),
    }
    if metadata.len() > limit {
        return Err(too_large(limit));
    }
    // The length is a hint for the allocation only: the file may change while it is read.
    read_to_limit(file, limit, metadata.len())
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

fn not_regular(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}, not a regular file"))
}

fn too_large(limit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {}", ByteSize(limit)))
}

/// A budget for a text of `length` bytes that somebody wrote by hand, or whoever poses as somebody: what
/// [`Budget::for_text`] gives, within [`TIME_TO_READ`].
pub(crate) fn budget_to_read(length: usize) -> Budget {
    let ends = Instant::now() + TIME_TO_READ;
    Budget::for_text(length).with_clock(move || Instant::now() >= ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &Path, limit: u64, expected: Result<&str, &str>) {
        let found = read(path, limit).map_err(|error| error.to_string());
        let found = found.as_ref().map(|bytes| std::str::from_utf8(bytes).unwrap()).map_err(String::as_str);
        match (found, expected) {
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
            (found, expected) => assert_eq!(found, expected, "{}", path.display()),
        }
    }

    #[test]
    fn only_regular_files_below_the_limit_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        std::fs::write(place("a"), "four").unwrap();
        std::os::unix::fs::symlink("a", place("link")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, place("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(place("socket")).unwrap();
        File::create(place("sparse")).unwrap().set_len(1 << 40).unwrap();
        check(&place("a"), 4, Ok("four"));
        check(&place("link"), 4, Ok("four"));
        check(&place("a"), 3, Err("it is larger than 3"));
        check(&place("sparse"), 1 << 20, Err("it is larger than 1Mi"));
        check(&place("pipe"), 4, Err("it is a pipe, not a regular file"));
        check(&place("socket"), 4, Err("it is a socket, not a regular file"));
        check(folder.path(), 4, Err("it is a folder, not a regular file"));
        check(Path::new("/dev/zero"), 4, Err("it is a device, not a regular file"));
        check(&place("none"), 4, Err("No such file"));
        std::fs::write(place("latin"), b"\xff").unwrap();
        assert!(read_text(&place("latin"), 4).unwrap_err().to_string().contains("UTF-8"));
    }

    #[test]
    fn what_the_shell_opened_is_read_to_its_end() {
        use std::io::Write as _;
        use std::os::fd::AsRawFd as _;
        let (reader, mut writer) = io::pipe().unwrap();
        let path = format!("/dev/fd/{}", reader.as_raw_fd());
        writer.write_all(b"from a pipe").unwrap();
        drop(writer);
        assert_eq!(read_named(Path::new(&path), 100).unwrap(), b"from a pipe");
        let (reader, mut writer) = io::pipe().unwrap();
        let path = format!("/dev/fd/{}", reader.as_raw_fd());
        writer.write_all(b"from a pipe").unwrap();
        assert!(read_named(Path::new(&path), 10).unwrap_err().to_string().contains("larger than 10"));
        assert!(!is_own_descriptor(Path::new("/dev/fd/../zero")) && !is_own_descriptor(Path::new("/dev/fd/1/x")));
    }
}
