//! A registry that serves what is in an OCI layout, and can be told to fail.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What goes wrong with an answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection ends in the middle of the body.
    Cut,
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
    /// Go there.
    Redirect(String),
}

/// Which answers fail, and how often.
#[derive(Clone, Debug)]
struct Plan {
    part: &'static str,
    fault: Fault,
    times: u32,
}

#[derive(Default)]
struct State {
    plan: Option<Plan>,
    /// The password that is asked for, as `NAME:PASSWORD` in base64.
    authorization: Option<String>,
    /// The request lines, each with the `Authorization` that came along.
    seen: Vec<(String, Option<String>)>,
}

/// The registry; it serves until the process ends.
pub struct FaultyRegistry {
    address: String,
    state: Arc<Mutex<State>>,
}

impl FaultyRegistry {
    /// Serves the layout in `folder`, whatever the name of the repository.
    ///
    /// # Panics
    ///
    /// There is no free port.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, folder) = (Arc::clone(&state), folder.to_owned());
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (state, folder) = (Arc::clone(&shared), folder.clone());
                // A client that gives up breaks the connection; that is its right.
                std::thread::spawn(move || serve(connection, &folder, &state));
            }
        });
        Self { address, state }
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Makes the next `times` answers for `part` (`manifests`, or `blobs/INDEX` of the manifest's layers) fail.
    pub fn fail(&self, part: &'static str, fault: Fault, times: u32) {
        self.lock().plan = Some(Plan { part, fault, times });
    }

    /// Ends all failures.
    pub fn heal(&self) {
        self.lock().plan = None;
    }

    /// Asks for Basic authentication with this value.
    pub fn require(&self, authorization: &str) {
        self.lock().authorization = Some(authorization.to_owned());
    }

    /// The request lines so far, each with its `Authorization`.
    #[must_use]
    pub fn seen(&self) -> Vec<(String, Option<String>)> {
        self.lock().seen.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with the lock")
    }
}

fn serve(mut connection: TcpStream, folder: &Path, state: &Mutex<State>) -> Option<()> {
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let authorization = headers.get("authorization").cloned();
    let path = line.split(' ').nth(1)?.to_owned();
    let is_head = line.starts_with("HEAD");
    let (content, kind) = content(folder, &path);
    let fault = {
        let mut state = state.lock().ok()?;
        state.seen.push((line.trim().to_owned(), authorization.clone()));
        let wanted = state.authorization.clone();
        if wanted.is_some_and(|wanted| authorization != Some(format!("Basic {wanted}"))) {
            drop(state);
            return answer(&mut connection, 401, "WWW-Authenticate: Basic realm=\"x\"\r\n", b"", is_head);
        }
        let layers = layers(folder);
        let applies = |plan: &Plan| match plan.part.strip_prefix("blobs/") {
            Some(index) => index
                .parse()
                .ok()
                .and_then(|index: usize| layers.get(index))
                .is_some_and(|digest| path.ends_with(digest)),
            None => path.contains(plan.part) && !is_head,
        };
        match &mut state.plan {
            Some(plan) if plan.times > 0 && applies(plan) => {
                plan.times -= 1;
                Some(plan.fault.clone())
            }
            _ => None,
        }
    };
    // The true one, whatever becomes of the body.
    let digest = if path.contains("/manifests/") {
        format!("Docker-Content-Digest: {}\r\n", manifest_digest(folder))
    } else {
        String::new()
    };
    let Some(mut content) = content else { return answer(&mut connection, 404, "", b"", is_head) };
    let mut kind = kind;
    match fault {
        Some(Fault::Status(status)) => return answer(&mut connection, status, "", b"", is_head),
        Some(Fault::Redirect(to)) => {
            return answer(&mut connection, 307, &format!("Location: {to}{path}\r\n"), b"", is_head);
        }
        Some(Fault::Changed) => {
            let middle = content.len() / 2;
            content[middle] ^= 1;
        }
        Some(Fault::Half) => content.truncate(content.len() / 2),
        Some(Fault::Typed(other)) => kind = other.to_owned(),
        Some(Fault::Body(text)) => content = text.into_bytes(),
        Some(Fault::Cut) => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", content.len());
            connection.write_all(head.as_bytes()).ok()?;
            return connection.write_all(&content[..content.len() / 2]).ok();
        }
        Some(Fault::Announced(bytes)) => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {bytes}\r\n\r\n");
            connection.write_all(head.as_bytes()).ok()?;
            return connection.write_all(&content).ok();
        }
        Some(fault @ (Fault::Endless | Fault::Slow)) => {
            connection.write_all(format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n").as_bytes()).ok()?;
            let (piece, pause) =
                if matches!(fault, Fault::Slow) { (vec![b' '; 1], 100) } else { (vec![b' '; 65536], 0) };
            loop {
                connection.write_all(&piece).ok()?;
                std::thread::sleep(Duration::from_millis(pause));
            }
        }
        None => {}
    }
    let start =
        headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    match start {
        Some(start) if start < content.len() => {
            let head = format!(
                "Content-Type: {kind}\r\nContent-Range: bytes {start}-{}/{}\r\n",
                content.len() - 1,
                content.len()
            );
            answer(&mut connection, 206, &head, &content[start..], is_head)
        }
        _ => answer(&mut connection, 200, &format!("Content-Type: {kind}\r\n{digest}"), &content, is_head),
    }
}

fn answer(connection: &mut TcpStream, status: u16, headers: &str, body: &[u8], is_head: bool) -> Option<()> {
    let head = format!("HTTP/1.1 {status} x\r\n{headers}Connection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    connection.write_all(head.as_bytes()).ok()?;
    if is_head { Some(()) } else { connection.write_all(body).ok() }
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap_or_default()).unwrap_or_default()
}

fn blob_path(folder: &Path, digest: &str) -> PathBuf {
    folder.join("blobs/sha256").join(digest.trim_start_matches("sha256:"))
}

fn manifest_digest(folder: &Path) -> String {
    json(&folder.join("index.json"))["manifests"][0]["digest"].as_str().unwrap_or_default().to_owned()
}

fn layers(folder: &Path) -> Vec<String> {
    let manifest = json(&blob_path(folder, &manifest_digest(folder)));
    let layers = manifest["layers"].as_array().cloned().unwrap_or_default();
    layers.iter().filter_map(|layer| Some(layer["digest"].as_str()?.to_owned())).collect()
}

fn content(folder: &Path, path: &str) -> (Option<Vec<u8>>, String) {
    let name = path.rsplit('/').next().unwrap_or_default();
    if path.contains("/manifests/") {
        let digest = if name.starts_with("sha256:") { name.to_owned() } else { manifest_digest(folder) };
        return (
            std::fs::read(blob_path(folder, &digest)).ok(),
            "application/vnd.oci.image.manifest.v1+json".to_owned(),
        );
    }
    (
        std::fs::read(blob_path(folder, name)).ok().filter(|_| path.contains("/blobs/")),
        "application/octet-stream".to_owned(),
    )
}
