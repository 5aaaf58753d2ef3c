//! Commands as plugins: an unchanged program, built for WASI preview 1, that turns its standard input into its standard
//! output. It exports `_start` and no entry of a plugin.
//!
//! A command knows nothing of configuration, so its configuration is what it knows: `args` and `env`. This module says
//! what makes a module a command, and reads those two; the sandbox gives them to the program.

use wasmparser::{Chunk, ExternalKind, Parser, Payload};
use windlass_abi::raw;
use windlass_manifest::Value;

use crate::error::Error;

/// The export that runs a command, `() -> ()`: what every toolchain for WASI makes of `main`.
pub(crate) const START: &str = "_start";

/// The JSON Schema of a command's configuration.
const SCHEMA: &str = r#"{
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "args": {
      "type": "array",
      "items": {"type": "string"},
      "description": "the program's arguments; extra arguments follow them"
    },
    "env": {
      "type": "object",
      "additionalProperties": {"type": "string"},
      "description": "environment variables with their values; the program sees these, those of --allow-env, and no others"
    }
  }
}"#;

/// The schema of a command's configuration, as a plugin's metadata would carry it.
pub(crate) fn schema() -> Value {
    // A constant, which a test reads.
    Value::from_yaml(SCHEMA).unwrap_or_default()
}

/// What a command is started with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct CommandLine {
    /// The arguments, the program's name among them, first of all.
    pub(crate) args: Vec<String>,
    /// Names and values.
    pub(crate) env: Vec<(String, String)>,
}

impl CommandLine {
    /// Reads the configuration of the command `name`; `extra_args` follow its own arguments.
    ///
    /// # Errors
    /// A key that is neither `args` nor `env`, a value of another form, or a text that no program can be given (exit
    /// 2).
    pub(crate) fn read(name: &str, config: &[(String, String)], extra_args: &[String]) -> Result<Self, Error> {
        let mut line = Self { args: vec![name.to_owned()], env: Vec::new() };
        for (key, text) in config {
            let read = || Value::from_yaml(text).map_err(|error| Error::usage(format!("`{key}`: {error}")));
            match key.as_str() {
                "args" => line.add_args(read()?)?,
                "env" => line.add_env(read()?)?,
                _ => {
                    return Err(Error::usage(format!(
                        "unknown key `{key}`: it is a command, which has none of its own"
                    ))
                    .hint("known keys: args, env"));
                }
            }
        }
        line.args.extend_from_slice(extra_args);
        if let Some(text) = line.args.iter().find(|text| text.contains('\0')) {
            return Err(Error::usage(format!("the argument {text:?} has a NUL, which no program can be given")));
        }
        Ok(line)
    }

    fn add_args(&mut self, value: Value) -> Result<(), Error> {
        let Value::List(items) = value else {
            return Err(Error::usage("`args` is not a list").hint(FORM));
        };
        for (index, item) in items.into_iter().enumerate() {
            self.args.push(as_text(item).ok_or_else(|| no_text(&format!("args[{index}]")))?);
        }
        Ok(())
    }

    fn add_env(&mut self, value: Value) -> Result<(), Error> {
        let Value::Map(entries) = value else {
            return Err(Error::usage("`env` is not a map").hint(FORM));
        };
        for (name, value) in entries {
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(Error::usage(format!("`env`: {name:?} cannot be the name of a variable")));
            }
            let value = as_text(value).ok_or_else(|| no_text(&format!("env.{name}")))?;
            if value.contains('\0') {
                return Err(Error::usage(format!("env.{name} has a NUL, which no program can be given")));
            }
            self.env.push((name, value));
        }
        Ok(())
    }
}

const FORM: &str = "a command takes `args: [TEXT, ...]` and `env: {NAME: VALUE}`";

fn no_text(what: &str) -> Error {
    Error::usage(format!("`{what}` is not a text")).hint("put it in quotes")
}

fn as_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) | Value::Number(text) => Some(text),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

/// Whether a module is a command, by its exports' names. Sections are skipped, not parsed, so this costs next to
/// nothing; whatever is wrong with the module is found when it is compiled.
pub(crate) fn is_command(wasm: &[u8]) -> bool {
    let mut parser = Parser::new(0);
    let mut rest = wasm;
    loop {
        let Ok(Chunk::Parsed { consumed, payload }) = parser.parse(rest, true) else { return false };
        match payload {
            Payload::ExportSection(exports) => {
                let functions = exports.into_iter().map_while(Result::ok).filter(|e| e.kind == ExternalKind::Func);
                let names: Vec<&str> = functions.map(|export| export.name).collect();
                return has_only_start(|name| names.contains(&name));
            }
            Payload::CodeSectionStart { .. } | Payload::End(_) => return false,
            _ => {}
        }
        let Some(after) = rest.get(consumed..) else { return false };
        rest = after;
    }
}

/// Whether a module with these exports is a command: with an entry of a plugin beside `_start`, it is that plugin.
pub(crate) fn has_only_start(exports: impl Fn(&str) -> bool) -> bool {
    exports(START) && !exports(raw::HELM_ENTRY) && !exports(raw::RENDER)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs<'a> = &'a [(&'a str, &'a str)];

    #[track_caller]
    fn check(config: Pairs<'_>, extra: &[&str], expected: Result<(&[&str], Pairs<'_>), &str>) {
        let config: Vec<_> = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let extra: Vec<String> = extra.iter().map(|text| (*text).to_owned()).collect();
        match (CommandLine::read("yq", &config, &extra), expected) {
            (Ok(line), Ok((args, env))) => {
                assert_eq!(line.args, args);
                let found: Vec<_> = line.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                assert_eq!(found, env);
            }
            (Err(error), Err(text)) => {
                assert_eq!(error.exit_code(), crate::error::ExitCode::Usage);
                assert!(error.to_string().contains(text), "{error}");
            }
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn configuration_is_arguments_and_variables() {
        check(&[], &[], Ok((&["yq"], &[])));
        check(&[("args", r#"["-P", 1.20, true]"#)], &["a=b"], Ok((&["yq", "-P", "1.20", "true", "a=b"], &[])));
        check(&[("args", "[0755,1_000]")], &[], Ok((&["yq", "0755", "1_000"], &[])));
        check(&[("env", r#"{"A": "1", "B": ""}"#)], &[], Ok((&["yq"], &[("A", "1"), ("B", "")])));
        check(&[("labels", "{}")], &[], Err("unknown key `labels`"));
        check(&[("args", "-P")], &[], Err("`args` is not a list"));
        check(&[("args", "[[a]]")], &[], Err("`args[0]` is not a text"));
        check(&[("args", r#"["\0"]"#)], &[], Err("has a NUL"));
        check(&[], &["\0"], Err("has a NUL"));
        check(&[("env", "[a]")], &[], Err("`env` is not a map"));
        check(&[("env", r#"{"A=B": "c"}"#)], &[], Err("name of a variable"));
        check(&[("env", r#"{"A": "\0"}"#)], &[], Err("env.A has a NUL"));
        check(&[("env", r#"{"A": null}"#)], &[], Err("`env.A` is not a text"));
        assert!(matches!(schema(), Value::Map(_)));
    }

    #[test]
    fn a_plugin_with_an_entry_is_no_command() {
        let check = |text: &str, expected: bool| {
            let wasm = wat::parse_str(text).unwrap();
            assert_eq!(is_command(&wasm), expected, "{text}");
            for length in 0..wasm.len() {
                // Cut off it may be anything, and nothing breaks.
                is_command(&wasm[..length]);
            }
        };
        check(r#"(module (func (export "_start")))"#, true);
        check(
            r#"(module (func (export "_start")) (func (export "helm_plugin_main") (result i32) i32.const 0))"#,
            false,
        );
        check(r#"(module (memory (export "_start") 1))"#, false);
        check("(module)", false);
        assert!(!is_command(b"not wasm"));
    }
}
