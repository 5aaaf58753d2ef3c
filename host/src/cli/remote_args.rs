//! The arguments of every command that reaches registries: how to connect, and whom to believe.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::printer::Printer;
use crate::error::Error;
use crate::input;
use crate::limits::parse_duration;
use crate::limits::table::MAX_KEYRING_BYTES;
use crate::oci::blobs::Blobs;
use crate::oci::http::ClientOptions;
use crate::oci::progress::Progress;
use crate::oci::registry::Registry;
use crate::plugin::opening::FetchOptions;
use crate::source::PluginRef;
use crate::trust::TrustPolicy;
use crate::trust::cosign::CosignKey;
use crate::trust::openpgp::Keyring;

/// How registries are reached.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Registries")]
pub(super) struct RegistryArgs {
    /// Speak plain HTTP to registries.
    #[arg(long)]
    plain_http: bool,
    /// Speak HTTPS without checking the registry's certificate.
    #[arg(long, conflicts_with = "plain_http")]
    insecure: bool,
    /// Trust the certificates in this PEM file as well.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Show registries this client certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// The key of the client certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    key_file: Option<PathBuf>,
    /// Read credentials from this file instead of Helm's and Docker's.
    #[arg(long, value_name = "FILE")]
    registry_config: Option<PathBuf>,
    /// How long a registry may stay silent before an attempt counts as failed [default: 30s].
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    registry_timeout: Option<Duration>,
}

impl RegistryArgs {
    pub(super) fn options(&self) -> ClientOptions {
        let Self { plain_http, insecure, ca_file, cert_file, key_file, registry_config, registry_timeout } =
            self.clone();
        let timeout = registry_timeout.unwrap_or(ClientOptions::default().timeout);
        ClientOptions { plain_http, insecure, ca_file, cert_file, key_file, registry_config, timeout }
    }

    pub(super) fn connect(&self, registry: &str, printer: &Printer) -> Result<Registry, Error> {
        Registry::new(registry, &self.options(), progress(printer))
    }
}

/// Whom to believe, besides the policy file.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Trust")]
pub(super) struct TrustArgs {
    /// Run only what has a provenance that is signed by an OpenPGP key of this keyring (binary, armored, or keybox).
    /// With a key of any kind named, every plugin needs a signature by one of the named keys, a pinned one and an
    /// archive on this machine (NAME-VERSION.tgz.prov beside it) as well.
    #[arg(long = "keyring", value_name = "FILE")]
    keyrings: Vec<PathBuf>,
    /// Run only what has a cosign signature by this public key; as for --keyring.
    #[arg(long = "cosign-key", value_name = "FILE")]
    cosign_keys: Vec<PathBuf>,
}

impl TrustArgs {
    /// Adds the keys to a policy.
    pub(super) fn add_to(&self, policy: &mut TrustPolicy) -> Result<(), Error> {
        for path in &self.keyrings {
            policy.add_keys(Some(Keyring::read(&read(path)?)?), Vec::new());
        }
        for path in &self.cosign_keys {
            policy.add_keys(None, vec![CosignKey::read(&String::from_utf8_lossy(&read(path)?))?]);
        }
        Ok(())
    }
}

/// All that fetching a plugin from afar depends on.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct RemoteArgs {
    #[command(flatten)]
    pub(super) registries: RegistryArgs,
    #[command(flatten)]
    pub(super) trust: TrustArgs,
    /// Look for content by its digest in this OCI layout before asking a registry.
    #[arg(long = "layout", value_name = "DIR", help_heading = "Registries")]
    layouts: Vec<PathBuf>,
}

impl RemoteArgs {
    /// What opening a plugin that is named by `reference` depends on: the keys that are named count for all of them,
    /// the policy and the store for what is shipped. A plugin on this machine needs no home directory.
    pub(super) fn remote_for(
        &self,
        reference: &PluginRef,
        keep: bool,
        printer: &Printer,
    ) -> Result<FetchOptions, Error> {
        match reference {
            PluginRef::Path(_) | PluginRef::Installed(_) => {
                let mut remote = FetchOptions::none();
                self.trust.add_to(&mut remote.trust)?;
                Ok(remote)
            }
            PluginRef::Oci(_) | PluginRef::Attached(_) | PluginRef::Layout { .. } => self.remote(keep, printer),
        }
    }

    /// What the arguments, the user's policy and the user's store say together.
    /// `keep` is false where nothing may be left behind.
    pub(super) fn remote(&self, keep: bool, printer: &Printer) -> Result<FetchOptions, Error> {
        let layouts = self.layouts.clone();
        let mut remote = FetchOptions {
            client: self.registries.options(),
            progress: progress(printer),
            blobs: if keep { blobs(layouts, printer) } else { Blobs::none(layouts) },
            trust: TrustPolicy::of_user()?,
            ..FetchOptions::none()
        };
        self.trust.add_to(&mut remote.trust)?;
        Ok(remote)
    }
}

/// The user's store of content, or a warning and none: everything in it can be fetched anew.
fn blobs(layouts: Vec<PathBuf>, printer: &Printer) -> Blobs {
    Blobs::of_user(layouts.clone()).unwrap_or_else(|error| {
        printer.warning(format!("{error}: what comes from registries is not kept"));
        Blobs::none(layouts)
    })
}

pub(super) fn progress(printer: &Printer) -> Progress {
    if printer.shows_progress() { Progress::Bars } else { Progress::Hidden }
}

/// The content of a keyring or key file.
pub(super) fn read(path: &std::path::Path) -> Result<Vec<u8>, Error> {
    input::read_named(path, MAX_KEYRING_BYTES).map_err(|e| Error::usage(format!("cannot read {}: {e}", path.display())))
}
