//! WASI preview 1 for guests whose toolchain insists on it (Go, many others): nothing is there.
//!
//! No arguments, no environment, no files, no sockets; the clock and the random numbers are the same in every run, so
//! that renders stay reproducible. What a guest writes to its standard output and error goes to the log. Windlass has its
//! own implementation because this much of nothing is small, never blocks (a sleep only moves the guest's own clock,
//! so that the deadline always holds), and needs no async runtime.

use wasmtime::{Caller, Extern, Linker, Memory, Val};

use super::Host;
use crate::error::Error;

/// The module of the imports.
pub(super) const MODULE: &str = "wasi_snapshot_preview1";

// Error numbers of WASI preview 1.
const SUCCESS: i32 = 0;
const BAD_FILE: i32 = 8;
const FAULT: i32 = 21;
const INTERRUPTED: i32 = 27;
const INVALID: i32 = 28;
const NOT_SUPPORTED: i32 = 58;
const ILLEGAL_SEEK: i32 = 70;

/// 1 January 2022, where wazero's clock, and so Helm's, starts too; nanoseconds.
const CLOCK_START: u64 = 1_640_995_200_000_000_000;
/// How far each look moves the clock, as wazero does; nanoseconds.
const CLOCK_STEP: u64 = 1_000_000;
/// How many bytes are worked on between two looks at the clock.
const PART: usize = 1 << 20;
/// The most pieces of one write or read.
const MAX_VECTORS: u32 = 1024;
/// The most subscriptions of one poll.
const MAX_SUBSCRIPTIONS: u32 = 4096;

/// The guest ended itself by `proc_exit`, with this code.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exit(pub(super) u32);

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "it ended itself with code {} instead of answering", self.0)
    }
}

impl std::error::Error for Exit {}

impl From<Exit> for Error {
    fn from(exit: Exit) -> Self {
        Self::refused(exit.to_string()).hint("build it as a reactor, not as a command; for Go: `-buildmode=c-shared`")
    }
}

/// What every function answers that is about something a guest does not have; others are in [`define`].
const FIXED: [(&str, &str, i32); 32] = [
    ("clock_res_get", "ii:i", NOT_SUPPORTED),
    ("fd_advise", "iIIi:i", BAD_FILE),
    ("fd_allocate", "iII:i", BAD_FILE),
    ("fd_datasync", "i:i", BAD_FILE),
    ("fd_fdstat_set_flags", "ii:i", BAD_FILE),
    ("fd_fdstat_set_rights", "iII:i", BAD_FILE),
    ("fd_filestat_get", "ii:i", BAD_FILE),
    ("fd_filestat_set_size", "iI:i", BAD_FILE),
    ("fd_filestat_set_times", "iIIi:i", BAD_FILE),
    ("fd_pread", "iiiIi:i", BAD_FILE),
    ("fd_prestat_dir_name", "iii:i", BAD_FILE),
    ("fd_prestat_get", "ii:i", BAD_FILE),
    ("fd_pwrite", "iiiIi:i", BAD_FILE),
    ("fd_readdir", "iiiIi:i", BAD_FILE),
    ("fd_renumber", "ii:i", BAD_FILE),
    ("fd_seek", "iIii:i", ILLEGAL_SEEK),
    ("fd_sync", "i:i", BAD_FILE),
    ("fd_tell", "ii:i", ILLEGAL_SEEK),
    ("path_create_directory", "iii:i", BAD_FILE),
    ("path_filestat_get", "iiiii:i", BAD_FILE),
    ("path_filestat_set_times", "iiiiIIi:i", BAD_FILE),
    ("path_link", "iiiiiii:i", BAD_FILE),
    ("path_open", "iiiiiIIii:i", BAD_FILE),
    ("path_readlink", "iiiiii:i", BAD_FILE),
    ("path_remove_directory", "iii:i", BAD_FILE),
    ("path_rename", "iiiiii:i", BAD_FILE),
    ("path_symlink", "iiiii:i", BAD_FILE),
    ("path_unlink_file", "iii:i", BAD_FILE),
    ("proc_raise", "i:i", NOT_SUPPORTED),
    ("sock_accept", "iii:i", BAD_FILE),
    ("sock_recv", "iiiiii:i", BAD_FILE),
    ("sock_shutdown", "ii:i", BAD_FILE),
];

/// The functions that do something.
const ACTIVE: [(&str, &str); 14] = [
    ("args_get", "ii:i"),
    ("args_sizes_get", "ii:i"),
    ("clock_time_get", "iIi:i"),
    ("environ_get", "ii:i"),
    ("environ_sizes_get", "ii:i"),
    ("fd_close", "i:i"),
    ("fd_fdstat_get", "ii:i"),
    ("fd_read", "iiii:i"),
    ("fd_write", "iiii:i"),
    ("poll_oneoff", "iiii:i"),
    ("proc_exit", "i:"),
    ("random_get", "ii:i"),
    ("sched_yield", ":i"),
    ("sock_send", "iiiii:i"),
];

/// The guest's clock and random numbers.
#[derive(Debug)]
pub(super) struct State {
    /// Nanoseconds since the run began, by the guest's own clock.
    elapsed: u64,
    random: u64,
}

impl Default for State {
    fn default() -> Self {
        Self { elapsed: 0, random: 42 }
    }
}

impl State {
    /// SplitMix64: even, fast, and the same in every run.
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// The signature of the function `name`; none if there is no such function.
pub(super) fn signature(name: &str) -> Option<&'static str> {
    let fixed = FIXED.iter().find(|(known, ..)| *known == name).map(|(_, signature, _)| *signature);
    fixed.or_else(|| ACTIVE.iter().find(|(known, _)| *known == name).map(|(_, signature)| *signature))
}

/// The names of all functions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FIXED.iter().map(|(name, ..)| *name).chain(ACTIVE.iter().map(|(name, _)| *name))
}

type Call<'a> = Caller<'a, Host>;

/// Defines the function `name`, which must be in one of the tables.
pub(super) fn define(linker: &mut Linker<Host>, name: &str) -> wasmtime::Result<()> {
    if let Some((_, signature, answer)) = FIXED.iter().find(|(known, ..)| *known == name) {
        let function = function_type(linker.engine(), signature);
        let answer = *answer;
        return linker
            .func_new(MODULE, name, function, move |_, _, results| {
                if let Some(result) = results.first_mut() {
                    *result = Val::I32(answer);
                }
                Ok(())
            })
            .map(|_| ());
    }
    match name {
        "args_get" | "environ_get" => linker.func_wrap(MODULE, name, |_: Call<'_>, _: u32, _: u32| SUCCESS),
        "args_sizes_get" | "environ_sizes_get" => {
            linker.func_wrap(MODULE, name, |mut call: Call<'_>, count: u32, size: u32| {
                answer(write(&mut call, count, &[0; 4]).and_then(|()| write(&mut call, size, &[0; 4])))
            })
        }
        "clock_time_get" => linker.func_wrap(MODULE, name, |mut call: Call<'_>, clock: u32, _: u64, place: u32| {
            let state = &mut call.data_mut().wasi;
            let start = match clock {
                0 => CLOCK_START,
                1..=3 => 0,
                _ => return INVALID,
            };
            let now = start.wrapping_add(state.elapsed);
            state.elapsed = state.elapsed.wrapping_add(CLOCK_STEP);
            answer(write(&mut call, place, &now.to_le_bytes()))
        }),
        "fd_close" => linker.func_wrap(MODULE, name, |_: Call<'_>, fd: u32| if fd <= 2 { SUCCESS } else { BAD_FILE }),
        "fd_fdstat_get" => linker.func_wrap(MODULE, name, |mut call: Call<'_>, fd: u32, place: u32| {
            if fd > 2 {
                return BAD_FILE;
            }
            // A character device without flags, which may be read (input) or written (output and error).
            let mut stat = [0_u8; 24];
            let rights: u64 = if fd == 0 { 1 << 1 } else { 1 << 6 };
            stat[0] = 2;
            stat[8..16].copy_from_slice(&rights.to_le_bytes());
            answer(write(&mut call, place, &stat))
        }),
        "fd_read" => {
            linker.func_wrap(
                MODULE,
                name,
                |mut call: Call<'_>, fd: u32, _: u32, _: u32, read: u32| {
                    if fd != 0 { BAD_FILE } else { answer(write(&mut call, read, &[0; 4])) }
                },
            )
        }
        "fd_write" => {
            linker.func_wrap(MODULE, name, |mut call: Call<'_>, fd: u32, vectors: u32, count: u32, written: u32| {
                if !matches!(fd, 1 | 2) {
                    return BAD_FILE;
                }
                answer(
                    fd_write(&mut call, vectors, count)
                        .and_then(|total| write(&mut call, written, &total.to_le_bytes())),
                )
            })
        }
        "sock_send" => linker.func_wrap(MODULE, name, |_: Call<'_>, _: u32, _: u32, _: u32, _: u32, _: u32| BAD_FILE),
        "poll_oneoff" => linker.func_wrap(
            MODULE,
            name,
            |mut call: Call<'_>, subscriptions: u32, events: u32, count: u32, done: u32| {
                answer(
                    poll_oneoff(&mut call, subscriptions, events, count)
                        .and_then(|()| write(&mut call, done, &count.to_le_bytes())),
                )
            },
        ),
        "proc_exit" => linker.func_wrap(MODULE, name, |_: Call<'_>, code: u32| -> wasmtime::Result<()> {
            Err(wasmtime::Error::new(Exit(code)))
        }),
        "random_get" => linker.func_wrap(MODULE, name, |mut call: Call<'_>, place: u32, length: u32| {
            let Some(memory) = memory(&mut call) else { return FAULT };
            let (data, host) = memory.data_and_store_mut(&mut call);
            let start = place as usize;
            let Some(bytes) = start.checked_add(length as usize).and_then(|end| data.get_mut(start..end)) else {
                return FAULT;
            };
            for part in bytes.chunks_mut(PART) {
                if host.is_over() {
                    // The guest ends as soon as it is back in its own code.
                    return INTERRUPTED;
                }
                for piece in part.chunks_mut(8) {
                    let word = host.wasi.next_random().to_le_bytes();
                    piece.iter_mut().zip(word).for_each(|(byte, random)| *byte = random);
                }
            }
            SUCCESS
        }),
        "sched_yield" => linker.func_wrap(MODULE, name, |_: Call<'_>| SUCCESS),
        _ => return Ok(()),
    }
    .map(|_| ())
}

fn function_type(engine: &wasmtime::Engine, signature: &str) -> wasmtime::FuncType {
    let value = |letter: char| if letter == 'I' { wasmtime::ValType::I64 } else { wasmtime::ValType::I32 };
    let (parameters, results) = signature.split_once(':').unwrap_or_default();
    wasmtime::FuncType::new(engine, parameters.chars().map(value), results.chars().map(value))
}

/// An error number: what a failed access to the guest's memory answers.
type Errno = i32;

fn answer(result: Result<(), Errno>) -> i32 {
    result.err().unwrap_or(SUCCESS)
}

fn memory(call: &mut Call<'_>) -> Option<Memory> {
    call.get_export("memory").and_then(Extern::into_memory)
}

fn write(call: &mut Call<'_>, address: u32, bytes: &[u8]) -> Result<(), Errno> {
    let memory = memory(call).ok_or(FAULT)?;
    memory.write(call, address as usize, bytes).map_err(|_| FAULT)
}

fn u32_at(data: &[u8], address: usize) -> Result<u32, Errno> {
    let bytes = address.checked_add(4).and_then(|end| data.get(address..end)).ok_or(FAULT)?;
    bytes.try_into().map(u32::from_le_bytes).map_err(|_| FAULT)
}

/// Takes what the guest writes into the log, all of it at once.
fn fd_write(call: &mut Call<'_>, vectors: u32, count: u32) -> Result<u32, Errno> {
    if count > MAX_VECTORS {
        return Err(INVALID);
    }
    let memory = memory(call).ok_or(FAULT)?;
    let (data, host) = memory.data_and_store_mut(call);
    let mut total: u32 = 0;
    for index in 0..count as usize {
        let vector = (vectors as usize).checked_add(index * 8).ok_or(FAULT)?;
        let start = u32_at(data, vector)? as usize;
        let length = u32_at(data, vector.checked_add(4).ok_or(FAULT)?)?;
        let bytes = start.checked_add(length as usize).and_then(|end| data.get(start..end)).ok_or(FAULT)?;
        total = total.checked_add(length).ok_or(INVALID)?;
        host.logs.write(bytes);
    }
    Ok(total)
}

/// Everything that is waited for has happened: a sleep moves the guest's clock and nothing else.
fn poll_oneoff(call: &mut Call<'_>, subscriptions: u32, events: u32, count: u32) -> Result<(), Errno> {
    const SUBSCRIPTION: usize = 48;
    const EVENT: usize = 32;
    if count == 0 || count > MAX_SUBSCRIPTIONS {
        return Err(INVALID);
    }
    let memory = memory(call).ok_or(FAULT)?;
    let (data, host) = memory.data_and_store_mut(call);
    for index in 0..count as usize {
        let start = (subscriptions as usize).checked_add(index * SUBSCRIPTION).ok_or(FAULT)?;
        let subscription: [u8; SUBSCRIPTION] = start
            .checked_add(SUBSCRIPTION)
            .and_then(|end| data.get(start..end))
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(FAULT)?;
        let mut event = [0_u8; EVENT];
        event[..8].copy_from_slice(&subscription[..8]);
        let kind = subscription[8];
        event[10] = kind;
        if kind == 0 {
            let mut nanoseconds = [0; 8];
            nanoseconds.copy_from_slice(&subscription[24..32]);
            let nanoseconds = u64::from_le_bytes(nanoseconds);
            let is_absolute = subscription[40] & 1 == 1;
            host.wasi.elapsed = if is_absolute {
                // Of either clock: the later of now and then.
                let start = if subscription[16] == 0 { CLOCK_START } else { 0 };
                host.wasi.elapsed.max(nanoseconds.saturating_sub(start))
            } else {
                host.wasi.elapsed.saturating_add(nanoseconds)
            };
        }
        let place = (events as usize).checked_add(index * EVENT).ok_or(FAULT)?;
        let place = place.checked_add(EVENT).and_then(|end| data.get_mut(place..end)).ok_or(FAULT)?;
        place.copy_from_slice(&event);
    }
    Ok(())
}
