//! A look at the cluster on behalf of a plugin: the objects it was granted and no others, read only.
//!
//! The attack this stops: a plugin reads with its user's rights, which are wide, what the user did not name: another
//! namespace's Secrets, a subresource such as a pod's log, or another path of the API server altogether. So:
//!
//! - a plugin names a resource and a namespace in the form of the grants, which has no place for a path; a name is one
//!   segment of a path and no more; whatever has a meaning in a URL is escaped on top;
//! - verb, resource, version, group and namespace must be those of a grant, before anything is sent;
//! - only GET is ever sent, and no redirect is followed;
//! - requests, bytes and time are limited, for each call and together.
//!
//! What the API server may be asked with is the user's kubeconfig, whose credential plugins run as under kubectl.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use windlass_abi::capabilities::{Capability, KubeTarget, Request as CapabilityRequest};

use crate::cluster::{Allowance, Cluster, Connection, RequestFailure, escape, without_ballast};
use crate::error::Error;
use crate::sandbox::grants::{Grants, not_granted};

/// Requests of one run; a long list takes one for each 500 objects.
const MAX_REQUESTS: u64 = 256;
/// Bytes of the answers to one call.
const MAX_ANSWER: u64 = 16 << 20;
/// Bytes of all answers of one run.
const MAX_TRAFFIC: u64 = 128 << 20;
/// Time for one call. The run's own deadline may be nearer.
const MAX_TIME: Duration = Duration::from_secs(30);
/// Bytes of an object's name, as Kubernetes has it.
const MAX_NAME: usize = 253;
/// Bytes of a label selector.
const MAX_SELECTOR: usize = 4 << 10;

/// The cluster of one run of one plugin: what it was granted and what it has used up.
pub(crate) struct Kube {
    grants: Grants,
    connection: Connection,
    requests_left: u64,
    traffic_left: u64,
    // Made with the first call: a run without one never starts a runtime and never reads a kubeconfig.
    connected: Option<(tokio::runtime::Runtime, Cluster)>,
}

impl Kube {
    /// What `grants` open of the cluster that `connection` leads to.
    pub(crate) fn new(grants: &Grants, connection: &Connection) -> Self {
        Self {
            grants: grants.clone(),
            connection: connection.clone(),
            requests_left: MAX_REQUESTS,
            traffic_left: MAX_TRAFFIC,
            connected: None,
        }
    }

    /// One object as JSON, without what is only for the API server; none if there is no such object or resource.
    /// `from` is `RESOURCE.VERSION[.GROUP][/NAMESPACE]`.
    ///
    /// # Errors
    /// `from` or `name` is malformed (exit 1), no grant covers it or the API server refuses (exit 3), a limit is hit
    /// (exit 4), the kubeconfig is unusable (exit 2), or the API server cannot be reached (exit 5).
    pub(crate) fn get(&mut self, from: &str, name: &str, deadline: Instant) -> Result<Option<Vec<u8>>, Error> {
        let target = self.granted("get", from)?;
        if !is_segment(name) {
            return Err(Error::refused(format!("the plugin wants {from}, and {name:?} is no name of an object")));
        }
        let path = format!("{}/{}", collection(&target), escape(name));
        let what = format!("get `{name}` of {from} for the plugin");
        let found = self.call(&what, deadline, async |cluster| cluster.get(&path, &[]).await)?;
        found.map(|object| answer(&without_ballast(object))).transpose()
    }

    /// All objects as a JSON array; none if there is no such resource. A namespace that `from` does not name means all
    /// of them. An empty selector selects all.
    ///
    /// # Errors
    /// As [`Kube::get`].
    pub(crate) fn list(&mut self, from: &str, selector: &str, deadline: Instant) -> Result<Option<Vec<u8>>, Error> {
        let target = self.granted("list", from)?;
        if selector.len() > MAX_SELECTOR {
            return Err(Error::limit(format!("the plugin's label selector is longer than {MAX_SELECTOR} bytes")));
        }
        let path = collection(&target);
        let selectors = [("labelSelector", selector)];
        let selectors = if selector.is_empty() { &selectors[..0] } else { &selectors[..] };
        let what = format!("list {from} for the plugin");
        let found = self.call(&what, deadline, async |cluster| cluster.list(&path, selectors, &mut |_| true).await)?;
        found.map(|listed| answer(&Value::Array(listed.items))).transpose()
    }

    /// What the plugin names, if it was granted.
    fn granted(&self, verb: &str, from: &str) -> Result<KubeTarget, Error> {
        let asked = CapabilityRequest::parse(Capability::Kube, &format!("{verb}:{from}"))
            .map_err(|error| Error::refused(format!("the plugin wants to {verb} objects: {error}")))?;
        if !self.grants.cover(&asked) {
            return Err(not_granted(format!("the plugin wants to {verb} {from}, and no grant allows it"), [&asked]));
        }
        match asked {
            CapabilityRequest::Kube(target) => Ok(target),
            _ => Err(Error::bug("a look at the cluster was read as something else")),
        }
    }

    /// Connects, the first time, and asks within the limits.
    fn call<T>(
        &mut self,
        what: &str,
        deadline: Instant,
        ask: impl AsyncFnOnce(Cluster) -> Result<T, RequestFailure>,
    ) -> Result<Option<T>, Error> {
        let time = deadline.saturating_duration_since(Instant::now()).min(MAX_TIME);
        let too_slow = || {
            Error::limit(format!("cannot {what}: it took longer than {} s", time.as_secs_f32().ceil()))
                .hint("check that the API server answers, or give the plugin more time with `--timeout`")
        };
        let (runtime, cluster) = match self.connected.take() {
            Some(connected) => connected,
            None => connect(&self.connection, time).unwrap_or_else(|| Err(too_slow()))?,
        };
        let bytes = MAX_ANSWER.min(self.traffic_left);
        let allowance = Arc::new(Allowance::new(self.requests_left, bytes));
        let limited = cluster.within(Arc::clone(&allowance));
        let result = runtime.block_on(async { tokio::time::timeout(time, ask(limited)).await });
        self.connected = Some((runtime, cluster));
        let (requests_left, bytes_left) = allowance.left();
        self.requests_left = requests_left;
        self.traffic_left = self.traffic_left.saturating_sub(bytes - bytes_left);
        match result {
            Ok(Ok(answer)) => Ok(Some(answer)),
            Ok(Err(RequestFailure::NotFound)) => Ok(None),
            Ok(Err(failure)) => Err(failure.into_error(what)),
            Err(_) => Err(too_slow()),
        }
    }
}

/// A runtime with a connection; none where that takes longer than `time`. A credential plugin of the kubeconfig runs on
/// a thread of its own, which is left behind when it does not come back.
fn connect(connection: &Connection, time: Duration) -> Option<Result<(tokio::runtime::Runtime, Cluster), Error>> {
    let bug =
        |error: &dyn std::fmt::Display| Error::bug(format!("the runtime for the cluster does not start: {error}"));
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Some(Err(bug(&error))),
    };
    let connection = connection.clone();
    let connecting = async {
        let here = tokio::runtime::Handle::current();
        let connected = tokio::task::spawn_blocking(move || here.block_on(Cluster::connect(&connection)));
        tokio::time::timeout(time, connected).await
    };
    match runtime.block_on(connecting) {
        Ok(Ok(Ok(cluster))) => Some(Ok((runtime, cluster))),
        Ok(Ok(Err(error))) => Some(Err(error)),
        Ok(Err(error)) => Some(Err(bug(&error))),
        Err(_) => {
            runtime.shutdown_background();
            None
        }
    }
}

/// The path of the collection. Every part of a target is a DNS name; that of a namespace has no dots.
fn collection(target: &KubeTarget) -> String {
    let mut path = match target.group.as_str() {
        "" => format!("/api/{}", escape(&target.version)),
        group => format!("/apis/{}/{}", escape(group), escape(&target.version)),
    };
    if let Some(namespace) = &target.namespace {
        path.push_str("/namespaces/");
        path.push_str(&escape(namespace));
    }
    path.push('/');
    path.push_str(&escape(&target.resource));
    path
}

/// Whether a name can be one segment of a path, by the rule of the API server itself.
fn is_segment(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME
        && !matches!(name, "." | "..")
        && !name.chars().any(|letter| matches!(letter, '/' | '%' | '\\' | '?' | '#') || letter.is_control())
}

fn answer(value: &Value) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::bug(format!("an object is no JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ExitCode;

    /// Everything here is refused before a kubeconfig is read: there is none.
    #[track_caller]
    fn check_refused(
        grant: &str,
        ask: impl FnOnce(&mut Kube, Instant) -> Result<Option<Vec<u8>>, Error>,
        code: ExitCode,
        says: &str,
    ) {
        let mut grants = Grants::default();
        grants.allow(Capability::Kube, grant).unwrap();
        let connection = Connection { kubeconfig: Some("/nowhere/kubeconfig".into()), context: None };
        let error = ask(&mut Kube::new(&grants, &connection), Instant::now() + MAX_TIME).unwrap_err();
        let text = format!("{error} {}", error.hints().join(" "));
        assert_eq!(error.exit_code(), code, "{text}");
        assert!(text.contains(says), "{text:?} does not contain {says:?}");
    }

    #[test]
    fn only_what_was_granted_is_asked_for() {
        let get = |from: &'static str| move |kube: &mut Kube, until| kube.get(from, "a", until);
        let list = |from: &'static str| move |kube: &mut Kube, until| kube.list(from, "", until);
        let denied = ExitCode::Denied;
        check_refused("get:secrets.v1/web", get("secrets.v1/shop"), denied, "`--allow-kube get:secrets.v1/shop`");
        check_refused("get:secrets.v1/web", get("secrets.v1"), denied, "`--allow-kube get:secrets.v1`");
        check_refused("get:secrets.v1/web", get("configmaps.v1/web"), denied, "no grant allows it");
        check_refused("get:secrets.v1/web", list("secrets.v1/web"), denied, "`--allow-kube list:secrets.v1/web`");
        check_refused("list:secrets.v1", get("secrets.v1/web"), denied, "`--allow-kube get:secrets.v1/web`");
        check_refused("get:pods.v1", get("pods.v1.metrics.k8s.io"), denied, "no grant allows it");
        check_refused("get:pods.v1", get("pods.v1beta1"), denied, "no grant allows it");
        // What was granted goes on to the kubeconfig.
        check_refused("list:pods.v1", list("pods.v1/web"), ExitCode::Usage, "no usable kubeconfig");
    }

    #[test]
    fn there_is_no_way_to_another_path() {
        for from in [
            "pods.v1/web/log",
            "pods.v1/..",
            "pods.v1/web%2Fx",
            "../pods.v1",
            "pods/log.v1",
            "pods.v1/web?watch=1",
            "",
            "pods",
        ] {
            let ask = move |kube: &mut Kube, until| kube.get(from, "a", until);
            check_refused("get:pods.v1", ask, ExitCode::Refused, "the plugin wants to get objects");
        }
        for name in
            ["", ".", "..", "../secrets/a", "a/log", "a%2Flog", "a?watch=1", "a#", "a\\b", "a\n", &"a".repeat(254)]
        {
            let ask = |kube: &mut Kube, until| kube.get("pods.v1/web", name, until);
            check_refused("get:pods.v1", ask, ExitCode::Refused, "is no name of an object");
        }
        let long = "a".repeat(MAX_SELECTOR + 1);
        let ask = |kube: &mut Kube, until| kube.list("pods.v1", &long, until);
        check_refused("list:pods.v1", ask, ExitCode::Limit, "longer than 4096 bytes");
    }

    #[test]
    fn paths() {
        for (target, path) in [
            ("get:nodes.v1", "/api/v1/nodes"),
            ("get:pods.v1/web", "/api/v1/namespaces/web/pods"),
            ("list:certificates.v1.cert-manager.io/web", "/apis/cert-manager.io/v1/namespaces/web/certificates"),
        ] {
            let Ok(CapabilityRequest::Kube(target)) = CapabilityRequest::parse(Capability::Kube, target) else {
                panic!("{target}")
            };
            assert_eq!(collection(&target), path);
        }
    }
}
