//! Tar archives whose bytes follow from their contents, and the one that a release consists of.

use super::{file_name, read, time, version, write};
use crate::command::{self, During, Failure, Result};
use crate::{say, workspace};
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A tar archive under construction. Everything in it belongs to root and has the time of the release.
pub(super) struct Archive(tar::Builder<Vec<u8>>);

impl Archive {
    pub(super) fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    /// Adds a file with its rights.
    pub(super) fn file(&mut self, path: &str, mode: u32, bytes: &[u8]) -> Result<()> {
        self.entry(path, tar::EntryType::Regular, mode, 0, bytes)
    }

    /// Adds a folder that belongs to `owner`.
    pub(super) fn folder(&mut self, path: &str, mode: u32, owner: u64) -> Result<()> {
        self.entry(path, tar::EntryType::Directory, mode, owner, b"")
    }

    fn entry(&mut self, path: &str, kind: tar::EntryType, mode: u32, owner: u64, bytes: &[u8]) -> Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(mode);
        header.set_uid(owner);
        header.set_gid(owner);
        header.set_mtime(time());
        self.0.append_data(&mut header, path, bytes).during(format_args!("cannot add {path} to an archive"))
    }

    pub(super) fn bytes(self) -> Result<Vec<u8>> {
        self.0.into_inner().during("cannot finish an archive")
    }
}

/// Compresses, without a time or a name in the result.
pub(super) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder: GzEncoder<Vec<u8>> = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    std::io::Write::write_all(&mut encoder, bytes).during("cannot compress")?;
    encoder.finish().during("cannot compress")
}

/// What a release archive holds, below the folder that its name says: path, rights and bytes.
pub(super) fn contents(archive: &Path) -> Result<Vec<(String, u32, Vec<u8>)>> {
    let file = read(archive)?;
    let mut reader = tar::Archive::new(flate2::read::GzDecoder::new(file.as_slice()));
    let broken = format!("cannot read {}", archive.display());
    let mut contents = Vec::new();
    for entry in reader.entries().during(&broken)? {
        let mut entry = entry.during(&broken)?;
        let path = entry.path().during(&broken)?.to_string_lossy().into_owned();
        let mode = entry.header().mode().during(&broken)?;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).during(&broken)?;
        if let Some((_, inside)) = path.split_once('/') {
            contents.push((inside.to_owned(), mode, bytes));
        }
    }
    Ok(contents)
}

/// Writes `windlass-VERSION-TARGET.tar.gz`.
pub(super) fn make(out: &Path, target: &str, program: &Path, plugins: &[PathBuf]) -> Result<PathBuf> {
    say::step(&format!("the archive for {target}"));
    let name = format!("windlass-{}-{target}", version());
    let mut archive = Archive::new();
    archive.file(&format!("{name}/windlass"), 0o755, &read(program)?)?;
    for file in ["LICENSE", "README.md", "CHANGELOG.md"] {
        archive.file(&format!("{name}/{file}"), 0o644, &read(&workspace::root().join(file))?)?;
    }
    for (path, bytes) in made_by(program)? {
        archive.file(&format!("{name}/{path}"), 0o644, &bytes)?;
    }
    for plugin in plugins {
        for file in ["plugin.yaml", "plugin.wasm"] {
            let path = format!("{name}/plugins/{}/{file}", file_name(plugin));
            archive.file(&path, 0o644, &read(&plugin.join(file))?)?;
        }
    }
    let path = out.join(format!("{name}.tar.gz"));
    write(&path, &gzip(&archive.bytes()?)?)?;
    Ok(path)
}

/// Completions and manual pages, which the program itself writes; where it is for another machine, ours does.
fn made_by(program: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let runs_here = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    let program = if runs_here { program.to_owned() } else { workspace::windlass() };
    let mut made = Vec::new();
    for (shell, name) in [("bash", "windlass.bash"), ("zsh", "_windlass"), ("fish", "windlass.fish")] {
        let script = command::output(Command::new(&program).args(["completions", shell]))?;
        made.push((format!("completions/{name}"), script));
    }
    let folder = std::env::temp_dir().join(format!("windlass-man-{}", std::process::id()));
    command::output(Command::new(&program).args(["man", "--dir"]).arg(&folder))?;
    for page in super::files(&folder)? {
        made.push((format!("man/{}", file_name(&page)), read(&page)?));
    }
    std::fs::remove_dir_all(&folder).during("cannot clear the manual pages")?;
    if made.iter().all(|(path, _)| !path.starts_with("man/")) {
        return Err(Failure::new("`windlass man` wrote nothing"));
    }
    Ok(made)
}
