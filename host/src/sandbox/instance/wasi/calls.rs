//! WASI's functions on files: places in the guest's memory in, errors as numbers out. What they do is in
//! [`super::files`].

use super::errno::{BAD_FILE, Errno, FAULT, ILLEGAL_SEEK, INVALID, NO_TEXT, NOT_SUPPORTED, Stop, TOO_LONG};
use super::files::{Entry, FileType, Open, Stat};
use super::{CLOCK_START, Call, MODULE, PART, answer, memory, places, write};
use crate::limits::table::MAX_GUEST_TEXT;
use crate::sandbox::instance::Host;
use crate::sandbox::instance::functions::{HostFunction, host_function};

// Flags of `path_open` and rights, as WASI numbers them.
const CREATE: u32 = 1;
const FOLDER: u32 = 1 << 1;
const EXCLUSIVE: u32 = 1 << 2;
const TRUNCATE: u32 = 1 << 3;
const FOLLOW: u32 = 1;
const APPEND: u32 = 1;
const ALL_OPEN_FLAGS: u32 = 15;
const ALL_FILE_FLAGS: u32 = 31;
const RIGHT_TO_READ: u64 = 1 << 1;
const RIGHT_TO_WRITE: u64 = 1 << 6;
/// All rights of files and folders.
const ALL_RIGHTS: u64 = (1 << 30) - 1;
/// Those that change something: write, allocate, create, rename, remove, set sizes and times.
const WRITING_RIGHTS: u64 = RIGHT_TO_WRITE
    | (1 << 8)
    | (1 << 9)
    | (1 << 10)
    | (1 << 11)
    | (1 << 12)
    | (1 << 16)
    | (1 << 17)
    | (1 << 19)
    | (1 << 20)
    | (1 << 22)
    | (1 << 23)
    | (1 << 24)
    | (1 << 25)
    | (1 << 26);

/// Bytes of an entry of a folder in front of its name.
const ENTRY_HEAD: usize = 24;

/// Every function on files.
pub(in crate::sandbox::instance) const FUNCTIONS: &[HostFunction] = &[
    host_function!(MODULE, "fd_advise", "iIIi:i", |call: Call<'_>, fd: u32, _: u64, _: u64, _: u32| {
        is_open(&call, fd).err().unwrap_or(0)
    }),
    host_function!(MODULE, "fd_allocate", "iII:i", |call: Call<'_>, fd: u32, _: u64, _: u64| refused(&call, fd)),
    host_function!(MODULE, "fd_datasync", "i:i", |call: Call<'_>, fd: u32| answer(call.data().wasi.files.sync(fd))),
    host_function!(MODULE, "fd_fdstat_set_flags", "ii:i", |mut call: Call<'_>, fd: u32, flags: u32| {
        if flags > ALL_FILE_FLAGS {
            return INVALID;
        }
        call.data_mut().wasi.files.set_appends(fd, flags & APPEND != 0).err().unwrap_or(0)
    }),
    host_function!(MODULE, "fd_fdstat_set_rights", "iII:i", |call: Call<'_>, fd: u32, _: u64, _: u64| refused(
        &call, fd
    )),
    host_function!(MODULE, "fd_filestat_get", "ii:i", |mut call: Call<'_>, fd: u32, place: u32| answer(filestat(
        &mut call, fd, place
    ))),
    host_function!(MODULE, "fd_filestat_set_size", "iI:i", |mut call: Call<'_>, fd: u32, size: u64| {
        answer(call.data_mut().wasi.files.set_size(fd, size))
    }),
    host_function!(MODULE, "fd_filestat_set_times", "iIIi:i", |call: Call<'_>, fd: u32, _: u64, _: u64, _: u32| {
        refused(&call, fd)
    }),
    host_function!(MODULE, "fd_pread", "iiiIi:i", |mut call: Call<'_>,
                                                   fd: u32,
                                                   vectors: u32,
                                                   count: u32,
                                                   offset: u64,
                                                   done: u32| {
        answer(read(&mut call, fd, vectors, count, Some(offset)).and_then(|total| told(&mut call, done, total)))
    }),
    host_function!(MODULE, "fd_prestat_dir_name", "iii:i", |mut call: Call<'_>, fd: u32, place: u32, length: u32| {
        answer(prestat_name(&mut call, fd, place, length))
    }),
    host_function!(MODULE, "fd_prestat_get", "ii:i", |mut call: Call<'_>, fd: u32, place: u32| answer(prestat(
        &mut call, fd, place
    ))),
    host_function!(MODULE, "fd_pwrite", "iiiIi:i", |mut call: Call<'_>,
                                                    fd: u32,
                                                    vectors: u32,
                                                    count: u32,
                                                    offset: u64,
                                                    done: u32| {
        answer(written(&mut call, fd, vectors, count, Some(offset)).and_then(|total| told(&mut call, done, total)))
    }),
    host_function!(MODULE, "fd_readdir", "iiiIi:i", |mut call: Call<'_>,
                                                     fd: u32,
                                                     place: u32,
                                                     length: u32,
                                                     cookie: u64,
                                                     used: u32| {
        answer(list(&mut call, fd, place, length, cookie).and_then(|total| told(&mut call, used, total)))
    }),
    host_function!(MODULE, "fd_renumber", "ii:i", |mut call: Call<'_>, from: u32, to: u32| {
        call.data_mut().wasi.files.renumber(from, to).err().unwrap_or(0)
    }),
    host_function!(MODULE, "fd_seek", "iIii:i", |mut call: Call<'_>, fd: u32, offset: i64, whence: u32, place: u32| {
        answer(seek(&mut call, fd, offset, whence, place))
    }),
    host_function!(MODULE, "fd_sync", "i:i", |call: Call<'_>, fd: u32| answer(call.data().wasi.files.sync(fd))),
    host_function!(MODULE, "fd_tell", "ii:i", |mut call: Call<'_>, fd: u32, place: u32| {
        answer(seek(&mut call, fd, 0, 1, place))
    }),
    host_function!(MODULE, "path_create_directory", "iii:i", |mut call: Call<'_>, fd: u32, place: u32, length: u32| {
        answer(with_path(&mut call, fd, place, length, |host, path| {
            host.wasi.files.create_folder(&mut host.granted.files, fd, path)
        }))
    }),
    host_function!(
        MODULE,
        "path_filestat_get",
        "iiiii:i",
        |mut call: Call<'_>, fd: u32, flags: u32, place: u32, length: u32, to: u32| {
            let stat = with_path(&mut call, fd, place, length, |host, path| {
                host.wasi.files.stat_path(fd, path, flags & FOLLOW != 0)
            });
            answer(stat.and_then(|stat| Ok(write(&mut call, to, &stat_bytes(&stat))?)))
        }
    ),
    host_function!(
        MODULE,
        "path_filestat_set_times",
        "iiiiIIi:i",
        |call: Call<'_>, fd: u32, _: u32, _: u32, _: u32, _: u64, _: u64, _: u32| { refused(&call, fd) }
    ),
    // Links are never made: one that is left behind leads others out of the folder.
    host_function!(MODULE, "path_link", "iiiiiii:i", |call: Call<'_>,
                                                      fd: u32,
                                                      _: u32,
                                                      _: u32,
                                                      _: u32,
                                                      _: u32,
                                                      _: u32,
                                                      _: u32| {
        refused(&call, fd)
    }),
    host_function!(
        MODULE,
        "path_open",
        "iiiiiIIii:i",
        |mut call: Call<'_>,
         fd: u32,
         lookup: u32,
         place: u32,
         length: u32,
         flags: u32,
         rights: u64,
         _: u64,
         file_flags: u32,
         to: u32| {
            let opened = is_open(&call, fd).and_then(|()| open_flags(lookup, flags, rights, file_flags));
            let opened = opened.map_err(Stop::from).and_then(|how| {
                // Nothing is opened that the guest could not be told of.
                write(&mut call, to, &[0; 4])?;
                with_path(&mut call, fd, place, length, |host, path| {
                    host.wasi.files.open(&mut host.granted.files, fd, path, how)
                })
            });
            answer(opened.and_then(|opened| told(&mut call, to, opened)))
        }
    ),
    host_function!(
        MODULE,
        "path_readlink",
        "iiiiii:i",
        |mut call: Call<'_>, fd: u32, place: u32, length: u32, to: u32, room: u32, used: u32| {
            let target = with_path(&mut call, fd, place, length, |host, path| host.wasi.files.read_link(fd, path));
            answer(target.and_then(|mut target| {
                target.truncate(room as usize);
                write(&mut call, to, &target)?;
                told(&mut call, used, u32::try_from(target.len()).map_err(|_| INVALID)?)
            }))
        }
    ),
    host_function!(MODULE, "path_remove_directory", "iii:i", |mut call: Call<'_>, fd: u32, place: u32, length: u32| {
        answer(with_path(&mut call, fd, place, length, |host, path| host.wasi.files.remove_folder(fd, path)))
    }),
    host_function!(
        MODULE,
        "path_rename",
        "iiiiii:i",
        |mut call: Call<'_>, fd: u32, place: u32, length: u32, to_fd: u32, to_place: u32, to_length: u32| {
            answer(path(&mut call, to_place, to_length).map_err(Stop::from).and_then(|to| {
                with_path(&mut call, fd, place, length, |host, from| host.wasi.files.rename((fd, from), (to_fd, &to)))
            }))
        }
    ),
    host_function!(MODULE, "path_symlink", "iiiii:i", |call: Call<'_>, _: u32, _: u32, fd: u32, _: u32, _: u32| {
        refused(&call, fd)
    }),
    host_function!(MODULE, "path_unlink_file", "iii:i", |mut call: Call<'_>, fd: u32, place: u32, length: u32| {
        answer(with_path(&mut call, fd, place, length, |host, path| host.wasi.files.remove_file(fd, path)))
    }),
];

fn is_open(call: &Call<'_>, fd: u32) -> Result<(), Errno> {
    call.data().wasi.files.state(fd).map(drop)
}

/// What is not offered, and would be on an open descriptor only.
fn refused(call: &Call<'_>, fd: u32) -> Errno {
    is_open(call, fd).err().unwrap_or(NOT_SUPPORTED)
}

fn told(call: &mut Call<'_>, place: u32, number: u32) -> Result<(), Stop> {
    Ok(write(call, place, &number.to_le_bytes())?)
}

/// A path that the guest names.
fn path(call: &mut Call<'_>, place: u32, length: u32) -> Result<String, Errno> {
    if u64::from(length) > MAX_GUEST_TEXT {
        return Err(TOO_LONG);
    }
    let memory = memory(call).ok_or(FAULT)?;
    let start = place as usize;
    let end = start.checked_add(length as usize).ok_or(FAULT)?;
    let bytes = memory.data(&*call).get(start..end).ok_or(FAULT)?.to_vec();
    if bytes.contains(&0) {
        return Err(INVALID);
    }
    String::from_utf8(bytes).map_err(|_| NO_TEXT)
}

/// Works on a path below the folder `fd`, which is looked at first, as everywhere.
fn with_path<T>(
    call: &mut Call<'_>,
    fd: u32,
    place: u32,
    length: u32,
    work: impl FnOnce(&mut Host, &str) -> Result<T, Stop>,
) -> Result<T, Stop> {
    is_open(call, fd)?;
    let path = path(call, place, length)?;
    work(call.data_mut(), &path)
}

fn open_flags(lookup: u32, flags: u32, rights: u64, file_flags: u32) -> Result<Open, Errno> {
    if lookup > FOLLOW || flags > ALL_OPEN_FLAGS || file_flags > ALL_FILE_FLAGS {
        return Err(INVALID);
    }
    Ok(Open {
        follows_links: lookup & FOLLOW != 0,
        creates: flags & CREATE != 0,
        is_exclusive: flags & EXCLUSIVE != 0,
        must_be_folder: flags & FOLDER != 0,
        truncates: flags & TRUNCATE != 0,
        reads: rights & RIGHT_TO_READ != 0,
        // Toolchains ask for all rights of a folder.
        writes: rights & RIGHT_TO_WRITE != 0 && flags & FOLDER == 0,
        appends: file_flags & APPEND != 0,
    })
}

/// `fdstat` of a descriptor that is no standard stream.
pub(super) fn fdstat(call: &mut Call<'_>, fd: u32, place: u32) -> Result<(), Stop> {
    let (kind, appends, may_read, may_write) = call.data().wasi.files.state(fd)?;
    let mut rights = ALL_RIGHTS;
    if !may_read {
        rights &= !RIGHT_TO_READ;
    }
    if !may_write {
        rights &= !WRITING_RIGHTS;
    }
    let mut stat = [0_u8; 24];
    stat[0] = kind as u8;
    stat[2] = u8::from(appends);
    stat[8..16].copy_from_slice(&rights.to_le_bytes());
    stat[16..].copy_from_slice(&rights.to_le_bytes());
    Ok(write(call, place, &stat)?)
}

fn filestat(call: &mut Call<'_>, fd: u32, place: u32) -> Result<(), Stop> {
    let stat = match fd {
        // Of a command, streams are what is no file; of a plugin there are none, as ever.
        0..=2 if call.data().wasi.program.is_some() => {
            Stat { device: 0, inode: 0, kind: FileType::Unknown, links: 1, size: 0, modified: None }
        }
        0..=2 => return Err(BAD_FILE.into()),
        fd => call.data().wasi.files.stat(fd)?,
    };
    Ok(write(call, place, &stat_bytes(&stat))?)
}

fn stat_bytes(stat: &Stat) -> [u8; 64] {
    let mut bytes = [0; 64];
    // Without the clock, files are as old as the run's time is.
    let time = stat.modified.unwrap_or(CLOCK_START);
    for (place, number) in [
        (0, stat.device),
        (8, stat.inode),
        (16, stat.kind as u64),
        (24, stat.links),
        (32, stat.size),
        (40, time),
        (48, time),
        (56, time),
    ] {
        if let Some(place) = bytes.get_mut(place..place + 8) {
            place.copy_from_slice(&number.to_le_bytes());
        }
    }
    bytes
}

fn prestat(call: &mut Call<'_>, fd: u32, place: u32) -> Result<(), Stop> {
    let length = u32::try_from(call.data().wasi.files.preopened(fd)?.len()).map_err(|_| INVALID)?;
    // The tag of a folder is 0.
    let mut stat = [0; 8];
    stat[4..].copy_from_slice(&length.to_le_bytes());
    Ok(write(call, place, &stat)?)
}

fn prestat_name(call: &mut Call<'_>, fd: u32, place: u32, length: u32) -> Result<(), Stop> {
    let name = call.data().wasi.files.preopened(fd)?.to_owned();
    if name.len() > length as usize {
        return Err(TOO_LONG.into());
    }
    Ok(write(call, place, name.as_bytes())?)
}

/// Entries of a folder, as many as fit, the last one cut off where it does not fit whole.
fn list(call: &mut Call<'_>, fd: u32, place: u32, length: u32, cookie: u64) -> Result<u32, Stop> {
    let memory = memory(call).ok_or(FAULT)?;
    let (data, host) = memory.data_and_store_mut(call);
    let start = place as usize;
    let end = start.checked_add(length as usize).ok_or(FAULT)?;
    let mut room = data.get_mut(start..end).ok_or(FAULT)?;
    let entries: &[Entry] = host.wasi.files.list(fd, cookie)?;
    let mut used: usize = 0;
    for (number, entry) in (cookie.saturating_add(1)..).zip(entries) {
        if room.is_empty() {
            break;
        }
        let mut bytes = [0; ENTRY_HEAD].to_vec();
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        // Numbers that are no file's, and not 0, for which some libraries would ask again.
        bytes[8..16].copy_from_slice(&number.to_le_bytes());
        bytes[16..20].copy_from_slice(&u32::try_from(entry.name.len()).map_err(|_| INVALID)?.to_le_bytes());
        bytes[20] = entry.kind as u8;
        bytes.extend_from_slice(entry.name.as_bytes());
        let fits = bytes.len().min(room.len());
        let (now, later) = room.split_at_mut(fits);
        now.copy_from_slice(bytes.get(..fits).unwrap_or_default());
        room = later;
        used += fits;
    }
    Ok(u32::try_from(used).map_err(|_| INVALID)?)
}

fn seek(call: &mut Call<'_>, fd: u32, offset: i64, whence: u32, place: u32) -> Result<(), Stop> {
    if fd <= 2 {
        return Err(ILLEGAL_SEEK.into());
    }
    let whence = u8::try_from(whence).map_err(|_| INVALID)?;
    let position = call.data_mut().wasi.files.seek(fd, offset, whence)?;
    Ok(write(call, place, &position.to_le_bytes())?)
}

/// Reads a file into the guest's vectors; how many bytes.
pub(super) fn read(call: &mut Call<'_>, fd: u32, vectors: u32, count: u32, offset: Option<u64>) -> Result<u32, Stop> {
    is_open(call, fd)?;
    let memory = memory(call).ok_or(FAULT)?;
    let (data, host) = memory.data_and_store_mut(call);
    let mut total: u32 = 0;
    for place in places(data, vectors, count)?.0 {
        let place = data.get_mut(place).ok_or(FAULT)?;
        let wanted = place.len();
        // A part at a time: a read may give less than was asked for.
        let place = place.get_mut(..wanted.min(PART)).unwrap_or_default();
        let at = offset.map(|offset| offset.checked_add(u64::from(total)).ok_or(INVALID)).transpose()?;
        let read = host.wasi.files.read(&mut host.granted.files, fd, place, at)?;
        total = total.saturating_add(u32::try_from(read).map_err(|_| INVALID)?);
        if read < wanted {
            break;
        }
    }
    Ok(total)
}

/// Writes the guest's vectors to a file; how many bytes.
pub(super) fn written(
    call: &mut Call<'_>,
    fd: u32,
    vectors: u32,
    count: u32,
    offset: Option<u64>,
) -> Result<u32, Stop> {
    is_open(call, fd)?;
    let memory = memory(call).ok_or(FAULT)?;
    let (data, host) = memory.data_and_store_mut(call);
    let (places, total) = places(data, vectors, count)?;
    let mut done: u64 = 0;
    for place in places {
        let bytes = data.get(place).ok_or(FAULT)?;
        let at = offset.map(|offset| offset.checked_add(done).ok_or(INVALID)).transpose()?;
        host.wasi.files.write(&mut host.granted.files, fd, bytes, at)?;
        done += bytes.len() as u64;
    }
    Ok(total)
}
