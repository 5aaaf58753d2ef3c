//! A small API server for the tests of `wait` and `status`: lists with pages, watches, discovery and refusals, as the
//! Kubernetes API has them, over objects that the test sets. It remembers what it was asked.
//!
//! It also takes what `helm install` sends, so that both Helms can be watched waiting for the same objects. An object
//! gets the status that the test has set for its name when it is created.
//!
//! What no real server can be made to do at will is done here: lose its connections, forget old resource versions, take
//! rights away. The control plane in `tests/peers/control-plane` is the real thing.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::patience::PATIENCE;

/// Kinds that are always served: apiVersion, kind, plural, namespaced.
const BUILT_IN: &[(&str, &str, &str, bool)] = &[
    ("v1", "Pod", "pods", true),
    ("v1", "Secret", "secrets", true),
    ("v1", "ConfigMap", "configmaps", true),
    ("v1", "Event", "events", true),
    ("v1", "Namespace", "namespaces", false),
    ("apps/v1", "Deployment", "deployments", true),
    ("apps/v1", "ReplicaSet", "replicasets", true),
    ("apps/v1", "StatefulSet", "statefulsets", true),
    ("batch/v1", "Job", "jobs", true),
    ("v1", "Service", "services", true),
    ("v1", "PersistentVolumeClaim", "persistentvolumeclaims", true),
    ("storage.k8s.io/v1", "StorageClass", "storageclasses", false),
    ("networking.k8s.io/v1", "Ingress", "ingresses", true),
    ("networking.k8s.io/v1", "IngressClass", "ingressclasses", false),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", false),
];

/// A running server; it ends with the test's process.
#[derive(Clone)]
pub struct ApiServer {
    shared: Arc<Shared>,
    address: String,
}

struct Shared {
    world: Mutex<World>,
    changed: Condvar,
}

#[derive(Default)]
struct World {
    kinds: Vec<(String, String, String, bool)>,
    /// By apiVersion and kind, then namespace and name.
    objects: BTreeMap<(String, String), BTreeMap<(String, String), Value>>,
    /// Everything that happened: version, type, object.
    history: VecDeque<(u64, &'static str, Value)>,
    version: u64,
    /// Versions up to this one are forgotten.
    forgotten: u64,
    /// `verb plural` pairs that are refused.
    forbidden: BTreeSet<String>,
    /// What was asked: `list deployments`, `watch pods`, ...
    asked: Vec<String>,
    connections: Vec<TcpStream>,
    is_down: bool,
    /// Takes requests and says nothing.
    is_silent: bool,
    /// Knows nobody.
    is_closed: bool,
    /// What containers have written, by pod.
    logs: BTreeMap<String, String>,
    /// Counts up when all watches must end.
    generation: u64,
    /// What an object's status is once it is created, by kind and name.
    statuses: BTreeMap<(String, String), Value>,
}

impl Default for ApiServer {
    fn default() -> Self {
        Self::start()
    }
}

impl ApiServer {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let kinds = BUILT_IN
            .iter()
            .map(|(api, kind, plural, spaced)| ((*api).to_owned(), (*kind).to_owned(), (*plural).to_owned(), *spaced));
        let world = World { kinds: kinds.collect(), ..World::default() };
        let shared = Arc::new(Shared { world: Mutex::new(world), changed: Condvar::new() });
        let server = Self { shared: Arc::clone(&shared), address };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(&shared, stream));
            }
        });
        server
    }

    /// Writes a kubeconfig for it.
    ///
    /// # Panics
    /// The file cannot be written.
    pub fn kubeconfig(&self, folder: &Path) -> PathBuf {
        let path = folder.join("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": format!("http://{}", self.address)}}],
            "users": [{"name": "test", "user": {"token": "test"}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": "default"}}],
        });
        std::fs::write(&path, config.to_string()).expect("a written kubeconfig");
        path
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, act: impl FnOnce(&mut World)) {
        act(&mut self.world());
        self.shared.changed.notify_all();
    }

    /// Creates or replaces an object. Its namespace is `default` unless it says otherwise.
    pub fn apply(&self, object: Value) {
        self.change(|world| world.apply(object));
    }

    /// Gives an object a status as soon as somebody creates it.
    pub fn will_be(&self, kind: &str, name: &str, status: Value) {
        self.change(|world| {
            world.statuses.insert((kind.into(), name.into()), status);
        });
    }

    /// Deletes an object of the namespace `default`.
    pub fn delete(&self, api_version: &str, kind: &str, name: &str) {
        self.change(|world| {
            let place = (api_version.to_owned(), kind.to_owned());
            let removed =
                world.objects.get_mut(&place).and_then(|objects| objects.remove(&("default".into(), name.into())));
            if let Some(object) = removed {
                world.happen("DELETED", object);
            }
        });
    }

    /// Serves another kind from now on.
    pub fn define(&self, api_version: &str, kind: &str, plural: &str) {
        let kind = (api_version.to_owned(), kind.to_owned(), plural.to_owned(), true);
        self.change(|world| {
            if !world.kinds.iter().any(|known| (&known.0, &known.1) == (&kind.0, &kind.1)) {
                world.kinds.push(kind);
            }
        });
    }

    /// Refuses a verb on a resource from now on: `list`, `watch` or `get`, and `pods`.
    pub fn forbid(&self, verb: &str, plural: &str) {
        self.change(|world| {
            world.forbidden.insert(format!("{verb} {plural}"));
        });
    }

    /// Takes a refusal back.
    pub fn permit(&self, verb: &str, plural: &str) {
        self.change(|world| {
            world.forbidden.remove(&format!("{verb} {plural}"));
        });
    }

    /// Serves a kind no longer, until it is defined again; its objects stay.
    pub fn undefine(&self, kind: &str) {
        self.change(|world| world.kinds.retain(|known| known.1 != kind));
    }

    /// Loses all connections and takes no new ones until [`ApiServer::come_up`].
    pub fn go_down(&self) {
        self.change(|world| {
            world.is_down = true;
            world.break_connections();
        });
    }

    /// Takes connections again.
    pub fn come_up(&self) {
        self.change(|world| world.is_down = false);
    }

    /// Takes connections and requests, and says nothing any more; or speaks again.
    pub fn be_silent(&self, is_silent: bool) {
        self.change(|world| world.is_silent = is_silent);
    }

    /// Accepts no credentials any more (401).
    pub fn close(&self) {
        self.change(|world| world.is_closed = true);
    }

    /// What the containers of a pod have written.
    pub fn log(&self, pod: &str, text: &str) {
        self.change(|world| {
            world.logs.insert(pod.to_owned(), text.to_owned());
        });
    }

    /// Ends all watches and forgets everything up to now: they cannot be resumed.
    pub fn forget(&self) {
        self.change(|world| {
            world.version += 1;
            world.forgotten = world.version;
            world.history.clear();
            world.break_connections();
        });
    }

    /// How often it was asked `list pods` and the like; `missing pods` where there is no such resource.
    #[must_use]
    pub fn times(&self, what: &str) -> usize {
        self.world().asked.iter().filter(|asked| *asked == what).count()
    }

    /// Waits until it was asked something that often.
    ///
    /// # Panics
    /// It is not asked within a minute.
    pub fn wait_until_asked(&self, what: &str, times: usize) {
        let begun = Instant::now();
        let mut world = self.world();
        while world.asked.iter().filter(|asked| *asked == what).count() < times {
            assert!(begun.elapsed() < PATIENCE, "never asked {times} times to {what}: {:?}", world.asked);
            let waited = self.shared.changed.wait_timeout(world, Duration::from_millis(200));
            world = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl World {
    fn apply(&mut self, mut object: Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let place = (text(&object["apiVersion"]), text(&object["kind"]));
        let is_spaced = self.kinds.iter().any(|kind| (&kind.0, &kind.1) == (&place.0, &place.1) && kind.3);
        let mut namespace = text(&object["metadata"]["namespace"]);
        if namespace.is_empty() && is_spaced {
            namespace = "default".to_owned();
            object["metadata"]["namespace"] = namespace.as_str().into();
        }
        let name = text(&object["metadata"]["name"]);
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = format!("uid-{name}").into();
        }
        object["metadata"]["resourceVersion"] = (self.version + 1).to_string().into();
        let known = self.objects.entry(place).or_default().insert((namespace, name), object.clone());
        self.happen(if known.is_some() { "MODIFIED" } else { "ADDED" }, object);
    }

    /// What is served where: `/version`, `/api`, `/apis`, and each group's resources.
    fn discovery(&self, path: &str) -> Option<Value> {
        match path {
            "/version" => return Some(json!({"major": "1", "minor": "37", "gitVersion": "v1.37.2"})),
            "/api" => return Some(json!({"kind": "APIVersions", "versions": ["v1"]})),
            "/apis" => {
                let groups: BTreeSet<&str> =
                    self.kinds.iter().map(|kind| kind.0.as_str()).filter(|api| *api != "v1").collect();
                let groups: Vec<Value> = groups
                    .into_iter()
                    .filter_map(|api| api.split_once('/').map(|(group, version)| (api, group, version)))
                    .map(|(api, group, version)| {
                        let version = json!({"groupVersion": api, "version": version});
                        json!({"name": group, "versions": [version], "preferredVersion": version})
                    })
                    .collect();
                return Some(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}));
            }
            _ => {}
        }
        let (api_version, _) = split_path(path).filter(|(_, rest)| rest.is_empty())?;
        let verbs = ["create", "delete", "get", "list", "patch", "update", "watch"];
        let resources: Vec<Value> = self
            .kinds
            .iter()
            .filter(|kind| kind.0 == api_version)
            .map(|(_, kind, plural, spaced)| json!({"name": plural, "singularName": "", "kind": kind, "namespaced": spaced, "verbs": verbs}))
            .collect();
        (!resources.is_empty())
            .then(|| json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": resources}))
    }

    /// Creates, replaces or deletes an object.
    fn write(&mut self, request: &Request, api_version: &str, kind: &str, name: Option<&str>) -> (u16, Value) {
        let place = (api_version.to_owned(), kind.to_owned());
        if request.method == "DELETE" {
            let key = ("default".to_owned(), name.unwrap_or_default().to_owned());
            let removed = self.objects.get_mut(&place).and_then(|objects| objects.remove(&key));
            return match removed {
                Some(object) => {
                    self.happen("DELETED", object);
                    (200, json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}))
                }
                None => (404, failure(404, "NotFound", "not found")),
            };
        }
        let sent = serde_json::from_slice::<Value>(&request.body).ok().or_else(|| stored_by_helm(&request.body));
        let Some(mut object) = sent else {
            return (
                415,
                failure(415, "UnsupportedMediaType", "this server takes JSON, and Helm's releases in protobuf"),
            );
        };
        object["apiVersion"] = api_version.into();
        object["kind"] = kind.into();
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        object["metadata"]["generation"] = 1.into();
        object["metadata"]["creationTimestamp"] = "2026-11-22T16:00:00Z".into();
        if let Some(status) = self.statuses.get(&(kind.to_owned(), name.clone())) {
            object["status"] = status.clone();
        }
        self.apply(object);
        let stored = self.objects.get(&place).and_then(|objects| objects.get(&("default".to_owned(), name)));
        (if request.method == "POST" { 201 } else { 200 }, stored.cloned().unwrap_or_default())
    }

    fn happen(&mut self, what: &'static str, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.history.push_back((self.version, what, object));
    }

    fn break_connections(&mut self) {
        self.generation += 1;
        for connection in self.connections.drain(..) {
            // It may have ended by itself.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

/// A request, as far as it matters.
struct Request {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = query.map(|(key, value)| (key.to_owned(), unescape(value))).collect();
    Some(Request { method, path: unescape(path), query, body })
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
            bytes.push(u8::from_str_radix(&String::from_utf8_lossy(&digits), 16).unwrap_or(b'?'));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn serve(shared: &Shared, stream: TcpStream) {
    {
        let mut world = shared.world.lock().unwrap_or_else(PoisonError::into_inner);
        if world.is_down {
            return;
        }
        if let Ok(clone) = stream.try_clone() {
            world.connections.push(clone);
        }
    }
    let Ok(clone) = stream.try_clone() else { return };
    let mut reader = BufReader::new(clone);
    let mut writer = stream;
    while let Some(request) = read_request(&mut reader) {
        if answer(shared, &request, &mut writer).is_err() {
            return;
        }
    }
}

fn send(writer: &mut impl Write, code: u16, body: &Value) -> std::io::Result<()> {
    send_text(writer, code, &body.to_string())
}

fn send_text(writer: &mut impl Write, code: u16, body: &str) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    writer.write_all(format!("{head}{body}").as_bytes())
}

fn failure(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message})
}

/// Where a path leads: apiVersion, and the rest of the path.
fn split_path(path: &str) -> Option<(String, Vec<&str>)> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["api", version, rest @ ..] => Some(((*version).to_owned(), rest.to_vec())),
        ["apis", group, version, rest @ ..] => Some((format!("{group}/{version}"), rest.to_vec())),
        _ => None,
    }
}

fn answer(shared: &Shared, request: &Request, writer: &mut TcpStream) -> std::io::Result<()> {
    let mut world = shared.world.lock().unwrap_or_else(PoisonError::into_inner);
    while world.is_silent {
        let waited = shared.changed.wait_timeout(world, Duration::from_millis(500));
        world = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
    if world.is_closed {
        return send(writer, 401, &failure(401, "Unauthorized", "Unauthorized"));
    }
    let not_found = failure(404, "NotFound", "the server could not find the requested resource");
    if let Some(found) = world.discovery(&request.path) {
        return send(writer, 200, &found);
    }
    let Some((api_version, rest)) = split_path(&request.path).filter(|(_, rest)| !rest.is_empty()) else {
        return send(writer, 404, &not_found);
    };
    if let ["namespaces", _, "pods", pod, "log"] = rest.as_slice() {
        if world.forbidden.contains("get pods/log") {
            return send(writer, 403, &failure(403, "Forbidden", "pods/log is forbidden"));
        }
        return match world.logs.get(*pod) {
            Some(text) => send_text(writer, 200, text),
            None => send(writer, 404, &not_found),
        };
    }
    let (namespace, plural, name) = match rest.as_slice() {
        ["namespaces", name] => (None, "namespaces", Some(*name)),
        ["namespaces", namespace, plural] => (Some(*namespace), *plural, None),
        ["namespaces", namespace, plural, name] => (Some(*namespace), *plural, Some(*name)),
        [plural] => (None, *plural, None),
        [plural, name] => (None, *plural, Some(*name)),
        _ => return send(writer, 404, &not_found),
    };
    let Some(kind) =
        world.kinds.iter().find(|kind| kind.0 == api_version && kind.2 == plural).map(|kind| kind.1.clone())
    else {
        world.asked.push(format!("missing {plural}"));
        shared.changed.notify_all();
        return send(writer, 404, &not_found);
    };
    if request.method != "GET" {
        let (code, answer) = world.write(request, &api_version, &kind, name);
        shared.changed.notify_all();
        return send(writer, code, &answer);
    }
    let is_watch = request.query.get("watch").is_some_and(|watch| watch == "true" || watch == "1");
    if request.query.contains_key("sendInitialEvents") {
        // Clients that know better fall back to a list and a watch.
        return send(writer, 422, &failure(422, "Invalid", "sendInitialEvents is forbidden"));
    }
    let verb = if name.is_some() {
        "get"
    } else if is_watch {
        "watch"
    } else {
        "list"
    };
    // Pages of one list are one list.
    if !request.query.contains_key("continue") {
        world.asked.push(format!("{verb} {plural}"));
    }
    shared.changed.notify_all();
    if world.forbidden.contains(&format!("{verb} {plural}")) {
        let message = format!("{plural} is forbidden: User \"test\" cannot {verb} resource \"{plural}\"");
        return send(writer, 403, &failure(403, "Forbidden", &message));
    }
    let wanted = Wanted {
        api_version,
        kind,
        namespace: namespace.map(str::to_owned),
        field: request.query.get("fieldSelector").cloned(),
        label: request.query.get("labelSelector").cloned(),
    };
    if is_watch {
        drop(world);
        return watch(shared, request, &wanted, writer);
    }
    let found: Vec<Value> = world
        .objects
        .get(&(wanted.api_version.clone(), wanted.kind.clone()))
        .into_iter()
        .flat_map(BTreeMap::values)
        .filter(|object| wanted.fits(object))
        .cloned()
        .collect();
    if let Some(name) = name {
        return match found.into_iter().find(|object| object["metadata"]["name"] == name) {
            Some(object) => send(writer, 200, &object),
            None => send(writer, 404, &not_found),
        };
    }
    let limit: usize = request.query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
    let start: usize = request.query.get("continue").and_then(|token| token.parse().ok()).unwrap_or(0);
    let next = start.saturating_add(limit);
    let token = if next < found.len() { next.to_string() } else { String::new() };
    let items: Vec<Value> = found
        .into_iter()
        .skip(start)
        .take(limit)
        .map(|mut item| {
            // Items of a list carry no type.
            if let Value::Object(fields) = &mut item {
                fields.retain(|field, _| field != "apiVersion" && field != "kind");
            }
            item
        })
        .collect();
    let list_kind = format!("{}List", wanted.kind);
    let list = json!({"apiVersion": wanted.api_version, "kind": list_kind, "metadata": {"resourceVersion": world.version.to_string(), "continue": token}, "items": items});
    drop(world);
    send(writer, 200, &list)
}

/// What a list or watch is about.
struct Wanted {
    api_version: String,
    kind: String,
    namespace: Option<String>,
    field: Option<String>,
    label: Option<String>,
}

impl Wanted {
    fn fits(&self, object: &Value) -> bool {
        let pairs = |selector: &Option<String>| -> Vec<(String, String)> {
            let selector = selector.clone().unwrap_or_default();
            selector
                .split(',')
                .filter_map(|pair| pair.split_once('='))
                .map(|(key, value)| (key.into(), value.into()))
                .collect()
        };
        object["apiVersion"] == self.api_version.as_str()
            && object["kind"] == self.kind.as_str()
            && self.namespace.as_ref().is_none_or(|namespace| object["metadata"]["namespace"] == namespace.as_str())
            && pairs(&self.label).iter().all(|(key, value)| object["metadata"]["labels"][key] == value.as_str())
            && pairs(&self.field).iter().all(|(key, value)| {
                let found = key.split('.').fold(object, |object, part| &object[part]);
                found == value.as_str()
            })
    }
}

fn watch(shared: &Shared, request: &Request, wanted: &Wanted, writer: &mut TcpStream) -> std::io::Result<()> {
    let mut after: u64 = request.query.get("resourceVersion").and_then(|version| version.parse().ok()).unwrap_or(0);
    let mut world = shared.world.lock().unwrap_or_else(PoisonError::into_inner);
    if after < world.forgotten {
        return send(writer, 410, &failure(410, "Expired", "too old resource version"));
    }
    let generation = world.generation;
    writer.write_all(b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    loop {
        if world.generation != generation {
            return Err(std::io::ErrorKind::ConnectionReset.into());
        }
        while world.is_silent {
            let waited = shared.changed.wait_timeout(world, Duration::from_millis(500));
            world = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let news: Vec<Value> = world
            .history
            .iter()
            .filter(|(version, _, object)| *version > after && wanted.fits(object))
            .map(|(_, what, object)| json!({"type": what, "object": object}))
            .collect();
        after = world.version;
        drop(world);
        for event in news {
            let line = format!("{event}\n");
            writer.write_all(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes())?;
        }
        world = shared.world.lock().unwrap_or_else(PoisonError::into_inner);
        if world.version == after && world.generation == generation {
            let waited = shared.changed.wait_timeout(world, Duration::from_millis(500));
            world = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// A Secret or ConfigMap in Kubernetes' protobuf, the form in which Helm sends its releases: name, labels and data. The
/// field numbers are those of `k8s.io/api/core/v1/generated.proto`; both kinds have the data at 2.
fn stored_by_helm(body: &[u8]) -> Option<Value> {
    let envelope = Fields(body.strip_prefix(b"k8s\0")?);
    let type_meta = envelope.first(1)?;
    let kind = String::from_utf8(Fields(type_meta).first(2)?.to_vec()).ok()?;
    let object = Fields(envelope.first(2)?);
    let metadata = Fields(object.first(1)?);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let pair = |bytes| {
        let entry = Fields(bytes);
        Some((text(entry.first(1)?), entry.first(2)?.to_vec()))
    };
    let labels: serde_json::Map<String, Value> =
        metadata.all(11).filter_map(pair).map(|(key, value)| (key, text(&value).into())).collect();
    let data: serde_json::Map<String, Value> = object
        .all(2)
        .filter_map(pair)
        .map(|(key, value)| (key, if kind == "Secret" { base64(&value) } else { text(&value) }.into()))
        .collect();
    Some(json!({"metadata": {"name": text(metadata.first(1)?), "labels": labels}, "data": data}))
}

/// A protobuf message, as far as its fields are texts, bytes or messages.
#[derive(Clone, Copy)]
struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    fn first(self, number: u64) -> Option<&'b [u8]> {
        self.all(number).next()
    }

    fn all(self, number: u64) -> impl Iterator<Item = &'b [u8]> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            loop {
                let key = varint(&mut rest)?;
                let field = match key & 7 {
                    0 => {
                        varint(&mut rest)?;
                        continue;
                    }
                    2 => {
                        let length = usize::try_from(varint(&mut rest)?).ok()?;
                        let (field, after) = rest.split_at_checked(length)?;
                        rest = after;
                        field
                    }
                    _ => return None,
                };
                if key >> 3 == number {
                    return Some(field);
                }
            }
        })
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = bytes.split_first()?;
        *bytes = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Bytes in base64, as in a Secret's data.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = (number >> (18 - 6 * place)) & 63;
            text.push(if place <= chunk.len() { char::from(ALPHABET[digit as usize]) } else { '=' });
        }
    }
    text
}
