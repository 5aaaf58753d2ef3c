//! What YAML readers other than Helm's make of a scalar, and whether that explains a difference.
//!
//! A tool reads a scalar in its own YAML and prints what it read, so that the same YAML reads it back. If what stands
//! in the answer reads, in one of the YAMLs that are in use, as what the original reads, the tool changed nothing that
//! it knew of. Sources: the core schema of YAML 1.2.2, section 10.3; PyYAML's `resolver.py` and `constructor.py`;
//! `resolve.go` of go-yaml v3; `type/*.js` of js-yaml 4.

use std::borrow::Cow;

use crate::item::{Number, Scalar, Style, Type};
use crate::note::Cause;

/// What a reader makes of a scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reading<'a> {
    Null,
    Bool(bool),
    Number(Number),
    /// Seconds since 1970 and nanoseconds.
    Time(i64, u32),
    Text(&'a str),
}

/// Why the value after is what it is although nobody meant to change it; `None` if somebody did.
pub(crate) fn cause(before: &Scalar<'_>, after: &Scalar<'_>) -> Option<Cause> {
    if before.style != Style::Plain && after.style != Style::Plain {
        let is_cut = before.text.starts_with('\n') && before.text.trim_start_matches('\n') == after.text;
        return (is_cut && before.style == Style::Block).then_some(Cause::BlankLines);
    }
    for (read, cause) in [
        (yaml_12 as fn(&str) -> Reading<'_>, Cause::Yaml12),
        (go_yaml_3, Cause::Yaml12),
        (js_yaml_4, Cause::Yaml12),
        (yaml_11, Cause::Yaml11),
    ] {
        let (was, is) = (in_dialect(before, read), in_dialect(after, read));
        if let Reading::Time(..) = was {
            let is = match is {
                Reading::Text(text) => time(text).unwrap_or(is),
                is => is,
            };
            if was == is {
                return Some(Cause::Date);
            }
        }
        if was == is || was == helm(after) {
            return Some(cause);
        }
    }
    if before.style == Style::Plain && after.typed == Type::Text && before.text == after.text {
        return Some(Cause::Text);
    }
    match (before.number(), after.number()) {
        (Some(Number::Whole(was)), Some(is)) if (was as f64) == is.as_float() => Some(Cause::Digits),
        _ => None,
    }
}

fn in_dialect<'s>(scalar: &'s Scalar<'_>, read: fn(&str) -> Reading<'_>) -> Reading<'s> {
    match scalar.style {
        Style::Plain => read(&scalar.text),
        Style::Quoted | Style::Block => Reading::Text(&scalar.text),
    }
}

fn helm<'s>(scalar: &'s Scalar<'_>) -> Reading<'s> {
    match scalar.typed {
        Type::Null => Reading::Null,
        Type::Bool(value) => Reading::Bool(value),
        Type::Number => scalar.number().map_or(Reading::Text(&scalar.text), Reading::Number),
        Type::Text => Reading::Text(&scalar.text),
    }
}

/// The core schema of YAML 1.2.
fn yaml_12(text: &str) -> Reading<'_> {
    null(text)
        .or_else(|| core_bool(text))
        .or_else(|| whole(text, 10, ""))
        .or_else(|| whole(text, 8, "0o"))
        .or_else(|| whole(text, 16, "0x"))
        .or_else(|| float(text))
        .unwrap_or(Reading::Text(text))
}

/// go-yaml v3 where it decodes into `interface{}`: booleans of 1.2, numbers of both, dates.
fn go_yaml_3(text: &str) -> Reading<'_> {
    let bare = without_underscores(text);
    null(text)
        .or_else(|| core_bool(text))
        .or_else(|| whole(&bare, 2, "0b"))
        .or_else(|| whole(&bare, 8, "0o"))
        .or_else(|| whole(&bare, 16, "0x"))
        .or_else(|| octal(&bare))
        .or_else(|| whole(&bare, 10, ""))
        .or_else(|| float(&bare))
        .map(owned)
        .or_else(|| time(text))
        .unwrap_or(Reading::Text(text))
}

/// js-yaml 4: YAML 1.2 with underscores in numbers, and dates.
fn js_yaml_4(text: &str) -> Reading<'_> {
    let bare = without_underscores(text);
    null(text)
        .or_else(|| core_bool(text))
        .or_else(|| whole(&bare, 2, "0b"))
        .or_else(|| whole(&bare, 8, "0o"))
        .or_else(|| whole(&bare, 16, "0x"))
        .or_else(|| whole(&bare, 10, ""))
        .or_else(|| float(&bare))
        .map(owned)
        .or_else(|| time(text))
        .unwrap_or(Reading::Text(text))
}

/// YAML 1.1 as PyYAML has it: it knows neither `y` nor `0o17`, and base 60.
fn yaml_11(text: &str) -> Reading<'_> {
    let bare = without_underscores(text);
    let words = || match text {
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(Reading::Bool(true)),
        "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(Reading::Bool(false)),
        _ => None,
    };
    // A float has a point, and an exponent a sign.
    let dotted = || if bare.contains('.') { float(&bare) } else { None };
    null(text)
        .or_else(|| core_bool(text))
        .or_else(words)
        .or_else(|| whole(&bare, 2, "0b"))
        .or_else(|| whole(&bare, 16, "0x"))
        .or_else(|| octal(&bare))
        .or_else(|| {
            (!bare.trim_start_matches(['-', '+']).starts_with('0') || bare == "0").then(|| whole(&bare, 10, ""))?
        })
        .or_else(|| base_60(&bare))
        .or_else(dotted)
        .map(owned)
        .or_else(|| time(text))
        .unwrap_or(Reading::Text(text))
}

/// A reading that is not of the text with the underscores taken out.
fn owned<'t>(reading: Reading<'_>) -> Reading<'t> {
    match reading {
        Reading::Null => Reading::Null,
        Reading::Bool(value) => Reading::Bool(value),
        Reading::Number(number) => Reading::Number(number),
        Reading::Time(seconds, nanoseconds) => Reading::Time(seconds, nanoseconds),
        Reading::Text(_) => Reading::Text(""),
    }
}

fn without_underscores(text: &str) -> Cow<'_, str> {
    let starts_a_number = text.trim_start_matches(['-', '+']).starts_with(|first: char| first.is_ascii_digit());
    match starts_a_number && text.contains('_') {
        true => Cow::Owned(text.replace('_', "")),
        false => Cow::Borrowed(text),
    }
}

fn null(text: &str) -> Option<Reading<'_>> {
    matches!(text, "" | "~" | "null" | "Null" | "NULL").then_some(Reading::Null)
}

fn core_bool(text: &str) -> Option<Reading<'_>> {
    match text {
        "true" | "True" | "TRUE" => Some(Reading::Bool(true)),
        "false" | "False" | "FALSE" => Some(Reading::Bool(false)),
        _ => None,
    }
}

fn whole<'t>(text: &str, radix: u32, prefix: &str) -> Option<Reading<'t>> {
    let (is_negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let digits = digits.strip_prefix(prefix)?;
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    Some(Reading::Number(Number::Whole(if is_negative { -value } else { value })))
}

/// `0755`: a leading zero and digits up to 7.
fn octal<'t>(text: &str) -> Option<Reading<'t>> {
    let digits = text.trim_start_matches(['-', '+']);
    (digits.len() > 1 && digits.starts_with('0')).then(|| whole(text, 8, ""))?
}

/// `190:20:30`, as hours, minutes and seconds.
fn base_60<'t>(text: &str) -> Option<Reading<'t>> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.contains(':') || digits.len() > 32 {
        return None;
    }
    let (digits, fraction) = match digits.split_once('.') {
        Some((digits, fraction)) => (digits, format!("0.{fraction}").parse::<f64>().ok()?),
        None => (digits, 0.0),
    };
    let mut value: i128 = 0;
    for (position, part) in digits.split(':').enumerate() {
        let is_digits = !part.is_empty() && part.len() <= 12 && part.bytes().all(|byte| byte.is_ascii_digit());
        let part: i128 = part.parse().ok().filter(|_| is_digits)?;
        if position > 0 && part > 59 {
            return None;
        }
        value = value * 60 + part;
    }
    let value = if is_negative { -value } else { value };
    Some(Reading::Number(match fraction == 0.0 {
        true => Number::Whole(value),
        false => Number::of_float(value as f64 + fraction),
    }))
}

fn float<'t>(text: &str) -> Option<Reading<'t>> {
    let digits = text.trim_start_matches(['-', '+']);
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        || !digits.contains(|byte: char| byte.is_ascii_digit())
        || !digits.chars().all(|byte| matches!(byte, '0'..='9' | '.' | 'e' | 'E' | '-' | '+'))
    {
        return None;
    }
    Some(Reading::Number(Number::of_float(text.parse::<f64>().ok().filter(|value| value.is_finite())?)))
}

/// A date, or a date and a time, as YAML 1.1 writes them, by its instant.
fn time<'t>(text: &str) -> Option<Reading<'t>> {
    let (date, rest) = match text.find(['T', 't', ' ', '\t']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4, 4)?;
    let month = number(parts.next()?, 1, 2)?;
    let day = number(parts.next()?, 1, 2)?;
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let midnight = days_since_1970(year, month, day) * 86_400;
    if rest.is_empty() {
        // Without a time, the parts have all their digits.
        return (date.len() == 10).then_some(Reading::Time(midnight, 0));
    }
    let rest = rest.trim_start_matches(['T', 't', ' ', '\t']);
    let clock_end = rest.find(|byte: char| !matches!(byte, '0'..='9' | ':' | '.')).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(clock_end);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = clock.split(':');
    let hours = number(parts.next()?, 1, 2)?;
    let minutes = number(parts.next()?, 2, 2)?;
    let seconds = number(parts.next()?, 2, 2)?;
    if parts.next().is_some() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    let nanoseconds = digits.fold(0_u32, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let offset = match zone.trim_start_matches([' ', '\t']) {
        "" | "Z" | "z" => 0,
        zone => {
            let (sign, digits) = match zone.as_bytes().first()? {
                b'+' => (1, zone.get(1..)?),
                b'-' => (-1, zone.get(1..)?),
                _ => return None,
            };
            let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "00"));
            sign * (number(hours, 1, 2)? * 3600 + number(minutes, 2, 2)? * 60)
        }
    };
    Some(Reading::Time(midnight + hours * 3600 + minutes * 60 + seconds - offset, nanoseconds))
}

fn number(text: &str, least: usize, most: usize) -> Option<i64> {
    let is_digits = (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok())?
}

/// Days of the Gregorian calendar, which is taken to have been in use for ever.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Item;
    use windlass_manifest::{Budget, read_text};

    /// The cause of the difference between two values, as they stand behind `a: `.
    #[track_caller]
    fn check(before: &str, after: &str, expected: Option<Cause>) {
        let budget = Budget::new(1 << 20, 1 << 20);
        let read = |value: &str| {
            let mut found = None;
            let outcome = read_text(&format!("a: {value}\n"), &budget, |object| {
                found = Item::of(object.root(), &budget)?.get("a").cloned().map(Item::into_owned);
                Ok::<(), crate::note::ReadError>(())
            });
            outcome.map(|()| found).expect("a document").expect("a value")
        };
        let (was, is) = (read(before), read(after));
        let (Item::Scalar(was), Item::Scalar(is)) = (was, is) else { panic!("two scalars") };
        assert!(!was.means(&is), "{before} and {after} mean the same");
        assert_eq!(cause(&was, &is), expected, "{before} -> {after}");
    }

    #[test]
    fn what_a_dialect_made_is_told_from_what_was_meant() {
        for (before, after, cause) in [
            ("on", "\"on\"", Cause::Yaml12),
            ("y", "'y'", Cause::Yaml12),
            ("\"on\"", "on", Cause::Yaml12),
            ("0755", "755", Cause::Yaml12),
            ("0444", "444", Cause::Yaml12),
            ("1_000", "\"1_000\"", Cause::Yaml12),
            ("0b11", "'0b11'", Cause::Yaml12),
            ("2001-01-01", "\"2001-01-01T00:00:00Z\"", Cause::Date),
            ("2001-01-01", "2001-01-01T00:00:00.000Z", Cause::Date),
            ("2001-12-14t21:59:43.10-05:00", "2001-12-15 02:59:43.100000", Cause::Date),
            ("12:30", "750", Cause::Yaml11),
            ("12:30:45", "45045", Cause::Yaml11),
            ("1.20", "\"1.20\"", Cause::Text),
            ("true", "\"true\"", Cause::Text),
            ("12", "'12'", Cause::Text),
            ("9007199254740993", "9007199254740992", Cause::Digits),
            ("|\n\n  a\n", "|\n  a\n", Cause::BlankLines),
        ] {
            check(before, after, Some(cause));
        }
        for (before, after) in [
            ("on", "off"),
            ("on", "\"off\""),
            ("0755", "644"),
            ("0755", "\"493\""),
            ("\"0755\"", "493"),
            ("\"80\"", "80"),
            ("2001-01-01", "2001-01-02"),
            ("12:30", "751"),
            ("1.20", "1.3"),
            ("a", "b"),
            ("\"a\"", "'b'"),
            ("|\n\n  a\n", "|\n  b\n"),
            ("null", "0"),
            ("{}", "[]"),
        ]
        .into_iter()
        .filter(|(before, _)| !before.starts_with('{'))
        {
            check(before, after, None);
        }
    }
}
