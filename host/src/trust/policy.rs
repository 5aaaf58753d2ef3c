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
//!
//! `prefix` is `oci://HOST[:PORT][/PATH]`, or `oci-layout:` for all layouts, or `oci-layout:DIR` for those in a folder.
//! It is read into its parts like a reference, and compared part by part: however a reference is written, the rule of
//! its registry applies.

use std::path::{Path, PathBuf};

use super::cosign::CosignKey;
use super::openpgp::Keyring;
use crate::dirs;
use crate::document::{self, Misread, Node, Place, refuse_unknown_keys};
use crate::error::Error;
use crate::input;
use crate::limits::table::{MAX_DOCUMENT, MAX_KEY_FILE, MAX_KEYRING_BYTES};
use crate::source::{PluginRef, RegistryHost, is_segment};

const API_VERSION: &str = "windlass.dev/v1alpha1";
/// The kind of the file.
pub(crate) const KIND: &str = "TrustPolicy";

/// The keys of the file, of `trust`, and of one of its rules.
pub(crate) const TOP_LEVEL: [&str; 3] = ["apiVersion", "kind", "trust"];
pub(crate) const TRUST: [&str; 1] = ["registries"];
pub(crate) const RULE: [&str; 5] = ["prefix", "require", "keyrings", "fingerprints", "cosignKeys"];

/// The words of `require`.
pub(crate) const REQUIREMENTS: [&str; 4] = ["openpgp", "cosign", "digest", "nothing"];

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

/// Which references a rule is about, in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// `oci://HOST[:PORT][/PATH]`: the repositories of a registry below a path.
    Registry { registry: RegistryHost, path: Vec<String> },
    /// `oci-layout:[DIR]`: the layouts in a folder (links resolved), or all of them.
    Layouts { below: Option<PathBuf> },
}

impl Scope {
    /// Reads `prefix`; a folder in it counts from `folder`.
    fn read(text: &str, folder: &Path) -> Result<Self, Error> {
        if let Some(rest) = text.strip_prefix("oci-layout:") {
            return Ok(Self::Layouts { below: (!rest.is_empty()).then(|| resolved(&folder.join(rest))) });
        }
        let unknown = || Error::usage(format!("`{text}` is not the beginning of a reference"));
        let rest = text.strip_prefix("oci://").ok_or_else(unknown)?.trim_end_matches('/');
        let (registry, path) = rest.split_once('/').map_or((rest, None), |(registry, path)| (registry, Some(path)));
        let path: Vec<String> = path.into_iter().flat_map(|path| path.split('/')).map(str::to_owned).collect();
        // Anything else would be the beginning of no reference, and the rule one that never applies.
        if let Some(segment) = path.iter().find(|segment| !is_segment(segment)) {
            return Err(Error::usage(format!(
                "`{segment}` in `{text}` is no part of a repository's path, which are lower-case letters, digits, `.`, `_`, `-`"
            )));
        }
        Ok(Self::Registry { registry: registry.parse()?, path })
    }

    /// Whether it is about the same references as another one.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Registry { registry, path }, Self::Registry { registry: other, path: other_path }) => {
                is_same_registry(registry, other) && path == other_path
            }
            (one, other) => one == other,
        }
    }

    /// How much of a reference it fixes, where it covers it; nothing where it does not. The path ends at a boundary:
    /// `oci://h/plugins` does not cover `oci://h/plugins-of-others`.
    fn depth(&self, reference: &PluginRef) -> Option<usize> {
        match (self, reference) {
            (Self::Registry { registry, path }, PluginRef::Oci(reference) | PluginRef::Attached(reference)) => {
                let mut segments = reference.repository().split('/');
                let covers = is_same_registry(registry, reference.registry_host())
                    && path.iter().all(|segment| segments.next() == Some(segment));
                covers.then_some(path.len())
            }
            (Self::Layouts { below: None }, PluginRef::Layout { .. }) => Some(0),
            (Self::Layouts { below: Some(below) }, PluginRef::Layout { folder, .. }) => {
                resolved(folder).starts_with(below).then(|| below.components().count())
            }
            (Self::Registry { .. }, PluginRef::Layout { .. } | PluginRef::Path(_) | PluginRef::Installed(_))
            | (
                Self::Layouts { .. },
                PluginRef::Oci(_) | PluginRef::Attached(_) | PluginRef::Path(_) | PluginRef::Installed(_),
            ) => None,
        }
    }
}

fn is_same_registry(one: &RegistryHost, other: &RegistryHost) -> bool {
    one.service() == other.service()
}

/// The one path of a folder: absolute, links resolved as far as it exists.
fn resolved(folder: &Path) -> PathBuf {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    std::fs::canonicalize(&absolute).unwrap_or(absolute)
}

/// What is asked of the plugins below a prefix.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The prefix, as it was written.
    pub prefix: String,
    /// The same in parts.
    pub(crate) scope: Scope,
    /// All that must hold; nothing at all when empty. Without a list, one of a pin and the signatures is enough.
    pub require: Option<Vec<Requirement>>,
    /// Whose signatures count.
    pub keys: Keys,
}

/// The rule that is about a reference: the one that fixes most of it.
pub(crate) fn rule_for<'r>(rules: &'r [Rule], reference: &PluginRef) -> Option<&'r Rule> {
    rules
        .iter()
        .filter_map(|rule| Some((rule.scope.depth(reference)?, rule)))
        .max_by_key(|(depth, _)| *depth)
        .map(|(_, rule)| rule)
}

/// The rules of the user's own file.
pub(crate) fn load_user() -> Result<Vec<Rule>, Error> {
    let Some(path) = dirs::policy() else { return Ok(Vec::new()) };
    match input::read_text(&path, MAX_DOCUMENT) {
        Ok(text) => {
            let folder = path.parent().unwrap_or_else(|| Path::new("."));
            read_file(&text, folder).map_err(|problem| problem.in_file(&path.display().to_string()))
        }
        // A link that leads nowhere (yet) is no missing policy.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !path.is_symlink() => Ok(Vec::new()),
        // A policy that cannot be read is not a policy that allows.
        Err(error) => Err(Error::usage(format!("the trust policy {} cannot be read: {error}", path.display()))),
    }
}

fn read_file(text: &str, folder: &Path) -> Result<Vec<Rule>, Misread> {
    let start = Place { line: 1, column: 1 };
    let root = document::read(text)?.ok_or_else(|| Misread::new(start, "the file is empty"))?;
    refuse_unknown_keys(root.as_map("the policy")?, &TOP_LEVEL, "the policy")?;
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
    refuse_unknown_keys(trust.as_map(what)?, &TRUST, what)?;
    let Some(registries) = trust.get("registries") else { return Ok(Vec::new()) };
    let what = format!("{what}.registries");
    let mut rules: Vec<Rule> = Vec::new();
    for (index, node) in registries.as_list(&what)?.iter().enumerate() {
        let what = format!("{what}[{index}]");
        let rule = read_rule(node, &what, folder)?;
        if let Some(other) = rules.iter().find(|other| other.scope.is_same(&rule.scope)) {
            return Err(Misread::new(
                node.place,
                format!(
                    "{what}.prefix: `{}` is about the same as `{}`, which has a rule already",
                    rule.prefix, other.prefix
                ),
            )
            .with_hint("leave one of them, with all that is required"));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn read_rule(node: &Node, what: &str, folder: &Path) -> Result<Rule, Misread> {
    refuse_unknown_keys(node.as_map(what)?, &RULE, what)?;
    let prefix = node.get("prefix").ok_or_else(|| Misread::new(node.place, format!("{what}.prefix is missing")))?;
    let text = prefix.as_text(&format!("{what}.prefix"))?;
    let scope = Scope::read(text, folder).map_err(|error| {
        Misread::new(prefix.place, format!("{what}.prefix: {}", error.message()))
            .with_hint("write `oci://HOST[:PORT]`, `oci://HOST[:PORT]/PATH`, `oci-layout:` or `oci-layout:DIR`")
    })?;
    let require =
        node.get("require").map(|require| read_requirements(require, &format!("{what}.require"))).transpose()?;
    let mut keys = Keys::default();
    for (path, place) in paths(node, "keyrings", what, folder)? {
        let keyring = input::read(&path, MAX_KEYRING_BYTES)
            .map_err(|e| Error::usage(e.to_string()))
            .and_then(|bytes| Keyring::read(&bytes));
        let keyring = keyring.map_err(|e| Misread::new(place, format!("{}: {e}", path.display())))?;
        keys.openpgp.get_or_insert_default().extend(keyring);
    }
    for (path, place) in paths(node, "cosignKeys", what, folder)? {
        let key = input::read_text(&path, MAX_KEY_FILE)
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
    Ok(Rule { prefix: text.trim_end_matches('/').to_owned(), scope, require, keys })
}

fn read_requirements(node: &Node, what: &str) -> Result<Vec<Requirement>, Misread> {
    let one = |node: &Node| -> Result<Option<Requirement>, Misread> {
        match node.as_text(what)? {
            "openpgp" => Ok(Some(Requirement::OpenPgp)),
            "cosign" => Ok(Some(Requirement::Cosign)),
            "digest" => Ok(Some(Requirement::Digest)),
            "nothing" => Ok(None),
            other => Err(Misread::new(node.place, format!("{what}: `{other}` is not known"))
                .with_hint(format!("one of {}", REQUIREMENTS.join(", ")))),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the rules with these prefixes is about the reference.
    fn chosen<'p>(prefixes: &[&'p str], reference: &PluginRef, folder: &Path) -> Option<&'p str> {
        let mut text = String::from("registries:\n");
        for prefix in prefixes {
            text.push_str(&format!("- {{prefix: \"{prefix}\", require: digest}}\n"));
        }
        let rules = read(&document::read(&text).unwrap().unwrap(), "trust", folder).unwrap_or_else(|e| panic!("{e:?}"));
        let found = rule_for(&rules, reference)?.prefix.clone();
        prefixes.iter().find(|prefix| prefix.trim_end_matches('/') == found).copied()
    }

    #[track_caller]
    fn check(prefixes: &[&str], reference: &str, expected: Option<&str>) {
        let reference: PluginRef = reference.parse().unwrap_or_else(|error| panic!("{reference}: {error}"));
        assert_eq!(chosen(prefixes, &reference, Path::new(".")), expected, "{reference}");
    }

    /// However a registry is written, in the rule or in the reference, it is the same registry.
    #[test]
    fn a_rule_is_not_escaped_by_another_spelling() {
        let digest = format!("@sha256:{}", "a".repeat(64));
        let spellings: [&[&str]; 5] = [
            &["localhost:5701", "LOCALHOST:5701", "localhost.:5701", "localhost:05701", "LocalHost.:005701"],
            &["r.example", "R.example", "r.example.", "r.example:443", "r.example:0443", "r.example:80"],
            &["docker.io", "index.docker.io", "registry-1.docker.io:80", "registry.hub.docker.com", "DOCKER.io:443"],
            &["127.0.0.1:5000", "127.1:5000", "0x7f000001:5000", "[::ffff:127.0.0.1]:5000", "[::FFFF:7f00:1]:5000"],
            &["[::1]:5000", "[0:0:0::1]:05000"],
        ];
        for names in spellings {
            for rule in names {
                for name in names {
                    for path in ["", "/plugins", "/plugins/x", "/plugins/"] {
                        let prefix = format!("oci://{rule}{path}");
                        for version in [":1.0.0", digest.as_str(), &format!(":1.0.0{digest}")] {
                            check(&[&prefix], &format!("oci://{name}/plugins/x{version}"), Some(&prefix));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_rule_is_about_its_parts_and_no_others() {
        let all = ["oci://h", "oci://h/plugins", "oci://h/plugins/x", "oci://h:5000", "oci-layout:"];
        check(&all, "oci://h/plugins/x:1", Some("oci://h/plugins/x"));
        check(&all, "oci://h/plugins/x-y:1", Some("oci://h/plugins"));
        check(&all, "oci://h/plugins-of-others/x:1", Some("oci://h"));
        check(&all, "oci://h:5000/plugins/x:1", Some("oci://h:5000"));
        check(&all, "oci://h:5001/plugins/x:1", None);
        check(&all, "oci://g.h/plugins/x:1", None);
        check(&all, "oci://hh/plugins/x:1", None);
        check(&all, "./x.wasm", None);
        check(&all, "x", None);
        for layout in ["oci-layout:x", "oci-layout:./x", "oci-layout:../x:1.0.0", "oci-layout:/x", "oci-layout:.:1"] {
            check(&all, layout, Some("oci-layout:"));
        }
        let attached = PluginRef::Attached("oci://H.:443/plugins/x:1".parse().unwrap());
        assert_eq!(chosen(&all, &attached, Path::new(".")), Some("oci://h/plugins/x"));
    }

    #[test]
    fn a_rule_for_layouts_in_a_folder_sees_through_links() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        for made in ["carried/in", "carried-too"] {
            std::fs::create_dir_all(folder.join(made)).unwrap();
        }
        std::os::unix::fs::symlink("carried/in", folder.join("link")).unwrap();
        let rules = ["oci-layout:", "oci-layout:carried"];
        for (layout, expected) in [
            ("carried", "oci-layout:carried"),
            ("carried/in", "oci-layout:carried"),
            ("carried-too/../carried/in", "oci-layout:carried"),
            ("link", "oci-layout:carried"),
            ("carried-too", "oci-layout:"),
            ("carried/../carried-too", "oci-layout:"),
        ] {
            let reference = PluginRef::Layout { folder: folder.join(layout), tag: None };
            assert_eq!(chosen(&rules, &reference, folder), Some(expected), "{layout}");
        }
    }

    #[test]
    fn a_prefix_that_says_nothing_or_the_same_again_is_refused() {
        for (prefixes, says) in [
            (&["h/plugins"][..], "not the beginning of a reference"),
            (&["oci://"], "the host is missing"),
            (&["oci:///plugins"], "the host is missing"),
            (&["oci://h:x/plugins"], "the port is not a number"),
            (&["oci://h/Plugins"], "no part of a repository's path"),
            (&["oci://h//plugins"], "no part of a repository's path"),
            (&["oci://h/plugins/x:1.0.0"], "no part of a repository's path"),
            (&["oci://h/plugins", "oci://H.:443/plugins/"], "about the same"),
            (&["oci://h", "oci://h:80"], "about the same"),
            (&["oci-layout:", "oci-layout:"], "about the same"),
        ] {
            let list: Vec<String> = prefixes.iter().map(|prefix| format!("- {{prefix: \"{prefix}\"}}\n")).collect();
            let text = format!("registries:\n{}", list.concat());
            let misread = read(&document::read(&text).unwrap().unwrap(), "trust", Path::new(".")).unwrap_err();
            let error = misread.in_file("policy.yaml");
            assert!(error.message().contains(says), "{prefixes:?}: {error}");
        }
    }
}
