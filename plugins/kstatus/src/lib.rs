//! Readiness annotations, and the readiness of live objects.
//!
//! As a post-renderer it checks `helm.sh/readiness-success` and `helm.sh/readiness-failure` (HIP-0025) on every object
//! and adds them where its configuration says so. Its second export, [`windlass_readiness`](readiness), takes a live
//! object and answers its status; `windlass wait` asks it. Both are made of `windlass_kstatus`.

mod readiness;
mod settings;

use windlass_kstatus::{Expression, FAILURE_ANNOTATION, SUCCESS_ANNOTATION, parse_annotation, well_known};
use windlass_pdk::{Error, Manifests, Node, Object, Path, Value, plugin, warn};

pub use crate::readiness::answer;
pub use crate::settings::Settings;
use crate::settings::{OnConflict, WellKnown};

/// Both annotations, in the order in which they are written.
const ANNOTATIONS: [&str; 2] = [SUCCESS_ANNOTATION, FAILURE_ANNOTATION];

/// Adds and checks readiness annotations.
///
/// # Errors
/// An annotation that is no list of expressions, one without the other, or another value than the configuration's with
/// `onConflict: error`.
#[plugin(per_object)]
pub fn kstatus(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    let rules = settings.checked_rules()?;
    settings.well_known.check()?;
    manifests.visit(|object| {
        if let Some(rule) = rules.iter().find(|rule| rule.matches(object)) {
            add(object, &rule.annotations, settings.on_conflict)?;
        } else if let Some(annotations) = ready_made(object, &settings.well_known) {
            // The author of a chart knows better than a table.
            if ANNOTATIONS.iter().all(|name| annotation(object, name).is_none()) {
                add(object, &annotations, OnConflict::Overwrite)?;
            }
        }
        check(object)
    })
}

fn annotation<'o>(object: &'o Object<'_>, name: &str) -> Option<Node<'o>> {
    object.get(&annotation_path(name))
}

fn annotation_path(name: &str) -> Path {
    Path::new(["metadata", "annotations"]).key(name)
}

/// The annotations of the table of well-known resources, where it was asked for.
fn ready_made(object: &Object<'_>, wanted: &WellKnown) -> Option<[String; 2]> {
    let rule = well_known::find(object.group(), object.kind()).filter(|rule| wanted.includes(rule.project))?;
    // Flux gives a repository of the type `oci` no status that an expression could wait for.
    let kind = object.get(&Path::new(["spec", "type"])).and_then(|node| node.scalar_text());
    if object.kind() == "HelmRepository" && kind.is_some_and(|kind| kind == "oci") {
        return None;
    }
    Some([list(rule.success), list(rule.failure)])
}

/// The text of an annotation: a JSON array of strings.
pub(crate) fn list<T: AsRef<str>>(expressions: &[T]) -> String {
    expressions
        .iter()
        .map(|expression| serde_json::Value::from(expression.as_ref()))
        .collect::<serde_json::Value>()
        .to_string()
}

fn add(object: &mut Object<'_>, annotations: &[String; 2], on_conflict: OnConflict) -> Result<(), Error> {
    let mut entries = Vec::new();
    for (name, value) in ANNOTATIONS.iter().zip(annotations) {
        let there = annotation(object, name).and_then(|node| node.scalar_text());
        match there {
            Some(there) if there != value.as_str() => match on_conflict {
                OnConflict::Overwrite => {}
                OnConflict::Keep => continue,
                OnConflict::Error => {
                    let message = "it is there with another value, and `onConflict` is `error`";
                    return Err(object.refuse_at(&annotation_path(name), message).into());
                }
            },
            Some(_) => continue,
            None => {}
        }
        entries.push(((*name).to_owned(), Value::String(value.clone())));
    }
    if !entries.is_empty() {
        object.merge(&Path::new(["metadata", "annotations"]), &entries)?;
    }
    Ok(())
}

/// Checks the annotations of an object.
fn check(object: &Object<'_>) -> Result<(), Error> {
    let mut present = Vec::new();
    for name in ANNOTATIONS {
        let Some(node) = annotation(object, name) else { continue };
        let expressions = expressions(object, name, node)?;
        for expression in &expressions {
            if let Some(problem) = expression.lint() {
                warn!("{}: {name}: {problem}", object.describe());
            }
        }
        if !expressions.is_empty() {
            present.push(name);
        }
    }
    if let [one] = present.as_slice() {
        let other = ANNOTATIONS.iter().find(|name| *name != one).copied().unwrap_or_default();
        let message = format!("it has no effect without {other}; give both");
        return Err(object.refuse_at(&annotation_path(one), message).into());
    }
    Ok(())
}

fn expressions(object: &Object<'_>, name: &str, node: Node<'_>) -> Result<Vec<Expression>, Error> {
    let Some(text) = node.as_str() else {
        if node.is_null() {
            return Ok(Vec::new());
        }
        let message = format!(
            "it is {}, and annotations are strings; write the list as a text: '[\"{{.phase}} == Ready\"]'",
            node.type_name()
        );
        return Err(object.refuse_at(&annotation_path(name), message).into());
    };
    parse_annotation(&text).map_err(|error| {
        let (line, column) = node.position_in(error.offset);
        object.refuse(format!("{name}, line {line}, column {column}: {error}")).into()
    })
}

/// What other hosts than Helm call, beside the entries that the macro writes.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code)] // an exported name must be the only one of its kind in the module
mod exports {
    use windlass_pdk::entry;

    use crate::{Kstatus, answer};

    /// The raw kind: a question in memory from `windlass_alloc`, the answer packed like that of `windlass_render`.
    #[unsafe(no_mangle)]
    extern "C" fn windlass_readiness(pointer: i32, length: i32) -> i64 {
        entry::raw_answer::<Kstatus>(pointer, length, answer)
    }

    /// The same with Extism's input and output.
    #[unsafe(no_mangle)]
    extern "C" fn readiness() -> i32 {
        entry::message_answer::<Kstatus>(answer)
    }
}
