//! Putting configured fields into a container.

use windlass_pdk::{Error, Kind, Node, Object, Path, Value};

/// What to do with what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is replaced.
    Set,
    /// It stays.
    Default,
}

/// The lists of a container whose items are told apart, and by what (the marks of Kubernetes' OpenAPI document).
const KEYED: &[(&str, &[&str])] = &[
    ("env", &["name"]),
    ("ports", &["containerPort", "protocol"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    ("resizePolicy", &["resourceName"]),
];

/// Lists to which items are added that are not there.
const SETS: &[&str] = &["envFrom"];

/// Two fields of which an item has one.
const EITHER: &[(&str, &str)] = &[("value", "valueFrom"), ("valueFrom", "value")];

/// Merges a value into what is at a path. `field` is the last key of the path.
pub(crate) fn merge(object: &mut Object<'_>, path: &Path, field: &str, value: &Value, mode: Mode) -> Result<(), Error> {
    let there = object.get(path).filter(|node| !node.is_null());
    match (value, there) {
        (Value::Null, Some(_)) if mode == Mode::Set => {
            object.remove(path)?;
        }
        (Value::Null, _) => {}
        (Value::Map(entries), Some(node)) if node.kind() == Kind::Map => {
            for (key, value) in entries {
                merge(object, &path.key(key), key, value, mode)?;
            }
        }
        (Value::List(items), Some(node)) if node.kind() == Kind::List => {
            if let Some((_, keys)) = KEYED.iter().find(|(name, _)| *name == field) {
                for item in items {
                    merge_item(object, path, keys, item, mode)?;
                }
            } else if SETS.contains(&field) {
                for item in items {
                    let is_there = object.get(path).is_some_and(|list| list.items().any(|there| there.means(item)));
                    if !is_there {
                        object.append(path, item.clone())?;
                    }
                }
            } else if mode == Mode::Set {
                object.set(path, value.clone())?;
            }
        }
        (_, Some(_)) if mode == Mode::Default => {}
        _ => {
            if let Some(value) = without_nulls(value) {
                object.set(path, value)?;
            }
        }
    }
    Ok(())
}

/// Merges an item into the one of the list with the same keys, or adds it.
fn merge_item(object: &mut Object<'_>, list: &Path, keys: &[&str], item: &Value, mode: Mode) -> Result<(), Error> {
    let is_it = |there: &Node<'_>| {
        keys.iter().all(|key| match (there.get(key), item.get(key)) {
            (Some(there), Some(wanted)) => there.means(wanted),
            // A port is for TCP unless it says otherwise.
            (there, wanted) if *key == "protocol" => {
                let said = there.and_then(|node| node.as_str()).unwrap_or("TCP".into());
                said == wanted.and_then(Value::as_str).unwrap_or("TCP")
            }
            _ => false,
        })
    };
    // Of several the last one counts.
    let found = object.get(list).and_then(|list| {
        let matching = list.items().enumerate().filter(|(_, there)| is_it(there));
        matching.last().map(|(index, _)| index)
    });
    match found {
        None => {
            if let Some(item) = without_nulls(item) {
                object.append(list, item)?;
            }
        }
        Some(index) if mode == Mode::Set => {
            let place = list.index(index);
            for (key, value) in item.as_map().unwrap_or_default() {
                if let Some((_, other)) = EITHER.iter().find(|(one, _)| one == key)
                    && !value.is_null()
                {
                    object.remove(&place.key(*other))?;
                }
                merge(object, &place.key(key), key, value, mode)?;
            }
        }
        Some(_) => {}
    }
    Ok(())
}

/// A new value has nothing to remove.
fn without_nulls(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Map(entries) => {
            let mut kept = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                if let Some(value) = without_nulls(value) {
                    kept.push((key.clone(), value));
                }
            }
            (entries.is_empty() || !kept.is_empty()).then_some(Value::Map(kept))
        }
        other => Some(other.clone()),
    }
}
