//! HTTP to one registry: authentication, redirects, retries, and bounds on everything that comes back.
//!
//! `oci-client`, whose types we use, also has a client; this one exists because ours has to bound what a registry answers
//! (a manifest of 100 MB, a body without end), keep credentials and connections inside the registry's reach across redirects,
//! present client certificates, and resume transfers, none of which the other's interface lets a caller do.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use reqwest::{Method, StatusCode, Url};

use super::credentials::{Credential, CredentialFiles, Secret};
use super::reach::{GuardedResolver, ReachGuard};
use crate::error::Error;

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
    /// A client certificate (PEM).
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

/// A request before authentication; kept so that it can be sent again.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<bytes::Bytes>,
    pub(crate) repository: String,
    pub(crate) access: Access,
}

/// Why an attempt failed, and whether another may succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    Final(Error),
    Retryable { error: Error, after: Option<Duration> },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// What was found out about how a registry wants to be spoken to.
#[derive(Default)]
struct Session {
    /// The `Authorization` value that worked, by repository and access.
    authorization: Vec<((String, Access), Secret)>,
    credential: Option<Option<Credential>>,
}

/// A connection to one registry.
pub(crate) struct Http {
    client: reqwest::Client,
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
        let base = Url::parse(&format!("{scheme}://{host}/v2/"))
            .map_err(|_| Error::usage(format!("`{registry}` is not a registry's host")))?;
        let guard = ReachGuard::new(base.host_str().unwrap_or_default());
        Ok(Self {
            client: build_client(options, guard.clone())?,
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
    pub(crate) fn url(&self, path: &str) -> Result<Url, Error> {
        self.base.join(path).map_err(|_| Error::usage(format!("`{path}` is not a path of a registry")))
    }

    /// Resolves a `Location` against the URL that it answers.
    pub(crate) fn location(&self, headers: &HeaderMap, base: &Url) -> Result<Url, Error> {
        let location =
            headers.get(LOCATION).and_then(|value| value.to_str().ok()).and_then(|text| base.join(text).ok());
        location.ok_or_else(|| self.broken("it did not say where to send the blob"))
    }

    /// An answer that no registry may give.
    pub(crate) fn broken(&self, why: impl std::fmt::Display) -> Error {
        Error::network(format!("the registry {} gave a wrong answer: {why}", self.registry))
    }

    /// Runs `attempt` until it succeeds, fails for good, or was tried five times.
    pub(crate) async fn with_retries<T>(
        &self,
        mut attempt: impl AsyncFnMut() -> Result<T, Failure>,
    ) -> Result<T, Error> {
        let mut wait = FIRST_WAIT;
        for number in 1.. {
            match attempt().await {
                Ok(value) => return Ok(value),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Retryable { error, .. }) if number >= ATTEMPTS => {
                    return Err(error.hint(format!("tried {ATTEMPTS} times; try again later")));
                }
                Err(Failure::Retryable { after, .. }) => {
                    // Twenty processes that failed together should not come back together.
                    let jitter = wait.mul_f64(rand::random::<f64>() / 2.0);
                    tokio::time::sleep(after.unwrap_or(wait + jitter).min(LONGEST_WAIT)).await;
                    wait *= 2;
                }
            }
        }
        Err(Error::bug("a loop without end ended"))
    }

    /// Sends a request, answers a challenge, follows redirects of GET and HEAD. The answer's status may be any that
    /// another attempt would not change.
    pub(crate) async fn send(&self, request: &Request) -> Result<reqwest::Response, Failure> {
        let mut answer = self.send_once(request, &request.url, self.known_authorization(request)).await?;
        if answer.status() == StatusCode::UNAUTHORIZED
            && let Some(authorization) = self.answer_challenge(request, answer.headers()).await?
        {
            answer = self.send_once(request, &request.url, Some(authorization.clone())).await?;
            if answer.status() != StatusCode::UNAUTHORIZED {
                self.remember(request, authorization);
            }
        }
        for _ in 0..MAX_REDIRECTS {
            let follows = matches!(request.method, Method::GET | Method::HEAD) && answer.status().is_redirection();
            if !follows || answer.status() == StatusCode::NOT_MODIFIED {
                return self.judge_status(answer).await;
            }
            let target = self.redirect_target(&answer)?;
            // Another origin gets nothing of what the registry may see; the same one gets it again.
            let authorization = if self.is_own_origin(&target) { self.known_authorization(request) } else { None };
            answer = self.send_once(request, &target, authorization).await?;
        }
        Err(self.broken(format!("more than {MAX_REDIRECTS} redirects")).into())
    }

    async fn send_once(
        &self,
        request: &Request,
        url: &Url,
        authorization: Option<Secret>,
    ) -> Result<reqwest::Response, Failure> {
        if !self.guard.permits_host(url.host_str().unwrap_or_default()) {
            return Err(self.broken(format!("it sent us to {}, an address in a private network", shown(url))).into());
        }
        let mut builder = self.client.request(request.method.clone(), url.clone()).headers(request.headers.clone());
        if let Some(authorization) = authorization.filter(|_| self.is_own_origin(url)) {
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

    fn retryable(&self, message: String) -> Failure {
        Failure::Retryable { error: Error::network(message), after: None }
    }

    fn connection_failure(&self, url: &Url, error: reqwest::Error) -> Failure {
        let error = error.without_url();
        let mut reasons = Vec::new();
        let mut source: Option<&dyn std::error::Error> = Some(&error);
        while let Some(reason) = source {
            let text = reason.to_string();
            if reasons.last() != Some(&text) {
                reasons.push(text);
            }
            source = reason.source();
        }
        let reason = reasons.join(": ");
        let message = format!("cannot speak to {}: {reason}", shown(url));
        if reason.contains("private network") {
            return Failure::Final(
                self.broken(format!("it sent us to {}, an address in a private network", shown(url))),
            );
        }
        let is_certificate = ["certificate", "UnknownIssuer", "CertNotValid"].iter().any(|word| reason.contains(word));
        if is_certificate {
            let hint =
                "trust the registry's own authority with `--ca-file FILE`; `--insecure` skips the check altogether";
            return Failure::Final(Error::network(message).hint(hint));
        }
        if reason.contains("InvalidContentType") || reason.contains("corrupt message") {
            return Failure::Final(Error::network(message).hint("the registry does not speak TLS: add `--plain-http`"));
        }
        Failure::Retryable { error: Error::network(message), after: None }
    }

    fn is_own_origin(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    fn redirect_target(&self, answer: &reqwest::Response) -> Result<Url, Error> {
        let target = self.location(answer.headers(), answer.url()).map_err(|_| self.broken("a redirect to nowhere"))?;
        if !matches!(target.scheme(), "http" | "https") {
            return Err(self.broken("a redirect to something that is not HTTP"));
        }
        if answer.url().scheme() == "https" && target.scheme() != "https" {
            return Err(self.broken(format!("a redirect from HTTPS to plain HTTP, at {}", shown(&target))));
        }
        Ok(target)
    }

    /// Turns what may pass (429, 5xx) into a failure to retry; the rest is for the caller to judge.
    async fn judge_status(&self, answer: reqwest::Response) -> Result<reqwest::Response, Failure> {
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
        Err(Failure::Retryable { error, after: after.map(Duration::from_secs) })
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
    ) -> Result<Vec<u8>, Failure> {
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
    ) -> Result<(), Failure> {
        let url = answer.url().clone();
        let too_large = || {
            Failure::Final(self.broken(format!("more than the {limit} bytes that it may have, from {}", shown(&url))))
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

    fn credential(&self) -> Result<Option<Credential>, Error> {
        if let Some(explicit) = &self.explicit {
            return Ok(Some(explicit.clone()));
        }
        // A helper may ask a person or a cloud: once is enough.
        if let Ok(session) = self.session.lock()
            && let Some(known) = &session.credential
        {
            return Ok(known.clone());
        }
        let found = self.files.find(&self.registry)?;
        if let Ok(mut session) = self.session.lock() {
            session.credential = Some(found.clone());
        }
        Ok(found)
    }

    /// The `Authorization` value that a 401's challenge asks for, if we have what it takes.
    async fn answer_challenge(&self, request: &Request, headers: &HeaderMap) -> Result<Option<Secret>, Failure> {
        let credential = self.credential()?;
        for header in headers.get_all(WWW_AUTHENTICATE) {
            let Ok(text) = header.to_str() else { continue };
            let Ok(challenges) = http_auth::parse_challenges(text) else { continue };
            for challenge in challenges {
                let parameter = |name: &str| {
                    challenge
                        .params
                        .iter()
                        .find(|(key, _)| key.eq_ignore_ascii_case(name))
                        .map(|(_, value)| value.to_unescaped())
                };
                if challenge.scheme.eq_ignore_ascii_case("Bearer") {
                    if let Some(Credential::Bearer(token)) = &credential {
                        return Ok(Some(Secret::new(format!("Bearer {}", token.reveal()))));
                    }
                    let realm = parameter("realm").ok_or_else(|| self.broken("a challenge without a realm"))?;
                    let token = self
                        .fetch_token(request, &realm, parameter("service"), parameter("scope"), credential.as_ref())
                        .await?;
                    return Ok(Some(Secret::new(format!("Bearer {}", token.reveal()))));
                }
                if challenge.scheme.eq_ignore_ascii_case("Basic")
                    && let Some(Credential::Password { username, password }) = &credential
                {
                    return Ok(Some(basic(username, password)));
                }
            }
        }
        Ok(None)
    }

    async fn fetch_token(
        &self,
        request: &Request,
        realm: &str,
        service: Option<String>,
        asked_scope: Option<String>,
        credential: Option<&Credential>,
    ) -> Result<Secret, Failure> {
        let mut url = Url::parse(realm).map_err(|_| self.broken("its token server's address is not a URL"))?;
        let is_encrypted = url.scheme() == "https" || (url.scheme() == "http" && self.base.scheme() == "http");
        if !is_encrypted {
            return Err(self.broken("its token server would get the credentials without encryption").into());
        }
        if !self.guard.permits_host(url.host_str().unwrap_or_default()) {
            return Err(self.broken(format!("its token server {} is in a private network", shown(&url))).into());
        }
        let actions = if request.access == Access::Push { "pull,push" } else { "pull" };
        // The registry's own words first: for the base path it asks for none, for others it may want more.
        let scope = match asked_scope {
            Some(scope) if request.access == Access::Pull || scope.contains("push") => Some(scope),
            _ if request.repository.is_empty() => None,
            _ => Some(format!("repository:{}:{actions}", request.repository)),
        };
        let mut pairs: Vec<(&str, String)> = Vec::new();
        pairs.extend(service.map(|service| ("service", service)));
        pairs.extend(scope.map(|scope| ("scope", scope)));
        pairs.push(("client_id", "windlass".to_owned()));
        let builder = match credential {
            Some(Credential::Identity(token)) => {
                pairs.push(("grant_type", "refresh_token".to_owned()));
                pairs.push(("refresh_token", token.reveal().to_owned()));
                let form = form_encoded(&pairs);
                self.client.post(url.clone()).header("Content-Type", "application/x-www-form-urlencoded").body(form)
            }
            other => {
                if let Some(Credential::Password { username, .. }) = other {
                    pairs.push(("account", username.clone()));
                }
                url.query_pairs_mut().extend_pairs(&pairs);
                let mut builder = self.client.get(url.clone());
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
            Ok(Err(error)) => return Err(self.connection_failure(&url, error)),
            Err(_) => return Err(self.retryable(format!("the token server {} did not answer", shown(&url)))),
        };
        let answer = self.judge_status(answer).await?;
        if answer.status() != StatusCode::OK {
            let error = self.status_error(answer, "the login").await;
            return Err(error.into());
        }
        let body = self.read_body(answer, MAX_SMALL_BODY, None).await?;
        let answer: serde_json::Value =
            serde_json::from_slice(&body).map_err(|_| self.broken("its token server's answer is not JSON"))?;
        let token = ["token", "access_token"]
            .iter()
            .find_map(|key| answer.get(key)?.as_str())
            .filter(|token| !token.is_empty());
        Ok(Secret::new(token.ok_or_else(|| self.broken("its token server gave no token"))?))
    }
}

/// `a=b&c=d`, percent-encoded.
fn form_encoded(pairs: &[(&str, String)]) -> String {
    let mut url = Url::parse("http://form/").ok();
    if let Some(url) = &mut url {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    url.and_then(|url| url.query().map(str::to_owned)).unwrap_or_default()
}

fn basic(username: &str, password: &Secret) -> Secret {
    use base64::Engine as _;
    let pair = format!("{username}:{}", password.reveal());
    Secret::new(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
}

/// A URL as errors show it: without its query, where signed URLs and tokens are.
pub(crate) fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// What a registry says went wrong (`{"errors":[{"code","message"}]}`), fit for a terminal.
fn registry_message(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let first = body.get("errors")?.get(0)?;
    let text = |key: &str| first.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    let said = format!("{} {}", text("code"), text("message"));
    let said: String = said.trim().chars().filter(|c| !c.is_control()).take(300).collect();
    (!said.is_empty()).then_some(said)
}

fn build_client(options: &ClientOptions, guard: ReachGuard) -> Result<reqwest::Client, Error> {
    // Process-wide and idempotent; another part of the program may have chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let read =
        |path: &PathBuf| std::fs::read(path).map_err(|e| Error::usage(format!("cannot read {}: {e}", path.display())));
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
