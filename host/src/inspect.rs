//! What can be known of a plugin without running it.

pub mod settings;

use serde::Serialize;
use windlass_abi::capabilities::{Capability, TABLE};
use windlass_abi::raw;

use crate::command;
use crate::error::Error;
use crate::plugin::verify::Verified;
use crate::sandbox::compile::{HELM_FEATURES, rules, shape, validate};
use crate::sandbox::instance::{ImportNeed, asks, import_need, opened_by};
use crate::text::shown_name;

/// How many reasons a verdict names.
const MOST_REASONS: usize = 20;

/// A plugin as `windlass inspect` shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// Where it came from.
    pub plugin: String,
    /// The digest of its wasm.
    pub digest: String,
    /// The size of its wasm in bytes.
    pub size: u64,
    /// The metadata section as it stands, without the schema; none where there is no section.
    pub metadata: Option<serde_json::Value>,
    /// Whether it is a command: a program that turns its standard input into its standard output.
    pub command: bool,
    /// The capabilities that it can use once they are granted, by their words: those that its imports open.
    pub usable_grants: Vec<&'static str>,
    /// What it exports.
    pub exports: Vec<Export>,
    /// What it imports.
    pub imports: Vec<Import>,
    /// What its metadata asks for.
    pub capabilities: Vec<AskedCapability>,
    /// The JSON Schema of its configuration, where the metadata has one.
    pub config_schema: Option<serde_json::Value>,
    /// Whether Windlass would run it, once everything it asks for is granted.
    pub windlass: Verdict,
    /// Whether Helm's own WebAssembly engine would run it.
    pub helm_runtime: Verdict,
}

/// Something that a plugin exports.
#[derive(Debug, Serialize)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// A function's signature, else `memory`, `table` or `global`.
    pub r#type: String,
}

/// Something that a plugin imports.
#[derive(Debug, Serialize)]
pub struct Import {
    /// The module it is imported from.
    pub module: String,
    /// Its name.
    pub name: String,
    /// A function's signature, else `memory`, `table` or `global`.
    pub r#type: String,
    /// The capability that it needs; none if it needs none, or if nobody offers it.
    pub capability: Option<&'static str>,
    /// False if Windlass has no such import.
    pub offered: bool,
}

/// Something that a plugin's metadata asks for.
#[derive(Debug, Serialize)]
pub struct AskedCapability {
    /// The capability's word, such as `net`.
    pub capability: &'static str,
    /// What of it, such as a host; empty where the capability takes no value.
    pub value: String,
    /// The flag that grants it.
    pub flag: String,
    /// The author's reason; may be empty.
    pub why: String,
    /// Whether it also runs without.
    pub optional: bool,
}

/// Whether an engine would run a plugin.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// True if it would.
    pub accepted: bool,
    /// Why not: one sentence each; empty if it would.
    pub reasons: Vec<String>,
}

impl Verdict {
    /// Of many reasons the first ones, which are enough.
    fn from_reasons(reasons: impl IntoIterator<Item = String>) -> Self {
        let mut all = reasons.into_iter();
        let mut reasons: Vec<String> = all.by_ref().take(MOST_REASONS).collect();
        match all.count() {
            0 => {}
            more => reasons.push(format!("there are {more} more reasons")),
        }
        Self { accepted: reasons.is_empty(), reasons }
    }
}

/// Looks at `plugin` without running or compiling it.
///
/// # Errors
/// It is not a WebAssembly module whose imports and exports can be read, or its metadata is not what the PDK writes
/// (exit 2).
pub fn inspect(plugin: &Verified) -> Result<Inspection, Error> {
    inspect_verified(plugin).map_err(|error| error.in_plugin(plugin.name()))
}

fn inspect_verified(plugin: &Verified) -> Result<Inspection, Error> {
    let shape = shape(plugin.wasm())?;
    let metadata_json = plugin.metadata_json();
    let asked = asks(metadata_json)?;
    // `asks` has read it as JSON already.
    let mut metadata: Option<serde_json::Value> = metadata_json.and_then(|text| serde_json::from_str(text).ok());
    let config_schema = metadata.as_mut().and_then(|metadata| metadata.as_object_mut()?.remove("configSchema"));
    let is_command = plugin.is_command();
    let config_schema = match is_command {
        true => serde_json::from_str(&command::schema().to_json()).ok(),
        false => config_schema,
    };
    let usable = |capability: &Capability| {
        shape.imports.iter().any(|import| {
            import_need(&import.module, &import.name) == ImportNeed::Grant(*capability)
                || opened_by(&import.module, &import.name).contains(capability)
        })
    };
    let imports: Vec<Import> = shape
        .imports
        .iter()
        .map(|import| {
            let need = import_need(&import.module, &import.name);
            Import {
                module: shown_name(&import.module),
                name: shown_name(&import.name),
                r#type: import.what.to_string(),
                capability: match need {
                    ImportNeed::Grant(capability) => Some(capability.word()),
                    ImportNeed::Nothing | ImportNeed::Unknown => None,
                },
                offered: need != ImportNeed::Unknown,
            }
        })
        .collect();
    let exports: Vec<Export> = shape
        .exports
        .iter()
        .map(|export| Export { name: shown_name(&export.name), r#type: export.what.to_string() })
        .collect();
    Ok(Inspection {
        plugin: plugin.reference().to_string(),
        digest: plugin.digest().to_string(),
        size: plugin.wasm().len() as u64,
        metadata,
        command: is_command,
        usable_grants: TABLE.iter().filter(|row| usable(&row.capability)).map(|row| row.word).collect(),
        windlass: windlass_verdict(plugin.wasm(), &imports),
        helm_runtime: helm_verdict(plugin.wasm(), &imports, &exports, is_command),
        exports,
        imports,
        capabilities: asked
            .iter()
            .map(|asked| AskedCapability {
                capability: asked.request.capability().word(),
                value: asked.request.to_string(),
                flag: asked.request.flag(),
                why: asked.why.clone(),
                optional: asked.is_optional,
            })
            .collect(),
        config_schema,
    })
}

fn windlass_verdict(wasm: &[u8], imports: &[Import]) -> Verdict {
    let reasons: Vec<String> = validate(wasm).err().map(|error| error.message().to_owned()).into_iter().collect();
    Verdict::from_reasons(reasons.into_iter().chain(
        imports.iter().filter(|import| !import.offered).map(|import| {
            format!("it imports `{}` of `{}`, which Windlass does not offer", import.name, import.module)
        }),
    ))
}

/// Helm's engine is Extism's Go SDK on wazero: WebAssembly 2.0, Extism's functions, WASI preview 1, nothing else.
fn helm_verdict(wasm: &[u8], imports: &[Import], exports: &[Export], is_command: bool) -> Verdict {
    let mut reasons = Vec::new();
    if let Err(fault) = rules::check(wasm, HELM_FEATURES) {
        reasons.push(format!("its WebAssembly is not accepted: {fault}"));
    }
    if !exports.iter().any(|export| export.name == raw::HELM_ENTRY) {
        let why = if is_command { ": it is a command, which Helm's engine gives no input" } else { "" };
        reasons.push(format!("it does not export `{}`{why}", raw::HELM_ENTRY));
    }
    for import in imports {
        if import.module == raw::WINDLASS_MODULE {
            reasons.push(format!("it imports `{}`, which only Windlass offers", import.name));
        } else if !import.offered {
            reasons.push(format!("it imports `{}` of `{}`, which Helm does not offer", import.name, import.module));
        }
    }
    Verdict::from_reasons(reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::PluginRef;

    fn inspect_text(text: &str) -> Inspection {
        let fetched = crate::plugin::fetched::Fetched::new(
            PluginRef::Path("x.wasm".into()),
            None,
            None,
            wat::parse_str(text).unwrap(),
            crate::trust::evidence::Came::Loose,
        );
        inspect(&crate::plugin::verify::verify(fetched, &crate::plugin::opening::FetchOptions::none()).unwrap())
            .unwrap()
    }

    #[test]
    fn a_plain_plugin_runs_everywhere() {
        let inspection = inspect_text(
            r#"(module
              (import "extism:host/env" "input_length" (func (result i64)))
              (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1)
              (func (export "helm_plugin_main") (result i32) i32.const 0)
              (@custom "windlass.plugin" "{\"abi\":1,\"name\":\"x\",\"configSchema\":{\"type\":\"object\"}}"))"#,
        );
        assert!(inspection.windlass.accepted && inspection.helm_runtime.accepted, "{inspection:?}");
        assert_eq!(inspection.imports[0].r#type, "() -> i64");
        assert_eq!(inspection.config_schema.unwrap()["type"], "object");
        assert_eq!(inspection.metadata.unwrap()["name"], "x");
        assert_eq!(inspection.exports[1].r#type, "() -> i32");
    }

    #[test]
    fn what_is_asked_for_and_what_stands_in_the_way_is_listed() {
        let inspection = inspect_text(
            r#"(module
              (import "extism:host/env" "http_request" (func (param i64 i64) (result i64)))
              (import "windlass:host/env" "env_get" (func (param i64) (result i64)))
              (import "other" "thing" (func))
              (@custom "windlass.plugin" "{\"abi\":1,\"capabilities\":[{\"capability\":\"env\",\"value\":\"TEAM\"}]}")
              (memory 1) (memory 1))"#,
        );
        assert_eq!(inspection.imports[0].capability, Some("net"));
        assert_eq!(inspection.capabilities[0].flag, "--allow-env TEAM");
        let helm = inspection.helm_runtime.reasons.join("\n");
        for part in
            ["multi", "does not export `helm_plugin_main`", "`env_get`, which only Windlass", "`thing` of `other`"]
        {
            assert!(helm.contains(part), "`{helm}` does not say `{part}`");
        }
        assert!(!inspection.windlass.accepted && !inspection.imports[2].offered);
    }
}
