//! The configuration, checked before any edit.

use windlass_pdk::config::Key;
use windlass_pdk::{Config, ConfigError, Path, Schema, Value, names};

/// What to rename, as it is written.
#[derive(Debug, Config)]
struct Written {
    /// What every name begins with, as in kustomize. A name that begins with it stays.
    #[config(default)]
    name_prefix: String,
    /// What every name ends with, as in kustomize. A name that ends with it stays.
    #[config(default)]
    name_suffix: String,
    /// New names for single objects. They get no prefix and no suffix.
    #[config(default)]
    names: Vec<NewName>,
    /// Whether to move deprecated API versions of Kubernetes' own kinds to current ones.
    #[config(default)]
    apis: Apis,
    /// Other kinds and versions to move.
    #[config(default)]
    moves: Vec<WrittenMove>,
    /// What to do with an entry of `names` that is for no object.
    #[config(default)]
    on_missing: OnMissing,
}

/// A new name for an object.
#[derive(Debug, Config)]
pub(crate) struct NewName {
    /// The API group of the object; any, if it is not given.
    pub(crate) group: Option<String>,
    /// Its kind.
    pub(crate) kind: String,
    /// Its name.
    pub(crate) name: String,
    /// Its namespace; any, if it is not given.
    pub(crate) namespace: Option<String>,
    /// The new name.
    pub(crate) new_name: String,
}

/// What to do with deprecated API versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum Apis {
    /// They stay.
    #[default]
    Keep,
    /// They become the current ones, with the fields that changed.
    Current,
}

/// What to do with an entry that is for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum OnMissing {
    /// Nothing.
    Ignore,
    /// A warning in the log.
    #[default]
    Warn,
    /// The render fails.
    Error,
}

/// A kind and what it becomes.
#[derive(Debug, Config)]
struct WrittenMove {
    /// The `apiVersion` of the objects, such as `example.com/v1alpha1`, or `example.com/*` for every version.
    from: String,
    /// Their kind.
    kind: String,
    /// The `apiVersion` that they get.
    to: String,
    /// The kind that they get; the same, if it is not given.
    new_kind: Option<String>,
    /// Fields and their new places, such as `spec.size: spec.replicas`. The empty text takes a field away.
    #[config(default)]
    fields: Vec<(String, String)>,
}

/// A kind and what it becomes.
#[derive(Debug)]
pub(crate) struct Move {
    pub(crate) group: String,
    /// None: all.
    pub(crate) version: Option<String>,
    pub(crate) kind: String,
    pub(crate) to: String,
    pub(crate) new_kind: String,
    pub(crate) fields: Vec<(Path, Option<Path>)>,
}

/// What to rename.
#[derive(Debug)]
pub struct Settings {
    pub(crate) prefix: String,
    pub(crate) suffix: String,
    pub(crate) names: Vec<NewName>,
    pub(crate) apis: Apis,
    pub(crate) moves: Vec<Move>,
    pub(crate) on_missing: OnMissing,
}

impl Settings {
    pub(crate) fn is_idle(&self) -> bool {
        self.prefix.is_empty()
            && self.suffix.is_empty()
            && self.names.is_empty()
            && self.apis == Apis::Keep
            && self.moves.is_empty()
    }
}

impl Config for Settings {
    const SCHEMA: Schema = Written::SCHEMA;
    const KEYS: &'static [Key] = Written::KEYS;

    fn read(value: Value) -> Result<Self, ConfigError> {
        let written = Written::read(value)?;
        for (key, text) in [("namePrefix", &written.name_prefix), ("nameSuffix", &written.name_suffix)] {
            // With a letter at each side it is a part of a name.
            if !text.is_empty() {
                names::dns_subdomain(&format!("a{text}a"))
                    .map_err(|_| ConfigError::new(format!("`{text}` cannot be a part of a name")).under(key))?;
            }
        }
        for (index, entry) in written.names.iter().enumerate() {
            let chained = |other: &NewName| {
                other.kind == entry.kind && other.name == entry.new_name && other.new_name != other.name
            };
            if entry.new_name != entry.name && written.names.iter().any(chained) {
                let message = format!("`{}` is renamed itself: a second run would rename it again", entry.new_name);
                return Err(ConfigError::new(message).under("newName").under_index(index).under("names"));
            }
        }
        let mut moves: Vec<Move> = Vec::with_capacity(written.moves.len());
        for (index, entry) in written.moves.into_iter().enumerate() {
            moves.push(read_move(entry).map_err(|error| error.under_index(index).under("moves"))?);
        }
        for (index, entry) in moves.iter().enumerate() {
            let (group, version) = group_and_version(&entry.to);
            let moves_on = |other: &Move| {
                other.kind == entry.new_kind
                    && other.group == group
                    && other.version.as_ref().is_none_or(|it| it == version)
                    && (other.to != entry.to || other.new_kind != entry.new_kind || !other.fields.is_empty())
            };
            if moves.iter().any(moves_on) {
                let message =
                    format!("`{}` {} moves itself: a second run would move it again", entry.to, entry.new_kind);
                return Err(ConfigError::new(message).under("to").under_index(index).under("moves"));
            }
        }
        Ok(Settings {
            prefix: written.name_prefix,
            suffix: written.name_suffix,
            names: written.names,
            apis: written.apis,
            moves,
            on_missing: written.on_missing,
        })
    }
}

fn read_move(written: WrittenMove) -> Result<Move, ConfigError> {
    let (group, version) = group_and_version(&written.from);
    let mut fields = Vec::with_capacity(written.fields.len());
    for (from, to) in &written.fields {
        let path = |text: &str| -> Result<Path, ConfigError> {
            text.parse().map_err(|error| ConfigError::new(format!("{error}")))
        };
        let read = || Ok((path(from)?, if to.is_empty() { None } else { Some(path(to)?) }));
        fields.push(read().map_err(|error: ConfigError| error.under(from).under("fields"))?);
    }
    Ok(Move {
        group: group.to_owned(),
        version: (version != "*").then(|| version.to_owned()),
        new_kind: written.new_kind.unwrap_or_else(|| written.kind.clone()),
        kind: written.kind,
        to: written.to,
        fields,
    })
}

pub(crate) fn group_and_version(api_version: &str) -> (&str, &str) {
    api_version.rsplit_once('/').unwrap_or(("", api_version))
}
