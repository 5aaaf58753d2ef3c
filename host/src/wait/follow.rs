//! One task per kind and namespace: it lists once, then watches; where the rights do not allow that, it polls.
//!
//! What is tried, from the cheapest down: list and watch; list every few seconds, when watching is forbidden or not
//! supported; get each object by name every few seconds, when listing is forbidden as well. Only when that is
//! forbidden, too, is it over, with the verb and the resource in the error.
//!
//! An API server that has just started answers before it knows all rights, tokens and definitions again: it refuses
//! with 403, 401 or 404 what it allowed before and allows a few seconds later. So a refusal of what has worked is
//! believed only when it lasts.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};
use windlass_kstatus::OwnRule;

use super::discovery::{Discovery, Resource};
use super::paths::Paths;
use super::removed::removed;
use super::sync::{Difference, compare};
use crate::cluster::{Cluster, RequestFailure, WatchEvent, escape, without_ballast};
use crate::error::Error;

/// How often is polled where watching is not possible.
const POLL: Duration = Duration::from_secs(2);
/// The first and the last pause after a failure, and between looks for a kind that is not served yet.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));

/// How long a refusal of what has worked must last.
const SETTLING: Duration = Duration::from_secs(30);

/// The objects of one kind in one namespace.
#[derive(Clone, Debug)]
pub struct Group {
    /// `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// The namespace, ignored for kinds without.
    pub namespace: String,
    /// The names that matter; `None`: all.
    pub names: Option<BTreeSet<String>>,
    /// What was asked for, by name, as JSON; nothing where the live objects need not be that.
    pub desired: Arc<HashMap<String, Arc<str>>>,
}

/// What a task found out.
pub enum Change {
    /// An object as it is now, and where it is not what was asked for.
    Present(Value, Option<Difference>),
    /// There is no object of that name.
    Absent(String),
    /// The server does not serve the kind (yet).
    NoSuchKind,
    /// Something that the person should know about the group's objects.
    Warning(String),
    /// Every object of the group was looked at.
    Listed,
    /// The server cannot be reached; the text says why.
    Unreachable(String),
    /// It can, again.
    Reachable,
    /// The group cannot be watched, only polled; the text says why.
    Polling(String),
    /// Nothing more can be found out about this group.
    Over(Error),
}

/// What all tasks share.
pub struct Shared {
    /// The cluster.
    pub cluster: Cluster,
    /// Kinds that are known already.
    pub discovery: Discovery,
    /// Rules for kinds of one's own, whose paths are checked.
    pub own: Arc<[OwnRule]>,
    /// How many lists may run at once.
    pub lists: Semaphore,
    /// Ends after the first look.
    pub once: bool,
}

/// Follows a group until nobody listens any more. Each change is sent with `id`.
pub async fn follow(id: usize, group: Group, shared: Arc<Shared>, sender: mpsc::Sender<(usize, Change)>) {
    let follower = Follower { id, group, shared, sender, paths: Paths::default() };
    // An error of `send` means that the wait is over.
    let _ = follower.run().await;
}

struct Follower {
    id: usize,
    group: Group,
    shared: Arc<Shared>,
    sender: mpsc::Sender<(usize, Change)>,
    paths: Paths,
}

/// Nobody listens any more.
struct Unheard;

/// How a group is followed, from the cheapest way down.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Watch,
    List,
    Get,
}

/// How far it has come.
#[derive(Default)]
struct Reached {
    /// Where a watch continues; none before there was a list.
    version: Option<String>,
    /// What has worked.
    worked: BTreeSet<Way>,
    /// The last time that the server could not be reached.
    outage: Option<Instant>,
    /// Since when what has worked is refused.
    refused: Option<Instant>,
}

impl Reached {
    /// What the next round does on this way.
    fn attempt(&self, way: Way) -> Way {
        if way == Way::Watch && self.version.is_none() { Way::List } else { way }
    }

    fn works(&mut self, attempt: Way) {
        self.worked.insert(attempt);
        self.refused = None;
    }

    /// Whether a failure of `attempt` is none to act on yet.
    fn may_pass(&mut self, attempt: Way, failure: &RequestFailure) -> bool {
        let is_new = |since: Instant| since.elapsed() < SETTLING;
        let has_restarted = !self.worked.is_empty() && self.outage.is_some_and(is_new);
        match failure {
            RequestFailure::Forbidden(_) | RequestFailure::Unauthorized(_) => {
                has_restarted
                    || self.worked.contains(&attempt) && is_new(*self.refused.get_or_insert_with(Instant::now))
            }
            // A definition that is removed while the server is well is gone.
            RequestFailure::NotFound => has_restarted,
            _ => false,
        }
    }
}

impl Follower {
    async fn send(&self, change: Change) -> Result<(), Unheard> {
        self.sender.send((self.id, change)).await.map_err(|_| Unheard)
    }

    async fn run(&self) -> Result<(), Unheard> {
        let mut way = Way::Watch;
        let mut pause = PAUSES.0;
        let mut was_reachable = true;
        let mut reached = Reached::default();
        loop {
            let attempt = reached.attempt(way);
            let outcome = self.round(way, attempt, &mut reached).await?;
            let reachable = !matches!(outcome, Err(RequestFailure::Transient(_)));
            if reachable && !was_reachable {
                self.send(Change::Reachable).await?;
            }
            was_reachable = reachable;
            if let Err(failure) = &outcome
                && reached.may_pass(attempt, failure)
            {
                self.wait(&mut pause).await;
                continue;
            }
            match outcome {
                Ok(Round::Done) => return Ok(()),
                Ok(Round::Continue) => pause = PAUSES.0,
                Ok(Round::Pause) => {
                    tokio::time::sleep(POLL).await;
                    pause = PAUSES.0;
                }
                Ok(Round::NotServed) => {
                    reached.version = None;
                    self.wait(&mut pause).await;
                }
                Err(RequestFailure::Expired) => reached.version = None,
                Err(RequestFailure::Forbidden(message)) => match self.next_way(way, reached.version.is_some()) {
                    Some(next) => {
                        if next != way {
                            self.send(Change::Polling(message)).await?;
                        }
                        way = next;
                        reached.version = None;
                    }
                    None => return self.give_up(RequestFailure::Forbidden(message)).await,
                },
                Err(RequestFailure::Unsupported) => match self.next_way(way, reached.version.is_some()) {
                    Some(next) => way = next,
                    None => return self.give_up(RequestFailure::Unsupported).await,
                },
                // The definition was removed, or the group's server is being replaced.
                Err(RequestFailure::NotFound) => {
                    reached.version = None;
                    self.send(Change::NoSuchKind).await?;
                    if self.shared.once {
                        return Ok(());
                    }
                    self.wait(&mut pause).await;
                }
                Err(RequestFailure::Transient(message)) => {
                    reached.outage = Some(Instant::now());
                    self.send(Change::Unreachable(message)).await?;
                    self.wait(&mut pause).await;
                }
                Err(
                    failure @ (RequestFailure::Unauthorized(_)
                    | RequestFailure::Nonsense(_)
                    | RequestFailure::Exhausted(_)),
                ) => {
                    return self.give_up(failure).await;
                }
            }
        }
    }

    async fn give_up(&self, failure: RequestFailure) -> Result<(), Unheard> {
        let group = self.group.api_version.split_once('/').map_or(String::new(), |(group, _)| format!(" ({group})"));
        let what = format!("look at {}{group} in the namespace {}", self.group.kind, self.group.namespace);
        self.send(Change::Over(failure.into_error(&what))).await
    }

    /// The way to try when one is forbidden. `listed` tells whether the list worked and the watch did not.
    fn next_way(&self, way: Way, listed: bool) -> Option<Way> {
        match way {
            Way::Watch if listed => Some(Way::List),
            Way::Watch | Way::List if self.group.names.is_some() => Some(Way::Get),
            _ => None,
        }
    }

    async fn wait(&self, pause: &mut Duration) {
        tokio::time::sleep(*pause).await;
        *pause = (*pause * 2).min(PAUSES.1);
    }

    /// One list, one watch up to its end, or one poll.
    async fn round(
        &self,
        way: Way,
        attempt: Way,
        reached: &mut Reached,
    ) -> Result<Result<Round, RequestFailure>, Unheard> {
        let shared = &self.shared;
        let found = shared.discovery.resource(&shared.cluster, &self.group.api_version, &self.group.kind).await;
        let resource = match found {
            Ok(Some(resource)) => resource,
            Ok(None) => {
                self.send(Change::NoSuchKind).await?;
                return Ok(Ok(if shared.once { Round::Done } else { Round::NotServed }));
            }
            Err(failure) => return Ok(Err(failure)),
        };
        let worked = match (attempt, reached.version.clone()) {
            (Way::Watch, Some(after)) => return self.watch(&resource, after, reached).await,
            (Way::Get, _) => self.get_each(&resource).await?.map(|()| Round::Pause),
            _ => self.list(&resource).await?.map(|listed| {
                reached.version = Some(listed);
                if way == Way::List { Round::Pause } else { Round::Continue }
            }),
        };
        Ok(worked.map(|next| {
            reached.works(attempt);
            if shared.once { Round::Done } else { next }
        }))
    }

    /// A single object is asked for by name, which is cheaper and which rights for that one name allow.
    fn selectors(&self) -> Vec<(&'static str, String)> {
        let names = self.group.names.as_ref();
        let single = names.filter(|names| names.len() == 1).and_then(|names| names.first());
        single.map(|name| vec![("fieldSelector", format!("metadata.name={name}"))]).unwrap_or_default()
    }

    fn wants(&self, object: &Value) -> bool {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        self.group.names.as_ref().is_none_or(|names| names.contains(name))
    }

    async fn list(&self, resource: &Resource) -> Result<Result<String, RequestFailure>, Unheard> {
        let selectors = self.selectors();
        let selectors: Vec<(&str, &str)> = selectors.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let mut differences = HashMap::new();
        let listed = {
            let _turn = self.shared.lists.acquire().await;
            let path = resource.collection(&self.group.namespace);
            // Compared before the managed fields are dropped, which say who owns what.
            let mut keep = |item: &Value| {
                let wants = self.wants(item);
                if wants && let Some(difference) = self.difference(item) {
                    differences.insert(name_of(item), difference);
                }
                wants
            };
            self.shared.cluster.list(&path, &selectors, &mut keep).await
        };
        let listed = match listed {
            Ok(listed) => listed,
            Err(failure) => return Ok(Err(named(failure, "list", resource, &self.group.namespace))),
        };
        let mut missing = self.group.names.clone().unwrap_or_default();
        for item in listed.items {
            let name = name_of(&item);
            missing.remove(&name);
            let item = self.typed(item);
            self.check_paths(resource, &item).await?;
            self.send(Change::Present(item, differences.remove(&name))).await?;
        }
        for name in missing {
            self.send(Change::Absent(name)).await?;
        }
        self.send(Change::Listed).await?;
        Ok(Ok(listed.resource_version))
    }

    async fn watch(
        &self,
        resource: &Resource,
        after: String,
        reached: &mut Reached,
    ) -> Result<Result<Round, RequestFailure>, Unheard> {
        let selectors = self.selectors();
        let selectors: Vec<(&str, &str)> = selectors.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let path = resource.collection(&self.group.namespace);
        let mut watch = match self.shared.cluster.watch(&path, &selectors, &after).await {
            Ok(watch) => watch,
            Err(failure) => return Ok(Err(named(failure, "watch", resource, &self.group.namespace))),
        };
        reached.works(Way::Watch);
        self.send(Change::Reachable).await?;
        loop {
            let (event, version) = match watch.next().await {
                Ok(Some(next)) => next,
                Ok(None) => return Ok(Ok(Round::Continue)),
                Err(failure) => return Ok(Err(failure)),
            };
            if !version.is_empty() {
                reached.version = Some(version);
            }
            match event {
                WatchEvent::Present(object) if self.wants(&object) => {
                    self.present(resource, object).await?;
                }
                WatchEvent::Deleted(object) if self.wants(&object) => {
                    self.send(Change::Absent(name_of(&object))).await?;
                }
                _ => {}
            }
        }
    }

    async fn get_each(&self, resource: &Resource) -> Result<Result<(), RequestFailure>, Unheard> {
        let path = resource.collection(&self.group.namespace);
        for name in self.group.names.iter().flatten() {
            match self.shared.cluster.get(&format!("{path}/{}", escape(name)), &[]).await {
                Ok(object) => self.present(resource, object).await?,
                Err(RequestFailure::NotFound) => self.send(Change::Absent(name.clone())).await?,
                Err(failure) => return Ok(Err(named(failure, "get", resource, &self.group.namespace))),
            }
        }
        self.send(Change::Listed).await?;
        Ok(Ok(()))
    }

    async fn present(&self, resource: &Resource, object: Value) -> Result<(), Unheard> {
        let difference = self.difference(&object);
        let object = self.typed(without_ballast(object));
        self.check_paths(resource, &object).await?;
        self.send(Change::Present(object, difference)).await
    }

    /// Warns of expressions that can never hold, before the object is judged by them.
    async fn check_paths(&self, resource: &Resource, object: &Value) -> Result<(), Unheard> {
        let warnings = self.paths.warnings(&self.shared.cluster, resource, object, &self.shared.own).await;
        for warning in warnings {
            self.send(Change::Warning(warning)).await?;
        }
        Ok(())
    }

    /// Where an object, as served, is not what was asked for.
    fn difference(&self, object: &Value) -> Option<Difference> {
        let name = object["metadata"]["name"].as_str()?;
        let desired: Value = serde_json::from_str(self.group.desired.get(name)?).ok()?;
        compare(&desired, object).or_else(|| removed(&desired, object))
    }

    /// Items of a list do not carry their type.
    fn typed(&self, mut object: Value) -> Value {
        if let Value::Object(fields) = &mut object {
            fields.entry("apiVersion").or_insert_with(|| self.group.api_version.clone().into());
            fields.entry("kind").or_insert_with(|| self.group.kind.clone().into());
        }
        object
    }
}

fn name_of(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

/// How a round ended.
enum Round {
    Done,
    Continue,
    Pause,
    NotServed,
}

/// A refusal with the verb and the resource in front, whatever the server says.
fn named(failure: RequestFailure, verb: &str, resource: &Resource, namespace: &str) -> RequestFailure {
    match failure {
        RequestFailure::Forbidden(message) => {
            let place = if resource.is_namespaced { format!(" in the namespace {namespace}") } else { String::new() };
            RequestFailure::Forbidden(format!(
                "no permission to {verb} {}{place} ({message}); {}",
                resource.full_name,
                resource.rule()
            ))
        }
        other => other,
    }
}
