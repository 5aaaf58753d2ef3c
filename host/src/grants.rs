//! Grants: what the person running a plugin lets it reach. The default is nothing at all.
//!
//! Each grant is parsed once into a type that prints back what was written, so that a flag, a pipeline file, an error's
//! hint and `inspect` all speak the same words.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::Error;

/// Everything that one plugin was granted. [`Grants::default`] is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// `--allow-net`: hosts that HTTPS (and HTTP) requests may go to.
    pub net: Vec<NetGrant>,
    /// `--allow-read`: folders whose files may be read.
    pub read: Vec<FolderGrant>,
    /// `--allow-write`: folders whose files may be read, created and written.
    pub write: Vec<FolderGrant>,
    /// `--allow-env`: environment variables that may be read.
    pub env: Vec<EnvGrant>,
    /// `--allow-kube`: Kubernetes resources that may be read.
    pub kube: Vec<KubeGrant>,
}

impl Grants {
    /// True if nothing is granted.
    pub fn is_empty(&self) -> bool {
        self.net.is_empty()
            && self.read.is_empty()
            && self.write.is_empty()
            && self.env.is_empty()
            && self.kube.is_empty()
    }
}

/// `HOST[:PORT]`: a DNS name or an address (IPv6 in brackets), on one port or on every port.
///
/// There are no patterns: each host is named. Private, loopback and link-local addresses are reached only when the
/// address (or `localhost`) itself is written here, never because a granted name resolves to one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NetGrant {
    host: String,
    port: Option<u16>,
}

impl NetGrant {
    /// The host in lower case; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The one port, or none for every port.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// True if this grant covers `host` (as [`NetGrant::host`] writes it) on `port`.
    pub fn covers(&self, host: &str, port: u16) -> bool {
        self.port.is_none_or(|own| own == port) && self.host == host.to_ascii_lowercase()
    }
}

impl FromStr for NetGrant {
    type Err = Error;

    /// # Errors
    ///
    /// Not a host, or a host with something else around it: a scheme, a path, a wildcard (exit 2).
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |why: &str| {
            Error::usage(format!("`{text}` is not a host to grant: {why}"))
                .hint("write `HOST` or `HOST:PORT`, for example `--allow-net registry.example:443` or `--allow-net [::1]:5000`")
        };
        if text.contains("//") {
            return Err(wrong("it has a scheme"));
        }
        if text.contains('/') {
            return Err(wrong("it has a path"));
        }
        if text.contains('*') {
            return Err(wrong("it has a wildcard, and each host must be named"));
        }
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (address, after) = rest.split_once(']').ok_or_else(|| wrong("the bracket is not closed"))?;
            let address: Ipv6Addr = address.parse().map_err(|_| wrong("the brackets hold no IPv6 address"))?;
            let port = match after {
                "" => None,
                _ => Some(after.strip_prefix(':').ok_or_else(|| wrong("something follows the bracket"))?),
            };
            (address.to_string(), port)
        } else if text.matches(':').count() > 1 {
            return Err(wrong("an IPv6 address belongs in brackets"));
        } else {
            match text.split_once(':') {
                Some((host, port)) => (host.to_ascii_lowercase(), Some(port)),
                None => (text.to_ascii_lowercase(), None),
            }
        };
        let port = match port {
            None => None,
            Some(digits) => match digits.parse::<u16>() {
                Ok(number) if number > 0 && digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(number),
                _ => return Err(wrong("the port is not a number from 1 to 65535")),
            },
        };
        if host.parse::<IpAddr>().is_err() && !is_dns_name(&host) {
            return Err(wrong("the host is neither a DNS name nor an address"));
        }
        Ok(Self { host, port })
    }
}

impl fmt::Display for NetGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?
        } else {
            f.write_str(&self.host)?
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

fn is_dns_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    // A name whose last label is all digits is a mistyped IPv4 address (and resolvers read `127.1` as loopback).
    let last_is_number = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    name.len() <= 253 && !last_is_number && name.split('.').all(label)
}

/// `GUEST=HOSTDIR`: the folder `HOSTDIR`, which the plugin sees as `GUEST`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FolderGrant {
    guest: String,
    host: PathBuf,
}

impl FolderGrant {
    /// The name under which the plugin sees the folder.
    pub fn guest(&self) -> &str {
        &self.guest
    }

    /// The folder on this machine, as it was written.
    pub fn host(&self) -> &std::path::Path {
        &self.host
    }
}

impl FromStr for FolderGrant {
    type Err = Error;

    /// # Errors
    ///
    /// No `=`, an empty side, or a guest name with `.`, `..` or empty segments (exit 2). Whether the folder exists is
    /// found out when the plugin runs.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |why: &str| {
            Error::usage(format!("`{text}` is not a folder to grant: {why}"))
                .hint("write `GUEST=HOSTDIR`, for example `--allow-read /policies=./policies`")
        };
        let (guest, host) = text.split_once('=').ok_or_else(|| wrong("it has no `=`"))?;
        if host.is_empty() {
            return Err(wrong("the folder on this machine is missing"));
        }
        let segments = guest.strip_prefix('/').unwrap_or(guest);
        if segments.is_empty() || segments.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(wrong("the guest's name must be a plain path without `.` and `..`"));
        }
        Ok(Self { guest: guest.to_owned(), host: PathBuf::from(host) })
    }
}

impl fmt::Display for FolderGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.guest, self.host.display())
    }
}

/// `NAME`: one environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EnvGrant(String);

impl EnvGrant {
    /// The variable's name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl FromStr for EnvGrant {
    type Err = Error;

    /// # Errors
    ///
    /// Not the name of an environment variable (exit 2); patterns are none.
    fn from_str(text: &str) -> Result<Self, Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) || !text.bytes().all(plain) {
            return Err(Error::usage(format!("`{text}` is not the name of an environment variable")).hint(
                "write letters, digits and `_`, for example `--allow-env CLUSTER_NAME`; each variable is named",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for EnvGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What may be done with a granted Kubernetes resource. Nothing that writes exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KubeVerb {
    /// Read one object by name.
    Get,
    /// Read all objects of the kind.
    List,
}

impl KubeVerb {
    /// The verb as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
        }
    }
}

/// `VERB:GVR[/NS]`: `get:apps/v1/deployments/shop`, `list:v1/configmaps`. Without a namespace: every namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KubeGrant {
    verb: KubeVerb,
    group: String,
    version: String,
    resource: String,
    namespace: Option<String>,
}

impl KubeGrant {
    /// What may be done.
    pub fn verb(&self) -> KubeVerb {
        self.verb
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The API version, such as `v1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The resource's plural name, such as `deployments`.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The one namespace, or none for every namespace.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// True if this grant covers a read. `namespace` is none for cluster-scoped objects and for reads across all
    /// namespaces; a grant for one namespace covers neither.
    pub fn covers(&self, verb: KubeVerb, group: &str, version: &str, resource: &str, namespace: Option<&str>) -> bool {
        self.verb == verb
            && self.group == group
            && self.version == version
            && self.resource == resource
            && self.namespace.as_deref().is_none_or(|own| namespace == Some(own))
    }
}

impl FromStr for KubeGrant {
    type Err = Error;

    /// # Errors
    ///
    /// An unknown verb, or not `[GROUP/]VERSION/RESOURCE[/NAMESPACE]` after it (exit 2).
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |why: &str| {
            Error::usage(format!("`{text}` is not a Kubernetes read to grant: {why}"))
                .hint("write `VERB:[GROUP/]VERSION/RESOURCE[/NAMESPACE]`, for example `--allow-kube get:apps/v1/deployments/shop`")
        };
        let (verb, rest) = text.split_once(':').ok_or_else(|| wrong("the verb is missing"))?;
        let verb = match verb {
            "get" => KubeVerb::Get,
            "list" => KubeVerb::List,
            _ => return Err(wrong("the verb is neither `get` nor `list`")),
        };
        let mut segments: Vec<&str> = rest.split('/').collect();
        if segments.iter().any(|segment| !is_kube_name(segment)) {
            return Err(wrong("a segment is not a lower-case name"));
        }
        // The core group has no name, so its version comes first.
        let group = if segments.first().is_some_and(|first| is_kube_version(first)) { "" } else { segments.remove(0) };
        let (version, resource, namespace) = match segments.as_slice() {
            [version, resource] => (*version, *resource, None),
            [version, resource, namespace] => (*version, *resource, Some((*namespace).to_owned())),
            _ => return Err(wrong("it does not have a version and a resource")),
        };
        if !is_kube_version(version) {
            return Err(wrong("the version does not look like `v1` or `v1beta1`"));
        }
        Ok(Self {
            verb,
            group: group.to_owned(),
            version: version.to_owned(),
            resource: resource.to_owned(),
            namespace,
        })
    }
}

impl fmt::Display for KubeGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.verb.as_str())?;
        if !self.group.is_empty() {
            write!(f, "{}/", self.group)?;
        }
        write!(f, "{}/{}", self.version, self.resource)?;
        match &self.namespace {
            Some(namespace) => write!(f, "/{namespace}"),
            None => Ok(()),
        }
    }
}

fn is_kube_name(name: &str) -> bool {
    (1..=253).contains(&name.len())
        && !name.starts_with(['-', '.'])
        && !name.ends_with(['-', '.'])
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.')
}

/// `v1`, `v2beta3`: a `v`, a number, and an optional `alpha` or `beta` with a number.
fn is_kube_version(text: &str) -> bool {
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let Some(rest) = text.strip_prefix('v') else { return false };
    match rest.split_once("alpha").or_else(|| rest.split_once("beta")) {
        Some((major, minor)) => is_number(major) && is_number(minor),
        None => is_number(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses each text, and checks that it prints back as `printed` and that this parses to the same again.
    fn check<T: FromStr<Err = Error> + fmt::Display + fmt::Debug + PartialEq>(good: &[(&str, &str)], bad: &[&str]) {
        for (text, printed) in good {
            let grant: T = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(grant.to_string(), *printed);
            assert_eq!(printed.parse::<T>().unwrap(), grant);
        }
        for text in bad {
            let error = text.parse::<T>().map(|grant| grant.to_string()).unwrap_err();
            assert_eq!(error.exit_code(), crate::error::ExitCode::Usage, "{text}");
        }
    }

    #[test]
    fn net() {
        check::<NetGrant>(
            &[
                ("registry.example", "registry.example"),
                ("Registry.Example:443", "registry.example:443"),
                ("localhost:5000", "localhost:5000"),
                ("10.0.0.1", "10.0.0.1"),
                ("[::1]:5000", "[::1]:5000"),
                ("[0:0::1]", "[::1]"),
            ],
            &[
                "",
                ":443",
                "host:",
                "host:0",
                "host:65536",
                "host:+1",
                "https://host",
                "host/path",
                "*.host",
                "::1",
                "[::1",
                "[::1]5",
                "[host]",
                "a b",
                "-a.example",
                "127.1",
                "host..name",
                "0x7f.1",
                "1.2.3",
            ],
        );
    }

    #[test]
    fn a_net_grant_covers_its_host_and_port_only() {
        let any: NetGrant = "a.example".parse().unwrap();
        let one: NetGrant = "a.example:443".parse().unwrap();
        assert!(any.covers("a.example", 80) && any.covers("A.EXAMPLE", 443) && one.covers("a.example", 443));
        assert!(!one.covers("a.example", 80) && !any.covers("b.a.example", 443) && !any.covers("a.example.", 443));
    }

    #[test]
    fn folders() {
        check::<FolderGrant>(
            &[("/data=./data", "/data=./data"), ("data=/srv/a=b", "data=/srv/a=b"), ("/a/b=/c", "/a/b=/c")],
            &["", "/data", "=/x", "/data=", "/=x", "../a=x", "/a/../b=x", "/a//b=x", "./a=x"],
        );
    }

    #[test]
    fn environment() {
        check::<EnvGrant>(&[("CLUSTER_NAME", "CLUSTER_NAME"), ("_x1", "_x1")], &["", "1A", "A-B", "A=B", "A*", "*"]);
    }

    #[test]
    fn kube() {
        check::<KubeGrant>(
            &[
                ("get:apps/v1/deployments/shop", "get:apps/v1/deployments/shop"),
                ("list:v1/configmaps", "list:v1/configmaps"),
                ("get:v1/pods/v1", "get:v1/pods/v1"),
                ("list:cert-manager.io/v1alpha2/issuers", "list:cert-manager.io/v1alpha2/issuers"),
            ],
            &[
                "",
                "get",
                "get:",
                "delete:v1/pods",
                "get:pods",
                "get:v1",
                "get:apps/deployments",
                "get:v1/pods/",
                "get:v1/Pods",
                "get:a/v1/pods/ns/more",
                "get:v1/pods/ns/more/x",
                "*:v1/pods",
            ],
        );
    }

    #[test]
    fn a_kube_grant_for_one_namespace_covers_no_other_and_not_all() {
        let one: KubeGrant = "get:v1/pods/shop".parse().unwrap();
        let all: KubeGrant = "get:v1/pods".parse().unwrap();
        assert!(one.covers(KubeVerb::Get, "", "v1", "pods", Some("shop")));
        assert!(!one.covers(KubeVerb::Get, "", "v1", "pods", Some("other")));
        assert!(!one.covers(KubeVerb::Get, "", "v1", "pods", None));
        assert!(!one.covers(KubeVerb::List, "", "v1", "pods", Some("shop")));
        assert!(all.covers(KubeVerb::Get, "", "v1", "pods", None));
    }
}
