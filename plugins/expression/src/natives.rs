//! Functions that jaq's libraries have only together with the clock and the environment, or that would be unbounded
//! there.

use std::borrow::Cow;

use jaq_core::native::{Fun, bome, run, v};
use jaq_core::{Cv, Error, RunPtr, ValR};
use jaq_json::{Map, Val};
use regex_lite::{Regex, RegexBuilder};
use windlass_pdk::Value;

use crate::steps::{Data, counted};
use crate::values;

/// The most memory that a compiled pattern may take, in bytes.
const MAX_PATTERN: usize = 256 << 10;

type Native = (&'static str, Box<[jaq_core::Bind]>, RunPtr<Data>);

/// All of them.
pub(crate) fn functions() -> impl Iterator<Item = Fun<Data>> {
    let natives: [Native; 19] =
        [
            ("range", v(3), |mut cv| {
                let (by, to, from) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
                Box::new(counted(Range { next: Some(from), to, by }))
            }),
            ("matches", v(2), |cv| bome(find(cv, false, true))),
            ("split_matches", v(2), |cv| bome(find(cv, true, true))),
            ("split_", v(2), |cv| bome(find(cv, true, false))),
            ("tojson", v(0), |cv| bome(values::to_json(&cv.1).map(Val::from).map_err(Error::str))),
            ("encode_base64", v(0), |cv| bome(text(&cv.1).map(|text| Val::from(encode(text.as_bytes()))))),
            ("decode_base64", v(0), |cv| {
                bome(text(&cv.1).and_then(|text| decode(&text).map_err(Error::str)).map(Val::from))
            }),
            ("encode_uri", v(0), |cv| bome(text(&cv.1).map(|text| Val::from(escape_uri(&text))))),
            ("escape_html", v(0), |cv| bome(text(&cv.1).map(|text| Val::from(escape_html(&text))))),
            ("log", v(0), |cv| bome(float(&cv.1).map(|number| Val::from(number.ln())))),
            ("log2", v(0), |cv| bome(float(&cv.1).map(|number| Val::from(number.log2())))),
            ("log10", v(0), |cv| bome(float(&cv.1).map(|number| Val::from(number.log10())))),
            ("exp", v(0), |cv| bome(float(&cv.1).map(|number| Val::from(number.exp())))),
            ("sqrt", v(0), |cv| bome(float(&cv.1).map(|number| Val::from(number.sqrt())))),
            ("pow", v(2), |mut cv| {
                let (exponent, base) = (cv.0.pop_var(), cv.0.pop_var());
                bome(float(&base).and_then(|base| Ok(Val::from(base.powf(float(&exponent)?)))))
            }),
            ("yq_glob", v(1), |mut cv| {
                let pattern = cv.0.pop_var();
                bome(text(&pattern).and_then(|pattern| Ok(Val::from(glob(&pattern, &text(&cv.1)?)))))
            }),
            ("yq_replace", v(2), |mut cv| {
                let (by, pattern) = (cv.0.pop_var(), cv.0.pop_var());
                bome(replace(&cv.1, &pattern, &by))
            }),
            ("from_yaml", v(0), |cv| {
                bome(text(&cv.1).and_then(|text| {
                    Value::from_yaml(&text).map(|value| values::from_value(&value)).map_err(Error::str)
                }))
            }),
            ("to_yaml", v(0), |cv| {
                let yaml = values::to_value(&cv.1).and_then(|value| value.to_yaml().map_err(|error| error.to_string()));
                bome(yaml.map(Val::from).map_err(Error::str))
            }),
        ];
    natives.into_iter().map(|native| run::<Data>(native))
}

struct Range {
    next: Option<Val>,
    to: Val,
    by: Val,
}

impl Iterator for Range {
    type Item = ValR<Val>;

    fn next(&mut self) -> Option<Self::Item> {
        let current = self.next.take()?;
        let zero = Val::from(0_usize);
        let goes_on = match self.by.cmp(&zero) {
            std::cmp::Ordering::Greater => current < self.to,
            std::cmp::Ordering::Less => current > self.to,
            std::cmp::Ordering::Equal => current != self.to,
        };
        if !goes_on {
            return None;
        }
        match current.clone() + self.by.clone() {
            Ok(next) => self.next = Some(next),
            Err(error) => return Some(Err(error)),
        }
        Some(Ok(current))
    }
}

fn text(value: &Val) -> Result<Cow<'_, str>, Error<Val>> {
    match value {
        Val::TStr(text) => Ok(String::from_utf8_lossy(text)),
        other => Err(Error::typ(other.clone(), "string")),
    }
}

fn float(value: &Val) -> Result<f64, Error<Val>> {
    use jaq_std::ValT as _;
    value.as_f64().ok_or_else(|| Error::typ(value.clone(), "number"))
}

fn regex(pattern: &str, flags: &str) -> Result<(Regex, bool, bool), Error<Val>> {
    let mut builder = RegexBuilder::new(pattern);
    let (mut is_global, mut skips_empty) = (false, false);
    for flag in flags.chars() {
        match flag {
            'g' => is_global = true,
            'n' => skips_empty = true,
            'i' => drop(builder.case_insensitive(true)),
            'x' => drop(builder.ignore_whitespace(true)),
            's' => drop(builder.dot_matches_new_line(true)),
            'l' => {}
            other => return Err(Error::str(format!("`{other}` is no flag of a regular expression"))),
        }
    }
    builder.size_limit(MAX_PATTERN).nest_limit(50);
    let regex =
        builder.build().map_err(|error| Error::str(format!("`{pattern}` is no regular expression: {error}")))?;
    Ok((regex, is_global, skips_empty))
}

/// What jq's `match`, `split` and `sub` are made of: matches, the texts between them, or both in turn.
fn find(mut cv: Cv<'_, Data>, with_rest: bool, with_matches: bool) -> ValR<Val> {
    let (flags, pattern) = (cv.0.pop_var(), cv.0.pop_var());
    let (regex, is_global, skips_empty) = regex(&text(&pattern)?, &text(&flags)?)?;
    let subject = text(&cv.1)?;
    let slice = |from: usize, to: usize| Val::from(subject.get(from..to).unwrap_or_default().to_owned());
    let mut found = Vec::new();
    let mut rest = 0;
    // Offsets are in characters; counted on from the last one, so that the work stays linear.
    let (mut at, mut characters) = (0, 0);
    for captures in regex.captures_iter(&subject).take(if is_global { usize::MAX } else { 1 }) {
        let Some(whole) = captures.get(0) else { continue };
        if skips_empty && whole.is_empty() {
            continue;
        }
        if with_rest {
            found.push(slice(rest, whole.start()));
        }
        if with_matches {
            characters += subject.get(at..whole.start()).unwrap_or_default().chars().count();
            at = whole.start();
            let groups = (0..captures.len()).zip(regex.capture_names()).map(|(group, name)| {
                let place = captures.get(group);
                let offset = place.map_or(-1, |place| {
                    let before = subject.get(whole.start()..place.start()).unwrap_or_default();
                    isize::try_from(characters + before.chars().count()).unwrap_or(isize::MAX)
                });
                let mut fields = Map::default();
                let mut add = |key: &str, value: Val| drop(fields.insert(Val::from(key.to_owned()), value));
                add("offset", Val::from(offset));
                add("length", Val::from(place.map_or(0, |place| place.as_str().chars().count())));
                add("string", place.map_or(Val::Null, |place| Val::from(place.as_str().to_owned())));
                if group > 0 {
                    add("name", name.map_or(Val::Null, |name| Val::from(name.to_owned())));
                }
                Val::obj(fields)
            });
            found.push(groups.collect());
        }
        rest = whole.end();
    }
    if with_rest {
        found.push(slice(rest, subject.len()));
    }
    Ok(found.into_iter().collect())
}

/// yq's `sub`: every match, with Go's `$1` and `${name}`.
fn replace(subject: &Val, pattern: &Val, by: &Val) -> ValR<Val> {
    let (regex, ..) = regex(&text(pattern)?, "")?;
    let (subject, by) = (text(subject)?, text(by)?);
    Ok(Val::from(regex.replace_all(&subject, by.as_ref()).into_owned()))
}

/// Whether a text fits a pattern in which `*` stands for any text and `?` for one character. Linear but for going back
/// to the last star.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut place, mut star) = (0, 0, None);
    while place < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(&wanted) if wanted == '?' || text.get(place) == Some(&wanted) => {
                at += 1;
                place += 1;
            }
            _ => match star {
                Some((star_at, from)) => {
                    star = Some((star_at, from + 1));
                    at = star_at + 1;
                    place = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|character| *character == '*')
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = BASE64.get((bits >> (18 - 6 * at) & 63) as usize).copied().unwrap_or(b'=');
            out.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

fn decode(text: &str) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        if byte == b'=' {
            break;
        }
        let value = BASE64.iter().position(|letter| *letter == byte).ok_or("the text is no base64")?;
        bits = bits << 6 | u32::try_from(value).unwrap_or(0);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 255) as u8);
        }
    }
    String::from_utf8(out).map_err(|_| "what the base64 text holds is not UTF-8".to_owned())
}

fn escape_uri(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_both_ways() {
        for text in ["", "a", "ab", "abc", "abcd", "grüße\n"] {
            assert_eq!(decode(&encode(text.as_bytes())).as_deref(), Ok(text));
        }
        assert_eq!(encode(b"any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
        assert!(decode("a b!").is_err());
        assert!(decode("/w==").is_err());
    }

    #[test]
    fn globs_as_yq_has_them() {
        for (pattern, text, expected) in [
            ("Deploy*", "Deployment", true),
            ("*Set", "StatefulSet", true),
            ("*a*b*", "xxaxxb", true),
            ("*a*b", "xxaxx", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
