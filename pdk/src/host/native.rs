//! Stand-ins for the host, one set per thread: what a test gives is what the plugin finds, and what the plugin says is
//! recorded.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::error::Error;
use crate::http::{Request, Response};
use crate::log::Level;

/// What answers requests in a test.
type HttpStandIn = Box<dyn FnMut(&Request) -> Response>;

#[derive(Default)]
pub(crate) struct Host {
    pub(crate) config: BTreeMap<String, String>,
    pub(crate) variables: BTreeMap<String, Vec<u8>>,
    pub(crate) logs: Vec<(Level, String)>,
    pub(crate) error: Option<String>,
    pub(crate) input: Vec<u8>,
    pub(crate) output: Vec<u8>,
    pub(crate) http: Option<HttpStandIn>,
}

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

/// Looks at or changes this thread's host. Not to be nested.
pub(crate) fn with_host<T>(look: impl FnOnce(&mut Host) -> T) -> T {
    HOST.with(|host| look(&mut host.borrow_mut()))
}

pub(crate) fn input() -> Vec<u8> {
    with_host(|host| host.input.clone())
}

pub(crate) fn output(bytes: &[u8]) {
    with_host(|host| host.output = bytes.to_vec());
}

pub(crate) fn set_error(text: &str) {
    with_host(|host| host.error = Some(text.to_owned()));
}

pub(crate) fn config(key: &str) -> Option<String> {
    with_host(|host| host.config.get(key).cloned())
}

pub(crate) fn variable(key: &str) -> Option<Vec<u8>> {
    with_host(|host| host.variables.get(key).cloned())
}

pub(crate) fn set_variable(key: &str, value: Option<&[u8]>) {
    with_host(|host| match value {
        Some(value) => drop(host.variables.insert(key.to_owned(), value.to_vec())),
        None => drop(host.variables.remove(key)),
    });
}

pub(crate) fn is_logged(_level: Level) -> bool {
    true
}

pub(crate) fn log(level: Level, text: &str) {
    with_host(|host| host.logs.push((level, text.to_owned())));
}

pub(crate) fn http(request: &Request) -> Result<Response, Error> {
    // Taken out for the call, so that the stand-in may look at this host itself.
    let Some(mut answer) = with_host(|host| host.http.take()) else {
        return Err(Error::new(format!(
            "{} {}: this test answers no requests; give it answers with `windlass_pdk::test::answer_http`",
            request.method, request.url
        )));
    };
    let response = answer(request);
    with_host(|host| host.http = Some(answer));
    Ok(response)
}
