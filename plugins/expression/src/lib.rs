//! Evaluates jq programs, and the common part of yq's language, on the objects of a release or on YAML or JSON inside
//! of their text fields, and writes the results back as edits of the text.
//!
//! What a program does not change stays byte for byte. A program sees its object and the configured variables: no
//! input, environment or clock. It ends: its steps, its depth and the size of its values are limited.

mod jq;
mod natives;
mod settings;
mod steps;
mod values;
mod write_back;
mod yq;

use jaq_json::Val;
use windlass_manifest::Manifests as Documents;
use windlass_pdk::{Error, Manifests, Object, Path, Value, names, plugin, warn};

pub use crate::settings::Settings;
use crate::settings::{Entry, OnEmpty};

/// Evaluates every expression on every object that it is for, in the order of the expressions.
///
/// # Errors
/// An expression that fails, gives several results or none that is an object, takes too long, and what cannot be edited
/// safely.
#[plugin(per_object)]
pub fn expression(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    if settings.expressions.is_empty() {
        warn!("nothing to do: neither `expression` nor `expressions` are configured");
        return Ok(());
    }
    steps::reset();
    let variables: Vec<Val> = settings.variables.iter().map(|(_, value)| values::from_value(value)).collect();
    manifests.visit(|object| {
        for expression in &settings.expressions {
            if expression.target.as_ref().is_some_and(|target| !target.matches(object)) {
                continue;
            }
            let is_kept = match &expression.field {
                None => edit(object, expression, &variables, |object, problem| object.refuse(problem).into())?,
                Some(field) => {
                    for path in field.find(object.root()) {
                        edit_field(object, &path, expression, &variables)?;
                    }
                    true
                }
            };
            if !is_kept {
                return object.delete().map_err(Error::from);
            }
        }
        Ok(())
    })
}

/// Evaluates an expression on an object; `Ok(false)` if it is to be dropped.
fn edit(
    object: &mut Object<'_>,
    expression: &Entry,
    variables: &[Val],
    refuse: impl Fn(&Object<'_>, String) -> Error,
) -> Result<bool, Error> {
    let before = values::from_value(&object.root().to_value()?);
    let results = expression.program.run(before.clone(), variables, 2);
    let mut results =
        results.map_err(|problem| refuse(object, format!("{}: {problem}", expression.origin)))?.into_iter();
    let (after, others) = (results.next(), results.next());
    let what = |problem: String| refuse(object, format!("{}: {problem}", expression.origin));
    match (after, others) {
        (None, _) => Ok(expression.on_empty == OnEmpty::Keep),
        (Some(_), Some(_)) => Err(what(
            "the expression gives several results, and an object can become one; assign to the path, as in `(.a[] | select(.b)).c = 1`"
                .to_owned(),
        )),
        (Some(after @ Val::Obj(_)), None) => {
            let file = object.annotation(names::FILENAME_ANNOTATION).map(|file| file.into_owned());
            write_back::write(object, &Path::root(), &before, &after)?;
            keep_file(object, file)?;
            Ok(true)
        }
        (Some(other), None) => {
            let sort = values::to_value(&other).map_err(&what)?;
            Err(what(format!(
                "the expression gives {}, not an object; assign to the path, as in `.a = 1`",
                sort.type_name()
            )))
        }
    }
}

/// Puts back Helm's own annotation if an expression has replaced or removed all annotations.
fn keep_file(object: &mut Object<'_>, file: Option<String>) -> Result<(), Error> {
    if let Some(file) = file
        && object.annotation(names::FILENAME_ANNOTATION).as_deref() != Some(file.as_str())
    {
        object.set(&Path::new(["metadata", "annotations", names::FILENAME_ANNOTATION]), Value::String(file))?;
    }
    Ok(())
}

/// Evaluates an expression on the YAML or JSON inside of a text.
fn edit_field(object: &mut Object<'_>, path: &Path, expression: &Entry, variables: &[Val]) -> Result<(), Error> {
    let Some(text) = object.get(path).and_then(|node| node.as_str()).map(|text| text.into_owned()) else {
        return Ok(());
    };
    let refuse = |problem: String| -> Error { object.refuse_at(path, problem).into() };
    let mut documents = Documents::from_bytes(text.into_bytes()).map_err(|error| refuse(error.to_string()))?;
    documents
        .visit(|document: &mut Object<'_>| {
            match edit(document, expression, variables, |_, problem| Error::new(problem))? {
                true => Ok(()),
                false => document.delete().map_err(Error::from),
            }
        })
        .map_err(|error: Error| refuse(format!("inside of this text: {error}")))?;
    if documents.is_changed() {
        let text = documents.as_str().to_owned();
        object.set(path, Value::String(text))?;
    }
    Ok(())
}
