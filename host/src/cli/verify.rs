//! `windlass verify`: is this the plugin that its signer signed, and would the policy let it run?

use clap::Args;
use serde_json::json;

use super::printer::{Outcome, Printer};
use super::remote_args::RemoteArgs;
use crate::error::Error;
use crate::render;
use crate::source::PluginRef;
use crate::text::Text;
use crate::trust::Reason;

/// Check a plugin's signatures against the trust policy and the keys given.
///
/// The policy is ~/.config/windlass/policy.yaml (or windlass/policy.yaml in XDG_CONFIG_HOME); a
/// pipeline's `trust` has the same form. For each prefix of references it says what is required, one
/// or several of openpgp, cosign and digest, or nothing:
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
/// A prefix is oci://HOST[:PORT][/PATH], oci-layout: for all layouts, or oci-layout:DIR for those in a
/// folder. Where no rule fits, a plugin from a registry needs a digest (in its reference or the lock
/// file) or a valid signature.
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
    let reference = &arguments.plugin;
    if let PluginRef::Installed(name) = reference {
        return Err(Error::usage(format!(
            "`{name}` is an installed plugin: its signature was checked when it was installed"
        )));
    }
    let remote = arguments.remote.remote_for(reference, true, printer)?;
    let verified = render::open_with(reference, &remote)?;
    if matches!(reference, PluginRef::Path(_)) && !remote.trust.names_keys() {
        return Err(Error::denied(format!("nothing about {reference} can be checked: no key is given"))
            .hint("give the signer's keys with `--keyring FILE` (OpenPGP)"));
    }
    let manifest = verified.shipped().map(|shipped| shipped.manifest);
    let (vouching, other): (Vec<_>, Vec<_>) = verified.reasons().iter().cloned().partition(Reason::vouches);
    let mut checked = Vec::new();
    if let Some(manifest) = manifest {
        checked.push(format!("all that was read is what the digests of the manifest {manifest} say"));
    }
    let is_signed = vouching.iter().any(|reason| matches!(reason, Reason::Signed(_)));
    let mut not_checked = Vec::new();
    if !is_signed {
        not_checked.push(if remote.trust.has_keys_for(reference) {
            "signatures: the trust policy does not ask for them".to_owned()
        } else {
            "signatures: no key is given".to_owned()
        });
    }
    let text = Text::new().show(reference);
    let text = if vouching.is_empty() {
        text.say(" would be run, and nobody vouches for it: ").show(texts(&other).join(", ")).say("\n")
    } else {
        text.say(" is trusted\n")
    };
    let text = vouching.iter().fold(text, |text, reason| text.show(reason).say("\n"));
    let text = checked.iter().fold(text, |text, what| text.say("checked: ").show(what).say("\n"));
    let text = not_checked.iter().fold(text, |text, what| text.say("not checked: ").show(what).say("\n"));
    let text = text.say("wasm ").show(verified.digest()).say("\n");
    if !is_signed {
        printer
            .note("to check a signature, give the signer's key with `--keyring FILE` (OpenPGP) or `--cosign-key FILE`");
    }
    let json = json!({
        "plugin": reference.to_string(),
        "trusted": texts(&vouching),
        "checked": checked,
        "notChecked": not_checked,
        "manifest": manifest.map(|digest| digest.to_string()),
        "wasm": verified.digest().to_string(),
    });
    Ok(Outcome::report(text, json))
}

/// Reasons as they are shown.
pub(super) fn texts(reasons: &[Reason]) -> Vec<String> {
    reasons.iter().map(Reason::to_string).collect()
}
