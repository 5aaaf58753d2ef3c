//! Whom to believe: the policy that decides whether a plugin that came from a registry may be compiled.
//!
//! Rules come from the user's policy file and from `trust` of a pipeline; for one reference exactly one rule counts, the user's before the
//! pipeline's, and of either the one with the longest prefix. Where no rule fits, a plugin from a registry needs a pin (a digest in the
//! reference or the lock file) or a valid signature by a key that the command line names. A path on this machine, layouts
//! included, was chosen by whoever named it; a rule may still ask for more.

pub mod cosign;
pub mod openpgp;
mod policy;

use crate::error::Error;
use crate::fetch::Digest;
use crate::helm::provenance;
use crate::oci::pull::Shipped;
use crate::source::PluginRef;

use cosign::{CosignKey, CosignSignature};
use openpgp::Keyring;
pub use policy::{Requirement, Rule};

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

/// The keys that a signature may be made with.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// OpenPGP, for provenance files.
    pub openpgp: Option<Keyring>,
    /// The only OpenPGP keys of the ring that count, by the ends of their fingerprints; empty for all.
    pub fingerprints: Vec<String>,
    /// cosign.
    pub cosign: Vec<CosignKey>,
}

/// The rules in the order of their authority.
#[derive(Clone, Debug, Default)]
pub struct TrustPolicy {
    user: Vec<Rule>,
    pipeline: Vec<Rule>,
    named: Keys,
}

/// Why a plugin was accepted; each line is fit to be shown.
pub type Reasons = Vec<String>;

impl TrustPolicy {
    /// The rules of the user's policy file, which need not exist.
    ///
    /// # Errors
    /// When the file, or a key that it names, cannot be read (exit 2).
    pub fn of_user() -> Result<Self, Error> {
        Ok(Self { user: policy::load_user()?, ..Self::default() })
    }

    /// Adds the rules of a pipeline's `trust`; paths in it count from `folder`.
    ///
    /// # Errors
    /// When it breaks the format, or a key that it names cannot be read (exit 2).
    pub fn add_pipeline(
        &mut self,
        trust: &crate::config::document::Node,
        folder: &std::path::Path,
        file: &str,
    ) -> Result<(), Error> {
        self.pipeline = policy::read(trust, "trust", folder).map_err(|problem| problem.in_file(file))?;
        Ok(())
    }

    /// Adds keys that the command line names; they count besides those of whatever rule fits.
    pub fn add_keys(&mut self, keyring: Option<Keyring>, cosign: Vec<CosignKey>) {
        if let Some(keyring) = keyring {
            self.named.openpgp.get_or_insert_default().extend(keyring);
        }
        self.named.cosign.extend(cosign);
    }

    fn rule(&self, reference: &PluginRef) -> Option<&Rule> {
        let name = reference.to_string();
        let longest = |rules: &'_ [Rule]| {
            rules
                .iter()
                .enumerate()
                .filter(|(_, rule)| rule.covers(&name))
                .max_by_key(|(_, rule)| rule.prefix.len())
                .map(|(index, _)| index)
        };
        longest(&self.user)
            .and_then(|index| self.user.get(index))
            .or_else(|| longest(&self.pipeline).and_then(|index| self.pipeline.get(index)))
    }

    /// Whether cosign signatures have a say about this reference, so that they have to be looked for: that may take a
    /// registry, which is not asked for what nobody needs.
    #[must_use]
    pub fn wants_cosign(&self, reference: &PluginRef, pin: Option<Pin>) -> bool {
        !self.named.cosign.is_empty()
            || self.rule(reference).is_some_and(|rule| match &rule.require {
                Some(required) => required.contains(&Requirement::Cosign),
                None => pin.is_none() && !rule.keys.cosign.is_empty(),
            })
    }

    /// Whether one of the signatures is by any key of the policy; a quick look, not the judgement.
    pub(crate) fn is_signed_by_any_key(&self, signatures: &[CosignSignature], manifest: &Digest) -> bool {
        let rules = self.user.iter().chain(&self.pipeline).map(|rule| &rule.keys);
        let mut keys = rules.chain(std::iter::once(&self.named)).flat_map(|keys| &keys.cosign);
        keys.any(|key| signatures.iter().any(|signature| signature.verify(key, manifest).is_ok()))
    }

    /// Decides whether a plugin that was shipped may be run.
    ///
    /// # Errors
    /// What it lacks, and how to trust it (exit 3).
    pub fn judge(&self, reference: &PluginRef, shipped: &Shipped) -> Result<Reasons, Error> {
        let rule = self.rule(reference);
        let keys = self.keys_of(rule);
        match rule.and_then(|rule| rule.require.as_ref()) {
            Some(required) => required
                .iter()
                .map(|requirement| check(*requirement, shipped, &keys))
                .collect::<Result<_, _>>()
                .map_err(|why| {
                    let prefix = rule.map(|rule| rule.prefix.as_str()).unwrap_or_default();
                    Error::denied(format!("{reference} is not trusted: {why}"))
                        .hint(format!("the trust rule for `{prefix}` asks for it"))
                }),
            None if matches!(reference, PluginRef::Layout { .. }) && rule.is_none() => {
                Ok(vec!["named by a path on this machine".to_owned()])
            }
            None => {
                let mut problems = Vec::new();
                for requirement in [Requirement::Digest, Requirement::OpenPgp, Requirement::Cosign] {
                    match check(requirement, shipped, &keys) {
                        Ok(reason) => return Ok(vec![reason]),
                        Err(problem) => problems.push(problem),
                    }
                }
                Err(untrusted(reference, shipped, &problems))
            }
        }
    }

    /// Checks one thing alone, with the keys that the policy and the command line give for this reference.
    ///
    /// # Errors
    /// Why it does not hold.
    pub(crate) fn judge_one(
        &self,
        reference: &PluginRef,
        shipped: &Shipped,
        requirement: Requirement,
    ) -> Result<String, String> {
        check(requirement, shipped, &self.keys_of(self.rule(reference)))
    }

    fn keys_of(&self, rule: Option<&Rule>) -> Keys {
        let mut keys = rule.map(|rule| rule.keys.clone()).unwrap_or_default();
        if let Some(named) = &self.named.openpgp {
            keys.openpgp.get_or_insert_default().extend(named.clone());
        }
        keys.cosign.extend(self.named.cosign.iter().cloned());
        keys
    }
}

fn check(requirement: Requirement, shipped: &Shipped, keys: &Keys) -> Result<String, String> {
    match requirement {
        Requirement::OpenPgp => check_openpgp(shipped, keys),
        Requirement::Cosign => check_cosign(shipped, keys),
        Requirement::Digest => {
            shipped.pin.map(|pin| pin.to_string()).ok_or_else(|| "it is not pinned by a digest".to_owned())
        }
    }
}

fn check_openpgp(shipped: &Shipped, keys: &Keys) -> Result<String, String> {
    let provenance = shipped.provenance.as_ref().ok_or("it has no OpenPGP provenance")?;
    let keyring =
        keys.openpgp.as_ref().ok_or("it has an OpenPGP provenance, but no keyring is given to check it with")?;
    let signer = provenance::verify(provenance, &shipped.archive, &shipped.archive_name, keyring)
        .map_err(|error| error.message().to_owned())?;
    let is_named =
        keys.fingerprints.is_empty() || keys.fingerprints.iter().any(|end| signer.fingerprint.ends_with(end.as_str()));
    if is_named {
        Ok(format!("signed by {signer}"))
    } else {
        Err(format!("it is signed by {signer}, which is not one of the fingerprints that count"))
    }
}

fn check_cosign(shipped: &Shipped, keys: &Keys) -> Result<String, String> {
    if keys.cosign.is_empty() {
        return Err("no cosign key is given".to_owned());
    }
    if shipped.cosign.is_empty() {
        return Err("it has no cosign signature".to_owned());
    }
    let mut reason = String::new();
    for signature in &shipped.cosign {
        for key in &keys.cosign {
            match signature.verify(key, &shipped.manifest) {
                Ok(()) => return Ok(format!("signed with the cosign key {}", key.fingerprint())),
                Err(why) => reason = why,
            }
        }
    }
    Err(format!("none of its {} cosign signatures is valid: {reason}", shipped.cosign.len()))
}

fn untrusted(reference: &PluginRef, shipped: &Shipped, problems: &[String]) -> Error {
    let mut error = Error::denied(format!("{reference} is not trusted: {}", problems.join("; ")));
    if let PluginRef::Oci(oci) = reference {
        let tag = oci.tag().map(|tag| format!(":{tag}")).unwrap_or_default();
        let pinned = format!("oci://{}/{}{tag}@{}", oci.registry(), oci.repository(), shipped.manifest);
        error = error
            .hint(format!("to trust exactly this content, name it by its digest: `{pinned}`, or run `windlass lock`"));
    }
    error
        .hint("to trust a signer, give `--keyring FILE` (OpenPGP) or `--cosign-key FILE`")
        .hint("to trust a registry for good, add a rule to the policy file: see `windlass verify --help`")
}
