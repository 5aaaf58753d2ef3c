//! Compares an object with what the API server says its kind is.

use windlass_pdk::{Object, Path, Segment, Value};

use crate::duplicates;
use crate::finding::{Finding, Mend};
use crate::settings::{Keep, Sort};
use crate::types::{Fields, Shape, Type};

/// What a server writes into the metadata of its objects, and no chart should.
const SERVER_FIELDS: &[&str] =
    &["managedFields", "resourceVersion", "uid", "selfLink", "generation", "creationTimestamp"];

/// What kubectl's client-side apply leaves in the annotations.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Finds everything that is wrong in an object. What is removed from a list stands in the order of the list, and in
/// front of what is found inside its items.
pub(crate) fn check(object: &Object<'_>, value: &Value, keep: Option<Keep>) -> Vec<Finding> {
    let (fields, is_all) = Fields::of(object.group(), object.version(), object.kind());
    let mut walk = Walk { object, keep, is_all, path: Path::root(), findings: Vec::new() };
    walk.left_overs(value, fields);
    walk.fields(value, fields);
    walk.findings
}

struct Walk<'w, 'm> {
    object: &'w Object<'m>,
    keep: Option<Keep>,
    /// Whether fields that are not known do not exist.
    is_all: bool,
    path: Path,
    findings: Vec<Finding>,
}

impl Walk<'_, '_> {
    fn add(&mut self, sort: Sort, path: Path, message: impl Into<String>, mend: Mend) {
        self.findings.push(Finding { sort, path, message: message.into(), mend });
    }

    fn left_overs(&mut self, value: &Value, fields: Fields) {
        let metadata = value.get("metadata");
        for field in SERVER_FIELDS {
            if metadata.and_then(|it| it.get(field)).is_some() {
                let path = Path::new(["metadata", field]);
                self.add(Sort::LeftOvers, path, "the API server writes this", Mend::Remove);
            }
        }
        if metadata.and_then(|it| it.get("annotations")?.get(LAST_APPLIED)).is_some() {
            let path = Path::new(["metadata", "annotations"]).key(LAST_APPLIED);
            self.add(Sort::LeftOvers, path, "client-side apply left this", Mend::Remove);
        }
        if value.get("status").is_some_and(|status| self.is_blank(status, fields.get("status"))) {
            let message = "an empty status; the controllers write it";
            self.add(Sort::LeftOvers, Path::new(["status"]), message, Mend::Remove);
        }
    }

    /// The entries of a map with known fields.
    fn fields(&mut self, value: &Value, fields: Fields) {
        for (key, value) in value.as_map().unwrap_or_default() {
            let of = fields.get(key);
            self.path.push(Segment::Key(key.clone()));
            match of {
                // The object's own is found with what else the server writes.
                Some(_) if key == "creationTimestamp" && value.is_null() && self.path.segments().len() > 2 => {
                    let message = "the API server writes this";
                    self.add(Sort::LeftOvers, self.path.clone(), message, Mend::Remove);
                }
                Some(of) => self.value(value, of),
                // What a server leaves was found already, and what is null is not there.
                None if self.is_all && !value.is_null() => {
                    let message = "Kubernetes knows no such field here: client-side apply dropped it, server-side apply \
                                   refuses the object";
                    self.add(Sort::UnknownFields, self.path.clone(), message, Mend::Remove);
                }
                None => {}
            }
            self.path.pop();
        }
    }

    fn items(&mut self, items: &[Value], of: Type) {
        for (index, item) in items.iter().enumerate() {
            self.path.push(Segment::Index(index));
            self.value(item, of);
            self.path.pop();
        }
    }

    fn value(&mut self, value: &Value, of: Type) {
        match (of.shape(), value) {
            (Shape::Any, _) | (_, Value::Null) => {}
            (Shape::Fields(fields), Value::Map(_)) => self.fields(value, fields),
            (Shape::Map(of), Value::Map(entries)) => {
                for (key, value) in entries {
                    self.path.push(Segment::Key(key.clone()));
                    self.value(value, of);
                    self.path.pop();
                }
            }
            (Shape::List(of), Value::List(items)) => self.items(items, of),
            (Shape::Set(of), Value::List(items)) => {
                duplicates::set(&self.path, items, &mut self.findings);
                self.items(items, of);
            }
            (Shape::Keyed(keys, of), Value::List(items)) => {
                duplicates::keyed(&self.path, keys, items, self.keep, &mut self.findings);
                self.items(items, of);
            }
            (Shape::Fields(_) | Shape::Map(_), _) => {
                self.wrong("a map", value, empty(value).then(|| Value::Map(vec![])))
            }
            (Shape::List(_) | Shape::Set(_) | Shape::Keyed(..), _) => {
                self.wrong("a list", value, empty(value).then(|| Value::List(vec![])));
            }
            (Shape::Text, Value::String(_)) | (Shape::Boolean, Value::Bool(_)) => {}
            (Shape::Integer | Shape::Number, Value::Number(_)) => {}
            (Shape::Quantity, Value::String(_) | Value::Number(_)) => {}
            (Shape::Text, Value::Number(text)) => self.wrong("a string", value, Some(Value::String(text.clone()))),
            (Shape::Text, Value::Bool(_)) => {
                // As it stands: `yes` is what somebody wanted to have.
                let text = self.object.get(&self.path).and_then(|node| Some(node.scalar_text()?.into_owned()));
                self.wrong("a string", value, text.map(Value::String));
            }
            (Shape::Integer, Value::String(text)) => {
                let number = text.parse::<i64>().ok().filter(|number| number.to_string() == *text);
                self.wrong("an integer", value, number.map(Value::from));
            }
            (Shape::Boolean, Value::String(text)) => {
                let known = match text.as_str() {
                    "true" => Some(true),
                    "false" => Some(false),
                    _ => None,
                };
                self.wrong("a boolean", value, known.map(Value::Bool));
            }
            (Shape::Text, _) => self.wrong("a string", value, None),
            (Shape::Integer, _) => self.wrong("an integer", value, None),
            (Shape::Number, _) => self.wrong("a number", value, None),
            (Shape::Boolean, _) => self.wrong("a boolean", value, None),
            (Shape::Quantity, _) => self.wrong("a string or a number", value, None),
        }
    }

    /// Whether a value says nothing, all the way down, without the fields that do not exist.
    fn is_blank(&self, value: &Value, of: Option<Type>) -> bool {
        let shape = of.map_or(Shape::Any, Type::shape);
        match value {
            Value::Null => true,
            Value::Bool(_) => false,
            Value::Number(text) => text == "0",
            Value::String(text) => text.is_empty(),
            Value::List(items) => {
                let of = match shape {
                    Shape::List(of) | Shape::Set(of) | Shape::Keyed(_, of) => Some(of),
                    _ => None,
                };
                items.iter().all(|item| self.is_blank(item, of))
            }
            Value::Map(entries) => entries.iter().all(|(key, value)| match shape {
                Shape::Fields(fields) => match fields.get(key) {
                    None if self.is_all => true,
                    of => self.is_blank(value, of),
                },
                Shape::Map(of) => self.is_blank(value, Some(of)),
                _ => self.is_blank(value, None),
            }),
        }
    }

    /// A value of another type; `meant` is what it can only have meant.
    fn wrong(&mut self, wanted: &str, value: &Value, meant: Option<Value>) {
        let mend = meant.map_or(Mend::None, |meant| Mend::Set(self.path.clone(), meant));
        let message = format!("{} where Kubernetes wants {wanted}", value.type_name());
        self.add(Sort::Types, self.path.clone(), message, mend);
    }
}

/// A map or list with nothing in it, which stands for one of the other sort.
fn empty(value: &Value) -> bool {
    value.as_map().is_some_and(<[_]>::is_empty) || value.as_list().is_some_and(<[_]>::is_empty)
}
