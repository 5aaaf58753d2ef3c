//! WASI preview 1: for commands ([`program`]), and for plugins whose toolchain insists on it (Go, many others).
//!
//! A plugin finds nothing there: no arguments, no environment, no files, no sockets; what it writes to its standard
//! output and error goes to the log. A command has the arguments and variables of its configuration, the stream as its
//! standard input, and its standard output is the answer. The clock and the random numbers are the same in every run
//! unless the real ones are granted, so that renders stay reproducible. Folders that are granted are there, below their
//! names in the guest ([`files`]). Windlass has its own implementation because it is small, never blocks (a sleep only
//! moves the guest's own clock, so that the deadline always holds), and needs no async runtime.

mod calls;
mod errno;
mod files;
mod program;
mod scratch;

use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

use wasmtime::{Caller, Extern, Memory};
use windlass_abi::capabilities::Capability;

use super::functions::{HostFunction, host_function};
use super::{Host, granted};
use crate::error::Error;

use errno::{BAD_FILE, Errno, FAULT, INTERRUPTED, INVALID, NOT_SUPPORTED, SUCCESS, Stop};
use files::FileType;

pub(super) use files::{Given, Table};
pub(super) use program::Program;

/// The module of the imports.
pub(super) const MODULE: &str = "wasi_snapshot_preview1";

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

type Call<'a> = Caller<'a, Host>;

/// Every function but those on files, which are [`calls::FUNCTIONS`].
pub(super) const FUNCTIONS: &[HostFunction] = &[
    // What is about something that no guest has.
    host_function!(MODULE, "clock_res_get", "ii:i", |_: Call<'_>, _: u32, _: u32| NOT_SUPPORTED),
    host_function!(MODULE, "proc_raise", "i:i", |_: Call<'_>, _: u32| NOT_SUPPORTED),
    host_function!(MODULE, "sock_accept", "iii:i", |_: Call<'_>, _: u32, _: u32, _: u32| BAD_FILE),
    host_function!(MODULE, "sock_recv", "iiiiii:i", |_: Call<'_>, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32| {
        BAD_FILE
    }),
    host_function!(MODULE, "sock_send", "iiiii:i", |_: Call<'_>, _: u32, _: u32, _: u32, _: u32, _: u32| BAD_FILE),
    host_function!(MODULE, "sock_shutdown", "ii:i", |_: Call<'_>, _: u32, _: u32| BAD_FILE),
    host_function!(MODULE, "args_get", "ii:i", |mut call: Call<'_>, places: u32, texts: u32| {
        answer(write_texts(&mut call, Program::args, places, texts))
    }),
    host_function!(MODULE, "args_sizes_get", "ii:i", |mut call: Call<'_>, count: u32, size: u32| {
        answer(write_sizes(&mut call, Program::args, count, size))
    }),
    host_function!(MODULE, "clock_time_get", "iIi:i", |mut call: Call<'_>, clock: u32, _: u64, place: u32| {
        if clock > 3 {
            return INVALID;
        }
        let now = call.data_mut().wasi.now(clock == 0);
        errno(write(&mut call, place, &now.to_le_bytes()))
    }),
    host_function!(MODULE, "environ_get", "ii:i", |mut call: Call<'_>, places: u32, texts: u32| {
        answer(write_texts(&mut call, Program::env, places, texts))
    }),
    host_function!(MODULE, "environ_sizes_get", "ii:i", |mut call: Call<'_>, count: u32, size: u32| {
        answer(write_sizes(&mut call, Program::env, count, size))
    }),
    host_function!(MODULE, "fd_close", "i:i", |mut call: Call<'_>, fd: u32| {
        if fd <= 2 { SUCCESS } else { errno(call.data_mut().wasi.files.close(fd)) }
    }),
    host_function!(MODULE, "fd_fdstat_get", "ii:i", |mut call: Call<'_>, fd: u32, place: u32| {
        if fd > 2 {
            return answer(calls::fdstat(&mut call, fd, place));
        }
        let mut stat = [0_u8; 24];
        // To a plugin a character device, as in Helm's engine; to a command something that is no terminal, or tools
        // would write colours, or wait for a person.
        let is_command = call.data().wasi.program.is_some();
        stat[0] = if is_command { FileType::Unknown } else { FileType::CharacterDevice } as u8;
        // It may be read (input) or written (output and error).
        let rights: u64 = if fd == 0 { 1 << 1 } else { 1 << 6 };
        stat[8..16].copy_from_slice(&rights.to_le_bytes());
        answer(write(&mut call, place, &stat).map_err(Stop::from))
    }),
    host_function!(MODULE, "fd_read", "iiii:i", |mut call: Call<'_>, fd: u32, vectors: u32, count: u32, read: u32| {
        let total = match fd {
            0 => fd_read(&mut call, vectors, count).map_err(Stop::from),
            1 | 2 => Err(BAD_FILE.into()),
            fd => calls::read(&mut call, fd, vectors, count, None),
        };
        answer(total.and_then(|total| Ok(write(&mut call, read, &total.to_le_bytes())?)))
    }),
    host_function!(MODULE, "fd_write", "iiii:i", |mut call: Call<'_>,
                                                  fd: u32,
                                                  vectors: u32,
                                                  count: u32,
                                                  written: u32| {
        answer(fd_write(&mut call, fd, vectors, count, written))
    }),
    host_function!(MODULE, "poll_oneoff", "iiii:i", |mut call: Call<'_>,
                                                     subscriptions: u32,
                                                     events: u32,
                                                     count: u32,
                                                     done: u32| {
        errno(
            poll_oneoff(&mut call, subscriptions, events, count)
                .and_then(|()| write(&mut call, done, &count.to_le_bytes())),
        )
    }),
    host_function!(MODULE, "proc_exit", "i:", |_: Call<'_>, code: u32| -> wasmtime::Result<()> {
        Err(wasmtime::Error::new(Exit(code)))
    }),
    host_function!(MODULE, "random_get", "ii:i", |mut call: Call<'_>, place: u32, length: u32| {
        answer(random_get(&mut call, place, length))
    }),
    host_function!(MODULE, "sched_yield", ":i", |_: Call<'_>| SUCCESS),
];

pub(super) use calls::FUNCTIONS as ON_FILES;

/// Which grants open a function to more than what everybody gets.
pub(crate) fn opened_by(name: &str) -> &'static [Capability] {
    match name {
        "environ_get" => &[Capability::Env],
        "clock_time_get" => &[Capability::Clock],
        "random_get" => &[Capability::Random],
        "path_open" => &[Capability::Read, Capability::Write],
        _ => &[],
    }
}

/// The guest's clock and random numbers, and what a command works on.
#[derive(Debug)]
pub(super) struct State {
    /// Nanoseconds since the run began, by the guest's own clock. With the real clock, what it has slept.
    elapsed: u64,
    random: u64,
    has_real_clock: bool,
    has_real_random: bool,
    /// None for a plugin.
    pub(super) program: Option<Program>,
    pub(super) files: Table,
}

impl State {
    /// `has` tells what the guest was granted.
    pub(super) fn new(has: impl Fn(Capability) -> bool, files: Table) -> Self {
        let (has_real_clock, has_real_random) = (has(Capability::Clock), has(Capability::Random));
        Self { elapsed: 0, random: 42, has_real_clock, has_real_random, program: None, files }
    }

    /// What the clock says, in nanoseconds: the wall clock, or one that starts with the run.
    fn now(&mut self, is_wall: bool) -> u64 {
        if self.has_real_clock {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            return u64::try_from(since.as_nanos()).unwrap_or(u64::MAX).saturating_add(self.elapsed);
        }
        let now = if is_wall { CLOCK_START } else { 0 }.wrapping_add(self.elapsed);
        self.elapsed = self.elapsed.wrapping_add(CLOCK_STEP);
        now
    }

    /// Moves the clock by a sleep, which takes no time.
    fn sleep(&mut self, is_wall: bool, nanoseconds: u64, is_absolute: bool) {
        self.elapsed = if !is_absolute {
            self.elapsed.saturating_add(nanoseconds)
        } else if self.has_real_clock {
            let now = self.now(is_wall);
            self.elapsed.saturating_add(nanoseconds.saturating_sub(now))
        } else {
            // Of either clock: the later of now and then.
            let start = if is_wall { CLOCK_START } else { 0 };
            self.elapsed.max(nanoseconds.saturating_sub(start))
        };
    }

    fn fill_random(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        if self.has_real_random {
            return granted::fill_random(bytes);
        }
        for piece in bytes.chunks_mut(8) {
            let word = self.next_random().to_le_bytes();
            piece.iter_mut().zip(word).for_each(|(byte, random)| *byte = random);
        }
        Ok(())
    }

    /// SplitMix64: even, fast, and the same in every run.
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn errno(result: Result<(), Errno>) -> i32 {
    result.err().unwrap_or(SUCCESS)
}

fn answer(result: Result<(), Stop>) -> wasmtime::Result<i32> {
    match result {
        Ok(()) => Ok(SUCCESS),
        Err(Stop::Answer(errno)) => Ok(errno),
        Err(Stop::End(error)) => Err(wasmtime::Error::new(error)),
    }
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

/// The places that the guest's vectors name, all inside its memory, and their bytes together.
fn places(data: &[u8], vectors: u32, count: u32) -> Result<(Vec<Range<usize>>, u32), Errno> {
    if count > MAX_VECTORS {
        return Err(INVALID);
    }
    let mut places = Vec::with_capacity(count as usize);
    let mut total: u32 = 0;
    for index in 0..count as usize {
        let vector = (vectors as usize).checked_add(index * 8).ok_or(FAULT)?;
        let start = u32_at(data, vector)? as usize;
        let length = u32_at(data, vector.checked_add(4).ok_or(FAULT)?)?;
        let end = start.checked_add(length as usize).filter(|end| *end <= data.len()).ok_or(FAULT)?;
        total = total.checked_add(length).ok_or(INVALID)?;
        places.push(start..end);
    }
    Ok((places, total))
}

/// Standard input: of a command the stream, of a plugin nothing.
fn fd_read(call: &mut Call<'_>, vectors: u32, count: u32) -> Result<u32, Errno> {
    let memory = memory(call).ok_or(FAULT)?;
    let (data, host) = memory.data_and_store_mut(call);
    let Some(program) = &mut host.wasi.program else { return Ok(0) };
    let mut total: u32 = 0;
    for place in places(data, vectors, count)?.0 {
        let place = data.get_mut(place).ok_or(FAULT)?;
        let read = program.read_stdin(place);
        total = total.saturating_add(u32::try_from(read).map_err(|_| INVALID)?);
        if read < place.len() {
            break;
        }
    }
    Ok(total)
}

/// Standard output and error: the answer of a command, and what goes to the log.
fn fd_write(call: &mut Call<'_>, fd: u32, vectors: u32, count: u32, written: u32) -> Result<(), Stop> {
    if !matches!(fd, 1 | 2) {
        let total = if fd == 0 { Err(BAD_FILE.into()) } else { calls::written(call, fd, vectors, count, None) }?;
        return Ok(write(call, written, &total.to_le_bytes())?);
    }
    let memory = memory(call).ok_or(FAULT)?;
    let (data, host) = memory.data_and_store_mut(&mut *call);
    let (places, total) = places(data, vectors, count)?;
    for place in places {
        let bytes = data.get(place).ok_or(FAULT)?;
        match &mut host.wasi.program {
            Some(program) if fd == 1 => program.write_stdout(bytes, &mut host.budget)?,
            Some(program) => {
                program.write_stderr(bytes);
                host.logs.write(bytes);
            }
            None => host.logs.write(bytes),
        }
    }
    Ok(write(call, written, &total.to_le_bytes())?)
}

/// A command's arguments or variables: where each begins, and the texts one after the other.
fn write_texts(call: &mut Call<'_>, of: fn(&Program) -> &[Vec<u8>], places: u32, texts: u32) -> Result<(), Stop> {
    let memory = memory(call).ok_or(FAULT)?;
    let (data, host) = memory.data_and_store_mut(call);
    let mut place = places as usize;
    let mut start = texts as usize;
    for text in host.wasi.program.as_ref().map(of).unwrap_or_default() {
        let address = u32::try_from(start).map_err(|_| FAULT)?.to_le_bytes();
        for (at, bytes) in [(&mut place, address.as_slice()), (&mut start, text)] {
            let end = at.checked_add(bytes.len()).ok_or(FAULT)?;
            data.get_mut(*at..end).ok_or(FAULT)?.copy_from_slice(bytes);
            *at = end;
        }
    }
    Ok(())
}

/// How many texts there are, and their bytes.
fn write_sizes(call: &mut Call<'_>, of: fn(&Program) -> &[Vec<u8>], count: u32, size: u32) -> Result<(), Stop> {
    let texts = call.data().wasi.program.as_ref().map(of).unwrap_or_default();
    let (number, bytes) = (texts.len(), texts.iter().map(Vec::len).sum::<usize>());
    for (place, number) in [(count, number), (size, bytes)] {
        let number = u32::try_from(number).map_err(|_| INVALID)?;
        write(call, place, &number.to_le_bytes())?;
    }
    Ok(())
}

fn random_get(call: &mut Call<'_>, place: u32, length: u32) -> Result<(), Stop> {
    let memory = memory(call).ok_or(FAULT)?;
    let (data, host) = memory.data_and_store_mut(call);
    let start = place as usize;
    let end = start.checked_add(length as usize).ok_or(FAULT)?;
    for part in data.get_mut(start..end).ok_or(FAULT)?.chunks_mut(PART) {
        if host.is_over() {
            // The guest ends as soon as it is back in its own code.
            return Err(INTERRUPTED.into());
        }
        host.wasi.fill_random(part)?;
    }
    Ok(())
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
            host.wasi.sleep(subscription[16] == 0, nanoseconds, subscription[40] & 1 == 1);
        }
        let place = (events as usize).checked_add(index * EVENT).ok_or(FAULT)?;
        let place = place.checked_add(EVENT).and_then(|end| data.get_mut(place..end)).ok_or(FAULT)?;
        place.copy_from_slice(&event);
    }
    Ok(())
}
