//! Writes JSON at compile time, into an array of a length that a first pass with `N = 0` has measured.

/// JSON text under construction. Beyond its capacity it only counts.
pub(crate) struct Json<const N: usize> {
    pub(crate) text: [u8; N],
    pub(crate) length: usize,
}

impl<const N: usize> Json<N> {
    pub(crate) const fn new() -> Self {
        Json { text: [0; N], length: 0 }
    }

    const fn byte(&mut self, byte: u8) {
        if self.length < N {
            self.text[self.length] = byte;
        }
        self.length += 1;
    }

    /// Text that is JSON already.
    pub(crate) const fn raw(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut index = 0;
        while index < bytes.len() {
            self.byte(bytes[index]);
            index += 1;
        }
    }

    pub(crate) const fn comma(&mut self, wanted: bool) {
        if wanted {
            self.byte(b',');
        }
    }

    pub(crate) const fn string(&mut self, text: &str) {
        self.byte(b'"');
        let bytes = text.as_bytes();
        let mut index = 0;
        while index < bytes.len() {
            match bytes[index] {
                b'"' => self.raw("\\\""),
                b'\\' => self.raw("\\\\"),
                b'\n' => self.raw("\\n"),
                b'\t' => self.raw("\\t"),
                byte if byte < 0x20 => {
                    const HEX: &[u8; 16] = b"0123456789abcdef";
                    self.raw("\\u00");
                    self.byte(HEX[(byte >> 4) as usize]);
                    self.byte(HEX[(byte & 15) as usize]);
                }
                byte => self.byte(byte),
            }
            index += 1;
        }
        self.byte(b'"');
    }

    pub(crate) const fn integer(&mut self, number: i64) {
        if number < 0 {
            self.byte(b'-');
        }
        let magnitude = number.unsigned_abs();
        let mut divisor = 1;
        while magnitude / divisor >= 10 {
            divisor *= 10;
        }
        while divisor > 0 {
            self.byte(b'0' + (magnitude / divisor % 10) as u8);
            divisor /= 10;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_numbers_read_back() {
        let mut json = Json::<256>::new();
        json.raw("[");
        json.string("a\"b\\c\n\t\u{1}é");
        for number in [0, 7, -10, i64::MIN, i64::MAX] {
            json.comma(true);
            json.integer(number);
        }
        json.raw("]");
        let text = std::str::from_utf8(&json.text[..json.length]).expect("UTF-8");
        assert_eq!(text, r#"["a\"b\\c\n\t\u0001é",0,7,-10,-9223372036854775808,9223372036854775807]"#);
    }
}
