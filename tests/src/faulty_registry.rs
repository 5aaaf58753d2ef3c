//! A registry that can be told to fail: it serves what is in an OCI layout, or stands before a real registry and passes
//! on what it does not spoil.

use crate::http::{self, Answer, Request};
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection ends in the middle of the answer's body.
    Cut,
    /// The connection ends in the middle of the request's body; the registry behind gets the first half.
    CutRequest,
    /// The registry behind does what it was asked, and its answer is lost.
    NoAnswer,
    /// The body is only half, and the head says so.
    Half,
    /// One byte is another.
    Changed,
    /// The content type is this.
    Typed(&'static str),
    /// The body does not end.
    Endless,
    /// A byte at a time.
    Slow,
    /// The head announces this many bytes.
    Announced(u64),
    /// The body is this.
    Body(String),
    /// This status, with an empty answer.
    Status(u16),
    /// 429, with the wish to be left alone for this many seconds.
    TooMany(u64),
    /// A redirect to this origin.
    Redirect(String),
    /// The upload goes on at this origin.
    UploadAt(String),
    /// The registry says that it has another digest.
    OtherDigest,
    /// The answer has this header.
    Says(&'static str, String),
    /// 401, with these challenges, a header each.
    Challenge(Vec<String>),
}

impl Fault {
    /// What to say for `--registry-timeout`: little only where the fault is that no end comes, and no busy machine can
    /// make a difference.
    #[must_use]
    pub fn patience(&self) -> &'static str {
        if matches!(self, Self::Slow) { "2s" } else { "60s" }
    }
}

/// Which exchanges fail, and how often.
#[derive(Clone, Debug)]
struct Plan {
    method: String,
    path: String,
    fault: Fault,
    times: u32,
}

/// What a client asked.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `GET`, `PUT`, ...
    pub method: String,
    /// The path, with its query.
    pub target: String,
    /// What it showed us.
    pub authorization: Option<String>,
    /// The part of the content that it asked for.
    pub range: Option<String>,
    /// The bytes that it sent.
    pub sent: usize,
}

#[derive(Default)]
struct State {
    plans: Vec<Plan>,
    /// The password that is asked for, as `NAME:PASSWORD` in base64.
    authorization: Option<String>,
    seen: Vec<Seen>,
}

/// Where the true answers come from.
enum Source {
    Layout(PathBuf),
    Registry(String),
}

/// The registry; it serves until the process ends.
pub struct FaultyRegistry {
    address: String,
    state: Arc<Mutex<State>>,
}

impl FaultyRegistry {
    /// Serves the first manifest of the layout in `folder`, whatever the name of the repository and the tag.
    ///
    /// # Panics
    /// There is no free port.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        Self::with(Source::Layout(folder.to_owned()))
    }

    /// Stands before the registry at `address`.
    ///
    /// # Panics
    /// There is no free port.
    #[must_use]
    pub fn before(address: &str) -> Self {
        Self::with(Source::Registry(address.to_owned()))
    }

    fn with(source: Source) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let address = http::serve(move |request, connection| serve(request, connection, &source, &shared));
        Self { address, state }
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Makes the next `times` exchanges fail that have this method and `path` in their path.
    pub fn fail(&self, method: &str, path: &str, fault: Fault, times: u32) {
        self.heal();
        self.also_fail(method, path, fault, times);
    }

    /// [`FaultyRegistry::fail`], besides what fails already; of several that fit the first one happens.
    pub fn also_fail(&self, method: &str, path: &str, fault: Fault, times: u32) {
        self.lock().plans.push(Plan { method: method.to_owned(), path: path.to_owned(), fault, times });
    }

    /// Ends all failures.
    pub fn heal(&self) {
        self.lock().plans.clear();
    }

    /// How often a planned failure may still happen.
    #[must_use]
    pub fn failures_left(&self) -> u32 {
        self.lock().plans.iter().map(|plan| plan.times).max().unwrap_or(0)
    }

    /// Asks for Basic authentication with this value.
    pub fn require(&self, authorization: &str) {
        self.lock().authorization = Some(authorization.to_owned());
    }

    /// What was asked so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.lock().seen.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with the lock")
    }
}

fn serve(request: &Request, connection: &mut TcpStream, source: &Source, state: &Mutex<State>) -> Option<Answer> {
    let path = request.target.split('?').next().unwrap_or_default();
    let authorization = request.header("authorization").map(str::to_owned);
    let fault = {
        let mut state = state.lock().ok()?;
        state.seen.push(Seen {
            method: request.method.clone(),
            target: request.target.clone(),
            authorization: authorization.clone(),
            range: request.header("range").map(str::to_owned),
            sent: request.body.len(),
        });
        let wanted = state.authorization.as_ref().map(|wanted| format!("Basic {wanted}"));
        if wanted.is_some() && authorization != wanted {
            return Some(Answer::new(401, "").header("WWW-Authenticate", "Basic realm=\"x\""));
        }
        let mut plans = state.plans.iter_mut().filter(|plan| plan.times > 0);
        let plan = plans.find(|plan| plan.method == request.method && path.contains(&plan.path));
        plan.map(|plan| {
            plan.times -= 1;
            plan.fault.clone()
        })
    };
    let true_answer = || match source {
        Source::Layout(folder) => Some(from_layout(folder, request)),
        Source::Registry(address) => http::exchange(address, request, None).ok(),
    };
    match fault {
        None => true_answer(),
        Some(Fault::Status(status)) => Some(Answer::new(status, "")),
        Some(Fault::TooMany(seconds)) => Some(Answer::new(429, "").header("Retry-After", seconds.to_string())),
        Some(Fault::Challenge(challenges)) => {
            let mut answer = Answer::new(401, "");
            answer.headers.extend(challenges.into_iter().map(|text| ("WWW-Authenticate".to_owned(), text)));
            Some(answer)
        }
        Some(Fault::Redirect(to)) => Some(Answer::new(307, "").header("Location", format!("{to}{}", request.target))),
        Some(Fault::CutRequest) => {
            if let Source::Registry(address) = source {
                // That it gives no answer is what was asked for.
                let _ = http::exchange(address, request, Some(request.body.len() / 2));
            }
            None
        }
        Some(Fault::NoAnswer) => {
            let _ = true_answer();
            None
        }
        Some(fault) => spoil(&fault, true_answer()?, connection),
    }
}

/// A true answer with a fault in it; none when it was written to the connection already.
fn spoil(fault: &Fault, mut answer: Answer, connection: &mut TcpStream) -> Option<Answer> {
    match fault {
        Fault::Changed => {
            let middle = answer.body.len() / 2;
            *answer.body.get_mut(middle)? ^= 1;
            Some(answer)
        }
        Fault::Half => {
            answer.body.truncate(answer.body.len() / 2);
            Some(answer)
        }
        Fault::Typed(kind) => Some(answer.header("Content-Type", *kind)),
        Fault::Body(text) => Some(Answer { body: text.clone().into_bytes(), ..answer }),
        Fault::UploadAt(origin) => Some(answer.header("Location", format!("{origin}/v2/upload"))),
        Fault::Says(name, value) => Some(answer.header(name, value.as_str())),
        Fault::OtherDigest => Some(answer.header("Docker-Content-Digest", format!("sha256:{}", "0".repeat(64)))),
        Fault::Cut => {
            let head = answer.head(Some(answer.body.len() as u64));
            connection.write_all(head.as_bytes()).ok()?;
            connection.write_all(&answer.body[..answer.body.len() / 2]).ok()?;
            None
        }
        Fault::Announced(bytes) => {
            connection.write_all(answer.head(Some(*bytes)).as_bytes()).ok()?;
            connection.write_all(&answer.body).ok()?;
            None
        }
        Fault::Endless | Fault::Slow => {
            connection.write_all(answer.head(None).as_bytes()).ok()?;
            let (piece, pause) =
                if matches!(fault, Fault::Slow) { (vec![b' '; 1], 100) } else { (vec![b' '; 65536], 0) };
            loop {
                connection.write_all(&piece).ok()?;
                std::thread::sleep(Duration::from_millis(pause));
            }
        }
        Fault::Status(_)
        | Fault::TooMany(_)
        | Fault::Redirect(_)
        | Fault::Challenge(_)
        | Fault::CutRequest
        | Fault::NoAnswer => Some(answer),
    }
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap_or_default()).unwrap_or_default()
}

fn blob_path(folder: &Path, digest: &str) -> PathBuf {
    folder.join("blobs/sha256").join(digest.trim_start_matches("sha256:"))
}

/// The digest of the first manifest of a layout.
#[must_use]
pub fn manifest_digest(folder: &Path) -> String {
    json(&folder.join("index.json"))["manifests"][0]["digest"].as_str().unwrap_or_default().to_owned()
}

/// The first manifest of a layout.
#[must_use]
pub fn manifest(folder: &Path) -> serde_json::Value {
    json(&blob_path(folder, &manifest_digest(folder)))
}

fn from_layout(folder: &Path, request: &Request) -> Answer {
    let is_manifest = request.target.contains("/manifests/");
    let name = request.target.rsplit('/').next().unwrap_or_default();
    let digest = if is_manifest && !name.starts_with("sha256:") { manifest_digest(folder) } else { name.to_owned() };
    let Ok(content) = std::fs::read(blob_path(folder, &digest)) else { return Answer::new(404, "") };
    if is_manifest {
        let kind =
            json(&folder.join("index.json"))["manifests"][0]["mediaType"].as_str().unwrap_or_default().to_owned();
        return Answer::new(200, content).header("Content-Type", kind).header("Docker-Content-Digest", digest);
    }
    let start = request.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let answer = match start {
        Some(start) if start < content.len() => Answer::new(206, &content[start..])
            .header("Content-Range", format!("bytes {start}-{}/{}", content.len() - 1, content.len())),
        _ => Answer::new(200, content),
    };
    answer.header("Content-Type", "application/octet-stream")
}
