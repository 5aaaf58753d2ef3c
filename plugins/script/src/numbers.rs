//! Numbers between YAML's text and JavaScript's 64-bit floats.

use std::collections::BTreeMap;

use windlass_pdk::Value;

/// Beyond this a float does not tell neighbouring whole numbers apart.
const EXACT: i128 = 1 << 53;

/// The numbers of an object that a script sees otherwise than they are: whole ones beyond 2^53, rounded, and
/// infinities, as texts. Where they come back as they were seen, they are meant as they were.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// By the bits of the float; `None` for one that stands for several.
    rounded: BTreeMap<u64, Option<String>>,
    /// By the text.
    texts: BTreeMap<String, String>,
}

impl Seen {
    /// Those of a value.
    pub(crate) fn of(value: &Value) -> Self {
        let mut seen = Seen::default();
        seen.add(value);
        seen
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::Number(text) => self.add_number(text, &value.to_json()),
            Value::List(items) => items.iter().for_each(|item| self.add(item)),
            Value::Map(entries) => entries.iter().for_each(|(_, value)| self.add(value)),
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }

    fn add_number(&mut self, text: &str, json: &str) {
        if let Some(quoted) = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')) {
            self.texts.insert(quoted.to_owned(), text.to_owned());
            return;
        }
        if let (Ok(whole), Ok(float)) = (json.parse::<i128>(), json.parse::<f64>())
            && whole.abs() > EXACT
        {
            let known = self.rounded.entry(float.to_bits()).or_insert_with(|| Some(text.to_owned()));
            if known.as_deref() != Some(text) {
                *known = None;
            }
        }
    }

    /// The text of a number that a script left.
    ///
    /// # Errors
    /// What is no number of JSON, and what may be one of two.
    pub(crate) fn text(&self, number: f64) -> Result<String, String> {
        if !number.is_finite() {
            return Err(format!("is {}, which JSON cannot hold", if number.is_nan() { "NaN" } else { "Infinity" }));
        }
        match self.rounded.get(&number.to_bits()) {
            Some(Some(text)) => return Ok(text.clone()),
            Some(None) => {
                return Err(format!(
                    "is {number}, which stands for two numbers of this object that a script cannot tell apart"
                ));
            }
            None => {}
        }
        // As JavaScript writes them.
        const PLAIN: f64 = 1e21;
        Ok(match number {
            0.0 => "0".to_owned(),
            number if number.abs() < PLAIN && number.abs() >= 1e-6 => number.to_string(),
            number => format!("{number:e}"),
        })
    }

    /// A text that a script left: a number that it saw as one.
    pub(crate) fn value(&self, text: String) -> Value {
        match self.texts.get(&text) {
            Some(number) => Value::Number(number.clone()),
            None => Value::String(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were() {
        let check = |yaml: &str, number: f64, expected: Result<&str, &str>| {
            let seen = Seen::of(&Value::from_yaml(yaml).unwrap());
            match (seen.text(number), expected) {
                (Ok(text), Ok(expected)) => assert_eq!(text, expected),
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{error}"),
                (found, expected) => panic!("{found:?}, expected {expected:?}"),
            }
        };
        check("{}", 3.0, Ok("3"));
        check("{}", -0.0, Ok("0"));
        check("{}", 1.5, Ok("1.5"));
        check("{}", 1e21, Ok("1e21"));
        check("{}", 0.000_000_1, Ok("1e-7"));
        check("{}", f64::NAN, Err("NaN"));
        check("{}", f64::NEG_INFINITY, Err("Infinity"));
        check("[9007199254740993]", 9_007_199_254_740_992.0, Ok("9007199254740993"));
        check("[9007199254740993, 9007199254740992]", 9_007_199_254_740_992.0, Ok("9007199254740993"));
        check("[90071992547409931, 90071992547409932]", 90_071_992_547_409_930.0, Err("cannot tell apart"));
        let seen = Seen::of(&Value::from_yaml("[.inf]").unwrap());
        assert_eq!(seen.value(".inf".to_owned()), Value::Number(".inf".to_owned()));
        assert_eq!(seen.value("inf".to_owned()), Value::from("inf"));
    }
}
