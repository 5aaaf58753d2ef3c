//! Config trees: layers, Extism's string map, and keys that a schema does not know.

use std::collections::HashMap;
use std::fmt;

use windlass_manifest::{Budget, Exhausted, Value};

/// Lays `over` on `base` as Helm lays values files on each other: maps merge key by key, everything else is replaced,
/// null removes the key.
pub fn overlay(base: &mut Vec<(String, Value)>, over: Vec<(String, Value)>) {
    // Where each key is, so that laying two long maps on each other is no product of their lengths.
    let mut places: HashMap<String, usize> =
        base.iter().enumerate().rev().map(|(place, (key, _))| (key.clone(), place)).collect();
    let mut is_removed = vec![false; base.len()];
    for (key, value) in over {
        let place = places.get(&key).copied();
        match (place, value) {
            (Some(place), Value::Null) => {
                places.remove(&key);
                if let Some(removed) = is_removed.get_mut(place) {
                    *removed = true;
                }
            }
            (None, Value::Null) => {}
            (Some(place), value) => {
                if let Some((_, existing)) = base.get_mut(place) {
                    match (existing, value) {
                        (Value::Map(below), Value::Map(entries)) => overlay(below, entries),
                        (existing, Value::Map(entries)) => *existing = without_nulls(entries),
                        (existing, value) => *existing = value,
                    }
                }
            }
            (None, value) => {
                places.insert(key.clone(), base.len());
                is_removed.push(false);
                let value = if let Value::Map(entries) = value { without_nulls(entries) } else { value };
                base.push((key, value));
            }
        }
    }
    let mut removed = is_removed.into_iter();
    base.retain(|_| !removed.next().unwrap_or(false));
}

/// A map that meets nothing below it: its nulls have nothing to remove.
fn without_nulls(entries: Vec<(String, Value)>) -> Value {
    let mut map = Vec::new();
    overlay(&mut map, entries);
    Value::Map(map)
}

/// Turns a config tree into Extism's string map: a string as it is, anything else as JSON. Null has no entry.
///
/// A number that JSON cannot spell keeps its text (`{"build":0755}`), which is YAML still: whether it means 493 or
/// "0755" is for the plugin to say, by the type of its setting.
pub fn to_entries(config: &[(String, Value)]) -> Vec<(String, String)> {
    config
        .iter()
        .filter_map(|(key, value)| match value {
            Value::Null => None,
            Value::String(text) => Some((key.clone(), text.clone())),
            other => {
                let mut text = String::new();
                write_entry(other, &mut text);
                Some((key.clone(), text))
            }
        })
        .collect()
}

fn write_entry(value: &Value, out: &mut String) {
    match value {
        Value::Number(text) => out.push_str(text),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_entry(item, out);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                Value::String(key.clone()).write_json(out);
                out.push(':');
                write_entry(value, out);
            }
            out.push('}');
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value.write_json(out),
    }
}

/// The kind of a value as errors name it, with its article.
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
    }
}

/// A key that the schema does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKey {
    /// Where it stands, for example `targets[0].nmae`.
    pub path: String,
    /// The known key that comes nearest, if any is near.
    pub nearest: Option<String>,
    /// All keys known at that place, in the schema's order.
    pub known: Vec<String>,
}

impl fmt::Display for UnknownKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "unknown key `{}`", self.path)?;
        match &self.nearest {
            Some(key) => write!(formatter, ", did you mean `{key}`?"),
            None if self.known.is_empty() => formatter.write_str("; no keys are known here"),
            None => write!(formatter, "; known: {}", self.known.join(", ")),
        }
    }
}

/// The first key of `config`, at any level, that `schema` (a JSON Schema) does not know. Only places where the schema
/// says `additionalProperties: false` are closed.
///
/// # Errors
/// The budget is used up: both may be as large as their authors like, and each place of the one meets many of the
/// other.
pub fn find_unknown_key(
    schema: &Value,
    config: &[(String, Value)],
    budget: &Budget,
) -> Result<Option<UnknownKey>, Exhausted> {
    Search { budget, properties: HashMap::new() }.in_map(schema, config, &mut String::new())
}

fn field<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    match value {
        Value::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
        _ => None,
    }
}

struct Search<'s> {
    budget: &'s Budget,
    /// The properties of each part of the schema that was visited, by the part's address.
    properties: HashMap<*const Value, HashMap<&'s str, &'s Value>>,
}

impl<'s> Search<'s> {
    /// Looks into a map that stands at `path`, which is as it was afterwards.
    fn in_map(
        &mut self,
        schema: &'s Value,
        entries: &[(String, Value)],
        path: &mut String,
    ) -> Result<Option<UnknownKey>, Exhausted> {
        let additional = field(schema, "additionalProperties");
        for (key, value) in entries {
            self.budget.entries(1)?;
            let above = path.len();
            if above > 0 {
                path.push('.');
            }
            path.push_str(key);
            let unknown = match (self.property(schema, key)?, additional) {
                (Some(below), _) => self.in_value(below, value, path)?,
                (None, Some(Value::Bool(false))) => Some(self.unknown_key(schema, key, path)?),
                (None, Some(below)) => self.in_value(below, value, path)?,
                (None, None) => None,
            };
            path.truncate(above);
            if unknown.is_some() {
                return Ok(unknown);
            }
        }
        Ok(None)
    }

    fn property(&mut self, schema: &'s Value, key: &str) -> Result<Option<&'s Value>, Exhausted> {
        let properties = match self.properties.entry(std::ptr::from_ref(schema)) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                let properties = properties(schema);
                self.budget.entries(properties.len())?;
                // Of equal names the first counts.
                place.insert(properties.iter().rev().map(|(name, below)| (name.as_str(), below)).collect())
            }
        };
        Ok(properties.get(key).copied())
    }

    fn in_value(
        &mut self,
        schema: &'s Value,
        value: &Value,
        path: &mut String,
    ) -> Result<Option<UnknownKey>, Exhausted> {
        // The keywords of this part of the schema are looked for one by one.
        self.budget.entries(1 + schema.as_map().map_or(0, <[_]>::len) / 16)?;
        // Several shapes: a key is known if one of those that may hold such a value knows it.
        if let Some(Value::List(shapes)) = field(schema, "oneOf").or_else(|| field(schema, "anyOf")) {
            let mut first = None;
            for shape in shapes {
                self.budget.entries(1)?;
                if may_hold(shape, value) {
                    match self.in_value(shape, value, path)? {
                        None => return Ok(None),
                        unknown => first = first.or(unknown),
                    }
                }
            }
            return Ok(first);
        }
        match value {
            Value::Map(entries) => self.in_map(schema, entries, path),
            Value::List(items) => {
                let Some(below) = field(schema, "items") else { return Ok(None) };
                for (index, item) in items.iter().enumerate() {
                    let above = path.len();
                    path.push_str(&format!("[{index}]"));
                    let unknown = self.in_value(below, item, path)?;
                    path.truncate(above);
                    if unknown.is_some() {
                        return Ok(unknown);
                    }
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    #[cold]
    fn unknown_key(&self, schema: &Value, key: &str, path: &str) -> Result<UnknownKey, Exhausted> {
        let properties = properties(schema);
        self.budget.entries(properties.len())?;
        let known: Vec<String> = properties.iter().map(|(name, _)| name.clone()).collect();
        let nearest = nearest(key, known.iter().map(String::as_str)).map(str::to_owned);
        Ok(UnknownKey { path: path.to_owned(), nearest, known })
    }
}

fn properties(schema: &Value) -> &[(String, Value)] {
    match field(schema, "properties") {
        Some(Value::Map(properties)) => properties,
        _ => &[],
    }
}

/// Whether the schema's `type`, if it has one, fits a map or a list; scalars have no keys and fit all.
fn may_hold(schema: &Value, value: &Value) -> bool {
    match (field(schema, "type"), value) {
        (Some(Value::String(word)), Value::Map(_)) => word == "object",
        (Some(Value::String(word)), Value::List(_)) => word == "array",
        _ => true,
    }
}

/// The candidate nearest to a mistyped word: at most a third of its letters (and at least two) apart, counting a swap
/// of neighbours as one; `None` when nothing is near.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let limit = (word.chars().count() / 3).max(2);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(apart, candidate)| apart <= limit && apart < candidate.chars().count())
        .min_by_key(|&(apart, _)| apart)
        .map(|(_, candidate)| candidate)
}

/// Edits between two words (insert, remove, replace, swap neighbours), ignoring ASCII case.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().map(|character| character.to_ascii_lowercase()).collect();
    let right: Vec<char> = right.chars().map(|character| character.to_ascii_lowercase()).collect();
    // Very long words are no slips of the finger, and would cost the product of their lengths.
    if left.len().abs_diff(right.len()) > 32 || left.len() > 64 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for (i, &a) in left.iter().enumerate() {
        let mut current = Vec::with_capacity(right.len() + 1);
        current.push(i + 1);
        for (j, &b) in right.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let mut best =
                (at(&previous, j) + usize::from(a != b)).min(at(&previous, j + 1) + 1).min(at(&current, j) + 1);
            let swapped = i > 0 && j > 0 && left.get(i - 1) == Some(&b) && right.get(j - 1) == Some(&a);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut previous, current);
    }
    previous.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(yaml: &str) -> Vec<(String, Value)> {
        match Value::from_yaml(yaml).expect("valid YAML") {
            Value::Map(entries) => entries,
            other => panic!("{other:?} is not a map"),
        }
    }

    #[test]
    fn layers_merge_like_values_files() {
        let mut base = tree("labels: {a: '1', b: '2'}\nlist: [1, 2]\nkeep: x\ndrop: y\n");
        overlay(&mut base, tree("labels: {b: '3', c: '4', a: null}\nlist: [3]\ndrop: null\nnew: {x: 1, y: null}\n"));
        assert_eq!(base, tree("labels: {b: '3', c: '4'}\nlist: [3]\nkeep: x\nnew: {x: 1}\n"));
    }

    #[test]
    fn strings_pass_as_they_are_and_the_rest_as_json() {
        let entries = to_entries(&tree("a: text\nb: 1.20\nc: {x: [1, 'y', 0755]}\nd: true\ne: null\nf: 1_000\n"));
        let list = r#"{"x":[1,"y",0755]}"#;
        let expected = [("a", "text"), ("b", "1.20"), ("c", list), ("d", "true"), ("f", "1_000")];
        assert_eq!(entries, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    const SCHEMA: &str = r#"{"type":"object","additionalProperties":false,"properties":{
        "labels":{"type":"object","additionalProperties":{"type":"string"}},
        "podTemplates":{"type":"boolean"},
        "targets":{"type":"array","items":{"type":"object","additionalProperties":false,"properties":{"name":{},"kind":{}}}},
        "expect":{"oneOf":[{"type":"integer"},{"type":"object","additionalProperties":false,"properties":{"min":{},"max":{}}}]},
        "free":{}}}"#;

    #[track_caller]
    fn check_keys(config: &str, expected: Option<&str>) {
        let schema = Value::from_yaml(SCHEMA).expect("valid JSON");
        let budget = Budget::for_text(0);
        let actual = find_unknown_key(&schema, &tree(config), &budget).expect("little to do");
        let actual = actual.map(|unknown| unknown.to_string());
        assert_eq!(actual.as_deref(), expected);
    }

    #[test]
    fn unknown_keys_are_found_at_every_level() {
        check_keys("labels: {anything: x}\ntargets: [{name: x}]\nexpect: 3\nfree: {a: {b: 1}}\n", None);
        check_keys("expect: {min: 1}\n", None);
        check_keys("lables: {}\n", Some("unknown key `lables`, did you mean `labels`?"));
        check_keys("podtemplates: true\n", Some("unknown key `podtemplates`, did you mean `podTemplates`?"));
        check_keys("targets: [{name: x}, {nmae: y}]\n", Some("unknown key `targets[1].nmae`, did you mean `name`?"));
        check_keys("expect: {mni: 1}\n", Some("unknown key `expect.mni`, did you mean `min`?"));
        check_keys("zzz: 1\n", Some("unknown key `zzz`; known: labels, podTemplates, targets, expect, free"));
    }

    /// Counted, not timed: a schema of many shapes and a list of many items are no product that anybody waits for.
    #[test]
    fn a_search_ends_with_its_budget() {
        let shape = r#"{"type":"object","additionalProperties":false,"properties":{"a":{}}},"#;
        let schema = format!(r#"{{"properties":{{"l":{{"items":{{"oneOf":[{}{{}}]}}}}}}}}"#, shape.repeat(2000));
        let schema = Value::from_yaml(&schema).expect("valid JSON");
        let config = tree(&format!("l: [{}]\n", "{b: 1},".repeat(2000)));
        let budget = Budget::for_text(0);
        assert_eq!(find_unknown_key(&schema, &config, &budget), Err(Exhausted::Entries { limit: Budget::ENTRIES }));
    }

    #[test]
    fn long_maps_are_laid_on_each_other_in_order() {
        let entry = |number: usize, value: Value| (format!("k{number}"), value);
        let mut base: Vec<(String, Value)> = (0..20_000).map(|number| entry(number, Value::from("old"))).collect();
        let over = (10_000..30_000)
            .map(|number| entry(number, if number % 2 == 0 { Value::Null } else { Value::from("new") }));
        overlay(&mut base, over.collect());
        assert_eq!(base.len(), 20_000);
        assert_eq!((&base[10_000].0, &base[19_999].0), (&"k10001".to_owned(), &"k29999".to_owned()));
    }

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("imgae", ["name", "image"]), Some("image"));
        assert_eq!(nearest("x", ["ab", "y"]), None);
        assert_eq!(nearest("annotation", ["labels", "annotations"]), Some("annotations"));
        assert_eq!(nearest("", ["labels"]), None);
    }
}
