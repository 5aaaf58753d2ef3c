//! How plugins are opened: where they may come from, whom to believe, and what is locked.

use super::lock::Lock;
use crate::error::Error;
use crate::oci::blobs::Blobs;
use crate::oci::http::ClientOptions;
use crate::oci::progress::Progress;
use crate::trust::TrustPolicy;

/// All that fetching from afar depends on.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// How to reach registries.
    pub client: ClientOptions,
    /// What is already here.
    pub blobs: Blobs,
    /// Whether transfers are shown.
    pub progress: Progress,
    /// Whom to believe.
    pub trust: TrustPolicy,
    /// The digests that a lock file pins, if there is one.
    pub lock: Option<Lock>,
    /// Whether everything must be in the lock file (`--locked`).
    pub locked: bool,
}

impl FetchOptions {
    /// For plugins on this machine: nothing is read, kept or fetched.
    #[must_use]
    pub fn none() -> Self {
        Self {
            client: ClientOptions::default(),
            blobs: Blobs::none(Vec::new()),
            progress: Progress::Hidden,
            trust: TrustPolicy::default(),
            lock: None,
            locked: false,
        }
    }

    /// The user's store, where there is a place for one, and policy, and nothing else out of the ordinary.
    ///
    /// # Errors
    /// When the user's policy cannot be read (exit 2).
    pub fn of_user() -> Result<Self, Error> {
        let blobs = Blobs::of_user(Vec::new()).unwrap_or_default();
        Ok(Self { blobs, trust: TrustPolicy::of_user()?, ..Self::none() })
    }
}
