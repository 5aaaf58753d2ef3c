//! `cargo xtask dist`: what a release consists of, in `target/dist`. Each step is a command of its own, and the release
//! workflow calls nothing else, so that all of it runs here, too.
//!
//! | step | makes |
//! |---|---|
//! | `build` | the program for a target; for musl it must come out static |
//! | `wasm-opt` | the plugins with smaller modules, in `plugins`; `archive` and `xtask publish` take those where they are there |
//! | `archive` | `windlass-VERSION-TARGET.tar.gz`: program, plugins, completions, manual pages, licence; and its SBOM |
//! | `image` | a container image from scratch out of the musl archives that are there, as an OCI layout and as its archive |
//! | `formula` | a Homebrew formula with the digests of the archives that are there |
//! | `checksums` | `SHA256SUMS` of everything that is there |
//! | `sign` | a Sigstore bundle beside `SHA256SUMS`, by cosign |
//! | `push-image` | the image into a registry |
//!
//! Without a step, all but the last are done for one target, and `sign` where a key is given. The same sources give the
//! same bytes: entries are sorted, and times are those of the commit.

mod archive;
mod elf;
mod formula;
mod image;
mod sbom;
mod wasm_opt;

pub use wasm_opt::shipped;

use crate::command::{self, During, Failure, Result};
use crate::zig::Toolchain;
use crate::{build, peers, say, setup, workspace};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const USAGE: &str = "cargo xtask dist [build|wasm-opt|archive|image|formula|checksums|sign|push-image REFERENCE] [--target TRIPLE] \
[--binary FILE] [--out DIR] [--url URL] [--sign KEY|keyless]";

/// The steps, in the order in which a release takes them.
pub const STEPS: [&str; 8] = ["build", "wasm-opt", "archive", "image", "formula", "checksums", "sign", "push-image"];

/// The targets of a release: the operating systems and processors that Windlass is made for.
pub const TARGETS: [&str; 4] =
    ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl", "x86_64-apple-darwin", "aarch64-apple-darwin"];

/// What to make, and from what.
#[derive(Debug)]
struct Options {
    step: Option<String>,
    reference: Option<String>,
    target: Option<String>,
    binary: Option<PathBuf>,
    out: PathBuf,
    url: String,
    sign: Option<String>,
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self> {
        let mut options = Self {
            step: None,
            reference: None,
            target: None,
            binary: None,
            out: workspace::target().join("dist"),
            url: format!("https://github.com/windlass-dev/windlass/releases/download/v{}", version()),
            sign: None,
        };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut value =
                || words.next().cloned().ok_or_else(|| Failure::new(format!("{word} needs a value")).hint(USAGE));
            match word.as_str() {
                "--target" => options.target = Some(value()?),
                "--binary" => options.binary = Some(PathBuf::from(value()?)),
                "--out" => options.out = PathBuf::from(value()?),
                "--url" => options.url = value()?,
                "--sign" => options.sign = Some(value()?),
                step if !step.starts_with('-') && options.step.is_none() => options.step = Some(step.to_owned()),
                reference if !reference.starts_with('-') && options.step.as_deref() == Some("push-image") => {
                    options.reference = Some(reference.to_owned());
                }
                _ => return Err(Failure::new(format!("unknown argument `{word}`")).hint(USAGE)),
            }
        }
        Ok(options)
    }

    fn target(&self) -> Result<String> {
        self.target.clone().map_or_else(host_target, Ok)
    }
}

/// Runs the command.
///
/// # Errors
/// Something does not build, a step before this one has not been done, or cosign or the registry says no.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let options = Options::read(arguments)?;
    std::fs::create_dir_all(&options.out).during(format_args!("cannot make {}", options.out.display()))?;
    let out = options.out.as_path();
    match options.step.as_deref() {
        None => everything(&options)?,
        Some("build") => drop(program(&options)?),
        Some("wasm-opt") => optimise(out)?,
        Some("archive") => make_archive(&options)?,
        Some("image") => image::make(out)?,
        Some("formula") => formula::make(out, &options.url)?,
        Some("checksums") => checksums(out)?,
        Some("sign") => sign(out, options.sign.as_deref().unwrap_or("keyless"))?,
        Some("push-image") => push_image(out, options.reference.as_deref())?,
        Some(unknown) => return Err(Failure::new(format!("dist has no step `{unknown}`")).hint(USAGE)),
    }
    Ok(ExitCode::SUCCESS)
}

fn optimise(out: &Path) -> Result<()> {
    build::host()?;
    let plugins: Vec<PathBuf> = build::plugins()?.into_iter().map(|plugin| plugin.folder).collect();
    say::step("going over the plugins with wasm-opt");
    wasm_opt::make(out, &plugins)
}

fn everything(options: &Options) -> Result<()> {
    let out = options.out.as_path();
    // Whoever brings a program brings its plugins, too.
    if options.binary.is_none() {
        optimise(out)?;
    }
    make_archive(options)?;
    if options.target()?.ends_with("-linux-musl") {
        image::make(out)?;
    }
    formula::make(out, &options.url)?;
    checksums(out)?;
    if let Some(key) = &options.sign {
        sign(out, key)?;
    }
    say::step(&format!("the release is in {}", out.display()));
    Ok(())
}

fn make_archive(options: &Options) -> Result<()> {
    let target = options.target()?;
    let program = program(options)?;
    let plugins: Vec<PathBuf> = if options.binary.is_some() {
        workspace::plugin_names()?.iter().map(|name| workspace::built_plugin(name)).collect()
    } else {
        build::plugins()?.into_iter().map(|plugin| plugin.folder).collect()
    };
    let plugins = plugins.iter().map(|plugin| shipped(&options.out, plugin)).collect::<Result<Vec<_>>>()?;
    let archive = archive::make(&options.out, &target, &program, &plugins)?;
    say::note(&archive.display().to_string());
    let bom = sbom::make(&options.out, &target, &plugins)?;
    say::note(&bom.display().to_string());
    Ok(())
}

/// The program for the target: the one that was named, else built now.
fn program(options: &Options) -> Result<PathBuf> {
    if let Some(binary) = &options.binary {
        return Ok(binary.clone());
    }
    let target = options.target()?;
    say::step(&format!("building the host for {target} (release)"));
    setup::target(&target)?;
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--locked", "--release", "--package", "windlass", "--target", &target]);
    if target.ends_with("-linux-musl") && !command::on_path("musl-gcc") {
        let variable = format!("CC_{}", target.replace('-', "_"));
        cargo.env(variable, Toolchain::new(&options.out, &target.replace("-unknown", ""))?.cc);
    }
    command::run(&mut cargo)?;
    let program = workspace::target().join(&target).join("release").join("windlass");
    if target.ends_with("-linux-musl") {
        let bytes = std::fs::read(&program).during(format_args!("cannot read {}", program.display()))?;
        if !elf::is_static(&bytes) {
            return Err(Failure::new(format!("{} is not a static program", program.display())));
        }
    }
    Ok(program)
}

/// The target that this machine's compiler builds for by itself.
fn host_target() -> Result<String> {
    let said = command::output(Command::new("rustc").arg("-vV").current_dir(workspace::root()))?;
    let said = String::from_utf8_lossy(&said).into_owned();
    said.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| Failure::new("rustc does not say what it builds for"))
}

/// The version of this workspace.
#[must_use]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// `SHA256SUMS` of the files in `out`, as sha256sum writes and checks it.
fn checksums(out: &Path) -> Result<()> {
    let mut lines = String::new();
    for path in files(out)? {
        let name = file_name(&path);
        if name.starts_with('.') || name.starts_with(SUMS) {
            continue;
        }
        lines.push_str(&format!("{}  {name}\n", sha256(&path)?));
    }
    write(&out.join(SUMS), lines.as_bytes())
}

/// The file with the digests of all others.
const SUMS: &str = "SHA256SUMS";

/// Signs the digests, and with them all files. `keyless` is cosign's way with an identity in place of a key.
fn sign(out: &Path, key: &str) -> Result<()> {
    if !out.join(SUMS).is_file() {
        return Err(Failure::new(format!("there is no {SUMS} to sign")).hint("run `cargo xtask dist checksums` first"));
    }
    if !command::on_path("cosign") {
        return Err(Failure::new("signing takes cosign, which is not on PATH")
            .hint("install it: https://docs.sigstore.dev/cosign/system_config/installation/"));
    }
    say::step(&format!("signing {SUMS} with cosign"));
    let mut cosign = Command::new("cosign");
    cosign.current_dir(out).args(["sign-blob", "--yes", "--bundle", &format!("{SUMS}.sigstore.json")]);
    if key != "keyless" {
        let key = std::fs::canonicalize(key).during(format_args!("cannot find the key {key}"))?;
        cosign.arg("--key").arg(key);
    }
    command::run(cosign.arg(SUMS))
}

fn push_image(out: &Path, reference: Option<&str>) -> Result<()> {
    let reference =
        reference.ok_or_else(|| Failure::new("push-image needs HOST/REPOSITORY:TAG").hint(USAGE.to_owned()))?;
    let layout = out.join(image::LAYOUT);
    if !layout.is_dir() {
        return Err(Failure::new("there is no image to push").hint("run `cargo xtask dist image` first"));
    }
    say::step(&format!("pushing the image to {reference}"));
    command::run(Command::new(peers::CRANE.ensure()?).args(["push", "--index"]).arg(&layout).arg(reference))
}

/// The archives of this version in `out`, with their targets, in the order of [`TARGETS`] and then of their names.
fn archives(out: &Path) -> Result<Vec<(String, PathBuf)>> {
    let prefix = format!("windlass-{}-", version());
    let mut found: Vec<(String, PathBuf)> = files(out)?
        .into_iter()
        .filter_map(|path| {
            let name = file_name(&path);
            let target = name.strip_prefix(&prefix)?.strip_suffix(".tar.gz")?;
            Some((target.to_owned(), path))
        })
        .collect();
    found.sort_by_key(|(target, _)| {
        (TARGETS.iter().position(|known| known == target).unwrap_or(TARGETS.len()), target.clone())
    });
    Ok(found)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).during(format_args!("cannot read {}", folder.display()))?;
    let mut files: Vec<PathBuf> =
        entries.filter_map(std::result::Result::ok).map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).during(format_args!("cannot read {}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).during(format_args!("cannot write {}", path.display()))
}

fn sha256(path: &Path) -> Result<String> {
    Ok(hex(&read(path)?))
}

/// The SHA-256 of the bytes, in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The time that everything in a release carries, in seconds since 1970: the commit's, or what `SOURCE_DATE_EPOCH`
/// says.
fn time() -> u64 {
    let said = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    said.or_else(|| {
        let log =
            Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(workspace::root()).output().ok()?;
        String::from_utf8(log.stdout).ok()?.trim().parse().ok()
    })
    .unwrap_or(0)
}
