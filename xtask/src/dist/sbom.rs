//! What is in a release, for machines: a CycloneDX document (1.6, JSON) from what Cargo resolved for the target.

use super::{file_name, hex, sha256, version, write};
use crate::command::{self, During, Failure, Result};
use crate::workspace;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Writes `windlass-VERSION-TARGET.cdx.json`.
pub(super) fn make(out: &Path, target: &str, plugins: &[PathBuf]) -> Result<PathBuf> {
    let arguments = ["metadata", "--locked", "--format-version", "1", "--filter-platform", target];
    let metadata = command::output(workspace::cargo().args(arguments))?;
    let metadata: Value = serde_json::from_slice(&metadata).during("cannot read cargo's metadata")?;
    let graph = Graph::new(&metadata);
    let root = graph.package_of_host()?;
    let reached = graph.reached_from(&root);
    let checksums = checksums()?;
    let described = |id: &String| graph.packages.get(id).map(|package| component(package, &checksums));
    let mut components: Vec<Value> = reached.iter().filter(|id| **id != root).filter_map(described).collect();
    for plugin in plugins {
        let digest = sha256(&plugin.join("plugin.wasm"))?;
        components.push(json!({
            "type": "application", "bom-ref": format!("plugin:{}", file_name(plugin)), "name": file_name(plugin),
            "version": version(), "hashes": [{ "alg": "SHA-256", "content": digest }],
        }));
    }
    components.sort_by_key(|component| component["bom-ref"].as_str().map(str::to_owned));
    let dependencies: Vec<Value> = reached
        .iter()
        .map(|id| {
            let needs: BTreeSet<String> = graph.needs(id).iter().map(|id| graph.purl(id)).collect();
            json!({ "ref": graph.purl(id), "dependsOn": needs })
        })
        .collect();
    let mut application = described(&root).unwrap_or_default();
    application["type"] = "application".into();
    let mut document = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {
            "component": application,
            "properties": [{ "name": "cargo:target", "value": target }],
        },
        "components": components, "dependencies": dependencies,
    });
    // A number that follows from the content: the same release has the same one.
    let content = serde_json::to_vec(&document).during("cannot write JSON")?;
    document["serialNumber"] = format!("urn:uuid:{}", uuid(&hex(&content))).into();
    let path = out.join(format!("windlass-{}-{target}.cdx.json", version()));
    let text = serde_json::to_vec_pretty(&document).during("cannot write JSON")?;
    write(&path, &text)?;
    Ok(path)
}

/// A UUID (RFC 9562, version 8) from hexadecimal digits of a digest.
fn uuid(digits: &str) -> String {
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}

/// Packages and what they need, by Cargo's identifiers.
struct Graph<'m> {
    packages: BTreeMap<String, &'m Value>,
    nodes: BTreeMap<String, &'m Value>,
}

impl<'m> Graph<'m> {
    fn new(metadata: &'m Value) -> Self {
        let by_id = |list: &'m Value| -> BTreeMap<String, &'m Value> {
            let all = list.as_array().map(Vec::as_slice).unwrap_or_default();
            all.iter().filter_map(|one| Some((one["id"].as_str()?.to_owned(), one))).collect()
        };
        Self { packages: by_id(&metadata["packages"]), nodes: by_id(&metadata["resolve"]["nodes"]) }
    }

    fn package_of_host(&self) -> Result<String> {
        let found = self.packages.iter().find(|(_, package)| package["name"] == "windlass");
        found.map(|(id, _)| id.clone()).ok_or_else(|| Failure::new("cargo knows no package `windlass`"))
    }

    /// What a package is built with or from; not what only its tests need.
    fn needs(&self, id: &str) -> Vec<String> {
        let Some(node) = self.nodes.get(id) else { return Vec::new() };
        let needed = node["deps"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is_for_build = |dependency: &&Value| {
            dependency["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"] != "dev"))
        };
        needed.iter().filter(is_for_build).filter_map(|one| one["pkg"].as_str().map(str::to_owned)).collect()
    }

    fn reached_from(&self, root: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![root.to_owned()];
        while let Some(id) = waiting.pop() {
            if reached.insert(id.clone()) {
                waiting.extend(self.needs(&id));
            }
        }
        reached
    }

    fn purl(&self, id: &str) -> String {
        self.packages.get(id).map(|package| purl(package)).unwrap_or_default()
    }
}

fn purl(package: &Value) -> String {
    let text = |key: &str| package[key].as_str().unwrap_or_default();
    format!("pkg:cargo/{}@{}", text("name"), text("version"))
}

fn component(package: &Value, checksums: &BTreeMap<(String, String), String>) -> Value {
    let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let mut component = json!({
        "type": "library", "bom-ref": purl(package), "name": text("name"), "version": text("version"),
        "purl": purl(package),
    });
    if let Some(license) = package["license"].as_str() {
        // `A/B` is what `A OR B` was written as before SPDX expressions.
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    if let Some(repository) = package["repository"].as_str() {
        component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    if let Some(digest) = checksums.get(&(text("name"), text("version"))) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": digest }]);
    }
    component
}

/// The digests of packages from registries, which Cargo.lock holds, by name and version.
fn checksums() -> Result<BTreeMap<(String, String), String>> {
    let lock = String::from_utf8(super::read(&workspace::root().join("Cargo.lock"))?).during("Cargo.lock")?;
    let mut found = BTreeMap::new();
    for package in lock.split("[[package]]") {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""))?;
            line.strip_suffix('"').map(str::to_owned)
        };
        if let (Some(name), Some(version), Some(digest)) = (value("name"), value("version"), value("checksum")) {
            found.insert((name, version), digest);
        }
    }
    Ok(found)
}
