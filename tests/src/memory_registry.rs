//! A registry in memory, with the referrers API, that may change its mind: one tag, or one list of referrers, answers
//! differently each time it is asked.

use crate::http::{self, Answer, Request};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// What a tag, or a list of referrers, answers: the first of them for the first request, and the last for ever.
type Answers<T> = Vec<T>;

#[derive(Default)]
struct State {
    blobs: BTreeMap<String, Vec<u8>>,
    manifests: BTreeMap<String, (String, Vec<u8>)>,
    /// By repository and tag.
    tags: BTreeMap<(String, String), Answers<String>>,
    /// By repository and subject; otherwise what was pushed.
    referrers: BTreeMap<(String, String), Answers<Vec<String>>>,
    /// Repository and digest of what was pushed by its digest.
    pushed: Vec<(String, String)>,
    /// Whether manifests are no longer taken.
    is_full: bool,
}

/// The registry; it serves until the process ends.
pub struct MemoryRegistry {
    address: String,
    state: Arc<Mutex<State>>,
}

impl Default for MemoryRegistry {
    fn default() -> Self {
        Self::start()
    }
}

impl MemoryRegistry {
    /// An empty one.
    ///
    /// # Panics
    /// There is no free port.
    #[must_use]
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let address = http::serve(move |request, _| shared.lock().ok().map(|mut state| state.answer(request)));
        Self { address, state }
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// `oci://ADDRESS/PATH`.
    #[must_use]
    pub fn oci(&self, path: &str) -> String {
        format!("oci://{}/{path}", self.address)
    }

    /// Has a tag stand for these manifests, one after the other.
    pub fn turn_tag(&self, repository: &str, tag: &str, digests: &[&str]) {
        let digests = digests.iter().map(|digest| (*digest).to_owned()).collect();
        self.lock().tags.insert((repository.to_owned(), tag.to_owned()), digests);
    }

    /// Has the list of a manifest's referrers be these, one after the other.
    pub fn turn_referrers(&self, repository: &str, subject: &str, lists: &[&[&str]]) {
        let lists = lists.iter().map(|list| list.iter().map(|digest| (*digest).to_owned()).collect()).collect();
        self.lock().referrers.insert((repository.to_owned(), subject.to_owned()), lists);
    }

    /// Takes no more manifests.
    pub fn fill_up(&self) {
        self.lock().is_full = true;
    }

    /// Keeps a Helm chart without content; its manifest's digest.
    #[must_use]
    pub fn add_chart(&self, repository: &str, tag: &str) -> String {
        let mut state = self.lock();
        let config = state.keep(b"{}".to_vec());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": config, "size": 2},
            "layers": [],
        });
        let digest = state.keep_manifest(MANIFEST, manifest.to_string().into_bytes());
        state.tags.insert((repository.to_owned(), tag.to_owned()), vec![digest.clone()]);
        digest
    }

    /// The digests of all manifests that are there, those that refer to another one included.
    #[must_use]
    pub fn manifests(&self) -> Vec<String> {
        self.lock().manifests.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with the lock")
    }
}

/// The next answer.
fn next<T: Clone>(answers: &mut Answers<T>) -> Option<T> {
    if answers.len() > 1 { Some(answers.remove(0)) } else { answers.first().cloned() }
}

impl State {
    fn keep(&mut self, bytes: Vec<u8>) -> String {
        let digest = crate::shipping::digest(&bytes);
        self.blobs.insert(digest.clone(), bytes);
        digest
    }

    fn keep_manifest(&mut self, kind: &str, bytes: Vec<u8>) -> String {
        let digest = crate::shipping::digest(&bytes);
        self.manifests.insert(digest.clone(), (kind.to_owned(), bytes));
        digest
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let Some(path) = path.strip_prefix("/v2/") else { return Answer::new(404, "") };
        if path.is_empty() {
            return Answer::new(200, "{}");
        }
        for (part, serve) in [
            ("/manifests/", Self::manifest as fn(&mut Self, &Request, &str, &str) -> Answer),
            ("/referrers/", Self::list_referrers),
        ] {
            if let Some((repository, name)) = path.split_once(part) {
                return serve(self, request, repository, name);
            }
        }
        let Some((_, name)) = path.split_once("/blobs/") else { return Answer::new(404, "") };
        match request.method.as_str() {
            "POST" => Answer::new(202, "").header("Location", format!("/v2/{path}1")),
            "PUT" => {
                let digest = self.keep(request.body.clone());
                let asked = query.split_once("digest=").map_or("", |(_, digest)| digest).replace("%3A", ":");
                Answer::new(if digest == asked { 201 } else { 400 }, "")
            }
            _ => match self.blobs.get(name) {
                Some(bytes) => Answer::new(200, bytes.clone()).header("Content-Type", "application/octet-stream"),
                None => Answer::new(404, ""),
            },
        }
    }

    fn manifest(&mut self, request: &Request, repository: &str, name: &str) -> Answer {
        if request.method == "PUT" {
            if self.is_full {
                return Answer::new(403, "");
            }
            let kind = request.header("content-type").unwrap_or_default().to_owned();
            let digest = self.keep_manifest(&kind, request.body.clone());
            if name.starts_with("sha256:") {
                self.pushed.push((repository.to_owned(), digest.clone()));
            } else {
                self.tags.insert((repository.to_owned(), name.to_owned()), vec![digest.clone()]);
            }
            let answer = Answer::new(201, "").header("Docker-Content-Digest", digest);
            return match subject(&request.body) {
                Some(subject) => answer.header("OCI-Subject", subject),
                None => answer,
            };
        }
        let digest = match name.starts_with("sha256:") {
            true => Some(name.to_owned()),
            false => self.tags.get_mut(&(repository.to_owned(), name.to_owned())).and_then(next),
        };
        match digest.and_then(|digest| Some((self.manifests.get(&digest)?, digest))) {
            Some(((kind, bytes), digest)) => Answer::new(200, bytes.clone())
                .header("Content-Type", kind.clone())
                .header("Docker-Content-Digest", digest),
            None => Answer::new(404, ""),
        }
    }

    fn list_referrers(&mut self, _: &Request, repository: &str, wanted: &str) -> Answer {
        let turned = self.referrers.get_mut(&(repository.to_owned(), wanted.to_owned())).and_then(next);
        let digests = turned.unwrap_or_else(|| {
            let here = self.pushed.iter().filter(|(place, _)| place == repository).map(|(_, digest)| digest.clone());
            here.collect()
        });
        let entries: Vec<Value> = digests
            .iter()
            .filter_map(|digest| {
                let (kind, bytes) = self.manifests.get(digest)?;
                let manifest: Value = serde_json::from_slice(bytes).ok()?;
                (subject(bytes)? == wanted).then(|| {
                    json!({
                        "mediaType": kind, "digest": digest, "size": bytes.len(), "artifactType": manifest["artifactType"],
                    })
                })
            })
            .collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
        Answer::new(200, index.to_string()).header("Content-Type", INDEX)
    }
}

fn subject(manifest: &[u8]) -> Option<String> {
    let manifest: Value = serde_json::from_slice(manifest).ok()?;
    manifest["subject"]["digest"].as_str().map(str::to_owned)
}
