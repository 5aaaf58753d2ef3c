//! HTTP on behalf of a plugin, to the hosts it was granted and nowhere else.
//!
//! The attack this stops: a plugin uses the place its user's machine stands in (a build network, a cloud instance) to
//! reach what the user did not name. A granted server can answer with a redirect, a granted name can resolve to a
//! private address today and to another one a millisecond later (DNS rebinding), and a proxy from the environment can
//! lead anywhere. So:
//!
//! - the allow list is checked for the first URL and for every redirect; host and port must both match;
//! - a name is resolved once per hop, *every* address it gives is judged, and the client has a resolver that knows
//!   nothing but the judged addresses, so that a name it would spell another way fails;
//! - a redirect to another origin takes a short list of header fields along, and no body;
//! - loopback, private, link-local and cloud metadata addresses are reached only where a grant names that very address
//!   (or `localhost` for loopback);
//! - proxies are ignored; certificates are always verified; plain HTTP needs a grant that names the port;
//! - the number of requests, their bytes and their time are limited, each and together.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Url;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE,
    HeaderMap, HeaderName, HeaderValue, LOCATION, RANGE, USER_AGENT,
};
use reqwest::{Method, StatusCode};
use windlass_abi::capabilities::{Capability, Grant, NetTarget, Request as CapabilityRequest};

use crate::error::Error;
use crate::reach::{self, JudgedResolver, Misleading, Reach, reach, without_final_dot};
use crate::sandbox::grants::{Grants, not_granted};

/// Redirects that are followed for one request.
const MAX_REDIRECTS: usize = 5;
/// Requests of one run of a plugin, redirects included.
const MAX_REQUESTS: u32 = 256;
/// Bytes of one answer's body.
const MAX_BODY: u64 = 16 << 20;
/// Bytes of all bodies of one run, sent and received.
pub(crate) const MAX_TRAFFIC: u64 = 128 << 20;
/// Bytes of a URL.
const MAX_URL: usize = 8 << 10;
/// Bytes of what a plugin says about one request besides its body: URL, method and header fields, as JSON.
pub(crate) const MAX_HEAD: usize = 256 << 10;
/// Header fields of a request.
const MAX_HEADERS: usize = 100;
/// Time for one request, redirects included. The run's own deadline may be nearer.
const MAX_TIME: Duration = Duration::from_secs(30);
/// Time for one connection to be made, TLS included.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// What a plugin asks to be sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    /// An HTTP method in any case; empty means GET.
    pub(crate) method: String,
    /// An absolute URL.
    pub(crate) url: String,
    /// Header fields in order.
    pub(crate) headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub(crate) body: bytes::Bytes,
}

/// What came back. Any status is an answer: only the plugin knows which it wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    /// The status code.
    pub(crate) status: u16,
    /// Header fields with names in lower case; values that are not UTF-8 are left out.
    pub(crate) headers: Vec<(String, String)>,
    /// The body as it came, never decompressed.
    pub(crate) body: Vec<u8>,
}

/// Gives the addresses of a name; it may take its time.
type Resolve = Arc<dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

/// The network of one run of one plugin: what it was granted and what it has used up.
pub(crate) struct Network {
    granted: Vec<NetTarget>,
    resolve: Resolve,
    requests_left: u32,
    traffic_left: u64,
    // Made with the first request: a run without one never starts a runtime.
    runtime: Option<tokio::runtime::Runtime>,
}

impl Network {
    /// The network that `grants` open.
    pub(crate) fn new(grants: &Grants) -> Self {
        let granted = grants.iter().filter_map(|grant| match grant {
            Grant::Net(target) => Some(target.clone()),
            _ => None,
        });
        Self {
            granted: granted.collect(),
            resolve: Arc::new(|host, port| Ok((host, port).to_socket_addrs()?.collect())),
            requests_left: MAX_REQUESTS,
            traffic_left: MAX_TRAFFIC,
            runtime: None,
        }
    }

    /// Sends a request and reads the whole answer, until `deadline` at the latest.
    ///
    /// # Errors
    /// The request is malformed (exit 1), goes where no grant leads (exit 3), goes over a limit (exit 4), or fails on
    /// the way (exit 5).
    pub(crate) fn send(&mut self, request: Request, deadline: Instant) -> Result<Response, Error> {
        let runtime = match self.runtime.take() {
            Some(runtime) => runtime,
            None => tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| Error::bug(format!("the network runtime does not start: {error}")))?,
        };
        let time = deadline.saturating_duration_since(Instant::now()).min(MAX_TIME);
        let url = shown(&request.url);
        let result = runtime.block_on(async { tokio::time::timeout(time, self.follow(request)).await });
        self.runtime = Some(runtime);
        match result {
            Ok(answer) => answer,
            Err(_) => {
                Err(Error::limit(format!("the request to {url} took longer than {} s", time.as_secs_f32().ceil()))
                    .hint("check that the host answers, or give the plugin more time with `--timeout`"))
            }
        }
    }

    async fn follow(&mut self, request: Request) -> Result<Response, Error> {
        let mut method = parse_method(&request.method)?;
        let mut headers = parse_headers(&request.headers)?;
        let mut body = request.body;
        let mut url = parse_url(&request.url)?;
        for _ in 0..=MAX_REDIRECTS {
            self.spend(body.len() as u64)?;
            let response = self.hop(&url, &method, &headers, body.clone()).await?;
            let Some(location) = redirect_target(&response, &url)? else { return self.read(response, &url).await };
            let is_elsewhere = location.origin() != url.origin();
            if is_elsewhere {
                headers = fields_that_travel(&headers);
            }
            let repeats = matches!(response.status().as_u16(), 307 | 308);
            let has_effect = !matches!(method, Method::GET | Method::HEAD) || !body.is_empty();
            if repeats && is_elsewhere && has_effect {
                return Err(Error::denied(format!(
                    "{} wants the {method} request repeated at another server, {}: a body is for whom it was addressed to",
                    shown(url.as_str()),
                    shown(location.as_str())
                ))
                .hint("ask the plugin's author to send it there in the first place"));
            }
            if !repeats {
                if method != Method::HEAD {
                    method = Method::GET;
                }
                body.clear();
                for of_the_body in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE] {
                    headers.remove(of_the_body);
                }
            }
            url = location;
        }
        Err(Error::network(format!("{} redirects more than {MAX_REDIRECTS} times", shown(&request.url))))
    }

    fn spend(&mut self, bytes: u64) -> Result<(), Error> {
        self.requests_left = self
            .requests_left
            .checked_sub(1)
            .ok_or_else(|| Error::limit(format!("the plugin sent more than {MAX_REQUESTS} requests in one run")))?;
        self.traffic_left = self.traffic_left.checked_sub(bytes).ok_or_else(too_much_traffic)?;
        Ok(())
    }

    /// One request to one URL: is it granted, which addresses may it go to, and go.
    async fn hop(
        &self,
        url: &Url,
        method: &Method,
        headers: &HeaderMap,
        body: bytes::Bytes,
    ) -> Result<reqwest::Response, Error> {
        let (target, grant) = self.granted_target(url)?;
        let addresses = self.judged_addresses(&target, grant).await?;
        let judged = JudgedResolver { host: target.host.clone(), addresses };
        // Process-wide and idempotent; another part of the program may have chosen already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("windlass/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIME)
            .dns_resolver(judged);
        if url.scheme() == "http" {
            // Reading the system's certificates takes longer than a request that needs none of them.
            builder = builder.tls_certs_only([]);
        }
        let client =
            builder.build().map_err(|error| Error::network(format!("cannot set up TLS: {}", error.without_url())))?;
        client
            .request(method.clone(), url.clone())
            .headers(headers.clone())
            .body(body)
            .send()
            .await
            .map_err(|error| failed(url, error))
    }

    fn granted_target(&self, url: &Url) -> Result<(NetTarget, &NetTarget), Error> {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let asked = match CapabilityRequest::parse(Capability::Net, &format!("{host}:{port}")) {
            // What is judged is what is connected to, letter for letter.
            Ok(CapabilityRequest::Net(target)) if host.trim_matches(['[', ']']) == target.host => target,
            _ => {
                return Err(Error::refused(format!(
                    "the plugin asked for {}, which names no host",
                    shown(url.as_str())
                )));
            }
        };
        let grant = self
            .granted
            .iter()
            .find(|grant| grant.host == asked.host && grant.effective_port() == asked.effective_port());
        match grant {
            None => Err(not_granted(
                format!("the plugin wants to reach {}, and no grant allows it", shown(url.as_str())),
                [&CapabilityRequest::Net(asked)],
            )),
            Some(grant) if url.scheme() == "http" && grant.port.is_none() => Err(not_granted(
                format!("the plugin wants plain HTTP to {host}, and the grant does not name the port"),
                [&CapabilityRequest::Net(asked)],
            )),
            Some(grant) => Ok((asked, grant)),
        }
    }

    /// The addresses of a host, all of them judged. One bad address among good ones refuses them all: a name that mixes
    /// public and private addresses is an attack or a mistake.
    async fn judged_addresses(&self, target: &NetTarget, grant: &NetTarget) -> Result<Vec<SocketAddr>, Error> {
        let port = target.effective_port();
        if let Ok(address) = target.host.parse::<IpAddr>() {
            // The grant is this very address: it was named outright.
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let (resolve, host) = (self.resolve.clone(), target.host.clone());
        let addresses = tokio::task::spawn_blocking(move || resolve(&host, port))
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(|error| Error::network(format!("cannot resolve {}: {error}", target.host)))?;
        if addresses.is_empty() {
            return Err(Error::network(format!("{} has no address", target.host)));
        }
        for address in &addresses {
            self.judge(grant, address.ip(), port)?;
        }
        Ok(addresses)
    }

    fn judge(&self, grant: &NetTarget, address: IpAddr, port: u16) -> Result<(), Error> {
        let kind = match reach(address) {
            Reach::Public => return Ok(()),
            Reach::Loopback if grant.host == "localhost" => return Ok(()),
            Reach::Loopback => "a loopback address",
            Reach::Private => "an address of a private network",
            Reach::Metadata => "where a cloud keeps its machines' metadata and credentials",
            Reach::Special => "an address set aside for something else than servers",
        };
        let named =
            self.granted.iter().any(|given| given.effective_port() == port && given.host.parse() == Ok(address));
        if named {
            return Ok(());
        }
        let asked = NetTarget { host: address.to_string(), port: Some(port) };
        Err(not_granted(
            format!("{} resolves to {address}, {kind}, which only a grant of that very address opens", grant.host),
            [&CapabilityRequest::Net(asked)],
        ))
    }

    async fn read(&mut self, mut response: reqwest::Response, url: &Url) -> Result<Response, Error> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(url, error))? {
            self.traffic_left = self.traffic_left.checked_sub(chunk.len() as u64).ok_or_else(too_much_traffic)?;
            if (body.len() + chunk.len()) as u64 > MAX_BODY {
                return Err(Error::limit(format!(
                    "{} answers with more than {} MiB",
                    shown(url.as_str()),
                    MAX_BODY >> 20
                )));
            }
            body.extend_from_slice(&chunk);
        }
        let headers = response
            .headers()
            .iter()
            .filter_map(|(name, value)| value.to_str().ok().map(|value| (name.as_str().to_owned(), value.to_owned())));
        Ok(Response { status: response.status().as_u16(), headers: headers.collect(), body })
    }
}

impl Drop for Network {
    /// A name server that does not answer keeps a thread busy long after the deadline; nobody waits for it.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn too_much_traffic() -> Error {
    Error::limit(format!("the plugin moved more than {} MiB over the network in one run", MAX_TRAFFIC >> 20))
}

fn failed(url: &Url, error: reqwest::Error) -> Error {
    let error = error.without_url();
    // The outer texts say "error sending request"; what went wrong is at the end of the chain.
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    Error::network(format!("the request to {} failed: {cause}", shown(url.as_str())))
}

/// A URL as errors show it: without user, query and fragment, which may hold secrets, and without control characters.
fn shown(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let visible = url.get(..end).unwrap_or_default();
    let visible = match visible.split_once("://") {
        Some((scheme, rest)) => {
            let authority_end = rest.find('/').unwrap_or(rest.len());
            let start = rest.get(..authority_end).and_then(|authority| authority.rfind('@')).map_or(0, |at| at + 1);
            format!("{scheme}://{}", rest.get(start..).unwrap_or_default())
        }
        None => visible.to_owned(),
    };
    crate::text::shown(&visible, 300)
}

/// As much of a guest's word as an error repeats.
fn start_of(text: &str) -> &str {
    text.char_indices().nth(100).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

fn parse_method(method: &str) -> Result<Method, Error> {
    match method.to_ascii_uppercase().as_str() {
        "" | "GET" => Ok(Method::GET),
        "HEAD" => Ok(Method::HEAD),
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "PATCH" => Ok(Method::PATCH),
        "DELETE" => Ok(Method::DELETE),
        "OPTIONS" => Ok(Method::OPTIONS),
        _ => Err(Error::refused(format!("the plugin asked for the HTTP method {:?}", start_of(method)))
            .hint("use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS")),
    }
}

const NOT_HTTP: &str = "only https and http are spoken here";
const HAS_USER: &str = "a user and a password go into a header";

fn parse_url(text: &str) -> Result<Url, Error> {
    let refuse = |why: &str| Error::refused(format!("the plugin asked for the URL `{}`: {why}", shown(text)));
    if text.len() > MAX_URL {
        return Err(refuse("it is too long"));
    }
    let mut url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
    without_final_dot(&mut url);
    if !matches!(url.scheme(), "https" | "http") {
        return Err(refuse(NOT_HTTP));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse(HAS_USER));
    }
    Ok(url)
}

/// Where an answer sends the request on; none for an answer that is to be read.
fn redirect_target(response: &reqwest::Response, url: &Url) -> Result<Option<Url>, Error> {
    if !matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    ) {
        return Ok(None);
    }
    let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
    let wrong = || Error::network(format!("{} redirects to something that is no URL", shown(url.as_str())));
    let location = location.to_str().map_err(|_| wrong())?;
    let refuse = |url: &Url, why: &str| {
        Error::refused(format!("the plugin was sent on to the URL `{}`: {why}", shown(url.as_str())))
    };
    let location = reach::named(location, url).map_err(|why| match why {
        Misleading::NoAddress => wrong(),
        Misleading::NotHttp(target) => refuse(&target, NOT_HTTP),
        Misleading::HasUser(target) => refuse(&target, HAS_USER),
        Misleading::ToPlain(target) => Error::denied(format!(
            "{} redirects from HTTPS to plain HTTP at {}",
            shown(url.as_str()),
            shown(target.as_str())
        )),
    })?;
    if location.as_str().len() > MAX_URL { Err(refuse(&location, "it is too long")) } else { Ok(Some(location)) }
}

/// Fields that the connection itself is made of; a guest that sets them could smuggle a second request.
const REFUSED_HEADERS: [&str; 10] = [
    "host",
    "content-length",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "proxy-authorization",
];

/// The fields that go along to another origin: what the answer should look like. Everything else may be a credential,
/// by whatever name a server gave it.
fn fields_that_travel(headers: &HeaderMap) -> HeaderMap {
    let travelling = [ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CACHE_CONTROL, RANGE, USER_AGENT];
    let travel = headers.iter().filter(|(name, _)| travelling.contains(name));
    travel.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn parse_headers(fields: &[(String, String)]) -> Result<HeaderMap, Error> {
    if fields.len() > MAX_HEADERS {
        return Err(Error::limit(format!("the plugin sent a request with more than {MAX_HEADERS} header fields")));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let wrong = |why: &str| Error::refused(format!("the plugin set the header field {:?}, {why}", start_of(name)));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("which is no name of a field"))?;
        if REFUSED_HEADERS.contains(&name.as_str()) {
            return Err(wrong("which only the host sets"));
        }
        let value = HeaderValue::from_str(value).map_err(|_| wrong("and its value has control characters"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
