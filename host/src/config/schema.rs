//! JSON Schemas (2020-12) of the files that people write, made from the same tables that their readers refuse unknown
//! keys by, so that a key cannot be in one and not in the other.

use serde_json::{Map, Value as Json, json};
use windlass_abi::capabilities::{Row, TABLE};

use super::pipeline::{API_VERSION, KIND, LIMITS, PLUGIN, TOP_LEVEL};
use super::readiness::RULE;
use crate::limits::UNITS;
use crate::plugin::lock;
use crate::sandbox::options::Graft;
use crate::trust::policy;

/// Where the schemas say they are from.
const BASE: &str = "https://github.com/windlass-dev/windlass/schema";

/// windlass.yaml.
pub fn pipeline() -> Json {
    let mut schema = document("pipeline", "A pipeline: plugins with their configuration, grants and limits", KIND);
    schema["required"] = json!(["apiVersion", "kind"]);
    schema["anyOf"] = json!([{ "required": ["plugins"] }, { "required": ["readiness"] }]);
    schema["properties"] = object(&TOP_LEVEL, |key| match key {
        "readiness" => json!({
            "type": ["array", "null"], "items": readiness(),
            "description": "When objects of one's own kinds are ready, for `windlass wait` and `windlass status`; the first \
                            rule that covers an object counts, before its annotations.",
        }),
        "plugins" => json!({
            "type": "array", "minItems": 1, "items": plugin(),
            "description": "The plugins, in the order in which they run.",
        }),
        "metadata" => json!({
            "type": ["object", "null"],
            "description": "For kpt and kustomize, which demand it of every file; Windlass looks into none of it.",
        }),
        "trust" => nullable(trust()),
        key => common(key, KIND),
    });
    schema
}

/// The trust policy of a user or of a machine.
pub fn policy() -> Json {
    let mut schema = document("policy", "A trust policy: what Windlass asks of a plugin from a registry", policy::KIND);
    schema["required"] = json!(["apiVersion", "kind", "trust"]);
    schema["properties"] = object(&policy::TOP_LEVEL, |key| match key {
        "trust" => trust(),
        key => common(key, policy::KIND),
    });
    schema
}

/// windlass.lock.
pub fn lock() -> Json {
    let mut schema = document("lock", "The digests of a pipeline's plugins, written by `windlass lock`", lock::KIND);
    schema["required"] = json!(["apiVersion", "kind", "plugins"]);
    schema["properties"] = object(&lock::TOP_LEVEL, |key| match key {
        "plugins" => json!({ "type": "array", "items": closed(&lock::ENTRY, &["use", "wasm"], |key| match key {
            "use" => described("string", "The plugin, as the pipeline has it."),
            "manifest" => digest("The digest of its manifest, where a registry or a layout has it."),
            "pluginYaml" => digest("The digest of its plugin.yaml, where no manifest covers it."),
            _ => digest("The digest of its wasm."),
        }) }),
        key => common(key, lock::KIND),
    });
    schema
}

fn document(name: &str, title: &str, kind: &str) -> Json {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": format!("{BASE}/{name}.json"),
        "title": format!("{kind}: {title}"), "type": "object", "additionalProperties": false,
    })
}

/// What every file begins with.
fn common(key: &str, kind: &str) -> Json {
    match key {
        "apiVersion" => json!({ "const": API_VERSION, "description": "The version of the format." }),
        _ => json!({ "const": kind, "description": "What the file is." }),
    }
}

fn readiness() -> Json {
    let texts = |description: &str| json!({ "type": ["array", "null"], "items": { "type": "string" }, "description": description });
    let mut schema = closed(&RULE, &["group"], |key| match key {
        "group" => described(
            "string",
            "The API group; `*.example.org` is every group below example.org, the empty text is the core group.",
        ),
        "kinds" => texts("The kinds; every kind of the group where it is left out."),
        "success" => texts("Ready: any of these expressions on the status, `{.phase} == \"Ready\"`."),
        "all" => texts("All of these must hold besides."),
        "failure" => texts("Failed: any of these; they are looked at first."),
        _ => described("boolean", "Ready as soon as it exists, with no expressions."),
    });
    schema["anyOf"] = ["success", "all", "exists"].iter().map(|key| json!({ "required": [key] })).collect();
    schema
}

fn plugin() -> Json {
    closed(&PLUGIN, &["use"], |key| match key {
        "use" => described(
            "string",
            "The plugin: a .wasm file, a folder, a .tgz, oci://HOST/REPO/NAME:VERSION[@sha256:...], oci-layout:DIR[:TAG], or \
             the name of an installed plugin. Paths count from this file's folder.",
        ),
        "config" => json!({
            "type": ["object", "null"],
            "description": "Its settings; `windlass explain PLUGIN` says which there are.",
        }),
        "grants" => grants(),
        "graft" => json!({
            "enum": Graft::WORDS.iter().map(|word| json!(word)).chain([json!(false), Json::Null]).collect::<Vec<_>>(),
            "description": "Whether its answer is made in the text that it was given; `false` as `never`.",
        }),
        _ => limits(),
    })
}

/// One property per row of the table of capabilities.
fn grants() -> Json {
    let properties: Map<String, Json> = TABLE.iter().map(|row| (row.word.to_owned(), grant(row))).collect();
    json!({
        "type": ["object", "null"], "additionalProperties": false, "properties": properties,
        "description": "What the plugin may do beyond reading its input; nothing unless it is here.",
    })
}

fn grant(row: &Row) -> Json {
    let description = format!("Lets the plugin {}.", row.help);
    match row.value {
        None => json!({ "type": ["boolean", "null"], "description": description }),
        Some(form) if form.contains('=') => json!({
            "type": ["object", "null"], "additionalProperties": { "type": "string" },
            "description": format!("{description} A map from folders in the guest to folders here."),
        }),
        Some(form) => json!({
            "type": ["array", "null"], "items": { "type": "string" },
            "description": format!("{description} A list of `{form}`."),
            "examples": [[row.example.unwrap_or(form)]],
        }),
    }
}

fn limits() -> Json {
    let size = |description: &str| {
        json!({
            "type": ["string", "integer"], "description": format!("{description}, such as `64Mi`."),
            "pattern": format!("^[0-9]*[1-9][0-9]*({})?$", UNITS.map(|(unit, _)| unit).join("|")), "minimum": 1,
        })
    };
    let time = |description: &str| {
        json!({
            "type": ["string", "number"], "description": format!("{description}, such as `10s` or `500ms`."),
            "pattern": "^([0-9.]+(ms|s|m|h))+$|^[0-9.]+$", "exclusiveMinimum": 0, "maximum": 86_400,
        })
    };
    let mut schema = closed(&LIMITS, &[], |key| match key {
        "memory" => size("The most memory that the plugin may have"),
        "timeout" => time("The longest that it may run"),
        "maxOutput" => size("The most that it may answer"),
        "scratch" => size("The size of a folder in memory that a command gets as /tmp"),
        "compileMemory" => size("The most memory for compiling it"),
        _ => time("The longest that compiling it may take"),
    });
    schema["description"] = "What the plugin may use up; docs/limits.md has the defaults.".into();
    nullable(schema)
}

fn trust() -> Json {
    let mut schema = closed(&policy::TRUST, &[], |_| json!({ "type": ["array", "null"], "items": rule() }));
    schema["description"] = "Whom to believe; the longest prefix decides.".into();
    schema
}

fn rule() -> Json {
    let list = |description: &str| json!({ "type": ["array", "null"], "items": { "type": "string" }, "description": description });
    closed(&policy::RULE, &["prefix"], |key| match key {
        "prefix" => described(
            "string",
            "The beginning of the references that the rule is about: `oci://HOST[:PORT][/PATH]` or `oci-layout:[DIR]`.",
        ),
        "require" => json!({
            "oneOf": [
                { "enum": policy::REQUIREMENTS },
                { "type": "array", "minItems": 1, "items": { "enum": policy::REQUIREMENTS } },
            ],
            "description": "What a plugin must have, all of it. Without it, one of a pin and a signature is enough; `nothing` asks for nothing.",
        }),
        "keyrings" => list("OpenPGP keyrings, as files."),
        "fingerprints" => list("The only OpenPGP keys of the rings that count."),
        _ => list("cosign's public keys, as files."),
    })
}

fn nullable(mut schema: Json) -> Json {
    schema["type"] = json!(["object", "null"]);
    schema
}

fn described(kind: &str, description: &str) -> Json {
    json!({ "type": kind, "description": description })
}

fn digest(description: &str) -> Json {
    json!({ "type": "string", "pattern": "^sha256:[0-9a-f]{64}$", "description": description })
}

/// A map with these keys and no others.
fn closed(keys: &[&str], required: &[&str], property: impl Fn(&str) -> Json) -> Json {
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": object(keys, property) });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn object(keys: &[&str], property: impl Fn(&str) -> Json) -> Json {
    keys.iter().map(|key| ((*key).to_owned(), property(key))).collect::<Map<String, Json>>().into()
}
