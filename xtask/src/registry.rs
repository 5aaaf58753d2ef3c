//! A real registry for the demo and the tests: CNCF Distribution on a loopback port, gone when it is dropped.

use crate::command::{During, Failure, Result};
use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a registry may take to answer the first time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running registry.
#[derive(Debug)]
pub struct Registry {
    child: Child,
    address: String,
}

impl Registry {
    /// Starts `program` (Distribution) with its data in `folder`. `settings` are further top-level keys of its
    /// configuration, `http` further keys of its `http` map, as YAML lines indented by two.
    ///
    /// # Errors
    /// It cannot be started, or does not answer.
    pub fn start(program: &Path, folder: &Path, settings: &str, http: &str) -> Result<Self> {
        std::fs::create_dir_all(folder).during(format_args!("cannot make {}", folder.display()))?;
        let address = free_address()?;
        let data = serde_json::Value::from(folder.join("data").display().to_string());
        let mut config = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nstorage: {{filesystem: {{rootdirectory: {data}}}, delete: {{enabled: true}}}}\nhttp:\n  addr: {address}\n"
        );
        let _ = write!(config, "{http}{settings}");
        let path = folder.join("config.yaml");
        std::fs::write(&path, config).during(format_args!("cannot write {}", path.display()))?;
        let log = std::fs::File::create(folder.join("log")).during("cannot write the registry's log")?;
        let mut command = Command::new(program);
        command.arg("serve").arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().during("cannot start the registry")?;
        Self { child, address }.wait_until_it_answers()
    }

    /// Starts a program that prints the address it listens on as its first line.
    ///
    /// # Errors
    /// It cannot be started, or does not answer.
    pub fn start_printing(program: &Path) -> Result<Self> {
        use std::io::BufRead as _;
        let mut command = Command::new(program);
        command.arg("127.0.0.1:0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().during("cannot start the registry")?;
        let mut address = String::new();
        if let Some(stdout) = child.stdout.take() {
            std::io::BufReader::new(stdout).read_line(&mut address).during("the registry says nothing")?;
        }
        Self { child, address: address.trim().to_owned() }.wait_until_it_answers()
    }

    fn wait_until_it_answers(mut self) -> Result<Self> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if TcpStream::connect(&self.address).is_ok() {
                return Ok(self);
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Failure::new(format!("the registry ended with {status}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(Failure::new(format!("the registry does not answer at {}", self.address)))
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").during("there is no free port")?;
    listener.local_addr().map(|address| address.to_string()).during("there is no free port")
}
