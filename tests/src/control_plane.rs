//! A real Kubernetes control plane for tests: etcd, API server, controllers, scheduler, and kwok in the kubelet's
//! place, all from the peer `control-plane`. What its pods do is in `tests/cluster/stages.yaml`.
//!
//! Tests share one, each in a namespace of its own; a test that restarts parts starts one for itself. Each part holds
//! the end of a pipe whose other end is this process: when that is gone, however it went, the parts end and the folder
//! goes.

use crate::needs;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use xtask::command::feed;
use xtask::peers::CONTROL_PLANE;

use crate::patience::PATIENCE;

/// The storage class whose volumes are there from the start.
pub const STORAGE_CLASS: &str = "ready-made";

/// Users: name, group, and what the API server knows them by.
const USERS: &[(&str, &str, &str)] = &[
    (ADMIN, "system:masters", "token-of-the-admin"),
    (WATCHER, "", "token-of-the-watcher"),
    (VIEWER, "", "token-of-the-viewer"),
    (STRANGER, "", "token-of-the-stranger"),
    ("system:kube-controller-manager", "", "token-of-the-controllers"),
    ("system:kube-scheduler", "", "token-of-the-scheduler"),
];

/// May do everything.
pub const ADMIN: &str = "admin";
/// May get, list and watch everything, by the grace of RBAC, which the admin does not need.
pub const WATCHER: &str = "watcher";
/// May get and list everything, and watch nothing.
pub const VIEWER: &str = "viewer";
/// May do nothing.
pub const STRANGER: &str = "stranger";

/// A running control plane.
#[derive(Debug)]
pub struct ControlPlane {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    parts: Mutex<Vec<(&'static str, Child)>>,
    namespaces: AtomicUsize,
}

impl ControlPlane {
    /// The one that the tests of this process share; `None` when the test should end here.
    ///
    /// # Panics
    /// As [`ControlPlane::start`].
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<ControlPlane>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// Starts one and waits until its node is ready; `None` when the test should end here.
    ///
    /// # Panics
    /// It does not start; the message has what the parts said last.
    #[must_use]
    pub fn start() -> Option<Self> {
        let program = needs::peer(CONTROL_PLANE)?;
        let folder = tempfile::Builder::new().prefix("windlass-cluster-").tempdir().expect("a temporary folder");
        // A port that is free now, and no connection of anybody's gets by itself while the server starts.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let plane = Self {
            program,
            folder: TempDir::keep(folder),
            port,
            parts: Mutex::default(),
            namespaces: AtomicUsize::new(0),
        };
        plane.write_files();
        plane.start_part("etcd");
        plane.start_part("kube-apiserver");
        plane.wait_for("the API server", || plane.answers());
        for part in ["kube-controller-manager", "kube-scheduler", "kwok"] {
            plane.start_part(part);
        }
        plane.apply(None, &first_objects());
        plane.wait_for("a ready node", || {
            plane.ask(&["get", "node", "node", "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].status}"])
                == Some("True".to_owned())
        });
        Some(plane)
    }

    fn parts(&self) -> MutexGuard<'_, Vec<(&'static str, Child)>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn write_files(&self) {
        let write = |name: &str, content: &str| std::fs::write(self.folder.join(name), content).expect("a file");
        let made = Command::new(&self.program).arg("key").arg(self.path("accounts.key")).status();
        assert!(made.is_ok_and(|status| status.success()), "no key for service accounts");
        let tokens: String = USERS
            .iter()
            .map(|(name, group, token)| {
                let groups = if group.is_empty() { String::new() } else { format!(",\"{group}\"") };
                format!("{token},{name},{name}{groups}\n")
            })
            .collect();
        write("tokens.csv", &tokens);
        for (name, _, token) in USERS {
            let config = json!({
                "apiVersion": "v1", "kind": "Config", "current-context": "test",
                "clusters": [{"name": "test", "cluster": {
                    "server": format!("https://127.0.0.1:{}", self.port),
                    // The API server makes this when it starts for the first time.
                    "certificate-authority": self.path("certificates/apiserver.crt"),
                }}],
                "users": [{"name": name, "user": {"token": token}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}],
            });
            write(&format!("{name}.kubeconfig"), &config.to_string());
        }
    }

    /// A user's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        self.folder.join(format!("{user}.kubeconfig"))
    }

    fn arguments(&self, part: &str) -> Vec<String> {
        let (client, peer) =
            (format!("unix://{}", self.path("etcd.sock")), format!("unix://{}", self.path("peer.sock")));
        let key = self.path("accounts.key");
        let kubeconfig = |user: &str| format!("--kubeconfig={}", self.kubeconfig(user).display());
        match part {
            "etcd" => vec![
                format!("--data-dir={}", self.path("etcd")),
                format!("--listen-client-urls={client}"),
                format!("--advertise-client-urls={client}"),
                format!("--listen-peer-urls={peer}"),
                format!("--initial-advertise-peer-urls={peer}"),
                format!("--initial-cluster=default={peer}"),
                "--unsafe-no-fsync".to_owned(),
                "--log-level=error".to_owned(),
            ],
            "kube-apiserver" => vec![
                format!("--etcd-servers={client}"),
                format!("--secure-port={}", self.port),
                format!("--cert-dir={}", self.path("certificates")),
                format!("--token-auth-file={}", self.path("tokens.csv")),
                format!("--service-account-key-file={key}"),
                format!("--service-account-signing-key-file={key}"),
                "--service-account-issuer=https://windlass.test".to_owned(),
                "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
                "--bind-address=127.0.0.1".to_owned(),
                "--advertise-address=127.0.0.1".to_owned(),
                "--endpoint-reconciler-type=none".to_owned(),
                "--authorization-mode=RBAC".to_owned(),
                // Restarted servers must not wait for watches to end by themselves.
                "--shutdown-delay-duration=0s".to_owned(),
            ],
            "kube-controller-manager" => vec![
                kubeconfig("system:kube-controller-manager"),
                format!("--service-account-private-key-file={key}"),
                format!("--root-ca-file={}", self.path("certificates/apiserver.crt")),
                "--use-service-account-credentials".to_owned(),
                "--leader-elect=false".to_owned(),
                "--secure-port=0".to_owned(),
                "--kube-api-qps=500".to_owned(),
                "--kube-api-burst=1000".to_owned(),
                // kwok is not to be hurried when the machine is busy.
                "--node-monitor-grace-period=10m".to_owned(),
            ],
            "kube-scheduler" => vec![
                kubeconfig("system:kube-scheduler"),
                "--leader-elect=false".to_owned(),
                "--secure-port=0".to_owned(),
                "--kube-api-qps=500".to_owned(),
                "--kube-api-burst=1000".to_owned(),
            ],
            _ => vec![
                kubeconfig(ADMIN),
                format!("--config={}", stages().display()),
                "--manage-all-nodes".to_owned(),
                // Without leases, pods stop to count as available after 50 s.
                "--node-lease-duration-seconds=40".to_owned(),
                "--server-address=".to_owned(),
            ],
        }
    }

    fn start_part(&self, part: &'static str) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.join(format!("{part}.log")));
        let log = log.expect("a log");
        let child = Command::new(&self.program)
            .arg(part)
            .args(self.arguments(part))
            .env("CONTROL_PLANE_FOLDER", &self.folder)
            .env("HOME", &self.folder)
            .env_remove("KUBECONFIG")
            .current_dir(&self.folder)
            // The part ends when this pipe does.
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("a part starts");
        self.parts().push((part, child));
    }

    /// Whether the API server says that it is ready.
    fn answers(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
            && self.ask(&["get", "--raw", "/readyz"]).is_some_and(|answer| answer == "ok")
    }

    /// Stops the API server at once, as a crash would, and starts it again after `meanwhile`.
    ///
    /// # Panics
    /// It does not come back.
    pub fn restart_api_server(&self, meanwhile: impl FnOnce()) {
        let is_it = |(part, _): &mut (&str, Child)| *part == "kube-apiserver";
        let (_, mut child) = self.parts().extract_if(.., is_it).next().expect("an API server");
        child.kill().and_then(|()| child.wait()).expect("it ends");
        meanwhile();
        self.start_part("kube-apiserver");
        self.wait_for("the API server", || self.answers());
    }

    /// Sends a part a signal: `STOP` holds it, with all its connections, `CONT` lets it go on.
    ///
    /// # Panics
    /// There is no such part.
    pub fn signal(&self, part: &str, signal: &str) {
        let id = self.parts().iter().find(|(name, _)| *name == part).map(|(_, child)| child.id()).expect("a part");
        let sent = Command::new("kill").args([&format!("-{signal}"), &id.to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "{signal} for {part}");
    }

    /// Waits until something is so.
    ///
    /// # Panics
    /// It is not so after two minutes.
    pub fn wait_for(&self, what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}:\n{}", self.last_words());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The end of each part's log.
    fn last_words(&self) -> String {
        let parts = self.parts();
        let logs = parts.iter().map(|(part, _)| {
            let log = std::fs::read_to_string(self.folder.join(format!("{part}.log"))).unwrap_or_default();
            let lines: Vec<&str> = log.lines().rev().take(8).collect();
            format!("{part}:\n{}\n", lines.into_iter().rev().collect::<Vec<_>>().join("\n"))
        });
        logs.collect()
    }

    /// kubectl as the admin.
    #[must_use]
    pub fn kubectl<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("kubectl").args(arguments).env("KUBECONFIG", self.kubeconfig(ADMIN)).env("HOME", &self.folder);
        command
    }

    /// The answer of kubectl; nothing where it fails.
    #[must_use]
    pub fn ask(&self, arguments: &[&str]) -> Option<String> {
        let finished = feed(&mut self.kubectl(arguments), b"").expect("kubectl starts");
        (finished.code == Some(0)).then(|| String::from_utf8_lossy(&finished.stdout).trim().to_owned())
    }

    /// Runs kubectl on an input.
    ///
    /// # Panics
    /// It fails.
    pub fn tell(&self, arguments: &[&str], input: &str) {
        let finished = feed(&mut self.kubectl(arguments), input.as_bytes()).expect("kubectl starts");
        assert_eq!(finished.code, Some(0), "kubectl {}: {}", arguments.join(" "), finished.stderr);
    }

    /// Makes or changes objects.
    ///
    /// # Panics
    /// The API server refuses one.
    pub fn apply(&self, namespace: Option<&str>, objects: &[Value]) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
        let namespace = namespace.unwrap_or("default");
        self.tell(&["apply", "--server-side", "--force-conflicts", "-n", namespace, "-f", "-"], &list);
    }

    /// Sets an object's status.
    ///
    /// # Panics
    /// The API server refuses it.
    pub fn set_status(&self, namespace: &str, object: &str, status: &Value) {
        let patch = json!({"status": status}).to_string();
        self.tell(&["patch", "-n", namespace, object, "--subresource=status", "--type=merge", "-p", &patch], "");
    }

    /// A new namespace in which pods can be made.
    ///
    /// # Panics
    /// The cluster does not make it.
    #[must_use]
    pub fn namespace(&self) -> String {
        let name = format!("test-{}", self.namespaces.fetch_add(1, Ordering::Relaxed));
        self.tell(&["create", "namespace", &name], "");
        self.wait_for("a service account", || self.ask(&["get", "-n", &name, "serviceaccount", "default"]).is_some());
        name
    }
}

impl Drop for ControlPlane {
    /// The pipes end with the children's handles, etcd last: it removes the folder when the others are gone.
    fn drop(&mut self) {
        let mut parts = self.parts();
        parts.sort_by_key(|(part, _)| *part == "etcd");
        for (_, child) in parts.iter_mut() {
            drop(child.stdin.take());
            // Nothing can be done about one that does not end.
            let _ = child.wait();
        }
    }
}

fn stages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster/stages.yaml")
}

/// What every test finds: a node, volumes, and the rights of the users.
fn first_objects() -> Vec<Value> {
    let rights = |verbs: &[&str]| json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": verbs}]);
    let group = "rbac.authorization.k8s.io";
    let user = |name: &str, verbs: &[&str]| {
        let meta = json!({"name": name});
        [
            json!({"apiVersion": format!("{group}/v1"), "kind": "ClusterRole", "metadata": meta, "rules": rights(verbs)}),
            json!({"apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding", "metadata": meta,
                "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
                "subjects": [{"apiGroup": group, "kind": "User", "name": name}]}),
        ]
    };
    let mut objects = vec![
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node"}}),
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": STORAGE_CLASS},
            "provisioner": "kubernetes.io/no-provisioner"}),
    ];
    objects.extend(user(VIEWER, &["get", "list"]));
    objects.extend(user(WATCHER, &["get", "list", "watch"]));
    objects.extend((0..20).map(|number| {
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("volume-{number}")},
            "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": STORAGE_CLASS,
                "persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": "/nowhere"}}})
    }));
    objects
}
