//! `cargo xtask crates`: the packages for crates.io as `cargo publish` would send them, and a host that is built from
//! them, away from the checkout, whose `windlass new` makes a plugin that builds.

use crate::command::{self, During, Failure, Result};
use crate::{build, expect_only, say, workspace};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Runs the command.
///
/// # Errors
/// A package lacks what crates.io wants or what its build needs, or the program made from it does not work.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    expect_only(arguments, &[])?;
    check()?;
    Ok(ExitCode::SUCCESS)
}

/// Packages the crates, builds the host from its package, and makes and builds a plugin with it.
///
/// # Errors
/// As [`run`].
pub fn check() -> Result<()> {
    let crates = publishable()?;
    say::step("the packages for crates.io");
    if !workspace::offline() {
        command::run_quietly(workspace::cargo().args([
            "publish",
            "--workspace",
            "--dry-run",
            "--no-verify",
            "--locked",
            "--allow-dirty",
        ]))?;
    }
    let mut package = workspace::cargo();
    package.args(["package", "--no-verify", "--locked", "--allow-dirty"]);
    package.args(crates.iter().flat_map(|found| ["--package", &found.name]));
    command::run_quietly(&mut package)?;
    say::note(&crates.iter().map(Crate::title).collect::<Vec<_>>().join(", "));
    let program = build_host(&crates)?;
    new_plugin(&program)
}

/// A crate of this workspace that goes to crates.io.
struct Crate {
    name: String,
    version: String,
}

impl Crate {
    fn title(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

/// Every crate that does not say `publish = false`.
fn publishable() -> Result<Vec<Crate>> {
    let metadata =
        command::output(workspace::cargo().args(["metadata", "--locked", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_slice(&metadata).during("cannot read cargo's metadata")?;
    let text = |package: &Value, key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_publishable = |package: &&Value| package["publish"].is_null();
    let mut crates = Vec::new();
    for package in packages.iter().filter(is_publishable) {
        for key in ["description", "license", "repository", "readme"] {
            if package[key].is_null() {
                return Err(Failure::new(format!("the crate {} has no `{key}`", text(package, "name")))
                    .hint("crates that are not for crates.io say `publish.workspace = true`, which is false"));
            }
        }
        crates.push(Crate { name: text(package, "name"), version: text(package, "version") });
    }
    Ok(crates)
}

/// Unpacks the packages as a workspace of their own and builds the host there. Dependencies that the release build
/// of the checkout has compiled are used again.
fn build_host(crates: &[Crate]) -> Result<PathBuf> {
    say::step("a host from its package");
    let folder = workspace::target().join("crates");
    let unpacked = folder.join("unpacked");
    let mut manifest = String::from("[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n");
    // The profile of the checkout, or no dependency would be used again; our own crates are compiled quickly.
    manifest.push_str("[profile.release]\nstrip = \"symbols\"\n");
    for found in crates {
        manifest.push_str(&format!("[profile.release.package.{}]\nopt-level = 0\n", found.name));
    }
    manifest.push_str("[patch.crates-io]\n");
    for found in crates {
        unpack(&workspace::target().join("package").join(format!("{}.crate", found.title())), &unpacked)?;
        manifest.push_str(&format!("{} = {{ path = {:?} }}\n", found.name, found.title()));
    }
    remove_others(&unpacked, crates)?;
    write_changed(&unpacked.join("Cargo.toml"), manifest.as_bytes())?;
    let lock = workspace::root().join("Cargo.lock");
    let lock = std::fs::read(&lock).during(format_args!("cannot read {}", lock.display()))?;
    write_changed(&unpacked.join("Cargo.lock"), &lock)?;
    let host = crates.iter().find(|found| found.name == "windlass");
    let host = host.ok_or_else(|| Failure::new("the host is not for crates.io"))?;
    // `cargo install` would pass over the lock file, which has more in it than these packages.
    let built = command::run_quietly(
        workspace::cargo()
            .current_dir(unpacked.join(host.title()))
            .args(["build", "--release", "--offline", "--bin", "windlass", "--target-dir"])
            .arg(workspace::target())
            .env("CARGO_INCREMENTAL", "1"),
    );
    let program = folder.join("windlass");
    let copied = built.and_then(|()| std::fs::copy(workspace::windlass(), &program).during("cannot keep the program"));
    // Cargo has put it in the place of the checkout's own.
    build::host()?;
    copied.map(|_| program)
}

/// Unpacks with the system's tar; files that are there already with the same content keep their times, so that Cargo
/// builds again what changed.
fn unpack(archive: &Path, folder: &Path) -> Result<()> {
    let fresh = folder.join(".fresh");
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh).during("cannot clear the last package")?;
    }
    std::fs::create_dir_all(&fresh).during(format_args!("cannot make {}", fresh.display()))?;
    command::run_quietly(Command::new("tar").arg("-xmzf").arg(archive).arg("-C").arg(&fresh))?;
    for package in workspace::folders(&fresh)? {
        let name = package.file_name().unwrap_or_default();
        replace(&package, &folder.join(name))?;
    }
    std::fs::remove_dir_all(&fresh).during("cannot clear what was unpacked")
}

/// Makes `to` hold what `from` holds and nothing else.
fn replace(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).during(format_args!("cannot make {}", to.display()))?;
    let names = |folder: &Path| -> Result<Vec<std::ffi::OsString>> {
        let entries = std::fs::read_dir(folder).during(format_args!("cannot read {}", folder.display()))?;
        Ok(entries.filter_map(std::result::Result::ok).map(|entry| entry.file_name()).collect())
    };
    for name in names(to)?.into_iter().filter(|name| !from.join(name).exists()) {
        remove(&to.join(name))?;
    }
    for name in names(from)? {
        let (source, target) = (from.join(&name), to.join(&name));
        if source.is_dir() {
            replace(&source, &target)?;
        } else {
            let content = std::fs::read(&source).during(format_args!("cannot read {}", source.display()))?;
            write_changed(&target, &content)?;
        }
    }
    Ok(())
}

/// Removes packages of another version or name.
fn remove_others(folder: &Path, crates: &[Crate]) -> Result<()> {
    for package in workspace::folders(folder)? {
        let is_known =
            crates.iter().any(|found| package.file_name().is_some_and(|name| name == found.title().as_str()));
        if !is_known {
            remove(&package)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    removed.during(format_args!("cannot remove {}", path.display()))
}

fn write_changed(path: &Path, content: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|there| there == content) {
        return Ok(());
    }
    std::fs::write(path, content).during(format_args!("cannot write {}", path.display()))
}

/// What an installed program must do with no checkout in reach: make a plugin that builds, without a network.
fn new_plugin(program: &Path) -> Result<()> {
    say::step("a new plugin by that host, offline");
    let folder = std::env::temp_dir().join(format!("windlass-crates-{}", std::process::id()));
    std::fs::create_dir_all(&folder).during(format_args!("cannot make {}", folder.display()))?;
    let made = build_new_plugin(program, &folder);
    std::fs::remove_dir_all(&folder).during("cannot clear the new plugin")?;
    made
}

fn build_new_plugin(program: &Path, folder: &Path) -> Result<()> {
    // Away from `target`, where it would find the PDK of this checkout.
    let copy = folder.join("windlass");
    std::fs::copy(program, &copy).during("cannot copy the program")?;
    command::run_quietly(Command::new(&copy).args(["new", "far-away"]).current_dir(folder))?;
    let plugin = folder.join("far-away");
    std::fs::copy(workspace::root().join("Cargo.lock"), plugin.join("Cargo.lock")).during("cannot copy a lock file")?;
    command::run_quietly(
        Command::new(&copy)
            .arg("build")
            .current_dir(&plugin)
            .env("CARGO_NET_OFFLINE", "true")
            .env("CARGO_TARGET_DIR", workspace::target().join("tests/template")),
    )?;
    let wasm = plugin.join("plugin.wasm");
    if wasm.is_file() { Ok(()) } else { Err(Failure::new("`windlass build` left no plugin.wasm")) }
}
