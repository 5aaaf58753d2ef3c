//! The type of a plain scalar, as Helm's YAML library reads it (go-yaml v2 through sigs.k8s.io/yaml): YAML 1.1 with
//! go-yaml's own exceptions. Source of the rules: `resolve.go` of go-yaml v2.

/// What a plain scalar means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlainType {
    Null,
    Bool(bool),
    Int,
    Float,
    /// Also what YAML 1.1 calls a timestamp (`2001-01-01`) or a base-60 number (`12:30`): go-yaml keeps them as text.
    Text,
}

/// The type of a plain scalar's text. A quoted scalar is always text and must not be asked about here.
pub(crate) fn resolve(text: &str) -> PlainType {
    let Some(&first) = text.as_bytes().first() else {
        return PlainType::Null;
    };
    match first {
        b'~' | b'n' | b'N' | b'y' | b'Y' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => match text {
            "~" | "null" | "Null" | "NULL" => PlainType::Null,
            "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => PlainType::Bool(true),
            "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
                PlainType::Bool(false)
            }
            _ => PlainType::Text,
        },
        b'.' => match text {
            ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" => PlainType::Float,
            _ if is_decimal_float(text) => PlainType::Float,
            _ => PlainType::Text,
        },
        b'0'..=b'9' | b'+' | b'-' => {
            if parse_int(text).is_some() {
                return PlainType::Int;
            }
            if matches!(text, "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF") {
                return PlainType::Float;
            }
            let is_float = match text.contains('_') {
                true => is_decimal_float(&text.replace('_', "")),
                false => is_decimal_float(text),
            };
            if is_float { PlainType::Float } else { PlainType::Text }
        }
        _ => PlainType::Text,
    }
}

/// Whether a plain scalar means true or false in the YAML 1.2 core schema. In configuration, the further words of YAML
/// 1.1 (`on`, `no`, `y`) stay text, so that `country: no` is not silently a boolean where a string is wanted.
pub(crate) fn core_bool(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// The value of an integer in any notation go-yaml accepts (`12`, `-0x1F`, `0755`, `0o17`, `0b101`, `1_000`), if it
/// fits an `i64` or a `u64`.
pub(crate) fn parse_int(text: &str) -> Option<i128> {
    let mut bytes = text.bytes().filter(|&byte| byte != b'_').peekable();
    if !matches!(text.as_bytes().first(), Some(b'0'..=b'9' | b'+' | b'-')) {
        return None;
    }
    let negative = match bytes.peek() {
        Some(b'-') => {
            bytes.next();
            true
        }
        Some(b'+') => {
            bytes.next();
            false
        }
        _ => false,
    };
    let mut radix = 10u32;
    let mut digits = 0usize;
    if bytes.peek() == Some(&b'0') {
        bytes.next();
        match bytes.peek() {
            None => return Some(0),
            Some(b'x' | b'X') => radix = 16,
            Some(b'b' | b'B') => radix = 2,
            Some(b'o' | b'O') => radix = 8,
            Some(_) => {
                radix = 8;
                digits = 1;
            }
        }
        if digits == 0 {
            bytes.next();
        }
    }
    let mut value: i128 = 0;
    for byte in bytes {
        let digit = (byte as char).to_digit(radix)?;
        value = value.checked_mul(i128::from(radix))?.checked_add(i128::from(digit))?;
        if value > i128::from(u64::MAX) {
            return None;
        }
        digits += 1;
    }
    if digits == 0 {
        return None;
    }
    let value = if negative { -value } else { value };
    (value >= i128::from(i64::MIN)).then_some(value)
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`, and in the range of a 64-bit float.
fn is_decimal_float(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut position = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let digits_from = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits_from(position);
    position += whole;
    let mut fraction = 0;
    if bytes.get(position) == Some(&b'.') {
        fraction = digits_from(position + 1);
        position += 1 + fraction;
    }
    if whole + fraction == 0 {
        return false;
    }
    let mut exponent = 0;
    let digits = bytes.iter().take(position).filter(|byte| byte.is_ascii_digit());
    if matches!(bytes.get(position), Some(b'e' | b'E')) {
        position += 1;
        let is_negative = bytes.get(position) == Some(&b'-');
        position += usize::from(matches!(bytes.get(position), Some(b'+' | b'-')));
        let length = digits_from(position);
        if length == 0 {
            return false;
        }
        for byte in bytes.iter().skip(position).take(length) {
            exponent = (exponent * 10 + i64::from(byte - b'0')).min(MAX_EXPONENT);
        }
        exponent = if is_negative { -exponent } else { exponent };
        position += length;
    }
    // Go refuses to parse what overflows, and the scalar then stays text.
    position == bytes.len() && is_finite(digits, whole, exponent)
}

/// Exponents beyond this are all alike: a document is shorter than the zeros that would make up for one.
const MAX_EXPONENT: i64 = 1 << 40;

/// 2^1024 - 2^970, the least number that rounds to infinity; its first digit stands for 10^308.
const OVERFLOW: &[u8] = b"\
    1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490179775872070\
    9633028641669288791094655554785194040263065748867150582068190890200070838367627385484581771153176447\
    5730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880177904\
    174497792";

/// Whether digits, of which the first `whole` stand before the point, times ten to the `exponent` fit a 64-bit float.
/// Parsing it as a float would tell as much, but would bring 17 KB of tables into every module.
fn is_finite<'d>(digits: impl Iterator<Item = &'d u8>, whole: usize, exponent: i64) -> bool {
    let mut digits = digits.enumerate().skip_while(|(_, digit)| **digit == b'0').peekable();
    let Some(&(zeros, _)) = digits.peek() else { return true };
    // The power of ten that the first digit which is no zero stands for.
    let power = exponent + whole as i64 - zeros as i64 - 1;
    if power != 308 {
        return power < 308;
    }
    let digits = digits.map(|(_, digit)| *digit).chain(std::iter::repeat(b'0'));
    digits.take(OVERFLOW.len()).lt(OVERFLOW.iter().copied())
}

/// A number as the key that Helm makes of it: an integer in decimal digits, a float as Go writes it (`1.20` is `1.2`).
/// `None` where that takes the arithmetic of floats: with more digits than a 32-bit float has.
pub(crate) fn key_of_number(raw: &str) -> Option<String> {
    if let Some(value) = parse_int(raw) {
        return Some(value.to_string());
    }
    if raw.ends_with(['f', 'F', 'n', 'N']) {
        let text = raw.to_ascii_lowercase();
        return Some(text.trim_start_matches('+').to_owned());
    }
    let number = to_json_number(raw)?;
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((&number, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => ("-", mantissa),
        None => ("", mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = [whole, fraction].concat();
    digits.truncate(digits.trim_end_matches('0').len());
    let zeros = digits.len() - digits.trim_start_matches('0').len();
    digits.drain(..zeros);
    // The power of ten that the first digit stands for.
    let power = whole.len() as i32 - zeros as i32 - 1 + exponent;
    if digits.is_empty() {
        return Some(format!("{sign}0"));
    }
    const FLOAT_DIGITS: usize = 6;
    if digits.len() > FLOAT_DIGITS || !(-37..38).contains(&power) {
        return None;
    }
    let mut out = sign.to_owned();
    if !(-4..6).contains(&power) {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        out.push_str(&format!("{first}{point}{rest}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs()));
    } else if power < 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', (-power - 1) as usize));
        out.push_str(&digits);
    } else {
        let whole = power as usize + 1;
        out.extend(digits.chars().chain(std::iter::repeat('0')).take(whole));
        if let Some(fraction) = digits.get(whole..).filter(|fraction| !fraction.is_empty()) {
            out.push('.');
            out.push_str(fraction);
        }
    }
    Some(out)
}

/// What a scalar with the tag `!!binary` means: the text that its base64 stands for. `None` if it is not that.
#[cold]
pub(crate) fn decode_base64(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut digits, mut padding) = (0u32, 0u32, 0u32);
    for byte in text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')) {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' if digits % 4 >= 2 => {
                padding += 1;
                0
            }
            _ => return None,
        };
        if padding > 0 && byte != b'=' {
            return None;
        }
        bits = bits << 6 | u32::from(digit);
        digits += 1;
        if digits % 4 == 0 {
            let group = bits.to_be_bytes();
            bytes.extend(group.iter().skip(1).take(3_usize.saturating_sub(padding as usize)));
        }
    }
    (digits % 4 == 0 && padding <= 2).then(|| in_json(&bytes))
}

/// Bytes as Go writes them into JSON: each one that is no UTF-8 is a replacement character.
fn in_json(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

/// Whether the raw text of a number is one in JSON too.
pub(crate) fn is_json_number(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    let mut position = usize::from(bytes.first() == Some(&b'-'));
    let digits_from = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits_from(position);
    if whole == 0 || (whole > 1 && bytes.get(position) == Some(&b'0')) {
        return false;
    }
    position += whole;
    if bytes.get(position) == Some(&b'.') {
        let fraction = digits_from(position + 1);
        if fraction == 0 {
            return false;
        }
        position += 1 + fraction;
    }
    if matches!(bytes.get(position), Some(b'e' | b'E')) {
        position += 1;
        position += usize::from(matches!(bytes.get(position), Some(b'+' | b'-')));
        let exponent = digits_from(position);
        if exponent == 0 {
            return false;
        }
        position += exponent;
    }
    position == bytes.len()
}

/// The same number in JSON's notation; `None` for infinities and not-a-number, which JSON does not have.
pub(crate) fn to_json_number(raw: &str) -> Option<String> {
    if is_json_number(raw) {
        return Some(raw.to_owned());
    }
    if let Some(value) = parse_int(raw) {
        return Some(value.to_string());
    }
    let plain = raw.replace('_', "");
    if !is_decimal_float(&plain) {
        return None;
    }
    let (sign, unsigned) = match plain.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => unsigned.split_at(at),
        None => (unsigned, ""),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = whole.trim_start_matches('0');
    let mut out = String::from(sign);
    out.push_str(if whole.is_empty() { "0" } else { whole });
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out.push_str(exponent);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_keys_are_those_that_go_makes_of_them() {
        for (raw, key) in [
            ("1.20", "1.2"),
            ("0x10", "16"),
            ("0755", "493"),
            ("1_000", "1000"),
            ("1e6", "1e+06"),
            ("123456.0", "123456"),
            ("0.0001", "0.0001"),
            ("-0.00001", "-1e-05"),
            ("1.5e10", "1.5e+10"),
            ("-0.0", "-0"),
            ("+.INF", ".inf"),
            ("-.Inf", "-.inf"),
            (".NaN", ".nan"),
        ] {
            assert_eq!(key_of_number(raw).as_deref(), Some(key), "{raw}");
        }
    }

    #[test]
    fn binary_is_the_text_behind_it() {
        for (text, decoded) in [
            ("aGk=", Some("hi")),
            ("aA==", Some("h")),
            ("aGlo\naGk=\n", Some("hihhi")),
            ("", Some("")),
            ("4oJh8J+S", Some("\u{fffd}\u{fffd}a\u{fffd}\u{fffd}\u{fffd}")),
        ] {
            assert_eq!(decode_base64(text).as_deref(), decoded, "{text:?}");
        }
        for text in ["a", "aGk", "aGk==", "a===", "aG k", "=aGk", "aA=A", "aGk=aGk="] {
            assert_eq!(decode_base64(text), None, "{text:?}");
        }
    }

    #[test]
    fn plain_scalars_have_the_types_go_yaml_gives_them() {
        let int = [
            "0",
            "12",
            "-3",
            "+4",
            "0755",
            "0o17",
            "0x1F",
            "0b101",
            "1_000",
            "18446744073709551615",
            "-9223372036854775808",
        ];
        let float = [
            "1.20",
            "1e3",
            ".5",
            "-.5",
            "1.",
            "08",
            "1_0.5",
            ".inf",
            "-.Inf",
            ".NaN",
            "18446744073709551616",
            "-9223372036854775809",
        ];
        let text = [
            "12:30",
            "2001-01-01",
            "1e",
            "1.2.3",
            "-",
            "+",
            "0x",
            "0b",
            "1e999",
            ".",
            "..",
            "-.",
            "_1",
            "0o9",
            "nuLL",
            "oN",
            "tRue",
            "yess",
            "1.2e3.4",
            "5432-x",
            "=",
            "<<",
        ];
        for (texts, expected) in
            [(&int[..], PlainType::Int), (&float[..], PlainType::Float), (&text[..], PlainType::Text)]
        {
            for text in texts {
                assert_eq!(resolve(text), expected, "{text}");
            }
        }
        for text in ["y", "Yes", "ON", "true"] {
            assert_eq!(resolve(text), PlainType::Bool(true), "{text}");
        }
        for text in ["n", "No", "OFF", "False"] {
            assert_eq!(resolve(text), PlainType::Bool(false), "{text}");
        }
        for text in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(resolve(text), PlainType::Null, "{text}");
        }
    }

    #[test]
    fn numbers_keep_their_text_in_json_where_json_has_it() {
        for (raw, json) in [
            ("1.20", "1.20"),
            ("1e3", "1e3"),
            ("0755", "493"),
            ("1_000", "1000"),
            ("+1", "1"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("1.", "1"),
            ("08", "8"),
            ("0x1F", "31"),
            ("00.5", "0.5"),
            ("+1.e5", "1e5"),
        ] {
            assert_eq!(to_json_number(raw).as_deref(), Some(json), "{raw}");
        }
        assert_eq!(to_json_number(".inf"), None);
    }

    #[test]
    fn what_overflows_a_float_is_known_without_parsing_it() {
        let largest = format!("{:.0}", f64::MAX);
        let least_too_large = std::str::from_utf8(OVERFLOW).expect("digits");
        let mut below = OVERFLOW.to_vec();
        *below.last_mut().expect("digits") -= 1;
        let below = String::from_utf8(below).expect("digits");
        for text in [
            largest.as_str(),
            least_too_large,
            &below,
            &format!("{below}.999"),
            &format!("0.00{least_too_large}e311"),
            &format!("000{least_too_large}"),
            "1.7976931348623157e308",
            "1.7976931348623159e308",
            "-1e309",
            "0e99999999999999999999",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            ".1e309",
            ".1e310",
            "1e308",
            "0.0",
        ] {
            let fits = text.parse::<f64>().expect("a float").is_finite();
            assert_eq!(is_decimal_float(text), fits, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn floats_fit_as_the_standard_library_says(text in "[-+]?[0-9]{0,4}(\\.[0-9]{0,20})?(e[-+]?(30[5-9]|3[01][0-9]|[0-9]{1,4}))?") {
            let fits = text.parse::<f64>().is_ok_and(f64::is_finite);
            proptest::prop_assert_eq!(is_decimal_float(&text), fits);
        }
    }
}
