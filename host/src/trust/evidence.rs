//! What came along with a plugin, and how it came: what the trust policy judges it by. Nothing is judged here.

use super::cosign::CosignSignature;
use crate::digest::Digest;

/// How a plugin came.
#[derive(Debug, Clone)]
pub enum Came {
    /// As a file or a folder: nothing that could be signed.
    Loose,
    /// As an archive on this machine.
    Archive(Package),
    /// From a registry or a layout.
    Shipped(Shipped),
}

impl Came {
    /// The archive, where it came as one.
    #[must_use]
    pub fn package(&self) -> Option<&Package> {
        match self {
            Self::Loose => None,
            Self::Archive(package) => Some(package),
            Self::Shipped(shipped) => Some(&shipped.package),
        }
    }

    /// What a registry or a layout said, where it came from one.
    #[must_use]
    pub fn shipped(&self) -> Option<&Shipped> {
        match self {
            Self::Loose | Self::Archive(_) => None,
            Self::Shipped(shipped) => Some(shipped),
        }
    }
}

/// A plugin's archive, by what a signature says about it.
#[derive(Clone, Debug)]
pub struct Package {
    /// `NAME-VERSION.tgz`, as the archive is titled.
    pub archive_name: String,
    /// The digest of the archive.
    pub archive: Digest,
    /// The provenance file, if there is one.
    pub provenance: Option<String>,
}

/// What came along with a plugin that was shipped: what the trust policy judges it by.
#[derive(Clone, Debug)]
pub struct Shipped {
    /// The digest of the manifest it came by.
    pub manifest: Digest,
    /// The archive.
    pub package: Package,
    /// The cosign signatures that were found; looked for only when the policy has a key.
    pub cosign: Vec<CosignSignature>,
    /// Who said that it must be this manifest.
    pub pin: Option<Pin>,
}

/// Who said that a plugin must be exactly one manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// The digest in the reference itself.
    Reference,
    /// The lock file.
    LockFile,
}

impl std::fmt::Display for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Reference => "the digest in the reference",
            Self::LockFile => "the digest in the lock file",
        })
    }
}
