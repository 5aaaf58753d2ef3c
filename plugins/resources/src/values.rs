//! Values from the release, and the places in a manifest where they go.

use std::collections::BTreeMap;

use windlass_pdk::{Config, ConfigError, Error, Manifests, Path, Schema, Target, Value};

/// One entry of `values`, as it is written.
#[derive(Debug, Config)]
struct Written {
    /// Which object of the release has the value; of several, all must have the same.
    from: Option<Target>,
    /// Where in that object, such as `spec.ports[0].port`; a backslash keeps a dot as part of a key.
    path: Option<String>,
    /// The value where no object has it; without `from`, the value itself.
    default: Option<Value>,
}

/// A value that an object of the release has.
#[derive(Debug)]
pub(crate) struct ReleaseValue {
    from: Option<(Target, Path)>,
    default: Option<Value>,
}

impl Config for ReleaseValue {
    const SCHEMA: Schema = Written::SCHEMA;

    fn read(value: Value) -> Result<Self, ConfigError> {
        let Written { from, path, default } = Written::read(value)?;
        let from = match (from, path) {
            (Some(from), Some(path)) => {
                let path = path.parse::<Path>();
                Some((from, path.map_err(|error| ConfigError::new(error.to_string()).under("path"))?))
            }
            (None, None) if default.is_some() => None,
            (Some(_), None) => return Err(ConfigError::new("is required beside `from`").under("path")),
            (None, _) => return Err(ConfigError::new("is required, or `default` alone").under("from")),
        };
        Ok(ReleaseValue { from, default })
    }
}

/// Values by their names.
pub(crate) type Values = BTreeMap<String, Value>;

/// Looks all values up.
///
/// # Errors
/// A value that no object has, or objects that have different ones.
pub(crate) fn look_up(wanted: &BTreeMap<String, ReleaseValue>, manifests: &Manifests) -> Result<Values, Error> {
    let mut found: BTreeMap<&str, (Value, String)> = BTreeMap::new();
    manifests.read_all(|object| {
        for (name, value) in wanted {
            let Some((target, path)) = &value.from else { continue };
            if !target.matches(object) {
                continue;
            }
            let Some(node) = object.get(path).filter(|node| !node.is_null()) else { continue };
            match found.get(name.as_str()) {
                Some((first, _)) if node.means(first) => {}
                Some((_, origin)) => {
                    let message = format!("`values.{name}` is another one here than in {origin}; narrow its `from`");
                    return Err(object.refuse_at(path, message).into());
                }
                None => {
                    found.insert(name, (node.to_value()?, object.describe()));
                }
            }
        }
        Ok(())
    })?;
    let mut values = Values::new();
    for (name, value) in wanted {
        let looked_up = found.remove(name.as_str()).map(|(value, _)| value).or_else(|| value.default.clone());
        let Some(looked_up) = looked_up else {
            let path = value.from.as_ref().map(|(_, path)| path.to_string()).unwrap_or_default();
            return Err(Error::new(format!(
                "values.{name}: no object of the release that `from` selects has `{path}`; correct it, or set `default`{}",
                manifests.about_hooks()
            )));
        };
        values.insert(name.clone(), looked_up);
    }
    Ok(values)
}

const OPENING: &str = "${values.";

/// Puts values in the place of `${values.NAME}`, in texts and in keys. A text that is nothing else becomes the value,
/// whatever its type; `$${values.` stands for `${values.` itself.
///
/// # Errors
/// A name that there is no value for, and a map or list within a text, as a clause.
pub(crate) fn fill(value: &Value, values: &Values) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => fill_text(text, values)?,
        Value::List(items) => Value::List(items.iter().map(|item| fill(item, values)).collect::<Result<_, _>>()?),
        Value::Map(entries) => {
            let mut filled = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                let key = match fill_text(key, values)? {
                    Value::String(key) | Value::Number(key) => key,
                    Value::Bool(key) => key.to_string(),
                    other => return Err(format!("the key `{key}` would become {}", other.type_name())),
                };
                if filled.iter().any(|(there, _)| *there == key) {
                    return Err(format!("a map would have the key `{key}` twice"));
                }
                filled.push((key, fill(value, values)?));
            }
            Value::Map(filled)
        }
        other => other.clone(),
    })
}

fn fill_text(text: &str, values: &Values) -> Result<Value, String> {
    if !text.contains(OPENING) {
        return Ok(Value::String(text.to_owned()));
    }
    let (mut filled, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(OPENING) {
        if let Some(before) = before.strip_suffix('$') {
            filled.push_str(before);
            filled.push_str(OPENING);
            rest = after;
            continue;
        }
        let Some((name, after)) = after.split_once('}') else {
            return Err(format!("`{OPENING}` has no `}}` behind it; write `${OPENING}` where it means itself"));
        };
        let Some(value) = values.get(name) else {
            let known: Vec<&str> = values.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "there are none".to_owned() } else { known.join(", ") };
            let why =
                if name == "namespace" { "; `namespace` is one with `perNamespace`, where it is known" } else { "" };
            return Err(format!("`{OPENING}{name}}}` is no configured value ({known}){why}"));
        };
        if before.is_empty() && after.is_empty() && filled.is_empty() {
            return Ok(value.clone());
        }
        filled.push_str(before);
        match value {
            Value::String(text) | Value::Number(text) => filled.push_str(text),
            Value::Bool(flag) => filled.push_str(if *flag { "true" } else { "false" }),
            other => {
                return Err(format!("`{OPENING}{name}}}` is {}, which cannot stand within a text", other.type_name()));
            }
        }
        rest = after;
    }
    filled.push_str(rest);
    Ok(Value::String(filled))
}
