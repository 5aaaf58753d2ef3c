//! Expressions that can never hold: their path names a field that no object of the kind has, by the definition's
//! schema. Said at once, where otherwise somebody would wait for nothing.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::OnceCell;
use windlass_kstatus::{Expression, FAILURE_ANNOTATION, OwnRule, SUCCESS_ANNOTATION, parse_annotation};

use super::discovery::Resource;
use crate::cluster::{Allowance, Cluster, escape};

/// The most bytes of a definition; etcd takes no more than 1.5 MiB.
const MAX_DEFINITION: u64 = 4 * 1024 * 1024;
/// How long a definition may take; the answer is a courtesy.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many fields are named that are there instead.
const MAX_KNOWN: usize = 12;
/// How many different sets of expressions of a kind are looked at.
const MAX_SETS: usize = 1_000;

/// What was looked at already, for one kind.
#[derive(Default)]
pub(super) struct Paths {
    schema: OnceCell<Option<Value>>,
    seen: Mutex<BTreeSet<String>>,
}

impl Paths {
    /// What to warn of about an object's expressions: those of the first of `rules` that covers it, else of its
    /// annotations. Nothing the second time, and nothing where the definition may not be looked at.
    pub(super) async fn warnings(
        &self,
        cluster: &Cluster,
        resource: &Resource,
        object: &Value,
        rules: &[OwnRule],
    ) -> Vec<String> {
        // Only definitions have such schemas, and they have groups with dots.
        let Some((group, version)) = object["apiVersion"].as_str().and_then(|text| text.split_once('/')) else {
            return Vec::new();
        };
        if !group.contains('.') {
            return Vec::new();
        }
        let sources = self.new_sources(object, rules);
        if sources.is_empty() {
            return Vec::new();
        }
        let schema = self.schema.get_or_init(|| schema(cluster, resource, version)).await;
        let Some(schema) = schema else { return Vec::new() };
        let kind = object["kind"].as_str().unwrap_or_default();
        let mut found = Vec::new();
        for (source, expressions) in sources {
            for expression in expressions {
                let Some(missing) = expression.no_such_field(schema) else { continue };
                let hidden = if missing.known.len() > MAX_KNOWN { ", ..." } else { "" };
                let known: Vec<&str> = missing.known.iter().map(String::as_str).take(MAX_KNOWN).collect();
                let there = match known.is_empty() {
                    true => String::new(),
                    false => format!("; there is {}{hidden}", known.join(", ")),
                };
                found.push(format!(
                    "{source}: `{}` can never hold: by its definition no {kind} has a field {}{there}",
                    expression.text(),
                    missing.path
                ));
            }
        }
        found
    }

    /// The expressions that were not looked at yet, and where they stand.
    fn new_sources(&self, object: &Value, rules: &[OwnRule]) -> Vec<(String, Vec<Expression>)> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_new = |text: &str| seen.len() < MAX_SETS && seen.insert(text.to_owned());
        if let Some(rule) = rules.iter().find(|rule| rule.covers(object)) {
            let source = format!("the rule for {}", rule.group);
            let expressions: Vec<Expression> = rule.expressions().cloned().collect();
            return if is_new("") { vec![(source, expressions)] } else { Vec::new() };
        }
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let place = format!("{}/{name}", object["kind"].as_str().unwrap_or_default());
        let annotation = |key: &str| object["metadata"]["annotations"][key].as_str();
        let mut found = Vec::new();
        for key in [SUCCESS_ANNOTATION, FAILURE_ANNOTATION] {
            let Some(text) = annotation(key).filter(|text| is_new(text)) else { continue };
            // What is no list of expressions is told elsewhere.
            if let Ok(expressions) = parse_annotation(text)
                && !expressions.is_empty()
            {
                found.push((format!("{place}: {key}"), expressions));
            }
        }
        found
    }
}

/// The schema of a version of a definition, where there is one to be seen.
async fn schema(cluster: &Cluster, resource: &Resource, version: &str) -> Option<Value> {
    let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}", escape(&resource.full_name));
    let little = cluster.within(Arc::new(Allowance::new(1, MAX_DEFINITION)));
    let mut definition = tokio::time::timeout(PATIENCE, little.get(&path, &[])).await.ok()?.ok()?;
    let versions = definition.pointer_mut("/spec/versions")?.as_array_mut()?;
    let served = versions.iter_mut().find(|one| one["name"] == version)?;
    served.pointer_mut("/schema/openAPIV3Schema").map(Value::take)
}
