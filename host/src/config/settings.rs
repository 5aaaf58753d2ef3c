//! From layers of configuration to the one map that each plugin of a run gets.
//!
//! A later layer wins: `runtimeConfig.config` of plugin.yaml, the pipeline's `config`, each `--config` file, each
//! `--set-json`, `--set`, `--set-string` and `--set-file`, each file that an extra argument `config=FILE` names. (The
//! other extra arguments come last of all; the guest applies those.) Maps merge key by key, anything else is replaced,
//! null removes: as Helm lays values on each other. A null of `--set-json`, or within a list, is a value.
//!
//! # Several plugins in one run
//!
//! What the command line says goes to every plugin of the run whose schema knows the key; a key that none of them knows
//! is an error. `NAME:` in front of a key (`--set label-injector:labels.team=x`) or of a file
//! (`--config label-injector:values.yaml`) sends it to the plugin of that name alone.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use windlass_abi::config::{UnknownKey, find_unknown_key, nearest, overlay};
use windlass_abi::set::{self, Reader, Typing};
use windlass_manifest::{Budget, Exhausted, Value};

use crate::command;
use crate::document::{self, Content, Node, Place};
use crate::error::Error;
use crate::input;
use crate::limits::table::MAX_DOCUMENT;
use crate::plugin::identity;
use crate::plugin::verify::Verified;

/// A configuration, key by key.
pub type Tree = Vec<(String, Value)>;

/// What the command line says about configuration, in the order it was given.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--config [NAME:]FILE`.
    pub files: Vec<String>,
    /// `--set-json [NAME:]KEY=JSON`, or a whole map.
    pub set_json: Vec<String>,
    /// `--set [NAME:]KEY=VALUE`.
    pub set: Vec<String>,
    /// `--set-string [NAME:]KEY=VALUE`.
    pub set_string: Vec<String>,
    /// `--set-file [NAME:]KEY=FILE`.
    pub set_file: Vec<String>,
    /// Files that extra arguments name, `config=FILE`: see [`take_config_files`].
    pub extra_files: Vec<String>,
}

/// A configuration file's map with the places of its keys.
#[derive(Clone, Debug)]
pub struct PlacedConfig {
    /// The file, as people know it.
    pub file: String,
    /// Its map.
    pub node: Node,
}

/// A plugin that is being configured.
#[derive(Debug)]
pub struct Configured {
    /// The plugin's names: the one it was called by, plugin.yaml's, its metadata's.
    names: Vec<String>,
    /// Its config schema, if it carries one.
    schema: Option<Value>,
    /// All top-level keys that it knows; none where it may know any.
    keys: Option<HashSet<String>>,
    /// Whether it is a command, whose configuration is arguments and variables.
    is_command: bool,
    /// The layers so far.
    tree: Tree,
}

impl Configured {
    /// Starts with the defaults of the plugin's own plugin.yaml.
    ///
    /// # Errors
    /// plugin.yaml breaks Helm's rules, or configures a key that the plugin's schema does not know (exit 2).
    pub fn new(plugin: &Verified) -> Result<Self, Error> {
        let metadata = plugin.metadata()?;
        let mut names = vec![plugin.name()];
        names.extend(metadata.map(|metadata| metadata.name.clone()));
        let is_command = plugin.is_command();
        let schema = match is_command {
            true => Some(command::schema()),
            false => metadata.and_then(|metadata| metadata.config_schema.clone()),
        };
        let keys = schema.as_ref().and_then(closed_keys);
        let mut configured = Self { names, keys, schema, is_command, tree: Vec::new() };
        if let Some(parsed) = identity::read_plugin_yaml(plugin)? {
            configured.names.push(parsed.name);
            let defaults = configured.unwrapped(parsed.config)?;
            configured.refuse_unknown(&defaults, &format!("in {}", identity::plugin_yaml_shown(plugin)))?;
            overlay(&mut configured.tree, defaults);
        }
        configured.names.dedup();
        Ok(configured)
    }

    /// The name that messages use.
    pub fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// Whether every setting that the schema requires is given.
    pub fn is_complete(&self) -> bool {
        let required = self.schema.as_ref().and_then(|schema| field(schema, "required"));
        let Some(Value::List(required)) = required else { return true };
        required.iter().all(|name| self.tree.iter().any(|(key, _)| matches!(name, Value::String(name) if name == key)))
    }

    /// The effective configuration.
    pub fn into_tree(self) -> Tree {
        self.tree
    }

    /// Lays a pipeline's `config` on top.
    ///
    /// # Errors
    /// A key that the schema does not know, with its place (exit 2).
    pub fn lay(&mut self, config: &PlacedConfig) -> Result<(), Error> {
        let Value::Map(tree) = config.node.to_value() else { return Ok(()) };
        self.refuse_unknown_in(&tree, config)?;
        overlay(&mut self.tree, tree);
        Ok(())
    }

    fn is_called(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    /// Whether a top-level key means something to the plugin. One without a schema may know any key.
    fn knows(&self, key: &str) -> bool {
        self.keys.as_ref().is_none_or(|keys| keys.contains(key))
    }

    fn known_keys(&self) -> Vec<&str> {
        match self.schema.as_ref().and_then(|schema| field(schema, "properties")) {
            Some(Value::Map(properties)) => properties.iter().map(|(name, _)| name.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    /// Helm's engine takes strings only, so a plugin.yaml may hold a map as the text of one.
    ///
    /// # Errors
    /// The texts make too much, all together (exit 4).
    fn unwrapped(&self, config: Tree) -> Result<Tree, Error> {
        let budget = Budget::for_text(0);
        let properties = self.schema.as_ref().and_then(|schema| field(schema, "properties")).and_then(Value::as_map);
        let properties: HashMap<&str, &Value> =
            properties.unwrap_or_default().iter().rev().map(|(name, property)| (name.as_str(), property)).collect();
        let is_text = |key: &str| {
            properties
                .get(key)
                .is_none_or(|property| matches!(field(property, "type"), Some(Value::String(kind)) if kind == "string"))
        };
        config
            .into_iter()
            .map(|(key, value)| match value {
                Value::String(text) if !is_text(&key) => {
                    let value = Value::from_yaml(&text).unwrap_or(Value::String(text));
                    charge(&value, &budget).map_err(|exhausted| {
                        Error::limit(format!("its plugin.yaml configures too much: {exhausted}")).in_plugin(self.name())
                    })?;
                    Ok((key, value))
                }
                value => Ok((key, value)),
            })
            .collect()
    }

    fn unknown_in(&self, tree: &Tree) -> Result<Option<UnknownKey>, Error> {
        let Some(schema) = &self.schema else { return Ok(None) };
        find_unknown_key(schema, tree, &Budget::for_text(0)).map_err(|_| {
            Error::limit("its configuration cannot be compared with its schema: both are too large")
                .in_plugin(self.name())
        })
    }

    fn refuse_unknown(&self, tree: &Tree, whence: &str) -> Result<(), Error> {
        match self.unknown_in(tree)? {
            None => Ok(()),
            Some(unknown) => Err(unknown_key(
                format!("unknown key `{}` {whence}", unknown.path),
                unknown.nearest.as_deref(),
                &unknown.known,
            )
            .in_plugin(self.name())),
        }
    }

    fn refuse_unknown_in(&self, tree: &Tree, config: &PlacedConfig) -> Result<(), Error> {
        match self.unknown_in(tree)? {
            None => Ok(()),
            Some(unknown) => {
                let place = place_of(&config.node, &unknown.path).unwrap_or(config.node.place);
                Err(unknown_key(
                    format!("{}:{place}: unknown key `{}`", config.file, unknown.path),
                    unknown.nearest.as_deref(),
                    &unknown.known,
                )
                .in_plugin(self.name()))
            }
        }
    }
}

/// Takes what a value costs.
fn charge(value: &Value, budget: &Budget) -> Result<(), Exhausted> {
    budget.entries(1)?;
    match value {
        Value::Null | Value::Bool(_) => Ok(()),
        Value::Number(text) | Value::String(text) => budget.bytes(text.len()),
        Value::List(items) => items.iter().try_for_each(|item| charge(item, budget)),
        Value::Map(entries) => entries.iter().try_for_each(|(key, value)| {
            budget.bytes(key.len())?;
            charge(value, budget)
        }),
    }
}

/// How many keys an error lists.
const MOST_SHOWN: usize = 50;

/// The top-level keys of a schema that allows no others.
fn closed_keys(schema: &Value) -> Option<HashSet<String>> {
    let is_closed = matches!(field(schema, "additionalProperties"), Some(Value::Bool(false)));
    let properties = field(schema, "properties").and_then(Value::as_map).unwrap_or_default();
    is_closed.then(|| properties.iter().map(|(name, _)| name.clone()).collect())
}

fn unknown_key(message: String, nearest: Option<&str>, known: &[impl AsRef<str>]) -> Error {
    let error = Error::usage(message);
    match nearest {
        Some(nearest) => error.hint(format!("did you mean `{nearest}`?")),
        None if known.is_empty() => error.hint("the plugin takes no configuration here"),
        None => {
            let known: Vec<&str> = known.iter().map(AsRef::as_ref).take(MOST_SHOWN + 1).collect();
            let more = if known.len() > MOST_SHOWN { " and others" } else { "" };
            error.hint(format!("known keys: {}{more}", known.get(..MOST_SHOWN).unwrap_or(&known).join(", ")))
        }
    }
}

fn field<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    match value {
        Value::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
        _ => None,
    }
}

/// Where a path such as `targets[1].nmae` stands. Keys may hold dots themselves, so the tree decides.
fn place_of(node: &Node, path: &str) -> Option<Place> {
    match &node.content {
        Content::Map(entries) => entries.iter().find_map(|entry| {
            let rest = path.strip_prefix(entry.key.as_str())?;
            if rest.is_empty() {
                return Some(entry.place);
            }
            match rest.strip_prefix('.') {
                Some(rest) => place_of(&entry.value, rest),
                None if rest.starts_with('[') => place_of(&entry.value, rest),
                None => None,
            }
        }),
        Content::List(items) => {
            let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
            let item = items.get(index.parse::<usize>().ok()?)?;
            if rest.is_empty() { Some(item.place) } else { place_of(item, rest.strip_prefix('.').unwrap_or(rest)) }
        }
        Content::Scalar { .. } => None,
    }
}

/// Lays the command line's overrides on the plugins of a run.
///
/// # Errors
/// A file that cannot be read or is not a map, an override that Helm would refuse, a key that no plugin knows (exit 2).
pub fn apply(plugins: &mut [Configured], overrides: &Overrides) -> Result<(), Error> {
    overrides.files.iter().try_for_each(|argument| apply_file(plugins, argument))?;
    let json: &Reader = &read_json;
    for argument in &overrides.set_json {
        let (addressee, text) = addressee(plugins, argument);
        if text.trim_start().starts_with('{') {
            apply_json(plugins, addressee, argument, text)?;
        } else {
            apply_pair(plugins, "--set-json", argument, Typing::Json(json))?;
        }
    }
    overrides.set.iter().try_for_each(|argument| apply_pair(plugins, "--set", argument, Typing::Helm))?;
    let strings = &overrides.set_string;
    strings.iter().try_for_each(|argument| apply_pair(plugins, "--set-string", argument, Typing::Strings))?;
    let file: &Reader = &read_file;
    overrides
        .set_file
        .iter()
        .try_for_each(|argument| apply_pair(plugins, "--set-file", argument, Typing::Named(file)))?;
    overrides.extra_files.iter().try_for_each(|argument| apply_file(plugins, argument))
}

/// `--config [NAME:]FILE`.
fn apply_file(plugins: &mut [Configured], argument: &str) -> Result<(), Error> {
    let (addressee, file) = addressee(plugins, argument);
    let config = load(Path::new(file))?;
    let Value::Map(tree) = config.node.to_value() else { return Ok(()) };
    for (index, part) in share(plugins, addressee, &tree)? {
        if let Some(plugin) = plugins.get_mut(index) {
            plugin.refuse_unknown_in(&part, &config)?;
            overlay(&mut plugin.tree, part);
        }
    }
    Ok(())
}

/// `--set-json` with a whole map, which is laid on as a file's is.
fn apply_json(plugins: &mut [Configured], addressee: Option<usize>, argument: &str, text: &str) -> Result<(), Error> {
    let value = read_json(text).map_err(|problem| Error::usage(format!("`--set-json {argument}`: {problem}")))?;
    let Value::Map(tree) = value else { return Ok(()) };
    for (index, part) in share(plugins, addressee, &tree)? {
        if let Some(plugin) = plugins.get_mut(index) {
            plugin.refuse_unknown(&part, &format!("in `--set-json {argument}`"))?;
            overlay(&mut plugin.tree, part);
        }
    }
    Ok(())
}

/// `--set [NAME:]KEY=VALUE` and its siblings.
fn apply_pair(plugins: &mut [Configured], flag: &str, argument: &str, typing: Typing<'_>) -> Result<(), Error> {
    let (addressee, text) = addressee(plugins, argument);
    for (index, part) in share(plugins, addressee, &named_by(text, typing))? {
        if let Some(plugin) = plugins.get_mut(index) {
            plugin.refuse_unknown(&part, &format!("in `{flag} {argument}`"))?;
            let mut kept: HashSet<String> = plugin.tree.iter().map(|(key, _)| key.clone()).collect();
            kept.extend(part.into_iter().map(|(key, _)| key));
            let mut tree = std::mem::take(&mut plugin.tree);
            set::apply(&mut tree, text, typing).map_err(|problem| {
                Error::usage(format!("`{flag} {argument}`: {problem}")).hint(match typing {
                    Typing::Helm | Typing::Strings => {
                        "write `KEY=VALUE`; `\\.` is a dot within a key, `\\,` a comma within a value"
                    }
                    Typing::Json(_) => "write `KEY=JSON`, such as `a.b={\"c\": null}` or `a=[1, \"x\"]`",
                    Typing::Named(_) => "write `KEY=FILE`; the value is the file's text",
                })
            })?;
            // One `--set` may hold keys of several plugins: `--set a=1,b=2`.
            tree.retain(|(key, _)| kept.contains(key));
            plugin.tree = tree;
        }
    }
    Ok(())
}

/// The value of a JSON text.
fn read_json(text: &str) -> Result<Value, String> {
    // YAML would take more than JSON: `x` for a string, `[a]` for a list.
    let is_json: Result<serde::de::IgnoredAny, _> = serde_json::from_str(text);
    is_json.map_err(|error| format!("`{text}` is no JSON: {error}"))?;
    Value::from_yaml(text).map_err(|error| error.to_string())
}

/// The text of a file, which the person named.
fn read_file(name: &str) -> Result<Value, String> {
    let text = input::read_named_text(Path::new(name), MAX_DOCUMENT);
    text.map(Value::String).map_err(|error| format!("the file `{name}` cannot be read: {error}"))
}

/// Takes the extra arguments `[NAME:]config=FILE` out, as `[NAME:]FILE`: what Helm 4 hands over as
/// `--post-renderer-args` is all that a person can say there. Not where a plugin has a setting `config` itself, may
/// have any, or is a command.
pub fn take_config_files(plugins: &[Configured], extra_args: &[String]) -> (Vec<String>, Vec<String>) {
    let is_own = |plugin: &Configured| plugin.is_command || plugin.knows("config");
    let mut files = Vec::new();
    let mut others = Vec::new();
    for argument in extra_args {
        let (addressee, text) = addressee(plugins, argument);
        let meant = match addressee {
            Some(index) => plugins.get(index..=index).unwrap_or_default(),
            None => plugins,
        };
        match text.strip_prefix("config=") {
            Some(file) if !file.is_empty() && !meant.iter().any(is_own) => {
                let name = argument.strip_suffix(text).unwrap_or_default();
                files.push(format!("{name}{file}"));
            }
            _ => others.push(argument.clone()),
        }
    }
    (files, others)
}

/// What an override names, on a tree of its own. Nothing where it is wrong, or needs what it is to be laid on: then
/// applying it to the plugin's own tree tells.
fn named_by(text: &str, typing: Typing<'_>) -> Tree {
    let mut tree = Tree::new();
    // A file need not be read to know what it is for.
    let typing = if matches!(typing, Typing::Named(_)) { Typing::Strings } else { typing };
    match set::apply(&mut tree, text, typing) {
        Ok(()) => tree,
        Err(_) => Tree::new(),
    }
}

/// Which extra arguments each plugin gets: `KEY=VALUE` goes where the key is known, anything else to all. A single
/// plugin gets them all as they are, as under Helm. To commands they are arguments and no settings: a key that no
/// plugin knows is theirs.
///
/// # Errors
/// A key that no plugin knows (exit 2).
pub fn share_extra_args(plugins: &[Configured], extra_args: &[String]) -> Result<Vec<Vec<String>>, Error> {
    if plugins.len() == 1 {
        return Ok(vec![extra_args.to_vec()]);
    }
    let mut shares = vec![Vec::new(); plugins.len()];
    for argument in extra_args {
        let (addressee, text) = addressee(plugins, argument);
        let tree = if text.contains('=') { named_by(text, Typing::Helm) } else { Tree::new() };
        let is_setting = |plugin: &Configured| !plugin.is_command && tree.iter().any(|(key, _)| plugin.knows(key));
        let is_for_commands = addressee.is_none() && !tree.is_empty() && !plugins.iter().any(is_setting);
        let commands: Vec<usize> = match is_for_commands {
            true => (0..plugins.len()).filter(|index| plugins.get(*index).is_some_and(|one| one.is_command)).collect(),
            false => Vec::new(),
        };
        let indices = match commands.is_empty() {
            true => share(plugins, addressee, &tree)?.into_iter().map(|(index, _)| index).collect(),
            false => commands,
        };
        for index in indices {
            if let Some(share) = shares.get_mut(index) {
                share.push(text.to_owned());
            }
        }
    }
    Ok(shares)
}

/// Splits `NAME:rest` when NAME is a plugin of the run.
fn addressee<'a>(plugins: &[Configured], argument: &'a str) -> (Option<usize>, &'a str) {
    match argument.split_once(':') {
        Some((name, rest)) => match plugins.iter().position(|plugin| plugin.is_called(name)) {
            Some(index) => (Some(index), rest),
            None => (None, argument),
        },
        None => (None, argument),
    }
}

/// Which plugin gets which part of `tree`, by top-level keys. The addressee, or the only plugin, gets all of it.
///
/// # Errors
/// A key that none of several plugins knows (exit 2).
fn share(plugins: &[Configured], addressee: Option<usize>, tree: &Tree) -> Result<Vec<(usize, Tree)>, Error> {
    if let Some(only) = addressee.or((plugins.len() == 1).then_some(0)) {
        return Ok(vec![(only, tree.clone())]);
    }
    for (key, _) in tree {
        if !plugins.iter().any(|plugin| plugin.knows(key)) {
            let known: Vec<&str> = plugins.iter().flat_map(Configured::known_keys).collect();
            let names: Vec<&str> = plugins.iter().map(Configured::name).collect();
            return Err(unknown_key(
                format!("unknown key `{key}`: none of the plugins {} knows it", names.join(", ")),
                nearest(key, known.iter().copied()),
                &known,
            ));
        }
    }
    let parts = plugins.iter().enumerate().map(|(index, plugin)| {
        let part: Tree = tree.iter().filter(|(key, _)| plugin.knows(key)).cloned().collect();
        (index, part)
    });
    // Nothing to know means that all may be meant.
    Ok(parts.filter(|(_, part)| tree.is_empty() || !part.is_empty()).collect())
}

/// Reads a `--config` file: one YAML map.
///
/// # Errors
/// It cannot be read, is not YAML, or is not a map (exit 2).
pub fn load(file: &Path) -> Result<PlacedConfig, Error> {
    let shown = file.display().to_string();
    let text = input::read_named_text(file, MAX_DOCUMENT).map_err(|error| {
        Error::usage(format!("the configuration {shown} cannot be read: {error}"))
            .hint("`--config` takes a YAML file with a map of the plugin's configuration keys")
    })?;
    let empty = Node { place: Place { line: 1, column: 1 }, content: Content::Map(Vec::new()) };
    let node = document::read(&text).map_err(|misread| misread.in_file(&shown))?.unwrap_or(empty);
    let node = if node.is_null() { Node { place: node.place, content: Content::Map(Vec::new()) } } else { node };
    node.as_map("the configuration").map_err(|misread| misread.in_file(&shown))?;
    Ok(PlacedConfig { file: shown, node })
}
