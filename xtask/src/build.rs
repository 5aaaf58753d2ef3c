//! `cargo xtask build`: the host's release binary, every plugin as Helm and Windlass take it, and the guests of the
//! tests.

use crate::command::{self, During, Failure, Result};
use crate::zig::Toolchain;
use crate::{expect_only, say, setup, tools, workspace};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

/// The most that the wasm of some plugins may weigh, in bytes, so that none grows unseen; of others [`SIZE_LIMIT`].
/// `label-injector` stands for all plugins made with the PDK: a bigger one means that the PDK or the manifest library
/// grew. Its goal is 300,000 and is not reached; ARCHITECTURE.md says what was tried. `sidecar-injector` and `kstatus`
/// carry more rules than others, `expression` and `policy` carry languages, `script` an engine.
const SIZE_LIMITS: &[(&str, u64)] = &[
    ("label-injector", 365_000),
    ("sidecar-injector", 440_000),
    ("kstatus", 630_000),
    ("expression", 1_200_000),
    ("policy", 1_350_000),
    ("script", 1_500_000),
];

/// Plugins with C in them, which needs a compiler for wasm.
const IN_C: &[&str] = &["script"];

/// The most that a plugin's wasm may weigh, in bytes.
const SIZE_LIMIT: u64 = 430_000;

/// A plugin as it was built.
#[derive(Debug)]
pub struct BuiltPlugin {
    /// Its name, which is its folder's.
    pub name: String,
    /// The folder with plugin.yaml and plugin.wasm.
    pub folder: PathBuf,
    /// Bytes of plugin.wasm.
    pub size: u64,
}

/// Runs the command.
///
/// # Errors
/// Something does not compile, or a plugin is too big.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    expect_only(arguments, &["--plugins"])?;
    if arguments.is_empty() {
        host()?;
        say::note(&format!("host: {}", workspace::windlass().display()));
    }
    guests()?;
    let built = plugins()?;
    for plugin in &built {
        say::note(&format!("{}: {} bytes of wasm in {}", plugin.name, plugin.size, plugin.folder.display()));
    }
    check_sizes(&built)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the host's release binary.
///
/// # Errors
/// It does not compile.
pub fn host() -> Result<()> {
    let start = Instant::now();
    say::step("building the host (release)");
    command::run(workspace::cargo().args(["build", "--locked", "--release", "--package", "windlass"]))?;
    say::note(&format!("done in {}", say::duration(start.elapsed())));
    Ok(())
}

/// Builds every plugin and lays it out as `target/plugins/NAME/{plugin.yaml,plugin.wasm}`.
///
/// # Errors
/// One does not compile, or lacks a file.
pub fn plugins() -> Result<Vec<BuiltPlugin>> {
    say::step(&format!("building the plugins ({})", setup::WASM_TARGET));
    wasm("plugins", &workspace::plugin_names()?)
}

/// Builds the guests that only tests run, laid out as [`plugins`] are.
///
/// # Errors
/// One does not compile, or lacks a file.
pub fn guests() -> Result<Vec<BuiltPlugin>> {
    say::step("building the guests of the tests");
    wasm("tests/guests", &workspace::guest_names()?)
}

fn wasm(folder: &str, names: &[String]) -> Result<Vec<BuiltPlugin>> {
    setup::wasm_target()?;
    let start = Instant::now();
    let packages = packages(folder, names)?;
    let mut built = Vec::with_capacity(packages.len());
    for package in packages {
        match compile(workspace::root(), &workspace::target(), &package.name) {
            Ok(()) => built.push(package),
            Err(failure) if is_without_compiler(&package.name) && !workspace::ci() => {
                say::note(&format!("{} is left out, as it needs a C compiler for wasm: {failure}", package.name));
            }
            Err(failure) => return Err(failure),
        }
    }
    let packages = built;
    let artifacts = workspace::target().join(setup::WASM_TARGET).join("plugin");
    let built = packages
        .iter()
        .map(|package| lay_out(package, &artifacts.join(format!("{}.wasm", package.library))))
        .collect::<Result<Vec<_>>>()?;
    say::note(&format!("done in {}", say::duration(start.elapsed())));
    Ok(built)
}

/// Compiles one plugin of the workspace in `root`. The same sources give the same bytes wherever they and `target` are,
/// and whatever else is built: several packages in one build would share the features that any of them asks for.
///
/// # Errors
/// It does not compile.
pub fn compile(root: &Path, target: &Path, package: &str) -> Result<()> {
    let mut cargo = workspace::cargo();
    cargo
        .current_dir(root)
        .args(["build", "--locked", "--profile", "plugin", "--target", setup::WASM_TARGET])
        .args(["--package", package, "--target-dir"])
        .arg(target)
        .arg("--config")
        .arg(rustflags(root)?);
    // What a shell or a build server says would end up in the bytes.
    cargo.env("CARGO_INCREMENTAL", "0").env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    compile_c_with_zig(&mut cargo, package, target)?;
    command::run(&mut cargo)
}

/// Has cargo compile the C of a plugin, where it has any, for wasm by zig, whose caches go into the target folder: not
/// into the home directory.
///
/// # Errors
/// As [`Toolchain::new`].
pub(crate) fn compile_c_with_zig(cargo: &mut Command, package: &str, target: &Path) -> Result<()> {
    if !IN_C.contains(&package) {
        return Ok(());
    }
    let zig = Toolchain::new(target, "wasm32-freestanding")?;
    let name = setup::WASM_TARGET.replace('-', "_");
    cargo.env(format!("CC_{name}"), zig.cc).env(format!("AR_{name}"), zig.ar);
    let caches = target.join("zig");
    cargo.env("ZIG_GLOBAL_CACHE_DIR", &caches).env("ZIG_LOCAL_CACHE_DIR", &caches);
    Ok(())
}

/// Whether the plugin could not be compiled because nothing here compiles its C.
pub(crate) fn is_without_compiler(package: &str) -> bool {
    IN_C.contains(&package) && tools::ZIG.ensure().is_err()
}

/// Refuses a plugin that grew too big. Apart from [`plugins`], as a big plugin still runs.
///
/// # Errors
/// One is bigger than its limit.
pub fn check_sizes(built: &[BuiltPlugin]) -> Result<()> {
    for plugin in built {
        let own = SIZE_LIMITS.iter().find(|(name, _)| *name == plugin.name).map(|(_, limit)| *limit);
        let limit = own.unwrap_or(SIZE_LIMIT);
        if plugin.size > limit {
            let name = &plugin.name;
            return Err(Failure::new(format!("{name}'s wasm has {} bytes; the limit is {limit}", plugin.size)).hint(
                format!("see what it holds: cargo install twiggy && twiggy top target/plugins/{name}/plugin.wasm"),
            ));
        }
    }
    Ok(())
}

/// A plugin's package.
struct Package {
    /// The package's name for cargo.
    name: String,
    /// The library's file name without ending.
    library: String,
    /// Its folder.
    folder: PathBuf,
}

/// The packages of the plugins `names` in `folder`, in that order.
fn packages(folder: &str, names: &[String]) -> Result<Vec<Package>> {
    let metadata =
        command::output(workspace::cargo().args(["metadata", "--locked", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value = serde_json::from_slice(&metadata).during("cannot read cargo's metadata")?;
    let listed = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    names
        .iter()
        .map(|plugin| {
            let folder = workspace::root().join(folder).join(plugin);
            let manifest = folder.join("Cargo.toml");
            listed
                .iter()
                .find(|package| package["manifest_path"].as_str().is_some_and(|path| Path::new(path) == manifest))
                .and_then(|package| {
                    let library = package["targets"].as_array()?.iter().find(|target| {
                        target["crate_types"].as_array().is_some_and(|types| types.iter().any(|kind| kind == "cdylib"))
                    })?;
                    Some(Package {
                        name: package["name"].as_str()?.to_owned(),
                        library: library["name"].as_str()?.replace('-', "_"),
                        folder: folder.clone(),
                    })
                })
                .ok_or_else(|| Failure::new(format!("{} has no package that builds a `cdylib`", folder.display())))
        })
        .collect()
}

/// Panic messages hold source paths. Two people who build the same commit must get the same bytes, so the paths of this
/// machine are replaced; the flags are joined to those of `.cargo/config.toml`.
fn rustflags(root: &Path) -> Result<String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME")?;
        Some(PathBuf::from(home).join(".cargo"))
    });
    let mut flags: Vec<String> = [(Some(root.to_owned()), "/windlass"), (home, "/cargo")]
        .into_iter()
        .filter_map(|(from, to)| Some(format!("--remap-path-prefix={}={to}", from?.display())))
        .collect();
    // The linker leaves five bytes for each address otherwise: a tenth of the code.
    flags.push("-Clink-arg=--compress-relocations".to_owned());
    let flags = serde_json::to_string(&flags).during("cannot write the compiler flags")?;
    Ok(format!("target.{}.rustflags={flags}", setup::WASM_TARGET))
}

fn lay_out(package: &Package, wasm: &Path) -> Result<BuiltPlugin> {
    let name = package.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = workspace::built_plugin(&name);
    std::fs::create_dir_all(&folder).during(format_args!("cannot make {}", folder.display()))?;
    let mut size = 0;
    for (from, to) in [(wasm.to_owned(), "plugin.wasm"), (package.folder.join("plugin.yaml"), "plugin.yaml")] {
        // Written beside and renamed, as a render may read the folder at this moment.
        let unfinished = folder.join(format!(".{to}.unfinished"));
        let bytes = std::fs::copy(&from, &unfinished).during(format_args!("cannot copy {}", from.display()))?;
        std::fs::rename(&unfinished, folder.join(to))
            .during(format_args!("cannot write {}", folder.join(to).display()))?;
        if to == "plugin.wasm" {
            size = bytes;
        }
    }
    Ok(BuiltPlugin { name, folder, size })
}
