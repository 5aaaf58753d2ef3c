//! Which addresses an answer of a registry may send us to.
//!
//! A registry's redirects, token servers and upload locations are addresses that somebody else chooses and this machine connects
//! to, from inside whatever network it stands in: a cloud's metadata service, a router's admin page, a database
//! without a password. So a registry may only name addresses of the public internet, or of the same kind as
//! its own: a registry on loopback may name loopback, one in a private network its private network.
//!
//! The check runs where names become addresses ([`GuardedResolver`]), so that a name that resolves differently a second time
//! (DNS rebinding) gains nothing.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// How far an address reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// This machine.
    Loopback,
    /// A private network: RFC 1918, RFC 6598, RFC 4193.
    Private,
    /// The public internet.
    Public,
    /// Link-local (where clouds answer metadata requests), multicast, broadcast, unspecified: no registry lives there.
    Special,
}

/// The kind of an address; an IPv4 address inside an IPv6 one counts as what it is.
pub(crate) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped().or_else(|| translated(address)) {
            Some(address) => reach_v4(address),
            None => reach_v6(address),
        },
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    let [a, b, ..] = address.octets();
    if address.is_loopback() {
        Reach::Loopback
    } else if address.is_private() || (a == 100 && (64..128).contains(&b)) {
        Reach::Private
    } else if address.is_link_local() || address.is_multicast() || a == 0 || a >= 240 {
        Reach::Special
    } else {
        Reach::Public
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    if address.is_loopback() {
        Reach::Loopback
    } else if address.is_unique_local() {
        Reach::Private
    } else if address.is_unicast_link_local() || address.is_multicast() || address.is_unspecified() {
        Reach::Special
    } else {
        Reach::Public
    }
}

/// The IPv4 address behind a NAT64 prefix (RFC 6052) or in a 6to4 address (RFC 3056).
fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = address.octets();
    let at = |start: usize| -> Option<Ipv4Addr> {
        let bytes: [u8; 4] = octets.get(start..start + 4)?.try_into().ok()?;
        Some(Ipv4Addr::from(bytes))
    };
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => at(12),
        [0x2002, ..] => at(2),
        _ => None,
    }
}

/// The kinds of addresses that one registry was found at, and with that those that it may name.
#[derive(Clone, Debug)]
pub(crate) struct ReachGuard {
    host: String,
    proxies: Vec<String>,
    own: Arc<Mutex<BTreeSet<Reach>>>,
}

impl ReachGuard {
    /// For the registry at `host` (without port), which the user named and which therefore may be anywhere.
    pub(crate) fn new(host: &str) -> Self {
        let guard = Self { host: host.to_ascii_lowercase(), proxies: proxy_hosts(), own: Arc::default() };
        if let Some(address) = literal(host) {
            guard.learn(address);
        }
        guard
    }

    fn learn(&self, address: IpAddr) {
        if let Ok(mut own) = self.own.lock() {
            own.insert(reach(address));
        }
    }

    fn permits(&self, address: IpAddr) -> bool {
        match reach(address) {
            Reach::Public => true,
            Reach::Special => false,
            kind => self.own.lock().is_ok_and(|own| own.contains(&kind)),
        }
    }

    /// Whether a host that is written as an address may be connected to; names are judged when they are resolved.
    pub(crate) fn permits_host(&self, host: &str) -> bool {
        literal(host).is_none_or(|address| host.eq_ignore_ascii_case(&self.host) || self.permits(address))
    }
}

/// The address that a URL's host is, when it is one: `127.0.0.1` or `[::1]`.
fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// With a proxy it is the proxy that resolves the registry's name; the only name resolved here is the proxy's own.
fn proxy_hosts() -> Vec<String> {
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .filter_map(|value| {
            let url = if value.contains("://") { value } else { format!("http://{value}") };
            Some(reqwest::Url::parse(&url).ok()?.host_str()?.to_ascii_lowercase())
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
            if host == guard.host {
                found.iter().for_each(|address| guard.learn(address.ip()));
                return Ok(Box::new(found.into_iter()) as Addrs);
            }
            let is_proxy = guard.proxies.contains(&host);
            let permitted: Vec<SocketAddr> =
                found.into_iter().filter(|address| is_proxy || guard.permits(address.ip())).collect();
            if permitted.is_empty() {
                return Err(format!("the registry sent us to {host}, which is an address in a private network").into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_reach() {
        for (address, expected) in [
            ("127.0.0.1", Reach::Loopback),
            ("127.9.9.9", Reach::Loopback),
            ("::1", Reach::Loopback),
            ("::ffff:127.0.0.1", Reach::Loopback),
            ("64:ff9b::7f00:1", Reach::Loopback),
            ("10.1.2.3", Reach::Private),
            ("172.31.0.1", Reach::Private),
            ("192.168.1.1", Reach::Private),
            ("100.64.0.1", Reach::Private),
            ("2002:a00:1::", Reach::Private),
            ("fd00::1", Reach::Private),
            ("169.254.169.254", Reach::Special),
            ("::ffff:169.254.169.254", Reach::Special),
            ("fe80::1", Reach::Special),
            ("0.0.0.0", Reach::Special),
            ("::", Reach::Special),
            ("224.0.0.1", Reach::Special),
            ("255.255.255.255", Reach::Special),
            ("8.8.8.8", Reach::Public),
            ("172.32.0.1", Reach::Public),
            ("2606:4700::1111", Reach::Public),
        ] {
            assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
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
        let public = ReachGuard::new("8.8.8.8");
        assert!(public.permits_host("1.1.1.1") && !public.permits_host("[::1]") && !public.permits_host("0.0.0.0"));
    }
}
