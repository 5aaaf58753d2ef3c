//! Which addresses an answer of a server may send us to.
//!
//! A registry's redirects, token servers and upload locations are addresses that somebody else chooses and this machine
//! connects to, from inside whatever network it stands in: a cloud's metadata service, a router's admin page, a
//! database without a password. So a registry may only name addresses of the public internet, or of the same kind as
//! its own: a registry on loopback may name loopback, one in a private network its private network, and one whose name
//! gives a public address, besides others or at another time, neither.
//!
//! The check runs where names become addresses ([`GuardedResolver`]), so that a name that resolves differently a second
//! time (DNS rebinding) gains nothing.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, LazyLock, Mutex};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::env;

/// Why nobody goes to an address that a server names.
#[derive(Debug)]
pub(crate) enum Misleading {
    /// It is none.
    NoAddress,
    /// It is not of HTTP, or without a host.
    NotHttp(Url),
    /// It leads from TLS to plain HTTP.
    ToPlain(Url),
    /// It has a user's name or a password in it.
    HasUser(Url),
}

/// The one rule for what servers name, registries and those that plugins ask alike, in redirects and elsewhere: an
/// address of HTTP, with TLS where `base`, which names it, has TLS, and without a user's name.
///
/// # Errors
/// It is not such an address. Whether that server may be contacted is for the caller to decide.
pub(crate) fn named(text: &str, base: &Url) -> Result<Url, Misleading> {
    let mut url = base.join(text).map_err(|_| Misleading::NoAddress)?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(Misleading::NotHttp(url));
    }
    without_final_dot(&mut url);
    match () {
        () if base.scheme() == "https" && url.scheme() != "https" => Err(Misleading::ToPlain(url)),
        () if !url.username().is_empty() || url.password().is_some() => Err(Misleading::HasUser(url)),
        () => Ok(url),
    }
}

/// `registry.example.` is `registry.example` to a resolver; said in one way, it has one origin, one grant, and one set
/// of addresses.
pub(crate) fn without_final_dot(url: &mut Url) {
    let host = url.host_str().and_then(|host| host.strip_suffix('.')).map(str::to_owned);
    if let Some(host) = host {
        // A host that is none without its dot stays as it is, and is not resolved.
        let _ = url.set_host(Some(&host));
    }
}

/// How far an address reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// This machine.
    Loopback,
    /// A private network: RFC 1918, RFC 6598, RFC 4193.
    Private,
    /// The public internet.
    Public,
    /// Link-local, multicast, documentation, tunnels, and whatever else IANA has set aside: no server lives there.
    Special,
    /// Where a cloud tells its machines who they are, credentials included.
    Metadata,
}

use Reach::{Loopback, Metadata, Private, Special};

/// IANA's special-purpose address registries, whole, as last updated on 2025-10-09, without the blocks that
/// [`embedded`] reads:
/// <https://www.iana.org/assignments/iana-ipv4-special-registry> and
/// <https://www.iana.org/assignments/iana-ipv6-special-registry>. That some of them are globally reachable (anycast
/// relays, AS112) makes them no place for a registry. The most specific block counts.
const SPECIAL_PURPOSE: &[(&str, Reach)] = &[
    // "This network", RFC 791.
    ("0.0.0.0/8", Special),
    // Private-Use, RFC 1918.
    ("10.0.0.0/8", Private),
    // Shared Address Space, RFC 6598.
    ("100.64.0.0/10", Private),
    // Loopback, RFC 1122.
    ("127.0.0.0/8", Loopback),
    // Link Local, RFC 3927.
    ("169.254.0.0/16", Special),
    // Private-Use, RFC 1918.
    ("172.16.0.0/12", Private),
    // IETF Protocol Assignments, RFC 6890, with what they were assigned for: DS-Lite, anycast of PCP and TURN, NAT64.
    ("192.0.0.0/24", Special),
    // Documentation (TEST-NET-1), RFC 5737.
    ("192.0.2.0/24", Special),
    // AS112-v4, RFC 7535.
    ("192.31.196.0/24", Special),
    // AMT, RFC 7450.
    ("192.52.193.0/24", Special),
    // 6to4 Relay Anycast, deprecated, RFC 7526; 6a44, RFC 6751.
    ("192.88.99.0/24", Special),
    // Private-Use, RFC 1918.
    ("192.168.0.0/16", Private),
    // Direct Delegation AS112 Service, RFC 7534.
    ("192.175.48.0/24", Special),
    // Benchmarking, RFC 2544.
    ("198.18.0.0/15", Special),
    // Documentation (TEST-NET-2), RFC 5737.
    ("198.51.100.0/24", Special),
    // Documentation (TEST-NET-3), RFC 5737.
    ("203.0.113.0/24", Special),
    // Multicast, RFC 5771; a registry of its own.
    ("224.0.0.0/4", Special),
    // Reserved, RFC 1112; Limited Broadcast, RFC 919.
    ("240.0.0.0/4", Special),
    // Loopback, RFC 4291.
    ("::1/128", Loopback),
    // IETF Protocol Assignments, RFC 2928: Teredo, benchmarking, ORCHIDs, anycast of protocols.
    ("2001::/23", Special),
    // Documentation, RFC 3849.
    ("2001:db8::/32", Special),
    // 6to4, RFC 3056.
    ("2002::/16", Special),
    // Direct Delegation AS112 Service, RFC 7534.
    ("2620:4f:8000::/48", Special),
    // Documentation, RFC 9637.
    ("3fff::/20", Special),
    // Unique-Local, RFC 4193.
    ("fc00::/7", Private),
    // Of the IPv6 address space only 2000::/3 is unicast of the internet (RFC 4291, section 4, and IANA's registry of
    // it). The rest says so as a whole: unspecified ::/128, IPv4-compatible ::/96, translation 64:ff9b:1::/48 (RFC
    // 8215), discard 100::/64 (RFC 6666), dummy 100:0:0:1::/64 (RFC 9780), segment routing 5f00::/16 (RFC 9602),
    // link-local fe80::/10, site-local fec0::/10 (RFC 3879), multicast ff00::/8.
    ("::/3", Special),
    ("4000::/2", Special),
    ("8000::/1", Special),
];

/// Where clouds answer their own machines, from their documentation as of November 2026. Most are in blocks that are
/// not public anyway, and stand here as a private network's registry must not name them either.
const METADATA: &[(&str, Reach)] = &[
    // Amazon, Azure, Google, OpenStack, Oracle, DigitalOcean, Hetzner and others.
    ("169.254.169.254/32", Metadata),
    // Amazon's credentials of containers: ECS, EKS Pod Identity.
    ("169.254.170.2/32", Metadata),
    ("169.254.170.23/32", Metadata),
    // Amazon over IPv6: the machine's, and EKS Pod Identity.
    ("fd00:ec2::/32", Metadata),
    // Azure's WireServer, in the middle of the public internet.
    ("168.63.129.16/32", Metadata),
    // Google over IPv6.
    ("fd20:ce::254/128", Metadata),
    // Alibaba.
    ("100.100.100.200/32", Metadata),
    // Oracle Cloud Classic, and Oracle over IPv6.
    ("192.0.0.192/32", Metadata),
    ("fd00:c1::a9fe:a9fe/128", Metadata),
    // Scaleway.
    ("169.254.42.42/32", Metadata),
    ("fd00:42::42/128", Metadata),
    // Akamai (Linode) over IPv6.
    ("fd00:a9fe:a9fe::1/128", Metadata),
    // OpenStack over IPv6.
    ("fe80::a9fe:a9fe/128", Metadata),
];

/// The rows of both tables that are of one family, the most specific first: network, mask, kind.
struct Blocks {
    v4: Vec<(u32, u32, Reach)>,
    v6: Vec<(u128, u128, Reach)>,
}

static BLOCKS: LazyLock<Blocks> = LazyLock::new(|| {
    let mut rows: Vec<(IpAddr, u32, Reach)> =
        SPECIAL_PURPOSE.iter().chain(METADATA).filter_map(|(block, kind)| read_row(block, *kind)).collect();
    rows.sort_by_key(|(_, length, _)| std::cmp::Reverse(*length));
    let mut blocks = Blocks { v4: Vec::new(), v6: Vec::new() };
    for (network, length, kind) in rows {
        match network {
            IpAddr::V4(network) => {
                let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
                blocks.v4.push((network.to_bits(), mask, kind));
            }
            IpAddr::V6(network) => {
                let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
                blocks.v6.push((network.to_bits(), mask, kind));
            }
        }
    }
    blocks
});

/// `NETWORK/LENGTH`; the tests see to it that every row is one.
fn read_row(block: &str, kind: Reach) -> Option<(IpAddr, u32, Reach)> {
    let (network, length) = block.split_once('/')?;
    let (network, length): (IpAddr, u32) = (network.parse().ok()?, length.parse().ok()?);
    let is_length = length <= if network.is_ipv4() { 32 } else { 128 };
    is_length.then_some((network, length, kind))
}

/// The kind of an address; an IPv4 address inside an IPv6 one counts as what it is.
pub(crate) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(address) => reach_v4(address),
            None => reach_v6(address),
        },
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    let bits = address.to_bits();
    let row = BLOCKS.v4.iter().find(|(network, mask, _)| bits & mask == *network);
    row.map_or(Reach::Public, |(_, _, kind)| *kind)
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let bits = address.to_bits();
    let row = BLOCKS.v6.iter().find(|(network, mask, _)| bits & mask == *network);
    row.map_or(Reach::Public, |(_, _, kind)| *kind)
}

/// The IPv4 address that is really connected to: of an IPv4-mapped address (`::ffff:0:0/96`, RFC 4291), and behind
/// NAT64's well-known prefix (`64:ff9b::/96`, RFC 6052), where networks without IPv4 find all of the public internet.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => None,
    }
}

/// An address that may not be connected to; what a resolver ends with that withholds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutOfReach;

impl fmt::Display for OutOfReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address in a private network, or one that no server has")
    }
}

impl std::error::Error for OutOfReach {}

/// The kinds of addresses that one registry was found at, and with that those that it may name.
#[derive(Clone, Debug)]
pub(crate) struct ReachGuard {
    host: String,
    proxies: Vec<String>,
    own: Arc<Mutex<Own>>,
}

/// Where a registry's own name leads.
#[derive(Clone, Debug, Default)]
struct Own {
    /// What it gave when it was first looked up; the addresses of later answers must be of these kinds, or public.
    /// Public alone once it is public later; never this machine besides.
    kinds: Option<BTreeSet<Reach>>,
    /// Whether it ever gave an address of the public internet. Then somebody out there answers for it, who names
    /// nothing in here, whatever else the name gave before, besides or after.
    is_public: bool,
}

impl ReachGuard {
    /// For the registry at `host` (without port), which the user named and which therefore may be anywhere.
    pub(crate) fn new(host: &str) -> Self {
        let guard = Self { host: host.to_ascii_lowercase(), proxies: proxy_hosts(), own: Arc::default() };
        if let Some(address) = literal(host) {
            guard.learn(&[address]);
        }
        guard
    }

    /// Keeps the kinds of the registry's own addresses, the first time.
    fn learn(&self, addresses: &[IpAddr]) {
        if let Ok(mut own) = self.own.lock() {
            let mut kinds: BTreeSet<Reach> = addresses.iter().map(|address| reach(*address)).collect();
            if kinds.contains(&Reach::Public) {
                kinds.remove(&Loopback);
                if !own.is_public && own.kinds.is_some() {
                    own.kinds = Some(BTreeSet::from([Reach::Public]));
                }
                own.is_public = true;
            }
            own.kinds.get_or_insert(kinds);
        }
    }

    fn is_own_kind(&self, kind: Reach) -> bool {
        self.own.lock().is_ok_and(|own| own.kinds.as_ref().is_some_and(|kinds| kinds.contains(&kind)))
    }

    fn is_public(&self) -> bool {
        self.own.lock().is_ok_and(|own| own.is_public)
    }

    fn permits(&self, address: IpAddr) -> bool {
        match reach(address) {
            Reach::Public => true,
            Special | Metadata => false,
            kind @ (Loopback | Private) => self.is_own_kind(kind) && !self.is_public(),
        }
    }

    /// Whether a host that is written as an address may be connected to; names are judged when they are resolved.
    pub(crate) fn permits_host(&self, host: &str) -> bool {
        literal(host).is_none_or(|address| host.eq_ignore_ascii_case(&self.host) || self.permits(address))
    }

    /// Those of a name's addresses that may be connected to.
    fn permitted(&self, host: &str, found: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let is_own = host == self.host;
        if is_own {
            // Nobody's registry is a cloud's metadata, whatever its name resolves to.
            let places: Vec<IpAddr> =
                found.iter().map(SocketAddr::ip).filter(|address| reach(*address) != Metadata).collect();
            self.learn(&places);
        }
        let is_proxy = self.proxies.iter().any(|proxy| proxy == host);
        let permits = |address: IpAddr| {
            let kind = reach(address);
            self.permits(address) || is_proxy || (is_own && kind != Metadata && self.is_own_kind(kind))
        };
        found.into_iter().filter(|address| permits(address.ip())).collect()
    }
}

/// The address that a URL's host is, when it is one: `127.0.0.1` or `[::1]`.
fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// With a proxy it is the proxy that resolves the registry's name; the only name resolved here is the proxy's own.
fn proxy_hosts() -> Vec<String> {
    [env::HTTP_PROXY, env::HTTPS_PROXY, env::ALL_PROXY]
        .iter()
        .flat_map(|variable| [variable.os(), env::any(&variable.name.to_ascii_lowercase())])
        .filter_map(|value| value?.into_string().ok())
        .filter_map(|value| {
            let url = if value.contains("://") { value } else { format!("http://{value}") };
            Some(Url::parse(&url).ok()?.host_str()?.to_ascii_lowercase())
        })
        .collect()
}

/// Resolves names and withholds the addresses that the registry may not name.
#[derive(Clone, Debug)]
pub(crate) struct GuardedResolver(pub(crate) ReachGuard);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let host = name.as_str().to_ascii_lowercase();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let permitted = guard.permitted(&host, found);
            if permitted.is_empty() {
                return Err(OutOfReach.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

/// Knows the addresses of one host, which were judged before, and nothing else: a name that is spelled another way than
/// the one that was judged is not resolved a second time, but fails.
#[derive(Clone, Debug)]
pub(crate) struct JudgedResolver {
    /// The host as it stands in the URL.
    pub(crate) host: String,
    /// Its addresses.
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Resolve for JudgedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let answer: Result<Addrs, Box<dyn std::error::Error + Send + Sync>> = if name.as_str() == self.host {
            Ok(Box::new(self.addresses.clone().into_iter()))
        } else {
            Err(format!("{} is not the host that was judged", name.as_str()).into())
        };
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_tables_is_a_block() {
        for (block, kind) in SPECIAL_PURPOSE.iter().chain(METADATA) {
            let (network, length, _) = read_row(block, *kind).unwrap_or_else(|| panic!("{block}"));
            let last = match network {
                IpAddr::V4(first) => {
                    let host = u32::MAX.checked_shr(length).unwrap_or(0);
                    assert_eq!(first.to_bits() & host, 0, "{block} has bits behind its length");
                    IpAddr::V4(Ipv4Addr::from_bits(first.to_bits() | host))
                }
                IpAddr::V6(first) => {
                    let host = u128::MAX.checked_shr(length).unwrap_or(0);
                    assert_eq!(first.to_bits() & host, 0, "{block} has bits behind its length");
                    IpAddr::V6(Ipv6Addr::from_bits(first.to_bits() | host))
                }
            };
            for address in [network, last] {
                assert_ne!(reach(address), Reach::Public, "{address} of {block}");
            }
        }
        let rows = SPECIAL_PURPOSE.len() + METADATA.len();
        assert_eq!(BLOCKS.v4.len() + BLOCKS.v6.len(), rows);
    }

    /// The addresses of IANA's rows that stand in no row of ours by themselves, and their neighbours.
    #[test]
    fn addresses_have_a_reach() {
        for (addresses, expected) in [
            ("127.0.0.1 127.9.9.9 ::1 ::ffff:127.0.0.1 64:ff9b::7f00:1", Loopback),
            ("10.1.2.3 172.31.0.1 192.168.1.1 100.64.0.1 fd00::1 ::ffff:10.0.0.1 64:ff9b::a00:1", Private),
            ("0.0.0.0 0.1.2.3 169.254.1.1 224.0.0.1 255.255.255.255 240.0.0.1", Special),
            ("192.0.0.1 192.0.0.8 192.0.0.9 192.0.0.10 192.0.0.170 192.0.2.1 192.31.196.1 192.52.193.1", Special),
            ("192.88.99.1 192.88.99.2 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1", Special),
            (":: ::2 ::8.8.8.8 ::7f00:1 ::ffff:0:8.8.8.8 64:ff9b:1::1 64:ff9b:1::808:808 64:ff9b:2::1", Special),
            ("100::1 100:0:0:1::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:1::1 2001:1::2", Special),
            ("2001:1::3 2001:2::1 2001:3::1 2001:4:112::1 2001:10::1 2001:20::1 2001:30::1 2001:db8::1", Special),
            ("2002:a00:1:: 2002:808:808::1 2620:4f:8000::1 3fff::1 5f00::1 4000::1 fe80::1 fec0::1", Special),
            ("ff02::1 ff0e::1 8000::1 c000::1 fb00::1 ::ffff:198.18.0.1 64:ff9b::c612:1", Special),
            ("169.254.169.254 169.254.170.2 169.254.170.23 168.63.129.16 100.100.100.200 192.0.0.192", Metadata),
            ("fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fd00:c1::a9fe:a9fe fd00:42::42 169.254.42.42", Metadata),
            ("::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 64:ff9b::a83f:8110 fe80::a9fe:a9fe", Metadata),
            ("8.8.8.8 172.32.0.1 100.128.0.1 168.63.129.15 192.0.1.1 198.20.0.1 223.255.255.255", Reach::Public),
            ("2606:4700::1111 2001:200::1 2620:4f:8001::1 3ffe::1 3fff:1000::1 ::ffff:8.8.8.8", Reach::Public),
            ("64:ff9b::808:808", Reach::Public),
        ] {
            for address in addresses.split(' ') {
                assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
            }
        }
    }

    #[test]
    fn a_registry_names_the_public_or_its_own_kind() {
        let local = ReachGuard::new("127.0.0.1");
        assert!(local.permits_host("127.0.0.1") && local.permits_host("127.0.0.2") && local.permits_host("8.8.8.8"));
        assert!(
            !local.permits_host("10.0.0.1")
                && !local.permits_host("169.254.169.254")
                && !local.permits_host("[fd00::1]")
        );
        let private = ReachGuard::new("10.0.0.1");
        assert!(private.permits_host("192.168.0.1") && !private.permits_host("127.0.0.1"));
        assert!(!private.permits_host("100.100.100.200") && !private.permits_host("[fd00:ec2::254]"));
        let public = ReachGuard::new("8.8.8.8");
        assert!(public.permits_host("1.1.1.1") && !public.permits_host("[::1]") && !public.permits_host("0.0.0.0"));
        assert!(!public.permits_host("168.63.129.16") && !public.permits_host("198.18.0.1"));
    }

    /// The registry's own name may lead anywhere the first time it is looked up; afterwards it is held to that.
    #[test]
    fn a_registry_s_name_does_not_change_its_kind() {
        let addresses = |text: &str| -> Vec<SocketAddr> {
            text.split_whitespace().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect()
        };
        #[track_caller]
        fn check(found: &[SocketAddr], expected: &[SocketAddr]) {
            assert_eq!(found, expected);
        }
        let guard = ReachGuard::new("registry.example");
        check(&guard.permitted("registry.example", addresses("8.8.8.8")), &addresses("8.8.8.8"));
        check(&guard.permitted("registry.example", addresses("127.0.0.1 1.1.1.1")), &addresses("1.1.1.1"));
        check(&guard.permitted("other.example", addresses("10.0.0.1 169.254.169.254")), &[]);
        let local = ReachGuard::new("registry.example");
        check(&local.permitted("registry.example", addresses("127.0.0.1")), &addresses("127.0.0.1"));
        check(&local.permitted("other.example", addresses("127.0.0.1 10.0.0.1")), &addresses("127.0.0.1"));
        let fake = ReachGuard::new("registry.example");
        check(&fake.permitted("registry.example", addresses("198.18.0.7")), &addresses("198.18.0.7"));
        check(&fake.permitted("other.example", addresses("198.18.0.8")), &[]);
        // A name that is here and out there: its owner is out there, in whatever order the answers come.
        let mixed = ReachGuard::new("registry.example");
        check(&mixed.permitted("registry.example", addresses("10.0.0.1 8.8.8.8")), &addresses("10.0.0.1 8.8.8.8"));
        check(&mixed.permitted("other.example", addresses("10.0.0.2 1.1.1.1")), &addresses("1.1.1.1"));
        let late = ReachGuard::new("registry.example");
        check(&late.permitted("registry.example", addresses("127.0.0.1")), &addresses("127.0.0.1"));
        check(&late.permitted("registry.example", addresses("8.8.8.8")), &addresses("8.8.8.8"));
        check(&late.permitted("other.example", addresses("127.0.0.1")), &[]);
        check(&late.permitted("registry.example", addresses("127.0.0.1")), &[]);
        assert!(!late.permits_host("127.0.0.1"));
        let both = ReachGuard::new("registry.example");
        check(&both.permitted("registry.example", addresses("127.0.0.1 8.8.8.8")), &addresses("8.8.8.8"));
        let cloud = ReachGuard::new("registry.example");
        check(&cloud.permitted("registry.example", addresses("169.254.169.254")), &[]);
    }

    #[test]
    fn a_judged_resolver_knows_one_name() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let judged = JudgedResolver { host: "a.example".to_owned(), addresses: vec!["8.8.8.8:1".parse().unwrap()] };
        let ask = |name: &str| runtime.block_on(judged.resolve(name.parse().unwrap())).map(|found| found.count()).ok();
        assert_eq!((ask("a.example"), ask("a.example."), ask("localhost")), (Some(1), None, None));
    }
}
