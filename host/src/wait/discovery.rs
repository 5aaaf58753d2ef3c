//! From a kind to its resource: which path serves it.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::Value;

use crate::cluster::{Cluster, RequestFailure, escape};

/// A served kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// `/apis/apps/v1`.
    prefix: String,
    /// `deployments`.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub is_namespaced: bool,
    /// For messages: `deployments.apps`.
    pub full_name: String,
}

impl Resource {
    /// The rule that a Role needs for all that is asked of this resource.
    pub fn rule(&self) -> String {
        let group = self.full_name.split_once('.').map_or("", |(_, group)| group);
        format!(
            "the rule to add: {{apiGroups: [\"{group}\"], resources: [\"{}\"], verbs: [get, list, watch]}}",
            self.plural
        )
    }

    /// The path of the collection in a namespace, which is ignored for kinds without.
    pub fn collection(&self, namespace: &str) -> String {
        if self.is_namespaced {
            format!("{}/namespaces/{}/{}", self.prefix, escape(namespace), self.plural)
        } else {
            format!("{}/{}", self.prefix, self.plural)
        }
    }
}

/// The resources of each group and version that were asked for. Only what is found is remembered: a definition may
/// appear at any time.
#[derive(Default)]
pub struct Discovery {
    known: Mutex<HashMap<(String, String), Resource>>,
}

impl Discovery {
    /// The resource of a kind; `None` where the server does not serve it (yet).
    ///
    /// # Errors
    /// The server cannot be asked.
    pub async fn resource(
        &self,
        cluster: &Cluster,
        api_version: &str,
        kind: &str,
    ) -> Result<Option<Resource>, RequestFailure> {
        let key = (api_version.to_owned(), kind.to_owned());
        if let Some(known) = self.lock().get(&key) {
            return Ok(Some(known.clone()));
        }
        let prefix = prefix(api_version);
        let list = match cluster.get(&prefix, &[]).await {
            Ok(list) => list,
            Err(RequestFailure::NotFound) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let mut known = self.lock();
        for resource in list["resources"].as_array().into_iter().flatten() {
            if let Some((kind, resource)) = read(resource, api_version, &prefix) {
                known.insert((api_version.to_owned(), kind), resource);
            }
        }
        Ok(known.get(&key).cloned())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), Resource>> {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn prefix(api_version: &str) -> String {
    match api_version.split_once('/') {
        None => format!("/api/{}", escape(api_version)),
        Some((group, version)) => format!("/apis/{}/{}", escape(group), escape(version)),
    }
}

/// An entry of an APIResourceList; `None` for subresources.
fn read(entry: &Value, api_version: &str, prefix: &str) -> Option<(String, Resource)> {
    let plural = entry["name"].as_str().filter(|name| !name.contains('/'))?;
    let kind = entry["kind"].as_str()?;
    let full_name = match api_version.split_once('/') {
        None => plural.to_owned(),
        Some((group, _)) => format!("{plural}.{group}"),
    };
    let resource = Resource {
        prefix: prefix.to_owned(),
        plural: plural.to_owned(),
        is_namespaced: entry["namespaced"] == true,
        full_name,
    };
    Some((kind.to_owned(), resource))
}
