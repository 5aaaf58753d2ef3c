//! Where a plugin comes from: the `PLUGIN` of the command line and of a pipeline's `use`.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use crate::error::Error;

/// A plugin as the user named it. Parsing looks at the text alone; what is on disk is seen when it is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PluginRef {
    /// A file or folder: a path that ends in `.wasm`, `.tgz` or `.tar.gz`, or has a separator in it. Which of the three
    /// forms of a plugin it is, the disk says.
    Path(PathBuf),
    /// `oci://HOST/REPO/NAME:VERSION[@sha256:...]`.
    Oci(OciReference),
    /// `oci-layout:DIR[:TAG]`.
    Layout {
        /// The folder with `oci-layout` and `index.json`.
        folder: PathBuf,
        /// The tag; none takes the only manifest of the layout.
        tag: Option<String>,
    },
    /// A bare name: an installed plugin, else a folder of that name.
    Installed(String),
}

impl PluginRef {
    /// The same plugin, for a reference in a file in `folder`: its path counts from there. However a path was written, the same
    /// place gets the same reference, as lock files are looked up by it.
    pub(crate) fn counted_from(self, folder: &Path) -> Self {
        match self {
            Self::Path(path) => Self::Path(in_folder(folder, &path)),
            Self::Layout { folder: layout, tag } => Self::Layout { folder: in_folder(folder, &layout), tag },
            other => other,
        }
    }
}

fn in_folder(folder: &Path, path: &Path) -> PathBuf {
    let joined = folder.join(path);
    let plain: PathBuf = joined.components().filter(|component| *component != Component::CurDir).collect();
    // A bare name would be an installed plugin.
    if plain.is_absolute() || plain.components().count() > 1 { plain } else { Path::new(".").join(plain) }
}

/// `oci://REGISTRY/REPOSITORY[:TAG][@DIGEST]`; at least one of tag and digest is there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OciReference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl OciReference {
    /// Host and optional port, such as `registry.example:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path below the registry; its last segment is the plugin's name.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag as the registry knows it.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// `sha256:` and 64 lower-case hexadecimal digits: the digest that the manifest must have.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }
}

impl FromStr for OciReference {
    type Err = Error;

    /// # Errors
    ///
    /// Not `oci://HOST/REPOSITORY` with a tag, a digest or both (exit 2).
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |why: &str| {
            Error::usage(format!("`{text}` is not an OCI reference: {why}"))
                .hint("write `oci://HOST/REPO/NAME:VERSION` or `oci://HOST/REPO/NAME:VERSION@sha256:DIGEST`")
        };
        let rest = text.strip_prefix("oci://").ok_or_else(|| wrong("it does not start with `oci://`"))?;
        if let Some((_, host)) = rest.split('/').next().and_then(|authority| authority.rsplit_once('@')) {
            // Not repeated in the error: logs keep it.
            return Err(Error::usage(format!("the reference to {host} holds a name or a password"))
                .hint(format!("log in with `windlass login {host}`, and write `oci://{host}/...`")));
        }
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (rest, None),
        };
        if let Some(digest) = digest {
            let hex = digest.strip_prefix("sha256:").unwrap_or_default();
            if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
                return Err(wrong("the digest is not `sha256:` and 64 lower-case hexadecimal digits"));
            }
        }
        let (registry, path) = rest.split_once('/').ok_or_else(|| wrong("the repository is missing"))?;
        let registry_character = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_');
        if registry.is_empty() || !registry.chars().all(registry_character) {
            return Err(wrong("the host is missing or not a host"));
        }
        let (repository, tag) = match path.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (path, None),
        };
        let segment = |segment: &str| {
            segment.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && segment.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && segment
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
        };
        if !repository.split('/').all(segment) {
            return Err(wrong("the repository must be lower-case letters, digits, `.`, `_`, `-`, between `/`"));
        }
        if let Some(tag) = tag {
            let character = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            // `+` is no tag character; Helm writes the `+` of a version as `_`.
            let tag = tag.replace('+', "_");
            if !(1..=128).contains(&tag.len()) || tag.starts_with(['.', '-']) || !tag.bytes().all(character) {
                return Err(wrong("the version after `:` is not a tag"));
            }
        }
        if tag.is_none() && digest.is_none() {
            return Err(wrong("it has neither a version nor a digest"));
        }
        Ok(Self {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tag: tag.map(|tag| tag.replace('+', "_")),
            digest: digest.map(str::to_owned),
        })
    }
}

impl fmt::Display for OciReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci://{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl FromStr for PluginRef {
    type Err = Error;

    /// # Errors
    ///
    /// Empty, a malformed OCI reference, or a scheme that is not known (exit 2).
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.trim().is_empty() {
            return Err(Error::usage("the plugin's name is empty").hint(FORMS));
        }
        if text.starts_with("oci://") {
            return text.parse().map(Self::Oci);
        }
        if let Some(rest) = text.strip_prefix("oci-layout:") {
            // A colon may also be part of the folder: only one behind the last separator starts a tag.
            let (folder, tag) = match rest.rsplit_once(':') {
                Some((folder, tag)) if !tag.contains('/') => (folder, Some(tag.to_owned())),
                _ => (rest, None),
            };
            if folder.is_empty() || tag.as_deref() == Some("") {
                return Err(Error::usage(format!("`{text}` names no OCI layout"))
                    .hint("write `oci-layout:DIR` or `oci-layout:DIR:TAG`"));
            }
            return Ok(Self::Layout { folder: PathBuf::from(folder), tag });
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(Error::usage(format!("plugins cannot come from `{scheme}://`")).hint(FORMS));
        }
        let is_bare = Path::new(text).components().count() == 1
            && !text.contains('/')
            && !matches!(text, "." | "..")
            && ![".wasm", ".wat", ".tgz", ".tar.gz"].iter().any(|suffix| text.ends_with(suffix));
        Ok(if is_bare { Self::Installed(text.to_owned()) } else { Self::Path(PathBuf::from(text)) })
    }
}

impl fmt::Display for PluginRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Oci(reference) => reference.fmt(f),
            Self::Layout { folder, tag: None } => write!(f, "oci-layout:{}", folder.display()),
            Self::Layout { folder, tag: Some(tag) } => write!(f, "oci-layout:{}:{tag}", folder.display()),
            Self::Installed(name) => f.write_str(name),
        }
    }
}

/// The forms of a plugin reference, for hints.
pub(crate) const FORMS: &str = "give a `.wasm` file, a plugin folder, a `.tgz`, `oci://HOST/REPO/NAME:VERSION`, \
     `oci-layout:DIR[:TAG]`, or the name of an installed plugin";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_parse_and_print_back() {
        let digest = "a".repeat(64);
        let pinned = format!("oci://registry.example:5000/plugins/label-injector:1.0.0@sha256:{digest}");
        for text in [
            "target/plugins/label-injector",
            "./x.wasm",
            "x.wasm",
            "label-injector-1.0.0.tgz",
            ".",
            "..",
            "label-injector",
            "oci-layout:out",
            "oci-layout:out:1.0.0",
            "oci-layout:/a:b/out",
            "oci://registry.example/plugins/x:1.0.0",
            &pinned,
        ] {
            let reference: PluginRef = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(reference.to_string(), text);
        }
        assert_eq!("label-injector".parse::<PluginRef>().unwrap(), PluginRef::Installed("label-injector".into()));
        assert_eq!(".".parse::<PluginRef>().unwrap(), PluginRef::Path(".".into()));
        assert_eq!(
            "oci-layout:out:1.0.0".parse::<PluginRef>().unwrap(),
            PluginRef::Layout { folder: "out".into(), tag: Some("1.0.0".into()) }
        );
        assert_eq!("oci://h/a/b:1.0.0+x".parse::<OciReference>().unwrap().tag(), Some("1.0.0_x"));
    }

    #[test]
    fn one_place_has_one_reference() {
        for (folder, text, expected) in [
            (".", "p/q", "p/q"),
            (".", "./p/./q", "p/q"),
            (".", "./p", "./p"),
            (".", ".", "./"),
            (".", "../p", "../p"),
            ("sub", "./p", "sub/p"),
            ("sub", "../p", "sub/../p"),
            ("/sub", "./p", "/sub/p"),
            ("sub", "/p", "/p"),
            (".", "oci-layout:./out:1.0.0", "oci-layout:./out:1.0.0"),
            (".", "oci-layout:out:1.0.0", "oci-layout:./out:1.0.0"),
            ("sub", "label-injector", "label-injector"),
        ] {
            let reference: PluginRef = text.parse().unwrap();
            assert_eq!(reference.counted_from(Path::new(folder)).to_string(), expected, "{text} in {folder}");
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in [
            "",
            " ",
            "https://example/x.wasm",
            "oci://",
            "oci://h",
            "oci://h/",
            "oci://h/a",
            "oci://h/A:1",
            "oci://h/a/:1",
            "oci://h/a:",
            "oci://h/a:1@sha256:abc",
            "oci://h/../a:1",
            "oci:///a:1",
            "oci://ann:secret@h/a:1",
            "oci-layout:",
            "oci-layout:x:",
            "oci-layout::x",
        ] {
            assert!(text.parse::<PluginRef>().is_err(), "{text}");
        }
    }
}
