//! The host's imports: Extism's, and those that only Windlass has. A module imports what it uses and nothing else, so
//! that a plugin that keeps to Extism's runs under Helm's own engine. Written by hand rather than taken from the
//! `extism-pdk` crate: with it label-injector is larger by the crate's JSON, base64 and error libraries, of which
//! nothing is needed here.
//!
//! All arguments and results are numbers. A handle is a position in the host's own memory, which the host checks on
//! every call, so that a wrong one is an error of the host and nothing that could break this module's memory.

use windlass_abi::findings::{Finding, Level as FindingLevel};
use windlass_manifest::Value;

use crate::error::Error;
use crate::http::{Request, Response};
use crate::log::Level;

// Safe to call: the functions take and give numbers, and none of them touches this module's memory.
#[allow(unsafe_code)]
#[link(wasm_import_module = "extism:host/env")]
unsafe extern "C" {
    safe fn input_length() -> u64;
    safe fn input_load_u8(offset: u64) -> u8;
    safe fn input_load_u64(offset: u64) -> u64;
    safe fn length(handle: u64) -> u64;
    safe fn alloc(length: u64) -> u64;
    safe fn free(handle: u64);
    safe fn load_u8(offset: u64) -> u8;
    safe fn load_u64(offset: u64) -> u64;
    safe fn store_u8(offset: u64, byte: u8);
    safe fn store_u64(offset: u64, eight: u64);
    safe fn output_set(handle: u64, length: u64);
    safe fn error_set(handle: u64);
    safe fn config_get(key: u64) -> u64;
    safe fn var_get(key: u64) -> u64;
    safe fn var_set(key: u64, value: u64);
    safe fn log_trace(text: u64);
    safe fn log_debug(text: u64);
    safe fn log_info(text: u64);
    safe fn log_warn(text: u64);
    safe fn log_error(text: u64);
    safe fn get_log_level() -> i32;
    safe fn http_request(request: u64, body: u64) -> u64;
    safe fn http_status_code() -> i32;
    safe fn http_headers() -> u64;
}

// Safe to call for the same reason. A handle that stands for an answer that may be missing is 0, or that of a block
// whose first byte is 1 and whose rest is the answer.
#[allow(unsafe_code)]
#[link(wasm_import_module = "windlass:host/env")]
unsafe extern "C" {
    safe fn file_read(path: u64) -> u64;
    safe fn file_write(path: u64, content: u64);
    safe fn env_get(name: u64) -> u64;
    safe fn clock_now() -> u64;
    safe fn random_bytes(length: u64) -> u64;
    safe fn kube_get(from: u64, name: u64) -> u64;
    safe fn kube_list(from: u64, selector: u64) -> u64;
}

/// Copies `length` bytes from the host, eight at a time.
fn load(length: u64, load_eight: impl Fn(u64) -> u64, load_one: impl Fn(u64) -> u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(usize::MAX));
    let mut offset = 0;
    while offset + 8 <= length {
        bytes.extend_from_slice(&load_eight(offset).to_le_bytes());
        offset += 8;
    }
    while offset < length {
        bytes.push(load_one(offset));
        offset += 1;
    }
    bytes
}

/// Copies bytes to the host and gives their handle.
fn store(bytes: &[u8]) -> u64 {
    let handle = alloc(bytes.len() as u64);
    let mut offset = handle;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        store_u64(offset, u64::from_le_bytes(eight));
        offset += 8;
    }
    for &byte in chunks.remainder() {
        store_u8(offset, byte);
        offset += 1;
    }
    handle
}

/// The content of a handle that the host gave; `None` for handle 0, which stands for nothing. The host's copy is freed.
fn take(handle: u64) -> Option<Vec<u8>> {
    if handle == 0 {
        return None;
    }
    let bytes = load(length(handle), |offset| load_u64(handle + offset), |offset| load_u8(handle + offset));
    free(handle);
    Some(bytes)
}

/// The answer behind a handle of Windlass's own functions, where there is one.
fn take_answer(handle: u64) -> Option<Vec<u8>> {
    take(handle).map(|mut bytes| {
        bytes.drain(..1.min(bytes.len()));
        bytes
    })
}

/// Stores a short text for the time of one call.
fn with_stored<T>(text: &[u8], call: impl FnOnce(u64) -> T) -> T {
    let handle = store(text);
    let result = call(handle);
    free(handle);
    result
}

pub(crate) fn input() -> Vec<u8> {
    load(input_length(), |offset| input_load_u64(offset), |offset| input_load_u8(offset))
}

pub(crate) fn output(bytes: &[u8]) {
    output_set(store(bytes), bytes.len() as u64);
}

pub(crate) fn set_error(text: &str) {
    error_set(store(text.as_bytes()));
}

pub(crate) fn config(key: &str) -> Option<String> {
    // The value belongs to the host's map in some engines, to the call in others: freeing it twice is harmless, keeping
    // it a few bytes.
    with_stored(key.as_bytes(), |key| take(config_get(key))).map(|bytes| {
        String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    })
}

pub(crate) fn variable(key: &str) -> Option<Vec<u8>> {
    with_stored(key.as_bytes(), |key| take(var_get(key)))
}

pub(crate) fn set_variable(key: &str, value: Option<&[u8]>) {
    let value = value.map_or(0, store);
    with_stored(key.as_bytes(), |key| var_set(key, value));
}

pub(crate) fn is_logged(level: Level) -> bool {
    level as i32 >= get_log_level()
}

pub(crate) fn log(level: Level, text: &str) {
    with_stored(text.as_bytes(), |text| match level {
        Level::Trace => log_trace(text),
        Level::Debug => log_debug(text),
        Level::Info => log_info(text),
        Level::Warn => log_warn(text),
        Level::Error => log_error(text),
    });
}

/// A line of the log that is a finding: kept whatever the level of the log.
pub(crate) fn find(finding: &Finding) {
    with_stored(&finding.encode(), |line| match finding.level {
        FindingLevel::Info => log_info(line),
        FindingLevel::Warn => log_warn(line),
        FindingLevel::Deny => log_error(line),
    });
}

pub(crate) fn http(request: &Request) -> Result<Response, Error> {
    let body = if request.body.is_empty() { 0 } else { store(&request.body) };
    let answer = with_stored(request.to_json().as_bytes(), |request| http_request(request, body));
    if body != 0 {
        free(body);
    }
    let status = u16::try_from(http_status_code()).unwrap_or_default();
    let body = take(answer).unwrap_or_default();
    let fields = take(http_headers()).unwrap_or_default();
    let headers = match Value::from_yaml(&String::from_utf8_lossy(&fields)) {
        Ok(Value::Map(fields)) => {
            fields.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
        }
        Ok(Value::Null) => Vec::new(),
        _ => return Err(Error::new("the host gave header fields that cannot be read")),
    };
    Ok(Response { status, headers, body })
}

pub(crate) fn read_file(path: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(take_answer(with_stored(path.as_bytes(), |path| file_read(path))))
}

pub(crate) fn write_file(path: &str, content: &[u8]) -> Result<(), Error> {
    with_stored(content, |content| with_stored(path.as_bytes(), |path| file_write(path, content)));
    Ok(())
}

pub(crate) fn environment(name: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(take_answer(with_stored(name.as_bytes(), |name| env_get(name))))
}

pub(crate) fn nanoseconds() -> Result<u64, Error> {
    Ok(clock_now())
}

pub(crate) fn random(length: usize) -> Result<Vec<u8>, Error> {
    Ok(take(random_bytes(length as u64)).unwrap_or_default())
}

pub(crate) fn object(from: &str, name: &str) -> Result<Option<Value>, Error> {
    look(from, name, |from, name| kube_get(from, name))
}

pub(crate) fn objects(from: &str, selector: &str) -> Result<Option<Vec<Value>>, Error> {
    match look(from, selector, |from, selector| kube_list(from, selector))? {
        None => Ok(None),
        Some(Value::List(objects)) => Ok(Some(objects)),
        Some(_) => Err(Error::new("the host gave a list of objects that is none")),
    }
}

fn look(from: &str, what: &str, call: impl FnOnce(u64, u64) -> u64) -> Result<Option<Value>, Error> {
    let answer = with_stored(from.as_bytes(), |from| with_stored(what.as_bytes(), |what| call(from, what)));
    let read = |bytes: Vec<u8>| {
        // JSON is YAML.
        Value::from_yaml(&String::from_utf8_lossy(&bytes))
            .map_err(|error| Error::new(format!("the host gave an object that cannot be read: {error}")))
    };
    take_answer(answer).map(read).transpose()
}
