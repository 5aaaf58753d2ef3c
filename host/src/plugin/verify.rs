//! Is this the plugin that the user trusts? Only a [`Verified`] plugin can be compiled.
//!
//! The lock file and the trust policy judge everything that is to be run, wherever it comes from. A path on this
//! machine is trusted because the user named it, unless a key is named that it must be signed by.

use std::path::Path;
use std::sync::OnceLock;

use windlass_abi::metadata::Metadata;

use crate::command;
use crate::digest::Digest;
use crate::error::Error;
use crate::oci::artifact;
use crate::plugin::fetched::Fetched;
use crate::plugin::lock::{Lock, LockEntry};
use crate::plugin::metadata::{self, Described};
use crate::plugin::opening::FetchOptions;
use crate::source::PluginRef;
use crate::trust::Reason;
use crate::trust::evidence::Shipped;

/// A plugin whose bytes the user trusts enough to be run in the sandbox.
#[derive(Debug, Clone)]
pub struct Verified {
    fetched: Fetched,
    reasons: Vec<Reason>,
    described: OnceLock<Described>,
}

impl Verified {
    /// Where it came from.
    pub fn reference(&self) -> &PluginRef {
        &self.fetched.reference
    }

    /// The folder it was read from, where it was one.
    pub fn folder(&self) -> Option<&Path> {
        self.fetched.folder.as_deref()
    }

    /// The text of its plugin.yaml, where it has one.
    pub fn plugin_yaml(&self) -> Option<&str> {
        self.fetched.plugin_yaml.as_deref()
    }

    /// The bytes of plugin.wasm.
    pub fn wasm(&self) -> &[u8] {
        &self.fetched.wasm
    }

    /// Why it may be run; never empty.
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// What came along with it, where it was shipped by a registry or a layout.
    pub fn shipped(&self) -> Option<&Shipped> {
        self.fetched.came.shipped()
    }

    /// What a lock file pins it by.
    pub fn lock_entry(&self) -> LockEntry {
        LockEntry::of(&self.fetched)
    }

    /// The digest of [`Verified::wasm`].
    pub fn digest(&self) -> Digest {
        self.fetched.digest()
    }

    /// The JSON text of the custom section `windlass.plugin`, where the module has one. It says who made the plugin,
    /// what it asks for, and the JSON Schema of its configuration. The module may be broken in any other way.
    pub fn metadata_json(&self) -> Option<&str> {
        metadata::metadata_json(self.wasm())
    }

    /// [`Verified::metadata_json`], read; once, however often it is asked for.
    pub(crate) fn described(&self) -> &Described {
        self.described.get_or_init(|| metadata::read(self.wasm()))
    }

    /// What the plugin says about itself; none where it says nothing.
    ///
    /// # Errors
    /// It is not what the PDK writes, or is for a newer Windlass (exit 2).
    pub(crate) fn metadata(&self) -> Result<Option<&Metadata>, Error> {
        match self.described() {
            None => Ok(None),
            Some(Ok(metadata)) => Ok(Some(metadata)),
            Some(Err(error)) => Err(Error::usage(error.to_string()).in_plugin(self.name())),
        }
    }

    /// Whether it is a program that turns its standard input into its standard output, and no plugin by its own means.
    pub fn is_command(&self) -> bool {
        command::is_command(self.wasm())
    }

    /// A short name for messages: the last segment of the reference, without its extension or version.
    pub fn name(&self) -> String {
        // A plugin that is attached to a chart lies in the chart's repository.
        if let Some(shipped) = self.shipped() {
            return artifact::name_and_version(&shipped.package.archive_name).0.to_owned();
        }
        match &self.fetched.reference {
            PluginRef::Installed(name) => name.clone(),
            PluginRef::Oci(reference) | PluginRef::Attached(reference) => {
                reference.repository().rsplit('/').next().unwrap_or_else(|| reference.repository()).to_owned()
            }
            PluginRef::Path(path) | PluginRef::Layout { folder: path, .. } => path
                .file_stem()
                .filter(|_| path.extension().is_some_and(|extension| extension == "wasm"))
                .or_else(|| path.file_name())
                .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned()),
        }
    }
}

/// Decides whether `fetched` may be run: by the lock file, where there is one, and by the trust policy.
///
/// # Errors
/// It is not what was locked, or the trust policy refuses it (exit 3).
pub fn verify(fetched: Fetched, remote: &FetchOptions) -> Result<Verified, Error> {
    match &remote.lock {
        Some(lock) => lock.check(&fetched, remote.locked)?,
        None if remote.locked => return Err(Lock::missing()),
        None => {}
    }
    let reasons = remote.trust.judge(&fetched.reference, &fetched.came)?;
    Ok(Verified { fetched, reasons, described: OnceLock::new() })
}
