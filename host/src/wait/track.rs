//! The loop: what the followers find comes in, the judge is asked, and somewhere it ends.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};
use windlass_kstatus::{Flavor, Status, Verdict, parse_rfc3339, pods};

use super::discovery::Discovery;
use super::explain::{Reasons, belongs, explain};
use super::follow::{Change, Group, Shared, follow};
use super::judge::Judge;
use super::selector::selects;
use super::{Ending, Goal, ObjectKey, Progress, Row};
use crate::cluster::Cluster;
use crate::error::Error;

/// How often a table is drawn at most, and how often objects are looked at again whose status depends on the time.
const TICK: Duration = Duration::from_millis(250);
/// How many lists run at once.
const LISTS_AT_ONCE: usize = 8;
/// How many changes wait for the loop. A follower that finds more waits itself, so that nothing piles up.
const CHANGES_AT_ONCE: usize = 256;

/// What to wait for, and how.
pub struct Plan {
    /// The objects.
    pub objects: Vec<ObjectKey>,
    /// When it is over.
    pub goal: Goal,
    /// How long to wait at most.
    pub timeout: Duration,
    /// A Job is ready only when it is complete.
    pub wait_for_jobs: bool,
    /// Ends with the first object that has failed.
    pub fail_fast: bool,
    /// Also collects the pods of workloads, for a tree.
    pub with_pods: bool,
}

/// What the wait came to.
pub struct Summary {
    /// How it ended.
    pub ending: Ending,
    /// All objects, in the order of the plan.
    pub rows: Vec<Row>,
    /// Why those that are not ready are not, by their place in `rows`.
    pub reasons: BTreeMap<usize, Reasons>,
    /// The pods of each workload with their statuses, by its place in `rows`; empty unless asked for.
    pub pods: BTreeMap<usize, Vec<Row>>,
    /// How long it took.
    pub elapsed: Duration,
    /// Why the server could not be reached, where the wait ended that way.
    pub disconnected: Option<String>,
}

/// Waits.
///
/// # Errors
///
/// A permission is missing (exit 3), the first contact with the server fails (exit 5), or the judge fails.
pub async fn track(
    cluster: Cluster,
    plan: Plan,
    judge: Arc<Judge>,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Summary, Error> {
    let begun = Instant::now();
    let shared = Arc::new(Shared {
        cluster: cluster.clone(),
        discovery: Discovery::default(),
        lists: Semaphore::new(LISTS_AT_ONCE),
        once: plan.goal == Goal::Look,
    });
    let mut tracker = Tracker::new(plan, judge);
    let (sender, mut receiver) = mpsc::channel(CHANGES_AT_ONCE);
    let mut followers = Vec::new();
    for (id, group) in tracker.groups.iter().enumerate() {
        followers.push(tokio::spawn(follow(id, group.group.clone(), Arc::clone(&shared), sender.clone())));
    }
    // When every follower is done, the channel closes.
    drop(sender);
    let ended = tracker.run(&mut receiver, begun, tell).await;
    followers.iter().for_each(tokio::task::JoinHandle::abort);
    let ending = ended?;

    let reasons = match ending {
        Ending::Reached | Ending::Interrupted | Ending::Disconnected => BTreeMap::new(),
        // Nobody waits longer for an explanation than for the objects.
        Ending::Failed | Ending::NotYet => {
            let rows = &tracker.rows;
            let explanation = explain(&cluster, &shared.discovery, rows, |index| tracker.object(index));
            tokio::time::timeout(Duration::from_secs(20), explanation).await.unwrap_or_default()
        }
    };
    let pods = tracker.pods_of_workloads();
    Ok(Summary {
        ending,
        reasons,
        pods,
        elapsed: begun.elapsed(),
        disconnected: tracker.disconnected(),
        rows: tracker.rows,
    })
}

/// A followed group and where its objects stand in the rows.
struct Followed {
    group: Group,
    rows: HashMap<String, usize>,
    is_listed: bool,
    unreachable: Option<String>,
    /// Its absence is a nuisance, not the end: pods that are looked at for the sake of their controllers.
    is_helpful: bool,
}

struct Tracker {
    plan: Plan,
    judge: Arc<Judge>,
    rows: Vec<Row>,
    objects: Vec<Option<Arc<Value>>>,
    groups: Vec<Followed>,
    /// Pods by namespace and name, where controllers need them.
    pods: BTreeMap<String, BTreeMap<String, Arc<Value>>>,
    dirty: BTreeSet<usize>,
    has_heard: bool,
    warned: BTreeSet<String>,
}

/// A row to be judged: its object and, where they count, its pods.
struct Question {
    index: usize,
    object: Arc<Value>,
    pods: Vec<Arc<Value>>,
}

impl Tracker {
    fn new(plan: Plan, judge: Arc<Judge>) -> Self {
        let mut groups: BTreeMap<(String, String, String), Followed> = BTreeMap::new();
        let mut namespaces_with_controllers = BTreeSet::new();
        for (index, key) in plan.objects.iter().enumerate() {
            let place = (key.api_version.clone(), key.kind.clone(), key.namespace.clone());
            let followed = groups.entry(place).or_insert_with(|| Followed {
                group: Group {
                    api_version: key.api_version.clone(),
                    kind: key.kind.clone(),
                    namespace: key.namespace.clone(),
                    names: Some(BTreeSet::new()),
                },
                rows: HashMap::new(),
                is_listed: false,
                unreachable: None,
                is_helpful: false,
            });
            followed.group.names.get_or_insert_default().insert(key.name.clone());
            followed.rows.insert(key.name.clone(), index);
            let counts = match plan.goal {
                Goal::Gone => false,
                Goal::Ready | Goal::Look => {
                    matches!(key.kind.as_str(), "StatefulSet" | "ReplicaSet")
                        || (plan.with_pods && is_workload(&key.kind))
                }
            };
            if counts {
                namespaces_with_controllers.insert(key.namespace.clone());
            }
        }
        let mut groups: Vec<Followed> = groups.into_values().collect();
        for namespace in namespaces_with_controllers {
            // Pods of the release in that namespace come with all others: one list, one watch.
            groups.retain(|followed| {
                let group = &followed.group;
                !(group.kind == "Pod" && group.api_version == "v1" && group.namespace == namespace)
            });
            let rows = plan
                .objects
                .iter()
                .enumerate()
                .filter(|(_, key)| key.kind == "Pod" && key.api_version == "v1" && key.namespace == namespace);
            let rows: HashMap<String, usize> = rows.map(|(index, key)| (key.name.clone(), index)).collect();
            groups.push(Followed {
                group: Group { api_version: "v1".to_owned(), kind: "Pod".to_owned(), namespace, names: None },
                is_helpful: rows.is_empty(),
                rows,
                is_listed: false,
                unreachable: None,
            });
        }
        let unknown = || Verdict::plain(Status::Unknown, "not looked at yet");
        let row = |key: &ObjectKey| Row { key: key.clone(), verdict: unknown(), age: None, is_known: false };
        let rows: Vec<Row> = plan.objects.iter().map(row).collect();
        Tracker {
            objects: vec![None; rows.len()],
            rows,
            plan,
            judge,
            groups,
            pods: BTreeMap::new(),
            dirty: BTreeSet::new(),
            has_heard: false,
            warned: BTreeSet::new(),
        }
    }

    fn object(&self, index: usize) -> Option<&Value> {
        self.objects.get(index)?.as_deref()
    }

    fn disconnected(&self) -> Option<String> {
        self.groups.iter().find_map(|followed| followed.unreachable.clone())
    }

    async fn run(
        &mut self,
        receiver: &mut mpsc::Receiver<(usize, Change)>,
        begun: Instant,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Ending, Error> {
        let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
        let mut deadline = std::pin::pin!(tokio::time::sleep(self.plan.timeout));
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if let Some(ending) = self.ending() {
                return Ok(ending);
            }
            tokio::select! {
                biased;
                _ = &mut interrupt => return Ok(Ending::Interrupted),
                () = &mut deadline => return Ok(self.timed_out()),
                change = receiver.recv() => match change {
                    Some((id, change)) => {
                        self.apply(id, change, tell)?;
                        // What has come in meanwhile is judged together, each object once.
                        while let Ok((id, change)) = receiver.try_recv() {
                            self.apply(id, change, tell)?;
                        }
                        let answers = tokio::select! {
                            biased;
                            _ = &mut interrupt => return Ok(Ending::Interrupted),
                            () = &mut deadline => return Ok(self.timed_out()),
                            answers = ask(Arc::clone(&self.judge), self.questions(), self.plan.wait_for_jobs) => answers?,
                        };
                        self.take(answers, tell);
                    }
                    None => return Ok(self.ending().unwrap_or(Ending::NotYet)),
                },
                _ = ticks.tick() => {
                    self.refresh();
                    let answers = ask(Arc::clone(&self.judge), self.questions(), self.plan.wait_for_jobs).await?;
                    self.take(answers, tell);
                    tell(Progress::Table { rows: &self.rows, elapsed: begun.elapsed() });
                }
            }
        }
    }

    /// Whether it is over.
    fn ending(&self) -> Option<Ending> {
        let goal = self.plan.goal;
        let has_failed = |row: &Row| goal != Goal::Gone && row.verdict.status == Status::Failed;
        if self.plan.fail_fast && self.rows.iter().any(has_failed) {
            return Some(Ending::Failed);
        }
        // Pods may make a controller fail: nothing is decided before they were seen.
        if !self.groups.iter().all(|followed| followed.is_listed) {
            return None;
        }
        if self.rows.iter().all(|row| row.has_reached(goal)) {
            return Some(Ending::Reached);
        }
        // A failed object is final, as under `helm --wait`, but the others are waited for.
        let is_over = |row: &Row| row.has_reached(goal) || has_failed(row);
        if self.rows.iter().all(is_over) {
            return Some(Ending::Failed);
        }
        match goal {
            Goal::Look if self.rows.iter().any(has_failed) => Some(Ending::Failed),
            Goal::Look => Some(Ending::NotYet),
            _ => None,
        }
    }

    fn timed_out(&self) -> Ending {
        let has_failed = |row: &Row| self.plan.goal != Goal::Gone && row.verdict.status == Status::Failed;
        if self.rows.iter().any(has_failed) {
            Ending::Failed
        } else if self.disconnected().is_some() {
            Ending::Disconnected
        } else {
            Ending::NotYet
        }
    }

    fn apply(&mut self, id: usize, change: Change, tell: &mut dyn FnMut(Progress<'_>)) -> Result<(), Error> {
        let Some(followed) = self.groups.get_mut(id) else { return Ok(()) };
        if !matches!(change, Change::Unreachable(_) | Change::Over(_)) {
            self.has_heard = true;
        }
        match change {
            Change::Present(object) => {
                let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                let object = Arc::new(object);
                if followed.group.names.is_none() {
                    let namespace = followed.group.namespace.clone();
                    self.pods.entry(namespace.clone()).or_default().insert(name.clone(), Arc::clone(&object));
                    mark_controllers(&self.objects, &namespace, &object, &mut self.dirty);
                }
                if let Some(index) = followed.rows.get(&name).copied() {
                    self.set_object(index, Some(object));
                }
            }
            Change::Absent(name) => {
                if followed.group.names.is_none()
                    && let Some(pods) = self.pods.get_mut(&followed.group.namespace)
                    && let Some(pod) = pods.remove(&name)
                {
                    mark_controllers(&self.objects, &followed.group.namespace, &pod, &mut self.dirty);
                }
                if let Some(index) = followed.rows.get(&name).copied() {
                    self.set_object(index, None);
                }
            }
            Change::NoSuchKind => {
                followed.is_listed = true;
                let message = format!(
                    "the cluster has no kind {} in {}; waiting for its definition",
                    followed.group.kind, followed.group.api_version
                );
                let indices: Vec<usize> = followed.rows.values().copied().collect();
                for index in indices {
                    self.set_object(index, None);
                    self.set_verdict(index, Verdict::plain(Status::NotFound, message.clone()), tell);
                }
            }
            Change::Listed => {
                followed.is_listed = true;
                if followed.group.names.is_none() {
                    // Pods that were asked for by name and are not among all pods do not exist.
                    let (rows, namespace) = (followed.rows.clone(), followed.group.namespace.clone());
                    for (name, index) in rows {
                        if !self.pods.get(&namespace).is_some_and(|pods| pods.contains_key(&name)) {
                            self.set_object(index, None);
                        }
                    }
                }
            }
            Change::Reachable => followed.unreachable = None,
            Change::Unreachable(message) => {
                followed.unreachable = Some(message.clone());
                if !self.has_heard {
                    return Err(Error::network(format!("cannot reach the API server: {message}"))
                        .hint("check the server's address in the kubeconfig (`kubectl cluster-info`)"));
                }
                self.warn("lost the API server, trying again".to_owned(), tell);
            }
            Change::Polling(message) => {
                let text = format!("{message}: {} objects are looked at every 2 s instead", followed.group.kind);
                self.warn(text, tell);
            }
            Change::Over(error) if followed.is_helpful => {
                followed.is_listed = true;
                let text =
                    format!("{}; a controller whose pods crash is noticed only when time is up", error.message());
                self.warn(text, tell);
            }
            Change::Over(error) => return Err(error),
        }
        Ok(())
    }

    fn warn(&mut self, text: String, tell: &mut dyn FnMut(Progress<'_>)) {
        if !self.warned.contains(&text) {
            tell(Progress::Warning(&text));
            self.warned.insert(text);
        }
    }

    fn set_object(&mut self, index: usize, object: Option<Arc<Value>>) {
        if let Some(place) = self.objects.get_mut(index) {
            *place = object;
            self.dirty.insert(index);
        }
    }

    /// Marks what may be another status by now though nothing has changed: a pod that is not scheduled has 15 seconds.
    fn refresh(&mut self) {
        for (index, row) in self.rows.iter_mut().enumerate() {
            if row.verdict.reason() == "PodNotScheduled" {
                self.dirty.insert(index);
            }
            row.age = self.objects.get(index).and_then(|object| age(object.as_deref()?));
        }
    }

    /// The rows to judge; those whose object is not there need no judge.
    fn questions(&mut self) -> (Vec<Question>, Vec<usize>) {
        let (mut questions, mut absent) = (Vec::new(), Vec::new());
        for index in std::mem::take(&mut self.dirty) {
            match self.objects.get(index).and_then(Option::as_ref) {
                None => absent.push(index),
                Some(object) => {
                    let mut controlled = Vec::new();
                    if pods::decide_with_pods(object) {
                        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
                        let all = self.pods.get(namespace).into_iter().flat_map(BTreeMap::values);
                        controlled.extend(all.filter(|pod| selects(object, pod)).cloned());
                    }
                    questions.push(Question { index, object: Arc::clone(object), pods: controlled });
                }
            }
        }
        (questions, absent)
    }

    fn take(&mut self, (answers, absent): (Vec<(usize, Verdict)>, Vec<usize>), tell: &mut dyn FnMut(Progress<'_>)) {
        for index in absent {
            // A kind that is not served says so better.
            if self.rows.get(index).is_some_and(|row| row.verdict.status != Status::NotFound || !row.is_known) {
                self.set_verdict(index, Verdict::plain(Status::NotFound, "Resource not found"), tell);
            }
        }
        for (index, verdict) in answers {
            for warning in &verdict.warnings {
                if let Some(row) = self.rows.get(index) {
                    let text = format!("{}: {warning}", row.key);
                    self.warn(text, tell);
                }
            }
            self.set_verdict(index, verdict, tell);
        }
    }

    fn set_verdict(&mut self, index: usize, verdict: Verdict, tell: &mut dyn FnMut(Progress<'_>)) {
        let object = self.objects.get(index).cloned().flatten();
        let Some(row) = self.rows.get_mut(index) else { return };
        let is_news = !row.is_known || row.verdict.status != verdict.status || row.verdict.message != verdict.message;
        row.verdict = verdict;
        row.is_known = true;
        row.age = object.as_deref().and_then(age);
        if is_news {
            tell(Progress::Changed(row));
        }
    }

    fn pods_of_workloads(&self) -> BTreeMap<usize, Vec<Row>> {
        let mut found = BTreeMap::new();
        if !self.plan.with_pods {
            return found;
        }
        for (index, object) in self.objects.iter().enumerate() {
            let Some(object) = object else { continue };
            let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
            let pods = self.pods.get(namespace).into_iter().flatten().filter(|(_, pod)| belongs(object, pod));
            let rows: Vec<Row> = pods
                .map(|(name, pod)| Row {
                    key: ObjectKey {
                        api_version: "v1".to_owned(),
                        kind: "Pod".to_owned(),
                        namespace: namespace.to_owned(),
                        name: name.clone(),
                    },
                    verdict: self
                        .judge
                        .judge(pod, false)
                        .unwrap_or_else(|error| Verdict::plain(Status::Unknown, error.to_string())),
                    age: age(pod),
                    is_known: true,
                })
                .collect();
            if !rows.is_empty() {
                found.insert(index, rows);
            }
        }
        found
    }
}

/// Whether objects of this kind have pods of their own.
fn is_workload(kind: &str) -> bool {
    ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"].contains(&kind)
}

/// Marks the controllers in a namespace that a pod belongs to.
fn mark_controllers(objects: &[Option<Arc<Value>>], namespace: &str, pod: &Value, dirty: &mut BTreeSet<usize>) {
    for (index, object) in objects.iter().enumerate() {
        if let Some(object) = object
            && object["metadata"]["namespace"] == namespace
            && pods::decide_with_pods(object)
            && selects(object, pod)
        {
            dirty.insert(index);
        }
    }
}

/// Asks the judge on a thread of its own: a plugin may take as long as its limits allow, and Ctrl-C must be heard
/// meanwhile.
async fn ask(
    judge: Arc<Judge>,
    (questions, absent): (Vec<Question>, Vec<usize>),
    wait_for_jobs: bool,
) -> Result<(Vec<(usize, Verdict)>, Vec<usize>), Error> {
    if questions.is_empty() {
        return Ok((Vec::new(), absent));
    }
    let asked = tokio::task::spawn_blocking(move || -> Result<Vec<(usize, Verdict)>, Error> {
        questions.iter().map(|question| Ok((question.index, answer(&judge, question, wait_for_jobs)?))).collect()
    });
    let answers = asked.await.map_err(|error| Error::bug(format!("the judge did not come back: {error}")))??;
    Ok((answers, absent))
}

fn answer(judge: &Judge, question: &Question, wait_for_jobs: bool) -> Result<Verdict, Error> {
    let object = &question.object;
    if is_paused(object) {
        return Ok(Verdict::current("Deployment is paused; it is not waited for"));
    }
    let own = judge.judge(object, wait_for_jobs)?;
    if own.status != Status::InProgress || question.pods.is_empty() {
        return Ok(own);
    }
    let verdicts: Vec<Verdict> =
        question.pods.iter().map(|pod| judge.judge(pod, wait_for_jobs)).collect::<Result<_, Error>>()?;
    Ok(pods::with_pods(own, question.pods.iter().map(|pod| &**pod).zip(&verdicts), Flavor::Fork))
}

/// Helm leaves paused Deployments out of its wait.
fn is_paused(object: &Value) -> bool {
    object["kind"] == "Deployment"
        && object["apiVersion"].as_str().is_some_and(|version| version.starts_with("apps/"))
        && object["spec"]["paused"] == true
}

fn age(object: &Value) -> Option<Duration> {
    let created = parse_rfc3339(object["metadata"]["creationTimestamp"].as_str()?)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(Duration::from_secs(now.saturating_sub(u64::try_from(created).ok()?)))
}
