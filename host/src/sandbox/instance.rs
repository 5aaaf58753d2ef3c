//! Code, grants and limits to a live instance with a store of its own.
//!
//! Everything is denied and counted before the guest's first instruction: start functions and initialisers run under
//! the same deadline and the same memory budget as the entry.

mod budget;
mod extism;
mod functions;
mod granted;
mod imports;
mod kernel;
mod logs;
mod wasi;
mod watchdog;

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use budget::Budget;
use kernel::Kernel;
use logs::Logs;
use wasmtime::{Memory, Store, Trap, TypedFunc, WasmParams, WasmResults};
use watchdog::{End, Watchdog};
use windlass_abi::capabilities::Capability;
use windlass_abi::raw;

use crate::cluster::Connection;
use crate::command::{self, CommandLine};
use crate::error::Error;
use crate::event::LogLevel;
use crate::finding::Found;
use crate::pages::{WORTH_HUGE, prefer_huge};
use crate::sandbox::compile::Compiled;
use crate::sandbox::grants::{self, Grants};
use crate::sandbox::limits::Limits;
use crate::sandbox::stream::{Held, Stream};
use crate::text::printable;

pub(crate) use imports::{ImportNeed, asks, host_functions, import_need, opened_by};

/// The most bytes of a guest's error text that are shown.
const MAX_ERROR_TEXT_BYTES: usize = crate::error::MAX_ERROR_TEXT as usize;

/// What the host functions of one run work on.
struct Host {
    budget: Budget,
    kernel: Kernel,
    config: Vec<(String, String)>,
    variables: std::collections::BTreeMap<Vec<u8>, Vec<u8>>,
    logs: Logs,
    wasi: wasi::State,
    granted: granted::Granted,
    deadline: Instant,
}

impl Host {
    /// Whether the run's time is over: what a host function asks that works on as much as the guest says.
    fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }
}

/// How a plugin takes its stream.
pub(crate) enum Entry {
    /// Stream in, stream out, in the guest's own memory.
    Raw { alloc: TypedFunc<i32, i32>, render: TypedFunc<(i32, i32, i32, i32), i64> },
    /// Helm's JSON message through Extism's input and output.
    Message(MessageEntry),
    /// Standard input and output of a whole program.
    Command(TypedFunc<(), ()>),
}

/// `helm_plugin_main`, which by custom returns a code, and need not.
pub(crate) enum MessageEntry {
    WithCode(TypedFunc<(), i32>),
    WithoutCode(TypedFunc<(), ()>),
}

/// A plugin that is ready to be called once.
pub(crate) struct Instance {
    store: Store<Host>,
    instance: wasmtime::Instance,
    memory: Option<Memory>,
    limits: Limits,
    is_command: bool,
    // Dropped last: it must watch until the guest is gone.
    _watchdog: Watchdog,
}

/// What a run brings with it beside the stream.
pub(crate) struct Setup<'a> {
    pub(crate) config: &'a [(String, String)],
    pub(crate) grants: &'a Grants,
    pub(crate) limits: &'a Limits,
    pub(crate) cluster: &'a Connection,
    pub(crate) log_level: LogLevel,
    pub(crate) stream_length: usize,
}

/// What is left of an instance when it is done.
pub(crate) struct InstanceReport {
    pub(crate) logs: Vec<(LogLevel, String)>,
    pub(crate) found: Found,
    /// What it looked for and no grant covers.
    pub(crate) sought: Vec<(Capability, String)>,
    pub(crate) peak_memory: u64,
}

/// Why there is no instance, with what the guest had logged until then.
pub(crate) struct StartFailure {
    pub(crate) error: Error,
    pub(crate) logs: Vec<(LogLevel, String)>,
    pub(crate) found: Found,
}

impl Instance {
    /// Links what the module imports and is granted, and runs its start function and initialiser.
    ///
    /// # Errors
    /// It asks for something that was not granted or does not exist (exit 3), its start fails (exit 1) or hits a limit
    /// (exit 4).
    pub(crate) fn new(compiled: &Compiled, setup: &Setup<'_>) -> Result<Self, StartFailure> {
        let early = |error| StartFailure { error, logs: Vec::new(), found: Found::default() };
        let linker = imports::link(compiled, setup.grants).map_err(early)?;
        let reach = imports::reach_through_wasi(compiled, setup.grants).map_err(early)?;
        let deadline = Instant::now() + setup.limits.timeout;
        let granted = granted::Granted::new(setup.grants, setup.cluster, deadline).map_err(early)?;
        let given = wasi::Given {
            read: reach.contains(&Capability::Read),
            write: reach.contains(&Capability::Write),
            times: reach.contains(&Capability::Clock),
            root: compiled.is_command(),
            scratch: setup.limits.scratch.map_or(0, |size| size.0),
        };
        let files = wasi::Table::new(&granted.files, given).map_err(early)?;
        let host = Host {
            budget: Budget::new(setup.limits.memory_for(setup.stream_length, compiled.prints_anew())),
            kernel: Kernel::new(Vec::new()),
            config: setup.config.to_vec(),
            variables: Default::default(),
            logs: Logs::new(setup.log_level),
            wasi: wasi::State::new(|capability| reach.contains(&capability), files),
            granted,
            deadline,
        };
        let mut store = Store::new(compiled.module().engine(), host);
        store.limiter(|host| &mut host.budget);
        let end = compiled.ending().map(|ending| End {
            ending: Arc::clone(ending),
            error: ran_too_long(setup.limits).in_plugin(compiled.name()),
        });
        let watchdog = Watchdog::start(&mut store, deadline, end).map_err(early)?;
        let instance = match linker.instantiate(&mut store, compiled.module()) {
            Ok(instance) => instance,
            Err(error) => {
                let error = failure(&mut store, setup.limits, error);
                let (logs, found) = store.into_data().logs.finish();
                return Err(StartFailure { error, logs, found });
            }
        };
        let memory = instance.get_memory(&mut store, raw::MEMORY);
        if let Some(memory) = memory {
            prefer_huge(memory.data_ptr(&store), expected_memory(setup.stream_length));
        }
        let (limits, is_command) = (setup.limits.clone(), compiled.is_command());
        let mut own = Self { store, instance, memory, limits, is_command, _watchdog: watchdog };
        match own.initialise() {
            Ok(()) => Ok(own),
            Err(error) => {
                let InstanceReport { logs, found, .. } = own.finish().0;
                Err(StartFailure { error, logs, found })
            }
        }
    }

    /// Calls what toolchains make to set up their runtime, as Extism does: a reactor's `_initialize`, else the bare
    /// constructors.
    fn initialise(&mut self) -> Result<(), Error> {
        // A command does it itself, in `_start`.
        if self.is_command {
            return Ok(());
        }
        for name in ["_initialize", "__wasm_call_ctors"] {
            if let Ok(function) = self.instance.get_typed_func::<(), ()>(&mut self.store, name) {
                return self.call(&function, ());
            }
        }
        Ok(())
    }

    /// The entry to use: the raw one where there is one.
    pub(crate) fn entry(&mut self) -> Result<Entry, Error> {
        let (instance, store) = (&self.instance, &mut self.store);
        if let (Ok(alloc), Ok(render)) =
            (instance.get_typed_func(&mut *store, raw::ALLOC), instance.get_typed_func(&mut *store, raw::RENDER))
        {
            return Ok(Entry::Raw { alloc, render });
        }
        if let Ok(function) = instance.get_typed_func(&mut *store, raw::HELM_ENTRY) {
            return Ok(Entry::Message(MessageEntry::WithCode(function)));
        }
        if self.is_command
            && let Ok(start) = instance.get_typed_func(&mut *store, command::START)
        {
            return Ok(Entry::Command(start));
        }
        match instance.get_typed_func(&mut *store, raw::HELM_ENTRY) {
            Ok(function) => Ok(Entry::Message(MessageEntry::WithoutCode(function))),
            // The compiler checked that one of them is there.
            Err(error) => Err(Error::bug(format!("the plugin lost its entry: {error:#}"))),
        }
    }

    /// An export by name and type; none where it is not there or of another type.
    pub(crate) fn export<P: WasmParams, R: WasmResults>(&mut self, name: &str) -> Option<TypedFunc<P, R>> {
        self.instance.get_typed_func(&mut self.store, name).ok()
    }

    /// Calls the guest.
    ///
    /// # Errors
    /// A trap, an error of a host function, or a limit, each as it is told to the user.
    pub(crate) fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        function: &TypedFunc<P, R>,
        parameters: P,
    ) -> Result<R, Error> {
        match function.call(&mut self.store, parameters) {
            Ok(results) => Ok(results),
            Err(error) => Err(failure(&mut self.store, &self.limits, error)),
        }
    }

    /// Calls an entry that answers through Extism's output. A guest that ends itself with code 0 has returned 0: Go's
    /// runtime ends that way, and Extism's Go SDK, which is Helm's engine, takes it so (`extism.go`,
    /// `CallWithContext`).
    ///
    /// # Errors
    /// As [`Self::call`]; also where the guest ended itself with another code, or without having set an output.
    pub(crate) fn call_message(&mut self, entry: &MessageEntry) -> Result<i32, Error> {
        let called = match entry {
            MessageEntry::WithCode(function) => function.call(&mut self.store, ()),
            MessageEntry::WithoutCode(function) => function.call(&mut self.store, ()).map(|()| 0),
        };
        let error = match called {
            Ok(code) => return Ok(code),
            Err(error) => error,
        };
        // With an error's text it has failed, whatever the code says.
        let has_text = self.has_error_text();
        match error.downcast_ref::<wasi::Exit>() {
            Some(wasi::Exit(0)) if has_text || self.store.data().kernel.output_length() > 0 => Ok(0),
            _ => Err(failure(&mut self.store, &self.limits, error)),
        }
    }

    /// Runs a command with `stdin` as its standard input; what it wrote to its standard output when it is done.
    ///
    /// # Errors
    /// As [`Self::call`]; also where it ended itself with another code than 0: then what it wrote to its standard error
    /// is the error's text.
    pub(crate) fn run_command(
        &mut self,
        start: &TypedFunc<(), ()>,
        line: CommandLine,
        stdin: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let host = self.store.data_mut();
        host.budget.charge(stdin.len() as u64)?;
        let variables = host.granted.variables();
        host.wasi.program = Some(wasi::Program::new(line, variables, stdin.to_vec(), self.limits.max_output));
        let code = match start.call(&mut self.store, ()) {
            Ok(()) => 0,
            Err(error) => match error.downcast_ref::<wasi::Exit>() {
                Some(wasi::Exit(code)) => *code,
                None => {
                    let error = failure(&mut self.store, &self.limits, error);
                    return Err(self.with_missing_grants(error));
                }
            },
        };
        let program = self.store.data_mut().wasi.program.take();
        let mut program = program.ok_or_else(|| Error::bug("the command lost its standard output"))?;
        if code == 0 {
            return Ok(program.take_stdout());
        }
        let error = match program.stderr_text() {
            Some(text) => Error::refused(text).hint(format!("it ended with exit code {code}")),
            None => Error::refused(format!("it ended with exit code {code} and wrote nothing to its standard error")),
        };
        Err(self.with_missing_grants(error))
    }

    /// Says which grants would have covered what the guest looked for in vain.
    fn with_missing_grants(&self, error: Error) -> Error {
        let missed = self.store.data().wasi.files.missed().filter(|(_, path)| !is_of_systems(path));
        missed.take(MOST_MISSING).fold(error, |error, (capability, path)| {
            let Some(flag) = grants::flag_for(capability, path) else { return error };
            error.hint(format!("if it needs `{path}`, which no grant covers: add `{flag}`"))
        })
    }

    /// Hands over Extism's input.
    pub(crate) fn set_input(&mut self, input: Vec<u8>) -> Result<(), Error> {
        let host = self.store.data_mut();
        host.budget.charge(input.len() as u64)?;
        host.kernel = Kernel::new(input);
        Ok(())
    }

    /// Takes Extism's output; none if the guest set none.
    ///
    /// # Errors
    /// It is larger than the limit (exit 4).
    pub(crate) fn take_output(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let length = self.store.data().kernel.output_length();
        // Escaped as JSON a stream is longer, at most twice for text as it occurs; the stream is checked again.
        if length / 2 > self.limits.max_output.0 {
            return Err(self.too_much_output(length));
        }
        Ok(self.store.data_mut().kernel.take_output())
    }

    /// Copies `bytes` to `address` of the guest's memory.
    ///
    /// # Errors
    /// The guest gave an address outside its memory (exit 1).
    pub(crate) fn write_memory(&mut self, address: u32, bytes: &[u8]) -> Result<(), Error> {
        let memory = self.memory.ok_or_else(|| Error::refused("it exports no memory"))?;
        let start = address as usize;
        let place = start.checked_add(bytes.len()).and_then(|end| memory.data_mut(&mut self.store).get_mut(start..end));
        place.ok_or_else(|| outside_memory(address, bytes.len()))?.copy_from_slice(bytes);
        Ok(())
    }

    /// Where an answer of `length` bytes at `address` lies in the guest's memory.
    ///
    /// # Errors
    /// They are more than the output limit (exit 4) or not all inside the guest's memory (exit 1).
    pub(crate) fn answer_place(&self, address: u32, length: u32) -> Result<Range<usize>, Error> {
        if u64::from(length) > self.limits.max_output.0 {
            return Err(self.too_much_output(u64::from(length)));
        }
        let memory = self.memory.ok_or_else(|| Error::refused("it exports no memory"))?;
        let start = address as usize;
        match start.checked_add(length as usize) {
            Some(end) if end <= memory.data_size(&self.store) => Ok(start..end),
            _ => Err(outside_memory(address, length as usize)),
        }
    }

    /// The bytes at a place of the guest's memory.
    pub(crate) fn memory_bytes(&self, place: Range<usize>) -> &[u8] {
        self.memory.and_then(|memory| memory.data(&self.store).get(place)).unwrap_or_default()
    }

    pub(crate) fn too_much_output(&self, length: u64) -> Error {
        Error::limit(format!("it answered {length} bytes, more than {}", self.limits.max_output))
            .hint("if you trust it with more, raise the limit with `--max-output`")
    }

    pub(crate) fn max_output(&self) -> u64 {
        self.limits.max_output.0
    }

    /// Whether the guest set an error text. With one, code 0 is a failure too, as in Helm's engine.
    pub(crate) fn has_error_text(&mut self) -> bool {
        self.store.data_mut().kernel.error_bytes().is_some_and(|text| !text.is_empty())
    }

    /// The error text that the guest set, fit to be shown.
    pub(crate) fn error_text(&mut self) -> Option<String> {
        error_text(&mut self.store)
    }

    /// Ends the run: nothing of the guest is called any more, only its memory may be looked at.
    pub(crate) fn finish(mut self) -> (InstanceReport, GuestMemory) {
        let host = self.store.data_mut();
        host.kernel = Kernel::new(Vec::new());
        let (logs, found) = std::mem::replace(&mut host.logs, Logs::new(LogLevel::Off)).finish();
        let sought = host.wasi.files.missed().map(|(capability, path)| (capability, path.to_owned())).collect();
        let remains = InstanceReport { peak_memory: host.budget.peak(), logs, found, sought };
        (remains, GuestMemory { store: self.store, memory: self.memory })
    }
}

/// How many paths that no grant covers an error names.
const MOST_MISSING: usize = 3;

/// Whether programs look there for what the system, and no chart, has: time zones, certificates, terminals.
fn is_of_systems(path: &str) -> bool {
    ["/etc/", "/usr/", "/proc/", "/sys/", "/dev/"].iter().any(|start| path.starts_with(start))
}

/// How much of a guest's memory may be kept for the stream in it, beside three times its length: a plugin made with the
/// PDK holds what came, what it answered and little else.
const KEPT_MEMORY: usize = 8 << 20;

/// The memory of a guest that has ended.
pub(crate) struct GuestMemory {
    store: Store<Host>,
    memory: Option<Memory>,
}

impl GuestMemory {
    /// The stream at a place of the memory. It stays there, unless the memory is so large that keeping it would cost
    /// more than the copy.
    pub(crate) fn into_stream(self, place: Range<usize>) -> Stream {
        let Self { store, memory: Some(memory) } = self else { return Stream::default() };
        let is_small = memory.data_size(&store) <= place.len().saturating_mul(3).saturating_add(KEPT_MEMORY);
        let answered = Answered { store, memory, place };
        match is_small {
            true => Stream::in_plugin(answered),
            false => Stream::from(answered.bytes().to_vec()),
        }
    }
}

/// An answer in the memory of the guest that gave it.
struct Answered {
    store: Store<Host>,
    memory: Memory,
    place: Range<usize>,
}

impl Held for Answered {
    fn bytes(&self) -> &[u8] {
        self.memory.data(&self.store).get(self.place.clone()).unwrap_or_default()
    }

    fn memory(&self) -> u64 {
        self.store.data().budget.peak()
    }
}

/// How much memory a guest is likely to touch for a stream: the stream, an answer as long, and what it keeps beside
/// them. Nothing where small pages do.
fn expected_memory(stream_length: usize) -> usize {
    /// A guest has no more.
    const MOST: usize = 4 << 30;
    match stream_length {
        ..WORTH_HUGE => 0,
        length => length.saturating_mul(3).min(MOST),
    }
}

fn ran_too_long(limits: &Limits) -> Error {
    Error::limit(format!("it ran longer than {:?}", limits.timeout))
        .hint("if it needs longer, raise the limit with `--timeout`")
}

fn outside_memory(address: u32, length: usize) -> Error {
    Error::refused(format!("it answered with {length} bytes at {address:#x}, which are not all inside its memory"))
        .hint("this is a defect of the plugin or an attack; report it to the plugin's author")
}

fn error_text(store: &mut Store<Host>) -> Option<String> {
    let bytes = store.data_mut().kernel.error_bytes()?;
    let text = String::from_utf8_lossy(bytes.get(..MAX_ERROR_TEXT_BYTES).unwrap_or(bytes));
    let text = printable(text.trim());
    (!text.is_empty()).then(|| text.into_owned())
}

/// Says why guest code ended before it returned.
fn failure(store: &mut Store<Host>, limits: &Limits, error: wasmtime::Error) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(own) => return own,
        Err(other) => other,
    };
    if let Some(exit) = error.downcast_ref::<wasi::Exit>() {
        return (*exit).into();
    }
    let detail = format!("{error:?}");
    if let Some(trap) = error.downcast_ref::<Trap>() {
        match trap {
            Trap::Interrupt => {
                return ran_too_long(limits).detail(detail);
            }
            Trap::StackOverflow => {
                return Error::limit(format!(
                    "it called itself too deeply: more than {} of stack",
                    crate::limits::ByteSize(crate::limits::table::MAX_WASM_STACK)
                ))
                .hint("this is a defect of the plugin; report it to the plugin's author")
                .detail(detail);
            }
            _ => {}
        }
        // A PDK that catches a panic leaves its text behind before it traps.
        let trap = trap.to_string();
        let trap = trap.strip_prefix("wasm trap: ").unwrap_or(&trap);
        let stderr = store.data().wasi.program.as_ref().and_then(wasi::Program::stderr_text);
        let message = match (error_text(store), stderr) {
            (Some(text), _) => text,
            (None, Some(text)) => format!("it crashed ({trap}): {text}"),
            (None, None) => format!("it crashed: {trap}"),
        };
        return Error::refused(message)
            .hint("report it to the plugin's author; `windlass why` has the whole story")
            .detail(detail);
    }
    // Nothing else stops a guest but what the engine refuses when it makes memories and tables.
    Error::limit(format!("it cannot be started: {error:#}"))
        .hint("Windlass reserves 4 GiB of addresses (not of memory) for a plugin: where `ulimit -v` is set, raise it")
        .detail(detail)
}
