//! The configuration.

use std::collections::BTreeMap;

use windlass_pdk::config::Key;
use windlass_pdk::pods::PathPattern;
use windlass_pdk::{Config, ConfigError, Schema, Target, Value};

use crate::jq::{CompileError, Program};
use crate::yq;

/// What to evaluate, as it is written.
#[derive(Debug, Config)]
struct Written {
    /// An expression for each object, where one is enough.
    expression: Option<String>,
    /// Expressions for each object, one after the other.
    #[config(default)]
    expressions: Vec<Value>,
    /// The language of all expressions that do not say theirs.
    #[config(default)]
    language: Language,
    /// Values that expressions see as `$NAME`, in yq's language also as `env(NAME)` and `strenv(NAME)`.
    #[config(default)]
    variables: BTreeMap<String, Value>,
    /// What becomes of an object for which an expression gives nothing, as `select` does.
    #[config(default)]
    on_empty: OnEmpty,
}

/// One entry of `expressions`, as it is written; a string stands for `expression` alone.
#[derive(Debug, Config)]
struct WrittenExpression {
    /// The expression.
    expression: String,
    /// Its language, instead of the plugin's own `language`.
    language: Option<Language>,
    /// Which objects it is for, in addition to what it selects itself.
    target: Option<Target>,
    /// A text field that holds YAML or JSON, such as `data.app\.yaml`: the expression edits what is in there.
    field: Option<PathPattern>,
    /// For this expression, instead of the plugin's own `onEmpty`.
    on_empty: Option<OnEmpty>,
}

/// The language of an expression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum Language {
    /// jq's, as jaq has it, without input, environment and clock.
    #[default]
    Jq,
    /// The common part of yq's (mikefarah's, version 4).
    Yq,
}

/// What becomes of an object for which an expression gives nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum OnEmpty {
    /// It stays as it is: `select(.kind == "Service") | ...` edits Services.
    #[default]
    Keep,
    /// It is dropped, as jq and yq would.
    Drop,
}

/// What to evaluate.
pub struct Settings {
    pub(crate) expressions: Vec<Entry>,
    /// With their dollar signs, in the order of their names.
    pub(crate) variables: Vec<(String, Value)>,
}

/// One expression and the objects that it is for.
pub(crate) struct Entry {
    /// Where it was written, for messages: `expressions[0]`.
    pub(crate) origin: String,
    pub(crate) program: Program,
    pub(crate) target: Option<Target>,
    pub(crate) field: Option<PathPattern>,
    pub(crate) on_empty: OnEmpty,
}

/// The schema with a string allowed as an entry of `expressions`.
const SCHEMA: Schema = Written::SCHEMA;

impl Config for Settings {
    const SCHEMA: Schema = SCHEMA;
    const KEYS: &'static [Key] = Written::KEYS;

    fn read(value: Value) -> Result<Self, ConfigError> {
        let written = Written::read(value)?;
        let mut variables = Vec::new();
        for (name, value) in written.variables {
            let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
            if !is_name || name == "__loc__" || name == "ENV" {
                let message = "is no name of a variable: letters, digits and `_`, and not `ENV`";
                return Err(ConfigError::new(message).under(&name).under("variables"));
            }
            variables.push((format!("${name}"), value));
        }
        let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
        let mut expressions = Vec::new();
        let mut add = |written: WrittenExpression, origin: String, language: Language, on_empty: OnEmpty| {
            let program = compile(&written.expression, written.language.unwrap_or(language), &names)
                .map_err(|error| ConfigError::new(error).under("expression"))?;
            expressions.push(Entry {
                origin,
                program,
                target: written.target,
                field: written.field,
                on_empty: written.on_empty.unwrap_or(on_empty),
            });
            Ok::<(), ConfigError>(())
        };
        if let Some(expression) = written.expression {
            let entry = WrittenExpression { expression, language: None, target: None, field: None, on_empty: None };
            add(entry, "expression".to_owned(), written.language, written.on_empty)?;
        }
        for (index, value) in written.expressions.into_iter().enumerate() {
            let entry = match value {
                Value::String(expression) => {
                    Ok(WrittenExpression { expression, language: None, target: None, field: None, on_empty: None })
                }
                other => WrittenExpression::read(other),
            };
            entry
                .and_then(|entry| add(entry, format!("expressions[{index}]"), written.language, written.on_empty))
                .map_err(|error| error.under_index(index).under("expressions"))?;
        }
        Ok(Settings { expressions, variables })
    }
}

fn compile(text: &str, language: Language, variables: &[&str]) -> Result<Program, String> {
    let located = |error: CompileError| {
        let before = text.get(..error.offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        match text.trim_end().contains('\n') {
            true => format!("line {line}, column {column}: {}", error.message),
            false => format!("column {column}: {}", error.message),
        }
    };
    match language {
        Language::Jq => Program::compile(text, "", variables).map_err(located),
        Language::Yq => {
            let program = yq::to_jq(text).map_err(located)?;
            // What is left are names of variables.
            Program::compile(&program, yq::DEFINITIONS, variables).map_err(|error| error.message)
        }
    }
}
