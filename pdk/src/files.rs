//! Files in granted folders: `--allow-read GUEST=HOSTDIR` and `--allow-write GUEST=HOSTDIR`, two grants of which
//! neither contains the other. Paths are the guest's: absolute, with `/`, without `.` and `..`.
//!
//! A plugin that uses this module imports functions that only Windlass offers: Helm's own engine cannot run it. A path
//! outside every granted folder ends the run, and so does one that a link leads out of its folder; the host says which
//! flag is missing. One file has at most 16 MiB.

use crate::error::Error;
use crate::host;

/// The content of a file below a folder that was granted with `--allow-read`; `None` if there is no such file.
///
/// # Errors
/// Only in tests: nobody said what files there are ([`crate::test::answer_files`]).
pub fn read(path: &str) -> Result<Option<Vec<u8>>, Error> {
    host::read_file(path)
}

/// The content of a text file, as [`read`] gives it.
///
/// # Errors
/// The file is not UTF-8; also those of [`read`].
pub fn read_text(path: &str) -> Result<Option<String>, Error> {
    let text = |bytes| String::from_utf8(bytes).map_err(|_| Error::new(format!("the file `{path}` is not UTF-8")));
    read(path)?.map(text).transpose()
}

/// Writes a whole file below a folder that was granted with `--allow-write`, in place of what was there. The folder
/// that holds it must exist.
///
/// # Errors
/// Only in tests: the plugin does not ask for `write`.
pub fn write(path: &str, content: &[u8]) -> Result<(), Error> {
    host::write_file(path, content)
}
