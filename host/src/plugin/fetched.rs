//! A plugin's bytes as they came: what [`super::fetch`] and [`super::pull`] make, and only [`super::verify`] accepts.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::digest::Digest;
use crate::source::PluginRef;
use crate::trust::evidence::{Came, Pin};

/// A plugin's bytes as they came, not yet trusted and not yet checked in any way.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Where it came from.
    pub(crate) reference: PluginRef,
    /// The folder it was read from, where it was one.
    pub(crate) folder: Option<PathBuf>,
    /// The text of its plugin.yaml, where it has one.
    pub(crate) plugin_yaml: Option<String>,
    /// The bytes of plugin.wasm.
    pub(crate) wasm: Vec<u8>,
    /// The digest of `wasm`, once somebody has asked for it: a run of a plugin that nothing pins does not.
    digest: OnceLock<Digest>,
    /// How it came, and what came along: what the trust policy judges it by.
    pub(crate) came: Came,
}

impl Fetched {
    /// Puts a plugin together whose parts were read elsewhere.
    pub(crate) fn new(
        reference: PluginRef,
        folder: Option<PathBuf>,
        plugin_yaml: Option<String>,
        wasm: Vec<u8>,
        came: Came,
    ) -> Self {
        Self { reference, folder, plugin_yaml, wasm, digest: OnceLock::new(), came }
    }

    /// Counts as pinned: for the command that makes the pin, which is the user's decision to trust what is there now.
    pub(crate) fn pin_by_locking(&mut self) {
        if let Came::Shipped(shipped) = &mut self.came {
            shipped.pin.get_or_insert(Pin::LockFile);
        }
    }

    /// The digest of the wasm.
    pub fn digest(&self) -> Digest {
        *self.digest.get_or_init(|| Digest::of(&self.wasm))
    }
}
