//! WASI preview 1's error numbers, and which of them the system's errors are.

use std::io;

use rustix::io::Errno as System;

use crate::error::Error;

/// An error number; 0 is none.
pub(super) type Errno = i32;

pub(super) const SUCCESS: Errno = 0;
pub(super) const ACCESS: Errno = 2;
pub(super) const BAD_FILE: Errno = 8;
pub(super) const BUSY: Errno = 10;
pub(super) const EXISTS: Errno = 20;
pub(super) const FAULT: Errno = 21;
pub(super) const TOO_LARGE: Errno = 22;
pub(super) const NO_TEXT: Errno = 25;
pub(super) const INTERRUPTED: Errno = 27;
pub(super) const INVALID: Errno = 28;
pub(super) const IO: Errno = 29;
pub(super) const IS_A_FOLDER: Errno = 31;
pub(super) const LOOP: Errno = 32;
pub(super) const TOO_MANY_OPEN: Errno = 33;
pub(super) const TOO_LONG: Errno = 37;
pub(super) const NO_ENTRY: Errno = 44;
pub(super) const NO_SPACE: Errno = 51;
pub(super) const NOT_A_FOLDER: Errno = 54;
pub(super) const NOT_EMPTY: Errno = 55;
pub(super) const NOT_SUPPORTED: Errno = 58;
pub(super) const NO_DEVICE: Errno = 60;
pub(super) const NOT_PERMITTED: Errno = 63;
pub(super) const READ_ONLY: Errno = 69;
pub(super) const ILLEGAL_SEEK: Errno = 70;
pub(super) const OTHER_FOLDER: Errno = 75;
pub(super) const NOT_CAPABLE: Errno = 76;

/// Why a function does not do what it was called for.
#[derive(Debug)]
pub(super) enum Stop {
    /// The guest is told, and goes on.
    Answer(Errno),
    /// The run is over.
    End(Error),
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Answer(errno)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::End(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Answer(of_system(&error))
    }
}

/// The number for an error of the system.
pub(super) fn of_system(error: &io::Error) -> Errno {
    let Some(code) = error.raw_os_error() else {
        return match error.kind() {
            // cap-std's word for a path that leads out of its folder.
            io::ErrorKind::PermissionDenied => NOT_CAPABLE,
            io::ErrorKind::NotFound => NO_ENTRY,
            io::ErrorKind::InvalidInput => INVALID,
            io::ErrorKind::InvalidFilename => NO_TEXT,
            _ => IO,
        };
    };
    match System::from_raw_os_error(code) {
        System::ACCESS => ACCESS,
        System::PERM => NOT_PERMITTED,
        System::BUSY | System::TXTBSY => BUSY,
        System::EXIST => EXISTS,
        System::FBIG | System::OVERFLOW => TOO_LARGE,
        System::ILSEQ => NO_TEXT,
        System::INTR => INTERRUPTED,
        System::INVAL => INVALID,
        System::ISDIR => IS_A_FOLDER,
        System::LOOP | System::MLINK => LOOP,
        System::MFILE | System::NFILE => TOO_MANY_OPEN,
        System::NAMETOOLONG => TOO_LONG,
        System::NOENT => NO_ENTRY,
        System::NOSPC | System::DQUOT => NO_SPACE,
        System::NOTDIR => NOT_A_FOLDER,
        System::NOTEMPTY => NOT_EMPTY,
        System::OPNOTSUPP => NOT_SUPPORTED,
        System::NXIO | System::NODEV => NO_DEVICE,
        System::ROFS => READ_ONLY,
        System::SPIPE => ILLEGAL_SEEK,
        // The kernel's word for a path that leads out of its folder.
        System::XDEV => NOT_CAPABLE,
        _ => IO,
    }
}
