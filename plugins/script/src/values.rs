//! From what a script left to values, as `JSON.stringify` writes them; but what it would turn into nothing (`NaN`, a
//! Map) is an error.

use rquickjs::{Array, Coerced, Object, Type, Value as Js};
use windlass_pdk::Value;

use crate::numbers::Seen;

/// How deep an object may be nested.
const MAX_DEPTH: usize = 200;

/// How many values and bytes of text all that is read may have together.
pub(crate) const MAX_SIZE: usize = 256 << 20;

/// Reads values, with the path for errors.
pub(crate) struct Reader<'a, 'js> {
    pub(crate) seen: &'a Seen,
    /// What plain objects are made of.
    pub(crate) plain: &'a Object<'js>,
    /// What is left of the size.
    pub(crate) left: &'a mut usize,
    pub(crate) path: String,
}

impl<'js> Reader<'_, 'js> {
    /// A value.
    ///
    /// # Errors
    /// What JSON does not have, what is too deep (also what contains itself), and too much of it; with its path.
    pub(crate) fn read(&mut self, value: Js<'js>) -> Result<Value, String> {
        self.below(value, MAX_DEPTH)?.ok_or_else(|| self.problem("is undefined or a function"))
    }

    fn problem(&self, what: &str) -> String {
        match self.path.as_str() {
            "" => format!("it {what}"),
            path => format!("`{path}` {what}"),
        }
    }

    fn pay(&mut self, size: usize) -> Result<(), String> {
        *self.left = self.left.checked_sub(size).ok_or_else(|| "the objects have become too large".to_owned())?;
        Ok(())
    }

    fn below(&mut self, value: Js<'js>, depth: usize) -> Result<Option<Value>, String> {
        self.pay(16)?;
        let Some(depth) = depth.checked_sub(1) else {
            return Err(format!("an object is nested deeper than {MAX_DEPTH} levels, or holds itself"));
        };
        let kind = value.type_of();
        Ok(Some(match kind {
            // As `JSON.stringify` has it.
            Type::Undefined | Type::Uninitialized | Type::Function | Type::Constructor | Type::Symbol => {
                return Ok(None);
            }
            Type::Null => Value::Null,
            Type::Bool => Value::Bool(value.as_bool().unwrap_or_default()),
            Type::Int | Type::Float => {
                let number = value.as_number().unwrap_or(f64::NAN);
                Value::Number(self.seen.text(number).map_err(|what| self.problem(&what))?)
            }
            Type::BigInt => {
                let digits = value.get::<Coerced<String>>().map_err(|_| self.problem("cannot be read"))?.0;
                self.pay(digits.len())?;
                Value::Number(digits)
            }
            Type::String => {
                let text = value.as_string().and_then(|text| text.to_string().ok());
                let text = text.ok_or_else(|| self.problem("is no text: half of a surrogate pair"))?;
                self.pay(text.len())?;
                self.seen.value(text)
            }
            Type::Array => match value.as_array() {
                Some(items) => self.list(items, depth)?,
                None => return Ok(None),
            },
            Type::Object => match value.as_object() {
                Some(object) => self.map(object, depth)?,
                None => return Ok(None),
            },
            other => return Err(self.problem(&format!("is a {}, which JSON cannot hold", name_of(other)))),
        }))
    }

    fn list(&mut self, items: &Array<'js>, depth: usize) -> Result<Value, String> {
        let length = self.path.len();
        let mut values = Vec::new();
        for (index, item) in items.iter::<Js<'js>>().enumerate() {
            self.path.push_str(&format!("[{index}]"));
            let item = item.map_err(|_| self.problem("cannot be read"))?;
            let value = self.below(item, depth)?;
            values.push(value.ok_or_else(|| self.problem("is undefined or a function, which a list cannot hold"))?);
            self.path.truncate(length);
        }
        Ok(Value::List(values))
    }

    fn map(&mut self, object: &Object<'js>, depth: usize) -> Result<Value, String> {
        // A Map or a Date would become `{}`.
        let is_plain = object.get_prototype().is_none_or(|prototype| prototype.as_value() == self.plain.as_value());
        if !is_plain {
            return Err(self.problem("is an object of a class, which JSON cannot hold: make a plain one of it"));
        }
        let length = self.path.len();
        let mut entries = Vec::new();
        for property in object.props::<String, Js<'js>>() {
            let (key, value) = property.map_err(|_| self.problem("cannot be read"))?;
            self.pay(key.len())?;
            if !self.path.is_empty() {
                self.path.push('.');
            }
            self.path.push_str(&key.replace('.', "\\."));
            if let Some(value) = self.below(value, depth)? {
                entries.push((key, value));
            }
            self.path.truncate(length);
        }
        Ok(Value::Map(entries))
    }
}

fn name_of(kind: Type) -> &'static str {
    match kind {
        Type::Exception => "Error",
        Type::Promise => "Promise",
        Type::Proxy => "Proxy",
        _ => "value of a kind",
    }
}
