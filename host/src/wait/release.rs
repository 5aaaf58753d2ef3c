//! Which objects a release has: its manifest as Helm stores it, or a stream of one's own.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::read::GzDecoder;
use serde_json::Value;
use windlass_manifest::{Manifests, read_text};

use super::selector::LabelSelector;
use super::{ObjectKey, Wanted};
use crate::cluster::{Cluster, RequestFailure, escape};
use crate::error::Error;
use crate::input::budget_to_read;
use crate::limits::ByteSize;
use crate::limits::table::MAX_RELEASE;

/// Where Helm keeps releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// Secrets, Helm's default.
    Secret,
    /// ConfigMaps.
    ConfigMap,
}

impl Driver {
    /// The driver that `HELM_DRIVER` names; `None` where it names none, so that both are tried.
    ///
    /// # Errors
    /// It names one that is not in the cluster (exit 2).
    pub fn from_environment(value: Option<&str>) -> Result<Option<Self>, Error> {
        match value.map(str::trim).unwrap_or_default() {
            "" => Ok(None),
            "secret" | "secrets" => Ok(Some(Driver::Secret)),
            "configmap" | "configmaps" => Ok(Some(Driver::ConfigMap)),
            other => Err(Error::usage(format!(
                "HELM_DRIVER is `{other}`, and releases are read from Secrets and ConfigMaps only"
            ))
            .hint("pass the manifest instead: `helm get manifest RELEASE | windlass wait`")),
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Driver::Secret => "secrets",
            Driver::ConfigMap => "configmaps",
        }
    }
}

/// A release as Helm stored it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its name.
    pub name: String,
    /// Its revision, counted from 1.
    pub revision: u64,
    /// `deployed`, `failed`, `pending-upgrade`...
    pub status: String,
    /// What Helm says about how it got there: `Upgrade "web" failed: ...`.
    pub description: String,
    /// The manifest without hooks; empty where the release has none.
    pub manifest: String,
    /// Its hooks.
    pub hooks: Vec<Hook>,
}

impl Release {
    /// Whether Helm has done all it had to do, and nothing has come after it.
    pub fn is_deployed(&self) -> bool {
        self.status == "deployed"
    }

    /// Whether it stays as it is until somebody does something.
    pub fn has_failed(&self) -> bool {
        self.status == "failed"
    }
}

/// A hook of a release.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct Hook {
    /// `migrate`.
    pub name: String,
    /// `Job`.
    pub kind: String,
    /// Its manifest.
    pub manifest: String,
    /// When it runs: `pre-upgrade`...
    pub events: Vec<String>,
    last_run: Option<LastRun>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
struct LastRun {
    phase: Option<String>,
}

impl Hook {
    /// `Running`, `Succeeded`, `Failed`; empty where it has not run.
    pub fn phase(&self) -> &str {
        self.last_run.as_ref().and_then(|run| run.phase.as_deref()).unwrap_or_default()
    }
}

/// Reads a release, the newest revision unless one is named.
///
/// # Errors
/// There is no such release (exit 2), it cannot be read (exit 3 or 5), or what is stored is no release (exit 2).
pub async fn read(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    revision: Option<u64>,
    driver: Option<Driver>,
) -> Result<Release, Error> {
    let drivers = driver.map_or_else(|| vec![Driver::Secret, Driver::ConfigMap], |driver| vec![driver]);
    let mut refused = None;
    for driver in drivers {
        match find(cluster, namespace, name, revision, driver).await {
            Ok(Some(stored)) => {
                return decode(&stored, driver).map_err(|problem| {
                    let (plural, object) = (driver.plural(), stored["metadata"]["name"].as_str().unwrap_or_default());
                    Error::usage(format!("{plural}/{object} in the namespace {namespace} is not a release: {problem}"))
                        .hint("`helm get manifest` may still read it; pass its output to `windlass wait -f -`")
                });
            }
            Ok(None) => {}
            // The right to read ConfigMaps is more common than that to read Secrets: look there before giving up.
            Err(failure @ RequestFailure::Forbidden(_)) if refused.is_none() => refused = Some((driver, failure)),
            Err(RequestFailure::Forbidden(_)) => {}
            Err(failure) => return Err(failure.into_error(&format!("read the release `{name}`"))),
        }
    }
    if let Some((driver, failure)) = refused {
        let what = format!("list {} in the namespace {namespace}, where Helm keeps releases", driver.plural());
        return Err(failure.into_error(&what).hint("or pass the manifest: `windlass wait -f FILE`"));
    }
    let of = revision.map(|revision| format!("revision {revision} of ")).unwrap_or_default();
    Err(Error::usage(format!("there is no {of}release `{name}` in the namespace {namespace}"))
        .hint("`helm list --all-namespaces --all` shows all releases; `--namespace` chooses where to look"))
}

/// The newest revision of every release, of one namespace or of all; by namespace and name.
///
/// # Errors
/// As [`read`]; what is stored as a release and is none is passed over.
pub async fn read_all(
    cluster: &Cluster,
    namespace: Option<&str>,
    driver: Option<Driver>,
) -> Result<Vec<(String, Release)>, Error> {
    let drivers = driver.map_or_else(|| vec![Driver::Secret, Driver::ConfigMap], |driver| vec![driver]);
    let mut newest: BTreeMap<(String, String), (u64, Driver, Value)> = BTreeMap::new();
    let mut refused = None;
    for driver in drivers {
        let place = namespace.map(|namespace| format!("/namespaces/{}", escape(namespace))).unwrap_or_default();
        let path = format!("/api/v1{place}/{}", driver.plural());
        match cluster.list(&path, &[("labelSelector", "owner=helm")], &mut |_| true).await {
            Ok(listed) => {
                for item in listed.items {
                    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                    let key = (text(&item["metadata"]["namespace"]), text(&item["metadata"]["labels"]["name"]));
                    let version = version(&item);
                    if newest.get(&key).is_none_or(|(known, ..)| version > *known) {
                        newest.insert(key, (version, driver, item));
                    }
                }
            }
            Err(failure @ RequestFailure::Forbidden(_)) => {
                refused.get_or_insert((driver, failure));
            }
            Err(failure) => return Err(failure.into_error("read the releases")),
        }
    }
    if let Some((driver, failure)) = refused.filter(|_| newest.is_empty()) {
        let what = format!("list {}, where Helm keeps releases", driver.plural());
        return Err(failure.into_error(&what));
    }
    let decoded = newest.into_iter().filter_map(|((namespace, _), (_, driver, item))| {
        decode(&item, driver).ok().map(|release| (namespace, release))
    });
    Ok(decoded.collect())
}

/// The newest revision of a release and its status, by the labels of what is stored; none where that cannot be seen.
pub async fn newest(cluster: &Cluster, namespace: &str, name: &str, driver: Option<Driver>) -> Option<(u64, String)> {
    let drivers = driver.map_or_else(|| vec![Driver::Secret, Driver::ConfigMap], |driver| vec![driver]);
    let selector = format!("owner=helm,name={name}");
    for driver in drivers {
        let path = format!("/api/v1/namespaces/{}/{}", escape(namespace), driver.plural());
        let Ok(items) = cluster.metadata(&path, &[("labelSelector", &selector)]).await else { continue };
        let status = |item: &Value| item["metadata"]["labels"]["status"].as_str().unwrap_or("deployed").to_owned();
        if let Some(item) = items.iter().max_by_key(|item| version(item)) {
            return Some((version(item), status(item)));
        }
    }
    None
}

async fn find(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    revision: Option<u64>,
    driver: Driver,
) -> Result<Option<Value>, RequestFailure> {
    let path = format!("/api/v1/namespaces/{}/{}", escape(namespace), driver.plural());
    // Each revision may be a megabyte: only the newest is kept.
    let mut newest = 0;
    let mut keep = |item: &Value| {
        let version = version(item);
        let wanted = revision.map_or(version > newest, |revision| version == revision);
        if wanted {
            newest = version;
        }
        wanted
    };
    let selector = format!("owner=helm,name={name}");
    let listed = cluster.list(&path, &[("labelSelector", &selector)], &mut keep).await?;
    Ok(listed.items.into_iter().max_by_key(version))
}

fn version(item: &Value) -> u64 {
    item["metadata"]["labels"]["version"].as_str().and_then(|version| version.parse().ok()).unwrap_or(0)
}

/// Helm's encoding: JSON, gzipped, in base64; in a Secret once more, as every Secret's data is.
fn decode(stored: &Value, driver: Driver) -> Result<Release, String> {
    let text = stored["data"]["release"].as_str().ok_or("it has no `data.release`")?;
    let mut bytes = BASE64.decode(text.trim()).map_err(|error| format!("its data is not base64: {error}"))?;
    if driver == Driver::Secret {
        bytes = BASE64.decode(bytes.trim_ascii()).map_err(|error| format!("its data is not base64: {error}"))?;
    }
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        GzDecoder::new(bytes.as_slice())
            .take(MAX_RELEASE + 1)
            .read_to_end(&mut unpacked)
            .map_err(|error| format!("it cannot be unpacked: {error}"))?;
        if unpacked.len() as u64 > MAX_RELEASE {
            return Err(format!("it unpacks to more than {}", ByteSize(MAX_RELEASE)));
        }
        bytes = unpacked;
    }
    let stored: Stored = serde_json::from_slice(&bytes).map_err(|error| format!("it is not JSON: {error}"))?;
    if stored.name.is_empty() {
        return Err("it has no name".to_owned());
    }
    let info = stored.info.unwrap_or_default();
    Ok(Release {
        name: stored.name,
        revision: stored.version,
        status: info.status.unwrap_or_else(|| "unknown".to_owned()),
        description: info.description.unwrap_or_default(),
        manifest: stored.manifest.unwrap_or_default(),
        hooks: stored.hooks.unwrap_or_default(),
    })
}

/// What is read of a stored release. The rest, its chart and values, may be much and is passed over.
#[derive(serde::Deserialize)]
struct Stored {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: u64,
    info: Option<Info>,
    manifest: Option<String>,
    hooks: Option<Vec<Hook>>,
}

#[derive(Default, serde::Deserialize)]
struct Info {
    status: Option<String>,
    description: Option<String>,
}

/// Which objects of a stream are meant.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Hooks, and nothing else; without it, hooks are left out.
    pub hooks: bool,
    /// Those with such labels.
    pub selector: Option<LabelSelector>,
}

/// What a stream has.
#[derive(Debug, Default)]
pub struct Contents {
    /// The objects to wait for, each once, in order.
    pub wanted: Vec<Wanted>,
    /// A text for each object that cannot be waited for.
    pub warnings: Vec<String>,
    /// How many were left out: hooks, or what is no hook where hooks are meant.
    pub others: usize,
    /// How many were left out by their labels.
    pub unselected: usize,
}

impl Contents {
    /// Why there is nothing to wait for.
    pub fn why_empty(&self, choice: &Choice) -> String {
        let mut reasons = Vec::new();
        if !self.warnings.is_empty() {
            let count = self.warnings.len();
            reasons.push(format!("{count} without a name (a generateName?), kind or apiVersion"));
        }
        match (self.others, choice.hooks) {
            (0, _) => {}
            (count, true) => reasons.push(format!("{count} that are no hooks")),
            (count, false) => reasons.push(format!("{count} hooks, which `--hooks` waits for")),
        }
        if self.unselected > 0 {
            reasons.push(format!("{} that the selector does not match", self.unselected));
        }
        if reasons.is_empty() { "no objects at all".to_owned() } else { reasons.join(", ") }
    }
}

/// The objects of a stream.
///
/// Hooks are no part of a release: Helm waits for them itself while it runs them.
///
/// # Errors
/// The stream is not YAML, or a document is not an object (exit 2).
pub fn objects(stream: Vec<u8>, namespace: &str, choice: &Choice) -> Result<Contents, Error> {
    let mut contents = Contents::default();
    let mut seen = std::collections::HashSet::new();
    let unreadable = |error: windlass_manifest::Error| Error::usage(format!("the manifest cannot be read: {error}"));
    let text = String::from_utf8(stream).map_err(|error| match Manifests::from_bytes(error.into_bytes()) {
        // It knows the line.
        Err(error) => unreadable(error),
        Ok(_) => Error::usage("the manifest cannot be read: it is not UTF-8"),
    })?;
    let budget = budget_to_read(text.len());
    let visited: Result<(), windlass_manifest::Error> = read_text(&text, &budget, |object| {
        if object.annotation("helm.sh/hook").is_some() != choice.hooks {
            contents.others += 1;
            return Ok(());
        }
        let (api_version, kind, name) = (object.api_version(), object.kind(), object.name());
        let texts = [api_version, kind, name, object.namespace().unwrap_or(namespace)];
        // Each text is kept twice; an error of the visit would need a place, the next charge of the reader has one.
        if budget.bytes(texts.iter().map(|text| 2 * text.len()).sum::<usize>() + 2 * size_of::<Wanted>()).is_err() {
            return Ok(());
        }
        if name.is_empty() || kind.is_empty() || api_version.is_empty() {
            let warning = format!("{} has no name, kind or apiVersion and is not waited for", object.describe());
            contents.warnings.push(warning);
            return Ok(());
        }
        let desired = object.root().to_value_within(&budget)?.to_json();
        if let Some(selector) = &choice.selector {
            let desired: Value = serde_json::from_str(&desired).unwrap_or_default();
            if !selector.selects(&desired["metadata"]["labels"]) {
                contents.unselected += 1;
                return Ok(());
            }
        }
        let key = ObjectKey {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: object.namespace().filter(|own| !own.is_empty()).unwrap_or(namespace).to_owned(),
            name: name.to_owned(),
        };
        if seen.insert(key.clone()) {
            let desired = Some(Arc::from(desired));
            contents.wanted.push(Wanted { key, desired, is_done: false, condition: None });
        }
        Ok(())
    });
    visited.map_err(unreadable)?;
    if let Some(exhausted) = budget.spent() {
        return Err(Error::limit(format!("the manifest cannot be read: {exhausted}")));
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::json;
    use std::io::Write as _;

    fn packed(release: &Value) -> String {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(release.to_string().as_bytes()).expect("memory");
        BASE64.encode(encoder.finish().expect("memory"))
    }

    #[test]
    fn both_drivers_are_decoded() {
        let release = json!({"name": "web", "version": 3, "info": {"status": "deployed"}, "manifest": "a: 1\n"});
        let expected = Release {
            name: "web".into(),
            revision: 3,
            status: "deployed".into(),
            description: String::new(),
            manifest: "a: 1\n".into(),
            hooks: Vec::new(),
        };
        let text = packed(&release);
        let config_map = json!({"data": {"release": text}});
        assert_eq!(decode(&config_map, Driver::ConfigMap), Ok(expected.clone()));
        let secret = json!({"data": {"release": BASE64.encode(&text)}});
        assert_eq!(decode(&secret, Driver::Secret), Ok(expected));
        for (broken, problem) in [
            (json!({}), "it has no `data.release`"),
            (json!({"data": {"release": "%"}}), "its data is not base64: Invalid symbol 37, offset 0."),
            (json!({"data": {"release": packed(&json!({}))}}), "it has no name"),
        ] {
            assert_eq!(decode(&broken, Driver::ConfigMap), Err(problem.to_owned()));
        }
    }

    #[test]
    fn objects_are_listed_once_without_hooks() {
        let stream = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n\
            apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: hook\n  annotations: {helm.sh/hook: test}\n---\n\
            apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: b, namespace: other}\n---\n\
            apiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}\n";
        let read = |choice: &Choice| {
            let contents = objects(stream.as_bytes().to_vec(), "here", choice).expect("a stream");
            let found: Vec<String> =
                contents.wanted.iter().map(|one| format!("{} in {}", one.key, one.key.namespace)).collect();
            (found, contents.warnings.len(), contents.why_empty(choice))
        };
        let (found, warnings, why) = read(&Choice::default());
        assert_eq!(found, ["ConfigMap/a in here", "Secret/b in other"]);
        assert_eq!(warnings, 1);
        assert!(why.contains("1 without a name") && why.contains("1 hooks"), "{why}");
        assert_eq!(read(&Choice { hooks: true, ..Choice::default() }).0, ["Job/hook in here"]);
        let selector = LabelSelector::parse("app").expect("a selector");
        assert_eq!(read(&Choice { selector: Some(selector), ..Choice::default() }).0, Vec::<String>::new());
    }
}
