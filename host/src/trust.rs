//! Whom to believe: the policy that decides whether a plugin may be compiled.
//!
//! Rules come from the user's policy file and from `trust` of a pipeline; for one reference exactly one rule counts,
//! the user's before the pipeline's, and of either the one that fixes most of the reference. Where no rule fits, a
//! plugin from a registry needs a pin (a digest in the reference or the lock file) or a valid signature. A path on this
//! machine, layouts included, was chosen by whoever named it; a rule may still ask for more of a layout.
//!
//! A key that the command line names is a question of its own: whatever else holds, and wherever the plugin comes from,
//! a signature by one of those keys is then needed.

pub mod cosign;
pub mod evidence;
pub mod openpgp;
pub(crate) mod policy;
pub mod provenance;

use cosign::{CosignKey, CosignSignature};
use openpgp::Keyring;

use crate::digest::Digest;
use crate::error::Error;
use crate::source::PluginRef;
use crate::trust::evidence::{Came, Package, Pin};

pub use policy::{Keys, Requirement, Rule};

/// The rules in the order of their authority.
#[derive(Clone, Debug, Default)]
pub struct TrustPolicy {
    user: Vec<Rule>,
    pipeline: Vec<Rule>,
    named: Keys,
}

/// Why a plugin was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Somebody named it by a path, and nobody asked for more. That says nothing about what it is.
    NamedByPath,
    /// The rule for it asks for nothing. That says nothing about what it is, either.
    NothingRequired,
    /// It is exactly what the user pinned.
    Pinned(Pin),
    /// A key that counts signed it; says which.
    Signed(String),
}

impl Reason {
    /// Whether somebody vouches for what the plugin is.
    #[must_use]
    pub fn vouches(&self) -> bool {
        matches!(self, Self::Pinned(_) | Self::Signed(_))
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NamedByPath => f.write_str("named by a path on this machine"),
            Self::NothingRequired => f.write_str("its trust rule asks for nothing"),
            Self::Pinned(pin) => pin.fmt(f),
            Self::Signed(by) => f.write_str(by),
        }
    }
}

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
        trust: &crate::document::Node,
        folder: &std::path::Path,
        file: &str,
    ) -> Result<(), Error> {
        self.pipeline = policy::read(trust, "trust", folder).map_err(|problem| problem.in_file(file))?;
        Ok(())
    }

    /// Adds keys that the command line names. They count besides those of whatever rule fits, and a signature by one of
    /// them is needed from then on.
    pub fn add_keys(&mut self, keyring: Option<Keyring>, cosign: Vec<CosignKey>) {
        if let Some(keyring) = keyring {
            self.named.openpgp.get_or_insert_default().extend(keyring);
        }
        self.named.cosign.extend(cosign);
    }

    /// Whether the command line names a key, so that signatures by it are asked for.
    #[must_use]
    pub fn names_keys(&self) -> bool {
        self.named.openpgp.is_some() || !self.named.cosign.is_empty()
    }

    /// Whether there is any key that signatures of this reference can be checked with.
    pub(crate) fn has_keys_for(&self, reference: &PluginRef) -> bool {
        let keys = self.keys_of(self.rule(reference));
        keys.openpgp.is_some() || !keys.cosign.is_empty()
    }

    fn rule(&self, reference: &PluginRef) -> Option<&Rule> {
        policy::rule_for(&self.user, reference).or_else(|| policy::rule_for(&self.pipeline, reference))
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

    /// Decides whether a plugin may be run, by what came along with it. The reasons are never none.
    ///
    /// # Errors
    /// What it lacks, and how to trust it (exit 3).
    pub fn judge(&self, reference: &PluginRef, came: &Came) -> Result<Vec<Reason>, Error> {
        let rule = self.rule(reference);
        let keys = self.keys_of(rule);
        let mut reasons = Vec::new();
        match rule.and_then(|rule| rule.require.as_ref()) {
            Some(required) => {
                for requirement in required {
                    reasons.push(check(*requirement, came, &keys).map_err(|why| {
                        let prefix = rule.map(|rule| rule.prefix.as_str()).unwrap_or_default();
                        Error::denied(format!("{reference} is not trusted: {why}"))
                            .hint(format!("the trust rule for `{prefix}` asks for it"))
                    })?);
                }
            }
            None if self.names_keys() => {}
            None if rule.is_none() && is_on_this_machine(reference) => reasons.push(Reason::NamedByPath),
            None => reasons.push(
                one_of(&[Requirement::Digest, Requirement::OpenPgp, Requirement::Cosign], came, &keys)
                    .map_err(|problems| untrusted(reference, came, &problems))?,
            ),
        }
        if self.names_keys() {
            let signed = self.signed_by_named_key(reference, came, rule)?;
            if !reasons.contains(&signed) {
                reasons.push(signed);
            }
        }
        if reasons.is_empty() {
            reasons.push(Reason::NothingRequired);
        }
        Ok(reasons)
    }

    /// Whoever gives a key asks about signatures by it: neither a pin nor a path nor another key is an answer.
    fn signed_by_named_key(&self, reference: &PluginRef, came: &Came, rule: Option<&Rule>) -> Result<Reason, Error> {
        let fingerprints = rule.map(|rule| rule.keys.fingerprints.clone()).unwrap_or_default();
        let keys = Keys { fingerprints, ..self.named.clone() };
        let kinds = [(Requirement::OpenPgp, keys.openpgp.is_some()), (Requirement::Cosign, !keys.cosign.is_empty())];
        let asked: Vec<Requirement> = kinds.into_iter().filter_map(|(kind, asked)| asked.then_some(kind)).collect();
        one_of(&asked, came, &keys).map_err(|problems| {
            let error = Error::denied(format!("{reference} is not trusted: {}", problems.join("; ")))
                .hint("a key is named (`--keyring`, `--cosign-key`), so a signature by it is needed");
            match came {
                Came::Loose => {
                    error.hint("only what is packaged can be signed: name the archive, with its .prov beside it")
                }
                Came::Archive(_) | Came::Shipped(_) => error,
            }
        })
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

/// A path was chosen by whoever named it; what a registry gives was not.
fn is_on_this_machine(reference: &PluginRef) -> bool {
    match reference {
        PluginRef::Path(_) | PluginRef::Installed(_) | PluginRef::Layout { .. } => true,
        PluginRef::Oci(_) | PluginRef::Attached(_) => false,
    }
}

/// The first that holds, or why none does.
fn one_of(requirements: &[Requirement], came: &Came, keys: &Keys) -> Result<Reason, Vec<String>> {
    let mut problems = Vec::new();
    for requirement in requirements {
        match check(*requirement, came, keys) {
            Ok(reason) => return Ok(reason),
            Err(problem) => problems.push(problem),
        }
    }
    Err(problems)
}

fn check(requirement: Requirement, came: &Came, keys: &Keys) -> Result<Reason, String> {
    match requirement {
        Requirement::OpenPgp => check_openpgp(came.package(), keys).map(Reason::Signed),
        Requirement::Cosign => check_cosign(came, keys).map(Reason::Signed),
        Requirement::Digest => came
            .shipped()
            .and_then(|shipped| shipped.pin)
            .map(Reason::Pinned)
            .ok_or_else(|| "it is not pinned by a digest".to_owned()),
    }
}

fn check_openpgp(package: Option<&Package>, keys: &Keys) -> Result<String, String> {
    let package = package.ok_or("it is no archive, so it has no OpenPGP provenance")?;
    let provenance = package.provenance.as_ref().ok_or("it has no OpenPGP provenance")?;
    let keyring =
        keys.openpgp.as_ref().ok_or("it has an OpenPGP provenance, but no keyring is given to check it with")?;
    let signer = provenance::verify(provenance, &package.archive, &package.archive_name, keyring)
        .map_err(|error| error.message().to_owned())?;
    let is_named =
        keys.fingerprints.is_empty() || keys.fingerprints.iter().any(|end| signer.fingerprint.ends_with(end.as_str()));
    if is_named {
        Ok(format!("signed by {signer}"))
    } else {
        Err(format!("it is signed by {signer}, which is not one of the fingerprints that count"))
    }
}

fn check_cosign(came: &Came, keys: &Keys) -> Result<String, String> {
    if keys.cosign.is_empty() {
        return Err("no cosign key is given".to_owned());
    }
    let shipped = came.shipped().ok_or("it has no manifest, which is what cosign signs")?;
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

fn untrusted(reference: &PluginRef, came: &Came, problems: &[String]) -> Error {
    let mut error = Error::denied(format!("{reference} is not trusted: {}", problems.join("; ")));
    if let (PluginRef::Oci(oci) | PluginRef::Attached(oci), Some(shipped)) = (reference, came.shipped()) {
        let tag = oci.tag().map(|tag| format!(":{tag}")).unwrap_or_default();
        let pinned = format!("oci://{}/{}{tag}@{}", oci.registry(), oci.repository(), shipped.manifest);
        error = match reference {
            PluginRef::Attached(_) => error
                .hint("a chart's digest says nothing about what is attached to it")
                .hint(format!("to trust exactly this content, run it under its own name: `{pinned}`")),
            _ => error.hint(format!(
                "to trust exactly this content, name it by its digest: `{pinned}`, or run `windlass lock`"
            )),
        };
    }
    error
        .hint("to trust a signer, give `--keyring FILE` (OpenPGP) or `--cosign-key FILE`")
        .hint("to trust a registry for good, add a rule to the policy file: see `windlass verify --help`")
}
