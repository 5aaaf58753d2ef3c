//! The functions behind grants, as guests import them: HTTP from Extism's module, the rest from Windlass's own.
//!
//! They copy a request out of Extism's memory and an answer back into it; what is allowed, and the limits, are decided
//! in [`crate::sandbox::capabilities`]. Blocks of Extism's memory are never empty, so an answer that may be missing is
//! 0, or a block whose first byte is 1 and whose rest is the value.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use wasmtime::Caller;
use windlass_abi::capabilities::{Capability, Grant, Request as CapabilityRequest};
use windlass_abi::raw::{EXTISM_MODULE, WINDLASS_MODULE};

use super::Host;
use super::functions::{HostFunction, host_function};
use crate::cluster::Connection;
use crate::env;
use crate::error::Error;
use crate::limits::table::MAX_GUEST_TEXT;
use crate::sandbox::capabilities::files::Files;
use crate::sandbox::capabilities::kube::Kube;
use crate::sandbox::capabilities::net::{self, Network};
use crate::sandbox::grants::{Grants, not_granted};

type Call<'a> = Caller<'a, Host>;

/// Every function that a grant is needed for.
pub(super) const FUNCTIONS: &[HostFunction] = &[
    host_function!(EXTISM_MODULE, "http_headers", ":I", move |mut call: Call<'_>| http_headers(call.data_mut())
        .map_err(stop)),
    host_function!(EXTISM_MODULE, "http_request", "II:I", move |mut call: Call<'_>, request: u64, body: u64| {
        http_request(call.data_mut(), request, body).map_err(stop)
    }),
    host_function!(EXTISM_MODULE, "http_status_code", ":i", |call: Call<'_>| {
        call.data().granted.answer.as_ref().map_or(0, |answer| u32::from(answer.status))
    }),
    host_function!(WINDLASS_MODULE, "clock_now", ":I", |_: Call<'_>| clock_now()),
    host_function!(WINDLASS_MODULE, "env_get", "I:I", move |mut call: Call<'_>, key: u64| env_get(
        call.data_mut(),
        key
    )
    .map_err(stop)),
    host_function!(WINDLASS_MODULE, "file_read", "I:I", move |mut call: Call<'_>, path: u64| {
        file_read(call.data_mut(), path).map_err(stop)
    }),
    host_function!(WINDLASS_MODULE, "file_write", "II:", move |mut call: Call<'_>, path: u64, content: u64| {
        file_write(call.data_mut(), path, content).map_err(stop)
    }),
    host_function!(WINDLASS_MODULE, "kube_get", "II:I", move |mut call: Call<'_>, from: u64, object: u64| {
        kube_get(call.data_mut(), from, object).map_err(stop)
    }),
    host_function!(WINDLASS_MODULE, "kube_list", "II:I", move |mut call: Call<'_>, from: u64, selector: u64| {
        kube_list(call.data_mut(), from, selector).map_err(stop)
    }),
    host_function!(WINDLASS_MODULE, "random_bytes", "I:I", move |mut call: Call<'_>, length: u64| {
        random_bytes(call.data_mut(), length).map_err(stop)
    }),
];

/// Ends the guest with this error.
fn stop(error: Error) -> wasmtime::Error {
    wasmtime::Error::new(error)
}

/// Random bytes that one call may draw.
const MAX_RANDOM: u64 = 1 << 20;

/// What the granted functions of one run work on.
pub(super) struct Granted {
    grants: Grants,
    network: Network,
    pub(super) files: Files,
    kube: Kube,
    deadline: Instant,
    answer: Option<Answer>,
}

/// Status and header fields of the last HTTP answer, which guests ask for after the body.
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
}

impl Granted {
    /// # Errors
    /// A granted folder cannot be opened (exit 2).
    pub(super) fn new(grants: &Grants, cluster: &Connection, deadline: Instant) -> Result<Self, Error> {
        Ok(Self {
            grants: grants.clone(),
            network: Network::new(grants),
            files: Files::new(grants)?,
            kube: Kube::new(grants, cluster),
            deadline,
            answer: None,
        })
    }
}

impl Granted {
    /// `NAME=VALUE` of each variable that is granted and set.
    pub(super) fn variables(&self) -> Vec<Vec<u8>> {
        let mut variables = Vec::new();
        for grant in self.grants.iter() {
            if let Grant::Env(name) = grant
                && let Some(value) = env::any(name)
            {
                let value = std::os::unix::ffi::OsStringExt::into_vec(value);
                variables.push([name.as_bytes(), b"=", &value].concat());
            }
        }
        variables
    }
}

/// A block that the guest names, of at most `limit` bytes: what it says is copied and taken apart outside of its own
/// memory.
fn block<'h>(host: &'h mut Host, handle: u64, function: &'static str, limit: usize) -> Result<&'h [u8], Error> {
    let bytes = host.kernel.bytes(handle, function)?;
    if bytes.len() > limit {
        return Err(Error::limit(format!(
            "it called `{function}` with {} bytes, and {limit} are the most",
            bytes.len()
        )));
    }
    Ok(bytes)
}

/// The text of a block that the guest names.
fn text(host: &mut Host, handle: u64, function: &'static str) -> Result<String, Error> {
    let bytes = block(host, handle, function, MAX_GUEST_TEXT as usize)?.to_vec();
    String::from_utf8(bytes).map_err(|_| Error::refused(format!("it called `{function}` with text that is not UTF-8")))
}

/// A block for an answer that may be missing.
fn optional(host: &mut Host, value: Option<Vec<u8>>) -> Result<u64, Error> {
    match value {
        None => Ok(0),
        Some(mut value) => {
            value.insert(0, 1);
            host.kernel.alloc_bytes(&mut host.budget, &value)
        }
    }
}

fn http_request(host: &mut Host, request: u64, body: u64) -> Result<u64, Error> {
    #[derive(serde::Deserialize)]
    struct Wire {
        url: String,
        #[serde(default)]
        method: Option<String>,
        #[serde(default)]
        headers: std::collections::BTreeMap<String, String>,
    }
    let wire: Wire = serde_json::from_slice(block(host, request, "http_request", net::MAX_HEAD)?).map_err(|error| {
        Error::refused(format!("it called `http_request` with a request that cannot be read: {error}"))
    })?;
    let request = net::Request {
        method: wire.method.unwrap_or_default(),
        url: wire.url,
        headers: wire.headers.into_iter().collect(),
        body: bytes::Bytes::copy_from_slice(block(host, body, "http_request", net::MAX_TRAFFIC as usize)?),
    };
    host.granted.answer = None;
    let response = host.granted.network.send(request, host.granted.deadline)?;
    host.granted.answer = Some(Answer { status: response.status, headers: response.headers });
    host.kernel.alloc_bytes(&mut host.budget, &response.body)
}

/// The header fields of the last answer as a JSON object; fields of the same name are joined as HTTP says.
fn http_headers(host: &mut Host) -> Result<u64, Error> {
    let mut fields: std::collections::BTreeMap<&str, String> = Default::default();
    for (name, value) in host.granted.answer.iter().flat_map(|answer| &answer.headers) {
        match fields.get_mut(name.as_str()) {
            Some(joined) => {
                joined.push_str(", ");
                joined.push_str(value);
            }
            None => drop(fields.insert(name, value.clone())),
        }
    }
    let json =
        serde_json::to_vec(&fields).map_err(|error| Error::bug(format!("header fields are no JSON: {error}")))?;
    host.kernel.alloc_bytes(&mut host.budget, &json)
}

fn file_read(host: &mut Host, path: u64) -> Result<u64, Error> {
    let path = text(host, path, "file_read")?;
    let content = host.granted.files.read(&path)?;
    optional(host, content)
}

fn file_write(host: &mut Host, path: u64, content: u64) -> Result<(), Error> {
    let path = text(host, path, "file_write")?;
    let content = host.kernel.bytes(content, "file_write")?;
    host.granted.files.write(&path, content)
}

fn env_get(host: &mut Host, name: u64) -> Result<u64, Error> {
    let name = text(host, name, "env_get")?;
    let asked = CapabilityRequest::parse(Capability::Env, &name).map_err(|error| Error::refused(error.to_string()))?;
    if !host.granted.grants.cover(&asked) {
        return Err(not_granted(
            format!("it wants the environment variable `{name}`, and no grant allows it"),
            [&asked],
        ));
    }
    let value = env::any(&name).map(std::os::unix::ffi::OsStringExt::into_vec);
    optional(host, value)
}

fn kube_get(host: &mut Host, from: u64, name: u64) -> Result<u64, Error> {
    let (from, name) = (text(host, from, "kube_get")?, text(host, name, "kube_get")?);
    let object = host.granted.kube.get(&from, &name, host.granted.deadline)?;
    optional(host, object)
}

/// No selector is no block.
fn kube_list(host: &mut Host, from: u64, selector: u64) -> Result<u64, Error> {
    let from = text(host, from, "kube_list")?;
    let selector = if selector == 0 { String::new() } else { text(host, selector, "kube_list")? };
    let objects = host.granted.kube.list(&from, &selector, host.granted.deadline)?;
    optional(host, objects)
}

/// Nanoseconds since 1970-01-01 UTC; 0 on a clock that is set before.
fn clock_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn random_bytes(host: &mut Host, length: u64) -> Result<u64, Error> {
    if length > MAX_RANDOM {
        return Err(Error::limit(format!("it wants {length} random bytes at once, and {MAX_RANDOM} is the most")));
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    fill_random(&mut bytes)?;
    host.kernel.alloc_bytes(&mut host.budget, &bytes)
}

/// Fills `bytes` from the system.
pub(super) fn fill_random(bytes: &mut [u8]) -> Result<(), Error> {
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(bytes)
        .map_err(|_| Error::bug("the system gives no random bytes"))
}
