//! The compiler's child process: this same program, started with a hidden argument, with limits on its memory and CPU
//! time. The module goes in on its standard input, the code comes out on its standard output.
//!
//! Compilers are built for well-meant input: 82 KB of wasm have cost one 2.6 s and 1.2 GB. In a process of its own that
//! ends with a clear message instead of the user's machine.

use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use serde::{Deserialize, Serialize};

use super::{TrustedCode, engine, validate};
use crate::error::{Error, ExitCode};
use crate::limits::ByteSize;
use crate::limits::table::{CODE_AT_LEAST, CODE_FOR_BYTE, MAX_COMPILE_CLOCK, MAX_COMPILE_MEMORY, MAX_COMPILE_TIME};
use crate::sandbox::interruption::Interruption;
use crate::sandbox::limits::CompileLimits;

/// The hidden first argument that makes this program a compiler child: see [`main`].
pub const ARGUMENT: &str = "__compile";

/// The child's last argument where the code does not look at the clock.
const WITHOUT_EPOCHS: &str = "without-epochs";

/// More threads than this bring a plugin-sized module nothing and cost address space.
const MAX_THREADS: usize = 4;
/// How the child tells that its answer is an error in words.
const EXIT_EXPLAINED: u8 = 10;

/// The program that is started to compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    program: PathBuf,
}

impl Compiler {
    /// This very program, which must call [`main`] when its first argument is [`ARGUMENT`].
    pub fn this_program() -> Self {
        // The link survives that the file is replaced during an upgrade; its target's path would not.
        let link = PathBuf::from("/proc/self/exe");
        let program = if link.exists() { link } else { std::env::current_exe().unwrap_or(link) };
        Self { program }
    }

    /// Another program that calls [`main`]: for tests and for programs that embed this library.
    pub fn program(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into() }
    }
}

/// What one compilation may use up.
#[derive(Debug, Clone, Copy)]
struct Budget {
    /// Address space in bytes, program and thread stacks included.
    memory: u64,
    /// CPU time of all threads in seconds.
    seconds: u64,
    /// Time on the clock.
    wall_clock: Duration,
    /// Bytes of machine code that the child may answer, and so the most that this process holds of it.
    code: u64,
}

impl Budget {
    /// What was set, else by the size of the module: real guests need a tenth of it.
    fn new(module_length: usize, limits: CompileLimits) -> Self {
        let length = module_length as u64;
        let memory = length.saturating_mul(160).saturating_add(768 << 20);
        let seconds = 5 + length.saturating_mul(3) / (1 << 20);
        Self {
            memory: limits.memory.map_or(memory.min(MAX_COMPILE_MEMORY.0), |memory| memory.0),
            // The system counts whole seconds.
            seconds: limits
                .timeout
                .map_or(seconds.min(MAX_COMPILE_TIME.as_secs()), |time| time.as_secs_f64().ceil() as u64),
            // Not by the size: on a machine with other things to do, twenty small ones may start cold at once.
            wall_clock: limits.timeout.unwrap_or(MAX_COMPILE_CLOCK),
            code: length.saturating_mul(CODE_FOR_BYTE).saturating_add(CODE_AT_LEAST),
        }
    }
}

/// An [`Error`] on its way from the child.
#[derive(Serialize, Deserialize)]
struct Explanation {
    is_limit: bool,
    message: String,
    hints: Vec<String>,
}

/// Compiles `wasm` in a child process.
///
/// # Errors
/// The module is not one that can run here (exit 2), or compiling it hits a limit (exit 4).
pub(super) fn compile(
    wasm: &[u8],
    limits: CompileLimits,
    interruption: Interruption,
    compiler: &Compiler,
) -> Result<TrustedCode, Error> {
    let budget = Budget::new(wasm.len(), limits);
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    let mut child = Command::new(&compiler.program)
        .args([ARGUMENT, &budget.memory.to_string(), &budget.seconds.to_string()])
        .args(match interruption {
            Interruption::ByEpoch => None,
            Interruption::EndsProcess => Some(WITHOUT_EPOCHS),
        })
        .env_clear()
        .env("RAYON_NUM_THREADS", threads.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Error::bug(format!("the compiler's process cannot be started: {error}")))?;
    let Conversation { status, code, complaint, in_time } = converse(&mut child, wasm, budget)?;
    if !in_time {
        return Err(takes_too_long(budget.wall_clock));
    }
    if code.len() as u64 > budget.code {
        return Err(Error::limit(format!("compiling the plugin makes more than {} of code", ByteSize(budget.code)))
            .hint("a plugin of this size does not make that much: do not trust it"));
    }
    if status.success() {
        return Ok(TrustedCode::of_compiler(code));
    }
    Err(explain(status, &complaint, budget))
}

/// How the child ended and what it said.
struct Conversation {
    status: ExitStatus,
    code: Vec<u8>,
    complaint: Vec<u8>,
    /// False where the clock ended it.
    in_time: bool,
}

/// Feeds the child and reads what it says, all at once so that no full pipe can stop either side.
fn converse(child: &mut Child, wasm: &[u8], budget: Budget) -> Result<Conversation, Error> {
    let (Some(mut stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(Error::bug("the compiler's process has no pipes"));
    };
    let (sender, receiver) = mpsc::channel();
    let lost = |error: io::Error| Error::bug(format!("the compiler's process cannot be talked to: {error}"));
    thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut code = Vec::new();
            let read = stdout.take(budget.code.saturating_add(1)).read_to_end(&mut code);
            // The receiver is gone only when the time is up, and then nobody asks for the code.
            let _ = sender.send(());
            read.map(|_| code)
        });
        let complainer = scope.spawn(move || {
            let mut complaint = Vec::new();
            stderr.take(64 << 10).read_to_end(&mut complaint).map(|_| complaint)
        });
        // A child that dies early closes the pipe; its exit status says why.
        scope.spawn(move || stdin.write_all(wasm));
        let in_time = receiver.recv_timeout(budget.wall_clock).is_ok();
        if !in_time {
            let _ = child.kill();
        }
        let status = child.wait().map_err(lost)?;
        let panicked = |_| Error::bug("a thread that reads the compiler's answer panicked");
        let code = reader.join().map_err(panicked)?.map_err(lost)?;
        let complaint = complainer.join().map_err(panicked)?.map_err(lost)?;
        Ok(Conversation { status, code, complaint, in_time })
    })
}

fn takes_too_long(time: Duration) -> Error {
    Error::limit(format!("compiling the plugin takes more than {time:?}")).hint(needs_less("--compile-timeout"))
}

fn takes_too_much(memory: u64) -> Error {
    Error::limit(format!("compiling the plugin needs more than {} of memory", ByteSize(memory >> 20 << 20)))
        .hint(needs_less("--compile-memory"))
}

fn needs_less(flag: &str) -> String {
    format!(
        "a plugin of this size does not need that much: do not trust it, simplify its largest functions, or raise `{flag}`"
    )
}

fn explain(status: ExitStatus, complaint: &[u8], budget: Budget) -> Error {
    if status.code() == Some(i32::from(EXIT_EXPLAINED))
        && let Ok(explanation) = serde_json::from_slice::<Explanation>(complaint)
    {
        let exit_code = if explanation.is_limit { ExitCode::Limit } else { ExitCode::Usage };
        return explanation.hints.into_iter().fold(Error::new(exit_code, explanation.message), Error::hint);
    }
    let text = String::from_utf8_lossy(complaint).trim().to_owned();
    let is = |signal: Signal| status.signal() == Some(signal.as_raw());
    let error = if is(Signal::XCPU) || is(Signal::KILL) {
        takes_too_long(Duration::from_secs(budget.seconds))
    } else if is(Signal::ABORT) || is(Signal::SEGV) || is(Signal::BUS) {
        // Rust aborts when memory runs out, and a thread that cannot get its stack dies on its guard page.
        takes_too_much(budget.memory)
    } else {
        Error::bug(format!("the compiler's process failed ({status})"))
    };
    error.detail(text)
}

/// The child's whole life. `arguments` are those after [`ARGUMENT`]: address space in bytes, CPU seconds, and
/// [`WITHOUT_EPOCHS`] or nothing.
pub fn main(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> std::process::ExitCode {
    let arguments: Vec<std::ffi::OsString> = arguments.into_iter().collect();
    let texts: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let (numbers, interruption) = match texts.as_slice() {
        [numbers @ .., last] if *last == WITHOUT_EPOCHS => (numbers, Interruption::EndsProcess),
        numbers => (numbers, Interruption::ByEpoch),
    };
    let numbers: Vec<u64> = numbers.iter().filter_map(|text| text.parse().ok()).collect();
    let &[memory, seconds] = numbers.as_slice() else { return std::process::ExitCode::from(ExitCode::Bug.code()) };
    match compile_here(memory, seconds, interruption) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            let explanation = Explanation {
                is_limit: error.is_limit(),
                message: error.message().to_owned(),
                hints: error.hints().to_vec(),
            };
            // If nobody listens any more, nobody needs it.
            let _ = serde_json::to_writer(io::stderr().lock(), &explanation);
            std::process::ExitCode::from(EXIT_EXPLAINED)
        }
    }
}

fn compile_here(memory: u64, seconds: u64, interruption: Interruption) -> Result<(), Error> {
    let lost = |error: io::Error| match error.kind() {
        io::ErrorKind::OutOfMemory => takes_too_much(memory),
        _ => Error::limit(format!("the compiler's process lost its caller: {error}")),
    };
    for (resource, limit) in [(Resource::As, memory), (Resource::Cpu, seconds), (Resource::Core, 0)] {
        // A lower limit that is in force already stays: raising it would fail, and is not what is wanted.
        let _ = setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) });
    }
    let mut wasm = Vec::new();
    io::stdin().lock().read_to_end(&mut wasm).map_err(lost)?;
    validate(&wasm)?;
    let too_much = |error: wasmtime::Error| {
        Error::limit(format!("the plugin cannot be compiled: {error:#}"))
            .hint("a plugin does not need that: do not trust it, or simplify it")
    };
    let engine = engine::compiler(interruption)
        .map_err(|error| Error::limit(format!("the compiler does not start: {error:#}")))?;
    let code = engine.precompile_module(&wasm).map_err(too_much)?;
    let mut stdout = io::stdout().lock();
    stdout.write_all(&code).and_then(|()| stdout.flush()).map_err(lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `length` is the module's; expected are memory in MiB, processor time and time on the clock in seconds.
    #[track_caller]
    fn check(length: usize, limits: CompileLimits, expected: (u64, u64, u64)) {
        let budget = Budget::new(length, limits);
        assert_eq!((budget.memory >> 20, budget.seconds, budget.wall_clock.as_secs()), expected);
    }

    #[test]
    fn compiling_takes_2_gib_and_90_s_at_most_unless_raised() {
        let default = CompileLimits::default();
        check(0, default, (768, 5, 300));
        check(4 << 20, default, (768 + 640, 17, 300));
        check(128 << 20, default, (2048, 90, 300));
        check(usize::MAX, default, (2048, 90, 300));
        let raised = CompileLimits { memory: Some(ByteSize(8 << 30)), timeout: Some(Duration::from_secs(300)) };
        check(0, raised, (8192, 300, 300));
    }
}
