//! The policy's file format.
//!
//! ```yaml
//! apiVersion: windlass.dev/v1alpha1
//! kind: TrustPolicy
//! trust:
//!   registries:
//!   - prefix: oci://registry.example/plugins
//!     require: [openpgp]        # or cosign, digest, several of them, or nothing
//!     keyrings: [release-keys.gpg]
//!     fingerprints: [0123456789ABCDEF0123456789ABCDEF01234567]
//!     cosignKeys: [cosign.pub]
//! ```
//!
//! A pipeline has the same `trust`. Without `require`, one of a pin and the signatures is enough.

use std::path::Path;

use super::Keys;
use super::cosign::CosignKey;
use super::openpgp::Keyring;
use crate::config::document::{self, Misread, Node, Place, refuse_unknown_keys};
use crate::dirs;
use crate::error::Error;

const API_VERSION: &str = "windlass.dev/v1alpha1";
const KIND: &str = "TrustPolicy";

/// One thing that a rule can ask of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// A provenance that verifies against the keyrings.
    OpenPgp,
    /// A cosign signature by one of the keys.
    Cosign,
    /// A digest in the reference or the lock file.
    Digest,
}

/// What is asked of the plugins below a prefix.
#[derive(Clone, Debug)]
pub struct Rule {
    /// `oci://HOST/PATH`, without a slash at its end.
    pub prefix: String,
    /// All that must hold; nothing at all when empty. Without a list, one of a pin and the signatures is enough.
    pub require: Option<Vec<Requirement>>,
    /// Whose signatures count.
    pub keys: Keys,
}

impl Rule {
    /// Whether the rule is about this reference. The prefix ends at a boundary: `oci://h/plugins` does not cover
    /// `oci://h/plugins-of-others`.
    pub(crate) fn covers(&self, reference: &str) -> bool {
        match reference.strip_prefix(&self.prefix) {
            Some(rest) => {
                rest.is_empty()
                    || rest.starts_with(['/', ':', '@'])
                        && !(self.prefix.matches('/').count() == 2 && rest.starts_with(':'))
            }
            None => false,
        }
    }
}

/// The rules of the user's own file.
pub(crate) fn load_user() -> Result<Vec<Rule>, Error> {
    let Some(path) = dirs::policy() else { return Ok(Vec::new()) };
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let folder = path.parent().unwrap_or_else(|| Path::new("."));
            read_file(&text, folder).map_err(|problem| problem.in_file(&path.display().to_string()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        // A policy that cannot be read is not a policy that allows.
        Err(error) => Err(Error::usage(format!("the trust policy {} cannot be read: {error}", path.display()))),
    }
}

fn read_file(text: &str, folder: &Path) -> Result<Vec<Rule>, Misread> {
    let start = Place { line: 1, column: 1 };
    let root = document::read(text)?.ok_or_else(|| Misread::new(start, "the file is empty"))?;
    refuse_unknown_keys(root.as_map("the policy")?, &["apiVersion", "kind", "trust"], "the policy")?;
    for (key, expected) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        let node = root.get(key).ok_or_else(|| {
            Misread::new(root.place, format!("{key} is missing")).with_hint(format!("add `{key}: {expected}`"))
        })?;
        if node.as_text(key)? != expected {
            return Err(Misread::new(node.place, format!("{key}: expected `{expected}`")));
        }
    }
    let trust = root.get("trust").ok_or_else(|| Misread::new(root.place, "trust is missing"))?;
    read(trust, "trust", folder)
}

/// Reads the value of `trust`; paths count from `folder`.
pub(crate) fn read(trust: &Node, what: &str, folder: &Path) -> Result<Vec<Rule>, Misread> {
    refuse_unknown_keys(trust.as_map(what)?, &["registries"], what)?;
    let Some(registries) = trust.get("registries") else { return Ok(Vec::new()) };
    let what = format!("{what}.registries");
    registries
        .as_list(&what)?
        .iter()
        .enumerate()
        .map(|(index, rule)| read_rule(rule, &format!("{what}[{index}]"), folder))
        .collect()
}

fn read_rule(node: &Node, what: &str, folder: &Path) -> Result<Rule, Misread> {
    refuse_unknown_keys(node.as_map(what)?, &["prefix", "require", "keyrings", "fingerprints", "cosignKeys"], what)?;
    let prefix = node.get("prefix").ok_or_else(|| Misread::new(node.place, format!("{what}.prefix is missing")))?;
    let text = prefix.as_text(&format!("{what}.prefix"))?;
    let is_known = text.strip_prefix("oci://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        || text == "oci-layout:";
    if !is_known {
        return Err(Misread::new(prefix.place, format!("{what}.prefix: `{text}` is not the beginning of a reference"))
            .with_hint("write `oci://HOST` or `oci://HOST/PATH`"));
    }
    let require =
        node.get("require").map(|require| read_requirements(require, &format!("{what}.require"))).transpose()?;
    let mut keys = Keys::default();
    for (path, place) in paths(node, "keyrings", what, folder)? {
        let keyring =
            std::fs::read(&path).map_err(|e| Error::usage(e.to_string())).and_then(|bytes| Keyring::read(&bytes));
        let keyring = keyring.map_err(|e| Misread::new(place, format!("{}: {e}", path.display())))?;
        keys.openpgp.get_or_insert_default().extend(keyring);
    }
    for (path, place) in paths(node, "cosignKeys", what, folder)? {
        let key = std::fs::read_to_string(&path)
            .map_err(|e| Error::usage(e.to_string()))
            .and_then(|text| CosignKey::read(&text));
        keys.cosign.push(key.map_err(|e| Misread::new(place, format!("{}: {e}", path.display())))?);
    }
    for (print, place) in texts(node, "fingerprints", what)? {
        let hex: String = print
            .trim_start_matches("0x")
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect::<String>()
            .to_ascii_uppercase();
        // Short key ids can be forged in seconds.
        if hex.len() < 40 || !hex.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(Misread::new(place, format!("{what}.fingerprints: `{print}` is not a whole fingerprint"))
                .with_hint("`gpg --list-keys --with-colons` prints it in the line `fpr`"));
        }
        keys.fingerprints.push(hex);
    }
    for (requirement, missing, key) in [
        (Requirement::OpenPgp, keys.openpgp.is_none(), "keyrings"),
        (Requirement::Cosign, keys.cosign.is_empty(), "cosignKeys"),
    ] {
        if missing && require.as_ref().is_some_and(|list| list.contains(&requirement)) {
            return Err(Misread::new(
                node.place,
                format!("{what} requires signatures, but has no {key} to check them with"),
            ));
        }
    }
    Ok(Rule { prefix: text.trim_end_matches('/').to_owned(), require, keys })
}

fn read_requirements(node: &Node, what: &str) -> Result<Vec<Requirement>, Misread> {
    let one = |node: &Node| -> Result<Option<Requirement>, Misread> {
        match node.as_text(what)? {
            "openpgp" => Ok(Some(Requirement::OpenPgp)),
            "cosign" => Ok(Some(Requirement::Cosign)),
            "digest" => Ok(Some(Requirement::Digest)),
            "nothing" => Ok(None),
            other => Err(Misread::new(node.place, format!("{what}: `{other}` is not known"))
                .with_hint("one of openpgp, cosign, digest, nothing")),
        }
    };
    match node.as_list(what) {
        Ok([]) => Err(Misread::new(node.place, format!("{what}: the list is empty"))
            .with_hint("write `nothing` if that is what you mean")),
        Ok([only]) => Ok(one(only)?.into_iter().collect()),
        Ok(items) => items
            .iter()
            .map(|item| one(item)?.ok_or_else(|| Misread::new(item.place, format!("{what}: `nothing` stands alone"))))
            .collect(),
        Err(_) => Ok(one(node)?.into_iter().collect()),
    }
}

fn texts(node: &Node, key: &str, what: &str) -> Result<Vec<(String, Place)>, Misread> {
    let Some(list) = node.get(key) else { return Ok(Vec::new()) };
    let what = format!("{what}.{key}");
    list.as_list(&what)?.iter().map(|item| Ok((item.as_text(&what)?.to_owned(), item.place))).collect()
}

fn paths(node: &Node, key: &str, what: &str, folder: &Path) -> Result<Vec<(std::path::PathBuf, Place)>, Misread> {
    Ok(texts(node, key, what)?.into_iter().map(|(text, place)| (folder.join(text), place)).collect())
}
