//! What the PDK knows of kinds, against the OpenAPI document that Kubernetes publishes.

use std::collections::{BTreeMap, BTreeSet};
use windlass_pdk::kinds::CLUSTER_SCOPED;
use xtask::{openapi, workspace};

/// A kind stands in a namespace when one of its objects' addresses has one. What only has addresses below an object
/// (`pods/exec`) is no kind of manifest.
#[test]
fn the_kinds_without_a_namespace_are_those_of_kubernetes() {
    let document = match openapi::document() {
        Ok(document) => document,
        Err(failure) if workspace::ci() => panic!("{failure}"),
        Err(failure) => {
            eprintln!("skipped: {failure}");
            return;
        }
    };
    let mut namespaced = BTreeSet::new();
    let mut cluster: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for operation in operations.as_object().into_iter().flat_map(|operations| operations.values()) {
            let kind = &operation["x-kubernetes-group-version-kind"];
            let (Some(group), Some(kind)) = (kind["group"].as_str(), kind["kind"].as_str()) else { continue };
            if path.contains("/proxy") {
                continue;
            }
            let is_namespaced = path.contains("{namespace}");
            if is_namespaced {
                namespaced.insert((group.to_owned(), kind.to_owned()));
            } else {
                cluster.entry(group.to_owned()).or_default().insert(kind.to_owned());
            }
        }
    }
    for (group, kinds) in &mut cluster {
        kinds.retain(|kind| !namespaced.contains(&(group.clone(), kind.clone())));
    }
    cluster.retain(|_, kinds| !kinds.is_empty());
    let ours: BTreeMap<String, BTreeSet<String>> = CLUSTER_SCOPED
        .iter()
        .map(|(group, kinds)| ((*group).to_owned(), kinds.split(' ').map(str::to_owned).collect()))
        .collect();
    assert_eq!(ours, cluster);
}
