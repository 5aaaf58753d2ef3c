//! The state of the release itself: until it is deployed, nothing about its objects is an answer.

use std::time::{Duration, Instant};

use super::release::{Driver, Release, newest, read, read_all};
use super::{Ending, Goal};
use crate::cluster::Cluster;
use crate::error::Error;

/// How often a release that has not come to rest is looked at.
const POLL: Duration = Duration::from_secs(1);
/// How often is looked whether somebody has changed a release that is waited for.
const GLANCE: Duration = Duration::from_secs(2);

/// Which releases are meant.
pub struct Selection<'a> {
    /// Their names; none means all.
    pub names: &'a [String],
    /// Where; none means everywhere.
    pub namespace: Option<&'a str>,
    /// This revision of the one release.
    pub revision: Option<u64>,
    /// Where Helm keeps them.
    pub driver: Option<Driver>,
}

/// Releases with their namespaces.
#[derive(Debug)]
pub struct Releases {
    /// All of them.
    pub all: Vec<(String, Release)>,
    driver: Option<Driver>,
    /// The newest revisions are meant, whichever they are.
    is_newest: bool,
}

/// Why releases are looked at that are not deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsettled {
    /// One has failed.
    Failed,
    /// Time was up, or there was to be one look only.
    NotYet,
    /// Someone pressed Ctrl-C.
    Interrupted,
}

impl Unsettled {
    /// How the wait ends for it.
    pub fn ending(self) -> Ending {
        match self {
            Unsettled::Failed => Ending::Failed,
            Unsettled::NotYet => Ending::NotYet,
            Unsettled::Interrupted => Ending::Interrupted,
        }
    }
}

/// Reads the releases, again and again until all are deployed, one has failed, or time is up. `tell` hears what they
/// are up to. Who waits until all is gone does not care.
///
/// # Errors
/// As [`read`] and [`read_all`].
pub async fn settle(
    cluster: &Cluster,
    asked: &Selection<'_>,
    goal: Goal,
    deadline: Instant,
    tell: &mut dyn FnMut(&str),
) -> Result<(Releases, Option<Unsettled>), Error> {
    let mut told = Vec::new();
    loop {
        let releases = tokio::select! {
            biased;
            () = super::track::interrupted() => {
                return Err(Error::new(crate::error::ExitCode::Interrupted, "interrupted before the objects were known"));
            }
            read = read_them(cluster, asked) => read?,
        };
        let unsettled = || releases.all.iter().filter(|(_, release)| !release.is_deployed());
        if goal == Goal::Gone || unsettled().next().is_none() {
            return Ok((releases, None));
        }
        if unsettled().any(|(_, release)| release.has_failed()) {
            return Ok((releases, Some(Unsettled::Failed)));
        }
        if matches!(goal, Goal::Look | Goal::Watch) || Instant::now() + POLL >= deadline {
            return Ok((releases, Some(Unsettled::NotYet)));
        }
        let states: Vec<String> = unsettled()
            .map(|(_, release)| {
                format!(
                    "release {}, revision {} is {}: waiting until it is deployed",
                    release.name, release.revision, release.status
                )
            })
            .collect();
        for state in states.iter().filter(|state| !told.contains(*state)) {
            tell(state);
        }
        told = states;
        tokio::select! {
            biased;
            () = super::track::interrupted() => return Ok((releases, Some(Unsettled::Interrupted))),
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

async fn read_them(cluster: &Cluster, asked: &Selection<'_>) -> Result<Releases, Error> {
    let mut all = Vec::new();
    match asked.namespace {
        Some(namespace) => {
            for name in asked.names {
                let release = read(cluster, namespace, name, asked.revision, asked.driver).await?;
                all.push((namespace.to_owned(), release));
            }
        }
        None => {
            all = read_all(cluster, None, asked.driver).await?;
            if !asked.names.is_empty() {
                all.retain(|(_, release)| asked.names.contains(&release.name));
                if let Some(missing) = asked.names.iter().find(|name| !all.iter().any(|(_, one)| one.name == **name)) {
                    return Err(Error::usage(format!("there is no release `{missing}` in any namespace"))
                        .hint("`helm list --all-namespaces --all` shows all releases"));
                }
            }
            // What was uninstalled and kept is nothing that anybody waits for unless it is named.
            all.retain(|(_, release)| !asked.names.is_empty() || release.status != "uninstalled");
        }
    }
    Ok(Releases { all, driver: asked.driver, is_newest: asked.revision.is_none() })
}

/// Until one of the releases is no longer what it was; for ever where there are none.
pub async fn overtaken(cluster: &Cluster, releases: Option<&Releases>) {
    let Some(releases) = releases.filter(|releases| releases.is_newest) else { return std::future::pending().await };
    loop {
        tokio::time::sleep(GLANCE).await;
        if is_overtaken(cluster, releases).await {
            return;
        }
    }
}

/// Whether one of the releases is no longer what it was. Where that cannot be found out, it is not.
pub async fn is_overtaken(cluster: &Cluster, releases: &Releases) -> bool {
    if !releases.is_newest {
        return false;
    }
    for (namespace, release) in &releases.all {
        let newest = newest(cluster, namespace, &release.name, releases.driver).await;
        if newest.is_some_and(|(revision, status)| revision != release.revision || status != release.status) {
            return true;
        }
    }
    false
}
