//! Runs the program and measures it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use windlass::event::Event;
use windlass::render;
use windlass::sandbox::compile::cache::CodeCache;
use windlass::sandbox::compile::child::Compiler;
use windlass::sandbox::limits::CompileLimits;
use windlass::sandbox::options::RenderOptions;
use windlass::source::PluginRef;

/// The timeout that runs are given here, so that a guest which uses all of it does not keep the tests.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The memory limit of a run whose stream is next to nothing.
const MEMORY: u64 = 64 << 20;
/// What the system gives a child at most, so that a bound that breaks harms nobody else.
const MOST_MEMORY: u64 = 2 << 30;
/// Longer than anything but a hang, on a machine that does a dozen other things.
const HANG: Duration = Duration::from_secs(120);

/// A folder with a home of its own.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

/// What a run used and said.
pub(crate) struct Spent {
    code: Option<i32>,
    /// How many bytes it answered. They are not read: a child's peak begins with the memory that these tests take.
    pub(crate) answered: u64,
    pub(crate) stderr: String,
    time: Duration,
    memory: u64,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// A pipe that nobody writes.
    pub(crate) fn pipe(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        path
    }

    /// Writes a guest and compiles it into the cache: compiling has limits of its own.
    pub(crate) fn guest(&self, name: &str, text: &str) -> PathBuf {
        let path = self.write(name, wat::parse_str(text).unwrap_or_else(|error| panic!("{name}: {error}")));
        let on_event = |_: Event<'_>| {};
        let cache = CodeCache::On { folder: self.path("cache"), state: self.path("state/windlass") };
        let mut options = RenderOptions::new(cache, &on_event);
        options.compiler = Compiler::program(env!("CARGO_BIN_EXE_windlass"));
        // The code that `run` and `diff` look for.
        options.ending = Some(Arc::new(|error| panic!("nothing is run here: {error}")));
        let plugin = render::open(&PluginRef::Path(path.clone())).unwrap();
        render::prepare(&plugin, CompileLimits::default(), &options).unwrap();
        path
    }

    /// Runs the program.
    #[allow(clippy::zombie_processes, reason = "`wait` takes its end, and with it what it used")]
    pub(crate) fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>, stdin: &[u8]) -> Spent {
        let stdin = self.write("stdin", stdin);
        let (stdout, stderr) = (self.path("stdout"), self.path("stderr"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("HOME", self.path("home")).env("WINDLASS_CACHE_DIR", self.path("cache"));
        command.env("XDG_STATE_HOME", self.path("state"));
        command.stdin(File::open(stdin).unwrap()).stdout(File::create(&stdout).unwrap());
        let child = command.stderr(Stdio::from(File::create(&stderr).unwrap())).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        // A bound that breaks must not take the machine with it. Reserved addresses do not count as data.
        let most = Rlimit { current: Some(MOST_MEMORY), maximum: Some(MOST_MEMORY) };
        let _ = prlimit(Pid::from_raw(pid), Resource::Data, most);
        let (code, time, memory) = wait(pid);
        let read = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        let answered = fs::metadata(&stdout).unwrap().len();
        Spent { code, answered, stderr: read(&stderr), time, memory }
    }

    /// Runs a plugin on a stream, with the timeout of these tests.
    pub(crate) fn render(&self, plugin: &Path, stream: &[u8], more: &[&str]) -> Spent {
        let timeout = format!("{}s", TIMEOUT.as_secs());
        let plugin = plugin.to_str().unwrap();
        self.run(["run", plugin, "--timeout", timeout.as_str()].into_iter().chain(more.iter().copied()), stream)
    }
}

impl Spent {
    /// Keeps the promise, and is no defect. `says` is a part of what it must say, empty for anything.
    #[track_caller]
    pub(crate) fn check(&self, name: &str, codes: &[i32], says: &str) {
        let Self { code, answered, stderr, time, memory } = self;
        let shown: String = stderr.chars().take(600).collect();
        println!("{name:40} exit {code:?} {time:8.2?} {:4} MiB  {}", memory >> 20, shown.lines().next().unwrap_or(""));
        let code = code.unwrap_or_else(|| panic!("{name} was ended by a signal: {shown}"));
        assert!(codes.contains(&code), "{name}: exit {code}: {shown}");
        assert!(!stderr.contains("panicked"), "{name}: {shown}");
        assert!(stderr.contains(says), "{name} does not say `{says}`: {shown}");
        assert!(*time <= TIMEOUT + Duration::from_secs(1), "{name} took {time:?} of processor time: {shown}");
        self.check_memory(name);
        // A plugin's log of one mebibyte, printed with its name in front of every line.
        assert!(stderr.len() < 4 << 20, "{name} says {} bytes", stderr.len());
        assert!(*answered < 64 << 20, "{name} answers {answered} bytes");
    }

    /// Keeps the promise about compiling, with the time of the limit, and says which flag raises what it met.
    #[track_caller]
    pub(crate) fn check_compiling(&self, name: &str, codes: &[i32], time: Duration, memory: u64, flag: &str) {
        let Self { code, stderr, .. } = self;
        println!("{name:40} exit {code:?} {:8.2?} {:4} MiB  {stderr}", self.time, self.memory >> 20);
        assert!(code.is_some_and(|code| codes.contains(&code)), "{name}: {stderr}");
        assert!(stderr.contains(flag), "{name} does not name {flag}: {stderr}");
        // The system looks at the time once in a while; looking at the module has its own second.
        assert!(self.time <= time + Duration::from_secs(2), "{name} took {:?} of processor time", self.time);
        assert!(self.memory <= memory, "{name} took {} MiB", self.memory >> 20);
    }

    /// Keeps the promise about memory.
    #[track_caller]
    pub(crate) fn check_memory(&self, name: &str) {
        assert!(self.memory <= MEMORY + (256 << 20), "{name} took {} MiB: {}", self.memory >> 20, self.stderr);
    }
}

/// Waits for a child: its exit code, the processor time and the peak of resident memory of it and its own children.
fn wait(pid: i32) -> (Option<i32>, Duration, u64) {
    let begun = Instant::now();
    loop {
        let mut status = 0;
        // SAFETY: both places are owned by this function and of the types that the system call fills; `rusage` is plain
        // numbers, for which zeros are valid.
        #[allow(unsafe_code)] // no safe library hands out what a child used
        let (ended, usage) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            (libc::wait4(pid, &raw mut status, libc::WNOHANG, &raw mut usage), usage)
        };
        if ended == pid {
            let time = |time: libc::timeval| {
                Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
            };
            let code = libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
            return (code, time(usage.ru_utime) + time(usage.ru_stime), usage.ru_maxrss as u64 * 1024);
        }
        if begun.elapsed() > HANG {
            let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
            panic!("it hangs");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A number as WebAssembly writes it.
pub(crate) fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        bytes.push(if number == 0 { byte } else { byte | 0x80 });
        if number == 0 {
            return bytes;
        }
    }
}
