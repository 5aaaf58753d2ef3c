//! The second table of `cargo xtask merge-keys`: which type the API server wants for each field of Kubernetes' own
//! kinds, and which lists it reads as maps or sets, for the plugin `server-side-apply`.
//!
//! The marks are those of server-side apply (`x-kubernetes-list-type`, `x-kubernetes-list-map-keys`), which differ from
//! those of patches. Equal maps are one row.

use crate::command::{Failure, Result};
use crate::openapi::{self, wrap};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

/// The table, from the root of the repository.
pub const TABLE: &str = "plugins/server-side-apply/src/types/table.rs";

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Definitions without properties in which anything may stand.
const ANYTHING: &[&str] = &[
    "JSON",
    "JSONSchemaPropsOrArray",
    "JSONSchemaPropsOrBool",
    "JSONSchemaPropsOrStringArray",
    "FieldsV1",
    "RawExtension",
    "Patch",
];

/// The type of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Type {
    /// One of the table's letters.
    Letter(char),
    /// A map with these properties.
    Definition(String),
    /// What is around the type of the entries or items: `{`, `[`, `+` or `:KEYS[`.
    Of(String, Box<Type>),
}

impl Type {
    fn definition(&self) -> Option<&str> {
        match self {
            Type::Letter(_) => None,
            Type::Definition(name) => Some(name),
            Type::Of(_, inner) => inner.definition(),
        }
    }

    fn print(&self, number: &impl Fn(&str) -> usize) -> String {
        match self {
            Type::Letter(letter) => letter.to_string(),
            Type::Definition(name) => number(name).to_string(),
            Type::Of(around, inner) => format!("{around}{}", inner.print(number)),
        }
    }
}

type Properties = BTreeMap<String, Type>;

/// The table as it should be committed.
///
/// # Errors
/// Kubernetes' sources cannot be had, or do not look as expected.
pub fn generate() -> Result<String> {
    let version = openapi::version()?;
    let document = openapi::document()?;
    let all = document["definitions"].as_object().ok_or_else(|| Failure::new("no `definitions`"))?;
    let mut definitions: BTreeMap<String, Properties> = BTreeMap::new();
    // Group and kind, with the versions and their definitions.
    let mut kinds: BTreeMap<(String, String), Vec<(String, String)>> = BTreeMap::new();
    for (name, definition) in all {
        let mut properties = Properties::new();
        for (key, schema) in definition["properties"].as_object().into_iter().flatten() {
            properties.insert(key.clone(), read(schema, all)?);
        }
        if name == OBJECT_META {
            properties.insert("managedFields".to_owned(), Type::Letter('?'));
        }
        let marks = definition["x-kubernetes-group-version-kind"].as_array().map(Vec::as_slice);
        if let (Some([kind]), true, false) = (marks, properties.contains_key("metadata"), name.ends_with("List")) {
            let text = |key: &str| kind[key].as_str().unwrap_or_default().to_owned();
            kinds.entry((text("group"), text("kind"))).or_default().push((text("version"), name.clone()));
        }
        definitions.insert(name.clone(), properties);
    }
    let letter = |key: &str| (key.to_owned(), Type::Letter('s'));
    let metadata = ("metadata".to_owned(), Type::Definition(OBJECT_META.to_owned()));
    definitions.insert(String::new(), [letter("apiVersion"), letter("kind"), metadata].into());
    Ok(print(&version, &definitions, &kinds))
}

fn read(schema: &Value, all: &serde_json::Map<String, Value>) -> Result<Type> {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        let definition = all.get(name).ok_or_else(|| Failure::new(format!("no definition `{name}`")))?;
        let last = name.rsplit('.').next().unwrap_or(name);
        return Ok(match last {
            "Quantity" | "IntOrString" => Type::Letter('q'),
            _ if ANYTHING.contains(&last) => Type::Letter('?'),
            _ if definition["type"] == "string" => Type::Letter('s'),
            _ => Type::Definition(name.to_owned()),
        });
    }
    Ok(match schema["type"].as_str() {
        Some("string") => Type::Letter('s'),
        Some("integer") => Type::Letter('i'),
        Some("number") => Type::Letter('n'),
        Some("boolean") => Type::Letter('b'),
        Some("array") => {
            let around = match schema["x-kubernetes-list-type"].as_str() {
                None | Some("atomic") => "[".to_owned(),
                Some("set") => "+".to_owned(),
                Some("map") => {
                    let keys = schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten();
                    format!(":{}[", keys.filter_map(Value::as_str).collect::<Vec<_>>().join(","))
                }
                Some(other) => return Err(Failure::new(format!("what does the list type `{other}` mean?"))),
            };
            Type::Of(around, Box::new(read(&schema["items"], all)?))
        }
        Some("object") => match schema.get("additionalProperties") {
            Some(values) => Type::Of("{".to_owned(), Box::new(read(values, all)?)),
            None => Type::Letter('?'),
        },
        _ => Type::Letter('?'),
    })
}

/// The class of each definition that is reached: those of one class are one row.
fn classes<'a>(reached: &[&'a str], definitions: &BTreeMap<String, Properties>) -> BTreeMap<&'a str, usize> {
    let mut classes: BTreeMap<&str, usize> = reached.iter().map(|name| (*name, 0)).collect();
    let mut count = 1;
    loop {
        let mut known = BTreeMap::new();
        let mut next = BTreeMap::new();
        for name in reached {
            let class = |name: &str| classes.get(name).copied().unwrap_or_default();
            let properties = definitions.get(*name).into_iter().flatten();
            let signature: Vec<String> = properties.map(|(key, of)| format!("{key}={}", of.print(&class))).collect();
            let fresh = known.len();
            next.insert(*name, *known.entry(signature).or_insert(fresh));
        }
        let found = known.len();
        classes = next;
        if found == count {
            return classes;
        }
        count = found;
    }
}

fn print(
    version: &str,
    definitions: &BTreeMap<String, Properties>,
    kinds: &BTreeMap<(String, String), Vec<(String, String)>>,
) -> String {
    // In the order in which they are met on the way from the kinds, custom resources first.
    let mut reached: Vec<&str> = Vec::new();
    let mut waiting: VecDeque<&str> = [""].into();
    waiting.extend(kinds.values().flatten().map(|(_, name)| name.as_str()));
    let mut seen = BTreeSet::new();
    while let Some(name) = waiting.pop_front() {
        if seen.insert(name) {
            reached.push(name);
            waiting.extend(definitions.get(name).into_iter().flatten().filter_map(|(_, of)| of.definition()));
        }
    }
    let classes = classes(&reached, definitions);
    let mut order: Vec<(usize, &str)> = Vec::new();
    for name in &reached {
        let class = classes.get(name).copied().unwrap_or_default();
        if !order.iter().any(|(known, _)| *known == class) {
            order.push((class, name));
        }
    }
    let number = |name: &str| {
        let class = classes.get(name).copied().unwrap_or_default();
        order.iter().position(|(known, _)| *known == class).unwrap_or_default()
    };
    let mut text = format!(
        "//! What types the fields of Kubernetes' own kinds have. Made by `cargo xtask merge-keys` from the OpenAPI document\n\
         //! of k8s.io/kubernetes {version}; a test compares. Do not edit.\n\
         \n\
         /// The kinds of each group, `KIND/VERSION=ROW,VERSION=ROW`. What is not here is a custom resource: the first row.\n\
         #[rustfmt::skip]\n\
         pub(super) const KINDS: &[(&str, &str)] = &[\n"
    );
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for ((group, kind), versions) in kinds {
        let rows: Vec<String> = versions.iter().map(|(version, name)| format!("{version}={}", number(name))).collect();
        groups.entry(group).or_default().push(format!("{kind}/{}", rows.join(",")));
    }
    for (group, kinds) in groups {
        // Writing to a string cannot fail.
        let _ = write!(text, "    (\"{group}\", \"");
        wrap(&mut text, &kinds, group.len() + 10);
        text.push_str("\"),\n");
    }
    text.push_str(
        "];\n\n/// The fields of each row, `TYPE=KEY,KEY`. A type is `s` a string, `i` an integer, `n` a number, `b` a boolean, `q` a\n\
         /// string or a number, `?` anything, or a row; `{` a map of what follows, `[` a list of it, `+` a set, `:KEYS[` a list\n\
         /// whose items are told apart by these keys.\n#[rustfmt::skip]\npub(super) const ROWS: &[&str] = &[\n",
    );
    for (_, name) in &order {
        let mut keys: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (key, of) in definitions.get(*name).into_iter().flatten() {
            keys.entry(of.print(&number)).or_default().push(key);
        }
        let lines =
            keys.iter().flat_map(|(of, keys)| keys.chunks(4).map(move |keys| format!("{of}={}", keys.join(","))));
        let entries: Vec<String> = lines.collect();
        text.push_str("    \"");
        wrap(&mut text, &entries, 5);
        text.push_str("\",\n");
    }
    text.push_str("];\n");
    text
}
