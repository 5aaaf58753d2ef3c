//! Kubernetes selectors in text form: `app=web,tier!=db,env in (a, b),!legacy`.
//!
//! The grammar and the meaning of each operator are those of `k8s.io/apimachinery/pkg/labels` (`labels.Parse`): all
//! requirements must hold; `!=` and `notin` also hold for an object without the key; `>` and `<` compare whole numbers.

use std::borrow::Cow;

use crate::config::{Config, ConfigError, Schema};
use crate::names;
use windlass_manifest::Value;

/// A parsed selector. The empty one matches everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operator {
    Exists,
    DoesNotExist,
    In(Vec<String>),
    NotIn(Vec<String>),
    GreaterThan(i64),
    LessThan(i64),
}

impl Selector {
    /// Parses a selector.
    ///
    /// # Errors
    /// A text that Kubernetes would refuse, with the place in it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { text, rest: text };
        let mut requirements = Vec::new();
        if parser.peek().is_none() {
            return Ok(Selector { requirements });
        }
        loop {
            requirements.push(parser.requirement()?);
            match parser.next() {
                None => return Ok(Selector { requirements }),
                Some(",") => {}
                Some(other) => return parser.error(&format!("expected `,` before `{other}`")),
            }
        }
    }

    /// Whether the entries that `lookup` finds satisfy all requirements.
    pub fn matches<'a>(&self, lookup: impl Fn(&str) -> Option<Cow<'a, str>>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = lookup(&requirement.key);
            let value = value.as_deref();
            let number = || value.and_then(|text| text.parse::<i64>().ok());
            match &requirement.operator {
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
                Operator::In(values) => value.is_some_and(|value| values.iter().any(|wanted| wanted == value)),
                Operator::NotIn(values) => value.is_none_or(|value| values.iter().all(|wanted| wanted != value)),
                Operator::GreaterThan(bound) => number().is_some_and(|number| number > *bound),
                Operator::LessThan(bound) => number().is_some_and(|number| number < *bound),
            }
        })
    }
}

impl Config for Selector {
    const SCHEMA: Schema = Schema::Text { pattern: None };
    const DEFAULT: Option<&'static str> = Some("\"\"");

    fn read(value: Value) -> Result<Self, ConfigError> {
        let text = String::read(value)?;
        Selector::parse(&text).map_err(ConfigError::new)
    }
}

struct Parser<'t> {
    text: &'t str,
    rest: &'t str,
}

impl<'t> Parser<'t> {
    fn error<T>(&self, problem: &str) -> Result<T, String> {
        Err(format!("`{}` is not a selector: {problem}", self.text))
    }

    /// The next token, not consumed: a word, or one of `, ( ) ! = == != < >`.
    fn peek(&self) -> Option<&'t str> {
        let rest = self.rest.trim_start();
        let first = rest.chars().next()?;
        let is_special = |character: char| ",()!=<>".contains(character);
        let length = if !is_special(first) {
            rest.find(|character: char| is_special(character) || character.is_whitespace()).unwrap_or(rest.len())
        } else if rest.starts_with("==") || rest.starts_with("!=") {
            2
        } else {
            first.len_utf8()
        };
        rest.get(..length)
    }

    fn next(&mut self) -> Option<&'t str> {
        let token = self.peek()?;
        self.rest = self.rest.trim_start().get(token.len()..).unwrap_or_default();
        Some(token)
    }

    fn is_word(token: &str) -> bool {
        !token.starts_with([',', '(', ')', '!', '=', '<', '>'])
    }

    fn word(&mut self, what: &str) -> Result<&'t str, String> {
        match self.next() {
            Some(token) if Self::is_word(token) => Ok(token),
            Some(token) => self.error(&format!("expected {what} before `{token}`")),
            None => self.error(&format!("expected {what} at the end")),
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let negated = self.peek() == Some("!");
        if negated {
            self.next();
        }
        let key = self.word("a key")?;
        if names::label_key(key).is_err() {
            return self.error(&format!("`{key}` is not a valid key"));
        }
        let key = key.to_owned();
        if negated {
            return Ok(Requirement { key, operator: Operator::DoesNotExist });
        }
        let operator = match self.peek() {
            None | Some(",") => return Ok(Requirement { key, operator: Operator::Exists }),
            Some(token) => token,
        };
        self.next();
        let operator = match operator {
            "=" | "==" => Operator::In(vec![self.exact_value()?]),
            "!=" => Operator::NotIn(vec![self.exact_value()?]),
            "in" => Operator::In(self.values()?),
            "notin" => Operator::NotIn(self.values()?),
            ">" => Operator::GreaterThan(self.number()?),
            "<" => Operator::LessThan(self.number()?),
            other => return self.error(&format!("`{other}` is no operator; known: =, ==, !=, in, notin, >, <")),
        };
        Ok(Requirement { key, operator })
    }

    /// The value after `=`; nothing there stands for the empty value, as in Kubernetes.
    fn exact_value(&mut self) -> Result<String, String> {
        match self.peek() {
            None | Some(",") => Ok(String::new()),
            Some(_) => self.checked_value(),
        }
    }

    fn checked_value(&mut self) -> Result<String, String> {
        let value = self.word("a value")?;
        if names::label_value(value).is_ok() {
            Ok(value.to_owned())
        } else {
            self.error(&format!("`{value}` is not a valid value"))
        }
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        if self.next() != Some("(") {
            return self.error("expected `(`");
        }
        let mut values = Vec::new();
        loop {
            match self.peek() {
                // `in (a,)` and `in ()` hold the empty value.
                Some("," | ")") => values.push(String::new()),
                _ => values.push(self.checked_value()?),
            }
            match self.next() {
                Some(",") => {}
                Some(")") => return Ok(values),
                Some(other) => return self.error(&format!("expected `,` or `)` before `{other}`")),
                None => return self.error("`)` is missing"),
            }
        }
    }

    fn number(&mut self) -> Result<i64, String> {
        let word = self.word("a number")?;
        word.parse().or_else(|_| self.error(&format!("`{word}` is not a whole number")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels of the test object: `app=web`, `tier=`, `rank=7`.
    #[track_caller]
    fn check(selector: &str, expected: Result<bool, &str>) {
        let lookup = |key: &str| match key {
            "app" => Some("web".into()),
            "tier" => Some("".into()),
            "rank" | "example.com/rank" => Some("7".into()),
            _ => None,
        };
        let actual = Selector::parse(selector).map(|selector| selector.matches(lookup));
        match (&actual, expected) {
            (Ok(matched), Ok(wanted)) => assert_eq!(*matched, wanted, "{selector:?}"),
            (Err(text), Err(part)) => assert!(text.contains(part), "{text:?} does not contain {part:?}"),
            _ => panic!("{selector:?} gave {actual:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn operators_mean_what_kubernetes_means() {
        for (selector, matches) in [
            ("", true),
            ("app=web", true),
            ("app == web", true),
            ("app=db", false),
            ("tier=", true),
            ("app=,tier=", false),
            ("app!=db", true),
            ("app != web", false),
            ("other!=x", true),
            ("other=x", false),
            ("app", true),
            ("!app", false),
            ("! other", true),
            ("other", false),
            ("app in (db, web)", true),
            ("app in(db)", false),
            ("tier in ()", true),
            ("other in (x)", false),
            ("app notin (db)", true),
            ("app notin (db,web)", false),
            ("other notin (x)", true),
            ("rank>6,rank<8", true),
            ("rank>7", false),
            ("app>1", false),
            ("app=web,!other,example.com/rank in (7)", true),
            ("app=web,tier=db", false),
        ] {
            check(selector, Ok(matches));
        }
    }

    #[test]
    fn what_kubernetes_refuses_is_refused() {
        for (selector, part) in [
            ("app=web,", "expected a key at the end"),
            ("=web", "expected a key before `=`"),
            ("app web", "`web` is no operator"),
            ("app in db", "expected `(`"),
            ("app in (db", "`)` is missing"),
            ("app in (a b)", "before `b`"),
            ("app=a b", "expected `,` before `b`"),
            ("!app=x", "expected `,` before `=`"),
            ("a/b/c=1", "not a valid key"),
            ("-a=1", "not a valid key"),
            ("a=-b", "not a valid value"),
            ("a>x", "not a whole number"),
            ("a=b=c", "expected `,` before `=`"),
        ] {
            check(selector, Err(part));
        }
    }
}
