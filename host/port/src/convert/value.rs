//! Nodes of a file as values, typed as Helm and kustomize type them.

use windlass_manifest::Value;

use crate::audit::yaml::{Content, Form, Id, Yaml};

/// How many nodes one value may have, aliases followed.
const MAX_NODES: usize = 20_000;
const MAX_DEPTH: usize = 100;

/// The value of a node; none when it is too large.
pub(super) fn of(yaml: &Yaml<'_>, id: Id) -> Option<Value> {
    let mut left = MAX_NODES;
    build(yaml, id, 0, &mut left)
}

fn build(yaml: &Yaml<'_>, id: Id, depth: usize, left: &mut usize) -> Option<Value> {
    *left = left.checked_sub(1)?;
    if depth > MAX_DEPTH {
        return None;
    }
    let node = yaml.node(id)?;
    Some(match &node.content {
        Content::Scalar { text, style: Form::Plain } => plain(text),
        Content::Scalar { text, .. } => Value::String(text.clone()),
        Content::List(items) => {
            Value::List(items.iter().map(|item| build(yaml, *item, depth + 1, left)).collect::<Option<_>>()?)
        }
        Content::Map(entries) => {
            let mut map: Vec<(String, Value)> = Vec::new();
            for (key, value) in entries {
                let name = yaml.text(*key)?.to_owned();
                let value = build(yaml, *value, depth + 1, left)?;
                if name == "<<" && yaml.is_alias(entries.iter().find(|(k, _)| k == key)?.1) {
                    // The map's own keys go before merged ones.
                    if let Value::Map(merged) = value {
                        for (name, value) in merged {
                            if !map.iter().any(|(known, _)| *known == name) {
                                map.push((name, value));
                            }
                        }
                    }
                    continue;
                }
                match map.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, old)) => *old = value,
                    None => map.push((name, value)),
                }
            }
            Value::Map(map)
        }
        Content::Alias(_) => return None,
    })
}

/// A plain scalar.
fn plain(text: &str) -> Value {
    match Value::from_yaml(text) {
        Ok(Value::Map(_) | Value::List(_)) | Err(_) => Value::String(text.to_owned()),
        Ok(value) => value,
    }
}

/// A map of texts, as labels are.
pub(super) fn texts(yaml: &Yaml<'_>, id: Id) -> Vec<(String, Value)> {
    let entries = yaml.map(id).iter();
    let texts = entries
        .filter_map(|(key, value)| Some((yaml.text(*key)?.to_owned(), Value::String(yaml.text(*value)?.to_owned()))));
    texts.collect()
}

pub(super) fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

pub(super) fn map<const N: usize>(entries: [(&str, Value); N]) -> Vec<(String, Value)> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
