//! Stand-ins for the host, one set per thread: what a test gives is what the plugin finds, and what the plugin says is
//! recorded.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::{SystemTime, UNIX_EPOCH};

use windlass_abi::capabilities::{self, Capability};
use windlass_abi::findings::Finding;
use windlass_manifest::Value;

use crate::error::Error;
use crate::http::{Request, Response};
use crate::log::Level;
use crate::metadata::Ask;
use crate::selector::Selector;

/// What answers one kind of question in a test: one of the functions `answer_…` of [`crate::test`] gave it.
pub(crate) type StandIn<Question, Answer> = Option<Box<dyn FnMut(&Question) -> Answer>>;

#[derive(Default)]
pub(crate) struct Host {
    pub(crate) config: BTreeMap<String, String>,
    pub(crate) variables: BTreeMap<String, Vec<u8>>,
    pub(crate) logs: Vec<(Level, String)>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) error: Option<String>,
    pub(crate) input: Vec<u8>,
    pub(crate) output: Vec<u8>,
    /// What the plugin that runs asks for; `None` outside of one.
    pub(crate) asks: Option<&'static [Ask]>,
    pub(crate) http: StandIn<Request, Response>,
    pub(crate) files: StandIn<str, Option<Vec<u8>>>,
    pub(crate) written: BTreeMap<String, Vec<u8>>,
    pub(crate) environment: StandIn<str, Option<String>>,
    pub(crate) clock: StandIn<(), SystemTime>,
    pub(crate) random: StandIn<usize, Vec<u8>>,
    pub(crate) cluster: StandIn<str, Option<Vec<Value>>>,
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

pub(crate) fn find(finding: &Finding) {
    with_host(|host| host.findings.push(finding.clone()));
}

pub(crate) fn http(request: &Request) -> Result<Response, Error> {
    let what = format_args!("{} {}", request.method, request.url);
    ask(Capability::Net, |host| &mut host.http, request, what, "answer_http")
}

pub(crate) fn read_file(path: &str) -> Result<Option<Vec<u8>>, Error> {
    ask(Capability::Read, |host| &mut host.files, path, format_args!("the file {path}"), "answer_files")
}

pub(crate) fn write_file(path: &str, content: &[u8]) -> Result<(), Error> {
    check_asked(Capability::Write)?;
    with_host(|host| host.written.insert(path.to_owned(), content.to_vec()));
    Ok(())
}

pub(crate) fn environment(name: &str) -> Result<Option<Vec<u8>>, Error> {
    let what = format_args!("the variable {name}");
    let value = ask(Capability::Env, |host| &mut host.environment, name, what, "answer_environment")?;
    Ok(value.map(String::into_bytes))
}

pub(crate) fn nanoseconds() -> Result<u64, Error> {
    let time = ask(Capability::Clock, |host| &mut host.clock, &(), "the time", "answer_clock")?;
    // As the host does: 0 on a clock that is set before 1970.
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

pub(crate) fn random(length: usize) -> Result<Vec<u8>, Error> {
    let what = format_args!("{length} random bytes");
    let bytes = ask(Capability::Random, |host| &mut host.random, &length, what, "answer_random")?;
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(Error::new(format!("this test was asked for {length} random bytes and answers with {}", bytes.len())))
    }
}

pub(crate) fn object(from: &str, name: &str) -> Result<Option<Value>, Error> {
    let found = collection("get", from)?;
    let is_named = |object: &Value| object.get("metadata").and_then(|it| it.get("name")?.as_str()) == Some(name);
    Ok(found.and_then(|objects| objects.into_iter().find(is_named)))
}

pub(crate) fn objects(from: &str, selector: &str) -> Result<Option<Vec<Value>>, Error> {
    let selector = Selector::parse(selector).map_err(Error::new)?;
    let found = collection("list", from)?;
    Ok(found.map(|mut objects| {
        objects.retain(|object| {
            let labels = object.get("metadata").and_then(|metadata| metadata.get("labels"));
            selector.matches(|key| labels?.get(key)?.as_str().map(Cow::Borrowed))
        });
        objects
    }))
}

fn collection(verb: &str, from: &str) -> Result<Option<Vec<Value>>, Error> {
    capabilities::Request::parse(Capability::Kube, &format!("{verb}:{from}"))
        .map_err(|error| Error::new(error.to_string()))?;
    ask(Capability::Kube, |host| &mut host.cluster, from, format_args!("{from} of the cluster"), "answer_cluster")
}

/// Has a stand-in answer a question.
fn ask<Question: ?Sized, Answer>(
    capability: Capability,
    place: impl Fn(&mut Host) -> &mut StandIn<Question, Answer>,
    question: &Question,
    what: impl Display,
    given_by: &str,
) -> Result<Answer, Error> {
    check_asked(capability)?;
    // Taken out for the call, so that the stand-in may look at this host itself.
    let Some(mut stand_in) = with_host(|host| place(host).take()) else {
        return Err(Error::new(format!(
            "{what}: nobody answers that in this test; say what is answered with `windlass_pdk::test::{given_by}`"
        )));
    };
    let answer = stand_in(question);
    with_host(|host| *place(host) = Some(stand_in));
    Ok(answer)
}

/// The sandbox does not start a plugin that uses what its metadata does not ask for.
fn check_asked(capability: Capability) -> Result<(), Error> {
    let word = capability.word();
    match with_host(|host| host.asks) {
        Some(asks) if !asks.iter().any(|ask| ask.capability == word) => Err(Error::new(format!(
            "the plugin uses `{word}` without asking for it: add it to `#[plugin(asks = [{word}(...)])]`"
        ))),
        _ => Ok(()),
    }
}
