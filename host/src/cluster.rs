//! The connection to an API server: requests and answers as JSON, for [`crate::wait`] and for plugins that were granted
//! a look at the cluster.
//!
//! Answers are read as plain [`Value`]s, not as the types of `k8s-openapi`: kstatus wants an object as it is served.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;

use crate::error::Error;
use crate::text::shown;

/// How long one request may take, beside watches.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// After this long the server ends a watch, which is then resumed.
const WATCH_SECONDS: u64 = 290;
/// The most bytes of an answer that is text.
const MAX_TEXT: u64 = 64 * 1024;
/// How many objects a page of a list has at most.
const PAGE_SIZE: usize = 500;

/// Where the cluster is and who we are there.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// A kubeconfig file; otherwise `KUBECONFIG`, `~/.kube/config` or the pod's own account.
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig to use; otherwise the current one.
    pub context: Option<String>,
}

/// A connected cluster.
#[derive(Clone)]
pub struct Cluster {
    client: kube::Client,
    default_namespace: String,
    allowance: Option<Arc<Allowance>>,
}

/// How much may be asked and answered, for someone who is not to be trusted with more.
#[derive(Debug)]
pub struct Allowance {
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl Allowance {
    /// So many requests, and bytes of all their answers.
    #[must_use]
    pub fn new(requests: u64, bytes: u64) -> Self {
        Self { requests: AtomicU64::new(requests), bytes: AtomicU64::new(bytes) }
    }

    /// The requests and bytes that are left.
    #[must_use]
    pub fn left(&self) -> (u64, u64) {
        (self.requests.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

fn spend(counter: &AtomicU64, amount: u64) -> bool {
    counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(amount)).is_ok()
}

/// Why a request failed, by what can be done about it.
#[derive(Debug)]
pub enum RequestFailure {
    /// The user may not do that (403). The text is the server's.
    Forbidden(String),
    /// There is no such thing (404).
    NotFound,
    /// The resource version, or the page to continue with, has expired (410).
    Expired,
    /// The resource cannot do that (405).
    Unsupported,
    /// The server does not know us (401).
    Unauthorized(String),
    /// It may work later: no connection, too many requests, a server error.
    Transient(String),
    /// The server's answer makes no sense.
    Nonsense(String),
    /// The [`Allowance`] is used up; the text says by what.
    Exhausted(String),
}

impl RequestFailure {
    /// The failure as the end of a command.
    pub fn into_error(self, what: &str) -> Error {
        match self {
            RequestFailure::Forbidden(message) => Error::denied(format!("cannot {what}: {message}"))
                .hint("ask for a Role that allows it, or choose another user with `--kube-context`"),
            RequestFailure::Unauthorized(message) => Error::denied(format!("cannot {what}: {message}"))
                .hint("the API server does not accept the credentials of the kubeconfig; log in again"),
            RequestFailure::Transient(message) => Error::network(format!("cannot {what}: {message}"))
                .hint("check the server's address in the kubeconfig (`kubectl cluster-info`)"),
            RequestFailure::NotFound => Error::usage(format!("cannot {what}: the server has no such thing")),
            RequestFailure::Expired => {
                Error::network(format!("cannot {what}: the answer expired while it was being read"))
            }
            RequestFailure::Unsupported => Error::usage(format!("cannot {what}: the server does not support it")),
            RequestFailure::Nonsense(message) => Error::network(format!("cannot {what}: {message}")),
            RequestFailure::Exhausted(message) => Error::limit(format!("cannot {what}: {message}")),
        }
    }
}

impl From<kube::Error> for RequestFailure {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => {
                let message = if status.message.is_empty() { status.reason } else { status.message };
                match status.code {
                    401 => RequestFailure::Unauthorized(message),
                    403 => RequestFailure::Forbidden(message),
                    404 => RequestFailure::NotFound,
                    405 => RequestFailure::Unsupported,
                    410 => RequestFailure::Expired,
                    _ => RequestFailure::Transient(message),
                }
            }
            kube::Error::Auth(error) => RequestFailure::Unauthorized(with_causes(&error)),
            error => RequestFailure::Transient(with_causes(&error)),
        }
    }
}

/// What libraries say before they come to the point.
const PREAMBLES: &[&str] =
    &["ServiceError", "HyperError", "client error", "error trying to connect", "tcp connect error", "connection error"];

/// An error and what caused it, in one line, without repetition and without what only the authors of libraries
/// understand.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(inner) = cause {
        texts.push(inner.to_string());
        cause = inner.source();
    }
    let last = texts.last().cloned().unwrap_or_default();
    let mut said = String::new();
    for text in texts {
        let is_preamble = PREAMBLES.iter().any(|preamble| text.starts_with(preamble)) && text != last;
        if is_preamble || said.contains(&text) {
            continue;
        }
        said = if said.is_empty() { text } else { format!("{said}: {text}") };
    }
    said
}

/// A page-wise list, complete.
pub struct Listed {
    /// The items that the caller wanted, as served.
    pub items: Vec<Value>,
    /// Where a watch continues.
    pub resource_version: String,
}

impl Cluster {
    /// Reads the kubeconfig and prepares a client. Nothing is sent yet, except by credential plugins.
    ///
    /// # Errors
    /// There is no usable kubeconfig, or its context, cluster or user is incomplete (exit 2).
    pub async fn connect(connection: &Connection) -> Result<Self, Error> {
        let options = KubeConfigOptions { context: connection.context.clone(), ..KubeConfigOptions::default() };
        let unusable = |error: &dyn std::error::Error| {
            if let Some(unknown) = unknown_context(connection) {
                return unknown;
            }
            Error::usage(format!("no usable kubeconfig: {}", with_causes(error)))
                .hint("name one with `--kubeconfig` or KUBECONFIG, and a context with `--kube-context`")
        };
        let mut config = match (&connection.kubeconfig, &options.context) {
            (Some(path), _) => {
                let kubeconfig = Kubeconfig::read_from(path).map_err(|error| unusable(&error))?;
                kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| unusable(&error))?
            }
            (None, Some(_)) => kube::Config::from_kubeconfig(&options).await.map_err(|error| unusable(&error))?,
            (None, None) => kube::Config::infer().await.map_err(|error| unusable(&error))?,
        };
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        // A watch says nothing for minutes; its end is watched for where it is read.
        config.read_timeout = None;
        // Retries are ours: they are shown, and they end with the wait.
        config.default_retry = false;
        let default_namespace = config.default_namespace.clone();
        let client = kube::Client::try_from(config).map_err(|error| unusable(&error))?;
        Ok(Self { client, default_namespace, allowance: None })
    }

    /// The same cluster for someone who may not use up more than `allowance`. Watches do not count.
    #[must_use]
    pub fn within(&self, allowance: Arc<Allowance>) -> Self {
        Self { allowance: Some(allowance), ..self.clone() }
    }

    /// The namespace of the kubeconfig's context.
    pub fn default_namespace(&self) -> &str {
        &self.default_namespace
    }

    /// One GET, its answer as JSON.
    ///
    /// # Errors
    /// Whatever the server or the way to it objects to.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, RequestFailure> {
        let request = request(path, query)?;
        let answer = tokio::time::timeout(REQUEST_TIMEOUT, self.answer(request))
            .await
            .map_err(|_| RequestFailure::Transient(format!("no answer within {} s", REQUEST_TIMEOUT.as_secs())))??;
        serde_json::from_slice(&answer)
            .map_err(|error| RequestFailure::Nonsense(format!("the answer is no JSON: {error}")))
    }

    /// The metadata of a whole collection: names and labels cost little where objects are large.
    ///
    /// # Errors
    /// As [`Cluster::get`].
    pub async fn metadata(&self, path: &str, selectors: &[(&str, &str)]) -> Result<Vec<Value>, RequestFailure> {
        let mut request = request(path, selectors)?;
        let accepted = http::HeaderValue::from_static(
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
        );
        request.headers_mut().insert(http::header::ACCEPT, accepted);
        let answer = tokio::time::timeout(REQUEST_TIMEOUT, self.answer(request))
            .await
            .map_err(|_| RequestFailure::Transient(format!("no answer within {} s", REQUEST_TIMEOUT.as_secs())))??;
        let mut list: Value = serde_json::from_slice(&answer)
            .map_err(|error| RequestFailure::Nonsense(format!("the answer is no JSON: {error}")))?;
        match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            _ => Ok(Vec::new()),
        }
    }

    /// One GET, its answer as text: what a container has written.
    ///
    /// # Errors
    /// As [`Cluster::get`].
    pub async fn text(&self, path: &str, query: &[(&str, &str)]) -> Result<String, RequestFailure> {
        let little = self.within(Arc::new(Allowance::new(1, MAX_TEXT)));
        let answer = tokio::time::timeout(REQUEST_TIMEOUT, little.answer(request(path, query)?))
            .await
            .map_err(|_| RequestFailure::Transient(format!("no answer within {} s", REQUEST_TIMEOUT.as_secs())))??;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Whether the server says anything at all within a time.
    pub async fn is_there(&self, within: Duration) -> bool {
        let asked = tokio::time::timeout(within, self.get("/version", &[])).await;
        asked.is_ok_and(|answer| !matches!(answer, Err(RequestFailure::Transient(_))))
    }

    /// The bytes of an answer, no more of them than is allowed.
    async fn answer(&self, request: http::Request<Vec<u8>>) -> Result<Vec<u8>, RequestFailure> {
        let most = match &self.allowance {
            None => u64::MAX,
            Some(allowance) if spend(&allowance.requests, 1) => allowance.left().1,
            Some(_) => return Err(RequestFailure::Exhausted("it takes more requests than are allowed".to_owned())),
        };
        let stream = self.client.request_stream(request).await?;
        let mut answer = Vec::new();
        std::pin::pin!(stream)
            .take(most.saturating_add(1))
            .read_to_end(&mut answer)
            .await
            .map_err(|error| RequestFailure::Transient(format!("the answer broke off: {error}")))?;
        match &self.allowance {
            Some(allowance) if !spend(&allowance.bytes, answer.len() as u64) => {
                Err(RequestFailure::Exhausted(format!("the answer has more than the {most} bytes that are allowed")))
            }
            _ => Ok(answer),
        }
    }

    /// A whole collection, page by page. Items that `keep` refuses are dropped as each page arrives, so that a large
    /// namespace costs no memory.
    ///
    /// # Errors
    /// As [`Cluster::get`]; a list that expires between two pages is begun anew, once.
    pub async fn list(
        &self,
        path: &str,
        selectors: &[(&str, &str)],
        keep: &mut (dyn FnMut(&Value) -> bool + Send),
    ) -> Result<Listed, RequestFailure> {
        match self.list_pages(path, selectors, keep).await {
            Err(RequestFailure::Expired) => self.list_pages(path, selectors, keep).await,
            other => other,
        }
    }

    async fn list_pages(
        &self,
        path: &str,
        selectors: &[(&str, &str)],
        keep: &mut (dyn FnMut(&Value) -> bool + Send),
    ) -> Result<Listed, RequestFailure> {
        let page_size = PAGE_SIZE.to_string();
        let mut items = Vec::new();
        let mut token = String::new();
        loop {
            let mut query = vec![("limit", page_size.as_str())];
            query.extend_from_slice(selectors);
            if !token.is_empty() {
                query.push(("continue", &token));
            }
            let mut page = self.get(path, &query).await?;
            let Some(Value::Array(found)) = page.get_mut("items").map(Value::take) else {
                // A list without items is written as null by some servers.
                if page.get("metadata").is_none() {
                    return Err(RequestFailure::Nonsense("the answer is no list".to_owned()));
                }
                return Ok(Listed { items, resource_version: resource_version(&page) });
            };
            items.extend(found.into_iter().filter(|item| keep(item)).map(without_ballast));
            token = page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
            if token.is_empty() {
                return Ok(Listed { items, resource_version: resource_version(&page) });
            }
        }
    }

    /// Starts a watch after a resource version.
    ///
    /// # Errors
    /// As [`Cluster::get`].
    pub async fn watch(&self, path: &str, selectors: &[(&str, &str)], after: &str) -> Result<Watch, RequestFailure> {
        let seconds = WATCH_SECONDS.to_string();
        let mut query = vec![
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", seconds.as_str()),
            ("resourceVersion", after),
        ];
        query.extend_from_slice(selectors);
        let request = request(path, &query)?;
        let lines = tokio::time::timeout(REQUEST_TIMEOUT, self.client.request_stream(request))
            .await
            .map_err(|_| RequestFailure::Transient("no answer to a watch".to_owned()))??;
        Ok(Watch { lines: Box::pin(lines), line: Vec::new() })
    }
}

/// The error for a context that the kubeconfig does not have, with those that it has.
fn unknown_context(connection: &Connection) -> Option<Error> {
    let wanted = connection.context.as_deref()?;
    let read = match &connection.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let names: Vec<String> = read.ok()?.contexts.into_iter().map(|context| context.name).collect();
    if names.iter().any(|name| name == wanted) {
        return None;
    }
    let known = if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
    Some(Error::usage(format!("the kubeconfig has no context `{}`", shown(wanted, 100))).hint(known))
}

fn resource_version(list: &Value) -> String {
    list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned()
}

/// An object without what is large and says nothing about readiness.
pub(crate) fn without_ballast(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    object
}

fn request(path: &str, query: &[(&str, &str)]) -> Result<http::Request<Vec<u8>>, RequestFailure> {
    let mut uri = path.to_owned();
    for (index, (key, value)) in query.iter().enumerate() {
        uri.push(if index == 0 { '?' } else { '&' });
        uri.push_str(key);
        uri.push('=');
        uri.push_str(&escape(value));
    }
    http::Request::get(uri)
        .header("Accept", "application/json")
        .body(Vec::new())
        .map_err(|error| RequestFailure::Nonsense(format!("`{path}` is no path: {error}")))
}

/// Percent-encodes what has a meaning in a path or query.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// What a watch says.
pub enum WatchEvent {
    /// An object is there, or is another one now; as served, see [`without_ballast`].
    Present(Value),
    /// An object is gone; its last state.
    Deleted(Value),
    /// Nothing has happened up to this resource version.
    Bookmark,
}

/// A running watch.
pub struct Watch {
    lines: std::pin::Pin<Box<dyn AsyncBufRead + Send>>,
    line: Vec<u8>,
}

impl Watch {
    /// The next event with the resource version to continue after; `None` when the server has ended the watch, as it
    /// does after a while.
    ///
    /// # Errors
    /// The connection broke, or the resource version has expired.
    pub async fn next(&mut self) -> Result<Option<(WatchEvent, String)>, RequestFailure> {
        self.line.clear();
        // The server ends a watch by itself before this.
        let patience = Duration::from_secs(WATCH_SECONDS + 60);
        let read = tokio::time::timeout(patience, self.lines.read_until(b'\n', &mut self.line)).await;
        let length = read
            .map_err(|_| RequestFailure::Transient("a watch has gone silent".to_owned()))?
            .map_err(|error| RequestFailure::Transient(format!("a watch broke off: {error}")))?;
        if length == 0 {
            return Ok(None);
        }
        let mut event: Value = serde_json::from_slice(&self.line)
            .map_err(|error| RequestFailure::Transient(format!("a watch sent no JSON: {error}")))?;
        let object = event.get_mut("object").map(Value::take).unwrap_or_default();
        let version = object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        match event["type"].as_str() {
            Some("ADDED" | "MODIFIED") => Ok(Some((WatchEvent::Present(object), version))),
            Some("DELETED") => Ok(Some((WatchEvent::Deleted(object), version))),
            Some("BOOKMARK") => Ok(Some((WatchEvent::Bookmark, version))),
            Some("ERROR") if object["code"] == 410 => Err(RequestFailure::Expired),
            _ => {
                let message = object["message"].as_str().unwrap_or("a watch sent an unknown event");
                Err(RequestFailure::Transient(message.to_owned()))
            }
        }
    }
}
