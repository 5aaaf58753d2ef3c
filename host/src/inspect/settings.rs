//! A plugin's settings as a person reads them, from the JSON Schema in its metadata: what the PDK writes, and no more
//! of JSON Schema than that. What it does not know of a foreign schema it leaves out.

use std::collections::HashSet;

use serde_json::{Map, Value as Json, json};
use windlass_abi::config::nearest;

use crate::error::Error;
use crate::text::shown_name;

/// One setting: a key of a map, and what the schema says of its value.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'s> {
    /// The key.
    pub key: &'s str,
    /// Whether it must be there.
    pub is_required: bool,
    schema: &'s Json,
}

impl<'s> Setting<'s> {
    /// What it is for; empty where the schema does not say.
    pub fn description(&self) -> &'s str {
        text(self.schema, "description")
    }

    /// The shape of its value in words, such as `list of string`; a choice of words as `a|b|c`.
    pub fn shape(&self) -> String {
        shape(self.schema)
    }

    /// Its default as JSON on one line, where it has one that says something: not an empty list, map or text.
    pub fn default(&self) -> Option<String> {
        let default = self.schema.get("default")?;
        let is_empty = match default {
            Json::Null => true,
            Json::String(text) => text.is_empty(),
            Json::Array(items) => items.is_empty(),
            Json::Object(entries) => entries.is_empty(),
            Json::Bool(_) | Json::Number(_) => false,
        };
        (!is_empty).then(|| match default {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        })
    }

    /// `shape, required` or `shape, default ...`: what stands behind the key.
    pub fn summary(&self) -> String {
        let required = if self.is_required { ", required" } else { "" };
        let default = self.default().map(|default| format!(", default {default}")).unwrap_or_default();
        format!("{}{required}{default}", self.shape())
    }

    /// The keys of its value, where that is a map with known keys, or holds such maps.
    pub fn settings(&self) -> Vec<Setting<'s>> {
        let mut found = Vec::new();
        add_settings(self.schema, &mut found);
        found
    }

    /// For programs.
    pub fn to_json(&self) -> Json {
        json!({
            "key": self.key, "type": self.shape(), "required": self.is_required, "default": self.schema.get("default"),
            "description": self.description(),
        })
    }

    /// The setting as lines of a configuration, with words in capitals for what the reader fills in.
    pub fn example(&self) -> String {
        match value_example(self.schema, 0) {
            Example::Inline(text) => format!("{}: {text}", self.key),
            Example::Block(lines) => format!("{}:\n  {}", self.key, lines.join("\n  ")),
        }
    }
}

/// The settings that a plugin's schema lists, in its order.
pub fn settings(schema: &Json) -> Vec<Setting<'_>> {
    let mut found = Vec::new();
    add_settings(schema, &mut found);
    found
}

/// The setting at a dotted key, such as `targets.kind`: lists and maps on the way are looked through, and an index is
/// taken for any item.
///
/// # Errors
/// There is none of that name; the error names the nearest (exit 2).
pub fn find<'s>(schema: &'s Json, key: &str) -> Result<Setting<'s>, Error> {
    let mut known = settings(schema);
    let mut found: Option<Setting<'s>> = None;
    for word in key.split('.') {
        let word = word.split_once('[').map_or(word, |(word, _)| word);
        let Some(setting) = known.iter().find(|setting| setting.key == word).copied() else {
            return Err(unknown(word, found.map(|setting| setting.key), &known));
        };
        known = setting.settings();
        found = Some(setting);
    }
    found.ok_or_else(|| Error::usage("no key is given"))
}

fn unknown(word: &str, within: Option<&str>, known: &[Setting<'_>]) -> Error {
    let place = within.map(|key| format!(" in `{}`", shown_name(key))).unwrap_or_default();
    let error = Error::usage(format!("there is no setting `{}`{place}", shown_name(word)));
    let names = || known.iter().map(|setting| setting.key);
    match nearest(word, names()) {
        Some(near) => error.hint(format!("did you mean `{}`?", shown_name(near))),
        None if known.is_empty() => error.hint("it takes no keys of its own"),
        None => error.hint(format!("keys: {}", names().map(shown_name).collect::<Vec<_>>().join(", "))),
    }
}

/// Adds the keys of a schema, those of its items and values, and those of its alternatives.
fn add_settings<'s>(schema: &'s Json, found: &mut Vec<Setting<'s>>) {
    let mut known: HashSet<&str> = found.iter().map(|setting| setting.key).collect();
    add_unknown(schema, &mut known, found);
}

/// The keys that are not known yet. A stranger's schema may have very many, so they are looked up.
fn add_unknown<'s>(schema: &'s Json, known: &mut HashSet<&'s str>, found: &mut Vec<Setting<'s>>) {
    if let Some(properties) = schema.get("properties").and_then(Json::as_object) {
        let required: HashSet<&str> = required(schema).into_iter().collect();
        for (key, schema) in properties.iter().filter(|(key, _)| known.insert(key)) {
            found.push(Setting { key, is_required: required.contains(key.as_str()), schema });
        }
        return;
    }
    for inner in ["items", "additionalProperties"].iter().filter_map(|key| schema.get(key)) {
        add_unknown(inner, known, found);
    }
    alternatives(schema).for_each(|one| add_unknown(one, known, found));
}

fn required(schema: &Json) -> Vec<&str> {
    schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect()
}

fn alternatives(schema: &Json) -> impl Iterator<Item = &Json> {
    ["oneOf", "anyOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten()
}

/// The type; where there are several, the first that holds a value.
fn kind(schema: &Json) -> &str {
    match schema.get("type") {
        Some(Json::Array(kinds)) => {
            kinds.iter().filter_map(Json::as_str).find(|kind| *kind != "null").unwrap_or_default()
        }
        _ => text(schema, "type"),
    }
}

fn text<'s>(schema: &'s Json, key: &str) -> &'s str {
    schema.get(key).and_then(Json::as_str).unwrap_or_default()
}

fn shape(schema: &Json) -> String {
    if let Some(words) = schema.get("enum").and_then(Json::as_array) {
        let word = |word: &Json| word.as_str().map_or_else(|| word.to_string(), str::to_owned);
        return words.iter().map(word).collect::<Vec<_>>().join("|");
    }
    let shapes: Vec<String> = alternatives(schema).map(shape).collect();
    if !shapes.is_empty() {
        return shapes.join(" or ");
    }
    if let Some(word) = schema.get("const") {
        return word.as_str().map_or_else(|| word.to_string(), str::to_owned);
    }
    match kind(schema) {
        "array" => format!("list of {}", schema.get("items").map_or_else(|| "anything".to_owned(), shape)),
        "object" => match schema.get("additionalProperties") {
            Some(values @ Json::Object(entries)) if !entries.is_empty() => format!("map of {}", shape(values)),
            _ => "map".to_owned(),
        },
        "" => "anything".to_owned(),
        other => other.to_owned(),
    }
}

/// A value to show how a setting is written.
enum Example {
    /// Behind the key.
    Inline(String),
    /// On lines of its own, below the key.
    Block(Vec<String>),
}

/// How deep an example goes into maps within maps.
const EXAMPLE_DEPTH: usize = 3;

fn value_example(schema: &Json, depth: usize) -> Example {
    if let Some(example) = schema.get("examples").and_then(Json::as_array).and_then(|all| all.first()) {
        return Example::Inline(example.to_string());
    }
    if let Some(words) = schema.get("enum").and_then(Json::as_array) {
        // Another one than the default, which needs not be written.
        let other = words.iter().find(|word| Some(*word) != schema.get("default")).or(words.first());
        return Example::Inline(
            other.map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned)).unwrap_or_default(),
        );
    }
    if let Some(first) = alternatives(schema).next() {
        return value_example(first, depth);
    }
    match kind(schema) {
        "boolean" => Example::Inline((schema.get("default") != Some(&Json::Bool(true))).to_string()),
        "integer" | "number" => Example::Inline(
            schema.get("minimum").filter(|minimum| **minimum != json!(0)).unwrap_or(&json!(1)).to_string(),
        ),
        "string" => Example::Inline("TEXT".to_owned()),
        "array" => match value_example(schema.get("items").unwrap_or(&Json::Null), depth + 1) {
            Example::Inline(item) => Example::Inline(format!("[{item}]")),
            Example::Block(lines) => Example::Block(
                lines
                    .iter()
                    .enumerate()
                    .map(|(n, line)| format!("{}{line}", if n == 0 { "- " } else { "  " }))
                    .collect(),
            ),
        },
        "object" => map_example(schema, depth),
        _ => Example::Inline("ANYTHING".to_owned()),
    }
}

/// The keys that must be there; where none must, the first one.
fn map_example(schema: &Json, depth: usize) -> Example {
    let none = Map::new();
    let properties = schema.get("properties").and_then(Json::as_object).unwrap_or(&none);
    if depth >= EXAMPLE_DEPTH {
        return Example::Inline("{}".to_owned());
    }
    let required = required(schema);
    let is_shown = |key: &&String| match required.is_empty() {
        true => properties.keys().next() == Some(key),
        false => required.contains(&key.as_str()),
    };
    let mut lines = Vec::new();
    for key in properties.keys().filter(is_shown) {
        let example = Setting { key, is_required: true, schema: &properties[key.as_str()] };
        lines.extend(match value_example(example.schema, depth + 1) {
            Example::Inline(text) => vec![format!("{key}: {text}")],
            Example::Block(inside) => {
                std::iter::once(format!("{key}:")).chain(inside.iter().map(|line| format!("  {line}"))).collect()
            }
        });
    }
    if !lines.is_empty() {
        return Example::Block(lines);
    }
    match schema.get("additionalProperties") {
        Some(values @ Json::Object(_)) => match value_example(values, depth + 1) {
            Example::Inline(text) => Example::Inline(format!("{{KEY: {text}}}")),
            Example::Block(inside) => Example::Block(
                std::iter::once("KEY:".to_owned()).chain(inside.iter().map(|line| format!("  {line}"))).collect(),
            ),
        },
        _ => Example::Inline("{}".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Json {
        json!({"type": "object", "properties": {
            "labels": {"type": "object", "additionalProperties": {"type": "string"}, "default": {}},
            "onConflict": {"type": "string", "enum": ["overwrite", "keep"], "default": "overwrite"},
            "targets": {"type": "array", "items": {"type": "object", "properties": {
                "kind": {"type": "string", "description": "The kind."}, "name": {"type": "string"}}, "required": ["kind"]}},
            "expect": {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "object", "properties": {"min": {"type": "integer"}}}]},
            "value": {"description": "Anything."},
        }, "required": ["targets"]})
    }

    #[track_caller]
    fn check(key: &str, expected: Result<(&str, &str), &str>) {
        let schema = schema();
        let found = find(&schema, key)
            .map(|setting| (setting.summary(), setting.example()))
            .map_err(|error| format!("{} ({})", error.message(), error.hints().join("; ")));
        let found = found.as_ref().map(|(summary, example)| (summary.as_str(), example.as_str()));
        assert_eq!(found.map_err(String::as_str), expected);
    }

    #[test]
    fn settings_are_found_with_their_shapes() {
        check("labels", Ok(("map of string", "labels: {KEY: TEXT}")));
        check("onConflict", Ok(("overwrite|keep, default overwrite", "onConflict: keep")));
        check("targets", Ok(("list of map, required", "targets:\n  - kind: TEXT")));
        check("targets.kind", Ok(("string, required", "kind: TEXT")));
        check("targets[0].kind", Ok(("string, required", "kind: TEXT")));
        check("expect", Ok(("integer or map", "expect: 1")));
        check("expect.min", Ok(("integer", "min: 1")));
        check("value", Ok(("anything", "value: ANYTHING")));
        check("lables", Err("there is no setting `lables` (did you mean `labels`?)"));
        check("targets.knd", Err("there is no setting `knd` in `targets` (did you mean `kind`?)"));
        check("labels.team", Err("there is no setting `team` in `labels` (it takes no keys of its own)"));
        check("", Err("there is no setting `` (keys: labels, onConflict, targets, expect, value)"));
    }

    /// A schema is a guest's word: whatever it holds, there is an answer.
    #[test]
    fn odd_schemas_have_an_answer() {
        for text in [
            "null",
            "[]",
            "{\"properties\":{\"a\":null,\"b\":[1],\"c\":{\"type\":7,\"enum\":[]},\"d\":{\"oneOf\":[]}}}",
        ] {
            let schema: Json = serde_json::from_str(text).unwrap();
            for setting in settings(&schema) {
                assert!(!setting.example().is_empty() && setting.settings().is_empty(), "{text}");
                setting.summary();
            }
        }
        let mut deep = "{\"type\":\"string\"}".to_owned();
        for _ in 0..50 {
            deep = format!("{{\"type\":\"object\",\"properties\":{{\"a\":{deep}}}}}");
        }
        let schema: Json = serde_json::from_str(&deep).unwrap();
        assert!(settings(&schema)[0].example().len() < 100);
    }
}
