//! `windlass.yaml`: an ordered list of plugins with their configuration, grants and limits.
//!
//! ```yaml
//! apiVersion: windlass.dev/v1alpha1
//! kind: Pipeline
//! plugins:
//!   - use: oci://registry.example/plugins/label-injector:1.0.0
//!     config:
//!       labels: {team: payments}
//!     grants: {net: [], read: {}, write: {}, env: [], kube: []}
//!     limits: {memory: 64Mi, timeout: 10s, maxOutput: 256Mi}
//!     graft: keep # or report, refuse, false
//! trust: {}
//! readiness: [] # for `windlass wait`, see `readiness.rs`
//! ```
//!
//! Every key but `apiVersion`, `kind`, `plugins` and `use` may be left out; `limits` also takes `scratch`,
//! `compileMemory` and `compileTimeout`. `metadata`, which kpt and kustomize demand of every file, is a map that nobody
//! here looks into. Relative paths count from the file's own folder, so a pipeline works from any current directory.

use std::path::{Path, PathBuf};

use windlass_abi::capabilities::TABLE;
use windlass_kstatus::OwnRule;
use windlass_manifest::Value;

use super::readiness;
use super::settings::PlacedConfig;
use crate::dirs::is_known;
use crate::document::{self, Misread, Node, Place, refuse_unknown_keys};
use crate::error::Error;
use crate::input;
use crate::limits::parse_duration;
use crate::limits::table::MAX_DOCUMENT;
use crate::sandbox::grants::Grants;
use crate::sandbox::limits::Limits;
use crate::sandbox::options::Graft;
use crate::source::PluginRef;

/// The only version of the format so far.
pub const API_VERSION: &str = "windlass.dev/v1alpha1";
/// The only kind of file.
pub const KIND: &str = "Pipeline";

pub(super) const TOP_LEVEL: [&str; 6] = ["apiVersion", "kind", "metadata", "plugins", "trust", "readiness"];
pub(super) const PLUGIN: [&str; 5] = ["use", "config", "grants", "limits", "graft"];
pub(super) const LIMITS: [&str; 6] = ["memory", "timeout", "maxOutput", "scratch", "compileMemory", "compileTimeout"];

/// A pipeline as its file says, checked against the format; no plugin has been looked at yet.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// The file, as the person named it.
    pub file: PathBuf,
    /// The folder that relative paths count from.
    pub folder: PathBuf,
    /// The plugins in the order they run.
    pub plugins: Vec<PipelinePlugin>,
    /// The `trust` section, which the trust policy's own reader understands.
    pub trust: Option<Node>,
    /// `readiness`: when objects of one's own kinds are ready.
    pub readiness: Vec<OwnRule>,
}

/// What a file is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// Its plugins, of which there must be one.
    Plugins,
    /// Its rules of readiness; there may be no plugins.
    Readiness,
}

/// One entry of `plugins`.
#[derive(Clone, Debug)]
pub struct PipelinePlugin {
    /// `use`: the plugin, as on the command line.
    pub reference: PluginRef,
    /// Where `use` stands, for errors about the plugin.
    pub place: Place,
    /// `config`, if there is one; numbers keep their raw text.
    pub config: Option<PlacedConfig>,
    /// `grants`: nothing unless the file says so.
    pub grants: Grants,
    /// `limits`, over the defaults.
    pub limits: Limits,
    /// `graft`: false, or what is done with what a program's YAML broke.
    pub graft: Graft,
}

impl Pipeline {
    /// Reads a pipeline file.
    ///
    /// # Errors
    /// The file cannot be read, or breaks the format: with line and column (exit 2).
    pub fn load(file: &Path) -> Result<Self, Error> {
        Self::load_for(file, Purpose::Plugins)
    }

    /// The rules of `readiness` in a file that need not have plugins for that.
    ///
    /// # Errors
    /// As [`Pipeline::load`]; a file without such rules (exit 2).
    pub fn readiness_of(file: &Path) -> Result<Vec<OwnRule>, Error> {
        let rules = Self::load_for(file, Purpose::Readiness)?.readiness;
        if rules.is_empty() {
            return Err(Error::usage(format!("{} has no rules in `readiness`", file.display()))
                .hint("docs/waiting.md shows one; `windlass schema` says every key"));
        }
        Ok(rules)
    }

    fn load_for(file: &Path, purpose: Purpose) -> Result<Self, Error> {
        let text = input::read_named_text(file, MAX_DOCUMENT).map_err(|error| {
            Error::usage(format!("the pipeline {} cannot be read: {error}", file.display()))
                .hint("a pipeline is a YAML file that lists plugins; `windlass schema` says every key")
        })?;
        let folder = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Self::read(&text, &folder, file, purpose).map_err(|misread| misread.in_file(&file.display().to_string()))
    }

    fn read(text: &str, folder: &Path, file: &Path, purpose: Purpose) -> Result<Self, Misread> {
        let start = Place { line: 1, column: 1 };
        let root = document::read(text)?.ok_or_else(|| {
            Misread::new(start, "the file is empty").with_hint(format!("start with `apiVersion: {API_VERSION}`"))
        })?;
        let entries = root.as_map("the pipeline")?;
        for (key, expected) in [("apiVersion", API_VERSION), ("kind", KIND)] {
            let node = root.get(key).ok_or_else(|| {
                Misread::new(root.place, format!("{key} is missing")).with_hint(format!("add `{key}: {expected}`"))
            })?;
            let found = node.as_text(key)?;
            if found != expected {
                return Err(Misread::new(node.place, format!("{key}: expected `{expected}`, found `{found}`")));
            }
        }
        refuse_unknown_keys(entries, &TOP_LEVEL, "the pipeline")?;
        if let Some(metadata) = root.get("metadata").filter(|metadata| !metadata.is_null()) {
            metadata.as_map("metadata")?;
        }
        let items = match root.get("plugins") {
            Some(list) => {
                let items = list.as_list("plugins")?;
                if items.is_empty() {
                    return Err(
                        Misread::new(list.place, "plugins: the list is empty").with_hint("add an item `- use: PLUGIN`")
                    );
                }
                items
            }
            None if purpose == Purpose::Readiness => &[],
            None => return Err(Misread::new(root.place, "plugins is missing")),
        };
        let plugins = items.iter().enumerate().map(|(index, item)| read_plugin(item, index, folder, file));
        Ok(Self {
            file: file.to_owned(),
            folder: folder.to_owned(),
            plugins: plugins.collect::<Result<_, _>>()?,
            trust: root.get("trust").filter(|trust| !trust.is_null()).cloned(),
            readiness: root.get("readiness").filter(|list| !list.is_null()).map_or(Ok(Vec::new()), readiness::read)?,
        })
    }
}

fn read_plugin(item: &Node, index: usize, folder: &Path, file: &Path) -> Result<PipelinePlugin, Misread> {
    let at = format!("plugins[{index}]");
    let entries = item.as_map(&at)?;
    refuse_unknown_keys(entries, &PLUGIN, &at)?;
    let reference = item.get("use").ok_or_else(|| {
        Misread::new(item.place, format!("{at}.use is missing")).with_hint("name the plugin: `use: PLUGIN`")
    })?;
    let config = item.get("config").filter(|config| !config.is_null());
    if let Some(config) = config {
        config.as_map(&format!("{at}.config"))?;
    }
    Ok(PipelinePlugin {
        reference: read_reference(reference, &format!("{at}.use"), folder)?,
        place: reference.place,
        config: config.map(|node| PlacedConfig { file: file.display().to_string(), node: node.clone() }),
        grants: item
            .get("grants")
            .map(|grants| read_grants(grants, &format!("{at}.grants"), folder))
            .transpose()?
            .unwrap_or_default(),
        limits: item.get("limits").map(|limits| read_limits(limits, &at)).transpose()?.unwrap_or_default(),
        graft: item.get("graft").map(|graft| read_graft(graft, &at)).transpose()?.unwrap_or_default(),
    })
}

/// Paths count from the pipeline's folder. A bare name is an installed plugin or one that came with Windlass, else a
/// file or folder beside the pipeline.
fn read_reference(node: &Node, what: &str, folder: &Path) -> Result<PluginRef, Misread> {
    Ok(match parsed(node, what, str::parse)? {
        PluginRef::Installed(name) if !is_known(&name) && folder.join(&name).exists() => PluginRef::Path(name.into()),
        other => other,
    }
    .counted_from(folder))
}

/// `grants` in the words of the one table of capabilities: a list of values, a map for folders, true for a capability
/// without a value.
///
/// # Errors
/// An unknown word, or a value without its capability's form; `what` names the place in the file.
pub(crate) fn read_grants(node: &Node, what: &str, folder: &Path) -> Result<Grants, Misread> {
    let words: Vec<&str> = TABLE.iter().map(|row| row.word).collect();
    let entries = node.as_map(what)?;
    refuse_unknown_keys(entries, &words, what)?;
    let mut grants = Grants::default();
    for (row, value) in TABLE.iter().filter_map(|row| Some((row, node.get(row.word)?))) {
        let what = format!("{what}.{}", row.word);
        let mut allow = |node: &Node, value: &str| {
            grants.allow(row.capability, value).map_err(|error| Misread::new(node.place, error.message()))
        };
        match row.value {
            None => match value.to_value() {
                Value::Bool(true) => allow(value, "")?,
                Value::Bool(false) | Value::Null => {}
                _ => {
                    return Err(Misread::new(
                        value.place,
                        format!("{what}: expected true or false, found {}", value.kind()),
                    ));
                }
            },
            Some(form) if form.contains('=') => {
                let folders = value.as_map(&what).map_err(|misread| {
                    misread.with_hint(format!("write `{}: {{/in/the/guest: ./on/this/machine}}`", row.word))
                })?;
                for entry in folders {
                    let host = entry.value.as_text(&format!("{what}.{}", entry.key))?;
                    allow(&entry.value, &format!("{}={}", entry.key, folder.join(host).display()))?;
                }
            }
            Some(_) => {
                for item in value.as_list(&what)? {
                    allow(item, item.as_text(&what)?)?;
                }
            }
        }
    }
    Ok(grants)
}

fn read_graft(node: &Node, at: &str) -> Result<Graft, Misread> {
    match node.to_value() {
        Value::Null => Ok(Graft::default()),
        Value::Bool(false) => Ok(Graft::Never),
        value => value.as_str().and_then(Graft::of_word).ok_or_else(|| {
            let words = Graft::WORDS.join(", ");
            Misread::new(node.place, format!("{at}.graft: expected false or one of {words}"))
        }),
    }
}

fn read_limits(limits: &Node, at: &str) -> Result<Limits, Misread> {
    let what = format!("{at}.limits");
    refuse_unknown_keys(limits.as_map(&what)?, &LIMITS, &what)?;
    let mut read = Limits::default();
    if let Some(node) = limits.get("memory") {
        read.memory = Some(parsed(node, &format!("{what}.memory"), |text| text.parse())?);
    }
    if let Some(node) = limits.get("timeout") {
        read.timeout = parsed(node, &format!("{what}.timeout"), parse_duration)?;
    }
    if let Some(node) = limits.get("maxOutput") {
        read.max_output = parsed(node, &format!("{what}.maxOutput"), |text| text.parse())?;
    }
    if let Some(node) = limits.get("scratch") {
        read.scratch = Some(parsed(node, &format!("{what}.scratch"), |text| text.parse())?);
    }
    if let Some(node) = limits.get("compileMemory") {
        read.compile.memory = Some(parsed(node, &format!("{what}.compileMemory"), |text| text.parse())?);
    }
    if let Some(node) = limits.get("compileTimeout") {
        read.compile.timeout = Some(parsed(node, &format!("{what}.compileTimeout"), parse_duration)?);
    }
    Ok(read)
}

fn parsed<T>(node: &Node, what: &str, parse: impl Fn(&str) -> Result<T, Error>) -> Result<T, Misread> {
    parse(node.as_text(what)?).map_err(|error| {
        let misread = Misread::new(node.place, format!("{what}: {}", error.message()));
        match error.hints().first() {
            Some(hint) => misread.with_hint(hint),
            None => misread,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\n";

    fn check(body: &str, expected: Result<&str, &str>) {
        let text = body.strip_prefix('!').map_or_else(|| format!("{HEAD}{body}"), str::to_owned);
        let found = Pipeline::read(&text, Path::new("/base"), Path::new("windlass.yaml"), Purpose::Plugins)
            .map(|pipeline| {
                pipeline
                    .plugins
                    .iter()
                    .map(|plugin| {
                        let config = plugin.config.as_ref().map(|config| config.node.to_value().to_json());
                        let grants: Vec<String> = plugin
                            .grants
                            .iter()
                            .map(|grant| format!("{} {grant}", grant.capability().word()))
                            .collect();
                        let grants = grants.join(", ");
                        let limits = &plugin.limits;
                        let memory = limits.memory.map(|memory| memory.to_string()).unwrap_or_default();
                        format!(
                            "{} [{}] {grants} {memory} {:?} {}",
                            plugin.reference,
                            config.unwrap_or_default(),
                            limits.timeout,
                            limits.max_output
                        )
                    })
                    .collect::<Vec<_>>()
                    .join("\n")
            })
            .map_err(|misread| {
                let hint = misread.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
                format!("{}:{} {}{hint}", misread.place.line, misread.place.column, misread.message)
            });
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text}");
    }

    #[test]
    fn the_format() {
        check("plugins: [{use: a}]\n", Ok("a []   10s 256Mi"));
        check("metadata: {name: p, annotations: {any: thing}}\nplugins: [{use: a}]\n", Ok("a []   10s 256Mi"));
        check("metadata: p\nplugins: [{use: a}]\n", Err("3:11 metadata: expected a map, found a string"));
        check(
            "plugins:\n- use: ./p\n  config: {version: 1.20, on: yes, name: \"1\", labels: &l {a: b}, more: *l}\n  grants:\n    net: [a.example:443]\n    read: {/charts: sub, /abs: /x}\n    write:\n    env: [HOME]\n    kube: [get:configmaps.v1/ns]\n    clock: true\n    random: false\n  limits: {memory: 64Mi, timeout: 500ms, maxOutput: 1Gi}\ntrust: {}\n",
            Ok(
                "/base/p [{\"version\":1.20,\"on\":\"yes\",\"name\":\"1\",\"labels\":{\"a\":\"b\"},\"more\":{\"a\":\"b\"}}] net a.example:443, read /charts=/base/sub, read /abs=/x, env HOME, kube get:configmaps.v1/ns, clock  64Mi 500ms 1Gi",
            ),
        );
    }

    #[test]
    fn breaches_have_a_place_and_a_way_out() {
        check("!", Err("1:1 the file is empty (start with `apiVersion: windlass.dev/v1alpha1`)"));
        check("!kind: Pipeline\n", Err("1:1 apiVersion is missing (add `apiVersion: windlass.dev/v1alpha1`)"));
        check("", Err("1:1 plugins is missing"));
        check("plugins: []\n", Err("3:10 plugins: the list is empty (add an item `- use: PLUGIN`)"));
        check("plugin: []\n", Err("3:1 unknown key `plugin` in the pipeline (did you mean `plugins`?)"));
        check(
            "plugins:\n  - use: a\n    cofnig: {}\n",
            Err("5:5 unknown key `cofnig` in plugins[0] (did you mean `config`?)"),
        );
        check("plugins:\n  - config: {}\n", Err("4:5 plugins[0].use is missing (name the plugin: `use: PLUGIN`)"));
        check("plugins:\n  - use: a\n    use: b\n", Err("5:5 key `use` is given twice"));
        check("plugins:\n  - use: [a]\n", Err("4:10 plugins[0].use: expected a text, found a list"));
        check(
            "plugins:\n  - use: a\n    grants: {net: a}\n",
            Err("5:19 plugins[0].grants.net: expected a list, found a string"),
        );
        check(
            "plugins:\n  - use: a\n    grants: {red: {}}\n",
            Err("5:14 unknown key `red` in plugins[0].grants (did you mean `read`?)"),
        );
        check(
            "plugins:\n  - use: a\n    limits: {memory: lots}\n",
            Err(
                "5:22 plugins[0].limits.memory: `lots` is not a size (write a whole number of bytes above zero with an optional unit, for example `64Mi`, `1Gi` or `1048576`)",
            ),
        );
        check("plugins: *nowhere\n", Err("3:10 an alias without an anchor"));
        check("plugins: [{use: !mine a}]\n", Err("3:23 tag `!mine` is not known here"));
        check("plugins: [{use: a}]\n---\n{}\n", Err("5:1 a second document: this file holds one (remove the `---`)"));
    }

    #[test]
    fn an_alias_bomb_is_an_error() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        let misread = document::read(&text).expect_err("a bomb");
        assert!(misread.message.starts_with("more than 100000 nodes"), "{}", misread.message);
    }
}
