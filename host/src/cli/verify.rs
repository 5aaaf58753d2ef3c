//! `windlass verify`: is this the plugin that its signer signed, and would the policy let it run?

use std::path::Path;

use clap::Args;
use serde_json::json;

use super::printer::{Outcome, Printer};
use super::remote_args::{RemoteArgs, read};
use crate::error::Error;
use crate::fetch::Digest;
use crate::oci::pull::Shipped;
use crate::oci::push::Shipment;
use crate::render;
use crate::source::PluginRef;
use crate::text::Text;
use crate::trust::{Requirement, TrustPolicy};

/// Check a plugin's signatures against the trust policy and the keys given.
///
/// The policy is ~/.config/windlass/policy.yaml (or windlass/policy.yaml in XDG_CONFIG_HOME); a pipeline's `trust` has the same
/// form. For each prefix of references it says what is required, one or several of openpgp, cosign and digest, or nothing:
///
///   apiVersion: windlass.dev/v1alpha1
///   kind: TrustPolicy
///   trust:
///     registries:
///     - prefix: oci://registry.example/plugins
///       require: [openpgp]
///       keyrings: [release-keys.gpg]
///     - prefix: oci://other.example
///       require: cosign
///       cosignKeys: [cosign.pub]
///
/// Where no rule fits, a plugin from a registry needs a digest (in its reference or the lock file) or a valid signature.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct VerifyArgs {
    /// NAME-VERSION.tgz with its .prov beside it, oci://HOST/PATH/NAME:VERSION, or oci-layout:DIR[:TAG].
    #[arg(value_name = "PLUGIN")]
    plugin: PluginRef,
    #[command(flatten)]
    remote: RemoteArgs,
}

pub(super) fn run(arguments: &VerifyArgs, printer: &Printer) -> Result<Outcome, Error> {
    let remote = arguments.remote.remote(true, printer)?;
    let (reasons, manifest, wasm) = match &arguments.plugin {
        PluginRef::Path(path) => {
            let (shipped, wasm) = local(path)?;
            (remote.trust.judge_signature(&arguments.plugin, &shipped)?, None, wasm)
        }
        PluginRef::Installed(name) => {
            return Err(Error::usage(format!(
                "`{name}` is an installed plugin: its signature was checked when it was installed"
            )));
        }
        PluginRef::Oci(_) | PluginRef::Layout { .. } => {
            let verified = render::open_with(&arguments.plugin, &remote)?;
            let manifest = verified.shipped().map(|shipped| shipped.manifest);
            let reasons = match verified.shipped() {
                // Somebody who gives a key asks about signatures, not about pins.
                Some(shipped) if !arguments.remote.trust.is_empty() => {
                    remote.trust.judge_signature(&arguments.plugin, shipped)?
                }
                _ => verified.reasons().to_vec(),
            };
            (reasons, manifest, verified.digest())
        }
    };
    let text = Text::new().show(&arguments.plugin).say(" is trusted\n");
    let text = reasons.iter().fold(text, |text, reason| text.show(reason).say("\n"));
    let text = text.say("wasm ").show(wasm).say("\n");
    let json = json!({
        "plugin": arguments.plugin.to_string(),
        "trusted": reasons,
        "manifest": manifest.map(|digest| digest.to_string()),
        "wasm": wasm.to_string(),
    });
    Ok(Outcome::report(text, json))
}

/// An archive on this machine, judged as if it had been shipped: as `helm plugin verify` does.
fn local(path: &Path) -> Result<(Shipped, Digest), Error> {
    let archive = read(path)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".prov");
    let provenance = match std::fs::read_to_string(&beside) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(Error::usage(format!("cannot read {}: {error}", Path::new(&beside).display()))),
    };
    let digest = Digest::of(&archive);
    let wasm = Shipment::new(archive, None)?.wasm;
    let archive_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // There is no manifest, so nothing that cosign signed.
    Ok((Shipped { manifest: digest, archive_name, archive: digest, provenance, cosign: Vec::new(), pin: None }, wasm))
}

impl TrustPolicy {
    /// Like [`TrustPolicy::judge`], for people who ask about signatures: a pin or a local path is no answer.
    fn judge_signature(&self, reference: &PluginRef, shipped: &Shipped) -> Result<Vec<String>, Error> {
        match self.judge_one(reference, shipped, Requirement::OpenPgp) {
            Ok(reason) => Ok(vec![reason]),
            Err(first) => match self.judge_one(reference, shipped, Requirement::Cosign) {
                Ok(reason) => Ok(vec![reason]),
                Err(second) => Err(Error::denied(format!("{reference} is not trusted: {first}; {second}"))
                    .hint("give the signer's keys with `--keyring FILE` (OpenPGP) or `--cosign-key FILE`")),
            },
        }
    }
}
