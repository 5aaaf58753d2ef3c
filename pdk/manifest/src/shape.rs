//! Which lists of the built-in kinds Kubernetes merges item by item, by which keys, and where its API has strings: what
//! a strategic merge patch goes by, and a comparison of two objects.
//!
//! The table is made from the marks of Kubernetes' OpenAPI document. A list without a mark is replaced as a whole, and
//! so is every list of a custom resource, of which nothing is known but that its labels and annotations are strings.

mod table;

use crate::value::Value;

/// What a map of an object is, as far as merging is concerned: a row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A row of the table.
    #[doc(hidden)]
    Row(usize),
    /// A string, or a map or list of strings.
    Strings,
    /// Nothing below it is known.
    Plain,
}

/// How a list or a map merges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// As usual: a list is replaced, a map is merged.
    Default,
    /// The patch's map takes its place.
    Replace,
    /// Items are maps, told apart by the values of these keys.
    ByKeys(Keys),
    /// Items are scalars; those that are missing are added.
    Set,
}

/// The keys that tell the items of a list apart: one that each item has, and others that may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys(&'static str);

impl Keys {
    /// The key that each item has.
    pub fn first(self) -> &'static str {
        self.0.split(',').next().unwrap_or_default()
    }

    /// The others.
    pub fn others(self) -> impl Iterator<Item = &'static str> {
        self.0.split(',').skip(1)
    }
}

impl Shape {
    /// What an object of this group and kind is.
    pub fn of(group: &str, kind: &str) -> Self {
        let kinds = table::KINDS.iter().filter(|(known, _)| *known == group).flat_map(|(_, kinds)| kinds.split(' '));
        let mut rows = kinds.filter_map(|known| known.split_once('>')).filter(|(known, _)| *known == kind);
        rows.next().map_or(Shape::Row(0), |(_, row)| row_of(row))
    }

    /// How what is under a key merges, and what it is: of a list, what its items are.
    pub fn below(self, key: &str) -> (Merge, Shape) {
        let row = match self {
            Shape::Row(row) => table::SHAPES.get(row).copied().unwrap_or_default(),
            Shape::Strings => return (Merge::Default, Shape::Strings),
            Shape::Plain => return (Merge::Default, Shape::Plain),
        };
        for entry in row.split(' ') {
            let (entry, shape) =
                entry.split_once('>').map_or((entry, Shape::Plain), |(entry, row)| (entry, row_of(row)));
            if entry == "*" {
                return (Merge::Default, shape);
            }
            let Some(mark) = entry.strip_prefix(key) else { continue };
            return match mark.as_bytes().first() {
                None => (Merge::Default, shape),
                Some(b'"') => (Merge::Default, Shape::Strings),
                Some(b'=') => (Merge::Replace, shape),
                Some(b'+') => (Merge::Set, shape),
                Some(b':') => (Merge::ByKeys(Keys(mark.get(1..).unwrap_or_default())), shape),
                // Another key that begins alike.
                Some(_) => continue,
            };
        }
        (Merge::Default, Shape::Plain)
    }

    /// The same value with strings where the API has strings: `1.20` and `true` are what people write for labels.
    pub fn typed(self, value: &Value) -> Value {
        match value {
            Value::Number(text) if self == Shape::Strings => Value::String(text.clone()),
            Value::Bool(value) if self == Shape::Strings => {
                Value::String(if *value { "true" } else { "false" }.to_owned())
            }
            Value::Map(entries) => {
                let mut typed = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    // A directive for a list, such as `$deleteFromPrimitiveList/args`, holds what the list holds.
                    let name = match key.strip_prefix('$').and_then(|rest| rest.split_once('/')) {
                        Some((_, name)) => name,
                        None => key,
                    };
                    typed.push((key.clone(), self.below(name).1.typed(value)));
                }
                Value::Map(typed)
            }
            Value::List(items) => items.iter().map(|item| self.typed(item)).collect(),
            other => other.clone(),
        }
    }
}

fn row_of(text: &str) -> Shape {
    text.parse().map_or(Shape::Plain, Shape::Row)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Follows a path from a kind.
    fn at(group: &str, kind: &str, path: &[&str]) -> (Merge, Shape) {
        path.iter().fold((Merge::Default, Shape::of(group, kind)), |(_, shape), key| shape.below(key))
    }

    #[test]
    fn every_row_and_every_kind_leads_somewhere() {
        for row in table::SHAPES.iter().chain(table::KINDS.iter().map(|(_, kinds)| kinds)) {
            for entry in row.split(' ') {
                if let Some((_, target)) = entry.split_once('>') {
                    let target: usize = target.parse().expect("a number");
                    assert!(target < table::SHAPES.len(), "{entry}");
                }
            }
        }
    }

    #[test]
    fn marks_are_found_on_the_way_from_a_kind() {
        for (group, kind, path, keys) in [
            ("apps", "Deployment", &["spec", "template", "spec", "containers", "env"][..], "name"),
            ("extensions", "Deployment", &["spec", "template", "spec", "volumes"], "name"),
            ("batch", "CronJob", &["spec", "jobTemplate", "spec", "template", "spec", "hostAliases"], "ip"),
            ("", "PodTemplate", &["template", "spec", "initContainers", "ports"], "containerPort,protocol"),
            ("", "Pod", &["spec", "topologySpreadConstraints"], "topologyKey,whenUnsatisfiable"),
            ("", "Service", &["spec", "ports"], "port,protocol"),
            ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", &["spec", "variables"], "name"),
            ("admissionregistration.k8s.io", "MutatingAdmissionPolicy", &["spec", "matchConditions"], "name"),
        ] {
            assert_eq!(at(group, kind, path).0, Merge::ByKeys(Keys(keys)), "{kind} {path:?}");
        }
        assert_eq!(at("", "ConfigMap", &["metadata", "finalizers"]).0, Merge::Set);
        assert_eq!(at("policy", "PodDisruptionBudget", &["spec", "selector"]).0, Merge::Replace);
        assert_eq!(at("", "Pod", &["spec", "tolerations"]), (Merge::Default, Shape::Plain));
        assert_eq!(at("example.com", "Deployment", &["metadata", "finalizers"]), (Merge::Default, Shape::Plain));
        assert_eq!(at("example.com", "Anything", &["metadata", "labels", "a"]).1, Shape::Strings);
        assert_eq!(at("", "Secret", &["stringData"]).1, Shape::Strings);
    }
}
