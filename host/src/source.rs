//! Where a plugin comes from: the `PLUGIN` of the command line and of a pipeline's `use`.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use crate::digest::Digest;
use crate::error::Error;

/// A plugin as the user named it. Parsing looks at the text alone; what is on disk is seen when it is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PluginRef {
    /// A file or folder: a path that ends in `.wasm`, `.tgz` or `.tar.gz`, or has a separator in it. Which of the three
    /// forms of a plugin it is, the disk says.
    Path(PathBuf),
    /// `oci://HOST/REPO/NAME:VERSION[@sha256:...]`. A digest in it is the word of whoever runs Windlass, and so a pin.
    Oci(OciReference),
    /// A plugin that a registry says is attached to a chart, by the digest that the registry gave: nobody's pin, as a
    /// chart's digest does not cover what refers to it. Never parsed from a text: what somebody wrote is
    /// [`PluginRef::Oci`].
    Attached(OciReference),
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
    /// The same plugin, for a reference in a file in `folder`: its path counts from there. However a path was written,
    /// the same place gets the same reference, as lock files are looked up by it.
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

/// `HOST[:PORT]` of a registry in the one form that is compared, shown and connected to, so that a registry has one
/// name however it was written: lower case, no final dot, addresses in their shortest form (an IPv4 address also where
/// an IPv6 one holds it), the port as a number and none where it is that of HTTPS, `docker.io` for Docker Hub.
///
/// The host is read by the same parser that makes the URLs that are connected to (the WHATWG's, in the crate `url`), so
/// that no spelling means one host here and another one there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RegistryHost {
    name: String,
    host_length: usize,
    port: Option<u16>,
}

/// The names of Docker Hub's one registry.
const DOCKER_HUB: [&str; 4] = ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];

impl RegistryHost {
    /// `HOST[:PORT]`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The host alone.
    #[must_use]
    pub fn host(&self) -> &str {
        self.name.get(..self.host_length).unwrap_or_default()
    }

    /// Host and port for the purpose of trust: no port for both that a registry has without saying so, 443, and 80 with
    /// `--plain-http`. A rule for the one name must not be escaped by the other.
    pub(crate) fn service(&self) -> (&str, Option<u16>) {
        match self.port {
            None | Some(80) if DOCKER_HUB.contains(&self.host()) => ("docker.io", None),
            port => (self.host(), port.filter(|port| *port != 80)),
        }
    }
}

impl FromStr for RegistryHost {
    type Err = Error;

    /// # Errors
    /// Not a host with or without a port (exit 2).
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong =
            |why: &str| Error::usage(format!("`{text}` is not a registry: {why}")).hint("write `HOST` or `HOST:PORT`");
        // A colon inside of brackets is part of an IPv6 address.
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (text, None),
        };
        let port = match port {
            Some(digits) => {
                let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                let number = digits.parse::<u16>().ok().filter(|number| is_number && *number != 0);
                Some(number.ok_or_else(|| wrong("the port is not a number from 1 to 65535"))?)
            }
            None => None,
        };
        let character = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']' | ':');
        if host.is_empty() || !host.chars().all(character) || (host.contains(':') && !host.starts_with('[')) {
            return Err(wrong("the host is missing or not a host"));
        }
        let url = reqwest::Url::parse(&format!("https://{host}/")).map_err(|_| wrong("the host is not a host"))?;
        let parsed = url.host_str().unwrap_or_default();
        let parsed = parsed.strip_suffix('.').unwrap_or(parsed);
        if parsed.split('.').any(str::is_empty) || url.port().is_some() {
            return Err(wrong("the host is not a host"));
        }
        let mapped = parsed
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .and_then(|address| address.parse::<Ipv6Addr>().ok())
            .and_then(|address| address.to_ipv4_mapped());
        let mut host = mapped.map_or_else(|| parsed.to_owned(), |address| address.to_string());
        let port = port.filter(|port| *port != 443);
        if port.is_none() && DOCKER_HUB.contains(&host.as_str()) {
            host = "docker.io".to_owned();
        }
        let host_length = host.len();
        let name = port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        Ok(Self { name, host_length, port })
    }
}

impl fmt::Display for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Whether a text can be one segment of a repository's path.
pub(crate) fn is_segment(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(is_plain) && text.ends_with(is_plain) && text.chars().all(|c| is_plain(c) || "._-".contains(c))
}

/// `oci://REGISTRY/REPOSITORY[:TAG][@DIGEST]`; at least one of tag and digest is there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OciReference {
    registry: RegistryHost,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl OciReference {
    /// Host and optional port, such as `registry.example:5000`, in their one form.
    pub fn registry(&self) -> &str {
        self.registry.name()
    }

    /// The registry by its parts.
    pub fn registry_host(&self) -> &RegistryHost {
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

    /// Another manifest of the same repository, by its digest alone.
    pub(crate) fn at(&self, digest: &Digest) -> Self {
        Self { tag: None, digest: Some(*digest), ..self.clone() }
    }

    /// The digest that the manifest must have.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }
}

impl FromStr for OciReference {
    type Err = Error;

    /// # Errors
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
        let digest: Option<Digest> = digest
            .map(|digest| digest.parse())
            .transpose()
            .map_err(|_| wrong("the digest is not `sha256:` and 64 lower-case hexadecimal digits"))?;
        let (registry, path) = rest.split_once('/').ok_or_else(|| wrong("the repository is missing"))?;
        let registry: RegistryHost = registry.parse().map_err(|error: Error| wrong(error.message()))?;
        let (repository, tag) = match path.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (path, None),
        };
        if !repository.split('/').all(is_segment) {
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
        Ok(Self { registry, repository: repository.to_owned(), tag: tag.map(|tag| tag.replace('+', "_")), digest })
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
            Self::Oci(reference) | Self::Attached(reference) => reference.fmt(f),
            Self::Layout { folder, tag: None } => {
                let folder = folder.display().to_string();
                // A colon in the folder's name would read as the start of a tag.
                let end = folder.rsplit_once(':').map_or("", |(_, name)| if name.contains('/') { "" } else { "/" });
                write!(f, "oci-layout:{folder}{end}")
            }
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
            (".", "oci-layout:a:b/", "oci-layout:./a:b/"),
            (".", "oci-layout:a:b", "oci-layout:./a:b"),
            (".", "oci-layout:a:b:c", "oci-layout:./a:b:c"),
            ("sub", "label-injector", "label-injector"),
        ] {
            let reference: PluginRef = text.parse().unwrap();
            let counted = reference.counted_from(Path::new(folder));
            assert_eq!(counted.to_string(), expected, "{text} in {folder}");
            assert_eq!(expected.parse::<PluginRef>().unwrap(), counted, "{expected} reads as the same");
        }
    }

    #[test]
    fn a_registry_has_one_name() {
        for (text, expected) in [
            ("registry.example", "registry.example"),
            ("Registry.EXAMPLE:05000", "registry.example:5000"),
            ("LOCALHOST:5701", "localhost:5701"),
            ("localhost.:5701", "localhost:5701"),
            ("localhost:05701", "localhost:5701"),
            ("h:443", "h"),
            ("h.:0443", "h"),
            ("h:80", "h:80"),
            ("127.1:5000", "127.0.0.1:5000"),
            ("0x7f.0.0.1", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("127.0.0.1.", "127.0.0.1"),
            ("[0:0::1]:5000", "[::1]:5000"),
            ("[::ffff:127.0.0.1]:5000", "127.0.0.1:5000"),
            ("docker.io", "docker.io"),
            ("Index.Docker.io.", "docker.io"),
            ("registry-1.docker.io:443", "docker.io"),
            ("registry.hub.docker.com", "docker.io"),
            ("registry-1.docker.io:5000", "registry-1.docker.io:5000"),
        ] {
            let registry: RegistryHost = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(registry.name(), expected, "{text}");
            // What is shown is read as the same again, and is what is connected to.
            assert_eq!(expected.parse::<RegistryHost>().unwrap(), registry, "{text}");
            let url = reqwest::Url::parse(&format!("https://{expected}/")).unwrap();
            assert_eq!(url.host_str(), Some(registry.host()), "{text}");
            let reference: OciReference = format!("oci://{text}/a/b:1").parse().unwrap();
            assert_eq!(reference.to_string(), format!("oci://{expected}/a/b:1"));
        }
        for text in [
            "", ":", "h:", ":5000", "h:0", "h:65536", "h:+1", "h:5x", "h..", "a..b", ".", "[::1", "::1", "a:b:1",
            "a:443:1",
        ] {
            assert!(text.parse::<RegistryHost>().is_err(), "{text}");
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
