//! `key=value` overrides: the syntax of Helm's `--set`, `--set-string`, `--set-json` and `--set-file` on a config tree.
//!
//! A port of Helm 4.3's `pkg/strvals` (the source of every rule here):
//!
//! | written | means |
//! |---|---|
//! | `a=1,b=x` | two keys; `\,` is a comma in a value |
//! | `a.b=x` | a key in a map; `a\.b=x` is one key with a dot. At most 30 levels |
//! | `a[2].b=x` | the third item of a list; items before it that do not exist become null. At most index 65536 |
//! | `a={x,y}` | a list, `a={}` a list of one empty string |
//! | `a=` | the empty string |
//! | `a=null` | removes `a` from its map; in a list the item becomes null |
//!
//! Values are typed as Helm types them: `true`, `false`, `null` in any case, integers that do not begin with 0 and fit
//! 64 bits, all else a string (also `1.20` and `007`). Under `--set-string` all are strings.
//!
//! Where Helm drops an override without a word (`=x`, `a.`, and `a[0].b=` on a missing item) this is an error, or
//! does what is meant.

use std::fmt;

use windlass_manifest::Value;

use crate::config::kind_of;

/// Helm's `MaxIndex`: the highest list index accepted.
pub const MAX_INDEX: usize = 65536;
/// Helm's `MaxNestedNameLevel`: how many dots a key may have.
pub const MAX_NESTED_LEVELS: usize = 30;

/// How the text after `=` becomes a value.
#[derive(Clone, Copy)]
pub enum Typing<'r> {
    /// `--set`: booleans, null and integers are recognised.
    Helm,
    /// `--set-string`: every value is a string.
    Strings,
    /// `--set-file`: the text up to the next comma names something that this function reads.
    Named(&'r Reader),
    /// `--set-json`: the text up to the next comma outside of strings and brackets is JSON, which this function reads.
    /// A null is a value here and removes nothing.
    Json(&'r Reader),
}

/// Makes a value of a text, or says what is wrong with it.
pub type Reader = dyn Fn(&str) -> Result<Value, String>;

impl fmt::Debug for Typing<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Typing::Helm => "Helm",
            Typing::Strings => "Strings",
            Typing::Named(_) => "Named",
            Typing::Json(_) => "Json",
        })
    }
}

/// Why an override could not be applied; prints as one sentence without the override itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetError {
    text: String,
}

impl fmt::Display for SetError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::error::Error for SetError {}

fn error<T>(text: impl Into<String>) -> Result<T, SetError> {
    Err(SetError { text: text.into() })
}

/// Applies one `--set` argument, which may hold several overrides, to a config tree.
///
/// # Errors
/// A text that Helm would refuse, and one that asks for a map or a list where the tree holds something else. The
/// overrides before the faulty one have been applied by then.
pub fn apply(config: &mut Vec<(String, Value)>, text: &str, typing: Typing<'_>) -> Result<(), SetError> {
    let mut parser = Parser { rest: text.chars(), typing };
    while !parser.rest.as_str().is_empty() {
        parser.key(config, 0)?;
    }
    Ok(())
}

/// Applies extra arguments of the form `key=value` as [`apply`] with [`Typing::Helm`] would, and returns those without
/// a `=`, which only the plugin can understand.
///
/// # Errors
/// As [`apply`], with the argument in front.
pub fn apply_extra_args<'a>(config: &mut Vec<(String, Value)>, args: &'a [String]) -> Result<Vec<&'a str>, SetError> {
    let mut others = Vec::new();
    for arg in args {
        if arg.contains('=') {
            apply(config, arg, Typing::Helm)
                .map_err(|problem| SetError { text: format!("extra argument `{arg}`: {problem}") })?;
        } else {
            others.push(arg.as_str());
        }
    }
    Ok(others)
}

struct Parser<'t> {
    rest: std::str::Chars<'t>,
    typing: Typing<'t>,
}

/// What ended a piece of text.
enum Stop {
    At(char),
    End,
}

impl Parser<'_> {
    /// One `key...=value` and the comma after it.
    fn key(&mut self, map: &mut Vec<(String, Value)>, level: usize) -> Result<(), SetError> {
        let (key, stop) = self.until(&['=', '[', ',', '.']);
        if key.is_empty() {
            return error("a key is empty: write `key=value`");
        }
        match stop {
            Stop::End => error(format!("key `{key}` has no value")),
            Stop::At(',') => error(format!("key `{key}` has no value (it cannot end with `,`)")),
            Stop::At('=') => {
                match self.value()? {
                    Value::Null if !matches!(self.typing, Typing::Json(_)) => {
                        map.retain(|(existing, _)| *existing != key);
                    }
                    value => *slot(map, &key) = value,
                }
                Ok(())
            }
            Stop::At('[') => {
                let index = self.index()?;
                let list = slot(map, &key);
                if matches!(list, Value::Null) {
                    *list = Value::List(Vec::new());
                }
                match list {
                    Value::List(items) => self.item(items, index, level),
                    other => error(format!("`{key}` is {}, not a list", kind_of(other))),
                }
            }
            Stop::At(_) => {
                let level = level + 1;
                if level > MAX_NESTED_LEVELS {
                    return error(format!(
                        "value name nested level is greater than maximum supported nested level of {MAX_NESTED_LEVELS}"
                    ));
                }
                let existing = map.iter().any(|(name, _)| *name == key);
                let inner = slot(map, &key);
                if matches!(inner, Value::Null) {
                    *inner = Value::Map(Vec::new());
                }
                let Value::Map(entries) = inner else {
                    return error(format!("`{key}` is {}, not a map", kind_of(inner)));
                };
                self.key(entries, level)?;
                // `a.b=null` on a missing `a` must not leave an empty `a` behind.
                if entries.is_empty() && !existing {
                    map.retain(|(name, _)| *name != key);
                }
                Ok(())
            }
        }
    }

    /// What follows `]`.
    fn item(&mut self, list: &mut Vec<Value>, index: usize, level: usize) -> Result<(), SetError> {
        let (text, stop) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            return error(format!("unexpected data at end of array index: `{text}`"));
        }
        match stop {
            // Helm takes `a[0]` for "make sure that the list exists".
            Stop::End => Ok(()),
            Stop::At('=') => {
                let value = self.value()?;
                *item_slot(list, index) = value;
                Ok(())
            }
            Stop::At('[') => {
                let inner_index = self.index()?;
                let inner = item_slot(list, index);
                if matches!(inner, Value::Null) {
                    *inner = Value::List(Vec::new());
                }
                match inner {
                    Value::List(items) => self.item(items, inner_index, level),
                    other => error(format!("item {index} is {}, not a list", kind_of(other))),
                }
            }
            Stop::At(_) => {
                let inner = item_slot(list, index);
                if !matches!(inner, Value::Map(_)) {
                    // As Helm: an item that is not a map gives way to one.
                    *inner = Value::Map(Vec::new());
                }
                match inner {
                    Value::Map(entries) => self.key(entries, level),
                    _ => Ok(()),
                }
            }
        }
    }

    fn index(&mut self) -> Result<usize, SetError> {
        let (text, stop) = self.until(&[']']);
        if matches!(stop, Stop::End) {
            return error("error parsing index: `]` is missing");
        }
        match text.parse::<i64>() {
            Ok(index) if index < 0 => error(format!("negative {index} index not allowed")),
            Ok(index) => match usize::try_from(index) {
                Ok(index) if index <= MAX_INDEX => Ok(index),
                _ => error(format!("index of {index} is greater than maximum supported index of {MAX_INDEX}")),
            },
            Err(_) => error(format!("error parsing index: `{text}` is not a number")),
        }
    }

    fn value(&mut self) -> Result<Value, SetError> {
        match self.typing {
            Typing::Helm | Typing::Strings => {}
            Typing::Named(read) => {
                let (text, _) = self.until(&[',']);
                return read(&text).or_else(error);
            }
            Typing::Json(read) => return read(self.json()).or_else(error),
        }
        if let Some(inside) = self.rest.as_str().strip_prefix('{') {
            self.rest = inside.chars();
            let mut items = Vec::new();
            loop {
                let (text, stop) = self.until(&[',', '}']);
                items.push(self.typed(text));
                match stop {
                    Stop::End => return error("list must terminate with `}`"),
                    Stop::At('}') => break,
                    Stop::At(_) => {}
                }
            }
            if let Some(after) = self.rest.as_str().strip_prefix(',') {
                self.rest = after.chars();
            }
            return Ok(Value::List(items));
        }
        let (text, _) = self.until(&[',']);
        Ok(self.typed(text))
    }

    /// The text up to a comma that is in no string and no bracket; the comma is consumed.
    fn json(&mut self) -> &str {
        let text = self.rest.as_str();
        let (mut depth, mut is_string, mut is_escaped) = (0_usize, false, false);
        let mut ends = text.bytes().enumerate().filter(|(_, byte)| match byte {
            _ if is_escaped => {
                is_escaped = false;
                false
            }
            b'\\' if is_string => {
                is_escaped = true;
                false
            }
            b'"' => {
                is_string = !is_string;
                false
            }
            _ if is_string => false,
            b'[' | b'{' => {
                depth += 1;
                false
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                false
            }
            b',' => depth == 0,
            _ => false,
        });
        let end = ends.next().map(|(at, _)| at);
        let (json, rest) = match end {
            // A comma is one byte.
            Some(at) => (text.get(..at), text.get(at + 1..)),
            None => (Some(text), None),
        };
        self.rest = rest.unwrap_or_default().chars();
        json.unwrap_or_default()
    }

    /// Text up to one of `stops`, which is consumed. A backslash makes the next character plain; one at the very end
    /// vanishes.
    fn until(&mut self, stops: &[char]) -> (String, Stop) {
        let mut text = String::new();
        while let Some(character) = self.rest.next() {
            if stops.contains(&character) {
                return (text, Stop::At(character));
            }
            if character == '\\' {
                text.extend(self.rest.next());
            } else {
                text.push(character);
            }
        }
        (text, Stop::End)
    }

    fn typed(&self, text: String) -> Value {
        if matches!(self.typing, Typing::Strings) {
            return Value::String(text);
        }
        if text.eq_ignore_ascii_case("true") {
            return Value::Bool(true);
        }
        if text.eq_ignore_ascii_case("false") {
            return Value::Bool(false);
        }
        if text.eq_ignore_ascii_case("null") {
            return Value::Null;
        }
        match text.parse::<i64>() {
            Ok(number) if text == "0" || !text.starts_with('0') => Value::Number(number.to_string()),
            _ => Value::String(text),
        }
    }
}

/// The entry of that name; made, as null, if missing.
fn slot<'m>(map: &'m mut Vec<(String, Value)>, key: &str) -> &'m mut Value {
    let index = match map.iter().position(|(name, _)| name == key) {
        Some(index) => index,
        None => {
            map.push((key.to_owned(), Value::Null));
            map.len() - 1
        }
    };
    &mut map[index].1
}

/// The item of that index (at most [`MAX_INDEX`]); made, with nulls before it, if missing.
fn item_slot(list: &mut Vec<Value>, index: usize) -> &mut Value {
    if list.len() <= index {
        list.resize(index + 1, Value::Null);
    }
    &mut list[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(json: &str) -> Vec<(String, Value)> {
        match Value::from_yaml(json).expect("valid JSON") {
            Value::Map(entries) => entries,
            other => panic!("{other:?} is not a map"),
        }
    }

    /// Applies `text` to the tree `before`; `expected` is the tree after it or a part of the error.
    #[track_caller]
    fn check(before: &str, text: &str, typing: Typing<'_>, expected: Result<&str, &str>) {
        let mut config = tree(before);
        let actual = apply(&mut config, text, typing).map(|()| Value::Map(config)).map_err(|error| error.to_string());
        match (&actual, expected) {
            (Ok(after), Ok(wanted)) => assert_eq!(*after, Value::Map(tree(wanted)), "{text:?}"),
            (Err(problem), Err(part)) => assert!(problem.contains(part), "{problem:?} does not contain {part:?}"),
            _ => panic!("{text:?} gave {actual:?}, expected {expected:?}"),
        }
    }

    /// Helm's own table, `pkg/strvals/parser_test.go`, `TestParseSet`.
    #[test]
    fn what_helm_accepts() {
        for (text, wanted) in [
            ("f=false,t=true", r#"{"f":false,"t":true}"#),
            ("name1=value1", r#"{"name1":"value1"}"#),
            ("name1=value1,name2=value2,", r#"{"name1":"value1","name2":"value2"}"#),
            ("name1=,name2=value2", r#"{"name1":"","name2":"value2"}"#),
            ("leading_zeros=00009", r#"{"leading_zeros":"00009"}"#),
            (
                "zero_int=0,version=1.20,minus=-5,big=9223372036854775808",
                r#"{"zero_int":0,"version":"1.20","minus":-5,"big":"9223372036854775808"}"#,
            ),
            ("long_int=1234567890", r#"{"long_int":1234567890}"#),
            (r"name1=one\,two,name2=three\,four", r#"{"name1":"one,two","name2":"three,four"}"#),
            (r"name1=one\=two,name2=three=four", r#"{"name1":"one=two","name2":"three=four"}"#),
            ("name1=one two three", r#"{"name1":"one two three"}"#),
            (
                "outer.inner1=value,outer.middle.inner=value",
                r#"{"outer":{"inner1":"value","middle":{"inner":"value"}}}"#,
            ),
            ("name1.name2=", r#"{"name1":{"name2":""}}"#),
            (r"labels.app\.kubernetes\.io/team=x", r#"{"labels":{"app.kubernetes.io/team":"x"}}"#),
            ("name1={value1,value2},name2={1021,902}", r#"{"name1":["value1","value2"],"name2":[1021,902]}"#),
            ("name1={}", r#"{"name1":[""]}"#),
            ("name1.name2={a,true}", r#"{"name1":{"name2":["a",true]}}"#),
            ("list[0]=foo,list[3]=bar,", r#"{"list":["foo",null,null,"bar"]}"#),
            ("list[0].foo=bar,list[0].hello=world", r#"{"list":[{"foo":"bar","hello":"world"}]}"#),
            ("noval[0]", r#"{"noval":[]}"#),
            ("noval[0]=", r#"{"noval":[""]}"#),
            ("nested[1][1]=1", r#"{"nested":[null,[null,1]]}"#),
            ("name1.name2[1].foo=bar", r#"{"name1":{"name2":[null,{"foo":"bar"}]}}"#),
            ("list[0]=null", r#"{"list":[null]}"#),
            ("a=x\\", r#"{"a":"x"}"#),
        ] {
            check("{}", text, Typing::Helm, Ok(wanted));
        }
    }

    #[test]
    fn what_helm_refuses() {
        for (text, part) in [
            ("name1=value1,,,,name2=value2,", "a key is empty"),
            ("name1,name2=", "key `name1` has no value"),
            ("name1,name2", "key `name1` has no value"),
            ("name1.name2", "key `name2` has no value"),
            ("name1.=name2", "a key is empty"),
            ("name1.,name2", "a key is empty"),
            ("name1={1021,902", "list must terminate with `}`"),
            ("list[0].foo=bar,list[-30].hello=world", "negative -30 index not allowed"),
            ("illegal[0]name.foo=bar", "unexpected data at end of array index: `name`"),
            ("]={}].", "`]` is a list, not a map"),
            ("a[x]=1", "`x` is not a number"),
            ("a[1", "`]` is missing"),
            ("a[65537]=1", "index of 65537 is greater than maximum supported index of 65536"),
            ("a[99999999999999999999]=1", "is not a number"),
            // Helm drops these without a word.
            ("=x", "a key is empty"),
            ("a.", "a key is empty"),
        ] {
            check("{}", text, Typing::Helm, Err(part));
        }
        let deep = format!("{}=1", vec!["a"; 32].join("."));
        check("{}", &deep, Typing::Helm, Err("maximum supported nested level of 30"));
        let allowed = format!("{}=1", vec!["a"; 31].join("."));
        assert!(apply(&mut Vec::new(), &allowed, Typing::Helm).is_ok());
    }

    #[test]
    fn existing_values_are_overridden() {
        check(r#"{"a":{"b":1,"c":2}}"#, "a.b=3", Typing::Helm, Ok(r#"{"a":{"b":3,"c":2}}"#));
        check(r#"{"a":[{"b":1},{"b":2}]}"#, "a[1].b=x", Typing::Helm, Ok(r#"{"a":[{"b":1},{"b":"x"}]}"#));
        check(r#"{"a":["x"]}"#, "a[0].b=1", Typing::Helm, Ok(r#"{"a":[{"b":1}]}"#));
        check(r#"{"a":"x"}"#, "a.b=1", Typing::Helm, Err("`a` is a string, not a map"));
        check(r#"{"a":{}}"#, "a[0]=1", Typing::Helm, Err("`a` is a map, not a list"));
        check(r#"{"a":["x"]}"#, "a[0][0]=1", Typing::Helm, Err("item 0 is a string, not a list"));
        check(r#"{"a":null}"#, "a.b=1", Typing::Helm, Ok(r#"{"a":{"b":1}}"#));
    }

    #[test]
    fn null_removes() {
        check(r#"{"a":1,"b":2}"#, "a=null", Typing::Helm, Ok(r#"{"b":2}"#));
        check(r#"{"a":{"b":1}}"#, "a.b=NULL", Typing::Helm, Ok(r#"{"a":{}}"#));
        check("{}", "a.b.c=null", Typing::Helm, Ok("{}"));
        check(r#"{"a":1}"#, "a=null", Typing::Strings, Ok(r#"{"a":"null"}"#));
    }

    #[test]
    fn strings_stay_strings() {
        check("{}", "a=1,b=true,c={0,x}", Typing::Strings, Ok(r#"{"a":"1","b":"true","c":["0","x"]}"#));
    }

    #[test]
    fn values_are_read_by_whoever_can() {
        let json: &Reader = &|text| match text {
            "nonsense" => Err("no JSON".to_owned()),
            "]]" => Ok(Value::from(text)),
            text => Ok(Value::from_yaml(text).expect("JSON")),
        };
        for (text, wanted) in [
            (
                r#"a={"b":[1,"x,y"],"c":null},d=[1,2],e="x\",{",f=true"#,
                r#"{"a":{"b":[1,"x,y"],"c":null},"d":[1,2],"e":"x\",{","f":true}"#,
            ),
            ("a=null,b.c=null,d[1]=null", r#"{"a":null,"b":{"c":null},"d":[null,null]}"#),
            ("a=]],b=1", r#"{"a":"]]","b":1}"#),
        ] {
            check("{}", text, Typing::Json(json), Ok(wanted));
        }
        check("{}", "a=nonsense", Typing::Json(json), Err("no JSON"));
        let named = |name: &str| Ok(Value::String(format!("<{name}>")));
        check("{}", r"a=one,b.c=tw\,o", Typing::Named(&named), Ok(r#"{"a":"<one>","b":{"c":"<tw,o>"}}"#));
    }

    #[test]
    fn extra_args_without_a_value_are_handed_back() {
        let args = ["a.b=1".to_owned(), "--verbose".to_owned(), "c=x,d=y".to_owned()];
        let mut config = tree(r#"{"c":"old"}"#);
        assert_eq!(apply_extra_args(&mut config, &args), Ok(vec!["--verbose"]));
        assert_eq!(Value::Map(config), Value::Map(tree(r#"{"c":"x","a":{"b":1},"d":"y"}"#)));
        let problem = apply_extra_args(&mut Vec::new(), &["=x".to_owned()]).expect_err("an empty key");
        assert_eq!(problem.to_string(), "extra argument `=x`: a key is empty: write `key=value`");
    }
}
