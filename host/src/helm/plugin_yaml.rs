//! Helm's `plugin.yaml`, apiVersion v1, read by Helm's own rules (Helm 4.3.2, `internal/plugin`).
//!
//! Helm is strict at the top level and silent about a misspelt key under `runtimeConfig`; Windlass refuses both, with
//! the line, the column and the nearest known key. It also refuses what Helm takes and then never uses (a platform that
//! does not exist, a second command for the same one, a hook for an event that never happens), and values of another
//! type, over which Helm stumbles only when somebody installs the plugin.

use semver::Version;
use windlass_abi::config::nearest;
use windlass_manifest::Value;

use crate::document::{self, Entry, Misread, Node, Place, refuse_unknown_keys};

/// The type that Helm gives post-renderers.
pub const POST_RENDERER: &str = "postrenderer/v1";

/// Which of Helm's runtimes runs the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// Helm starts a command: for a Windlass plugin, `windlass run`.
    Subprocess,
    /// Helm runs `plugin.wasm` in its own engine.
    Extism,
}

impl Runtime {
    /// The word that `plugin.yaml` uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Subprocess => "subprocess",
            Self::Extism => "extism/v1",
        }
    }
}

/// A `plugin.yaml` of a post-renderer.
#[derive(Clone, Debug)]
pub struct PluginYaml {
    /// The plugin's name, `[A-Za-z0-9_-]+`.
    pub name: String,
    /// Strict SemVer: three numbers, no leading `v`.
    pub version: Version,
    /// Which of Helm's runtimes runs it.
    pub runtime: Runtime,
    /// Where the source is to be found.
    pub source_url: Option<String>,
    /// `runtimeConfig.config`: the plugin's defaults. Helm's engine allows only strings here.
    pub config: Vec<(String, Value)>,
    /// Whether `runtimeConfig.platformCommand` names a command; without one Helm's subprocess runtime has nothing to
    /// start.
    pub has_command: bool,
}

const TOP_LEVEL: [&str; 8] =
    ["apiVersion", "name", "type", "runtime", "version", "sourceURL", "config", "runtimeConfig"];
/// What Helm's subprocess runtime reads for a post-renderer (`protocolCommands` is for getters), and `config`, which it
/// ignores and Windlass takes the defaults from.
const SUBPROCESS: [&str; 3] = ["platformCommand", "platformHooks", "config"];
/// The events of `platformHooks`.
const HOOKS: [&str; 3] = ["install", "update", "delete"];
const PLATFORM_COMMAND: [&str; 4] = ["os", "arch", "command", "args"];
/// The operating systems and processors of Go, in whose words Helm compares them.
const SYSTEMS: [&str; 15] = [
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "illumos",
    "ios",
    "js",
    "linux",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "wasip1",
    "windows",
];
const PROCESSORS: [&str; 15] = [
    "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64",
    "s390x", "wasm", "sparc64",
];
const EXTISM: [&str; 7] =
    ["memory", "config", "allowedHosts", "fileSystem", "timeout", "hostFunctions", "entryFuncName"];
const EXTISM_MEMORY: [&str; 3] = ["maxPages", "maxHttpResponseBytes", "maxVarBytes"];
const EXTISM_FILE_SYSTEM: [&str; 1] = ["createTempDir"];

/// Reads the text of a `plugin.yaml`.
///
/// # Errors
/// The first breach of Helm's rules, with its place.
pub fn read(text: &str) -> Result<PluginYaml, Misread> {
    let start = Place { line: 1, column: 1 };
    let root = document::read(text)?.ok_or_else(|| Misread::new(start, "the file is empty"))?;
    let entries = root.as_map("plugin.yaml")?;
    refuse_unknown_keys(entries, &TOP_LEVEL, "plugin.yaml")?;

    let (api_version, place) = required(&root, "apiVersion")?;
    if api_version != "v1" {
        return Err(Misread::new(place, format!("apiVersion: expected `v1`, found `{api_version}`"))
            .with_hint("plugins without apiVersion are Helm 3 command plugins; a post-renderer is `apiVersion: v1`"));
    }
    let (name, place) = required(&root, "name")?;
    if !is_name(&name) {
        return Err(Misread::new(place, format!("name: `{name}` may hold only letters, digits, `-` and `_`")));
    }
    let (kind, place) = required(&root, "type")?;
    if kind != POST_RENDERER {
        return Err(Misread::new(place, format!("type: expected `{POST_RENDERER}`, found `{kind}`")));
    }
    let (version, place) = required(&root, "version")?;
    let version = Version::parse(&version).map_err(|error| {
        Misread::new(place, format!("version: `{version}` is not a semantic version: {error}"))
            .with_hint("write three numbers without a leading v, like 1.2.3")
    })?;
    let (runtime, place) = required(&root, "runtime")?;
    let runtime = match runtime.as_str() {
        "subprocess" => Runtime::Subprocess,
        "extism/v1" => Runtime::Extism,
        other => {
            return Err(Misread::new(place, format!("runtime: expected `subprocess` or `extism/v1`, found `{other}`")));
        }
    };
    let source_url = root.get("sourceURL").filter(|node| !node.is_null()).map(|node| node.as_text("sourceURL"));
    if let Some(config) = root.get("config")
        && let Some(entry) = config.as_map("config")?.first()
    {
        return Err(Misread::new(entry.place, format!("config: a {POST_RENDERER} plugin takes no keys here"))
            .with_hint("a plugin's defaults belong under runtimeConfig.config"));
    }
    let config = match root.get("runtimeConfig") {
        Some(runtime_config) => read_runtime_config(runtime_config, runtime)?,
        None => Vec::new(),
    };
    let has_command = root
        .get("runtimeConfig")
        .and_then(|config| config.get("platformCommand"))
        .is_some_and(|commands| commands.as_list("").is_ok_and(|commands| !commands.is_empty()));
    let source_url = source_url.transpose()?.map(str::to_owned);
    Ok(PluginYaml { name, version, runtime, source_url, config, has_command })
}

/// Whether Helm takes `name` as a plugin's name: letters, digits, `-` and `_`, at least one.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
}

/// The name in the plugin.yaml of any plugin, also one of another type or of Helm 3.
pub fn name_of_any(text: &str) -> Option<String> {
    document::read(text).ok()??.get("name")?.as_text("name").ok().map(str::to_owned)
}

/// The text of a plugin.yaml under which Helm 4 starts `windlass run` on the plugin's folder. A version that is not
/// semantic becomes 0.0.0, as Helm demands one.
pub fn for_subprocess(name: &str, version: &str) -> String {
    let version = Version::parse(version).unwrap_or(Version::new(0, 0, 0));
    format!(
        "apiVersion: v1\nname: \"{name}\"\ntype: {POST_RENDERER}\nversion: {version}\nruntime: subprocess\nruntimeConfig:\n  \
         platformCommand:\n    - command: windlass\n      args: [run, \"${{HELM_PLUGIN_DIR}}\", --]\n"
    )
}

fn required(root: &Node, key: &str) -> Result<(String, Place), Misread> {
    let node = root.get(key).ok_or_else(|| Misread::new(root.place, format!("{key} is missing")))?;
    Ok((node.as_text(key)?.to_owned(), node.place))
}

fn read_runtime_config(node: &Node, runtime: Runtime) -> Result<Vec<(String, Value)>, Misread> {
    let entries = node.as_map("runtimeConfig")?;
    match runtime {
        Runtime::Subprocess => {
            refuse_unknown_keys(entries, &SUBPROCESS, "runtimeConfig of runtime subprocess")?;
            if let Some(commands) = node.get("platformCommand") {
                check_commands(commands, "runtimeConfig.platformCommand")?;
            }
            if let Some(hooks) = node.get("platformHooks") {
                let what = "runtimeConfig.platformHooks";
                let hooks = hooks.as_map(what)?;
                refuse_unknown_keys(hooks, &HOOKS, what)?;
                hooks.iter().try_for_each(|hook| check_commands(&hook.value, &format!("{what}.{}", hook.key)))?;
            }
        }
        Runtime::Extism => check_extism(node, entries)?,
    }
    match node.get("config") {
        None => Ok(Vec::new()),
        Some(config) => config
            .as_map("runtimeConfig.config")?
            .iter()
            .map(|entry| {
                if runtime == Runtime::Extism {
                    entry.value.as_text(&format!("runtimeConfig.config.{}", entry.key)).map_err(|misread| {
                        misread.with_hint(
                            "Helm's engine takes strings only: quote the value, as YAML text if it is a map or list",
                        )
                    })?;
                }
                Ok((entry.key.clone(), entry.value.to_value()))
            })
            .collect(),
    }
}

/// Checks a list of commands, of which Helm starts the one that fits the platform best.
fn check_commands(commands: &Node, what: &str) -> Result<(), Misread> {
    let mut platforms = Vec::new();
    for command in commands.as_list(what)? {
        let what = format!("{what}[]");
        refuse_unknown_keys(command.as_map(&what)?, &PLATFORM_COMMAND, &what)?;
        let program = command.get("command").ok_or_else(|| {
            Misread::new(command.place, format!("{what}: command is missing, so Helm has nothing to start"))
        })?;
        if program.as_text(&format!("{what}.command"))?.trim().is_empty() {
            return Err(Misread::new(program.place, format!("{what}.command is empty, so Helm has nothing to start")));
        }
        if let Some(arguments) = command.get("args") {
            let what = format!("{what}.args");
            arguments.as_list(&what)?.iter().try_for_each(|argument| argument.as_text(&what).map(drop))?;
        }
        let system = platform_word(command, "os", &SYSTEMS, &what)?;
        let processor = platform_word(command, "arch", &PROCESSORS, &what)?;
        if processor.is_some() && system.is_none() {
            return Err(Misread::new(command.place, format!("{what}: arch without os never matches in Helm"))
                .with_hint("add os, or remove arch"));
        }
        let platform = (system, processor);
        if platforms.contains(&platform) {
            return Err(Misread::new(
                command.place,
                format!("{what}: a command above is for the same platform, so Helm never starts this one"),
            ));
        }
        platforms.push(platform);
    }
    Ok(())
}

/// The operating system or processor that a command is for, in lower case as Helm compares it; an empty word is none.
fn platform_word(command: &Node, key: &str, known: &[&str], what: &str) -> Result<Option<String>, Misread> {
    let Some(node) = command.get(key).filter(|node| !node.is_null()) else { return Ok(None) };
    let word = node.as_text(&format!("{what}.{key}"))?.to_ascii_lowercase();
    if word.is_empty() {
        return Ok(None);
    }
    if known.contains(&word.as_str()) {
        return Ok(Some(word));
    }
    let misread = Misread::new(node.place, format!("{what}.{key}: `{word}` never matches in Helm"));
    Err(match nearest(&word, known.iter().copied()) {
        Some(near) => misread.with_hint(format!("did you mean `{near}`?")),
        None => misread.with_hint(format!("one of {}", known.join(", "))),
    })
}

fn check_extism(node: &Node, entries: &[Entry]) -> Result<(), Misread> {
    refuse_unknown_keys(entries, &EXTISM, "runtimeConfig of runtime extism/v1")?;
    let expected = |value: &Node, what: &str, expected: &str| {
        Misread::new(value.place, format!("{what}: expected {expected}, found `{}`", value.to_value().to_json()))
    };
    for (key, known) in [("memory", EXTISM_MEMORY.as_slice()), ("fileSystem", EXTISM_FILE_SYSTEM.as_slice())] {
        let Some(child) = node.get(key) else { continue };
        let what = format!("runtimeConfig.{key}");
        let entries = child.as_map(&what)?;
        refuse_unknown_keys(entries, known, &what)?;
        for entry in entries {
            let what = format!("{what}.{}", entry.key);
            match (key, entry.value.to_value()) {
                ("memory", Value::Number(text)) if text.parse::<u32>().is_ok() => {}
                ("memory", _) => return Err(expected(&entry.value, &what, "a whole number")),
                (_, Value::Bool(_)) => {}
                _ => return Err(expected(&entry.value, &what, "true or false")),
            }
        }
    }
    if let Some(timeout) = node.get("timeout")
        && !matches!(timeout.to_value(), Value::Number(text) if text.parse::<u64>().is_ok())
    {
        return Err(expected(timeout, "runtimeConfig.timeout", "a whole number of milliseconds"));
    }
    if let Some(hosts) = node.get("allowedHosts") {
        let what = "runtimeConfig.allowedHosts";
        hosts.as_list(what)?.iter().try_for_each(|host| host.as_text(what).map(drop))?;
    }
    if let Some(name) = node.get("entryFuncName") {
        name.as_text("runtimeConfig.entryFuncName")?;
    }
    if let Some(functions) = node.get("hostFunctions")
        && let Some(function) = functions.as_list("runtimeConfig.hostFunctions")?.first()
    {
        return Err(Misread::new(
            function.place,
            "runtimeConfig.hostFunctions: Helm offers none, and refuses the plugin",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `text` and compares: `Ok` with `NAME VERSION RUNTIME CONFIG`, `Err` with `LINE:COLUMN MESSAGE (HINT)`.
    fn check(text: &str, expected: Result<&str, &str>) {
        let found = read(text)
            .map(|plugin| {
                let config = plugin.config.iter().map(|(key, value)| format!(" {key}={}", value.to_json()));
                format!("{} {} {}{}", plugin.name, plugin.version, plugin.runtime.word(), config.collect::<String>())
            })
            .map_err(|misread| {
                let hint = misread.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
                format!("{}:{} {}{hint}", misread.place.line, misread.place.column, misread.message)
            });
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text}");
    }

    const HEAD: &str = "apiVersion: v1\nname: demo\ntype: postrenderer/v1\nversion: 1.2.3\nruntime: subprocess\n";

    #[test]
    fn what_we_write_is_what_helm_reads() {
        check(&for_subprocess("demo", "1.2.3"), Ok("demo 1.2.3 subprocess"));
        check(&for_subprocess("demo", "v1"), Ok("demo 0.0.0 subprocess"));
        // A name or a version that YAML would take for something else.
        check(&for_subprocess("1e3", "1.0.0"), Ok("1e3 1.0.0 subprocess"));
    }

    #[test]
    fn helm_s_rules() {
        check(HEAD, Ok("demo 1.2.3 subprocess"));
        check(
            &format!(
                "{HEAD}runtimeConfig:\n  platformCommand:\n  - command: windlass\n    args: [run, \"${{HELM_PLUGIN_DIR}}\", --]\n  config:\n    version: 1.20\n    labels: {{team: a}}\n"
            ),
            Ok("demo 1.2.3 subprocess version=1.20 labels={\"team\":\"a\"}"),
        );
        check(
            &HEAD.replace("subprocess", "extism/v1").replace("1.2.3", "1.0.0-rc.1+b"),
            Ok("demo 1.0.0-rc.1+b extism/v1"),
        );
        check("", Err("1:1 the file is empty"));
        check("name: x\n", Err("1:1 apiVersion is missing"));
        check(
            &format!("{HEAD}verison: 1\n"),
            Err("6:1 unknown key `verison` in plugin.yaml (did you mean `version`?)"),
        );
        check(&format!("{HEAD}name: again\n"), Err("6:1 key `name` is given twice"));
        check(
            &HEAD.replace("1.2.3", "v1.2.3"),
            Err(
                "4:10 version: `v1.2.3` is not a semantic version: unexpected character 'v' while parsing major version number (write three numbers without a leading v, like 1.2.3)",
            ),
        );
        check(&HEAD.replace("demo", "a b"), Err("2:7 name: `a b` may hold only letters, digits, `-` and `_`"));
        check(&HEAD.replace("postrenderer", "cli"), Err("3:7 type: expected `postrenderer/v1`, found `cli/v1`"));
        check(
            &format!("{HEAD}runtimeConfig:\n  platformComand: []\n"),
            Err(
                "7:3 unknown key `platformComand` in runtimeConfig of runtime subprocess (did you mean `platformCommand`?)",
            ),
        );
        check(
            &format!("{HEAD}runtimeConfig:\n  platformCommand:\n  - arch: amd64\n    command: x\n"),
            Err("8:5 runtimeConfig.platformCommand[]: arch without os never matches in Helm (add os, or remove arch)"),
        );
        check(
            &format!("{}runtimeConfig:\n  config: {{labels: {{a: b}}}}\n", HEAD.replace("subprocess", "extism/v1")),
            Err(
                "7:20 runtimeConfig.config.labels: expected a text, found a map (Helm's engine takes strings only: quote the value, as YAML text if it is a map or list)",
            ),
        );
        check("a: [1\n", Err("1:4 unclosed bracket"));
    }

    /// What Helm takes without a word and never uses, or stumbles over when the plugin is installed or run.
    #[test]
    fn what_helm_is_silent_about() {
        let told = |head: &str, config: &str, expected: &str| {
            let misread = read(&format!("{head}runtimeConfig: {{{config}}}\n")).unwrap_err();
            let hint = misread.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            assert_eq!(format!("{}{hint}", misread.message), expected);
            assert_eq!(misread.place.line, 6);
        };
        let subprocess = |config: &str, expected: &str| told(HEAD, config, expected);
        subprocess(
            "platformCommand: [{os: macos, command: x}]",
            "runtimeConfig.platformCommand[].os: `macos` never matches in Helm (one of aix, android, darwin, dragonfly, freebsd, illumos, ios, js, linux, netbsd, openbsd, plan9, solaris, wasip1, windows)",
        );
        subprocess(
            "platformCommand: [{os: linux, arch: amd65, command: x}]",
            "runtimeConfig.platformCommand[].arch: `amd65` never matches in Helm (did you mean `amd64`?)",
        );
        subprocess(
            "platformCommand: [{command: x}, {command: y, os: }]",
            "runtimeConfig.platformCommand[]: a command above is for the same platform, so Helm never starts this one",
        );
        subprocess(
            "platformCommand: [{args: [x]}]",
            "runtimeConfig.platformCommand[]: command is missing, so Helm has nothing to start",
        );
        subprocess(
            "platformCommand: [{command: \" \"}]",
            "runtimeConfig.platformCommand[].command is empty, so Helm has nothing to start",
        );
        subprocess(
            "platformCommand: [{command: x, args: run}]",
            "runtimeConfig.platformCommand[].args: expected a list, found a string",
        );
        subprocess(
            "platformCommand: [{command: x, args: [{a: b}]}]",
            "runtimeConfig.platformCommand[].args: expected a text, found a map",
        );
        subprocess(
            "platformHooks: {upgrade: [{command: x}]}",
            "unknown key `upgrade` in runtimeConfig.platformHooks (known keys: install, update, delete)",
        );
        subprocess(
            "platformHooks: {install: [{comand: x}]}",
            "unknown key `comand` in runtimeConfig.platformHooks.install[] (did you mean `command`?)",
        );
        for key in ["expandHookArgs", "protocolCommands"] {
            subprocess(
                &format!("{key}: []"),
                &format!(
                    "unknown key `{key}` in runtimeConfig of runtime subprocess (known keys: platformCommand, platformHooks, config)"
                ),
            );
        }
        let extism = |config: &str, expected: &str| told(&HEAD.replace("subprocess", "extism/v1"), config, expected);
        extism("timeout: 10s", "runtimeConfig.timeout: expected a whole number of milliseconds, found `\"10s\"`");
        extism("memory: {maxPages: 4Mi}", "runtimeConfig.memory.maxPages: expected a whole number, found `\"4Mi\"`");
        extism(
            "memory: {maxPages: 9999999999}",
            "runtimeConfig.memory.maxPages: expected a whole number, found `9999999999`",
        );
        extism(
            "memory: {pages: 4}",
            "unknown key `pages` in runtimeConfig.memory (known keys: maxPages, maxHttpResponseBytes, maxVarBytes)",
        );
        extism(
            "fileSystem: {createTempDir: maybe}",
            "runtimeConfig.fileSystem.createTempDir: expected true or false, found `\"maybe\"`",
        );
        extism("allowedHosts: a.example", "runtimeConfig.allowedHosts: expected a list, found a string");
        extism("hostFunctions: [x]", "runtimeConfig.hostFunctions: Helm offers none, and refuses the plugin");
        extism("entryFuncName: [x]", "runtimeConfig.entryFuncName: expected a text, found a list");
        check(
            &format!(
                "{}runtimeConfig: {{memory: {{maxPages: 256}}, timeout: 10000, fileSystem: {{createTempDir: true}}, allowedHosts: [a.example], hostFunctions: []}}\n",
                HEAD.replace("subprocess", "extism/v1")
            ),
            Ok("demo 1.2.3 extism/v1"),
        );
        check(
            &format!(
                "{HEAD}runtimeConfig: {{platformCommand: [{{os: Linux, arch: AMD64, command: x}}, {{os: linux, command: x}}, {{command: x}}], platformHooks: {{install: [{{command: x}}]}}}}\n"
            ),
            Ok("demo 1.2.3 subprocess"),
        );
    }
}
