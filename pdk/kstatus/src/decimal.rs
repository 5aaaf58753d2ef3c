//! Numbers as their digits, so that comparison is exact at any size.

use std::cmp::Ordering;

/// A decimal number: 0.DIGITS x 10^`exponent`, without zeros at either end of the digits; zero has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// Reads JSON's number syntax, with an optional plus sign and leading zeros. No NaN, infinity, hexadecimal
    /// or underscores.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some((whole, fraction)) => (whole, fraction),
            None => (mantissa, ""),
        };
        if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..leading);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Decimal { negative: false, digits, exponent: 0 });
        }
        let point = i64::try_from(whole.len()).ok()?.checked_sub(i64::try_from(leading).ok()?)?;
        Some(Decimal { negative, digits, exponent: exponent.checked_add(point)? })
    }
}

fn parse_exponent(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Decimal| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        sign(self).cmp(&sign(other)).then_with(|| {
            let magnitude = self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits));
            if self.negative { magnitude.reverse() } else { magnitude }
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A JSON number's text as Go prints it: integers that fit 64 bits as they are, everything else as a 64-bit
/// float in its shortest form (`3.0` is `3`, `1000000.0` is `1e+06`, `0.5` is `0.5`).
pub(crate) fn go_text(number: &serde_json::Number) -> String {
    if let Some(integer) = number.as_i64() {
        return integer.to_string();
    }
    let float = number.as_f64().unwrap_or(f64::NAN);
    if !float.is_finite() {
        return number.to_string();
    }
    // Rust's `{:e}` gives the shortest digits that read back: `-1.25e-7`.
    let scientific = format!("{float:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return float.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparison_is_exact() {
        let ordered = [
            "-1e30",
            "-10",
            "-9.5",
            "-0.01",
            "0",
            "1e-400",
            "0.1",
            "1",
            "9",
            "9.99",
            "10",
            "9007199254740992",
            "9007199254740993",
            "1e999999",
        ];
        for (left_at, left) in ordered.iter().enumerate() {
            for (right_at, right) in ordered.iter().enumerate() {
                let compared = Decimal::parse(left).unwrap().cmp(&Decimal::parse(right).unwrap());
                assert_eq!(compared, left_at.cmp(&right_at), "{left} {right}");
            }
        }
        for (left, right) in [("1.0", "1"), ("100", "1e2"), ("-0", "0"), ("0.10", "+1e-1"), ("007", "7")] {
            assert_eq!(Decimal::parse(left), Decimal::parse(right));
        }
        for text in ["", "-", "1.", ".5", "1e", "0x1F", "1_000", "NaN", "Inf", "1e+", "100Mi", "50%", "1 2", "１"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
