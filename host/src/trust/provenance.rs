//! Provenance files (`NAME-VERSION.tgz.prov`) as Helm writes and checks them (`pkg/provenance/sign.go`): a clear-signed
//! text of the plugin's metadata, a line `...`, and the archive's digest under its file name.

use super::openpgp::{Keyring, SecretKey, Signer};
use crate::digest::Digest;
use crate::document;
use crate::error::Error;
use crate::helm::plugin_yaml::{POST_RENDERER, PluginYaml};

/// What ends the metadata; `---` may not stand in a clear-signed text.
const SEPARATOR: &str = "\n...\n";

/// Signs an archive.
///
/// # Errors
/// When the key cannot sign (exit 2).
pub fn sign(archive: &[u8], archive_name: &str, plugin: &PluginYaml, key: &SecretKey) -> Result<String, Error> {
    let mut signed = key.clear_sign(&text(archive, archive_name, plugin))?;
    if !signed.ends_with('\n') {
        signed.push('\n');
    }
    Ok(signed)
}

/// The text under the signature. Name, version and runtime need no quotes in YAML: their characters are checked.
fn text(archive: &[u8], archive_name: &str, plugin: &PluginYaml) -> String {
    let PluginYaml { name, version, runtime, .. } = plugin;
    let runtime = runtime.word();
    let digest = Digest::of(archive);
    format!(
        "apiVersion: v1\nname: {name}\nruntime: {runtime}\ntype: {POST_RENDERER}\nversion: {version}{SEPARATOR}files:\n  {archive_name}: {digest}\n"
    )
}

/// Checks that a provenance is signed by a key of the ring and is about exactly this archive under this name.
///
/// # Errors
/// Which of these is not so (exit 3).
pub fn verify(provenance: &str, archive: &Digest, archive_name: &str, keyring: &Keyring) -> Result<Signer, Error> {
    let (text, signer) = keyring.verify_clear_signed(provenance)?;
    let unreadable = || Error::denied("the provenance is signed, but not the provenance of a plugin");
    let files = text.split(SEPARATOR).nth(1).ok_or_else(unreadable)?;
    let files = document::read(files).ok().flatten().ok_or_else(unreadable)?;
    let named =
        files.get("files").and_then(|files| files.get(archive_name)).and_then(|node| node.as_text("digest").ok());
    match named {
        None => Err(Error::denied(format!("the provenance says nothing about a file named {archive_name}"))),
        Some(digest) if digest == archive.to_string() => Ok(signer),
        Some(digest) => Err(Error::denied(format!(
            "the archive {archive_name} is {archive}, and {digest} was signed: it was changed"
        ))),
    }
}
