//! The one table of capabilities: what a plugin may ask for and a person may grant.
//!
//! Parsing of flags, checks, `inspect`, documentation and the hint in an error all read [`TABLE`]. Nothing is granted
//! by default. One import belongs to at most one capability, so what a plugin can do is exactly what it imports.
//!
//! A *request* is what the plugin's author writes (`read` of `/charts`); a *grant* is what the person who runs it
//! gives (`--allow-read /charts=./charts`). [`Request::is_covered_by`] tells whether one satisfies the other, and
//! [`Request::flag`] is the flag that would.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::raw::{EXTISM_MODULE, WINDLASS_MODULE};

/// A kind of permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// HTTP requests to a host.
    Net,
    /// Reading files below a folder.
    Read,
    /// Writing files below a folder.
    Write,
    /// The value of an environment variable.
    Env,
    /// Reading objects from the cluster.
    Kube,
    /// The wall clock.
    Clock,
    /// Random bytes.
    Random,
}

/// A function that a module may import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import {
    /// Module of the import.
    pub module: &'static str,
    /// Name of the import.
    pub name: &'static str,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Which capability.
    pub capability: Capability,
    /// The word in `windlass.yaml`, in the plugin's metadata and after `--allow-`.
    pub word: &'static str,
    /// The flag of the command line.
    pub flag: &'static str,
    /// The form of the flag's value; `None` for a flag without value.
    pub value: Option<&'static str>,
    /// A value that parses, for help texts and tests.
    pub example: Option<&'static str>,
    /// One line for help texts, after "allow the plugin to".
    pub help: &'static str,
    /// The imports that need this capability and no other.
    pub imports: &'static [Import],
}

const fn extism(name: &'static str) -> Import {
    Import { module: EXTISM_MODULE, name }
}

const fn windlass(name: &'static str) -> Import {
    Import { module: WINDLASS_MODULE, name }
}

/// Every capability, in the order in which help texts list them.
pub const TABLE: &[Row] = &[
    Row {
        capability: Capability::Net,
        word: "net",
        flag: "--allow-net",
        value: Some("HOST[:PORT]"),
        example: Some("registry.example:443"),
        help: "send HTTP requests to this host (without a port: 443)",
        imports: &[extism("http_request"), extism("http_status_code"), extism("http_headers")],
    },
    Row {
        capability: Capability::Read,
        word: "read",
        flag: "--allow-read",
        value: Some("GUEST=HOSTDIR"),
        example: Some("/data=./data"),
        help: "read files below HOSTDIR, which it sees as the folder GUEST",
        imports: &[windlass("file_read")],
    },
    Row {
        capability: Capability::Write,
        word: "write",
        flag: "--allow-write",
        value: Some("GUEST=HOSTDIR"),
        example: Some("/out=./out"),
        help: "write files below HOSTDIR, which it sees as the folder GUEST",
        imports: &[windlass("file_write")],
    },
    Row {
        capability: Capability::Env,
        word: "env",
        flag: "--allow-env",
        value: Some("NAME"),
        example: Some("TEAM"),
        help: "read this environment variable",
        imports: &[windlass("env_get")],
    },
    Row {
        capability: Capability::Kube,
        word: "kube",
        flag: "--allow-kube",
        value: Some("VERB:GVR[/NS]"),
        example: Some("list:deployments.v1.apps/default"),
        help: "read these objects from the cluster; VERB is get or list, GVR is RESOURCE.VERSION[.GROUP]",
        imports: &[windlass("kube_get"), windlass("kube_list")],
    },
    Row {
        capability: Capability::Clock,
        word: "clock",
        flag: "--allow-clock",
        value: None,
        example: None,
        help: "read the wall clock, which makes renders differ from run to run",
        imports: &[windlass("clock_now")],
    },
    Row {
        capability: Capability::Random,
        word: "random",
        flag: "--allow-random",
        value: None,
        example: None,
        help: "draw random bytes, which makes renders differ from run to run",
        imports: &[windlass("random_bytes")],
    },
];

impl Capability {
    /// The row of this capability.
    pub fn row(self) -> &'static Row {
        // The match keeps the table complete: a new capability does not compile without its row's place here.
        let index = match self {
            Capability::Net => 0,
            Capability::Read => 1,
            Capability::Write => 2,
            Capability::Env => 3,
            Capability::Kube => 4,
            Capability::Clock => 5,
            Capability::Random => 6,
        };
        &TABLE[index]
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        self.row().word
    }

    /// Its flag.
    pub fn flag(self) -> &'static str {
        self.row().flag
    }

    /// The capability of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.word == word).map(|row| row.capability)
    }

    /// The capability that an import needs; `None` when it needs none or is unknown.
    pub fn of_import(module: &str, name: &str) -> Option<Self> {
        TABLE
            .iter()
            .find(|row| row.imports.iter().any(|import| import.module == module && import.name == name))
            .map(|row| row.capability)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// A value that does not fit its capability; prints as one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError {
    capability: Capability,
    value: String,
    problem: &'static str,
}

impl fmt::Display for ValueError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` is no value for {}: {}", self.value, self.capability.flag(), self.problem)?;
        if let (Some(form), Some(example)) = (self.capability.row().value, self.capability.row().example) {
            write!(formatter, "; write {form}, for example {example}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ValueError {}

/// A host and a port. Prints as it parses, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NetTarget {
    /// A DNS name in lower case without a final dot, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// The port, if one was named; HTTPS's 443 otherwise.
    pub port: Option<u16>,
}

impl NetTarget {
    /// The port that a request must go to.
    pub fn effective_port(&self) -> u16 {
        self.port.unwrap_or(443)
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        if text.contains("://") {
            return Err("a host, not a URL");
        }
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (address, after) = rest.split_once(']').ok_or("`]` is missing")?;
            let address: Ipv6Addr = address.parse().map_err(|_| "not an IPv6 address")?;
            let port = match after {
                "" => None,
                _ => Some(after.strip_prefix(':').ok_or("after `]` comes `:PORT`")?),
            };
            (address.to_string(), port)
        } else {
            let (host, port) = match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            };
            if port.is_some_and(|port| port.contains(':')) {
                return Err("an IPv6 address needs brackets");
            }
            let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
            if !is_dns_name(&host) {
                return Err("not a host name");
            }
            // `1.2.3` or `0x7f.1` would be read as an address by some resolvers, as a name by others.
            let last = host.rsplit('.').next().unwrap_or_default();
            let numeric = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
            if numeric && host.parse::<Ipv4Addr>().is_err() {
                return Err("not an IPv4 address");
            }
            (host, port)
        };
        let port = match port {
            None => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => match digits.parse::<u16>() {
                Ok(port) if port > 0 => Some(port),
                _ => return Err("a port is a number from 1 to 65535"),
            },
            Some(_) => return Err("a port is a number from 1 to 65535"),
        };
        Ok(NetTarget { host, port })
    }
}

impl fmt::Display for NetTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]", self.host)?;
        } else {
            formatter.write_str(&self.host)?;
        }
        match self.port {
            Some(port) => write!(formatter, ":{port}"),
            None => Ok(()),
        }
    }
}

fn is_dns_name(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(is_label)
}

/// A folder as the guest sees it: absolute, without `.`, `..` or empty segments. Prints without a final slash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GuestPath(String);

impl GuestPath {
    /// The path, beginning with `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `path`, of the same form, is this folder or lies below it; the rest of `path` without a leading slash.
    pub fn strip<'p>(&self, path: &'p str) -> Option<&'p str> {
        if self.0 == "/" {
            return path.strip_prefix('/');
        }
        let rest = path.strip_prefix(self.0.as_str())?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
    }

    /// Reads a folder or file name as a guest may write it.
    ///
    /// # Errors
    /// A path that is not absolute, or has empty, `.` or `..` segments, backslashes or NUL.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let Some(inside) = text.strip_prefix('/') else { return Err("the guest's folder is absolute, like /data") };
        let inside = inside.strip_suffix('/').unwrap_or(inside);
        if inside.is_empty() {
            return Ok(GuestPath("/".to_owned()));
        }
        if inside.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Err("the guest's folder has no `.`, `..` or empty parts");
        }
        if inside.contains(['\\', '\0']) {
            return Err("the guest's folder has no backslash or NUL");
        }
        Ok(GuestPath(format!("/{inside}")))
    }
}

impl fmt::Display for GuestPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What may be done with objects of a cluster. Reading only, on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KubeVerb {
    /// One object by its name.
    Get,
    /// All objects of a kind.
    List,
}

/// Objects of a cluster: `list:deployments.v1.apps/default`. Prints as it parses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KubeTarget {
    /// What is done.
    pub verb: KubeVerb,
    /// The plural resource, for example `deployments`.
    pub resource: String,
    /// The version, for example `v1`.
    pub version: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// The namespace; `None` means all.
    pub namespace: Option<String>,
}

impl KubeTarget {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (verb, rest) = text.split_once(':').ok_or("the verb is missing")?;
        let verb = match verb {
            "get" => KubeVerb::Get,
            "list" => KubeVerb::List,
            _ => return Err("the verb is get or list; nothing can be changed in a cluster"),
        };
        let (gvr, namespace) = match rest.split_once('/') {
            Some((gvr, namespace)) => (gvr, Some(namespace)),
            None => (rest, None),
        };
        let mut parts = gvr.splitn(3, '.');
        let resource = parts.next().unwrap_or_default();
        let version = parts.next().ok_or("the version is missing")?;
        let group = parts.next().unwrap_or_default();
        let is_version =
            version.strip_prefix('v').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
        if !is_version || !is_dns_name(version) {
            return Err("the version comes after the resource, like pods.v1");
        }
        let is_lower = |name: &str| is_dns_name(name) && !name.bytes().any(|byte| byte.is_ascii_uppercase());
        if !is_lower(resource) {
            return Err("the resource is a plural in lower case, like pods");
        }
        if !group.is_empty() && !is_lower(group) {
            return Err("the group is a name like apps or cert-manager.io");
        }
        if namespace.is_some_and(|namespace| !is_lower(namespace) || namespace.contains('.')) {
            return Err("the namespace is no name of a namespace");
        }
        Ok(KubeTarget {
            verb,
            resource: resource.to_owned(),
            version: version.to_owned(),
            group: group.to_owned(),
            namespace: namespace.map(str::to_owned),
        })
    }

    fn is_covered_by(&self, grant: &KubeTarget) -> bool {
        self.verb == grant.verb
            && self.resource == grant.resource
            && self.version == grant.version
            && self.group == grant.group
            && (grant.namespace.is_none() || self.namespace == grant.namespace)
    }
}

impl fmt::Display for KubeTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.verb {
            KubeVerb::Get => "get",
            KubeVerb::List => "list",
        };
        write!(formatter, "{verb}:{}.{}", self.resource, self.version)?;
        if !self.group.is_empty() {
            write!(formatter, ".{}", self.group)?;
        }
        match &self.namespace {
            Some(namespace) => write!(formatter, "/{namespace}"),
            None => Ok(()),
        }
    }
}

fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && name.trim() == name
}

/// What a plugin asks for. Prints as the value it parses from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// A host.
    Net(NetTarget),
    /// A folder to read, by the guest's name.
    Read(GuestPath),
    /// A folder to write, by the guest's name.
    Write(GuestPath),
    /// A variable's name.
    Env(String),
    /// Objects of the cluster.
    Kube(KubeTarget),
    /// The wall clock.
    Clock,
    /// Random bytes.
    Random,
    /// Something of this capability that only the plugin's configuration tells, such as the registries of a stream's
    /// images. Any grant of the capability lets the plugin start; each call is checked against the grants all the same.
    Any(Capability),
}

impl Request {
    /// Reads what a plugin's metadata says, where a missing value means [`Request::Any`].
    ///
    /// # Errors
    /// A value that does not have the capability's form.
    pub fn parse_metadata(capability: Capability, value: &str) -> Result<Self, ValueError> {
        if value.is_empty() && capability.row().value.is_some() {
            return Ok(Request::Any(capability));
        }
        Self::parse(capability, value)
    }

    /// Reads what a plugin's author wrote.
    ///
    /// # Errors
    /// A value that does not have the capability's form.
    pub fn parse(capability: Capability, value: &str) -> Result<Self, ValueError> {
        let parsed = match capability {
            Capability::Net => NetTarget::parse(value).map(Request::Net),
            Capability::Read => GuestPath::parse(value).map(Request::Read),
            Capability::Write => GuestPath::parse(value).map(Request::Write),
            Capability::Env if is_variable_name(value) => Ok(Request::Env(value.to_owned())),
            Capability::Env => Err("not the name of an environment variable"),
            Capability::Kube => KubeTarget::parse(value).map(Request::Kube),
            Capability::Clock if value.is_empty() => Ok(Request::Clock),
            Capability::Random if value.is_empty() => Ok(Request::Random),
            Capability::Clock | Capability::Random => Err("it takes no value"),
        };
        parsed.map_err(|problem| ValueError { capability, value: value.to_owned(), problem })
    }

    /// Which capability it asks for.
    pub fn capability(&self) -> Capability {
        match self {
            Request::Net(_) => Capability::Net,
            Request::Read(_) => Capability::Read,
            Request::Write(_) => Capability::Write,
            Request::Env(_) => Capability::Env,
            Request::Kube(_) => Capability::Kube,
            Request::Clock => Capability::Clock,
            Request::Random => Capability::Random,
            Request::Any(capability) => *capability,
        }
    }

    /// The exact flag that grants it, for example `--allow-net registry.example:443`. For a folder the person chooses
    /// the host's side, which stands there as `HOSTDIR`.
    pub fn flag(&self) -> String {
        let flag = self.capability().flag();
        match self {
            Request::Clock | Request::Random => flag.to_owned(),
            Request::Any(capability) => format!("{flag} {}", capability.row().value.unwrap_or_default()),
            Request::Read(_) | Request::Write(_) => format!("{flag} {self}=HOSTDIR"),
            _ => format!("{flag} {self}"),
        }
    }

    /// Whether `grant` satisfies this request.
    pub fn is_covered_by(&self, grant: &Grant) -> bool {
        match (self, grant) {
            (Request::Net(asked), Grant::Net(given)) => {
                asked.host == given.host && asked.effective_port() == given.effective_port()
            }
            (Request::Read(asked), Grant::Read { guest, .. }) | (Request::Write(asked), Grant::Write { guest, .. }) => {
                guest.strip(asked.as_str()).is_some()
            }
            (Request::Env(asked), Grant::Env(given)) => asked == given,
            (Request::Kube(asked), Grant::Kube(given)) => asked.is_covered_by(given),
            (Request::Clock, Grant::Clock) | (Request::Random, Grant::Random) => true,
            (Request::Any(capability), grant) => *capability == grant.capability(),
            _ => false,
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Net(target) => target.fmt(formatter),
            Request::Read(path) | Request::Write(path) => path.fmt(formatter),
            Request::Env(name) => formatter.write_str(name),
            Request::Kube(target) => target.fmt(formatter),
            Request::Clock | Request::Random | Request::Any(_) => Ok(()),
        }
    }
}

/// What the person who runs a plugin gives. Prints as the flag's value it parses from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Grant {
    /// A host.
    Net(NetTarget),
    /// A folder to read.
    Read {
        /// The guest's name for it.
        guest: GuestPath,
        /// The folder on the host, as written.
        host: String,
    },
    /// A folder to write.
    Write {
        /// The guest's name for it.
        guest: GuestPath,
        /// The folder on the host, as written.
        host: String,
    },
    /// A variable's name.
    Env(String),
    /// Objects of the cluster.
    Kube(KubeTarget),
    /// The wall clock.
    Clock,
    /// Random bytes.
    Random,
}

impl Grant {
    /// Reads a flag's value; of a flag without value, the empty text.
    ///
    /// # Errors
    /// A value that does not have the capability's form.
    pub fn parse(capability: Capability, value: &str) -> Result<Self, ValueError> {
        let folder = |value: &str| match value.split_once('=') {
            None => Err("the folder on the host is missing"),
            Some((_, "")) => Err("the folder on the host is empty"),
            Some((guest, host)) => GuestPath::parse(guest).map(|guest| (guest, host.to_owned())),
        };
        let problem = |problem| ValueError { capability, value: value.to_owned(), problem };
        Ok(match capability {
            Capability::Read => {
                let (guest, host) = folder(value).map_err(problem)?;
                Grant::Read { guest, host }
            }
            Capability::Write => {
                let (guest, host) = folder(value).map_err(problem)?;
                Grant::Write { guest, host }
            }
            _ => match Request::parse(capability, value)? {
                Request::Net(target) => Grant::Net(target),
                Request::Env(name) => Grant::Env(name),
                Request::Kube(target) => Grant::Kube(target),
                Request::Clock => Grant::Clock,
                Request::Random => Grant::Random,
                Request::Read(_) | Request::Write(_) | Request::Any(_) => {
                    return Err(problem("the folder on the host is missing"));
                }
            },
        })
    }

    /// Which capability it gives.
    pub fn capability(&self) -> Capability {
        match self {
            Grant::Net(_) => Capability::Net,
            Grant::Read { .. } => Capability::Read,
            Grant::Write { .. } => Capability::Write,
            Grant::Env(_) => Capability::Env,
            Grant::Kube(_) => Capability::Kube,
            Grant::Clock => Capability::Clock,
            Grant::Random => Capability::Random,
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grant::Net(target) => target.fmt(formatter),
            Grant::Read { guest, host } | Grant::Write { guest, host } => write!(formatter, "{guest}={host}"),
            Grant::Env(name) => formatter.write_str(name),
            Grant::Kube(target) => target.fmt(formatter),
            Grant::Clock | Grant::Random => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_where_its_capability_looks() {
        for row in TABLE {
            assert_eq!(row.capability.row().capability, row.capability);
            assert_eq!(row.flag, format!("--allow-{}", row.word));
            assert_eq!(Capability::from_word(row.word), Some(row.capability));
            let grant = Grant::parse(row.capability, row.example.unwrap_or_default()).expect("the example parses");
            assert_eq!(grant.to_string(), row.example.unwrap_or_default());
            assert_eq!(grant.capability(), row.capability);
            for import in row.imports {
                assert_eq!(Capability::of_import(import.module, import.name), Some(row.capability));
            }
        }
        assert_eq!(Capability::of_import(EXTISM_MODULE, "input_length"), None);
    }

    /// `expected` is the printed form or a part of the error.
    #[track_caller]
    fn check(capability: Capability, value: &str, expected: Result<&str, &str>) {
        let actual =
            Request::parse(capability, value).map(|request| request.to_string()).map_err(|error| error.to_string());
        match (&actual, expected) {
            (Ok(printed), Ok(wanted)) => assert_eq!(printed, wanted),
            (Err(text), Err(part)) => assert!(text.contains(part), "{text:?} does not contain {part:?}"),
            _ => panic!("{value:?} gave {actual:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn hosts() {
        check(Capability::Net, "Registry.Example.:443", Ok("registry.example:443"));
        check(Capability::Net, "localhost", Ok("localhost"));
        check(Capability::Net, "10.0.0.1:8080", Ok("10.0.0.1:8080"));
        check(Capability::Net, "[0:0::1]:5000", Ok("[::1]:5000"));
        check(
            Capability::Net,
            "https://x",
            Err("a host, not a URL; write HOST[:PORT], for example registry.example:443"),
        );
        check(Capability::Net, "::1", Err("needs brackets"));
        check(Capability::Net, "a..b", Err("not a host name"));
        check(Capability::Net, "*.example", Err("not a host name"));
        check(Capability::Net, "x:0", Err("from 1 to 65535"));
        check(Capability::Net, "x:+1", Err("from 1 to 65535"));
        check(Capability::Net, "127.1", Err("not an IPv4 address"));
        check(Capability::Net, "0x7f.0x1", Err("not an IPv4 address"));
        check(Capability::Net, "", Err("not a host name"));
        check(Capability::Net, "user@host", Err("not a host name"));
    }

    #[test]
    fn folders_variables_objects() {
        check(Capability::Read, "/data/", Ok("/data"));
        check(Capability::Read, "/", Ok("/"));
        check(Capability::Read, "data", Err("absolute"));
        check(Capability::Write, "/a/../b", Err("no `.`, `..` or empty parts"));
        check(Capability::Write, "//a", Err("no `.`, `..` or empty parts"));
        check(Capability::Env, "TEAM", Ok("TEAM"));
        check(Capability::Env, "A=B", Err("not the name"));
        check(Capability::Kube, "get:pods.v1", Ok("get:pods.v1"));
        check(
            Capability::Kube,
            "list:certificates.v1.cert-manager.io/web",
            Ok("list:certificates.v1.cert-manager.io/web"),
        );
        check(Capability::Kube, "delete:pods.v1", Err("nothing can be changed"));
        check(Capability::Kube, "get:pods", Err("the version is missing"));
        check(Capability::Kube, "get:deployments.apps.v1", Err("the version comes after the resource"));
        check(Capability::Kube, "get:Pods.v1", Err("in lower case"));
        check(Capability::Clock, "", Ok(""));
        check(Capability::Random, "x", Err("it takes no value"));
    }

    #[track_caller]
    fn check_covers(capability: Capability, asked: &str, given: &str, expected: bool) {
        let request = Request::parse(capability, asked).expect("a request");
        assert_eq!(request.is_covered_by(&Grant::parse(capability, given).expect("a grant")), expected);
    }

    #[test]
    fn grants_cover_requests() {
        check_covers(Capability::Net, "x.example", "x.example:443", true);
        check_covers(Capability::Net, "x.example:80", "x.example", false);
        check_covers(Capability::Net, "y.x.example", "x.example", false);
        check_covers(Capability::Read, "/data/sub", "/data=/srv", true);
        check_covers(Capability::Read, "/database", "/data=/srv", false);
        check_covers(Capability::Read, "/data", "/=/srv", true);
        check_covers(Capability::Kube, "get:pods.v1/web", "get:pods.v1", true);
        check_covers(Capability::Kube, "get:pods.v1", "get:pods.v1/web", false);
        let read = Request::parse(Capability::Read, "/data").expect("a request");
        assert!(!read.is_covered_by(&Grant::parse(Capability::Write, "/data=/srv").expect("a grant")));
        assert_eq!(read.flag(), "--allow-read /data=HOSTDIR");
        assert_eq!(Request::Clock.flag(), "--allow-clock");
        let any = Request::parse_metadata(Capability::Net, "").expect("a request");
        assert_eq!(any.flag(), "--allow-net HOST[:PORT]");
        assert!(any.is_covered_by(&Grant::parse(Capability::Net, "x.example").expect("a grant")));
        assert!(!any.is_covered_by(&Grant::Clock));
        assert_eq!(Request::parse_metadata(Capability::Clock, ""), Ok(Request::Clock));
        assert_eq!(
            Grant::parse(Capability::Read, "/data").expect_err("no host folder").to_string(),
            "`/data` is no value for --allow-read: the folder on the host is missing; write GUEST=HOSTDIR, for example /data=./data"
        );
    }
}
