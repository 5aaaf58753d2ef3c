//! Puts the templates of `windlass new` into the program, so that it works offline: one table of all files below
//! `templates/`, without what a build of a template leaves behind.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const LEFT_BEHIND: [&str; 4] = ["target", "plugin.wasm", "Cargo.lock", "node_modules"];

fn main() -> io::Result<()> {
    let templates = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../templates");
    println!("cargo::rerun-if-changed={}", templates.display());
    let mut table = String::from("&[");
    for (name, folder) in sorted(&templates)? {
        if folder.is_dir() && !LEFT_BEHIND.contains(&name.as_str()) {
            let _ = write!(table, "Template {{ name: {name:?}, files: &[");
            add_files(&folder, "", &mut table)?;
            table.push_str("] },");
        }
    }
    table.push(']');
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("templates.rs"), table)
}

fn add_files(folder: &Path, prefix: &str, table: &mut String) -> io::Result<()> {
    for (name, path) in sorted(folder)? {
        if LEFT_BEHIND.contains(&name.as_str()) {
            continue;
        }
        let inside = format!("{prefix}{name}");
        if path.is_dir() {
            add_files(&path, &format!("{inside}/"), table)?;
        } else {
            println!("cargo::rerun-if-changed={}", path.display());
            let path = fs::canonicalize(path)?;
            let _ = write!(table, "({inside:?}, include_str!({:?})),", path.display().to_string());
        }
    }
    Ok(())
}

fn sorted(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut entries = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}
