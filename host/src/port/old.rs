//! Running an old post-renderer: the command that its user named, in a copy of its folder, with a limit on time and on
//! what it writes, and without the network where the kernel lets us take it away.
//!
//! It is no sandbox. It runs because somebody said that it should, as it does under Helm 3 every day; what is bounded
//! here is what a defect of it would do to the comparison.

use std::io::{self, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::scene::Scene;
use crate::error::Error;

/// What is kept of what it says on standard error.
const MAX_MESSAGES: u64 = 64 << 10;
/// How long what it left behind may hold its output open.
const TIME_TO_LET_GO: Duration = Duration::from_secs(2);

/// What the kernel gives us against the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// It has none.
    Off,
    /// It could not be taken away.
    On,
    /// The user wants it to have it.
    Allowed,
}

impl Network {
    /// One word, for reports.
    pub fn word(self) -> &'static str {
        match self {
            Network::Off => "off",
            Network::On => "on",
            Network::Allowed => "allowed",
        }
    }
}

/// An old post-renderer.
#[derive(Debug)]
pub struct Old {
    scene: Scene,
    timeout: Duration,
    max_output: u64,
    /// Whether it can reach the network.
    pub network: Network,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What it wrote.
    pub stdout: Vec<u8>,
    /// What it said, at most 64 KiB of it.
    pub stderr: String,
    /// Why there is no answer: how it ended, or which limit it met.
    pub failure: Option<String>,
}

impl Old {
    /// Prepares to run `command` as a line of the shell, in a copy of `here`.
    ///
    /// # Errors
    /// No temporary folder can be made.
    pub fn new(
        here: &Path,
        command: &str,
        timeout: Duration,
        max_output: u64,
        may_use_network: bool,
    ) -> Result<Self, Error> {
        let network = match may_use_network {
            true => Network::Allowed,
            false if can_unshare() => Network::Off,
            false => Network::On,
        };
        Ok(Self { scene: Scene::set(here, command)?, timeout, max_output, network })
    }

    /// What was copied for it to run in; none where everything around is too large.
    pub fn source(&self) -> Option<&PathBuf> {
        self.scene.source.as_ref()
    }

    /// Runs it once on a stream.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn run(&self, stream: &[u8]) -> Result<Ran, Error> {
        let mut command = match self.network {
            Network::Off => unshared("sh"),
            Network::On | Network::Allowed => Command::new("sh"),
        };
        command.arg("-c").arg(&self.scene.command).current_dir(&self.scene.folder);
        command.env("TMPDIR", self.scene.temporary()).env("PWD", &self.scene.folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(|error| {
            Error::usage(format!("the old post-renderer cannot be started: {error}")).hint("is there a shell, `sh`?")
        })?;
        let deadline = Instant::now() + self.timeout;
        let output = child.stdout.take().map(|pipe| reader(pipe, self.max_output + 1));
        let messages = child.stderr.take().map(|pipe| reader(pipe, MAX_MESSAGES));
        if let Some(mut pipe) = child.stdin.take() {
            let stream = stream.to_vec();
            // A program that ends early need not read it all.
            thread::spawn(move || drop(pipe.write_all(&stream)));
        }
        let ended = wait(&mut child, deadline);
        // What it started goes with it.
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        if ended.is_none() {
            let _ = child.wait();
        }
        let stdout = taken(output);
        let stderr = String::from_utf8_lossy(&taken(messages)).into_owned();
        let failure = match ended {
            None => Some(format!("it ran longer than {} s", self.timeout.as_secs())),
            Some(_) if stdout.len() as u64 > self.max_output => {
                Some(format!("it wrote more than {} bytes", self.max_output))
            }
            Some(status) if !status.success() => Some(format!("it ended with {status}")),
            Some(_) => None,
        };
        Ok(Ran { stdout, stderr, failure })
    }
}

fn wait(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    let mut pause = Duration::from_millis(1);
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Reads up to `limit` bytes on a thread; further ones are read and dropped, so that nobody waits for us.
fn reader(mut pipe: impl Read + Send + 'static, limit: u64) -> Receiver<Vec<u8>> {
    let (give, take) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = (&mut pipe).take(limit).read_to_end(&mut bytes);
        let is_full = bytes.len() as u64 >= limit;
        let _ = give.send(bytes);
        if is_full {
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
    });
    take
}

fn taken(bytes: Option<Receiver<Vec<u8>>>) -> Vec<u8> {
    bytes.and_then(|bytes| bytes.recv_timeout(TIME_TO_LET_GO).ok()).unwrap_or_default()
}

/// util-linux's `unshare`: a network without an interface, in a user namespace of its own.
fn unshared(program: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-current-user", "--net", "--"]).arg(program);
    command
}

fn can_unshare() -> bool {
    let status = unshared("true").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: &str, stream: &str, stdout: &str, failure: Option<&str>) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("file"), "here\n").expect("written");
        let old = Old::new(folder.path(), command, Duration::from_secs(2), 1000, false).expect("a scene");
        let ran = old.run(stream.as_bytes()).expect("it starts");
        let failed = ran.failure.as_deref();
        assert!(
            failed.is_some() == failure.is_some() && failed.unwrap_or("").contains(failure.unwrap_or("")),
            "{ran:?}"
        );
        assert_eq!(String::from_utf8_lossy(&ran.stdout), stdout, "{}", ran.stderr);
        assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 1, "it wrote into its user's folder");
    }

    #[test]
    fn it_runs_in_a_copy_and_ends() {
        check("cat - file > made; cat made", "in\n", "in\nhere\n", None);
        check("echo out; exit 3", "in\n", "out\n", Some("exit status: 3"));
        check("echo out; sleep 60", "in\n", "out\n", Some("longer than 2 s"));
        check("echo out; sleep 60 & exit 0", "in\n", "out\n", None);
        check("head -c 100000 /dev/zero | tr '\\0' x; exit 0", "", &"x".repeat(1001), Some("more than 1000 bytes"));
    }

    #[test]
    fn a_program_elsewhere_is_copied_with_its_folder() {
        let (here, there) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let script = there.path().join("post render.sh");
        std::fs::write(&script, "#!/bin/sh\ncat > \"${0%/*}/all\"\ncat \"${0%/*}/all\" && echo \"$1\"\n")
            .expect("written");
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("set");
        let plain = there.path().join("run");
        std::fs::rename(script, &plain).expect("renamed");
        let command = format!("{} arg", plain.display());
        let old = Old::new(here.path(), &command, Duration::from_secs(10), 1000, true).expect("a scene");
        assert_eq!(old.run(b"in\n").expect("it starts").stdout, b"in\narg\n");
        assert_eq!(std::fs::read_dir(there.path()).expect("there").count(), 1);
    }
}
