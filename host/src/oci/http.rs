//! HTTP to one registry: authentication, redirects, retries, and bounds on everything that comes back.
//!
//! Two rules are built in. A request goes to an [`Address`], and there is one door for those that a server names
//! ([`Http::named`]). What the registry may know of us (a login, a token, a client certificate) goes to the registry's
//! own origin, and the login also to the token server that the registry's own origin names; a challenge from anywhere
//! else is not answered.
//!
//! `oci-client`, whose types we use, also has a client; this one exists because ours has to bound what a registry
//! answers (a manifest of 100 MB, a body without end), keep credentials and connections inside the registry's reach
//! across redirects, present client certificates, and resume transfers, none of which the other's interface lets a
//! caller do.

use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LINK, LOCATION,
    RETRY_AFTER, WWW_AUTHENTICATE,
};
use reqwest::{Method, StatusCode, Url};
use windlass_abi::challenge::{Challenge, TOKEN_MEMBERS, challenges};

use super::credentials::{Credential, CredentialFiles, Secret};
use crate::error::Error;
use crate::reach::{self, GuardedResolver, Misleading, OutOfReach, ReachGuard, without_final_dot};

/// Attempts for one request or one transfer, the first included.
const ATTEMPTS: u32 = 5;
/// The wait before the second attempt; doubled for each further one.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait that a registry's `Retry-After` can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Redirects that one request follows.
const MAX_REDIRECTS: usize = 5;
/// A transfer slower than this on average is given up.
const SLOWEST_BYTES_PER_SECOND: u64 = 1024;
/// The most that is read of an error's or a token server's answer.
const MAX_SMALL_BODY: u64 = 1 << 20;

/// How to reach a registry: what the command line's flags say.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Plain HTTP instead of HTTPS.
    pub plain_http: bool,
    /// HTTPS without checking the server's certificate.
    pub insecure: bool,
    /// Certificates (PEM) to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// A client certificate (PEM), shown to the registry's own origin and to nobody whom it names.
    pub cert_file: Option<PathBuf>,
    /// The client certificate's key (PEM).
    pub key_file: Option<PathBuf>,
    /// The credential file to read instead of Helm's and Docker's.
    pub registry_config: Option<PathBuf>,
    /// How long a registry may stay silent before the attempt counts as failed.
    pub timeout: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            plain_http: false,
            insecure: false,
            ca_file: None,
            cert_file: None,
            key_file: None,
            registry_config: None,
            timeout: Duration::from_secs(30),
        }
    }
}

/// What a request needs a token for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Access {
    Pull,
    Push,
}

/// An address that a request may go to: one of the registry's own ([`Http::own`]), or one that a server named and that
/// was judged ([`Http::named`]).
#[derive(Clone, Debug)]
pub(crate) struct Address(Url);

impl Address {
    /// The same address with more in its query.
    pub(crate) fn with_query(mut self, pairs: &[(&str, &str)]) -> Self {
        self.0.query_pairs_mut().extend_pairs(pairs);
        self
    }

    /// The address as errors show it: without its query, where signed URLs and tokens are.
    fn shown(&self) -> String {
        shown(&self.0)
    }
}

/// A request before authentication; kept so that it can be sent again.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) address: Address,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<bytes::Bytes>,
    pub(crate) repository: String,
    pub(crate) access: Access,
}

/// Why an attempt failed, and whether another may succeed.
#[derive(Debug)]
pub(crate) enum RequestFailure {
    Final(Error),
    Retryable { error: Error, after: Option<Duration> },
}

impl From<Error> for RequestFailure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// What was found out about how a registry wants to be spoken to.
#[derive(Default)]
struct Session {
    /// The `Authorization` value that worked, by repository and access.
    authorization: Vec<((String, Access), Secret)>,
    /// What the credential files have, by repository.
    credentials: Vec<(String, Option<Credential>)>,
}

/// A connection to one registry.
pub(crate) struct Http {
    client: reqwest::Client,
    /// For everything but the registry's own origin: without the client certificate.
    stranger: OnceLock<reqwest::Client>,
    options: ClientOptions,
    registry: String,
    base: Url,
    guard: ReachGuard,
    files: CredentialFiles,
    explicit: Option<Credential>,
    session: Mutex<Session>,
    timeout: Duration,
}

impl Http {
    pub(crate) fn new(registry: &str, options: &ClientOptions, explicit: Option<Credential>) -> Result<Self, Error> {
        // Docker Hub's registry does not answer at the name that references use.
        let host = if registry == "docker.io" { "registry-1.docker.io" } else { registry };
        let scheme = if options.plain_http { "http" } else { "https" };
        let not_a_host = || Error::usage(format!("`{registry}` is not a registry's host"));
        let mut base = Url::parse(&format!("{scheme}://{host}/v2/")).map_err(|_| not_a_host())?;
        without_final_dot(&mut base);
        // Whatever else would be read out of the text is not what the user takes for the host.
        if base.path() != "/v2/" || !base.username().is_empty() || base.password().is_some() {
            return Err(not_a_host());
        }
        let guard = ReachGuard::new(base.host_str().unwrap_or_default());
        Ok(Self {
            client: build_client(options, guard.clone(), true)?,
            stranger: OnceLock::new(),
            options: options.clone(),
            registry: registry.to_owned(),
            base,
            guard,
            files: CredentialFiles::locate(options.registry_config.as_deref()),
            explicit,
            session: Mutex::default(),
            timeout: options.timeout,
        })
    }

    pub(crate) fn registry(&self) -> &str {
        &self.registry
    }

    /// `https://HOST/v2/PATH`.
    pub(crate) fn own(&self, path: &str) -> Result<Address, Error> {
        let url = self.base.join(path).ok();
        let url = url.filter(|url| self.is_own_origin(url) && url.path().starts_with(self.base.path()));
        url.map(Address).ok_or_else(|| Error::usage(format!("`{path}` is not a path of a registry")))
    }

    /// The only door for an address that a server names, be it in a redirect, for an upload, for its tokens, or for the
    /// next page: HTTP, with TLS wherever the registry or whoever names it has TLS, in no network that the registry has
    /// no business in (names are judged again where they are resolved), and without a user's name. `what` is it, as in
    /// "a redirect".
    pub(crate) fn named(&self, text: &str, base: &Url, what: &str) -> Result<Address, Error> {
        let to_plain = |url: &Url| self.broken(format!("{what} leads from HTTPS to plain HTTP, at {}", shown(url)));
        let url = reach::named(text, base).map_err(|why| match why {
            Misleading::NoAddress => self.broken(format!("{what} is no address")),
            Misleading::NotHttp(_) => self.broken(format!("{what} is not HTTP")),
            Misleading::ToPlain(url) => to_plain(&url),
            Misleading::HasUser(url) => self.broken(format!("{what} has a user's name in it, at {}", shown(&url))),
        })?;
        // Nor in two steps.
        if self.base.scheme() == "https" && url.scheme() != "https" {
            return Err(to_plain(&url));
        }
        if !self.guard.permits_host(url.host_str().unwrap_or_default()) {
            return Err(self.broken(format!("{what} is {}, {OutOfReach}", shown(&url))));
        }
        Ok(Address(url))
    }

    /// Where an answer's `Location` leads.
    pub(crate) fn location(&self, answer: &reqwest::Response, what: &str) -> Result<Address, Error> {
        let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| self.broken(format!("it did not say where {what} is")))?;
        self.named(location, answer.url(), what)
    }

    /// The `rel="next"` link of an answer (RFC 8288), if there is one. A list goes on where it began: one that would go
    /// on elsewhere is an error, as half a list would pass for the whole.
    pub(crate) fn next_page(&self, answer: &reqwest::Response) -> Result<Option<Address>, Error> {
        let links = answer.headers().get_all(LINK).iter();
        let next = links.filter_map(|value| value.to_str().ok()).find_map(next_link);
        let Some(next) = next else { return Ok(None) };
        let next = self.named(next, answer.url(), "the next page of a list")?;
        if !self.is_own_origin(&next.0) {
            return Err(self.broken(format!("the next page of a list is at another server, {}", next.shown())));
        }
        Ok(Some(next))
    }

    /// An answer that no registry may give.
    pub(crate) fn broken(&self, why: impl std::fmt::Display) -> Error {
        Error::network(format!("the registry {} gave a wrong answer: {why}", self.registry))
    }

    /// Runs `attempt` until it succeeds, fails for good, or was tried five times.
    pub(crate) async fn with_retries<T>(
        &self,
        mut attempt: impl AsyncFnMut() -> Result<T, RequestFailure>,
    ) -> Result<T, Error> {
        let mut wait = FIRST_WAIT;
        for number in 1.. {
            match attempt().await {
                Ok(value) => return Ok(value),
                Err(RequestFailure::Final(error)) => return Err(error),
                Err(RequestFailure::Retryable { error, .. }) if number >= ATTEMPTS => {
                    return Err(error.hint(format!("tried {ATTEMPTS} times; try again later")));
                }
                Err(RequestFailure::Retryable { after, .. }) => {
                    // Twenty processes that failed together should not come back together.
                    let jitter = wait.mul_f64(rand::random::<f64>() / 2.0);
                    tokio::time::sleep(after.unwrap_or(wait + jitter).min(LONGEST_WAIT)).await;
                    wait *= 2;
                }
            }
        }
        Err(Error::bug("a loop without end ended"))
    }

    /// Sends a request, answers a challenge of the registry's own, follows redirects of GET and HEAD. The answer's
    /// status may be any that another attempt would not change.
    pub(crate) async fn send(&self, request: &Request) -> Result<reqwest::Response, RequestFailure> {
        let mut address = request.address.clone();
        let mut authorization = self.known_authorization(request);
        let (mut is_challenged, mut redirects) = (false, 0);
        loop {
            let answer = self.send_once(request, &address, authorization.as_ref()).await?;
            let status = answer.status();
            // Whoever else asks for a login (where an upload goes on, where a redirect leads) would get the registry's.
            if status == StatusCode::UNAUTHORIZED && !is_challenged && self.is_own_origin(&address.0) {
                is_challenged = true;
                match self.answer_challenge(request, &answer).await? {
                    Some(answered) => authorization = Some(answered),
                    None => return Ok(answer),
                }
                continue;
            }
            if status != StatusCode::UNAUTHORIZED
                && is_challenged
                && let Some(authorization) = authorization.clone()
            {
                self.remember(request, authorization);
            }
            let follows = matches!(request.method, Method::GET | Method::HEAD) && status.is_redirection();
            if !follows || status == StatusCode::NOT_MODIFIED {
                return self.judge_status(answer).await;
            }
            redirects += 1;
            if redirects > MAX_REDIRECTS {
                return Err(self.broken(format!("more than {MAX_REDIRECTS} redirects")).into());
            }
            address = self.location(&answer, "a redirect")?;
        }
    }

    /// The client for an address, and whether that is the registry's own origin: only there we show who we are.
    fn client_for(&self, address: &Address) -> Result<(&reqwest::Client, bool), Error> {
        if self.is_own_origin(&address.0) || self.options.cert_file.is_none() {
            return Ok((&self.client, self.is_own_origin(&address.0)));
        }
        if let Some(client) = self.stranger.get() {
            return Ok((client, false));
        }
        let client = build_client(&self.options, self.guard.clone(), false)?;
        Ok((self.stranger.get_or_init(|| client), false))
    }

    async fn send_once(
        &self,
        request: &Request,
        address: &Address,
        authorization: Option<&Secret>,
    ) -> Result<reqwest::Response, RequestFailure> {
        let (client, is_own) = self.client_for(address)?;
        let url = &address.0;
        let mut builder = client.request(request.method.clone(), url.clone()).headers(request.headers.clone());
        if let Some(authorization) = authorization.filter(|_| is_own) {
            let mut value = HeaderValue::from_str(authorization.reveal())
                .map_err(|_| self.broken("its token is not a header's value"))?;
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        if let Some(body) = &request.body {
            builder = builder.header(CONTENT_LENGTH, body.len()).body(body.clone());
        } else if request.method == Method::POST {
            builder = builder.header(CONTENT_LENGTH, 0);
        }
        // Until the answer's head is there; an upload's time grows with its size.
        let size = request.body.as_ref().map_or(0, |body| body.len() as u64);
        let patience = self.timeout + Duration::from_secs(size / SLOWEST_BYTES_PER_SECOND);
        match tokio::time::timeout(patience, builder.send()).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.connection_failure(url, error)),
            Err(_) => Err(self.retryable(format!("{} did not answer within {} s", shown(url), patience.as_secs()))),
        }
    }

    fn retryable(&self, message: String) -> RequestFailure {
        RequestFailure::Retryable { error: Error::network(message), after: None }
    }

    fn connection_failure(&self, url: &Url, error: reqwest::Error) -> RequestFailure {
        let error = error.without_url();
        let mut reasons = Vec::new();
        let mut is_out_of_reach = false;
        let mut source: Option<&dyn std::error::Error> = Some(&error);
        while let Some(reason) = source {
            let text = reason.to_string();
            if reasons.last() != Some(&text) {
                reasons.push(text);
            }
            is_out_of_reach |= reason.is::<OutOfReach>();
            source = reason.source();
        }
        let reason = reasons.join(": ");
        let message = format!("cannot speak to {}: {reason}", shown(url));
        if is_out_of_reach {
            return RequestFailure::Final(self.broken(format!("it sent us to {}, {OutOfReach}", shown(url))));
        }
        let is_certificate = ["certificate", "UnknownIssuer", "CertNotValid"].iter().any(|word| reason.contains(word));
        if is_certificate {
            let hint =
                "trust the registry's own authority with `--ca-file FILE`; `--insecure` skips the check altogether";
            return RequestFailure::Final(Error::network(message).hint(hint));
        }
        if reason.contains("InvalidContentType") || reason.contains("corrupt message") {
            return RequestFailure::Final(
                Error::network(message).hint("the registry does not speak TLS: add `--plain-http`"),
            );
        }
        RequestFailure::Retryable { error: Error::network(message), after: None }
    }

    fn is_own_origin(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// Turns what may pass (429, 5xx) into a failure to retry; the rest is for the caller to judge.
    async fn judge_status(&self, answer: reqwest::Response) -> Result<reqwest::Response, RequestFailure> {
        let status = answer.status();
        let passes = matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504);
        if !passes {
            return Ok(answer);
        }
        let after = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.trim().parse().ok());
        let error = self.status_error(answer, "the request").await;
        Err(RequestFailure::Retryable { error, after: after.map(Duration::from_secs) })
    }

    /// The error for an answer with a status that `what` cannot use; reads what the registry says about it.
    pub(crate) async fn status_error(&self, answer: reqwest::Response, what: &str) -> Error {
        let status = answer.status();
        let url = answer.url().clone();
        let said = match self.read_body(answer, MAX_SMALL_BODY, None).await {
            Ok(body) => registry_message(&body),
            Err(_) => None,
        };
        let said = said.map(|said| format!(": {said}")).unwrap_or_default();
        let error = Error::network(format!("{} answered {what} with {status}{said}", shown(&url)));
        match status {
            StatusCode::UNAUTHORIZED if !self.is_own_origin(&url) => {
                error.hint("that is another server than the registry, so it is shown no login of the registry's")
            }
            StatusCode::UNAUTHORIZED => error.hint(format!("log in with `windlass login {}`", self.registry)),
            StatusCode::FORBIDDEN => error.hint("this account may not do that here"),
            _ => error,
        }
    }

    /// Reads a body of at most `limit` bytes that comes at a sensible pace.
    pub(crate) async fn read_body(
        &self,
        answer: reqwest::Response,
        limit: u64,
        progress: Option<&dyn Fn(u64)>,
    ) -> Result<Vec<u8>, RequestFailure> {
        let mut body = Vec::new();
        self.read_body_into(answer, limit, &mut body, progress).await?;
        Ok(body)
    }

    /// [`Http::read_body`] that keeps what it got when the connection breaks, so that a transfer can go on from there.
    pub(crate) async fn read_body_into(
        &self,
        mut answer: reqwest::Response,
        limit: u64,
        body: &mut Vec<u8>,
        progress: Option<&dyn Fn(u64)>,
    ) -> Result<(), RequestFailure> {
        let url = answer.url().clone();
        let too_large = || {
            RequestFailure::Final(
                self.broken(format!("more than the {limit} bytes that it may have, from {}", shown(&url))),
            )
        };
        let room = limit.saturating_sub(body.len() as u64);
        if answer.content_length().is_some_and(|length| length > room) {
            return Err(too_large());
        }
        let started = Instant::now();
        let mut received = 0_u64;
        loop {
            // Both bounds matter: one byte a second is never silent, and never done.
            let deadline = started + self.timeout + Duration::from_secs(received / SLOWEST_BYTES_PER_SECOND);
            let patience = self.timeout.min(deadline.saturating_duration_since(Instant::now()));
            let chunk = match tokio::time::timeout(patience, answer.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => return Err(self.connection_failure(&url, error)),
                Err(_) => return Err(self.retryable(format!("the answer of {} came too slowly", shown(&url)))),
            };
            received += chunk.len() as u64;
            if received > room {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
            if let Some(progress) = progress {
                progress(chunk.len() as u64);
            }
        }
    }

    fn known_authorization(&self, request: &Request) -> Option<Secret> {
        let session = self.session.lock().ok()?;
        let key = (request.repository.as_str(), request.access);
        session
            .authorization
            .iter()
            .find(|((repository, access), _)| (repository.as_str(), *access) == key)
            .map(|(_, value)| value.clone())
    }

    fn remember(&self, request: &Request, authorization: Secret) {
        if let Ok(mut session) = self.session.lock() {
            let key = (request.repository.clone(), request.access);
            session.authorization.retain(|(known, _)| *known != key);
            session.authorization.push((key, authorization));
        }
    }

    fn credential(&self, repository: &str) -> Result<Option<Credential>, Error> {
        if let Some(explicit) = &self.explicit {
            return Ok(Some(explicit.clone()));
        }
        // A helper may ask a person or a cloud: once is enough.
        if let Ok(session) = self.session.lock()
            && let Some((_, known)) = session.credentials.iter().find(|(known, _)| known == repository)
        {
            return Ok(known.clone());
        }
        let found = self.files.find(&self.registry, repository)?;
        if let Ok(mut session) = self.session.lock() {
            session.credentials.push((repository.to_owned(), found.clone()));
        }
        Ok(found)
    }

    /// The `Authorization` value that a 401 of the registry's own asks for, if we have what it takes.
    async fn answer_challenge(
        &self,
        request: &Request,
        answer: &reqwest::Response,
    ) -> Result<Option<Secret>, RequestFailure> {
        let credential = self.credential(&request.repository)?;
        let headers = answer.headers().get_all(WWW_AUTHENTICATE).iter();
        let offered = headers.filter_map(|value| value.to_str().ok()).flat_map(challenges);
        for challenge in offered {
            if challenge.is("Bearer") {
                if let Some(Credential::Bearer(token)) = &credential {
                    return Ok(Some(bearer(token)));
                }
                let Some(realm) = challenge.parameter("realm") else { continue };
                let server = self.named(realm, answer.url(), "its token server")?;
                let token = self.fetch_token(request, server, &challenge, credential.as_ref()).await?;
                return Ok(Some(bearer(&token)));
            }
            if challenge.is("Basic")
                && let Some(Credential::Password { username, password }) = &credential
            {
                return Ok(Some(basic(username, password)));
            }
        }
        Ok(None)
    }

    async fn fetch_token(
        &self,
        request: &Request,
        mut server: Address,
        challenge: &Challenge,
        credential: Option<&Credential>,
    ) -> Result<Secret, RequestFailure> {
        let actions = if request.access == Access::Push { "pull,push" } else { "pull" };
        // The registry's own words first: for the base path it asks for none, for others it may want more.
        let scope = match challenge.parameter("scope") {
            Some(scope) if request.access == Access::Pull || scope.contains("push") => Some(scope.to_owned()),
            _ if request.repository.is_empty() => None,
            _ => Some(format!("repository:{}:{actions}", request.repository)),
        };
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        pairs.extend(challenge.parameter("service").map(|service| ("service", service)));
        pairs.extend(scope.as_deref().map(|scope| ("scope", scope)));
        pairs.push(("client_id", "windlass"));
        let builder = match credential {
            Some(Credential::Identity(token)) => {
                pairs.push(("grant_type", "refresh_token"));
                pairs.push(("refresh_token", token.reveal()));
                let form = form_encoded(&pairs);
                let (client, _) = self.client_for(&server)?;
                client.post(server.0.clone()).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form)
            }
            other => {
                if let Some(Credential::Password { username, .. }) = other {
                    pairs.push(("account", username));
                }
                server = server.with_query(&pairs);
                let (client, _) = self.client_for(&server)?;
                let mut builder = client.get(server.0.clone());
                if let Some(Credential::Password { username, password }) = other {
                    let mut value = HeaderValue::from_str(basic(username, password).reveal())
                        .map_err(|_| Error::usage("the credentials cannot be sent"))?;
                    value.set_sensitive(true);
                    builder = builder.header(AUTHORIZATION, value);
                }
                builder
            }
        };
        let answer = match tokio::time::timeout(self.timeout, builder.header(ACCEPT, "application/json").send()).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(self.connection_failure(&server.0, error)),
            Err(_) => return Err(self.retryable(format!("the token server {} did not answer", server.shown()))),
        };
        let answer = self.judge_status(answer).await?;
        if answer.status() != StatusCode::OK {
            let error = self.status_error(answer, "the login").await;
            return Err(error.into());
        }
        let body = self.read_body(answer, MAX_SMALL_BODY, None).await?;
        let answer: serde_json::Value =
            serde_json::from_slice(&body).map_err(|_| self.broken("its token server's answer is not JSON"))?;
        let token = TOKEN_MEMBERS
            .iter()
            .find_map(|key| answer.get(key)?.as_str().filter(|token| !token.is_empty()))
            .ok_or_else(|| self.broken("its token server gave no token"))?;
        Ok(Secret::new(token))
    }
}

/// The target of the link with the relation `next`, in a header of one or several links: `</v2/...>; rel="next"`.
fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some((_, link)) = rest.split_once('<') {
        let (target, parameters) = link.split_once('>')?;
        let (parameters, _) = parameters.split_once('<').unwrap_or((parameters, ""));
        let is_next = parameters.split([';', ',']).any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
            name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(target);
        }
        (_, rest) = link.split_once('>')?;
    }
    None
}

/// `a=b&c=d`, percent-encoded.
fn form_encoded(pairs: &[(&str, &str)]) -> String {
    let mut url = Url::parse("http://form/").ok();
    if let Some(url) = &mut url {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    url.and_then(|url| url.query().map(str::to_owned)).unwrap_or_default()
}

fn bearer(token: &Secret) -> Secret {
    Secret::new(format!("Bearer {}", token.reveal()))
}

fn basic(username: &str, password: &Secret) -> Secret {
    use base64::Engine as _;
    let pair = format!("{username}:{}", password.reveal());
    Secret::new(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
}

/// A URL as errors show it: without its query, where signed URLs and tokens are.
fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// What a registry says went wrong (`{"errors":[{"code","message"}]}`), fit for a terminal.
fn registry_message(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let first = body.get("errors")?.get(0)?;
    let text = |key: &str| first.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    let said = format!("{} {}", text("code"), text("message"));
    let said = crate::text::shown(said.trim(), 300);
    (!said.is_empty()).then_some(said)
}

/// `is_own`: for the registry's own origin, which the client certificate is for.
fn build_client(options: &ClientOptions, guard: ReachGuard, is_own: bool) -> Result<reqwest::Client, Error> {
    // Process-wide and idempotent; another part of the program may have chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let read = |path: &PathBuf| {
        crate::input::read_named(path, crate::limits::table::MAX_KEY_FILE)
            .map_err(|e| Error::usage(format!("cannot read {}: {e}", path.display())))
    };
    let not_pem = |path: &PathBuf| Error::usage(format!("{} holds no PEM certificate", path.display()));
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("windlass/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(options.timeout)
        .dns_resolver(GuardedResolver(guard))
        .tls_danger_accept_invalid_certs(options.insecure);
    if let Some(path) = &options.ca_file {
        let certificates = reqwest::Certificate::from_pem_bundle(&read(path)?).map_err(|_| not_pem(path))?;
        if certificates.is_empty() {
            return Err(not_pem(path));
        }
        builder = builder.tls_certs_merge(certificates);
    } else if options.plain_http {
        // Reading the system's certificates takes longer than a request that needs none of them.
        builder = builder.tls_certs_only([]);
    }
    match (&options.cert_file, &options.key_file) {
        (Some(_), Some(_)) if !is_own => {}
        (Some(cert), Some(key)) => {
            let mut pem = read(key)?;
            pem.push(b'\n');
            pem.extend(read(cert)?);
            let identity = reqwest::Identity::from_pem(&pem).map_err(|_| {
                Error::usage(format!("{} and {} are not a PEM certificate and its key", cert.display(), key.display()))
            })?;
            builder = builder.identity(identity);
        }
        (None, None) => {}
        _ => return Err(Error::usage("a client certificate needs both `--cert-file` and `--key-file`")),
    }
    builder.build().map_err(|e| Error::usage(format!("cannot set up TLS: {}", e.without_url())))
}

/// `Accept` for manifests, indexes included: what a registry has must be seen to be refused by name.
pub(crate) fn accept(types: &[&str]) -> Result<(HeaderName, HeaderValue), Error> {
    HeaderValue::from_str(&types.join(", "))
        .map(|value| (ACCEPT, value))
        .map_err(|_| Error::bug("a media type is not a header's value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(host: &str, plain_http: bool) -> Http {
        Http::new(host, &ClientOptions { plain_http, ..ClientOptions::default() }, None).unwrap()
    }

    /// An address that `by` names for a registry: what becomes of it, or a part of the error.
    #[track_caller]
    fn check(registry: &Http, by: &str, text: &str, expected: Result<&str, &str>) {
        match (registry.named(text, &Url::parse(by).unwrap(), "an address"), expected) {
            (Ok(address), Ok(wanted)) => assert_eq!(address.0.as_str(), wanted),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error} does not contain `{part}`"),
            (actual, expected) => panic!("{text}: {actual:?}, expected {expected:?}"),
        }
    }

    /// The one door for redirects, places for uploads, token servers and next pages.
    #[test]
    fn addresses_that_a_server_names_are_judged_in_one_way() {
        let (safe, plain) = (registry("registry.example", false), registry("127.0.0.1:5000", true));
        let by = "https://registry.example/v2/x";
        check(&safe, by, "/v2/y?z", Ok("https://registry.example/v2/y?z"));
        check(&safe, by, "https://cdn.example./y", Ok("https://cdn.example/y"));
        check(&safe, by, "https://REGISTRY.example.:443/y", Ok("https://registry.example/y"));
        // Down from TLS, in one step or in two.
        check(&safe, by, "http://registry.example/y", Err("from HTTPS to plain HTTP"));
        check(&safe, by, "http://cdn.example/y", Err("from HTTPS to plain HTTP"));
        check(&plain, "http://127.0.0.1:5000/v2/x", "http://8.8.8.8/y", Ok("http://8.8.8.8/y"));
        check(&plain, "https://8.8.8.8/y", "http://8.8.8.8/z", Err("from HTTPS to plain HTTP"));
        for no_http in ["ftp://registry.example/", "file:///etc/passwd", "data:,x", "javascript:x"] {
            check(&safe, by, no_http, Err("is not HTTP"));
        }
        check(&safe, by, "https://", Err("is no address"));
        check(&safe, by, "https://ann:hunter2@registry.example/y", Err("a user's name"));
        for private in
            ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[fec0::1]", "168.63.129.16", "0x7f.1", "127.1."]
        {
            check(&safe, by, &format!("https://{private}/y"), Err("private network"));
        }
        check(&plain, "http://127.0.0.1:5000/", "http://127.0.0.2:9/", Ok("http://127.0.0.2:9/"));
        check(&plain, "http://127.0.0.1:5000/", "http://192.168.0.1/", Err("private network"));
    }

    #[test]
    fn a_registry_s_own_addresses_stay_its_own() {
        let registry = registry("registry.example", false);
        assert!(registry.own("").is_ok() && registry.own("a/b/manifests/sha256:00").is_ok());
        for path in ["//evil.example/", "https://evil.example/", "../x", "/x", "a/manifests/../../../../x"] {
            assert!(registry.own(path).is_err(), "{path}");
        }
        for host in ["evil.example/x", "ann@registry.example", "registry.example?x", "registry.example#x", ""] {
            assert!(Http::new(host, &ClientOptions::default(), None).is_err(), "{host}");
        }
    }

    #[test]
    fn the_next_page_is_the_link_that_says_so() {
        for (header, expected) in [
            (r#"</v2/x?n=1,2>; rel="next""#, Some("/v2/x?n=1,2")),
            ("</a>; rel=prev, </b>; Rel=NEXT", Some("/b")),
            (r#"</a>; title="x"; rel="last next""#, Some("/a")),
            ("</a>; title=next", None),
            ("</a", None),
            ("", None),
        ] {
            assert_eq!(next_link(header), expected, "{header}");
        }
    }
}
