//! What the world answers in a test. For each capability there is one function `answer_…`: it takes a closure, which is
//! asked what the plugin asks, on this thread, from now on. What the plugin says to the world is recorded, and one of
//! the functions `take_…` hands it over.
//!
//! ```
//! use std::time::{Duration, UNIX_EPOCH};
//! use windlass_pdk::test::{answer_clock, answer_environment, answer_files, run, take_written_files};
//! use windlass_pdk::{Config, Error, Manifests, clock, environment, files};
//!
//! #[derive(Config)]
//! struct Settings {}
//!
//! #[windlass_pdk::plugin(asks = [
//!     read("/charts", "to find the chart's owner"),
//!     write("/reports", "to leave a report"),
//!     env("TEAM", "to name the team"),
//!     clock("to say when it ran"),
//! ])]
//! fn report(_settings: Settings, _manifests: &mut Manifests) -> Result<(), Error> {
//!     let owner = files::read_text("/charts/OWNER")?.unwrap_or_default();
//!     let team = environment::get("TEAM")?.unwrap_or_default();
//!     let seconds = clock::now()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
//!     files::write("/reports/last", format!("{owner} of {team} at {seconds}").as_bytes())
//! }
//!
//! # fn main() {
//! answer_files(|path| (path == "/charts/OWNER").then(|| b"ada".to_vec()));
//! answer_environment(|name| (name == "TEAM").then(|| "payments".to_owned()));
//! answer_clock(|| UNIX_EPOCH + Duration::from_secs(1_700_000_000));
//! assert!(run::<Report>("", &[], "kind: Pod\n").is_ok());
//! assert_eq!(take_written_files()["/reports/last"], b"ada of payments at 1700000000");
//! # }
//! ```
//!
//! A question that nobody answers is an error that names the function to call; using what the plugin does not ask for
//! in `#[plugin(asks = [...])]` is one as well, as the sandbox would not start it. Every run goes through both entries
//! of a module, so each question is asked twice.

use std::collections::BTreeMap;
use std::time::SystemTime;

use windlass_abi::findings::Finding;
use windlass_manifest::Value;

use crate::host::native::with_host;
use crate::http::{Request, Response};
use crate::log::Level;

/// Answers HTTP requests ([`crate::http`]).
pub fn answer_http(answer: impl FnMut(&Request) -> Response + 'static) {
    with_host(|host| host.http = Some(Box::new(answer)));
}

/// Answers which content a file has, `None` for one that is not there ([`crate::files::read`]). What the plugin writes
/// is not seen here, as a grant to write is none to read.
pub fn answer_files(answer: impl FnMut(&str) -> Option<Vec<u8>> + 'static) {
    with_host(|host| host.files = Some(Box::new(answer)));
}

/// Answers which value a variable of the environment has, `None` for one that is not set ([`crate::environment`]).
pub fn answer_environment(answer: impl FnMut(&str) -> Option<String> + 'static) {
    with_host(|host| host.environment = Some(Box::new(answer)));
}

/// Answers what time it is ([`crate::clock`]).
pub fn answer_clock(mut answer: impl FnMut() -> SystemTime + 'static) {
    with_host(|host| host.clock = Some(Box::new(move |()| answer())));
}

/// Answers with so many random bytes as it is asked for ([`crate::random`]).
pub fn answer_random(mut answer: impl FnMut(usize) -> Vec<u8> + 'static) {
    with_host(|host| host.random = Some(Box::new(move |length| answer(*length))));
}

/// Answers which objects the cluster has in a collection, named as in [`crate::kube`]; `None` for a resource that it
/// does not have. Which of them are meant, by name or labels, is decided by the stand-in.
pub fn answer_cluster(answer: impl FnMut(&str) -> Option<Vec<Value>> + 'static) {
    with_host(|host| host.cluster = Some(Box::new(answer)));
}

/// The files that plugins have written on this thread since the last call, by their paths ([`crate::files::write`]).
pub fn take_written_files() -> BTreeMap<String, Vec<u8>> {
    with_host(|host| std::mem::take(&mut host.written))
}

/// What plugins have found on this thread since the last call ([`crate::findings`]).
pub fn take_findings() -> Vec<Finding> {
    with_host(|host| std::mem::take(&mut host.findings))
}

/// The messages that plugins have logged on this thread since the last call ([`crate::log`]).
pub fn take_logs() -> Vec<(Level, String)> {
    with_host(|host| std::mem::take(&mut host.logs))
}
