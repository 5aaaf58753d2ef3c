//! The loop: what the followers find comes in, the judge is asked, and somewhere it ends.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};
use windlass_kstatus::{Evaluation, Expression, Flavor, OwnRule, Rules, Status, Verdict, parse_rfc3339, pods};

use super::discovery::Discovery;
use super::explain::{Owners, Reasons, explain, pod_reasons};
use super::follow::{Change, Group, Shared, follow};
use super::judge::{Judge, Terms};
use super::selector::selects;
use super::sync::Difference;
use super::{Ending, Goal, MAX_TEXTS, ObjectKey, Progress, Row, Wanted, bounded, cut};
use crate::cluster::Cluster;
use crate::error::{Error, ExitCode};

/// How often a table is drawn at most, and how often objects are looked at again whose status depends on the time.
const TICK: Duration = Duration::from_millis(250);
/// How many lists run at once.
const LISTS_AT_ONCE: usize = 8;
/// How many changes wait for the loop. A follower that finds more waits itself, so that nothing piles up.
const CHANGES_AT_ONCE: usize = 256;
/// How often the server is asked whether it is there, and how long it may take to say so.
const PROBE: Duration = Duration::from_secs(2);
/// How long explanations may take, and how much of that after the deadline.
const EXPLAINING: (Duration, Duration) = (Duration::from_secs(20), Duration::from_millis(800));

/// What to wait for, and how.
pub struct Plan {
    /// The objects.
    pub wanted: Vec<Wanted>,
    /// When it is over.
    pub goal: Goal,
    /// When the command began.
    pub begun: Instant,
    /// When time is up.
    pub deadline: Instant,
    /// By what is decided.
    pub terms: Terms,
    /// Rules for kinds of one's own, which come before everything else.
    pub own: Arc<[OwnRule]>,
    /// Ends with the first object that has failed.
    pub fail_fast: bool,
    /// Also collects the pods of workloads, for a tree.
    pub with_pods: bool,
    /// Live objects must be what was asked for.
    pub sync: bool,
    /// How long what may heal by itself, as a crashing pod, must go on until it counts as failed.
    pub crash_grace: Duration,
    /// How long all must have been ready.
    pub stable: Duration,
    /// Reasons of pods and conditions that mean failed at once.
    pub fail_on: Vec<String>,
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
    /// Why the server could not be reached, where it could not when the wait ended.
    pub disconnected: Option<String>,
}

/// Waits.
///
/// # Errors
/// The first contact with the server fails (exit 5), or the judge fails.
pub async fn track(
    cluster: Cluster,
    plan: Plan,
    judge: Arc<Judge>,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Summary, Error> {
    let (begun, deadline) = (plan.begun, plan.deadline);
    let shared = Arc::new(Shared {
        cluster: cluster.clone(),
        discovery: Discovery::default(),
        own: Arc::clone(&plan.own),
        lists: Semaphore::new(LISTS_AT_ONCE),
        once: plan.goal == Goal::Look,
    });
    let mut tracker = Tracker::new(plan, judge);
    let (sender, mut receiver) = mpsc::channel(CHANGES_AT_ONCE);
    let mut tasks = Vec::new();
    for (id, group) in tracker.groups.iter().enumerate() {
        tasks.push(tokio::spawn(follow(id, group.group.clone(), Arc::clone(&shared), sender.clone())));
    }
    // When every follower is done, the channel closes.
    drop(sender);
    let (probes, mut probed) = mpsc::channel(1);
    tasks.push(tokio::spawn(probe(cluster.clone(), probes)));
    let ended = tracker.run(&mut receiver, &mut probed, tell).await;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    let mut ending = ended?;

    let mut reasons = BTreeMap::new();
    if !matches!(ending, Ending::Reached | Ending::Disconnected) {
        // Nobody waits longer for an explanation than for the objects.
        let left = deadline.saturating_duration_since(Instant::now());
        let most = match ending {
            Ending::Interrupted => EXPLAINING.1,
            _ => (left + EXPLAINING.1).min(EXPLAINING.0),
        };
        let rows = &tracker.rows;
        let object = |index: usize| tracker.object(index);
        let explanation = explain(&cluster, &shared.discovery, rows, object, &mut reasons);
        let in_time = tokio::time::timeout(most, explanation).await.is_ok();
        if !in_time && ending == Ending::NotYet && !cluster.is_there(EXPLAINING.1 / 4).await {
            tracker.silent.get_or_insert_with(|| "it does not answer".to_owned());
            ending = Ending::Disconnected;
        }
    }
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

/// Asks again and again whether the server is there: a connection may stay open to a server that says nothing any more.
async fn probe(cluster: Cluster, sender: mpsc::Sender<bool>) {
    loop {
        tokio::time::sleep(PROBE).await;
        let is_there = cluster.is_there(PROBE).await;
        if sender.send(is_there).await.is_err() {
            return;
        }
    }
}

/// A followed group and where its objects stand in the rows.
struct Followed {
    group: Group,
    rows: HashMap<String, usize>,
    is_listed: bool,
    unreachable: Option<String>,
    /// Why nothing can be found out about it.
    denied: Option<String>,
    /// Its absence is a nuisance, not the end: pods that are looked at for the sake of their controllers.
    is_helpful: bool,
}

struct Tracker {
    plan: Plan,
    judge: Arc<Judge>,
    rows: Vec<Row>,
    objects: Vec<Option<Arc<Value>>>,
    differences: Vec<Option<Difference>>,
    groups: Vec<Followed>,
    /// Pods and replica sets by kind, namespace and name, where others need them.
    others: BTreeMap<(&'static str, String), BTreeMap<String, Arc<Value>>>,
    dirty: BTreeSet<usize>,
    /// Since when each row has failed in a way that may heal; until it is ready again.
    failing: HashMap<usize, Instant>,
    /// Jobs that were seen complete and go by themselves (`ttlSecondsAfterFinished`).
    finished: BTreeSet<usize>,
    /// Since when all have reached the goal.
    reached: Option<Instant>,
    has_heard: bool,
    /// Why the server is thought to be gone.
    silent: Option<String>,
    warned: BTreeSet<String>,
}

/// A row to be judged: its object, where that is not what was asked for, and the objects that count.
struct Question {
    index: usize,
    object: Arc<Value>,
    difference: Option<Difference>,
    condition: Option<Arc<Expression>>,
    pods: Vec<Arc<Value>>,
    related: Vec<Arc<Value>>,
}

/// What a judge needs to know beside the question.
#[derive(Clone)]
struct Manner {
    terms: Terms,
    own: Arc<[OwnRule]>,
    fail_on: Arc<[String]>,
}

/// Kinds whose objects say something about others, and where they are served.
const HELPERS: [(&str, &str); 2] = [("Pod", "v1"), ("ReplicaSet", "apps/v1")];

impl Plan {
    /// Whether objects of a kind need to see all of a helper kind in their namespace.
    fn needs(&self, kind: &str, helper: &str) -> bool {
        if self.goal == Goal::Gone {
            return false;
        }
        let all = self.with_pods || !self.fail_on.is_empty();
        match (helper, kind) {
            ("Pod", "StatefulSet" | "ReplicaSet") => true,
            ("Pod", "DaemonSet") => all || self.terms.rules == Rules::Strict,
            ("Pod", "ReplicationController") => all || self.terms.rules == Rules::Helm3,
            ("Pod", "Deployment" | "Job") => all,
            ("ReplicaSet", "Deployment") => all || self.terms.rules == Rules::Helm3,
            _ => false,
        }
    }
}

impl Tracker {
    fn new(plan: Plan, judge: Arc<Judge>) -> Self {
        let mut groups: BTreeMap<(String, String, String), Followed> = BTreeMap::new();
        let mut desired: BTreeMap<(String, String, String), HashMap<String, Arc<str>>> = BTreeMap::new();
        let mut helped: BTreeSet<(&'static str, &'static str, String)> = BTreeSet::new();
        for (index, wanted) in plan.wanted.iter().enumerate() {
            let key = &wanted.key;
            let place = (key.api_version.clone(), key.kind.clone(), key.namespace.clone());
            let followed = groups.entry(place.clone()).or_insert_with(|| Followed {
                group: Group {
                    api_version: key.api_version.clone(),
                    kind: key.kind.clone(),
                    namespace: key.namespace.clone(),
                    names: Some(BTreeSet::new()),
                    desired: Arc::default(),
                },
                rows: HashMap::new(),
                is_listed: false,
                unreachable: None,
                denied: None,
                is_helpful: false,
            });
            followed.group.names.get_or_insert_default().insert(key.name.clone());
            followed.rows.insert(key.name.clone(), index);
            if let Some(object) = wanted.desired.as_ref().filter(|_| plan.sync && plan.goal != Goal::Gone) {
                desired.entry(place).or_default().insert(key.name.clone(), Arc::clone(object));
            }
            for (helper, api_version) in HELPERS {
                if plan.needs(&key.kind, helper) {
                    helped.insert((helper, api_version, key.namespace.clone()));
                }
            }
        }
        for (place, followed) in &mut groups {
            followed.group.desired = Arc::new(desired.remove(place).unwrap_or_default());
        }
        for (helper, api_version, namespace) in helped {
            // Those of the release in that namespace come with all others: one list, one watch.
            let place = (api_version.to_owned(), helper.to_owned(), namespace.clone());
            let own = groups.remove(&place);
            let (rows, desired) = own.map(|own| (own.rows, own.group.desired)).unwrap_or_default();
            let (api_version, kind) = (api_version.to_owned(), helper.to_owned());
            let group = Group { api_version, kind, namespace, names: None, desired };
            let is_helpful = rows.is_empty();
            let followed = Followed { group, is_helpful, rows, is_listed: false, unreachable: None, denied: None };
            groups.insert(place, followed);
        }
        let groups: Vec<Followed> = groups.into_values().collect();
        let unknown = || Verdict::plain(Status::Unknown, "not looked at yet");
        let row = |wanted: &Wanted| Row {
            key: wanted.key.clone(),
            verdict: unknown(),
            age: None,
            is_known: false,
            is_denied: false,
        };
        let rows: Vec<Row> = plan.wanted.iter().map(row).collect();
        Tracker {
            objects: vec![None; rows.len()],
            differences: vec![None; rows.len()],
            rows,
            plan,
            judge,
            groups,
            others: BTreeMap::new(),
            dirty: BTreeSet::new(),
            failing: HashMap::new(),
            finished: BTreeSet::new(),
            reached: None,
            has_heard: false,
            silent: None,
            warned: BTreeSet::new(),
        }
    }

    fn object(&self, index: usize) -> Option<&Value> {
        self.objects.get(index)?.as_deref()
    }

    fn disconnected(&self) -> Option<String> {
        self.groups.iter().find_map(|followed| followed.unreachable.clone()).or_else(|| self.silent.clone())
    }

    fn manner(&self) -> Manner {
        Manner { terms: self.plan.terms, own: Arc::clone(&self.plan.own), fail_on: self.plan.fail_on.clone().into() }
    }

    async fn run(
        &mut self,
        receiver: &mut mpsc::Receiver<(usize, Change)>,
        probed: &mut mpsc::Receiver<bool>,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Ending, Error> {
        let mut interrupt = std::pin::pin!(interrupted());
        let mut deadline = std::pin::pin!(tokio::time::sleep_until(self.plan.deadline.into()));
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let manner = self.manner();
        loop {
            if let Some(ending) = self.ending() {
                return Ok(ending);
            }
            tokio::select! {
                biased;
                () = &mut interrupt => return Ok(Ending::Interrupted),
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
                            () = &mut interrupt => return Ok(Ending::Interrupted),
                            () = &mut deadline => return Ok(self.timed_out()),
                            answers = ask(Arc::clone(&self.judge), self.questions(), manner.clone()) => answers?,
                        };
                        self.take(answers, tell);
                    }
                    None => return Ok(self.ending().unwrap_or(Ending::NotYet)),
                },
                Some(is_there) = probed.recv() => self.heard_of(is_there, tell),
                _ = ticks.tick() => {
                    self.refresh();
                    let answers = tokio::select! {
                        biased;
                        () = &mut interrupt => return Ok(Ending::Interrupted),
                        () = &mut deadline => return Ok(self.timed_out()),
                        answers = ask(Arc::clone(&self.judge), self.questions(), manner.clone()) => answers?,
                    };
                    self.take(answers, tell);
                    tell(Progress::Table { rows: &self.rows, elapsed: self.plan.begun.elapsed() });
                }
            }
        }
    }

    fn heard_of(&mut self, is_there: bool, tell: &mut dyn FnMut(Progress<'_>)) {
        if is_there {
            self.silent = None;
        } else if self.silent.is_none() {
            self.silent = Some("it does not answer".to_owned());
            self.warn("the API server does not answer".to_owned(), tell);
        }
    }

    fn has_failed(&self, row: &Row) -> bool {
        self.plan.goal != Goal::Gone && row.verdict.status == Status::Failed
    }

    /// Whether it is over.
    fn ending(&mut self) -> Option<Ending> {
        let goal = self.plan.goal;
        if goal == Goal::Watch {
            return None;
        }
        if self.plan.fail_fast && self.rows.iter().any(|row| self.has_failed(row)) {
            return Some(Ending::Failed);
        }
        // Pods may make a controller fail: nothing is decided before they were seen.
        if !self.groups.iter().all(|followed| followed.is_listed) {
            return None;
        }
        if self.rows.iter().all(|row| row.has_reached(goal)) {
            let since = *self.reached.get_or_insert_with(Instant::now);
            return (since.elapsed() >= self.plan.stable).then_some(Ending::Reached);
        }
        self.reached = None;
        // A failed object is final, as under `helm --wait`, but the others are waited for; so is one that nobody may
        // see.
        if self.rows.iter().all(|row| row.has_reached(goal) || row.is_denied || self.has_failed(row)) {
            return Some(self.over());
        }
        match goal {
            Goal::Look if self.rows.iter().any(|row| self.has_failed(row)) => Some(Ending::Failed),
            Goal::Look => Some(Ending::NotYet),
            _ => None,
        }
    }

    fn over(&self) -> Ending {
        if self.rows.iter().any(|row| self.has_failed(row)) { Ending::Failed } else { Ending::Unknown }
    }

    fn timed_out(&self) -> Ending {
        if self.rows.iter().any(|row| self.has_failed(row)) {
            Ending::Failed
        } else if self.disconnected().is_some() || !self.has_heard {
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
            Change::Present(object, difference) => {
                let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                let object = Arc::new(object);
                let row = followed.rows.get(&name).copied();
                if let Some(place) = helper_place(&followed.group) {
                    mark_controllers(&self.objects, &place, &object, &mut self.dirty);
                    self.others.entry(place).or_default().insert(name, Arc::clone(&object));
                }
                if let Some(index) = row {
                    if let Some(place) = self.differences.get_mut(index) {
                        *place = difference;
                    }
                    self.set_object(index, Some(object));
                }
            }
            Change::Absent(name) => {
                if let Some(place) = helper_place(&followed.group)
                    && let Some(gone) = self.others.get_mut(&place).and_then(|others| others.remove(&name))
                {
                    mark_controllers(&self.objects, &place, &gone, &mut self.dirty);
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
            Change::Warning(text) => self.warn(text, tell),
            Change::Listed => {
                followed.is_listed = true;
                if let Some(place) = helper_place(&followed.group) {
                    // Those that were asked for by name and are not among all do not exist.
                    for (name, index) in followed.rows.clone() {
                        if !self.others.get(&place).is_some_and(|others| others.contains_key(&name)) {
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
            // One kind that nobody may look at does not end the wait for the others.
            Change::Over(error) if error.exit_code() == ExitCode::Denied => {
                followed.is_listed = true;
                followed.denied = Some(error.message().to_owned());
                for index in followed.rows.values().copied().collect::<Vec<_>>() {
                    self.set_object(index, None);
                    self.deny(index, error.message(), tell);
                }
                self.warn(error.message().to_owned(), tell);
            }
            Change::Over(error) => return Err(error),
        }
        Ok(())
    }

    fn warn(&mut self, mut text: String, tell: &mut dyn FnMut(Progress<'_>)) {
        cut(&mut text, MAX_TEXTS.2);
        if !self.warned.contains(&text) {
            tell(Progress::Warning(&text));
            self.warned.insert(text);
        }
    }

    fn deny(&mut self, index: usize, why: &str, tell: &mut dyn FnMut(Progress<'_>)) {
        if let Some(row) = self.rows.get_mut(index) {
            row.is_denied = true;
        }
        self.set_verdict(index, Verdict::plain(Status::Unknown, why), tell);
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
            let is_in_grace = self.failing.contains_key(&index) && row.verdict.status == Status::InProgress;
            if is_in_grace || row.verdict.reason() == "PodNotScheduled" {
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
                Some(object) => questions.push(self.question(index, object)),
            }
        }
        (questions, absent)
    }

    fn question(&self, index: usize, object: &Arc<Value>) -> Question {
        let kind = object["kind"].as_str().unwrap_or_default();
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
        let helpers = |helper: &'static str| {
            let all = self.plan.needs(kind, helper).then(|| self.others.get(&(helper, namespace.to_owned()))).flatten();
            all.into_iter().flat_map(BTreeMap::values)
        };
        let owners = Owners::of(object, helpers("ReplicaSet").map(|set| &**set));
        let selected: Vec<Arc<Value>> = helpers("Pod").filter(|pod| selects(object, pod)).cloned().collect();
        let mut related: Vec<Arc<Value>> = match (self.plan.terms.rules, kind) {
            (Rules::Helm3, "ReplicaSet" | "ReplicationController") | (Rules::Strict, "StatefulSet" | "DaemonSet") => {
                selected.clone()
            }
            (Rules::Helm3, "Deployment") => helpers("ReplicaSet").filter(|set| owners.owns(set)).cloned().collect(),
            _ => Vec::new(),
        };
        related.truncate(MAX_RELATED);
        let counts = pods::decide_with_pods(object);
        let pods = selected.into_iter().filter(|pod| counts || owners.owns(pod)).collect();
        Question {
            index,
            object: Arc::clone(object),
            difference: self.differences.get(index).cloned().flatten(),
            condition: self.plan.wanted.get(index).and_then(|wanted| wanted.condition.clone()),
            pods,
            related,
        }
    }

    /// What may heal by itself counts as failed when it has gone on for a while.
    fn in_grace(&mut self, index: usize, verdict: Verdict) -> Verdict {
        if verdict.status == Status::Current {
            self.failing.remove(&index);
        }
        let is_transient = verdict.status == Status::Failed && TRANSIENT.contains(&verdict.reason());
        if self.plan.goal != Goal::Ready || !is_transient {
            return verdict;
        }
        let since = *self.failing.entry(index).or_insert_with(Instant::now);
        if since.elapsed() >= self.plan.crash_grace {
            return verdict;
        }
        let grace = self.plan.crash_grace.as_secs();
        let message = format!("{} (failed if that goes on for {grace} s)", verdict.message);
        Verdict { warnings: verdict.warnings.clone(), ..Verdict::in_progress(verdict.reason(), message) }
    }

    fn take(&mut self, (answers, absent): (Vec<(usize, Verdict)>, Vec<usize>), tell: &mut dyn FnMut(Progress<'_>)) {
        for index in absent {
            if self.rows.get(index).is_some_and(|row| row.is_denied) {
                continue;
            }
            let is_done = self.plan.wanted.get(index).is_some_and(|wanted| wanted.is_done);
            if is_done && self.plan.goal != Goal::Gone {
                self.set_verdict(index, Verdict::current("the hook has succeeded and was removed"), tell);
                continue;
            }
            if self.finished.contains(&index) && self.plan.goal != Goal::Gone {
                continue;
            }
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
            let verdict = self.in_grace(index, verdict);
            self.set_verdict(index, verdict, tell);
        }
    }

    fn set_verdict(&mut self, index: usize, verdict: Verdict, tell: &mut dyn FnMut(Progress<'_>)) {
        let object = self.objects.get(index).cloned().flatten();
        let verdict = bounded(verdict);
        let Some(row) = self.rows.get_mut(index) else { return };
        let is_news = !row.is_known || row.verdict.status != verdict.status || row.verdict.message != verdict.message;
        row.verdict = verdict;
        row.is_known = true;
        row.age = object.as_deref().and_then(age);
        let goes = object.is_some_and(|object| object["spec"]["ttlSecondsAfterFinished"].is_number());
        if goes && row.key.kind == "Job" && row.verdict.status == Status::Current {
            self.finished.insert(index);
        }
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
            let sets = self.others.get(&("ReplicaSet", namespace.to_owned()));
            let owners = Owners::of(object, sets.into_iter().flat_map(BTreeMap::values).map(|set| &**set));
            let pods = self.others.get(&("Pod", namespace.to_owned())).into_iter().flatten();
            let pods = pods.filter(|(_, pod)| owners.owns(pod));
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
                        .judge(pod, &[], self.plan.terms)
                        .map_or_else(|error| Verdict::plain(Status::Unknown, error.to_string()), bounded),
                    age: age(pod),
                    is_known: true,
                    is_denied: false,
                })
                .collect();
            if !rows.is_empty() {
                found.insert(index, rows);
            }
        }
        found
    }
}

/// The most objects that are handed to a judge beside the one in question.
const MAX_RELATED: usize = 1_000;

/// Reasons of failures that may heal by themselves: a pod that crashes until its database is there.
const TRANSIENT: &[&str] = &["ContainerCrashLooping", "PodUnschedulable", "PodsFailed", "FailedPhase"];

/// Where the objects of a group stand among the others, if they are helpers.
fn helper_place(group: &Group) -> Option<(&'static str, String)> {
    let (helper, _) = HELPERS.into_iter().find(|(kind, _)| group.names.is_none() && group.kind == *kind)?;
    Some((helper, group.namespace.clone()))
}

/// Marks the objects of a namespace that a pod or replica set may say something about.
fn mark_controllers(
    objects: &[Option<Arc<Value>>],
    (helper, namespace): &(&'static str, String),
    other: &Value,
    dirty: &mut BTreeSet<usize>,
) {
    for (index, object) in objects.iter().enumerate() {
        let Some(object) = object.as_ref().filter(|object| object["metadata"]["namespace"] == namespace.as_str())
        else {
            continue;
        };
        let is_meant = match *helper {
            "Pod" => selects(object, other),
            _ => object["kind"] == "Deployment" && selects(object, other),
        };
        if is_meant {
            dirty.insert(index);
        }
    }
}

/// Until somebody presses Ctrl-C or asks the process to end.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Asks the judge on a thread of its own: a plugin may take as long as its limits allow, and Ctrl-C must be heard
/// meanwhile.
async fn ask(
    judge: Arc<Judge>,
    (questions, absent): (Vec<Question>, Vec<usize>),
    manner: Manner,
) -> Result<(Vec<(usize, Verdict)>, Vec<usize>), Error> {
    if questions.is_empty() {
        return Ok((Vec::new(), absent));
    }
    let asked = tokio::task::spawn_blocking(move || -> Result<Vec<(usize, Verdict)>, Error> {
        questions.iter().map(|question| Ok((question.index, answer(&judge, question, &manner)?))).collect()
    });
    let answers = asked.await.map_err(|error| Error::bug(format!("the judge did not come back: {error}")))??;
    Ok((answers, absent))
}

fn answer(judge: &Judge, question: &Question, manner: &Manner) -> Result<Verdict, Error> {
    let (object, terms) = (&question.object, manner.terms);
    let is_going = object["metadata"]["deletionTimestamp"].is_string();
    if let Some(difference) = question.difference.as_ref().filter(|_| !is_going) {
        return Ok(Verdict::plain(Status::OutOfSync, difference.to_string()));
    }
    if let Some(condition) = &question.condition {
        return Ok(held(condition, object));
    }
    let rule = manner.own.iter().find(|rule| rule.covers(object));
    if terms.rules != Rules::Strict && rule.is_none() && is_paused(object) {
        return Ok(Verdict::current("Deployment is paused; it is not waited for"));
    }
    let related: Vec<&Value> = question.related.iter().map(|other| &**other).collect();
    let own = match rule {
        Some(rule) => rule.judge(object),
        None => judge.judge(object, &related, terms)?,
    };
    if own.status == Status::Current {
        return Ok(own);
    }
    if let Some((reason, message)) = hopeless(object, question, &manner.fail_on) {
        return Ok(Verdict { warnings: own.warnings, ..Verdict::failed(format!("FailOn{reason}"), message) });
    }
    let counts = terms.rules != Rules::Helm3 && pods::decide_with_pods(object);
    if rule.is_some() || own.status != Status::InProgress || question.pods.is_empty() || !counts {
        return Ok(own);
    }
    let as_helm = Terms { rules: Rules::Helm4, ..terms };
    let verdicts: Vec<Verdict> =
        question.pods.iter().map(|pod| judge.judge(pod, &[], as_helm)).collect::<Result<_, Error>>()?;
    let mut verdict = pods::with_pods(own, question.pods.iter().map(|pod| &**pod).zip(&verdicts), Flavor::Fork);
    if verdict.status == Status::Failed && verdict.conditions.is_empty() && terms.rules == Rules::Strict {
        verdict = Verdict { warnings: verdict.warnings, ..Verdict::failed("PodsFailed", verdict.message) };
    }
    Ok(verdict)
}

/// What was asked for with `--for`: a path below the status, or from the object.
fn held(condition: &Expression, object: &Value) -> Verdict {
    let text = condition.text();
    let is_met = |value: &Value| condition.evaluate(value) == Ok(Evaluation::Met);
    match is_met(object.get("status").unwrap_or(&Value::Null)) || is_met(object) {
        true => Verdict::current(format!("condition is met: {text}")),
        false => Verdict::in_progress("ConditionPending", format!("waiting for {text}")),
    }
}

/// A reason of the object's conditions or its pods that `--fail-on` names.
fn hopeless(object: &Value, question: &Question, fail_on: &[String]) -> Option<(String, String)> {
    if fail_on.is_empty() {
        return None;
    }
    let is_meant = |reason: &str| fail_on.iter().any(|meant| meant == reason);
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    let own = conditions.filter_map(|condition| {
        let reason = condition["reason"].as_str().filter(|reason| is_meant(reason))?;
        Some((reason.to_owned(), format!("{reason}: {}", condition["message"].as_str().unwrap_or_default())))
    });
    let itself = (object["kind"] == "Pod").then_some(object).into_iter();
    let pods = itself.chain(question.pods.iter().map(|pod| &**pod)).flat_map(|pod| {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        pod_reasons(pod)
            .into_iter()
            .filter(|(reason, _)| is_meant(reason))
            .map(move |(reason, message)| (reason.clone(), format!("{reason}: pod {name}: {message}")))
    });
    own.chain(pods).next()
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
