//! Puts into the program what `windlass new` writes, so that it works offline and without a checkout: a table of all
//! files below `templates/`, without what a build of a template leaves behind, and the sources of the PDK and of
//! windlass-go.
//!
//! Both are read from this package alone: `templates` and what is in `pdk` are links into the checkout, in whose place
//! `cargo package` puts the files. A folder with a Cargo.toml would stay out of the package, so that of a template is
//! called `Cargo.toml.liquid`, and that of a crate of the PDK `manifest.toml`.

// Only files of the checkout are read here.
#![allow(clippy::disallowed_methods)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const LEFT_BEHIND: [&str; 4] = ["target", "plugin.wasm", "Cargo.lock", "node_modules"];

/// The crates that a plugin is made of: their folders in `pdk/` of this package, and in the workspace.
const PDK_CRATES: [(&str, &str); 5] = [
    ("pdk", "pdk"),
    ("abi", "pdk/abi"),
    ("macros", "pdk/macros"),
    ("manifest", "pdk/manifest"),
    ("events", "pdk/manifest/events"),
];

fn main() -> io::Result<()> {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("templates.rs"), templates(&package.join("templates"))?)?;
    fs::write(out.join("pdk.rs"), pdk(&package.join("pdk"), &out)?)?;
    fs::write(out.join("go.rs"), go_module(&package.join("pdk/go"))?)?;
    fs::write(out.join("adapter.wasm"), adapter(&package.join("src/author/adapter/adapter.wat"))?)
}

/// What `windlass package --runtime extism` joins to a command, as a module.
fn adapter(source: &Path) -> io::Result<Vec<u8>> {
    println!("cargo::rerun-if-changed={}", source.display());
    wat::parse_file(source).map_err(io::Error::other)
}

fn templates(folder: &Path) -> io::Result<String> {
    println!("cargo::rerun-if-changed={}", fs::canonicalize(folder)?.display());
    let mut table = String::from("&[");
    for (name, folder) in sorted(folder)? {
        if folder.is_dir() && !LEFT_BEHIND.contains(&name.as_str()) {
            let _ = write!(table, "Template {{ name: {name:?}, files: &[");
            add_files(&folder, "", &mut table)?;
            table.push_str("] },");
        }
    }
    table.push(']');
    Ok(table)
}

/// The files of the PDK's crates as a workspace of their own, by their paths in the checkout.
fn pdk(sources: &Path, out: &Path) -> io::Result<String> {
    let workspace = sources.join("workspace.toml");
    println!("cargo::rerun-if-changed={}", fs::canonicalize(&workspace)?.display());
    let manifest = out.join("pdk-workspace.toml");
    fs::write(&manifest, workspace_of_the_pdk(&fs::read_to_string(&workspace)?))?;
    let mut table = String::from("&[");
    let _ = write!(table, "(\"Cargo.toml\", include_str!({:?})),", manifest.display().to_string());
    for (name, place) in PDK_CRATES {
        let folder = sources.join(name);
        println!("cargo::rerun-if-changed={}", fs::canonicalize(folder.join("src"))?.display());
        add_file(&folder.join("manifest.toml"), &format!("{place}/Cargo.toml"), &mut table)?;
        add_file(&folder.join("README.md"), &format!("{place}/README.md"), &mut table)?;
        add_files(&folder.join("src"), &format!("{place}/src/"), &mut table)?;
    }
    table.push(']');
    Ok(table)
}

/// The files of windlass-go, by their paths in it, without its tests.
fn go_module(folder: &Path) -> io::Result<String> {
    println!("cargo::rerun-if-changed={}", fs::canonicalize(folder)?.display());
    let mut table = String::from("&[");
    for (name, path) in sorted(folder)? {
        if path.is_dir() {
            add_files(&path, &format!("{name}/"), &mut table)?;
        } else if !name.ends_with("_test.go") {
            add_file(&path, &name, &mut table)?;
        }
    }
    table.push(']');
    Ok(table)
}

/// The workspace's manifest with the PDK's crates as its only members, and without profiles, which are the plugin's.
fn workspace_of_the_pdk(text: &str) -> String {
    let mut table = "";
    let mut kept = String::new();
    for line in text.lines() {
        if line.starts_with('[') {
            table = line;
        }
        let is_list_of_members =
            table == "[workspace]" && ["members", "default-members", "exclude"].iter().any(|key| line.starts_with(key));
        if !table.starts_with("[profile") && !is_list_of_members && !line.starts_with('#') {
            kept.push_str(line);
            kept.push('\n');
            if line == "[workspace]" {
                let _ = writeln!(kept, "members = {:?}", PDK_CRATES.map(|(_, place)| place));
            }
        }
    }
    kept
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
            add_file(&path, &inside, table)?;
        }
    }
    Ok(())
}

fn add_file(path: &Path, inside: &str, table: &mut String) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    println!("cargo::rerun-if-changed={}", path.display());
    let _ = write!(table, "({inside:?}, include_str!({:?})),", path.display().to_string());
    Ok(())
}

fn sorted(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut entries = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}
