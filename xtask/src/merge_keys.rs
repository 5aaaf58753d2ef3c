//! `cargo xtask merge-keys`: the manifest library's table of which lists merge item by item, and by which keys, from
//! the OpenAPI document that Kubernetes publishes; with it `field_types`' table of types.
//!
//! The marks are `x-kubernetes-patch-strategy`, `x-kubernetes-patch-merge-key` and `x-kubernetes-list-map-keys`. Of the
//! document only what a patch can meet is kept: the ways from a kind to a mark, with equal ways kept once.

use crate::command::{During, Failure, Result};
use crate::openapi::{self, wrap};
use crate::{expect_only, field_types, say, workspace};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::process::ExitCode;

/// The table, from the root of the repository.
const TABLE: &str = "pdk/manifest/src/shape/table.rs";

/// Groups that Kubernetes served until 1.15, and the group that has their kinds since. Charts for old clusters name
/// them.
const FORMER_GROUPS: &[(&str, &str, &[&str])] = &[("extensions", "apps", &["DaemonSet", "Deployment", "ReplicaSet"])];

/// Strings and lists of strings that people write as numbers and booleans, beside all maps of strings.
const STRINGS: &[(&str, &str)] = &[
    ("io.k8s.api.core.v1.EnvVar", "value"),
    ("io.k8s.api.core.v1.Container", "args"),
    ("io.k8s.api.core.v1.Container", "command"),
    ("io.k8s.api.core.v1.EphemeralContainer", "args"),
    ("io.k8s.api.core.v1.EphemeralContainer", "command"),
];

/// What is known of a custom resource: its labels and annotations are strings. Its lists are replaced.
const CUSTOM: &str = "custom resource";
const CUSTOM_METADATA: &str = "custom resource's metadata";

/// Writes the tables, or with `--check` compares them.
///
/// # Errors
/// Kubernetes' sources cannot be had, or do not look as expected, or the table differs.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    expect_only(arguments, &["--check"])?;
    for (name, table) in [(TABLE, generate()?), (field_types::TABLE, field_types::generate()?)] {
        let path = workspace::root().join(name);
        if arguments.is_empty() {
            std::fs::write(&path, table).during("cannot write the table")?;
            say::note(&format!("wrote {name}"));
        } else if std::fs::read_to_string(&path).during("cannot read the table")? != table {
            return Err(Failure::new(format!("{name} is not what Kubernetes' OpenAPI document gives"))
                .hint("run `cargo xtask merge-keys` and look at the difference"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The table as it should be committed.
///
/// # Errors
/// As [`run`].
pub fn generate() -> Result<String> {
    let version = openapi::version()?;
    let document = openapi::document()?;
    let definitions = document["definitions"].as_object().ok_or_else(|| Failure::new("no `definitions`"))?;
    let mut graph = Graph::default();
    for (name, definition) in definitions {
        graph.add(name, definition)?;
    }
    graph.add_custom();
    Ok(graph.print(&version))
}

/// Where a property leads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum To {
    /// Nothing below it is marked.
    Plain,
    /// A string, or a map or a list of strings.
    Strings,
    Definition(String),
}

/// A property: how its list or map merges, as the table writes it, and where it leads.
type Property = (String, To);

/// The definitions by their names, the kinds by group and name.
#[derive(Default)]
struct Graph {
    definitions: BTreeMap<String, BTreeMap<String, Property>>,
    kinds: BTreeMap<(String, String), String>,
}

impl Graph {
    fn add(&mut self, name: &str, definition: &Value) -> Result<()> {
        let mut properties = BTreeMap::new();
        for (key, schema) in definition["properties"].as_object().into_iter().flatten() {
            let mark = mark(schema).map_err(|what| Failure::new(format!("{name}.{key}: {what}")))?;
            let is_string = STRINGS.contains(&(name, key.as_str()));
            let to = match schema.get("additionalProperties").map(target) {
                _ if is_string => To::Strings,
                // A map of objects: every key leads there.
                Some(values @ To::Definition(_)) => {
                    let map = format!("{name}/{key}");
                    self.definitions.insert(map.clone(), [("*".to_owned(), (String::new(), values))].into());
                    To::Definition(map)
                }
                _ => target(schema),
            };
            properties.insert(key.clone(), (mark, to));
        }
        let is_object = properties.contains_key("metadata") && properties.contains_key("kind");
        if let (true, Some([kind])) =
            (is_object, definition["x-kubernetes-group-version-kind"].as_array().map(Vec::as_slice))
            && !name.ends_with("List")
        {
            let text = |key: &str| kind[key].as_str().unwrap_or_default().to_owned();
            // All versions of a kind are treated alike: what one of them marks is marked.
            let all = format!("{}/{}", text("group"), text("kind"));
            let union = self.definitions.entry(all.clone()).or_default();
            for (key, (mark, to)) in &properties {
                let is_later = union.get(key).is_some_and(|(_, there)| is_more_stable(there, to));
                if !is_later {
                    union.insert(key.clone(), (mark.clone(), to.clone()));
                }
            }
            self.kinds.insert((text("group"), text("kind")), all);
        }
        self.definitions.insert(name.to_owned(), properties);
        Ok(())
    }

    fn add_custom(&mut self) {
        let strings = |key: &str| (key.to_owned(), (String::new(), To::Strings));
        let metadata = ("metadata".to_owned(), (String::new(), To::Definition(CUSTOM_METADATA.to_owned())));
        self.definitions.insert(CUSTOM.to_owned(), BTreeMap::from([metadata]));
        self.definitions.insert(CUSTOM_METADATA.to_owned(), [strings("labels"), strings("annotations")].into());
        for (former, now, kinds) in FORMER_GROUPS {
            for kind in *kinds {
                let key = |group: &str| (group.to_owned(), (*kind).to_owned());
                if let Some(definition) = self.kinds.get(&key(now)).cloned() {
                    self.kinds.insert(key(former), definition);
                }
            }
        }
    }

    /// The definitions from which a mark can be reached.
    fn marked(&self) -> BTreeSet<&str> {
        let mut marked = BTreeSet::new();
        loop {
            let before = marked.len();
            for (name, properties) in &self.definitions {
                let leads_to_a_mark = |(mark, to): &Property| match to {
                    _ if !mark.is_empty() => true,
                    To::Strings => true,
                    To::Plain => false,
                    To::Definition(name) => marked.contains(name.as_str()),
                };
                if properties.values().any(leads_to_a_mark) {
                    marked.insert(name.as_str());
                }
            }
            if marked.len() == before {
                return marked;
            }
        }
    }

    /// The properties that matter, by definition.
    fn pruned(&self) -> BTreeMap<&str, BTreeMap<&str, Property>> {
        let marked = self.marked();
        let prune = |(key, (mark, to)): (&'_ String, &Property)| -> Option<(String, Property)> {
            let to = match to {
                To::Definition(name) if !marked.contains(name.as_str()) => To::Plain,
                to => to.clone(),
            };
            (!mark.is_empty() || to != To::Plain).then(|| (key.clone(), (mark.clone(), to)))
        };
        let mut pruned = BTreeMap::new();
        for name in &marked {
            let Some((name, properties)) = self.definitions.get_key_value(*name) else { continue };
            let kept: BTreeMap<&str, Property> = properties
                .iter()
                .filter_map(|(key, property)| Some((key.as_str(), prune((key, property))?.1)))
                .collect();
            pruned.insert(name.as_str(), kept);
        }
        pruned
    }

    /// The class of each definition: those of one class merge alike, all the way down.
    fn classes<'a>(pruned: &BTreeMap<&'a str, BTreeMap<&'a str, Property>>) -> BTreeMap<&'a str, usize> {
        let mut classes: BTreeMap<&str, usize> = pruned.keys().map(|name| (*name, 0)).collect();
        let mut count = 1;
        loop {
            let mut known = BTreeMap::new();
            let next: BTreeMap<&str, usize> = pruned
                .iter()
                .map(|(name, properties)| {
                    let class = |to: &To| match to {
                        To::Definition(name) => classes.get(name.as_str()).map(|class| class.to_string()),
                        other => Some(format!("{other:?}")),
                    };
                    let signature: Vec<_> =
                        properties.iter().map(|(key, (mark, to))| (*key, mark.as_str(), class(to))).collect();
                    let fresh = known.len();
                    (*name, *known.entry(signature).or_insert(fresh))
                })
                .collect();
            let found = known.len();
            classes = next;
            if found == count {
                return classes;
            }
            count = found;
        }
    }

    fn print(&self, version: &str) -> String {
        let pruned = self.pruned();
        let classes = Self::classes(&pruned);
        let class_of = |name: &str| classes.get(name).copied().unwrap_or_default();
        // Numbers in the order in which they are met on the way from the kinds, custom resources first.
        let mut order: Vec<usize> = Vec::new();
        let mut members: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
        let mut waiting: VecDeque<&str> = [CUSTOM].into();
        waiting.extend(self.kinds.values().map(String::as_str));
        let mut seen = BTreeSet::new();
        while let Some(name) = waiting.pop_front() {
            let Some((name, properties)) = pruned.get_key_value(name) else { continue };
            if !seen.insert(*name) {
                continue;
            }
            let class = class_of(name);
            if !order.contains(&class) {
                order.push(class);
            }
            members.entry(class).or_default().insert(short(name));
            for (_, to) in properties.values() {
                if let To::Definition(name) = to {
                    waiting.push_back(name);
                }
            }
        }
        let number = |name: &str| order.iter().position(|class| *class == class_of(name)).unwrap_or_default();
        let mut text = format!(
            "//! Which lists and maps of Kubernetes' own kinds merge how. Made by `cargo xtask merge-keys` from the OpenAPI\n\
             //! document of k8s.io/kubernetes {version}; a test compares. Do not edit.\n\
             \n\
             /// The kinds of each group, `KIND>SHAPE`. A kind that is not here is a custom resource: the first shape.\n\
             #[rustfmt::skip]\n\
             pub(super) const KINDS: &[(&str, &str)] = &[\n"
        );
        let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for ((group, kind), definition) in &self.kinds {
            groups.entry(group).or_default().push(format!("{kind}>{}", number(definition)));
        }
        for (group, kinds) in groups {
            // Writing to a string cannot fail.
            let _ = write!(text, "    (\"{group}\", \"");
            wrap(&mut text, &kinds, group.len() + 10);
            text.push_str("\"),\n");
        }
        text.push_str(
            "];\n\n/// What is below each shape, `KEY[MARK][>SHAPE]`: `:KEY,...` for a list whose items are told apart by these \
             keys, the\n/// first of which each item has; `+` for a list that is a set; `=` for a map that is replaced; \
             `\"` for a string or a\n/// map or list of strings. `*` is any key.\n#[rustfmt::skip]\npub(super) const SHAPES: &[&str] = &[\n",
        );
        for (position, class) in order.iter().enumerate() {
            let names: Vec<String> = members.get(class).into_iter().flatten().map(|name| (*name).to_owned()).collect();
            let _ = writeln!(text, "    // {position}: {}", shown(&names));
            let first = pruned.iter().find(|(name, _)| seen.contains(*name) && class_of(name) == *class);
            let entries: Vec<String> = first
                .into_iter()
                .flat_map(|(_, properties)| properties)
                .map(|(key, (mark, to))| match to {
                    To::Plain => format!("{key}{mark}"),
                    To::Strings => format!("{key}{mark}\\\""),
                    To::Definition(name) => format!("{key}{mark}>{}", number(name)),
                })
                .collect();
            text.push_str("    \"");
            wrap(&mut text, &entries, 5);
            text.push_str("\",\n");
        }
        text.push_str("];\n");
        text
    }
}

/// Whether a property of the version that is there already stays: `v1` before `v1beta1` before `v1alpha1`.
fn is_more_stable(there: &To, new: &To) -> bool {
    let rank = |to: &To| match to {
        To::Definition(name) if name.contains("alpha") => 2,
        To::Definition(name) if name.contains("beta") => 1,
        _ => 0,
    };
    rank(there) < rank(new)
}

/// The first names of a class.
fn shown(names: &[String]) -> String {
    const MOST: usize = 3;
    match names.len() {
        0..=MOST => names.join(", "),
        count => format!("{} and {} more", names[..MOST].join(", "), count - MOST),
    }
}

fn short(name: &str) -> &str {
    let last = name.rsplit(['.', '/']).next().unwrap_or(name);
    if name.starts_with("io.") || name.contains('/') { last } else { name }
}

/// How a property merges, as the table writes it.
fn mark(schema: &Value) -> std::result::Result<String, String> {
    let strategies: Vec<&str> = schema["x-kubernetes-patch-strategy"]
        .as_str()
        .unwrap_or_default()
        .split(',')
        .filter(|word| !word.is_empty())
        .collect();
    let merge_key = schema["x-kubernetes-patch-merge-key"].as_str();
    let is_list = schema["type"] == "array";
    // `retainKeys` says what kubectl writes into a patch, not how a patch is read.
    match strategies.iter().find(|word| **word != "retainKeys") {
        None => Ok(String::new()),
        Some(&"replace") if !is_list => Ok("=".to_owned()),
        Some(&"merge") if is_list => Ok(match merge_key {
            None => "+".to_owned(),
            Some(first) => {
                let keys = schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten();
                let others = keys.filter_map(Value::as_str).filter(|key| *key != first);
                format!(":{}", std::iter::once(first).chain(others).collect::<Vec<_>>().join(","))
            }
        }),
        Some(other) => Err(format!("what does the patch strategy `{other}` mean here?")),
    }
}

/// Where a property leads, through a list as well.
fn target(schema: &Value) -> To {
    if let Some(name) = schema["$ref"].as_str() {
        return To::Definition(name.rsplit('/').next().unwrap_or(name).to_owned());
    }
    if schema["type"] == "array" {
        return match target(&schema["items"]) {
            To::Strings => To::Plain,
            to => to,
        };
    }
    match schema.get("additionalProperties") {
        Some(values) if values["type"] == "string" => To::Strings,
        _ => To::Plain,
    }
}
