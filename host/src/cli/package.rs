//! `windlass package`: a plugin's folder as the archive that Helm installs.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::printer::{Outcome, style};
use super::remote_args::read;
use crate::author::package::{self, Package};
use crate::digest::Digest;
use crate::error::Error;
use crate::helm::plugin_yaml::Runtime;
use crate::input;
use crate::limits::table::MAX_PASSWORD;
use crate::text::Text;
use crate::trust::openpgp::SecretKey;

/// Package a plugin: NAME-VERSION.tgz, as Helm installs it, and its provenance when it is signed.
///
/// The same files give the same archive. plugin.yaml is checked by Helm's rules, the module against what Helm's engine
/// takes.
#[derive(Args, Debug)]
pub(super) struct PackageArgs {
    /// The folder with plugin.yaml and plugin.wasm.
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Which of Helm's runtimes the package is for [default: what plugin.yaml says].
    #[arg(long, value_enum, value_name = "RUNTIME")]
    runtime: Option<RuntimeArg>,
    #[command(flatten)]
    sign: SignArgs,
    /// Write the package into this folder.
    #[arg(long, short = 'd', value_name = "DIR", default_value = ".")]
    destination: PathBuf,
}

/// The signing key.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Signing")]
pub(super) struct SignArgs {
    /// Sign: a file with an OpenPGP secret key, or the name or fingerprint of a key in --keyring.
    #[arg(long = "sign", value_name = "KEY")]
    key: Option<String>,
    /// The secret keyring that --sign names a key of (`gpg --export-secret-keys > FILE`).
    #[arg(long = "secret-keyring", value_name = "FILE", requires = "key")]
    keyring: Option<PathBuf>,
    /// The file with the key's passphrase; `-` for stdin.
    #[arg(long, value_name = "FILE", requires = "key")]
    passphrase_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RuntimeArg {
    /// Helm runs `windlass`, which runs the module: works with every Helm 4.
    Subprocess,
    /// Helm runs the module itself.
    Extism,
}

impl SignArgs {
    /// Whether a signature is asked for.
    pub(super) fn is_given(&self) -> bool {
        self.key.is_some()
    }

    /// The secret key, if one is asked for.
    pub(super) fn key(&self) -> Result<Option<SecretKey>, Error> {
        let Some(key) = &self.key else { return Ok(None) };
        let passphrase = || self.passphrase();
        if let Some(keyring) = &self.keyring {
            return SecretKey::read(&read(keyring)?, Some(key), passphrase).map(Some);
        }
        if Path::new(key).is_file() {
            return SecretKey::read(&read(Path::new(key))?, None, passphrase).map(Some);
        }
        Err(Error::usage(format!("there is no key file `{key}`"))
            .hint("export the key with `gpg --export-secret-keys KEY > secret.gpg` and give that file")
            .hint("or name a key of a secret keyring: `--sign NAME --secret-keyring FILE`"))
    }

    fn passphrase(&self) -> Result<Option<String>, Error> {
        let Some(path) = &self.passphrase_file else { return Ok(None) };
        let bytes = match path.as_os_str() == "-" {
            true => input::read_to_limit(std::io::stdin(), MAX_PASSWORD, 0)
                .map_err(|e| Error::usage(format!("cannot read the passphrase: {e}")))?,
            false => read(path)?,
        };
        let text = String::from_utf8(bytes).map_err(|_| Error::usage("the passphrase is not UTF-8"))?;
        Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

pub(super) fn run(arguments: &PackageArgs) -> Result<Outcome, Error> {
    let runtime = arguments.runtime.map(|runtime| match runtime {
        RuntimeArg::Subprocess => Runtime::Subprocess,
        RuntimeArg::Extism => Runtime::Extism,
    });
    let key = arguments.sign.key()?;
    let package = package::package(&arguments.folder, runtime, key.as_ref())?;
    let (archive, provenance) = write(&package, &arguments.destination)?;
    let digest = Digest::of(&package.archive);
    let text = Text::new().style(style::NAME, &package.plugin.name).say(" ").show(&package.plugin.version);
    let text = text.say(" is packaged: ").show(archive.display()).say(" (").show(package.archive.len());
    let mut text = text.say(" bytes, ").show(digest).say(")\n");
    if let Some(provenance) = &provenance {
        text = text.say("signed: ").show(provenance.display()).say("\n");
    }
    let json = json!({
        "name": package.plugin.name,
        "version": package.plugin.version.to_string(),
        "runtime": package.plugin.runtime.word(),
        "archive": archive,
        "size": package.archive.len(),
        "digest": digest.to_string(),
        "wasm": package.wasm.to_string(),
        "provenance": provenance,
    });
    Ok(Outcome::report(text, json))
}

/// Writes the files in one step each; a provenance of an older archive of the same name goes.
fn write(package: &Package, folder: &Path) -> Result<(PathBuf, Option<PathBuf>), Error> {
    let failed = |e: std::io::Error| Error::usage(format!("cannot write into {}: {e}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let archive = folder.join(&package.archive_name);
    let provenance = folder.join(format!("{}.prov", package.archive_name));
    replace(&archive, &package.archive)?;
    match &package.provenance {
        Some(text) => replace(&provenance, text.as_bytes())?,
        None if provenance.exists() => std::fs::remove_file(&provenance).map_err(failed)?,
        None => {}
    }
    Ok((archive, package.provenance.as_ref().map(|_| provenance)))
}

/// Replaces a file in one step, readable by everyone the umask lets.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    use std::io::Write as _;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        temporary.write_all(bytes)?;
        std::fs::set_permissions(temporary.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        temporary.persist(path)?;
        Ok(())
    };
    write().map_err(|e| Error::usage(format!("cannot write {}: {e}", path.display())))
}
