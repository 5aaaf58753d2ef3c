//! A home of its own for each test.

use crate::needs;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use xtask::command::{Finished, feed};
use xtask::helm::{Helm, Version};
use xtask::workspace;

/// A temporary folder with a home, and the programs under test set up to stay inside it.
#[derive(Debug)]
pub struct Sandbox {
    folder: TempDir,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// An empty one.
    ///
    /// # Panics
    /// No temporary folder can be made.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("windlass-test-").tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("home")).expect("a home");
        Self { folder }
    }

    /// The folder, for files of the test's own.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file and gives its path.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("its folder");
        std::fs::write(&path, content).expect("a written file");
        path
    }

    /// A Windlass of its own at this place below the sandbox. `cp` writes it: a file that this process had open for
    /// writing would be busy as long as a child has it that another test started meanwhile.
    pub fn program(&self, name: &str) -> PathBuf {
        let path = self.write(name, "");
        std::fs::remove_file(&path).expect("a removed file");
        let copied = Command::new("cp").arg(needs::windlass()).arg(&path).status().expect("cp starts");
        assert!(copied.success(), "the program is copied");
        path
    }

    /// Sets a program up to live here: home, folders, a PATH that starts with the release binary. Compiled code is
    /// shared by all tests, as compiling is not what they test.
    pub fn apply<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let home = self.path().join("home");
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("XDG_") || name.starts_with("WINDLASS_")) {
                command.env_remove(name);
            }
        }
        let release = needs::windlass().parent().map(Path::to_owned).unwrap_or_default();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path: OsString =
            std::env::join_paths(std::iter::once(release).chain(std::env::split_paths(&path))).expect("a PATH");
        command
            .env("HOME", &home)
            .env("PATH", path)
            .env("NO_COLOR", "1")
            .env("WINDLASS_CACHE_DIR", workspace::target().join("tests/cache"))
            .env_remove("CI")
            .current_dir(self.path())
    }

    /// Windlass with these arguments.
    #[must_use]
    pub fn windlass<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(needs::windlass());
        command.args(arguments);
        self.apply(&mut command);
        command
    }

    /// Windlass with these arguments on a stream; everything it did.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn run<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>, input: &[u8]) -> Finished {
        feed(&mut self.windlass(arguments), input).expect("windlass starts")
    }

    /// Windlass with these arguments on a stream; its stdout.
    ///
    /// # Panics
    /// It fails.
    pub fn succeed<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>, input: &[u8]) -> Vec<u8> {
        let finished = self.run(arguments, input);
        assert_eq!(finished.code, Some(0), "windlass failed: {}", finished.stderr);
        finished.stdout
    }

    /// A Helm that lives here; `None` when the test should end, as that Helm is not there.
    ///
    /// # Panics
    /// Its home cannot be made, or the Helm is missing with `CI=true`.
    #[must_use]
    pub fn helm(&self, version: Version) -> Option<Helm> {
        let program = needs::tool(version.tool())?;
        Some(Helm::new(version, program, &self.path().join(version.folder_name())).expect("a home for Helm"))
    }

    /// Runs a Helm command set up to live here; everything it did.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn finish(&self, mut command: Command) -> Finished {
        feed(self.apply(&mut command), b"").expect("the program starts")
    }
}
